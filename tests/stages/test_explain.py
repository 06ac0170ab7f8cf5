"""explain: why a score is what it is, for every way in which one comes about."""

from __future__ import annotations

import datetime as dt

import pytest

from perfxl.campaign import Campaign
from perfxl.errors import UnknownIndicator
from perfxl.stages.explain import explain_indicator, explain_unit, indicator_of
from perfxl.stages.gather import gather
from perfxl.stages.objection import answer_objection, object_to

NOW = dt.datetime(2024, 1, 26, 10, 0)


def told(campaign: Campaign, unit_code: str, code: str) -> dict[str, list[str]]:
    unit = campaign.plan.unit_by_code[unit_code]
    explained = explain_indicator(campaign, unit, indicator_of(campaign.plan, unit, code))
    said: dict[str, list[str]] = {}
    for what, text in explained.lines:
        said.setdefault(what, []).append(text)
    return said


def test_a_ratio(campaign: Campaign) -> None:
    said = told(campaign, "101", "3.1")
    assert said["评分方法"] == ["比率"]
    assert said["数据项"] == [
        "设目标项目全年预算数 = 16112.05 万元（项目清单：“全年预算数”合计，设置绩效目标=是）",
        "项目全年预算数 = 16112.05 万元（项目清单：“全年预算数”合计）",
    ]
    assert said["计算过程"] == ["8 × 16112.05 ÷ 16112.05 = 8.00 → 8.0"]
    assert said["自评得分"] == ["8.0（SL2023-101-石楼县教育科技局.xlsx / 自评表!F15）"]
    assert said["采用得分"] == ["8.0（股室核定）"]
    assert "教科文股评分组：8.0（SL2023-教科文股-评分表.xlsx 第 10 行" in said["核定记录"][0]


def test_a_count(campaign: Campaign) -> None:
    said = told(campaign, "101", "1.2.1")
    assert said["计算过程"] == ["3 × 2 = 6（以分值 4 为限） → 4.0"]
    assert said["数据项"] == ["内部绩效管理制度数 = 3 项（佐证材料：行计数，材料类别=内部制度）"]
    assert len(said["佐证材料"]) == 3
    assert all("〔2023〕" in line for line in said["佐证材料"])


def test_a_deduction(campaign: Campaign) -> None:
    said = told(campaign, "101", "9.2")
    assert said["数据项"] == ["材料逾期和退回次数 = 0 次（台账）"]
    assert said["计算过程"] == ["3 - 0 × 1 → 3.0"]
    assert said["自评得分"][0].startswith("未填")


def test_a_manual_one_and_its_objection(campaign: Campaign) -> None:
    unit = campaign.plan.unit_by_code["101"]
    indicator = indicator_of(campaign.plan, unit, "6.2")
    number = object_to(campaign, unit, indicator, "请再核", "经办人", NOW)
    assert told(campaign, "101", "6.2")["复核申请"] == ["第 1 号：请再核；待答复"]
    answer_objection(campaign, number, 550, "略有不足", "张三", NOW)
    said = told(campaign, "101", "6.2")
    assert said["计算过程"] == ["由股室评定"]
    assert said["采用得分"] == ["5.5（股室核定）"]
    assert said["核定得分"] == ["5.5（张三，略有不足）"]
    assert len(said["核定记录"]) == 2
    assert "第 1 号复核申请，当时自评 6.0、计算 无" in said["核定记录"][1]
    assert said["复核申请"] == ["第 1 号：请再核；调整：略有不足（张三）"]


def test_one_that_does_not_apply(campaign: Campaign) -> None:
    said = told(campaign, "101", "6.1")
    assert said["采用得分"] == ["不适用，不计入适用分值"]
    assert said["计算过程"] == ["“应整改问题数”为 0，不适用"]
    assert "核定记录" not in said


def test_a_finding_stands_with_its_cell(campaign: Campaign) -> None:
    findings = gather(campaign).checked.findings
    one = findings[findings["indicator"] != ""].iloc[0]
    (first, *_) = told(campaign, one["unit"], one["indicator"])["审核意见"]
    assert one["code"] in first and f"{one['sheet']}!{one['cell']}" in first


def test_a_unit_adds_up(campaign: Campaign) -> None:
    explained = explain_unit(campaign, campaign.plan.unit_by_code["101"])
    lines = dict(explained.lines)
    assert lines["总分"] == "得分合计 80.5 ÷ 适用分值 94 × 100 = 85.64"
    assert lines["等级"].startswith("良（优 ≥ 90%")
    assert lines["名次"] == "部门 22 个已报送单位中第 13 名（并列跳号）"
    assert len(explained.scores) == 24


def test_an_indicator_is_found_by_code_or_name(campaign: Campaign) -> None:
    unit = campaign.plan.unit_by_code["101"]
    assert indicator_of(campaign.plan, unit, "纳入内部考核").code == "6.3"
    with pytest.raises(UnknownIndicator, match=r"没有“9\.9”"):
        indicator_of(campaign.plan, unit, "9.9")
