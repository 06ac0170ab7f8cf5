"""What the consolidated workbook is written from, and where its matrix puts each score."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from perfxl import analysis
from perfxl.application import Applied
from perfxl.last_year import LastYear
from perfxl.layout.locate import column_letter
from perfxl.movements import NOTHING_MOVED, Movements
from perfxl.plan.model import Indicator, Plan, Unit
from perfxl.products.consolidated.form import FIRST_BODY_ROW
from perfxl.tables import (
    DISAGREEMENTS,
    DOCUMENT_BASIS,
    LOOK_AGAIN,
    OBJECTIONS,
    RECTIFICATION,
    Basis,
    Status,
    frame,
)

HEADING_ROW, MARKS_ROW, FIRST_ROW = 2, 3, 4
NOT_APPLICABLE, NOT_RETURNED = str(Basis.NOT_APPLICABLE), str(Status.NOT_RETURNED)

# Excel takes 65,530 links a sheet; where there would be more, only one of each unit is made.
MOST_LINKS = 60_000
# Excel takes 1,048,576 rows a sheet; a longer list goes on in a further sheet.
MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class ReturnLine:
    """How one unit's return stands, for the sheet 报送情况."""

    unit: str
    status: str
    received_at: dt.datetime | None
    file: str
    original: str
    errors: int
    verify: int


@dataclass(frozen=True)
class ReviewFile:
    """A review book that scores came from: its name, and the name it is kept under in 原件/."""

    file: str
    original: str


@dataclass(frozen=True)
class RejectedFile:
    """A received file that is no unit's return in force."""

    file: str
    received_at: dt.datetime
    verdict: str
    detail: str
    original: str


@dataclass(frozen=True)
class UnitProjects:
    """One unit's projects in the budget system's list and in its return (None: not returned).

    ``amounts`` are, per column of money, the sums of both; hundredths of the register's unit.
    """

    unit: str
    name: str
    status: str
    listed: int
    reported: int | None
    differences: int
    errors: int
    amounts: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class DifferenceLine:
    """A row of ``tables.DIFFERENCES`` with the cell of the return and what the unit says to it."""

    unit: str
    matter: str
    severity: str
    code: str
    name: str
    label: str
    expected: str
    reported: str
    expected_amount: object
    reported_amount: object
    sheet: str
    cell: str
    explanation: str


@dataclass(frozen=True)
class ProjectListCheck:
    """Returns beside the budget system's list; ``labels`` name its columns of money."""

    source: str
    labels: tuple[str, ...]
    units: Sequence[UnitProjects]
    lines: Sequence[DifferenceLine]

    @property
    def differences(self) -> int:
        """How many there are."""
        return len(self.lines)


@dataclass(frozen=True)
class Material:
    """Tables of one campaign (``tables.SCORES``, ``RANKING``, ``FINDINGS``) and its returns.

    ``movements`` are those since the workbook was last written; ``disagreements``, ``look_again``,
    ``objections`` and ``rectification`` are tables of these names in ``tables``; ``applied`` is
    there where the plan says what grades mean for the budget; ``basis`` (``DOCUMENT_BASIS``) are
    the figures of the documents. ``project_list`` is there where one was imported.
    """

    plan: Plan
    scores: pd.DataFrame
    ranking: pd.DataFrame
    findings: pd.DataFrame
    returns: Sequence[ReturnLine]
    rejected: Sequence[RejectedFile]
    review_files: Mapping[str, ReviewFile]
    made_at: dt.datetime
    last_year: LastYear | None = None
    movements: Movements = NOTHING_MOVED
    disagreements: pd.DataFrame = field(default_factory=lambda: frame({}, DISAGREEMENTS))
    look_again: pd.DataFrame = field(default_factory=lambda: frame({}, LOOK_AGAIN))
    objections: pd.DataFrame = field(default_factory=lambda: frame({}, OBJECTIONS))
    rectification: pd.DataFrame = field(default_factory=lambda: frame({}, RECTIFICATION))
    applied: Applied | None = None
    basis: pd.DataFrame = field(default_factory=lambda: frame({}, DOCUMENT_BASIS))
    project_list: ProjectListCheck | None = None

    @cached_property
    def by_unit(self) -> Mapping[str, Mapping[str, Any]]:
        """Score rows by unit and indicator."""
        found: dict[str, dict[str, Any]] = {}
        for row in self.scores.itertuples(index=False):
            found.setdefault(row.unit, {})[row.indicator] = row
        return found

    @cached_property
    def rank_of(self) -> Mapping[str, Any]:
        """Ranking rows by unit."""
        return {row.unit: row for row in self.ranking.itertuples(index=False)}

    @cached_property
    def errors_of(self) -> Mapping[str, int]:
        """How many findings of severity 错误 each unit's return still carries."""
        return {line.unit: line.errors for line in self.returns}

    @cached_property
    def objections_listed(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """The objections of units that are still in the roster, each with the unit's name."""
        return [
            (self.plan.unit_by_code[line["unit"]].name, line)
            for line in self.objections.to_dict("records")
            if line["unit"] in self.plan.unit_by_code
        ]

    @cached_property
    def objection_rows(self) -> Mapping[int, int]:
        """The 0-based row of each objection in the sheet that lists them, by its number."""
        return {
            int(line["number"]): FIRST_BODY_ROW + at
            for at, (_, line) in enumerate(self.objections_listed)
        }

    @cached_property
    def indicator_figures(self) -> pd.DataFrame:
        """``tables.INDICATOR_FIGURES``."""
        return analysis.indicator_figures(self.plan, self.scores)

    @cached_property
    def unit_deviations(self) -> pd.DataFrame:
        """``tables.UNIT_DEVIATIONS``."""
        return analysis.unit_deviations(self.plan, self.scores)

    @cached_property
    def indicator_deviations(self) -> pd.DataFrame:
        """``tables.INDICATOR_DEVIATIONS``."""
        return analysis.indicator_deviations(self.plan, self.scores)

    @cached_property
    def matrices(self) -> Mapping[str, MatrixPlace]:
        """Where each kind's matrix has its rows and columns; kinds without units have none."""
        places = {}
        for kind, rubric in self.plan.rubrics.items():
            units = tuple(self.plan.units_of(kind))
            if units:
                places[kind] = MatrixPlace(f"得分汇总（{kind}）", units, rubric.indicators)
        return places

    def score_reference(self, unit: str, indicator: str) -> str:
        """The matrix cell that holds the score that counts, as a formula reference."""
        kind = self.plan.unit_by_code[unit].kind
        return self.matrices[kind].score_cell(unit, indicator)


@dataclass(frozen=True)
class MatrixPlace:
    """Geometry of one kind's matrix: units down, indicators across, totals behind."""

    sheet: str
    units: tuple[Unit, ...]
    indicators: tuple[Indicator, ...]

    LEADING = ("单位编码", "单位名称", "负责股室", "报送情况")
    TRAILING = (
        "得分合计",
        "适用分值",
        "逾期扣分",
        "总分",
        "等级",
        "排名",
        "未核定项数",
        "错误条数",
        "排序值",
        "排列序号",
    )

    @cached_property
    def _unit_rows(self) -> Mapping[str, int]:
        return {unit.code: FIRST_ROW + index for index, unit in enumerate(self.units)}

    @cached_property
    def _indicator_columns(self) -> Mapping[str, int]:
        start = len(self.LEADING)
        return {one.code: start + index for index, one in enumerate(self.indicators)}

    def row(self, unit: str) -> int:
        """The 0-based row of a unit."""
        return self._unit_rows[unit]

    def indicator_column(self, code: str) -> int:
        """The 0-based column of an indicator."""
        return self._indicator_columns[code]

    def column(self, label: str) -> int:
        """The 0-based column of a leading or trailing label."""
        if label in self.LEADING:
            return self.LEADING.index(label)
        return len(self.LEADING) + len(self.indicators) + self.TRAILING.index(label)

    @property
    def last_row(self) -> int:
        """The 0-based row of the last unit."""
        return FIRST_ROW + len(self.units) - 1

    def quoted(self) -> str:
        """The sheet's name as formulas quote it."""
        return "'" + self.sheet.replace("'", "''") + "'"

    def score_cell(self, unit: str, indicator: str) -> str:
        """Reference to one score from another sheet, fixed, so that lists can be sorted."""
        letter = column_letter(self.indicator_column(indicator))
        return f"{self.quoted()}!${letter}${self.row(unit) + 1}"

    def column_range(self, column: int, *, absolute_sheet: bool = True) -> str:
        """The units' cells of one column: ``'得分汇总（部门）'!$F$5:$F$26``."""
        letter = column_letter(column)
        cells = f"${letter}${FIRST_ROW + 1}:${letter}${self.last_row + 1}"
        return f"{self.quoted()}!{cells}" if absolute_sheet else cells
