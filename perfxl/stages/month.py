"""Monthly work (日常工作): what is due to the city and what was sent; the brief of a month."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import PLAN_FILE, PRODUCTS, Campaign
from perfxl.errors import (
    NoSuchCampaign,
    NothingToDo,
    NotInPlan,
    NoYearWorkbook,
    Place,
    WrongWorkbook,
)
from perfxl.excel.edits import SheetEdit, Spot, Written, edited_workbook
from perfxl.excel.reader import read_workbook
from perfxl.facts.month import Happened, MonthFigures, month_figures, months_of
from perfxl.files import keep_earlier, refuse_held, write_atomically
from perfxl.intake.extract import sheet_of
from perfxl.layout.locate import LocatedTable, Rows, find_table
from perfxl.ledger import Form, Verdict
from perfxl.monthly import Due, Month, Sent, Standing, dues_of_year, month_of, standings
from perfxl.plan.forms import template_layout
from perfxl.plan.monthly_reading import (
    CONTENT,
    DOCUMENT_NUMBER,
    DUE,
    ITEM,
    MONTH,
    REGISTER,
    SENT,
)
from perfxl.plan.names import find_name, same
from perfxl.plan.workbook import MONTHLY, OTHER_CAMPAIGNS
from perfxl.products.brief import monthly_brief
from perfxl.stages.documents import WrittenDocument, write_document
from perfxl.stages.gather import deadline_of_units, returns_in_force
from perfxl.values import date_of, squeeze, text_of

_PRODUCT, _CIRCULAR = "brief", "circular"
_SERIAL_ZERO = dt.date(1899, 12, 30)
_CHOSEN_MONTH = re.compile(r"\d{1,2}月")


@dataclass(frozen=True)
class MonthlyReports:
    """Every report of the year as it stands today, and rows of the register about none of them."""

    year: int
    standings: Sequence[Standing]
    strange: Sequence[Sent]

    def due_in(self, month: Month) -> list[Standing]:
        """Those whose last day lies in a month."""
        return [one for one in self.standings if (one.due.on.year, one.due.on.month) == month]


def monthly_reports(campaign: Campaign, today: dt.date) -> MonthlyReports:
    """What the plan's sheet 月报要求 asks for beside what the year workbook registers as sent.

    Raises NotInPlan without that sheet, NoYearWorkbook, Unreadable.
    """
    plan = campaign.plan
    if not plan.monthly:
        raise NotInPlan(
            f"考核方案中没有“{MONTHLY}”表",
            place=Place("考核方案.xlsx", MONTHLY),
            remedy="请加一张（样式见 perfxl year new 建立的方案），写明报送事项和期限",
        )
    year = plan.campaign.year
    dues: list[Due] = dues_of_year(plan.monthly, year)
    found, strange = standings(dues, _registered(campaign, year), today)
    return MonthlyReports(year, found, strange)


def _register(campaign: Campaign, data: bytes) -> tuple[str, Rows, LocatedTable]:
    """The sheet of the register in the year workbook, found as the score finds it, its rows, and
    where its table is. Raises WrongWorkbook where it or one of its columns is not there."""
    plan, name = campaign.plan, campaign.year_workbook.name
    layout = next(
        one
        for one in template_layout(plan, plan.units[0].kind).sheets
        if one.table is not None and find_name(REGISTER, [one.name]) is not None
    )
    assert layout.table is not None
    sheet, rows = sheet_of(read_workbook(data, name), layout)
    located = find_table(rows, layout.table) if rows is not None else None
    absent = [
        label
        for label in (MONTH, ITEM, DUE, SENT)
        if located is None or label not in located.columns
    ]
    if rows is None or located is None or absent:
        raise WrongWorkbook(
            f"登记表“{REGISTER}”找不到表头：{'、'.join(absent)}",
            place=Place(name, sheet),
            remedy="请用 perfxl year renew 换成新的格式",
        )
    return sheet, rows, located


def _registered(campaign: Campaign, year: int) -> list[Sent]:
    """The rows of the register 月度报送 in the year workbook."""
    path = campaign.year_workbook
    if not path.is_file():
        raise NoYearWorkbook(
            f"这里没有 {path.name}",
            place=Place(str(path)),
            remedy="请用 -C 指定 perfxl year new 建立的文件夹",
        )
    _, rows, located = _register(campaign, path.read_bytes())
    found = []
    for number in range(located.first_row, len(rows)):
        row = rows[number]
        values = {label: row[at] if at < len(row) else "" for label, at in located.columns.items()}
        texts = {label: text_of(value) for label, value in values.items()}
        if any(texts.values()):
            found.append(
                Sent(
                    _month(values.get(MONTH, ""), year),
                    texts.get(ITEM, ""),
                    date_of(values.get(DUE, "")),
                    date_of(values.get(SENT, "")),
                    texts.get(CONTENT, ""),
                    texts.get(DOCUMENT_NUMBER, ""),
                    number + 1,
                )
            )
    return found


@dataclass(frozen=True)
class DuesEntered:
    """How many reports were entered with their last days, and where the earlier workbook is."""

    entered: int
    kept: Path | None = None


def enter_dues(campaign: Campaign, now: dt.datetime) -> DuesEntered:
    """Enter every report of the year that the register lacks, with its last day and nothing else.

    Rows that stand there stay as they are. Raises what ``monthly_reports`` does, WrongWorkbook where
    the register is not in the workbook, WorkbookHeld where that is open elsewhere, CannotWrite.
    """
    result = monthly_reports(campaign, now.date())
    path = campaign.year_workbook
    refuse_held(path)
    data = path.read_bytes()
    name, _, located = _register(campaign, data)
    registered = _registered(campaign, result.year)
    there = {(one.month, same(one.item)) for one in registered}
    lacking = [
        one.due for one in result.standings if (one.due.month, same(one.due.item)) not in there
    ]
    if not lacking:
        return DuesEntered(0)
    first = max((one.row for one in registered), default=located.first_row)
    at = located.columns
    cells: dict[Spot, Written] = {}
    for row, due in enumerate(lacking, first):
        cells[row, at[MONTH]] = f"{due.month[1]}月"
        cells[row, at[ITEM]] = due.item
        cells[row, at[DUE]] = float((due.on - _SERIAL_ZERO).days)
    kept = keep_earlier(path, now)
    write_atomically(path, edited_workbook(data, [SheetEdit(name, cells)]))
    return DuesEntered(len(lacking), kept)


def _month(value: object, year: int) -> Month | None:
    """``1月`` as it is chosen; what the score does not take for a month is none here either."""
    text = squeeze(text_of(value))
    return month_of(text, year) if _CHOSEN_MONTH.fullmatch(text) else None


def what_happened(campaign: Campaign) -> Happened:
    """All that the campaign's ledger holds, as far as a brief speaks of it."""
    ledger = campaign.ledger
    _, first = returns_in_force(campaign)
    return Happened(
        issues=ledger.all_issues(),
        first=first,
        deadlines=deadline_of_units(campaign),
        valid=[one for one in ledger.receipts(Form.RETURN) if one.verdict is Verdict.VALID],
        send_backs=ledger.send_backs(),
        mails=ledger.mails(),
        draws=ledger.draws(),
        checked=ledger.checked(),
        reviews=ledger.reviews(),
        objections=ledger.objections(),
        answers=ledger.answers(),
        drafted=list(ledger.made_by_perfxl(_CIRCULAR, "").values()),
        problems=ledger.problems(),
        reports=ledger.problem_reports(),
        decisions=ledger.problem_decisions(),
    )


def source_of(campaign: Campaign, asked: Path | None = None) -> Campaign:
    """The campaign whose ledger a brief is drawn from: the folder asked for, the one that the
    plan's sheet 引用考核 names, or without that sheet the campaign itself.

    Raises NotACampaign for a folder that holds none, NoSuchCampaign where the plan names none that
    is there.
    """
    others = campaign.plan.other_campaigns
    if asked is not None:
        return Campaign(asked)
    if not others:
        return campaign
    folders = [campaign.folder / one.folder for one in others if one.folder]
    there = [folder for folder in folders if (folder / PLAN_FILE).is_file()]
    if len(there) != 1:
        names = "、".join(one.name for one in others)
        what = "方案引用的考核有几个" if there else "方案引用的考核文件夹不在"
        raise NoSuchCampaign(
            f"{what}：{names}",
            place=Place(PLAN_FILE, OTHER_CAMPAIGNS),
            remedy="请用 --from 指定考核文件夹",
        )
    return Campaign(there[0])


@dataclass(frozen=True)
class Brief:
    """The brief of a month: where it lies, what it states."""

    document: WrittenDocument
    figures: MonthFigures


def write_brief(campaign: Campaign, source: Campaign, month: Month, now: dt.datetime) -> Brief:
    """Write 成果/工作简报-YYYY年M月.docx in ``campaign`` from the ledger of ``source``.

    Raises NothingToDo for a month that has not begun or before anything was issued, NotInPlan where
    the plan of ``source`` has no text for it.
    """
    happened = what_happened(source)
    months = months_of(happened)
    if month > (now.year, now.month) or not months or month < months[0]:
        what = "还没有到这个月" if month > (now.year, now.month) else "这个月考核还没有开始"
        remedy = f"台账的记录从{months[0][0]}年{months[0][1]}月起" if months else "台账里还没有记录"
        raise NothingToDo(what, place=Place(str(source.folder)), remedy=remedy)
    figures = month_figures(source.plan, happened, month)
    data = monthly_brief(source.plan, figures, month, now.date())
    path: Path = campaign.path(PRODUCTS) / f"工作简报-{month[0]}年{month[1]}月.docx"
    holder = f"{month[0]}-{month[1]:02d}"
    written = write_document(campaign, path, data, _PRODUCT, now, holder)
    return Brief(written, figures)
