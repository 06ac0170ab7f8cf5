"""Reads a check book (抽查核查表) back: the results that hold, and findings on the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perfxl.layout.declare import NUMERIC, SheetLayout, ValueKind
from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.plan import forms
from perfxl.plan.model import Plan
from perfxl.points import HUNDREDTHS
from perfxl.spot_checks.results import said_of
from perfxl.tables import CHECKED, FINDINGS, Severity, frame
from perfxl.values import date_of, number_of, precise_number_of, squeeze, text_of

# Codes of findings on check books; like the codes of checks, never reused.
SPOT_CHECK_FINDINGS: Mapping[str, tuple[Severity, str]] = {
    "S101": (Severity.ERROR, "找不到核查表的表头"),
    "S102": (Severity.ERROR, "核查表中有没有抽中的项目"),
    "S103": (Severity.ERROR, "抽查序号与单位、项目编码对不上"),
    "S104": (Severity.ERROR, "不是最近一次抽取的核查表，没有采用"),
    "S105": (Severity.ERROR, "核查结论看不懂"),
    "S106": (Severity.ERROR, "问题个数不是不小于 0 的整数"),
    "S107": (Severity.ERROR, "有问题而没有写问题说明"),
    "S108": (Severity.ERROR, "写了问题说明而没有问题个数"),
    "S109": (Severity.ERROR, "核查结论与问题个数不符"),
    "S110": (Severity.VERIFY, "表中单位填报的内容与抽取时不同"),
    "S111": (Severity.ERROR, "同一项目核查了两次"),
    "S112": (Severity.ERROR, "旧版核查表中的结果与后来收到的不同，没有采用"),
    "S113": (Severity.ERROR, "核查日期看不懂"),
    "S114": (Severity.NOTICE, "还有项目没有核查"),
    "S115": (Severity.VERIFY, "核查表缺少抽中的项目"),
    "S116": (Severity.ERROR, "没有填核查结论"),
    "S117": (Severity.VERIFY, "没有填核查人"),
}
_MOST_NAMED = 3
_MOST_PROBLEMS = 999
Result = tuple[str, int, str, str, str]


@dataclass(frozen=True)
class CheckRead:
    """``checked`` (``tables.CHECKED``): results without error; ``findings`` on the others."""

    checked: pd.DataFrame
    findings: pd.DataFrame


class _Reader:
    def __init__(
        self,
        plan: Plan,
        layout: SheetLayout,
        sample: pd.DataFrame,
        receipt: str,
        file: str,
        newer: Mapping[int, Result],
    ) -> None:
        assert layout.table is not None
        self.plan, self.table, self.receipt, self.file = plan, layout.table, receipt, file
        self.drawn = {int(row.number): row for row in sample.itertuples(index=False, name="Drawn")}
        self.newer = newer
        self.sheet = ""
        self.met: set[int] = set()
        self.unchecked: dict[int, str] = {}
        self.checked: dict[str, list[object]] = {name: [] for name in CHECKED}
        self.findings: dict[str, list[object]] = {name: [] for name in FINDINGS}

    def find(self, code: str, cell: str, unit: str, detail: str, remedy: str) -> None:
        severity, what = SPOT_CHECK_FINDINGS[code]
        message = f"{what}：{detail}" if detail else what
        row = (
            *(code, str(severity), self.receipt, unit, self.file, self.sheet, cell, ""),
            *(message, remedy, ""),
        )
        for column, value in zip(self.findings.values(), row, strict=True):
            column.append(value)

    def who(self, drawn: Any) -> str:
        """A drawn project in words."""
        unit = self.plan.unit_by_code.get(drawn.unit)
        return f"{unit.name if unit else drawn.unit} {drawn.name or drawn.project}"

    def some(self, numbers: Sequence[int]) -> str:
        named = "、".join(self.who(self.drawn[number]) for number in numbers[:_MOST_NAMED])
        return f"{len(numbers)} 个，{named}" + (" 等" if len(numbers) > _MOST_NAMED else "")

    def result(self) -> CheckRead:
        return CheckRead(frame(self.checked, CHECKED), frame(self.findings, FINDINGS))


def read_check_book(
    plan: Plan,
    layout: SheetLayout,
    sample: pd.DataFrame,
    sheets: Mapping[str, Rows],
    *,
    receipt: str,
    file: str,
    newer: Mapping[int, Result] | None = None,
    draws: tuple[int, int] = (0, 0),
) -> CheckRead:
    """The results in one check book of the sample (``tables.SAMPLE``).

    ``newer`` is what later editions brought by number of the project: it stands. ``draws`` are the
    draw that the book was made for and the one in force. A row without conclusion, count and
    description is "not checked yet" and leaves what was entered earlier alone.
    """
    reader = _Reader(plan, layout, sample, receipt, file, newer or {})
    reader.sheet, rows = next(
        ((name, rows) for name, rows in sheets.items() if squeeze(name) == forms.CHECK_BOOK),
        next(iter(sheets.items()), ("", [])),
    )
    made_for, current = draws
    if made_for != current:
        detail = f"本表属于第 {made_for} 次抽取，现行的是第 {current} 次"
        reader.find("S104", "", "", detail, "请在最近一次生成的核查表上填写")
        return reader.result()
    located = find_table(rows, reader.table)
    needed = {"number", "unit", "project", "conclusion", "problems"}
    if located is None or not needed <= set(located.columns):
        reader.find("S101", "", "", "", "请在 perfxl 生成的核查表上填写")
        return reader.result()
    for at in range(located.first_row, len(rows)):
        row = rows[at]
        values = {key: row[c] if c < len(row) else "" for key, c in located.columns.items()}
        cells = {key: cell_name(at, c) for key, c in located.columns.items()}
        _Row(reader, at + 1, values, cells).read()
    _note_gaps(reader)
    return reader.result()


def _note_gaps(reader: _Reader) -> None:
    """Say once per book what was not checked, and what is not in it."""
    if reader.unchecked:
        cell = next(iter(reader.unchecked.values()))
        detail = reader.some(list(reader.unchecked))
        reader.find("S114", cell, "", detail, "核查后请再次收取；空白不影响已有结果")
    absent = [number for number in reader.drawn if number not in reader.met]
    if absent:
        reader.find("S115", "", "", reader.some(absent), "行被删除；请重新生成核查表")


class _Row:
    """One row of the book."""

    def __init__(
        self, reader: _Reader, number: int, values: Mapping[str, object], cells: Mapping[str, str]
    ) -> None:
        self._reader, self._number = reader, number
        self._values, self._cells = values, cells
        self.texts = {
            key: text_of(values.get(key, ""))
            for key in ("unit", "project", "conclusion", "problems", "description", "checker")
        }

    def find(self, code: str, column: str, detail: str, remedy: str) -> None:
        cell = self._cells.get(column) or self._cells["conclusion"]
        self._reader.find(code, cell, self.texts["unit"], detail, remedy)

    @property
    def _is_blank(self) -> bool:
        return not any(self.texts[key] for key in ("conclusion", "problems", "description"))

    def read(self) -> None:
        """Take the row's result, or say why not."""
        drawn = self._drawn()
        if drawn is None:
            return
        reader, number = self._reader, int(drawn.number)
        if number in reader.met:
            if not self._is_blank:
                self.find("S111", "number", reader.who(drawn), "请只保留一行")
            return
        reader.met.add(number)
        if self._is_blank:
            reader.unchecked[number] = self._cells["conclusion"]
            return
        result = self._result(reader.who(drawn))
        if result is None:
            return
        later = reader.newer.get(number)
        if later is not None and later != result:
            detail = f"{reader.who(drawn)}，本表 {result[1]} 个问题，后来收到的 {later[1]} 个"
            self.find("S112", "problems", detail, "请在最近一次生成的核查表上修改")
            return
        self._compare(drawn)
        if not result[3]:
            self.find("S117", "checker", reader.who(drawn), "请补填核查人，以便复核")
        record = (
            *(number, drawn.unit, drawn.project, drawn.name),
            *result,
            *(reader.receipt, reader.sheet, self._number),
        )
        for column, value in zip(reader.checked.values(), record, strict=True):
            column.append(value)

    def _drawn(self) -> Any:
        """The drawn project that the row is of; None where it is none, said if anything is in it."""
        unit, project = self.texts["unit"], self.texts["project"]
        number = precise_number_of(self._values["number"])
        if number is None and not unit and not project:
            # Signature lines and remarks below the table.
            return None
        drawn = None
        if number is not None and not number % HUNDREDTHS:
            drawn = self._reader.drawn.get(number // HUNDREDTHS)
        if drawn is not None and _same_project(drawn, unit, project):
            return drawn
        ours = any(_same_project(one, unit, project) for one in self._reader.drawn.values())
        shown = " ".join(filter(None, (text_of(self._values["number"]), unit, project)))
        code = "S103" if drawn is not None or ours else "S102"
        remedy = "请勿改动或增加行；请在 perfxl 生成的核查表上填写"
        self.find(code, "number", shown, remedy)
        return None

    def _result(self, who: str) -> Result | None:
        """Conclusion, count, description, checker and date; None where one is wrong."""
        fault = next(self._faults(who), None)
        if fault is not None:
            self.find(*fault)
            return None
        day = date_of(self._values.get("checked_on", ""))
        return (
            squeeze(self.texts["conclusion"]),
            self._count() or 0,
            self.texts["description"],
            self.texts["checker"],
            day.isoformat() if day else "",
        )

    def _count(self) -> int | None:
        """The number of problems, none where nothing is typed; None where it is no count."""
        number = precise_number_of(self._values["problems"]) if self.texts["problems"] else 0
        if number is None or number % HUNDREDTHS or not 0 <= number <= _MOST_PROBLEMS * HUNDREDTHS:
            return None
        return number // HUNDREDTHS

    def _faults(self, who: str) -> Iterator[tuple[str, str, str, str]]:
        """What is wrong with the row, the first thing first, as ``find`` takes it."""
        conclusion, description = squeeze(self.texts["conclusion"]), self.texts["description"]
        count, day = self._count(), self._values.get("checked_on", "")
        choose = f"请选“{forms.TRUE_AS_REPORTED}”或“{forms.FAULTY}”"
        if not conclusion:
            yield "S116", "conclusion", who, choose
        elif conclusion not in (forms.TRUE_AS_REPORTED, forms.FAULTY):
            yield "S105", "conclusion", f"{who}，现为“{self.texts['conclusion']}”", choose
        if count is None:
            yield "S106", "problems", f"{who}，现为“{self.texts['problems']}”", "请填问题的个数"
        if description and not count:
            yield "S108", "problems", who, "请填问题个数；没有问题的请清空问题说明"
        if bool(count) != (conclusion == forms.FAULTY):
            detail = f"{who}，结论为“{conclusion}”，问题 {count} 个"
            yield "S109", "conclusion", detail, "请核对结论和个数"
        if count and not description:
            yield "S107", "description", who, "请写明每个问题"
        if date_of(day) is None and text_of(day):
            yield "S113", "checked_on", f"{who}，现为“{text_of(day)}”", "写法如 2024-02-20"

    def _compare(self, drawn: Any) -> None:
        """Say which of the columns that the office gave were changed."""
        said: dict[str, object] = {"name": drawn.name}
        said |= {forms.said_key(label): value for label, value in said_of(drawn.said).items()}
        for column in self._reader.table.columns:
            if column.key not in said or column.key not in self._values:
                continue
            value, wanted = self._values[column.key], said[column.key]
            if column.kind in NUMERIC and column.kind is not ValueKind.PERCENT:
                same = number_of(value, column.unit) == wanted
            else:
                same = squeeze(text_of(value)) == squeeze(shown_said(column.kind, wanted))
            if not same:
                detail = f"{self._reader.who(drawn)}，{column.label}现为“{text_of(value)}”"
                self.find("S110", column.key, detail, "请勿改动单位填报的内容；问题写在问题说明中")


def shown_said(kind: ValueKind, value: object) -> str:
    """The text of a reported value that the book does not hold as a number."""
    if kind is ValueKind.PERCENT and isinstance(value, int):
        whole, rest = divmod(value, HUNDREDTHS)
        return f"{whole}.{rest:02d}%"
    return "" if value is None else str(value)


def _same_project(drawn: Any, unit: str, project: str) -> bool:
    return squeeze(drawn.unit) == squeeze(unit) and squeeze(drawn.project) == squeeze(project)
