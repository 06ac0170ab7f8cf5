"""文稿依据: every figure that the documents state, as they write it, and where it comes from."""

from __future__ import annotations

from perfxl.excel.writer import SheetWriter
from perfxl.products.consolidated import material as limits
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    HEADING_ROW,
    Columns,
    begin,
    finish,
    note_of_part,
    wrapped_height,
)
from perfxl.products.consolidated.material import Material

SHEET = "文稿依据"
_COLUMNS: Columns = (
    ("文书", 20),
    ("对象", 30),
    ("内容", 16),
    ("文稿中的写法", 50),
    ("取自", 36),
)


def write_basis(sheet: SheetWriter, material: Material, part: int = 1) -> None:
    """A figure a row, in the documents' order; ``part`` counts the sheets of a long list from 1."""
    most = limits.MOST_ROWS
    note = "通报、报告、反馈意见中的每个数和名单；文稿重新生成后与本表一致。"
    note += note_of_part(SHEET, part, len(material.basis), most)
    begin(sheet, f"{material.plan.campaign.name}{SHEET}", note, _COLUMNS)
    row = FIRST_BODY_ROW
    for line in material.basis[(part - 1) * most : part * most].itertuples(index=False):
        texts = (line.document, line.subject, line.field, line.text, line.source)
        for column, text in enumerate(texts):
            sheet.text(row, column, text)
        widths = [(text, _COLUMNS[column][1]) for column, text in enumerate(texts)]
        sheet.raw.set_row(row, wrapped_height(*widths))
        sheet.finish_rows(row)
        row += 1
    sheet.raw.autofilter(HEADING_ROW, 0, max(row - 1, HEADING_ROW), len(_COLUMNS) - 1)
    finish(sheet, _COLUMNS, row - 1)
