"""The data items (数据项) of a batch: as reported, counted from registers, or from the ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from itertools import product

import pandas as pd

from perfxl import tables
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
    reported: pd.DataFrame,
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
    by_name = {register.name: register for register in plan.registers}
    for item in plan.data_items:
        concerned = returns[returns["kind"].map(item.applies_to).astype(bool)]
        if item.source is Source.REGISTER:
            parts.append(
                _from_register(
                    item, by_name[item.register], concerned, sheets, registers[item.register], as_of
                )
            )
        elif item.source is Source.LEDGER:
            assert item.ledger_figure is not None
            counts = [figures.get(unit, {}).get(item.ledger_figure) for unit in concerned["unit"]]
            parts.append(_frame(item, concerned, counts, HUNDREDTHS))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else frame({}, tables.DATA_ITEMS)


def _from_register(
    item: DataItem,
    register: Register,
    returns: pd.DataFrame,
    sheets: pd.DataFrame,
    rows: RegisterRows,
    as_of: dt.date | None,
) -> pd.DataFrame:
    found = sheets[(sheets["table"] == register_key(register.name)) & sheets["found"]]
    arrived = set(found["receipt"])
    values = rows.values
    selected = mask(item.conditions, register, values)
    receipts = values.loc[selected, "receipt"]
    if item.aggregate is Aggregate.SUM:
        amounts = values.loc[selected, item.column]
        totals, factor = amounts.groupby(receipts, sort=False).sum().to_dict(), 1
    elif item.aggregate is Aggregate.DISTINCT:
        named = values.loc[selected, item.column]
        named = named[_filled(named)]
        named = mapped(named, squeeze) if named.dtype == object else named
        totals = named.groupby(receipts[named.index], sort=False).nunique().to_dict()
        factor = HUNDREDTHS
    elif item.aggregate is Aggregate.ABSENT:
        totals = {
            receipt: len(
                absent_choices(item, register, values[values["receipt"] == receipt], as_of)
            )
            for receipt in arrived
        }
        factor = HUNDREDTHS
    else:
        totals, factor = receipts.value_counts().to_dict(), HUNDREDTHS
    counts = [
        int(totals.get(receipt, 0)) if receipt in arrived else None
        for receipt in returns["receipt"]
    ]
    return _frame(item, returns, counts, factor, sheet=register.name)


def _frame(
    item: DataItem, returns: pd.DataFrame, counts: list[int | None], factor: int, sheet: str = ""
) -> pd.DataFrame:
    size = len(returns)
    return frame(
        {
            "receipt": list(returns["receipt"]),
            "unit": list(returns["unit"]),
            "kind": list(returns["kind"]),
            "sheet": [sheet] * size,
            "row": [None] * size,
            "item": [item.name] * size,
            "source": [str(item.source)] * size,
            "value": [None if count is None else count * factor for count in counts],
            "value_text": [""] * size,
        },
        tables.DATA_ITEMS,
    )


def _with_borrowed(
    plan: Plan, returns: pd.DataFrame, reported: pd.DataFrame, borrowed: Mapping[str, int]
) -> pd.DataFrame:
    """The reported items, those of another campaign with what it gave."""
    if not borrowed:
        return reported
    given = reported["item"].map(borrowed)
    reported = reported.assign(value=given.astype("Int64").fillna(reported["value"]))
    parts = [reported]
    known = set(zip(reported["receipt"], reported["item"], strict=True))
    for item in plan.data_items:
        if item.name not in borrowed:
            continue
        # The sheet on which it would have been typed did not arrive.
        without = [(receipt, item.name) not in known for receipt in returns["receipt"]]
        concerned = returns[pd.Series(without, index=returns.index, dtype=bool)]
        concerned = concerned[concerned["kind"].map(item.applies_to).astype(bool)]
        if len(concerned):
            parts.append(_frame(item, concerned, [borrowed[item.name]] * len(concerned), 1))
    return pd.concat(parts, ignore_index=True)


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
