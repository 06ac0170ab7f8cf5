"""Times perfxl beside its alternatives, and prints ratios."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.ingesting import ingesting
from benchmarks.scale import scale


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
        kept = ingesting(options.units, options.rounds, options.colleague_rounds, folder)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
