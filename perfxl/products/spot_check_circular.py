"""The circular of a spot check (抽查通报): what was drawn, what was found, what is to be done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from perfxl.documents.official import OfficialDocument, TableColumn
from perfxl.plan.model import LedgerFigure, Plan, SpotCheck
from perfxl.points import as_text, round_fraction
from perfxl.products.texts import DRAFT
from perfxl.spot_checks.results import fraction_of, problems_of_units
from perfxl.terms import due_on

_COLUMNS = (
    TableColumn("单位名称", 50),
    TableColumn("项目名称", 56),
    TableColumn("问题个数", 18, "center"),
    TableColumn("问题说明", 32),
)


@dataclass(frozen=True)
class DrawFacts:
    """What the circular says of the draw."""

    population: int
    seed: str
    method: str
    drawn_on: dt.date


def spot_check_circular(
    plan: Plan, spot_check: SpotCheck, facts: DrawFacts, checked: pd.DataFrame
) -> bytes:
    """The circular as .docx bytes from ``tables.SAMPLE_CHECKED``; a draft until all is checked."""
    info = plan.campaign
    done = checked[checked["problems"].notna()]
    faulty = done[done["problems"] > 0]
    is_draft = len(done) < len(checked)
    title = f"{info.issuer}关于\n{info.year}年度绩效自评抽查情况的通报"
    document = OfficialDocument(
        issuing_mark=f"{info.issuer}文件",
        document_number=spot_check.document_number,
        title=title + ("\n" + DRAFT if is_draft else ""),
        addressees=info.addressees,
    )
    document.paragraph(
        f"为提高绩效自评质量，我局对{info.name}中各{info.called}开展的项目绩效自评进行了抽查。"
        "现将有关情况通报如下："
    )
    document.heading(1, "抽查工作情况")
    document.paragraph(_drawing(plan, spot_check, facts, checked, done))
    document.heading(1, "抽查结果")
    document.paragraph(_results(plan, checked, done, faulty))
    document.heading(1, "有关要求")
    for text in _requirements(plan, spot_check, faulty):
        document.paragraph(text)
    attached = "抽查发现问题的项目" if len(faulty) else ""
    document.attachment_note([attached] if attached else [])
    document.signature(info.issuer, _issued_on(plan, spot_check))
    if attached:
        document.attachment(attached)
        name, *others = _COLUMNS
        columns = [replace(name, label=info.worded(name.label)), *others]
        document.table(columns, [_row(plan, one) for one in faulty.itertuples(index=False)])
    document.copies(info.copied_to, f"{info.issuer}办公室", _issued_on(plan, spot_check))
    return document.to_bytes()


def _issued_on(plan: Plan, spot_check: SpotCheck) -> dt.date:
    return spot_check.issued_on or plan.campaign.issued_on


def _condition(spot_check: SpotCheck) -> str:
    said = "；".join(map(str, spot_check.conditions))
    return f"符合抽查条件（{said}）的" if said else ""


def _drawing(
    plan: Plan, spot_check: SpotCheck, facts: DrawFacts, checked: pd.DataFrame, done: pd.DataFrame
) -> str:
    day, called = facts.drawn_on, plan.campaign.called
    share = fraction_of(len(checked), facts.population)
    percent = as_text(round_fraction(share * 10_000))
    text = (
        f"{day.year}年{day.month}月{day.day}日，从各{called}{spot_check.register}所列"
        f"{_condition(spot_check)}{facts.population}个项目中，"
        f"分层抽取{len(checked)}个项目（占{percent}%），涉及{called}{checked['unit'].nunique()}个。"
        f"抽取办法：{facts.method}；种子为{facts.seed}，可以据此重新抽取核对。"
    )
    if len(done) < len(checked):
        text += f"目前已核查{len(done)}个项目，" if len(done) else "目前核查尚未开始，"
        text += f"还有{len(checked) - len(done)}个项目没有核查，以下为阶段情况。"
    return text


def _results(plan: Plan, checked: pd.DataFrame, done: pd.DataFrame, faulty: pd.DataFrame) -> str:
    if not len(done):
        return "核查结果待核查结束后填写。"
    if not len(faulty):
        return f"已核查的{len(done)}个项目，自评内容属实，没有发现问题。"
    problems, called = int(faulty["problems"].sum()), plan.campaign.called
    sound = len(done) - len(faulty)
    parts = [f"已核查的{len(done)}个项目中，"]
    parts.append(f"自评内容属实的{sound}个，" if sound else "")
    parts.append(
        f"有问题的{len(faulty)}个，共发现问题{problems}个，涉及{called}{faulty['unit'].nunique()}个。"
    )
    counts = problems_of_units(done)
    most = max(count for count in counts.values() if isinstance(count, int))
    named = [
        plan.unit_by_code[code].name
        for code, count in counts.items()
        if count == most and code in plan.unit_by_code
    ]
    if len(counts) > len(named) > 0:
        parts.append(f"问题最多的是{'、'.join(named)}，{'各' if len(named) > 1 else ''}{most}个。")
    return "".join(parts)


def _requirements(plan: Plan, spot_check: SpotCheck, faulty: pd.DataFrame) -> list[str]:
    due = due_on(plan.campaign.rectification, _issued_on(plan, spot_check))
    asked = []
    if len(faulty):
        asked.append(
            f"有问题的{plan.campaign.called}要逐项查找原因，修改自评内容，补充佐证材料，"
            f"于{due.year}年{due.month}月{due.day}日前将整改情况报送{plan.campaign.issuer}。"
        )
    asked.append(
        f"各{plan.campaign.called}要对照绩效目标如实自评，指标完成值要有依据，得分与完成情况要一致，偏差原因要写明。"
    )
    if any(item.ledger_figure is LedgerFigure.SPOT_CHECK for item in plan.data_items):
        asked.append("抽查结果按指标体系计入考核得分。")
    return asked


def _row(plan: Plan, one: Any) -> Sequence[str]:
    unit = plan.unit_by_code.get(one.unit)
    return (unit.name if unit else one.unit, one.name, str(int(one.problems)), one.description)
