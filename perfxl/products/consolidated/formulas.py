"""Pieces of live formulas that several sheets share. All rows and columns are 0-based.

Only functions that every Excel since 2007 and WPS have; comparisons are of whole hundredths or of
one division of two of them, which is the same double wherever two such fractions are equal.
"""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.layout.locate import column_letter


def span(column: int, first: int, last: int) -> str:
    """``$M$5:$M$26``: the cells of one column, on the same sheet."""
    letter = column_letter(column)
    return f"${letter}${first + 1}:${letter}${last + 1}"


def own(column: int, row: int) -> str:
    """``$M5``."""
    return f"${column_letter(column)}{row + 1}"


def place_in_order(columns: Sequence[int], first: int, last: int, row: int) -> str:
    """A 1-based place that no two rows share: larger keys first, equal ones as they stand.

    ``columns`` hold the numeric keys, the most telling first.
    """
    better = ""
    equal = equal_so_far = ""
    for column in columns:
        keys, key = span(column, first, last), own(column, row)
        better += f"+{equal}({keys}>{key})"
        equal += f"({keys}={key})*"
        equal_so_far += f"({span(column, first, row)}={key})*"
    return f"=SUMPRODUCT({better[1:]}+0)+SUMPRODUCT({equal_so_far}1)"


def quoted(text: str) -> str:
    """A text as formulas write it."""
    return '"' + text.replace('"', '""') + '"'
