"""Times perfxl beside its alternatives: whole commands, one after the other, in rounds."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.inputs import REPOSITORY, fresh_copy, make_campaign, refuse_a_hollow_run
from benchmarks.scale import scale
from perfxl.campaign import INBOX

BARE, PERFXL, COLLEAGUE = "python-calamine, reading only", "perfxl ingest", "pandas + openpyxl"
AGAIN, HELP, CLICK = "perfxl ingest, once more", "perfxl --help", "python importing click"
# What is asked of these at 310 returns.
MOST_TIMES_BARE, LEAST_TIMES_FASTER = 2.0, 10.0
MOST_OF_FIRST, MOST_TIMES_CLICK = 0.1, 2.0


def timed(command: list[str], folder: Path) -> float:
    """Seconds that a whole command takes, its start included."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def ingest(units: int, rounds: int, colleague_rounds: int, folder: Path) -> bool:
    """Print the table for so many returns; whether all of its limits are kept."""
    campaign = make_campaign(folder / f"campaign-{units}", units)
    campaign.close()
    inbox = str(campaign.path(INBOX))
    python = sys.executable
    commands = {
        BARE: [python, str(REPOSITORY / "benchmarks" / "bare_calamine.py"), inbox],
        PERFXL: [python, "-m", "perfxl", "-C", str(folder / "run"), "ingest"],
        # Right after the first: every file is known.
        AGAIN: [python, "-m", "perfxl", "-C", str(folder / "run"), "ingest"],
        HELP: [python, "-m", "perfxl", "--help"],
        CLICK: [python, "-c", "import click"],
        COLLEAGUE: [python, str(REPOSITORY / "benchmarks" / "colleague.py"), inbox],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(max(rounds, colleague_rounds) + 1):
        for name, command in commands.items():
            if number > (colleague_rounds if name == COLLEAGUE else rounds):
                continue
            if name == PERFXL:
                fresh_copy(campaign.folder, folder / "run")
            taken = timed(command, REPOSITORY)
            if number:
                # The first round fills the caches of the system and of Python.
                seconds[name].append(taken)
    refuse_a_hollow_run(folder / "run")
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    size = statistics.mean(path.stat().st_size for path in campaign.path(INBOX).iterdir())
    print(f"{units} returns of {size / 1024:.0f} KB, medians of {rounds} rounds, whole commands:")
    for name, taken in median.items():
        print(
            f"  {name:30} {taken:7.2f} s  {1000 * taken / units:6.2f} ms a workbook"
            f"  {taken / median[BARE]:5.2f} x"
        )
    slower, faster = median[PERFXL] / median[BARE], median[COLLEAGUE] / median[PERFXL]
    again, start = median[AGAIN] / median[PERFXL], median[HELP] / median[CLICK]
    kept = (
        slower <= MOST_TIMES_BARE
        and faster >= LEAST_TIMES_FASTER
        and again <= MOST_OF_FIRST
        and start <= MOST_TIMES_CLICK
    )
    print(
        f"  a second ingest takes {again:.2f} of the first (at most {MOST_OF_FIRST:g}), "
        f"perfxl --help {start:.2f} x importing click (at most {MOST_TIMES_CLICK:g})"
    )
    print(
        f"  perfxl takes {slower:.2f} x bare reading (at most {MOST_TIMES_BARE:g}), "
        f"and the script {faster:.1f} x perfxl (at least {LEAST_TIMES_FASTER:g}): "
        f"{'kept' if kept else 'NOT KEPT'}"
    )
    return kept


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--units", type=int, default=310)
    parser.add_argument("--rounds", type=int, default=7, help="of which the median is told")
    parser.add_argument("--colleague-rounds", type=int, default=2)
    parser.add_argument(
        "--stages",
        type=int,
        nargs="*",
        metavar="UNITS",
        help="every stage instead, at these numbers of units (31 310 where none is given)",
    )
    parser.add_argument(
        "--scale", action="store_true", help="every stage at 31, 310 and 3,500 units: an hour"
    )
    parser.add_argument("--folder", type=Path, help="keep the made inputs here for a next run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if options.scale or options.stages is not None:
            sizes = [31, 310, 3500] if options.scale else options.stages or [31, 310]
            return 0 if scale(sizes, options.rounds, folder) else 1
        kept = ingest(options.units, options.rounds, options.colleague_rounds, folder)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
