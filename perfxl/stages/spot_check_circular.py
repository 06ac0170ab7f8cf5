"""spot-check circular (抽查通报): 成果/抽查通报.docx from the draw and what was found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.products.spot_check_circular import DrawFacts
from perfxl.products.spot_check_circular import spot_check_circular as document
from perfxl.stages.documents import write_document
from perfxl.stages.gather import checked_sample
from perfxl.stages.spot_check import declared, last_draw

FILE, PRODUCT = "抽查通报.docx", "spot-circular"


@dataclass(frozen=True)
class CircularResult:
    """The document, where an edited earlier one was kept, how many projects are not checked yet."""

    path: Path
    kept: Path | None
    unchecked: int


def spot_check_circular(campaign: Campaign, now: dt.datetime) -> CircularResult:
    """Write the circular; raises NothingToDo where nothing was drawn, NotInPlan."""
    current, checked = last_draw(campaign), checked_sample(campaign)
    assert checked is not None
    facts = DrawFacts(current.population, current.seed, current.method, current.drawn_at.date())
    data = document(campaign.plan, declared(campaign.plan), facts, checked)
    path = campaign.path(PRODUCTS) / FILE
    written = write_document(campaign, path, data, PRODUCT, now)
    return CircularResult(path, written.kept, int(checked["problems"].isna().sum()))
