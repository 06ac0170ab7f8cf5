"""What is due to the city month by month, and how it stands beside what was registered as sent."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from perfxl.errors import NoCalendar
from perfxl.plan.model import DayShift, MonthlyDuty
from perfxl.plan.names import same
from perfxl.terms import on_working_day

# Year and month.
Month = tuple[int, int]
_MONTH = re.compile(r"(?:(\d{4})年)?(\d{1,2})月?")


class DueState(StrEnum):
    """How a report to the city stands on a day."""

    ON_TIME = "按时"
    LATE = "迟报"
    MISSING = "漏报"
    NOT_YET = "未到期"


@dataclass(frozen=True)
class Due:
    """One report: the month that it is about, what, and its last day.

    ``note`` says where that day is uncertain (holidays of the year not known yet).
    """

    month: Month
    item: str
    on: dt.date
    note: str = ""


@dataclass(frozen=True)
class Sent:
    """A row of the register of reports: ``due`` and ``sent`` are None where they are blank."""

    month: Month | None
    item: str
    due: dt.date | None
    sent: dt.date | None
    content: str = ""
    document_number: str = ""
    row: int = 0


@dataclass(frozen=True)
class Standing:
    """A due report as it stands; ``sent`` is the row that counts, ``days`` how late it came."""

    due: Due
    state: DueState
    sent: Sent | None = None
    days: int = 0
    remark: str = ""


def following(month: Month, by: int = 1) -> Month:
    """The month that comes ``by`` months later (earlier where negative)."""
    year, index = divmod(month[0] * 12 + month[1] - 1 + by, 12)
    return year, index + 1


def month_of(text: str, year: int) -> Month | None:
    """``3月``, ``2024年3月`` or ``3`` as a month, of ``year`` where none is named; None for others."""
    match = _MONTH.fullmatch(text.strip())
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    return int(match[1] or year), int(match[2])


def dues_of_year(duties: Sequence[MonthlyDuty], year: int) -> list[Due]:
    """All reports about the months of a year, by month, then in the plan's order."""
    return [_due(duty, (year, month)) for month in range(1, 13) for duty in duties]


def _due(duty: MonthlyDuty, month: Month) -> Due:
    year, number = following(month) if duty.next_month else month
    last = calendar.monthrange(year, number)[1]
    day = dt.date(year, number, min(duty.day, last))
    if duty.shift is DayShift.STAYS:
        return Due(month, duty.item, day)
    try:
        return Due(month, duty.item, on_working_day(day, duty.shift))
    except NoCalendar:
        return Due(month, duty.item, day, f"{year}年放假安排还没有，暂按原定日期")


def standings(
    dues: Sequence[Due], register: Sequence[Sent], today: dt.date
) -> tuple[list[Standing], list[Sent]]:
    """How every report stands today, and the rows of the register that are about none of them.

    A day that the register itself names for a report goes before the plan's rule, as the city may
    have set another one. Of several rows about one report the first that was sent counts.
    """
    rows: dict[tuple[Month, str], list[Sent]] = {}
    for one in register:
        if one.month is not None:
            rows.setdefault((one.month, same(one.item)), []).append(one)
    found = []
    known = set()
    for due in dues:
        key = (due.month, same(due.item))
        known.add(key)
        found.append(_standing(due, rows.get(key, []), today))
    strange = [
        one for one in register if one.month is None or (one.month, same(one.item)) not in known
    ]
    return found, strange


def _standing(due: Due, rows: Sequence[Sent], today: dt.date) -> Standing:
    named = next((one.due for one in rows if one.due), None)
    remark = due.note
    on = due.on
    if named is not None and named != on:
        remark = f"登记的应报日期 {named:%Y-%m-%d} 与规定推算的 {on:%Y-%m-%d} 不同，按登记的"
        on = named
    due = Due(due.month, due.item, on, due.note)
    sent = min((one for one in rows if one.sent), key=lambda one: (one.sent, one.row), default=None)
    if sent is None or sent.sent is None:
        state = DueState.MISSING if today > on else DueState.NOT_YET
        days = (today - on).days if state is DueState.MISSING else 0
        return Standing(due, state, None, days, remark)
    if sent.sent > today:
        remark = "；".join(filter(None, (remark, "报送日期还没有到")))
    days = max(0, (sent.sent - on).days)
    return Standing(due, DueState.LATE if days else DueState.ON_TIME, sent, days, remark)


def counted(standing: Sequence[Standing]) -> Mapping[DueState, int]:
    """How many reports are in each state."""
    return {state: sum(one.state is state for one in standing) for state in DueState}
