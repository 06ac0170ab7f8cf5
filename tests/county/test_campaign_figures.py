"""Figures of another campaign: counted here once more from its tables, refused at their cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from year_book import DAY, YearBook

from perfxl.campaign import Campaign
from perfxl.county.figures import Source, figures_of
from perfxl.county.score import county_score
from perfxl.plan.model import (
    Aggregate,
    Borrowed,
    CampaignFigure,
    Condition,
    DataItem,
    Relation,
)
from perfxl.plan.model import Source as ItemSource
from perfxl.stages.gather import Gathered, gather
from perfxl.tables import CAMPAIGN_FIGURES, Status, frame_of

ITEM = DataItem("某数", ItemSource.CAMPAIGN, cell="A9")


@pytest.fixture(scope="module")
def gathered(finished_demo: Path) -> Gathered:
    campaign = Campaign(finished_demo)
    try:
        return gather(campaign)
    finally:
        campaign.close()


@pytest.fixture(scope="module")
def source(gathered: Gathered) -> Source:
    return Source(gathered.plan, gathered.scores, gathered.status, gathered.tables)


def one(source: Source, item: DataItem) -> tuple[int, str]:
    (figure,), mistakes = figures_of([item], source, "考核方案.xlsx")
    assert mistakes == []
    return figure.value, figure.note


def borrowed(figure: CampaignFigure | None, kind: str = "", indicator: str = "") -> DataItem:
    return replace(ITEM, borrowed=Borrowed("部门考核", figure, kind, indicator))


@pytest.mark.parametrize(
    ("figure", "states"),
    [
        (CampaignFigure.UNITS, set(Status)),
        (CampaignFigure.RETURNED, {Status.ON_TIME, Status.LATE}),
        (CampaignFigure.ON_TIME, {Status.ON_TIME}),
        (CampaignFigure.LATE, {Status.LATE}),
        (CampaignFigure.NOT_RETURNED, {Status.NOT_RETURNED}),
    ],
)
def test_units_by_how_they_returned(
    source: Source, figure: CampaignFigure, states: set[Status]
) -> None:
    for kind in ("", "部门", "乡镇"):
        of_kind = [unit.code for unit in source.plan.units if kind in ("", unit.kind)]
        wanted = sum(source.status[code] in states for code in of_kind)
        assert one(source, borrowed(figure, kind)) == (wanted * 100, "")


def test_units_that_score_on_an_indicator(source: Source) -> None:
    own = source.scores[source.scores["indicator"] == "4.1"]
    for kind in ("部门", "乡镇"):
        rows = own[own["kind"] == kind].to_dict("records")
        scoring = sum(row["score"] > 0 for row in rows)
        full = sum(row["score"] == row["full_marks"] for row in rows)
        assert scoring != full
        assert one(source, borrowed(CampaignFigure.SCORING, kind, "4.1"))[0] == scoring * 100
        assert one(source, borrowed(CampaignFigure.FULL, kind, "4.1"))[0] == full * 100


def test_rows_of_a_register_in_all_returns(source: Source) -> None:
    rows = source.returned.registers["项目清单"].values
    of_kind = {unit.code for unit in source.plan.units if unit.kind == "部门"}
    kept = rows[rows["unit"].isin(of_kind) & (rows["设置绩效目标"] == "是")]
    item = replace(
        borrowed(None, "部门"),
        register="项目清单",
        conditions=(Condition("设置绩效目标", Relation.EQUAL, "是"),),
    )
    count = replace(item, aggregate=Aggregate.COUNT)
    amount = replace(item, aggregate=Aggregate.SUM, column="全年预算数")
    budgets = replace(item, aggregate=Aggregate.DISTINCT, column="资金性质")
    assert one(source, count)[0] == len(kept) * 100
    assert one(source, amount)[0] == sum(int(value) for value in kept["全年预算数"].dropna())
    named = {value for value in kept["资金性质"] if value}
    assert one(source, budgets)[0] == len(named) * 100


def test_what_is_not_final_is_said(gathered: Gathered, source: Source) -> None:
    scores = gathered.scores.copy()
    own = (scores["indicator"] == "3.2") & (scores["kind"] == "部门")
    scores.loc[scores.index[own][:3], "basis"] = "计算（暂定）"
    status = {**source.status, "101": Status.NOT_RETURNED}
    item = borrowed(CampaignFigure.SCORING, "部门", "3.2")
    note = one(replace(source, scores=scores, status=status), item)[1]
    assert note == "3 个单位的得分未经股室核定；1 个单位未报送，按没有得分计"


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (borrowed(CampaignFigure.UNITS, "企业"), "没有单位类别“企业”"),
        (borrowed(CampaignFigure.SCORING, "部门", "9.9"), "部门没有指标“9.9”"),
        (replace(borrowed(None), register="台账"), "没有登记表“台账”"),
        (replace(borrowed(None), register="项目清单", aggregate=Aggregate.SUM, column="金额"),
         "没有列“金额”"),
        (replace(borrowed(None), register="项目清单", aggregate=Aggregate.SUM, column="备注"),
         "不能合计"),
        (replace(borrowed(None), register="项目清单", aggregate=Aggregate.COUNT,
                 conditions=(Condition("设置绩效目标", Relation.EQUAL, "有"),)), "右边"),
    ],
)  # fmt: skip
def test_what_the_other_campaign_cannot_give(source: Source, item: DataItem, said: str) -> None:
    found, (mistake,) = figures_of([item], source, "考核方案.xlsx")
    assert found == []
    assert said in mistake.what
    assert (mistake.code, mistake.place.sheet, mistake.place.cell) == ("E702", "数据项", "A9")


def test_eighteen_of_twenty_two_departments_give_four_marks(source: Source) -> None:
    scores = source.scores.copy()
    own = (scores["indicator"] == "3.2") & (scores["kind"] == "部门")
    assert own.sum() == 22
    scores.loc[scores.index[own], "score"] = [0] * 4 + [500] * 18
    book = YearBook.sample()
    items = [one for one in book.plan.data_items if one.borrowed]
    # Nothing is typed in: the figures come from the campaign alone.
    for row in (4, 5, 6):
        book.put("数据项", row, "数值", "")
    figures, _ = figures_of(items, replace(source, scores=scores), "考核方案.xlsx")
    values = {figure.item: figure.value for figure in figures}
    checked = book.check(values)
    taken = frame_of(
        [
            {"item": name, "campaign": "部门考核", "value": value, "note": "", "code": "SL2023",
             "name": "2023年度考核", "folder": "x", "taken_at": pd.Timestamp("2024-01-10")}
            for name, value in values.items()
        ],
        CAMPAIGN_FIGURES,
    )  # fmt: skip
    score = county_score(book.plan, checked.unit, checked.tables, checked.computed, taken, DAY)
    leaf = score.leaves[score.leaves["indicator"] == "3.2"].iloc[0]
    assert (leaf["computed"], leaf["arithmetic"]) == (400, "5×18÷22=4.09，按0.5分取整为4.0")
    own = score.evidence[score.evidence["indicator"] == "3.2"]
    assert "开展部门整体绩效目标管理的部门数 18个（取自2023年度考核，2024-01-10）" in set(
        own["title"]
    )
    # Nor does it need the sheet on which they would be typed.
    del book.grid.sheets["数据项"]
    without = book.check(values).computed.set_index("indicator")
    assert without.loc["3.2", "computed"] == 400
    figure = score.figures.set_index("item").loc["一级预算部门数"]
    assert (figure["taken"], figure["used"], figure["code"]) == (2_200, 2_200, "SL2023")
    assert pd.isna(figure["typed"])
