"""What a county's plan takes from another campaign: figures of its units, sums of its registers.

Pure: the other campaign's plan and tables in, values or mistakes out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from perfxl.errors import Mistake, Place
from perfxl.intake.data_items import mask
from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.plan.model import (
    Aggregate,
    CampaignFigure,
    Condition,
    DataItem,
    Plan,
    Register,
    Relation,
)
from perfxl.plan.names import find_name
from perfxl.plan.workbook import ITEMS
from perfxl.points import HUNDREDTHS
from perfxl.tables import PROVISIONAL, ReturnTables, Status
from perfxl.values import date_of, number_of, squeeze


@dataclass(frozen=True)
class Source:
    """The other campaign as it stands: ``scores`` (``tables.SCORES``), status by unit code."""

    plan: Plan
    scores: pd.DataFrame
    status: Mapping[str, Status]
    returned: ReturnTables


@dataclass(frozen=True)
class Figure:
    """A value in hundredths, and what is to be known of it."""

    item: str
    value: int
    note: str = ""


def figures_of(
    items: Sequence[DataItem], source: Source, file: str
) -> tuple[list[Figure], list[Mistake]]:
    """The figures that the items name; a mistake, at the item's cell in ``file``, for each that the
    other campaign cannot give."""
    found: list[Figure] = []
    mistakes: list[Mistake] = []
    for item in items:
        try:
            found.append(_figure(item, source))
        except _CannotGive as cannot:
            place = Place(file, ITEMS, item.cell)
            mistakes.append(Mistake("E702", str(cannot), place, cannot.remedy))
    return found, mistakes


class _CannotGive(Exception):
    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.remedy = remedy


def _figure(item: DataItem, source: Source) -> Figure:
    borrowed = item.borrowed
    assert borrowed is not None
    kind = _known_kind(source.plan, borrowed.kind)
    if borrowed.figure is None:
        return _of_register(item, source, kind)
    units = [unit.code for unit in source.plan.units if kind in ("", unit.kind)]
    if borrowed.figure.of_indicator:
        return _of_indicator(item, source, kind)
    wanted = _STATES[borrowed.figure]
    count = sum(source.status[code] in wanted for code in units)
    return Figure(item.name, count * HUNDREDTHS)


_STATES: Mapping[CampaignFigure, frozenset[Status]] = {
    CampaignFigure.UNITS: frozenset(Status),
    CampaignFigure.RETURNED: frozenset({Status.ON_TIME, Status.LATE}),
    CampaignFigure.ON_TIME: frozenset({Status.ON_TIME}),
    CampaignFigure.LATE: frozenset({Status.LATE}),
    CampaignFigure.NOT_RETURNED: frozenset({Status.NOT_RETURNED}),
}


def _known_kind(plan: Plan, kind: str) -> str:
    known = find_name(kind, plan.kinds) if kind else ""
    if known is None:
        what = f"考核“{plan.campaign.name}”没有单位类别“{kind}”"
        raise _CannotGive(what, f"现有：{'、'.join(plan.kinds)}")
    return known


def _of_indicator(item: DataItem, source: Source, kind: str) -> Figure:
    assert item.borrowed is not None
    wanted = item.borrowed.indicator
    kinds = [kind] if kind else list(source.plan.kinds)
    codes = {
        one: find_name(wanted, [i.code for i in source.plan.rubrics[one].indicators])
        for one in kinds
    }
    without = [one for one, code in codes.items() if code is None]
    if without:
        what = f"考核“{source.plan.campaign.name}”的{'、'.join(without)}没有指标“{wanted}”"
        raise _CannotGive(what, "请核对编码，或在筛选条件中写明单位类别")
    scores = source.scores
    own = scores[
        [codes.get(k) == i for k, i in zip(scores["kind"], scores["indicator"], strict=True)]
    ]
    given = own["score"] > 0
    if item.borrowed.figure is CampaignFigure.FULL:
        given = own["score"] == own["full_marks"]
    count = int(given.fillna(False).sum())
    open_ones = int((own["basis"].isin([str(basis) for basis in PROVISIONAL])).sum())
    absent = sum(source.status[unit] is Status.NOT_RETURNED for unit in own["unit"])
    notes = (
        f"{open_ones} 个单位的得分未经股室核定" if open_ones else "",
        f"{absent} 个单位未报送，按没有得分计" if absent else "",
    )
    return Figure(item.name, count * HUNDREDTHS, "；".join(filter(None, notes)))


def _of_register(item: DataItem, source: Source, kind: str) -> Figure:
    registers = {one.name: one for one in source.plan.registers}
    name = find_name(item.register, registers)
    if name is None:
        what = f"考核“{source.plan.campaign.name}”没有登记表“{item.register}”"
        raise _CannotGive(what, f"现有：{'、'.join(registers)}")
    register, values = registers[name], source.returned.registers[name].values
    columns = {one.column.label: one.column for one in register.columns}
    conditions = tuple(_bound(one, register, columns) for one in item.conditions)
    kept = mask(conditions, register, values)
    if kind:
        of_kind = {unit.code for unit in source.plan.units if unit.kind == kind}
        kept &= values["unit"].isin(of_kind)
    rows = values[kept]
    absent = sum(
        source.status[unit.code] is Status.NOT_RETURNED
        for unit in source.plan.units
        if kind in ("", unit.kind)
    )
    note = f"{absent} 个单位未报送，没有统计在内" if absent else ""
    if item.aggregate is Aggregate.COUNT:
        return Figure(item.name, len(rows) * HUNDREDTHS, note)
    column = _known_column(item.column, register, columns)
    if item.aggregate is Aggregate.SUM:
        if columns[column].kind not in NUMERIC:
            raise _CannotGive(f"“{column}”不是数值列，不能合计")
        return Figure(item.name, int(rows[column].sum()), note)
    texts = rows[column].dropna().map(lambda value: squeeze(str(value)))
    return Figure(item.name, int(texts[texts != ""].nunique()) * HUNDREDTHS, note)


def _bound(condition: Condition, register: Register, columns: Mapping[str, Column]) -> Condition:
    """The condition with the names of the other plan's columns."""
    column = _known_column(condition.column, register, columns)
    other = condition.other_column
    other = _known_column(other, register, columns) if other else ""
    if not other and not _comparable(columns[column], condition):
        raise _CannotGive(f"条件“{condition}”的右边与列“{column}”的类型或选项不合")
    return Condition(column, condition.relation, condition.literal, other)


def _comparable(column: Column, condition: Condition) -> bool:
    """Whether some cell of the column can be compared with the condition's literal."""
    literal, equal = condition.literal, condition.relation in (Relation.EQUAL, Relation.NOT_EQUAL)
    if column.kind in NUMERIC:
        return number_of(literal, column.unit) is not None
    if column.kind is ValueKind.DATE:
        return date_of(literal) is not None
    choices = column.choices if column.kind is ValueKind.CHOICE and literal else ()
    return equal and (not choices or squeeze(literal) in map(squeeze, choices))


def _known_column(name: str, register: Register, columns: Mapping[str, Column]) -> str:
    known = find_name(name, columns)
    if known is None:
        raise _CannotGive(f"登记表“{register.name}”没有列“{name}”", f"现有：{'、'.join(columns)}")
    return known
