"""check-report (核对报告): a narrative self-assessment report against itself and a workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.errors import Missing, PerfxlError, Place
from perfxl.files import write_atomically
from perfxl.narrative.checker import check_lines
from perfxl.narrative.comparison import WorkbookScore, compare
from perfxl.narrative.findings import Finding
from perfxl.narrative.text import read_report
from perfxl.plan.forms import TOTAL_ROW
from perfxl.plan.model import Plan
from perfxl.products.report_findings import in_order, report_findings
from perfxl.stages.check import FileCheck, check_file
from perfxl.tables import whole


@dataclass(frozen=True)
class ReportCheck:
    """A checked report: its findings, contradictions first, and where they were written."""

    file: str
    findings: Sequence[Finding]
    written: Path | None


def check_report(
    path: Path, against: Path | None = None, plan: Plan | None = None, out: Path | None = None
) -> ReportCheck:
    """Check a report, also against a returned workbook by its plan, and write the findings.

    Raises Missing, Unreadable, UnknownUnit, PlanRefused, PerfxlError, CannotWrite.
    """
    if not path.is_file():
        raise Missing("没有这个文件", place=Place(str(path)), remedy="请检查路径")
    if out is not None and (out.suffix.lower() != ".xlsx" or out.resolve() == path.resolve()):
        raise PerfxlError(
            "核对结果只能写为另一个 .xlsx 文件",
            place=Place(str(out)),
            remedy="例如 --out 核对结果.xlsx",
        )
    checked = check_lines(read_report(path.read_bytes(), path.name), path.name)
    findings = list(checked.findings)
    if against is not None:
        findings += compare(checked.tree, workbook_scores(check_file(against, plan)))
    findings = in_order(findings)
    if out is not None:
        write_atomically(out, report_findings(path.name, findings))
    return ReportCheck(path.name, findings, out)


def workbook_scores(one: FileCheck) -> list[WorkbookScore]:
    """What the 自评表 of a returned workbook says, indicators and the rows that add them up."""
    tables = one.tables
    rows = [
        WorkbookScore(
            row.indicator, row.name, whole(row.full_marks), whole(row.self_score),
            _cell(row.sheet, row.row),
        )
        for row in tables.entries.itertuples(index=False)
    ]  # fmt: skip
    rows += [
        WorkbookScore(
            row.code, row.name, whole(row.full_marks), whole(row.displayed),
            _cell(row.sheet, row.row),
        )
        for row in tables.subtotals.itertuples(index=False)
        if row.code != TOTAL_ROW
    ]  # fmt: skip
    return sorted(rows, key=lambda row: [int(p) if p.isdigit() else 0 for p in row.code.split(".")])


def _cell(sheet: str, row: object) -> str:
    if pd.isna(row):
        return sheet
    return f"{sheet} 第 {whole(row)} 行"
