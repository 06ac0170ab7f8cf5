"""Prints the peak memory and the time of `perfxl ingest`, its checks included, by batch size."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.inputs import REPOSITORY, fresh_copy, make_campaign, refuse_a_hollow_run


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument("--units", type=int, nargs="+", default=[310, 3500, 20000])
    parser.add_argument("--folder", type=Path, help="keep the made inputs here for a next run")
    parser.add_argument("--workers", default="auto", help="as of perfxl ingest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        for units in options.units:
            made = make_campaign(folder / f"many-{units}", units, saved_anew=False)
            made.close()
            run = fresh_copy(made.folder, folder / "run")
            command = [sys.executable, "-m", "benchmarks.peak", "-C", str(run), "ingest"]
            started = time.perf_counter()
            done = subprocess.run(
                [*command, "--workers", options.workers],
                cwd=REPOSITORY,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=True,
            )
            seconds = time.perf_counter() - started
            refuse_a_hollow_run(run)
            print(
                f"{units:6} returns: {done.stderr.splitlines()[-1]}, {seconds:.0f} s in all",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
