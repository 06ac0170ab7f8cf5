"""kill -9 at every state-changing call and at random moments of an ingest, then a plain re-run."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from harness import (
    Call,
    Outcome,
    Stored,
    begin,
    calls_in,
    copied,
    kill_after,
    kill_at_call,
    pool,
    run_traced,
    started,
    steps_of,
)

from perfxl.campaign import LEDGER_FILE

# What each wrong order loses when it is killed in the middle, on entering a call by which some of
# the originals were kept and some were not.
WRONG = {
    "says-before-the-commit": ("rename", "lost from receipts"),
    "keeps-without-a-temporary-file": ("write", "other bytes in "),
}


def spread(calls: list[Call], most: int) -> list[Call]:
    """So many of the calls, the first and the last among them."""
    step = (len(calls) - 1) / (most - 1)
    return [calls[round(number * step)] for number in range(most)]


def kill_at_each(
    base: Path, expected: Stored, parent: Path, points: list[Call], *options: str
) -> list[Outcome]:
    with pool() as runs:
        return list(
            runs.map(
                lambda point: kill_at_call(base, expected, parent, *point, *options),
                enumerate(points),
            )
        )


def assert_nothing_is_lost(outcomes: list[Outcome]) -> None:
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    assert all(outcome.killed for outcome in outcomes)


def moments(base: Path, parent: Path, how_many: int, seed: int) -> list[float]:
    """Delays spread evenly over the time that the job takes here, each at random in its share."""
    with copied(base, parent, "timed") as folder, started(folder) as job:
        before = time.monotonic()
        begin(job)
        job.communicate()
        lasts = time.monotonic() - before
    draw = random.Random(seed)
    return [lasts * (number + draw.random()) / how_many for number in range(how_many)]


def kill_at_moments(
    base: Path, expected: Stored, parent: Path, delays: list[float]
) -> list[Outcome]:
    with pool() as runs:
        return list(
            runs.map(lambda delay: kill_after(base, expected, parent, *delay), enumerate(delays))
        )


def on_the_campaign(calls: list[Call]) -> list[Call]:
    return [call for call in calls if call.paths]


@pytest.mark.slow
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


@pytest.mark.slow
@pytest.mark.parametrize("together", [32, 8])
def test_nothing_is_lost_at_any_call(
    strace: None, waiting: Path, undisturbed: Stored, tmp_path: Path, together: int
) -> None:
    """With 32 receipts to a transaction, as in use, and with 8, so that there are several."""
    options = ("--together", str(together))
    points = points_of(waiting, tmp_path, *options)
    steps = steps_of(points)
    assert len(points) > 31 * 6
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


@pytest.mark.slow
def test_nothing_is_lost_at_200_moments(waiting: Path, undisturbed: Stored, tmp_path: Path) -> None:
    delays = moments(waiting, tmp_path, 200, seed=2)
    outcomes = kill_at_moments(waiting, undisturbed, tmp_path, delays)
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    assert sum(outcome.killed for outcome in outcomes) > 100


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_order_loses_much(
    strace: None, waiting: Path, undisturbed: Stored, tmp_path: Path, wrong: str
) -> None:
    points = random.Random(4).sample(points_of(waiting, tmp_path, "--wrong", wrong), 20)
    outcomes = kill_at_each(waiting, undisturbed, tmp_path, points, "--wrong", wrong)
    assert sum(bool(outcome.losses) for outcome in outcomes) > 1
