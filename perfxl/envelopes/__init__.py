"""What returned workbooks come in: archives and mail messages, told by content and taken apart.

Meant to run in the isolated worker: nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from typing import Any

from perfxl.envelopes.contents import Contents, Enclosed, Envelope
from perfxl.errors import Fault, Unreadable

__all__ = ["Enclosed", "Envelope", "envelope_of", "is_envelope", "open_envelope", "open_plain"]

_ZIP_HEADS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08PK\x03\x04")
_SEVEN_ZIP_HEAD, _RAR_HEAD = b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"
_OLE_HEAD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LONGEST_COMMENT = 65_535 + 22

_DOCUMENT_FOLDERS = (b"_rels/", b"xl/", b"word/", b"ppt/", b"docprops/")
_OPEN_DOCUMENT = b"application/vnd.oasis.opendocument"
_OFD = b"ofd.xml"

_MESSAGE_PROPERTIES = "__properties_version1.0"
_WORKBOOK_STREAM = "Workbook"

# A byte order mark, blank lines, the line that mailboxes put before a message.
_BEFORE_HEADERS = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:From [^\r\n]*\r?\n)?")
_HEADER = re.compile(rb"([A-Za-z][A-Za-z0-9-]*):[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*(?:\r?\n|$)")
_MAIL_ONLY = {
    *(b"from", b"sender", b"to", b"cc", b"reply-to", b"subject", b"date", b"message-id"),
    *(b"return-path", b"received", b"delivered-to", b"dkim-signature"),
}
_HEADERS_LOOKED_AT = 40


def is_envelope(data: bytes) -> bool:
    """Whether this is an archive or a mail message, by content; an office document is neither."""
    return bool(_kind(data))


def open_envelope(data: bytes) -> Envelope:
    """What is inside, one level deep: an archive in an archive is handed over closed.

    Raises Unreadable (no envelope, damaged, encrypted, too large, a component is missing).
    """
    contents = Contents()
    kind = _kind(data)
    if kind in ("zip", "7z", "rar"):
        from perfxl.envelopes import archives  # noqa: PLC0415 - only when there is one

        {"zip": archives.open_zip, "7z": archives.open_7z, "rar": archives.open_rar}[kind](
            data, contents
        )
        return contents.envelope()
    if kind in ("eml", "msg"):
        from perfxl.envelopes import messages  # noqa: PLC0415 - only when there is one

        if kind == "msg":
            return contents.envelope(*messages.open_msg(data, contents))
        start = _BEFORE_HEADERS.match(data)
        return contents.envelope(*messages.open_eml(data[start.end() if start else 0 :], contents))
    raise Unreadable(
        "不是压缩包，也不是邮件",
        remedy="请报送下发的工作簿，或装有它的压缩包、邮件",
        fault=Fault.NOT_A_WORKBOOK,
    )


def open_plain(data: bytes) -> tuple[object, ...]:
    """``open_envelope`` as texts, bytes and containers only, fit to be sent between processes."""
    envelope = open_envelope(data)
    return (
        envelope.sender,
        envelope.subject,
        envelope.sent_at,
        [(each.name, each.folder, each.data) for each in envelope.enclosed],
        list(envelope.refused),
        list(envelope.passed_over),
    )


def envelope_of(plain: tuple[Any, ...]) -> Envelope:
    """The envelope that ``open_plain`` made plain."""
    sender, subject, sent_at, enclosed, refused, passed_over = plain
    return Envelope(
        sender,
        subject,
        sent_at,
        tuple(Enclosed(*each) for each in enclosed),
        tuple(refused),
        tuple(passed_over),
    )


def _kind(data: bytes) -> str:
    if data.startswith(_ZIP_HEADS):
        return "" if _is_document(data) else "zip"
    if data.startswith(_SEVEN_ZIP_HEAD):
        return "7z"
    if data.startswith(_RAR_HEAD):
        return "rar"
    if data.startswith(_OLE_HEAD):
        return "msg" if _is_message(data) else ""
    return "eml" if _is_mail(data) else ""


def _is_document(data: bytes) -> bool:
    """Whether a zip is an office document: OOXML, OpenDocument or the Chinese OFD."""
    names = set(_top_names(data))
    if b"[content_types].xml" in names:
        return any(name.startswith(_DOCUMENT_FOLDERS) for name in names)
    return _OFD in names or (b"mimetype" in names and _OPEN_DOCUMENT in data[:256])


def _top_names(data: bytes) -> Iterator[bytes]:
    """The members' names in lower case; of a zip without its directory what the first tells."""
    end = data.rfind(_END, max(0, len(data) - _LONGEST_COMMENT))
    if end >= 0 and len(data) - end >= 22:
        size, offset = struct.unpack_from("<LL", data, end + 12)
        # The stated offset is wrong where something was put before the archive.
        at = offset if data[offset : offset + 4] == _CENTRAL else end - size
        if data[max(at, 0) : at + 4] == _CENTRAL:
            while data[at : at + 4] == _CENTRAL and at + 46 <= end:
                name_size, extra_size, comment_size = struct.unpack_from("<HHH", data, at + 28)
                yield _plain_name(data[at + 46 : at + 46 + name_size])
                at += 46 + name_size + extra_size + comment_size
            return
    if data.startswith(_LOCAL) and len(data) >= 30:
        first = _plain_name(data[30 : 30 + struct.unpack_from("<H", data, 26)[0]])
        yield first
        # Cut short. No archive that people make begins with one of these.
        if first == b"[content_types].xml" or first.startswith(_DOCUMENT_FOLDERS):
            yield from (b"[content_types].xml", *_DOCUMENT_FOLDERS)


def _plain_name(name: bytes) -> bytes:
    return name.replace(b"\\", b"/").lstrip(b"/").lower()


def _is_message(data: bytes) -> bool:
    """Whether an OLE file is an Outlook message rather than a workbook or a document."""
    if _MESSAGE_PROPERTIES.encode("utf-16-le") not in data:
        return False
    try:
        import olefile  # noqa: PLC0415 - only for what looks like a message
    except ImportError:
        # Opening it says what is missing; a workbook must not be mistaken for it.
        return _WORKBOOK_STREAM.encode("utf-16-le") not in data
    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            return bool(ole.exists(_MESSAGE_PROPERTIES)) and not ole.exists(_WORKBOOK_STREAM)
    except MemoryError:
        raise
    except Exception:
        # On damaged files the library raises whatever there is; opening it will say so.
        return _WORKBOOK_STREAM.encode("utf-16-le") not in data


def _is_mail(data: bytes) -> bool:
    """Whether this begins with the headers of a mail message, at least two of them known."""
    start = _BEFORE_HEADERS.match(data)
    at, names = start.end() if start else 0, set()
    for _ in range(_HEADERS_LOOKED_AT):
        header = _HEADER.match(data, at)
        if not header:
            break
        names.add(header[1].lower())
        at = header.end()
    known = names & _MAIL_ONLY
    return bool(known) and len(known) + len(names & {b"mime-version", b"content-type"}) > 1
