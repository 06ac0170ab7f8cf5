"""circular (通报): 成果/通报.docx, 政府报告.docx and 公开稿.docx from the tables of the workbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.errors import NothingToDo
from perfxl.plan.wording import DocumentKind
from perfxl.products.circular import RESULT_DOCUMENTS, result_document
from perfxl.stages.documents import WrittenDocument, write_document
from perfxl.stages.gather import gather

FILES = {kind: f"{kind}.docx" for kind in RESULT_DOCUMENTS}
# Under which name the ledger knows what perfxl wrote of each.
_PRODUCTS = {
    DocumentKind.CIRCULAR: "circular",
    DocumentKind.REPORT: "report",
    DocumentKind.PUBLIC: "public",
}


@dataclass(frozen=True)
class CircularResult:
    """The documents, the circular first, and how many scores are not approved yet."""

    documents: tuple[WrittenDocument, ...]
    provisional: int

    @property
    def path(self) -> Path:
        """Where the circular lies."""
        return self.documents[0].path


def circular(campaign: Campaign, now: dt.datetime) -> CircularResult:
    """Write circular, report and public version.

    Raises NothingToDo where no unit has returned anything, NotInPlan where a text is missing.
    """
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    facts = gathered.facts
    # All are made before any is written: they belong together.
    made = {kind: result_document(kind, gathered.plan, facts) for kind in RESULT_DOCUMENTS}
    written = tuple(
        write_document(campaign, campaign.path(PRODUCTS) / FILES[kind], data, _PRODUCTS[kind], now)
        for kind, data in made.items()
    )
    return CircularResult(written, facts.provisional)
