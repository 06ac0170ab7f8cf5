"""Reads files on the workers of a Dask cluster, as this computer's own processes would.

There too every file is read in a process of its own within the same limits (``isolation``), and
what comes back is plain data. What a cluster adds is what can happen to machines: a worker that is
lost has its files read once more on another, and without its scheduler the command ends.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, wait
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass
from typing import Any, TypeVar

import dask
import distributed
from distributed.scheduler import KilledWorker

from perfxl.cluster.versions import versions_here
from perfxl.errors import ClusterLost, Fault, NoCluster, OtherVersions, PerfxlError, Unreadable
from perfxl.isolation.messages import SECONDS
from perfxl.isolation.service import packed_answer, unpacked_answer
from perfxl.isolation.worker import START_SECONDS

_CONNECT_SECONDS = 10.0
# A worker that is asked for its versions may have to import everything first.
_ANSWERS_WITHIN = 20.0
# How long a cluster may be without a single worker before a command gives up.
_WITHOUT_WORKERS = 30.0
_LOOK_EVERY, _WAIT = 2.0, 0.5
# How long it may take with one file, its own process to start included.
_PATIENCE = START_SECONDS + 4 * SECONDS
_RETRIES = 1
# A worker has one file more than it reads at once, so that it never waits for the next.
_SPARE = 1
_MOST_AT_ONCE = 64
Result = TypeVar("Result")

_NO_SCHEDULER = "与 Dask 调度程序的连接中断"
_RESTART = (
    "原件已经保存，记录没有缺漏；请检查 Dask 后重新执行同一条命令，或不加 --workers 在本机执行"
)


@dataclass
class _Site:
    """One worker of the cluster: how many files it may have, and how many it has."""

    address: str
    threads: int
    executor: Executor
    taken: int = 0

    @property
    def most(self) -> int:
        return self.threads + _SPARE


class _SiteLostError(Exception):
    """The worker went away with what it had been given."""


class _SiteSilentError(Exception):
    """The worker is there and does not answer: it is stopped, or busy with the work of others."""


class DaskWorkers:
    """The workers of a Dask cluster as one reading service (``isolation.service.Service``).

    A file is given to one worker by name: only so is it known which worker was lost over which
    file, and a worker with other versions never gets one. A second attempt has its worker to
    itself, so that no file is blamed for its neighbour.
    """

    def __init__(self, address: str) -> None:
        """Connect to the scheduler at ``HOST:PORT``.

        Raises NoCluster, and OtherVersions where a worker, or the scheduler, differs from here.
        """
        self._client = _client(address)
        self._sites: dict[str, _Site] = {}
        # Those that are not given anything, and why if it is known.
        self._unfit: dict[str, str] = {}
        self._changed = threading.Condition()
        self._looking = threading.Lock()
        self._looked_at = 0.0
        self._alive_at = time.monotonic()
        self._lost = ""
        self._here = versions_here()
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        try:
            found: object = self._client.run_on_scheduler(versions_here)
        except Exception as error:
            # It cannot even name the function.
            found = error
        told = self._difference(found)
        different = [f"调度程序：{told}"] if told else []
        self._look()
        different += [
            f"工作进程 {address}：{told}" for address, told in self._unfit.items() if told
        ]
        if different:
            raise OtherVersions(
                "Dask 上的版本与本机不同：" + "；".join(different),
                remedy="请在这些机器上安装与本机相同的版本，再启动 Dask；一个文件也没有读",
            )
        if not self._sites:
            raise NoCluster(
                "Dask 上没有能用的工作进程", remedy="请先启动 dask worker，或等它们空闲时再执行"
            )

    @property
    def at_once(self) -> int:
        """As many as keep every worker busy."""
        with self._changed:
            return min(_MOST_AT_ONCE, sum(site.most for site in self._sites.values()) or 1)

    def start(self, files: int = 1) -> None:
        """Nothing: the workers are there."""

    def call(
        self, function: str, *arguments: object, seconds: float = SECONDS, second: str = ""
    ) -> Any:
        """As ``Worker.call``, on a worker of the cluster. Raises ClusterLost as well."""
        deaths = 0
        while deaths <= _RETRIES:
            with self._site(alone=deaths > 0) as site:
                job = self._given(
                    site, packed_answer, function, arguments, seconds, second, site.threads
                )
                try:
                    return unpacked_answer(self._answer(site, job))
                except _SiteLostError:
                    deaths += 1
                except _SiteSilentError:
                    pass
        raise Unreadable(
            "读取时两次失去工作进程，没有读成",
            remedy="请单独在本机收取这个文件；仍读不出来的，请用 Excel 或 WPS 另存后重新报送",
            fault=Fault.UNREADABLE,
        )

    def close(self) -> None:
        """Leave the cluster as it was found."""
        with contextlib.suppress(OSError, TimeoutError, RuntimeError):
            self._client.close(timeout=2)

    @contextlib.contextmanager
    def _site(self, *, alone: bool) -> Iterator[_Site]:
        """A worker with room for one more file, the one with most room first."""
        site = self._taken(alone=alone)
        taken = site.most if alone else 1
        try:
            yield site
        finally:
            with self._changed:
                site.taken -= taken
                self._changed.notify_all()

    def _taken(self, *, alone: bool) -> _Site:
        self._look()
        while True:
            with self._changed:
                self._raise_if_lost()
                free = [s for s in self._sites.values() if s.taken < s.most]
                if alone:
                    free = [s for s in free if not s.taken]
                if free:
                    site = min(free, key=lambda s: s.taken / s.most)
                    site.taken += site.most if alone else 1
                    return site
                self._changed.wait(_WAIT)
            self._look()

    def _given(
        self, site: _Site, work: Callable[..., Result], *arguments: object
    ) -> Future[Result]:
        try:
            return site.executor.submit(work, *arguments)
        except Exception as error:
            # A client that has closed itself says so in several ways.
            self._lose(_NO_SCHEDULER)
            raise self._loss() from error

    def _answer(self, site: _Site, job: Future[bytes]) -> bytes:
        given_at = time.monotonic()
        while True:
            try:
                return job.result(timeout=_WAIT)
            except WaitedTooLong:
                self._look()
                with self._changed:
                    self._raise_if_lost()
                    gone = self._sites.get(site.address) is not site
                    silent = time.monotonic() - given_at > _PATIENCE
                    if silent and not gone:
                        self._unfit[site.address] = ""
                        del self._sites[site.address]
                if gone or silent:
                    job.cancel()
                    raise (_SiteLostError if gone else _SiteSilentError) from None
            except KilledWorker as error:
                raise _SiteLostError from error
            except PerfxlError:
                raise
            except CancelledError:
                self._lose(_NO_SCHEDULER)
                raise self._loss() from None
            except Exception as error:
                raise ClusterLost(
                    f"Dask 工作进程 {site.address} 不能读取文件（{type(error).__name__}）",
                    remedy=_RESTART,
                ) from error

    def _look(self) -> None:
        """See which workers there are, if that has not been done a moment ago."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            if self._lost or time.monotonic() - self._looked_at < _LOOK_EVERY:
                return
            threads = self._threads()
            if threads is None:
                self._lose(_NO_SCHEDULER)
                return
            new = threads.keys() - self._sites.keys() - self._unfit.keys()
            # Those that come later and differ are left alone: what is here is enough.
            self._unfit |= self._differences(new) if new else {}
            with self._changed:
                self._sites = {
                    address: self._sites.get(address) or self._new_site(address, count)
                    for address, count in threads.items()
                    if address not in self._unfit
                }
                self._changed.notify_all()
            self._looked_at = time.monotonic()
            if self._sites:
                self._alive_at = self._looked_at
            elif self._looked_at - self._alive_at > _WITHOUT_WORKERS:
                self._lose("Dask 上已经没有工作进程")
        finally:
            self._looking.release()

    def _threads(self) -> Mapping[str, int] | None:
        """How many threads each worker has, by address; None where the scheduler does not say."""
        if self._client.status != "running":
            return None
        try:
            found: Mapping[str, int] = self._client.sync(
                self._client.scheduler.ncores, callback_timeout=_CONNECT_SECONDS
            )
        except (OSError, TimeoutError, RuntimeError, AttributeError):
            return None
        return found

    def _new_site(self, address: str, threads: int) -> _Site:
        executor = self._client.get_executor(
            workers=[address], allow_other_workers=False, pure=False
        )
        return _Site(address, threads, executor)

    def _differences(self, addresses: Iterable[str]) -> dict[str, str]:
        """What is wrong with which worker, by address; blank where it does not answer."""
        asked = {
            address: self._given(self._new_site(address, 1), versions_here) for address in addresses
        }
        wait(asked.values(), timeout=_ANSWERS_WITHIN)
        told = {}
        for address, job in asked.items():
            if not job.done():
                job.cancel()
                told[address] = ""
            elif not job.cancelled():
                error = job.exception()
                difference = self._difference(error or job.result())
                told |= {address: difference} if difference else {}
        return told

    def _difference(self, there: object) -> str:
        if not isinstance(there, dict):
            return f"没有安装 perfxl {self._here['perfxl']}，或装的是别的版本"
        return "、".join(
            f"{name} {there.get(name) or '没有安装'}（本机 {here or '没有安装'}）"
            for name, here in self._here.items()
            if there.get(name) != here
        )

    def _lose(self, why: str) -> None:
        with self._changed:
            self._lost = self._lost or why
            self._changed.notify_all()

    def _loss(self) -> ClusterLost:
        return ClusterLost(self._lost, remedy=_RESTART)

    def _raise_if_lost(self) -> None:
        if self._lost:
            raise self._loss()


def _client(address: str) -> distributed.Client:
    """A connection to the scheduler, encrypted where distributed's configuration says how."""
    # What goes wrong is told in our own words.
    for name in ("distributed", "distributed.client", "distributed.core", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
    scheme = "tls" if distributed.Security().tls_ca_file else "tcp"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return distributed.Client(
                f"{scheme}://{address}",
                timeout=_CONNECT_SECONDS,
                set_as_default=False,
                name="perfxl",
            )
    except (OSError, TimeoutError, ValueError, RuntimeError) as error:
        raise NoCluster(
            f"连不上 Dask 调度程序 {address}",
            remedy="请确认调度程序已经启动、地址和端口正确、防火墙放行，加密设置与它一致",
        ) from error
