"""The closing report on rectification (整改总结) and the proposal on budgets (结果应用)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from perfxl.application import Applied
from perfxl.documents.official import TableColumn
from perfxl.facts.follow_up import application_facts, closing_facts, rectification_by_unit
from perfxl.plan.model import Application, Plan
from perfxl.plan.wording import DocumentKind
from perfxl.points import as_text
from perfxl.products.texts import begun, composed
from perfxl.rectifications.states import State

_CLOSING_TITLE = "各单位整改情况表"
_UNITS_TITLE, _PROJECTS_TITLE = "各单位预算安排建议表", "项目压减计算表"
_CLOSING_COLUMNS = (
    TableColumn("单位名称", 52),
    TableColumn("问题", 14, "center"),
    *(
        TableColumn(f"{state[:2]}\n{state[2:]}" if len(state) > 3 else state, 16, "center")
        for state in State
    ),
    TableColumn("逾期", 14, "center"),
)
_UNIT_COLUMNS = (
    TableColumn("单位名称", 50),
    TableColumn("等级", 14, "center"),
    TableColumn("建议", 22, "center"),
    TableColumn("项目金额\n（万元）", 24, "right"),
    TableColumn("压减比例", 18, "center"),
    TableColumn("压减金额\n（万元）", 24, "right"),
)
_PROJECT_COLUMNS = (
    TableColumn("单位名称", 40),
    TableColumn("项目名称", 46),
    TableColumn("金额\n（万元）", 22, "right"),
    TableColumn("压减\n比例", 14, "center"),
    TableColumn("压减金额\n（万元）", 22, "right"),
)


def _in_its_words(plan: Plan, columns: Sequence[TableColumn]) -> list[TableColumn]:
    return [replace(one, label=plan.campaign.worded(one.label)) for one in columns]


def closing_report(plan: Plan, table: pd.DataFrame, today: dt.date) -> bytes:
    """The report on ``tables.RECTIFICATION`` as .docx bytes, dated ``today``.

    Raises NotInPlan where the plan has no text for it, NoCalendar.
    """
    units = rectification_by_unit(plan, table)
    last_day = max(table["due"], default=None)
    text = composed(plan, DocumentKind.CLOSING, closing_facts(plan, units, last_day, today))
    document = begun(plan, text, draft=False, mark=False)
    title = plan.campaign.worded(_CLOSING_TITLE)
    if units:
        document.attachment_note([title])
    document.signature(plan.campaign.issuer, today)
    if units:
        document.attachment(title)
        document.table(
            _in_its_words(plan, _CLOSING_COLUMNS),
            [
                (
                    one.name,
                    str(one.total),
                    *(str(one.counts[state]) for state in State),
                    str(one.overdue),
                )
                for one in units
            ],
        )
    return document.to_bytes()


def application_proposal(
    plan: Plan, application: Application, applied: Applied, *, draft: bool
) -> bytes:
    """The proposal as .docx bytes: the measures in words, then units and projects as tables.

    Raises NotInPlan where the plan has no text for it, NoCalendar.
    """
    facts = application_facts(plan, application, applied)
    text = composed(plan, DocumentKind.APPLICATION, facts)
    document = begun(plan, text, draft=draft, mark=False)
    cut = applied.projects[applied.projects["cut"] > 0]
    units_title = plan.campaign.worded(_UNITS_TITLE)
    titles = [units_title, *([_PROJECTS_TITLE] if len(cut) else [])]
    document.attachment_note(titles)
    document.signature(plan.campaign.issuer, plan.campaign.issued_on, sealed=False)
    document.attachment(units_title)
    document.table(
        _in_its_words(plan, _UNIT_COLUMNS),
        [
            (
                one.name,
                one.grade,
                one.measure,
                as_text(one.base, 2) if one.projects else "",
                _rate(one.rate),
                as_text(one.cut, 2) if one.cut else "",
            )
            for one in applied.units.itertuples(index=False)
        ],
    )
    if len(cut):
        document.attachment(_PROJECTS_TITLE)
        document.table(
            _in_its_words(plan, _PROJECT_COLUMNS),
            [
                (
                    one.name,
                    one.project_name or one.project,
                    as_text(one.base, 2),
                    _rate(one.rate),
                    as_text(one.cut, 2),
                )
                for one in cut.itertuples(index=False)
            ],
        )
    return document.to_bytes()


def _rate(rate: int) -> str:
    return f"{as_text(rate)}%" if rate else ""
