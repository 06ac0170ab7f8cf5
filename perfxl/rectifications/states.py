"""How each problem stands: open → reported → confirmed or returned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from enum import StrEnum

import pandas as pd

from perfxl.ledger import Problem, ProblemDecision, ProblemReport
from perfxl.plan.forms import Progress
from perfxl.plan.model import Plan
from perfxl.rectifications.problems import in_force
from perfxl.tables import RECTIFICATION, frame_of


class State(StrEnum):
    """Where a problem is; the first two are still to be done by the unit."""

    OPEN = "未报告"
    UNDER_WAY = "整改中"
    RETURNED = "退回重改"
    REPORTED = "待确认"
    CONFIRMED = "已确认"


class Decision(StrEnum):
    """What the office can say of a problem."""

    CONFIRM = "确认"
    RETURN = "退回"


# The unit has to act; past its day such a problem is overdue.
UNFINISHED = frozenset({State.OPEN, State.UNDER_WAY, State.RETURNED})


def rectification(
    plan: Plan,
    recorded: Sequence[Problem],
    reports: Sequence[ProblemReport],
    decisions: Sequence[ProblemDecision],
    today: dt.date,
) -> pd.DataFrame:
    """Every problem in force of a unit in the roster (``tables.RECTIFICATION``), roster's order.

    A decision holds for the report that it judged: a later report opens the question again, but
    for a problem that was confirmed.
    """
    last_report = last_reports(reports)
    last_decision = {(one.unit, one.number): one for one in decisions}
    by_unit: dict[str, list[Problem]] = {}
    for one in in_force(recorded).values():
        by_unit.setdefault(one.unit, []).append(one)
    rows = [
        _row(one, last_report.get(key), last_decision.get(key), today)
        for unit in plan.units
        for one in sorted(by_unit.get(unit.code, ()), key=lambda one: one.number)
        if (key := (one.unit, one.number))
    ]
    return frame_of(rows, RECTIFICATION)


def unsettled(recorded: Sequence[Problem], table: pd.DataFrame) -> list[Problem]:
    """The problems in force that are not confirmed yet (``table`` is ``tables.RECTIFICATION``)."""
    open_ones = table[table["state"] != str(State.CONFIRMED)]
    keys = set(zip(open_ones["unit"], open_ones["number"], strict=True))
    return [one for key, one in in_force(recorded).items() if key in keys]


def last_reports(reports: Sequence[ProblemReport]) -> dict[tuple[str, str], ProblemReport]:
    """The report in force by unit and number: that of the file that was received last."""
    ordered = sorted(reports, key=lambda one: one.recorded_at)
    return {(one.unit, one.number): one for one in ordered}


def _row(
    problem: Problem,
    report: ProblemReport | None,
    decision: ProblemDecision | None,
    today: dt.date,
) -> dict[str, object]:
    state = state_of(report, decision)
    said = vars(report) if report else {}
    names = ("measure", "person", "progress", "done_on", "evidence", "note", "receipt")
    return {
        **{name: vars(problem)[name] for name in _TOLD},
        **{name: said.get(name, "") for name in names},
        "reported_at": report.recorded_at if report else None,
        "opinion": _opinion(decision),
        "decided_by": decision.decided_by if decision else "",
        "decided_at": decision.decided_at if decision else None,
        "state": str(state),
        "overdue": state in UNFINISHED and today > problem.due,
    }


_TOLD = ("unit", "number", "source", "indicator", "description", "lost", "due")


def state_of(report: ProblemReport | None, decision: ProblemDecision | None) -> State:
    """The state that the last report and the last decision on a problem give."""
    if decision is not None and decision.decision == Decision.CONFIRM:
        return State.CONFIRMED
    judged = decision is not None and decision.receipt == (report.receipt if report else "")
    if judged:
        return State.RETURNED
    if report is None:
        return State.OPEN
    if report.progress == Progress.DONE:
        return State.REPORTED
    # What was sent back stays so until the unit says that it is done.
    if decision is not None:
        return State.RETURNED
    return State.UNDER_WAY if report.progress == Progress.UNDER_WAY else State.OPEN


def _opinion(decision: ProblemDecision | None) -> str:
    if decision is None:
        return ""
    return f"{decision.decision}：{decision.reason}" if decision.reason else decision.decision
