"""Which indicators may be the same under another name. Likeness only proposes; people decide."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from perfxl.values import squeeze

Values = Mapping[str, str]

# On a scale to 100.
WORTH_SHOWING = 70
_CONTAINED = 90
_MOST = 3
_PASSED_OVER = re.compile(r"[\W_]|的|指标$")
_LEVEL_NAMES = {"效果": "效益", "社会公众或服务对象满意度": "服务对象满意度", "满意度": "满意度"}


@dataclass(frozen=True)
class Likeness:
    """An indicator that a candidate is like: its position among the others, and how much."""

    position: int
    score: int
    same_name: bool


def name_key(name: str) -> str:
    """A name for comparing: folded, without punctuation, 的, and a trailing 指标."""
    return _PASSED_OVER.sub("", squeeze(name).casefold())


def level_key(level: str) -> str:
    """A level for comparing: 产出 and 产出指标 are one."""
    key = name_key(level)
    return _LEVEL_NAMES.get(key, key)


def conflicting(one: Values, other: Values) -> bool:
    """Whether both name their use, level or sector, and differ."""
    if one.get("use") and other.get("use") and one["use"] != other["use"]:
        return True
    for key in ("level_1", "level_2"):
        a, b = level_key(one.get(key, "")), level_key(other.get(key, ""))
        if a and b and a != b:
            return True
    a, b = name_key(one.get("sector", "")), name_key(other.get("sector", ""))
    return bool(a and b and a != b)


def likenesses(candidates: Sequence[Values], others: Sequence[Values]) -> list[list[Likeness]]:
    """For each candidate the likest of the others, the likest first; at most three.

    A name that holds the other one whole counts as at most 90; what stands elsewhere (another use,
    level or sector) counts ten less.
    """
    names, known = (
        [name_key(one.get("name", "")) for one in group] for group in (candidates, others)
    )
    if not names or not known:
        return [[] for _ in candidates]
    whole = process.cdist(names, known, scorer=fuzz.ratio)
    part = process.cdist(names, known, scorer=fuzz.partial_ratio)
    found = []
    for index, candidate in enumerate(candidates):
        alike = []
        for position, other in enumerate(others):
            if not names[index] or not known[position]:
                continue
            score = max(float(whole[index][position]), part[index][position] * _CONTAINED / 100)
            if score < WORTH_SHOWING:
                continue
            same = names[index] == known[position]
            if conflicting(candidate, other):
                score, same = score - 10, False
            if score >= WORTH_SHOWING:
                alike.append(Likeness(position, int(score), same))
        alike.sort(key=lambda one: (-one.same_name, -one.score, one.position))
        found.append(alike[:_MOST])
    return found
