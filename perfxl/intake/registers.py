"""One register (登记表) of one return: its rows, as typed and as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest

from perfxl.intake.columns import Columns
from perfxl.layout.declare import NUMERIC, Column, Table, ValueKind
from perfxl.layout.locate import LocatedTable, Rows
from perfxl.values import (
    date_of,
    document_number_of,
    number_of,
    percent_of,
    squeeze,
    text_of,
)

SUM_ROWS = frozenset({"合计", "总计", "小计", "合计:", "总计:", "小计:"})
# What people type for "there is none" where a document number or an address is asked for.
NONE_GIVEN = frozenset({"无", "没有", "/", "\\", "-", "--", "—", "——"})


@dataclass(frozen=True)
class RegisterPart:
    """The rows of one register in one return.

    ``texts`` has every column of the register, ``values`` the rows' origin and those columns whose
    texts are not their values; ``sum_rows`` are the numbers of rows of totals.
    """

    values: Columns
    texts: Mapping[str, Sequence[str]]
    sum_rows: tuple[int, ...]


class RegisterReader:
    """Reads one register of many returns."""

    def __init__(self, table: Table) -> None:
        self._columns = [(column, _reading(column)) for column in table.columns]

    def read(self, origin: Mapping[str, str], rows: Rows, located: LocatedTable) -> RegisterPart:
        """Read the sheet whose rows these are; ``origin`` gives receipt, unit and sheet.

        Blank rows are passed over, wherever they stand, and so are rows of totals.
        """
        filled = [
            (number, row)
            for number, row in enumerate(rows[located.first_row :], located.first_row + 1)
            if row.count("") < len(row)
        ]
        cells = _by_column(filled, located, [column.key for column, _ in self._columns])
        texts = {column.key: _texts(column.kind, cells[column.key]) for column, _ in self._columns}
        used, sums = _used(list(texts.values()), len(filled))
        totals = tuple(filled[at][0] for at in used if at in sums)
        if len(used) - len(totals) < len(filled):
            kept = [at for at in used if at not in sums]
            filled = [filled[at] for at in kept]
            cells = {key: [column[at] for at in kept] for key, column in cells.items()}
            texts = {key: [column[at] for at in kept] for key, column in texts.items()}
        values: Columns = {name: [text] * len(filled) for name, text in origin.items()}
        values["row"] = [number for number, _ in filled]
        for column, read in self._columns:
            if read is not None:
                values[column.key] = [read(cell) for cell in cells[column.key]]
        return RegisterPart(values, texts, totals)


def is_its_text(column: Column) -> bool:
    """Whether the value of a column's cell is its text."""
    return _reading(column) is None


def value_in(column: Column, cell: object) -> object:
    """What one cell of a register says: hundredths, a date, or its text; None if unreadable."""
    read = _reading(column)
    return text_of(cell) if read is None else read(cell)


def _by_column(
    filled: Sequence[tuple[int, Sequence[object]]], located: LocatedTable, keys: Sequence[str]
) -> dict[str, Sequence[object]]:
    """The cells of each column; blanks where a row is too short, or the column is not there."""
    columns = list(zip_longest(*(row for _, row in filled), fillvalue=""))
    blank = [""] * len(filled)
    places = ((key, located.columns.get(key, len(columns))) for key in keys)
    return {key: columns[at] if at < len(columns) else blank for key, at in places}


def _texts(kind: ValueKind, cells: Sequence[object]) -> Sequence[str]:
    texts = [cell.strip() if cell.__class__ is str else text_of(cell) for cell in cells]
    if kind is ValueKind.DOCUMENT_NUMBER or kind is ValueKind.URL:
        return ["" if text in NONE_GIVEN else text for text in texts]
    return texts


def _used(columns: Sequence[Sequence[str]], size: int) -> tuple[Sequence[int], set[int]]:
    """Positions of rows in which something stands, and of those that name a total."""
    # Mostly some column is filled all the way down, and no cell speaks of totals.
    all_used = any(map(all, columns))
    rows = enumerate(zip(*columns, strict=True))
    used = range(size) if all_used else [at for at, row in rows if any(row)]
    sums = {
        at
        for column in columns
        if "计" in "".join(column)
        for at, text in enumerate(column)
        if "计" in text and squeeze(text) in SUM_ROWS
    }
    return used, sums


def _reading(column: Column) -> Callable[[object], object] | None:
    """How a cell of this column becomes a value; None where its text is the value."""
    match column.kind:
        case ValueKind.PERCENT:
            return percent_of
        case ValueKind.DATE:
            return date_of
        case ValueKind.DOCUMENT_NUMBER:
            return _document_number
        case kind if kind in NUMERIC:
            return partial(number_of, unit=column.unit)
    return None


def _document_number(value: object) -> str:
    text = text_of(value)
    return "" if text in NONE_GIVEN else document_number_of(text)
