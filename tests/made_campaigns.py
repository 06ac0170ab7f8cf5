"""Campaigns for tests: the sample plan with changes, the sample returns, books filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl

from perfxl.campaign import Campaign
from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook
from perfxl.stages.demo import SAMPLE_STAMP_KEY, ingest_samples

TEMPLATES = Path(__file__).resolve().parent.parent / "workbook_templates"
Sheets = dict[str, list[dict[str, str]]]


def changed_plan(change: Callable[[Sheets], None]) -> bytes:
    """The sample plan as a workbook after a change to its tables."""
    sheets = from_markdown((TEMPLATES / "考核方案.md").read_text(encoding="utf-8"))
    change(sheets)
    return plan_workbook(sheets)


def set_item(sheets: Sheets, name: str, content: str) -> None:
    """Set an item of 考核信息."""
    next(row for row in sheets["考核信息"] if row["项目"] == name)["内容"] = content


def campaign_of_samples(
    folder: Path, change: Callable[[Sheets], None] = lambda _: None
) -> Campaign:
    """A campaign under a changed plan that has taken in the sample returns."""
    campaign = Campaign.create(folder, changed_plan(change), SAMPLE_STAMP_KEY)
    ingest_samples(campaign)
    return campaign


def type_into_book(path: Path, values: Mapping[tuple[str, str], Mapping[str, object]]) -> None:
    """Type into a review book: (unit, indicator) → heading → value."""
    book = openpyxl.load_workbook(path)
    sheet = book["评分表"]
    column = {str(c.value).split("（")[0].removesuffix(" *"): c.column for c in sheet[3]}
    for row in range(4, sheet.max_row + 1):
        key = (str(sheet.cell(row, 1).value), str(sheet.cell(row, column["指标编码"]).value))
        for label, value in values.get(key, {}).items():
            sheet.cell(row, column[label]).value = value  # type: ignore[assignment]
    book.save(path)


def read_from_book(path: Path, unit: str, indicator: str) -> dict[str, object]:
    """What stands in one row of a review book, by heading."""
    sheet = openpyxl.load_workbook(path)["评分表"]
    labels = [str(c.value).split("（")[0].removesuffix(" *") for c in sheet[3]]
    for row in sheet.iter_rows(min_row=4, values_only=True):
        values = dict(zip(labels, row, strict=True))
        if (values["单位编码"], values["指标编码"]) == (unit, indicator):
            return values
    raise KeyError((unit, indicator))
