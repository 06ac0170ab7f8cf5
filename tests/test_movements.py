"""What moved between two consolidations, and the reason that is given for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from made_campaigns import type_into_book

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.movements import Movements, movements, standing
from perfxl.stages.consolidate import FILE, consolidate
from perfxl.stages.extend import extend
from perfxl.stages.gather import Gathered, gather
from perfxl.stages.ingest import Incoming, ingest
from perfxl.stages.objection import answer_objection, object_to
from perfxl.stages.review import book_path, ingest_books, issue_books
from perfxl.tables import NOT_RANKED, RANKING, SCORES, frame

NOW = dt.datetime(2024, 1, 26, 10, 0)


def moved_since(campaign: Campaign, before: str) -> Movements:
    gathered = gather(Campaign(campaign.folder))
    return movements(before, gathered.scores, gathered.ranking)


@pytest.fixture
def before(campaign: Campaign) -> str:
    gathered = gather(campaign)
    return standing(gathered.scores, gathered.ranking)


def why_of(moved: Movements, unit: str, indicator: str) -> str:
    own = moved.scores[(moved.scores["unit"] == unit) & (moved.scores["indicator"] == indicator)]
    return str(own["why"].iloc[0])


def test_nothing_moves_by_itself(campaign: Campaign, before: str) -> None:
    assert moved_since(campaign, before).nothing


def test_a_section_changed_a_score(campaign: Campaign, before: str) -> None:
    path = book_path(campaign, "教科文股")
    issue_books(campaign, NOW)
    type_into_book(path, {("101", "6.2"): {"核定得分": 2, "扣分原因": "佐证不足"}})
    ingest_books(campaign, [path], NOW)
    moved = moved_since(campaign, before)
    (row,) = moved.scores.itertuples(index=False)
    assert (row.unit, row.indicator, row.before, row.after) == ("101", "6.2", 600, 200)
    assert row.why == "股室核定（6.0 → 2.0，教科文股评分组）"
    own = moved.ranks.set_index("unit").loc["101"]
    assert own["why"] == "总分 85.64 → 81.38"
    assert own["rank_after"] > own["rank_before"]
    others = moved.ranks[moved.ranks["unit"] != "101"]
    assert set(others["why"]) == {"本单位总分未变，其他单位有变动"}


def test_an_objection_was_answered(campaign: Campaign, before: str) -> None:
    unit = campaign.plan.unit_by_code["101"]
    indicator = campaign.plan.rubrics[unit.kind].by_code["6.2"]
    number = object_to(campaign, unit, indicator, "请核", "经办人", NOW)
    answer_objection(campaign, number, 550, "予以调整", "张三", NOW)
    assert why_of(moved_since(campaign, before), "101", "6.2") == "复核调整（6.0 → 5.5，张三）"


def test_a_unit_sent_its_return_again(campaign: Campaign, before: str, tmp_path: Path) -> None:
    receipt = gather(campaign).receipts["101"]
    book = openpyxl.load_workbook(campaign.original(receipt.original))
    problems = book["整改台账"]
    values = (
        "1",
        "问题",
        "财政评价",
        "2023-05-01",
        "2023-06-01",
        "措施",
        "人",
        "2023-05-20",
        "已完成",
    )
    for column, value in enumerate(values, 1):
        problems.cell(4, column).value = value
    book.save(tmp_path / "again.xlsx")
    ingest(campaign, [Incoming(tmp_path / "again.xlsx", NOW)])
    moved = moved_since(campaign, before)
    assert why_of(moved, "101", "6.1") == "单位重新报送"
    (row,) = moved.scores.itertuples(index=False)
    # It did not apply, and does now.
    assert row.before is not row.after and row.after == 600


def test_an_extension_takes_a_deduction_back(campaign: Campaign, before: str) -> None:
    late = next(unit for unit in campaign.plan.units if unit.code == "121")
    extend(campaign, late, dt.datetime(2024, 1, 20), "机构改革", "韩晓东", NOW)
    moved = moved_since(campaign, before)
    ranks = moved.ranks.set_index("unit")
    assert "报送情况 逾期 → 按时" in ranks.loc["121", "why"]


def test_a_plan_with_other_marks_and_grades(campaign: Campaign, before: str) -> None:
    gathered = gather(campaign)
    grades = (replace(gathered.plan.grades[0], threshold=5000), *gathered.plan.grades[1:])
    changed = Gathered(
        replace(gathered.plan, grades=grades),
        gathered.receipts, gathered.status, gathered.tables, gathered.entered,
    )  # fmt: skip
    moved = movements(before, changed.scores, changed.ranking)
    assert not len(moved.scores)
    assert set(moved.ranks["why"]) == {"等级标准改动"}


def test_the_first_return_of_a_unit_and_a_new_unit() -> None:
    def tables(total: int, status: str, receipt: str):  # type: ignore[no-untyped-def]
        score = {
            "unit": "1", "kind": "部门", "indicator": "1", "name": "一", "full_marks": 500,
            "score": total, "receipt": receipt, "applies": True,
        }  # fmt: skip
        place = {
            "kind": "部门", "position": 1, "unit": "1", "name": "甲", "sum": total,
            "applicable": 500, "deducted": 0, "total": total, "provisional": 0, "status": status,
            "grade": "优" if total else NOT_RANKED, "rank": 1 if total else None,
        }  # fmt: skip
        return (
            frame({name: [score.get(name)] for name in SCORES}, SCORES),
            frame({name: [place.get(name)] for name in RANKING}, RANKING),
        )

    then = standing(*tables(0, "未报送", ""))
    moved = movements(then, *tables(400, "按时", "abc"))
    assert list(moved.scores["why"]) == ["收到报送"]
    assert list(moved.ranks["why"]) == ["报送情况 未报送 → 按时；总分 0.00 → 4.00"]
    moved = movements(standing(frame({}, SCORES), frame({}, RANKING)), *tables(400, "按时", "abc"))
    assert list(moved.ranks["why"]) == ["新列入单位名录"]


def test_consolidate_tells_before_it_replaces(campaign: Campaign) -> None:
    consolidate(campaign, NOW)
    before = (campaign.path(PRODUCTS) / FILE).read_bytes()
    unit = campaign.plan.unit_by_code["101"]
    indicator = campaign.plan.rubrics[unit.kind].by_code["6.2"]
    answer_objection(
        campaign, object_to(campaign, unit, indicator, "请核", "经办人", NOW), 0, "无", "张三", NOW
    )
    seen = []

    def tell(_: Gathered, moved: Movements) -> None:
        seen.append((len(moved.scores), (campaign.path(PRODUCTS) / FILE).read_bytes()))

    result = consolidate(campaign, NOW, tell=tell)
    assert seen == [(1, before)]
    assert result.kept is not None and result.kept.read_bytes() == before
    book = openpyxl.load_workbook(result.path, data_only=True)
    assert {"变动", "复核申请"} <= set(book.sheetnames)
    texts = [str(cell.value) for row in book["变动"].iter_rows() for cell in row]
    assert "复核调整（6.0 → 0.0，张三）" in texts
