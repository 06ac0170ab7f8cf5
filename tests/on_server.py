"""Every ledger of the tests on a PostgreSQL server, so that tests of stages run on it unchanged.

A ledger is copied to a schema of its own when it is opened, and back into its file after whatever is
recorded: tests copy campaign folders, and run perfxl in other programs, while it is open. One that is
opened a second time meanwhile is the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from postgres_server import PASSWORD, PostgresServer

from perfxl.files import sha256_of
from perfxl.ledger import Ledger
from perfxl.ledger.address import Server, read_server
from perfxl.ledger.moving import _all_rows, _copy, _count_on
from perfxl.ledger.postgresql import Database
from perfxl.ledger.schema import METADATA
from perfxl.ledger.sqlite import SqliteFile

_NUMBERS = itertools.count()
# The schema of each file, and what was in the file when its rows were last the same.
_KNOWN: dict[Path, tuple[str, str]] = {}


class _Copied(Ledger):
    """A ledger on the server whose rows go back into its file."""

    path: Path
    schema: str

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with super()._writing() as connection:
            yield connection
        self._copy_back()

    def _copy_back(self) -> None:
        file = SqliteFile(self.path)
        with self.backend.transaction() as old, file.transaction() as new:
            rows = _all_rows(old)
            for table in reversed(METADATA.sorted_tables):
                new.execute(table.delete())
            _copy(rows, new)
        file.engine.dispose()
        _KNOWN[self.path] = (self.schema, sha256_of(self.path.read_bytes()))


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
    _KNOWN[path] = (schema, sha256_of(path.read_bytes()))
    return _copied(backend, path, schema)


def _copied(backend: Database, path: Path, schema: str) -> Ledger:
    ledger = _Copied(backend)
    ledger.path, ledger.schema = path, schema
    return ledger


@contextmanager
def every_ledger_on(server: PostgresServer) -> Iterator[None]:
    """From here on ``Ledger.at`` opens on the server."""
    with server.database("every_ledger") as url, pytest.MonkeyPatch.context() as patch:
        address, at = read_server(url), Ledger.at

        def at_on_server(path: Path) -> Ledger:
            path = path.resolve()
            known, content = _KNOWN.get(path, ("", ""))
            if path.is_file() and content == sha256_of(path.read_bytes()):
                return _copied(Database(address, known, PASSWORD), path, known)
            at(path).close()
            return _opened(path, address)

        patch.setattr(Ledger, "at", staticmethod(at_on_server))
        yield
