"""Every formula of a workbook: what perfxl wrote as its value, and what LibreOffice makes of it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

NEAR = 1e-9
Place = tuple[str, str]


def cached_values(book: bytes) -> Mapping[Place, Any]:
    """The cached value of every formula cell, by sheet and cell; blank ones as ``""``."""
    formulas = openpyxl.load_workbook(io.BytesIO(book))
    values = openpyxl.load_workbook(io.BytesIO(book), data_only=True)
    found: dict[Place, Any] = {}
    for sheet in formulas.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "f":
                    value = values[sheet.title][cell.coordinate].value
                    found[sheet.title, cell.coordinate] = "" if value is None else value
    return found


def recalculated(
    office: Any,
    path: Path,
    places: Sequence[Place],
    type_in: Sequence[tuple[str, str, object]] = (),
) -> Mapping[Place, Any]:
    """What LibreOffice computes for these cells, after something was typed in."""
    sheets = office(path, read=sorted({sheet for sheet, _ in places}), type_in=type_in)
    found = {}
    for sheet, cell in places:
        row, column = openpyxl.utils.cell.coordinate_to_tuple(cell)
        found[sheet, cell] = sheets[sheet][row - 1][column - 1]
    return found


def differences(wanted: Mapping[Place, Any], got: Mapping[Place, Any]) -> list[str]:
    """Where two sets of values differ."""
    return [
        f"{place[0]}!{place[1]}: {value!r}, got {got[place]!r}"
        for place, value in wanted.items()
        if (isinstance(value, str) and value != got[place])
        or (not isinstance(value, str) and got[place] != pytest.approx(value, abs=NEAR, rel=NEAR))
    ]
