"""Writes workbooks: the only room that knows xlsxwriter.

Whatever comes from a person or a returned file is written as text, never as a formula, a link or
a number that xlsxwriter guesses.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format

from perfxl.excel.sheet_rows import SheetRows
from perfxl.excel.style import Role, properties
from perfxl.layout.declare import NUMERIC, Column, FilledBy, Table, ValueKind
from perfxl.layout.locate import column_letter
from perfxl.points import as_float
from perfxl.values import text_of

PAPER_A4, PAPER_A3 = 9, 8
LONGEST_TEXT = 32_767
# Excel takes 2,079 characters of a target; none of ours comes near.
LONGEST_TARGET = 1_000
TRUNCATED = "……（原文过长，全文见原件）"

# A fixed creation time keeps the bytes of a product a function of its content.
EPOCH = dt.datetime(2000, 1, 1)

_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPED = re.compile("[&<>]")
_FUNCTION = re.compile(r"[A-Z][A-Z0-9.]*(?=\()")
# What the formulas of this program consist of; any other takes xlsxwriter's long way.
_SIMPLE_FUNCTIONS = frozenset(
    {"ABS", "AND", "COUNTIF", "COUNTIFS", "EXACT", "IF", "INDEX", "ISNUMBER", "MATCH", "MAX"}
    | {"MIN", "OR", "ROUND", "ROW", "SUM", "SUMIF", "SUMIFS", "SUMPRODUCT", "AVERAGE", "AVERAGEIFS"}
)
_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"})
_NO_CHOICE_LIST_ABOVE = 255
# The body of a register is plain; its lines come with a conditional format.
_BODY: dict[str, Any] = {"border": 0, "bg_color": "#FFFFFF"}


class WorkbookWriter:
    """A workbook in the making; ``to_bytes`` closes it.

    Where it is not ``live`` the results of formulas are written in their place. ``worded`` puts
    headings and notes of ours into the plan's words, where a sheet asks for it. A ``large`` one
    is put together in files of the system's temporary folder rather than in memory. Sheets are
    written one after the other: a new one finishes those before it.
    """

    def __init__(
        self,
        *,
        title: str = "",
        author: str = "",
        live: bool = True,
        large: bool = False,
        worded: Callable[[str], str] = str,
    ) -> None:
        self.live, self.worded = live, worded
        self._buffer = io.BytesIO()
        self._book = xlsxwriter.Workbook(
            self._buffer,
            {
                "in_memory": not large,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
            },
        )
        self._book.set_properties({"title": title, "author": author, "created": EPOCH})
        self._book.set_calc_mode("auto")
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._asked: dict[tuple[Any, ...], Format] = {}
        self._texts: dict[str, int] = self._book.str_table.string_table
        self._last: SheetRows | None = None

    def sheet(self, name: str, *, charted: bool = False) -> SheetWriter:
        """Add a sheet; the ones before it are finished. ``charted``: charts show its cells."""
        if self._last is not None:
            self._last.finish_rows()
        self._last = self._book.add_worksheet(name, SheetRows)
        self._last.keeps_cells = charted
        return SheetWriter(self, self._last)

    def format(self, role: Role, kind: ValueKind | None = None, **more: Any) -> Format:
        """The (shared) format of a role and kind of value."""
        asked = (role, kind, *more.items())
        found = self._asked.get(asked)
        if found is None:
            chosen = properties(role, kind, **more)
            key = tuple(sorted(chosen.items()))
            if key not in self._formats:
                self._formats[key] = self._book.add_format(chosen)
            found = self._asked[asked] = self._formats[key]
        return found

    def string(self, text: str) -> int:
        """The number of a text among the workbook's strings; over-long text ends in a mark."""
        if text not in self._texts:
            text = _shown(text)
        return int(self._book.str_table._get_shared_string_index(text))

    def new_chart(self, kind: str) -> Any:
        """A chart (``bar``, ``column``) to be put on a sheet."""
        return self._book.add_chart({"type": kind})

    def define_name(self, name: str, formula: str) -> None:
        """A defined name for the workbook."""
        self._book.define_name(name, formula)

    def set_property(self, name: str, value: str) -> None:
        """A custom document property."""
        self._book.set_custom_property(name, value)

    def to_bytes(self) -> bytes:
        """Close the workbook and give its bytes."""
        if self._last is not None:
            self._last.finish_rows()
        self._book.close()
        return self._buffer.getvalue()


class SheetWriter:
    """One sheet; rows and columns are 0-based."""

    def __init__(self, book: WorkbookWriter, sheet: SheetRows) -> None:
        self.book, self.raw = book, sheet

    @property
    def name(self) -> str:
        """The sheet's name."""
        return str(self.raw.get_name())

    def finish_rows(self, before: int) -> None:
        """Nothing will be written any more into the rows before this one: a long sheet's writer
        says so now and then, and they take next to no room from then on."""
        self.raw.finish_rows(before)

    def text(
        self,
        row: int,
        column: int,
        value: str,
        role: Role = Role.FIXED,
        kind: ValueKind = ValueKind.TEXT,
        **more: Any,
    ) -> None:
        """Text as text, whatever it looks like; over-long text ends in a visible mark."""
        style = self.book.format(role, kind, **more)
        if self.raw.keeps_cells:
            if value == "":
                self.raw.write_blank(row, column, None, style)
            else:
                self.raw.write_string(row, column, _shown(value), style)
        elif value == "":
            self.raw.put(row, column, style, "/>")
        else:
            self.raw.put(row, column, style, f' t="s"><v>{self.book.string(value)}</v></c>')

    def number(
        self,
        row: int,
        column: int,
        value: int | None,
        role: Role = Role.FIXED,
        kind: ValueKind = ValueKind.SCORE,
        **more: Any,
    ) -> None:
        """Hundredths as a number cell; None as a blank one."""
        style = self.book.format(role, kind, **more)
        if value is None:
            if self.raw.keeps_cells:
                self.raw.write_blank(row, column, None, style)
            else:
                self.raw.put(row, column, style, "/>")
        else:
            self.float_number(row, column, as_float(value), style)

    def float_number(self, row: int, column: int, value: float, style: Format) -> None:
        """A number as it is."""
        if self.raw.keeps_cells:
            self.raw.write_number(row, column, value, style)
        else:
            self.raw.put(row, column, style, f"><v>{value:.16G}</v></c>")

    def date(
        self,
        row: int,
        column: int,
        value: dt.date | None,
        role: Role = Role.FIXED,
        kind: ValueKind = ValueKind.DATE,
    ) -> None:
        """A date (or a datetime, with kind MOMENT)."""
        style = self.book.format(role, kind)
        if value is None:
            self.raw.write_blank(row, column, None, style)
        else:
            self.raw.write_datetime(row, column, value, style)

    def typed(
        self,
        row: int,
        column: int,
        value: object,
        role: Role = Role.INPUT,
        kind: ValueKind = ValueKind.TEXT,
        **more: Any,
    ) -> None:
        """A value that a person typed elsewhere, as what it was: text, number or date."""
        style = self.book.format(role, kind, **more)
        if isinstance(value, bool) or not isinstance(value, (int, float, dt.date)):
            self.text(
                row, column, value if isinstance(value, str) else text_of(value), role, kind, **more
            )
        elif isinstance(value, (int, float)):
            self.float_number(row, column, value, style)
        else:
            self.raw.write_datetime(row, column, value, style)

    def formula(
        self,
        row: int,
        column: int,
        formula: str,
        role: Role = Role.FIXED,
        kind: ValueKind = ValueKind.SCORE,
        cached: float | str = 0,
        **more: Any,
    ) -> None:
        """A live formula of ours with the value that perfxl computed as its cached result."""
        style = self.book.format(role, kind, **more)
        if self.book.live:
            if self.raw.keeps_cells or not _is_simple(formula):
                self.raw.write_formula(row, column, formula, style, cached)
            else:
                self.raw.put(row, column, style, _formula_content(formula, cached))
        elif isinstance(cached, str):
            self.raw.write_string(row, column, _shown(cached), style)
        else:
            self.float_number(row, column, cached, style)

    def link(self, row: int, column: int, target: str, text: str) -> None:
        """Text with a link of ours (``internal:`` or ``external:``) under it.

        A target that Excel would not take (control characters, over-long) leaves the text alone.
        """
        self.text(row, column, text, Role.LINK)
        if target.isprintable() and len(target) <= LONGEST_TARGET:
            style = self.book.format(Role.LINK)
            self.raw.write_url(row, column, target, style, _shown(text)[:LONGEST_TARGET])

    def title(self, text: str, note: str, last_column: int, row: int = 0) -> None:
        """A title over the whole width, and a note under it."""
        self.merged(row, last_column, text, Role.TITLE)
        self.raw.set_row(row, 30)
        if note:
            self.merged(row + 1, last_column, note, Role.NOTE)
            self.raw.set_row(row + 1, 18)

    def merged(self, row: int, last_column: int, text: str, role: Role, **more: Any) -> None:
        """Text of ours over a whole row of the table's width."""
        style = self.book.format(role, **more)
        if last_column == 0:
            self.raw.write_string(row, 0, text, style)
        else:
            self.raw.merge_range(row, 0, row, last_column, text, style)

    def headings(self, row: int, columns: Sequence[Column], *, height: float = 30) -> None:
        """The heading row of a table, with column widths; what must be filled in stands out."""
        for index, column in enumerate(columns):
            must = column.required and column.filled_by is FilledBy.RECIPIENT
            role = Role.HEADING_REQUIRED if must else Role.HEADING
            self.text(row, index, column.heading + (" *" if must else ""), role)
            self.raw.set_column(index, index, column.width)
        self.raw.set_row(row, height)

    def register_body(
        self,
        first_row: int,
        table: Table,
        filled_rows: int = 0,
        suggestions: Mapping[str, str] | None = None,
    ) -> None:
        """The empty body of a register: unlocked, formatted, validated and bordered, without a
        single blank cell written (formatted blanks nearly double a return's reading time).

        ``suggestions`` are the ranges of the drop-downs that take other values too, by column key.
        """
        last_row = first_row + max(table.blank_rows, filled_rows) - 1
        for index, column in enumerate(table.columns):
            body = self.book.format(Role.INPUT, _body_kind(column), **_BODY)
            self.raw.set_column(index, index, column.width, body)
            offered = (suggestions or {}).get(column.key, "")
            self.validate(first_row, last_row, index, column, suggestions=offered)
        lined = self.book.format(Role.PLAIN, border=1, border_color="#8EA9DB")
        self.raw.conditional_format(
            first_row,
            0,
            last_row,
            len(table.columns) - 1,
            {"type": "formula", "criteria": "=TRUE", "format": lined},
        )

    def register_cell(
        self, row: int, index: int, column: Column, value: object, **more: Any
    ) -> None:
        """One filled cell in the body of a register; a blank one is not written."""
        if value != "":
            self.typed(row, index, value, Role.INPUT, _body_kind(column), **{**_BODY, **more})

    def validate(
        self,
        first_row: int,
        last_row: int,
        index: int,
        column: Column,
        *,
        suggestions: str | list[str] = "",
    ) -> None:
        """Drop-down, value check and input message that the column's declaration asks for.

        ``suggestions`` (values, or a formula for a range) make a drop-down that takes other values
        after a question.
        """
        options: dict[str, Any] = {
            "input_title": column.label[:32],
            "input_message": _input_message(column)[:255],
            "error_title": "请检查填写内容",
            "error_message": _error_message(column)[:255],
        }
        if suggestions:
            options |= {"validate": "list", "source": suggestions, "error_type": "warning"}
        elif column.kind is ValueKind.CHOICE:
            if len(",".join(column.choices)) <= _NO_CHOICE_LIST_ABOVE:
                options |= {"validate": "list", "source": list(column.choices)}
            else:
                options |= {"validate": "any"}
        elif column.kind is ValueKind.INTEGER:
            options |= {"validate": "integer", "criteria": ">=", "value": 0}
        elif column.kind in NUMERIC:
            options |= {"validate": "decimal", "criteria": ">=", "value": 0}
        elif column.kind is ValueKind.DATE:
            options |= {
                "validate": "date",
                "criteria": "between",
                "minimum": dt.date(1990, 1, 1),
                "maximum": dt.date(2100, 12, 31),
            }
        else:
            options |= {"validate": "any"}
        if options["validate"] == "any":
            options.pop("error_title")
            options.pop("error_message")
        if not options["input_message"]:
            options.pop("input_title")
            options.pop("input_message")
            if options["validate"] == "any":
                return
        self.raw.data_validation(first_row, index, last_row, index, options)

    def validate_score(
        self, row: int, column: int, *, full_marks_cell: str, step: int, message: str
    ) -> None:
        """A score cell accepts 0 to the full marks of its row, in whole steps."""
        cell = f"{column_letter(column)}{row + 1}"
        unit = as_float(step)
        self.raw.data_validation(
            row,
            column,
            row,
            column,
            {
                "validate": "custom",
                "value": f"=AND(ISNUMBER({cell}),{cell}>=0,{cell}<={full_marks_cell},OR("
                f"{cell}={full_marks_cell},ABS({cell}/{unit}-ROUND({cell}/{unit},0))<0.000001))",
                "input_title": "得分",
                "input_message": message[:255],
                "error_title": "得分不合要求",
                "error_message": message[:255],
            },
        )

    def print_setup(
        self,
        *,
        landscape: bool,
        last_column: int,
        repeat_rows: tuple[int, int] | None = None,
        paper: int = PAPER_A4,
        header: str = "",
        last_row: int | None = None,
    ) -> None:
        """One page wide, as many tall as needed, headings repeated, page numbers at the foot."""
        if landscape:
            self.raw.set_landscape()
        self.raw.set_paper(paper)
        self.raw.set_margins(left=0.5, right=0.5, top=0.65, bottom=0.65)
        self.raw.fit_to_pages(1, 0)
        self.raw.center_horizontally()
        if repeat_rows:
            self.raw.repeat_rows(*repeat_rows)
        if last_row is not None:
            self.raw.print_area(0, 0, last_row, last_column)
        if header:
            self.raw.set_header("&R&9 " + header.replace("&", "&&"))
        self.raw.set_footer("&C&9第 &P 页，共 &N 页")

    def signatures(self, row: int, labels: Sequence[str], last_column: int) -> None:
        """Signature lines at the foot, spread over the width."""
        share = max(1, (last_column + 1) // max(1, len(labels)))
        style = self.book.format(Role.PLAIN, font_size=11, text_wrap=False, valign="bottom")
        self.raw.set_row(row, 34)
        for index, label in enumerate(labels):
            self.raw.write_string(row, index * share, label, style)

    def protect(self, **allowed: bool) -> None:
        """Lock all but the input cells; no password, so that the office can always lift it."""
        self.raw.protect(
            "",
            {
                "format_columns": True,
                "format_rows": True,
                "select_locked_cells": True,
                "select_unlocked_cells": True,
                **allowed,
            },
        )

    def hide(self) -> None:
        """Hide the sheet so that only a program shows it again."""
        self.raw.very_hidden()


def _body_kind(column: Column) -> ValueKind:
    return ValueKind.TEXT if column.kind is ValueKind.CHOICE else column.kind


def _is_simple(formula: str) -> bool:
    """Whether a formula calls only functions that xlsxwriter writes as they stand."""
    return _SIMPLE_FUNCTIONS.issuperset(_FUNCTION.findall(formula))


def _formula_content(formula: str, cached: float | str) -> str:
    kind = ""
    result = cached
    if isinstance(cached, str):
        result = _escaped(cached)
        if cached:
            kind = ' t="e"' if cached in _ERRORS else ' t="str"'
    return f"{kind}><f>{_escaped(formula.removeprefix('='))}</f><v>{result}</v></c>"


def _escaped(text: str) -> str:
    if _ESCAPED.search(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text


def _shown(text: str) -> str:
    if _SURROGATES.search(text):
        text = _SURROGATES.sub("\ufffd", text)
    if 2 * len(text) > LONGEST_TEXT:
        # Excel counts UTF-16 units, of which a rare character takes two.
        units = text.encode("utf-16-le")
        if len(units) > 2 * LONGEST_TEXT:
            kept = units[: 2 * (LONGEST_TEXT - len(TRUNCATED))]
            text = kept.decode("utf-16-le", "ignore") + TRUNCATED
    return text


def _input_message(column: Column) -> str:
    parts = [column.help]
    if column.kind is ValueKind.CHOICE:
        joined = "、".join(column.choices)
        parts.append(f"从下拉列表中选择：{joined}" if len(joined) < 120 else "从下拉列表中选择")
    elif column.kind is ValueKind.MONEY:
        parts.append(f"单位：{column.unit or '万元'}，保留两位小数")
    elif column.kind is ValueKind.DATE:
        parts.append("日期，例如 2023-06-30")
    elif column.kind is ValueKind.DOCUMENT_NUMBER:
        parts.append("例如 石财绩〔2023〕5号；没有文号的留空")
    return "；".join(dict.fromkeys(part for part in parts if part))


def _error_message(column: Column) -> str:
    match column.kind:
        case ValueKind.CHOICE:
            return f"请从下拉列表中选择：{'、'.join(column.choices)}"
        case ValueKind.DATE:
            return "请填写日期，例如 2023-06-30"
        case ValueKind.INTEGER:
            return "请填写不小于 0 的整数"
    return "请填写不小于 0 的数，不带单位"
