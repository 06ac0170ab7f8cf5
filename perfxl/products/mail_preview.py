"""The preview of a batch of mails (预览.xlsx): to whom goes which file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from perfxl.excel.writer import WorkbookWriter
from perfxl.layout.declare import Column
from perfxl.products.template import lines_high

PREVIEW_COLUMNS = tuple(
    Column(label, label, width=width)
    for label, width in (
        ("单位编码", 9),
        ("单位", 24),
        ("收件人", 28),
        ("抄送", 22),
        ("主题", 40),
        ("附件", 40),
        ("附件 SHA-256", 24),
        ("状态", 20),
        ("备注", 20),
    )
)
_HEADING_ROW = 2


@dataclass(frozen=True)
class PreviewRow:
    """One attachment of one mail, in the order of ``PREVIEW_COLUMNS``."""

    unit: str
    name: str
    to: str
    copies: str
    subject: str
    file: str
    sha256: str
    state: str
    note: str


def mail_preview(title: str, rows: Sequence[PreviewRow]) -> bytes:
    """The preview as .xlsx bytes."""
    book = WorkbookWriter(title=title)
    sheet = book.sheet("预览")
    last = len(PREVIEW_COLUMNS) - 1
    note = "发出前请核对收件人和附件；改动请在考核方案中改，再执行一次。"
    sheet.title(title, note, last)
    sheet.headings(_HEADING_ROW, PREVIEW_COLUMNS)
    for row, record in enumerate(rows, _HEADING_ROW + 1):
        tallest = 18.0
        for index, text in enumerate(astuple(record)):
            sheet.text(row, index, text, font_size=10)
            tallest = max(tallest, lines_high(text, PREVIEW_COLUMNS[index].width / 2, 13))
        sheet.raw.set_row(row, tallest)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 2)
    sheet.print_setup(landscape=True, last_column=last, repeat_rows=(_HEADING_ROW, _HEADING_ROW))
    return book.to_bytes()
