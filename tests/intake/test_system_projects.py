"""Exports of the budget system as they come: spellings, codes that Excel spoiled, money, encodings."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_exports import LABELS, Row, as_rows, grid_of, made_projects, text, xlsx

from perfxl.errors import ImportRefused, Unreadable
from perfxl.excel.delimited import read_export
from perfxl.intake.system_projects import (
    fen_of,
    read_system_projects,
    shown_amount,
    spoiled,
)
from perfxl.plan.model import Plan
from perfxl.tables import SystemProjects

Grid = list[list[Any]]


def read(plan: Plan, grid: Sequence[Sequence[Any]]) -> SystemProjects:
    assert plan.project_import is not None
    rows = [["" if value is None else value for value in row] for row in grid]
    return read_system_projects(plan, plan.project_import, {"项目表": rows}, "一体化.xlsx")


@pytest.fixture
def rows(plan: Plan) -> list[Row]:
    return as_rows(plan, made_projects(plan, 12, units=4))


def noted(found: SystemProjects) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    return (
        [(one.code, one.place.cell) for one in found.faults],
        [(one.code, one.place.cell) for one in found.remarks],
    )


def test_every_format_reads_the_same(plan: Plan, rows: list[Row]) -> None:
    assert plan.project_import is not None
    grid = grid_of(rows)
    wanted = read(plan, grid)
    assert len(wanted.projects) == 12 and wanted.rows == 12 and noted(wanted) == ([], [])
    for data in (
        xlsx(grid),
        text(grid, "utf-8"),
        text(grid, "utf-8-sig"),
        text(grid, "gbk"),
        text(grid, "gb18030"),
        text(grid, "utf-16", "\t"),
        b"sep=;\r\n" + text(grid, "gb18030", ";"),
    ):
        sheets = read_export(data, "一体化")
        found = read_system_projects(plan, plan.project_import, sheets, "一体化")
        assert [(p.unit, p.code, p.values, p.exact) for p in found.projects] == [
            (p.unit, p.code, p.values, p.exact) for p in wanted.projects
        ]


def test_rows_keep_their_place_under_seps_own_line(plan: Plan, rows: list[Row]) -> None:
    """Excel's line sep= is no row of the table; places are those that people see."""
    sheets = read_export(b"sep=,\r\n" + text(grid_of(rows), "utf-8"), "表.csv")
    assert list(sheets) == ["表"] and sheets["表"][2][3] == "项目编码"


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<html><table>", "网页"),
        (b"%PDF-1.4", "PDF"),
        (b"\xff\x00\x12" * 50, "编码"),
        (b"a,b\x00,c\n", "不是文本文件"),
        (b'a,"' + b"x" * 200_000, "引号"),
    ],
)
def test_what_is_no_table_is_told(data: bytes, what: str) -> None:
    with pytest.raises(Unreadable, match=what):
        read_export(data, "导出.csv")


def test_codes_kept_as_text_by_a_trick_are_those_codes() -> None:
    (table,) = read_export(b'="0012",\'0012,\t0012,"=""A"""\n', "a.csv").values()
    assert table == [["0012", "0012", "0012", "A"]]


def test_units_are_matched_and_never_guessed(plan: Plan, rows: list[Row]) -> None:
    names = [
        ("", "石楼县教育科技局", "101"),
        ("101", "", "101"),
        (101.0, "", "101"),
        ("", "教科局", "101"),
        ("", "[9001]石楼县公安局", "105"),
        ("", "9001-公安局", "105"),
        ("9", "  石楼县 公安局", "105"),
        ("105", "石楼县人大办公室", "105"),  # by its code; the name is told
        ("105", "石楼县教育科技局", ""),
        ("", "石楼县公安", ""),
        ("", "", ""),
        ("", "县公安局交警队", ""),
    ]
    for number, (row, (code, name, _)) in enumerate(zip(rows, names, strict=True)):
        row |= {"单位编码": code, "单位名称": name, "项目编码": f"P{number}"}
    found = read(plan, grid_of(rows))
    by_code = {one.code: one.unit for one in found.projects}
    assert by_code == {f"P{n}": unit for n, (_, _, unit) in enumerate(names) if unit}
    faults, remarks = noted(found)
    assert faults == [("E743", "B12"), ("E743", "B14")]
    assert remarks == [("E748", "B11")]
    strange = {one.name: (one.rows, one.proposals[:1]) for one in found.strange}
    assert strange == {"石楼县公安": ((13,), ("105",)), "县公安局交警队": ((15,), ("105",))}
    assert found.incomplete == {"101", "105"}


@pytest.mark.parametrize(
    ("code", "is_spoiled"),
    [
        ("1411262310000000000001", False),
        ("1.41126E+21", True),
        ("1E10", True),
        ("1.00E+10", True),
        (1.41126231e21, True),
        (1e10, True),
        (141126231000001.0, False),
        (1411262310000001.0, True),
        (101001.0, False),
        (12.5, True),
        (dt.date(2023, 1, 1), True),
        ("2023-E7", False),
    ],
)
def test_a_code_that_excel_spoiled_is_known(code: object, is_spoiled: bool) -> None:
    assert spoiled(code) is is_spoiled


def test_spoiled_codes_are_told_and_left_out(plan: Plan, rows: list[Row]) -> None:
    rows[0]["项目编码"], rows[5]["项目编码"] = 1.4112623e21, "1E10"
    rows[6]["项目编码"] = ""
    found = read(plan, grid_of(rows))
    assert noted(found)[0] == [("E742", "D4"), ("E742", "D9"), ("E746", "D10")]
    assert len(found.projects) == 9 and found.incomplete == {"101", "102", "103"}


def test_numbers_of_the_usual_length_may_end_in_noughts(plan: Plan, rows: list[Row]) -> None:
    for number, row in enumerate(rows):
        row["项目编码"] = float(14_000_000_000 + number)
    assert noted(read(plan, grid_of(rows))) == ([], [])


def test_repeated_rows(plan: Plan, rows: list[Row]) -> None:
    """The same row twice is one; parts by fund add up, other words go by the largest part."""
    rows[3] = dict(rows[0])
    part = {**rows[1], "资金性质": "政府性基金", "全年预算数": "99,999,999.99", "年初预算数": -1}
    rows[1] |= {"资金性质": "一般公共预算资金", "年初预算数": 3}
    found = read(plan, grid_of([*rows, part]))
    faults, remarks = noted(found)
    assert faults == [] and sorted(remarks) == [("E748", "D7"), ("E748", "F16")]
    (summed,) = [one for one in found.projects if len(one.rows) == 2]
    first = fen_of(rows[1]["全年预算数"], "元")
    assert first is not None
    assert summed.exact == {"年初预算数": 200, "全年预算数": first + 9_999_999_999}
    assert summed.values["资金性质"] == "政府性基金预算"
    assert len(found.projects) == 11


def test_contradicting_rows_are_left_out_where_nothing_adds_up(plan: Plan, rows: list[Row]) -> None:
    from dataclasses import replace  # noqa: PLC0415

    from perfxl.plan.model import ImportUse  # noqa: PLC0415

    declared = plan.project_import
    assert declared is not None
    columns = tuple(
        replace(one, use=ImportUse.PREFILL) if one.use is ImportUse.SUM else one
        for one in declared.columns
    )
    rows[1] = {**rows[0], "全年预算数": 5}
    grid = grid_of(rows)
    sheets = {"项目表": grid}
    found = read_system_projects(plan, replace(declared, columns=columns), sheets, "x.xlsx")
    assert noted(found)[0] == [("E745", "D5")]
    assert rows[0]["项目编码"] not in {one.code for one in found.projects}
    assert "101" in found.incomplete


@pytest.mark.parametrize(
    ("label", "value", "code"),
    [
        ("全年预算数", "约三百万", "E744"),
        ("全年预算数", -5, "E744"),
        ("全年预算数", "#REF!", "E744"),
        ("资金性质", "财政专户管理资金", "E744"),
    ],
)
def test_what_cannot_be_read_is_told_and_left_blank(
    plan: Plan, rows: list[Row], label: str, value: object, code: str
) -> None:
    grid = grid_of(rows)
    grid[3][LABELS.index(label)] = value
    grid[-2][6:] = ["", ""]
    found = read(plan, grid)
    assert [one for one, _ in noted(found)[0]] == [code]
    assert found.projects[0].values[label] is None
    assert len(found.projects) == 12


def test_a_total_that_is_not_the_sum_is_told(plan: Plan, rows: list[Row]) -> None:
    grid = grid_of(rows)
    del grid[5]
    assert sorted(noted(read(plan, grid))[1]) == [("E747", "G15"), ("E747", "H15")]


def test_subtotals_repeated_headings_and_footers_are_no_projects(
    plan: Plan, rows: list[Row]
) -> None:
    grid = grid_of(rows)
    grid[6:6] = [["", "", "石楼县公安局小计", "", "", "", 5, 5], list(LABELS), [""] * 8]
    grid += [["", "", "", "审核人：李四"]]
    found = read(plan, grid)
    assert len(found.projects) == 12 and noted(found) == ([], []) and found.strange == ()


def test_a_place_name_is_no_unit_of_money(plan: Plan, rows: list[Row]) -> None:
    grid = grid_of(rows)
    grid[1] = ["填报单位：万元乡人民政府"]
    assert len(read(plan, grid).projects) == 12


Refused = Callable[[Grid], object]


@pytest.mark.parametrize(
    ("spoil", "cell", "what"),
    [
        (lambda g: g[2].__setitem__(4, "项目全名"), "A3", "表头里没有“项目名称”"),
        (lambda g: g[2].append("项目名称"), "I3", "有两列（E3）"),
        (lambda g: g[2].__setitem__(7, "全年预算数（万元）"), "H3", "以万元为单位"),
        (lambda g: g[1].__setitem__(0, "金额单位：万元"), "A2", "以万元为单位"),
        (lambda g: g.__delitem__(slice(3, None)), "", "没有一个项目"),
        (lambda g: g.__setitem__(2, ["甲", "乙"]), "", "找不到表头"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_at_its_cell(
    plan: Plan, rows: list[Row], spoil: Refused, cell: str, what: str
) -> None:
    grid = grid_of(rows)
    spoil(grid)
    with pytest.raises(ImportRefused, match=what) as refused:
        read(plan, grid)
    assert refused.value.mistakes[0].place.cell == cell


def test_text_of_the_export_stays_text(plan: Plan, rows: list[Row]) -> None:
    rows[0]["项目名称"] = "=HYPERLINK(1)"
    assert read(plan, grid_of(rows)).projects[0].values["项目名称"] == "=HYPERLINK(1)"


@given(st.integers(0, 10**13), st.sampled_from(["元", "万元"]))
def test_money_is_exact_to_the_fen(fen: int, unit: str) -> None:
    """Any amount of 分 that a cell can hold comes back, as a number or as a text."""
    scale = {"元": 100, "万元": 1_000_000}[unit]
    exact = Decimal(fen) / scale
    for typed in (f"{exact:,f}", f"{exact:f}{unit}", f"¥{exact:,f}"):
        assert fen_of(typed, unit) == fen
    assert fen_of(float(exact), unit) == fen
    rounded = (Decimal(fen) / 10_000).quantize(Decimal(1), ROUND_HALF_UP)
    assert shown_amount(fen, "万元") == int(rounded)
    assert shown_amount(fen, "元") == fen


@given(st.integers(0, 2**32))
def test_no_project_is_lost_or_doubled(plan: Plan, seed: int) -> None:
    """In any order of rows each project of a known unit is there once; sums are the export's."""
    chance = random.Random(seed)
    made = made_projects(plan, chance.randint(1, 40), seed)
    rows = as_rows(plan, made)
    chance.shuffle(rows)
    found = read(plan, grid_of(rows))
    assert sorted(one.code for one in found.projects) == sorted(one.code for one in made)
    for unit in plan.units:
        own = found.by_unit.get(unit.code, ())
        assert sum(one.exact["全年预算数"] for one in own) == sum(
            one.budget for one in made if one.unit == unit.code
        )


def test_a_second_sheet_of_projects_is_not_passed_over(plan: Plan, rows: list[Row]) -> None:
    declared = plan.project_import
    assert declared is not None
    first, second = grid_of(rows[:6]), grid_of(rows[6:])
    with pytest.raises(ImportRefused, match="一次只导入一张表") as refused:
        read_system_projects(plan, declared, {"一": first, "二": second}, "两张.xlsx")
    assert [one.place.sheet for one in refused.value.mistakes] == ["二"]
    headings_only = [list(LABELS)]
    found = read_system_projects(plan, declared, {"一": first, "空": headings_only}, "一张.xlsx")
    assert len(found.projects) == 6
