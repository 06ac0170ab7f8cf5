"""Reads a review book (股室评分表) back: the scores that hold, and findings on the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.plan import forms
from perfxl.plan.model import Indicator, Plan, Unit
from perfxl.points import as_text
from perfxl.tables import FINDINGS, REVIEWS, frame
from perfxl.values import number_of, squeeze, text_of

ERROR, VERIFY = "错误", "核实"

# Codes of findings on review books; like the codes of checks, never reused.
REVIEW_FINDINGS: Mapping[str, tuple[str, str]] = {
    "R101": (ERROR, "找不到评分表的表头"),
    "R102": (ERROR, "单位或指标不在考核方案中"),
    "R103": (ERROR, "该指标不由本股室评定"),
    "R104": (ERROR, "核定得分不是数"),
    "R105": (ERROR, "核定得分不在 0 与分值之间"),
    "R106": (ERROR, "核定得分不是打分步长的整数倍"),
    "R107": (ERROR, "扣分没有写原因"),
    "R108": (ERROR, "同一单位同一指标评了两次"),
    "R109": (VERIFY, "表中自评得分与报送的不同"),
    "R110": (VERIFY, "核定得分高于计算得分而没有写原因"),
}


@dataclass(frozen=True)
class ReviewRead:
    """``reviews`` (``tables.REVIEWS``): scores without error; ``findings`` on the others."""

    reviews: pd.DataFrame
    findings: pd.DataFrame


class _Reader:
    def __init__(self, plan: Plan, section: str, receipt: str, file: str) -> None:
        self.plan, self.section, self.receipt, self.file = plan, section, receipt, file
        self.reviews: dict[str, list[object]] = {name: [] for name in REVIEWS}
        self.findings: dict[str, list[object]] = {name: [] for name in FINDINGS}

    def find(
        self, code: str, sheet: str, cell: str, unit: str, indicator: str, detail: str, remedy: str
    ) -> None:
        severity, what = REVIEW_FINDINGS[code]
        row = (
            code,
            severity,
            self.receipt,
            unit,
            self.file,
            sheet,
            cell,
            indicator,
            f"{what}：{detail}" if detail else what,
            remedy,
        )
        for column, value in zip(self.findings.values(), row, strict=True):
            column.append(value)


def read_review_book(
    plan: Plan,
    section: str,
    sheets: Mapping[str, Rows],
    *,
    receipt: str,
    file: str,
    shown: Mapping[tuple[str, str], tuple[int | None, int | None]],
) -> ReviewRead:
    """The approved scores in one section's book.

    ``shown`` gives, per (unit, indicator), the self-score and the computed score in force. A blank
    approved score means "not judged yet" and leaves what was entered earlier alone.
    """
    reader = _Reader(plan, section, receipt, file)
    name, rows = next(
        ((name, rows) for name, rows in sheets.items() if squeeze(name) == forms.REVIEW),
        next(iter(sheets.items()), ("", [])),
    )
    located = find_table(rows, forms.REVIEW_TABLE)
    if located is None or not {"unit", "indicator", "approved"} <= set(located.columns):
        reader.find("R101", name, "", "", "", "", "请在 perfxl 生成的评分表上打分")
        return _result(reader)
    seen: set[tuple[str, str]] = set()
    for number in range(located.first_row, len(rows)):
        row = rows[number]
        values = {key: row[at] if at < len(row) else "" for key, at in located.columns.items()}
        cells = {key: cell_name(number, at) for key, at in located.columns.items()}
        if text_of(values["approved"]) == "":
            continue
        _read_row(reader, name, number + 1, values, cells, shown, seen)
    return _result(reader)


def _read_row(
    reader: _Reader,
    sheet: str,
    number: int,
    values: Mapping[str, object],
    cells: Mapping[str, str],
    shown: Mapping[tuple[str, str], tuple[int | None, int | None]],
    seen: set[tuple[str, str]],
) -> None:
    plan = reader.plan
    unit_code, code = text_of(values["unit"]), text_of(values["indicator"])
    unit = plan.unit_by_code.get(unit_code)
    indicator = plan.rubrics[unit.kind].by_code.get(code) if unit else None

    def find(finding: str, column: str, detail: str, remedy: str) -> None:
        cell = cells.get(column) or cells["approved"]
        reader.find(finding, sheet, cell, unit_code, code, detail, remedy)

    if unit is None or indicator is None:
        find("R102", "unit", f"{unit_code} {code}", "请勿改动单位编码和指标编码")
        return
    who = f"{unit.name} {indicator.code} {indicator.name}"
    if plan.judging_section(unit, indicator) != reader.section:
        find("R103", "indicator", who, f"应由{plan.judging_section(unit, indicator)}评定")
        return
    if (unit_code, code) in seen:
        find("R108", "unit", who, "请只保留一行")
        return
    seen.add((unit_code, code))
    typed = text_of(values["approved"])
    approved = number_of(values["approved"])
    reason = text_of(values.get("reason", ""))
    if approved is None:
        find("R104", "approved", f"{who}，现为“{typed}”", "请填数字")
        return
    self_score, computed = shown.get((unit_code, code), (None, None))
    if not _score_holds(plan, indicator, approved, reason, who, find):
        return
    displayed = number_of(values.get("self_score", ""))
    if displayed is not None and displayed != self_score:
        now = "未填" if self_score is None else as_text(self_score)
        find(
            "R109",
            "self_score",
            f"{who}，表中 {as_text(displayed)}，报送 {now}",
            "单位可能已重新报送，请重新生成评分表后核对",
        )
    if computed is not None and approved > computed and not reason:
        find(
            "R110",
            "approved",
            f"{who}，核定 {as_text(approved)}，计算 {as_text(computed)}",
            "请核对，或在扣分原因一栏说明",
        )
    record = (
        unit_code,
        code,
        reader.section,
        approved,
        reason,
        text_of(values.get("reviewer", "")),
        reader.receipt,
        sheet,
        number,
    )
    for column, value in zip(reader.reviews.values(), record, strict=True):
        column.append(value)


def _score_holds(
    plan: Plan,
    indicator: Indicator,
    approved: int,
    reason: str,
    who: str,
    find: Callable[[str, str, str, str], None],
) -> bool:
    marks = indicator.full_marks
    if not 0 <= approved <= marks:
        find(
            "R105",
            "approved",
            f"{who}，分值 {as_text(marks)}，核定 {as_text(approved)}",
            "请改为 0 至分值之间的得分",
        )
        return False
    if approved % plan.campaign.step and approved != marks:
        find(
            "R106",
            "approved",
            f"{who}，核定 {as_text(approved)}",
            f"请填 {as_text(plan.campaign.step)} 的整数倍",
        )
        return False
    if approved < marks and not reason:
        find(
            "R107",
            "reason",
            f"{who}，分值 {as_text(marks)}，核定 {as_text(approved)}",
            "请填写扣分原因",
        )
        return False
    return True


def _result(reader: _Reader) -> ReviewRead:
    return ReviewRead(frame(reader.reviews, REVIEWS), frame(reader.findings, FINDINGS))


def units_judged(plan: Plan, section: str, units: list[Unit]) -> list[tuple[Unit, Indicator]]:
    """What one section judges, in the order of the roster and the rubric."""
    return [
        (unit, indicator)
        for unit in units
        for indicator in plan.rubrics[unit.kind].indicators
        if plan.judging_section(unit, indicator) == section
    ]
