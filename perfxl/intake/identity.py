"""Whose return is this? The stamp first, then the cover, then the file name and the sender.

Likeness of names only proposes units to a person; it never decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from perfxl.excel.reader import Grid
from perfxl.excel.stamp import Stamp
from perfxl.layout.locate import Rows, find_fields
from perfxl.plan.forms import COVER, COVER_FIELDS
from perfxl.plan.model import Plan, Unit
from perfxl.tables import StampState
from perfxl.values import squeeze, text_of

# Names are alike from here on, on a scale to 100.
_WORTH_PROPOSING = 70
_MOST_PROPOSALS = 3


@dataclass(frozen=True)
class Identity:
    """Who a return is from, by each trace of identity; ``unit`` is the strongest that speaks.

    ``by_stamp`` and ``by_cover`` are unit codes, or the text itself where it names no unit;
    ``by_file_name`` and ``by_sender`` are unit codes or blank.
    ``stamps_disagree`` says that genuine stamps name different units.
    """

    unit: Unit | None
    by_stamp: str
    by_cover: str
    by_file_name: str
    by_sender: str
    stamp: StampState
    campaign: str
    version: str
    preparer: str
    phone: str
    field_cells: dict[str, str]
    stamps_disagree: bool = False

    @property
    def cover_contradicts(self) -> bool:
        """Whether the cover names another unit than the stamp."""
        return bool(self.by_stamp and self.by_cover and self.by_stamp != self.by_cover)


def identify(
    plan: Plan,
    grid: Grid,
    file_name: str,
    key: bytes | None,
    sender: str = "",
    answers: Unit | None = None,
) -> Identity:
    """Identify a return. Without ``key`` (a unit checking itself) a stamp stays unverified.

    A stamp whose digest is wrong does not speak; a genuine one beside it does, but the state says
    that somebody edited one. ``sender`` is the mail address that the file came from, ``answers`` the
    unit to whose mail it came as a reply, which says more than the address.
    """
    stamp, state, disagree = _stamp_that_speaks(grid.stamps, key)
    fields = find_fields(cover_rows(grid), COVER_FIELDS)
    cover = {name: text_of(value) for name, (value, _) in fields.items()}
    by_stamp = stamp.holder if stamp and state is not StampState.FORGED else ""
    stamped = plan.unit_by_code.get(by_stamp)
    name_on_cover = cover.get("unit_name", "")
    of_cover = unit_named(plan, name_on_cover) or plan.unit_by_code.get(cover.get("unit_code", ""))
    if of_cover is None and stamped is not None and _misspelt(plan, name_on_cover, stamped):
        of_cover = stamped
    of_name = unit_in_file_name(plan, file_name)
    of_sender = answers or unit_of_sender(plan, sender)
    return Identity(
        unit=stamped or of_cover or _the_one(of_name, of_sender),
        by_stamp=by_stamp,
        by_cover=of_cover.code if of_cover else name_on_cover,
        by_file_name=of_name.code if of_name else "",
        by_sender=of_sender.code if of_sender else "",
        stamp=state,
        campaign=stamp.campaign if stamp else "",
        version=stamp.version if stamp else "",
        preparer=cover.get("preparer", ""),
        phone=cover.get("phone", ""),
        field_cells={name: cell for name, (_, cell) in fields.items()},
        stamps_disagree=disagree,
    )


def _stamp_that_speaks(
    stamps: Sequence[Stamp], key: bytes | None
) -> tuple[Stamp | None, StampState, bool]:
    """The stamp to go by, its state, and whether genuine stamps name different holders."""
    if not stamps:
        return None, StampState.MISSING, False
    if key is None:
        return stamps[0], StampState.UNVERIFIED, len({one.holder for one in stamps}) > 1
    genuine_ones = {one for one in set(stamps) if one.is_genuine(key)}
    genuine = [one for one in stamps if one in genuine_ones]
    disagree = len({(one.campaign, one.form, one.holder) for one in genuine}) > 1
    if len(genuine) < len(stamps):
        # One of the places was edited: what is left may be right, but a person has to look.
        return stamps[0], StampState.FORGED, disagree
    return genuine[0], StampState.GENUINE, disagree


def unit_named(plan: Plan, name: str) -> Unit | None:
    """The one unit of this full or short name; None where there is none or more than one."""
    wanted = squeeze(name)
    return plan.unit_by_name.get(wanted) if wanted else None


def unit_in_file_name(plan: Plan, file_name: str) -> Unit | None:
    """The one unit whose full name stands in the file name."""
    folded = squeeze(file_name)
    # Every part of the name that is as long as some unit's: a roster may hold thousands.
    found = [
        unit
        for length, units in plan.units_by_full_name.items()
        for part in {folded[at : at + length] for at in range(len(folded) - length + 1)}
        for unit in units.get(part, ())
    ]
    longest = max((len(unit.name) for unit in found), default=0)
    found = [unit for unit in found if len(unit.name) == longest]
    return found[0] if len(found) == 1 else None


def unit_of_sender(plan: Plan, sender: str) -> Unit | None:
    """The one unit that has this mail address."""
    found = plan.units_by_address.get(sender.strip().casefold(), ())
    return found[0] if len(found) == 1 else None


def _the_one(of_name: Unit | None, of_sender: Unit | None) -> Unit | None:
    """The unit that file name and sender speak for, where they do not contradict each other."""
    if of_name and of_sender and of_name is not of_sender:
        return None
    return of_name or of_sender


def proposals(plan: Plan, texts: Iterable[str]) -> list[Unit]:
    """Units whose names are like one of the texts (cover, file name, sender), likest first."""
    names = {name: unit for unit in plan.units for name in (unit.name, *unit.short_names)}
    likeness: dict[str, float] = {}
    for text in filter(None, map(squeeze, texts)):
        for name, score, _ in process.extract(
            text, list(names), scorer=fuzz.WRatio, score_cutoff=_WORTH_PROPOSING, limit=None
        ):
            code = names[name].code
            likeness[code] = max(likeness.get(code, 0), score)
    order = sorted(likeness, key=lambda code: -likeness[code])
    return [plan.unit_by_code[code] for code in order[:_MOST_PROPOSALS]]


def _misspelt(plan: Plan, name: str, unit: Unit) -> bool:
    """Whether a name that is no unit's is liker to this unit's own than to any other's."""
    if not name:
        return False
    likeness = {one.code: fuzz.ratio(squeeze(name), squeeze(one.name)) for one in plan.units}
    return likeness[unit.code] >= _WORTH_PROPOSING and likeness[unit.code] == max(likeness.values())


def cover_rows(grid: Grid) -> Rows:
    """The rows of the cover; where no sheet has its name, of the sheet likest to one."""
    for name, rows in grid.sheets.items():
        if squeeze(name) == COVER:
            return rows
    candidates: Sequence[Rows] = list(grid.sheets.values())
    return max(candidates, key=lambda rows: len(find_fields(rows[:40], COVER_FIELDS)), default=[])
