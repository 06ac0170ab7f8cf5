"""The ledger (台账): what was issued, received, reviewed, produced. Rows are only ever added.

Owns SQLAlchemy. One transaction per event; on SQLite every writer takes the lock at once
(BEGIN IMMEDIATE) and a commit is on disk before it returns (WAL, synchronous=FULL).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from perfxl.errors import LedgerBroken

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
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("original", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("received_at", sa.DateTime, nullable=False),
)
_VERDICTS = sa.Table(
    "verdicts",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), sa.ForeignKey("receipts.sha256"), nullable=False),
    sa.Column("form", sa.String(8), nullable=False),
    sa.Column("holder", sa.String(80), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("doubtful", sa.Boolean, nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
)
_REVIEWS = sa.Table(
    "reviews",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("receipt", sa.String(64), nullable=False),
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
    """What a received workbook was taken for."""

    RETURN = "return"
    REVIEW = "review"


class Verdict(StrEnum):
    """What became of a received file."""

    VALID = "有效"
    UNREADABLE = "无法读取"
    UNKNOWN_UNIT = "单位不明"
    TO_CONFIRM = "待确认"
    BLANK = "空白未填"
    NOT_OURS = "不是本次考核"


@dataclass(frozen=True)
class Receipt:
    """A received file and the verdict in force on it as one form.

    ``holder`` is the unit's code or the section's name. ``doubtful`` says that nothing but the
    cover or the file name speaks for that holder; ``decided_by`` names the person who decided.
    """

    sha256: str
    form: Form
    holder: str
    file: str
    original: str
    size: int
    received_at: dt.datetime
    verdict: Verdict
    detail: str = ""
    doubtful: bool = False
    decided_by: str = ""
    decided_at: dt.datetime | None = None

    @property
    def counts_from(self) -> dt.datetime:
        """The moment by which receipts of one unit supersede each other: arrival or decision."""
        return self.decided_at if self.decided_by and self.decided_at else self.received_at


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
    """One approved score as a section entered it; ``approved`` in hundredths.

    ``edition`` counts the books that were issued to the section; ``receipt`` is the file's hash.
    """

    receipt: str
    unit: str
    indicator: str
    section: str
    edition: int
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
        with _told_in_chinese():
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
        with self._writing() as connection:
            found = connection.scalar(sa.select(_SETTINGS.c.value).where(_SETTINGS.c.name == name))
            if found is None:
                connection.execute(_SETTINGS.insert().values(name=name, value=default))
                return default
            return str(found)

    def record_issues(self, issues: Sequence[Issue]) -> None:
        """Record workbooks as issued."""
        if issues:
            with self._writing() as connection:
                connection.execute(_ISSUES.insert(), [vars(issue) for issue in issues])

    def issues(self) -> dict[str, Issue]:
        """The newest issue of each unit."""
        return {row["unit"]: Issue(**row) for row in self._rows(_ISSUES)}

    def receipt(self, sha256: str, form: Form) -> Receipt | None:
        """What these bytes were received as, if they were ever judged as this form."""
        found = self._received(sa.and_(_VERDICTS.c.sha256 == sha256, _VERDICTS.c.form == form))
        return found[0] if found else None

    def receipts(self, form: Form) -> list[Receipt]:
        """All that was received as one form, in the order of arrival."""
        return self._received(_VERDICTS.c.form == form)

    def _received(self, condition: sa.ColumnElement[bool]) -> list[Receipt]:
        joined = (
            sa.select(_RECEIPTS, _VERDICTS)
            .join(_VERDICTS, _VERDICTS.c.sha256 == _RECEIPTS.c.sha256)
            .where(condition)
            .order_by(_RECEIPTS.c.received_at, _VERDICTS.c.id)
        )
        newest: dict[str, Receipt] = {}
        with self._reading() as connection:
            for row in connection.execute(joined):
                values = row._mapping
                newest[values[_RECEIPTS.c.sha256]] = Receipt(
                    sha256=values[_RECEIPTS.c.sha256],
                    form=Form(values[_VERDICTS.c.form]),
                    holder=values[_VERDICTS.c.holder],
                    file=values[_RECEIPTS.c.file],
                    original=values[_RECEIPTS.c.original],
                    size=values[_RECEIPTS.c.size],
                    received_at=values[_RECEIPTS.c.received_at],
                    verdict=Verdict(values[_VERDICTS.c.verdict]),
                    detail=values[_VERDICTS.c.detail],
                    doubtful=values[_VERDICTS.c.doubtful],
                    decided_by=values[_VERDICTS.c.decided_by],
                    decided_at=values[_VERDICTS.c.decided_at],
                )
        return list(newest.values())

    def record_receipt(
        self, receipt: Receipt, decided_at: dt.datetime, reviews: Sequence[Review] = ()
    ) -> bool:
        """Record a received file, a new verdict on it, the scores it brought: one transaction.

        The first time of receipt stays. Returns False, having recorded nothing, where the verdict
        is the one already in force, no person decided, and there are no scores.
        """
        with self._writing() as connection:
            known = connection.scalar(
                sa.select(_RECEIPTS.c.sha256).where(_RECEIPTS.c.sha256 == receipt.sha256)
            )
            if known is None:
                values = {column.name: getattr(receipt, column.name) for column in _RECEIPTS.c}
                connection.execute(_RECEIPTS.insert().values(**values))
            judged = {
                name: getattr(receipt, name)
                for name in (
                    "sha256",
                    "form",
                    "holder",
                    "verdict",
                    "detail",
                    "doubtful",
                    "decided_by",
                )
            }
            last = (
                connection.execute(
                    sa.select(*(_VERDICTS.c[name] for name in judged))
                    .where(_VERDICTS.c.sha256 == receipt.sha256, _VERDICTS.c.form == receipt.form)
                    .order_by(_VERDICTS.c.id.desc())
                )
                .mappings()
                .first()
            )
            judged_anew = last is None or dict(last) != judged or bool(receipt.decided_by)
            if judged_anew:
                connection.execute(_VERDICTS.insert().values(**judged, decided_at=decided_at))
            if reviews:
                connection.execute(_REVIEWS.insert(), [vars(review) for review in reviews])
        return judged_anew or bool(reviews)

    def reviews(self) -> list[Review]:
        """Every approved score ever entered, in order."""
        return [Review(**row) for row in self._rows(_REVIEWS)]

    def current_reviews(self) -> dict[tuple[str, str], Review]:
        """The approved score in force per (unit, indicator): the one entered last."""
        return {(review.unit, review.indicator): review for review in self.reviews()}

    def record_product(self, kind: str, holder: str, sha256: str, made_at: dt.datetime) -> None:
        """Record that perfxl itself wrote a file with this content."""
        with self._writing() as connection:
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

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with _told_in_chinese(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with _told_in_chinese(), self._engine.begin() as connection:
            yield connection

    def _rows(self, table: sa.Table) -> list[dict[str, Any]]:
        columns = [column for column in table.c if column.name != "id"]
        with self._reading() as connection:
            found = connection.execute(sa.select(*columns).order_by(table.c.id)).mappings()
            return [dict(row) for row in found]


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
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
