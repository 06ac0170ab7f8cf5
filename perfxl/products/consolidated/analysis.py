"""指标分析: how each indicator was scored, per kind, live: the rows follow the matrix.

The figures of each indicator stand in hidden columns in the rubric's order; the tables that people
see draw them in the order of the place that other hidden columns work out.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from perfxl.analysis import first_levels
from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.points import as_float
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    HEADING_ROW,
    band,
    begin,
    hide_helpers,
    roomy_height,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import own, place_in_order, span
from perfxl.products.consolidated.material import (
    NOT_APPLICABLE,
    NOT_RETURNED,
    Material,
    MatrixPlace,
)

SHEET = "指标分析"
MOST_LOSSES = 10
_COLUMNS = (
    ("位次", 6),
    ("指标编码", 9),
    ("指标", 32),
    ("分值", 7),
    ("平均得分", 10),
    ("得分率", 10),
    ("满分单位数", 10),
    ("扣分单位数", 10),
    ("扣分合计", 10),
    ("不适用单位数", 11),
)
NAME, RATE = 2, 5
_LAST = len(_COLUMNS) - 1
# Hidden: the row drawn, then the figures in the rubric's order.
_DRAWN = len(_COLUMNS) + 1
_CODE, _TITLE, _MARKS, _UNITS, _SUM, _FULL, _LOST_UNITS, _LOST, _ABSENT = range(
    _DRAWN + 1, _DRAWN + 10
)
_WEAKNESS_KEY, _WEAKNESS, _LOSS = range(_ABSENT + 1, _ABSENT + 4)


@dataclass(frozen=True)
class AnalysisPlace:
    """First and last rows (0-based) of one kind's three tables."""

    first_level: tuple[int, int]
    weakest: tuple[int, int]
    losses: tuple[int, int]
    names: tuple[str, ...]

    @property
    def height(self) -> float:
        """A row height that holds the longest name, and fills one page if that is enough."""
        rows = self.end - self.first_level[0] - 2
        width = sum(width for _, width in _COLUMNS)
        least = wrapped_height(*((name, _COLUMNS[NAME][1]) for name in self.names), least=16)
        return roomy_height(rows, width, landscape=False, used=110, least=least, most=22)

    @property
    def end(self) -> int:
        """The row after the last."""
        return self.losses[1] + 1


def analysis_places(material: Material) -> dict[str, AnalysisPlace]:
    """Where each kind's tables stand, each under a band of its own."""
    places, row = {}, FIRST_BODY_ROW
    for kind, place in material.matrices.items():
        top = len(first_levels(material.plan.rubrics[kind]))
        count = len(place.indicators)
        first = row + 2
        weakest = first + top + 1
        losses = weakest + count + 1
        shown = min(MOST_LOSSES, count)
        places[kind] = AnalysisPlace(
            (first, first + top - 1),
            (weakest, weakest + count - 1),
            (losses, losses + shown - 1),
            tuple(one.name for one in place.indicators),
        )
        row = places[kind].end
    return places


def rate_reference(material: Material, kind: str, position: int) -> str:
    """The live score rate of an indicator by its position in the rubric; "" where it has none."""
    row = analysis_places(material)[kind].weakest[0] + position
    units, key = (f"{SHEET}!{own(column, row)}" for column in (_UNITS, _WEAKNESS_KEY))
    return f'IF({units}=0,"",-{key})'


def write_analysis(sheet: SheetWriter, material: Material) -> None:
    """One page or two per kind; units that returned nothing do not count."""
    note = "只统计已报送的单位；得分率 = 得分 ÷ 适用分值。改动得分汇总中的得分后，各表重新排列。"
    begin(sheet, f"{material.plan.campaign.name}{SHEET}", note, _COLUMNS)
    places = analysis_places(material)
    breaks = []
    for kind, place in places.items():
        start = place.first_level[0] - 2
        if start > FIRST_BODY_ROW:
            breaks.append(start)
        title = f"{kind}（{len(material.matrices[kind].units)} 个）"
        band(sheet, start, _COLUMNS, title)
        band(sheet, start + 1, _COLUMNS, "一级指标得分率")
        band(sheet, place.weakest[0] - 1, _COLUMNS, "各指标得分率，由低到高（最薄弱的在前）")
        band(sheet, place.losses[0] - 1, _COLUMNS, f"扣分最多的指标（前 {MOST_LOSSES} 个）")
        _figures(sheet, material, material.matrices[kind], place, kind)
        _first_levels(sheet, material, place, kind)
        _drawn(sheet, material, place, kind, "weakness_order")
        _drawn(sheet, material, place, kind, "loss_order")
    sheet.raw.set_h_pagebreaks(breaks)
    hide_helpers(sheet, _DRAWN - 1, _LOSS)
    sheet.raw.freeze_panes(FIRST_BODY_ROW, 3)
    sheet.print_setup(
        landscape=False,
        last_column=_LAST,
        repeat_rows=(0, HEADING_ROW),
        last_row=max((place.end for place in places.values()), default=FIRST_BODY_ROW) - 1,
    )


def _figures(
    sheet: SheetWriter, material: Material, matrix: MatrixPlace, place: AnalysisPlace, kind: str
) -> None:
    """The hidden figures, in the rubric's order."""
    first, last = place.weakest
    status = matrix.column_range(matrix.column("报送情况"))
    figures = material.indicator_figures
    for row, line in enumerate(figures[figures["kind"] == kind].itertuples(index=False), first):
        scores = matrix.column_range(matrix.indicator_column(line.indicator))
        full = f"{as_float(line.full_marks):g}"
        counted = f'{status},"<>{NOT_RETURNED}",{scores}'
        sheet.text(row, _CODE, line.indicator)
        sheet.text(row, _TITLE, line.name)
        sheet.number(row, _MARKS, line.full_marks)
        units, total, marks = own(_UNITS, row), own(_SUM, row), own(_MARKS, row)
        cells: tuple[tuple[int, str, float], ...] = (
            (_UNITS, f'=COUNTIFS({counted},">=0")', line.units),
            (_SUM, f'=SUMIFS({scores},{status},"<>{NOT_RETURNED}")', as_float(line.sum)),
            (_FULL, f'=COUNTIFS({counted},">={full}")', line.full_units),
            (_LOST_UNITS, f'=COUNTIFS({counted},"<{full}")', line.lost_units),
            (_LOST, f"=ROUND({units}*{marks}-{total},2)", as_float(line.lost)),
            (_ABSENT, f'=COUNTIFS({counted},"{NOT_APPLICABLE}")', line.not_applicable),
            (
                _WEAKNESS_KEY,
                f"=IF({units}=0,-9,-ROUND({total}*100,0)/({units}*ROUND({marks}*100,0)))",
                -line.sum / (line.units * line.full_marks) if line.units else -9,
            ),
            (_WEAKNESS, place_in_order((_WEAKNESS_KEY,), first, last, row), line.weakness_order),
            (_LOSS, place_in_order((_LOST_UNITS, _LOST), first, last, row), line.loss_order),
        )
        for column, formula, cached in cells:
            sheet.formula(row, column, formula, Role.PLAIN, ValueKind.NUMBER, cached)


def _first_levels(sheet: SheetWriter, material: Material, place: AnalysisPlace, kind: str) -> None:
    figures = material.indicator_figures
    own_figures = figures[figures["kind"] == kind].reset_index(drop=True)
    start = place.weakest[0]
    levels = first_levels(material.plan.rubrics[kind])
    for row, (code, name, first, last) in enumerate(levels, place.first_level[0]):
        lines = own_figures.iloc[first : last + 1]
        marks = span(_MARKS, start + first, start + last)
        units = span(_UNITS, start + first, start + last)
        total = span(_SUM, start + first, start + last)
        possible = int((lines["units"] * lines["full_marks"]).sum())
        scored = int(lines["sum"].sum())
        mean = sum(
            (
                Fraction(int(s), int(u))
                for s, u in zip(lines["sum"], lines["units"], strict=True)
                if u
            ),
            Fraction(0),
        )
        rate = scored / possible if possible else ""
        sheet.text(row, 0, "")
        sheet.text(row, 1, code, align="center")
        sheet.text(row, NAME, name)
        full = as_float(int(lines["full_marks"].sum()))
        cells: tuple[tuple[int, str, ValueKind, float | str], ...] = (
            (3, f"=SUM({marks})", ValueKind.SCORE, full),
            (
                4,
                f"=SUMPRODUCT({total}/({units}+({units}=0)))",
                ValueKind.MONEY,
                float(mean) / 100,
            ),
            (
                RATE,
                f'=IF(SUM({units})=0,"",SUM({total})/SUMPRODUCT({units}*{marks}))',
                ValueKind.PERCENT,
                rate,
            ),
            (8, f"=SUM({span(_LOST, start + first, start + last)})", ValueKind.SCORE,
             as_float(int(lines["lost"].sum()))),
        )  # fmt: skip
        for column, formula, kind_of_value, cached in cells:
            sheet.formula(row, column, formula, Role.FIXED, kind_of_value, cached, align="center")
        for column in (6, 7, 9):
            sheet.text(row, column, "")
        sheet.raw.set_row(row, place.height)


def _drawn(
    sheet: SheetWriter, material: Material, place: AnalysisPlace, kind: str, order: str
) -> None:
    """The rows of one table, each drawing the indicator whose place it is."""
    figures = material.indicator_figures
    lines = figures[figures["kind"] == kind].reset_index(drop=True)
    first, last = place.weakest
    begins, ends = place.weakest if order == "weakness_order" else place.losses
    key = _WEAKNESS if order == "weakness_order" else _LOSS
    for number, row in enumerate(range(begins, ends + 1), 1):
        position = int(lines.index[lines[order] == number][0])
        line: Any = lines.iloc[position]
        sheet.formula(
            row,
            _DRAWN,
            f"=MATCH({number},{span(key, first, last)},0)",
            Role.PLAIN,
            ValueKind.INTEGER,
            position + 1,
        )

        def at(column: int, row: int = row) -> str:
            return f"INDEX({span(column, first, last)},{own(_DRAWN, row)})"

        units = int(line["units"])
        mean = line["sum"] / units / 100 if units else ""
        rate = line["sum"] / (units * line["full_marks"]) if units else ""
        sheet.number(row, 0, number * 100, kind=ValueKind.INTEGER)
        cells: tuple[tuple[str, ValueKind, float | str], ...] = (
            (at(_CODE), ValueKind.TEXT, line["indicator"]),
            (at(_TITLE), ValueKind.TEXT, line["name"]),
            (at(_MARKS), ValueKind.SCORE, as_float(line["full_marks"])),
            (f'IF({at(_UNITS)}=0,"",{at(_SUM)}/{at(_UNITS)})', ValueKind.MONEY, mean),
            (f'IF({at(_UNITS)}=0,"",-{at(_WEAKNESS_KEY)})', ValueKind.PERCENT, rate),
            (at(_FULL), ValueKind.INTEGER, int(line["full_units"])),
            (at(_LOST_UNITS), ValueKind.INTEGER, int(line["lost_units"])),
            (at(_LOST), ValueKind.SCORE, as_float(line["lost"])),
            (at(_ABSENT), ValueKind.INTEGER, int(line["not_applicable"])),
        )
        for column, (formula, kind_of_value, cached) in enumerate(cells, 1):
            align = "left" if column == NAME else "center"
            sheet.formula(
                row, column, "=" + formula, Role.FIXED, kind_of_value, cached, align=align
            )
        sheet.raw.set_row(row, place.height)
