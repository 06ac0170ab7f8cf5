"""From scores to results: review, consolidate, rank, circular."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now
from perfxl.cli.output import (
    print_findings,
    print_json,
    print_ranking,
    ranking_records,
)
from perfxl.tables import Severity, has_errors


@cli.group(cls=ChineseGroup)
def review() -> None:
    """股室打分：生成评分表、收回评分表（文件夹：股室评分/）。"""


@review.command("issue", cls=ChineseCommand)
@click.pass_context
def review_issue(context: click.Context) -> None:
    """生成每个股室的评分表（读：原件/、台账.db；写：股室评分/）。

    已填而未收取的评分表不会被覆盖；已收取的核定得分会预先填好。

    \b
    例：perfxl -C 考核2024 review issue
    """
    from perfxl.stages.review import issue_books

    campaign = campaign_of(context)
    result = issue_books(campaign, now())
    for path, count in zip(result.written, result.lines.values(), strict=True):
        click.echo(f"{path}（{count} 项）")
    click.echo(f"已生成 {len(result.written)} 份评分表。")


@review.command("ingest", cls=ChineseCommand)
@click.argument("paths", metavar="[文件或文件夹]...", nargs=-1, type=PATH)
@click.pass_context
def review_ingest(context: click.Context, paths: tuple[Path, ...]) -> None:
    """收回评分表（读：股室评分/ 或给出的文件；写：原件/、台账.db）。

    空白的核定得分表示尚未评定，不会抹去以前的打分。有“错误”时退出码为 1。

    \b
    例：perfxl -C 考核2024 review ingest
    """
    from perfxl.console import plain
    from perfxl.stages.review import ingest_books

    taken = ingest_books(campaign_of(context), list(paths), now())
    for book in taken:
        note = (
            f"（{book.verdict}）{book.detail}"
            if book.detail
            else (f"：新记录 {book.recorded} 项，未变 {book.unchanged} 项")
        )
        click.echo(f"{plain(book.path.name)}{note}")
    for book in taken:
        if len(book.findings):
            click.echo(f"\n{plain(book.path.name)}：")
            print_findings(book.findings, {})
    if not taken:
        click.echo("没有找到评分表。请把填好的评分表放回“股室评分”文件夹，或在命令后给出文件。")
    bad = any(has_errors(book.findings) for book in taken)
    sys.exit(FINDINGS_EXIT if bad or any(book.detail for book in taken) else 0)


@cli.command(cls=ChineseCommand)
@click.option(
    "--last-year", metavar="文件", type=PATH, help="上年的综合评分表.xlsx，加上“上年对比”各表"
)
@click.pass_context
def consolidate(context: click.Context, last_year: Path | None) -> None:
    """汇总：生成综合评分表（读：原件/、台账.db；写：成果/综合评分表.xlsx）。

    以前的综合评分表移到 成果/历次/，股室的打分不受影响。

    \b
    例：perfxl -C 考核2024 consolidate
    例：perfxl -C 考核2024 consolidate --last-year 考核2023/成果/综合评分表.xlsx
    """
    from perfxl.stages.consolidate import consolidate as run

    result = run(campaign_of(context), now(), last_year)
    provisional = int(result.gathered.ranking["provisional"].sum())
    click.echo(f"已写 {result.path}。")
    if result.kept:
        click.echo(f"上一次的留在 {result.kept}。")
    if provisional:
        click.echo(f"还有 {provisional} 项得分未经股室核定，暂取自评与计算得分中较低的。")
    findings = result.gathered.checked.findings
    open_errors = findings.loc[findings["severity"] == Severity.ERROR, "unit"].nunique()
    if open_errors:
        click.echo(f"有 {open_errors} 个单位的报送还有未改正的错误，排名备注中已注明。")


@cli.command(cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def rank(context: click.Context, as_json: bool) -> None:
    """各类单位的排名（读：原件/、台账.db）。

    \b
    例：perfxl -C 考核2024 rank
    """
    from perfxl.stages.gather import gather

    gathered = gather(campaign_of(context))
    if as_json:
        print_json(ranking_records(gathered))
    else:
        print_ranking(gathered)


@cli.command(cls=ChineseCommand)
@click.pass_context
def circular(context: click.Context) -> None:
    """通报：生成 Word 文稿（读：原件/、台账.db；写：成果/通报.docx）。

    还有得分未经股室核定时，文稿标明“讨论稿”。

    \b
    例：perfxl -C 考核2024 circular
    """
    from perfxl.stages.circular import circular as run

    result = run(campaign_of(context), now())
    click.echo(f"已写 {result.path}。")
    if result.kept:
        click.echo(f"上一份文稿有人改动过，已留在 {result.kept}。")
    if result.provisional:
        click.echo(f"还有 {result.provisional} 项得分未经股室核定，文稿为讨论稿。")
