"""Checks returns while others are still being read.

In goes what returns say, some at a time, as it is recorded; out comes how each unit stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from perfxl.campaign import Campaign
from perfxl.errors import PerfxlError
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
    """Takes what was recorded and checks it many at a time."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._waiting: dict[str, Extracted] = {}
        self._units: set[str] = set()
        self._checked: dict[str, Checked] = {}
        self._failure: PerfxlError | None = None

    def take(self, recorded: Mapping[str, Extracted]) -> None:
        """What returns say whose receipts were just recorded, by hash.

        A unit that sends another return is checked once more. What goes wrong is told by
        ``finish``: it must not keep the returns behind from being recorded.
        """
        self._waiting |= recorded
        self._units |= {str(one.returns["unit"][0]) for one in recorded.values()}
        if len(self._waiting) >= _TOGETHER:
            try:
                self._check()
            except PerfxlError as error:
                self._failure = self._failure or error

    def finish(self) -> Mapping[str, Checked]:
        """All units of which something was taken, by code. Raises what ``gather`` does."""
        if self._failure is not None:
            raise self._failure
        self._check()
        return self._checked

    def _check(self) -> None:
        if not self._units:
            return
        # It loads pandas, which others do meanwhile.
        from perfxl.stages.gather import gather  # noqa: PLC0415

        gathered = gather(self._campaign, self._units, self._waiting)
        counts = gathered.checked.findings.groupby(["unit", "severity"]).size().to_dict()
        for unit in self._units:
            self._checked[unit] = Checked(
                gathered.receipts[unit].sha256,
                gathered.status[unit],
                int(counts.get((unit, Severity.ERROR), 0)),
                int(counts.get((unit, Severity.VERIFY), 0)),
            )
        self._waiting, self._units = {}, set()
