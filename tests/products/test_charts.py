"""The charts of the consolidated workbook: native, and each range holds what the title says."""

from __future__ import annotations

import io
import random
import zipfile
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
from lxml import etree
from made_scores import random_material
from openpyxl.utils import range_boundaries

from perfxl.plan.model import Plan, Unit
from perfxl.products.consolidated.charts import UNITS_PER_CHART
from perfxl.products.consolidated.material import Material
from perfxl.products.consolidated.workbook import consolidated_workbook

CHART = {
    "c": "http://schemas.openxmlformats.org/drawingml/2006/chart",
    "a": "http://schemas.openxmlformats.org/drawingml/2006/main",
}
DRAWING = {"x": "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"}


def charts_of(data: bytes) -> list[dict[str, Any]]:
    """Title, axis titles, fonts and the contents of the ranges of every chart."""
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
    found = []
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.startswith("xl/charts/chart")]
        for name in sorted(names, key=lambda one: int("".join(filter(str.isdigit, one)))):
            tree = etree.fromstring(archive.read(name))

            def texts(path: str, tree: Any = tree) -> list[str]:
                return [str(one) for one in tree.xpath(path, namespaces=CHART)]

            def cells(path: str, texts: Any = texts) -> list[Any]:
                (reference,) = texts(path)
                sheet, area = reference.rsplit("!", 1)
                first, last = (
                    area.replace("$", "").split(":")
                    if ":" in area
                    else (area.replace("$", ""),) * 2
                )
                rows = book[sheet.strip("'")][f"{first}:{last}"]
                return [cell.value for row in rows for cell in row]

            found.append(
                {
                    "title": texts("//c:chart/c:title//a:t/text()"),
                    "axes": texts("//c:plotArea//c:title//a:t/text()"),
                    "fonts": set(texts("//a:latin/@typeface")),
                    "names": cells("//c:cat//c:f/text()"),
                    "values": cells("//c:val//c:f/text()"),
                    "drawn": texts("//c:val//c:v/text()"),
                }
            )
    return found


@pytest.fixture(scope="module")
def made(plan: Plan) -> Material:
    return random_material(plan, random.Random(4))


def test_the_charts_draw_what_their_titles_say(made: Material) -> None:
    charts = {chart["title"][0]: chart for chart in charts_of(consolidated_workbook(made))}
    assert len(charts) == 8
    for kind, place in made.matrices.items():
        ranked = made.ranking[made.ranking["kind"] == kind]
        ranking = charts[f"各{kind}总分，按名次排列"]
        assert ranking["names"] == list(ranked["name"])
        assert ranking["values"] == [total / 100 for total in ranked["total"]]
        assert ranking["axes"] == ["单位", "总分（分）"]
        grades = charts[f"各{kind}等级分布"]
        assert grades["names"] == ["优", "良", "中", "差"]
        assert grades["values"] == [int((ranked["grade"] == one).sum()) for one in grades["names"]]
        levels = charts[f"各{kind}一级指标得分率"]
        rows = [row for row in made.plan.rubrics[kind].rows if row.depth == 1]
        assert levels["names"] == [row.name for row in rows]
        figures = made.indicator_figures[made.indicator_figures["kind"] == kind]
        first = figures[figures["indicator"].str.startswith(f"{rows[0].code}.")]
        rate = first["sum"].sum() / (first["units"] * first["full_marks"]).sum()
        assert levels["values"][0] == pytest.approx(rate)
        weakest = charts[f"各{kind}得分率最低的 10 个指标"]
        ordered = figures.sort_values("weakness_order")[:10]
        assert weakest["names"] == list(ordered["name"])
        assert weakest["values"] == sorted(weakest["values"])
        assert len(place.units) == len(ranking["names"])


def test_charts_are_written_with_their_values_and_the_offices_fonts(made: Material) -> None:
    for chart in charts_of(consolidated_workbook(made)):
        assert chart["fonts"] == {"宋体", "黑体"}
        assert [float(one) for one in chart["drawn"]] == pytest.approx(chart["values"])
        assert len(chart["axes"]) == 2


def crowd(plan: Plan, count: int) -> Plan:
    towns = [
        Unit(f"9{number:03d}", f"第{number}乡人民政府", "乡镇", "预算股") for number in range(count)
    ]
    return replace(plan, units=tuple(towns))


@pytest.mark.slow
@pytest.mark.parametrize(("count", "parts"), [(1, 1), (22, 1), (23, 1), (50, 1), (51, 2), (130, 3)])
def test_no_chart_is_cut_by_the_end_of_a_page(plan: Plan, count: int, parts: int) -> None:
    made = random_material(crowd(plan, count), random.Random(5))
    data = consolidated_workbook(made)
    titles = [chart["title"][0] for chart in charts_of(data)]
    assert sum("总分" in title for title in titles) == parts == -(-count // UNITS_PER_CHART)
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheets = [name for name in book.sheetnames if name.startswith("图表")]
    seen = 0
    for number, name in enumerate(sheets, 1):
        sheet = book[name]
        assert (sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) in ((None, None), (1, 1))
        _, _, right_end, bottom_end = range_boundaries(sheet.print_area.rsplit("!", 1)[1])
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            drawing = etree.fromstring(archive.read(f"xl/drawings/drawing{number}.xml"))
        taken: set[tuple[int, int]] = set()
        for anchor in drawing.xpath("//x:twoCellAnchor", namespaces=DRAWING):
            top, bottom = (int(r) for r in anchor.xpath("*/x:row/text()", namespaces=DRAWING))
            left, right = (int(c) for c in anchor.xpath("*/x:col/text()", namespaces=DRAWING))
            assert right < right_end
            assert bottom < bottom_end
            rows, columns = range(top, bottom + 1), range(left, right + 1)
            own = {(row, column) for row in rows for column in columns}
            assert not taken & own
            taken |= own
            seen += 1
        # At full size already, so that nothing is shrunk.
        heights = sum(sheet.row_dimensions[row].height for row in range(1, bottom_end + 1))
        assert heights <= (297 / 25.4 - 1.1) * 72
    assert seen == len(titles)
