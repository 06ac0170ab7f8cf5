"""The live formulas of the consolidated workbook, recalculated by LibreOffice, against perfxl.

perfxl writes its own figure as the cached value of every formula, so that one comparison covers
every sheet, the hidden columns too.
"""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from live_cells import cached_values, differences, recalculated
from made_scores import NOW, material_of, random_material, random_scores

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.last_year import read_last_year
from perfxl.plan.model import LateRule, Plan, TieRule
from perfxl.points import as_float
from perfxl.products.consolidated.analysis import analysis_places
from perfxl.products.consolidated.lists import DEDUCTIONS
from perfxl.products.consolidated.material import Material
from perfxl.products.consolidated.workbook import consolidated_workbook
from perfxl.stages.consolidate import FILE, consolidate, material
from perfxl.stages.gather import gather
from perfxl.stages.review import book_path, ingest_books, issue_books
from perfxl.tables import Basis, Status, whole


def saved(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def with_last_year(made: Material, other: Material) -> Material:
    """The same with another set as last year's, read as a file is."""
    rows: dict[str, list[list[object]]] = {}
    book = openpyxl.load_workbook(io.BytesIO(consolidated_workbook(other)), data_only=True)
    for sheet in book.worksheets:
        rows[sheet.title] = [
            ["" if value is None else value for value in row]
            for row in sheet.iter_rows(values_only=True)
        ]
    return replace(made, last_year=read_last_year(rows, "上年.xlsx"))


@pytest.mark.libreoffice
@pytest.mark.slow
def test_every_formula_of_the_demo_recalculates_to_what_perfxl_wrote(
    office, campaign: Campaign
) -> None:
    path = campaign.path(PRODUCTS) / FILE
    cached = cached_values(path.read_bytes())
    assert len({sheet for sheet, _ in cached}) == 10
    assert differences(cached, recalculated(office, path, list(cached))) == []


@pytest.mark.libreoffice
@pytest.mark.slow
@pytest.mark.parametrize("rule", TieRule)
def test_random_score_sets_recalculate_to_what_perfxl_wrote(
    office, plan: Plan, tmp_path: Path, rule: TieRule
) -> None:
    chance = random.Random(str(rule))
    terms = {"tie_rule": rule, "late_rule": LateRule.TOTAL, "late_deduction": 150}
    made = with_last_year(random_material(plan, chance, **terms), random_material(plan, chance))
    states = {line.status for line in made.returns}
    assert states == {str(one) for one in Status}
    assert str(Basis.NOT_APPLICABLE) in set(made.scores["basis"])
    data = consolidated_workbook(made)
    cached = cached_values(data)
    path = saved(tmp_path / "book.xlsx", data)
    assert differences(cached, recalculated(office, path, list(cached))) == []


@pytest.mark.libreoffice
@pytest.mark.slow
def test_codes_that_a_spreadsheet_takes_for_one_another(office, plan: Plan, tmp_path: Path) -> None:
    codes = ["1", "01", "a1", "A1", "1.0", "*", "?", "1e2", "100"]
    units = [replace(unit, code=codes.pop()) for unit in plan.units_of("乡镇")]
    made = random_material(replace(plan, units=tuple(units)), random.Random(7))
    data = consolidated_workbook(made)
    cached = cached_values(data)
    path = saved(tmp_path / "book.xlsx", data)
    assert differences(cached, recalculated(office, path, list(cached))) == []


@pytest.mark.libreoffice
@pytest.mark.slow
def test_nobody_returned_anything_and_nothing_divides_by_zero(
    office, plan: Plan, tmp_path: Path
) -> None:
    status = {unit.code: Status.NOT_RETURNED for unit in plan.units}
    made = material_of(plan, random_scores(plan, random.Random(1), status), status)
    data = consolidated_workbook(made)
    cached = cached_values(data)
    path = saved(tmp_path / "book.xlsx", data)
    assert differences(cached, recalculated(office, path, list(cached))) == []


@pytest.mark.libreoffice
@pytest.mark.slow
def test_what_is_typed_into_the_matrix_is_followed_by_every_sheet(
    office, plan: Plan, tmp_path: Path
) -> None:
    """Typing scores in gives what perfxl writes when it starts from these scores."""
    chance = random.Random(8)
    terms = {"late_rule": LateRule.TOTAL, "late_deduction": 100}
    last_year = random_material(plan, chance)
    before = random_material(plan, chance, **terms)
    scores = before.scores.copy()
    typed = []
    for index in chance.sample(range(len(scores)), 60):
        row = scores.iloc[index]
        if row["basis"] == Basis.NOT_RETURNED:
            continue
        steps = row["full_marks"] // plan.campaign.step
        amount = chance.randint(0, steps) * plan.campaign.step
        scores.loc[index, "score"] = amount
        sheet, cell = before.score_reference(row["unit"], row["indicator"]).split("!")
        typed.append((sheet.strip("'"), cell, as_float(amount)))
    status = {line.unit: Status(line.status) for line in before.returns}
    after = with_last_year(material_of(before.plan, scores, status), last_year)
    wanted = {
        place: value
        for place, value in cached_values(consolidated_workbook(after)).items()
        if place[0] != DEDUCTIONS  # lists the deductions that there were when it was written
    }
    data = consolidated_workbook(with_last_year(before, last_year))
    assert {place[0] for place in wanted} > {"封面", "排名", "指标分析", "自评偏差", "上年对比"}
    assert len(differences(wanted, cached_values(data))) > 300
    path = saved(tmp_path / "book.xlsx", data)
    assert differences(wanted, recalculated(office, path, list(wanted), typed)) == []


BROKEN = [
    ("得分汇总（部门）", "得分合计", "SUM(", "1+SUM("),
    ("封面", "平均分", "ROUND(SUMPRODUCT", "ROUND(1+SUMPRODUCT"),
    ("指标分析", "扣分单位数", "INDEX(", "1+INDEX("),
    ("自评偏差", "可比自评", '"—",INDEX(', '"—",1+INDEX('),
]


@pytest.mark.slow
@pytest.mark.libreoffice
@pytest.mark.parametrize(
    ("sheet", "label", "part", "wrong"),
    [BROKEN[0], *(pytest.param(*one, marks=pytest.mark.slow) for one in BROKEN[1:])],
)
def test_a_formula_broken_on_purpose_is_seen(
    office, campaign: Campaign, tmp_path: Path, sheet: str, label: str, part: str, wrong: str
) -> None:
    path = campaign.path(PRODUCTS) / FILE
    cached = cached_values(path.read_bytes())
    book = openpyxl.load_workbook(path)
    heading = next(cell for row in book[sheet].iter_rows() for cell in row if cell.value == label)
    cell = next(
        below
        for row in book[sheet].iter_rows(min_row=heading.row + 1)
        for below in row
        if below.column == heading.column and part in str(below.value)
    )
    cell.value = cell.value.replace(part, wrong, 1)
    book.save(tmp_path / "broken.xlsx")
    own = {place: value for place, value in cached.items() if place[0] == sheet}
    got = recalculated(office, tmp_path / "broken.xlsx", list(own))
    assert any(one.startswith(f"{sheet}!{cell.coordinate}:") for one in differences(own, got))


@pytest.mark.slow
@pytest.mark.libreoffice
def test_a_score_typed_into_the_workbook_counts_as_one_taken_in_by_a_review_book(
    office, campaign: Campaign
) -> None:
    made = material(campaign, gather(campaign), NOW)
    old = campaign.path(PRODUCTS) / FILE
    kept = saved(campaign.folder / "before.xlsx", old.read_bytes())
    issue_books(campaign, NOW)
    section = made.plan.unit_by_code["110"].section
    path = book_path(campaign, section)
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    heading = [cell.value for cell in sheet[3]]
    at = {str(label).rstrip(" *"): index for index, label in enumerate(heading) if label}
    changed = None
    for row in sheet.iter_rows(min_row=4):
        if (row[at["单位编码"]].value, row[at["指标编码"]].value) == ("110", "6.1"):
            changed = row[at["核定得分"]]
            assert changed.value == 0
            changed.value = 6
            row[at["扣分原因"]].value = None
    assert changed is not None
    book.save(path)
    taken = ingest_books(campaign, [path], NOW)
    assert [one.recorded for one in taken] == [1]
    after = consolidate(campaign, NOW).gathered.ranking
    place = made.matrices["部门"]
    cell = place.score_cell("110", "6.1").rsplit("!", 1)[1]
    shown = office(kept, read=[place.sheet], type_in=[(place.sheet, cell, 6)])[place.sheet]
    moved = 0
    for line in after[after["kind"] == "部门"].itertuples(index=False):
        row = shown[place.row(line.unit)]
        assert row[place.column("总分")] == pytest.approx(as_float(line.total))
        assert row[place.column("排名")] == whole(line.rank)
        assert row[place.column("等级")] == line.grade
        moved += line.total != made.rank_of[line.unit].total
    assert moved == 1


def test_cached_values_are_perfxls_own(campaign: Campaign) -> None:
    made = material(campaign, gather(campaign), NOW)
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE, data_only=True)
    for place in made.matrices.values():
        for unit in place.units:
            rank = made.rank_of[unit.code]
            row = place.row(unit.code) + 1
            cached = book[place.sheet].cell(row, place.column("总分") + 1).value
            assert cached == as_float(rank.total)
    for kind, place in analysis_places(made).items():
        figures = made.indicator_figures
        first = figures[(figures["kind"] == kind) & (figures["weakness_order"] == 1)].iloc[0]
        shown = [cell.value for cell in book["指标分析"][place.weakest[0] + 1]][:6]
        assert shown[1:3] == [first["indicator"], first["name"]]
        assert shown[5] == pytest.approx(first["sum"] / first["units"] / first["full_marks"])
