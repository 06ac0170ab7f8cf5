"""year (年度): a county's own year, kept in one workbook and scored by its plan.

The folder is a campaign of one unit. In go 年度台账.xlsx and, where the plan names one, the folder of
another campaign; out come findings, the score by leaf, figures in the ledger and 县级自评得分.xlsx.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from perfxl.campaign import ORIGINALS, PLAN_FILE, PRODUCTS, YEAR_WORKBOOK, Campaign, read_plan_file
from perfxl.checks.runner import CheckResult
from perfxl.county.figures import Source, figures_of
from perfxl.county.score import CountyScore, county_score
from perfxl.errors import (
    AlreadyThere,
    FiguresRefused,
    NoSuchCampaign,
    NotAYear,
    NoYearWorkbook,
    Place,
    PlanRefused,
)
from perfxl.excel.edits import SheetEdit, Spot, Written, edited_workbook
from perfxl.excel.reader import read_workbook
from perfxl.files import keep_earlier, keep_original, refuse_held, write_atomically
from perfxl.intake.content import not_taken_over, typed_content
from perfxl.layout.locate import find_table, label_key
from perfxl.ledger import CampaignFigure
from perfxl.plan.model import DataItem, OtherCampaign, Plan, Unit
from perfxl.plan.model import Source as ItemSource
from perfxl.plan.workbook import INFO, INFO_SHEET, OTHER_CAMPAIGNS
from perfxl.points import as_score
from perfxl.products.county_score import county_score_workbook
from perfxl.products.template import template
from perfxl.resources import template_file
from perfxl.stages.check import FileCheck, check_grid
from perfxl.stages.gather import gather
from perfxl.stages.issue import unit_stamp
from perfxl.tables import CAMPAIGN_FIGURES, Outcome, frame_of
from perfxl.values import text_of

COUNTY_PLAN = "县级考核方案.xlsx"
# The check that every indicator has a self-score.
CLAIM_MISSING = "F201"
SCORE_WORKBOOK = "县级自评得分.xlsx"


def new_year(
    folder: Path,
    plan: bytes | None = None,
    stamp_key: bytes | None = None,
    year: int | None = None,
) -> Campaign:
    """Make ``folder`` the folder of a county's year, with its plan and a blank year workbook.

    ``year`` goes into the plan's 考核信息 in place of the year that stands there. Raises
    AlreadyThere, PlanRefused, Unreadable, NotAYear.
    """
    data = plan or template_file(COUNTY_PLAN).read_bytes()
    if year is not None:
        data = plan_of_year(data, year)
    _own_unit(read_plan_file(data, PLAN_FILE))
    if (folder / YEAR_WORKBOOK).exists():
        place = Place(str(folder))
        raise AlreadyThere("文件夹里已有年度台账", place=place, remedy="请换一个文件夹")
    campaign = Campaign.create(folder, data, stamp_key)
    unit = _own_unit(campaign.plan)
    workbook = template(campaign.plan, unit, unit_stamp(campaign, unit))
    write_atomically(campaign.year_workbook, workbook)
    return campaign


def plan_of_year(plan: bytes, year: int) -> bytes:
    """The plan for another year: its code, name, year and title; its dates as many years later.

    The document number is left to be given. Raises PlanRefused, Unreadable.
    """
    rows = read_workbook(plan, PLAN_FILE).sheets.get(INFO, ())
    table = INFO_SHEET.table
    located = find_table(rows, table) if table is not None else None
    before = read_plan_file(plan, PLAN_FILE).campaign.year
    if located is None or before == year:
        return plan
    label_at, value_at = located.columns["项目"], located.columns["内容"]
    cells: dict[Spot, Written] = {}
    for number in range(located.first_row, len(rows)):
        row = rows[number]
        item = label_key(text_of(row[label_at])) if label_at < len(row) else ""
        text = text_of(row[value_at]) if value_at < len(row) else ""
        if item in ("考核编号", "考核名称", "模板标题"):
            cells[number, value_at] = text.replace(str(before), str(year))
        elif item == "考核年度":
            cells[number, value_at] = float(year)
        elif item in ("印发日期", "报送截止时间"):
            later = str(int(text[:4]) + year - before) if text[:4].isdecimal() else text[:4]
            cells[number, value_at] = later + text[4:]
        elif item == "发文字号":
            cells[number, value_at] = ""
    return edited_workbook(plan, [SheetEdit(INFO, cells)])


@dataclass(frozen=True)
class Taking:
    """What became of one of the campaigns that the plan names.

    ``taken`` are the figures in force; ``looked`` says whether its folder was read just now, and
    ``said`` what the office should know.
    """

    campaign: OtherCampaign
    looked: bool
    taken: Sequence[CampaignFigure]
    said: str


@dataclass(frozen=True)
class Year:
    """The year workbook as it stands: its bytes, checked, and scored."""

    workbook: bytes = field(repr=False)
    unit: Unit
    checked: FileCheck
    score: CountyScore
    takings: Sequence[Taking]

    @property
    def is_claimed(self) -> bool:
        """Whether any indicator has a self-score yet."""
        return is_claimed(self.checked)


def is_claimed(checked: FileCheck) -> bool:
    """Whether anything was typed as a self-score; all through the year nothing need be."""
    return bool((checked.tables.entries["self_score_text"].fillna("") != "").any())


def read_year(
    campaign: Campaign, now: dt.datetime, folders: Mapping[str, Path] | None = None
) -> Year:
    """Take the figures of other campaigns, then read, check and score the year workbook.

    ``folders`` names, by the plan's name of a campaign, a folder that goes before the plan's.
    Raises NotAYear, NoYearWorkbook, Unreadable, NoSuchCampaign, FiguresRefused.
    """
    plan = campaign.plan
    unit = _own_unit(plan)
    data = _year_workbook(campaign)
    grid = read_workbook(data, campaign.year_workbook.name)
    takings = take_figures(campaign, now, folders or {})
    in_force = [one for taking in takings for one in taking.taken]
    borrowed = {one.item: one.value for one in in_force}
    checked = check_grid(
        plan,
        unit,
        data,
        grid,
        campaign.year_workbook.name,
        campaign.stamp_key,
        borrowed=borrowed,
        as_of=now.date(),
    )
    if not is_claimed(checked):
        checked = replace(checked, result=_not_yet_claimed(checked.result))
    taken = frame_of([vars(one) for one in in_force], CAMPAIGN_FIGURES)
    score = county_score(plan, unit, checked.tables, checked.computed, taken, now.date())
    return Year(data, unit, checked, score, takings)


def _not_yet_claimed(result: CheckResult) -> CheckResult:
    """The result while the year is under way: that nobody has claimed anything yet is no mistake."""
    findings, outcomes = result.findings, result.outcomes
    of_claims = outcomes["code"] == CLAIM_MISSING
    return CheckResult(
        findings[findings["code"] != CLAIM_MISSING].reset_index(drop=True),
        outcomes.assign(outcome=outcomes["outcome"].mask(of_claims, str(Outcome.COULD_NOT_RUN))),
    )


@dataclass(frozen=True)
class Scored:
    """The year, the workbook that shows its score, and where the one before it went."""

    year: Year
    path: Path
    kept: Path | None


def score_year(
    campaign: Campaign, now: dt.datetime, folders: Mapping[str, Path] | None = None
) -> Scored:
    """Score the year and write 成果/县级自评得分.xlsx.

    The year workbook as it was scored is kept in 原件/. Raises what ``read_year`` does.
    """
    year = read_year(campaign, now, folders)
    cover = year.checked.tables.returns.iloc[0]
    data = county_score_workbook(
        campaign.plan, year.unit, year.score, now, cover["preparer"], cover["phone"]
    )
    keep_original(campaign.path(ORIGINALS), year.workbook, campaign.year_workbook.name)
    path = campaign.path(PRODUCTS) / SCORE_WORKBOOK
    kept = keep_earlier(path, now)
    write_atomically(path, data)
    return Scored(year, path, kept)


def _own_unit(plan: Plan) -> Unit:
    if len(plan.units) != 1:
        raise NotAYear(
            f"考核方案有 {len(plan.units)} 个单位，不是一个县自己的年度台账",
            place=Place(PLAN_FILE),
            remedy="年度台账的考核方案只有本县财政局一个单位，请用 perfxl year new 建立",
        )
    return plan.units[0]


def _year_workbook(campaign: Campaign) -> bytes:
    path = campaign.year_workbook
    if not path.is_file():
        raise NoYearWorkbook(
            f"文件夹里没有 {path.name}",
            place=Place(str(campaign.folder.resolve())),
            remedy="请放回年度台账；还没有建立的，用 perfxl year new 建立",
        )
    return path.read_bytes()


@dataclass(frozen=True)
class Renewed:
    """The year workbook in its new form, where the earlier one is, and what could not go over."""

    path: Path
    kept: Path | None
    left_behind: tuple[str, ...]


def renew_year(campaign: Campaign, now: dt.datetime) -> Renewed:
    """Write the year workbook anew by the plan as it is now, with all that is typed in it.

    Sums typed over formulas become formulas again. Columns and sheets that the plan does not have
    any more stay behind in the earlier workbook, in 历次/, and so do comments and what was written
    beside the fields of the cover. Raises NotAYear, NoYearWorkbook, Unreadable, WorkbookHeld,
    CannotWrite.
    """
    plan, unit = campaign.plan, _own_unit(campaign.plan)
    refuse_held(campaign.year_workbook)
    before, name = _year_workbook(campaign), campaign.year_workbook.name
    grid = read_workbook(before, name)
    checked = check_grid(plan, unit, before, grid, name, campaign.stamp_key)
    content = typed_content(plan, unit, grid)
    data = template(plan, unit, unit_stamp(campaign, unit), content)
    kept = keep_earlier(campaign.year_workbook, now)
    write_atomically(campaign.year_workbook, data)
    left = (*not_taken_over(plan, unit, grid), *_typed_sums(checked.tables.subtotals))
    return Renewed(campaign.year_workbook, kept, left)


def _typed_sums(subtotals: pd.DataFrame) -> list[str]:
    """Subtotals that somebody typed over their formulas, and that say something else."""
    typed = subtotals[(~subtotals["is_formula"]).fillna(False) & subtotals["displayed"].notna()]
    return [
        f"自评表“{one.code} {one.name}”手工填写的 {as_score(int(one.displayed))}（已恢复为公式）"
        for one in typed[typed["displayed"] != typed["sum_below"]].itertuples(index=False)
    ]


def take_figures(campaign: Campaign, now: dt.datetime, folders: Mapping[str, Path]) -> list[Taking]:
    """Take what the plan wants of each campaign that it names, and record it with date and source.

    A campaign whose folder is not named, not there, or without returns keeps what was taken before.
    Raises NoSuchCampaign for a folder that is there and holds no campaign, or that was asked for;
    FiguresRefused where a campaign cannot give what is wanted.
    """
    plan = campaign.plan
    takings = []
    for other in plan.other_campaigns:
        wanted = [
            item
            for item in plan.data_items
            if item.source is ItemSource.CAMPAIGN
            and item.borrowed is not None
            and item.borrowed.campaign == other.name
        ]
        folder = _folder(campaign, other, folders.get(other.name))
        before = campaign.ledger.figures()
        if folder is None:
            known = [before[item.name] for item in wanted if item.name in before]
            why = f"文件夹 {other.folder} 不在" if other.folder else "方案没有写明文件夹"
            takings.append(Taking(other, False, known, _not_looked(why, known)))
            continue
        figures = _figures(folder, other, wanted, now)
        if figures is None:
            known = [before[item.name] for item in wanted if item.name in before]
            why = f"文件夹 {folder} 里还没有收到任何报送"
            takings.append(Taking(other, False, known, _not_looked(why, known)))
            continue
        fresh = [one for one in figures if _differs(before.get(one.item), one)]
        campaign.ledger.record_figures(fresh)
        said = f"{figures[0].name}（{folder}）" if figures else ""
        takings.append(Taking(other, True, figures, said))
    return takings


def _folder(campaign: Campaign, other: OtherCampaign, asked: Path | None) -> Path | None:
    """The other campaign's folder; None where none is named, or it is not there just now."""
    named = asked or (Path(other.folder) if other.folder else None)
    if named is None:
        return None
    folder = named if asked else (campaign.folder / named)
    if (folder / PLAN_FILE).is_file():
        return folder
    if asked or folder.exists():
        cell = "" if asked else other.cell
        raise NoSuchCampaign(
            f"“{other.name}”的文件夹里没有 {PLAN_FILE}：{folder}",
            place=Place("" if asked else PLAN_FILE, "" if asked else OTHER_CAMPAIGNS, cell),
            remedy="请改为考核文件夹的路径；暂时没有的留空",
        )
    return None


def _not_looked(why: str, known: Sequence[CampaignFigure]) -> str:
    if not known:
        return f"{why}，按填报数计算"
    newest = max(one.taken_at for one in known)
    return f"{why}，沿用 {newest:%Y-%m-%d} 从{known[0].name}取的数"


def _figures(
    folder: Path, other: OtherCampaign, wanted: Sequence[DataItem], now: dt.datetime
) -> list[CampaignFigure] | None:
    """What the campaign in a folder gives; None where it has no returns yet."""
    source = Campaign(folder)
    try:
        _ = source.plan
    except PlanRefused as refused:
        # Not to be taken for the plan of the year.
        raise PlanRefused(str(folder / PLAN_FILE), refused.mistakes) from refused
    try:
        gathered = gather(source)
        if not gathered.receipts:
            return None
        material = Source(gathered.plan, gathered.scores, gathered.status, gathered.tables)
        found, mistakes = figures_of(wanted, material, PLAN_FILE)
        if mistakes:
            raise FiguresRefused(PLAN_FILE, mistakes)
        info = gathered.plan.campaign
    finally:
        source.close()
    return [
        CampaignFigure(
            one.item, other.name, one.value, one.note, info.code, info.name, str(folder), now
        )
        for one in found
    ]


def _differs(before: CampaignFigure | None, now: CampaignFigure) -> bool:
    """Whether there is anything to record: another value or source, or another day."""
    if before is None or before.taken_at.date() != now.taken_at.date():
        return True
    return any(
        getattr(before, name) != getattr(now, name)
        for name in ("campaign", "value", "note", "code", "name", "folder")
    )
