"""From cells to tables: identity, citations, registers, data items."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfxl.excel.reader import Grid
from perfxl.excel.stamp import Stamp
from perfxl.intake.assembly import extract
from perfxl.intake.citations import cited_numbers
from perfxl.intake.data_items import mask
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify, unit_in_file_name, unit_of_sender
from perfxl.layout.declare import Column, Field, Table, ValueKind
from perfxl.layout.locate import cell_name, find_fields, find_table
from perfxl.plan.model import (
    Condition,
    LedgerFigure,
    Plan,
    Register,
    RegisterColumn,
    Relation,
)
from perfxl.scoring import compute
from perfxl.tables import ReturnTables, StampState, whole
from perfxl.values import squeeze

KEY = b"key"


def cover(name: str = "", code: str = "") -> list[list[object]]:
    return [["标题"], ["", "单位名称", name], ["", "单位编码", code], ["", "填报人 *", "", "李四"]]


def stamped(plan: Plan, unit: str, key: bytes = KEY) -> Stamp:
    return Stamp(plan.campaign.code, "return", plan.template_version("部门"), unit).signed(key)


@pytest.mark.parametrize(
    ("stamp_of", "name", "file", "unit", "state"),
    [
        ("102", "石楼县教育科技局", "x.xlsx", "102", StampState.GENUINE),
        (None, "石楼县教育科技局", "x.xlsx", "101", StampState.MISSING),
        (None, "教科局", "x.xlsx", "101", StampState.MISSING),
        (None, "", "SL2023-105-石楼县公安局(1).xlsx", "105", StampState.MISSING),
        (None, "不知名的单位", "x.xlsx", None, StampState.MISSING),
    ],
)
def test_the_strongest_trace_of_identity_speaks(
    plan: Plan, stamp_of: str | None, name: str, file: str, unit: str | None, state: StampState
) -> None:
    stamp = stamped(plan, stamp_of) if stamp_of else None
    found = identify(plan, Grid({"封面": cover(name)}, (stamp,) if stamp else ()), file, KEY)
    assert (found.unit.code if found.unit else None) == unit
    assert found.stamp is state
    assert found.preparer == "李四"


def test_a_stamp_signed_with_another_key_does_not_speak(plan: Plan) -> None:
    forged = stamped(plan, "102", b"other")
    found = identify(plan, Grid({"封面": cover(code="101")}, (forged,)), "x.xlsx", KEY)
    assert (found.unit.code if found.unit else None, found.stamp) == ("101", StampState.FORGED)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1、3", ["1", "3"]),
        ("1, 3；5 7", ["1", "3", "5", "7"]),
        ("2-4", ["2", "3", "4"]),
        ("２－４", ["2", "3", "4"]),
        ("A-1、A-1", ["A-1"]),
        ("9-2", ["9-2"]),
        ("", []),
    ],
)
def test_cited_numbers(text: str, numbers: list[str]) -> None:
    assert cited_numbers(text, {}) == numbers


def test_a_registered_number_with_a_dash_is_no_range() -> None:
    assert cited_numbers("1-2", {"1-2": 0}) == ["1-2"]


def from_register(plan: Plan, rows: list[list[object]]) -> ReturnTables:
    """The tables of a return of 101 that holds only a 项目清单."""
    register = next(one for one in plan.registers if one.name == "项目清单")
    heading = [declared.column.heading for declared in register.columns]
    grid = Grid({"项目清单": [["项目清单"], [], heading, *rows]}, (stamped(plan, "101"),))
    identity = identify(plan, grid, "x.xlsx", KEY)
    assert identity.unit is not None
    one = Return("r", "x.xlsx", identity.unit, identity, grid)
    return extract(plan, [one], {"101": {LedgerFigure.LATE_AND_SENT_BACK: 2}})


TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zs")), min_size=1, max_size=20)
PROJECT = st.tuples(
    TEXT, TEXT, st.sampled_from(["一般公共预算", "政府性基金预算"]), st.integers(0, 10**9),
    st.integers(1, 10**9), st.sampled_from(["是", "否"]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(PROJECT, max_size=6))
def test_a_register_comes_back_as_it_was_typed(plan: Plan, projects) -> None:  # type: ignore[no-untyped-def]
    sums = {"合计", "总计", "小计", "合计:", "总计:", "小计:"}
    projects = [p for p in projects if p[0] not in sums and p[1] not in sums]
    rows: list[list[object]] = []
    for code, name, fund, first, budget, target in projects:
        rows += [[code, name, fund, first / 100, budget / 100, 0, "否", "否", target], []]
    returned = from_register(plan, rows)
    values = returned.registers["项目清单"].values
    assert list(values["年初预算数"]) == [p[3] for p in projects]
    assert list(values["全年预算数"]) == [p[4] for p in projects]
    assert list(returned.registers["项目清单"].texts["资金性质"]) == [p[2] for p in projects]
    assert list(values["row"]) == [4 + 2 * number for number in range(len(projects))]
    items = {
        item: whole(value)
        for item, value in zip(
            returned.data_items["item"], returned.data_items["value"], strict=True
        )
    }
    assert items["项目全年预算数"] == sum(p[4] for p in projects)
    assert items["设目标项目全年预算数"] == sum(p[4] for p in projects if p[5] == "是")
    assert items["项目数"] == 100 * len(projects)
    assert items["涉及的资金性质数"] == 100 * len({p[2] for p in projects})
    assert items["材料逾期和退回次数"] == 200
    assert items["应整改问题数"] is None  # its register never arrived


def test_a_row_of_totals_is_passed_over_and_told(plan: Plan) -> None:
    project = ["1", "甲", "一般公共预算", 1, 10, 10]
    returned = from_register(plan, [project, ["合计", "", "", 1, 10, 10]])
    assert len(returned.registers["项目清单"].values) == 1
    assert list(returned.sum_rows["row"]) == [5]


def test_amounts_are_converted_to_the_unit_of_their_column(plan: Plan) -> None:
    rows: list[list[object]] = [["1", "甲", "", "5000元", "1.5亿元", "1,033.00万元"]]
    values = from_register(plan, rows).registers["项目清单"].values
    assert list(values[["年初预算数", "全年预算数", "全年执行数"]].iloc[0]) == [
        50,
        1_500_000,
        103_300,
    ]


TABLE = Table(
    "t", (Column("a", "编码"), Column("b", "金额", ValueKind.MONEY, unit="万元"),
          Column("c", "备注", optional=True)),
)  # fmt: skip


@pytest.mark.parametrize(
    "heading", [["编码", "金额（万元）"], ["", "金 额", "编码 *"], ["编码", "金额", "备注", "别的"]]
)
def test_a_table_is_found_by_its_labels(heading: list[object]) -> None:
    located = find_table([["标题"], [], heading, ["1", 2]], TABLE)
    assert located is not None
    assert (located.heading_row, located.first_row) == (2, 3)
    assert {"a", "b"} <= set(located.columns)


def test_no_table_is_found_where_there_is_none() -> None:
    assert find_table([["通讯录"], ["姓名", "电话"]], TABLE) is None


def test_a_field_is_the_next_filled_cell_before_another_label() -> None:
    fields = (Field("a", "填报人"), Field("b", "电话"))
    rows = [["填报人：", "", "张三", "电话", "", ""]]
    assert find_fields(rows, fields) == {"a": ("张三", "C1"), "b": ("", "E1")}


def test_cell_names() -> None:
    assert [cell_name(0, 0), cell_name(9, 25), cell_name(0, 26), cell_name(0, 701)] == [
        "A1", "Z10", "AA1", "ZZ1",
    ]  # fmt: skip


def test_dates_of_a_register_are_dates(plan: Plan) -> None:
    register = next(one for one in plan.registers if one.name == "整改台账")
    heading = [declared.column.heading for declared in register.columns]
    row = ["1", "问题", "其他", dt.datetime(2023, 5, 10), "2023年6月10日", "", "", "尽快", "整改中"]
    grid = Grid({"整改台账": [heading, row]}, (stamped(plan, "101"),))
    identity = identify(plan, grid, "x.xlsx", KEY)
    assert identity.unit is not None
    returned = extract(plan, [Return("r", "x.xlsx", identity.unit, identity, grid)])
    rows = returned.registers["整改台账"]
    assert str(rows.values["整改期限"].iloc[0].date()) == "2023-06-10"
    assert rows.values["完成日期"].isna().all()
    assert list(rows.texts["完成日期"]) == ["尽快"]


_NAMES = st.text("甲乙 局A", min_size=1, max_size=4).filter(squeeze)
_ADDRESSES = st.sampled_from(["", "a@b.cn", "A@b.cn", "a@b.cn、c@d.cn", "c@d.cn"])


@settings(max_examples=60, deadline=None)
@given(
    roster=st.lists(st.tuples(_NAMES, _ADDRESSES, _ADDRESSES), max_size=6),
    file_name=st.text("甲乙 局A-", max_size=8),
    sender=st.sampled_from(["", "a@b.cn", " C@d.cn", "x@y.cn"]),
)
def test_units_are_found_as_by_going_through_the_roster(
    plan: Plan, roster: list[tuple[str, str, str]], file_name: str, sender: str
) -> None:
    units = tuple(
        replace(plan.units[0], code=str(number), name=name, email=email, copies=copies)
        for number, (name, email, copies) in enumerate(roster)
    )
    changed = replace(plan, units=units)
    named = [unit for unit in units if squeeze(unit.name) in squeeze(file_name)]
    longest = max((len(squeeze(unit.name)) for unit in named), default=0)
    named = [unit for unit in named if len(squeeze(unit.name)) == longest]
    assert unit_in_file_name(changed, file_name) == (named[0] if len(named) == 1 else None)
    address = sender.strip().casefold()
    having = [
        unit
        for unit in units
        if address in [one.casefold() for one in (*unit.addresses, *unit.copy_addresses)]
    ]
    assert unit_of_sender(changed, sender) == (having[0] if len(having) == 1 else None)


CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "合计", "是", "否", "3", "３．５分", "1-2", "某 ", "无", "2023年5月1日"]
    ),
    st.sampled_from([0.0, 2.5, 3.125, -1.0, True, dt.date(2023, 5, 1)]),
)
EDITS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 6), CELLS), max_size=6)


def filled_in(
    plan: Plan, number: int, edits: list[tuple[int, int, object]], above: int, swapped: bool
) -> Return:
    """A return with the rubric's rows, some cells typed over, and registers of a few odd rows."""
    unit = plan.units[number]
    lines: list[list[object]] = [
        [one.code, one.name, one.full_marks / 100, 1.0, "", "1、2", ""]
        for one in plan.rubrics[unit.kind].rows
    ]
    for row, column, cell in edits:
        lines[row % len(lines)][column] = cell
    heading: list[object] = [
        "编码", "指标", "分值", "自评得分", "自评依据", "佐证编号", "扣分原因"
    ]  # fmt: skip
    shown = [row[::-1] if swapped else row for row in (heading, *lines)]
    title: list[list[object]] = [["题"]] * above
    sheets = {"自评表": title + shown}
    for register in plan.registers:
        labels: list[object] = [one.column.heading for one in register.columns]
        rows: list[list[object]] = [[""] * len(labels) for _ in range(4)]
        for row, column, cell in edits:
            rows[row % 4][column % len(labels)] = cell
        sheets[register.name] = [labels, *rows]
    grid = Grid(sheets)
    identity = identify(plan, grid, f"{unit.name}.xlsx", KEY)
    return Return(f"{number:02}", f"{unit.name}.xlsx", unit, identity, grid)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(EDITS, st.integers(0, 2), st.booleans()), min_size=2, max_size=4))
def test_a_batch_says_what_its_returns_say_alone(
    plan: Plan, drawn: list[tuple[list[tuple[int, int, object]], int, bool]]
) -> None:
    returns = [filled_in(plan, number, *one) for number, one in enumerate(drawn)]
    together, alone = extract(plan, returns), [extract(plan, [one]) for one in returns]
    assert len(together.entries) == sum(
        len(plan.rubrics[one.unit.kind].indicators) for one in returns
    )

    def same(whole: pd.DataFrame, parts: list[pd.DataFrame]) -> None:
        for one, part in zip(returns, parts, strict=True):
            own = whole[whole["receipt"] == one.receipt].reset_index(drop=True)
            pd.testing.assert_frame_equal(own, part.reset_index(drop=True))

    for name in ("entries", "subtotals", "strays", "sheets", "sum_rows", "citations", "data_items"):
        same(getattr(together, name), [getattr(one, name) for one in alone])
    for register in plan.registers:
        held = [one.registers[register.name] for one in alone]
        same(together.registers[register.name].values, [one.values for one in held])
        texts = pd.concat([one.texts for one in held], ignore_index=True)
        pd.testing.assert_frame_equal(together.registers[register.name].texts, texts)
    same(compute(plan, together), [compute(plan, one) for one in alone])


@given(st.lists(st.sampled_from(["", "石楼", " 石 楼 ", "离石", "２"]), max_size=8),
       st.sampled_from(list(Relation)), st.sampled_from(["", "石楼", "2"]))  # fmt: skip
def test_a_filter_holds_row_by_row(texts: list[str], relation: Relation, literal: str) -> None:
    register = Register("登记表", (RegisterColumn(Column("a", "a")),))
    values = pd.DataFrame({"a": pd.Series(texts, dtype="object")})
    expected = [
        relation.holds(squeeze(text), squeeze(literal)) and bool(text or not literal)
        for text in texts
    ]
    assert list(mask((Condition("a", relation, literal),), register, values)) == expected
