"""Makes very many returns fast: a few are written, the others are copies with another identity."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.inputs import campaign_with, filled_return
from perfxl.campaign import INBOX, Campaign
from perfxl.plan.forms import file_name
from perfxl.plan.model import Unit
from perfxl.stages.issue import unit_stamp

MASTERS = 24
# The parts in which a unit's name, code and stamp are read.
_CHANGED = ("xl/sharedStrings.xml", "xl/workbook.xml", "docProps/custom.xml")


@dataclass(frozen=True)
class _Master:
    """A return taken apart: members that every copy shares, packed, and those that differ."""

    unit: Unit
    shared: tuple[tuple[zipfile.ZipInfo, bytes], ...]
    changed: tuple[tuple[str, str], ...]


def make_many(
    folder: Path, units: int, progress: Callable[[int], None] = lambda _: None
) -> Campaign:
    """A campaign of so many departments with their returns in 收件/; made once, then kept."""
    if (folder / "done").exists():
        return Campaign(folder)
    campaign = campaign_with(folder, units)
    for number, (unit, data) in enumerate(_copies(campaign), 1):
        path = campaign.path(INBOX) / file_name(campaign.plan.campaign.code, unit)
        path.write_bytes(data)
        progress(number)
    (folder / "done").touch()
    return campaign


def _copies(campaign: Campaign) -> Iterator[tuple[Unit, bytes]]:
    units = campaign.plan.units
    masters = [_taken_apart(unit, filled_return(campaign, unit)) for unit in units[:MASTERS]]
    for number, unit in enumerate(units):
        yield unit, _copy(campaign, masters[number % len(masters)], unit)


def _taken_apart(unit: Unit, data: bytes) -> _Master:
    shared, changed = [], []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            if member.filename in _CHANGED:
                changed.append((member.filename, archive.read(member).decode()))
                continue
            head = member.header_offset
            names = int.from_bytes(data[head + 26 : head + 28], "little")
            extra = int.from_bytes(data[head + 28 : head + 30], "little")
            start = head + 30 + names + extra
            shared.append((member, data[start : start + member.compress_size]))
    return _Master(unit, tuple(shared), tuple(changed))


def _copy(campaign: Campaign, master: _Master, unit: Unit) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, packed in master.shared:
            member.header_offset = buffer.tell()
            buffer.write(member.FileHeader())
            buffer.write(packed)
            archive.filelist.append(member)
        archive.start_dir = buffer.tell()
        for name, text in master.changed:
            archive.writestr(name, _renamed(campaign, text, master.unit, unit))
    return buffer.getvalue()


def _renamed(campaign: Campaign, text: str, old: Unit, new: Unit) -> str:
    changes = (
        (str(unit_stamp(campaign, old)), str(unit_stamp(campaign, new))),
        (f"{old.name}（{old.code}）", f"{new.name}（{new.code}）"),
        # Names and codes that are a whole cell; the made-up ones hold nothing to be escaped.
        (f">{old.name}<", f">{new.name}<"),
        (f">{old.code}<", f">{new.code}<"),
    )
    for before, after in changes:
        text = text.replace(before, after)
    return text
