"""A rectification book read back: what holds is a report, what does not is told at its cell."""

from __future__ import annotations

import datetime as dt

import pytest

from perfxl.ledger import Problem
from perfxl.plan.forms import RECTIFICATION_TABLE
from perfxl.rectifications.reading import read_rectification_book

DAY = dt.date(2024, 2, 20)
AT = dt.datetime(2024, 2, 1)
LABELS = [column.label for column in RECTIFICATION_TABLE.columns]
KEYS = [column.key for column in RECTIFICATION_TABLE.columns]
GOOD = {
    "measure": "已补充制度",
    "person": "王五",
    "progress": "已完成",
    "done_on": dt.date(2024, 2, 18),
    "evidence": "石教字〔2024〕2号",
}


def problem(number: str) -> Problem:
    due = dt.date(2024, 2, 29)
    return Problem("101", number, number, "考核扣分", "", f"问题 {number}", None, due, False, AT)


PROBLEMS = [problem(number) for number in ("101-01", "101-02")]


def row(number: str, **typed: object) -> list[object]:
    values = {"number": number, "description": f"问题 {number}", **typed}
    return [values.get(key, "") for key in KEYS]


def read(*rows: list[object]):  # type: ignore[no-untyped-def]
    sheet: list[list[object]] = [["标题"], [], list(LABELS), *rows]
    return read_rectification_book(
        PROBLEMS, "101", {"整改台账": sheet}, receipt="r", file="f.xlsx", received_on=DAY
    )


def found(*rows: list[object]) -> list[tuple[str, str]]:
    findings = read(*rows).findings
    return list(zip(findings["code"], findings["cell"], strict=True))


def test_a_good_row_is_a_report() -> None:
    result = read(row("101-01", **GOOD), row("101-02", progress="整改中", measure="正在补"))
    assert len(result.findings) == 0
    first, second = result.reports.to_dict("records")
    assert (first["number"], first["progress"], first["done_on"]) == (
        "101-01",
        "已完成",
        "2024-02-18",
    )
    assert (second["progress"], second["done_on"], second["row"]) == ("整改中", "", 5)


@pytest.mark.parametrize(
    ("change", "code", "column", "is_taken"),
    [
        ({"progress": "做完了"}, "Z104", "progress", False),
        ({"progress": ""}, "Z105", "progress", False),
        ({"measure": ""}, "Z106", "measure", False),
        ({"person": " "}, "Z107", "person", False),
        ({"done_on": ""}, "Z108", "done_on", False),
        ({"done_on": "上月底"}, "Z109", "done_on", False),
        ({"done_on": dt.date(2024, 2, 21)}, "Z110", "done_on", False),
        ({"evidence": ""}, "Z111", "evidence", True),
        ({"progress": "整改中"}, "Z113", "done_on", True),
        ({"description": "不是这个问题"}, "Z115", "description", True),
    ],
)
def test_a_faulty_row(change: dict[str, object], code: str, column: str, *, is_taken: bool) -> None:
    cell = f"{chr(ord('A') + KEYS.index(column))}4"
    rows = (row("101-01", **{**GOOD, **change}), row("101-02", progress="未整改"))
    assert found(*rows) == [(code, cell)]
    numbers = list(read(*rows).reports["number"])
    assert ("101-01" in numbers) is is_taken
    assert "101-02" in numbers


def test_rows_that_are_no_problem_twice_there_or_missing() -> None:
    assert found(row("101-09", **GOOD)) == [("Z102", "A4"), ("Z114", "")]
    twice = found(row("101-01", **GOOD), row("101-01", **GOOD), row("101-02"))
    assert twice == [("Z103", "A5"), ("Z112", "")]
    assert found(row("101-01"), row("101-02")) == [("Z112", "")]


def test_signature_lines_and_remarks_are_no_problems() -> None:
    signature = [
        "单位负责人（签字）：",
        "",
        "",
        "",
        "",
        "",
        "填报人：",
        "",
        "",
        "单位（盖章）",
        "",
        "",
    ]
    remark = ["", "", "", "", "", "", "以上情况属实", "", "", "", "", ""]
    rows = (row("101-01", **GOOD), row("101-02", progress="未整改"), [""] * 12, signature, remark)
    assert found(*rows) == []


def test_a_book_made_before_a_problem_was_withdrawn_or_worded_anew() -> None:
    worded_anew = Problem(**{**vars(problem("101-01")), "description": "问题 101-01，扣2分"})
    withdrawn = Problem(**{**vars(problem("101-02")), "withdrawn": True})
    sheet = [list(LABELS), row("101-01", **GOOD), row("101-02", **GOOD)]
    result = read_rectification_book(
        [*PROBLEMS, worded_anew, withdrawn],
        "101",
        {"表": sheet},
        receipt="r",
        file="f",
        received_on=DAY,
    )
    assert list(result.findings["code"]) == ["Z117"]
    assert list(result.reports["number"]) == ["101-01"]


def test_columns_moved_and_rows_put_in() -> None:
    order = [*range(len(KEYS))][::-1]
    sheet = [
        ["", ""],
        [LABELS[at] for at in order],
        [],
        [row("101-01", **GOOD)[at] for at in order],
    ]
    result = read_rectification_book(
        PROBLEMS, "101", {"表一": sheet}, receipt="r", file="f", received_on=DAY
    )
    assert list(result.reports["number"]) == ["101-01"]


def test_an_old_book_does_not_undo_a_newer_one() -> None:
    newer = {"101-01": ("新措施", "王五", "已完成", "2024-02-19", "附件", "")}
    sheet = [list(LABELS), row("101-01", **GOOD), row("101-02")]
    result = read_rectification_book(
        PROBLEMS, "101", {"表": sheet}, receipt="r", file="f", received_on=DAY, newer=newer
    )
    assert list(result.findings["code"]) == ["Z116", "Z112"]
    assert len(result.reports) == 0


def test_a_workbook_without_the_table() -> None:
    result = read_rectification_book(
        PROBLEMS, "101", {"表": [["甲"]]}, receipt="r", file="f", received_on=DAY
    )
    assert list(result.findings["code"]) == ["Z101"]
