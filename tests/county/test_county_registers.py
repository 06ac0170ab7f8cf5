"""The county's score from its registers: the report's facts, one row more or less, a slip each."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from year_book import YearBook

from perfxl.county.score import CountyScore, claim_state, in_words
from perfxl.county.support import runs_of
from perfxl.intake.data_items import absent_choices
from perfxl.tables import ClaimState, whole

BY_HAND = {"1.1.1", "1.1.2", "1.2.4", "3.1.2", "3.1.3", "5.2.4"}


@pytest.fixture(scope="module")
def sample() -> YearBook:
    return YearBook.sample()


@pytest.fixture(scope="module")
def score(sample: YearBook) -> CountyScore:
    return sample.score()


@pytest.fixture(scope="module")
def before(score: CountyScore) -> dict[str, int | None]:
    return computed(score)


def computed(score: CountyScore) -> dict[str, int | None]:
    return {row.indicator: whole(row.computed) for row in score.leaves.itertuples(index=False)}


def leaf(score: CountyScore, code: str) -> pd.Series:
    return score.leaves[score.leaves["indicator"] == code].iloc[0]


def test_the_reports_facts_give_the_countys_score(score: CountyScore) -> None:
    states = dict(zip(score.leaves["indicator"], score.leaves["state"], strict=True))
    assert {code for code, state in states.items() if state == ClaimState.MANUAL} == BY_HAND
    differing = {code: s for code, s in states.items() if s not in ("一致", ClaimState.MANUAL)}
    assert differing == {"5.2.1": ClaimState.ABOVE, "9": ClaimState.ABOVE}
    said = dict(zip(score.leaves["indicator"], score.leaves["arithmetic"], strict=True))
    assert said["1.2.3"] == "3×0.5=1.5，得1.5分"
    assert said["2.2"] == "4×0.5=2，得2.0分"
    assert said["3.2"] == "5×18÷22=4.09，按0.5分取整为4.0"
    assert said["5.2.1"] == "3×0.5=1.5，得1.5分"
    assert said["9"] == "6-36×0.5，得0.0分"
    total = score.total
    amounts = (total.full_marks, total.computable, total.computed, total.claimed_computable)
    assert amounts == (10_000, 8_300, 7_500, 8_150)
    assert (total.claimed, total.claimed_leaves) == (9_750, 9_050)


def test_what_is_missing_is_named(score: CountyScore) -> None:
    assert "重点绩效评价中没有：国有资本经营预算" in leaf(score, "5.2.1")["missing"]
    assert leaf(score, "9")["missing"] == "“月度报送”没有登记任何内容"
    assert leaf(score, "5.3.1")["missing"] == "自评抽查第 4 行没有填写“文号”、“抽查日期”"
    # The four budgets are all there: nothing could be gained.
    assert "没有：" not in leaf(score, "3.3")["missing"]


def test_the_reports_contradictions_stand_beside_the_sums(score: CountyScore) -> None:
    noted = score.subtotals[score.subtotals["note"] != ""]
    assert dict(zip(noted["code"], noted["note"], strict=True)) == {
        "3.1": "所填小计 8.0 与各部分之和 4.0 不符",
        "5": "所填小计 22.0 与各部分之和 20.0 不符",
        "5.2": "所填小计 9.0 与各部分之和 8.0 不符",
        "合计": "所填合计 97.5 与各项得分之和 90.5 不符",
    }


def test_a_figure_that_nobody_gave_is_missing(sample: YearBook) -> None:
    book = sample.copy()
    book.put("数据项", 5, "数值", "")
    told = leaf(book.score(), "3.2")
    assert pd.isna(told["computed"])
    assert told["state"] == ClaimState.UNKNOWN
    assert told["missing"] == (
        "数据项“开展部门整体绩效目标管理的部门数”没有从其他考核取得，也没有填报"
    )


def test_each_figure_leads_to_its_rows(score: CountyScore, sample: YearBook) -> None:
    own = score.evidence[score.evidence["indicator"] == "1.2.3"]
    assert list(zip(own["sheet"], own["row"], strict=True)) == [("制度文件", n) for n in (8, 9, 10)]
    for row in own.itertuples(index=False):
        name = sample.grid.sheets[row.sheet][row.row - 1][sample.column(row.sheet, "文件名称")]
        assert row.title == name
    typed = score.evidence[score.evidence["indicator"] == "3.2"]
    assert sorted(typed["title"]) == [
        "一级预算部门数 22个（填报）", "开展部门整体绩效目标管理的部门数 18个（填报）",
    ]  # fmt: skip
    # Rows without an amount add nothing to a sum.
    summed = score.evidence[score.evidence["indicator"] == "3.1.1"]
    assert list(zip(summed["sheet"], summed["row"], strict=True)) == [("绩效目标", 4)]
    # An indicator that is judged by hand shows the rows that speak for it.
    assert len(score.evidence[score.evidence["indicator"] == "1.2.4"]) == 9


# Each register: a row more (or mended) and the one indicator that it bears on.
ROWS = (
    ("1.2.1", 0, "制度文件", {"文件种类": (4, "其他")}),
    ("1.2.3", 200, "制度文件", {"编号": 18, "文件名称": "某办法", "文件种类": "新出台办法",
                              "工作环节": "综合"}),
    ("1.3", 100, "培训宣传", {"类别": ((7, 8), "培训")}),
    ("2.2", 150, "事前绩效评估", {"评估报告": (4, "")}),
    ("3.1.1", 150, "绩效目标", {"纳入目标管理": (4, 140_000)}),
    ("3.3", 150, "绩效目标", {"资金性质": (7, "未分列")}),
    ("4.1", 0, "绩效监控", {"报送对象": (4, "")}),
    ("5.2.1", 200, "重点绩效评价", {"项目名称": "国资项目", "项目类型": "一般项目",
                                  "资金性质": "国有资本经营预算", "评价金额": 10}),
    ("5.3.1", 0, "自评抽查", {"抽查通报": (4, "")}),
    ("5.3.2", 0, "第三方机构考核", {"考核通报": (4, "")}),
    ("6.1", 200, "反馈整改", {"评价项目": "另一个项目", "反馈文件": "文件", "完成情况": "整改中"}),
    ("6.2.1", 450, "结果应用", {"应用方式": (7, "预算安排")}),
    ("7.1", 150, "信息公开", {"公开渠道": (5, "县人大")}),
    ("9", 0, "月度报送", {"月份": "1月", "报送事项": "工作进展", "应报日期": dt.date(2023, 2, 5),
                        "报送日期": dt.date(2023, 2, 3)}),
)  # fmt: skip


# What the office is told that would bring the marks back.
HINTS = {
    "1.2.1": "制度文件中没有符合条件的登记（文件种类=实施意见）",
    "1.3": "培训宣传中没有：宣传",
    "2.2": "事前绩效评估第 4 行没有计入：没有填写“评估报告”",
    "3.3": "绩效目标中没有：国有资本经营预算",
    "4.1": "绩效监控第 4 行没有计入：没有填写“报送对象”",
    "5.3.1": "自评抽查第 4 行没有计入：没有填写“抽查通报”",
    "6.2.1": "结果应用中没有：问责机制",
    "9": "月度报送没有登记：1月反馈意见、1月工作信息、2月工作进展",
}


QUICK = ("1.2.3", "3.3", "6.1", "9")
CASES = [
    pytest.param(*row, id=row[0], marks=() if row[0] in QUICK else pytest.mark.slow) for row in ROWS
]


@pytest.mark.parametrize(("code", "amount", "sheet", "cells"), CASES)
def test_one_row_changes_one_indicator(
    sample: YearBook,
    before: dict[str, int | None],
    code: str,
    amount: int,
    sheet: str,
    cells: dict[str, object],
) -> None:
    book = sample.copy()
    added: dict[str, object] = {}
    for label, value in cells.items():
        if isinstance(value, tuple):
            numbers = value[0] if isinstance(value[0], tuple) else (value[0],)
            for number in numbers:
                book.put(sheet, number, label, value[1])
        else:
            added[label] = value
    if added:
        book.add(sheet, **added)
    after = book.score()
    assert computed(after) == {**before, code: amount}
    if code in HINTS:
        assert HINTS[code] in leaf(after, code)["missing"]


def test_monthly_reports_lose_marks_when_late_or_missing(sample: YearBook) -> None:
    book = sample.copy()
    for month in range(1, 13):
        for matter in ("工作进展", "反馈意见", "工作信息"):
            due = dt.date(2023, month, 25)
            sent = due + dt.timedelta(days=1 if (month, matter) == (3, "反馈意见") else -2)
            row = {"月份": f"{month}月", "报送事项": matter, "应报日期": due, "报送日期": sent}
            if (month, matter) in ((5, "工作信息"), (12, "工作进展")):
                continue
            book.add("月度报送", **row)
    number = book.add("月度报送", 月份="5月", 报送事项="工作信息", 应报日期=dt.date(2023, 5, 25))
    score = book.score()
    assert leaf(score, "9")["computed"] == 450
    assert leaf(score, "9")["arithmetic"] == "6-3×0.5，得4.5分"
    missing = leaf(score, "9")["missing"]
    assert "“报送日期”2023-03-26，“应报日期”2023-03-25" in missing
    assert f"月度报送第 {number} 行没有计入：没有填写“报送日期”" in missing
    assert "月度报送没有登记：12月工作进展" in missing
    # What is not due yet is not missed: on 20 May the row without a date of sending still waits.
    early = leaf(book.score(dt.date(2023, 5, 20)), "9")
    assert early["computed"] == 500
    assert "没有填写“报送日期”" not in early["missing"]


def test_a_slip_in_each_register_is_told_at_its_cell(sample: YearBook) -> None:
    book, wanted = sample.copy(), set()

    def spoil(code: str, sheet: str, row: int, label: str, value: object) -> None:
        wanted.add((code, sheet, book.put(sheet, row, label, value)))

    spoil("F402", "制度文件", 4, "成文日期", "去年")
    spoil("F404", "制度文件", 6, "编号", "2")
    spoil("F403", "制度文件", 9, "工作环节", "别的")
    spoil("F402", "培训宣传", 4, "参加人数", -3)
    spoil("F404", "事前绩效评估", 5, "项目名称", "2023年吕梁市石楼县人民医院迁建项目（一期工程）")
    spoil("F402", "事前绩效评估", 6, "项目金额", -1)
    spoil("F405", "绩效目标", 4, "纳入目标管理", 165_001)
    spoil("F403", "绩效监控", 4, "监控类别", "重点")
    spoil("F402", "重点绩效评价", 4, "评价金额", "一千万")
    spoil("F401", "自评抽查", 4, "抽查范围", "")
    spoil("F402", "第三方机构考核", 4, "通报日期", "2023-13-01")
    book.put("反馈整改", 4, "反馈日期", dt.date(2023, 6, 1))
    spoil("F405", "反馈整改", 4, "完成日期", dt.date(2023, 5, 1))
    spoil("F402", "结果应用", 4, "涉及金额", -0.01)
    row = book.add(
        "信息公开", 公开内容="重要绩效目标", 公开渠道="政府网站", 公开单位="石楼县 财政局"
    )
    wanted.add(("Y103", "信息公开", f"A{row}"))
    row = book.add("月度报送", 月份="13月", 报送事项="工作进展", 应报日期=dt.date(2023, 2, 1))
    wanted.add(("F403", "月度报送", f"A{row}"))
    row = book.add("绩效目标", 单位="县本级", 资金性质="一般公共预算")
    wanted.add(("Y103", "绩效目标", f"A{row}"))
    spoil("F402", "指标库", 4, "年度", "二〇二三")
    spoil("Y102", "数据项", 4, "数值", "二十二")
    findings = book.check().result.findings
    told = set(zip(findings["code"], findings["sheet"], findings["cell"], strict=True))
    assert wanted <= told
    # The other findings are about the 自评表, which claims what the registers no longer show.
    assert {sheet for _, sheet, _ in told - wanted} == {"自评表"}


def test_a_repeated_row_is_told_with_the_first(sample: YearBook) -> None:
    book = sample.copy()
    book.add("结果应用", 应用方式="问责机制", 应用事项="建立相应的 问责机制")
    (told,) = [
        row.message
        for row in book.check().result.findings.itertuples(index=False)
        if row.code == "Y103"
    ]
    assert told == "“应用方式”、“应用事项”与第 7 行重复（问责机制，建立相应的 问责机制）"


@pytest.mark.parametrize(
    ("claimed", "given", "manual", "state"),
    [
        (None, None, True, ClaimState.MANUAL),
        (100, None, False, ClaimState.UNKNOWN),
        (None, 100, False, ClaimState.UNCLAIMED),
        (100, 100, False, ClaimState.AGREES),
        (150, 100, False, ClaimState.ABOVE),
        (0, 100, False, ClaimState.BELOW),
    ],
)
def test_claim_states(
    claimed: int | None, given: int | None, manual: bool, state: ClaimState
) -> None:
    assert claim_state(claimed, given, manual=manual) is state


@pytest.mark.parametrize(
    ("arithmetic", "words"),
    [
        ("5 × 18 ÷ 22 = 4.09 → 4.0", "5×18÷22=4.09，按0.5分取整为4.0"),
        ("3 × 1 = 3（以分值 2 为限） → 2.0", "3×1=3（以分值2为限），得2.0分"),
        ("6 - 36 × 0.5 → 0.0", "6-36×0.5，得0.0分"),
        ("缺少数据项“甲”", "缺少数据项“甲”"),
    ],
)
def test_arithmetic_in_words(arithmetic: str, words: str) -> None:
    assert in_words(arithmetic, 50) == words


@pytest.mark.parametrize(
    ("numbers", "shown"),
    [
        ([4], "4"),
        ([5, 4], "4、5"),
        ([4, 5, 6, 9], "4—6、9"),
        (range(4, 40, 2), "4、6、8、10、12、14等 18 处"),
    ],
)
def test_rows_are_named_in_runs(numbers: list[int], shown: str) -> None:
    assert runs_of(numbers) == shown


DATES = st.one_of(st.none(), st.dates(dt.date(2023, 1, 1), dt.date(2023, 12, 31)))
MONTHS = [f"{month}月" for month in range(1, 13)]
REPORTS = st.lists(
    st.tuples(st.sampled_from(MONTHS[:4]), st.sampled_from(["工作进展", "工作信息"]), DATES, DATES),
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(REPORTS, st.dates(dt.date(2023, 1, 1), dt.date(2024, 1, 1)))
def test_missing_reports_counted_by_hand(reports: list[tuple], as_of: dt.date) -> None:
    plan = _plan()
    item = plan.item("月报迟报漏报次数", "县级")
    assert item is not None
    register = next(one for one in plan.registers if one.name == item.register)
    values = pd.DataFrame(reports, columns=["月份", "报送事项", "应报日期", "报送日期"])
    for label in ("应报日期", "报送日期"):
        values[label] = pd.to_datetime(values[label]).astype("datetime64[s]")
    done = {
        (month, matter)
        for month, matter, due, sent in reports
        if due and (sent <= due if sent else due >= as_of)
    }
    absent = absent_choices(item, register, values, as_of)
    assert len(absent) == Fraction(36 - len(done))
    assert not done & set(absent)


_PLANS: list = []


def _plan():  # type: ignore[no-untyped-def]
    if not _PLANS:
        _PLANS.append(YearBook.sample().plan)
    return _PLANS[0]
