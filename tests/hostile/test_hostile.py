"""Hostile files go through the real ingest, good returns beside them.

The parent never dies, every file gets a verdict, none takes long or much, and what came beside it
is read as if it had come alone.
"""

from __future__ import annotations

import datetime as dt
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from made_files import Made, made_files

from perfxl.campaign import INBOX, ORIGINALS, Campaign
from perfxl.excel.reader import Grid, read_workbook
from perfxl.files import sha256_of
from perfxl.intake.extract import Extracted
from perfxl.isolation.messages import MEMORY_LIMIT
from perfxl.isolation.service import own_workers
from perfxl.ledger import Receipt, Verdict
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.ingest import Incoming, ingest

# The default run has its share of these in the tests of the single parts.
pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLES = DATA.parent.parent / "samples" / "returns"
SECONDS = 5.0
WHEN = dt.datetime(2024, 1, 12, 9, 30)
GOOD = ("102", "103", "201", "202")


def _sample(unit: str) -> Path:
    return next(SAMPLES.glob(f"*-{unit}-*.xlsx"))


BASES = {
    "plain": _sample("101").read_bytes(),
    "office": (DATA / "return_by_libreoffice.xlsx").read_bytes(),
    "xls": (DATA / "return_by_libreoffice.xls").read_bytes(),
}


MADE = list(made_files(BASES["plain"], BASES["office"], BASES["xls"]))


@dataclass
class Watch:
    """The most memory that any worker held, in bytes."""

    peak: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        """Read it again and again until done; only Linux tells."""
        while not self.done.wait(0.002):
            for process in own_workers().processes:
                self.peak = max(self.peak, _most_memory(process))


def _most_memory(process: int) -> int:
    """The most bytes that a process has held; 0 where it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    except (OSError, ValueError):
        return 0
    peaks = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(peaks[0].split()[1]) * 1024 if peaks else 0


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch the worker's memory meanwhile."""
    watch = Watch()
    thread = threading.Thread(target=watch.look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.done.set()
        thread.join()


@dataclass(frozen=True)
class Batch:
    """All hostile files after one run with good returns between them."""

    campaign: Campaign
    made: dict[str, Made]
    seconds: dict[str, float]
    receipts: dict[str, list[Receipt]]
    good: dict[str, Extracted]
    alone: dict[str, Extracted]
    peak: int
    strangers: set[Path]


def _campaign(folder: Path, repository: Path) -> Campaign:
    plan = (repository / "workbook_templates" / "考核方案.xlsx").read_bytes()
    return Campaign.create(folder, plan, SAMPLE_STAMP_KEY)


def _contents(extracted: dict[str, Extracted]) -> dict[str, Extracted]:
    """What the good returns say."""
    return {unit: extracted[sha256_of(_sample(unit).read_bytes())] for unit in GOOD}


@pytest.fixture(scope="module")
def batch(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Iterator[Batch]:
    """One batch of everything, in one campaign."""
    folder = tmp_path_factory.mktemp("hostile")
    campaign = _campaign(folder / "campaign", repository)
    made = {one.name: one for one in MADE}
    contents = {f"{name}{one.suffix}": one.data for name, one in made.items()}
    # The good ones come in between.
    for unit, after in zip(GOOD, list(contents)[:: len(contents) // len(GOOD)], strict=False):
        contents = {
            name: content
            for one, data in contents.items()
            for name, content in (
                [(one, data), (_sample(unit).name, _sample(unit).read_bytes())]
                if one == after
                else [(one, data)]
            )
        }
    files = []
    for name, content in contents.items():
        path = campaign.path(INBOX) / name
        path.write_bytes(content)
        files.append(Incoming(path, WHEN))
    before = set(folder.rglob("*"))
    seconds: dict[str, float] = {}
    receipts: dict[str, list[Receipt]] = {}
    with watched() as watch:
        for file in files:
            started = time.monotonic()
            result = ingest(campaign, [file], when_recorded=lambda _: None)
            seconds[file.path.stem] = time.monotonic() - started
            receipts[file.path.stem] = [taken.receipt for taken in result.taken]
    # Once more as one batch, in a campaign that knows nothing yet.
    together = _campaign(folder / "together", repository)
    extracted: dict[str, Extracted] = {}
    at_once = ingest(together, files, when_recorded=extracted.update)
    quiet = _campaign(folder / "quiet", repository)
    undisturbed: dict[str, Extracted] = {}
    good = [file for file in files if file.path.stem not in made]
    ingest(quiet, good, when_recorded=undisturbed.update)
    assert {r.path for r in at_once.taken} == {file.path for file in files}
    yield Batch(
        campaign,
        made,
        seconds,
        receipts,
        _contents(extracted),
        _contents(undisturbed),
        watch.peak,
        {
            path
            for path in set(folder.rglob("*")) - before
            if not path.is_relative_to(campaign.folder)
            and not path.is_relative_to(together.folder)
            and not path.is_relative_to(quiet.folder)
        },
    )
    for one in (campaign, together, quiet):
        one.close()


def test_there_are_ninety_and_more() -> None:
    assert len({one.name for one in MADE}) == len(MADE) >= 90


@pytest.mark.parametrize("name", [one.name for one in MADE])
def test_each_gets_its_verdict_in_time(batch: Batch, name: str) -> None:
    made = batch.made[name]
    own = [one for one in batch.receipts[name] if one.sha256 == sha256_of(made.data)]
    assert own, "no verdict"
    assert own[-1].verdict in made.verdicts, own[-1].detail
    assert own[-1].detail or own[-1].verdict in (Verdict.VALID, Verdict.OPENED)
    assert batch.seconds[name] < SECONDS
    assert (batch.campaign.path(ORIGINALS) / own[-1].original).read_bytes() == made.data


@pytest.mark.parametrize(
    "made", [one for one in MADE if one.reads_as or one.remark], ids=lambda one: one.name
)
def test_what_is_odd_and_right_reads_right(batch: Batch, made: Made) -> None:
    if batch.receipts[made.name][-1].verdict is not Verdict.VALID:
        assert made.verdicts != (Verdict.VALID,)
        return
    grid = read_workbook(made.data)
    if made.reads_as:
        assert _filled(grid) == _filled(read_workbook(BASES[made.reads_as]))
    assert made.remark in "；".join((*grid.remarks, *grid.doubts))


def _filled(grid: Grid) -> dict[tuple[str, int, int], object]:
    return {
        (name, r, c): value
        for name, rows in grid.sheets.items()
        for r, row in enumerate(rows)
        for c, value in enumerate(row)
        if value != ""
    }


def test_what_came_beside_them_is_the_same(batch: Batch) -> None:
    assert batch.good == batch.alone


def test_nothing_is_written_elsewhere(batch: Batch) -> None:
    assert not batch.strangers
    assert not list(Path("/tmp").glob("escaped*"))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the peak of a process")
def test_no_worker_takes_more_than_its_limit(batch: Batch) -> None:
    assert 0 < batch.peak <= MEMORY_LIMIT
