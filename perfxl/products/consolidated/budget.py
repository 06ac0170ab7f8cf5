"""结果应用, 结果应用（项目）: what the grades mean for next year's budget, with live arithmetic."""

from __future__ import annotations

from typing import Any

from perfxl.application import Applied
from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.points import as_float
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    Columns,
    begin,
    finish,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import own, span
from perfxl.products.consolidated.material import Material

UNITS, PROJECTS = "结果应用", "结果应用（项目）"
_NOTE = "按考核方案“结果应用”表和汇总时的等级计算，供研究决定；改动项目表中的比例或金额，金额各数随之重算。"
_UNIT_COLUMNS: Columns = (
    ("单位编码", 9),
    ("单位名称", 28),
    ("类别", 8),
    ("总分", 9),
    ("等级", 8),
    ("建议", 12),
    ("压减比例", 9),
    ("项目数", 8),
    ("项目金额（万元）", 15),
    ("压减金额（万元）", 15),
    ("压减后（万元）", 15),
    ("建议问责", 9),
    ("说明", 40),
)
_PROJECT_COLUMNS: Columns = (
    ("单位编码", 9),
    ("单位名称", 26),
    ("项目编码", 18),
    ("项目名称", 36),
    ("建议", 12),
    ("压减比例", 9),
    ("金额（万元）", 14),
    ("压减金额（万元）", 15),
    ("压减后（万元）", 14),
    ("填报位置", 18),
)
_UNIT, _RATE, _BASE, _CUT, _LEFT = 0, 5, 6, 7, 8


def write_units(sheet: SheetWriter, material: Material) -> None:
    """A unit a row; its amounts are sums over the sheet of projects."""
    applied = _applied(material)
    begin(sheet, f"{material.plan.campaign.name}{UNITS}建议表", _NOTE, _UNIT_COLUMNS)
    row = FIRST_BODY_ROW
    for one in applied.units.itertuples(index=False):
        _unit(sheet, row, one, len(applied.projects))
        row += 1
    _total(sheet, row, applied)
    finish(sheet, _UNIT_COLUMNS, row, 2)


def _unit(sheet: SheetWriter, row: int, one: Any, projects: int) -> None:
    texts = {0: one.unit, 1: one.name, 2: one.kind, 4: one.grade, 5: one.measure}
    faulty = f"{one.faulty} 个项目没有金额或金额有误，没有计入" if one.faulty else ""
    note = "；".join(filter(None, (one.note, faulty)))
    texts |= {11: "是" if one.accountable else "", 12: note}
    for column, text in texts.items():
        sheet.text(row, column, text, align="left" if column in (1, 12) else "center")
    sheet.number(row, 3, one.total, kind=ValueKind.MONEY)
    _percent(sheet, row, 6, one.rate)
    units = f"'{PROJECTS}'!{span(_UNIT, FIRST_BODY_ROW, FIRST_BODY_ROW + max(projects, 1) - 1)}"
    sheet.formula(
        row, 7, f"=COUNTIF({units},{own(0, row)})", kind=ValueKind.INTEGER, cached=one.projects
    )
    for column, source, amount in ((8, _BASE, one.base), (9, _CUT, one.cut)):
        amounts = span(source, FIRST_BODY_ROW, FIRST_BODY_ROW + max(projects, 1) - 1)
        sheet.formula(
            row,
            column,
            f"=SUMIF({units},{own(0, row)},'{PROJECTS}'!{amounts})",
            kind=ValueKind.MONEY,
            cached=as_float(amount),
        )
    left = f"={own(8, row)}-{own(9, row)}"
    sheet.formula(row, 10, left, kind=ValueKind.MONEY, cached=as_float(one.base - one.cut))
    sheet.raw.set_row(row, wrapped_height((one.name, 28), (note, 40)))


def _total(sheet: SheetWriter, row: int, applied: Applied) -> None:
    for column in range(len(_UNIT_COLUMNS)):
        sheet.text(row, column, "合计" if column == 1 else "", Role.LEVEL_1)
    base, cut = int(applied.units["base"].sum()), int(applied.units["cut"].sum())
    for column, amount in ((8, base), (9, cut), (10, base - cut)):
        total = f"=SUM({span(column, FIRST_BODY_ROW, row - 1)})"
        cached = as_float(amount)
        sheet.formula(row, column, total, Role.LEVEL_1, ValueKind.MONEY, cached)
    sheet.raw.set_row(row, wrapped_height())


def write_projects(sheet: SheetWriter, material: Material) -> None:
    """A project a row: amount × rate, rounded to 0.01 万元."""
    applied = _applied(material)
    begin(sheet, f"{material.plan.campaign.name}{UNITS}项目计算表", _NOTE, _PROJECT_COLUMNS)
    row = FIRST_BODY_ROW
    for one in applied.projects.itertuples(index=False):
        place = f"{one.sheet} 第 {one.row} 行"
        texts = {0: one.unit, 1: one.name, 2: one.project, 3: one.project_name, 4: one.measure}
        for column, text in (texts | {9: place}).items():
            sheet.text(row, column, text, align="left" if column in (1, 3) else "center")
        _percent(sheet, row, _RATE, one.rate)
        sheet.number(row, _BASE, one.base, kind=ValueKind.MONEY)
        cut = f"=ROUND({own(_BASE, row)}*{own(_RATE, row)},2)"
        sheet.formula(row, _CUT, cut, kind=ValueKind.MONEY, cached=as_float(one.cut))
        left = f"={own(_BASE, row)}-{own(_CUT, row)}"
        rest = as_float(one.base - one.cut)
        sheet.formula(row, _LEFT, left, kind=ValueKind.MONEY, cached=rest)
        sheet.raw.set_row(row, wrapped_height((one.name, 26), (one.project_name, 36)))
        sheet.finish_rows(row)
        row += 1
    finish(sheet, _PROJECT_COLUMNS, row - 1, 2)


def _percent(sheet: SheetWriter, row: int, column: int, rate: int) -> None:
    style = sheet.book.format(Role.FIXED, num_format="0.00%;-0.00%;", align="center")
    sheet.float_number(row, column, rate / 10_000, style)


def _applied(material: Material) -> Applied:
    assert material.applied is not None
    return material.applied
