"""The projects that a spot check draws from: the rows of one register that the plan's filter keeps."""

from __future__ import annotations

import json

import pandas as pd

from perfxl.intake.data_items import mask
from perfxl.layout.declare import Column
from perfxl.plan.model import UNIT_KIND, Plan, SpotCheck
from perfxl.tables import PROJECTS, ReturnTables, frame, whole
from perfxl.values import squeeze, text_of

# A slip in a choice would be a stratum of one, and certain to be drawn.
BLANK, NO_CHOICE = "（空白）", "（未按选项填写）"
STRATUM_BREAK = "／"


def projects(plan: Plan, spot_check: SpotCheck, returned: ReturnTables) -> pd.DataFrame:
    """Every project of the batch that can be drawn (``tables.PROJECTS``).

    Rows of one unit with the same code and the same name are one project, the first of them; a row
    with neither cannot be named, so it is not among them.
    """
    register = next(one for one in plan.registers if one.name == spot_check.register)
    columns_by_label = {one.column.label: one.column for one in register.columns}
    values = returned.registers[register.name].values
    files = dict(zip(returned.returns["receipt"], returned.returns["file"], strict=True))
    columns: dict[str, list[object]] = {name: [] for name in PROJECTS}
    seen: set[tuple[str, str, str]] = set()
    kept = values[mask(spot_check.conditions, register, values)]
    for row in kept.sort_values(["unit", "row"], kind="stable").to_dict("records"):
        unit = plan.unit_by_code[row["unit"]]
        code, name = (text_of(row[c]) for c in (spot_check.code_column, spot_check.name_column))
        key = (unit.code, squeeze(code), squeeze(name))
        if not (code or name) or key in seen:
            continue
        seen.add(key)
        parts = [
            unit.kind if by == UNIT_KIND else _part(columns_by_label[by], row[by])
            for by in spot_check.strata
        ]
        project: dict[str, object] = {
            "unit": unit.code,
            "kind": unit.kind,
            "project": code,
            "name": name,
            "stratum": STRATUM_BREAK.join(parts),
            "receipt": row["receipt"],
            "file": files[row["receipt"]],
            "sheet": row["sheet"],
            "row": row["row"],
            "said": _said(spot_check, row),
        }
        for label, column in columns.items():
            column.append(project[label])
    return frame(columns, PROJECTS)


def _part(column: Column, value: object) -> str:
    """What a column contributes to a project's stratum."""
    text = squeeze(_text(value))
    if text and column.choices and text not in map(squeeze, column.choices):
        return NO_CHOICE
    return text or BLANK


def _said(spot_check: SpotCheck, row: dict[str, object]) -> str:
    labels = dict.fromkeys([*spot_check.shown, *(spot_check.rate or ())])
    said: dict[str, object] = {}
    for label in labels:
        value = row[label]
        text = not pd.api.types.is_integer(value)
        said[label] = _text(value) if text else whole(value)
    return json.dumps(said, ensure_ascii=False)


def _text(value: object) -> str:
    if isinstance(value, pd.Timestamp):
        return str(value.date())
    return "" if value is None or pd.isna(value) else text_of(value)
