"""Following up single units: log, send-back, diff, extend."""

from __future__ import annotations

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import campaign_of, cli, now, operator, unit_of
from perfxl.cli.output import moment, print_json
from perfxl.errors import PerfxlError


@cli.command("log", cls=ChineseCommand)
@click.argument("unit_code", metavar="单位")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def log(context: click.Context, unit_code: str, as_json: bool) -> None:
    """一个单位的全部经过：下发、邮件、收到、结论、延期、退回、打分（读：台账.db）。

    \b
    例：perfxl -C 考核2024 log 101
    """
    from perfxl.console import print_table
    from perfxl.stages.history import history

    campaign = campaign_of(context)
    unit = unit_of(campaign, unit_code)
    events = history(campaign, unit)
    if as_json:
        print_json([{**vars(event), "at": event.at.isoformat(" ")} for event in events])
        return
    click.echo(f"{unit.code} {unit.name}：{len(events)} 条记录。")
    print_table(
        ("时间", "事项", "文件", "说明"),
        [(str(moment(event.at)), event.what, event.file, event.detail) for event in events],
    )


@cli.command("send-back", cls=ChineseCommand)
@click.argument("unit_codes", metavar="[单位]...", nargs=-1)
@click.pass_context
def send_back(context: click.Context, unit_codes: tuple[str, ...]) -> None:
    """退回修改：在单位自己的工作簿上标出问题（读：原件/；写：退回/、台账.db）。

    有“错误”的报送才退回；不给出单位时退回全部。退回次数按方案计入得分。

    \b
    例：perfxl -C 考核2024 send-back 101
    """
    from perfxl.stages.send_back import send_back as run

    campaign = campaign_of(context)
    codes = {unit_of(campaign, code).code for code in unit_codes} or None
    result = run(campaign, now(), codes)
    for one in result:
        notes = [
            f"错误 {one.errors} 条",
            "" if one.own_file else "原文件格式不便标注，已把内容转入新的工作簿",
            "" if one.new else "未变",
        ]
        click.echo(f"{one.path}（{'；'.join(filter(None, notes))}）")
    click.echo(f"退回修改 {len(result)} 份，其中新生成 {sum(one.new for one in result)} 份。")


@cli.command("diff", cls=ChineseCommand)
@click.argument("unit_code", metavar="单位")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def diff(context: click.Context, unit_code: str, as_json: bool) -> None:
    """一个单位最近两次报送之间改了什么（读：原件/、台账.db）。

    \b
    例：perfxl -C 考核2024 diff 101
    """
    from perfxl.console import plain, print_table
    from perfxl.stages.diff import diff as run

    campaign = campaign_of(context)
    unit = unit_of(campaign, unit_code)
    result = run(campaign, unit)
    records = result.changes.to_dict("records")
    if as_json:
        print_json({"before": result.before.file, "after": result.after.file, "changes": records})
        return
    for word, receipt in (("先", result.before), ("后", result.after)):
        click.echo(f"{word}：{plain(receipt.file)}（{moment(receipt.counts_from)}）")
    click.echo(f"{unit.name}改动 {len(records)} 处。")
    if records:
        print_table(
            ("工作表", "位置", "栏目", "原来", "现在"), [tuple(one.values()) for one in records]
        )


@cli.command("extend", cls=ChineseCommand)
@click.argument("unit_code", metavar="单位")
@click.argument("until", metavar="日期")
@click.option("--reason", required=True, metavar="理由", help="同意延期的理由")
@click.pass_context
def extend(context: click.Context, unit_code: str, until: str, reason: str) -> None:
    """同意一个单位延期报送到某日（写：台账.db）；是否逾期随之重算。

    只写日期时算到当天结束；要写时间，例如 2024-01-25T12:00。

    \b
    例：perfxl -C 考核2024 extend 101 2024-01-25 --reason 机构改革，人员交接
    """
    from perfxl.stages.extend import extend as run
    from perfxl.values import moment_of

    campaign = campaign_of(context)
    unit = unit_of(campaign, unit_code)
    moment_given = moment_of(until.replace("T", " "))
    if moment_given is None:
        raise PerfxlError(f"看不懂日期“{until}”", remedy="写法如 2024-01-25")
    extension = run(campaign, unit, moment_given, reason, operator(), now())
    click.echo(f"{unit.name}的报送时间延至 {moment(extension.until)}（{extension.decided_by}）。")
