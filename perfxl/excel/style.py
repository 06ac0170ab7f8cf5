"""How perfxl's workbooks look: roles of cells, as xlsxwriter format properties.

Fonts are ones that every Windows with Office or WPS has.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from perfxl.layout.declare import ValueKind

BODY_FONT, HEADING_FONT = "宋体", "黑体"
INK, BLUE, PALE_BLUE, PALER_BLUE, INPUT_YELLOW, GREY = (
    "#1F1F1F",
    "#1F3864",
    "#D9E2F3",
    "#EEF3FA",
    "#FFFBE6",
    "#7F7F7F",
)
LINE = "#8EA9DB"

# Score rates, the weakest first: one hue that darkens, so that a black and white print tells them
# apart too; the weakest also in bold.
SCORE_RATE_SHADES: tuple[dict[str, Any], ...] = (
    {"bg_color": "#DDB892", "bold": True},
    {"bg_color": "#EDD9C0"},
    {"bg_color": "#F9F1E7"},
)

NUMBER_FORMATS = {
    ValueKind.SCORE: "0.0#",
    ValueKind.MONEY: "#,##0.00",
    ValueKind.NUMBER: "#,##0.##",
    ValueKind.INTEGER: "0",
    ValueKind.PERCENT: "0.0%",
    ValueKind.DATE: "yyyy-mm-dd",
    ValueKind.MOMENT: "yyyy-mm-dd hh:mm",
}
# What people type as text must stay text: "01" keeps its zero, 1-2 does not become a date.
TEXT_FORMAT = "@"
_CENTRED = frozenset(
    {
        ValueKind.SCORE,
        ValueKind.INTEGER,
        ValueKind.PERCENT,
        ValueKind.DATE,
        ValueKind.MOMENT,
        ValueKind.CHOICE,
        ValueKind.EVIDENCE_NUMBER,
    }
)


class Role(StrEnum):
    """What a cell is for; decides font, fill, border and lock."""

    TITLE = "title"
    NOTE = "note"
    HEADING = "heading"
    HEADING_REQUIRED = "heading_required"
    FIXED = "fixed"
    INPUT = "input"
    LEVEL_1 = "level_1"
    LEVEL_2 = "level_2"
    TOTAL = "total"
    LABEL = "label"
    PLAIN = "plain"
    LINK = "link"


_BASE: dict[str, Any] = {
    "font_name": BODY_FONT,
    "font_size": 10,
    "font_color": INK,
    "valign": "vcenter",
    "text_wrap": True,
}
_BOXED = {"border": 1, "border_color": LINE}
_ROLES: dict[Role, dict[str, Any]] = {
    Role.TITLE: {"font_name": HEADING_FONT, "font_size": 16, "align": "center", "text_wrap": False},
    Role.NOTE: {"font_size": 9, "font_color": GREY, "text_wrap": False},
    Role.HEADING: {
        **_BOXED,
        "font_name": HEADING_FONT,
        "bg_color": BLUE,
        "font_color": "#FFFFFF",
        "align": "center",
    },
    Role.HEADING_REQUIRED: {
        **_BOXED,
        "font_name": HEADING_FONT,
        "bg_color": BLUE,
        "font_color": "#FFE699",
        "align": "center",
    },
    Role.FIXED: {**_BOXED},
    Role.INPUT: {**_BOXED, "bg_color": INPUT_YELLOW, "locked": False},
    Role.LEVEL_1: {**_BOXED, "font_name": HEADING_FONT, "bg_color": PALE_BLUE},
    Role.LEVEL_2: {**_BOXED, "bg_color": PALER_BLUE, "bold": True},
    Role.TOTAL: {**_BOXED, "font_name": HEADING_FONT, "bg_color": PALE_BLUE, "font_size": 11},
    Role.LABEL: {**_BOXED, "font_name": HEADING_FONT, "bg_color": PALER_BLUE, "font_size": 12},
    Role.PLAIN: {},
    Role.LINK: {**_BOXED, "font_color": "#0563C1", "underline": 1},
}


def properties(role: Role, kind: ValueKind | None = None, **more: Any) -> dict[str, Any]:
    """xlsxwriter format properties for a cell of this role that holds this kind of value."""
    chosen = {**_BASE, **_ROLES[role]}
    if kind is not None:
        if kind in NUMBER_FORMATS:
            chosen["num_format"] = NUMBER_FORMATS[kind]
        elif role is Role.INPUT:
            chosen["num_format"] = TEXT_FORMAT
        if kind in _CENTRED:
            chosen.setdefault("align", "center")
        elif kind in (ValueKind.MONEY, ValueKind.NUMBER):
            chosen.setdefault("align", "right")
    return {**chosen, **more}
