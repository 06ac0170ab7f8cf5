"""Every stage of a campaign as a whole command, at several numbers of units."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.inputs import fresh_copy, refuse_a_hollow_run
from benchmarks.measured import Taken, run
from perfxl.campaign import Campaign
from perfxl.excel.stamp import Stamp
from perfxl.ledger import Form
from perfxl.products.review_book import review_book
from perfxl.reviews.books import books_of
from perfxl.reviews.lines import ReviewLine
from perfxl.scoring import suggested_score
from perfxl.stages.gather import gather
from perfxl.stages.review import PRODUCT, book_path, lines_of_book

UNIT = "10001"


@dataclass(frozen=True)
class Stage:
    """One command; what people do before it is not timed."""

    label: str
    arguments: Sequence[str]
    before: Callable[[Path], None] = lambda _: None


def judge_everything(folder: Path) -> None:
    """Fill in all review books as sections do: the suggested score, a reason for a deduction."""
    campaign = Campaign(folder)
    gathered = gather(campaign)
    for section in gathered.lines:
        for book in books_of(gathered.plan, section):
            lines = [_judged(line) for line in lines_of_book(gathered, book)]
            edition = str(len(campaign.ledger.made_by_perfxl(PRODUCT, book.holder)))
            stamp = Stamp(gathered.plan.campaign.code, Form.REVIEW, edition, book.holder)
            data = review_book(gathered.plan, book, lines, stamp.signed(campaign.stamp_key))
            book_path(campaign, book.section, book.reviewer).write_bytes(data)
    campaign.close()


def _judged(line: ReviewLine) -> ReviewLine:
    if not line.applies:
        return line
    score = suggested_score(line.full_marks, line.self_score, line.computed)
    score = line.full_marks if score is None else score
    reason = "" if score == line.full_marks else "按材料核定"
    return replace(line, approved=score, reason=reason, reviewer="张三")


STAGES = (
    Stage("issue", ("issue",)),
    Stage("issue, nothing new", ("issue",)),
    Stage("ingest with all checks", ("ingest",)),
    Stage("ingest once more", ("ingest",)),
    Stage("check", ("check",)),
    Stage("send-back (a tenth)", ("send-back",)),
    Stage("review issue", ("review", "issue")),
    Stage("review ingest", ("review", "ingest"), judge_everything),
    Stage("status", ("status",)),
    Stage("explain UNIT", ("explain", UNIT)),
    Stage("log UNIT", ("log", UNIT)),
    Stage("consolidate", ("consolidate",)),
    Stage("rank", ("rank",)),
    Stage("circular", ("circular",)),
    Stage("feedback", ("feedback",)),
)


def all_stages(made: Path, target: Path) -> dict[str, Taken]:
    """Every stage once, in the order of work, on a copy of a campaign."""
    folder = fresh_copy(made, target)
    taken = {}
    for stage in STAGES:
        stage.before(folder)
        command = [sys.executable, "-m", "perfxl", "-C", str(folder), *stage.arguments]
        taken[stage.label] = run(command)
    refuse_a_hollow_run(folder)
    return taken
