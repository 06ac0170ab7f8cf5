"""How a problem stands, for every course that reports and decisions can take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.ledger import Problem, ProblemDecision, ProblemReport
from perfxl.plan.model import Plan
from perfxl.rectifications.states import State, rectification

AT = dt.datetime(2024, 2, 1, 9)
DUE = dt.date(2024, 2, 29)
PROBLEM = Problem("101", "101-01", "k", "考核扣分", "1.3", "扣1分", 100, DUE, False, AT)


def report(progress: str, receipt: str = "r1") -> ProblemReport:
    said = ("措施", "张三", progress, "", "", "")
    return ProblemReport(receipt, 1, "101", "101-01", *said, "整改台账", 4, AT)


def decision(word: str, receipt: str = "r1") -> ProblemDecision:
    return ProblemDecision("101", "101-01", word, "理由", receipt, "李四", AT)


def standing(
    plan: Plan,
    reports: Sequence[ProblemReport] = (),
    decisions: Sequence[ProblemDecision] = (),
    today: dt.date = DUE,
) -> tuple[str, bool]:
    (row,) = rectification(plan, [PROBLEM], reports, decisions, today).to_dict("records")
    return row["state"], row["overdue"]


@pytest.mark.parametrize(
    ("reports", "decisions", "state"),
    [
        ([], [], State.OPEN),
        ([report("未整改")], [], State.OPEN),
        ([report("整改中")], [], State.UNDER_WAY),
        ([report("已完成")], [], State.REPORTED),
        ([report("已完成")], [decision("确认")], State.CONFIRMED),
        ([report("已完成")], [decision("退回")], State.RETURNED),
        # A report of progress after a return is not yet a report that it is done.
        ([report("已完成"), report("整改中", "r2")], [decision("退回")], State.RETURNED),
        ([report("已完成"), report("已完成", "r2")], [decision("退回")], State.REPORTED),
        (
            [report("已完成"), report("已完成", "r2")],
            [decision("退回"), decision("确认", "r2")],
            State.CONFIRMED,
        ),
        # What was confirmed stays so, whatever comes after.
        ([report("已完成"), report("未整改", "r2")], [decision("确认")], State.CONFIRMED),
        # The office may know of itself, without a report.
        ([], [decision("确认", "")], State.CONFIRMED),
        ([], [decision("退回", "")], State.RETURNED),
    ],
)
def test_states(
    plan: Plan,
    reports: Sequence[ProblemReport],
    decisions: Sequence[ProblemDecision],
    state: State,
) -> None:
    assert standing(plan, reports, decisions) == (state, False)
    late = state in (State.OPEN, State.UNDER_WAY, State.RETURNED)
    assert standing(plan, reports, decisions, DUE + dt.timedelta(1)) == (state, late)


def test_the_newest_record_of_a_problem_is_in_force(plan: Plan) -> None:
    changed = Problem(**{**vars(PROBLEM), "description": "扣2分"})
    withdrawn = Problem(**{**vars(PROBLEM), "withdrawn": True})
    (row,) = rectification(plan, [PROBLEM, changed], [], [], DUE).to_dict("records")
    assert row["description"] == "扣2分"
    assert len(rectification(plan, [PROBLEM, withdrawn], [], [], DUE)) == 0
    assert len(rectification(plan, [PROBLEM, withdrawn, PROBLEM], [], [], DUE)) == 1


def test_a_confirmation_that_was_a_mistake_is_taken_back(plan: Plan) -> None:
    decisions = [decision("确认"), decision("退回")]
    assert standing(plan, [report("已完成")], decisions)[0] == State.RETURNED


def test_the_report_of_the_file_received_last_counts(plan: Plan) -> None:
    later = ProblemReport(
        **{**vars(report("整改中", "r0")), "recorded_at": AT - dt.timedelta(days=3)}
    )
    assert standing(plan, [report("已完成"), later])[0] == State.REPORTED


_EVENTS = st.lists(st.sampled_from(["已完成", "整改中", "未整改", "确认", "退回"]), max_size=8)


@given(_EVENTS)
def test_any_course_ends_in_the_state_of_its_last_word(plan: Plan, events: list[str]) -> None:
    reports: list[ProblemReport] = []
    decisions: list[ProblemDecision] = []
    expected = State.OPEN
    for number, event in enumerate(events):
        if event in ("确认", "退回"):
            if decisions and decisions[-1].decision == "确认":
                continue  # the command refuses to decide on what is confirmed
            decisions.append(decision(event, reports[-1].receipt if reports else ""))
            expected = State.CONFIRMED if event == "确认" else State.RETURNED
        else:
            reports.append(report(event, f"r{number}"))
            if expected is State.CONFIRMED:
                continue
            after_return = bool(decisions)
            if event == "已完成":
                expected = State.REPORTED
            elif after_return:
                expected = State.RETURNED
            else:
                expected = State.UNDER_WAY if event == "整改中" else State.OPEN
    assert standing(plan, reports, decisions)[0] == expected
