"""整改汇总, 整改明细: how the problems that units were told of stand."""

from __future__ import annotations

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.facts.follow_up import rectification_by_unit
from perfxl.layout.declare import ValueKind
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    FLAG,
    Columns,
    begin,
    finish,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import own, span
from perfxl.products.consolidated.material import Material
from perfxl.rectifications.states import State
from perfxl.tables import whole
from perfxl.values import date_of

SUMMARY, DETAIL = "整改汇总", "整改明细"
_SUMMARY_COLUMNS: Columns = (
    ("单位编码", 9),
    ("单位名称", 30),
    ("问题", 9),
    *((str(state), 10) for state in State),
    ("逾期", 9),
    ("完成率", 10),
)
_DETAIL_COLUMNS: Columns = (
    ("单位编码", 9),
    ("单位名称", 24),
    ("问题编号", 10),
    ("来源", 10),
    ("问题", 44),
    ("扣分", 7),
    ("整改期限", 12),
    ("整改措施", 36),
    ("责任人", 9),
    ("完成日期", 12),
    ("佐证材料", 22),
    ("状态", 10),
    ("逾期", 7),
    ("核查意见", 24),
)
_STATE, _OVERDUE = 11, 12
_FIRST_COUNT = 3


def write_summary(sheet: SheetWriter, material: Material) -> None:
    """A unit a row, counted from the sheet of problems, and all units together."""
    units = rectification_by_unit(material.plan, material.rectification)
    note = "按整改明细统计；完成率 = 已确认 ÷ 问题。没有需要整改问题的单位不列。"
    begin(sheet, f"{material.plan.campaign.name}{SUMMARY}", note, _SUMMARY_COLUMNS)
    end = FIRST_BODY_ROW + len(material.rectification) - 1
    codes, states, overdue = (
        f"{DETAIL}!{span(column, FIRST_BODY_ROW, end)}" for column in (0, _STATE, _OVERDUE)
    )
    late, rate = _FIRST_COUNT + len(State), _FIRST_COUNT + len(State) + 1
    row = FIRST_BODY_ROW
    for one in units:
        code = own(0, row)
        sheet.text(row, 0, one.unit, align="center")
        sheet.text(row, 1, one.name)
        _count(sheet, row, 2, f"=COUNTIF({codes},{code})", one.total)
        for column, state in enumerate(State, _FIRST_COUNT):
            counted = f'=COUNTIFS({codes},{code},{states},"{state}")'
            _count(sheet, row, column, counted, one.counts[state])
        _count(sheet, row, late, f'=COUNTIFS({codes},{code},{overdue},"是")', one.overdue)
        _rate(sheet, row, rate, one.counts[State.CONFIRMED], one.total)
        sheet.raw.set_row(row, wrapped_height((one.name, _SUMMARY_COLUMNS[1][1])))
        row += 1
    sheet.text(row, 0, "", Role.LEVEL_1)
    sheet.text(row, 1, "合计", Role.LEVEL_1)
    totals = [sum(one.total for one in units)]
    totals += [sum(one.counts[state] for one in units) for state in State]
    totals.append(sum(one.overdue for one in units))
    for column, total in enumerate(totals, 2):
        summed = f"=SUM({span(column, FIRST_BODY_ROW, row - 1)})"
        _count(sheet, row, column, summed, total, Role.LEVEL_1)
    confirmed = totals[1 + list(State).index(State.CONFIRMED)]
    _rate(sheet, row, rate, confirmed, totals[0], Role.LEVEL_1)
    sheet.raw.set_row(row, wrapped_height())
    finish(sheet, _SUMMARY_COLUMNS, row, 2)


def write_problems(sheet: SheetWriter, material: Material) -> None:
    """A problem a row; what is overdue stands out."""
    note = "单位报告“已完成”的为待确认，经核实后为已确认；退回重改和未完成的，过了期限即为逾期。"
    begin(sheet, f"{material.plan.campaign.name}{DETAIL}", note, _DETAIL_COLUMNS)
    row = FIRST_BODY_ROW
    for one in material.rectification.itertuples(index=False):
        name = material.plan.unit_by_code[one.unit].name
        texts = {0: one.unit, 1: name, 2: one.number, 3: one.source, 4: one.description}
        texts |= {7: one.measure, 8: one.person, 10: one.evidence, _STATE: one.state}
        texts |= {_OVERDUE: "是" if one.overdue else "", 13: one.opinion}
        for column, text in texts.items():
            narrow = _DETAIL_COLUMNS[column][1] <= 12
            align = "center" if narrow else "left"
            if one.overdue and column in (_STATE, _OVERDUE):
                sheet.text(row, column, text, align=align, bg_color=FLAG)
            else:
                sheet.text(row, column, text, align=align)
        sheet.number(row, 5, whole(one.lost))
        sheet.date(row, 6, one.due)
        sheet.date(row, 9, date_of(one.done_on))
        widths = [(text, _DETAIL_COLUMNS[column][1]) for column, text in texts.items()]
        sheet.raw.set_row(row, wrapped_height(*widths))
        sheet.finish_rows(row)
        row += 1
    finish(sheet, _DETAIL_COLUMNS, row - 1, 2)


def _count(
    sheet: SheetWriter, row: int, column: int, formula: str, count: int, role: Role = Role.FIXED
) -> None:
    sheet.formula(row, column, formula, role, ValueKind.INTEGER, count, align="center")


def _rate(
    sheet: SheetWriter, row: int, column: int, part: int, total: int, role: Role = Role.FIXED
) -> None:
    confirmed = own(_FIRST_COUNT + list(State).index(State.CONFIRMED), row)
    formula = f"=IF({own(2, row)}=0,0,{confirmed}/{own(2, row)})"
    cached = part / total if total else 0
    sheet.formula(row, column, formula, role, cached=cached, num_format="0.00%", align="center")
