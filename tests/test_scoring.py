"""Totals, grades and ranks against a brute-force reading of the rules, over random score sets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfxl.plan.forms import register_key
from perfxl.plan.methods import Count, Evidence, Facts, Method
from perfxl.plan.model import Grade, LateRule, Plan, Rubric, TieRule
from perfxl.scoring import compute, grade_of, ranking, suggested_score
from perfxl.tables import (
    CITATIONS,
    DATA_ITEMS,
    ENTRIES,
    EVIDENCE,
    RETURNS,
    SCORES,
    SHEETS,
    STRAYS,
    SUBTOTALS,
    SUM_ROWS,
    Basis,
    ReturnTables,
    Status,
    frame,
    whole,
)

GRADES = (Grade("优", 9000), Grade("良", 8000), Grade("中", 6000), Grade("差", 0))


@pytest.mark.parametrize(
    ("rate", "grade"),
    [
        (Fraction(9, 10), "优"),
        (Fraction(89_999, 100_000), "良"),  # 89.999 shows as 90.00 and is 良 all the same
        (Fraction(8, 10), "良"),
        (Fraction(6, 10), "中"),
        (Fraction(599, 1000), "差"),
        (Fraction(0), "差"),
        (Fraction(1), "优"),
    ],
)
def test_bands_are_half_open_and_applied_before_rounding(rate: Fraction, grade: str) -> None:
    assert grade_of(GRADES, rate) == grade


@pytest.mark.parametrize(
    ("self_score", "computed", "suggested"),
    [(400, 350, 350), (300, 350, 300), (None, 350, 350), (300, None, 300), (None, None, None),
     (900, None, 500), (-50, None, 0)],
)  # fmt: skip
def test_the_suggestion_is_the_lower_of_claim_and_computation(
    self_score: int | None, computed: int | None, suggested: int | None
) -> None:
    assert suggested_score(500, self_score, computed) == suggested


@st.composite
def score_sets(
    draw: st.DrawFn,
) -> tuple[int, TieRule, LateRule, list[tuple[Status, int, set[int]]]]:
    """Deduction, rules, and per unit: status, steps lost, indicators that do not apply."""
    units = draw(
        st.lists(
            st.tuples(
                st.sampled_from(list(Status)),
                st.integers(0, 3),
                st.sets(st.integers(0, 23), max_size=3),
            ),
            min_size=9,
            max_size=9,
        )
    )
    return (
        draw(st.integers(0, 300)),
        draw(st.sampled_from(list(TieRule))),
        draw(st.sampled_from(list(LateRule))),
        units,
    )


@settings(max_examples=120, deadline=None)
@given(score_sets())
def test_ranking_follows_the_rules(plan: Plan, drawn) -> None:  # type: ignore[no-untyped-def]
    deduction, tie_rule, late_rule, drawn_units = drawn
    terms = replace(plan.campaign, tie_rule=tie_rule, late_rule=late_rule, late_deduction=deduction)
    towns = replace(
        plan, campaign=terms, units=tuple(plan.units_of("乡镇")),
        rubrics={"乡镇": plan.rubrics["乡镇"]},
    )  # fmt: skip
    indicators = towns.rubrics["乡镇"].indicators
    columns: dict[str, list[object]] = {name: [] for name in SCORES}
    status, exact = {}, {}
    for unit, (state, lost, without) in zip(towns.units, drawn_units, strict=True):
        status[unit.code] = state
        total = applicable = 0
        for number, indicator in enumerate(indicators):
            amount: int | None = indicator.full_marks - (50 if number < lost else 0)
            basis = Basis.APPROVED
            if state is Status.NOT_RETURNED:
                amount, basis = 0, Basis.NOT_RETURNED
            elif number in without:
                amount, basis = None, Basis.NOT_APPLICABLE
            if amount is not None:
                total, applicable = total + amount, applicable + indicator.full_marks
            row = {"unit": unit.code, "kind": unit.kind, "indicator": indicator.code,
                   "full_marks": indicator.full_marks, "score": amount, "basis": str(basis),
                   "applies": amount is not None}  # fmt: skip
            for name, column in columns.items():
                column.append(row.get(name, None if SCORES[name] == "Int64" else ""))
        value = Fraction(total * 100, applicable)
        late = state is Status.LATE and late_rule is LateRule.TOTAL
        exact[unit.code] = max(Fraction(0), value - Fraction(deduction, 100) * late)
    result = ranking(towns, frame(columns, SCORES), status)

    present = [code for code in exact if status[code] is not Status.NOT_RETURNED]
    for row in result.itertuples(index=False):
        own = exact[row.unit]
        assert Fraction(row.total, 100) == Fraction(int(own * 100 + Fraction(1, 2)), 100)
        if row.unit not in present:
            assert whole(row.rank) is None
            continue
        better = [exact[code] for code in present if exact[code] > own]
        earlier = [code for code in present if exact[code] == own]
        expected = {
            TieRule.SKIP: len(better) + 1,
            TieRule.DENSE: len(set(better)) + 1,
            TieRule.ROSTER: len(better) + 1 + earlier.index(row.unit),
        }[tie_rule]
        assert row.rank == expected
    assert list(result["position"]) == list(range(1, len(exact) + 1))
    ranked = [exact[code] for code in result["unit"] if code in present]
    assert ranked == sorted(ranked, reverse=True)
    assert [code for code in result["unit"] if code not in present] == list(result["unit"])[
        len(present) :
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.none() | st.integers(-1, 3)), max_size=5))
def test_units_are_scored_together_as_each_alone(
    plan: Plan, drawn: list[tuple[int, int | None]]
) -> None:
    kind = "部门"
    first, second, *_ = plan.rubrics[kind].indicators
    methods: dict[str, Method] = {first.code: Evidence(2), second.code: Count("项目数", 50)}
    indicators = tuple(replace(one, method=methods[one.code]) for one in (first, second))
    own = replace(plan, rubrics={kind: Rubric(kind, indicators, ())})
    receipts = [f"{number:02}" for number in range(len(drawn))]
    pieces = [(r, n) for r, (count, _) in zip(receipts, drawn, strict=True) for n in range(count)]
    register = plan.evidence_register
    assert register is not None
    empty = {"strays": STRAYS, "sum_rows": SUM_ROWS, "entries": ENTRIES, "subtotals": SUBTOTALS,
             "evidence": EVIDENCE}  # fmt: skip
    returned = ReturnTables(
        returns=frame(
            {"receipt": receipts, "unit": receipts, "kind": [kind] * len(drawn)}, RETURNS
        ),
        sheets=frame(
            {
                "receipt": receipts,
                "table": [register_key(register.name)] * len(drawn),
                "found": [True] * len(drawn),
                "present": [True] * len(drawn),
            },
            SHEETS,
        ),
        citations=frame(
            {
                "receipt": [r for r, _ in pieces],
                "indicator": [first.code] * len(pieces),
                "evidence_row": [n for _, n in pieces],
                "url": ["http://a.cn"] * len(pieces),
            },
            CITATIONS,
        ),
        data_items=frame(
            {"receipt": receipts, "item": ["项目数"] * len(drawn), "value": [v for _, v in drawn]},
            DATA_ITEMS,
        ),
        **{name: frame({}, schema) for name, schema in empty.items()},
    )
    expected = [
        method.score(one.full_marks, plan.campaign.step, Facts({"项目数": value}, count)).score
        for count, value in drawn
        for one, method in zip((first, second), methods.values(), strict=True)
    ]
    assert [whole(score) for score in compute(own, returned)["computed"]] == expected
