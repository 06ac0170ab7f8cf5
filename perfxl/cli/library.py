"""The indicator library: new, import, merge, record, search, insert, retire, restore, changes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now, operator
from perfxl.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perfxl.indicator_library.model import Entry
    from perfxl.indicator_library.versions import Altered
    from perfxl.stages.indicator_library import Saved

_MOST_SHOWN = 30


class LibraryOrder(ChineseGroup):
    """The commands in the order of work."""

    order = (
        *("new", "import", "merge", "record", "search", "insert"),
        *("retire", "restore", "changes", "enter"),
    )


@cli.group(cls=LibraryOrder)
@click.option(
    "--library",
    "named",
    metavar="文件",
    type=PATH,
    help="指标库.xlsx；不写时在考核文件夹及上一级找",
)
@click.pass_context
def library(context: click.Context, named: Path | None) -> None:
    """指标库：收集、合并、查找、更新共性和个性指标，插入考核方案（文件：指标库.xlsx）。"""
    context.meta["library"] = named


def _library(context: click.Context) -> Path:
    from perfxl.stages.indicator_library import find_library

    return find_library(context.obj, context.meta["library"])


@library.command("new", cls=ChineseCommand)
@click.argument("folder", metavar="[文件夹]", required=False, type=PATH)
@click.pass_context
def new(context: click.Context, folder: Path | None) -> None:
    """新建指标库，带有写明来源的通用指标（写：指标库.xlsx）。

    放在各年度考核文件夹的上一级，各年度共用一个。

    \b
    例：perfxl library new
    """
    from perfxl.stages.indicator_library import new_library

    path = new_library(folder or context.obj, now(), operator())
    click.echo(f"已写 {path}。")


@library.command("import", cls=ChineseCommand)
@click.argument("files", metavar="文件...", nargs=-1, required=True, type=PATH)
@click.option("--source", default="", metavar="来源", help="例如 某县财政局2023年指标库")
@click.option("--year", default="", metavar="年度", help="来源的年度，文件中没有写的")
@click.option("--sector", default="", metavar="行业", help="行业领域，文件中没有写的")
@click.option("--type", "kind", type=click.Choice(["共性", "个性"]), help="文件中没有写的")
@click.option("--accept-columns", "accept", is_flag=True, help="直接采用程序提出的列对应")
@click.pass_context
def import_(
    context: click.Context,
    files: tuple[Path, ...],
    source: str,
    year: str,
    sector: str,
    kind: str | None,
    accept: bool,
) -> None:
    """从以前年度的考核方案、别处的指标表收集指标（读：给出的文件；写：待合并.xlsx、列对应.xlsx）。

    表头写法不同的，先写出 列对应.xlsx，确认后再执行一次同样的命令。指标库本身不改动：
    在 待合并.xlsx 里逐条选定处理办法，再执行 perfxl library merge。

    \b
    例：perfxl library import 考核2023/考核方案.xlsx
    例：perfxl library import 某县指标库.xlsx --source 某县2023年指标库 --year 2023
    """
    from perfxl.console import plain, print_table, progress
    from perfxl.indicator_library.columns import UNWANTED
    from perfxl.indicator_library.model import LABELS
    from perfxl.stages.indicator_library import Given, import_files

    path = _library(context)
    with progress("读取文件", len(files)) as advance:
        result = import_files(
            path,
            files,
            now(),
            Given(source, year, sector, kind or "", accept),
            advance,
        )
    for remark in result.remarks[:_MOST_SHOWN]:
        click.echo(plain(remark))
    if len(result.remarks) > _MOST_SHOWN:
        click.echo(f"…… 共 {len(result.remarks)} 条说明。")
    for file, table in result.unconfirmed:
        print_table(
            ("表头", "对应到"),
            [
                (plain(one.heading), LABELS[one.key] if one.key else UNWANTED)
                for one in table.columns
            ],
            title=f"{plain(file)} 的“{plain(table.sheet)}”：",
        )
    if result.known:
        click.echo(f"{result.known} 条以前收过或已在待合并表里，没有重复列入。")
    if result.book:
        click.echo(f"新列入 {result.fresh} 条，待合并表共 {result.waiting} 条：{result.book}。")
        click.echo("请逐条选定“处理”，保存后执行 perfxl library merge。")
    if result.columns:
        click.echo(
            f"以上各表的表头与指标库不同，还没有收：请核对 {result.columns}，"
            "在“确认”一栏选“是”，再执行一次同样的命令（或加 --accept-columns）。"
        )
    sys.exit(FINDINGS_EXIT if result.columns or (result.remarks and not result.fresh) else 0)


@library.command("merge", cls=ChineseCommand)
@click.argument("book", metavar="[待合并.xlsx]", required=False, type=PATH)
@click.pass_context
def merge(context: click.Context, book: Path | None) -> None:
    """按待合并表里选定的办法并入指标库（读：待合并.xlsx；写：指标库.xlsx、历次/）。

    没有选的留在表里，下次再办；全部办完的表移到 历次/。有办不了的行时退出码为 1。

    \b
    例：perfxl library merge 待合并.xlsx
    """
    from perfxl.indicator_library.model import MERGE_FILE
    from perfxl.stages.indicator_library import merge_choices

    path = _library(context)
    result = merge_choices(path, book or path.with_name(MERGE_FILE), now(), operator())
    merged = result.merged
    counts = [
        f"{how} {number} 条"
        for how in ("新增", "合并", "更新", "不收")
        if (number := sum(one[1] == how for one in merged.handled))
    ]
    click.echo(f"{'，'.join(counts) or '没有办理'}。")
    if merged.done_before:
        click.echo(f"{merged.done_before} 条以前办过，没有重复办理。")
    for mistake in merged.mistakes:
        click.echo(str(mistake))
    if merged.left:
        click.echo(f"还有 {len(merged.left)} 条没有选定，留在表里。")
    if result.book_kept:
        click.echo(f"这份表已全部办完，移到 {result.book_kept}。")
    _say_saved(path, result.saved)
    sys.exit(FINDINGS_EXIT if merged.mistakes else 0)


@library.command("record", cls=ChineseCommand)
@click.pass_context
def record(context: click.Context) -> None:
    """登记在指标库.xlsx 里直接做的修改，给新行编号（读写：指标库.xlsx）。

    其他写指标库的命令也会先这样登记。

    \b
    例：perfxl library record
    """
    from perfxl.stages.indicator_library import record as run

    path = _library(context)
    saved = run(path, now(), operator())
    if not saved.version:
        click.echo("指标库与上次登记时一样。")
    _say_saved(path, saved)


@library.command("search", cls=ChineseCommand)
@click.argument("words", metavar="[词]...", nargs=-1)
@click.option("--sector", default="", metavar="行业", help="例如 教育（通用的也列出）")
@click.option("--type", "kind", type=click.Choice(["共性", "个性"]), default=None)
@click.option("--year", default="", metavar="年度")
@click.option("--all", "retired", is_flag=True, help="连停用的也列出")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def search(
    context: click.Context,
    words: tuple[str, ...],
    sector: str,
    kind: str | None,
    year: str,
    retired: bool,
    as_json: bool,
) -> None:
    """查找指标：每个词都出现的，名称里有的排在前面（读：指标库.xlsx）。

    \b
    例：perfxl library search 满意度 --sector 教育
    """
    from perfxl.indicator_library.searching import alike
    from perfxl.indicator_library.searching import search as run
    from perfxl.stages.indicator_library import entries_of

    entries = entries_of(_library(context))
    found = run(entries, words, sector=sector, kind=kind or "", year=year, retired=retired)
    near = [] if found or not words else alike(entries, words)
    if as_json:
        print_json([dict(entry.values) for entry in found])
        return
    if near:
        click.echo("没有完全符合的，名称相近的有：")
    _print_entries(found or near)
    click.echo(f"共 {len(found)} 个指标。")


def _print_entries(entries: Sequence[Entry]) -> None:
    from perfxl.console import plain, print_table

    if entries:
        print_table(
            ("编号", "名称", "类型", "行业", "二级指标", "单位", "目标值", "年度", "状态"),
            [
                tuple(
                    plain(entry[key])
                    for key in (
                        *("number", "name", "kind", "sector", "level_2"),
                        *("unit", "target", "year", "state"),
                    )
                )
                for entry in entries
            ],
        )


@library.command("insert", cls=ChineseCommand)
@click.argument("numbers", metavar="编号...", nargs=-1, required=True)
@click.option("--plan", "plan_file", metavar="文件", type=PATH, help="默认为考核文件夹里的考核方案")
@click.option("--kind", default="", metavar="单位类别", help="插入哪张指标体系表，例如 部门")
@click.option("--reference", is_flag=True, help="写入“指标参考”表，随模板发给单位")
@click.pass_context
def insert(
    context: click.Context,
    numbers: tuple[str, ...],
    plan_file: Path | None,
    kind: str,
    reference: bool,
) -> None:
    """把指标插入考核方案（读：指标库.xlsx；写：考核方案.xlsx、历次/）。

    插入指标体系表的标为“待定”，不计入总分：填好分值、清空“采用”一栏才算数。其他单元格不动。

    \b
    例：perfxl -C 考核2024 library insert ZB0003 ZB0009 --kind 部门
    例：perfxl -C 考核2024 library insert ZB0003 --reference
    """
    from perfxl.campaign import PLAN_FILE
    from perfxl.stages.insert_indicators import insert as run

    path = _library(context)
    plan_file = plan_file or context.obj / PLAN_FILE
    result = run(path, plan_file, numbers, now(), kind=kind, as_reference=reference)
    for entry in result.already:
        click.echo(f"{entry.number} {entry['name']}：“{result.sheet}”里已经有，没有再插入。")
    for entry, code in result.entries:
        click.echo(f"{entry.number} {entry['name']}{f'：编码 {code}' if code else ''}")
    if not result.entries:
        return
    click.echo(f"已写入 {plan_file} 的“{result.sheet}”{len(result.entries)} 个指标。")
    if not reference:
        click.echo("它们标为“待定”：填好分值、调平合计、清空“采用”一栏后，用 perfxl plan 检查。")
    if result.kept:
        click.echo(f"插入前的方案留在 {result.kept}。")


@library.command("retire", cls=ChineseCommand)
@click.argument("numbers", metavar="编号...", nargs=-1, required=True)
@click.option("--reason", required=True, metavar="理由")
@click.pass_context
def retire(context: click.Context, numbers: tuple[str, ...], reason: str) -> None:
    """停用指标，行和来源都保留（读写：指标库.xlsx）。

    \b
    例：perfxl library retire ZB0012 --reason 已并入新指标
    """
    from perfxl.stages.indicator_library import retire as run

    path = _library(context)
    _say_saved(path, run(path, numbers, reason, now(), operator()))


@library.command("restore", cls=ChineseCommand)
@click.argument("numbers", metavar="编号...", nargs=-1, required=True)
@click.option("--reason", required=True, metavar="理由")
@click.pass_context
def restore(context: click.Context, numbers: tuple[str, ...], reason: str) -> None:
    """恢复停用的指标（读写：指标库.xlsx）。

    \b
    例：perfxl library restore ZB0012 --reason 上级重新要求
    """
    from perfxl.stages.indicator_library import retire as run

    path = _library(context)
    _say_saved(path, run(path, numbers, reason, now(), operator(), back=True))


@library.command("changes", cls=ChineseCommand)
@click.argument("year", metavar="[年度]", required=False, type=click.IntRange(1990, 2100))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def changes(context: click.Context, year: int | None, as_json: bool) -> None:
    """每年新增、修改、停用了哪些指标，年初加新增减停用等于年末（读：指标库.xlsx）。

    登记与“指标”表对不上时退出码为 1。

    \b
    例：perfxl library changes 2024
    """
    from perfxl.console import plain, print_table
    from perfxl.stages.indicator_library import changes_of

    result = changes_of(_library(context), year)
    if as_json:
        print_json(
            [
                {
                    "year": one.year,
                    "before": len(one.before),
                    "added": list(one.added),
                    "restored": list(one.restored),
                    "retired": list(one.retired),
                    "altered": list(one.altered),
                    "in_use": len(one.after),
                }
                for one in result.years
            ]
        )
    else:
        if year is not None:
            print_table(
                ("日期", "变动", "编号", "名称", "内容", "变动后", "说明"),
                [
                    tuple(
                        plain(one.get(key, ""))[:40]
                        for key in ("on", "change", "number", "name", "column", "after", "reason")
                    )
                    for one in result.changes
                ],
            )
        print_table(
            ("年度", "年初在用", "新增", "恢复", "停用", "年末在用", "修改"),
            [
                tuple(
                    str(value if isinstance(value, int) else len(value))
                    for value in (
                        *(one.year, one.before, one.added, one.restored),
                        *(one.retired, one.after, one.altered),
                    )
                )
                for one in result.years
            ],
            right=tuple(range(1, 7)),
        )
        if not result.years:
            click.echo("这一年没有变动。" if year else "还没有登记的变动。")
    if result.unregistered:
        click.echo(
            f"表里还有 {len(result.unregistered)} 处修改没有登记，请执行 perfxl library record。",
            err=as_json,
        )
    if result.only_registered:
        click.echo(f"登记为在用而表里没有的：{'、'.join(result.only_registered)}。", err=True)
    if result.only_shown:
        click.echo(f"表里在用而没有登记的：{'、'.join(result.only_shown)}。", err=True)
    sys.exit(FINDINGS_EXIT if result.only_registered or result.only_shown else 0)


@library.command("enter", cls=ChineseCommand)
@click.pass_context
def enter(context: click.Context) -> None:
    """把在用的项目、整体绩效指标登入年度台账的登记表“指标库”（读：指标库.xlsx；写：年度台账.xlsx）。

    已经登记的行不动；“变化”按指标库在考核年度的变动填。

    \b
    例：perfxl -C 县级2024 library enter
    """
    from perfxl.stages.register_indicators import enter as run

    campaign = campaign_of(context)
    result = run(campaign, _library(context), now())
    click.echo(f"登入 {len(result.entries)} 个指标，原已登记 {result.already} 个。")
    if result.kept:
        click.echo(f"已写 {campaign.year_workbook}，原来的留在 {result.kept}。")


def _say_saved(path: Path, saved: Saved) -> None:
    from perfxl.console import plain

    for one, reason in saved.changes[:_MOST_SHOWN]:
        click.echo(plain(f"  {_words(one)}{f'（{reason}）' if reason else ''}"))
    if len(saved.changes) > _MOST_SHOWN:
        click.echo(f"  …… 共 {len(saved.changes)} 处，见“历次变动”表。")
    if saved.version:
        click.echo(f"已写 {path}，第 {saved.version} 版。")
    if saved.kept:
        click.echo(f"上一版留在 {saved.kept}。")


def _words(one: Altered) -> str:
    words = f"{one.change} {one.number} {one.name}"
    if not one.column:
        return words
    return f"{words}：{one.column} {one.before or '（空）'} → {one.after or '（空）'}"
