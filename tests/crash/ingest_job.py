"""The job that is killed: an ingest of what lies in 收件/, in a program of its own.

It says ``received HASH`` for each file when the ingest has ended. ``--wrong`` does it wrongly on
purpose, so that the tests are known to be able to fail.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import perfxl.stages.ingest as stage
from perfxl.campaign import ORIGINALS, Campaign
from perfxl.errors import PerfxlError
from perfxl.stages.ingest import Incoming, incoming, ingest

NOW = dt.datetime(2024, 1, 26, 10, 0)


def say(word: str) -> None:
    """One line, in one call, so that a kill leaves all of it or nothing."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def received(digest: str) -> None:
    say(f"received {digest}")


def says_before_the_commit(campaign: Campaign, files: list[Incoming]) -> None:
    digests = (hashlib.sha256(file.path.read_bytes()).hexdigest() for file in files)
    ingest(campaign, files, progress=lambda: received(next(digests)))


def keeps_without_a_temporary_file(campaign: Campaign, files: list[Incoming]) -> None:
    def directly(folder: Path, originals: Mapping[str, bytes]) -> None:
        for name, data in originals.items():
            if not (folder / name).exists():
                (folder / name).write_bytes(data)

    stage.keep_originals = directly
    rightly(campaign, files)


def records_before_it_keeps(campaign: Campaign, files: list[Incoming]) -> None:
    waiting: dict[str, bytes] = {}
    keep, record = stage.keep_originals, stage._Run._record

    def later(folder: Path, originals: Mapping[str, bytes]) -> None:
        waiting.update(originals)

    def record_first(run: stage._Run) -> None:
        record(run)
        for taken in run.taken:
            received(taken.receipt.sha256)
        keep(campaign.path(ORIGINALS), waiting)
        waiting.clear()

    stage.keep_originals, stage._Run._record = later, record_first  # type: ignore[method-assign]
    ingest(campaign, files)


def rightly(campaign: Campaign, files: list[Incoming]) -> None:
    for taken in ingest(campaign, files).taken:
        received(taken.receipt.sha256)


ORDERS: dict[str, Callable[[Campaign, list[Incoming]], None]] = {
    "": rightly,
    "says-before-the-commit": says_before_the_commit,
    "records-before-it-keeps": records_before_it_keeps,
    "keeps-without-a-temporary-file": keeps_without_a_temporary_file,
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wrong", choices=sorted(ORDERS), default="")
    parser.add_argument("--together", type=int, default=0, help="receipts in one transaction")
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every other file")
    parser.add_argument("--wait", action="store_true", help="begin when a line comes in")
    options = parser.parse_args()
    if options.together:
        stage._TOGETHER = options.together
    if options.wait:
        say("ready")
        sys.stdin.readline()
    try:
        take_in(options)
    except PerfxlError as error:
        sys.stderr.write(str(error))
        sys.exit(2)


def take_in(options: argparse.Namespace) -> None:
    campaign = Campaign(options.folder)
    files, _ = incoming(campaign, [], NOW)
    if options.half is not None:
        files = files[options.half :: 2]
    ORDERS[options.wrong](campaign, files)
    campaign.close()


if __name__ == "__main__":
    main()
