"""A loaded plan (考核方案): frozen dataclasses that every later stage reads and none changes."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from perfxl.layout.declare import Column, ValueKind
from perfxl.plan.mailing import MailSettings, MailText, addresses_in
from perfxl.plan.methods import Method
from perfxl.values import squeeze

if TYPE_CHECKING:
    from perfxl.plan.wording import DocumentKind, TextRow


class TieRule(StrEnum):
    """How equal totals are ranked (并列规则)."""

    SKIP = "并列跳号"
    DENSE = "并列连号"
    ROSTER = "按名录顺序"


class LateRule(StrEnum):
    """What a late return costs (逾期规则): through a data item, off the total, or nothing."""

    INDICATOR = "计入指标"
    TOTAL = "总分扣减"
    NONE = "不扣分"


class ReviewerRule(StrEnum):
    """What holds where several reviewers of a section score one thing (多人评分规则)."""

    LATEST = "后收到的为准"
    MEAN = "取平均分"


class Naming(StrEnum):
    """Whether the circular's examples name the unit (典型问题举例)."""

    ANONYMOUS = "匿名"
    NAMED = "点名"
    NONE = "不举例"


class TermUnit(StrEnum):
    """What a term is counted in; working days follow the official calendar of holidays."""

    MONTHS = "个月"
    DAYS = "天"
    WORKING_DAYS = "个工作日"


class MeasureKind(StrEnum):
    """What a grade means for next year's budget (措施)."""

    FIRST = "优先安排"
    AS_USUAL = "正常安排"
    CUT = "压减"
    SUSPENDED = "暂停安排"
    REVIEWED = "重新论证"


class Source(StrEnum):
    """Where a data item's figure comes from (来源)."""

    UNIT = "单位填报"
    REGISTER = "登记表"
    LEDGER = "台账"
    SECTION = "股室认定"


class Aggregate(StrEnum):
    """How a register is turned into one figure (统计方式)."""

    COUNT = "计数"
    SUM = "合计"
    DISTINCT = "不同值个数"


class LedgerFigure(StrEnum):
    """What the bureau's own ledger knows of a unit."""

    LATE = "逾期次数"
    SENT_BACK = "退回次数"
    LATE_AND_SENT_BACK = "逾期和退回次数"
    SPOT_CHECK = "抽查问题数"


@dataclass(frozen=True)
class Unit:
    """One row of the roster (单位名录)."""

    code: str
    name: str
    kind: str
    section: str
    short_names: tuple[str, ...] = ()
    contact: str = ""
    phone: str = ""
    email: str = ""
    copies: str = ""
    email_cell: str = field(default="", compare=False)
    copies_cell: str = field(default="", compare=False)

    @property
    def addresses(self) -> tuple[str, ...]:
        """The mail addresses of 电子邮箱, as typed."""
        return addresses_in(self.email)

    @property
    def copy_addresses(self) -> tuple[str, ...]:
        """The mail addresses of 抄送邮箱, as typed."""
        return addresses_in(self.copies)


@dataclass(frozen=True)
class Indicator:
    """One leaf of a rubric; ``full_marks`` in hundredths of 分."""

    code: str
    names: tuple[str, ...]
    full_marks: int
    standard: str
    method: Method
    evidence_required: int = 0
    url_required: bool = False
    self_score_required: bool = True
    section: str = ""

    @property
    def name(self) -> str:
        """The most specific of its names."""
        return self.names[-1]


@dataclass(frozen=True)
class RubricRow:
    """One row of the rubric as printed: a heading with a subtotal, or an indicator (leaf).

    ``children`` are positions in the rubric's rows, direct descendants only.
    """

    code: str
    name: str
    depth: int
    full_marks: int
    indicator: Indicator | None = None
    children: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rubric:
    """The indicators of one kind of unit (指标体系), in order, and the rows that show them."""

    kind: str
    indicators: tuple[Indicator, ...]
    rows: tuple[RubricRow, ...]

    @cached_property
    def full_marks(self) -> int:
        """The sum of all indicators' marks, hundredths."""
        return sum(indicator.full_marks for indicator in self.indicators)

    @cached_property
    def by_code(self) -> Mapping[str, Indicator]:
        """Indicators by code."""
        return {indicator.code: indicator for indicator in self.indicators}

    @cached_property
    def row_by_code(self) -> Mapping[str, int]:
        """Positions of rows by squeezed code."""
        return {squeeze(row.code): index for index, row in enumerate(self.rows)}

    @cached_property
    def row_by_name(self) -> Mapping[str, int]:
        """Positions of rows by squeezed name, the first of a name."""
        found: dict[str, int] = {}
        for index, row in enumerate(self.rows):
            found.setdefault(squeeze(row.name), index)
        return found

    @cached_property
    def depth(self) -> int:
        """The number of levels in use, 1 to 3."""
        return max(row.depth for row in self.rows)

    @property
    def top(self) -> tuple[int, ...]:
        """Positions of the first-level rows."""
        return tuple(index for index, row in enumerate(self.rows) if row.depth == 1)


class Relation(StrEnum):
    """An order relation between two values, as written in rules and filters."""

    EQUAL = "="
    NOT_EQUAL = "≠"
    LESS = "<"
    GREATER = ">"
    AT_MOST = "≤"
    AT_LEAST = "≥"

    def holds(self, left: Any, right: Any) -> Any:
        """Compare two values, or two pandas columns element by element."""
        return _COMPARE[self](left, right)


_COMPARE: Mapping[Relation, Callable[[Any, Any], Any]] = {
    Relation.EQUAL: operator.eq,
    Relation.NOT_EQUAL: operator.ne,
    Relation.LESS: operator.lt,
    Relation.GREATER: operator.gt,
    Relation.AT_MOST: operator.le,
    Relation.AT_LEAST: operator.ge,
}


@dataclass(frozen=True)
class Condition:
    """One condition of a filter: a column against a literal or another column.

    A blank cell satisfies no condition, not even ``列≠是``, except an explicit ``列=`` with nothing
    on the right (``literal`` and ``other_column`` both blank); ``列≠`` then holds for filled cells.
    """

    column: str
    relation: Relation
    literal: str = ""
    other_column: str = ""

    def __str__(self) -> str:
        right = f"[{self.other_column}]" if self.other_column else self.literal
        return f"{self.column}{self.relation}{right}"


@dataclass(frozen=True)
class Rule:
    """A relation that a register column must keep: ``≥90%×[全年预算数]``; percent in hundredths."""

    relation: Relation
    other_column: str
    percent: int | None = None

    def __str__(self) -> str:
        factor = f"{self.percent / 100:g}%×" if self.percent is not None else ""
        return f"{self.relation}{factor}[{self.other_column}]"


@dataclass(frozen=True)
class RegisterColumn:
    """A declared column of a register (登记表) with what must hold of its values."""

    column: Column
    unique: bool = False
    rules: tuple[Rule, ...] = ()
    excused_by: str = ""


@dataclass(frozen=True)
class Register:
    """A register of the template; column keys are their labels."""

    name: str
    columns: tuple[RegisterColumn, ...]

    def of_kind(self, kind: ValueKind) -> str | None:
        """The label of the first column of this kind, None where there is none."""
        for declared in self.columns:
            if declared.column.kind is kind:
                return declared.column.key
        return None

    @property
    def holds_evidence(self) -> bool:
        """Whether this is the register of evidence (佐证材料): it has a 佐证编号 column."""
        return self.of_kind(ValueKind.EVIDENCE_NUMBER) is not None


@dataclass(frozen=True)
class DataItem:
    """A named figure that methods use (数据项)."""

    name: str
    source: Source
    kinds: tuple[str, ...] = ()
    register: str = ""
    aggregate: Aggregate | None = None
    column: str = ""
    conditions: tuple[Condition, ...] = ()
    ledger_figure: LedgerFigure | None = None
    unit: str = ""
    help: str = ""

    def applies_to(self, kind: str) -> bool:
        """Whether units of this kind have this item (no kinds named: all)."""
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True)
class Grade:
    """A grade (等级) from ``threshold`` hundredths of a percent of full marks upward."""

    name: str
    threshold: int


@dataclass(frozen=True)
class Term:
    """A length of time, such as 一个月 or 20 个工作日."""

    amount: int
    unit: TermUnit

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"


@dataclass(frozen=True)
class Measure:
    """What one grade means for a unit; ``cut`` in hundredths of a percent of each amount."""

    kind: MeasureKind
    cut: int = 0
    accountable: bool = False
    note: str = ""


@dataclass(frozen=True)
class Application:
    """The sheet 结果应用: a measure by grade, and the register's column of amounts it bears on."""

    measures: Mapping[str, Measure]
    register: str
    column: str


@dataclass(frozen=True)
class CampaignInfo:
    """The sheet 考核信息; step, late deduction and disagreement in hundredths of 分.

    ``disagreement``: scores of two reviewers that lie further apart are listed.
    """

    code: str
    name: str
    year: int
    basis: str
    issuer: str
    document_number: str
    issued_on: dt.date
    deadline: dt.datetime
    full_marks: int
    step: int
    rectification: Term
    tie_rule: TieRule
    late_rule: LateRule
    late_deduction: int
    reviewer_rule: ReviewerRule
    disagreement: int
    naming: Naming
    addressees: str
    copied_to: str
    contact: str
    phone: str
    form_title: str


# What 分层依据 calls the kind of a unit; everything else there is a column of the register.
UNIT_KIND = "单位类别"


@dataclass(frozen=True)
class SpotCheck:
    """The sheet 抽查: which projects are drawn from, and how.

    ``share`` in hundredths of a percent. ``strata`` names columns of the register, or
    ``UNIT_KIND``; ``shown`` are the columns that the check book repeats, and ``rate`` the two
    (part, whole) of its execution rate. ``issued_on`` is None where the circular of the spot check
    has no date of its own.
    """

    register: str
    conditions: tuple[Condition, ...]
    strata: tuple[str, ...]
    share: int
    code_column: str
    name_column: str
    shown: tuple[str, ...] = ()
    rate: tuple[str, str] | None = None
    document_number: str = ""
    issued_on: dt.date | None = None


def sections_of(units: Sequence[Unit], rubrics: Mapping[str, Rubric]) -> tuple[str, ...]:
    """Every section that judges something, in order of first appearance."""
    names = [unit.section for unit in units]
    names += [i.section for rubric in rubrics.values() for i in rubric.indicators]
    return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Plan:
    """Everything that the plan workbook declares.

    ``reviewers`` names, by section, those who each get a review book of their own; a section that
    is not among them has one book. ``wording`` holds the texts of the documents.
    """

    campaign: CampaignInfo
    grades: tuple[Grade, ...]
    units: tuple[Unit, ...]
    rubrics: Mapping[str, Rubric]
    data_items: tuple[DataItem, ...]
    registers: tuple[Register, ...]
    instructions: tuple[str, ...]
    mails: Mapping[str, MailText] = field(default_factory=dict)
    reviewers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    spot_check: SpotCheck | None = None
    wording: Mapping[DocumentKind, tuple[TextRow, ...]] = field(default_factory=dict)
    application: Application | None = None
    mail_settings: MailSettings | None = None

    @cached_property
    def unit_by_code(self) -> Mapping[str, Unit]:
        """Units by code."""
        return {unit.code: unit for unit in self.units}

    @cached_property
    def unit_by_name(self) -> Mapping[str, Unit]:
        """Units by squeezed name, and by those squeezed short names that only one unit has."""
        short: dict[str, list[Unit]] = {}
        for unit in self.units:
            for name in unit.short_names:
                short.setdefault(squeeze(name), []).append(unit)
        unambiguous = {name: found[0] for name, found in short.items() if len(found) == 1}
        return unambiguous | {squeeze(unit.name): unit for unit in self.units}

    @cached_property
    def units_by_full_name(self) -> Mapping[int, Mapping[str, Sequence[Unit]]]:
        """By the length of the squeezed full name: the units of each such name."""
        found: dict[int, dict[str, list[Unit]]] = {}
        for unit in self.units:
            name = squeeze(unit.name)
            found.setdefault(len(name), {}).setdefault(name, []).append(unit)
        return found

    @cached_property
    def units_by_address(self) -> Mapping[str, Sequence[Unit]]:
        """By case-folded mail address: the units that have it, or copies to it."""
        found: dict[str, list[Unit]] = {}
        for unit in self.units:
            for address in {one.casefold() for one in (*unit.addresses, *unit.copy_addresses)}:
                found.setdefault(address, []).append(unit)
        return found

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of unit in the order of their rubrics."""
        return tuple(self.rubrics)

    @cached_property
    def evidence_register(self) -> Register | None:
        """The register of evidence, if the plan has one."""
        return next((register for register in self.registers if register.holds_evidence), None)

    @cached_property
    def sections(self) -> tuple[str, ...]:
        """Every section that judges something, in order of first appearance."""
        return sections_of(self.units, self.rubrics)

    def units_of(self, kind: str) -> Iterator[Unit]:
        """The roster's units of one kind, in order."""
        return (unit for unit in self.units if unit.kind == kind)

    def judging_section(self, unit: Unit, indicator: Indicator) -> str:
        """The section that judges this indicator of this unit."""
        return indicator.section or unit.section

    def reported_items(self, kind: str) -> tuple[DataItem, ...]:
        """The data items that a unit of this kind types in itself, for its rubric's methods."""
        used = {
            name
            for indicator in self.rubrics[kind].indicators
            for name in indicator.method.data_items()
        }
        return tuple(
            item
            for item in self.data_items
            if item.source is Source.UNIT and item.name in used and item.applies_to(kind)
        )

    def item(self, name: str, kind: str) -> DataItem | None:
        """The data item of this name that applies to this kind."""
        for item in self.data_items:
            if item.name == name and item.applies_to(kind):
                return item
        return None

    @cached_property
    def _versions(self) -> dict[str, str]:
        return {}

    def template_version(self, kind: str) -> str:
        """Ten hexadecimal digits that tell whether a returned workbook still fits the plan.

        They cover what gives a typed figure its meaning: the campaign's code and step; each
        indicator's code, names, marks, standard and method; name and unit of each reported data
        item; label, kind, unit and choices of each register column. They leave out what only
        helps to fill in, or what the plan alone decides: widths, help, instructions, deadline,
        contacts, whether something is required.
        """
        if kind not in self._versions:
            meaning = {
                "campaign": [self.campaign.code, self.campaign.step],
                "rubric": [
                    [i.code, i.names, i.full_marks, i.standard, i.method.name, vars(i.method)]
                    for i in self.rubrics[kind].indicators
                ],
                "items": [[item.name, item.unit] for item in self.reported_items(kind)],
                "registers": [
                    [register.name, column.label, column.kind, column.unit, column.choices]
                    for register in self.registers
                    for column in (declared.column for declared in register.columns)
                ],
            }
            text = json.dumps(meaning, ensure_ascii=False, sort_keys=True, default=str)
            self._versions[kind] = hashlib.sha256(text.encode()).hexdigest()[:10]
        return self._versions[kind]
