"""Indicators in other workbooks: earlier plans, other offices' tables. Sheets in, candidates out.

The files are untrusted: what they say becomes text in a cell and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from perfxl.indicator_library.columns import FoundColumn, FoundTable, find_indicator_table
from perfxl.indicator_library.model import CHANGES, INDICATORS, Kind, Use
from perfxl.layout.locate import Rows, cell_name, find_table, label_key
from perfxl.plan.names import kind_of_sheet
from perfxl.plan.workbook import (
    ADOPTION_PENDING,
    INFO,
    INFO_SHEET,
    RUBRIC_PREFIX,
    rubric_sheet,
)
from perfxl.values import squeeze, text_of

# Cells that are merged downward speak for the rows under them.
_FILLED_DOWN = ("sector", "kind", "level_1", "level_2")
_SUMS = {"合计", "总计", "小计", "总分"}
MANAGEMENT_SECTOR = "预算绩效管理"
LONGEST = 2000
_CUT = "……"


@dataclass(frozen=True)
class Origin:
    """Where a file's indicators come from, in the office's words where the file has none."""

    file: str
    sha256: str
    source: str = ""
    year: str = ""
    sector: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Candidate:
    """An indicator of a file: its values by key (source and year too), place, and whole content.

    ``key`` tells the row of the file apart from every other one for good.
    """

    key: str
    values: Mapping[str, str]
    file: str
    place: str
    content: str


@dataclass(frozen=True)
class Imported:
    """What one file holds: candidates, tables whose columns a person must confirm first, and rows
    that name no indicator."""

    candidates: tuple[Candidate, ...] = ()
    unconfirmed: tuple[FoundTable, ...] = ()
    passed_over: tuple[str, ...] = ()
    is_plan: bool = False


# What a person said of a table: the key of each column by position (blank: not wanted), or None
# for a table that is not wanted at all.
Confirmed = Mapping[tuple[str, int], Mapping[int, str] | None]


def read_indicators(
    origin: Origin, sheets: Mapping[str, Rows], confirmed: Confirmed, *, accept: bool = False
) -> Imported:
    """The indicators of one workbook.

    A sheet 指标体系 of a plan is read by its own headings. Of any other table columns are proposed,
    and unless all its headings are the library's own it is read only when ``confirmed`` (by sheet
    and heading row) or where ``accept`` takes the proposals. In a workbook of several tables without
    a sector of their own, the name of the sheet is taken for it.
    """
    candidates: list[Candidate] = []
    unconfirmed: list[FoundTable] = []
    passed_over: list[str] = []
    plan = _plan_origin(origin, sheets)
    is_plan = any(squeeze(name).startswith(RUBRIC_PREFIX) for name in sheets)
    if {INDICATORS, CHANGES} <= {squeeze(name) for name in sheets}:
        # Another office's library: its other sheets tell of the same indicators once more.
        sheets = {name: rows for name, rows in sheets.items() if squeeze(name) == INDICATORS}
    tables = {} if is_plan else _tables(sheets)
    for name, rows in sheets.items():
        if squeeze(name).startswith(RUBRIC_PREFIX):
            candidates.extend(_of_rubric(plan, name, rows))
            continue
        found = tables.get(name)
        if found is None:
            continue
        place = (name, found.heading_row)
        if place in confirmed:
            said = confirmed[place]
            if said is None:
                continue
            found = replace(
                found,
                columns=tuple(
                    replace(one, key=said.get(one.position, "")) for one in found.columns
                ),
            )
        elif not (found.sure or accept):
            unconfirmed.append(found)
            continue
        by_sheet = len(tables) > 1 and not origin.sector
        for one in _of_table(replace(origin, sector=name) if by_sheet else origin, found, rows):
            if isinstance(one, Candidate):
                candidates.append(one)
            else:
                passed_over.append(one)
    return Imported(tuple(candidates), tuple(unconfirmed), tuple(passed_over), is_plan)


def _tables(sheets: Mapping[str, Rows]) -> dict[str, FoundTable]:
    found = ((name, find_indicator_table(name, rows)) for name, rows in sheets.items())
    return {name: table for name, table in found if table is not None}


def _plan_origin(origin: Origin, sheets: Mapping[str, Rows]) -> Origin:
    """With the name and the year that the plan itself states, where the office said nothing."""
    rows = next((rows for name, rows in sheets.items() if squeeze(name) == INFO), ())
    table = INFO_SHEET.table
    assert table is not None
    located = find_table(rows, table)
    items: dict[str, str] = {}
    if located is not None:
        item, content = located.columns["项目"], located.columns.get("内容", -1)
        for row in rows[located.first_row :]:
            if item < len(row) and -1 < content < len(row):
                items[label_key(text_of(row[item]))] = text_of(row[content])
    return replace(
        origin,
        source=origin.source or items.get("考核名称", "") or origin.file,
        year=origin.year or items.get("考核年度", ""),
    )


def _of_rubric(origin: Origin, sheet: str, rows: Rows) -> Iterator[Candidate]:
    table = rubric_sheet(sheet).table
    assert table is not None
    located = find_table(rows, table)
    if located is None:
        return
    units = kind_of_sheet(sheet, RUBRIC_PREFIX)
    for number in range(located.first_row, len(rows)):
        row = rows[number]
        said = {
            key: text_of(row[at]) if at < len(row) else "" for key, at in located.columns.items()
        }
        names = [said.get(key, "") for key in ("一级指标", "二级指标", "三级指标")]
        names = [name for name in names if name]
        if not names or said.get("采用") == ADOPTION_PENDING:
            continue
        item, below = said.get("数据项", ""), said.get("分母数据项", "")
        method = said.get("评分方法", "")
        if item:
            method += f"：{item}÷{below}" if below else f"：{item}"
        values = {
            "name": names[-1],
            "kind": origin.kind or Kind.COMMON,
            "use": Use.MANAGEMENT,
            "sector": origin.sector or MANAGEMENT_SECTOR,
            "level_1": names[0] if len(names) > 1 else "",
            "level_2": names[1] if len(names) > 2 else "",
            "method": method,
            "standard": said.get("评分标准", ""),
            "marks": said.get("分值", ""),
            "source": origin.source,
            "year": origin.year,
            "note": f"适用：{units}" if units else "",
        }
        content = "；".join(f"{key}：{value}" for key, value in said.items() if value)
        yield _candidate(origin, sheet, number, values, content)


def _of_table(origin: Origin, found: FoundTable, rows: Rows) -> Iterator[Candidate | str]:
    """The rows of a table; of one that names no indicator, its place and content as text."""
    heading = [text_of(value) for value in rows[found.heading_row]]
    above: dict[str, str] = {}
    for number in range(found.heading_row + 1, len(rows)):
        row = rows[number]
        values = {one.key: _cell(row, one.position) for one in found.columns if one.key}
        if not any(values.values()):
            continue
        first = next(text for text in map(text_of, row) if text)
        if squeeze(first) in _SUMS or squeeze(values["name"]) in _SUMS:
            continue
        if values["name"] == heading[_position(found.columns, "name")]:
            continue
        if not values["name"]:
            said = "、".join(text for text in map(text_of, row) if text)
            _fill_down(values, above)
            yield f"{found.sheet}!{cell_name(number, 0)}：{said}"
            continue
        _fill_down(values, above)
        content = "；".join(
            f"{one.heading}：{_cell(row, one.position)}"
            for one in found.columns
            if _cell(row, one.position)
        )
        yield _candidate(origin, found.sheet, number, _completed(origin, values), content)


def _fill_down(values: dict[str, str], above: dict[str, str]) -> None:
    """Blank levels take what stands above; a new first level begins the second one afresh."""
    if values.get("level_1") and values["level_1"] != above.get("level_1"):
        above.pop("level_2", None)
    for key in _FILLED_DOWN:
        if key in values:
            values[key] = values[key] or above.get(key, "")
            above[key] = values[key]


def _completed(origin: Origin, values: dict[str, str]) -> dict[str, str]:
    values["source"] = "；".join(filter(None, (origin.source, values.get("source", ""))))
    values["source"] = values["source"] or origin.file
    values["year"] = values.get("year") or origin.year
    values["sector"] = values.get("sector") or origin.sector
    kind = values.get("kind", "").removesuffix("指标")
    if kind not in list(Kind):
        if kind:
            values["note"] = "；".join(filter(None, (values.get("note"), f"指标类型：{kind}")))
        kind = origin.kind or Kind.SPECIFIC
    values["kind"] = kind
    use = values.get("use", "")
    values["use"] = use if use in list(Use) else Use.PROJECT
    return values


def _candidate(
    origin: Origin, sheet: str, row: int, values: Mapping[str, str], content: str
) -> Candidate:
    cut = {
        key: text if len(text) <= LONGEST else text[:LONGEST] + _CUT for key, text in values.items()
    }
    key = f"{origin.sha256[:12]}/{sheet}/{row + 1}"
    return Candidate(key, cut, origin.file, f"{sheet}!{cell_name(row, 0)}", content)


def _position(columns: Sequence[FoundColumn], key: str) -> int:
    return next(one.position for one in columns if one.key == key)


def _cell(row: Sequence[object], position: int) -> str:
    return text_of(row[position]) if position < len(row) else ""
