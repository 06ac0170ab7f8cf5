"""The ledger's tables behind one database, an SQLite file or a schema on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import sqlalchemy as sa

from perfxl.ledger import schema
from perfxl.ledger.address import Address
from perfxl.ledger.backend import (
    CAMPAIGN,
    SHAPE,
    Backend,
    put_setting,
    refuse_if_moved,
    setting,
)
from perfxl.ledger.postgresql import open_ledger
from perfxl.ledger.sqlite import SqliteFile


class Database:
    """A ledger's tables."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    @classmethod
    def at(cls, path: Path) -> Self:
        """The SQLite ledger in a file, made where there is none and brought up to date.

        Raises LedgerBroken, LedgerMoved.
        """
        file = SqliteFile(path)
        # In one transaction, so that two programs that open a new or an old ledger at the same time
        # do not both add the same table or column.
        with file.transaction() as connection:
            is_there = sa.inspect(connection).has_table(schema.SETTINGS.name)
            if not is_there or setting(connection, SHAPE) != schema.shape():
                schema.add_missing(connection)
                put_setting(connection, SHAPE, schema.shape())
            refuse_if_moved(connection)
        return cls(file)

    @classmethod
    def on_server(cls, address: Address, password: str) -> Self:
        """The ledger on a server, which was moved there, brought up to date.

        An empty password leaves it to libpq to find one (PGPASSWORD, its password file). Raises the
        PerfxlErrors of codes E312 to E324, each with what to do.
        """
        return cls(open_ledger(address, password))

    def close(self) -> None:
        """Give back the connections (Windows keeps an open file from being moved)."""
        self.backend.engine.dispose()

    def campaign_code(self) -> str | None:
        """The code of the campaign that a ledger on a server is of."""
        with self._reading() as connection:
            return setting(connection, CAMPAIGN)

    def counts(self) -> dict[str, int]:
        """The number of rows by table."""
        with self._reading() as connection:
            return {
                table.name: int(
                    connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
                )
                for table in schema.METADATA.sorted_tables
            }

    def newest_originals(self, most: int) -> list[str]:
        """The names in 原件/ of what was received last."""
        newest = (
            sa.select(schema.RECEIPTS.c.original)
            .order_by(schema.RECEIPTS.c.received_at.desc())
            .limit(most)
        )
        with self._reading() as connection:
            return [str(name) for name in connection.scalars(newest)]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self.backend.reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self.backend.transaction() as connection:
            refuse_if_moved(connection)
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
