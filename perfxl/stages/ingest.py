"""ingest (报送): take in whatever came back; keep every original, give every file a verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import INBOX, ORIGINALS, Campaign
from perfxl.errors import Missing, Place, Unreadable
from perfxl.excel.reader import Grid, read_workbook
from perfxl.files import is_litter, keep_original, sha256_of, walk
from perfxl.intake.identity import Identity, identify
from perfxl.layout.locate import find_table
from perfxl.ledger import Form, Receipt, Verdict
from perfxl.plan.forms import self_assessment_table


@dataclass(frozen=True)
class Incoming:
    """A file to take in, and when the office received it."""

    path: Path
    received_at: dt.datetime


@dataclass(frozen=True)
class Taken:
    """What became of one file; ``new`` is False for bytes that were received before."""

    path: Path
    receipt: Receipt
    new: bool


@dataclass(frozen=True)
class IngestResult:
    """Every file that was met: taken (new or known), or passed over as litter."""

    taken: tuple[Taken, ...]
    passed_over: tuple[Path, ...]


def incoming(
    campaign: Campaign, paths: list[Path], received_at: dt.datetime
) -> tuple[list[Incoming], list[Path]]:
    """The files under the given paths (收件/ where none is given), and what is passed over.

    Raises Missing for a path that is not there.
    """
    for path in paths:
        if not path.exists():
            raise Missing("没有这个文件或文件夹", place=Place(str(path)), remedy="请检查路径")
    files: list[Path] = []
    litter: list[Path] = []
    for path in walk(paths or [campaign.path(INBOX)]):
        (litter if is_litter(path) else files).append(path)
    return [Incoming(path, received_at) for path in files], litter


def ingest(
    campaign: Campaign,
    files: Iterable[Incoming],
    passed_over: Iterable[Path] = (),
    progress: Callable[[], None] = lambda: None,
) -> IngestResult:
    """Keep each file's bytes in 原件/, then record one receipt for it. A bad file stops nothing."""
    taken = []
    for file in files:
        taken.append(_take(campaign, file))
        progress()
    return IngestResult(tuple(taken), tuple(passed_over))


def _take(campaign: Campaign, file: Incoming) -> Taken:
    data = file.path.read_bytes()
    digest = sha256_of(data)
    known = campaign.ledger.receipt(digest)
    if known is not None:
        return Taken(file.path, known, new=False)
    original = keep_original(campaign.path(ORIGINALS), data, file.path.name)
    holder, verdict, detail = _judge(campaign, data, file.path.name)
    receipt = Receipt(
        sha256=digest,
        form=Form.RETURN,
        holder=holder,
        file=file.path.name,
        original=original,
        size=len(data),
        received_at=file.received_at,
        verdict=verdict,
        detail=detail,
    )
    new = campaign.ledger.record_receipt(receipt)
    return Taken(file.path, receipt, new)


def _judge(campaign: Campaign, data: bytes, name: str) -> tuple[str, Verdict, str]:
    plan = campaign.plan
    try:
        grid = read_workbook(data, name)
    except Unreadable as error:
        return "", Verdict.UNREADABLE, f"{error.what}。{error.remedy}"
    identity = identify(plan, grid, name, campaign.stamp_key)
    stamp = grid.stamp
    if stamp is not None and stamp.form != Form.RETURN:
        return "", Verdict.NOT_OURS, "这是股室评分表，请用 perfxl review ingest 收取"
    if stamp is not None and stamp.campaign != plan.campaign.code:
        detail = f"工作簿属于考核“{stamp.campaign}”。请确认后换用本次考核的工作簿"
        return "", Verdict.NOT_OURS, detail
    if not _holds_a_return(grid, identity):
        return "", Verdict.NOT_OURS, "不是本次考核下发的工作簿。请核对文件"
    if identity.unit is None:
        return "", Verdict.UNKNOWN_UNIT, "看不出是哪个单位报送的。请核对封面单位名称"
    return identity.unit.code, Verdict.VALID, ""


def _holds_a_return(grid: Grid, identity: Identity) -> bool:
    table = self_assessment_table(1)
    return identity.by_stamp != "" or any(
        find_table(rows, table) is not None for rows in grid.sheets.values()
    )
