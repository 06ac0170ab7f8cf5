"""Real mail servers on loopback for tests: SMTP (aiosmtpd, with accidents), IMAP (Debian's dovecot)."""

from __future__ import annotations

import asyncio
import os
import pwd
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from imapclient import IMAPClient

PASSWORD = "kq7SecretXy9"
USER = "jixiao@example.com"


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Delivered:
    """One message as the server took it over."""

    recipients: tuple[str, ...]
    content: bytes


@dataclass
class Accidents:
    """What goes wrong, decided by a seeded generator; each a probability per message."""

    random: random.Random = field(default_factory=lambda: random.Random(0))
    refused: frozenset[str] = frozenset()
    drop_before: float = 0
    drop_after: float = 0
    drop_idle: float = 0
    passing: float = 0
    kill: float = 0


class Handler:
    """aiosmtpd's handler: keeps what was delivered, and has accidents."""

    def __init__(self, post: PostOffice) -> None:
        self.post = post

    async def handle_RCPT(
        self, server: SMTP, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        accidents = self.post.accidents
        if address in accidents.refused:
            return "550 5.1.1 没有这个用户 no such user"
        if accidents.random.random() < accidents.passing:
            return "451 4.7.1 greylisted, try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        accidents, draw = self.post.accidents, self.post.accidents.random.random
        if self.post.on_data:
            self.post.on_data(envelope)
        if draw() < accidents.drop_before:
            self._abort(server)
            return "421 gone"
        self.post.delivered.append(Delivered(tuple(envelope.rcpt_tos), envelope.content))
        if draw() < accidents.kill:
            self.post.killed = True
            self._abort(server)
            return "421 gone"
        if draw() < accidents.drop_after:
            self._abort(server)
            return "421 gone"
        if draw() < accidents.drop_idle:
            asyncio.get_running_loop().call_later(0.002, self._abort, server)
        return "250 OK"

    @staticmethod
    def _abort(server: SMTP) -> None:
        if server.transport is not None:
            server.transport.abort()


class PostOffice:
    """An SMTP server that can be killed and started again on its port."""

    def __init__(self, accidents: Accidents | None = None) -> None:
        self.port = free_port()
        self.accidents = accidents or Accidents()
        self.delivered: list[Delivered] = []
        self.killed = False
        self.on_data: Callable[[Any], None] | None = None
        self._controller: Controller | None = None

    def start(self, **options: Any) -> None:
        self.killed = False
        self._controller = Controller(
            Handler(self), hostname="127.0.0.1", port=self.port, **options
        )
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    def restart_if_killed(self) -> None:
        """What was killed stops listening and comes back."""
        if self.killed:
            self.stop()
            self.start()


@contextmanager
def post_office(accidents: Accidents | None = None, **options: Any) -> Iterator[PostOffice]:
    """A running SMTP server."""
    post = PostOffice(accidents)
    post.start(**options)
    try:
        yield post
    finally:
        post.stop()


_DOVECOT = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = imap
ssl = no
disable_plaintext_auth = no
default_internal_user = {internal}
default_internal_group = {internal_group}
default_login_user = {login}
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass(frozen=True)
class MailHost:
    """A running IMAP server and how to get at it as its user."""

    port: int

    def client(self) -> IMAPClient:
        """A logged-in client of the tests' own."""
        client = IMAPClient("127.0.0.1", port=self.port, ssl=False)
        client.login(USER, PASSWORD)
        return client

    def deliver(self, message: bytes, folder: str = "INBOX") -> None:
        """Put a message into a folder."""
        client = self.client()
        client.append(folder, message)
        client.logout()


def has_dovecot() -> bool:
    """Whether Debian's package dovecot-imapd is installed."""
    return shutil.which("dovecot") is not None and shutil.which("doveconf") is not None


@contextmanager
def dovecot() -> Iterator[MailHost]:
    """A dovecot of our own that serves an empty mailbox for any user with ``PASSWORD``."""
    # Not in pytest's folders: those are closed to the user as whom the server serves mail.
    with tempfile.TemporaryDirectory(prefix="perfxl-dovecot-") as name:
        yield from _dovecot(Path(name))


def _dovecot(folder: Path) -> Iterator[MailHost]:
    (folder / "mail").mkdir()
    me = pwd.getpwuid(os.getuid())
    owner = pwd.getpwnam("mail") if me.pw_uid == 0 else me
    if me.pw_uid == 0:
        folder.chmod(0o711)
        os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
    root = me.pw_uid == 0
    port = free_port()
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        _DOVECOT.format(
            folder=folder,
            internal="dovecot" if root else me.pw_name,
            internal_group="dovecot" if root else str(me.pw_gid),
            login="dovenull" if root else me.pw_name,
            password=PASSWORD,
            uid=owner.pw_uid,
            gid=owner.pw_gid,
            port=port,
        ),
        encoding="utf-8",
    )
    process = subprocess.Popen(["dovecot", "-F", "-c", configuration])
    try:
        _await(port, process)
        yield MailHost(port)
    finally:
        process.terminate()
        process.wait(20)


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "dovecot ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("dovecot does not answer")
