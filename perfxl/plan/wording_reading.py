"""Reads the plan's sheet 文稿: the office's texts, each mistake reported at its own cell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from perfxl.plan.drawn import Drawn, DrawnReading, RegisterPart, is_drawn
from perfxl.plan.model import DataItem, Register, Relation, Rubric
from perfxl.plan.names import find_name
from perfxl.plan.register_reading import RULE_BREAK, relation
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.wording import (
    COMPARABLE,
    DRAWING,
    FRAME_PARTS,
    HEADING_LEVELS,
    INDICATOR_SCOPES,
    LEAF,
    VOCABULARY,
    WHOLE,
    Comparison,
    DocumentKind,
    FieldKind,
    Fields,
    Part,
    TextRow,
    split_text,
)
from perfxl.plan.workbook import RUBRIC_PREFIX, WORDING_SHEET
from perfxl.values import precise_number_of, squeeze

_OPERATOR = re.compile(r">=|<=|<>|!=|[=≠<>≤≥]")
_OPENING, _CLOSING = "[［", "]］"
_EQUALITY = (Relation.EQUAL, Relation.NOT_EQUAL)
_MOST_OFFERED = 40


def read_wording(
    book: PlanBook,
    registers: tuple[Register, ...] = (),
    items: tuple[DataItem, ...] = (),
    rubrics: Iterable[Rubric] = (),
) -> dict[DocumentKind, tuple[TextRow, ...]]:
    """The rows of every document, in order; a document that has rows has a title and a body."""
    found: dict[DocumentKind, list[TextRow]] = {}
    first: dict[DocumentKind, Row] = {}
    drawing = DrawnReading(book, registers, items)
    # A rubric with a mistake may lack codes that are right.
    is_doubtful = any(one.place.sheet.startswith(RUBRIC_PREFIX) for one in book.mistakes)
    known = () if is_doubtful else tuple(rubrics)
    codes = {squeeze(row.code): row.code for one in known for row in one.rows}
    for row in book.rows(WORDING_SHEET, needed=False):
        kind = row.choice("文书", DocumentKind) if row.required("文书") else None
        part = row.choice("部分", Part) if row.required("部分") else None
        if kind is None:
            continue
        first.setdefault(kind, row)
        if part is not None:
            own = found.setdefault(kind, [])
            _check_place(row, part, own)
            own.append(_TextReading(row, kind, part, drawing, codes).text_row())
    for kind, row in first.items():
        parts = {one.part for one in found.get(kind, ())}
        for needed in (Part.TITLE, Part.PARAGRAPH):
            if needed not in parts:
                row.mistake("P124", "文书", f"“{kind}”缺少“{needed}”", "每份文稿都要有标题和正文")
    return {kind: tuple(rows) for kind, rows in found.items()}


def _check_place(row: Row, part: Part, before: list[TextRow]) -> None:
    """Report a part that stands where its document cannot have it."""
    if part in FRAME_PARTS and any(one.part is part and not one.tests for one in before):
        row.mistake("P124", "部分", f"“{part}”已经有了", "每份文稿一处；不同情形的，前一处写条件")
    # What is said below an indicator may follow on what was said there before it.
    body = [one.part for one in before if one.part not in FRAME_PARTS and not one.is_of_rubric]
    is_of_rubric = row.text("指标") or row.text("范围") in INDICATOR_SCOPES
    if part is Part.CONTINUED and not is_of_rubric and (not body or body[-1] in HEADING_LEVELS):
        row.mistake("P124", "部分", "“接上”的前面没有正文", "段落的第一句写“正文”")


class _TextReading:
    """One row of the sheet, with what it draws from registers."""

    def __init__(
        self,
        row: Row,
        kind: DocumentKind,
        part: Part,
        drawing: DrawnReading,
        codes: Mapping[str, str],
    ) -> None:
        self._row, self._kind, self._part = row, kind, part
        self._drawing = drawing if kind in DRAWING else None
        self._codes = codes
        self._drawn: dict[str, Drawn] = {}
        self._each: tuple[RegisterPart, Fields] | None = None

    def text_row(self) -> TextRow:
        """The row; mistakes go to its cells."""
        indicator = self._indicator()
        scope, fields = self._scope(indicator)
        tests, pieces = self._tests(fields), self._pieces(fields)
        return TextRow(self._part, scope, tests, pieces, indicator, dict(self._drawn), self._each)

    def _indicator(self) -> str:
        row, typed = self._row, self._row.text("指标")
        if not typed:
            return ""
        if self._drawing is None or self._part in FRAME_PARTS:
            what = f"“{self._kind}”的“{self._part}”不写在指标之下，“指标”应留空"
            row.mistake("P142", "指标", what)
            return ""
        code = self._codes.get(squeeze(typed))
        if code is None and self._codes:
            row.mistake("P142", "指标", f"指标体系中没有编码“{typed}”", "请填指标体系表中的编码")
        # One that is not known still says that the row is about an indicator.
        return code or typed

    def _scope(self, indicator: str) -> tuple[str, Fields]:
        """The scope, and every field that may be used in it."""
        row, scope = self._row, self._row.text("范围")
        scopes = VOCABULARY[self._kind]
        above = {**scopes[WHOLE], **(scopes[LEAF] if indicator else {})}
        if scope in scopes:
            if scope and self._part in FRAME_PARTS:
                row.mistake("P124", "范围", f"“{self._part}”不能重复，范围应留空")
            if scope in INDICATOR_SCOPES and indicator:
                what = f"已写在指标 {indicator} 之下，不能又是“{scope}”"
                row.mistake("P143", "范围", what, "“指标”和这种范围只填一处")
            return scope, {**above, **scopes[scope]}
        if self._drawing is not None and self._part not in FRAME_PARTS:
            self._each = self._drawing.scope(row, scope)
            if self._each is not None:
                return scope, {**above, **self._each[1]}
        allowed = "、".join(filter(None, scopes)) or "（空白）"
        more = "，每条+登记表（例如 每条信息公开）" if self._drawing is not None else ""
        what = f"“{self._kind}”没有范围“{scope}”"
        row.mistake("P124", "范围", what, f"可用：{allowed}{more}，或留空")
        return WHOLE, above

    def _pieces(self, fields: Fields) -> tuple[str, ...]:
        text = self._row.required("文字")
        try:
            pieces = split_text(text)
        except ValueError:
            self._row.mistake(
                "P125", "文字", "花括号不成对", "内容写法如 {单位名称}，前后各一个花括号"
            )
            return ()
        for name in pieces[1::2]:
            if name not in fields and self._draw("文字", name) is None:
                self._unknown("P125", "文字", name, fields)
        return pieces

    def _draw(self, label: str, name: str) -> Drawn | None:
        """A field that comes from a register; kept, and None where it is not one."""
        if name not in self._drawn and self._drawing is not None:
            drawn = self._drawing.field(self._row, label, name)
            if drawn is not None:
                self._drawn[name] = drawn
        return self._drawn.get(name)

    def _unknown(self, code: str, label: str, name: str, fields: Fields) -> None:
        """Report a name that is no field; one of a register's form was reported already."""
        if self._drawing is not None and is_drawn(name):
            return
        more = "，或 登记表.个数 这样的写法" if self._drawing is not None else ""
        offered = f"可用：{'、'.join(list(fields)[:_MOST_OFFERED])}{more}"
        self._row.mistake(code, label, f"没有“{name}”这一项内容", offered)

    def _tests(self, fields: Fields) -> tuple[Comparison, ...]:
        parts = [part.strip() for part in _split_outside(self._row.text("条件"))]
        return tuple(test for part in parts if part and (test := self._test(part, fields)))

    def _test(self, part: str, fields: Fields) -> Comparison | None:
        row = self._row
        left, operator, right = _divided(unicodedata.normalize("NFKC", part))
        if not operator or not left:
            row.mistake("P126", "条件", f"看不懂条件“{part}”", "写法如 逾期报送单位数>0")
            return None
        name = find_name(left, fields)
        kind = None if name is None else fields[name]
        if name is None and (drawn := self._draw("条件", left)) is not None:
            name, kind = left, drawn.kind
        if name is None or kind is None:
            self._unknown("P126", "条件", left, fields)
            return None
        how = relation(operator)
        if kind is FieldKind.DATE:
            row.mistake("P126", "条件", f"“{name}”是日期，不能作条件")
        if kind in COMPARABLE:
            is_rate = kind is FieldKind.RATE
            number = precise_number_of(right, "%" if is_rate else "")
            if number is None or (is_rate and not right.endswith("%")):
                wanted = "应为百分数，例如 90%" if is_rate else "应为数"
                row.mistake("P126", "条件", f"条件“{part}”的右边{wanted}", "名单与单位个数比较")
            return Comparison(name, how, number)
        if how not in _EQUALITY:
            row.mistake("P126", "条件", f"“{name}”是文字，只能用 = 或 ≠")
        return Comparison(name, how, text=right)


def _depths(text: str) -> Iterable[tuple[int, bool]]:
    """Every place of a text, and whether it stands outside square brackets."""
    depth = 0
    for at, char in enumerate(text):
        depth += char in _OPENING
        yield at, depth == 0
        depth -= char in _CLOSING and depth > 0


def _split_outside(text: str) -> list[str]:
    """A list of conditions cut at its semicolons, but for those of a register's filter."""
    parts, start = [], 0
    for at, outside in _depths(text):
        if outside and RULE_BREAK.match(text[at]):
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]


def _divided(text: str) -> tuple[str, str, str]:
    """Left, relation and right of a condition; no relation where there is none."""
    for at, outside in _depths(text):
        found = _OPERATOR.match(text, at) if outside else None
        if found:
            return text[:at].strip(), found[0], text[found.end() :].strip()
    return "", "", ""
