"""Colours marked cells by conditional formats that are always true.

The cells and their own formats stay as they are, and the next round removes exactly what an
earlier one added: the rules are known by their formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from perfxl.excel.markup.schema import WORKSHEET, element, main, put

COLOURS = {"错误": ("FFFFC7CE", "FFC00000"), "核实": ("FFFFEB9C", "FFBF8F00")}
OTHERWISE = ("FFDDEBF7", "FF2E75B6")
_FORMULA = '"perfxl"="perfxl"'


def look(severity: str) -> str:
    """The differential format of a severity: a fill, and a line that also shows in print."""
    fill, line = COLOURS.get(severity, OTHERWISE)
    sides = "".join(
        f'<{side} style="thin"><color rgb="{line}"/></{side}>'
        for side in ("left", "right", "top", "bottom")
    )
    return (
        f'<dxf><fill><patternFill patternType="solid"><fgColor rgb="{fill}"/>'
        f'<bgColor rgb="{fill}"/></patternFill></fill><border>{sides}</border></dxf>'
    )


def remove_fills(sheet: Any) -> bool:
    """Remove the colours of an earlier round; whether there were any."""
    ours = [
        rule
        for rule in sheet.iterfind(f"{main('conditionalFormatting')}/{main('cfRule')}")
        if (rule.findtext(main("formula")) or "").replace(" ", "") == _FORMULA
    ]
    for rule in ours:
        owner = rule.getparent()
        owner.remove(rule)
        if owner.find(main("cfRule")) is None:
            sheet.remove(owner)
    return bool(ours)


def fill(sheet: Any, areas: Mapping[int, Sequence[str]]) -> None:
    """Colour areas (``B3`` or ``B3:C4``), given by the index of their differential format."""
    if not areas:
        return
    _make_room(sheet, len(areas))
    for priority, (index, names) in reversed(list(enumerate(areas.items(), 1))):
        formatting = element(
            f'<conditionalFormatting sqref="{" ".join(names)}">'
            f'<cfRule type="expression" dxfId="{index}" priority="{priority}">'
            f"<formula>{_FORMULA}</formula></cfRule></conditionalFormatting>"
        )
        put(sheet, formatting, WORKSHEET)


def _make_room(sheet: Any, wanted: int) -> None:
    """Let the sheet's own rules follow ours in priority; once there is room they stay."""
    # The rules of extensions share the same scale.
    rules = [rule for rule in sheet.iter("{*}cfRule") if rule.get("priority", "").isdecimal()]
    is_pivot = any(node.get("pivot") for node in sheet.iterfind(main("conditionalFormatting")))
    # A pivot table names its rules by their priority.
    if is_pivot or min((int(rule.get("priority")) for rule in rules), default=99) > wanted:
        return
    for rule in rules:
        rule.set("priority", str(int(rule.get("priority")) + wanted))
