"""Draws of a spot check and what its check books brought."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from perfxl.ledger import schema
from perfxl.ledger.database import Database
from perfxl.ledger.received import record_verdicts
from perfxl.ledger.records import CheckedProject, Draw, DrawnProject, Receipt


class SpotChecks(Database):
    """Draws with their projects, results by project."""

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
            record_verdicts(connection, [(receipt, decided_at)])
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
