"""A ledger in an SQLite file.

Every transaction takes the lock at once (BEGIN IMMEDIATE) and a commit is on disk before it returns
(WAL, synchronous=FULL).
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from perfxl.errors import LedgerBroken, PerfxlError
from perfxl.ledger.backend import PATIENCE_SECONDS, Backend


class SqliteFile(Backend):
    """The file, made where there is none."""

    def __init__(self, path: Path) -> None:
        self.engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
        event.listen(self.engine, "connect", _prepare)
        event.listen(self.engine, "begin", _begin)

    def connect(self) -> sa.Connection:
        """A connection to the file."""
        return self.engine.connect()

    def reading_options(self) -> dict[str, object]:
        """Nothing: who reads keeps writers away."""
        return {}

    def lock(self, connection: sa.Connection) -> None:
        """Nothing: it was taken when the transaction began."""

    def told(self, error: sa.exc.DBAPIError, *, confirming: bool) -> PerfxlError:
        """The same whatever went wrong: a file is all there is."""
        return LedgerBroken(
            f"台账无法读写（{error.orig}）",
            remedy="请确认没有其他程序占用台账.db，磁盘没有写满；仍不行请从备份恢复",
        )


def _prepare(connection: Any, _: object) -> None:
    # SQLAlchemy's recipe: take transaction control away from the driver, so that BEGIN is ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    # First, because making a new ledger's journal is already something to wait for.
    cursor.execute(f"PRAGMA busy_timeout={1000 * PATIENCE_SECONDS}")
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    # Where two programs make a new ledger at once, SQLite refuses one of them without waiting.
    last = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > last:
                raise
            time.sleep(0.02)
        else:
            return


def _begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
