"""What the counts of cells have in common, whatever the file format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

from perfxl.errors import Fault, Unreadable
from perfxl.excel.package import OTHER_WORKBOOK, SAVE_AGAIN

LARGEST_BOX = 20_000_000
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
# What is found out of wider rows is not kept: it would fill the memory of the process, which many
# files share.
NARROW = 256

# 0-based row and column.
Place = tuple[int, int]
# A sheet's rows as they stand in the file: number and the columns of its cells, blank ones too.
Outline = Sequence[tuple[int, tuple[int, ...]]]


@dataclass(frozen=True)
class Tally:
    """Every cell of a workbook that shows something, by sheet name; errors such as ``#DIV/0!``
    apart, with their text."""

    filled: Mapping[str, frozenset[Place]]
    errors: Mapping[str, Mapping[Place, str]]


def contradictory(what: str) -> Unreadable:
    """The mistake for a workbook that cannot be what a program saved."""
    return Unreadable(what, remedy=SAVE_AGAIN, fault=Fault.DAMAGED)


def refuse_far_cells(rows: int, columns: int) -> None:
    """Refuse a sheet whose bounding box a reader would allocate in full. Raises Unreadable."""
    if rows > LAST_ROW or columns > LAST_COLUMN:
        raise contradictory("工作表中有超出表格范围的单元格")
    if rows * columns > LARGEST_BOX:
        raise Unreadable(
            "工作表中有离表格很远的内容，展开后过大",
            remedy="请删除表格以外的行和列后重新报送，或" + OTHER_WORKBOOK.removeprefix("请"),
            fault=Fault.TOO_LARGE,
        )


@lru_cache(maxsize=4096)
def column_number(letters: bytes) -> int:
    """``A`` is 1."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def holes(outline: Outline) -> Iterator[tuple[int, int]]:
    """Row and column, 1-based, where a cell is missing that the rows around it have.

    Where a whole row is missing between two alike, the column is 0. Whether that means anything
    depends on the program: many write every cell that has a format, some only those with content.
    """
    above: tuple[int, ...] = ()
    last = 0
    for position, (number, columns) in enumerate(outline):
        if number > last + 1:
            # A title is set off by a row that was never there; within a table there is none.
            if position > 1 and columns == above and len(columns) > 1:
                yield number - 1, 0
            above = ()
        is_last = position + 1 == len(outline)
        following, below = (0, ()) if is_last else outline[position + 1]
        if not columns and position > 1 and above == below and len(above) > 1:
            yield number, 0
        elif columns and columns != above:
            below = below if following == number + 1 else ()
            missing = (
                _known_missing if max(map(len, (columns, above, below))) <= NARROW else _missing
            )
            for column in missing(columns, above, above if is_last else below):
                yield number, column
        above, last = columns, number


def _missing(
    columns: tuple[int, ...], above: tuple[int, ...], below: tuple[int, ...]
) -> tuple[int, ...]:
    if columns == below:
        return ()
    within = {column for column in (*above, *below) if columns[0] < column < columns[-1]}
    return tuple(sorted((within | (set(above) & set(below))) - set(columns)))


_known_missing = lru_cache(maxsize=4_096)(_missing)


def missing_row(missing: Iterable[tuple[int, int]], blank_columns: Set[int]) -> int:
    """The first row whose missing cell was lost rather than never written; 0 where there is none.

    ``blank_columns`` are those in which blank cells are written; where they are not, one that is
    missing is one that somebody left blank. Column 0 is a whole row.
    """
    return next(
        (
            row
            for row, column in missing
            if column in blank_columns or (not column and blank_columns)
        ),
        0,
    )
