"""Preparing a campaign: init, plan, issue; and the demo."""

from __future__ import annotations

from pathlib import Path

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import PATH, campaign_of, cli, now, read_file
from perfxl.cli.output import print_ranking


@cli.command(cls=ChineseCommand)
@click.argument("folder", metavar="文件夹", type=PATH)
@click.option("--plan", "plan_file", metavar="文件", type=PATH, help="用已有的考核方案.xlsx 建立")
def init(folder: Path, plan_file: Path | None) -> None:
    """建立考核文件夹，写入：考核方案.xlsx、台账.db 和各子文件夹。

    \b
    例：perfxl init 考核2024
    """
    from perfxl.stages.initialize import init as run

    campaign = run(folder, read_file(plan_file) if plan_file else None)
    plan = campaign.plan
    campaign.close()
    click.echo(
        f"已建立 {folder}：{plan.campaign.name}，{len(plan.units)} 个{plan.campaign.called}。"
    )
    click.echo(f"下一步：编辑 {campaign.plan_file}，再执行 perfxl -C {folder} plan 检查。")


@cli.command(cls=ChineseCommand)
@click.pass_context
def plan(context: click.Context) -> None:
    """检查考核方案.xlsx，并以便于比对的文本打印（读：考核方案.xlsx）。

    \b
    例：perfxl -C 考核2024 plan > 方案.md
    """
    from perfxl.excel.reader import read_workbook
    from perfxl.plan.markdown import to_markdown
    from perfxl.plan.reading import plan_records
    from perfxl.plan.workbook import ADOPTION, ADOPTION_PENDING

    campaign = campaign_of(context)
    plan = campaign.plan
    sheets = read_workbook(campaign.plan_file.read_bytes(), campaign.plan_file.name).sheets
    records = plan_records(sheets)
    click.echo(to_markdown(records), nl=False)
    click.echo(f"考核方案没有错误：{len(plan.units)} 个{plan.campaign.called}。", err=True)
    pending = sum(
        row.get(ADOPTION) == ADOPTION_PENDING for _, rows in records.values() for row in rows
    )
    if pending:
        click.echo(f"另有 {pending} 个从指标库插入的待定指标，没有计入。", err=True)


@cli.command(cls=ChineseCommand)
@click.pass_context
def issue(context: click.Context) -> None:
    """下发：每个单位一份工作簿（读：考核方案.xlsx；写：下发/、台账.db）。

    没有变化的不重写。

    \b
    例：perfxl -C 考核2024 issue
    """
    from perfxl.console import progress
    from perfxl.stages.issue import issue as run

    campaign = campaign_of(context)
    with progress("生成工作簿", len(campaign.plan.units)) as advance:
        result = run(campaign, now(), advance)
    click.echo(
        f"已写 {len(result.written)} 份，未变 {len(result.unchanged)} 份，"
        f"在 {campaign.path('下发')}。"
    )
    if result.prefilled:
        click.echo(f"各工作簿中已填入一体化系统的项目共 {result.prefilled} 个。")


@cli.command(cls=ChineseCommand)
@click.argument("folder", metavar="[文件夹]", type=PATH, default=Path("perfxl-demo"))
def demo(folder: Path) -> None:
    """用自带的样例走一遍全过程（写：给出的文件夹，默认 ./perfxl-demo）。

    \b
    例：perfxl demo
    """
    from perfxl.stages.demo import demo as run

    result = run(folder, click.echo)
    print_ranking(result.gathered)
    click.echo("样例中的单位填报内容、电话、邮箱和打分均为虚构。结果在：")
    for path in result.products:
        click.echo(f"  {path}")
