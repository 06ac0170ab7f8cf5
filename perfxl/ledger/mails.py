"""What the ledger holds of mail: what was sent to units, and what was collected from a mailbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class MailState(StrEnum):
    """How a mail to a unit stands; ``SENDING`` that nothing followed means that nobody knows."""

    SENDING = "发送中"
    SENT = "已发出"
    REFUSED = "被拒收"
    NOT_SENT = "未发出"
    IN_DOUBT = "待定"
    MARKED_SENT = "认定已发"
    BOUNCED = "被退信"


# The mail left, or nobody knows whether it did: it is not sent again unless the operator says so.
KEPT_BACK = frozenset(
    {
        MailState.SENDING,
        MailState.SENT,
        MailState.IN_DOUBT,
        MailState.MARKED_SENT,
        MailState.BOUNCED,
    }
)
DOUBTFUL = frozenset({MailState.SENDING, MailState.IN_DOUBT})


@dataclass(frozen=True)
class MailRecord:
    """One step of one mail to a unit.

    ``about`` tells several mails of one occasion apart: the hash of the return that was sent back,
    the day of a reminder. ``files`` are lines of hash and name; ``recipients`` are parted by 、.
    """

    unit: str
    occasion: str
    about: str
    attempt: int
    message_id: str
    recipients: str
    subject: str
    files: str
    state: MailState
    detail: str
    recorded_by: str
    recorded_at: dt.datetime
    number: int = 0


@dataclass(frozen=True)
class Collected:
    """One message that was taken from a mailbox; ``sha256`` names it in 原件/.

    ``validity`` and ``uid`` are the server's (RFC 3501): together with folder and account they
    name a message for good. ``unit`` is the code of the unit to whose mail it is a reply.
    """

    account: str
    folder: str
    validity: int
    uid: int
    sha256: str
    unit: str
    kind: str
    sender: str
    subject: str
    detail: str
    arrived_at: dt.datetime
    collected_at: dt.datetime


def mail_state(record: MailRecord) -> MailState:
    """The state to tell people: a sending that nothing followed is in doubt."""
    return MailState.IN_DOUBT if record.state in DOUBTFUL else record.state


def standing(records: Iterable[MailRecord]) -> Mapping[tuple[str, str, str], MailRecord]:
    """The last step of every mail, by unit, occasion and what it is about."""
    return {(one.unit, one.occasion, one.about): one for one in records}
