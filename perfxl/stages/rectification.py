"""rectify (整改): the books that come back, the office's decisions, and how every problem stands."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pandas as pd

from perfxl.campaign import Campaign
from perfxl.errors import NothingToDo, PerfxlError
from perfxl.excel.reader import Grid
from perfxl.intake.identity import unit_in_file_name
from perfxl.intake.judgement import Decision as IdentityDecision
from perfxl.intake.judgement import Judgement
from perfxl.ledger import Form, ProblemDecision, ProblemReport, Receipt, Verdict
from perfxl.plan.model import Plan, Unit
from perfxl.rectifications.problems import in_force
from perfxl.rectifications.reading import (
    RectificationRead,
    looks_like_a_book,
    read_rectification_book,
    said_in,
)
from perfxl.rectifications.states import Decision, State, last_reports, rectification

PRODUCT = "rectify-book"
_NO_HOLDER = (
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


def problems_of_strangers(campaign: Campaign) -> dict[str, int]:
    """How many problems units have that are not in the roster any more, by their code."""
    known = campaign.plan.unit_by_code
    return dict(
        Counter(unit for unit, _ in in_force(campaign.ledger.problems()) if unit not in known)
    )


def is_rectification_book(grid: Grid) -> bool:
    """Whether a workbook says, by its stamp or its heading, that it is a rectification book."""
    if grid.stamp is not None:
        return grid.stamp.form == Form.RECTIFICATION
    return looks_like_a_book(grid.sheets)


def judge_book(
    campaign: Campaign, grid: Grid, file: str, decision: IdentityDecision | None
) -> Judgement:
    """Whose book it is: by its stamp, against the file name, or by the operator's word.

    A book of another campaign is nobody's here, whatever the operator says: its numbers mean other
    problems.
    """
    plan, stamp = campaign.plan, grid.stamp
    if stamp is not None and stamp.campaign != plan.campaign.code:
        detail = f"整改台账属于考核“{stamp.campaign}”，不是本次考核。请核对文件"
        return Judgement("", Verdict.NOT_OURS, detail)
    is_ours = stamp is not None and stamp.is_genuine(campaign.stamp_key)
    holder = stamp.holder if stamp is not None and is_ours else ""
    if is_ours and holder not in plan.unit_by_code:
        detail = f"整改台账是发给 {holder} 的，这个单位已不在单位名录中"
        return Judgement("", Verdict.UNKNOWN_UNIT, detail)
    if decision is not None:
        return _decided(plan, holder, decision)
    if not holder:
        return Judgement("", Verdict.TO_CONFIRM, _NO_HOLDER)
    named = unit_in_file_name(plan, file)
    if named is not None and named.code != holder:
        detail = (
            f"整改台账是发给{plan.unit_by_code[holder].name}的，文件名却是{named.name}。"
            "请核对后用 perfxl ingest --as 单位编码 认定，或退回填报单位"
        )
        return Judgement(holder, Verdict.WRONG_UNIT, detail)
    return Judgement(holder, Verdict.VALID)


def _decided(plan: Plan, holder: str, decision: IdentityDecision) -> Judgement:
    if holder and holder != decision.unit.code:
        detail = f"整改台账是发给{plan.unit_by_code[holder].name}的。请核对文件"
        return Judgement("", Verdict.WRONG_UNIT, detail)
    return Judgement(decision.unit.code, Verdict.VALID, f"由 {decision.by} 认定单位")


def _edition_of(campaign: Campaign, grid: Grid) -> int:
    """The edition that a genuine stamp names, 0 where none does."""
    stamp = grid.stamp
    if stamp is None or not stamp.is_genuine(campaign.stamp_key):
        return 0
    return int(stamp.version) if stamp.version.isdecimal() else 0


def take_book(
    campaign: Campaign, receipt: Receipt, grid: Grid, decided_at: dt.datetime
) -> BookTaken:
    """Record a received book of ``receipt.holder`` with the reports in it.

    What the unit reported before and repeats unchanged is not recorded again.
    """
    ledger = campaign.ledger
    edition = _edition_of(campaign, grid)
    own = ledger.problem_reports(receipt.holder)
    before = {number: one for (_, number), one in last_reports(own).items()}
    returned = {
        one.number: one.receipt
        for one in ledger.problem_decisions(receipt.holder)
        if one.decision == Decision.RETURN
    }
    read: RectificationRead = read_rectification_book(
        ledger.problems(receipt.holder),
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
        if (earlier := before.get(row["number"])) is None
        or said_in(vars(earlier)) != said_in(row)
        # What was sent back and is reported once more in the same words is reported anew.
        or returned.get(row["number"]) == earlier.receipt
    ]
    ledger.record_rectification(receipt, decided_at, fresh)
    return BookTaken(len(fresh), len(read.reports) - len(fresh), read.findings)


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
