"""review (股室打分): one book per section out into 股室评分/, and its scores back in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.campaign import ORIGINALS, REVIEWS, Campaign
from perfxl.errors import InputAtRisk, Missing, NothingToDo, Place, TooLargeForExcel
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
from perfxl.products.review_book import review_book
from perfxl.reviews.books import BookOf, book_of, books_of
from perfxl.reviews.lines import ReviewLine, with_scores
from perfxl.reviews.merging import Key, standing_in
from perfxl.reviews.reading import ReviewRead, read_review_book
from perfxl.stages.gather import Gathered, entered_scores, gather
from perfxl.stages.received import read_received
from perfxl.tables import FINDINGS, ScoredIn, frame, has_errors

PRODUCT = "review"
# Excel takes 65,534 checks of what is typed a sheet, and a longer book could not be read back.
MOST_LINES = 60_000


@dataclass(frozen=True)
class BooksIssued:
    """The books written, and of each how many indicators it lists and how many to look at again."""

    written: tuple[Path, ...]
    lines: tuple[int, ...]
    to_look_again: tuple[int, ...]


@dataclass(frozen=True)
class BookTaken:
    """What one file brought: new scores, unchanged scores, findings (``tables.FINDINGS``)."""

    path: Path
    book: str
    verdict: Verdict
    detail: str
    recorded: int
    unchanged: int
    findings: pd.DataFrame


def book_path(campaign: Campaign, section: str, reviewer: str = "") -> Path:
    """Where a section's book lies, or that of one of its reviewers."""
    name = BookOf(section, reviewer).name
    return campaign.path(REVIEWS) / f"{campaign.plan.campaign.code}-{name}-评分表.xlsx"


def issue_books(campaign: Campaign, now: dt.datetime) -> BooksIssued:
    """Write every section's book, prefilled from the returns and the scores already entered.

    Where the plan names several reviewers of a section, each has a book with his own scores. A book
    that somebody filled in is kept in 历次/ first. Raises InputAtRisk, before writing any, where
    one holds input that was not taken in; TooLargeForExcel where one would have too many lines;
    NothingToDo where no unit has returned anything.
    """
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    books = {
        book: lines_of_book(gathered, book)
        for section in gathered.lines
        for book in books_of(gathered.plan, section)
    }
    for book, lines in books.items():
        _refuse_too_many(book, lines)
        _refuse_to_overwrite_input(campaign, gathered, book)
    written = []
    for book, lines in books.items():
        made = campaign.ledger.made_by_perfxl(PRODUCT, book.holder)
        edition = str(len(made) + 1)
        stamp = Stamp(campaign.plan.campaign.code, Form.REVIEW, edition, book.holder)
        data = review_book(campaign.plan, book, lines, stamp.signed(campaign.stamp_key))
        path = book_path(campaign, book.section, book.reviewer)
        if path.is_file() and sha256_of(path.read_bytes()) not in made:
            keep_earlier(path, now)
        write_atomically(path, data)
        campaign.ledger.record_product(PRODUCT, book.holder, sha256_of(data), now)
        written.append(path)
    return BooksIssued(
        tuple(written),
        tuple(map(len, books.values())),
        tuple(sum(bool(line.changed) for line in lines) for lines in books.values()),
    )


def _refuse_too_many(book: BookOf, lines: Sequence[ReviewLine]) -> None:
    if len(lines) > MOST_LINES:
        raise TooLargeForExcel(
            f"“{book.name}”要评 {len(lines)} 项，一本评分表最多 {MOST_LINES} 项",
            remedy="请在考核方案的单位名录中把单位分给几个股室",
        )


def lines_of_book(gathered: Gathered, book: BookOf) -> list[ReviewLine]:
    """What stands in a book: the section's lines with the scores that it is prefilled with."""
    standing = standing_in(gathered.plan, gathered.entered, book.reviewer)
    return with_scores(gathered.lines.get(book.section, []), standing, book.reviewer)


@dataclass(frozen=True)
class BookProgress:
    """How far one book has come; ``lines`` are those of indicators that apply."""

    section: str
    reviewer: str
    lines: int
    judged: int
    to_look_again: int


def progress_of_books(gathered: Gathered) -> list[BookProgress]:
    """Every book of the campaign with what was judged in it."""
    progress = []
    for section in gathered.lines:
        for book in books_of(gathered.plan, section):
            lines = [
                line
                for line in lines_of_book(gathered, book)
                if line.applies or line.approved is not None
            ]
            progress.append(
                BookProgress(
                    section,
                    book.reviewer,
                    len(lines),
                    sum(line.approved is not None for line in lines),
                    sum(bool(line.changed) for line in lines),
                )
            )
    return progress


def _refuse_to_overwrite_input(campaign: Campaign, gathered: Gathered, book: BookOf) -> None:
    path = book_path(campaign, book.section, book.reviewer)
    if not path.is_file():
        return
    found = _read(campaign, path, gathered)
    if found.digest in campaign.ledger.made_by_perfxl(PRODUCT, book.holder):
        return
    taken = campaign.ledger.receipt(found.digest, Form.REVIEW)
    if taken is None or taken.verdict is not Verdict.VALID:
        raise InputAtRisk(
            "评分表中有尚未收取的打分",
            place=Place(str(path)),
            remedy="请先执行 perfxl review ingest，再重新生成",
        )
    if found.read is not None and has_errors(found.read.findings):
        raise InputAtRisk(
            "评分表中有的打分因错误没有收取",
            place=Place(str(path)),
            remedy="请按 perfxl review ingest 列出的意见改正并重新收取，再重新生成",
        )


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
    gathered = gather(campaign)
    return [_take(campaign, _read(campaign, path, gathered), now) for path in files]


@dataclass(frozen=True)
class _Book:
    """One file read as a review book; ``of`` and ``read`` are None where it is none."""

    path: Path
    data: bytes
    digest: str
    of: BookOf | None
    edition: int
    verdict: Verdict
    detail: str
    read: ReviewRead | None


def _read(campaign: Campaign, path: Path, gathered: Gathered) -> _Book:
    received = read_received(path)
    data, digest, grid = received.data, received.digest, received.grid

    def refused(verdict: Verdict, detail: str) -> _Book:
        return _Book(path, data, digest, None, 0, verdict, detail, None)

    if grid is None:
        return refused(Verdict.UNREADABLE, received.detail)
    if grid.stamp is None or not _is_ours(campaign, grid.stamp):
        return refused(Verdict.NOT_OURS, "不是本次考核生成的股室评分表。请核对文件")
    of = book_of(campaign.plan, grid.stamp.holder)
    if of is None:
        whose = grid.stamp.holder.replace("/", " ")
        detail = f"考核方案的股室或评分人有变动，已没有“{whose}”的评分表。请在新生成的评分表上打分"
        return refused(Verdict.NOT_OURS, detail)
    edition = int(grid.stamp.version)
    read = read_review_book(
        campaign.plan,
        of.section,
        grid.sheets,
        receipt=digest,
        file=path.name,
        lines=gathered.lines.get(of.section, []),
        newer=_newer(campaign, of, edition),
        reviewer=of.reviewer,
    )
    return _Book(path, data, digest, of, edition, Verdict.VALID, "", read)


def _is_ours(campaign: Campaign, stamp: Stamp) -> bool:
    """Whether a stamp is that of a review book of this campaign."""
    return (
        stamp.form == Form.REVIEW
        and stamp.is_genuine(campaign.stamp_key)
        and stamp.version.isdecimal()
        and stamp.campaign == campaign.plan.campaign.code
    )


def _newer(campaign: Campaign, of: BookOf, edition: int) -> dict[Key, tuple[int, str, str]]:
    """What later editions of a book, or answers to objections since it was made, brought."""
    made = list(campaign.ledger.made_by_perfxl(PRODUCT, of.holder).values())
    made_at = made[edition - 1] if 0 < edition <= len(made) else dt.datetime.max

    def is_newer(review: Review) -> bool:
        if review.scored_in is ScoredIn.OBJECTION:
            return review.recorded_at >= made_at
        return review.edition > edition and review.reviewer == (of.reviewer or review.reviewer)

    return {
        (review.unit, review.indicator): (review.approved, review.reason, review.reviewer)
        for review in campaign.ledger.reviews()
        if review.section == of.section and is_newer(review)
    }


def _take(campaign: Campaign, book: _Book, now: dt.datetime) -> BookTaken:
    if book.of is None or book.read is None:
        known = campaign.ledger.receipt(book.digest, Form.REVIEW)
        # What a book brought stays on record as valid though the plan has no such book any more.
        if book.data and (known is None or known.verdict is not Verdict.VALID):
            _record(campaign, book, now, [])
        return BookTaken(book.path, "", book.verdict, book.detail, 0, 0, frame({}, FINDINGS))
    fresh: list[Review] = []
    if book.digest not in campaign.ledger.made_by_perfxl(PRODUCT, book.of.holder):
        fresh = _changed(campaign, book.of, book, now)
        _record(campaign, book, now, fresh)
    return BookTaken(
        book.path,
        book.of.name,
        Verdict.VALID,
        "",
        len(fresh),
        len(book.read.reviews) - len(fresh),
        book.read.findings,
    )


def _changed(campaign: Campaign, of: BookOf, book: _Book, now: dt.datetime) -> list[Review]:
    """The scores that differ from those that stand, or that were looked at again.

    What this very file has brought before is not among them.
    """
    assert book.read is not None
    brought = {
        (review.unit, review.indicator)
        for review in campaign.ledger.reviews()
        if review.receipt == book.digest
    }
    standing = standing_in(campaign.plan, entered_scores(campaign), of.reviewer)
    fresh = []
    for row in book.read.reviews.to_dict("records"):
        key = (row["unit"], row["indicator"])
        before = standing.get(key)
        entered = (row["approved"], row["reason"], row["reviewer"])
        same = before is not None and (before.approved, before.reason, before.reviewer) == entered
        if same and key in book.read.looked_again and before is not None:
            same = before.seen == (row["seen"],)
        if key not in brought and not same:
            fresh.append(Review(**row, edition=book.edition, recorded_at=now))
    return fresh


def _record(campaign: Campaign, book: _Book, now: dt.datetime, reviews: list[Review]) -> None:
    name = storable_name(book.path.name)
    receipt = Receipt(
        sha256=book.digest,
        form=Form.REVIEW,
        holder=book.of.holder if book.of else "",
        file=name,
        original=keep_original(campaign.path(ORIGINALS), book.data, name),
        size=len(book.data),
        received_at=now,
        verdict=book.verdict,
        detail=book.detail,
    )
    campaign.ledger.record_receipt(receipt, now, reviews)
