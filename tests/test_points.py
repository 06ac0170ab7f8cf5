"""Exact numbers: rounding, cutting to the step, and text."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.points import as_score, as_text, cut_to_step, hundredths, round_fraction


@pytest.mark.parametrize(
    ("number", "amount"),
    [(1.005, 101), (2.675, 268), (0.1 + 0.2, 30), (Decimal("97.5"), 9750), (-0.005, -1)],
)
def test_a_number_is_rounded_as_a_person_would(number: float, amount: int) -> None:
    assert hundredths(number) == amount


@pytest.mark.parametrize(
    ("amount", "text"), [(450, "4.5"), (400, "4"), (-50, "-0.5"), (0, "0"), (1234, "12.34")]
)
def test_text_drops_trailing_zeros(amount: int, text: str) -> None:
    assert as_text(amount) == text


def test_a_score_keeps_one_decimal() -> None:
    assert [as_score(400), as_score(450), as_score(1225)] == ["4.0", "4.5", "12.25"]


@given(st.integers(-(10**14), 10**14))
def test_text_is_exact(amount: int) -> None:
    assert hundredths(Decimal(as_text(amount))) == amount


@given(st.fractions(0, 10_000), st.sampled_from([5, 10, 25, 50, 100]))
def test_cutting_never_rounds_up(value: Fraction, step: int) -> None:
    cut = cut_to_step(value, step)
    assert cut <= value < cut + step
    assert cut % step == 0


@given(st.fractions(-1000, 1000))
def test_rounding_is_half_up(value: Fraction) -> None:
    assert Fraction(-1, 2) < round_fraction(value) - value <= Fraction(1, 2)
