"""The kept worker: whatever happens in it, the caller goes on, and the next call works."""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from perfxl.errors import Fault, NoReadingProcess, Unreadable
from perfxl.isolation.messages import MEMORY_LIMIT
from perfxl.isolation.reading_ahead import ahead, in_lots
from perfxl.isolation.service import Workers, own_workers, packed_answer, unpacked_answer
from perfxl.isolation.worker import Worker, WorkerDied

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples" / "returns"

MISBEHAVIOUR = """
import ctypes, os, subprocess, sys, time
from perfxl.errors import Fault, Unreadable

def echo(value): return value
def die(): os.abort()
def leave(): sys.exit(3)
def leave_at_once(): os._exit(0)
def hang(): time.sleep(60)
def hang_in_c(): ctypes.PyDLL(None).sleep(60)
def allocate(): return len(bytearray(4 << 30))
def answer_too_much(): return ["x" * 1000 + str(n) for n in range(600_000)]
def print_much():
    print("noise" * 100_000, flush=True)
    os.write(1, b"noise" * 100_000)
    return "done"
def read_input(): return sys.stdin.read(), os.read(0, 10)
def unplain(): return subprocess.Popen
def refuse(): raise Unreadable("so", remedy="thus", fault=Fault.TOO_LARGE)
def fail(): raise ZeroDivisionError
def recurse(): return recurse()
def start_another():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open(os.environ["CHILD"], "w").write(str(child.pid))
    os.abort()
def wait(seconds, value):
    time.sleep(seconds)
    return value
def die_the_first_time(mark, value):
    try: open(mark, "x").close()
    except FileExistsError: return value
    os.abort()
def allocate_the_first_time(mark):
    try: open(mark, "x").close()
    except FileExistsError: return "once more"
    bytearray(4 << 30)
def process(): return os.getpid()
def die_late(): time.sleep(0.4); os.abort()
"""


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    (tmp_path / "misbehaviour.py").write_text(MISBEHAVIOUR, encoding="utf-8")
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))
    monkeypatch.syspath_prepend(tmp_path)
    one = Worker()
    yield one
    one.close()


def _works(worker: Worker) -> bool:
    return bool(worker.call("misbehaviour:echo", "still here") == "still here")


@pytest.mark.parametrize("what", ["die", "leave", "leave_at_once"])
def test_a_worker_that_dies_is_replaced(worker: Worker, what: str) -> None:
    with pytest.raises(WorkerDied, match="内容异常"):
        worker.call(f"misbehaviour:{what}")
    assert _works(worker)


@pytest.mark.parametrize("what", ["hang", "hang_in_c"])
def test_a_worker_that_hangs_is_stopped(worker: Worker, what: str) -> None:
    assert _works(worker)
    started = time.monotonic()
    with pytest.raises(WorkerDied, match="超过") as told:
        worker.call(f"misbehaviour:{what}", seconds=0.3)
    assert told.value.fault is Fault.TOO_LARGE
    assert time.monotonic() - started < 3
    assert _works(worker)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is POSIX's")
@pytest.mark.parametrize("what", ["allocate", "answer_too_much"])
def test_a_worker_that_wants_too_much_is_stopped(worker: Worker, what: str) -> None:
    with pytest.raises(WorkerDied) as told:
        worker.call(f"misbehaviour:{what}")
    assert told.value.fault is Fault.TOO_LARGE
    assert _works(worker)


def test_what_is_printed_does_not_come_among_the_answers(worker: Worker) -> None:
    assert worker.call("misbehaviour:print_much") == "done"
    assert worker.call("misbehaviour:read_input") == ("", b"")
    assert _works(worker)


def test_only_plain_data_comes_back(worker: Worker) -> None:
    with pytest.raises(WorkerDied, match="内容异常"):
        worker.call("misbehaviour:unplain")
    assert _works(worker)


def test_a_refusal_comes_back_as_it_was(worker: Worker) -> None:
    with pytest.raises(Unreadable) as told:
        worker.call("misbehaviour:refuse")
    assert (told.value.what, told.value.remedy, told.value.fault) == ("so", "thus", Fault.TOO_LARGE)
    for what, name in (("fail", "ZeroDivisionError"), ("recurse", "RecursionError")):
        with pytest.raises(Unreadable, match=name):
            worker.call(f"misbehaviour:{what}")
    assert _works(worker)


def test_over_a_death_it_is_tried_once_more(worker: Worker, tmp_path: Path) -> None:
    mark = str(tmp_path / "mark")
    assert worker.call("misbehaviour:die_the_first_time", mark, 7) == 7
    # A second function is tried whatever the first died of.
    assert worker.call("misbehaviour:die", second="misbehaviour:process") > 0
    with pytest.raises(WorkerDied, match="内容异常"):
        worker.call("misbehaviour:die", second="misbehaviour:die")


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of memory is POSIX's")
def test_what_a_limit_stopped_is_not_tried_again_as_it_was(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(WorkerDied, match="内存"):
        worker.call("misbehaviour:allocate_the_first_time", str(tmp_path / "mark"))
    assert worker.call("misbehaviour:allocate", second="misbehaviour:process") > 0


def test_both_attempts_have_the_time_of_one(worker: Worker) -> None:
    """And the limit that is told is the one for the file, whatever was left of it."""
    assert _works(worker)
    started = time.monotonic()
    with pytest.raises(WorkerDied, match="超过 1 秒"):
        worker.call("misbehaviour:die_late", seconds=1.0, second="misbehaviour:hang")
    # A fresh process had to start in between.
    assert 1.0 <= time.monotonic() - started < 4


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_a_worker_that_somebody_kills_is_tried_once_more(worker: Worker) -> None:
    assert _works(worker)
    threading.Timer(0.2, lambda: os.kill(worker.process or 0, signal.SIGKILL)).start()
    assert worker.call("misbehaviour:wait", 0.5, "done") == "done"


def test_an_interrupted_call_leaves_no_answer_behind(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to what was broken off must not be taken for the answer to the next."""
    assert _works(worker)

    def interrupted(_: object) -> object:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("perfxl.isolation.worker.received", interrupted)
        with pytest.raises(KeyboardInterrupt):
            worker.call("misbehaviour:echo", "stale")
    assert worker.call("misbehaviour:echo", "fresh") == "fresh"


def test_an_answer_in_the_last_moment_spoils_nothing(worker: Worker) -> None:
    """Around the limit a call may end either way; the call after it must not feel it."""
    for number in range(12):
        try:
            value = worker.call("misbehaviour:wait", 0.1, number, seconds=0.095 + number / 1000)
        except WorkerDied as told:
            assert told.fault is Fault.TOO_LARGE
        else:
            assert value == number
        assert worker.call("misbehaviour:echo", number) == number


def test_two_threads_may_call(worker: Worker) -> None:
    results: dict[int, object] = {}

    def use(number: int) -> None:
        for again in range(20):
            try:
                got = worker.call(
                    "misbehaviour:echo" if again % 4 else "misbehaviour:allocate",
                    *([(number, again)] if again % 4 else []),
                )
            except WorkerDied as told:
                assert told.fault is Fault.TOO_LARGE
                continue
            assert got == (number, again)
        results[number] = True

    threads = [threading.Thread(target=use, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {0: True, 1: True}


@pytest.mark.skipif(os.name != "posix", reason="process groups are POSIX's")
def test_what_the_worker_started_ends_with_it(worker: Worker, tmp_path: Path) -> None:
    with pytest.raises(WorkerDied):
        worker.call("misbehaviour:start_another")
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not _is_running(child):
            break
        time.sleep(0.02)
    assert not _is_running(child)


def _is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_worker_does_not_outlive_its_parent(worker: Worker, tmp_path: Path) -> None:
    script = (
        "import sys, threading, time\n"
        "from perfxl.isolation.worker import Worker\n"
        "worker = Worker()\n"
        "worker.call('misbehaviour:echo', 1)\n"
        "print(worker._process.pid, flush=True)\n"
        "worker.call('misbehaviour:hang', seconds=0.5)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    for _ in range(200):
        if not _is_running(child):
            break
        time.sleep(0.02)
    assert not _is_running(child)


def test_ahead_keeps_order_and_tells_every_error() -> None:
    def work(item: int) -> int:
        time.sleep(0.001 * (item % 3))
        if item == 30:
            raise ZeroDivisionError
        return item * item

    assert list(ahead(work, range(20))) == [(n, n * n) for n in range(20)]
    seen = []
    with pytest.raises(ZeroDivisionError):
        for item, _ in ahead(work, range(50)):
            seen.append(item)
    assert seen == list(range(30))


def test_ahead_finishes_what_came_before_a_failing_source() -> None:
    def source() -> Iterator[int]:
        yield from range(5)
        raise OSError("no more")

    seen = []
    with pytest.raises(OSError, match="no more"):
        for item, result in ahead(lambda item: item, source()):
            seen.append((item, result))
    assert seen == [(n, n) for n in range(5)]


def test_lots_hold_few_and_little_and_lose_no_order() -> None:
    sizes = [1, 1, 1 << 30, *[1] * 40, 600 << 10, 600 << 10, 1]
    lots = list(in_lots(enumerate(sizes), size=lambda item: item[1]))
    assert [item for lot in lots for item in lot] == list(enumerate(sizes))
    assert [len(lot) for lot in lots] == [2, 1, 16, 16, 9, 2]
    assert all(len(lot) == 1 or sum(size for _, size in lot) <= 1 << 20 for lot in lots)
    assert list(in_lots([], size=len)) == []


def test_a_lot_of_what_came_before_a_failing_source_is_given() -> None:
    def source() -> Iterator[int]:
        yield from range(3)
        raise OSError("no more")

    lots = in_lots(source(), size=lambda _: 1)
    assert next(lots) == [0, 1, 2]
    with pytest.raises(OSError, match="no more"):
        next(lots)


def test_ahead_takes_no_more_than_is_wanted_soon() -> None:
    taken = 0

    def source() -> Iterator[int]:
        nonlocal taken
        for number in range(200):
            taken = number + 1
            yield number

    for number, _ in ahead(lambda item: item, source(), most=8):
        assert taken <= number + 8
    assert taken == 200


def test_ahead_holds_no_more_bytes_than_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfxl.isolation.reading_ahead._BYTES_AHEAD", 100)
    held: set[int] = set()
    most = 0

    def source() -> Iterator[int]:
        nonlocal most
        for number in range(40):
            held.add(number)
            most = max(most, sum(60 if one % 10 else 500 for one in held))
            yield number

    for number, _ in ahead(lambda n: n, source(), size=lambda n: 60 if n % 10 else 500):
        held.discard(number)
    # One that is too large by itself is read, beside what had room before it.
    assert 100 <= most <= 60 + 500


def test_ahead_stops_when_nobody_wants_more() -> None:
    done = []
    running = ahead(lambda item: done.append(item) or time.sleep(0.05), range(1000))
    next(running)
    started = time.monotonic()
    running.close()
    assert time.monotonic() - started < 1
    assert len(done) < 12


def test_the_limit_is_as_declared() -> None:
    assert MEMORY_LIMIT == 768 << 20


def test_several_workers_answer_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "misbehaviour.py").write_text(MISBEHAVIOUR, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    workers = Workers(2)
    try:
        workers.start()
        assert workers.call("misbehaviour:echo", 0) == 0
        # One is enough as long as nobody waits.
        assert len(workers.processes) == 1
        started = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            asked = [threads.submit(workers.call, "misbehaviour:wait", 1, n) for n in range(4)]
            assert [one.result() for one in asked] == [0, 1, 2, 3]
        assert time.monotonic() - started < 4
        assert len(workers.processes) == 2
        with pytest.raises(WorkerDied):
            workers.call("misbehaviour:die")
        assert workers.call("misbehaviour:echo", 1) == 1
    finally:
        workers.close()
    assert workers.processes == []


def test_a_further_process_starts_when_there_is_enough_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "misbehaviour.py").write_text(MISBEHAVIOUR, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    workers = Workers(3, pays_from=4)

    def read(count: int) -> None:
        with ThreadPoolExecutor(3) as threads:
            asked = [
                threads.submit(workers.call, "misbehaviour:wait", 0.05, n) for n in range(count)
            ]
            assert [one.result() for one in asked] == list(range(count))

    try:
        read(4)
        assert len(workers.processes) == 1
        read(4)
        assert len(workers.processes) == 2
        workers.allow(1)
        read(4)
        assert len(workers.processes) == 2
    finally:
        workers.close()


def test_an_answer_from_elsewhere_is_only_taken_as_plain_data() -> None:
    for message in (
        pickle.dumps(("value", os.getcwd)),
        pickle.dumps(("value", Unreadable("x"))),
        pickle.dumps("not an answer"),
        b"\x80\x05 broken",
        b"",
    ):
        with pytest.raises(WorkerDied, match="内容异常"):
            unpacked_answer(message)
    data = (SAMPLES / "SL2023-101-石楼县教育科技局.xlsx").read_bytes()
    question = ("perfxl.excel.parsing:read_plain", (data,), 4.0, "", 2)
    assert unpacked_answer(packed_answer(*question)) == own_workers().call(question[0], data)
    with pytest.raises(Unreadable) as told:
        unpacked_answer(packed_answer(question[0], (data[:500],), 4.0, "", 2))
    with pytest.raises(Unreadable) as directly:
        own_workers().call(question[0], data[:500])
    assert str(told.value) == str(directly.value)
    assert told.value.fault is directly.value.fault is Fault.DAMAGED


def test_a_process_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    program = shutil.which("false")
    if program is None:
        pytest.skip("no program that ends at once")
    monkeypatch.setattr(sys, "executable", program)
    worker = Worker()
    with pytest.raises(NoReadingProcess):
        worker.call("perfxl.excel.parsing:read_plain", b"")
    monkeypatch.undo()
    with pytest.raises(Unreadable):
        worker.call("perfxl.excel.parsing:read_plain", b"")
    worker.close()
