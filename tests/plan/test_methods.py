"""The scoring methods, each against arithmetic done by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.plan.methods import Count, Deduct, Evidence, Facts, Manual, Ratio

STEP = 50


def test_ratio_is_cut_to_the_step() -> None:
    result = Ratio("有", "全").score(500, STEP, Facts({"有": 1800, "全": 2200}))
    assert (result.score, result.arithmetic) == (400, "5 × 18 ÷ 22 = 4.09 → 4.0")


def test_ratio_below_its_floor_is_nothing() -> None:
    method = Ratio("有", "全", Fraction(60, 100))
    assert method.score(800, STEP, Facts({"有": 599, "全": 1000})).score == 0
    assert method.score(800, STEP, Facts({"有": 600, "全": 1000})).score == 450


def test_ratio_of_nothing_does_not_apply() -> None:
    result = Ratio("有", "全").score(500, STEP, Facts({"有": 0, "全": 0}))
    assert (result.score, result.applies) == (None, False)


@pytest.mark.parametrize("method", [Ratio("有", "全"), Count("有", 50), Deduct("有", 50)])
def test_an_unknown_item_gives_no_score(method: Ratio | Count | Deduct) -> None:
    result = method.score(500, STEP, Facts({"有": None, "全": 100}))
    assert result.score is None
    assert result.applies
    assert "有" in result.arithmetic


def test_count_is_capped() -> None:
    assert Count("办法", 50).score(200, STEP, Facts({"办法": 300})).score == 150
    assert Count("办法", 50).score(200, STEP, Facts({"办法": 900})).score == 200


def test_deduction_stops_at_nothing() -> None:
    assert Deduct("问题", 100).score(300, STEP, Facts({"问题": 100})).score == 200
    assert Deduct("问题", 100).score(300, STEP, Facts({"问题": 900})).score == 0


def test_evidence_counts_in_proportion() -> None:
    assert Evidence(2).score(300, STEP, Facts({}, evidence=1)).score == 150
    assert Evidence(2).score(300, STEP, Facts({}, evidence=5)).score == 300


def test_full_marks_off_the_step_can_still_be_reached() -> None:
    assert Evidence(1).score(625, STEP, Facts({}, evidence=1)).score == 625
    assert Ratio("有", "全").score(625, STEP, Facts({"有": 700, "全": 700})).score == 625


def test_manual_leaves_it_to_the_section() -> None:
    assert Manual().score(600, STEP, Facts({})).score is None


@given(
    st.integers(1, 100_00),
    st.sampled_from([5, 25, 50, 100]),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
def test_a_ratio_stays_within_full_marks(full_marks: int, step: int, top: int, bottom: int) -> None:
    result = Ratio("有", "全").score(full_marks, step, Facts({"有": top, "全": bottom}))
    assert (result.score is None) == (bottom == 0)
    assert result.score is None or 0 <= result.score <= full_marks


@pytest.mark.parametrize(
    ("numerator", "denominator", "said"),
    [
        (16_590_000, 16_600_000, "2 × 165900 ÷ 166000 = 1.999 → 1.5"),
        (2500, 2200, "2 × 25 ÷ 22 = 2.27（以分值 2 为限） → 2.0"),
        (300, 300, "2 × 3 ÷ 3 = 2.00 → 2.0"),
    ],
)
def test_the_arithmetic_of_a_ratio_is_true(numerator: int, denominator: int, said: str) -> None:
    facts = Facts({"有": numerator, "全": denominator})
    assert Ratio("有", "全").score(200, STEP, facts).arithmetic == said
