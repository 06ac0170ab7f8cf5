"""Reading on a Dask cluster: real schedulers and workers on this computer, killed in the middle."""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from dask import config as dask_config
from dask_processes import Dask, dask_running, kill
from made_certificates import certificate_with_key

from perfxl.campaign import INBOX, ORIGINALS, PLAN_FILE, Campaign
from perfxl.cli import cli
from perfxl.cluster import cluster_at
from perfxl.errors import ClusterLost, Fault, NoCluster, NoDistributed, OtherVersions, Unreadable
from perfxl.excel.reader import Grid, read_or_refusal
from perfxl.files import sha256_of
from perfxl.intake.extract import Extracted
from perfxl.isolation.reading_ahead import ahead
from perfxl.isolation.service import Service, Workers, kept_workers, own_workers, read_through
from perfxl.ledger import Form, Receipt, Verdict
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.gather import gather
from perfxl.stages.ingest import Incoming, ingest
from perfxl.tables import ReturnTables

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SAMPLES = sorted((REPOSITORY / "samples" / "returns").glob("*.xls*"))
WHEN = dt.datetime(2024, 1, 12, 9, 30)
MANY = 500
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")

MISBEHAVIOUR = """
import os, signal, time

def echo(value): return value
def wait(seconds, value):
    time.sleep(seconds)
    return value
def kill_who_started_me():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
def allocate(): return len(bytearray(4 << 30))
def hang(): time.sleep(60)
def die(): os.abort()
def unplain(): return os.kill
def who(): return os.getppid()
def itself(seconds):
    time.sleep(seconds)
    return os.getpid()
"""


@pytest.fixture(scope="module")
def misbehaviour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module of functions that go wrong."""
    folder = tmp_path_factory.mktemp("misbehaviour")
    (folder / "misbehaviour.py").write_text(MISBEHAVIOUR, encoding="utf-8")
    return folder


@contextmanager
def reading(service: Service) -> Iterator[Service]:
    """Everything is read through this service meanwhile; it is closed afterwards."""
    read_through(service)
    try:
        yield service
    finally:
        read_through(None)
        service.close()


@pytest.fixture
def dask(tmp_path: Path, misbehaviour: Path) -> Iterator[Dask]:
    """A scheduler with two workers."""
    with dask_running(tmp_path / "dask", 2, (misbehaviour,)) as running:
        yield running


@dataclass(frozen=True)
class Batch:
    """A campaign to which many files have come, none of them taken in yet."""

    folder: Path
    files: list[Path]

    def run(self, folder: Path, progress: Callable[[], None] = lambda: None) -> Ingested:
        """Take everything in, in a copy of the campaign."""
        folder.mkdir(parents=True)
        for name in (PLAN_FILE, "台账.db"):
            shutil.copy(self.folder / name, folder / name)
        for name in (ORIGINALS, INBOX):
            (folder / name).mkdir()
        campaign = Campaign(folder)
        try:
            return self.once_more(campaign, progress)
        finally:
            campaign.close()

    def once_more(self, campaign: Campaign, progress: Callable[[], None]) -> Ingested:
        """Take everything in, in this campaign."""
        files = [Incoming(path, WHEN) for path in self.files]
        extracted: dict[str, Extracted] = {}
        ingest(campaign, files, progress=progress, when_recorded=extracted.update)
        return Ingested(
            campaign.ledger.receipts(Form.RETURN),
            gather(campaign, known=extracted).tables,
            extracted,
        )


@dataclass(frozen=True)
class Ingested:
    """What is compared: what the ledger holds, the tables, what the returns say."""

    receipts: list[Receipt]
    tables: ReturnTables
    extracted: dict[str, Extracted]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Batch:
    """Five hundred files: returns of as many units, some spoilt, some in envelopes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(REPOSITORY)
        inputs = importlib.import_module("benchmarks.inputs")
    folder = tmp_path_factory.mktemp("many") / "campaign"
    campaign = inputs.make_campaign(folder, MANY, saved_anew=False)
    campaign.close()
    files = sorted(campaign.path(INBOX).iterdir())
    for number, file in enumerate(files):
        data = file.read_bytes()
        if number % 25 == 3:
            file.write_bytes(data[: len(data) // 2])
        elif number % 25 == 7:
            packed = shutil.make_archive(str(file.with_suffix("")), "zip", file.parent, file.name)
            file.unlink()
            files[number] = Path(packed)
    assert len(files) == MANY
    return Batch(campaign.folder, files)


@pytest.fixture(scope="module")
def serial(many: Batch, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """The five hundred as one process reads them, one after the other."""
    with reading(Workers(1)):
        return many.run(tmp_path_factory.mktemp("serial") / "campaign")


def assert_same(one: Ingested, other: Ingested) -> None:
    """Receipts, verdicts and every cell of every table are the same."""
    assert one.receipts == other.receipts
    for each in fields(ReturnTables):
        left, right = getattr(one.tables, each.name), getattr(other.tables, each.name)
        if isinstance(left, pd.DataFrame):
            pd.testing.assert_frame_equal(left, right, check_exact=True)
        elif each.name == "registers":
            assert left.keys() == right.keys()
            for name in left:
                pd.testing.assert_frame_equal(left[name].values, right[name].values)
                pd.testing.assert_frame_equal(left[name].texts, right[name].texts)
        else:
            assert left == right


@pytest.mark.slow
def test_the_batch_is_worth_comparing(serial: Ingested) -> None:
    found = [str(receipt.verdict) for receipt in serial.receipts]
    assert found.count("有效") > 450 and found.count("文件损坏") == 20
    assert found.count("已拆开") == 20
    assert len(serial.tables.entries) > 450 * 20


@pytest.mark.slow
def test_three_processes_read_as_one_does(many: Batch, serial: Ingested, tmp_path: Path) -> None:
    with reading(Workers(3)):
        assert_same(many.run(tmp_path / "campaign"), serial)


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_reads_as_one_process_does(
    many: Batch, serial: Ingested, dask: Dask, tmp_path: Path
) -> None:
    with reading(cluster_at(dask.address)) as service:
        assert service.at_once > 1
        seen = 0

        def advance() -> None:
            nonlocal seen
            seen += 1
            if seen == MANY // 2:
                kill(dask.workers[0])

        ingested = many.run(tmp_path / "campaign", advance)
    assert seen == MANY
    assert dask.alive == 1
    assert_same(ingested, serial)


@pytest.mark.slow
def test_what_was_read_when_the_scheduler_goes_is_whole_and_a_rerun_heals(
    many: Batch, serial: Ingested, dask: Dask, tmp_path: Path
) -> None:
    folder, seen = tmp_path / "campaign", 0

    def advance() -> None:
        nonlocal seen
        seen += 1
        if seen == MANY // 2:
            kill(dask.scheduler)

    started = time.monotonic()
    with reading(cluster_at(dask.address)), pytest.raises(ClusterLost, match="重新执行") as told:
        many.run(folder, advance)
    assert told.value.code == "E342"
    assert MANY // 2 <= seen < MANY
    assert time.monotonic() - started < 60
    campaign = Campaign(folder)
    recorded = campaign.ledger.receipts(Form.RETURN)
    originals = {path.name for path in campaign.path(ORIGINALS).iterdir()}
    assert 0 < len(recorded) < len(serial.receipts)
    assert {receipt.original for receipt in recorded} <= originals
    by_hash = {receipt.sha256: receipt for receipt in serial.receipts}
    assert all(by_hash[receipt.sha256] == receipt for receipt in recorded)
    healed = many.once_more(campaign, lambda: None)
    campaign.close()
    assert_same(healed, serial)


@pytest.mark.slow
def test_hostile_files_get_the_same_verdict_on_a_cluster(
    tmp_path: Path, dask: Dask, repository: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(repository / "tests" / "hostile")
        made = importlib.import_module("test_hostile").MADE
    plan = (repository / "workbook_templates" / "考核方案.xlsx").read_bytes()
    (tmp_path / "files").mkdir()
    files = []
    for one in made:
        files.append(tmp_path / "files" / f"{one.name}{one.suffix}")
        files[-1].write_bytes(one.data)
    Campaign.create(tmp_path / "campaign", plan, SAMPLE_STAMP_KEY).close()
    batch = Batch(tmp_path / "campaign", files)
    with reading(Workers(1)):
        here = batch.run(tmp_path / "here")
    with reading(cluster_at(dask.address)):
        there = batch.run(tmp_path / "there")
    assert len(here.receipts) == len(there.receipts) >= len(made)
    may = {sha256_of(one.data): one.verdicts for one in made}
    limited = 0
    for one, other in zip(here.receipts, there.receipts, strict=True):
        if Verdict.TOO_LARGE in (one.verdict, other.verdict):
            # How fast the computer is decides at which limit a file stops, if at all.
            limited += 1
            assert one.sha256 == other.sha256
            if not one.envelope:
                assert {one.verdict, other.verdict} <= set(may[one.sha256])
        else:
            assert one == other
    assert limited <= 25
    both = here.extracted.keys() & there.extracted.keys()
    assert len(both) >= 45
    assert all(here.extracted[one] == there.extracted[one] for one in both)
    assert dask.alive == 2


@pytest.mark.slow
def test_the_limits_hold_on_a_worker_of_the_cluster(dask: Dask) -> None:
    with reading(cluster_at(dask.address)) as service:
        started = time.monotonic()
        with pytest.raises(Unreadable, match=r"超过 0\.5 秒") as slow:
            service.call("misbehaviour:hang", seconds=0.5)
        assert slow.value.fault is Fault.TOO_LARGE
        assert time.monotonic() - started < 10
        if sys.platform == "linux":
            with pytest.raises(Unreadable, match="内存") as large:
                service.call("misbehaviour:allocate")
            assert large.value.fault is Fault.TOO_LARGE
        for strange in ("die", "unplain"):
            with pytest.raises(Unreadable, match="内容异常"):
                service.call(f"misbehaviour:{strange}")
        assert service.call("misbehaviour:echo", "after") == "after"
    assert dask.alive == 2


@POSIX
@pytest.mark.slow
def test_a_file_that_takes_workers_with_it_takes_two_and_no_other_file(
    dask: Dask, tmp_path: Path
) -> None:
    dask.add_workers(1)
    dask.await_workers(3)
    with (
        reading(cluster_at(dask.address)) as service,
        ThreadPoolExecutor(service.at_once) as threads,
    ):
        others = [threads.submit(service.call, "misbehaviour:wait", 0.1, n) for n in range(40)]
        with pytest.raises(Unreadable, match="两次失去工作进程"):
            service.call("misbehaviour:kill_who_started_me")
        assert [one.result() for one in others] == list(range(40))
    assert dask.alive == 1


@POSIX
@pytest.mark.slow
def test_without_a_worker_the_command_ends(dask: Dask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfxl.cluster.workers._WITHOUT_WORKERS", 2.0)
    with reading(cluster_at(dask.address)) as service:
        threading.Timer(0.5, lambda: [kill(one) for one in dask.workers]).start()
        with pytest.raises(ClusterLost, match="没有工作进程"):
            service.call("misbehaviour:wait", 3, 1)
        # And so does everything after it, at once.
        with pytest.raises(ClusterLost):
            service.call("misbehaviour:echo", 1)


@POSIX
@pytest.mark.slow
def test_a_worker_that_stands_still_is_passed_over(
    dask: Dask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfxl.cluster.workers._PATIENCE", 2.0)
    monkeypatch.setattr("perfxl.cluster.workers._ANSWERS_WITHIN", 5.0)
    with reading(cluster_at(dask.address)) as service:
        dask.workers[0].send_signal(signal.SIGSTOP)
        found = list(ahead(lambda n: service.call("misbehaviour:echo", n), range(20)))
        assert found == [(n, n) for n in range(20)]
    # One that stands still from the start is not waited for either.
    with reading(cluster_at(dask.address)) as service:
        assert service.call("misbehaviour:echo", "fine") == "fine"


@pytest.mark.slow
def test_other_versions_are_refused_by_name_before_the_first_file(
    tmp_path: Path, many: Batch, misbehaviour: Path
) -> None:
    information = tmp_path / "other" / "python_calamine-0.0.1.dist-info" / "METADATA"
    information.parent.mkdir(parents=True)
    information.write_text("Metadata-Version: 2.1\nName: python-calamine\nVersion: 0.0.1\n")
    other = {"PYTHONPATH": os.pathsep.join(map(str, (information.parent.parent, misbehaviour)))}
    with dask_running(tmp_path / "dask", 1, (misbehaviour,)) as dask:
        with reading(cluster_at(dask.address)) as service:
            # One that comes later is left alone: there is another that can read.
            dask.add_workers(1, other)
            dask.await_workers(2)
            fits = service.call("misbehaviour:who")
            for _ in range(8):
                time.sleep(0.5)
                asked = ahead(lambda _: service.call("misbehaviour:who"), range(4))
                assert {who for _, who in asked} == {fits}
        with pytest.raises(OtherVersions, match=r"python-calamine 0\.0\.1（本机 [\d.]+）") as told:
            cluster_at(dask.address)
        assert "tcp://127.0.0.1:" in str(told.value)
        assert str(told.value).startswith("[E343]")
        folder = tmp_path / "campaign"
        shutil.copytree(many.folder, folder, ignore=shutil.ignore_patterns(INBOX))
        arguments = ["-C", str(folder), "ingest", str(many.files[0])]
        done = CliRunner().invoke(cli, [*arguments, "--workers", dask.address])
        assert isinstance(done.exception, OtherVersions)
        assert not list((folder / ORIGINALS).iterdir())


@pytest.mark.slow
def test_another_perfxl_is_refused_by_name(tmp_path: Path, repository: Path) -> None:
    older = tmp_path / "older" / "perfxl"
    shutil.copytree(repository / "perfxl", older, ignore=shutil.ignore_patterns("__pycache__"))
    text = (older / "__init__.py").read_text(encoding="utf-8")
    assert "__version__ = " in text
    (older / "__init__.py").write_text(f"{text}\n__version__ = '0.0.0'\n", encoding="utf-8")
    with (
        dask_running(tmp_path / "dask", 1, (older.parent,)) as dask,
        pytest.raises(OtherVersions, match=r"perfxl 0\.0\.0"),
    ):
        cluster_at(dask.address)


@pytest.mark.slow
def test_a_connection_is_encrypted_where_dask_is_told_so(
    tmp_path: Path, misbehaviour: Path
) -> None:
    certificate = tmp_path / "own.pem"
    certificate.write_bytes(certificate_with_key())
    configuration = {
        "distributed.comm.tls.ca-file": str(certificate),
        **{
            f"distributed.comm.tls.{role}.cert": str(certificate)
            for role in ("scheduler", "worker", "client")
        },
    }
    environment = {
        f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": value
        for name, value in configuration.items()
    }
    with (
        dask_config.set(configuration),
        dask_running(
            tmp_path / "dask", 1, (misbehaviour,), environment=environment, protocol="tls"
        ) as dask,
    ):
        assert dask.own_address.startswith("tls://")
        with reading(cluster_at(dask.address)) as service:
            assert service.call("misbehaviour:echo", "secret") == "secret"
        with (
            dask_config.set({"distributed.comm.tls.ca-file": None}),
            pytest.raises(NoCluster, match="加密"),
        ):
            cluster_at(dask.address)


@pytest.mark.slow
def test_a_worker_with_several_threads_reads_several_files_at_once(
    tmp_path: Path, misbehaviour: Path
) -> None:
    with (
        dask_running(tmp_path / "dask", 1, (misbehaviour,), threads=3) as dask,
        reading(cluster_at(dask.address)) as service,
        ThreadPoolExecutor(service.at_once) as threads,
    ):
        asked = [threads.submit(service.call, "misbehaviour:itself", 0.5) for _ in range(12)]
        assert len({one.result() for one in asked}) == 3


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfxl.cluster.workers._CONNECT_SECONDS", 0.3)
    for address in ("dask://127.0.0.1:1", "dask://127.0.0.1:0"):
        with pytest.raises(NoCluster, match="连不上") as told:
            cluster_at(address)
        assert told.value.code == "E341"


@pytest.mark.slow
def test_a_cluster_without_workers_is_told(tmp_path: Path) -> None:
    with (
        dask_running(tmp_path / "dask", 0) as dask,
        pytest.raises(NoCluster, match="没有能用的工作进程"),
    ):
        cluster_at(dask.address)


@pytest.mark.parametrize("address", ["dask://", "dask://host", "dask://:1", "dask://a b:1"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    with pytest.raises(NoCluster, match="看不懂"):
        cluster_at(address)


def test_without_the_library_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NoDistributed, match="distributed") as told:
        cluster_at("dask://127.0.0.1:8786")
    assert told.value.code == "E344"


@pytest.mark.parametrize("workers", ["many", "65", "-1", "tcp://127.0.0.1:1"])
def test_the_option_takes_a_number_or_an_address(workers: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["-C", str(tmp_path), "ingest", "--workers", workers])
    assert done.exit_code == 2
    assert "dask://主机:端口" in done.output


def test_a_number_of_processes_reads_as_one_does() -> None:
    def read(service: Service) -> list[Grid | Unreadable]:
        with reading(service):
            data = [(path.read_bytes(), path.name) for path in SAMPLES[:20]]
            return [found for _, found in ahead(lambda one: read_or_refusal(*one), data)]

    one, three = read(Workers(1)), read(Workers(3))
    assert len(one) == 20 and all(isinstance(found, Grid) for found in one)
    assert one == three


@pytest.mark.slow
def test_the_command_reads_on_the_cluster_and_leaves_it(
    finished_demo: Path, dask: Dask, tmp_path: Path
) -> None:
    shutil.copytree(finished_demo, tmp_path / "campaign")
    arguments = ["-C", str(tmp_path / "campaign"), "check"]
    here = CliRunner().invoke(cli, arguments)
    there = CliRunner().invoke(cli, [*arguments, "--workers", dask.address])
    assert (there.exit_code, there.output) == (here.exit_code, here.output)
    assert here.exit_code == 1
    assert kept_workers() is own_workers()
    kill(dask.scheduler)
    gone = CliRunner().invoke(cli, arguments, env={"PERFXL_WORKERS": dask.address})
    assert isinstance(gone.exception, NoCluster)
