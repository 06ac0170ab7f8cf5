"""Last year's consolidated workbook, read for comparison: sheets in, tables out.

The file is untrusted like a return. Tables are found by their labels. Totals are added up again
from the scores in it; what it shows as total stands beside, so that a difference can be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import pandas as pd

from perfxl import tables
from perfxl.errors import Place, WrongWorkbook
from perfxl.layout.declare import Column, Table, ValueKind
from perfxl.layout.locate import Rows, find_table, label_key
from perfxl.plan.model import Plan
from perfxl.points import round_fraction
from perfxl.tables import Status, frame_of
from perfxl.values import number_of, squeeze, text_of

_MATRIX = Table(
    "matrix",
    (
        Column("unit", "单位编码"),
        Column("name", "单位名称"),
        Column("status", "报送情况"),
        Column("sum", "得分合计", ValueKind.SCORE),
        Column("applicable", "适用分值", ValueKind.SCORE),
        Column("deducted", "逾期扣分", ValueKind.SCORE, optional=True),
        Column("total", "总分", ValueKind.SCORE),
        Column("grade", "等级"),
        Column("rank", "排名", ValueKind.INTEGER),
    ),
)
# The sheets that are read, as a pattern of their names.
MATRIX_SHEETS = r"\s*得分汇总\s*[(（].+[)）]\s*"
_KIND = re.compile(r"得分汇总[(（](.+)[)）]")
_INDICATOR = re.compile(r"(\S+)\s+(.+)", re.DOTALL)
_MARKS_LABEL = "分值"
LONGEST = 200
# Hundredths; anything above is no score, and would leave int64 when multiplied.
_LARGEST = 1_000_000


@dataclass(frozen=True)
class LastYear:
    """What was read: ``tables.LAST_TOTALS``, ``LAST_RATES``, and the name of the file."""

    file: str
    totals: pd.DataFrame
    rates: pd.DataFrame


def read_last_year(
    sheets: Mapping[str, Rows], file: str, worded: Callable[[str], str] = str
) -> LastYear:
    """The totals and indicator sums in the sheets 得分汇总 of a consolidated workbook.

    Raises WrongWorkbook where there is no such sheet, or none that names a unit.
    """
    totals: list[dict[str, object]] = []
    rates: list[dict[str, object]] = []
    for name, rows in sheets.items():
        kind = _KIND.fullmatch(squeeze(name))
        if kind is not None:
            _read_matrix(kind[1], rows, totals, rates, worded)
    if not totals:
        raise WrongWorkbook(
            "不是综合评分表：找不到写有单位和总分的“得分汇总”工作表",
            place=Place(file),
            remedy="请选择上年“成果”文件夹中的综合评分表.xlsx",
        )
    return LastYear(file, frame_of(totals, tables.LAST_TOTALS), frame_of(rates, tables.LAST_RATES))


def _read_matrix(
    kind: str,
    rows: Rows,
    totals: list[dict[str, object]],
    rates: list[dict[str, object]],
    worded: Callable[[str], str],
) -> None:
    # Last year's plan may have used another word for units, or none.
    in_its_words = tuple(replace(one, label=worded(one.label)) for one in _MATRIX.columns)
    found = (find_table(rows, table) for table in (replace(_MATRIX, columns=in_its_words), _MATRIX))
    located = max(
        (one for one in found if one is not None), key=lambda one: len(one.columns), default=None
    )
    if located is None or not {"unit", "name", "sum"} <= set(located.columns):
        return
    at = located.columns
    marks_row = next(
        (
            row
            for row in rows[located.first_row :]
            if label_key(_cell(row, at["name"])) == _MARKS_LABEL
        ),
        (),
    )
    indicators = _indicators(rows[located.heading_row], marks_row, at["sum"])
    sums = {column: [0, 0] for column in indicators}
    full = sum(marks for _, _, marks in indicators.values())
    for row in rows[located.first_row :]:
        code, name = _cell(row, at["unit"]), _cell(row, at["name"])
        if not (code or name) or label_key(name) == _MARKS_LABEL:
            continue
        status = _cell(row, at["status"]) if "status" in at else ""
        scores = {column: _number(row, column) for column in indicators}
        given = {column: score for column, score in scores.items() if score is not None}
        applicable = sum(indicators[column][2] for column in given)
        displayed = _number(row, at["total"]) if "total" in at else None
        late = (_number(row, at["deducted"]) if "deducted" in at else None) or 0
        total = displayed
        if applicable:
            exact = Fraction(sum(given.values()) * full, applicable) - late
            total = round_fraction(max(Fraction(0), exact))
        if total is None or total > _LARGEST:
            continue
        rank = _number(row, at["rank"]) if "rank" in at else None
        totals.append(
            {
                "kind": kind,
                "unit": code,
                "name": name,
                "total": total,
                "displayed": displayed,
                "rank": rank // 100 if rank else None,
                "grade": _cell(row, at["grade"]) if "grade" in at else "",
                "status": status,
            }
        )
        if status != str(Status.NOT_RETURNED):
            for column, score in given.items():
                sums[column][0] += 1
                sums[column][1] += score
    for column, (code, name, marks) in indicators.items():
        units, total = sums[column]
        rates.append(
            {
                "kind": kind,
                "indicator": code,
                "name": name,
                "full_marks": marks,
                "units": units,
                "sum": total,
            }
        )


def _indicators(
    heading: Sequence[object], marks_row: Sequence[object], before: int
) -> dict[int, tuple[str, str, int]]:
    """Code, name and marks of every indicator by column, those left of the total."""
    found = {}
    for column in range(min(before, len(heading))):
        match = _INDICATOR.fullmatch(_cell(heading, column))
        marks = _number(marks_row, column)
        if match is not None and marks:
            found[column] = (match[1], match[2], marks)
    return found


@dataclass(frozen=True)
class Matched:
    """A unit of this year's roster and its row in ``LAST_TOTALS`` (None where it is new)."""

    unit: str
    last: int | None
    renamed: bool = False


def match_units(plan: Plan, totals: pd.DataFrame) -> tuple[list[Matched], list[int]]:
    """This year's units with last year's rows, and the rows of units that are gone.

    By code, then by name (short names too). A code that went to another unit of this year's roster
    does not match: then the name decides.
    """
    by_code = {code: row for row, code in reversed(list(enumerate(totals["unit"])))}
    owners = {row: plan.unit_by_name.get(squeeze(name)) for row, name in enumerate(totals["name"])}
    taken: set[int] = set()
    rows: dict[str, int] = {}
    for unit in plan.units:
        row = by_code.get(unit.code)
        if row is not None and owners[row] in (None, unit):
            rows[unit.code] = row
            taken.add(row)
    for row, owner in owners.items():
        if owner is not None and owner.code not in rows and row not in taken:
            rows[owner.code] = row
            taken.add(row)
    matched = []
    for unit in plan.units:
        row = rows.get(unit.code)
        before = "" if row is None else squeeze(totals["name"][row])
        renamed = before not in ("", squeeze(unit.name))
        matched.append(Matched(unit.code, row, renamed))
    return matched, [row for row in range(len(totals)) if row not in taken]


def _cell(row: Sequence[object], column: int) -> str:
    return text_of(row[column])[:LONGEST] if column < len(row) else ""


def _number(row: Sequence[object], column: int) -> int | None:
    number = number_of(row[column]) if column < len(row) else None
    return number if number is not None and 0 <= number <= _LARGEST else None
