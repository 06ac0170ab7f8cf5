"""Sends messages by SMTP, so that of each it is known whether it left, did not leave, or may have.

A message may have left only between the moment when its last line goes out and the server's answer;
whatever goes wrong before is a message that was not sent and may be tried again.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from perfxl.errors import MailServerFault
from perfxl.ledger import MailState
from perfxl.plan.mailing import Security, Server

_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}
_SECONDS = 60.0
_TRIES = 4
_WAIT_SECONDS = 2.0
_LINE_WITH_DOT = re.compile(rb"^\.", re.MULTILINE)
_OK, _START = 250, 354
_ACCEPTED = (250, 251, 252)


@dataclass(frozen=True)
class Delivery:
    """What became of a message: state, why, and the addresses that the server refused."""

    state: MailState
    detail: str = ""
    refused: Mapping[str, str] = field(default_factory=dict)


class _Passing(Exception):
    """The message was not sent, and another try may go well."""


class Courier:
    """One connection to a server, made when needed and again where it was lost.

    ``wait`` is called with the seconds to wait between tries.
    """

    def __init__(self, server: Server, password: str, wait: Callable[[float], None]) -> None:
        self._server, self._password, self._wait = server, password, wait
        self._smtp: smtplib.SMTP | None = None

    def connect(self) -> None:
        """Be connected and logged in; raises MailServerFault where several tries were in vain."""
        for number in range(1, _TRIES + 1):
            if self._smtp is not None:
                return
            try:
                self._smtp = self._logged_in()
            except _Passing as error:
                if number == _TRIES:
                    raise MailServerFault(
                        f"连不上发信服务器 {self._server.host}（{error}）",
                        remedy="请检查网络和“邮件设置”；已发出的不会重发，再执行一次即接着发",
                    ) from None
                self._wait(_WAIT_SECONDS * number)

    def send(self, sender: str, recipients: Sequence[str], message: bytes) -> Delivery:
        """Send one message, trying again where that is safe. Raises MailServerFault as ``connect``.

        Where an address is refused the message goes to the others.
        """
        reason = ""
        for number in range(1, _TRIES + 1):
            self.connect()
            try:
                return self._send(sender, recipients, message)
            except _Passing as error:
                reason = str(error)
                if number < _TRIES:
                    self._wait(_WAIT_SECONDS * number)
        return Delivery(MailState.NOT_SENT, f"试了 {_TRIES} 次：{reason}")

    def close(self) -> None:
        """Say goodbye to the server."""
        if self._smtp is not None:
            # Whatever it answers, nothing is left to be done.
            with contextlib.suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
        self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def _logged_in(self) -> smtplib.SMTP:
        server = self._server
        port = server.port or _PORTS[server.security]
        smtp: smtplib.SMTP | None = None
        try:
            # A name of its own: that of a Windows computer may be Chinese, which EHLO cannot say.
            name = "[127.0.0.1]"
            context = ssl.create_default_context()
            if server.security is Security.TLS:
                smtp = smtplib.SMTP_SSL(server.host, port, name, timeout=_SECONDS, context=context)
            else:
                smtp = smtplib.SMTP(server.host, port, name, timeout=_SECONDS)
            if server.security is Security.STARTTLS:
                smtp.starttls(context=context)
            if server.user:
                self._log_in(smtp)
            smtp.ehlo_or_helo_if_needed()
        except ssl.SSLCertVerificationError as error:
            raise MailServerFault(
                f"服务器 {server.host} 的证书不可信（{error.verify_message}）",
                remedy="请核对服务器名称，或请网络管理员处理",
            ) from None
        except smtplib.SMTPNotSupportedError:
            raise MailServerFault(
                f"服务器 {server.host} 不支持所要的加密或登录方式",
                remedy="请在“邮件设置”中改加密方式（TLS 或 STARTTLS）",
            ) from None
        except smtplib.SMTPResponseException as error:
            raise _Passing(f"答复 {error.smtp_code}") from None
        except (OSError, smtplib.SMTPException) as error:
            raise _Passing(_why(error)) from None
        return smtp

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        # Neither the server's words nor Python's errors are repeated: they may hold the password.
        try:
            smtp.login(self._server.user, self._password)
        except UnicodeError:
            smtp.close()
            raise MailServerFault(
                "用户名或密码里有中文或全角字符，服务器不接受", remedy="请核对密码（授权码）"
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            smtp.close()
            if 400 <= error.smtp_code < 500:
                raise _Passing(f"登录时答复 {error.smtp_code}") from None
            raise MailServerFault(
                f"服务器 {self._server.host} 不让 {self._server.user} 登录（答复 {error.smtp_code}）",
                remedy="请核对用户名和密码；QQ、163 邮箱要用授权码，不是登录密码",
            ) from None

    def _send(self, sender: str, recipients: Sequence[str], message: bytes) -> Delivery:
        smtp = self._smtp
        assert smtp is not None
        try:
            refused = self._introduce(smtp, sender, recipients)
            if len(refused) == len(recipients):
                self._reset(smtp)
                return Delivery(MailState.REFUSED, "所有地址都被拒收", refused)
            self._expect(smtp.docmd("DATA"), _START, "DATA")
        except _Refused as error:
            self._reset(smtp)
            return Delivery(MailState.REFUSED, str(error))
        except _Passing:
            self._reset(smtp)
            raise
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise _Passing(_why(error)) from None
        return self._hand_over(smtp, message, refused)

    def _introduce(
        self, smtp: smtplib.SMTP, sender: str, recipients: Sequence[str]
    ) -> dict[str, str]:
        self._expect(smtp.mail(sender), _OK, "MAIL FROM")
        refused = {}
        for address in recipients:
            code, reply = smtp.rcpt(address)
            if code in _ACCEPTED:
                continue
            if 500 <= code < 600:
                refused[address] = self._said(code, reply)
            else:
                raise _Passing(f"{address}：{self._said(code, reply)}")
        return refused

    def _hand_over(
        self, smtp: smtplib.SMTP, message: bytes, refused: Mapping[str, str]
    ) -> Delivery:
        """Send the text itself, after which nothing may be taken for granted but an answer."""
        data = _LINE_WITH_DOT.sub(b"..", message)
        if not data.endswith(b"\r\n"):
            data += b"\r\n"
        try:
            smtp.send(data + b".\r\n")
            code, reply = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            detail = f"内容交出后没有得到答复（{_why(error)}）"
            return Delivery(MailState.IN_DOUBT, detail, refused)
        said = self._said(code, reply)
        if code == _OK:
            return Delivery(MailState.SENT, "", refused)
        if 400 <= code < 500:
            self._reset(smtp)
            raise _Passing(said)
        if 500 <= code < 600:
            return Delivery(MailState.REFUSED, said, refused)
        self._drop()
        return Delivery(MailState.IN_DOUBT, f"内容交出后的答复看不懂（{said}）", refused)

    def _expect(self, answer: tuple[int, bytes], wanted: int, command: str) -> None:
        code, reply = answer
        if code == wanted:
            return
        said = f"{command}：{self._said(code, reply)}"
        if 500 <= code < 600:
            raise _Refused(said)
        raise _Passing(said)

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _said(self, code: int, reply: bytes) -> str:
        text = " ".join(reply.decode("utf-8", "replace").split())[:200]
        if self._password and self._password in text:
            text = ""
        return f"{code} {text}".strip()


class _Refused(Exception):
    """The server will not take this message, now or later."""


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "等候超时"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return "连接断开"
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
