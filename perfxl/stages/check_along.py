"""Checks the returns of a large batch while others are still being read.

In goes what returns say, some at a time, as it is recorded; out comes how each unit stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from perfxl.campaign import Campaign
from perfxl.intake.extract import Extracted
from perfxl.tables import Severity, Status

# A check of few takes nearly as long as one of a hundred; of more than these the tables would take
# much memory. A county's batch is checked in one go.
_TOGETHER = 512


@dataclass(frozen=True)
class Checked:
    """How a unit stands: the return in force, by its hash, whether it is late, its findings."""

    receipt: str
    status: Status
    errors: int
    to_verify: int


class CheckAlong:
    """Takes what was recorded and checks it many at a time, on another thread.

    Whoever feeds the reading processes goes on with that meanwhile.
    """

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._waiting: dict[str, Extracted] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="perfxl-checking")
        self._under_way: Future[dict[str, Checked]] | None = None
        self._checked: dict[str, Checked] = {}
        self._failure: Exception | None = None

    def take(self, recorded: Mapping[str, Extracted]) -> None:
        """What returns say whose receipts were just recorded, by hash.

        A unit that sends another return is checked once more. What goes wrong is told by
        ``finish``: it must not keep the returns behind from being recorded.
        """
        self._waiting |= recorded
        while len(self._waiting) >= _TOGETHER:
            together = dict(islice(self._waiting.items(), _TOGETHER))
            self._waiting = dict(islice(self._waiting.items(), _TOGETHER, None))
            # No more than these and those before them are in memory.
            self._await()
            self._under_way = self._thread.submit(self._check, together)

    def finish(self) -> Mapping[str, Checked]:
        """All units of which something was taken, by code; what is left is checked now.

        Raises what ``gather`` does.
        """
        self._await()
        self._thread.shutdown()
        if self._failure is not None:
            raise self._failure
        if self._waiting:
            self._checked |= self._check(self._waiting)
            self._waiting = {}
        return self._checked

    def _await(self) -> None:
        if self._under_way is None:
            return
        try:
            self._checked |= self._under_way.result()
        except Exception as error:
            self._failure = self._failure or error
        self._under_way = None

    def _check(self, recorded: Mapping[str, Extracted]) -> dict[str, Checked]:
        # It loads pandas, which others do meanwhile.
        from perfxl.stages.gather import gather  # noqa: PLC0415

        units = {str(one.returns["unit"][0]) for one in recorded.values()}
        gathered = gather(self._campaign, units, recorded)
        counts = gathered.checked.findings.groupby(["unit", "severity"]).size().to_dict()
        return {
            unit: Checked(
                gathered.receipts[unit].sha256,
                gathered.status[unit],
                int(counts.get((unit, Severity.ERROR), 0)),
                int(counts.get((unit, Severity.VERIFY), 0)),
            )
            # Another program may have decided meanwhile that a file is another unit's.
            for unit in units & gathered.receipts.keys()
        }
