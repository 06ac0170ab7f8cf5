"""The order of calls, from a trace: killing a program cannot show that a flush is missing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness import Call, Stored, calls_in, copied, run_traced

from perfxl.campaign import LEDGER_FILE, ORIGINALS

WAL = f"{LEDGER_FILE}-wal"
FLUSH = {"fsync", "fdatasync"}


def positions(calls: list[Call], names: Iterable[str], path: str) -> list[int]:
    """Where calls of these names come that name this path, or one that begins like it."""
    return [
        number
        for number, call in enumerate(calls)
        if call.name in names and any(one.startswith(path) for one in call.paths)
    ]


def kept_by(calls: list[Call], original: str) -> int:
    """Asserts how one original is kept; returns the position from which on it is safe."""
    partial = f"{ORIGINALS}/.{original}."
    (opened,) = positions(calls, {"openat"}, partial)
    assert "O_EXCL" in calls[opened].arguments
    written = positions(calls, {"write"}, partial)
    (flushed,) = positions(calls, FLUSH, partial)
    (renamed,) = positions(calls, {"rename", "renameat", "renameat2"}, partial)
    assert calls[renamed].paths[1] == f"{ORIGINALS}/{original}"
    folder = min(
        number
        for number, call in enumerate(calls)
        if number > renamed and call.name in FLUSH and call.paths == (ORIGINALS,)
    )
    assert opened < written[0] <= written[-1] < flushed < renamed < folder
    # Nothing else ever writes under the final name.
    assert positions(calls, {"openat", "write"}, f"{ORIGINALS}/{original}") == []
    return folder


def said(calls: list[Call]) -> list[int]:
    """Where the job writes what it says."""
    return [number for number, call in enumerate(calls) if call.arguments.startswith("1<pipe")]


def transactions(calls: list[Call]) -> list[tuple[int, int]]:
    """Where the writing of the ledger's log begins, and where what was written is flushed."""
    written = positions(calls, {"pwrite64", "write"}, WAL)
    flushed = positions(calls, FLUSH, WAL)
    found = []
    while written:
        flush = min(number for number in flushed if number > written[0])
        found.append((written[0], flush))
        written = [number for number in written if number > flush]
    # A new log begins with a header, which is flushed by itself.
    return found[1:]


def test_original_first_then_the_ledger_then_the_word(
    calls: list[Call], undisturbed: Stored
) -> None:
    safe = [kept_by(calls, original) for original in undisturbed.originals]
    ((begun, committed),) = transactions(calls)
    assert len(safe) == len(said(calls)) == 31
    assert max(safe) < begun < committed < min(said(calls))


def test_each_transaction_comes_after_its_own_originals(
    strace: None, waiting: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    """With 8 receipts to a transaction: 8, 16, 24 and 31 originals are safe before the four."""
    with copied(waiting, tmp_path, "campaign") as folder:
        assert run_traced(folder, tmp_path / "trace", "--together", "8").returncode == 0
        calls = calls_in(tmp_path / "trace", folder)
    safe = [kept_by(calls, original) for original in undisturbed.originals]
    begun = [begin for begin, _ in transactions(calls)]
    for begin, received in zip(begun, (8, 16, 24, 31), strict=True):
        assert sum(position < begin for position in safe) >= received
    assert min(said(calls)) > transactions(calls)[-1][1]
