"""What a process took: CPU seconds of it and of all that it started, wall clock, peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
_KIB_OF_MEMORY = 1 if sys.platform == "linux" else 1 / 1024


@dataclass(frozen=True)
class Taken:
    """Seconds of processor and of wall clock; peak resident memory in MiB, of the largest process."""

    cpu: float
    wall: float
    memory: float


def run(command: Sequence[str]) -> Taken:
    """Run a whole command; what it prints is dropped. Raises RuntimeError where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, state, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(state)
    wall = time.perf_counter() - started
    # 1 says that there are findings, which some of the made returns have.
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: {said.decode(errors='replace')[-2000:]}")
    memory = usage.ru_maxrss * _KIB_OF_MEMORY / 1024
    return Taken(usage.ru_utime + usage.ru_stime, wall, memory)


def told_by(module: str, *arguments: str) -> Any:
    """What a module of the benchmarks prints as JSON, run as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)
