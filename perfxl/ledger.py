"""The ledger (台账): what was issued, received, reviewed, produced. Rows are only ever added.

Owns SQLAlchemy. One transaction per event; on SQLite every writer takes the lock at once
(BEGIN IMMEDIATE) and a commit is on disk before it returns (WAL, synchronous=FULL).
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from perfxl.errors import Fault, LedgerBroken
from perfxl.tables import ScoredIn

# How long a program waits for another that writes.
_PATIENCE_SECONDS = 30

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
    sa.Column("envelope", sa.String(64), nullable=False, server_default=""),
    sa.Column("sender", sa.Text, nullable=False, server_default=""),
    sa.Column("sent_at", sa.DateTime, nullable=True),
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
    sa.Column("seen", sa.Text, nullable=False, server_default=""),
    sa.Column("scored_in", sa.String(8), nullable=False, server_default=ScoredIn.BOOK),
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
_OBJECTIONS = sa.Table(
    "objections",
    _METADATA,
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
_OBJECTION_ANSWERS = sa.Table(
    "objection_answers",
    _METADATA,
    sa.Column("objection", sa.Integer, sa.ForeignKey("objections.id"), primary_key=True),
    sa.Column("before", sa.Integer, nullable=True),
    sa.Column("approved", sa.Integer, nullable=True),
    sa.Column("answer", sa.Text, nullable=False),
    sa.Column("answered_by", sa.String(80), nullable=False),
    sa.Column("answered_at", sa.DateTime, nullable=False),
)
_CONSOLIDATIONS = sa.Table(
    "consolidations",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
)
_EXTENSIONS = sa.Table(
    "extensions",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("until", sa.DateTime, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", sa.DateTime, nullable=False),
)
_SEND_BACKS = sa.Table(
    "send_backs",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("unit", sa.String(40), nullable=False),
    sa.Column("receipt", sa.String(64), nullable=False),
    sa.Column("errors", sa.Integer, nullable=False),
    sa.Column("file", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
)
_DRAWS = sa.Table(
    "spot_check_draws",
    _METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("seed", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("population", sa.Integer, nullable=False),
    sa.Column("wanted", sa.Text, nullable=False),
    sa.Column("strata", sa.Text, nullable=False),
    sa.Column("drawn_by", sa.String(80), nullable=False),
    sa.Column("drawn_at", sa.DateTime, nullable=False),
)
_DRAWN = sa.Table(
    "spot_check_projects",
    _METADATA,
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
_CHECKED = sa.Table(
    "spot_check_results",
    _METADATA,
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


class Form(StrEnum):
    """What a received workbook was taken for."""

    RETURN = "return"
    REVIEW = "review"
    SPOT_CHECK = "spot"


class Verdict(StrEnum):
    """What became of a received file.

    The first is a return that counts; the next group waits for the unit or the operator; of the
    last group nothing more is to be done. The words of ``Fault`` are verdicts too.
    """

    VALID = "有效"
    ENCRYPTED = Fault.ENCRYPTED.value
    DAMAGED = Fault.DAMAGED.value
    NOT_A_WORKBOOK = Fault.NOT_A_WORKBOOK.value
    TOO_LARGE = Fault.TOO_LARGE.value
    UNREADABLE = Fault.UNREADABLE.value
    UNKNOWN_UNIT = "单位不明"
    WRONG_UNIT = "单位不符"
    STAMPS_DISAGREE = "标记矛盾"
    TO_CONFIRM = "待确认"
    BLANK = "空白未填"
    UNCHANGED = "未作修改"
    NOT_OURS = "不是本次考核"
    NO_ATTACHMENT = "没有附件"
    OPENED = "已拆开"
    ATTACHMENT = "附件"


# Nothing is to be done about these, and nobody needs to be told again.
SETTLED = frozenset({Verdict.VALID, Verdict.OPENED, Verdict.ATTACHMENT})


@dataclass(frozen=True)
class Receipt:
    """A received file and the verdict in force on it as one form.

    ``holder`` is the unit's code or the section's name. ``doubtful`` says that nothing but the
    cover or the file name speaks for that holder; ``decided_by`` names the person who decided.
    ``envelope`` is the hash of the archive or mail that it came in, ``sender`` and ``sent_at``
    what that mail says.
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
    envelope: str = ""
    sender: str = ""
    sent_at: dt.datetime | None = None

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
class Extension:
    """A later deadline that was granted to one unit."""

    unit: str
    until: dt.datetime
    reason: str
    decided_by: str
    decided_at: dt.datetime


@dataclass(frozen=True)
class SendBack:
    """One return sent back to its unit with marks; ``receipt`` is the return's hash."""

    unit: str
    receipt: str
    errors: int
    file: str
    sha256: str
    made_at: dt.datetime


@dataclass(frozen=True)
class Review:
    """One approved score as a section entered it; ``approved`` in hundredths.

    ``edition`` counts the books that were issued to the section or, where the plan names several,
    to the reviewer; ``receipt`` is the file's hash. ``seen`` is the text of a ``merging.Seen``.
    Of the answer to an objection ``row`` is the objection's number and ``receipt`` is blank.
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
    seen: str = ""
    scored_in: ScoredIn = ScoredIn.BOOK


@dataclass(frozen=True)
class Objection:
    """A unit's request to look at one score again; ``requested`` in hundredths, if it names one.

    ``file`` is the name of what the unit handed in and ``original`` where that is kept.
    """

    unit: str
    indicator: str
    request: str
    requested: int | None
    file: str
    original: str
    requested_at: dt.datetime
    recorded_by: str
    number: int = 0


@dataclass(frozen=True)
class ObjectionAnswer:
    """The section's answer: ``approved`` is the changed score, None where the old one stands.

    ``before`` is the score that was in force when it was answered; hundredths.
    """

    objection: int
    before: int | None
    approved: int | None
    answer: str
    answered_by: str
    answered_at: dt.datetime


@dataclass(frozen=True)
class Consolidation:
    """One run of consolidate: the workbook's hash, and how all stood then (``standing``, JSON)."""

    sha256: str
    standing: str
    made_at: dt.datetime


@dataclass(frozen=True)
class DrawnProject:
    """One project of a draw, and where its unit reported it (``tables.SAMPLE``)."""

    number: int
    unit: str
    kind: str
    project: str
    name: str
    stratum: str
    receipt: str
    file: str
    sheet: str
    row: int
    said: str


@dataclass(frozen=True)
class Draw:
    """One draw of a spot check; the newest is in force.

    ``method`` is how it was drawn, in words; ``wanted`` the share or number asked for; ``strata``
    the sizes (JSON: stratum, size, drawn).
    """

    seed: str
    method: str
    population: int
    wanted: str
    strata: str
    drawn_by: str
    drawn_at: dt.datetime
    projects: tuple[DrawnProject, ...]
    number: int = 0


@dataclass(frozen=True)
class CheckedProject:
    """What the check of a drawn project found, as entered in one edition of the check book."""

    draw: int
    edition: int
    number: int
    unit: str
    project: str
    name: str
    conclusion: str
    problems: int
    description: str
    checker: str
    checked_on: str
    receipt: str
    sheet: str
    row: int
    recorded_at: dt.datetime


_RECEIVED = (
    "sha256", "file", "original", "size", "received_at", "envelope", "sender", "sent_at",
)  # fmt: skip
_JUDGED = ("holder", "detail", "doubtful", "decided_by", "decided_at")


class Ledger:
    """A campaign's ledger behind one SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _sqlite_connect)
            event.listen(self._engine, "begin", _sqlite_begin)
        # In one transaction, so that two programs that open a new or an old ledger at the same time
        # do not both add the same table or column.
        with self._writing() as connection:
            _METADATA.create_all(connection)
            _add_missing_columns(connection)

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

    def all_issues(self) -> list[Issue]:
        """Every workbook ever issued, in order."""
        return [Issue(**row) for row in self._rows(_ISSUES)]

    def issues(self) -> dict[str, Issue]:
        """The newest issue of each unit."""
        return {issue.unit: issue for issue in self.all_issues()}

    def receipt(self, sha256: str, form: Form) -> Receipt | None:
        """What these bytes were received as, if they were ever judged as this form."""
        found = self._received(sa.and_(_VERDICTS.c.sha256 == sha256, _VERDICTS.c.form == form))
        return found[0] if found else None

    def receipts(self, form: Form) -> list[Receipt]:
        """All that was received as one form, in the order of arrival."""
        return self._received(_VERDICTS.c.form == form)

    def _received(self, condition: sa.ColumnElement[bool]) -> list[Receipt]:
        return self._all_received(condition, newest_only=True)

    def _all_received(
        self, condition: sa.ColumnElement[bool], *, newest_only: bool
    ) -> list[Receipt]:
        joined = (
            sa.select(_RECEIPTS, _VERDICTS)
            .join(_VERDICTS, _VERDICTS.c.sha256 == _RECEIPTS.c.sha256)
            .where(condition)
            .order_by(_RECEIPTS.c.received_at, _VERDICTS.c.id)
        )
        found: dict[object, Receipt] = {}
        with self._reading() as connection:
            for row in connection.execute(joined):
                values = row._mapping
                key = _RECEIPTS.c.sha256 if newest_only else _VERDICTS.c.id
                found[values[key]] = Receipt(
                    form=Form(values[_VERDICTS.c.form]),
                    verdict=Verdict(values[_VERDICTS.c.verdict]),
                    **{name: values[_RECEIPTS.c[name]] for name in _RECEIVED},
                    **{name: values[_VERDICTS.c[name]] for name in _JUDGED},
                )
        return list(found.values())

    def verdicts(self) -> list[Receipt]:
        """Every verdict ever given, in order: a receipt as it was judged each time."""
        return self._all_received(sa.true(), newest_only=False)

    def record_receipt(
        self, receipt: Receipt, decided_at: dt.datetime, reviews: Sequence[Review] = ()
    ) -> bool:
        """Record a received file, a new verdict on it, the scores it brought: one transaction.

        The first time of receipt stays, and so does a return that counts, until a person decides
        otherwise; one file brings one score per unit and indicator. Returns False, having recorded
        nothing, where the verdict is the one already in force, no person decided, and there are no
        new scores.
        """
        with self._writing() as connection:
            (judged_anew,) = _record(connection, [(receipt, decided_at)])
            # Asked here, because another program may have taken the same book in meanwhile.
            of_this_file = sa.select(_REVIEWS.c.unit, _REVIEWS.c.indicator).where(
                _REVIEWS.c.receipt == receipt.sha256
            )
            brought = {tuple(row) for row in connection.execute(of_this_file)}
            fresh = [vars(one) for one in reviews if (one.unit, one.indicator) not in brought]
            if fresh:
                connection.execute(_REVIEWS.insert(), fresh)
        return judged_anew or bool(fresh)

    def record_receipts(self, receipts: Sequence[tuple[Receipt, dt.datetime]]) -> list[bool]:
        """Several received files, each with the time of its verdict, in one transaction.

        Returns for each what ``record_receipt`` would.
        """
        if not receipts:
            return []
        with self._writing() as connection:
            return _record(connection, receipts)

    def record_extension(self, extension: Extension) -> None:
        """Record a granted extension; the last one of a unit is in force."""
        with self._writing() as connection:
            connection.execute(_EXTENSIONS.insert().values(**vars(extension)))

    def extensions(self) -> list[Extension]:
        """Every extension ever granted, in order."""
        return [Extension(**row) for row in self._rows(_EXTENSIONS)]

    def record_send_back(self, send_back: SendBack) -> None:
        """Record that a marked copy was made for a unit."""
        with self._writing() as connection:
            connection.execute(_SEND_BACKS.insert().values(**vars(send_back)))

    def send_backs(self) -> list[SendBack]:
        """Every marked copy ever made, in order."""
        return [SendBack(**row) for row in self._rows(_SEND_BACKS)]

    def reviews(self) -> list[Review]:
        """Every approved score ever entered, in order."""
        rows = self._rows(_REVIEWS)
        return [Review(**{**row, "scored_in": ScoredIn(row["scored_in"])}) for row in rows]

    def record_objection(self, objection: Objection) -> int:
        """Record a unit's objection; returns its number."""
        values = {name: value for name, value in vars(objection).items() if name != "number"}
        with self._writing() as connection:
            recorded = _OBJECTIONS.insert().values(**values).returning(_OBJECTIONS.c.id)
            return int(connection.scalars(recorded).one())

    def objections(self) -> list[Objection]:
        """Every objection, in order."""
        with self._reading() as connection:
            found = connection.execute(sa.select(_OBJECTIONS).order_by(_OBJECTIONS.c.id)).mappings()
            return [
                Objection(number=row["id"], **{k: v for k, v in row.items() if k != "id"})
                for row in found
            ]

    def record_answer(self, answer: ObjectionAnswer, review: Review | None) -> bool:
        """Record the answer to an objection and the score it changes, in one transaction.

        Returns False, having recorded nothing, where it was answered already.
        """
        with self._writing() as connection:
            answered = sa.select(_OBJECTION_ANSWERS.c.objection).where(
                _OBJECTION_ANSWERS.c.objection == answer.objection
            )
            if connection.scalar(answered) is not None:
                return False
            connection.execute(_OBJECTION_ANSWERS.insert().values(**vars(answer)))
            if review is not None:
                connection.execute(_REVIEWS.insert().values(**vars(review)))
        return True

    def answers(self) -> dict[int, ObjectionAnswer]:
        """The answers by the objection's number."""
        with self._reading() as connection:
            found = connection.execute(sa.select(_OBJECTION_ANSWERS)).mappings()
            return {row["objection"]: ObjectionAnswer(**row) for row in found}

    def record_consolidation(self, consolidation: Consolidation) -> None:
        """Record how all stood when the consolidated workbook was written."""
        with self._writing() as connection:
            connection.execute(_CONSOLIDATIONS.insert().values(**vars(consolidation)))

    def last_consolidation(self) -> Consolidation | None:
        """The newest one, if there is any."""
        newest = sa.select(_CONSOLIDATIONS).order_by(_CONSOLIDATIONS.c.id.desc()).limit(1)
        with self._reading() as connection:
            row = connection.execute(newest).mappings().first()
        if row is None:
            return None
        return Consolidation(row["sha256"], row["standing"], row["made_at"])

    def record_product(self, kind: str, holder: str, sha256: str, made_at: dt.datetime) -> None:
        """Record that perfxl itself wrote a file with this content."""
        with self._writing() as connection:
            connection.execute(
                _PRODUCTS.insert().values(kind=kind, holder=holder, sha256=sha256, made_at=made_at)
            )

    def made_by_perfxl(self, kind: str, holder: str) -> dict[str, dt.datetime]:
        """The hashes of all that perfxl wrote of this kind for this holder, when each was first."""
        made: dict[str, dt.datetime] = {}
        for row in self._rows(_PRODUCTS):
            if row["kind"] == kind and row["holder"] == holder:
                made.setdefault(str(row["sha256"]), row["made_at"])
        return made

    def record_draw(self, draw: Draw) -> int:
        """Record a draw with its projects; returns its number."""
        values = {k: v for k, v in vars(draw).items() if k not in ("number", "projects")}
        with self._writing() as connection:
            recorded = _DRAWS.insert().values(**values).returning(_DRAWS.c.id)
            number = int(connection.scalars(recorded).one())
            rows = [{**vars(project), "draw": number} for project in draw.projects]
            if rows:
                connection.execute(_DRAWN.insert(), rows)
        return number

    def draws(self) -> list[Draw]:
        """Every draw, in order."""
        with self._reading() as connection:
            draws = connection.execute(sa.select(_DRAWS).order_by(_DRAWS.c.id)).mappings().all()
            drawn = connection.execute(sa.select(_DRAWN).order_by(_DRAWN.c.id)).mappings().all()
        projects: dict[int, list[DrawnProject]] = {}
        for row in drawn:
            values = {k: v for k, v in row.items() if k not in ("id", "draw")}
            projects.setdefault(row["draw"], []).append(DrawnProject(**values))
        return [
            Draw(
                **{k: v for k, v in row.items() if k != "id"},
                projects=tuple(projects.get(row["id"], ())),
                number=row["id"],
            )
            for row in draws
        ]

    def record_checked(
        self, receipt: Receipt, decided_at: dt.datetime, checked: Sequence[CheckedProject]
    ) -> None:
        """Record a received check book with what it brought, in one transaction.

        One file brings one result per project.
        """
        with self._writing() as connection:
            _record(connection, [(receipt, decided_at)])
            of_this_file = sa.select(_CHECKED.c.draw, _CHECKED.c.number).where(
                _CHECKED.c.receipt == receipt.sha256
            )
            brought = {tuple(row) for row in connection.execute(of_this_file)}
            fresh = [vars(one) for one in checked if (one.draw, one.number) not in brought]
            if fresh:
                connection.execute(_CHECKED.insert(), fresh)

    def checked(self) -> list[CheckedProject]:
        """Every result of a check ever entered, in order."""
        return [CheckedProject(**row) for row in self._rows(_CHECKED)]

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


def _add_missing_columns(connection: sa.Connection) -> None:
    """Bring a ledger of an earlier version of perfxl up to this one's tables."""
    inspector = sa.inspect(connection)
    for table in _METADATA.sorted_tables:
        present = {column["name"] for column in inspector.get_columns(table.name)}
        for column in table.c:
            if column.name not in present:
                declaration = str(sa.schema.CreateColumn(column).compile(connection))
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {declaration}")


def _record(
    connection: sa.Connection, receipts: Sequence[tuple[Receipt, dt.datetime]]
) -> list[bool]:
    hashes = {receipt.sha256 for receipt, _ in receipts}
    known = set(
        connection.scalars(sa.select(_RECEIPTS.c.sha256).where(_RECEIPTS.c.sha256.in_(hashes)))
    )
    in_force: dict[tuple[str, str], dict[str, object]] = {}
    judged = ("sha256", "form", "holder", "verdict", "detail", "doubtful", "decided_by")
    for row in connection.execute(
        sa.select(*(_VERDICTS.c[name] for name in judged))
        .where(_VERDICTS.c.sha256.in_(hashes))
        .order_by(_VERDICTS.c.id)
    ).mappings():
        in_force[row["sha256"], row["form"]] = dict(row)
    new_receipts, new_verdicts, anew = [], [], []
    for receipt, decided_at in receipts:
        if receipt.sha256 not in known:
            known.add(receipt.sha256)
            new_receipts.append({name: getattr(receipt, name) for name in _RECEIVED})
        verdict = {name: getattr(receipt, name) for name in judged}
        key = (receipt.sha256, receipt.form)
        before = in_force.get(key, {})
        # Two ingests may overlap: what one took as valid, or a person decided in one, is not undone
        # by what the other made of the same file knowing less.
        stands = before.get("verdict") == Verdict.VALID and receipt.form is Form.RETURN
        anew.append(bool(receipt.decided_by) or (before != verdict and not stands))
        if anew[-1]:
            in_force[key] = verdict
            new_verdicts.append({**verdict, "decided_at": decided_at})
    if new_receipts:
        connection.execute(_RECEIPTS.insert(), new_receipts)
    if new_verdicts:
        connection.execute(_VERDICTS.insert(), new_verdicts)
    return anew


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
