"""The plan workbook: written from Markdown, read back, refused with every mistake at once."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from perfxl.campaign import read_plan_file
from perfxl.errors import PlanRefused
from perfxl.excel.reader import read_workbook
from perfxl.plan.markdown import from_markdown, to_markdown
from perfxl.plan.model import Plan
from perfxl.plan.reading import plan_records
from perfxl.products.plan_workbook import plan_workbook

SOURCES = (
    "workbook_templates/考核方案.md",
    "workbook_templates/县级考核方案.md",
    "samples/agencies/考核方案.md",
)


@pytest.mark.parametrize("source", SOURCES)
def test_the_committed_workbook_is_what_its_source_gives(repository: Path, source: str) -> None:
    text = (repository / source).read_text(encoding="utf-8")
    built = plan_workbook(from_markdown(text))
    for data in (built, (repository / source).with_suffix(".xlsx").read_bytes()):
        assert to_markdown(plan_records(read_workbook(data).sheets)) == text


def test_the_sample_plan(plan: Plan) -> None:
    assert {kind: len(list(plan.units_of(kind))) for kind in plan.kinds} == {"部门": 22, "乡镇": 9}
    assert all(rubric.full_marks == 10_000 for rubric in plan.rubrics.values())
    assert [row.code for row in plan.rubrics["部门"].rows[:6]] == [
        "1", "1.1", "1.1.1", "1.1.2", "1.2", "1.2.1",
    ]  # fmt: skip
    assert plan.rubrics["部门"].rows[0].full_marks == 1500
    assert all(unit.email.endswith("@example.com") for unit in plan.units)


def test_markdown_carries_every_text() -> None:
    sheets = {"表": (["甲", "乙"], [{"甲": "a|b\\c\n第二行", "乙": "<br>"}, {"甲": "", "乙": "|"}])}
    rows = from_markdown(to_markdown(sheets))["表"]
    assert rows[0]["甲"] == "a|b\\c\n第二行"
    assert rows[1] == {"甲": "", "乙": "|"}


def refuse(repository: Path, edits: dict[str, dict[str, object]]) -> dict[tuple[str, str], str]:
    """The mistakes (sheet, cell → code) of the sample plan after typing into cells."""
    book = openpyxl.load_workbook(repository / "workbook_templates" / "考核方案.xlsx")
    for sheet, cells in edits.items():
        for cell, value in cells.items():
            book[sheet][cell] = value
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(PlanRefused) as refused:
        read_plan_file(buffer.getvalue(), "考核方案.xlsx")
    assert str(len(refused.value.mistakes)) in str(refused.value)
    return {(m.place.sheet, m.place.cell): m.code for m in refused.value.mistakes}


def test_every_mistake_comes_at_once_with_its_cell(repository: Path) -> None:
    mistakes = refuse(
        repository,
        {
            "考核信息": {"B6": "二〇二三", "B13": "零点五"},
            "等级标准": {"B5": 95},
            "单位名录": {"A5": "101", "D6": "企业", "B7": ""},
            "指标体系（部门）": {"E4": 5, "G5": "目测", "H6": "没有的数据项"},
            "数据项": {"G4": "材料类别像内部制度", "C5": "听说"},
            "登记表": {"C4": "图片", "H13": "约等于[全年预算数]", "I13": "没有的列"},
        },
    )
    assert mistakes == {
        ("考核信息", "B6"): "P105",
        ("考核信息", "B13"): "P105",
        ("等级标准", "B5"): "P109",
        ("单位名录", "A5"): "P110",
        ("单位名录", "D6"): "P111",
        ("单位名录", "B7"): "P104",
        ("指标体系（部门）", "A4"): "P117",
        ("指标体系（部门）", "G5"): "P106",
        ("指标体系（部门）", "H6"): "P114",
        ("数据项", "G4"): "P116",
        ("数据项", "C5"): "P106",
        ("登记表", "C4"): "P106",
        ("登记表", "H13"): "P116",
        ("登记表", "I13"): "P115",
    }


def test_a_missing_sheet_is_named(repository: Path) -> None:
    book = openpyxl.load_workbook(repository / "workbook_templates" / "考核方案.xlsx")
    del book["单位名录"]
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(PlanRefused, match="单位名录"):
        read_plan_file(buffer.getvalue(), "考核方案.xlsx")


def test_the_version_of_a_template_ignores_what_it_does_not_show(
    plan: Plan, repository: Path
) -> None:
    book = openpyxl.load_workbook(repository / "workbook_templates" / "考核方案.xlsx")
    book["单位名录"]["G4"] = "0358-0000000"
    buffer = io.BytesIO()
    book.save(buffer)
    assert read_plan_file(buffer.getvalue(), "p").template_version("部门") == plan.template_version(
        "部门"
    )
    book["指标体系（部门）"]["F4"] = "换了评分标准"
    buffer = io.BytesIO()
    book.save(buffer)
    changed = read_plan_file(buffer.getvalue(), "p")
    assert changed.template_version("部门") != plan.template_version("部门")
    assert changed.template_version("乡镇") == plan.template_version("乡镇")
