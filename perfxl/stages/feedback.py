"""feedback (反馈): each unit's feedback notice and rectification book, in 反馈整改/.

In go the scores, findings and spot-check results; out come a .docx and, where there is something
to mend, an .xlsx per unit, and the problems in the ledger, where they are followed until confirmed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.campaign import FEEDBACK, Campaign
from perfxl.errors import NothingToDo
from perfxl.excel.stamp import Stamp
from perfxl.facts.feedback import FeedbackFacts, feedback_facts
from perfxl.files import keep_earlier, sha256_of, write_atomically
from perfxl.ledger import Form, Problem
from perfxl.plan.forms import file_name, rectification_file_name
from perfxl.plan.model import Unit
from perfxl.products.feedback import feedback_notice
from perfxl.products.rectification_book import rectification_book
from perfxl.rectifications.problems import numbered, problems_of
from perfxl.rectifications.states import State, rectification, unsettled
from perfxl.stages.documents import WrittenDocument, write_document
from perfxl.stages.gather import Gathered, checked_sample, gather
from perfxl.stages.rectification import PRODUCT, problems_today
from perfxl.terms import due_on

NOTICE = "feedback"


@dataclass(frozen=True)
class UnitFeedback:
    """One unit's notice, its rectification book where it has one, and how many problems it has."""

    unit: Unit
    notice: WrittenDocument
    book: Path | None
    problems: int


@dataclass(frozen=True)
class FeedbackResult:
    """All units' feedback; ``draft`` where only notices were written and nothing recorded."""

    units: tuple[UnitFeedback, ...]
    draft: bool


def notice_path(campaign: Campaign, unit: Unit) -> Path:
    """Where a unit's notice lies."""
    name = file_name(campaign.plan.campaign.code, unit).removesuffix(".xlsx")
    return campaign.path(FEEDBACK) / unit.kind / f"{name}-反馈意见.docx"


def book_path(campaign: Campaign, unit: Unit) -> Path:
    """Where a unit's rectification book lies."""
    name = rectification_file_name(campaign.plan.campaign.code, unit)
    return campaign.path(FEEDBACK) / unit.kind / name


def feedback(
    campaign: Campaign,
    now: dt.datetime,
    units: Collection[str] | None = None,
    *,
    draft: bool = False,
) -> FeedbackResult:
    """Write the feedback of all units or of some (codes), and record what they have to mend.

    A draft writes the notices alone. Raises NothingToDo where nothing was returned, or where scores
    are not approved yet and no draft is asked for; NotInPlan, NoCalendar.
    """
    gathered = gather(campaign)
    if not gathered.receipts:
        raise NothingToDo("还没有收到任何单位的报送", remedy="请先执行 perfxl ingest")
    chosen = [one for one in gathered.plan.units if units is None or one.code in units]
    codes = {unit.code for unit in chosen}
    ranking = gathered.ranking
    # Rank and mean are those of the whole kind.
    kinds = {unit.kind for unit in chosen}
    open_scores = int(ranking.loc[ranking["kind"].isin(kinds), "provisional"].sum())
    if open_scores and not draft:
        raise NothingToDo(
            f"还有 {open_scores} 项得分未经股室核定，反馈意见要在核定之后下发",
            remedy="请先收齐股室的评分表；只想看看草稿，请加 --draft",
        )
    recorded = campaign.ledger.problems()
    news = _news(campaign, gathered, recorded, codes, now)
    ledger = campaign.ledger
    standing = rectification(
        gathered.plan,
        [*recorded, *news],
        ledger.problem_reports(),
        ledger.problem_decisions(),
        now.date(),
    )
    told = unsettled([*recorded, *news], standing)
    facts = feedback_facts(gathered.plan, gathered.scores, ranking, told)
    notices = {
        one.unit.code: (one, feedback_notice(gathered.plan, one, draft=draft))
        for one in facts
        if one.unit.code in codes
    }
    if not draft:
        campaign.ledger.record_problems(news)
    written = [_write(campaign, *notices[unit.code], now, draft=draft) for unit in chosen]
    if not draft:
        books = _books(campaign, [one.unit for one in written], now)
        written = [
            UnitFeedback(one.unit, one.notice, book, one.problems)
            for one, book in zip(written, books, strict=True)
        ]
    return FeedbackResult(tuple(written), draft)


def _news(
    campaign: Campaign,
    gathered: Gathered,
    recorded: list[Problem],
    codes: Collection[str],
    now: dt.datetime,
) -> list[Problem]:
    """The records that tell what the chosen units have to mend now."""
    plan = gathered.plan
    problems = problems_of(
        plan,
        gathered.scores,
        gathered.checked.findings,
        gathered.status,
        checked_sample(campaign),
    )
    confirmed = {
        (row.unit, row.number)
        for row in problems_today(campaign, now.date()).itertuples(index=False)
        if row.state == State.CONFIRMED
    }
    # Nobody is late with what he has only just been told.
    told_on = max(plan.campaign.issued_on, now.date())
    last_day = due_on(plan.campaign.rectification, told_on)
    return numbered(
        problems[problems["unit"].isin(codes)],
        [one for one in recorded if one.unit in codes],
        dict.fromkeys(codes, last_day),
        confirmed,
        now,
    )


def _write(
    campaign: Campaign, facts: FeedbackFacts, data: bytes, now: dt.datetime, *, draft: bool
) -> UnitFeedback:
    unit = facts.unit
    path = notice_path(campaign, unit)
    if draft:
        path = path.with_name(f"讨论稿-{path.name}")
    written = write_document(campaign, path, data, NOTICE, now, unit.code)
    return UnitFeedback(unit, written, None, len(facts.problems))


def _books(campaign: Campaign, units: Iterable[Unit], now: dt.datetime) -> list[Path | None]:
    """The rectification book of each unit as things stand."""
    table = problems_today(campaign, now.date())
    problems_of = dict(list(table.groupby("unit", sort=False)))
    none = table.iloc[:0]
    return [write_book(campaign, unit, problems_of.get(unit.code, none), now) for unit in units]


def write_book(campaign: Campaign, unit: Unit, own: pd.DataFrame, now: dt.datetime) -> Path | None:
    """The unit's rectification book with its rows of ``tables.RECTIFICATION``; None without any.

    A book that would say the same is left alone; one that a person changed goes to 历次/, as does
    one that is not needed any more.
    """
    path = book_path(campaign, unit)
    made = campaign.ledger.made_by_perfxl(PRODUCT, unit.code)
    lying = sha256_of(path.read_bytes()) if path.is_file() else ""
    if not len(own):
        if lying and keep_earlier(path, now):
            path.unlink()
        return None
    for edition in (len(made), len(made) + 1):
        data = rectification_book(campaign.plan, unit, own, _stamp(campaign, unit, edition))
        if sha256_of(data) == lying:
            return path
    if lying and lying not in made:
        keep_earlier(path, now)
    write_atomically(path, data)
    campaign.ledger.record_product(PRODUCT, unit.code, sha256_of(data), now)
    return path


def rewrite_books(campaign: Campaign, units: Iterable[Unit], now: dt.datetime) -> list[Path]:
    """The books of some units as things stand, with the office's opinions in them."""
    return [path for path in _books(campaign, units, now) if path is not None]


def _stamp(campaign: Campaign, unit: Unit, edition: int) -> Stamp:
    stamp = Stamp(campaign.plan.campaign.code, Form.RECTIFICATION, str(edition), unit.code)
    return stamp.signed(campaign.stamp_key)
