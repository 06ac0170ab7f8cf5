"""The county's self-assessment report: every number is in the workbook, and none contradicts another."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import docx
import openpyxl
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_years import PLAN, RETURN, Row, Year, numbers_of, random_registers, shown_sum

from perfxl.campaign import Campaign, read_plan_file
from perfxl.cli.main import cli
from perfxl.documents.form_check import check_form
from perfxl.errors import NotInPlan, ReportContradicts
from perfxl.facts.self_report import ScoredBy, SelfReport
from perfxl.narrative.findings import Verdict
from perfxl.plan.model import Plan
from perfxl.points import as_text
from perfxl.products.self_report import FILE, findings_in, self_report_document
from perfxl.stages.self_report import WrittenReport, write_self_report
from perfxl.stages.year import new_year, score_year

NOW = dt.datetime(2024, 1, 31, 9, 0)
_ORDINAL = re.compile(r"^\d+\.")


@pytest.fixture(scope="module")
def plan() -> Plan:
    return read_plan_file(PLAN.read_bytes(), PLAN.name)


@pytest.fixture(scope="module")
def year(plan: Plan) -> Year:
    return Year.of_county(plan)


@pytest.fixture(scope="module")
def made(plan: Plan, year: Year) -> tuple[SelfReport, bytes]:
    """The county's report by computation."""
    report = year.report()
    return report, self_report_document(plan, report)


@pytest.fixture(scope="module")
def text(made: tuple[SelfReport, bytes]) -> str:
    return text_of_report(made[1])


@pytest.fixture(scope="module")
def finished_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "县级2023"
    new_year(folder, PLAN.read_bytes()).close()
    shutil.copy(RETURN, folder / "年度台账.xlsx")
    return folder


@pytest.fixture(scope="module")
def written(finished_year: Path, tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    """The report as the stage writes it; its folder must not be changed."""
    folder = tmp_path_factory.mktemp("written") / "县级2023"
    shutil.copytree(finished_year, folder)
    campaign = Campaign(folder)
    result = write_self_report(campaign, NOW)
    campaign.close()
    return result


@pytest.fixture
def campaign(finished_year: Path, tmp_path: Path) -> Iterator[Campaign]:
    shutil.copytree(finished_year, tmp_path / "year")
    opened = Campaign(tmp_path / "year")
    yield opened
    opened.close()


def paragraphs(data: bytes) -> list[str]:
    return [one.text for one in docx.Document(io.BytesIO(data)).paragraphs if one.text.strip()]


def text_of_report(data: bytes) -> str:
    return "\n".join(paragraphs(data))


def numbers_of_report(data: bytes) -> dict[str, set[str]]:
    """The numbers of every paragraph and table row, without those that number headings."""
    document = docx.Document(io.BytesIO(data))
    found = {}
    for one in document.paragraphs:
        is_heading = one.style.name.startswith("Heading")
        found[one.text] = numbers_of(_ORDINAL.sub("", one.text) if is_heading else one.text)
    for table in document.tables:
        for row in table.rows:
            line = " | ".join(cell.text for cell in row.cells)
            found[line] = numbers_of(line)
    return found


def numbers_in(data: bytes) -> set[str]:
    found: set[str] = set()
    for sheet in openpyxl.load_workbook(io.BytesIO(data), data_only=True):
        for row in sheet.iter_rows(values_only=True):
            for value in row:
                is_number = isinstance(value, (int, float))
                found |= numbers_of(f"{value:.2f}" if is_number else str(value or ""))
    return found


def chosen(rows: Sequence[Row], **wanted: str) -> list[Row]:
    return [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]


def filled(rows: Sequence[Row], label: str) -> list[Row]:
    return [row for row in rows if str(row.get(label) or "").strip()]


def different(rows: Sequence[Row], label: str) -> int:
    return len({" ".join(str(row[label]).split()) for row in filled(rows, label)})


def day(row: Row, label: str) -> dt.date | None:
    value = row.get(label)
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else None


def late(rows: Sequence[Row], done: str, due: str) -> int:
    both = [(day(row, done), day(row, due)) for row in rows]
    return sum(one is not None and other is not None and one > other for one, other in both)


def in_time(rows: Sequence[Row], done: str, due: str) -> int:
    both = [(day(row, done), day(row, due)) for row in rows]
    return sum(one is not None and other is not None and one <= other for one, other in both)


def reckoned(year: Year) -> Mapping[str, str]:
    """What the default texts say of the registers, reckoned here once more: pattern → number."""
    rules, training = year.rows("制度文件"), year.rows("培训宣传")
    before, targets = filled(year.rows("事前绩效评估"), "评估报告"), year.rows("绩效目标")
    key = [
        row
        for row in year.rows("重点绩效评价")
        if row.get("项目类型") not in ("部门整体", "", None)
    ]
    checked, feedback, monthly = (year.rows(name) for name in ("自评抽查", "反馈整改", "月度报送"))
    library = year.rows("指标库")
    counts = {
        r"写明操作细则的管理办法有(\d+)个": different(
            chosen(rules, 文件种类="管理办法", 操作细则="是"), "文件名称"
        ),
        r"项目和资金管理办法有(\d+)个": different(chosen(rules, 文件种类="新出台办法"), "文件名称"),
        r"登记共性指标(\d+)个": len(chosen(library, 指标类型="共性")),
        r"登记个性指标(\d+)个": len(chosen(library, 指标类型="个性")),
        r"开展业务培训(\d+)项": len(chosen(training, 类别="培训")),
        r"开展宣传(\d+)项": len(chosen(training, 类别="宣传")),
        r"开展事前绩效评估(\d+)项": len(before),
        r"形成评估报告(\d+)份": different(before, "评估报告"),
        r"财政重点绩效评价项目(\d+)个": len(key),
        r"登记反馈事项(\d+)项": len(feedback),
        r"已完成整改(\d+)项": len(chosen(feedback, 完成情况="已完成")),
        r"工作信息(\d+)件次": in_time(monthly, "报送日期", "应报日期"),
        r"超过应报日期报送(\d+)件次": late(monthly, "报送日期", "应报日期"),
        r"有(\d+)件次超过应报日期": late(monthly, "报送日期", "应报日期"),
        r"有(\d+)项超过整改期限": late(feedback, "完成日期", "整改期限"),
        r"反馈事项有(\d+)项": len(
            [r for r in feedback if r.get("完成情况") in ("整改中", "未整改")]
        ),
        r"没有登记文号的有(\d+)件": len(rules) - len(filled(rules, "文号")),
        r"登记表有(\d+)张": sum(not year.rows(one.name) for one in year.plan.registers),
    }
    amounts = {
        r"项目支出预算([\d.]+)万元": shown_sum(targets, "项目支出预算"),
        r"纳入绩效目标管理([\d.]+)万元": shown_sum(targets, "纳入目标管理"),
        r"涉及资金([\d.]+)万元": shown_sum(key, "评价金额"),
        r"抽查项目(\d+)个": shown_sum(checked, "抽查项目数"),
        r"抽查发现问题(\d+)个": shown_sum(checked, "发现问题数"),
    }
    return {pattern: str(count) for pattern, count in counts.items()} | amounts


def numbers_of_scores(report: SelfReport) -> set[str]:
    """Scores and full marks of indicators, their sums by heading, and how many there are."""
    rubric, by_code = report.rubric, {one.code: one for one in report.scores}
    amounts = [report.total, rubric.full_marks, report.total - rubric.full_marks]
    for row in rubric.rows:
        below = [one for code, one in by_code.items() if f"{code}.".startswith(f"{row.code}.")]
        amounts += [sum(one.score or 0 for one in below), sum(one.full_marks for one in below)]
        amounts += [one.lost for one in below]
    lost = sum(one.lost > 0 for one in report.scores)
    absent = sum(one.score is None for one in report.scores)
    sources = [one.source for one in report.scores]
    counts = [len(rubric.top), len(report.scores), lost, absent, *map(sources.count, sources)]
    shown = {as_text(abs(amount)) for amount in amounts} | {str(count) for count in counts}
    lost_points = sum(one.lost for one in report.scores)
    return {*shown, as_text(lost_points)}


def numbers_of_plan(plan: Plan) -> set[str]:
    info = plan.campaign
    texts = [info.basis, str(info.year), f"{info.issued_on:%Y %m %d}"]
    texts += [part for row in plan.rubrics["县级"].rows for part in (row.code, row.name)]
    return set().union(*map(numbers_of, texts))


def check_report(year: Year, report: SelfReport, data: bytes) -> None:
    """No contradiction, the official form, no number from nowhere, and the right ones."""
    plan, told = year.plan, text_of_report(data)
    verdicts = [one for one in findings_in(data) if one.verdict is Verdict.CONTRADICTION]
    assert verdicts == []
    assert [one for one in check_form(data, FILE) if not one.holds] == []
    expected = reckoned(year)
    known = year.numbers() | numbers_of_plan(plan) | numbers_of_scores(report)
    known |= {number for number in expected.values() if number != "0"}
    monthly = {(row.get("月份") or "", row.get("报送事项") or "") for row in year.rows("月度报送")}
    unregistered = str(12 * 3 - sum(all(one) for one in monthly))
    assert set(re.findall(r"等(\d+)次", told)) <= {unregistered}
    known.add(unregistered)
    for line, numbers in numbers_of_report(data).items():
        assert numbers <= known, (line, numbers - known)
    for pattern, number in expected.items():
        for found in re.findall(pattern, told):
            assert numbers_of(found) == {number}, (pattern, found)
        said = re.search(pattern, told) is not None
        # What two figures are said in is left out where either is nothing.
        together = pattern.startswith(("登记反馈事项", "已完成整改", "项目支出预算", "纳入绩效"))
        assert said == (number != "0") or (together and not said), (pattern, number)
    assert not re.search(r"(?<![\d.])0[个项份件张万]|[{}]|nan|None|<NA>|，。|。。|：$", told), told
    total = re.search(r"自评总分为([\d.]+)分", told)
    assert total is not None and total[1] == as_text(report.total)


def test_the_report_of_the_county(year: Year, made: tuple[SelfReport, bytes]) -> None:
    report, data = made
    check_report(year, report, data)
    confirmed = [one for one in findings_in(data) if one.verdict is Verdict.CONFIRMED]
    assert len(confirmed) > 40
    sections = [
        one for one in paragraphs(data) if re.match("（[一二三四五六七八九]）.*自评得分", one)
    ]
    assert len(sections) == 9
    # The source claimed 22 for parts that add to 20 and named three of four budgets.
    assert "（五）绩效评价管理（23分，自评得分18.5分）" in sections
    assert "评价涉及的预算有一般公共预算、政府性基金预算、社会保险基金预算。得1.5分。" in "".join(
        paragraphs(data)
    )


def test_the_numbers_are_those_of_the_year_workbook_and_the_scores(
    campaign: Campaign, written: WrittenReport
) -> None:
    scores = score_year(campaign, NOW).path.read_bytes()
    files = (campaign.year_workbook, campaign.plan_file)
    known = numbers_in(scores).union(*(numbers_in(file.read_bytes()) for file in files))
    counted = {n for n in reckoned(Year.of_county(campaign.plan)).values() if n != "0"}
    for line, numbers in numbers_of_report(written.document.path.read_bytes()).items():
        only_sums = numbers_of_scores(written.report) if "（" in line or "合计" in line else set()
        only_sums |= (
            numbers_of_scores(written.report) if "总分" in line or "失分" in line else set()
        )
        assert numbers <= known | counted | only_sums, line


def test_the_basis_names_the_rows_of_every_figure(plan: Plan, written: WrittenReport) -> None:
    sheet = openpyxl.load_workbook(written.basis).active
    assert sheet is not None
    lines = [
        [str(cell or "") for cell in row] for row in sheet.iter_rows(min_row=4, values_only=True)
    ]
    of = {(subject, field): (text, source) for subject, field, text, source in lines}
    new = "制度文件[文件种类=新出台办法].文件名称种数"
    assert of["1.2.3", new] == ("3", "制度文件第8、9、10行")
    register = openpyxl.load_workbook(RETURN)["制度文件"]
    for row in (8, 9, 10):
        assert "新出台办法" in [cell.value for cell in register[row]]
    assert of["1.2.3 新出台办法的绩效要求", "得分"] == ("1.5", "计算：3×0.5=1.5，得1.5分")
    assert (
        of["1.2 制度建设", "得分"][1]
        == "下级之和：1.2.1得2分，1.2.2得2分，1.2.3得1.5分，1.2.4得2分"
    )
    assert of["3.2", "数据项.一级预算部门数"] == ("22", "数据项“一级预算部门数”")
    assert of["", "总分"] == ("84", "各末级指标之和")
    # What the report counts or sums, and no cell holds, is in its basis.
    told = set().union(*numbers_of_report(written.document.path.read_bytes()).values())
    known = set().union(*(numbers_of(" ".join(line)) for line in lines))
    assert told <= known | numbers_in(RETURN.read_bytes()) | numbers_of_plan(
        plan
    ) | numbers_of_scores(written.report)


def test_by_claim_headings_are_the_sums_of_their_parts_too(plan: Plan, year: Year) -> None:
    report = year.report(ScoredBy.CLAIM)
    data = self_report_document(plan, report)
    check_report(year, report, data)
    marks = [re.search(r"^（.）.*自评得分([\d.]+)分", one) for one in paragraphs(data)]
    assert sum(float(one[1]) for one in marks if one) == 90.5
    assert "自评总分为90.5分" in text_of_report(data)
    assert [one.code for one in report.scores if one.differs] == ["5.2.1", "9"]


def test_a_number_that_is_nowhere_is_seen(year: Year, made: tuple[SelfReport, bytes]) -> None:
    report, data = made
    document = docx.Document(io.BytesIO(data))
    style = document.paragraphs[7].style
    document.paragraphs[7].insert_paragraph_before("另有4321个单位。", style)
    saved = io.BytesIO()
    document.save(saved)
    with pytest.raises(AssertionError, match="4321"):
        check_report(year, report, saved.getvalue())


def test_an_altered_row_alters_its_sentence_and_an_emptied_whole_does_not_apply(
    plan: Plan, year: Year, text: str
) -> None:
    rows = year.rows("制度文件")
    old = "政府债务项目绩效管理办法"
    (row,) = chosen(rows, 文件名称=old)
    row |= {"文件名称": "石楼县专项债券绩效管理办法", "文号": "石财绩〔2023〕12号"}  # type: ignore[operator]
    # Nothing was fed back, so there was nothing to mend: the ratio has no denominator.
    changed = year.with_registers({"制度文件": rows, "反馈整改": []})
    report = changed.report()
    data = self_report_document(plan, report)
    check_report(changed, report, data)
    assert f"《{old}》" in text
    told = text_of_report(data)
    assert "、《石楼县专项债券绩效管理办法》（石财绩〔2023〕12号）。得1.5分。" in told
    assert f"《{old}》" not in told
    assert "1.反馈与整改（4分，本年度不适用）" in told
    assert "本年度不适用的有1项，不计得分。" in told


def test_an_emptied_register_is_told(plan: Plan, year: Year, text: str) -> None:
    emptied = year.with_registers({"事前绩效评估": []})
    report = emptied.report()
    data = self_report_document(plan, report)
    check_report(emptied, report, data)
    told = text_of_report(data)
    assert "开展事前绩效评估4项。形成评估报告4份：《2023年吕梁市石楼县人民医院迁建项目" in text
    assert "事前绩效评估4项" not in told and "人民医院" not in told
    assert "2.重大事项事前评估（2分，自评得分0分）" in told
    assert "本年度没有登记“重大事项事前评估”方面的工作。" in told
    assert "没有登记内容的登记表有2张：事前绩效评估、月度报送。" in told
    assert "“重大事项事前评估”（2.2）失2分。“事前绩效评估”没有登记任何内容。" in told
    assert (
        "“四本预算和重点领域评价”（5.2.1）失0.5分。重点绩效评价中没有：国有资本经营预算。" in told
    )


def test_what_contradicts_itself_is_refused_and_not_written(campaign: Campaign) -> None:
    path = campaign.path("成果") / FILE
    path.write_bytes(b"before")
    book = openpyxl.load_workbook(campaign.year_workbook)
    sheet = book["问题和打算"]
    heading = next(row for row in sheet.iter_rows() if str(row[0].value).startswith("类别"))
    at = {str(cell.value).removesuffix(" *"): cell.column for cell in heading}
    sheet.cell(heading[0].row + 1, at["内容"]).value = "本年度自评总分97.5分。"
    book.save(campaign.year_workbook)
    with pytest.raises(ReportContradicts) as refused:
        write_self_report(campaign, NOW)
    assert {one.code for one in refused.value.mistakes} == {"E711"}
    assert "97.5" in str(refused.value) and "存在的问题" in str(refused.value)
    assert path.read_bytes() == b"before"


def test_a_plan_without_the_texts(plan: Plan, made: tuple[SelfReport, bytes]) -> None:
    with pytest.raises(NotInPlan, match="自评报告"):
        self_report_document(replace(plan, wording={}), made[0])


def test_returned_text_stays_text(plan: Plan, year: Year) -> None:
    free = {"类别": "存在的问题", "标题": "台账登记滞后", "内容": "有的工作做完\n二、才补登。"}
    rows = [
        {"名称": "甲\n一、基础工作\n（一）二", "类别": "培训"},
        {"名称": "=HYPERLINK(1)", "类别": "培训"},
        {"名称": "城关等3个乡镇供水项目培训", "类别": "培训"},
        {"名称": "{总分}", "类别": "宣传"},
    ]
    typed = year.with_registers({"培训宣传": rows, "问题和打算": [free]})
    data = self_report_document(plan, typed.report())
    told = text_of_report(data)
    document = docx.Document(io.BytesIO(data))
    headings = [one.text for one in document.paragraphs if one.style.name == "Heading 1"]
    assert len(headings) == 3
    assert "开展业务培训3项：“甲 一、基础工作 （一）二”、“=HYPERLINK(1)”、“城关等3个乡镇" in told
    assert "开展宣传1项：“{总分}”。" in told
    assert "台账登记滞后\n有的工作做完 二、才补登。\n三、下一步打算和建议" in told
    assert not document.element.xpath("//w:hyperlink | //w:instrText")


def test_the_command(finished_year: Path, tmp_path: Path) -> None:
    folder = tmp_path / "year"
    shutil.copytree(finished_year, folder)
    run = CliRunner()
    done = run.invoke(cli, ["-C", str(folder), "year", "report"])
    assert done.exit_code == 0, done.output
    assert "得分口径：计算。总分 84 分" in done.output
    assert "9 日常工作：自评 6 分，计算 0 分。" in done.output
    assert "没有登记内容的登记表：月度报送。" in done.output
    file = str(folder / "成果" / FILE)
    assert run.invoke(cli, ["check-report", file]).exit_code == 0
    assert run.invoke(cli, ["check-form", file]).exit_code == 0


def check_random(year: Year, seed: int, *, hostile: bool = False) -> None:
    chance = random.Random(seed)
    made = year.with_registers(random_registers(year.plan, chance, hostile=hostile))
    report = made.report(chance.choice(list(ScoredBy)))
    try:
        data = self_report_document(year.plan, report)
    except ReportContradicts as refused:
        # Only what was typed to contradict may.
        assert hostile, refused
        return
    check_report(made, report, data)


def test_a_random_year(year: Year) -> None:
    check_random(year, 2)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(min_value=3, max_value=2**32))
def test_100_random_years(year: Year, seed: int) -> None:
    check_random(year, seed)


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(min_value=0, max_value=2**32))
def test_40_years_of_hostile_texts(year: Year, seed: int) -> None:
    check_random(year, seed, hostile=True)
