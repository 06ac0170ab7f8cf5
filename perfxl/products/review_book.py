"""The review book of one section (股室评分表): claim, computation, findings beside the score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfxl.excel.stamp import Stamp
from perfxl.excel.style import Role
from perfxl.excel.writer import PAPER_A3, WorkbookWriter
from perfxl.layout.locate import column_letter
from perfxl.plan.forms import review_layout
from perfxl.plan.model import Plan
from perfxl.points import as_text
from perfxl.products.template import lines_high, write_stamp
from perfxl.reviews.books import BookOf
from perfxl.reviews.lines import ReviewLine

_HEADING_ROW = 2
_EMPHASIS: dict[str, Any] = {"font_color": "#C00000"}


def _change(line: ReviewLine) -> str:
    """What changed under the score since it was given."""
    return f"【核定后有变化】{line.changed}" if line.changed else ""


def review_book(plan: Plan, book_of: BookOf, lines: Sequence[ReviewLine], stamp: Stamp) -> bytes:
    """The book as .xlsx bytes; only approved score, reason, reviewer and 复看 can be typed in.

    The reviewer is given where it is one person's book, and 复看 is open only where something
    changed under the score.
    """
    layout = review_layout(plan, book_of.section, book_of.reviewer).sheets[0]
    assert layout.table is not None
    columns = layout.table.columns
    at = {column.key: index for index, column in enumerate(columns)}
    last = len(columns) - 1
    book = WorkbookWriter(title=layout.title, author=plan.campaign.issuer)
    sheet = book.sheet(layout.name)
    sheet.title(layout.title, layout.note, last)
    sheet.headings(_HEADING_ROW, columns)
    marks_letter = column_letter(at["full_marks"])
    for number, line in enumerate(lines):
        row = _HEADING_ROW + 1 + number
        for key in (
            "unit",
            "unit_name",
            "indicator",
            "name",
            "standard",
            "arithmetic",
            "basis",
            "evidence",
        ):
            sheet.text(row, at[key], getattr(line, key))
        findings = "\n".join(filter(None, (_change(line), line.findings)))
        sheet.text(row, at["findings"], findings, **_EMPHASIS if line.changed else {})
        for key in ("full_marks", "self_score", "computed"):
            sheet.number(row, at[key], getattr(line, key))
        sheet.number(row, at["approved"], line.approved, Role.INPUT)
        sheet.text(row, at["reason"], line.reason, Role.INPUT)
        sheet.text(
            row, at["reviewer"], line.reviewer, Role.FIXED if book_of.reviewer else Role.INPUT
        )
        sheet.text(row, at["looked_again"], "", Role.INPUT if line.changed else Role.FIXED)
        sheet.validate_score(
            row,
            at["approved"],
            full_marks_cell=f"{marks_letter}{row + 1}",
            step=plan.campaign.step,
            message=f"请填 0 至 {as_text(line.full_marks)} 之间、"
            f"{as_text(plan.campaign.step)} 的整数倍；空白表示尚未评定",
        )
        tallest = max(
            lines_high(line.basis, 12, 13),
            lines_high(findings, 15, 13),
            lines_high(line.evidence, 11, 13),
            lines_high(line.arithmetic, 13, 13),
            lines_high(line.name, 10, 13),
            lines_high(line.standard, 13, 13),
        )
        sheet.raw.set_row(row, max(28.0, tallest))
    end = _HEADING_ROW + 1 + len(lines)
    if lines:
        sheet.validate(_HEADING_ROW + 1, end - 1, at["looked_again"], columns[at["looked_again"]])
    sheet.signatures(end + 1, layout.signatures, last)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, at["full_marks"])
    sheet.raw.autofilter(_HEADING_ROW, 0, max(end - 1, _HEADING_ROW), last)
    sheet.print_setup(
        landscape=True,
        paper=PAPER_A3,
        last_column=last,
        repeat_rows=(_HEADING_ROW, _HEADING_ROW),
        header=book_of.name,
        last_row=end + 1,
    )
    sheet.protect(autofilter=True)
    write_stamp(book, stamp)
    return book.to_bytes()
