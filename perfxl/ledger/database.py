"""The connection to a ledger's database, and how it is locked.

On SQLite every writer takes the lock at once (BEGIN IMMEDIATE) and a commit is on disk before it
returns (WAL, synchronous=FULL).
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy import event

from perfxl.errors import LedgerBroken
from perfxl.ledger import schema

# How long a program waits for another that writes.
_PATIENCE_SECONDS = 30


class Database:
    """A ledger's tables behind one SQLAlchemy URL, made or brought up to date when it is opened."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _sqlite_connect)
            event.listen(self._engine, "begin", _sqlite_begin)
        # In one transaction, so that two programs that open a new or an old ledger at the same time
        # do not both add the same table or column.
        with self._writing() as connection:
            schema.METADATA.create_all(connection)
            schema.add_missing_columns(connection)

    @classmethod
    def at(cls, path: Path) -> Self:
        """The SQLite ledger in a file, made where there is none."""
        return cls(sa.URL.create("sqlite", database=str(path)).render_as_string())

    def close(self) -> None:
        """Give back the connections (Windows keeps an open file from being moved)."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _told_in_chinese(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _told_in_chinese(), self._engine.begin() as connection:
            yield connection

    def _rows(self, table: sa.Table, *where: sa.ColumnElement[bool]) -> list[dict[str, Any]]:
        columns = [column for column in table.c if column.name != "id"]
        with self._reading() as connection:
            wanted = sa.select(*columns).where(*where).order_by(table.c.id)
            found = connection.execute(wanted).mappings()
            return [dict(row) for row in found]


def of_unit(table: sa.Table, unit: str | None) -> tuple[Any, ...]:
    """What to ask ``_rows`` for: a whole table (None), or the rows of one unit's code."""
    return (table,) if unit is None else (table, table.c.unit == unit)


@contextmanager
def _told_in_chinese() -> Iterator[None]:
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise LedgerBroken(
            f"台账无法读写（{error.orig}）",
            remedy="请确认没有其他程序占用台账.db，磁盘没有写满；仍不行请从备份恢复",
        ) from error


def _sqlite_connect(connection: Any, _: object) -> None:
    # SQLAlchemy's recipe: take transaction control away from the driver, so that BEGIN is ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    # First, because making a new ledger's journal is already something to wait for.
    cursor.execute(f"PRAGMA busy_timeout={1000 * _PATIENCE_SECONDS}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    # Where two programs make a new ledger at once, SQLite refuses one of them without waiting.
    last = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > last:
                raise
            time.sleep(0.02)
        else:
            return


def _sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
