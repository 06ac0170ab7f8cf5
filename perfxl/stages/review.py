"""review (股室打分): one book per section out into 股室评分/, and its scores back in."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.campaign import ORIGINALS, REVIEWS, Campaign
from perfxl.errors import InputAtRisk, Missing, NothingToDo, Place, Unreadable
from perfxl.excel.reader import read_workbook
from perfxl.excel.stamp import Stamp
from perfxl.files import is_litter, keep_original, sha256_of, walk, write_atomically
from perfxl.intake.extract import cited_numbers
from perfxl.ledger import Form, Receipt, Review, Verdict
from perfxl.plan.model import Plan
from perfxl.products.review_book import ReviewLine, review_book
from perfxl.reviews import read_review_book, units_judged
from perfxl.stages.gather import Gathered, gather
from perfxl.tables import FINDINGS, frame, whole

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

    Raises InputAtRisk, before writing any, where a book that lies there holds input that was not
    taken in yet; NothingToDo where no unit has returned anything.
    """
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    _refuse_to_overwrite_input(campaign)
    lines = review_lines(gathered)
    written = []
    for section, own in lines.items():
        stamp = Stamp(campaign.plan.campaign.code, Form.REVIEW, "", section)
        data = review_book(campaign.plan, section, own, stamp.signed(campaign.stamp_key))
        path = book_path(campaign, section)
        write_atomically(path, data)
        campaign.ledger.record_product(PRODUCT, section, sha256_of(data), now)
        written.append(path)
    return BooksIssued(tuple(written), {section: len(own) for section, own in lines.items()})


def _refuse_to_overwrite_input(campaign: Campaign) -> None:
    for section in campaign.plan.sections:
        path = book_path(campaign, section)
        if not path.is_file():
            continue
        digest = sha256_of(path.read_bytes())
        ours = digest in campaign.ledger.made_by_perfxl(PRODUCT, section)
        if not ours and campaign.ledger.receipt(digest) is None:
            raise InputAtRisk(
                "评分表中有尚未收取的打分",
                place=Place(str(path)),
                remedy="请先执行 perfxl review ingest，再重新生成",
            )


def review_lines(gathered: Gathered) -> dict[str, list[ReviewLine]]:
    """What each section has to judge: one line per returned unit and indicator."""
    plan = gathered.plan
    scores = {(row.unit, row.indicator): row for row in gathered.scores.itertuples(index=False)}
    entries = {
        (row.unit, row.indicator): row for row in gathered.tables.entries.itertuples(index=False)
    }
    findings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for finding in gathered.checked.findings.itertuples(index=False):
        if finding.indicator:
            text = f"[{finding.severity}] {finding.message}"
            findings[finding.unit, finding.indicator].append(text)
    titles = _evidence_titles(gathered)
    returned = [unit for unit in plan.units if unit.code in gathered.receipts]
    lines: dict[str, list[ReviewLine]] = {}
    for section in plan.sections:
        for unit, indicator in units_judged(plan, section, returned):
            key = (unit.code, indicator.code)
            score, entry = scores[key], entries.get(key)
            receipt = gathered.receipts[unit.code].sha256
            lines.setdefault(section, []).append(
                ReviewLine(
                    unit.code,
                    unit.name,
                    indicator.code,
                    indicator.name,
                    indicator.full_marks,
                    whole(score.self_score),
                    whole(score.computed),
                    score.arithmetic,
                    "" if entry is None else entry.basis,
                    _cited(titles, receipt, "" if entry is None else entry.evidence_numbers),
                    "\n".join(findings[key]),
                    whole(score.approved),
                    score.reason,
                    score.reviewer,
                )
            )
    return lines


def _evidence_titles(gathered: Gathered) -> dict[tuple[str, str], str]:
    evidence = gathered.tables.evidence
    return {
        (receipt, number): f"{number} {title}{document}"
        for receipt, number, title, document in zip(
            evidence["receipt"],
            evidence["number"],
            evidence["title"],
            evidence["document_number"],
            strict=True,
        )
    }


def _cited(titles: Mapping[tuple[str, str], str], receipt: str, numbers: str) -> str:
    return "\n".join(
        titles.get((receipt, number), f"{number}（未登记）")
        for number in cited_numbers(numbers or "", {})
    )


def ingest_books(campaign: Campaign, paths: list[Path], now: dt.datetime) -> list[BookTaken]:
    """Take in the scores of the given books (all of 股室评分/ where none is named).

    A book's scores supersede earlier ones cell by cell; blank cells leave them alone; the same
    bytes twice change nothing. A bad book stops nothing. Raises Missing for a path not there.
    """
    for path in paths:
        if not path.exists():
            raise Missing("没有这个文件或文件夹", place=Place(str(path)), remedy="请检查路径")
    files = [f for f in walk(paths or [campaign.path(REVIEWS)]) if not is_litter(f)]
    gathered = gather(campaign)
    shown = {
        (row.unit, row.indicator): (whole(row.self_score), whole(row.computed))
        for row in gathered.scores.itertuples(index=False)
    }
    return [_take(campaign, path, shown, now) for path in files]


def _take(
    campaign: Campaign,
    path: Path,
    shown: Mapping[tuple[str, str], tuple[int | None, int | None]],
    now: dt.datetime,
) -> BookTaken:
    data = path.read_bytes()
    digest = sha256_of(data)
    try:
        grid = read_workbook(data, path.name)
    except Unreadable as error:
        return _refuse(
            campaign, path, data, Verdict.UNREADABLE, f"{error.what}。{error.remedy}", now
        )
    stamp = grid.stamp
    if stamp is None or not _is_book_of(campaign.plan, stamp, campaign.stamp_key):
        detail = "不是本次考核生成的股室评分表。请核对文件"
        return _refuse(campaign, path, data, Verdict.NOT_OURS, detail, now)
    section = stamp.holder
    read = read_review_book(
        campaign.plan, section, grid.sheets, receipt=digest, file=path.name, shown=shown
    )
    recorded = 0
    if digest not in campaign.ledger.made_by_perfxl(PRODUCT, section):
        fresh = _changed(campaign, read.reviews, now)
        if _record(campaign, path, data, section, Verdict.VALID, "", now, fresh):
            recorded = len(fresh)
    return BookTaken(
        path, section, Verdict.VALID, "", recorded, len(read.reviews) - recorded, read.findings
    )


def _changed(campaign: Campaign, reviews: pd.DataFrame, now: dt.datetime) -> list[Review]:
    """The scores that differ from those in force in score, reason or reviewer."""
    current = campaign.ledger.current_reviews()
    fresh = []
    for row in reviews.to_dict("records"):
        before = current.get((row["unit"], row["indicator"]))
        entered = (row["approved"], row["reason"], row["reviewer"])
        if before is None or (before.approved, before.reason, before.reviewer) != entered:
            fresh.append(Review(**row, recorded_at=now))
    return fresh


def _refuse(
    campaign: Campaign, path: Path, data: bytes, verdict: Verdict, detail: str, now: dt.datetime
) -> BookTaken:
    _record(campaign, path, data, "", verdict, detail, now, [])
    return BookTaken(path, "", verdict, detail, 0, 0, frame({}, FINDINGS))


def _is_book_of(plan: Plan, stamp: Stamp, key: bytes) -> bool:
    return (
        stamp.form == Form.REVIEW
        and stamp.is_genuine(key)
        and stamp.campaign == plan.campaign.code
        and stamp.holder in plan.sections
    )


def _record(
    campaign: Campaign,
    path: Path,
    data: bytes,
    section: str,
    verdict: Verdict,
    detail: str,
    now: dt.datetime,
    reviews: list[Review],
) -> bool:
    original = keep_original(campaign.path(ORIGINALS), data, path.name)
    return campaign.ledger.record_receipt(
        Receipt(
            sha256=sha256_of(data),
            form=Form.REVIEW,
            holder=section,
            file=path.name,
            original=original,
            size=len(data),
            received_at=now,
            verdict=verdict,
            detail=detail,
        ),
        reviews,
    )
