"""What passes a limit of Excel's goes on elsewhere and says so; what does not is as xlsxwriter's."""

from __future__ import annotations

import importlib.util
import io
import sys
import zipfile
from pathlib import Path
from types import ModuleType
from unittest import mock

import openpyxl
import pandas as pd
import pytest
from made_scores import NOW

from perfxl.campaign import Campaign
from perfxl.products.consolidated import material as limits
from perfxl.products.consolidated import workbook
from perfxl.products.consolidated.material import Material
from perfxl.stages.consolidate import material
from perfxl.stages.gather import gather

MOST = 10


@pytest.fixture(scope="module")
def made(finished_demo: Path) -> Material:
    campaign = Campaign(finished_demo)
    shown = material(campaign, gather(campaign), NOW)
    campaign.close()
    return shown


@pytest.fixture(scope="module")
def small(made: Material) -> openpyxl.Workbook:
    """The workbook as it would be if Excel took so few rows and 100 links a sheet."""
    with (
        mock.patch.object(limits, "MOST_ROWS", MOST),
        mock.patch.object(limits, "MOST_LINKS", 100),
    ):
        data = workbook.consolidated_workbook(made)
    return openpyxl.load_workbook(io.BytesIO(data))


def parts_of(book: openpyxl.Workbook, name: str) -> list[str]:
    return [sheet for sheet in book.sheetnames if sheet == name or sheet.startswith(f"{name}（")]


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("审核意见", lambda made: made.findings),
        ("扣分明细", workbook.lists.deductions),
        ("文稿依据", lambda made: made.basis),
    ],
)
def test_a_long_list_goes_on_in_further_sheets(
    made: Material, small: openpyxl.Workbook, name: str, rows: object
) -> None:
    table: pd.DataFrame = rows(made)  # type: ignore[operator]
    sheets = parts_of(small, name)
    assert len(sheets) == -(-len(table) // MOST) > 1
    written = [
        [row[0].value for row in small[sheet].iter_rows(min_row=4) if row[0].value]
        for sheet in sheets
    ]
    assert [len(one) for one in written[:-1]] == [MOST] * (len(sheets) - 1)
    assert sum(map(len, written)) == len(table)
    if name == "审核意见":
        numbers = [int(number) for one in written for number in one]
        assert numbers == list(range(1, len(table) + 1))
    for at, sheet in enumerate(sheets, 1):
        note = small[sheet]["A2"].value
        assert f"共 {len(table)} 行" in note
        assert f"本表是第 {at} 张" in note
        assert (f"下接“{name}（{at + 1}）”" in note) == (at < len(sheets))
    links = {cell.hyperlink.location for row in small["封面"] for cell in row if cell.hyperlink}
    assert {f"'{sheet}'!A1" for sheet in sheets} <= links


def test_where_links_would_be_too_many_each_unit_has_one(
    made: Material, small: openpyxl.Workbook
) -> None:
    for place in made.matrices.values():
        sheet = small[place.sheet]
        linked = [cell for row in sheet for cell in row if cell.hyperlink]
        assert [cell.value for cell in linked] == [unit.name for unit in place.units]
        for cell, unit in zip(linked, place.units, strict=True):
            row = int(cell.hyperlink.location.rsplit("!A", 1)[1])
            assert small["得分明细"].cell(row, 1).value == unit.code
            assert small["得分明细"].cell(row, 4).value == place.indicators[0].code
    detail = small["得分明细"]
    returned = [line.unit for line in made.returns if line.original]
    linked = [cell for row in detail for cell in row if cell.hyperlink]
    assert 0 < len(linked) <= len(returned)
    assert "只在每个单位的第一行链接原件" in detail["A2"].value


@pytest.fixture(scope="module")
def consolidating(repository: Path) -> ModuleType:
    """``benchmarks/consolidating.py`` as a module."""
    source = repository / "benchmarks" / "consolidating.py"
    spec = importlib.util.spec_from_file_location("consolidating", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # What it pickles is looked up there.
    sys.modules["consolidating"] = module
    spec.loader.exec_module(module)
    return module


def test_every_sheet_is_what_xlsxwriter_alone_writes(
    made: Material, consolidating: ModuleType, tmp_path: Path
) -> None:
    """Byte for byte, although rows are finished early; charts are not compared here."""
    calls, target = tmp_path / "calls", tmp_path / "bare.xlsx"
    consolidating.note_calls(made, calls)
    consolidating.bare(calls, target)
    with (
        zipfile.ZipFile(io.BytesIO(workbook.consolidated_workbook(made))) as ours,
        zipfile.ZipFile(target) as theirs,
    ):
        compared = 0
        for name in theirs.namelist():
            part = ours.read(name)
            if name.startswith("xl/") and b"<drawing " not in part:
                assert part == theirs.read(name), name
                compared += name.startswith("xl/worksheets/sheet")
    assert compared >= len(workbook.sheets(made)) - 2
