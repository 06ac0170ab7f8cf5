"""The scoring methods (评分方法): each a small pure function of data items, exact and explained.

Amounts are integers of hundredths (``perfxl.points``). Every method gives a ``Computed``: the
score, whether the indicator applies at all, and the arithmetic in words that an office can check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import ClassVar

from perfxl.points import HUNDREDTHS, as_score, as_text, cut_to_step, round_fraction


@dataclass(frozen=True)
class Computed:
    """What a method gives: ``score`` in hundredths, None where it cannot be computed."""

    score: int | None
    arithmetic: str
    applies: bool = True


@dataclass(frozen=True)
class Facts:
    """What a method may draw on: one unit's data items by name, and its evidence for the indicator.

    ``values`` holds hundredths, None for an item that was not reported or could not be read;
    ``evidence`` is None where the evidence register did not arrive.
    """

    values: Mapping[str, int | None]
    evidence: int | None = 0

    def missing(self, *items: str) -> Computed | None:
        """Why nothing can be computed: the first item that is unknown or negative, if any."""
        for item in items:
            value = self.values.get(item)
            if value is None:
                return Computed(None, f"缺少数据项“{item}”")
            if value < 0:
                return Computed(None, f"数据项“{item}”为负数")
        return None


@dataclass(frozen=True)
class Manual:
    """人工: a section judges; nothing is computed."""

    name: ClassVar[str] = "人工"

    def data_items(self) -> tuple[str, ...]:
        """The data items that the method reads."""
        return ()

    def score(self, full_marks: int, step: int, facts: Facts) -> Computed:
        """Nothing to compute: the section judges within ``full_marks``."""
        return Computed(None, "由股室评定")


@dataclass(frozen=True)
class Evidence:
    """佐证: full marks for ``pieces`` pieces of evidence, in proportion below that."""

    name: ClassVar[str] = "佐证"
    pieces: int

    def data_items(self) -> tuple[str, ...]:
        """The data items that the method reads."""
        return ()

    def score(self, full_marks: int, step: int, facts: Facts) -> Computed:
        """``full_marks`` × pieces given ÷ pieces needed, not above full marks, cut to the step."""
        if facts.evidence is None:
            return Computed(None, "没有收到佐证材料的登记表")
        given = min(facts.evidence, self.pieces)
        score = cut_to_step(Fraction(full_marks * given, self.pieces), step)
        score = full_marks if given == self.pieces else score
        return Computed(score, f"佐证 {facts.evidence} 件，需 {self.pieces} 件 → {as_score(score)}")


@dataclass(frozen=True)
class Count:
    """计数: ``points_each`` for every item counted, capped at full marks."""

    name: ClassVar[str] = "计数"
    item: str
    points_each: int

    def data_items(self) -> tuple[str, ...]:
        """The data items that the method reads."""
        return (self.item,)

    def score(self, full_marks: int, step: int, facts: Facts) -> Computed:
        """Items × points, capped: 3 new regulations at 0.5 of 2 → 1.5."""
        unknown = facts.missing(self.item)
        if unknown is not None:
            return unknown
        count = facts.values[self.item] or 0
        raw = Fraction(count * self.points_each, HUNDREDTHS)
        score = full_marks if raw >= full_marks else cut_to_step(raw, step)
        shown = f"{as_text(count)} × {as_text(self.points_each)} = {as_text(round_fraction(raw))}"
        capped = f"（以分值 {as_text(full_marks)} 为限）" if raw > full_marks else ""
        return Computed(score, f"{shown}{capped} → {as_score(score)}")


@dataclass(frozen=True)
class Ratio:
    """比率: full marks × numerator ÷ denominator, cut to the step; 0 below ``floor``.

    A zero denominator means that the indicator does not apply (不适用).
    """

    name: ClassVar[str] = "比率"
    numerator: str
    denominator: str
    floor: Fraction | None = None

    def data_items(self) -> tuple[str, ...]:
        """The data items that the method reads."""
        return (self.numerator, self.denominator)

    def score(self, full_marks: int, step: int, facts: Facts) -> Computed:
        """5 × 18 ÷ 22 = 4.09 → 4.0; a ratio above one counts as one."""
        unknown = facts.missing(self.denominator, self.numerator)
        if unknown is not None:
            return unknown
        top = facts.values[self.numerator] or 0
        bottom = facts.values[self.denominator] or 0
        if bottom == 0:
            return Computed(None, f"“{self.denominator}”为 0，不适用", applies=False)
        ratio = Fraction(top, bottom)
        raw = full_marks * min(ratio, Fraction(1))
        score = full_marks if ratio >= 1 else cut_to_step(raw, step)
        shown = f"{as_text(full_marks)} × {as_text(top)} ÷ {as_text(bottom)}"
        capped = f"（以分值 {as_text(full_marks)} 为限）" if ratio > 1 else ""
        if self.floor is not None and ratio < self.floor:
            limit = as_text(round_fraction(self.floor * 100 * HUNDREDTHS))
            return Computed(0, f"{shown}，比率低于 {limit}% → 0")
        quotient = _as_quotient(full_marks * ratio, step)
        return Computed(score, f"{shown} = {quotient}{capped} → {as_score(score)}")


def _as_quotient(value: Fraction, step: int) -> str:
    """Hundredths with two decimals, or as many as it takes not to be rounded up to the next step:
    1.9988 is not shown as 2.00 where it is cut to 1.5."""
    for places in range(2, 9):
        scale = 10 ** (places - 2)
        rounded = round_fraction(value * scale)
        if cut_to_step(Fraction(rounded, scale), step) == cut_to_step(value, step):
            break
    return f"{Decimal(rounded).scaleb(-places):.{places}f}"


@dataclass(frozen=True)
class Deduct:
    """扣分: full marks less ``points_each`` for every problem, not below 0."""

    name: ClassVar[str] = "扣分"
    item: str
    points_each: int

    def data_items(self) -> tuple[str, ...]:
        """The data items that the method reads."""
        return (self.item,)

    def score(self, full_marks: int, step: int, facts: Facts) -> Computed:
        """``full_marks`` - problems × points, cut to the step, not below 0."""
        unknown = facts.missing(self.item)
        if unknown is not None:
            return unknown
        count = facts.values[self.item] or 0
        raw = full_marks - Fraction(count * self.points_each, HUNDREDTHS)
        score = full_marks if count == 0 else max(0, cut_to_step(raw, step))
        shown = f"{as_text(full_marks)} - {as_text(count)} × {as_text(self.points_each)}"
        return Computed(score, f"{shown} → {as_score(score)}")


Method = Manual | Evidence | Count | Ratio | Deduct
METHOD_NAMES = (Manual.name, Evidence.name, Count.name, Ratio.name, Deduct.name)
