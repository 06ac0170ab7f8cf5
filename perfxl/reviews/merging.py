"""Which approved score holds where several were entered, where reviewers differ, what to see again.

Pure: the scores as entered (``tables.ENTERED``, in the order of entry) in, those in force out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from perfxl.plan.model import Plan, ReviewerRule
from perfxl.points import as_score, round_fraction
from perfxl.tables import DISAGREEMENTS, REVIEWS, ScoredIn, frame_of
from perfxl.values import squeeze

Key = tuple[str, str]


@dataclass(frozen=True)
class Merged:
    """``in_force`` (``tables.REVIEWS``) and ``disagreements`` (``tables.DISAGREEMENTS``)."""

    in_force: pd.DataFrame
    disagreements: pd.DataFrame


@dataclass(frozen=True)
class Seen:
    """What stood beside a score when it was given: amounts in hundredths, texts as digests."""

    self_score: int | None
    computed: int | None
    basis: str
    evidence: str

    @classmethod
    def of(cls, self_score: int | None, computed: int | None, basis: str, evidence: str) -> Seen:
        """From what a review book shows; white space and widths do not count."""
        return cls(self_score, computed, _digest(basis), _digest(evidence))

    @classmethod
    def parse(cls, text: str) -> Seen | None:
        """From the ledger; None where nothing was noted."""
        return cls(*json.loads(text)) if text else None

    def __str__(self) -> str:
        return json.dumps([self.self_score, self.computed, self.basis, self.evidence])

    def described(self) -> str:
        """The amounts in words."""
        return f"自评 {_shown(self.self_score)}、计算 {_shown(self.computed)}"

    def changes(self, now: Seen, approved: int) -> list[str]:
        """What is different now, in words; a computed score that bears out the approved one is not."""
        changes = [
            f"{label} {_shown(before)} → {_shown(after)}"
            for label, before, after in (
                ("自评得分", self.self_score, now.self_score),
                ("计算得分", self.computed, now.computed),
            )
            if before != after and (label, after) != ("计算得分", approved)
        ]
        changes += ["自评依据有改动"] * (self.basis != now.basis)
        return changes + ["佐证材料有改动"] * (self.evidence != now.evidence)


def merge(plan: Plan, entered: pd.DataFrame) -> Merged:
    """The score in force per unit and indicator, by the plan's rule, and the disagreements.

    A later score supersedes an earlier one of the same reviewer; of several reviewers the one
    entered last holds, or the mean of those whom the plan names for the section, rounded half up
    to hundredths. The answer to an objection sets aside what was entered before it.
    """
    in_force: list[Mapping[str, object]] = []
    disagreements: list[Mapping[str, object]] = []
    for rows in _by_key(entered).values():
        own = newest_of_reviewers(rows)
        in_force.append(_holding(plan, own))
        # Who did not say a name may be anyone of the others.
        named = [row for row in _averaged(plan, own) or own if row.reviewer]
        scores = [int(row.approved) for row in named]
        if scores and max(scores) - min(scores) > plan.campaign.disagreement:
            told = {
                "unit": named[-1].unit,
                "indicator": named[-1].indicator,
                "section": named[-1].section,
                "scores": "；".join(f"{row.reviewer} {as_score(row.approved)}" for row in named),
                "spread": max(scores) - min(scores),
                "approved": in_force[-1]["approved"],
            }
            disagreements.append(told)
    return Merged(frame_of(in_force, REVIEWS), frame_of(disagreements, DISAGREEMENTS))


def newest_of_reviewers(rows: Sequence[Any]) -> list[Any]:
    """The last score of each reviewer of one thing, in the order of entry.

    ``rows`` are those of ``tables.ENTERED`` for one unit and indicator. What was entered before the
    answer to an objection is left out, and so is the answer once a score was entered after it.
    """
    answers = [at for at, row in enumerate(rows) if row.scored_in == ScoredIn.OBJECTION]
    if answers:
        rows = rows[answers[-1] + 1 :] or rows[answers[-1] :]
    newest: dict[str, Any] = {}
    for row in rows:
        who = squeeze(row.reviewer)
        newest.pop(who, None)
        newest[who] = row
    return list(newest.values())


def _holding(plan: Plan, own: Sequence[Any]) -> dict[str, object]:
    averaged = _averaged(plan, own)
    if averaged:
        return _mean(averaged)
    last = own[-1]
    row: dict[str, object] = {name: getattr(last, name) for name in REVIEWS if name != "seen"}
    return {**row, "seen": (last.seen,)}


def _averaged(plan: Plan, own: Sequence[Any]) -> list[Any]:
    """The scores whose mean holds; none where the plan wants no mean or there is one score only."""
    if plan.campaign.reviewer_rule is not ReviewerRule.MEAN:
        return []
    named = plan.reviewers.get(own[-1].section, ())
    found = [row for row in own if row.reviewer in named]
    return found if len(found) > 1 else []


def _mean(own: Sequence[Any]) -> dict[str, object]:
    last = own[-1]
    reasons = {row.reason for row in own if row.reason}
    told = [f"{row.reviewer}：{row.reason}" for row in own if row.reason]
    return {
        **{name: getattr(last, name) for name in REVIEWS if name != "seen"},
        "approved": round_fraction(Fraction(sum(int(row.approved) for row in own), len(own))),
        "reason": reasons.pop() if len(reasons) == 1 else "；".join(told),
        "reviewer": "、".join(row.reviewer for row in own),
        "seen": tuple(row.seen for row in own),
    }


@dataclass(frozen=True)
class Standing:
    """A score that a book is prefilled with; ``seen`` as in ``tables.REVIEWS``."""

    approved: int
    reason: str
    reviewer: str
    seen: tuple[str, ...]

    def fits(self, full_marks: int) -> bool:
        """Whether it still fits an indicator's full marks, and a deduction has its reason."""
        explained = self.approved == full_marks or bool(self.reason)
        return 0 <= self.approved <= full_marks and explained


def standing_in(plan: Plan, entered: pd.DataFrame, reviewer: str = "") -> dict[Key, Standing]:
    """The scores that a book is prefilled with: those in force, or one reviewer's own if named.

    A reviewer who has not scored since an objection was answered is shown the answer.
    ``entered`` is ``tables.ENTERED``.
    """
    if not reviewer:
        in_force = merge(plan, entered).in_force
        return {
            (row.unit, row.indicator): Standing(
                int(row.approved), row.reason, row.reviewer, row.seen
            )
            for row in in_force.itertuples(index=False)
        }
    standing = {}
    for key, rows in _by_key(entered).items():
        for row in newest_of_reviewers(rows):
            if row.reviewer == reviewer or row.scored_in == ScoredIn.OBJECTION:
                standing[key] = Standing(int(row.approved), row.reason, reviewer, (row.seen,))
    return standing


def _by_key(entered: pd.DataFrame) -> dict[Key, list[Any]]:
    groups: dict[Key, list[Any]] = {}
    for row in entered.itertuples(index=False):
        groups.setdefault((row.unit, row.indicator), []).append(row)
    return groups


def changed_since(seen: Sequence[str], now: Seen, approved: int) -> str:
    """What changed since any of the scores behind an approved one was given; blank for nothing."""
    for text in seen:
        before = Seen.parse(text)
        changes = before.changes(now, approved) if before is not None else []
        if changes:
            return "；".join(changes)
    return ""


def _digest(text: str) -> str:
    squeezed = squeeze(text)
    return hashlib.sha256(squeezed.encode()).hexdigest()[:12] if squeezed else ""


def _shown(amount: int | None) -> str:
    return "无" if amount is None else as_score(amount)
