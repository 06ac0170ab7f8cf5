"""Reads a folder of a mailbox by IMAP and marks what was taken; nothing is moved or deleted.

Owns IMAPClient.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ssl
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from perfxl import __version__
from perfxl.errors import MailServerFault
from perfxl.plan.mailing import Security, Server

_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
_SECONDS = 60.0
# A keyword of our own, so that it stays visible to people what they have read; where a server has
# none (163 is one), what was taken is marked as read. The ledger is what counts.
_TAKEN, _READ, _ANY_KEYWORD = b"perfxl", b"\\Seen", b"\\*"


@dataclass(frozen=True)
class Waiting:
    """A message in the folder that was not taken yet; ``arrived_at`` is local time."""

    uid: int
    size: int
    arrived_at: dt.datetime


class Mailbox:
    """One folder of a mailbox, open for reading and marking.

    ``validity`` is the server's number for as long as which the UIDs of the folder hold.
    """

    def __init__(self, server: Server, password: str, folder: str) -> None:
        """Log in and open the folder; raises MailServerFault."""
        self._server = server
        with self._told("连不上收信服务器"):
            self._client: Any = self._logged_in(password)
        try:
            with self._told(f"打不开文件夹“{folder}”"):
                if self._client.has_capability("ID"):
                    # 163 opens no folder to a program that does not say what it is.
                    self._client.id_({"name": "perfxl", "version": __version__})
                chosen = self._client.select_folder(folder)
        except MailServerFault:
            self.close()
            raise
        self.validity = int(chosen[b"UIDVALIDITY"])
        keywords = _ANY_KEYWORD in chosen.get(b"PERMANENTFLAGS", ())
        self._mark = _TAKEN if keywords else _READ

    def waiting(self, taken: Collection[int], since: dt.date | None) -> list[Waiting]:
        """The messages whose UIDs are not among ``taken``, oldest first."""
        with self._told("读不出邮件列表"):
            found = self._client.search(["SINCE", since] if since else ["ALL"])
            uids = sorted(set(found) - set(taken))
            facts = self._client.fetch(uids, ["INTERNALDATE", "RFC822.SIZE"]) if uids else {}
        return [
            Waiting(uid, int(facts[uid][b"RFC822.SIZE"]), facts[uid][b"INTERNALDATE"])
            for uid in uids
            if uid in facts
        ]

    def message(self, uid: int) -> bytes | None:
        """A message whole, without marking it as read; None where it is gone by now."""
        with self._told("读不出邮件"):
            found = self._client.fetch([uid], ["BODY.PEEK[]"])
        content = found.get(uid, {}).get(b"BODY[]")
        return bytes(content) if content is not None else None

    def mark(self, uids: Sequence[int]) -> None:
        """Mark messages as taken."""
        with self._told("不能给邮件作标记"):
            self._client.add_flags(uids, [self._mark], silent=True)

    def close(self) -> None:
        """Say goodbye to the server."""
        # Whatever it answers, nothing is left to be done.
        with contextlib.suppress(OSError, IMAPClientError):
            self._client.logout()

    def _logged_in(self, password: str) -> Any:
        server = self._server
        context = ssl.create_default_context()
        client = IMAPClient(
            server.host,
            port=server.port or _PORTS[server.security],
            ssl=server.security is Security.TLS,
            ssl_context=context if server.security is Security.TLS else None,
            timeout=_SECONDS,
        )
        try:
            if server.security is Security.STARTTLS:
                client.starttls(ssl_context=context)
            client.login(server.user, password)
        except LoginError:
            client.shutdown()
            # Neither the server's words nor Python's errors are repeated: they may hold the password.
            raise MailServerFault(
                f"服务器 {server.host} 不让 {server.user} 登录",
                remedy="请核对用户名和密码；QQ、163 邮箱要开通 IMAP 并用授权码",
            ) from None
        except UnicodeError:
            client.shutdown()
            raise MailServerFault(
                "用户名或密码里有中文或全角字符，服务器不接受", remedy="请核对密码（授权码）"
            ) from None
        except BaseException:
            client.shutdown()
            raise
        return client

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailServerFault(
                f"服务器 {self._server.host} 的证书不可信（{error.verify_message}）",
                remedy="请核对服务器名称，或请网络管理员处理",
            ) from None
        except (OSError, IMAPClientError) as error:
            why = (isinstance(error, OSError) and error.strerror) or type(error).__name__
            raise MailServerFault(
                f"{what}（{self._server.host}：{why}）",
                remedy="请检查网络和“邮件设置”；收过的不会重收，再执行一次即接着收",
            ) from None
