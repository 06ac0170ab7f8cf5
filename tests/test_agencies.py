"""Third-party agencies are assessed like departments, by another plan and the same code.

Two campaigns run side by side through the command line: one of the sample departments, one of the
agencies of ``samples/agencies``. Scores, totals, grades and ranks are reckoned once more from the
plans' sources (``made_by_plan``); what is printed uses each plan's own words.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from functools import partial
from pathlib import Path

import docx
import openpyxl
import pytest
from click.testing import CliRunner
from made_by_plan import MadeByPlan, Records, fill_return, fill_review

from perfxl.cli import cli
from perfxl.errors import PlanRefused
from perfxl.excel.reader import Grid, read_workbook
from perfxl.intake.extract import answers
from perfxl.last_year import read_last_year
from perfxl.plan.markdown import from_markdown
from perfxl.plan.model import Plan
from perfxl.plan.reading import read_plan
from perfxl.points import as_text
from perfxl.products.opinions import opinion_sheet
from perfxl.products.plan_workbook import plan_workbook
from perfxl.tables import FINDINGS, frame_of

ROOT = Path(__file__).resolve().parent.parent
# Units of measure and the bureau's own organs are called so everywhere.
_UNIT_WORD = re.compile(r"(?<!计量)(?<!元为)单位")
_AGENCY_WORD = re.compile(r"(?<!领导)(?<!第三方)(?<!内设)机构")


def agencies() -> Records:
    return from_markdown((ROOT / "samples/agencies/考核方案.md").read_text(encoding="utf-8"))


def departments() -> Records:
    """The sample plan with eight departments, among whom nobody is drawn for a spot check."""
    records = from_markdown((ROOT / "workbook_templates/考核方案.md").read_text(encoding="utf-8"))
    return {**records, "单位名录": records["单位名录"][:8]}


def perfxl(folder: Path, *arguments: object) -> str:
    line = ["-C", str(folder), *map(str, arguments)]
    done = CliRunner().invoke(cli, line, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def texts_of(path: Path) -> list[str]:
    """All that a document or a workbook shows, but for the names of fields of the plan's texts."""
    if path.suffix == ".docx":
        document = docx.Document(str(path))
        cells = [c.text for table in document.tables for row in table.rows for c in row.cells]
        return [paragraph.text for paragraph in document.paragraphs] + cells
    book = openpyxl.load_workbook(path)
    return [
        cell.value
        for sheet in book.worksheets
        if sheet.sheet_state == "visible" and sheet.title != "文稿依据"
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str)
    ]


class Run:
    """One campaign through all its stages."""

    def __init__(self, folder: Path, records: Records, late: str, called: str) -> None:
        self.made = MadeByPlan(records, late)
        self.folder, self.called = folder / self.made.info["考核编号"], called
        plan = folder / f"{self.made.info['考核编号']}.xlsx"
        plan.write_bytes(plan_workbook(records))
        perfxl(folder, "init", self.folder, "--plan", plan)
        self.answers = {unit: self.made.answers(unit) for unit in self.made.units}
        self.approved = {
            unit: self.made.approved(unit, made) for unit, made in self.answers.items()
        }

    def issue_and_ingest(self) -> None:
        perfxl(self.folder, "issue")
        late = self.folder.parent / f"迟到{self.folder.name}"
        late.mkdir()
        for path in (self.folder / "下发").rglob("*.xlsx"):
            unit = next(code for code in self.answers if f"-{code}-" in path.name)
            folder = late if unit == self.made.late else self.folder / "收件"
            fill_return(path, folder, self.answers[unit])
        perfxl(self.folder, "ingest", "--received", "2024-01-10")
        perfxl(self.folder, "ingest", late, "--received", "2024-02-20")

    def check(self) -> None:
        """A right return has no finding."""
        done = CliRunner().invoke(cli, ["-C", str(self.folder), "check", "--json"])
        told = json.loads(done.stdout)["findings"]
        assert [(one["unit"], one["code"], one["cell"], one["message"]) for one in told] == []

    def review(self) -> None:
        perfxl(self.folder, "review", "issue")
        typed = sum(
            fill_review(path, self.approved, f"{self.called}编码")
            for path in (self.folder / "股室评分").iterdir()
        )
        assert typed == sum(len(own) for own in self.approved.values())
        perfxl(self.folder, "review", "ingest")

    def publish(self) -> None:
        for verb in ("consolidate", "circular", "feedback"):
            perfxl(self.folder, verb)

    def standings(self) -> list[dict[str, object]]:
        kept = ("kind", "unit", "total", "grade", "status", "rank")
        rows = json.loads(perfxl(self.folder, "rank", "--json"))
        assert {row["provisional"] for row in rows} == {0}
        return [{key: row[key] for key in kept} for row in rows]

    def printed(self) -> list[Path]:
        """Everything that was made for people to read."""
        folders = ("下发", "成果", "反馈整改", "股室评分")
        return [
            path
            for name in folders
            for path in sorted((self.folder / name).rglob("*"))
            if path.suffix in (".xlsx", ".docx")
        ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """The two campaigns, stage by stage beside each other."""
    folder = tmp_path_factory.mktemp("beside")
    both = (
        Run(folder, agencies(), "JG03", "机构"),
        Run(folder, departments(), "103", "单位"),
    )
    for stage in (Run.issue_and_ingest, Run.check, Run.review, Run.publish):
        for run in both:
            stage(run)
    return both


@pytest.mark.slow
def test_results_are_those_of_the_oracle(runs: tuple[Run, Run]) -> None:
    for run in runs:
        wanted = run.made.standings(run.approved)
        found = run.standings()
        assert sorted(found, key=lambda one: str(one["unit"])) == sorted(
            wanted, key=lambda one: str(one["unit"])
        )
        assert [one["rank"] for one in found] == [one["rank"] for one in wanted]
        assert len({one["total"] for one in wanted}) > 3


@pytest.mark.slow
def test_documents_state_the_result_in_the_official_form(runs: tuple[Run, Run]) -> None:
    for run in runs:
        documents = [path for path in run.printed() if path.suffix == ".docx"]
        # A circular, a report, a public version, and a notice for each of the assessed.
        assert len(documents) == 3 + len(run.made.units)
        for path in documents:
            perfxl(run.folder, "check-form", path)
        wanted = run.made.standings(run.approved)
        text = "\n".join(texts_of(run.folder / "成果" / "通报.docx"))
        mean = sum(Fraction(str(one["total"])) for one in wanted) / len(wanted)
        assert f"平均得分{float(round(mean, 2)):.2f}"[:8] in text
        assert f"最高{wanted[0]['total']}分，最低{wanted[-1]['total']}分" in text
        names = {code: row["单位名称"] for code, row in run.made.units.items()}
        assert all(names[str(one["unit"])] in text for one in wanted)
        assert f"其中1个{run.called}在" in text


@pytest.mark.slow
def test_each_campaign_is_printed_in_its_own_words(runs: tuple[Run, Run]) -> None:
    of_agencies, of_departments = runs
    for run, foreign in ((of_agencies, _UNIT_WORD), (of_departments, _AGENCY_WORD)):
        for path in run.printed():
            found = [text for text in texts_of(path) if foreign.search(text)]
            assert found == [], path.name
    agency_words = [text for path in of_agencies.printed() for text in texts_of(path)]
    assert not [text for text in agency_words if "乡镇" in text or "各部门" in text]
    assert any("机构名称" in text for text in agency_words)


@pytest.mark.slow
def test_next_year_reads_this_years_workbook(runs: tuple[Run, Run]) -> None:
    """Its headings are in the plan's words; another word, or none, is no hindrance."""
    for run in runs:
        data = (run.folder / "成果" / "综合评分表.xlsx").read_bytes()
        sheets = read_workbook(data, "上年.xlsx").sheets
        last = read_last_year(sheets, "上年.xlsx", partial(re.sub, "单位", run.called))
        assert sorted(last.totals["unit"]) == sorted(run.made.units)
        wanted = {str(one["unit"]): one["total"] for one in run.standings()}
        assert {row.unit: as_text(row.total, 2) for row in last.totals.itertuples()} == wanted


@pytest.fixture(scope="module")
def agency_plan() -> Plan:
    grid = read_workbook((ROOT / "samples/agencies/考核方案.xlsx").read_bytes(), "方案")
    return read_plan("考核方案.xlsx", grid.sheets)


def test_an_agency_explains_under_its_own_heading(agency_plan: Plan) -> None:
    """What the marked copy asks for is found again when it comes back."""
    finding = dict.fromkeys(FINDINGS, "") | {
        "code": "F602", "severity": "核实", "sheet": "评价项目", "cell": "A4", "message": "请看",
    }  # fmt: skip
    sheet = opinion_sheet(agency_plan, agency_plan.units[0], frame_of([finding], FINDINGS))
    assert sheet.headings[-1] == "机构说明" and "“机构说明”" in sheet.note
    rows = [list(sheet.headings), [*sheet.rows[0][:-1], "情况属实"]]
    assert answers(agency_plan, Grid({"审核意见": rows})) == {("F602", "请看"): "情况属实"}


def test_only_the_word_for_the_assessed_changes(agency_plan: Plan, plan: Plan) -> None:
    text = "各单位、本单位说明；计量单位；单位：万元；事业单位"
    assert plan.campaign.worded(text) == text
    assert agency_plan.campaign.worded(text) == "各机构、本机构说明；计量单位；单位：万元；事业单位"


@pytest.mark.parametrize("word", ["机构1", "第三方评价机构", "机 构"])
def test_a_word_that_is_none_is_refused_at_its_cell(word: str) -> None:
    records = agencies()
    sheets = {
        name: [list(rows[0]), *(list(row.values()) for row in rows)]
        for name, rows in records.items()
        if rows
    }
    at = next(n for n, row in enumerate(sheets["考核信息"]) if row[0] == "对象称谓")
    sheets["考核信息"][at][1] = word
    with pytest.raises(PlanRefused) as refused:
        read_plan("考核方案.xlsx", sheets)
    (mistake,) = refused.value.mistakes
    assert (mistake.code, mistake.place.cell) == ("P105", f"B{at + 1}")
