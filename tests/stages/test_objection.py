"""Objections: recorded, answered once, the changed score in force, older books kept from undoing it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from made_campaigns import type_into_book

from perfxl.campaign import Campaign
from perfxl.errors import AlreadyThere, Missing, NoSuchScore, PerfxlError
from perfxl.stages.consolidate import consolidate
from perfxl.stages.gather import gather
from perfxl.stages.history import history
from perfxl.stages.objection import answer_objection, object_to, objections
from perfxl.stages.review import book_path, ingest_books, issue_books
from perfxl.tables import whole

NOW = dt.datetime(2024, 1, 26, 10, 0)
LATER = NOW + dt.timedelta(days=3)
UNIT, INDICATOR, SECTION = "102", "6.2", "行政政法股"


def counted(campaign: Campaign) -> int | None:
    scores = gather(campaign).scores
    own = scores[(scores["unit"] == UNIT) & (scores["indicator"] == INDICATOR)]
    return whole(own["score"].iloc[0])


def add(campaign: Campaign, **more: object) -> int:
    plan = campaign.plan
    unit = plan.unit_by_code[UNIT]
    indicator = plan.rubrics[unit.kind].by_code[INDICATOR]
    return object_to(campaign, unit, indicator, "已用于预算安排", "经办人", NOW, **more)  # type: ignore[arg-type]


def test_an_answer_changes_the_score_and_stays_traceable(
    campaign: Campaign, tmp_path: Path
) -> None:
    letter = tmp_path / "申请.docx"
    letter.write_bytes(b"PK letter")
    before = counted(campaign)
    number = add(campaign, requested=600, file=letter)
    assert counted(campaign) == before
    answer_objection(campaign, number, 500, "材料属实，予以调整", "张三", LATER)
    assert counted(campaign) == 500
    (row,) = objections(campaign).itertuples(index=False)
    assert (row.decision, row.requested, row.before, row.approved) == ("调整", 600, before, 500)
    assert campaign.original(row.original).read_bytes() == b"PK letter"
    scores = gather(campaign).scores
    own = scores[(scores["unit"] == UNIT) & (scores["indicator"] == INDICATOR)].iloc[0]
    assert (own["reason"], own["reviewer"]) == ("材料属实，予以调整", "张三")
    told = [event.what for event in history(campaign, campaign.plan.unit_by_code[UNIT])]
    assert told[-2:] == ["复核申请", "复核答复"]


def test_upholding_leaves_the_score(campaign: Campaign) -> None:
    before, entered = counted(campaign), campaign.ledger.reviews()
    answer_objection(campaign, add(campaign), None, "佐证不足，维持", "张三", LATER)
    assert (counted(campaign), campaign.ledger.reviews()) == (before, entered)
    assert list(objections(campaign)["decision"]) == ["维持"]


def test_it_is_answered_once(campaign: Campaign) -> None:
    number = add(campaign)
    answer_objection(campaign, number, 500, "予以调整", "张三", LATER)
    with pytest.raises(AlreadyThere):
        answer_objection(campaign, number, 400, "再调", "张三", LATER)
    assert counted(campaign) == 500


@pytest.mark.parametrize(
    ("approved", "answer"), [(650, "过高"), (-50, "负数"), (530, "不合步长"), (500, " ")]
)
def test_a_score_that_cannot_hold_is_refused(
    campaign: Campaign, approved: int, answer: str
) -> None:
    number, before = add(campaign), counted(campaign)
    with pytest.raises(PerfxlError):
        answer_objection(campaign, number, approved, answer, "张三", LATER)
    assert counted(campaign) == before
    assert list(objections(campaign)["decision"]) == ["待答复"]


def test_what_is_asked_for_lies_within_full_marks(campaign: Campaign) -> None:
    with pytest.raises(NoSuchScore):
        add(campaign, requested=700)
    with pytest.raises(Missing):
        add(campaign, file=Path("没有.docx"))
    with pytest.raises(Missing):
        answer_objection(campaign, 99, None, "维持", "张三", LATER)
    assert not len(objections(campaign))


@pytest.mark.slow
def test_a_book_made_before_the_answer_does_not_undo_it(campaign: Campaign) -> None:
    issue_books(campaign, NOW)
    old = book_path(campaign, SECTION)
    answer_objection(campaign, add(campaign), 500, "予以调整", "张三", LATER)
    type_into_book(old, {(UNIT, INDICATOR): {"核定得分": 1, "扣分原因": "旧表"}})
    (taken,) = ingest_books(campaign, [old], LATER)
    assert list(taken.findings["code"]) == ["R112"]
    assert counted(campaign) == 500
    # One made after it is the section's newer word.
    type_into_book(
        old, {(UNIT, INDICATOR): {"核定得分": 5, "扣分原因": "予以调整", "评分人": "张三"}}
    )
    ingest_books(campaign, [old], LATER)
    issue_books(campaign, LATER + dt.timedelta(days=1))
    type_into_book(old, {(UNIT, INDICATOR): {"核定得分": 3, "扣分原因": "重新认定"}})
    (taken,) = ingest_books(campaign, [old], LATER + dt.timedelta(days=2))
    assert (len(taken.findings), counted(campaign)) == (0, 300)


def test_the_workbook_leads_from_the_score_to_the_objection(campaign: Campaign) -> None:
    number = add(campaign)
    answer_objection(campaign, number, 500, "予以调整", "张三", LATER)
    book = openpyxl.load_workbook(consolidate(campaign, LATER).path)
    links = [
        cell.hyperlink.location
        for row in book["得分明细"].iter_rows()
        for cell in row
        if cell.value == f"第 {number} 号复核申请"
    ]
    assert links == ["'复核申请'!A4"]
    assert book["复核申请"]["D4"].value == "已用于预算安排"
