"""mail collect (收信): take in what units answered by mail; every message is kept whole in 原件/.

In go the messages of a mailbox's folder that were not taken before; out come receipts and verdicts
as of any file, and a row in the ledger by which a message is not taken twice. A run that was
stopped is taken up by the next one: the same bytes are one receipt.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice
from pathlib import Path

from perfxl.campaign import MAIL, ORIGINALS, PLAN_FILE, Campaign
from perfxl.envelopes.opening import opened_thread
from perfxl.envelopes.threads import Thread
from perfxl.errors import MailRefused, Mistake, Place, Unreadable
from perfxl.excel.package import LARGEST_FILE
from perfxl.files import keep_original, sha256_of
from perfxl.ledger import KEPT_BACK, Collected, MailState, Verdict
from perfxl.mail.imap import Mailbox, Waiting
from perfxl.mail.message_id import unit_answered
from perfxl.mail.texts import server_mistakes
from perfxl.plan.mailing import MailSettings
from perfxl.plan.workbook import MAIL_SETTINGS
from perfxl.stages.ingest import Incoming, IngestResult, Taken, ingest

# Messages that are fetched, ingested and marked before the next are.
_TOGETHER = 20
_LONGEST_NAME = 60
_NOBODY = Thread("", "", None, (), is_bounce=False, is_automatic=False)


class Kind(StrEnum):
    """What a collected message was."""

    RETURN = "带附件"
    NO_ATTACHMENT = "没有附件"
    AUTOMATIC = "自动答复"
    BOUNCE = "退信"
    TOO_LARGE = "过大"


# A person has to read these.
TO_READ = frozenset({Kind.NO_ATTACHMENT, Kind.AUTOMATIC, Kind.BOUNCE, Kind.TOO_LARGE})


@dataclass(frozen=True)
class CollectResult:
    """What was collected, each message with the files that came out of it."""

    messages: Sequence[tuple[Collected, Sequence[Taken]]]


@dataclass(frozen=True)
class _Fetched:
    """A message on its way in; ``row`` is what the ledger will say of it."""

    row: Collected
    original: str = ""
    thread: Thread = field(default=_NOBODY)


def imap_settings(campaign: Campaign) -> MailSettings:
    """The plan's settings for collecting; raises MailRefused where they do not do."""
    settings = campaign.plan.mail_settings
    found = server_mistakes(settings.imap, "IMAP", settings) if settings else []
    if settings is None:
        remedy = "请照模板（perfxl init 生成的考核方案）加上这张表"
        found = [("M107", "", "没有这张表，不知道从哪里收", remedy)]
    elif not settings.imap.user:
        cell = settings.cells.get("IMAP用户名", "")
        found = [*found, ("M109", cell, "没有填写 IMAP用户名 或 SMTP用户名", "请填写")]
    if found or settings is None:
        raise MailRefused(
            PLAN_FILE,
            [
                Mistake(code, what, Place(PLAN_FILE, MAIL_SETTINGS, cell), remedy)
                for code, cell, what, remedy in found
            ],
        )
    return settings


def collect(
    campaign: Campaign,
    settings: MailSettings,
    mailbox: Mailbox,
    now: dt.datetime,
    by: str,
    progress: Callable[[], None] = lambda: None,
) -> CollectResult:
    """Take in the messages that wait in the folder. Raises MailServerFault.

    A return counts as received when the server got it, not when it is collected.
    """
    account = f"{settings.imap.user}@{settings.imap.host}"
    taken = {
        one.uid
        for one in campaign.ledger.collected()
        if (one.account, one.folder, one.validity) == (account, settings.folder, mailbox.validity)
    }
    messages: list[tuple[Collected, Sequence[Taken]]] = []
    waiting = iter(mailbox.waiting(taken, settings.since))
    while chunk := list(islice(waiting, _TOGETHER)):
        fetched = list(_fetched(campaign, settings, mailbox, account, chunk, now))
        result = ingest(campaign, _incoming(campaign, fetched))
        settled = [_settled(campaign, one, result) for one in fetched]
        for one in fetched:
            if one.row.kind == Kind.BOUNCE:
                _record_bounce(campaign, one, by)
        campaign.ledger.record_collected([row for row, _ in settled])
        mailbox.mark([row.uid for row, _ in settled])
        messages += settled
        for _ in chunk:
            progress()
    return CollectResult(messages)


def _fetched(
    campaign: Campaign,
    settings: MailSettings,
    mailbox: Mailbox,
    account: str,
    chunk: Iterable[Waiting],
    now: dt.datetime,
) -> Iterator[_Fetched]:
    for one in chunk:
        row = Collected(
            account=account,
            folder=settings.folder,
            validity=mailbox.validity,
            uid=one.uid,
            sha256="",
            unit="",
            kind=Kind.TOO_LARGE,
            sender="",
            subject="",
            detail="",
            arrived_at=min(one.arrived_at, now),
            collected_at=now,
        )
        if one.size > LARGEST_FILE:
            yield _Fetched(replace(row, detail="超过 64 MB，没有收取，请在邮箱中查看"))
            continue
        data = mailbox.message(one.uid)
        if data is not None:
            yield _read(campaign, row, data)


def _read(campaign: Campaign, row: Collected, data: bytes) -> _Fetched:
    original = keep_original(campaign.path(ORIGINALS), data, "message.eml")
    row = replace(row, sha256=sha256_of(data), kind=Kind.RETURN)
    try:
        thread = opened_thread(data)
    except Unreadable as error:
        return _Fetched(replace(row, detail=error.what), original)
    answered = unit_answered(campaign.plan, campaign.stamp_key, thread.answers)
    kind = Kind.RETURN
    if thread.is_bounce:
        kind = Kind.BOUNCE
    elif thread.is_automatic:
        kind = Kind.AUTOMATIC
    row = replace(
        row,
        unit=answered[0].code if answered else "",
        kind=kind,
        sender=thread.sender,
        subject=thread.subject,
    )
    return _Fetched(row, original, thread)


def _incoming(campaign: Campaign, fetched: Iterable[_Fetched]) -> Iterator[Incoming]:
    """What may hold returns; a report of failed delivery holds our own workbook, no return."""
    for one in fetched:
        if one.row.kind == Kind.RETURN:
            subject = one.thread.subject.replace("/", " ")[:_LONGEST_NAME].strip()
            yield Incoming(
                campaign.original(one.original),
                one.row.arrived_at,
                f"{subject or MAIL}.eml",
                one.row.unit,
            )


def _settled(
    campaign: Campaign, one: _Fetched, result: IngestResult
) -> tuple[Collected, Sequence[Taken]]:
    path: Path = campaign.original(one.original)
    if one.row.kind != Kind.RETURN:
        return one.row, ()
    own = [taken for taken in result.taken if taken.path == path]
    inside = [taken for taken in own if taken.receipt.sha256 != one.row.sha256]
    whole = [taken for taken in own if taken.receipt.sha256 == one.row.sha256]
    holders = dict.fromkeys(taken.receipt.holder for taken in inside if taken.receipt.holder)
    row = one.row
    if not row.unit and len(holders) == 1:
        row = replace(row, unit=next(iter(holders)))
    if whole and whole[0].receipt.verdict is Verdict.NO_ATTACHMENT:
        row = replace(row, kind=Kind.NO_ATTACHMENT)
    return row, inside or whole


def _record_bounce(campaign: Campaign, one: _Fetched, by: str) -> None:
    """A mail that a server reports as not delivered is told so, once."""
    answers = set(one.thread.answers)
    last = [record for record in campaign.ledger.mails() if record.message_id in answers][-1:]
    for record in last:
        if record.state in KEPT_BACK and record.state is not MailState.BOUNCED:
            campaign.ledger.record_mail(
                replace(
                    record,
                    state=MailState.BOUNCED,
                    detail=f"{one.thread.sender} 退回：{one.thread.subject}",
                    recorded_by=by,
                    recorded_at=one.row.collected_at,
                )
            )
