"""The census of an .xls: walks the records of its workbook stream (BIFF8).

There are no checksums in it. That every record is known, whole, where it belongs, and in agreement
with what others state is what stands against a byte gone wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from perfxl.errors import Fault, Unreadable
from perfxl.excel.cells import Place, Tally, contradictory, holes, missing_row
from perfxl.excel.census import Census

# Records of BIFF8 ([MS-XLS] 2.3): what holds cells, and what else a sheet may hold.
_BOF, _EOF, _BOUNDSHEET, _SST, _CONTINUE, _FILEPASS = 0x0809, 0x000A, 0x0085, 0x00FC, 0x003C, 0x002F
_NUMBER, _RK, _MULRK, _LABELSST, _LABEL, _RSTRING = 0x0203, 0x027E, 0x00BD, 0x00FD, 0x0204, 0x00D6
_BOOLERR, _FORMULA, _BLANK, _MULBLANK, _ROW = 0x0205, 0x0006, 0x0201, 0x00BE, 0x0208
_STRING, _ARRAY, _TABLE, _SHARED_FORMULA, _DBCELL = 0x0207, 0x0221, 0x0236, 0x04BC, 0x00D7
_DIMENSIONS, _NO_RECORD = 0x0200, 0xFFFF
_ONE_CELL = frozenset({_NUMBER, _RK, _LABELSST, _LABEL, _RSTRING, _BOOLERR, _FORMULA, _BLANK})
_CELLS = _ONE_CELL | {_MULRK, _MULBLANK}
# Nothing else stands between the first row of a sheet and its last cell.
_CELL_TABLE = _CELLS | {_ROW, _STRING, _ARRAY, _TABLE, _SHARED_FORMULA, _DBCELL, _CONTINUE}
_SIZES = {_NUMBER: 14, _RK: 10, _LABELSST: 10, _BOOLERR: 8, _BLANK: 6}
_WORKSHEET_TYPE, _WORKSHEET_STREAM = 0, 0x0010
_LAST_BIFF_ROW, _LAST_BIFF_COLUMN = 65_536, 256
# What the value of a formula is where its last two bytes are all ones.
_TEXT_RESULT, _ERROR_RESULT, _BLANK_RESULT = 0, 2, 3
_ERROR_TEXTS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?",
    0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
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


@dataclass(frozen=True)
class _Listed:
    """A sheet as the workbook's directory lists it."""

    name: str
    is_worksheet: bool


def census_of_xls(stream: bytes) -> Census:
    """The census of the workbook stream of an .xls. Raises Unreadable.

    A stream of an older BIFF has no census.
    """
    if len(stream) < 8 or struct.unpack_from("<HHH", stream)[::2] != (_BOF, 0x0600):
        return Census()
    return _Walk().census(stream)


class _Walk:
    """Walks a stream from its directory through its sheets."""

    def __init__(self) -> None:
        self.listed: dict[int, _Listed] = {}
        self.strings = _Strings((), 0)
        self.sheets: dict[str, _Sheet] = {}
        self.sheet: _Sheet | None = None
        self.depth = 0
        self.table: list[bytes] = []

    def census(self, stream: bytes) -> Census:
        previous = continues = 0
        for at, kind, body in _records(stream):
            if self.depth == 0 and kind != _BOF:
                # Programs pad the stream; a cell is no padding.
                if self.listed or kind in _CELL_TABLE:
                    raise contradictory("工作表不完整")
                break
            if kind == _FILEPASS:
                raise Unreadable(
                    "文件已加密", remedy="请取消密码后重新报送，或提供密码", fault=Fault.ENCRYPTED
                )
            if kind == _BOF:
                self._begin(at, body)
            elif kind == _EOF:
                self._end(body)
            elif self.depth > 1:
                pass
            elif self.sheet is not None:
                self.sheet.record(kind, body)
            elif kind == _BOUNDSHEET:
                self._list(body)
            elif kind == _SST or (kind == _CONTINUE and previous == _SST):
                self.table.append(body)
                continues = _SST
            # Only what directly follows the strings continues them.
            previous, continues = continues, 0
        if self.depth or self.listed:
            raise contradictory("工作表不完整")
        return self._result()

    def _begin(self, at: int, body: bytes) -> None:
        self.depth += 1
        if self.depth > 1 or at == 0:
            return
        listed = self.listed.pop(at, None)
        if listed is None or len(body) < 4:
            raise contradictory("工作簿目录内容损坏")
        (stream_type,) = struct.unpack_from("<H", body, 2)
        if listed.is_worksheet != (stream_type == _WORKSHEET_STREAM):
            raise contradictory("工作簿目录内容损坏")
        self.sheet = _Sheet(self.strings)
        if listed.is_worksheet:
            if listed.name in self.sheets:
                raise contradictory("有同名的工作表")
            self.sheets[listed.name] = self.sheet

    def _end(self, body: bytes) -> None:
        if body:
            raise contradictory("工作表不完整")
        self.depth -= 1
        if self.depth == 0:
            if self.sheet is None:
                self.strings = _strings(self.table)
            else:
                self.sheet.finish()
            self.sheet = None

    def _list(self, body: bytes) -> None:
        if len(body) < 9:
            raise contradictory("工作簿目录内容损坏")
        length, wide = body[6], body[7] & 1
        raw = body[8 : 8 + length * (2 if wide else 1)]
        name = raw.decode("utf-16-le" if wide else "latin-1", "replace")
        (at,) = struct.unpack_from("<I", body)
        if at in self.listed:
            raise contradictory("工作簿目录把两张工作表指向同一处")
        self.listed[at] = _Listed(name, body[5] == _WORKSHEET_TYPE)

    def _result(self) -> Census:
        tally = Tally(
            {name: frozenset(sheet.filled) for name, sheet in self.sheets.items()},
            {name: sheet.errors for name, sheet in self.sheets.items()},
        )
        doubts = [f"“{name}”{what}" for name, s in self.sheets.items() for what in s.doubts()]
        used = [index for sheet in self.sheets.values() for index in sheet.indexes]
        if len(set(used)) < len(self.strings.texts) or len(used) < self.strings.stated_uses:
            doubts.append("有文字不在任何单元格中")
        if not all(map(str.strip, self.strings.texts)):
            doubts.append("有文字被清空")
        return Census(
            sum(map(len, tally.filled.values())),
            {name: frozenset(sheet.formulas) for name, sheet in self.sheets.items()},
            lambda: tally,
            tuple(doubts),
        )


def _is_known(kind: int, body: bytes) -> bool:
    if kind in _KNOWN or 0x0800 <= kind <= 0x08FF or 0x1000 <= kind <= 0x10FF:
        return True
    # LibreOffice writes this in the place of a data bar, a colour scale or a set of icons.
    return kind == _NO_RECORD and not body


def _records(stream: bytes) -> Iterator[tuple[int, int, bytes]]:
    at, end = 0, len(stream)
    while at + 4 <= end:
        kind, size = struct.unpack_from("<HH", stream, at)
        if kind == 0 and size == 0:
            return
        if at + 4 + size > end:
            raise contradictory("工作表不完整")
        yield at, kind, stream[at + 4 : at + 4 + size]
        at += 4 + size


@dataclass(frozen=True)
class _Strings:
    """The shared strings, and how many cells are said to show them."""

    texts: Sequence[str]
    stated_uses: int


def _strings(table: list[bytes]) -> _Strings:
    if not table:
        return _Strings((), 0)
    try:
        uses, count = struct.unpack_from("<II", table[0])
        reading = _StringReading([table[0][8:], *table[1:]])
        texts = [reading.text() for _ in range(min(count, sum(map(len, table))))]
    except (struct.error, IndexError) as error:
        raise contradictory("文字表不完整") from error
    if len(texts) != count or reading.is_left:
        raise contradictory("文字表不完整")
    return _Strings(texts, uses)


class _StringReading:
    """Reads strings that run over from one record into the next ([MS-XLS] 2.5.293)."""

    def __init__(self, segments: list[bytes]) -> None:
        self._segments = segments
        self._number = self._at = 0

    @property
    def is_left(self) -> bool:
        """Whether anything stands after what was read."""
        return self._number + 1 < len(self._segments) or self._at < len(
            self._segments[self._number]
        )

    def text(self) -> str:
        """The next string."""
        if self._at >= len(self._segments[self._number]):
            self._next()
        (length,) = struct.unpack("<H", self._raw(2))
        flags = self._raw(1)[0]
        (runs,) = struct.unpack("<H", self._raw(2)) if flags & 0x08 else (0,)
        (extra,) = struct.unpack("<I", self._raw(4)) if flags & 0x04 else (0,)
        if flags & ~0x0D:
            raise IndexError
        pieces = []
        while length:
            width = 2 if flags & 1 else 1
            segment = self._segments[self._number]
            here = min(length, (len(segment) - self._at) // width)
            raw = segment[self._at : self._at + here * width]
            pieces.append(raw.decode("utf-16-le" if width == 2 else "latin-1", "replace"))
            self._at += here * width
            length -= here
            if length:
                self._next()
                flags = self._raw(1)[0]
        self._skip(4 * runs + extra)
        return "".join(pieces)

    def _raw(self, size: int) -> bytes:
        segment = self._segments[self._number]
        self._at += size
        if self._at > len(segment):
            raise IndexError
        return segment[self._at - size : self._at]

    def _skip(self, size: int) -> None:
        while size > len(self._segments[self._number]) - self._at:
            size -= len(self._segments[self._number]) - self._at
            self._next()
        self._at += size

    def _next(self) -> None:
        self._number += 1
        self._at = 0
        if self._number >= len(self._segments):
            raise IndexError


@dataclass
class _Sheet:
    """One sheet's cells as its records give them."""

    strings: _Strings
    filled: set[Place] = field(default_factory=set)
    errors: dict[Place, str] = field(default_factory=dict)
    formulas: set[Place] = field(default_factory=set)
    indexes: list[int] = field(default_factory=list)
    _blanks: dict[int, set[int]] = field(default_factory=dict)
    _bounds: dict[int, tuple[int, int]] = field(default_factory=dict)
    _cells: dict[int, list[int]] = field(default_factory=dict)
    _stated: tuple[int, int] = (0, 0)
    _phase: int = 0
    _row: int = -1
    _awaits: Place | None = None
    _is_disordered: bool = False

    def record(self, kind: int, body: bytes) -> None:
        """Take in one record."""
        if not _is_known(kind, body):
            raise contradictory("工作表中有不认识的记录")
        if self._phase == 1 and kind not in _CELL_TABLE:
            self._phase = 2
        if kind in _CELLS or kind == _ROW:
            if self._phase == 2:
                raise contradictory("单元格次序颠倒或重复")
            self._phase = 1
        if kind in _CELLS and self._awaits is not None:
            raise contradictory("公式的结果不完整")
        try:
            self._take(kind, body)
        except (struct.error, IndexError) as error:
            raise contradictory("单元格记录不完整") from error

    def _take(self, kind: int, body: bytes) -> None:
        if kind in _ONE_CELL:
            if len(body) != _SIZES.get(kind, len(body)):
                raise contradictory("单元格记录不完整")
            row, column = struct.unpack_from("<HH", body)
            self._cell(row, column, column + 1)
            if kind == _BLANK:
                self._blanks.setdefault(row, set()).add(column + 1)
            else:
                self._content(kind, body, (row, column))
        elif kind in (_MULRK, _MULBLANK):
            width = 6 if kind == _MULRK else 2
            row, first = struct.unpack_from("<HH", body)
            (last,) = struct.unpack_from("<H", body, len(body) - 2)
            if len(body) != 6 + width * (last - first + 1):
                raise contradictory("单元格记录不完整")
            self._cell(row, first, last + 1)
            if kind == _MULRK:
                self.filled.update((row, column) for column in range(first, last + 1))
            else:
                self._blanks.setdefault(row, set()).update(range(first + 1, last + 2))
        elif kind == _STRING:
            self._result(body)
        elif kind == _ROW:
            row, first, end = struct.unpack_from("<HHH", body)
            if row in self._bounds:
                raise contradictory("行的记录重复")
            self._bounds[row] = (first, end)
        elif kind == _DIMENSIONS and len(body) >= 12:
            self._stated = struct.unpack_from("<4xI2xH", body)

    def _result(self, body: bytes) -> None:
        """Take in the text that the formula before this shows."""
        if self._awaits is None:
            raise contradictory("公式的结果不完整")
        if struct.unpack_from("<H", body)[0]:
            self.filled.add(self._awaits)
        self._awaits = None

    def _content(self, kind: int, body: bytes, place: Place) -> None:
        if kind == _LABELSST:
            (index,) = struct.unpack_from("<I", body, 6)
            if index >= len(self.strings.texts):
                raise contradictory("单元格指向不存在的文字")
            self.indexes.append(index)
            if self.strings.texts[index]:
                self.filled.add(place)
        elif kind == _BOOLERR:
            value, is_error = body[6:8]
            if is_error > 1 or (value > 1 and not is_error):
                raise contradictory("单元格记录不完整")
            self._value_or_error(place, value if is_error else None)
        elif kind == _FORMULA:
            self.formulas.add(place)
            if body[12:14] != b"\xff\xff":
                self.filled.add(place)
            elif body[6] == _TEXT_RESULT:
                self._awaits = place
            elif body[6] != _BLANK_RESULT:
                self._value_or_error(place, body[8] if body[6] == _ERROR_RESULT else None)
        elif kind in (_LABEL, _RSTRING):
            if struct.unpack_from("<H", body, 6)[0]:
                self.filled.add(place)
        else:
            self.filled.add(place)

    def _value_or_error(self, place: Place, error: int | None) -> None:
        if error is None:
            self.filled.add(place)
        else:
            self.errors[place] = _ERROR_TEXTS.get(error, "#ERR")

    def _cell(self, row: int, first: int, end: int) -> None:
        if end > _LAST_BIFF_COLUMN:
            raise contradictory("工作表中有超出表格范围的单元格")
        columns = self._cells.setdefault(row, [])
        if columns and columns[-1] >= first:
            raise contradictory("单元格次序颠倒或重复")
        self._is_disordered |= row < self._row
        self._row = row
        columns.extend(range(first, end))

    def finish(self) -> None:
        """Compare with what the ROW records say of first and last cells."""
        if self._awaits is not None:
            raise contradictory("公式的结果不完整")
        for row, columns in self._cells.items():
            first, end = self._bounds.get(row, (0, _LAST_BIFF_COLUMN))
            if columns[0] < first or columns[-1] >= end:
                raise contradictory("单元格在其行的范围之外")

    def _is_title(self, row: int, blank: set[int]) -> bool:
        return len(self._cells[row]) == len(blank) + 1

    def doubts(self) -> Iterator[str]:
        """Where the records disagree in a way that may mean a lost cell."""
        if self._is_disordered:
            yield "行列次序颠倒"
        outline = [
            (row + 1, tuple(c + 1 for c in columns)) for row, columns in sorted(self._cells.items())
        ]
        # One filled cell is a title; what is blank beside it is no cell of a table.
        blank_columns = set[int]().union(
            *(blank for row, blank in self._blanks.items() if not self._is_title(row, blank))
        )
        row = missing_row(holes(outline), blank_columns)
        if row:
            yield f"第 {row} 行缺少单元格"
        rows = max(self._cells, default=-1) + 1
        columns = max((columns[-1] for columns in self._cells.values()), default=-1) + 1
        if self._stated not in ((rows, columns), (0, 0)):
            yield "与声明的范围不符"
        if self._bounds and not self._are_bounds_right():
            yield "有的行与其单元格不符"

    def _are_bounds_right(self) -> bool:
        """Whether each row's cells reach as far as it says; some programs begin all at 0."""
        stated = [(*self._bounds.get(row, (-1, -1)), row) for row in self._cells]
        from_zero = all(first == 0 for first, _, _ in stated)
        return all(
            end == self._cells[row][-1] + 1 and (from_zero or first == self._cells[row][0])
            for first, end, row in stated
        )
