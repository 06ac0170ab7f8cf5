"""Which changes of a plan make a returned workbook one that no longer fits."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from plan_draft import DEPARTMENTS, Draft

from perfxl.plan.model import Plan

CHANGES_MEANING: Mapping[str, tuple[str, str, str, object]] = {
    "campaign": ("考核信息", "考核编号", "内容", "SL2024"),
    "step": ("考核信息", "打分步长", "内容", 0.25),
    "code": (DEPARTMENTS, "1.1.1", "编码", "1.1.9"),
    "name": (DEPARTMENTS, "1.1.1", "三级指标", "别的"),
    "standard": (DEPARTMENTS, "1.1.1", "评分标准", "别的"),
    "method": (DEPARTMENTS, "1.1.1", "评分方法", "人工"),
    "points": (DEPARTMENTS, "1.2.1", "每项分值", 1),
    "item unit": ("数据项", "个性指标数", "计量单位", "项"),
    "label": ("登记表", "备注", "列名", "附注"),
    "kind": ("登记表", "文号", "类型", "文本"),
    "unit": ("登记表", "全年执行数", "计量单位", "元"),
    "choices": ("登记表", "问题来源", "选项", "绩效监控、其他"),
}
LEAVES_MEANING: Mapping[str, tuple[str, str, str, object]] = {
    "width": ("登记表", "备注", "列宽", 55),
    "help": ("登记表", "材料编号", "填报说明", "别的"),
    "required": ("登记表", "材料名称", "必填", "否"),
    "item help": ("数据项", "个性指标数", "填报说明", "别的"),
    "pieces": (DEPARTMENTS, "1.1.2", "佐证件数", 2),
    "address": (DEPARTMENTS, "7.1", "需网址", "否"),
    "self-score": (DEPARTMENTS, "1.1.1", "自评要求", "选填"),
    "deadline": ("考核信息", "报送截止时间", "内容", "2024-02-15 18:00"),
    "title": ("考核信息", "模板标题", "内容", "别的"),
    "contact": ("单位名录", "101", "联系人", "别人"),
    "section": ("单位名录", "101", "负责股室", "预算股"),
}


@pytest.mark.parametrize("change", CHANGES_MEANING)
def test_a_return_no_longer_fits(draft: Draft, plan: Plan, change: str) -> None:
    draft.put(*CHANGES_MEANING[change])
    assert draft.plan().template_version("部门") != plan.template_version("部门")


@pytest.mark.parametrize("change", LEAVES_MEANING)
def test_a_return_still_fits(draft: Draft, plan: Plan, change: str) -> None:
    draft.put(*LEAVES_MEANING[change])
    changed = draft.plan()
    assert changed != plan
    assert changed.template_version("部门") == plan.template_version("部门")


def test_new_instructions_leave_the_returns_fitting(draft: Draft, plan: Plan) -> None:
    draft.book["填报说明"]["A4"] = "别的"
    assert draft.plan().template_version("部门") == plan.template_version("部门")
