"""demo: the whole campaign on the samples that come with perfxl."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import INBOX, ISSUED, REVIEWS, Campaign
from perfxl.errors import AlreadyThere, Place
from perfxl.files import write_atomically
from perfxl.intake.judgement import Decision
from perfxl.ledger import Verdict
from perfxl.resources import samples
from perfxl.stages.circular import circular
from perfxl.stages.consolidate import consolidate
from perfxl.stages.gather import Gathered
from perfxl.stages.ingest import Incoming, IngestResult, ingest
from perfxl.stages.initialize import init
from perfxl.stages.issue import issue
from perfxl.stages.review import ingest_books, issue_books

# The sample returns carry stamps signed with this key. It protects nothing but the samples;
# a real campaign draws its own key at init.
SAMPLE_STAMP_KEY = b"perfxl samples, not a secret"
DEMO_NOW = dt.datetime(2024, 1, 25, 9, 0)


@dataclass(frozen=True)
class DemoResult:
    """What to look at, and the campaign as it stands."""

    products: tuple[Path, ...]
    gathered: Gathered


def ingest_samples(campaign: Campaign) -> IngestResult:
    """Put the sample returns into 收件/ and ingest them with the manifest's times of receipt.

    The one whose cover names another unit waits for a decision, which the manifest gives.
    """
    folder = samples() / "returns"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as lines:
        manifest = list(csv.DictReader(lines))
    files = []
    for row in manifest:
        path = campaign.path(INBOX) / row["file"]
        write_atomically(path, (folder / row["file"]).read_bytes())
        files.append(Incoming(path, dt.datetime.fromisoformat(row["received_at"])))
    result = ingest(campaign, files)
    unit_of = {row["file"]: campaign.plan.unit_by_code[row["unit"]] for row in manifest}
    for file, taken in zip(files, result.taken, strict=True):
        if taken.receipt.verdict is Verdict.WRONG_UNIT:
            decision = Decision(unit_of[file.path.name], "演示")
            ingest(campaign, [file], decision=decision)
    return result


def demo(folder: Path, say: Callable[[str], None]) -> DemoResult:
    """Run init, issue, ingest, review, consolidate and circular in ``folder``.

    Raises AlreadyThere where the folder holds anything already.
    """
    if folder.exists() and any(folder.iterdir()):
        raise AlreadyThere(
            "文件夹不是空的", place=Place(str(folder)), remedy="请换一个文件夹，或先删除它"
        )
    campaign = init(folder, stamp_key=SAMPLE_STAMP_KEY)
    issued = issue(campaign, DEMO_NOW)
    say(f"下发：{len(issued.written)} 份工作簿。")
    taken = ingest_samples(campaign)
    say(f"收取：{len(taken.taken)} 份样例报送。")
    issue_books(campaign, DEMO_NOW)
    for book in sorted((samples() / "reviews").glob("*.xlsx")):
        write_atomically(campaign.path(REVIEWS) / book.name, book.read_bytes())
    books = ingest_books(campaign, [], DEMO_NOW)
    say(f"股室打分：{len(books)} 份评分表，{sum(book.recorded for book in books)} 项得分。")
    consolidated = consolidate(campaign, DEMO_NOW)
    document = circular(campaign, DEMO_NOW)
    campaign.close()
    return DemoResult(
        (campaign.path(ISSUED), consolidated.path, document.path), consolidated.gathered
    )
