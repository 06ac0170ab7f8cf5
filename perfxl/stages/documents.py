"""Writing a document that people may go on editing: what they changed is kept in 历次/."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import Campaign
from perfxl.files import keep_earlier, sha256_of, write_atomically


@dataclass(frozen=True)
class WrittenDocument:
    """A document, and where an earlier one that a person had edited was kept."""

    path: Path
    kept: Path | None


def write_document(
    campaign: Campaign, path: Path, data: bytes, product: str, now: dt.datetime, holder: str = ""
) -> WrittenDocument:
    """Write what perfxl made; one that a person changed since is kept in 历次/ first."""
    made = campaign.ledger.made_by_perfxl(product, holder)
    is_edited = path.is_file() and sha256_of(path.read_bytes()) not in made
    kept = keep_earlier(path, now) if is_edited else None
    write_atomically(path, data)
    campaign.ledger.record_product(product, holder, sha256_of(data), now)
    return WrittenDocument(path, kept)
