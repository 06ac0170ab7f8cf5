"""What one unit is told of its result: the figures of its feedback notice (反馈意见)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import pandas as pd

from perfxl.facts.campaign import KindFacts, campaign_fields, kind_facts
from perfxl.ledger import Problem
from perfxl.plan import wording as vocabulary
from perfxl.plan.model import Plan, Unit
from perfxl.points import round_fraction
from perfxl.rectifications.problems import deduction_reason
from perfxl.tables import Status, whole
from perfxl.wording import Facts, Value


@dataclass(frozen=True)
class IndicatorLine:
    """One indicator of a unit; ``mean`` is that of its kind; hundredths, None where none applies."""

    code: str
    name: str
    full_marks: int
    self_score: int | None
    score: int | None
    mean: int | None
    reason: str

    @property
    def lost(self) -> int:
        """Points lost, hundredths."""
        return 0 if self.score is None else self.full_marks - self.score


@dataclass(frozen=True)
class FeedbackFacts:
    """One unit's result; ``mean`` is that of its kind, ``ranked`` how many of it have a rank."""

    unit: Unit
    status: Status
    total: int
    self_total: int | None
    grade: str
    rank: int | None
    ranked: int
    mean: int | None
    provisional: int
    lines: Sequence[IndicatorLine]
    problems: Sequence[Problem]


def feedback_facts(
    plan: Plan,
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
    problems: Sequence[Problem],
) -> list[FeedbackFacts]:
    """The facts of every unit from ``tables.SCORES`` and ``RANKING``, in the roster's order."""
    means = _means(scores)
    kinds = {
        kind: facts for kind in plan.kinds if (facts := kind_facts(plan, kind, ranking)) is not None
    }
    scores_of = dict(list(scores.groupby("unit", sort=False)))
    rank_of = {row.unit: row for row in ranking.itertuples(index=False)}
    problems_of: dict[str, list[Problem]] = {}
    for one in problems:
        problems_of.setdefault(one.unit, []).append(one)
    return [
        _of_unit(
            unit,
            rank_of[unit.code],
            scores_of[unit.code],
            kinds[unit.kind],
            means,
            problems_of.get(unit.code, []),
        )
        for unit in plan.units
    ]


def _of_unit(
    unit: Unit,
    ranked: Any,
    scores: pd.DataFrame,
    kind: KindFacts,
    means: Mapping[tuple[str, str], int],
    problems: Sequence[Problem],
) -> FeedbackFacts:
    lines = [
        IndicatorLine(
            row.indicator,
            row.name,
            int(row.full_marks),
            whole(row.self_score),
            whole(row.score),
            means.get((unit.kind, row.indicator)),
            deduction_reason(row),
        )
        for row in scores.itertuples(index=False)
    ]
    return FeedbackFacts(
        unit,
        Status(ranked.status),
        int(ranked.total),
        whole(ranked.self_total),
        ranked.grade,
        whole(ranked.rank),
        kind.returned,
        kind.mean,
        int(ranked.provisional),
        lines,
        problems,
    )


def _means(scores: pd.DataFrame) -> dict[tuple[str, str], int]:
    """The mean score of every kind and indicator, over those to which it applies."""
    returned = scores[scores["basis"] != str(Status.NOT_RETURNED)]
    return {
        key: round_fraction(Fraction(sum(marks), len(marks)))
        for key, rows in returned.groupby(["kind", "indicator"], sort=False)
        if (marks := [int(mark) for mark in rows["score"].dropna()])
    }


def _last_day(problems: Sequence[Problem]) -> dict[str, Value]:
    """By when all of them are to be mended, as they were told; the plan's term where there are none."""
    return {"整改期限": max(one.due for one in problems)} if problems else {}


def feedback_texts(plan: Plan, one: FeedbackFacts) -> Facts:
    """What the notice may say (``VOCABULARY``). Raises NoCalendar."""
    deducted = [line for line in one.lines if line.lost > 0]
    if one.status is Status.NOT_RETURNED:
        deducted = []
    difference = 0 if one.mean is None else one.total - one.mean
    whole_facts: dict[str, Value] = {
        **campaign_fields(plan),
        **_last_day(one.problems),
        "单位名称": one.unit.name,
        "单位类别": one.unit.kind,
        "报送情况": str(one.status),
        "满分": plan.campaign.full_marks,
        "总分": one.total,
        "自评总分": one.self_total,
        "等级": one.grade,
        "名次": one.rank,
        "参加排名数": one.ranked,
        "同类平均分": one.mean,
        "高于平均": max(difference, 0),
        "低于平均": max(-difference, 0),
        "暂定项数": one.provisional,
        "不适用项数": sum(line.score is None for line in one.lines),
        "扣分项数": len(deducted),
        "问题数": len(one.problems),
    }
    return Facts(
        whole_facts,
        {
            vocabulary.DEDUCTION: [
                {
                    "编码": line.code,
                    "指标": line.name,
                    "分值": line.full_marks,
                    "得分": line.score,
                    "扣分": line.lost,
                    "扣分原因": line.reason,
                }
                for line in deducted
            ],
            vocabulary.PROBLEM: [
                {"编号": each.number, "问题": each.description, "来源": each.source}
                for each in one.problems
            ],
        },
    )
