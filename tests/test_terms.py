"""Until when a unit has to mend: months, days, official working days."""

from __future__ import annotations

import datetime as dt

import pytest

from perfxl.errors import NoCalendar
from perfxl.plan.model import Term, TermUnit
from perfxl.terms import due_on

MONTHS, DAYS, WORKING = TermUnit.MONTHS, TermUnit.DAYS, TermUnit.WORKING_DAYS


@pytest.mark.parametrize(
    ("amount", "unit", "start", "due"),
    [
        (1, MONTHS, "2024-01-31", "2024-02-29"),
        (1, MONTHS, "2023-01-31", "2023-02-28"),
        (1, MONTHS, "2023-12-15", "2024-01-15"),
        (12, MONTHS, "2024-02-29", "2025-02-28"),
        (30, DAYS, "2024-01-31", "2024-03-01"),
        # Spring Festival 2024: 10 to 17 February off, 4 and 18 February (Sundays) worked.
        (1, WORKING, "2024-02-03", "2024-02-04"),
        (5, WORKING, "2024-02-04", "2024-02-09"),
        (6, WORKING, "2024-02-04", "2024-02-18"),
        # National Day 2023: 29 September to 6 October off, 7 October (Saturday) worked.
        (2, WORKING, "2023-09-28", "2023-10-08"),
    ],
)
def test_the_last_day_of_a_term(amount: int, unit: TermUnit, start: str, due: str) -> None:
    assert due_on(Term(amount, unit), dt.date.fromisoformat(start)).isoformat() == due


def test_working_days_of_a_year_without_a_calendar() -> None:
    with pytest.raises(NoCalendar) as refused:
        due_on(Term(20, WORKING), dt.date(2099, 1, 5))
    assert "2099年" in refused.value.what
    assert "天数或月数" in refused.value.remedy
