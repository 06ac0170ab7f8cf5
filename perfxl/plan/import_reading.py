"""Reads the plan's sheet 项目导入: which column of the budget system's export fills which column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.layout.locate import label_key
from perfxl.plan.model import ImportColumn, ImportUse, ProjectImport, Register
from perfxl.plan.names import find_name
from perfxl.plan.register_reading import RULE_BREAK
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.workbook import (
    IMPORT,
    IMPORT_MONEY,
    IMPORT_SHEET,
    NOT_COMPARED,
    ON_DIFFERENCE,
    REGISTERS,
)
from perfxl.tables import Severity
from perfxl.values import YUAN, squeeze

_OF_REGISTERS = ("登记表", "登记表列", "差异处理", "金额单位", "取值对照")


@dataclass(frozen=True)
class _Line:
    """A row that fills a column of a register."""

    row: Row
    register: str
    column: ImportColumn


def read_project_import(book: PlanBook, registers: Sequence[Register]) -> ProjectImport | None:
    """What the sheet declares; None where the plan has no such sheet. Mistakes go to the book."""
    if book.real_name(IMPORT) not in book.sheets:
        return None
    by_name = {register.name: register for register in registers}
    units: list[str] = []
    lines: list[_Line] = []
    uses: set[ImportUse] = set()
    sources: dict[tuple[str, bool], Row] = {}
    rows = book.rows(IMPORT_SHEET)
    for row in rows:
        source, use = row.required("系统列名"), row.choice("用途", ImportUse)
        twin = sources.setdefault((label_key(source), use is ImportUse.UNIT), row)
        if source and twin is not row:
            what = f"系统列名“{source}”与第 {twin.number + 1} 行重复"
            row.mistake("P163", "系统列名", what, "一列只写一行")
        if use is None:
            continue
        uses.add(use)
        if use is ImportUse.UNIT:
            units.append(source)
            _refuse_register(row)
        else:
            line = _line(book, row, source, use, by_name)
            if line is not None:
                lines.append(line)
    if not rows:
        return None
    _check_whole(book, uses, lines)
    keys = [line for line in lines if line.column.use is ImportUse.PROJECT]
    if not keys:
        return None
    others = [line for line in lines if line is not keys[0]]
    columns = tuple(line.column for line in [keys[0], *others])
    return ProjectImport(keys[0].register, tuple(units), columns)


def _refuse_register(row: Row) -> None:
    """Who names the unit fills no column."""
    for label in _OF_REGISTERS:
        if row.text(label):
            what = f"用途为“{ImportUse.UNIT}”的，不填“{label}”"
            row.mistake("P161", label, what, "要同时填入登记表的，另写一行")


def _line(
    book: PlanBook, row: Row, source: str, use: ImportUse, registers: Mapping[str, Register]
) -> _Line | None:
    """What a row says of a register's column; None where it cannot be told which."""
    typed, label = row.required("登记表"), row.required("登记表列")
    severity = _severity(row, use)
    name = find_name(typed, registers) if typed else None
    if name is None:
        if typed and REGISTERS not in book.doubtful:
            row.mistake("P160", "登记表", f"登记表“{typed}”没有定义")
        return None
    columns = {one.column.label: one.column for one in registers[name].columns}
    found = find_name(label, columns) if label else None
    if found is None:
        if label:
            what = f"登记表“{name}”没有列“{label}”"
            row.mistake("P160", "登记表列", what, f"应为 {'、'.join(columns)} 之一")
        return None
    column = columns[found]
    money = row.text("金额单位")
    if (name, found) not in book.doubtful:
        _check_kind(row, use, column, money)
    words = _words(row, column)
    return _Line(row, name, ImportColumn(source, use, column, severity, money, words))


def _severity(row: Row, use: ImportUse) -> Severity | None:
    text = row.text("差异处理")
    if not text:
        return Severity.VERIFY if use is ImportUse.PROJECT else None
    if text not in ON_DIFFERENCE:
        what = f"“差异处理”应为 {'、'.join(ON_DIFFERENCE)} 之一，现为“{text}”"
        row.mistake("P165", "差异处理", what)
        return None
    return None if text == NOT_COMPARED else Severity(text)


def _check_kind(row: Row, use: ImportUse, column: Column, money: str) -> None:
    """Report a use or a unit of money that does not go with the kind of column."""
    kind, label = column.kind, column.label
    if use is ImportUse.PROJECT and kind is not ValueKind.TEXT:
        what = f"“{label}”的类型是“{kind}”，不能用来认定项目"
        row.mistake("P161", "登记表列", what, "请用文本列，例如 项目编码")
    if use is ImportUse.SUM and kind not in NUMERIC:
        what = f"“{label}”不是数值列，不能合计"
        row.mistake("P161", "用途", what, f"请改为“{ImportUse.PREFILL}”")
    if kind is not ValueKind.MONEY:
        if money:
            row.mistake("P162", "金额单位", f"“{label}”不是金额列，不填金额单位")
    elif column.unit not in YUAN:
        what = f"登记表的“{label}”没有以元或万元为计量单位，不能换算"
        row.mistake("P162", "登记表列", what, "请在“登记表”一表中填计量单位")
    elif money not in IMPORT_MONEY:
        what = f"“{label}”是金额列，须填系统的金额单位（{'、'.join(IMPORT_MONEY)}），现为“{money}”"
        row.mistake("P162", "金额单位", what, "看一看导出文件的表头或金额的位数")


def _words(row: Row, column: Column) -> dict[str, str]:
    """The register's choice by the system's word for it."""
    words: dict[str, str] = {}
    parts = [part.strip() for part in RULE_BREAK.split(row.text("取值对照")) if part.strip()]
    if parts and column.kind is not ValueKind.CHOICE:
        row.mistake("P164", "取值对照", f"“{column.label}”不是选项列，不填取值对照")
        return words
    for part in parts:
        theirs, sign, ours = part.replace("＝", "=").partition("=")
        choice = find_name(ours.strip(), column.choices)
        if not sign or not theirs.strip() or choice is None:
            what = f"看不懂“{part}”，或“{ours.strip()}”不是“{column.label}”的选项"
            remedy = f"写法如 一般公共预算资金={column.choices[0] if column.choices else '选项'}"
            row.mistake("P164", "取值对照", what, remedy)
        elif words.setdefault(squeeze(theirs), choice) != choice:
            row.mistake("P164", "取值对照", f"“{theirs.strip()}”写了两种对照", "请只留一种")
    return words


def _check_whole(book: PlanBook, uses: Set[ImportUse], lines: Sequence[_Line]) -> None:
    """Report what only all rows together show."""
    told = any(one.place.sheet == book.real_name(IMPORT) for one in book.mistakes)
    if ImportUse.UNIT not in uses and not told:
        what = f"没有用途为“{ImportUse.UNIT}”的列，分不清项目是哪个单位的"
        book.mistake("P161", IMPORT, "", what)
    if ImportUse.PROJECT not in uses and not told:
        what = f"没有用途为“{ImportUse.PROJECT}”的列，例如 项目编码"
        book.mistake("P161", IMPORT, "", what)
    keys = [line for line in lines if line.column.use is ImportUse.PROJECT]
    for line in keys[1:]:
        what = f"用途为“{ImportUse.PROJECT}”的只能有一列，第 {keys[0].row.number + 1} 行已有"
        line.row.mistake("P161", "用途", what)
    filled: dict[str, Row] = {}
    for line in lines:
        if line.register != lines[0].register:
            what = f"各行应填入同一张登记表，第 {lines[0].row.number + 1} 行是“{lines[0].register}”"
            line.row.mistake("P160", "登记表", what)
            continue
        label = line.column.column.label
        twin = filled.setdefault(label, line.row)
        if twin is not line.row:
            what = f"登记表列“{label}”与第 {twin.number + 1} 行重复"
            line.row.mistake("P163", "登记表列", what, "一列只由系统的一列填入")
