"""A plan as Markdown text: one heading and one pipe table per sheet, so that it diffs well.

The text is both what ``perfxl plan`` prints and a source from which a plan workbook is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Records = Sequence[Mapping[str, str]]

_CELL_BREAK = re.compile(r"(?<!\\)\|")


def to_markdown(sheets: Mapping[str, tuple[Sequence[str], Records]]) -> str:
    """Sheets (name → labels and rows) as text; rows are one line each, cells are not padded."""
    parts = []
    for name, (labels, records) in sheets.items():
        lines = [f"## {name}", "", _line(labels), _line(["---"] * len(labels))]
        lines += [_line([record.get(label, "") for label in labels]) for record in records]
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"


def from_markdown(text: str) -> dict[str, list[dict[str, str]]]:
    """Read such text back: sheet name → rows of label → text. Text outside tables is passed over.

    Raises ValueError for a row that has not as many cells as its heading.
    """
    sheets: dict[str, list[dict[str, str]]] = {}
    rows: list[dict[str, str]] = []
    labels: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("## "):
            rows, labels = [], []
            sheets[line[3:].strip()] = rows
        elif line.startswith("|"):
            cells = [_unescape(cell) for cell in _CELL_BREAK.split(line.strip())[1:-1]]
            if not labels:
                labels = cells
            elif set("".join(cells)) <= {"-", ":"} and "".join(cells):
                continue
            elif len(cells) != len(labels):
                raise ValueError(f"line {number}: {len(cells)} cells under {len(labels)} labels")
            else:
                rows.append(dict(zip(labels, cells, strict=True)))
    return sheets


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


def _unescape(cell: str) -> str:
    text = cell.strip().replace("<br>", "\n")
    return text.replace("\\|", "|").replace("\\\\", "\\")
