"""Which sheets of the plan are rubrics (指标体系), and of which kind of unit each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perfxl.plan.names import LONGEST_NAME, find_name, kind_name, kind_of_sheet, name_fault
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.workbook import RUBRIC_PREFIX, rubric_sheet_name
from perfxl.values import squeeze


@dataclass(frozen=True)
class RubricSheets:
    """The rubric sheet of each kind; ``complete`` unless one is missing or badly named."""

    by_kind: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True

    def kind(self, label: str, row: Row, text: str) -> str | None:
        """The kind that a row names in its cell under ``label``, as its sheet spells it.

        None where there is no such kind, which is reported unless a badly named sheet may be it.
        """
        name = kind_name(text)
        kind = find_name(name, self.by_kind)
        if kind is None and name:
            fault = name_fault(name)
            if fault:
                row.mistake("P108", label, f"{label}“{name}”{fault}", "请重新填写")
            elif self.complete:
                what = f"单位类别“{name}”没有对应的指标体系表"
                row.mistake("P111", label, what, f"现有：{'、'.join(self.by_kind)}")
        return kind


def find_rubrics(book: PlanBook) -> RubricSheets:
    """The rubric sheets of a plan; mistakes go to the book."""
    found: dict[str, str] = {}
    complete = True
    for sheet in book.sheets:
        if not squeeze(sheet).startswith(RUBRIC_PREFIX):
            continue
        kind = kind_of_sheet(sheet, RUBRIC_PREFIX)
        fault = name_fault(kind, LONGEST_NAME) if kind else "没有写明"
        if fault:
            what = f"表名中的单位类别“{kind}”{fault}" if kind else "表名没有写明单位类别"
            remedy = f"表名应为“指标体系（单位类别）”，类别不超过 {LONGEST_NAME} 字"
            book.mistake("P108", sheet, "", what, remedy)
            complete = False
        elif find_name(kind, found):
            what = f"单位类别“{kind}”有两张指标体系表"
            book.mistake("P110", sheet, "", what, "请只留一张，或改用不同的类别名称")
        else:
            found[kind] = sheet
    if not found and complete:
        book.mistake("P101", rubric_sheet_name("部门"), "", "缺少指标体系表")
        complete = False
    return RubricSheets(found, complete)
