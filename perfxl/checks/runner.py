"""Runs every check over a batch; says of each, per return: passed, failed or could not run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from string import Formatter

import pandas as pd

from perfxl import tables
from perfxl.checks import evidence, form, imported, methods, registers, scores
from perfxl.checks.catalogue import CATALOGUE, IMPORTED, IMPORTED_WHOLE, REGISTERS, Check, run_one
from perfxl.checks.imported import compare_projects
from perfxl.checks.methods import claims_of
from perfxl.plan.forms import register_key
from perfxl.plan.model import Plan
from perfxl.points import as_text
from perfxl.tables import Outcome, ReturnTables, SystemProjects, frame
from perfxl.values import squeeze

# Importing the rooms fills the catalogue; naming them keeps the imports visible.
ROOMS = (form, scores, evidence, registers, methods, imported)


def all_checks() -> list[Check]:
    """Every check of every room, by code."""
    return [CATALOGUE[code] for code in sorted(CATALOGUE)]


@dataclass(frozen=True)
class CheckResult:
    """``findings`` (``tables.FINDINGS``) and ``outcomes`` (``tables.OUTCOMES``).

    ``differences`` (``tables.DIFFERENCES``) are those from the budget system's project list, None
    where none was imported.
    """

    findings: pd.DataFrame
    outcomes: pd.DataFrame
    differences: pd.DataFrame | None = None


def run_checks(
    plan: Plan,
    returned: ReturnTables,
    computed: pd.DataFrame,
    projects: SystemProjects | None = None,
) -> CheckResult:
    """All checks of the catalogue over a batch of returns.

    Without ``projects``, the budget system's list, the checks against it are not among them.
    """
    differences = None if projects is None else compare_projects(plan, projects, returned)
    material = {
        **vars(returned),
        "plan": plan,
        "computed": computed,
        "claims": claims_of(returned.entries, computed),
        "differences": differences,
    }
    files = dict(zip(returned.returns["receipt"], returned.returns["file"], strict=True))
    units = dict(zip(returned.returns["receipt"], returned.returns["unit"], strict=True))
    arrived = _arrived(plan, returned)
    # Most returns hold every table, and many checks need the same ones.
    able_by_needs: dict[tuple[str, ...], set[str]] = {}
    if projects is not None:
        _note_imported(plan, returned, projects, arrived)
    findings: dict[str, list[object]] = {name: [] for name in tables.FINDINGS}
    outcomes: dict[str, list[object]] = {name: [] for name in tables.OUTCOMES}
    for entry in all_checks():
        if projects is None and IMPORTED in entry.needs:
            continue
        offending = run_one(entry, material)
        if entry.needs not in able_by_needs:
            able_by_needs[entry.needs] = {
                receipt for receipt in units if arrived[receipt].issuperset(entry.needs)
            }
        able = able_by_needs[entry.needs]
        if entry.on != REGISTERS and len(offending):
            # What is wrong in a register that arrived is so whether or not the others did.
            offending = offending[offending["receipt"].isin(able)]
        failed = set(offending["receipt"])
        # Mostly there are none; pandas would take its time over every column to say so.
        for row in offending.to_dict("records") if failed else ():
            _add_finding(findings, entry, row, returned, files, plan.campaign.worded)
        became = (
            dict.fromkeys(units, str(Outcome.COULD_NOT_RUN))
            | dict.fromkeys(able, str(Outcome.PASSED))
            | dict.fromkeys(failed, str(Outcome.FAILED))
        )
        outcomes["receipt"] += became
        outcomes["unit"] += [units[receipt] for receipt in became]
        outcomes["code"] += [entry.code] * len(became)
        outcomes["outcome"] += became.values()
    return CheckResult(
        frame(findings, tables.FINDINGS), frame(outcomes, tables.OUTCOMES), differences
    )


def _note_imported(
    plan: Plan,
    returned: ReturnTables,
    projects: SystemProjects,
    arrived: Mapping[str, set[str]],
) -> None:
    declared = plan.project_import
    table = register_key(declared.register) if declared else ""
    for receipt, unit in zip(returned.returns["receipt"], returned.returns["unit"], strict=True):
        if table in arrived[receipt] and unit in projects.by_unit:
            arrived[receipt].add(IMPORTED)
            if unit not in projects.incomplete:
                arrived[receipt].add(IMPORTED_WHOLE)


def _arrived(plan: Plan, returned: ReturnTables) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {receipt: set() for receipt in returned.returns["receipt"]}
    sheets = returned.sheets[returned.sheets["found"]]
    for receipt, table in zip(sheets["receipt"], sheets["table"], strict=True):
        found[receipt].add(table)
    kinds = dict(zip(returned.returns["receipt"], returned.returns["kind"], strict=True))
    evidence_register = plan.evidence_register
    for receipt, keys in found.items():
        if all(register_key(register.name) in keys for register in plan.registers):
            keys.add(REGISTERS)
        if evidence_register is None or register_key(evidence_register.name) in keys:
            keys.add("evidence")
        if not plan.reported_items(kinds[receipt]):
            keys.add("data_items")
    return found


def _add_finding(
    findings: dict[str, list[object]],
    entry: Check,
    row: Mapping[str, object],
    returned: ReturnTables,
    files: Mapping[str, str],
    worded: Callable[[str], str],
) -> None:
    receipt = str(row["receipt"])
    sheet = row.get("sheet") or ""
    message = _fill(worded(entry.message), row)
    finding = {
        "code": entry.code,
        "severity": str(row.get("severity") or entry.severity),
        "receipt": receipt,
        "unit": row["unit"],
        "file": files.get(receipt, ""),
        "sheet": sheet,
        "cell": _cell(entry, row, returned),
        "indicator": row.get("indicator") or "",
        "message": message,
        "remedy": _fill(worded(entry.remedy), row),
        "explanation": returned.explanations.get((receipt, entry.code, squeeze(message)), ""),
    }
    for name, column in findings.items():
        column.append(finding[name])


def _cell(entry: Check, row: Mapping[str, object], returned: ReturnTables) -> str:
    """The offending cell; a check may name its own table and column in the row."""
    receipt = str(row["receipt"])
    column = str(row.get("cell_column") or entry.column)
    if entry.on == "returns":
        return returned.field_cells.get((receipt, column), "")
    number = row.get("row")
    if number is None or pd.isna(number):
        return ""
    table = str(row.get("cell_table") or entry.on)
    letter = returned.columns.get((receipt, table), {}).get(column, "A")
    return f"{letter}{int(number)}"  # type: ignore[call-overload]


def _fill(text: str, row: Mapping[str, object]) -> str:
    """Fill ``{column}`` from the row; Int64 columns are hundredths and print as numbers."""
    parts = []
    for literal, name, _, _ in Formatter().parse(text):
        parts.append(literal)
        if name:
            value = row[name]
            is_number = isinstance(value, int) and not isinstance(value, bool)
            parts.append(as_text(value) if is_number else str(value))
    return "".join(parts)
