"""library enter: the library's indicators into the register 指标库 of a county's year workbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from perfxl.campaign import Campaign
from perfxl.errors import NotInPlan, NoYearWorkbook, Place, WrongWorkbook
from perfxl.excel.edits import SheetEdit, Spot, Written, edited_workbook
from perfxl.excel.reader import read_workbook
from perfxl.files import keep_earlier, refuse_held, write_atomically
from perfxl.indicator_library.model import Entry, Use
from perfxl.indicator_library.versions import YearBalance
from perfxl.layout.locate import find_table
from perfxl.plan.forms import register_table
from perfxl.plan.names import find_name, same
from perfxl.stages.indicator_library import changes_of, entries_of
from perfxl.values import squeeze, text_of

REGISTER = "指标库"
_NUMBER, _CHANGE, _YEAR = "指标编号", "变化", "年度"
_COLUMNS = {
    _NUMBER: "number",
    "指标名称": "name",
    "指标类型": "kind",
    "行业领域": "sector",
    "一级指标": "level_1",
    "二级指标": "level_2",
    "来源": "source",
}
_USES = (Use.PROJECT, Use.DEPARTMENT, "")


@dataclass(frozen=True)
class Entered:
    """The indicators that were written, those that stood there, and where the earlier file is."""

    entries: tuple[Entry, ...]
    already: int
    kept: Path | None = None


def enter(campaign: Campaign, library: Path, now: dt.datetime) -> Entered:
    """Write the indicators in use that the register lacks under its last row.

    Rows that stand there stay as they are. Indicators for assessing the work of managing (管理考核)
    are none of those that the city counts, and retired ones are left out. Raises NotInPlan,
    NoYearWorkbook, WrongWorkbook, WorkbookHeld, CannotWrite.
    """
    register = next(
        (one for one in campaign.plan.registers if find_name(REGISTER, [one.name])), None
    )
    if register is None:
        raise NotInPlan(
            f"考核方案中没有登记表“{REGISTER}”",
            place=Place("考核方案.xlsx", "登记表"),
            remedy="这个命令用于 perfxl year new 建立的文件夹，请用 -C 指定",
        )
    path = campaign.year_workbook
    if not path.is_file():
        raise NoYearWorkbook(f"这里没有 {path.name}", place=Place(str(path)))
    refuse_held(path)
    data = path.read_bytes()
    sheets = read_workbook(data, path.name).sheets
    name = next((one for one in sheets if squeeze(one) == squeeze(register.name)), "")
    located = find_table(sheets.get(name, ()), register_table(register))
    if located is None or not {_NUMBER, "指标名称"} <= set(located.columns):
        raise WrongWorkbook(
            f"找不到登记表“{register.name}”的表头",
            place=Place(path.name, name),
            remedy="请用 perfxl year renew 换成新的格式",
        )
    rows = sheets[name]
    at = located.columns
    filled = [
        number for number in range(located.first_row, len(rows)) if any(map(text_of, rows[number]))
    ]
    there = {
        same(text_of(rows[number][at[_NUMBER]]))
        for number in filled
        if at[_NUMBER] < len(rows[number])
    }
    year = campaign.plan.campaign.year
    balance = next(iter(changes_of(library, year).years), None)
    wanted = [
        one for one in entries_of(library) if one.in_use and one.number and one["use"] in _USES
    ]
    fresh = [one for one in wanted if same(one.number) not in there]
    if not fresh:
        return Entered((), len(wanted))
    cells: dict[Spot, Written] = {}
    first = max(filled, default=located.heading_row) + 1
    for row, entry in enumerate(fresh, first):
        said = {label: entry[key] for label, key in _COLUMNS.items()}
        said[_CHANGE] = _change(entry.number, balance)
        cells |= {(row, at[label]): text for label, text in said.items() if label in at and text}
        if _YEAR in at:
            cells[row, at[_YEAR]] = year
    changed = edited_workbook(data, [SheetEdit(name, cells)])
    kept = keep_earlier(path, now)
    write_atomically(path, changed)
    return Entered(tuple(fresh), len(wanted) - len(fresh), kept)


def _change(number: str, balance: YearBalance | None) -> str:
    """What became of an indicator in the year: 新增, 修改 or 沿用."""
    if balance is not None and number not in balance.before:
        return "新增"
    return "修改" if balance is not None and number in balance.altered else "沿用"
