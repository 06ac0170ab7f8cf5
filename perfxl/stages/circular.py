"""circular (通报): 成果/通报.docx from the tables behind the consolidated workbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NothingToDo
from perfxl.facts import campaign_facts
from perfxl.files import keep_earlier, sha256_of, write_atomically
from perfxl.products.circular import circular as circular_document
from perfxl.stages.gather import gather

FILE, PRODUCT = "通报.docx", "circular"


@dataclass(frozen=True)
class CircularResult:
    """The document, where an edited earlier one was kept, how many scores are not approved yet."""

    path: Path
    kept: Path | None
    provisional: int


def circular(campaign: Campaign, now: dt.datetime) -> CircularResult:
    """Write the circular; raises NothingToDo where no unit has returned anything."""
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    facts = campaign_facts(
        gathered.plan,
        gathered.scores,
        gathered.ranking,
        gathered.checked.findings,
        gathered.status,
    )
    path = campaign.path(PRODUCTS) / FILE
    data = circular_document(gathered.plan, facts)
    kept = keep_earlier(path, now) if is_edited(campaign, path) else None
    write_atomically(path, data)
    campaign.ledger.record_product(PRODUCT, "", sha256_of(data), now)
    return CircularResult(path, kept, facts.provisional)


def is_edited(campaign: Campaign, path: Path) -> bool:
    """Whether a person changed the document since perfxl wrote it."""
    return path.is_file() and sha256_of(path.read_bytes()) not in (
        campaign.ledger.made_by_perfxl(PRODUCT, "")
    )
