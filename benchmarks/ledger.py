"""Times recording receipts in an SQLite file and on a PostgreSQL server, as an ingest records them.

The server is one of its own on this computer (Debian's package postgresql), with fsync on.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.inputs import REPOSITORY
from perfxl.ledger import Address, Form, Ledger, Receipt, Verdict
from perfxl.ledger.address import mark_of, read_server, schema_for
from perfxl.ledger.moving import move_to_server
from perfxl.stages.ingest import _TOGETHER

NOW = dt.datetime(2024, 1, 26, 10, 0)
KEY = bytes(32)


def receipts(count: int) -> list[tuple[Receipt, dt.datetime]]:
    """So many returns with the time of their verdict."""
    digests = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]
    return [
        (
            Receipt(
                *(digest, Form.RETURN, str(number), f"自评工作簿-{number}.xlsx", f"{digest}.xlsx"),
                *(80_000, NOW, Verdict.VALID),
            ),
            NOW,
        )
        for number, digest in enumerate(digests)
    ]


@contextmanager
def on_server(folder: Path) -> Iterator[Ledger | None]:
    """An empty ledger on a server; None where PostgreSQL is not installed."""
    sys.path.insert(0, str(REPOSITORY / "tests"))
    from postgres_server import PASSWORD, programs, running_server  # noqa: PLC0415

    bin_folder = programs()
    if bin_folder is None:
        yield None
        return
    with running_server(bin_folder) as server, server.database("benchmark") as url:
        path = folder / "empty.db"
        empty = Ledger.at(path)
        empty.setting("stamp_key", KEY.hex())
        empty.close()
        mark = mark_of(KEY)
        address = Address(read_server(url), schema_for("benchmark", mark), mark)
        move_to_server(path, address, PASSWORD, "benchmark", NOW)
        ledger = Ledger.on_server(address, PASSWORD)
        yield ledger
        ledger.close()


def tell(name: str, ledger: Ledger, all_receipts: list[tuple[Receipt, dt.datetime]]) -> None:
    """Record all, read all, and say how long it took."""
    seconds, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    for start in range(0, len(all_receipts), _TOGETHER):
        assert all(ledger.record_receipts(all_receipts[start : start + _TOGETHER]))
    recorded = time.perf_counter()
    assert len(ledger.receipts(Form.RETURN)) == len(all_receipts)
    read = time.perf_counter()
    now = resource.getrusage(resource.RUSAGE_SELF)
    own = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    print(
        f"  {name:12} {recorded - seconds:6.2f} s to record, {read - recorded:5.2f} s to read all; "
        f"{own:5.2f} s of this program's own time, {1000 * own / len(all_receipts):.2f} ms a receipt"
    )


def main() -> None:
    """Print a line for each database."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ledger", description=__doc__)
    parser.add_argument("--receipts", type=int, default=3_500)
    count = parser.parse_args().receipts
    print(f"{count} receipts, {_TOGETHER} to a transaction:")
    with tempfile.TemporaryDirectory() as scratch:
        ledger = Ledger.at(Path(scratch) / "台账.db")
        tell("SQLite", ledger, receipts(count))
        ledger.close()
        with on_server(Path(scratch)) as server:
            if server is None:
                print("  PostgreSQL is not installed here")
            else:
                tell("PostgreSQL", server, receipts(count))


if __name__ == "__main__":
    main()
