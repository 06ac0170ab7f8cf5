"""ingest (报送): take in whatever came back; keep every original, give every file a verdict."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import INBOX, ORIGINALS, Campaign
from perfxl.errors import Missing, Place, Unreadable
from perfxl.excel.reader import LARGEST_FILE, Grid, read_workbook
from perfxl.files import is_litter, keep_original, sha256_of, storable_name, walk
from perfxl.intake.identity import identify
from perfxl.layout.declare import Table
from perfxl.layout.locate import LocatedTable, Rows, find_table
from perfxl.ledger import Form, Receipt, Verdict
from perfxl.plan.forms import register_table, self_assessment_table
from perfxl.plan.model import Plan, Unit
from perfxl.tables import StampState
from perfxl.values import squeeze, text_of


@dataclass(frozen=True)
class Incoming:
    """A file to take in, and when the office received it."""

    path: Path
    received_at: dt.datetime


@dataclass(frozen=True)
class Decision:
    """The operator's word on whose return a file is, and who gave it."""

    unit: Unit
    by: str


@dataclass(frozen=True)
class Taken:
    """What became of one file; ``new`` is False where nothing had to be recorded."""

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
    decision: Decision | None = None,
) -> IngestResult:
    """Keep each file's bytes in 原件/, then record one receipt for it. A bad file stops nothing.

    A file that is known and valid changes nothing; any other is judged again, because the plan or
    the operator's decision may have changed.
    """
    taken = []
    for file in files:
        taken.append(_take(campaign, file, decision))
        progress()
    return IngestResult(tuple(taken), tuple(passed_over))


def _take(campaign: Campaign, file: Incoming, decision: Decision | None) -> Taken:
    name = storable_name(file.path.name)
    try:
        size = file.path.stat().st_size
        data = file.path.read_bytes() if size <= LARGEST_FILE else b""
    except OSError as error:
        return _not_taken(file, name, f"文件读不出来（{error.strerror}）。请检查后重新收取")
    if size > LARGEST_FILE:
        return _not_taken(file, name, "文件超过 64 MB，没有收取。请去掉图片等内容后重新报送")
    digest = sha256_of(data)
    known = campaign.ledger.receipt(digest, Form.RETURN)
    if known is not None and known.verdict is Verdict.VALID and decision is None:
        return Taken(file.path, known, new=False)
    original = keep_original(campaign.path(ORIGINALS), data, name)
    judged = _judge(campaign, data, name, decision)
    receipt = Receipt(
        sha256=digest,
        form=Form.RETURN,
        holder=judged.holder,
        file=name,
        original=original,
        size=size,
        received_at=known.received_at if known else file.received_at,
        verdict=judged.verdict,
        detail=judged.detail,
        doubtful=judged.doubtful,
        decided_by=decision.by if decision else "",
    )
    new = campaign.ledger.record_receipt(receipt, file.received_at)
    return Taken(file.path, receipt, new)


def _not_taken(file: Incoming, name: str, detail: str) -> Taken:
    receipt = Receipt(
        "", Form.RETURN, "", name, "", 0, file.received_at, Verdict.UNREADABLE, detail
    )
    return Taken(file.path, receipt, new=True)


@dataclass(frozen=True)
class _Judgement:
    holder: str
    verdict: Verdict
    detail: str = ""
    doubtful: bool = False


def _judge(campaign: Campaign, data: bytes, name: str, decision: Decision | None) -> _Judgement:
    plan = campaign.plan
    try:
        grid = read_workbook(data, name)
    except Unreadable as error:
        return _Judgement("", Verdict.UNREADABLE, f"{error.what}。{error.remedy}")
    if decision is not None:
        return _Judgement(decision.unit.code, Verdict.VALID, f"由 {decision.by} 认定单位")
    identity = identify(plan, grid, name, campaign.stamp_key)
    genuine = identity.stamp is StampState.GENUINE
    strange = _why_not_ours(plan, grid, genuine=genuine)
    if strange:
        return _Judgement("", Verdict.NOT_OURS, strange)
    unit = identity.unit
    if unit is None:
        return _Judgement(
            "",
            Verdict.UNKNOWN_UNIT,
            "看不出是哪个单位报送的。请核对后用 perfxl ingest --as 单位编码 认定",
        )
    sure = genuine and identity.by_cover in ("", unit.code)
    return _judge_content(campaign, grid, unit, doubtful=not sure)


def _judge_content(campaign: Campaign, grid: Grid, unit: Unit, *, doubtful: bool) -> _Judgement:
    if not _is_filled_in(campaign.plan, grid, unit):
        return _Judgement(
            unit.code, Verdict.BLANK, "自评表和登记表都没有填写，不算报送。请填报后重新报送"
        )
    if doubtful and _has_undoubted_return(campaign, unit):
        return _Judgement(
            unit.code,
            Verdict.TO_CONFIRM,
            f"{unit.name}已有报送，而这份的单位标记缺失或与封面不一致，没有采用。"
            "请核对后用 perfxl ingest --as 单位编码 认定",
            doubtful,
        )
    return _Judgement(unit.code, Verdict.VALID, doubtful=doubtful)


def _why_not_ours(plan: Plan, grid: Grid, *, genuine: bool) -> str:
    stamp = grid.stamp
    if stamp is not None and stamp.form != Form.RETURN:
        return "这是股室评分表，请用 perfxl review ingest 收取"
    if stamp is not None and stamp.campaign != plan.campaign.code:
        return f"工作簿属于考核“{stamp.campaign}”。请确认后换用本次考核的工作簿"
    if not genuine and not _holds_a_return(plan, grid):
        return "不是本次考核下发的工作簿。请核对文件"
    return ""


def _has_undoubted_return(campaign: Campaign, unit: Unit) -> bool:
    return any(
        receipt.holder == unit.code and receipt.verdict is Verdict.VALID and not receipt.doubtful
        for receipt in campaign.ledger.receipts(Form.RETURN)
    )


def _is_filled_in(plan: Plan, grid: Grid, unit: Unit) -> bool:
    """Whether the unit typed a score or a register row; True where no 自评表 can be found."""
    codes = {squeeze(one.code) for one in plan.rubrics[unit.kind].indicators}
    assessments = list(_located(grid, self_assessment_table(plan.campaign.step)))
    scored = any(
        squeeze(_text_at(row, located, "code")) in codes and _text_at(row, located, "self_score")
        for rows, located in assessments
        for row in rows[located.first_row :]
    )
    if scored or not assessments:
        return True
    return any(
        _text_at(row, located, key)
        for register in plan.registers
        for rows, located in _located(grid, register_table(register))
        for row in rows[located.first_row :]
        for key in located.columns
    )


def _holds_a_return(plan: Plan, grid: Grid) -> bool:
    """Whether some sheet is the 自评表 of one of the plan's rubrics: headings and most codes."""
    table = self_assessment_table(plan.campaign.step)
    needed = {column.key for column in table.columns if not column.optional}
    codes = [{squeeze(one.code) for one in rubric.indicators} for rubric in plan.rubrics.values()]
    for rows, located in _located(grid, table):
        shown = {squeeze(_text_at(row, located, "code")) for row in rows[located.first_row :]}
        most = any(2 * len(shown & wanted) > len(wanted) for wanted in codes)
        if most and needed <= set(located.columns):
            return True
    return False


def _located(grid: Grid, table: Table) -> Iterator[tuple[Rows, LocatedTable]]:
    """Every sheet that holds the table."""
    for rows in grid.sheets.values():
        located = find_table(rows, table)
        if located is not None:
            yield rows, located


def _text_at(row: Sequence[object], located: LocatedTable, key: str) -> str:
    at = located.columns.get(key)
    return "" if at is None or at >= len(row) else text_of(row[at])
