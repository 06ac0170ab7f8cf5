"""Received files and the verdicts on them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from perfxl.ledger import schema
from perfxl.ledger.database import Database
from perfxl.ledger.records import Form, Receipt, Review, Verdict

_RECEIVED = (
    "sha256", "file", "original", "size", "received_at", "envelope", "sender", "sent_at",
)  # fmt: skip
_JUDGED = ("holder", "detail", "doubtful", "decided_by", "decided_at")


class ReceivedFiles(Database):
    """What was received, as what, and what became of it."""

    def receipt(self, sha256: str, form: Form) -> Receipt | None:
        """What these bytes were received as, if they were ever judged as this form."""
        found = self._received(
            sa.and_(schema.VERDICTS.c.sha256 == sha256, schema.VERDICTS.c.form == form)
        )
        return found[0] if found else None

    def receipts(self, form: Form, holders: Collection[str] | None = None) -> list[Receipt]:
        """All that was received as one form, in the order of arrival.

        With ``holders`` only what was ever taken for theirs, as it is judged now.
        """
        of_form = schema.VERDICTS.c.form == form
        if holders is None:
            return self._received(of_form)
        theirs = sa.select(schema.VERDICTS.c.sha256).where(schema.VERDICTS.c.holder.in_(holders))
        return self._received(sa.and_(of_form, schema.VERDICTS.c.sha256.in_(theirs)))

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
            (judged_anew,) = record_verdicts(connection, [(receipt, decided_at)])
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
            return record_verdicts(connection, receipts)


def record_verdicts(
    connection: sa.Connection, receipts: Sequence[tuple[Receipt, dt.datetime]]
) -> list[bool]:
    """Record files and verdicts within a transaction; whether each verdict was a new one."""
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
        verdict = {name: schema.as_kept(getattr(receipt, name)) for name in judged}
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
