"""Counts every cell of an .xlsx sheet exactly, element by element.

Slower than the patterns of ``census`` and right for whatever spelling XML allows: prefixes,
places that are left out, comments, any order of attributes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from perfxl.excel.cells import LAST_COLUMN, LAST_ROW, Place, column_number, contradictory

_TYPES = frozenset({"b", "d", "e", "inlineStr", "n", "s", "str"})
# What may stand in what ([ECMA-376] part 1, 18.3.1 and 18.4); nothing in what is not named, and
# anything in extensions and formats.
_CHILDREN = {
    "sheetData": frozenset({"row"}),
    "row": frozenset({"c", "extLst"}),
    "c": frozenset({"f", "v", "is", "extLst"}),
    "is": frozenset({"t", "r", "rPh", "phoneticPr"}),
    "r": frozenset({"t", "rPr"}),
    "rPh": frozenset({"t"}),
}
_ANYTHING = frozenset({"extLst", "rPr"})
_REFERENCE = re.compile(r"([A-Z]{1,9})(\d{1,12})")


@dataclass
class SheetTally:
    """One sheet's cells, 0-based; ``outline`` as the rows stand in the file."""

    filled: set[Place] = field(default_factory=set)
    errors: dict[Place, str] = field(default_factory=dict)
    formulas: set[Place] = field(default_factory=set)
    outline: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    valued: int = 0
    unvalued: int = 0
    is_disordered: bool = False
    is_strange: bool = False
    has_emptied_cell: bool = False
    has_textless_cell: bool = False
    blank_columns: set[int] = field(default_factory=set)
    # Of an .ods: how often a row is repeated, and how many cells it has.
    widths: list[tuple[int, int]] = field(default_factory=list)


def sheet_tally(part: bytes, blank: list[bool]) -> SheetTally:
    """Tally a worksheet part; ``blank`` says of each shared string whether it is empty.

    Raises Unreadable.
    """
    reading = _Reading(blank)
    _parse(part, reading)
    if not reading.has_data:
        raise contradictory("工作表不完整")
    return reading.tally


_TEXT = (
    rb'<t(?: xml:space="preserve")?>[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]*+'
    rb"(?:&(?:amp|lt|gt|quot|apos);[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]*+)*+</t>"
)
_RUN = rb'<r>(?:<rPr>(?:<(?!si[ /])\w+(?: \w+="[^"<>&]*+")*+/>)*+</rPr>)?' + _TEXT + rb"</r>"
# One text follows another only where each is a run of its own.
_TEXT_TWICE = re.compile(rb"(?:</t>|<t/>)\s*<t[\s/>]")
# A shared string as every common writer spells it, from behind its start.
_USUAL_STRING = re.compile(rb"(?:" + _TEXT + rb"|(?:" + _RUN + rb")++)</si>\s*+")
_EMPTY_STRING = re.compile(rb"<t(?: [^<>]*)?></t>")
# What is kept of the strings of workbooks, in bytes.
_MOST_KEPT = 1 << 20


@dataclass(frozen=True)
class StringCount:
    """How many shared strings there are; whether one is there and holds nothing, spelled as
    something that lost its text; and the part as a reader takes it in fastest: where all strings
    are spelled as usual, without the fonts of their runs."""

    strings: int
    has_emptied: bool
    shortened: bytes


def count_strings(part: bytes) -> StringCount:
    """Count the shared strings of a part; refuse what is no well-formed XML. Raises Unreadable."""
    # What every common writer spells alike is checked in a fraction of the time.
    start, end = part.find(b"<si>"), part.rfind(b"</si>") + len(b"</si>")
    strings = part[start:end].split(b"<si>")[1:] if 0 < start < end else []
    usual = _known_strings.looked_up(strings)
    rest = part if usual is None else part[:start] + part[end:]
    try:
        expat.ParserCreate().Parse(rest, True)
    except expat.ExpatError as error:
        raise contradictory("工作簿内容损坏") from error
    if _TEXT_TWICE.search(rest):
        raise contradictory("同一个单元格有两份内容")
    if b"<sst" in rest:
        count = rest.count(b"<si>") + rest.count(b"<si/>") + rest.count(b"<si ")
    else:
        count = len(blank_strings(rest))
    has_emptied = b"></t>" in rest and bool(_EMPTY_STRING.search(rest))
    if usual is None:
        return StringCount(count, has_emptied, part)
    without_fonts, among_usual = usual
    shortened = b"<si>".join((part[:start], *without_fonts)) + part[end:]
    return StringCount(len(strings) + count, has_emptied or among_usual, shortened)


class _KnownStrings:
    """Strings that are known to be as usual and not to be empty, each with what it is without the
    fonts of its runs: the returns of a campaign have most of theirs in common."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}
        self._kept = 0

    def looked_up(self, strings: Sequence[bytes]) -> tuple[Sequence[bytes], bool] | None:
        """The strings without fonts, and whether one holds nothing; None where there are none or
        one is not spelled as usual."""
        known = self._known
        fresh = set(strings).difference(known)
        if not strings or not all(map(_is_usual, fresh)):
            return None
        emptied = [string for string in fresh if b"></t>" in string]
        known.update((string, _without_fonts(string)) for string in fresh)
        found = [known[string] for string in strings]
        for string in emptied:
            del known[string]
        self._kept += sum(map(len, fresh))
        if self._kept > _MOST_KEPT:
            known.clear()
            self._kept = 0
        return found, bool(emptied)


_known_strings = _KnownStrings()


def _is_usual(string: bytes) -> bool:
    if not _USUAL_STRING.fullmatch(string):
        return False
    try:
        string.decode()
    except UnicodeDecodeError:
        return False
    return True


def _without_fonts(string: bytes) -> bytes:
    """A usual string without the properties of its runs, which hold empty elements alone."""
    if b"<rPr>" not in string:
        return string
    before, *runs = string.split(b"<rPr>")
    return before + b"".join([run.partition(b"</rPr>")[2] for run in runs])


def blank_strings(part: bytes) -> list[bool]:
    """Of each shared string, whether it is empty."""
    reading = _StringReading()
    if part:
        _parse(part, reading)
    return reading.blank


def _parse(part: bytes, reading: _Reading | _StringReading) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.text
    try:
        parser.Parse(part, True)
    except expat.ExpatError as error:
        raise contradictory("工作簿内容损坏") from error


class _StringReading:
    def __init__(self) -> None:
        self.blank: list[bool] = []
        self._phonetic = self._texts = 0

    def start(self, tag: str, _: dict[str, str]) -> None:
        match tag.rpartition(":")[2]:
            case "si":
                self.blank.append(True)
            case "t":
                self._texts += 1
            case "rPh":
                self._phonetic += 1

    def end(self, tag: str) -> None:
        match tag.rpartition(":")[2]:
            case "t":
                self._texts -= 1
            case "rPh":
                self._phonetic -= 1

    def text(self, text: str) -> None:
        if text and self._texts and not self._phonetic and self.blank:
            self.blank[-1] = False


class _Reading:
    def __init__(self, blank: list[bool]) -> None:
        self.tally = SheetTally()
        self._blank = blank
        self._seen: set[Place] = set()
        self._row = self._column = 0
        self._columns: list[int] = []
        self._blank_columns: set[int] = set()
        self.has_data = False
        self._path: list[str] = []
        self._aside = 0
        self._open = ""
        self._phonetic = 0
        self._place: Place = (0, 0)
        self._have_places: bool | None = None
        self._type = ""
        self._value: list[str] = []
        self._inline: list[str] = []
        self._has_value = self._has_text = self._has_formula = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "sheetData":
            self.has_data = True
        elif not self._path:
            return
        if self._aside or name in _ANYTHING:
            self._aside += 1
            return
        if self._path and name not in _CHILDREN.get(self._path[-1], ()):
            self.tally.is_strange = True
        if name == "t" and self._path[-1:] == ["is"] and self._has_text:
            self.tally.is_strange = True
        self._path.append(name)
        if name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "c":
            self._begin_cell(attributes)
        elif name in ("v", "t") and not self._phonetic:
            if self._has_value or (name == "v" and self._has_text):
                raise contradictory("同一个单元格有两份内容")
            self._open = name
            self._has_value |= name == "v"
            self._has_text |= name == "t"
        elif name == "f":
            self._has_formula = True
        elif name == "rPh":
            self._phonetic += 1

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if self._aside:
            self._aside -= 1
            return
        if not self._path:
            return
        self._path.pop()
        if name == "row":
            self.tally.outline.append((self._row, tuple(self._columns)))
            # One filled cell is a title; what is blank beside it is no cell of a table.
            if len(self._columns) != len(self._blank_columns) + 1:
                self.tally.blank_columns |= self._blank_columns
        elif name == "c":
            self._end_cell()
        elif name in ("v", "t"):
            self._open = ""
        elif name == "rPh":
            self._phonetic -= 1

    def text(self, text: str) -> None:
        if self._open == "v":
            self._value.append(text)
        elif self._open == "t":
            self._inline.append(text)
        elif self._path and self._path[-1] in _CHILDREN and not self._aside and text.strip():
            self.tally.is_strange = True

    def _begin_row(self, stated: str | None) -> None:
        number = self._row + 1 if stated is None else int(stated) if stated.isdecimal() else 0
        if not 0 < number <= LAST_ROW:
            raise contradictory("工作表中有超出表格范围的单元格")
        self.tally.is_disordered |= number <= self._row
        self._row, self._column, self._columns = number, 0, []
        self._blank_columns = set()

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        column = self._column + 1
        row = self._row
        # A program states the places of all cells or of none.
        has_place = "r" in attributes
        self.tally.is_disordered |= self._have_places not in (None, has_place)
        self._have_places = has_place
        if has_place:
            stated = _REFERENCE.fullmatch(attributes["r"])
            if not stated:
                raise contradictory("单元格没有有效的位置")
            column, row = column_number(stated[1].encode()), int(stated[2])
        if not (0 < row <= LAST_ROW and column <= LAST_COLUMN):
            raise contradictory("工作表中有超出表格范围的单元格")
        self.tally.is_disordered |= row != self._row or column <= self._column
        place = row - 1, column - 1
        if place in self._seen:
            raise contradictory("同一个单元格出现两次")
        self._seen.add(place)
        self._column = column
        self._columns.append(column)
        self._place = place
        self._type = attributes.get("t", "n")
        if self._type not in _TYPES:
            raise contradictory("单元格的类型不能识别")
        self._value, self._inline = [], []
        self._has_value = self._has_text = self._has_formula = False

    def _end_cell(self) -> None:
        tally, place = self.tally, self._place
        value, inline = "".join(self._value), "".join(self._inline)
        if self._has_formula:
            tally.formulas.add(place)
            tally.valued += bool(value)
            # The result of a formula may be an empty text.
            tally.unvalued += not value and self._type != "str"
        elif not value and not inline:
            tally.has_emptied_cell |= self._has_value or self._has_text
            tally.has_textless_cell |= self._type == "inlineStr"
        if self._type == "s" and value:
            if not value.strip().isdecimal() or int(value) >= len(self._blank):
                raise contradictory("单元格指向不存在的文字")
            tally.indexes.append(int(value))
            if not self._blank[int(value)]:
                tally.filled.add(place)
        elif self._type == "e" and value:
            tally.errors[place] = value
        elif value or inline:
            tally.filled.add(place)
        elif not self._has_formula:
            self._blank_columns.add(place[1] + 1)
