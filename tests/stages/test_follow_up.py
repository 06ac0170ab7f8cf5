"""A unit's return on its way to and fro: taken in, sent back, corrected, compared, told."""

from __future__ import annotations

import datetime as dt
import io
import os
import subprocess
import sys
from email.message import EmailMessage
from pathlib import Path

import openpyxl
import pytest
from msoffcrypto.format.ooxml import OOXMLFile

from perfxl.campaign import INBOX, ISSUED, ORIGINALS, SENT_BACK, Campaign
from perfxl.errors import NothingToDo, PerfxlError
from perfxl.intake.judgement import Decision
from perfxl.ledger import Verdict
from perfxl.stages.diff import diff
from perfxl.stages.extend import extend
from perfxl.stages.gather import gather
from perfxl.stages.history import history
from perfxl.stages.ingest import Incoming, incoming, ingest
from perfxl.stages.initialize import init
from perfxl.stages.issue import issue
from perfxl.stages.send_back import send_back
from perfxl.stages.status import status
from perfxl.tables import Status

IN_TIME = dt.datetime(2024, 1, 10, 12)
LATE = dt.datetime(2024, 1, 20, 12)


@pytest.fixture
def started(tmp_path: Path, repository: Path) -> Campaign:
    """A campaign whose workbooks were issued; nothing came back yet."""
    plan = (repository / "workbook_templates" / "考核方案.xlsx").read_bytes()
    campaign = init(tmp_path / "考核", plan)
    issue(campaign, dt.datetime(2024, 1, 2))
    return campaign


def typed(source: Path, target: Path, values: dict[str, dict[str, object]]) -> Path:
    """A copy of a workbook with cells typed over: sheet → cell → value."""
    book = openpyxl.load_workbook(source)
    for sheet, cells in values.items():
        for cell, value in cells.items():
            book[sheet][cell] = value
    book.save(target)
    return target


def issued(campaign: Campaign, unit: str) -> Path:
    """The workbook that was issued to a unit."""
    return next(campaign.path(ISSUED).rglob(f"*-{unit}-*.xlsx"))


def perfxl_run(campaign: Campaign, *words: object) -> str:
    """What a command prints."""
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "perfxl", "-C", campaign.folder, *map(str, words)],
        capture_output=True, text=True, encoding="utf-8", check=False,
    ).stdout  # fmt: skip


def test_a_correction_after_the_deadline_is_not_told_as_late(
    started: Campaign, tmp_path: Path
) -> None:
    """Lateness goes by the first valid return, in what ingest prints as in the status."""
    first = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3}})
    assert "逾期" not in perfxl_run(started, "ingest", first, "--received", "2024-01-10")
    again = typed(first, tmp_path / "b.xlsx", {"自评表": {"F7": 2}})
    told = perfxl_run(started, "ingest", again, "--received", "2024-01-20")
    assert "101" in told and "逾期" not in told
    other = typed(issued(started, "102"), tmp_path / "c.xlsx", {"自评表": {"F6": 3}})
    assert "逾期" in perfxl_run(started, "ingest", other, "--received", "2024-01-20")


@pytest.mark.parametrize("name", [".", "..", ISSUED, f"{ISSUED}/部门", ORIGINALS, SENT_BACK])
def test_a_folder_of_our_own_is_not_taken_in(started: Campaign, name: str) -> None:
    """Thirty-one blank templates, the plan and the originals themselves are nobody's return."""
    with pytest.raises(PerfxlError, match="不是收到的报送"):
        incoming(started, [started.folder / name], IN_TIME)


def test_folders_of_what_came_in_are_taken_in(started: Campaign, tmp_path: Path) -> None:
    for folder in (started.path(INBOX) / "邮箱", tmp_path / "收到"):
        folder.mkdir()
        (folder / "报送.xlsx").write_bytes(b"")
        files, _ = incoming(started, [folder], IN_TIME)
        assert [one.path.name for one in files] == ["报送.xlsx"]


def test_a_decision_makes_no_return_of_what_is_none(started: Campaign, tmp_path: Path) -> None:
    """The operator says whose a file is, not that something was filled in."""
    decision = Decision(started.plan.unit_by_code["101"], "韩晓东")
    right = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3}})
    ingest(started, [Incoming(right, IN_TIME)])
    staff = openpyxl.Workbook()
    staff["Sheet"]["A1"] = "职工花名册"
    staff.save(tmp_path / "花名册.xlsx")
    for path, verdict in (
        (issued(started, "101"), Verdict.BLANK),
        (tmp_path / "花名册.xlsx", Verdict.NOT_OURS),
    ):
        (taken,) = ingest(started, [Incoming(path, LATE)], decision=decision).taken
        assert (taken.receipt.verdict, taken.receipt.decided_by) == (verdict, "")
    assert gather(started).receipts["101"].file == "a.xlsx"


def test_a_file_sent_under_another_units_name_is_asked_about(
    started: Campaign, tmp_path: Path
) -> None:
    """A unit that filled in a neighbour's workbook and did not touch its cover."""
    names = (
        "SL2023-102-石楼县人民政府办公室.xlsx",
        "石楼县教育科技局转石楼县人民政府办公室.xlsx",
        "报送.xlsx",
    )
    for number, name in enumerate(names):
        path = typed(issued(started, "101"), tmp_path / name, {"自评表": {"F6": number}})
        ingest(started, [Incoming(path, IN_TIME + dt.timedelta(hours=number))])
        findings = gather(started).checked.findings
        told = list(findings.loc[findings["code"] == "F114", "message"])
        assert told == (
            [
                "文件名写的是石楼县人民政府办公室，工作簿却是石楼县教育科技局的，已作为石楼县教育科技局的报送"
            ]
            if number == 0
            else []
        )


def test_a_late_receipt_tells_when_its_mail_was_sent(started: Campaign, tmp_path: Path) -> None:
    """A mailbox that is taken in days later makes punctual units late, unless somebody notices."""
    path = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3}})
    mail = EmailMessage()
    mail["From"] = "dept101@example.com"
    mail["Date"] = "Wed, 10 Jan 2024 09:00:00 +0800"
    mail.add_attachment(
        path.read_bytes(), maintype="application", subtype="octet-stream", filename="报送.xlsx"
    )
    (tmp_path / "mail.eml").write_bytes(mail.as_bytes())
    told = perfxl_run(started, "ingest", tmp_path / "mail.eml", "--received", "2024-01-20")
    assert "逾期；邮件发出于 2024-01-10 09:00" in told


def test_a_senders_address_of_another_unit_is_asked_about(
    started: Campaign, tmp_path: Path
) -> None:
    email = started.plan.unit_by_code["102"].email
    path = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3}})
    mail = EmailMessage()
    mail["From"] = email
    mail.add_attachment(
        path.read_bytes(), maintype="application", subtype="octet-stream", filename="报送.xlsx"
    )
    (tmp_path / "mail.eml").write_bytes(mail.as_bytes())
    ingest(started, [Incoming(tmp_path / "mail.eml", IN_TIME)])
    findings = gather(started).checked.findings
    (told,) = findings.loc[findings["code"] == "F114", "message"]
    assert told.startswith("发件人邮箱是石楼县人民政府办公室的，工作簿却是石楼县教育科技局的")


def test_a_marked_copy_that_was_only_saved_again_is_unchanged(
    started: Campaign, tmp_path: Path
) -> None:
    """Opening and saving changes the bytes; being sent back once more would cost the unit."""
    first = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3, "F7": 9}})
    ingest(started, [Incoming(first, IN_TIME)])
    (sent,) = send_back(started, IN_TIME)

    def verdict(name: str, values: dict[str, dict[str, object]]) -> tuple[Verdict, str]:
        path = typed(sent.path, tmp_path / name, values)
        (taken,) = ingest(started, [Incoming(path, LATE)]).taken
        return taken.receipt.verdict, taken.receipt.holder

    assert verdict("b.xlsx", {}) == (Verdict.UNCHANGED, "101")
    assert verdict("c.xlsx", {"自评表": {"F7": 9}}) == (Verdict.UNCHANGED, "101")
    assert gather(started).receipts["101"].file == "a.xlsx"
    answered = verdict("d.xlsx", {"审核意见": {"G4": "情况属实"}})
    assert (answered, gather(started).receipts["101"].file) == ((Verdict.VALID, "101"), "d.xlsx")
    assert verdict("e.xlsx", {"自评表": {"F7": 2}}) == (Verdict.VALID, "101")
    decision = Decision(started.plan.unit_by_code["101"], "韩晓东")
    (taken,) = ingest(started, [Incoming(tmp_path / "b.xlsx", LATE)], decision=decision).taken
    assert taken.receipt.verdict is Verdict.VALID


def test_the_log_tells_all_of_a_units_files_in_order(started: Campaign, tmp_path: Path) -> None:
    unit = started.plan.unit_by_code["101"]
    ingest(started, [Incoming(issued(started, "101"), IN_TIME)])
    first = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F7": 9}})
    ingest(started, [Incoming(first, IN_TIME + dt.timedelta(hours=1))])
    (sent,) = send_back(started, IN_TIME + dt.timedelta(hours=2))
    (taken,) = ingest(started, [Incoming(sent.path, IN_TIME + dt.timedelta(hours=3))]).taken
    assert (taken.receipt.verdict, taken.receipt.holder) == (Verdict.UNCHANGED, "101")
    extend(started, unit, LATE, "机构改革", "韩晓东", IN_TIME + dt.timedelta(hours=4))
    assert [event.what for event in history(started, unit)] == [
        "下发", "收到", "结论：空白未填", "收到", "结论：有效", "退回修改", "收到", "结论：未作修改",
        "延期",
    ]  # fmt: skip
    assert history(started, started.plan.unit_by_code["103"])[1:] == []


def test_a_later_deadline_makes_a_late_return_punctual(started: Campaign, tmp_path: Path) -> None:
    unit = started.plan.unit_by_code["101"]
    first = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3}})
    ingest(started, [Incoming(first, LATE)])
    assert gather(started).status["101"] is Status.LATE
    for until, reason in ((IN_TIME, "理由"), (LATE, " ")):
        with pytest.raises(PerfxlError):
            extend(started, unit, until, reason, "韩晓东", LATE)
    extend(started, unit, LATE, "机构改革", "韩晓东", LATE)
    assert gather(started).status["101"] is Status.ON_TIME


def test_what_changed_between_two_returns_is_told_cell_by_cell(
    started: Campaign, tmp_path: Path
) -> None:
    unit = started.plan.unit_by_code["101"]
    first = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F6": 3}})
    ingest(started, [Incoming(first, IN_TIME)])
    with pytest.raises(NothingToDo):
        diff(started, unit)
    again = typed(first, tmp_path / "b.xlsx", {"自评表": {"F6": 2.5, "I6": "文件未印发"}})
    ingest(started, [Incoming(again, LATE)])
    result = diff(started, unit)
    assert (result.before.file, result.after.file) == ("a.xlsx", "b.xlsx")
    told = set(zip(result.changes["before"], result.changes["after"], strict=True))
    assert told == {("3", "2.5"), ("", "文件未印发")}


def test_answers_and_subtotals_are_among_what_changed(started: Campaign, tmp_path: Path) -> None:
    unit = started.plan.unit_by_code["101"]
    first = typed(issued(started, "101"), tmp_path / "a.xlsx", {"自评表": {"F4": 14.5, "F6": 3}})
    ingest(started, [Incoming(first, IN_TIME)])
    (sent,) = send_back(started, IN_TIME)
    code = openpyxl.load_workbook(sent.path)["审核意见"]["F4"].value
    again = typed(
        sent.path,
        tmp_path / "b.xlsx",
        {"审核意见": {"G4": "情况属实"}, "自评表": {"F4": "=SUM(F5,F8,F11)", "F39": 3}},
    )
    ingest(started, [Incoming(again, LATE)])
    told = {tuple(row) for row in diff(started, unit).changes.itertuples(index=False)}
    assert told == {
        ("审核意见", code, "单位说明", "", "情况属实"),
        ("自评表", "1 基础工作", "自评得分", "14.5", "公式"),
        ("自评表", "合计", "自评得分", "公式", "3"),
    }


def test_the_operator_says_whose_an_attachment_is(started: Campaign, tmp_path: Path) -> None:
    scan = tmp_path / "扫描件.pdf"
    scan.write_bytes(b"%PDF-1.4")
    (taken,) = ingest(started, [Incoming(scan, IN_TIME)]).taken
    assert (taken.receipt.verdict, taken.receipt.holder) == (Verdict.ATTACHMENT, "")
    assert [one.file for one in status(started).unplaced] == ["扫描件.pdf"]
    decision = Decision(started.plan.unit_by_code["105"], "韩晓东")
    (decided,) = ingest(started, [Incoming(scan, LATE)], decision=decision).taken
    assert (decided.new, decided.receipt.holder) == (True, "105")
    (again,) = ingest(started, [Incoming(scan, LATE)]).taken
    assert (again.new, again.receipt.decided_by) == (False, "韩晓东")
    now = status(started)
    assert not now.unplaced
    assert {one.unit.code for one in now.units if one.attachments} == {"105"}


def test_of_two_returns_taken_in_together_the_one_saved_last_counts(
    campaign: Campaign, tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    receipt = gather(campaign, {"101"}).receipts["101"]
    for name, saved, basis in (("a.xlsx", 200, "后存"), ("b.xlsx", 100, "先存")):
        book = openpyxl.load_workbook(campaign.original(receipt.original))
        book["自评表"]["G6"].value = basis
        book.save(drop / name)
        os.utime(drop / name, (saved, saved))
    files, _ = incoming(campaign, [drop], LATE)
    ingest(campaign, files)
    entries = gather(campaign, {"101"}).tables.entries
    assert entries.set_index("indicator").loc["1.1.1", "basis"] == "后存"


def test_a_workbook_under_excels_own_password_opens_unasked(
    campaign: Campaign, tmp_path: Path
) -> None:
    receipt = gather(campaign, {"101"}).receipts["101"]
    data = campaign.original(receipt.original).read_bytes()
    for password, verdict in (("VelvetSweatshop", Verdict.OPENED), ("秘密", Verdict.ENCRYPTED)):
        locked = tmp_path / "locked.xlsx"
        with locked.open("wb") as file:
            OOXMLFile(io.BytesIO(data)).encrypt(password, file)
        taken = ingest(campaign, [Incoming(locked, LATE)]).taken
        assert verdict in {one.receipt.verdict for one in taken}


def test_the_same_bytes_under_two_names_are_judged_once(campaign: Campaign, tmp_path: Path) -> None:
    for name in ("说明.txt", "伪.xlsx"):
        (tmp_path / name).write_bytes(b"hello")
    files = [Incoming(tmp_path / name, LATE) for name in ("说明.txt", "伪.xlsx")]
    ingest(campaign, files)
    again = ingest(campaign, files).taken
    assert [one.new for one in again] == [False, False]
