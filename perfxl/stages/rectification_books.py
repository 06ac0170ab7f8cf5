"""The rectification books (整改台账) that come back: whose they are, and what they bring.

Every workbook that comes in is asked whether it is one; what reads and records a book is imported
only for a book.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from perfxl.campaign import Campaign
from perfxl.excel.reader import Grid
from perfxl.intake.identity import unit_in_file_name
from perfxl.intake.judgement import Decision, Judgement
from perfxl.ledger import Form, ProblemReport, Receipt, Verdict
from perfxl.plan.model import Plan
from perfxl.rectifications.recognition import looks_like_a_book

if TYPE_CHECKING:
    import pandas as pd

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


def is_rectification_book(grid: Grid) -> bool:
    """Whether a workbook says, by its stamp or its heading, that it is a rectification book."""
    if grid.stamp is not None:
        return grid.stamp.form == Form.RECTIFICATION
    return looks_like_a_book(grid.sheets)


def judge_book(campaign: Campaign, grid: Grid, file: str, decision: Decision | None) -> Judgement:
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


def _decided(plan: Plan, holder: str, decision: Decision) -> Judgement:
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
    from perfxl.rectifications import reading, states  # noqa: PLC0415 - they load pandas

    ledger = campaign.ledger
    edition = _edition_of(campaign, grid)
    own = ledger.problem_reports(receipt.holder)
    before = {number: one for (_, number), one in states.last_reports(own).items()}
    returned = {
        one.number: one.receipt
        for one in ledger.problem_decisions(receipt.holder)
        if one.decision == states.Decision.RETURN
    }
    read = reading.read_rectification_book(
        ledger.problems(receipt.holder),
        receipt.holder,
        grid.sheets,
        receipt=receipt.sha256,
        file=receipt.file,
        received_on=receipt.received_at.date(),
        newer={
            number: reading.said_in(vars(one))
            for number, one in before.items()
            if edition and one.edition > edition
        },
    )
    fresh = [
        ProblemReport(**row, edition=edition, recorded_at=decided_at)
        for row in read.reports.to_dict("records")
        if (earlier := before.get(row["number"])) is None
        or reading.said_in(vars(earlier)) != reading.said_in(row)
        # What was sent back and is reported once more in the same words is reported anew.
        or returned.get(row["number"]) == earlier.receipt
    ]
    ledger.record_rectification(receipt, decided_at, fresh)
    return BookTaken(len(fresh), len(read.reports) - len(fresh), read.findings)
