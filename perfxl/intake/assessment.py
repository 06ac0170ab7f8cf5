"""The 自评表 of a return: what it says to each indicator, and what its subtotals display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from perfxl.excel.reader import Grid
from perfxl.intake.columns import Columns
from perfxl.layout.locate import LocatedTable, Rows
from perfxl.plan import forms
from perfxl.plan.model import Indicator, Rubric, RubricRow
from perfxl.values import number_of, precise_number_of, squeeze, text_of

Origin = Mapping[str, str]

# A column of a sheet ends with a blank, so that a row that is not there reads as one.
_NOWHERE = -1
_READ = (
    "code",
    "name",
    "full_marks",
    "self_score",
    "basis",
    "evidence_numbers",
    "deduction_reason",
)


@dataclass(frozen=True)
class Assessment:
    """Rows for ``tables.ENTRIES``, ``SUBTOTALS`` and ``STRAYS``."""

    entries: Columns
    subtotals: Columns
    strays: Columns


@dataclass(frozen=True)
class _Places:
    """Positions in a sheet of the rubric's rows and of the total, ``_NOWHERE`` if not there.

    ``strange`` are the positions of rows that are not the rubric's.
    """

    of_rows: Sequence[int]
    repeats: Sequence[int]
    total: int
    strange: Sequence[int]


class AssessmentReader:
    """Reads the 自评表 of many returns of one kind of unit; what they share is made once."""

    def __init__(self, rubric: Rubric) -> None:
        self.rubric = rubric
        lines = list(enumerate(rubric.rows))
        self.indicators = [at for at, line in lines if line.indicator is not None]
        self.headings = [at for at, line in lines if line.indicator is None]
        self.of_indicators = _columns(
            [
                _of_indicator(rubric.kind, line, line.indicator)
                for line in rubric.rows
                if line.indicator
            ]
        )
        self.of_sums = _columns(
            [
                *(
                    _of_sum(line.code, line.name, line.depth, line.full_marks)
                    for line in rubric.rows
                    if line.indicator is None
                ),
                _of_sum(forms.TOTAL_ROW, forms.TOTAL_ROW, 0, rubric.full_marks),
            ]
        )
        self.parts = [*(rubric.rows[at].children for at in self.headings), rubric.top]
        # Most rows come back as the plan has them.
        self._exact = {
            (line.code, line.name): rubric.row_by_code[squeeze(line.code)]
            for line in rubric.rows
            if line.code and forms.TOTAL_ROW not in (squeeze(line.code), squeeze(line.name))
        }

    def read(self, origin: Origin, grid: Grid, rows: Rows, located: LocatedTable) -> Assessment:
        """Read the sheet whose rows these are; ``origin`` gives receipt, unit and sheet."""
        return _Reading(self, origin, grid, rows, located).result()

    def places(self, first: int, codes: Sequence[str], names: Sequence[str]) -> _Places:
        """Where the rubric's rows are, from the position ``first`` on: by code and else by name."""
        of_rows, repeats = [_NOWHERE] * len(self.rubric.rows), [0] * len(self.rubric.rows)
        total = _NOWHERE
        strange = []
        for at in range(first, len(codes) - 1):
            code, name = codes[at], names[at]
            found = self._exact.get((code, name))
            if found is None:
                if not code and not name:
                    continue
                if forms.TOTAL_ROW in (squeeze(code), squeeze(name)):
                    total = at
                    continue
                found = self._named(code, name)
            if found is None:
                strange.append(at)
                continue
            repeats[found] += 1
            if of_rows[found] == _NOWHERE:
                of_rows[found] = at
        return _Places(of_rows, repeats, total, strange)

    def _named(self, code: str, name: str) -> int | None:
        rubric = self.rubric
        if code:
            return rubric.row_by_code.get(squeeze(code))
        return rubric.row_by_name.get(squeeze(name))


def _of_indicator(kind: str, line: RubricRow, indicator: Indicator) -> dict[str, object]:
    """What an entry has of the plan (of ``tables.ENTRIES``)."""
    return {
        "kind": kind,
        "indicator": line.code,
        "name": line.name,
        "full_marks": line.full_marks,
        "method": indicator.method.name,
        "self_score_required": indicator.self_score_required,
        "evidence_required": indicator.evidence_required,
        "url_required": indicator.url_required,
    }


def _of_sum(code: str, name: str, depth: int, full_marks: int) -> dict[str, object]:
    """What a subtotal has of the plan (of ``tables.SUBTOTALS``)."""
    return {"code": code, "name": name, "depth": depth, "full_marks": full_marks}


def _columns(rows: Sequence[Mapping[str, object]]) -> Columns:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


@lru_cache(maxsize=4096, typed=True)
def _score(cell: object) -> int | None:
    return precise_number_of(cell, "分")


class _Reading:
    """One sheet by columns, each ending with a blank."""

    def __init__(
        self,
        reader: AssessmentReader,
        origin: Origin,
        grid: Grid,
        rows: Rows,
        located: LocatedTable,
    ) -> None:
        self.reader, self.origin = reader, origin
        columns = list(zip_longest(*rows, fillvalue=""))
        blank = ("",) * len(rows)
        self.cells: dict[str, Sequence[object]] = {}
        self.texts: dict[str, list[str]] = {}
        for key in _READ:
            at = located.columns.get(key)
            cells = blank if at is None or at >= len(columns) else columns[at]
            self.cells[key] = (*cells, "")
            self.texts[key] = [
                cell.strip() if cell.__class__ is str else text_of(cell) for cell in self.cells[key]
            ]
        self.formulas = None if grid.formulas is None else grid.formulas.get(origin["sheet"], ())
        self.score_at = located.columns.get("self_score")
        self.places = reader.places(located.first_row, self.texts["code"], self.texts["name"])
        scores = self.cells["self_score"]
        # What each row displays, read once; headings that read 0 or blank were not calculated.
        self.displayed = [_score(scores[at]) for at in self.places.of_rows]
        # A sum formula passes over a score typed as text.
        self.as_text = {
            i
            for i in reader.indicators
            if self.displayed[i] is not None and isinstance(scores[self.places.of_rows[i]], str)
        }
        self.effective = [0] * len(self.displayed)
        # Headings stand above what they add up.
        for i in reversed(range(len(self.displayed))):
            self.effective[i] = self._counted(i)

    def _counted(self, i: int) -> int:
        shown = self.displayed[i]
        if shown is not None and (shown or self._is_formula(self.places.of_rows[i]) is False):
            return shown
        return sum(self.effective[child] for child in self.reader.rubric.rows[i].children)

    def _is_formula(self, at: int) -> bool | None:
        if self.formulas is None or at == _NOWHERE:
            return None
        return (at, self.score_at) in self.formulas

    def _has_marks(self, at: int) -> bool:
        """Whether a row carries marks or a score, as an indicator's does, a signature line not."""
        return any(
            number_of(self.cells[key][at]) is not None for key in ("full_marks", "self_score")
        )

    def result(self) -> Assessment:
        """What the sheet says, by columns."""
        return Assessment(self._entries(), self._subtotals(), self._strays())

    def _entries(self) -> Columns:
        chosen, places = self.reader.indicators, self.places
        rows = [places.of_rows[i] for i in chosen]
        said = {key: [column[at] for at in rows] for key, column in self.texts.items()}
        return {
            **self._origin(rows),
            **self.reader.of_indicators,
            "name_in_file": said["name"],
            "full_marks_in_file": said["full_marks"],
            "repeats": [places.repeats[i] for i in chosen],
            "self_score": [self.displayed[i] for i in chosen],
            "self_score_text": said["self_score"],
            "self_score_is_text": [i in self.as_text for i in chosen],
            "basis": said["basis"],
            "evidence_numbers": said["evidence_numbers"],
            "deduction_reason": said["deduction_reason"],
        }

    def _subtotals(self) -> Columns:
        """What the rows that add up others show, and what those others come to; the total last."""
        chosen, parts, effective = self.reader.headings, self.reader.parts, self.effective
        rows = [*(self.places.of_rows[i] for i in chosen), self.places.total]
        total = _score(self.cells["self_score"][self.places.total])
        typed_as_text = [[effective[i] for i in below if i in self.as_text] for below in parts]
        return {
            **self._origin(rows),
            **self.reader.of_sums,
            "displayed": [*(self.displayed[i] for i in chosen), total],
            "displayed_text": [self.texts["self_score"][at] for at in rows],
            "is_formula": [self._is_formula(at) for at in rows],
            "sum_below": [sum([effective[i] for i in below]) for below in parts],
            "text_below": [sum(scores) for scores in typed_as_text],
            "parts": [[effective[i] for i in below] for below in parts],
            "full_marks_in_file": [self.texts["full_marks"][at] for at in rows],
        }

    def _strays(self) -> Columns:
        rows = [at for at in self.places.strange if self._has_marks(at)]
        said = {key: [self.texts[key][at] for at in rows] for key in ("code", "name")}
        return {**self._origin(rows), **said}

    def _origin(self, rows: Sequence[int]) -> Columns:
        """Where these rows come from (of ``tables.ORIGIN``)."""
        columns: Columns = {name: [text] * len(rows) for name, text in self.origin.items()}
        columns["row"] = [None if at == _NOWHERE else at + 1 for at in rows]
        return columns
