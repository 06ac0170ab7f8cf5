"""The plan's sheet 项目导入: what it declares, and every mistake at its cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfxl.errors import PlanRefused
from perfxl.plan.markdown import from_markdown
from perfxl.plan.model import ImportUse, Plan
from perfxl.plan.reading import read_plan
from perfxl.tables import Severity

SHEET = "项目导入"
LABELS = ["系统列名", "用途", "登记表", "登记表列", "差异处理", "金额单位", "取值对照"]
TEMPLATES = Path(__file__).resolve().parents[2] / "workbook_templates"
Sheets = dict[str, list[list[str]]]


@pytest.fixture
def sheets() -> Sheets:
    """The sample plan as rows; headings stand in the first."""
    records = from_markdown((TEMPLATES / "考核方案.md").read_text(encoding="utf-8"))
    return {
        name: [list(rows[0]), *(list(row.values()) for row in rows)] if rows else []
        for name, rows in records.items()
        if rows
    }


def found(sheets: Sheets) -> list[tuple[str, str, str]]:
    with pytest.raises(PlanRefused) as refused:
        read_plan("考核方案.xlsx", sheets)
    return [(one.code, one.place.sheet, one.place.cell) for one in refused.value.mistakes]


def row_of(sheets: Sheets, source: str) -> int:
    return next(n for n, row in enumerate(sheets[SHEET]) if row[0] == source)


def test_what_it_declares(plan: Plan) -> None:
    declared = plan.project_import
    assert declared is not None
    assert declared.register == "项目清单"
    assert declared.units == ("单位编码", "单位名称")
    assert [(c.source, c.use, c.column.label, c.severity, c.money) for c in declared.columns] == [
        ("项目编码", ImportUse.PROJECT, "项目编码", Severity.VERIFY, ""),
        ("项目名称", ImportUse.PREFILL, "项目名称", Severity.VERIFY, ""),
        ("资金性质", ImportUse.PREFILL, "资金性质", Severity.VERIFY, ""),
        ("全年预算数", ImportUse.SUM, "全年预算数", Severity.ERROR, "元"),
        ("年初预算数", ImportUse.SUM, "年初预算数", Severity.ERROR, "元"),
    ]
    assert declared.columns[2].words["政府性基金"] == "政府性基金预算"


def test_the_sheet_may_be_absent(sheets: Sheets) -> None:
    del sheets[SHEET]
    assert read_plan("考核方案.xlsx", sheets).project_import is None


@pytest.mark.parametrize(
    ("source", "label", "value", "code"),
    [
        ("项目编码", "登记表", "项目表", "P160"),
        ("项目编码", "登记表列", "项目号", "P160"),
        ("单位编码", "登记表", "项目清单", "P161"),
        ("项目名称", "用途", "合计后预填", "P161"),
        ("项目名称", "用途", "认定项目", "P161"),
        ("全年预算数", "金额单位", "", "P162"),
        ("全年预算数", "金额单位", "千元", "P162"),
        ("项目名称", "金额单位", "元", "P162"),
        ("单位名称", "系统列名", "单位编码", "P163"),
        ("年初预算数", "登记表列", "全年预算数", "P163"),
        ("资金性质", "取值对照", "政府性基金", "P164"),
        ("资金性质", "取值对照", "基金=没有这个", "P164"),
        ("资金性质", "取值对照", "基金=政府性基金预算；基金=一般公共预算", "P164"),
        ("项目名称", "取值对照", "甲=乙", "P164"),
        ("全年预算数", "差异处理", "改正", "P165"),
        ("全年预算数", "用途", "填", "P106"),
        ("全年预算数", "系统列名", "", "P104"),
    ],
)
def test_a_mistake_is_told_at_its_cell(
    sheets: Sheets, source: str, label: str, value: str, code: str
) -> None:
    row, column = row_of(sheets, source), LABELS.index(label)
    sheets[SHEET][row][column] = value
    assert found(sheets) == [(code, SHEET, f"{'ABCDEFG'[column]}{row + 1}")]


def test_all_rows_fill_one_register(sheets: Sheets) -> None:
    row = row_of(sheets, "项目名称")
    sheets[SHEET][row][2:4] = ["佐证材料", "材料名称"]
    assert found(sheets) == [("P160", SHEET, f"C{row + 1}")]


@pytest.mark.parametrize("use", ["认定单位", "认定项目"])
def test_without_a_column_that_tells_units_or_projects(sheets: Sheets, use: str) -> None:
    sheets[SHEET] = [row for row in sheets[SHEET] if row[1] != use]
    assert found(sheets) == [("P161", SHEET, "")]
