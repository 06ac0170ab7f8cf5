"""The columns and dtypes of every table that flows through perfxl, declared once.

Scores and other numbers are ``Int64`` hundredths (``perfxl.points``); ``*_text`` columns hold what
the person typed. ``receipt`` is the content hash of the file a row came from, ``row`` its 1-based
row in ``sheet``; a row of the plan that the file does not contain has ``row`` <NA>.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from perfxl.errors import Mistake
from perfxl.values import squeeze

if TYPE_CHECKING:
    import pandas as pd

Schema = Mapping[str, str]


class Severity(StrEnum):
    """错误: must be corrected and sent again; 核实: the unit may explain; 提示: for information."""

    ERROR = "错误"
    VERIFY = "核实"
    NOTICE = "提示"


class Outcome(StrEnum):
    """What became of one check on one return."""

    PASSED = "通过"
    FAILED = "不通过"
    COULD_NOT_RUN = "无法检查"


class Difference(StrEnum):
    """How a return differs from the budget system's project list."""

    MISSING = "系统有、报送没有"
    UNKNOWN = "报送有、系统没有"
    AMOUNT = "金额不同"
    VALUE = "内容不同"
    REPEATED = "重复列报"
    CODE = "项目编码不同"


class StampState(StrEnum):
    """What became of the identity that we wrote into a workbook (``RETURNS.stamp``)."""

    GENUINE = "有效"
    UNVERIFIED = "未验证"
    FORGED = "无效"
    MISSING = "缺失"


class Basis(StrEnum):
    """Where the score that counts comes from."""

    APPROVED = "核定"
    COMPUTED = "计算（暂定）"
    SELF = "自评（暂定）"
    UNSCORED = "未评（暂定 0 分）"
    NOT_APPLICABLE = "不适用"
    NOT_RETURNED = "未报送"


class ScoredIn(StrEnum):
    """Where an approved score was given."""

    BOOK = "评分表"
    OBJECTION = "复核"


# What stands for the rank and the grade of a unit that returned nothing.
NOT_RANKED = "—"


class Status(StrEnum):
    """How a unit's return stands."""

    ON_TIME = "按时"
    LATE = "逾期"
    NOT_RETURNED = "未报送"


class ClaimState(StrEnum):
    """How a county's claim stands to what its registers give."""

    AGREES = "一致"
    ABOVE = "自评高于计算"
    BELOW = "自评低于计算"
    UNCLAIMED = "没有自评"
    MANUAL = "人工评定"
    UNKNOWN = "无法计算"


PROVISIONAL = frozenset({Basis.COMPUTED, Basis.SELF, Basis.UNSCORED})

# Where a row comes from.
ORIGIN: Schema = {"receipt": "object", "unit": "object", "sheet": "object", "row": "Int64"}

RETURNS: Schema = {
    "receipt": "object",
    "file": "object",
    "unit": "object",
    "kind": "object",
    "unit_by_stamp": "object",
    "unit_by_cover": "object",
    "unit_by_file_name": "object",
    "unit_by_sender": "object",
    "stamp": "object",
    "campaign": "object",
    "version": "object",
    "preparer": "object",
    "phone": "object",
    "remarks": "object",
    "doubts": "object",
}
SHEETS: Schema = {
    "receipt": "object",
    "unit": "object",
    "sheet": "object",
    "row": "Int64",
    "table": "object",
    "present": "bool",
    "found": "bool",
    "missing": "object",
}
ENTRIES: Schema = {
    **ORIGIN,
    "kind": "object",
    "indicator": "object",
    "name": "object",
    "full_marks": "Int64",
    "method": "object",
    "self_score_required": "bool",
    "evidence_required": "int64",
    "url_required": "bool",
    "name_in_file": "object",
    "full_marks_in_file": "object",
    "repeats": "int64",
    "self_score": "Int64",
    "self_score_text": "object",
    "self_score_is_text": "bool",
    "basis": "object",
    "evidence_numbers": "object",
    "deduction_reason": "object",
}
SUBTOTALS: Schema = {
    **ORIGIN,
    "code": "object",
    "name": "object",
    "depth": "int64",
    "displayed": "Int64",
    "displayed_text": "object",
    "is_formula": "boolean",
    "sum_below": "Int64",
    "text_below": "Int64",
    "parts": "object",
    "full_marks": "Int64",
    "full_marks_in_file": "object",
}
STRAYS: Schema = {**ORIGIN, "code": "object", "name": "object"}
SUM_ROWS: Schema = {**ORIGIN, "table": "object"}
EVIDENCE: Schema = {
    **ORIGIN,
    "number": "object",
    "title": "object",
    "document_number": "object",
    "document_number_text": "object",
    "url": "object",
}
CITATIONS: Schema = {
    **ORIGIN,
    "indicator": "object",
    "number": "object",
    "evidence_row": "Int64",
    "url": "object",
}
DATA_ITEMS: Schema = {
    **ORIGIN,
    "kind": "object",
    "item": "object",
    "source": "object",
    "value": "Int64",
    "value_text": "object",
}
COMPUTED: Schema = {
    "receipt": "object",
    "unit": "object",
    "indicator": "object",
    "computed": "Int64",
    "applies": "bool",
    "arithmetic": "object",
}
FINDINGS: Schema = {
    "code": "object",
    "severity": "object",
    "receipt": "object",
    "unit": "object",
    "file": "object",
    "sheet": "object",
    "cell": "object",
    "indicator": "object",
    "message": "object",
    "remedy": "object",
    "explanation": "object",
}
OUTCOMES: Schema = {"receipt": "object", "unit": "object", "code": "object", "outcome": "object"}
CHANGES: Schema = {
    "sheet": "object",
    "place": "object",
    "label": "object",
    "before": "object",
    "after": "object",
}
# ``seen`` holds the texts of ``merging.Seen`` for the scores that an approved score comes from.
REVIEWS: Schema = {
    "unit": "object",
    "indicator": "object",
    "section": "object",
    "approved": "Int64",
    "reason": "object",
    "reviewer": "object",
    "receipt": "object",
    "sheet": "object",
    "row": "Int64",
    "seen": "object",
}
# Every approved score ever entered, in that order; ``seen`` is one such text.
ENTERED: Schema = {**REVIEWS, "edition": "int64", "scored_in": "object"}
DISAGREEMENTS: Schema = {
    "unit": "object",
    "indicator": "object",
    "section": "object",
    "scores": "object",
    "spread": "int64",
    "approved": "int64",
}
# Approved scores under which something changed since they were given; ``what`` says what.
LOOK_AGAIN: Schema = {
    "unit": "object",
    "indicator": "object",
    "section": "object",
    "approved": "int64",
    "reviewer": "object",
    "what": "object",
}
OBJECTIONS: Schema = {
    "number": "int64",
    "unit": "object",
    "indicator": "object",
    "request": "object",
    "requested": "Int64",
    "file": "object",
    "original": "object",
    "requested_at": "datetime64[s]",
    "before": "Int64",
    "decision": "object",
    "approved": "Int64",
    "answer": "object",
    "answered_by": "object",
    "answered_at": "datetime64[s]",
}
SCORES: Schema = {
    "unit": "object",
    "kind": "object",
    "section": "object",
    "indicator": "object",
    "name": "object",
    "full_marks": "int64",
    "self_score": "Int64",
    "computed": "Int64",
    "applies": "bool",
    "arithmetic": "object",
    "approved": "Int64",
    "reason": "object",
    "reviewer": "object",
    "review_receipt": "object",
    "review_place": "object",
    "score": "Int64",
    "basis": "object",
    "file": "object",
    "receipt": "object",
    "sheet": "object",
    "cell": "object",
}
MOVED_SCORES: Schema = {
    "unit": "object",
    "indicator": "object",
    "name": "object",
    "before": "Int64",
    "after": "Int64",
    "why": "object",
}
MOVED_RANKS: Schema = {
    "unit": "object",
    "name": "object",
    "total_before": "Int64",
    "total_after": "int64",
    "rank_before": "Int64",
    "rank_after": "Int64",
    "grade_before": "object",
    "grade_after": "object",
    "why": "object",
}
RANKING: Schema = {
    "kind": "object",
    "position": "int64",
    "unit": "object",
    "name": "object",
    "section": "object",
    "self_total": "Int64",
    "sum": "int64",
    "applicable": "int64",
    "deducted": "int64",
    "total": "int64",
    "grade": "object",
    "rank": "Int64",
    "status": "object",
    "provisional": "int64",
}

# What a spot check draws from; ``said`` is what the unit reported of a project (JSON: label → text,
# or hundredths where the column holds numbers).
PROJECTS: Schema = {
    "unit": "object",
    "kind": "object",
    "project": "object",
    "name": "object",
    "stratum": "object",
    "receipt": "object",
    "file": "object",
    "sheet": "object",
    "row": "Int64",
    "said": "object",
}
STRATA: Schema = {"stratum": "object", "size": "int64", "drawn": "int64"}
# The sample of one draw; ``number`` counts its projects from 1.
SAMPLE: Schema = {"number": "int64", **PROJECTS}
# Results of checking drawn projects, as entered; ``problems`` is a plain count.
CHECKED: Schema = {
    "number": "int64",
    "unit": "object",
    "project": "object",
    "name": "object",
    "conclusion": "object",
    "problems": "int64",
    "description": "object",
    "checker": "object",
    "checked_on": "object",
    "receipt": "object",
    "sheet": "object",
    "row": "Int64",
}
# The sample with the results in force; ``problems`` is <NA> where a project is not checked yet.
SAMPLE_CHECKED: Schema = {
    **SAMPLE,
    "conclusion": "object",
    "problems": "Int64",
    "description": "object",
    "checker": "object",
    "checked_on": "object",
}

# How each indicator was scored over the units that returned; orders are 1-based, no two alike.
INDICATOR_FIGURES: Schema = {
    "kind": "object",
    "indicator": "object",
    "name": "object",
    "full_marks": "int64",
    "units": "int64",
    "sum": "int64",
    "full_units": "int64",
    "lost_units": "int64",
    "lost": "int64",
    "not_applicable": "int64",
    "weakness_order": "int64",
    "loss_order": "int64",
}
# Claims against scores; ``claimed`` and ``counted`` only where there are both.
UNIT_DEVIATIONS: Schema = {
    "kind": "object",
    "unit": "object",
    "self_total": "int64",
    "compared": "int64",
    "claimed": "int64",
    "counted": "int64",
    "over_claims": "int64",
    "order": "int64",
}
INDICATOR_DEVIATIONS: Schema = {
    "kind": "object",
    "indicator": "object",
    "name": "object",
    "self_total": "int64",
    "compared": "int64",
    "claimed": "int64",
    "counted": "int64",
    "over_claims": "int64",
    "order": "int64",
}
# What last year's consolidated workbook says; ``displayed`` is the total it shows.
LAST_TOTALS: Schema = {
    "kind": "object",
    "unit": "object",
    "name": "object",
    "total": "Int64",
    "displayed": "Int64",
    "rank": "Int64",
    "grade": "object",
    "status": "object",
}
LAST_RATES: Schema = {
    "kind": "object",
    "indicator": "object",
    "name": "object",
    "full_marks": "int64",
    "units": "int64",
    "sum": "int64",
}

# What a unit has to mend; ``key`` makes it the same problem in every run, ``lost`` hundredths.
PROBLEMS: Schema = {
    "unit": "object",
    "key": "object",
    "source": "object",
    "indicator": "object",
    "description": "object",
    "lost": "Int64",
}
# What the rectification books say of problems (``ledger.ProblemReport``).
PROBLEM_REPORTS: Schema = {
    "unit": "object",
    "number": "object",
    "measure": "object",
    "person": "object",
    "progress": "object",
    "done_on": "object",
    "evidence": "object",
    "note": "object",
    "receipt": "object",
    "sheet": "object",
    "row": "int64",
}
# Every problem in force with the unit's last report, the office's last word, and its state.
RECTIFICATION: Schema = {
    "unit": "object",
    "number": "object",
    "source": "object",
    "indicator": "object",
    "description": "object",
    "lost": "Int64",
    "due": "object",
    "measure": "object",
    "person": "object",
    "progress": "object",
    "done_on": "object",
    "evidence": "object",
    "note": "object",
    "reported_at": "datetime64[s]",
    "receipt": "object",
    "opinion": "object",
    "decided_by": "object",
    "decided_at": "datetime64[s]",
    "state": "object",
    "overdue": "bool",
}

# What the grades mean for next year's budget (结果应用); amounts in 0.01 万元,
# ``rate`` in hundredths of a percent of each amount; ``faulty`` are projects without an amount that
# can be reckoned with.
APPLIED_UNITS: Schema = {
    "unit": "object",
    "name": "object",
    "kind": "object",
    "grade": "object",
    "total": "int64",
    "measure": "object",
    "rate": "int64",
    "projects": "int64",
    "faulty": "int64",
    "base": "int64",
    "cut": "int64",
    "accountable": "bool",
    "note": "object",
}
APPLIED_PROJECTS: Schema = {
    "unit": "object",
    "name": "object",
    "project": "object",
    "project_name": "object",
    "measure": "object",
    "rate": "int64",
    "base": "int64",
    "cut": "int64",
    "sheet": "object",
    "row": "int64",
}

# The county's own score (年度台账), an indicator a row: the claim beside what its registers give.
# ``path`` holds the names of all levels; ``state`` is a ``ClaimState``; ``missing`` says what would
# have to be registered; ``row`` is that of the 自评表.
COUNTY_SCORES: Schema = {
    "indicator": "object",
    "name": "object",
    "path": "object",
    "full_marks": "int64",
    "standard": "object",
    "method": "object",
    "claimed": "Int64",
    "computed": "Int64",
    "arithmetic": "object",
    "state": "object",
    "basis": "object",
    "deduction_reason": "object",
    "evidence": "object",
    "missing": "object",
    "sheet": "object",
    "row": "Int64",
}
# Headings of the rubric and its total (code 合计, depth 0): ``claimed`` is the subtotal as filled
# in, ``claimed_parts`` what the rows below it add up to, ``claimed_leaves`` the indicators under it;
# ``computed`` adds up those that can be computed, which have ``computable`` marks and claim
# ``claimed_computable``; ``by_hand`` are the marks that people judge, the rest cannot be computed for
# want of figures. ``note`` says where a claimed subtotal is not the sum of its parts.
COUNTY_SUBTOTALS: Schema = {
    "code": "object",
    "name": "object",
    "depth": "int64",
    "full_marks": "int64",
    "claimed": "Int64",
    "claimed_parts": "int64",
    "claimed_leaves": "int64",
    "computed": "int64",
    "computable": "int64",
    "claimed_computable": "int64",
    "by_hand": "int64",
    "note": "object",
}
# The register rows behind each indicator, and the figures that are in no register (``register``
# 数据项; ``row`` <NA> where taken from another campaign). A row that is not ``counted`` falls short,
# and ``remark`` says of what (of a counted row: what is not filled in). ``date`` is a text.
COUNTY_EVIDENCE: Schema = {
    "indicator": "object",
    "item": "object",
    "register": "object",
    "sheet": "object",
    "row": "Int64",
    "title": "object",
    "document_number": "object",
    "date": "object",
    "counted": "bool",
    "remark": "object",
}
# Figures that were taken from other campaigns; ``value`` hundredths, ``code`` and ``name`` those of
# the campaign in ``folder``.
CAMPAIGN_FIGURES: Schema = {
    "item": "object",
    "campaign": "object",
    "value": "int64",
    "note": "object",
    "code": "object",
    "name": "object",
    "folder": "object",
    "taken_at": "datetime64[s]",
}
# Figures of other campaigns by data item: ``taken`` as recorded, ``typed`` in the year workbook,
# ``used`` the one that counts; hundredths.
COUNTY_FIGURES: Schema = {
    "item": "object",
    "campaign": "object",
    "figure": "object",
    "taken": "Int64",
    "typed": "Int64",
    "used": "Int64",
    "code": "object",
    "name": "object",
    "folder": "object",
    "taken_at": "datetime64[s]",
    "note": "object",
}

# Where a return and the budget system's project list differ; ``matter`` is a ``Difference``, amounts
# are hundredths of the register's unit, ``row`` and ``cell_column`` the cell of the return.
DIFFERENCES: Schema = {
    "receipt": "object",
    "unit": "object",
    "sheet": "object",
    "row": "Int64",
    "cell_table": "object",
    "cell_column": "object",
    "matter": "object",
    "severity": "object",
    "code": "object",
    "name": "object",
    "label": "object",
    "expected": "object",
    "reported": "object",
    "expected_amount": "Int64",
    "reported_amount": "Int64",
}

# What the documents state, as they write it, and where in the workbook it comes from.
DOCUMENT_BASIS: Schema = {
    "document": "object",
    "subject": "object",
    "field": "object",
    "text": "object",
    "source": "object",
}


def frame(columns: Mapping[str, Sequence[object]], schema: Schema) -> pd.DataFrame:
    """Columns of values as a DataFrame of exactly the schema's columns, order and dtypes."""
    import pandas as pd

    return pd.DataFrame(
        {name: column_of(columns.get(name, ()), dtype) for name, dtype in schema.items()}
    )


def column_of(values: Sequence[object], dtype: str) -> pd.Series:
    """Values as a column of this dtype; None is missing."""
    import numpy as np
    import pandas as pd

    held = values if isinstance(values, list) else list(values)
    kinds = set(map(type, held)) if dtype == "Int64" else set()
    if not kinds or not kinds <= {int, type(None)}:
        return pd.Series(held, dtype=dtype)
    # Told apart here, because pandas looks at every value of such a list several times.
    missing = np.zeros(len(held), dtype=bool)
    if type(None) in kinds:
        missing = np.fromiter((value is None for value in held), dtype=bool, count=len(held))
        held = [0 if value is None else value for value in held]
    return pd.Series(pd.arrays.IntegerArray(np.array(held, dtype=np.int64), missing))


def frame_of(rows: Sequence[Mapping[str, object]], schema: Schema) -> pd.DataFrame:
    """Rows of values by column name as a DataFrame of exactly the schema's columns and dtypes."""
    return frame({name: [row[name] for row in rows] for name in schema}, schema)


def mapped(column: pd.Series, function: Callable[[str], object]) -> pd.Series:
    """A column of texts through a function that is called once for each different text."""
    import pandas as pd

    texts = column.to_list()
    found = {text: function(text) for text in set(texts)}
    return pd.Series([found[text] for text in texts], index=column.index, dtype="object")


def has_errors(findings: pd.DataFrame) -> bool:
    """Whether any finding (``FINDINGS``) is of severity 错误."""
    return bool((findings["severity"] == Severity.ERROR).any())


def whole(value: object) -> int | None:
    """An ``Int64`` cell as an int, or None for <NA>."""
    import pandas as pd

    return None if value is None or pd.isna(value) else int(value)  # type: ignore[call-overload]


@dataclass(frozen=True)
class RegisterRows:
    """One register of the whole batch: same index, ``values`` typed, ``texts`` as typed in.

    ``values`` has receipt, unit, sheet, row and a column per label: Int64 hundredths for numbers,
    ``datetime64[s]`` for dates, object (trimmed text) otherwise. ``texts`` has a column per label.
    """

    values: pd.DataFrame
    texts: pd.DataFrame


@dataclass(frozen=True)
class SystemProject:
    """One project of the budget system's export, as a row of the register that it fills.

    ``values`` by the register's labels: hundredths for numbers (money rounded half up to hundredths
    of the register's unit), dates, texts; None where the export says nothing that can be read.
    ``exact`` are the amounts in 0.01 元. ``rows`` are those of the export that it comes from.
    """

    unit: str
    code: str
    values: Mapping[str, int | dt.date | str | None]
    exact: Mapping[str, int]
    sheet: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class StrangeUnit:
    """A unit of the export that the roster does not know; ``proposals`` are codes of likely ones."""

    name: str
    rows: tuple[int, ...]
    proposals: tuple[str, ...]


@dataclass(frozen=True)
class SystemProjects:
    """A project list of the budget system, read by the plan's sheet 项目导入.

    ``faults`` are what could not be taken, each at its cell, ``remarks`` what was and should be
    known; ``incomplete`` the units of which a row may have been left out, ``unassigned`` the codes
    (``code_key``) of projects whose unit is not known.
    """

    projects: tuple[SystemProject, ...]
    strange: tuple[StrangeUnit, ...] = ()
    faults: tuple[Mistake, ...] = ()
    remarks: tuple[Mistake, ...] = ()
    incomplete: frozenset[str] = frozenset()
    unassigned: frozenset[str] = frozenset()
    rows: int = 0

    @cached_property
    def by_unit(self) -> Mapping[str, Sequence[SystemProject]]:
        """The projects of each unit (code), in the order of the export."""
        found: dict[str, list[SystemProject]] = {}
        for project in self.projects:
            found.setdefault(project.unit, []).append(project)
        return found

    @cached_property
    def units_of_code(self) -> Mapping[str, Sequence[str]]:
        """The units (codes) that have a project of this code (``code_key``)."""
        found: dict[str, list[str]] = {}
        for project in self.projects:
            found.setdefault(code_key(project.code), []).append(project.unit)
        return found


def code_key(code: str) -> str:
    """A project's code for comparing: widths folded, no white space, no case."""
    return squeeze(code).casefold()


@dataclass(frozen=True)
class ReturnTables:
    """All that was read from a batch of returns.

    ``columns`` maps (receipt, table key) to the letter of each column, for naming cells;
    ``field_cells`` maps (receipt, field key) to a cell of the cover; ``explanations`` maps
    (receipt, code, squeezed message) of an earlier finding to what the unit says to it.
    """

    returns: pd.DataFrame
    sheets: pd.DataFrame
    entries: pd.DataFrame
    subtotals: pd.DataFrame
    strays: pd.DataFrame
    sum_rows: pd.DataFrame
    evidence: pd.DataFrame
    citations: pd.DataFrame
    data_items: pd.DataFrame
    registers: Mapping[str, RegisterRows] = field(default_factory=dict)
    columns: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    field_cells: Mapping[tuple[str, str], str] = field(default_factory=dict)
    explanations: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
