"""scoring.ranking against an oracle written plainly, over 500 random score sets.

The oracle shares nothing with the program: it counts in ten-thousandths with Decimal and says each
rule in the words of the plan.
"""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal, localcontext

import pandas as pd
import pytest

from perfxl.plan.model import Grade, LateRule, Plan, TieRule
from perfxl.scoring import ranking
from perfxl.tables import SCORES, Basis, Status, frame, whole

SETS, BATCH = 500, 50
GRADES = (Grade("优", 9000), Grade("良", 8000), Grade("中", 6000), Grade("差", 0))


def score_set(
    plan: Plan, chance: random.Random
) -> tuple[pd.DataFrame, dict[str, Status], dict[str, list[tuple[int, int | None]]]]:
    """Scores of the townships, how they returned, and the same as (full marks, score) per unit."""
    styles = [chance.choice(("alike", "near", "wild")) for _ in range(3)]
    columns: dict[str, list[object]] = {name: [] for name in SCORES}
    status: dict[str, Status] = {}
    plain: dict[str, list[tuple[int, int | None]]] = {}
    for unit in plan.units_of("乡镇"):
        status[unit.code] = chance.choice(
            [Status.ON_TIME, Status.ON_TIME, Status.LATE, Status.NOT_RETURNED]
        )
        style = chance.choice(styles)
        for number, one in enumerate(plan.rubrics["乡镇"].indicators):
            amount: int | None = one.full_marks
            if style == "near":
                amount = one.full_marks - (50 if number < chance.choice((8, 9)) else 0)
            elif style == "wild":
                amount = chance.randint(0, one.full_marks)
            basis = Basis.APPROVED
            if status[unit.code] is Status.NOT_RETURNED:
                amount, basis = 0, Basis.NOT_RETURNED
            elif chance.random() < 0.04:
                amount, basis = None, Basis.NOT_APPLICABLE
            plain.setdefault(unit.code, []).append((one.full_marks, amount))
            row = {
                "unit": unit.code, "kind": "乡镇", "indicator": one.code,
                "full_marks": one.full_marks, "score": amount, "basis": str(basis),
                "applies": amount is not None,
            }  # fmt: skip
            for name, column in columns.items():
                column.append(row.get(name, None if SCORES[name] == "Int64" else ""))
    return frame(columns, SCORES), status, plain


def exact_total(marks: list[tuple[int, int | None]], deduction: int) -> Decimal:
    """In 分, to fifty digits: far finer than two different totals lie apart."""
    got = sum(score for _, score in marks if score is not None)
    possible = sum(full for full, score in marks if score is not None)
    if not possible:
        return Decimal(0)
    return max(Decimal(0), Decimal(got) / Decimal(possible) * 100 - Decimal(deduction) / 100)


def grade_in_words(total: Decimal) -> str:
    if total >= 90:
        return "优"
    if total >= 80:
        return "良"
    return "中" if total >= 60 else "差"


def check(plan: Plan, chance: random.Random) -> set[str]:
    """Compare one set under all three tie rules; tell which matters occurred in it."""
    deduction = chance.choice((0, 50, 100, 237))
    late_rule = chance.choice(list(LateRule))
    scores, status, plain = score_set(plan, chance)
    totals = {
        code: exact_total(
            marks,
            deduction if status[code] is Status.LATE and late_rule is LateRule.TOTAL else 0,
        ).quantize(Decimal("1e-40"))
        for code, marks in plain.items()
    }
    present = [code for code in plain if status[code] is not Status.NOT_RETURNED]
    seen = set()
    for rule in TieRule:
        terms = replace(plan.campaign, tie_rule=rule, late_rule=late_rule, late_deduction=deduction)
        result = ranking(replace(plan, campaign=terms, grades=GRADES), scores, status)
        shown = {row.unit: row for row in result.itertuples(index=False)}
        for code in plain:
            row = shown[code]
            if code not in present:
                assert (row.total, row.grade, row.status) == (0, "—", "未报送")
                assert whole(row.rank) is None
                seen.add("missing")
                continue
            rounded = totals[code].quantize(Decimal("0.01"), ROUND_HALF_UP)
            assert row.total == int(rounded * 100)
            assert row.grade == grade_in_words(totals[code])
            higher = [other for other in present if totals[other] > totals[code]]
            alike = [other for other in present if totals[other] == totals[code]]
            if rule is TieRule.SKIP:
                expected = len(higher) + 1
            elif rule is TieRule.DENSE:
                expected = len({totals[other] for other in higher}) + 1
            else:
                expected = len(higher) + alike.index(code) + 1
            assert row.rank == expected
            seen |= {"tie"} if len(alike) > 1 else set()
            seen |= {"late"} if row.deducted else set()
            seen |= {"not applicable"} if row.applicable < 10_000 else set()
    return seen


@pytest.mark.parametrize(
    "batch",
    [0, 1, *(pytest.param(one, marks=pytest.mark.slow) for one in range(2, SETS // BATCH))],
)
def test_totals_ranks_and_grades_are_the_oracles(plan: Plan, batch: int) -> None:
    towns = replace(
        plan, units=tuple(plan.units_of("乡镇")), rubrics={"乡镇": plan.rubrics["乡镇"]}
    )
    seen: set[str] = set()
    with localcontext() as context:
        context.prec = 60
        for number in range(BATCH):
            seen |= check(towns, random.Random(batch * BATCH + number))
    assert seen == {"tie", "late", "missing", "not applicable"}
