"""One register (登记表) of one return: its rows, as typed and as values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

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
    """The rows of one register in one return; ``sum_rows`` are the numbers of rows of totals."""

    values: Columns
    texts: Columns
    sum_rows: tuple[int, ...]


def read_register(
    table: Table, origin: dict[str, str], rows: Rows, located: LocatedTable
) -> RegisterPart:
    """Read the sheet whose rows these are; ``origin`` gives receipt, unit and sheet.

    Blank rows are passed over, wherever they stand, and so are rows of totals.
    """
    filled = [
        (number, row)
        for number, row in enumerate(rows[located.first_row :], located.first_row + 1)
        if row.count("") < len(row)
    ]
    raw = {column.key: _cells(filled, located.columns.get(column.key)) for column in table.columns}
    texts = {column.key: _texts(column.kind, raw[column.key]) for column in table.columns}
    used = [at for at, row in enumerate(zip(*texts.values(), strict=True)) if any(row)]
    sums = {
        at
        for column in texts.values()
        for at, text in enumerate(column)
        if "计" in text and squeeze(text) in SUM_ROWS
    }
    kept = [at for at in used if at not in sums]
    values: Columns = {name: [text] * len(kept) for name, text in origin.items()}
    values["row"] = [filled[at][0] for at in kept]
    for column in table.columns:
        read = _reading(column)
        source = raw[column.key] if read is not None else texts[column.key]
        values[column.key] = [source[at] if read is None else read(source[at]) for at in kept]
    return RegisterPart(
        values,
        {key: [column[at] for at in kept] for key, column in texts.items()},
        tuple(filled[at][0] for at in used if at in sums),
    )


def value_in(column: Column, cell: object) -> object:
    """What one cell of a register says: hundredths, a date, or its text; None if unreadable."""
    read = _reading(column)
    return text_of(cell) if read is None else read(cell)


def _cells(filled: Sequence[tuple[int, Sequence[object]]], at: int | None) -> list[object]:
    if at is None:
        return [""] * len(filled)
    return [row[at] if at < len(row) else "" for _, row in filled]


def _texts(kind: ValueKind, cells: list[object]) -> list[str]:
    texts = [value.strip() if value.__class__ is str else text_of(value) for value in cells]
    if kind in (ValueKind.DOCUMENT_NUMBER, ValueKind.URL):
        return ["" if text in NONE_GIVEN else text for text in texts]
    return texts


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
