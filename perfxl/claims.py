"""What a return claims in total, added up from each level of its rubric."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from perfxl.plan.forms import TOTAL_ROW
from perfxl.plan.model import Rubric
from perfxl.tables import ReturnTables

LEVEL_NAMES = ("合计栏所填", "按一级指标合计", "按二级指标合计", "按得分点合计")


@dataclass(frozen=True)
class ClaimedTotal:
    """A total in hundredths and the level that it was added up from; None where blank."""

    label: str
    amount: int | None


def claimed_totals(rubric: Rubric, returned: ReturnTables) -> list[ClaimedTotal]:
    """The total as displayed, and as each level of one return's 自评表 adds up.

    At a level, headings count as displayed (as their parts add up where not calculated) and
    indicators that stand above the level count themselves.
    """
    scores = dict(zip(returned.entries["indicator"], returned.entries["self_score"], strict=True))
    subtotals = returned.subtotals.set_index("code")

    def amount(index: int) -> int:
        line = rubric.rows[index]
        if line.indicator is not None:
            score = scores.get(line.code)
            return 0 if score is None or pd.isna(score) else int(score)
        if line.code in subtotals.index:
            shown = subtotals.at[line.code, "displayed"]
            if not pd.isna(shown) and shown:
                return int(shown)
        return sum(amount(child) for child in line.children)

    displayed = None
    if TOTAL_ROW in subtotals.index and not pd.isna(subtotals.at[TOTAL_ROW, "displayed"]):
        displayed = int(subtotals.at[TOTAL_ROW, "displayed"]) or None
    totals = [ClaimedTotal(LEVEL_NAMES[0], displayed)]
    for depth in range(1, rubric.depth + 1):
        leaves = depth == rubric.depth
        at_level = sum(
            amount(index)
            for index, line in enumerate(rubric.rows)
            if line.depth == depth or (line.indicator is not None and line.depth < depth)
        )
        totals.append(ClaimedTotal(LEVEL_NAMES[-1 if leaves else depth], at_level))
    return totals
