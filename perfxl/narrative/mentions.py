"""Scores in a text: what is full marks, a score, a deduction, a stated sum; and what is neither."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from perfxl.narrative.numbers import NUMBER, number


class Kind(StrEnum):
    """What a mentioned number of points says."""

    FULL = "分值"
    SELF = "自评得分"
    GOT = "得分"
    DEDUCTED = "扣分"
    SUM = "合计"
    BARE = ""
    FOREIGN = "其他得分"


@dataclass(frozen=True)
class Mention:
    """Points at ``start``–``end`` of a text, in hundredths; ``full`` marks where it is 满分 unnamed."""

    kind: Kind
    amount: int
    start: int
    end: int
    whole: bool = False


_LINK = r"\s*(?:了|为|是|共|:|：|,|计)?\s*[:：]?\s*"
_SELF = (
    r"自我评价(?:得分|分)?|自我?评定?(?:总)?(?:得分|分数|分值|评分|打分|得|分|结果|成绩|总分)?|自查(?:得分|评分|分)?"
    r"|自打分"
)
_FULL = r"满分值?|分值|标准分值?|总分值|权重|权分|基准分|应得分|指标分"
_SUM = r"(?:共计|合计|小计|累计|总计|共)(?:自评)?(?:得分|得|计)?(?!扣)|总得分|得分合计|总分|总成绩|最终得分"
_GOT = r"实际得分|实得分?|得分|得|计分|记分|计|记|评分"
_DEDUCTED = r"(?:共计?|合计|累计)?(?:扣分|扣减|扣除|扣|失分|减分|丢分)"
_TAIL = r"分(?![之钟析别局管类项制布配级公子红摊散支行工])"
_MENTION = re.compile(
    rf"(?:(?P<deducted>{_DEDUCTED})|(?P<self>{_SELF})|(?P<full>{_FULL})|(?P<sum>{_SUM})|(?P<got>{_GOT}))?"
    rf"(?P<link>{_LINK})(?P<number>{NUMBER})\s*(?P<unit>{_TAIL}|(?=\s*[),，;；。]|\s*$))"
)
_WHOLE = re.compile(rf"(?:(?:{_SELF})?得|自评)(?:了)?满分")
_NOTHING_LOST = re.compile(r"[不未无][扣失](?:除|减)?分")
# Points of a standard, not of the office's own result.
_STANDARD = re.compile(
    r"每[^,，。；]{0,20}$|的[,，]?\s*(?:不)?$|否则[^。；]*$|最高[^。；]{0,4}$|最多[^。；]{0,4}$|不超过$|按[^。；]{0,12}标准(?!》)[^。；]*$"
    r"|评分标准(?!》)[^。；]*$|(?:应|可)$"
)
# Points that somebody gave to something else, or at another time.
_FOREIGN = re.compile(
    r"(?:评价|考核|平均|综合|抽查|复核|核定|评定|评审|测评|满意度|审定|认定|市级|省级)(?:的|平均)?$"
)
_ELSEWHEN = re.compile(
    r"上年|去年|上一年|往年|同期|(?:提高|提升|增加|上升|下降|高出?|低)(?:了)?\s*$"
)
_LIMIT = re.compile(r"\s*(?:\(?含\)?)?(?:及)?以[上下内]|\s*(?:至|到|-|—|~)\s*\d")


def mentions(text: str) -> Iterator[Mention]:
    """Every number of points in a plain text, in order; standards (每缺一项扣1分) are left out."""
    for found in sorted(
        [*_MENTION.finditer(text), *_WHOLE.finditer(text), *_NOTHING_LOST.finditer(text)],
        key=lambda one: one.start(),
    ):
        if "number" not in found.groupdict():
            whole = "满分" in found[0]
            if not _STANDARD.search(text[: found.start()]):
                yield Mention(
                    Kind.GOT if whole else Kind.DEDUCTED, 0, found.start(), found.end(), whole
                )
            continue
        one = _mention(text, found)
        if one is not None:
            yield one


def _mention(text: str, found: re.Match[str]) -> Mention | None:
    written = found["number"]
    value = number(written)
    label = next((k for k in ("self", "full", "sum", "deducted", "got") if found[k]), "")
    if value is None or value.denominator > 100 or _LIMIT.match(text, found.end()):
        return None
    opened = text[: found.start("number")].rstrip().endswith(("(", "【", "["))
    if not written[0].isdigit() and not label and not opened:
        # 十分重要, 一分为二.
        return None
    if not found["unit"] and label not in ("self", "full"):
        return None
    start = found.start() + (len(found[0]) - len(found[0].lstrip()))
    if not label:
        start = found.start("number")
    before = text[:start]
    clause = re.split(r"[,，。；;]", before)[-1]
    if label == "self" and re.search(
        "(?:绩效|项目|部门|单位|整体|支出)自评$", text[: found.start("link")]
    ):
        # 绩效自评6分 is the name of an indicator and its full marks.
        if not found["unit"]:
            return None
        label, start = "", found.start("number")
    kind = {
        "self": Kind.SELF, "full": Kind.FULL, "sum": Kind.SUM, "deducted": Kind.DEDUCTED,
        "got": Kind.GOT, "": Kind.BARE,
    }[label]  # fmt: skip
    if kind is not Kind.FULL and _STANDARD.search(before):
        return None
    if (kind in (Kind.GOT, Kind.SUM) and "分" in found[label] and _FOREIGN.search(clause)) or (
        kind is not Kind.FULL and _ELSEWHEN.search(clause)
    ):
        kind = Kind.FOREIGN
    return Mention(kind, int(value * 100), start, found.end())
