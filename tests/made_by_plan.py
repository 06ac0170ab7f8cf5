"""Answers to any plan, made up from its tables as text, and what its methods give for them.

Nothing here uses perfxl's own reading of plans: registers, filters and methods are taken from the
records of the plan's source once more, and every score is a fraction.
"""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import Any

import openpyxl

Records = Mapping[str, Sequence[Mapping[str, str]]]
Scores = dict[str, Fraction | None]
Row = dict[str, Any]
_COMPARE = {
    "=": lambda a, b: a == b,
    "≠": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "≤": lambda a, b: a <= b,
    "≥": lambda a, b: a >= b,
}
_RULE = re.compile(r"([≤≥])(?:\d+%×)?\[(.+)\]")
_FILTER = re.compile(r"(.+?)([=≠<>≤≥])(.*)")


@dataclass
class Answers:
    """What one unit types in: rows of registers, figures, cited evidence, and its claims."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)
    cited: dict[str, list[str]] = field(default_factory=dict)
    claims: Scores = field(default_factory=dict)


class MadeByPlan:
    """One plan's records with everything that a test makes up and reckons from them."""

    def __init__(self, records: Records, late: str = "") -> None:
        self.records, self.late = records, late
        self.info = {row["项目"]: row["内容"] for row in records["考核信息"]}
        self.units = {row["单位编码"]: row for row in records["单位名录"]}
        self.registers: dict[str, list[Mapping[str, str]]] = {}
        for row in records["登记表"]:
            self.registers.setdefault(row["登记表"], []).append(row)
        self.evidence = next(
            name
            for name, columns in self.registers.items()
            if any(column["类型"] == "佐证编号" for column in columns)
        )
        self.step = Fraction(self.info["打分步长"])

    def rubric(self, unit: str) -> Sequence[Mapping[str, str]]:
        return self.records[f"指标体系（{self.units[unit]['单位类别']}）"]

    def item(self, name: str, unit: str) -> Mapping[str, str]:
        kind = self.units[unit]["单位类别"]
        return next(
            row
            for row in self.records["数据项"]
            if row["数据项"] == name and row["单位类别"] in ("", kind)
        )

    def answers(self, unit: str) -> Answers:
        """The unit's answers, the same in every run."""
        chance, made = random.Random(f"{self.info['考核编号']} {unit}"), Answers()
        for name in self.registers:
            if name != self.evidence:
                made.rows[name] = [
                    self._row(name, unit, number, chance) for number in range(chance.randint(3, 6))
                ]
        made.rows[self.evidence] = []
        for row in self.rubric(unit):
            self._cite(made, row, unit, chance)
        for row in self.records["数据项"]:
            if row["来源"] == "单位填报":
                made.figures[row["数据项"]] = chance.randint(3, 9)
        computed = self.computed(unit, made)
        for row in self.rubric(unit):
            code, marks = row["编码"], Fraction(row["分值"])
            if row["自评要求"] == "选填":
                continue
            if row["评分方法"] == "人工":
                made.claims[code] = marks - self.step * chance.randint(0, 2)
            else:
                made.claims[code] = computed[code]
        return made

    def _row(self, register: str, unit: str, number: int, chance: random.Random) -> Row:
        row: Row = {}
        for column in self.registers[register]:
            label, kind = column["列名"], column["类型"]
            needed = column["必填"] == "是"
            value: Any = None
            if kind == "选项":
                value = chance.choice(column["选项"].split("、"))
            elif kind == "金额":
                value = chance.randint(100, 90_000) / 100
            elif kind in ("数值", "整数"):
                value = chance.randint(60, 100)
            elif kind == "日期":
                value = dt.date(2023, chance.randint(1, 10), chance.randint(1, 28))
            elif needed:
                value = f"{label}{unit}-{number}"
            row[label] = self._by_rules(column, row, value, chance)
        excuses = {column["例外说明列"] for column in self.registers[register]} - {""}
        return row | dict.fromkeys(excuses, "按实际进度办理")

    def _by_rules(
        self, column: Mapping[str, str], row: Row, value: Any, chance: random.Random
    ) -> Any:
        """A value that keeps the column's rules, or breaks one that may be explained."""
        rules = [_RULE.fullmatch(part) for part in column["校验规则"].split("；") if part]
        least: Any = None
        for rule in filter(None, rules):
            other = row[rule[2]]
            if isinstance(value, dt.date):
                if rule[1] == "≥":
                    least = other
                    value = other + dt.timedelta(chance.randint(0, 60))
                else:
                    value = max(least or other, other + dt.timedelta(chance.choice((-6, 0, 12))))
            elif rule[1] == "≤":
                value = other
        return value

    def _cite(
        self, made: Answers, row: Mapping[str, str], unit: str, chance: random.Random
    ) -> None:
        if not row["佐证件数"]:
            return
        sort, pieces = "其他", int(row["佐证件数"])
        if row["评分方法"] == "计数":
            item = self.item(row["数据项"], unit)
            if item["登记表"] == self.evidence:
                sort, pieces = item["筛选条件"].partition("=")[2], chance.randint(1, 3)
        rows = made.rows[self.evidence]
        for _ in range(pieces):
            piece = self._row(self.evidence, unit, len(rows), chance)
            for column in self.registers[self.evidence]:
                label, kind = column["列名"], column["类型"]
                if kind == "佐证编号":
                    piece[label] = str(len(rows) + 1)
                    made.cited.setdefault(row["编码"], []).append(piece[label])
                elif kind == "选项":
                    piece[label] = sort
                elif kind == "网址":
                    piece[label] = f"https://www.example.com/{unit}/{len(rows)}.html"
            rows.append(piece)

    def figure(self, name: str, unit: str, made: Answers) -> Fraction | None:
        """A data item; None where only the bureau knows it."""
        item = self.item(name, unit)
        if item["来源"] == "单位填报":
            return Fraction(made.figures[name])
        if item["来源"] == "台账" and "逾期" in item["统计列"]:
            return Fraction(unit == self.late)
        if item["来源"] != "登记表":
            return None
        rows = [row for row in made.rows[item["登记表"]] if _keeps(row, item["筛选条件"])]
        match item["统计方式"]:
            case "合计":
                return sum((Fraction(str(row[item["统计列"]])) for row in rows), Fraction(0))
            case "不同值个数":
                return Fraction(len({row[item["统计列"]] for row in rows}))
        return Fraction(len(rows))

    def computed(self, unit: str, made: Answers) -> Scores:
        """What the methods give; an indicator that does not apply is absent."""
        scores: Scores = {}
        for row in self.rubric(unit):
            code, marks = row["编码"], Fraction(row["分值"])
            first = self.figure(row["数据项"], unit, made) if row["数据项"] else None
            match row["评分方法"]:
                case "人工":
                    scores[code] = None
                case "佐证":
                    pieces = len(made.cited.get(code, []))
                    scores[code] = marks * min(1, Fraction(pieces, int(row["佐证件数"])))
                case "计数" | "扣分" if first is None:
                    scores[code] = None
                case "计数":
                    assert first is not None
                    scores[code] = min(marks, first * Fraction(row["每项分值"]))
                case "扣分":
                    assert first is not None
                    scores[code] = max(Fraction(0), marks - first * Fraction(row["每项分值"]))
                case "比率":
                    whole = self.figure(row["分母数据项"], unit, made)
                    assert first is not None and whole is not None
                    if whole:
                        share = first / whole
                        cut = floor(marks * share / self.step) * self.step
                        scores[code] = (
                            cut if share >= Fraction(row["最低比率"] or 0) else Fraction(0)
                        )
        return scores

    def approved(self, unit: str, made: Answers) -> Scores:
        """What the sections give: what the unit claims or the methods give, and now and then less."""
        chance = random.Random(f"approved {unit}")
        computed, given = self.computed(unit, made), {}
        for row in self.rubric(unit):
            code, marks = row["编码"], Fraction(row["分值"])
            if code not in computed:
                continue
            base = made.claims.get(code)
            if base is None:
                own = computed[code]
                base = marks if own is None else own
            given[code] = max(Fraction(0), base - self.step * chance.choice((0, 0, 1, 2)))
        return dict(given)

    def standings(self, approved: Mapping[str, Scores]) -> list[dict[str, object]]:
        """Totals, grades and ranks (equal ones share a rank, the next is skipped)."""
        grades = [(row["等级"], Fraction(row["最低得分率"])) for row in self.records["等级标准"]]
        lines = []
        for unit, own in approved.items():
            marks = {row["编码"]: Fraction(row["分值"]) for row in self.rubric(unit)}
            given = {code: score for code, score in own.items() if score is not None}
            total = sum(given.values()) / sum(marks[code] for code in given) * 100
            cents = floor(total * 100 + Fraction(1, 2))
            lines.append(
                (
                    total,
                    {
                        "kind": self.units[unit]["单位类别"],
                        "unit": unit,
                        "total": f"{cents // 100}.{cents % 100:02d}",
                        "grade": next(name for name, least in grades if total >= least),
                        "status": "逾期" if unit == self.late else "按时",
                    },
                )
            )
        return [
            {**line, "rank": 1 + sum(other > total for other, _ in lines)}
            for total, line in sorted(lines, key=lambda one: -one[0])
        ]


def _keeps(row: Row, conditions: str) -> bool:
    for part in filter(None, conditions.split("；")):
        match = _FILTER.fullmatch(part)
        assert match is not None
        left, right = row[match[1]], match[3]
        if left is None:
            return False
        if right.startswith("["):
            other = row[right[1:-1]]
        else:
            other = Fraction(right) if isinstance(left, (int, float)) else right
        if other is None or not _COMPARE[match[2]](left, other):
            return False
    return True


class Book:
    """A workbook that a person fills in: rows and columns found by what is printed in them."""

    def __init__(self, path: Path) -> None:
        self.path, self.book = path, openpyxl.load_workbook(path)

    def columns(self, sheet: str, label: str) -> tuple[int, dict[str, int]]:
        """The heading row that has this label, and the columns under it."""
        for row in self.book[sheet].iter_rows():
            printed = [str(cell.value or "").removesuffix(" *").split("（")[0] for cell in row]
            # A sheet's title may be the same word.
            if label in printed and sum(map(bool, printed)) > 1:
                return row[0].row, {name: at for at, name in enumerate(printed, 1) if name}
        raise KeyError(label)

    def put(self, sheet: str, row: int, columns: Mapping[str, int], values: Row) -> None:
        for label, value in values.items():
            if value is not None:
                self.book[sheet].cell(row, columns[label]).value = value

    def rows(self, sheet: str, key: str) -> tuple[dict[str, int], dict[str, int]]:
        """Row numbers by the text under a heading, and the columns."""
        heading, columns = self.columns(sheet, key)
        ws, at = self.book[sheet], columns[key]
        below = range(heading + 1, ws.max_row + 1)
        return {str(ws.cell(row, at).value or ""): row for row in below}, columns


def fill_return(path: Path, folder: Path, made: Answers) -> None:
    """Type a unit's answers into its workbook and save it in a folder."""
    book = Book(path)
    for row in book.book["封面"].iter_rows():
        for cell in row:
            if cell.value in ("填报人 *", "联系电话 *"):
                book.book["封面"].cell(cell.row, cell.column + 1).value = "0358-5720000"
    for register, lines in made.rows.items():
        for number, line in enumerate(lines):
            heading, columns = book.columns(register, next(iter(line)))
            book.put(register, heading + 1 + number, columns, line)
    if made.figures:
        items, columns = book.rows("数据项", "数据项")
        for item, figure in made.figures.items():
            book.put("数据项", items[item], columns, {"数值": figure})
    entries, columns = book.rows("自评表", "编码")
    for code, claim in made.claims.items():
        if claim is not None:
            cited = "、".join(made.cited.get(code, [])) or None
            values = {"自评得分": float(claim), "扣分原因": "尚有不足", "佐证编号": cited}
            book.put("自评表", entries[code], columns, values)
    book.book.save(folder / path.name)


def fill_review(path: Path, approved: Mapping[str, Scores], code_label: str) -> int:
    """Type approved scores into a review book; how many."""
    book = Book(path)
    heading, columns = book.columns("评分表", code_label)
    sheet, typed = book.book["评分表"], 0
    for row in range(heading + 1, sheet.max_row + 1):
        unit, code = (sheet.cell(row, columns[name]).value for name in (code_label, "指标编码"))
        score = approved.get(str(unit), {}).get(str(code))
        if score is not None:
            values = {"核定得分": float(score), "扣分原因": "按标准扣分", "评分人": "马玉霞"}
            book.put("评分表", row, columns, values)
            typed += 1
    book.book.save(path)
    return typed
