"""The rectification book (整改台账) of one unit, filled in with what it has reported so far."""

from __future__ import annotations

import pandas as pd

from perfxl.excel.stamp import Stamp
from perfxl.excel.style import Role
from perfxl.excel.writer import WorkbookWriter
from perfxl.plan.forms import rectification_layout
from perfxl.plan.model import Plan, Unit
from perfxl.products.template import lines_high, write_stamp
from perfxl.tables import whole
from perfxl.values import date_of

_HEADING_ROW = 2
_TYPED = ("measure", "person", "progress", "evidence", "note")


def rectification_book(plan: Plan, unit: Unit, problems: pd.DataFrame, stamp: Stamp) -> bytes:
    """The book as .xlsx bytes; ``problems`` are the unit's rows of ``tables.RECTIFICATION``.

    Only the unit's own columns can be typed in.
    """
    layout = rectification_layout(plan.campaign, unit)
    assert layout.table is not None
    columns = layout.table.columns
    at = {column.key: index for index, column in enumerate(columns)}
    last = len(columns) - 1
    book = WorkbookWriter(title=layout.title, author=plan.campaign.issuer)
    sheet = book.sheet(layout.name)
    sheet.title(layout.title, layout.note, last)
    sheet.headings(_HEADING_ROW, columns)
    row = _HEADING_ROW
    for one in problems.itertuples(index=False):
        row += 1
        for key in ("number", "source", "description", "opinion"):
            sheet.text(row, at[key], getattr(one, key))
        sheet.number(row, at["lost"], whole(one.lost))
        sheet.date(row, at["due"], one.due, Role.FIXED)
        for key in _TYPED:
            sheet.text(row, at[key], getattr(one, key), Role.INPUT, columns[at[key]].kind)
        sheet.date(row, at["done_on"], date_of(one.done_on), Role.INPUT)
        texts = ("description", "opinion", "measure", "evidence", "note")
        tallest = (lines_high(getattr(one, key), columns[at[key]].width / 2, 13) for key in texts)
        sheet.raw.set_row(row, max(32.0, *tallest))
    for key in ("progress", "done_on"):
        if row > _HEADING_ROW:
            sheet.validate(_HEADING_ROW + 1, row, at[key], columns[at[key]])
    sheet.signatures(row + 2, layout.signatures, last)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 1)
    sheet.print_setup(
        landscape=True,
        last_column=last,
        repeat_rows=(_HEADING_ROW, _HEADING_ROW),
        last_row=row + 2,
    )
    sheet.protect()
    write_stamp(book, stamp)
    return book.to_bytes()
