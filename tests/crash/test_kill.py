"""kill -9 at every state-changing call and at random moments of an ingest, then a plain re-run."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from harness import (
    Call,
    Stored,
    assert_nothing_is_lost,
    calls_in,
    copied,
    kill_at_each,
    kill_at_moments,
    moments,
    on_the_campaign,
    run_traced,
    spread,
    steps_of,
)

from perfxl.campaign import LEDGER_FILE

# The default run has its share of these in the tests of the single parts.
pytestmark = pytest.mark.slow

# What each wrong order loses when it is killed in the middle, on entering a call by which some of
# the originals were kept and some were not.
WRONG = {
    "says-before-the-commit": ("rename", "lost from receipts"),
    "keeps-without-a-temporary-file": ("write", "other bytes in "),
}


def test_nothing_is_lost_at_some_calls(
    waiting: Path, undisturbed: Stored, calls: list[Call], tmp_path: Path
) -> None:
    points = spread(on_the_campaign(calls), 8)
    assert_nothing_is_lost(kill_at_each(waiting, undisturbed, tmp_path, points))


def test_nothing_is_lost_at_some_moments(
    waiting: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    delays = moments(waiting, tmp_path, 5, seed=1)
    outcomes = kill_at_moments(waiting, undisturbed, tmp_path, delays)
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    assert any(outcome.killed for outcome in outcomes)


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_order_is_caught(
    strace: None, waiting: Path, undisturbed: Stored, tmp_path: Path, wrong: str
) -> None:
    """The negative control: the very same harness finds losses where there are some."""
    name, loss = WRONG[wrong]
    middle = Call(name, 16, "", ())
    (outcome,) = kill_at_each(waiting, undisturbed, tmp_path, [middle], "--wrong", wrong)
    assert outcome.killed
    assert any(one.startswith(loss) for one in outcome.losses)


def points_of(waiting: Path, parent: Path, *options: str) -> list[Call]:
    with copied(waiting, parent, "traced") as folder:
        assert run_traced(folder, parent / "trace", *options).returncode == 0
        return on_the_campaign(calls_in(parent / "trace", folder))


@pytest.mark.parametrize("together", [32, 8])
def test_nothing_is_lost_at_any_call(
    strace: None, waiting: Path, undisturbed: Stored, tmp_path: Path, together: int
) -> None:
    """With 32 receipts to a transaction, as in use, and with 8, so that there are several."""
    options = ("--together", str(together))
    points = points_of(waiting, tmp_path, *options)
    steps = steps_of(points)
    assert len(points) > 31 * 5
    chosen = range(len(points))
    if together == 8:
        # What happens to the originals does not depend on it.
        chosen = [number for number in chosen if LEDGER_FILE in points[number].paths[0]]
    outcomes = kill_at_each(
        waiting, undisturbed, tmp_path, [points[number] for number in chosen], *options
    )
    assert_nothing_is_lost(outcomes)
    # Each was killed at the step that it was meant for, so that none was left out.
    assert [outcome.steps[-1] for outcome in outcomes] == [steps[number] for number in chosen]


def test_nothing_is_lost_at_200_moments(waiting: Path, undisturbed: Stored, tmp_path: Path) -> None:
    delays = moments(waiting, tmp_path, 200, seed=2)
    outcomes = kill_at_moments(waiting, undisturbed, tmp_path, delays)
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    assert sum(outcome.killed for outcome in outcomes) > 100


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_order_loses_much(
    strace: None, waiting: Path, undisturbed: Stored, tmp_path: Path, wrong: str
) -> None:
    points = random.Random(4).sample(points_of(waiting, tmp_path, "--wrong", wrong), 20)
    outcomes = kill_at_each(waiting, undisturbed, tmp_path, points, "--wrong", wrong)
    assert sum(bool(outcome.losses) for outcome in outcomes) > 1
