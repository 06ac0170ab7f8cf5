"""Where a ledger on a server is: its URL without a password, its schema, the mark of its campaign."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from perfxl import passwords
from perfxl.errors import LedgerAddressWrong, LedgerPasswordNotKept

PASSWORD_VARIABLE = "PERFXL_LEDGER_PASSWORD"
_SCHEMES = frozenset({"postgresql", "postgres"})
_PORT = 5432
# What may stand behind the question mark (libpq's names); all else could name another server or
# hold a password.
_OPTIONS = frozenset({"sslmode", "sslrootcert"})
_EXAMPLE = "写法如 postgresql://perfxl@10.0.0.5:5432/perfxl"
_LABELS = {"url": "连接", "schema": "模式", "mark": "台账标识"}
_HEAD = """\
这个考核的台账在 PostgreSQL 服务器上。本文件由 perfxl ledger move 写入，请不要删除，
也不要复制到别的考核文件夹。
密码不写在这里：用 perfxl ledger password 存入每台电脑的凭据管理器。服务器换了地址，只改“连接”一行。
"""


@dataclass(frozen=True)
class Server:
    """A database on a PostgreSQL server and the user who is to be let in."""

    user: str
    host: str
    port: int
    database: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The URL that people write; it never holds a password."""
        return sa.URL.create(
            "postgresql",
            username=self.user,
            host=self.host,
            port=self.port,
            database=self.database,
            query=dict(self.options),
        ).render_as_string(hide_password=False)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True)
class Address:
    """One campaign's ledger: the schema that holds it, and the mark by which it is known."""

    server: Server
    schema: str
    mark: str


def read_server(text: str) -> Server:
    """A server from a URL; raises LedgerAddressWrong, which never repeats what may be a password."""
    try:
        url = sa.make_url(text.strip())
    except (sa.exc.ArgumentError, ValueError):
        raise LedgerAddressWrong("看不懂台账服务器的地址", remedy=_EXAMPLE) from None
    if url.password is not None:
        raise LedgerAddressWrong(
            "台账服务器的地址里不能写密码",
            remedy="请去掉冒号和密码，改用 perfxl ledger password 存入系统的凭据管理器",
        )
    if url.drivername not in _SCHEMES or not (url.username and url.host and url.database):
        raise LedgerAddressWrong(
            "台账服务器的地址要有 postgresql://、用户名、服务器和数据库", remedy=_EXAMPLE
        )
    options = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if len(options) < len(url.query) or not options.keys() <= _OPTIONS:
        raise LedgerAddressWrong(
            f"台账服务器的地址里，问号后面只能写 {' 和 '.join(sorted(_OPTIONS))}",
            remedy=f"{_EXAMPLE}?sslmode=require",
        )
    return Server(
        url.username, url.host, url.port or _PORT, url.database, tuple(sorted(options.items()))
    )


def mark_of(stamp_key: bytes) -> str:
    """The word by which a campaign's ledger is known; nothing can be learned of the key from it."""
    return hashlib.sha256(b"perfxl ledger " + stamp_key).hexdigest()[:16]


def schema_for(campaign_code: str, mark: str) -> str:
    """The schema of a campaign: its code, for the eye, and its mark, so that no two ever meet."""
    readable = re.sub("[^a-z0-9]+", "_", campaign_code.lower()).strip("_")[:30]
    return "_".join(filter(None, ["perfxl", readable, mark[:8]]))


def address_text(address: Address) -> str:
    """What the campaign folder says of its ledger, for people and for ``read_address``."""
    values = {"url": address.server.url, "schema": address.schema, "mark": address.mark}
    return _HEAD + "".join(f"{_LABELS[name]}：{value}\n" for name, value in values.items())


def read_address(text: str) -> Address:
    """The address in such a text, which people may have edited; raises LedgerAddressWrong."""
    found: Mapping[str, str] = {
        name: line.strip().removeprefix(label)[1:].strip()
        for line in text.splitlines()
        for name, label in _LABELS.items()
        if re.match(f"{label}[:：]", line.strip())
    }
    missing = [label for name, label in _LABELS.items() if not found.get(name)]
    if missing:
        raise LedgerAddressWrong(
            f"里面没有写“{'”“'.join(missing)}”",
            remedy="请从备份恢复这个文件；每行一项，例如“连接：postgresql://perfxl@10.0.0.5/perfxl”",
        )
    return Address(read_server(found["url"]), found["schema"], found["mark"])


def password_for(server: Server) -> str:
    """The password of the server's user; empty where libpq is to find one or none is needed.

    From the environment or the system's keyring, never from a file of the campaign.
    """
    given = os.environ.get(PASSWORD_VARIABLE, "")
    return given or passwords.kept_password(_service(server), server.user)


def keep_password_for(server: Server, password: str) -> None:
    """Put a password into the system's keyring; raises LedgerPasswordNotKept without one."""
    if not passwords.keep_password(_service(server), server.user, password):
        raise LedgerPasswordNotKept(
            "这台电脑没有可用的凭据管理器，密码没有保存",
            remedy=f"请改用环境变量 {PASSWORD_VARIABLE}，或 PostgreSQL 自己的密码文件（pgpass.conf）",
        )


def _service(server: Server) -> str:
    return f"perfxl:{server.host}:{server.port}/{server.database}"
