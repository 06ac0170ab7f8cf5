"""What people type, turned into exact values; what cannot be read is told apart from what is blank.

All functions take the Python value that a workbook reader gives for a cell.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from perfxl.points import HUNDREDTHS, hundredths

# Amounts beyond any budget are typing mistakes; they would also leave int64.
LARGEST = 10**12

_NUMBER = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d*)(\.\d*)?(亿元|万元|元|个|分|项|次|件|%)?")
YUAN = {"元": Decimal(1), "万元": Decimal(10_000), "亿元": Decimal(100_000_000)}
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_HAN_DATE = re.compile(
    r"([〇零○一二三四五六七八九]{4})年([一二三四五六七八九十]{1,3})月([一二三四五六七八九十]{1,3})日"
)
_HAN_DIGITS = {
    "〇": 0,
    "零": 0,
    "○": 0,
    **{han: n for n, han in enumerate("一二三四五六七八九", 1)},
}
_MIDNIGHT = re.compile(r"[ T]+0{1,2}:00(?::00)?$")
# Days since 1899-12-30, as Excel stores a date: what is left of one whose format was lost.
_SERIAL_ZERO, _FIRST_SERIAL, _LAST_SERIAL = dt.date(1899, 12, 30), 32_874, 55_153
_YEAR_BRACKETS = re.compile(r"[\[(【〔{<《](\d{4})[\])】〕}>》]")
_NEAR = 1e-6


def text_of(value: object) -> str:
    """A cell's content as one trimmed text; whole floats lose their ``.0`` (``3.0`` → ``3``)."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float):
        # Fifteen digits are what office programs show and keep: 0.1 + 0.2 is 0.3 in all of them.
        # By %, which is the quickest here.
        text = "%.15g" % value  # noqa: UP031
        return text if text != "-0" else "0"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    return str(value)


def squeeze(text: str) -> str:
    """Text for comparing: full-width forms folded (NFKC), all white space removed."""
    return _squeezed_short(text) if len(text) <= _SHORT else _squeezed(text)


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


# Codes, names and choices come again and again; long texts would fill the cache for nothing.
_SHORT = 40
_squeezed_short = lru_cache(maxsize=1 << 15)(_squeezed)


def number_of(value: object, unit: str = "万元") -> int | None:
    """Hundredths of a number cell, or of text such as ``２．５分``, ``1,033.00万元``, ``16.5亿元``.

    ``unit`` is the unit that is wanted: an amount typed with another unit of money is converted,
    one typed with a unit of money where none is wanted cannot be read, nor can a percentage where
    no percentage is wanted. Returns None for what is blank or cannot be read.
    """
    if isinstance(value, str):
        return _number_in(value, unit) if value else None
    # Anything from LARGEST up is a typing mistake; nan and the infinities fail the test too.
    if value.__class__ is not float and (
        isinstance(value, bool) or not isinstance(value, (int, float))
    ):
        return None
    if not -LARGEST < value < LARGEST:
        return None
    scaled = value * HUNDREDTHS
    nearest = round(scaled)
    return nearest if -_NEAR < scaled - nearest < _NEAR else hundredths(value)


def precise_number_of(value: object, unit: str = "万元") -> int | None:
    """As ``number_of``, but None for a number with more than two decimals instead of rounding it.

    For declarations, where 3.125 must be refused rather than become 3.13.
    """
    number = number_of(value, unit)
    if number is None or isinstance(value, int):
        return number
    if isinstance(value, float):
        # Of thousands of millions the product is further off, and the digits themselves decide.
        near = abs(value * HUNDREDTHS - number) < _NEAR
        return number if near or Decimal(repr(value)) * HUNDREDTHS == number else None
    fraction = squeeze(text_of(value)).partition(".")[2]
    digits = "".join(c for c in fraction if c.isdigit()).rstrip("0")
    return number if len(digits) <= 2 else None


def _number_in(text: str, wanted: str) -> int | None:
    match = _NUMBER.fullmatch(squeeze(text))
    if match is None:
        return None
    sign, whole, fraction, unit = match.groups()
    try:
        number = Decimal(f"{sign}{whole.replace(',', '')}{fraction or ''}")
    except InvalidOperation:
        return None
    if unit == "%" and wanted != "%":
        return None
    if unit in YUAN and unit != wanted:
        if wanted not in YUAN:
            return None
        number *= YUAN[unit] / YUAN[wanted]
    return hundredths(number) if abs(number) < LARGEST else None


def percent_of(value: object) -> int | None:
    """Hundredths of a percent: a cell of 0.955 and the texts ``95.5%``, ``95.5`` all give 9550.

    Returns None for what is blank or cannot be read.
    """
    if isinstance(value, str):
        return _number_in(value.rstrip().removesuffix("%").removesuffix("％"), "%")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < LARGEST:
        return None
    return number_of(value * 100)


def document_number_of(text: str) -> str:
    """A document number with its year in 〔〕 and without white space, however it was typed.

    ``石财绩 [2023] 5号``, ``石财绩（2023）５号`` → ``石财绩〔2023〕5号``.
    """
    # A function, because a template is looked through again at every match.
    return _YEAR_BRACKETS.sub(lambda year: f"〔{year[1]}〕", squeeze(text))


def date_of(value: object) -> dt.date | None:
    """The date of a date cell, of a number that Excel stores for one, or of a text.

    Texts: ``2023-3-5``, ``2023/3/5``, ``2023.3.5``, ``2023年3月5日``, ``20230305``,
    ``二〇二三年三月五日``. Returns None for what is blank or cannot be read.
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if _FIRST_SERIAL <= value <= _LAST_SERIAL and value == int(value):
            return _SERIAL_ZERO + dt.timedelta(days=int(value))
        value = text_of(value)
    return _date_in(value) if isinstance(value, str) else None


def _date_in(value: str) -> dt.date | None:
    text = _MIDNIGHT.sub("", unicodedata.normalize("NFKC", value).strip())
    match = _DATE.fullmatch(text) or _COMPACT_DATE.fullmatch(text)
    parts = [int(part) for part in match.groups()] if match else _han_date(text)
    try:
        return dt.date(*parts) if parts else None
    except ValueError:
        return None


def _han_date(text: str) -> list[int]:
    match = _HAN_DATE.fullmatch(squeeze(text))
    if match is None:
        return []
    year = int("".join(str(_HAN_DIGITS[han]) for han in match[1]))
    return [year, _han_number(match[2]), _han_number(match[3])]


def _han_number(text: str) -> int:
    """``三`` → 3, ``十二`` → 12, ``二十`` → 20; 0 for what is no number below 100."""
    tens, ten, ones = text.partition("十")
    if len(tens) > 1 or len(ones) > 1 or (not ten and len(text) > 1) or "十" in ones:
        return 0
    if not ten:
        return _HAN_DIGITS[text]
    return 10 * _HAN_DIGITS.get(tens, 1) + _HAN_DIGITS.get(ones, 0)


def moment_of(value: object) -> dt.datetime | None:
    """A date with a time (``2024-01-15 18:00``, ``2024-01-15T18:00``, ``2024年1月15日18:00``).

    A bare date means the end of that day.
    """
    if isinstance(value, dt.datetime) and value.time() != dt.time():
        return value
    day = date_of(value)
    if day is not None:
        return dt.datetime.combine(day, dt.time(23, 59, 59))
    if not isinstance(value, str):
        return None
    # The clock stands behind a space or T, or right behind 日: 2026年2月10日18:00.
    match = re.fullmatch(
        r"(.*?)(?:\s+|T|(?<=日))(\d{1,2})[:时](?:(\d{2})(?:[:分](\d{2}))?[分秒]?|(?<=时))",
        unicodedata.normalize("NFKC", value).strip(),
    )
    day = date_of(match[1]) if match else None
    if match is None or day is None:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[1:])
    try:
        return dt.datetime.combine(day, dt.time(hour, minute, second))
    except ValueError:
        return None
