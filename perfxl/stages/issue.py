"""issue (下发): one workbook per unit, into 下发/."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import ISSUED, Campaign
from perfxl.excel.stamp import Stamp
from perfxl.files import keep_earlier, sha256_of, write_together
from perfxl.ledger import Form, Issue
from perfxl.plan.forms import file_name
from perfxl.plan.model import Unit
from perfxl.products.template import Templates
from perfxl.stages.project_list import projects_in_force

# So many are flushed to disk, and then recorded, together.
_BATCH = 128


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
    templates = Templates(plan)
    written: list[Path] = []
    unchanged: list[Path] = []
    batch: list[tuple[Path, bytes, Issue]] = []

    def finish_batch() -> None:
        write_together([(path, data) for path, data, _ in batch])
        campaign.ledger.record_issues([record for _, _, record in batch])
        written.extend(path for path, _, _ in batch)
        batch.clear()

    for unit in plan.units:
        name = file_name(plan.campaign.code, unit)
        path = campaign.path(ISSUED) / unit.kind / name
        earlier = known.get(unit.code)
        own = projects.by_unit.get(unit.code, ()) if projects else ()
        data = templates.workbook(unit, unit_stamp(campaign, unit), own)
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
            version = plan.template_version(unit.kind)
            batch.append((path, data, Issue(unit.code, version, relative, digest, now)))
            if len(batch) == _BATCH:
                finish_batch()
        progress()
    finish_batch()
    prefilled = len(projects.projects) if projects else 0
    return IssueResult(tuple(written), tuple(unchanged), prefilled)


def unit_stamp(campaign: Campaign, unit: Unit) -> Stamp:
    """The signed identity of a unit's workbook."""
    plan = campaign.plan
    stamp = Stamp(plan.campaign.code, Form.RETURN, plan.template_version(unit.kind), unit.code)
    return stamp.signed(campaign.stamp_key)
