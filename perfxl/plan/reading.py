"""The sheets of a plan workbook as a ``Plan``, or every mistake in them at its cell, at once."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from perfxl.errors import Mistake, Place, PlanRefused
from perfxl.layout.declare import NUMERIC, Column, SheetLayout, ValueKind
from perfxl.layout.locate import Rows, cell_name, find_table, label_key
from perfxl.plan import workbook as sheets_of_plan
from perfxl.plan.methods import METHOD_NAMES, Count, Deduct, Evidence, Manual, Method, Ratio
from perfxl.plan.model import (
    Aggregate,
    CampaignInfo,
    Condition,
    DataItem,
    Grade,
    Indicator,
    LateRule,
    LedgerFigure,
    MailText,
    Plan,
    Register,
    RegisterColumn,
    Relation,
    Rubric,
    Rule,
    Source,
    TieRule,
    Unit,
    rubric_rows,
)
from perfxl.points import HUNDREDTHS, as_text
from perfxl.values import date_of, moment_of, number_of, squeeze, text_of

Choice = TypeVar("Choice", bound=StrEnum)

FULL_MARKS = 100 * HUNDREDTHS
_LIST_BREAK = re.compile(r"[、,，;；\n]")
_RULE_BREAK = re.compile(r"[;；\n]")
_CONDITION = re.compile(r"(?P<column>[^=≠<>≤≥]+)(?P<op>>=|<=|<>|!=|[=≠<>≤≥])(?P<right>.*)")
_RULE = re.compile(r"(?P<op>>=|<=|[=≠<>≤≥])(?:(?P<pct>\d+(?:\.\d+)?)%[×*])?\[(?P<column>.+)\]")
_ASCII_RELATIONS = {">=": "≥", "<=": "≤", "<>": "≠", "!=": "≠"}

# Names that become sheet or file names must be legal in Excel and on NTFS.
_ILLEGAL_NAME = re.compile(r"""[\\/:*?"<>|\[\]'\x00-\x1f]""")
_LONGEST_NAME = 20
RESERVED_SHEETS = ("封面", "填报说明", "自评表", "数据项", "审核意见")


class Row:
    """One row of a plan sheet: values by label, each able to report a mistake at its own cell."""

    def __init__(
        self, reader: PlanReader, sheet: str, number: int, cells: Mapping[str, tuple[object, str]]
    ) -> None:
        self._reader, self._sheet, self._cells = reader, sheet, cells
        self.number = number

    def text(self, label: str) -> str:
        """The trimmed text of a cell, blank where the column is absent."""
        return text_of(self._cells.get(label, ("", ""))[0])

    def value(self, label: str) -> object:
        """The cell's own value."""
        return self._cells.get(label, ("", ""))[0]

    def mistake(self, code: str, label: str, what: str, remedy: str = "") -> None:
        """Report a mistake at the cell under ``label`` of this row."""
        cell = self._cells.get(label, ("", ""))[1] or f"A{self.number + 1}"
        self._reader.mistake(code, self._sheet, cell, what, remedy)

    def required(self, label: str) -> str:
        """The text, reported as missing where blank."""
        text = self.text(label)
        if not text:
            self.mistake("P104", label, f"“{label}”没有填写")
        return text

    def number_at(self, label: str, *, needed: bool = False) -> int | None:
        """Hundredths, or None where blank; reported where it is needed, unreadable or negative."""
        text = self.text(label)
        if not text:
            if needed:
                self.mistake("P104", label, f"“{label}”没有填写")
            return None
        number = number_of(self.value(label))
        if number is None or number < 0:
            self.mistake("P105", label, f"“{label}”应为不小于 0 的数，现为“{text}”")
            return None
        return number

    def choice(
        self, label: str, choices: type[Choice], default: Choice | None = None
    ) -> Choice | None:
        """The member of an enumeration that the cell names."""
        text = self.text(label)
        if not text and default is not None:
            return default
        try:
            return choices(text)
        except ValueError:
            allowed = "、".join(choices)
            self.mistake("P106", label, f"“{label}”应为 {allowed} 之一，现为“{text}”")
            return None

    def yes(self, label: str) -> bool:
        """Whether the cell says 是; anything but 是, 否 and blank is reported."""
        text = self.text(label)
        if text not in ("", "是", "否"):
            self.mistake("P106", label, f"“{label}”应为 是 或 否，现为“{text}”")
        return text == "是"


class PlanReader:
    """Collects mistakes while the sheets are read; one use per workbook."""

    def __init__(self, file: str, sheets: Mapping[str, Rows]) -> None:
        self._file, self._sheets = file, sheets
        self._mistakes: list[Mistake] = []

    def mistake(self, code: str, sheet: str, cell: str, what: str, remedy: str = "") -> None:
        """Note a mistake; all of them are raised together at the end."""
        self._mistakes.append(Mistake(code, what, Place(self._file, sheet, cell), remedy))

    def read(self) -> Plan:
        """The plan; raises PlanRefused with every mistake."""
        info = self._info()
        grades = self._grades()
        registers = self._registers()
        kinds = self._rubric_kinds()
        items = self._items(registers, kinds)
        rubrics = {kind: self._rubric(sheet, kind, items) for kind, sheet in kinds.items()}
        units = self._units(kinds)
        instructions = tuple(
            row.text("说明") for row in self._rows(sheets_of_plan.INSTRUCTIONS_SHEET, needed=False)
        )
        mails = self._mails()
        if self._mistakes or info is None:
            raise PlanRefused(self._file, self._mistakes)
        self._cross_checks(info, kinds, rubrics)
        if self._mistakes:
            raise PlanRefused(self._file, self._mistakes)
        return Plan(info, grades, units, rubrics, items, registers, instructions, mails)

    def _rows(self, layout: SheetLayout, *, needed: bool = True) -> list[Row]:
        rows = self._sheets.get(layout.name)
        table = layout.table
        assert table is not None
        if rows is None:
            if needed:
                self.mistake("P101", layout.name, "", "缺少这张工作表")
            return []
        located = find_table(rows, table)
        if located is None:
            labels = "、".join(column.label for column in table.columns[:4])
            self.mistake("P102", layout.name, "A1", f"找不到表头（{labels} …）")
            return []
        absent = [c.label for c in table.columns if not c.optional and c.key not in located.columns]
        if absent:
            cell = cell_name(located.heading_row, 0)
            self.mistake("P103", layout.name, cell, f"表头缺少：{'、'.join(absent)}")
            return []
        found = []
        for number in range(located.first_row, len(rows)):
            row = rows[number]
            cells = {
                key: (row[at] if at < len(row) else "", cell_name(number, at))
                for key, at in located.columns.items()
            }
            if any(text_of(value) for value, _ in cells.values()):
                found.append(Row(self, layout.name, number, cells))
        if needed and not found:
            self.mistake("P107", layout.name, cell_name(located.first_row, 0), "表中没有内容")
        return found

    def _info(self) -> CampaignInfo | None:
        rows = {row.text("项目"): row for row in self._rows(sheets_of_plan.INFO_SHEET)}
        if not rows:
            return None
        known = {label_key(name): row for name, row in rows.items()}
        for name, _, required in sheets_of_plan.INFO_ITEMS:
            if required and label_key(name) not in known:
                self.mistake("P104", sheets_of_plan.INFO, "", f"缺少项目“{name}”")
        before = len(self._mistakes)

        def row_of(name: str) -> Row:
            row = known.get(label_key(name))
            return row or Row(self, sheets_of_plan.INFO, 0, {})

        def text(name: str) -> str:
            return row_of(name).text("内容")

        def typed(name: str, parse: Callable[[object], T | None], wanted: str, fallback: T) -> T:
            row = row_of(name)
            if not row.text("内容"):
                if label_key(name) in known:
                    row.mistake("P104", "内容", f"“{name}”没有填写")
                return fallback
            value = parse(row.value("内容"))
            if value is None:
                row.mistake("P105", "内容", f"“{name}”应为{wanted}，现为“{row.text('内容')}”")
                return fallback
            return value

        for name, _, required in sheets_of_plan.INFO_ITEMS:
            if required and label_key(name) in known:
                row_of(name).required("内容")
        if len(self._mistakes) > before:
            return None
        step = typed("打分步长", number_of, "大于 0 的数", 0)
        if step <= 0:
            row_of("打分步长").mistake("P105", "内容", "“打分步长”应大于 0")
        year = typed("考核年度", number_of, "四位年份", 0) // HUNDREDTHS
        if not 1990 <= year <= 2100:
            row_of("考核年度").mistake("P105", "内容", "“考核年度”应为四位年份")
        days = typed("整改期限（天）", number_of, "天数", 0) // HUNDREDTHS
        full_marks = row_of("满分").number_at("内容") or FULL_MARKS
        late = row_of("逾期扣分").number_at("内容") or 0
        code = text("考核编号")
        if _ILLEGAL_NAME.search(code) or len(code) > _LONGEST_NAME:
            row_of("考核编号").mistake("P108", "内容", f"“考核编号”含不能用的字符或过长：{code}")
        return CampaignInfo(
            code=code,
            name=text("考核名称"),
            year=year,
            basis=text("考核依据"),
            issuer=text("发文机关"),
            document_number=text("发文字号"),
            issued_on=typed("印发日期", date_of, "日期", dt.date.min),
            deadline=typed("报送截止时间", moment_of, "日期和时间", dt.datetime.min),
            full_marks=full_marks,
            step=step,
            rectification_days=days,
            tie_rule=row_of("并列规则").choice("内容", TieRule) or TieRule.SKIP,
            late_rule=row_of("逾期规则").choice("内容", LateRule) or LateRule.NONE,
            late_deduction=late,
            addressees=text("主送机关"),
            copied_to=text("抄送机关"),
            contact=text("联系人"),
            phone=text("联系电话"),
            form_title=text("模板标题"),
        )

    def _grades(self) -> tuple[Grade, ...]:
        grades: list[Grade] = []
        for row in self._rows(sheets_of_plan.GRADES_SHEET):
            name, threshold = row.required("等级"), row.number_at("最低得分率", needed=True)
            if threshold is None:
                continue
            if grades and threshold >= grades[-1].threshold:
                row.mistake("P109", "最低得分率", "等级应从高到低排列，且不得相同")
            if name in {grade.name for grade in grades}:
                row.mistake("P110", "等级", f"等级“{name}”重复")
            grades.append(Grade(name, threshold))
        if grades and grades[-1].threshold != 0:
            self.mistake(
                "P109",
                sheets_of_plan.GRADES,
                "",
                "最低一档的最低得分率应为 0，否则有的单位没有等级",
            )
        return tuple(grades)

    def _rubric_kinds(self) -> dict[str, str]:
        kinds: dict[str, str] = {}
        for sheet in self._sheets:
            if not sheet.startswith(sheets_of_plan.RUBRIC_PREFIX):
                continue
            kind = squeeze(sheet.removeprefix(sheets_of_plan.RUBRIC_PREFIX)).strip("()-_")
            if not kind or len(kind) > _LONGEST_NAME or _ILLEGAL_NAME.search(kind):
                self.mistake("P108", sheet, "", "表名应为“指标体系（单位类别）”，类别不超过 20 字")
            elif kind in kinds:
                self.mistake("P110", sheet, "", f"单位类别“{kind}”有两张指标体系表")
            else:
                kinds[kind] = sheet
        if not kinds:
            self.mistake("P101", sheets_of_plan.rubric_sheet_name("部门"), "", "缺少指标体系表")
        return kinds

    def _units(self, kinds: Mapping[str, str]) -> tuple[Unit, ...]:
        units: list[Unit] = []
        seen: dict[tuple[str, str], Row] = {}
        for row in self._rows(sheets_of_plan.ROSTER_SHEET):
            code, name = row.required("单位编码"), row.required("单位名称")
            kind, section = squeeze(row.required("单位类别")), row.required("负责股室")
            for label, value in (("单位编码", code), ("单位名称", name)):
                if value and (label, value) in seen:
                    other = seen[label, value].number + 1
                    row.mistake("P110", label, f"{label}“{value}”与第 {other} 行重复")
                seen[label, value] = row
            for label, value in (("单位编码", code), ("单位名称", name), ("负责股室", section)):
                if _ILLEGAL_NAME.search(value) or value.endswith("."):
                    row.mistake("P108", label, f"{label}“{value}”含不能用于文件名的字符")
            if kind and kinds and kind not in kinds:
                row.mistake(
                    "P111",
                    "单位类别",
                    f"单位类别“{kind}”没有对应的指标体系表",
                    f"现有：{'、'.join(kinds)}",
                )
            short = tuple(
                part.strip() for part in _LIST_BREAK.split(row.text("简称")) if part.strip()
            )
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

    def _rubric(self, sheet: str, kind: str, items: tuple[DataItem, ...]) -> Rubric:
        indicators: list[Indicator] = []
        codes: dict[str, Row] = {}
        finished: set[tuple[str, ...]] = set()
        previous: tuple[str, ...] = ()
        rows = self._rows(sheets_of_plan.rubric_sheet(sheet))
        for row in rows:
            code, marks = row.required("编码"), row.number_at("分值", needed=True)
            if code in codes:
                row.mistake("P110", "编码", f"编码“{code}”与第 {codes[code].number + 1} 行重复")
            codes[code] = row
            names = self._indicator_names(row)
            headings = {names[:depth] for depth in range(1, len(names))}
            closed = {previous[:depth] for depth in range(1, len(previous))} - headings
            finished |= closed
            for heading in sorted(headings & finished, key=len):
                row.mistake("P112", "一级指标", f"“{'／'.join(heading)}”下的指标没有排在一起")
            previous = names
            if marks == 0:
                row.mistake("P105", "分值", "分值应大于 0")
            method = self._method(row, kind, items)
            if marks is None or method is None or not names:
                continue
            section = row.text("负责股室")
            if _ILLEGAL_NAME.search(section):
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

    def _indicator_names(self, row: Row) -> tuple[str, ...]:
        names = [row.required("一级指标"), row.text("二级指标"), row.text("三级指标")]
        if names[2] and not names[1]:
            row.mistake("P104", "二级指标", "有三级指标而没有二级指标")
        return tuple(name for name in names if name)

    def _method(self, row: Row, kind: str, items: tuple[DataItem, ...]) -> Method | None:
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

    def _registers(self) -> tuple[Register, ...]:
        columns: dict[str, list[RegisterColumn]] = {}
        places: list[tuple[Row, str, RegisterColumn]] = []
        for row in self._rows(sheets_of_plan.REGISTERS_SHEET, needed=False):
            name, label = row.required("登记表"), row.required("列名")
            kind = row.choice("类型", ValueKind)
            if name in RESERVED_SHEETS or _ILLEGAL_NAME.search(name) or len(name) > _LONGEST_NAME:
                row.mistake(
                    "P108", "登记表", f"登记表名“{name}”与固定工作表重名、含不能用的字符或过长"
                )
            choices = tuple(c.strip() for c in _LIST_BREAK.split(row.text("选项")) if c.strip())
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
            declared = RegisterColumn(
                column, row.yes("唯一"), self._rules(row), row.text("例外说明列")
            )
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
            self.mistake("P110", sheets_of_plan.REGISTERS, "", "只能有一张含“佐证编号”列的登记表")
        return registers

    def _rules(self, row: Row) -> tuple[Rule, ...]:
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

    def _items(
        self, registers: tuple[Register, ...], kinds: Mapping[str, str]
    ) -> tuple[DataItem, ...]:
        items: list[DataItem] = []
        columns_of = {r.name: {c.column.key: c.column.kind for c in r.columns} for r in registers}
        for row in self._rows(sheets_of_plan.ITEMS_SHEET, needed=False):
            name, source = row.required("数据项"), row.choice("来源", Source)
            for_kinds = tuple(
                squeeze(part) for part in _LIST_BREAK.split(row.text("单位类别")) if part.strip()
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
                    conditions = self._conditions(row, columns)
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

    def _conditions(self, row: Row, columns: Mapping[str, ValueKind]) -> tuple[Condition, ...]:
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

    def _mails(self) -> dict[str, MailText]:
        mails: dict[str, MailText] = {}
        for row in self._rows(sheets_of_plan.MAILS_SHEET, needed=False):
            occasion = row.required("场合")
            if occasion not in sheets_of_plan.MAIL_OCCASIONS:
                allowed = "、".join(sheets_of_plan.MAIL_OCCASIONS)
                row.mistake("P106", "场合", f"“场合”应为 {allowed} 之一，现为“{occasion}”")
            elif occasion in mails:
                row.mistake("P110", "场合", f"场合“{occasion}”重复")
            mails[occasion] = MailText(row.required("主题"), row.required("正文"))
        return mails

    def _cross_checks(
        self, info: CampaignInfo, kinds: Mapping[str, str], rubrics: Mapping[str, Rubric]
    ) -> None:
        for kind, rubric in rubrics.items():
            if rubric.full_marks != info.full_marks:
                total, wanted = as_text(rubric.full_marks), as_text(info.full_marks)
                self.mistake("P117", kinds[kind], "", f"分值合计为 {total}，应为 {wanted}")


T = TypeVar("T")


def _relation(symbol: str) -> Relation:
    return Relation(_ASCII_RELATIONS.get(symbol, symbol))


def _comparable(left: ValueKind, right: ValueKind | None) -> bool:
    if right is None:
        return False
    return (left in NUMERIC and right in NUMERIC) or left is right


def read_plan(file: str, sheets: Mapping[str, Rows]) -> Plan:
    """The plan that a workbook's sheets declare (sheet name → rows from A1).

    Raises PlanRefused that lists every mistake with sheet and cell; ``file`` names the workbook.
    """
    return PlanReader(file, sheets).read()


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
