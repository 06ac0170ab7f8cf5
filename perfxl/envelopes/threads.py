"""What a mail message says of itself and of the mails it answers; not what is attached to it."""

from __future__ import annotations

import datetime as dt
import email
import re
from dataclasses import dataclass
from email.message import Message

from perfxl.envelopes.contents import library
from perfxl.envelopes.messages import as_sent, head_of

# A report of failed delivery quotes the message it is about, and the attachment of that.
_QUOTED_LOOKED_AT = 200_000
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,300}>")
_BOUNCERS = ("mailer-daemon@", "postmaster@")
_MOST_IDS = 200
_FAILED = re.compile(rb"^action:[ \t]*failed", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Thread:
    """A message's sender, subject and time, and the Message-IDs that it answers, oldest first.

    ``is_bounce`` says that a server reports a mail that it did not deliver, ``is_automatic`` that
    a program answered.
    """

    sender: str
    subject: str
    sent_at: dt.datetime | None
    answers: tuple[str, ...]
    is_bounce: bool
    is_automatic: bool


def read_thread(data: bytes) -> Thread:
    """Read a message's headers. Raises Unreadable where they are hostile."""
    with library("邮件"):
        message = email.message_from_bytes(data, policy=as_sent())
        sender, subject, sent_at = head_of(message)
        bounce = _is_bounce(message, sender, data)
        answers = _ids(message, "references") + _ids(message, "in-reply-to")
        if bounce:
            quoted = data[:_QUOTED_LOOKED_AT].decode("ascii", "replace")
            answers += _MESSAGE_ID.findall(quoted)
        automatic = str(message.get("auto-submitted") or "").strip().lower()
        return Thread(
            sender,
            subject,
            sent_at,
            tuple(answers[-_MOST_IDS:]),
            bounce,
            automatic.startswith("auto-replied"),
        )


def _ids(message: Message, name: str) -> list[str]:
    return [one for raw in message.get_all(name) or [] for one in _MESSAGE_ID.findall(str(raw))]


def _is_bounce(message: Message, sender: str, data: bytes) -> bool:
    if message.get_content_type() == "multipart/report":
        # A report may also say that the mail is late, and still on its way.
        return bool(_FAILED.search(data[:_QUOTED_LOOKED_AT]))
    return sender.startswith(_BOUNCERS)
