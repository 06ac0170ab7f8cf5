"""The ledger (台账): what was issued, received, reviewed, produced. Rows are only ever added.

Owns SQLAlchemy.
"""

from perfxl.ledger.records import (
    SETTLED,
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
from perfxl.ledger.store import Ledger

__all__ = [
    "SETTLED",
    "CheckedProject",
    "Consolidation",
    "Draw",
    "DrawnProject",
    "Extension",
    "Form",
    "Issue",
    "Ledger",
    "Objection",
    "ObjectionAnswer",
    "Problem",
    "ProblemDecision",
    "ProblemReport",
    "Receipt",
    "Review",
    "SendBack",
    "Verdict",
]
