"""init: make a campaign folder around a plan."""

from __future__ import annotations

from pathlib import Path

from perfxl.campaign import PLAN_FILE, Campaign
from perfxl.resources import template_file


def init(folder: Path, plan: bytes | None = None, stamp_key: bytes | None = None) -> Campaign:
    """Make ``folder`` a campaign with this plan workbook, or with perfxl's own sample plan.

    Raises AlreadyThere, PlanRefused, Unreadable.
    """
    return Campaign.create(folder, plan or template_file(PLAN_FILE).read_bytes(), stamp_key)
