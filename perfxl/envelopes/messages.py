"""Mail messages: .eml with the standard library, Outlook's .msg with olefile, which may be missing.

The raw headers are read, not the parsed ones of ``email.policy.default``: those raise on hostile
senders and lose what old programs wrote in GBK without saying so.
"""

from __future__ import annotations

import datetime as dt
import email
import email.header
import email.utils
import io
import re
import struct
from email.errors import (
    CloseBoundaryNotFoundDefect,
    HeaderParseError,
    NoBoundaryInMultipartDefect,
    StartBoundaryNotFoundDefect,
)
from email.message import Message
from email.policy import Compat32
from typing import Any

from perfxl.envelopes.contents import (
    Contents,
    Why,
    decoded,
    library,
    no_component,
    text_without_controls,
)

Head = tuple[str, str, dt.datetime | None]

CHINA = dt.timezone(dt.timedelta(hours=8))
DEEPEST_FORWARD = 5
LONGEST_HEADER = 20_000
LARGEST_INLINE_IMAGE = 100_000

_INCOMPLETE = "邮件不完整，可能还有附件没有取出"
_UNNAMED = "未命名附件"
# How an attachment looks where the line before it is damaged and it counts as text: a workbook or
# an archive in base64. Within one in base64 another shows by its headers.
_ATTACHMENT_IN_TEXT = re.compile(r"^(?:UEsDB|0M8R4KGxGuE|N3q8ryc|UmFyIRo)[A-Za-z0-9+/]{40}", re.M)
_HEADER_IN_BASE64 = re.compile(r"^content-[a-z-]+:", re.M | re.I)
_TNEF_TYPES = ("application/ms-tnef", "application/vnd.ms-tnef")
_SEALED_TYPES = (
    "application/pkcs7-mime",
    "application/x-pkcs7-mime",
    "application/x-microsoft-rpmsg-message",
)
_SIGNATURE_TYPES = (
    "application/pkcs7-signature",
    "application/x-pkcs7-signature",
    "application/pgp-signature",
)
_FOLD = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*")


class _AsSent(Compat32):
    """Gives headers as they were sent, with what is not ASCII decoded."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        # Reading what is longer takes the standard library time that grows with its square.
        value = value[:LONGEST_HEADER]
        return value if value.isascii() else decoded(value.encode("utf-8", "surrogateescape"))


def open_eml(data: bytes, contents: Contents) -> Head:
    """Take the attachments out of a mail message; who sent it, its subject, when it was sent."""
    with library("邮件"):
        message = email.message_from_bytes(data, policy=as_sent())
        head = head_of(message)
        _take_parts(message, contents, "", 0)
    return head


def as_sent() -> Compat32:
    """The policy under which messages are parsed here."""
    return _AsSent()


def head_of(message: Message) -> Head:
    """Who sent a message, its subject, when it was sent."""
    senders = message.get_all("from") or []
    return (
        address_of(senders[0]) if len(senders) == 1 else "",
        header_text(message.get("subject") or ""),
        moment_of(message.get("date") or ""),
    )


def _take_parts(part: Message, contents: Contents, folder: str, forwards: int) -> None:
    kind = part.get_content_type()
    if any(
        isinstance(
            defect,
            CloseBoundaryNotFoundDefect | StartBoundaryNotFoundDefect | NoBoundaryInMultipartDefect,
        )
        for defect in part.defects
    ) or _has_swallowed(part):
        contents.refused.append(_INCOMPLETE)
    if not part.is_multipart():
        if part.get_content_maintype() != "multipart":
            _take_leaf(part, kind, contents, folder)
        return
    children: list[Message] = part.get_payload()  # type: ignore[assignment]
    if kind in ("message/rfc822", "message/global"):
        forwarded = header_text(children[0].get("subject") or "") or "转发的邮件"
        folder = (
            f"{folder}/{forwarded.replace('/', ' ')}" if folder else forwarded.replace("/", " ")
        )
        forwards += 1
        if forwards > DEEPEST_FORWARD:
            contents.refuse(forwarded, Why.NESTED)
            return
        if str(part.get("content-transfer-encoding") or "").strip().lower() == "base64":
            # Against the rules, and seen: what was parsed as headers is the encoded message.
            children[0]["Content-Transfer-Encoding"] = "base64"
            _take(f"{folder}.eml", _payload(children[0]), contents)
            return
    elif part.get_content_maintype() == "message":
        contents.pass_over(f"{folder}/{kind.replace('/', ' ')}")
        return
    for child in children:
        _take_parts(child, contents, folder, forwards)


def _has_swallowed(part: Message) -> bool:
    """Whether another part of the message is taken for the text of this one."""
    if part.is_multipart():
        beside = (part.preamble, part.epilogue)
        return any(_ATTACHMENT_IN_TEXT.search(text) for text in beside if text)
    text = part.get_payload()
    if not isinstance(text, str):
        return False
    if str(part.get("content-transfer-encoding") or "").strip().lower() == "base64":
        return bool(_HEADER_IN_BASE64.search(text))
    # A message that is attached as a file may hold attachments.
    is_body = part.get_content_maintype() == "text" and not _file_name(part)
    return is_body and bool(_ATTACHMENT_IN_TEXT.search(text))


def _take_leaf(part: Message, kind: str, contents: Contents, folder: str) -> None:
    # A name may hold the path that the file had at the sender's.
    name = _file_name(part).replace("\\", "/").rpartition("/")[2]
    path = f"{folder}/{name or _UNNAMED}"
    attached = part.get_content_disposition() == "attachment"
    if kind == "message/external-body":
        contents.refuse(path, Why.ELSEWHERE)
    elif kind == "text/calendar":
        contents.pass_over(path)
    elif name or attached or part.get_content_maintype() != "text":
        inline = "content-id" in part and not attached
        _take_attachment(path, kind, _payload(part), contents, inline=inline)


def _take_attachment(
    path: str, kind: str, data: bytes, contents: Contents, *, inline: bool
) -> None:
    if kind in _TNEF_TYPES or path.lower().endswith("winmail.dat"):
        contents.refuse(path, Why.TNEF)
    elif kind in _SEALED_TYPES or path.lower().endswith((".p7m", ".rpmsg")):
        contents.refuse(path, Why.SEALED)
    elif kind in _SIGNATURE_TYPES or (
        inline and kind.startswith("image/") and len(data) < LARGEST_INLINE_IMAGE
    ):
        contents.pass_over(path)
    else:
        _take(path, data, contents)


def _take(path: str, data: bytes, contents: Contents) -> None:
    if contents.admits(path, len(data), len(data)):
        contents.take(path, data)


def _payload(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _file_name(part: Message) -> str:
    value: Any = part.get_param("filename", None, "content-disposition")
    if value is None:
        value = part.get_param("name", None, "content-type")
    if isinstance(value, tuple):
        # RFC 2231: charset, language, and the bytes as one character each.
        charset, _, text = value
        try:
            return decoded(text.encode("latin-1"), charset or "")
        except UnicodeEncodeError:
            return str(text)
    return header_text(value or "")


def header_text(raw: str) -> str:
    """A header as text on one line, its encoded words decoded."""
    unfolded = _FOLD.sub(" ", raw)
    try:
        chunks = email.header.decode_header(unfolded)
    except (HeaderParseError, ValueError):
        return text_without_controls(unfolded)
    text = "".join(
        chunk if isinstance(chunk, str) else _chunk_text(chunk, charset or "")
        for chunk, charset in chunks
    )
    return text_without_controls(_FOLD.sub(" ", text))


def _chunk_text(chunk: bytes, charset: str) -> str:
    # What stood between encoded words comes as bytes without a charset, escaped.
    return decoded(chunk, charset) if charset else chunk.decode("raw-unicode-escape", "replace")


def address_of(raw: str) -> str:
    """The one e-mail address of a From header in lower case; nothing where there is not one."""
    try:
        found = [address for _, address in email.utils.getaddresses([raw]) if address]
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        return ""
    address = found[0].strip().lower() if len(found) == 1 else ""
    return address if _ADDRESS.fullmatch(address) else ""


def moment_of(raw: str) -> dt.datetime | None:
    """A Date header as local time in China; a time without a zone is taken to be that already."""
    try:
        moment = email.utils.parsedate_to_datetime(raw)
        if moment.tzinfo is None:
            # "-0000" says that the time is UTC and the zone of the sender unknown.
            if not raw.rstrip().endswith("-0000"):
                return moment
            moment = moment.replace(tzinfo=dt.UTC)
        return moment.astimezone(CHINA).replace(tzinfo=None)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


# Outlook's names for what is needed: see [MS-OXPROPS]; the last four digits of a stream's name
# say how its text is written.
_SUBJECT, _CLASS, _HEADERS = 0x0037, 0x001A, 0x007D
_SENDER_SMTP, _SENT_FOR_SMTP = 0x5D01, 0x5D02
_SENDER_KIND, _SENDER_ADDRESS = 0x0C1E, 0x0C1F
_SUBMITTED, _DELIVERED = 0x0039, 0x0E06
_CODE_PAGE = 0x3FFD
_LONG_NAME, _SHORT_NAME, _SHOWN_NAME = 0x3707, 0x3704, 0x3001
_MIME_TYPE, _CONTENT_ID, _METHOD, _DATA = 0x370E, 0x3712, 0x3705, 0x3701
_UNICODE, _EIGHT_BIT, _BINARY, _STORAGE = 0x001F, 0x001E, 0x0102, 0x000D
_EMBEDDED_MESSAGE, _OLE_OBJECT = 5, 6
_BY_REFERENCE = (2, 3, 4, 7)
_EPOCH = dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
_ROOT_HEADER, _EMBEDDED_HEADER, _ATTACHMENT_HEADER = 32, 24, 8


def open_msg(data: bytes, contents: Contents) -> Head:
    """Take the attachments out of an Outlook message; its sender, subject and time."""
    try:
        import olefile  # noqa: PLC0415 - only for these messages, and may be missing
    except ImportError as error:
        raise no_component("Outlook 邮件（.msg）") from error
    with library("邮件"), olefile.OleFileIO(io.BytesIO(data)) as ole:
        message = _Properties(ole, (), _ROOT_HEADER, "")
        headers = email.message_from_string(message.text(_HEADERS), policy=as_sent())
        sent_at = message.moment(_SUBMITTED) or moment_of(headers.get("date") or "")
        subject = text_without_controls(message.text(_SUBJECT))
        _take_attachments(message, contents, "", 0)
        return _sender(message, headers), subject, sent_at or message.moment(_DELIVERED)


def _sender(message: _Properties, headers: Message) -> str:
    candidates = [message.text(_SENDER_SMTP)]
    # Inside one Exchange the address is a directory entry instead.
    if message.text(_SENDER_KIND).upper() == "SMTP":
        candidates.append(message.text(_SENDER_ADDRESS))
    candidates += [message.text(_SENT_FOR_SMTP), *(headers.get_all("from") or [])[:1]]
    return next(filter(None, map(address_of, candidates)), "")


def _take_attachments(message: _Properties, contents: Contents, folder: str, forwards: int) -> None:
    for storage in message.storages("__attach_version1.0_#"):
        attachment = _Properties(message.ole, storage, _ATTACHMENT_HEADER, message.charset)
        names = map(attachment.text, (_LONG_NAME, _SHORT_NAME, _SHOWN_NAME))
        path = f"{folder}/{next(filter(None, names), _UNNAMED).replace('/', ' ')}"
        method = attachment.number(_METHOD)
        if method == _EMBEDDED_MESSAGE:
            if forwards == DEEPEST_FORWARD:
                contents.refuse(path, Why.NESTED)
                continue
            inner = (*storage, _stream_name(_DATA, _STORAGE))
            forwarded = _Properties(message.ole, inner, _EMBEDDED_HEADER, message.charset)
            _take_attachments(forwarded, contents, path, forwards + 1)
        elif method == _OLE_OBJECT:
            contents.refuse(path, Why.OBJECT)
        elif method in _BY_REFERENCE:
            contents.refuse(path, Why.ELSEWHERE)
        elif not attachment.has(_DATA, _BINARY):
            contents.refuse(path, Why.DAMAGED)
        else:
            inline = bool(attachment.text(_CONTENT_ID))
            kind = attachment.text(_MIME_TYPE).lower()
            _take_attachment(path, kind, attachment.stream(_DATA, _BINARY), contents, inline=inline)


def _stream_name(tag: int, kind: int) -> str:
    return f"__substg1.0_{tag:04X}{kind:04X}"


class _Properties:
    """The properties of a message or an attachment: one storage of the OLE file."""

    def __init__(self, ole: Any, path: tuple[str, ...], header_size: int, charset: str) -> None:
        self.ole = ole
        self._path = path
        fixed = self._read("__properties_version1.0")[header_size:]
        self._fixed = {
            struct.unpack_from("<H", fixed, at + 2)[0]: fixed[at + 8 : at + 16]
            for at in range(0, len(fixed) - 15, 16)
        }
        code_page = self.number(_CODE_PAGE)
        self.charset = (
            {65001: "utf-8", 936: "gbk"}.get(code_page, f"cp{code_page}") if code_page else charset
        )

    def has(self, tag: int, kind: int) -> bool:
        """Whether there is such a stream."""
        return bool(self.ole.exists([*self._path, _stream_name(tag, kind)]))

    def stream(self, tag: int, kind: int) -> bytes:
        """A property of any length; nothing where there is none."""
        return self._read(_stream_name(tag, kind))

    def text(self, tag: int) -> str:
        """A property that is text; nothing where there is none."""
        wide = self.stream(tag, _UNICODE)
        text = wide.decode("utf-16-le", "replace") if wide else ""
        return (text or decoded(self.stream(tag, _EIGHT_BIT), self.charset)).rstrip("\0")

    def number(self, tag: int) -> int:
        """A property that is a whole number; 0 where there is none."""
        return int.from_bytes(self._fixed.get(tag, b"")[:4], "little")

    def moment(self, tag: int) -> dt.datetime | None:
        """A property that is a time, as local time in China."""
        ticks = int.from_bytes(self._fixed.get(tag, b""), "little")
        try:
            moment = (_EPOCH + dt.timedelta(microseconds=ticks // 10)).astimezone(CHINA)
        except OverflowError:
            return None
        return moment.replace(microsecond=0, tzinfo=None) if ticks else None

    def storages(self, prefix: str) -> list[tuple[str, ...]]:
        """The storages right below this one whose names begin so."""
        depth = len(self._path)
        return sorted(
            tuple(path)
            for path in self.ole.listdir(streams=False, storages=True)
            if len(path) == depth + 1
            and tuple(path[:depth]) == self._path
            and path[depth].startswith(prefix)
        )

    def _read(self, name: str) -> bytes:
        path = [*self._path, name]
        if not self.ole.exists(path):
            return b""
        with self.ole.openstream(path) as stream:
            return bytes(stream.read())
