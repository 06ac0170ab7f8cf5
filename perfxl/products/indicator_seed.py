"""The library that an office begins with: common indicators, each with its source."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from perfxl.indicator_library.model import INDICATOR_COLUMNS, Change, State
from perfxl.indicator_library.versions import summary

NOTES = (
    "“指标”一张表一行一个指标，可以直接修改、排序、筛选、加列；“来源明细”“历次变动”由程序登记，请勿改动。",
    "改过以后执行 perfxl library record 登记：程序逐格比较，把新增、修改、停用记入“历次变动”，并给新行编号。",
    "不再使用的指标把“状态”改为“停用”，不要删行；编号一经使用不改、不重用。",
    "从以前年度的考核方案和别处的指标表收集：perfxl library import 文件，在生成的“待合并.xlsx”里"
    "逐条选定处理办法，再执行 perfxl library merge。程序只提示可能相同的指标，不会自己合并。",
    "自带的指标有两类来源：财预〔2013〕53号（财政部《预算绩效评价共性指标体系框架》）产出、效果部分的改写，"
    "原文以文件为准；本程序编写的示例，不是任何文件的原文。县里已有的共性指标请自行补入。",
    "一级指标分产出指标、效益指标、满意度指标，二级指标分数量、质量、时效、成本、经济效益、社会效益、生态效益、"
    "可持续影响、服务对象满意度九类；上级另有规定的按规定改。",
)


def seed_entries(records: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Records by label (as in 指标库.md) as numbered indicators in use."""
    key_of = {column.label: column.key for column in INDICATOR_COLUMNS}
    return [
        {
            **{key_of[label]: text for label, text in record.items()},
            "number": f"ZB{number:04d}",
            "state": str(State.IN_USE),
        }
        for number, record in enumerate(records, 1)
    ]


def seed_changes(
    entries: Sequence[Mapping[str, str]], on: dt.date, by: str
) -> list[dict[str, str]]:
    """Version 1: everything that a new library holds is added on the day it is made."""
    return [
        {
            "version": "1",
            "on": on.isoformat(),
            "change": str(Change.ADDED),
            "number": entry["number"],
            "name": entry["name"],
            "after": summary(entry),
            "by": by,
            "reason": "建库",
        }
        for entry in entries
    ]


def seed_sources(entries: Sequence[Mapping[str, str]], on: dt.date) -> list[dict[str, str]]:
    """Where the indicators of a new library come from."""
    return [
        {
            "number": entry["number"],
            "handling": str(Change.ADDED),
            "name": entry["name"],
            "source": entry["source"],
            "year": entry["year"],
            "file": "自带",
            "content": summary(entry),
            "taken_on": on.isoformat(),
            "key": f"自带/{entry['number']}",
        }
        for entry in entries
    ]
