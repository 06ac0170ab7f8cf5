"""The consolidated workbook: its live formulas, recalculated by LibreOffice, against perfxl."""

from __future__ import annotations

import datetime as dt
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from perfxl import scoring
from perfxl.campaign import PRODUCTS, Campaign
from perfxl.plan.model import LateRule, Plan, TieRule
from perfxl.points import as_float
from perfxl.products.consolidated.analysis import indicator_means
from perfxl.products.consolidated.material import FIRST_ROW, Material, ReturnLine
from perfxl.products.consolidated.workbook import consolidated_workbook
from perfxl.stages.consolidate import FILE, consolidate, material
from perfxl.stages.gather import gather
from perfxl.tables import SCORES, Basis, Status, frame, whole

NOW = dt.datetime(2024, 1, 26, 10, 0)
NEAR = 1e-9


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def agrees(office, path: Path, made: Material) -> None:
    """Every total, rank, grade and rank order that LibreOffice computes is perfxl's own."""
    sheets = office(path, read=["排名", "指标分析", *(p.sheet for p in made.matrices.values())])
    assert not [cell for rows in sheets.values() for row in rows for cell in row if cell == "#ERR"]
    ranking_rows = [row for row in sheets["排名"] if row[0] not in ("", "名次") and row[7] != ""]
    for kind, place in made.matrices.items():
        ranked = made.ranking[made.ranking["kind"] == kind]
        for line in ranked.itertuples(index=False):
            row = sheets[place.sheet][place.row(line.unit)]
            shown = [row[place.column(label)] for label in ("得分合计", "适用分值", "总分")]
            wanted = [as_float(line.sum), as_float(line.applicable), as_float(line.total)]
            assert shown == pytest.approx(wanted, abs=NEAR)
            rank = whole(line.rank)
            assert row[place.column("等级")] == line.grade
            assert row[place.column("排名")] == ("—" if rank is None else rank)
            assert row[place.column("排列序号")] == line.position
            in_ranking = ranking_rows.pop(0)
            assert in_ranking[1:3] == [line.unit, line.name]
            assert in_ranking[0] == ("—" if rank is None else rank)
            assert in_ranking[7] == pytest.approx(as_float(line.total), abs=NEAR)
            assert in_ranking[8] == line.grade
        analysis = sheets["指标分析"]
        first = next(index for index, row in enumerate(analysis) if row[0] == kind) + 1
        means = indicator_means(made, kind)
        for row, indicator in zip(analysis[first:], place.indicators, strict=False):
            mean = means[indicator.code]
            expected = "" if mean is None else pytest.approx(float(mean) / 100, abs=NEAR)
            assert (row[0], row[3]) == (indicator.code, expected)
    assert not ranking_rows


@pytest.mark.libreoffice
def test_recalculated_by_libreoffice_it_agrees_with_perfxl(office, campaign: Campaign) -> None:
    made = material(campaign, gather(campaign), NOW)
    agrees(office, campaign.path(PRODUCTS) / FILE, made)


@pytest.mark.libreoffice
def test_a_broken_formula_is_seen(office, campaign: Campaign, tmp_path: Path) -> None:
    made = material(campaign, gather(campaign), NOW)
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE)
    place = made.matrices["部门"]
    cell = book[place.sheet].cell(FIRST_ROW + 1, place.column("得分合计") + 1)
    cell.value = cell.value.replace("SUM(", "1+SUM(")
    book.save(tmp_path / "broken.xlsx")
    with pytest.raises(AssertionError):
        agrees(office, tmp_path / "broken.xlsx", made)


def random_scores(plan: Plan, chance: random.Random) -> Material:
    """Scores with ties, 不适用, late penalties and missing returns."""
    columns: dict[str, list[object]] = {name: [] for name in SCORES}
    status = {
        unit.code: chance.choice([Status.ON_TIME] * 6 + [Status.LATE, Status.NOT_RETURNED])
        for unit in plan.units
    }
    for unit in plan.units:
        kind_of_unit = chance.choice((0, 1))  # half of the units score alike, so that ties occur
        for indicator in plan.rubrics[unit.kind].indicators:
            steps = indicator.full_marks // plan.campaign.step
            amount: int | None = (steps - chance.choice((0, kind_of_unit))) * plan.campaign.step
            basis = Basis.APPROVED
            if status[unit.code] is Status.NOT_RETURNED:
                amount, basis = 0, Basis.NOT_RETURNED
            elif chance.random() < 0.05:
                amount, basis = None, Basis.NOT_APPLICABLE
            row = {
                "unit": unit.code,
                "kind": unit.kind,
                "indicator": indicator.code,
                "name": indicator.name,
                "full_marks": indicator.full_marks,
                "score": amount,
                "basis": str(basis),
                "applies": amount is not None,
            }
            for name, column in columns.items():
                column.append(row.get(name, None if SCORES[name] == "Int64" else ""))
    scores = frame(columns, SCORES)
    lines = [
        ReturnLine(unit.code, str(status[unit.code]), None, "", "", 0, 0) for unit in plan.units
    ]
    ranking = scoring.ranking(plan, scores, status)
    return Material(
        plan, scores, ranking, frame({}, {"unit": "object", "code": "object"}), lines, [], {}, NOW
    )


@pytest.mark.libreoffice
@pytest.mark.parametrize(
    "rule",
    [
        TieRule.SKIP,
        pytest.param(TieRule.DENSE, marks=pytest.mark.slow),
        pytest.param(TieRule.ROSTER, marks=pytest.mark.slow),
    ],
)
def test_ties_missing_returns_and_late_penalties_agree(
    office, plan: Plan, tmp_path: Path, rule
) -> None:
    terms = replace(plan.campaign, tie_rule=rule, late_rule=LateRule.TOTAL, late_deduction=150)
    made = random_scores(replace(plan, campaign=terms), random.Random(str(rule)))
    agrees(office, write(tmp_path / "book.xlsx", consolidated_workbook(made)), made)


@pytest.mark.libreoffice
def test_a_score_changed_in_the_matrix_moves_total_rank_and_grade(
    office, campaign: Campaign
) -> None:
    gathered = gather(campaign)
    made = material(campaign, gathered, NOW)
    place = made.matrices["部门"]
    last = made.ranking[made.ranking["kind"] == "部门"].iloc[-1]
    changes = []
    scores = made.scores.copy()
    for indicator in place.indicators:
        cell = place.score_cell(last["unit"], indicator.code).rsplit("!", 1)[1]
        changes.append((place.sheet, cell, as_float(indicator.full_marks)))
        own = (scores["unit"] == last["unit"]) & (scores["indicator"] == indicator.code)
        scores.loc[own, "score"] = indicator.full_marks
    expected = scoring.ranking(made.plan, scores, gathered.status)
    row = office(campaign.path(PRODUCTS) / FILE, read=[place.sheet], type_in=changes)[place.sheet][
        place.row(last["unit"])
    ]
    wanted = expected[expected["unit"] == last["unit"]].iloc[0]
    assert (wanted["rank"], wanted["grade"], wanted["total"]) == (1, "优", 10_000)
    assert row[place.column("排名")] == 1
    assert row[place.column("等级")] == "优"
    assert row[place.column("总分")] == 100


def test_the_cached_values_are_perfxls_own(campaign: Campaign) -> None:
    made = material(campaign, gather(campaign), NOW)
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE, data_only=True)
    for place in made.matrices.values():
        for unit in place.units:
            rank = made.rank_of[unit.code]
            row = place.row(unit.code) + 1
            cached = book[place.sheet].cell(row, place.column("总分") + 1).value
            assert cached == as_float(rank.total)


def test_an_earlier_workbook_is_kept(campaign: Campaign) -> None:
    before = (campaign.path(PRODUCTS) / FILE).read_bytes()
    result = consolidate(campaign, NOW)
    assert result.kept is not None
    assert result.kept.read_bytes() == before


def test_the_sheets_and_their_print_set_up(campaign: Campaign) -> None:
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE)
    assert book.sheetnames == [
        "排名", "得分汇总（部门）", "得分汇总（乡镇）", "扣分明细", "得分明细", "审核意见",
        "报送情况", "指标分析", "说明",
    ]  # fmt: skip
    ranking = book["排名"]
    assert int(ranking.page_setup.paperSize) == 9
    assert ranking.page_setup.orientation == "portrait"
    assert ranking.sheet_properties.pageSetUpPr.fitToPage
    assert int(ranking.page_setup.fitToHeight) == 0
    assert ranking.print_title_rows == "$1:$3"
    assert len(ranking.row_breaks.brk) == 1


def test_no_text_from_a_return_is_a_formula(campaign: Campaign) -> None:
    with zipfile.ZipFile(campaign.path(PRODUCTS) / FILE) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert b"HYPERLINK(" not in archive.read(name)
