"""Places on a sheet: cells by name, merged areas, and how many pixels they take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from perfxl.excel.markup.schema import LAST_COLUMN, LAST_ROW, main
from perfxl.layout.locate import cell_name

_DECIMAL = re.compile(r"\d{1,9}(\.\d{1,30})?", re.ASCII)
_MOST_STEPS = 500
_CELL = re.compile(r"\$?([A-Z]{1,3})\$?([1-9]\d{0,6})")


@dataclass(frozen=True)
class Area:
    """A cell or a merged range; rows and columns are 0-based, the last ones included."""

    row: int
    column: int
    last_row: int
    last_column: int

    @property
    def cell(self) -> str:
        """The name of the top-left cell."""
        return cell_name(self.row, self.column)

    @property
    def name(self) -> str:
        """``B3`` or ``B3:C4``."""
        last = cell_name(self.last_row, self.last_column)
        return self.cell if last == self.cell else f"{self.cell}:{last}"


def area_of(name: str) -> Area | None:
    """The area that a name means; None for what is no name of an area on a sheet."""
    corners = [_CELL.fullmatch(corner) for corner in name.split(":")]
    first, last = corners[0], corners[-1]
    if len(corners) > 2 or first is None or last is None:
        return None
    area = Area(int(first[2]) - 1, _column(first[1]), int(last[2]) - 1, _column(last[1]))
    fits = area.row <= area.last_row <= LAST_ROW and area.column <= area.last_column <= LAST_COLUMN
    return area if fits else None


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


class SheetPlaces:
    """The merged areas and the sizes of one sheet."""

    def __init__(self, sheet: Any) -> None:
        merged = (area_of(node.get("ref", "")) for node in sheet.iter(main("mergeCell")))
        self._merged = [area for area in merged if area is not None]
        self._widths: list[tuple[int, int, int]] = []
        for node in sheet.iter(main("col")):
            width = 0.0 if _true(node.get("hidden")) else _number(node.get("width"), 8.43)
            first, last = (int(_number(node.get(end), 0)) - 1 for end in ("min", "max"))
            self._widths.append((first, last, int(width * 7 + 5) if width else 0))
        sizes = sheet.find(main("sheetFormatPr"))
        usual = 15.0 if sizes is None else _number(sizes.get("defaultRowHeight"), 15.0)
        self._usual_height = int(usual * 4 / 3)
        self._heights: dict[int, int] = {}
        number = -1
        for node in sheet.iter(main("row")):
            number = int(_number(node.get("r"), number + 2)) - 1
            points = 0.0 if _true(node.get("hidden")) else _number(node.get("ht"), usual)
            self._heights[number] = int(points * 4 / 3)

    def area(self, cell: str) -> Area | None:
        """The cell, or the merged area that it lies in."""
        one = area_of(cell)
        if one is None:
            return None
        for area in self._merged:
            if area.row <= one.row <= area.last_row and (
                area.column <= one.column <= area.last_column
            ):
                return area
        return one

    def across(self, column: int, offset: int, width: int) -> tuple[int, int]:
        """The column and the offset in it where a width from there ends."""
        return _walk(column, offset, width, self._width, LAST_COLUMN)

    def down(self, row: int, offset: int, height: int) -> tuple[int, int]:
        """The row and the offset in it where a height from there ends."""
        return _walk(row, offset, height, self._height, LAST_ROW)

    def _width(self, column: int) -> int:
        return next((size for first, last, size in self._widths if first <= column <= last), 64)

    def _height(self, row: int) -> int:
        return self._heights.get(row, self._usual_height)


def _walk(
    at: int, offset: int, size: int, step: Callable[[int], int], last: int
) -> tuple[int, int]:
    left = offset + size
    # Hidden rows and columns have no size; a box need not get past all of them.
    last = min(last, at + _MOST_STEPS)
    while at < last and left > step(at):
        left -= step(at)
        at += 1
    return at, min(left, step(at))


def _number(text: str | None, otherwise: float) -> float:
    """A non-negative number that a sheet states; what is none counts as not stated."""
    if text is None or not _DECIMAL.fullmatch(text):
        return otherwise
    return min(float(text), LAST_ROW + 1.0)


def _true(text: str | None) -> bool:
    return text in ("1", "true")
