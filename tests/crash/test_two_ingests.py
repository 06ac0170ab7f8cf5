"""Two programs at work on one campaign at the same time: nothing lost, doubled or refused."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from harness import HALVES, WHOLES, Stored, one_of_two_killed, two_at_once

# The default run has its share of these in the tests of the single parts.
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("options", [WHOLES, HALVES], ids=["the same files", "halves"])
def test_two_ingests(
    waiting: Path, undisturbed: Stored, tmp_path: Path, options: list[tuple[str, ...]]
) -> None:
    two_at_once(waiting, undisturbed, tmp_path, options)


def test_two_ingests_into_a_ledger_on_a_server(
    on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    two_at_once(on_server, undisturbed, tmp_path, HALVES)


def test_one_of_two_is_killed(waiting: Path, undisturbed: Stored, tmp_path: Path) -> None:
    one_of_two_killed(waiting, undisturbed, tmp_path, 0.15)


@pytest.mark.parametrize("options", [WHOLES, HALVES], ids=["the same files", "halves"])
def test_two_ingests_many_times(
    waiting: Path, undisturbed: Stored, tmp_path: Path, options: list[tuple[str, ...]]
) -> None:
    for _ in range(10):
        two_at_once(waiting, undisturbed, tmp_path, options)


def test_one_of_two_is_killed_many_times(
    waiting: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    draw = random.Random(3)
    for _ in range(30):
        one_of_two_killed(waiting, undisturbed, tmp_path, draw.uniform(0, 0.6))
