"""The worker's own program: ``python -m perfxl.isolation.process MEMORY``. Imports little."""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import os
import pickle
import signal
import sys

from perfxl.errors import Unreadable
from perfxl.isolation.messages import LENGTH, READY, exactly, send

# What is imported before the first file comes, whose time it would take.
_WANTED_FIRST = "perfxl.excel.parsing"


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
    # Where it cannot be imported, the first call says so.
    with contextlib.suppress(ImportError):
        importlib.import_module(_WANTED_FIRST)
    send(answers, pickle.dumps(READY))
    has_answered = False
    while True:
        head = calls.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return
        # The caller is our own parent; what it asks for is trusted, the bytes it hands over not.
        function, arguments, seconds = pickle.loads(exactly(calls, LENGTH.unpack(head)[0]))
        # Where the parent was killed meanwhile, nobody else stops this process.
        faulthandler.dump_traceback_later(2 * seconds + 1, exit=True, file=nothing)
        try:
            message = pickle.dumps(_answer(function, arguments), protocol=5)
        except MemoryError:
            message = pickle.dumps(("memory",))
        faulthandler.cancel_dump_traceback_later()
        send(answers, message)
        if not has_answered:
            # What has been imported by now stays to the end; the collector need not look at it.
            gc.freeze()
            has_answered = True


if __name__ == "__main__":
    _serve()
