"""What changed between two states of the library, and whether the years' changes add up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from perfxl.indicator_library.model import LABELS, NUMBER, Change, Entry, State
from perfxl.indicator_library.reading import state_of

Values = Mapping[str, str]


@dataclass(frozen=True)
class Altered:
    """One change of one indicator; ``column`` is the label of what changed, blank for the whole."""

    change: Change
    number: str
    name: str
    column: str = ""
    before: str = ""
    after: str = ""


def summary(values: Values) -> str:
    """All that a row says, as one text: ``定义：…；计算方法：…``."""
    shown = (key for key in LABELS if key not in (NUMBER, "name"))
    return "；".join(f"{LABELS[key]}：{values[key]}" for key in shown if values.get(key))


def compare(
    before: Mapping[str, Values], after: Mapping[str, Values], known: Collection[str] = ()
) -> list[Altered]:
    """The changes from one state to the next, both by number, in the order of the later one.

    A number that is in ``known`` and was gone comes back (恢复) instead of being new.
    """
    found: list[Altered] = []
    for number, values in after.items():
        earlier = before.get(number)
        name = values.get("name", "")
        retired = state_of(values) == State.RETIRED
        if earlier is None:
            change = Change.RESTORED if number in known else Change.ADDED
            found.append(Altered(change, number, name, "", "", summary(values)))
            if retired:
                found.append(Altered(Change.RETIRED, number, name, LABELS["state"], "", "停用"))
            continue
        for key, label in LABELS.items():
            was, now = earlier.get(key, ""), values.get(key, "")
            if key in (NUMBER, "state") or was == now:
                continue
            found.append(Altered(Change.ALTERED, number, name, label, was, now))
        was, now = state_of(earlier), state_of(values)
        if was != now:
            change = Change.RETIRED if retired else Change.RESTORED
            found.append(Altered(change, number, name, LABELS["state"], was, now))
    for number, earlier in before.items():
        if number not in after:
            name = earlier.get("name", "")
            found.append(Altered(Change.DELETED, number, name, "", summary(earlier), ""))
    return found


def by_number(entries: Iterable[Entry]) -> dict[str, Values]:
    """The values of the indicators that have a number."""
    return {entry.number: entry.values for entry in entries if entry.number}


@dataclass(frozen=True)
class YearBalance:
    """One year of the library: ``before + added + restored - retired`` are in use at its end.

    ``added``, ``restored`` and ``retired`` are in the order in which it happened; who was retired
    and restored within the year is in both. ``altered`` are those in use of which the content
    changed.
    """

    year: int
    before: frozenset[str]
    added: tuple[str, ...]
    restored: tuple[str, ...]
    retired: tuple[str, ...]
    altered: tuple[str, ...]
    after: frozenset[str]


def year_of(change: Values) -> int:
    """The year of a registered change; 0 where its date cannot be read."""
    text = change.get("on", "")[:4]
    return int(text) if text.isdecimal() else 0


def balances(changes: Sequence[Values]) -> list[YearBalance]:
    """Every year of the register of changes, the earliest first, replayed one change at a time.

    What changes nothing (the retirement of one that is not in use) does not count.
    """
    in_use: set[str] = set()
    found = []
    for year in sorted({year_of(change) for change in changes}):
        before = frozenset(in_use)
        moved: dict[str, list[str]] = {"added": [], "restored": [], "retired": []}
        altered: dict[str, None] = {}
        for change in (one for one in changes if year_of(one) == year):
            number = change["number"]
            match change["change"]:
                case Change.ADDED | Change.RESTORED if number not in in_use:
                    in_use.add(number)
                    came_new = change["change"] == Change.ADDED
                    moved["added" if came_new else "restored"].append(number)
                case Change.RETIRED | Change.DELETED if number in in_use:
                    in_use.discard(number)
                    moved["retired"].append(number)
                case Change.ALTERED if number in in_use:
                    altered[number] = None
        found.append(
            YearBalance(
                year,
                before,
                tuple(moved["added"]),
                tuple(moved["restored"]),
                tuple(moved["retired"]),
                tuple(altered),
                frozenset(in_use),
            )
        )
    return found


def at_odds(changes: Sequence[Values], entries: Iterable[Entry]) -> tuple[list[str], list[str]]:
    """Numbers in use by the register and not by the sheet, and the other way round."""
    replayed = balances(changes)
    registered = replayed[-1].after if replayed else frozenset()
    shown = {entry.number for entry in entries if entry.number and entry.in_use}
    return sorted(registered - shown), sorted(shown - registered)
