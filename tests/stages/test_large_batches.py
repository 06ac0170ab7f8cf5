"""A batch many times as large takes little more memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

# Both so many that 512 are checked together.
FEW, MANY = 1_100, 2_200
# The roster, the receipts and the list that is printed; what one return says takes twenty times this.
MOST_PER_RETURN = 20 << 10


def _peaks(repository: Path, folder: Path, sizes: Iterable[int]) -> dict[int, int]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.memory", "--folder", str(folder)),
            *("--units", *map(str, sizes)),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    words = [line.split() for line in done.stdout.splitlines()]
    return {int(one[0]): int(one[3]) << 20 for one in words}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="the peak is told by POSIX systems")
def test_memory_does_not_grow_with_what_returns_say(repository: Path, tmp_path: Path) -> None:
    peaks = _peaks(repository, tmp_path, (FEW, MANY))
    assert peaks[FEW] > 50 << 20
    assert peaks[MANY] - peaks[FEW] < (MANY - FEW) * MOST_PER_RETURN
