"""The ledger (台账): what was issued, received, reviewed, produced. Rows are only ever added.

Owns SQLAlchemy. One transaction per event; on SQLite every writer takes the lock at once
(BEGIN IMMEDIATE) and a commit is on disk before it returns (WAL, synchronous=FULL).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

_METADATA = sa.MetaData()

_SETTINGS = sa.Table(
    "settings",
    _METADATA,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_ISSUES = sa.Table(
    "issues",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("version", sa.String(16), nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("issued_at", sa.DateTime, nullable=False),
)
_RECEIPTS = sa.Table(
    "receipts",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("form", sa.String(8), nullable=False),
    sa.Column("holder", sa.String(80), nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
_REVIEWS = sa.Table(
    "reviews",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("receipt", sa.String(64), nullable=False),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("indicator", sa.String(40), nullable=False),
    sa.Column("section", sa.String(80), nullable=False),
    sa.Column("approved", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reviewer", sa.Text, nullable=False),
    sa.Column("sheet", sa.Text, nullable=False),
    sa.Column("row", sa.Integer, nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
)
_PRODUCTS = sa.Table(
    "products",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("holder", sa.String(80), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
)


class Form(StrEnum):
    """What kind of workbook was received."""

    RETURN = "return"
    REVIEW = "review"


class Verdict(StrEnum):
    """What became of a received file."""

    VALID = "有效"
    UNREADABLE = "无法读取"
    UNKNOWN_UNIT = "单位不明"
    NOT_OURS = "不是本次考核"


@dataclass(frozen=True)
class Receipt:
    """One received file; ``holder`` is the unit's code or the section's name."""

    sha256: str
    form: Form
    holder: str
    file: str
    original: str
    size: int
    received_at: dt.datetime
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class Issue:
    """One workbook issued to a unit."""

    unit: str
    version: str
    file: str
    sha256: str
    issued_at: dt.datetime


@dataclass(frozen=True)
class Review:
    """One approved score as a section entered it; ``approved`` in hundredths."""

    receipt: str
    unit: str
    indicator: str
    section: str
    approved: int
    reason: str
    reviewer: str
    sheet: str
    row: int
    recorded_at: dt.datetime


class Ledger:
    """A campaign's ledger behind one SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _sqlite_connect)
            event.listen(self._engine, "begin", _sqlite_begin)
        _METADATA.create_all(self._engine)

    @classmethod
    def at(cls, path: Path) -> Ledger:
        """The SQLite ledger in a file, made where there is none."""
        return cls(sa.URL.create("sqlite", database=str(path)).render_as_string())

    def close(self) -> None:
        """Give back the connections (Windows keeps an open file from being moved)."""
        self._engine.dispose()

    def setting(self, name: str, default: str) -> str:
        """A setting of the campaign; the default is recorded the first time it is asked for."""
        with self._engine.begin() as connection:
            found = connection.scalar(sa.select(_SETTINGS.c.value).where(_SETTINGS.c.name == name))
            if found is None:
                connection.execute(_SETTINGS.insert().values(name=name, value=default))
                return default
            return str(found)

    def record_issues(self, issues: Sequence[Issue]) -> None:
        """Record workbooks as issued."""
        if issues:
            with self._engine.begin() as connection:
                connection.execute(_ISSUES.insert(), [vars(issue) for issue in issues])

    def issues(self) -> dict[str, Issue]:
        """The newest issue of each unit."""
        return {row["unit"]: Issue(**row) for row in self._rows(_ISSUES)}

    def receipt(self, sha256: str) -> Receipt | None:
        """The receipt of these bytes, if they were ever received."""
        with self._engine.connect() as connection:
            row = (
                connection.execute(sa.select(_RECEIPTS).where(_RECEIPTS.c.sha256 == sha256))
                .mappings()
                .first()
            )
        return None if row is None else _receipt(row)

    def receipts(self, form: Form) -> list[Receipt]:
        """All receipts of one form, in the order of arrival."""
        found = [_receipt(row) for row in self._rows(_RECEIPTS) if row["form"] == form]
        return sorted(found, key=lambda receipt: receipt.received_at)

    def record_receipt(self, receipt: Receipt, reviews: Iterable[Review] = ()) -> bool:
        """Record a received file, with the scores it brought, in one transaction.

        Returns False, and records nothing, where the same bytes were received before.
        """
        with self._engine.begin() as connection:
            known = connection.scalar(
                sa.select(_RECEIPTS.c.id).where(_RECEIPTS.c.sha256 == receipt.sha256)
            )
            if known is not None:
                return False
            connection.execute(_RECEIPTS.insert().values(**vars(receipt)))
            rows = [vars(review) for review in reviews]
            if rows:
                connection.execute(_REVIEWS.insert(), rows)
        return True

    def reviews(self) -> list[Review]:
        """Every approved score ever entered, in order."""
        return [Review(**row) for row in self._rows(_REVIEWS)]

    def current_reviews(self) -> dict[tuple[str, str], Review]:
        """The approved score in force per (unit, indicator): the one entered last."""
        return {(review.unit, review.indicator): review for review in self.reviews()}

    def record_product(self, kind: str, holder: str, sha256: str, made_at: dt.datetime) -> None:
        """Record that perfxl itself wrote a file with this content."""
        with self._engine.begin() as connection:
            connection.execute(
                _PRODUCTS.insert().values(kind=kind, holder=holder, sha256=sha256, made_at=made_at)
            )

    def made_by_perfxl(self, kind: str, holder: str) -> set[str]:
        """The hashes of all that perfxl wrote of this kind for this holder."""
        return {
            str(row["sha256"])
            for row in self._rows(_PRODUCTS)
            if row["kind"] == kind and row["holder"] == holder
        }

    def _rows(self, table: sa.Table) -> list[dict[str, Any]]:
        columns = [column for column in table.c if column.name != "id"]
        with self._engine.connect() as connection:
            found = connection.execute(sa.select(*columns).order_by(table.c.id)).mappings()
            return [dict(row) for row in found]


def _receipt(row: sa.RowMapping | dict[str, Any]) -> Receipt:
    values = {name: value for name, value in row.items() if name != "id"}
    values["form"], values["verdict"] = Form(values["form"]), Verdict(values["verdict"])
    return Receipt(**values)


def _sqlite_connect(connection: Any, _: object) -> None:
    # SQLAlchemy's recipe: take transaction control away from the driver, so that BEGIN is ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
