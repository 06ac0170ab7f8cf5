"""What the sheets of the consolidated workbook have in common: title, note, one heading row."""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.products.template import lines_high

# The sheet that lists the objections; a score that answers one names it as its place.
OBJECTIONS_SHEET = "复核申请"
HEADING_ROW = 2
FIRST_BODY_ROW = HEADING_ROW + 1
# Labels with widths in characters.
Columns = Sequence[tuple[str, float]]

# What asks for attention; light enough to read through in a black and white print.
FLAG = "#F3DCC4"
SIGNATURES = ("绩效组负责人（签字）：", "汇总人：", "日期：")


def begin(
    sheet: SheetWriter, title: str, note: str, columns: Columns, *, height: float = 26
) -> None:
    """Title, note, heading row and column widths; the body starts at ``FIRST_BODY_ROW``.

    Note and headings are put into the plan's words.
    """
    worded = sheet.book.worded
    sheet.title(title, worded(note), len(columns) - 1)
    for column, (label, width) in enumerate(columns):
        sheet.text(HEADING_ROW, column, worded(label), Role.HEADING)
        sheet.raw.set_column(column, column, width)
    sheet.raw.set_row(HEADING_ROW, height)


def continued(name: str, part: int) -> str:
    """The name of the sheet that holds this part (from 1) of a list too long for one sheet."""
    return name if part == 1 else f"{name}（{part}）"


def parts_of(rows: int, most: int) -> range:
    """The parts of a list of so many rows, at most so many in each; there is always one."""
    return range(1, max(1, -(-rows // most)) + 1)


def note_of_part(name: str, part: int, rows: int, most: int) -> str:
    """What the note above a part says of the others; nothing where there is one only."""
    parts = parts_of(rows, most)
    if len(parts) == 1:
        return ""
    told = f"    共 {rows} 行，一张表放不下，分 {len(parts)} 张，本表是第 {part} 张"
    return told + (f"，下接“{continued(name, part + 1)}”。" if part < len(parts) else "。")


def band(sheet: SheetWriter, row: int, columns: Columns, text: str) -> None:
    """A heading over the whole width, between two parts of a sheet."""
    sheet.merged(row, len(columns) - 1, text, Role.LEVEL_1)
    sheet.raw.set_row(row, 22)


def hide_helpers(sheet: SheetWriter, first: int, last: int) -> None:
    """Hide the columns that only formulas read."""
    sheet.raw.set_column(first, last, 9, None, {"hidden": True})


def wrapped_height(*texts: tuple[str, float], size: float = 10, least: float = 20) -> float:
    """The height (points) of a row that shows every text wrapped in a column of its width."""
    # A character of width is 5.25 points; a little is lost at the cell's edges, and no character
    # is cut in two.
    heights = [
        lines_high(text, max(1, (5.25 * width - 1) // size), size * 1.3) for text, width in texts
    ]
    return max([least, *heights])


def roomy_height(
    rows: int, columns_width: float, *, landscape: bool, used: float, least: float, most: float
) -> float:
    """A row height (points) with which ``rows`` fill one sheet of A paper, within limits.

    ``columns_width`` is the sheet's width in characters, which decides the scale of the print;
    ``used`` are the points that titles and signatures take.
    """
    # Width and height of the printable part of a landscape A3 page are to each other as those of
    # a landscape A4 page, and so are the scales: the ratio alone decides.
    ratio = 0.66 if landscape else 1.43
    room = columns_width * 5.5 * ratio - used
    return float(max(least, min(most, room // max(1, rows))))


def finish(sheet: SheetWriter, columns: Columns, last_row: int, frozen: int = 0) -> None:
    """Panes frozen below the headings and right of ``frozen`` columns; printed across the page."""
    sheet.raw.freeze_panes(FIRST_BODY_ROW, frozen)
    sheet.print_setup(
        landscape=True,
        last_column=len(columns) - 1,
        repeat_rows=(0, HEADING_ROW),
        last_row=max(last_row, HEADING_ROW),
    )
