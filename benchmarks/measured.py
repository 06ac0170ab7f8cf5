"""What a process took: CPU seconds of it and of all that it started, wall clock, peak memory."""

from __future__ import annotations

import json
import subprocess
import sys
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


# Run in a process of its own, which is small: a child's peak begins with its parent's size.
_MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
wall = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_CHILDREN)
said = done.stderr.decode(errors="replace")[-2000:]
print(json.dumps([done.returncode, said, used.ru_utime + used.ru_stime, wall, used.ru_maxrss]))
"""


def run(command: Sequence[str]) -> Taken:
    """Run a whole command; what it prints is dropped. Raises RuntimeError where it fails."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", _MEASURE, *command],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
    )
    code, said, cpu, wall, memory = json.loads(done.stdout)
    # 1 says that there are findings, which some of the made returns have.
    if code not in (0, 1):
        raise RuntimeError(f"{' '.join(command)}: {said}")
    return Taken(cpu, wall, memory * _KIB_OF_MEMORY / 1024)


def told_by(module: str, *arguments: str) -> Any:
    """What a module of the benchmarks prints as JSON, run as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=REPOSITORY,
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout)
