"""The consolidated workbook: its sheets, links, and that nothing returned becomes a formula."""

from __future__ import annotations

import zipfile

import openpyxl
from made_scores import NOW

from perfxl.campaign import PRODUCTS, Campaign
from perfxl.products.consolidated.workbook import sheets
from perfxl.stages.consolidate import FILE, consolidate, material
from perfxl.stages.gather import gather

SHEETS = [
    "封面", "排名", "得分汇总（部门）", "得分汇总（乡镇）", "图表（部门）", "图表（乡镇）", "指标分析",
    "自评偏差", "扣分明细", "得分明细", "审核意见", "报送情况", "结果应用", "结果应用（项目）",
    "文稿依据", "说明",
]  # fmt: skip


def test_an_earlier_workbook_is_kept(campaign: Campaign) -> None:
    before = (campaign.path(PRODUCTS) / FILE).read_bytes()
    result = consolidate(campaign, NOW)
    assert result.kept is not None
    assert result.kept.read_bytes() == before


def test_the_sheets_and_the_contents_on_the_cover(campaign: Campaign) -> None:
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE)
    assert book.sheetnames == SHEETS
    cover = book["封面"]
    links = {cell.value: cell.hyperlink.location for row in cover for cell in row if cell.hyperlink}
    assert links == {name: f"'{name}'!A1" for name in SHEETS[1:]}
    text = "\n".join(str(cell.value) for row in cover for cell in row if cell.value)
    for part in ("石楼县财政局", "考核编号：SL2023", "2024-01-25 09:00", "并列跳号", "（签字）"):
        assert part in text


def test_every_score_leads_to_where_it_came_from(campaign: Campaign) -> None:
    made = material(campaign, gather(campaign), NOW)
    book = openpyxl.load_workbook(campaign.path(PRODUCTS) / FILE)
    detail = book["得分明细"]
    at = {cell.value: index for index, cell in enumerate(detail[3])}
    followed = 0
    for place in made.matrices.values():
        for unit in place.units:
            for indicator in place.indicators:
                cell = book[place.sheet][
                    place.score_cell(unit.code, indicator.code).rsplit("!", 1)[1].replace("$", "")
                ]
                row = detail[int(cell.hyperlink.location.rsplit("!A", 1)[1])]
                assert row[at["单位编码"]].value == unit.code
                assert row[at["指标编码"]].value == indicator.code
                source = row[at["自评单元格"]]
                if source.value:
                    parts = source.hyperlink.target.replace("\\", "/").split("/")
                    assert parts[:-1] == ["..", "原件"]
                    assert campaign.original(parts[-1]).is_file()
                    followed += 1
    assert followed > 600


def test_no_text_from_a_return_is_a_formula(campaign: Campaign) -> None:
    with zipfile.ZipFile(campaign.path(PRODUCTS) / FILE) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/sheet"):
                assert b"HYPERLINK(" not in archive.read(name)


def test_a_further_sheet_is_one_more_entry(campaign: Campaign) -> None:
    made = material(campaign, gather(campaign), NOW)
    assert [one.name for one in sheets(made)] == SHEETS[1:]
    assert all(one.about for one in sheets(made))
