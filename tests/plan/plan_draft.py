"""The sample plan, opened to be spoilt by a test."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from perfxl.campaign import read_plan_file
from perfxl.errors import Mistake, PlanRefused
from perfxl.plan.model import Plan

DEPARTMENTS, TOWNSHIPS = "指标体系（部门）", "指标体系（乡镇）"
Found = list[tuple[str, str, str]]


class Draft:
    """The sample plan, opened to be spoilt; cells are found by row key and column label."""

    def __init__(self, repository: Path) -> None:
        self.book = openpyxl.load_workbook(repository / "workbook_templates" / "考核方案.xlsx")

    def cell(self, sheet: str, key: str, label: str) -> Any:
        """The cell under ``label`` in the first row that has ``key`` in one of its cells."""
        rows = list(self.book[sheet].iter_rows())
        heading = next(row for row in rows if label in [_plain(cell) for cell in row])
        column = [_plain(cell) for cell in heading].index(label)
        below = rows[heading[0].row :]
        return next(row for row in below if key in [_plain(cell) for cell in row])[column]

    def put(self, sheet: str, key: str, label: str, value: object) -> str:
        """Type into such a cell; its name."""
        cell = self.cell(sheet, key, label)
        cell.value = value
        return str(cell.coordinate)

    def info(self, item: str, value: object) -> str:
        return self.put("考核信息", item, "内容", value)

    def bytes(self) -> bytes:
        buffer = io.BytesIO()
        self.book.save(buffer)
        return buffer.getvalue()

    def plan(self) -> Plan:
        return read_plan_file(self.bytes(), "考核方案.xlsx")

    def mistakes(self) -> list[Mistake]:
        with pytest.raises(PlanRefused) as refused:
            self.plan()
        return list(refused.value.mistakes)

    def found(self) -> Found:
        """Code, sheet and cell of every mistake."""
        return [(m.code, m.place.sheet, m.place.cell) for m in self.mistakes()]

    def found_after(self, sheet: str, key: str, label: str, value: object) -> Found:
        self.put(sheet, key, label, value)
        return self.found()


def _plain(cell: Any) -> str:
    return str(cell.value if cell.value is not None else "").removesuffix("*").strip()
