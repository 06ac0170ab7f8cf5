"""What the check of the drawn projects found, and what it counts for each unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pandas as pd

from perfxl.plan.model import SpotCheck
from perfxl.points import HUNDREDTHS, round_fraction
from perfxl.tables import SAMPLE_CHECKED, frame
from perfxl.values import squeeze

RESULT = ("conclusion", "problems", "description", "checker", "checked_on")


def in_force(sample: pd.DataFrame, entered: pd.DataFrame) -> pd.DataFrame:
    """The sample with the last result entered for each project (``tables.SAMPLE_CHECKED``).

    ``entered`` is ``tables.CHECKED`` in the order of entry. A project that an earlier draw had too
    keeps what was found then: what was found is true of the project, not of the draw.
    """
    found = {_key(row): row for row in entered.itertuples(index=False, name="Result")}
    columns: dict[str, list[object]] = {name: list(sample.get(name, ())) for name in SAMPLE_CHECKED}
    results = [found.get(_key(row)) for row in sample.itertuples(index=False, name="Drawn")]
    for name in RESULT:
        blank = None if name == "problems" else ""
        columns[name] = [blank if one is None else getattr(one, name) for one in results]
    return frame(columns, SAMPLE_CHECKED)


def _key(row: Any) -> tuple[str, str, str]:
    return row.unit, squeeze(row.project), squeeze(row.name)


def problems_of_units(checked: pd.DataFrame) -> dict[str, int | str]:
    """Per unit that was drawn, the problems found; where not all is checked, how far it is.

    ``checked`` is ``tables.SAMPLE_CHECKED``.
    """
    problems: dict[str, int | str] = {}
    for unit, rows in checked.groupby("unit", sort=False):
        done = int(rows["problems"].notna().sum())
        if done == len(rows):
            problems[str(unit)] = int(rows["problems"].sum())
        else:
            problems[str(unit)] = f"抽查结果未齐：抽中 {len(rows)} 个项目，已查 {done} 个"
    return problems


def fraction_of(part: int, of: int) -> Fraction:
    """An exact share; 0 of nothing."""
    return Fraction(part, of) if of else Fraction(0)


def said_of(text: str) -> Mapping[str, object]:
    """What a unit reported of a project: label → text, hundredths, or None (``PROJECTS.said``)."""
    said: dict[str, object] = json.loads(text)
    return said


def execution_rate(spot_check: SpotCheck, said: Mapping[str, object]) -> int | None:
    """The execution rate in hundredths of a percent, rounded; None where it cannot be said."""
    if spot_check.rate is None:
        return None
    part, whole = (said.get(label) for label in spot_check.rate)
    if not isinstance(part, int) or not isinstance(whole, int) or whole <= 0:
        return None
    return round_fraction(Fraction(part * 100 * HUNDREDTHS, whole))
