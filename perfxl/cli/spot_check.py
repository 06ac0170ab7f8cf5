"""spot-check (抽查): draw, take the check book in, say how far it is, write its circular."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now, operator
from perfxl.cli.output import moment, print_findings, print_json
from perfxl.errors import PerfxlError
from perfxl.tables import has_errors


@cli.group("spot-check", cls=ChineseGroup)
def spot_check() -> None:
    """抽查单位的项目自评：抽取、收回核查表、看进度、起草通报（文件夹：抽查/）。"""


@spot_check.command("draw", cls=ChineseCommand)
@click.option("--seed", default="", metavar="种子", help="任意文字；不给出时由考核编号得出")
@click.option("--share", metavar="比例", help="例如 10%；不给出时按考核方案")
@click.option("--count", type=click.IntRange(min=1), metavar="个数", help="抽取的项目个数")
@click.pass_context
def draw(context: click.Context, seed: str, share: str | None, count: int | None) -> None:
    """分层抽取项目，生成核查表（读：原件/、台账.db；写：抽查/、台账.db）。

    同一种子、同样的报送，抽到的项目总是一样；再次抽取以后一次为准，以前的留在台账里。

    \b
    例：perfxl -C 考核2024 spot-check draw --share 10%
    """
    from perfxl.console import print_table
    from perfxl.stages.spot_check import draw_sample, share_given

    if share and count:
        raise PerfxlError("--share 和 --count 只能给出一个", remedy="请去掉一个")
    result = draw_sample(
        campaign_of(context),
        now(),
        operator(),
        seed=seed,
        share=share_given(share) if share else None,
        count=count,
    )
    drawn = result.draw
    click.echo(
        f"第 {drawn.number} 次抽取：{drawn.population} 个项目中抽 {len(drawn.projects)} 个"
        f"（{drawn.wanted}），种子 {drawn.seed}。"
    )
    click.echo(f"办法：{drawn.method}。")
    print_table(
        ("层", "项目数", "抽取数"),
        [(row.stratum, str(row.size), str(row.drawn)) for row in result.strata.itertuples()],
        right=(1, 2),
    )
    click.echo(f"已写 {result.book}。填好后放回“抽查”文件夹，再执行 perfxl spot-check ingest。")


@spot_check.command("ingest", cls=ChineseCommand)
@click.argument("paths", metavar="[文件或文件夹]...", nargs=-1, type=PATH)
@click.pass_context
def ingest(context: click.Context, paths: tuple[Path, ...]) -> None:
    """收回核查表（读：抽查/ 或给出的文件；写：原件/、台账.db）。

    空白的行表示尚未核查，不会抹去以前的结果。有“错误”时退出码为 1。

    \b
    例：perfxl -C 考核2024 spot-check ingest
    """
    from perfxl.console import plain
    from perfxl.stages.spot_check import ingest_book

    taken = ingest_book(campaign_of(context), list(paths), now())
    for book in taken:
        note = (
            f"（{book.verdict}）{book.detail}"
            if book.detail
            else f"：新记录 {book.recorded} 个，未变 {book.unchanged} 个"
        )
        click.echo(f"{plain(book.path.name)}{note}")
        if len(book.findings):
            print_findings(book.findings, {})
    if not taken:
        click.echo("没有找到核查表。请把填好的核查表放回“抽查”文件夹，或在命令后给出文件。")
    bad = any(book.detail or has_errors(book.findings) for book in taken)
    sys.exit(FINDINGS_EXIT if bad else 0)


@spot_check.command("status", cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """抽查到哪里：每个单位抽中几个、查了几个、发现几个问题（读：台账.db）。

    \b
    例：perfxl -C 考核2024 spot-check status
    """
    from perfxl.console import print_table
    from perfxl.stages.gather import checked_sample
    from perfxl.stages.spot_check import last_draw

    campaign = campaign_of(context)
    current, checked = last_draw(campaign), checked_sample(campaign)
    assert checked is not None
    units = campaign.plan.unit_by_code
    rows = [
        {
            "unit": str(code),
            "name": units[code].name if code in units else str(code),
            "drawn": len(own),
            "checked": int(own["problems"].notna().sum()),
            "problems": int(own["problems"].fillna(0).sum()),
        }
        for code, own in checked.groupby("unit", sort=False)
    ]
    if as_json:
        print_json({"draw": current.number, "seed": current.seed, "units": rows})
        return
    click.echo(
        f"第 {current.number} 次抽取（{moment(current.drawn_at)}，{current.drawn_by}，"
        f"种子 {current.seed}）：{current.population} 个项目中抽 {len(checked)} 个。"
    )
    print_table(
        ("编码", "单位", "抽中", "已查", "问题"),
        [tuple(str(value) for value in row.values()) for row in rows],
        right=(2, 3, 4),
    )
    done = sum(int(str(row["checked"])) for row in rows)
    click.echo(f"已查 {done} 个，未查 {len(checked) - done} 个。")


@spot_check.command("circular", cls=ChineseCommand)
@click.pass_context
def circular(context: click.Context) -> None:
    """起草抽查通报（读：台账.db；写：成果/抽查通报.docx）。

    抽中的项目没有查完时，文稿标明“讨论稿”。

    \b
    例：perfxl -C 考核2024 spot-check circular
    """
    from perfxl.stages.spot_check_circular import spot_check_circular

    result = spot_check_circular(campaign_of(context), now())
    click.echo(f"已写 {result.path}。")
    if result.kept:
        click.echo(f"上一份文稿有人改动过，已留在 {result.kept}。")
    if result.unchecked:
        click.echo(f"还有 {result.unchecked} 个抽中的项目没有核查，文稿为讨论稿。")
