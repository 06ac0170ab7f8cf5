"""issue (下发): one workbook per unit, into 下发/."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import ISSUED, Campaign
from perfxl.excel.stamp import Stamp
from perfxl.files import keep_earlier, sha256_of, write_atomically
from perfxl.ledger import Form, Issue
from perfxl.plan.forms import file_name
from perfxl.plan.model import Unit
from perfxl.products.template import template
from perfxl.stages.project_list import projects_in_force
from perfxl.tables import SystemProject


@dataclass(frozen=True)
class IssueResult:
    """The workbooks written now, and those that stand unchanged since an earlier run.

    ``prefilled`` is the number of the budget system's projects in all of them.
    """

    written: tuple[Path, ...]
    unchanged: tuple[Path, ...]
    prefilled: int = 0


def issue(
    campaign: Campaign, now: dt.datetime, progress: Callable[[], None] = lambda: None
) -> IssueResult:
    """Write the workbook of every unit whose content is new or differs from what lies there.

    A file that people changed in 下发/, or that an earlier plan named otherwise, goes to 历次/.
    Where a project list was imported, each unit's workbook begins with its projects.
    """
    plan = campaign.plan
    projects = projects_in_force(campaign)
    known = campaign.ledger.issues()
    written: list[Path] = []
    unchanged: list[Path] = []
    records = []
    for unit in plan.units:
        name = file_name(plan.campaign.code, unit)
        path = campaign.path(ISSUED) / unit.kind / name
        earlier = known.get(unit.code)
        own = projects.by_unit.get(unit.code, ()) if projects else ()
        data = unit_workbook(campaign, unit, own)
        digest = sha256_of(data)
        relative = path.relative_to(campaign.folder).as_posix()
        if earlier is not None and earlier.file != relative:
            former = campaign.folder / earlier.file
            if keep_earlier(former, now):
                former.unlink()
        lying = sha256_of(path.read_bytes()) if path.is_file() else ""
        if lying == digest and earlier is not None:
            unchanged.append(path)
        else:
            if lying and (earlier is None or lying != earlier.sha256):
                keep_earlier(path, now)
            write_atomically(path, data)
            written.append(path)
            version = plan.template_version(unit.kind)
            records.append(Issue(unit.code, version, relative, digest, now))
        progress()
    campaign.ledger.record_issues(records)
    prefilled = len(projects.projects) if projects else 0
    return IssueResult(tuple(written), tuple(unchanged), prefilled)


def unit_workbook(campaign: Campaign, unit: Unit, projects: Sequence[SystemProject] = ()) -> bytes:
    """The workbook of one unit, stamped; ``projects`` are its own in the budget system."""
    return template(campaign.plan, unit, unit_stamp(campaign, unit), projects=projects)


def unit_stamp(campaign: Campaign, unit: Unit) -> Stamp:
    """The signed identity of a unit's workbook."""
    plan = campaign.plan
    stamp = Stamp(plan.campaign.code, Form.RETURN, plan.template_version(unit.kind), unit.code)
    return stamp.signed(campaign.stamp_key)
