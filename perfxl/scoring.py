"""Scores: computed by method, approved by sections, totalled, graded and ranked. All exact.

Pure: tables in, tables out. Amounts are hundredths of 分; totals of units with indicators that do
not apply are rescaled as exact fractions and rounded only for display.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

import pandas as pd

from perfxl import tables
from perfxl.plan.forms import register_key
from perfxl.plan.methods import Computed, Facts
from perfxl.plan.model import Grade, Indicator, LateRule, LedgerFigure, Plan, Source, TieRule
from perfxl.points import HUNDREDTHS, round_fraction
from perfxl.tables import (
    NOT_RANKED,
    PROVISIONAL,
    Basis,
    ReturnTables,
    Status,
    frame,
    frame_of,
    whole,
)


def compute(plan: Plan, returned: ReturnTables) -> pd.DataFrame:
    """What each method gives for each indicator of each return (``tables.COMPUTED``)."""
    values: dict[str, dict[str, int | None]] = {}
    names = (returned.data_items[name].to_list() for name in ("receipt", "item", "value"))
    for receipt, item, value in zip(*names, strict=True):
        values.setdefault(receipt, {})[item] = value if value.__class__ is int else whole(value)
    evidence = _evidence_counts(plan, returned)
    arrived = _with_evidence_register(plan, returned)
    scored = {kind: _Scored(plan, kind) for kind in plan.rubrics}
    rows: list[tuple[object, ...]] = []
    of_returns = (returned.returns[name] for name in ("receipt", "unit", "kind"))
    for receipt, unit, kind in zip(*of_returns, strict=True):
        known = values.get(receipt, {})
        for indicator in plan.rubrics[kind].indicators:
            pieces = evidence.get((receipt, indicator.code), 0) if receipt in arrived else None
            result = scored[kind].of(indicator, Facts(known, pieces))
            rows.append((receipt, unit, indicator.code, *result))
    columns = zip(*rows, strict=True) if rows else [()] * len(tables.COMPUTED)
    return frame(dict(zip(tables.COMPUTED, columns, strict=True)), tables.COMPUTED)


class _Scored:
    """Scores of one kind of unit: figures that several units have in common are reckoned once."""

    def __init__(self, plan: Plan, kind: str) -> None:
        self._plan, self._kind = plan, kind
        self._items = {
            indicator.code: indicator.method.data_items()
            for indicator in plan.rubrics[kind].indicators
        }
        self._known: dict[tuple[object, ...], tuple[int | None, bool, str]] = {}

    def of(self, indicator: Indicator, facts: Facts) -> tuple[int | None, bool, str]:
        """Score, whether the indicator applies, and the arithmetic."""
        drawn_on = [facts.values.get(item) for item in self._items[indicator.code]]
        key = (indicator.code, facts.evidence, *drawn_on)
        if key not in self._known:
            self._known[key] = self._score(indicator, facts)
        return self._known[key]

    def _score(self, indicator: Indicator, facts: Facts) -> tuple[int | None, bool, str]:
        plan = self._plan
        result: Computed = indicator.method.score(indicator.full_marks, plan.campaign.step, facts)
        arithmetic = result.arithmetic
        if result.score is None and result.applies:
            arithmetic = _supplied_by_office(plan, self._kind, indicator) or arithmetic
        return result.score, result.applies, arithmetic


def _supplied_by_office(plan: Plan, kind: str, indicator: Indicator) -> str:
    """What to say instead of a missing figure that the unit is not asked for."""
    said = {
        Source.SECTION: "由股室认定",
        Source.LEDGER: "由财政部门按收件记录计算，单位不填",
    }
    items = [plan.item(name, kind) for name in indicator.method.data_items()]
    if any(item and item.ledger_figure is LedgerFigure.SPOT_CHECK for item in items):
        return "尚未抽查，或抽中的项目没有查完"
    text = next((said[item.source] for item in items if item and item.source in said), "")
    return plan.campaign.worded(text)


def _with_evidence_register(plan: Plan, returned: ReturnTables) -> set[str]:
    """Receipts of which the evidence register arrived."""
    register = plan.evidence_register
    if register is None:
        return set(returned.returns["receipt"])
    sheets = returned.sheets
    found = sheets[sheets["found"] & (sheets["table"] == register_key(register.name))]
    return set(found["receipt"])


def _evidence_counts(plan: Plan, returned: ReturnTables) -> dict[tuple[str, str], int]:
    """Pieces of registered evidence per receipt and indicator; with a web address where needed."""
    url_needed = {
        (kind, indicator.code)
        for kind, rubric in plan.rubrics.items()
        for indicator in rubric.indicators
        if indicator.url_required
    }
    kinds = dict(zip(returned.returns["receipt"], returned.returns["kind"], strict=True))
    pieces: dict[tuple[str, str], set[int]] = {}
    cited = returned.citations
    cited = cited[cited["evidence_row"].notna()]
    for receipt, indicator, row, url in zip(
        cited["receipt"], cited["indicator"], cited["evidence_row"], cited["url"], strict=True
    ):
        if url or (kinds[receipt], indicator) not in url_needed:
            pieces.setdefault((receipt, indicator), set()).add(int(row))
    return {key: len(rows) for key, rows in pieces.items()}


def suggested_score(full_marks: int, self_score: int | None, computed: int | None) -> int | None:
    """The score offered to the section: the lower of claim and computation, within full marks."""
    known = [score for score in (self_score, computed) if score is not None]
    return max(0, min(full_marks, *known)) if known else None


def score(
    plan: Plan,
    returned: ReturnTables,
    computed: pd.DataFrame,
    reviews: pd.DataFrame,
) -> pd.DataFrame:
    """One row per unit of the roster and indicator (``tables.SCORES``).

    ``reviews`` holds the approved scores in force (``tables.REVIEWS``), at most one per unit and
    indicator. Approved scores count as they are, as long as they fit the plan's full marks (a
    plan may have changed since); otherwise the lower of claim and computation stands
    provisionally. A unit without a return scores 0 everywhere.
    """
    receipts = dict(zip(returned.returns["unit"], returned.returns["receipt"], strict=True))
    files = dict(zip(returned.returns["unit"], returned.returns["file"], strict=True))
    entry_of = _by_key(returned.entries)
    computed_of = _by_key(computed)
    review_of = _by_key(reviews)
    columns: dict[str, list[object]] = {name: [] for name in tables.SCORES}
    for unit in plan.units:
        receipt = receipts.get(unit.code, "")
        letters = returned.columns.get((receipt, "entries"), {})
        for indicator in plan.rubrics[unit.kind].indicators:
            key = (unit.code, indicator.code)
            entry, method = entry_of.get(key, {}), computed_of.get(key, {})
            review = review_of.get(key, {})
            self_score = whole(entry.get("self_score"))
            method_score = whole(method.get("computed"))
            approved = whole(review.get("approved"))
            if approved is not None and not _fits(approved, review, indicator):
                approved, review = None, {}
            applies = bool(method.get("applies", True))
            counted, basis = _counted(
                indicator.full_marks,
                self_score,
                method_score,
                approved,
                applies=applies,
                returned=bool(receipt),
            )
            row_number = whole(entry.get("row"))
            cell = f"{letters['self_score']}{row_number}" if row_number and letters else ""
            row: dict[str, object] = {
                "unit": unit.code,
                "kind": unit.kind,
                "section": plan.judging_section(unit, indicator),
                "indicator": indicator.code,
                "name": indicator.name,
                "full_marks": indicator.full_marks,
                "self_score": self_score,
                "computed": method_score,
                "applies": applies,
                "arithmetic": method.get("arithmetic", ""),
                "approved": approved,
                "reason": review.get("reason", "") or "",
                "reviewer": review.get("reviewer", "") or "",
                "review_receipt": review.get("receipt", "") or "",
                "review_place": _place(review),
                "score": counted,
                "basis": str(basis),
                "file": files.get(unit.code, ""),
                "receipt": receipt,
                "sheet": entry.get("sheet", "") or "",
                "cell": cell,
            }
            for name, column in columns.items():
                column.append(row[name])
    return frame(columns, tables.SCORES)


def _fits(approved: int, review: Mapping[str, object], indicator: Indicator) -> bool:
    """Whether an approved score still fits the plan: within full marks, a deduction explained."""
    explained = approved == indicator.full_marks or bool(review.get("reason"))
    return 0 <= approved <= indicator.full_marks and explained


def _counted(
    full_marks: int,
    self_score: int | None,
    computed: int | None,
    approved: int | None,
    *,
    applies: bool,
    returned: bool,
) -> tuple[int | None, Basis]:
    if not returned:
        return 0, Basis.NOT_RETURNED
    if approved is not None:
        return approved, Basis.APPROVED
    if not applies:
        return None, Basis.NOT_APPLICABLE
    suggestion = suggested_score(full_marks, self_score, computed)
    if suggestion is None:
        return 0, Basis.UNSCORED
    return suggestion, Basis.COMPUTED if computed is not None else Basis.SELF


def _by_key(table: pd.DataFrame) -> dict[tuple[str, str], dict[str, object]]:
    names = list(table.columns)
    return {
        (row[names.index("unit")], row[names.index("indicator")]): dict(
            zip(names, row, strict=True)
        )
        for row in table.itertuples(index=False, name=None)
    }


def _place(review: Mapping[str, object]) -> str:
    row = whole(review.get("row"))
    return f"{review['sheet']}!{row}" if row is not None else ""


def ranking(plan: Plan, scores: pd.DataFrame, status: Mapping[str, Status]) -> pd.DataFrame:
    """One row per unit, best first within each kind (``tables.RANKING``).

    ``sum`` is what the applicable indicators add to and ``applicable`` their full marks; ``total``
    is ``sum`` rescaled to the plan's full marks, less ``deducted`` for lateness, rounded to
    hundredths for display. Grades and ranks compare the exact value, not the rounded one. A unit
    without a return has neither rank nor grade, total 0 and stands last.
    """
    totals = dict(list(scores.groupby("unit", sort=False)))
    rows: list[dict[str, object]] = []
    for kind in plan.rubrics:
        of_kind = []
        for order, unit in enumerate(plan.units_of(kind)):
            own = totals[unit.code]
            state = status.get(unit.code, Status.NOT_RETURNED)
            late = state is Status.LATE and plan.campaign.late_rule is LateRule.TOTAL
            deducted = plan.campaign.late_deduction if late else 0
            applicable = int(own.loc[own["score"].notna(), "full_marks"].sum())
            total = int(own["score"].sum())
            rate = Fraction(total, applicable) if applicable else Fraction(0)
            exact = max(Fraction(0), rate * plan.campaign.full_marks - deducted)
            claimed = own["self_score"]
            of_kind.append(
                {
                    "kind": kind,
                    "order": order,
                    "unit": unit.code,
                    "name": unit.name,
                    "section": unit.section,
                    "self_total": int(claimed.sum()) if claimed.notna().any() else None,
                    "sum": total,
                    "applicable": applicable,
                    "deducted": deducted,
                    "exact": exact,
                    "total": round_fraction(exact),
                    "grade": grade_of(plan.grades, exact / plan.campaign.full_marks)
                    if state is not Status.NOT_RETURNED
                    else NOT_RANKED,
                    "status": str(state),
                    "provisional": int(own["basis"].isin([str(b) for b in PROVISIONAL]).sum()),
                }
            )
        rows += _ranked(of_kind, plan.campaign.tie_rule)
    return frame_of(rows, tables.RANKING)


def grade_of(grades: Sequence[Grade], rate: Fraction) -> str:
    """The first grade whose threshold the exact score rate reaches; bands are half-open."""
    for grade in grades:
        if rate * 100 * HUNDREDTHS >= grade.threshold:
            return grade.name
    return grades[-1].name if grades else ""


def _ranked(rows: list[dict[str, object]], rule: TieRule) -> list[dict[str, object]]:
    placed = [row for row in rows if row["status"] != Status.NOT_RETURNED]
    absent = [row for row in rows if row["status"] == Status.NOT_RETURNED]
    placed.sort(key=lambda row: (-row["exact"], row["order"]))  # type: ignore[operator]
    distinct = 0
    previous: object = None
    for position, row in enumerate(placed, 1):
        tied = row["exact"] == previous
        if not tied:
            distinct += 1
        if rule is TieRule.ROSTER:
            row["rank"] = position
        elif rule is TieRule.DENSE:
            row["rank"] = distinct
        else:
            row["rank"] = placed[position - 2]["rank"] if tied else position
        previous = row["exact"]
    for row in absent:
        row["rank"] = None
    for position, row in enumerate(placed + absent, 1):
        row["position"] = position
    return placed + absent
