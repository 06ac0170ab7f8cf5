"""What moved since the consolidated workbook was last written: scores, ranks, grades, and why.

Pure: how all stood then (JSON from the ledger) and the tables of now in, tables out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from perfxl.points import as_score, as_text
from perfxl.tables import (
    MOVED_RANKS,
    MOVED_SCORES,
    NOT_RANKED,
    Status,
    frame_of,
    whole,
)


class _Score(NamedTuple):
    """What of one score can move; amounts in hundredths."""

    score: int | None
    full_marks: int
    self_score: int | None
    computed: int | None
    approved: int | None
    receipt: str


class _Place(NamedTuple):
    """What of one unit's place can move; amounts in hundredths."""

    total: int
    rank: int | None
    grade: str
    status: str
    deducted: int


@dataclass(frozen=True)
class Movements:
    """``scores`` (``tables.MOVED_SCORES``) and ``ranks`` (``tables.MOVED_RANKS``)."""

    scores: pd.DataFrame
    ranks: pd.DataFrame

    @property
    def nothing(self) -> bool:
        """Whether all stands as it stood."""
        return not len(self.scores) and not len(self.ranks)


NOTHING_MOVED = Movements(frame_of([], MOVED_SCORES), frame_of([], MOVED_RANKS))


def standing(scores: pd.DataFrame, ranking: pd.DataFrame) -> str:
    """How all stands (``tables.SCORES``, ``RANKING``), as text for the ledger."""
    return json.dumps(
        {"scores": _scores(scores), "places": _places(ranking)}, ensure_ascii=False, sort_keys=True
    )


def movements(before: str, scores: pd.DataFrame, ranking: pd.DataFrame) -> Movements:
    """What is different from ``before``, a text that ``standing`` gave."""
    then: Mapping[str, Any] = json.loads(before)
    return Movements(
        _moved_scores(then["scores"], then["places"], scores, ranking),
        _moved_ranks(then["places"], ranking),
    )


def _scores(scores: pd.DataFrame) -> dict[str, dict[str, _Score]]:
    found: dict[str, dict[str, _Score]] = {}
    for row in scores.itertuples(index=False):
        found.setdefault(row.unit, {})[row.indicator] = _Score(
            whole(row.score),
            int(row.full_marks),
            whole(row.self_score),
            whole(row.computed),
            whole(row.approved),
            row.receipt,
        )
    return found


def _places(ranking: pd.DataFrame) -> dict[str, _Place]:
    return {
        row.unit: _Place(int(row.total), whole(row.rank), row.grade, row.status, int(row.deducted))
        for row in ranking.itertuples(index=False)
    }


def _moved_scores(
    then: Mapping[str, Mapping[str, Sequence[Any]]],
    places: Mapping[str, Sequence[Any]],
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
) -> pd.DataFrame:
    rows = []
    now = _scores(scores)
    status_now = dict(zip(ranking["unit"], ranking["status"], strict=True))
    for row in scores.itertuples(index=False):
        if row.unit not in then:
            continue
        after = now[row.unit][row.indicator]
        known = then[row.unit].get(row.indicator)
        before = _Score(*known) if known is not None else None
        if before is not None and before.score == after.score:
            continue
        arrived = (
            _Place(*places[row.unit]).status == Status.NOT_RETURNED
            and status_now[row.unit] != Status.NOT_RETURNED
        )
        moved = {
            "unit": row.unit,
            "indicator": row.indicator,
            "name": row.name,
            "before": before.score if before else None,
            "after": after.score,
            "why": "收到报送" if arrived else _why_score(before, after, row),
        }
        rows.append(moved)
    return frame_of(rows, MOVED_SCORES)


def _why_score(before: _Score | None, after: _Score, row: Any) -> str:
    if before is None:
        return "考核方案新增指标"
    reasons = []
    if before.full_marks != after.full_marks:
        reasons.append(f"分值 {as_text(before.full_marks)} → {as_text(after.full_marks)}")
    if before.receipt != after.receipt:
        reasons.append("单位重新报送" if after.receipt else "报送不再有效")
    if before.approved != after.approved:
        reasons.append(_why_approved(before, after, row))
    elif before.computed != after.computed and before.receipt == after.receipt:
        reasons.append(f"计算得分 {_shown(before.computed)} → {_shown(after.computed)}")
    return "；".join(reasons) or "考核方案改动"


def _why_approved(before: _Score, after: _Score, row: Any) -> str:
    if after.approved is None:
        return f"原核定得分 {_shown(before.approved)} 不再适用"
    who = "复核调整" if not row.review_receipt else "股室核定"
    by = f"，{row.reviewer}" if row.reviewer else ""
    return f"{who}（{_shown(before.approved)} → {_shown(after.approved)}{by}）"


def _moved_ranks(places: Mapping[str, Sequence[Any]], ranking: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for row, (unit, after) in zip(
        ranking.itertuples(index=False), _places(ranking).items(), strict=True
    ):
        before = _Place(*places[unit]) if unit in places else None
        if before == after:
            continue
        moved = {
            "unit": unit,
            "name": row.name,
            "total_before": before.total if before else None,
            "total_after": after.total,
            "rank_before": before.rank if before else None,
            "rank_after": after.rank,
            "grade_before": before.grade if before else NOT_RANKED,
            "grade_after": after.grade,
            "why": _why_rank(before, after),
        }
        rows.append(moved)
    return frame_of(rows, MOVED_RANKS)


def _why_rank(before: _Place | None, after: _Place) -> str:
    if before is None:
        return "新列入单位名录"
    reasons = []
    if before.status != after.status:
        reasons.append(f"报送情况 {before.status} → {after.status}")
    if before.deducted != after.deducted:
        reasons.append(f"逾期扣分 {as_text(before.deducted)} → {as_text(after.deducted)}")
    if before.total != after.total:
        reasons.append(f"总分 {as_text(before.total, 2)} → {as_text(after.total, 2)}")
    elif before.rank != after.rank:
        reasons.append("本单位总分未变，其他单位有变动")
    if before.grade != after.grade and before.total == after.total:
        reasons.append("等级标准改动")
    return "；".join(reasons)


def _shown(amount: int | None) -> str:
    return "无" if amount is None else as_score(amount)
