"""Numbers as reports write them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.narrative.numbers import number, plain, shown

NUMERALS = "零一二三四五六七八九"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("49,908", 49908), ("97.5", Fraction(195, 2)), ("十八点五", Fraction(37, 2)), ("二十", 20),
        ("一百", 100), ("九十六", 96), ("一百零二", 102), ("两", 2), ("十十", None), ("二三", None),
    ],
)  # fmt: skip
def test_a_number(text: str, value: Fraction | int | None) -> None:
    assert number(text) == value


@given(st.integers(1, 99))
def test_numerals_up_to_a_hundred(value: int) -> None:
    tens, ones = divmod(value, 10)
    text = (NUMERALS[tens] if tens > 1 else "") + ("十" if tens else "")
    assert number(text + (NUMERALS[ones] if ones else "")) == value


@given(st.text())
def test_plain_text_keeps_every_place(text: str) -> None:
    assert len(plain(text)) == len(text)


def test_full_width() -> None:
    assert plain("（满分１０．５分，４９，９０８万元）") == "(满分10.5分，49,908万元)"


def test_shown() -> None:
    assert [shown(Fraction(45, 11)), shown(Fraction(49908)), shown(Fraction(5, 2))] == [
        "4.09", "49,908", "2.5",
    ]  # fmt: skip
