"""Write, then ingest: what comes back is exactly what was put in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_returns import KEY, stamp_for

from perfxl.excel.reader import read_workbook
from perfxl.intake.assembly import extract
from perfxl.intake.content import Content, typed_content
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify
from perfxl.intake.registers import NONE_GIVEN, SUM_ROWS
from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.plan.model import Plan
from perfxl.products.template import template
from perfxl.tables import ReturnTables, StampState
from perfxl.values import date_of, document_number_of, squeeze, text_of

UNIT = "101"
# Kept small: what matters is every kind of value in every kind of place.
CODES = ("1.1.1", "6.2", "9.2")
# What a cell of Excel holds, in UTF-16 units.
LONGEST = 32_767

AWKWARD = (
    "=HYPERLINK(\"http://example.com\",\"点这里\")", "+cmd|' /C calc'!A0", "@SUM(A1)", "-1+2", "=",
    "'01", "01", "1e5", "1E400", "TRUE", "NA", "#N/A", "2023-1-5", "1/2", "95%", "0x1F", "nan",
    "_x000D_", "_x005F_", "a_x000d_b", "_x0041_", "]]>", "<b>&amp;</b>", "\"'`", "&#10;",
    "  前后有空格  ", "\u3000全角空格\u3000", "第一行\n第二行\n", "\t制表符\t", "\u00a0", "𠮷野家", "e\u0301",
    "\u202e反向", "\ufeff头", "\u200b零宽", "👨‍👩‍👧", "perfxl1|SL2023|return|0|102|0000000000000000",
    "单位名称", "NULL", "None", "{=A1}", "[bold red]", "{placeholder}", "%s", "\\n", "C:\\报送\\a.xlsx",
)  # fmt: skip


def fitting(text: str) -> str:
    """As much of a text as a cell holds."""
    return text.encode("utf-16-le")[: 2 * LONGEST].decode("utf-16-le", "ignore")


CHARACTERS = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
TEXTS = st.one_of(
    st.sampled_from(AWKWARD),
    st.text(CHARACTERS | st.just("\n"), max_size=30),
    st.builds(lambda part, times: fitting(part * times), st.text(CHARACTERS, min_size=1, max_size=9),
              st.integers(1, 9_000)),
)  # fmt: skip
# Exact hundredths, up to what a budget can come to.
NUMBERS = st.integers(-(10**13), 10**13).map(lambda hundredths: hundredths / 100)
DATES = st.dates(dt.date(1900, 3, 1), dt.date(9999, 12, 31))


def values_of(column: Column) -> st.SearchStrategy[object]:
    """What a person may have put into a column: what it asks for, text, or nothing."""
    kinds: list[st.SearchStrategy[object]] = [st.just(""), TEXTS]
    if column.kind in NUMERIC:
        kinds += [NUMBERS, NUMBERS]
    elif column.kind is ValueKind.DATE:
        kinds += [DATES, DATES]
    elif column.choices:
        kinds += [st.sampled_from(column.choices)] * 2
    return st.one_of(kinds)


@st.composite
def contents(draw: st.DrawFn, plan: Plan) -> Content:
    """What a unit typed."""
    entries = {
        code: {
            "self_score": draw(st.just("") | NUMBERS | TEXTS),
            "basis": draw(TEXTS),
            "evidence_numbers": draw(TEXTS),
            "deduction_reason": draw(TEXTS),
        }
        for code in CODES
    }
    items = {
        item.name: {"value": draw(st.just("") | NUMBERS | TEXTS)}
        for item in plan.reported_items(plan.unit_by_code[UNIT].kind)
    }
    registers = {}
    for register in plan.registers:
        row = st.fixed_dictionaries(
            {one.column.key: values_of(one.column) for one in register.columns}
        )
        registers[register.name] = draw(st.lists(row, max_size=2))
    # On the cover a value is what stands right of a label: a label itself or spaces are none.
    texts = TEXTS.filter(lambda text: text == "" or text.strip() not in ("", "单位名称"))
    cover = {
        "preparer": draw(texts), "phone": draw(texts), "approver": draw(texts),
        "prepared_on": draw(st.just("") | DATES | texts),
    }  # fmt: skip
    return Content(cover, entries, items, registers)


def is_sum(row: Mapping[str, object]) -> bool:
    """Whether a register's row is passed over as one of totals."""
    return any(squeeze(text_of(value)) in SUM_ROWS for value in row.values())


def written(plan: Plan, content: Content) -> bytes:
    return template(plan, plan.unit_by_code[UNIT], stamp_for(plan, UNIT), content)


def read_back(plan: Plan, data: bytes) -> tuple[ReturnTables, Content]:
    unit, grid = plan.unit_by_code[UNIT], read_workbook(data)
    identity = identify(plan, grid, "x.xlsx", KEY)
    assert (identity.unit, identity.stamp) == (unit, StampState.GENUINE)
    tables = extract(plan, [Return("r", "x.xlsx", unit, identity, grid)])
    return tables, typed_content(plan, unit, grid)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_is_written_comes_back(plan: Plan, data: st.DataObject) -> None:
    content = data.draw(contents(plan))
    tables, typed = read_back(plan, written(plan, content))

    for key in ("preparer", "phone"):
        assert equal(tables.returns[key][0], text_of(content.cover[key]))

    entries = tables.entries.set_index("indicator")
    for code, cells in content.entries.items():
        for key in ("basis", "evidence_numbers", "deduction_reason"):
            assert equal(entries.loc[code, key], text_of(cells[key]))
        score = cells["self_score"]
        assert equal(entries.loc[code, "self_score_text"], text_of(score))
        if isinstance(score, float):
            assert entries.loc[code, "self_score"] == in_hundredths(score)
    reported = tables.data_items.set_index("item")
    for item, cells in content.items.items():
        assert equal(reported.loc[item, "value_text"], text_of(cells["value"]))
        if isinstance(cells["value"], float):
            assert reported.loc[item, "value"] == in_hundredths(cells["value"])
    for register in plan.registers:
        columns = [declared.column for declared in register.columns]
        rows = [row for row in content.registers[register.name] if not is_sum(row)]
        rows = [row for row in rows if any(shown(one, row[one.key]) for one in columns)]
        found = tables.registers[register.name]
        assert len(found.values) == len(rows)
        for number, row in enumerate(rows):
            for column in columns:
                value = row[column.key]
                assert equal(found.texts[column.key][number], shown(column, value))
                compare_value(column, value, found.values[column.key][number])

    # The values themselves, to be carried into a fresh workbook: nothing trimmed or converted.
    assert same(typed.cover, content.cover)
    assert all(same(typed.entries[code], cells) for code, cells in content.entries.items())
    assert all(same(typed.items[item], cells) for item, cells in content.items.items())
    for name, typed_rows in content.registers.items():
        kept = [row for row in typed_rows if any(text_of(value) for value in row.values())]
        found_rows = typed.registers.get(name, [])
        assert len(found_rows) == len(kept)
        assert all(same(one, row) for one, row in zip(found_rows, kept, strict=True))


def in_hundredths(number: float) -> int:
    return round(number * 100)


def shown(column: Column, value: object) -> str:
    """The original that is kept of a register's cell: trimmed; 无 in a document number is none."""
    text = text_of(value)
    optional = column.kind in (ValueKind.DOCUMENT_NUMBER, ValueKind.URL)
    return "" if optional and text in NONE_GIVEN else text


def compare_value(column: Column, put_in: object, found: object) -> None:
    """What was put in as a value of the column's kind is that value; text stays text."""
    if column.kind in NUMERIC:
        if isinstance(put_in, float):
            assert found == in_hundredths(put_in)
    elif column.kind is ValueKind.DATE:
        if isinstance(put_in, dt.date):
            assert isinstance(found, pd.Timestamp) and found.date() == put_in
    elif column.kind is ValueKind.DOCUMENT_NUMBER:
        assert equal(found, document_number_of(shown(column, put_in)))
    else:
        assert equal(found, shown(column, put_in))


def equal(found: object, put_in: object) -> bool:
    """Whether two values are equal; to be asserted instead, where a difference would take pytest
    minutes to draw."""
    return found == put_in


def same(found: Mapping[str, object], put_in: Mapping[str, object]) -> bool:
    """Whether cells are those that were put in; a date cell may come back with a time of 0:00."""
    return set(found) == set(put_in) and all(
        date_of(found[key]) == value if isinstance(value, dt.date) else found[key] == value
        for key, value in put_in.items()
    )


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_second_round_changes_nothing(plan: Plan, data: st.DataObject) -> None:
    """Content read from a workbook and written into a fresh one reads the same again."""
    first, typed = read_back(plan, written(plan, data.draw(contents(plan))))
    second, again = read_back(plan, written(plan, typed))
    assert equal(again, typed)
    # Rows close up where one held nothing but spaces.
    for name in ("returns", "entries", "subtotals", "evidence", "citations", "data_items"):
        left, right = (
            getattr(one, name).drop(columns=["row", "evidence_row"], errors="ignore")
            for one in (first, second)
        )
        pd.testing.assert_frame_equal(left, right)


@pytest.mark.parametrize("character", ["长", "𠮷"])
def test_a_text_that_excel_cannot_hold_ends_in_a_mark(plan: Plan, character: str) -> None:
    content = Content(entries={"6.2": {"basis": character * 32_768}})
    tables, _ = read_back(plan, written(plan, content))
    basis = tables.entries.set_index("indicator").loc["6.2", "basis"]
    assert basis.endswith(f"{character}……（原文过长，全文见原件）")
    assert LONGEST - 1 <= len(basis.encode("utf-16-le")) // 2 <= LONGEST
