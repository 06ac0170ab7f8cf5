"""The consolidated workbook, beside xlsxwriter alone writing the same cells.

``calls`` notes all that perfxl asks of xlsxwriter for it: every cell with its format, formula and
cached result, widths, heights, merged cells, links, conditional formats, print set-up, in the same
order. ``bare`` makes these calls of xlsxwriter itself and nothing else; charts are left out there.
constant_memory is not used on either side: it writes another file, with texts in every cell, and
loses what is not written row by row. Both are printed as JSON: CPU seconds, memory in MiB.
"""

from __future__ import annotations

import datetime as dt
import json
import pickle
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format

from perfxl.campaign import Campaign
from perfxl.excel.style import properties
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.products.consolidated import workbook
from perfxl.products.consolidated.material import Material
from perfxl.stages.consolidate import material
from perfxl.stages.gather import Gathered, gather

_AT_ONCE = 50_000
_NOW = dt.datetime(2024, 3, 1, 10, 0)
Call = tuple[int, str, tuple[Any, ...], dict[str, Any]]


class _Style(int):
    """The number of a format, in the place of the format."""


class _Notes:
    """A sheet that only notes what is asked of it."""

    keeps_cells = True

    def __init__(self, book: _NotingWriter, number: int, name: str) -> None:
        self._book, self._number, self._name = book, number, name

    def get_name(self) -> str:
        return self._name

    def insert_chart(self, *_: Any) -> None:
        pass

    def finish_rows(self, *_: Any) -> None:
        pass

    def __getattr__(self, method: str) -> Callable[..., None]:
        def note(*arguments: Any, **named: Any) -> None:
            self._book.note((self._number, method, arguments, named))

        return note


class _NotingWriter(WorkbookWriter):
    """Hands out sheets that note; the notes go to a file, some thousand at a time."""

    def __init__(self, file: Path, **options: Any) -> None:
        super().__init__(**options)
        self._file = file.open("wb")
        self._noted: list[Call] = []
        self._names: list[str] = []
        self.styles: dict[tuple[tuple[str, Any], ...], _Style] = {}

    def sheet(self, name: str, *, charted: bool = False) -> SheetWriter:
        self._names.append(name)
        return SheetWriter(self, _Notes(self, len(self._names) - 1, name))  # type: ignore[arg-type]

    def format(self, role: Any, kind: Any = None, **more: Any) -> Format:
        key = tuple(sorted(properties(role, kind, **more).items()))
        return self.styles.setdefault(key, _Style(len(self.styles)))

    def note(self, call: Call) -> None:
        self._noted.append(call)
        if len(self._noted) == _AT_ONCE:
            pickle.dump(self._noted, self._file)
            self._noted = []

    def to_bytes(self) -> bytes:
        pickle.dump(self._noted, self._file)
        pickle.dump([dict(key) for key in self.styles], self._file)
        pickle.dump(self._names, self._file)
        self._file.close()
        return b""


def _material(folder: Path) -> tuple[Gathered, Material]:
    campaign = Campaign(folder)
    gathered = gather(campaign)
    made = material(campaign, gathered, _NOW)
    campaign.close()
    return gathered, made


def note_calls(shown: Material, file: Path) -> None:
    """Write into a file what perfxl asks of xlsxwriter for this workbook."""
    with mock.patch.object(workbook, "WorkbookWriter", lambda **_: _NotingWriter(file)):
        workbook.consolidated_workbook(shown)


def _noted(file: Path) -> Iterator[Any]:
    with file.open("rb") as source:
        while True:
            try:
                yield pickle.load(source)
            except EOFError:
                return


def bare(file: Path, target: Path) -> dict[str, float]:
    """Ask the same of xlsxwriter; what that took."""
    names: list[str] = []
    styles: list[dict[str, Any]] = []
    for found in _noted(file):
        styles, names = names, found  # type: ignore[assignment]
    started = time.process_time()
    book = xlsxwriter.Workbook(
        target,
        {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False},
    )
    formats = [book.add_format(one) for one in styles]
    sheets = [book.add_worksheet(name) for name in names]
    seconds = time.process_time() - started
    cells = 0
    for calls in _noted(file):
        if not calls or not isinstance(calls[0], tuple):
            break
        ready = [
            (getattr(sheets[number], method), _with_formats(arguments, formats), named)
            for number, method, arguments, named in calls
        ]
        cells += sum(method.startswith("write_") for _, method, _, _ in calls)
        started = time.process_time()
        for call, arguments, named in ready:
            call(*arguments, **named)
        seconds += time.process_time() - started
    started = time.process_time()
    book.close()
    seconds += time.process_time() - started
    return {"cpu": seconds, "cells": cells, "size": target.stat().st_size, "memory": _peak()}


def _with_formats(arguments: tuple[Any, ...], formats: list[Format]) -> tuple[Any, ...]:
    """The calls with real formats in the places of their numbers."""
    return tuple(
        formats[one]
        if isinstance(one, _Style)
        else {**one, "format": formats[one["format"]]}
        if isinstance(one, dict) and isinstance(one.get("format"), _Style)
        else one
        for one in arguments
    )


def _perfxl(folder: Path) -> dict[str, float]:
    gathered, shown = _material(folder)
    before = _peak()
    started = time.process_time()
    data = workbook.consolidated_workbook(shown)
    seconds = time.process_time() - started
    return {
        "cpu": seconds,
        "size": len(data),
        "tables": _size_of_tables(gathered, shown),
        "before": before,
        "memory": _peak(),
    }


def _size_of_tables(gathered: Gathered, shown: Material) -> float:
    """MiB that the tables take from which the workbook is written."""
    found: dict[int, pd.DataFrame] = {}

    def look(thing: object) -> None:
        if isinstance(thing, pd.DataFrame):
            found[id(thing)] = thing
        elif isinstance(thing, dict):
            for one in thing.values():
                look(one)
        elif hasattr(thing, "__dict__") and type(thing).__module__.startswith("perfxl."):
            for one in vars(thing).values():
                look(one)

    look(gathered)
    look(shown)
    return sum(float(one.memory_usage(deep=True).sum()) for one in found.values()) / (1 << 20)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """``calls FOLDER FILE``, ``bare FILE TARGET`` or ``perfxl FOLDER``."""
    what, *places = sys.argv[1:]
    paths = [Path(place) for place in places]
    if what == "calls":
        note_calls(_material(paths[0])[1], paths[1])
        print("{}")
    elif what == "bare":
        print(json.dumps(bare(*paths)))
    else:
        print(json.dumps(_perfxl(*paths)))


if __name__ == "__main__":
    main()
