"""Whose return is this? The stamp first, then the cover, then the file name; never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfxl.excel.reader import Grid
from perfxl.layout.locate import Rows, find_fields
from perfxl.plan.forms import COVER, COVER_FIELDS
from perfxl.plan.model import Plan, Unit
from perfxl.tables import StampState
from perfxl.values import squeeze, text_of


@dataclass(frozen=True)
class Identity:
    """Who a return is from, by each trace of identity; ``unit`` is the strongest that speaks."""

    unit: Unit | None
    by_stamp: str
    by_cover: str
    stamp: StampState
    campaign: str
    version: str
    preparer: str
    phone: str
    field_cells: dict[str, str]


def identify(plan: Plan, grid: Grid, file_name: str, key: bytes | None) -> Identity:
    """Identify a return. Without ``key`` (a unit checking itself) a stamp stays unverified.

    A stamp whose digest is wrong does not speak; the cover then does, and the file name last.
    """
    stamp = grid.stamp
    if stamp is None:
        state = StampState.MISSING
    elif key is None:
        state = StampState.UNVERIFIED
    else:
        state = StampState.GENUINE if stamp.is_genuine(key) else StampState.FORGED
    fields = find_fields(_cover_rows(grid), COVER_FIELDS)
    cover = {name: text_of(value) for name, (value, _) in fields.items()}
    by_stamp = stamp.holder if stamp and state is not StampState.FORGED else ""
    of_cover = unit_named(plan, cover.get("unit_name", "")) or plan.unit_by_code.get(
        cover.get("unit_code", "")
    )
    of_name = None if by_stamp or of_cover else unit_in_file_name(plan, file_name)
    return Identity(
        unit=plan.unit_by_code.get(by_stamp) or of_cover or of_name,
        by_stamp=by_stamp,
        by_cover=of_cover.code if of_cover else cover.get("unit_name", ""),
        stamp=state,
        campaign=stamp.campaign if stamp else "",
        version=stamp.version if stamp else "",
        preparer=cover.get("preparer", ""),
        phone=cover.get("phone", ""),
        field_cells={name: cell for name, (_, cell) in fields.items()},
    )


def unit_named(plan: Plan, name: str) -> Unit | None:
    """The one unit of this full or short name; None where there is none or more than one."""
    wanted = squeeze(name)
    if not wanted:
        return None
    full = [unit for unit in plan.units if squeeze(unit.name) == wanted]
    short = [unit for unit in plan.units if wanted in map(squeeze, unit.short_names)]
    found = full or short
    return found[0] if len(found) == 1 else None


def unit_in_file_name(plan: Plan, file_name: str) -> Unit | None:
    """The one unit whose full name stands in the file name."""
    folded = squeeze(file_name)
    found = [unit for unit in plan.units if squeeze(unit.name) in folded]
    longest = max((len(unit.name) for unit in found), default=0)
    found = [unit for unit in found if len(unit.name) == longest]
    return found[0] if len(found) == 1 else None


def _cover_rows(grid: Grid) -> Rows:
    for name, rows in grid.sheets.items():
        if squeeze(name) == COVER:
            return rows
    candidates: Sequence[Rows] = list(grid.sheets.values())
    return max(candidates, key=lambda rows: len(find_fields(rows[:40], COVER_FIELDS)), default=[])
