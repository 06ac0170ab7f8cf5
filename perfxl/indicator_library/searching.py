"""Finds indicators by words, sector, type and year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz

from perfxl.indicator_library.model import CONTENT, Entry
from perfxl.indicator_library.similar import WORTH_SHOWING, name_key
from perfxl.values import squeeze

_MOST_ALIKE = 10


def search(
    entries: Iterable[Entry],
    words: Sequence[str] = (),
    *,
    sector: str = "",
    kind: str = "",
    year: str = "",
    retired: bool = False,
) -> list[Entry]:
    """The indicators in which every word stands, those with it in the name first.

    ``sector`` is part of 行业领域 (a common indicator of sector 通用 is for all), ``kind`` 共性 or
    个性, ``year`` one of the years of its sources; ``retired`` shows those that are out of use too.
    """
    wanted = [squeeze(word).casefold() for word in words if squeeze(word)]
    found = [
        (entry, sum(word in squeeze(entry["name"]).casefold() for word in wanted))
        for entry in entries
        if (retired or entry.in_use)
        and (not sector or squeeze(sector) in squeeze(entry["sector"]) or _general(entry))
        and (not kind or entry["kind"] == kind)
        and (not year or year in entry["year"])
        and all(word in _text(entry) for word in wanted)
    ]
    found.sort(key=lambda one: -one[1])
    return [entry for entry, _ in found]


def alike(entries: Iterable[Entry], words: Sequence[str]) -> list[Entry]:
    """Indicators in use whose names are like the words, where none holds them."""
    wanted = name_key("".join(words))
    scored = [
        (fuzz.partial_ratio(wanted, name_key(entry["name"])), entry)
        for entry in entries
        if entry.in_use
    ]
    scored.sort(key=lambda one: -one[0])
    return [entry for score, entry in scored if wanted and score >= WORTH_SHOWING][:_MOST_ALIKE]


def _general(entry: Entry) -> bool:
    return squeeze(entry["sector"]) == "通用"


def _text(entry: Entry) -> str:
    keys = ("number", *CONTENT, "source", "note")
    return "\n".join(squeeze(entry[key]).casefold() for key in keys)
