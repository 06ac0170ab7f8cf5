"""Plans as offices really type them: each slip is told at its cell, once, with what to do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from plan_draft import DEPARTMENTS, TOWNSHIPS, Draft

from perfxl.campaign import read_plan_file
from perfxl.errors import PlanRefused
from perfxl.excel.reader import read_workbook
from perfxl.plan.markdown import from_markdown
from perfxl.plan.methods import Manual
from perfxl.plan.model import Indicator, Plan
from perfxl.plan.names import kind_of_sheet, name_fault
from perfxl.plan.outline import rubric_rows
from perfxl.plan.reading import plan_records
from perfxl.products.plan_workbook import plan_workbook
from perfxl.values import moment_of


def test_the_draft_itself_is_right(draft: Draft, plan: Plan) -> None:
    assert draft.plan() == plan


# Grades


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ((0.9, 0.8, 0.6, 0), ("B4", "B5", "B6")),
        ((90, 0.85, 60, 0), ("B5",)),
        ((900, 80, 60, 0), ("B4",)),
        ((0.925, 80, 60, 0), ("B4",)),
    ],
)
def test_a_grade_typed_as_a_fraction(
    draft: Draft, typed: tuple[float, ...], wrong: tuple[str, ...]
) -> None:
    for row, threshold in enumerate(typed, 4):
        draft.book["等级标准"].cell(row, 2).value = threshold
        draft.book["等级标准"].cell(row, 2).number_format = "0%"
    mistakes = draft.mistakes()
    assert [(m.code, m.place.cell) for m in mistakes] == [("P105", cell) for cell in wrong]
    assert all("应写 90，不写 0.9 或 90% 格式" in m.what for m in mistakes)


def test_one_unreadable_grade_is_one_mistake(draft: Draft) -> None:
    draft.book["等级标准"]["B7"] = "零"
    assert draft.found() == [("P105", "等级标准", "B7")]
    draft.book["等级标准"]["B7"] = 10
    assert draft.found() == [("P109", "等级标准", "B7")]


# Codes and names


@pytest.mark.parametrize("value", [dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 8, 30)])
def test_a_code_that_excel_made_a_date(draft: Draft, value: object) -> None:
    cells = [
        ("P105", DEPARTMENTS, draft.put(DEPARTMENTS, "1.1.1", "编码", value)),
        ("P105", "单位名录", draft.put("单位名录", "102", "单位编码", value)),
    ]
    assert draft.found() == cells


def test_numeric_codes_may_collide(draft: Draft) -> None:
    draft.put(DEPARTMENTS, "2.1", "编码", 2.1)
    assert draft.plan().rubrics["部门"].by_code["2.1"].name == "新增重大项目事前绩效评估"
    cell = draft.put(DEPARTMENTS, "3.1", "编码", 2.10)
    (mistake,) = draft.mistakes()
    assert (mistake.code, mistake.place.cell) == ("P110", cell)
    assert mistake.remedy == "编码须设为文本格式，否则 1.10 会变成 1.1"


def test_names_that_differ_only_in_spelling(draft: Draft) -> None:
    draft.put("单位名录", "101", "单位编码", "bm1")
    draft.put(DEPARTMENTS, "1.1.1", "编码", "a1")
    draft.put("单位名录", "104", "单位名称", "石楼县 公安局")
    cells = [
        ("P110", DEPARTMENTS, draft.put(DEPARTMENTS, "1.1.2", "编码", "A 1")),
        ("P110", "单位名录", draft.put("单位名录", "102", "单位编码", "ＢＭ1")),
        ("P110", "单位名录", draft.cell("单位名录", "105", "单位名称").coordinate),
    ]
    assert draft.found() == cells


def test_blank_codes_do_not_repeat_each_other(draft: Draft) -> None:
    cells = [draft.put("单位名录", code, "单位编码", None) for code in ("103", "104")]
    assert draft.found() == [("P104", "单位名录", cell) for cell in cells]


def test_headings_keep_clear_of_the_codes_of_indicators() -> None:
    def leaf(code: str, *names: str) -> Indicator:
        return Indicator(code, names, 100, "", Manual())

    rows = rubric_rows((leaf("一", "甲", "乙"), leaf("(二)", "甲", "丙"), leaf("二", "丁", "戊")))
    assert [row.code for row in rows] == ["（一）", "一", "(二)", "（（二））", "二"]
    rows = rubric_rows((leaf("A1", "甲", "乙"), leaf("A2", "丙")))
    assert [row.code for row in rows] == ["一", "A1", "A2"]


@pytest.mark.parametrize(
    ("sheet", "kind"),
    [
        ("指标体系（学校（公办））", "学校（公办）"),
        ("指标体系 (学校(公办)) ", "学校（公办）"),
        ("指标体系【乡镇】", "乡镇"),
        ("指标体系［乡镇］", "乡镇"),
        ("指标体系-乡镇", "乡镇"),
        ("指标体系——乡镇", "乡镇"),
        ("指标体系：乡镇", "乡镇"),
        ("指标体系_-乡镇", "-乡镇"),
        ("指标体系（甲）（乙）", "（甲）（乙）"),
        ("指标体系乡镇", "乡镇"),
    ],
)
def test_the_kind_that_a_sheet_names(sheet: str, kind: str) -> None:
    assert kind_of_sheet(sheet, "指标体系") == kind


def test_kinds_in_brackets_and_other_spellings_agree(draft: Draft) -> None:
    draft.book[TOWNSHIPS].title = "指标体系（乡镇（a类））"
    for number, row in enumerate(draft.book["单位名录"].iter_rows(min_row=4)):
        if row[3].value == "乡镇":
            row[3].value = "乡镇(A类)" if number % 2 else "乡镇（a类）"
    plan = draft.plan()
    assert plan.kinds == ("部门", "乡镇（a类）")
    assert len(list(plan.units_of("乡镇（a类）"))) == 9
    draft.book.create_sheet("指标体系-乡镇(A类)")
    assert draft.found() == [("P110", "指标体系-乡镇(A类)", "")]


def test_a_badly_named_rubric_is_told_once(draft: Draft) -> None:
    draft.book[TOWNSHIPS].title = "指标体系" + "很长" * 11
    assert draft.found() == [("P108", "指标体系" + "很长" * 11, "")]


@pytest.mark.parametrize(
    "name",
    ["a/b", "局.", ".局", " 局", "CON", "nul.局", "COM3", "lpt9.txt", "甲\u200b乙", "甲\n乙", "甲'乙"],
)  # fmt: skip
def test_names_that_files_and_sheets_cannot_have(name: str) -> None:
    assert name_fault(name)


def test_names_that_files_and_sheets_can_have() -> None:
    for name in ("石楼县公安局", "CONTROL", "COM10", "乡镇（一）", "v1.2"):
        assert name_fault(name, 20) == ""
    assert name_fault("𠮷" * 10, 20) == ""
    assert name_fault("𠮷" * 11, 20)


def test_bad_names_everywhere(draft: Draft) -> None:
    cells = [
        ("P108", "考核信息", draft.info("考核编号", "AUX")),
        ("P108", "登记表", draft.put("登记表", "整改台账", "登记表", "_PerfXL")),
        ("P108", DEPARTMENTS, draft.put(DEPARTMENTS, "5.4", "负责股室", "股" * 61)),
        ("P108", "单位名录", draft.put("单位名录", "101", "单位编码", "NUL.1")),
        ("P108", "单位名录", draft.put("单位名录", "102", "单位名称", "石楼\u200b县")),
        ("P108", "单位名录", draft.put("单位名录", "103", "单位名称", "局" * 60)),
        ("P108", "单位名录", draft.put("单位名录", "104", "负责股室", "预算股.")),
        ("P108", "单位名录", draft.put("单位名录", "105", "单位类别", "部\u200b门")),
    ]
    found = draft.found()
    assert [one for one in found if one[0] == "P108"] == cells


# 考核信息


@pytest.mark.parametrize(("value", "code"), [(None, "P104"), (0, "P105"), ("一分", "P105")])
def test_a_late_deduction_of_nothing(draft: Draft, value: object, code: str) -> None:
    draft.info("逾期规则", "总分扣减")
    assert draft.found_after("考核信息", "逾期扣分", "内容", value) == [(code, "考核信息", "B17")]


def test_a_step_above_the_smallest_marks(draft: Draft) -> None:
    cell = draft.info("打分步长", 2.5)
    (mistake,) = draft.mistakes()
    assert (mistake.code, mistake.place.cell) == ("P105", cell)
    assert "大于最小的分值 2" in mistake.what
    assert "1.1.2" in mistake.what


def test_unknown_and_repeated_items(draft: Draft) -> None:
    draft.put("考核信息", "满分", "项目", "满份")
    draft.put("考核信息", "考核名称", "项目", "考核名秤")
    sheet = draft.book["考核信息"]
    sheet.append(["联系人 ", "李四"])
    mistakes = draft.mistakes()
    assert [(m.code, m.place.cell) for m in mistakes] == [
        ("P110", f"A{sheet.max_row}"),
        ("P106", "A5"),
        ("P106", "A12"),
    ]
    assert [m.remedy for m in mistakes] == ["请只留一行", "应为“考核名称”", "应为“满分”"]


def test_mistakes_name_the_item(draft: Draft) -> None:
    draft.info("并列规则", "随便")
    draft.info("发文机关", None)
    assert sorted(m.what.partition("”")[0] for m in draft.mistakes()) == ["“发文机关", "“并列规则"]


def test_unreadable_full_marks_say_nothing_of_the_sums(draft: Draft) -> None:
    cell = draft.info("满分", "一百五")
    assert draft.found() == [("P105", "考核信息", cell)]


# Sheets


def test_sheets_are_found_whatever_spaces_their_names_have(draft: Draft, plan: Plan) -> None:
    draft.book["单位名录"].title = "单位名录 "
    draft.book[DEPARTMENTS].title = " 指标体系 （部门）"
    assert draft.plan() == plan
    records = plan_records(read_workbook(draft.bytes()).sheets)
    assert "单位名录" in records
    draft.put("单位名录 ", "103", "单位编码", None)
    draft.put(" 指标体系 （部门）", "1.1.1", "评分方法", "目测")
    assert [sheet for _, sheet, _ in draft.found()] == [" 指标体系 （部门）", "单位名录 "]


def test_two_sheets_of_one_name(draft: Draft) -> None:
    draft.book.create_sheet("单位名录 ")
    assert draft.found() == [("P110", "单位名录 ", "")]


# Writing, moments


def test_a_plan_is_written_as_it_was_typed(repository: Path) -> None:
    source = (repository / "workbook_templates" / "考核方案.md").read_text(encoding="utf-8")
    records = from_markdown(source)
    records[DEPARTMENTS][0]["分值"] = "3.004"
    records["考核信息"].append({"项目": "满份", "内容": "90"})
    with pytest.raises(PlanRefused) as refused:
        read_plan_file(plan_workbook(records), "p")
    assert [(m.code, m.place.sheet, m.place.cell) for m in refused.value.mistakes] == [
        ("P106", "考核信息", "A28"),
        ("P105", DEPARTMENTS, "E4"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026年2月10日18:00", "2026年2月10日 18时00分", "2026-02-10T18:00", "2026-02-10T18:00:00",
        "2026-02-10 18：00", "2026年2月10日18时", "2026/2/10  18:00",
    ],
)  # fmt: skip
def test_moments_as_they_are_typed(text: str) -> None:
    assert moment_of(text) == dt.datetime(2026, 2, 10, 18, 0)


@pytest.mark.parametrize("text", ["2026-02-1018:00", "2026-02-10 25:00", "2026-02-10 18", "18:00"])
def test_what_is_no_moment(text: str) -> None:
    assert moment_of(text) is None
