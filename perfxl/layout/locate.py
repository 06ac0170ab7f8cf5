"""Finds declared tables and fields in the rows of a sheet by their labels, never by fixed cells.

A sheet's rows are a list of lists of cell values that starts at A1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from perfxl.layout.declare import Field, Table
from perfxl.values import YUAN, squeeze, text_of

Rows = Sequence[Sequence[object]]

# A heading may be pushed down by rows that people insert above it, but not without end.
HEADING_SEARCH_ROWS = 60

_UNIT_SUFFIX = re.compile(r"[(\[][^()\[\]]*[)\]]$")


@dataclass(frozen=True)
class LocatedTable:
    """Where a table stands: 0-based heading row and the 0-based grid column of each key."""

    heading_row: int
    columns: dict[str, int]

    @property
    def first_row(self) -> int:
        """The 0-based row under the heading."""
        return self.heading_row + 1


@lru_cache(maxsize=4096)
def label_key(label: str) -> str:
    """A label for comparing: folded, without spaces, star marks, colon, and trailing unit."""
    folded = squeeze(label).replace("*", "").rstrip(":")
    return _UNIT_SUFFIX.sub("", folded) or folded


@lru_cache(maxsize=4096)
def _in_other_money(heading: str, unit: str) -> bool:
    """Whether a heading states a unit of money, and not the one that is wanted."""
    suffix = _UNIT_SUFFIX.search(squeeze(heading).replace("*", "").rstrip(":"))
    stated = suffix[0][1:-1].removeprefix("单位:") if suffix else unit
    return unit in YUAN and stated in YUAN and stated != unit


@lru_cache(maxsize=1024)
def column_letter(index: int) -> str:
    """0 → ``A``, 26 → ``AA``."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_name(row: int, column: int) -> str:
    """The A1 name of a 0-based row and column."""
    return f"{column_letter(column)}{row + 1}"


def find_table(rows: Rows, table: Table) -> LocatedTable | None:
    """The heading row that carries most of the table's labels, at least half of the needed ones.

    Two columns with one label keep the first; one whose heading names another unit of money than
    the table's is not the table's. Returns None where there is no such row.
    """
    return Finder(table).find(rows)


class Finder:
    """Finds one table in many sheets, as ``find_table`` does in one."""

    def __init__(self, table: Table) -> None:
        self._wanted = {label_key(column.label): column for column in table.columns}
        self._needed = {column.key for column in table.columns if not column.optional}
        self._last: tuple[Sequence[object], dict[str, int]] | None = None

    def find(self, rows: Rows) -> LocatedTable | None:
        """Where the table stands in these rows."""
        best: LocatedTable | None = None
        for index, row in enumerate(rows[:HEADING_SEARCH_ROWS]):
            found = self._labels(row)
            hits = len(self._needed & found.keys()) if found else 0
            if hits * 2 >= len(self._needed) and hits:
                if best is None or len(found) > len(best.columns):
                    best = LocatedTable(index, found)
                if len(found) == len(self._wanted):
                    break
        return best

    def _labels(self, row: Sequence[object]) -> dict[str, int]:
        """Positions of the table's columns in a row, by key."""
        # Returns mostly have the heading with which they were issued.
        last = self._last
        if last is not None and last[0] == row:
            return last[1]
        found: dict[str, int] = {}
        for position, value in enumerate(row):
            if value.__class__ is str and value:
                column = self._wanted.get(label_key(value))
                if column is not None and not _in_other_money(value, column.unit):
                    found.setdefault(column.key, position)
        if found:
            self._last = row, found
        return found


def find_fields(rows: Rows, fields: Sequence[Field]) -> dict[str, tuple[object, str]]:
    """The value right of each field's label and the value's cell name.

    The value is the first filled cell to the right before the next label; a field whose label is
    there and whose value is blank comes with ``""`` and the cell right of the label; a field whose
    label is nowhere is absent.
    """
    wanted = {label_key(field.label): field.key for field in fields}
    found: dict[str, tuple[object, str]] = {}
    for index, row in enumerate(rows):
        for position, value in enumerate(row):
            key = wanted.get(label_key(value)) if isinstance(value, str) and value else None
            if key is None or key in found:
                continue
            found[key] = ("", cell_name(index, position + 1))
            for right in range(position + 1, len(row)):
                content = row[right]
                if text_of(content) == "":
                    continue
                if not (isinstance(content, str) and label_key(content) in wanted):
                    found[key] = (content, cell_name(index, right))
                break
    return found
