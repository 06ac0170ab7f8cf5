"""Reads what a plan takes from other campaigns: their folders (引用考核), and items of source 考核."""

from __future__ import annotations

import re
import unicodedata

from perfxl.plan.model import (
    Aggregate,
    Borrowed,
    CampaignFigure,
    Condition,
    OtherCampaign,
    Relation,
)
from perfxl.plan.names import find_name, kind_name
from perfxl.plan.rows import LIST_BREAK, PlanBook, Row
from perfxl.plan.workbook import OTHER_CAMPAIGNS, OTHER_CAMPAIGNS_SHEET

# What a filter says beside the columns of a register.
CAMPAIGN, KIND, INDICATOR = "考核", "单位类别", "指标"
_PLACES = (CAMPAIGN, KIND, INDICATOR)
_ONE_REGISTERS = (Aggregate.COUNT, Aggregate.SUM, Aggregate.DISTINCT)
_BREAK = re.compile(r"[;；\n]")
_CONDITION = re.compile(r"(?P<column>.+?)(?P<op>>=|<=|<>|!=|[=≠<>≤≥])(?P<right>.*)")
_RELATIONS = {">=": "≥", "<=": "≤", "<>": "≠", "!=": "≠"}
_REMEDY = "写法如 单位类别=部门；指标=3.2"


def read_other_campaigns(book: PlanBook) -> tuple[OtherCampaign, ...]:
    """The campaigns that the plan names; mistakes go to the book."""
    found: list[OtherCampaign] = []
    names: dict[str, Row] = {}
    for row in book.rows(OTHER_CAMPAIGNS_SHEET, needed=False):
        name = row.required("考核")
        twin = row.repeated("考核", names)
        if twin:
            row.repeats("考核", twin)
        elif name:
            found.append(OtherCampaign(name, row.text("文件夹"), row.cell("文件夹")))
    return tuple(found)


def read_borrowed(
    row: Row, campaigns: tuple[OtherCampaign, ...]
) -> tuple[Borrowed | None, Aggregate | None, tuple[Condition, ...]]:
    """What a data item of source 考核 takes, with the conditions on rows of a register.

    Names of the other plan (kinds, indicators, registers, columns) are held against it only when
    the figure is taken. Mistakes go to the book.
    """
    named, conditions = _conditions(row)
    campaign = _campaign(row, named.get(CAMPAIGN, ""), campaigns)
    kind, indicator = kind_name(named.get(KIND, "")), named.get(INDICATOR, "")
    if row.text("登记表"):
        aggregate = row.choice("统计方式", Aggregate)
        if aggregate is not None and aggregate not in _ONE_REGISTERS:
            allowed = "、".join(_ONE_REGISTERS)
            row.mistake("P131", "统计方式", f"来源为考核时，统计方式应为 {allowed} 之一")
        if aggregate in (Aggregate.SUM, Aggregate.DISTINCT):
            row.required("统计列")
        if indicator:
            row.mistake("P132", "筛选条件", "从登记表统计时不能按指标筛选", "请去掉“指标=”")
        return Borrowed(campaign, None, kind), aggregate, conditions
    figure = row.choice("统计列", CampaignFigure) if row.required("统计列") else None
    if conditions:
        what = f"看不懂条件“{conditions[0]}”：没有登记表时只能写 {'、'.join(_PLACES)}"
        row.mistake("P132", "筛选条件", what, _REMEDY)
    if figure is None:
        return None, None, ()
    if figure.of_indicator and not indicator:
        row.mistake("P132", "筛选条件", f"“{figure}”须写明哪项指标", _REMEDY)
    if indicator and not figure.of_indicator:
        row.mistake("P132", "筛选条件", f"“{figure}”与指标无关", "请去掉“指标=”")
    return Borrowed(campaign, figure, kind, indicator), None, ()


def _campaign(row: Row, name: str, campaigns: tuple[OtherCampaign, ...]) -> str:
    """The campaign meant: the one of this name, or the only one where no name is given."""
    remedy = f"请在“{OTHER_CAMPAIGNS}”表中写明"
    if not campaigns:
        row.mistake("P133", "来源", f"“{OTHER_CAMPAIGNS}”表没有写明任何考核", remedy)
        return ""
    if not name and len(campaigns) > 1:
        names = "、".join(one.name for one in campaigns)
        row.mistake(
            "P133", "筛选条件", f"有几个考核（{names}），没有写明取自哪一个", "例如 考核=" + names
        )
        return ""
    known = find_name(name, [one.name for one in campaigns]) if name else campaigns[0].name
    if known is None:
        row.mistake("P133", "筛选条件", f"“{OTHER_CAMPAIGNS}”表没有考核“{name}”", remedy)
    return known or ""


def _conditions(row: Row) -> tuple[dict[str, str], tuple[Condition, ...]]:
    """What is said of campaign, kind and indicator, and the other conditions."""
    named: dict[str, str] = {}
    others: list[Condition] = []
    for part in filter(None, (text.strip() for text in _BREAK.split(row.text("筛选条件")))):
        match = _CONDITION.fullmatch(unicodedata.normalize("NFKC", part))
        if match is None:
            row.mistake("P132", "筛选条件", f"看不懂条件“{part}”", _REMEDY)
            continue
        column, right = match["column"].strip(), match["right"].strip()
        relation = Relation(_RELATIONS.get(match["op"], match["op"]))
        place = find_name(column, _PLACES)
        if place is None:
            inner = right[1:-1].strip() if right[:1] == "[" and right[-1:] == "]" else ""
            others.append(Condition(column, relation, "" if inner else right, inner))
        elif relation is not Relation.EQUAL or not right or LIST_BREAK.search(right):
            row.mistake("P132", "筛选条件", f"“{place}”后应为等号和一个名称，现为“{part}”", _REMEDY)
        else:
            named[place] = right
    return named, tuple(others)
