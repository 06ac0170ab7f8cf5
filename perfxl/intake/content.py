"""What a unit typed into its workbook, cell value by cell value: carried over, or compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfxl.excel.reader import Grid
from perfxl.excel.stamp import SHEET as STAMP_SHEET
from perfxl.intake.extract import answers, sheet_of
from perfxl.intake.identity import cover_rows
from perfxl.layout.declare import FilledBy, SheetLayout
from perfxl.layout.locate import LocatedTable, Rows, column_letter, find_fields, find_table
from perfxl.plan import forms
from perfxl.plan.model import Plan, Unit
from perfxl.values import squeeze, text_of

Cells = Mapping[str, object]


@dataclass(frozen=True)
class Content:
    """Values by column key: of the cover, of each indicator, of each data item, of register rows.

    Values are as the reader gives them: text, numbers and dates stay what they were.
    """

    cover: Cells = field(default_factory=dict)
    entries: Mapping[str, Cells] = field(default_factory=dict)
    items: Mapping[str, Cells] = field(default_factory=dict)
    registers: Mapping[str, Sequence[Cells]] = field(default_factory=dict)


def typed_content(plan: Plan, unit: Unit, grid: Grid) -> Content:
    """What the unit typed, found as extraction finds it."""
    wanted = forms.cover_fields(plan.campaign)
    fields = find_fields(cover_rows(grid, wanted), wanted)
    typed = {one.key for one in wanted if one.filled_by is FilledBy.RECIPIENT}
    cover = {key: value for key, (value, _) in fields.items() if key in typed}
    rubric = plan.rubrics[unit.kind]
    by_code = {squeeze(one.code): one.code for one in rubric.indicators}
    by_item = {squeeze(one.name): one.name for one in plan.reported_items(unit.kind)}
    entries: dict[str, Cells] = {}
    items: dict[str, Cells] = {}
    registers: dict[str, list[Cells]] = {}
    for layout in forms.template_layout(plan, unit.kind).sheets:
        found = _table_of(grid, layout)
        if found is None or layout.table is None:
            continue
        rows, located = found
        keys = [c.key for c in layout.table.columns if c.filled_by is FilledBy.RECIPIENT]
        for row in rows[located.first_row :]:
            cells = {key: _at(row, located, key) for key in keys}
            if layout.key == forms.SELF_ASSESSMENT:
                code = by_code.get(squeeze(text_of(_at(row, located, "code"))))
                if code is not None:
                    entries.setdefault(code, cells)
            elif layout.key == forms.DATA_ITEMS:
                item = by_item.get(squeeze(text_of(_at(row, located, "item"))))
                if item is not None:
                    items.setdefault(item, cells)
            elif any(text_of(value) for value in cells.values()):
                registers.setdefault(layout.name, []).append(cells)
    return Content(cover, entries, items, registers)


def not_taken_over(plan: Plan, unit: Unit, grid: Grid) -> list[str]:
    """The filled columns and sheets of a workbook that the plan's layout has no place for."""
    found: list[str] = []
    seen = {forms.COVER, forms.INSTRUCTIONS, forms.OPINIONS, STAMP_SHEET}
    for layout in forms.template_layout(plan, unit.kind).sheets:
        if layout.table is None:
            continue
        name, rows = sheet_of(grid, layout)
        located = find_table(rows, layout.table) if rows is not None else None
        if rows is None or located is None:
            continue
        seen.add(name)
        known = set(located.columns.values())
        heading, below = rows[located.heading_row], rows[located.first_row :]
        for at in range(max(map(len, below), default=0)):
            if at in known or not any(at < len(row) and text_of(row[at]) for row in below):
                continue
            label = text_of(heading[at]) if at < len(heading) else ""
            said = f"“{label}”列" if label else f" {column_letter(at)} 列（没有表头）"
            found.append(f"{name}{said}")
    for name, rows in grid.sheets.items():
        if name not in seen and any(text_of(value) for row in rows for value in row):
            found.append(f"工作表“{name}”")
    return found


def differs_from(plan: Plan, grid: Grid, earlier: Grid) -> bool:
    """Whether a marked copy says anything else than the return that it was made of.

    A formula counts as one, whatever it shows: an office program calculates.
    """
    said, said_before = answers(plan, grid), answers(plan, earlier)
    return not said.items() <= said_before.items() or _cells(grid) != _cells(earlier)


def _cells(grid: Grid) -> dict[tuple[str, int, int], str]:
    found = {}
    for name, rows in grid.sheets.items():
        if name == forms.OPINIONS:
            continue
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if text := text_of(value):
                    found[name, r, c] = text
        found |= {(name, *place): "=" for place in (grid.formulas or {}).get(name, ())}
    return found


def _table_of(grid: Grid, layout: SheetLayout) -> tuple[Rows, LocatedTable] | None:
    if layout.table is None:
        return None
    _, rows = sheet_of(grid, layout)
    located = find_table(rows, layout.table) if rows is not None else None
    return None if rows is None or located is None else (rows, located)


def _at(row: Sequence[object], located: LocatedTable, key: str) -> object:
    at = located.columns.get(key)
    return "" if at is None or at >= len(row) else row[at]
