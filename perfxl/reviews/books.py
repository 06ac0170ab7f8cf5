"""Which review books there are: one per section, or one per reviewer whom the plan names for it."""

from __future__ import annotations

from dataclasses import dataclass

from perfxl.plan.model import Plan

_BREAK = "/"


@dataclass(frozen=True)
class BookOf:
    """Whose book it is; ``reviewer`` is blank where the section has one book."""

    section: str
    reviewer: str = ""

    @property
    def holder(self) -> str:
        """What the book's stamp and the ledger call it; no section has a slash in its name."""
        return f"{self.section}{_BREAK}{self.reviewer}" if self.reviewer else self.section

    @property
    def name(self) -> str:
        """What people and file names call it."""
        return "-".join(filter(None, (self.section, self.reviewer)))


def books_of(plan: Plan, section: str) -> tuple[BookOf, ...]:
    """The books of one section."""
    reviewers = plan.reviewers.get(section, ())
    return tuple(BookOf(section, name) for name in reviewers) or (BookOf(section),)


def book_of(plan: Plan, holder: str) -> BookOf | None:
    """The book that a stamp names; None where the plan has no such book (any more)."""
    section, _, reviewer = holder.partition(_BREAK)
    if section not in plan.sections:
        return None
    book = BookOf(section, reviewer)
    return book if book in books_of(plan, section) else None
