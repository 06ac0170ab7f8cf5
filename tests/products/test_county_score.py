"""县级自评得分.xlsx: its sums are live and right, and nothing that is typed becomes a formula."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
from live_cells import cached_values, differences, recalculated
from year_book import YearBook

from perfxl.products.county_score import county_score_workbook
from perfxl.tables import whole

NOW = dt.datetime(2024, 1, 10, 9, 0)


@pytest.fixture(scope="module")
def book() -> YearBook:
    return YearBook.sample()


def written(book: YearBook) -> bytes:
    return county_score_workbook(book.plan, book.plan.units[0], book.score(), NOW, "填报人甲")


def test_the_form_shows_claims_beside_what_the_registers_give(book: YearBook) -> None:
    score = book.score()
    sheet = openpyxl.load_workbook(io.BytesIO(written(book)), data_only=True)["考核评分表"]
    rows = {str(row[0]): row for row in sheet.iter_rows(min_row=4, values_only=True) if row[0]}
    for leaf in score.leaves.itertuples(index=False):
        _, name, marks, standard, claimed, computed, basis, evidence, _ = rows[leaf.indicator][:9]
        assert (name, marks, standard) == (leaf.name, leaf.full_marks / 100, leaf.standard)
        own = whole(leaf.claimed)
        assert claimed == (None if own is None else own / 100)
        assert computed == ("人工" if leaf.method == "人工" else leaf.computed / 100)
        assert leaf.basis in (basis or "")
        assert (evidence or "") == leaf.evidence
    assert rows["5.2"][4:6] == (8, 7.5)
    assert "所填小计 9.0 与各部分之和 8.0 不符" in rows["5.2"][8]
    assert "自评高于计算 0.5 分" in rows["5.2.1"][8]
    header = sheet["A2"].value
    assert "石楼县财政局" in header and "填报人甲" in header


def test_what_is_typed_stays_text(book: YearBook) -> None:
    other = book.copy()
    evil = '=HYPERLINK("http://x","点")'
    other.put("制度文件", 4, "文件名称", evil)
    other.put("制度文件", 4, "文号", "=1+1")
    cells = openpyxl.load_workbook(io.BytesIO(written(other)))
    typed = [c for sheet in cells for row in sheet for c in row if evil in str(c.value or "")]
    assert len(typed) >= 2
    assert all(cell.data_type == "s" and cell.hyperlink is None for cell in typed)


@pytest.mark.libreoffice
@pytest.mark.slow
def test_every_sum_recalculates_and_follows_a_change(
    office, book: YearBook, tmp_path: Path
) -> None:  # type: ignore[no-untyped-def]
    data = written(book)
    path = tmp_path / "县级自评得分.xlsx"
    path.write_bytes(data)
    cached = cached_values(data)
    assert differences(cached, recalculated(office, path, list(cached))) == []
    sheet = openpyxl.load_workbook(path)["考核评分表"]
    row = next(cell.row for cell in sheet["A"] if cell.value == "5.2.1")
    changed = recalculated(office, path, list(cached), [("考核评分表", f"F{row}", 2)])
    moved = {place for place in cached if changed[place] != pytest.approx(cached[place])}
    # 5.2, 5, the total, and what can be computed.
    assert len(moved) == 4
    assert all(changed[place] == pytest.approx(cached[place] + 0.5) for place in moved)
