"""explain (说明): why a number is what it is, from the cell that a unit typed to the rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perfxl.campaign import Campaign
from perfxl.errors import UnknownIndicator
from perfxl.ledger import Form
from perfxl.plan.model import Aggregate, DataItem, Indicator, LateRule, Plan, Source, Unit
from perfxl.points import as_score, as_text
from perfxl.reviews.merging import Seen
from perfxl.stages.gather import Gathered, gather
from perfxl.stages.objection import OPEN, objections
from perfxl.tables import Basis, ScoredIn, Status, whole

Lines = list[tuple[str, str]]


@dataclass(frozen=True)
class UnitExplanation:
    """Why a unit's total, grade and rank are what they are; ``scores`` are its ``tables.SCORES``."""

    unit: Unit
    lines: Lines
    scores: pd.DataFrame


@dataclass(frozen=True)
class IndicatorExplanation:
    """Why one score is what it is, as (what, text)."""

    unit: Unit
    indicator: Indicator
    lines: Lines


def indicator_of(plan: Plan, unit: Unit, code: str) -> Indicator:
    """The indicator of this code or name in the unit's rubric; raises UnknownIndicator."""
    rubric = plan.rubrics[unit.kind]
    found = rubric.by_code.get(code.strip())
    named = [one for one in rubric.indicators if one.name == code.strip()]
    if found is None and len(named) != 1:
        raise UnknownIndicator(
            f"{unit.kind}的指标体系中没有“{code}”",
            remedy=f"指标编码为 {'、'.join(rubric.by_code)}",
        )
    return found or named[0]


def explain_unit(campaign: Campaign, unit: Unit) -> UnitExplanation:
    """Why the unit's total, grade and rank are what they are."""
    gathered = gather(campaign)
    ranking = gathered.ranking
    place = next(ranking[ranking["unit"] == unit.code].itertuples(index=False))
    scores = gathered.scores[gathered.scores["unit"] == unit.code]
    of_kind = ranking[ranking["kind"] == unit.kind]
    lines: Lines = [("报送情况", _status_text(gathered, unit))]
    if place.status == Status.NOT_RETURNED:
        return UnitExplanation(unit, [*lines, ("总分", "未报送，记 0 分，不排名次")], scores)
    lines.append(("总分", _total_text(gathered.plan, place)))
    lines.append(("等级", _grade_text(gathered.plan, place)))
    ranked = int(of_kind["rank"].notna().sum())
    lines.append(
        (
            "名次",
            f"{unit.kind} {ranked} 个已报送单位中第 {whole(place.rank)} 名"
            f"（{gathered.plan.campaign.tie_rule}）",
        )
    )
    if place.provisional:
        lines.append(("暂定", f"{place.provisional} 项未经股室核定，取自评与计算得分中较低的"))
    again = gathered.look_again
    own = again[again["unit"] == unit.code]
    if len(own):
        lines.append(
            ("请再看", f"{len(own)} 项核定后报送内容有变化：{'、'.join(own['indicator'])}")
        )
    return UnitExplanation(unit, lines, scores)


def explain_indicator(campaign: Campaign, unit: Unit, indicator: Indicator) -> IndicatorExplanation:
    """Why the unit's score on an indicator is what it is."""
    gathered = gather(campaign)
    scores = gathered.scores
    own = scores[(scores["unit"] == unit.code) & (scores["indicator"] == indicator.code)]
    score = next(own.itertuples(index=False))
    lines: Lines = [
        ("评分标准", indicator.standard),
        ("分值", as_text(indicator.full_marks)),
        ("采用得分", _score_text(score)),
        *_claim(gathered, score),
        *_method(gathered, unit, indicator, score),
        *_evidence(gathered, unit, indicator),
        *_findings(gathered, unit, indicator),
        *_history(campaign, gathered, unit, indicator),
        *_objections(campaign, unit, indicator),
    ]
    return IndicatorExplanation(unit, indicator, [(what, text) for what, text in lines if text])


def _status_text(gathered: Gathered, unit: Unit) -> str:
    receipt = gathered.receipts.get(unit.code)
    status = gathered.status[unit.code]
    if receipt is None:
        return str(status)
    return f"{status}，{receipt.file}（{receipt.received_at:%Y-%m-%d %H:%M} 收到）"


def _total_text(plan: Plan, place: Any) -> str:
    full = as_text(plan.campaign.full_marks)
    text = f"得分合计 {as_text(place.sum)}"
    if place.applicable != plan.campaign.full_marks:
        text += f" ÷ 适用分值 {as_text(place.applicable)} × {full}"
    if plan.campaign.late_rule is LateRule.TOTAL and place.deducted:
        text += f" - 逾期扣分 {as_text(place.deducted)}"
    return f"{text} = {as_text(place.total, 2)}"


def _grade_text(plan: Plan, place: Any) -> str:
    bands = "，".join(f"{grade.name} ≥ {as_text(grade.threshold)}%" for grade in plan.grades)
    return f"{place.grade}（{bands}；按未四舍五入的得分率）"


def _score_text(score: Any) -> str:
    amount = whole(score.score)
    if amount is None:
        return "不适用，不计入适用分值"
    why = {
        Basis.APPROVED: "股室核定",
        Basis.COMPUTED: "未核定，取自评与计算得分中较低的",
        Basis.SELF: "未核定，暂取自评得分",
        Basis.UNSCORED: "没有自评、计算和核定得分",
        Basis.NOT_RETURNED: "未报送",
    }
    return f"{as_score(amount)}（{why[Basis(score.basis)]}）"


def _claim(gathered: Gathered, score: Any) -> Lines:
    if not score.receipt:
        return []
    amount = whole(score.self_score)
    said = "未填" if amount is None else as_score(amount)
    where = f"{score.file} / {score.sheet}!{score.cell}" if score.cell else score.file
    entries = gathered.tables.entries
    own = entries[(entries["unit"] == score.unit) & (entries["indicator"] == score.indicator)]
    lines: Lines = [("自评得分", f"{said}（{where}）")]
    for entry in own.itertuples(index=False):
        lines += [("自评依据", entry.basis), ("自评扣分原因", entry.deduction_reason)]
    return lines


def _method(gathered: Gathered, unit: Unit, indicator: Indicator, score: Any) -> Lines:
    computed = whole(score.computed)
    lines: Lines = [("评分方法", indicator.method.name)]
    items = gathered.tables.data_items
    for name in indicator.method.data_items():
        item = gathered.plan.item(name, unit.kind)
        own = items[(items["unit"] == unit.code) & (items["item"] == name)]
        value = whole(own["value"].iloc[0]) if len(own) else None
        shown = (
            "未知" if value is None else f"{as_text(value)} {item.unit if item else ''}".rstrip()
        )
        lines.append(("数据项", f"{name} = {shown}{_source(item)}"))
    lines.append(("计算过程", score.arithmetic))
    lines.append(("计算得分", "" if computed is None else as_score(computed)))
    return lines


def _source(item: DataItem | None) -> str:
    """Where a figure comes from, as the plan declares it."""
    if item is None:
        return ""
    if item.source is not Source.REGISTER:
        return f"（{item.source}）"
    how = item.aggregate or Aggregate.COUNT
    named = "、".join(item.columns) or item.column
    of = f"“{named}”" if named else "行"
    where = "；".join(map(str, item.conditions))
    return f"（{item.register}：{of}{how}{f'，{where}' if where else ''}）"


def _evidence(gathered: Gathered, unit: Unit, indicator: Indicator) -> Lines:
    line = next(
        (
            line
            for line in gathered.lines.get(gathered.plan.judging_section(unit, indicator), ())
            if (line.unit, line.indicator) == (unit.code, indicator.code)
        ),
        None,
    )
    return [("佐证材料", text) for text in (line.evidence.splitlines() if line else ())]


def _findings(gathered: Gathered, unit: Unit, indicator: Indicator) -> Lines:
    findings = gathered.checked.findings
    own = findings[(findings["unit"] == unit.code) & (findings["indicator"] == indicator.code)]
    return [
        (
            "审核意见",
            f"[{one.code} {one.severity}] {one.sheet}!{one.cell} {one.message}"
            + (f"（单位说明：{one.explanation}）" if one.explanation else ""),
        )
        for one in own.itertuples(index=False)
    ]


def _history(campaign: Campaign, gathered: Gathered, unit: Unit, indicator: Indicator) -> Lines:
    """Every approved score ever entered, what holds of them, what changed since."""
    files = {one.sha256: one.file for one in campaign.ledger.receipts(Form.REVIEW)}
    key = (unit.code, indicator.code)
    lines: Lines = []
    for review in campaign.ledger.reviews():
        if (review.unit, review.indicator) != key:
            continue
        where = (
            f"第 {review.row} 号复核申请"
            if review.scored_in is ScoredIn.OBJECTION
            else f"{files.get(review.receipt, '')} 第 {review.row} 行"
        )
        who = f"{review.section}{f' {review.reviewer}' if review.reviewer else ''}"
        reason = f"，{review.reason}" if review.reason else ""
        seen = Seen.parse(review.seen)
        beside = f"，当时{seen.described()}" if seen else ""
        lines.append(
            (
                "核定记录",
                f"{review.recorded_at:%Y-%m-%d %H:%M} {who}：{as_score(review.approved)}"
                f"{reason}（{where}{beside}）",
            )
        )
    for what, table in (
        ("评分分歧", gathered.merged.disagreements),
        ("请再看", gathered.look_again),
    ):
        own = table[(table["unit"] == unit.code) & (table["indicator"] == indicator.code)]
        for row in own.itertuples(index=False):
            lines.append((what, row.scores if what == "评分分歧" else row.what))
    in_force = gathered.merged.in_force
    own = in_force[(in_force["unit"] == unit.code) & (in_force["indicator"] == indicator.code)]
    for row in own.itertuples(index=False):
        reason = f"，{row.reason}" if row.reason else ""
        lines.append(
            ("核定得分", f"{as_score(row.approved)}（{row.reviewer or row.section}{reason}）")
        )
    return lines


def _objections(campaign: Campaign, unit: Unit, indicator: Indicator) -> Lines:
    table = objections(campaign)
    own = table[(table["unit"] == unit.code) & (table["indicator"] == indicator.code)]
    return [
        (
            "复核申请",
            f"第 {one.number} 号：{one.request}；{one.decision}"
            + ("" if one.decision == OPEN else f"：{one.answer}（{one.answered_by}）"),
        )
        for one in own.itertuples(index=False)
    ]


def score_rows(scores: pd.DataFrame) -> Sequence[tuple[str, ...]]:
    """A unit's scores as rows of text: code, name, marks, claim, computed, approved, counted, why."""

    def shown(amount: object) -> str:
        number = whole(amount)
        return "" if number is None else as_score(number)

    return [
        (
            row.indicator,
            row.name,
            as_text(row.full_marks),
            shown(row.self_score),
            shown(row.computed),
            shown(row.approved),
            shown(row.score) or str(Basis.NOT_APPLICABLE),
            row.basis,
            row.reason or row.arithmetic,
        )
        for row in scores.itertuples(index=False)
    ]
