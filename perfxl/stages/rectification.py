"""rectify (整改): the office's decisions, and how every problem stands."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence

import pandas as pd

from perfxl.campaign import Campaign
from perfxl.errors import NothingToDo, PerfxlError
from perfxl.ledger import ProblemDecision
from perfxl.plan.model import Unit
from perfxl.rectifications.problems import in_force
from perfxl.rectifications.states import Decision, State, rectification

PRODUCT = "rectify-book"


def problems_today(campaign: Campaign, today: dt.date) -> pd.DataFrame:
    """Every problem as it stands today (``tables.RECTIFICATION``)."""
    ledger = campaign.ledger
    return rectification(
        campaign.plan,
        ledger.problems(),
        ledger.problem_reports(),
        ledger.problem_decisions(),
        today,
    )


def problems_of_strangers(campaign: Campaign) -> dict[str, int]:
    """How many problems units have that are not in the roster any more, by their code."""
    known = campaign.plan.unit_by_code
    return dict(
        Counter(unit for unit, _ in in_force(campaign.ledger.problems()) if unit not in known)
    )


def decide(
    campaign: Campaign,
    decision: Decision,
    units: Sequence[Unit],
    numbers: Collection[str],
    reason: str,
    by: str,
    now: dt.datetime,
) -> list[str]:
    """Confirm or return problems: all reported ones of some units, or those named by number.

    A problem that was not reported can be confirmed or returned only by its number, and so can a
    confirmation be taken back. Returns the numbers decided. Raises PerfxlError for a number that is
    not a problem of these units, a confirmation of what is confirmed, or a return without a reason;
    NothingToDo where nothing waits.
    """
    if decision is Decision.RETURN and not reason.strip():
        raise PerfxlError("退回要写明理由", remedy="请加 --reason，例如 --reason 佐证材料不符")
    codes = {unit.code for unit in units}
    table = problems_today(campaign, now.date())
    own = {row.number: row for row in table.itertuples(index=False) if row.unit in codes}
    for number in numbers:
        if number not in own:
            raise PerfxlError(
                f"没有编号为“{number}”的问题", remedy="请用 perfxl rectify status 查看编号"
            )
        if own[number].state == State.CONFIRMED and decision is Decision.CONFIRM:
            raise PerfxlError(f"问题 {number} 已经确认完成", remedy="请核对编号")
    chosen = [
        one
        for number, one in own.items()
        if (number in numbers if numbers else one.state == State.REPORTED)
    ]
    if not chosen:
        raise NothingToDo("没有待确认的问题", remedy="请先用 perfxl ingest 收取整改台账")
    campaign.ledger.record_problem_decisions(
        [
            ProblemDecision(
                one.unit, one.number, str(decision), reason.strip(), one.receipt, by, now
            )
            for one in chosen
        ]
    )
    return [one.number for one in chosen]
