"""Feedback and rectification of 31 units through real files: some done, some late, some returned."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import openpyxl
import pytest
from click.testing import CliRunner
from made_campaigns import campaign_of_samples

from perfxl.campaign import FEEDBACK, INBOX, Campaign
from perfxl.cli import cli
from perfxl.documents.form_check import check_form
from perfxl.errors import NothingToDo, PerfxlError
from perfxl.intake.judgement import Decision as Whose
from perfxl.ledger import Verdict
from perfxl.plan.forms import Progress
from perfxl.rectifications.states import Decision, State
from perfxl.stages.closing import apply_to_budget, closing
from perfxl.stages.consolidate import consolidate
from perfxl.stages.feedback import FeedbackResult, book_path, feedback, notice_path, rewrite_books
from perfxl.stages.history import history
from perfxl.stages.ingest import Incoming, IngestResult, ingest
from perfxl.stages.rectification import decide, problems_today

TOLD = dt.datetime(2024, 1, 31, 9)
REPORTED = dt.datetime(2024, 2, 20, 9)
AFTER_DUE = dt.datetime(2024, 3, 8, 9)
LABELS = ("整改措施", "责任人", "完成情况", "完成日期", "佐证材料")


def fill(path: Path, target: Path, rows: dict[str, tuple[object, ...]]) -> Path:
    """A book as a unit fills it in: problem number → the five columns."""
    book = openpyxl.load_workbook(path)
    sheet = book["整改台账"]
    column = {str(cell.value).split("（")[0].removesuffix(" *"): cell.column for cell in sheet[3]}
    for line in range(4, sheet.max_row + 1):
        number = str(sheet.cell(line, column["问题编号"]).value)
        for label, value in zip(LABELS, rows.get(number, ()), strict=False):
            sheet.cell(line, column[label]).value = value  # type: ignore[assignment]
    book.save(target)
    return target


def done(day: int = 18) -> tuple[object, ...]:
    return ("已整改", "王五", str(Progress.DONE), dt.date(2024, 2, day), "整改报告.pdf")


UNDER_WAY = ("正在整改", "王五", str(Progress.UNDER_WAY), None, None)


def numbers_of(campaign: Campaign, unit: str) -> list[str]:
    table = problems_today(campaign, TOLD.date())
    return list(table.loc[table["unit"] == unit, "number"])


def take(campaign: Campaign, path: Path, at: dt.datetime = REPORTED) -> IngestResult:
    return ingest(campaign, [Incoming(path, at)])


def report(
    campaign: Campaign,
    unit: str,
    rows: dict[str, tuple[object, ...]],
    at: dt.datetime = REPORTED,
    name: str = "",
) -> IngestResult:
    book = book_path(campaign, campaign.plan.unit_by_code[unit])
    target = campaign.path(INBOX) / (name or book.name)
    return take(campaign, fill(book, target, rows), at)


def states(campaign: Campaign, unit: str, day: dt.datetime = REPORTED) -> list[str]:
    table = problems_today(campaign, day.date())
    return list(table.loc[table["unit"] == unit, "state"])


@pytest.fixture(scope="module")
def told_demo(finished_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished demo after feedback went out; tests must not change it."""
    folder = tmp_path_factory.mktemp("told") / "campaign"
    shutil.copytree(finished_demo, folder)
    campaign = Campaign(folder)
    feedback(campaign, TOLD)
    campaign.close()
    return folder


@pytest.fixture
def told(told_demo: Path, tmp_path: Path) -> Iterator[Campaign]:
    """A copy of it that a test may change."""
    shutil.copytree(told_demo, tmp_path / "told")
    campaign = Campaign(tmp_path / "told")
    yield campaign
    campaign.close()


@pytest.mark.slow
def test_a_cycle_of_all_units(campaign: Campaign) -> None:
    result: FeedbackResult = feedback(campaign, TOLD)
    assert len(result.units) == 31
    units = [one.unit.code for one in result.units]
    expected: dict[str, list[State]] = {}
    ledger_by = "综合股"
    for at, code in enumerate(units):
        numbers = numbers_of(campaign, code)
        unit = [campaign.plan.unit_by_code[code]]
        if at % 5 == 0:  # all done and confirmed
            report(campaign, code, dict.fromkeys(numbers, done()))
            decide(campaign, Decision.CONFIRM, unit, (), "", ledger_by, REPORTED)
            expected[code] = [State.CONFIRMED] * len(numbers)
        elif at % 5 == 1:  # half done, half under way
            half = len(numbers) // 2
            said = dict.fromkeys(numbers[:half], done()) | dict.fromkeys(numbers[half:], UNDER_WAY)
            report(campaign, code, said)
            rest = [State.UNDER_WAY] * (len(numbers) - half)
            expected[code] = [State.REPORTED] * half + rest
        elif at % 5 == 2:  # all done, the first returned
            report(campaign, code, dict.fromkeys(numbers, done()))
            decide(campaign, Decision.RETURN, unit, numbers[:1], "不实", ledger_by, REPORTED)
            rest = [State.REPORTED] * (len(numbers) - 1)
            expected[code] = [State.RETURNED, *rest]
        elif at % 5 == 3:  # returned, then mended and confirmed after the last day
            report(campaign, code, dict.fromkeys(numbers, done()))
            decide(campaign, Decision.RETURN, unit, (), "材料不全", ledger_by, REPORTED)
            rewrite_books(campaign, unit, REPORTED)
            again = dict.fromkeys(
                numbers, ("再次整改", "赵六", "已完成", dt.date(2024, 3, 1), "附件")
            )
            report(campaign, code, again, AFTER_DUE, f"{code}-再报.xlsx")
            decide(campaign, Decision.CONFIRM, unit, (), "", ledger_by, AFTER_DUE)
            expected[code] = [State.CONFIRMED] * len(numbers)
        else:  # never heard of
            expected[code] = [State.OPEN] * len(numbers)
    assert {code: states(campaign, code, AFTER_DUE) for code in units} == expected

    table = problems_today(campaign, AFTER_DUE.date())
    unfinished = (State.OPEN, State.UNDER_WAY, State.RETURNED)
    late = {code for code in units if any(one in unfinished for one in expected[code])}
    assert set(table.loc[table["overdue"], "unit"]) == late

    check_closing(campaign, expected, late)
    check_workbook(campaign, expected)


def check_closing(campaign: Campaign, expected: dict[str, list[State]], late: set[str]) -> None:
    written = closing(campaign, AFTER_DUE)
    document = docx.Document(str(written.path))
    text = "\n".join(one.text for one in document.paragraphs)
    every = [state for own in expected.values() for state in own]
    confirmed, total = every.count(State.CONFIRMED), len(every)
    assert f"共{total}个" in text
    assert f"已经完成整改并经确认的{confirmed}个" in text
    assert f"正在核实的{every.count(State.REPORTED)}个" in text
    assert f"退回重新整改的{every.count(State.RETURNED)}个" in text
    overdue = sum(every.count(one) for one in (State.OPEN, State.UNDER_WAY, State.RETURNED))
    assert f"有{overdue}个问题超过期限没有完成整改，涉及{len(late)}个单位" in text
    for code in late:
        assert campaign.plan.unit_by_code[code].name in text
    (table,) = document.tables
    rows = [[cell.text for cell in row.cells] for row in table.rows][1:]
    assert len(rows) == 31
    for name, problems, *counts, behind in rows:
        own = expected[campaign.plan.unit_by_name[name].code]
        assert [int(count) for count in counts] == [own.count(state) for state in State]
        assert int(problems) == len(own) == sum(int(count) for count in counts)
        assert (int(behind) > 0) == (campaign.plan.unit_by_name[name].code in late)
    sums = [sum(int(row[column]) for row in rows) for column in range(1, 2 + len(State))]
    assert sums == [total, *(every.count(state) for state in State)]
    assert [one for one in check_form(written.path.read_bytes(), "x") if not one.holds] == []


def check_workbook(campaign: Campaign, expected: dict[str, list[State]]) -> None:
    path = consolidate(campaign, AFTER_DUE).path
    book = openpyxl.load_workbook(path, data_only=True)
    rows = [row for row in book["整改汇总"].iter_rows(min_row=4, values_only=True) if row[1]]
    *units, total = rows
    for code, _, problems, *counts in units:
        own = expected[str(code)]
        assert [problems, *counts[: len(State)]] == [len(own), *(own.count(s) for s in State)]
    every = [state for own in expected.values() for state in own]
    assert list(total[2 : 3 + len(State)]) == [len(every), *(every.count(s) for s in State)]
    assert book["整改明细"].max_row == 3 + len(every)


@pytest.mark.slow
def test_numbers_stay_and_books_are_left_alone(told: Campaign) -> None:
    before = problems_today(told, TOLD.date())
    path = book_path(told, told.plan.unit_by_code["101"])
    bytes_before, problems = path.read_bytes(), told.ledger.problems()
    again = feedback(told, TOLD + dt.timedelta(days=1))
    assert path.read_bytes() == bytes_before
    assert told.ledger.problems() == problems
    assert [one.notice.kept for one in again.units] == [None] * 31
    assert before.equals(problems_today(told, TOLD.date()))


def test_a_score_that_changes_withdraws_or_adds_a_problem(told: Campaign) -> None:
    unit = told.plan.unit_by_code["101"]
    table = problems_today(told, TOLD.date())
    own = table[(table["unit"] == "101") & (table["source"] == "考核扣分")]
    first, second = own.iloc[0], own.iloc[1]
    report(told, "101", {second["number"]: done()})
    for one in (first, second):
        given = raise_score(told, unit.code, one["indicator"])
        assert given
    feedback(told, REPORTED)
    numbers = numbers_of(told, "101")
    assert first["number"] not in numbers and second["number"] not in numbers
    notice = docx.Document(str(notice_path(told, unit)))
    text = "\n".join(one.text for one in notice.paragraphs)
    assert f"需要整改的问题{len(numbers)}个" in text
    listed = [row.cells[0].text for row in notice.tables[1].rows][1:]
    assert listed == numbers
    book = openpyxl.load_workbook(book_path(told, unit))["整改台账"]
    assert first["number"] not in [row[0].value for row in book.iter_rows(min_row=4)]


def raise_score(campaign: Campaign, unit: str, indicator: str) -> bool:
    """Give full marks to one indicator by the answer to an objection."""
    rubric = campaign.plan.rubrics[campaign.plan.unit_by_code[unit].kind]
    marks = rubric.by_code[indicator].full_marks / 100
    runner = CliRunner()
    folder = ("-C", str(campaign.folder))
    asked = runner.invoke(cli, [*folder, "objection", "add", unit, indicator, "--request", "有据"])
    assert asked.exit_code == 0, asked.output
    number = str(max(one.number for one in campaign.ledger.objections()))
    answered = ["objection", "answer", number, "--score", f"{marks:g}", "--answer", "属实"]
    done_so = runner.invoke(cli, [*folder, *answered])
    assert done_so.exit_code == 0, done_so.output
    return True


def test_a_repeated_book_records_nothing_new(told: Campaign) -> None:
    numbers = numbers_of(told, "101")
    (first,) = report(told, "101", {numbers[0]: done()}).taken
    assert first.rectified is not None and first.rectified.recorded == 1
    (same,) = take(told, first.path).taken
    assert not same.new and same.rectified is None
    (saved,) = report(told, "101", {numbers[0]: done(), numbers[1]: UNDER_WAY}, name="b.xlsx").taken
    assert saved.rectified is not None
    assert (saved.rectified.recorded, saved.rectified.unchanged) == (1, 1)


def test_books_in_an_archive_with_evidence(told: Campaign, tmp_path: Path) -> None:
    numbers = numbers_of(told, "101")
    book = book_path(told, told.plan.unit_by_code["101"])
    filled = fill(book, tmp_path / "整改.xlsx", {numbers[0]: done()})
    bundle = told.path(INBOX) / "整改.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.write(filled, "整改/整改.xlsx")
        archive.writestr("整改/整改报告.pdf", b"%PDF-1.4 evidence")
    taken = take(told, bundle).taken
    verdicts = {one.receipt.file: (one.receipt.verdict, one.receipt.holder) for one in taken}
    assert verdicts["整改.xlsx"] == (Verdict.VALID, "101")
    assert verdicts["整改报告.pdf"] == (Verdict.ATTACHMENT, "101")
    assert states(told, "101")[0] == State.REPORTED


def test_a_book_without_its_stamp_waits_for_a_person(told: Campaign, tmp_path: Path) -> None:
    numbers = numbers_of(told, "102")
    unit = told.plan.unit_by_code["102"]
    source = openpyxl.load_workbook(
        fill(book_path(told, unit), tmp_path / "a.xlsx", {numbers[0]: done()})
    )
    del source["_perfxl"]
    del source.defined_names["_perfxl_stamp"]
    source.custom_doc_props.props.clear()
    path = told.path(INBOX) / "无标记.xlsx"
    source.save(path)
    (waiting,) = take(told, path).taken
    assert waiting.receipt.verdict is Verdict.TO_CONFIRM
    assert states(told, "102")[0] == State.OPEN
    (decided,) = ingest(told, [Incoming(path, REPORTED)], decision=Whose(unit, "韩晓东")).taken
    assert decided.receipt.verdict is Verdict.VALID
    assert decided.receipt.decided_by == "韩晓东"
    assert states(told, "102")[0] == State.REPORTED


def test_another_units_book_is_not_taken_by_decision(told: Campaign) -> None:
    path = told.path(INBOX) / "a.xlsx"
    shutil.copy(book_path(told, told.plan.unit_by_code["101"]), path)
    other = Whose(told.plan.unit_by_code["102"], "韩晓东")
    (taken,) = ingest(told, [Incoming(path, REPORTED)], decision=other).taken
    assert taken.receipt.verdict is Verdict.WRONG_UNIT


def test_draft_before_scores_are_approved(campaign: Campaign, tmp_path: Path) -> None:
    fresh = campaign_of_samples(tmp_path / "fresh")
    with pytest.raises(NothingToDo) as refused:
        feedback(fresh, TOLD)
    assert "未经股室核定" in refused.value.what
    result = feedback(fresh, TOLD, {"101"}, draft=True)
    (one,) = result.units
    assert one.notice.path.name.startswith("讨论稿-")
    assert "讨论稿" in "".join(p.text for p in docx.Document(str(one.notice.path)).paragraphs)
    assert fresh.ledger.problems() == []
    assert not book_path(fresh, one.unit).exists()
    fresh.close()


def test_an_edited_notice_is_kept(told: Campaign) -> None:
    path = notice_path(told, told.plan.unit_by_code["101"])
    path.write_bytes(path.read_bytes() + b"edited")
    (one,) = feedback(told, REPORTED, {"101"}).units
    assert one.notice.kept is not None and one.notice.kept.read_bytes().endswith(b"edited")


@pytest.mark.parametrize("number", ["101-99", "102-01"])
def test_a_number_that_is_not_the_units(told: Campaign, number: str) -> None:
    unit = [told.plan.unit_by_code["101"]]
    with pytest.raises(PerfxlError):
        decide(told, Decision.CONFIRM, unit, [number], "", "x", REPORTED)
    assert told.ledger.problem_decisions() == []


def test_a_return_needs_a_reason_and_a_confirmed_problem_is_left_alone(told: Campaign) -> None:
    unit, numbers = [told.plan.unit_by_code["101"]], numbers_of(told, "101")
    with pytest.raises(NothingToDo):
        decide(told, Decision.CONFIRM, unit, (), "", "x", REPORTED)
    with pytest.raises(PerfxlError):
        decide(told, Decision.RETURN, unit, numbers[:1], " ", "x", REPORTED)
    decide(told, Decision.CONFIRM, unit, numbers[:1], "", "x", REPORTED)
    with pytest.raises(PerfxlError):
        decide(told, Decision.CONFIRM, unit, numbers[:1], "", "x", REPORTED)
    # A confirmation that was a mistake is taken back by a return with a reason.
    decide(told, Decision.RETURN, unit, numbers[:1], "误确认", "x", REPORTED)
    assert states(told, "101")[0] == State.RETURNED


def test_every_row_of_a_book_as_it_was_issued_is_right(told: Campaign) -> None:
    numbers = numbers_of(told, "101")
    (taken,) = report(told, "101", dict.fromkeys(numbers, done())).taken
    assert taken.rectified is not None
    assert list(taken.rectified.findings["code"]) == []
    assert taken.rectified.recorded == len(numbers)


def test_a_book_received_earlier_does_not_undo_a_later_one(told: Campaign) -> None:
    numbers = numbers_of(told, "101")
    report(told, "101", dict.fromkeys(numbers, done()))
    earlier = REPORTED - dt.timedelta(days=10)
    report(told, "101", dict.fromkeys(numbers, UNDER_WAY), earlier, "早.xlsx")
    assert set(states(told, "101")) == {State.REPORTED}


def test_what_was_returned_and_comes_in_the_same_words_is_reported_anew(told: Campaign) -> None:
    unit, numbers = [told.plan.unit_by_code["101"]], numbers_of(told, "101")
    report(told, "101", {numbers[0]: done()})
    decide(told, Decision.RETURN, unit, (), "缺少佐证", "x", REPORTED)
    assert states(told, "101")[0] == State.RETURNED
    later = REPORTED + dt.timedelta(days=1)
    again = {numbers[0]: done(), numbers[1]: UNDER_WAY}
    report(told, "101", again, later, "再报.xlsx")
    assert states(told, "101")[0] == State.REPORTED


def test_a_book_under_another_units_name(told: Campaign) -> None:
    other = book_path(told, told.plan.unit_by_code["102"]).name
    (taken,) = report(told, "101", {numbers_of(told, "101")[0]: done()}, name=other).taken
    assert taken.receipt.verdict is Verdict.WRONG_UNIT
    assert told.ledger.problem_reports() == []


def test_a_book_of_another_campaign_is_nobodys(told: Campaign, tmp_path: Path) -> None:
    book = openpyxl.load_workbook(book_path(told, told.plan.unit_by_code["101"]))
    stamp = str(book["_perfxl"]["A1"].value).replace("SL2023", "SL2022")
    book["_perfxl"]["A1"] = stamp
    book.defined_names["_perfxl_stamp"].attr_text = f'"{stamp}"'
    book.custom_doc_props["perfxl"].value = stamp
    path = told.path(INBOX) / "去年.xlsx"
    book.save(path)
    whose = Whose(told.plan.unit_by_code["101"], "韩晓东")
    for decision in (None, whose):
        (taken,) = ingest(told, [Incoming(path, REPORTED)], decision=decision).taken
        assert taken.receipt.verdict is Verdict.NOT_OURS


def test_nobody_is_late_with_what_he_was_told_today(campaign: Campaign) -> None:
    feedback(campaign, AFTER_DUE, {"101"})
    table = problems_today(campaign, AFTER_DUE.date())
    assert set(table["due"]) == {dt.date(2024, 4, 8)}
    assert not table["overdue"].any()
    notice = docx.Document(str(notice_path(campaign, campaign.plan.unit_by_code["101"])))
    assert "于2024年4月8日前完成整改" in "\n".join(one.text for one in notice.paragraphs)


def test_one_units_notice_waits_for_the_scores_of_its_whole_kind(tmp_path: Path) -> None:
    fresh = campaign_of_samples(tmp_path / "fresh")
    with pytest.raises(NothingToDo):
        feedback(fresh, TOLD, {"101"})
    fresh.close()


def test_the_history_of_a_unit_tells_its_rectification(told: Campaign) -> None:
    unit, numbers = told.plan.unit_by_code["101"], numbers_of(told, "101")
    report(told, "101", {numbers[0]: done()})
    decide(told, Decision.RETURN, [unit], numbers[:1], "不实", "韩晓东", REPORTED)
    events = [(one.what, one.detail) for one in history(told, unit)]
    told_of = next(detail for what, detail in events if what == "反馈整改问题")
    assert f"{len(numbers)} 个" in told_of
    assert ("整改报告", f"{numbers[0]} 已完成，已整改（王五）") in events
    assert ("整改核查", f"{numbers[0]} 退回，不实（韩晓东）") in events


def test_by_command(told: Campaign) -> None:
    numbers = numbers_of(told, "101")
    folder = ["-C", str(told.folder)]
    report(told, "101", dict.fromkeys(numbers[:2], done()))
    runner = CliRunner()
    returned = [*folder, "rectify", "return", "101", "--problem", numbers[0], "--reason", "=1+1"]
    assert runner.invoke(cli, returned).exit_code == 0
    confirmed = runner.invoke(cli, [*folder, "rectify", "confirm", "101"])
    assert numbers[1] in confirmed.output
    shown = runner.invoke(cli, [*folder, "rectify", "status", "101"])
    assert shown.exit_code == 0 and "退回重改" in shown.output
    whole = runner.invoke(cli, [*folder, "rectify", "status"]).output
    assert f"问题 {len(told.ledger.problems())} 个，已确认 1 个" in whole
    sheet = openpyxl.load_workbook(book_path(told, told.plan.unit_by_code["101"]))["整改台账"]
    opinion = next(row for row in sheet.iter_rows(min_row=4) if row[0].value == numbers[0])
    assert "退回：=1+1" in [cell.value for cell in opinion]
    assert all(cell.data_type != "f" for cell in opinion)


def test_budget_proposal_adds_up(campaign: Campaign) -> None:
    result = apply_to_budget(campaign, REPORTED)
    book = openpyxl.load_workbook(result.workbook.path, data_only=True)
    units = [row for row in book["结果应用"].iter_rows(min_row=4, values_only=True) if row[0]]
    projects = list(book["结果应用（项目）"].iter_rows(min_row=4, values_only=True))
    assert len(units) == 31
    for unit in units:
        own = [one for one in projects if one[0] == unit[0]]
        assert unit[7] == len(own)
        assert round(unit[8], 2) == round(sum(one[6] for one in own), 2)
        assert round(unit[9], 2) == round(sum(one[7] for one in own), 2)
        rate = {"中": 0.05}.get(unit[4], 0)
        assert unit[6] == rate
        for one in own:
            assert one[7] == round(float(one[6]) * rate + 1e-9, 2)
    text = "".join(p.text for p in docx.Document(str(result.document.path)).paragraphs)
    cut = sum(unit[9] for unit in units)
    assert f"合计压减2个单位的预算{cut:.2f}万元" in text
    assert [
        one for one in check_form(result.document.path.read_bytes(), "x") if not one.holds
    ] == []


def test_nothing_before_feedback(campaign: Campaign) -> None:
    with pytest.raises(NothingToDo):
        closing(campaign, REPORTED)
    assert len(problems_today(campaign, REPORTED.date())) == 0
    assert not any(campaign.path(FEEDBACK).rglob("*.xlsx"))
