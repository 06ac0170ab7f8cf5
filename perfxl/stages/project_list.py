"""projects (项目): take in the budget system's project list, and say how it stands.

Only the file and who imported it when are recorded; what it says is read again from 原件/ by the
plan of the day, so that a short name added to the roster is enough to find a unit's projects.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import ORIGINALS, Campaign
from perfxl.errors import (
    ImportRefused,
    Missing,
    NothingToDo,
    NotInPlan,
    Place,
    ProjectListOutdated,
)
from perfxl.excel.delimited import read_export
from perfxl.files import keep_original, sha256_of, storable_name
from perfxl.intake.system_projects import read_system_projects
from perfxl.ledger import ProjectListImport
from perfxl.plan.model import Plan, ProjectImport
from perfxl.points import as_text
from perfxl.tables import SystemProject, SystemProjects, code_key
from perfxl.values import text_of


@dataclass(frozen=True)
class Change:
    """What another import changes: a project that is new or gone, or one of its values."""

    unit: str
    code: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class ImportResult:
    """An import: what was read, what it changes, and whether it was recorded (``new``)."""

    record: ProjectListImport
    projects: SystemProjects
    changes: tuple[Change, ...]
    supersedes: ProjectListImport | None
    new: bool


@dataclass(frozen=True)
class ListStatus:
    """The list in force and all that were imported; ``issued_before`` are codes of units whose
    workbook was issued before it and does not hold it."""

    record: ProjectListImport
    earlier: tuple[ProjectListImport, ...]
    projects: SystemProjects
    issued_before: tuple[str, ...]


def declared(plan: Plan) -> ProjectImport:
    """What the plan says of the export; raises NotInPlan where it says nothing."""
    if plan.project_import is None:
        raise NotInPlan(
            "考核方案中没有“项目导入”表",
            remedy="请在考核方案.xlsx 中加一张“项目导入”表（样式见 perfxl init 建立的方案）",
        )
    return plan.project_import


def import_list(
    campaign: Campaign, path: Path, now: dt.datetime, by: str, *, record: bool = True
) -> ImportResult:
    """Read an export, keep it in 原件/ and record it; it supersedes the one before.

    The file in force imported again changes nothing; without ``record`` nothing is kept. Raises
    NotInPlan, Missing, Unreadable, ImportRefused.
    """
    wanted = declared(campaign.plan)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Missing(
            f"文件读不出来（{error.strerror}）", place=Place(str(path)), remedy="请检查路径"
        ) from error
    name, digest = storable_name(path.name), sha256_of(data)
    projects = read_system_projects(campaign.plan, wanted, read_export(data, name), name)
    lists = campaign.ledger.project_lists()
    last = lists[-1] if lists else None
    before = None if last is None else _if_it_still_fits(campaign, last)
    fresh = ProjectListImport(name, "", digest, len(projects.projects), by, now)
    if last is not None and last.sha256 == digest:
        return ImportResult(last, projects, (), None, new=False)
    changed = changes(before, projects) if before is not None else ()
    if record:
        original = keep_original(campaign.path(ORIGINALS), data, name)
        fresh = ProjectListImport(name, original, digest, len(projects.projects), by, now)
        campaign.ledger.record_project_list(fresh)
    return ImportResult(fresh, projects, changed, last, new=record)


def projects_in_force(campaign: Campaign) -> SystemProjects | None:
    """The list imported last; None where there is none, or the plan has no use for one.

    Raises Missing where the original is gone, ProjectListOutdated where the plan of the day does
    not fit it any more.
    """
    if campaign.plan.project_import is None:
        return None
    lists = campaign.ledger.project_lists()
    return _projects_of(campaign, lists[-1]) if lists else None


def lists_ever_in_force(campaign: Campaign) -> list[SystemProjects]:
    """Every list ever imported that the plan of the day can read."""
    if campaign.plan.project_import is None:
        return []
    found = (_if_it_still_fits(campaign, one) for one in campaign.ledger.project_lists())
    return [one for one in found if one is not None]


def _if_it_still_fits(campaign: Campaign, record: ProjectListImport) -> SystemProjects | None:
    """A list that is to be superseded; None where the plan of the day cannot read it."""
    try:
        return _projects_of(campaign, record)
    except ProjectListOutdated:
        return None


def _projects_of(campaign: Campaign, record: ProjectListImport) -> SystemProjects:
    path = campaign.original(record.original)
    if not path.is_file():
        raise Missing(
            f"{record.file} 的原件不见了",
            place=Place(str(path)),
            remedy="请从备份恢复“原件”文件夹，或重新执行 perfxl projects import",
        )
    sheets = read_export(path.read_bytes(), record.file)
    try:
        return read_system_projects(campaign.plan, declared(campaign.plan), sheets, record.file)
    except ImportRefused as error:
        raise ProjectListOutdated(
            f"按现在的考核方案读不出 {record.imported_at:%Y-%m-%d} 导入的项目表："
            f"{error.mistakes[0].what}",
            place=Place(record.file),
            remedy="请改回考核方案的“项目导入”表，或重新导入；不再使用的，删去这张表",
        ) from error


def status(campaign: Campaign) -> ListStatus:
    """How the list in force stands; raises NothingToDo before the first import."""
    declared(campaign.plan)
    lists = campaign.ledger.project_lists()
    if not lists:
        raise NothingToDo("还没有导入项目表", remedy="请先执行 perfxl projects import 文件")
    projects = _projects_of(campaign, lists[-1])
    issues = campaign.ledger.issues()
    before = [
        unit.code
        for unit in campaign.plan.units
        if unit.code in projects.by_unit
        and unit.code in issues
        and issues[unit.code].issued_at < lists[-1].imported_at
    ]
    return ListStatus(lists[-1], tuple(lists[:-1]), projects, tuple(before))


def changes(before: SystemProjects, after: SystemProjects) -> tuple[Change, ...]:
    """What the later list says otherwise, in its order; projects that are gone come last."""
    old, new = _by_key(before), _by_key(after)
    found: list[Change] = []
    for key, project in new.items():
        if key not in old:
            found.append(Change(project.unit, project.code, "", "", "新增"))
            continue
        for label in dict.fromkeys([*old[key].values, *project.values]):
            was, now = _told(old[key], label), _told(project, label)
            if was != now:
                found.append(Change(project.unit, project.code, label, was, now))
    found += [Change(p.unit, p.code, "", "原有", "") for key, p in old.items() if key not in new]
    return tuple(found)


def _by_key(projects: SystemProjects) -> Mapping[tuple[str, str], SystemProject]:
    return {(one.unit, code_key(one.code)): one for one in projects.projects}


def _told(project: SystemProject, label: str) -> str:
    value = project.values.get(label)
    if label in project.exact:
        # A change of less than what the register shows is a change.
        return as_text(project.exact[label], 2) + "元"
    return as_text(value) if isinstance(value, int) else text_of(value)
