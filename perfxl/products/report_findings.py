"""The findings on a narrative report as a workbook (核对结果)."""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.excel.writer import WorkbookWriter
from perfxl.layout.declare import Column
from perfxl.narrative.findings import Finding, Verdict
from perfxl.products.template import lines_high

SHEET = "核对结果"
COLUMNS = (
    Column("number", "序号", width=6),
    Column("verdict", "结论", width=10),
    Column("subject", "内容", width=10),
    Column("place", "位置", width=14),
    Column("path", "所在标题", width=26),
    Column("sentence", "原文", width=48),
    Column("found", "报告写的", width=24),
    Column("follows", "核对得出", width=26),
    Column("arithmetic", "计算过程", width=34),
)
_HEADING_ROW = 2
_VERDICT_AT = 1
_ORDER = list(Verdict)
_SHADES = {Verdict.CONTRADICTION: "#F8D7DA", Verdict.UNDECIDED: "#FFF2CC"}


def report_findings(file: str, findings: Sequence[Finding]) -> bytes:
    """The findings as .xlsx bytes, contradictions first; the report's text stays text."""
    book = WorkbookWriter(title="自评报告核对结果")
    sheet = book.sheet(SHEET)
    last = len(COLUMNS) - 1
    counts = "，".join(
        f"{verdict} {sum(one.verdict is verdict for one in findings)} 处" for verdict in Verdict
    )
    sheet.title("自评报告核对结果", f"{file}    {counts}", last)
    sheet.headings(_HEADING_ROW, COLUMNS)
    row = _HEADING_ROW
    for one in in_order(findings):
        row += 1
        texts = (
            str(row - _HEADING_ROW), str(one.verdict), str(one.subject), one.place, one.path,
            one.sentence, one.found, one.follows, one.arithmetic,
        )  # fmt: skip
        for index, text in enumerate(texts):
            if index == _VERDICT_AT and one.verdict in _SHADES:
                sheet.text(row, index, text, bg_color=_SHADES[one.verdict])
            else:
                sheet.text(row, index, text)
        tallest = max(
            lines_high(text, column.width / 2 - 1, 13)
            for text, column in zip(texts, COLUMNS, strict=True)
        )
        sheet.raw.set_row(row, max(20.0, tallest))
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 0)
    sheet.raw.autofilter(_HEADING_ROW, 0, max(row, _HEADING_ROW + 1), last)
    sheet.print_setup(
        landscape=True, last_column=last, repeat_rows=(_HEADING_ROW, _HEADING_ROW), last_row=row
    )
    return book.to_bytes()


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Contradictions first, then what cannot be judged, each in the order of the report."""
    return sorted(findings, key=lambda one: (_ORDER.index(one.verdict), one.number))
