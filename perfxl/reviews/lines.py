"""What a section has to judge: one line per unit and indicator, with all that speaks to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from perfxl.plan.model import Plan
from perfxl.reviews.merging import Key, Seen, Standing, changed_since, standing_in
from perfxl.tables import LOOK_AGAIN, ReturnTables, frame_of, whole


@dataclass(frozen=True)
class ReviewLine:
    """One unit's indicator as the section sees it; scores in hundredths.

    ``applies`` is False where there is nothing to judge; ``changed`` says what changed since the
    approved score was given.
    """

    unit: str
    unit_name: str
    indicator: str
    name: str
    standard: str
    full_marks: int
    self_score: int | None
    computed: int | None
    applies: bool
    arithmetic: str
    basis: str
    evidence: str
    findings: str
    approved: int | None
    reason: str
    reviewer: str
    changed: str = ""

    @property
    def seen(self) -> Seen:
        """What stands beside the score."""
        return Seen.of(self.self_score, self.computed, self.basis, self.evidence)


def review_lines(
    plan: Plan, returned: ReturnTables, scores: pd.DataFrame, findings: pd.DataFrame
) -> dict[str, list[ReviewLine]]:
    """Lines by section in the order of roster and rubric, for the units that returned something.

    ``scores`` is ``tables.SCORES``, ``findings`` is ``tables.FINDINGS``.
    """
    score_of = {(row.unit, row.indicator): row for row in scores.itertuples(index=False)}
    basis_of = {
        (row.unit, row.indicator): _basis(row.basis, row.deduction_reason)
        for row in returned.entries.itertuples(index=False)
    }
    said: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in findings.itertuples(index=False):
        answer = f"（单位说明：{finding.explanation}）" if finding.explanation else ""
        said[finding.unit, finding.indicator].append(
            f"[{finding.severity}] {finding.message}{answer}"
        )
    cited = _cited(returned)
    arrived = set(returned.returns["unit"])
    units = [unit for unit in plan.units if unit.code in arrived]
    lines: dict[str, list[ReviewLine]] = {section: [] for section in plan.sections}
    for unit in units:
        for indicator in plan.rubrics[unit.kind].indicators:
            key, section = (unit.code, indicator.code), plan.judging_section(unit, indicator)
            if not section:
                # Nobody judges it.
                continue
            score = score_of[key]
            lines[section].append(
                ReviewLine(
                    unit=unit.code,
                    unit_name=unit.name,
                    indicator=indicator.code,
                    name=indicator.name,
                    standard=indicator.standard,
                    full_marks=indicator.full_marks,
                    self_score=whole(score.self_score),
                    computed=whole(score.computed),
                    applies=bool(score.applies),
                    arithmetic=score.arithmetic,
                    basis=basis_of.get(key, ""),
                    evidence="\n".join(cited.get(key, ())),
                    findings="\n".join(said.get(key, ())),
                    approved=whole(score.approved),
                    reason=score.reason,
                    reviewer=score.reviewer,
                )
            )
    return {section: own for section, own in lines.items() if own}


def with_scores(
    lines: Sequence[ReviewLine], standing: Mapping[Key, Standing], reviewer: str = ""
) -> list[ReviewLine]:
    """The lines with the scores of one book, and what changed since those were given.

    A score that no longer fits the plan is left out. ``reviewer`` is whose book it is, where it is
    one person's.
    """
    scored = []
    for line in lines:
        score = standing.get((line.unit, line.indicator))
        if score is None or not score.fits(line.full_marks):
            scored.append(replace(line, approved=None, reason="", reviewer=reviewer))
            continue
        scored.append(
            replace(
                line,
                approved=score.approved,
                reason=score.reason,
                reviewer=score.reviewer,
                changed=changed_since(score.seen, line.seen, score.approved),
            )
        )
    return scored


def look_again(
    plan: Plan, lines: Mapping[str, Sequence[ReviewLine]], entered: pd.DataFrame
) -> pd.DataFrame:
    """Approved scores that something changed under (``tables.LOOK_AGAIN``).

    ``entered`` is ``tables.ENTERED``.
    """
    standing = standing_in(plan, entered)
    rows = [
        {
            "unit": line.unit,
            "indicator": line.indicator,
            "section": section,
            "approved": line.approved,
            "reviewer": line.reviewer,
            "what": line.changed,
        }
        for section, own in lines.items()
        for line in with_scores(own, standing)
        if line.changed
    ]
    return frame_of(rows, LOOK_AGAIN)


def _basis(basis: str, deduction_reason: str) -> str:
    """What the unit says for its score, and for what it took off itself."""
    return "\n".join([basis] * bool(basis) + [f"扣分：{deduction_reason}"] * bool(deduction_reason))


def _cited(returned: ReturnTables) -> Mapping[tuple[str, str], list[str]]:
    """Per unit and indicator, the cited evidence with title and document number."""
    evidence = returned.evidence
    titles = {
        (receipt, whole(row)): f"{title} {document}".rstrip()
        for receipt, row, title, document in zip(
            evidence["receipt"],
            evidence["row"],
            evidence["title"],
            evidence["document_number"],
            strict=True,
        )
    }
    cited: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in returned.citations.itertuples(index=False):
        title = titles.get((row.receipt, whole(row.evidence_row)), "（未登记）")
        cited[row.unit, row.indicator].append(f"{row.number} {title}")
    return cited
