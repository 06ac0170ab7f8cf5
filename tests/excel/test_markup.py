"""A marked copy says what is wrong and leaves what the unit wrote exactly as it was."""

from __future__ import annotations

import dataclasses
import io
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from lxml import etree

from perfxl.errors import Unreadable
from perfxl.excel.markup import Mark, OpinionSheet, mark_plain, mark_workbook
from perfxl.excel.markup.comments import AUTHOR, HEADING
from perfxl.excel.markup.fills import look
from perfxl.excel.markup.schema import MAIN, WORKBOOK, WORKSHEET
from perfxl.excel.reader import read_workbook

SAMPLES = Path(__file__).resolve().parents[2] / "samples" / "returns"
OPINIONS = "审核意见"
FILL = '"perfxl"="perfxl"'
XLSX = "Calc MS Excel 2007 XML"

Source = tuple[bytes, list[Mark]]


def opinions(marks: list[Mark], answers: Mapping[int, str] | None = None) -> OpinionSheet:
    return OpinionSheet(
        name=OPINIONS,
        title="2023年度预算绩效管理考核 审核意见",
        note="请逐条改正；标为“核实”的请在最右一列说明。",
        headings=("序号", "位置", "类别", "问题", "处理办法", "说明"),
        rows=tuple(
            (
                str(number),
                f"{mark.sheet}!{mark.cell}",
                mark.severity,
                mark.text,
                "=请改正",
                (answers or {}).get(number, ""),
            )
            for number, mark in enumerate(marks, 1)
        ),
        link_column=1,
        targets=tuple((mark.sheet, mark.cell) for mark in marks),
        input_column=5,
        widths=(6, 20, 8, 50, 36, 36),
    )


def marked(data: bytes, marks: list[Mark]) -> bytes:
    return mark_workbook(data, marks, opinions(marks))


def members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(content: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def changed(data: bytes, part: str, old: str, new: str) -> bytes:
    """The package with a text in one of its parts replaced."""
    content = members(data)
    before = content[part].decode()
    assert old in before
    content[part] = before.replace(old, new).encode()
    return zipped(content)


def png() -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checked = kind + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", head) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def sample() -> Source:
    data = (SAMPLES / "SL2023-101-石楼县教育科技局.xlsx").read_bytes()
    return data, [
        Mark("自评表", "F6", "自评得分 4 超过分值 3\n请改正", "错误"),
        Mark("自评表", "H6", "佐证编号“9”没有登记", "核实"),
        Mark("佐证材料", "B5", "名称与文号不符", "错误"),
        Mark("佐证材料", "E60", "没有填过的行", "提示"),
        Mark("封面", "B9", "电话位数不对", "核实"),
    ]


def rich() -> Source:
    """What Excel users add: comments, pictures, charts, tables, buttons, rules, names."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_urls": False})
    book.add_worksheet("说明").write("A1", "没有批注的表")
    sheet = book.add_worksheet("O'Neil 表")
    other = book.add_worksheet("清单")
    sheet.activate()
    unlocked = book.add_format({"locked": False, "bg_color": "#FFFBE6", "num_format": "0.00"})
    bold = book.add_format({"bold": True})
    sheet.merge_range("A1:D2", "标题", bold)
    sheet.write_rich_string("A3", "前", bold, "粗", "后")
    sheet.write_formula("B3", "=SUM(B4:B6)", None, 6)
    sheet.write_array_formula("C3:C3", "{=SUM(B4:B6*2)}", None, 12)
    for row in range(3, 6):
        sheet.write_number(row, 1, row - 2.0, unlocked)
        sheet.write_string(row, 2, f" 0{row}\n<&>", unlocked)
        sheet.write_boolean(row, 3, row == 4)
    sheet.write_comment("B4", "单位自己的批注", {"author": "王建斌"})
    sheet.write_comment("C5", "另一条批注", {"author": "王建斌", "visible": True})
    sheet.insert_image("F2", "点.png", {"image_data": io.BytesIO(png())})
    sheet.insert_button("F8", {"caption": "按钮", "macro": "x"})
    chart = book.add_chart({"type": "column"})
    chart.add_series({"values": "='O''Neil 表'!$B$4:$B$6"})
    sheet.insert_chart("F12", chart)
    sheet.data_validation("B4:B6", {"validate": "decimal", "criteria": ">=", "value": 0})
    sheet.conditional_format("B4:B6", {"type": "data_bar", "data_bar_2010": True})
    sheet.conditional_format("B4:D6", {"type": "cell", "criteria": ">", "value": 2, "format": bold})
    sheet.write_url("A8", "internal:清单!A1", string="去清单")
    sheet.repeat_rows(2)
    sheet.set_header("&L&G", {"image_left": "点.png", "image_data_left": io.BytesIO(png())})
    sheet.protect()
    other.add_table("A1:B4", {"data": [["甲", 1], ["乙", 2], ["丙", 3]]})
    other.print_area("A1:B4")
    other.ignore_errors({"number_stored_as_text": "A1:B4"})
    book.add_worksheet("隐藏").hide()
    book.define_name("合计", "='O''Neil 表'!$B$3")
    book.define_name("清单!本表", "=清单!$A$1")
    book.close()
    return buffer.getvalue(), [
        Mark("O'Neil 表", "B4", "与批注同格", "核实"),
        Mark("O'Neil 表", "D2", "合并单元格的一角", "提示"),
        Mark("O'Neil 表", "C6", "文字不对", "核实"),
        Mark("O'Neil 表", "C6", "更严重的", "错误"),
        Mark("清单", "B3", "清单中的数", "错误"),
        Mark("隐藏", "A1", "隐藏表", "提示"),
    ]


RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def relationships(*entries: tuple[str, str, str]) -> str:
    return (
        f'{HEAD}<Relationships xmlns="{RELATIONS}">'
        + "".join(
            f'<Relationship Id="{name}" Type="{kind if ":" in kind else f"{OFFICE}/{kind}"}" '
            f'Target="{target}"/>'
            for name, kind, target in entries
        )
        + "</Relationships>"
    )


def prefixed() -> Source:
    """By hand as other office programs write it: prefixes, odd paths, absolute targets."""
    types = {
        "/xl/workbook.xml": f"{TYPE}sheet.main+xml",
        "/xl/pages/one.xml": f"{TYPE}worksheet+xml",
        "/xl/pages/sheet2.xml": f"{TYPE}worksheet+xml",
        "/xl/styles.xml": f"{TYPE}styles+xml",
        "/xl/chain.xml": f"{TYPE}calcChain+xml",
    }
    cell_look = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"/>'
    data = zipped(
        {
            "[Content_Types].xml": f"{HEAD}<Types "
            'xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="bin" ContentType="application/vnd.ms-office.vbaProject"/>'
            + "".join(
                f'<Override PartName="{part}" ContentType="{kind}"/>'
                for part, kind in types.items()
            )
            + "</Types>",
            "_rels/.rels": relationships(("rId1", "officeDocument", "/xl/workbook.xml")),
            "xl/workbook.xml": f'{HEAD}<s:workbook xmlns:s="{MAIN}" xmlns:rel="{OFFICE}" '
            'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
            'mc:Ignorable="etc" xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData">'
            '<s:fileVersion appName="xl" lastEdited="3"/><s:workbookPr/>'
            '<s:bookViews><s:workbookView activeTab="1" firstSheet="1"/></s:bookViews><s:sheets>'
            '<s:sheet name="自评表" sheetId="7" rel:id="rIdA"/>'
            '<s:sheet name="附表" sheetId="1" rel:id="rId2"/></s:sheets>'
            '<s:definedNames><s:definedName name="_xlnm.Print_Area" localSheetId="1">'
            "附表!$A$1:$B$2</s:definedName></s:definedNames>"
            '<s:calcPr calcId="191029"/><s:extLst><s:ext uri="{D0CA8CA8}" '
            'xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData"><etc:x v="1"/></s:ext>'
            "</s:extLst></s:workbook>",
            "xl/_rels/workbook.xml.rels": relationships(
                ("rIdA", "worksheet", "/xl/pages/one.xml"),
                ("rId2", "worksheet", "pages/sheet2.xml"),
                ("rId3", "styles", "styles.xml"),
                ("rId4", "calcChain", "/xl/chain.xml"),
                (
                    "rId5",
                    "http://schemas.microsoft.com/office/2006/relationships/vbaProject",
                    "vbaProject.bin",
                ),
            ),
            "xl/styles.xml": f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="1"><font><sz '
            'val="12"/><name val="宋体"/></font></fonts><fills count="2"><fill><patternFill '
            'patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
            '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border>'
            f'</borders><cellStyleXfs count="1">{cell_look}</cellStyleXfs>'
            f'<cellXfs count="1">{cell_look}</cellXfs>'
            '<tableStyles count="0"/></styleSheet>',
            "xl/chain.xml": f'{HEAD}<calcChain xmlns="{MAIN}"><c r="B3" i="7"/></calcChain>',
            "xl/vbaProject.bin": b"\xd0\xcf\x11\xe0 macros",
            "xl/pages/one.xml": f'{HEAD}<s:worksheet xmlns:s="{MAIN}" '
            'xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData">'
            '<s:sheetPr codeName="Sheet1"/><s:dimension ref="A1:B3"/>'
            '<s:sheetFormatPr defaultColWidth="9" defaultRowHeight="13.5"/><s:sheetData>'
            '<s:row><s:c t="inlineStr"><s:is><s:t>自评&#13;&#10;得分</s:t></s:is></s:c>'
            "<s:c><s:v>3.0</s:v></s:c></s:row>"
            '<s:row r="3"><s:c r="B3"><s:f>B1*2</s:f><s:v>6</s:v></s:c></s:row></s:sheetData>'
            '<s:pageMargins left="0.7" right="0.7" top="0.7" bottom="0.7" header="0.3" '
            'footer="0.3"/><s:headerFooter/></s:worksheet>',
            "xl/pages/sheet2.xml": f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews>'
            '<sheetView tabSelected="1" workbookViewId="0"/></sheetViews><sheetData/></worksheet>',
            "docProps/custom.xml": f"{HEAD}<Properties xmlns="
            '"http://schemas.openxmlformats.org/officeDocument/2006/custom-properties"/>',
        }
    )
    return data, [
        Mark("自评表", "B1", "得分不对", "错误"),
        Mark("自评表", "C9", "没有的单元格", "核实"),
    ]


SOURCES = {"issued": sample, "rich": rich, "prefixed": prefixed}
# LibreOffice takes some seconds each.
FIRST, *OTHERS = SOURCES
ONE_BY_ONE = [FIRST, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)]


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]()


def values(data: bytes) -> dict[str, Any]:
    """What perfxl reads, without the sheet of ours."""
    grid = read_workbook(data)
    return {name: rows for name, rows in grid.sheets.items() if name != OPINIONS} | {
        "stamp": grid.stamp
    }


def cells(data: bytes) -> dict[tuple[str, str], tuple[Any, ...]]:
    """Every cell's content, formula, number format, fill and lock as openpyxl sees them."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        (sheet.title, cell.coordinate): (
            getattr(cell.value, "text", cell.value),
            cell.data_type,
            cell.number_format,
            cell.fill.fgColor.rgb,
            cell.protection.locked,
        )
        for sheet in book.worksheets
        if sheet.title != OPINIONS
        for cell in sheet._cells.values()
        if cell.value is not None or cell.has_style
    }


def sheet_data(data: bytes) -> dict[str, bytes]:
    """The canonical XML of each worksheet's cells by the name of its part."""
    found = {}
    for name, content in members(data).items():
        if name.endswith(".xml") and b"sheetData" in content:
            node = etree.fromstring(content).find(f"{{{MAIN}}}sheetData")
            found[name] = etree.tostring(node, method="c14n", exclusive=True)
    return found


def comments(data: bytes) -> dict[tuple[str, str], str]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        (sheet.title, cell.coordinate): cell.comment.text
        for sheet in book.worksheets
        for cell in sheet._cells.values()
        if cell.comment
    }


def expected_comments(before: bytes, marks: list[Mark]) -> dict[tuple[str, str], str]:
    """The unit's own comments with the marks under them."""
    wanted = comments(before)
    ranks = ["错误", "核实", "提示"]
    said: dict[tuple[str, str], str] = {}
    for mark in sorted(marks, key=lambda one: ranks.index(one.severity)):
        place = (mark.sheet, "A1" if mark.cell == "D2" else mark.cell)
        said[place] = f"{said[place]}\n{mark.text}" if place in said else f"{HEADING}\n{mark.text}"
    for place, text in said.items():
        wanted[place] = f"{wanted[place]}\n{text}" if place in wanted else text
    return wanted


def assert_sound(data: bytes) -> None:
    """References lead somewhere, elements stand in order, every part has a type."""
    content = members(data)
    types = etree.fromstring(content["[Content_Types].xml"])
    overrides = {node.get("PartName") for node in types if node.get("PartName")}
    defaults = {node.get("Extension") for node in types if node.get("Extension")}
    assert len(overrides) == sum(bool(node.get("PartName")) for node in types)
    assert {name.lstrip("/") for name in overrides} <= set(content)
    for name, text in content.items():
        assert f"/{name}" in overrides or name.rpartition(".")[2] in defaults, name
        if not name.endswith(".xml") or name == "[Content_Types].xml":
            continue
        root = etree.fromstring(text)
        order = {"worksheet": WORKSHEET, "workbook": WORKBOOK}.get(etree.QName(root).localname)
        if order:
            ranks = [order.index(tag) for child in root if (tag := _main_tag(child)) in order]
            assert ranks == sorted(ranks), name
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames[0] == OPINIONS
    assert book.active.title == OPINIONS
    assert [sheet.title for sheet in book.worksheets if sheet.sheet_view.tabSelected] == [OPINIONS]


def _main_tag(child: Any) -> str:
    name = etree.QName(child)
    return str(name.localname) if name.namespace == MAIN else ""


def test_what_the_unit_wrote_is_untouched(source: Source) -> None:
    data, marks = source
    result = marked(data, marks)
    assert values(result) == values(data)
    assert cells(result) == cells(data)
    before, after = sheet_data(data), sheet_data(result)
    assert {name: after[name] for name in before} == before
    assert_sound(result)


def test_other_members_keep_their_bytes_and_places(source: Source) -> None:
    data, marks = source
    before, after = members(data), members(marked(data, marks))
    touchable = re.compile(
        r"\[Content_Types\].xml|.*book\.xml(\.rels)?|.*styles\.xml|.*comments\d\.xml"
        r"|.*\.vml|.*(sheet\d|one)\.xml(\.rels)?"
    )
    for name, content in before.items():
        assert after[name] == content or touchable.fullmatch(name), name
    assert list(after)[: len(before)] == list(before)


def test_sheets_without_marks_keep_their_bytes() -> None:
    data, marks = sample()
    before, after = members(data), members(marked(data, marks))
    assert {name for name in before if before[name] != after[name]} == {
        "[Content_Types].xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/styles.xml",
        *(f"xl/worksheets/sheet{number}.xml" for number in (1, 3, 4)),
    }


def test_comments_are_there_and_the_units_own_stay(source: Source) -> None:
    data, marks = source
    assert comments(marked(data, marks)) == expected_comments(data, marks)


def test_every_comment_has_one_hidden_box_with_an_id_of_its_own() -> None:
    data, marks = rich()
    drawings = [
        etree.fromstring(content)
        for name, content in members(marked(data, marks)).items()
        if name.endswith(".vml")
    ]
    shapes = [
        shape for one in drawings for shape in one.iter("{urn:schemas-microsoft-com:vml}shape")
    ]
    assert len({shape.get("id") for shape in shapes}) == len(shapes)
    notes = [shape for shape in shapes if b'ObjectType="Note"' in etree.tostring(shape)]
    assert len(notes) == len(expected_comments(data, marks))
    shown = [shape for shape in notes if "hidden" not in shape.get("style")]
    assert len(shown) == 1  # the one that the unit shows


def rules(data: bytes) -> dict[str, list[tuple[str, str]]]:
    """Our rules of each sheet: their areas and colour."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    found: dict[str, list[tuple[str, str]]] = {}
    for sheet in book.worksheets:
        for formatting in sheet.conditional_formatting:
            for rule in formatting.rules:
                if rule.formula == [FILL]:
                    colour = rule.dxf.fill.bgColor.rgb
                    found.setdefault(sheet.title, []).append((str(formatting.sqref), colour))
    return found


def test_colours_follow_the_gravest_and_cover_merged_cells() -> None:
    data, marks = rich()
    found = rules(marked(data, marks))
    assert sorted(found["O'Neil 表"]) == [
        ("A1:D2", "FFDDEBF7"),
        ("B4", "FFFFEB9C"),
        ("C6", "FFFFC7CE"),
    ]
    assert set(found) == {"O'Neil 表", "清单", "隐藏"}


def test_our_rules_come_first_and_priorities_are_distinct() -> None:
    data, marks = rich()
    once = marked(data, marks)
    twice = marked(once, marks)
    for result in (once, twice):
        for name, content in members(result).items():
            if b"cfRule" not in content:
                continue
            found = [
                (int(rule.get("priority")), FILL in "".join(rule.itertext()))
                for rule in etree.fromstring(content).iter("{*}cfRule")
                if rule.get("priority")
            ]
            assert len({priority for priority, _ in found}) == len(found), name
            ours = [priority for priority, is_ours in found if is_ours]
            assert ours == list(range(1, len(ours) + 1))


def test_a_second_round_leaves_nothing_of_the_first(source: Source) -> None:
    data, marks = source
    once = marked(data, marks)
    second = [Mark(marks[0].sheet, "K30", "第二轮的意见", "提示")]
    assert marked(once, second) == marked(marked(once, marks), second)
    result = marked(once, second)
    assert comments(result) == expected_comments(data, second)
    assert values(result) == values(data)
    assert cells(result) == cells(data)
    assert list(rules(result)) == [marks[0].sheet]
    assert_sound(result)
    everything = b"".join(members(result).values()).decode("utf-8", "replace")
    assert not [mark.text for mark in marks if mark.text in everything]


def test_without_marks_only_the_first_sheet_is_left(source: Source) -> None:
    data, marks = source
    result = mark_workbook(marked(data, marks), [], opinions([]))
    content = members(result)
    assert comments(result) == comments(data)
    assert not [name for name, one in content.items() if FILL.encode() in one]
    # Our author's name stays only in a list of authors that the unit's own comments use.
    assert not [name for name, one in content.items() if HEADING.encode() in one]
    before = {name for name in members(data) if name.endswith((".vml", ".rels"))}
    assert {name for name in content if name.endswith((".vml", ".rels"))} == before
    assert_sound(result)


def test_the_same_input_gives_the_same_bytes(source: Source) -> None:
    data, marks = source
    assert marked(data, marks) == marked(data, marks)
    plain = [dataclasses.astuple(mark) for mark in marks]
    listed = opinions(marks)
    fields = tuple(getattr(listed, field.name) for field in dataclasses.fields(listed))
    assert mark_plain(data, plain, fields) == marked(data, marks)


def test_styles_do_not_pile_up(source: Source) -> None:
    data, marks = source
    once = marked(data, marks)
    twice = marked(once, marks)
    name = next(name for name in members(once) if name.endswith(("styles.xml", "styles.xml")))
    assert members(once)[name] == members(twice)[name]
    root = etree.fromstring(members(once)[name])
    for tag in ("fonts", "fills", "borders", "cellXfs", "dxfs"):
        owner = root.find(f"{{{MAIN}}}{tag}")
        assert int(owner.get("count")) == len(owner)


def test_the_opinion_sheet_reads_back(source: Source) -> None:
    data, marks = source
    rows = read_workbook(marked(data, marks)).sheets[OPINIONS]
    listed = opinions(marks)
    assert rows[0][0] == listed.title
    assert [tuple(row) for row in rows[2:]] == [listed.headings, *listed.rows]


def test_the_opinion_sheet_is_set_up() -> None:
    data, marks = rich()
    sheet = openpyxl.load_workbook(io.BytesIO(marked(data, marks)))[OPINIONS]
    assert sheet.protection.sheet
    assert not sheet["F4"].protection.locked
    assert sheet["E4"].protection.locked
    assert sheet["E4"].data_type == "s"
    assert sheet["E4"].value == "=请改正"
    assert sheet["B4"].hyperlink.location == "'O''Neil 表'!B4"
    assert sheet["B8"].hyperlink.location == "'清单'!B3"
    assert sheet.freeze_panes == "A4"
    assert sheet.print_title_rows == "$1:$3"
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet["A3"].fill.fgColor.rgb == "FF1F3864"


def test_names_of_sheets_follow_their_sheets(source: Source) -> None:
    data, marks = source

    def names(workbook: bytes) -> dict[str, Any]:
        book = openpyxl.load_workbook(io.BytesIO(workbook))
        return {
            sheet.title: (
                sheet.print_title_rows,
                sheet.print_area,
                {name: one.attr_text for name, one in sheet.defined_names.items()},
            )
            for sheet in book.worksheets
            if sheet.title != OPINIONS
        } | {"": {name: one.attr_text for name, one in book.defined_names.items()}}

    once = marked(data, marks)
    assert names(once) == names(data)
    assert names(marked(once, marks)) == names(data)


def moved(data: bytes) -> bytes:
    """The copy after a unit dragged our sheet to the end, as openpyxl saves it."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    book.move_sheet(OPINIONS, len(book.sheetnames))
    book.active = 1
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def test_an_old_opinion_sheet_is_replaced_wherever_it_stands() -> None:
    data, marks = sample()
    elsewhere = moved(marked(data, marks))
    result = marked(elsewhere, marks[:1])
    book = openpyxl.load_workbook(io.BytesIO(result))
    assert book.sheetnames == [OPINIONS, *openpyxl.load_workbook(io.BytesIO(data)).sheetnames]
    assert book["自评表"].print_title_rows == "$3:$3"
    assert len(read_workbook(result).sheets[OPINIONS]) == 4
    assert values(result) == values(data)
    assert comments(result) == expected_comments(data, marks[:1])
    assert_sound(result)


def test_replacing_a_sheet_drops_the_order_of_calculation() -> None:
    data, marks = prefixed()
    once = marked(data, marks)
    assert "xl/chain.xml" in members(once)
    twice = marked(once, marks)
    assert "xl/chain.xml" not in members(twice)
    assert_sound(twice)
    assert members(twice)["xl/vbaProject.bin"] == members(data)["xl/vbaProject.bin"]


def test_awkward_text_is_kept_and_what_xml_cannot_hold_is_dropped() -> None:
    data, _ = sample()
    text = "<b>&\x00\x0b“_x0041_”\ud800\r\n=1+1\ufffe😀"
    marks = [Mark("自评表", "F6", text, "错误")]
    result = marked(data, marks)
    (said,) = comments(result).values()
    assert said.replace("_x005F_", "_") == f"{HEADING}\n<b>&“_x0041_”\n=1+1😀"
    row = read_workbook(result).sheets[OPINIONS][3]
    assert str(row[3]).replace("_x005F_", "_") == "<b>&“_x0041_”\n=1+1😀"


def test_over_long_text_is_cut() -> None:
    data, _ = sample()
    result = marked(data, [Mark("自评表", "F6", "长" * 40_000, "错误")])
    assert len(str(read_workbook(result).sheets[OPINIONS][3][3])) == 32_767


def test_marks_outside_the_workbook_are_left_out() -> None:
    data, _ = sample()
    marks = [
        Mark("没有的表", "A1", "a", "错误"),
        Mark("自评表", "", "b", "错误"),
        Mark("自评表", "XFE1", "c", "错误"),
        Mark("自评表", "A1048577", "d", "错误"),
    ]
    result = marked(data, marks)
    assert comments(result) == {}
    assert rules(result) == {}
    sheet = openpyxl.load_workbook(io.BytesIO(result))[OPINIONS]
    assert [sheet.cell(row, 2).hyperlink for row in range(4, 8)] == [None] * 4
    assert sheet["D7"].value == "d"


def test_marks_at_the_edge_of_the_sheet() -> None:
    data, _ = sample()
    marks = [Mark("自评表", "XFD1048576", "角", "错误"), Mark("自评表", "A1", "标题", "提示")]
    assert set(comments(marked(data, marks))) == {("自评表", "A1"), ("自评表", "XFD1048576")}


def test_a_drawing_with_unclosed_line_breaks_is_mended() -> None:
    data, marks = rich()
    part = next(name for name in members(data) if "vmlDrawing1" in name and "rels" not in name)
    spoiled = changed(data, part, "按钮", "按<br>钮")
    result = marked(spoiled, marks)
    assert comments(result) == expected_comments(data, marks)


def test_a_drawing_that_is_missing_is_made_anew() -> None:
    data, marks = rich()
    content = members(data)
    sheet = content["xl/worksheets/sheet2.xml"].decode()
    content["xl/worksheets/sheet2.xml"] = re.sub(r"<legacyDrawing [^>]*>", "", sheet).encode()
    result = marked(zipped(content), marks)
    assert comments(result) == expected_comments(data, marks)
    assert b"<legacyDrawing " in members(result)["xl/worksheets/sheet2.xml"]


def test_a_signature_is_dropped() -> None:
    data, marks = sample()
    content = members(data)
    kind = f"{RELATIONS}/digital-signature/origin"
    relation = f'<Relationship Id="sig" Type="{kind}" Target="_xmlsignatures/origin.sigs"/>'
    rels = content["_rels/.rels"].decode()
    content["_rels/.rels"] = rels.replace(
        "</Relationships>", f"{relation}</Relationships>"
    ).encode()
    content["_xmlsignatures/origin.sigs"] = b""
    content["_xmlsignatures/_rels/origin.sigs.rels"] = relationships(
        ("rId1", f"{RELATIONS}/digital-signature/signature", "sig1.xml")
    ).encode()
    content["_xmlsignatures/sig1.xml"] = b"<Signature/>"
    result = members(marked(zipped(content), marks))
    assert not [name for name in result if "sig" in name]
    assert b"digital-signature" not in result["_rels/.rels"]


def with_doctype() -> bytes:
    data, _ = sample()
    return changed(
        data, "xl/workbook.xml", "<workbook ", '<!DOCTYPE x [<!ENTITY a "b">]><workbook '
    )


def strict() -> bytes:
    data, _ = sample()
    other = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
    return changed(data, "_rels/.rels", f"{OFFICE}/officeDocument", other)


def shared() -> bytes:
    data, _ = sample()
    more = f'<Relationship Id="log" Type="{OFFICE}/revisionHeaders" Target="revisions/h.xml"/>'
    return changed(data, "xl/_rels/workbook.xml.rels", "</R", f"{more}</R")


def with_chart_of_our_name() -> bytes:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    book.add_worksheet("表").write("A1", 1)
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=表!$A$1"})
    book.add_chartsheet(OPINIONS).set_chart(chart)
    book.close()
    return buffer.getvalue()


def without(part: str) -> bytes:
    content = members(sample()[0])
    del content[part]
    return zipped(content)


def cut_sheet() -> bytes:
    content = members(sample()[0])
    content["xl/worksheets/sheet3.xml"] = content["xl/worksheets/sheet3.xml"][:5000]
    return zipped(content)


def encrypted() -> bytes:
    data = bytearray(sample()[0])
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: b"", "不是 .xlsx"),
        (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "不是 .xlsx"),
        (lambda: zipped({"mimetype": b"application/vnd.oasis"}), "不是 .xlsx"),
        (encrypted, "加密"),
        (with_doctype, "不允许的声明"),
        (strict, "严格"),
        (shared, "共享工作簿"),
        (with_chart_of_our_name, "审核意见"),
        (lambda: without("xl/styles.xml"), "样式"),
        (lambda: without("[Content_Types].xml"), "缺少部件"),
        (lambda: without("xl/worksheets/sheet2.xml"), "缺少部件"),
        (cut_sheet, "内容损坏"),
    ],
    ids=[
        "empty",
        "xls",
        "ods",
        "encrypted",
        "doctype",
        "strict",
        "shared",
        "chart",
        "no styles",
        "no types",
        "no sheet",
        "cut",
    ],
)
def test_what_cannot_be_marked_is_told(make: Callable[[], bytes], said: str) -> None:
    with pytest.raises(Unreadable, match=said) as told:
        mark_workbook(make(), [], opinions([]))
    assert told.value.remedy


def test_marking_needs_no_heavy_library() -> None:
    code = (
        "import sys, perfxl.excel.markup; "
        "print({'pandas', 'openpyxl', 'xlsxwriter', 'python_calamine'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_every_severity_has_a_colour_of_its_own() -> None:
    assert len({look(severity) for severity in ("错误", "核实", "提示")}) == 3


def filled(rows: list[list[Any]]) -> dict[tuple[int, int], Any]:
    """The cells that hold something; a comment on an empty cell counts as used in LibreOffice."""
    return {
        (row, column): value
        for row, values in enumerate(rows)
        for column, value in enumerate(values)
        if value != ""
    }


@pytest.mark.slow
@pytest.mark.libreoffice
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_libreoffice_shows_the_same_cells_and_our_comments(
    name: str, office: Callable[..., Any], tmp_path: Path
) -> None:
    data, marks = SOURCES[name]()
    sheets = openpyxl.load_workbook(io.BytesIO(data)).sheetnames
    result = marked(data, marks)
    before, after, saved = (tmp_path / one for one in ("a.xlsx", "b.xlsx", "c.xlsx"))
    before.write_bytes(data)
    after.write_bytes(result)
    shown = office(
        after,
        read=[*sheets, OPINIONS],
        type_in=[(OPINIONS, "F4", "=已核对，无误")],
        save={str(saved): XLSX},
    )
    assert [tuple(row) for row in shown[OPINIONS][4:]] == [
        tuple(row) for row in opinions(marks).rows[1:]
    ]
    original = office(before, read=sheets)
    assert {one: filled(shown[one]) for one in sheets} == {
        one: filled(original[one]) for one in sheets
    }
    resaved = saved.read_bytes()
    assert comments(resaved) == expected_comments(data, marks)
    assert read_workbook(resaved).sheets[OPINIONS][3][5] == "=已核对，无误"


@pytest.mark.slow
@pytest.mark.libreoffice
@pytest.mark.parametrize("name", ONE_BY_ONE)
def test_a_file_that_libreoffice_saved_is_marked_and_marked_again(
    name: str, office: Callable[..., Any], tmp_path: Path
) -> None:
    data, marks = SOURCES[name]()
    first, second = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    first.write_bytes(data)
    office(first, save={str(second): XLSX})
    saved = second.read_bytes()
    result = marked(saved, marks)
    assert values(result) == values(saved)
    assert cells(result) == cells(saved)
    assert comments(result) == expected_comments(saved, marks)
    assert_sound(result)
    first.write_bytes(result)
    office(first, save={str(second): XLSX})
    again = marked(second.read_bytes(), marks[:1])
    assert values(again) == values(saved)
    assert comments(again) == expected_comments(saved, marks[:1])
    assert list(rules(again)) == [marks[0].sheet]
    assert AUTHOR.encode() in b"".join(members(again).values())
