"""Counts a workbook's cells without the reader, so that a cell it drops does not go unnoticed.

Readers are lenient: they skip what they do not understand and take the last of two contents. What
a reader gives is therefore compared with a count of its own; where the two differ, an exact tally
of every cell decides, and a second reader is asked. What no comparison proves, but no sound program
would have written, is told as a doubt.
"""

from __future__ import annotations

import operator
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain, count, pairwise, product
from typing import NamedTuple
from xml.etree import ElementTree as ET

from perfxl.excel.cells import (
    LAST_COLUMN,
    LAST_ROW,
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

# A row as every common writer spells it, from behind ``<row ``, its cells named after it; what is
# spelled otherwise is tallied element by element.
_USUAL_ROW = re.compile(
    rb'r="([1-9]\d{0,6})"[^<>]*(?:/>|>(?:'
    rb'<c r="[A-Z]{1,3}\1"(?: s="\d+")?(?: t="(?:s|n|b|e|str|inlineStr|d)")?(?:/>|>'
    rb"(?:<f[^<>]*(?:/>|>[^<]*</f>))?"
    rb'(?:<v>[^<]*</v>|<v/>|<is><t(?: xml:space="preserve")?>[^<]*</t></is>)?'
    rb"</c>))*+</row>)"
)
_ROW = b"<row "
_USUAL_CELL = re.compile(rb'<c r="([A-Z]+)(\d+)"')
_USUAL_FORMULA = re.compile(rb'<c r="([A-Z]+)\d+"[^<>]*><f[ />]')
_USUAL_EMPTY_TEXT = re.compile(rb't="str"><f[^<>]*(?:/>|>[^<]*</f>)<v></v>')
_USUAL_BLANK = re.compile(rb'<c r="([A-Z]+)\d+"[^<>]*(?:/>|></c>)')
_USUAL_INDEX = re.compile(rb't="s"><v>(\d{1,9})</v>')
_ALL_DIGITS_ALIKE = bytes.maketrans(b"0123456789", b"1" * 10)
_DIMENSION = re.compile(rb'<dimension ref="([A-Z]{1,3}\d{1,7}:)?([A-Z]{1,3})(\d{1,7})"')
_MERGED = re.compile(rb'<mergeCell ref="[A-Z]{1,3}\d{1,7}:([A-Z]{1,3})(\d{1,7})"')
_START, _END = b"<sheetData>", b"</sheetData>"
# Where a cell has a content, this ends it; a cell without one is an empty element.
_END_OF_CONTENT = b"</c>"
_ROWS_TOGETHER = 10
_NEARBY = 20_000
_DECLARATION = b"<?xml"


@dataclass(frozen=True)
class Census:
    """Filled cells in all, and the 0-based places of formulas by sheet name; None: unknown.

    ``tally`` takes an exact count, where the format allows it. ``doubts`` says where the workbook
    contradicts itself in a way that may mean a lost cell. ``shortened`` gives parts, by their path
    in lower case, without rows in which no cell has a content, and without the fonts of texts.
    """

    filled: int | None = None
    formulas: Mapping[str, frozenset[Place]] | None = None
    tally: Callable[[], Tally] | None = field(default=None, repr=False)
    doubts: tuple[str, ...] = ()
    shortened: Mapping[str, bytes] = field(default_factory=dict, repr=False)


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
        self.indexes: set[int] = set()
        self.uses = 0
        self.shortened: dict[str, bytes] = {}
        self.doubts = dict.fromkeys(parts.doubts)

    def census(self) -> Census:
        for name, path, part in self.parts.sheets:
            sheet = _usual_sheet(part)
            if sheet is None:
                self._count_exactly(name, part)
            else:
                self._count_usual(name, part, sheet)
                self.shortened[path] = sheet.shortened()
        if self.valued and self.unvalued:
            self.doubts["有的公式没有结果"] = None
        self._compare_strings()
        return Census(
            self.filled,
            self.formulas,
            partial(_tally, self.parts),
            tuple(self.doubts),
            self.shortened,
        )

    def _count_usual(self, name: str, part: bytes, sheet: _UsualSheet) -> None:
        outline = (_known_outline if len(part) <= _SMALL else _outline_of)(sheet.rows)
        if not outline.ascends:
            self._refuse_repeated(part)
            self._doubt(name, "行列次序颠倒")
        self._judge_outline(name, part, outline)
        found: list[Place] = []
        has_emptied = False
        for _, block in sheet.filled:
            self.filled += block.filled
            self.valued += block.valued
            self.unvalued += block.unvalued
            self.indexes |= block.indexes
            self.uses += block.uses
            found += block.formulas
            has_emptied |= block.has_emptied
        self.formulas[name] = frozenset(found)
        self._judge_emptied(name, part, has_emptied, outline.has_textless)

    def _count_exactly(self, name: str, part: bytes) -> None:
        found = sheet_tally(part, self.parts.blank)
        self._judge_outline(
            name, part, _measured(found.outline, blank=frozenset(found.blank_columns))
        )
        # As in the quick count, errors are among them.
        self.filled += len(found.filled) + len(found.errors)
        self.formulas[name] = frozenset(found.formulas)
        self.indexes.update(found.indexes)
        self.uses += len(found.indexes)
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
            max((int(row) for _, row in cells), default=0),
            max((column_number(letters) for letters, _ in cells), default=0),
        )

    def _judge_outline(self, name: str, part: bytes, outline: _Outline) -> None:
        last, rows, columns = outline.last, outline.rows, outline.columns
        refuse_far_cells(last, columns)
        if outline.missing:
            row = missing_row(outline.missing, outline.blank)
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
        used = self.indexes
        if max(used) >= self.parts.string_count:
            raise contradictory("单元格指向不存在的文字")
        if len(used) < self.parts.string_count or self.uses < self.parts.stated_uses:
            self.doubts["有文字不在任何单元格中"] = None
        if self.parts.has_emptied_string:
            self.doubts["有文字被清空"] = None
        path, strings = self.parts.shortened_strings
        self.shortened[path] = strings


@dataclass(frozen=True, slots=True, eq=False)
class _Shape:
    """What a usual row is but for its digits: the columns of its cells, those of blank ones but for
    what stands beside a title, those of formulas; how many cells are filled, with what; and where
    its digits stand."""

    columns: tuple[int, ...]
    is_ordered: bool
    blank: frozenset[int]
    formulas: tuple[int, ...]
    filled: int
    valued: int
    unvalued: int
    has_emptied: bool
    has_textless: bool
    has_odd_index: bool
    # From a row of this shape its number (twice), that of each cell, and the shared texts' indexes.
    digits: Callable[[bytes], tuple[bytes, ...]]
    numbers: int


def _shape_of(row: bytes) -> _Shape | None:
    """The shape of a row, of whose digits the value plays no part; None where it is not usual."""
    numbered = _USUAL_ROW.fullmatch(row)
    if not numbered:
        return None
    cells = list(_USUAL_CELL.finditer(row))
    columns = tuple(column_number(cell[1]) for cell in cells)
    blank = _USUAL_BLANK.findall(row)
    indexes = list(_USUAL_INDEX.finditer(row))
    formulas = _USUAL_FORMULA.findall(row)
    inline, empty = row.count(b"<is>"), row.count(b"<v></v>")
    filled = row.count(b"<v>") + inline - empty
    unvalued = 0
    if b"<f" in row:
        emptied = row.count(b"</f><v></v>") + row.count(b"/><v></v>")
        # The result of a formula may be an empty text.
        texts = len(_USUAL_EMPTY_TEXT.findall(row))
        unvalued = emptied - texts + row.count(b"</f></c>") + row.count(b"</f><v/>")
        empty -= emptied
    spans = [numbered.span(1)] * 2 + [cell.span(2) for cell in cells]
    places = [slice(*span) for span in (*spans, *(index.span(1) for index in indexes))]
    return _Shape(
        columns,
        is_ordered=all(a < b for a, b in pairwise(columns)),
        blank=frozenset(map(column_number, blank if len(cells) != len(blank) + 1 else ())),
        formulas=tuple(map(column_number, formulas)),
        filled=filled,
        valued=len(formulas) - unvalued,
        unvalued=unvalued,
        has_emptied=empty > 0 or b"></t></is>" in row,
        has_textless=b't="inlineStr"/>' in row or b't="inlineStr"></c>' in row,
        has_odd_index=len(indexes) != row.count(b't="s"><v>'),
        digits=operator.itemgetter(*places),
        numbers=len(spans),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """Rows that follow each other: number and columns of each, whether they and their cells come in
    order, and what of their shapes counts for a whole sheet."""

    outline: tuple[tuple[int, tuple[int, ...]], ...]
    ascends: bool
    blank: frozenset[int]
    has_textless: bool


def _rows_of(numbers: Sequence[int], shapes: Sequence[_Shape], *, are_kept: bool) -> _Rows:
    kinds = set(shapes)
    return (_known_rows if are_kept else _Rows)(
        tuple(zip(numbers, [shape.columns for shape in shapes], strict=True)),
        all(map(operator.lt, numbers, numbers[1:])) and all(kind.is_ordered for kind in kinds),
        frozenset().union(*(kind.blank for kind in kinds)),
        any(kind.has_textless for kind in kinds),
    )


def _joined(parts: Sequence[_Rows]) -> _Rows:
    filled = [rows for rows in parts if rows.outline]
    return _Rows(
        tuple(chain.from_iterable(rows.outline for rows in filled)),
        all(rows.ascends for rows in filled)
        and all(a.outline[-1][0] < b.outline[0][0] for a, b in pairwise(filled)),
        frozenset().union(*(rows.blank for rows in filled)),
        any(rows.has_textless for rows in filled),
    )


class _Block(NamedTuple):
    """Rows that follow each other, how many cells are filled, and with what: ``uses`` of them with
    the shared texts of these ``indexes``."""

    rows: _Rows
    is_blank: bool = False
    filled: int = 0
    valued: int = 0
    unvalued: int = 0
    has_emptied: bool = False
    formulas: tuple[Place, ...] = ()
    uses: int = 0
    indexes: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _UsualSheet:
    """A sheet part: all its rows; those blocks of them in which something is filled, each as it
    stands in the file and as counted; and what stands before and behind the rows."""

    before: bytes
    rows: tuple[_Rows, ...]
    filled: Sequence[tuple[bytes, _Block]]
    behind: bytes

    def shortened(self) -> bytes:
        """The part without its blank blocks.

        No reader can lose anything there: each cell in them is one empty element, as
        ``_USUAL_ROW`` says, and the cells that are left name their own places.
        """
        return b"".join((self.before, *(rows for rows, _ in self.filled), self.behind))


def _usual_sheet(part: bytes) -> _UsualSheet | None:
    """A sheet with its rows counted; None where one is not spelled as usual."""
    start = part.find(_START) + len(_START)
    end = part.rfind(_END, start)
    if start < len(_START) or end < 0:
        return None
    found: list[_Rows] = []
    filled: list[tuple[bytes, _Block]] = []
    blank_from: dict[int, int] = {}
    for at, following in _cut(part, start, end):
        known = _known_tail(part, at, end)
        if known is not None:
            tail, first = known
            if blank_from:
                shift = len(found) - first
                blank_from |= {
                    end - size: block + shift
                    for size, block in tail.beginning.items()
                    if block >= first
                }
            found += tail.rows[first:]
            break
        rows = part[at:following]
        block = (_known_block if len(rows) <= _SHORT else _block_of)(rows)
        if block is None:
            return None
        if block.is_blank:
            blank_from[at] = len(found)
        else:
            filled.append((rows, block))
            blank_from.clear()
        found.append(block.rows)
    _keep_tail(part, end, blank_from, found)
    return _UsualSheet(part[:start], tuple(found), filled, part[end:])


def _cut(part: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where blocks of ten rows begin and end, as long as every tenth is there; the last takes all
    others.

    Cut by their numbers, blank rows come in the same blocks however many others are filled in.
    """
    for number in count(_ROWS_TOGETHER, _ROWS_TOGETHER):
        wanted = b'<row r="%d"' % number
        # Python searches what is short several times as fast as what is long.
        following = part.find(wanted, start, min(start + _NEARBY, end))
        if following < 0:
            following = part.find(wanted, start, end)
        if following < 0:
            break
        yield start, following
        start = following
    yield start, end


class _Tail(NamedTuple):
    """The blank rows at the end of a sheet, block by block; and the number of the block that begins
    as many bytes before the end."""

    part: bytes
    rows: Sequence[_Rows]
    beginning: Mapping[int, int]


# The sheets of a campaign end in the same blank rows, in whichever row these begin; to compare all
# of them costs less than to find where one ends. None is longer than a small sheet.
_known_tails: deque[_Tail] = deque(maxlen=16)


def _known_tail(part: bytes, start: int, end: int) -> tuple[_Tail, int] | None:
    """What the rows from a place on are the end of, from which block on: blank rows that were in a
    sheet before."""
    for tail in _known_tails:
        block = tail.beginning.get(end - start)
        if block is not None and tail.part.endswith(part[start:end]):
            return tail, block
    return None


def _keep_tail(part: bytes, end: int, blank_from: Mapping[int, int], rows: list[_Rows]) -> None:
    """Keep the blank rows at the end for ``_known_tail``, whose blocks begin in these places."""
    start = min(blank_from, default=end)
    if not 0 < end - start <= _SMALL:
        return
    tail = part[start:end]
    first = blank_from[start]
    beginning = {end - at: block - first for at, block in blank_from.items()}
    for shorter in [one for one in _known_tails if tail.endswith(one.part)]:
        _known_tails.remove(shorter)
    _known_tails.append(_Tail(tail, rows[first:], beginning))


def _block_of(part: bytes) -> _Block | None:
    """What stands in rows; None where they are not spelled as usual. Raises Unreadable."""
    before, *rows = part.split(_ROW)
    shapes: list[_Shape] = []
    # Whether a row is usual is the same for all digits, but that its cells are named after it.
    for row in part.translate(_ALL_DIGITS_ALIKE).split(_ROW)[1:]:
        shape = (_known_shape if len(row) <= _SHORT_ROW else _shape_of)(row)
        if shape is None:
            return None
        shapes.append(shape)
    if before:
        return None
    numbers: list[int] = []
    formulas: list[Place] = []
    uses = 0
    indexes: set[bytes] = set()
    for row, shape in zip(rows, shapes, strict=True):
        digits = shape.digits(row)
        number, of_row = digits[0], digits[: shape.numbers]
        if number.startswith(b"0") or of_row.count(number) != shape.numbers:
            return None
        numbers.append(int(number))
        formulas += [(numbers[-1] - 1, column - 1) for column in shape.formulas]
        uses += len(digits) - shape.numbers
        indexes.update(digits[shape.numbers :])
    if any(shape.has_odd_index for shape in shapes):
        raise contradictory("单元格指向不存在的文字")
    return _Block(
        _rows_of(numbers, shapes, are_kept=len(part) <= _SHORT),
        is_blank=_END_OF_CONTENT not in part,
        filled=sum([shape.filled for shape in shapes]),
        valued=sum([shape.valued for shape in shapes]),
        unvalued=sum([shape.unvalued for shape in shapes]),
        has_emptied=any(shape.has_emptied for shape in shapes),
        formulas=tuple(formulas),
        uses=uses,
        indexes=frozenset(map(int, indexes)),
    )


# The returns of a campaign have their blank rows in common, and much of what the county wrote; rows
# that are filled in are of few shapes. Long rows and large sheets would only fill the memory, for
# which the files that come after would pay.
_SHORT, _SHORT_ROW, _SMALL = 16_384, 4_096, 131_072
_known_block = lru_cache(maxsize=256)(_block_of)
_known_shape = lru_cache(maxsize=1_024)(_shape_of)
_known_rows = lru_cache(maxsize=1_024)(_Rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Outline:
    """Of a whole sheet: last row, last row that has cells, last column, what is missing, and the
    columns of blank cells; of usual rows, whether they come in order and what they hold besides."""

    last: int
    rows: int
    columns: int
    missing: tuple[Place, ...]
    blank: frozenset[int]
    ascends: bool = True
    has_textless: bool = False


def _measured(
    outline: Outline, blank: frozenset[int], *, ascends: bool = True, has_textless: bool = False
) -> _Outline:
    return _Outline(
        max((number for number, _ in outline), default=0),
        max((number for number, columns in outline if columns), default=0),
        max((max(columns) for _, columns in outline if columns), default=0),
        tuple(holes(outline)),
        blank,
        ascends,
        has_textless,
    )


def _outline_of(parts: tuple[_Rows, ...]) -> _Outline:
    whole = _joined(parts)
    return _measured(
        whole.outline, whole.blank, ascends=whole.ascends, has_textless=whole.has_textless
    )


# Rows that were found alike are the same object, so that they need not be compared.
_known_outline = lru_cache(maxsize=32)(_outline_of)


def _tally(parts: WorkbookParts) -> Tally:
    found = {name: sheet_tally(part, parts.blank) for name, _, part in parts.sheets}
    return Tally(
        {name: frozenset(one.filled) for name, one in found.items()},
        {name: one.errors for name, one in found.items()},
    )


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
