"""The official form: what is read back from a saved document, and how it comes out on paper."""

from __future__ import annotations

import datetime
import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn
from docx.shared import Mm
from docx.text.paragraph import Paragraph
from hypothesis import given, settings
from hypothesis import strategies as st

from perfxl.documents import measures
from perfxl.documents.measures import chinese_number, signature_indents
from perfxl.documents.official import OfficialDocument, TableColumn

DATE = datetime.date(2024, 1, 31)
COLUMNS = (
    TableColumn("排名", 16, "center"),
    TableColumn("单位", 80),
    TableColumn("得分", 30, "right"),
)
HOSTILE = '甲\x00乙\x0b丙\ud800丁\uffff戊\u202e己 <w:r/> &amp; {PAGE} =HYPERLINK("http://x")'


def new_document() -> OfficialDocument:
    return OfficialDocument(
        issuing_mark="石楼县财政局文件",
        document_number="石财绩〔2024〕3号",
        title="关于2023年度预算绩效管理工作考核情况的通报",
        addressees="各乡镇人民政府，县直各单位",
    )


def circular() -> OfficialDocument:
    document = new_document()
    document.paragraph("现将考核情况通报如下。")
    document.heading(1, "总体情况")
    document.heading(2, "报送情况")
    document.heading(2, "得分情况")
    document.heading(3, "县级部门")
    document.heading(4, "优秀")
    document.heading(1, "存在的问题")
    document.heading(2, "目标编制")
    document.attachment_note(["考核排名表", "问题清单"])
    document.signature("石楼县财政局", DATE)
    document.attachment("考核排名表")
    document.table(
        COLUMNS, [["1", "县教育科技局", "98.0"], ["2", "县水利局", "92.5"]], caption="部门"
    )
    document.copies("县委办公室，县政府办公室", "石楼县财政局办公室", DATE)
    return document


def read_back(document: OfficialDocument) -> Document:
    return docx.Document(io.BytesIO(document.to_bytes()))


def paragraph_with(document: Document, text: str) -> Paragraph:
    return next(p for p in document.paragraphs if text in p.text)


def style_fonts(paragraph: Paragraph) -> set[str | None]:
    assert paragraph.style is not None
    fonts = paragraph.style.element.rPr.rFonts
    return {fonts.get(qn(f"w:{slot}")) for slot in ("ascii", "hAnsi", "eastAsia", "cs")}


def xml_parts(data: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            yield package.read(name).decode()


def test_page_is_a4_with_the_standards_margins() -> None:
    section = read_back(new_document()).sections[0]
    lengths = [
        section.page_width,
        section.page_height,
        section.top_margin,
        section.bottom_margin,
        section.left_margin,
        section.right_margin,
    ]
    # Word keeps twips, a seventeenth of a millimetre.
    for length, millimetres in zip(lengths, (210, 297, 37, 35, 28, 26), strict=True):
        assert length is not None
        assert length.mm == pytest.approx(millimetres, abs=0.02)


def test_body_is_fangsong_16_with_22_lines_of_28_characters() -> None:
    paragraph = paragraph_with(read_back(circular()), "现将考核")
    style = paragraph.style
    assert style is not None
    assert style_fonts(paragraph) == {"仿宋_GB2312"}
    assert style.font.size.pt == 16
    assert style.paragraph_format.line_spacing.pt == 28.95
    assert 22 * 28.95 <= Mm(225).pt < 23 * 28.95
    spacing = int(style.element.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert 28 * (16 + spacing) <= Mm(156).pt < 29 * (16 + spacing)
    indent = style.element.pPr.find(qn("w:ind"))
    assert indent.get(qn("w:firstLineChars")) == "200"
    assert style.paragraph_format.first_line_indent.pt == pytest.approx(32, abs=1)
    language = style.element.rPr.find(qn("w:lang"))
    assert language.get(qn("w:eastAsia")) == "zh-CN"


def test_head_is_red_above_a_red_rule() -> None:
    document = read_back(new_document())
    mark, number, title = document.paragraphs[:3]
    assert [mark.text, number.text] == ["石楼县财政局文件", "石财绩〔2024〕3号"]
    assert mark.style is not None and number.style is not None and title.style is not None
    assert str(mark.style.font.color.rgb) == "FF0000"
    rule = number.style.element.pPr.find(qn("w:pBdr")).find(qn("w:bottom"))
    assert rule.get(qn("w:color")) == "FF0000"
    assert style_fonts(title) == {"方正小标宋简体"}
    assert title.style.font.size.pt == 22


def test_long_issuing_mark_stays_on_one_line() -> None:
    mark = "石楼县预算绩效管理工作领导小组办公室文件"
    size = (
        read_back(OfficialDocument(issuing_mark=mark, title="通报")).paragraphs[0].runs[0].font.size
    )
    assert size is not None
    assert size.pt * len(mark) <= Mm(156).pt


def test_without_mark_and_number_there_is_no_head() -> None:
    assert read_back(OfficialDocument(title="报告")).paragraphs[0].text == "报告"


def test_headings_are_numbered_and_lower_levels_restart() -> None:
    document = read_back(circular())
    headings = [
        p for p in document.paragraphs if p.style and str(p.style.name).startswith("Heading")
    ]
    assert [p.text for p in headings] == [
        "一、总体情况",
        "（一）报送情况",
        "（二）得分情况",
        "1.县级部门",
        "（1）优秀",
        "二、存在的问题",
        "（一）目标编制",
    ]
    assert [style_fonts(p) for p in headings[:5]] == [
        {"黑体"},
        {"楷体_GB2312"},
        {"楷体_GB2312"},
        {"仿宋_GB2312"},
        {"仿宋_GB2312"},
    ]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1, "一"),
        (10, "十"),
        (11, "十一"),
        (20, "二十"),
        (42, "四十二"),
        (105, "一百零五"),
        (110, "一百一十"),
        (1001, "一千零一"),
        (1010, "一千零一十"),
    ],
)
def test_chinese_numbers(number: int, text: str) -> None:
    assert chinese_number(number) == text


def test_lines_of_a_text_become_paragraphs() -> None:
    document = new_document()
    document.paragraph("第一段\r\n\n  第二段\u2028第三段")
    assert [p.text for p in read_back(document).paragraphs[-3:]] == ["第一段", "第二段", "第三段"]


def test_addressees_end_with_one_full_width_colon() -> None:
    for given_text in ("各单位", "各单位：", "各单位:"):
        document = OfficialDocument(title="通报", addressees=given_text)
        assert read_back(document).paragraphs[1].text == "各单位："


def test_attachments_are_numbered_as_announced() -> None:
    document = read_back(circular())
    texts = [p.text for p in document.paragraphs]
    assert "附件：1.考核排名表" in texts and "2.问题清单" in texts
    label = paragraph_with(document, "附件1")
    assert label.text == "附件1" and style_fonts(label) == {"黑体"}
    assert label.style is not None and label.style.paragraph_format.page_break_before


def test_a_single_attachment_has_no_number() -> None:
    document = new_document()
    document.attachment_note(["考核排名情况表"])
    document.attachment("考核排名\n情况表")
    texts = [p.text for p in read_back(document).paragraphs]
    assert texts[-3:] == ["附件：考核排名情况表", "附件", "考核排名\n情况表"]


def test_a_title_with_line_breaks_may_be_announced_as_it_is() -> None:
    document = new_document()
    document.attachment_note(["考核排名\n情况表"])
    document.attachment("考核排名\n情况表")
    assert "附件：考核排名情况表" in [p.text for p in read_back(document).paragraphs]


def test_an_attachment_that_was_not_announced_is_refused() -> None:
    with pytest.raises(ValueError, match="announce"):
        new_document().attachment("排名表")


def test_signature_stands_as_the_standard_says() -> None:
    # 石楼县财政局 is 6 characters wide, 2024年1月31日 6.5, the office 18.
    date, office = "2024年1月31日", "石楼县预算绩效管理工作领导小组办公室"
    assert signature_indents("石楼县财政局", date, sealed=True) == (4.25, 4)
    assert signature_indents(office, date, sealed=True) == (2, 7.75)
    assert signature_indents("石楼县财政局", date, sealed=False) == (4.5, 2)
    assert signature_indents(office, date, sealed=False) == (2, 11.5)
    paragraphs = read_back(circular()).paragraphs
    issuer = next(i for i, p in enumerate(paragraphs) if p.text == "石楼县财政局")
    assert paragraphs[issuer + 1].text == date
    assert paragraphs[issuer].paragraph_format.keep_with_next
    indent = paragraphs[issuer + 1].paragraph_format.right_indent
    assert indent is not None and indent.pt == pytest.approx(4 * 15.75, abs=0.1)


def test_table_repeats_its_heading_and_keeps_rows_whole() -> None:
    table = read_back(circular()).tables[0]
    assert [[cell.text for cell in row.cells] for row in table.rows] == [
        ["排名", "单位", "得分"],
        ["1", "县教育科技局", "98.0"],
        ["2", "县水利局", "92.5"],
    ]
    rows = [row._tr.trPr for row in table.rows]
    assert all(row.find(qn("w:cantSplit")) is not None for row in rows)
    assert [row.find(qn("w:tblHeader")) is not None for row in rows] == [True, False, False]
    borders = table._tbl.tblPr.find(qn("w:tblBorders"))
    assert {border.get(qn("w:color")) for border in borders} == {"000000"} and len(borders) == 6
    assert [round(column.width.mm) for column in table.columns if column.width] == [16, 80, 30]


def test_table_wider_than_the_page_is_narrowed_and_set_smaller() -> None:
    document = OfficialDocument(title="报告")
    document.table([TableColumn(f"列{i}", 40) for i in range(10)], [["1"] * 10])
    table = read_back(document).tables[0]
    assert sum(column.width or 0 for column in table.columns) <= Mm(156)
    size = table.rows[1].cells[0].paragraphs[0].runs[0].font.size
    assert size is not None and size.pt == 10.5


def test_table_rows_must_fit_the_columns() -> None:
    with pytest.raises(ValueError, match="each column"):
        new_document().table(COLUMNS, [["1", "县水利局"]])


def test_imprint_is_the_last_part() -> None:
    document = circular()
    imprint = read_back(document).tables[-1]
    assert [row.cells[0].text for row in imprint.rows] == [
        "抄送：县委办公室，县政府办公室。",
        "石楼县财政局办公室\t2024年1月31日印发",
    ]
    assert imprint._tbl.tblPr.find(qn("w:tblpPr")).get(qn("w:tblpYSpec")) == "bottom"
    with pytest.raises(ValueError, match="last part"):
        document.paragraph("后记")


def test_imprint_without_copies_has_one_line() -> None:
    document = new_document()
    document.copies("", "石楼县财政局办公室", DATE)
    assert len(read_back(document).tables[-1].rows) == 1


def test_page_number_is_outside_on_odd_and_even_pages() -> None:
    document = read_back(new_document())
    assert document.settings.odd_and_even_pages_header_footer
    section = document.sections[0]
    for footer, side in ((section.footer, "right"), (section.even_page_footer, "left")):
        element = footer.paragraphs[0]._p
        assert element.pPr.find(qn("w:jc")).get(qn("w:val")) == side
        assert element.pPr.find(qn("w:ind")).get(qn(f"w:{side}")) == str(14 * 20)
        assert "".join(t.text for t in element.iter(qn("w:t"))) == "— 1 —"
        assert element.find(qn("w:fldSimple")).get(qn("w:instr")).strip() == "PAGE"
        assert style_fonts(footer.paragraphs[0]) == {"宋体"}


def hostile_document(text: str) -> OfficialDocument:
    document = OfficialDocument(
        issuing_mark=text, document_number=text, title=text * 20, addressees=text
    )
    document.heading(1, text)
    document.paragraph(text)
    document.attachment_note([text, "表"])
    document.signature(text, DATE)
    document.attachment("表")
    document.table([TableColumn(text, 50)], [[text]], caption=text)
    document.copies(text, text, DATE)
    return document


def test_hostile_text_is_shown_and_stays_text() -> None:
    data = hostile_document(HOSTILE).to_bytes()
    document = docx.Document(io.BytesIO(data))
    shown = '甲�乙\n丙�丁�戊�己 <w:r/> &amp; {PAGE} =HYPERLINK("http://x")'
    assert document.tables[0].rows[1].cells[0].text == shown
    xml = "".join(xml_parts(data))
    # The only fields are the page numbers of the two footers.
    assert xml.count("<w:fldSimple") == 2
    assert "instrText" not in xml and "w:hyperlink" not in xml and "TargetMode" not in xml


@settings(max_examples=25, deadline=None)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_can_be_saved_and_opened(text: str) -> None:
    assert read_back(hostile_document(text)).paragraphs


def test_the_same_calls_give_the_same_bytes() -> None:
    document = circular()
    first = document.to_bytes()
    assert first == document.to_bytes() == circular().to_bytes()
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        assert {member.date_time for member in package.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_properties_name_title_issuer_and_date() -> None:
    properties = read_back(circular()).core_properties
    assert properties.title == "关于2023年度预算绩效管理工作考核情况的通报"
    assert properties.author == properties.last_modified_by == "石楼县财政局"
    assert properties.created is not None and properties.created.date() == DATE
    assert properties.comments == ""


def test_every_style_in_use_is_defined() -> None:
    document = read_back(circular())
    assert {s.style_id for s in document.styles} >= {f.style_id for f in measures.PARAGRAPH_FORMS}
    defined = {style.style_id for style in document.styles}
    used = {e.get(qn("w:val")) for e in document.element.iter(qn("w:pStyle"), qn("w:tblStyle"))}
    assert used <= defined


@pytest.mark.libreoffice
def test_two_pages_on_paper(tmp_path: Path) -> None:
    office, reader = shutil.which("soffice"), shutil.which("pdftotext")
    if office is None or reader is None:
        pytest.skip("soffice (LibreOffice) and pdftotext (poppler-utils) are not installed")
    document = OfficialDocument(title="报告")
    # The title takes lines 1 to 3 of the first page; 19 are left there and 1 goes to the next.
    for line in range(20):
        document.paragraph(f"第{line + 1}行")
    path = tmp_path / "报告.docx"
    path.write_bytes(document.to_bytes())
    subprocess.run(
        [
            office,
            "--headless",
            "--norestore",
            f"-env:UserInstallation={(tmp_path / 'lo').as_uri()}",
            "--convert-to",
            "pdf",
            "--outdir",
            str(tmp_path),
            str(path),
        ],
        check=True,
        capture_output=True,
        timeout=180,
    )
    text = subprocess.run(
        [reader, "-layout", str(path.with_suffix(".pdf")), "-"],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    ).stdout
    # How wide pdftotext takes a space to be depends on the fonts of the machine.
    pages = text.replace(" ", "").split("\f")[:-1]
    assert len(pages) == 2
    assert "—1—" in pages[0] and "—2—" in pages[1]
    assert "第19行" in pages[0] and "第20行" in pages[1]
