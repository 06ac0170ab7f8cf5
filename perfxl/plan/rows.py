"""The rows of a plan workbook, able to report mistakes at their own cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from perfxl.errors import Mistake, Place
from perfxl.layout.declare import SheetLayout
from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.values import precise_number_of, text_of

# Names that become sheet or file names must be legal in Excel and on NTFS.
ILLEGAL_NAME = re.compile(r"""[\\/:*?"<>|\[\]'\x00-\x1f]""")
LONGEST_NAME = 20
LIST_BREAK = re.compile(r"[、,，;；\n]")

Choice = TypeVar("Choice", bound=StrEnum)


class PlanBook:
    """The sheets of one plan workbook, and every mistake found in them so far."""

    def __init__(self, file: str, sheets: Mapping[str, Rows]) -> None:
        self.file, self.sheets = file, sheets
        self.mistakes: list[Mistake] = []

    def mistake(self, code: str, sheet: str, cell: str, what: str, remedy: str = "") -> None:
        """Note a mistake; all of them are raised together at the end."""
        self.mistakes.append(Mistake(code, what, Place(self.file, sheet, cell), remedy))

    def rows(self, layout: SheetLayout, *, needed: bool = True) -> list[Row]:
        """The filled rows under a sheet's heading; a missing sheet or heading is reported."""
        rows = self.sheets.get(layout.name)
        table = layout.table
        assert table is not None
        if rows is None:
            if needed:
                self.mistake("P101", layout.name, "", "缺少这张工作表")
            return []
        located = find_table(rows, table)
        if located is None:
            labels = "、".join(column.label for column in table.columns[:4])
            self.mistake("P102", layout.name, "A1", f"找不到表头（{labels} …）")
            return []
        absent = [c.label for c in table.columns if not c.optional and c.key not in located.columns]
        if absent:
            cell = cell_name(located.heading_row, 0)
            self.mistake("P103", layout.name, cell, f"表头缺少：{'、'.join(absent)}")
            return []
        found = []
        for number in range(located.first_row, len(rows)):
            row = rows[number]
            cells = {
                key: (row[at] if at < len(row) else "", cell_name(number, at))
                for key, at in located.columns.items()
            }
            if any(text_of(value) for value, _ in cells.values()):
                found.append(Row(self, layout.name, number, cells))
        if needed and not found:
            self.mistake("P107", layout.name, cell_name(located.first_row, 0), "表中没有内容")
        return found


class Row:
    """One row of a plan sheet: values by label, each able to report a mistake at its own cell."""

    def __init__(
        self, book: PlanBook, sheet: str, number: int, cells: Mapping[str, tuple[object, str]]
    ) -> None:
        self._book, self._sheet, self._cells = book, sheet, cells
        self.number = number

    def text(self, label: str) -> str:
        """The trimmed text of a cell, blank where the column is absent."""
        return text_of(self._cells.get(label, ("", ""))[0])

    def value(self, label: str) -> object:
        """The cell's own value."""
        return self._cells.get(label, ("", ""))[0]

    def mistake(self, code: str, label: str, what: str, remedy: str = "") -> None:
        """Report a mistake at the cell under ``label`` of this row."""
        cell = self._cells.get(label, ("", ""))[1] or f"A{self.number + 1}"
        self._book.mistake(code, self._sheet, cell, what, remedy)

    def required(self, label: str) -> str:
        """The text, reported as missing where blank."""
        text = self.text(label)
        if not text:
            self.mistake("P104", label, f"“{label}”没有填写")
        return text

    def number_at(self, label: str, *, needed: bool = False) -> int | None:
        """Hundredths, or None where blank; reported where it is needed, unreadable or negative."""
        text = self.text(label)
        if not text:
            if needed:
                self.mistake("P104", label, f"“{label}”没有填写")
            return None
        number = precise_number_of(self.value(label))
        if number is None or number < 0:
            self.mistake("P105", label, f"“{label}”应为不小于 0、至多两位小数的数，现为“{text}”")
            return None
        return number

    def choice(
        self, label: str, choices: type[Choice], default: Choice | None = None
    ) -> Choice | None:
        """The member of an enumeration that the cell names."""
        text = self.text(label)
        if not text and default is not None:
            return default
        try:
            return choices(text)
        except ValueError:
            allowed = "、".join(choices)
            self.mistake("P106", label, f"“{label}”应为 {allowed} 之一，现为“{text}”")
            return None

    def yes(self, label: str) -> bool:
        """Whether the cell says 是; anything but 是, 否 and blank is reported."""
        text = self.text(label)
        if text not in ("", "是", "否"):
            self.mistake("P106", label, f"“{label}”应为 是 或 否，现为“{text}”")
        return text == "是"
