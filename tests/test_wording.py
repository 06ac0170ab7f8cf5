"""Sentences from texts and facts: what is nothing is not said, and no heading stands alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.plan.model import Relation
from perfxl.plan.wording import (
    FIRST_LEVEL,
    LEAF,
    OWN_TEXTS,
    SAID,
    Comparison,
    FieldKind,
    Part,
    TextRow,
    split_text,
)
from perfxl.wording import Facts, Piece, RubricFacts, Value, compose, shown

KINDS: Mapping[str, Mapping[str, FieldKind]] = {
    "": {
        "名称": FieldKind.TEXT,
        "个数": FieldKind.COUNT,
        "名单": FieldKind.NAMES,
        "分数": FieldKind.SCORE,
    },
    "每项": {"项": FieldKind.TEXT, "率": FieldKind.RATE},
}
WHOLE: Mapping[str, Value] = {"名称": "考核", "个数": 0, "名单": [], "分数": 8633}


def row(part: Part, text: str, *tests: Comparison, scope: str = "") -> TextRow:
    return TextRow(part, scope, tests, split_text(text))


def body(
    rows: Sequence[TextRow], things: Sequence[Mapping[str, Value]] = (), **changed: Value
) -> list[tuple[Part, str]]:
    facts = Facts({**WHOLE, **changed}, {"每项": things})
    pieces: Sequence[Piece] = compose([row(Part.TITLE, "题"), *rows], KINDS, facts).body
    return [(piece.part, piece.text) for piece in pieces]


def test_what_is_nothing_is_not_said() -> None:
    rows = [
        row(Part.PARAGRAPH, "{名称}有{个数}个。"),
        row(Part.CONTINUED, "是{名单}。"),
        row(Part.CONTINUED, "得{分数}分。"),
    ]
    assert body(rows) == [(Part.PARAGRAPH, "得86.33分。")]
    told = body(rows, 个数=2, 名单=["甲", "乙"])
    assert told == [(Part.PARAGRAPH, "考核有2个。是甲、乙。得86.33分。")]


def test_a_heading_goes_with_what_it_heads() -> None:
    rows = [
        row(Part.HEADING_1, "一"),
        row(Part.HEADING_2, "空"),
        row(Part.PARAGRAPH, "{个数}个"),
        row(Part.HEADING_2, "实"),
        row(Part.PARAGRAPH, "话"),
        row(Part.HEADING_1, "二"),
        row(Part.HEADING_2, "空"),
        row(Part.PARAGRAPH, "{名单}"),
    ]
    assert body(rows) == [(Part.HEADING_1, "一"), (Part.HEADING_2, "实"), (Part.PARAGRAPH, "话")]


def test_several_things_in_one_sentence_and_one_paragraph_each() -> None:
    things = [{"项": "甲", "率": 9500}, {"项": "", "率": 1}, {"项": "乙", "率": 10000}]
    rows = [row(Part.PARAGRAPH, "有："), row(Part.CONTINUED, "{项}{率}", scope="每项")]
    assert body(rows, things) == [(Part.PARAGRAPH, "有：甲95.00%；乙100.00%。")]
    each = [row(Part.HEADING_2, "{项}", scope="每项"), row(Part.PARAGRAPH, "{率}", scope="每项")]
    assert [text for _, text in body(each, things[::2])] == ["甲", "95.00%", "乙", "100.00%"]


@pytest.mark.parametrize(
    ("field", "relation", "number", "holds"),
    [
        ("个数", Relation.EQUAL, 0, True),
        ("个数", Relation.GREATER, 0, False),
        ("分数", Relation.AT_LEAST, 8633, True),
        ("分数", Relation.LESS, 8633, False),
        ("名单", Relation.EQUAL, 0, True),
        ("名单", Relation.AT_LEAST, 100, False),
    ],
)
def test_conditions_on_numbers(field: str, relation: Relation, number: int, holds: bool) -> None:
    said = body([row(Part.PARAGRAPH, "话", Comparison(field, relation, number))])
    assert bool(said) is holds


def test_conditions_on_texts() -> None:
    blank = Comparison("名称", Relation.EQUAL, text="")
    filled = Comparison("名称", Relation.NOT_EQUAL, text="")
    rows = [row(Part.PARAGRAPH, "空", blank), row(Part.PARAGRAPH, "实", filled)]
    assert body(rows) == [(Part.PARAGRAPH, "实")]
    assert body(rows, 名称="") == [(Part.PARAGRAPH, "空")]


def test_a_score_that_is_unknown_satisfies_no_condition() -> None:
    for relation in Relation:
        test = Comparison("分数", relation, 0)
        assert body([row(Part.PARAGRAPH, "话", test)], 分数=None) == []


def test_the_first_frame_that_can_be_said_counts() -> None:
    rows = [row(Part.TITLE, "{名单}"), row(Part.TITLE, "{名称}"), row(Part.NUMBER, "{名单}")]
    made = compose(rows, KINDS, Facts(WHOLE))
    assert (made.title, made.number, made.addressees) == ("考核", "", "")


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (FieldKind.COUNT, 31, "31"),
        (FieldKind.COUNT, 0, ""),
        (FieldKind.SCORE, 0, "0.00"),
        (FieldKind.POINTS, 50, "0.5"),
        (FieldKind.POINTS, 0, "0"),
        (FieldKind.QUANTITY, 1250, "12.5"),
        (FieldKind.QUANTITY, 0, ""),
        (FieldKind.AMOUNT, 103300, "1033.00"),
        (FieldKind.AMOUNT, 0, ""),
        (FieldKind.RATE, 9591, "95.91%"),
        (FieldKind.NAMES, ["甲", "乙"], "甲、乙"),
        (FieldKind.DATE, dt.date(2024, 2, 9), "2024年2月9日"),
        (FieldKind.TEXT, None, ""),
    ],
)
def test_how_values_are_written(kind: FieldKind, value: Value, text: str) -> None:
    assert shown(kind, value) == text


RUBRIC_KINDS: Mapping[str, Mapping[str, FieldKind]] = {
    "": {"总分": FieldKind.POINTS, "空": FieldKind.NAMES},
    FIRST_LEVEL: {"指标": FieldKind.TEXT},
    LEAF: {
        "指标": FieldKind.TEXT,
        "得分": FieldKind.POINTS,
        SAID: FieldKind.COUNT,
        OWN_TEXTS: FieldKind.TEXT,
    },
}
RUBRIC = [
    RubricFacts("1", [FIRST_LEVEL], {"指标": "甲"}),
    RubricFacts("1.1", [LEAF], {"指标": "乙", "得分": 200}),
    RubricFacts("1.2", [LEAF], {"指标": "丙", "得分": 0}),
    RubricFacts("2", [FIRST_LEVEL, LEAF], {"指标": "丁", "得分": 50}),
]


def of_rubric(*rows: TextRow) -> list[tuple[Part, str]]:
    facts = Facts({"总分": 250, "空": []}, rubric=RUBRIC)
    composed = compose([row(Part.TITLE, "题"), *rows], RUBRIC_KINDS, facts)
    return [(piece.part, piece.text) for piece in composed.body]


def own(code: str, text: str, part: Part = Part.PARAGRAPH) -> TextRow:
    return TextRow(part, "", (), split_text(text), code)


def test_a_document_goes_through_the_rubric() -> None:
    told = of_rubric(
        row(Part.PARAGRAPH, "共{总分}分。"),
        row(Part.HEADING_1, "{指标}", scope=FIRST_LEVEL),
        own("1.1", "“{指标}”做了。"),
        own("1.1", "也说了。", Part.CONTINUED),
        own("1.2", "有{空}。"),
        row(Part.CONTINUED, "得{得分}分。", scope=LEAF),
        row(Part.PARAGRAPH, "完。"),
    )
    assert told == [
        (Part.PARAGRAPH, "共2.5分。"),
        (Part.HEADING_1, "甲"),
        (Part.PARAGRAPH, "“乙”做了。也说了。得2分。"),
        # What is said of the next indicator begins a paragraph, whatever was left out before it.
        (Part.PARAGRAPH, "得0分。"),
        (Part.HEADING_1, "丁"),
        (Part.PARAGRAPH, "得0.5分。"),
        (Part.PARAGRAPH, "完。"),
    ]


def test_what_nothing_is_said_of_can_be_told() -> None:
    nothing = Comparison(SAID, Relation.EQUAL, 0)
    silent = row(
        Part.PARAGRAPH, "“{指标}”没有登记。", nothing, Comparison(OWN_TEXTS, Relation.EQUAL, text="有"),
        scope=LEAF,
    )  # fmt: skip
    untold = row(
        Part.PARAGRAPH, "“{指标}”另说。", nothing, Comparison(OWN_TEXTS, Relation.EQUAL, text="无"),
        scope=LEAF,
    )  # fmt: skip
    told = of_rubric(own("1.1", "做了。"), own("1.2", "有{空}。"), silent, untold)
    assert [text for _, text in told] == ["做了。", "“丙”没有登记。", "“丁”另说。"]


def test_headings_of_the_rubric_stay_without_text() -> None:
    assert of_rubric(row(Part.HEADING_1, "{指标}", scope=FIRST_LEVEL)) == [
        (Part.HEADING_1, "甲"),
        (Part.HEADING_1, "丁"),
    ]


@given(st.text(alphabet="ab{}", max_size=8))
def test_text_is_cut_at_its_fields_or_refused(text: str) -> None:
    try:
        pieces = split_text(text)
    except ValueError:
        assert "{" in text or "}" in text
        return
    whole = "".join("{" + piece + "}" if at % 2 else piece for at, piece in enumerate(pieces))
    assert whole == text
