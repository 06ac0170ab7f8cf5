"""The data items (数据项) of a batch: as reported, counted from registers, or from the ledger."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import pandas as pd

from perfxl import tables
from perfxl.intake.columns import Columns, joined
from perfxl.layout.declare import NUMERIC, ValueKind
from perfxl.plan.forms import register_key
from perfxl.plan.model import (
    Aggregate,
    Condition,
    DataItem,
    LedgerFigure,
    Plan,
    Register,
    Relation,
    Source,
)
from perfxl.points import HUNDREDTHS
from perfxl.tables import RegisterRows, frame, mapped
from perfxl.values import date_of, document_number_of, number_of, percent_of, squeeze


def data_items(
    plan: Plan,
    returns: pd.DataFrame,
    sheets: pd.DataFrame,
    reported: Columns,
    registers: Mapping[str, RegisterRows],
    figures: Mapping[str, Mapping[LedgerFigure, int | None]],
    borrowed: Mapping[str, int] | None = None,
    as_of: dt.date | None = None,
) -> pd.DataFrame:
    """All data items of all returns (``tables.DATA_ITEMS``); an unknown one has value <NA>.

    A register that arrived empty counts 0; one that never arrived leaves its items unknown.
    ``borrowed`` holds, by item, hundredths that another campaign gave; they go before what is
    typed. On ``as_of`` a deadline that is still to come is not yet missed.
    """
    parts = [_with_borrowed(plan, returns, reported, borrowed or {})]
    counted = {
        register.name: _Counting(register, sheets, registers, as_of) for register in plan.registers
    }
    for item in plan.data_items:
        concerned = _Concerned.of(item, returns)
        if item.source is Source.REGISTER:
            parts.append(concerned.rows(counted[item.register].values(item, concerned.receipts)))
        elif item.source is Source.LEDGER:
            assert item.ledger_figure is not None
            counts = [figures.get(unit, {}).get(item.ledger_figure) for unit in concerned.units]
            parts.append(concerned.rows([None if n is None else n * HUNDREDTHS for n in counts]))
    return frame(joined(parts, tables.DATA_ITEMS), tables.DATA_ITEMS)


@dataclass(frozen=True)
class _Concerned:
    """The returns that an item concerns."""

    item: DataItem
    receipts: list[str]
    units: list[str]
    kinds: list[str]

    @classmethod
    def of(cls, item: DataItem, returns: pd.DataFrame, without: Collection[str] = ()) -> _Concerned:
        """Those of the returns to whose kind the item applies, but for some receipts."""
        kept = [
            row
            for row in zip(returns["receipt"], returns["unit"], returns["kind"], strict=True)
            if item.applies_to(row[2]) and row[0] not in without
        ]
        return cls(item, *([row[at] for row in kept] for at in range(3)))

    def rows(self, values: Sequence[int | None]) -> Columns:
        """The item with these values, hundredths, as columns of ``tables.DATA_ITEMS``."""
        size = len(self.receipts)
        return {
            "receipt": [*self.receipts],
            "unit": [*self.units],
            "kind": [*self.kinds],
            "sheet": [self.item.register] * size,
            "row": [None] * size,
            "item": [self.item.name] * size,
            "source": [str(self.item.source)] * size,
            "value": [*values],
            "value_text": [""] * size,
        }


class _Counting:
    """Counts and sums over one register; what several items ask of it is found out once."""

    def __init__(
        self,
        register: Register,
        sheets: pd.DataFrame,
        registers: Mapping[str, RegisterRows],
        as_of: dt.date | None,
    ) -> None:
        found = sheets[(sheets["table"] == register_key(register.name)) & sheets["found"]]
        self._arrived = set(found["receipt"])
        self._register, self._rows = register, registers[register.name].values
        self._as_of = as_of
        self._selected: dict[tuple[Condition, ...], pd.Series] = {}

    def _select(self, conditions: tuple[Condition, ...]) -> pd.Series:
        if conditions not in self._selected:
            self._selected[conditions] = mask(conditions, self._register, self._rows)
        return self._selected[conditions]

    def values(self, item: DataItem, receipts: Sequence[str]) -> list[int | None]:
        """The item's figure, hundredths, for each of some returns; None where no register came."""
        totals, factor = self._totals(item)
        return [
            int(totals.get(receipt, 0)) * factor if receipt in self._arrived else None
            for receipt in receipts
        ]

    def _totals(self, item: DataItem) -> tuple[Mapping[str, int], int]:
        """Counts or hundredths by receipt, and what makes hundredths of them."""
        if item.aggregate is Aggregate.ABSENT:
            return {receipt: self._absent(item, receipt) for receipt in self._arrived}, HUNDREDTHS
        selected = self._select(item.conditions)
        of_rows = self._rows.loc[selected, "receipt"]
        if item.aggregate is Aggregate.SUM:
            amounts = self._rows.loc[selected, item.column]
            return amounts.groupby(of_rows, sort=False).sum().to_dict(), 1
        if item.aggregate is Aggregate.DISTINCT:
            named = self._rows.loc[selected, item.column]
            named = named[_filled(named)]
            named = mapped(named, squeeze) if named.dtype == object else named
            by_receipt = named.groupby(of_rows[named.index], sort=False)
            return by_receipt.nunique().to_dict(), HUNDREDTHS
        return Counter(of_rows), HUNDREDTHS

    def _absent(self, item: DataItem, receipt: str) -> int:
        own = self._rows[self._rows["receipt"] == receipt]
        return len(absent_choices(item, self._register, own, self._as_of))


def _with_borrowed(
    plan: Plan, returns: pd.DataFrame, reported: Columns, borrowed: Mapping[str, int]
) -> Columns:
    """The reported items, those of another campaign with what it gave."""
    if not borrowed:
        return reported
    values = [
        borrowed.get(str(item), value)
        for item, value in zip(reported["item"], reported["value"], strict=True)
    ]
    parts = [{**reported, "value": values}]
    typed: dict[object, set[str]] = {}
    for receipt, item in zip(reported["receipt"], reported["item"], strict=True):
        typed.setdefault(item, set()).add(str(receipt))
    for item in plan.data_items:
        if item.name in borrowed:
            # The sheet on which it would have been typed did not arrive.
            concerned = _Concerned.of(item, returns, without=typed.get(item.name, ()))
            parts.append(concerned.rows([borrowed[item.name]] * len(concerned.receipts)))
    return joined(parts, tables.DATA_ITEMS)


def absent_choices(
    item: DataItem, register: Register, values: pd.DataFrame, as_of: dt.date | None = None
) -> list[tuple[str, ...]]:
    """The combinations of choices of the item's columns for which no row meets its conditions.

    ``values`` are the rows of one return. A row that only waits for a date that must come before
    another one which is not yet past on ``as_of`` is not missed.
    """
    offered = {declared.column.key: declared.column.choices for declared in register.columns}
    met = mask(item.conditions, register, values)
    if as_of is not None:
        met |= _still_to_come(item, register, values, as_of)
    present = {
        tuple(map(squeeze, row))
        for row in values.loc[met, list(item.columns)].itertuples(index=False, name=None)
    }
    combinations = product(*(offered[column] for column in item.columns))
    return [one for one in combinations if tuple(map(squeeze, one)) not in present]


def _still_to_come(
    item: DataItem, register: Register, values: pd.DataFrame, as_of: dt.date
) -> pd.Series:
    waiting = pd.Series(False, index=values.index)
    others = tuple(one for one in item.conditions if not _is_deadline(one, register))
    for condition in item.conditions:
        if _is_deadline(condition, register):
            due = values[condition.other_column]
            to_come = due.notna() & (due >= pd.Timestamp(as_of))
            waiting |= values[condition.column].isna() & to_come
    return waiting & mask(others, register, values)


def _is_deadline(condition: Condition, register: Register) -> bool:
    kinds = {declared.column.key: declared.column.kind for declared in register.columns}
    before = condition.relation in (Relation.AT_MOST, Relation.LESS)
    return before and bool(condition.other_column) and kinds[condition.column] is ValueKind.DATE


def mask(conditions: tuple[Condition, ...], register: Register, values: pd.DataFrame) -> pd.Series:
    """True for rows on which every condition holds.

    A blank or unreadable value never satisfies a condition, but for an explicit ``列=`` (is blank).
    """
    keep = pd.Series(True, index=values.index)
    columns = {declared.column.key: declared.column for declared in register.columns}
    for condition in conditions:
        left = values[condition.column]
        column = columns[condition.column]
        compare = condition.relation.holds
        if condition.other_column:
            held = compare(left, values[condition.other_column])
        elif column.kind is ValueKind.PERCENT:
            held = compare(left, percent_of(condition.literal))
        elif column.kind is ValueKind.DOCUMENT_NUMBER:
            held = compare(left, document_number_of(condition.literal))
        elif column.kind in NUMERIC:
            held = compare(left, number_of(condition.literal, column.unit))
        elif column.kind is ValueKind.DATE:
            held = compare(left, pd.Timestamp(date_of(condition.literal)))
        else:
            held = compare(mapped(left, squeeze), squeeze(condition.literal))
        if condition.literal or condition.other_column:
            held &= _filled(left)
        if condition.other_column:
            held &= _filled(values[condition.other_column])
        keep &= held.fillna(False).astype(bool)
    return keep


def _filled(values: pd.Series) -> pd.Series:
    known = values.notna()
    return known & (values != "") if values.dtype == object else known
