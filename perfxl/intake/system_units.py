"""Whose project is it? The units that a system's export names, matched with the roster.

Codes, full names and short names are compared as they are but for spelling; likeness only proposes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfxl.intake.identity import proposals
from perfxl.plan.model import Plan, Unit
from perfxl.values import squeeze

# Systems write code and name in one cell: [101001]某某局, 101001-某某局, 101001 某某局.
_CODE_AND_NAME = re.compile(
    r"[\[(【〔]?(?P<code>[0-9A-Za-z]{1,30})[\])】〕]?[-—–_:/]?(?P<name>[^0-9A-Za-z\s].*)"
)


@dataclass(frozen=True)
class Named:
    """What the unit cells of a row say: ``unit`` where they name just one of the roster's.

    ``units`` are all that some of them name, ``unknown`` the texts that name none.
    """

    units: tuple[Unit, ...]
    unknown: tuple[str, ...]
    by_code: bool

    @property
    def unit(self) -> Unit | None:
        """The one unit that is named."""
        return self.units[0] if len(self.units) == 1 else None


class Roster:
    """The plan's units as a system may name them; answers are kept, as names come again."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        codes: dict[str, list[Unit]] = {}
        for unit in plan.units:
            codes.setdefault(squeeze(unit.code), []).append(unit)
        self._codes: Mapping[str, Unit] = {
            code: found[0] for code, found in codes.items() if len(found) == 1
        }
        self._known: dict[tuple[str, ...], Named] = {}

    def named(self, texts: Sequence[str]) -> Named:
        """What the cells of a row's unit columns name together."""
        key = tuple(texts)
        if key not in self._known:
            self._known[key] = self._match(key)
        return self._known[key]

    def _match(self, texts: tuple[str, ...]) -> Named:
        found: dict[str, Unit] = {}
        unknown: list[str] = []
        named = False
        for text in filter(None, texts):
            wanted = squeeze(text)
            own = self._unit_of(wanted)
            parts = [own] if own else self._of_parts(wanted)
            for unit in parts:
                found[unit.code] = unit
                named |= squeeze(unit.code) != wanted
            if not parts:
                unknown.append(text)
        return Named(tuple(found.values()), tuple(unknown), bool(found) and not named)

    def _unit_of(self, wanted: str) -> Unit | None:
        return self._codes.get(wanted) or self._plan.unit_by_name.get(wanted)

    def _of_parts(self, wanted: str) -> list[Unit]:
        match = _CODE_AND_NAME.fullmatch(wanted)
        parts = [match["code"], match["name"]] if match else []
        return [unit for part in parts if (unit := self._unit_of(part)) is not None]

    def proposals(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Codes of the units whose names are like what the cells say, likest first."""
        wanted: list[str] = []
        for text in texts:
            match = _CODE_AND_NAME.fullmatch(squeeze(text))
            wanted.append(match["name"] if match else text)
        return tuple(unit.code for unit in proposals(self._plan, wanted))
