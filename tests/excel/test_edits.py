"""Cells written into a workbook that people keep: they arrive, and nothing else changes."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table

from perfxl.errors import Unreadable
from perfxl.excel.edits import MARKED, NewSheet, SheetEdit, edited_workbook
from perfxl.excel.reader import read_workbook


def people_made() -> bytes:
    """A workbook with a table, a validation, a filter, a formula and gaps."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "表"
    for row in (["编号", "名称", "数"], ["1", "甲", 1], ["2", None, 2]):
        sheet.append(row)
    sheet["E9"] = "=SUM(C2:C3)"
    sheet.add_table(Table(displayName="T1", ref="A1:C3"))
    choice = DataValidation(type="list", formula1='"甲,乙"')
    choice.add("B2:B3")
    sheet.add_data_validation(choice)
    other = book.create_sheet("另一张")
    other["B2"] = "不动"
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


MADE = people_made()


def cells_of(data: bytes) -> dict[tuple[str, int, int], Any]:
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        (sheet.title, cell.row - 1, cell.column - 1): cell.value
        for sheet in book
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
    }


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co")), max_size=12
)


@settings(max_examples=15, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.integers(0, 20), st.integers(0, 30)),
        st.one_of(TEXTS, st.integers(-999, 999)),
        min_size=1,
        max_size=8,
    )
)
def test_what_is_written_is_read_and_the_rest_is_as_before(
    cells: dict[tuple[int, int], str | int],
) -> None:
    changed = edited_workbook(MADE, [SheetEdit("表", cells)])
    expected = cells_of(MADE)
    for (row, column), value in cells.items():
        expected[("表", row, column)] = value
    expected = {place: value for place, value in expected.items() if value != ""}
    found = cells_of(changed)
    assert {place: str(value) for place, value in found.items()} == {
        place: str(value) for place, value in expected.items()
    }


def test_text_that_looks_like_a_formula_stays_text() -> None:
    changed = edited_workbook(MADE, [SheetEdit("表", {(3, 1): "=1+1", (3, 2): 2.5})])
    sheet = read_workbook(changed).sheets["表"]
    assert (sheet[3][1], sheet[3][2]) == ("=1+1", 2.5)
    book = openpyxl.load_workbook(io.BytesIO(changed))
    assert book["表"]["B4"].data_type == "s"


def test_other_parts_keep_their_bytes() -> None:
    changed = edited_workbook(MADE, [SheetEdit("表", {(3, 0): "3"})])
    with zipfile.ZipFile(io.BytesIO(MADE)) as old, zipfile.ZipFile(io.BytesIO(changed)) as new:
        assert old.namelist() == new.namelist()
        differing = [name for name in old.namelist() if old.read(name) != new.read(name)]
    assert differing == ["xl/worksheets/sheet1.xml"]


def test_ranges_reach_new_rows_and_looks_are_taken_over() -> None:
    edit = SheetEdit("表", {(3, 0): "3", (4, 0): "4"}, {3: 2, 4: 2}, marked=frozenset({(4, 0)}))
    book = openpyxl.load_workbook(io.BytesIO(edited_workbook(MADE, [edit])))
    sheet = book["表"]
    assert sheet.tables["T1"].ref == "A1:C5"
    assert str(sheet.data_validations.dataValidation[0].sqref) == "B2:B5"
    assert sheet["A5"].fill.fgColor.rgb == "FF" + MARKED.removeprefix("#")
    assert sheet["A4"].fill.fgColor.rgb == "00000000"


def test_a_sheet_is_added_behind_the_others() -> None:
    added = NewSheet("参考", "说明", ("甲", "乙"), (10, 20), [("一", "=二")])
    changed = edited_workbook(MADE, [], [added])
    assert list(read_workbook(changed).sheets) == ["表", "另一张", "参考"]
    assert read_workbook(changed).sheets["参考"][3] == ["一", "=二"]


@pytest.mark.slow
def test_what_another_program_saved_can_be_edited(repository: Path) -> None:
    data = (repository / "tests" / "data" / "return_by_libreoffice.xlsx").read_bytes()
    name = next(iter(read_workbook(data).sheets))
    changed = edited_workbook(data, [SheetEdit(name, {(40, 2): "新的一格"})])
    before, after = cells_of(data), cells_of(changed)
    assert after == {**before, (name, 40, 2): "新的一格"}


@pytest.mark.parametrize("data", [b"", MADE[:300], b"PK\x05\x06" + bytes(18)])
def test_what_cannot_be_edited_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        edited_workbook(data, [SheetEdit("表", {(0, 0): "x"})])


def test_a_sheet_that_is_not_there_is_refused() -> None:
    with pytest.raises(Unreadable, match="没有工作表“无”"):
        edited_workbook(MADE, [SheetEdit("无", {(0, 0): "x"})])
