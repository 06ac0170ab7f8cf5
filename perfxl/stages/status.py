"""status: per unit what was issued, received and found; who is missing; what nobody could place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from perfxl.campaign import Campaign
from perfxl.ledger import Form, Receipt, Verdict
from perfxl.plan.model import Unit
from perfxl.stages.gather import Gathered, gather
from perfxl.tables import Severity, Status


@dataclass(frozen=True)
class UnitStatus:
    """How one unit stands; ``judged`` of ``to_judge`` indicators have an approved score."""

    unit: Unit
    issued_at: dt.datetime | None
    status: Status
    received_at: dt.datetime | None
    file: str
    errors: int
    verify: int
    judged: int
    to_judge: int


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
                receipt.received_at if receipt else None,
                receipt.file if receipt else "",
                found.get((unit.code, Severity.ERROR), 0),
                found.get((unit.code, Severity.VERIFY), 0),
                sum((unit.code, one.code) in gathered.reviews for one in rubric.indicators),
                len(rubric.indicators),
            )
        )
    unplaced = [
        receipt
        for receipt in campaign.ledger.receipts(Form.RETURN)
        if receipt.verdict is not Verdict.VALID
    ]
    return CampaignStatus(units, unplaced)
