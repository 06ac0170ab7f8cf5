"""Reports as files: Word with counted numbers, changes and tables; PDF with wrapped lines; refusals."""

from __future__ import annotations

import io
import zipfile

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from made_reports import REPORTS
from reportlab.lib.pagesizes import A4
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from perfxl.errors import Unreadable
from perfxl.narrative.checker import check_lines
from perfxl.narrative.findings import Verdict
from perfxl.narrative.text import read_report


def as_docx(document: docx.document.Document) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def report_docx(text: str) -> bytes:
    document = docx.Document()
    for line in text.splitlines():
        document.add_paragraph(line)
    return as_docx(document)


def report_pdf(text: str) -> bytes:
    """Printed as an office program does: lines of 36 characters, so many to a page."""
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    lines = [
        "　　" * 0 + line[at : at + 36]
        for line in text.splitlines()
        for at in range(0, len(line), 36)
    ]
    for first in range(0, len(lines), 30):
        canvas.setFont("STSong-Light", 12)
        for number, line in enumerate(lines[first : first + 30]):
            canvas.drawString(70, 780 - 22 * number, line)
        canvas.drawString(280, 40, f"— {first // 30 + 1} —")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_in_word_reads_like_its_text(name: str) -> None:
    text = REPORTS[name][0]
    plain = check_lines(read_report(text.encode(), "a.txt")).findings
    word = check_lines(read_report(report_docx(text), "a.docx")).findings
    assert [(f.verdict, f.found, f.arithmetic) for f in word] == [
        (f.verdict, f.found, f.arithmetic) for f in plain
    ]


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_in_pdf_has_no_contradiction_and_shows_one(name: str) -> None:
    text, plants = REPORTS[name]
    assert check_lines(read_report(report_pdf(text), "a.pdf")).contradictions == []
    old, new, _ = plants[0]
    found = check_lines(read_report(report_pdf(text.replace(old, new)), "a.pdf")).contradictions
    assert found
    assert all(one.place.startswith("第 1 页第 ") for one in found)


def numbered(document: docx.document.Document) -> None:
    """Two levels that Word counts itself: 一、 and （一）."""
    numbering = document.part.numbering_part.element
    levels = "".join(
        f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="chineseCounting"/>'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
        for level, text in ((0, "%1、"), (1, "（%2）"))
    )
    numbering.insert(
        0, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="90">{levels}</w:abstractNum>')
    )
    numbering.append(
        parse_xml(f'<w:num {nsdecls("w")} w:numId="90"><w:abstractNumId w:val="90"/></w:num>')
    )


def test_numbers_that_word_counts_are_seen() -> None:
    document = docx.Document()
    numbered(document)
    for level, text in (
        (0, "基础工作（20分，自评得分18分）"), (1, "组织保障（10分，自评得分10分）"),
        (1, "制度建设（10分，自评得分9分）"),
        (0, "信息公开（10分，自评得分10分）"),
    ):  # fmt: skip
        paragraph = document.add_paragraph(text)
        paragraph._p.get_or_add_pPr().append(
            parse_xml(
                f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="90"/></w:numPr>'
            )
        )
    (found,) = check_lines(read_report(as_docx(document), "a.docx")).contradictions
    assert found.path == "一、基础工作"
    assert found.arithmetic.startswith("10 + 9 = 19 ≠ 18")


def test_what_was_inserted_counts_and_what_was_deleted_does_not() -> None:
    document = docx.Document()
    document.add_paragraph("一、基础工作（10分，自评得分8分）")
    paragraph = document.add_paragraph("印发通知得5分，出台办法得")
    for tag, run in (("del", "<w:delText>4</w:delText>"), ("ins", "<w:t>3</w:t>")):
        paragraph._p.append(
            parse_xml(f'<w:{tag} {nsdecls("w")} w:id="1" w:author="a"><w:r>{run}</w:r></w:{tag}>')
        )
    paragraph.add_run("分。")
    result = check_lines(read_report(as_docx(document), "a.docx"))
    assert [(f.verdict, f.arithmetic) for f in result.findings] == [
        (Verdict.CONFIRMED, "5 + 3 = 8")
    ]


TABLE = (
    ("一级指标", "二级指标", "分值", "自评得分", "备注"),
    ("基础工作（15分）", "组织保障", "5", "5", ""),
    ("基础工作（15分）", "制度建设", "10", "8.5", ""),
    ("目标管理（25分）", "目标编报", "25", "24", ""),
    ("合计", "", "40", "37.5", ""),
)


def table_docx(rows: tuple[tuple[str, ...], ...], *text: str) -> bytes:
    document = docx.Document()
    for line in text:
        document.add_paragraph(line)
    table = document.add_table(len(rows), len(rows[0]))
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, value in zip(row.cells, cells, strict=True):
            cell.text = value
    table.cell(2, 0).text = ""
    table.cell(1, 0).merge(table.cell(2, 0))
    return as_docx(document)


def test_a_score_table_adds_up() -> None:
    result = check_lines(read_report(table_docx(TABLE), "a.docx"))
    assert result.contradictions == []
    assert "5 + 8.5 + 24 = 37.5" in [one.arithmetic for one in result.findings]


@pytest.mark.parametrize(
    ("row", "column", "value", "place"),
    [(2, 3, "8", "表 1 第 5 行"), (2, 2, "11", "表 1 第 2 行"), (1, 3, "6", "表 1 第 2 行"),
     (4, 3, "38", "表 1 第 5 行")],
)  # fmt: skip
def test_a_score_table_that_does_not(row: int, column: int, value: str, place: str) -> None:
    rows = [list(cells) for cells in TABLE]
    rows[row][column] = value
    data = table_docx(tuple(map(tuple, rows)))
    found = check_lines(read_report(data, "a.docx")).contradictions
    assert place in [one.place for one in found]


def test_a_score_table_against_the_text() -> None:
    text = ("一、组织保障（5分，自评得分4分）", "二、制度建设（10分，自评得分8.5分）")
    found = check_lines(read_report(table_docx(TABLE, *text), "a.docx")).contradictions
    assert [(one.found, one.arithmetic) for one in found] == [("表中“组织保障”自评 5 分", "5 ≠ 4")]


def bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"<a>" + b" " * (80 << 20) + b"</a>")
    return buffer.getvalue()


def scanned() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    canvas.rect(100, 100, 50, 50)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "data", "said"),
    [
        ("a.docx", b"", "空的"),
        ("a.txt", b"\n  \n", "没有文字"),
        ("a.txt", b"\x81\xff\xff\x00", "编码"),
        ("a.doc", b"\xd0\xcf\x11\xe0", "不认识的报告格式"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "旧版 .doc"),
        ("a.docx", b"PK\x03\x04....", "损坏"),
        ("a.docx", b"hello", "不是 Word"),
        ("a.docx", bomb(), "过大"),
        ("a.pdf", b"%PDF-1.4 nothing", "PDF 文件损坏"),
        ("a.pdf", scanned(), "没有文字层"),
    ],
)
def test_what_cannot_be_read_is_told(file: str, data: bytes, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        read_report(data, file)
    assert said in str(refused.value)
    assert "工作簿" not in str(refused.value)
    assert refused.value.remedy


def test_no_outline_says_what_was_looked_for() -> None:
    with pytest.raises(Unreadable, match="一、（一）1"):
        check_lines(read_report("今天天气很好。\n没有标题。".encode(), "a.txt"), "a.txt")
