"""Runs functions on untrusted bytes in a kept process of its own, with limits of memory and time.

Readers of office files hang, exhaust memory and abort the whole process on some inputs; behind
this door they take only a worker with them. The worker is started once and replaced when it dies.
What it sends back is plain data: nothing that comes from a returned file is executed here.

Who reads for the program is one ``Service``: processes of this computer unless ``read_through``
says otherwise. Wherever it is, a file is read in a ``Worker``, within the same limits.
"""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import faulthandler
import gc
import importlib
import io
import os
import pickle
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, Protocol, TypeVar

from perfxl.errors import Fault, NoReadingProcess, Unreadable

MiB = 1 << 20
MEMORY_LIMIT = 768 * MiB
# A file has this long in all, whatever is tried on it; starting the worker does not count.
SECONDS = 4.0
START_SECONDS = 60.0
# Under this much time left, a second attempt is not begun.
_LEAST_SECONDS = 0.2
_LOOKS_EVERY = 0.05
# Files that are read at the same time; an office's computer has two processors at least. The
# program's own share of the work leaves more than four with nothing to do.
_FEWEST_AT_ONCE, _MOST_AT_ONCE = 2, 4
# A further process takes as long to start as this many files to read; where it is known beforehand
# how many there are, there are so many for each.
_PAYS_FROM, _FILES_FOR_EACH = 8, 16
# What is read ahead of the caller: so many for each that is being read, and bytes in all.
_AHEAD, _BYTES_AHEAD = 4, 256 * MiB

Item = TypeVar("Item")
Result = TypeVar("Result")

# What a worker imports while nothing is asked of it yet.
_WANTED_FIRST = "perfxl.excel.parsing"

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
        self._ready_at = 0.0
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

    def call(
        self, function: str, *arguments: object, seconds: float = SECONDS, second: str = ""
    ) -> Any:
        """The result of ``module:function`` in the worker.

        Where the worker dies over it, it is tried once more in a fresh one in the time that is
        left: by the function ``second``, or as it was unless a limit was what stopped it. Raises
        Unreadable as the function raised it; WorkerDied where it took too long, too much memory,
        or the process with it.
        """
        started = time.monotonic()
        try:
            return self._call_once(function, arguments, seconds, seconds)
        except WorkerDied as died:
            left = seconds - max(0.0, time.monotonic() - max(started, self._ready_at))
            if left < _LEAST_SECONDS or not (second or died.fault is Fault.UNREADABLE):
                raise
            return self._call_once(second or function, arguments, left, seconds)

    def _call_once(
        self, function: str, arguments: tuple[object, ...], seconds: float, told: float
    ) -> Any:
        """``told`` is the limit that an operator hears of."""
        with self._lock:
            self.start()
            process = self._process
            assert process is not None and process.stdin is not None and process.stdout is not None
            if not self._ready:
                self._await_ready(process)
            limit = _Limit(process, seconds)
            try:
                message = pickle.dumps((function, arguments, seconds), protocol=5)
                _send(process.stdin, message)
                outcome = _outcome(_received(process.stdout))
            except (EOFError, OSError, _NotPlainError) as error:
                limit.lift()
                self._discard()
                raise (_too_long(told) if limit.struck else _strange()) from error
            except BaseException:
                # Interrupted in the middle: the answer to this must not reach the next caller.
                limit.lift()
                self._discard()
                raise
            limit.lift()
            # An answer may have come in the very moment in which the time was up.
            if limit.struck or isinstance(outcome, WorkerDied):
                self._discard()
        if isinstance(outcome, Unreadable):
            raise outcome
        return outcome[0]

    def close(self) -> None:
        """Stop the process."""
        with self._lock:
            self._discard()

    @property
    def process(self) -> int | None:
        """The identifier of the process, None where none runs."""
        running = self._process
        return None if running is None else running.pid

    def _await_ready(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        limit = _Limit(process, START_SECONDS)
        try:
            self._ready = _received(process.stdout) == _READY
            self._ready_at = time.monotonic()
        except (EOFError, OSError, _NotPlainError) as error:
            raise NoReadingProcess(
                "读取文件的进程没有启动",
                remedy="请确认当前文件夹还在、安全软件没有拦截 Python，再试一次；仍不行请重新安装 perfxl",
            ) from error
        finally:
            limit.lift()
            if not self._ready:
                self._discard()

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


class _Limit:
    """Stops a process when its time is up; ``struck`` says that it was."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.struck = False
        self.until = time.monotonic() + seconds
        self._process = process
        _watch.add(self)

    def strike(self) -> None:
        """Stop the process."""
        self.struck = True
        _stop(self._process)

    def lift(self) -> None:
        """From here on the process is not stopped."""
        _watch.remove(self)


class _Watch:
    """Looks every so often which limits are over.

    One thread for all of them: a timer for each would start a thread for every file that is read.
    """

    def __init__(self) -> None:
        self._limits: set[_Limit] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, limit: _Limit) -> None:
        with self._lock:
            self._limits.add(limit)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()

    def remove(self, limit: _Limit) -> None:
        with self._lock:
            self._limits.discard(limit)

    def _look(self) -> None:
        while True:
            time.sleep(_LOOKS_EVERY)
            now = time.monotonic()
            with self._lock:
                for limit in [one for one in self._limits if one.until <= now]:
                    self._limits.discard(limit)
                    limit.strike()


_watch = _Watch()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it started, which may outlive it."""
    if _HAS_GROUPS:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()


def _too_long(seconds: float) -> WorkerDied:
    return WorkerDied(
        f"读取超过 {seconds:g} 秒，已停止",
        remedy="请用下发的工作簿重新填报，不要粘贴大量内容",
        fault=Fault.TOO_LARGE,
    )


def _strange() -> WorkerDied:
    return WorkerDied("内容异常，读取程序无法处理", remedy="请用 Excel 或 WPS 另存后重新报送")


def _outcome(answer: object) -> tuple[Any] | Unreadable:
    """What an answer says: the value alone in a tuple, or the mistake. Raises _NotPlainError."""
    match answer:
        case ("value", value):
            return (value,)
        case ("unreadable", str(what), str(remedy), str(fault)) if fault in list(Fault):
            return Unreadable(what, remedy=remedy, fault=Fault(fault))
        case ("error", str(name)):
            return Unreadable(
                f"内容异常，无法读取（{name}）", remedy="请用 Excel 或 WPS 另存后重新报送"
            )
        case ("memory",):
            return WorkerDied(
                "读取时占用内存超过限额，已停止",
                remedy="请用下发的工作簿重新填报，不要粘贴大量内容",
                fault=Fault.TOO_LARGE,
            )
    raise _NotPlainError


class _NotPlainError(Exception):
    """An answer is not what a worker sends that does what it was written to do."""


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


def _received(stream: IO[bytes]) -> object:
    (size,) = _LENGTH.unpack(_exactly(stream, _LENGTH.size))
    if size > MEMORY_LIMIT:
        raise _NotPlainError
    return _unpickled(_exactly(stream, size))


def _unpickled(message: bytes) -> object:
    try:
        return _Plain(io.BytesIO(message)).load()
    except Exception as error:
        # What damaged pickles raise is whatever there is.
        raise _NotPlainError from error


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
        outcome = _outcome(_unpickled(message))
    except _NotPlainError as error:
        raise _strange() from error
    if isinstance(outcome, Unreadable):
        raise outcome
    return outcome[0]


def ahead(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    most: int = 0,
    size: Callable[[Item], int] = lambda _: 0,
) -> Iterator[tuple[Item, Result]]:
    """Each item with what ``work`` makes of it, in order, computed ahead of the caller.

    The work is done on other threads, which mostly wait for the workers; meanwhile the caller goes
    on with its own. No more than ``most`` items wait (0: as many as keep the workers busy), and,
    where ``size`` tells the bytes of one, no more than fit in memory.
    """
    at_once = kept_workers().at_once
    most = most or at_once * _AHEAD
    remaining = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    held = 0
    failure: Exception | None = None
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="perfxl-reading")
    try:
        while True:
            try:
                while failure is None and len(waiting) < most and held < _BYTES_AHEAD:
                    item = next(remaining)
                    held += size(item)
                    waiting.append((item, threads.submit(work, item)))
            except StopIteration:
                pass
            except Exception as error:
                # What came before it is finished first.
                failure = error
            if not waiting:
                break
            item, result = waiting.popleft()
            yield item, result.result()
            held -= size(item)
    finally:
        threads.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def _limit_memory(limit: int) -> None:
    # Windows has no such limit, and macOS does not keep to it; there the guard and the time limit
    # stand alone.
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            limit = min(limit, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


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
    # A library that prints, or a program that asks, must not come between calls and answers.
    calls = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415 - not on every system

        for stream in (calls, answers):
            msvcrt.setmode(stream.fileno(), os.O_BINARY)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, sys.stdin.fileno())
    os.dup2(nothing, sys.stdout.fileno())
    _limit_memory(int(sys.argv[1]))
    _send(answers, pickle.dumps(_READY))
    # Where it cannot be imported, the first call says so.
    with contextlib.suppress(ImportError):
        importlib.import_module(_WANTED_FIRST)
    has_answered = False
    while True:
        head = calls.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return
        # The caller is our own parent; what it asks for is trusted, the bytes it hands over not.
        function, arguments, seconds = pickle.loads(_exactly(calls, _LENGTH.unpack(head)[0]))
        # Where the parent was killed meanwhile, nobody else stops this process.
        faulthandler.dump_traceback_later(2 * seconds + 1, exit=True, file=nothing)
        try:
            message = pickle.dumps(_answer(function, arguments), protocol=5)
        except MemoryError:
            message = pickle.dumps(("memory",))
        faulthandler.cancel_dump_traceback_later()
        _send(answers, message)
        if not has_answered:
            # What has been imported by now stays to the end; the collector need not look at it.
            gc.freeze()
            has_answered = True


if __name__ == "__main__":
    _serve()
