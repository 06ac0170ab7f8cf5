"""Items from other campaigns and missing choices: each slip in the plan is told at its cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from perfxl.campaign import read_plan_file
from perfxl.errors import PlanRefused
from perfxl.plan.markdown import from_markdown
from perfxl.plan.model import Borrowed, CampaignFigure, OtherCampaign, Plan
from perfxl.products.plan_workbook import plan_workbook

SOURCE = Path(__file__).resolve().parent.parent.parent / "workbook_templates" / "县级考核方案.md"
RECORDS = from_markdown(SOURCE.read_text(encoding="utf-8"))
ORDER = [row["数据项"] for row in RECORDS["数据项"]]
BORROWED, MONTHLY = "开展部门整体绩效目标管理的部门数", "月报迟报漏报次数"
Sheets = dict[str, list[dict[str, str]]]


def plan_after(change: Callable[[Sheets], object]) -> Plan:
    sheets = {name: [dict(row) for row in rows] for name, rows in RECORDS.items()}
    change(sheets)
    return read_plan_file(plan_workbook(sheets), "考核方案.xlsx")


def found(change: Callable[[Sheets], object]) -> list[tuple[str, str, str]]:
    with pytest.raises(PlanRefused) as refused:
        plan_after(change)
    mistakes = refused.value.mistakes
    assert all(one.what for one in mistakes)
    return [(one.code, one.place.sheet, one.place.cell) for one in mistakes]


def item(name: str, **cells: str) -> Callable[[Sheets], object]:
    return lambda sheets: sheets["数据项"][ORDER.index(name)].update(cells)


def cell(name: str, column: str) -> str:
    return f"{column}{4 + ORDER.index(name)}"


def test_the_shipped_plan_names_what_it_takes() -> None:
    plan = plan_after(lambda sheets: sheets["引用考核"][0].update({"文件夹": "../考核2023"}))
    assert plan.other_campaigns == (OtherCampaign("部门考核", "../考核2023"),)
    taken = plan.item(BORROWED, "县级")
    assert taken is not None
    assert taken.borrowed == Borrowed("部门考核", CampaignFigure.SCORING, "部门", "3.2")
    assert taken in plan.reported_items("县级")


@pytest.mark.parametrize(
    ("change", "code", "name", "column"),
    [
        (item(MONTHLY, 统计列="月份、报送内容"), "P130", MONTHLY, "F"),
        (item(MONTHLY, 统计列="月份、报送人"), "P115", MONTHLY, "F"),
        (item(MONTHLY, 统计列=""), "P104", MONTHLY, "F"),
        (item(BORROWED, 统计列="参加单位数"), "P106", BORROWED, "F"),
        (item(BORROWED, 统计列=""), "P104", BORROWED, "F"),
        (
            item(BORROWED, 登记表="项目清单", 统计方式="缺少的选项个数", 筛选条件=""),
            "P131",
            BORROWED,
            "E",
        ),
        (item(BORROWED, 登记表="项目清单", 统计方式="计数"), "P132", BORROWED, "G"),
        (item(BORROWED, 筛选条件="单位类别=部门"), "P132", BORROWED, "G"),
        (item(BORROWED, 筛选条件="单位类别≠部门；指标=3.2"), "P132", BORROWED, "G"),
        (item(BORROWED, 筛选条件="指标"), "P132", BORROWED, "G"),
        (item(BORROWED, 筛选条件="指标=3.2；等级=优"), "P132", BORROWED, "G"),
        (item(BORROWED, 筛选条件="考核=乡镇考核；指标=3.2"), "P133", BORROWED, "G"),
        (item("一级预算部门数", 筛选条件="指标=3.2"), "P132", "一级预算部门数", "G"),
    ],
)
def test_a_slip_in_an_item(
    change: Callable[[Sheets], object], code: str, name: str, column: str
) -> None:
    told = found(change)
    assert (code, "数据项", cell(name, column)) in told
    assert {(sheet, place) for _, sheet, place in told} == {("数据项", cell(name, column))}


def test_a_register_of_another_campaign_is_not_held_against_this_plan() -> None:
    change = item(
        BORROWED, 登记表="项目清单", 统计方式="合计", 统计列="全年预算数",
        筛选条件="考核＝部门考核；设置绩效目标=是；全年执行数<[全年预算数]",
    )  # fmt: skip
    taken = plan_after(change).item(BORROWED, "县级")
    assert taken is not None
    assert taken.borrowed == Borrowed("部门考核")
    assert [str(one) for one in taken.conditions] == ["设置绩效目标=是", "全年执行数<[全年预算数]"]


def test_no_campaign_or_one_too_many() -> None:
    assert {code for code, _, _ in found(lambda sheets: sheets.pop("引用考核"))} == {"P133"}
    twice = {"考核": "部门考核 ", "文件夹": "", "说明": ""}
    assert ("P110", "引用考核", "A5") in found(lambda sheets: sheets["引用考核"].append(twice))
    other = {**twice, "考核": "乡镇考核"}
    told = found(lambda sheets: sheets["引用考核"].append(other))
    assert {code for code, _, _ in told} == {"P133"}
    assert len(told) == 3


def test_columns_that_name_a_row_together() -> None:
    plan = plan_after(lambda _: None)
    keys = {register.name: register.key for register in plan.registers if register.key}
    assert keys["月度报送"] == ("月份", "报送事项")
    wrong = lambda sheets: sheets["登记表"][0].update({"唯一": "都要"})  # noqa: E731
    assert found(wrong) == [("P106", "登记表", "G4")]


def test_an_indicator_judged_by_hand_shows_the_rows_of_an_item() -> None:
    plan = plan_after(lambda _: None)
    rubric = plan.rubrics["县级"]
    assert rubric.by_code["1.2.4"].supported_by == "共性指标数"
    assert rubric.by_code["1.2.1"].supported_by == ""
    sheet = "指标体系（县级）"
    at = next(n for n, row in enumerate(RECORDS[sheet]) if row["编码"] == "1.2.4")
    unknown = lambda sheets: sheets[sheet][at].update({"数据项": "没有的"})  # noqa: E731
    # The sentences of the report that draw on the score are told as well.
    assert [one for one in found(unknown) if one[1] == sheet] == [("P114", sheet, f"H{4 + at}")]
