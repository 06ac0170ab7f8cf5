"""consolidate --last-year: what is read from last year's workbook, and what is refused."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from made_scores import NOW

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import Fault, Missing, PerfxlError, Unreadable, WrongWorkbook
from perfxl.last_year import match_units, read_last_year
from perfxl.plan.model import Plan
from perfxl.stages import consolidate as consolidation
from perfxl.stages.consolidate import FILE, consolidate, last_year_from
from perfxl.stages.gather import gather

MATRIX = "得分汇总（部门）"


def edited(campaign: Campaign, edit: Callable[[Any], object]) -> Path:
    """The demo's workbook as last year's, edited with its computed values kept."""
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE, data_only=True)
    edit(book)
    path = campaign.folder / "上年综合评分表.xlsx"
    book.save(path)
    return path


def comparison(campaign: Campaign, last_year: Path, sheet: str = "上年对比") -> list[list[Any]]:
    """The rows that the comparison shows, by their cached values."""
    consolidate(campaign, NOW, last_year)
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE, data_only=True)
    return [list(row) for row in book[sheet].iter_rows(min_row=4, values_only=True)]


def row_of(rows: list[list[Any]], code: str) -> list[Any]:
    return next(row for row in rows if row[0] == code)


def test_of_a_workbook_too_large_to_be_read_the_matrices_are(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = campaign.path(PRODUCTS) / FILE
    whole = last_year_from(path)

    def too_large(*_: object, **__: object) -> None:
        raise Unreadable("文件展开后过大", fault=Fault.TOO_LARGE)

    monkeypatch.setattr(consolidation, "read_workbook", too_large)
    some = last_year_from(path)
    assert len(some.totals) == 31
    assert some.totals.equals(whole.totals)
    assert some.rates.equals(whole.rates)


@pytest.mark.slow
def test_a_year_compared_with_itself_has_not_changed(campaign: Campaign) -> None:
    last_year = edited(campaign, lambda book: None)
    ranking = gather(campaign).ranking
    rows = comparison(campaign, last_year)
    for line in ranking.itertuples(index=False):
        row = row_of(rows, line.unit)
        assert row[2:5] == row[5:8] == [line.total / 100, line.rank, line.grade]
        assert (row[8], row[9], row[10]) == (0, 0, None)
    assert not [row for row in rows if str(row[0]).startswith("上年有")]
    rates = comparison(campaign, last_year, "上年对比（指标）")
    assert sum(row[6] == 0 for row in rates) == 48


def change(book: Any) -> None:
    sheet = book[MATRIX]
    sheet["B5"] = "石楼县教育局"  # 101 was renamed since
    sheet["A6"], sheet["A7"] = "103", "102"  # two codes were exchanged since
    sheet["A8"], sheet["B8"] = "777", "石楼县扶贫开发办公室"  # 104 is new, 777 is gone
    sheet["E9"] = 0  # 105: somebody changed a score where nothing recalculates
    sheet["D10"] = "未报送"  # 106
    sheet["F3"] = "1.1.2\n经费"  # this indicator had another name


def test_units_are_matched_by_code_then_by_name(campaign: Campaign) -> None:
    ranking = gather(campaign).ranking.set_index("unit")
    rows = comparison(campaign, edited(campaign, change))
    renamed = row_of(rows, "101")
    assert renamed[2] == ranking.at["101", "total"] / 100
    assert renamed[10] == "更名，上年为石楼县教育局"
    for code, before in (("102", "103"), ("103", "102")):
        row = row_of(rows, code)
        assert row[2] == ranking.at[code, "total"] / 100
        assert row[10] == f"上年编码 {before}"
    assert row_of(rows, "104")[2:5] == ["—", "—", "—"]
    assert row_of(rows, "104")[8:] == ["—", "—", "本年新增"]
    unreturned = row_of(rows, "106")
    assert unreturned[2] == "未报送"
    assert unreturned[8] == "—"
    gone = row_of(rows, "777")
    assert gone[1] == "石楼县扶贫开发办公室"
    assert gone[2] == ranking.at["104", "total"] / 100
    assert gone[5:] == ["—"] * 5 + ["上年类别：部门"]


@pytest.mark.slow
def test_a_total_that_does_not_follow_from_its_scores_is_told(campaign: Campaign) -> None:
    total = gather(campaign).ranking.set_index("unit").at["105", "total"] / 100
    row = row_of(comparison(campaign, edited(campaign, change)), "105")
    assert row[2] == total - 3
    assert row[8] == 3
    assert row[10] == f"上年表显示 {total:.2f}，按得分重算为 {total - 3:.2f}"


@pytest.mark.slow
def test_only_indicators_with_the_same_code_and_name_are_compared(campaign: Campaign) -> None:
    rows = comparison(campaign, edited(campaign, change), "上年对比（指标）")
    shown = [
        row[0] for row in rows[: next(i for i, row in enumerate(rows) if i and row[1] is None)]
    ]
    assert "1.1.1" in shown
    assert "1.1.2" not in shown
    assert len(shown) == 1 + 23


@pytest.mark.slow
def test_moved_columns_and_inserted_rows_are_read_all_the_same(campaign: Campaign) -> None:
    def move(book: Any) -> None:
        for name in (MATRIX, "得分汇总（乡镇）"):
            book[name].insert_rows(1, 3)
            book[name].insert_cols(1, 2)

    rows = comparison(campaign, edited(campaign, move))
    assert row_of(rows, "101")[8] == 0
    assert row_of(rows, "209")[8] == 0


def empty_workbook() -> bytes:
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "mistake"),
    [(b"", Unreadable), (b"no workbook", Unreadable), (empty_workbook(), WrongWorkbook)],
)
def test_what_is_no_such_workbook_is_refused(
    campaign: Campaign, data: bytes, mistake: type[PerfxlError]
) -> None:
    before = (campaign.path(PRODUCTS) / FILE).read_bytes()
    path = campaign.folder / "别的.xlsx"
    path.write_bytes(data)
    with pytest.raises(mistake) as caught:
        consolidate(campaign, NOW, path)
    assert caught.value.place.file == "别的.xlsx"
    assert caught.value.remedy
    assert (campaign.path(PRODUCTS) / FILE).read_bytes() == before


def test_a_plan_a_return_and_a_folder_are_refused(campaign: Campaign) -> None:
    for path in (campaign.plan_file, next(campaign.path("收件").glob("*.xlsx"))):
        with pytest.raises(WrongWorkbook):
            last_year_from(path)
    for path in (campaign.folder, campaign.folder / "没有.xlsx"):
        with pytest.raises(Missing):
            last_year_from(path)


def test_this_years_own_workbook_is_refused(campaign: Campaign) -> None:
    with pytest.raises(WrongWorkbook):
        consolidate(campaign, NOW, campaign.path(PRODUCTS) / FILE)


def test_the_command_says_what_is_wrong(campaign: Campaign) -> None:
    arguments = ["-C", str(campaign.folder), "consolidate", "--last-year", str(campaign.plan_file)]
    command = [sys.executable, "-X", "utf8", "-m", "perfxl", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 2
    assert "E205" in done.stderr
    assert "综合评分表" in done.stderr


HOSTILE = ["=1+1", '=HYPERLINK("http://example.com")', "@SUM(A1)", "http://example.com", "\t=2"]


@pytest.mark.slow
def test_no_text_of_last_year_becomes_a_formula_or_a_link(campaign: Campaign) -> None:
    def poison(book: Any) -> None:
        for sheet in (book[MATRIX], book["得分汇总（乡镇）"]):
            at = {sheet.cell(3, column).value: column for column in range(1, sheet.max_column + 1)}
            for row, text in enumerate(HOSTILE, 5):
                for label in ("单位名称", "等级", "报送情况"):
                    cell = sheet.cell(row, at[label])
                    cell.value, cell.data_type = text, "s"
            cell = sheet.cell(11, 1)
            cell.value, cell.data_type = "=3", "s"

    consolidate(campaign, NOW, edited(campaign, poison))
    path = campaign.path(PRODUCTS) / FILE
    book = openpyxl.load_workbook(path)
    sheet = book["上年对比"]
    texts = {cell.value: cell for row in sheet for cell in row if isinstance(cell.value, str)}
    assert any("=HYPERLINK" in text for text in texts)
    for text, cell in texts.items():
        if cell.data_type == "f":
            assert text.startswith(("='得分汇总", "=IF("))
    assert not any(cell.hyperlink for row in sheet for cell in row)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "worksheets" in name:
                assert b"example.com" not in archive.read(name)


@pytest.mark.parametrize("number", [-1, 1e12, 1e300, "9" * 400, "１２３４５６", True, None])
def test_absurd_numbers_do_no_harm(plan: Plan, number: object) -> None:
    heading = [
        "单位编码",
        "单位名称",
        "报送情况",
        "1 甲",
        "2 乙",
        "得分合计",
        "适用分值",
        "总分",
        "等级",
        "排名",
    ]
    rows = [
        heading,
        ["", "分值", "", 40, number, "", "", "", "", ""],
        ["101", "石楼县教育科技局", "按时", number, 50, number, number, number, "优", number],
        ["102", "石楼县人民政府办公室", "按时", 30, number, number, number, 50, "优", 2],
    ]
    read = read_last_year({MATRIX: rows}, "上年.xlsx")
    assert set(read.totals["unit"]) <= {"101", "102"}
    matched, gone = match_units(plan, read.totals)
    assert len(matched) == len(plan.units)
    assert gone == []
