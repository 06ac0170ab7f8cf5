"""Rows that are finished early are those that xlsxwriter writes at the end."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from perfxl.errors import TooLargeForExcel
from perfxl.excel.sheet_rows import SheetRows
from perfxl.excel.style import Role, properties
from perfxl.excel.writer import WorkbookWriter
from perfxl.layout.declare import ValueKind

FORMULAS = ("=SUM(A1:A9)", '=IF(A1<>"",A1&"<b>",0)', "=SORT(A1:A3)", '=IF(A1>0,"SORT(","")')
CELLS = st.one_of(
    st.tuples(st.just("text"), st.text(st.characters(codec="utf-8"), max_size=8)),
    st.tuples(st.just("number"), st.one_of(st.none(), st.integers(-10**9, 10**9))),
    st.tuples(st.just("formula"), st.tuples(st.sampled_from(FORMULAS), st.sampled_from(
        [0, 2.5, "", "甲&乙", "#N/A"]))),
    st.tuples(st.just("date"), st.dates(dt.date(1990, 1, 1), dt.date(2100, 1, 1))),
)  # fmt: skip


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            name: archive.read(name) for name in archive.namelist() if not name.startswith("doc")
        }


def by_xlsxwriter(sheets: list[dict[tuple[int, int], tuple[str, object]]]) -> bytes:
    """The same cells through xlsxwriter alone."""
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(
        buffer,
        {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
    )
    formats: dict[ValueKind, object] = {}

    def style(kind: ValueKind) -> object:
        if kind not in formats:
            formats[kind] = book.add_format(properties(Role.FIXED, kind))
        return formats[kind]

    for number, cells in enumerate(sheets):
        sheet = book.add_worksheet(f"表{number}")
        for (row, column), (what, value) in cells.items():
            if value in (None, ""):
                kind = ValueKind.TEXT if what == "text" else ValueKind.SCORE
                sheet.write_blank(row, column, None, style(kind))
            elif what == "text":
                sheet.write_string(row, column, value, style(ValueKind.TEXT))
            elif what == "number":
                sheet.write_number(row, column, value / 100, style(ValueKind.SCORE))  # type: ignore[operator]
            elif what == "formula":
                formula, cached = value  # type: ignore[misc]
                sheet.write_formula(row, column, formula, style(ValueKind.SCORE), cached)
            else:
                sheet.write_datetime(row, column, value, style(ValueKind.DATE))
            sheet.set_row(row, 20 + row % 3)
    book.close()
    return buffer.getvalue()


def by_perfxl(
    sheets: list[dict[tuple[int, int], tuple[str, object]]], *, large: bool, finish: bool
) -> bytes:
    book = WorkbookWriter(large=large)
    for number, cells in enumerate(sheets):
        sheet = book.sheet(f"表{number}", charted=number == 1)
        for (row, column), (what, value) in cells.items():
            if what == "formula":
                formula, cached = value  # type: ignore[misc]
                sheet.formula(row, column, formula, cached=cached)
            else:
                getattr(sheet, what)(row, column, value)
            sheet.raw.set_row(row, 20 + row % 3)
            if finish:
                sheet.finish_rows(row)
    return book.to_bytes()


POSITIONS = st.tuples(st.integers(0, 70), st.integers(0, 30))


@given(st.lists(st.dictionaries(POSITIONS, CELLS, min_size=1, max_size=25), min_size=1, max_size=3))
@settings(max_examples=20, deadline=None)
def test_any_cells_in_any_order(sheets: list[dict[tuple[int, int], tuple[str, object]]]) -> None:
    assert parts(by_perfxl(sheets, large=False, finish=False)) == parts(by_xlsxwriter(sheets))


@given(st.dictionaries(POSITIONS, CELLS, min_size=1, max_size=60))
@settings(max_examples=20, deadline=None)
def test_rows_finished_one_after_the_other(
    cells: dict[tuple[int, int], tuple[str, object]],
) -> None:
    in_order = dict(sorted(cells.items(), key=lambda one: one[0][0]))
    finished = by_perfxl([in_order], large=True, finish=True)
    assert parts(finished) == parts(by_xlsxwriter([in_order]))


def test_a_sheet_that_is_packed_on_the_way() -> None:
    cells: dict[tuple[int, int], tuple[str, object]] = {
        (row, column): ("text", f"第{row}行“{column}”")
        for row in range(1500)
        for column in range(8)
    }
    cells |= {(row, 9): ("formula", (f'=IF(A{row}="甲","乙",0)', "丙")) for row in range(1500)}
    cells = dict(sorted(cells.items()))
    assert parts(by_perfxl([cells], large=True, finish=True)) == parts(by_xlsxwriter([cells]))


def test_finished_rows_take_no_room() -> None:
    book = WorkbookWriter(large=True)
    sheet = book.sheet("表")
    for row in range(5000):
        sheet.text(row, 0, "甲")
        sheet.raw.set_row(row, 20)
        sheet.finish_rows(row)
    assert isinstance(sheet.raw, SheetRows)
    assert len(sheet.raw.table) <= 16
    assert len(sheet.raw.row_info) <= 16


@pytest.mark.parametrize(("row", "column"), [(1_048_576, 0), (0, 16_384)])
def test_nothing_beyond_a_sheet_is_left_out_silently(row: int, column: int) -> None:
    sheet = WorkbookWriter().sheet("得分明细")
    for write in (
        lambda: sheet.text(row, column, "甲"),
        lambda: sheet.number(row, column, 100),
        lambda: sheet.formula(row, column, "=SUM(A1)"),
        lambda: sheet.date(row, column, dt.date(2024, 1, 1)),
    ):
        with pytest.raises(TooLargeForExcel, match=r"得分明细.*1048576") as caught:
            write()
        assert caught.value.code == "E351"
    sheet.text(1_048_575, 16_383, "最后一格")
