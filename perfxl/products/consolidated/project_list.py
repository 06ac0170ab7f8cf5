"""一体化核对, 一体化差异: returns beside the budget system's project list."""

from __future__ import annotations

from typing import Any

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.points import HUNDREDTHS, as_float
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    Columns,
    begin,
    finish,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import own, span
from perfxl.products.consolidated.material import Material
from perfxl.tables import Severity, whole

UNITS, DIFFERENCES = "一体化核对", "一体化差异"
_LEADING: Columns = (
    ("单位编码", 9),
    ("单位名称", 28),
    ("报送情况", 9),
    ("系统项目数", 10),
    ("报送项目数", 10),
    ("差异处数", 9),
    ("其中错误", 9),
)
_DIFFERENCE_COLUMNS: Columns = (
    ("单位编码", 9),
    ("单位名称", 24),
    ("情况", 17),
    ("类别", 7),
    ("项目编码", 24),
    ("项目名称", 30),
    ("核对内容", 12),
    ("系统", 16),
    ("报送", 16),
    ("差额", 13),
    ("填报位置", 16),
    ("单位说明", 26),
)
_UNIT, _SEVERITY = 0, 3
_EXPECTED, _REPORTED, _MORE = 7, 8, 9


def write_units(sheet: SheetWriter, material: Material) -> None:
    """A unit a row: projects and money of the list and of the return; counts follow the list."""
    checked = material.project_list
    assert checked is not None
    columns = (
        *_LEADING,
        *(
            column
            for label in checked.labels
            for column in ((f"{label}\n（系统）", 15), (f"{label}\n（报送）", 15), ("差额", 13))
        ),
    )
    name = material.plan.campaign.name
    begin(sheet, f"{name}{UNITS}", f"项目表：{checked.source}。", columns, height=40)
    row = FIRST_BODY_ROW
    for unit in checked.units:
        for column, text in enumerate((unit.unit, unit.name, unit.status)):
            sheet.text(row, column, text, align="left" if column == 1 else "center")
        for column, count in ((3, unit.listed), (4, unit.reported)):
            shown = None if count is None else count * HUNDREDTHS
            sheet.number(row, column, shown, kind=ValueKind.INTEGER)
        units, severities = (_differences(checked.differences, at) for at in (_UNIT, _SEVERITY))
        counted = f"=COUNTIF({units},{own(0, row)})"
        sheet.formula(row, 5, counted, kind=ValueKind.INTEGER, cached=unit.differences)
        errors = f'=COUNTIFS({units},{own(0, row)},{severities},"{Severity.ERROR}")'
        sheet.formula(row, 6, errors, kind=ValueKind.INTEGER, cached=unit.errors)
        for number, (listed, reported) in enumerate(unit.amounts):
            at = len(_LEADING) + 3 * number
            sheet.number(row, at, listed, kind=ValueKind.MONEY)
            sheet.number(row, at + 1, reported, kind=ValueKind.MONEY)
            if reported is None:
                sheet.text(row, at + 2, "")
            else:
                more = f"={own(at + 1, row)}-{own(at, row)}"
                cached = as_float(reported - listed)
                sheet.formula(row, at + 2, more, kind=ValueKind.MONEY, cached=cached)
        sheet.raw.set_row(row, wrapped_height((unit.name, 28)))
        row += 1
    _total(sheet, row, len(columns), checked.units)
    finish(sheet, columns, row, 2)


def _total(sheet: SheetWriter, row: int, columns: int, units: Any) -> None:
    sums: dict[int, tuple[float, ValueKind]] = {
        3: (sum(one.listed for one in units), ValueKind.INTEGER),
        4: (sum(one.reported or 0 for one in units), ValueKind.INTEGER),
        5: (sum(one.differences for one in units), ValueKind.INTEGER),
        6: (sum(one.errors for one in units), ValueKind.INTEGER),
    }
    for at in range(len(_LEADING), columns):
        number, part = divmod(at - len(_LEADING), 3)
        amounts = [one.amounts[number] for one in units]
        parts = (
            sum(listed for listed, _ in amounts),
            sum(reported or 0 for _, reported in amounts),
            sum(reported - listed for listed, reported in amounts if reported is not None),
        )
        sums[at] = (as_float(parts[part]), ValueKind.MONEY)
    for column in range(columns):
        if column in sums:
            cached, kind = sums[column]
            total = f"=SUM({span(column, FIRST_BODY_ROW, row - 1)})"
            sheet.formula(row, column, total, Role.LEVEL_1, kind, cached)
        else:
            sheet.text(row, column, "合计" if column == 1 else "", Role.LEVEL_1)
    sheet.raw.set_row(row, wrapped_height())


def _differences(count: int, column: int) -> str:
    last = FIRST_BODY_ROW + max(count, 1) - 1
    return f"'{DIFFERENCES}'!{span(column, FIRST_BODY_ROW, last)}"


def write_differences(sheet: SheetWriter, material: Material) -> None:
    """A difference a row, with the cell it stands in and what the unit says to it."""
    checked = material.project_list
    assert checked is not None
    note = "与审核意见中 F601 至 F606 相同；单位在退回件“审核意见”表中的说明一并列出。"
    name = material.plan.campaign.name
    begin(sheet, f"{name}{DIFFERENCES}", note, _DIFFERENCE_COLUMNS)
    row = FIRST_BODY_ROW
    widths = dict(_DIFFERENCE_COLUMNS)
    for line in checked.lines:
        unit = material.plan.unit_by_code[line.unit]
        texts = {
            "单位编码": line.unit,
            "单位名称": unit.name,
            "情况": line.matter,
            "类别": line.severity,
            "项目编码": line.code,
            "项目名称": line.name,
            "核对内容": line.label,
            "系统": line.expected,
            "报送": line.reported,
            "填报位置": f"{line.sheet}!{line.cell}",
            "单位说明": line.explanation,
        }
        for column, (label, _) in enumerate(_DIFFERENCE_COLUMNS):
            sheet.text(row, column, texts.get(label, ""))
        expected, reported = whole(line.expected_amount), whole(line.reported_amount)
        if expected is not None and reported is not None:
            sheet.number(row, _EXPECTED, expected, kind=ValueKind.MONEY)
            sheet.number(row, _REPORTED, reported, kind=ValueKind.MONEY)
            more = f"={own(_REPORTED, row)}-{own(_EXPECTED, row)}"
            cached = as_float(reported - expected)
            sheet.formula(row, _MORE, more, kind=ValueKind.MONEY, cached=cached)
        height = wrapped_height(*((text, widths[label]) for label, text in texts.items()))
        sheet.raw.set_row(row, height)
        row += 1
    if not checked.lines:
        sheet.text(row, 1, "没有差异", Role.PLAIN)
    finish(sheet, _DIFFERENCE_COLUMNS, row - 1, 2)
    sheet.raw.autofilter(
        FIRST_BODY_ROW - 1, 0, max(FIRST_BODY_ROW, row - 1), len(_DIFFERENCE_COLUMNS) - 1
    )
