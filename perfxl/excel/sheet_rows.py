"""A worksheet whose finished rows are text at once, so that a long sheet takes little room and time.

xlsxwriter keeps an object for every cell until the workbook is closed. Here rows that nobody will
write into any more become the XML that xlsxwriter would write, character for character, and their
cells are given up. xlsxwriter's own way of saving room (constant_memory) would give another file:
texts in every cell in place of one table of strings, and rows in one order only.
"""

from __future__ import annotations

import codecs
import zlib
from collections import deque
from collections.abc import Iterator
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from perfxl.errors import Place, TooLargeForExcel
from perfxl.excel.cells import LAST_COLUMN, LAST_ROW
from perfxl.layout.locate import column_letter

# The file format gives rows in blocks of so many one common span of columns.
_BLOCK = 16
_PACKED_AT_ONCE = 1 << 18


class _Text:
    """What will be written to a file: collected, and packed where there is much of it."""

    def __init__(self) -> None:
        self._fresh: list[str] = []
        self._size = 0
        self._packer = zlib.compressobj(1)
        self._packed: deque[bytes] = deque()

    def write(self, text: str) -> None:
        """Add to the end, as a file does."""
        self._fresh.append(text)

    def pack(self) -> None:
        """Give up the room of what was written so far, where it is worth the time."""
        fresh = "".join(self._fresh)
        if len(fresh) < _PACKED_AT_ONCE:
            self._fresh = [fresh]
            return
        self._packed.append(self._packer.compress(fresh.encode()))
        self._fresh.clear()

    def pieces(self) -> Iterator[str]:
        """All of it, in order; can be read once."""
        self._packed.append(self._packer.flush())
        unpacker = zlib.decompressobj()
        # A character may be cut in two at the end of a piece.
        decoder = codecs.getincrementaldecoder("utf-8")()
        while self._packed:
            rest = self._packed.popleft()
            while rest:
                yield decoder.decode(unpacker.decompress(rest, _PACKED_AT_ONCE))
                rest = unpacker.unconsumed_tail
        yield "".join(self._fresh)


class SheetRows(Worksheet):  # type: ignore[misc]  # xlsxwriter is not typed
    """xlsxwriter's worksheet, with cells put as text and rows finished early."""

    def __init__(self) -> None:
        super().__init__()
        self.fh: Any
        self._text = _Text()
        self._finished = 0
        self._has_numbered_columns = False
        self._put_row = -1
        self._letters: list[str] = []
        # Cells that a chart shows must be known until the workbook is closed.
        self.keeps_cells = False

    def put(self, row: int, column: int, style: Format, content: str) -> None:
        """A cell as the XML that follows its style. Raises TooLargeForExcel beyond the last row."""
        if row != self._put_row or not self.dim_colmin <= column <= self.dim_colmax:
            self._check_dimensions(row, column)
            self._put_row = row
        self.table[row][column] = (style, content)

    def _check_dimensions(
        self, row: int, col: int, ignore_row: bool = False, ignore_col: bool = False
    ) -> int:
        # xlsxwriter leaves out what is beyond, without a word.
        if row >= LAST_ROW or col >= LAST_COLUMN:
            raise TooLargeForExcel(
                f"要写到第 {row + 1} 行、第 {col + 1} 列，"
                f"Excel 的一张表最多 {LAST_ROW} 行、{LAST_COLUMN} 列",
                place=Place(sheet=str(self.get_name())),
                remedy="请把单位分成几个考核，分别汇总",
            )
        return int(super()._check_dimensions(row, col, ignore_row, ignore_col))

    def finish_rows(self, before: int | None = None) -> None:
        """Nothing will be written any more into the rows before this one (into any, for None)."""
        if self.dim_rowmin is None:
            return
        stop = self.dim_rowmax + 1 if before is None else before - before % _BLOCK
        if stop <= self._finished:
            return
        if not self._has_numbered_columns:
            # Styles are numbered in the order of the file: those of columns come first.
            self._has_numbered_columns = True
            for _, info in sorted(self.col_info.items()):
                if info.column_format:
                    info.column_format._get_xf_index()
        file, self.fh = self.fh, self._text
        try:
            first = max(self._finished, self.dim_rowmin)
            for start in range(first - first % _BLOCK, stop, _BLOCK):
                self._finish_block(max(start, first), min(start + _BLOCK, stop))
        finally:
            self.fh = file
        self._finished = stop
        self._text.pack()

    def _finish_block(self, first: int, stop: int) -> None:
        table, infos = self.table, self.row_info
        columns = [column for row in range(first, stop) if row in table for column in table[row]]
        span = f"{min(columns) + 1}:{max(columns) + 1}" if columns else None
        write = self._text.write
        for row in range(first, stop):
            cells, info = table.get(row), infos.get(row)
            if not cells:
                if info is not None:
                    self._write_row(row, span, info, empty_row=True)
                continue
            self._write_row(row, span, info)
            for column in sorted(cells):
                cell = cells[column]
                if type(cell) is not tuple:
                    self._write_cell(row, column, cell)
                    continue
                style, content = cell
                index = style.xf_index
                if index is None:
                    index = style._get_xf_index()
                write(f'<c r="{self._letter(column)}{row + 1}" s="{index}"{content}')
            write("</row>")
        if not self.keeps_cells and not self.charts:
            for row in range(first, stop):
                table.pop(row, None)
                infos.pop(row, None)
                self.row_sizes.pop(row, None)

    def _letter(self, column: int) -> str:
        while column >= len(self._letters):
            self._letters.append(column_letter(len(self._letters)))
        return self._letters[column]

    def _write_rows(self) -> Any:
        self.finish_rows()
        for text in self._text.pieces():
            self.fh.write(text)
