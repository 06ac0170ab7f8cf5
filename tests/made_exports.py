"""Made-up project lists of the budget system, and returns that are filled in on top of them."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl

from perfxl.plan.model import Plan, Unit

LABELS = (
    *("序号", "单位编码", "单位名称", "项目编码", "项目名称"),
    *("资金性质", "年初预算数", "全年预算数"),
)
FUNDS = {
    "一般公共预算资金": "一般公共预算",
    "政府性基金": "政府性基金预算",
    "社会保险基金": "社会保险基金预算",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class Project:
    """A project as it was made up; amounts in 分 (0.01 元)."""

    unit: str
    code: str
    name: str
    fund: str
    initial: int
    budget: int


def made_projects(plan: Plan, count: int, seed: int = 11, units: int = 0) -> list[Project]:
    """So many projects, the units (the first ``units``, or all) one after the other."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        unit = plan.units[number % (units or len(plan.units))]
        initial = chance.randrange(100, 9 * 10**8)
        made.append(
            Project(
                unit.code,
                f"1411262310{number:012d}",
                f"2023年{chance.choice(('道路养护', '校舍维修', '设备购置', '困难救助'))}（{number}）",
                chance.choice(list(FUNDS)),
                initial,
                initial + chance.randrange(0, 10**7),
            )
        )
    return made


def as_rows(plan: Plan, projects: Sequence[Project]) -> list[Row]:
    """The rows of the export: the system's own unit codes, names in several spellings, 元."""
    rows = []
    for number, one in enumerate(projects):
        unit = plan.unit_by_code[one.unit]
        names = (unit.name, unit.short_names[0], f"1{unit.code}001-{unit.name}", f" {unit.name} ")
        row = {
            "序号": number + 1,
            "单位编码": f"1{unit.code}001",
            "单位名称": names[number % len(names)],
            "项目编码": one.code,
            "项目名称": one.name,
            "资金性质": one.fund,
            "年初预算数": one.initial / 100,
            "全年预算数": one.budget / 100,
        }
        if number % 3 == 0:
            row["全年预算数"] = f"{Decimal(one.budget) / 100:,.2f}"
        rows.append(row)
    return rows


def grid_of(rows: Sequence[Row], *, labels: Sequence[str] = LABELS) -> list[list[Any]]:
    """Title rows, heading, rows, a total row, and who made it when."""
    total = {
        label: float(sum(Decimal(str(row[label]).replace(",", "")) for row in rows))
        for label in ("年初预算数", "全年预算数")
    }
    return [
        ["石楼县2023年项目支出预算表"],
        ["单位：元"],
        list(labels),
        *[[row.get(label, "") for label in labels] for row in rows],
        ["合　计", *[total.get(label, "") for label in labels[1:]]],
        ["制表人：张三", "", "2024-01-02"],
    ]


def xlsx(grid: Sequence[Sequence[Any]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "项目表"
    for row in grid:
        sheet.append([None if value == "" else value for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def text(grid: Sequence[Sequence[Any]], encoding: str, delimiter: str = ",") -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(grid)
    return buffer.getvalue().encode(encoding)


def shown(fen: int) -> Decimal:
    """0.01 元 as 万元 with two decimals, rounded half up: reckoned here once more."""
    return (Decimal(fen) / 1_000_000).quantize(Decimal("0.01"), ROUND_HALF_UP)


def fill_in(
    samples_maker: ModuleType,
    plan: Plan,
    unit: Unit,
    issued: bytes,
    change: Callable[[list[Row]], None] = lambda _: None,
) -> bytes:
    """A right return on top of the prefilled workbook.

    ``change`` alters the project rows as an office might; what it claims goes by the altered ones.
    """
    form = samples_maker.Form(issued)
    prefilled = prefilled_in(issued)
    chance = random.Random(unit.code)
    answers = samples_maker.right_answers(plan, unit, chance, (len(prefilled), len(prefilled)))
    for project, cells in zip(answers.projects, prefilled, strict=True):
        project |= {label: value for label, value in cells.items() if value is not None}
        project |= {"全年执行数": project["全年预算数"], "偏差原因": None}
    change(answers.projects)
    for project in answers.projects:
        project["全年执行数"] = project.get("全年预算数")
    for made in (answers.cited, answers.evidence, answers.scores):
        made.clear()
    for indicator in plan.rubrics[unit.kind].indicators:
        samples_maker._claim(answers, indicator, unit, chance)
    blank = [dict.fromkeys(row, None) for row in prefilled[len(answers.projects) :]]
    answers.projects += blank
    samples_maker.fill(form, unit, answers)
    buffer = io.BytesIO()
    form.book.save(buffer)
    return buffer.getvalue()


def prefilled_in(data: bytes) -> list[Mapping[str, Any]]:
    """The rows of 项目清单 in an issued workbook, read by openpyxl."""
    sheet = openpyxl.load_workbook(io.BytesIO(data))["项目清单"]
    labels = [str(cell.value).split("（")[0].removesuffix(" *") for cell in sheet[3]]
    rows = (dict(zip(labels, row, strict=True)) for row in sheet.iter_rows(4, values_only=True))
    return [row for row in rows if any(value is not None for value in row.values())]


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path
