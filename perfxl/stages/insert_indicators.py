"""library insert: chosen indicators of the library into a plan, whose other cells stay as they are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfxl.campaign import read_plan_file
from perfxl.errors import Missing, NotInLibrary, NotInPlan, Place, PlanRefused
from perfxl.excel.edits import NewSheet, SheetEdit, Spot, Written, edited_workbook
from perfxl.excel.reader import read_workbook
from perfxl.files import keep_earlier, refuse_held, write_atomically
from perfxl.indicator_library.model import INDICATORS, Entry
from perfxl.indicator_library.similar import name_key
from perfxl.layout.declare import SheetLayout
from perfxl.layout.locate import LocatedTable, Rows, find_table
from perfxl.plan.methods import Manual
from perfxl.plan.names import find_name, kind_name, kind_of_sheet
from perfxl.plan.workbook import (
    ADOPTION,
    ADOPTION_PENDING,
    REFERENCES,
    REFERENCES_SHEET,
    RUBRIC_PREFIX,
    rubric_sheet,
)
from perfxl.products.indicator_book import height_of
from perfxl.products.template import lines_high
from perfxl.stages.indicator_library import entries_of
from perfxl.values import squeeze, text_of

_REFERENCE_KEYS = {
    "指标编号": "number",
    "指标名称": "name",
    "行业领域": "sector",
    "一级指标": "level_1",
    "二级指标": "level_2",
    "定义": "definition",
    "计算方法": "method",
    "计量单位": "unit",
    "目标值": "target",
}


@dataclass(frozen=True)
class Inserted:
    """The sheet that was written to, the indicators that went in with their codes, those that were
    there, and where the earlier plan is."""

    sheet: str
    entries: tuple[tuple[Entry, str], ...]
    already: tuple[Entry, ...] = ()
    kept: Path | None = None


@dataclass
class _Table:
    """A table of the plan as it stands: texts by label, and where rows are free."""

    sheet: str
    located: LocatedTable
    rows: Rows
    records: list[Mapping[str, str]] = field(default_factory=list)
    last_row: int = 0
    free_row: int = 0

    def __post_init__(self) -> None:
        self.last_row = self.located.heading_row
        self.free_row = self.located.first_row
        for number in range(self.located.first_row, len(self.rows)):
            row = self.rows[number]
            record = {
                label: text_of(row[at]) if at < len(row) else ""
                for label, at in self.located.columns.items()
            }
            if any(record.values()):
                self.records.append(record)
                self.last_row = number
            if any(text_of(value) for value in row):
                self.free_row = number + 1


def insert(
    library: Path,
    plan_file: Path,
    numbers: Sequence[str],
    now: dt.datetime,
    *,
    kind: str = "",
    as_reference: bool = False,
) -> Inserted:
    """Write indicators into the plan's rubric of one kind of unit, or into its sheet 指标参考.

    In the rubric they come under its last row, without marks and as 待定, so that the plan loads and
    counts as before until somebody adopts them. Raises NotInLibrary, NotInPlan, PlanRefused,
    WorkbookHeld, CannotWrite.
    """
    known = {entry.number: entry for entry in entries_of(library)}
    chosen = [_usable(known, number) for number in dict.fromkeys(numbers)]
    if not plan_file.is_file():
        raise Missing("没有这份考核方案", place=Place(str(plan_file)), remedy="请用 --plan 指定")
    refuse_held(plan_file)
    data = plan_file.read_bytes()
    read_plan_file(data, plan_file.name)
    sheets = read_workbook(data, plan_file.name).sheets
    if as_reference:
        result, edit, added = _references(sheets, chosen)
    else:
        result, edit, added = _rubric_rows(sheets, chosen, kind, plan_file.name)
    if not result.entries:
        return result
    changed = edited_workbook(data, [] if edit is None else [edit], added)
    try:
        read_plan_file(changed, plan_file.name)
    except PlanRefused as error:
        raise NotInPlan(
            f"插入后的考核方案会有错误，没有写入：{error.mistakes[0].what}",
            place=error.mistakes[0].place,
            remedy="请先在考核方案里调整后再试",
        ) from error
    kept = keep_earlier(plan_file, now)
    write_atomically(plan_file, changed)
    return Inserted(result.sheet, result.entries, result.already, kept)


def _usable(known: Mapping[str, Entry], number: str) -> Entry:
    entry = known.get(number)
    if entry is None or not entry.in_use:
        what = f"“{number}”已经停用" if entry else f"指标库里没有“{number}”"
        remedy = "编号用 perfxl library search 查"
        raise NotInLibrary(what, place=Place(sheet=INDICATORS), remedy=remedy)
    return entry


def _table_of(name: str, rows: Rows, layout: SheetLayout) -> _Table:
    assert layout.table is not None
    located = find_table(rows, layout.table)
    if located is None:
        raise NotInPlan(f"工作表“{name}”里找不到表头", place=Place(sheet=name))
    return _Table(name, located, rows)


def _rubric_rows(
    sheets: Mapping[str, Rows], chosen: Sequence[Entry], kind: str, file: str
) -> tuple[Inserted, SheetEdit | None, list[NewSheet]]:
    kinds = {
        kind_of_sheet(name, RUBRIC_PREFIX): name
        for name in sheets
        if squeeze(name).startswith(RUBRIC_PREFIX)
    }
    wanted = find_name(kind_name(kind), kinds) if kind else None
    if wanted is None and not kind and len(kinds) == 1:
        wanted = next(iter(kinds))
    if wanted is None:
        what = f"考核方案里没有“{kind}”的指标体系" if kind else "考核方案里有几张指标体系表"
        remedy = f"请用 --kind 指定：{'、'.join(kinds)}"
        raise NotInPlan(what, place=Place(file), remedy=remedy)
    sheet = kinds[wanted]
    table = _table_of(sheet, sheets[sheet], rubric_sheet(sheet))
    columns = dict(table.located.columns)
    heading = table.located.heading_row
    cells: dict[Spot, Written] = {}
    looks: dict[Spot, Spot] = {}
    if ADOPTION not in columns:
        columns[ADOPTION] = _free_column(table)
        cells[heading, columns[ADOPTION]] = ADOPTION
        looks[heading, columns[ADOPTION]] = (heading, columns["编码"])
    there = {name_key(_leaf(record)) for record in table.records}
    codes = [record.get("编码", "") for record in table.records]
    marked: set[Spot] = set()
    heights: dict[int, float] = {}
    entries: list[tuple[Entry, str]] = []
    already: list[Entry] = []
    levels = [(record.get("一级指标", ""), record.get("编码", "")) for record in table.records]
    row = table.free_row
    for entry in chosen:
        if name_key(entry["name"]) in there:
            already.append(entry)
            continue
        there.add(name_key(entry["name"]))
        names = [entry["level_1"], entry["level_2"], entry["name"]]
        names = [name for name in names if name]
        code = _code(names[0], levels, codes)
        codes.append(code)
        levels.append((names[0], code))
        texts = dict(zip(("一级指标", "二级指标", "三级指标"), names, strict=False))
        texts |= {
            "编码": code,
            "评分标准": entry["standard"] or entry["method"] or entry["definition"],
            "评分方法": Manual.name,
            ADOPTION: ADOPTION_PENDING,
        }
        for label, column in columns.items():
            cells[row, column] = texts.get(label, "")
        looks[row, columns[ADOPTION]] = (table.last_row, columns["评分方法"])
        marked |= {(row, columns["分值"]), (row, columns[ADOPTION])}
        entries.append((entry, code))
        heights[row] = max(20.0, lines_high(texts["评分标准"], 25, 13))
        row += 1
    like = dict.fromkeys(range(table.free_row, row), table.last_row)
    edit = SheetEdit(sheet, cells, like, looks, heights, frozenset(marked))
    return Inserted(sheet, tuple(entries), tuple(already)), edit, []


def _free_column(table: _Table) -> int:
    """The first column right of everything on the sheet."""
    widths = (
        1 + max((at for at, value in enumerate(row) if text_of(value)), default=-1)
        for row in table.rows[table.located.heading_row :]
    )
    return max(widths)


def _leaf(record: Mapping[str, str]) -> str:
    names = [record.get(label, "") for label in ("三级指标", "二级指标", "一级指标")]
    return next((name for name in names if name), "")


def _code(level: str, levels: Sequence[tuple[str, str]], codes: Sequence[str]) -> str:
    """A free code beside those of the same first level, else under the next number."""
    own = [code.split(".")[0] for name, code in levels if name_key(name) == name_key(level)]
    heads = [int(head) for code in codes if (head := code.split(".")[0]).isdecimal()]
    head = next((one for one in own if one.isdecimal()), str(max(heads, default=0) + 1))
    number = 1
    while any(code == f"{head}.{number}" or code.startswith(f"{head}.{number}.") for code in codes):
        number += 1
    return f"{head}.{number}"


def _references(
    sheets: Mapping[str, Rows], chosen: Sequence[Entry]
) -> tuple[Inserted, SheetEdit | None, list[NewSheet]]:
    layout = REFERENCES_SHEET
    assert layout.table is not None
    name = next((one for one in sheets if squeeze(one) == REFERENCES), None)
    labels = [column.label for column in layout.table.columns]

    def texts(entry: Entry) -> dict[str, str]:
        return {label: entry[_REFERENCE_KEYS[label]] for label in labels}

    if name is None:
        rows = [[texts(entry)[label] for label in labels] for entry in chosen]
        widths = [column.width for column in layout.table.columns]
        added = [NewSheet(REFERENCES, layout.note, labels, widths, rows)]
        return Inserted(REFERENCES, tuple((entry, "") for entry in chosen)), None, added
    table = _table_of(name, sheets[name], layout)
    there = {record.get("指标编号", "") for record in table.records}
    already = tuple(entry for entry in chosen if entry.number in there)
    fresh = [entry for entry in chosen if entry.number not in there]
    cells: dict[Spot, Written] = {
        (row, column): texts(entry)[label]
        for row, entry in enumerate(fresh, table.free_row)
        for label, column in table.located.columns.items()
    }
    like = dict.fromkeys(range(table.free_row, table.free_row + len(fresh)), table.last_row)
    heights = {
        row: height_of(layout.table.columns, texts(entry))
        for row, entry in enumerate(fresh, table.free_row)
    }
    edit = SheetEdit(name, cells, like if table.records else {}, heights=heights)
    return Inserted(name, tuple((entry, "") for entry in fresh), already), edit, []
