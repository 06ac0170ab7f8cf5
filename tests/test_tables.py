"""How columns of the tables are built: what is quick agrees with what pandas says."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.tables import column_of, mapped

WHOLE = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.none() | WHOLE, max_size=20))
def test_whole_numbers_and_blanks_are_as_pandas_reads_them(values: list[int | None]) -> None:
    array = pd.array([pd.NA if value is None else value for value in values], dtype="Int64")
    pd.testing.assert_series_equal(column_of(values, "Int64"), pd.Series(array))


@pytest.mark.parametrize("values", [[1.5], ["一"], [2**63]])
def test_what_is_no_whole_number_is_not_made_one(values: list[object]) -> None:
    with pytest.raises((TypeError, ValueError, OverflowError)):
        column_of(values, "Int64")


@given(st.lists(st.sampled_from(["", "a", "bb"])))
def test_a_mapped_column_keeps_its_rows(texts: list[str]) -> None:
    column = pd.Series(texts, index=range(5, 5 + len(texts)), dtype="object")
    told = mapped(column, len)
    assert list(told.index) == list(column.index)
    assert list(told) == [len(text) for text in texts]
