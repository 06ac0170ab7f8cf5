"""What is odd and sound is read; what a reader would drop in silence is told."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from html import escape
from pathlib import Path
from xml.etree import ElementTree as ET

import olefile
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.errors import Unreadable
from perfxl.excel import cells, census, parsing, tally
from perfxl.excel.biff import census_of_xls
from perfxl.excel.package import Package, open_package, stored
from perfxl.excel.parsing import read_plain
from perfxl.excel.reader import read_workbook
from perfxl.excel.writer import WorkbookWriter

DATA = Path(__file__).resolve().parent.parent / "data"
OLD_WORKBOOK, WITH_BLANK_ROWS = (DATA / f"return_by_libreoffice.{end}" for end in ("xls", "xlsx"))

_MANIFEST = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def open_document(*tables: str) -> bytes:
    """An .ods with these tables, each given by its one row."""
    sheets = "".join(
        f'<table:table table:name="{name}"><table:table-row>{row}</table:table-row></table:table>'
        for name, row in (table.split("|") for table in tables)
    )
    names = ("office", "table", "text")
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>{sheets}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
    return packed.getvalue()


def text_cell(content: str) -> str:
    """A cell of an .ods with one paragraph."""
    kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{content}</text:p></table:table-cell>"


def test_tabs_and_line_breaks_of_an_ods_are_read() -> None:
    row = text_cell("甲<text:tab/>乙") + text_cell('丙<text:line-break/>丁<text:s text:c="2"/>戊')
    assert list(read_workbook(open_document(f"表|{row}")).sheets["表"][0]) == [
        "甲\t乙",
        "丙\n丁  戊",
    ]


_REST = '<table:table-cell table:number-columns-repeated="%d"/>'
_ROWS_BELOW = '</table:table-row><table:table-row table:number-rows-repeated="%d">' + _REST % 16_384


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (text_cell("甲") + _REST % 16_383 + _ROWS_BELOW % 1_048_575, ""),
        (text_cell("甲") + _REST % 16_382 + _ROWS_BELOW % 1_048_575, "第 1 行的单元格数"),
        (text_cell("甲") + _REST % 16_383 + _ROWS_BELOW % 1_048_574, "行数与表格不符"),
        (text_cell("甲") + text_cell("") + _REST % 16_382, "内容被清空"),
        # Where a program writes no further than the content, rows are of any length.
        (text_cell("甲") + "</table:table-row><table:table-row>" + text_cell("乙") * 3, ""),
    ],
)
def test_where_an_ods_may_have_lost_a_cell(row: str, said: str) -> None:
    doubts = read_workbook(open_document(f"表|{row}")).doubts
    assert (said in doubts[0]) if said else not doubts


def test_text_of_no_type_in_an_ods_is_not_left_out_in_silence() -> None:
    untyped = "<table:table-cell><text:p>乙</text:p></table:table-cell>"
    with pytest.raises(Unreadable, match="有单元格读不出来"):
        read_workbook(open_document(f"表|{text_cell('甲')}{untyped}"))


def test_an_ods_with_two_sheets_of_one_name_is_refused() -> None:
    with pytest.raises(Unreadable, match="同名的工作表"):
        read_workbook(open_document(f"表|{text_cell('甲')}", f"表|{text_cell('乙')}"))


def _binary(kind: int, body: bytes = b"") -> bytes:
    """A record of an .xlsb; those here are short."""
    number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
    return number + bytes([len(body)]) + body


def _binary_text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def binary_workbook(text: str) -> bytes:
    """An .xlsb with one text in A1, not compressed."""
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relation = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="%s/%s" Target="%s"/></Relationships>'
    )
    listed = _binary(156, struct.pack("<II", 0, 1) + _binary_text("rId1") + _binary_text("表"))
    cell = _binary(0, bytes(17)) + _binary(6, bytes(8) + _binary_text(text))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("_rels/.rels", relation % (kinds, "officeDocument", "xl/workbook.bin"))
        archive.writestr(
            "xl/_rels/workbook.bin.rels", relation % (kinds, "worksheet", "worksheets/sheet1.bin")
        )
        archive.writestr(
            "xl/workbook.bin",
            _binary(131) + _binary(143) + listed + _binary(144) + _binary(132),
        )
        archive.writestr(
            "xl/worksheets/sheet1.bin",
            _binary(129)
            + _binary(148, bytes(16))
            + _binary(145)
            + cell
            + _binary(146)
            # What follows the cells is not read.
            + bytes(5000),
        )
    return packed.getvalue()


def test_an_xlsb_is_checked_against_its_checksums() -> None:
    data = binary_workbook("甲乙丙")
    assert read_workbook(data).sheets["表"][0][0] == "甲乙丙"
    spoilt = bytearray(data)
    spoilt[data.index("甲乙丙".encode("utf-16-le"))] ^= 1
    with pytest.raises(Unreadable, match="文件损坏"):
        read_workbook(bytes(spoilt))


def test_the_empty_record_in_the_place_of_a_data_bar_is_known() -> None:
    with olefile.OleFileIO(io.BytesIO(OLD_WORKBOOK.read_bytes())) as ole:
        stream = bytes(ole.openstream("Workbook").read())
    end = stream.rindex(struct.pack("<HH", 0x000A, 0))
    with_bar = stream[:end] + struct.pack("<HH", 0xFFFF, 0) + stream[end:]
    assert census_of_xls(with_bar).filled == census_of_xls(stream).filled
    with_more = stream[:end] + struct.pack("<HH2x", 0xFFFF, 2) + stream[end:]
    with pytest.raises(Unreadable, match="不认识的记录"):
        census_of_xls(with_more)


def test_what_is_found_out_of_wide_rows_is_not_kept() -> None:
    book = WorkbookWriter()
    sheet = book.sheet("表")
    for row in range(3):
        for column in range(row, 900, 2):
            sheet.number(row, column, 100)
    caches = (
        census._known_block, census._known_shape, census._known_outline, cells._known_missing,
    )  # fmt: skip
    for cache in caches:
        cache.cache_clear()
    read_plain(book.to_bytes())
    sizes = [cache.cache_info().currsize for cache in caches]
    # Sheets of the usual size are judged once.
    assert sizes == [0, 0, 1, 0]


def _largest_sheet(package: Package) -> str:
    sheets = [name for name in package.parts if name.startswith("xl/worksheets/sheet")]
    return max(sheets, key=lambda name: package.parts[name].count(b"<row "))


def test_the_reader_is_spared_blank_rows_and_gives_the_same() -> None:
    data = WITH_BLANK_ROWS.read_bytes()
    package = open_package(data)
    shortened = census.census_of_package(package).shortened
    name = _largest_sheet(package)
    assert shortened[name].count(b"<row ") < package.parts[name].count(b"<row ") / 2
    given = parsing._for_first_reader(package, census.census_of_package(package), data)
    assert parsing._with_calamine(given) == parsing._with_calamine(data)


@pytest.mark.parametrize(
    "cell",
    [
        b'<c r="%b"><v>47</v></c>',
        b'<c r="%b" s="1" t="str"><f>"4"&amp;7</f><v>47</v></c>',
        b'<c r="%b" t="inlineStr"><is><t>47</t></is></c>',
        b'<c t="inlineStr" r="%b"><is><t>47</t></is></c>',
        b'<c r="%b"><v>47</v></c >',
        b"<c r='%b'><v>47</v></c>",
        b'<c r="%b"\n><v>47</v></c\n>',
    ],
)
@pytest.mark.parametrize("at", [0.3, 0.6, 0.999])
def test_what_stands_alone_among_blank_rows_is_read(cell: bytes, at: float) -> None:
    package = open_package(WITH_BLANK_ROWS.read_bytes())
    name = _largest_sheet(package)
    part = package.parts[name]
    blank = list(re.finditer(rb'<c r="([A-Z]+\d+)"[^<>]*/>', part))
    place = blank[int(at * len(blank))]
    changed = part[: place.start()] + cell % place[1] + part[place.end() :]
    sheets = read_plain(stored({**package.parts, name: changed}))[1]
    assert isinstance(sheets, dict)
    values = [value for rows in sheets.values() for row in rows for value in row]
    assert values.count("47") + values.count(47) == 1


def _forget() -> None:
    """What was found in workbooks before."""
    for known in (census._known_block, census._known_rows, census._known_outline):
        known.cache_clear()
    census._known_tails.clear()
    tally._known_strings = tally._KnownStrings()


_ROW = re.compile(rb"<row .*?</row>")
_ORIGINAL = open_package(WITH_BLANK_ROWS.read_bytes())
_LARGEST = _largest_sheet(_ORIGINAL)


def _changed(change: str, at: float) -> Package:
    """The workbook with blank rows, one row of its largest sheet changed."""
    part = _ORIGINAL.parts[_LARGEST]
    rows = list(_ROW.finditer(part))
    row = rows[int(at * len(rows))]
    number = re.findall(rb"\d+", row[0])[0]
    new = {
        "filled": b'<row r="%b"><c r="A%b"><v>47</v></c></row>' % (number, number),
        "filled, as long": b'<row r="%b" ht="%%b"><c r="A%b"><v>47</v></c></row>'
        % (number, number),
        "blank": b'<row r="%b"><c r="A%b"/></row>' % (number, number),
        "misplaced": b'<row r="%b"><c r="A1047"/></row>' % number,
        "disordered": b'<row r="3"/>',
        "none": b"",
        "all below": b"",
    }[change]
    if change == "filled, as long":
        new %= b"1" * (len(row[0]) - len(new) + 2)
    end = part.rfind(b"</sheetData>") if change == "all below" else row.end()
    changed = part[: row.start()] + new + part[end:]
    return Package(_ORIGINAL.shape, {**_ORIGINAL.parts, _LARGEST: changed}, _ORIGINAL.names)


_CHANGES = ("filled", "filled, as long", "blank", "misplaced", "disordered", "none", "all below")
_changes = st.tuples(st.sampled_from(_CHANGES), st.floats(0, 0.999))


def _counted(package: Package) -> object:
    try:
        found = census.census_of_package(package)
    except Unreadable as refusal:
        return refusal.what
    return found.filled, found.formulas, found.doubts, found.shortened


@given(st.lists(_changes, max_size=4), _changes)
def test_a_census_is_the_same_whatever_was_read_before(
    before: list[tuple[str, float]], change: tuple[str, float]
) -> None:
    _forget()
    alone = _counted(_changed(*change))
    _forget()
    for one in before:
        _counted(_changed(*one))
    assert _counted(_changed(*change)) == alone


def _spelled(texts: list[str], fonts: list[bool]) -> str:
    """A shared string: of one text, or of runs, some with a font."""
    escaped = [f'<t xml:space="preserve">{escape(text)}</t>' for text in texts]
    if len(texts) == 1:
        return f"<si>{escaped[0]}</si>"
    font = '<rPr><sz val="10"/><rFont val="宋体"/></rPr>'
    runs = zip(escaped, fonts, strict=True)
    return "<si>" + "".join(f"<r>{font * has_font}{text}</r>" for text, has_font in runs) + "</si>"


_texts = st.lists(
    st.tuples(st.text(st.sampled_from("甲1 <&>\n"), max_size=3), st.booleans()),
    min_size=1,
    max_size=3,
)


@given(st.lists(st.lists(_texts, max_size=6), min_size=1, max_size=3))
def test_strings_are_counted_in_short_as_in_full(
    workbooks: list[list[list[tuple[str, bool]]]],
) -> None:
    for strings in workbooks:
        spelled = [_spelled(*map(list, zip(*runs, strict=True))) for runs in strings]
        part = f"<sst>{''.join(spelled)}</sst>".encode()
        found = tally.count_strings(part)
        assert found.strings == len(tally.blank_strings(part)) == len(strings)
        assert found.has_emptied == any(not text for runs in strings for text, _ in runs)
        assert b"<rPr>" not in found.shortened
        in_full, in_short = map(ET.fromstring, (part, found.shortened))
        assert ["".join(one.itertext()) for one in in_full] == [
            "".join(one.itertext()) for one in in_short
        ]


@pytest.mark.parametrize(
    "spoilt",
    [
        b"<si><r><rPr><sz/></rPr><t>\xb2</t></r></si>",
        b'<si><r><rPr><rFont val="\xb2"/></rPr><t>1</t></r></si>',
        b"<si><t>&x;</t></si>",
        b"<si><t>\x01</t></si>",
        b"<si><r><rPr><sz></rPr><t>1</t></r></si>",
        b"<si><t>1</t><t>2</t></si>",
    ],
)
def test_a_spoilt_string_among_usual_ones_is_refused(spoilt: bytes) -> None:
    usual = b"<si><t>1</t></si>" * 3
    for _ in range(2):
        assert tally.count_strings(b"<sst>" + usual + b"</sst>").strings == 3
        with pytest.raises(Unreadable):
            tally.count_strings(b"<sst>" + usual + spoilt + usual + b"</sst>")


def test_emptied_strings_are_told_after_they_came_with_unusual_ones() -> None:
    emptied = [b'<si><r><rPr><sz val="%d"/></rPr><t></t></r></si>' % size for size in range(10, 30)]
    both = b"".join([*emptied, b"<si ><t>1</t></si>", b"<si><t>1</t ></si>"])
    assert tally.count_strings(b"<sst>" + both + b"</sst>").has_emptied
    for string in emptied:
        assert tally.count_strings(b"<sst>" + string + b"</sst>").has_emptied


# Usual rows in one expression: what the census takes row by row is what this takes as a whole.
_USUAL_ROWS = re.compile(
    rb'(?:<row r="([1-9]\d{0,6})"[^<>]*(?:/>|>(?:'
    rb'<c r="[A-Z]{1,3}\1"(?: s="\d+")?(?: t="(?:s|n|b|e|str|inlineStr|d)")?(?:/>|>'
    rb"(?:<f[^<>]*(?:/>|>[^<]*</f>))?"
    rb'(?:<v>[^<]*</v>|<v/>|<is><t(?: xml:space="preserve")?>[^<]*</t></is>)?'
    rb"</c>))*+</row>))*+"
)
_CELLS = (
    '<c r="{}"/>',
    '<c r="{}" s="12"/>',
    '<c r="{}"></c>',
    '<c r="{}"><v>-1.5</v></c>',
    '<c r="{}" t="s"><v>{}</v></c>',
    '<c r="{}" s="3" t="s"><v>1</v></c>',
    '<c r="{}"><v></v></c>',
    '<c r="{}" t="e"><v>#N/A</v></c>',
    '<c r="{}"><f>A1</f><v>3</v></c>',
    '<c r="{}"><f>A1</f><v></v></c>',
    '<c r="{}" t="str"><f t="shared" si="0"/><v></v></c>',
    '<c r="{}"><f>A1</f></c>',
    '<c r="{}"><f>1</f><v/></c>',
    '<c r="{}" t="inlineStr"><is><t>x1</t></is></c>',
    '<c r="{}" t="inlineStr"/>',
)


@st.composite
def _some_rows(draw: st.DrawFn) -> bytes:
    rows = []
    for number in range(1, draw(st.integers(1, 13))):
        cells = [
            draw(st.sampled_from(_CELLS)).format(f"{letter}{number}", number % 3)
            for letter in draw(st.lists(st.sampled_from("ABCDE"), max_size=4, unique=True))
        ]
        rows.append(f'<row r="{number}" ht="15">{"".join(sorted(cells))}</row>')
    return "".join(rows).encode()


@given(_some_rows())
def test_usual_rows_are_counted_in_short_as_exactly(rows: bytes) -> None:
    assert _USUAL_ROWS.fullmatch(rows)
    part = b"<worksheet><sheetData>" + rows + b"</sheetData></worksheet>"
    sheet = census._usual_sheet(part)
    assert sheet is not None
    exact = tally.sheet_tally(part, [False] * 3)
    blocks = [block for _, block in sheet.filled]
    assert [row for one in sheet.rows for row in one.outline] == exact.outline
    assert sum(block.filled for block in blocks) == len(exact.filled) + len(exact.errors)
    assert {place for block in blocks for place in block.formulas} == exact.formulas
    assert {index for block in blocks for index in block.indexes} == set(exact.indexes)
    assert sum(block.uses for block in blocks) == len(exact.indexes)
    # In short, an empty text is a value.
    assert sum(block.unvalued for block in blocks) == exact.unvalued
    assert sum(block.valued + block.unvalued for block in blocks) == len(exact.formulas)
    assert any(block.has_emptied for block in blocks) == exact.has_emptied_cell
    assert any(one.has_textless for one in sheet.rows) == exact.has_textless_cell
    # In short, a cell that was emptied is none that is blank.
    if not exact.has_emptied_cell:
        assert {column for one in sheet.rows for column in one.blank} == exact.blank_columns
    assert all(one.ascends for one in sheet.rows) != exact.is_disordered


@given(
    _some_rows(), st.integers(0), st.sampled_from([b"", b"0", b"1", b"7", b" ", b"<", b"A", b"/"])
)
def test_spoilt_rows_are_as_usual_as_their_whole(rows: bytes, at: int, new: bytes) -> None:
    at %= len(rows) + 1
    for end in (at, at + 1):
        spoilt = rows[:at] + new + rows[end:]
        try:
            is_usual = census._block_of(spoilt) is not None
        except Unreadable:
            is_usual = True
        assert is_usual == bool(_USUAL_ROWS.fullmatch(spoilt))
