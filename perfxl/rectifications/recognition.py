"""Tells a rectification book (整改台账) from other workbooks by its headings."""

from __future__ import annotations

from collections.abc import Mapping

from perfxl.layout.locate import LocatedTable, Rows, find_table
from perfxl.plan.forms import RECTIFICATION, RECTIFICATION_TABLE
from perfxl.values import squeeze

_NEEDED = frozenset({"number", "description", "measure", "person", "progress", "done_on"})
# What a unit's own register of problems does not have.
_OURS = frozenset({"opinion", "evidence"})


def looks_like_a_book(sheets: Mapping[str, Rows]) -> bool:
    """Whether some sheet has the headings of our book; a register of problems in a return has not."""
    found = locate_book(sheets)
    return found is not None and set(found[2].columns) >= _NEEDED | _OURS


def locate_book(sheets: Mapping[str, Rows]) -> tuple[str, Rows, LocatedTable] | None:
    """The sheet that is a rectification book, wherever it stands and whatever it is called."""
    for name, rows in sorted(sheets.items(), key=lambda one: squeeze(one[0]) != RECTIFICATION):
        located = find_table(rows, RECTIFICATION_TABLE)
        if located is not None and set(located.columns) >= _NEEDED:
            return name, rows, located
    return None
