"""check-report from the command line: exit codes, the workbook, the comparison with a return."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result
from made_reports import REPORT, REPORTS, mended

from perfxl.cli import cli
from perfxl.errors import PerfxlError

SAMPLES = REPORT.parents[1]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["check-report", *map(str, arguments)])


def test_the_real_report(tmp_path: Path) -> None:
    out = tmp_path / "核对结果.xlsx"
    done = run(REPORT, "--out", out)
    assert done.exit_code == 1
    assert "矛盾 6 处，无法核对 0 处" in done.output
    for said in ("6 + 9 + 5 = 20 ≠ 22", "2 + 4 + 2 = 8 ≠ 9", "2 + 2 = 4 ≠ 8", "没有 国有资本经营"):
        assert said in done.output
    sheet = openpyxl.load_workbook(out).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=4)]
    assert [row[1] for row in rows[:7]] == ["矛盾"] * 6 + ["核对无误"]
    assert ["第 31 行", "6 + 9 + 5 = 20 ≠ 22，相差 2"] in [[row[3], row[8]] for row in rows]


def test_the_mended_report_is_fine(tmp_path: Path) -> None:
    report = tmp_path / "报告.txt"
    report.write_text(mended(), encoding="gb18030")
    done = run(report, "--json")
    assert done.exit_code == 0
    assert "矛盾" not in {one["verdict"] for one in json.loads(done.output)["findings"]}


def test_against_the_countys_return(tmp_path: Path) -> None:
    against = SAMPLES / "county" / "return.xlsx"
    same = json.loads(run(REPORT, "--against", against, "--json").output)["findings"]
    compared = [one for one in same if one["subject"] == "与工作簿"]
    assert {one["verdict"] for one in compared} == {"核对无误", "无法核对"}
    assert len([one for one in compared if one["verdict"] == "核对无误"]) == 43
    changed = tmp_path / "报告.txt"
    text = REPORT.read_text(encoding="utf-8")
    changed.write_text(
        text.replace("交流培训2分(自评得分2分)", "交流培训2分(自评得分1分)"), encoding="utf-8"
    )
    found = json.loads(run(changed, "--against", against, "--json").output)["findings"]
    (one,) = [f for f in found if f["subject"] == "与工作簿" and f["verdict"] == "矛盾"]
    assert (one["place"], one["arithmetic"]) == ("第 13 行", "1 ≠ 2")


def test_the_reports_text_never_becomes_a_formula_or_markup(tmp_path: Path) -> None:
    text, plants = REPORTS["inline sums"]
    old, new, _ = plants[0]
    report, out = tmp_path / "报告.txt", tmp_path / "a.xlsx"
    evil = text.replace(old, new).replace(
        "2023年度我县", '=HYPERLINK("http://x") [red]\x1b[31m我县'
    )
    report.write_text(evil, encoding="utf-8")
    done = run(report, "--out", out)
    assert done.exit_code == 1
    assert "\x1b" not in done.output
    assert "[red]" in done.output
    sheet = openpyxl.load_workbook(out).active
    assert any(str(cell.value).startswith("=HYPERLINK") for row in sheet for cell in row)
    assert all(cell.data_type != "f" and cell.hyperlink is None for row in sheet for cell in row)


def test_a_reports_mistakes_are_told(tmp_path: Path) -> None:
    other = tmp_path / "报告.rtf"
    other.write_bytes(b"{\\rtf1}")
    for arguments, said in (
        ((tmp_path / "nowhere.txt",), "没有这个文件"),
        ((other,), "不认识的报告格式"),
        ((REPORT, "--out", tmp_path / "a.docx"), "只能写为另一个 .xlsx"),
        ((REPORT, "--against", other), "考核方案"),
    ):
        done = run(*arguments)
        assert isinstance(done.exception, PerfxlError)
        assert said in str(done.exception)


def test_another_plan_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "return"
    folder.mkdir()
    shutil.copy(SAMPLES / "county" / "return.xlsx", folder)
    with pytest.raises(PerfxlError, match="考核方案"):
        run_raising(REPORT, "--against", folder / "return.xlsx")
    plan = SAMPLES / "county" / "考核方案.xlsx"
    assert run(REPORT, "--against", folder / "return.xlsx", "--plan", plan).exit_code == 1


def run_raising(*arguments: object) -> None:
    done = run(*arguments)
    assert done.exception is not None
    raise done.exception
