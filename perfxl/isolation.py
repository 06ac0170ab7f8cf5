"""Runs functions on untrusted bytes in a kept process of its own, with limits of memory and time.

Readers of office files hang, exhaust memory and abort the whole process on some inputs; behind
this door they take only a worker with them. The worker is started once and replaced when it dies.
What it sends back is plain data: nothing that comes from a returned file is executed here.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import importlib
import io
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import IO, Any, TypeVar

from perfxl.errors import Fault, Unreadable

MiB = 1 << 20
MEMORY_LIMIT = 768 * MiB
# A file has this long in all, whatever is tried on it; starting the worker does not count.
SECONDS = 4.0
START_SECONDS = 60.0

Item = TypeVar("Item")
Result = TypeVar("Result")

_LENGTH = struct.Struct("<Q")
_READY = "ready"
_HAS_GROUPS = os.name == "posix"


class WorkerDied(Unreadable):
    """The worker was lost over this input: it aborted, or was stopped at a limit."""


class Worker:
    """One kept process; ``call`` may be used from one thread at a time."""

    def __init__(self, memory_limit: int = MEMORY_LIMIT) -> None:
        self._memory_limit = memory_limit
        self._process: subprocess.Popen[bytes] | None = None
        self._ready = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to start the process, so that it is ready when the first call comes."""
        if self._process is None or self._process.poll() is not None:
            self._discard()
            self._process = subprocess.Popen(
                # -P: never import from the folder that the operator happens to stand in.
                [sys.executable, "-P", "-m", "perfxl.isolation", str(self._memory_limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                # A program that the worker started (to open a .rar) is stopped with it.
                start_new_session=_HAS_GROUPS,
            )
            self._ready = False

    def call(self, function: str, *arguments: object, seconds: float = SECONDS) -> Any:
        """The result of ``module:function`` in the worker.

        Raises Unreadable as the function raised it; WorkerDied where it took too long, too much
        memory, or the process with it.
        """
        with self._lock:
            self.start()
            process = self._process
            assert process is not None and process.stdin is not None and process.stdout is not None
            if not self._ready:
                self._await_ready(process)
            started = time.monotonic()
            stop = threading.Timer(seconds, _stop, [process])
            stop.start()
            try:
                _send(process.stdin, pickle.dumps((function, arguments), protocol=5))
                answer = _received(process.stdout)
            except (EOFError, OSError) as error:
                self._discard()
                if time.monotonic() - started >= seconds:
                    raise WorkerDied(
                        f"读取超过 {seconds:g} 秒，已停止",
                        remedy="请用下发的工作簿重新填报，不要粘贴大量内容",
                        fault=Fault.TOO_LARGE,
                    ) from error
                raise WorkerDied(
                    "内容异常，读取程序无法处理", remedy="请用 Excel 或 WPS 另存后重新报送"
                ) from error
            finally:
                stop.cancel()
        kind, *rest = answer
        if kind == "unreadable":
            what, remedy, fault = rest
            raise Unreadable(what, remedy=remedy, fault=Fault(fault))
        if kind == "memory":
            self._discard()
            raise WorkerDied(
                "读取时占用内存超过限额，已停止",
                remedy="请用下发的工作簿重新填报，不要粘贴大量内容",
                fault=Fault.TOO_LARGE,
            )
        if kind == "error":
            raise Unreadable(
                f"内容异常，无法读取（{rest[0]}）", remedy="请用 Excel 或 WPS 另存后重新报送"
            )
        return rest[0]

    def close(self) -> None:
        """Stop the process."""
        with self._lock:
            self._discard()

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        stop = threading.Timer(START_SECONDS, _stop, [process])
        stop.start()
        try:
            self._ready = _received(process.stdout) == _READY
        except (EOFError, OSError) as error:
            self._discard()
            raise RuntimeError("the reading process does not start") from error
        finally:
            stop.cancel()

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        _stop(process)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    if _HAS_GROUPS:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


class _Plain(pickle.Unpickler):
    """Unpickles numbers, texts, containers and dates, and refuses everything else."""

    _ALLOWED = frozenset({"date", "datetime", "time", "timedelta"})

    def find_class(self, module: str, name: str) -> Any:
        if module == "datetime" and name in self._ALLOWED:
            return getattr(dt, name)
        raise pickle.UnpicklingError(f"{module}.{name}")


def _send(stream: IO[bytes], message: bytes) -> None:
    stream.write(_LENGTH.pack(len(message)))
    stream.write(message)
    stream.flush()


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise EOFError
    return data


def _received(stream: IO[bytes]) -> Any:
    (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    return _Plain(io.BytesIO(_exactly(stream, size))).load()


_kept: Worker | None = None
_kept_lock = threading.Lock()


def kept_worker() -> Worker:
    """The process that this program keeps for reading; it ends with the program."""
    global _kept  # noqa: PLW0603 - one per program, made when first wanted
    with _kept_lock:
        if _kept is None:
            _kept = Worker()
            atexit.register(_kept.close)
        return _kept


def ahead(
    work: Callable[[Item], Result], items: Iterable[Item], most: int = 8
) -> Iterator[tuple[Item, Result]]:
    """Each item with what ``work`` makes of it, in order, computed ahead of the caller.

    The work is done on one other thread, which mostly waits for the worker; meanwhile the caller
    goes on with its own.
    """
    remaining = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="perfxl-reading") as thread:
        while True:
            for item in islice(remaining, most - len(waiting)):
                waiting.append((item, thread.submit(work, item)))
            if not waiting:
                return
            item, result = waiting.popleft()
            yield item, result.result()


def _limit_memory(limit: int) -> None:
    # Windows has no such limit; there the guard and the time limit stand alone.
    with contextlib.suppress(ImportError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(function: str, arguments: tuple[object, ...]) -> tuple[object, ...]:
    module, _, name = function.partition(":")
    try:
        return ("value", getattr(importlib.import_module(module), name)(*arguments))
    except Unreadable as error:
        return ("unreadable", error.what, error.remedy, str(error.fault))
    except MemoryError:
        return ("memory",)
    except Exception as error:
        return ("error", type(error).__name__)
    except BaseException as error:
        # A panic in Rust code arrives as a BaseException of its own class.
        if type(error).__name__ == "PanicException":
            return ("error", "panic")
        raise


def _serve() -> None:
    """The worker: answers calls from standard input until that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    calls = sys.stdin.buffer
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - not on every system

        msvcrt.setmode(answers.fileno(), os.O_BINARY)
    # A library that prints must not write among the answers.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    _limit_memory(int(sys.argv[1]))
    _send(answers, pickle.dumps(_READY))
    while True:
        head = calls.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return
        # The caller is our own parent; what it asks for is trusted, the bytes it hands over not.
        function, arguments = pickle.loads(_exactly(calls, _LENGTH.unpack(head)[0]))
        try:
            message = pickle.dumps(_answer(function, arguments), protocol=5)
        except MemoryError:
            message = pickle.dumps(("memory",))
        _send(answers, message)


if __name__ == "__main__":
    _serve()
