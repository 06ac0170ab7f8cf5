"""spot-check (抽查): draw projects, write the check book into 抽查/, take its results in."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from perfxl.campaign import ORIGINALS, SPOT_CHECKS, Campaign
from perfxl.errors import (
    InputAtRisk,
    Missing,
    NothingToDo,
    NotInPlan,
    PerfxlError,
    Place,
)
from perfxl.excel.stamp import Stamp
from perfxl.files import (
    is_litter,
    keep_earlier,
    keep_original,
    sha256_of,
    storable_name,
    walk,
    write_atomically,
)
from perfxl.intake.projects import projects
from perfxl.layout.declare import SheetLayout
from perfxl.ledger import CheckedProject, Draw, DrawnProject, Form, Receipt, Verdict
from perfxl.plan.forms import check_book_layout
from perfxl.plan.model import Plan, SpotCheck
from perfxl.plan.spot_check_reading import share_of
from perfxl.products.check_book import check_book
from perfxl.spot_checks.reading import CheckRead, read_check_book
from perfxl.spot_checks.sampling import METHOD, draw, number_of_share
from perfxl.stages.gather import checked_sample, gather, sample_of
from perfxl.stages.received import read_received
from perfxl.tables import FINDINGS, frame, has_errors

PRODUCT = "spot-check"
_RESULT = ("conclusion", "problems", "description", "checker", "checked_on")


@dataclass(frozen=True)
class Drawn:
    """A draw with the check book that was written for it; ``strata`` is ``tables.STRATA``."""

    draw: Draw
    strata: pd.DataFrame
    book: Path


@dataclass(frozen=True)
class CheckTaken:
    """What one file brought: new and unchanged results, findings (``tables.FINDINGS``)."""

    path: Path
    verdict: Verdict
    detail: str
    recorded: int
    unchanged: int
    findings: pd.DataFrame


def declared(plan: Plan) -> SpotCheck:
    """What the plan says of the spot check; raises NotInPlan where it says nothing."""
    if plan.spot_check is None:
        raise NotInPlan(
            "考核方案中没有“抽查”表",
            remedy="请在考核方案.xlsx 中加一张“抽查”表（样式见 perfxl init 建立的方案）",
        )
    return plan.spot_check


def book_path(campaign: Campaign) -> Path:
    """Where the check book lies."""
    return campaign.path(SPOT_CHECKS) / f"{campaign.plan.campaign.code}-抽查核查表.xlsx"


def draw_sample(
    campaign: Campaign,
    now: dt.datetime,
    by: str,
    *,
    seed: str = "",
    share: int | None = None,
    count: int | None = None,
) -> Drawn:
    """Draw anew from the returns in force, record the draw, write its check book.

    ``share`` in hundredths of a percent; without it and ``count`` the plan's share holds, without
    ``seed`` the campaign's own. A later draw supersedes an earlier one. Raises NotInPlan,
    NothingToDo, and InputAtRisk where the book holds results that were not taken in.
    """
    spot_check = declared(campaign.plan)
    gathered = gather(campaign)
    population = projects(gathered.plan, spot_check, gathered.tables)
    if not len(population):
        raise NothingToDo(
            "没有可以抽查的项目", remedy="请先收取报送，或核对“抽查”表的登记表和筛选条件"
        )
    _refuse_to_overwrite_input(campaign)
    seed = seed.strip() or default_seed(campaign.plan)
    used = spot_check.share if share is None else share
    wanted = number_of_share(len(population), used) if count is None else count
    sampled = draw(population, wanted, seed)
    recorded = Draw(
        seed=seed,
        method=METHOD,
        population=len(population),
        wanted=f"{used / 100:g}%" if count is None else f"{count} 个",
        strata=json.dumps(sampled.strata.to_dict("records"), ensure_ascii=False),
        drawn_by=by,
        drawn_at=now,
        projects=tuple(
            DrawnProject(**{**row, "row": int(row["row"]), "number": int(row["number"])})
            for row in sampled.sample.to_dict("records")
        ),
    )
    recorded = replace(recorded, number=campaign.ledger.record_draw(recorded))
    return Drawn(recorded, sampled.strata, write_book(campaign, now))


def default_seed(plan: Plan) -> str:
    """A seed that nobody chose: from the campaign's code."""
    return str(int(hashlib.sha256(plan.campaign.code.encode()).hexdigest()[:7], 16))


def write_book(campaign: Campaign, now: dt.datetime) -> Path:
    """Write the check book of the last draw, filled in with what was taken in so far.

    One that somebody filled in is kept in 历次/ first. Raises NothingToDo before the first draw,
    InputAtRisk where it holds results that were not taken in.
    """
    plan, spot_check = campaign.plan, declared(campaign.plan)
    current = last_draw(campaign)
    checked = checked_sample(campaign)
    assert checked is not None
    _refuse_to_overwrite_input(campaign)
    made = campaign.ledger.made_by_perfxl(PRODUCT, str(current.number))
    holder, edition = str(current.number), str(len(made) + 1)
    stamp = Stamp(plan.campaign.code, Form.SPOT_CHECK, edition, holder).signed(campaign.stamp_key)
    header = f"第 {current.number} 次抽取  种子 {current.seed}  {current.drawn_at:%Y-%m-%d}"
    data = check_book(plan, spot_check, _layout(plan), checked, stamp, header)
    path = book_path(campaign)
    if path.is_file() and sha256_of(path.read_bytes()) not in made:
        keep_earlier(path, now)
    write_atomically(path, data)
    campaign.ledger.record_product(PRODUCT, holder, sha256_of(data), now)
    return path


def last_draw(campaign: Campaign) -> Draw:
    """The draw in force; raises NothingToDo where nothing was drawn."""
    draws = campaign.ledger.draws()
    if not draws:
        raise NothingToDo("还没有抽取", remedy="请先执行 perfxl spot-check draw")
    return draws[-1]


def ingest_book(campaign: Campaign, paths: list[Path], now: dt.datetime) -> list[CheckTaken]:
    """Take in the results of the given check books (all of 抽查/ where none is named).

    A book's results supersede earlier ones project by project; blank rows leave them alone; the
    same bytes twice change nothing. A bad book stops nothing. Raises Missing for a path not there,
    NothingToDo before the first draw.
    """
    last_draw(campaign)
    for path in paths:
        if not path.exists():
            raise Missing("没有这个文件或文件夹", place=Place(str(path)), remedy="请检查路径")
    files = [f for f in walk(paths or [campaign.path(SPOT_CHECKS)]) if not is_litter(f)]
    return [_take(campaign, _read(campaign, path), now) for path in files]


@dataclass(frozen=True)
class _Book:
    """One file read as a check book; ``read`` is None where it is none."""

    path: Path
    data: bytes
    digest: str
    draw: int
    edition: int
    verdict: Verdict
    detail: str
    read: CheckRead | None


def _layout(plan: Plan) -> SheetLayout:
    spot_check = declared(plan)
    register = next(one for one in plan.registers if one.name == spot_check.register)
    return check_book_layout(plan.campaign, register, spot_check)


def _read(campaign: Campaign, path: Path) -> _Book:
    received = read_received(path)
    data, digest, grid = received.data, received.digest, received.grid

    def refused(verdict: Verdict, detail: str) -> _Book:
        return _Book(path, data, digest, 0, 0, verdict, detail, None)

    if grid is None:
        return refused(Verdict.UNREADABLE, received.detail)
    stamp = grid.stamp
    if stamp is None or not _is_ours(campaign, stamp):
        return refused(Verdict.NOT_OURS, "不是本次考核生成的抽查核查表。请核对文件")
    current, made_for, edition = last_draw(campaign), int(stamp.holder), int(stamp.version)
    newer = {
        one.number: (one.conclusion, one.problems, one.description, one.checker, one.checked_on)
        for one in campaign.ledger.checked()
        if one.draw == made_for and one.edition > edition
    }
    read = read_check_book(
        campaign.plan,
        _layout(campaign.plan),
        sample_of(current),
        grid.sheets,
        receipt=digest,
        file=path.name,
        newer=newer,
        draws=(made_for, current.number),
    )
    return _Book(path, data, digest, made_for, edition, Verdict.VALID, "", read)


def _is_ours(campaign: Campaign, stamp: Stamp) -> bool:
    return (
        stamp.form == Form.SPOT_CHECK
        and stamp.is_genuine(campaign.stamp_key)
        and stamp.version.isdecimal()
        and stamp.holder.isdecimal()
        and stamp.campaign == campaign.plan.campaign.code
    )


def _take(campaign: Campaign, book: _Book, now: dt.datetime) -> CheckTaken:
    fresh: list[CheckedProject] = []
    read = book.read
    if read is not None:
        if book.digest not in campaign.ledger.made_by_perfxl(PRODUCT, str(book.draw)):
            fresh = _changed(campaign, book, read, now)
            _record(campaign, book, now, fresh)
    elif book.data:
        _record(campaign, book, now, [])
    return CheckTaken(
        book.path,
        book.verdict,
        book.detail,
        len(fresh),
        0 if read is None else len(read.checked) - len(fresh),
        frame({}, FINDINGS) if read is None else read.findings,
    )


def _changed(
    campaign: Campaign, book: _Book, read: CheckRead, now: dt.datetime
) -> list[CheckedProject]:
    """The results that differ from those in force and that this very file has not brought before."""
    brought = {one.number for one in campaign.ledger.checked() if one.receipt == book.digest}
    standing = checked_sample(campaign)
    assert standing is not None
    before = {
        int(row["number"]): tuple(row[name] for name in _RESULT)
        for row in standing.to_dict("records")
        if not pd.isna(row["problems"])
    }
    return [
        CheckedProject(**row, draw=book.draw, edition=book.edition, recorded_at=now)
        for row in read.checked.to_dict("records")
        if row["number"] not in brought
        and before.get(row["number"]) != tuple(row[name] for name in _RESULT)
    ]


def _record(
    campaign: Campaign, book: _Book, now: dt.datetime, checked: list[CheckedProject]
) -> None:
    name = storable_name(book.path.name)
    receipt = Receipt(
        sha256=book.digest,
        form=Form.SPOT_CHECK,
        holder=str(book.draw or ""),
        file=name,
        original=keep_original(campaign.path(ORIGINALS), book.data, name),
        size=len(book.data),
        received_at=now,
        verdict=book.verdict,
        detail=book.detail,
    )
    campaign.ledger.record_checked(receipt, now, checked)


def _refuse_to_overwrite_input(campaign: Campaign) -> None:
    path = book_path(campaign)
    if not path.is_file() or not campaign.ledger.draws():
        return
    book = _read(campaign, path)
    if book.digest in campaign.ledger.made_by_perfxl(PRODUCT, str(book.draw)):
        return
    taken = campaign.ledger.receipt(book.digest, Form.SPOT_CHECK)
    is_taken = taken is not None and taken.verdict is Verdict.VALID
    if not is_taken or (book.read is not None and has_errors(book.read.findings)):
        raise InputAtRisk(
            "核查表中有尚未收取的结果",
            place=Place(str(path)),
            remedy="请先执行 perfxl spot-check ingest，有错误的改正后重新收取",
        )


def share_given(text: str) -> int:
    """A share typed on the command line, in hundredths of a percent; raises PerfxlError."""
    share = share_of(text if text.strip().endswith(("%", "％")) else f"{text}%")
    if share is None:
        raise PerfxlError(f"看不懂抽查比例“{text}”", remedy="写法如 10%，大于 0、不超过 100%")
    return share
