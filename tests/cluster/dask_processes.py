"""A Dask scheduler and its workers as processes on this computer, started and surely stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import distributed

_STARTS_WITHIN = 60.0
_POSIX = os.name == "posix"


@dataclass
class Dask:
    """One scheduler and its workers; ``folder`` takes their files, ``own_address`` is Dask's."""

    folder: Path
    scheduler: subprocess.Popen[bytes]
    own_address: str
    environment: Mapping[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where the scheduler is, as an operator names it."""
        return f"dask://{self.own_address.partition('://')[2]}"

    def add_workers(
        self, count: int, environment: Mapping[str, str] | None = None, threads: int = 1
    ) -> list[subprocess.Popen[bytes]]:
        """Start so many worker processes; they come when they are ready."""
        new = [
            _started(
                self.folder,
                *("worker", self.own_address),
                *("--no-nanny", "--nthreads", str(threads), "--host", "127.0.0.1"),
                *("--local-directory", str(self.folder), "--name", str(len(self.workers) + n)),
                environment={**self.environment, **(environment or {})},
            )
            for n in range(count)
        ]
        self.workers += new
        return new

    def await_workers(self, count: int) -> None:
        """Wait until so many are known to the scheduler."""
        with distributed.Client(self.own_address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=_STARTS_WITHIN)

    @property
    def alive(self) -> int:
        """How many workers run."""
        return sum(worker.poll() is None for worker in self.workers)

    def stop(self) -> None:
        """Stop everything that was started."""
        for process in (*self.workers, self.scheduler):
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a process at once, as a power cut would."""
    if process.poll() is None:
        if _POSIX:
            # One that was stopped must be let go on to end.
            process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()


def _started(
    folder: Path, *arguments: str, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with (folder / "dask.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "dask", *arguments, "--no-dashboard"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={**os.environ, **environment},
        )


@contextmanager
def dask_running(
    folder: Path,
    workers: int,
    path: tuple[Path, ...] = (),
    threads: int = 1,
    environment: Mapping[str, str] | None = None,
    protocol: str = "tcp",
) -> Iterator[Dask]:
    """A scheduler with so many workers; ``path`` are folders from which they import."""
    folder.mkdir(parents=True)
    environment = {"PYTHONPATH": os.pathsep.join(map(str, path)), **(environment or {})}
    known = folder / "scheduler.json"
    scheduler = _started(
        folder,
        *("scheduler", "--host", "127.0.0.1", "--port", "0"),
        *("--scheduler-file", str(known), "--protocol", protocol),
        environment=environment,
    )
    try:
        address = _address_in(known, scheduler)
        dask = Dask(folder, scheduler, address, environment)
        try:
            dask.add_workers(workers, threads=threads)
            if workers:
                dask.await_workers(workers)
            yield dask
        finally:
            dask.stop()
    finally:
        kill(scheduler)


def _address_in(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until:
        assert scheduler.poll() is None, "the scheduler ended"
        try:
            return str(json.loads(file.read_text(encoding="utf-8"))["address"])
        except (FileNotFoundError, json.JSONDecodeError):
            time.sleep(0.05)
    raise AssertionError("the scheduler did not start")
