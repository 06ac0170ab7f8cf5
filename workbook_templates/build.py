"""Writes the plan workbooks and the indicator library beside their diffable sources (.md), and the
blank year workbook.

Run it after editing a .md file: ``python workbook_templates/build.py``.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfxl.campaign import PLAN_FILE, read_plan_file
from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook
from perfxl.products.template import template
from perfxl.stages.indicator_library import new_library_bytes

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "workbook_templates"
COUNTY_PLAN = TEMPLATES / "县级考核方案.xlsx"
YEAR_WORKBOOK = TEMPLATES / "年度台账.xlsx"
# The county's samples lie beside a plan of their own, so that they can be checked where they are.
WORKBOOKS = {
    TEMPLATES / "考核方案.xlsx": TEMPLATES / "考核方案.md",
    COUNTY_PLAN: TEMPLATES / "县级考核方案.md",
    ROOT / "samples" / "county" / PLAN_FILE: TEMPLATES / "县级考核方案.md",
    ROOT / "samples" / "agencies" / PLAN_FILE: ROOT / "samples" / "agencies" / "考核方案.md",
}
# The day that the register of the shipped library names.
LIBRARY_MADE_ON = dt.date(2026, 11, 25)


def year_workbook(plan: bytes) -> bytes:
    """The blank workbook of a county's year; it belongs to no folder yet, so it has no stamp."""
    loaded = read_plan_file(plan, COUNTY_PLAN.name)
    return template(loaded, loaded.units[0], None)


def main() -> None:
    """Write every workbook anew."""
    for target, source in WORKBOOKS.items():
        sheets = from_markdown(source.read_text(encoding="utf-8"))
        target.write_bytes(plan_workbook(sheets))
        print(target.relative_to(ROOT))
    YEAR_WORKBOOK.write_bytes(year_workbook(COUNTY_PLAN.read_bytes()))
    print(YEAR_WORKBOOK.relative_to(ROOT))
    library = TEMPLATES / "指标库.xlsx"
    library.write_bytes(new_library_bytes(LIBRARY_MADE_ON, "perfxl"))
    print(library.relative_to(ROOT))


if __name__ == "__main__":
    main()
