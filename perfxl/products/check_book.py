"""The check book of a spot check (抽查核查表): what the unit said beside what the check finds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from perfxl.excel.stamp import Stamp
from perfxl.excel.style import Role
from perfxl.excel.writer import PAPER_A3, SheetWriter, WorkbookWriter
from perfxl.layout.declare import NUMERIC, SheetLayout, ValueKind
from perfxl.plan.forms import said_key
from perfxl.plan.model import Plan, SpotCheck
from perfxl.points import HUNDREDTHS
from perfxl.products.template import lines_high, write_stamp
from perfxl.spot_checks.reading import shown_said
from perfxl.spot_checks.results import execution_rate, said_of
from perfxl.tables import whole
from perfxl.values import date_of

_HEADING_ROW = 2


def check_book(
    plan: Plan,
    spot_check: SpotCheck,
    layout: SheetLayout,
    checked: pd.DataFrame,
    stamp: Stamp,
    header: str,
) -> bytes:
    """The book as .xlsx bytes, filled in with what was found so far (``tables.SAMPLE_CHECKED``).

    Only conclusion, count, description, checker and date can be typed in.
    """
    assert layout.table is not None
    columns = layout.table.columns
    at = {column.key: index for index, column in enumerate(columns)}
    last = len(columns) - 1
    book = WorkbookWriter(title=layout.title, author=plan.campaign.issuer)
    sheet = book.sheet(layout.name)
    sheet.title(layout.title, layout.note, last)
    sheet.headings(_HEADING_ROW, columns)
    row = _HEADING_ROW
    for drawn in checked.itertuples(index=False, name="Drawn"):
        row += 1
        _row(sheet, row, at, layout, plan, spot_check, drawn)
    for key in ("conclusion", "problems", "description", "checked_on"):
        if row > _HEADING_ROW:
            sheet.validate(_HEADING_ROW + 1, row, at[key], columns[at[key]])
    sheet.signatures(row + 2, layout.signatures, last)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, at["name"] + 1)
    sheet.raw.autofilter(_HEADING_ROW, 0, row, last)
    sheet.print_setup(
        landscape=True,
        paper=PAPER_A3,
        last_column=last,
        repeat_rows=(_HEADING_ROW, _HEADING_ROW),
        header=header,
        last_row=row + 2,
    )
    sheet.protect(autofilter=True)
    write_stamp(book, stamp)
    return book.to_bytes()


def _row(
    sheet: SheetWriter,
    row: int,
    at: Mapping[str, int],
    layout: SheetLayout,
    plan: Plan,
    spot_check: SpotCheck,
    drawn: Any,
) -> None:
    assert layout.table is not None
    unit = plan.unit_by_code.get(drawn.unit)
    unit_name = unit.name if unit else ""
    place = f"{drawn.file}\n{drawn.sheet} 第 {drawn.row} 行"
    sheet.number(
        row, at["number"], drawn.number * HUNDREDTHS, Role.FIXED, ValueKind.INTEGER, font_size=10
    )
    for key, text in (
        ("unit", drawn.unit),
        ("unit_name", unit_name),
        ("project", drawn.project),
        ("name", drawn.name),
        ("place", place),
    ):
        sheet.text(row, at[key], text)
    said = said_of(drawn.said)
    for label in spot_check.shown:
        column = layout.table.column(said_key(label))
        value = said.get(label)
        if column.kind in NUMERIC and column.kind is not ValueKind.PERCENT:
            amount = value if isinstance(value, int) else None
            sheet.number(row, at[column.key], amount, Role.FIXED, column.kind)
        else:
            sheet.text(row, at[column.key], shown_said(column.kind, value))
    if "rate" in at:
        sheet.number(row, at["rate"], execution_rate(spot_check, said))
    problems = whole(drawn.problems)
    sheet.text(row, at["conclusion"], drawn.conclusion, Role.INPUT, ValueKind.CHOICE)
    count = None if problems is None else problems * HUNDREDTHS
    sheet.number(row, at["problems"], count, Role.INPUT, ValueKind.INTEGER)
    sheet.text(row, at["description"], drawn.description, Role.INPUT)
    sheet.text(row, at["checker"], drawn.checker, Role.INPUT)
    sheet.date(row, at["checked_on"], date_of(drawn.checked_on), Role.INPUT)
    tallest = max(
        lines_high(drawn.name, 13, 13),
        lines_high(unit_name, 9, 13),
        lines_high(place, 10, 13),
        lines_high(drawn.project, 7, 13),
        lines_high(drawn.description, 17, 13),
    )
    sheet.raw.set_row(row, max(30.0, tallest))
