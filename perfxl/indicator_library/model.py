"""What the library workbook (指标库.xlsx) holds: its sheets, columns, and one indicator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from perfxl.layout.declare import Column, SheetLayout, Table, ValueKind

LIBRARY_FILE = "指标库.xlsx"
MERGE_FILE, COLUMNS_FILE = "待合并.xlsx", "列对应.xlsx"
INDICATORS, SOURCES, CHANGES, NOTES = "指标", "来源明细", "历次变动", "说明"
RECORDED = "上次登记"


class Kind(StrEnum):
    """共性: for any project; 个性: of one sector."""

    COMMON = "共性"
    SPECIFIC = "个性"


class Use(StrEnum):
    """What an indicator measures: one project, a whole department, or the work of managing."""

    PROJECT = "项目绩效"
    DEPARTMENT = "整体绩效"
    MANAGEMENT = "管理考核"


class State(StrEnum):
    """Whether an indicator may still be chosen; nothing is ever deleted."""

    IN_USE = "在用"
    RETIRED = "停用"


# 财预〔2015〕88号 and later forms: the levels of a project's performance targets.
LEVELS = {
    "产出指标": ("数量指标", "质量指标", "时效指标", "成本指标"),
    "效益指标": ("经济效益指标", "社会效益指标", "生态效益指标", "可持续影响指标"),
    "满意度指标": ("服务对象满意度指标",),
}

NUMBER = "number"
_KIND = ValueKind.CHOICE


def _column(
    key: str, label: str, width: float, help_text: str = "", *, optional: bool = True
) -> Column:
    return Column(key, label, width=width, help=help_text, optional=optional)


INDICATOR_COLUMNS = (
    _column(
        NUMBER, "指标编号", 10, "新增的行可留空，登记时自动编号；编号不改、不重用", optional=False
    ),
    _column("name", "指标名称", 26, optional=False),
    Column("kind", "指标类型", _KIND, 9, choices=tuple(Kind), help="共性：各类项目通用"),
    Column("use", "指标用途", _KIND, 10, choices=tuple(Use), help="管理考核：考核部门工作用的指标"),
    _column("sector", "行业领域", 14, "例如 教育、农业农村；共性指标写 通用", optional=True),
    _column("level_1", "一级指标", 12),
    _column("level_2", "二级指标", 16),
    _column("definition", "定义", 34, "反映什么、考核什么"),
    _column("method", "计算方法", 34, "公式或评定办法，注明数据来源"),
    _column("unit", "计量单位", 9),
    _column("target", "目标值", 12, "例如 ≥95%；各项目不同的留空"),
    _column("standard", "评分标准", 30),
    _column("marks", "参考分值", 9, "来源中的分值，供参考"),
    _column("source", "来源", 30, "文件、县市或方案；几个来源用分号分开"),
    _column("year", "年度", 10, "来源的年度；几个年度用顿号分开"),
    Column("state", "状态", _KIND, 8, choices=tuple(State), help="不再使用的选“停用”，不要删行"),
    _column("note", "备注", 20),
)
INDICATOR_SHEET = SheetLayout(
    INDICATORS,
    INDICATORS,
    "绩效指标库",
    "一行一个指标，可以直接修改、筛选、加列；改后执行 perfxl library record 登记。停用的改“状态”，不要删行。",
    table=Table(INDICATORS, INDICATOR_COLUMNS),
)
LABELS = {column.key: column.label for column in INDICATOR_COLUMNS}
# What an indicator says, without its number and its standing in the library.
CONTENT = tuple(
    column.key
    for column in INDICATOR_COLUMNS
    if column.key not in (NUMBER, "source", "year", "state", "note")
)

SOURCE_COLUMNS = (
    _column("number", "指标编号", 10, "不收的留空", optional=False),
    _column("handling", "处理", 8, optional=False),
    _column("name", "来源中的名称", 26, optional=False),
    _column("source", "来源", 30),
    _column("year", "年度", 8),
    _column("file", "文件", 26),
    _column("place", "位置", 18),
    _column("content", "来源中的内容", 70),
    _column("taken_on", "收录日期", 12),
    _column("taken_by", "办理人", 10),
    _column("key", "批次", 22),
)
SOURCE_SHEET = SheetLayout(
    SOURCES,
    SOURCES,
    "来源明细",
    "每个指标从哪里收来、原文怎么写，由程序登记。",
    table=Table(SOURCES, SOURCE_COLUMNS),
)


class Change(StrEnum):
    """What happened to an indicator."""

    ADDED = "新增"
    ALTERED = "修改"
    RETIRED = "停用"
    RESTORED = "恢复"
    DELETED = "删除"


CHANGE_COLUMNS = (
    _column("version", "版本", 7, optional=False),
    _column("on", "日期", 12, optional=False),
    _column("change", "变动", 8, optional=False),
    _column("number", "指标编号", 10, optional=False),
    _column("name", "指标名称", 26),
    _column("column", "变动内容", 12),
    _column("before", "变动前", 44),
    _column("after", "变动后", 44),
    _column("by", "办理人", 12),
    _column("reason", "说明", 30),
)
CHANGE_SHEET = SheetLayout(
    CHANGES,
    CHANGES,
    "历次变动",
    "指标库每一版新增、修改、停用了什么，由程序登记，请勿改动。",
    table=Table(CHANGES, CHANGE_COLUMNS),
)
SHEETS = (INDICATOR_SHEET, SOURCE_SHEET, CHANGE_SHEET)


@dataclass(frozen=True)
class Entry:
    """One indicator: its values by column key, and its 0-based row in the sheet (-1: none yet)."""

    values: Mapping[str, str]
    row: int = -1

    def __getitem__(self, key: str) -> str:
        return self.values.get(key, "")

    @property
    def number(self) -> str:
        """The number that stays with the indicator."""
        return self[NUMBER]

    @property
    def in_use(self) -> bool:
        """Whether it may be chosen."""
        return self["state"] != State.RETIRED


@dataclass(frozen=True)
class Spots:
    """Where a sheet's table stands: columns by key, and the first free row under all content."""

    sheet: str
    columns: Mapping[str, int]
    heading_row: int
    last_row: int
    free_row: int


@dataclass(frozen=True)
class Library:
    """A library workbook as read.

    ``recorded`` is what the indicators said when the last command registered them, by number;
    None where that sheet is gone. ``carried`` gives for every row that was taken in from a file,
    by its key, the number that it became part of (blank where it was not wanted).
    """

    entries: tuple[Entry, ...]
    changes: tuple[Mapping[str, str], ...]
    recorded: Mapping[str, Mapping[str, str]] | None
    carried: Mapping[str, str]
    spots: Mapping[str, Spots] = field(default_factory=dict)

    @property
    def by_number(self) -> dict[str, Entry]:
        """The indicators that have a number."""
        return {entry.number: entry for entry in self.entries if entry.number}

    @property
    def version(self) -> int:
        """The version that the last registration made."""
        return max(
            (int(one["version"]) for one in self.changes if one["version"].isdecimal()), default=0
        )
