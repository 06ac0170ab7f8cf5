"""status: per unit what was issued, received and found; who is missing; what nobody could place."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from perfxl.campaign import Campaign
from perfxl.ledger import SETTLED, Form, MailRecord, Receipt, Verdict
from perfxl.plan.model import Unit
from perfxl.stages.gather import Gathered, gather, returns_in_force
from perfxl.stages.mail import mails_in_force
from perfxl.tables import Severity, Status


@dataclass(frozen=True)
class UnitStatus:
    """How one unit stands; ``judged`` of ``to_judge`` indicators have an approved score.

    ``first_received_at`` says whether it is late, ``received_at`` is that of the return in force,
    ``preparer`` who filled that in. ``sent_back_at`` is None where that return was not sent back.
    ``mails`` are the last steps of the mails that went to it.
    """

    unit: Unit
    issued_at: dt.datetime | None
    status: Status
    first_received_at: dt.datetime | None
    received_at: dt.datetime | None
    file: str
    preparer: str
    sender: str
    doubtful: bool
    extended_until: dt.datetime | None
    sent_back: int
    sent_back_at: dt.datetime | None
    attachments: int
    errors: int
    verify: int
    judged: int
    to_judge: int
    mails: tuple[MailRecord, ...] = ()


@dataclass(frozen=True)
class CampaignStatus:
    """All units, and the received files that count for none."""

    units: Sequence[UnitStatus]
    unplaced: Sequence[Receipt]


def status(campaign: Campaign) -> CampaignStatus:
    """The campaign as it stands."""
    gathered: Gathered = gather(campaign)
    issues = campaign.ledger.issues()
    findings = gathered.checked.findings
    found = (
        {key: len(rows) for key, rows in findings.groupby(["unit", "severity"])}
        if len(findings)
        else {}
    )
    _, first = returns_in_force(campaign)
    extensions = {one.unit: one.until for one in campaign.ledger.extensions()}
    marked = {(one.unit, one.receipt): one.made_at for one in campaign.ledger.send_backs()}
    times = Counter(unit for unit, _ in marked)
    received = campaign.ledger.receipts(Form.RETURN)
    attached = Counter(one.holder for one in received if one.verdict is Verdict.ATTACHMENT)
    returns = gathered.tables.returns
    preparers = dict(zip(returns["unit"], returns["preparer"], strict=True))
    in_force = gathered.merged.in_force
    judged = set(zip(in_force["unit"], in_force["indicator"], strict=True))
    mails: dict[str, list[MailRecord]] = {}
    for one in mails_in_force(campaign):
        mails.setdefault(one.unit, []).append(one)
    units = []
    for unit in gathered.plan.units:
        receipt = gathered.receipts.get(unit.code)
        rubric = gathered.plan.rubrics[unit.kind]
        issued = issues.get(unit.code)
        units.append(
            UnitStatus(
                unit,
                issued.issued_at if issued else None,
                gathered.status[unit.code],
                first[unit.code].received_at if unit.code in first else None,
                receipt.received_at if receipt else None,
                receipt.file if receipt else "",
                preparers.get(unit.code, ""),
                receipt.sender if receipt else "",
                receipt.doubtful if receipt else False,
                extensions.get(unit.code),
                times[unit.code],
                marked.get((unit.code, receipt.sha256)) if receipt else None,
                attached[unit.code],
                found.get((unit.code, Severity.ERROR), 0),
                found.get((unit.code, Severity.VERIFY), 0),
                sum((unit.code, one.code) in judged for one in rubric.indicators),
                len(rubric.indicators),
                tuple(mails.get(unit.code, ())),
            )
        )
    unplaced = [
        receipt
        for receipt in (*received, *campaign.ledger.receipts(Form.RECTIFICATION))
        if receipt.verdict not in SETTLED
        or (receipt.verdict is Verdict.ATTACHMENT and not receipt.holder)
    ]
    return CampaignStatus(units, unplaced)
