"""The workbooks of the indicator library: the library itself, the choices, the columns to confirm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.indicator_library.columns import CHOICES
from perfxl.indicator_library.merging import (
    AS_SUGGESTED,
    BLANK_ROWS,
    LEAVE,
    MERGE_SHEET,
    Pending,
    number_of_marks,
)
from perfxl.indicator_library.model import (
    CHANGE_SHEET,
    INDICATOR_COLUMNS,
    INDICATOR_SHEET,
    LEVELS,
    NOTES,
    RECORDED,
    SOURCE_SHEET,
)
from perfxl.layout.declare import Column, SheetLayout, ValueKind
from perfxl.products.template import lines_high

_HEADING_ROW = 2
# Room for drop-downs and filters below what is there.
_LAST_ROW = 5000
_TALLEST = 160.0


def library_workbook(
    entries: Sequence[Mapping[str, str]],
    sources: Sequence[Mapping[str, str]],
    changes: Sequence[Mapping[str, str]],
    notes: Sequence[str],
) -> bytes:
    """A new library as .xlsx bytes; ``entries`` are registered as they stand (labels as keys).

    Nothing is locked: people edit, sort, filter, add columns.
    """
    book = WorkbookWriter(title="绩效指标库")
    indicators = book.sheet(INDICATOR_SHEET.name)
    _table(indicators, INDICATOR_SHEET, entries)
    offered = {
        "level_1": list(LEVELS),
        "level_2": [name for names in LEVELS.values() for name in names],
    }
    for index, column in enumerate(INDICATOR_COLUMNS):
        indicators.validate(
            _HEADING_ROW + 1, _LAST_ROW, index, column, suggestions=offered.get(column.key, "")
        )
    retired = book.format(Role.PLAIN, font_color="#7F7F7F", font_strikeout=True)
    state = next(n for n, one in enumerate(INDICATOR_COLUMNS) if one.key == "state")
    indicators.raw.conditional_format(
        _HEADING_ROW + 1,
        0,
        _LAST_ROW,
        len(INDICATOR_COLUMNS) - 1,
        {
            "type": "formula",
            "criteria": f'=${chr(65 + state)}{_HEADING_ROW + 2}="停用"',
            "format": retired,
        },
    )
    _table(book.sheet(SOURCE_SHEET.name), SOURCE_SHEET, sources)
    _table(book.sheet(CHANGE_SHEET.name), CHANGE_SHEET, changes)
    _notes(book.sheet(NOTES), notes)
    hidden = book.sheet(RECORDED)
    for index, column in enumerate(INDICATOR_COLUMNS):
        hidden.text(_HEADING_ROW, index, column.label, Role.HEADING)
        for row, entry in enumerate(entries, _HEADING_ROW + 1):
            hidden.text(row, index, entry.get(column.key, ""), Role.PLAIN, ValueKind.TEXT)
    hidden.hide()
    return book.to_bytes()


def _table(sheet: SheetWriter, layout: SheetLayout, records: Sequence[Mapping[str, str]]) -> None:
    assert layout.table is not None
    columns = layout.table.columns
    for index, column in enumerate(columns):
        body = sheet.book.format(Role.INPUT, _kind(column), bg_color="#FFFFFF", border=0)
        sheet.raw.set_column(index, index, column.width, body)
    plain = sheet.book.format(Role.PLAIN)
    for row, height in enumerate((30, 18, 30)):
        sheet.raw.set_row(row, height, plain)
    last = len(columns) - 1
    # Not merged over the width: a merged heading gets in the way of adding columns.
    sheet.text(0, 0, layout.title, Role.TITLE, align="left")
    sheet.text(1, 0, layout.note, Role.NOTE)
    for index, column in enumerate(columns):
        role = Role.HEADING if column.optional else Role.HEADING_REQUIRED
        sheet.text(_HEADING_ROW, index, column.label, role)
    for row, record in enumerate(records, _HEADING_ROW + 1):
        _record(sheet, row, columns, record)
    sheet.raw.autofilter(_HEADING_ROW, 0, _LAST_ROW, last)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, min(2, last))
    sheet.print_setup(
        landscape=True, last_column=last, repeat_rows=(_HEADING_ROW, _HEADING_ROW), paper=8
    )


def _record(
    sheet: SheetWriter, row: int, columns: Sequence[Column], record: Mapping[str, str]
) -> None:
    for index, column in enumerate(columns):
        text = record.get(column.key, "")
        marks = number_of_marks(text) if column.key == "marks" else None
        value: object = text if marks is None else marks
        sheet.typed(row, index, value, Role.INPUT, _kind(column), bg_color="#FFFFFF")
    sheet.raw.set_row(row, height_of(columns, record))


def height_of(columns: Sequence[Column], record: Mapping[str, str]) -> float:
    """The height in points of a row that shows these texts, up to a limit."""
    texts = ((record.get(one.key, ""), one.width) for one in columns)
    return min(_TALLEST, max(20.0, *(lines_high(text, width / 2, 13) for text, width in texts)))


def _kind(column: Column) -> ValueKind:
    return ValueKind.TEXT if column.kind is ValueKind.CHOICE else column.kind


def _notes(sheet: SheetWriter, notes: Sequence[str]) -> None:
    sheet.raw.hide_gridlines(2)
    sheet.raw.set_column(0, 0, 5)
    sheet.raw.set_column(1, 1, 100)
    sheet.title("指标库说明", "", 1)
    for number, text in enumerate(notes, 1):
        row = number + 1
        sheet.text(row, 0, str(number), Role.PLAIN, align="center", valign="top")
        sheet.text(row, 1, text, Role.PLAIN, font_size=11, valign="top")
        sheet.raw.set_row(row, lines_high(text, 46, 16))
    sheet.print_setup(landscape=False, last_column=1)


def merge_book(pending: Sequence[Pending], blank_rows: str) -> bytes:
    """The book of choices as .xlsx bytes: a candidate a row, with a drop-down of its own."""
    table = MERGE_SHEET.table
    assert table is not None
    columns = table.columns
    at = {column.key: index for index, column in enumerate(columns)}
    last = len(columns) - 1
    book = WorkbookWriter(title=MERGE_SHEET.title)
    sheet = book.sheet(MERGE_SHEET.name)
    sheet.text(0, 0, MERGE_SHEET.title, Role.TITLE, align="left")
    sheet.text(1, 0, MERGE_SHEET.note, Role.NOTE)
    sheet.raw.set_row(0, 30)
    sheet.raw.set_row(1, 18)
    sheet.text(2, 0, BLANK_ROWS, Role.LABEL, font_size=11)
    sheet.text(2, 1, blank_rows or LEAVE, Role.INPUT)
    sheet.text(
        2, 2, f"“{AS_SUGGESTED}”：没有选处理的行按“建议”一栏办理；没有建议的仍不处理。", Role.NOTE
    )
    sheet.raw.data_validation(2, 1, 2, 1, {"validate": "list", "source": [LEAVE, AS_SUGGESTED]})
    heading = 4
    sheet.headings(heading, columns)
    for row, one in enumerate(pending, heading + 1):
        texts = {
            **one.values,
            "ordinal": one.ordinal,
            "suggestion": one.suggestion,
            "alike": one.alike,
        }
        tallest = 30.0
        for index, column in enumerate(columns):
            text = one.choice if column.key == "choice" else texts.get(column.key, "")
            typed = column.key not in ("ordinal", "suggestion", "alike", "file", "place", "key")
            role = Role.INPUT if typed and column.key != "content" else Role.FIXED
            more = {} if column.key == "choice" or role is Role.FIXED else {"bg_color": "#FFFFFF"}
            sheet.text(row, index, text, role, ValueKind.TEXT, **more)
            if column.key != "content":
                tallest = max(tallest, lines_high(text, column.width / 2, 13))
        sheet.raw.set_row(row, min(tallest, _TALLEST))
        if one.options:
            sheet.raw.data_validation(
                row,
                at["choice"],
                row,
                at["choice"],
                {
                    "validate": "list",
                    "source": list(one.options),
                    "error_title": "请从下拉列表中选择",
                    "error_message": "也可以写“与编号合并”“用本条更新编号”",
                    "error_type": "warning",
                },
            )
    sheet.raw.autofilter(heading, 0, heading + max(1, len(pending)), last)
    sheet.raw.freeze_panes(heading + 1, 2)
    sheet.print_setup(landscape=True, last_column=last, repeat_rows=(heading, heading), paper=8)
    return book.to_bytes()


COLUMN_COLUMNS = (
    Column("file", "文件", width=28),
    Column("sheet", "工作表", width=16),
    Column("heading_row", "表头行", width=8),
    Column("letter", "列", width=6),
    Column("heading", "表头", width=20),
    Column("samples", "前几行内容", width=50),
    Column("meant", "对应到", ValueKind.CHOICE, 14, choices=CHOICES, required=True),
    Column(
        "confirmed",
        "确认",
        ValueKind.CHOICE,
        10,
        choices=("是", "不收本表"),
        optional=True,
        help="每张表在第一行选一次；没有选的不收",
    ),
    Column("sha256", "文件标识", width=16),
)


def columns_book(rows: Sequence[Mapping[str, str]]) -> bytes:
    """The proposed meaning of columns as .xlsx bytes, to be confirmed table by table."""
    book = WorkbookWriter(title="列对应")
    sheet = book.sheet("列对应")
    last = len(COLUMN_COLUMNS) - 1
    sheet.title(
        "别处指标表的列对应",
        "核对“对应到”一栏，不对的改正；每张表在第一行的“确认”选“是”，再执行一次同样的 import 命令。",
        last,
    )
    sheet.headings(_HEADING_ROW, COLUMN_COLUMNS)
    table: tuple[str, str, str] | None = None
    for row, one in enumerate(rows, _HEADING_ROW + 1):
        this = (one["sha256"], one["sheet"], one["heading_row"])
        for index, column in enumerate(COLUMN_COLUMNS):
            begins = column.key == "confirmed" and this != table
            role = Role.INPUT if column.key == "meant" or begins else Role.FIXED
            sheet.text(row, index, one.get(column.key, ""), role, ValueKind.TEXT)
            if role is Role.INPUT:
                sheet.validate(row, row, index, column)
        table = this
        sheet.raw.set_row(row, max(24.0, lines_high(one.get("samples", ""), 25, 13)))
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 0)
    sheet.print_setup(landscape=True, last_column=last, repeat_rows=(_HEADING_ROW, _HEADING_ROW))
    return book.to_bytes()
