"""The sheets of a plan workbook as a ``Plan``, or every mistake in them at its cell, at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

from perfxl.errors import PlanRefused
from perfxl.layout.declare import Column
from perfxl.layout.locate import Rows, cell_name, find_table, label_key
from perfxl.plan import workbook as sheets_of_plan
from perfxl.plan.methods import METHOD_NAMES, Count, Deduct, Evidence, Manual, Method, Ratio
from perfxl.plan.model import (
    CampaignInfo,
    DataItem,
    Grade,
    Indicator,
    LateRule,
    MailText,
    Plan,
    Rubric,
    TieRule,
    Unit,
    rubric_rows,
)
from perfxl.plan.register_reading import read_items, read_registers
from perfxl.plan.rows import ILLEGAL_NAME, LIST_BREAK, LONGEST_NAME, Choice, PlanBook, Row
from perfxl.points import HUNDREDTHS, as_text
from perfxl.values import date_of, moment_of, number_of, precise_number_of, squeeze, text_of

T = TypeVar("T")

FULL_MARKS = 100 * HUNDREDTHS


def read_plan(file: str, sheets: Mapping[str, Rows]) -> Plan:
    """The plan that a workbook's sheets declare (sheet name → rows from A1).

    Raises PlanRefused that lists every mistake with sheet and cell; ``file`` names the workbook.
    """
    book = PlanBook(file, sheets)
    info = _info(book)
    grades = _grades(book)
    registers = read_registers(book)
    kinds = _rubric_kinds(book)
    items = read_items(book, registers, kinds)
    rubrics = {
        kind: _rubric(book, sheet, kind, items, info.full_marks) for kind, sheet in kinds.items()
    }
    units = _units(book, kinds)
    instructions = tuple(
        row.text("说明") for row in book.rows(sheets_of_plan.INSTRUCTIONS_SHEET, needed=False)
    )
    mails = _mails(book)
    if book.mistakes:
        raise PlanRefused(book.file, book.mistakes)
    return Plan(info, grades, units, rubrics, items, registers, instructions, mails)


class _Info:
    """The sheet 考核信息 by item; what is missing or unreadable is reported where it stands."""

    def __init__(self, book: PlanBook) -> None:
        self._book = book
        rows = book.rows(sheets_of_plan.INFO_SHEET)
        self._rows = {label_key(row.text("项目")): row for row in rows}
        for name, _, required in sheets_of_plan.INFO_ITEMS if rows else ():
            if required and label_key(name) not in self._rows:
                book.mistake("P104", sheets_of_plan.INFO, "", f"缺少项目“{name}”")
            elif required:
                self.row(name).required("内容")

    def row(self, name: str) -> Row:
        """The item's row; a blank one where it is missing."""
        return self._rows.get(label_key(name)) or Row(self._book, sheets_of_plan.INFO, 0, {})

    def text(self, name: str) -> str:
        """The item's text."""
        return self.row(name).text("内容")

    def typed(self, name: str, parse: Callable[[object], T | None], wanted: str, fallback: T) -> T:
        """The item's value; a blank one was reported already where it is required."""
        row = self.row(name)
        if not row.text("内容"):
            return fallback
        value = parse(row.value("内容"))
        if value is None:
            row.mistake("P105", "内容", f"“{name}”应为{wanted}，现为“{row.text('内容')}”")
            return fallback
        return value

    def choice(self, name: str, choices: type[Choice], fallback: Choice) -> Choice:
        """The item as a member of an enumeration."""
        row = self.row(name)
        return (row.choice("内容", choices) if row.text("内容") else None) or fallback


def _info(book: PlanBook) -> CampaignInfo:
    info = _Info(book)
    step = info.typed("打分步长", _above_zero, "大于 0 的数", HUNDREDTHS)
    code = info.text("考核编号")
    if ILLEGAL_NAME.search(code) or len(code) > LONGEST_NAME:
        what = f"“考核编号”含不能用的字符或过长：{code}"
        info.row("考核编号").mistake("P108", "内容", what)
    return CampaignInfo(
        code=code,
        name=info.text("考核名称"),
        year=info.typed("考核年度", _year, "四位年份", 0),
        basis=info.text("考核依据"),
        issuer=info.text("发文机关"),
        document_number=info.text("发文字号"),
        issued_on=info.typed("印发日期", date_of, "日期", dt.date.min),
        deadline=info.typed("报送截止时间", moment_of, "日期和时间", dt.datetime.min),
        full_marks=info.typed("满分", _above_zero, "大于 0 的数", FULL_MARKS),
        step=step,
        rectification_days=info.typed("整改期限（天）", _days, "天数", 0),
        tie_rule=info.choice("并列规则", TieRule, TieRule.SKIP),
        late_rule=info.choice("逾期规则", LateRule, LateRule.NONE),
        late_deduction=info.typed("逾期扣分", _not_negative, "不小于 0 的数", 0),
        addressees=info.text("主送机关"),
        copied_to=info.text("抄送机关"),
        contact=info.text("联系人"),
        phone=info.text("联系电话"),
        form_title=info.text("模板标题"),
    )


def _not_negative(value: object) -> int | None:
    number = precise_number_of(value)
    return number if number is not None and number >= 0 else None


def _above_zero(value: object) -> int | None:
    return _not_negative(value) or None


def _whole(value: object, low: int, high: int) -> int | None:
    number = number_of(value)
    if number is None or number % HUNDREDTHS or not low <= number // HUNDREDTHS <= high:
        return None
    return number // HUNDREDTHS


def _year(value: object) -> int | None:
    return _whole(value, 1990, 2100)


def _days(value: object) -> int | None:
    return _whole(value, 1, 3650)


def _grades(book: PlanBook) -> tuple[Grade, ...]:
    grades: list[Grade] = []
    for row in book.rows(sheets_of_plan.GRADES_SHEET):
        name, threshold = row.required("等级"), row.number_at("最低得分率", needed=True)
        if threshold is None:
            continue
        if grades and threshold >= grades[-1].threshold:
            row.mistake("P109", "最低得分率", "等级应从高到低排列，且不得相同")
        if name in {grade.name for grade in grades}:
            row.mistake("P110", "等级", f"等级“{name}”重复")
        grades.append(Grade(name, threshold))
    if grades and grades[-1].threshold != 0:
        book.mistake(
            "P109",
            sheets_of_plan.GRADES,
            "",
            "最低一档的最低得分率应为 0，否则有的单位没有等级",
        )
    return tuple(grades)


def _rubric_kinds(book: PlanBook) -> dict[str, str]:
    kinds: dict[str, str] = {}
    for sheet in book.sheets:
        if not sheet.startswith(sheets_of_plan.RUBRIC_PREFIX):
            continue
        kind = squeeze(sheet.removeprefix(sheets_of_plan.RUBRIC_PREFIX)).strip("()-_")
        if not kind or len(kind) > LONGEST_NAME or ILLEGAL_NAME.search(kind):
            book.mistake("P108", sheet, "", "表名应为“指标体系（单位类别）”，类别不超过 20 字")
        elif kind in kinds:
            book.mistake("P110", sheet, "", f"单位类别“{kind}”有两张指标体系表")
        else:
            kinds[kind] = sheet
    if not kinds:
        book.mistake("P101", sheets_of_plan.rubric_sheet_name("部门"), "", "缺少指标体系表")
    return kinds


def _units(book: PlanBook, kinds: Mapping[str, str]) -> tuple[Unit, ...]:
    units: list[Unit] = []
    seen: dict[tuple[str, str], Row] = {}
    for row in book.rows(sheets_of_plan.ROSTER_SHEET):
        code, name = row.required("单位编码"), row.required("单位名称")
        kind, section = squeeze(row.required("单位类别")), row.required("负责股室")
        for label, value in (("单位编码", code), ("单位名称", name)):
            if value and (label, value) in seen:
                other = seen[label, value].number + 1
                row.mistake("P110", label, f"{label}“{value}”与第 {other} 行重复")
            seen[label, value] = row
        for label, value in (("单位编码", code), ("单位名称", name), ("负责股室", section)):
            if ILLEGAL_NAME.search(value) or value.endswith("."):
                row.mistake("P108", label, f"{label}“{value}”含不能用于文件名的字符")
        if kind and kinds and kind not in kinds:
            row.mistake(
                "P111",
                "单位类别",
                f"单位类别“{kind}”没有对应的指标体系表",
                f"现有：{'、'.join(kinds)}",
            )
        short = tuple(part.strip() for part in LIST_BREAK.split(row.text("简称")) if part.strip())
        units.append(
            Unit(
                code,
                name,
                kind,
                section,
                short,
                row.text("联系人"),
                row.text("联系电话"),
                row.text("电子邮箱"),
            )
        )
    return tuple(units)


def _rubric(
    book: PlanBook, sheet: str, kind: str, items: tuple[DataItem, ...], full_marks: int
) -> Rubric:
    indicators: list[Indicator] = []
    codes: dict[str, Row] = {}
    finished: set[tuple[str, ...]] = set()
    previous: tuple[str, ...] = ()
    total: int | None = 0
    rows = book.rows(sheets_of_plan.rubric_sheet(sheet))
    for row in rows:
        code, marks = row.required("编码"), row.number_at("分值", needed=True)
        if code in codes:
            row.mistake("P110", "编码", f"编码“{code}”与第 {codes[code].number + 1} 行重复")
        codes[code] = row
        names = _indicator_names(row)
        headings = {names[:depth] for depth in range(1, len(names))}
        closed = {previous[:depth] for depth in range(1, len(previous))} - headings
        finished |= closed
        for heading in sorted(headings & finished, key=len):
            row.mistake("P112", "一级指标", f"“{'／'.join(heading)}”下的指标没有排在一起")
        previous = names
        if marks == 0:
            row.mistake("P105", "分值", "分值应大于 0")
        total = None if total is None or marks is None else total + marks
        method = _method(row, kind, items)
        if marks is None or method is None or not names:
            continue
        section = row.text("负责股室")
        if ILLEGAL_NAME.search(section):
            row.mistake("P108", "负责股室", f"股室名“{section}”含不能用于文件名的字符")
        pieces = row.number_at("佐证件数") or 0
        required = row.text("自评要求") or "必填"
        if required not in sheets_of_plan.SELF_SCORE_CHOICES:
            row.mistake("P106", "自评要求", f"“自评要求”应为 必填 或 选填，现为“{required}”")
        indicators.append(
            Indicator(
                code,
                names,
                marks,
                row.text("评分标准"),
                method,
                pieces // HUNDREDTHS,
                row.yes("需网址"),
                required != "选填",
                section,
            )
        )
    # A sum over rows of which one cannot be read would say nothing.
    if rows and total is not None and total != full_marks:
        cell = cell_name(rows[0].number, 0)
        what = f"分值合计为 {as_text(total)}，应为 {as_text(full_marks)}"
        book.mistake("P117", sheet, cell, what, "请调整各指标的分值")
    leaves = [indicator.names for indicator in indicators]
    headings_used = {names[:d] for names in leaves for d in range(1, len(names))}
    for indicator in indicators:
        if indicator.names in headings_used or leaves.count(indicator.names) > 1:
            codes[indicator.code].mistake(
                "P113",
                "一级指标",
                f"指标“{'／'.join(indicator.names)}”重复，或同时又是其他指标的上级",
            )
    result = tuple(indicators)
    return Rubric(kind, result, rubric_rows(result) if result else ())


def _indicator_names(row: Row) -> tuple[str, ...]:
    names = [row.required("一级指标"), row.text("二级指标"), row.text("三级指标")]
    if names[2] and not names[1]:
        row.mistake("P104", "二级指标", "有三级指标而没有二级指标")
    return tuple(name for name in names if name)


def _method(row: Row, kind: str, items: tuple[DataItem, ...]) -> Method | None:
    name = row.text("评分方法")
    known = {item.name for item in items if item.applies_to(kind)}

    def item(label: str) -> str:
        text = row.text(label)
        if not text:
            row.mistake("P104", label, f"评分方法为{name}时须填“{label}”")
        elif text not in known:
            row.mistake("P114", label, f"数据项“{text}”没有在数据项表中定义，或不适用于{kind}")
        return text

    match name:
        case Manual.name:
            return Manual()
        case Evidence.name:
            pieces = (row.number_at("佐证件数", needed=True) or 0) // HUNDREDTHS
            if pieces < 1 and row.text("佐证件数"):
                row.mistake("P105", "佐证件数", "评分方法为佐证时至少为 1")
            return Evidence(max(pieces, 1))
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


def _mails(book: PlanBook) -> dict[str, MailText]:
    mails: dict[str, MailText] = {}
    for row in book.rows(sheets_of_plan.MAILS_SHEET, needed=False):
        occasion = row.required("场合")
        if occasion not in sheets_of_plan.MAIL_OCCASIONS:
            allowed = "、".join(sheets_of_plan.MAIL_OCCASIONS)
            row.mistake("P106", "场合", f"“场合”应为 {allowed} 之一，现为“{occasion}”")
        elif occasion in mails:
            row.mistake("P110", "场合", f"场合“{occasion}”重复")
        mails[occasion] = MailText(row.required("主题"), row.required("正文"))
    return mails


def plan_records(sheets: Mapping[str, Rows]) -> dict[str, tuple[list[str], list[dict[str, str]]]]:
    """The plan's tables as plain text, sheet → (labels, rows), for printing; nothing is checked."""
    records: dict[str, tuple[list[str], list[dict[str, str]]]] = {}
    for name, rows in sheets.items():
        layout = sheets_of_plan.plan_sheet(name)
        if layout is None or layout.table is None:
            continue
        located = find_table(rows, layout.table)
        if located is None:
            continue
        columns: Iterable[Column] = layout.table.columns
        labels = [
            c.label
            for c in columns
            if c.key in located.columns and not (name == sheets_of_plan.INFO and c.label == "说明")
        ]
        found = []
        for row in rows[located.first_row :]:
            record = {
                label: text_of(row[at]) if (at := located.columns[label]) < len(row) else ""
                for label in labels
            }
            if name == sheets_of_plan.INFO:
                record["项目"] = record["项目"].removesuffix("*").rstrip()
            if any(record.values()):
                found.append(record)
        records[name] = (labels, found)
    return records
