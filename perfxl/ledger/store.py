"""The ledger itself: records in, records out, one transaction for each event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa

from perfxl.ledger import schema
from perfxl.ledger.database import of_unit
from perfxl.ledger.mailbox import Mailbox
from perfxl.ledger.received import ReceivedFiles
from perfxl.ledger.records import (
    CampaignFigure,
    Consolidation,
    Extension,
    Issue,
    Objection,
    ObjectionAnswer,
    ProjectListImport,
    Review,
    SendBack,
)
from perfxl.ledger.rectifications import Rectifications
from perfxl.ledger.spot_checks import SpotChecks
from perfxl.tables import ScoredIn


class Ledger(ReceivedFiles, SpotChecks, Rectifications, Mailbox):
    """A campaign's ledger behind one SQLAlchemy URL."""

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

    def record_project_list(self, imported: ProjectListImport) -> None:
        """Record an imported project list; it supersedes the one before."""
        with self._writing() as connection:
            connection.execute(schema.PROJECT_IMPORTS.insert().values(**vars(imported)))

    def project_lists(self) -> list[ProjectListImport]:
        """Every project list ever imported, in order."""
        return [ProjectListImport(**row) for row in self._rows(schema.PROJECT_IMPORTS)]

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

    def send_backs(self, unit: str | None = None) -> list[SendBack]:
        """Every marked copy ever made (for one unit's code where it is given), in order."""
        return [SendBack(**row) for row in self._rows(*of_unit(schema.SEND_BACKS, unit))]

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

    def record_figures(self, figures: Sequence[CampaignFigure]) -> None:
        """Record figures taken from other campaigns, in one transaction."""
        if figures:
            with self._writing() as connection:
                rows = [vars(one) for one in figures]
                connection.execute(schema.CAMPAIGN_FIGURES.insert(), rows)

    def figures(self) -> dict[str, CampaignFigure]:
        """The newest figure of each data item."""
        taken = (CampaignFigure(**row) for row in self._rows(schema.CAMPAIGN_FIGURES))
        return {one.item: one for one in taken}

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
        products = schema.PRODUCTS.c
        made: dict[str, dt.datetime] = {}
        for row in self._rows(schema.PRODUCTS, products.holder == holder, products.kind == kind):
            made.setdefault(str(row["sha256"]), row["made_at"])
        return made
