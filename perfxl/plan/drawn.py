"""What a text (文稿) draws from registers and data items: ``{制度文件[类别=新出台办法].个数}``.

A field names a register, in square brackets the rows that are meant (a filter as in the sheet
数据项), and behind a full stop what is said of them. A scope ``每条制度文件[…]`` says a text once for
each of such rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from perfxl.layout.declare import NUMERIC, ValueKind
from perfxl.plan.item_reading import FilterReading
from perfxl.plan.model import Condition, DataItem, Register
from perfxl.plan.names import find_name, same
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.wording import FieldKind, Fields
from perfxl.plan.workbook import ITEMS, REGISTERS

DATA_ITEM = "数据项"
ORDINAL = "序号"
# A text of the field's form, with an ordinary or a Chinese full stop; the filter may hold brackets.
_FIELD = re.compile(
    r"(?P<register>[^\[\]［］.．。]+)(?:[\[［](?P<filter>.*)[\]］])?[.．。](?P<what>[^\[\]［］]+)"
)
_SCOPE = re.compile(r"每[条个份项次件行](?P<register>[^\[\]［］]+)(?:[\[［](?P<filter>.*)[\]］])?")


class Taken(StrEnum):
    """What is said of a register's rows; the first two stand alone, the others name a column."""

    COUNT = "个数"
    NAMES = "名单"
    DOCUMENTS = "《》"
    SUM = "合计"
    DISTINCT = "种数"
    VALUES = ""


_ALONE = (Taken.COUNT, Taken.NAMES)
# The column from which a document's number comes: of this very name, others are of other documents.
_NUMBERS = "文号"
# Sums are quantities or amounts by their column.
_KINDS_TAKEN = {
    Taken.VALUES: FieldKind.NAMES,
    Taken.DOCUMENTS: FieldKind.NAMES,
    Taken.DISTINCT: FieldKind.COUNT,
}


@dataclass(frozen=True)
class RegisterPart:
    """The rows of one register on which every condition holds."""

    register: str
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Drawn:
    """A field of a text that comes from a register's rows, or a data item where ``part`` is None.

    ``column`` is the column taken, the column of names for 名单, or the data item's name; ``numbers``
    the column of document numbers for 《》, blank where there is none.
    """

    part: RegisterPart | None
    taken: Taken
    column: str
    kind: FieldKind
    numbers: str = ""


class DrawnReading:
    """Reads such fields and scopes of one plan; mistakes go to the row's cell."""

    def __init__(
        self, book: PlanBook, registers: tuple[Register, ...], items: tuple[DataItem, ...]
    ) -> None:
        self._book = book
        self._registers = {register.name: register for register in registers}
        self._items = items

    def scope(self, row: Row, typed: str) -> tuple[RegisterPart, Fields] | None:
        """The rows that a scope means and the fields of each; None where it is not of this form."""
        match = _SCOPE.fullmatch(typed)
        register = self._register(match["register"]) if match else None
        if match is None or register is None:
            return None
        part = self._part(row, "范围", register, match["filter"])
        columns = {one.column.key: row_kind(one.column.kind) for one in register.columns}
        marked = {name(key): FieldKind.TEXT for key in columns for name in (cited, quoted)}
        return part, {ORDINAL: FieldKind.COUNT, **columns, **marked}

    def field(self, row: Row, label: str, typed: str) -> Drawn | None:
        """The field that was typed; None where it is wrong, which is reported, or of another form.

        ``label`` is the column of the sheet in which it stands.
        """
        match = _FIELD.fullmatch(typed)
        if match is None:
            return None
        what = match["what"].strip()
        if same(match["register"]) == same(DATA_ITEM) and match["filter"] is None:
            return self._item(row, label, what)
        register = self._register(match["register"])
        if register is None:
            if REGISTERS not in self._book.doubtful:
                names = "、".join([*self._registers, DATA_ITEM])
                said = f"没有登记表“{match['register'].strip()}”"
                row.mistake("P140", label, said, f"可用：{names}")
            return None
        part = self._part(row, label, register, match["filter"])
        return self._of_rows(row, label, register, part, what)

    def _register(self, typed: str) -> Register | None:
        name = find_name(typed.strip(), self._registers)
        return None if name is None else self._registers[name]

    def _part(
        self, row: Row, label: str, register: Register, conditions: str | None
    ) -> RegisterPart:
        columns = {one.column.label: one.column for one in register.columns}
        reading = FilterReading(self._book, row, register.name, columns, label)
        return RegisterPart(register.name, reading.conditions(conditions or ""))

    def _item(self, row: Row, label: str, what: str) -> Drawn | None:
        name = find_name(what, (item.name for item in self._items))
        if name is None:
            if ITEMS not in self._book.doubtful:
                offered = "、".join(dict.fromkeys(item.name for item in self._items))
                remedy = f"可用：{offered}" if offered else ""
                row.mistake("P141", label, f"没有数据项“{what}”", remedy)
            return None
        return Drawn(None, Taken.VALUES, name, FieldKind.QUANTITY)

    def _of_rows(
        self, row: Row, label: str, register: Register, part: RegisterPart, what: str
    ) -> Drawn | None:
        if what == Taken.COUNT:
            return Drawn(part, Taken.COUNT, "", FieldKind.COUNT)
        if what == Taken.NAMES:
            name = name_column(register)
            if name is not None:
                return Drawn(part, Taken.NAMES, name, FieldKind.NAMES)
            row.mistake("P141", label, f"登记表“{register.name}”没有文本列，列不出{what}")
            return None
        columns = {one.column.key: one.column.kind for one in register.columns}
        taken, column = _of_column(what, columns)
        if column is None:
            offered = "、".join([*_ALONE, *columns])
            said = f"登记表“{register.name}”没有“{what}”这一项"
            remedy = f"可用：{offered}；文件写作《列名》，数值列后可加“合计”，各列后可加“种数”"
            row.mistake("P141", label, said, remedy)
            return None
        kind = _KINDS_TAKEN.get(taken)
        if kind is None:
            kind = FieldKind.AMOUNT if columns[column] is ValueKind.MONEY else FieldKind.QUANTITY
            summable = columns[column] in NUMERIC and columns[column] is not ValueKind.PERCENT
            if not summable and (register.name, column) not in self._book.doubtful:
                row.mistake("P141", label, f"“{column}”不是数值列，不能合计")
        numbers = numbers_column(register) if taken is Taken.DOCUMENTS else ""
        return Drawn(part, taken, column, kind, numbers)


def _of_column(what: str, columns: Iterable[str]) -> tuple[Taken, str | None]:
    """What is taken of which column: the column of this very name, else that before 合计 or 种数."""
    columns = tuple(columns)
    if what[:1] == "《" and what[-1:] == "》":
        return Taken.DOCUMENTS, find_name(what[1:-1].strip(), columns)
    for taken in (Taken.VALUES, Taken.SUM, Taken.DISTINCT):
        column = find_name(what.removesuffix(taken), columns) if what.endswith(taken) else None
        if column is not None:
            return taken, column
    return Taken.VALUES, None


def is_drawn(typed: str) -> bool:
    """Whether a field's name has the form of one that is drawn from a register."""
    return _FIELD.fullmatch(typed) is not None


def cited(column: str) -> str:
    """The name of the field that cites a column's text as a document: ``《评价报告》``."""
    return f"《{column}》"


def quoted(column: str) -> str:
    """The name of the field that gives a column's text as a name: ``“项目名称”``."""
    return f"“{column}”"


def numbers_column(register: Register) -> str:
    """The column that numbers the documents of a register's rows; blank where there is none."""
    labels = [
        one.column.key
        for one in register.columns
        if one.column.kind is ValueKind.DOCUMENT_NUMBER and one.column.label == _NUMBERS
    ]
    return labels[0] if labels else ""


def name_column(register: Register) -> str | None:
    """The column that names a row: the first required one of texts, else the first of texts."""
    texts = [one.column for one in register.columns if one.column.kind is ValueKind.TEXT]
    required = [column for column in texts if column.required]
    return next((column.key for column in [*required, *texts]), None)


_ROW_KINDS: Mapping[ValueKind, FieldKind] = {
    ValueKind.MONEY: FieldKind.SCORE,
    ValueKind.INTEGER: FieldKind.POINTS,
    ValueKind.NUMBER: FieldKind.POINTS,
    ValueKind.SCORE: FieldKind.POINTS,
    ValueKind.PERCENT: FieldKind.RATE,
    ValueKind.DATE: FieldKind.DATE,
}


def row_kind(kind: ValueKind) -> FieldKind:
    """How one cell of a column is written in a text."""
    return _ROW_KINDS.get(kind, FieldKind.TEXT)
