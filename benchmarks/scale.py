"""Prints how every stage grows with the units, and how the writers stand to xlsxwriter alone."""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.inputs import make_campaign
from benchmarks.measured import Taken, told_by
from benchmarks.stages import STAGES, all_stages

# What is asked.
MOST_GROWTH = 1.2
MOST_OF_FIRST = 0.1
LEAST_TIMES_FASTER = 100.0
MOST_TIMES_BARE = 1.4
# Of fewer units starting up is too large a part for what is asked of issuing and a second ingest.
_MANY = 3500
# A difference of less is what one run differs from the next.
_UNCERTAIN_SECONDS = 0.3

# Every so many a return has an error, so that there is something to send back.
_FAULTY_EVERY = 10

Runs = dict[int, dict[str, Taken]]


def scale(sizes: Sequence[int], rounds: int, folder: Path) -> bool:
    """Print the tables for these numbers of units; whether all that is asked is kept.

    The largest size runs once where there are others, the others ``rounds`` times.
    """
    made = {
        units: make_campaign(folder / f"faulty-{units}", units, faulty_every=_FAULTY_EVERY)
        for units in sizes
    }
    for campaign in made.values():
        campaign.close()
    runs: Runs = {}
    for units, campaign in made.items():
        times = rounds if len(sizes) == 1 or units < max(sizes) else 1
        found = [all_stages(campaign.folder, folder / f"run-{units}") for _ in range(times)]
        runs[units] = {
            stage.label: _median([one[stage.label] for one in found]) for stage in STAGES
        }
    largest = max(sizes)
    kept = True
    print(f"{_machine()}, CPU seconds of whole commands:\n")
    for line in _stage_table(runs):
        print(line)
    for label, ratio, asked, holds in _growths(runs):
        kept &= holds
        if not holds:
            print(f"\nNOT KEPT: {label} grows {ratio:.2f} x (at most {asked:g})")
    print()
    for line, holds in _alternatives(largest, runs[largest], rounds, folder):
        kept &= holds
        print(line)
    for units in sizes:
        print()
        for line in _memory(units, folder):
            print(line)
    print(f"\n{'kept' if kept else 'NOT KEPT'}")
    return kept


def _machine() -> str:
    day = f"{dt.date.today():%Y-%m-%d}"
    return f"{day}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"


def _median(found: Sequence[Taken]) -> Taken:
    return Taken(
        statistics.median(one.cpu for one in found),
        statistics.median(one.wall for one in found),
        statistics.median(one.memory for one in found),
    )


def _stage_table(runs: Runs) -> Iterator[str]:
    sizes = sorted(runs)
    growth = {label: ratio for label, ratio, _, _ in _growths(runs)}
    heads = [f"{units:,} units, s" for units in sizes]
    last = f"{max(sizes):,} units: ms a unit | peak MiB | growth"
    yield f"| command | {' | '.join(heads)} | {last} |"
    yield "|---|" + "---:|" * (len(sizes) + 3)
    for stage in STAGES:
        seconds = [f"{runs[units][stage.label].cpu:.2f}" for units in sizes]
        largest = runs[max(sizes)][stage.label]
        each = f"{1000 * largest.cpu / max(sizes):.2f} | {largest.memory:.0f}"
        grows = f"{growth[stage.label]:.2f}" if stage.label in growth else "—"
        yield f"| {stage.label} | {' | '.join(seconds)} | {each} | {grows} |"


def _growths(runs: Runs) -> Iterator[tuple[str, float, float, bool]]:
    """By how much a unit takes longer among the most than among fewer; starting up left out."""
    sizes = sorted(runs)
    if len(sizes) < 3:
        return
    few, some, many = sizes[-3:]
    for stage in STAGES:
        cpu = {units: runs[units][stage.label].cpu for units in (few, some, many)}
        among_some = (cpu[some] - cpu[few]) / (some - few)
        among_many = (cpu[many] - cpu[some]) / (many - some)
        if cpu[some] - cpu[few] < _UNCERTAIN_SECONDS:
            # Too short to tell from starting up: then with it, which is against the larger one.
            among_some = max(among_some, cpu[some] / some)
        ratio = among_many / among_some
        yield stage.label, ratio, MOST_GROWTH, ratio <= MOST_GROWTH


def _alternatives(
    units: int, run: dict[str, Taken], rounds: int, folder: Path
) -> Iterator[tuple[str, bool]]:
    made, ran = folder / f"faulty-{units}", folder / f"run-{units}"
    issuing = [told_by("benchmarks.issuing", str(made)) for _ in range(rounds)]
    mine, scratch, writing = (
        statistics.median(one[key] for one in issuing)
        for key in ("perfxl", "xlsxwriter", "writing")
    )
    again = run["ingest once more"].cpu / run["ingest with all checks"].cpu
    calls = folder / "calls"
    told_by("benchmarks.consolidating", "calls", str(ran), str(calls))
    bare = [
        told_by("benchmarks.consolidating", "bare", str(calls), str(folder / "bare.xlsx"))
        for _ in range(rounds)
    ]
    ours = [told_by("benchmarks.consolidating", "perfxl", str(ran)) for _ in range(rounds)]
    calls.unlink()
    alone, whole = (statistics.median(one["cpu"] for one in found) for found in (bare, ours))
    yield f"| at {units:,} units | perfxl | beside it | ratio | asked |", True
    yield "|---|---:|---:|---:|---:|", True
    ratio = scratch / mine
    yield (
        f"| issue a workbook, written to a file | {mine:.3f} ms | "
        f"xlsxwriter from scratch {scratch:.1f} ms (the writing alone {writing:.3f}) | "
        f"{ratio:.0f} x faster | ≥ {LEAST_TIMES_FASTER:g} |",
        ratio >= LEAST_TIMES_FASTER or units < _MANY,
    )
    yield (
        f"| consolidated workbook, {bare[0]['cells']:,.0f} cells | {whole:.1f} s | "
        f"xlsxwriter alone, the same cells {alone:.1f} s | {whole / alone:.2f} x | "
        f"≤ {MOST_TIMES_BARE:g} |",
        whole <= MOST_TIMES_BARE * alone,
    )
    yield (
        f"| ingest once more | {run['ingest once more'].cpu:.1f} s | "
        f"the first time {run['ingest with all checks'].cpu:.1f} s | {again:.3f} | "
        f"≤ {MOST_OF_FIRST:g} |",
        again <= MOST_OF_FIRST or units < _MANY,
    )


def _memory(units: int, folder: Path) -> Iterator[str]:
    found = told_by("benchmarks.consolidating", "perfxl", str(folder / f"run-{units}"))
    yield (
        f"{units:,} units: tables {found['tables']:.0f} MiB; peak memory with them read "
        f"{found['before']:.0f} MiB, with the consolidated workbook ({found['size'] / 1e6:.1f} MB) "
        f"written {found['memory']:.0f} MiB"
    )
