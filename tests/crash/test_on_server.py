"""What is shown of an ingest into a file, with the ledger on a PostgreSQL server.

What an undisturbed ingest into an SQLite file leaves is what all of these are measured by.
"""

from __future__ import annotations

import random
import subprocess
import time
from pathlib import Path

import pytest
from harness import (
    HALVES,
    WHOLES,
    Call,
    Stored,
    address_in,
    begin,
    calls_in,
    clear_away,
    command,
    copied,
    environment,
    kill_at_each,
    kill_at_moments,
    losses_in,
    moments,
    one_of_two_killed,
    run_plainly,
    run_traced,
    said_in,
    spread,
    started,
    stored_in,
    two_at_once,
)
from postgres_server import PASSWORD, PostgresServer
from wire import Pass, wire

from perfxl.campaign import LEDGER_ADDRESS_FILE

THREE: list[tuple[str, ...]] = [("--half", "0"), ("--half", "1"), ("--together", "8")]


@pytest.mark.slow
def test_the_same_is_recorded_as_in_a_file(
    on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    with copied(on_server, tmp_path, "campaign") as folder:
        run_plainly(folder)
        assert stored_in(folder) == undisturbed


def sends_in(calls: list[Call]) -> list[Call]:
    """What went out on the network; pipes to its workers are written to by other calls."""
    return [call for call in calls if call.name == "sendto" and "<socket:" in call.arguments]


def sends_of(base: Path, parent: Path, *options: str) -> list[Call]:
    """Every message of an undisturbed ingest to the server."""
    with copied(base, parent, "traced") as folder:
        assert run_traced(folder, parent / "trace", *options).returncode == 0
        return sends_in(calls_in(parent / "trace", folder))


@pytest.mark.slow
@pytest.mark.parametrize("together", [32, 8])
def test_nothing_is_lost_at_any_message_to_the_server(
    strace: None, on_server: Path, undisturbed: Stored, tmp_path: Path, together: int
) -> None:
    options = ("--together", str(together))
    points = sends_of(on_server, tmp_path, *options)
    assert len(points) > 20
    if together == 8:
        # Every kind of message was there with 32.
        points = spread(points, 20)
    outcomes = kill_at_each(on_server, undisturbed, tmp_path, points, *options)
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    # A server that answers sooner is sent what is left in fewer messages: the last are not reached.
    assert sum(not outcome.killed for outcome in outcomes) <= 4
    assert all(outcome.killed for outcome in outcomes[: len(outcomes) // 2])


@pytest.mark.slow
def test_nothing_is_lost_at_30_moments(
    on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    delays = moments(on_server, tmp_path, 30, seed=5)
    outcomes = kill_at_moments(on_server, undisturbed, tmp_path, delays)
    assert [outcome.losses for outcome in outcomes if outcome.losses] == []
    assert sum(outcome.killed for outcome in outcomes) > 15


@pytest.mark.slow
def test_a_wrong_order_is_caught(
    strace: None, on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    """The negative control: what was said to be received before the commit is lost."""
    middle = Call("rename", 16, "", ())
    (outcome,) = kill_at_each(
        on_server, undisturbed, tmp_path, [middle], "--wrong", "says-before-the-commit"
    )
    assert outcome.killed
    assert any(one.startswith("lost from receipts") for one in outcome.losses)


@pytest.mark.slow
def test_an_original_that_is_recorded_before_it_is_kept_is_caught(
    strace: None, on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    wrong = ("--wrong", "records-before-it-keeps")
    points = [Call("rename", number, "", ()) for number in (16, 30)]
    outcomes = kill_at_each(on_server, undisturbed, tmp_path, points, *wrong)
    assert all(outcome.killed for outcome in outcomes)
    assert any(one.startswith("no ") for outcome in outcomes for one in outcome.losses)


@pytest.mark.slow
@pytest.mark.parametrize("options", [WHOLES, HALVES, THREE], ids=["same", "halves", "three"])
def test_several_ingests_many_times(
    on_server: Path, undisturbed: Stored, tmp_path: Path, options: list[tuple[str, ...]]
) -> None:
    for _ in range(4):
        two_at_once(on_server, undisturbed, tmp_path, options)


@pytest.mark.slow
def test_one_of_two_is_killed_many_times(
    on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    draw = random.Random(7)
    for _ in range(8):
        one_of_two_killed(on_server, undisturbed, tmp_path, draw.uniform(0, 0.8))


def server_killed(
    postgres: PostgresServer, base: Path, expected: Stored, parent: Path, seconds: float
) -> str:
    """The server is gone so long after an ingest began, and comes back; returns what was told."""
    with copied(base, parent, "campaign") as folder:
        with started(folder, "--together", "4") as job:
            begin(job)
            time.sleep(seconds)
            postgres.kill()
            try:
                said, told = job.communicate(timeout=120)
            finally:
                postgres.start()
        assert "Traceback" not in told
        assert (job.returncode == 2) == bool(told)
        clear_away(folder, said_in(said))
        run_plainly(folder)
        assert losses_in(folder, expected) == []
        return told


@pytest.mark.slow
def test_the_server_is_killed_at_some_moments(
    postgres: PostgresServer, on_server: Path, undisturbed: Stored, tmp_path: Path
) -> None:
    told = [
        server_killed(postgres, on_server, undisturbed, tmp_path, delay)
        for delay in moments(on_server, tmp_path, 12, seed=8)
    ]
    codes = {one.split("]")[0].strip("[") for one in told if one}
    assert codes <= {"E312", "E317", "E318"}
    assert sum(map(bool, told)) > 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("commit", "fate", "code", "recorded"),
    [
        pytest.param(2, Pass.LOST, "E318", 8, id="the confirmation is lost"),
        pytest.param(2, Pass.HEARD, "E318", 16, id="its answer is lost"),
        pytest.param(0, Pass.LOST, "E312", 0, id="no connection"),
    ],
)
def test_the_wire_is_cut(
    on_server: Path,
    undisturbed: Stored,
    tmp_path: Path,
    commit: int,
    fate: Pass,
    code: str,
    recorded: int,
) -> None:
    """At the commit nobody can know whether it holds, and a plain run afterwards heals either."""
    wrote, commits = False, 0

    def judge(data: bytes) -> Pass:
        nonlocal wrote, commits
        wrote |= b"INSERT INTO" in data and b".verdicts" in data
        if wrote and b"COMMIT" in data:
            wrote, commits = False, commits + 1
            return fate if commits == commit else Pass.ON
        return fate if commit == 0 else Pass.ON

    with copied(on_server, tmp_path, "campaign") as folder:
        path = folder / LEDGER_ADDRESS_FILE
        straight, port = path.read_text(encoding="utf-8"), address_in(folder).server.port
        with wire(port, judge) as other:
            path.write_text(straight.replace(f":{port}/", f":{other}/"), encoding="utf-8")
            done = subprocess.run(
                command(folder, "--together", "8"),
                env=environment(), capture_output=True, text=True, check=False, timeout=120,
            )  # fmt: skip
        path.write_text(straight, encoding="utf-8")
        assert (done.returncode, done.stderr[:6], done.stdout) == (2, f"[{code}]", "")
        assert PASSWORD not in done.stderr
        assert len(stored_in(folder).rows["receipts"]) == recorded
        run_plainly(folder)
        assert losses_in(folder, undisturbed) == []
