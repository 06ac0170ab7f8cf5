"""Draws a stratified sample that anybody can draw again: no chance but the digest of a seed.

Pure: the population (``tables.PROJECTS``) in, the sample out, all in integers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from perfxl.points import HUNDREDTHS
from perfxl.tables import SAMPLE, STRATA, frame
from perfxl.values import squeeze

METHOD = (
    "按层所占比例用最大余数法分配名额，名额够时每层至少 1 个；层内按"
    "“种子|单位编码|项目编码”的 SHA-256 值从小到大排列，取前若干个"
)


@dataclass(frozen=True)
class Sampled:
    """The sample (``tables.SAMPLE``) and the strata it came from (``tables.STRATA``)."""

    sample: pd.DataFrame
    strata: pd.DataFrame


def number_of_share(population: int, share: int) -> int:
    """How many a share (hundredths of a percent) of a population is, rounded up to whole ones.

    Rounded up, because a rule of 10% is a rule of at least 10%.
    """
    return -(-population * share // (100 * HUNDREDTHS))


def allocation(sizes: Mapping[str, int], wanted: int) -> dict[str, int]:
    """How many to draw from each stratum; they add to ``wanted``, or to all there are.

    In proportion to size, by largest remainder (of equal remainders the larger stratum, then the
    name). Where there are enough, a stratum whose share is below 1 gets 1, and the others share
    the rest in the same way.
    """
    filled = {name: size for name, size in sizes.items() if size > 0}
    left, total = max(0, min(wanted, sum(filled.values()))), sum(filled.values())
    given = dict.fromkeys(sizes, 0)
    sharing = dict(filled)
    if left >= len(filled):
        while small := [name for name, size in sharing.items() if left * size < total]:
            for name in small:
                given[name] = 1
                total -= sharing.pop(name)
            left -= len(small)
    if not sharing:
        return given
    shares = {name: divmod(left * size, total) for name, size in sharing.items()}
    for name, (floor, _) in shares.items():
        given[name] = floor
    over = left - sum(floor for floor, _ in shares.values())
    in_turn = sorted(sharing, key=lambda name: (-shares[name][1], -sharing[name], name))
    for name in in_turn[:over]:
        given[name] += 1
    return given


def draw(population: pd.DataFrame, wanted: int, seed: str) -> Sampled:
    """A sample of ``wanted`` projects (``tables.PROJECTS``), the same whatever their order.

    It is numbered by unit and project, so that a unit's projects stand together in the check book.
    """
    sizes = {str(name): int(size) for name, size in population["stratum"].value_counts().items()}
    sizes = {name: sizes[name] for name in sorted(sizes)}
    numbers = allocation(sizes, wanted)
    ordered = population.assign(
        _key=[
            (_digest(seed, row.unit, row.project or row.name), squeeze(row.name))
            for row in population.itertuples(index=False, name="Project")
        ]
    ).sort_values("_key", kind="stable")
    taken = [ordered[ordered["stratum"] == name].head(number) for name, number in numbers.items()]
    sample = pd.concat(taken) if taken else ordered
    sample = sample.sort_values(["unit", "project", "name"], kind="stable")
    columns: dict[str, list[object]] = {
        name: list(sample[name]) for name in SAMPLE if name != "number"
    }
    columns["number"] = list(range(1, len(sample) + 1))
    strata: dict[str, list[object]] = {
        "stratum": list(sizes),
        "size": list(sizes.values()),
        "drawn": [numbers[name] for name in sizes],
    }
    return Sampled(frame(columns, SAMPLE), frame(strata, STRATA))


def _digest(seed: str, unit: str, project: str) -> str:
    return hashlib.sha256(f"{seed}|{unit}|{squeeze(project)}".encode()).hexdigest()
