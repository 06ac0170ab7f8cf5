"""The password comes from the environment or the keyring."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring

from perfxl.errors import NoMailPassword
from perfxl.mail.passwords import VARIABLE, keep_password, password_of
from perfxl.plan.mailing import Server

SERVER = Server("smtp.example.com", user="jixiao@example.com")


class _Memory(KeyringBackend):
    """A keyring for one test."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Memory]:
    monkeypatch.delenv(VARIABLE, raising=False)
    before, mine = keyring.get_keyring(), _Memory()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def test_kept_in_the_keyring_by_server_and_user(memory: _Memory) -> None:
    keep_password(SERVER, "s3")
    assert memory.kept == {("perfxl:smtp.example.com", "jixiao@example.com"): "s3"}
    assert password_of(SERVER) == "s3"
    with pytest.raises(NoMailPassword, match="imap"):
        password_of(Server("imap.example.com", user="jixiao@example.com"))


def test_environment_goes_first(memory: _Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_password(SERVER, "s3")
    monkeypatch.setenv(VARIABLE, "other")
    assert password_of(SERVER) == "other"


def test_no_keyring_is_told_without_the_password(memory: _Memory) -> None:
    keyring.set_keyring(NoKeyring())
    with pytest.raises(NoMailPassword) as caught:
        keep_password(SERVER, "s3cret")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None
    with pytest.raises(NoMailPassword):
        password_of(SERVER)
