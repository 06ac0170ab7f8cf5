"""What a check is, and the register of all checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any

from perfxl.plan.model import Plan
from perfxl.tables import Severity

if TYPE_CHECKING:
    import pandas as pd

    from perfxl.tables import RegisterRows


REGISTERS = "registers"


@dataclass(frozen=True)
class Check:
    """A rule about a unit's data.

    ``find`` takes tables by parameter name and returns the offending rows; ``needs`` are the table
    keys that must have arrived (``registers`` means every register). ``message`` and ``remedy``
    are filled from the offending row; ``title`` names the matter in a few words.
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


@dataclass(frozen=True)
class Material:
    """What checks may ask for by name as a parameter."""

    plan: Plan
    returns: pd.DataFrame
    sheets: pd.DataFrame
    entries: pd.DataFrame
    subtotals: pd.DataFrame
    strays: pd.DataFrame
    sum_rows: pd.DataFrame
    evidence: pd.DataFrame
    citations: pd.DataFrame
    data_items: pd.DataFrame
    computed: pd.DataFrame
    registers: Mapping[str, RegisterRows] = field(default_factory=dict)


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


def run_one(entry: Check, material: Material) -> pd.DataFrame:
    """The offending rows of one check."""
    wanted: dict[str, Any] = {
        name: getattr(material, name) for name in signature(entry.find).parameters
    }
    return entry.find(**wanted)
