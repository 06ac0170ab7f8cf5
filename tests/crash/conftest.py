"""A campaign with 31 returns in 收件/ and nothing taken in, and what taking them in leads to."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Call, Stored, calls_in, copied, run_plainly, run_traced, stored_in
from postgres_server import PASSWORD, PostgresServer

from perfxl.campaign import INBOX, Campaign
from perfxl.ledger.address import PASSWORD_VARIABLE
from perfxl.resources import samples
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.initialize import init
from perfxl.stages.ledger import move


@pytest.fixture(scope="session")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign folder before the ingest; tests must not change it."""
    folder = tmp_path_factory.mktemp("waiting") / "campaign"
    campaign = init(folder, stamp_key=SAMPLE_STAMP_KEY)
    for path in sorted((samples() / "returns").glob("*.xlsx")):
        shutil.copyfile(str(path), campaign.path(INBOX) / path.name)
    campaign.close()
    assert len(list(campaign.path(INBOX).iterdir())) == 31
    return folder


@pytest.fixture(scope="session")
def undisturbed(waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """What an ingest that nobody disturbs leaves behind."""
    with copied(waiting, tmp_path_factory.mktemp("undisturbed"), "campaign") as folder:
        run_plainly(folder)
        stored = stored_in(folder)
    assert len(stored.originals) == len(stored.rows["receipts"]) == 31
    assert len(stored.rows["verdicts"]) == 31
    return stored


@pytest.fixture(scope="session")
def strace() -> None:
    """Skips where system calls cannot be traced."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    if tried.returncode:
        pytest.skip("strace may not trace here")


@pytest.fixture(scope="session")
def calls(strace: None, waiting: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Call]:
    """Every state-changing call of an undisturbed ingest, in order."""
    parent = tmp_path_factory.mktemp("calls")
    with copied(waiting, parent, "campaign") as folder:
        done = run_traced(folder, parent / "trace")
        assert done.returncode == 0, done.stderr
        return calls_in(parent / "trace", folder)


@pytest.fixture(scope="session")
def on_server(
    postgres: PostgresServer, waiting: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The campaign that waits, its ledger on the server; tests must not change it."""
    with (
        pytest.MonkeyPatch.context() as patch,
        postgres.database("waiting") as url,
        copied(waiting, tmp_path_factory.mktemp("on-server"), "campaign") as folder,
    ):
        patch.setenv(PASSWORD_VARIABLE, PASSWORD)
        move(Campaign(folder), url, dt.datetime(2024, 1, 25))
        yield folder
