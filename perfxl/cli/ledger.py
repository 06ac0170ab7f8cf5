"""ledger (台账): where it is, moving it to a PostgreSQL server and back, the server's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import campaign_of, cli, now

if TYPE_CHECKING:
    from perfxl.stages.ledger import Moved


class _Ledger(ChineseGroup):
    order = ("status", "move", "back", "password")


@cli.group("ledger", cls=_Ledger)
def ledger() -> None:
    """台账放在哪里：文件（台账.db），或几台电脑共用的 PostgreSQL 服务器。

    \b
    例：perfxl -C 考核2024 ledger status
        perfxl -C 考核2024 ledger move postgresql://perfxl@10.0.0.5/perfxl
    """


@ledger.command("status", cls=ChineseCommand)
@click.pass_context
def status(context: click.Context) -> None:
    """台账在哪里，连不连得上，记了多少（读：台账）。

    \b
    例：perfxl -C 考核2024 ledger status
    """
    from perfxl.stages.ledger import where

    campaign = campaign_of(context)
    click.echo(f"台账：{where(campaign)}")
    counts = campaign.ledger.counts()
    click.echo(
        f"可以读写：收到文件 {counts['receipts']} 个，结论 {counts['verdicts']} 条，"
        f"核定得分 {counts['reviews']} 条。"
    )


@ledger.command("move", cls=ChineseCommand)
@click.argument("url", metavar="服务器地址")
@click.pass_context
def move(context: click.Context, url: str) -> None:
    """把台账从文件移到 PostgreSQL 服务器（读：台账.db；写：服务器、台账连接.txt）。

    逐行核对无误才算移好，旧文件改名保留。地址里不写密码，先用 perfxl ledger password 存好。

    \b
    例：perfxl -C 考核2024 ledger move postgresql://perfxl@10.0.0.5:5432/perfxl
    """
    from perfxl.stages.ledger import move as run

    _tell(run(campaign_of(context), url, now()))


@ledger.command("back", cls=ChineseCommand)
@click.pass_context
def back(context: click.Context) -> None:
    """把台账从服务器移回文件（读：服务器；写：台账.db）。

    逐行核对无误才算移好；服务器上的保留，但不再使用。

    \b
    例：perfxl -C 考核2024 ledger back
    """
    from perfxl.stages.ledger import move_back

    _tell(move_back(campaign_of(context), now()))


@ledger.command("password", cls=ChineseCommand)
@click.argument("url", metavar="[服务器地址]", default="")
@click.pass_context
def password(context: click.Context, url: str) -> None:
    """把台账服务器的密码存入系统的凭据管理器；不写进任何文件。

    每台电脑存一次。台账还没有移到服务器的，后面写服务器的地址。

    \b
    例：perfxl -C 考核2024 ledger password postgresql://perfxl@10.0.0.5:5432/perfxl
    """
    from perfxl.stages.ledger import keep_password

    typed = click.prompt("密码（不显示）", hide_input=True, prompt_suffix="：")
    click.echo(f"已保存 {keep_password(campaign_of(context), url, typed)} 的密码。")


def _tell(moved: Moved) -> None:
    click.echo(f"已核对 {sum(moved.rows.values())} 行，全部一致。台账现在是 {moved.where}。")
    if moved.kept is not None:
        click.echo(f"旧的台账保留为 {moved.kept}，不再使用。")
