"""Monthly work: what is due to the city, and briefs that state exactly the ledger's figures."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import docx
import openpyxl
import pytest
from click.testing import CliRunner

from perfxl.campaign import Campaign
from perfxl.cli import cli
from perfxl.documents.form_check import check_form
from perfxl.errors import NoSuchCampaign, NothingToDo, NotInPlan
from perfxl.excel.reader import read_workbook
from perfxl.facts.month import Month, MonthFigures, month_figures, months_of
from perfxl.ledger import (
    CheckedProject,
    Draw,
    DrawnProject,
    Form,
    Issue,
    MailRecord,
    MailState,
    Problem,
    ProblemDecision,
    ProblemReport,
    Receipt,
    Review,
    SendBack,
    Verdict,
)
from perfxl.monthly import DueState
from perfxl.rectifications.states import Decision, State
from perfxl.stages.feedback import feedback
from perfxl.stages.month import enter_dues, monthly_reports, source_of, what_happened, write_brief
from perfxl.stages.rectification import decide, problems_today
from perfxl.stages.status import status
from perfxl.stages.year import new_year
from perfxl.tables import Status

JANUARY, FEBRUARY, MARCH = (2024, 1), (2024, 2), (2024, 3)
MONTHS = (JANUARY, FEBRUARY, MARCH)
# What happened, by figure and month; the deadline is 2024-01-15 18:00.
EXPECTED = {
    "issued": (3, 0, 0),
    "issued_units": (3, 0, 0),
    "returned": (2, 1, 0),
    "on_time": (1, 0, 0),
    "late": (1, 1, 0),
    "returned_again": (0, 1, 1),
    "returned_at_end": (2, 3, 3),
    "absent_at_end": (29, 28, 28),
    "reminders": (1, 1, 0),
    "reminded_units": (1, 1, 0),
    "sent_back": (1, 1, 0),
    "sent_back_units": (1, 1, 0),
    "drawn": (0, 3, 0),
    "checked": (0, 1, 1),
    "spot_check_problems": (0, 2, 0),
    "scored": (0, 2, 1),
    "scored_units": (0, 2, 1),
    "scoring_sections": (0, 1, 2),
    "rescored": (0, 0, 1),
    "scored_at_end": (0, 2, 3),
    "circular_drafts": (0, 0, 1),
    "circular_units": (0, 0, 2),
    "told": (0, 3, 1),
    "told_units": (0, 2, 1),
    "withdrawn": (0, 0, 1),
    "reported": (0, 1, 1),
    "confirmed": (0, 1, 1),
    "returned_problems": (0, 0, 1),
    "open_at_end": (0, 2, 1),
    "overdue_at_end": (0, 0, 1),
}
FLOWS = [name for name in EXPECTED if not name.endswith(("at_end", "_units", "_sections"))]


def at(month: int, day: int, hour: int = 9) -> dt.datetime:
    return dt.datetime(2024, month, day, hour)


def returned(unit: str, name: str, when: dt.datetime) -> tuple[Receipt, dt.datetime]:
    receipt = Receipt(
        name, Form.RETURN, unit, f"{name}.xlsx", f"{name}.xlsx", 1, when, Verdict.VALID
    )
    return receipt, when


def mail(unit: str, occasion: str, when: dt.datetime, state: MailState) -> MailRecord:
    about = f"{when:%Y-%m-%d}"
    return MailRecord(
        unit,
        occasion,
        about,
        1,
        f"<{unit}{about}{occasion}>",
        "a@example.com",
        "",
        "",
        state,
        "",
        "张三",
        when,
    )


def review(
    receipt: str, unit: str, code: str, section: str, marks: int, when: dt.datetime
) -> Review:
    return Review(receipt, unit, code, section, 1, marks, "", "", "评分表", 4, when)


def problem(unit: str, number: str, when: dt.datetime, *, withdrawn: bool = False) -> Problem:
    return Problem(
        unit, number, number, "考核扣分", "1.1", "问题", 100, dt.date(2024, 3, 15), withdrawn, when
    )


def report(unit: str, number: str, receipt: str, when: dt.datetime) -> ProblemReport:
    return ProblemReport(
        receipt,
        1,
        unit,
        number,
        "措施",
        "李四",
        "已完成",
        "2024-02-25",
        "材料",
        "",
        "整改台账",
        4,
        when,
    )


def live_three_months(campaign: Campaign) -> None:
    """Write into a ledger what ``EXPECTED`` counts."""
    ledger = campaign.ledger
    ledger.record_issues(
        [Issue(unit, "v", f"{unit}.xlsx", unit, at(1, 2)) for unit in ("101", "102", "103")]
    )
    ledger.record_receipts(
        [
            returned("101", "a1", at(1, 15, 18)),
            returned("102", "b1", at(1, 31, 23)),
            returned("103", "c1", at(2, 1, 0)),
            returned("101", "a2", at(2, 10)),
            returned("102", "b2", at(3, 1)),
        ]
    )
    for unit, receipt, when in (
        ("101", "a1", at(1, 20)),
        # The same return again: it was sent back once.
        ("101", "a1", at(2, 3)),
        ("102", "b1", at(2, 5)),
    ):
        ledger.record_send_back(SendBack(unit, receipt, 2, "x.xlsx", "h", when))
    for record in (
        mail("103", "催报", at(1, 16), MailState.SENT),
        mail("103", "催报", at(2, 1), MailState.MARKED_SENT),
        mail("104", "催报", at(2, 2), MailState.REFUSED),
        mail("101", "通报", at(3, 30), MailState.SENT),
        mail("102", "通报", at(3, 30), MailState.SENT),
    ):
        ledger.record_mail(record)
    projects = tuple(
        DrawnProject(
            n, "101", "部门", f"P{n}", f"项目{n}", "部门", "a2", "a2.xlsx", "项目清单", 3 + n, "{}"
        )
        for n in (1, 2, 3)
    )
    draw = ledger.record_draw(Draw("s", "m", 9, "3 个", "", "张三", at(2, 12), projects))
    for number, problems, receipt, when in (
        (1, 1, "k1", at(2, 20)),
        (2, 0, "k2", at(3, 2)),
        (1, 2, "k3", at(3, 3)),
    ):
        found = CheckedProject(
            draw,
            1,
            number,
            "101",
            f"P{number}",
            "",
            "有问题",
            problems,
            "x",
            "",
            "",
            receipt,
            "核查表",
            4,
            when,
        )
        book = Receipt(receipt, Form.SPOT_CHECK, "", "k.xlsx", "k.xlsx", 1, when, Verdict.VALID)
        ledger.record_checked(book, when, [found])
    for receipt, when, reviews in (
        ("r1", at(2, 15), [("101", "1.3", "教科文股", 200), ("102", "1.3", "教科文股", 150)]),
        ("r2", at(3, 5), [("101", "1.3", "教科文股", 100), ("103", "1.3", "预算股", 200)]),
    ):
        book = Receipt(receipt, Form.REVIEW, "股室", "r.xlsx", "r.xlsx", 1, when, Verdict.VALID)
        ledger.record_receipt(book, when, [review(receipt, *one, when) for one in reviews])
    ledger.record_product("circular", "", "h1", at(3, 20))
    ledger.record_problems(
        [
            problem("101", "101-01", at(2, 18)),
            problem("101", "101-02", at(2, 18)),
            problem("102", "102-01", at(2, 18)),
        ]
    )
    told_again = [
        problem("101", "101-02", at(3, 10), withdrawn=True),
        problem("102", "102-01", at(3, 10)),
        problem("102", "102-02", at(3, 10)),
    ]
    ledger.record_problems(told_again)
    for receipt, when, number in (("z1", at(2, 25), "101-01"), ("z2", at(3, 12), "102-01")):
        book = Receipt(
            receipt, Form.RECTIFICATION, number[:3], "z.xlsx", "z.xlsx", 1, when, Verdict.VALID
        )
        ledger.record_rectification(book, when, [report(number[:3], number, receipt, when)])
    for unit, number, what, receipt, when in (
        ("101", "101-01", Decision.CONFIRM, "z1", at(2, 26)),
        ("102", "102-01", Decision.RETURN, "z2", at(3, 13)),
        ("102", "102-01", Decision.CONFIRM, "z2", at(3, 20)),
    ):
        ledger.record_problem_decisions(
            [ProblemDecision(unit, number, str(what), "理由", receipt, "张三", when)]
        )


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Campaign]:
    folder = tmp_path_factory.mktemp("lived")
    plan = (repository / "workbook_templates" / "考核方案.xlsx").read_bytes()
    campaign = Campaign.create(folder / "考核2023", plan)
    live_three_months(campaign)
    yield campaign
    campaign.close()


@pytest.fixture(scope="module")
def figures(lived: Campaign) -> dict[Month, MonthFigures]:
    happened = what_happened(lived)
    assert months_of(happened) == list(MONTHS)
    return {month: month_figures(lived.plan, happened, month) for month in MONTHS}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_month_counts_what_the_ledger_dates_in_it(
    figures: dict[Month, MonthFigures], name: str
) -> None:
    assert tuple(getattr(figures[month], name) for month in MONTHS) == EXPECTED[name]


def test_months_add_up_to_the_ledger(lived: Campaign, figures: dict[Month, MonthFigures]) -> None:
    ledger = lived.ledger
    total = {name: sum(getattr(one, name) for one in figures.values()) for name in FLOWS}
    valid = [one for one in ledger.receipts(Form.RETURN) if one.verdict is Verdict.VALID]
    assert total["issued"] == len(ledger.all_issues())
    assert total["returned"] + total["returned_again"] == len(valid)
    assert total["returned"] == total["on_time"] + total["late"] == len({o.holder for o in valid})
    assert total["sent_back"] == len({(one.unit, one.receipt) for one in ledger.send_backs()})
    assert total["scored"] == len({(one.unit, one.indicator) for one in ledger.reviews()})
    assert total["reported"] == len(ledger.problem_reports())
    problems = problems_today(lived, dt.date(2024, 3, 31))
    open_ones = int((problems["state"] != str(State.CONFIRMED)).sum())
    assert total["told"] - total["withdrawn"] - total["confirmed"] == open_ones
    assert figures[MARCH].open_at_end == open_ones


def brief_of(campaign: Campaign, folder: Campaign, month: Month) -> tuple[bytes, str]:
    path = write_brief(folder, campaign, month, at(4, 3)).document.path
    data = path.read_bytes()
    text = "\n".join(one.text for one in docx.Document(io.BytesIO(data)).paragraphs)
    return data, text


def test_the_brief_states_the_figures_of_its_month_in_official_form(lived: Campaign) -> None:
    texts = {}
    for month in MONTHS:
        data, texts[month] = brief_of(lived, lived, month)
        measured = check_form(data, "简报.docx")
        assert measured and all(one.holds for one in measured)
        assert "0个" not in re.sub(r"[1-9]\d*个", "", texts[month])
    assert (
        "下发填报工作簿3份，涉及3个单位。收到2个单位的报送，其中按时1个，逾期1个。"
        in texts[JANUARY]
    )
    assert "逾期报送的单位：石楼县人民政府办公室。发出催报1次，涉及1个单位。" in texts[JANUARY]
    assert "退回修改1份，涉及1个单位。" in texts[JANUARY]
    assert "三、" not in texts[JANUARY]
    assert "收到1个单位的报送，都是逾期报送。" in texts[FEBRUARY]
    assert (
        "1个股室核定得分2项，涉及2个单位。截至月末，应核定的744项中已核定2项。" in texts[FEBRUARY]
    )
    assert "向2个单位反馈问题3个。收到整改报告1项。确认完成整改1个。" in texts[FEBRUARY]
    assert "改动已核定的得分1项。" in texts[MARCH]
    assert "起草了考核结果通报。通报已发送2个单位。" in texts[MARCH]
    assert "撤销不再存在的问题1个。" in texts[MARCH]
    assert (
        "退回重新整改1个。截至月末，还有1个问题没有确认完成整改。其中超过期限的1个。"
        in texts[MARCH]
    )


def test_a_brief_that_people_edited_is_kept(lived: Campaign) -> None:
    first = write_brief(lived, lived, JANUARY, at(4, 3)).document
    first.path.write_bytes(b"edited")
    second = write_brief(lived, lived, JANUARY, at(4, 4)).document
    assert second.kept is not None and second.kept.read_bytes() == b"edited"


def test_months_before_and_after_have_no_brief(lived: Campaign) -> None:
    with pytest.raises(NothingToDo, match="还没有开始"):
        write_brief(lived, lived, (2023, 12), at(4, 3))
    with pytest.raises(NothingToDo, match="还没有到"):
        write_brief(lived, lived, (2024, 5), at(4, 3))
    quiet = write_brief(lived, lived, (2024, 4), at(4, 30))
    assert quiet.figures.events == 0
    text = "\n".join(one.text for one in docx.Document(str(quiet.document.path)).paragraphs)
    assert "本月没有新的下发、报送、评分和整改事项。" in text


@pytest.fixture
def year(tmp_path: Path) -> Iterator[Campaign]:
    campaign = new_year(tmp_path / "县级2023")
    yield campaign
    campaign.close()


def register(campaign: Campaign, rows: list[tuple[object, ...]]) -> None:
    """Type into the register 月度报送 of the year workbook."""
    book = openpyxl.load_workbook(campaign.year_workbook)
    sheet = book["月度报送"]
    for number, row in enumerate(rows, 4):
        for column, value in enumerate(row, 1):
            sheet.cell(number, column).value = value  # type: ignore[assignment]
    book.save(campaign.year_workbook)


def test_sent_late_missing_and_not_yet_due_are_told(year: Campaign) -> None:
    register(
        year,
        [
            (
                "1月",
                "工作进展",
                dt.date(2023, 2, 6),
                dt.date(2023, 2, 6),
                "进展",
                "石财〔2023〕1号",
            ),
            ("1月", "反馈意见", dt.date(2023, 2, 6), dt.date(2023, 2, 9)),
            ("2月", "工作信息", dt.date(2023, 3, 10), dt.date(2023, 3, 9)),
            ("13月", "工作信息", None, dt.date(2023, 3, 9)),
            (dt.date(2023, 3, 1), "工作进展", None, dt.date(2023, 3, 8)),
        ],
    )
    result = monthly_reports(year, dt.date(2023, 3, 8))
    january = result.due_in((2023, 2))
    assert [(one.due.item, one.state, one.days) for one in january] == [
        ("工作进展", DueState.ON_TIME, 0),
        ("反馈意见", DueState.LATE, 3),
        ("工作信息", DueState.MISSING, 30),
    ]
    # 5 February 2023 was a Sunday.
    assert {one.due.on for one in january} == {dt.date(2023, 2, 6)}
    february = {one.due.item: one for one in result.due_in((2023, 3))}
    assert february["工作进展"].state is DueState.MISSING
    assert february["工作信息"].state is DueState.ON_TIME
    assert "登记的应报日期 2023-03-10" in february["工作信息"].remark
    assert "报送日期还没有到" in february["工作信息"].remark
    april = result.due_in((2023, 4))
    assert {one.due.on for one in april} == {dt.date(2023, 4, 6)}
    # What the score does not count as a month's report is none here either.
    assert {one.state for one in april} == {DueState.NOT_YET}
    assert [(one.row, one.item) for one in result.strange] == [(7, "工作信息"), (8, "工作进展")]
    assert len(result.standings) == 36


def test_last_days_of_the_year_are_entered_once(year: Campaign) -> None:
    typed = ("3月", "工作信息", dt.date(2023, 4, 12), None, "改期")
    register(year, [typed])
    before = read_workbook(year.year_workbook.read_bytes()).sheets
    entered = enter_dues(year, at(1, 3))
    assert entered.entered == 35 and entered.kept is not None
    after = read_workbook(year.year_workbook.read_bytes()).sheets
    assert {name: rows for name, rows in after.items() if name != "月度报送"} == {
        name: rows for name, rows in before.items() if name != "月度报送"
    }
    rows = after["月度报送"][3:39]
    assert list(rows[0][:3]) == ["3月", "工作信息", dt.date(2023, 4, 12)]
    assert list(rows[1][:3]) == ["1月", "工作进展", dt.date(2023, 2, 6)]
    assert not any(row[3] for row in rows)
    result = monthly_reports(year, dt.date(2023, 1, 3))
    assert {one.state for one in result.standings} == {DueState.NOT_YET} and not result.strange
    assert [one.remark[:7] for one in result.standings if one.remark] == ["登记的应报日期"]
    assert enter_dues(year, at(1, 3)).entered == 0


def test_the_commands_tell_it(year: Campaign, lived: Campaign) -> None:
    run = CliRunner().invoke(cli, ["-C", str(year.folder), "year", "month", "2023-02"])
    assert run.exit_code == 1 and "漏报" in run.output and "2023-02-06" in run.output
    assert "其他月份还有 33 项漏报" in run.output
    arguments = ["year", "brief", "2024-01", "--from", str(lived.folder)]
    run = CliRunner().invoke(cli, ["-C", str(year.folder), *arguments])
    assert run.exit_code == 0, run.output
    assert (year.folder / "成果" / "工作简报-2024年1月.docx").is_file()
    run = CliRunner().invoke(cli, ["-C", str(year.folder), "year", "month", "三月"])
    assert run.exit_code != 0 and "看不懂月份" in str(run.exception)


def test_a_campaign_whose_folder_is_not_there_is_asked_for(year: Campaign, lived: Campaign) -> None:
    with pytest.raises(NoSuchCampaign, match="--from"):
        source_of(year)
    assert source_of(lived) is lived


def test_a_plan_without_duties_says_so(lived: Campaign) -> None:
    with pytest.raises(NotInPlan, match="月报要求"):
        monthly_reports(lived, dt.date(2024, 1, 1))


@pytest.mark.slow
def test_months_of_a_real_campaign_add_up(campaign: Campaign) -> None:
    """Issued, taken in, scored, told and mended by the real stages."""
    feedback(campaign, at(1, 31))
    units = [campaign.plan.unit_by_code["101"]]
    numbers = list(problems_today(campaign, dt.date(2024, 3, 1)).query("unit == '101'")["number"])[
        :2
    ]
    decide(campaign, Decision.CONFIRM, units, numbers, "", "张三", at(2, 20))
    happened = what_happened(campaign)
    found = [month_figures(campaign.plan, happened, month) for month in months_of(happened)]
    total = {
        one.name: sum(getattr(month, one.name) for month in found)
        for one in fields(MonthFigures)
        if one.name != "late_units"
    }
    now = status(campaign)
    assert total["returned"] == sum(one.first_received_at is not None for one in now.units)
    assert total["late"] == sum(one.status is Status.LATE for one in now.units)
    assert total["on_time"] == sum(one.status is Status.ON_TIME for one in now.units)
    assert total["issued"] == len(now.units)
    assert total["scored"] == sum(one.judged for one in now.units)
    problems = problems_today(campaign, dt.date(2024, 3, 1))
    assert total["told"] == len(problems) and total["confirmed"] == 2
    assert found[-1].open_at_end == len(problems) - 2
