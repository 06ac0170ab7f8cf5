"""Writes 考核方案.xlsx beside each 考核方案.md, its diffable source.

Run it after editing a .md file: ``python workbook_templates/build.py``.
"""

from __future__ import annotations

from pathlib import Path

from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook

ROOT = Path(__file__).resolve().parent.parent
SOURCES = (
    ROOT / "workbook_templates" / "考核方案.md",
    ROOT / "samples" / "county" / "考核方案.md",
    ROOT / "samples" / "agencies" / "考核方案.md",
)


def main() -> None:
    """Write every plan workbook anew."""
    for source in SOURCES:
        sheets = from_markdown(source.read_text(encoding="utf-8"))
        source.with_suffix(".xlsx").write_bytes(plan_workbook(sheets))
        print(source.with_suffix(".xlsx").relative_to(ROOT))


if __name__ == "__main__":
    main()
