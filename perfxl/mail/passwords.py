"""The password of a mail account: from the environment or the system's keyring, never from a file."""

from __future__ import annotations

import os

from perfxl import passwords
from perfxl.errors import NoMailPassword
from perfxl.plan.mailing import Server

VARIABLE = "PERFXL_MAIL_PASSWORD"


def password_of(server: Server) -> str:
    """The password of the server's user; raises NoMailPassword."""
    kept = os.environ.get(VARIABLE, "") or passwords.kept_password(_service(server), server.user)
    if not kept:
        raise NoMailPassword(
            f"没有 {server.user}（{server.host}）的密码",
            remedy=f"请执行 perfxl mail password 存入系统的凭据管理器，或设环境变量 {VARIABLE}",
        )
    return kept


def keep_password(server: Server, password: str) -> None:
    """Put a password into the system's keyring; raises NoMailPassword where there is none."""
    if not passwords.keep_password(_service(server), server.user, password):
        raise NoMailPassword(
            "这台电脑没有可用的凭据管理器，密码没有保存",
            remedy=f"请改用环境变量 {VARIABLE}",
        )


def _service(server: Server) -> str:
    return f"perfxl:{server.host}"
