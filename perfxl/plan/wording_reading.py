"""Reads the plan's sheet 文稿: the office's texts, each mistake reported at its own cell."""

from __future__ import annotations

import re
import unicodedata

from perfxl.plan.model import Relation
from perfxl.plan.names import find_name
from perfxl.plan.register_reading import RULE_BREAK, relation
from perfxl.plan.rows import PlanBook, Row
from perfxl.plan.wording import (
    COMPARABLE,
    FRAME_PARTS,
    HEADING_LEVELS,
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
from perfxl.plan.workbook import WORDING_SHEET
from perfxl.values import precise_number_of

_TEST = re.compile(r"(?P<field>[^=≠<>≤≥!]+)(?P<op>>=|<=|<>|!=|[=≠<>≤≥])(?P<right>.*)")
_EQUALITY = (Relation.EQUAL, Relation.NOT_EQUAL)
_MOST_OFFERED = 40


def read_wording(book: PlanBook) -> dict[DocumentKind, tuple[TextRow, ...]]:
    """The rows of every document, in order; a document that has rows has a title and a body."""
    found: dict[DocumentKind, list[TextRow]] = {}
    first: dict[DocumentKind, Row] = {}
    for row in book.rows(WORDING_SHEET, needed=False):
        kind = row.choice("文书", DocumentKind) if row.required("文书") else None
        part = row.choice("部分", Part) if row.required("部分") else None
        if kind is None:
            continue
        first.setdefault(kind, row)
        if part is not None:
            own = found.setdefault(kind, [])
            _check_place(row, part, own)
            own.append(_text_row(row, kind, part))
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
    body = [one.part for one in before if one.part not in FRAME_PARTS]
    if part is Part.CONTINUED and (not body or body[-1] in HEADING_LEVELS):
        row.mistake("P124", "部分", "“接上”的前面没有正文", "段落的第一句写“正文”")


def _text_row(row: Row, kind: DocumentKind, part: Part) -> TextRow:
    scope = row.text("范围")
    scopes = VOCABULARY[kind]
    if scope not in scopes:
        allowed = "、".join(filter(None, scopes)) or "（空白）"
        row.mistake("P124", "范围", f"“{kind}”没有范围“{scope}”", f"可用：{allowed}，或留空")
        scope = WHOLE
    elif scope and part in FRAME_PARTS:
        row.mistake("P124", "范围", f"“{part}”不能重复，范围应留空")
    fields = {**scopes[WHOLE], **scopes[scope]}
    return TextRow(part, scope, _tests(row, fields), _pieces(row, fields))


def _pieces(row: Row, fields: Fields) -> tuple[str, ...]:
    text = row.required("文字")
    try:
        pieces = split_text(text)
    except ValueError:
        row.mistake("P125", "文字", "花括号不成对", "内容写法如 {单位名称}，前后各一个花括号")
        return ()
    for name in pieces[1::2]:
        if name not in fields:
            row.mistake("P125", "文字", f"没有“{name}”这一项内容", _offer(fields))
    return pieces


def _tests(row: Row, fields: Fields) -> tuple[Comparison, ...]:
    parts = [part.strip() for part in RULE_BREAK.split(row.text("条件"))]
    return tuple(test for part in parts if part and (test := _test(row, part, fields)))


def _test(row: Row, part: str, fields: Fields) -> Comparison | None:
    match = _TEST.fullmatch(unicodedata.normalize("NFKC", part))
    if match is None:
        row.mistake("P126", "条件", f"看不懂条件“{part}”", "写法如 逾期报送单位数>0")
        return None
    name, right = find_name(match["field"].strip(), fields), match["right"].strip()
    if name is None:
        row.mistake("P126", "条件", f"没有“{match['field'].strip()}”这一项内容", _offer(fields))
        return None
    how = relation(match["op"])
    if fields[name] is FieldKind.DATE:
        row.mistake("P126", "条件", f"“{name}”是日期，不能作条件")
    if fields[name] in COMPARABLE:
        is_rate = fields[name] is FieldKind.RATE
        number = precise_number_of(right, "%" if is_rate else "")
        if number is None or (is_rate and not right.endswith("%")):
            wanted = "应为百分数，例如 90%" if is_rate else "应为数"
            row.mistake("P126", "条件", f"条件“{part}”的右边{wanted}", "名单与单位个数比较")
        return Comparison(name, how, number)
    if how not in _EQUALITY:
        row.mistake("P126", "条件", f"“{name}”是文字，只能用 = 或 ≠")
    return Comparison(name, how, text=right)


def _offer(fields: Fields) -> str:
    return f"可用：{'、'.join(list(fields)[:_MOST_OFFERED])}"
