"""Made-up score sets for the consolidated workbook, and last year's as a program left it."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from perfxl import scoring
from perfxl.plan.model import Plan
from perfxl.products.consolidated.material import Material, ReturnLine
from perfxl.tables import SCORES, Basis, Status, frame

NOW = dt.datetime(2024, 1, 26, 10, 0)


def random_status(plan: Plan, chance: random.Random) -> Mapping[str, Status]:
    """Most units on time, some late, some missing."""
    choices = [Status.ON_TIME] * 6 + [Status.LATE, Status.NOT_RETURNED]
    return {unit.code: chance.choice(choices) for unit in plan.units}


def random_scores(plan: Plan, chance: random.Random, status: Mapping[str, Status]) -> pd.DataFrame:
    """Scores with ties, 不适用, provisional ones, claims above and below, and missing returns."""
    rows: list[dict[str, object]] = []
    for unit in plan.units:
        loses = chance.choice((0, 1))  # half of the units score alike, so that ties occur
        for indicator in plan.rubrics[unit.kind].indicators:
            steps = indicator.full_marks // plan.campaign.step
            amount: int | None = (steps - chance.choice((0, loses))) * plan.campaign.step
            claim: int | None = chance.randint(0, steps) * plan.campaign.step
            basis = chance.choice([Basis.APPROVED] * 5 + [Basis.COMPUTED])
            if chance.random() < 0.1:
                claim = None
            if status[unit.code] is Status.NOT_RETURNED:
                amount, claim, basis = 0, None, Basis.NOT_RETURNED
            elif chance.random() < 0.05:
                amount, basis = None, Basis.NOT_APPLICABLE
            rows.append(
                {
                    "unit": unit.code,
                    "kind": unit.kind,
                    "indicator": indicator.code,
                    "name": indicator.name,
                    "full_marks": indicator.full_marks,
                    "self_score": claim,
                    "score": amount,
                    "basis": str(basis),
                    "applies": amount is not None,
                }
            )
    blank = {name: None if dtype == "Int64" else "" for name, dtype in SCORES.items()}
    return frame({name: [{**blank, **row}[name] for row in rows] for name in SCORES}, SCORES)


def material_of(plan: Plan, scores: pd.DataFrame, status: Mapping[str, Status]) -> Material:
    """What the workbook is written from, without a campaign behind it."""
    lines = [
        ReturnLine(unit.code, str(status[unit.code]), None, "", "", 0, 0) for unit in plan.units
    ]
    findings = frame({}, {"unit": "object", "code": "object"})
    ranking = scoring.ranking(plan, scores, status)
    return Material(plan, scores, ranking, findings, lines, [], {}, NOW)


def random_material(plan: Plan, chance: random.Random, **terms: object) -> Material:
    """A random score set under changed terms of the campaign."""
    plan = replace(plan, campaign=replace(plan.campaign, **terms))  # type: ignore[arg-type]
    status = random_status(plan, chance)
    return material_of(plan, random_scores(plan, chance, status), status)
