"""year report (自评报告): 成果/自评报告.docx from the year's registers, data items and scores.

Beside it 自评报告依据.xlsx, which says where every figure comes from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.facts.self_report import ScoredBy, SelfReport, self_report
from perfxl.files import write_atomically
from perfxl.products.self_report import (
    BASIS_FILE,
    FILE,
    self_report_basis_workbook,
    self_report_document,
)
from perfxl.stages.documents import WrittenDocument, write_document
from perfxl.stages.year import Year, read_year

_PRODUCT = "self report"


@dataclass(frozen=True)
class WrittenReport:
    """The report, its basis, what it was written from, and the year that this came from."""

    document: WrittenDocument
    basis: Path
    report: SelfReport
    year: Year


def write_self_report(
    campaign: Campaign,
    now: dt.datetime,
    folders: Mapping[str, Path] | None = None,
    by: ScoredBy = ScoredBy.COMPUTED,
) -> WrittenReport:
    """Write the report of the county's year; ``folders`` as ``read_year`` takes them.

    Raises what ``read_year`` does; NotInPlan where the plan has no texts for it,
    ReportContradicts, NoCalendar.
    """
    year = read_year(campaign, now, folders)
    checked = year.checked
    report = self_report(campaign.plan, checked.tables, checked.computed, year.score, by)
    data = self_report_document(campaign.plan, report)
    path = campaign.path(PRODUCTS) / FILE
    basis = self_report_basis_workbook(campaign.plan, report)
    written = write_document(campaign, path, data, _PRODUCT, now, year.unit.code)
    write_atomically(path.with_name(BASIS_FILE), basis)
    return WrittenReport(written, path.with_name(BASIS_FILE), report, year)
