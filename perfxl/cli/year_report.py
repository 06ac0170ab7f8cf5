"""year report (自评报告)."""

from __future__ import annotations

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import campaign_of, now
from perfxl.cli.output import say_written
from perfxl.cli.year import year
from perfxl.points import as_text


@year.command("report", cls=ChineseCommand)
@click.option(
    "--by",
    type=click.Choice(["计算", "自评"]),
    default="计算",
    show_default=False,
    metavar="口径",
    help="计算（默认）：能由登记表和数据项算出的得分以计算为准，其余用自评得分；自评：都用自评得分",
)
@click.option("--pdf", "as_pdf", is_flag=True, help="另存为 PDF（需要 LibreOffice）")
@click.pass_context
def report(context: click.Context, by: str, as_pdf: bool) -> None:
    """自评报告：由年度登记表写成县级自评报告（读：原件/、台账.db；写：成果/自评报告.docx）。

    文字取自考核方案的“文稿”表，数字和文号取自登记表、数据项和得分，各级得分总是下级之和。

    \b
    例：perfxl -C 县级2023 year report
    例：perfxl -C 县级2023 year report --by 自评
    """
    from perfxl.facts.self_report import ScoredBy
    from perfxl.stages.self_report import write_self_report

    result = write_self_report(campaign_of(context), now(), ScoredBy(by))
    say_written([result.document], as_pdf=as_pdf)
    told = result.report
    click.echo(
        f"得分口径：{by}。总分 {as_text(told.total)} 分（满分 {as_text(told.rubric.full_marks)} 分）。"
    )
    for one in result.differing:
        claim, computed = as_text(one.claim or 0), as_text(one.computed or 0)
        click.echo(f"{one.code} {one.name}：自评 {claim} 分，计算 {computed} 分。")
    for one in result.unclaimed:
        click.echo(f"{one.code} {one.name}：没有自评，也不能计算，按 0 分。")
    if told.empty_registers:
        click.echo(f"没有登记内容的登记表：{'、'.join(told.empty_registers)}。报告不写有关内容。")
