"""Writes 考核方案.xlsx and 指标库.xlsx beside each 考核方案.md and 指标库.md, their diffable sources.

Run it after editing a .md file: ``python workbook_templates/build.py``.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook
from perfxl.stages.library import new_library_bytes

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    ROOT / "workbook_templates" / "考核方案.md",
    ROOT / "samples" / "county" / "考核方案.md",
)
# The day that the register of the shipped library names.
LIBRARY_MADE_ON = dt.date(2026, 11, 25)


def main() -> None:
    """Write every plan workbook anew."""
    for source in SOURCES:
        sheets = from_markdown(source.read_text(encoding="utf-8"))
        source.with_suffix(".xlsx").write_bytes(plan_workbook(sheets))
        print(source.with_suffix(".xlsx").relative_to(ROOT))
    library = ROOT / "workbook_templates" / "指标库.xlsx"
    library.write_bytes(new_library_bytes(LIBRARY_MADE_ON, "perfxl"))
    print(library.relative_to(ROOT))


if __name__ == "__main__":
    main()
