"""Assembles the consolidated scoring workbook from its sheets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from perfxl.excel.cells import LAST_ROW
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.products.consolidated import (
    analysis,
    basis,
    budget,
    charts,
    comparison,
    cover,
    deviation,
    explanation,
    follow_up,
    lists,
    matrix,
    project_list,
    ranking,
    rectification,
)
from perfxl.products.consolidated import material as limits
from perfxl.products.consolidated.form import OBJECTIONS_SHEET, continued, parts_of
from perfxl.products.consolidated.material import Material

# The sheets whose cells the charts show.
_CHARTED = frozenset({cover.SHEET, ranking.SHEET, analysis.SHEET})


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, what the contents on the cover say of it, and who writes it."""

    name: str
    about: str
    write: Callable[[SheetWriter, Material], None]


def consolidated_workbook(material: Material) -> bytes:
    """The bytes of 综合评分表.xlsx: the cover, then ``sheets`` in order."""
    campaign = material.plan.campaign
    book = WorkbookWriter(
        title=f"{campaign.name}综合评分表",
        author=campaign.issuer,
        large=True,
        worded=campaign.worded,
    )
    wanted = sheets(material)
    contents = [cover.Content(one.name, campaign.worded(one.about)) for one in wanted]
    cover.write_cover(_sheet(book, cover.SHEET), material, contents)
    for one in wanted:
        one.write(_sheet(book, one.name), material)
    return book.to_bytes()


def ranking_workbook(material: Material) -> bytes:
    """The ranking sheet alone, with values in place of formulas, for printing it."""
    campaign = material.plan.campaign
    book = WorkbookWriter(
        title=f"{campaign.name}{ranking.SHEET}",
        author=campaign.issuer,
        live=False,
        worded=campaign.worded,
    )
    ranking.write_ranking(_sheet(book, ranking.SHEET), material)
    return book.to_bytes()


def application_workbook(material: Material) -> bytes:
    """The sheets 结果应用 alone, for those who plan next year's budget."""
    campaign = material.plan.campaign
    title = f"{campaign.name}{budget.UNITS}建议表"
    book = WorkbookWriter(title=title, author=campaign.issuer, worded=campaign.worded)
    budget.write_units(_sheet(book, budget.UNITS), material)
    budget.write_projects(_sheet(book, budget.PROJECTS), material)
    return book.to_bytes()


def _sheet(book: WorkbookWriter, name: str) -> SheetWriter:
    """A sheet without Excel's green corners, which our codes (texts) and formulas would all get."""
    sheet = book.sheet(name, charted=name in _CHARTED)
    everywhere = f"A1:XFD{LAST_ROW}"
    sheet.raw.ignore_errors(
        {
            "number_stored_as_text": everywhere,
            "formula_differs": everywhere,
            "formula_range": everywhere,
        }
    )
    return sheet


def sheets(material: Material) -> list[Sheet]:
    """The sheets behind the cover, in order; a further sheet is one more line here."""
    rows = lists.detail_rows(material)
    found = [Sheet(ranking.SHEET, "各类单位分别排名，随得分重算", ranking.write_ranking)]
    found += [
        Sheet(
            place.sheet,
            f"{kind}各指标的采用得分、总分、等级、排名",
            partial(_write_matrix, kind=kind, rows=rows),
        )
        for kind, place in material.matrices.items()
    ]
    found += [
        Sheet(
            name,
            f"{kind}总分、等级分布、一级指标得分率、薄弱指标",
            partial(charts.write_charts, kind=kind, page=page),
        )
        for name, kind, page in charts.chart_sheets(material)
    ]
    found += [
        Sheet(analysis.SHEET, "得分率由低到高，扣分最多的指标", analysis.write_analysis),
        Sheet(deviation.SHEET, "自评与得分的偏差，标出自评偏高的单位", deviation.write_deviation),
    ]
    if material.last_year is not None:
        found += [
            Sheet(
                comparison.UNITS_SHEET,
                "各单位总分、排名、等级与上年比较",
                comparison.write_unit_comparison,
            ),
            Sheet(
                comparison.INDICATORS_SHEET,
                "各指标得分率与上年比较",
                comparison.write_indicator_comparison,
            ),
        ]
    found += [
        *_in_parts(
            lists.DEDUCTIONS,
            "每项扣分的原因",
            lists.write_deductions,
            len(lists.deductions(material)),
        ),
        Sheet(lists.DETAIL, "每个得分的自评、计算、核定和来源", lists.write_detail),
        *_in_parts(
            lists.FINDINGS,
            "审核发现的问题和单位的说明",
            lists.write_findings,
            len(material.findings),
        ),
        Sheet(lists.RETURNS, "各单位何时报送了什么文件", lists.write_returns),
    ]
    return [
        *found,
        *_follow_up(material),
        Sheet(explanation.SHEET, "各表怎样计算，怎样追溯来源", explanation.write_explanation),
    ]


def _follow_up(material: Material) -> list[Sheet]:
    """The sheets that are there only where they have something to say."""
    found = []
    if len(material.disagreements) or len(material.look_again):
        about = "评分人之间的分歧，核定后有变化的得分"
        found.append(Sheet(follow_up.SECOND_LOOK, about, follow_up.write_second_look))
    if material.objections_listed:
        about = "单位的复核申请和答复"
        found.append(Sheet(OBJECTIONS_SHEET, about, follow_up.write_objections))
    if not material.movements.nothing:
        about = "与上一次汇总相比变动的得分、名次、等级"
        found.append(Sheet(follow_up.MOVEMENTS, about, follow_up.write_movements))
    if material.project_list is not None:
        about = "各单位项目数和金额与一体化系统对照"
        found += [
            Sheet(project_list.UNITS, about, project_list.write_units),
            Sheet(
                project_list.DIFFERENCES,
                "每处与一体化系统不同的内容和位置",
                project_list.write_differences,
            ),
        ]
    if material.applied is not None:
        about = "等级用于下年预算的建议，逐个项目计算"
        found += [
            Sheet(budget.UNITS, about, budget.write_units),
            Sheet(budget.PROJECTS, "每个项目的金额、比例、压减", budget.write_projects),
        ]
    if len(material.rectification):
        found += [
            Sheet(rectification.SUMMARY, "各单位整改到哪一步", rectification.write_summary),
            Sheet(rectification.DETAIL, "每个问题的整改情况", rectification.write_problems),
        ]
    if len(material.basis):
        about = "通报、报告、反馈意见中的数取自哪里"
        found += _in_parts(basis.SHEET, about, basis.write_basis, len(material.basis))
    return found


def _in_parts(name: str, about: str, write: Callable[..., None], rows: int) -> list[Sheet]:
    """A list of so many rows, on as many sheets as it takes."""
    return [
        Sheet(continued(name, part), about, partial(write, part=part))
        for part in parts_of(rows, limits.MOST_ROWS)
    ]


def _write_matrix(
    sheet: SheetWriter, material: Material, *, kind: str, rows: dict[tuple[str, str], int]
) -> None:
    matrix.write_matrix(sheet, material, material.matrices[kind], rows)
