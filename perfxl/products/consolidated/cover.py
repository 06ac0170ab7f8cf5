"""封面: title, figures of every kind, how it was worked out in short, contents, signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.facts.campaign import kind_facts
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name
from perfxl.plan.model import Plan
from perfxl.points import as_float, as_text
from perfxl.products.consolidated.form import wrapped_height
from perfxl.products.consolidated.formulas import quoted
from perfxl.products.consolidated.material import NOT_RETURNED, Material, MatrixPlace
from perfxl.tables import Status

SHEET = "封面"
_FIGURES = ("单位类别", "单位数", "已报送", "按时", "逾期", "未报送", "平均分", "最高分", "最低分")
_FIGURES_ROW = 6
_WIDTH = 8.2
_SIGNATURES = ("绩效组负责人（签字）：", "复核人：", "汇总人：", "日期：")
_NONE = "—"


@dataclass(frozen=True)
class Content:
    """One line of the contents: a sheet and what it shows."""

    sheet: str
    about: str


def grade_cells(material: Material, kind: str) -> tuple[int, int, int, int]:
    """Row of the grades' names, row of the kind's counts, first and last column (0-based)."""
    row = _FIGURES_ROW + 1 + list(material.matrices).index(kind)
    first = len(_FIGURES)
    return _FIGURES_ROW, row, first, first + len(material.plan.grades) - 1


def write_cover(sheet: SheetWriter, material: Material, contents: Sequence[Content]) -> None:
    """The first page; its figures are formulas over the matrix of each kind."""
    campaign = material.plan.campaign
    last = len(_FIGURES) + len(material.plan.grades) - 1
    sheet.raw.hide_gridlines(2)
    sheet.raw.set_column(0, last, _WIDTH)
    sheet.raw.set_row(0, 70)
    _line(sheet, 1, last, campaign.issuer, size=16, height=36)
    title = f"{campaign.name}综合评分表"
    height = wrapped_height((title, _WIDTH * (last + 1)), size=26) + 20
    _line(sheet, 2, last, title, size=26, height=height, font_name="黑体", text_wrap=True)
    facts = (
        f"{campaign.year}年度    考核编号：{campaign.code}    "
        f"生成时间：{material.made_at:%Y-%m-%d %H:%M}"
    )
    _line(sheet, 3, last, facts, size=11, height=30)
    sheet.raw.set_row(4, 24)
    _section(sheet, 5, last, "一、总体情况")
    _headings(sheet, material.plan)
    for kind, place in material.matrices.items():
        _figures(sheet, material, kind, place)
    row = _FIGURES_ROW + 1 + len(material.matrices)
    row = _provisional(sheet, material, row, last)
    _section(sheet, row, last, "二、计算办法")
    for text in _method(material.plan):
        row += 1
        height = wrapped_height((text, _WIDTH * (last + 1)), size=11, least=28)
        _line(sheet, row, last, text, size=11, height=height, align="left", text_wrap=True)
    row += 1
    _section(sheet, row, last, "三、目录（点击表名可到该表）")
    for number, content in enumerate(contents, 1):
        row += 1
        _content(sheet, row, last, number, content)
    row += 1
    sheet.raw.set_row(row, 24)
    sheet.signatures(row + 1, _SIGNATURES, last)
    sheet.print_setup(landscape=False, last_column=last, last_row=row + 1)
    sheet.raw.fit_to_pages(1, 1)


def _line(
    sheet: SheetWriter,
    row: int,
    last: int,
    text: str,
    *,
    size: int,
    height: float,
    **more: object,
) -> None:
    style = {"align": "center", "font_size": size, "text_wrap": False, **more}
    sheet.merged(row, last, text, Role.PLAIN, **style)
    sheet.raw.set_row(row, height)


def _section(sheet: SheetWriter, row: int, last: int, text: str) -> None:
    _line(
        sheet, row, last, text, size=12, height=40, align="left", valign="vcenter", font_name="黑体"
    )


def _headings(sheet: SheetWriter, plan: Plan) -> None:
    labels = (*_FIGURES, *(grade.name for grade in plan.grades))
    for column, label in enumerate(labels):
        sheet.text(_FIGURES_ROW, column, sheet.book.worded(label), Role.HEADING)
    sheet.raw.set_row(_FIGURES_ROW, 32)


def _figures(sheet: SheetWriter, material: Material, kind: str, place: MatrixPlace) -> None:
    _, row, first_grade, _ = grade_cells(material, kind)
    facts = kind_facts(material.plan, kind, material.ranking)
    assert facts is not None
    status, total, grade = (
        place.column_range(place.column(label)) for label in ("报送情况", "总分", "等级")
    )
    returned = cell_name(row, 2)
    states = [line.status for line in material.rank_of.values() if line.kind == kind]
    on_time, late = (states.count(str(one)) for one in (Status.ON_TIME, Status.LATE))
    came = f'({status}<>"{NOT_RETURNED}")'
    # Units without a return have a total of 0 that must not count as the lowest.
    lowest = f"SMALL({total},ROWS({total})-{returned}+1)"
    cells: list[tuple[str, ValueKind, float | str]] = [
        (f"=ROWS({status})", ValueKind.INTEGER, facts.units),
        (f'=COUNTIF({status},"<>{NOT_RETURNED}")', ValueKind.INTEGER, facts.returned),
        (f'=COUNTIF({status},"{Status.ON_TIME}")', ValueKind.INTEGER, on_time),
        (f'=COUNTIF({status},"{Status.LATE}")', ValueKind.INTEGER, late),
        (f'=COUNTIF({status},"{NOT_RETURNED}")', ValueKind.INTEGER, facts.units - facts.returned),
    ]
    three = (
        # A mean of whole hundredths, rounded half up as perfxl rounds.
        (f"ROUND(SUMPRODUCT({came}*ROUND({total}*100,0))/{returned},0)/100", facts.mean),
        (f"SUMPRODUCT(MAX({came}*{total}))", facts.highest),
        (lowest, facts.lowest),
    )
    cells += [
        (
            f'=IF({returned}=0,"{_NONE}",{formula})',
            ValueKind.MONEY,
            _NONE if value is None else as_float(value),
        )
        for formula, value in three
    ]
    counts = dict(facts.grades)
    cells += [
        (
            f"=COUNTIF({grade},{quoted(one.name)})",
            ValueKind.INTEGER,
            counts.get(one.name, 0),
        )
        for one in material.plan.grades
    ]
    assert len(cells) == first_grade - 1 + len(material.plan.grades)
    sheet.text(row, 0, kind, Role.LEVEL_1, align="center")
    for column, (formula, value_kind, cached) in enumerate(cells, 1):
        sheet.formula(
            row, column, formula, Role.FIXED, value_kind, cached, align="center", font_size=11
        )
    sheet.raw.set_row(row, 32)


def _provisional(sheet: SheetWriter, material: Material, row: int, last: int) -> int:
    """Say how many scores are not approved yet, if any; gives the next row."""
    count = int(material.ranking["provisional"].sum())
    if not count:
        return row
    text = f"另有 {count} 项得分尚未经股室核定，按自评与计算得分中较低的暂计，本表结果为暂定。"
    _line(sheet, row, last, text, size=10, height=20, align="left")
    return row + 1


def _method(plan: Plan) -> list[str]:
    campaign = plan.campaign
    grades = "，".join(f"{one.name} ≥ {as_text(one.threshold)}%" for one in plan.grades[:-1])
    return [
        "1．采用得分：以股室核定得分为准；尚未核定的，暂取自评得分与计算得分中较低的一个。",
        f"2．总分 = 得分合计 ÷ 适用分值 × {as_text(campaign.full_marks)} - 逾期扣分；"
        "不适用的指标不计入适用分值。",
        f"3．等级按总分占满分的比例：{grades}，{plan.grades[-1].name}为其余；"
        f"并列规则：{campaign.tie_rule}；逾期规则：{campaign.late_rule}。",
        campaign.worded(
            "4．未报送的单位总分为 0，不排名次、不定等级；平均分、最高分、最低分只统计已报送的单位。"
        ),
    ]


def _content(sheet: SheetWriter, row: int, last: int, number: int, content: Content) -> None:
    name_columns = 3
    sheet.text(row, 0, str(number), Role.PLAIN, align="center", font_size=11)
    link = sheet.book.format(Role.PLAIN, font_size=11, font_color="#0563C1", underline=1)
    sheet.raw.merge_range(row, 1, row, name_columns, "", link)
    target = content.sheet.replace("'", "''")
    sheet.raw.write_url(row, 1, f"internal:'{target}'!A1", link, content.sheet)
    about = sheet.book.format(Role.PLAIN, font_size=11, text_wrap=False)
    sheet.raw.merge_range(row, name_columns + 1, row, last, content.about, about)
    sheet.raw.set_row(row, 26)
