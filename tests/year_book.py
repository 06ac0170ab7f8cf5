"""The sample year workbook in memory: rows found by what stands in them, typed into, scored."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfxl.campaign import read_plan_file
from perfxl.county.score import CountyScore, county_score
from perfxl.excel.reader import Grid, read_workbook
from perfxl.intake.assembly import extract
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify
from perfxl.plan.model import Plan
from perfxl.scoring import compute
from perfxl.stages.check import FileCheck, check_grid
from perfxl.stages.demo import SAMPLE_STAMP_KEY

SAMPLE = Path(__file__).resolve().parent.parent / "samples" / "county"
DAY = dt.date(2024, 1, 10)
HEADING = 2


class YearBook:
    """A copy of a year workbook's cells that a test changes."""

    def __init__(self, plan: Plan, grid: Grid) -> None:
        self.plan = plan
        sheets = {name: [list(row) for row in rows] for name, rows in grid.sheets.items()}
        self.grid = Grid(sheets, **{k: v for k, v in vars(grid).items() if k != "sheets"})

    @classmethod
    def sample(cls) -> YearBook:
        data = (SAMPLE / "考核方案.xlsx").read_bytes()
        plan = read_plan_file(data, "考核方案.xlsx")
        return cls(plan, read_workbook((SAMPLE / "return.xlsx").read_bytes()))

    def copy(self) -> YearBook:
        return YearBook(self.plan, self.grid)

    def column(self, sheet: str, label: str) -> int:
        heading = [
            str(value).split("（")[0].removesuffix(" *")
            for value in self.grid.sheets[sheet][HEADING]
        ]
        return heading.index(label)

    def put(self, sheet: str, row: int, label: str, value: object) -> str:
        """Type into a cell (1-based row); its name."""
        at = self.column(sheet, label)
        rows = self.grid.sheets[sheet]
        while len(rows) < row:
            rows.append([])
        cells = rows[row - 1]
        cells += [""] * (at + 1 - len(cells))
        cells[at] = value
        return f"{chr(65 + at)}{row}"

    def add(self, sheet: str, **values: object) -> int:
        """Type a row under the last one; its number."""
        rows = self.grid.sheets[sheet]
        while rows and not any(value != "" for value in rows[-1]):
            rows.pop()
        number = len(rows) + 1
        for label, value in values.items():
            self.put(sheet, number, label, value)
        return number

    def check(self, borrowed: dict[str, int] | None = None, day: dt.date = DAY) -> FileCheck:
        unit = self.plan.units[0]
        return check_grid(
            self.plan,
            unit,
            b"",
            self.grid,
            "年度台账.xlsx",
            SAMPLE_STAMP_KEY,
            borrowed=borrowed,
            as_of=day,
        )

    def score(self, day: dt.date = DAY) -> CountyScore:
        unit = self.plan.units[0]
        identity = identify(self.plan, self.grid, "年度台账.xlsx", SAMPLE_STAMP_KEY)
        returned = Return("0" * 64, "年度台账.xlsx", unit, identity, self.grid)
        tables = extract(self.plan, [returned], as_of=day)
        return county_score(self.plan, unit, tables, compute(self.plan, tables), None, day)
