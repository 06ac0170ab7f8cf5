"""What a check is, and the register of all checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, Any

from perfxl.tables import Severity

if TYPE_CHECKING:
    import pandas as pd


REGISTERS = "registers"
# A project list of the budget system that has projects of the unit, and the register it fills.
IMPORTED = "imported"
# The same where no row of the unit was left out.
IMPORTED_WHOLE = "imported whole"


@dataclass(frozen=True)
class Check:
    """A rule about a unit's data.

    ``find`` takes tables by parameter name and returns the offending rows; ``needs`` are the table
    keys that must have arrived (``registers`` means every register). ``message`` and ``remedy``
    are filled from the offending row; ``title`` names the matter in a few words. A column
    ``severity`` in the offending rows goes before the check's own, where the plan decides.
    """

    code: str
    severity: Severity
    title: str
    on: str
    column: str
    message: str
    remedy: str
    needs: tuple[str, ...]
    find: Callable[..., pd.DataFrame]

    @property
    def rule(self) -> str:
        """The first sentence of the function's docstring."""
        return (self.find.__doc__ or "").strip().split("\n")[0]


CATALOGUE: dict[str, Check] = {}


def check(
    code: str,
    severity: Severity,
    *,
    title: str,
    on: str,
    column: str,
    message: str,
    remedy: str,
    needs: tuple[str, ...] = (),
) -> Callable[[Callable[..., pd.DataFrame]], Callable[..., pd.DataFrame]]:
    """Register a check under a code that is never reused."""

    def register(find: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
        if code in CATALOGUE:
            raise ValueError(f"check code {code} is used twice")
        CATALOGUE[code] = Check(code, severity, title, on, column, message, remedy, needs, find)
        return find

    return register


def run_one(entry: Check, material: Mapping[str, Any]) -> pd.DataFrame:
    """The offending rows of one check; ``material`` holds what it may ask for by name."""
    return entry.find(**{name: material[name] for name in signature(entry.find).parameters})
