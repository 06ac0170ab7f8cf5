"""Monthly work within a county's year: what is due to the city, and the brief of a month."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, now
from perfxl.cli.output import print_json
from perfxl.cli.year import year
from perfxl.errors import PerfxlError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from perfxl.monthly import Month, Standing

_MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?")


def _month(text: str | None, otherwise: Month) -> Month:
    if text is None:
        return otherwise
    match = _MONTH.fullmatch(text.strip())
    if match is None or not 1 <= int(match[2]) <= 12:
        raise PerfxlError(f"看不懂月份“{text}”", remedy="请写成 2024-03")
    return int(match[1]), int(match[2])


@year.command("month", cls=ChineseCommand)
@click.argument("month", metavar="[月份]", required=False)
@click.option("--all", "whole_year", is_flag=True, help="列出全年")
@click.option("--enter", is_flag=True, help="先把全年的应报日期登入年度台账，已登记的行不动")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def month(
    context: click.Context, month: str | None, whole_year: bool, enter: bool, as_json: bool
) -> None:
    """向市财政局的月报：这个月应报什么、报了没有、迟报和漏报（读：考核方案.xlsx、年度台账.xlsx）。

    期限按考核方案的“月报要求”表推算，遇休息日按国务院放假安排移动；报送情况取自登记表“月度报送”。
    不写月份的为本月。有迟报或漏报时退出码为 1。

    \b
    例：perfxl -C 县级2024 year month 2024-03
    """
    from perfxl.monthly import DueState, counted
    from perfxl.stages.month import enter_dues, monthly_reports

    campaign = campaign_of(context)
    today = now().date()
    if enter:
        entered = enter_dues(campaign, now())
        click.echo(f"登入应报日期 {entered.entered} 项。", err=as_json)
        if entered.kept:
            click.echo(f"原来的年度台账留在 {entered.kept}。", err=as_json)
    wanted = _month(month, (today.year, today.month))
    result = monthly_reports(campaign, today)
    shown = list(result.standings) if whole_year else result.due_in(wanted)
    earlier = [
        one
        for one in result.standings
        if one.state is DueState.MISSING and one not in shown and one.due.on <= today
    ]
    counts = counted(shown)
    if as_json:
        print_json({"due": [_record(one) for one in shown], "missing": [*map(_record, earlier)]})
    else:
        title = f"{result.year}年各月" if whole_year else f"{wanted[0]}年{wanted[1]}月应报"
        _print(shown, f"{title}的 {len(shown)} 项：" if shown else f"{title} 0 项。", today)
        if earlier:
            _print(earlier, f"其他月份还有 {len(earlier)} 项漏报：", today)
        for one in result.strange:
            click.echo(
                f"登记表第 {one.row} 行（{one.item or '没有写报送事项'}）月份看不懂，"
                "或不在应报的各项之内，没有算作报送。"
            )
        counted_here = "，".join(f"{state} {number} 项" for state, number in counts.items())
        click.echo(f"{title}的各项：{counted_here}。")
    bad = counts[DueState.LATE] or counts[DueState.MISSING] or earlier
    sys.exit(FINDINGS_EXIT if bad else 0)


def _print(standings: Sequence[Standing], title: str, today: dt.date) -> None:
    from perfxl.console import plain, print_table

    if not standings:
        click.echo(title)
        return
    print_table(
        ("所属月份", "报送事项", "应报日期", "报送日期", "情况", "文号", "说明"),
        [
            (
                f"{one.due.month[1]}月",
                plain(one.due.item),
                f"{one.due.on:%Y-%m-%d}",
                f"{one.sent.sent:%Y-%m-%d}" if one.sent and one.sent.sent else "",
                _state(one, today),
                plain(one.sent.document_number) if one.sent else "",
                one.remark,
            )
            for one in standings
        ],
        title=title,
    )


def _state(one: Standing, today: dt.date) -> str:
    from perfxl.monthly import DueState

    if one.state is DueState.NOT_YET:
        left = (one.due.on - today).days
        return f"未到期（还有 {left} 天）" if left else "今天到期"
    return f"{one.state}（{one.days} 天）" if one.days else str(one.state)


def _record(one: Standing) -> dict[str, object]:
    sent = one.sent
    return {
        "month": f"{one.due.month[0]}-{one.due.month[1]:02d}",
        "item": one.due.item,
        "due": one.due.on,
        "sent": sent.sent if sent else None,
        "state": str(one.state),
        "days": one.days,
        "document_number": sent.document_number if sent else "",
        "remark": one.remark,
    }


@year.command("brief", cls=ChineseCommand)
@click.argument("month", metavar="[月份]", required=False)
@click.option(
    "--from", "source", metavar="文件夹", type=PATH, help="部门考核的文件夹，先于方案所写"
)
@click.pass_context
def brief(context: click.Context, month: str | None, source: Path | None) -> None:
    """起草一个月的工作简报，各数取自考核台账的日期（写：成果/工作简报-年月.docx）。

    台账取自方案“引用考核”表的文件夹或 --from；没有引用的，取自本文件夹。不写月份的为上月。

    \b
    例：perfxl -C 县级2024 year brief 2024-01 --from 考核2023
    """
    from perfxl.monthly import following
    from perfxl.stages.month import source_of, write_brief

    campaign = campaign_of(context)
    at = now()
    wanted = _month(month, following((at.year, at.month), -1))
    from_campaign = source_of(campaign, source)
    context.call_on_close(from_campaign.close)
    result = write_brief(campaign, from_campaign, wanted, at)
    click.echo(f"已写 {result.document.path}。")
    if result.document.kept:
        click.echo(f"上一份有人改动过，已留在 {result.document.kept}。")
    if not result.figures.events:
        click.echo("台账里这个月没有记录任何事项。")
