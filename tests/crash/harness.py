"""Kills an ingest, runs it again as an office would, and tells what was lost or done twice."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import random
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from postgres_server import PASSWORD

from perfxl.campaign import INBOX, LEDGER_ADDRESS_FILE, LEDGER_FILE, ORIGINALS
from perfxl.files import is_litter
from perfxl.ledger import Address
from perfxl.ledger.address import PASSWORD_VARIABLE, read_address

JOB = Path(__file__).with_name("ingest_job.py")
AT_ONCE = 2

# Every call by which a program changes what is on disk or at a server. strace ignores names marked
# with "?" on a machine that has no such call.
STATE_CHANGING = (
    "openat", "write", "writev", "pwrite64", "pwritev", "pwritev2", "fsync", "fdatasync",
    "sync_file_range", "ftruncate", "fallocate", "renameat", "renameat2", "unlinkat", "mkdirat",
    "linkat", "symlinkat", "fchmod", "fchmodat", "fchown", "fchownat", "copy_file_range",
    "sendfile", "sendto", "?open", "?creat", "truncate", "?rename", "?unlink", "?mkdir", "?rmdir", "?link",
    "?symlink", "?chmod", "?chown",
)  # fmt: skip
_OPENS = {"openat", "open"}
# Name and arguments; what the call returned does not matter.
_CALL = re.compile(r"(\w+)\((.*?)(?:\)\s+= .*)?")
HALVES = [("--half", "0"), ("--half", "1")]
WHOLES: list[tuple[str, ...]] = [(), ()]
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
    return {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        PASSWORD_VARIABLE: PASSWORD,
    }


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
    """A campaign of its own, gone afterwards; where the ledger is on a server, that too."""
    folder = parent / name
    shutil.copytree(base, folder)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        path = folder / LEDGER_ADDRESS_FILE
        if path.exists():
            text, like = path.read_text(encoding="utf-8-sig"), address_in(base).server.database
            own = f"copy_{secrets.token_hex(6)}"
            with server_of(base) as server:
                server.execute(f"CREATE DATABASE {own} TEMPLATE {like}".encode())
            stack.callback(drop_database, base, own)
            path.write_text(text.replace(f"/{like}\n", f"/{own}\n"), encoding="utf-8")
        yield folder


def address_in(folder: Path) -> Address:
    """Where the ledger of a campaign is."""
    return read_address((folder / LEDGER_ADDRESS_FILE).read_text(encoding="utf-8-sig"))


@contextmanager
def server_of(folder: Path, database: str = "postgres") -> Iterator[psycopg.Connection[Any]]:
    """A connection to a campaign's server that has nothing to do with perfxl."""
    server = address_in(folder).server
    with closing(
        psycopg.connect(
            host=server.host, port=server.port, user=server.user, password=PASSWORD,
            dbname=database, autocommit=True,
        )
    ) as connection:  # fmt: skip
        yield connection


def drop_database(folder: Path, name: str) -> None:
    with server_of(folder) as server:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def stored_in(folder: Path) -> Stored:
    """Read without perfxl's own ledger, which might hide what is wrong."""
    on_server = (folder / LEDGER_ADDRESS_FILE).exists()
    found = rows_on_server(folder) if on_server else rows_in_file(folder)
    # Whose it is, a ledger on a server says besides.
    found["settings"] = [row for row in found["settings"] if row["name"] != "campaign_code"]
    rows = {
        table: sorted(
            repr({name: value for name, value in row.items() if name != "id"}) for row in each
        )
        for table, each in found.items()
    }
    originals = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (folder / ORIGINALS).iterdir()
        if not is_litter(path)
    }
    return Stored(rows, originals)


def rows_in_file(folder: Path) -> dict[str, list[dict[str, object]]]:
    with closing(sqlite3.connect(folder / LEDGER_FILE)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.row_factory = sqlite3.Row
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {
            str(name): [dict(row) for row in connection.execute(f"SELECT * FROM {name}")]
            for (name,) in tables.fetchall()
        }


def rows_on_server(folder: Path) -> dict[str, list[dict[str, object]]]:
    """As SQLite would have them."""
    address = address_in(folder)
    with server_of(folder, address.server.database) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s",
            [address.schema],
        )
        cursor = connection.cursor(row_factory=psycopg.rows.dict_row)
        found = {
            str(name): cursor.execute(
                f'SELECT * FROM "{address.schema}"."{name}"'.encode()
            ).fetchall()
            for (name,) in tables.fetchall()
        }
    return {
        table: [{name: as_in_a_file(value) for name, value in row.items()} for row in rows]
        for table, rows in found.items()
    }


def as_in_a_file(value: object) -> object:
    if isinstance(value, dt.datetime):
        return f"{value:%Y-%m-%d %H:%M:%S.%f}"
    return int(value) if isinstance(value, bool) else value


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


def spread(calls: list[Call], most: int) -> list[Call]:
    """So many of the calls, the first and the last among them."""
    step = (len(calls) - 1) / (most - 1)
    return [calls[round(number * step)] for number in range(most)]


def kill_at_each(
    base: Path, expected: Stored, parent: Path, points: list[Call], *options: str
) -> list[Outcome]:
    with pool() as runs:
        return list(
            runs.map(
                lambda point: kill_at_call(base, expected, parent, *point, *options),
                enumerate(points),
            )
        )


def assert_nothing_is_lost(outcomes: list[Outcome]) -> None:
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    assert all(outcome.killed for outcome in outcomes)


def moments(base: Path, parent: Path, how_many: int, seed: int) -> list[float]:
    """Delays spread evenly over the time that the job takes here, each at random in its share."""
    with copied(base, parent, "timed") as folder, started(folder) as job:
        before = time.monotonic()
        begin(job)
        job.communicate()
        lasts = time.monotonic() - before
    draw = random.Random(seed)
    return [lasts * (number + draw.random()) / how_many for number in range(how_many)]


def kill_at_moments(
    base: Path, expected: Stored, parent: Path, delays: list[float]
) -> list[Outcome]:
    with pool() as runs:
        return list(
            runs.map(lambda delay: kill_after(base, expected, parent, *delay), enumerate(delays))
        )


def on_the_campaign(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.paths]


def both(folder: Path, options: list[tuple[str, ...]]) -> list[str]:
    """Runs ingests at the same time, to the end; returns what they said."""
    with ExitStack() as stack:
        jobs = [stack.enter_context(started(folder, *each)) for each in options]
        for job in jobs:
            begin(job)
        outputs = [job.communicate(timeout=120) for job in jobs]
        assert [(job.returncode, error) for job, (_, error) in zip(jobs, outputs, strict=True)] == [
            (0, "")
        ] * len(options)
        return [output for output, _ in outputs]


def two_at_once(base: Path, expected: Stored, parent: Path, options: list[tuple[str, ...]]) -> None:
    with copied(base, parent, "campaign") as folder:
        said = [said_in(output) for output in both(folder, options)]
        assert set().union(*said) == set(expected.originals.values())
        assert losses_in(folder, expected) == []


def one_of_two_killed(base: Path, expected: Stored, parent: Path, seconds: float) -> None:
    with copied(base, parent, "campaign") as folder:
        with started(folder, "--together", "8") as doomed, started(folder) as other:
            begin(doomed)
            begin(other)
            try:
                doomed.wait(seconds)
            except subprocess.TimeoutExpired:
                doomed.kill()
            said, _ = doomed.communicate()
            output, error = other.communicate(timeout=120)
            assert (other.returncode, error) == (0, "")
        # The other one took everything in whatever became of the first.
        assert losses_in(folder, expected) == []
        clear_away(folder, said_in(said) | said_in(output))
        run_plainly(folder)
        assert losses_in(folder, expected) == []
