"""What came back: the kept bytes of a receipt; a workbook of a section or check, read or refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import Campaign
from perfxl.errors import Missing, Place, Unreadable
from perfxl.excel.reader import PATIENT_SECONDS, Grid, read_workbook
from perfxl.files import sha256_of
from perfxl.ledger import Receipt


@dataclass(frozen=True)
class Received:
    """A file's bytes and hash; ``grid`` is None where it cannot be read, and ``detail`` says why."""

    data: bytes
    digest: str
    grid: Grid | None
    detail: str = ""


def read_received(path: Path) -> Received:
    """Read a file; a bad one is told, never raised."""
    data, digest = b"", ""
    try:
        data = path.read_bytes()
        digest = sha256_of(data)
        return Received(data, digest, read_workbook(data, path.name, seconds=PATIENT_SECONDS))
    except OSError as error:
        return Received(data, digest, None, f"文件读不出来（{error.strerror}）")
    except Unreadable as error:
        return Received(data, digest, None, f"{error.what}。{error.remedy}")


def original_of(campaign: Campaign, receipt: Receipt) -> bytes:
    """The bytes of a received file. Raises Missing where they are gone."""
    path = campaign.original(receipt.original)
    if not path.is_file():
        raise Missing(
            f"{receipt.file} 的原件不见了",
            place=Place(str(path)),
            remedy="请从备份恢复“原件”文件夹，不要移动或删除其中的文件",
        )
    return path.read_bytes()
