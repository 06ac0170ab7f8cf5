"""consolidate (汇总): 成果/综合评分表.xlsx from the returns and the sections' scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.checks.imported import CODES
from perfxl.errors import (
    Fault,
    Missing,
    NoCalendar,
    NothingToDo,
    Place,
    Unreadable,
    WrongWorkbook,
)
from perfxl.excel.reader import PATIENT_SECONDS, read_sheets, read_workbook
from perfxl.facts.basis import document_basis
from perfxl.facts.feedback import FeedbackFacts, feedback_facts
from perfxl.files import keep_earlier, sha256_of, write_atomically
from perfxl.last_year import MATRIX_SHEETS, LastYear, read_last_year
from perfxl.ledger import Consolidation, Form, Verdict
from perfxl.movements import NOTHING_MOVED, Movements, movements, standing
from perfxl.products.consolidated.material import (
    DifferenceLine,
    Material,
    ProjectListCheck,
    RejectedFile,
    ReturnLine,
    ReviewFile,
    UnitProjects,
)
from perfxl.products.consolidated.workbook import consolidated_workbook
from perfxl.rectifications.problems import in_force
from perfxl.stages.gather import Gathered, gather
from perfxl.stages.objection import objections
from perfxl.stages.rectification import problems_today
from perfxl.tables import DOCUMENT_BASIS, Difference, Severity, frame

FILE = "综合评分表.xlsx"


@dataclass(frozen=True)
class Consolidated:
    """The workbook written, where the earlier one was kept (if any), and what it was made from."""

    path: Path
    kept: Path | None
    gathered: Gathered


def consolidate(
    campaign: Campaign,
    now: dt.datetime,
    last_year: Path | None = None,
    tell: Callable[[Gathered, Movements], None] = lambda _gathered, _moved: None,
) -> Consolidated:
    """Write the consolidated workbook; an earlier one is moved to 成果/历次/, never overwritten.

    ``last_year`` is last year's, for the sheets 上年对比. ``tell`` is told what moved since the last
    run before anything is replaced. Raises NothingToDo where no unit has
    returned anything; Missing, Unreadable or WrongWorkbook over ``last_year``.
    """
    path = campaign.path(PRODUCTS) / FILE
    if last_year is not None and last_year.resolve() == path.resolve():
        raise WrongWorkbook(
            "这是本次考核自己的综合评分表，不是上年的",
            place=Place(str(last_year)),
            remedy="请选择上年考核文件夹里的综合评分表.xlsx",
        )
    compared = (
        None if last_year is None else last_year_from(last_year, campaign.plan.campaign.worded)
    )
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    before = campaign.ledger.last_consolidation()
    moved = movements(before.standing, gathered.scores, gathered.ranking) if before else None
    if moved is not None:
        tell(gathered, moved)
    shown = replace(material(campaign, gathered, now, compared), movements=moved or NOTHING_MOVED)
    data = consolidated_workbook(shown)
    kept = keep_earlier(path, now)
    write_atomically(path, data)
    now_standing = standing(gathered.scores, gathered.ranking)
    campaign.ledger.record_consolidation(Consolidation(sha256_of(data), now_standing, now))
    return Consolidated(path, kept, gathered)


def _basis(campaign: Campaign, gathered: Gathered) -> pd.DataFrame:
    try:
        return document_basis(gathered.plan, gathered.facts, feedback_of(campaign, gathered))
    except NoCalendar:
        # Scores do not hang on a calendar; the documents cannot be written and say why.
        return frame({}, DOCUMENT_BASIS)


def feedback_of(campaign: Campaign, gathered: Gathered) -> list[FeedbackFacts]:
    """What each unit is told, with the problems that it was told of so far."""
    told = list(in_force(campaign.ledger.problems()).values())
    return feedback_facts(gathered.plan, gathered.scores, gathered.ranking, told)


def last_year_from(file: Path, worded: Callable[[str], str] = str) -> LastYear:
    """What last year's consolidated workbook says. Raises Missing, Unreadable, WrongWorkbook."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise Missing(
            f"上年的综合评分表读不出来（{error.strerror}）",
            place=Place(str(file)),
            remedy="请检查路径，并在 Excel 或 WPS 中关闭这个文件",
        ) from error
    try:
        sheets = read_workbook(data, file.name, seconds=PATIENT_SECONDS).sheets
    except Unreadable as error:
        if error.fault is not Fault.TOO_LARGE:
            raise
        # That of some thousand units is larger than any return may be.
        sheets = read_sheets(data, file.name, MATRIX_SHEETS)
    return read_last_year(sheets, file.name, worded)


def material(
    campaign: Campaign,
    gathered: Gathered,
    now: dt.datetime,
    last_year: LastYear | None = None,
) -> Material:
    """What the workbook shows, from the gathered tables and the ledger's receipts."""
    findings = gathered.checked.findings
    counts = (
        findings.groupby(["unit", "severity"]).size() if len(findings) else pd.Series(dtype=int)
    )
    lines = []
    for unit in gathered.plan.units:
        receipt = gathered.receipts.get(unit.code)
        lines.append(
            ReturnLine(
                unit.code,
                str(gathered.status[unit.code]),
                receipt.received_at if receipt else None,
                receipt.file if receipt else "",
                receipt.original if receipt else "",
                int(counts.get((unit.code, Severity.ERROR), 0)),
                int(counts.get((unit.code, Severity.VERIFY), 0)),
            )
        )
    in_force = {receipt.sha256 for receipt in gathered.receipts.values()}
    rejected = [
        RejectedFile(
            receipt.file,
            receipt.received_at,
            "已被其他报送取代" if receipt.verdict is Verdict.VALID else str(receipt.verdict),
            receipt.detail,
            receipt.original,
        )
        for receipt in campaign.ledger.receipts(Form.RETURN)
        if receipt.sha256 not in in_force
    ]
    books = {
        receipt.sha256: ReviewFile(receipt.file, receipt.original)
        for receipt in campaign.ledger.receipts(Form.REVIEW)
    }
    return Material(
        gathered.plan,
        gathered.scores,
        gathered.ranking,
        findings,
        lines,
        rejected,
        books,
        now,
        last_year,
        disagreements=gathered.merged.disagreements,
        look_again=gathered.look_again,
        objections=objections(campaign),
        rectification=problems_today(campaign, now.date()),
        applied=gathered.applied,
        basis=_basis(campaign, gathered),
        project_list=_project_list(campaign, gathered),
    )


def _project_list(campaign: Campaign, gathered: Gathered) -> ProjectListCheck | None:
    """The returns beside the budget system's list; None where none was imported."""
    declared, projects = gathered.plan.project_import, gathered.projects
    differences = gathered.checked.differences
    if declared is None or projects is None or differences is None:
        return None
    labels = [one.column.label for one in declared.columns if one.money]
    values = gathered.tables.registers[declared.register].values
    units = []
    for unit in gathered.plan.units:
        own = values[values["unit"] == unit.code]
        returned = unit.code in gathered.receipts
        listed = projects.by_unit.get(unit.code, ())
        told = differences[differences["unit"] == unit.code]
        amounts = tuple(
            (
                sum(v for one in listed if isinstance(v := one.values.get(label), int)),
                int(own[label].sum()) if returned else None,
            )
            for label in labels
        )
        units.append(
            UnitProjects(
                unit.code,
                unit.name,
                str(gathered.status[unit.code]),
                len(listed),
                len(own) if returned else None,
                len(told),
                int((told["severity"] == Severity.ERROR).sum()),
                amounts,
            )
        )
    last = campaign.ledger.project_lists()[-1]
    source = f"{last.file}，{last.imported_at:%Y-%m-%d} 由 {last.imported_by} 导入"
    return ProjectListCheck(source, tuple(labels), units, _difference_lines(gathered, differences))


def _difference_lines(gathered: Gathered, differences: pd.DataFrame) -> list[DifferenceLine]:
    said = {
        (one.receipt, one.code, one.cell): one.explanation
        for one in gathered.checked.findings.itertuples(index=False)
    }
    lines = []
    for one in differences.itertuples(index=False):
        letters = gathered.tables.columns[one.receipt, one.cell_table]
        cell = f"{letters.get(one.cell_column, 'A')}{one.row}"
        code = CODES[Difference(one.matter)]
        lines.append(
            DifferenceLine(
                one.unit,
                one.matter,
                one.severity,
                one.code,
                one.name,
                one.label,
                one.expected,
                one.reported,
                one.expected_amount,
                one.reported_amount,
                one.sheet,
                cell,
                said.get((one.receipt, code, cell), ""),
            )
        )
    return lines
