"""Registers, filters and evidence as offices type them: each slip is told at its cell, once."""

from __future__ import annotations

import pytest
from plan_draft import DEPARTMENTS, TOWNSHIPS, Draft

from perfxl.errors import Mistake
from perfxl.plan.model import Condition, Relation


@pytest.mark.parametrize("name", ["封面", "history", "_perfxl", "评分表", "自评 表"])
def test_a_register_named_as_a_sheet_of_perfxl(draft: Draft, name: str) -> None:
    sheet = draft.book["登记表"]
    sheet.append([name, "甲", "文本"])
    sheet.append([name, "乙", "文本"])
    assert draft.found() == [("P108", "登记表", f"A{sheet.max_row - 1}")]


def test_registers_that_differ_only_in_spelling(draft: Draft) -> None:
    sheet = draft.book["登记表"]
    for name in ("List", "LIST", "LIST", "List"):
        sheet.append([name, f"列{sheet.max_row}", "文本"])
    assert draft.found() == [("P110", "登记表", f"A{sheet.max_row - 2}")]


@pytest.mark.parametrize("label", ["receipt", "unit", "sheet", "row"])
def test_labels_that_perfxl_needs_for_itself(draft: Draft, label: str) -> None:
    assert draft.found_after("登记表", "备注", "列名", label) == [("P108", "登记表", "B10")]


# Filters and rules


def filtered(draft: Draft, text: str, item: str = "监控项目数") -> list[Mistake]:
    draft.put("数据项", item, "筛选条件", text)
    return draft.mistakes()


@pytest.mark.parametrize(
    "text",
    [
        "全年预算数=", "完成日期≠", "开展绩效监控≥", "开展绩效监控=有", "项目名称>甲",
        "全年预算数＞很多", "开展绩效监控", "开展绩效监控!=有",
    ],
)  # fmt: skip
def test_filters_that_no_cell_can_meet(draft: Draft, text: str) -> None:
    item = "按期完成整改问题数" if text.startswith("完成日期") else "监控项目数"
    (mistake,) = filtered(draft, text, item)
    cell = draft.cell("数据项", item, "筛选条件").coordinate
    assert (mistake.code, mistake.place.cell) == ("P116", cell)
    assert mistake.remedy


def test_full_width_filters_and_rules_are_read(draft: Draft) -> None:
    draft.put("数据项", "监控项目数", "筛选条件", "开展绩效监控＝是；全年执行数＜＝［全年预算数］")
    draft.put("数据项", "项目数", "筛选条件", "偏差原因≠；备注=；全年预算数＞１００")
    draft.put("登记表", "全年执行数", "校验规则", "＜＝［全年预算数］；＞＝90％×［全年 预算数］")
    plan = draft.plan()
    item = plan.item("监控项目数", "部门")
    assert item is not None
    assert item.conditions == (
        Condition("开展绩效监控", Relation.EQUAL, "是"),
        Condition("全年执行数", Relation.AT_MOST, other_column="全年预算数"),
    )
    item = plan.item("项目数", "部门")
    assert item is not None
    assert item.conditions[2] == Condition("全年预算数", Relation.GREATER, "100")
    register = next(one for one in plan.registers if one.name == "项目清单")
    rules = {one.column.label: [str(rule) for rule in one.rules] for one in register.columns}
    assert rules["全年执行数"] == ["≤[全年预算数]", "≥90%×[全年预算数]"]


def test_a_column_with_full_width_brackets_can_be_filtered_by(draft: Draft) -> None:
    draft.put("登记表", "开展绩效监控", "列名", "监控（次）情况")
    draft.put("数据项", "监控项目数", "筛选条件", "监控（次）情况=是")
    item = draft.plan().item("监控项目数", "部门")
    assert item is not None
    assert item.conditions[0].column == "监控（次）情况"


def test_a_column_of_unknown_kind_is_told_once(draft: Draft) -> None:
    cell = draft.put("登记表", "全年预算数", "类型", "钱")
    assert draft.found() == [("P106", "登记表", cell)]


def test_a_register_that_cannot_be_read_is_told_once(draft: Draft) -> None:
    draft.book["登记表"]["B3"] = "栏目"
    assert draft.found() == [("P103", "登记表", "A3")]


# Evidence


def test_evidence_without_a_register_for_it(draft: Draft) -> None:
    draft.put("登记表", "材料编号", "类型", "文本")
    found = draft.found()
    assert {code for code, _, _ in found} == {"P118"}
    assert ("P118", DEPARTMENTS, draft.cell(DEPARTMENTS, "1.1.1", "评分方法").coordinate) in found
    assert ("P118", DEPARTMENTS, draft.cell(DEPARTMENTS, "1.1.2", "佐证件数").coordinate) in found
    assert len(found) == len(set(found))


def test_an_address_without_a_column_for_it(draft: Draft) -> None:
    draft.put("登记表", "公开网址", "类型", "文本")
    assert draft.found() == [
        ("P118", sheet, draft.cell(sheet, "7.1", "需网址").coordinate)
        for sheet in (DEPARTMENTS, TOWNSHIPS)
    ]


def test_an_unknown_kind_says_nothing_of_evidence(draft: Draft) -> None:
    cell = draft.put("登记表", "材料编号", "类型", "编号")
    assert draft.found() == [("P106", "登记表", cell)]


@pytest.mark.parametrize("pieces", ["一", 1.5, -1, 0])
def test_an_unreadable_number_of_pieces_is_one_mistake(draft: Draft, pieces: object) -> None:
    cell = draft.put(DEPARTMENTS, "1.1.1", "佐证件数", pieces)
    assert draft.found() == [("P105", DEPARTMENTS, cell)]
