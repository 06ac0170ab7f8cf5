"""Reads the plan's registers (登记表): their columns and the rules that the columns keep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.layout.locate import label_key
from perfxl.plan import forms
from perfxl.plan.model import Register, RegisterColumn, Relation, Rule
from perfxl.plan.names import LONGEST_NAME, find_name
from perfxl.plan.rows import LIST_BREAK, PlanBook, Row
from perfxl.plan.workbook import REGISTERS, REGISTERS_SHEET, TOGETHER
from perfxl.points import HUNDREDTHS
from perfxl.values import number_of, squeeze

# Sheets of the unit's workbook, of the send-back copy and of the review book; the stamp's own;
# and the name that Excel keeps for itself.
RESERVED_SHEETS = (
    forms.COVER, forms.INSTRUCTIONS, forms.SELF_ASSESSMENT, forms.DATA_ITEMS, forms.REVIEW,
    "审核意见", "_perfxl", "History",
)  # fmt: skip
# A register's rows carry these columns of perfxl beside those of the plan.
RESERVED_LABELS = ("receipt", "unit", "sheet", "row")

RULE_BREAK = re.compile(r"[;；\n]")
_RULE = re.compile(r"(?P<op>>=|<=|[=≠<>≤≥])(?:(?P<pct>\d+(?:\.\d+)?)%[×*])?\[(?P<column>.+)\]")
_ASCII_RELATIONS = {">=": "≥", "<=": "≤", "<>": "≠", "!=": "≠"}


@dataclass(frozen=True)
class _Declared:
    """A row of the sheet, read by itself; what it says of other columns is checked later."""

    row: Row
    register: str
    column: Column
    rules: tuple[Rule, ...]
    unique: bool
    in_key: bool


def read_registers(book: PlanBook) -> tuple[Register, ...]:
    """The registers in the order of their first row; mistakes go to the book.

    A column whose kind cannot be read is doubtful: (register, label).
    """
    found: dict[str, list[_Declared]] = {}
    variants: set[str] = set()
    for row in book.rows(REGISTERS_SHEET, needed=False):
        name = _register_name(row, tuple(found), variants)
        label = row.required("列名")
        if label in RESERVED_LABELS:
            row.mistake("P108", "列名", f"列名“{label}”是 perfxl 内部用的名称", "请改名")
        taken = {label_key(other.column.label) for other in found.get(name, [])}
        if label and label_key(label) in taken:
            row.mistake("P110", "列名", f"登记表“{name}”的列名“{label}”重复")
        kind = row.choice("类型", ValueKind)
        if kind is None:
            book.doubtful.add((name, label))
        column = _column(row, label, kind)
        found.setdefault(name, []).append(
            _Declared(row, name, column, _rules(row), *_uniqueness(row))
        )
    registers = tuple(
        Register(name, tuple(_related(book, one, declared) for one in declared))
        for name, declared in found.items()
    )
    if sum(register.holds_evidence for register in registers) > 1:
        book.mistake("P110", REGISTERS, "", "只能有一张含“佐证编号”列的登记表")
    return registers


def _register_name(row: Row, known: tuple[str, ...], variants: set[str]) -> str:
    """The register's name in its first spelling; each other spelling is reported once."""
    name = row.required("登记表")
    first = find_name(name, known)
    if first is None:
        if find_name(name, RESERVED_SHEETS):
            row.mistake("P108", "登记表", f"登记表名“{name}”与固定工作表重名", "请改名")
        else:
            row.legal_name("登记表", LONGEST_NAME)
        return name
    if first != name and name not in variants:
        variants.add(name)
        what = f"登记表名“{name}”与“{first}”只差空格、大小写或全半角"
        row.mistake("P110", "登记表", what, "同一张登记表请写成一样，不同的请另取名称")
    return first


def _column(row: Row, label: str, kind: ValueKind | None) -> Column:
    choices = tuple(c.strip() for c in LIST_BREAK.split(row.text("选项")) if c.strip())
    if kind is ValueKind.CHOICE and not choices:
        row.mistake("P104", "选项", "类型为选项时须填选项")
    width = row.number_at("列宽")
    return Column(
        label,
        label,
        kind or ValueKind.TEXT,
        width / HUNDREDTHS if width else 14.0,
        choices=choices,
        required=row.yes("必填"),
        help=row.text("填报说明"),
        unit=row.text("计量单位"),
    )


def _uniqueness(row: Row) -> tuple[bool, bool]:
    """Whether the column holds nothing twice, and whether it is part of what names a row."""
    if row.text("唯一") == TOGETHER:
        return False, True
    return row.yes("唯一"), False


def _rules(row: Row) -> tuple[Rule, ...]:
    rules = []
    for part in RULE_BREAK.split(row.text("校验规则")):
        text = squeeze(part)
        if not text:
            continue
        match = _RULE.fullmatch(text)
        if match is None:
            remedy = "写法如 ≤[全年预算数]、≥90%×[全年预算数]"
            row.mistake("P116", "校验规则", f"看不懂规则“{part.strip()}”", remedy)
            continue
        percent = number_of(match["pct"]) if match["pct"] else None
        rules.append(Rule(relation(match["op"]), match["column"], percent))
    return tuple(rules)


def _related(book: PlanBook, one: _Declared, declared: list[_Declared]) -> RegisterColumn:
    """The column with its rules bound to the register's other columns."""
    columns = {other.column.label: other.column for other in declared}
    rules = []
    for rule in one.rules:
        other = find_name(rule.other_column, columns) or rule.other_column
        bound = Rule(rule.relation, other, rule.percent)
        if not comparable(book, one.register, columns, one.column.label, other):
            what = f"规则“{bound}”中的列不存在，或与“{one.column.label}”不能比较"
            one.row.mistake("P115", "校验规则", what)
        rules.append(bound)
    excuse = one.row.text("例外说明列")
    excused_by = find_name(excuse, columns) if excuse else ""
    if excused_by is None:
        one.row.mistake("P115", "例外说明列", f"登记表“{one.register}”没有列“{excuse}”")
    return RegisterColumn(one.column, one.unique, one.in_key, tuple(rules), excused_by or "")


def relation(symbol: str) -> Relation:
    """The relation that a symbol stands for, also in its ASCII spelling."""
    return Relation(_ASCII_RELATIONS.get(symbol, symbol))


def comparable(
    book: PlanBook, register: str, columns: Mapping[str, Column], left: str, right: str
) -> bool:
    """Whether two columns of a register can be compared; no doubt is cast on a doubtful one."""
    if left not in columns or right not in columns:
        return False
    if {(register, left), (register, right)} & book.doubtful:
        return True
    one, other = columns[left].kind, columns[right].kind
    return (one in NUMERIC and other in NUMERIC) or one is other
