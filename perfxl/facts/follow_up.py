"""What the closing report (整改总结) and the proposal on budgets (结果应用) state."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from perfxl.application import Applied
from perfxl.facts.campaign import campaign_fields
from perfxl.plan import wording as vocabulary
from perfxl.plan.model import Application, Plan
from perfxl.points import as_text, round_fraction
from perfxl.rectifications.states import UNFINISHED, State
from perfxl.wording import Facts, Value


@dataclass(frozen=True)
class UnitRectification:
    """How many problems of one unit are in which state; ``total`` is their sum."""

    unit: str
    name: str
    total: int
    counts: Mapping[State, int]
    overdue: int


def rectification_by_unit(plan: Plan, table: pd.DataFrame) -> list[UnitRectification]:
    """``tables.RECTIFICATION`` counted by unit; units without problems are not among them."""
    states: Counter[tuple[str, str]] = Counter(zip(table["unit"], table["state"], strict=True))
    overdue = Counter(table.loc[table["overdue"], "unit"])
    totals = Counter(table["unit"])
    return [
        UnitRectification(
            unit.code,
            unit.name,
            totals[unit.code],
            {state: states[unit.code, str(state)] for state in State},
            overdue[unit.code],
        )
        for unit in plan.units
        if totals[unit.code]
    ]


def closing_facts(
    plan: Plan, units: Sequence[UnitRectification], last_day: dt.date | None, today: dt.date
) -> Facts:
    """What the closing report may say (``VOCABULARY``). Raises NoCalendar.

    ``last_day`` is the last by which a problem was to be mended, None where there are none.
    """
    counts = {state: sum(one.counts[state] for one in units) for state in State}
    total = sum(one.total for one in units)
    late = [one for one in units if one.overdue]
    confirmed = counts[State.CONFIRMED]
    return Facts(
        {
            **campaign_fields(plan),
            **({"整改期限": last_day} if last_day else {}),
            "统计日期": today,
            "单位总数": len(plan.units),
            "有问题单位数": len(units),
            "问题总数": total,
            "已确认数": confirmed,
            "待确认数": counts[State.REPORTED],
            "退回数": counts[State.RETURNED],
            "未完成数": sum(counts[state] for state in UNFINISHED if state is not State.RETURNED),
            "逾期数": sum(one.overdue for one in late),
            "完成率": round_fraction(Fraction(confirmed * 10_000, total)) if total else None,
            "全部完成单位数": sum(one.counts[State.CONFIRMED] == one.total for one in units),
            "逾期单位数": len(late),
            "逾期单位": [one.name for one in late],
        }
    )


def application_facts(plan: Plan, application: Application, applied: Applied) -> Facts:
    """What the proposal may say (``VOCABULARY``); amounts in 万元. Raises NoCalendar."""
    units = applied.units
    cut = units[units["cut"] > 0]
    without = units[(units["rate"] > 0) & (units["cut"] == 0)]
    accountable = list(units.loc[units["accountable"], "name"])
    by_grade: list[dict[str, Value]] = []
    for grade, measure in application.measures.items():
        own = units[units["grade"] == grade]
        rate = f"（比例{as_text(measure.cut)}%）" if measure.cut else ""
        note = f"：{measure.note}" if measure.note else ""
        by_grade.append(
            {
                "等级": grade,
                "单位数": len(own),
                "单位": list(own["name"]),
                "办法": f"{measure.kind}{rate}{note}".rstrip("。；"),
                "压减金额": int(own["cut"].sum()) or None,
            }
        )
    return Facts(
        {
            **campaign_fields(plan),
            "单位总数": len(units),
            "压减单位数": len(cut),
            "压减金额": int(cut["cut"].sum()) or None,
            "无金额压减单位": list(without["name"]),
            "金额有误项目数": int(units["faulty"].sum()),
            "问责单位数": len(accountable),
            "问责单位": accountable,
        },
        {vocabulary.GRADE: by_grade},
    )
