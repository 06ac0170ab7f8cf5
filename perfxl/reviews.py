"""Reads a review book (股室评分表) back: the scores that hold, and findings on the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.plan import forms
from perfxl.plan.model import Indicator, Plan
from perfxl.points import as_text
from perfxl.tables import FINDINGS, REVIEWS, Severity, frame
from perfxl.values import number_of, squeeze, text_of

# Codes of findings on review books; like the codes of checks, never reused.
REVIEW_FINDINGS: Mapping[str, tuple[Severity, str]] = {
    "R101": (Severity.ERROR, "找不到评分表的表头"),
    "R102": (Severity.ERROR, "单位或指标不在考核方案中"),
    "R103": (Severity.ERROR, "该指标不由本股室评定"),
    "R104": (Severity.ERROR, "核定得分不是数"),
    "R105": (Severity.ERROR, "核定得分不在 0 与分值之间"),
    "R106": (Severity.ERROR, "核定得分不是打分步长的整数倍"),
    "R107": (Severity.ERROR, "扣分没有写原因"),
    "R108": (Severity.ERROR, "同一单位同一指标评了两次"),
    "R109": (Severity.VERIFY, "表中自评得分与报送的不同"),
    "R110": (Severity.VERIFY, "核定得分高于计算得分而没有写原因"),
    "R111": (Severity.VERIFY, "写了扣分原因而没有核定得分"),
    "R112": (Severity.ERROR, "旧版评分表中的得分与后来收到的不同，没有采用"),
    "R113": (Severity.VERIFY, "指标不适用而给了核定得分"),
}


# Per (unit, indicator): the self-score, the computed score, and whether the indicator applies.
Shown = Mapping[tuple[str, str], tuple[int | None, int | None, bool]]


@dataclass(frozen=True)
class ReviewRead:
    """``reviews`` (``tables.REVIEWS``): scores without error; ``findings`` on the others."""

    reviews: pd.DataFrame
    findings: pd.DataFrame


class _Reader:
    def __init__(
        self,
        plan: Plan,
        section: str,
        receipt: str,
        file: str,
        newer: Mapping[tuple[str, str], tuple[int, str, str]],
    ) -> None:
        self.plan, self.section, self.receipt, self.file = plan, section, receipt, file
        self.newer = newer
        self.reviews: dict[str, list[object]] = {name: [] for name in REVIEWS}
        self.findings: dict[str, list[object]] = {name: [] for name in FINDINGS}

    def find(
        self, code: str, sheet: str, cell: str, unit: str, indicator: str, detail: str, remedy: str
    ) -> None:
        severity, what = REVIEW_FINDINGS[code]
        row = (
            code,
            str(severity),
            self.receipt,
            unit,
            self.file,
            sheet,
            cell,
            indicator,
            f"{what}：{detail}" if detail else what,
            remedy,
            "",
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
    shown: Shown,
    newer: Mapping[tuple[str, str], tuple[int, str, str]] | None = None,
) -> ReviewRead:
    """The approved scores in one section's book.

    ``shown`` gives what stands beside each score in the book;
    ``newer`` what a later edition of the book already brought (score, reason, reviewer): it stands
    against an older edition. A blank approved score means "not judged yet" and leaves what was
    entered earlier alone.
    """
    reader = _Reader(plan, section, receipt, file, newer or {})
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
            _note_reason_alone(reader, name, values, cells)
            continue
        _read_row(reader, name, number + 1, values, cells, shown, seen)
    return _result(reader)


def _note_reason_alone(
    reader: _Reader, sheet: str, values: Mapping[str, object], cells: Mapping[str, str]
) -> None:
    unit, indicator = text_of(values["unit"]), text_of(values["indicator"])
    reason = text_of(values.get("reason", ""))
    if reason and unit in reader.plan.unit_by_code:
        remedy = "请填写核定得分；不填则原因不会收取"
        reader.find("R111", sheet, cells["reason"], unit, indicator, reason, remedy)


def _read_row(
    reader: _Reader,
    sheet: str,
    number: int,
    values: Mapping[str, object],
    cells: Mapping[str, str],
    shown: Shown,
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
    if not _score_holds(plan, indicator, approved, reason, who, find):
        return
    reviewer = text_of(values.get("reviewer", ""))
    later = reader.newer.get((unit_code, code))
    if later is not None and later != (approved, reason, reviewer):
        detail = f"{who}，本表 {as_text(approved)}，后来收到的 {as_text(later[0])}"
        find("R112", "approved", detail, "请在最近一次生成的评分表上修改")
        return
    self_score, computed, applies = shown.get((unit_code, code), (None, None, True))
    displayed = number_of(values.get("self_score", ""))
    if displayed is not None and displayed != self_score:
        now = "未填" if self_score is None else as_text(self_score)
        find(
            "R109",
            "self_score",
            f"{who}，表中 {as_text(displayed)}，报送 {now}",
            "单位可能已重新报送，请重新生成评分表后核对",
        )
    if not applies:
        remedy = "给分后该指标计入适用分值；请核对，确不适用的请清空"
        find("R113", "approved", f"{who}，核定 {as_text(approved)}", remedy)
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
        reviewer,
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
