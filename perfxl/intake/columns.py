"""Rows collected column by column: many returns become one table without a frame for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter

from perfxl.tables import Schema

Columns = dict[str, Sequence[object]]


def columns_of(schema: Schema, rows: Iterable[Mapping[str, object]]) -> Columns:
    """Rows as columns of the schema; a column that a row leaves out is None there."""
    held = list(rows)
    return {name: [row.get(name) for row in held] for name in schema}


def joined(parts: Iterable[Mapping[str, Sequence[object]]], names: Iterable[str]) -> Columns:
    """Parts with the same columns, one under the other."""
    held = list(parts)
    return {name: list(chain.from_iterable(map(itemgetter(name), held))) for name in names}
