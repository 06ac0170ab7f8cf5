"""A spot check over real files: drawn, checked in the book, counted in the score, circulated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from made_campaigns import Sheets, changed_plan

from perfxl.campaign import PRODUCTS, SPOT_CHECKS, Campaign
from perfxl.errors import InputAtRisk, NothingToDo, NotInPlan, PlanRefused
from perfxl.ledger import Verdict
from perfxl.spot_checks.reading import SPOT_CHECK_FINDINGS
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.gather import checked_sample, gather
from perfxl.stages.history import history
from perfxl.stages.spot_check import (
    CheckTaken,
    book_path,
    draw_sample,
    ingest_book,
    share_given,
    write_book,
)
from perfxl.stages.spot_check_circular import spot_check_circular
from perfxl.tables import whole

NOW = dt.datetime(2024, 2, 20, 10, 0)
FIRST = 4
Edit = Callable[[Any, dict[str, int]], None]


@pytest.fixture
def drawn(campaign: Campaign) -> Campaign:
    draw_sample(campaign, NOW, "韩晓东")
    return campaign


def edit(campaign: Campaign, change: Edit, target: Path | None = None) -> Path:
    """Type into the check book; the columns by label."""
    path = book_path(campaign)
    book = openpyxl.load_workbook(path)
    sheet = book["核查表"]
    at = {str(c.value).split("（")[0].removesuffix(" *"): c.column for c in sheet[3]}
    change(sheet, at)
    book.save(target or path)
    return target or path


def all_true(sheet: Any, at: dict[str, int]) -> None:
    for row in range(FIRST, sheet.max_row + 1):
        if isinstance(sheet.cell(row, at["抽查序号"]).value, int):
            sheet.cell(row, at["核查结论"]).value = "属实"
            sheet.cell(row, at["核查人"]).value = "王工"


def with_two_problems(sheet: Any, at: dict[str, int]) -> None:
    all_true(sheet, at)
    sheet.cell(FIRST, at["核查结论"]).value = "有问题"
    sheet.cell(FIRST, at["问题个数"]).value = 2
    sheet.cell(FIRST, at["问题说明"]).value = "完成值无依据；得分偏高"
    sheet.cell(FIRST, at["核查日期"]).value = dt.date(2024, 2, 19)


def take(campaign: Campaign, change: Edit) -> CheckTaken:
    (taken,) = ingest_book(campaign, [edit(campaign, change)], NOW)
    return taken


def quality(campaign: Campaign, unit: str) -> tuple[int | None, str]:
    """The computed score of 自评质量, and its arithmetic."""
    computed = gather(campaign).computed
    own = computed[(computed["unit"] == unit) & (computed["indicator"] == "5.4")]
    return whole(own["computed"].iloc[0]), own["arithmetic"].iloc[0]


def units_of(campaign: Campaign) -> tuple[str, str]:
    """A unit that was drawn first, and one that was not drawn."""
    drawn = [one.unit for one in campaign.ledger.draws()[-1].projects]
    others = [unit.code for unit in campaign.plan.units if unit.code not in drawn]
    return drawn[0], others[0]


def test_a_draw_can_be_repeated_and_is_on_record(campaign: Campaign) -> None:
    first = draw_sample(campaign, NOW, "韩晓东")
    again = draw_sample(campaign, NOW, "韩晓东")
    other = draw_sample(campaign, NOW, "韩晓东", seed="另一个", count=25)
    assert first.draw.projects == again.draw.projects
    assert len(first.draw.projects) == 18 and first.draw.population == 180
    assert len(other.draw.projects) == 25
    assert [one.number for one in campaign.ledger.draws()] == [1, 2, 3]
    assert {one.stratum.split("／")[0] for one in first.draw.projects} == {"部门", "乡镇"}
    assert int(first.strata["drawn"].sum()) == 18
    assert (first.strata["drawn"] >= 1).all()


def test_before_a_draw_and_before_all_is_checked_nothing_is_known(campaign: Campaign) -> None:
    assert quality(campaign, "101") == (None, "尚未抽查，或抽中的项目没有查完")
    draw_sample(campaign, NOW, "韩晓东")
    chosen, other = units_of(campaign)
    assert quality(campaign, chosen)[0] is None
    # Of whom nothing was drawn nothing can be found.
    assert quality(campaign, other)[1].startswith("5 - 0 × 0.5")


def test_what_is_found_counts(drawn: Campaign) -> None:
    taken = take(drawn, with_two_problems)
    assert (taken.recorded, len(taken.findings)) == (18, 0)
    chosen, _ = units_of(drawn)
    assert quality(drawn, chosen) == (400, "5 - 2 × 0.5 → 4.0")
    told = [event.what for event in history(drawn, drawn.plan.unit_by_code[chosen])]
    assert "抽查抽中" in told and "抽查核查" in told
    # The same file once more changes nothing.
    (again,) = ingest_book(drawn, [], NOW)
    assert (again.recorded, again.unchanged) == (0, 18)


def test_a_later_book_supersedes_row_by_row(drawn: Campaign) -> None:
    take(drawn, with_two_problems)
    write_book(drawn, NOW)

    def mend(sheet: Any, at: dict[str, int]) -> None:
        assert sheet.cell(FIRST, at["问题个数"]).value == 2
        sheet.cell(FIRST, at["问题个数"]).value = 1
        for label in ("核查结论", "问题个数", "核查人"):
            sheet.cell(FIRST + 1, at[label]).value = None

    taken = take(drawn, mend)
    assert (taken.recorded, list(taken.findings["code"])) == (1, ["S114"])
    checked = checked_sample(drawn)
    assert checked is not None and list(checked["problems"])[:2] == [1, 0]
    assert len(drawn.ledger.checked()) == 19


def test_an_older_book_does_not_undo_a_newer_one(drawn: Campaign, tmp_path: Path) -> None:
    old = edit(drawn, all_true, tmp_path / "旧.xlsx")
    take(drawn, with_two_problems)
    write_book(drawn, NOW)
    take(drawn, lambda sheet, at: setattr(sheet.cell(FIRST, at["问题个数"]), "value", 3))
    (taken,) = ingest_book(drawn, [old], NOW)
    assert list(taken.findings["code"]) == ["S112"]
    checked = checked_sample(drawn)
    assert checked is not None and checked["problems"].iloc[0] == 3


def put(**values: object) -> Edit:
    def change(sheet: Any, at: dict[str, int]) -> None:
        for label, value in values.items():
            sheet.cell(FIRST, at[label]).value = value

    return change


def twice(sheet: Any, at: dict[str, int]) -> None:
    for column in range(1, sheet.max_column + 1):
        sheet.cell(FIRST + 1, column).value = sheet.cell(FIRST, column).value


WRONG: dict[str, Edit] = {
    "S101": lambda sheet, at: sheet.delete_rows(3),
    "S102": put(抽查序号=99, 单位编码="999", 项目编码="没有的"),
    "S103": put(项目编码="没有的"),
    "S105": put(核查结论="大概属实"),
    "S106": put(核查结论="有问题", 问题个数="两个", 问题说明="x"),
    "S107": put(核查结论="有问题", 问题个数=1),
    "S108": put(问题说明="有问题"),
    "S109": put(问题个数=2, 问题说明="x"),
    "S110": put(全年预算数=1),
    "S111": twice,
    "S113": put(核查日期="去年"),
    "S114": put(核查结论=None),
    "S115": lambda sheet, at: sheet.delete_rows(FIRST),
    "S116": put(核查结论=None, 问题个数=1, 问题说明="x"),
    "S117": put(核查人=None),
}


@pytest.mark.parametrize("code", WRONG)
def test_what_is_wrong_in_a_book_is_told_at_its_cell(drawn: Campaign, code: str) -> None:
    def change(sheet: Any, at: dict[str, int]) -> None:
        all_true(sheet, at)
        WRONG[code](sheet, at)

    taken = take(drawn, change)
    found = taken.findings
    assert code in list(found["code"])
    if code not in ("S101", "S115"):
        assert found.loc[found["code"] == code, "cell"].iloc[0]
    # The other rows are taken in all the same.
    assert taken.recorded >= (0 if code == "S101" else 16)


def test_every_code_has_its_example(drawn: Campaign) -> None:
    taken = take(drawn, all_true)
    assert not len(taken.findings)
    assert set(SPOT_CHECK_FINDINGS) == set(WRONG) | {"S104", "S112"}


def test_the_book_of_an_earlier_draw_is_refused(drawn: Campaign, tmp_path: Path) -> None:
    old = edit(drawn, all_true, tmp_path / "旧.xlsx")
    draw_sample(drawn, NOW, "韩晓东", seed="再抽")
    (taken,) = ingest_book(drawn, [old], NOW)
    assert (list(taken.findings["code"]), taken.recorded) == (["S104"], 0)


def test_results_that_were_not_taken_in_are_not_overwritten(drawn: Campaign) -> None:
    edit(drawn, all_true)
    before = book_path(drawn).read_bytes()
    for again in (
        lambda: write_book(drawn, NOW),
        lambda: draw_sample(drawn, NOW, "韩晓东", seed="再抽"),
    ):
        with pytest.raises(InputAtRisk):
            again()
    assert book_path(drawn).read_bytes() == before
    assert len(drawn.ledger.draws()) == 1


def test_a_file_that_is_no_check_book_is_refused_and_kept(drawn: Campaign, tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "别的.xlsx")
    (taken,) = ingest_book(drawn, [tmp_path / "别的.xlsx"], NOW)
    assert taken.verdict is Verdict.NOT_OURS


@pytest.mark.libreoffice
def test_a_book_saved_by_libreoffice_says_the_same(office, drawn: Campaign, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    saved = tmp_path / "核查表.xlsx"
    edit(drawn, with_two_problems)
    office(book_path(drawn), save={str(saved): "Calc MS Excel 2007 XML"})
    (taken,) = ingest_book(drawn, [saved], NOW)
    assert (taken.recorded, len(taken.findings)) == (18, 0)
    assert quality(drawn, units_of(drawn)[0])[0] == 400


def text_of(path: Path) -> str:
    document = docx.Document(str(path))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_the_circular_says_what_was_drawn_and_found(drawn: Campaign) -> None:
    before = text_of(spot_check_circular(drawn, NOW).path)
    assert "讨论稿" in before and "目前核查尚未开始，还有18个项目没有核查" in before
    take(drawn, with_two_problems)
    result = spot_check_circular(drawn, NOW)
    text = text_of(result.path)
    assert result.unchecked == 0 and "讨论稿" not in text
    assert "符合抽查条件（开展绩效自评=是）的180个项目中，分层抽取18个项目（占10%）" in text
    assert "自评内容属实的17个，有问题的1个，共发现问题2个，涉及单位1个" in text
    assert "完成值无依据；得分偏高" in text
    take(drawn, all_true)
    assert (drawn.path(PRODUCTS) / "抽查通报.docx").is_file()


def test_a_sound_sample_has_no_sentence_of_nothing(drawn: Campaign) -> None:
    take(drawn, all_true)
    text = text_of(spot_check_circular(drawn, NOW).path)
    assert "已核查的18个项目，自评内容属实，没有发现问题。" in text
    assert "附件" not in text and "0个" not in text.replace("180个", "")


def without_spot_check(sheets: Sheets) -> None:
    del sheets["抽查"]
    item = next(row for row in sheets["数据项"] if row["数据项"] == "自评抽查问题数")
    item |= {"来源": "股室认定", "统计列": ""}


def test_a_figure_of_a_spot_check_needs_one(tmp_path: Path) -> None:
    with pytest.raises(PlanRefused, match="P120"):
        Campaign.create(
            tmp_path / "c", changed_plan(lambda sheets: sheets.pop("抽查")), SAMPLE_STAMP_KEY
        )


def test_a_plan_without_the_sheet_loads_and_says_what_to_add(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "c", changed_plan(without_spot_check), SAMPLE_STAMP_KEY)
    assert campaign.plan.spot_check is None
    with pytest.raises(NotInPlan, match="没有“抽查”表"):
        draw_sample(campaign, NOW, "韩晓东")


def test_nothing_is_drawn_where_nothing_was_returned(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "c", changed_plan(lambda _: None), SAMPLE_STAMP_KEY)
    with pytest.raises(NothingToDo):
        draw_sample(campaign, NOW, "韩晓东")
    with pytest.raises(NothingToDo):
        ingest_book(campaign, [], NOW)
    assert (campaign.folder / SPOT_CHECKS).is_dir()


@pytest.mark.parametrize(
    ("item", "content", "code"),
    [
        ("登记表", "没有的表", "P114"),
        ("登记表", "", "P104"),
        ("筛选条件", "没有的列=是", "P115"),
        ("分层依据", "没有的列", "P122"),
        ("分层依据", "全年预算数", "P122"),
        ("抽查比例", "很多", "P105"),
        ("抽查比例", "0%", "P105"),
        ("编码列", "没有的列", "P121"),
        ("列示内容", "资金性质、没有的列", "P121"),
        ("执行率", "全年执行数", "P123"),
        ("执行率", "全年执行数÷项目名称", "P123"),
        ("印发日期", "去年", "P105"),
    ],
)
def test_mistakes_of_the_sheet_stand_at_their_cells(
    tmp_path: Path, item: str, content: str, code: str
) -> None:
    def change(sheets: Sheets) -> None:
        next(row for row in sheets["抽查"] if row["项目"] == item)["内容"] = content

    with pytest.raises(PlanRefused) as refused:
        Campaign.create(tmp_path / "c", changed_plan(change), SAMPLE_STAMP_KEY)
    (mistake,) = refused.value.mistakes
    assert (mistake.code, mistake.place.sheet) == (code, "抽查")
    assert mistake.place.cell.startswith("B")


def test_the_sheet_does_not_touch_the_templates(plan, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    other = Campaign.create(tmp_path / "c", changed_plan(without_spot_check), SAMPLE_STAMP_KEY)
    for kind in plan.kinds:
        assert other.plan.template_version(kind) == plan.template_version(kind)


def test_a_share_is_read_as_people_type_it() -> None:
    assert [share_given(text) for text in ("10%", "10", "１２.5％")] == [1000, 1000, 1250]
