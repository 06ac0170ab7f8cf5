"""The data items (数据项) of a batch: as reported, counted from registers, or from the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache

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
) -> pd.DataFrame:
    """All data items of all returns (``tables.DATA_ITEMS``); an unknown one has value <NA>.

    A register that arrived empty counts 0; one that never arrived leaves its items unknown.
    """
    parts = [reported]
    counted = {register.name: _Counting(register, sheets, registers) for register in plan.registers}
    receipts, units, kinds = (list(returns[name]) for name in ("receipt", "unit", "kind"))
    for item in plan.data_items:
        at = [index for index, kind in enumerate(kinds) if item.applies_to(kind)]
        if item.source is Source.REGISTER:
            values = counted[item.register].values(item, [receipts[index] for index in at])
        elif item.source is Source.LEDGER:
            assert item.ledger_figure is not None
            counts = [figures.get(units[index], {}).get(item.ledger_figure) for index in at]
            values = [None if count is None else count * HUNDREDTHS for count in counts]
        else:
            continue
        size = len(at)
        parts.append(
            {
                "receipt": [receipts[index] for index in at],
                "unit": [units[index] for index in at],
                "kind": [kinds[index] for index in at],
                "sheet": [item.register] * size,
                "row": [None] * size,
                "item": [item.name] * size,
                "source": [str(item.source)] * size,
                "value": list[object](values),
                "value_text": [""] * size,
            }
        )
    return frame(joined(parts, tables.DATA_ITEMS), tables.DATA_ITEMS)


class _Counting:
    """Counts and sums over one register; what several items ask of it is found out once."""

    def __init__(
        self, register: Register, sheets: pd.DataFrame, registers: Mapping[str, RegisterRows]
    ) -> None:
        found = sheets[(sheets["table"] == register_key(register.name)) & sheets["found"]]
        self._arrived = set(found["receipt"])
        self._register, self._rows = register, registers[register.name].values
        self._selected = lru_cache(maxsize=None)(self._select)

    def _select(self, conditions: tuple[Condition, ...]) -> pd.Series:
        return mask(conditions, self._register, self._rows)

    def values(self, item: DataItem, receipts: Sequence[str]) -> list[int | None]:
        """The item's figure, hundredths, for each of some returns; None where no register came."""
        selected = self._selected(item.conditions)
        of_rows = self._rows.loc[selected, "receipt"]
        totals: Mapping[str, int]
        if item.aggregate is Aggregate.SUM:
            amounts = self._rows.loc[selected, item.column]
            totals, factor = amounts.groupby(of_rows, sort=False).sum().to_dict(), 1
        elif item.aggregate is Aggregate.DISTINCT:
            named = self._rows.loc[selected, item.column]
            named = named[_filled(named)]
            totals = named.groupby(of_rows[named.index], sort=False).nunique().to_dict()
            factor = HUNDREDTHS
        else:
            totals, factor = Counter(of_rows), HUNDREDTHS
        return [
            int(totals.get(receipt, 0)) * factor if receipt in self._arrived else None
            for receipt in receipts
        ]


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
