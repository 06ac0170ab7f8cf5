"""指标分析: how each indicator was scored, per kind, as live formulas over the matrix."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name
from perfxl.points import as_float
from perfxl.products.consolidated.material import (
    NOT_APPLICABLE,
    NOT_RETURNED,
    Material,
    MatrixPlace,
)
from perfxl.tables import Basis

SHEET = "指标分析"
_COLUMNS = (
    ("指标编码", 9),
    ("指标", 34),
    ("分值", 8),
    ("平均得分", 10),
    ("得分率", 10),
    ("得分率位次", 10),
    ("满分单位数", 11),
    ("扣分单位数", 11),
    ("不适用单位数", 12),
)
_HEADING_ROW = 2


def write_analysis(sheet: SheetWriter, material: Material) -> None:
    """One block per kind; units that returned nothing do not count."""
    last = len(_COLUMNS) - 1
    note = "只统计已报送的单位；得分率位次 1 为最低，即最薄弱的指标。"
    sheet.title(f"{material.plan.campaign.name}{SHEET}", note, last)
    for column, (label, width) in enumerate(_COLUMNS):
        sheet.text(_HEADING_ROW, column, label, Role.HEADING)
        sheet.raw.set_column(column, column, width)
    sheet.raw.set_row(_HEADING_ROW, 26)
    row = _HEADING_ROW + 1
    for kind, place in material.matrices.items():
        row = _block(sheet, material, kind, place, row)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 2)
    sheet.print_setup(
        landscape=False, last_column=last, repeat_rows=(0, _HEADING_ROW), last_row=row - 1
    )


def indicator_means(material: Material, kind: str) -> dict[str, Fraction | None]:
    """The exact mean (hundredths) of each indicator over the units that it applies to."""
    scores = material.scores
    own = scores[(scores["kind"] == kind) & (scores["basis"] != str(Basis.NOT_RETURNED))]
    means: dict[str, Fraction | None] = {}
    for code, rows in own.groupby("indicator", sort=False):
        given = rows["score"].dropna()
        means[str(code)] = Fraction(int(given.sum()), len(given)) if len(given) else None
    return means


def _block(sheet: SheetWriter, material: Material, kind: str, place: MatrixPlace, row: int) -> int:
    last = len(_COLUMNS) - 1
    sheet.merged(row, last, kind, Role.LEVEL_1)
    first = row + 1
    end = row + len(place.indicators)
    status = place.column_range(place.column("报送情况"))
    means = indicator_means(material, kind)
    rates = {
        one.code: mean / one.full_marks
        for one in place.indicators
        if (mean := means.get(one.code)) is not None
    }
    scores = material.scores[material.scores["kind"] == kind]
    returned = scores[scores["basis"] != str(Basis.NOT_RETURNED)]
    for index, indicator in enumerate(place.indicators):
        row = first + index
        column = place.column_range(place.indicator_column(indicator.code))
        own = returned.loc[returned["indicator"] == indicator.code, "score"]
        mean, rate = means.get(indicator.code), rates.get(indicator.code)
        mean_cell, rate_cell = cell_name(row, 3), cell_name(row, 4)
        marks = cell_name(row, 2)
        rate_range = f"$E${first + 1}:$E${end + 1}"
        sheet.text(row, 0, indicator.code)
        sheet.text(row, 1, indicator.name)
        sheet.number(row, 2, indicator.full_marks)
        sheet.formula(
            row,
            3,
            f'=IFERROR(AVERAGEIF({status},"<>{NOT_RETURNED}",{column}),"")',
            Role.FIXED,
            ValueKind.MONEY,
            "" if mean is None else float(mean) / 100,
        )
        sheet.formula(
            row,
            4,
            f'=IF(ISNUMBER({mean_cell}),ROUND({mean_cell}/{marks},10),"")',
            Role.FIXED,
            ValueKind.PERCENT,
            "" if rate is None else float(rate),
        )
        place_in_order: float | str = (
            "" if rate is None else 1 + sum(other < rate for other in rates.values())
        )
        sheet.formula(
            row,
            5,
            f'=IF(ISNUMBER({rate_cell}),RANK({rate_cell},{rate_range},1),"")',
            Role.FIXED,
            ValueKind.INTEGER,
            place_in_order,
        )
        full = as_float(indicator.full_marks)
        sheet.formula(
            row,
            6,
            f'=COUNTIFS({status},"<>{NOT_RETURNED}",{column},{full:g})',
            Role.FIXED,
            ValueKind.INTEGER,
            int((own == indicator.full_marks).sum()),
        )
        sheet.formula(
            row,
            7,
            f'=COUNTIFS({status},"<>{NOT_RETURNED}",{column},"<{full:g}")',
            Role.FIXED,
            ValueKind.INTEGER,
            int((own < indicator.full_marks).fillna(False).sum()),
        )
        sheet.formula(
            row,
            8,
            f'=COUNTIFS({status},"<>{NOT_RETURNED}",{column},"{NOT_APPLICABLE}")',
            Role.FIXED,
            ValueKind.INTEGER,
            int(pd.isna(own).sum()),
        )
    return end + 1
