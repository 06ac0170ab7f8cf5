"""The county's real report: each of its contradictions, nothing else, and none once mended."""

from __future__ import annotations

import pytest
from made_reports import MENDED, mended, seed

from perfxl.narrative.checker import Checked, check_lines
from perfxl.narrative.findings import Verdict
from perfxl.narrative.text import read_report

CONTRADICTIONS = [
    ("第 12 行", "6个一级指标", "6 ≠ 3"),
    ("第 12 行", "10个二级指标", "10 ≠ 9"),
    ("第 19 行", "自评得分 8 分", "2 + 2 = 4 ≠ 8"),
    ("第 31 行", "自评得分 22 分", "6 + 9 + 5 = 20 ≠ 22"),
    ("第 34 行", "自评得分 9 分", "2 + 4 + 2 = 8 ≠ 9"),
    ("第 35 行", "四本预算", "4 ≠ 3"),
]
CONFIRMED = [
    ("第 35 行", "1,033 + 34,586 + 14,289 = 49,908万元"),
    ("第 23 行", "5 × 18 ÷ 22 = 4.09 → 4"),
    ("第 5 行", "14.5 + 5 + 14 + 8 + 22 + 15 + 10 + 3 + 6 = 97.5"),
]


def checked(text: str) -> Checked:
    return check_lines(read_report(text.encode(), "报告.txt"), "报告.txt")


def test_the_report_contradicts_itself_exactly_so() -> None:
    found = [(one.place, one.found, one.arithmetic) for one in checked(seed()).contradictions]
    assert [(place, what) for place, what, _ in found] == [(p, w) for p, w, _ in CONTRADICTIONS]
    for (_, _, sums), (_, _, wanted) in zip(found, CONTRADICTIONS, strict=True):
        assert sums.startswith(wanted)


@pytest.mark.parametrize(("place", "arithmetic"), CONFIRMED)
def test_what_adds_up_is_said_to(place: str, arithmetic: str) -> None:
    confirmed = [one for one in checked(seed()).findings if one.verdict is Verdict.CONFIRMED]
    assert (place, arithmetic) in [(one.place, one.arithmetic) for one in confirmed]


def test_the_mended_report_has_none() -> None:
    result = checked(mended())
    assert result.contradictions == []


@pytest.mark.parametrize("at", range(len(MENDED)))
def test_what_is_not_mended_is_still_found(at: int) -> None:
    old, new = MENDED[at]
    text = mended()
    assert text.count(new) == 1
    assert checked(text.replace(new, old)).contradictions


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_any_encoding_reads_alike(encoding: str) -> None:
    lines = read_report(seed().encode(encoding), "报告.TXT")
    assert len(check_lines(lines).contradictions) == len(CONTRADICTIONS)
