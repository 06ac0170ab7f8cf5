"""Good returns, spoilt by a seed: none that lost a cell is called fine.

A cell is lost where the good return shows something and what was read of the mutant shows nothing
in that place. A mutant is called fine where it is read, counts as the unit's return, and is found to
have nothing that the good one has not.
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from mutations import CUT_ALIKE, INSIDE, Damage, mutated

from perfxl.campaign import read_plan_file
from perfxl.errors import Fault, Unreadable
from perfxl.excel.reader import Grid, read_workbook
from perfxl.intake.identity import identify
from perfxl.intake.judgement import judge
from perfxl.ledger import Verdict
from perfxl.plan.model import Plan
from perfxl.stages.check import check_grid
from perfxl.stages.demo import SAMPLE_STAMP_KEY

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SAMPLES, DATA = REPOSITORY / "samples" / "returns", REPOSITORY / "tests" / "data"


@dataclass(frozen=True)
class Kind:
    """A good return, and how often it is spoilt."""

    file: Path
    times: int
    few: int
    damages: tuple[Damage, ...] = INSIDE


def _sample(unit: str) -> Path:
    return next(SAMPLES.glob(f"*-{unit}-*.xlsx"))


# openpyxl writes no blank cells: what is cut out exactly there is what a unit might have left out.
KINDS = {
    "openpyxl": Kind(_sample("101"), 500, 50),
    "openpyxl-township": Kind(_sample("203"), 400, 40),
    "openpyxl-many-projects": Kind(_sample("112"), 300, 30),
    "libreoffice": Kind(DATA / "return_by_libreoffice.xlsx", 900, 90, CUT_ALIKE),
    "libreoffice-xls": Kind(DATA / "return_by_libreoffice.xls", 900, 90),
}

Cells = dict[tuple[str, int, int], object]


@cache
def _plan() -> Plan:
    file = REPOSITORY / "workbook_templates" / "考核方案.xlsx"
    return read_plan_file(file.read_bytes(), file.name)


def _shown(grid: Grid) -> Cells:
    return {
        (sheet, r, c): value
        for sheet, rows in grid.sheets.items()
        for r, row in enumerate(rows)
        for c, value in enumerate(row)
        if str(value).strip()
    }


def _lost(good: Grid, read: Grid) -> list[tuple[str, int, int]]:
    shown = _shown(read)
    # A sheet of another name in the same place is that sheet.
    if len(good.sheets) == len(read.sheets):
        now = dict(zip(good.sheets, read.sheets, strict=True))
    else:
        now = {name: name for name in good.sheets}
    return [place for place in _shown(good) if (now[place[0]], *place[1:]) not in shown]


def _left_out(data: bytes) -> set[tuple[str, int]]:
    """The columns (0-based) of each sheet in which the program writes no cell that is blank."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    return {
        (sheet.title, column - 1)
        for sheet in book.worksheets
        for column in range(1, sheet.max_column + 1)
        if any((row, column) not in sheet._cells for row in range(1, sheet.max_row + 1))
    }


def _said(grid: Grid, data: bytes, name: str) -> tuple[Verdict, list[str]]:
    """The verdict, and every finding of a return that counts."""
    plan = _plan()
    identity = identify(plan, grid, name, SAMPLE_STAMP_KEY)
    verdict = judge(plan, grid, identity, (name,)).verdict
    if verdict is not Verdict.VALID:
        return verdict, []
    assert identity.unit is not None
    checked = check_grid(plan, identity.unit, data, grid, name, SAMPLE_STAMP_KEY)
    findings = checked.result.findings.drop(columns="receipt")
    return verdict, sorted(map(str, findings.itertuples(index=False)))


def _called_fine(kind: Kind, seeds: range) -> tuple[list[str], Counter[str]]:
    """The mutants that lost a cell and are called fine, and how all of them went."""
    data, name = kind.file.read_bytes(), f"报送{kind.file.suffix}"
    good = read_workbook(data)
    fine = _said(good, data, name)
    assert fine[0] is Verdict.VALID
    # To leave such a cell out exactly gives what a unit might have sent: nobody can tell.
    left_out = _left_out(data) if kind.damages is CUT_ALIKE else set()
    bad, went = [], Counter[str]()
    for seed in seeds:
        mutant = mutated(data, f"{kind.file.stem}-{seed}", kind.damages)
        try:
            read = read_workbook(mutant)
        except Unreadable as refusal:
            assert refusal.what and refusal.remedy
            assert refusal.fault in Fault
            went[refusal.fault] += 1
            continue
        lost = [place for place in _lost(good, read) if (place[0], place[2]) not in left_out]
        said = _said(read, mutant, name) if lost else fine
        went["lost and told" if lost else "whole"] += 1
        if lost and said == fine:
            bad.append(f"seed {seed}: {lost[:3]}")
    return bad, went


@pytest.mark.parametrize("kind", KINDS)
def test_no_mutant_that_lost_a_cell_is_called_fine(kind: str) -> None:
    bad, went = _called_fine(KINDS[kind], range(KINDS[kind].few))
    assert not bad
    assert went["whole"] and went[Fault.DAMAGED]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_no_mutant_of_three_thousand(kind: str) -> None:
    bad, went = _called_fine(KINDS[kind], range(1000, 1000 + KINDS[kind].times))
    assert not bad
    assert went["lost and told"] or went[Fault.DAMAGED] > went["whole"]


def test_the_comparison_can_fail() -> None:
    """A reader that dropped a cell in silence would be found out by this very comparison."""
    data = KINDS["libreoffice"].file.read_bytes()
    good = read_workbook(data)
    sheets = {name: [list(row) for row in rows] for name, rows in good.sheets.items()}
    sheets["佐证材料"][5][3] = ""
    assert _lost(good, Grid(sheets)) == [("佐证材料", 5, 3)]
