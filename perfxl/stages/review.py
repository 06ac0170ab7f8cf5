"""review (股室打分): one book per section out into 股室评分/, and its scores back in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.campaign import ORIGINALS, REVIEWS, Campaign
from perfxl.errors import InputAtRisk, Missing, NothingToDo, Place, Unreadable
from perfxl.excel.reader import read_workbook
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
from perfxl.ledger import Form, Receipt, Review, Verdict
from perfxl.plan.model import Plan
from perfxl.products.review_book import review_book
from perfxl.review_lines import review_lines
from perfxl.reviews import ReviewRead, Shown, read_review_book
from perfxl.stages.gather import Gathered, gather
from perfxl.tables import FINDINGS, frame, has_errors, whole

PRODUCT = "review"


@dataclass(frozen=True)
class BooksIssued:
    """The books written, and what each section has to judge (indicators)."""

    written: tuple[Path, ...]
    lines: Mapping[str, int]


@dataclass(frozen=True)
class BookTaken:
    """What one file brought: new scores, unchanged scores, findings (``tables.FINDINGS``)."""

    path: Path
    section: str
    verdict: Verdict
    detail: str
    recorded: int
    unchanged: int
    findings: pd.DataFrame


def book_path(campaign: Campaign, section: str) -> Path:
    """Where a section's book lies."""
    return campaign.path(REVIEWS) / f"{campaign.plan.campaign.code}-{section}-评分表.xlsx"


def issue_books(campaign: Campaign, now: dt.datetime) -> BooksIssued:
    """Write every section's book, prefilled from the returns and the scores already entered.

    A book that a section filled in is kept in 历次/ first. Raises InputAtRisk, before writing any,
    where one holds input that was not taken in; NothingToDo where no unit has returned anything.
    """
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    _refuse_to_overwrite_input(campaign, _shown(gathered))
    lines = review_lines(gathered.plan, gathered.tables, gathered.scores, gathered.checked.findings)
    written = []
    for section, own in lines.items():
        made = campaign.ledger.made_by_perfxl(PRODUCT, section)
        edition = str(len(made) + 1)
        stamp = Stamp(campaign.plan.campaign.code, Form.REVIEW, edition, section)
        data = review_book(campaign.plan, section, own, stamp.signed(campaign.stamp_key))
        path = book_path(campaign, section)
        if path.is_file() and sha256_of(path.read_bytes()) not in made:
            keep_earlier(path, now)
        write_atomically(path, data)
        campaign.ledger.record_product(PRODUCT, section, sha256_of(data), now)
        written.append(path)
    return BooksIssued(tuple(written), {section: len(own) for section, own in lines.items()})


def _refuse_to_overwrite_input(campaign: Campaign, shown: Shown) -> None:
    for section in campaign.plan.sections:
        path = book_path(campaign, section)
        if not path.is_file():
            continue
        book = _read(campaign, path, shown)
        if book.digest in campaign.ledger.made_by_perfxl(PRODUCT, section):
            continue
        taken = campaign.ledger.receipt(book.digest, Form.REVIEW)
        if taken is None or taken.verdict is not Verdict.VALID:
            raise InputAtRisk(
                "评分表中有尚未收取的打分",
                place=Place(str(path)),
                remedy="请先执行 perfxl review ingest，再重新生成",
            )
        if book.read is not None and has_errors(book.read.findings):
            raise InputAtRisk(
                "评分表中有的打分因错误没有收取",
                place=Place(str(path)),
                remedy="请按 perfxl review ingest 列出的意见改正并重新收取，再重新生成",
            )


def _shown(gathered: Gathered) -> Shown:
    return {
        (row.unit, row.indicator): (
            whole(row.self_score),
            whole(row.computed),
            bool(row.applies),
        )
        for row in gathered.scores.itertuples(index=False)
    }


def ingest_books(campaign: Campaign, paths: list[Path], now: dt.datetime) -> list[BookTaken]:
    """Take in the scores of the given books (all of 股室评分/ where none is named).

    A book's scores supersede earlier ones cell by cell; blank cells leave them alone; an older
    edition never supersedes what a later one brought; the same bytes twice change nothing. A bad
    book stops nothing. Raises Missing for a path not there.
    """
    for path in paths:
        if not path.exists():
            raise Missing("没有这个文件或文件夹", place=Place(str(path)), remedy="请检查路径")
    files = [f for f in walk(paths or [campaign.path(REVIEWS)]) if not is_litter(f)]
    shown = _shown(gather(campaign))
    return [_take(campaign, _read(campaign, path, shown), now) for path in files]


@dataclass(frozen=True)
class _Book:
    """One file read as a review book; ``read`` is None where it is none."""

    path: Path
    data: bytes
    digest: str
    section: str
    edition: int
    verdict: Verdict
    detail: str
    read: ReviewRead | None


def _read(campaign: Campaign, path: Path, shown: Shown) -> _Book:
    def refused(verdict: Verdict, detail: str) -> _Book:
        return _Book(path, data, digest, "", 0, verdict, detail, None)

    data, digest = b"", ""
    try:
        data = path.read_bytes()
        digest = sha256_of(data)
        grid = read_workbook(data, path.name)
    except OSError as error:
        return refused(Verdict.UNREADABLE, f"文件读不出来（{error.strerror}）")
    except Unreadable as error:
        return refused(Verdict.UNREADABLE, f"{error.what}。{error.remedy}")
    stamp = grid.stamp
    if stamp is None or not _is_book_of(campaign.plan, stamp, campaign.stamp_key):
        return refused(Verdict.NOT_OURS, "不是本次考核生成的股室评分表。请核对文件")
    edition = int(stamp.version)
    newer = {
        key: (review.approved, review.reason, review.reviewer)
        for key, review in campaign.ledger.current_reviews().items()
        if review.section == stamp.holder and review.edition > edition
    }
    read = read_review_book(
        campaign.plan,
        stamp.holder,
        grid.sheets,
        receipt=digest,
        file=path.name,
        shown=shown,
        newer=newer,
    )
    return _Book(path, data, digest, stamp.holder, edition, Verdict.VALID, "", read)


def _take(campaign: Campaign, book: _Book, now: dt.datetime) -> BookTaken:
    if book.read is None:
        if book.data:
            _record(campaign, book, now, [])
        return BookTaken(book.path, "", book.verdict, book.detail, 0, 0, frame({}, FINDINGS))
    fresh: list[Review] = []
    if book.digest not in campaign.ledger.made_by_perfxl(PRODUCT, book.section):
        fresh = _changed(campaign, book, now)
        _record(campaign, book, now, fresh)
    return BookTaken(
        book.path,
        book.section,
        Verdict.VALID,
        "",
        len(fresh),
        len(book.read.reviews) - len(fresh),
        book.read.findings,
    )


def _changed(campaign: Campaign, book: _Book, now: dt.datetime) -> list[Review]:
    """The scores that differ from those in force and that this very file has not brought before."""
    assert book.read is not None
    brought = {
        (review.unit, review.indicator)
        for review in campaign.ledger.reviews()
        if review.receipt == book.digest
    }
    current = campaign.ledger.current_reviews()
    fresh = []
    for row in book.read.reviews.to_dict("records"):
        key = (row["unit"], row["indicator"])
        before = current.get(key)
        entered = (row["approved"], row["reason"], row["reviewer"])
        same = before is not None and (before.approved, before.reason, before.reviewer) == entered
        if key not in brought and not same:
            fresh.append(Review(**row, edition=book.edition, recorded_at=now))
    return fresh


def _is_book_of(plan: Plan, stamp: Stamp, key: bytes) -> bool:
    return (
        stamp.form == Form.REVIEW
        and stamp.is_genuine(key)
        and stamp.version.isdecimal()
        and stamp.campaign == plan.campaign.code
        and stamp.holder in plan.sections
    )


def _record(campaign: Campaign, book: _Book, now: dt.datetime, reviews: list[Review]) -> None:
    name = storable_name(book.path.name)
    receipt = Receipt(
        sha256=book.digest,
        form=Form.REVIEW,
        holder=book.section,
        file=name,
        original=keep_original(campaign.path(ORIGINALS), book.data, name),
        size=len(book.data),
        received_at=now,
        verdict=book.verdict,
        detail=book.detail,
    )
    campaign.ledger.record_receipt(receipt, now, reviews)
