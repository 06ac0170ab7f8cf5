"""Reads a rectification book (整改台账) back: the reports that hold, and findings on the others."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from perfxl.layout.locate import Rows, cell_name
from perfxl.ledger import Problem
from perfxl.plan.forms import Progress
from perfxl.rectifications.problems import in_force
from perfxl.rectifications.recognition import locate_book
from perfxl.tables import FINDINGS, PROBLEM_REPORTS, Severity, frame, frame_of
from perfxl.values import date_of, squeeze, text_of

# Codes of findings on rectification books; like the codes of checks, never reused.
RECTIFICATION_FINDINGS: Mapping[str, tuple[Severity, str]] = {
    "Z101": (Severity.ERROR, "找不到整改台账的表头"),
    "Z102": (Severity.ERROR, "没有这个问题编号"),
    "Z103": (Severity.ERROR, "同一个问题填了两行"),
    "Z104": (Severity.ERROR, "完成情况看不懂"),
    "Z105": (Severity.ERROR, "没有填完成情况"),
    "Z106": (Severity.ERROR, "已完成的问题没有填写整改措施"),
    "Z107": (Severity.ERROR, "已完成的问题没有填写责任人"),
    "Z108": (Severity.ERROR, "已完成的问题没有填写完成日期"),
    "Z109": (Severity.ERROR, "完成日期看不懂"),
    "Z110": (Severity.ERROR, "完成日期晚于收到的日期"),
    "Z111": (Severity.VERIFY, "已完成的问题没有登记佐证材料"),
    "Z112": (Severity.NOTICE, "还有问题没有填写"),
    "Z113": (Severity.VERIFY, "填了完成日期，完成情况却不是已完成"),
    "Z114": (Severity.VERIFY, "台账缺少部分问题的行"),
    "Z115": (Severity.VERIFY, "问题描述被改动过"),
    "Z116": (Severity.ERROR, "旧版台账中的内容与后来收到的不同，没有采用"),
    "Z117": (Severity.NOTICE, "这个问题已经撤销"),
}
_TYPED = ("measure", "person", "progress", "done_on", "evidence", "note")
_NUMBER = re.compile(r"-\d+$")
Said = tuple[str, ...]


def said_in(report: Mapping[str, object]) -> Said:
    """What the unit typed, of a row of ``tables.PROBLEM_REPORTS`` or a ``ProblemReport``'s vars."""
    return tuple(str(report[key]) for key in _TYPED)


@dataclass(frozen=True)
class RectificationRead:
    """``reports`` (``tables.PROBLEM_REPORTS``) without error; ``findings`` on the others."""

    reports: pd.DataFrame
    findings: pd.DataFrame


def read_rectification_book(
    recorded: Sequence[Problem],
    unit: str,
    sheets: Mapping[str, Rows],
    *,
    receipt: str,
    file: str,
    received_on: dt.date,
    newer: Mapping[str, Said] | None = None,
) -> RectificationRead:
    """The reports of one unit on its problems, out of the sheets of its book.

    ``recorded`` is every record of a problem of the unit: a book may have been made before one was
    worded anew or withdrawn.
    ``newer`` is what later editions of the book brought, by number: it stands. A row in which the
    unit filled in nothing is "not reported yet"; it leaves what was reported earlier alone.
    """
    reader = _Reader(recorded, unit, receipt, file, received_on, newer or {})
    found = locate_book(sheets)
    if found is None:
        reader.find("Z101", "", "", "请在 perfxl 生成的整改台账上填写")
        return reader.result()
    reader.sheet, rows, located = found
    for at in range(located.first_row, len(rows)):
        row = rows[at]
        values = {key: row[c] if c < len(row) else "" for key, c in located.columns.items()}
        reader.read(at + 1, values, {key: cell_name(at, c) for key, c in located.columns.items()})
    reader.note_gaps()
    return reader.result()


class _Reader:
    def __init__(
        self,
        recorded: Sequence[Problem],
        unit: str,
        receipt: str,
        file: str,
        received_on: dt.date,
        newer: Mapping[str, Said],
    ) -> None:
        self._newer = newer
        self._unit, self._receipt = unit, receipt
        self._problems = {number: one for (_, number), one in in_force(recorded).items()}
        self._by_key = {squeeze(number): number for number in self._problems}
        self._withdrawn = {squeeze(one.number) for one in recorded} - set(self._by_key)
        self._wordings: dict[str, set[str]] = {}
        for one in recorded:
            self._wordings.setdefault(one.number, set()).add(squeeze(one.description))
        self._file, self._received_on = file, received_on
        self.sheet = ""
        self._met: set[str] = set()
        self._blank: list[str] = []
        self._reports: list[dict[str, object]] = []
        self._findings: dict[str, list[object]] = {name: [] for name in FINDINGS}

    def result(self) -> RectificationRead:
        """What was read so far."""
        return RectificationRead(
            frame_of(self._reports, PROBLEM_REPORTS), frame(self._findings, FINDINGS)
        )

    def find(self, code: str, cell: str, detail: str, remedy: str) -> None:
        """Note a finding."""
        severity, what = RECTIFICATION_FINDINGS[code]
        message = f"{what}：{detail}" if detail else what
        row = (
            *(code, str(severity), self._receipt, self._unit, self._file, self.sheet, cell, ""),
            *(message, remedy, ""),
        )
        for column, value in zip(self._findings.values(), row, strict=True):
            column.append(value)

    def read(self, row: int, values: Mapping[str, object], cells: Mapping[str, str]) -> None:
        """Take a row's report, or say why not."""
        typed = {key: text_of(values.get(key, "")) for key in _TYPED}
        number, description = text_of(values["number"]), text_of(values["description"])
        known = self._by_key.get(squeeze(number))
        if known is None:
            self._unknown(number, description, typed, cells)
            return
        if known in self._met:
            if any(typed.values()):
                self.find("Z103", cells["number"], known, "请只保留一行")
            return
        self._met.add(known)
        if squeeze(description) not in self._wordings[known]:
            self.find("Z115", cells["description"], known, "请勿改动问题描述；意见写在备注中")
        if not any(typed.values()):
            self._blank.append(known)
            return
        progress, day = squeeze(typed["progress"]), date_of(values["done_on"])
        faults = list(self._faults(known, progress, typed, day))
        for code, key, remedy in faults:
            shown = f"{known}，现为“{typed[key]}”" if typed[key] else known
            self.find(code, cells.get(key) or cells["number"], shown, remedy)
        if any(RECTIFICATION_FINDINGS[code][0] is Severity.ERROR for code, _, _ in faults):
            return
        report: dict[str, object] = {**typed, "progress": progress}
        report |= {"unit": self._unit, "number": known, "receipt": self._receipt}
        report |= {"done_on": day.isoformat() if day else "", "sheet": self.sheet, "row": row}
        later = self._newer.get(known)
        if later is not None and later != said_in(report):
            remedy = "请在最近一次下发的整改台账上填写"
            self.find("Z116", cells["progress"], known, remedy)
            return
        self._reports.append(report)

    def _unknown(
        self, number: str, description: str, typed: Mapping[str, str], cells: Mapping[str, str]
    ) -> None:
        """A row of no problem in force; signature lines and remarks below the table are none."""
        if squeeze(number) in self._withdrawn:
            if any(typed.values()):
                self.find("Z117", cells["number"], number, "不用再整改，也不用再报告")
        elif any(typed.values()) and (description or _NUMBER.search(squeeze(number))):
            remedy = "请勿改动或增加行，在财政局下发的整改台账上填写"
            self.find("Z102", cells["number"], number or description, remedy)

    def _faults(
        self, number: str, progress: str, typed: Mapping[str, str], day: dt.date | None
    ) -> Iterator[tuple[str, str, str]]:
        """(code, column, remedy) of all that is wrong with a row."""
        choose = f"请选 {'、'.join(Progress)} 之一"
        if not progress:
            yield "Z105", "progress", choose
        elif progress not in tuple(Progress):
            yield "Z104", "progress", choose
        if typed["done_on"] and day is None:
            yield "Z109", "done_on", "写法如 2024-02-20"
        elif day is not None and day > self._received_on:
            yield "Z110", "done_on", "请核对日期；尚未完成的，完成情况选“整改中”"
        if progress == Progress.DONE:
            if not typed["measure"]:
                yield "Z106", "measure", "请写明采取了什么措施"
            if not typed["person"]:
                yield "Z107", "person", "请填写责任人姓名"
            if not typed["done_on"]:
                yield "Z108", "done_on", "请填写完成日期，例如 2024-02-20"
            if not typed["evidence"]:
                yield "Z111", "evidence", "请登记佐证材料，并随台账报送"
        elif day is not None and progress in tuple(Progress):
            yield "Z113", "done_on", "已完成的请选“已完成”，没有完成的请清空日期"

    def note_gaps(self) -> None:
        """Say once per book what was not filled in, and what is not in it."""
        if self._blank:
            remedy = "整改后填写并再次报送；空白不影响以前报告的内容"
            self.find("Z112", "", _some(self._blank), remedy)
        absent = [number for number in self._problems if number not in self._met]
        if absent:
            self.find("Z114", "", _some(absent), "行被删除；请在财政局下发的整改台账上填写")


def _some(numbers: list[str]) -> str:
    named = "、".join(numbers[:3])
    return f"{len(numbers)} 个，{named}" + (" 等" if len(numbers) > 3 else "")
