"""Review books of several reviewers, and scores under which a return changed, over real files."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from made_campaigns import (
    Sheets,
    campaign_of_samples,
    changed_plan,
    read_from_book,
    set_item,
    type_into_book,
)

from perfxl.campaign import REVIEWS, Campaign
from perfxl.errors import PlanRefused
from perfxl.ledger import Form, Verdict
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.gather import Gathered, gather
from perfxl.stages.ingest import Incoming, ingest
from perfxl.stages.review import (
    BookTaken,
    book_path,
    ingest_books,
    issue_books,
    progress_of_books,
)
from perfxl.tables import whole

NOW = dt.datetime(2024, 1, 26, 10, 0)
SECTION, UNIT, INDICATOR = "教科文股", "101", "6.2"
KEY = (UNIT, INDICATOR)


def two_reviewers(rule: str) -> Callable[[Sheets], None]:
    def change(sheets: Sheets) -> None:
        set_item(sheets, "多人评分规则", rule)
        sheets["评分人"] = [
            {"股室": SECTION, "评分人": "张三"}, {"股室": SECTION, "评分人": "李四"},
        ]  # fmt: skip

    return change


def score(campaign: Campaign, reviewer: str, amount: float, reason: str = "理由") -> BookTaken:
    path = book_path(campaign, SECTION, reviewer)
    type_into_book(path, {KEY: {"核定得分": amount, "扣分原因": reason}})
    (taken,) = ingest_books(campaign, [path], NOW)
    return taken


def counted(gathered: Gathered) -> tuple[int | None, str]:
    scores = gathered.scores
    own = scores[(scores["unit"] == UNIT) & (scores["indicator"] == INDICATOR)]
    return whole(own["score"].iloc[0]), own["reviewer"].iloc[0]


@pytest.fixture(scope="module")
def averaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("averaged") / "campaign"
    campaign = campaign_of_samples(folder, two_reviewers("取平均分"))
    issue_books(campaign, NOW)
    campaign.close()
    return folder


@pytest.fixture
def of_two(averaged: Path, tmp_path: Path) -> Campaign:
    """A campaign whose plan names two reviewers of one section and wants the mean."""
    shutil.copytree(averaged, tmp_path / "campaign")
    return Campaign(tmp_path / "campaign")


def test_each_reviewer_has_a_book_of_his_own(of_two: Campaign) -> None:
    names = sorted(path.name for path in of_two.path(REVIEWS).iterdir())
    assert "SL2023-教科文股-张三-评分表.xlsx" in names
    assert "SL2023-教科文股-李四-评分表.xlsx" in names
    assert "SL2023-教科文股-评分表.xlsx" not in names
    assert "SL2023-综合股-评分表.xlsx" in names
    row = read_from_book(book_path(of_two, SECTION, "张三"), *KEY)
    assert (row["评分人"], row["核定得分"]) == ("张三", None)


def test_the_mean_of_the_reviewers_counts(of_two: Campaign) -> None:
    assert score(of_two, "张三", 5).recorded == 1
    assert counted(gather(of_two)) == (500, "张三")
    score(of_two, "李四", 3.5)
    gathered = gather(of_two)
    assert counted(gathered) == (425, "张三、李四")
    (row,) = gathered.merged.disagreements.itertuples(index=False)
    assert (row.scores, row.spread) == ("张三 5.0；李四 3.5", 150)


def test_a_reviewers_next_book_holds_his_own_score(of_two: Campaign) -> None:
    score(of_two, "张三", 5)
    score(of_two, "李四", 3.5)
    issue_books(of_two, NOW)
    assert read_from_book(book_path(of_two, SECTION, "李四"), *KEY)["核定得分"] == 3.5
    entered = of_two.ledger.reviews()
    assert sum(book.recorded for book in ingest_books(of_two, [], NOW)) == 0
    assert of_two.ledger.reviews() == entered


def test_a_name_typed_over_does_not_make_it_somebody_elses(of_two: Campaign) -> None:
    path = book_path(of_two, SECTION, "张三")
    type_into_book(path, {KEY: {"核定得分": 5, "扣分原因": "理由", "评分人": "李四"}})
    ingest_books(of_two, [path], NOW)
    assert of_two.ledger.reviews()[-1].reviewer == "张三"


def test_a_reviewer_whom_the_plan_no_longer_names_is_refused(of_two: Campaign) -> None:
    taken = book_path(of_two, SECTION, "李四")
    (of_two.plan_file).write_bytes(changed_plan(lambda _: None))
    again = Campaign(of_two.folder)
    (book,) = ingest_books(again, [taken], NOW)
    assert "已没有“教科文股 李四”的评分表" in book.detail


def test_the_sections_old_book_stays_valid_where_reviewers_were_named_since(
    campaign: Campaign,
) -> None:
    path = book_path(campaign, SECTION)
    before = campaign.ledger.receipts(Form.REVIEW)
    campaign.plan_file.write_bytes(changed_plan(two_reviewers("取平均分")))
    again = Campaign(campaign.folder)
    (taken,) = ingest_books(again, [path], NOW)
    assert taken.verdict is Verdict.NOT_OURS
    assert again.ledger.receipts(Form.REVIEW) == before
    assert counted(gather(again))[0] == 600


def test_reviewers_of_no_section_are_a_mistake_of_the_plan(tmp_path: Path) -> None:
    def wrong(sheets: Sheets) -> None:
        sheets["评分人"] = [
            {"股室": "没有的股", "评分人": "张三"}, {"股室": SECTION, "评分人": "李四"},
            {"股室": SECTION, "评分人": "李 四"}, {"股室": SECTION, "评分人": "王/五"},
            {"股室": SECTION, "评分人": ""},
        ]  # fmt: skip

    with pytest.raises(PlanRefused) as refused:
        Campaign.create(tmp_path / "c", changed_plan(wrong), SAMPLE_STAMP_KEY)
    assert [(m.code, m.place.sheet, m.place.cell) for m in refused.value.mistakes] == [
        ("P119", "评分人", "A4"), ("P110", "评分人", "B6"), ("P108", "评分人", "B7"),
        ("P104", "评分人", "B8"),
    ]  # fmt: skip


def return_again(campaign: Campaign, folder: Path, change: dict[str, object]) -> None:
    """The unit sends its return once more after typing into the 自评表."""
    receipt = gather(campaign, {UNIT}).receipts[UNIT]
    book = openpyxl.load_workbook(campaign.original(receipt.original))
    for cell, value in change.items():
        book["自评表"][cell].value = value
    folder.mkdir(exist_ok=True)
    book.save(folder / "再报.xlsx")
    ingest(campaign, [Incoming(folder / "再报.xlsx", NOW)])


@pytest.fixture
def judged(campaign: Campaign, tmp_path: Path) -> Campaign:
    """The finished demo, in which a unit then changed its claim and its basis for 6.2."""
    before = counted(gather(campaign))
    assert not len(gather(campaign).look_again)
    return_again(campaign, tmp_path / "again", {"F28": 4, "G28": "新的依据", "I28": "说明"})
    assert counted(gather(campaign)) == before
    return campaign


def test_a_score_under_which_the_return_changed_is_flagged(judged: Campaign) -> None:
    (row,) = gather(judged).look_again.itertuples(index=False)
    assert (row.unit, row.indicator, row.section) == (UNIT, INDICATOR, SECTION)
    assert row.what.startswith("自评得分 6.0 → 4.0；自评依据有改动")
    issued = issue_books(judged, NOW)
    assert sum(issued.to_look_again) == 1
    shown = read_from_book(book_path(judged, SECTION), *KEY)
    assert str(shown["审核意见"]).startswith("【核定后有变化】自评得分 6.0 → 4.0")
    assert shown["核定得分"] == 6 and shown["复看"] is None


def test_returning_the_book_untouched_confirms_nothing(judged: Campaign) -> None:
    issue_books(judged, NOW)
    entered = judged.ledger.reviews()
    ingest_books(judged, [], NOW)
    assert judged.ledger.reviews() == entered
    assert len(gather(judged).look_again) == 1


def test_a_section_that_looked_again_keeps_its_score(judged: Campaign) -> None:
    issue_books(judged, NOW)
    path = book_path(judged, SECTION)
    type_into_book(path, {KEY: {"复看": "已复看"}})
    (taken,) = ingest_books(judged, [path], NOW)
    assert taken.recorded == 1
    assert counted(gather(judged))[0] == 600
    assert not len(gather(judged).look_again)
    # Once more says nothing new.
    (taken,) = ingest_books(judged, [path], NOW)
    assert taken.recorded == 0


def test_a_changed_score_needs_no_confirmation(judged: Campaign) -> None:
    issue_books(judged, NOW)
    path = book_path(judged, SECTION)
    type_into_book(path, {KEY: {"核定得分": 4, "扣分原因": "按新依据"}})
    ingest_books(judged, [path], NOW)
    assert counted(gather(judged))[0] == 400
    assert not len(gather(judged).look_again)


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ({"复看": "看了"}, ["R116"]),
        ({"核定得分": None, "扣分原因": None}, ["R114"]),
    ],
)
def test_what_a_book_leaves_open_is_told(
    judged: Campaign, typed: dict[str, object], codes: list[str]
) -> None:
    issue_books(judged, NOW)
    path = book_path(judged, SECTION)
    type_into_book(path, {KEY: typed})
    (taken,) = ingest_books(judged, [path], NOW)
    assert list(taken.findings["code"]) == codes


def test_a_row_that_was_deleted_is_told(campaign: Campaign) -> None:
    issue_books(campaign, NOW)
    path = book_path(campaign, SECTION)
    book = openpyxl.load_workbook(path)
    sheet = book["评分表"]
    rows = [row for row in range(4, sheet.max_row) if str(sheet.cell(row, 3).value) == INDICATOR]
    sheet.delete_rows(rows[0])
    book.save(path)
    (taken,) = ingest_books(campaign, [path], NOW)
    (finding,) = taken.findings.itertuples(index=False)
    assert finding.code == "R115"
    assert f"1 行，石楼县教育科技局 {INDICATOR}" in finding.message
    assert counted(gather(campaign))[0] == 600


def test_progress_of_the_books(campaign: Campaign) -> None:
    progress = progress_of_books(gather(campaign))
    assert [book.section for book in progress] == list(campaign.plan.sections)
    assert all(book.judged == book.lines > 0 and book.reviewer == "" for book in progress)
