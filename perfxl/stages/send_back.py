"""send-back (退回修改): each return with 错误 as a marked copy of the unit's own workbook, in 退回/.

In go the returns in force and their findings; out come one workbook per unit and a row in the
ledger, by which the campaign knows how many of a unit's returns were sent back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.campaign import SENT_BACK, Campaign
from perfxl.errors import NothingToDo, Unreadable
from perfxl.excel.marking import marked
from perfxl.excel.reader import Grid, read_workbook
from perfxl.files import keep_earlier, sha256_of, write_atomically
from perfxl.intake.content import typed_content
from perfxl.ledger import Receipt, SendBack
from perfxl.plan.forms import file_name
from perfxl.plan.model import Unit
from perfxl.products.opinions import in_order, marks_of, opinion_sheet
from perfxl.products.template import template
from perfxl.stages.check import check_grid
from perfxl.stages.gather import Gathered, gather, ledger_figures
from perfxl.stages.issue import unit_stamp
from perfxl.stages.received import original_of
from perfxl.tables import Severity

# What a workbook of macros must be called for Excel to open it.
_WITH_MACROS = ".xlsm"


@dataclass(frozen=True)
class SentBack:
    """One marked copy; ``own_file`` is False where the unit's file could not be marked and a fresh
    workbook with its content went instead; ``new`` where this return was not sent back so before.
    """

    unit: Unit
    path: Path
    errors: int
    own_file: bool
    new: bool


def send_back(
    campaign: Campaign, now: dt.datetime, units: Collection[str] | None = None
) -> list[SentBack]:
    """Write the marked copies of all returns with 错误, or of those of some units (codes).

    A copy that stands unchanged is not written again, and the same return counts once however
    often it is marked. Raises NothingToDo where no return has an error.
    """
    gathered = gather(campaign, units)
    findings = gathered.checked.findings
    errors = findings[findings["severity"] == Severity.ERROR].groupby("unit").size()
    if not len(errors):
        raise NothingToDo("没有需要退回修改的报送", remedy="先用 perfxl check 看审核意见")
    findings_of = dict(list(findings.groupby("unit", sort=False)))
    return [
        _send_back(campaign, gathered, unit, findings_of[unit.code], int(errors[unit.code]), now)
        for unit in gathered.plan.units
        if unit.code in errors.index
    ]


def _send_back(
    campaign: Campaign,
    gathered: Gathered,
    unit: Unit,
    findings: pd.DataFrame,
    errors: int,
    now: dt.datetime,
) -> SentBack:
    receipt = gathered.receipts[unit.code]
    data = original_of(campaign, receipt)
    grid = read_workbook(data, receipt.file)
    own = in_order(findings)
    sheet = opinion_sheet(campaign.plan, unit, own)
    try:
        content, own_file = marked(data, marks_of(own), sheet), True
    except Unreadable:
        content, own_file = _fresh(campaign, gathered, unit, findings, receipt, grid), False
    stem = Path(file_name(campaign.plan.campaign.code, unit)).stem
    has_macros = own_file and receipt.original.endswith(_WITH_MACROS)
    path = campaign.path(SENT_BACK) / f"{stem}-退回修改{_WITH_MACROS if has_macros else '.xlsx'}"
    new = _write(campaign, SendBack(unit.code, receipt.sha256, errors, path.name, "", now), content)
    return SentBack(unit, path, errors, own_file, new)


def _write(campaign: Campaign, record: SendBack, content: bytes) -> bool:
    """Write the copy and record it; False where just this copy was made before and lies there."""
    path = campaign.path(SENT_BACK) / record.file
    digest = sha256_of(content)
    made = {one.sha256 for one in campaign.ledger.send_backs(record.unit)}
    lying = sha256_of(path.read_bytes()) if path.is_file() else ""
    if lying != digest:
        if lying:
            keep_earlier(path, record.made_at)
        write_atomically(path, content)
    if digest in made:
        return False
    campaign.ledger.record_send_back(
        SendBack(record.unit, record.receipt, record.errors, record.file, digest, record.made_at)
    )
    return True


def _fresh(
    campaign: Campaign,
    gathered: Gathered,
    unit: Unit,
    findings: pd.DataFrame,
    receipt: Receipt,
    grid: Grid,
) -> bytes:
    """A new workbook of ours with the unit's content and the marks, for files such as .xls."""
    plan = campaign.plan
    content = typed_content(plan, unit, grid)
    data = template(plan, unit, unit_stamp(campaign, unit), content)
    figures = ledger_figures(campaign, gathered.status)
    checked = check_grid(
        plan,
        unit,
        data,
        read_workbook(data, receipt.file),
        receipt.file,
        campaign.stamp_key,
        figures,
        projects=gathered.projects,
    )
    found = _with_explanations(checked.result.findings, findings)
    found = in_order(found)
    return marked(data, marks_of(found), opinion_sheet(plan, unit, found))


def _with_explanations(findings: pd.DataFrame, earlier: pd.DataFrame) -> pd.DataFrame:
    """The findings on the fresh workbook with what the unit said to the same ones on its own."""
    said = {
        (one.unit, one.code, one.message): one.explanation
        for one in earlier.itertuples(index=False)
    }
    return findings.assign(
        explanation=[
            said.get((one.unit, one.code, one.message), "")
            for one in findings.itertuples(index=False)
        ]
    )
