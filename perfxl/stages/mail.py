"""mail (邮件): drafts for an occasion, a preview, sending at most once, and what became of each.

The ledger has a row before a mail leaves and one after. Where the second is missing, or the
server's answer never came, nobody knows: the mail is in doubt and is not sent again unless the
operator says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from perfxl.campaign import MAIL, PLAN_FILE, Campaign
from perfxl.errors import MailRefused, MailServerFault, NothingToDo, PerfxlError
from perfxl.files import write_atomically
from perfxl.ledger import DOUBTFUL, KEPT_BACK, MailRecord, MailState, standing
from perfxl.mail.compose import Letter, compose
from perfxl.mail.message_id import message_id
from perfxl.mail.smtp import Courier, Delivery
from perfxl.mail.texts import ATTACHED, PROBLEMS, filled, mistakes_of, subject_of, values_for
from perfxl.plan.mailing import MailSettings, Occasion, address_fault
from perfxl.plan.model import Unit
from perfxl.products.mail_preview import PreviewRow, mail_preview
from perfxl.stages.gather import deadline_of_units
from perfxl.stages.mail_material import Material, materials

PREVIEW, SENT_FOLDER = "预览.xlsx", "已发"
WAITING = "待发"
_TO_ONESELF = "【测试】"


@dataclass(frozen=True)
class Item:
    """One mail of a batch: ``kept_back`` says why it does not go out, blank where it does.

    ``last`` is the number of the unit's last step for this occasion, ``attempt`` which sending of
    this mail it is. ``doubts`` are earlier mails of the occasion in doubt, in whose place it goes
    where the operator has it sent again.
    """

    letter: Letter
    about: str
    attempt: int
    last: int
    kept_back: str
    doubts: tuple[MailRecord, ...] = ()

    @property
    def files(self) -> str:
        """The attachments as the ledger keeps them: hash and name, a line each."""
        return "\n".join(f"{one.sha256} {one.name}" for one in self.letter.attachments)


@dataclass(frozen=True)
class Batch:
    """The mails of an occasion, and the units that get none, with the reason."""

    occasion: Occasion
    settings: MailSettings
    sender_name: str
    items: Sequence[Item]
    idle: Sequence[tuple[Unit, str]]

    @property
    def waiting(self) -> list[Item]:
        """Those that are to be sent."""
        return [item for item in self.items if not item.kept_back]


@dataclass(frozen=True)
class Sent:
    """What became of one mail."""

    unit: Unit
    delivery: Delivery


@dataclass(frozen=True)
class SendReport:
    """What became of each mail; ``stopped`` where the server could not be reached any more."""

    sent: Sequence[Sent]
    left: Sequence[Unit]
    stopped: MailServerFault | None


def batch(
    campaign: Campaign,
    occasion: Occasion,
    now: dt.datetime,
    *,
    units: Collection[str] | None = None,
    resend: Collection[str] = (),
    sending: bool = False,
) -> Batch:
    """All mails of an occasion, checked as a whole.

    ``units`` (codes) limits it to some; those of ``resend`` go out though they went, or may have.
    Raises MailRefused with every mistake, NothingToDo where no unit has anything to be told.
    """
    plan = campaign.plan
    wanted = [unit for unit in plan.units if units is None or unit.code in units]
    found = materials(campaign, occasion, wanted, now.date())
    concerned = [material.unit for material in found.found]
    mistakes = mistakes_of(
        plan, PLAN_FILE, occasion, concerned if concerned else wanted, sending=sending
    )
    if mistakes or found.mistakes:
        raise MailRefused(PLAN_FILE, [*mistakes, *found.mistakes])
    settings = plan.mail_settings
    assert settings is not None
    if not found.found:
        reasons = list(dict.fromkeys(reason for _, reason in found.idle))
        raise NothingToDo(
            f"没有要发的“{occasion}”邮件", remedy="；".join(reasons) or "请核对单位和股室"
        )
    history = [one for one in campaign.ledger.mails() if one.occasion == occasion]
    deadlines = deadline_of_units(campaign)
    domain = settings.sender.rpartition("@")[2]
    items = []
    for material in found.found:
        own = [one for one in history if one.unit == material.unit.code]
        item = _item(campaign, occasion, material, own, domain, deadlines[material.unit.code])
        why = "" if material.unit.code in resend else _why_kept_back(item, own)
        items.append(replace(item, kept_back=why))
    name = settings.sender_name or plan.campaign.issuer
    return Batch(occasion, settings, name, items, found.idle)


def _item(
    campaign: Campaign,
    occasion: Occasion,
    material: Material,
    own: Sequence[MailRecord],
    domain: str,
    deadline: dt.datetime,
) -> Item:
    plan, unit = campaign.plan, material.unit
    same = [one for one in own if one.about == material.about]
    attempt = same[-1].attempt if same else 1
    if same and same[-1].state in KEPT_BACK:
        # It goes out only if the operator says so, and then it is another message.
        attempt += 1
    identity = message_id(
        campaign.stamp_key, plan.campaign.code, unit.code, occasion, material.about, attempt, domain
    )
    values = values_for(plan, unit, deadline)
    values[PROBLEMS] = material.problems
    values[ATTACHED] = "、".join(one.name for one in material.attachments)
    text = plan.mails[occasion]
    copies = [one for one in unit.copy_addresses if one not in unit.addresses]
    letter = Letter(
        unit,
        identity,
        unit.addresses,
        copies,
        subject_of(text, values),
        filled(text.body, values),
        material.attachments,
    )
    doubts = tuple(
        one
        for one in standing(own).values()
        if one.state in DOUBTFUL and one.about != material.about
    )
    return Item(letter, material.about, attempt, own[-1].number if own else 0, "", doubts)


def _why_kept_back(item: Item, own: Sequence[MailRecord]) -> str:
    last = standing(own)
    doubtful = [one for one in last.values() if one.state in DOUBTFUL]
    if doubtful:
        return f"{MailState.IN_DOUBT}（{doubtful[-1].recorded_at:%m-%d %H:%M}），请先核实"
    same = last.get((item.letter.unit.code, str(own[-1].occasion), item.about)) if own else None
    if same is None or same.state not in KEPT_BACK:
        return ""
    changed = "，附件后来有变化" if same.files != item.files else ""
    return f"{same.state}（{same.recorded_at:%m-%d %H:%M}{changed}）"


def write_drafts(campaign: Campaign, made: Batch, now: dt.datetime) -> Path:
    """Write a draft for each mail that waits and the preview of all; returns the preview's path.

    A draft of a mail that does not wait any more is removed, so that nobody sends it by hand.
    """
    for item in made.items:
        path = _draft(campaign, made, item)
        if item.kept_back:
            path.unlink(missing_ok=True)
            continue
        message = compose(item.letter, made.settings.sender, made.sender_name, now)
        # Outlook opens such a message for editing, with a button to send it.
        message["X-Unsent"] = "1"
        write_atomically(path, message.as_bytes())
    return _write_preview(campaign, made)


def _draft(campaign: Campaign, made: Batch, item: Item) -> Path:
    unit = item.letter.unit
    name = f"{campaign.plan.campaign.code}-{unit.code}-{unit.name}.eml"
    return campaign.path(MAIL) / made.occasion / name


def _write_preview(campaign: Campaign, made: Batch) -> Path:
    path = campaign.path(MAIL) / made.occasion / PREVIEW
    title = f"{campaign.plan.campaign.name}：{made.occasion}邮件预览"
    write_atomically(path, mail_preview(title, preview_rows(made)))
    return path


def preview_rows(made: Batch) -> list[PreviewRow]:
    """A line for each attachment of each mail."""
    owners: dict[str, set[str]] = {}
    for item in made.items:
        for address in item.letter.recipients:
            owners.setdefault(address.casefold(), set()).add(item.letter.unit.code)
    rows = []
    for item in made.items:
        letter = item.letter
        shared = [one for one in letter.recipients if len(owners[one.casefold()]) > 1]
        note = f"几个单位同用 {'、'.join(shared)}" if shared else ""
        for attachment in letter.attachments or (None,):
            rows.append(
                PreviewRow(
                    letter.unit.code,
                    letter.unit.name,
                    "、".join(letter.to),
                    "、".join(letter.copies),
                    letter.subject,
                    attachment.name if attachment else "",
                    attachment.sha256 if attachment else "",
                    item.kept_back or WAITING,
                    note,
                )
            )
    return rows


def send(
    campaign: Campaign,
    made: Batch,
    courier: Courier,
    by: str,
    clock: Callable[[], dt.datetime],
    pause: Callable[[], None],
    progress: Callable[[], None] = lambda: None,
) -> SendReport:
    """Send the mails that wait, one after another; ``pause`` keeps to the rate between two.

    A mail that another program is sending at this moment is left to it. What was sent is kept in
    已发/ beside the drafts.
    """
    done: list[Sent] = []
    waiting = made.waiting
    stopped: MailServerFault | None = None
    try:
        for number, item in enumerate(waiting):
            if number:
                pause()
            delivery = _send_one(campaign, made, item, courier, by, clock)
            done.append(Sent(item.letter.unit, delivery))
            progress()
    except MailServerFault as error:
        stopped = error
    finally:
        courier.close()
    units = {one.unit.code for one in done}
    left = [item.letter.unit for item in waiting if item.letter.unit.code not in units]
    return SendReport(done, left, stopped)


def _send_one(
    campaign: Campaign,
    made: Batch,
    item: Item,
    courier: Courier,
    by: str,
    clock: Callable[[], dt.datetime],
) -> Delivery:
    letter = item.letter
    # Before the row: while there is no server, nothing is in doubt.
    courier.connect()
    moment = clock()
    data = compose(letter, made.settings.sender, made.sender_name, moment).as_bytes()
    record = _record(made.occasion, item, MailState.SENDING, "", by, moment)
    if not campaign.ledger.begin_mail(record, item.last):
        return Delivery(MailState.NOT_SENT, "另一个程序正在发这封邮件，没有再发")
    for doubt in item.doubts:
        given_up = replace(doubt, state=MailState.NOT_SENT, detail="改为另发", recorded_by=by)
        campaign.ledger.record_mail(replace(given_up, recorded_at=moment))
    try:
        delivery = courier.send(made.settings.sender, letter.recipients, data)
    except MailServerFault as error:
        campaign.ledger.record_mail(
            replace(record, state=MailState.NOT_SENT, detail=error.what, recorded_at=clock())
        )
        raise
    refused = "；".join(f"{address} 被拒收：{said}" for address, said in delivery.refused.items())
    detail = "；".join(filter(None, (delivery.detail, refused)))
    campaign.ledger.record_mail(
        replace(record, state=delivery.state, detail=detail, recorded_at=clock())
    )
    if delivery.state is MailState.SENT:
        draft = _draft(campaign, made, item)
        write_atomically(draft.parent / SENT_FOLDER / draft.name, data)
        draft.unlink(missing_ok=True)
    return replace(delivery, detail=detail)


def _record(
    occasion: Occasion, item: Item, state: MailState, detail: str, by: str, at: dt.datetime
) -> MailRecord:
    letter = item.letter
    return MailRecord(
        letter.unit.code,
        str(occasion),
        item.about,
        item.attempt,
        letter.message_id,
        "、".join(letter.recipients),
        letter.subject,
        item.files,
        state,
        detail,
        by,
        at,
    )


def send_test(
    made: Batch,
    address: str,
    courier: Courier,
    now: dt.datetime,
    pause: Callable[[], None],
    progress: Callable[[], None] = lambda: None,
) -> SendReport:
    """Send all mails of a batch to one address; the ledger knows nothing of it.

    Raises PerfxlError for an address that is none.
    """
    fault = address_fault(address)
    if fault:
        raise PerfxlError(f"“{address}”不是邮箱地址：{fault}", remedy="写法如 name@example.com")
    done = []
    try:
        for number, item in enumerate(made.items):
            if number:
                pause()
            # A test is not to be answered into the campaign, so its id is not one of ours.
            identity = item.letter.message_id.replace("<perfxl.", f"<test.{now:%H%M%S}.")
            letter = replace(
                item.letter,
                message_id=identity,
                to=(address,),
                copies=(),
                subject=_TO_ONESELF + item.letter.subject,
            )
            data = compose(letter, made.settings.sender, made.sender_name, now).as_bytes()
            delivery = courier.send(made.settings.sender, letter.recipients, data)
            done.append(Sent(letter.unit, delivery))
            progress()
    finally:
        courier.close()
    return SendReport(done, (), None)


def mark_sent(
    campaign: Campaign, occasion: Occasion, units: Collection[str], by: str, now: dt.datetime
) -> list[Unit]:
    """Record on the operator's word that the mails to these units (codes) have left.

    That is so for a mail in doubt, and for a draft that was sent by hand. Raises as ``batch``.
    """
    history = [one for one in campaign.ledger.mails() if one.occasion == occasion]
    marked = []
    for code in sorted(units):
        own = standing(one for one in history if one.unit == code).values()
        doubtful = [one for one in own if one.state in DOUBTFUL]
        for one in doubtful:
            campaign.ledger.record_mail(
                replace(
                    one, state=MailState.MARKED_SENT, detail="", recorded_by=by, recorded_at=now
                )
            )
        if not doubtful:
            made = batch(campaign, occasion, now, units={code})
            for item in made.waiting:
                campaign.ledger.record_mail(
                    _record(occasion, item, MailState.MARKED_SENT, "由人工发出", by, now)
                )
        marked.append(campaign.plan.unit_by_code[code])
    return marked


def mails_in_force(campaign: Campaign) -> list[MailRecord]:
    """The last step of every mail that was ever sent or tried, in order."""
    return sorted(standing(campaign.ledger.mails()).values(), key=lambda one: one.number)
