"""Every ledger of the tests on a PostgreSQL server, so that tests of stages run on it unchanged.

A ledger is copied to a schema of its own when it is opened and back into its file when it is closed;
what copies a campaign folder, or runs perfxl in another program, therefore has to close it first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres_server import PASSWORD, PostgresServer

from perfxl.ledger import Ledger
from perfxl.ledger.address import Server, read_server
from perfxl.ledger.moving import _all_rows, _copy, _count_on
from perfxl.ledger.postgresql import Database
from perfxl.ledger.schema import METADATA
from perfxl.ledger.sqlite import SqliteFile

_NUMBERS = itertools.count()


class _Copied(Ledger):
    """A ledger on the server that goes back into its file."""

    path: Path

    def close(self) -> None:
        file = SqliteFile(self.path)
        with self.backend.transaction() as old, file.transaction() as new:
            rows = _all_rows(old)
            for table in reversed(METADATA.sorted_tables):
                new.execute(table.delete())
            _copy(rows, new)
        file.engine.dispose()
        super().close()


def _opened(path: Path, server: Server) -> Ledger:
    file = SqliteFile(path)
    schema = f"ledger_{next(_NUMBERS)}"
    backend = Database(server, schema, PASSWORD)
    with file.transaction() as old, backend.transaction() as new:
        rows = _all_rows(old)
        new.exec_driver_sql(f"CREATE SCHEMA {schema}")
        METADATA.create_all(new)
        _copy(rows, new)
        _count_on(new, schema)
    file.engine.dispose()
    ledger = _Copied(backend)
    ledger.path = path
    return ledger


@contextmanager
def every_ledger_on(server: PostgresServer) -> Iterator[None]:
    """From here on ``Ledger.at`` opens on the server."""
    with server.database("every_ledger") as url, pytest.MonkeyPatch.context() as patch:
        address, at = read_server(url), Ledger.at

        def at_on_server(path: Path) -> Ledger:
            at(path).close()
            return _opened(path, address)

        patch.setattr(Ledger, "at", staticmethod(at_on_server))
        yield
