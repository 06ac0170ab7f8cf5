"""A campaign's stages over real files: nothing lost, nothing done twice, nothing overwritten."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import shutil
from pathlib import Path

import openpyxl
import pytest
from made_campaigns import type_into_book

from perfxl.campaign import INBOX, ISSUED, ORIGINALS, REVIEWS, Campaign
from perfxl.errors import (
    AlreadyThere,
    InputAtRisk,
    LedgerBroken,
    Missing,
    NothingToDo,
    TooLargeForExcel,
)
from perfxl.intake.judgement import Decision
from perfxl.ledger import Form, Verdict
from perfxl.stages import review
from perfxl.stages.circular import circular
from perfxl.stages.consolidate import consolidate
from perfxl.stages.gather import gather
from perfxl.stages.ingest import Incoming, incoming, ingest
from perfxl.stages.initialize import init
from perfxl.stages.issue import issue
from perfxl.stages.review import book_path, ingest_books, issue_books
from perfxl.stages.status import status
from perfxl.tables import Status, whole

NOW = dt.datetime(2024, 1, 26, 10, 0)
SECTION = "教科文股"


def snapshot(campaign: Campaign) -> dict[str, str]:
    """Every file of the campaign with its hash, the ledger by its rows."""
    files = {
        path.relative_to(campaign.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in campaign.folder.rglob("*")
        if path.is_file() and not path.name.startswith("台账.db")
    }
    files["receipts"] = repr([campaign.ledger.receipts(form) for form in Form])
    files["reviews"] = repr(campaign.ledger.reviews())
    return files


def approved(campaign: Campaign, unit: str, indicator: str) -> int | None:
    scores = gather(campaign).scores
    own = scores[(scores["unit"] == unit) & (scores["indicator"] == indicator)]
    return whole(own["approved"].iloc[0])


def test_issuing_again_changes_nothing(campaign: Campaign) -> None:
    before = snapshot(campaign)
    result = issue(campaign, NOW)
    assert (len(result.written), len(result.unchanged)) == (0, 31)
    assert snapshot(campaign) == before


def test_a_lost_workbook_is_issued_again(campaign: Campaign) -> None:
    path = next((campaign.path(ISSUED)).rglob("*-101-*.xlsx"))
    content = path.read_bytes()
    path.unlink()
    assert issue(campaign, NOW).written == (path,)
    assert path.read_bytes() == content


def test_ingesting_the_same_folder_again_changes_nothing(campaign: Campaign) -> None:
    before = snapshot(campaign)
    files, _ = incoming(campaign, [], NOW)
    result = ingest(campaign, files)
    assert len(files) == 31
    assert not any(taken.new for taken in result.taken)
    assert snapshot(campaign) == before


def test_every_file_gets_a_verdict_and_a_bad_one_stops_nothing(
    campaign: Campaign, tmp_path: Path
) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    good = next(campaign.path(INBOX).glob("*-101-*.xlsx")).read_bytes()
    (drop / "a-empty.xlsx").write_bytes(b"")
    (drop / "b-cut.xlsx").write_bytes(good[: len(good) // 2])
    (drop / "c-text.xlsx").write_text("单位,得分\n", encoding="utf-8")
    book = openpyxl.Workbook()
    book.active["A1"] = "通讯录"
    book.save(drop / "d-other.xlsx")
    again = openpyxl.load_workbook(io.BytesIO(good))
    again["自评表"]["G6"] = "补充说明"
    again.save(drop / "e-again.xlsx")
    (drop / "~$e-again.xlsx").write_bytes(b"lock")
    shutil.copy(book_path(campaign, SECTION), drop / "f-review.xlsx")
    files, passed_over = incoming(campaign, [drop], NOW)
    result = ingest(campaign, files, passed_over)
    verdicts = {taken.path.name[0]: taken.receipt.verdict for taken in result.taken}
    assert verdicts == {
        "a": Verdict.DAMAGED,
        "b": Verdict.DAMAGED,
        "c": Verdict.NOT_A_WORKBOOK,
        "d": Verdict.NOT_OURS,
        "e": Verdict.VALID,
        "f": Verdict.NOT_OURS,  # a review book, and no return
    }
    assert result.passed_over == ("~$e-again.xlsx",)
    for taken in result.taken:
        kept = campaign.original(taken.receipt.original)
        assert kept.read_bytes() == taken.path.read_bytes()
        assert taken.receipt.verdict is Verdict.VALID or taken.receipt.detail
    assert gather(campaign).receipts["101"].file == "e-again.xlsx"


def test_a_file_name_never_becomes_a_path(campaign: Campaign, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "..evil.xlsx").write_bytes(b"PK\x03\x04 nothing")
    (taken,) = ingest(campaign, [Incoming(drop / "..evil.xlsx", NOW)]).taken
    assert taken.receipt.original == taken.receipt.sha256 + ".xlsx"
    assert (campaign.path(ORIGINALS) / taken.receipt.original).is_file()


def test_the_first_valid_return_says_whether_a_unit_was_late(campaign: Campaign) -> None:
    by_unit = {one.unit.code: one.status for one in status(campaign).units}
    assert [code for code, state in by_unit.items() if state is Status.LATE] == ["121"]


def test_a_unit_without_a_return_is_listed_and_scores_nothing(tmp_path: Path) -> None:
    source = init(tmp_path / "c")
    workbook = issue(source, NOW).written[0]
    refill(workbook, workbook, {"自评表": {"F6": 3}})
    ingest(source, [Incoming(workbook, NOW)])
    ranking = gather(source).ranking
    absent = ranking[ranking["unit"] == "102"].iloc[0]
    assert (absent["status"], absent["total"], absent["grade"]) == ("未报送", 0, "—")
    assert whole(absent["rank"]) is None
    assert set(ranking.loc[ranking["status"] != "未报送", "unit"]) == {"101"}


def test_consolidating_again_keeps_every_score(campaign: Campaign) -> None:
    before = gather(campaign).scores
    consolidate(campaign, NOW)
    after = gather(campaign).scores
    assert before["approved"].notna().sum() > 700
    assert before.equals(after)


def test_a_book_of_too_many_lines_is_refused(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book_path(campaign, SECTION)
    before = path.read_bytes()
    monkeypatch.setattr(review, "MOST_LINES", 10)
    with pytest.raises(TooLargeForExcel, match="一本评分表最多 10 项"):
        issue_books(campaign, NOW)
    assert path.read_bytes() == before


def test_a_book_with_untaken_input_is_not_overwritten(campaign: Campaign) -> None:
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): {"核定得分": 4, "扣分原因": "佐证不足"}})
    typed = path.read_bytes()
    with pytest.raises(InputAtRisk):
        issue_books(campaign, NOW)
    assert path.read_bytes() == typed
    (taken,) = ingest_books(campaign, [path], NOW)
    assert (taken.recorded, len(taken.findings)) == (1, 0)
    assert approved(campaign, "101", "6.2") == 400
    issue_books(campaign, NOW)
    book = openpyxl.load_workbook(path)["评分表"]
    prefilled = {
        (str(row[0]), str(row[2])): row[12] for row in book.iter_rows(min_row=4, values_only=True)
    }
    assert prefilled["101", "6.2"] == 4


def test_a_blank_cell_does_not_take_a_score_back(campaign: Campaign) -> None:
    before = approved(campaign, "101", "6.2")
    assert before is not None
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): {"核定得分": None}})
    ingest_books(campaign, [path], NOW)
    assert approved(campaign, "101", "6.2") == before


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"核定得分": "优秀"}, "R104"),
        ({"核定得分": 7}, "R105"),
        ({"核定得分": -1}, "R105"),
        ({"核定得分": 5.3, "扣分原因": "x"}, "R106"),
        ({"核定得分": 5, "扣分原因": None}, "R107"),
        ({"单位编码": "999"}, "R102"),
        ({"单位编码": "102"}, "R103"),
    ],
)
def test_a_wrong_score_is_found_and_not_taken(
    campaign: Campaign, typed: dict[str, object], code: str
) -> None:
    before = approved(campaign, "101", "6.2")
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): typed})
    (taken,) = ingest_books(campaign, [path], NOW)
    # A row that names something else is also missing from where it was.
    also = ["R115"] if code in ("R102", "R103") else []
    assert list(taken.findings["code"]) == [code, *also]
    assert taken.findings["sheet"].iloc[0] == "评分表"
    assert taken.findings["cell"].iloc[0]
    assert (taken.recorded, approved(campaign, "101", "6.2")) == (0, before)


def test_a_claim_that_changed_under_a_review_is_told(campaign: Campaign) -> None:
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): {"自评得分": 1}})
    (taken,) = ingest_books(campaign, [path], NOW)
    assert list(taken.findings["code"]) == ["R109"]


def test_a_file_that_is_no_book_is_refused_and_kept(campaign: Campaign, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger.xlsx"
    openpyxl.Workbook().save(stranger)
    (taken,) = ingest_books(campaign, [stranger], NOW)
    assert taken.verdict is Verdict.NOT_OURS
    receipt = campaign.ledger.receipts(Form.REVIEW)[-1]
    assert campaign.original(receipt.original).read_bytes() == stranger.read_bytes()


def test_an_existing_plan_is_never_replaced(campaign: Campaign) -> None:
    with pytest.raises(AlreadyThere):
        init(campaign.folder)


def test_nothing_returned_is_said(tmp_path: Path) -> None:
    empty = init(tmp_path / "c")
    for stage in (consolidate, issue_books):
        with pytest.raises(NothingToDo):
            stage(empty, NOW)
    assert not list(empty.path(REVIEWS).iterdir())


def refill(source: Path, target: Path, values: dict[str, dict[str, object]]) -> Path:
    """A copy of a workbook with cells typed over: sheet → cell → value."""
    book = openpyxl.load_workbook(source)
    for sheet, cells in values.items():
        for cell, value in cells.items():
            book[sheet][cell] = value
    book.save(target)
    return target


def without_stamp(path: Path) -> None:
    """Take our identity out of all three places of a workbook."""
    book = openpyxl.load_workbook(path)
    book["_perfxl"]["A1"] = ""
    del book.defined_names["_perfxl_stamp"]
    del book.custom_doc_props["perfxl"]
    book.save(path)


def test_a_lookalike_is_no_return(campaign: Campaign, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = "石楼县教育科技局"
    for column, label in enumerate(("编码", "考核内容", "指标", "分值", "自评得分"), 1):
        sheet.cell(3, column).value = label
    sheet.append(["1", "党建", "党建", 10, 3])
    path = tmp_path / "石楼县教育科技局目标责任考核评分表.xlsx"
    book.save(path)
    (taken,) = ingest(campaign, [Incoming(path, NOW)]).taken
    assert taken.receipt.verdict is Verdict.NOT_OURS


def test_a_borrowed_workbook_replaces_nobodys_return(campaign: Campaign, tmp_path: Path) -> None:
    """102 fills in 101's workbook under its own name; 101's own return stays in force."""
    source = next(campaign.path(INBOX).glob("*-101-*.xlsx"))
    before = gather(campaign).ranking
    path = refill(
        source, tmp_path / "borrowed.xlsx",
        {"封面": {"C5": "石楼县人民政府办公室"}, "自评表": {"F7": 0, "I7": "无"}},
    )  # fmt: skip
    (taken,) = ingest(campaign, [Incoming(path, NOW)]).taken
    assert taken.receipt.verdict is Verdict.WRONG_UNIT
    assert gather(campaign).ranking.equals(before)
    decision = Decision(campaign.plan.unit_by_code["102"], "韩晓东")
    (decided,) = ingest(campaign, [Incoming(path, NOW)], decision=decision).taken
    assert (decided.receipt.holder, decided.receipt.decided_by) == ("102", "韩晓东")
    assert gather(campaign).receipts["102"].file == "borrowed.xlsx"
    assert gather(campaign).receipts["101"].file == source.name


def test_a_file_is_judged_again_when_the_plan_knows_more(tmp_path: Path, repository: Path) -> None:
    plan = repository / "workbook_templates" / "考核方案.xlsx"
    folder = tmp_path / "c"
    first = init(folder, plan.read_bytes())
    issue(first, NOW)
    source = next(first.path(ISSUED).rglob("*-105-*.xlsx"))
    nameless = refill(
        source,
        tmp_path / "x.xlsx",
        {"封面": {"C5": "石楼公安", "C6": ""}, "自评表": {"F6": 3}},
    )
    without_stamp(nameless)
    (taken,) = ingest(first, [Incoming(nameless, NOW)]).taken
    assert taken.receipt.verdict is Verdict.UNKNOWN_UNIT
    first.close()
    refill(plan, first.plan_file, {"单位名录": {"C8": "石楼公安"}})
    (again,) = ingest(Campaign(folder), [Incoming(nameless, NOW + dt.timedelta(days=9))]).taken
    assert again.new
    assert (again.receipt.verdict, again.receipt.holder) == (Verdict.VALID, "105")
    assert again.receipt.received_at == NOW


def test_a_book_met_by_another_verb_still_brings_its_scores(
    campaign: Campaign, tmp_path: Path
) -> None:
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): {"核定得分": 4, "扣分原因": "佐证不足"}})
    (taken,) = ingest(campaign, [Incoming(path, NOW)]).taken
    assert taken.receipt.verdict is Verdict.NOT_OURS
    (book,) = ingest_books(campaign, [path], NOW)
    assert book.recorded == 1
    assert approved(campaign, "101", "6.2") == 400


def test_a_book_with_a_refused_score_is_not_overwritten(campaign: Campaign) -> None:
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): {"核定得分": 4, "扣分原因": None}})
    (taken,) = ingest_books(campaign, [path], NOW)
    assert list(taken.findings["code"]) == ["R107"]
    typed = path.read_bytes()
    with pytest.raises(InputAtRisk, match="因错误没有收取"):
        issue_books(campaign, NOW)
    assert path.read_bytes() == typed


def test_an_older_edition_does_not_overwrite_a_newer_score(
    campaign: Campaign, tmp_path: Path
) -> None:
    path = book_path(campaign, SECTION)
    type_into_book(path, {("101", "6.2"): {"核定得分": 2, "扣分原因": "初评"}})
    ingest_books(campaign, [path], NOW)
    older = tmp_path / "older.xlsx"
    shutil.copy(path, older)
    issue_books(campaign, NOW)
    type_into_book(path, {("101", "6.2"): {"核定得分": 4, "扣分原因": "复核"}})
    ingest_books(campaign, [path], NOW)
    type_into_book(older, {("101", "1.1.2"): {"评分人": "别人"}})
    (taken,) = ingest_books(campaign, [older], NOW)
    assert ("R112", "101", "6.2") in set(
        zip(
            taken.findings["code"], taken.findings["unit"], taken.findings["indicator"], strict=True
        )
    )
    assert approved(campaign, "101", "6.2") == 400


def test_a_filled_book_is_kept_before_a_new_edition(campaign: Campaign) -> None:
    path = book_path(campaign, SECTION)
    filled = path.read_bytes()
    issue_books(campaign, NOW)
    kept = list((path.parent / "历次").glob(f"*{SECTION}*"))
    assert [one.read_bytes() for one in kept] == [filled]
    assert not any(book.path in kept for book in ingest_books(campaign, [], NOW))


def test_a_score_that_no_longer_fits_the_plan_does_not_count(campaign: Campaign) -> None:
    assert approved(campaign, "101", "5.4") is not None
    refill(campaign.plan_file, campaign.plan_file,
           {"指标体系（部门）": {"E18": 0.5, "E19": 10.5}})  # fmt: skip
    scores = gather(Campaign(campaign.folder)).scores
    own = scores[(scores["unit"] == "101") & (scores["indicator"] == "5.4")].iloc[0]
    assert own["full_marks"] == 50
    assert own["basis"] != "核定"


def test_an_edited_circular_is_kept(campaign: Campaign) -> None:
    first = circular(campaign, NOW)
    assert [one.kept for one in first.documents] == [None, None, None]
    first.path.write_bytes(first.path.read_bytes() + b"edited")
    kept, *others = [one.kept for one in circular(campaign, NOW).documents]
    assert kept is not None and kept.read_bytes().endswith(b"edited")
    assert others == [None, None]


def test_a_workbook_typed_into_by_mistake_is_kept(campaign: Campaign) -> None:
    path = next(campaign.path(ISSUED).rglob("*-101-*.xlsx"))
    refill(path, path, {"自评表": {"F6": 3}})
    typed = path.read_bytes()
    assert issue(campaign, NOW).written == (path,)
    (kept,) = (path.parent / "历次").iterdir()
    assert kept.read_bytes() == typed


def test_an_unreadable_or_missing_file_is_told(campaign: Campaign, tmp_path: Path) -> None:
    gone = tmp_path / "gone.xlsx"
    (taken,) = ingest(campaign, [Incoming(gone, NOW)]).taken
    assert taken.receipt.verdict is Verdict.UNREADABLE
    receipt = gather(campaign).receipts["101"]
    campaign.original(receipt.original).unlink()
    with pytest.raises(Missing, match="原件不见了"):
        gather(campaign)


def test_a_workbook_that_nobody_filled_in_is_no_return(campaign: Campaign) -> None:
    blank = next(campaign.path(ISSUED).rglob("*-101-*.xlsx"))
    before = gather(campaign).receipts["101"]
    (taken,) = ingest(campaign, [Incoming(blank, NOW)]).taken
    assert taken.receipt.verdict is Verdict.BLANK
    assert gather(campaign).receipts["101"] == before


def test_the_operators_choice_can_be_taken_back(campaign: Campaign) -> None:
    right = next(campaign.path(INBOX).glob("*-101-*.xlsx"))
    wrong = next(campaign.path(INBOX).glob("*-102-*.xlsx"))
    unit = campaign.plan.unit_by_code["101"]
    ingest(campaign, [Incoming(wrong, NOW)], decision=Decision(unit, "甲"))
    findings = gather(campaign).checked.findings
    assert gather(campaign).receipts["101"].file == wrong.name
    assert "F102" in set(findings.loc[findings["unit"] == "101", "code"])
    later = NOW + dt.timedelta(hours=1)
    ingest(campaign, [Incoming(right, later)], decision=Decision(unit, "甲"))
    assert gather(campaign).receipts["101"].file == right.name


def test_a_lost_ledger_is_not_made_anew(campaign: Campaign) -> None:
    campaign.close()
    (campaign.folder / "台账.db").unlink()
    with pytest.raises(LedgerBroken, match="不见了"):
        gather(Campaign(campaign.folder))


def test_an_approved_score_names_the_book_it_came_from(campaign: Campaign) -> None:
    scores = gather(campaign).scores
    own = scores[scores["unit"] == "101"].iloc[0]
    receipt = campaign.ledger.receipt(own["review_receipt"], Form.REVIEW)
    assert receipt is not None
    sheet, _, row = own["review_place"].rpartition("!")
    book = openpyxl.load_workbook(campaign.original(receipt.original))[sheet]
    assert (book.cell(int(row), 1).value, book.cell(int(row), 3).value) == ("101", own["indicator"])


def test_a_score_where_nothing_applies_is_asked_about(campaign: Campaign) -> None:
    scores = gather(campaign).scores
    idle = scores[~scores["applies"] & (scores["section"] == SECTION)].iloc[0]
    path = book_path(campaign, SECTION)
    full = int(idle["full_marks"]) / 100
    type_into_book(path, {(idle["unit"], idle["indicator"]): {"核定得分": full}})
    (taken,) = ingest_books(campaign, [path], NOW)
    assert list(taken.findings["code"]) == ["R113"]
    assert taken.recorded == 1
