"""The ledger (台账): what was issued, received, reviewed, produced. Rows are only ever added.

Owns SQLAlchemy and psycopg.
"""

from perfxl.ledger.address import Address
from perfxl.ledger.mails import (
    DOUBTFUL,
    KEPT_BACK,
    Collected,
    MailRecord,
    MailState,
    mail_state,
    standing,
)
from perfxl.ledger.records import (
    SETTLED,
    CampaignFigure,
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
    ProjectListImport,
    Receipt,
    Review,
    SendBack,
    Verdict,
)
from perfxl.ledger.store import Ledger

__all__ = [
    "DOUBTFUL",
    "KEPT_BACK",
    "SETTLED",
    "Address",
    "CampaignFigure",
    "CheckedProject",
    "Collected",
    "Consolidation",
    "Draw",
    "DrawnProject",
    "Extension",
    "Form",
    "Issue",
    "Ledger",
    "MailRecord",
    "MailState",
    "Objection",
    "ObjectionAnswer",
    "Problem",
    "ProblemDecision",
    "ProblemReport",
    "ProjectListImport",
    "Receipt",
    "Review",
    "SendBack",
    "Verdict",
    "mail_state",
    "standing",
]
