"""year report (自评报告): 成果/自评报告.docx from the year's registers, data items and scores."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NothingToDo, NotInPlan, Place
from perfxl.facts.self_report import ReportScore, ScoredBy, SelfReport, self_report
from perfxl.plan.model import Plan, Unit
from perfxl.plan.wording import DocumentKind
from perfxl.plan.workbook import WORDING
from perfxl.products.self_report import FILE, self_report_document
from perfxl.stages.documents import WrittenDocument, write_document
from perfxl.stages.gather import gather

_PRODUCT = "self report"


@dataclass(frozen=True)
class SelfReportResult:
    """The report, what it was written from, and where claim and computation differ."""

    document: WrittenDocument
    report: SelfReport

    @property
    def differing(self) -> list[ReportScore]:
        """Indicators whose claim is not what their method gives."""
        return [one for one in self.report.scores if one.differs]

    @property
    def unclaimed(self) -> list[ReportScore]:
        """Indicators that count 0 because nothing was claimed and nothing could be computed."""
        return [one for one in self.report.scores if one.score is not None and not one.is_claimed]


def write_self_report(
    campaign: Campaign, now: dt.datetime, by: ScoredBy = ScoredBy.COMPUTED
) -> SelfReportResult:
    """Write the report of the plan's one unit.

    Raises NotInPlan where the plan has no texts for it or more than one unit, NothingToDo where
    nothing was returned, ReportContradicts, NoCalendar.
    """
    unit = reporting_unit(campaign.plan)
    gathered = gather(campaign)
    if unit.code not in gathered.receipts:
        raise NothingToDo(
            f"还没有收到{unit.name}的年度工作簿", remedy="请先执行 perfxl ingest 收入填好的工作簿"
        )
    report = self_report(gathered.plan, unit, gathered.tables, gathered.scores, by)
    data = self_report_document(gathered.plan, report)
    path = campaign.path(PRODUCTS) / FILE
    written = write_document(campaign, path, data, _PRODUCT, now, unit.code)
    return SelfReportResult(written, report)


def reporting_unit(plan: Plan) -> Unit:
    """The unit that reports on itself; raises NotInPlan where the plan is of several."""
    if DocumentKind.SELF_ASSESSMENT not in plan.wording or len(plan.units) != 1:
        raise NotInPlan(
            "这份考核方案不是县级自评的方案：要有“自评报告”的文字，单位名录中只有本县一个单位",
            place=Place("考核方案.xlsx", WORDING),
            remedy="请在县级自评的文件夹中执行，用 -C 指明",
        )
    return plan.units[0]
