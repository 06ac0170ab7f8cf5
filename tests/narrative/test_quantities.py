"""Counts, sums, shares and budgets in single sentences, and what must be left alone."""

from __future__ import annotations

import pytest

from perfxl.narrative.findings import Verdict
from perfxl.narrative.numbers import plain
from perfxl.narrative.quantities import judge_quantities, pair_of_counts

OK, BAD, OPEN = Verdict.CONFIRMED, Verdict.CONTRADICTION, Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("sentence", "wanted"),
    [
        ("共计49,908万元，其中一般公共预算1,033、政府性基金34,586、社会保险基金14,289。", [OK]),
        ("共计49,908万元，其中一般公共预算1,033、政府性基金34,568、社会保险基金14,289。", [BAD]),
        ("评价资金合计5亿元，其中一般公共预算3.2亿元、政府性基金18,000万元。", [OK]),
        ("评价资金合计5亿元，其中一般公共预算3.2亿元、政府性基金28,000万元。", [BAD]),
        ("全年预算5亿元，其中教育1.2亿元、卫生0.8亿元。", [OPEN]),
        ("全年预算5亿元，其中教育1.2亿元、卫生0.8亿元等。", []),
        ("出台3项制度，分别为《甲办法》《乙办法》《丙办法》。", [OK]),
        ("出台4项制度，分别为《甲办法》《乙办法》《丙办法》。", [BAD]),
        ("出台4项制度，分别为《甲办法》《乙办法》等。", []),
        ("出台《甲办法》《乙和丙、丁办法》等5项制度。", []),
        ("选取甲项目、乙项目和丙项目3个项目。", [OK]),
        ("按石财绩〔2023〕5号、晋财绩(2021)11号要求，检查3个单位。", []),
        ("2023年12月31日前，对3个单位开展检查。", []),
        ("应编报22个部门，实际编报18个部门，覆盖率100%。", [BAD]),
        ("应编报22个部门，实际编报22个部门，覆盖率100%。", [OK]),
        ("支出15个项目，执行率为92.3%，较上年提高2个百分点。", []),
        ("一般公共预算、政府性基金预算、社会保险基金预算四本预算全部覆盖。", [BAD]),
        ("一般公共预算、政府性基金预算等“四本预算”全部覆盖。", []),
        ("绩效管理覆盖了“四本”预算。", []),
    ],
)
def test_a_sentence(sentence: str, wanted: list[Verdict]) -> None:
    assert [one.verdict for one in judge_quantities(plain(sentence))] == wanted


def test_a_pair_of_counts() -> None:
    assert pair_of_counts("一级预算部门22个，开展的有18个部门") == (18, 22)
    assert pair_of_counts("35个部门编报了412个项目") is None
