"""rectify (整改): the books that come back, the office's decisions, and how every problem stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from perfxl.campaign import Campaign
from perfxl.errors import NothingToDo, PerfxlError
from perfxl.excel.reader import Grid
from perfxl.ledger import Form, Problem, ProblemDecision, ProblemReport, Receipt
from perfxl.plan.model import Unit
from perfxl.rectifications.problems import in_force
from perfxl.rectifications.reading import (
    RectificationRead,
    looks_like_a_book,
    read_rectification_book,
    said_in,
)
from perfxl.rectifications.states import Decision, State, rectification

PRODUCT = "rectify-book"
NO_HOLDER = (
    "像是整改台账，但没有单位标记或标记被改动过，没有采用。"
    "请核对后用 perfxl ingest --as 单位编码 认定"
)


@dataclass(frozen=True)
class BookTaken:
    """What one rectification book brought: new and unchanged reports, findings."""

    recorded: int
    unchanged: int
    findings: pd.DataFrame


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


def is_rectification_book(grid: Grid) -> bool:
    """Whether a workbook says, by its stamp or its heading, that it is a rectification book."""
    if grid.stamp is not None:
        return grid.stamp.form == Form.RECTIFICATION
    return looks_like_a_book(grid.sheets)


def book_holder(campaign: Campaign, grid: Grid) -> str:
    """The code of the unit that the book was made for; blank where no genuine stamp says so."""
    stamp = grid.stamp
    if (
        stamp is None
        or stamp.form != Form.RECTIFICATION
        or stamp.campaign != campaign.plan.campaign.code
        or not stamp.is_genuine(campaign.stamp_key)
        or stamp.holder not in campaign.plan.unit_by_code
    ):
        return ""
    return stamp.holder


def take_book(
    campaign: Campaign, receipt: Receipt, grid: Grid, decided_at: dt.datetime
) -> BookTaken:
    """Record a received book of ``receipt.holder`` with the reports in it.

    What the unit reported before and repeats unchanged is not recorded again.
    """
    ledger = campaign.ledger
    problems = _problems_of(campaign, receipt.holder)
    stamp = grid.stamp if book_holder(campaign, grid) else None
    edition = int(stamp.version) if stamp is not None and stamp.version.isdecimal() else 0
    own = [one for one in ledger.problem_reports() if one.unit == receipt.holder]
    before = {one.number: one for one in own}
    read: RectificationRead = read_rectification_book(
        problems,
        receipt.holder,
        grid.sheets,
        receipt=receipt.sha256,
        file=receipt.file,
        received_on=receipt.received_at.date(),
        newer={
            number: said_in(vars(one))
            for number, one in before.items()
            if edition and one.edition > edition
        },
    )
    fresh = [
        ProblemReport(**row, edition=edition, recorded_at=decided_at)
        for row in read.reports.to_dict("records")
        if row["number"] not in before or said_in(vars(before[row["number"]])) != said_in(row)
    ]
    ledger.record_rectification(receipt, decided_at, fresh)
    return BookTaken(len(fresh), len(read.reports) - len(fresh), read.findings)


def _problems_of(campaign: Campaign, unit: str) -> dict[str, Problem]:
    found = in_force(campaign.ledger.problems())
    return {number: one for (code, number), one in found.items() if code == unit}


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

    A problem that was not reported can be confirmed or returned only by its number. Returns the
    numbers decided. Raises PerfxlError for a number that is not a problem of these units or is
    confirmed already, or a return without a reason; NothingToDo where nothing waits.
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
        if own[number].state == State.CONFIRMED:
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
