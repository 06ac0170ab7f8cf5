"""Mailing: what is refused before anything leaves, what is sent, and that nothing is sent twice."""

from __future__ import annotations

import base64
import datetime as dt
import os
import random
import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import fast_mail_parser
import openpyxl
import pytest
from aiosmtpd.smtp import AuthResult
from made_campaigns import Sheets
from mail_campaigns import NOW, issued_campaign, mail_plan, send_all, set_mail, went, with_plan
from mail_servers import PASSWORD, USER, Accidents, PostOffice, free_port, post_office

from perfxl.campaign import MAIL, Campaign
from perfxl.errors import MailRefused, MailServerFault, NothingToDo, PerfxlError
from perfxl.files import sha256_of
from perfxl.ledger import MailState
from perfxl.mail.passwords import VARIABLE
from perfxl.mail.smtp import Courier
from perfxl.plan.mailing import Occasion
from perfxl.rectifications.states import Decision
from perfxl.stages.demo import ingest_samples
from perfxl.stages.feedback import book_path, feedback, notice_path
from perfxl.stages.mail import batch, mails_in_force, mark_sent, send, send_test, write_drafts
from perfxl.stages.rectification import decide, problems_today
from perfxl.stages.send_back import send_back
from perfxl.stages.status import status

DAY = dt.timedelta(days=1)


@pytest.fixture
def post() -> Any:
    with post_office() as office:
        yield office


@pytest.fixture
def campaign(tmp_path: Path, post: PostOffice) -> Any:
    made = issued_campaign(tmp_path / "考核", mail_plan(post.port))
    yield made
    made.close()


def run_perfxl(
    campaign: Campaign, *words: str, password: str = ""
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, VARIABLE: password} if password else dict(os.environ)
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "perfxl", "-C", str(campaign.folder), *words],
        capture_output=True, text=True, encoding="utf-8", check=False, env=environment,
    )  # fmt: skip


def roster(sheets: Sheets, unit: str, **values: str) -> None:
    next(row for row in sheets["单位名录"] if row["单位编码"] == unit).update(values)


def text_of_occasion(sheets: Sheets, occasion: str, **values: str) -> None:
    next(row for row in sheets["邮件"] if row["场合"] == occasion).update(values)


def test_drafts_and_preview(campaign: Campaign, post: PostOffice) -> None:
    made = batch(campaign, Occasion.ISSUE, NOW)
    preview = write_drafts(campaign, made, NOW)
    drafts = sorted((campaign.path(MAIL) / "下发").glob("*.eml"))
    assert len(drafts) == 31
    sheet = openpyxl.load_workbook(preview).active
    rows = list(sheet.iter_rows(min_row=4, values_only=True))
    assert len(rows) == 31
    issues = campaign.ledger.issues()
    for row, draft in zip(rows, drafts, strict=True):
        parsed = fast_mail_parser.parse_email(draft.read_bytes())
        assert parsed.headers["X-Unsent"] == ["1"]
        assert row[2] in parsed.headers["To"][0]
        assert row[4] == parsed.subject
        assert (row[5], row[6]) == (
            parsed.attachments[0].filename,
            sha256_of(parsed.attachments[0].content),
        )
        assert row[6] == issues[row[0]].sha256
        assert row[7] == "待发"
    assert post.delivered == []
    assert campaign.ledger.mails() == []


def test_several_addressees_and_copies(campaign: Campaign, post: PostOffice) -> None:
    def change(sheets: Sheets) -> None:
        roster(
            sheets,
            "101",
            电子邮箱="a@example.com、b@example.com",
            抄送邮箱="c@example.com; b@example.com",
        )

    changed = with_plan(campaign, mail_plan(post.port, change=change))
    assert went(send_all(changed, units={"101"})) == 1
    (one,) = post.delivered
    assert one.recipients == ("a@example.com", "b@example.com", "c@example.com")
    headers = fast_mail_parser.parse_email(one.content).headers
    assert headers["Cc"] == ["c@example.com"]
    assert "b@example.com" in headers["To"][0]
    changed.close()


def test_all_mistakes_are_named_with_their_cells_and_nothing_leaves(
    campaign: Campaign, post: PostOffice
) -> None:
    def change(sheets: Sheets) -> None:
        roster(sheets, "101", 电子邮箱="wang@@example.com")
        roster(sheets, "102", 电子邮箱="")
        roster(sheets, "103", 电子邮箱="张三＠example.com", 抄送邮箱="x@nowhere")
        text_of_occasion(
            sheets, "下发", 主题="关于{考核名称}\n的通知", 正文="{单位名你}：{单位名称，请查收"
        )
        set_mail(sheets, SMTP服务器="smtp.example.com", 发件地址="财政局")

    changed = with_plan(campaign, mail_plan(post.port, change=change))
    with pytest.raises(MailRefused) as caught:
        batch(changed, Occasion.ISSUE, NOW, sending=True)
    found = {(one.code, f"{one.place.sheet}!{one.place.cell}") for one in caught.value.mistakes}
    assert found == {
        ("M106", "单位名录!H4"),
        ("M105", "单位名录!H5"),
        ("M106", "单位名录!H6"),
        ("M106", "单位名录!I6"),
        ("M102", "邮件!B4"),
        ("M103", "邮件!C4"),
        ("M104", "邮件!C4"),
        ("M108", "邮件设置!B8"),
        ("M110", "邮件设置!B6"),
    }
    assert "{单位名你}" in str(caught.value)
    done = run_perfxl(changed, "mail", "下发", "--send")
    assert done.returncode == 2
    assert done.stderr.count("[M106]") == 3
    assert post.delivered == []
    assert list((changed.path(MAIL)).rglob("*.eml")) == []
    changed.close()


def test_a_workbook_that_was_changed_after_issuing_is_not_sent(campaign: Campaign) -> None:
    issue = campaign.ledger.issues()["101"]
    (campaign.folder / issue.file).write_bytes(b"another unit's")
    with pytest.raises(MailRefused) as caught:
        batch(campaign, Occasion.ISSUE, NOW)
    (mistake,) = caught.value.mistakes
    assert (mistake.code, mistake.place.file) == ("M111", issue.file)


def test_sent_once_and_again_only_when_asked(campaign: Campaign, post: PostOffice) -> None:
    assert went(send_all(campaign, units={"101", "102"})) == 2
    assert went(send_all(campaign)) == 29
    with_nothing = send_all(campaign)
    assert with_nothing.sent == []
    assert went(send_all(campaign, units={"101"}, resend=["101"])) == 1
    counts = Counter(one.recipients for one in post.delivered)
    assert counts.pop(("dept101@example.com",)) == 2
    assert set(counts.values()) == {1}
    ids = [
        fast_mail_parser.parse_email(one.content).headers["Message-ID"][0] for one in post.delivered
    ]
    assert len(set(ids)) == 32
    standing = {one.unit.code: one.mails for one in status(campaign).units}
    assert [(one.state, one.attempt) for one in standing["101"]] == [(MailState.SENT, 2)]


def test_refused_addresses_are_told_and_tried_again_later(
    campaign: Campaign, post: PostOffice
) -> None:
    post.accidents.refused = frozenset({"dept103@example.com"})
    report = send_all(campaign)
    assert went(report) == 30
    (refused,) = [one for one in report.sent if one.delivery.state is MailState.REFUSED]
    assert refused.unit.code == "103"
    assert "550" in refused.delivery.detail
    post.accidents.refused = frozenset()
    assert [one.unit.code for one in send_all(campaign).sent] == ["103"]
    assert len(post.delivered) == 31


def test_a_server_that_is_away_leaves_nothing_in_doubt(
    campaign: Campaign, post: PostOffice
) -> None:
    post.stop()
    waits: list[float] = []
    report = send_all(campaign, wait=waits.append)
    assert isinstance(report.stopped, MailServerFault)
    assert (len(report.sent), len(report.left)) == (0, 31)
    assert len(waits) == 3
    assert campaign.ledger.mails() == []
    post.start()
    assert went(send_all(campaign)) == 31


def accident_run(folder: Path, plan_of: Any, seed: int) -> Counter[MailState]:
    """One seeded run of sending until nothing waits; checks what must hold of every unit."""
    chance = random.Random(seed)
    units = [f"dept{number}@example.com" for number in range(101, 123)]
    accidents = Accidents(
        random=chance,
        refused=frozenset(chance.sample(units, 3)),
        drop_before=0.05,
        drop_after=0.05,
        drop_idle=0.1,
        passing=0.1,
        kill=0.05,
    )
    with post_office(accidents) as post:
        campaign = with_plan(Campaign(folder), plan_of(post.port))

        def wait(_: float) -> None:
            post.restart_if_killed()

        for _ in range(20):
            post.restart_if_killed()
            report = send_all(campaign, wait=wait)
            states = [one.state for one in mails_in_force(campaign)]
            if not report.left and MailState.NOT_SENT not in states:
                break
        delivered = Counter(one.recipients for one in post.delivered)
    last = {one.unit: one for one in mails_in_force(campaign)}
    assert set(last) == {unit.code for unit in campaign.plan.units}
    for unit in campaign.plan.units:
        state, times = last[unit.code].state, delivered[unit.addresses]
        if state is MailState.SENT:
            assert times == 1
        elif state is MailState.IN_DOUBT:
            assert times <= 1
        else:
            assert state is MailState.REFUSED
            assert times == 0
            assert unit.email in accidents.refused
    # What is in doubt stays so until a person decides.
    with_doubt = {code for code, one in last.items() if one.state is MailState.IN_DOUBT}
    waiting = {item.letter.unit.code for item in batch(campaign, Occasion.ISSUE, NOW).waiting}
    assert not with_doubt & waiting
    campaign.close()
    return Counter(one.state for one in last.values())


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(50), marks=pytest.mark.slow)])
def test_every_unit_ends_with_one_mail_or_is_listed(tmp_path: Path, seeds: range) -> None:
    first = issued_campaign(tmp_path / "考核", mail_plan(1))
    first.close()
    ends: Counter[MailState] = Counter()
    for seed in seeds:
        folder = tmp_path / f"run{seed}"
        shutil.copytree(tmp_path / "考核", folder)
        ends += accident_run(folder, mail_plan, seed)
        shutil.rmtree(folder)
    # The accidents did happen.
    assert ends[MailState.IN_DOUBT] > 0
    assert ends[MailState.REFUSED] == 3 * len(seeds)


@pytest.mark.slow
def test_killed_while_sending(campaign: Campaign, post: PostOffice) -> None:
    """A real kill -9 at the worst moment: the server has the mail, perfxl does not know."""
    process = subprocess.Popen(
        [sys.executable, "-m", "perfxl", "-C", str(campaign.folder), "mail", "下发", "--send"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def kill(envelope: Any) -> None:
        if envelope.rcpt_tos == ["dept105@example.com"]:
            process.send_signal(signal.SIGKILL)
            process.wait()

    post.on_data = kill
    process.wait(120)
    post.on_data = None
    told = run_perfxl(campaign, "mail", "status").stdout
    assert "待定：石楼县公安局的“下发”" in told
    assert went(send_all(campaign)) == 26
    counts = Counter(one.recipients for one in post.delivered)
    assert len(counts) == 31
    assert set(counts.values()) == {1}
    told = run_perfxl(campaign, "mail", "下发", "--mark-sent", "105").stdout
    assert "石楼县公安局的“下发”邮件记为已发出" in told
    assert {one.state for one in mails_in_force(campaign)} == {
        MailState.SENT,
        MailState.MARKED_SENT,
    }


def test_two_programs_do_not_send_the_same_mail(campaign: Campaign, post: PostOffice) -> None:
    first = batch(campaign, Occasion.ISSUE, NOW, units={"101"}, sending=True)
    assert went(send_all(campaign, units={"101"})) == 1
    courier = Courier(first.settings.smtp, "", lambda _: None)
    report = send(campaign, first, courier, "另一个", lambda: NOW, lambda: None)
    assert went(report) == 0
    assert len(post.delivered) == 1


def test_marking_what_was_sent_by_hand(campaign: Campaign) -> None:
    mark_sent(campaign, Occasion.ISSUE, {"101"}, "测试", NOW)
    waiting = batch(campaign, Occasion.ISSUE, NOW).waiting
    assert "101" not in {item.letter.unit.code for item in waiting}
    assert len(waiting) == 30


def test_a_test_goes_to_oneself_and_counts_for_nothing(
    campaign: Campaign, post: PostOffice
) -> None:
    made = batch(campaign, Occasion.ISSUE, NOW, units={"101", "102"}, sending=True)
    courier = Courier(made.settings.smtp, "", lambda _: None)
    assert went(send_test(made, "me@example.com", courier, NOW, lambda: None)) == 2
    assert {one.recipients for one in post.delivered} == {("me@example.com",)}
    assert b"dept101@" not in post.delivered[0].content
    assert campaign.ledger.mails() == []
    with pytest.raises(PerfxlError, match="不是邮箱地址"):
        send_test(made, "me", courier, NOW, lambda: None)


def test_send_back_and_reminders_list_the_units_own_gaps(
    campaign: Campaign, post: PostOffice
) -> None:
    ingest_samples(campaign)
    in_force = {one.unit.code for one in status(campaign).units if one.file}
    missing = {unit.code for unit in campaign.plan.units} - in_force
    sent_back = send_back(campaign, NOW)
    report = send_all(campaign, Occasion.SEND_BACK)
    assert {one.unit.code for one in report.sent} == {one.unit.code for one in sent_back}
    by_unit = {unit.addresses: unit.code for unit in campaign.plan.units}
    marked = {one.unit.code: one for one in sent_back}
    for one in post.delivered:
        code = by_unit[one.recipients]
        parsed = fast_mail_parser.parse_email(one.content)
        assert parsed.text_plain[0].count("【错误】") == min(marked[code].errors, 30)
        assert parsed.attachments[0].content == marked[code].path.read_bytes()
    post.delivered.clear()
    report = send_all(campaign, Occasion.REMIND, now=NOW + DAY)
    assert {one.unit.code for one in report.sent} == missing | set(marked)
    for one in post.delivered:
        text = fast_mail_parser.parse_email(one.content).text_plain[0]
        code = by_unit[one.recipients]
        assert ("没有收到填报工作簿" in text) == (code in missing)
        assert ("退回修改的工作簿没有重新报送" in text) == (code in marked)
    # Once a day, however often it is run; the next day again.
    assert send_all(campaign, Occasion.REMIND, now=NOW + DAY).sent == []
    assert len(send_all(campaign, Occasion.REMIND, now=NOW + 2 * DAY).sent) == len(report.sent)


def test_a_reminder_in_doubt_holds_the_next_one_until_it_is_sent_again(
    campaign: Campaign, post: PostOffice
) -> None:
    post.accidents.drop_before = 1.0
    (one,) = send_all(campaign, Occasion.REMIND, units={"101"}).sent
    assert one.delivery.state is MailState.IN_DOUBT
    post.accidents.drop_before = 0
    assert send_all(campaign, Occasion.REMIND, units={"101"}, now=NOW + DAY).sent == []
    again = send_all(campaign, Occasion.REMIND, units={"101"}, resend=["101"], now=NOW + DAY)
    assert went(again) == 1
    assert [one.state for one in mails_in_force(campaign)] == [MailState.NOT_SENT, MailState.SENT]
    assert went(send_all(campaign, Occasion.REMIND, units={"101"}, now=NOW + 2 * DAY)) == 1
    assert len(post.delivered) == 2


def test_pauses_keep_to_the_rate(campaign: Campaign) -> None:
    made = batch(campaign, Occasion.ISSUE, NOW, units={"101", "102", "103"}, sending=True)
    pauses: list[int] = []
    courier = Courier(made.settings.smtp, "", lambda _: None)
    send(campaign, made, courier, "测试", lambda: NOW, lambda: pauses.append(1))
    assert len(pauses) == 2


def test_nothing_to_send_is_said(campaign: Campaign) -> None:
    with pytest.raises(NothingToDo, match="还没有反馈意见"):
        batch(campaign, Occasion.FEEDBACK, NOW)
    with pytest.raises(NothingToDo, match="还没有通报"):
        batch(campaign, Occasion.CIRCULAR, NOW)


class _Gate:
    """aiosmtpd's authenticator that keeps what it was shown."""

    def __call__(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any
    ) -> AuthResult:
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        if right:
            return AuthResult(success=True)
        # A server that repeats what it was told.
        return AuthResult(success=False, handled=False, message=f"535 5.7.8 {data.password!r}")


@pytest.mark.slow
@pytest.mark.parametrize("right", [True, False])
def test_the_password_is_nowhere(tmp_path: Path, right: bool) -> None:
    given = PASSWORD if right else "wrong-" + PASSWORD
    options = {"authenticator": _Gate(), "auth_require_tls": False}
    with post_office(**options) as post:
        campaign = issued_campaign(tmp_path / "考核", mail_plan(post.port, free_port(), USER))
        done = run_perfxl(campaign, "mail", "下发", "--send", "--only", "101", password=given)
        other = run_perfxl(campaign, "mail", "collect", password=given)
        assert len(post.delivered) == right
    assert done.returncode == (0 if right else 2)
    assert ("授权码" in done.stderr) is not right
    assert other.returncode == 2
    said = done.stdout + done.stderr + other.stdout + other.stderr
    assert "Traceback" not in said
    campaign.close()
    plain = f"\0{USER}\0{given}".encode()
    secrets = [given.encode(), base64.b64encode(given.encode()), base64.b64encode(plain)]
    places = [path.read_bytes() for path in campaign.folder.rglob("*") if path.is_file()]
    places += [one.content for one in post.delivered] + [said.encode()]
    assert len(places) > 30
    for secret in secrets:
        assert not any(secret in place for place in places)


def test_no_password_is_told(campaign: Campaign, post: PostOffice) -> None:
    changed = with_plan(campaign, mail_plan(post.port, user=USER))
    done = run_perfxl(changed, "mail", "下发", "--send", "--only", "101")
    assert done.returncode == 2
    assert "[E603]" in done.stderr
    changed.close()


@pytest.mark.slow
def test_feedback_goes_out_and_what_is_not_mended_is_reminded_of(
    finished_demo: Path, tmp_path: Path, post: PostOffice
) -> None:
    shutil.copytree(finished_demo, tmp_path / "demo")
    told_on = dt.datetime(2024, 1, 31, 9)
    campaign = with_plan(Campaign(tmp_path / "demo"), mail_plan(post.port))
    feedback(campaign, told_on)
    units = {unit.addresses: unit for unit in campaign.plan.units}
    assert went(send_all(campaign, Occasion.FEEDBACK, now=told_on)) == 31
    table = problems_today(campaign, told_on.date())
    for one in post.delivered:
        unit = units[one.recipients]
        parsed = fast_mail_parser.parse_email(one.content)
        files = [notice_path(campaign, unit), book_path(campaign, unit)]
        sent = {part.filename: part.content for part in parsed.attachments}
        assert sent == {file.name: file.read_bytes() for file in files}
        own = table[table["unit"] == unit.code]
        for number in own["number"]:
            assert number in parsed.text_plain[0]
    post.delivered.clear()
    with pytest.raises(NothingToDo):
        send_all(campaign, Occasion.REMIND, now=told_on)

    (due,) = set(table["due"])
    soon = dt.datetime.combine(due, dt.time(9)) - 7 * DAY
    numbers = list(table.loc[table["unit"] == "101", "number"])
    unit = campaign.plan.unit_by_code["101"]
    decide(campaign, Decision.CONFIRM, [unit], numbers, "", "韩晓东", soon)
    report = send_all(campaign, Occasion.REMIND, now=soon)
    assert {one.unit.code for one in report.sent} == set(campaign.plan.unit_by_code) - {"101"}
    for one in post.delivered:
        parsed = fast_mail_parser.parse_email(one.content)
        unit = units[one.recipients]
        own = table[table["unit"] == unit.code]
        assert f"{len(own)} 个问题没有完成整改（期限 {due}）" in parsed.text_plain[0]
        assert [part.filename for part in parsed.attachments] == [book_path(campaign, unit).name]
    post.delivered.clear()
    send_all(campaign, Occasion.REMIND, now=soon + 10 * DAY)
    assert all(
        "已经逾期" in fast_mail_parser.parse_email(one.content).text_plain[0]
        for one in post.delivered
    )
    campaign.close()
