"""A mail as a MIME message: plain and HTML text, attachments with names that arrive readable.

Names of attachments go out twice: as RFC 2231 says, and as RFC 2047 encoded words in the parameter
``name``, which no standard allows and older clients in China read.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import mimetypes
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from perfxl.plan.model import Unit

CHINA = dt.timezone(dt.timedelta(hours=8))
# Bytes of a name in one encoded word: RFC 2047 allows 75 characters of it.
_BYTES_A_WORD = 42
_FOLD = "\r\n "
_TYPES = {
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".pdf": "application/pdf",
}


@dataclass(frozen=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The hash of its content."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Letter:
    """One mail to one unit, before it becomes a message; subject and body are filled in."""

    unit: Unit
    message_id: str
    to: Sequence[str]
    copies: Sequence[str]
    subject: str
    body: str
    attachments: Sequence[Attachment]

    @property
    def recipients(self) -> tuple[str, ...]:
        """All addresses that it goes to."""
        return tuple(dict.fromkeys((*self.to, *self.copies)))


class _AsIs(str):
    """A header's value that is folded already and goes out as it stands."""

    __slots__ = ()


class _Policy(EmailPolicy):
    """The policy for sending, which leaves headers alone that were made ready by hand."""

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        """Store a header; see ``_AsIs``."""
        if isinstance(value, _AsIs):
            return name, value
        return super().header_store_parse(name, value)


_POLICY = _Policy(
    linesep="\r\n", max_line_length=78, cte_type="7bit", utf8=False, refold_source="none"
)


def compose(letter: Letter, sender: str, sender_name: str, date: dt.datetime) -> EmailMessage:
    """The message; ``date`` is this computer's time. The addresses must be right already."""
    message = EmailMessage(policy=_POLICY)
    message["From"] = _addresses(sender_name, [sender])
    message["To"] = _addresses(letter.unit.name, letter.to)
    if letter.copies:
        message["Cc"] = _addresses("", letter.copies)
    message["Subject"] = _AsIs(_FOLD.join(_encoded_words(letter.subject)))
    message["Date"] = format_datetime(date.astimezone(CHINA))
    # Python would fold a long one, into encoded words.
    message["Message-ID"] = _AsIs(letter.message_id)
    message.set_content(letter.body + "\n", subtype="plain", charset="utf-8", cte="base64")
    message.add_alternative(_as_html(letter.body), subtype="html", charset="utf-8", cte="base64")
    for attachment in letter.attachments:
        _attach(message, attachment)
    return message


def _addresses(name: str, addresses: Sequence[str]) -> _AsIs:
    """Mailboxes that share a name, an address a line.

    Python's own folding may begin a header with an empty line, which some programs show as a space.
    """
    if not name:
        return _AsIs(f",{_FOLD}".join(addresses))
    words = _FOLD.join(_encoded_words(name))
    return _AsIs(f",{_FOLD}".join(f"{words}{_FOLD}<{address}>" for address in addresses))


def _attach(message: EmailMessage, attachment: Attachment) -> None:
    suffix = "." + attachment.name.rpartition(".")[2].lower()
    kind = _TYPES.get(suffix) or mimetypes.guess_type(attachment.name)[0]
    kind = kind or "application/octet-stream"
    maintype, _, subtype = kind.partition("/")
    message.add_attachment(
        attachment.data, maintype=maintype, subtype=subtype, filename=attachment.name
    )
    part = list(message.iter_attachments())[-1]
    encoded = _FOLD.join(_encoded_words(attachment.name))
    part.replace_header("Content-Type", _AsIs(f'{kind};\r\n name="{encoded}"'))
    name = quote(attachment.name, safe="")
    # On one line: RFC 2231's continuations are lost on some clients, and 998 characters are allowed.
    disposition = f"attachment;\r\n filename*=UTF-8''{name}"
    part.replace_header("Content-Disposition", _AsIs(disposition))


def _encoded_words(text: str) -> list[str]:
    """RFC 2047 encoded words, none of which parts a character."""
    words, chunk = [], b""
    for character in text:
        encoded = character.encode("utf-8")
        if len(chunk) + len(encoded) > _BYTES_A_WORD:
            words.append(chunk)
            chunk = b""
        chunk += encoded
    return [f"=?UTF-8?B?{b64encode(word).decode()}?=" for word in (*words, chunk)]


def _as_html(body: str) -> str:
    paragraphs = "\n".join(
        f'<p style="margin:0 0 .4em 0">{html.escape(line) or "&nbsp;"}</p>'
        for line in body.splitlines()
    )
    return (
        '<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8"></head>'
        '<body style="font-family:宋体,SimSun,serif;font-size:12pt;line-height:1.6">\n'
        f"{paragraphs}\n</body></html>\n"
    )
