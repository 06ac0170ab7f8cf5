"""Which of several approved scores holds: the newest, a mean, the answer to an objection."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.plan.model import Plan, ReviewerRule
from perfxl.reviews.merging import Seen, changed_since, merge, standing_in
from perfxl.tables import ENTERED, ScoredIn, frame

NOW = dt.datetime(2024, 1, 26)
SECTION = "综合股"
BOOK, OBJECTION = ScoredIn.BOOK, ScoredIn.OBJECTION
Entry = tuple[str, int, ScoredIn]


def entered(*entries: Entry, unit: str = "101", indicator: str = "6.2") -> pd.DataFrame:
    """Scores of one thing in the order of entry: reviewer, hundredths, where."""
    rows = [
        {
            "unit": unit, "indicator": indicator, "section": SECTION, "approved": approved,
            "reason": f"{reviewer}的理由", "reviewer": reviewer, "receipt": f"r{number}",
            "sheet": "评分表", "row": number, "seen": "", "edition": 1, "scored_in": scored_in,
        }
        for number, (reviewer, approved, scored_in) in enumerate(entries)
    ]  # fmt: skip
    return frame({name: [row[name] for row in rows] for name in ENTERED}, ENTERED)


def under(
    plan: Plan,
    rule: ReviewerRule,
    *,
    threshold: int = 0,
    named: tuple[str, ...] = ("甲", "乙", "丙"),
) -> Plan:
    terms = replace(plan.campaign, reviewer_rule=rule, disagreement=threshold)
    return replace(plan, campaign=terms, reviewers={SECTION: named})


def held(plan: Plan, *entries: Entry) -> tuple[int, str]:
    (row,) = merge(plan, entered(*entries)).in_force.itertuples(index=False)
    return int(row.approved), row.reviewer


@pytest.mark.parametrize(
    ("entries", "latest", "mean"),
    [
        ([("甲", 300, BOOK)], 300, 300),
        ([("甲", 300, BOOK), ("甲", 400, BOOK)], 400, 400),
        ([("甲", 300, BOOK), ("乙", 400, BOOK)], 400, 350),
        # Half up: (300 + 350 + 350) / 3 = 333.33, (300 + 301) / 2 = 300.5.
        ([("甲", 300, BOOK), ("乙", 350, BOOK), ("丙", 350, BOOK)], 350, 333),
        ([("甲", 300, BOOK), ("乙", 301, BOOK)], 301, 301),
        # Who is not among the section's reviewers does not count in the mean.
        ([("甲", 300, BOOK), ("乙", 400, BOOK), ("丁", 0, BOOK)], 0, 350),
        # An answer sets aside what was before it, and what comes after it sets it aside.
        ([("甲", 300, BOOK), ("乙", 400, BOOK), ("局长", 500, OBJECTION)], 500, 500),
        ([("甲", 300, BOOK), ("局长", 500, OBJECTION), ("乙", 400, BOOK)], 400, 400),
        ([("局长", 500, OBJECTION), ("乙", 400, BOOK), ("甲", 200, BOOK)], 200, 300),
    ],
)
def test_which_score_holds(plan: Plan, entries: list[Entry], latest: int, mean: int) -> None:
    assert held(under(plan, ReviewerRule.LATEST), *entries)[0] == latest
    assert held(under(plan, ReviewerRule.MEAN), *entries)[0] == mean


def test_a_mean_names_all_and_their_reasons(plan: Plan) -> None:
    merged = merge(
        under(plan, ReviewerRule.MEAN), entered(("甲", 300, BOOK), ("乙", 400, BOOK))
    ).in_force
    assert merged["reviewer"].iloc[0] == "甲、乙"
    assert merged["reason"].iloc[0] == "甲：甲的理由；乙：乙的理由"


@given(st.lists(st.tuples(st.sampled_from("甲乙丙"), st.integers(0, 600)), min_size=1, max_size=8))
def test_the_mean_is_that_of_each_reviewers_last(plan: Plan, given_: list[tuple[str, int]]) -> None:
    last = dict(given_)
    exact = Fraction(sum(last.values()), len(last))
    found, _ = held(
        under(plan, ReviewerRule.MEAN), *((who, amount, BOOK) for who, amount in given_)
    )
    assert abs(found - exact) <= Fraction(1, 2)
    assert min(last.values()) <= found <= max(last.values())


@pytest.mark.parametrize(
    ("entries", "threshold", "spread"),
    [
        ([("甲", 300, BOOK), ("乙", 400, BOOK)], 100, None),
        ([("甲", 300, BOOK), ("乙", 401, BOOK)], 100, 101),
        ([("甲", 300, BOOK), ("乙", 500, BOOK), ("甲", 450, BOOK)], 0, 50),
        ([("甲", 300, BOOK), ("甲", 500, BOOK)], 0, None),
        # One who gave no name may be any of the others.
        ([("", 0, BOOK), ("甲", 500, BOOK)], 0, None),
        ([("甲", 300, BOOK), ("乙", 500, BOOK), ("局长", 500, OBJECTION)], 0, None),
    ],
)
def test_disagreements_above_the_threshold_are_listed(
    plan: Plan, entries: list[Entry], threshold: int, spread: int | None
) -> None:
    for rule in ReviewerRule:
        told = merge(under(plan, rule, threshold=threshold), entered(*entries)).disagreements
        assert list(told["spread"]) == ([] if spread is None else [spread])


def test_who_does_not_count_in_the_mean_does_not_disagree(plan: Plan) -> None:
    scores = entered(("评分组", 600, BOOK), ("甲", 500, BOOK), ("乙", 300, BOOK))
    (told,) = merge(under(plan, ReviewerRule.MEAN), scores).disagreements["scores"]
    assert told == "甲 5.0；乙 3.0"
    (told,) = merge(under(plan, ReviewerRule.LATEST), scores).disagreements["scores"]
    assert told == "评分组 6.0；甲 5.0；乙 3.0"


def test_a_reviewers_book_holds_his_own_scores_or_the_answer(plan: Plan) -> None:
    rule = under(plan, ReviewerRule.MEAN)
    both = entered(("甲", 300, BOOK), ("乙", 400, BOOK))
    assert {k: s.approved for k, s in standing_in(rule, both, "甲").items()} == {
        ("101", "6.2"): 300
    }
    assert standing_in(rule, both, "丙") == {}
    assert standing_in(rule, both)["101", "6.2"].approved == 350
    answered = entered(("甲", 300, BOOK), ("局长", 500, OBJECTION))
    assert standing_in(rule, answered, "甲")["101", "6.2"].approved == 500


def test_what_changed_since_is_told_in_words() -> None:
    before = Seen.of(500, 400, "依据 甲", "1 通知")
    assert changed_since((str(before),), before, 400) == ""
    assert changed_since((str(before),), Seen.of(500, 400, "依据甲", "１ 通知"), 400) == ""
    now = Seen.of(450, None, "依据 乙", "1 通知\n2 办法")
    assert changed_since((str(before),), now, 400) == (
        "自评得分 5.0 → 4.5；计算得分 4.0 → 无；自评依据有改动；佐证材料有改动"
    )
    assert changed_since(("",), now, 400) == ""
    # What is computed now bears the score out.
    unknown = Seen.of(500, None, "", "")
    assert changed_since((str(unknown),), Seen.of(500, 450, "", ""), 450) == ""
    assert changed_since((str(unknown),), Seen.of(500, 450, "", ""), 400) == "计算得分 无 → 4.5"
