"""circular (通报): 成果/通报.docx from the tables behind the consolidated workbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NothingToDo
from perfxl.facts import campaign_facts
from perfxl.files import sha256_of, write_atomically
from perfxl.products.circular import circular as circular_document
from perfxl.stages.gather import gather

FILE = "通报.docx"


@dataclass(frozen=True)
class CircularResult:
    """The document, and how many scores no section has approved yet."""

    path: Path
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
    write_atomically(path, data)
    campaign.ledger.record_product("circular", "", sha256_of(data), now)
    return CircularResult(path, facts.provisional)
