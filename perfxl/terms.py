"""Until when: a term (一个月, 20 个工作日) from a day on.

Months follow the Civil Code (民法典, articles 202 and 203): the same day of the month, or its last
day. Working days follow the State Council's yearly arrangement of holidays with its shifted working
days, which ``chinese_calendar`` carries.
"""

from __future__ import annotations

import calendar
import datetime as dt

import chinese_calendar

from perfxl.errors import NoCalendar
from perfxl.plan.model import DayShift, Term, TermUnit


def due_on(term: Term, start: dt.date) -> dt.date:
    """The last day of a term that begins the day after ``start``.

    Raises NoCalendar where the holidays of a year are not known yet.
    """
    if term.unit is TermUnit.DAYS:
        return start + dt.timedelta(days=term.amount)
    if term.unit is TermUnit.MONTHS:
        year, month = divmod(start.year * 12 + start.month - 1 + term.amount, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return dt.date(year, month + 1, min(start.day, last))
    day, left = start, term.amount
    while left:
        day += dt.timedelta(days=1)
        left -= _is_working_day(day)
    return day


def on_working_day(day: dt.date, shift: DayShift) -> dt.date:
    """The day itself where it is a working day, else the next or the last one before it.

    Raises NoCalendar where the holidays of the year are not known yet.
    """
    step = {DayShift.LATER: 1, DayShift.EARLIER: -1, DayShift.STAYS: 0}[shift]
    while step and not _is_working_day(day, "或把“遇休息日”改为不变"):
        day += dt.timedelta(days=step)
    return day


def _is_working_day(
    day: dt.date, otherwise: str = "或在考核信息中把整改期限改为天数或月数"
) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError as error:
        raise NoCalendar(
            f"还不知道{day.year}年的放假安排，不能按工作日计算期限",
            remedy=f"请升级 chinesecalendar（pip install -U chinesecalendar），{otherwise}",
        ) from error
