"""A ledger on either database, and a database of its own on the server for each test."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from postgres_server import PASSWORD, PostgresServer

from perfxl.ledger import Address, Ledger
from perfxl.ledger.address import PASSWORD_VARIABLE, mark_of, read_server, schema_for
from perfxl.ledger.moving import move_to_server

KEY = bytes(range(32))
_NUMBERS = itertools.count()

OpenLedger = Callable[[], Ledger]


@pytest.fixture(scope="session")
def shared_database(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a database in which each test has a schema of its own, which costs less."""
    with postgres.database("shared") as url:
        yield url


@pytest.fixture
def address(shared_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Address:
    """An empty ledger on the server."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return new_on_server(shared_database, tmp_path, key=next(_NUMBERS).to_bytes(32, "big"))


@pytest.fixture
def database(postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty database on the server, to which the environment has the password."""
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    with postgres.database(f"test_{next(_NUMBERS)}") as url:
        yield url


def new_on_server(url: str, folder: Path, key: bytes = KEY, code: str = "SL2023") -> Address:
    """An empty ledger on a server."""
    path = folder / "new.db"
    ledger = Ledger.at(path)
    ledger.setting("stamp_key", key.hex())
    ledger.close()
    mark = mark_of(key)
    address = Address(read_server(url), schema_for(code, mark), mark)
    move_to_server(path, address, PASSWORD, code, dt.datetime(2024, 1, 1))
    path.unlink()
    return address


@pytest.fixture(params=["sqlite", "postgresql"])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenLedger]:
    """Opens one and the same ledger, as often as it is called."""
    opened = []
    if request.param == "sqlite":

        def open_it() -> Ledger:
            opened.append(Ledger.at(tmp_path / "台账.db"))
            return opened[-1]
    else:
        address = request.getfixturevalue("address")

        def open_it() -> Ledger:
            opened.append(Ledger.on_server(address, PASSWORD))
            return opened[-1]

    yield open_it
    for ledger in opened:
        ledger.close()
