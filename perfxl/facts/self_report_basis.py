"""Where every figure of the self-assessment report comes from: register rows, data items, scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from perfxl.facts.self_report import ReportScore, SelfReport, leaves, selected, self_report_facts
from perfxl.plan.drawn import Drawn, RegisterPart
from perfxl.plan.model import Plan
from perfxl.plan.wording import DocumentKind, FieldKind, TextRow, kinds_of
from perfxl.points import as_text
from perfxl.tables import DOCUMENT_BASIS, frame_of
from perfxl.wording import Facts, shown

_KIND = DocumentKind.SELF_ASSESSMENT
_SUM_OF_SCORES, _LIST_OF_SCORES = "各末级指标之和", "各末级指标的得分"
_WHOLE = {
    "满分": "指标体系",
    "一级指标数": "指标体系",
    "末级指标数": "指标体系",
    "总分": _SUM_OF_SCORES,
    "失分": _SUM_OF_SCORES,
    "扣分项数": _LIST_OF_SCORES,
    "计算项数": _LIST_OF_SCORES,
    "自评项数": _LIST_OF_SCORES,
    "未自评项数": _LIST_OF_SCORES,
    "不适用项数": _LIST_OF_SCORES,
    "空白登记表数": "年度台账各登记表",
    "空白登记表": "年度台账各登记表",
}


def self_report_basis(plan: Plan, report: SelfReport) -> pd.DataFrame:
    """Every figure as the report writes it (``tables.DOCUMENT_BASIS``). Raises NoCalendar.

    What is nothing (no rows, 0) is not among them: the report does not say it.
    """
    rows = plan.wording.get(_KIND, ())
    facts = self_report_facts(plan, report)
    found = [*_of_whole(rows, facts), *_of_scores(report), *_of_registers(plan, report, facts)]
    return frame_of([{"document": str(_KIND), **row} for row in found], DOCUMENT_BASIS)


def _line(subject: str, field: str, text: str, source: str) -> dict[str, object]:
    return {"subject": subject, "field": field, "text": text, "source": source}


def _of_whole(rows: Sequence[TextRow], facts: Facts) -> Iterator[dict[str, object]]:
    kinds = kinds_of(_KIND, rows)[""]
    for field, source in _WHOLE.items():
        text = shown(kinds[field], facts.whole[field])
        if text:
            yield _line("", field, text, source)


def _of_scores(report: SelfReport) -> Iterator[dict[str, object]]:
    by_code = {one.code: one for one in report.scores}
    for row in report.rubric.rows:
        below = [by_code[code] for code in leaves(report.rubric, row.code)]
        if all(one.score is None for one in below):
            continue
        score = sum(one.score or 0 for one in below)
        if row.indicator is not None:
            source = _source(below[0])
        else:
            parts = [f"{one.code}得{as_text(one.score or 0)}分" for one in below]
            source = f"下级之和：{'，'.join(parts)}"
        yield _line(f"{row.code} {row.name}", "得分", as_text(score), source)


def _source(one: ReportScore) -> str:
    """Where one indicator's score comes from."""
    if one.is_computed:
        return f"{one.source}：{one.arithmetic}"
    return "自评表“自评得分”" if one.is_claimed else one.source


def _of_registers(plan: Plan, report: SelfReport, facts: Facts) -> Iterator[dict[str, object]]:
    rows = plan.wording.get(_KIND, ())
    seen = set()
    for row in rows:
        for name, one in row.drawn.items():
            text = shown(one.kind, facts.whole[name])
            if text and (row.indicator, name) not in seen:
                seen.add((row.indicator, name))
                yield _line(row.indicator, name, text, _drawn_from(plan, report, one))
        if row.each is not None and (row.indicator, row.scope) not in seen:
            seen.add((row.indicator, row.scope))
            many = shown(FieldKind.COUNT, len(facts.scopes[row.scope]))
            if many:
                where = _rows_of(plan, report, row.each[0])
                yield _line(row.indicator, row.scope, f"{many}条，逐条写出", where)


def _drawn_from(plan: Plan, report: SelfReport, one: Drawn) -> str:
    return f"数据项“{one.column}”" if one.part is None else _rows_of(plan, report, one.part)


def _rows_of(plan: Plan, report: SelfReport, part: RegisterPart) -> str:
    """``制度文件第8、9行``: the rows of the year workbook that were meant."""
    register = next(one for one in plan.registers if one.name == part.register)
    rows = selected(part, register, report.registers[part.register])
    return f"{part.register}第{'、'.join(str(row) for row in rows['row'])}行"
