"""Counts a workbook's cells without the reader, so that a cell it drops does not go unnoticed.

Readers are lenient: they skip what they do not understand and take the last of two contents. What
a reader gives is therefore compared with a count of its own; where the two differ, an exact tally
of every cell decides, and a second reader is asked. What no comparison proves, but no sound program
would have written, is told as a doubt.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import pairwise, product
from xml.etree import ElementTree as ET

from perfxl.excel.cells import (
    LAST_COLUMN,
    LAST_ROW,
    NARROW,
    Outline,
    Place,
    Tally,
    column_number,
    contradictory,
    holes,
    missing_row,
    refuse_far_cells,
)
from perfxl.excel.package import Package, Shape
from perfxl.excel.tally import SheetTally, sheet_tally
from perfxl.excel.workbook_parts import WorkbookParts

# A row as every common writer spells it, behind its "<row "; what is spelled otherwise is tallied
# element by element.
_USUAL_ROW = re.compile(
    rb'r="([1-9]\d{0,6})"[^<>]*(?:/>|>(?:'
    rb'<c r="[A-Z]{1,3}[1-9]\d{0,6}"(?: s="\d+")?(?: t="(?:s|n|b|e|str|inlineStr|d)")?(?:/>|>'
    rb"(?:<f[^<>]*(?:/>|>[^<]*</f>))?"
    rb'(?:<v>[^<]*</v>|<v/>|<is><t(?: xml:space="preserve")?>[^<]*</t></is>)?'
    rb"</c>))*+</row>)"
)
_USUAL_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"')
_USUAL_FORMULA = re.compile(rb'<c r="([A-Z]+)(\d+)"[^<>]*><f[ />]')
_USUAL_BLANK = re.compile(rb'<c r="([A-Z]+)\d+"[^<>]*(?:/>|></c>)')
_USUAL_EMPTY_TEXT = re.compile(rb't="str"><f[^<>]*(?:/>|>[^<]*</f>)<v></v>')
_USUAL_INDEX = re.compile(rb't="s"><v>(\d{1,9})</v>')
_DIMENSION = re.compile(rb'<dimension ref="([A-Z]{1,3}\d{1,7}:)?([A-Z]{1,3})(\d{1,7})"')
_MERGED = re.compile(rb'<mergeCell ref="[A-Z]{1,3}\d{1,7}:([A-Z]{1,3})(\d{1,7})"')
_START, _END = b"<sheetData>", b"</sheetData>"
_DECLARATION = b"<?xml"


@dataclass(frozen=True)
class Census:
    """Filled cells in all, and the 0-based places of formulas by sheet name; None: unknown.

    ``tally`` takes an exact count, where the format allows it. ``doubts`` says where the workbook
    contradicts itself in a way that may mean a lost cell.
    """

    filled: int | None = None
    formulas: Mapping[str, frozenset[Place]] | None = None
    tally: Callable[[], Tally] | None = field(default=None, repr=False)
    doubts: tuple[str, ...] = ()


def census_of_package(package: Package) -> Census:
    """The census of an .xlsx or .ods (nothing is known of an .xlsb). Raises Unreadable."""
    if package.shape is Shape.ODS:
        return _census_of_ods(package)
    if package.shape is Shape.XLSB:
        return Census()
    return _Counting(WorkbookParts(package)).census()


class _Counting:
    """Counts the sheets of one .xlsx."""

    def __init__(self, parts: WorkbookParts) -> None:
        self.parts = parts
        self.filled = self.valued = self.unvalued = 0
        self.formulas: dict[str, frozenset[Place]] = {}
        self.indexes: list[int] = []
        self.doubts = dict.fromkeys(parts.doubts)

    def census(self) -> Census:
        for name, part in self.parts.sheets:
            rows = _usual_rows(part)
            if rows is None:
                self._count_exactly(name, part)
            else:
                self._count_usual(name, part, rows)
        if self.valued and self.unvalued:
            self.doubts["有的公式没有结果"] = None
        self._compare_strings()
        return Census(self.filled, self.formulas, partial(_tally, self.parts), tuple(self.doubts))

    def _count_usual(self, name: str, part: bytes, rows: Sequence[_Row]) -> None:
        numbers = [row.number for row in rows]
        ascends = all(map(operator.lt, numbers, numbers[1:]))
        if not ascends or not all(row.is_ordered for row in rows):
            self._refuse_repeated(part)
            self._doubt(name, "行列次序颠倒")
        self._judge_outline(name, part, tuple((row.number, row.columns) for row in rows))
        found: list[Place] = []
        has_emptied = has_textless = False
        for row in rows:
            if row.has_content:
                self.filled += row.filled
                self.valued += row.valued
                self.unvalued += row.unvalued
                self.indexes += row.indexes
                found += row.formulas
                has_emptied = has_emptied or row.has_emptied
                has_textless = has_textless or row.has_textless
        self.formulas[name] = frozenset(found)
        self._judge_emptied(name, part, has_emptied, has_textless)

    def _count_exactly(self, name: str, part: bytes) -> None:
        found = sheet_tally(part, self.parts.blank)
        self._judge_outline(name, part, found.outline, found.blank_columns)
        # As in the quick count, errors are among them.
        self.filled += len(found.filled) + len(found.errors)
        self.formulas[name] = frozenset(found.formulas)
        self.indexes += found.indexes
        self.valued += found.valued
        self.unvalued += found.unvalued
        if found.is_disordered:
            self._doubt(name, "行列次序颠倒")
        if found.is_strange:
            self._doubt(name, "有不认识的内容")
        self._judge_emptied(name, part, found.has_emptied_cell, found.has_textless_cell)

    def _judge_emptied(self, name: str, part: bytes, has_emptied: bool, has_textless: bool) -> None:
        # One program, which writes no declaration, types a cell as text in which it puts none.
        if has_emptied or (has_textless and part.startswith(_DECLARATION)):
            self._doubt(name, "有内容被清空的单元格")

    def _refuse_repeated(self, part: bytes) -> None:
        cells = _USUAL_CELL.findall(part)
        if len(set(cells)) != len(cells):
            raise contradictory("同一个单元格出现两次")
        refuse_far_cells(
            max(int(row) for _, row in cells),
            max(column_number(letters) for letters, _ in cells),
        )

    def _judge_outline(
        self, name: str, part: bytes, outline: Outline, blank_columns: Set[int] | None = None
    ) -> None:
        size = len(outline) + sum(len(cells) for _, cells in outline)
        judged = _known_outline if size <= _SMALL else _extent_and_holes
        last, rows, columns, missing = judged(tuple(outline))
        refuse_far_cells(last, columns)
        if missing:
            blank = blank_columns if blank_columns is not None else _blank_columns(part)
            row = missing_row(missing, blank)
            if row:
                self._doubt(name, f"第 {row} 行缺少单元格")
        stated = _DIMENSION.search(part, 0, 4096)
        if stated and columns:
            stated_size = int(stated[3]), column_number(stated[2])
            # A program that writes no declaration counts blank cells, of which only rows are left.
            furthest = rows if part.startswith(_DECLARATION) else last
            if stated_size != (rows, columns):
                found = (rows, columns), (furthest, columns)
                self._judge_range(name, part, stated_size, found, is_range=bool(stated[1]))

    def _judge_range(
        self, name: str, part: bytes, stated: Place, found: tuple[Place, Place], *, is_range: bool
    ) -> None:
        """Compare the stated range with the least and the furthest that the cells may reach."""
        least, furthest = found
        merged = _MERGED.findall(part, part.rfind(_END))
        rows = max([furthest[0], *(int(row) for _, row in merged)])
        columns = max([furthest[1], *(column_number(letters) for letters, _ in merged)])
        if stated[0] > rows or stated[1] > columns:
            self._doubt(name, "比声明的范围小")
        # Some programs state the first cell only.
        elif is_range and (stated[0] < least[0] or stated[1] < least[1]):
            self._doubt(name, "比声明的范围大")

    def _doubt(self, sheet: str, what: str) -> None:
        self.doubts[f"“{sheet}”{what}"] = None

    def _compare_strings(self) -> None:
        if not self.indexes:
            return
        used = set(self.indexes)
        if max(used) >= self.parts.string_count:
            raise contradictory("单元格指向不存在的文字")
        if len(used) < self.parts.string_count or len(self.indexes) < self.parts.stated_uses:
            self.doubts["有文字不在任何单元格中"] = None
        if self.parts.has_emptied_string:
            self.doubts["有文字被清空"] = None


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: its cells' columns, how many are filled, and what its formulas and texts are."""

    number: int
    columns: tuple[int, ...] = ()
    is_ordered: bool = True
    has_content: bool = False
    filled: int = 0
    valued: int = 0
    unvalued: int = 0
    has_emptied: bool = False
    has_textless: bool = False
    formulas: tuple[Place, ...] = ()
    indexes: tuple[int, ...] = ()


def _usual_rows(part: bytes) -> list[_Row] | None:
    """The rows of a sheet; None where it is not spelled as usual."""
    start = part.find(_START) + len(_START)
    end = part.find(_END, start)
    if start < len(_START) or end < 0:
        return None
    first, *chunks = part[start:end].split(b"<row ")
    rows = [_known_row(chunk) if len(chunk) <= _SHORT_ROW else _row_in(chunk) for chunk in chunks]
    known = [row for row in rows if row is not None]
    return None if first or len(known) < len(rows) else known


def _row_in(chunk: bytes) -> _Row | None:
    usual = _USUAL_ROW.fullmatch(chunk)
    if usual is None:
        return None
    stated = usual[1]
    cells = _USUAL_CELL.findall(chunk)
    if not cells:
        return _Row(int(stated))
    letters, numbers = zip(*cells, strict=True)
    ascends, columns = (_known_columns if len(letters) <= NARROW else _columns)(letters)
    is_ordered = ascends and numbers.count(stated) == len(numbers)
    has_textless = b't="inlineStr"/>' in chunk or b't="inlineStr"></c>' in chunk
    if b"</c>" not in chunk:
        return _Row(int(stated), columns, is_ordered, has_textless, has_textless=has_textless)
    empty, valued, unvalued, found = chunk.count(b"<v></v>"), 0, 0, []
    filled = chunk.count(b"<v>") + chunk.count(b"<is>") - empty
    if b"<f" in chunk:
        found = _USUAL_FORMULA.findall(chunk)
        emptied = chunk.count(b"</f><v></v>") + chunk.count(b"/><v></v>") if empty else 0
        # The result of a formula may be an empty text.
        texts = len(_USUAL_EMPTY_TEXT.findall(chunk)) if emptied else 0
        unvalued = emptied - texts + chunk.count(b"</f></c>") + chunk.count(b"</f><v/>")
        valued = len(found) - unvalued
        empty -= emptied
    indexes = _USUAL_INDEX.findall(chunk)
    if len(indexes) != chunk.count(b't="s"><v>'):
        raise contradictory("单元格指向不存在的文字")
    return _Row(
        int(stated),
        columns,
        is_ordered,
        has_content=True,
        filled=filled,
        valued=valued,
        unvalued=unvalued,
        has_emptied=empty > 0 or b"></t></is>" in chunk,
        has_textless=has_textless,
        formulas=tuple((int(row) - 1, column_number(letter) - 1) for letter, row in found),
        indexes=tuple(map(int, indexes)),
    )


# The returns of a campaign have most of their rows in common: what the office printed in them, and
# the blank rows of their registers. Long rows and large sheets differ, and would only fill the
# memory, for which the files that come after would pay.
_SHORT_ROW, _SMALL = 4_096, 8_192
_known_row = lru_cache(maxsize=8_192)(_row_in)


def _extent_and_holes(outline: Outline) -> tuple[int, int, int, tuple[Place, ...]]:
    """Last row, last row that has cells, last column, and what is missing."""
    last = max((number for number, _ in outline), default=0)
    rows = max((number for number, columns in outline if columns), default=0)
    columns = max((max(columns) for _, columns in outline if columns), default=0)
    return last, rows, columns, tuple(holes(outline))


_known_outline = lru_cache(maxsize=256)(_extent_and_holes)


def _tally(parts: WorkbookParts) -> Tally:
    found = {name: sheet_tally(part, parts.blank) for name, part in parts.sheets}
    return Tally(
        {name: frozenset(one.filled) for name, one in found.items()},
        {name: one.errors for name, one in found.items()},
    )


def _blank_columns(part: bytes) -> set[int]:
    """The columns in which blank cells are written, but for those beside a title."""
    found: set[bytes] = set()
    for row in part.split(b"<row ")[1:]:
        blank = _USUAL_BLANK.findall(row)
        if blank and row.count(b"<c ") != len(blank) + 1:
            found.update(blank)
    return set(map(column_number, found))


def _columns(letters: tuple[bytes, ...]) -> tuple[bool, tuple[int, ...]]:
    """Whether a row's cells stand in order, and their columns."""
    numbers = tuple(map(column_number, letters))
    return all(a < b for a, b in pairwise(numbers)), numbers


_known_columns = lru_cache(maxsize=4_096)(_columns)

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_MOST_REPEATED_FILLED = 1_000_000
_ALL_ROWS, _NEARLY_ALL_ROWS = (65_536, LAST_ROW), 60_000


def _census_of_ods(package: Package) -> Census:
    content = package.part("content.xml")
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        raise contradictory("内容损坏") from error
    filled: dict[str, frozenset[Place]] = {}
    errors: dict[str, Mapping[Place, str]] = {}
    formulas: dict[str, frozenset[Place]] = {}
    doubts: list[str] = []
    for table in root.iter(f"{_TABLE}table"):
        name = table.get(f"{_TABLE}name", "")
        if name in filled:
            raise contradictory("有同名的工作表")
        found = _tally_of_table(table)
        doubts += [f"“{name}”{what}" for what in _doubts_of_table(found)]
        filled[name] = frozenset(found.filled)
        errors[name] = found.errors
        formulas[name] = frozenset(found.formulas)
    tally = Tally(filled, errors)
    return Census(
        sum(map(len, filled.values())) + sum(map(len, errors.values())),
        formulas,
        lambda: tally,
        tuple(doubts),
    )


def _doubts_of_table(found: SheetTally) -> Iterator[str]:
    if found.has_emptied_cell:
        yield "有内容被清空的单元格"
    rows = sum(times for times, _ in found.widths)
    if rows < _NEARLY_ALL_ROWS:
        return
    # Programs that write down to the last row write every row equally wide.
    if rows not in _ALL_ROWS:
        yield "行数与表格不符"
    how_often = Counter[int]()
    for times, width in found.widths:
        how_often[width] += times
    ((usual, _),) = how_often.most_common(1)
    above = 0
    for times, width in found.widths:
        if width != usual:
            yield f"第 {above + 1} 行的单元格数与其他行不同"
            return
        above += times


def _tally_of_table(table: ET.Element) -> SheetTally:
    found = SheetTally()
    row = widest = last = 0
    for line in table.iter(f"{_TABLE}table-row"):
        times = _repeats(line, "number-rows-repeated")
        column = 0
        for cell in line:
            if not cell.tag.endswith("table-cell"):
                continue
            wide = _repeats(cell, "number-columns-repeated")
            if cell.get(f"{_TABLE}formula") is not None:
                found.formulas.add((row, column))
            shown = _shown_in(cell)
            if shown is not None:
                widest, last = max(widest, column + wide), row + times
                refuse_far_cells(last, widest)
                if len(found.filled) + wide * times > _MOST_REPEATED_FILLED:
                    refuse_far_cells(LAST_ROW, LAST_COLUMN)
                places = product(range(row, row + times), range(column, column + wide))
                if _is_error(cell):
                    found.errors.update(dict.fromkeys(places, shown))
                elif shown:
                    found.filled.update(places)
                elif cell.get(f"{_TABLE}formula") is None:
                    found.has_emptied_cell = True
            column += wide
        found.widths.append((times, column))
        row += times
    return found


def _shown_in(cell: ET.Element) -> str | None:
    """What a cell shows; None where it holds nothing, not even an empty text."""
    kind = cell.get(f"{_OFFICE}value-type")
    paragraphs = "\n".join(map(_text_of, cell.findall(f"{_TEXT}p")))
    if kind is None:
        # Programs show such a text, and the reader leaves it out.
        return paragraphs or None
    if kind != "string":
        return paragraphs or kind
    stated = cell.get(f"{_OFFICE}string-value")
    return paragraphs if stated is None or _is_error(cell) else stated


def _text_of(paragraph: ET.Element) -> str:
    # Spaces, tabs and line breaks are elements.
    blanks = any(one.tag in (f"{_TEXT}s", f"{_TEXT}tab", f"{_TEXT}line-break") for one in paragraph)
    return "".join(paragraph.itertext()) or (" " if blanks else "")


def _is_error(cell: ET.Element) -> bool:
    return any(key.endswith("}value-type") and kind == "error" for key, kind in cell.items())


def _repeats(element: ET.Element, name: str) -> int:
    text = element.get(_TABLE + name, "1")
    return int(text) if text.isdecimal() and len(text) < 9 else 1
