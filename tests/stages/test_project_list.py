"""The budget system's project list through a campaign: imported, issued, returned, compared."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from made_campaigns import changed_plan
from made_exports import (
    FUNDS,
    Project,
    Row,
    as_rows,
    fill_in,
    grid_of,
    made_projects,
    prefilled_in,
    shown,
    write,
    xlsx,
)
from made_returns import KEY, stamp_for
from offices import Office

from perfxl.campaign import Campaign
from perfxl.cli import cli
from perfxl.errors import NothingToDo, NotInPlan, ProjectListOutdated
from perfxl.excel.delimited import read_export
from perfxl.excel.reader import read_workbook
from perfxl.files import sha256_of
from perfxl.intake.system_projects import read_system_projects
from perfxl.ledger import Verdict
from perfxl.plan.model import Plan
from perfxl.products.template import template
from perfxl.stages.check import check_grid
from perfxl.stages.consolidate import consolidate
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.gather import gather
from perfxl.stages.ingest import incoming, ingest
from perfxl.stages.issue import issue
from perfxl.stages.project_list import import_list, status
from perfxl.tables import SystemProject

NOW = dt.datetime(2024, 1, 3, 9, 0)
Change = Callable[[list[Row]], None]


def few_units(sheets: Any) -> None:
    """A roster of the first four units, for what does not hang on their number."""
    del sheets["单位名录"][4:]


def begin(folder: Path, change: Callable[[Any], None] = few_units) -> Campaign:
    return Campaign.create(folder, changed_plan(change), SAMPLE_STAMP_KEY)


def start(
    folder: Path,
    projects: list[Project],
    plan: Plan,
    change: Callable[[Any], None] = lambda _: None,
) -> Campaign:
    campaign = begin(folder / "考核", change)
    path = write(folder, "一体化.xlsx", xlsx(grid_of(as_rows(plan, projects))))
    result = import_list(campaign, path, NOW, "李四")
    assert (result.new, result.supersedes, result.changes) == (True, None, ())
    assert (result.projects.faults, result.projects.strange, result.projects.remarks) == (
        (),
        (),
        (),
    )
    issue(campaign, NOW)
    return campaign


def issued(campaign: Campaign, unit: str) -> bytes:
    (path,) = (campaign.folder / "下发").rglob(f"*-{unit}-*.xlsx")
    return path.read_bytes()


def check_prefilled(campaign: Campaign, projects: list[Project]) -> None:
    """Every project stands in exactly its unit's workbook, with the amounts of the export."""
    for unit in campaign.plan.units:
        rows = prefilled_in(issued(campaign, unit.code))
        own = [project for project in projects if project.unit == unit.code]
        assert [(r["项目编码"], r["项目名称"], r["资金性质"]) for r in rows] == [
            (p.code, p.name, FUNDS[p.fund]) for p in own
        ]
        for label, fens in (
            ("年初预算数", [p.initial for p in own]),
            ("全年预算数", [p.budget for p in own]),
        ):
            assert [Decimal(str(r[label])) for r in rows] == [shown(fen) for fen in fens]
        assert all(row["全年执行数"] is None for row in rows)


def return_all(
    campaign: Campaign, samples_maker: ModuleType, changes: dict[str, Change], folder: Path
) -> None:
    folder.mkdir()
    for unit in campaign.plan.units:
        data = issued(campaign, unit.code)
        change = changes.get(unit.code, lambda _: None)
        filled = fill_in(samples_maker, campaign.plan, unit, data, change)
        write(folder, f"{unit.code}.xlsx", filled)
    files, passed_over = incoming(campaign, [folder], NOW)
    taken = ingest(campaign, files, passed_over).taken
    assert {one.receipt.verdict for one in taken} == {Verdict.VALID}


def told(campaign: Campaign) -> list[tuple[str, str, str, str]]:
    found = gather(campaign).checked.findings
    return sorted(zip(found["unit"], found["code"], found["cell"], found["severity"], strict=True))


# In a return the first project stands in row 4.
def put(row: int, label: str, value: object) -> Change:
    return lambda rows: rows[row - 4].__setitem__(label, value)


def both(*changes: Change) -> Change:
    def change(rows: list[Row]) -> None:
        for one in changes:
            one(rows)

    return change


def delete(row: int) -> Change:
    return lambda rows: rows.__delitem__(row - 4)


def add(code: str, name: str) -> Change:
    """Another project below the last."""
    return lambda rows: rows.append({**rows[0], "项目编码": code, "项目名称": name})


def projects_of_few(plan: Plan) -> list[Project]:
    """Four projects for each of four units."""
    return made_projects(plan, 16, units=4)


@pytest.fixture(scope="module")
def small(
    tmp_path_factory: pytest.TempPathFactory, plan: Plan, samples_maker: ModuleType
) -> Campaign:
    """Four projects a unit; two units returned, one of them with differences."""
    folder = tmp_path_factory.mktemp("small")
    campaign = start(folder, projects_of_few(plan), plan, few_units)
    changes: dict[str, Change] = {
        "101": both(
            put(4, "项目名称", "改了名的项目"),
            put(5, "全年预算数", 1),
            put(6, "项目编码", "999"),
            add("自编001", "自己加的项目"),
            delete(7),
        )
    }
    (folder / "回").mkdir()
    for code in ("101", "102"):
        unit = plan.unit_by_code[code]
        data = fill_in(
            samples_maker, plan, unit, issued(campaign, code), changes.get(code, lambda _: None)
        )
        write(folder / "回", f"{code}.xlsx", data)
    files, passed_over = incoming(campaign, [folder / "回"], NOW)
    ingest(campaign, files, passed_over)
    return campaign


def test_each_project_is_in_its_units_workbook(small: Campaign, plan: Plan) -> None:
    check_prefilled(small, projects_of_few(plan))


def test_differences_are_found_at_their_cells(small: Campaign) -> None:
    assert told(small) == [
        ("101", "F601", "A3", "核实"),
        ("101", "F602", "A7", "核实"),
        ("101", "F603", "E5", "错误"),
        ("101", "F604", "B4", "核实"),
        ("101", "F606", "A6", "核实"),
    ]
    outcomes = gather(small).checked.outcomes
    compared = outcomes[outcomes["code"].str.startswith("F6")]
    assert set(compared.loc[compared["unit"] == "102", "outcome"]) == {"通过"}
    messages = dict(zip(*gather(small).checked.findings[["code", "message"]].T.values, strict=True))
    assert messages["F606"].endswith("编码填的是“999”，一体化系统为“1411262310000000000008”")


def test_a_prefilled_workbook_alone_is_no_return(small: Campaign, tmp_path: Path) -> None:
    path = write(tmp_path, "未填.xlsx", issued(small, "103"))
    copy = Campaign(Path(shutil.copytree(small.folder, tmp_path / "考核")))
    files, passed_over = incoming(copy, [path], NOW)
    (taken,) = ingest(copy, files, passed_over).taken
    assert taken.receipt.verdict is Verdict.BLANK


def test_one_corrected_amount_is_a_return(
    small: Campaign, tmp_path: Path, samples_maker: ModuleType
) -> None:
    form = samples_maker.Form(issued(small, "104"))
    form.put("项目清单", 4, "全年预算数", 3)
    form.book.save(tmp_path / "改一格.xlsx")
    copy = Campaign(Path(shutil.copytree(small.folder, tmp_path / "考核")))
    files, passed_over = incoming(copy, [tmp_path / "改一格.xlsx"], NOW)
    (taken,) = ingest(copy, files, passed_over).taken
    assert taken.receipt.verdict is Verdict.VALID


def test_a_second_import_says_what_changes(small: Campaign, plan: Plan, tmp_path: Path) -> None:
    copy = Campaign(Path(shutil.copytree(small.folder, tmp_path / "考核")))
    projects = projects_of_few(plan)
    again = write(tmp_path, "再来.xlsx", xlsx(grid_of(as_rows(plan, projects))))
    rows = as_rows(plan, projects)
    rows[0]["全年预算数"] = 1.23
    rows[1]["项目名称"] = "新名"
    new = {**rows[2], "项目编码": "N1", "项目名称": "新项目"}
    path = write(tmp_path, "第二次.xlsx", xlsx(grid_of([*rows[:-1], new])))
    dry = import_list(copy, path, NOW, "王五", record=False)
    assert not dry.new and len(copy.ledger.project_lists()) == 1
    result = import_list(copy, path, NOW, "王五")
    assert result.new and result.supersedes is not None
    assert [(c.unit, c.code, c.label, c.before, c.after) for c in result.changes] == [
        ("101", projects[0].code, "全年预算数", f"{Decimal(projects[0].budget) / 100}元", "1.23元"),
        ("102", projects[1].code, "项目名称", projects[1].name, "新名"),
        ("103", "N1", "", "", "新增"),
        (projects[-1].unit, projects[-1].code, "", "原有", ""),
    ]
    stands = status(copy)
    assert [one.imported_by for one in (*stands.earlier, stands.record)] == ["李四", "王五"]
    assert len(stands.issued_before) == 0  # issued at the same moment
    assert not import_list(copy, path, NOW, "王五").new
    for one in copy.ledger.project_lists():
        assert sha256_of(copy.original(one.original).read_bytes()) == one.sha256
    # The earlier file again is a third import, not nothing.
    assert import_list(copy, again, NOW, "王五").new


@pytest.mark.slow
def test_without_an_import_nothing_is_asked_or_changed(tmp_path: Path, plan: Plan) -> None:
    campaign = begin(tmp_path / "考核")
    issue(campaign, NOW)
    plain = begin(tmp_path / "无", lambda sheets: (few_units(sheets), sheets.pop("项目导入")))
    issue(plain, NOW)
    assert issued(campaign, "101") == issued(plain, "101")
    with pytest.raises(NothingToDo):
        status(campaign)
    with pytest.raises(NotInPlan):
        status(plain)


def test_a_plan_that_no_longer_fits_is_told(small: Campaign, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "考核"))

    def rename(sheets: Any) -> None:
        few_units(sheets)
        sheets["项目导入"][3]["系统列名"] = "项目全称"

    (folder / "考核方案.xlsx").write_bytes(changed_plan(rename))
    with pytest.raises(ProjectListOutdated) as told:
        issue(Campaign(folder), NOW)
    assert "表头里没有“项目全称”，这一行的“项目名称”可能就是" in str(told.value)


@pytest.mark.slow
def test_a_short_name_added_later_finds_the_unit(tmp_path: Path, plan: Plan) -> None:
    campaign = begin(tmp_path / "考核")
    rows = as_rows(plan, made_projects(plan, 4))
    rows[1]["单位名称"] = "石楼县府办"
    path = write(tmp_path, "一体化.xlsx", xlsx(grid_of(rows)))
    result = import_list(campaign, path, NOW, "李四")
    (strange,) = result.projects.strange
    assert strange.name == "1102001 石楼县府办"
    assert "102" not in result.projects.by_unit

    def add_short_name(sheets: Any) -> None:
        few_units(sheets)
        unit = next(row for row in sheets["单位名录"] if row["单位编码"] == "102")
        unit["简称"] += "、石楼县府办"

    (campaign.folder / "考核方案.xlsx").write_bytes(changed_plan(add_short_name))
    assert "102" in status(Campaign(campaign.folder)).projects.by_unit


def test_the_command_line(small: Campaign, plan: Plan, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small.folder, tmp_path / "考核"))
    said = CliRunner().invoke(cli, ["-C", str(folder), "projects", "status"])
    assert said.exit_code == 0 and "第 1 次导入：一体化.xlsx" in said.output
    again = CliRunner().invoke(cli, ["-C", str(folder), "issue"])
    assert "已填入一体化系统的项目共 16 个" in again.output
    rows = as_rows(plan, made_projects(plan, 40, units=4))
    rows[7] |= {"单位名称": "石楼县气象局"}
    path = write(tmp_path, "缺.xlsx", xlsx(grid_of(rows)))
    done = CliRunner().invoke(cli, ["-C", str(folder), "projects", "import", str(path)])
    assert done.exit_code == 1, done.output
    assert "单位名录不认得的单位 1 个，1 行没有导入" in done.output
    as_json = CliRunner().invoke(cli, ["-C", str(folder), "projects", "status", "--json"])
    record = json.loads(as_json.output)
    assert record["projects"] == 39
    assert record["strange_units"][0]["rows"] == [11]
    bad = write(tmp_path, "坏.xlsx", xlsx([["a", "b"], [1, 2]]))
    refused = CliRunner().invoke(cli, ["-C", str(folder), "projects", "import", str(bad)])
    assert refused.exception is not None and "E741" in str(refused.exception)


PLANTED: dict[str, tuple[Change, list[tuple[str, str, str]]]] = {
    # one difference a unit: what was changed, and code, cell, severity that must be told of it
    "101": (put(4, "全年预算数", 0.01), [("F603", "E4", "错误")]),
    "102": (put(150, "全年预算数", 12.34), [("F603", "E150", "错误")]),
    "103": (put(9, "年初预算数", 0), [("F603", "D9", "错误")]),
    "104": (put(10, "年初预算数", 1234.56), [("F603", "D10", "错误")]),
    "105": (put(11, "项目名称", "另一个名称"), [("F604", "B11", "核实")]),
    "106": (put(12, "项目名称", "又一个名称"), [("F604", "B12", "核实")]),
    "107": (put(13, "资金性质", "国有资本经营预算"), [("F604", "C13", "核实")]),
    "108": (put(14, "资金性质", "国有资本经营预算"), [("F604", "C14", "核实")]),
    "109": (put(15, "项目编码", "1411-X"), [("F606", "A15", "核实")]),
    "110": (put(16, "项目编码", "1.41E+21"), [("F606", "A16", "核实")]),
    "111": (delete(4), [("F601", "A3", "核实")]),
    "112": (delete(100), [("F601", "A3", "核实")]),
    "113": (delete(164), [("F601", "A3", "核实")]),
    "114": (add("自编1", "自己的一个项目"), [("F602", "A165", "核实")]),
    "115": (add("自编2", "自己的又一个"), [("F602", "A165", "核实")]),
    "116": (
        lambda rows: rows[16].__setitem__("项目编码", rows[15]["项目编码"]),
        [("F404", "A20", "错误"), ("F601", "A3", "核实")],
    ),
    "117": (
        both(put(21, "项目编码", "改"), put(21, "项目名称", "都改了")),
        [("F601", "A3", "核实"), ("F602", "A21", "核实")],
    ),
    "118": (put(22, "年初预算数", 8), [("F603", "D22", "错误")]),
    "119": (
        both(put(23, "项目名称", "改名"), put(24, "全年预算数", 5)),
        [("F603", "E24", "错误"), ("F604", "B23", "核实")],
    ),
    "201": (put(30, "全年预算数", 99.99), [("F603", "E30", "错误")]),
    "202": (both(delete(50), delete(60)), [("F601", "A3", "核实")] * 2),
}


@pytest.mark.slow
def test_5000_projects_and_20_differences(
    tmp_path: Path, plan: Plan, samples_maker: ModuleType
) -> None:
    projects = made_projects(plan, 5_000)
    campaign = start(tmp_path, projects, plan)
    check_prefilled(campaign, projects)
    counted = Counter(
        row["项目编码"] for unit in plan.units for row in prefilled_in(issued(campaign, unit.code))
    )
    assert len(counted) == 5_000 and set(counted.values()) == {1}
    changes = {unit: change for unit, (change, _) in PLANTED.items()}
    return_all(campaign, samples_maker, changes, tmp_path / "回")
    wanted = sorted((unit, *one) for unit, (_, found) in PLANTED.items() for one in found)
    assert told(campaign) == wanted
    assert len(PLANTED) >= 20


def check_one(
    samples_maker: ModuleType, plan: Plan, rows: list[Row], change: Change
) -> list[tuple[str, str, str, str]]:
    """What is told of unit 101's return against an export of these rows; could-not-run too."""
    assert plan.project_import is not None
    grid = [["" if value is None else value for value in row] for row in grid_of(rows)]
    listed = read_system_projects(plan, plan.project_import, {"表": grid}, "一体化.xlsx")
    unit = plan.unit_by_code["101"]
    whole = read_system_projects(
        plan,
        plan.project_import,
        {"表": grid_of(as_rows(plan, projects_of_few(plan)))},
        "一体化.xlsx",
    )
    issued_workbook = template(plan, unit, stamp_for(plan), projects=whole.by_unit["101"])
    data = fill_in(samples_maker, plan, unit, issued_workbook, change)
    grid_read = read_workbook(data, "101.xlsx")
    checked = check_grid(plan, unit, data, grid_read, "101.xlsx", KEY, projects=listed).result
    outcomes = checked.outcomes[checked.outcomes["outcome"] == "无法检查"]
    return [
        *zip(
            *(checked.findings[one] for one in ("code", "cell", "severity", "message")), strict=True
        ),
        *((code, "", "", "无法检查") for code in outcomes["code"]),
    ]


@pytest.mark.slow
def test_what_an_export_leaves_open_is_not_held_against_a_unit(
    samples_maker: ModuleType, plan: Plan
) -> None:
    """A project whose row could not be taken, or whose unit is unknown, is not told as unknown."""
    rows = as_rows(plan, projects_of_few(plan))
    spoilt = [dict(row) for row in rows]
    spoilt[4]["项目编码"] = 1.41e21  # a project of 101
    assert check_one(samples_maker, plan, spoilt, lambda _: None) == [("F602", "", "", "无法检查")]
    strange = [dict(row) for row in rows]
    strange[4]["单位名称"] = "教育局下属某校"
    assert check_one(samples_maker, plan, strange, lambda _: None) == []
    others = [dict(row) for row in rows]
    others[4]["单位名称"] = plan.units[4].name
    (told_of,) = check_one(samples_maker, plan, others, lambda _: None)
    assert told_of[:3] == ("F602", "A5", "核实")
    assert told_of[3].endswith(f"在一体化系统中是{plan.units[4].name}的项目")


@pytest.mark.slow
@pytest.mark.libreoffice
def test_old_workbooks_of_the_system_are_read(tmp_path: Path, plan: Plan, office: Office) -> None:
    assert plan.project_import is not None
    data = xlsx(grid_of(as_rows(plan, made_projects(plan, 200))))
    source = write(tmp_path, "一体化.xlsx", data)
    office(source, save={str(tmp_path / "旧.xls"): "MS Excel 97"})
    old = (tmp_path / "旧.xls").read_bytes()
    wanted, found = (
        read_system_projects(plan, plan.project_import, read_export(one, "x"), "x")
        for one in (data, old)
    )
    assert len(found.projects) == 200 and found.faults == ()
    assert [vars(one) for one in found.projects] == [vars(one) for one in wanted.projects]


@pytest.mark.slow
@pytest.mark.libreoffice
def test_a_round_through_libreoffice(
    tmp_path: Path, plan: Plan, samples_maker: ModuleType, office: Office
) -> None:
    campaign = start(tmp_path, made_projects(plan, 31 * 12), plan)
    (tmp_path / "回").mkdir()
    for code, form in (("101", "Calc MS Excel 2007 XML"), ("102", "MS Excel 97"), ("103", "calc8")):
        unit = plan.unit_by_code[code]
        filled = fill_in(samples_maker, plan, unit, issued(campaign, code))
        source = write(tmp_path, f"{code}.xlsx", filled)
        suffix = {"MS Excel 97": ".xls", "calc8": ".ods"}.get(form, ".xlsx")
        office(source, save={str(tmp_path / "回" / f"{code}{suffix}"): form})
    files, passed_over = incoming(campaign, [tmp_path / "回"], NOW)
    taken = ingest(campaign, files, passed_over).taken
    assert [one.receipt.verdict for one in taken] == [Verdict.VALID] * 3
    assert told(campaign) == []


@pytest.mark.slow
def test_the_consolidated_workbook_lists_the_differences(
    small: Campaign, tmp_path: Path, office: Office
) -> None:
    copy = Campaign(Path(shutil.copytree(small.folder, tmp_path / "考核")))
    path = consolidate(copy, NOW).path
    shown_live = office(path, read=["一体化核对", "一体化差异"])
    lines = shown_live["一体化差异"][3:]
    assert sorted((line[2], line[10]) for line in lines if line[0]) == [
        ("内容不同", "项目清单!B4"),
        ("报送有、系统没有", "项目清单!A7"),
        ("系统有、报送没有", "项目清单!A3"),
        ("金额不同", "项目清单!E5"),
        ("项目编码不同", "项目清单!A6"),
    ]
    (amount,) = [line for line in lines if line[2] == "金额不同"]
    assert amount[9] == pytest.approx(amount[8] - amount[7]) and amount[8] == 1
    units = {line[0]: line for line in shown_live["一体化核对"][3:] if line[0]}
    # Unit, name, status, listed, reported, differences, errors.
    assert units["101"][2:7] == ["按时", 4, 4, 5, 1]
    assert units["102"][2:7] == ["按时", 4, 4, 0, 0]
    assert units["103"][2:7] == ["未报送", 4, "", 0, 0]
    own = [project for project in copy_projects(copy) if project.unit == "102"]
    budget = sum(project.values["全年预算数"] for project in own)  # type: ignore[misc]
    assert units["102"][7:10] == pytest.approx([budget / 100, budget / 100, 0])


def copy_projects(campaign: Campaign) -> list[SystemProject]:
    return list(status(campaign).projects.projects)


HOSTILE = (
    "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "_x0041_", "</t><x>&amp;", "铃\x07响", "[red]红[/]",
    "换\n行", "http://x.example/", "\u202e反", "'单引号", "长" * 32_767,
)  # fmt: skip


def test_what_an_export_says_goes_into_a_workbook_as_text(plan: Plan) -> None:
    """Hostile names are text in the issued workbook, and unchanged they are no difference."""
    assert plan.project_import is not None
    rows = as_rows(plan, made_projects(plan, len(HOSTILE), units=1))
    for row, name in zip(rows, HOSTILE, strict=True):
        row["项目名称"] = name
    listed = read_system_projects(plan, plan.project_import, {"表": grid_of(rows)}, "x.xlsx")
    unit = plan.units[0]
    data = template(plan, unit, stamp_for(plan, unit.code), projects=listed.projects)
    grid = read_workbook(data, "101.xlsx")
    assert grid.formulas is not None and not grid.formulas["项目清单"]
    checked = check_grid(plan, unit, data, grid, "101.xlsx", KEY, projects=listed).result
    told = checked.findings[checked.findings["code"].str.startswith("F6")]
    assert list(told["message"]) == []
    rows[0]["项目名称"] = "长" * 32_768
    longer = read_system_projects(plan, plan.project_import, {"表": grid_of(rows)}, "x.xlsx")
    assert [(one.code, one.place.cell) for one in longer.faults] == [("E744", "E4")]
    assert len(longer.faults[0].what) < 200
