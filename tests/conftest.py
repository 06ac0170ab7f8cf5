"""Shared fixtures: the repository, the sample plan, one demo campaign, a real LibreOffice."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from offices import Office
from on_server import every_ledger_on
from postgres_server import PostgresServer, programs, running_server

from perfxl.campaign import Campaign, read_plan_file
from perfxl.plan.model import Plan
from perfxl.stages.demo import demo

REPOSITORY = Path(__file__).resolve().parent.parent
SYSTEM_PYTHON = Path("/usr/bin/python3")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Where PERFXL_SKIPS_FAIL is set (as .ci/run does), a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("PERFXL_SKIPS_FAIL") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def plan() -> Plan:
    """The sample plan."""
    data = (REPOSITORY / "workbook_templates" / "考核方案.xlsx").read_bytes()
    return read_plan_file(data, "考核方案.xlsx")


@pytest.fixture(scope="session")
def samples_maker() -> ModuleType:
    """``samples/make_samples.py`` as a module."""
    source = REPOSITORY / "samples" / "make_samples.py"
    spec = importlib.util.spec_from_file_location("make_samples", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign folder after the whole demo; tests must not change it."""
    folder = tmp_path_factory.mktemp("demo") / "perfxl-demo"
    demo(folder, lambda _: None)
    return folder


@pytest.fixture
def campaign(finished_demo: Path, tmp_path: Path) -> Campaign:
    """A copy of the finished demo that a test may change."""
    shutil.copytree(finished_demo, tmp_path / "campaign")
    return Campaign(tmp_path / "campaign")


@pytest.fixture(scope="session")
def office() -> Office:
    """Opens a workbook in LibreOffice, types values, recalculates, saves, reads sheets."""
    has_uno = SYSTEM_PYTHON.exists() and (
        subprocess.run(
            [SYSTEM_PYTHON, "-c", "import uno"], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not shutil.which("soffice") or not has_uno:
        pytest.skip("LibreOffice with python3-uno is not installed")

    def run(
        file: Path,
        *,
        read: Sequence[str] = (),
        type_in: Sequence[tuple[str, str, object]] = (),
        save: Mapping[str, str] | None = None,
    ) -> Mapping[str, Sequence[Sequence[Any]]]:
        job = {"file": str(file), "read": list(read), "set": list(type_in), "save": save or {}}
        done = subprocess.run(
            [SYSTEM_PYTHON, REPOSITORY / "tests" / "office_job.py"],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        result: Mapping[str, Sequence[Sequence[Any]]] = json.loads(done.stdout)
        return result

    return run


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of the tests' own."""
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL is not installed")
    if os.name != "posix" or (os.geteuid() == 0 and not shutil.which("runuser")):
        pytest.skip("PostgreSQL cannot be started as another user than root here")
    with running_server(bin_folder) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def ledgers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Where PERFXL_TEST_LEDGER is postgresql, the ledgers of all tests are on a server."""
    if os.environ.get("PERFXL_TEST_LEDGER") == "postgresql":
        with every_ledger_on(request.getfixturevalue("postgres")):
            yield
    else:
        yield
