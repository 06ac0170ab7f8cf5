"""Mails that were sent or were about to be, and messages that were collected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from perfxl.ledger import schema
from perfxl.ledger.database import Database
from perfxl.ledger.mails import Collected, MailRecord, MailState


class Mailbox(Database):
    """Every step of every mail."""

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


def _without_number(record: MailRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(record).items() if name != "number"}
