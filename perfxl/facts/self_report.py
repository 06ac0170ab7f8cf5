"""What a unit's own self-assessment report (自评报告) may say: scores, registers, data items.

Every figure is reckoned here from the rows that were returned; sums are always those of their
parts, whatever subtotals the workbook shows.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import pandas as pd

from perfxl.county.score import CountyScore
from perfxl.facts.campaign import campaign_fields
from perfxl.intake.data_items import mask
from perfxl.layout.declare import NUMERIC, ValueKind
from perfxl.plan import wording as vocabulary
from perfxl.plan.drawn import (
    ORDINAL,
    Drawn,
    RegisterPart,
    Taken,
    cited,
    name_column,
    numbers_column,
    quoted,
    row_kind,
)
from perfxl.plan.model import Plan, Register, Rubric, Unit
from perfxl.plan.wording import DocumentKind
from perfxl.points import HUNDREDTHS, round_fraction
from perfxl.tables import RegisterRows, ReturnTables, whole
from perfxl.values import squeeze
from perfxl.wording import Facts, RubricFacts, Value, shown

UNNAMED = "名称未填"
_NOT_DONE = re.compile("中没有：|没有登记(?!过)")
# Marks within those that are put around the whole.
_WITHIN = str.maketrans("“”《》", "‘’〈〉")


class ScoredBy(StrEnum):
    """Which score of an indicator the report states (得分口径).

    By computation, an indicator whose method the workbook's own data decide has what they give;
    the others (人工) have the claim. By claim, all have the claim.
    """

    COMPUTED = "计算"
    CLAIM = "自评"


@dataclass(frozen=True)
class ReportScore:
    """One indicator; hundredths of 分. ``score`` is None where it does not apply.

    ``is_claimed`` is False where nothing was claimed and nothing could be computed: it counts 0.
    """

    code: str
    name: str
    full_marks: int
    claim: int | None
    computed: int | None
    score: int | None
    is_claimed: bool
    is_computed: bool
    basis: str
    reason: str
    arithmetic: str
    shortfall: str

    @property
    def source(self) -> str:
        """Where the score comes from, as the report's table says it."""
        if self.score is None:
            return "不适用"
        if not self.is_claimed:
            return "未自评"
        return str(ScoredBy.COMPUTED if self.is_computed else ScoredBy.CLAIM)

    @property
    def lost(self) -> int:
        """Points lost, hundredths."""
        return 0 if self.score is None else self.full_marks - self.score

    @property
    def differs(self) -> bool:
        """Whether claim and computation are both known and not the same."""
        return None not in (self.claim, self.computed) and self.claim != self.computed


@dataclass(frozen=True)
class SelfReport:
    """One unit's year: its scores by indicator, and its own rows of every register."""

    unit: Unit
    rubric: Rubric
    scores: Sequence[ReportScore]
    registers: Mapping[str, RegisterRows]
    items: Mapping[str, int | None]

    @property
    def empty_registers(self) -> list[str]:
        """Registers without a single row, in the plan's order."""
        return [name for name, rows in self.registers.items() if not len(rows.values)]

    @property
    def total(self) -> int:
        """The sum of all scores, hundredths."""
        return sum(one.score or 0 for one in self.scores)

    @property
    def applicable(self) -> int:
        """The full marks of what applies, hundredths."""
        return sum(one.full_marks for one in self.scores if one.score is not None)


def self_report(
    plan: Plan, returned: ReturnTables, computed: pd.DataFrame, score: CountyScore, by: ScoredBy
) -> SelfReport:
    """What the report of the plan's one unit is written from.

    ``returned`` holds its year workbook alone, ``computed`` (``tables.COMPUTED``) and ``score``
    what follows from that.
    """
    (unit,) = plan.units
    applies = dict(zip(computed["indicator"], computed["applies"], strict=True))
    lines = []
    for row in score.leaves.itertuples(index=False):
        claim, by_method = whole(row.claimed), whole(row.computed)
        is_computed = by is ScoredBy.COMPUTED and by_method is not None
        known = by_method if is_computed else claim
        full_marks = int(row.full_marks)
        lines.append(
            ReportScore(
                row.indicator,
                row.name,
                full_marks,
                claim,
                by_method,
                min(max(known or 0, 0), full_marks) if applies[row.indicator] else None,
                known is not None,
                is_computed,
                one_line(row.basis),
                # A reason is that of the score which was claimed.
                one_line(row.deduction_reason) if known == claim else "",
                row.arithmetic,
                _shortfall(row.missing) if is_computed else "",
            )
        )
    items = returned.data_items
    return SelfReport(
        unit,
        plan.rubrics[unit.kind],
        lines,
        {one.name: returned.registers[one.name] for one in plan.registers},
        {row.item: whole(row.value) for row in items.itertuples(index=False)},
    )


def _shortfall(missing: str) -> str:
    """Of what ``county_score`` misses, what was not done; not which cells of a row are blank."""
    # Documents put no spaces around numbers.
    return "；".join(one.replace(" ", "") for one in missing.split("；") if _NOT_DONE.search(one))


def self_report_facts(plan: Plan, report: SelfReport) -> Facts:
    """What the report may say (``VOCABULARY`` and what its texts draw). Raises NoCalendar."""
    rows = plan.wording.get(DocumentKind.SELF_ASSESSMENT, ())
    registers = {register.name: register for register in plan.registers}
    drawn = {name: one for row in rows for name, one in row.drawn.items()}
    each = {row.scope: row.each[0] for row in rows if row.each is not None}
    lost = [one for one in report.scores if one.lost]
    scaled = Fraction(report.total, report.applicable) if report.applicable else Fraction(0)
    not_applicable = sum(one.score is None for one in report.scores)
    whole_facts: dict[str, Value] = {
        **campaign_fields(plan),
        "单位名称": report.unit.name,
        "满分": report.rubric.full_marks,
        "总分": report.total,
        "折算得分": round_fraction(scaled * plan.campaign.full_marks) if not_applicable else None,
        "得分率": round_fraction(scaled * 100 * HUNDREDTHS),
        "失分": sum(one.lost for one in lost),
        "一级指标数": len(report.rubric.top),
        "末级指标数": len(report.scores),
        "满分项数": sum(one.score == one.full_marks for one in report.scores),
        "扣分项数": len(lost),
        "计算项数": sum(one.score is not None and one.is_computed for one in report.scores),
        "自评项数": sum(
            one.score is not None and one.is_claimed and not one.is_computed
            for one in report.scores
        ),
        "未自评项数": sum(one.score is not None and not one.is_claimed for one in report.scores),
        "不适用项数": not_applicable,
        "登记表数": len(report.registers),
        "空白登记表数": len(report.empty_registers),
        "空白登记表": report.empty_registers,
        **{name: _drawn(one, report, registers) for name, one in drawn.items()},
    }
    scopes: dict[str, Sequence[Mapping[str, Value]]] = {
        vocabulary.DEDUCTION: [
            {
                "编码": one.code,
                "指标": one.name,
                "分值": one.full_marks,
                "得分": one.score,
                "扣分": one.lost,
                "扣分原因": one.reason.rstrip("。；;，,"),
                "缺项": one.shortfall,
            }
            for one in lost
        ],
        vocabulary.EMPTY_REGISTER: [{"登记表": name} for name in report.empty_registers],
        **{scope: list(_each(part, report, registers)) for scope, part in each.items()},
    }
    return Facts(whole_facts, scopes, list(_rubric(report)))


def _rubric(report: SelfReport) -> Iterator[RubricFacts]:
    """Every row of the rubric, headings with the sums of what is below them."""
    by_code = {one.code: one for one in report.scores}
    for row in report.rubric.rows:
        below = [by_code[code] for code in leaves(report.rubric, row.code)]
        full_marks, score = sums(below)
        applies = any(one.score is not None for one in below)
        scopes = {1: [vocabulary.FIRST_LEVEL], 2: [vocabulary.SECOND_LEVEL]}.get(row.depth, [])
        values: dict[str, Value] = {
            "编码": row.code,
            "指标": row.name,
            "级次": row.depth,
            "分值": full_marks,
            "得分": score if applies else None,
            "扣分": sum(one.lost for one in below),
            "适用": "是" if applies else "否",
        }
        if row.indicator is not None:
            (one,) = below
            scopes = [*scopes, vocabulary.LEAF]
            values |= {
                "自评": "有" if one.is_claimed else "无",
                "自评依据": _sentence(one.basis),
                "扣分原因": one.reason.rstrip("。；;，,"),
                "计算过程": one.arithmetic,
            }
        yield RubricFacts(row.code, scopes, values)


def sums(scores: Sequence[ReportScore]) -> tuple[int, int]:
    """What full marks and scores of some indicators add up to, hundredths."""
    return sum(one.full_marks for one in scores), sum(one.score or 0 for one in scores)


def leaves(rubric: Rubric, code: str) -> Iterator[str]:
    """The codes of the indicators below a row of the rubric, itself where it is one."""
    row = rubric.rows[rubric.row_by_code[squeeze(code)]]
    if row.indicator is not None:
        yield row.indicator.code
    for child in row.children:
        yield from leaves(rubric, rubric.rows[child].code)


def _sentence(text: str) -> str:
    """A text that others follow, ending as a sentence does."""
    text = text.rstrip("；;，,、 ")
    return text if not text or text.endswith(("。", "！", "？")) else text + "。"


def one_line(text: str) -> str:
    """A returned text in one line: it never begins a paragraph of its own."""
    return " ".join(text.split())


def selected(part: RegisterPart, register: Register, rows: RegisterRows) -> pd.DataFrame:
    """The values of the rows that are meant, in the order in which they were returned."""
    return rows.values[mask(part.conditions, register, rows.values)]


def _each(
    part: RegisterPart, report: SelfReport, registers: Mapping[str, Register]
) -> Iterator[Mapping[str, Value]]:
    register = registers[part.register]
    rows = selected(part, register, report.registers[part.register])
    kinds = {one.column.key: one.column.kind for one in register.columns}
    numbers, name = numbers_column(register), name_column(register)
    for ordinal, at in enumerate(rows.index, 1):
        number = one_line(rows.at[at, numbers]) if numbers else ""
        values = {key: _cell(rows.at[at, key], kind) for key, kind in kinds.items()}
        if name is not None:
            values[name] = values[name] or UNNAMED
        documents = {
            cited(key): _document(value, number) if isinstance(value, str) and value else ""
            for key, value in values.items()
        }
        names = {
            quoted(key): _quoted(value) if isinstance(value, str) and value else ""
            for key, value in values.items()
        }
        yield {ORDINAL: ordinal, **values, **documents, **names}


def _cell(value: object, kind: ValueKind) -> Value:
    if kind in NUMERIC:
        return whole(value)
    if kind is ValueKind.DATE:
        return _day(value)
    return one_line(str(value))


def _day(value: object) -> dt.date | None:
    moment = pd.Timestamp(value)
    day: dt.date | None = None if pd.isna(moment) else moment.date()
    return day


def _drawn(one: Drawn, report: SelfReport, registers: Mapping[str, Register]) -> Value:
    """The value of a field that comes from a register or a data item; None where it is unknown."""
    if one.part is None:
        return report.items.get(one.column)
    register = registers[one.part.register]
    rows = selected(one.part, register, report.registers[one.part.register])
    match one.taken:
        case Taken.COUNT:
            return len(rows)
        case Taken.SUM:
            return whole(rows[one.column].sum())
        case Taken.DOCUMENTS:
            numbers = rows[one.numbers] if one.numbers else [""] * len(rows)
            found: dict[str, str] = {}
            for name, number in zip(rows[one.column], numbers, strict=True):
                title = one_line(str(name))
                found[title] = found.get(title) or one_line(number)
            return [_document(title, number) for title, number in found.items() if title]
        case Taken.NAMES:
            return _listed([one_line(name) or UNNAMED for name in rows[one.column]])
    kind = next(each.column.kind for each in register.columns if each.column.key == one.column)
    texts = [shown(row_kind(kind), _cell(value, kind)) for value in rows[one.column]]
    different = list(dict.fromkeys(filter(None, texts)))
    return len(different) if one.taken is Taken.DISTINCT else different


def _listed(names: Sequence[str]) -> list[str]:
    """Names in quotation marks, so that what they contain divides no list; titles in their own."""
    if all(_bare_title(name) != name for name in names):
        return [_document(name, "") for name in names]
    return [_quoted(name) for name in names]


def _quoted(name: str) -> str:
    return f"“{_bare_title(name).translate(_WITHIN)}”"


def _document(title: str, number: str) -> str:
    """A document as others cite it: 《name》（number）; a title within a title in 〈〉."""
    title = _bare_title(title).replace("《", "〈").replace("》", "〉")
    return f"《{title}》" + (f"（{number}）" if number else "")


def _bare_title(title: str) -> str:
    """A title without the marks that were typed around the whole of it."""
    inner = title[1:-1]
    whole_is_marked = title[:1] == "《" and title[-1:] == "》"
    return inner if whole_is_marked and "《" not in inner and "》" not in inner else title
