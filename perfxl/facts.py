"""The figures and rankings that a circular states: one dataclass, drawn from the tables alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from perfxl.analysis import indicator_figures
from perfxl.plan.model import Plan
from perfxl.points import round_fraction
from perfxl.tables import Basis, Severity, Status

MOST_NAMED = 3
MOST_PER_KIND = 2
# An indicator that fewer units share says nothing about a kind of unit.
FEWEST_UNITS = 3
STRONG_RATE, WEAK_RATE = Fraction(95, 100), Fraction(85, 100)


@dataclass(frozen=True)
class KindFacts:
    """One kind of unit; totals in hundredths; ``best`` are the names on the first ranks."""

    kind: str
    units: int
    returned: int
    mean: int | None
    highest: int | None
    lowest: int | None
    grades: Sequence[tuple[str, int]]
    best: Sequence[str]
    rows: pd.DataFrame


@dataclass(frozen=True)
class IndicatorFacts:
    """How one indicator was scored over the units that returned and to which it applies."""

    kind: str
    code: str
    name: str
    rate: Fraction
    units: int
    deducted: int


@dataclass(frozen=True)
class CommonFinding:
    """A matter that checks found, in how many units, and how often."""

    code: str
    units: int
    times: int


@dataclass(frozen=True)
class CampaignFacts:
    """All that the circular says in figures."""

    kinds: Sequence[KindFacts]
    units: int
    returned: int
    on_time: int
    late: Sequence[str]
    missing: Sequence[str]
    sections: int
    strong: Sequence[IndicatorFacts]
    weak: Sequence[IndicatorFacts]
    findings: Sequence[CommonFinding]
    provisional: int


def campaign_facts(
    plan: Plan,
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
    findings: pd.DataFrame,
    status: Mapping[str, Status],
) -> CampaignFacts:
    """The facts of a campaign from ``tables.SCORES``, ``RANKING`` and ``FINDINGS``."""
    names = {unit.code: unit.name for unit in plan.units}
    late = [names[unit.code] for unit in plan.units if status[unit.code] is Status.LATE]
    missing = [names[unit.code] for unit in plan.units if status[unit.code] is Status.NOT_RETURNED]
    indicators = _indicators(plan, scores)
    telling = [one for one in indicators if one.units >= FEWEST_UNITS]
    strong = [one for one in telling if one.rate >= STRONG_RATE]
    weak = [one for one in telling if one.rate < WEAK_RATE]
    return CampaignFacts(
        kinds=[
            kind for name in plan.kinds if (kind := kind_facts(plan, name, ranking)) is not None
        ],
        units=len(plan.units),
        returned=len(plan.units) - len(missing),
        on_time=len(plan.units) - len(missing) - len(late),
        late=late,
        missing=missing,
        sections=scores.loc[scores["basis"] == str(Basis.APPROVED), "section"].nunique(),
        strong=_most_telling(strong, lambda one: -one.rate),
        weak=_most_telling(weak, lambda one: one.rate),
        findings=_common(findings),
        provisional=int(ranking["provisional"].sum()),
    )


def _most_telling(
    facts: list[IndicatorFacts], order: Callable[[IndicatorFacts], Fraction]
) -> list[IndicatorFacts]:
    """The first few of every kind, so that no kind speaks for the others."""
    taken: list[IndicatorFacts] = []
    for kind in dict.fromkeys(one.kind for one in facts):
        taken += sorted((one for one in facts if one.kind == kind), key=order)[:MOST_PER_KIND]
    return taken


def kind_facts(plan: Plan, kind: str, ranking: pd.DataFrame) -> KindFacts | None:
    """The figures of one kind from ``tables.RANKING``; None where it has no units."""
    rows = ranking[ranking["kind"] == kind]
    if not len(rows):
        return None
    ranked = rows[rows["status"] != str(Status.NOT_RETURNED)]
    totals = [int(total) for total in ranked["total"]]
    counts = ranked["grade"].value_counts()
    return KindFacts(
        kind=kind,
        units=len(rows),
        returned=len(ranked),
        mean=round_fraction(Fraction(sum(totals), len(totals))) if totals else None,
        highest=max(totals, default=None),
        lowest=min(totals, default=None),
        grades=[
            (grade.name, int(counts[grade.name])) for grade in plan.grades if grade.name in counts
        ],
        best=list(ranked.loc[(ranked["rank"] <= MOST_NAMED).fillna(False), "name"]),
        rows=rows,
    )


def _indicators(plan: Plan, scores: pd.DataFrame) -> list[IndicatorFacts]:
    return [
        IndicatorFacts(
            row.kind,
            row.indicator,
            row.name,
            Fraction(int(row.sum), int(row.full_marks * row.units)),
            int(row.units),
            int(row.lost_units),
        )
        for row in indicator_figures(plan, scores).itertuples(index=False)
        if row.units
    ]


def _common(findings: pd.DataFrame) -> list[CommonFinding]:
    common = [
        CommonFinding(str(code), rows["unit"].nunique(), len(rows))
        for code, rows in findings[findings["severity"] != Severity.NOTICE].groupby("code")
    ]
    return sorted(common, key=lambda one: (-one.units, -one.times, one.code))
