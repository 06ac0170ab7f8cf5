"""The monthly brief (工作简报): what a campaign did in one month, for the city and the government."""

from __future__ import annotations

import datetime as dt

from perfxl.facts.month import MonthFigures, month_facts
from perfxl.monthly import Month
from perfxl.plan.model import Plan
from perfxl.plan.wording import DocumentKind
from perfxl.products.texts import begun, composed


def monthly_brief(plan: Plan, figures: MonthFigures, month: Month, on: dt.date) -> bytes:
    """The brief as .docx bytes, signed on a day.

    Raises NotInPlan where the plan has no text for it, NoCalendar.
    """
    text = composed(plan, DocumentKind.BRIEF, month_facts(plan, figures, month))
    document = begun(plan, text, draft=False, mark=False)
    document.signature(plan.campaign.issuer, on)
    return document.to_bytes()
