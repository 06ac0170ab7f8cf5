"""Two programs at work on one campaign at the same time: nothing lost, doubled or refused."""

from __future__ import annotations

import random
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness import (
    Stored,
    begin,
    clear_away,
    copied,
    losses_in,
    run_plainly,
    said_in,
    started,
)

HALVES = [("--half", "0"), ("--half", "1")]
WHOLES: list[tuple[str, ...]] = [(), ()]


def both(folder: Path, options: list[tuple[str, ...]]) -> list[str]:
    """Runs two ingests at the same time, to the end; returns what they said."""
    with ExitStack() as stack:
        jobs = [stack.enter_context(started(folder, *each)) for each in options]
        for job in jobs:
            begin(job)
        outputs = [job.communicate(timeout=120) for job in jobs]
        assert [(job.returncode, error) for job, (_, error) in zip(jobs, outputs, strict=True)] == [
            (0, "")
        ] * 2
        return [output for output, _ in outputs]


def two_at_once(base: Path, expected: Stored, parent: Path, options: list[tuple[str, ...]]) -> None:
    with copied(base, parent, "campaign") as folder:
        said = [said_in(output) for output in both(folder, options)]
        assert said[0] | said[1] == set(expected.originals.values())
        assert losses_in(folder, expected) == []


def one_of_two_killed(base: Path, expected: Stored, parent: Path, seconds: float) -> None:
    with copied(base, parent, "campaign") as folder:
        with started(folder, "--together", "8") as doomed, started(folder) as other:
            begin(doomed)
            begin(other)
            try:
                doomed.wait(seconds)
            except subprocess.TimeoutExpired:
                doomed.kill()
            said, _ = doomed.communicate()
            output, error = other.communicate(timeout=120)
            assert (other.returncode, error) == (0, "")
        # The other one took everything in whatever became of the first.
        assert losses_in(folder, expected) == []
        clear_away(folder, said_in(said) | said_in(output))
        run_plainly(folder)
        assert losses_in(folder, expected) == []


@pytest.mark.parametrize("options", [WHOLES, HALVES], ids=["the same files", "halves"])
def test_two_ingests(
    waiting: Path, undisturbed: Stored, tmp_path: Path, options: list[tuple[str, ...]]
) -> None:
    two_at_once(waiting, undisturbed, tmp_path, options)


def test_one_of_two_is_killed(waiting: Path, undisturbed: Stored, tmp_path: Path) -> None:
    one_of_two_killed(waiting, undisturbed, tmp_path, 0.15)


@pytest.mark.slow
@pytest.mark.parametrize("options", [WHOLES, HALVES], ids=["the same files", "halves"])
def test_two_ingests_many_times(
    waiting: Path, undisturbed: Stored, tmp_path: Path, options: list[tuple[str, ...]]
) -> None:
    for _ in range(10):
        two_at_once(waiting, undisturbed, tmp_path, options)


@pytest.mark.slow
def test_one_of_two_is_killed_many_times(
    waiting: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    draw = random.Random(3)
    for _ in range(30):
        one_of_two_killed(waiting, undisturbed, tmp_path, draw.uniform(0, 0.6))
