"""What people type: numbers, dates, moments, in the forms that offices use."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.points import as_text
from perfxl.values import date_of, moment_of, number_of, percent_of, precise_number_of, text_of


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        (4.5, 450),
        ("２．５分", 250),
        ("1,033.00", 103300),
        ("1033万元", 103300),
        ("16.5亿元", 16_500_000),
        ("5000元", 50),
        (" 18 个 ", 1800),
        (".5", 50),
        ("+3", 300),
        ("-2", -200),
        (0, 0),
    ],
)
def test_numbers_as_people_type_them(typed: object, amount: int) -> None:
    assert number_of(typed) == amount


@pytest.mark.parametrize(
    "typed",
    ["", None, "满分", "3-5", "1.2.3", True, "1,03", "三", float("nan"), float("inf"), 1e300, ".",
     "95％", "95%"],
)  # fmt: skip
def test_what_is_no_number_is_none(typed: object) -> None:
    assert number_of(typed) is None


@pytest.mark.parametrize("typed", ["95％", "95.00%", "95", 0.95])
def test_a_percentage_is_read_where_one_is_wanted(typed: object) -> None:
    assert percent_of(typed) == 9500
    assert number_of("95％", "%") == 9500


@given(st.integers(-(10**13), 10**13))
def test_a_number_survives_text(amount: int) -> None:
    assert number_of(as_text(amount)) == amount


@pytest.mark.parametrize(
    "typed",
    [
        "2023-3-5", "2023/03/05", "2023.3.5", "2023年3月5日", "20230305", 20230305,
        dt.datetime(2023, 3, 5, 8), dt.date(2023, 3, 5), "２０２３-3-5",
    ],
)  # fmt: skip
def test_dates_as_people_type_them(typed: object) -> None:
    assert date_of(typed) == dt.date(2023, 3, 5)


@pytest.mark.parametrize("typed", ["", "2023-13-1", "2023年", "昨天", 3.5, None, True])
def test_what_is_no_date_is_none(typed: object) -> None:
    assert date_of(typed) is None


def test_a_bare_date_ends_with_its_day() -> None:
    assert moment_of("2024-01-15") == dt.datetime(2024, 1, 15, 23, 59, 59)
    assert moment_of("2024年1月15日 18:00") == dt.datetime(2024, 1, 15, 18, 0)


def test_whole_numbers_as_text_lose_their_point() -> None:
    assert [text_of(3.0), text_of(3.5), text_of(" 01 "), text_of(None)] == ["3", "3.5", "01", ""]


@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_no_amount_of_two_decimals_has_too_many(amount: int) -> None:
    assert precise_number_of(amount / 100) == amount


@pytest.mark.parametrize("value", [3.125, 2210338312.435, 0.001])
def test_an_amount_of_three_decimals_is_refused(value: float) -> None:
    assert precise_number_of(value) is None
