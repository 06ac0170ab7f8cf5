"""Reads a review book (股室评分表) back: the scores that hold, and findings on the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import pandas as pd

from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.plan import forms
from perfxl.plan.model import Indicator, Plan
from perfxl.points import as_text
from perfxl.reviews.lines import ReviewLine
from perfxl.reviews.merging import Key, Seen
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
    "R114": (Severity.NOTICE, "还有指标没有评定"),
    "R115": (Severity.VERIFY, "评分表缺少应评的行"),
    "R116": (Severity.VERIFY, "“复看”一栏看不懂"),
}
_MOST_NAMED = 3


@dataclass(frozen=True)
class ReviewRead:
    """``reviews`` (``tables.REVIEWS``): scores without error; ``findings`` on the others.

    ``looked_again`` are those which the section says it has looked at again.
    """

    reviews: pd.DataFrame
    findings: pd.DataFrame
    looked_again: Set[Key]


class _Reader:
    def __init__(
        self,
        plan: Plan,
        section: str,
        receipt: str,
        file: str,
        lines: Sequence[ReviewLine],
        newer: Mapping[Key, tuple[int, str, str]],
        reviewer: str,
    ) -> None:
        self.plan, self.section, self.receipt, self.file = plan, section, receipt, file
        self.lines = {(line.unit, line.indicator): line for line in lines}
        self.newer, self.reviewer = newer, reviewer
        self.seen: set[Key] = set()
        self.unscored: dict[Key, str] = {}
        self.looked_again: set[Key] = set()
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
    lines: Sequence[ReviewLine],
    newer: Mapping[Key, tuple[int, str, str]] | None = None,
    reviewer: str = "",
) -> ReviewRead:
    """The approved scores in one section's book.

    ``lines`` are what the section judges as it stands now; ``newer`` what a later edition of the
    book already brought (score, reason, reviewer): it stands against an older edition.
    ``reviewer`` is whose book it is, where the plan names several. A blank approved score means
    "not judged yet" and leaves what was entered earlier alone.
    """
    reader = _Reader(plan, section, receipt, file, lines, newer or {}, reviewer)
    name, rows = next(
        ((name, rows) for name, rows in sheets.items() if squeeze(name) == forms.REVIEW),
        next(iter(sheets.items()), ("", [])),
    )
    located = find_table(rows, forms.review_table(plan.campaign))
    if located is None or not {"unit", "indicator", "approved"} <= set(located.columns):
        reader.find("R101", name, "", "", "", "", "请在 perfxl 生成的评分表上打分")
        return _result(reader)
    for number in range(located.first_row, len(rows)):
        row = rows[number]
        values = {key: row[at] if at < len(row) else "" for key, at in located.columns.items()}
        cells = {key: cell_name(number, at) for key, at in located.columns.items()}
        if text_of(values["approved"]) == "":
            _read_unscored(reader, name, values, cells)
            continue
        _read_row(reader, name, number + 1, values, cells)
    _note_gaps(reader, name)
    return _result(reader)


def _read_unscored(
    reader: _Reader, sheet: str, values: Mapping[str, object], cells: Mapping[str, str]
) -> None:
    unit, indicator = text_of(values["unit"]), text_of(values["indicator"])
    line = reader.lines.get((unit, indicator))
    if line is not None and line.applies:
        reader.unscored[unit, indicator] = cells["approved"]
    reason = text_of(values.get("reason", ""))
    if reason and unit in reader.plan.unit_by_code:
        remedy = "请填写核定得分；不填则原因不会收取"
        reader.find("R111", sheet, cells["reason"], unit, indicator, reason, remedy)


def _note_gaps(reader: _Reader, sheet: str) -> None:
    """Say once per book what was not judged, and what is not in it."""
    if reader.unscored:
        cell = next(iter(reader.unscored.values()))
        detail = f"{len(reader.unscored)} 项，{_some(reader, list(reader.unscored))}"
        reader.find("R114", sheet, cell, "", "", detail, "评定后请再次收取；空白不影响已有得分")
    absent = [
        key
        for key, line in reader.lines.items()
        if key not in reader.seen and key not in reader.unscored and line.applies
    ]
    if absent:
        detail = f"{len(absent)} 行，{_some(reader, absent)}"
        remedy = "行被删除，或评分表生成后又收到了报送；请重新生成评分表"
        reader.find("R115", sheet, "", "", "", detail, remedy)


def _some(reader: _Reader, keys: Sequence[Key]) -> str:
    named = [
        f"{reader.lines[key].unit_name} {reader.lines[key].indicator}" for key in keys[:_MOST_NAMED]
    ]
    return "、".join(named) + (" 等" if len(keys) > _MOST_NAMED else "")


def _read_row(
    reader: _Reader,
    sheet: str,
    number: int,
    values: Mapping[str, object],
    cells: Mapping[str, str],
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
    key = (unit_code, code)
    if key in reader.seen:
        find("R108", "unit", who, "请只保留一行")
        return
    reader.seen.add(key)
    typed = text_of(values["approved"])
    approved = number_of(values["approved"])
    reason = text_of(values.get("reason", ""))
    if approved is None:
        find("R104", "approved", f"{who}，现为“{typed}”", "请填数字")
        return
    fault = score_fault(plan, indicator, approved, reason)
    if fault is not None:
        finding, detail, remedy = fault
        find(finding, "reason" if finding == "R107" else "approved", f"{who}，{detail}", remedy)
        return
    reviewer = reader.reviewer or text_of(values.get("reviewer", ""))
    later = reader.newer.get(key)
    if later is not None and later != (approved, reason, reviewer):
        detail = f"{who}，本表 {as_text(approved)}，后来收到的 {as_text(later[0])}"
        find("R112", "approved", detail, "请在最近一次生成的评分表上修改")
        return
    line = reader.lines.get(key)
    self_score = line.self_score if line else None
    computed = line.computed if line else None
    displayed = number_of(values.get("self_score", ""))
    if displayed is not None and displayed != self_score:
        now = "未填" if self_score is None else as_text(self_score)
        find(
            "R109",
            "self_score",
            f"{who}，表中 {as_text(displayed)}，报送 {now}",
            "单位可能已重新报送，请重新生成评分表后核对",
        )
    if line is not None and not line.applies:
        remedy = "给分后该指标计入适用分值；请核对，确不适用的请清空"
        find("R113", "approved", f"{who}，核定 {as_text(approved)}", remedy)
    if computed is not None and approved > computed and not reason:
        find(
            "R110",
            "approved",
            f"{who}，核定 {as_text(approved)}，计算 {as_text(computed)}",
            "请核对，或在扣分原因一栏说明",
        )
    again = text_of(values.get("looked_again", ""))
    if squeeze(again) == forms.LOOKED_AGAIN:
        reader.looked_again.add(key)
    elif again:
        find("R116", "looked_again", f"{who}，现为“{again}”", f"请选“{forms.LOOKED_AGAIN}”或留空")
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
        _seen(values),
    )
    for column, value in zip(reader.reviews.values(), record, strict=True):
        column.append(value)


def _seen(values: Mapping[str, object]) -> str:
    """What the book showed beside the score, for the ledger; blank where columns are missing."""
    if not {"self_score", "computed", "basis", "evidence"} <= set(values):
        return ""
    seen = Seen.of(
        number_of(values["self_score"]),
        number_of(values["computed"]),
        text_of(values["basis"]),
        text_of(values["evidence"]),
    )
    return str(seen)


def score_fault(
    plan: Plan, indicator: Indicator, approved: int, reason: str
) -> tuple[str, str, str] | None:
    """What is wrong with an approved score, as (code, detail, remedy); None where it holds.

    It lies between 0 and full marks, in whole steps, and a deduction has its reason.
    """
    marks = indicator.full_marks
    detail = f"分值 {as_text(marks)}，核定 {as_text(approved)}"
    if not 0 <= approved <= marks:
        return "R105", detail, "请改为 0 至分值之间的得分"
    if approved % plan.campaign.step and approved != marks:
        return "R106", detail, f"请填 {as_text(plan.campaign.step)} 的整数倍"
    if approved < marks and not reason:
        return "R107", detail, "请填写扣分原因"
    return None


def _result(reader: _Reader) -> ReviewRead:
    return ReviewRead(
        frame(reader.reviews, REVIEWS), frame(reader.findings, FINDINGS), reader.looked_again
    )
