"""issue (下发): one workbook per unit, into 下发/."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import ISSUED, Campaign
from perfxl.excel.stamp import Stamp
from perfxl.files import sha256_of, write_atomically
from perfxl.ledger import Form, Issue
from perfxl.plan.forms import file_name
from perfxl.plan.model import Unit
from perfxl.products.template import template


@dataclass(frozen=True)
class IssueResult:
    """The workbooks written now, and those that stand unchanged since an earlier run."""

    written: tuple[Path, ...]
    unchanged: tuple[Path, ...]


def issue(
    campaign: Campaign, now: dt.datetime, progress: Callable[[], None] = lambda: None
) -> IssueResult:
    """Write the workbook of every unit whose template is new or has changed since it was issued."""
    plan = campaign.plan
    folder = campaign.path(ISSUED)
    known = campaign.ledger.issues()
    written, unchanged, records = [], [], []
    for unit in plan.units:
        version = plan.template_version(unit.kind)
        name = file_name(plan.campaign.code, unit)
        path = folder / unit.kind / name
        earlier = known.get(unit.code)
        if (
            earlier
            and earlier.version == version
            and path.is_file()
            and sha256_of(path.read_bytes()) == earlier.sha256
        ):
            unchanged.append(path)
        else:
            data = unit_workbook(campaign, unit)
            write_atomically(path, data)
            written.append(path)
            records.append(
                Issue(
                    unit.code,
                    version,
                    path.relative_to(campaign.folder).as_posix(),
                    sha256_of(data),
                    now,
                )
            )
        progress()
    campaign.ledger.record_issues(records)
    return IssueResult(tuple(written), tuple(unchanged))


def unit_workbook(campaign: Campaign, unit: Unit) -> bytes:
    """The workbook of one unit, stamped."""
    plan = campaign.plan
    stamp = Stamp(
        plan.campaign.code, Form.RETURN, plan.template_version(unit.kind), unit.code
    ).signed(campaign.stamp_key)
    return template(plan, unit, stamp)
