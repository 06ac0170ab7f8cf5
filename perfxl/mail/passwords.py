"""The password of a mail account: from the environment or the system's keyring, never from a file."""

from __future__ import annotations

import os

from perfxl.errors import NoMailPassword
from perfxl.plan.mailing import Server

VARIABLE = "PERFXL_MAIL_PASSWORD"


def password_of(server: Server) -> str:
    """The password of the server's user; raises NoMailPassword."""
    given = os.environ.get(VARIABLE, "")
    if given:
        return given
    import keyring  # noqa: PLC0415 - looks for the system's keyring as it is imported
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        kept = keyring.get_password(_service(server), server.user)
    except KeyringError:
        kept = None
    if not kept:
        raise NoMailPassword(
            f"没有 {server.user}（{server.host}）的密码",
            remedy=f"请执行 perfxl mail password 存入系统的凭据管理器，或设环境变量 {VARIABLE}",
        )
    return kept


def keep_password(server: Server, password: str) -> None:
    """Put a password into the system's keyring; raises NoMailPassword where there is none."""
    import keyring  # noqa: PLC0415 - as above
    from keyring.errors import KeyringError  # noqa: PLC0415

    try:
        keyring.set_password(_service(server), server.user, password)
    except KeyringError:
        # The library's own error may quote what it was given.
        raise NoMailPassword(
            "这台电脑没有可用的凭据管理器，密码没有保存",
            remedy=f"请改用环境变量 {VARIABLE}",
        ) from None


def _service(server: Server) -> str:
    return f"perfxl:{server.host}"
