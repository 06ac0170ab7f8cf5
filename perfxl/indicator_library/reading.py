"""The library workbook's sheets as a ``Library``, or every mistake in them at its cell, at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from perfxl.errors import LibraryRefused, Mistake, Place
from perfxl.indicator_library.model import (
    CHANGE_SHEET,
    CHANGES,
    INDICATOR_COLUMNS,
    INDICATOR_SHEET,
    INDICATORS,
    LABELS,
    NUMBER,
    RECORDED,
    SOURCE_SHEET,
    SOURCES,
    Entry,
    Library,
    Spots,
    State,
)
from perfxl.layout.declare import SheetLayout
from perfxl.layout.locate import Rows, cell_name, find_table
from perfxl.values import squeeze, text_of

_NAME_FIRST = "请补上指标名称，或把整行清空"


def read_library(file: str, sheets: Mapping[str, Rows]) -> Library:
    """The library that a workbook's sheets hold (sheet name → rows from A1).

    Raises LibraryRefused with every mistake; ``file`` names the workbook.
    """
    mistakes: list[Mistake] = []
    names = {squeeze(name): name for name in reversed(list(sheets))}
    spots: dict[str, Spots] = {}
    rows: dict[str, list[Entry]] = {}
    for layout in (INDICATOR_SHEET, SOURCE_SHEET, CHANGE_SHEET):
        name = names.get(layout.name)
        if name is None:
            place = Place(file, layout.name)
            remedy = "请从“历次”文件夹中的上一版取回这张表"
            mistakes.append(Mistake("E724", "缺少这张工作表", place, remedy))
            continue
        found = _table(file, name, sheets[name], layout, mistakes)
        if found is not None:
            spots[layout.name], rows[layout.name] = found
    recorded = None
    if RECORDED in sheets:
        layout = replace(INDICATOR_SHEET, name=RECORDED)
        found = _table(file, RECORDED, sheets[RECORDED], layout, [])
        if found is not None:
            spots[RECORDED] = found[0]
            recorded = {entry.number: entry.values for entry in found[1] if entry.number}
    if INDICATORS in rows:
        _check(file, spots[INDICATORS], rows[INDICATORS], mistakes)
    if mistakes:
        raise LibraryRefused(file, mistakes)
    return Library(
        tuple(rows[INDICATORS]),
        tuple(entry.values for entry in rows[CHANGES]),
        recorded,
        {entry["key"]: entry["number"] for entry in rows[SOURCES] if entry["key"]},
        spots,
    )


def _table(
    file: str, name: str, rows: Rows, layout: SheetLayout, mistakes: list[Mistake]
) -> tuple[Spots, list[Entry]] | None:
    """Where a sheet's table stands and its filled rows; None where it has no heading."""
    assert layout.table is not None
    located = find_table(rows, layout.table)
    if located is None:
        labels = "、".join(column.label for column in layout.table.columns[:4])
        what = f"找不到表头（{labels} …）"
        mistakes.append(Mistake("E724", what, Place(file, name, "A1"), "表头的字请勿改动"))
        return None
    absent = [one.label for one in layout.table.columns if one.key not in located.columns]
    if absent:
        what = f"表头缺少：{'、'.join(absent)}"
        place = Place(file, name, cell_name(located.heading_row, 0))
        mistakes.append(Mistake("E724", what, place, "可以加列，请勿删去或改名原有的列"))
        return None
    entries = []
    last = last_filled = located.heading_row
    for number in range(located.first_row, len(rows)):
        row = rows[number]
        values = {
            key: text_of(row[at]) if at < len(row) else "" for key, at in located.columns.items()
        }
        if any(values.values()):
            entries.append(Entry(values, number))
            last = number
        if any(text_of(value) for value in row):
            last_filled = number
    free = max(last, last_filled) + 1
    return Spots(name, located.columns, located.heading_row, last, free), entries


def _check(file: str, spots: Spots, entries: list[Entry], mistakes: list[Mistake]) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:

        def place(key: str, entry: Entry = entry) -> Place:
            return Place(file, spots.sheet, cell_name(entry.row, spots.columns[key]))

        if not entry["name"]:
            mistakes.append(Mistake("E725", "“指标名称”没有填写", place("name"), _NAME_FIRST))
        for column in INDICATOR_COLUMNS:
            text = entry[column.key]
            if column.choices and text and text not in column.choices:
                allowed = "、".join(column.choices)
                what = f"“{column.label}”应为 {allowed} 之一，现为“{text}”"
                mistakes.append(Mistake("E726", what, place(column.key)))
        if not entry.number:
            continue
        other = seen.setdefault(squeeze(entry.number), entry)
        if other is not entry:
            what = f"{LABELS[NUMBER]}“{entry.number}”与第 {other.row + 1} 行重复"
            remedy = "复制的行请清空编号，登记时另编"
            mistakes.append(Mistake("E727", what, place(NUMBER), remedy))


def state_of(values: Mapping[str, str]) -> str:
    """The state that a row says; a blank one is in use."""
    return values.get("state", "") or State.IN_USE
