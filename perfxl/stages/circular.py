"""circular (通报): 成果/通报.docx from the tables behind the consolidated workbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import Campaign


@dataclass(frozen=True)
class CircularResult:
    """The document, and how many scores no section has approved yet."""

    path: Path
    provisional: int


def circular(campaign: Campaign, now: dt.datetime) -> CircularResult:
    """Placeholder until the document room is in."""
    raise NotImplementedError
