"""Reads workbooks from bytes, in the worker process; knows no plan and no meaning.

Everything that goes wrong becomes ``Unreadable`` with a text that an office can act on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass

from perfxl.errors import Fault, Place, Unreadable
from perfxl.excel.package import refuse_what_is_no_workbook
from perfxl.excel.stamp import Stamp, parse_stamp
from perfxl.isolation.messages import SECONDS
from perfxl.isolation.service import kept_workers

_PARSE = "perfxl.excel.parsing:read_plain"
_PARSE_WITH_SECOND = "perfxl.excel.parsing:read_with_second_reader"
_PARSE_LOT = "perfxl.excel.parsing:read_lot"
_PARSE_SOME = "perfxl.excel.parsing:read_sheets"
# What is read together takes a tenth of this.
_LOT_SECONDS = 2.0
# For what the office itself hands in, one file at a time: plan, review books, last year's workbook.
PATIENT_SECONDS = 120.0


@dataclass(frozen=True)
class Grid:
    """A workbook's contents: rows of cell values from A1 by sheet name, and what else it carries.

    ``stamps`` are those found, the most trustworthy place first; ``formulas`` the 0-based (row,
    column) of formula cells by sheet, None where the format does not tell; ``remarks`` what the
    office should know of the file (macros, links), ``doubts`` where its parts contradict each other
    on how much it holds.
    """

    sheets: Mapping[str, Sequence[Sequence[object]]]
    stamps: tuple[Stamp, ...] = ()
    formulas: Mapping[str, Set[tuple[int, int]]] | None = None
    shape: str = "xlsx"
    remarks: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def stamp(self) -> Stamp | None:
        """The stamp from the most trustworthy place, None where there is none."""
        return self.stamps[0] if self.stamps else None


def read_workbook(data: bytes, file: str = "", *, seconds: float = SECONDS) -> Grid:
    """All visible and hidden sheets of a workbook.

    Raises Unreadable (no workbook, encrypted, damaged, too large); ``file`` only names it.
    """
    with _named(file):
        refuse_what_is_no_workbook(data)
        return _grid(kept_workers().call(_PARSE, data, seconds=seconds, second=_PARSE_WITH_SECOND))


def read_sheets(data: bytes, file: str, like: str) -> Mapping[str, Sequence[Sequence[object]]]:
    """Only the sheets whose names match a pattern, of a workbook too large to be read as a whole.

    Nothing else of the file is looked at, and nothing counted beside the reading: for a product of
    our own that the office hands in again. Raises Unreadable.
    """
    with _named(file):
        refuse_what_is_no_workbook(data)
        found = kept_workers().call(_PARSE_SOME, data, like, seconds=PATIENT_SECONDS)
        return found  # type: ignore[no-any-return]


@contextmanager
def _named(file: str) -> Iterator[None]:
    try:
        yield
    except Unreadable as error:
        place = Place(file)
        raise Unreadable(error.what, place=place, remedy=error.remedy, fault=error.fault) from error


def read_or_refusal(data: bytes, file: str) -> Grid | Unreadable:
    """As ``read_workbook``, but gives the refusal back instead of raising it."""
    try:
        return read_workbook(data, file)
    except Unreadable as error:
        return error


def read_lot(files: Sequence[tuple[bytes, str]]) -> list[Grid | Unreadable]:
    """As ``read_or_refusal`` of several small files, content and name each, in one call.

    Where that fails, each is read by itself, so that none is blamed for its neighbour.
    """
    if len(files) > 1:
        try:
            return _read_together(files)
        except Unreadable:
            pass
    return [read_or_refusal(data, name) for data, name in files]


def _read_together(files: Sequence[tuple[bytes, str]]) -> list[Grid | Unreadable]:
    lot = [data for data, _ in files]
    outcomes = kept_workers().call(_PARSE_LOT, lot, seconds=_LOT_SECONDS)
    return [
        _grid(told[1])
        if told[0] == "value"
        else Unreadable(told[1], place=Place(name), remedy=told[2], fault=Fault(told[3]))
        for told, (_, name) in zip(outcomes, files, strict=True)
    ]


def _grid(plain: tuple[object, ...]) -> Grid:
    shape, sheets, stamps, formulas, remarks, doubts = plain
    order = ("sheet", "name", "property")
    found = sorted(stamps, key=lambda one: order.index(one[0]))  # type: ignore[call-overload]
    return Grid(
        sheets,  # type: ignore[arg-type]
        tuple(stamp for _, text in found if (stamp := parse_stamp(text)) is not None),
        None
        if formulas is None
        else {name: frozenset(places) for name, places in formulas.items()},  # type: ignore[attr-defined]
        str(shape),
        tuple(remarks),  # type: ignore[arg-type]
        tuple(doubts),  # type: ignore[arg-type]
    )
