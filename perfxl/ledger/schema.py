"""The ledger's tables; what an earlier version of perfxl made is brought up to them.

They are alike on every database: text of any length, compared by its characters (nothing is ever
ordered by text), integers of 64 bits, moments without a time zone to the microsecond. ``_alike``
sees to it for every column below.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from perfxl.tables import ScoredIn

METADATA = sa.MetaData()

SETTINGS = sa.Table(
    "settings",
    METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
ISSUES = sa.Table(
    "issues",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("version", sa.String(16), nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("issued_at", sa.DateTime, nullable=False),
)
RECEIPTS = sa.Table(
    "receipts",
    METADATA,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
    sa.Column("envelope", sa.String(64), nullable=False, server_default=""),
    sa.Column("sender", sa.Text, nullable=False, server_default=""),
    sa.Column("sent_at", sa.DateTime, nullable=True),
)
VERDICTS = sa.Table(
    "verdicts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column(
        "sha256", sa.String(64), sa.ForeignKey("receipts.sha256"), nullable=False, index=True
    ),
    sa.Column("form", sa.String(8), nullable=False),
    sa.Column("holder", sa.String(80), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("doubtful", sa.Boolean, nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
)
REVIEWS = sa.Table(
    "reviews",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("receipt", sa.String(64), nullable=False, index=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("indicator", sa.String(40), nullable=False),
    sa.Column("section", sa.String(80), nullable=False),
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("approved", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
    sa.Column("seen", sa.Text, nullable=False, server_default=""),
    sa.Column("scored_in", sa.String(8), nullable=False, server_default=ScoredIn.BOOK),
)
PRODUCTS = sa.Table(
    "products",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("holder", sa.String(80), nullable=False, index=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
)
OBJECTIONS = sa.Table(
    "objections",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("indicator", sa.String(40), nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("requested", sa.Integer, nullable=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("requested_at", sa.DateTime, nullable=False),
    sa.Column("recorded_by", sa.String(80), nullable=False),
)
OBJECTION_ANSWERS = sa.Table(
    "objection_answers",
    METADATA,
    sa.Column("objection", sa.Integer, sa.ForeignKey("objections.id"), primary_key=True),
    sa.Column("before", sa.Integer, nullable=True),
    sa.Column("approved", sa.Integer, nullable=True),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("answered_by", sa.String(80), nullable=False),
    sa.Column("answered_at", sa.DateTime, nullable=False),
)
CONSOLIDATIONS = sa.Table(
    "consolidations",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
)
EXTENSIONS = sa.Table(
    "extensions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("until", sa.DateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
)
SEND_BACKS = sa.Table(
    "send_backs",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False, index=True),
    sa.Column("receipt", sa.String(64), nullable=False),
    sa.Column("errors", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
)
DRAWS = sa.Table(
    "spot_check_draws",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("seed", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("population", sa.Integer, nullable=False),
    sa.Column("wanted", sa.Text, nullable=False),
    sa.Column("strata", sa.Text, nullable=False),
    sa.Column("drawn_by", sa.String(80), nullable=False),
    sa.Column("drawn_at", sa.DateTime, nullable=False),
)
DRAWN = sa.Table(
    "spot_check_projects",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("draw", sa.Integer, sa.ForeignKey("spot_check_draws.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("stratum", sa.Text, nullable=False),
    sa.Column("receipt", sa.String(64), nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
)
CHECKED = sa.Table(
    "spot_check_results",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("draw", sa.Integer, sa.ForeignKey("spot_check_draws.id"), nullable=False),
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("project", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("conclusion", sa.String(16), nullable=False),
    sa.Column("problems", sa.Integer, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("checker", sa.Text, nullable=False),
    sa.Column("checked_on", sa.String(10), nullable=False),
    sa.Column("receipt", sa.String(64), nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
)
PROBLEMS = sa.Table(
    "rectification_problems",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False, index=True),
    sa.Column("number", sa.String(60), nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("source", sa.String(20), nullable=False),
    sa.Column("indicator", sa.String(40), nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("lost", sa.Integer, nullable=True),
    sa.Column("due", sa.Date, nullable=False),
    sa.Column("withdrawn", sa.Boolean, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
)
PROBLEM_REPORTS = sa.Table(
    "rectification_reports",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("receipt", sa.String(64), nullable=False, index=True),
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("unit", sa.String(40), nullable=False, index=True),
    sa.Column("number", sa.String(60), nullable=False),
    sa.Column("measure", sa.Text, nullable=False),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("progress", sa.String(16), nullable=False),
    sa.Column("done_on", sa.String(10), nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
)
PROBLEM_DECISIONS = sa.Table(
    "rectification_decisions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False, index=True),
    sa.Column("number", sa.String(60), nullable=False),
    sa.Column("decision", sa.String(8), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("receipt", sa.String(64), nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
)
MAILS = sa.Table(
    "mails",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False, index=True),
    sa.Column("occasion", sa.String(16), nullable=False),
    sa.Column("about", sa.String(64), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("message_id", sa.Text, nullable=False),
    sa.Column("recipients", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("files", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.String(80), nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
)
PROJECT_IMPORTS = sa.Table(
    "project_imports",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("projects", sa.Integer, nullable=False),
    sa.Column("imported_by", sa.String(80), nullable=False),
    sa.Column("imported_at", sa.DateTime, nullable=False),
)
COLLECTED = sa.Table(
    "collected",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("validity", sa.BigInteger, nullable=False),
    sa.Column("uid", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("sender", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("arrived_at", sa.DateTime, nullable=False),
    sa.Column("collected_at", sa.DateTime, nullable=False),
)

CAMPAIGN_FIGURES = sa.Table(
    "campaign_figures",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("item", sa.Text, nullable=False),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("value", sa.BigInteger, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("code", sa.String(40), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("folder", sa.Text, nullable=False),
    sa.Column("taken_at", sa.DateTime, nullable=False),
)


def storable(text: str) -> str:
    """Text as every database keeps it: what UTF-8 or PostgreSQL has no place for becomes ``?``."""
    return str(text).replace("\0", "?").encode("utf-8", "replace").decode("utf-8")


def as_kept(value: object) -> object:
    """A value as it will be read again."""
    return storable(value) if isinstance(value, str) else value


class _Text(sa.types.TypeDecorator[str]):
    """Plain text; a driver that knows enumerations would store their names otherwise."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else storable(value)


class _Moment(sa.types.TypeDecorator[dt.datetime]):
    """Local time; one with a zone would be kept by one database and converted by another."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(
        self, value: dt.datetime | None, dialect: sa.Dialect
    ) -> dt.datetime | None:
        if value is not None and value.tzinfo is not None:
            raise ValueError(f"the ledger keeps local times, not {value.isoformat()}")
        return value


def _alike(declared: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """The type by which what is declared behaves the same on every database.

    SQLite never cuts or refuses text that is longer than declared, and its integers have 64 bits;
    it numbers rows by itself only where their key is called INTEGER.
    """
    if isinstance(declared, sa.String):
        return _Text()
    if isinstance(declared, sa.DateTime):
        return _Moment()
    if isinstance(declared, sa.Integer):
        return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return declared


for _table in METADATA.tables.values():
    for _column in _table.c:
        _column.type = _alike(_column.type)


@lru_cache(maxsize=1)
def shape() -> str:
    """A word for the tables, columns and indexes that this version of perfxl knows."""
    indexes = {str(index.name) for table in METADATA.sorted_tables for index in table.indexes}
    return hashlib.sha256("\n".join(sorted(_declared() | indexes)).encode()).hexdigest()[:16]


def unknown_columns(connection: sa.Connection, schema: str | None = None) -> list[str]:
    """What a ledger has and this version of perfxl does not know: a newer one made it."""
    present = {
        f"{table}.{column}"
        for table, columns in _present(connection, schema).items()
        for column in columns
    }
    return sorted(present - _declared())


def add_missing(connection: sa.Connection, schema: str | None = None) -> None:
    """Bring a ledger of an earlier version of perfxl up to this one's tables and indexes."""
    METADATA.create_all(connection)
    quote = connection.dialect.identifier_preparer.quote
    present = _present(connection, schema)
    for table in METADATA.sorted_tables:
        for column in table.c:
            if column.name not in present[table.name]:
                declaration = str(sa.schema.CreateColumn(column).compile(connection))
                name = ".".join(quote(part) for part in (schema, table.name) if part)
                connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {declaration}")
        for index in table.indexes:
            connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))


def _declared() -> set[str]:
    return {f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.c}


def _present(connection: sa.Connection, schema: str | None) -> dict[str, set[str]]:
    found: dict[Any, Any] = sa.inspect(connection).get_multi_columns(schema=schema)
    return {name: {column["name"] for column in columns} for (_, name), columns in found.items()}
