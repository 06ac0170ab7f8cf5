"""What perfxl writes as values into the new sheets, against figures worked out here in plain loops."""

from __future__ import annotations

import io
import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from made_scores import random_material

from perfxl.plan.model import LateRule, Plan
from perfxl.products.consolidated.material import Material
from perfxl.products.consolidated.workbook import consolidated_workbook
from perfxl.tables import Basis


@pytest.fixture(scope="module", params=[1, 2, 3])
def made(plan: Plan, request: pytest.FixtureRequest) -> Material:
    chance = random.Random(request.param)
    return random_material(plan, chance, late_rule=LateRule.TOTAL, late_deduction=150)


@pytest.fixture(scope="module")
def book(made: Material) -> Any:
    return openpyxl.load_workbook(io.BytesIO(consolidated_workbook(made)), data_only=True)


def block(sheet: Any, title: str) -> list[list[Any]]:
    """The rows under a band, down to the next band or signature line."""
    rows = [list(row) for row in sheet.iter_rows(min_row=4, values_only=True)]
    start = next(index for index, row in enumerate(rows) if str(row[0]).startswith(title))
    found = []
    for row in rows[start + 1 :]:
        if row[1] is None and row[2] is None:
            break
        found.append(row)
    return found


def scores_of(made: Material) -> list[Mapping[str, Any]]:
    return [row for row in made.scores.to_dict("records") if row["basis"] != Basis.NOT_RETURNED]


def near(value: Fraction) -> object:
    return pytest.approx(float(value), abs=1e-9)


def test_the_cover(made: Material, book: Any) -> None:
    rows = {row[0]: row for row in book["封面"].iter_rows(values_only=True) if row[0]}
    heading = rows["单位类别"]
    for kind in ("部门", "乡镇"):
        shown = dict(zip(heading, rows[kind], strict=True))
        lines = made.ranking[made.ranking["kind"] == kind].to_dict("records")
        came = [line for line in lines if line["status"] != "未报送"]
        totals = [line["total"] for line in came]
        assert shown["单位数"] == len(lines)
        assert shown["已报送"] == len(came)
        assert shown["按时"] == sum(line["status"] == "按时" for line in lines)
        assert shown["逾期"] == sum(line["status"] == "逾期" for line in lines)
        assert shown["未报送"] == len(lines) - len(came)
        mean = Fraction(sum(totals), len(totals))
        assert shown["平均分"] == int(mean + Fraction(1, 2)) / 100
        assert (shown["最高分"], shown["最低分"]) == (max(totals) / 100, min(totals) / 100)
        for grade in made.plan.grades:
            assert shown[grade.name] == sum(line["grade"] == grade.name for line in came)


def test_the_weakest_indicators_and_the_most_frequent_deductions(made: Material, book: Any) -> None:
    rows = [list(row) for row in book["指标分析"].iter_rows(min_row=4, values_only=True)]
    for kind, rubric in made.plan.rubrics.items():
        if kind not in made.matrices:
            continue
        start = next(i for i, row in enumerate(rows) if str(row[0]).startswith(f"{kind}（"))
        figures = []
        for order, one in enumerate(rubric.indicators):
            own = [
                row
                for row in scores_of(made)
                if (row["kind"], row["indicator"]) == (kind, one.code)
            ]
            given = [row["score"] for row in own if isinstance(row["score"], int)]
            lost = [one.full_marks - score for score in given if score < one.full_marks]
            figures.append((order, one, given, lost, len(own) - len(given)))
        tops = len({one.code.split(".")[0] for one in rubric.indicators})
        weakest = sorted(
            figures, key=lambda f: (Fraction(sum(f[2]), len(f[2]) * f[1].full_marks), f[0])
        )
        losses = sorted(figures, key=lambda f: (-len(f[3]), -sum(f[3]), f[0]))[:10]
        first = start + 2 + tops + 1
        second = first + len(weakest) + 1
        for begin, wanted in ((first, weakest), (second, losses)):
            for number, (row, figure) in enumerate(zip(rows[begin:], wanted, strict=False), 1):
                _, one, given, lost, absent = figure
                assert row[:4] == [number, one.code, one.name, one.full_marks / 100]
                assert row[4] == near(Fraction(sum(given), len(given) * 100))
                assert row[5] == near(Fraction(sum(given), len(given) * one.full_marks))
                assert row[6] == sum(score == one.full_marks for score in given)
                assert row[7:10] == [len(lost), sum(lost) / 100, absent]
        for row in rows[start + 2 : start + 2 + tops]:
            parts = [f for f in figures if f[1].code.split(".")[0] == row[1]]
            possible = sum(f[1].full_marks * len(f[2]) for f in parts)
            assert row[3] == sum(f[1].full_marks for f in parts) / 100
            assert row[5] == near(Fraction(sum(sum(f[2]) for f in parts), possible))


def test_the_deviations_of_units(made: Material, book: Any) -> None:
    for kind in made.matrices:
        wanted = []
        for order, unit in enumerate(made.plan.units_of(kind)):
            own = [row for row in scores_of(made) if row["unit"] == unit.code]
            both = [
                (row["self_score"], row["score"])
                for row in own
                if isinstance(row["self_score"], int) and isinstance(row["score"], int)
            ]
            claimed, counted = sum(c for c, _ in both), sum(s for _, s in both)
            rate = Fraction(claimed - counted, counted) if both else Fraction(-1000)
            total = sum(row["self_score"] for row in own if isinstance(row["self_score"], int))
            wanted.append((-rate, order, unit, total, claimed, counted))
        shown = block(book["自评偏差"], f"{kind}（")
        for number, row in enumerate(shown[: len(wanted)], 1):
            key, _, unit, total, claimed, counted = sorted(wanted, key=lambda w: w[:2])[number - 1]
            assert row[:3] == [number, unit.code, unit.name]
            if key == 1000:
                assert row[3] == row[5] == row[6] == row[7] == row[8] == row[9] == "—"
                continue
            assert row[3] == total / 100
            assert row[5:8] == [claimed / 100, counted / 100, (claimed - counted) / 100]
            assert row[8] == near(-key)
            verdict = "自评偏高" if -key > Fraction(1, 10) else "自评偏低"
            assert row[9] == (verdict if abs(key) > Fraction(1, 10) else "基本相符")


def test_the_deviations_of_indicators(made: Material, book: Any) -> None:
    for kind in made.matrices:
        wanted = []
        for order, one in enumerate(made.plan.rubrics[kind].indicators):
            both = [
                (row["self_score"], row["score"])
                for row in scores_of(made)
                if (row["kind"], row["indicator"]) == (kind, one.code)
                and isinstance(row["self_score"], int)
                and isinstance(row["score"], int)
            ]
            difference = sum(c - s for c, s in both)
            wanted.append((-difference, order, one, sum(c > s for c, s in both)))
        shown = block(book["自评偏差"], f"{kind}自评偏差最大")
        for row, (key, _, one, over) in zip(
            shown[:10], sorted(wanted, key=lambda w: w[:2]), strict=False
        ):
            assert row[1:3] == [one.code, one.name]
            assert row[7] == -key / 100
            assert row[9] == f"{over}个单位偏高"
