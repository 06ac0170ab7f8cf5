"""Time limits of processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time

HAS_GROUPS = os.name == "posix"
_LOOKS_EVERY = 0.05


class Limit:
    """Stops a process when its time is up; ``struck`` says that it was."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        self.struck = False
        self.until = time.monotonic() + seconds
        self._process = process
        _watch.add(self)

    def strike(self) -> None:
        """Stop the process."""
        self.struck = True
        stop(self._process)

    def lift(self) -> None:
        """From here on the process is not stopped."""
        _watch.remove(self)


class _Watch:
    """Looks every so often which limits are over.

    One thread for all of them: a timer for each would start a thread for every file that is read.
    """

    def __init__(self) -> None:
        self._limits: set[Limit] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, limit: Limit) -> None:
        with self._lock:
            self._limits.add(limit)
            if self._thread is None:
                self._thread = threading.Thread(target=self._look, daemon=True)
                self._thread.start()

    def remove(self, limit: Limit) -> None:
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


def stop(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it started, which may outlive it."""
    # One that ends at this moment may refuse to be ended.
    with contextlib.suppress(OSError):
        if HAS_GROUPS:
            os.killpg(process.pid, signal.SIGKILL)
        elif process.poll() is None:
            process.kill()
