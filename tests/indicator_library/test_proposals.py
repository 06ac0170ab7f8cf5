"""What is proposed: columns by their headings, indicators by their names; never more than that."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfxl.indicator_library.columns import find_indicator_table
from perfxl.indicator_library.importing import Origin, read_indicators
from perfxl.indicator_library.merging import Pending, merge, proposed
from perfxl.indicator_library.model import Entry, Library
from perfxl.indicator_library.similar import likenesses

ORIGIN = Origin("某县.xlsx", "0" * 64, "某县")


def named(name: str, **more: str) -> dict[str, str]:
    return {"name": name, **more}


@pytest.mark.parametrize(
    ("candidate", "other", "same"),
    [
        (named("质量达标率"), named("产出质量达标率"), False),
        (named("服务对象满意度"), named("社会公众或服务对象满意度"), False),
        (named("满意度（%）"), named("满意度"), True),
        (named("质量达标率指标"), named("质量 达标率"), True),
        (named("质量达标率", level_1="产出"), named("质量达标率", level_1="产出指标"), True),
        (named("覆盖率", sector="教育"), named("覆盖率", sector="卫生"), False),
    ],
)
def test_alike_and_the_same(candidate: dict[str, str], other: dict[str, str], same: bool) -> None:
    ((found,),) = likenesses([candidate], [other])
    assert found.same_name is same


def test_others_are_not_alike() -> None:
    names = ["实际完成率", "受益人口数", "单位成本", "空气质量优良天数"]
    for name in names:
        others = [named(other) for other in names if other != name]
        assert likenesses([named(name)], others) == [[]]


def test_of_two_columns_of_one_meaning_the_usual_word_is_proposed() -> None:
    rows = [["某县指标"], ["序号", "指标", "三级指标", "计算公式（说明）", "备 注", "填表人"]]
    found = find_indicator_table("表", rows)
    assert found is not None and found.heading_row == 1
    assert {one.heading: one.key for one in found.columns} == {
        "序号": "",
        "指标": "",
        "三级指标": "name",
        "计算公式（说明）": "method",
        "备 注": "note",
        "填表人": "",
    }
    assert not found.sure


def test_a_sheet_without_indicators_gives_nothing() -> None:
    assert find_indicator_table("表", [["姓名", "电话"], ["张三", "1"]]) is None
    assert find_indicator_table("表", [["指标"], ["完成率"]]) is None
    assert read_indicators(ORIGIN, {"表": [["姓名", "电话"]]}, {}, accept=True).candidates == ()


def test_levels_above_speak_for_the_rows_below() -> None:
    rows = [
        ["一级指标", "二级指标", "三级指标", "指标值"],
        ["产出", "数量", "甲", "1"],
        ["", "", "乙", "2"],
        ["", "质量", "丙", "3"],
        ["效益", "", "丁", "4"],
        ["合计", "", "", "100"],
    ]
    found = read_indicators(ORIGIN, {"表": rows}, {}, accept=True).candidates
    assert [
        (one.values["name"], one.values["level_1"], one.values["level_2"]) for one in found
    ] == [
        ("甲", "产出", "数量"),
        ("乙", "产出", "数量"),
        ("丙", "产出", "质量"),
        ("丁", "效益", ""),
    ]
    assert len({one.key for one in found}) == 4


CELLS = st.one_of(
    st.sampled_from(["指标名称", "定义", "目标值", "=1+1", "", "甲"]), st.text(max_size=5)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=6), max_size=6))
def test_whatever_a_sheet_holds_reading_it_gives_candidates_with_names(
    rows: list[list[str]],
) -> None:
    found = read_indicators(ORIGIN, {"表": rows}, {}, accept=True)
    assert all(one.values["name"].strip() for one in found.candidates)


CHOICES = st.sampled_from(
    [
        "",
        "新增",
        "不收",
        "与ZB0001合并",
        "与待1合并",
        "与待2合并",
        "与待3合并",
        "用本条更新ZB0001",
        "啊",
    ]
)


@settings(max_examples=40, deadline=None)
@given(st.lists(CHOICES, min_size=3, max_size=3), st.booleans())
def test_every_candidate_is_handled_left_or_told_and_never_twice(
    choices: list[str], suggested: bool
) -> None:
    library = Library(
        (Entry(named("质量达标率", number="ZB0001", source="甲", year="2023")),), (), {}, {}
    )
    pending = [
        Pending(f"待{n}", choice, "新增", "", named(f"指标{n}", source=f"源{n}", key=f"k{n}"))
        for n, choice in enumerate(choices, 1)
    ]
    result = merge(library, pending, "按建议办理" if suggested else "", 7, "待合并.xlsx")
    handled = [one.ordinal for one, _, _ in result.handled]
    assert len(handled) + len(result.left) + len(result.mistakes) == 3
    assert len(set(handled)) == len(handled)
    for one, how, number in result.handled:
        if how != "不收":
            assert one.values["source"] in result.rows[number]["source"].split("；")
    assert "甲" in result.rows["ZB0001"]["source"].split("；")


def test_proposals_of_a_batch_point_backward_only() -> None:
    kept = [Pending(f"待{n}", "", "", "", named("完成率", key=f"k{n}")) for n in (1, 2, 3)]
    found = proposed(Library((), (), {}, {}), kept, [])
    assert [one.suggestion for one in found] == ["新增", "与待1合并", "与待1合并"]
    assert "与待3合并" not in found[1].options
