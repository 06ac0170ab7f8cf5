"""Reads the plan's sheet 月报要求: what is due to the city every month, and by which day."""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.layout.declare import ValueKind
from perfxl.plan.model import DayShift, MonthlyDuty, Register
from perfxl.plan.names import find_name
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.workbook import MONTHLY, MONTHLY_SHEET, MONTHS_OF_REPORT

# The register of the year workbook in which the reports are entered, and its columns.
REGISTER = "月度报送"
MONTH, ITEM, DUE, SENT, CONTENT, DOCUMENT_NUMBER = (
    *("月份", "报送事项", "应报日期", "报送日期", "报送内容", "文号"),
)
_NEEDED = (MONTH, ITEM, DUE, SENT)
_LAST_DAY = 31


def read_monthly(book: PlanBook, registers: Sequence[Register]) -> tuple[MonthlyDuty, ...]:
    """The duties in order; mistakes go to the book."""
    rows = book.rows(MONTHLY_SHEET, needed=False)
    if not rows:
        return ()
    choices = _items_of_register(book, registers)
    seen: dict[str, Row] = {}
    found = []
    for row in rows:
        item = row.required(ITEM)
        twin = row.repeated(ITEM, seen)
        if twin:
            row.repeats(ITEM, twin)
        known = find_name(item, choices) if choices else item
        if item and known is None:
            what = f"登记表“{REGISTER}”的“{ITEM}”没有选项“{item}”"
            row.mistake("P155", ITEM, what, f"应为 {'、'.join(choices)} 之一，或在登记表中加上")
        month = row.required("报送月份")
        if month and month not in MONTHS_OF_REPORT:
            allowed = " 或 ".join(MONTHS_OF_REPORT)
            row.mistake("P106", "报送月份", f"“报送月份”应为 {allowed}，现为“{month}”")
        day = row.whole_at("几日前", needed=True)
        if day is not None and not 1 <= day <= _LAST_DAY:
            row.mistake(
                "P153", "几日前", f"“几日前”应为 1 至 31 的整数，现为“{row.text('几日前')}”"
            )
        shift = row.choice("遇休息日", DayShift) if row.text("遇休息日") else DayShift.LATER
        if item and day is not None and shift is not None:
            found.append(MonthlyDuty(known or item, day, month == MONTHS_OF_REPORT[1], shift))
    return tuple(found)


def _items_of_register(book: PlanBook, registers: Sequence[Register]) -> tuple[str, ...]:
    """What can be entered as 报送事项; the register must be there with its columns."""
    register = next((one for one in registers if find_name(REGISTER, [one.name])), None)
    columns = {} if register is None else {one.column.label: one.column for one in register.columns}
    absent = [label for label in _NEEDED if label not in columns]
    if absent:
        what = (
            f"登记表“{REGISTER}”没有列 {'、'.join(absent)}"
            if register
            else f"没有登记表“{REGISTER}”"
        )
        remedy = f"请在登记表中加上，或删去“{MONTHLY}”表"
        book.mistake("P154", MONTHLY, "", what, remedy)
        return ()
    column = columns[ITEM]
    return column.choices if column.kind is ValueKind.CHOICE else ()
