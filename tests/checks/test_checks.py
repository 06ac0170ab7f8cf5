"""Every check: what triggers it, at which cell, and that a right return triggers none."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from perfxl.checks.catalogue import CATALOGUE, IMPORTED
from perfxl.checks.methods import ratio_above_one
from perfxl.checks.runner import all_checks
from perfxl.excel.stamp import Stamp
from perfxl.plan.model import Plan
from perfxl.products.template import template
from perfxl.stages.check import FileCheck, check_file
from perfxl.stages.demo import SAMPLE_STAMP_KEY

KEY = SAMPLE_STAMP_KEY
Filled = Callable[..., FileCheck]


@pytest.fixture
def checked(plan: Plan, samples_maker: ModuleType, tmp_path: Path) -> Filled:
    """Fill in a right return of 101, spoil it, check it."""

    def run(
        spoil: Callable[[Any], object] = lambda _: None,
        stamp: Stamp | None = None,
        unit_code: str = "101",
    ) -> FileCheck:
        unit = plan.unit_by_code[unit_code]
        own = Stamp(plan.campaign.code, "return", plan.template_version(unit.kind), unit.code)
        form = samples_maker.Form(template(plan, unit, stamp or own.signed(KEY)))
        answers = samples_maker.right_answers(plan, unit, random.Random(7))
        samples_maker.fill(form, unit, answers)
        spoil(form)
        path = tmp_path / f"{unit.name}.xlsx"
        form.save(path)
        return check_file(path, plan, KEY)

    return run


def found(result: FileCheck) -> list[tuple[str, str, str]]:
    findings = result.result.findings
    return list(zip(findings["code"], findings["sheet"], findings["cell"], strict=True))


def row_of(form: Any, code: str) -> int:
    row: int = form.row("自评表", code, "编码")
    return row


def test_a_right_return_triggers_none(checked: Filled) -> None:
    result = checked()
    assert found(result) == []
    assert set(result.result.outcomes["outcome"]) == {"通过"}
    # Against a project list only where one was imported.
    applying = [one for one in CATALOGUE.values() if IMPORTED not in one.needs]
    assert len(result.result.outcomes) == len(applying)


def add_row(form: Any) -> None:
    sheet = form.sheet("自评表")
    sheet.insert_rows(8)
    for column, value in ((1, "1.1.9"), (2, "自己加的指标"), (3, 1), (6, 1)):
        sheet.cell(8, column).value = value


def repeat_row(form: Any) -> None:
    sheet = form.sheet("自评表")
    sheet.insert_rows(8)
    for column in range(1, 10):
        sheet.cell(8, column).value = sheet.cell(7, column).value


SPOILED: list[tuple[str, Callable[[Any], object], list[tuple[str, str, str]]]] = [
    ("name", lambda f: f.score("1.1.1", "指标", "别的指标"), [("F106", "自评表", "B6")]),
    ("extra row", add_row, [("F107", "自评表", "A8")]),
    ("repeated row", repeat_row, [("F108", "自评表", "A7")]),
    ("negative", lambda f: (f.score("1.1.2", "自评得分", -1), f.score("1.1.2", "扣分原因", "无")),
     [("F204", "自评表", "F7")]),
    ("blank required", lambda f: f.put("项目清单", 5, "项目名称", None),
     [("F401", "项目清单", "B5")]),
    ("bad date", lambda f: f.put("佐证材料", 4, "成文日期", "去年"), [("F402", "佐证材料", "E4")]),
    ("negative money", lambda f: f.put("项目清单", 4, "年初预算数", -5), [("F402", "项目清单", "D4")]),
    ("below computed", lambda f: (f.score("4.2", "自评得分", 1), f.score("4.2", "扣分原因", "谨慎")),
     [("F502", "自评表", f"F{20}")]),
    ("marks of a heading", lambda f: f.score("1", "分值", 20), [("F105", "自评表", "C4")]),
    ("subtotal as text", lambda f: f.score("1.1", "自评得分", "五分左右"), [("F206", "自评表", "F5")]),
    ("low execution", lambda f: (f.put("项目清单", 4, "全年执行数", 0.01),
                                 f.put("项目清单", 4, "偏差原因", None)),
     [("F405", "项目清单", "F4")]),
    ("dates out of order", lambda f: f.register("整改台账", [{
        "问题编号": "x", "问题描述": "d", "问题来源": "其他", "反馈日期": "2023-06-01",
        "整改期限": "2023-05-01", "完成情况": "整改中"}]), [("F405", "整改台账", "E4")]),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "wanted"), [case[1:] for case in SPOILED],
                         ids=[case[0] for case in SPOILED])  # fmt: skip
def test_a_mistake_is_found_at_its_cell(
    checked: Filled, spoil: Callable[[Any], object], wanted: list[tuple[str, str, str]]
) -> None:
    codes = {code for code, _, _ in wanted}
    assert [one for one in found(checked(spoil)) if one[0] in codes] == wanted


def test_a_zero_typed_over_a_subtotal_is_found_an_uncalculated_formula_is_not(
    checked: Filled,
) -> None:
    # No office program has calculated the formulas that stand in this form.
    assert found(checked()) == []
    cells = []

    def type_over(form: Any) -> None:
        form.score("1", "自评得分", 0)
        cells.append(f"F{row_of(form, '1')}")

    assert found(checked(type_over)) == [("F206", "自评表", cells[0])]


def test_a_forged_stamp_is_asked_about_and_does_not_speak(checked: Filled, plan: Plan) -> None:
    forged = Stamp(plan.campaign.code, "return", plan.template_version("部门"), "102", "0" * 16)
    result = checked(stamp=forged)
    assert result.unit.code == "101"
    assert found(result) == [("F109", "封面", "C5")]


def test_claims_on_what_does_not_apply_are_told(checked: Filled) -> None:
    def no_problems(form: Any) -> None:
        sheet = form.sheet("整改台账")
        for row in range(4, 10):
            for column in range(1, 10):
                sheet.cell(row, column).value = None
        form.score("6.1", "自评得分", 6)
        form.score("6.1", "扣分原因", None)

    result = checked(no_problems)
    row = result.computed[result.computed["indicator"] == "6.1"].iloc[0]
    assert not row["applies"]
    assert ("F503", "自评表", "F27") in found(result)


def test_a_check_whose_sheet_is_missing_could_not_run(checked: Filled) -> None:
    result = checked(lambda form: form.book.remove(form.sheet("自评表")))
    outcomes = dict(
        zip(result.result.outcomes["code"], result.result.outcomes["outcome"], strict=True)
    )
    assert outcomes["F103"] == "不通过"
    assert outcomes["F201"] == outcomes["F501"] == "无法检查"
    assert outcomes["F401"] == "通过"
    assert {code for code, _, _ in found(result)} == {"F103"}


def test_moved_columns_and_inserted_rows_still_read(checked: Filled) -> None:
    def move(form: Any) -> None:
        sheet = form.sheet("佐证材料")
        sheet.insert_cols(1)
        sheet.insert_rows(2)
        sheet.insert_rows(7)

    before, after = checked(), checked(move)
    assert found(after) == []
    kept = ["number", "title", "document_number", "url"]
    pd.testing.assert_frame_equal(before.tables.evidence[kept], after.tables.evidence[kept])


def test_a_ratio_above_one_is_found(plan: Plan) -> None:
    entries = pd.DataFrame(
        {"receipt": ["r"], "unit": ["101"], "sheet": ["自评表"], "row": [9], "kind": ["部门"],
         "indicator": ["4.1"], "name": ["监控"]}
    )  # fmt: skip
    items = pd.DataFrame(
        {"receipt": ["r", "r"], "item": ["监控项目数", "项目数"],
         "value": pd.array([500, 400], dtype="Int64")}
    )  # fmt: skip
    assert list(ratio_above_one(entries, items, plan)["indicator"]) == ["4.1"]
    items["value"] = pd.array([400, 400], dtype="Int64")
    assert not len(ratio_above_one(entries, items, plan))


def test_codes_are_unique_and_every_check_explains_itself() -> None:
    assert all_checks() == [CATALOGUE[code] for code in sorted(CATALOGUE)]
    assert list(CATALOGUE) == list(dict.fromkeys(CATALOGUE))
    for entry in CATALOGUE.values():
        assert entry.title and entry.message and entry.remedy
        assert entry.rule.endswith("."), entry.code


def test_a_register_left_empty_is_asked_about(checked: Filled) -> None:
    def no_projects(form: Any) -> None:
        sheet = form.sheet("项目清单")
        for row in range(4, 20):
            for column in range(1, 16):
                sheet.cell(row, column).value = None

    result = checked(no_projects)
    asked = [cell for code, _, cell in found(result) if code == "F506"]
    assert len(asked) == 6


def test_a_blank_line_that_was_not_written_is_told_as_what_it_may_be(checked: Filled) -> None:
    """LibreOffice leaves out the cells of a cleared row; nobody is asked to delete anything."""

    def clear_a_row(form: Any) -> None:
        sheet = form.sheet("佐证材料")
        for column in range(2, 8):
            sheet.cell(30, column).value = sheet.cell(5, column).value
            sheet.cell(5, column).value = None
        sheet.cell(30, 1).value = sheet.cell(5, 1).value
        del sheet._cells[5, 1]

    findings = checked(clear_a_row).result.findings
    (told,) = findings[findings["code"].isin(["F111", "F113"])].itertuples(index=False)
    assert told.code == "F113"
    assert "“佐证材料”第 29 行缺少单元格" in told.message
    assert "删除" not in told.remedy


def test_formulas_that_no_program_calculated_are_told(checked: Filled) -> None:
    """Excel shows their results, and there is nothing to read; other columns are ours to fill in."""

    def type_formulas(form: Any) -> None:
        sheet = form.sheet("项目清单")
        labels = {str(cell.value): cell.column for cell in sheet[3] if cell.value}
        column = next(at for label, at in labels.items() if label.startswith("年初预算数"))
        for row in (4, 5):
            sheet.cell(row, column).value = "=60+40"

    told = checked(type_formulas).result.findings
    (one,) = told[told["code"] == "F113"].itertuples(index=False)
    assert re.search(r"“项目清单”([A-Z])4、(?:\1)5的公式没有结果", one.message)


def test_formulas_of_the_template_alone_are_not_told(checked: Filled) -> None:
    findings = checked(lambda form: None).result.findings
    assert "F113" not in set(findings["code"])
