"""How indicators were scored, and how claims compare with scores. Tables in, tables out; exact.

Every row carries its place in the order in which it is shown, so that the live formulas of the
consolidated workbook have something to agree with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import pandas as pd

from perfxl import tables
from perfxl.plan.model import Plan, Rubric
from perfxl.tables import Basis, frame_of

# A claim of anything where nothing was scored is over any rate; nothing to compare stands last.
BEYOND_ANY_RATE, NOTHING_TO_COMPARE = Fraction(1000), Fraction(-1000)


def indicator_figures(plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """``tables.SCORES`` → ``tables.INDICATOR_FIGURES``, in the rubrics' order.

    Only units that returned count. ``weakness_order`` goes from the lowest score rate upward,
    indicators that applied to nobody last; ``loss_order`` by units that lost points, then points.
    """
    returned = scores[scores["basis"] != str(Basis.NOT_RETURNED)]
    groups = dict(list(returned.groupby(["kind", "indicator"], sort=False)))
    rows: list[dict[str, object]] = []
    for kind, rubric in _in_use(plan):
        own: list[dict[str, Any]] = []
        for one in rubric.indicators:
            given = groups.get((kind, one.code))
            marks = [] if given is None else [int(score) for score in given["score"].dropna()]
            own.append(
                {
                    "kind": kind,
                    "indicator": one.code,
                    "name": one.name,
                    "full_marks": one.full_marks,
                    "units": len(marks),
                    "sum": sum(marks),
                    "full_units": marks.count(one.full_marks),
                    "lost_units": sum(mark < one.full_marks for mark in marks),
                    "lost": one.full_marks * len(marks) - sum(marks),
                    "not_applicable": 0 if given is None else len(given) - len(marks),
                }
            )
        weakness = [(_weakness(row),) for row in own]
        losses = [(row["lost_units"], row["lost"]) for row in own]
        for row, weak, loss in zip(own, places(weakness), places(losses), strict=True):
            rows.append({**row, "weakness_order": weak, "loss_order": loss})
    return frame_of(rows, tables.INDICATOR_FIGURES)


def _weakness(row: Mapping[str, Any]) -> Fraction:
    """Less than any other for an indicator that applied to nobody."""
    if not row["units"]:
        return Fraction(-9)
    return -Fraction(row["sum"], row["full_marks"] * row["units"])


def unit_deviations(plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """``tables.SCORES`` → ``tables.UNIT_DEVIATIONS``; the highest over-claim rate comes first.

    Ties stand in the roster's order, units that claimed nothing last.
    """
    both = _compared(scores)
    over = both.loc[both["self_score"] > both["score"], "unit"].value_counts()
    sums = both.groupby("unit")[["self_score", "score"]].sum()
    counts = both["unit"].value_counts()
    totals = scores.groupby("unit")["self_score"].sum()
    rows: list[dict[str, object]] = []
    for kind, _ in _in_use(plan):
        own = []
        for unit in plan.units_of(kind):
            there = unit.code in sums.index
            own.append(
                {
                    "kind": kind,
                    "unit": unit.code,
                    "self_total": int(totals[unit.code]),
                    "compared": int(counts[unit.code]) if there else 0,
                    "claimed": int(sums.at[unit.code, "self_score"]) if there else 0,
                    "counted": int(sums.at[unit.code, "score"]) if there else 0,
                    "over_claims": int(over.get(unit.code, 0)),
                }
            )
        order = places([(deviation_rate(**_amounts(row)),) for row in own])
        rows += [{**row, "order": place} for row, place in zip(own, order, strict=True)]
    return frame_of(rows, tables.UNIT_DEVIATIONS)


def indicator_deviations(plan: Plan, scores: pd.DataFrame) -> pd.DataFrame:
    """``tables.SCORES`` → ``tables.INDICATOR_DEVIATIONS``; most points claimed too much first."""
    totals = scores.groupby(["kind", "indicator"])["self_score"].sum()
    both = _compared(scores)
    nothing = both.iloc[:0]
    groups = dict(list(both.groupby(["kind", "indicator"], sort=False)))
    rows: list[dict[str, object]] = []
    for kind, rubric in _in_use(plan):
        own, keys = [], []
        for one in rubric.indicators:
            given = groups.get((kind, one.code), nothing)
            claimed, counted = int(given["self_score"].sum()), int(given["score"].sum())
            keys.append((claimed - counted if len(given) else NOTHING_TO_COMPARE,))
            own.append(
                {
                    "kind": kind,
                    "indicator": one.code,
                    "name": one.name,
                    "self_total": int(totals[kind, one.code]),
                    "compared": len(given),
                    "claimed": claimed,
                    "counted": counted,
                    "over_claims": int((given["self_score"] > given["score"]).sum()),
                }
            )
        rows += [{**row, "order": place} for row, place in zip(own, places(keys), strict=True)]
    return frame_of(rows, tables.INDICATOR_DEVIATIONS)


def deviation_rate(compared: int, claimed: int, counted: int) -> Fraction:
    """(claimed - counted) / counted; the two limits above where that cannot be said."""
    if not compared:
        return NOTHING_TO_COMPARE
    if not counted:
        return BEYOND_ANY_RATE if claimed else Fraction(0)
    return Fraction(claimed - counted, counted)


def places(keys: Sequence[tuple[object, ...]]) -> list[int]:
    """The 1-based place of every key, the largest first, equal ones in the order given."""
    order = sorted(range(len(keys)), key=lambda index: keys[index], reverse=True)
    found = [0] * len(keys)
    # sorted() keeps the order of equals, in reverse too.
    for place, index in enumerate(order, 1):
        found[index] = place
    return found


def first_levels(rubric: Rubric) -> list[tuple[str, str, int, int]]:
    """Code and name of every first-level indicator, first and last position of its indicators."""
    found: list[tuple[str, str, int, int]] = []
    position = 0
    for row in rubric.rows:
        if row.depth == 1:
            found.append((row.code, row.name, position, position - 1))
        if row.indicator is not None:
            code, name, first, _ = found[-1]
            found[-1] = (code, name, first, position)
            position += 1
    return found


def _in_use(plan: Plan) -> list[tuple[str, Rubric]]:
    """The rubrics of kinds that have units."""
    return [(kind, rubric) for kind, rubric in plan.rubrics.items() if any(plan.units_of(kind))]


def _compared(scores: pd.DataFrame) -> pd.DataFrame:
    return scores[scores["self_score"].notna() & scores["score"].notna()]


def _amounts(row: dict[str, object]) -> dict[str, int]:
    return {name: row[name] for name in ("compared", "claimed", "counted")}  # type: ignore[misc]
