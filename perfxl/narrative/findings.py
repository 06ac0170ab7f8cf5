"""What the checker says of a report."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Whether the report contradicts itself, holds, or cannot be judged."""

    CONTRADICTION = "矛盾"
    UNDECIDED = "无法核对"
    CONFIRMED = "核对无误"


class Subject(StrEnum):
    """What was compared."""

    SCORES = "得分"
    FULL_MARKS = "分值"
    PARTS = "得分点"
    DEDUCTIONS = "扣分"
    TOTAL = "总分"
    COUNT = "个数"
    AMOUNT = "金额"
    SHARE = "比例"
    BUDGETS = "四本预算"
    WORKBOOK = "与工作簿"


@dataclass(frozen=True)
class Finding:
    """One comparison: what the report says, what follows from it, how, and where it stands.

    ``place`` names line or paragraph, ``path`` the headings above it, ``sentence`` is the report's
    own text (untrusted); ``number`` is the place's position in the report, to sort by.
    """

    verdict: Verdict
    subject: Subject
    number: int
    place: str
    path: str
    sentence: str
    found: str
    follows: str
    arithmetic: str
