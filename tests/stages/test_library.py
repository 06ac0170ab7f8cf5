"""The indicator library through its stages: what people decide is done, and nothing else."""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner
from openpyxl.comments import Comment
from openpyxl.styles import PatternFill

from perfxl.campaign import read_plan_file
from perfxl.cli import cli
from perfxl.errors import (
    AlreadyThere,
    LibraryDamaged,
    LibraryRefused,
    NoLibrary,
    NothingToDo,
    NotInLibrary,
    NotInPlan,
    PerfxlError,
    PlanRefused,
    WorkbookHeld,
    WrongWorkbook,
)
from perfxl.excel.edits import SheetEdit, edited_workbook
from perfxl.excel.reader import read_workbook
from perfxl.excel.stamp import Stamp
from perfxl.indicator_library.merging import AS_SUGGESTED
from perfxl.indicator_library.model import INDICATORS, LABELS, Library
from perfxl.indicator_library.reading import read_library
from perfxl.indicator_library.searching import alike, search
from perfxl.products.template import template
from perfxl.stages.indicator_library import (
    Given,
    Opened,
    changes_of,
    entries_of,
    find_library,
    import_files,
    merge_choices,
    new_library,
    new_library_bytes,
    record,
    retire,
)
from perfxl.stages.insert_indicators import insert
from perfxl.stages.register_indicators import enter
from perfxl.stages.year import new_year, read_year

NOW = dt.datetime(2024, 3, 1, 9)
NEXT_YEAR = dt.datetime(2025, 3, 3, 9)
BY = "张三"


def library_at(path: Path) -> Library:
    return read_library(path.name, read_workbook(path.read_bytes(), path.name).sheets)


def other_county(path: Path) -> Path:
    """Another county's indicators, in its own headings, with merged cells and a column of its own."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "个性指标"
    sheet.append(["某县2022年分行业绩效指标库"])
    sheet.append([])
    sheet.append(
        ["行业", "一级指标", "二级指标", "三级指标", "指标解释", "计算公式", "指标值", "适用资金"]
    )
    for row in (
        (
            "教育",
            "产出",
            "数量",
            "培训教师人数",
            "参加培训的教师人数",
            "按签到统计",
            "≥200人",
            "全部",
        ),
        (None, None, "质量", "产出质量达标率", "达标的比例", "达标数÷总数", "=100%", ""),
        (None, "满意度", "服务对象满意度", "服务对象满意程度", "满意的比例", "问卷", "≥95%", ""),
        ("农业农村", "产出", "数量", '=HYPERLINK("http://x","高标准农田")', "面积", "验收", "", ""),
        (None, None, None, None, "没有名称的一行", "", "", ""),
        ("合计", None, None, None, None, None, None, None),
    ):
        sheet.append(row)
    sheet.cell(7, 4).data_type = "s"
    sheet.merge_cells("A4:A6")
    sheet.merge_cells("B4:B5")
    book.save(path)
    return path


def choose(book: Path, choices: dict[str, str], blank_rows: str = "") -> None:
    """Type into a book of choices, by the name of the candidate; ``*`` is every other row."""
    workbook = openpyxl.load_workbook(book)
    sheet = workbook["待合并"]
    heading = {str(cell.value).split()[0]: cell.column for cell in sheet[5] if cell.value}
    for row in range(6, sheet.max_row + 1):
        name = sheet.cell(row, heading["指标名称"]).value
        choice = choices.get(str(name), choices.get("*", ""))
        if choice:
            sheet.cell(row, heading["处理"], choice)
    if blank_rows:
        sheet["B3"] = blank_rows
    workbook.save(book)


def rows_of(book: Path) -> list[dict[str, Any]]:
    sheet = openpyxl.load_workbook(book)["待合并"]
    heading = [str(cell.value).split()[0] for cell in sheet[5]]
    return [
        dict(zip(heading, row, strict=True))
        for row in sheet.iter_rows(min_row=6, values_only=True)
        if any(row)
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """A folder with a library into which two years' plans and another county's table went."""
    folder = tmp_path_factory.mktemp("office")
    path = new_library(folder, NOW, BY)
    plan = (repository / "workbook_templates" / "考核方案.xlsx").read_bytes()
    (folder / "考核方案2023.xlsx").write_bytes(plan)
    rubric = "指标体系（部门）"
    later = edited_workbook(
        plan,
        [
            SheetEdit("考核信息", {(4, 1): "2024年度预算绩效管理考核", (5, 1): "2024"}),
            SheetEdit(rubric, {(3, 3): "绩效管理的领导机构与职责分工", (4, 3): "绩效岗位练兵"}),
        ],
    )
    (folder / "考核方案2024.xlsx").write_bytes(later)
    import_files(path, [folder / "考核方案2023.xlsx"], NOW)
    choose(folder / "待合并.xlsx", {}, AS_SUGGESTED)
    merge_choices(path, folder / "待合并.xlsx", NOW, BY)
    import_files(path, [folder / "考核方案2024.xlsx"], NEXT_YEAR)
    choose(
        folder / "待合并.xlsx", {"绩效管理的领导机构与职责分工": "用本条更新ZB0017"}, AS_SUGGESTED
    )
    merge_choices(path, folder / "待合并.xlsx", NEXT_YEAR, BY)
    county = other_county(folder / "某县指标库.xlsx")
    import_files(path, [county], NEXT_YEAR, Given(source="某县指标库", year="2022", accept=True))
    choose(
        folder / "待合并.xlsx",
        {
            "培训教师人数": "新增",
            "产出质量达标率": "与ZB0002合并",
            "服务对象满意程度": "不收",
        },
    )
    merge_choices(path, folder / "待合并.xlsx", NEXT_YEAR, BY)
    return folder


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "office")
    return tmp_path / "office"


def test_each_indicator_is_held_once_with_all_its_sources(made: Path) -> None:
    entries = entries_of(made / "指标库.xlsx")
    names = [entry["name"] for entry in entries]
    assert len(set(names)) == len(names)
    assert len({entry.number for entry in entries}) == len(entries)
    by_name = {entry["name"]: entry for entry in entries}
    twice = by_name["专人负责与工作经费"]
    assert twice["source"] == "2023年度预算绩效管理考核；2024年度预算绩效管理考核"
    assert twice["year"] == "2023、2024"
    met = by_name["质量达标率"]
    assert met["source"].split("；") == ["财预〔2013〕53号（改写）", "某县指标库"]
    assert met["definition"].startswith("质量达标的产出数")
    assert by_name["培训教师人数"]["sector"] == "教育"
    assert by_name["培训教师人数"]["kind"] == "个性"


def test_updating_takes_the_new_wording_and_the_old_one_stays_in_the_register(made: Path) -> None:
    library = library_at(made / "指标库.xlsx")
    assert library.by_number["ZB0017"]["name"] == "绩效管理的领导机构与职责分工"
    renamed = [one for one in library.changes if one["column"] == "指标名称"]
    assert [(one["before"], one["after"], one["change"]) for one in renamed] == [
        ("绩效管理领导机构和职责分工", "绩效管理的领导机构与职责分工", "修改")
    ]


def test_nothing_of_a_file_is_lost(made: Path) -> None:
    rows = read_workbook((made / "指标库.xlsx").read_bytes()).sheets["来源明细"]
    of_county = [row for row in rows if "某县指标库.xlsx" in row]
    handled = {str(row[2]): (row[1], row[0]) for row in of_county}
    assert handled == {
        "培训教师人数": ("新增", handled["培训教师人数"][1]),
        "产出质量达标率": ("合并", "ZB0002"),
        "服务对象满意程度": ("不收", ""),
    }
    assert "适用资金：全部" in str(of_county[0][7])
    left = rows_of(made / "待合并.xlsx")
    assert [row["指标名称"] for row in left if row["指标名称"] not in handled] == [
        '=HYPERLINK("http://x","高标准农田")'
    ]


def test_years_add_up(made: Path) -> None:
    years = {one.year: one for one in changes_of(made / "指标库.xlsx").years}
    assert sorted(years) == [2024, 2025]
    for one in years.values():
        assert len(one.before) + len(one.added) + len(one.restored) - len(one.retired) == len(
            one.after
        )
    assert years[2025].before == years[2024].after
    in_use = {entry.number for entry in entries_of(made / "指标库.xlsx") if entry.in_use}
    assert in_use == years[2025].after
    names = {entry.number: entry["name"] for entry in entries_of(made / "指标库.xlsx")}
    assert {names[number] for number in years[2025].added} == {"绩效岗位练兵", "培训教师人数"}
    assert "ZB0017" in years[2025].altered


def test_alike_is_proposed_and_never_merged_by_itself(tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    county = other_county(tmp_path / "某县.xlsx")
    before = path.read_bytes()
    result = import_files(path, [county], NOW, Given(accept=True))
    assert path.read_bytes() == before
    rows = {row["指标名称"]: row for row in rows_of(tmp_path / "待合并.xlsx")}
    assert "ZB0002 质量达标率" in rows["产出质量达标率"]["相近的指标"]
    assert rows["产出质量达标率"]["建议"] is None
    assert rows["培训教师人数"]["建议"] == "新增"
    assert rows["产出质量达标率"]["一级指标"] == "产出"
    assert rows["产出质量达标率"]["行业领域"] == "教育"
    assert result.remarks == [
        "某县.xlsx 个性指标!A8：没有名称的一行：没有指标名称，没有收",
    ]
    with pytest.raises(NothingToDo):
        merge_choices(path, tmp_path / "待合并.xlsx", NOW, BY)
    choose(tmp_path / "待合并.xlsx", {}, AS_SUGGESTED)
    merged = merge_choices(path, tmp_path / "待合并.xlsx", NOW, BY).merged
    assert {one.values["name"] for one in merged.left} >= {"产出质量达标率"}
    assert library_at(path).by_number["ZB0002"]["source"] == "财预〔2013〕53号（改写）"


def test_columns_of_other_headings_wait_for_a_person(tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    county = other_county(tmp_path / "某县.xlsx")
    result = import_files(path, [county], NOW)
    assert result.book is None and result.columns == tmp_path / "列对应.xlsx"
    assert not (tmp_path / "待合并.xlsx").exists()
    book = openpyxl.load_workbook(tmp_path / "列对应.xlsx")
    sheet = book.active
    proposed = {sheet.cell(row, 5).value: sheet.cell(row, 7).value for row in range(4, 12)}
    assert proposed == {
        "行业": "行业领域",
        "一级指标": "一级指标",
        "二级指标": "二级指标",
        "三级指标": "指标名称",
        "指标解释": "定义",
        "计算公式": "计算方法",
        "指标值": "目标值",
        "适用资金": "不收此列",
    }
    assert import_files(path, [county], NOW).book is None
    sheet.cell(9, 7).value = "评分标准"
    sheet.cell(4, 8).value = "是"
    book.save(tmp_path / "列对应.xlsx")
    assert import_files(path, [county], NOW).fresh == 4
    row = rows_of(tmp_path / "待合并.xlsx")[0]
    assert row["评分标准"] == "按签到统计" and row["计算方法"] is None
    assert import_files(path, [county], NOW).known == 4


@pytest.mark.slow
def test_a_mapping_without_names_is_refused_at_its_sheet(tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    county = other_county(tmp_path / "某县.xlsx")
    import_files(path, [county], NOW)
    book = openpyxl.load_workbook(tmp_path / "列对应.xlsx")
    book.active.cell(4, 8).value = "是"
    book.active.cell(7, 7).value = "不收此列"
    book.save(tmp_path / "列对应.xlsx")
    with pytest.raises(LibraryRefused, match="没有一列对应到“指标名称”"):
        import_files(path, [county], NOW)


def test_one_bad_file_does_not_stop_the_others(tmp_path: Path, repository: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    (tmp_path / "坏.xlsx").write_bytes(b"PK\x03\x04 broken")
    plan = repository / "workbook_templates" / "考核方案.xlsx"
    result = import_files(path, [tmp_path / "坏.xlsx", tmp_path / "无.xlsx", plan], NOW)
    assert result.fresh == 48
    assert [remark[:6] for remark in result.remarks] == ["[E201]", "[E202]"]


def test_merging_twice_changes_nothing(office: Path) -> None:
    path, book = office / "指标库.xlsx", office / "待合并.xlsx"
    before = library_at(path)
    with pytest.raises(NothingToDo):
        merge_choices(path, book, NEXT_YEAR, BY)
    assert library_at(path).by_number == before.by_number
    again = import_files(path, [office / "考核方案2023.xlsx"], NEXT_YEAR)
    assert (again.fresh, again.known) == (0, 48)


def test_choices_that_cannot_be_followed_are_told_at_their_cells(tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    county = other_county(tmp_path / "某县.xlsx")
    import_files(path, [county], NOW, Given(accept=True))
    choose(
        tmp_path / "待合并.xlsx",
        {
            "培训教师人数": "与ZB9999合并",
            "产出质量达标率": "与待3合并",
            "服务对象满意程度": "不收",
            "*": "也许",
        },
    )
    merged = merge_choices(path, tmp_path / "待合并.xlsx", NOW, BY).merged
    assert [(one.place.cell, one.what) for one in merged.mistakes] == [
        ("B9", "看不懂的处理“也许”"),
        ("B6", "指标库里没有“ZB9999”"),
        ("B7", "“待3”没有收录，不能与它合并"),
    ]
    assert [(one.values["name"], how) for one, how, _ in merged.handled] == [
        ("服务对象满意程度", "不收")
    ]
    assert (tmp_path / "待合并.xlsx").exists()


@pytest.mark.slow
def test_what_was_typed_stays_when_more_is_imported(tmp_path: Path, repository: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    county = other_county(tmp_path / "某县.xlsx")
    import_files(path, [county], NOW, Given(accept=True))
    choose(tmp_path / "待合并.xlsx", {"培训教师人数": "不收"})
    import_files(path, [repository / "samples" / "county" / "考核方案.xlsx"], NOW)
    rows = rows_of(tmp_path / "待合并.xlsx")
    assert rows[0]["处理"] == "不收" and len(rows) > 4
    assert [row["序号"] for row in rows] == [f"待{n}" for n in range(1, len(rows) + 1)]


def decorated(path: Path) -> None:
    """What people do to the workbook: another column, colours, notes, a sheet, widths, edits."""
    book = openpyxl.load_workbook(path)
    sheet = book[INDICATORS]
    sheet.cell(3, 18).value = "我局备注"
    sheet.cell(5, 18).value = "重点"
    sheet.cell(5, 2).fill = PatternFill("solid", fgColor="FF00FF00")
    sheet.cell(6, 2).comment = Comment("请看文件", "李四")
    sheet.column_dimensions["B"].width = 41
    sheet.cell(4, 11).value = "=100%"
    sheet.cell(4, 11).data_type = "s"
    book.create_sheet("草稿")["A1"] = "=1+1"
    book.save(path)


def survives(path: Path) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book[INDICATORS]
    assert (sheet.cell(3, 18).value, sheet.cell(5, 18).value) == ("我局备注", "重点")
    assert sheet.cell(5, 2).fill.fgColor.rgb == "FF00FF00"
    assert sheet.cell(6, 2).comment.text == "请看文件"
    assert sheet.column_dimensions["B"].width == 41
    assert sheet.cell(4, 11).value == "=100%"
    assert book["草稿"]["A1"].value == "=1+1"
    assert sheet.auto_filter.ref == "A3:Q5001"


@pytest.mark.slow
def test_edits_survive_every_command(office: Path) -> None:
    path = office / "指标库.xlsx"
    decorated(path)
    recorded = record(path, NEXT_YEAR, BY)
    assert [(one.number, one.column, one.after) for one, _ in recorded.changes] == [
        ("ZB0001", "目标值", "=100%")
    ]
    survives(path)
    assert record(path, NEXT_YEAR, BY).version == 0
    retire(path, ["ZB0004"], "改用新指标", NEXT_YEAR, BY)
    survives(path)
    retire(path, ["ZB0004"], "仍要用", NEXT_YEAR, BY, back=True)
    survives(path)
    choose(office / "待合并.xlsx", {"*": "新增"})
    merge_choices(path, office / "待合并.xlsx", NEXT_YEAR, BY)
    survives(path)
    assert not (office / "待合并.xlsx").exists()
    import_files(path, [office / "某县指标库.xlsx"], NEXT_YEAR, Given(accept=True))
    shutil.copy(office / "考核方案2023.xlsx", office / "考核方案.xlsx")
    insert(path, office / "考核方案.xlsx", ["ZB0002"], NEXT_YEAR, kind="部门")
    survives(path)


def test_rows_typed_by_hand_are_numbered_and_registered(office: Path) -> None:
    path = office / "指标库.xlsx"
    count = len(entries_of(path))
    book = openpyxl.load_workbook(path)
    sheet = book[INDICATORS]
    row = 4 + count
    sheet.cell(row, 2).value, sheet.cell(row, 3).value = "森林覆盖率", "个性"
    sheet.cell(7, 16).value = "停用"
    book.save(path)
    assert len(changes_of(path).unregistered) == 2
    saved = record(path, NEXT_YEAR, BY)
    added = next(one for one, _ in saved.changes if one.name == "森林覆盖率")
    entry = library_at(path).by_number[added.number]
    assert (entry["state"], entry.row) == ("在用", row - 1)
    assert added.number not in {
        one["number"]
        for one in library_at(office / "指标库.xlsx").changes
        if one["name"] != "森林覆盖率"
    }
    years = changes_of(path)
    assert not (years.unregistered or years.only_registered or years.only_shown)
    assert years.years[-1].retired == ("ZB0004",)


@pytest.mark.slow
def test_a_row_that_was_deleted_is_told_and_its_number_not_used_again(office: Path) -> None:
    path = office / "指标库.xlsx"
    last = entries_of(path)[-1]
    book = openpyxl.load_workbook(path)
    book[INDICATORS].delete_rows(last.row + 1)
    book[INDICATORS].cell(last.row + 1, 2).value = "新来的"
    book.save(path)
    changes = record(path, NEXT_YEAR, BY).changes
    assert [(str(one.change), one.name) for one, _ in changes] == [
        ("新增", "新来的"),
        ("删除", last["name"]),
    ]
    assert changes[0][0].number != last.number
    assert "定义：" in changes[1][0].before


@pytest.mark.slow
def test_the_hidden_sheet_may_be_lost(office: Path) -> None:
    path = office / "指标库.xlsx"
    book = openpyxl.load_workbook(path)
    del book["上次登记"]
    book.save(path)
    assert [one.number for one in changes_of(path).unregistered] == []
    record(path, NEXT_YEAR, BY)
    library = library_at(path)
    assert set(library.recorded or {}) == set(library.by_number)


def styles(cell: Any) -> tuple[Any, ...]:
    return (
        cell.value,
        cell.number_format,
        cell.font.name,
        cell.fill.fgColor.rgb,
        cell.border.left.style,
        cell.protection.locked,
        cell.alignment.wrap_text,
    )


def test_insertion_leaves_every_other_cell_of_the_plan(office: Path) -> None:
    file = office / "考核方案2023.xlsx"
    before = openpyxl.load_workbook(file)
    plan = read_plan_file(file.read_bytes(), file.name)
    result = insert(
        office / "指标库.xlsx", file, ["ZB0003", "ZB0018", "ZB0009"], NEXT_YEAR, kind="部门"
    )
    assert [entry.number for entry in result.already] == ["ZB0018"]
    assert [code for _, code in result.entries] == ["10.1", "11.1"]
    after = openpyxl.load_workbook(file)
    written = set()
    for sheet in after:
        old = before[sheet.title]
        assert old.max_column <= sheet.max_column
        for row in sheet.iter_rows():
            for cell in row:
                if styles(cell) != styles(old.cell(cell.row, cell.column)):
                    written.add((sheet.title, cell.row))
        assert old.data_validations.count == sheet.data_validations.count
        assert old.merged_cells.ranges == sheet.merged_cells.ranges
    rubric = "指标体系（部门）"
    assert written == {(rubric, 3), (rubric, 28), (rubric, 29)}
    assert [cell.value for cell in after[rubric][3]][-1] == "采用"
    # The plan loads and says what it said: what is 待定 does not count.
    assert read_plan_file(file.read_bytes(), file.name) == plan
    assert result.kept is not None and read_plan_file(result.kept.read_bytes(), "旧") == plan


def test_an_adopted_indicator_counts_and_a_half_adopted_one_is_refused(office: Path) -> None:
    file = office / "考核方案2023.xlsx"
    insert(office / "指标库.xlsx", file, ["ZB0003"], NEXT_YEAR, kind="部门")
    rubric = "指标体系（部门）"

    def mistakes(cells: dict[tuple[int, int], str | float]) -> Sequence[str]:
        data = edited_workbook(file.read_bytes(), [SheetEdit(rubric, cells)])
        try:
            plan = read_plan_file(data, file.name)
        except Exception as error:
            return [one.code for one in getattr(error, "mistakes", ())]
        assert plan.rubrics["部门"].indicators[-1].name == "完成及时率"
        return []

    assert mistakes({(27, 4): 2.0}) == ["P151"]
    assert mistakes({(27, 15): "好"}) == ["P150", "P104"]
    assert mistakes({(27, 4): 2.0, (27, 15): "", (3, 4): 1.0}) == []


@pytest.mark.slow
def test_references_go_to_the_units_with_a_drop_down(office: Path) -> None:
    file = office / "考核方案2023.xlsx"
    library = office / "指标库.xlsx"
    insert(library, file, ["ZB0003", "ZB0009"], NEXT_YEAR, as_reference=True)
    again = insert(library, file, ["ZB0009", "ZB0004"], NEXT_YEAR, as_reference=True)
    assert [entry.number for entry, _ in again.entries] == ["ZB0004"]
    registers = openpyxl.load_workbook(file)["登记表"]
    row = next(cell.row for cell in registers["B"] if cell.value == "项目名称")
    assert registers.cell(row, 3).value == "文本"
    data = edited_workbook(file.read_bytes(), [SheetEdit("登记表", {(row - 1, 4): "指标参考"})])
    plan = read_plan_file(data, file.name)
    assert [one["指标编号"] for one in plan.references] == ["ZB0003", "ZB0009", "ZB0004"]
    unit = plan.units[0]
    stamp = Stamp(plan.campaign.code, "return", "1", unit.code).signed(b"0" * 32)
    issued = openpyxl.load_workbook(io.BytesIO(template(plan, unit, stamp)))
    shown = issued["指标参考"]
    assert [shown.cell(line, 2).value for line in range(4, 7)] == [
        "完成及时率",
        "社会公众或服务对象满意度",
        "成本节约率",
    ]
    offered = [one.formula1 for one in issued["项目清单"].data_validations.dataValidation]
    assert "'指标参考'!$B$4:$B$6" in offered


def test_a_register_cannot_offer_a_sheet_that_is_not_there(office: Path) -> None:
    data = (office / "考核方案2023.xlsx").read_bytes()
    row = next(
        number
        for number, row in enumerate(read_workbook(data).sheets["登记表"])
        if "项目名称" in row
    )
    with pytest.raises(PlanRefused) as refusal:
        read_plan_file(
            edited_workbook(data, [SheetEdit("登记表", {(row, 4): "指标参考"})]), "考核方案.xlsx"
        )
    assert [one.code for one in refusal.value.mistakes] == ["P152"]


@pytest.mark.parametrize("lock", ["~$指标库.xlsx", ".~lock.指标库.xlsx#", ".~指标库.xlsx"])
def test_a_library_that_is_open_elsewhere_is_not_touched(office: Path, lock: str) -> None:
    path = office / "指标库.xlsx"
    before = path.read_bytes()
    (office / lock).write_text("x")
    for command in (
        lambda: record(path, NOW, BY),
        lambda: retire(path, ["ZB0001"], "不用", NOW, BY),
        lambda: merge_choices(path, office / "待合并.xlsx", NOW, BY),
    ):
        with pytest.raises(WorkbookHeld, match="正在 Excel 或 WPS 中打开"):
            command()
    assert path.read_bytes() == before
    assert len(entries_of(path)) > 16


def test_a_library_that_was_saved_meanwhile_is_not_overwritten(office: Path) -> None:
    path = office / "指标库.xlsx"
    opened = Opened.read(path)
    rows, _, numbered = opened.hand_made()
    rows["ZB0001"]["note"] = "改"
    book = openpyxl.load_workbook(path)
    book[INDICATORS]["B4"] = "别人改的"
    book.save(path)
    with pytest.raises(WorkbookHeld, match="刚刚在别处保存过"):
        opened.save(rows, [], numbered, (), NOW, BY)
    assert entries_of(path)[0]["name"] == "别人改的"


def test_another_offices_library_is_taken_in_by_its_first_sheet(made: Path, tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    shutil.copy(made / "指标库.xlsx", tmp_path / "邻县指标库.xlsx")
    result = import_files(path, [tmp_path / "邻县指标库.xlsx"], NOW, Given(source="邻县"))
    assert result.columns is None and result.fresh == len(entries_of(made / "指标库.xlsx"))
    row = rows_of(tmp_path / "待合并.xlsx")[1]
    assert (row["建议"], row["来源"]) == (
        "与ZB0002合并",
        "邻县；财预〔2013〕53号（改写）；某县指标库",
    )


@pytest.mark.slow
def test_sheets_named_after_sectors_give_the_sector(tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    book = openpyxl.Workbook()
    for sector in ("教育", "水利"):
        sheet = book.create_sheet(sector)
        for row in (("指标名称", "目标值"), (f"{sector}项目数", "≥1个")):
            sheet.append(row)
    book.save(tmp_path / "某县.xlsx")
    assert import_files(path, [tmp_path / "某县.xlsx"], NOW).fresh == 2
    rows = rows_of(tmp_path / "待合并.xlsx")
    assert [row["行业领域"] for row in rows] == ["教育", "水利"]


def test_a_damaged_library_is_told_and_left_as_it_is(office: Path) -> None:
    path = office / "指标库.xlsx"
    whole = path.read_bytes()
    for broken in (b"", b"no workbook", whole[: len(whole) // 2], whole[:-40]):
        path.write_bytes(broken)
        for command in (
            lambda: record(path, NOW, BY),
            lambda: entries_of(path),
            lambda: import_files(path, [office / "考核方案2023.xlsx"], NOW),
            lambda: merge_choices(path, office / "待合并.xlsx", NOW, BY),
        ):
            with pytest.raises(LibraryDamaged, match="历次"):
                command()
        assert path.read_bytes() == broken


@pytest.mark.slow
def test_mistakes_in_the_library_are_told_all_at_once(office: Path) -> None:
    path = office / "指标库.xlsx"
    book = openpyxl.load_workbook(path)
    sheet = book[INDICATORS]
    sheet["A5"], sheet["C6"], sheet["B7"] = "ZB0001", "通用的", None
    book.save(path)
    before = path.read_bytes()
    with pytest.raises(LibraryRefused) as refusal:
        record(path, NOW, BY)
    assert [(one.code, one.place.cell) for one in refusal.value.mistakes] == [
        ("E727", "A5"),
        ("E726", "C6"),
        ("E725", "B7"),
    ]
    book[INDICATORS]["P3"] = "情况"
    del book["历次变动"]
    book.save(path)
    with pytest.raises(LibraryRefused) as refusal:
        entries_of(path)
    assert [one.code for one in refusal.value.mistakes] == ["E724", "E724"]
    assert before != b""


def test_search_by_words_sector_type_and_year(made: Path) -> None:
    entries = entries_of(made / "指标库.xlsx")
    assert [one["name"] for one in search(entries, ["教师", "人数"])] == ["培训教师人数"]
    assert search(entries, ["教师"], sector="农业") == []
    assert {one["kind"] for one in search(entries, kind="个性")} == {"个性"}
    assert [one["name"] for one in search(entries, year="2022")] == ["质量达标率", "培训教师人数"]
    assert "社会公众或服务对象满意度" in [
        one["name"] for one in search(entries, ["满意"], sector="教育")
    ]
    assert search(entries, ["群众满意程度"]) == []
    assert "社会公众或服务对象满意度" in [one["name"] for one in alike(entries, ["公众满意度"])]


def test_numbers_and_kinds_that_are_not_there(office: Path) -> None:
    library, plan = office / "指标库.xlsx", office / "考核方案2023.xlsx"
    before = plan.read_bytes()
    with pytest.raises(NotInLibrary):
        insert(library, plan, ["ZB9999"], NOW, kind="部门")
    with pytest.raises(NotInPlan, match="部门、乡镇"):
        insert(library, plan, ["ZB0001"], NOW)
    retire(library, ["ZB0001"], "不用", NOW, BY)
    with pytest.raises(NotInLibrary, match="已经停用"):
        insert(library, plan, ["ZB0001"], NOW, kind="部门")
    with pytest.raises(NotInLibrary):
        retire(library, ["ZB9999"], "不用", NOW, BY)
    with pytest.raises(WrongWorkbook):
        merge_choices(library, plan, NOW, BY)
    assert plan.read_bytes() == before


def test_the_library_is_found_beside_and_above(made: Path, tmp_path: Path) -> None:
    (made / "考核2024").mkdir(exist_ok=True)
    assert find_library(made / "考核2024") == (made / "指标库.xlsx").resolve()
    with pytest.raises(NoLibrary):
        find_library(tmp_path)
    with pytest.raises(AlreadyThere):
        new_library(made, NOW, BY)


def test_the_shipped_library_is_what_its_source_says(repository: Path) -> None:
    shipped = (repository / "workbook_templates" / "指标库.xlsx").read_bytes()
    made_again = new_library_bytes(dt.date(2026, 11, 25), "perfxl")
    assert read_workbook(shipped).sheets == read_workbook(made_again).sheets
    entries = read_library("指标库.xlsx", read_workbook(shipped).sheets).entries
    assert all(entry["source"] and entry["year"] for entry in entries)
    assert {entry["level_1"] for entry in entries} == {"产出指标", "效益指标", "满意度指标"}
    assert set(LABELS) == set(entries[0].values)


@pytest.mark.slow
def test_indicators_are_entered_into_the_year_workbook(made: Path, tmp_path: Path) -> None:
    campaign = new_year(tmp_path / "县级2023")
    book = openpyxl.load_workbook(campaign.year_workbook)
    book["指标库"].cell(4, 1).value, book["指标库"].cell(4, 2).value = "ZB0002", "县里的写法"
    book.save(campaign.year_workbook)
    before = read_workbook(campaign.year_workbook.read_bytes()).sheets
    result = enter(campaign, made / "指标库.xlsx", NOW)
    wanted = [
        entry
        for entry in entries_of(made / "指标库.xlsx")
        if entry.in_use and entry["use"] == "项目绩效"
    ]
    assert (len(result.entries), result.already) == (len(wanted) - 1, 1)
    after = read_workbook(campaign.year_workbook.read_bytes()).sheets
    assert {name: rows for name, rows in after.items() if name != "指标库"} == {
        name: rows for name, rows in before.items() if name != "指标库"
    }
    rows = after["指标库"][3:]
    assert [row[0] for row in rows[: len(wanted)]] == [
        "ZB0002",
        *(e.number for e in result.entries),
    ]
    assert rows[0][1] == "县里的写法"
    assert {(row[7], row[8]) for row in rows[1 : len(wanted)]} == {(2023, "沿用")}
    assert enter(campaign, made / "指标库.xlsx", NOW).entries == ()
    checked = read_year(campaign, NOW).checked
    assert checked.tables.registers["指标库"].texts["指标编号"].nunique() == len(wanted)
    campaign.close()


@pytest.mark.slow
def test_the_commands_from_new_to_changes(tmp_path: Path, repository: Path) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["-C", str(tmp_path), *arguments])
        assert result.exit_code in (0, 1), result.output
        return result.output

    assert "指标库.xlsx" in run("library", "new")
    plan = repository / "workbook_templates" / "考核方案.xlsx"
    assert "待合并表共 48 条" in run("library", "import", str(plan))
    choose(tmp_path / "待合并.xlsx", {}, AS_SUGGESTED)
    assert "新增 25 条，合并 23 条" in run("library", "merge", str(tmp_path / "待合并.xlsx"))
    assert "ZB0009" in run("library", "search", "满意")
    assert "没有完全符合的" in run("library", "search", "公众满意度")
    assert "停用 ZB0001" in run("library", "retire", "ZB0001", "--reason", "不用")
    assert "恢复 ZB0001" in run("library", "restore", "ZB0001", "--reason", "要用")
    assert "与上次登记时一样" in run("library", "record")
    year = f"{dt.date.today():%Y}"
    assert json.loads(run("library", "changes", year, "--json"))[0]["in_use"] == 41
    shutil.copy(plan, tmp_path / "考核方案.xlsx")
    assert "编码 10.1" in run("library", "insert", "ZB0003", "--kind", "部门")
    county = other_county(tmp_path / "某县.xlsx")
    assert "列对应.xlsx" in run("library", "import", str(county))
    assert "共 4 条" in run("library", "import", str(county), "--accept-columns")


def test_the_file_may_be_named_instead_of_its_folder(tmp_path: Path) -> None:
    assert new_library(tmp_path / "指标库.xlsx", NOW, BY) == tmp_path / "指标库.xlsx"
    with pytest.raises(PerfxlError, match="不能用这个文件名"):
        new_library(tmp_path / "别的.xlsx", NOW, BY)
    assert [path.name for path in tmp_path.iterdir()] == ["指标库.xlsx"]


def test_a_row_copied_in_the_choice_book_is_not_taken_in_twice(tmp_path: Path) -> None:
    path = new_library(tmp_path, NOW, BY)
    import_files(path, [other_county(tmp_path / "某县.xlsx")], NOW, Given(accept=True))
    choices = tmp_path / "待合并.xlsx"
    book = openpyxl.load_workbook(choices)
    sheet = book["待合并"] if "待合并" in book.sheetnames else book.active
    rows = [row for row in sheet.iter_rows() if any(cell.value == "培训教师人数" for cell in row)]
    for cell in rows[0]:
        sheet.cell(sheet.max_row + (cell.column == 1), cell.column).value = cell.value
    book.save(choices)
    choose(choices, {"培训教师人数": "新增"})
    merged = merge_choices(path, choices, NOW, BY).merged
    assert [one.code for one in merged.mistakes] == ["E730"]
    names = [one["name"] for one in library_at(path).by_number.values()]
    assert names.count("培训教师人数") == 1
