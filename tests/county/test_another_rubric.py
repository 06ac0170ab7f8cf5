"""A county year under a plan that shares nothing with the shipped one: no change of code."""

from __future__ import annotations

import datetime as dt
import json
from fractions import Fraction
from pathlib import Path

import openpyxl
from click.testing import CliRunner

from perfxl.cli import cli
from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook

PLAN = Path(__file__).resolve().parent.parent / "plans" / "another_year.md"
MEETINGS = ("县级", "局内", "县级", "县级")
PROJECTS = (
    ("渠道", "农业", 412.5, "同意"),
    ("校舍", "教育", 300, ""),
    ("水库", "水利", 287.5, "缓办"),
)
REPORTS = (("一", 10, 9), ("二", 10, 11), ("四", 10, None))


def test_another_rubric_and_other_registers(tmp_path: Path) -> None:
    plan = tmp_path / "plan.xlsx"
    plan.write_bytes(plan_workbook(from_markdown(PLAN.read_text(encoding="utf-8"))))
    folder = tmp_path / "临泽2025"

    def year(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["-C", str(folder), "year", *arguments])
        assert done.exit_code in (0, 1), done.output
        return done.stdout

    year("new", str(folder), "--plan", str(plan))
    path = folder / "年度台账.xlsx"
    book = openpyxl.load_workbook(path)
    for at, level in enumerate(MEETINGS, 4):
        book["会议"].cell(at, 1).value, book["会议"].cell(at, 2).value = f"议题{at}", level
    for at, project in enumerate(PROJECTS, 4):
        for column, value in enumerate(project, 1):
            book["评审"].cell(at, column).value = value or None
    for at, (quarter, due, sent) in enumerate(REPORTS, 4):
        book["季报"].cell(at, 1).value = quarter
        book["季报"].cell(at, 2).value = dt.date(2025, 3, due)
        book["季报"].cell(at, 3).value = dt.date(2025, 3, sent) if sent else None
    for at in (4, 5):
        book["材料"].cell(at, 1).value, book["材料"].cell(at, 2).value = at - 3, f"制度{at}"
    form = book["自评表"]
    labels = [str(cell.value or "").split("（")[0].removesuffix(" *") for cell in form[3]]
    claims = {"甲1": 5.25, "甲2": 10, "乙1": 14, "乙2": 4.5, "丙": 9.5}
    for row in range(4, form.max_row + 1):
        code = form.cell(row, 1).value
        if code in claims:
            form.cell(row, labels.index("自评得分") + 1).value = claims[code]
        if code == "甲2":
            form.cell(row, labels.index("佐证编号") + 1).value = "1-2"
    book.save(path)

    leaves = {one["indicator"]: one for one in json.loads(year("score", "--json"))["leaves"]}
    step = Fraction(25)
    part, whole = Fraction("412.5") + Fraction("287.5"), sum(Fraction(str(p[2])) for p in PROJECTS)
    wanted = {
        "甲1": 3 * 175,
        "甲2": Fraction(1000 * 2, 3) // step * step,
        "乙1": 2000 * part / whole // step * step,
        "乙2": 600 - 150,
        "丙": 1200 - 3 * 250,
        "丁": None,
    }
    assert {code: one["computed"] for code, one in leaves.items()} == wanted
    assert leaves["乙1"]["arithmetic"] == "20×700÷1000=14.00，得14.0分"
    assert leaves["甲2"]["arithmetic"] == "佐证2件，需3件，得6.5分"
    assert "没有登记：三" in leaves["丙"]["missing"]
    assert "“报出日期”2025-03-11，“截止日期”2025-03-10" in leaves["丙"]["missing"]
    assert leaves["丙"]["state"] == "自评高于计算"
    assert leaves["丁"]["evidence"].count("\n") == 2
    assert "可计算的指标分值 56.0" in year("score")
    printed = openpyxl.load_workbook(folder / "成果" / "县级自评得分.xlsx")
    assert printed.sheetnames == ["考核评分表", "差异和缺项", "佐证登记"]
