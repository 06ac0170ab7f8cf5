"""What each unit has to mend, out of its scores, the findings on its return, and the spot check."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from perfxl.checks.catalogue import CATALOGUE
from perfxl.ledger import Problem
from perfxl.plan.model import Plan
from perfxl.points import as_text
from perfxl.tables import PROBLEMS, Severity, Status, frame_of, whole
from perfxl.values import squeeze

DEDUCTION, FINDING, SPOT_CHECK, ABSENT = "考核扣分", "材料审核", "自评抽查", "未报送"


def problems_of(
    plan: Plan,
    scores: pd.DataFrame,
    findings: pd.DataFrame,
    status: Mapping[str, Status],
    checked: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """``tables.SCORES``, ``FINDINGS`` and ``SAMPLE_CHECKED`` → ``tables.PROBLEMS``.

    A unit that returned nothing has that one problem. Of the others every indicator that lost
    points is one; every 错误 of its return; every 核实 that it has not explained and that bears on
    no indicator which lost points; and every project in which the spot check found something.
    """
    scores_of = dict(list(scores.groupby("unit", sort=False)))
    findings_of = dict(list(findings.groupby("unit", sort=False)))
    checked_of = {} if checked is None else dict(list(checked.groupby("unit", sort=False)))
    rows: list[dict[str, object]] = []
    for unit in plan.units:
        if status[unit.code] is Status.NOT_RETURNED:
            text = f"没有报送{plan.campaign.name}材料"
            rows.append(_problem(unit.code, ABSENT, "", text, None, ABSENT))
            continue
        own = list(_deductions(unit.code, scores_of.get(unit.code)))
        lost = {str(row["indicator"]) for row in own}
        rows += own
        rows += _of_findings(plan, unit.code, findings_of.get(unit.code), lost)
        rows += _of_spot_check(unit.code, checked_of.get(unit.code))
    met: Counter[tuple[object, object]] = Counter()
    for row in rows:
        # Two of one kind and place are still two problems.
        place = (row["unit"], row["key"])
        met[place] += 1
        if met[place] > 1:
            row["key"] = f"{row['key']}|{met[place]}"
    return frame_of(rows, PROBLEMS)


def _problem(
    unit: str, source: str, indicator: str, description: str, lost: int | None, key: str
) -> dict[str, object]:
    return {
        "unit": unit,
        "key": key,
        "source": source,
        "indicator": indicator,
        "description": description,
        "lost": lost,
    }


def _deductions(unit: str, scores: pd.DataFrame | None) -> Iterator[dict[str, object]]:
    for row in () if scores is None else scores.itertuples(index=False):
        score = whole(row.score)
        if score is None or score >= row.full_marks:
            continue
        lost = row.full_marks - score
        said = f"：{reason}" if (reason := deduction_reason(row)) else ""
        text = f"{row.indicator}“{row.name}”扣{as_text(lost)}分{said}"
        yield _problem(unit, DEDUCTION, row.indicator, text, lost, f"{DEDUCTION}|{row.indicator}")


def deduction_reason(score: Any) -> str:
    """Why points were lost: the section's reason, else the arithmetic; one row of SCORES."""
    return str(score.reason or score.arithmetic or "").strip().rstrip("。；;")


def _of_findings(
    plan: Plan, unit: str, findings: pd.DataFrame | None, lost: set[str]
) -> Iterator[dict[str, object]]:
    if findings is None:
        return
    told = findings[
        (findings["severity"] == Severity.ERROR)
        | (
            (findings["severity"] == Severity.VERIFY)
            & (findings["explanation"] == "")
            & ~findings["indicator"].isin(lost)
        )
    ]
    for (code, indicator, sheet), rows in told.groupby(["code", "indicator", "sheet"], sort=False):
        first = rows.iloc[0]
        place = f"（{sheet}）" if sheet else ""
        several = f"等{len(rows)}处" if len(rows) > 1 else ""
        title = plan.campaign.worded(CATALOGUE[code].title)
        text = f"{title}{place}：{first['message']}{several}"
        yield _problem(
            unit, FINDING, indicator, text, None, f"{FINDING}|{code}|{indicator}|{sheet}"
        )


def _of_spot_check(unit: str, checked: pd.DataFrame | None) -> Iterator[dict[str, object]]:
    if checked is None:
        return
    for row in checked[checked["problems"].fillna(0) > 0].itertuples(index=False):
        text = f"项目“{row.name or row.project}”自评有{row.problems}个问题：{row.description}"
        key = f"{SPOT_CHECK}|{squeeze(row.project)}|{squeeze(row.name)}"
        yield _problem(unit, SPOT_CHECK, "", text, None, key)


def numbered(
    problems: pd.DataFrame,
    recorded: Sequence[Problem],
    due: Mapping[str, dt.date],
    confirmed: Iterable[tuple[str, str]],
    now: dt.datetime,
) -> list[Problem]:
    """The records to add so that the ledger tells the problems of now (``tables.PROBLEMS``).

    A problem that was told before keeps its number; one that is new takes the next of its unit; one
    that is no more is withdrawn, unless the office has confirmed it as mended (``confirmed``, by unit
    and number). ``due`` is the last day by unit for what is new; what was told keeps its own.
    """
    latest = in_force(recorded, withdrawn=True)
    by_key = {(one.unit, one.key): one for one in latest.values()}
    used: dict[str, int] = {}
    for one in latest.values():
        used[one.unit] = max(used.get(one.unit, 0), int(one.number.rpartition("-")[2]))
    news: list[Problem] = []
    met: set[tuple[str, str]] = set()
    for row in problems.to_dict("records"):
        told = by_key.get((row["unit"], row["key"]))
        if told is None:
            used[row["unit"]] = used.get(row["unit"], 0) + 1
            number = f"{row['unit']}-{used[row['unit']]:02d}"
        else:
            number = told.number
        met.add((row["unit"], number))
        values = {**row, "lost": whole(row["lost"])}
        deadline = due[row["unit"]] if told is None or told.withdrawn else told.due
        fresh = Problem(number=number, due=deadline, withdrawn=False, recorded_at=now, **values)
        if told is None or _content(told) != _content(fresh):
            news.append(fresh)
    settled = set(confirmed)
    for key, one in latest.items():
        if key not in met and key not in settled and not one.withdrawn:
            news.append(_withdrawn(one, now))
    return news


def in_force(
    recorded: Sequence[Problem], *, withdrawn: bool = False
) -> dict[tuple[str, str], Problem]:
    """The newest record of every problem by unit and number, in the order of first telling."""
    latest: dict[tuple[str, str], Problem] = {}
    for one in recorded:
        latest[one.unit, one.number] = one
    return {key: one for key, one in latest.items() if withdrawn or not one.withdrawn}


def _content(one: Problem) -> tuple[object, ...]:
    return (one.source, one.indicator, one.description, one.lost, one.due, one.withdrawn)


def _withdrawn(one: Problem, now: dt.datetime) -> Problem:
    values = {**vars(one), "withdrawn": True, "recorded_at": now}
    return Problem(**values)
