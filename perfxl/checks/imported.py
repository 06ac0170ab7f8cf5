"""Returns against the budget system's project list, where one was imported."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perfxl.checks.catalogue import IMPORTED, IMPORTED_WHOLE, check
from perfxl.layout.declare import NUMERIC, ValueKind
from perfxl.plan.forms import register_key
from perfxl.plan.model import ImportColumn, Plan, ProjectImport, RegisterColumn
from perfxl.points import as_text
from perfxl.tables import (
    DIFFERENCES,
    Difference,
    ReturnTables,
    Severity,
    SystemProject,
    SystemProjects,
    code_key,
    frame_of,
)
from perfxl.values import squeeze, text_of

# The check that tells of each kind of difference.
CODES = {
    Difference.MISSING: "F601",
    Difference.UNKNOWN: "F602",
    Difference.AMOUNT: "F603",
    Difference.VALUE: "F604",
    Difference.REPEATED: "F605",
    Difference.CODE: "F606",
}


def compare_projects(plan: Plan, imported: SystemProjects, returned: ReturnTables) -> pd.DataFrame:
    """Every difference between the returns of a batch and the list (``tables.DIFFERENCES``).

    A unit of which the list has no project is not compared. An unknown project is not told where a
    row of the unit could not be taken, or where the list has its code without a known unit. What
    another check tells of a cell (blank, unreadable, no choice) is not told again.
    """
    declared = plan.project_import
    rows: list[dict[str, object]] = []
    if declared is not None:
        register = next(one for one in plan.registers if one.name == declared.register)
        columns = {one.column.key: one for one in register.columns}
        table = register_key(register.name)
        held = returned.registers[register.name]
        by_receipt: dict[str, list[_Row]] = {}
        texts = held.texts.to_dict("records")
        for values, text in zip(held.values.to_dict("records"), texts, strict=True):
            by_receipt.setdefault(values["receipt"], []).append(_Row(values, text))
        sheets = returned.sheets[(returned.sheets["table"] == table) & returned.sheets["found"]]
        for sheet in sheets.to_dict("records"):
            projects = imported.by_unit.get(sheet["unit"])
            if projects:
                one = _Comparison(plan, imported, declared, columns, sheet)
                one.compare(projects, by_receipt.get(sheet["receipt"], []))
                rows += one.found
    return frame_of(rows, DIFFERENCES)


@dataclass(frozen=True)
class _Row:
    """A row of a return's register: values, and texts as typed."""

    values: Mapping[str, Any]
    texts: Mapping[str, str]


class _Comparison:
    """One return against its unit's projects."""

    def __init__(
        self,
        plan: Plan,
        imported: SystemProjects,
        declared: ProjectImport,
        columns: Mapping[str, RegisterColumn],
        sheet: Mapping[str, Any],
    ) -> None:
        self.plan, self.imported = plan, imported
        self.declared, self.columns, self.sheet = declared, columns, sheet
        self.key = declared.key.column.label
        self.name = next(
            (c.column.label for c in declared.columns[1:] if c.column.kind is ValueKind.TEXT), ""
        )
        self.found: list[dict[str, object]] = []

    def compare(self, projects: Sequence[SystemProject], rows: Sequence[_Row]) -> None:
        """Put every difference into ``found``."""
        wanted = {code_key(project.code): project for project in projects}
        pairs: list[tuple[SystemProject, _Row]] = []
        met: set[str] = set()
        strange: list[_Row] = []
        for row in rows:
            key = code_key(row.texts[self.key])
            if key not in wanted:
                strange.append(row)
            elif key not in met:
                met.add(key)
                pairs.append((wanted[key], row))
            elif not self.columns[self.key].unique:
                self._add(Difference.REPEATED, wanted[key], row)
        missing = [project for key, project in wanted.items() if key not in met]
        pairs += self._unpaired(missing, strange)
        for project, row in pairs:
            for column in self.declared.columns[1:]:
                if column.severity is not None:
                    self._compare_cell(column, project, row)

    def _unpaired(
        self, missing: Sequence[SystemProject], strange: Sequence[_Row]
    ) -> list[tuple[SystemProject, _Row]]:
        """Tell of projects and rows without a partner of the same code; those paired by name."""
        renamed = self._of_the_same_name(missing, strange)
        for project, row in renamed:
            if row.texts[self.key]:
                self._add(Difference.CODE, project, row, reported=row.texts[self.key])
        for project in missing:
            if all(project is not other for other, _ in renamed):
                self._add(Difference.MISSING, project, None)
        blank_is_told = self.columns[self.key].column.required
        for row in strange:
            is_blank = blank_is_told and not row.texts[self.key]
            if not is_blank and all(row is not other for _, other in renamed):
                self._tell_unknown(row)
        return renamed

    def _tell_unknown(self, row: _Row) -> None:
        key = code_key(row.texts[self.key])
        if self.sheet["unit"] in self.imported.incomplete or key in self.imported.unassigned:
            return
        owners = self.imported.units_of_code.get(key, ())
        names = "、".join(self.plan.unit_by_code[code].name for code in owners)
        self._add(Difference.UNKNOWN, None, row, owners=names)

    def _of_the_same_name(
        self, missing: Sequence[SystemProject], strange: Sequence[_Row]
    ) -> list[tuple[SystemProject, _Row]]:
        """Missing projects and unknown rows that have one name which no other of them has."""
        if not self.name:
            return []
        of_projects = _unambiguous(
            (squeeze(text_of(project.values.get(self.name))), project) for project in missing
        )
        of_rows = _unambiguous((squeeze(row.texts[self.name]), row) for row in strange)
        return [(of_projects[name], row) for name, row in of_rows.items() if name in of_projects]

    def _compare_cell(self, column: ImportColumn, project: SystemProject, row: _Row) -> None:
        label, kind = column.column.label, column.column.kind
        expected, reported, typed = project.values.get(label), row.values[label], row.texts[label]
        if expected is None or (not typed and column.column.required):
            return
        if kind in NUMERIC:
            if pd.isna(reported) or reported < 0 or int(reported) == expected:
                return
            self._add(Difference.AMOUNT, project, row, column, int(reported))
        elif kind is ValueKind.DATE:
            day = None if pd.isna(reported) else reported.date()
            if day != expected and (day or not typed):
                self._add(Difference.VALUE, project, row, column, typed)
        elif squeeze(typed) != squeeze(text_of(expected)) and not _no_choice(column, typed):
            self._add(Difference.VALUE, project, row, column, typed)

    def _add(
        self,
        matter: Difference,
        project: SystemProject | None,
        row: _Row | None,
        column: ImportColumn | None = None,
        reported: int | str = "",
        owners: str = "",
    ) -> None:
        told = column or self.declared.key
        if told.severity is None:
            return
        expected = project.values.get(told.column.label) if project else None
        if column is None and project is None and row is not None:
            reported = row.texts[self.key]
        name = row.texts.get(self.name, "") if row else ""
        if project is not None and self.name:
            name = text_of(project.values.get(self.name))
        amounts = isinstance(expected, int) and isinstance(reported, int)
        self.found.append(
            {
                "receipt": self.sheet["receipt"],
                "unit": self.sheet["unit"],
                "sheet": self.sheet["sheet"],
                "row": row.values["row"] if row else self.sheet["row"],
                "cell_table": self.sheet["table"],
                "cell_column": told.column.label,
                "matter": str(matter),
                "severity": str(told.severity),
                "code": project.code if project else row.texts[self.key] if row else "",
                "name": name,
                "label": told.column.label,
                "expected": f"{owners}的项目" if owners else _shown(expected),
                "reported": _shown(reported),
                "expected_amount": expected if amounts else None,
                "reported_amount": reported if amounts else None,
            }
        )


def _unambiguous(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    held = [(name, thing) for name, thing in named if name]
    times = Counter(name for name, _ in held)
    return {name: thing for name, thing in held if times[name] == 1}


def _no_choice(column: ImportColumn, typed: str) -> bool:
    """Whether what was typed is no choice at all, which is told of any register."""
    if column.column.kind is not ValueKind.CHOICE or not typed:
        return False
    return squeeze(typed) not in map(squeeze, column.column.choices)


def _shown(value: int | dt.date | str | None) -> str:
    if isinstance(value, int):
        return as_text(value, 2)
    return text_of(value)


def _of(differences: pd.DataFrame, matter: Difference) -> pd.DataFrame:
    found = differences[differences["matter"] == str(matter)]
    may_explain = found["severity"] == str(Severity.VERIFY)
    return found.assign(
        project=[
            " ".join(filter(None, pair)) for pair in zip(found["code"], found["name"], strict=True)
        ],
        explain=["；情况属实的，请说明" if may else "" for may in may_explain],
        said=["（空白）" if text == "" else f"“{text}”" for text in found["reported"]],
    )


@check(
    "F601",
    Severity.VERIFY,
    title="一体化系统中的项目没有列入",
    on="differences",
    column="",
    needs=(IMPORTED,),
    message="一体化系统中的项目 {project} 没有列入",
    remedy="请核对后补列{explain}",
)
def project_missing(differences: pd.DataFrame) -> pd.DataFrame:
    """Every project that the budget system has of a unit is in its return (severity by the plan)."""
    return _of(differences, Difference.MISSING)


@check(
    "F602",
    Severity.VERIFY,
    title="列入的项目一体化系统中没有",
    on="differences",
    column="",
    needs=(IMPORTED, IMPORTED_WHOLE),
    message="项目 {project} 在一体化系统中{whose}",
    remedy="请核对项目编码，不应列入的请删去{explain}",
)
def project_unknown(differences: pd.DataFrame) -> pd.DataFrame:
    """A return has no project that the budget system does not have (severity by the plan)."""
    found = _of(differences, Difference.UNKNOWN)
    return found.assign(whose=[f"是{owner}" if owner else "没有" for owner in found["expected"]])


@check(
    "F603",
    Severity.VERIFY,
    title="金额与一体化系统不同",
    on="differences",
    column="",
    needs=(IMPORTED,),
    message="项目 {project}：“{label}”为 {reported}，一体化系统为 {expected}",
    remedy="请核对后改正{explain}",
)
def amount_differs(differences: pd.DataFrame) -> pd.DataFrame:
    """Amounts are those of the budget system (which columns, and severity, by the plan)."""
    return _of(differences, Difference.AMOUNT)


@check(
    "F604",
    Severity.VERIFY,
    title="项目内容与一体化系统不同",
    on="differences",
    column="",
    needs=(IMPORTED,),
    message="项目 {project}：“{label}”为{said}，一体化系统为“{expected}”",
    remedy="请核对后改正{explain}",
)
def value_differs(differences: pd.DataFrame) -> pd.DataFrame:
    """Names, kinds of funds and dates are those of the budget system (severity by the plan)."""
    return _of(differences, Difference.VALUE)


@check(
    "F605",
    Severity.VERIFY,
    title="一体化系统中的一个项目列了几行",
    on="differences",
    column="",
    needs=(IMPORTED,),
    message="项目 {project} 与上面的行重复，一体化系统中只有一个",
    remedy="请合并为一行{explain}",
)
def project_repeated(differences: pd.DataFrame) -> pd.DataFrame:
    """A project of the budget system is in a return once (where F404 does not tell it)."""
    return _of(differences, Difference.REPEATED)


@check(
    "F606",
    Severity.VERIFY,
    title="项目编码与一体化系统不同",
    on="differences",
    column="",
    needs=(IMPORTED,),
    message="项目 {project}：编码填的是“{reported}”，一体化系统为“{expected}”",
    remedy="请按一体化系统的编码改正{explain}",
)
def code_differs(differences: pd.DataFrame) -> pd.DataFrame:
    """A project that the return has under the same name has the budget system's code as well."""
    return _of(differences, Difference.CODE)
