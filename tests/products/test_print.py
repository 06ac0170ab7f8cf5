"""How the consolidated workbook prints: nothing cut, headings repeated, the command that shows it."""

from __future__ import annotations

import io
import math
import random
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from made_scores import NOW, random_material
from openpyxl.utils import get_column_letter, range_boundaries

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.excel.style import SCORE_RATE_SHADES
from perfxl.plan.model import Plan
from perfxl.products.consolidated.workbook import consolidated_workbook
from perfxl.stages.consolidate import FILE, consolidate

A4, A3 = 9, 8
# Paper, whether landscape, the rows repeated on every page.
SET_UP = {
    "封面": (A4, False, None),
    "排名": (A4, False, "$1:$3"),
    "得分汇总（部门）": (A3, True, "$3:$4"),
    "得分汇总（乡镇）": (A3, True, "$3:$4"),
    "图表（部门）": (A4, False, None),
    "图表（乡镇）": (A4, False, None),
    "指标分析": (A4, False, "$1:$3"),
    "自评偏差": (A4, False, "$1:$3"),
    "上年对比": (A4, False, "$1:$3"),
    "上年对比（指标）": (A4, False, "$1:$3"),
    "扣分明细": (A4, True, "$1:$3"),
    "得分明细": (A3, True, "$1:$3"),
    "审核意见": (A4, True, "$1:$3"),
    "报送情况": (A4, True, "$1:$3"),
    "结果应用": (A4, True, "$1:$3"),
    "结果应用（项目）": (A4, True, "$1:$3"),
    "文稿依据": (A4, True, "$1:$3"),
    "说明": (A4, False, None),
}
# What must be on one page: charts would be cut, the cover is one.
ONE_PAGE = ("封面", "图表（部门）", "图表（乡镇）")
SIGNED = ("封面", "排名", "得分汇总（部门）", "得分汇总（乡镇）")


@pytest.fixture
def book(campaign: Campaign) -> Any:
    """The demo's workbook, compared with itself as last year's."""
    path = campaign.path(PRODUCTS) / FILE
    last_year = campaign.folder / "上年.xlsx"
    last_year.write_bytes(path.read_bytes())
    consolidate(campaign, NOW, last_year)
    return openpyxl.load_workbook(path, data_only=True)


def test_the_print_set_up_of_every_sheet(book: Any) -> None:
    assert book.sheetnames == list(SET_UP)
    for sheet in book.worksheets:
        paper, landscape, repeated = SET_UP[sheet.title]
        assert int(sheet.page_setup.paperSize) == paper
        assert (sheet.page_setup.orientation == "landscape") is landscape
        assert sheet.print_title_rows == repeated
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert int(sheet.page_setup.fitToWidth or 1) == 1
        tall = sheet.page_setup.fitToHeight
        assert (1 if tall is None else int(tall)) == (sheet.title in ONE_PAGE)
        assert "&P" in sheet.oddFooter.center.text and "&N" in sheet.oddFooter.center.text
    for name in SIGNED:
        assert any("签字" in str(cell.value) for row in book[name] for cell in row)


def test_no_column_and_no_row_is_left_out_of_the_print(book: Any) -> None:
    for sheet in book.worksheets:
        area = sheet.print_area.rsplit("!", 1)[-1].replace("$", "")
        left, top, right, bottom = range_boundaries(area)
        assert (left, top) == (1, 1)
        for row in sheet.iter_rows():
            for cell in row:
                hidden = hidden_columns(sheet)
                if cell.value not in (None, "") and cell.column not in hidden:
                    assert cell.column <= right and cell.row <= bottom, (sheet.title, cell)


def hidden_columns(sheet: Any) -> set[int]:
    found: set[int] = set()
    for one in sheet.column_dimensions.values():
        if one.hidden:
            found |= set(range(one.min, one.max + 1))
    return found


def width_of(sheet: Any, column: int) -> float:
    for one in sheet.column_dimensions.values():
        if one.min is not None and one.min <= column <= one.max:
            return float(one.width)
    return float(sheet.column_dimensions[get_column_letter(column)].width)


def test_rows_are_as_high_as_their_wrapped_text(book: Any) -> None:
    looked_at = 0
    for sheet in book.worksheets:
        merged = {cell for area in sheet.merged_cells.ranges for cell in area.cells}
        hidden = hidden_columns(sheet)
        for row in sheet.iter_rows(min_row=2):
            for cell in row:
                text = cell.value
                if (
                    not isinstance(text, str)
                    or not cell.alignment.wrap_text
                    or cell.column in hidden
                    or (cell.row, cell.column) in merged
                ):
                    continue
                size = cell.font.sz
                room = (width_of(sheet, cell.column) * 7 - 5) * 0.75
                lines = 0
                for part in text.split("\n"):
                    wide = sum(size if ord(c) > 0x2E7F else size / 2 for c in part)
                    lines += max(1, math.ceil(wide / room))
                height = sheet.row_dimensions[cell.row].height
                assert height is not None, (sheet.title, cell.coordinate)
                assert lines * size * 1.15 <= height + 1, (sheet.title, cell.coordinate, text)
                looked_at += 1
    assert looked_at > 5_000


def test_long_names_are_not_cut(plan: Plan) -> None:
    units = tuple(
        replace(unit, name=f"{unit.name}（加挂石楼县营商环境建设服务中心牌子）")
        for unit in plan.units
    )
    made = random_material(replace(plan, units=units), random.Random(2))
    book = openpyxl.load_workbook(io.BytesIO(consolidated_workbook(made)), data_only=True)
    test_rows_are_as_high_as_their_wrapped_text(book)


def luminance(fill: str) -> float:
    red, green, blue = (int(fill[index : index + 2], 16) / 255 for index in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_shades_of_score_rates_can_be_told_apart_in_black_and_white() -> None:
    fills = [luminance(str(style["bg_color"])) for style in SCORE_RATE_SHADES]
    steps = [upper - lower for lower, upper in pairwise([*fills, 1.0])]
    assert min(steps) > 0.04
    assert min(fills) > 0.7  # black figures stay readable
    assert SCORE_RATE_SHADES[0]["bold"]


def test_scores_are_shaded_in_the_bands_of_the_grades(book: Any) -> None:
    for name in ("得分汇总（部门）", "得分汇总（乡镇）"):
        (area,) = book[name].conditional_formatting
        assert [rule.formula[0].split("<")[1].split("*")[0] for rule in area.rules] == [
            "6000",
            "8000",
            "9000",
        ]
        assert area.rules[0].formula[0].startswith("AND(ISNUMBER(E5),ROUND(E5*100,0)*10000<")
        legend = [cell.value for row in book[name] for cell in row if "得分率" in str(cell.value)]
        assert legend[-3:] == ["得分率低于 90%", "得分率低于 80%", "得分率低于 60%"]


@pytest.mark.slow
@pytest.mark.libreoffice
def test_the_pages_can_be_looked_at(
    office, repository: Path, campaign: Campaign, tmp_path: Path
) -> None:
    command = [sys.executable, repository / "tests" / "render_pages.py"]
    file = campaign.path(PRODUCTS) / FILE
    done = subprocess.run(
        [*command, file, "--to", tmp_path / "pages", "--dpi", "20"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = [Path(line) for line in done.stdout.splitlines()]
    assert len(pages) > len(SET_UP)
    assert all(page.read_bytes().startswith(b"\x89PNG") for page in pages)


def test_what_is_missing_for_looking_is_told(repository: Path, tmp_path: Path) -> None:
    command = [sys.executable, str(repository / "tests" / "render_pages.py"), "a.xlsx", "--to", "."]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PATH": str(tmp_path)}
    )
    assert done.returncode == 2
    assert "soffice (LibreOffice)" in done.stderr
    assert "pdftoppm (poppler-utils)" in done.stderr
