"""The layouts that a plan gives rise to: the unit's workbook (template) and the review book."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from perfxl.layout.declare import (
    Column,
    Field,
    FilledBy,
    SheetLayout,
    Table,
    ValueKind,
    WorkbookLayout,
)
from perfxl.plan.model import UNIT_WORD, CampaignInfo, Plan, Register, SpotCheck, Unit
from perfxl.points import as_text

COVER, INSTRUCTIONS, SELF_ASSESSMENT, DATA_ITEMS = "封面", "填报说明", "自评表", "数据项"
REVIEW = "评分表"
OPINIONS = "审核意见"
# What a section chooses where it stands by a score under which something changed.
LOOKED_AGAIN = "已复看"

# What stands in the last row of the 自评表.
TOTAL_ROW = "合计"

# Room for typing in a register: locks, drop-downs and borders reach this far.
REGISTER_ROOM = 300


def register_key(name: str) -> str:
    """The key of a register's sheet and table in the template's layout."""
    return f"register:{name}"


def file_name(campaign_code: str, unit: Unit) -> str:
    """The name of a unit's workbook: ``SL2023-101-石楼县教育科技局.xlsx``."""
    return f"{campaign_code}-{unit.code}-{unit.name}.xlsx"


def _office(key: str, label: str, width: float, **more: object) -> Column:
    return Column(key, label, width=width, filled_by=FilledBy.OFFICE, **more)  # type: ignore[arg-type]


COVER_FIELDS = (
    Field("unit_name", "单位名称", filled_by=FilledBy.OFFICE),
    Field("unit_code", "单位编码", filled_by=FilledBy.OFFICE),
    Field("section", "负责股室", filled_by=FilledBy.OFFICE),
    Field("deadline", "报送截止时间", filled_by=FilledBy.OFFICE),
    Field("preparer", "填报人", required=True, help="填写本表的人"),
    Field("phone", "联系电话", required=True, help="填报人的电话"),
    Field("approver", "单位负责人"),
    Field("prepared_on", "填报日期", ValueKind.DATE, help="例如 2024-01-10"),
)


def cover_fields(campaign: CampaignInfo) -> tuple[Field, ...]:
    """The fields of the cover, in the plan's words."""
    if campaign.called == UNIT_WORD:
        return COVER_FIELDS
    return tuple(replace(one, label=campaign.worded(one.label)) for one in COVER_FIELDS)


def _worded(table: Table, campaign: CampaignInfo) -> Table:
    """A table with its headings in the plan's words."""
    if campaign.called == UNIT_WORD:
        return table
    columns = tuple(replace(one, label=campaign.worded(one.label)) for one in table.columns)
    return replace(table, columns=columns)


def self_assessment_table(step: int) -> Table:
    """The columns of the 自评表; ``step`` (hundredths) goes into the help of the score column."""
    return Table(
        "entries",
        (
            _office("code", "编码", 8),
            _office("name", "指标", 30),
            _office("full_marks", "分值", 7, kind=ValueKind.SCORE),
            _office("standard", "评分标准", 38, optional=True),
            _office("method", "评分方法", 9, optional=True),
            Column(
                "self_score",
                "自评得分",
                ValueKind.SCORE,
                9,
                required=True,
                help=f"0 至分值之间，按 {as_text(step)} 分的整数倍填写",
            ),
            Column("basis", "自评依据", width=34, help="得分的事实和理由", optional=True),
            Column(
                "evidence_numbers",
                "佐证编号",
                width=12,
                optional=True,
                help="填佐证材料表中的材料编号，多个用顿号分开，例如 1、3",
            ),
            Column(
                "deduction_reason",
                "扣分原因",
                width=24,
                optional=True,
                help="自评得分低于分值时必须填写",
            ),
        ),
    )


DATA_ITEMS_TABLE = Table(
    "data_items",
    (
        _office("item", "数据项", 36),
        _office("unit", "计量单位", 10, optional=True),
        Column("value", "数值", ValueKind.NUMBER, 14, required=True, help="没有的填 0"),
        _office("help", "填报说明", 60, optional=True),
    ),
)


def register_table(register: Register) -> Table:
    """A register's columns with room for the unit's rows."""
    return Table(
        register_key(register.name),
        tuple(declared.column for declared in register.columns),
        blank_rows=REGISTER_ROOM,
    )


def template_layout(plan: Plan, kind: str) -> WorkbookLayout:
    """The workbook that units of this kind fill in."""
    sheets = [
        SheetLayout(
            COVER,
            COVER,
            plan.campaign.form_title,
            fields=cover_fields(plan.campaign),
            landscape=False,
        ),
        SheetLayout(INSTRUCTIONS, INSTRUCTIONS, "填报说明", landscape=False),
        SheetLayout(
            SELF_ASSESSMENT,
            SELF_ASSESSMENT,
            f"{plan.campaign.name}自评表",
            plan.campaign.worded("浅黄色单元格由单位填写；小计和合计自动计算，请勿改动。"),
            table=self_assessment_table(plan.campaign.step),
            signatures=_signatures(plan.campaign),
        ),
    ]
    sheets += [
        SheetLayout(
            register_key(register.name),
            register.name,
            register.name,
            "一行一项，从表头下第一行起填写，中间不留空行。",
            table=register_table(register),
        )
        for register in plan.registers
    ]
    if plan.reported_items(kind):
        sheets.append(
            SheetLayout(
                DATA_ITEMS,
                DATA_ITEMS,
                "数据项",
                plan.campaign.worded("由单位填报的数据，用于计算得分。"),
                table=DATA_ITEMS_TABLE,
                landscape=False,
            )
        )
    return WorkbookLayout(tuple(sheets), plan.template_version(kind))


def _signatures(campaign: CampaignInfo) -> tuple[str, ...]:
    """Who signs what a unit hands in."""
    said = ("单位负责人（签字）：", "填报人：", "单位（盖章）")
    return tuple(map(campaign.worded, said))


# The first sheet of a copy that is sent back (退回修改); the unit answers in the last column.
OPINIONS_TABLE = Table(
    "opinions",
    (
        _office("number", "序号", 6, optional=True),
        _office("severity", "类别", 8, optional=True),
        _office("place", "位置", 16, optional=True),
        _office("message", "审核意见", 46),
        _office("remedy", "处理办法", 34, optional=True),
        _office("code", "代码", 8),
        Column("explanation", "单位说明", width=34, help="对“核实”的意见，在这里说明情况"),
    ),
)


def opinions_table(campaign: CampaignInfo) -> Table:
    """The columns of 审核意见, in the plan's words."""
    return _worded(OPINIONS_TABLE, campaign)


REVIEW_TABLE = Table(
    "reviews",
    (
        _office("unit", "单位编码", 9),
        _office("unit_name", "单位名称", 20, optional=True),
        _office("indicator", "指标编码", 9),
        _office("name", "指标", 22, optional=True),
        _office("standard", "评分标准", 28, optional=True),
        _office("full_marks", "分值", 7, kind=ValueKind.SCORE),
        _office("self_score", "自评得分", 9, kind=ValueKind.SCORE, optional=True),
        _office("computed", "计算得分", 9, kind=ValueKind.SCORE, optional=True),
        _office("arithmetic", "计算过程", 26, optional=True),
        _office("basis", "自评依据", 26, optional=True),
        _office("evidence", "佐证材料", 24, optional=True),
        _office("findings", "审核意见", 30, optional=True),
        Column("approved", "核定得分", ValueKind.SCORE, 9, required=True),
        Column("reason", "扣分原因", width=24, optional=True, help="核定得分低于分值时必须填写"),
        Column("reviewer", "评分人", width=10, optional=True),
        Column(
            "looked_again",
            "复看",
            ValueKind.CHOICE,
            9,
            choices=(LOOKED_AGAIN,),
            optional=True,
            help="核定后报送内容有变化的，看过仍维持原得分时选“已复看”",
        ),
    ),
)


TRUE_AS_REPORTED, FAULTY = "属实", "有问题"
CHECK_BOOK = "核查表"
_CHECKED_BEFORE = (
    _office("number", "抽查序号", 6, kind=ValueKind.INTEGER),
    _office("unit", "单位编码", 8),
    _office("unit_name", "单位名称", 20, optional=True),
)
_CHECKED_AFTER = (
    _office("place", "填报位置", 22, optional=True),
    Column(
        "conclusion",
        "核查结论",
        ValueKind.CHOICE,
        10,
        choices=(TRUE_AS_REPORTED, FAULTY),
        required=True,
    ),
    Column("problems", "问题个数", ValueKind.INTEGER, 8, required=True, help="属实的填 0 或留空"),
    Column("description", "问题说明", width=36, optional=True, help="有问题的必须逐个写明"),
    Column("checker", "核查人", width=10, optional=True),
    Column("checked_on", "核查日期", ValueKind.DATE, 12, optional=True),
)
_RATE = _office("rate", "执行率", 9, kind=ValueKind.SCORE, unit="%", optional=True)
# What the check book itself calls its columns; the columns of the register bring their own labels.
CHECK_BOOK_LABELS = tuple(one.label for one in (*_CHECKED_BEFORE, _RATE, *_CHECKED_AFTER))


def said_key(label: str) -> str:
    """The key under which the check book repeats a column of the register."""
    return f"said:{label}"


def check_book_layout(
    campaign: CampaignInfo, register: Register, spot_check: SpotCheck
) -> SheetLayout:
    """The check book of a spot check (抽查核查表): a drawn project a row."""
    declared = {one.column.label: one.column for one in register.columns}
    shown = [
        _office(
            said_key(label),
            label,
            16 if declared[label].kind is ValueKind.CHOICE else 12,
            kind=declared[label].kind,
            unit=declared[label].unit,
            optional=True,
        )
        for label in spot_check.shown
    ]
    columns = (
        *_CHECKED_BEFORE,
        _office("project", spot_check.code_column, 16),
        _office("name", spot_check.name_column, 28, optional=True),
        *shown,
        *((_RATE,) if spot_check.rate else ()),
        *_CHECKED_AFTER,
    )
    return SheetLayout(
        CHECK_BOOK,
        CHECK_BOOK,
        f"{campaign.name}自评抽查核查表",
        "只填浅黄色的格：核查结论、问题个数、问题说明、核查人、核查日期；空白表示尚未核查。",
        table=Table("checked", columns),
        signatures=("核查人（签字）：", "复核人（签字）：", "单位负责人（签字）：", "日期："),
    )


class Progress(StrEnum):
    """How far a unit is with a problem, in its own word (完成情况)."""

    DONE = "已完成"
    UNDER_WAY = "整改中"
    NOT_BEGUN = "未整改"


RECTIFICATION = "整改台账"
RECTIFICATION_TABLE = Table(
    "rectification",
    (
        _office("number", "问题编号", 10),
        _office("source", "问题来源", 10, optional=True),
        _office("description", "问题描述", 40),
        _office("lost", "扣分", 7, kind=ValueKind.SCORE, optional=True),
        _office("due", "整改期限", 12, kind=ValueKind.DATE, optional=True),
        _office("opinion", "核查意见", 22, optional=True),
        Column("measure", "整改措施", width=34, help="采取了什么措施，或准备怎样整改"),
        Column("person", "责任人", width=10),
        Column("progress", "完成情况", ValueKind.CHOICE, 10, choices=tuple(Progress)),
        Column("done_on", "完成日期", ValueKind.DATE, 12, help="已完成的填写，例如 2024-02-20"),
        Column("evidence", "佐证材料", width=24, help="文件名称、文号或附件名"),
        Column("note", "备注", width=16, optional=True),
    ),
)


def rectification_layout(campaign: CampaignInfo, unit: Unit) -> SheetLayout:
    """The rectification book of one unit (整改台账): a problem a row."""
    return SheetLayout(
        RECTIFICATION,
        RECTIFICATION,
        f"{campaign.name}整改台账（{unit.name}）",
        "只填浅黄色的格：整改措施、责任人、完成情况、完成日期、佐证材料、备注；填好后报送财政局。",
        table=RECTIFICATION_TABLE,
        signatures=_signatures(campaign),
    )


def rectification_file_name(campaign_code: str, unit: Unit) -> str:
    """``SL2023-101-石楼县教育科技局-整改台账.xlsx``."""
    return file_name(campaign_code, unit).removesuffix(".xlsx") + f"-{RECTIFICATION}.xlsx"


def review_table(campaign: CampaignInfo) -> Table:
    """The columns of a review book, in the plan's words."""
    return _worded(REVIEW_TABLE, campaign)


def review_layout(plan: Plan, section: str, reviewer: str = "") -> WorkbookLayout:
    """The review book of one section or one of its reviewers: a unit's indicator a row."""
    whose = f"{section} {reviewer}" if reviewer else section
    return WorkbookLayout(
        (
            SheetLayout(
                REVIEW,
                REVIEW,
                f"{plan.campaign.name}评分表（{whose}）",
                "只填浅黄色的格：核定得分、扣分原因、评分人；标有“核定后有变化”的请再看一遍，"
                "维持原得分的选“已复看”。空白表示尚未评定。",
                table=review_table(plan.campaign),
                signatures=("股室负责人（签字）：", "评分人：", "日期："),
            ),
        ),
    )
