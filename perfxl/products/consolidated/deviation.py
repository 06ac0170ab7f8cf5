"""自评偏差: what units claimed against what counts, live; who over-claims comes first.

Only indicators with a claim and a score are compared, so that one which does not apply, or which
the bureau scores by itself, makes no deviation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from perfxl.analysis import BEYOND_ANY_RATE, deviation_rate
from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name, column_letter
from perfxl.points import as_float
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    FLAG,
    HEADING_ROW,
    band,
    begin,
    hide_helpers,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import own, place_in_order, quoted, span
from perfxl.products.consolidated.lists import detail_range
from perfxl.products.consolidated.material import NOT_RETURNED, Material, MatrixPlace

SHEET = "自评偏差"
OVER, UNDER, ABOUT_RIGHT, NOT_COMPARED = "自评偏高", "自评偏低", "基本相符", "—"
THRESHOLD = Fraction(1, 10)
MOST_INDICATORS = 10
_COLUMNS = (
    ("位次", 6),
    ("编码", 9),
    ("单位（指标）名称", 32),
    ("自评合计", 10),
    ("得分合计", 10),
    ("可比自评", 10),
    ("可比得分", 10),
    ("偏差", 9),
    ("偏差率", 9),
    ("判断", 12),
)
_LAST = len(_COLUMNS) - 1
_RATE, _VERDICT = 8, 9
_THRESHOLD_ROW = FIRST_BODY_ROW
_THRESHOLD_CELL = f"${column_letter(_RATE)}${_THRESHOLD_ROW + 1}"
# Hidden: the row drawn, then code, name and figures in the order of roster or rubric.
_DRAWN = len(_COLUMNS) + 1
_CODE, _NAME, _SELF, _SCORED, _COMPARED, _CLAIMED, _COUNTED, _OVER, _RATE_KEY, _KEY, _ORDER = range(
    _DRAWN + 1, _DRAWN + 12
)


@dataclass(frozen=True)
class _Line:
    """One unit or indicator: amounts in hundredths, and the formulas that give them live."""

    code: str
    name: str
    self_total: int
    scored: int
    compared: int
    claimed: int
    counted: int
    over_claims: int
    order: int
    which: str
    scored_formula: str
    by_points: bool

    @property
    def rate(self) -> Fraction:
        """As ``analysis.deviation_rate``."""
        return deviation_rate(self.compared, self.claimed, self.counted)


def write_deviation(sheet: SheetWriter, material: Material) -> None:
    """Per kind the units, then the indicators that were over-claimed most."""
    note = (
        "偏差 = 可比自评 - 可比得分，偏差率 = 偏差 ÷ 可比得分；可比：自评得分和采用得分都有的指标。"
    )
    begin(sheet, f"{material.plan.campaign.name}{SHEET}", note, _COLUMNS)
    _threshold(sheet)
    row = _THRESHOLD_ROW + 1
    breaks = []
    for kind, place in material.matrices.items():
        if row > _THRESHOLD_ROW + 1:
            breaks.append(row)
        band(sheet, row, _COLUMNS, f"{kind}（{len(place.units)} 个），偏差率由高到低")
        units = _unit_lines(material, kind, place)
        row = _table(sheet, material, units, row + 1, len(units))
        shown = min(MOST_INDICATORS, len(place.indicators))
        title = f"{kind}自评偏差最大的 {shown} 个指标（各{sheet.book.worded('单位')}合计），偏差由大到小"
        band(sheet, row, _COLUMNS, title)
        row = _table(sheet, material, _indicator_lines(material, kind, place), row + 1, shown)
    sheet.raw.set_h_pagebreaks(breaks)
    hide_helpers(sheet, _DRAWN - 1, _ORDER)
    flagged = sheet.book.format(Role.PLAIN, bold=True, bg_color=FLAG)
    sheet.raw.conditional_format(
        _THRESHOLD_ROW + 1,
        _VERDICT,
        row - 1,
        _VERDICT,
        {"type": "cell", "criteria": "==", "value": quoted(OVER), "format": flagged},
    )
    sheet.raw.freeze_panes(FIRST_BODY_ROW, 3)
    sheet.print_setup(
        landscape=False, last_column=_LAST, repeat_rows=(0, HEADING_ROW), last_row=row - 1
    )


def _threshold(sheet: SheetWriter) -> None:
    """The rate from which a claim is called high: a cell that the office may change."""
    text = f"偏差率高于右边比例的为“{OVER}”，低于其负数的为“{UNDER}”；比例可以改："
    style = sheet.book.format(Role.FIXED, align="right")
    sheet.raw.merge_range(_THRESHOLD_ROW, 0, _THRESHOLD_ROW, _RATE - 1, text, style)
    percent = sheet.book.format(Role.INPUT, ValueKind.PERCENT)
    sheet.raw.write_number(_THRESHOLD_ROW, _RATE, float(THRESHOLD), percent)
    sheet.text(_THRESHOLD_ROW, _VERDICT, "")
    sheet.raw.set_row(_THRESHOLD_ROW, 20)


def verdict(compared: int, rate: Fraction) -> str:
    """What a unit's deviation is called at the threshold that the sheet comes with."""
    if not compared:
        return NOT_COMPARED
    return OVER if rate > THRESHOLD else UNDER if rate < -THRESHOLD else ABOUT_RIGHT


def _unit_lines(material: Material, kind: str, place: MatrixPlace) -> list[_Line]:
    # EXACT: to SUMIFS and "=" the codes 1 and 01, or a1 and A1, would be one.
    table = material.unit_deviations
    lines = []
    for row in table[table["kind"] == kind].itertuples(index=False):
        rank = material.rank_of[row.unit]
        code = cell_name(place.row(row.unit), place.column("单位编码"))
        total = cell_name(place.row(row.unit), place.column("得分合计"))
        lines.append(
            _Line(
                *(row.unit, rank.name, row.self_total, rank.sum),
                *(row.compared, row.claimed, row.counted, row.over_claims, row.order),
                which=f"EXACT({detail_range(material, '单位编码')},{place.quoted()}!{code})",
                scored_formula=f"={place.quoted()}!{total}",
                by_points=False,
            )
        )
    return lines


def _indicator_lines(material: Material, kind: str, place: MatrixPlace) -> list[_Line]:
    table = material.indicator_deviations
    sums = material.indicator_figures
    scored = dict(
        zip(
            sums.loc[sums["kind"] == kind, "indicator"],
            sums.loc[sums["kind"] == kind, "sum"],
            strict=True,
        )
    )
    status = place.column_range(place.column("报送情况"))
    lines = []
    for row in table[table["kind"] == kind].itertuples(index=False):
        column = place.column_range(place.indicator_column(row.indicator))
        lines.append(
            _Line(
                *(row.indicator, row.name, row.self_total, int(scored[row.indicator])),
                *(row.compared, row.claimed, row.counted, row.over_claims, row.order),
                which=f"({detail_range(material, '单位类别')}={quoted(kind)})"
                f"*EXACT({detail_range(material, '指标编码')},{quoted(row.indicator)})",
                scored_formula=f'=SUMIFS({column},{status},"<>{NOT_RETURNED}")',
                by_points=True,
            )
        )
    return lines


def _table(
    sheet: SheetWriter, material: Material, lines: Sequence[_Line], first: int, shown: int
) -> int:
    """Figures of all lines in hidden columns, beside them the first ``shown`` in order."""
    last = first + len(lines) - 1
    claims, scores = detail_range(material, "自评得分"), detail_range(material, "采用得分")
    for row, line in enumerate(lines, first):
        both = f"{line.which}*ISNUMBER({claims})*ISNUMBER({scores})"
        compared, claimed, counted = own(_COMPARED, row), own(_CLAIMED, row), own(_COUNTED, row)
        difference = f"ROUND(({claimed}-{counted})*100,0)"
        key = f"IF({compared}=0,-1000,{difference})" if line.by_points else own(_RATE_KEY, row)
        points = line.claimed - line.counted if line.compared else -1000
        sheet.text(row, _CODE, line.code, Role.PLAIN)
        sheet.text(row, _NAME, line.name, Role.PLAIN)
        cells: tuple[tuple[int, str, float], ...] = (
            (_SELF, f"=SUMPRODUCT({line.which}*1,{claims})", as_float(line.self_total)),
            (_SCORED, line.scored_formula, as_float(line.scored)),
            (_COMPARED, f"=SUMPRODUCT({both})", line.compared),
            (_CLAIMED, f"=SUMPRODUCT({both},{claims})", as_float(line.claimed)),
            (_COUNTED, f"=SUMPRODUCT({both},{scores})", as_float(line.counted)),
            (_OVER, f"=SUMPRODUCT({both}*({claims}>{scores}))", line.over_claims),
            (
                _RATE_KEY,
                f"=IF({compared}=0,-1000,IF({counted}=0,IF({claimed}>0,1000,0),"
                f"{difference}/ROUND({counted}*100,0)))",
                float(line.rate),
            ),
            (_KEY, f"={key}", points if line.by_points else float(line.rate)),
            (_ORDER, place_in_order((_KEY,), first, last, row), line.order),
        )
        for column, formula, cached in cells:
            sheet.formula(row, column, formula, Role.PLAIN, ValueKind.NUMBER, cached)
    # Any row may come to hold the longest name.
    height = wrapped_height(*((line.name, _COLUMNS[2][1]) for line in lines))
    by_order = {line.order: position for position, line in enumerate(lines)}
    for number in range(1, shown + 1):
        position = by_order[number]
        _draw(sheet, lines[position], position, first + number - 1, (first, last))
        sheet.raw.set_row(first + number - 1, height)
    for row in range(first + shown, last + 1):
        # What is hidden beside the lines that are not shown takes no room on paper.
        sheet.raw.set_row(row, 20, None, {"hidden": True})
    return last + 1


def _draw(sheet: SheetWriter, line: _Line, position: int, row: int, rows: tuple[int, int]) -> None:
    """One visible row: the line whose place it is."""
    number = row - rows[0] + 1
    sheet.number(row, 0, number * 100, kind=ValueKind.INTEGER)
    found = f"=MATCH({number},{span(_ORDER, *rows)},0)"
    sheet.formula(row, _DRAWN, found, Role.PLAIN, ValueKind.INTEGER, position + 1)

    def at(column: int) -> str:
        return f"INDEX({span(column, *rows)},{own(_DRAWN, row)})"

    none = f"{at(_COMPARED)}=0"

    def compared(formula: str, amount: int) -> tuple[str, ValueKind, float | str]:
        shown = as_float(amount) if line.compared else NOT_COMPARED
        return f'IF({none},"{NOT_COMPARED}",{formula})', ValueKind.SCORE, shown

    rate = f'IF(ABS({at(_RATE_KEY)})=1000,"{NOT_COMPARED}",{at(_RATE_KEY)})'
    judged = (
        f'IF({none},"{NOT_COMPARED}",IF({at(_RATE_KEY)}>{_THRESHOLD_CELL},"{OVER}",'
        f'IF({at(_RATE_KEY)}<-{_THRESHOLD_CELL},"{UNDER}","{ABOUT_RIGHT}")))'
    )
    told = verdict(line.compared, line.rate)
    if line.by_points:
        over = sheet.book.worded("个单位偏高")
        judged, told = f"{at(_OVER)}&{quoted(over)}", f"{line.over_claims}{over}"
    cells: tuple[tuple[str, ValueKind, float | str], ...] = (
        (at(_CODE), ValueKind.TEXT, line.code),
        (at(_NAME), ValueKind.TEXT, line.name),
        compared(at(_SELF), line.self_total),
        (at(_SCORED), ValueKind.SCORE, as_float(line.scored)),
        compared(at(_CLAIMED), line.claimed),
        compared(at(_COUNTED), line.counted),
        compared(f"ROUND({at(_CLAIMED)}-{at(_COUNTED)},2)", line.claimed - line.counted),
        (
            rate,
            ValueKind.PERCENT,
            NOT_COMPARED if abs(line.rate) == BEYOND_ANY_RATE else float(line.rate),
        ),
        (judged, ValueKind.TEXT, told),
    )
    for column, (formula, kind, cached) in enumerate(cells, 1):
        align = "left" if column == 2 else "center"
        sheet.formula(row, column, "=" + formula, Role.FIXED, kind, cached, align=align)
