"""Moving a ledger between an SQLite file and a PostgreSQL server: copied, compared, then closed.

The new one is complete and compared row by row before the old one says that it was moved; the old
one stays. Stopped anywhere, the same command does it again and nothing is lost: a copy that nobody
has used yet is made anew.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from perfxl.errors import LedgerMoved, LedgerNotMoved, Place
from perfxl.ledger import schema
from perfxl.ledger.address import Address, mark_of
from perfxl.ledger.backend import (
    ARRIVING,
    CAMPAIGN,
    MOVED_TO,
    SHAPE,
    put_setting,
    setting,
)
from perfxl.ledger.postgresql import Database
from perfxl.ledger.sqlite import SqliteFile

# Rows that are written by one command.
_AT_ONCE = 500
# What a ledger says of itself and not of the campaign; it does not move along.
_OF_ITSELF = frozenset({MOVED_TO, ARRIVING, CAMPAIGN, SHAPE})


def stamp_key_in(path: Path) -> bytes:
    """The stamp key in a ledger's file, moved or not; raises LedgerNotMoved where there is none."""
    key = None
    if path.is_file():
        source = SqliteFile(path)
        with source.transaction() as old:
            schema.add_missing(old)
            key = setting(old, "stamp_key")
        source.engine.dispose()
    if key is None:
        raise LedgerNotMoved(
            "这里没有可以移动的台账", place=Place(str(path)), remedy="请从备份恢复台账.db"
        )
    return bytes.fromhex(key)


def move_to_server(
    path: Path, address: Address, password: str, campaign_code: str, now: dt.datetime
) -> Mapping[str, int]:
    """Copy the ledger in a file into a new schema on a server; returns the rows by table.

    Raises LedgerNotMoved where the schema is in use or a row does not come back as it was, and the
    PerfxlErrors of the server; then the file is still the ledger.
    """
    destination = f"{address.server}（模式 {address.schema}）"
    source = SqliteFile(path)
    target = Database(address.server, address.schema, password)
    try:
        target.check_fitness()
        with source.transaction() as old:
            schema.add_missing(old)
            moved_to = setting(old, MOVED_TO)
            if moved_to not in (None, destination):
                raise LedgerMoved(
                    f"台账已经移到 {moved_to}",
                    place=Place(str(path)),
                    remedy="请检查“台账连接.txt”",
                )
            key = setting(old, "stamp_key")
            if key is None or mark_of(bytes.fromhex(key)) != address.mark:
                raise LedgerNotMoved("台账.db 不是这个考核的台账", place=Place(str(path)))
            rows = _all_rows(old)
            with target.transaction() as new:
                target.take_time(new)
                _make_room(new, address, now)
                schema.METADATA.create_all(new)
                _copy(rows, new)
                _count_on(new, address.schema)
                for name, value in (
                    (CAMPAIGN, campaign_code),
                    (SHAPE, schema.shape()),
                    (ARRIVING, str(path)),
                ):
                    put_setting(new, name, value)
            put_setting(old, MOVED_TO, destination)
        return _counted(rows)
    finally:
        target.engine.dispose()
        source.engine.dispose()


def move_to_file(
    address: Address, password: str, partial: Path, put_in_place: Callable[[Path], str]
) -> Mapping[str, int]:
    """Copy the ledger on a server into a new file ``partial``; returns the rows by table.

    ``put_in_place`` is given the file when it is complete, makes it the campaign's and returns its
    name. From then on the schema refuses whatever is to be recorded. Raises as ``move_to_server``
    does.
    """
    source = Database(address.server, address.schema, password)
    target = SqliteFile(partial)
    try:
        with source.transaction() as old:
            source.take_time(old)
            key = setting(old, "stamp_key")
            if key is None or mark_of(bytes.fromhex(key)) != address.mark:
                raise source.not_there()
            if schema.unknown_columns(old, address.schema):
                raise LedgerNotMoved(
                    "台账由较新的 perfxl 升级过，没有移动", remedy="请先升级这台电脑上的 perfxl"
                )
            rows = _all_rows(old)
            with target.transaction() as new:
                schema.METADATA.create_all(new)
                _copy(rows, new)
            # The last connection to a file takes its journal away.
            target.engine.dispose()
            put_setting(old, MOVED_TO, put_in_place(partial))
        return _counted(rows)
    finally:
        target.engine.dispose()
        source.engine.dispose()


def _make_room(new: sa.Connection, address: Address, now: dt.datetime) -> None:
    """An empty schema. One that holds a copy nobody used is dropped, one out of use renamed."""
    quoted = new.dialect.identifier_preparer.quote(address.schema)
    if sa.inspect(new).has_schema(address.schema):
        arriving, moved = setting(new, ARRIVING), setting(new, MOVED_TO)
        if arriving is not None:
            new.exec_driver_sql(f"DROP SCHEMA {quoted} CASCADE")
        elif moved is not None:
            aside = new.dialect.identifier_preparer.quote(
                f"{address.schema[:40]}_old_{now:%Y%m%d%H%M%S}"
            )
            new.exec_driver_sql(f"ALTER SCHEMA {quoted} RENAME TO {aside}")
        else:
            raise LedgerNotMoved(
                f"服务器上已有这个考核正在使用的台账（模式 {address.schema}）",
                place=Place(str(address.server)),
                remedy="如果“台账连接.txt”不见了，请从备份恢复它，不要再移一次",
            )
    new.exec_driver_sql(f"CREATE SCHEMA {quoted}")


_Rows = list[dict[str, Any]]


def _all_rows(old: sa.Connection) -> Mapping[str, _Rows]:
    return {table.name: _rows(old, table) for table in schema.METADATA.sorted_tables}


def _counted(rows: Mapping[str, _Rows]) -> Mapping[str, int]:
    return {name: len(found) for name, found in rows.items()}


def _copy(rows: Mapping[str, _Rows], new: sa.Connection) -> None:
    """Write all rows and read them again; raises LedgerNotMoved where one differs."""
    for table in schema.METADATA.sorted_tables:
        wanted = rows[table.name]
        for start in range(0, len(wanted), _AT_ONCE):
            new.execute(table.insert(), wanted[start : start + _AT_ONCE])
        if _rows(new, table) != wanted:
            raise LedgerNotMoved(f"表 {table.name} 移过去以后与原来的不一样，没有移动")


def _rows(connection: sa.Connection, table: sa.Table) -> _Rows:
    """All rows as any database keeps them, in an order that no database decides."""
    rows = [
        {name: schema.as_kept(value) for name, value in row.items()}
        for row in connection.execute(sa.select(table)).mappings()
    ]
    if table is schema.SETTINGS:
        rows = [row for row in rows if row["name"] not in _OF_ITSELF]
    key = [column.name for column in table.primary_key]
    return sorted(rows, key=lambda row: [row[name] for name in key])


def _count_on(new: sa.Connection, schema_name: str) -> None:
    """Let each table number its next row after the last that was copied."""
    quote = new.dialect.identifier_preparer.quote
    for table in schema.METADATA.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            last = new.scalar(sa.select(sa.func.max(column)))
            sequence = sa.func.pg_get_serial_sequence(
                f"{quote(schema_name)}.{quote(table.name)}", column.name
            )
            new.execute(sa.select(sa.func.setval(sequence, last or 1, last is not None)))
