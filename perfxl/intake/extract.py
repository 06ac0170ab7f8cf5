"""Turns the grid of one return into plain columns; ``assembly`` makes the tables of many.

Nothing here needs pandas, so that a batch can be read before that has been loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfxl import tables
from perfxl.excel.reader import Grid
from perfxl.intake.assessment import Assessment, read_assessment
from perfxl.intake.columns import Columns, columns_of
from perfxl.intake.identity import Identity
from perfxl.intake.registers import RegisterPart, read_register
from perfxl.layout.declare import FilledBy, SheetLayout, Table, WorkbookLayout
from perfxl.layout.locate import LocatedTable, Rows, column_letter, find_table
from perfxl.plan import forms
from perfxl.plan.model import Plan, Unit
from perfxl.values import precise_number_of, squeeze, text_of


@dataclass(frozen=True)
class Return:
    """One returned workbook, read and identified; ``receipt`` is its content hash."""

    receipt: str
    file: str
    unit: Unit
    identity: Identity
    grid: Grid


@dataclass
class Extracted:
    """What one return says, as columns of the tables of the batch; no frame yet."""

    receipt: str
    returns: Columns
    sheets: Columns
    assessment: Assessment | None = None
    reported: Columns | None = None
    registers: dict[str, RegisterPart] = field(default_factory=dict)
    register_sheets: dict[str, str] = field(default_factory=dict)
    columns: dict[str, Mapping[str, str]] = field(default_factory=dict)
    field_cells: Mapping[str, str] = field(default_factory=dict)
    explanations: Mapping[tuple[str, str], str] = field(default_factory=dict)


class Layouts:
    """The layouts that a plan gives rise to, made once for a batch."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._by_kind: dict[str, WorkbookLayout] = {}

    def of(self, kind: str) -> WorkbookLayout:
        """The layout of the template for one kind of unit."""
        if kind not in self._by_kind:
            self._by_kind[kind] = forms.template_layout(self.plan, kind)
        return self._by_kind[kind]


def extract_one(layouts: Layouts, returned: Return) -> Extracted:
    """Read one return by the plan's layouts."""
    plan = layouts.plan
    identity, unit = returned.identity, returned.unit
    own = {
        "receipt": returned.receipt,
        "file": returned.file,
        "unit": unit.code,
        "kind": unit.kind,
        "unit_by_stamp": identity.by_stamp,
        "unit_by_cover": identity.by_cover,
        "unit_by_file_name": identity.by_file_name,
        "unit_by_sender": identity.by_sender,
        "stamp": str(identity.stamp),
        "campaign": identity.campaign,
        "version": identity.version,
        "preparer": identity.preparer,
        "phone": identity.phone,
        "remarks": "；".join(returned.grid.remarks),
        "doubts": "；".join(returned.grid.doubts),
    }
    sheets: list[dict[str, object]] = []
    extracted = Extracted(
        returned.receipt,
        columns_of(tables.RETURNS, [own]),
        {},
        field_cells=identity.field_cells,
        explanations=answers(plan, returned.grid),
    )
    for layout in layouts.of(unit.kind).sheets:
        if layout.table is None:
            continue
        name, rows = sheet_of(returned.grid, layout)
        located = find_table(rows, layout.table) if rows is not None else None
        sheets.append(
            {
                "receipt": returned.receipt,
                "unit": unit.code,
                "sheet": name,
                "row": None if located is None else located.heading_row + 1,
                "table": layout.table.key,
                "present": rows is not None,
                "found": located is not None,
                "missing": "" if located is None else _missing_columns(layout.table, located),
            }
        )
        if rows is not None and located is not None:
            extracted.columns[layout.table.key] = {
                key: column_letter(at) for key, at in located.columns.items()
            }
            _read_table(plan, returned, extracted, layout, name, rows, located)
    extracted.sheets = columns_of(tables.SHEETS, sheets)
    return extracted


def _missing_columns(table: Table, located: LocatedTable) -> str:
    """The headings of the columns that the unit fills in and that are not there to be read."""
    return "、".join(
        column.heading
        for column in table.columns
        if column.filled_by is FilledBy.RECIPIENT and column.key not in located.columns
    )


def _read_table(
    plan: Plan,
    returned: Return,
    extracted: Extracted,
    layout: SheetLayout,
    sheet: str,
    rows: Rows,
    located: LocatedTable,
) -> None:
    assert layout.table is not None
    origin = {"receipt": returned.receipt, "unit": returned.unit.code, "sheet": sheet}
    if layout.key == forms.SELF_ASSESSMENT:
        rubric = plan.rubrics[returned.unit.kind]
        extracted.assessment = read_assessment(rubric, origin, returned.grid, rows, located)
    elif layout.key == forms.DATA_ITEMS:
        extracted.reported = _reported(plan, returned.unit, origin, rows, located)
    else:
        part = read_register(layout.table, origin, rows, located)
        extracted.registers[layout.name] = part
        extracted.register_sheets[layout.name] = sheet


def answers(plan: Plan, grid: Grid) -> Mapping[tuple[str, str], str]:
    """What the unit says to the opinions on its earlier return, if this is a marked copy."""
    rows = grid.sheets.get(forms.OPINIONS)
    table = forms.opinions_table(plan.campaign)
    located = find_table(rows, table) if rows is not None else None
    if rows is None or located is None:
        return {}
    code_at, message_at, answer_at = (
        located.columns.get(key) for key in ("code", "message", "explanation")
    )
    return {
        (squeeze(_cell_text(row, code_at)), squeeze(_cell_text(row, message_at))): answer
        for row in rows[located.first_row :]
        if (answer := _cell_text(row, answer_at))
    }


def _reported(
    plan: Plan, unit: Unit, origin: Mapping[str, str], rows: Rows, located: LocatedTable
) -> Columns:
    item_at, value_at = located.columns.get("item"), located.columns.get("value")
    found: dict[str, int] = {}
    for number in range(located.first_row, len(rows)):
        found.setdefault(squeeze(_cell_text(rows[number], item_at)), number)
    read = []
    for item in plan.reported_items(unit.kind):
        at = found.get(squeeze(item.name))
        value: object = ""
        if at is not None and value_at is not None and value_at < len(rows[at]):
            value = rows[at][value_at]
        read.append(
            {
                **origin,
                "row": None if at is None else at + 1,
                "kind": unit.kind,
                "item": item.name,
                "source": str(item.source),
                "value": precise_number_of(value, item.unit),
                "value_text": text_of(value),
            }
        )
    return columns_of(tables.DATA_ITEMS, read)


def sheet_of(grid: Grid, layout: SheetLayout) -> tuple[str, Rows | None]:
    """The sheet of this name; else, if it was renamed, the first that holds its whole table."""
    if layout.name in grid.sheets:
        return layout.name, grid.sheets[layout.name]
    assert layout.table is not None
    needed = {column.key for column in layout.table.columns}
    for name, rows in grid.sheets.items():
        if squeeze(name) == squeeze(layout.name):
            return name, rows
    for name, rows in grid.sheets.items():
        located = find_table(rows, layout.table)
        if located is not None and needed == set(located.columns):
            return name, rows
    return layout.name, None


def _cell_text(row: Sequence[object], at: int | None) -> str:
    return "" if at is None or at >= len(row) else text_of(row[at])
