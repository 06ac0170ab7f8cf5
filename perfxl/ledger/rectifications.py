"""Problems that units were told of, their reports on them, the office's decisions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from perfxl.ledger import schema
from perfxl.ledger.database import Database, of_unit
from perfxl.ledger.received import record_verdicts
from perfxl.ledger.records import Problem, ProblemDecision, ProblemReport, Receipt


class Rectifications(Database):
    """What is to be mended, and how far it is."""

    def record_problems(self, problems: Sequence[Problem]) -> None:
        """Record problems as told to their units; the newest record of a number is in force."""
        if problems:
            with self._writing() as connection:
                connection.execute(schema.PROBLEMS.insert(), [vars(one) for one in problems])

    def problems(self, unit: str | None = None) -> list[Problem]:
        """Every record of a problem (of one unit's code where it is given), in order."""
        return [Problem(**row) for row in self._rows(*of_unit(schema.PROBLEMS, unit))]

    def record_rectification(
        self, receipt: Receipt, decided_at: dt.datetime, reports: Sequence[ProblemReport]
    ) -> None:
        """Record a received rectification book with what it brought, in one transaction.

        One file brings one report per problem.
        """
        with self._writing() as connection:
            record_verdicts(connection, [(receipt, decided_at)])
            of_this_file = sa.select(
                schema.PROBLEM_REPORTS.c.unit, schema.PROBLEM_REPORTS.c.number
            ).where(schema.PROBLEM_REPORTS.c.receipt == receipt.sha256)
            brought = {tuple(row) for row in connection.execute(of_this_file)}
            fresh = [vars(one) for one in reports if (one.unit, one.number) not in brought]
            if fresh:
                connection.execute(schema.PROBLEM_REPORTS.insert(), fresh)

    def problem_reports(self, unit: str | None = None) -> list[ProblemReport]:
        """Every report on a problem (of one unit's code where it is given), in order."""
        return [ProblemReport(**row) for row in self._rows(*of_unit(schema.PROBLEM_REPORTS, unit))]

    def record_problem_decisions(self, decisions: Sequence[ProblemDecision]) -> None:
        """Record what the office found of problems, in one transaction."""
        if decisions:
            with self._writing() as connection:
                rows = [vars(one) for one in decisions]
                connection.execute(schema.PROBLEM_DECISIONS.insert(), rows)

    def problem_decisions(self, unit: str | None = None) -> list[ProblemDecision]:
        """Every decision on a problem (of one unit's code where it is given), in order."""
        rows = self._rows(*of_unit(schema.PROBLEM_DECISIONS, unit))
        return [ProblemDecision(**row) for row in rows]
