"""Reads the plan's data items (数据项): where each figure comes from, and its filter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.plan.borrowed_reading import read_borrowed
from perfxl.plan.model import (
    Aggregate,
    Borrowed,
    Condition,
    DataItem,
    LedgerFigure,
    OtherCampaign,
    Register,
    Relation,
    Source,
)
from perfxl.plan.names import find_name, same
from perfxl.plan.register_reading import RULE_BREAK, comparable, relation
from perfxl.plan.rows import LIST_BREAK, PlanBook, Row
from perfxl.plan.rubric_sheets import RubricSheets
from perfxl.plan.workbook import ITEMS_SHEET, REGISTERS, SPOT_CHECK
from perfxl.values import date_of, number_of, squeeze

FILTER = "筛选条件"
_CONDITION = re.compile(r"(?P<column>.+?)(?P<op>>=|<=|<>|!=|[=≠<>≤≥])(?P<right>.*)")
_EQUALITY = (Relation.EQUAL, Relation.NOT_EQUAL)


def read_items(
    book: PlanBook,
    registers: tuple[Register, ...],
    rubrics: RubricSheets,
    other_campaigns: tuple[OtherCampaign, ...] = (),
) -> tuple[DataItem, ...]:
    """The data items in order; mistakes go to the book."""
    by_name = {register.name: register for register in registers}
    items: list[DataItem] = []
    for row in book.rows(ITEMS_SHEET, needed=False):
        name, source = row.required("数据项"), row.choice("来源", Source)
        kinds, kinds_known = _kinds(row, rubrics)
        if name and kinds_known and any(_both_defined(other, name, kinds) for other in items):
            row.mistake("P110", "数据项", f"数据项“{name}”重复定义")
        counted = _Counted(row)
        borrowed: Borrowed | None = None
        if source is Source.REGISTER:
            counted.read(book, by_name)
        elif source is Source.CAMPAIGN:
            borrowed, counted.aggregate, counted.conditions = read_borrowed(row, other_campaigns)
        figure = row.choice("统计列", LedgerFigure) if source is Source.LEDGER else None
        if figure is LedgerFigure.SPOT_CHECK and book.real_name(SPOT_CHECK) not in book.sheets:
            # It would never be known.
            what = f"“{figure}”取自抽查，方案却没有工作表“{SPOT_CHECK}”"
            row.mistake("P120", "统计列", what, f"请加上“{SPOT_CHECK}”表，或把来源改为“股室认定”")
        items.append(
            DataItem(
                name,
                source or Source.UNIT,
                kinds,
                counted.register,
                counted.aggregate,
                counted.column,
                counted.conditions,
                figure,
                row.text("计量单位"),
                row.text("填报说明"),
                counted.columns,
                borrowed,
                row.cell("数据项"),
            )
        )
    return tuple(items)


def _kinds(row: Row, rubrics: RubricSheets) -> tuple[tuple[str, ...], bool]:
    """The kinds of unit that have the item, and whether all that were typed are known.

    Where one is not, the item counts as everybody's, so that no more is said about it.
    """
    typed = [part.strip() for part in LIST_BREAK.split(row.text("单位类别")) if part.strip()]
    kinds = [rubrics.kind("单位类别", row, text) for text in typed]
    known = tuple(kind for kind in kinds if kind)
    return (known, True) if len(known) == len(typed) else ((), False)


def _both_defined(item: DataItem, name: str, kinds: tuple[str, ...]) -> bool:
    shared = not item.kinds or not kinds or bool(set(item.kinds) & set(kinds))
    return shared and same(item.name) == same(name)


class _Counted:
    """What a row says of the register that its item is counted from."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.register, self.column = row.text("登记表"), row.text("统计列")
        self.aggregate: Aggregate | None = None
        self.conditions: tuple[Condition, ...] = ()
        self.columns: tuple[str, ...] = ()

    def read(self, book: PlanBook, registers: Mapping[str, Register]) -> None:
        """Check it against the registers; mistakes go to the book."""
        row = self._row
        self.aggregate = row.choice("统计方式", Aggregate)
        if not row.required("登记表"):
            return
        name = find_name(self.register, registers)
        if name is None:
            if REGISTERS not in book.doubtful:
                row.mistake("P114", "登记表", f"登记表“{self.register}”没有定义")
            return
        self.register = name
        columns = {one.column.label: one.column for one in registers[name].columns}
        self.conditions = FilterReading(book, row, name, columns).conditions()
        if self.aggregate in (None, Aggregate.COUNT) or not row.required("统计列"):
            return
        if self.aggregate is Aggregate.ABSENT:
            self._read_choices(book, name, columns)
            return
        column = find_name(self.column, columns)
        if column is None:
            row.mistake("P115", "统计列", f"登记表“{name}”没有列“{self.column}”")
            return
        self.column = column
        doubtful = (name, column) in book.doubtful
        if self.aggregate is Aggregate.SUM and not doubtful and columns[column].kind not in NUMERIC:
            row.mistake("P115", "统计列", f"“{column}”不是数值列，不能合计")

    def _read_choices(self, book: PlanBook, register: str, columns: Mapping[str, Column]) -> None:
        """The columns whose choices ought all to occur, in every combination."""
        row = self._row
        for typed in filter(None, (part.strip() for part in LIST_BREAK.split(self.column))):
            label = find_name(typed, columns)
            if label is None:
                row.mistake("P115", "统计列", f"登记表“{register}”没有列“{typed}”")
            elif columns[label].kind is not ValueKind.CHOICE:
                if (register, label) not in book.doubtful:
                    what = f"“{label}”不是选项列，数不出缺少哪些选项"
                    row.mistake("P130", "统计列", what, "请写类型为选项的列，几列用顿号分开")
            else:
                self.columns = (*self.columns, label)


class FilterReading:
    """The conditions of one filter, against the columns of its register.

    ``label`` is the column of the plan's sheet in which the filter stands.
    """

    def __init__(
        self,
        book: PlanBook,
        row: Row,
        register: str,
        columns: Mapping[str, Column],
        label: str = FILTER,
    ) -> None:
        self._book, self._row, self._register, self._columns = book, row, register, columns
        self._label = label

    def conditions(self, typed: str | None = None) -> tuple[Condition, ...]:
        """All conditions that can be read; the others are reported.

        ``typed`` is the filter's text where it is only part of what stands in the cell.
        """
        text = self._row.text(self._label) if typed is None else typed
        parts = [part.strip() for part in RULE_BREAK.split(text)]
        found = [self._condition(part) for part in parts if part]
        return tuple(condition for condition in found if condition)

    def _condition(self, part: str) -> Condition | None:
        # Full-width signs, as Chinese keyboards give them, are read as their plain forms.
        match = _CONDITION.fullmatch(unicodedata.normalize("NFKC", part))
        if match is None:
            self._row.mistake("P116", self._label, f"看不懂条件“{part}”", "写法如 设置绩效目标=是")
            return None
        typed, right = match["column"].strip(), match["right"].strip()
        column = find_name(typed, self._columns)
        if column is None:
            self._row.mistake("P115", self._label, f"登记表“{self._register}”没有列“{typed}”")
            return None
        how = relation(match["op"])
        if right.startswith("[") and right.endswith("]"):
            inner = right[1:-1].strip()
            other = find_name(inner, self._columns) or inner
            if not comparable(self._book, self._register, self._columns, column, other):
                self._row.mistake("P115", self._label, f"“{column}”与“{other}”不能比较，或没有该列")
            return Condition(column, how, other_column=other)
        if (self._register, column) not in self._book.doubtful:
            self._check(part, self._columns[column], how, right)
        return Condition(column, how, right)

    def _check(self, part: str, column: Column, how: Relation, right: str) -> None:
        """Report a literal that no cell of the column can be compared with."""
        worded = column.kind not in NUMERIC and column.kind is not ValueKind.DATE
        if not right:
            if not worded or how not in _EQUALITY:
                remedy = "只有文本和选项列可以写成 列= 或 列≠，表示空白或不空白"
                self._row.mistake("P116", self._label, f"条件“{part}”的右边没有填写", remedy)
            return
        if column.kind in NUMERIC:
            readable = number_of(right, column.unit) is not None
        elif column.kind is ValueKind.DATE:
            readable = date_of(right) is not None
        else:
            readable = how in _EQUALITY
        if not readable:
            what = f"条件“{part}”的右边与列“{column.label}”的类型“{column.kind}”不合"
            remedy = "文本和选项列只能用 = 或 ≠" if worded else "请写数或日期；另一列写在方括号内"
            self._row.mistake("P116", self._label, what, remedy)
        elif _not_a_choice(column, right):
            what = f"条件“{part}”的右边不是列“{column.label}”的选项"
            self._row.mistake("P116", self._label, what, f"选项有：{'、'.join(column.choices)}")


def _not_a_choice(column: Column, literal: str) -> bool:
    choices = column.choices if column.kind is ValueKind.CHOICE else ()
    return bool(choices) and squeeze(literal) not in map(squeeze, choices)
