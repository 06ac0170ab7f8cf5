"""What the office's texts (文稿) may speak of: documents, their parts, scopes and fields.

A document is written from the rows of the plan's sheet 文稿: each row is a heading, a paragraph or
the next sentences of one, with ``{fields}`` that perfxl fills in, a condition under which it is
said, and a scope where it is said once for each of several things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from perfxl.plan.model import Relation

if TYPE_CHECKING:
    from perfxl.plan.drawn import Drawn, RegisterPart


class DocumentKind(StrEnum):
    """The documents whose text the plan holds (文书)."""

    CIRCULAR = "通报"
    REPORT = "政府报告"
    PUBLIC = "公开稿"
    FEEDBACK = "反馈意见"
    CLOSING = "整改总结"
    APPLICATION = "结果应用"
    SELF_ASSESSMENT = "自评报告"
    BRIEF = "工作简报"


class Part(StrEnum):
    """What a row of text is in its document (部分)."""

    TITLE = "标题"
    NUMBER = "文号"
    ADDRESSEES = "主送"
    COPIES = "抄送"
    HEADING_1 = "一级标题"
    HEADING_2 = "二级标题"
    HEADING_3 = "三级标题"
    PARAGRAPH = "正文"
    CONTINUED = "接上"


HEADING_LEVELS = {Part.HEADING_1: 1, Part.HEADING_2: 2, Part.HEADING_3: 3}
# Parts that a document has once, outside its body.
FRAME_PARTS = (Part.TITLE, Part.NUMBER, Part.ADDRESSEES, Part.COPIES)


class FieldKind(StrEnum):
    """What a field holds; a count, quantity or amount of 0, no names, a blank text are "nothing".

    Totals, means and money have two decimals; points and quantities as many as they need.
    """

    TEXT = "文字"
    COUNT = "个数"
    NAMES = "名单"
    SCORE = "分数"
    POINTS = "分值"
    QUANTITY = "数量"
    AMOUNT = "金额"
    RATE = "百分率"
    DATE = "日期"


COMPARABLE = frozenset(FieldKind) - {FieldKind.TEXT, FieldKind.DATE}

Fields = Mapping[str, FieldKind]
# The scope of what is said once.
WHOLE = ""
KIND, STRONG, WEAK, COMMON = "每类单位", "每项较好指标", "每项薄弱指标", "每类问题"
DEDUCTION, PROBLEM, GRADE = "每个扣分项", "每条问题", "每个等级"
EMPTY_REGISTER = "每张空白登记表"
# What is said of every row of the rubric that is of this depth, and of every indicator (leaf).
FIRST_LEVEL, SECOND_LEVEL, LEAF = "每个一级指标", "每个二级指标", "每个末级指标"
INDICATOR_SCOPES = (FIRST_LEVEL, SECOND_LEVEL, LEAF)
# How many pieces the office's texts for one indicator gave; the composer counts them.
SAID = "说明句数"
# 有 or 无: whether the office's texts say anything of this indicator alone, if there is cause.
OWN_TEXTS = "专门文字"

_CAMPAIGN: Fields = {
    "考核名称": FieldKind.TEXT,
    "考核年度": FieldKind.TEXT,
    "考核依据": FieldKind.TEXT,
    "发文机关": FieldKind.TEXT,
    "发文字号": FieldKind.TEXT,
    "印发日期": FieldKind.DATE,
    "报送截止日期": FieldKind.DATE,
    "整改期限": FieldKind.DATE,
    "主送机关": FieldKind.TEXT,
    "抄送机关": FieldKind.TEXT,
    "联系人": FieldKind.TEXT,
    "联系电话": FieldKind.TEXT,
}
_RESULTS: Fields = {
    **_CAMPAIGN,
    "暂定项数": FieldKind.COUNT,
    "单位总数": FieldKind.COUNT,
    "单位类别数": FieldKind.COUNT,
    "单位构成": FieldKind.TEXT,
    "报送单位数": FieldKind.COUNT,
    "按时报送单位数": FieldKind.COUNT,
    "逾期报送单位数": FieldKind.COUNT,
    "未报送单位数": FieldKind.COUNT,
    "逾期报送单位": FieldKind.NAMES,
    "未报送单位": FieldKind.NAMES,
    "评分股室数": FieldKind.COUNT,
    "表扬单位": FieldKind.NAMES,
    "最低等级": FieldKind.TEXT,
    "最低等级单位": FieldKind.NAMES,
    "较好指标数": FieldKind.COUNT,
    "薄弱指标数": FieldKind.COUNT,
    "问题类数": FieldKind.COUNT,
}
_OF_KIND: Fields = {
    "类别": FieldKind.TEXT,
    "单位数": FieldKind.COUNT,
    "参加排名数": FieldKind.COUNT,
    "未报送数": FieldKind.COUNT,
    "平均分": FieldKind.SCORE,
    "最高分": FieldKind.SCORE,
    "最低分": FieldKind.SCORE,
    "等级分布": FieldKind.TEXT,
    "前列单位": FieldKind.NAMES,
}
_OF_INDICATOR: Fields = {
    "类别": FieldKind.TEXT,
    "指标": FieldKind.TEXT,
    "得分率": FieldKind.RATE,
    "评分单位数": FieldKind.COUNT,
    "扣分单位数": FieldKind.COUNT,
}
_OF_COMMON: Fields = {
    "问题": FieldKind.TEXT,
    "单位数": FieldKind.COUNT,
    "次数": FieldKind.COUNT,
    "举例": FieldKind.TEXT,
}
_RESULT_SCOPES: Mapping[str, Fields] = {
    WHOLE: _RESULTS,
    KIND: _OF_KIND,
    STRONG: _OF_INDICATOR,
    WEAK: _OF_INDICATOR,
    COMMON: _OF_COMMON,
}
_FEEDBACK: Fields = {
    **_CAMPAIGN,
    "单位名称": FieldKind.TEXT,
    "单位类别": FieldKind.TEXT,
    "报送情况": FieldKind.TEXT,
    "满分": FieldKind.POINTS,
    "总分": FieldKind.SCORE,
    "自评总分": FieldKind.SCORE,
    "等级": FieldKind.TEXT,
    "名次": FieldKind.COUNT,
    "参加排名数": FieldKind.COUNT,
    "同类平均分": FieldKind.SCORE,
    "高于平均": FieldKind.SCORE,
    "低于平均": FieldKind.SCORE,
    "暂定项数": FieldKind.COUNT,
    "不适用项数": FieldKind.COUNT,
    "扣分项数": FieldKind.COUNT,
    "问题数": FieldKind.COUNT,
}
_OF_DEDUCTION: Fields = {
    "编码": FieldKind.TEXT,
    "指标": FieldKind.TEXT,
    "分值": FieldKind.POINTS,
    "得分": FieldKind.POINTS,
    "扣分": FieldKind.POINTS,
    "扣分原因": FieldKind.TEXT,
}
_OF_PROBLEM: Fields = {
    "编号": FieldKind.TEXT,
    "问题": FieldKind.TEXT,
    "来源": FieldKind.TEXT,
}
_CLOSING: Fields = {
    **_CAMPAIGN,
    "统计日期": FieldKind.DATE,
    "单位总数": FieldKind.COUNT,
    "有问题单位数": FieldKind.COUNT,
    "问题总数": FieldKind.COUNT,
    "已确认数": FieldKind.COUNT,
    "待确认数": FieldKind.COUNT,
    "退回数": FieldKind.COUNT,
    "未完成数": FieldKind.COUNT,
    "逾期数": FieldKind.COUNT,
    "完成率": FieldKind.RATE,
    "全部完成单位数": FieldKind.COUNT,
    "逾期单位数": FieldKind.COUNT,
    "逾期单位": FieldKind.NAMES,
}
_APPLICATION: Fields = {
    **_CAMPAIGN,
    "单位总数": FieldKind.COUNT,
    "压减单位数": FieldKind.COUNT,
    "压减金额": FieldKind.SCORE,
    "无金额压减单位": FieldKind.NAMES,
    "金额有误项目数": FieldKind.COUNT,
    "问责单位数": FieldKind.COUNT,
    "问责单位": FieldKind.NAMES,
}
_OF_GRADE: Fields = {
    "等级": FieldKind.TEXT,
    "单位数": FieldKind.COUNT,
    "单位": FieldKind.NAMES,
    "办法": FieldKind.TEXT,
    "压减金额": FieldKind.SCORE,
}

_SELF_ASSESSMENT: Fields = {
    **_CAMPAIGN,
    "单位名称": FieldKind.TEXT,
    "满分": FieldKind.POINTS,
    "总分": FieldKind.POINTS,
    "折算得分": FieldKind.SCORE,
    "得分率": FieldKind.RATE,
    "失分": FieldKind.QUANTITY,
    "一级指标数": FieldKind.COUNT,
    "末级指标数": FieldKind.COUNT,
    "满分项数": FieldKind.COUNT,
    "扣分项数": FieldKind.COUNT,
    "计算项数": FieldKind.COUNT,
    "自评项数": FieldKind.COUNT,
    "未自评项数": FieldKind.COUNT,
    "不适用项数": FieldKind.COUNT,
    "登记表数": FieldKind.COUNT,
    "空白登记表数": FieldKind.COUNT,
    "空白登记表": FieldKind.NAMES,
}
_OF_RUBRIC_ROW: Fields = {
    "编码": FieldKind.TEXT,
    "指标": FieldKind.TEXT,
    "级次": FieldKind.COUNT,
    "分值": FieldKind.POINTS,
    "得分": FieldKind.POINTS,
    "扣分": FieldKind.QUANTITY,
    "适用": FieldKind.TEXT,
}
_OF_LEAF: Fields = {
    **_OF_RUBRIC_ROW,
    "自评": FieldKind.TEXT,
    "自评依据": FieldKind.TEXT,
    "扣分原因": FieldKind.TEXT,
    "计算过程": FieldKind.TEXT,
    SAID: FieldKind.COUNT,
    OWN_TEXTS: FieldKind.TEXT,
}
_BRIEF: Fields = {
    **_CAMPAIGN,
    "月份": FieldKind.TEXT,
    "月末": FieldKind.DATE,
    "事项数": FieldKind.COUNT,
    "单位总数": FieldKind.COUNT,
    "下发份数": FieldKind.COUNT,
    "下发单位数": FieldKind.COUNT,
    "收到单位数": FieldKind.COUNT,
    "按时报送单位数": FieldKind.COUNT,
    "逾期报送单位数": FieldKind.COUNT,
    "逾期报送单位": FieldKind.NAMES,
    "重报份数": FieldKind.COUNT,
    "月末已报单位数": FieldKind.COUNT,
    "月末未报单位数": FieldKind.COUNT,
    "催报单位数": FieldKind.COUNT,
    "催报次数": FieldKind.COUNT,
    "退回单位数": FieldKind.COUNT,
    "退回份数": FieldKind.COUNT,
    "抽取项目数": FieldKind.COUNT,
    "核查项目数": FieldKind.COUNT,
    "抽查问题数": FieldKind.COUNT,
    "核定项数": FieldKind.COUNT,
    "核定单位数": FieldKind.COUNT,
    "评分股室数": FieldKind.COUNT,
    "改动项数": FieldKind.COUNT,
    "月末核定项数": FieldKind.COUNT,
    "应核定项数": FieldKind.COUNT,
    "复核申请数": FieldKind.COUNT,
    "复核答复数": FieldKind.COUNT,
    "通报起草次数": FieldKind.COUNT,
    "通报发送单位数": FieldKind.COUNT,
    "反馈单位数": FieldKind.COUNT,
    "反馈问题数": FieldKind.COUNT,
    "撤销问题数": FieldKind.COUNT,
    "整改报告数": FieldKind.COUNT,
    "确认问题数": FieldKind.COUNT,
    "退回问题数": FieldKind.COUNT,
    "月末未销号数": FieldKind.COUNT,
    "月末逾期问题数": FieldKind.COUNT,
}

VOCABULARY: Mapping[DocumentKind, Mapping[str, Fields]] = {
    DocumentKind.CIRCULAR: _RESULT_SCOPES,
    DocumentKind.REPORT: _RESULT_SCOPES,
    DocumentKind.PUBLIC: _RESULT_SCOPES,
    DocumentKind.FEEDBACK: {WHOLE: _FEEDBACK, DEDUCTION: _OF_DEDUCTION, PROBLEM: _OF_PROBLEM},
    DocumentKind.CLOSING: {WHOLE: _CLOSING},
    DocumentKind.APPLICATION: {WHOLE: _APPLICATION, GRADE: _OF_GRADE},
    DocumentKind.SELF_ASSESSMENT: {
        WHOLE: _SELF_ASSESSMENT,
        FIRST_LEVEL: _OF_RUBRIC_ROW,
        SECOND_LEVEL: _OF_RUBRIC_ROW,
        LEAF: _OF_LEAF,
        DEDUCTION: {**_OF_DEDUCTION, "缺项": FieldKind.TEXT},
        EMPTY_REGISTER: {"登记表": FieldKind.TEXT},
    },
    DocumentKind.BRIEF: {WHOLE: _BRIEF},
}
# Documents that may draw on the registers of one unit, and speak of its indicators one by one.
DRAWING = frozenset({DocumentKind.SELF_ASSESSMENT})
SCOPES = tuple(dict.fromkeys(scope for scopes in VOCABULARY.values() for scope in scopes if scope))


@dataclass(frozen=True)
class Comparison:
    """One condition on a field: against a number of hundredths, or against a text."""

    field: str
    relation: Relation
    number: int | None = None
    text: str = ""


@dataclass(frozen=True)
class TextRow:
    """One row of the sheet 文稿: ``pieces`` alternate plain text and names of fields.

    ``indicator`` is the code of the row of the rubric below which it stands. ``drawn`` are the
    fields that come from registers, ``each`` the rows of a register for each of which it is said,
    with their fields.
    """

    part: Part
    scope: str
    tests: tuple[Comparison, ...]
    pieces: tuple[str, ...]
    indicator: str = ""
    drawn: Mapping[str, Drawn] = field(default_factory=dict)
    each: tuple[RegisterPart, Fields] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that the text uses, in order."""
        return self.pieces[1::2]

    @property
    def is_of_rubric(self) -> bool:
        """Whether it is said where the document goes through the rubric."""
        return bool(self.indicator) or self.scope in INDICATOR_SCOPES


def kinds_of(kind: DocumentKind, rows: Sequence[TextRow]) -> dict[str, Fields]:
    """The fields by scope that a document's rows may use: its vocabulary, and what they draw."""
    drawn = {name: one.kind for row in rows for name, one in row.drawn.items()}
    each = {row.scope: row.each[1] for row in rows if row.each is not None}
    fixed = VOCABULARY[kind]
    return {**each, **fixed, WHOLE: {**drawn, **fixed[WHOLE]}}


_FIELD = re.compile(r"\{([^{}]*)\}")
_BRACES = str.maketrans("｛｝", "{}")


def split_text(text: str) -> tuple[str, ...]:
    """Text cut at its ``{fields}``: plain, field, plain, …; raises ValueError at a stray brace."""
    # Chinese keyboards give full-width braces.
    pieces = _FIELD.split(text.translate(_BRACES))
    for plain in pieces[::2]:
        if "{" in plain or "}" in plain:
            raise ValueError(plain)
    return tuple(piece.strip() if at % 2 else piece for at, piece in enumerate(pieces))
