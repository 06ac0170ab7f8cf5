"""Other counties' reports: consistent ones give no contradiction, one planted change is found."""

from __future__ import annotations

import pytest
from made_reports import REPORTS

from perfxl.narrative.checker import Checked, check_lines
from perfxl.narrative.findings import Verdict
from perfxl.narrative.text import read_report


def checked(text: str) -> Checked:
    return check_lines(read_report(text.encode(), "报告.txt"), "报告.txt")


@pytest.mark.parametrize("name", REPORTS)
def test_a_consistent_report_gives_no_contradiction(name: str) -> None:
    result = checked(REPORTS[name][0])
    assert result.contradictions == []
    assert any(one.verdict is Verdict.CONFIRMED for one in result.findings)


PLANTS = [(name, *plant) for name, (_, plants) in REPORTS.items() for plant in plants]


@pytest.mark.parametrize(("name", "old", "new", "word"), PLANTS)
def test_a_planted_change_is_found(name: str, old: str, new: str, word: str) -> None:
    text = REPORTS[name][0]
    assert text.count(old) == 1
    found = checked(text.replace(old, new)).contradictions
    assert found
    assert any(word in f"{one.found}{one.follows}{one.arithmetic}" for one in found)
