"""The data items (数据项) of a batch: as reported, counted from registers, or from the ledger."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from perfxl import tables
from perfxl.intake.columns import Columns, joined
from perfxl.layout.declare import NUMERIC, Column, ValueKind
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

Mask = npt.NDArray[np.bool_]


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
        self._selection = Selection(register, self._rows)
        self._places, self._receipts = pd.factorize(self._rows["receipt"])

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
            return self._absent(item), HUNDREDTHS
        selected = self._selection.kept(item.conditions)
        places = self._places[selected]
        if item.aggregate is Aggregate.DISTINCT:
            named = self._rows.loc[selected, item.column]
            named = mapped(named, squeeze) if named.dtype == object else named
            filled = _filled(named)
            pairs = set(zip(places[filled].tolist(), named[filled].to_list(), strict=True))
            counts = Counter(place for place, _ in pairs)
            return {self._receipts[place]: n for place, n in counts.items()}, HUNDREDTHS
        totals = np.zeros(len(self._receipts), dtype=np.int64)
        if item.aggregate is Aggregate.SUM:
            amounts = self._rows.loc[selected, item.column].fillna(0)
            np.add.at(totals, places, amounts.to_numpy(dtype=np.int64))
        else:
            np.add.at(totals, places, 1)
        factor = 1 if item.aggregate is Aggregate.SUM else HUNDREDTHS
        return dict(zip(self._receipts, totals.tolist(), strict=True)), factor

    def _absent(self, item: DataItem) -> dict[str, int]:
        by_receipt = dict(list(self._rows.groupby("receipt", sort=False)))
        nothing = self._rows.iloc[:0]
        return {
            receipt: len(
                absent_choices(item, self._register, by_receipt.get(receipt, nothing), self._as_of)
            )
            for receipt in self._arrived
        }


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
    return pd.Series(Selection(register, values).kept(conditions), index=values.index)


class Selection:
    """Which rows of a register conditions keep; each condition and column is looked at once."""

    def __init__(self, register: Register, values: pd.DataFrame) -> None:
        self._values = values
        self._columns = {declared.column.key: declared.column for declared in register.columns}
        self._held: dict[Condition, Mask] = {}
        self._texts: dict[str, tuple[npt.NDArray[np.intp], Sequence[str]]] = {}

    def kept(self, conditions: Iterable[Condition]) -> Mask:
        """As ``mask`` says, row by row."""
        keep = np.ones(len(self._values), dtype=bool)
        for condition in conditions:
            if condition not in self._held:
                self._held[condition] = self._holds(condition)
            keep &= self._held[condition]
        return keep

    def _holds(self, condition: Condition) -> Mask:
        left, column = self._values[condition.column], self._columns[condition.column]
        compare = condition.relation.holds
        if condition.other_column:
            right = self._values[condition.other_column]
            return _sure(compare(left, right)) & _filled(left) & _filled(right)
        if column.kind in NUMERIC or column.kind is ValueKind.DATE:
            held = _sure(compare(left, _literal_of(column, condition.literal)))
            return held & _filled(left) if condition.literal else held
        if condition.column not in self._texts:
            self._texts[condition.column] = pd.factorize(left, use_na_sentinel=False)
        places, texts = self._texts[condition.column]
        # Document numbers were folded when they were read.
        is_number = column.kind is ValueKind.DOCUMENT_NUMBER
        wanted = (document_number_of if is_number else squeeze)(condition.literal)
        # With nothing on the right, blanks may hold too.
        of_texts = [
            bool(text or not condition.literal)
            and compare(text if is_number else squeeze(text), wanted)
            for text in texts
        ]
        held_by_row: Mask = np.array(of_texts, dtype=bool)[places]
        return held_by_row


def _literal_of(column: Column, literal: str) -> object:
    """What a condition's right side says, as values of the column are held."""
    if column.kind is ValueKind.PERCENT:
        return percent_of(literal)
    if column.kind is ValueKind.DATE:
        return pd.Timestamp(date_of(literal))
    return number_of(literal, column.unit)


def _sure(held: pd.Series) -> Mask:
    """Where a comparison holds; what it cannot tell does not."""
    sure: Mask = held.fillna(False).to_numpy(dtype=bool)
    return sure


def _filled(values: pd.Series) -> Mask:
    known: Mask = values.notna().to_numpy()
    return known & (values != "").to_numpy(dtype=bool) if values.dtype == object else known
