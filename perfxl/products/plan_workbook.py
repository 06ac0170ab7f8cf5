"""The plan workbook (考核方案.xlsx), written from its tables as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.layout.declare import NUMERIC, SheetLayout, ValueKind
from perfxl.layout.locate import label_key
from perfxl.plan import workbook as sheets_of_plan
from perfxl.plan.wording import SCOPES
from perfxl.products.template import lines_high
from perfxl.values import precise_number_of

_HEADING_ROW = 2
_SPARE_ROWS = 60


def plan_workbook(sheets: Mapping[str, Sequence[Mapping[str, str]]]) -> bytes:
    """The workbook that holds these tables (sheet name → rows of label → text), as .xlsx bytes.

    Titles, headings and help are locked; everything that an office edits is not.
    """
    book = WorkbookWriter(title="考核方案")
    for name, records in sheets.items():
        layout = sheets_of_plan.plan_sheet(name)
        if layout is None:
            raise KeyError(name)
        if name in sheets_of_plan.ITEM_SHEETS:
            _items(book.sheet(name), layout, records)
        else:
            _table(book.sheet(name), layout, records, _suggestions(layout, sheets))
    return book.to_bytes()


def _suggestions(
    layout: SheetLayout, sheets: Mapping[str, Sequence[Mapping[str, str]]]
) -> dict[str, str | list[str]]:
    """What other sheets of the plan define, by the column that refers to it."""
    if layout is sheets_of_plan.ROSTER_SHEET:
        kinds = [record.get("单位类别", "") for record in sheets[sheets_of_plan.ROSTER]]
        return {"单位类别": list(dict.fromkeys(filter(None, kinds)))}
    if layout is sheets_of_plan.ITEMS_SHEET:
        registers = sheets.get(sheets_of_plan.REGISTERS, ())
        names = [record.get("登记表", "") for record in registers]
        return {"登记表": list(dict.fromkeys(filter(None, names)))}
    if layout is sheets_of_plan.WORDING_SHEET:
        return {"范围": list(SCOPES)}
    if layout.name.startswith(sheets_of_plan.RUBRIC_PREFIX) and sheets_of_plan.ITEMS in sheets:
        last = _HEADING_ROW + 1 + len(sheets[sheets_of_plan.ITEMS]) + _SPARE_ROWS
        items = f"='{sheets_of_plan.ITEMS}'!$A${_HEADING_ROW + 2}:$A${last}"
        return {"数据项": items, "分母数据项": items}
    return {}


def _table(
    sheet: SheetWriter,
    layout: SheetLayout,
    records: Sequence[Mapping[str, str]],
    suggestions: Mapping[str, str | list[str]],
) -> None:
    assert layout.table is not None
    # An optional column that the tables do not have is not forced upon the office.
    known = {label for record in records for label in record}
    columns = [one for one in layout.table.columns if not one.optional or one.label in known]
    columns = columns if records else list(layout.table.columns)
    last = len(columns) - 1
    first = _HEADING_ROW + 1
    for index, column in enumerate(columns):
        body = sheet.book.format(Role.INPUT, column.kind, border=0, bg_color="#FFFFFF")
        sheet.raw.set_column(index, index, column.width, body)
        end = first + len(records) + _SPARE_ROWS
        offered = suggestions.get(column.label, "")
        sheet.validate(first, end, index, column, suggestions=offered)
    locked = sheet.book.format(Role.PLAIN)
    for row, height in enumerate((30, 18, 26)):
        sheet.raw.set_row(row, height, locked)
    sheet.merged(0, last, layout.title, Role.TITLE)
    sheet.text(1, 0, layout.note, Role.NOTE)
    for index, column in enumerate(columns):
        role = Role.HEADING if column.optional else Role.HEADING_REQUIRED
        sheet.text(_HEADING_ROW, index, column.label, role)
    for number, record in enumerate(records):
        row, tallest = first + number, 20.0
        for index, column in enumerate(columns):
            text = record.get(column.label, "")
            # What is no exact number stays as typed, for the reader of the plan to object to.
            value = precise_number_of(text) if column.kind in NUMERIC and text else None
            if value is not None:
                sheet.number(row, index, value, Role.INPUT, column.kind)
            else:
                sheet.text(row, index, text, Role.INPUT, ValueKind.TEXT)
            tallest = max(tallest, lines_high(text, column.width / 2, 13))
        sheet.raw.set_row(row, min(tallest, 160.0))
    sheet.raw.freeze_panes(first, min(2, last))
    sheet.print_setup(landscape=True, last_column=last, repeat_rows=(0, _HEADING_ROW))
    sheet.protect(insert_rows=True, delete_rows=True, sort=True)


def _items(sheet: SheetWriter, layout: SheetLayout, records: Sequence[Mapping[str, str]]) -> None:
    assert layout.table is not None
    sheet.title(layout.title, layout.note, 2)
    sheet.headings(_HEADING_ROW, layout.table.columns, height=26)
    for number, (name, text, help_text, mark) in enumerate(_item_rows(layout, records)):
        row = _HEADING_ROW + 1 + number
        sheet.text(row, 0, name + mark, Role.LABEL, font_size=11)
        sheet.text(row, 1, text, Role.INPUT)
        sheet.text(row, 2, help_text, Role.NOTE, text_wrap=True)
        sheet.raw.set_row(row, max(22.0, lines_high(text, 35, 14)))
        choices = sheets_of_plan.INFO_CHOICES.get(name)
        if choices:
            sheet.raw.data_validation(row, 1, row, 1, {"validate": "list", "source": choices})
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 1)
    sheet.print_setup(landscape=True, last_column=2)
    sheet.protect()


def _item_rows(
    layout: SheetLayout, records: Sequence[Mapping[str, str]]
) -> Iterator[tuple[str, str, str, str]]:
    """Item, content, help and star mark: all items in their order, then what is not an item.

    An unknown or repeated item is kept, for the reader of the plan to object to.
    """
    left = list(records)
    for name, help_text, required in sheets_of_plan.ITEM_SHEETS[layout.name]:
        key = label_key(name)
        record = next((one for one in left if label_key(one["项目"]) == key), None)
        if record is not None:
            left.remove(record)
        yield name, record["内容"] if record else "", help_text, " *" if required else ""
    for record in left:
        yield record["项目"], record["内容"], "", ""
