"""Turns the grid of one return into plain columns; ``assembly`` makes the tables of many.

Nothing here needs pandas, so that a batch can be read before that has been loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from perfxl import tables
from perfxl.excel.reader import Grid
from perfxl.intake.assessment import Assessment, AssessmentReader, Origin
from perfxl.intake.columns import Columns, columns_of
from perfxl.intake.identity import Identity
from perfxl.intake.registers import RegisterPart, RegisterReader
from perfxl.layout.declare import FilledBy, SheetLayout, Table
from perfxl.layout.locate import Finder, LocatedTable, Rows, column_letter, find_table
from perfxl.plan import forms
from perfxl.plan.model import Plan, Unit
from perfxl.values import precise_number_of, squeeze, text_of

# Cells that a remark names one by one.
_MOST_CELLS = 5


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


class SheetReader:
    """Reads one sheet of the template, which holds a table, in many returns."""

    def __init__(self, plan: Plan, kind: str, layout: SheetLayout, table: Table) -> None:
        self.layout, self.table = layout, table
        self.finder = Finder(table)
        self._asked = [one for one in table.columns if one.filled_by is FilledBy.RECIPIENT]
        self._assessment = self._items = self._register = None
        if layout.key == forms.SELF_ASSESSMENT:
            self._assessment = AssessmentReader(plan.rubrics[kind])
        elif layout.key == forms.DATA_ITEMS:
            self._items = _ItemReader(plan, kind)
        else:
            self._register = RegisterReader(table)

    def missing(self, located: LocatedTable) -> str:
        """The headings of the columns that the unit fills in and that are not there to be read."""
        asked = self._asked
        return "、".join(one.heading for one in asked if one.key not in located.columns)

    def unread_formulas(self, grid: Grid, sheet: str, located: LocatedTable) -> Iterator[str]:
        """Of a workbook that nothing calculated: what the unit typed as formulas and reads blank."""
        if self._assessment is not None or grid.formulas is None:
            # Scores that are missing are told one by one; the sums are the template's own.
            return
        asked = {located.columns[one.key] for one in self._asked if one.key in located.columns}
        cells = [
            f"{column_letter(column)}{row + 1}"
            for row, column in sorted(grid.formulas.get(sheet, ()))
            if row >= located.first_row and column in asked
        ]
        if cells:
            more = f"等 {len(cells)} 处" if len(cells) > _MOST_CELLS else ""
            yield f"“{sheet}”{'、'.join(cells[:_MOST_CELLS])}{more}的公式没有结果"

    def read(
        self, returned: Return, extracted: Extracted, sheet: str, rows: Rows, located: LocatedTable
    ) -> None:
        """Add what the sheet says to what the return says."""
        extracted.columns[self.table.key] = {
            key: column_letter(at) for key, at in located.columns.items()
        }
        origin = {"receipt": returned.receipt, "unit": returned.unit.code, "sheet": sheet}
        if self._assessment is not None:
            extracted.assessment = self._assessment.read(origin, returned.grid, rows, located)
        elif self._items is not None:
            extracted.reported = self._items.read(origin, rows, located)
        elif self._register is not None:
            name = self.layout.name
            extracted.registers[name] = self._register.read(origin, rows, located)
            extracted.register_sheets[name] = sheet


class Layouts:
    """Readers of the sheets that a plan gives rise to, made once for a batch."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._by_kind: dict[str, list[SheetReader]] = {}

    def of(self, kind: str) -> Sequence[SheetReader]:
        """Readers of the template's sheets that hold a table, for one kind of unit."""
        if kind not in self._by_kind:
            self._by_kind[kind] = [
                SheetReader(self.plan, kind, layout, layout.table)
                for layout in forms.template_layout(self.plan, kind).sheets
                if layout.table is not None
            ]
        return self._by_kind[kind]


def extract_one(layouts: Layouts, returned: Return) -> Extracted:
    """Read one return by the plan's layouts."""
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
        "doubts": "",
    }
    doubts, is_calculated = list(returned.grid.doubts), _is_calculated(returned.grid)
    sheets: list[dict[str, object]] = []
    extracted = Extracted(
        returned.receipt,
        columns_of(tables.RETURNS, [own]),
        {},
        field_cells=identity.field_cells,
        explanations=answers(layouts.plan, returned.grid),
    )
    for reader in layouts.of(unit.kind):
        name, rows = sheet_of(returned.grid, reader.layout)
        located = reader.finder.find(rows) if rows is not None else None
        sheets.append(
            {
                "receipt": returned.receipt,
                "unit": unit.code,
                "sheet": name,
                "row": None if located is None else located.heading_row + 1,
                "table": reader.table.key,
                "present": rows is not None,
                "found": located is not None,
                "missing": "" if located is None else reader.missing(located),
            }
        )
        if rows is not None and located is not None:
            reader.read(returned, extracted, name, rows, located)
            if not is_calculated:
                doubts += reader.unread_formulas(returned.grid, name, located)
    extracted.sheets = columns_of(tables.SHEETS, sheets)
    extracted.returns["doubts"] = ["；".join(doubts)]
    return extracted


def _is_calculated(grid: Grid) -> bool:
    """Whether some formula has a result, or there is none; programs that are no office program
    leave all of them without."""
    places = [(name, place) for name, found in (grid.formulas or {}).items() for place in found]
    return not places or any(
        _value_at(grid.sheets.get(name, ()), place) != "" for name, place in places
    )


def _value_at(rows: Rows, place: tuple[int, int]) -> object:
    row, column = place
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else ""


def answers(plan: Plan, grid: Grid) -> Mapping[tuple[str, str], str]:
    """What the unit says to the opinions on its earlier return, if this is a marked copy."""
    rows = grid.sheets.get(forms.OPINIONS)
    if rows is None:
        return {}
    located = find_table(rows, forms.opinions_table(plan.campaign))
    if located is None:
        return {}
    code_at, message_at, answer_at = (
        located.columns.get(key) for key in ("code", "message", "explanation")
    )
    return {
        (squeeze(_cell_text(row, code_at)), squeeze(_cell_text(row, message_at))): answer
        for row in rows[located.first_row :]
        if (answer := _cell_text(row, answer_at))
    }


class _ItemReader:
    """Reads the sheet 数据项 of many returns of one kind of unit."""

    def __init__(self, plan: Plan, kind: str) -> None:
        self._kind = kind
        self._items = [(squeeze(one.name), one) for one in plan.reported_items(kind)]

    def read(self, origin: Origin, rows: Rows, located: LocatedTable) -> Columns:
        """The items that units report (``tables.DATA_ITEMS``)."""
        item_at, value_at = located.columns.get("item"), located.columns.get("value")
        found: dict[str, int] = {}
        for number in range(located.first_row, len(rows)):
            found.setdefault(squeeze(_cell_text(rows[number], item_at)), number)
        read = []
        for name, item in self._items:
            at = found.get(name)
            value: object = ""
            if at is not None and value_at is not None and value_at < len(rows[at]):
                value = rows[at][value_at]
            read.append(
                {
                    **origin,
                    "row": None if at is None else at + 1,
                    "kind": self._kind,
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
