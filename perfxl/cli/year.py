"""year (年度工作): the county's own year."""

from __future__ import annotations

from perfxl.cli.chinese import ChineseGroup
from perfxl.cli.group import cli


@cli.group("year", cls=ChineseGroup)
def year() -> None:
    """县级自评：本县一年的工作登记、得分和自评报告。"""
