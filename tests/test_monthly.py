"""What is due every month: the plan's rules, days of rest, and how each report stands."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from perfxl.campaign import read_plan_file
from perfxl.errors import PlanRefused
from perfxl.monthly import DueState, Sent, dues_of_year, following, month_of, standings
from perfxl.plan.markdown import from_markdown
from perfxl.plan.model import DayShift, MonthlyDuty
from perfxl.products.plan_workbook import plan_workbook

TEMPLATES = Path(__file__).resolve().parent.parent / "workbook_templates"


def found_in(duties: list[dict[str, str]], *, register: bool = True) -> list[tuple[str, str]]:
    """Code and cell of every mistake of the county's plan with these duties."""
    sheets = from_markdown((TEMPLATES / "县级考核方案.md").read_text(encoding="utf-8"))
    sheets["月报要求"] = duties
    if not register:
        sheets["登记表"] = [one for one in sheets["登记表"] if one["登记表"] != "月度报送"]
    with pytest.raises(PlanRefused) as refused:
        read_plan_file(plan_workbook(sheets), "考核方案.xlsx")
    return [
        (one.code, one.place.cell)
        for one in refused.value.mistakes
        if one.place.sheet == "月报要求"
    ]


def duty(
    item: str = "工作信息", month: str = "次月", day: str = "5", shift: str = ""
) -> dict[str, str]:
    return {"报送事项": item, "报送月份": month, "几日前": day, "遇休息日": shift}


def test_slips_in_the_sheet_are_told_at_their_cells() -> None:
    slips = [
        duty(day="0"),
        duty("工作进展", day="32"),
        duty("反馈意见", day="上旬"),
        duty("反馈意见"),
        duty("年度总结"),
        duty("", month="隔月", shift="延后"),
    ]
    assert found_in(slips) == [
        ("P153", "C4"),
        ("P153", "C5"),
        ("P105", "C6"),
        ("P110", "A7"),
        ("P155", "A8"),
        ("P104", "A9"),
        ("P106", "B9"),
        ("P106", "D9"),
    ]


def test_the_register_of_reports_must_be_there() -> None:
    assert found_in([duty()], register=False) == [("P154", "")]


@pytest.mark.parametrize(
    ("duty", "month", "day"),
    [
        # 5 February 2023 is a Sunday.
        (MonthlyDuty("甲", 5, True), 1, "2023-02-06"),
        (MonthlyDuty("甲", 5, True, DayShift.EARLIER), 1, "2023-02-03"),
        (MonthlyDuty("甲", 5, True, DayShift.STAYS), 1, "2023-02-05"),
        # National Day 2023: off to 6 October, Saturday the 7th is worked.
        (MonthlyDuty("甲", 3, True), 9, "2023-10-07"),
        (MonthlyDuty("甲", 31, False), 2, "2023-02-28"),
        (MonthlyDuty("甲", 10, True), 12, "2024-01-10"),
        # Saturday 30 September is a holiday, and so are the days to 6 October.
        (MonthlyDuty("甲", 31, False), 9, "2023-10-07"),
    ],
)
def test_the_last_day_of_a_report(duty: MonthlyDuty, month: int, day: str) -> None:
    due = dues_of_year([duty], 2023)[month - 1]
    assert (due.month, due.on.isoformat(), due.note) == ((2023, month), day, "")


def test_a_year_without_a_calendar_keeps_the_day_and_says_so() -> None:
    due = dues_of_year([MonthlyDuty("甲", 5, True)], 2098)[0]
    assert due.on == dt.date(2098, 2, 5) and "2098年" in due.note


def test_months() -> None:
    assert following((2023, 12)) == (2024, 1) and following((2024, 1), -1) == (2023, 12)
    assert month_of("3月", 2023) == (2023, 3) and month_of("2024年12月", 2023) == (2024, 12)
    assert month_of("13月", 2023) is None and month_of("第一季度", 2023) is None


def test_the_first_that_was_sent_counts() -> None:
    dues = dues_of_year([MonthlyDuty("工作信息", 5, True)], 2023)[:1]
    rows = [
        Sent((2023, 1), "工作 信息", None, dt.date(2023, 2, 20), row=4),
        Sent((2023, 1), "工作信息", None, dt.date(2023, 2, 8), row=5),
        Sent(None, "工作信息", None, dt.date(2023, 2, 8), row=6),
    ]
    (found,), strange = standings(dues, rows, dt.date(2023, 3, 1))
    assert (found.state, found.days) == (DueState.LATE, 2)
    assert found.sent is not None and found.sent.row == 5
    assert [one.row for one in strange] == [6]
