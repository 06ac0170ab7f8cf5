"""Counts a sheet's cells without the reader, so that a cell it drops does not go unnoticed.

Readers are lenient: they skip what they do not understand and take the last of two contents. A
return that was read is therefore compared with a count of its own; where the two differ, a second
reader decides, and where that differs as well the file counts as damaged.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from perfxl.errors import Fault, Unreadable
from perfxl.excel.package import OTHER_WORKBOOK, SAVE_AGAIN, Package, Shape

LARGEST_BOX = 20_000_000
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384

# As every common writer spells cells; what is spelled otherwise takes the general patterns, slower.
_USUAL_CELL = re.compile(rb'<c r="([A-Z]{1,9})(\d{1,12})"')
_USUAL_FORMULA = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"[^>]*><f[ />]')
_USUAL_BAD_STRING = re.compile(rb't="s"[^>]*><v>(?!\d+<)')
_CELL = re.compile(rb"""<(?:\w+:)?c\b[^>]*?\br=["']([A-Z]{1,9})(\d{1,12})["']""")
_ROW = re.compile(rb"""<(?:\w+:)?row\b[^>]*?\br=["'](\d{1,12})["']""")
_FILLED = re.compile(rb"<(?:\w+:)?(?:v(?:\s[^>]*)?>[^<]|is>|is\s)")
_FORMULA = re.compile(
    rb"""<(?:\w+:)?c\b[^>]*?\br=["']([A-Z]{1,3})(\d{1,7})["'][^>]*><(?:\w+:)?f\b"""
)
_BAD_STRING = re.compile(rb"""\bt=["']s["'][^>]*><(?:\w+:)?v>(?!\d+<)""")
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Census:
    """Filled cells in all, and the 0-based places of formulas by sheet name; None: unknown."""

    filled: int | None = None
    formulas: Mapping[str, frozenset[tuple[int, int]]] | None = None
    places: frozenset[tuple[int, int, int]] | None = field(default=None, repr=False)


def _contradictory(what: str) -> Unreadable:
    return Unreadable(what, remedy=SAVE_AGAIN, fault=Fault.DAMAGED)


def refuse_far_cells(rows: int, columns: int) -> None:
    """Refuse a sheet whose bounding box a reader would allocate in full. Raises Unreadable."""
    if rows > LAST_ROW or columns > LAST_COLUMN:
        raise _contradictory("工作表中有超出表格范围的单元格")
    if rows * columns > LARGEST_BOX:
        raise Unreadable(
            "工作表中有离表格很远的内容，展开后过大",
            remedy="请删除表格以外的行和列后重新报送，或" + OTHER_WORKBOOK.removeprefix("请"),
            fault=Fault.TOO_LARGE,
        )


def census_of_package(package: Package) -> Census:
    """The census of an .xlsx or .ods (nothing is known of an .xlsb). Raises Unreadable."""
    if package.shape is Shape.ODS:
        return _census_of_ods(package)
    if package.shape is Shape.XLSB:
        return Census()
    filled = 0
    formulas: dict[str, frozenset[tuple[int, int]]] = {}
    names = _sheet_names(package)
    for name, part in package.matching(r"xl/worksheets/[^/]*\.xml"):
        body = part[part.find(b"<sheetData") : part.rfind(b"</sheetData>")]
        cells = _USUAL_CELL.findall(body)
        # Within the data of a sheet no element but the cell begins with "<c", nor any with "<v".
        usual = b"<sheetData" in part and len(cells) == body.count(b"<c") and b"<v " not in body
        if not usual:
            body, cells = part, _CELL.findall(part)
        if len(set(cells)) != len(cells):
            raise _contradictory("同一个单元格出现两次")
        rows = max(map(int, {row for _, row in cells}), default=0)
        rows = max(rows, max(map(int, _ROW.findall(body)), default=0))
        columns = max(map(_column_number, {letters for letters, _ in cells}), default=0)
        refuse_far_cells(rows, columns)
        if (_USUAL_BAD_STRING if usual else _BAD_STRING).search(body):
            raise _contradictory("单元格指向不存在的文字")
        filled += (
            body.count(b"<v>") - body.count(b"<v></v>") + body.count(b"<is>")
            if usual
            else len(_FILLED.findall(part))
        )
        found = (_USUAL_FORMULA if usual else _FORMULA).findall(body)
        formulas[names.get(name.lower(), "")] = frozenset(
            (int(row) - 1, _column_number(letters) - 1) for letters, row in found
        )
    return Census(filled, formulas)


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheet_names(package: Package) -> Mapping[str, str]:
    """Sheet names by part name (lower case); empty where the workbook part cannot be followed."""
    workbook = next(package.matching(r"xl/workbook\.xml"), None)
    relations = next(package.matching(r"xl/_rels/workbook\.xml\.rels"), None)
    if workbook is None or relations is None:
        return {}
    try:
        target_of = {
            one.get("Id"): posixpath.normpath(posixpath.join("/xl", one.get("Target", "")))
            for one in ET.fromstring(relations[1])
        }
        return {
            target_of.get(one.get(_RELATION_ID), "").lstrip("/").lower(): one.get("name", "")
            for one in ET.fromstring(workbook[1]).iter()
            if one.tag.endswith("}sheet")
        }
    except ET.ParseError as error:
        raise _contradictory("工作簿目录损坏") from error


_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_MOST_REPEATED_FILLED = 1_000_000


def _census_of_ods(package: Package) -> Census:
    content = package.part("content.xml")
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        raise _contradictory("内容损坏") from error
    filled = 0
    formulas: dict[str, frozenset[tuple[int, int]]] = {}
    for table in root.iter(f"{_TABLE}table"):
        found: set[tuple[int, int]] = set()
        row = widest = last = 0
        for line in table.iter(f"{_TABLE}table-row"):
            times = _repeats(line, "number-rows-repeated")
            column = here = 0
            for cell in line:
                if not cell.tag.endswith("table-cell"):
                    continue
                wide = _repeats(cell, "number-columns-repeated")
                if cell.get(f"{_OFFICE}value-type") is not None:
                    here += wide
                    widest, last = max(widest, column + wide), row + times
                if cell.get(f"{_TABLE}formula") is not None:
                    found.add((row, column))
                column += wide
            filled += here * times
            row += times
        refuse_far_cells(last, widest)
        if filled > _MOST_REPEATED_FILLED:
            refuse_far_cells(LAST_ROW, LAST_COLUMN)
        formulas[table.get(f"{_TABLE}name", "")] = frozenset(found)
    return Census(filled, formulas)


def _repeats(element: ET.Element, name: str) -> int:
    text = element.get(_TABLE + name, "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1


# Records of BIFF8 ([MS-XLS] 2.3): what holds cells, and what else a sheet may hold.
_BOF, _EOF, _BOUNDSHEET, _SST, _CONTINUE, _FILEPASS = 0x0809, 0x000A, 0x0085, 0x00FC, 0x003C, 0x002F
_NUMBER, _RK, _MULRK, _LABELSST, _LABEL, _RSTRING = 0x0203, 0x027E, 0x00BD, 0x00FD, 0x0204, 0x00D6
_BOOLERR, _FORMULA_CELL, _BLANK, _MULBLANK, _ROW_RECORD = 0x0205, 0x0006, 0x0201, 0x00BE, 0x0208
_ONE_CELL = frozenset({_NUMBER, _RK, _LABELSST, _LABEL, _RSTRING, _BOOLERR, _FORMULA_CELL, _BLANK})
_SIZES = {_NUMBER: 14, _RK: 10, _LABELSST: 10, _BOOLERR: 8, _BLANK: 6}
_LAST_BIFF_ROW, _LAST_BIFF_COLUMN = 65_536, 256
_KNOWN = frozenset(
    {
        0x0006, 0x000A, 0x000C, 0x000D, 0x000E, 0x000F, 0x0010, 0x0011, 0x0012, 0x0013, 0x0014,
        0x0015, 0x0016, 0x0017, 0x0018, 0x0019, 0x001A, 0x001B, 0x001C, 0x001D, 0x0022, 0x0023,
        0x0026, 0x0027, 0x0028, 0x0029, 0x002A, 0x002B, 0x002F, 0x0031, 0x0033, 0x003C, 0x003D,
        0x0040, 0x0041, 0x0042, 0x004D, 0x0050, 0x0051, 0x0052, 0x0055, 0x0059, 0x005A, 0x005B,
        0x005C, 0x005D, 0x005E, 0x005F, 0x0060, 0x0061, 0x0063, 0x0064, 0x0065, 0x0066, 0x007D,
        0x007E, 0x007F, 0x0080, 0x0081, 0x0082, 0x0083, 0x0084, 0x0085, 0x0086, 0x008C, 0x008D,
        0x0090, 0x0092, 0x0099, 0x009B, 0x009C, 0x009D, 0x009E, 0x00A0, 0x00A1, 0x00AE, 0x00AF,
        0x00B0, 0x00B1, 0x00B2, 0x00B4, 0x00B5, 0x00B6, 0x00B7, 0x00B8, 0x00B9, 0x00BA, 0x00BD,
        0x00BE, 0x00C1, 0x00C5, 0x00C6, 0x00C7, 0x00C8, 0x00C9, 0x00CC, 0x00CD, 0x00D0, 0x00D1,
        0x00D2, 0x00D3, 0x00D5, 0x00D6, 0x00D7, 0x00D8, 0x00D9, 0x00DA, 0x00DC, 0x00DD, 0x00DE,
        0x00E0, 0x00E1, 0x00E2, 0x00E3, 0x00E5, 0x00E9, 0x00EB, 0x00EC, 0x00ED, 0x00EF, 0x00F0,
        0x00F1, 0x00F2, 0x00F3, 0x00F4, 0x00F5, 0x00F6, 0x00F7, 0x00F8, 0x00F9, 0x00FA, 0x00FB,
        0x00FC, 0x00FD, 0x00FF, 0x0100, 0x0101, 0x0102, 0x0103, 0x0104, 0x0105, 0x0106, 0x0107,
        0x013D, 0x0150, 0x015F, 0x0160, 0x0161, 0x0162, 0x0163, 0x018B, 0x0192, 0x0193, 0x0194,
        0x0195, 0x0196, 0x01A8, 0x01A9, 0x01AA, 0x01AB, 0x01AC, 0x01AD, 0x01AE, 0x01AF, 0x01B0,
        0x01B1, 0x01B2, 0x01B5, 0x01B6, 0x01B7, 0x01B8, 0x01B9, 0x01BA, 0x01BB, 0x01BC, 0x01BD,
        0x01BE, 0x01BF, 0x01C0, 0x01C1, 0x0200, 0x0201, 0x0203, 0x0204, 0x0205, 0x0207, 0x0208,
        0x020B, 0x0218, 0x0221, 0x0223, 0x0225, 0x0231, 0x0236, 0x023E, 0x027E, 0x0293, 0x0406,
        0x041E, 0x04BC, 0x0809,
    }
)  # fmt: skip


def census_of_xls(stream: bytes) -> Census:
    """The census of the workbook stream of an .xls (BIFF8). Raises Unreadable.

    ``places`` are (sheet number, row, column) of filled cells. A stream of an older BIFF has no
    census. There are no checksums in it; that every record is known, whole, in order and within
    the bounds that its row states is what stands against a byte gone wrong.
    """
    if len(stream) < 8 or struct.unpack_from("<HHH", stream)[::2] != (_BOF, 0x0600):
        return Census()
    names: list[str] = []
    order: dict[int, int] = {}
    places: set[tuple[int, int, int]] = set()
    formulas: dict[str, frozenset[tuple[int, int]]] = {}
    sheet: _Sheet | None = None
    depth, number = 0, -1
    for at, kind, body in _records(stream):
        if depth == 0 and kind != _BOF:
            continue
        if kind == _FILEPASS:
            raise Unreadable(
                "文件已加密", remedy="请取消密码后重新报送，或提供密码", fault=Fault.ENCRYPTED
            )
        if kind == _BOF:
            depth += 1
            if depth == 1:
                number = order.get(at, -1)
                sheet = _Sheet() if number >= 0 else None
        elif kind == _EOF:
            depth -= 1
            if depth == 0 and sheet is not None:
                places |= {(number, row, column) for row, column in sheet.filled}
                formulas[names[number]] = frozenset(sheet.formulas)
                sheet.finish()
                order = {where: n for where, n in order.items() if n != number}
                sheet = None
        elif kind == _BOUNDSHEET and len(body) > 8:
            if body[5] == 0:
                order[struct.unpack_from("<I", body)[0]] = len(names)
                names.append(_short_text(body[6:]))
        elif depth == 1 and sheet is not None:
            sheet.record(kind, body)
    if depth or order:
        raise _contradictory("工作表不完整")
    return Census(len(places), formulas, frozenset(places))


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    at, end = 0, len(stream)
    while at + 4 <= end:
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == 0 and size == 0:
            return
        if at + 4 + size > end:
            raise _contradictory("工作表不完整")
        yield at, kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


def _short_text(body: bytes) -> str:
    length, wide = body[0], body[1] & 1
    raw = body[2 : 2 + length * (2 if wide else 1)]
    return raw.decode("utf-16-le" if wide else "latin-1", "replace")


class _Sheet:
    """One sheet's cells as its records give them."""

    def __init__(self) -> None:
        self.filled: set[tuple[int, int]] = set()
        self.formulas: set[tuple[int, int]] = set()
        self.bounds: dict[int, tuple[int, int]] = {}
        self.cells: dict[int, list[int]] = {}

    def record(self, kind: int, body: bytes) -> None:
        if kind not in _KNOWN and not (0x0800 <= kind <= 0x08FF or 0x1000 <= kind <= 0x10FF):
            raise _contradictory("工作表中有不认识的记录")
        if kind in _ONE_CELL:
            if len(body) < _SIZES.get(kind, 6):
                raise _contradictory("单元格记录不完整")
            row, column = struct.unpack_from("<HH", body)
            self._cell(row, column, column + 1, filled=kind != _BLANK)
            if kind == _FORMULA_CELL:
                self.formulas.add((row, column))
        elif kind in (_MULRK, _MULBLANK):
            width = 6 if kind == _MULRK else 2
            row, first = struct.unpack_from("<HH", body)
            (last,) = struct.unpack_from("<H", body, len(body) - 2)
            if len(body) != 6 + width * (last - first + 1):
                raise _contradictory("单元格记录不完整")
            self._cell(row, first, last + 1, filled=kind == _MULRK)
        elif kind == _ROW_RECORD and len(body) >= 6:
            row, first, end = struct.unpack_from("<HHH", body)
            self.bounds[row] = (first, end)

    def _cell(self, row: int, first: int, end: int, *, filled: bool) -> None:
        if end > _LAST_BIFF_COLUMN:
            raise _contradictory("工作表中有超出表格范围的单元格")
        columns = self.cells.setdefault(row, [])
        if columns and columns[-1] >= first:
            raise _contradictory("单元格次序颠倒或重复")
        columns.extend(range(first, end))
        if filled:
            self.filled.update((row, column) for column in range(first, end))

    def finish(self) -> None:
        """Compare with what the ROW records say of first and last cells."""
        for row, columns in self.cells.items():
            first, end = self.bounds.get(row, (0, _LAST_BIFF_COLUMN))
            if columns[0] < first or columns[-1] >= end:
                raise _contradictory("单元格在其行的范围之外")
