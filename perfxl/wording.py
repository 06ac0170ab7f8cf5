"""Sentences from the plan's texts (文稿) and a campaign's facts.

A row is left out where its condition does not hold or where something it speaks of is nothing: a
count of 0, no names, a blank text. A heading that nothing follows is left out with it, so that no
document says "0 个单位" or has an empty section.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from perfxl.plan.model import Relation
from perfxl.plan.wording import (
    FRAME_PARTS,
    HEADING_LEVELS,
    INDICATOR_SCOPES,
    LEAF,
    OWN_TEXTS,
    SAID,
    Comparison,
    FieldKind,
    Part,
    TextRow,
)
from perfxl.points import HUNDREDTHS, as_text

Value = str | int | Sequence[str] | dt.date | None
_NOTHING_AT_0 = frozenset({FieldKind.COUNT, FieldKind.QUANTITY, FieldKind.AMOUNT})
_ENDINGS = tuple("。！？；：，、…")


@dataclass(frozen=True)
class RubricFacts:
    """One row of the rubric: the scopes that speak of it (每个一级指标 …), and what is known of it."""

    code: str
    scopes: Collection[str]
    values: Mapping[str, Value]


@dataclass(frozen=True)
class Facts:
    """What a document may say: a value for every field of its vocabulary, by scope.

    Counts are whole numbers; scores and money hundredths, rates hundredths of a percent.
    """

    whole: Mapping[str, Value]
    scopes: Mapping[str, Sequence[Mapping[str, Value]]] = field(default_factory=dict)
    rubric: Sequence[RubricFacts] = ()


@dataclass(frozen=True)
class Piece:
    """A heading or a paragraph of the finished text; a heading may stand without text below it."""

    part: Part
    text: str
    stands_alone: bool = False


@dataclass(frozen=True)
class Composed:
    """A document's text: what stands once around it, and its body."""

    title: str
    number: str
    addressees: str
    copies: str
    body: tuple[Piece, ...]


def compose(
    rows: Sequence[TextRow], kinds: Mapping[str, Mapping[str, FieldKind]], facts: Facts
) -> Composed:
    """The text of one document; ``kinds`` is its vocabulary (``VOCABULARY[document]``)."""
    composer = _Composer(kinds, facts)
    frame = {part: composer.once(rows, part) for part in FRAME_PARTS}
    body = list(composer.body(rows))
    return Composed(
        frame[Part.TITLE],
        frame[Part.NUMBER],
        frame[Part.ADDRESSEES],
        frame[Part.COPIES],
        tuple(_without_bare_headings(_joined(body))),
    )


def shown(kind: FieldKind, value: Value) -> str:
    """A value as documents write it; blank where it is nothing."""
    if value is None or value == "" or (kind in _NOTHING_AT_0 and value == 0):
        return ""
    if isinstance(value, dt.date):
        return f"{value.year}年{value.month}月{value.day}日"
    if isinstance(value, int):
        return {
            FieldKind.SCORE: as_text(value, 2),
            FieldKind.AMOUNT: as_text(value, 2),
            FieldKind.POINTS: as_text(value),
            FieldKind.QUANTITY: as_text(value),
            FieldKind.RATE: as_text(value, 2) + "%",
        }.get(kind, str(value))
    return value if isinstance(value, str) else "、".join(value)


def _blocks(rows: Sequence[TextRow]) -> Iterator[list[TextRow]]:
    """Neighbouring rows of one scope belong together and are repeated together."""
    for scope, group in groupby(rows, key=lambda row: row.scope):
        block = list(group)
        if scope:
            yield block
        else:
            yield from ([row] for row in block)


class _Composer:
    def __init__(self, kinds: Mapping[str, Mapping[str, FieldKind]], facts: Facts) -> None:
        self._kinds, self._facts = kinds, facts

    def once(self, rows: Sequence[TextRow], part: Part) -> str:
        """The first row of this part that can be said."""
        said = (self._said(row, self._facts.whole) for row in rows if row.part is part)
        return next(filter(None, said), "")

    def body(self, rows: Sequence[TextRow]) -> Iterator[Piece]:
        """The pieces of the body; where it goes through the rubric, of every row of that in turn."""
        body = [row for row in rows if row.part not in FRAME_PARTS]
        for is_of_rubric, group in groupby(body, key=lambda row: row.is_of_rubric):
            if is_of_rubric:
                yield from self._rubric(list(group))
            else:
                for block in _blocks(list(group)):
                    yield from self._block(block, self._facts.whole)

    def _rubric(self, rows: Sequence[TextRow]) -> Iterator[Piece]:
        """For every row of the rubric what is said of all its level, and of it alone."""
        for one in self._facts.rubric:
            own = [row for row in rows if row.indicator == one.code]
            whole = {**self._facts.whole, **one.values, SAID: 0, OWN_TEXTS: "有" if own else "无"}
            pieces = [piece for block in _blocks(own) for piece in self._block(block, whole)]
            whole[SAID] = len(pieces)
            own = [
                row
                for row in rows
                if (row.indicator == one.code if row.indicator else row.scope in one.scopes)
            ]
            pieces = [piece for block in _blocks(own) for piece in self._block(block, whole)]
            yield from _apart(pieces)

    def _block(self, block: Sequence[TextRow], whole: Mapping[str, Value]) -> Iterator[Piece]:
        """The pieces of a block, once for each thing of its scope."""
        scope = block[0].scope
        once = not scope or scope in INDICATOR_SCOPES
        things = ({},) if once else self._facts.scopes.get(scope, ())
        if not once and all(row.part is Part.CONTINUED for row in block):
            yield from self._run_on(block, things, whole)
            return
        for thing in things:
            values = {**whole, **thing}
            for row in block:
                text = self._said(row, values)
                if text:
                    yield Piece(row.part, text)

    def _run_on(
        self,
        block: Sequence[TextRow],
        things: Sequence[Mapping[str, Value]],
        whole: Mapping[str, Value],
    ) -> Iterator[Piece]:
        """One sentence over several things: a semicolon between them, a full stop at the end."""
        texts = ["".join(self._said(row, {**whole, **thing}) for row in block) for thing in things]
        texts = [text for text in texts if text]
        for number, text in enumerate(texts, 1):
            closing = "；" if number < len(texts) else "。"
            yield Piece(Part.CONTINUED, text if text.endswith(_ENDINGS) else text + closing)

    def _said(self, row: TextRow, values: Mapping[str, Value]) -> str:
        """The row's text; blank where it is not to be said."""
        below = self._kinds[LEAF] if row.indicator else {}
        kinds = {**self._kinds[""], **below, **self._kinds[row.scope]}
        if not all(_holds(test, kinds[test.field], values[test.field]) for test in row.tests):
            return ""
        pieces = [
            shown(kinds[piece], values[piece]) if number % 2 else piece
            for number, piece in enumerate(row.pieces)
        ]
        return "" if not all(pieces[1::2]) else "".join(pieces)


def _holds(test: Comparison, kind: FieldKind, value: Value) -> bool:
    if test.number is None:
        same = shown(kind, value) == test.text
        return same if test.relation is Relation.EQUAL else not same
    if value is None:
        return False
    if isinstance(value, int):
        number = value * HUNDREDTHS if kind is FieldKind.COUNT else value
    else:
        assert not isinstance(value, dt.date)
        number = len(value) * HUNDREDTHS
    return bool(test.relation.holds(number, test.number))


def _apart(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """What is said of one row of the rubric: in paragraphs of its own, and its heading stays."""
    is_first = True
    for piece in pieces:
        if piece.part in HEADING_LEVELS:
            yield Piece(piece.part, piece.text, stands_alone=True)
            continue
        part = Part.PARAGRAPH if is_first else piece.part
        yield Piece(part, piece.text)
        is_first = False


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Sentences that go on with the paragraph before them, joined to it."""
    joined: list[Piece] = []
    for piece in pieces:
        if piece.part is not Part.CONTINUED:
            joined.append(piece)
        elif joined and joined[-1].part is Part.PARAGRAPH:
            joined[-1] = Piece(Part.PARAGRAPH, joined[-1].text + piece.text)
        else:
            # The paragraph's first sentence was not said.
            joined.append(Piece(Part.PARAGRAPH, piece.text))
    return joined


def _without_bare_headings(pieces: Sequence[Piece]) -> Iterator[Piece]:
    for at, piece in enumerate(pieces):
        level = HEADING_LEVELS.get(piece.part)
        if level is None or piece.stands_alone:
            yield piece
            continue
        for following in pieces[at + 1 :]:
            below = HEADING_LEVELS.get(following.part)
            if below is None:
                yield piece
                break
            if below <= level:
                break
