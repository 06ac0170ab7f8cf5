"""The form checker: the standard's figures in what perfxl writes, and each deviation seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from perfxl.documents.form_check import Measured, check_form
from perfxl.errors import Unreadable

# The figures of GB/T 9704-2012 that the circular shows, as the checker reads them back.
STANDARD = {
    "纸张宽": "210.0 毫米",
    "纸张高": "297.0 毫米",
    "天头（上白边）": "37.0 毫米",
    "订口（左白边）": "28.0 毫米",
    "版心宽": "156.0 毫米",
    "版心高": "225.0 毫米",
    "单双页页码分设": "是",
    "单页码位置": "居右",
    "双页码位置": "居左",
    "单页码写法": "— 1 —",
    "单页码字体": "宋体",
    "单页码字号": "14 磅",
    "双页码空一字": "14 磅",
    "一字线在版心下": "7.0 毫米",
    "发文机关标志字体": "方正小标宋简体",
    "发文机关标志颜色": "FF0000",
    "发文字号写法": "石财绩〔2024〕3号",
    "版头中的分隔线": "FF0000",
    "标题字体": "方正小标宋简体",
    "标题字号": "22 磅",
    "标题位置": "居中",
    "主送机关字体": "仿宋_GB2312",
    "主送机关顶格": "0 磅",
    "一级标题字体": "黑体",
    "二级标题字体": "楷体_GB2312",
    "正文字体": "仿宋_GB2312",
    "正文字号": "16 磅",
    "每面行数": "22 行，28.95 磅",
    "每行字数": "28 字",
    "段首空": "2 字",
    "成文日期": "右空 4.0 字",
    "附件顺序号字体": "黑体",
    "附件标题字号": "22 磅",
    "附件另面编排": "是",
    "表 1 续页重复表头": "是",
    "表 1 行不跨页断开": "是",
    "版记字号": "14 磅",
    "版记首条分隔线": "0.35 毫米",
    "版记末条分隔线": "0.35 毫米",
    "版记中间分隔线": "0.26 毫米",
}


@pytest.fixture(scope="module")
def circular(finished_demo: Path) -> bytes:
    return (finished_demo / "成果" / "通报.docx").read_bytes()


def off(data: bytes) -> set[str]:
    return {one.item for one in check_form(data, "x.docx") if not one.holds}


def test_the_figures_of_the_standard_in_the_circular(circular: bytes) -> None:
    measured: list[Measured] = check_form(circular, "通报.docx")
    found = {one.item: one.found for one in measured}
    assert {item: found.get(item) for item in STANDARD} == STANDARD
    assert [one for one in measured if not one.holds] == []


def test_report_and_public_version_keep_the_form(finished_demo: Path) -> None:
    for name in ("政府报告.docx", "公开稿.docx"):
        assert off((finished_demo / "成果" / name).read_bytes()) == set()


def starting(document: Document, text: str) -> Paragraph:
    return next(one for one in document.paragraphs if one.text.startswith(text))


def margins(document: Document) -> None:
    document.sections[0].top_margin, document.sections[0].left_margin = Mm(25), Mm(31)


def letter(document: Document) -> None:
    document.sections[0].page_width = Mm(216)


def body_size(document: Document) -> None:
    starting(document, "本次考核").runs[0].font.size = Pt(14)


def body_font(document: Document) -> None:
    run = starting(document, "本次考核").runs[0]
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), "微软雅黑")


def pitch(document: Document) -> None:
    layout = starting(document, "本次考核").paragraph_format
    layout.line_spacing_rule, layout.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(25)


def no_pitch(document: Document) -> None:
    starting(document, "本次考核").paragraph_format.line_spacing = 1.5


def indent(document: Document) -> None:
    starting(document, "本次考核").paragraph_format.first_line_indent = Pt(0)


def heading(document: Document) -> None:
    run = starting(document, "二、").runs[0]
    for slot in ("w:ascii", "w:eastAsia"):
        run._r.get_or_add_rPr().get_or_add_rFonts().set(qn(slot), "仿宋_GB2312")


def title(document: Document) -> None:
    paragraph = starting(document, "石楼县财政局关于")
    paragraph.runs[0].font.size = Pt(18)


def number(document: Document) -> None:
    starting(document, "石财绩").runs[0].text = "石财绩[2024]3号"


def black_mark(document: Document) -> None:
    starting(document, "石楼县财政局文件").runs[0].font.color.rgb = RGBColor(0, 0, 0)


def one_footer(document: Document) -> None:
    document.settings.odd_and_even_pages_header_footer = False


def centred_number(document: Document) -> None:
    footer = document.sections[0].footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER


def indented_addressees(document: Document) -> None:
    starting(document, "各乡").paragraph_format.first_line_indent = Pt(32)


def attachment_on_the_same_page(document: Document) -> None:
    starting(document, "附件1").paragraph_format.page_break_before = False


def heading_once(document: Document) -> None:
    properties = document.tables[0].rows[0]._tr.trPr
    properties.remove(properties.find(qn("w:tblHeader")))


def torn_row(document: Document) -> None:
    properties = document.tables[1].rows[2]._tr.trPr
    properties.remove(properties.find(qn("w:cantSplit")))


def thin_rule(document: Document) -> None:
    border = document.tables[-1]._tbl.tblPr.find(f"{qn('w:tblBorders')}/{qn('w:top')}")
    border.set(qn("w:sz"), "4")


@pytest.mark.parametrize(
    ("change", "items"),
    [
        (margins, {"天头（上白边）", "订口（左白边）", "版心宽", "版心高"}),
        (letter, {"纸张宽", "版心宽"}),
        (body_size, {"正文字号", "每行字数", "段首空"}),
        (body_font, {"正文字体"}),
        (pitch, {"每面行数"}),
        (no_pitch, {"每面行数"}),
        (indent, {"段首空"}),
        (heading, {"一级标题字体"}),
        (title, {"标题字号"}),
        (number, {"发文字号写法"}),
        (black_mark, {"发文机关标志颜色"}),
        (one_footer, {"单双页页码分设"}),
        (centred_number, {"单页码位置"}),
        (indented_addressees, {"主送机关顶格"}),
        (attachment_on_the_same_page, {"附件另面编排"}),
        (heading_once, {"表 1 续页重复表头"}),
        (torn_row, {"表 2 行不跨页断开"}),
        (thin_rule, {"版记首条分隔线"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_deviation_is_seen(
    circular: bytes, change: Callable[[Document], None], items: set[str]
) -> None:
    document = docx.Document(io.BytesIO(circular))
    change(document)
    saved = io.BytesIO()
    document.save(saved)
    assert off(saved.getvalue()) == items


@pytest.mark.parametrize("data", [b"", b"no document", b"PK\x03\x04broken"])
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(Unreadable):
        check_form(data, "x.docx")


def test_a_workbook_is_no_document(finished_demo: Path) -> None:
    with pytest.raises(Unreadable):
        check_form((finished_demo / "成果" / "综合评分表.xlsx").read_bytes(), "x.docx")
