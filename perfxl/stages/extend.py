"""extend (延期): a later deadline for one unit, with the reason and who granted it."""

from __future__ import annotations

import datetime as dt

from perfxl.campaign import Campaign
from perfxl.errors import PerfxlError
from perfxl.ledger import Extension
from perfxl.plan.model import Unit


def extend(
    campaign: Campaign, unit: Unit, until: dt.datetime, reason: str, by: str, now: dt.datetime
) -> Extension:
    """Record the extension; whether the unit is late follows from it at once.

    Raises PerfxlError where it would end before the general deadline, or gives no reason.
    """
    deadline = campaign.plan.campaign.deadline
    if until < deadline:
        raise PerfxlError(
            f"延期到 {until:%Y-%m-%d %H:%M}，早于报送截止时间 {deadline:%Y-%m-%d %H:%M}",
            remedy="请核对日期",
        )
    if not reason.strip():
        raise PerfxlError("没有写延期的理由", remedy="请用 --reason 写明理由")
    extension = Extension(unit.code, until, reason.strip(), by, now)
    campaign.ledger.record_extension(extension)
    return extension
