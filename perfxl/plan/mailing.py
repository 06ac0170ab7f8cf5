"""What the plan says of mail: its occasions, their texts, the servers; and addresses as people type."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# RFC 5321: an address is no longer than this.
LONGEST_ADDRESS = 254
_SEPARATORS = re.compile(r"[、,，;；\s]+")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
# The dot-atom form of RFC 5322 in a domain of at least two labels, which is what mailboxes have;
# addresses in Chinese characters (SMTPUTF8) are not taken by QQ and 163.
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


class Occasion(StrEnum):
    """What a mail to a unit is about."""

    ISSUE = "下发"
    REMIND = "催报"
    SEND_BACK = "退回修改"
    FEEDBACK = "反馈与整改"
    CIRCULAR = "通报"


class Security(StrEnum):
    """How the connection to a mail server is kept secret."""

    TLS = "TLS"
    STARTTLS = "STARTTLS"
    NONE = "不加密"


@dataclass(frozen=True)
class MailText:
    """Subject and text of one occasion, with {placeholders}, and the cells where they stand."""

    subject: str
    body: str
    subject_cell: str = field(default="", compare=False)
    body_cell: str = field(default="", compare=False)


@dataclass(frozen=True)
class Server:
    """One mail server: ``port`` 0 stands for the usual one of this security."""

    host: str = ""
    port: int = 0
    security: Security = Security.TLS
    user: str = ""

    @property
    def is_here(self) -> bool:
        """Whether the host is this computer itself."""
        if self.host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True)
class MailSettings:
    """The sheet 邮件设置; ``cells`` names the cell of each item that the sheet has.

    ``per_minute`` is the most mails sent in a minute; ``since`` the day from which mail is
    collected, None for all that lies in the folder.
    """

    smtp: Server = Server()
    sender: str = ""
    sender_name: str = ""
    per_minute: int = 20
    imap: Server = Server()
    folder: str = "INBOX"
    since: dt.date | None = None
    cells: Mapping[str, str] = field(default_factory=dict, compare=False)


def addresses_in(text: str) -> tuple[str, ...]:
    """The addresses in a cell, as typed: several are parted by 、, comma, semicolon or space."""
    return tuple(dict.fromkeys(filter(None, _SEPARATORS.split(text))))


def address_fault(address: str) -> str:
    """Why this is no mail address, in Chinese; blank where it is one."""
    if "＠" in address or "。" in address:
        return "含全角的 ＠ 或句号，请改用半角"
    if not address.isascii():
        return "含中文或全角字符"
    if address.count("@") != 1:
        return "应有且只有一个 @"
    if len(address) > LONGEST_ADDRESS:
        return f"超过 {LONGEST_ADDRESS} 个字符"
    return "" if _ADDRESS.fullmatch(address) else "不合邮箱地址的写法"
