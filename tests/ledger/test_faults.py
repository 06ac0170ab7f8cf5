"""What goes wrong with a server is told in Chinese, with what to do, and without the password."""

from __future__ import annotations

import datetime as dt
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keyring
import pytest
from click.testing import CliRunner
from conftest import new_on_server
from keyring.backend import KeyringBackend
from mail_servers import free_port
from postgres_server import PASSWORD, USER, PostgresServer
from wire import Pass, wire

from perfxl.campaign import Campaign
from perfxl.cli.main import cli
from perfxl.errors import (
    LedgerAddressWrong,
    LedgerBroken,
    LedgerBusy,
    LedgerConnectionLost,
    LedgerInDoubt,
    LedgerLoginRefused,
    LedgerServerUnfit,
    LedgerUnreachable,
    LedgerVersion,
    NoLedgerDriver,
    NoLedgerRights,
    NoSuchDatabase,
    PerfxlError,
)
from perfxl.ledger import Address, Extension, Form, Ledger, Receipt, Verdict, backend, postgresql
from perfxl.ledger.address import (
    PASSWORD_VARIABLE,
    address_text,
    password_for,
    read_address,
    read_server,
)
from perfxl.stages import ledger as stage

NOW = dt.datetime(2024, 1, 26, 10, 0)
EXTENSION = Extension("101", NOW, "雪灾", "韩晓东", NOW)
FILE = Receipt("a" * 64, Form.RETURN, "101", "f.xlsx", "a.xlsx", 1, NOW, Verdict.VALID)


@pytest.fixture
def own(database: str, tmp_path: Path) -> Address:
    """An empty ledger in a database of its own."""
    return new_on_server(database, tmp_path)


def at(address: Address, **changes: object) -> Address:
    """The same ledger by another way."""
    return replace(address, server=replace(address.server, **changes))


def told(kind: type[PerfxlError], do: Callable[[], object]) -> PerfxlError:
    """The mistake that is raised, which has a remedy and keeps the password to itself."""
    with pytest.raises(kind) as caught:
        do()
    error: BaseException | None = caught.value
    assert caught.value.remedy
    while error is not None:
        assert PASSWORD not in str(error)
        error = error.__cause__
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.5",
        "sqlite:///x.db",
        "mysql://u@h/d",
        "postgresql://h/d",
        "postgresql://u@h",
        "postgresql://u@h:port/d",
        f"postgresql://u:{PASSWORD}@h/d",
        f"postgresql://u@h/d?password={PASSWORD}",
        "postgresql://u@h/d?host=other",
    ],
)
def test_an_address_that_is_none(url: str) -> None:
    told(LedgerAddressWrong, lambda: read_server(url))


def test_an_address_reads_as_it_was_written() -> None:
    server = read_server("postgres://u%40x@h/d?sslmode=verify-full&sslrootcert=C%3A%5Cca.pem")
    assert (server.user, server.port) == ("u@x", 5432)
    assert read_server(server.url) == server
    address = Address(server, "perfxl_x", "mark")
    assert read_address(address_text(address)) == address
    with pytest.raises(LedgerAddressWrong, match="模式"):
        read_address("连接：postgresql://u@h/d\n台账标识：x")


def test_who_is_not_let_in(own: Address, postgres: PostgresServer) -> None:
    address = own
    told(LedgerLoginRefused, lambda: Ledger.on_server(address, "wrong"))
    told(LedgerLoginRefused, lambda: Ledger.on_server(at(address, user="nobody"), PASSWORD))
    told(LedgerLoginRefused, lambda: Ledger.on_server(address, ""))
    told(NoSuchDatabase, lambda: Ledger.on_server(at(address, database="none"), PASSWORD))
    unreachable = at(address, port=free_port())
    assert "端口" in told(LedgerUnreachable, lambda: Ledger.on_server(unreachable, PASSWORD)).what
    postgres.execute(f"REVOKE CONNECT ON DATABASE {address.server.database} FROM PUBLIC, {USER}")
    postgres.execute(f"ALTER DATABASE {address.server.database} OWNER TO postgres")
    told(NoLedgerRights, lambda: Ledger.on_server(address, PASSWORD))


@pytest.mark.slow
def test_a_server_that_does_not_answer_is_given_up(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A computer at the address that takes the call and says nothing."""
    monkeypatch.setitem(postgresql._CLIENT, "connect_timeout", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        told(LedgerUnreachable, lambda: Ledger.on_server(at(address, port=port), PASSWORD))


def test_rights_and_versions(address: Address, postgres: PostgresServer) -> None:
    name = address.server.database

    def as_administrator(*statements: str) -> None:
        postgres.execute(*statements, database=name)

    schema = f'"{address.schema}"'
    # An older ledger is brought up to date by whoever owns it.
    as_administrator(
        f"ALTER TABLE {schema}.receipts DROP COLUMN envelope",
        f"DROP TABLE {schema}.extensions",
        f"UPDATE {schema}.settings SET value = 'older' WHERE name = 'shape'",
    )
    ledger = Ledger.on_server(address, PASSWORD)
    assert ledger.record_receipt(replace(FILE, envelope="e"), NOW)
    ledger.record_extension(EXTENSION)
    ledger.close()
    # Not by one who may only use it.
    as_administrator(
        f"ALTER TABLE {schema}.receipts DROP COLUMN sender",
        f"ALTER TABLE {schema}.receipts OWNER TO postgres",
        f"GRANT ALL ON {schema}.receipts TO {USER}",
        f"UPDATE {schema}.settings SET value = 'older' WHERE name = 'shape'",
    )
    assert "权限" in told(LedgerVersion, lambda: Ledger.on_server(address, PASSWORD)).what
    # A newer one is left alone.
    as_administrator(
        f"ALTER TABLE {schema}.receipts ADD COLUMN sender text NOT NULL DEFAULT ''",
        f"ALTER TABLE {schema}.receipts ADD COLUMN of_next_year text",
    )
    assert "太旧" in told(LedgerVersion, lambda: Ledger.on_server(address, PASSWORD)).what
    as_administrator(f"ALTER TABLE {schema}.receipts DROP COLUMN of_next_year")
    again = Ledger.on_server(address, PASSWORD)
    # Somebody takes rights away while it is open.
    as_administrator(f"REVOKE ALL ON {schema}.receipts FROM {USER}")
    told(NoLedgerRights, lambda: again.receipts(Form.RETURN))
    again.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "kind", "what"),
    [
        ("25006", NoLedgerRights, "只能读"),
        ("53100", LedgerBroken, "磁盘已满"),
        ("XX001", LedgerBroken, "refused"),
    ],
)
def test_what_a_server_refuses(
    address: Address, postgres: PostgresServer, state: str, kind: type[PerfxlError], what: str
) -> None:
    """A standby, a full disk, a broken table: as the server tells them."""
    postgres.execute(
        f'SET search_path TO "{address.schema}"',
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{state}'; END $$",
        f'CREATE TRIGGER refuse BEFORE INSERT ON "{address.schema}".extensions '
        "FOR EACH ROW EXECUTE FUNCTION refuse()",
        database=address.server.database,
    )
    ledger = Ledger.on_server(address, PASSWORD)
    assert what in told(kind, lambda: ledger.record_extension(EXTENSION)).what
    assert ledger.extensions() == []
    ledger.close()


@pytest.mark.slow
def test_a_database_that_loses_characters_is_not_taken(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    postgres.execute(
        f"CREATE DATABASE old_code OWNER {USER} TEMPLATE template0 ENCODING 'EUC_CN' "
        "LOCALE_PROVIDER libc LOCALE 'C'"
    )
    try:
        told(LedgerServerUnfit, lambda: new_on_server(postgres.url("old_code"), tmp_path))
    finally:
        postgres.execute("DROP DATABASE old_code")


@pytest.mark.parametrize("fate", [pytest.param(Pass.LOST, marks=pytest.mark.slow), Pass.HEARD])
def test_a_connection_that_breaks(address: Address, fate: Pass) -> None:
    """Within a transaction nothing is recorded; at its end nobody knows, and it is said so."""
    cut_at, wrote = b"INSERT INTO", False

    def judge(data: bytes) -> Pass:
        nonlocal wrote
        wrote |= b"INSERT INTO" in data
        if not (wrote and cut_at in data):
            return Pass.ON
        wrote = False
        return fate

    straight = Ledger.on_server(address, PASSWORD)
    with wire(address.server.port, judge) as port:
        ledger = Ledger.on_server(at(address, port=port), PASSWORD)
        told(LedgerConnectionLost, lambda: ledger.record_extension(EXTENSION))
        assert straight.extensions() == []
        cut_at = b"COMMIT"
        told(LedgerInDoubt, lambda: ledger.record_extension(EXTENSION))
        count = 1 if fate is Pass.HEARD else 0
        assert len(straight.extensions()) == count
        # The next step finds a new connection by itself.
        cut_at = b"nothing that is ever said"
        ledger.record_extension(EXTENSION)
        assert len(straight.extensions()) == count + 1
        ledger.close()
    straight.close()


def test_whoever_waits_too_long_is_told(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        postgresql, "_SESSION", ("SET lock_timeout = '200ms'", *postgresql._SESSION[1:])
    )
    one, other = Ledger.on_server(address, PASSWORD), Ledger.on_server(address, PASSWORD)
    with one.backend.transaction():
        told(LedgerBusy, lambda: other.record_extension(EXTENSION))
        # Who reads does not wait.
        assert other.extensions() == []
    other.record_extension(EXTENSION)
    assert one.extensions() == [EXTENSION]
    one.close()
    other.close()


@pytest.mark.slow
def test_a_machine_that_died_while_it_wrote_keeps_nobody(address: Address) -> None:
    """Its transaction is given up before those who wait for it give up."""
    dead, other = Ledger.on_server(address, PASSWORD), Ledger.on_server(address, PASSWORD)
    holds = threading.Event()
    woken = threading.Event()
    caught: list[PerfxlError] = []

    def sleep() -> None:
        try:
            with dead.backend.transaction() as connection:
                backend.put_setting(connection, "half", "x")
                holds.set()
                woken.wait(60)
        except PerfxlError as error:
            caught.append(error)

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    assert holds.wait(10)
    other.record_extension(EXTENSION)
    woken.set()
    sleeper.join()
    # Its commit found no session, so that it cannot have held.
    assert isinstance(caught[0], LedgerConnectionLost | LedgerInDoubt)
    assert other.setting("half", "nothing") == "nothing"
    dead.close()
    other.close()


@pytest.mark.slow
def test_a_server_that_comes_back_is_found_again(
    address: Address, postgres: PostgresServer
) -> None:
    ledger = Ledger.on_server(address, PASSWORD)
    ledger.record_extension(EXTENSION)
    postgres.kill()
    try:
        told(LedgerUnreachable, lambda: ledger.record_extension(EXTENSION))
    finally:
        postgres.start()
    ledger.record_extension(EXTENSION)
    assert ledger.extensions() == [EXTENSION] * 2
    ledger.close()


def test_without_the_driver(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert "pip install" in told(NoLedgerDriver, lambda: Ledger.on_server(address, PASSWORD)).remedy


class _Memory(KeyringBackend):
    """A keyring for one test."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.mark.slow
def test_the_password_comes_from_the_keyring(
    campaign: Campaign, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(PASSWORD_VARIABLE)
    before, mine = keyring.get_keyring(), _Memory()
    keyring.set_keyring(mine)
    try:
        campaign.close()
        with pytest.raises(LedgerLoginRefused, match="ledger password"):
            stage.move(campaign, database, NOW)
        run = ["-C", str(campaign.folder), "ledger", "password", database]
        done = CliRunner().invoke(cli, run, input=f"{PASSWORD}\n")
        assert (done.exit_code, PASSWORD in done.output) == (0, False)
        stage.move(campaign, database, NOW)
        assert Campaign(campaign.folder).ledger.verdicts()
        assert password_for(read_server(database)) == PASSWORD
    finally:
        keyring.set_keyring(before)
