"""One kept process that reads, and what its answers mean."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from typing import Any

from perfxl.errors import Fault, NoReadingProcess, Unreadable
from perfxl.isolation.limits import HAS_GROUPS, Limit, stop
from perfxl.isolation.messages import (
    MEMORY_LIMIT,
    READY,
    SECONDS,
    NotPlainError,
    received,
    send,
)

START_SECONDS = 60.0
# Under this much time left, a second attempt is not begun.
_LEAST_SECONDS = 0.2


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
                [sys.executable, "-P", "-m", "perfxl.isolation.process", str(self._memory_limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                # A program that the worker started (to open a .rar) is stopped with it.
                start_new_session=HAS_GROUPS,
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
            limit = Limit(process, seconds)
            try:
                message = pickle.dumps((function, arguments, seconds), protocol=5)
                send(process.stdin, message)
                outcome = outcome_of(received(process.stdout))
            except (EOFError, OSError, NotPlainError) as error:
                limit.lift()
                self._discard()
                raise (_too_long(told) if limit.struck else strange()) from error
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
        limit = Limit(process, START_SECONDS)
        try:
            self._ready = received(process.stdout) == READY
            self._ready_at = time.monotonic()
        except (EOFError, OSError, NotPlainError) as error:
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
        stop(process)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _too_long(seconds: float) -> WorkerDied:
    return WorkerDied(
        f"读取超过 {seconds:g} 秒，已停止",
        remedy="请用下发的工作簿重新填报，不要粘贴大量内容",
        fault=Fault.TOO_LARGE,
    )


def strange() -> WorkerDied:
    """What is told where nobody can say what happened."""
    return WorkerDied("内容异常，读取程序无法处理", remedy="请用 Excel 或 WPS 另存后重新报送")


def outcome_of(answer: object) -> tuple[Any] | Unreadable:
    """What an answer says: the value alone in a tuple, or the mistake. Raises NotPlainError."""
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
    raise NotPlainError
