"""The county's year for tests: its plan, its return as a grid, and registers filled at random."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from perfxl.county.score import county_score
from perfxl.excel.reader import Grid, read_workbook
from perfxl.facts.self_report import ScoredBy, SelfReport, self_report
from perfxl.intake.assembly import extract
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify
from perfxl.layout.declare import Column, ValueKind
from perfxl.layout.locate import find_table
from perfxl.plan.forms import register_key, template_layout
from perfxl.plan.model import Plan, Register
from perfxl.points import as_text
from perfxl.scoring import compute
from perfxl.tables import ReturnTables
from perfxl.values import text_of

REPOSITORY = Path(__file__).resolve().parent.parent
COUNTY = REPOSITORY / "samples" / "county"
PLAN, RETURN = COUNTY / "考核方案.xlsx", COUNTY / "return.xlsx"

Row = Mapping[str, object]
Registers = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, repr=False)
class Year:
    """One year: the plan and the contents of the workbook, as an office program saved it."""

    plan: Plan
    grid: Grid

    @classmethod
    def of_county(cls, plan: Plan) -> Year:
        """The county's own year."""
        return cls(plan, read_workbook(RETURN.read_bytes(), RETURN.name))

    @cached_property
    def tables(self) -> ReturnTables:
        """What is read from it."""
        unit = self.plan.units[0]
        identity = identify(self.plan, self.grid, RETURN.name, None)
        return extract(self.plan, [Return("r", RETURN.name, unit, identity, self.grid)])

    def report(self, by: ScoredBy = ScoredBy.COMPUTED) -> SelfReport:
        """What its report is written from."""
        computed = compute(self.plan, self.tables)
        score = county_score(self.plan, self.plan.units[0], self.tables, computed)
        return self_report(self.plan, self.tables, computed, score, by)

    def rows(self, register: str) -> list[dict[str, object]]:
        """The rows of one register by label, read here without perfxl's own reading of registers."""
        sheet = self.grid.sheets[register]
        at, labels = _heading(self.plan, register, sheet)
        return [
            {label: row[column] if column < len(row) else "" for label, column in labels.items()}
            for row in sheet[at + 1 :]
            if any(text_of(value) for value in row)
        ]

    def with_registers(self, registers: Registers) -> Year:
        """The same year with other rows in these registers."""
        sheets = {name: [list(row) for row in rows] for name, rows in self.grid.sheets.items()}
        for name, rows in registers.items():
            at, labels = _heading(self.plan, name, sheets[name])
            width = max(labels.values()) + 1
            sheets[name] = [
                *sheets[name][: at + 1],
                *([_at(row, labels, column) for column in range(width)] for row in rows),
            ]
        return Year(self.plan, Grid(sheets, self.grid.stamps))

    def numbers(self) -> set[str]:
        """Every number that stands in a cell of the workbook, dates by year, month and day."""
        found: set[str] = set()
        for rows in self.grid.sheets.values():
            for row in rows:
                for value in row:
                    found |= numbers_of(_cell_text(value))
        return found


def _at(row: Row, labels: Mapping[str, int], column: int) -> object:
    return next((row[label] for label, at in labels.items() if at == column and label in row), "")


def _heading(
    plan: Plan, register: str, rows: Sequence[Sequence[object]]
) -> tuple[int, dict[str, int]]:
    layout = template_layout(plan, plan.units[0].kind).sheet(register_key(register))
    assert layout.table is not None
    found = find_table(rows, layout.table)
    assert found is not None, register
    return found.heading_row, found.columns


def _cell_text(value: object) -> str:
    if isinstance(value, dt.date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"{value:.2f}"
    return text_of(value)


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def numbers_of(text: str) -> set[str]:
    """The numbers in a text, without zeros that say nothing."""
    found = set()
    for number in _NUMBER.findall(text):
        whole, point, rest = number.partition(".")
        rest = rest.rstrip("0")
        found.add((whole.lstrip("0") or "0") + (point + rest if rest else ""))
    return found


PLACES = ("石楼县", "城关", "屈产河", "裴沟", "灵泉镇", "罗村", "义牒", "龙交乡")
THINGS = ("道路", "供热", "水质提升", "人居环境", "学校", "医疗、教育", "信息化", "生态和林业")
ENDS = ("建设项目", "改造项目（一期）", "专项资金", "2023年度项目", "工程", "第3标段", "办法")


def plain_text(chance: random.Random) -> str:
    """A name such as offices give."""
    name = chance.choice(PLACES) + chance.choice(THINGS) + chance.choice(ENDS)
    year = chance.choice(("", "", "2023年", "2022—2023年"))
    name = f"{year}{name}"
    return chance.choice((name, name, name, f"关于{name}的通知", f"《{name}》", f"“三全”{name}"))


HOSTILE = (
    "共3个项目：甲、乙",
    "三、其他情况（5分，自评得分4分）",
    "得5分",
    "一、基础工作（15分，自评得分1分）\n二、",
    "{总分}",
    "=1+1",
    "《甲》》乙《",
    "”扣3分“",
    "四本预算分别为一般公共预算、政府性基金预算",
    "合计100万元，其中：甲10万元、乙20万元",
    "总分97.5分",
    "等",
    "、",
)


def hostile_text(chance: random.Random) -> str:
    """A text that means to be taken for something of the report's own."""
    return chance.choice((plain_text(chance), *chance.sample(HOSTILE, 4)))


def random_registers(
    plan: Plan, chance: random.Random, *, hostile: bool = False
) -> dict[str, list[dict[str, object]]]:
    """Rows for every register, none in some; blank cells where the plan allows them, and elsewhere."""
    return {
        register.name: [
            _random_row(register, number, chance, hostile=hostile)
            for number in range(1, chance.choice((0, 0, 1, 2, 3, 5, 9)) + 1)
        ]
        for register in plan.registers
    }


def _random_row(
    register: Register, number: int, chance: random.Random, *, hostile: bool
) -> dict[str, object]:
    row = {}
    for declared in register.columns:
        blank = 0.02 if declared.column.required else 0.4
        if chance.random() >= blank:
            row[declared.column.key] = _random_cell(
                declared.column, number, chance, hostile=hostile
            )
    return row


def _random_cell(column: Column, number: int, chance: random.Random, *, hostile: bool) -> object:
    text = hostile_text if hostile else plain_text
    made: Mapping[ValueKind, Sequence[object]] = {
        ValueKind.CHOICE: column.choices,
        ValueKind.DATE: [dt.date(2023, 1, 1) + dt.timedelta(days=chance.randrange(500))],
        ValueKind.INTEGER: (0.0, 1.0, 3.0, 12.0, 250.0),
        ValueKind.NUMBER: (0.0, 61.5, 92.25, 100.0),
        ValueKind.MONEY: (0.0, 0.01, 12.5, 1033.0, 34586.0, chance.randrange(10**7) / 100),
        ValueKind.EVIDENCE_NUMBER: [str(number)],
        ValueKind.DOCUMENT_NUMBER: [f"石财绩〔2023〕{chance.randrange(1, 90)}号"],
        ValueKind.URL: [f"https://example.com/{chance.randrange(100)}"],
    }
    return chance.choice(made.get(column.kind) or [text(chance)])


def shown_sum(rows: Sequence[Row], column: str) -> str:
    """The sum of a column of numbers, as a text without needless zeros."""
    return as_text(sum(round(float(str(row[column])) * 100) for row in rows if row.get(column)))
