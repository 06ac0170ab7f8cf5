"""Who reads for the program: processes of this computer, or whoever was chosen."""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import queue
import threading
from typing import Any, Protocol

from perfxl.errors import Unreadable
from perfxl.isolation.messages import SECONDS, NotPlainError, unpickled
from perfxl.isolation.worker import Worker, outcome_of, strange

# Files that are read at the same time; an office's computer has two processors at least. The
# program's own share of the work leaves more than four with nothing to do.
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 2, 4
# Where nobody said how many files there are, a further process starts after this many calls for each
# that runs; where it is known beforehand, there are so many files for each.
_PAYS_FROM, _FILES_FOR_EACH = 8, 16


class Service(Protocol):
    """Reads for the program; any thread may call."""

    @property
    def at_once(self) -> int:
        """How many calls it answers at the same time."""

    def start(self, files: int = 1) -> None:
        """Get ready to read so many files, without waiting for it."""

    def call(
        self, function: str, *arguments: object, seconds: float = SECONDS, second: str = ""
    ) -> Any:
        """As ``Worker.call``."""

    def close(self) -> None:
        """Let go of everything."""


class Workers:
    """A few kept processes behind one ``call``; a further one starts when all others are busy.

    ``pays_from`` is how many calls each of those that run must have had before that.
    """

    def __init__(self, most: int, pays_from: int = 0) -> None:
        self._idle: queue.LifoQueue[Worker] = queue.LifoQueue()
        self._all: list[Worker] = []
        self._most, self._pays_from = most, pays_from
        self._calls = 0
        self._lock = threading.Lock()

    @property
    def at_once(self) -> int:
        """How many processes there may be."""
        return self._most

    def start(self, files: int = 1) -> None:
        """Begin to start processes for so many files, so that they are ready when calls come."""
        with self._lock:
            wanted = min(self._most, 1 + files // _FILES_FOR_EACH)
            fresh = [Worker() for _ in range(wanted - len(self._all))]
            self._all += fresh
        for worker in fresh:
            worker.start()
            self._idle.put(worker)

    def call(
        self, function: str, *arguments: object, seconds: float = SECONDS, second: str = ""
    ) -> Any:
        """As ``Worker.call``, in a process that is free."""
        worker = self._taken()
        try:
            return worker.call(function, *arguments, seconds=seconds, second=second)
        finally:
            self._idle.put(worker)

    def close(self) -> None:
        """Stop the processes."""
        for worker in self._all:
            worker.close()

    def allow(self, most: int) -> None:
        """Let there be so many from now on, each started when it is first wanted."""
        with self._lock:
            self._most, self._pays_from = most, 0

    @property
    def processes(self) -> list[int]:
        """The identifiers of those that run."""
        return [worker.process for worker in self._all if worker.process]

    def _taken(self) -> Worker:
        with self._lock:
            self._calls += 1
            with contextlib.suppress(queue.Empty):
                return self._idle.get_nowait()
            running = len(self._all)
            if not running or (running < self._most and self._calls > running * self._pays_from):
                self._all.append(Worker())
                return self._all[-1]
        return self._idle.get()


_own: Workers | None = None
_chosen: Service | None = None
_kept_lock = threading.Lock()


def own_workers() -> Workers:
    """The processes that this program keeps on this computer; they end with the program.

    How many is left to the processors that there are and to how much there is to read, until
    ``allow`` is called.
    """
    global _own  # noqa: PLW0603 - one per program, made when first wanted
    with _kept_lock:
        if _own is None:
            most = max(_FEWEST_AT_ONCE, min(_MOST_AT_ONCE, os.cpu_count() or 1))
            _own = Workers(most, _PAYS_FROM)
            atexit.register(_own.close)
        return _own


def kept_workers() -> Service:
    """Whoever reads for this program."""
    return _chosen or own_workers()


def read_through(service: Service | None) -> None:
    """Let this service read from now on; None is this program's own processes."""
    global _chosen  # noqa: PLW0603 - one per program
    _chosen = service


def packed_answer(
    function: str, arguments: tuple[object, ...], seconds: float, second: str, at_once: int
) -> bytes:
    """What ``Worker.call`` gives, made here for a program elsewhere; ``unpacked_answer`` opens it.

    Raises NoReadingProcess.
    """
    workers = own_workers()
    workers.allow(at_once)
    try:
        value = workers.call(function, *arguments, seconds=seconds, second=second)
    except Unreadable as error:
        return pickle.dumps(("unreadable", error.what, error.remedy, str(error.fault)))
    return pickle.dumps(("value", value), protocol=5)


def unpacked_answer(message: bytes) -> Any:
    """The value in an answer from elsewhere; it need not be trusted. Raises Unreadable."""
    try:
        outcome = outcome_of(unpickled(message))
    except NotPlainError as error:
        raise strange() from error
    if isinstance(outcome, Unreadable):
        raise outcome
    return outcome[0]
