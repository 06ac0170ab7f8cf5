"""The 自评表 of one return: what it says to each indicator, and what its subtotals display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfxl import tables
from perfxl.excel.reader import Grid
from perfxl.intake.columns import Columns, columns_of
from perfxl.layout.locate import LocatedTable, Rows
from perfxl.plan import forms
from perfxl.plan.model import Indicator, Rubric, RubricRow
from perfxl.values import number_of, precise_number_of, squeeze, text_of

Origin = Mapping[str, str]


@dataclass(frozen=True)
class Assessment:
    """Rows for ``tables.ENTRIES``, ``SUBTOTALS`` and ``STRAYS``."""

    entries: Columns
    subtotals: Columns
    strays: Columns


def read_assessment(
    rubric: Rubric, origin: Origin, grid: Grid, rows: Rows, located: LocatedTable
) -> Assessment:
    """Read the sheet whose rows these are; ``origin`` gives receipt, unit and sheet."""
    return _Reading(rubric, origin, grid, rows, located).result()


class _Reading:
    def __init__(
        self, rubric: Rubric, origin: Origin, grid: Grid, rows: Rows, located: LocatedTable
    ) -> None:
        self.rubric, self.origin, self.rows = rubric, origin, rows
        self.at = located.columns
        # Column by column: each cell is asked for several times.
        self.cells = {
            key: [row[at] if at < len(row) else "" for row in rows]
            for key, at in located.columns.items()
        }
        self.texts = {key: [text_of(cell) for cell in cells] for key, cells in self.cells.items()}
        self.formulas = None if grid.formulas is None else grid.formulas.get(origin["sheet"], ())
        self.strays: list[dict[str, object]] = []
        self.where: dict[int, int] = {}
        self.repeats: dict[int, int] = {}
        self.total_row: int | None = None
        self._match_rows(located)
        # What each row displays, read once; headings that read 0 or blank were not calculated.
        self.displayed = [
            precise_number_of(self.cell(self.where.get(i), "self_score"), "分")
            for i in range(len(rubric.rows))
        ]
        # A sum formula passes over a score typed as text.
        self.as_text = {
            i
            for i, line in enumerate(rubric.rows)
            if line.indicator is not None
            and self.displayed[i] is not None
            and isinstance(self.cell(self.where.get(i), "self_score"), str)
        }
        self.effective: dict[int, int] = {}
        for i in reversed(range(len(rubric.rows))):
            below = sum(self.effective[child] for child in rubric.rows[i].children)
            self.effective[i] = self._counted(i, below)

    def cell(self, index: int | None, key: str) -> object:
        return "" if index is None or key not in self.cells else self.cells[key][index]

    def text(self, index: int | None, key: str) -> str:
        return "" if index is None or key not in self.texts else self.texts[key][index]

    def _is_formula(self, index: int | None) -> bool | None:
        if self.formulas is None or index is None:
            return None
        return (index, self.at.get("self_score")) in self.formulas

    def _counted(self, i: int, below: int) -> int:
        shown = self.displayed[i]
        typed_over = shown is not None and self._is_formula(self.where.get(i)) is False
        return shown if shown is not None and (shown or typed_over) else below

    def _match_rows(self, located: LocatedTable) -> None:
        """Positions of the rubric's rows in the sheet, by code and else by name."""
        by_code, by_name = self.rubric.row_by_code, self.rubric.row_by_name
        for number in range(located.first_row, len(self.rows)):
            code, name = self.text(number, "code"), self.text(number, "name")
            if not code and not name:
                continue
            if forms.TOTAL_ROW in (squeeze(code), squeeze(name)):
                self.total_row = number
                continue
            found = by_code.get(squeeze(code)) if code else by_name.get(squeeze(name))
            if found is None and self._has_marks(number):
                self.strays.append({**self.origin, "row": number + 1, "code": code, "name": name})
            elif found is not None:
                self.where.setdefault(found, number)
                self.repeats[found] = self.repeats.get(found, 0) + 1

    def _has_marks(self, number: int) -> bool:
        """Whether a row carries marks or a score, as an indicator's does, a signature line not."""
        return any(
            number_of(self.cell(number, key)) is not None for key in ("full_marks", "self_score")
        )

    def result(self) -> Assessment:
        lines = list(enumerate(self.rubric.rows))
        entries = [
            self._entry(i, line, line.indicator) for i, line in lines if line.indicator is not None
        ]
        subtotals = [self._subtotal(i, line) for i, line in lines if line.indicator is None]
        return Assessment(
            columns_of(tables.ENTRIES, entries),
            columns_of(tables.SUBTOTALS, [*subtotals, self._total()]),
            columns_of(tables.STRAYS, self.strays),
        )

    def _entry(self, i: int, line: RubricRow, indicator: Indicator) -> dict[str, object]:
        index = self.where.get(i)
        return {
            **self.origin,
            "row": None if index is None else index + 1,
            "kind": self.rubric.kind,
            "indicator": line.code,
            "name": line.name,
            "full_marks": line.full_marks,
            "method": indicator.method.name,
            "self_score_required": indicator.self_score_required,
            "evidence_required": indicator.evidence_required,
            "url_required": indicator.url_required,
            "name_in_file": self.text(index, "name"),
            "full_marks_in_file": self.text(index, "full_marks"),
            "repeats": self.repeats.get(i, 0),
            "self_score": self.displayed[i],
            "self_score_text": self.text(index, "self_score"),
            "self_score_is_text": i in self.as_text,
            "basis": self.text(index, "basis"),
            "evidence_numbers": self.text(index, "evidence_numbers"),
            "deduction_reason": self.text(index, "deduction_reason"),
        }

    def _subtotal(self, i: int, line: RubricRow) -> dict[str, object]:
        return {
            **self._sum(self.where.get(i), line.children),
            "code": line.code,
            "name": line.name,
            "depth": line.depth,
            "displayed": self.displayed[i],
            "full_marks": line.full_marks,
        }

    def _total(self) -> dict[str, object]:
        return {
            **self._sum(self.total_row, self.rubric.top),
            "code": forms.TOTAL_ROW,
            "name": forms.TOTAL_ROW,
            "depth": 0,
            "displayed": precise_number_of(self.cell(self.total_row, "self_score"), "分"),
            "full_marks": self.rubric.full_marks,
        }

    def _sum(self, index: int | None, parts: Sequence[int]) -> dict[str, object]:
        """What a row that adds up others shows, and what those others come to."""
        return {
            **self.origin,
            "row": None if index is None else index + 1,
            "displayed_text": self.text(index, "self_score"),
            "is_formula": self._is_formula(index),
            "sum_below": sum(self.effective[part] for part in parts),
            "text_below": sum(self.effective[part] for part in parts if part in self.as_text),
            "parts": [self.effective[part] for part in parts],
            "full_marks_in_file": self.text(index, "full_marks"),
        }
