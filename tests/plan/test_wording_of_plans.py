"""The plan's sheets 文稿 and 结果应用: every mistake at its own cell, and what is missing."""

from __future__ import annotations

import pytest
from made_campaigns import campaign_of_samples
from plan_draft import Draft

from perfxl.errors import NotInPlan
from perfxl.plan.model import MeasureKind, Term, TermUnit
from perfxl.plan.wording import VOCABULARY, DocumentKind, Part
from perfxl.stages.circular import circular
from perfxl.stages.demo import DEMO_NOW

SHEET = "文稿"
OPENING = "根据{考核依据}等文件规定，我局组织开展了{考核名称}。现将有关情况通报如下："


def test_every_document_has_its_text(draft: Draft) -> None:
    wording = draft.plan().wording
    # The self-assessment report is the county's own: its plan has the texts.
    assert {*wording, DocumentKind.SELF_ASSESSMENT} == set(DocumentKind) == set(VOCABULARY)
    for rows in wording.values():
        assert {Part.TITLE, Part.PARAGRAPH} <= {row.part for row in rows}


@pytest.mark.parametrize(
    ("label", "value", "code"),
    [
        ("文书", "通告", "P106"),
        ("文书", "", "P104"),
        ("部分", "段落", "P106"),
        ("范围", "每个县", "P124"),
        ("条件", "逾期", "P126"),
        ("条件", "没有的内容>0", "P126"),
        ("条件", "未报送单位数>很多", "P126"),
        ("条件", "考核名称>3", "P126"),
        ("条件", "印发日期=2024-01-31", "P126"),
        ("文字", "", "P104"),
        ("文字", "有{单位总数个。", "P125"),
        ("文字", "有单位总数}个。", "P125"),
        ("文字", "有{单位总个数}个。", "P125"),
        ("文字", "有{平均分}分。", "P125"),  # a field of 每类单位 only
    ],
)
def test_a_broken_text_is_refused_at_its_cell(
    draft: Draft, label: str, value: str, code: str
) -> None:
    cell = draft.put(SHEET, OPENING, label, value)
    assert (code, SHEET, cell) in draft.found()


def test_parts_that_stand_where_they_cannot(draft: Draft) -> None:
    heading = draft.cell(SHEET, "考核结果", "部分")
    below = draft.book[SHEET].cell(heading.row + 1, heading.column)
    after_heading = draft.book[SHEET].cell(heading.row + 2, heading.column)
    below.value, after_heading.value = "二级标题", "接上"
    twice = draft.put(SHEET, OPENING, "部分", "标题")
    assert set(draft.found()) >= {
        ("P124", SHEET, twice),
        ("P124", SHEET, after_heading.coordinate),
    }


def test_a_document_without_a_title(draft: Draft) -> None:
    row = draft.cell(SHEET, "{考核名称}结果公告", "部分").row
    draft.book[SHEET].delete_rows(row)
    (mistake,) = draft.mistakes()
    assert (mistake.code, mistake.place.sheet) == ("P124", SHEET)
    assert "“公开稿”缺少“标题”" in mistake.what


def test_a_plan_without_texts_writes_no_documents(tmp_path) -> None:  # type: ignore[no-untyped-def]
    campaign = campaign_of_samples(tmp_path / "c", lambda sheets: sheets.pop(SHEET))
    with pytest.raises(NotInPlan) as refused:
        circular(campaign, DEMO_NOW)
    assert refused.value.place.sheet == SHEET
    assert "通报" in refused.value.what
    assert not (campaign.path("成果") / "通报.docx").exists()
    campaign.close()


@pytest.mark.parametrize(
    ("typed", "term"),
    [
        ("1个月", Term(1, TermUnit.MONTHS)),
        ("２月", Term(2, TermUnit.MONTHS)),
        ("30天", Term(30, TermUnit.DAYS)),
        (30, Term(30, TermUnit.DAYS)),
        ("20个工作日", Term(20, TermUnit.WORKING_DAYS)),
        ("20 工作日", Term(20, TermUnit.WORKING_DAYS)),
        (None, Term(1, TermUnit.MONTHS)),
    ],
)
def test_terms_as_they_are_typed(draft: Draft, typed: object, term: Term) -> None:
    draft.info("整改期限", typed)
    assert draft.plan().campaign.rectification == term


@pytest.mark.parametrize("typed", ["0天", "一个月", "两周", "1.5个月", "-3天"])
def test_what_is_no_term(draft: Draft, typed: str) -> None:
    cell = draft.info("整改期限", typed)
    assert draft.found() == [("P105", "考核信息", cell)]


def test_measures_by_grade(draft: Draft) -> None:
    application = draft.plan().application
    assert application is not None
    assert list(application.measures) == ["优", "良", "中", "差", "未报送"]
    assert application.measures["中"].kind is MeasureKind.CUT
    assert application.measures["中"].cut == 500
    assert (application.register, application.column) == ("项目清单", "全年预算数")


@pytest.mark.parametrize(
    ("grade", "label", "value", "code"),
    [
        ("中", "压减比例", "很多", "P127"),
        ("中", "压减比例", "120%", "P127"),
        ("中", "压减比例", "5.555%", "P127"),
        ("中", "压减比例", None, "P127"),
        ("良", "压减比例", "5%", "P127"),
        ("良", "措施", "照旧", "P106"),
        ("良", "等级", "良好", "P127"),
        ("差", "问责", "要", "P106"),
        ("差", "等级", "优", "P110"),
    ],
)
def test_a_wrong_measure_is_refused_at_its_cell(
    draft: Draft, grade: str, label: str, value: object, code: str
) -> None:
    cell = draft.put("结果应用", grade, label, value)
    found = draft.found()
    assert (code, "结果应用", cell) in found
    # The row is there, however wrong: it is not told as missing besides.
    assert label == "等级" or found == [(code, "结果应用", cell)]


def test_full_width_braces_are_braces(draft: Draft) -> None:
    draft.put(SHEET, OPENING, "文字", "｛考核名称｝已经结束。")
    row = draft.plan().wording[DocumentKind.CIRCULAR][4]
    assert row.fields == ("考核名称",)


@pytest.mark.parametrize("value", ["全年预算数", "项目清单[没有的列]", "项目清单[项目名称]"])
def test_a_base_that_is_no_column_of_amounts(draft: Draft, value: str) -> None:
    cell = draft.info("下年预算基数", value)
    assert draft.found() == [("P127", "考核信息", cell)]
