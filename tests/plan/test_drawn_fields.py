"""Fields and scopes of the sheet 文稿 that draw on registers: every mistake at its own cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfxl.errors import PlanRefused
from perfxl.layout.locate import cell_name
from perfxl.plan.drawn import Drawn, RegisterPart, Taken
from perfxl.plan.markdown import from_markdown
from perfxl.plan.model import Condition, Plan, Relation
from perfxl.plan.reading import read_plan
from perfxl.plan.wording import DocumentKind, FieldKind, TextRow

SOURCE = Path(__file__).parents[2] / "workbook_templates" / "县级考核方案.md"
SHEET = "文稿"
LABELS = ("文书", "部分", "指标", "范围", "条件", "文字")


def plan_with(**cells: str) -> Plan:
    """The county's plan with one more row of the report's texts."""
    tables = from_markdown(SOURCE.read_text(encoding="utf-8"))
    row = {"文书": "自评报告", "部分": "正文", "文字": "文字。", **cells}
    tables[SHEET].append({label: row.get(label, "") for label in LABELS})
    sheets = {
        name: [list(rows[0]), *(list(one.values()) for one in rows)]
        for name, rows in tables.items()
    }
    return read_plan("考核方案.xlsx", sheets)


def last_row(**cells: str) -> TextRow:
    return plan_with(**cells).wording[DocumentKind.SELF_ASSESSMENT][-1]


def drawn(field: str) -> Drawn:
    return last_row(文字="有{" + field + "}。").drawn[field]


NEW = Condition("文件种类", Relation.EQUAL, "新出台办法")


@pytest.mark.parametrize(
    ("field", "taken"),
    [
        (
            "制度文件.个数",
            Drawn(RegisterPart("制度文件"), Taken.COUNT, "", FieldKind.COUNT),
        ),
        (
            "制度文件[文件种类=新出台办法].《文件名称》",
            Drawn(
                RegisterPart("制度文件", (NEW,)),
                Taken.DOCUMENTS,
                "文件名称",
                FieldKind.NAMES,
                "文号",
            ),
        ),
        (
            # As a Chinese keyboard types it.
            "制度文件［文件种类＝新出台办法］。个数",
            Drawn(RegisterPart("制度文件", (NEW,)), Taken.COUNT, "", FieldKind.COUNT),
        ),
        (
            "重点绩效评价.评价金额合计",
            Drawn(RegisterPart("重点绩效评价"), Taken.SUM, "评价金额", FieldKind.AMOUNT),
        ),
        (
            "自评抽查.抽查项目数合计",
            Drawn(RegisterPart("自评抽查"), Taken.SUM, "抽查项目数", FieldKind.QUANTITY),
        ),
        (
            "信息公开.公开渠道种数",
            Drawn(RegisterPart("信息公开"), Taken.DISTINCT, "公开渠道", FieldKind.COUNT),
        ),
        (
            "信息公开.公开渠道",
            Drawn(RegisterPart("信息公开"), Taken.VALUES, "公开渠道", FieldKind.NAMES),
        ),
        (
            "重点绩效评价.名单",
            Drawn(RegisterPart("重点绩效评价"), Taken.NAMES, "项目名称", FieldKind.NAMES),
        ),
        # Its only document number is that of another document.
        (
            "重点绩效评价.《评价报告》",
            Drawn(RegisterPart("重点绩效评价"), Taken.DOCUMENTS, "评价报告", FieldKind.NAMES),
        ),
        (
            "数据项.一级预算部门数",
            Drawn(None, Taken.VALUES, "一级预算部门数", FieldKind.QUANTITY),
        ),
    ],
)
def test_fields_as_they_are_typed(field: str, taken: Drawn) -> None:
    assert drawn(field) == taken


def test_conditions_and_scopes_hold_filters_of_their_own() -> None:
    row = last_row(
        指标="9",
        范围="每条月度报送[报送日期>[应报日期]；报送事项=工作进展]",
        条件="月度报送[报送事项=工作进展；月份=1月].个数≥2；级次=1；报送内容≠",
        文字="{月份}的{报送事项}于{报送日期}报送。",
    )
    assert row.each is not None
    assert [str(one) for one in row.each[0].conditions] == [
        "报送日期>[应报日期]",
        "报送事项=工作进展",
    ]
    assert [(one.field, one.relation, one.number) for one in row.tests] == [
        ("月度报送[报送事项=工作进展;月份=1月].个数", Relation.AT_LEAST, 200),
        ("级次", Relation.EQUAL, 100),
        ("报送内容", Relation.NOT_EQUAL, None),
    ]
    assert row.indicator == "9" and not row.tests[2].text


@pytest.mark.parametrize(
    ("label", "cells", "code"),
    [
        ("文字", {"文字": "有{规章.个数}个。"}, "P140"),
        ("文字", {"文字": "有{制度文件.件数}个。"}, "P141"),
        ("文字", {"文字": "有{制度文件.《题名》}。"}, "P141"),
        ("文字", {"文字": "有{制度文件.文号合计}。"}, "P141"),
        ("文字", {"文字": "有{数据项.没有的}个。"}, "P141"),
        ("文字", {"文字": "有{制度文件[种类=通知].个数}个。"}, "P115"),
        ("文字", {"文字": "有{制度文件[文件种类=通知书].个数}个。"}, "P116"),
        ("文字", {"文字": "有{制度文件[文件种类].个数}个。"}, "P116"),
        ("文字", {"文字": "有{文件种类}。"}, "P125"),
        ("条件", {"条件": "规章.个数>0"}, "P140"),
        ("条件", {"条件": "制度文件.个数>很多"}, "P126"),
        ("条件", {"条件": "制度文件[文件种类=通知].个数"}, "P126"),
        ("指标", {"指标": "99", "文字": "{自评依据}"}, "P142"),
        ("指标", {"指标": "1.1", "文书": "通报"}, "P142"),
        ("指标", {"指标": "1.1", "部分": "抄送"}, "P142"),
        ("范围", {"指标": "1.1", "范围": "每个末级指标"}, "P143"),
        ("范围", {"范围": "每条规章"}, "P124"),
        ("范围", {"范围": "每条制度文件[种类=通知]"}, "P115"),
        ("范围", {"范围": "每条制度文件", "文书": "通报"}, "P124"),
        ("文字", {"文字": "有{制度文件.个数}个。", "文书": "通报"}, "P125"),
    ],
)
def test_a_broken_row_is_refused_at_its_cell(label: str, cells: dict[str, str], code: str) -> None:
    with pytest.raises(PlanRefused) as refused:
        plan_with(**cells)
    at = len(from_markdown(SOURCE.read_text(encoding="utf-8"))[SHEET]) + 1
    cell = cell_name(at, LABELS.index(label))
    found = [(one.code, one.place.sheet, one.place.cell) for one in refused.value.mistakes]
    assert (code, SHEET, cell) in found
    # Besides, another document that has only this row lacks its title.
    assert {one for one in found if one[2] != cell} <= {("P124", SHEET, cell_name(at, 0))}
