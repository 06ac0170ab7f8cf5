"""What the grades mean for next year's budget (结果应用), by the plan's rule; a proposal to decide on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from perfxl.layout.declare import ValueKind
from perfxl.plan.model import Application, Plan
from perfxl.points import round_fraction
from perfxl.tables import APPLIED_PROJECTS, APPLIED_UNITS, ReturnTables, Status, frame_of, whole
from perfxl.values import text_of

_WHOLE = 10_000


@dataclass(frozen=True)
class Applied:
    """``units`` (``tables.APPLIED_UNITS``) and ``projects`` (``tables.APPLIED_PROJECTS``)."""

    units: pd.DataFrame
    projects: pd.DataFrame


def apply_results(
    plan: Plan, application: Application, ranking: pd.DataFrame, returned: ReturnTables
) -> Applied:
    """The measure for every unit (``tables.RANKING``) and what it takes from each of its projects.

    Each project's amount is cut by the measure's rate, rounded half up to 0.01 万元; the unit's cut
    is the sum of those. A unit that reported no amounts has nothing to cut; projects whose amount
    cannot be read or is negative are counted as faulty and left out.
    """
    projects, faulty = _projects(plan, application, returned)
    units: list[dict[str, object]] = []
    lines: list[dict[str, object]] = []
    for ranked in ranking.itertuples(index=False):
        absent = ranked.status == str(Status.NOT_RETURNED)
        grade = str(Status.NOT_RETURNED) if absent else ranked.grade
        measure = application.measures[grade]
        own = [
            {
                **row,
                "name": ranked.name,
                "measure": str(measure.kind),
                "rate": measure.cut,
                "cut": round_fraction(Fraction(int(str(row["base"])) * measure.cut, _WHOLE)),
            }
            for row in projects.get(ranked.unit, ())
        ]
        lines += own
        units.append(
            {
                "unit": ranked.unit,
                "name": ranked.name,
                "kind": ranked.kind,
                "grade": grade,
                "total": ranked.total,
                "measure": str(measure.kind),
                "rate": measure.cut,
                "projects": len(own),
                "faulty": faulty[ranked.unit],
                "base": sum(int(str(row["base"])) for row in own),
                "cut": sum(int(row["cut"]) for row in own),
                "accountable": measure.accountable,
                "note": measure.note,
            }
        )
    return Applied(frame_of(units, APPLIED_UNITS), frame_of(lines, APPLIED_PROJECTS))


def _projects(
    plan: Plan, application: Application, returned: ReturnTables
) -> tuple[dict[str, list[dict[str, object]]], Counter[str]]:
    """The rows of the register that hold an amount, by unit, in the order of the return; and how
    many of each unit hold none that can be reckoned with."""
    register = next(one for one in plan.registers if one.name == application.register)
    texts = [one.column.key for one in register.columns if one.column.kind is ValueKind.TEXT]
    code, name = (*texts, *texts, "")[:2] if len(texts) != 1 else (texts[0], texts[0])
    found: dict[str, list[dict[str, object]]] = {}
    faulty: Counter[str] = Counter()
    values = returned.registers[register.name].values
    for row in values.sort_values(["unit", "row"], kind="stable").to_dict("records"):
        amount = whole(row[application.column])
        if amount is None or amount < 0:
            faulty[row["unit"]] += 1
            continue
        found.setdefault(row["unit"], []).append(
            {
                "unit": row["unit"],
                "project": text_of(row.get(code, "")),
                "project_name": text_of(row.get(name, "")),
                "base": amount,
                "sheet": row["sheet"],
                "row": int(row["row"]),
            }
        )
    return found, faulty
