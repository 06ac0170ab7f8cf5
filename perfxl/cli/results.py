"""From scores to results: consolidate, rank, circular, pdf."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now, read_file, reads_many
from perfxl.cli.output import (
    print_json,
    print_movements,
    print_ranking,
    ranking_records,
    say_written,
)
from perfxl.tables import Severity


@cli.command(cls=ChineseCommand)
@click.option(
    "--last-year", metavar="文件", type=PATH, help="上年的综合评分表.xlsx，加上“上年对比”各表"
)
@reads_many
@click.pass_context
def consolidate(context: click.Context, last_year: Path | None) -> None:
    """汇总：生成综合评分表（读：原件/、台账.db；写：成果/综合评分表.xlsx）。

    以前的综合评分表移到 成果/历次/，股室的打分不受影响。

    \b
    例：perfxl -C 考核2024 consolidate
    例：perfxl -C 考核2024 consolidate --last-year 考核2023/成果/综合评分表.xlsx
    """
    from perfxl.stages.consolidate import consolidate as run

    result = run(campaign_of(context), now(), last_year, print_movements)
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
@click.option(
    "--pdf", "as_pdf", is_flag=True, help="另写可直接打印的 成果/排名.pdf（需要 LibreOffice）"
)
@click.pass_context
def rank(context: click.Context, as_json: bool, as_pdf: bool) -> None:
    """各类单位的排名（读：原件/、台账.db；写：成果/排名.pdf）。

    \b
    例：perfxl -C 考核2024 rank --pdf
    """
    from perfxl.stages.gather import gather
    from perfxl.stages.print_out import print_ranking_sheet

    campaign = campaign_of(context)
    gathered = gather(campaign)
    if as_pdf:
        click.echo(f"已写 {print_ranking_sheet(campaign, gathered, now())}。", err=as_json)
    if as_json:
        print_json(ranking_records(gathered))
    else:
        print_ranking(gathered)


@cli.command(cls=ChineseCommand)
@click.option("--pdf", "as_pdf", is_flag=True, help="另存为 PDF（需要 LibreOffice）")
@click.pass_context
def circular(context: click.Context, as_pdf: bool) -> None:
    """通报：生成通报、政府报告、公开稿三份 Word 文稿（读：原件/、台账.db；写：成果/）。

    文字取自考核方案的“文稿”表；还有得分未经股室核定时，文稿标明“讨论稿”。

    \b
    例：perfxl -C 考核2024 circular --pdf
    """
    from perfxl.stages.circular import circular as run

    result = run(campaign_of(context), now())
    say_written(result.documents, as_pdf=as_pdf)
    if result.provisional:
        click.echo(f"还有 {result.provisional} 项得分未经股室核定，文稿为讨论稿。")


@cli.command(cls=ChineseCommand)
@click.argument("files", metavar="文件...", nargs=-1, required=True, type=PATH)
def pdf(files: tuple[Path, ...]) -> None:
    """把工作簿或文稿转为 PDF，写在原文件旁边（需要 LibreOffice）。

    \b
    例：perfxl pdf 考核2024/成果/通报.docx
    """
    from perfxl.stages.print_out import print_file

    for file in files:
        click.echo(f"已写 {print_file(file, read_file(file))}。")


@cli.command("check-form", cls=ChineseCommand)
@click.argument("files", metavar="文件...", nargs=-1, required=True, type=PATH)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def check_form(files: tuple[Path, ...], as_json: bool) -> None:
    """核对 Word 文稿的公文格式（GB/T 9704-2012），逐项列出标准和实测。

    有不合标准的，退出码为 1。

    \b
    例：perfxl check-form 考核2024/成果/通报.docx
    """
    from perfxl.console import plain, print_table
    from perfxl.documents.form_check import check_form as run

    checked = {file: run(read_file(file), file.name) for file in files}
    wrong = sum(not one.holds for measured in checked.values() for one in measured)
    if as_json:
        print_json(
            [
                {"file": str(file), **vars(one)}
                for file, measured in checked.items()
                for one in measured
            ]
        )
        sys.exit(FINDINGS_EXIT if wrong else 0)
    for file, measured in checked.items():
        print_table(
            ("条款", "项目", "标准", "实测", "结论"),
            [
                (one.clause, one.item, one.wanted, plain(one.found), "合" if one.holds else "不合")
                for one in measured
            ],
            title=f"{plain(file.name)}：",
        )
        off = sum(not one.holds for one in measured)
        click.echo(f"核对 {len(measured)} 项，{f'不合标准 {off} 项' if off else '都合标准'}。")
    sys.exit(FINDINGS_EXIT if wrong else 0)
