"""What a ledger needs of the database behind it: transactions, a lock for writers, told mistakes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from perfxl.errors import LedgerMoved, PerfxlError
from perfxl.ledger import schema

# How long a program waits for another that writes.
PATIENCE_SECONDS = 30


class Backend(ABC):
    """One database. One writer at a time, from the beginning of its transaction to the end."""

    engine: sa.Engine

    @abstractmethod
    def connect(self) -> sa.Connection:
        """A connection; raises PerfxlError where there is none to be had."""

    @abstractmethod
    def reading_options(self) -> dict[str, object]:
        """What makes all that one transaction reads of one moment."""

    @abstractmethod
    def lock(self, connection: sa.Connection) -> None:
        """Wait for the only right to write, which the end of the transaction gives back."""

    @abstractmethod
    def told(self, error: sa.exc.DBAPIError, *, confirming: bool) -> PerfxlError:
        """What to tell the operator; ``confirming`` when it went wrong during the commit."""

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Write: all of it is on disk at the end, or nothing ever was. Raises PerfxlError."""
        confirming = False
        try:
            with self.connect() as connection, connection.begin():
                self.lock(connection)
                yield connection
                confirming = True
        except sa.exc.DBAPIError as error:
            raise self.told(error, confirming=confirming) from error

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Read: all of it as it was at one moment. Raises PerfxlError."""
        try:
            with self.connect() as connection:
                yield connection.execution_options(**self.reading_options())
        except sa.exc.DBAPIError as error:
            raise self.told(error, confirming=False) from error


def setting(connection: sa.Connection, name: str) -> str | None:
    """A setting of the ledger, None where there is none."""
    found = connection.scalar(
        sa.select(schema.SETTINGS.c.value).where(schema.SETTINGS.c.name == name)
    )
    return None if found is None else str(found)


def put_setting(connection: sa.Connection, name: str, value: str | None) -> None:
    """Set, replace or (None) take away a setting."""
    connection.execute(schema.SETTINGS.delete().where(schema.SETTINGS.c.name == name))
    if value is not None:
        connection.execute(schema.SETTINGS.insert().values(name=name, value=value))


def refuse_if_moved(connection: sa.Connection) -> None:
    """Raises LedgerMoved where the ledger was moved: what is written here would never be seen."""
    moved_to = setting(connection, MOVED_TO)
    if moved_to is not None:
        raise LedgerMoved(
            f"台账已经移到 {moved_to}，这里的不再使用",
            remedy="请重新执行刚才的命令；仍是这样的，是移动到一半时中断了，"
            "请再执行一次 perfxl ledger move 或 perfxl ledger back",
        )


# Where a ledger was moved to; that nobody uses it yet; whose campaign it is; its tables.
MOVED_TO, ARRIVING, CAMPAIGN, SHAPE = "moved_to", "arriving", "campaign_code", "shape"
