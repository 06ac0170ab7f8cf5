"""The ledger itself: records in, records out, one transaction for each event.

On SQLite every writer takes the lock at once (BEGIN IMMEDIATE) and a commit is on disk before it
returns (WAL, synchronous=FULL).
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from perfxl.errors import LedgerBroken
from perfxl.ledger import schema
from perfxl.ledger.mails import Collected, MailRecord, MailState
from perfxl.ledger.records import (
    CheckedProject,
    Consolidation,
    Draw,
    DrawnProject,
    Extension,
    Form,
    Issue,
    Objection,
    ObjectionAnswer,
    Problem,
    ProblemDecision,
    ProblemReport,
    Receipt,
    Review,
    SendBack,
    Verdict,
)
from perfxl.tables import ScoredIn

# How long a program waits for another that writes.
_PATIENCE_SECONDS = 30
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
            schema.METADATA.create_all(connection)
            schema.add_missing_columns(connection)

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
            found = connection.scalar(
                sa.select(schema.SETTINGS.c.value).where(schema.SETTINGS.c.name == name)
            )
            if found is None:
                connection.execute(schema.SETTINGS.insert().values(name=name, value=default))
                return default
            return str(found)

    def record_issues(self, issues: Sequence[Issue]) -> None:
        """Record workbooks as issued."""
        if issues:
            with self._writing() as connection:
                connection.execute(schema.ISSUES.insert(), [vars(issue) for issue in issues])

    def all_issues(self) -> list[Issue]:
        """Every workbook ever issued, in order."""
        return [Issue(**row) for row in self._rows(schema.ISSUES)]

    def issues(self) -> dict[str, Issue]:
        """The newest issue of each unit."""
        return {issue.unit: issue for issue in self.all_issues()}

    def receipt(self, sha256: str, form: Form) -> Receipt | None:
        """What these bytes were received as, if they were ever judged as this form."""
        found = self._received(
            sa.and_(schema.VERDICTS.c.sha256 == sha256, schema.VERDICTS.c.form == form)
        )
        return found[0] if found else None

    def receipts(self, form: Form) -> list[Receipt]:
        """All that was received as one form, in the order of arrival."""
        return self._received(schema.VERDICTS.c.form == form)

    def _received(self, condition: sa.ColumnElement[bool]) -> list[Receipt]:
        return self._all_received(condition, newest_only=True)

    def _all_received(
        self, condition: sa.ColumnElement[bool], *, newest_only: bool
    ) -> list[Receipt]:
        joined = (
            sa.select(schema.RECEIPTS, schema.VERDICTS)
            .join(schema.VERDICTS, schema.VERDICTS.c.sha256 == schema.RECEIPTS.c.sha256)
            .where(condition)
            .order_by(schema.RECEIPTS.c.received_at, schema.VERDICTS.c.id)
        )
        found: dict[object, Receipt] = {}
        with self._reading() as connection:
            for row in connection.execute(joined):
                values = row._mapping
                key = schema.RECEIPTS.c.sha256 if newest_only else schema.VERDICTS.c.id
                found[values[key]] = Receipt(
                    form=Form(values[schema.VERDICTS.c.form]),
                    verdict=Verdict(values[schema.VERDICTS.c.verdict]),
                    **{name: values[schema.RECEIPTS.c[name]] for name in _RECEIVED},
                    **{name: values[schema.VERDICTS.c[name]] for name in _JUDGED},
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
            of_this_file = sa.select(schema.REVIEWS.c.unit, schema.REVIEWS.c.indicator).where(
                schema.REVIEWS.c.receipt == receipt.sha256
            )
            brought = {tuple(row) for row in connection.execute(of_this_file)}
            fresh = [vars(one) for one in reviews if (one.unit, one.indicator) not in brought]
            if fresh:
                connection.execute(schema.REVIEWS.insert(), fresh)
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
            connection.execute(schema.EXTENSIONS.insert().values(**vars(extension)))

    def extensions(self) -> list[Extension]:
        """Every extension ever granted, in order."""
        return [Extension(**row) for row in self._rows(schema.EXTENSIONS)]

    def record_send_back(self, send_back: SendBack) -> None:
        """Record that a marked copy was made for a unit."""
        with self._writing() as connection:
            connection.execute(schema.SEND_BACKS.insert().values(**vars(send_back)))

    def send_backs(self) -> list[SendBack]:
        """Every marked copy ever made, in order."""
        return [SendBack(**row) for row in self._rows(schema.SEND_BACKS)]

    def reviews(self) -> list[Review]:
        """Every approved score ever entered, in order."""
        rows = self._rows(schema.REVIEWS)
        return [Review(**{**row, "scored_in": ScoredIn(row["scored_in"])}) for row in rows]

    def record_objection(self, objection: Objection) -> int:
        """Record a unit's objection; returns its number."""
        values = {name: value for name, value in vars(objection).items() if name != "number"}
        with self._writing() as connection:
            recorded = schema.OBJECTIONS.insert().values(**values).returning(schema.OBJECTIONS.c.id)
            return int(connection.scalars(recorded).one())

    def objections(self) -> list[Objection]:
        """Every objection, in order."""
        with self._reading() as connection:
            found = connection.execute(
                sa.select(schema.OBJECTIONS).order_by(schema.OBJECTIONS.c.id)
            ).mappings()
            return [
                Objection(number=row["id"], **{k: v for k, v in row.items() if k != "id"})
                for row in found
            ]

    def record_answer(self, answer: ObjectionAnswer, review: Review | None) -> bool:
        """Record the answer to an objection and the score it changes, in one transaction.

        Returns False, having recorded nothing, where it was answered already.
        """
        with self._writing() as connection:
            answered = sa.select(schema.OBJECTION_ANSWERS.c.objection).where(
                schema.OBJECTION_ANSWERS.c.objection == answer.objection
            )
            if connection.scalar(answered) is not None:
                return False
            connection.execute(schema.OBJECTION_ANSWERS.insert().values(**vars(answer)))
            if review is not None:
                connection.execute(schema.REVIEWS.insert().values(**vars(review)))
        return True

    def answers(self) -> dict[int, ObjectionAnswer]:
        """The answers by the objection's number."""
        with self._reading() as connection:
            found = connection.execute(sa.select(schema.OBJECTION_ANSWERS)).mappings()
            return {row["objection"]: ObjectionAnswer(**row) for row in found}

    def record_consolidation(self, consolidation: Consolidation) -> None:
        """Record how all stood when the consolidated workbook was written."""
        with self._writing() as connection:
            connection.execute(schema.CONSOLIDATIONS.insert().values(**vars(consolidation)))

    def last_consolidation(self) -> Consolidation | None:
        """The newest one, if there is any."""
        newest = (
            sa.select(schema.CONSOLIDATIONS).order_by(schema.CONSOLIDATIONS.c.id.desc()).limit(1)
        )
        with self._reading() as connection:
            row = connection.execute(newest).mappings().first()
        if row is None:
            return None
        return Consolidation(row["sha256"], row["standing"], row["made_at"])

    def record_product(self, kind: str, holder: str, sha256: str, made_at: dt.datetime) -> None:
        """Record that perfxl itself wrote a file with this content."""
        with self._writing() as connection:
            connection.execute(
                schema.PRODUCTS.insert().values(
                    kind=kind, holder=holder, sha256=sha256, made_at=made_at
                )
            )

    def made_by_perfxl(self, kind: str, holder: str) -> dict[str, dt.datetime]:
        """The hashes of all that perfxl wrote of this kind for this holder, when each was first."""
        made: dict[str, dt.datetime] = {}
        for row in self._rows(schema.PRODUCTS):
            if row["kind"] == kind and row["holder"] == holder:
                made.setdefault(str(row["sha256"]), row["made_at"])
        return made

    def record_draw(self, draw: Draw) -> int:
        """Record a draw with its projects; returns its number."""
        values = {k: v for k, v in vars(draw).items() if k not in ("number", "projects")}
        with self._writing() as connection:
            recorded = schema.DRAWS.insert().values(**values).returning(schema.DRAWS.c.id)
            number = int(connection.scalars(recorded).one())
            rows = [{**vars(project), "draw": number} for project in draw.projects]
            if rows:
                connection.execute(schema.DRAWN.insert(), rows)
        return number

    def draws(self) -> list[Draw]:
        """Every draw, in order."""
        with self._reading() as connection:
            draws = (
                connection.execute(sa.select(schema.DRAWS).order_by(schema.DRAWS.c.id))
                .mappings()
                .all()
            )
            drawn = (
                connection.execute(sa.select(schema.DRAWN).order_by(schema.DRAWN.c.id))
                .mappings()
                .all()
            )
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
            of_this_file = sa.select(schema.CHECKED.c.draw, schema.CHECKED.c.number).where(
                schema.CHECKED.c.receipt == receipt.sha256
            )
            brought = {tuple(row) for row in connection.execute(of_this_file)}
            fresh = [vars(one) for one in checked if (one.draw, one.number) not in brought]
            if fresh:
                connection.execute(schema.CHECKED.insert(), fresh)

    def checked(self) -> list[CheckedProject]:
        """Every result of a check ever entered, in order."""
        return [CheckedProject(**row) for row in self._rows(schema.CHECKED)]

    def record_problems(self, problems: Sequence[Problem]) -> None:
        """Record problems as told to their units; the newest record of a number is in force."""
        if problems:
            with self._writing() as connection:
                connection.execute(schema.PROBLEMS.insert(), [vars(one) for one in problems])

    def problems(self) -> list[Problem]:
        """Every record of a problem, in order."""
        return [Problem(**row) for row in self._rows(schema.PROBLEMS)]

    def record_rectification(
        self, receipt: Receipt, decided_at: dt.datetime, reports: Sequence[ProblemReport]
    ) -> None:
        """Record a received rectification book with what it brought, in one transaction.

        One file brings one report per problem.
        """
        with self._writing() as connection:
            _record(connection, [(receipt, decided_at)])
            of_this_file = sa.select(
                schema.PROBLEM_REPORTS.c.unit, schema.PROBLEM_REPORTS.c.number
            ).where(schema.PROBLEM_REPORTS.c.receipt == receipt.sha256)
            brought = {tuple(row) for row in connection.execute(of_this_file)}
            fresh = [vars(one) for one in reports if (one.unit, one.number) not in brought]
            if fresh:
                connection.execute(schema.PROBLEM_REPORTS.insert(), fresh)

    def problem_reports(self) -> list[ProblemReport]:
        """Every report of a unit on a problem, in order."""
        return [ProblemReport(**row) for row in self._rows(schema.PROBLEM_REPORTS)]

    def record_problem_decisions(self, decisions: Sequence[ProblemDecision]) -> None:
        """Record what the office found of problems, in one transaction."""
        if decisions:
            with self._writing() as connection:
                rows = [vars(one) for one in decisions]
                connection.execute(schema.PROBLEM_DECISIONS.insert(), rows)

    def problem_decisions(self) -> list[ProblemDecision]:
        """Every decision on a problem, in order."""
        return [ProblemDecision(**row) for row in self._rows(schema.PROBLEM_DECISIONS)]

    def begin_mail(self, record: MailRecord, after: int) -> bool:
        """Record that a mail is about to be sent, unless something happened to it meanwhile.

        ``after`` is the number of the last step that the caller knows of this unit and occasion (0
        for none). Returns False, having recorded nothing, where there is a later one: another
        program is sending the same mail.
        """
        mails = schema.MAILS
        last = sa.select(sa.func.max(mails.c.id)).where(
            mails.c.unit == record.unit, mails.c.occasion == record.occasion
        )
        with self._writing() as connection:
            if (connection.scalar(last) or 0) != after:
                return False
            connection.execute(mails.insert().values(**_without_number(record)))
        return True

    def record_mail(self, record: MailRecord) -> None:
        """Record a further step of a mail."""
        with self._writing() as connection:
            connection.execute(schema.MAILS.insert().values(**_without_number(record)))

    def mails(self) -> list[MailRecord]:
        """Every step of every mail, in order."""
        with self._reading() as connection:
            found = connection.execute(
                sa.select(schema.MAILS).order_by(schema.MAILS.c.id)
            ).mappings()
            return [
                MailRecord(
                    **{
                        **{k: v for k, v in row.items() if k != "id"},
                        "state": MailState(row["state"]),
                        "number": row["id"],
                    }
                )
                for row in found
            ]

    def record_collected(self, collected: Sequence[Collected]) -> None:
        """Record messages as taken from their mailbox."""
        if collected:
            with self._writing() as connection:
                connection.execute(schema.COLLECTED.insert(), [vars(one) for one in collected])

    def collected(self) -> list[Collected]:
        """Every message that was ever taken from a mailbox, in order."""
        return [Collected(**row) for row in self._rows(schema.COLLECTED)]

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


def _without_number(record: MailRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name != "number"}


def _record(
    connection: sa.Connection, receipts: Sequence[tuple[Receipt, dt.datetime]]
) -> list[bool]:
    hashes = {receipt.sha256 for receipt, _ in receipts}
    known = set(
        connection.scalars(
            sa.select(schema.RECEIPTS.c.sha256).where(schema.RECEIPTS.c.sha256.in_(hashes))
        )
    )
    in_force: dict[tuple[str, str], dict[str, object]] = {}
    judged = ("sha256", "form", "holder", "verdict", "detail", "doubtful", "decided_by")
    for row in connection.execute(
        sa.select(*(schema.VERDICTS.c[name] for name in judged))
        .where(schema.VERDICTS.c.sha256.in_(hashes))
        .order_by(schema.VERDICTS.c.id)
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
        connection.execute(schema.RECEIPTS.insert(), new_receipts)
    if new_verdicts:
        connection.execute(schema.VERDICTS.insert(), new_verdicts)
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
