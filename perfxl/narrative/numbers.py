"""Numbers as Chinese reports write them, read exactly."""

from __future__ import annotations

import re
from fractions import Fraction

# One character for one, so that a place in the plain text is the place in the report.
_PLAIN = str.maketrans(
    "０１２３４５６７８９．％（）：　\u00a0﹙﹚〇／",
    "0123456789.%():  ()零/",
)
_WIDE_SEPARATOR = re.compile(r"(?<=[0-9０-９])，(?=[０-９]{3}(?![０-９]))")

DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
NUMERALS = r"(?:[零一二两三四五六七八九十百]+(?:点[零一二三四五六七八九]+)?)"
NUMBER = rf"(?:(?<![\d.,]){DIGITS}|{NUMERALS})"

_VALUES = {"零": 0, "一": 1, "二": 2, "两": 2} | {c: i for i, c in enumerate("三四五六七八九", 3)}


def plain(text: str) -> str:
    """Full-width digits, brackets and spaces as ASCII, every character in its old place."""
    return _WIDE_SEPARATOR.sub(",", text).translate(_PLAIN)


def number(text: str) -> Fraction | None:
    """``49,908``, ``97.5``, ``十八点五``; None where it is no number (``十十``)."""
    digits = text.replace(",", "")
    if re.fullmatch(r"\d+(\.\d+)?", digits):
        return Fraction(digits)
    whole, point, rest = text.partition("点")
    amount = _whole(whole)
    if amount is None or not point:
        return None if amount is None else Fraction(amount)
    return amount + Fraction("0." + "".join(str(_VALUES[one]) for one in rest))


def decimals(text: str) -> int:
    """How many digits stand behind the point."""
    for point in (".", "点"):
        if point in text:
            return len(text.partition(point)[2])
    return 0


def shown(value: Fraction, places: int = 2) -> str:
    """A number with separators, rounded half up to at most so many places, no trailing zeros."""
    scaled = (2 * value.numerator * 10**places + value.denominator) // (2 * value.denominator)
    whole, rest = divmod(scaled, 10**places)
    return f"{whole:,}" + (f".{rest:0{places}d}".rstrip("0") if rest else "")


def _whole(text: str) -> int | None:
    found = re.fullmatch(
        r"(?:([一二两三四五六七八九])百零?)?(?:([一二三四五六七八九]?)(十))?([零一二两三四五六七八九]?)",
        text,
    )
    if not text or found is None:
        return None
    hundreds, tens, ten, ones = found.groups()
    return (
        100 * _VALUES.get(hundreds or "零", 0)
        + (10 * _VALUES.get(tens or "一", 1) if ten else 0)
        + _VALUES.get(ones or "零", 0)
    )
