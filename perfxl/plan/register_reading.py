"""Reads the plan's registers and data items: columns, rules, filters."""

from __future__ import annotations

import re
from collections.abc import Mapping

from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.layout.locate import label_key
from perfxl.plan import workbook as sheets_of_plan
from perfxl.plan.model import (
    Aggregate,
    Condition,
    DataItem,
    LedgerFigure,
    Register,
    RegisterColumn,
    Relation,
    Rule,
    Source,
)
from perfxl.plan.rows import ILLEGAL_NAME, LIST_BREAK, LONGEST_NAME, PlanBook, Row
from perfxl.points import HUNDREDTHS
from perfxl.values import date_of, number_of, squeeze

RESERVED_SHEETS = ("封面", "填报说明", "自评表", "数据项", "审核意见")
_RULE_BREAK = re.compile(r"[;；\n]")
_CONDITION = re.compile(r"(?P<column>[^=≠<>≤≥]+)(?P<op>>=|<=|<>|!=|[=≠<>≤≥])(?P<right>.*)")
_RULE = re.compile(r"(?P<op>>=|<=|[=≠<>≤≥])(?:(?P<pct>\d+(?:\.\d+)?)%[×*])?\[(?P<column>.+)\]")
_ASCII_RELATIONS = {">=": "≥", "<=": "≤", "<>": "≠", "!=": "≠"}


def read_registers(book: PlanBook) -> tuple[Register, ...]:
    """The registers (登记表) in the order of their first row; mistakes go to the book."""
    columns: dict[str, list[RegisterColumn]] = {}
    places: list[tuple[Row, str, RegisterColumn]] = []
    for row in book.rows(sheets_of_plan.REGISTERS_SHEET, needed=False):
        name, label = row.required("登记表"), row.required("列名")
        kind = row.choice("类型", ValueKind)
        if name in RESERVED_SHEETS or ILLEGAL_NAME.search(name) or len(name) > LONGEST_NAME:
            row.mistake("P108", "登记表", f"登记表名“{name}”与固定工作表重名、含不能用的字符或过长")
        choices = tuple(c.strip() for c in LIST_BREAK.split(row.text("选项")) if c.strip())
        if kind is ValueKind.CHOICE and not choices:
            row.mistake("P104", "选项", "类型为选项时须填选项")
        width = row.number_at("列宽")
        column = Column(
            label,
            label,
            kind or ValueKind.TEXT,
            width / HUNDREDTHS if width else 14.0,
            choices=choices,
            required=row.yes("必填"),
            help=row.text("填报说明"),
            unit=row.text("计量单位"),
        )
        declared = RegisterColumn(column, row.yes("唯一"), _rules(row), row.text("例外说明列"))
        taken = {label_key(other.column.label) for other in columns.get(name, [])}
        if label_key(label) in taken:
            row.mistake("P110", "列名", f"登记表“{name}”的列名“{label}”重复")
        columns.setdefault(name, []).append(declared)
        places.append((row, name, declared))
    for row, name, declared in places:
        kinds = {other.column.key: other.column.kind for other in columns[name]}
        for rule in declared.rules:
            if not _comparable(declared.column.kind, kinds.get(rule.other_column)):
                row.mistake(
                    "P115",
                    "校验规则",
                    f"规则“{rule}”中的列不存在，或与“{declared.column.label}”不能比较",
                )
        if declared.excused_by and declared.excused_by not in kinds:
            row.mistake("P115", "例外说明列", f"登记表“{name}”没有列“{declared.excused_by}”")
    registers = tuple(Register(name, tuple(found)) for name, found in columns.items())
    if sum(register.holds_evidence for register in registers) > 1:
        book.mistake("P110", sheets_of_plan.REGISTERS, "", "只能有一张含“佐证编号”列的登记表")
    return registers


def _rules(row: Row) -> tuple[Rule, ...]:
    rules = []
    for part in _RULE_BREAK.split(row.text("校验规则")):
        text = part.replace("％", "%").replace(" ", "")
        if not text:
            continue
        match = _RULE.fullmatch(text)
        if match is None:
            row.mistake(
                "P116",
                "校验规则",
                f"看不懂规则“{part}”",
                "写法如 ≤[全年预算数]、≥90%×[全年预算数]",
            )
            continue
        percent = match["pct"]
        rules.append(
            Rule(
                _relation(match["op"]),
                match["column"],
                number_of(percent) if percent else None,
            )
        )
    return tuple(rules)


def read_items(
    book: PlanBook, registers: tuple[Register, ...], kinds: Mapping[str, str]
) -> tuple[DataItem, ...]:
    """The data items (数据项); ``kinds`` are the kinds of unit that have a rubric."""
    items: list[DataItem] = []
    columns_of = {r.name: {c.column.key: c.column.kind for c in r.columns} for r in registers}
    for row in book.rows(sheets_of_plan.ITEMS_SHEET, needed=False):
        name, source = row.required("数据项"), row.choice("来源", Source)
        for_kinds = tuple(
            squeeze(part) for part in LIST_BREAK.split(row.text("单位类别")) if part.strip()
        )
        for kind in for_kinds:
            if kinds and kind not in kinds:
                row.mistake("P111", "单位类别", f"单位类别“{kind}”没有对应的指标体系表")
        for other in items:
            shared = not other.kinds or not for_kinds or set(other.kinds) & set(for_kinds)
            if other.name == name and shared:
                row.mistake("P110", "数据项", f"数据项“{name}”重复定义")
        register, column = row.text("登记表"), row.text("统计列")
        aggregate = figure = None
        conditions: tuple[Condition, ...] = ()
        if source is Source.REGISTER:
            columns = columns_of.get(register)
            aggregate = row.choice("统计方式", Aggregate)
            if columns is None:
                row.mistake("P114", "登记表", f"登记表“{register}”没有定义")
            else:
                conditions = _conditions(row, columns)
                if aggregate is not Aggregate.COUNT and column not in columns:
                    row.mistake("P115", "统计列", f"登记表“{register}”没有列“{column}”")
                elif aggregate is Aggregate.SUM and columns[column] not in NUMERIC:
                    row.mistake("P115", "统计列", f"“{column}”不是数值列，不能合计")
        elif source is Source.LEDGER:
            figure = row.choice("统计列", LedgerFigure)
        items.append(
            DataItem(
                name,
                source or Source.UNIT,
                for_kinds,
                register,
                aggregate,
                column,
                conditions,
                figure,
                row.text("计量单位"),
                row.text("填报说明"),
            )
        )
    return tuple(items)


def _conditions(row: Row, columns: Mapping[str, ValueKind]) -> tuple[Condition, ...]:
    conditions = []
    for part in _RULE_BREAK.split(row.text("筛选条件")):
        if not part.strip():
            continue
        match = _CONDITION.fullmatch(part.strip())
        if match is None:
            row.mistake("P116", "筛选条件", f"看不懂条件“{part}”", "写法如 设置绩效目标=是")
            continue
        column, right = match["column"].strip(), match["right"].strip()
        if column not in columns:
            row.mistake("P115", "筛选条件", f"登记表没有列“{column}”")
            continue
        relation = _relation(match["op"])
        if right.startswith("[") and right.endswith("]"):
            other = right[1:-1].strip()
            if not _comparable(columns[column], columns.get(other)):
                row.mistake("P115", "筛选条件", f"“{column}”与“{other}”不能比较，或没有该列")
            conditions.append(Condition(column, relation, other_column=other))
            continue
        kind = columns[column]
        readable = (
            number_of(right) is not None
            if kind in NUMERIC
            else date_of(right) is not None
            if kind is ValueKind.DATE
            else relation in (Relation.EQUAL, Relation.NOT_EQUAL)
        )
        if right and not readable:
            row.mistake("P116", "筛选条件", f"条件“{part}”的右边与列“{column}”的类型不合")
        conditions.append(Condition(column, relation, right))
    return tuple(conditions)


def _relation(symbol: str) -> Relation:
    return Relation(_ASCII_RELATIONS.get(symbol, symbol))


def _comparable(left: ValueKind, right: ValueKind | None) -> bool:
    if right is None:
        return False
    return (left in NUMERIC and right in NUMERIC) or left is right
