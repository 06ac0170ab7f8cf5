"""Has files read while the caller is busy with those before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from perfxl.isolation.service import kept_workers

# What is read ahead of the caller: so many items or lots for each process, and bytes in all.
_AHEAD, _BYTES_AHEAD = 4, 256 << 20
# What goes to a reading process in one call: so many, and bytes in all; one that is larger goes
# alone.
_LOT, _LOT_BYTES = 16, 1 << 20

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    most: int = 0,
    size: Callable[[Item], int] = lambda _: 0,
) -> Iterator[tuple[Item, Result]]:
    """Each item with what ``work`` makes of it, in order, computed ahead of the caller.

    The work is done on other threads, which mostly wait for the workers; meanwhile the caller goes
    on with its own. No more than ``most`` items wait (0: as many as keep the workers busy), and,
    where ``size`` tells the bytes of one, no more than fit in memory.
    """
    at_once = kept_workers().at_once
    most = most or at_once * _AHEAD
    remaining = iter(items)
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    held = 0
    failure: Exception | None = None
    threads = ThreadPoolExecutor(at_once, thread_name_prefix="perfxl-reading")
    try:
        while True:
            try:
                while failure is None and len(waiting) < most and held < _BYTES_AHEAD:
                    item = next(remaining)
                    held += size(item)
                    waiting.append((item, threads.submit(work, item)))
            except StopIteration:
                pass
            except Exception as error:
                # What came before it is finished first.
                failure = error
            if not waiting:
                break
            item, result = waiting.popleft()
            yield item, result.result()
            held -= size(item)
    finally:
        threads.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def in_lots(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Small items many at a time, in order: to hand one over takes nearly as long as many.

    Where the source fails, what came before it is given first.
    """
    lot: list[Item] = []
    held = 0
    try:
        for item in items:
            more = size(item)
            if lot and (len(lot) == _LOT or held + more > _LOT_BYTES):
                yield lot
                lot, held = [], 0
            lot.append(item)
            held += more
    except Exception:
        if lot:
            yield lot
        raise
    if lot:
        yield lot
