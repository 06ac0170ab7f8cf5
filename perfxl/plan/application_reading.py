"""Reads the plan's sheet 结果应用: what each grade means for next year's budget."""

from __future__ import annotations

import re
from collections.abc import Sequence

from perfxl.layout.declare import ValueKind
from perfxl.plan.info_reading import InfoSheet
from perfxl.plan.model import Application, Grade, Measure, MeasureKind, Register
from perfxl.plan.names import find_name
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.workbook import APPLICATION, APPLICATION_SHEET, GRADES, REGISTERS
from perfxl.tables import Status
from perfxl.values import percent_of

_BASE_ITEM = "下年预算基数"
_BASE = re.compile(r"(?P<register>[^\[［]+)[\[［](?P<column>[^\]］]+)[\]］]")
_WHOLE = 10_000
_MORE_THAN_TWO = re.compile(r"\.\d{3,}[%％]")


def read_application(
    book: PlanBook, info: InfoSheet, grades: Sequence[Grade], registers: Sequence[Register]
) -> Application | None:
    """What the sheet declares; None where the plan has no such sheet. Mistakes go to the book."""
    if book.real_name(APPLICATION) not in book.sheets:
        return None
    measures: dict[str, Measure] = {}
    seen: dict[str, Row] = {}
    named: set[str] = set()
    allowed = [*(grade.name for grade in grades), str(Status.NOT_RETURNED)]
    # Of grades that could not be read nothing is concluded.
    grades_known = not any(one.place.sheet == book.real_name(GRADES) for one in book.mistakes)
    for row in book.rows(APPLICATION_SHEET):
        name = find_name(row.required("等级"), allowed)
        if name is None:
            if row.text("等级") and grades_known:
                what = f"没有等级“{row.text('等级')}”"
                row.mistake("P127", "等级", what, f"应为 {'、'.join(allowed)} 之一")
            continue
        twin = row.repeated("等级", seen)
        if twin:
            row.repeats("等级", twin)
        named.add(name)
        measure = _measure(row)
        if measure is not None:
            measures[name] = measure
    absent = [name for name in allowed if name not in named]
    if absent and grades_known:
        book.mistake("P127", APPLICATION, "", f"缺少等级：{'、'.join(absent)}", "每个等级一行")
    register, column = _base(book, info, registers)
    return Application(measures, register, column)


def _measure(row: Row) -> Measure | None:
    kind = row.choice("措施", MeasureKind) if row.required("措施") else None
    text = row.text("压减比例")
    cut = percent_of(row.value("压减比例")) if text else 0
    if cut is None or not 0 <= cut <= _WHOLE or _MORE_THAN_TWO.search(text):
        what = f"“压减比例”应为 0 至 100%、至多两位小数的比例，现为“{text}”"
        row.mistake("P127", "压减比例", what)
        return None
    if (kind is MeasureKind.CUT) != bool(cut):
        what = f"“{MeasureKind.CUT}”要填压减比例，其他措施不填"
        row.mistake("P127", "压减比例", what)
    accountable = row.yes("问责")
    return None if kind is None else Measure(kind, cut, accountable, row.text("说明"))


def _base(book: PlanBook, info: InfoSheet, registers: Sequence[Register]) -> tuple[str, str]:
    """Register and column of the amounts that are cut."""
    text = info.text(_BASE_ITEM)
    remedy = "写法如 项目清单[全年预算数]，取登记表的金额列"
    if not text:
        info.mistake("P104", _BASE_ITEM, f"有“{APPLICATION}”表时须填“{_BASE_ITEM}”", remedy)
        return "", ""
    if any(one.place.sheet == book.real_name(REGISTERS) for one in book.mistakes):
        return "", ""
    match = _BASE.fullmatch(text)
    by_name = {register.name: register for register in registers}
    register = by_name.get(match["register"].strip()) if match else None
    columns = {} if register is None else {one.column.label: one.column for one in register.columns}
    column = columns.get(match["column"].strip()) if match else None
    if column is None or column.kind is not ValueKind.MONEY:
        info.mistake("P127", _BASE_ITEM, f"看不懂“{text}”，或不是登记表的金额列", remedy)
        return "", ""
    assert register is not None
    return register.name, column.label
