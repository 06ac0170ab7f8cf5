"""Marks a returned workbook for sending back, leaving what the unit wrote as it is.

The file is changed part by part: colours come as conditional formats, remarks as comments, the
list of opinions as a first sheet. No cell, no cell format and no part that has nothing to do with
these is touched. Marking a marked copy again replaces the earlier marks.

A comment belongs to whoever began it: what stands under our heading in a comment goes with the
next round. In a cell with threaded comments newer Excels show the thread only. A digital
signature is dropped, since it no longer holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from perfxl.excel.markup.book import Book
from perfxl.excel.markup.comments import comment
from perfxl.excel.markup.edited_package import EditedPackage
from perfxl.excel.markup.fills import COLOURS, fill, look, remove_fills
from perfxl.excel.markup.opinions import HEADING_ROW, OpinionSheet, opinion_sheet
from perfxl.excel.markup.places import Area, SheetPlaces, area_of
from perfxl.excel.markup.schema import main
from perfxl.excel.markup.styles import Styles

__all__ = ["Mark", "OpinionSheet", "mark_plain", "mark_workbook"]

_GRAVEST_FIRST = [*COLOURS, "提示"]


@dataclass(frozen=True)
class Mark:
    """A remark on a cell; ``severity`` (错误, 核实 or 提示) gives the colour."""

    sheet: str
    cell: str
    text: str
    severity: str


def mark_workbook(data: bytes, marks: Sequence[Mark], opinions: OpinionSheet) -> bytes:
    """The workbook with the marks in place and the opinions as its first sheet.

    A mark or a link whose place is not in this workbook is left out; the list names it still.
    Raises Unreadable where the file cannot be marked.
    """
    package = EditedPackage(data)
    book = Book(package)
    styles = Styles(package, book.part)
    worksheets = book.worksheets()
    for name, part in worksheets.items():
        if name != opinions.name:
            _mark_sheet(package, book, styles, part, [one for one in marks if one.sheet == name])
    targets = tuple(
        target if target and target[0] in worksheets and area_of(target[1]) else None
        for target in opinions.targets
    )
    sheet = opinion_sheet(replace(opinions, targets=targets), styles)
    book.put_first(opinions.name, sheet, HEADING_ROW)
    package.drop_signature()
    return package.to_bytes()


def mark_plain(
    data: bytes, marks: list[tuple[str, str, str, str]], opinions: tuple[object, ...]
) -> bytes:
    """``mark_workbook`` for a worker process: the fields of its arguments as plain tuples."""
    return mark_workbook(data, [Mark(*mark) for mark in marks], OpinionSheet(*opinions))  # type: ignore[arg-type]


def _mark_sheet(
    package: EditedPackage, book: Book, styles: Styles, part: str, marks: Sequence[Mark]
) -> None:
    sheet = package.tree(part)
    changed = remove_fills(sheet)
    places = SheetPlaces(sheet)
    texts: dict[Area, list[str]] = {}
    severities: dict[Area, str] = {}
    for mark in sorted(marks, key=lambda one: _rank(one.severity)):
        area = places.area(mark.cell)
        if area is not None:
            texts.setdefault(area, []).append(mark.text)
            severities.setdefault(area, mark.severity)
    colours: dict[int, list[str]] = {}
    for area, severity in severities.items():
        colours.setdefault(styles.index("dxfs", look(severity)), []).append(area.name)
    fill(sheet, colours)
    joined = {area: "\n".join(dict.fromkeys(said)) for area, said in texts.items()}
    changed |= comment(package, part, book.folder, places, joined) or bool(colours)
    for view in sheet.iterfind(f"{main('sheetViews')}/{main('sheetView')}"):
        changed |= view.attrib.pop("tabSelected", "0") in ("1", "true")
    if changed:
        package.touch(part)


def _rank(severity: str) -> int:
    return _GRAVEST_FIRST.index(severity) if severity in _GRAVEST_FIRST else len(_GRAVEST_FIRST)
