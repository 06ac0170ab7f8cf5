"""图表: native charts whose bars follow the live cells of 排名, 封面 and 指标分析.

One portrait page per kind; a kind with more units than one chart holds gets further ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perfxl.analysis import first_levels
from perfxl.excel.charts import BarChart, Cells, insert_bar_chart
from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.points import as_float
from perfxl.products.consolidated import analysis, cover, ranking
from perfxl.products.consolidated.material import Material

SHEET = "图表"
WEAKEST = 10
UNITS_PER_CHART = 50

_COLUMNS, _COLUMN_WIDTH = 10, 9.0
# What a column of that width and a row take on screen at 100%; not the default height, which every
# program takes for another.
_COLUMN_PIXELS, _ROW_PIXELS, _ROW_POINTS = 68, 21, 15.75
_LEFT_COLUMNS, _LOWER_ROWS = 4, 24
_PAGE_WIDTH = _COLUMNS * _COLUMN_PIXELS - 8
# 754 points: of A4 at 100%, with margins of 1.3 and 1.5 cm.
_PAGE_ROWS = 47


@dataclass(frozen=True)
class Placed:
    """A chart, where it stands (row on its page, column), its size in pixels."""

    chart: BarChart
    row: int
    column: int
    width: int
    height: int


def chart_sheets(material: Material) -> list[tuple[str, str, list[Placed]]]:
    """Name, kind and charts of every sheet: one page each, so that it fits a page as a whole.

    Excel may disregard page breaks on a sheet that is fitted to the paper's width.
    """
    found = []
    for kind in material.matrices:
        for number, page in enumerate(pages(material, kind), 1):
            name = f"{SHEET}（{kind}）" + (f"{number}" if number > 1 else "")
            found.append((name, kind, page))
    return found


def write_charts(sheet: SheetWriter, material: Material, kind: str, page: Sequence[Placed]) -> None:
    """One page of charts under its title."""
    sheet.raw.hide_gridlines(2)
    sheet.raw.set_column(0, _COLUMNS - 1, _COLUMN_WIDTH)
    title = f"{material.plan.campaign.name}{SHEET}（{kind}）"
    sheet.merged(0, _COLUMNS - 1, title, Role.TITLE)
    sheet.raw.set_row(0, 30)
    # Rows first: where a chart ends is worked out from their heights.
    for row in range(1, _PAGE_ROWS):
        sheet.raw.set_row(row, _ROW_POINTS)
    for one in page:
        insert_bar_chart(sheet, one.row, one.column, one.chart, width=one.width, height=one.height)
    sheet.print_setup(landscape=False, last_column=_COLUMNS - 1, last_row=_PAGE_ROWS - 1)
    sheet.raw.set_margins(left=0.5, right=0.5, top=0.5, bottom=0.6)
    sheet.raw.fit_to_pages(1, 1)


def pages(material: Material, kind: str) -> list[list[Placed]]:
    """The charts of one kind, page by page."""
    charts = ranking_charts(material, kind)
    beside = [
        Placed(grade_chart(material, kind), 0, 0, _LEFT_COLUMNS * _COLUMN_PIXELS - 8, 248),
        Placed(
            first_level_chart(material, kind),
            0,
            _LEFT_COLUMNS,
            _PAGE_WIDTH - _LEFT_COLUMNS * _COLUMN_PIXELS,
            248,
        ),
        Placed(weakest_chart(material, kind), 12, 0, _PAGE_WIDTH, 250),
    ]
    height = _height(charts[0])
    rows = -(-height // _ROW_PIXELS)
    if len(charts) == 1 and 1 + rows + _LOWER_ROWS <= _PAGE_ROWS:
        first = Placed(charts[0], 1, 0, _PAGE_WIDTH, height)
        return [[first, *(_moved(one, rows + 1) for one in beside)]]
    full = [[Placed(one, 1, 0, _PAGE_WIDTH, _height(one))] for one in charts]
    return [*full, [_moved(one, 1) for one in beside]]


def _height(chart: BarChart) -> int:
    """Room for every name."""
    return 86 + 17 * (chart.names.last_row - chart.names.first_row + 1)


def _moved(one: Placed, rows: int) -> Placed:
    return Placed(one.chart, one.row + rows, one.column, one.width, one.height)


def ranking_charts(material: Material, kind: str) -> list[BarChart]:
    """The totals of all units, best first."""
    first, last = ranking.ranking_rows(material)[kind]
    units = last - first + 1
    parts = -(-units // UNITS_PER_CHART)
    size = -(-units // parts)
    charts = []
    for begins in range(first, last + 1, size):
        ends = min(last, begins + size - 1)
        part = f"（第 {begins - first + 1}—{ends - first + 1} 位）" if parts > 1 else ""
        charts.append(
            BarChart(
                f"各{kind}总分，按名次排列{part}",
                Cells(ranking.SHEET, begins, ranking.NAME, ends, ranking.NAME),
                Cells(ranking.SHEET, begins, ranking.TOTAL, ends, ranking.TOTAL),
                material.plan.campaign.called,
                "总分（分）",
                "0.00",
                "0",
                as_float(material.plan.campaign.full_marks) / 10,
                highest=as_float(material.plan.campaign.full_marks),
                longest_name=max(len(unit.name) for unit in material.matrices[kind].units),
            )
        )
    return charts


def grade_chart(material: Material, kind: str) -> BarChart:
    """How many units have each grade."""
    names, counts, first, last = cover.grade_cells(material, kind)
    return BarChart(
        f"各{kind}等级分布",
        Cells(cover.SHEET, names, first, names, last),
        Cells(cover.SHEET, counts, first, counts, last),
        "等级",
        f"{material.plan.campaign.called}数（个）",
        "0",
        "0",
        max(1, -(-len(material.matrices[kind].units) // 6)),
        across=False,
    )


def first_level_chart(material: Material, kind: str) -> BarChart:
    """The score rate of every first-level indicator, in the rubric's order."""
    first, last = analysis.analysis_places(material)[kind].first_level
    names = [name for _, name, _, _ in first_levels(material.plan.rubrics[kind])]
    return _rates(f"各{kind}一级指标得分率", first, last, names)


def weakest_chart(material: Material, kind: str) -> BarChart:
    """The indicators with the lowest score rates."""
    first, last = analysis.analysis_places(material)[kind].weakest
    last = min(last, first + WEAKEST - 1)
    names = [one.name for one in material.matrices[kind].indicators]
    return _rates(f"各{kind}得分率最低的 {last - first + 1} 个指标", first, last, names)


def _rates(title: str, first: int, last: int, names: Sequence[str]) -> BarChart:
    return BarChart(
        title,
        Cells(analysis.SHEET, first, analysis.NAME, last, analysis.NAME),
        Cells(analysis.SHEET, first, analysis.RATE, last, analysis.RATE),
        "指标",
        "得分率",
        "0.0%",
        "0%",
        0.2,
        highest=1,
        longest_name=max(len(name) for name in names),
    )
