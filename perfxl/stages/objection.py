"""objection (复核申请): a unit's request to look at a score again, and the section's answer."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd

from perfxl.campaign import ORIGINALS, Campaign
from perfxl.errors import AlreadyThere, Missing, NoSuchScore, NothingToDo, PerfxlError, Place
from perfxl.files import keep_original, storable_name
from perfxl.ledger import Objection, ObjectionAnswer, Review
from perfxl.plan.model import Indicator, Unit
from perfxl.points import as_text
from perfxl.products.consolidated.form import OBJECTIONS_SHEET
from perfxl.reviews.reading import REVIEW_FINDINGS, score_fault
from perfxl.stages.gather import Gathered, gather
from perfxl.tables import OBJECTIONS, ScoredIn, frame_of, whole

UPHELD, CHANGED, OPEN = "维持", "调整", "待答复"


def object_to(
    campaign: Campaign,
    unit: Unit,
    indicator: Indicator,
    request: str,
    by: str,
    now: dt.datetime,
    *,
    requested: int | None = None,
    file: Path | None = None,
) -> int:
    """Record a unit's objection to one score; returns its number.

    ``requested`` is the score that the unit asks for, in hundredths; what it handed in (``file``)
    is kept in 原件/ first. Raises PerfxlError, Missing, NoSuchScore.
    """
    if not request.strip():
        raise PerfxlError("没有写复核的理由", remedy="请用 --request 写明单位申请复核的理由")
    if requested is not None and not 0 <= requested <= indicator.full_marks:
        raise NoSuchScore(
            f"申请得分 {as_text(requested)} 不在 0 与分值 {as_text(indicator.full_marks)} 之间",
            remedy="请核对",
        )
    name = original = ""
    if file is not None:
        if not file.is_file():
            raise Missing("没有这个文件", place=Place(str(file)), remedy="请检查路径")
        name = storable_name(file.name)
        original = keep_original(campaign.path(ORIGINALS), file.read_bytes(), name)
    return campaign.ledger.record_objection(
        Objection(unit.code, indicator.code, request.strip(), requested, name, original, now, by)
    )


def answer_objection(
    campaign: Campaign,
    number: int,
    approved: int | None,
    answer: str,
    by: str,
    now: dt.datetime,
) -> ObjectionAnswer:
    """Record the section's answer; ``approved`` (hundredths) is the changed score, None upholds.

    The changed score holds from then on like one entered in a review book, until a later book
    changes it. Raises Missing, AlreadyThere, NoSuchScore, PerfxlError, NothingToDo.
    """
    objection = next((one for one in campaign.ledger.objections() if one.number == number), None)
    if objection is None:
        raise Missing(f"没有第 {number} 号复核申请", remedy="请用 perfxl objection list 查看编号")
    unit = campaign.plan.unit_by_code.get(objection.unit)
    indicator = campaign.plan.rubrics[unit.kind].by_code.get(objection.indicator) if unit else None
    if unit is None or indicator is None:
        raise Missing(
            f"第 {number} 号复核申请的单位或指标已不在考核方案中", remedy="请核对考核方案"
        )
    if not answer.strip():
        raise PerfxlError("没有写复核意见", remedy="请用 --answer 写明")
    if approved is not None:
        _refuse_faulty(campaign, indicator, approved, answer.strip())
    gathered = gather(campaign, {unit.code})
    if unit.code not in gathered.receipts:
        raise NothingToDo(f"{unit.name}没有报送，没有得分可以复核", remedy="请先收取该单位的报送")
    given = ObjectionAnswer(
        number, _score_now(gathered, unit, indicator), approved, answer.strip(), by, now
    )
    review = _review(gathered, unit, indicator, given) if approved is not None else None
    if not campaign.ledger.record_answer(given, review):
        raise AlreadyThere(f"第 {number} 号复核申请已经答复过", remedy="单位再次申请的，请另记一号")
    return given


def objections(campaign: Campaign) -> pd.DataFrame:
    """Every objection with its answer, if it has one (``tables.OBJECTIONS``)."""
    answers = campaign.ledger.answers()
    rows = []
    for one in campaign.ledger.objections():
        answer = answers.get(one.number)
        row = {
            **{name: getattr(one, name) for name in OBJECTIONS if hasattr(one, name)},
            "before": answer.before if answer else None,
            "decision": _decision(answer) if answer else OPEN,
            "approved": answer.approved if answer else None,
            "answer": answer.answer if answer else "",
            "answered_by": answer.answered_by if answer else "",
            "answered_at": answer.answered_at if answer else None,
        }
        rows.append(row)
    return frame_of(rows, OBJECTIONS)


def _decision(answer: ObjectionAnswer) -> str:
    return UPHELD if answer.approved in (None, answer.before) else CHANGED


def _refuse_faulty(campaign: Campaign, indicator: Indicator, approved: int, reason: str) -> None:
    fault = score_fault(campaign.plan, indicator, approved, reason)
    if fault is not None:
        code, detail, remedy = fault
        raise NoSuchScore(f"{REVIEW_FINDINGS[code][1]}：{detail}", remedy=remedy)


def _score_now(gathered: Gathered, unit: Unit, indicator: Indicator) -> int | None:
    scores = gathered.scores
    own = scores[(scores["unit"] == unit.code) & (scores["indicator"] == indicator.code)]
    return whole(own["score"].iloc[0])


def _review(gathered: Gathered, unit: Unit, indicator: Indicator, given: ObjectionAnswer) -> Review:
    section = gathered.plan.judging_section(unit, indicator)
    line = next(
        line
        for line in gathered.lines[section]
        if (line.unit, line.indicator) == (unit.code, indicator.code)
    )
    assert given.approved is not None
    return Review(
        receipt="",
        unit=unit.code,
        indicator=indicator.code,
        section=section,
        edition=0,
        approved=given.approved,
        reason=given.answer,
        reviewer=given.answered_by,
        sheet=OBJECTIONS_SHEET,
        row=given.objection,
        recorded_at=given.answered_at,
        seen=str(line.seen),
        scored_in=ScoredIn.OBJECTION,
    )
