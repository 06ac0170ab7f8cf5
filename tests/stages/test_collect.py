"""The full circle of mail: issue, send, replies with filled workbooks, collect, status."""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType

import fast_mail_parser
import pytest
from made_campaigns import Sheets
from made_returns import saved
from mail_campaigns import issued_campaign, mail_plan, send_all, set_mail, went
from mail_servers import PASSWORD, MailHost, dovecot, has_dovecot, post_office

from perfxl.campaign import Campaign
from perfxl.files import sha256_of
from perfxl.ledger import Form, MailState, Verdict
from perfxl.mail.imap import Mailbox
from perfxl.mail.passwords import VARIABLE
from perfxl.plan.mailing import Occasion
from perfxl.stages.collect import CollectResult, Kind, collect, imap_settings
from perfxl.stages.history import history
from perfxl.stages.mail import mails_in_force
from perfxl.stages.status import status
from perfxl.tables import Status

LATER = dt.datetime(2030, 1, 1)
XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


@pytest.fixture(scope="module")
def mail_host() -> Iterator[MailHost]:
    """A real IMAP server."""
    if not has_dovecot():
        pytest.skip("dovecot-imapd is not installed")
    with dovecot() as host:
        yield host


@pytest.fixture
def mailbox_of(mail_host: MailHost) -> MailHost:
    """The server with an empty mailbox."""
    client = mail_host.client()
    client.select_folder("INBOX")
    client.delete_messages(client.search())
    client.expunge()
    client.logout()
    return mail_host


def collected(campaign: Campaign, now: dt.datetime = LATER) -> CollectResult:
    """Collect all that waits."""
    settings = imap_settings(campaign)
    mailbox = Mailbox(settings.imap, PASSWORD, settings.folder)
    try:
        return collect(campaign, settings, mailbox, now, "测试")
    finally:
        mailbox.close()


def reply(
    answers: str, sender: str, attachment: tuple[str, bytes] | None = None, text: str = "请查收"
) -> bytes:
    """A reply such as a mail program writes."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "jixiao@example.com"
    message["Subject"] = "回复：关于报送材料的通知"
    message["Date"] = "Fri, 05 Jan 2024 10:00:00 +0800"
    message["Message-ID"] = f"<{random.random()}@qq.example.com>"
    if answers:
        message["In-Reply-To"] = answers
        message["References"] = answers
    message.set_content(text)
    if attachment:
        name, data = attachment
        message.add_attachment(data, maintype=XLSX[0], subtype=XLSX[1], filename=name)
    return message.as_bytes()


@pytest.mark.parametrize("count", [4, pytest.param(31, marks=pytest.mark.slow)])
def test_full_circle(
    tmp_path: Path, mailbox_of: MailHost, samples_maker: ModuleType, count: int
) -> None:
    """Departments and townships from both ends of the roster, or all 31 units."""
    with post_office() as post:
        campaign = issued_campaign(tmp_path / "考核", mail_plan(post.port, mailbox_of.port))
        plan = campaign.plan
        chosen = [*plan.units[: count // 2], *plan.units[-(count - count // 2) :]]
        assert went(send_all(campaign, units={unit.code for unit in chosen})) == count
    issues = campaign.ledger.issues()
    units = {unit.email: unit for unit in chosen}
    for one in post.delivered:
        (address,) = one.recipients
        unit = units.pop(address)
        # A parser that is not Python's: what the unit's own program reads.
        parsed = fast_mail_parser.parse_email(one.content)
        assert parsed.subject == f"关于报送{plan.campaign.name}材料的通知（{unit.name}）"
        assert parsed.headers["To"] == [f"{unit.name} <{address}>"]
        assert parsed.headers["From"] == ["石楼县财政局 <jixiao@example.com>"]
        (attachment,) = parsed.attachments
        assert attachment.filename == f"SL2023-{unit.code}-{unit.name}.xlsx"
        assert sha256_of(attachment.content) == issues[unit.code].sha256
        assert f"{unit.contact}同志，您好" in parsed.text_plain[0]
        assert f"{unit.contact}同志，您好" in parsed.text_html[0]
        form = samples_maker.Form(attachment.content)
        answers = samples_maker.right_answers(plan, unit, random.Random(6), (1, 1))
        samples_maker.fill(form, unit, answers)
        # From an address nobody knows, under a name that says nothing.
        message = reply(
            parsed.headers["Message-ID"][0],
            f"{unit.contact} <{random.randrange(10**8)}@qq.example.com>",
            ("填好的表.xlsx", saved(form)),
        )
        mailbox_of.deliver(message)
    assert units == {}
    result = collected(campaign)
    assert [row.kind for row, _ in result.messages] == [Kind.RETURN] * count
    for row, files in result.messages:
        (taken,) = files
        assert taken.receipt.verdict is Verdict.VALID
        assert taken.receipt.holder == row.unit
        assert taken.receipt.envelope == row.sha256
        assert campaign.original(f"{row.sha256}.eml").read_bytes().startswith(b"From: ")
    standing = status(campaign)
    returned = [one.unit for one in standing.units if one.status is not Status.NOT_RETURNED]
    assert returned == chosen
    assert standing.unplaced == []
    assert {one.receipt.sent_at for _, files in result.messages for one in files} == {
        dt.datetime(2024, 1, 5, 10)
    }
    # Every few minutes again: nothing is taken twice, and the mailbox says what was taken.
    assert collected(campaign).messages == []
    client = mailbox_of.client()
    client.select_folder("INBOX", readonly=True)
    assert len(client.search(["KEYWORD", "perfxl"])) == count
    assert len(client.search(["UNSEEN"])) == count
    client.logout()
    campaign.close()


def test_reply_finds_its_unit_by_message_id(tmp_path: Path, mailbox_of: MailHost) -> None:
    with post_office() as post:
        campaign = issued_campaign(tmp_path / "考核", mail_plan(post.port, mailbox_of.port))
        assert went(send_all(campaign, units={"101"})) == 1
    (record,) = mails_in_force(campaign)
    mailbox_of.deliver(reply(record.message_id, "x@qq.example.com", ("佐证.pdf", b"%PDF-1.4 ")))
    forged = record.message_id.replace(".101.", ".102.")
    mailbox_of.deliver(reply(forged, "y@qq.example.com", ("别的.pdf", b"%PDF-1.5 ")))
    result = collected(campaign)
    assert [row.unit for row, _ in result.messages] == ["101", ""]
    attachments = [
        one for one in campaign.ledger.receipts(Form.RETURN) if one.verdict is Verdict.ATTACHMENT
    ]
    assert [one.holder for one in attachments] == ["101", ""]
    campaign.close()


def test_answer_without_attachment_waits_for_a_person(tmp_path: Path, mailbox_of: MailHost) -> None:
    with post_office() as post:
        campaign = issued_campaign(tmp_path / "考核", mail_plan(post.port, mailbox_of.port))
        assert went(send_all(campaign, units={"101", "102"})) == 2
    first, second = mails_in_force(campaign)
    mailbox_of.deliver(reply(first.message_id, "x@qq.example.com", text="能否延期几天？"))
    away = b"Auto-Submitted: auto-replied\r\n" + reply(second.message_id, "dept102@example.com")
    mailbox_of.deliver(away)
    result = collected(campaign)
    assert [(row.kind, row.unit) for row, _ in result.messages] == [
        (Kind.NO_ATTACHMENT, "101"),
        (Kind.AUTOMATIC, "102"),
    ]
    (waiting,) = status(campaign).unplaced
    assert (waiting.holder, waiting.verdict) == ("101", Verdict.NO_ATTACHMENT)
    assert campaign.original(waiting.original).is_file()
    campaign.close()


def test_the_command_tells_what_a_person_has_to_read(
    tmp_path: Path, mailbox_of: MailHost, repository: Path
) -> None:
    campaign = issued_campaign(tmp_path / "考核", mail_plan(1, mailbox_of.port))
    sample = next((repository / "samples" / "returns").glob("*-101-*.xlsx"))
    mailbox_of.deliver(reply("", "dept101@example.com", (sample.name, sample.read_bytes())))
    mailbox_of.deliver(reply("", "dept102@example.com", text="\x1b[2J能否延期？"))
    words = [sys.executable, "-X", "utf8", "-m", "perfxl", "-C", str(campaign.folder)]
    environment = {**os.environ, VARIABLE: PASSWORD}
    done = subprocess.run(
        [*words, "mail", "collect"],
        capture_output=True, text=True, encoding="utf-8", check=False, env=environment,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "收到邮件 2 封，其中有效报送 1 份。" in done.stdout
    assert "请人看（没有附件）：单位不明 dept102@example.com" in done.stdout
    again = subprocess.run(
        [*words, "mail", "collect"],
        capture_output=True, text=True, encoding="utf-8", check=False, env=environment,
    )  # fmt: skip
    assert (again.returncode, again.stdout) == (0, "收到邮件 0 封，其中有效报送 0 份。\n")
    campaign.close()


def test_a_bounce_is_told_of_the_mail_it_is_about(tmp_path: Path, mailbox_of: MailHost) -> None:
    with post_office() as post:
        campaign = issued_campaign(tmp_path / "考核", mail_plan(post.port, mailbox_of.port))
        assert went(send_all(campaign, units={"101", "102"})) == 2
    sent = post.delivered[0].content
    report = (
        b"From: Mail Delivery System <MAILER-DAEMON@mx.example.com>\r\n"
        b"To: jixiao@example.com\r\nSubject: Undelivered Mail Returned to Sender\r\n"
        b"Date: Fri, 05 Jan 2024 10:00:00 +0800\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; dept101@example.com"
        b"\r\nAction: ACTION\r\nStatus: 5.1.1\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n\r\n" + sent + b"\r\n--b--\r\n"
    )
    mailbox_of.deliver(report.replace(b"ACTION", b"delayed"))
    (late,) = collected(campaign).messages
    assert late[0].kind != Kind.BOUNCE
    assert [one.state for one in mails_in_force(campaign)] == [MailState.SENT, MailState.SENT]
    mailbox_of.deliver(report.replace(b"ACTION", b"failed"))
    ((row, files),) = collected(campaign).messages
    assert (row.kind, row.unit, files) == (Kind.BOUNCE, "101", ())
    states = {one.unit: one.state for one in mails_in_force(campaign)}
    assert states == {"101": MailState.BOUNCED, "102": MailState.SENT}
    told = [event.what for event in history(campaign, campaign.plan.unit_by_code["101"])]
    assert "邮件“下发”被退信" in told
    assert Occasion.ISSUE in str(told)
    campaign.close()


def test_a_folder_with_a_chinese_name_and_a_first_day(tmp_path: Path, mailbox_of: MailHost) -> None:
    def change(sheets: Sheets) -> None:
        set_mail(sheets, 收信文件夹="考核回复", 收信起始日期="2024-02-01")

    client = mailbox_of.client()
    client.create_folder("考核回复")
    for day in (31, 32):
        arrived = dt.datetime(2024, 1, 1, 12) + dt.timedelta(days=day - 1)
        message = reply("", f"d{day}@example.com", ("a.pdf", b"%PDF-1.4"))
        client.append("考核回复", message, msg_time=arrived)
    client.logout()
    mailbox_of.deliver(reply("", "elsewhere@example.com"))
    plan = mail_plan(1, mailbox_of.port, change=change)
    campaign = issued_campaign(tmp_path / "考核", plan)
    (one,) = collected(campaign).messages
    assert one[0].sender == "d32@example.com"
    assert one[0].arrived_at == dt.datetime(2024, 2, 1, 12)
    assert {taken.receipt.received_at for taken in one[1]} == {one[0].arrived_at}
    campaign.close()


def test_collecting_again_after_a_crash_takes_nothing_twice(
    tmp_path: Path, mailbox_of: MailHost, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = issued_campaign(tmp_path / "考核", mail_plan(1, mailbox_of.port))
    sample = next((repository / "samples" / "returns").glob("*-101-*.xlsx"))
    mailbox_of.deliver(reply("", "dept101@example.com", (sample.name, sample.read_bytes())))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("perfxl.ledger.Ledger.record_collected", crash)
        with pytest.raises(KeyboardInterrupt):
            collected(campaign)
    before = campaign.ledger.verdicts()
    ((row, files),) = collected(campaign).messages
    assert row.unit == "101"
    assert [taken.new for taken in files] == [False]
    assert campaign.ledger.verdicts() == before
    campaign.close()
