"""上年对比: last year's totals, ranks and indicator rates beside this year's live ones.

Everything of last year was read from a file that anybody may have edited: texts are written as
texts, numbers as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.last_year import LastYear, Matched, match_units
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name
from perfxl.points import as_float, as_text
from perfxl.products.consolidated.analysis import rate_reference
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    HEADING_ROW,
    band,
    begin,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import span
from perfxl.products.consolidated.material import NOT_RETURNED, Material, MatrixPlace
from perfxl.tables import NOT_RANKED, whole
from perfxl.values import squeeze

UNITS_SHEET, INDICATORS_SHEET = "上年对比", "上年对比（指标）"
NONE = "—"
_UNIT_COLUMNS = (
    ("单位编码", 9),
    ("单位名称", 28),
    ("上年总分", 9),
    ("上年排名", 8),
    ("上年等级", 8),
    ("本年总分", 9),
    ("本年排名", 8),
    ("本年等级", 8),
    ("总分变化", 9),
    ("位次变化", 8),
    ("备注", 26),
)
_TOTAL_CHANGE, _RANK_CHANGE, _REMARK = 8, 9, 10
_INDICATOR_COLUMNS = (
    ("指标编码", 9),
    ("指标", 34),
    ("上年分值", 9),
    ("本年分值", 9),
    ("上年得分率", 11),
    ("本年得分率", 11),
    ("变化（百分点）", 13),
)
_SIGNED, _SIGNED_POINTS = "+0.00;-0.00;0.00", "+0.0;-0.0;0.0"
_PLACES = '"升"0;"降"0;"持平"'


def write_unit_comparison(sheet: SheetWriter, material: Material) -> None:
    """Per kind every unit of the roster, then the units that are no longer in it."""
    last_year = _last_year(material)
    note = (
        "上年数取自所给的上年综合评分表，总分按其中的得分重算；本年数随得分汇总重算。"
        "单位先按编码、再按名称对应。"
    )
    begin(sheet, f"{material.plan.campaign.name}{UNITS_SHEET}", note, _UNIT_COLUMNS)
    matched, gone = match_units(material.plan, last_year.totals)
    pairs = {one.unit: one for one in matched}
    row = FIRST_BODY_ROW
    breaks = []
    for kind, place in material.matrices.items():
        if row > FIRST_BODY_ROW:
            breaks.append(row)
        band(sheet, row, _UNIT_COLUMNS, f"{kind}（{len(place.units)} 个）")
        first = row + 1
        changes = []
        for unit in place.units:
            row += 1
            pair = pairs[unit.code]
            last = None if pair.last is None else last_year.totals.iloc[pair.last]
            changes.append(_unit(sheet, material, place, pair, last, row))
        row += 1
        _mean_change(sheet, row, first, [one for one in changes if one is not None])
        row += 1
    if gone:
        band(
            sheet,
            row,
            _UNIT_COLUMNS,
            f"上年有、本年名录中没有的{sheet.book.worded('单位')}（{len(gone)} 个）",
        )
        for index in gone:
            row += 1
            line = last_year.totals.iloc[index]
            sheet.text(row, 0, line["unit"], align="center")
            sheet.text(row, 1, line["name"])
            _last(sheet, row, line)
            for column in range(5, _REMARK):
                sheet.text(row, column, NONE, align="center")
            _remark(sheet, row, f"上年类别：{line['kind']}", line["name"])
        row += 1
    sheet.raw.set_h_pagebreaks(breaks)
    sheet.raw.freeze_panes(FIRST_BODY_ROW, 2)
    sheet.print_setup(
        landscape=False, last_column=_REMARK, repeat_rows=(0, HEADING_ROW), last_row=row - 1
    )


def _unit(
    sheet: SheetWriter,
    material: Material,
    place: MatrixPlace,
    pair: Matched,
    last: Any,
    row: int,
) -> int | None:
    """Write one unit; gives the change of its total in hundredths."""
    rank = material.rank_of[pair.unit]
    matrix_row = place.row(pair.unit)

    def this(label: str) -> str:
        return f"{place.quoted()}!{cell_name(matrix_row, place.column(label))}"

    sheet.text(row, 0, pair.unit, align="center")
    sheet.text(row, 1, rank.name)
    _last(sheet, row, last)
    place_now = whole(rank.rank)
    total = as_float(rank.total)
    last_total = _returned_total(last)
    last_rank = None if last is None else whole(last["rank"])
    change = None
    if last_total is not None and place_now is not None:
        change = int(rank.total) - last_total
    rank_change: float | str = NONE
    if last_rank is not None and place_now is not None:
        rank_change = last_rank - place_now
    cells: tuple[tuple[str, ValueKind, float | str, dict[str, Any]], ...] = (
        (f"={this('总分')}", ValueKind.MONEY, total, {"bold": True}),
        (
            f"={this('排名')}",
            ValueKind.INTEGER,
            NOT_RANKED if place_now is None else place_now,
            {"bold": True},
        ),
        (f"={this('等级')}", ValueKind.TEXT, rank.grade, {}),
        (
            f"=IF(AND(ISNUMBER({cell_name(row, 2)}),ISNUMBER({cell_name(row, 6)})),"
            f'ROUND({cell_name(row, 5)}-{cell_name(row, 2)},2),"{NONE}")',
            ValueKind.MONEY,
            NONE if change is None else as_float(change),
            {"num_format": _SIGNED},
        ),
        (
            f"=IF(AND(ISNUMBER({cell_name(row, 3)}),ISNUMBER({cell_name(row, 6)})),"
            f'{cell_name(row, 3)}-{cell_name(row, 6)},"{NONE}")',
            ValueKind.INTEGER,
            rank_change,
            {"num_format": _PLACES},
        ),
    )
    for column, (formula, kind, cached, more) in enumerate(cells, 5):
        sheet.formula(row, column, formula, Role.FIXED, kind, cached, align="center", **more)
    _remark(sheet, row, _said_of(pair, last), rank.name)
    return change


def _last(sheet: SheetWriter, row: int, last: Any) -> None:
    """Last year's total, rank and grade; words where there are none."""
    total = _returned_total(last)
    if total is None:
        sheet.text(row, 2, NONE if last is None else NOT_RETURNED, align="center")
    else:
        sheet.number(row, 2, total, kind=ValueKind.MONEY, align="center")
    rank = None if last is None else whole(last["rank"])
    if rank is None:
        sheet.text(row, 3, NONE, align="center")
    else:
        sheet.number(row, 3, rank * 100, kind=ValueKind.INTEGER)
    sheet.text(row, 4, NONE if last is None else last["grade"] or NONE, align="center")


def _returned_total(last: Any) -> int | None:
    if last is None or last["status"] == NOT_RETURNED:
        return None
    return whole(last["total"])


def _said_of(pair: Matched, last: Any) -> str:
    if last is None:
        return "本年新增"
    said = [f"更名，上年为{last['name']}"] if pair.renamed else []
    if last["unit"] != pair.unit:
        said.append(f"上年编码 {last['unit']}")
    displayed, total = whole(last["displayed"]), whole(last["total"])
    if displayed is None:
        said.append("上年表中没有算出总分")
    elif total is not None and displayed != total:
        said.append(f"上年表显示 {as_text(displayed, 2)}，按得分重算为 {as_text(total, 2)}")
    return "；".join(said)


def _remark(sheet: SheetWriter, row: int, text: str, name: str) -> None:
    sheet.text(row, _REMARK, text)
    widths = (_UNIT_COLUMNS[_REMARK][1], _UNIT_COLUMNS[1][1])
    sheet.raw.set_row(row, wrapped_height((text, widths[0]), (name, widths[1])))


def _mean_change(sheet: SheetWriter, row: int, first: int, known: Sequence[int]) -> None:
    changes = span(_TOTAL_CHANGE, first, row - 1)
    style = sheet.book.format(Role.TOTAL, align="right", font_size=10)
    sheet.raw.merge_range(
        row, 0, row, _TOTAL_CHANGE - 1, f"两年都有总分的{sheet.book.worded('单位')}平均变化", style
    )
    sheet.formula(
        row,
        _TOTAL_CHANGE,
        f'=IF(COUNT({changes})=0,"{NONE}",AVERAGE({changes}))',
        Role.TOTAL,
        ValueKind.MONEY,
        sum(known) / len(known) / 100 if known else NONE,
        align="center",
        font_size=10,
        num_format=_SIGNED,
    )
    for column in (_RANK_CHANGE, _REMARK):
        sheet.text(row, column, "", Role.TOTAL)
    sheet.raw.set_row(row, 20)


def write_indicator_comparison(sheet: SheetWriter, material: Material) -> None:
    """Per kind the indicators that have the same code and name in both years."""
    last_year = _last_year(material)
    note = "得分率 = 得分 ÷ 适用分值，只统计已报送的单位；编码和名称有一项不同的指标不比较。"
    begin(sheet, f"{material.plan.campaign.name}{INDICATORS_SHEET}", note, _INDICATOR_COLUMNS)
    row = FIRST_BODY_ROW
    breaks = []
    for kind in material.matrices:
        if row > FIRST_BODY_ROW:
            breaks.append(row)
        pairs = _common_indicators(material, last_year.rates, kind)
        band(sheet, row, _INDICATOR_COLUMNS, f"{kind}（两年相同的指标 {len(pairs)} 个）")
        for pair in pairs:
            row += 1
            _indicator(sheet, material, kind, pair, row)
        row += 1
    sheet.raw.set_h_pagebreaks(breaks)
    sheet.raw.freeze_panes(FIRST_BODY_ROW, 2)
    sheet.print_setup(
        landscape=False,
        last_column=len(_INDICATOR_COLUMNS) - 1,
        repeat_rows=(0, HEADING_ROW),
        last_row=max(row - 1, FIRST_BODY_ROW),
    )


def _common_indicators(
    material: Material, rates: pd.DataFrame, kind: str
) -> list[tuple[int, Any, Any]]:
    """Position in the rubric, this year's figures and last year's, of what both years have."""
    last = {
        (squeeze(line.indicator), squeeze(line.name)): line
        for line in rates[rates["kind"] == kind].itertuples(index=False)
    }
    figures = material.indicator_figures
    now = figures[figures["kind"] == kind].itertuples(index=False)
    return [
        (position, line, last[squeeze(line.indicator), squeeze(line.name)])
        for position, line in enumerate(now)
        if (squeeze(line.indicator), squeeze(line.name)) in last
    ]


def _indicator(
    sheet: SheetWriter, material: Material, kind: str, pair: tuple[int, Any, Any], row: int
) -> None:
    position, now, last = pair
    sheet.text(row, 0, now.indicator, align="center")
    sheet.text(row, 1, now.name)
    sheet.number(row, 2, last.full_marks)
    sheet.number(row, 3, now.full_marks)
    before = last.sum / (last.units * last.full_marks) if last.units else None
    style = sheet.book.format(Role.FIXED, ValueKind.PERCENT)
    if before is None:
        sheet.text(row, 4, NONE, align="center")
    else:
        sheet.raw.write_number(row, 4, before, style)
    after: float | str = now.sum / (now.units * now.full_marks) if now.units else ""
    reference = rate_reference(material, kind, position)
    sheet.formula(row, 5, f"={reference}", Role.FIXED, ValueKind.PERCENT, after)
    change: float | str = NONE
    if before is not None and not isinstance(after, str):
        change = (after - before) * 100
    sheet.formula(
        row,
        6,
        f"=IF(AND(ISNUMBER({cell_name(row, 4)}),ISNUMBER({cell_name(row, 5)})),"
        f'({cell_name(row, 5)}-{cell_name(row, 4)})*100,"{NONE}")',
        Role.FIXED,
        ValueKind.SCORE,
        change,
        align="center",
        num_format=_SIGNED_POINTS,
    )
    sheet.raw.set_row(row, wrapped_height((now.name, _INDICATOR_COLUMNS[1][1])))


def _last_year(material: Material) -> LastYear:
    assert material.last_year is not None
    return material.last_year
