"""What the ledger holds, a dataclass for each kind of row; nothing here knows SQL."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from perfxl.errors import Fault
from perfxl.tables import ScoredIn


class Form(StrEnum):
    """What a received workbook was taken for."""

    RETURN = "return"
    REVIEW = "review"
    SPOT_CHECK = "spot"
    RECTIFICATION = "rectify"


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


@dataclass(frozen=True)
class CampaignFigure:
    """A figure that was taken from another campaign; ``value`` hundredths.

    ``campaign`` is what the plan calls that one, ``code`` and ``name`` what it calls itself. The
    newest record of an item is in force.
    """

    item: str
    campaign: str
    value: int
    note: str
    code: str
    name: str
    folder: str
    taken_at: dt.datetime


@dataclass(frozen=True)
class Problem:
    """One problem that a unit was asked to mend, as told in a feedback notice.

    ``number`` is its name for people (``101-03``), ``key`` what makes it the same problem in the
    next run; ``lost`` hundredths, None where no points were lost. The newest record of a number is
    in force; ``withdrawn`` says that it is not a problem any more.
    """

    unit: str
    number: str
    key: str
    source: str
    indicator: str
    description: str
    lost: int | None
    due: dt.date
    withdrawn: bool
    recorded_at: dt.datetime


@dataclass(frozen=True)
class ProblemReport:
    """What a unit said in its rectification book of one problem."""

    receipt: str
    edition: int
    unit: str
    number: str
    measure: str
    person: str
    progress: str
    done_on: str
    evidence: str
    note: str
    sheet: str
    row: int
    recorded_at: dt.datetime


@dataclass(frozen=True)
class ProblemDecision:
    """What the office found of a problem; ``receipt`` is the report that it judged, if any."""

    unit: str
    number: str
    decision: str
    reason: str
    receipt: str
    decided_by: str
    decided_at: dt.datetime
