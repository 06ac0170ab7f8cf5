"""The command group ``perfxl`` and what every command needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from perfxl import __version__
from perfxl.cli.chinese import ChineseGroup
from perfxl.errors import IsAYear, Missing, Place
from perfxl.isolation.service import kept_workers, own_workers, read_through

if TYPE_CHECKING:
    from perfxl.campaign import Campaign
    from perfxl.plan.model import Unit

FINDINGS_EXIT, MISTAKE_EXIT = 1, 2
PATH = click.Path(path_type=Path)
MOST_PROCESSES = 64

Command = TypeVar("Command", bound=Callable[..., object])


class WorkOrder(ChineseGroup):
    """perfxl's commands in the order in which an office needs them."""

    order = (
        "init",
        "plan",
        "projects",
        "issue",
        "mail",
        "ingest",
        "status",
        "log",
        "check",
        "send-back",
        "diff",
        "extend",
        "spot-check",
        "review",
        "objection",
        "explain",
        "consolidate",
        "rank",
        "circular",
        "feedback",
        "rectify",
        "apply",
        "year",
        "check-report",
        "library",
        "pdf",
        "check-form",
        "checks",
        "ledger",
        "demo",
    )


@click.group(cls=WorkOrder)
@click.option(
    "-C", "folder", type=PATH, default=Path(), metavar="文件夹", help="考核文件夹，默认为当前文件夹"
)
@click.version_option(__version__, "--version", help="显示版本", message="perfxl %(version)s")
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    """预算绩效管理考核：下发、收取、审核、打分、汇总、通报。

    \b
    第一次使用：perfxl demo            在 ./perfxl-demo 里用样例走一遍全过程
    一次考核：  perfxl init 考核2024   建立考核文件夹，编辑其中的考核方案.xlsx，然后
                perfxl -C 考核2024 issue
    """
    # Every command reads a workbook, if only the plan; the worker starts while the rest is loaded.
    kept_workers().start()
    context.obj = folder


def reads_many(command: Command) -> Command:
    """The option --workers, for a command that reads many files."""
    option = click.option(
        "--workers",
        metavar="数目或地址",
        envvar="PERFXL_WORKERS",
        expose_value=False,
        callback=_read_through,
        help="读文件的进程数，默认按文件多少和处理器定；或 Dask 调度程序 dask://主机:端口",
    )
    return option(command)


def _read_through(context: click.Context, _: click.Parameter, workers: str | None) -> None:
    if not workers or workers == "auto":
        return
    if workers.isascii() and workers.isdigit() and int(workers) <= MOST_PROCESSES:
        if int(workers):
            own_workers().allow(int(workers))
        return
    from perfxl.cluster import SCHEME, cluster_at

    if not workers.startswith(SCHEME):
        raise click.BadParameter(f"请写 1 至 {MOST_PROCESSES} 的数，或 dask://主机:端口")
    service = cluster_at(workers)
    context.call_on_close(service.close)
    context.call_on_close(lambda: read_through(None))
    read_through(service)


# Commands that assess units; a county's own year has one, the county, and commands of its own.
OF_UNITS = frozenset(
    {"issue", "mail", "ingest", "status", "log", "check", "send-back", "diff", "extend"}
    | {"spot-check", "review", "objection", "explain", "consolidate", "rank", "circular"}
    | {"feedback", "rectify", "apply"}
)


def campaign_of(context: click.Context) -> Campaign:
    """The campaign in the folder that -C names; its ledger is let go when the command ends.

    Raises NotACampaign; IsAYear for a command that has nothing to do in a county's own year.
    """
    from perfxl.campaign import Campaign

    campaign = Campaign(context.obj)
    command = context.find_root().invoked_subcommand
    if command in OF_UNITS and campaign.year_workbook.is_file():
        raise IsAYear(
            f"这里是本县自己的年度台账，用不到 {command}",
            place=Place(str(campaign.folder.resolve())),
            remedy="检查用 perfxl year check，计算得分用 perfxl year score；"
            "考核各单位请用 -C 指定那次考核的文件夹；"
            f"如果 {campaign.year_workbook.name} 是误放在这里的，请移走",
        )
    context.call_on_close(campaign.close)
    return campaign


def unit_of(campaign: Campaign, code: str) -> Unit:
    """The unit of this code or name; raises UnknownUnit."""
    from perfxl.errors import UnknownUnit
    from perfxl.intake.identity import proposals, unit_named

    unit = campaign.plan.unit_by_code.get(code) or unit_named(campaign.plan, code)
    if unit is None:
        alike = "、".join(f"{one.code} {one.name}" for one in proposals(campaign.plan, [code]))
        raise UnknownUnit(
            f"单位名录中没有“{code}”",
            remedy=f"可能是：{alike}" if alike else "请核对单位编码，用 perfxl status 查看",
        )
    return unit


def operator() -> str:
    """Who sits at this computer, for what the ledger says was decided by a person."""
    import getpass

    return getpass.getuser()


def now() -> dt.datetime:
    """The clock, to the second: the one place where it is read."""
    return dt.datetime.now().replace(microsecond=0)


def read_file(path: Path) -> bytes:
    """A file's bytes; raises Missing."""
    if not path.is_file():
        raise Missing("没有这个文件", place=Place(str(path)), remedy="请检查路径")
    return path.read_bytes()
