"""Closing the campaign: 成果/整改总结.docx, and what the grades mean for next year's budget."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NothingToDo, NotInPlan
from perfxl.products.consolidated.workbook import application_workbook
from perfxl.products.follow_up import application_proposal, closing_report
from perfxl.stages.consolidate import material
from perfxl.stages.documents import WrittenDocument, write_document
from perfxl.stages.gather import gather
from perfxl.stages.rectification import problems_today

_APPLICATION = "application"


@dataclass(frozen=True)
class ApplicationResult:
    """The proposal, its workbook, and how many scores are not approved yet."""

    document: WrittenDocument
    workbook: WrittenDocument
    provisional: int


def closing(campaign: Campaign, now: dt.datetime) -> WrittenDocument:
    """Write the report on rectification as it stands; raises NothingToDo before feedback went out."""
    if not campaign.ledger.problems():
        raise NothingToDo("还没有下发反馈意见", remedy="请先执行 perfxl feedback")
    data = closing_report(campaign.plan, problems_today(campaign, now.date()), now.date())
    path = campaign.path(PRODUCTS) / "整改总结.docx"
    return write_document(campaign, path, data, "closing", now)


def apply_to_budget(campaign: Campaign, now: dt.datetime) -> ApplicationResult:
    """Write the proposal on next year's budget; raises NotInPlan, NothingToDo."""
    gathered = gather(campaign)
    application, applied = gathered.plan.application, gathered.applied
    if application is None or applied is None:
        raise NotInPlan(
            "考核方案中没有“结果应用”表",
            remedy="请在考核方案.xlsx 中加一张“结果应用”表（样式见 perfxl init 建立的方案）",
        )
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    provisional = int(gathered.ranking["provisional"].sum())
    proposal = application_proposal(gathered.plan, application, applied, draft=bool(provisional))
    workbook = application_workbook(material(campaign, gathered, now))
    folder = campaign.path(PRODUCTS)
    return ApplicationResult(
        write_document(campaign, folder / "结果应用建议.docx", proposal, _APPLICATION, now),
        write_document(
            campaign, folder / "结果应用建议表.xlsx", workbook, _APPLICATION, now, "xlsx"
        ),
        provisional,
    )
