"""One workbook that came back from a person, read or refused; for the books of sections and checks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from perfxl.errors import Unreadable
from perfxl.excel.reader import Grid, read_workbook
from perfxl.files import sha256_of


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
        return Received(data, digest, read_workbook(data, path.name))
    except OSError as error:
        return Received(data, digest, None, f"文件读不出来（{error.strerror}）")
    except Unreadable as error:
        return Received(data, digest, None, f"{error.what}。{error.remedy}")
