"""Evidence (佐证材料): what a return registers, and which of it each indicator cites."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from perfxl import tables
from perfxl.layout.declare import ValueKind
from perfxl.plan.model import Plan
from perfxl.tables import RegisterRows, frame
from perfxl.values import document_number_of, squeeze

_NUMBER_BREAK = re.compile(r"[、,，;；/\s]+")
_RANGE = re.compile(r"(\d+)[-~—–至](\d+)")
_LONGEST_RANGE = 50


def registered_evidence(plan: Plan, registers: Mapping[str, RegisterRows]) -> pd.DataFrame:
    """The rows of the evidence register by what its columns mean (``tables.EVIDENCE``)."""
    register = plan.evidence_register
    if register is None:
        return frame({}, tables.EVIDENCE)
    values, texts = registers[register.name].values, registers[register.name].texts
    blank = [""] * len(values)

    def column(kind: ValueKind, source: pd.DataFrame = values) -> Sequence[object]:
        label = register.of_kind(kind)
        return blank if label is None else list(source[label])

    first_text = register.of_kind(ValueKind.TEXT)
    return frame(
        {
            **{name: list(values[name]) for name in ("receipt", "unit", "sheet", "row")},
            "number": column(ValueKind.EVIDENCE_NUMBER),
            "title": blank if first_text is None else list(values[first_text]),
            "document_number": column(ValueKind.DOCUMENT_NUMBER),
            "document_number_text": column(ValueKind.DOCUMENT_NUMBER, texts),
            "url": column(ValueKind.URL),
        },
        tables.EVIDENCE,
    )


def cited_numbers(text: str, registered: Mapping[str, int]) -> list[str]:
    """The evidence numbers that a cell names: ``1、3`` → 1, 3; ``2-4`` → 2, 3, 4."""
    numbers: list[str] = []
    for part in _NUMBER_BREAK.split(text):
        token = squeeze(part)
        match = _RANGE.fullmatch(token) if token and token not in registered else None
        if match:
            low, high = int(match[1]), int(match[2])
            if low <= high <= low + _LONGEST_RANGE:
                numbers += [str(number) for number in range(low, high + 1)]
                continue
        if token:
            numbers.append(token)
    return list(dict.fromkeys(numbers))


def citations(entries: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """One row per evidence number that an entry names, matched to the evidence register."""
    registered: dict[str, dict[str, int]] = {}
    for index, (receipt, number, document) in enumerate(
        zip(evidence["receipt"], evidence["number"], evidence["document_number"], strict=True)
    ):
        for name in (squeeze(number), document, squeeze(document)):
            if name:
                registered.setdefault(receipt, {}).setdefault(name, index)
    rows, urls = evidence["row"].to_list(), evidence["url"].to_list()
    found: list[tuple[object, ...]] = []
    names = ("evidence_numbers", "receipt", "unit", "sheet", "row", "indicator")
    for text, *entry in zip(*(entries[name].to_list() for name in names), strict=True):
        if not text:
            continue
        known = registered.get(entry[0], {})
        for number in cited_numbers(text, known):
            match = known.get(number)
            if match is None:
                match = known.get(document_number_of(number))
            met = (None, "") if match is None else (rows[match], urls[match])
            found.append((*entry, number, *met))
    columns = zip(*found, strict=True) if found else [()] * len(tables.CITATIONS)
    return frame(dict(zip(tables.CITATIONS, columns, strict=True)), tables.CITATIONS)
