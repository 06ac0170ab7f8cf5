"""What comes out of an envelope: its members under names fit to be shown, within limits.

Nothing disappears silently: a member is enclosed, refused with a line that says why, or passed
over by name.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from perfxl.errors import Fault, Unreadable

MiB = 1 << 20
MOST_MEMBERS = 2_000
LARGEST_TOTAL, LARGEST_MEMBER = 256 * MiB, 64 * MiB
MOST_INFLATED = 200
LONGEST_NAME = 120

SEND_FILES = "请解压后把其中的文件放进收件文件夹，或让单位改用 zip 重新报送"
SEND_AGAIN = "请重新报送，或直接报送其中的文件"

_LITTER = {"thumbs.db", "desktop.ini", ".ds_store"}
_GB_CHARSETS = ("gb2312", "gbk", "cp936", "ms936", "gb18030")
_DRIVE = re.compile(r"^[A-Za-z]:")
# Of what Unicode calls "other" and the two line breaks nothing is shown: a right-to-left
# override makes "slx.exe" look like "exe.xls".
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Why(StrEnum):
    """Why a member was not taken out, as the end of the sentence that says so."""

    ENCRYPTED = "已加密，没有取出"
    DAMAGED = "已损坏，没有取出"
    NOT_UNPACKED = "已损坏，或本机的解压组件打不开它，没有取出"
    TOO_LARGE = "超过 64 MB，没有取出"
    INFLATED = "展开后异常膨胀，没有取出"
    LINK = "是链接而不是文件，没有取出"
    METHOD = "用了少见的压缩方法，没有取出"
    SAME_NAME = "与包内另一个文件同名，没有取出"
    NESTED = "转发的层次过深，没有取出"
    TNEF = "是 Outlook 专用格式的附件，没有取出，请对方改用普通格式发送"
    SEALED = "是加密或签名封装的邮件内容，没有取出"
    ELSEWHERE = "只是一个指向别处的链接，没有取出"
    OBJECT = "是嵌入的对象，没有取出"


@dataclass(frozen=True)
class Enclosed:
    """One file out of an envelope; ``name`` and ``folder`` are for display, never a path."""

    name: str
    folder: str
    data: bytes


@dataclass(frozen=True)
class Envelope:
    """What was inside one envelope, one level deep; sender, subject and time only for mail."""

    sender: str
    subject: str
    sent_at: dt.datetime | None
    enclosed: tuple[Enclosed, ...]
    refused: tuple[str, ...]
    passed_over: tuple[str, ...]


@dataclass
class Contents:
    """Collects one envelope's members, and knows the limits on them."""

    enclosed: list[Enclosed] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    members: int = 0
    encrypted: int = 0
    announced: int = 0
    taken: int = 0

    def admits(self, path: str, size: int, packed: int, *, encrypted: bool = False) -> bool:
        """Whether a member may be inflated, by what is stated for it; says so where not.

        Raises Unreadable where there are too many members or their total is too large.
        """
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise _too_large(f"里面的文件超过 {MOST_MEMBERS} 个")
        folder, name = shown(path)
        if is_litter(folder, name):
            self.pass_over(path)
            return False
        if encrypted:
            self.refuse(path, Why.ENCRYPTED)
            return False
        if size > LARGEST_MEMBER:
            self.refuse(path, Why.TOO_LARGE)
            return False
        if size > MiB and size > MOST_INFLATED * max(packed, 1):
            self.refuse(path, Why.INFLATED)
            return False
        self.announced += size
        if self.announced > LARGEST_TOTAL:
            raise _too_large("里面的文件合计超过 256 MB")
        return True

    def take(self, path: str, data: bytes) -> None:
        """Enclose a member; what it really measures counts, whatever was stated."""
        if len(data) > LARGEST_MEMBER:
            self.refuse(path, Why.TOO_LARGE)
            return
        self.taken += len(data)
        if self.taken > LARGEST_TOTAL:
            raise _too_large("里面的文件合计超过 256 MB")
        folder, name = shown(path)
        self.enclosed.append(Enclosed(name, folder, data))

    def refuse(self, path: str, why: Why) -> None:
        """Say that a member was not taken out."""
        folder, name = shown(path)
        self.encrypted += why is Why.ENCRYPTED
        self.refused.append(f"“{folder}/{name}”{why}" if folder else f"“{name}”{why}")

    def pass_over(self, path: str) -> None:
        """Leave out what nobody meant to send."""
        self.passed_over.append("/".join(filter(None, shown(path))))

    def none_but_encrypted(self) -> bool:
        """Whether all that somebody meant to send is encrypted."""
        return 0 < self.encrypted == self.members - len(self.passed_over)

    def envelope(
        self, sender: str = "", subject: str = "", sent_at: dt.datetime | None = None
    ) -> Envelope:
        """What was collected."""
        return Envelope(
            sender,
            subject,
            sent_at,
            tuple(self.enclosed),
            tuple(self.refused),
            tuple(self.passed_over),
        )


def is_litter(folder: str, name: str) -> bool:
    """Whether a member is a system's or an office program's own, not something sent."""
    return (
        name.lower() in _LITTER
        or name.startswith(("~$", ".~", "._"))
        or "__MACOSX" in folder.split("/")
    )


def shown(path: str) -> tuple[str, str]:
    """Folder and name for display: no control characters, nothing that climbs or starts a path."""
    parts = []
    for part in path.replace("\\", "/").split("/"):
        visible = _DRIVE.sub("", text_without_controls(part)).strip()
        if visible not in ("", ".", ".."):
            parts.append(visible)
    *folders, name = parts or ["未命名"]
    if len(name) > LONGEST_NAME:
        stem, dot, suffix = name.rpartition(".")
        kept = dot + suffix if stem and len(suffix) <= 8 else ""
        name = name[: LONGEST_NAME - len(kept)] + kept
    return "/".join(folders)[:LONGEST_NAME], name


def text_without_controls(text: str) -> str:
    """Text on one line, without characters that cannot be seen."""
    spaced = "".join(" " if character in "\t\r\n" else character for character in text)
    return "".join(
        character for character in spaced if unicodedata.category(character) not in _HIDDEN
    ).strip()


def decoded(raw: bytes, charset: str = "") -> str:
    """Bytes that somebody wrote as text without saying, or wrongly saying, in which charset.

    Chinese Windows writes GBK. Short GBK text ("目录", for one) can happen to be valid UTF-8,
    but then of characters below U+0800 only.
    """
    # GB 18030 reads all that was written as GBK or GB 2312, and more.
    named = "" if charset.lower() in _GB_CHARSETS else charset
    if not named:
        with contextlib.suppress(UnicodeDecodeError):
            text = raw.decode("utf-8")
            if text.isascii() or any(ord(character) >= 0x800 for character in text):
                return text
    for candidate in filter(None, (named, "gb18030", "utf-8")):
        # An unknown charset is a LookupError, one with a NUL in its name a ValueError.
        with contextlib.suppress(LookupError, ValueError):
            return raw.decode(candidate)
    return raw.decode("cp437")


@contextlib.contextmanager
def library(
    what: str, known: Mapping[type[Exception], Callable[[], Unreadable]] | None = None
) -> Iterator[None]:
    """Around a call of a parsing library: on damaged input these raise whatever there is.

    ``known`` are exceptions that say something else than that ``what`` is damaged.
    """
    try:
        yield
    except (Unreadable, MemoryError):
        raise
    except Exception as error:
        told = next((make for kind, make in (known or {}).items() if isinstance(error, kind)), None)
        raise (told() if told else damaged(what)) from error


def damaged(what: str) -> Unreadable:
    """The mistake for an envelope that cannot be taken apart."""
    return Unreadable(f"{what}损坏或不完整，无法打开", remedy=SEND_AGAIN, fault=Fault.DAMAGED)


def all_encrypted() -> Unreadable:
    """The mistake for an archive that gives nothing without its password."""
    return Unreadable("压缩包已加密", remedy="请用不带密码的压缩包重新报送", fault=Fault.ENCRYPTED)


def a_volume() -> Unreadable:
    """The mistake for one part of an archive that was split."""
    return Unreadable(
        "这是分卷压缩包中的一卷，单独打不开",
        remedy="请把各卷合在一起解压，再把其中的文件放进收件文件夹",
        fault=Fault.DAMAGED,
    )


def no_component(kind: str) -> Unreadable:
    """The mistake for an envelope whose library or program is not installed here."""
    return Unreadable(f"这是 {kind}，本机没有能打开它的组件", remedy=SEND_FILES)


def _too_large(what: str) -> Unreadable:
    return Unreadable(
        f"{what}，已拒绝打开", remedy="请分成几份报送，不要附无关的文件", fault=Fault.TOO_LARGE
    )
