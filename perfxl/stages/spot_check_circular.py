"""spot-check circular (抽查通报): 成果/抽查通报.docx from the draw and what was found."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.files import keep_earlier, sha256_of, write_atomically
from perfxl.products.spot_check_circular import DrawFacts
from perfxl.products.spot_check_circular import spot_check_circular as document
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
    made = campaign.ledger.made_by_perfxl(PRODUCT, "")
    is_edited = path.is_file() and sha256_of(path.read_bytes()) not in made
    kept = keep_earlier(path, now) if is_edited else None
    write_atomically(path, data)
    campaign.ledger.record_product(PRODUCT, "", sha256_of(data), now)
    return CircularResult(path, kept, int(checked["problems"].isna().sum()))
