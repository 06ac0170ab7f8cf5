"""Which column of another office's table is which of ours: proposed here, confirmed by a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process

from perfxl.indicator_library.model import LABELS, NUMBER
from perfxl.layout.locate import HEADING_SEARCH_ROWS, Rows, label_key
from perfxl.values import text_of

UNWANTED = "不收此列"
# Columns that a file can fill; the first of the words is our own label.
WORDS: dict[str, tuple[str, ...]] = {
    "name": (
        *("指标名称", "三级指标", "绩效指标", "绩效指标名称", "三级指标名称", "个性指标"),
        *("共性指标", "指标", "名称"),
    ),
    "kind": ("指标类型", "指标性质", "共性或个性"),
    "use": ("指标用途",),
    "sector": (
        *("行业领域", "行业", "领域", "行业类别", "所属行业", "适用行业", "适用领域", "适用范围"),
        *("资金用途", "项目类别", "项目类型", "部门", "主管部门"),
    ),
    "level_1": ("一级指标", "指标大类", "指标一级"),
    "level_2": ("二级指标", "指标分类", "指标类别", "指标小类", "指标二级"),
    "definition": (
        *(
            "定义",
            "指标定义",
            "指标解释",
            "指标说明",
            "指标内涵",
            "内涵",
            "解释",
            "释义",
            "指标含义",
        ),
        *("指标描述", "说明", "评价要点", "考核内容"),
    ),
    "method": (
        *("计算方法", "计算公式", "指标计算公式", "计算方式", "计算办法", "取值方法", "测算方法"),
        *("评价方法", "评定方法", "考核方式", "公式"),
    ),
    "unit": ("计量单位", "度量单位", "指标单位", "单位"),
    "target": (
        *(
            "目标值",
            "指标值",
            "年度指标值",
            "绩效目标值",
            "参考值",
            "标杆值",
            "标准值",
            "参考目标值",
        ),
        *("取值", "目标"),
    ),
    "standard": ("评分标准", "评价标准", "评分办法", "评分细则", "得分标准"),
    "marks": ("参考分值", "分值", "权重", "标准分"),
    "source": ("来源", "指标来源", "出处", "依据", "文件依据", "政策依据", "设置依据"),
    "year": ("年度", "年份", "制定年度", "发布年度", "所属年度"),
    "note": ("备注",),
}
CHOICES = (*(LABELS[key] for key in WORDS), UNWANTED)
KEY_OF_LABEL = {LABELS[key]: key for key in WORDS}

_LIKE_ENOUGH = 80
_LEAST_COLUMNS = 2
# What a table of ours is recognised by.
_OWN = {label_key(LABELS[key]) for key in WORDS} | {label_key(LABELS[NUMBER]), "状态"}


@dataclass(frozen=True)
class FoundColumn:
    """A column of a found table: 0-based position, heading, what it is taken for (key or blank).

    ``sure`` says that the heading is the library's own word for it, or nothing of it is.
    """

    position: int
    heading: str
    key: str
    sure: bool


@dataclass(frozen=True)
class FoundTable:
    """A table of indicators in a sheet, as far as its headings tell."""

    sheet: str
    heading_row: int
    columns: tuple[FoundColumn, ...]

    @property
    def sure(self) -> bool:
        """Whether nobody need be asked: all headings are the library's own."""
        return all(column.sure for column in self.columns)


@lru_cache(maxsize=1)
def _keys_of_words() -> dict[str, tuple[str, int]]:
    return {
        label_key(word): (key, rank)
        for key, words in reversed(WORDS.items())
        for rank, word in reversed(list(enumerate(words)))
    }


def _meant(heading: str) -> tuple[str, int]:
    """The key that a heading stands for and the rank of the word; ``("", 0)`` for none."""
    wanted = label_key(heading)
    known = _keys_of_words()
    if wanted in known:
        return known[wanted]
    if len(wanted) < 2:
        return "", 0
    best = process.extractOne(wanted, list(known), scorer=fuzz.ratio, score_cutoff=_LIKE_ENOUGH)
    return (known[best[0]][0], len(known)) if best else ("", 0)


def find_indicator_table(sheet: str, rows: Rows) -> FoundTable | None:
    """The row of a sheet that reads most like headings of an indicator table; None for none.

    It must name the indicator and at least one more thing. Of two columns that mean the same the
    one with the more usual word is proposed.
    """
    best: FoundTable | None = None
    most = _LEAST_COLUMNS - 1
    for number, row in enumerate(rows[:HEADING_SEARCH_ROWS]):
        columns = _columns(row)
        taken = {column.key for column in columns if column.key}
        if "name" in taken and len(taken) > most:
            best, most = FoundTable(sheet, number, columns), len(taken)
    return best


def _columns(row: Sequence[object]) -> tuple[FoundColumn, ...]:
    headings = {
        position: text_of(value)
        for position, value in enumerate(row)
        if isinstance(value, str) and text_of(value)
    }
    if sum(len(heading) <= 30 for heading in headings.values()) < _LEAST_COLUMNS:
        return ()
    meant = {position: _meant(heading) for position, heading in headings.items()}
    chosen: dict[str, int] = {}
    for position, (key, rank) in meant.items():
        if key and (key not in chosen or rank < meant[chosen[key]][1]):
            chosen[key] = position
    found = []
    for position, heading in headings.items():
        key = meant[position][0]
        key = key if chosen.get(key) == position else ""
        own = label_key(heading) in _OWN
        found.append(FoundColumn(position, heading, key, own))
    return tuple(found)
