"""projects (项目): import the budget system's project list, say how it stands."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now, operator
from perfxl.cli.output import moment, print_json

if TYPE_CHECKING:
    from perfxl.errors import Mistake
    from perfxl.plan.model import Plan
    from perfxl.tables import SystemProjects

# So many lines of one list are printed; --json gives all.
MOST_LINES = 30


@cli.group("projects", cls=ChineseGroup)
def projects() -> None:
    """预算管理一体化系统的项目表：导入，预填各单位的登记表，收回后核对。"""


@projects.command("import", cls=ChineseCommand)
@click.argument("file", metavar="文件", type=PATH)
@click.option("--dry-run", is_flag=True, help="只看读出什么，不记录")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def import_(context: click.Context, file: Path, dry_run: bool, as_json: bool) -> None:
    """导入系统导出的项目表 .xlsx、.xls、.csv（读：给出的文件；写：原件/、台账.db）。

    各列按考核方案的“项目导入”表对应；再次导入以后一次为准，并说明变了什么。导入后执行
    perfxl issue，各单位的登记表就带有自己的项目；收回后 perfxl check 核对。
    有没有导入的行或认不出的单位时，退出码为 1。

    \b
    例：perfxl -C 考核2024 projects import 项目表.xlsx
    """
    from perfxl.console import plain, print_table
    from perfxl.stages.project_list import import_list

    campaign = campaign_of(context)
    result = import_list(campaign, file, now(), operator(), record=not dry_run)
    plan, found = campaign.plan, result.projects
    left_out = bool(found.faults or found.strange)
    if as_json:
        changed = [vars(one) for one in result.changes]
        print_json({**_record(plan, found), "recorded": result.new, "changes": changed})
        sys.exit(FINDINGS_EXIT if left_out else 0)
    click.echo(
        f"{plain(result.record.file)}：{found.rows} 行，{len(found.projects)} 个项目，"
        f"{len(found.by_unit)} 个单位。"
    )
    _print_amounts(plan, found)
    _print_doubts(plan, found)
    if result.supersedes is not None:
        units = plan.unit_by_code
        click.echo(
            f"与 {moment(result.supersedes.imported_at)} 导入的 {plain(result.supersedes.file)} 相比，"
            f"有 {len(result.changes)} 处不同{_only_first(result.changes)}。"
        )
        if result.changes:
            print_table(
                ("单位", "项目", "列", "原为", "现为"),
                [
                    (units[one.unit].name, one.code, one.label, one.before, one.after)
                    for one in result.changes[:MOST_LINES]
                ],
            )
    if dry_run:
        click.echo("没有记录（--dry-run）。")
    elif result.new:
        click.echo("已记录，原件在“原件”文件夹。下一步：perfxl issue 把项目填入各单位的工作簿。")
    else:
        when = moment(result.record.imported_at)
        click.echo(f"与 {when} 由 {result.record.imported_by} 导入的是同一个文件，没有变化。")
    sys.exit(FINDINGS_EXIT if left_out else 0)


@projects.command("status", cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """现用的项目表：哪个文件、何时、谁导入，各单位多少项目、多少钱（读：原件/、台账.db）。

    \b
    例：perfxl -C 考核2024 projects status
    """
    from perfxl.console import plain
    from perfxl.stages.project_list import status as run

    campaign = campaign_of(context)
    plan, one = campaign.plan, run(campaign)
    lists = [*one.earlier, one.record]
    if as_json:
        imports = [{**vars(each), "imported_at": moment(each.imported_at)} for each in lists]
        print_json(
            {
                **_record(plan, one.projects),
                "imports": imports,
                "issued_before": one.issued_before,
            }
        )
        return
    for number, each in enumerate(lists, 1):
        now_used = "，现用" if each is one.record else ""
        click.echo(
            f"第 {number} 次导入：{plain(each.file)}，{moment(each.imported_at)}，"
            f"{plain(each.imported_by)}，{each.projects} 个项目{now_used}。"
        )
    _print_amounts(plan, one.projects)
    _print_doubts(plan, one.projects)
    if one.issued_before:
        click.echo(
            f"{len(one.issued_before)} 个单位的工作簿是导入以前下发的，没有现用的项目："
            f"{'、'.join(one.issued_before)}。要填入请执行 perfxl issue 并重新发送。"
        )


def _labels(plan: Plan) -> list[str]:
    """The columns of money."""
    assert plan.project_import is not None
    return [one.column.label for one in plan.project_import.columns if one.money]


def _amounts(plan: Plan, found: SystemProjects) -> list[dict[str, Any]]:
    """Per unit of the roster: number of projects; per column the exact sum (元), the sum of what
    the register shows, and their difference by rounding."""
    from perfxl.points import as_text

    units = []
    for unit in plan.units:
        own = found.by_unit.get(unit.code, ())
        sums = {}
        for label in _labels(plan):
            exact = sum(one.exact.get(label, 0) for one in own)
            shown = [one.values.get(label) for one in own]
            sums[label] = {
                "exact_yuan": as_text(exact, 2),
                "shown": as_text(sum(v for v in shown if isinstance(v, int)), 2),
            }
        units.append({"unit": unit.code, "name": unit.name, "projects": len(own), "sums": sums})
    return units


def _print_amounts(plan: Plan, found: SystemProjects) -> None:
    from perfxl.console import print_table

    assert plan.project_import is not None
    register = next(one for one in plan.registers if one.name == plan.project_import.register)
    money = {one.column.label: one.column.unit for one in register.columns}
    labels = _labels(plan)
    rows, without = [], []
    for unit in _amounts(plan, found):
        if not unit["projects"]:
            without.append(unit["name"])
            continue
        amounts: list[str] = []
        for label in labels:
            amounts += [unit["sums"][label]["exact_yuan"], unit["sums"][label]["shown"]]
        rows.append((unit["unit"], unit["name"], str(unit["projects"]), *amounts))
    heads = [
        head for one in labels for head in (f"{one}（元，系统）", f"{one}（{money[one]}，预填）")
    ]
    print_table(
        ("编码", "单位", "项目数", *heads), rows, right=tuple(range(2, 3 + 2 * len(labels)))
    )
    if labels:
        click.echo(
            "系统的金额精确到分保存；预填的逐个项目四舍五入到百分之一，合计因此可能略有出入。"
        )
    if without:
        click.echo(f"名录中没有项目的单位 {len(without)} 个：{'、'.join(without)}。")


def _print_doubts(plan: Plan, found: SystemProjects) -> None:
    from perfxl.console import print_table

    if found.strange:
        count = sum(len(one.rows) for one in found.strange)
        click.echo(
            f"单位名录不认得的单位 {len(found.strange)} 个，{count} 行没有导入"
            f"{_only_first(found.strange)}。是名录中的单位的，把系统的写法加进它的“简称”，"
            "不必重新导入。"
        )
        units = plan.unit_by_code
        print_table(
            ("系统的单位", "行数", "第一行", "可能是"),
            [
                (
                    one.name,
                    str(len(one.rows)),
                    str(one.rows[0]),
                    "、".join(f"{code} {units[code].name}" for code in one.proposals),
                )
                for one in found.strange[:MOST_LINES]
            ],
            right=(1, 2),
        )
    _print_mistakes("没有导入的行和没有预填的格", found.faults)
    _print_mistakes("需要知道的", found.remarks)


def _print_mistakes(title: str, mistakes: Sequence[Mistake]) -> None:
    from perfxl.console import print_table

    if not mistakes:
        return
    click.echo(f"{title} {len(mistakes)} 处{_only_first(mistakes)}。")
    print_table(
        ("代码", "位置", "内容", "处理办法"),
        [
            (one.code, f"{one.place.sheet}!{one.place.cell}", one.what, one.remedy)
            for one in mistakes[:MOST_LINES]
        ],
    )


def _only_first(lines: Sequence[object]) -> str:
    return f"，先列前 {MOST_LINES} 个，全部见 --json" if len(lines) > MOST_LINES else ""


def _record(plan: Plan, found: SystemProjects) -> Mapping[str, Any]:
    def told(mistakes: Sequence[Mistake]) -> list[dict[str, str]]:
        return [
            {
                "code": one.code,
                "sheet": one.place.sheet,
                "cell": one.place.cell,
                "what": one.what,
                "remedy": one.remedy,
            }
            for one in mistakes
        ]

    return {
        "rows": found.rows,
        "projects": len(found.projects),
        "units": _amounts(plan, found),
        "strange_units": [
            {"name": one.name, "rows": one.rows, "proposals": one.proposals}
            for one in found.strange
        ],
        "faults": told(found.faults),
        "remarks": told(found.remarks),
        "incomplete": sorted(found.incomplete),
    }
