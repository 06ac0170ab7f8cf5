"""Writes cells into a workbook that people keep, leaving everything else in it as it is.

The file is changed part by part: what is not written to keeps its bytes, so that formats, notes,
filters, further columns and further sheets of its owners survive.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from perfxl.errors import Unreadable
from perfxl.excel.markup.book import Book
from perfxl.excel.markup.edited_package import EditedPackage
from perfxl.excel.markup.places import Area, area_of
from perfxl.excel.markup.schema import LAST_ROW, element, lines, main, part_of, spaced
from perfxl.excel.markup.styles import Styles
from perfxl.excel.style import BLUE, BODY_FONT, HEADING_FONT, INK, LINE
from perfxl.layout.locate import cell_name

# 0-based row and column.
Spot = tuple[int, int]
# A text, or a number as it is shown.
Written = str | float

MARKED = "#FFE699"
_TEXT_FORMAT = 49
_TALLEST = 160
_NAME = re.compile(r"([A-Z]{1,3})([1-9]\d{0,6})")


@dataclass(frozen=True)
class SheetEdit:
    """What is written to one sheet: cells by place; blank text empties a cell.

    A new row looks like the row that ``like`` names for it, a cell in ``looks`` like that other
    cell; ``heights`` are in points; ``marked`` cells get a fill of ours.
    """

    sheet: str
    cells: Mapping[Spot, Written]
    like: Mapping[int, int] = field(default_factory=dict)
    looks: Mapping[Spot, Spot] = field(default_factory=dict)
    heights: Mapping[int, float] = field(default_factory=dict)
    marked: frozenset[Spot] = frozenset()


@dataclass(frozen=True)
class NewSheet:
    """A sheet to be added behind the others: a title, a note, and a table under its headings."""

    name: str
    note: str
    headings: Sequence[str]
    widths: Sequence[float]
    rows: Sequence[Sequence[str]]
    hidden: bool = False


def edited_workbook(
    data: bytes, edits: Sequence[SheetEdit], added: Sequence[NewSheet] = ()
) -> bytes:
    """The workbook with these cells written and these sheets added.

    Ranges that end with the row that a new row is ``like`` (validation, conditional formats,
    filters, tables) reach the new row too. Raises Unreadable where the file cannot be changed (no
    .xlsx, encrypted, damaged) or has no such sheet.
    """
    try:
        return _edited(data, edits, added)
    except Unreadable as error:
        what = error.what.removeprefix("不能在原件上标注：")
        raise Unreadable(what, remedy=error.remedy, fault=error.fault) from error


def _edited(data: bytes, edits: Sequence[SheetEdit], added: Sequence[NewSheet]) -> bytes:
    package = EditedPackage(data)
    book = Book(package)
    styles = Styles(package, book.part)
    worksheets = book.worksheets()
    for edit in edits:
        if edit.sheet not in worksheets:
            raise Unreadable(f"没有工作表“{edit.sheet}”")
        part = worksheets[edit.sheet]
        _Sheet(package, styles, part).write(edit)
        package.touch(part)
    if any(_overwrites_formula(package, worksheets[edit.sheet]) for edit in edits):
        chain = package.related(book.part, "calcChain")
        if chain is not None:
            package.unrelate(book.part, chain)
    for sheet in added:
        book.put_last(sheet.name, _new_sheet(sheet, styles), hidden=sheet.hidden)
    package.drop_signature()
    return package.to_bytes()


def _overwrites_formula(package: EditedPackage, part: str) -> bool:
    """Whether an edited sheet holds formulas: their order of calculation is found again."""
    return next(package.tree(part).iter(main("f")), None) is not None


class _Sheet:
    """The rows of one sheet, to be written to."""

    def __init__(self, package: EditedPackage, styles: Styles, part: str) -> None:
        self._package, self._styles, self._part = package, styles, part
        self._root = package.tree(part)
        self._data = self._root.find(main("sheetData"))
        if self._data is None:
            raise Unreadable("工作表没有内容部分，文件不完整")
        self._rows: dict[int, Any] = {}
        number = -1
        for row in self._data.iterfind(main("row")):
            number = _index(row.get("r"), number + 1)
            self._rows[number] = row

    def write(self, edit: SheetEdit) -> None:
        """Write all cells, then let ranges reach the new rows."""
        for row, column in sorted(edit.cells):
            like = edit.looks.get((row, column), (edit.like.get(row), column))
            self._put(row, column, edit.cells[row, column], like)
        for row, height in edit.heights.items():
            # Not a custom height: the row still grows with what is typed into it.
            self._row(row).set("ht", f"{height:g}")
        for row, column in edit.marked:
            cell = self._cell(row, column)
            cell.set("s", str(self._styles.with_fill(int(cell.get("s", "0")), _solid(MARKED))))
        grown: dict[int, int] = {}
        for row, above in edit.like.items():
            grown[above] = max(row, grown.get(above, 0))
        for above, row in grown.items():
            self._grow(above, row)
        self._root_dimension(edit)

    def _row(self, number: int) -> Any:
        row = self._rows.get(number)
        if row is None:
            row = element(f"<row r='{number + 1}'/>")
            later = [other for other in self._rows if other > number]
            if later:
                self._rows[min(later)].addprevious(row)
            else:
                self._data.append(row)
            self._rows[number] = row
        row.attrib.pop("spans", None)
        return row

    def _cell(self, row: int, column: int) -> Any:
        line = self._row(row)
        position = -1
        for cell in line.iterfind(main("c")):
            name = _NAME.fullmatch(cell.get("r", ""))
            position = _column(name[1]) if name else position + 1
            if position == column:
                return cell
            if position > column:
                made = element(f"<c r='{cell_name(row, column)}'/>")
                cell.addprevious(made)
                return made
        made = element(f"<c r='{cell_name(row, column)}'/>")
        line.append(made)
        return made

    def _look(self, row: int | None, column: int) -> str | None:
        """The style of a cell in a row that is there, else the one of its column."""
        if row is not None and row in self._rows:
            position = -1
            for cell in self._rows[row].iterfind(main("c")):
                name = _NAME.fullmatch(cell.get("r", ""))
                position = _column(name[1]) if name else position + 1
                if position == column:
                    return str(cell.get("s", "0"))
        for columns in self._root.iterfind(f"{main('cols')}/{main('col')}"):
            first, last = (_index(columns.get(end), -2) for end in ("min", "max"))
            if first <= column <= last:
                return str(columns.get("style", "0"))
        return None

    def _put(self, row: int, column: int, value: Written, like: tuple[int | None, int]) -> None:
        cell = self._cell(row, column)
        if cell.get("s") is None:
            look = self._look(*like)
            if look is not None:
                cell.set("s", look)
        for child in list(cell):
            cell.remove(child)
        for attribute in ("t", "cm", "vm"):
            cell.attrib.pop(attribute, None)
        if isinstance(value, str):
            if value:
                cell.set("t", "inlineStr")
                held = element("<is/>")
                held.append(spaced("t", value))
                cell.append(held)
        else:
            held = element("<v/>")
            held.text = f"{value:.15g}"
            cell.append(held)

    def _grow(self, above: int, last: int) -> None:
        """Ranges on the sheet that end in row ``above`` end in row ``last``."""
        for node in (
            *self._root.iterfind(f"{main('dataValidations')}/{main('dataValidation')}"),
            *self._root.iterfind(main("conditionalFormatting")),
        ):
            names = node.get("sqref", "").split()
            node.set("sqref", " ".join(_grown(name, above, last) for name in names))
        for node in self._root.iterfind(main("autoFilter")):
            node.set("ref", _grown(node.get("ref", ""), above, last))
        for relation in self._package.relations(self._part):
            if relation.kind.endswith("/table") and self._package.has(relation.target):
                table = self._package.tree(relation.target)
                for node in (table, *table.iterfind(main("autoFilter"))):
                    node.set("ref", _grown(node.get("ref", ""), above, last))
                self._package.touch(relation.target)

    def _root_dimension(self, edit: SheetEdit) -> None:
        node = self._root.find(main("dimension"))
        area = area_of(node.get("ref", "")) if node is not None else None
        if node is None or area is None or not edit.cells:
            return
        rows, columns = zip(*edit.cells, strict=True)
        reached = Area(
            min(area.row, *rows),
            min(area.column, *columns),
            max(area.last_row, *rows),
            max(area.last_column, *columns),
        )
        node.set("ref", reached.name)


def _grown(name: str, above: int, last: int) -> str:
    area = area_of(name)
    if area is None or area.last_row != above or last <= above:
        return name
    return Area(area.row, area.column, min(last, LAST_ROW), area.last_column).name


def _index(text: str | None, otherwise: int) -> int:
    """A 1-based number of the file as a 0-based one."""
    return int(text) - 1 if text is not None and text.isdecimal() else otherwise


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _solid(colour: str) -> str:
    return (
        f"<fill><patternFill patternType='solid'><fgColor rgb='FF{colour[1:]}'/>"
        "<bgColor indexed='64'/></patternFill></fill>"
    )


def _font(name: str, size: int, colour: str) -> str:
    return (
        f"<font><sz val='{size}'/><color rgb='FF{colour[1:]}'/><name val='{name}'/>"
        "<family val='3'/><charset val='134'/></font>"
    )


def _new_sheet(sheet: NewSheet, styles: Styles) -> Any:
    none = "<fill><patternFill patternType='none'/></fill>"
    plain = "<border><left/><right/><top/><bottom/><diagonal/></border>"
    sides = "".join(
        f"<{side} style='thin'><color rgb='FF{LINE[1:]}'/></{side}>"
        for side in ("left", "right", "top", "bottom")
    )
    boxed = f"<border>{sides}<diagonal/></border>"
    wrapped = "<alignment vertical='center' wrapText='1'/>"
    middle = "<alignment horizontal='center' vertical='center' wrapText='1'/>"
    title = styles.cell(
        font=_font(HEADING_FONT, 16, INK),
        fill=none,
        border=plain,
        inside="<alignment vertical='center'/>",
    )
    heading = styles.cell(
        font=_font(HEADING_FONT, 10, "#FFFFFF"), fill=_solid(BLUE), border=boxed, inside=middle
    )
    body = styles.cell(
        font=_font(BODY_FONT, 10, INK),
        fill=none,
        border=boxed,
        inside=f"{wrapped}<protection locked='0'/>",
        number_format=_TEXT_FORMAT,
    )
    root = element("<worksheet/>")
    root.append(element("<sheetPr><pageSetUpPr fitToPage='1'/></sheetPr>"))
    root.append(
        element(
            "<sheetViews><sheetView workbookViewId='0'><pane ySplit='3' topLeftCell='A4' "
            "activePane='bottomLeft' state='frozen'/></sheetView></sheetViews>"
        )
    )
    columns = part_of(root, "cols", ["sheetPr", "sheetViews", "cols", "sheetData"])
    for number, width in enumerate(sheet.widths, 1):
        columns.append(
            element(f"<col min='{number}' max='{number}' width='{width:g}' customWidth='1'/>")
        )
    data = element("<sheetData/>")
    root.append(data)
    shown = [((sheet.name,), title), ((sheet.note,), 0), (tuple(sheet.headings), heading)]
    for number, (texts, look) in enumerate([*shown, *((tuple(row), body) for row in sheet.rows)]):
        row = element(f"<row r='{number + 1}'/>")
        if number >= len(shown):
            tallest = max(
                lines(text, max(width - 1.5, 2))
                for text, width in zip(texts, sheet.widths, strict=True)
            )
            row.set("ht", f"{min(_TALLEST, max(20, 13 * tallest + 4))}")
        for column, text in enumerate(texts):
            cell = element(f"<c r='{cell_name(number, column)}' s='{look}'/>")
            if text:
                cell.set("t", "inlineStr")
                held = element("<is/>")
                held.append(spaced("t", text))
                cell.append(held)
            row.append(cell)
        data.append(row)
    for ending in (
        "<pageMargins left='0.5' right='0.5' top='0.65' bottom='0.65' header='0.3' footer='0.3'/>",
        "<pageSetup paperSize='9' orientation='landscape' fitToHeight='0'/>",
    ):
        root.append(element(ending))
    return root
