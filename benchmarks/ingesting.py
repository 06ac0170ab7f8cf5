"""Times ingest beside its alternatives: whole commands, one after the other, in rounds."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.inputs import REPOSITORY, fresh_copy, make_campaign, refuse_a_hollow_run
from perfxl.campaign import INBOX

BARE, COLLEAGUE = "python-calamine, reading only", "pandas + openpyxl"
PERFXL, ALONE, AGAIN = "perfxl ingest", "perfxl ingest --workers 1", "perfxl ingest, once more"
HELP, CLICK = "perfxl --help", "python importing click"

# What is asked: of bare reading at most, with the processes that perfxl chooses and with one;
MOST_TIMES_BARE, MOST_TIMES_BARE_ALONE = 2.0, 1.6
# of the script at least, by the number of returns;
LEAST_TIMES_FASTER = {310: 15.0, 3500: 20.0}
# of the first ingest at most, from so many returns on: of fewer, starting up is too large a part.
MOST_OF_FIRST, MANY = 0.1, 3500
MOST_TIMES_CLICK = 2.0


def ingesting(units: int, rounds: int, colleague_rounds: int, folder: Path) -> bool:
    """Print the table for so many returns; whether all that is asked is kept."""
    campaign = make_campaign(folder / f"campaign-{units}", units)
    campaign.close()
    inbox, run = campaign.path(INBOX), folder / "run"
    found = _timed(campaign.folder, inbox, run, rounds, colleague_rounds)
    median = {name: statistics.median(taken) for name, taken in found.items()}
    size = statistics.mean(path.stat().st_size for path in inbox.iterdir())
    print(f"{units:,} returns of {size / 1024:.0f} KB, whole commands by the clock:\n")
    print("| command | s | ms a workbook | times bare reading |\n|---|---:|---:|---:|")
    for name, taken in median.items():
        each, times = 1000 * taken / units, taken / median[BARE]
        print(f"| {name} | {taken:.2f} | {each:.2f} | {times:.2f} |")
    print("\n| | ratio | asked | |\n|---|---:|---:|---|")
    kept = True
    for what, ratio, asked, holds in _ratios(units, median):
        kept &= holds
        print(f"| {what} | {ratio:.2f} | {asked} | {'kept' if holds else 'NOT KEPT'} |")
    return kept


def _timed(
    made: Path, inbox: Path, run: Path, rounds: int, colleague_rounds: int
) -> dict[str, list[float]]:
    python, perfxl = sys.executable, [sys.executable, "-m", "perfxl"]
    commands = {
        BARE: [python, str(REPOSITORY / "benchmarks" / "bare_calamine.py"), str(inbox)],
        ALONE: [*perfxl, "-C", str(run), "ingest", "--workers", "1"],
        PERFXL: [*perfxl, "-C", str(run), "ingest"],
        # Right after the first: every file is known.
        AGAIN: [*perfxl, "-C", str(run), "ingest"],
        HELP: [*perfxl, "--help"],
        CLICK: [python, "-c", "import click"],
        COLLEAGUE: [python, str(REPOSITORY / "benchmarks" / "colleague.py"), str(inbox)],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(max(rounds, colleague_rounds) + 1):
        for name, command in commands.items():
            # The script takes so long that what the first round fills makes no difference.
            first, last = (1, colleague_rounds) if name == COLLEAGUE else (0, rounds)
            if not first <= number <= last:
                continue
            if name in (PERFXL, ALONE):
                fresh_copy(made, run)
            started = time.perf_counter()
            subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
            if number:
                # The first round fills the caches of the system and of Python.
                seconds[name].append(time.perf_counter() - started)
    refuse_a_hollow_run(run)
    return seconds


def _ratios(units: int, median: Mapping[str, float]) -> Iterator[tuple[str, float, str, bool]]:
    """What is compared, the ratio, what is asked of it, whether that is kept."""

    def at_most(what: str, ratio: float, most: float) -> tuple[str, float, str, bool]:
        return what, ratio, f"≤ {most:g}", ratio <= most

    bare = median[BARE]
    yield at_most("ingest, times bare reading", median[PERFXL] / bare, MOST_TIMES_BARE)
    yield at_most("with one worker", median[ALONE] / bare, MOST_TIMES_BARE_ALONE)
    faster, least = median[COLLEAGUE] / median[PERFXL], LEAST_TIMES_FASTER.get(units)
    said = "—" if least is None else f"≥ {least:g}"
    yield "the script, times ingest", faster, said, least is None or faster >= least
    again = median[AGAIN] / median[PERFXL]
    said = f"≤ {MOST_OF_FIRST:g} from {MANY:,}"
    yield "once more, of the first time", again, said, units < MANY or again <= MOST_OF_FIRST
    yield at_most("--help, times importing click", median[HELP] / median[CLICK], MOST_TIMES_CLICK)
