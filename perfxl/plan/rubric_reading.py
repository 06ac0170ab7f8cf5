"""Reads one rubric (指标体系) of the plan: its indicators, their marks and methods."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction

from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name
from perfxl.plan.methods import METHOD_NAMES, Count, Deduct, Evidence, Manual, Method, Ratio
from perfxl.plan.model import DataItem, Indicator, Register, Rubric
from perfxl.plan.names import LONGEST_SECTION, find_name
from perfxl.plan.outline import rubric_rows
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.workbook import ITEMS, REGISTERS, SELF_SCORE_CHOICES, rubric_sheet
from perfxl.points import HUNDREDTHS, as_text

CODE_REMEDY = "编码须设为文本格式，否则 1.10 会变成 1.1"


@dataclass(frozen=True)
class Around:
    """What the rest of the plan says that a rubric must agree with.

    ``items`` and ``full_marks`` are None where they could not be read; ``no_evidence`` and
    ``no_address`` say why no piece of evidence, or no web address of one, can ever arrive.
    """

    items: tuple[DataItem, ...] | None
    full_marks: int | None
    no_evidence: str = ""
    no_address: str = ""


def around(
    book: PlanBook,
    items: tuple[DataItem, ...],
    registers: tuple[Register, ...],
    full_marks: int | None,
) -> Around:
    """Gather it from what was read; nothing is held against what is in doubt."""
    known = None if ITEMS in book.doubtful else items
    labels = {(one.name, declared.column.label) for one in registers for declared in one.columns}
    if REGISTERS in book.doubtful or labels & book.doubtful:
        return Around(known, full_marks)
    evidence = next((register for register in registers if register.holds_evidence), None)
    if evidence is None:
        what = "没有一张登记表有类型为“佐证编号”的列"
        return Around(known, full_marks, what, what)
    addressed = evidence.of_kind(ValueKind.URL) is not None
    what = "" if addressed else f"登记表“{evidence.name}”没有类型为“网址”的列"
    return Around(known, full_marks, "", what)


def read_rubric(book: PlanBook, sheet: str, kind: str, plan: Around) -> Rubric:
    """The rubric in a sheet; mistakes go to the book."""
    rows = book.rows(rubric_sheet(sheet))
    codes: dict[str, Row] = {}
    order = _Order()
    marks: list[int | None] = []
    found: list[tuple[Indicator, Row]] = []
    for row in rows:
        code_of(row, "编码", codes)
        names = _indicator_names(row)
        order.check(row, names)
        marks.append(row.number_at("分值", needed=True))
        if marks[-1] == 0:
            row.mistake("P105", "分值", "分值应大于 0")
        indicator = _indicator(row, names, marks[-1], kind, plan)
        if indicator:
            found.append((indicator, row))
    # A sum over rows of which one cannot be read would say nothing.
    if rows and plan.full_marks is not None and None not in marks:
        total = sum(mark or 0 for mark in marks)
        if total != plan.full_marks:
            cell = cell_name(rows[0].number, 0)
            what = f"分值合计为 {as_text(total)}，应为 {as_text(plan.full_marks)}"
            book.mistake("P117", sheet, cell, what, "请调整各指标的分值")
    _check_paths(found)
    indicators = tuple(indicator for indicator, _ in found)
    return Rubric(kind, indicators, rubric_rows(indicators) if indicators else ())


def code_of(row: Row, label: str, seen: dict[str, Row]) -> str:
    """A code (of an indicator or a unit), reported where it is missing, a date, or given twice.

    Blank where it is a date, so that no more is said about it.
    """
    value = row.value(label)
    if isinstance(value, (dt.date, dt.time, dt.timedelta)):
        what = f"“{label}”被 Excel 当成了日期或时间：{row.text(label)}"
        row.mistake("P105", label, what, "请把该列设为文本格式后重新填写，例如 1-2")
        return ""
    code = row.required(label)
    other = row.repeated(label, seen)
    if other:
        numeric = not (isinstance(value, str) and isinstance(other.value(label), str))
        row.repeats(label, other, CODE_REMEDY if numeric else "")
    return code


def _indicator(
    row: Row, names: tuple[str, ...], marks: int | None, kind: str, plan: Around
) -> Indicator | None:
    name = row.text("评分方法")
    pieces = row.whole_at("佐证件数", needed=name == Evidence.name)
    method = _method(row, name, pieces, kind, plan)
    address = row.yes("需网址")
    if plan.no_evidence and (name == Evidence.name or pieces or address):
        label = "评分方法" if name == Evidence.name else "佐证件数" if pieces else "需网址"
        remedy = "请在登记表中加佐证材料表，其编号列的类型选“佐证编号”"
        row.mistake("P118", label, f"需要佐证材料，但{plan.no_evidence}", remedy)
    elif plan.no_address and address:
        remedy = "请在该登记表中加一列，类型选“网址”"
        row.mistake("P118", "需网址", f"需要公开网址，但{plan.no_address}", remedy)
    row.legal_name("负责股室", LONGEST_SECTION)
    required = row.text("自评要求") or "必填"
    if required not in SELF_SCORE_CHOICES:
        row.mistake("P106", "自评要求", f"“自评要求”应为 必填 或 选填，现为“{required}”")
    if marks is None or method is None or not names:
        return None
    return Indicator(
        row.text("编码"),
        names,
        marks,
        row.text("评分标准"),
        method,
        pieces or 0,
        address,
        required != "选填",
        row.text("负责股室"),
        _supported_by(row, method, kind, plan),
    )


class _Order:
    """Watches that the indicators of one heading stand together."""

    def __init__(self) -> None:
        self._finished: set[tuple[str, ...]] = set()
        self._previous: set[tuple[str, ...]] = set()

    def check(self, row: Row, names: tuple[str, ...]) -> None:
        """Report a heading that had indicators before others came between."""
        headings = {names[:depth] for depth in range(1, len(names))}
        self._finished |= self._previous - headings
        for heading in sorted(headings & self._finished, key=len):
            row.mistake("P112", "一级指标", f"“{'／'.join(heading)}”下的指标没有排在一起")
        self._previous = headings


def _indicator_names(row: Row) -> tuple[str, ...]:
    names = [row.required("一级指标"), row.text("二级指标"), row.text("三级指标")]
    if names[2] and not names[1]:
        row.mistake("P104", "二级指标", "有三级指标而没有二级指标")
    return tuple(name for name in names if name)


def _check_paths(found: list[tuple[Indicator, Row]]) -> None:
    """Report indicators of one name, and those that stand above others."""
    leaves = [indicator.names for indicator, _ in found]
    headings = {names[:depth] for names in leaves for depth in range(1, len(names))}
    for indicator, row in found:
        if indicator.names in headings or leaves.count(indicator.names) > 1:
            what = f"指标“{'／'.join(indicator.names)}”重复，或同时又是其他指标的上级"
            row.mistake("P113", "一级指标", what)


def _supported_by(row: Row, method: Method, kind: str, plan: Around) -> str:
    """The data item whose rows a person looks at who judges; blank where a method reckons."""
    return _item(row, "数据项", kind, plan) if method.name == Manual.name else ""


def _item(row: Row, label: str, kind: str, plan: Around) -> str:
    """The data item that a cell names, as it is spelt where it is defined; blank where none is."""
    text = row.text(label)
    if not text or plan.items is None:
        return text
    known = find_name(text, [one.name for one in plan.items if one.applies_to(kind)])
    if known is None:
        row.mistake("P114", label, f"数据项“{text}”没有在数据项表中定义，或不适用于{kind}")
    return known or text


def _method(row: Row, name: str, pieces: int | None, kind: str, plan: Around) -> Method | None:
    def item(label: str) -> str:
        if not row.text(label):
            row.mistake("P104", label, f"评分方法为{name}时须填“{label}”")
        return _item(row, label, kind, plan)

    match name:
        case Manual.name:
            return Manual()
        case Evidence.name:
            if pieces == 0:
                row.mistake("P105", "佐证件数", "评分方法为佐证时至少为 1")
            return Evidence(pieces or 1)
        case Count.name:
            return Count(item("数据项"), row.number_at("每项分值", needed=True) or 0)
        case Deduct.name:
            return Deduct(item("数据项"), row.number_at("每项分值", needed=True) or 0)
        case Ratio.name:
            floor = row.number_at("最低比率")
            if floor is not None and floor > HUNDREDTHS:
                row.mistake("P105", "最低比率", "最低比率应在 0 与 1 之间，例如 0.6")
            limit = Fraction(floor, HUNDREDTHS) if floor else None
            return Ratio(item("数据项"), item("分母数据项"), limit)
    allowed = "、".join(METHOD_NAMES)
    row.mistake("P106", "评分方法", f"“评分方法”应为 {allowed} 之一，现为“{name}”")
    return None
