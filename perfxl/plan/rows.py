"""The rows of a plan workbook, able to report mistakes at their own cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from perfxl.errors import Mistake, Place
from perfxl.layout.declare import SheetLayout
from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.plan.names import name_fault, same
from perfxl.points import HUNDREDTHS
from perfxl.values import precise_number_of, squeeze, text_of

LIST_BREAK = re.compile(r"[、,，;；\n]")

Choice = TypeVar("Choice", bound=StrEnum)


class PlanBook:
    """The sheets of one plan workbook, and every mistake found in them so far.

    ``doubtful`` names what could not be read and was reported: a sheet, or a tuple such as
    (register, column). Nothing is concluded from it, so that one mistake is not told twice.
    """

    def __init__(self, file: str, sheets: Mapping[str, Rows]) -> None:
        self.file, self.sheets = file, sheets
        self.mistakes: list[Mistake] = []
        self.doubtful: set[str | tuple[str, str]] = set()
        self._real_names: dict[str, str] = {}
        for sheet in sheets:
            self._real_names.setdefault(squeeze(sheet), sheet)

    def real_name(self, sheet: str) -> str:
        """The name that a sheet has in the workbook, where spaces may have been typed into it."""
        return sheet if sheet in self.sheets else self._real_names.get(squeeze(sheet), sheet)

    def mistake(self, code: str, sheet: str, cell: str, what: str, remedy: str = "") -> None:
        """Note a mistake; all of them are raised together at the end."""
        place = Place(self.file, self.real_name(sheet), cell)
        self.mistakes.append(Mistake(code, what, place, remedy))

    def rows(self, layout: SheetLayout, *, needed: bool = True) -> list[Row]:
        """The filled rows under a sheet's heading; a missing sheet or heading is reported."""
        found = self._rows(layout, needed)
        if found is None:
            self.doubtful.add(layout.name)
        return found or []

    def _rows(self, layout: SheetLayout, needed: bool) -> list[Row] | None:
        """None where the sheet cannot be read."""
        name = self.real_name(layout.name)
        rows = self.sheets.get(name)
        table = layout.table
        assert table is not None
        if rows is None:
            if needed:
                self.mistake("P101", name, "", "缺少这张工作表")
            return None if needed else []
        located = find_table(rows, table)
        if located is None:
            labels = "、".join(column.label for column in table.columns[:4])
            self.mistake("P102", name, "A1", f"找不到表头（{labels} …）")
            return None
        absent = [c.label for c in table.columns if not c.optional and c.key not in located.columns]
        if absent:
            cell = cell_name(located.heading_row, 0)
            self.mistake("P103", name, cell, f"表头缺少：{'、'.join(absent)}")
            return None
        found: list[Row] = []
        for number in range(located.first_row, len(rows)):
            row = rows[number]
            cells = {
                key: (row[at] if at < len(row) else "", cell_name(number, at))
                for key, at in located.columns.items()
            }
            if any(text_of(value) for value, _ in cells.values()):
                found.append(Row(self, name, number, cells))
        if needed and not found:
            self.mistake("P107", name, cell_name(located.first_row, 0), "表中没有内容")
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

    def cell(self, label: str) -> str:
        """The name of the cell under ``label``; where there is no such column, the row's first."""
        return self._cells.get(label, ("", ""))[1] or f"A{self.number + 1}"

    def mistake(self, code: str, label: str, what: str, remedy: str = "") -> None:
        """Report a mistake at the cell under ``label`` of this row."""
        self._book.mistake(code, self._sheet, self.cell(label), what, remedy)

    def required(self, label: str, *, named: str = "") -> str:
        """The text, reported as missing where blank; ``named`` is what to call the cell."""
        text = self.text(label)
        if not text:
            self.mistake("P104", label, f"“{named or label}”没有填写")
        return text

    def repeated(self, label: str, seen: dict[str, Row]) -> Row | None:
        """The earlier row that has this text, spelling apart; ``seen`` keeps the first rows."""
        text = self.text(label)
        other = seen.setdefault(same(text), self) if text else self
        return None if other is self else other

    def repeats(self, label: str, other: Row, remedy: str = "") -> None:
        """Report that the text was given on an earlier row."""
        text, first = self.text(label), other.text(label)
        spelt = "" if first == text else f"的“{first}”（不分空格、大小写、全半角）"
        what = f"{label}“{text}”与第 {other.number + 1} 行{spelt}重复"
        self.mistake("P110", label, what, remedy)

    def legal_name(self, label: str, longest: int = 0, *, named: str = "") -> bool:
        """Whether the text can name a file, a folder or a sheet; reported where it cannot."""
        text = self.text(label)
        fault = name_fault(text, longest)
        if fault:
            self.mistake("P108", label, f"{named or label}“{text}”{fault}", "请改名")
        return not fault

    def number_at(self, label: str, *, needed: bool = False) -> int | None:
        """Hundredths, or None where blank; reported where it is needed, unreadable or negative."""
        text = self.required(label) if needed else self.text(label)
        if not text:
            return None
        number = precise_number_of(self.value(label))
        if number is None or number < 0:
            self.mistake("P105", label, f"“{label}”应为不小于 0、至多两位小数的数，现为“{text}”")
            return None
        return number

    def whole_at(self, label: str, *, needed: bool = False) -> int | None:
        """A whole number, or None where blank; reported as ``number_at`` does."""
        number = self.number_at(label, needed=needed)
        if number is not None and number % HUNDREDTHS:
            self.mistake("P105", label, f"“{label}”应为整数，现为“{self.text(label)}”")
            return None
        return None if number is None else number // HUNDREDTHS

    def choice(self, label: str, choices: type[Choice], *, named: str = "") -> Choice | None:
        """The member of an enumeration that the cell names."""
        text = self.text(label)
        try:
            return choices(text)
        except ValueError:
            allowed = "、".join(choices)
            self.mistake("P106", label, f"“{named or label}”应为 {allowed} 之一，现为“{text}”")
            return None

    def yes(self, label: str) -> bool:
        """Whether the cell says 是; anything but 是, 否 and blank is reported."""
        text = self.text(label)
        if text not in ("", "是", "否"):
            self.mistake("P106", label, f"“{label}”应为 是 或 否，现为“{text}”")
        return text == "是"
