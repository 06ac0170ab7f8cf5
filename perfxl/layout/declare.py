"""Declarations from which the writer builds a workbook and the reader knows what to seek."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ValueKind(StrEnum):
    """What a cell holds; the value is the word that the plan's 类型 column uses."""

    TEXT = "文本"
    INTEGER = "整数"
    NUMBER = "数值"
    MONEY = "金额"
    SCORE = "得分"
    PERCENT = "百分比"
    DATE = "日期"
    MOMENT = "日期时间"
    CHOICE = "选项"
    EVIDENCE_NUMBER = "佐证编号"
    DOCUMENT_NUMBER = "文号"
    URL = "网址"


NUMERIC = frozenset(
    {ValueKind.INTEGER, ValueKind.NUMBER, ValueKind.MONEY, ValueKind.SCORE, ValueKind.PERCENT}
)


class FilledBy(StrEnum):
    """Who writes a cell; only what a recipient fills in is unlocked."""

    OFFICE = "办公室"
    RECIPIENT = "填报人"
    FORMULA = "公式"


@dataclass(frozen=True)
class Column:
    """One column of a table: ``label`` is what people see and what the reader looks for."""

    key: str
    label: str
    kind: ValueKind = ValueKind.TEXT
    width: float = 12
    filled_by: FilledBy = FilledBy.RECIPIENT
    choices: tuple[str, ...] = ()
    required: bool = False
    help: str = ""
    unit: str = ""
    optional: bool = False

    @property
    def heading(self) -> str:
        """The label with its unit, as printed above the column: ``全年预算数（万元）``."""
        return f"{self.label}（{self.unit}）" if self.unit else self.label


@dataclass(frozen=True)
class Field:
    """One labelled cell outside tables, such as 填报人 on the cover."""

    key: str
    label: str
    kind: ValueKind = ValueKind.TEXT
    filled_by: FilledBy = FilledBy.RECIPIENT
    required: bool = False
    help: str = ""


@dataclass(frozen=True)
class Table:
    """Columns under one heading row; ``blank_rows`` is the room left for the recipient to fill."""

    key: str
    columns: tuple[Column, ...]
    blank_rows: int = 0

    def column(self, key: str) -> Column:
        """The column with this key; KeyError where there is none."""
        for column in self.columns:
            if column.key == key:
                return column
        raise KeyError(key)


@dataclass(frozen=True)
class SheetLayout:
    """One sheet: a title, a note under it, labelled fields, at most one table, signature lines."""

    key: str
    name: str
    title: str
    note: str = ""
    fields: tuple[Field, ...] = ()
    table: Table | None = None
    landscape: bool = True
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkbookLayout:
    """The sheets of a workbook in order; ``version`` tells two layouts of one kind apart."""

    sheets: tuple[SheetLayout, ...]
    version: str = ""

    def sheet(self, key: str) -> SheetLayout:
        """The sheet with this key; KeyError where there is none."""
        for sheet in self.sheets:
            if sheet.key == key:
                return sheet
        raise KeyError(key)
