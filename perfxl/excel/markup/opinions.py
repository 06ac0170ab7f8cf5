"""The first sheet of a marked copy: what is wrong, where, what to do, and room for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perfxl.excel.markup.schema import clean, element, lines, spaced
from perfxl.excel.markup.styles import Styles
from perfxl.excel.style import BLUE, BODY_FONT, GREY, HEADING_FONT, INK, INPUT_YELLOW, LINE
from perfxl.layout.locate import cell_name, column_letter

HEADING_ROW = 3
_LINE_POINTS, _TALLEST_ROW = 13.5, 400.0
_NARROW_COLUMN = 12
_TEXT_FORMAT = 49


@dataclass(frozen=True)
class OpinionSheet:
    """What the sheet says; ``targets`` are the (sheet, cell) that each row's link leads to.

    ``input_column`` is the one that the unit fills in; the rest is locked.
    """

    name: str
    title: str
    note: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    link_column: int
    targets: tuple[tuple[str, str] | None, ...]
    input_column: int
    widths: tuple[float, ...]


def opinion_sheet(opinions: OpinionSheet, styles: Styles) -> Any:
    """The worksheet."""
    last = len(opinions.headings) - 1
    last_row = HEADING_ROW + len(opinions.rows)
    sheet = element(
        "<worksheet><sheetPr><tabColor rgb='FFC00000'/><pageSetUpPr fitToPage='1'/></sheetPr>"
        f"<dimension ref='A1:{cell_name(last_row - 1, last)}'/>"
        "<sheetViews><sheetView showGridLines='0' tabSelected='1' workbookViewId='0'>"
        f"<pane ySplit='{HEADING_ROW}' topLeftCell='A{HEADING_ROW + 1}' activePane='bottomLeft' "
        "state='frozen'/><selection pane='bottomLeft'/></sheetView></sheetViews>"
        "<sheetFormatPr defaultRowHeight='15'/></worksheet>"
    )
    columns = element("<cols/>")
    for number, width in enumerate(opinions.widths, 1):
        columns.append(
            element(f"<col min='{number}' max='{number}' width='{width:g}' customWidth='1'/>")
        )
    sheet.append(columns)
    sheet.append(_rows(opinions, styles))
    sheet.append(
        element(
            "<sheetProtection sheet='1' objects='1' scenarios='1' formatColumns='0' "
            "formatRows='0'/>"
        )
    )
    if last:
        end = column_letter(last)
        sheet.append(
            element(
                f"<mergeCells count='2'><mergeCell ref='A1:{end}1'/>"
                f"<mergeCell ref='A2:{end}2'/></mergeCells>"
            )
        )
    links = _links(opinions)
    if len(links):
        sheet.append(links)
    for ending in (
        "<printOptions horizontalCentered='1'/>",
        "<pageMargins left='0.5' right='0.5' top='0.65' bottom='0.65' header='0.3' footer='0.3'/>",
        "<pageSetup paperSize='9' orientation='landscape' fitToHeight='0'/>",
        "<headerFooter><oddFooter>&amp;C&amp;9第 &amp;P 页，共 &amp;N 页</oddFooter></headerFooter>",
    ):
        sheet.append(element(ending))
    return sheet


def _rows(opinions: OpinionSheet, styles: Styles) -> Any:
    looks = _Looks(styles)
    data = element("<sheetData/>")
    blank = ("",) * (len(opinions.headings) - 1)
    note_height = max(18.0, lines(opinions.note, sum(opinions.widths)) * _LINE_POINTS + 4)
    data.append(_row(1, (opinions.title, *blank), [looks.title] * (len(blank) + 1), 32))
    data.append(_row(2, (opinions.note, *blank), [looks.note] * (len(blank) + 1), note_height))
    data.append(_row(HEADING_ROW, opinions.headings, [looks.heading] * len(opinions.headings), 30))
    for number, (texts, target) in enumerate(
        zip(opinions.rows, opinions.targets, strict=True), HEADING_ROW + 1
    ):
        chosen = [
            looks.answer
            if column == opinions.input_column
            else looks.link
            if column == opinions.link_column and target is not None
            else looks.centred
            if opinions.widths[column] < _NARROW_COLUMN
            else looks.text
            for column in range(len(texts))
        ]
        tallest = max(
            lines(text, max(width - 1.5, 2))
            for text, width in zip(texts, opinions.widths, strict=True)
        )
        height = min(_TALLEST_ROW, max(24.0, tallest * _LINE_POINTS + 6))
        # Not a custom height: a row grows with the answer that is typed into it.
        data.append(_row(number, texts, chosen, height, custom=False))
    return data


def _row(
    number: int, texts: Sequence[str], looks: Sequence[int], height: float, *, custom: bool = True
) -> Any:
    row = element(f"<row r='{number}' ht='{height:g}'/>")
    if custom:
        row.set("customHeight", "1")
    for column, (text, look) in enumerate(zip(texts, looks, strict=True)):
        cell = element(f"<c r='{cell_name(number - 1, column)}' s='{look}'/>")
        if text:
            cell.set("t", "inlineStr")
            held = element("<is/>")
            held.append(spaced("t", text))
            cell.append(held)
        row.append(cell)
    return row


def _links(opinions: OpinionSheet) -> Any:
    links = element("<hyperlinks/>")
    for number, target in enumerate(opinions.targets, HEADING_ROW):
        if target is None:
            continue
        sheet, cell = target
        quoted = sheet.replace("'", "''")
        link = element(f"<hyperlink ref='{cell_name(number, opinions.link_column)}'/>")
        link.set("location", f"'{quoted}'!{cell}")
        link.set("display", clean(opinions.rows[number - HEADING_ROW][opinions.link_column]))
        links.append(link)
    return links


class _Looks:
    """The cell formats of the sheet, as indexes into the workbook's styles."""

    def __init__(self, styles: Styles) -> None:
        plain, boxed = "<border><left/><right/><top/><bottom/><diagonal/></border>", _box()
        none = "<fill><patternFill patternType='none'/></fill>"
        body, wrapped = _font(BODY_FONT, 10, INK), "<alignment vertical='center' wrapText='1'/>"
        middle = "<alignment horizontal='center' vertical='center' wrapText='1'/>"
        self.title = styles.cell(
            font=_font(HEADING_FONT, 16, INK, "<b/>"), fill=none, border=plain, inside=middle
        )
        self.note = styles.cell(
            font=_font(BODY_FONT, 9, GREY), fill=none, border=plain, inside=wrapped
        )
        self.heading = styles.cell(
            font=_font(HEADING_FONT, 10, "#FFFFFF"), fill=_solid(BLUE), border=boxed, inside=middle
        )
        self.text = styles.cell(font=body, fill=none, border=boxed, inside=wrapped)
        self.centred = styles.cell(font=body, fill=none, border=boxed, inside=middle)
        self.link = styles.cell(
            font=_font(BODY_FONT, 10, "#0563C1", "<u/>"), fill=none, border=boxed, inside=wrapped
        )
        self.answer = styles.cell(
            font=body,
            fill=_solid(INPUT_YELLOW),
            border=boxed,
            inside=f"{wrapped}<protection locked='0'/>",
            number_format=_TEXT_FORMAT,
        )


def _font(name: str, size: int, colour: str, more: str = "") -> str:
    return (
        f"<font>{more}<sz val='{size}'/><color rgb='FF{colour[1:]}'/><name val='{name}'/>"
        "<family val='3'/><charset val='134'/></font>"
    )


def _solid(colour: str) -> str:
    return (
        f"<fill><patternFill patternType='solid'><fgColor rgb='FF{colour[1:]}'/>"
        "<bgColor indexed='64'/></patternFill></fill>"
    )


def _box() -> str:
    sides = "".join(
        f"<{side} style='thin'><color rgb='FF{LINE[1:]}'/></{side}>"
        for side in ("left", "right", "top", "bottom")
    )
    return f"<border>{sides}<diagonal/></border>"
