"""Kills an ingest, runs it again as an office would, and tells what was lost or done twice."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import INBOX, LEDGER_FILE, ORIGINALS
from perfxl.files import is_litter

JOB = Path(__file__).with_name("ingest_job.py")
AT_ONCE = 2

# Every call by which a program changes what is on disk. strace ignores names marked with "?" on a
# machine that has no such call.
STATE_CHANGING = (
    "openat", "write", "writev", "pwrite64", "pwritev", "pwritev2", "fsync", "fdatasync",
    "sync_file_range", "ftruncate", "fallocate", "renameat", "renameat2", "unlinkat", "mkdirat",
    "linkat", "symlinkat", "fchmod", "fchmodat", "fchown", "fchownat", "copy_file_range",
    "sendfile", "?open", "?creat", "truncate", "?rename", "?unlink", "?mkdir", "?rmdir", "?link",
    "?symlink", "?chmod", "?chown",
)  # fmt: skip
_OPENS = {"openat", "open"}
# Name and arguments; what the call returned does not matter.
_CALL = re.compile(r"(\w+)\((.*?)(?:\)\s+= .*)?")
_RANDOM_PART = re.compile(r"\.[0-9a-f]{8}\.part")


@dataclass(frozen=True)
class Call:
    """One call in a trace: the ``ordinal``-th of its name.

    ``paths`` are those inside the campaign folder that it names, from the folder on.
    """

    name: str
    ordinal: int
    arguments: str
    paths: tuple[str, ...]

    @property
    def what(self) -> str:
        """The same for the same step of two runs."""
        return " ".join([self.name, *(_RANDOM_PART.sub(".*.part", path) for path in self.paths)])


@dataclass(frozen=True)
class Outcome:
    """What a run that was killed, and the plain one after it, led to.

    ``steps`` are the calls like the last that the killed one came to on the campaign folder, where
    it was traced.
    """

    killed: bool
    losses: list[str]
    steps: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stored:
    """All that a campaign holds: the ledger's rows without their running numbers, the originals."""

    rows: dict[str, list[str]]
    originals: dict[str, str]


def environment() -> dict[str, str]:
    """The same calls in each run: no compiled files are written."""
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}


def command(folder: Path, *options: str) -> list[str]:
    return [sys.executable, "-P", str(JOB), str(folder), *options]


def run_plainly(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The job, undisturbed."""
    done = subprocess.run(
        command(folder, *options),
        env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done


def run_traced(
    folder: Path, trace: Path, *options: str, kill_at: Call | None = None
) -> subprocess.CompletedProcess[str]:
    """The job under strace, which follows its main thread only: there alone it changes state."""
    calls, inject = f"trace={','.join(STATE_CHANGING)}", []
    if kill_at:
        # The others need not be looked at, which is quicker.
        calls = f"trace={kill_at.name}"
        inject = ["-e", f"inject={kill_at.name}:signal=SIGKILL:when={kill_at.ordinal}"]
    return subprocess.run(
        ["strace", "-y", "-s", "0", "-o", trace, "-e", calls, *inject, *command(folder, *options)],
        env=environment(), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def calls_in(trace: Path, folder: Path) -> list[Call]:
    """Every call of a trace, in order; one that only opens to read is none."""
    inside = re.compile(rf'[<"]{re.escape(str(folder))}/?([^>"]*)[>"]')
    counted: Counter[str] = Counter()
    calls = []
    for line in trace.read_text(encoding="ascii").splitlines():
        found = _CALL.fullmatch(line)
        if found:
            name = found[1]
            counted[name] += 1
            arguments = found[2].encode().decode("unicode_escape").encode("latin-1").decode()
            if name not in _OPENS or re.search("O_CREAT|O_TRUNC", arguments):
                paths = tuple(inside.findall(arguments))
                calls.append(Call(name, counted[name], arguments, paths))
    return calls


def steps_of(calls: list[Call]) -> tuple[str, ...]:
    """The calls on the campaign folder, each with how often the like came before."""
    counted: Counter[str] = Counter()
    steps = []
    for call in calls:
        if call.paths:
            counted[call.what] += 1
            steps.append(f"{call.what} #{counted[call.what]}")
    return tuple(steps)


def said_in(output: str) -> set[str]:
    """The hashes that a job said were received."""
    return {line.split()[1] for line in output.splitlines() if line.startswith("received ")}


@contextmanager
def copied(base: Path, parent: Path, name: str) -> Iterator[Path]:
    """A campaign of its own, gone afterwards."""
    folder = parent / name
    shutil.copytree(base, folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def stored_in(folder: Path) -> Stored:
    """Read without perfxl's own ledger, which might hide what is wrong."""
    with closing(sqlite3.connect(folder / LEDGER_FILE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        tables = [
            str(name)
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        rows = {}
        for table in tables:
            cursor = connection.execute(f"SELECT * FROM {table}")
            columns = [column[0] for column in cursor.description]
            rows[table] = sorted(
                repr({c: v for c, v in zip(columns, row, strict=True) if c != "id"})
                for row in cursor
            )
    originals = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / ORIGINALS).iterdir()
        if not is_litter(path)
    }
    return Stored(rows, originals)


def losses_in(folder: Path, expected: Stored) -> list[str]:
    """Whatever differs from an undisturbed run: lost, doubled, or not what its name says."""
    found = stored_in(folder)
    losses = [
        f"other bytes in {name}"
        for name, digest in found.originals.items()
        if Path(name).stem != digest
    ]
    losses += [f"no {name}" for name in expected.originals.keys() - found.originals.keys()]
    losses += [f"stray {name}" for name in found.originals.keys() - expected.originals.keys()]
    for table in expected.rows.keys() | found.rows.keys():
        before, after = Counter(expected.rows.get(table)), Counter(found.rows.get(table))
        losses += [f"lost from {table}: {row}" for row in (before - after).elements()]
        losses += [f"too much in {table}: {row}" for row in (after - before).elements()]
    return losses


def clear_away(folder: Path, said: set[str]) -> None:
    """Delete from 收件/ what was said to be received: nobody needs to keep that."""
    for path in (folder / INBOX).iterdir():
        if hashlib.sha256(path.read_bytes()).hexdigest() in said:
            path.unlink()


def kill_at_call(
    base: Path, expected: Stored, parent: Path, number: int, call: Call, *options: str
) -> Outcome:
    """Kill the job when it enters a call, run it again plainly, and look."""
    with copied(base, parent, f"call-{number}") as folder:
        trace = parent / f"call-{number}.trace"
        done = run_traced(folder, trace, *options, kill_at=call)
        steps = steps_of(calls_in(trace, folder))
        trace.unlink()
        clear_away(folder, said_in(done.stdout))
        run_plainly(folder, *options)
        return Outcome(done.returncode == -9, losses_in(folder, expected), steps)


def kill_after(
    base: Path, expected: Stored, parent: Path, number: int, seconds: float, *options: str
) -> Outcome:
    """Kill the job so long after it began, run it again plainly, and look."""
    with copied(base, parent, f"moment-{number}") as folder:
        with started(folder, *options) as job:
            begin(job)
            try:
                job.wait(seconds)
            except subprocess.TimeoutExpired:
                job.kill()
            said, _ = job.communicate()
        clear_away(folder, said_in(said))
        run_plainly(folder, *options)
        return Outcome(job.returncode == -9, losses_in(folder, expected))


@contextmanager
def started(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """The job, loaded and waiting for ``begin``."""
    with subprocess.Popen(
        command(folder, "--wait", *options),
        env=environment(), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as job:  # fmt: skip
        assert job.stdout is not None
        assert job.stdout.readline() == "ready\n"
        yield job


def begin(job: subprocess.Popen[str]) -> None:
    """Let a waiting job go."""
    assert job.stdin is not None
    job.stdin.write("\n")
    job.stdin.flush()


def pool() -> ThreadPoolExecutor:
    """As many runs at a time as a small machine bears."""
    return ThreadPoolExecutor(AT_ONCE)
