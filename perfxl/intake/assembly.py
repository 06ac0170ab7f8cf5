"""The tables of a batch (``perfxl.tables``), of returns that were read one by one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from perfxl import tables
from perfxl.intake.citations import citations, registered_evidence
from perfxl.intake.columns import Columns, columns_of, joined
from perfxl.intake.data_items import data_items
from perfxl.intake.extract import Extracted, Layouts, Return, extract_one
from perfxl.intake.registers import is_its_text
from perfxl.layout.declare import NUMERIC, ValueKind
from perfxl.plan import forms
from perfxl.plan.model import LedgerFigure, Plan, Register
from perfxl.tables import RegisterRows, ReturnTables, Schema, column_of, frame


def extract(
    plan: Plan,
    returns: Sequence[Return],
    ledger_figures: Mapping[str, Mapping[LedgerFigure, int | None]] | None = None,
    borrowed: Mapping[str, int] | None = None,
    as_of: dt.date | None = None,
) -> ReturnTables:
    """The tables of a batch. ``ledger_figures`` gives, per unit code, what the ledger counts
    (plain counts); without it, data items of that source stay unknown. ``borrowed`` and ``as_of``
    as ``data_items`` takes them."""
    layouts = Layouts(plan)
    extracted = [extract_one(layouts, one) for one in returns]
    return assemble(plan, extracted, ledger_figures, borrowed, as_of)


def assemble(
    plan: Plan,
    extracted: Sequence[Extracted],
    ledger_figures: Mapping[str, Mapping[LedgerFigure, int | None]] | None = None,
    borrowed: Mapping[str, int] | None = None,
    as_of: dt.date | None = None,
) -> ReturnTables:
    """The tables of a batch of returns that were read one by one."""
    assessments = [one.assessment for one in extracted if one.assessment is not None]
    registers = {register.name: _register_rows(register, extracted) for register in plan.registers}
    entries = _framed((one.entries for one in assessments), tables.ENTRIES)
    sheets = _framed((one.sheets for one in extracted), tables.SHEETS)
    returns = _framed((one.returns for one in extracted), tables.RETURNS)
    reported = joined((o.reported for o in extracted if o.reported), tables.DATA_ITEMS)
    evidence = registered_evidence(plan, registers)
    figures = ledger_figures or {}
    return ReturnTables(
        returns=returns,
        sheets=sheets,
        entries=entries,
        subtotals=_framed((one.subtotals for one in assessments), tables.SUBTOTALS),
        strays=_framed((one.strays for one in assessments), tables.STRAYS),
        sum_rows=_framed(map(_sum_rows, extracted), tables.SUM_ROWS),
        evidence=evidence,
        citations=citations(entries, evidence),
        data_items=data_items(plan, returns, sheets, reported, registers, figures, borrowed, as_of),
        registers=registers,
        columns={
            (one.receipt, table): letters
            for one in extracted
            for table, letters in one.columns.items()
        },
        field_cells={
            (one.receipt, key): cell for one in extracted for key, cell in one.field_cells.items()
        },
        explanations={
            (one.receipt, *key): text for one in extracted for key, text in one.explanations.items()
        },
    )


def _sum_rows(extracted: Extracted) -> Columns:
    rows = [
        {
            "receipt": extracted.receipt,
            "unit": extracted.returns["unit"][0],
            "sheet": extracted.register_sheets[name],
            "row": row,
            "table": forms.register_key(name),
        }
        for name, part in extracted.registers.items()
        for row in part.sum_rows
    ]
    return columns_of(tables.SUM_ROWS, rows)


def _register_rows(register: Register, extracted: Sequence[Extracted]) -> RegisterRows:
    parts = [one.registers[register.name] for one in extracted if register.name in one.registers]
    columns = [declared.column for declared in register.columns]
    labels = [column.key for column in columns]
    texts = {
        label: column_of(content, "object")
        for label, content in joined((part.texts for part in parts), labels).items()
    }
    own = [column.key for column in columns if not is_its_text(column)]
    read = joined((part.values for part in parts), ("receipt", "unit", "sheet", "row", *own))
    typed = {name: column_of(read[name], dtype) for name, dtype in tables.ORIGIN.items()}
    for column in columns:
        key = column.key
        if key not in read:
            typed[key] = texts[key]
        elif column.kind is ValueKind.DATE:
            typed[key] = pd.Series(pd.to_datetime(read[key]), dtype="datetime64[s]")
        else:
            typed[key] = column_of(read[key], "Int64" if column.kind in NUMERIC else "object")
    # Without a copy: pandas makes one of a column when it is written to.
    return RegisterRows(pd.DataFrame(typed, copy=False), pd.DataFrame(texts, copy=False))


def _framed(parts: Iterable[Columns], schema: Schema) -> pd.DataFrame:
    return frame(joined(parts, schema), schema)
