"""Exact scores and money: integers of the smallest step, never binary floats.

Every number that perfxl reckons with (scores in 分, money in 万元, counts) is an ``int`` of
hundredths: 4.5 分 is 450, 1,033.00 万元 is 103300, 18 departments are 1800.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

HUNDREDTHS = 100


def hundredths(value: float | Decimal) -> int:
    """Round a number half up to hundredths; 1.005 as typed gives 101, as a person would say."""
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    return int((exact * HUNDREDTHS).to_integral_value(ROUND_HALF_UP))


def round_fraction(value: Fraction) -> int:
    """Round an exact fraction half up to an integer (for what is shown, never for comparing)."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def cut_to_step(value: Fraction, step: int) -> int:
    """Cut (never round up) an exact number of hundredths to a multiple of ``step`` hundredths."""
    return int(value // step) * step


def as_decimal(amount: int) -> Decimal:
    """``450`` → ``Decimal('4.50')``."""
    return Decimal(int(amount)) / HUNDREDTHS


def as_float(amount: int) -> float:
    """Hundredths as the nearest float, for writing into a cell and for nothing else."""
    return amount / HUNDREDTHS


@lru_cache(maxsize=1 << 14)
def as_text(amount: int, places: int | None = None) -> str:
    """``450`` → ``4.5``; with ``places=2`` → ``4.50``. Without places, trailing zeros go."""
    if places is not None:
        return f"{as_decimal(amount):.{places}f}"
    text = f"{as_decimal(amount):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def as_score(amount: int) -> str:
    """A score as offices write it: one decimal at least (``4.0``, ``4.5``, ``12.25``)."""
    return as_text(amount, 1) if amount % 10 == 0 else as_text(amount, 2)
