"""Turns the grids of a batch of returns into one DataFrame per table (``perfxl.tables``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from perfxl import tables
from perfxl.excel.reader import Grid
from perfxl.intake.citations import citations, registered_evidence
from perfxl.intake.data_items import data_items
from perfxl.intake.identity import Identity
from perfxl.layout.declare import NUMERIC, SheetLayout, Table, ValueKind
from perfxl.layout.locate import LocatedTable, Rows, column_letter, find_table
from perfxl.plan import forms
from perfxl.plan.model import LedgerFigure, Plan, Register, Rubric, Unit
from perfxl.tables import RegisterRows, ReturnTables, Schema, frame
from perfxl.values import (
    date_of,
    document_number_of,
    number_of,
    percent_of,
    precise_number_of,
    squeeze,
    text_of,
)

SUM_ROWS = frozenset({"合计", "总计", "小计", "合计:", "总计:", "小计:"})
# What people type for "there is none" where a document number or an address is asked for.
NONE_GIVEN = frozenset({"无", "没有", "/", "\\", "-", "--", "—", "——"})


@dataclass(frozen=True)
class Return:
    """One returned workbook, read and identified; ``receipt`` is its content hash."""

    receipt: str
    file: str
    unit: Unit
    identity: Identity
    grid: Grid


class _Builder:
    """Collects rows column by column."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.columns: dict[str, list[object]] = {name: [] for name in schema}

    def add(self, **values: object) -> None:
        for name, column in self.columns.items():
            column.append(values.get(name))

    def frame(self) -> pd.DataFrame:
        return frame(self.columns, self.schema)


def extract(
    plan: Plan,
    returns: Sequence[Return],
    ledger_figures: Mapping[str, Mapping[LedgerFigure, int]] | None = None,
) -> ReturnTables:
    """The tables of a batch. ``ledger_figures`` gives, per unit code, what the ledger counts
    (plain counts); without it, data items of that source stay unknown."""
    batch = _Batch(plan)
    for returned in returns:
        batch.add(returned)
    return batch.tables(ledger_figures or {})


class _Batch:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.layouts = {kind: forms.template_layout(plan, kind) for kind in plan.rubrics}
        self.returns = _Builder(tables.RETURNS)
        self.sheets = _Builder(tables.SHEETS)
        self.entries = _Builder(tables.ENTRIES)
        self.subtotals = _Builder(tables.SUBTOTALS)
        self.strays = _Builder(tables.STRAYS)
        self.sum_rows = _Builder(tables.SUM_ROWS)
        self.reported = _Builder(tables.DATA_ITEMS)
        self.register_values: dict[str, dict[str, list[object]]] = {}
        self.register_texts: dict[str, dict[str, list[object]]] = {}
        for register in plan.registers:
            labels = [declared.column.key for declared in register.columns]
            self.register_values[register.name] = {
                name: [] for name in ("receipt", "unit", "sheet", "row", *labels)
            }
            self.register_texts[register.name] = {name: [] for name in labels}
        self.columns: dict[tuple[str, str], Mapping[str, str]] = {}
        self.field_cells: dict[tuple[str, str], str] = {}
        self.explanations: dict[tuple[str, str, str], str] = {}

    def add(self, returned: Return) -> None:
        identity, unit = returned.identity, returned.unit
        self.returns.add(
            receipt=returned.receipt,
            file=returned.file,
            unit=unit.code,
            kind=unit.kind,
            unit_by_stamp=identity.by_stamp,
            unit_by_cover=identity.by_cover,
            stamp=str(identity.stamp),
            campaign=identity.campaign,
            version=identity.version,
            preparer=identity.preparer,
            phone=identity.phone,
            remarks="；".join(returned.grid.remarks),
        )
        for field_key, cell in identity.field_cells.items():
            self.field_cells[returned.receipt, field_key] = cell
        self._explanations(returned)
        for layout in self.layouts[unit.kind].sheets:
            if layout.table is None:
                continue
            name, rows = sheet_of(returned.grid, layout)
            located = find_table(rows, layout.table) if rows is not None else None
            self.sheets.add(
                receipt=returned.receipt,
                unit=unit.code,
                sheet=layout.name,
                table=layout.table.key,
                present=rows is not None,
                found=located is not None,
            )
            if rows is None or located is None:
                continue
            self.columns[returned.receipt, layout.table.key] = {
                key: column_letter(at) for key, at in located.columns.items()
            }
            if layout.key == forms.SELF_ASSESSMENT:
                self._entries(returned, name, rows, located)
            elif layout.key == forms.DATA_ITEMS:
                self._reported(returned, name, rows, located)
            else:
                self._register(returned, name, rows, located, layout.table)

    def _explanations(self, returned: Return) -> None:
        """What the unit says to the opinions on its earlier return, if this is a marked copy."""
        rows = returned.grid.sheets.get(forms.OPINIONS)
        located = find_table(rows, forms.OPINIONS_TABLE) if rows is not None else None
        if rows is None or located is None:
            return
        code_at, message_at, answer_at = (
            located.columns.get(key) for key in ("code", "message", "explanation")
        )
        for row in rows[located.first_row :]:
            answer = _cell_text(row, answer_at)
            if answer:
                message = squeeze(_cell_text(row, message_at))
                key = (returned.receipt, squeeze(_cell_text(row, code_at)), message)
                self.explanations[key] = answer

    def _entries(self, returned: Return, sheet: str, rows: Rows, located: LocatedTable) -> None:
        rubric = self.plan.rubrics[returned.unit.kind]
        origin = {"receipt": returned.receipt, "unit": returned.unit.code, "sheet": sheet}
        where, repeats, total_row = self._match_rows(origin, rubric, rows, located)

        def cell(index: int | None, key: str) -> object:
            at = located.columns.get(key)
            if index is None or at is None or at >= len(rows[index]):
                return ""
            return rows[index][at]

        # What each row displays, read once; headings that read 0 or blank were not calculated.
        displayed = [
            precise_number_of(cell(where.get(i), "self_score"), "分")
            for i in range(len(rubric.rows))
        ]
        # A sum formula passes over a score typed as text.
        as_text = {
            i
            for i, line in enumerate(rubric.rows)
            if line.indicator is not None
            and displayed[i] is not None
            and isinstance(cell(where.get(i), "self_score"), str)
        }
        formulas = returned.grid.formulas
        score_at = located.columns.get("self_score")

        def is_formula(index: int | None) -> bool | None:
            if formulas is None or index is None:
                return None
            return (index, score_at) in formulas.get(sheet, ())

        def counted(i: int, below: int) -> int:
            shown = displayed[i]
            typed_over = shown is not None and is_formula(where.get(i)) is False
            return shown if shown is not None and (shown or typed_over) else below

        effective: dict[int, int] = {}
        for i in reversed(range(len(rubric.rows))):
            below = sum(effective[child] for child in rubric.rows[i].children)
            effective[i] = counted(i, below)
        for i, line in enumerate(rubric.rows):
            index = where.get(i)
            number = None if index is None else index + 1
            shown_marks = text_of(cell(index, "full_marks"))
            if line.indicator is not None:
                self.entries.add(
                    **origin,
                    row=number,
                    kind=rubric.kind,
                    indicator=line.code,
                    name=line.name,
                    full_marks=line.full_marks,
                    method=line.indicator.method.name,
                    self_score_required=line.indicator.self_score_required,
                    evidence_required=line.indicator.evidence_required,
                    url_required=line.indicator.url_required,
                    name_in_file=text_of(cell(index, "name")),
                    full_marks_in_file=shown_marks,
                    repeats=repeats.get(i, 0),
                    self_score=displayed[i],
                    self_score_text=text_of(cell(index, "self_score")),
                    self_score_is_text=i in as_text,
                    basis=text_of(cell(index, "basis")),
                    evidence_numbers=text_of(cell(index, "evidence_numbers")),
                    deduction_reason=text_of(cell(index, "deduction_reason")),
                )
                continue
            self.subtotals.add(
                **origin,
                row=number,
                code=line.code,
                name=line.name,
                depth=line.depth,
                displayed=displayed[i],
                displayed_text=text_of(cell(index, "self_score")),
                is_formula=is_formula(index),
                sum_below=sum(effective[child] for child in line.children),
                text_below=sum(effective[child] for child in line.children if child in as_text),
                parts=[effective[child] for child in line.children],
                full_marks=line.full_marks,
                full_marks_in_file=shown_marks,
            )
        total = cell(total_row, "self_score")
        self.subtotals.add(
            **origin,
            row=None if total_row is None else total_row + 1,
            code=forms.TOTAL_ROW,
            name=forms.TOTAL_ROW,
            depth=0,
            displayed=precise_number_of(total, "分"),
            displayed_text=text_of(total),
            is_formula=is_formula(total_row),
            sum_below=sum(effective[index] for index in rubric.top),
            text_below=sum(effective[index] for index in rubric.top if index in as_text),
            parts=[effective[index] for index in rubric.top],
            full_marks=rubric.full_marks,
            full_marks_in_file=text_of(cell(total_row, "full_marks")),
        )

    def _match_rows(
        self, origin: Mapping[str, str], rubric: Rubric, rows: Rows, located: LocatedTable
    ) -> tuple[dict[int, int], dict[int, int], int | None]:
        """Positions of the rubric's rows in the sheet, by code and else by name."""
        by_code = {squeeze(line.code): index for index, line in enumerate(rubric.rows)}
        by_name: dict[str, int] = {}
        for index, line in enumerate(rubric.rows):
            by_name.setdefault(squeeze(line.name), index)
        code_at, name_at = located.columns.get("code"), located.columns.get("name")
        where: dict[int, int] = {}
        repeats: dict[int, int] = {}
        total_row: int | None = None
        for number in range(located.first_row, len(rows)):
            row = rows[number]
            code = _cell_text(row, code_at)
            name = _cell_text(row, name_at)
            if forms.TOTAL_ROW in (squeeze(code), squeeze(name)):
                total_row = number
                continue
            found = by_code.get(squeeze(code)) if code else by_name.get(squeeze(name))
            if found is None and code and _has_marks(row, located):
                self.strays.add(**origin, row=number + 1, code=code, name=name)
            elif found is not None:
                where.setdefault(found, number)
                repeats[found] = repeats.get(found, 0) + 1
        return where, repeats, total_row

    def _reported(self, returned: Return, sheet: str, rows: Rows, located: LocatedTable) -> None:
        item_at, value_at = located.columns.get("item"), located.columns.get("value")
        found: dict[str, int] = {}
        for number in range(located.first_row, len(rows)):
            found.setdefault(squeeze(_cell_text(rows[number], item_at)), number)
        for item in self.plan.reported_items(returned.unit.kind):
            at = found.get(squeeze(item.name))
            value: object = ""
            if at is not None and value_at is not None and value_at < len(rows[at]):
                value = rows[at][value_at]
            self.reported.add(
                receipt=returned.receipt,
                unit=returned.unit.code,
                sheet=sheet,
                row=None if at is None else at + 1,
                kind=returned.unit.kind,
                item=item.name,
                source=str(item.source),
                value=precise_number_of(value, item.unit),
                value_text=text_of(value),
            )

    def _register(
        self, returned: Return, sheet: str, rows: Rows, located: LocatedTable, table: Table
    ) -> None:
        name = table.key.removeprefix("register:")
        values, texts = self.register_values[name], self.register_texts[name]
        for number in range(located.first_row, len(rows)):
            row = rows[number]
            content = {
                column.key: row[at]
                if (at := located.columns.get(column.key)) is not None and at < len(row)
                else ""
                for column in table.columns
            }
            written = {
                column.key: _written(column.kind, content[column.key]) for column in table.columns
            }
            if not any(written.values()):
                continue
            if any(squeeze(text) in SUM_ROWS for text in written.values()):
                self.sum_rows.add(
                    receipt=returned.receipt,
                    unit=returned.unit.code,
                    sheet=sheet,
                    row=number + 1,
                    table=table.key,
                )
                continue
            values["receipt"].append(returned.receipt)
            values["unit"].append(returned.unit.code)
            values["sheet"].append(sheet)
            values["row"].append(number + 1)
            for column in table.columns:
                value = content[column.key]
                texts[column.key].append(written[column.key])
                if column.kind is ValueKind.PERCENT:
                    values[column.key].append(percent_of(value))
                elif column.kind in NUMERIC:
                    values[column.key].append(number_of(value, column.unit))
                elif column.kind is ValueKind.DATE:
                    values[column.key].append(date_of(value))
                elif column.kind is ValueKind.DOCUMENT_NUMBER:
                    values[column.key].append(document_number_of(written[column.key]))
                else:
                    values[column.key].append(written[column.key])

    def tables(self, figures: Mapping[str, Mapping[LedgerFigure, int]]) -> ReturnTables:
        registers = {
            register.name: self._register_rows(register) for register in self.plan.registers
        }
        entries, sheets = self.entries.frame(), self.sheets.frame()
        returns, reported = self.returns.frame(), self.reported.frame()
        evidence = registered_evidence(self.plan, registers)
        return ReturnTables(
            returns=returns,
            sheets=sheets,
            entries=entries,
            subtotals=self.subtotals.frame(),
            strays=self.strays.frame(),
            sum_rows=self.sum_rows.frame(),
            evidence=evidence,
            citations=citations(entries, evidence),
            data_items=data_items(self.plan, returns, sheets, reported, registers, figures),
            registers=registers,
            columns=self.columns,
            field_cells=self.field_cells,
            explanations=self.explanations,
        )

    def _register_rows(self, register: Register) -> RegisterRows:
        columns = self.register_values[register.name]
        kinds = {declared.column.key: declared.column.kind for declared in register.columns}
        typed: dict[str, pd.Series] = {}
        for label, content in columns.items():
            kind = kinds.get(label)
            if label == "row" or kind in NUMERIC:
                typed[label] = pd.Series(content, dtype="Int64")
            elif kind is ValueKind.DATE:
                typed[label] = pd.Series(pd.to_datetime(content), dtype="datetime64[s]")
            else:
                typed[label] = pd.Series(content, dtype="object")
        texts = pd.DataFrame(self.register_texts[register.name], dtype="object")
        return RegisterRows(pd.DataFrame(typed), texts)


def _written(kind: ValueKind, value: object) -> str:
    text = text_of(value)
    optional = kind in (ValueKind.DOCUMENT_NUMBER, ValueKind.URL)
    return "" if optional and text in NONE_GIVEN else text


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


def _has_marks(row: Sequence[object], located: LocatedTable) -> bool:
    """Whether a row carries marks or a score, as an indicator's does and a signature line's not."""
    return any(
        number_of(row[at]) is not None
        for key in ("full_marks", "self_score")
        if (at := located.columns.get(key)) is not None and at < len(row)
    )


def _cell_text(row: Sequence[object], at: int | None) -> str:
    return "" if at is None or at >= len(row) else text_of(row[at])
