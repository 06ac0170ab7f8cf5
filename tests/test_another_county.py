"""A whole campaign of a county unlike the sample, through the command line, with no change of code.

``plans/another_county.md`` declares other kinds of units, sections, registers, weights, codes,
grades, ties and late rule. The workbooks are filled in by their headings; every score, total,
grade and rank is reckoned here once more, in fractions, from what was typed.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import sys
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from pathlib import Path

import docx
import openpyxl
import pytest
from click.testing import CliRunner

from perfxl.cli import cli
from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook

SOURCE = Path(__file__).parent / "plans" / "another_county.md"
TEXTS = Path(__file__).parent.parent / "workbook_templates" / "考核方案.md"
# The texts of the documents are of no county; the other one takes them over.
RECORDS = from_markdown(SOURCE.read_text(encoding="utf-8")) | {
    "文稿": from_markdown(TEXTS.read_text(encoding="utf-8"))["文稿"]
}
KIND_OF = {row["单位编码"]: row["单位类别"] for row in RECORDS["单位名录"]}
GRADES = (("优秀", "92.5"), ("良好", "85"), ("中等", "75"), ("合格", "60"), ("不合格", "0"))
LATE, ABSENT, WRONG = "BM07", ("BM10", "XX09"), "BM05"
NO_CONTRACTS, TWINS = ("BM03", "GQ04"), ("XX02", "XX03")
CENTRE = "LZ-2025-绩效评价中心-评分表.xlsx"

Records = dict[str, list[dict[str, str]]]
Number = Fraction | int
Scores = dict[str, Fraction | None]
Marks = dict[str, dict[str, Fraction]]


def perfxl(folder: Path, *arguments: object, code: int = 0) -> str:
    """Run a command in a campaign folder, in this process; its standard output."""
    line = ["-C", str(folder), *map(str, arguments)]
    done = CliRunner().invoke(cli, line, catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


def installed(*arguments: object) -> str:
    """Run the installed command line in a process of its own; its standard output."""
    command = [sys.executable, "-X", "utf8", "-m", "perfxl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def write_plan(path: Path, records: Records) -> Path:
    path.write_bytes(plan_workbook(records))
    return path


@dataclass
class Answers:
    """What one unit types in; ``judged`` are the scores of indicators that no method computes."""

    evidence: list[dict[str, object]] = field(default_factory=list)
    contracts: list[dict[str, object]] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)
    cited: dict[str, str] = field(default_factory=dict)
    judged: dict[str, Fraction] = field(default_factory=dict)

    def cite(self, code: str, pieces: int, sort: str = "其他") -> None:
        """Register pieces of evidence and cite them for an indicator."""
        first = len(self.evidence) + 1
        for number in range(first, first + pieces):
            page = f"https://www.example.com/{number}.html"
            row = {"序号": number, "文件名称": f"材料{number}", "材料类型": sort, "网页链接": page}
            self.evidence.append(row)
        self.cited[code] = "、".join(map(str, range(first, first + pieces)))


def answers_of(unit: str) -> Answers:
    """Made-up answers of a unit, the same in every run; the twins answer alike."""
    chance = random.Random(f"2025 {TWINS[0] if unit in TWINS else unit}")
    answers, quarter = Answers(), Fraction(1, 4)
    for number in range(0 if unit in NO_CONTRACTS else chance.randint(2, 6)):
        due = dt.date(2025, chance.randint(3, 11), 15)
        delay = chance.choice((-20, -3, 0, 12))
        answers.contracts.append(
            {
                "合同编号": f"{unit}-{number:02d}",
                "合同名称": f"采购合同{number}",
                "合同类别": chance.choice(("货物", "工程", "服务")),
                "合同金额": chance.randint(2_000, 30_000) / 100,
                "约定验收日期": due,
                "验收日期": due + dt.timedelta(delay),
                "履约评分": chance.choice((55, 60, 92.5)),
                "含绩效条款": chance.choice("是是是否"),
                "延期原因": "天气" if delay > 0 else None,
            }
        )
    if unit.startswith("BM"):
        answers.cite("1.1.1", 2)
        answers.cite("1.1.2", 1)
        answers.cite("1.2", chance.randint(1, 4), "制度办法")
        answers.cite("3.2", 1)
        answers.cite("4.2", 1)
        projects = chance.randint(8, 20)
        answers.figures = {
            "预算项目总数": projects,
            "已编报目标项目数": projects - chance.choice((0, 1, 3, 7)),
        }
        answers.judged = {
            "1.1.2": 6 - chance.randint(0, 3) * quarter,
            "4.2": 12 - chance.randint(0, 6) * quarter,
        }
    elif unit.startswith("GQ"):
        answers.cite("A1", 1)
        answers.figures = {
            "制度办法数": chance.randint(1, 7),
            "国资预算安排数": 400,
            "国资预算执行数": chance.randint(240, 400),
        }
        answers.judged = {"C/2": Fraction(11) + chance.randint(0, 6) * quarter}
    else:
        answers.cite("A1", 1)
        answers.cite("A5", 1)
        answers.figures = {"财务培训次数": chance.randint(1, 5), "被通报次数": chance.randint(0, 2)}
        answers.judged = {"A2": Fraction(15) + chance.randint(0, 20) * quarter}
    return answers


def ratio(marks: str, top: Number, bottom: Number, least: str = "0") -> Fraction | None:
    """The 比率 method once more: cut to 0.25, 0 below the floor, None where not applicable."""
    if not bottom:
        return None
    share = Fraction(top) / Fraction(bottom)
    cut = Fraction(floor(4 * Fraction(marks) * share), 4)
    return cut if share >= Fraction(least) else Fraction(0)


def computed(unit: str, answers: Answers) -> Scores:
    """What the plan's methods give, reckoned from what the unit typed."""
    rows, figures = answers.contracts, answers.figures

    def money(found: list[dict[str, object]]) -> Fraction:
        return sum((Fraction(str(row["合同金额"])) for row in found), Fraction(0))

    def sorts(found: list[dict[str, object]]) -> int:
        return len({row["合同类别"] for row in found})

    promised = [row for row in rows if row["含绩效条款"] == "是"]
    punctual = [row for row in rows if row["验收日期"] <= row["约定验收日期"]]
    terms = money(promised), money(rows)
    if unit.startswith("BM"):
        regulations = sum(row["材料类型"] == "制度办法" for row in answers.evidence)
        return {
            "1.1.1": Fraction("6.25"),
            "3.2": Fraction("7.5"),
            "1.2": min(Fraction("7.5"), regulations * Fraction("2.5")),
            "2.1": ratio("12.5", *terms, "0.5"),
            "2.2": ratio("12.5", sum(row["履约评分"] >= 60 for row in punctual), len(rows)),
            "2.3": ratio("5", sorts(promised), sorts(rows)),
            "3.1": ratio("12.5", figures["已编报目标项目数"], figures["预算项目总数"], "0.6"),
            "5.1": Fraction("7.5") - (Fraction("1.25") if unit == LATE else 0),
        }
    if unit.startswith("GQ"):
        large = [row for row in rows if row["合同金额"] >= 100]
        return {
            "A1": Fraction("12.5"),
            "B-1": ratio("18.75", *terms),
            "A2": ratio("25", figures["国资预算执行数"], figures["国资预算安排数"], "0.7"),
            "B-2": ratio("18.75", sum(row in punctual for row in large), len(large)),
            "C/1": min(Fraction("12.5"), figures["制度办法数"] * Fraction("2.5")),
        }
    return {
        "A1": Fraction(15),
        "A3": min(Fraction(25), figures["财务培训次数"] * Fraction("6.25")),
        "A4": ratio("20", *terms),
        "A5": Fraction("12.5"),
        "A6": max(Fraction(0), Fraction("7.5") - figures["被通报次数"] * Fraction("2.5")),
    }


class Book:
    """A workbook that a person fills in: rows and columns found by what is printed in them."""

    def __init__(self, path: Path) -> None:
        self.path, self.book = path, openpyxl.load_workbook(path)

    def columns(self, sheet: str, *labels: str) -> tuple[int, dict[str, int]]:
        """The heading row that has these labels, and the columns under them."""
        for row in self.book[sheet].iter_rows():
            printed = [str(cell.value or "").removesuffix(" *").split("（")[0] for cell in row]
            found = {label: column for column, label in enumerate(printed, 1)}
            if set(labels) <= set(found):
                return row[0].row, found
        raise KeyError(labels)

    def rows(self, sheet: str, key: str) -> dict[str, int]:
        """Row numbers by the text under a heading."""
        heading, columns = self.columns(sheet, key)
        ws, column = self.book[sheet], columns[key]
        below = range(heading + 1, ws.max_row + 1)
        return {str(ws.cell(row, column).value or ""): row for row in below}

    def put(self, sheet: str, row: int, values: dict[str, object]) -> None:
        """Type values under the headings of these names."""
        _, columns = self.columns(sheet, *values)
        for label, value in values.items():
            self.book[sheet].cell(row, columns[label]).value = value


def fill_return(path: Path, folder: Path, answers: Answers, claims: Scores) -> None:
    book = Book(path)
    for row in book.book["封面"].iter_rows():
        for cell in row:
            if cell.value in ("填报人 *", "联系电话 *"):
                book.book["封面"].cell(cell.row, cell.column + 1).value = "0936-5521234"
    for sheet, lines in (("佐证台账", answers.evidence), ("合同台账", answers.contracts)):
        for number, line in enumerate(lines):
            heading, _ = book.columns(sheet, *line)
            book.put(sheet, heading + 1 + number, line)
    items = book.rows("数据项", "数据项")
    for item, figure in answers.figures.items():
        book.put("数据项", items[item], {"数值": figure})
    for code, row in book.rows("自评表", "编码").items():
        claim = claims.get(code)
        if claim is not None:
            reason = {"扣分原因": "尚有不足", "佐证编号": answers.cited.get(code)}
            book.put("自评表", row, {"自评得分": float(claim), **reason})
    book.book.save(folder / path.name)


def fill_review(path: Path, approved: dict[str, Scores]) -> None:
    book = Book(path)
    heading, columns = book.columns("评分表", "单位编码", "指标编码", "核定得分")
    sheet = book.book["评分表"]
    for row in range(heading + 1, sheet.max_row + 1):
        unit, code = (sheet.cell(row, columns[name]).value for name in ("单位编码", "指标编码"))
        score = approved.get(unit, {}).get(code)
        if score is not None:
            typed = {"核定得分": float(score), "扣分原因": "按标准扣分", "评分人": "马玉霞"}
            book.put("评分表", row, typed)
    book.book.save(path)


def standings(scores: dict[str, Scores], marks: Marks, full: int) -> list[dict[str, object]]:
    """Totals, grades and dense ranks as ``rank --json`` gives them, from scores in fractions."""

    def shown(number: Fraction) -> str:
        cents = floor(100 * number + Fraction(1, 2))
        return f"{cents // 100}.{cents % 100:02d}"

    result = []
    for kind in marks:
        rows = []
        for unit, own in scores.items():
            if KIND_OF[unit] != kind:
                continue
            valid = {code: score for code, score in own.items() if score is not None}
            most = sum(marks[kind][code] for code in valid)
            deducted = 2 if unit == LATE else 0
            exact = max(Fraction(0), sum(valid.values()) / most * full - deducted)
            grade = next(name for name, least in GRADES if exact / full * 100 >= Fraction(least))
            status = "未报送" if unit in ABSENT else "逾期" if unit == LATE else "按时"
            rows.append(
                (
                    unit in ABSENT,
                    -exact,
                    {
                        "kind": kind,
                        "unit": unit,
                        "total": shown(exact),
                        "sum": shown(sum(valid.values(), Fraction(0))),
                        "applicable": shown(most),
                        "deducted": shown(Fraction(deducted)),
                        "grade": "—" if status == "未报送" else grade,
                        "status": status,
                    },
                )
            )
        rows.sort(key=lambda row: row[:2])
        distinct = sorted({exact for absent, exact, _ in rows if not absent})
        result += [
            {**row, "rank": None if absent else distinct.index(exact) + 1}
            for absent, exact, row in rows
        ]
    return result


def ranking(folder: Path) -> tuple[list[dict[str, object]], int]:
    """What ``rank --json`` says, and how many scores are provisional."""
    rows = json.loads(perfxl(folder, "rank", "--json"))
    provisional = sum(row.pop("provisional") for row in rows)
    return [{k: v for k, v in row.items() if k != "name"} for row in rows], provisional


MARKS = {
    sheet.removeprefix("指标体系（").removesuffix("）"): {
        row["编码"]: Fraction(row["分值"]) for row in rows
    }
    for sheet, rows in RECORDS.items()
    if sheet.startswith("指标体系")
}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign whose 40 workbooks are issued."""
    folder = tmp_path_factory.mktemp("county") / "考核2025"
    plan = write_plan(folder.with_suffix(".xlsx"), RECORDS)
    assert "40 个单位" in installed("init", folder, "--plan", plan)
    assert from_markdown(installed("-C", folder, "plan")) == RECORDS
    assert "已写 40 份" in installed("-C", folder, "issue")
    assert "已写 0 份，未变 40 份" in perfxl(folder, "issue")
    return folder


def return_all(campaign: Path, machine: dict[str, Scores], returned: dict[str, Answers]) -> int:
    """Fill in and take in all returns; the row on which the one mistake was made."""
    issued = {path.name.split("-")[2]: path for path in (campaign / "下发").rglob("*.xlsx")}
    assert set(issued) == set(KIND_OF)
    late, on_time = campaign.parent / "迟到", campaign / "收件"
    late.mkdir()
    for unit, answers in returned.items():
        claims = {**machine[unit], **answers.judged, "5.1": None}
        if unit == WRONG:
            claims["1.2"] = Fraction(8)
        fill_return(issued[unit], late if unit == LATE else on_time, answers, claims)
    taken = perfxl(campaign, "ingest", "--received", "2026-02-10 17:30")
    assert "新收 37 个（有效 37 个）" in taken
    assert "新收 1 个" in perfxl(campaign, "ingest", late, "--received", "2026-02-10 17:31")
    assert "新收 0 个（有效 0 个），以前收过 37 个" in perfxl(campaign, "ingest")
    return Book(issued[WRONG]).rows("自评表", "编码")["1.2"]


def approve(unit: str, own: Scores) -> Scores:
    """The sections' scores of a unit: what stood before, less up to 1.5, and the centre's own."""
    chance = random.Random(f"approved {TWINS[0] if unit in TWINS else unit}")
    approved: Scores = {}
    for code, score in own.items():
        less = Fraction(chance.randint(0, 6), 4)
        approved[code] = None if score is None else max(Fraction(0), score - less)
    if unit.startswith("BM"):
        found = chance.randint(0, 3) * Fraction("0.75")
        approved |= {"4.1": 10 - found, "5.1": own["5.1"]}
    return approved


@pytest.mark.slow
def test_whole_campaign(campaign: Path) -> None:
    nothing = {unit: dict.fromkeys(MARKS[KIND_OF[unit]], Fraction(0)) for unit in ABSENT}
    returned = {unit: answers_of(unit) for unit in KIND_OF if unit not in ABSENT}
    machine = {unit: computed(unit, answers) for unit, answers in returned.items()}
    row = return_all(campaign, machine, returned)

    # Checks: the one mistake that was made, at its cell.
    # (That some units have nothing in a register, and several indicators idle for it, is asked about.)
    told = json.loads(perfxl(campaign, "check", "--json", code=1))["findings"]
    assert {f["severity"] for f in told if f["code"] == "F506"} <= {"核实"}
    findings = [f for f in told if f["code"] != "F506"]
    wrong = [(f["unit"], f["code"], f["sheet"], f["cell"]) for f in findings]
    assert wrong == [(WRONG, "F203", "自评表", f"F{row}")]
    assert findings[0]["message"] == "1.2 制度办法：自评得分 8 超过分值 7.5"

    # Before any section has judged, the computed scores and the claims stand provisionally.
    scores = {unit: {**nothing.get(unit, {}), **machine.get(unit, {})} for unit in KIND_OF}
    for unit, answers in returned.items():
        scores[unit] |= answers.judged | ({"4.1": Fraction(0)} if unit.startswith("BM") else {})
    counted = sum(score is not None for unit in returned for score in scores[unit].values())
    assert ranking(campaign) == (standings(scores, MARKS, 100), counted)

    # The sections judge; the centre's book comes only after the first consolidation.
    perfxl(campaign, "review", "issue")
    books = sorted((campaign / "股室评分").iterdir())
    assert len(books) == 6
    approved = {unit: approve(unit, scores[unit]) for unit in returned}
    for book in books:
        if book.name != CENTRE:
            fill_review(book, approved)
    perfxl(campaign, "review", "ingest")
    perfxl(campaign, "consolidate")
    first = (campaign / "成果" / "综合评分表.xlsx").read_bytes()
    assert "讨论稿" in perfxl(campaign, "circular")
    so_far = {**nothing, **approved}
    offices = [unit for unit in returned if unit.startswith("BM")]
    for unit in offices:
        so_far[unit] = {**approved[unit], "4.1": Fraction(0), "5.1": machine[unit]["5.1"]}
    assert ranking(campaign) == (standings(so_far, MARKS, 100), 2 * len(offices))

    # A new book offers the approved scores; nothing that a section entered is lost.
    perfxl(campaign, "review", "issue")
    fill_review(campaign / "股室评分" / CENTRE, approved)
    perfxl(campaign, "review", "ingest")
    perfxl(campaign, "consolidate")
    assert [path.read_bytes() for path in (campaign / "成果" / "历次").iterdir()] == [first]
    final = standings({**nothing, **approved}, MARKS, 100)
    assert ranking(campaign) == (final, 0)
    ranks = {line["unit"]: line["rank"] for line in final if line["kind"] == "学校"}
    assert ranks[TWINS[0]] == ranks[TWINS[1]]
    assert set(ranks.values()) == {None, *range(1, 9)}  # 9 schools on 8 ranks, one without

    perfxl(campaign, "circular")
    check_circular(campaign / "成果" / "通报.docx", [str(line["total"]) for line in final])


def check_circular(path: Path, totals: list[str]) -> None:
    document = docx.Document(str(path))
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert "2025年度预算绩效管理综合考核情况的通报" in text
    assert "讨论稿" not in text
    assert "县直部门24个、国有企业6个、学校10个" in text
    assert "按时报送考核材料的单位37个，逾期报送的1个，未报送的2个" in text
    assert "2026年5月4日" in text  # issued 2026-03-20, 45 days to mend
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert sorted(totals) == sorted(text for text in cells if text in totals)


SCHOOLS = [row for row in RECORDS["单位名录"] if row["单位编码"] in ("XX01", *TWINS)]


def changed(sheet: str, key: str, name: str, label: str, value: str) -> Records:
    """The plan with the cell under ``label`` changed in the row with ``name`` under ``key``."""
    rows = [{**row, label: value} if row[key] == name else row for row in RECORDS[sheet]]
    return {**RECORDS, sheet: rows}


def three_schools(folder: Path, records: Records) -> Path:
    """A campaign of three schools, issued; the other kinds keep their rubrics and have no unit."""
    plan = write_plan(folder / "方案.xlsx", {**records, "单位名录": SCHOOLS})
    perfxl(folder, "init", folder / "考核", "--plan", plan)
    perfxl(folder / "考核", "issue")
    return folder / "考核"


def test_full_marks_of_150_and_kinds_without_units(tmp_path: Path) -> None:
    extra = {"编码": "Z1", "一级指标": "附加工作", "分值": "50", "评分方法": "人工"}
    records = changed("考核信息", "项目", "满分", "内容", "150")
    for sheet in records:
        if sheet.startswith("指标体系"):
            records[sheet] = [*records[sheet], extra]
    folder = three_schools(tmp_path, records)
    scores: dict[str, Scores] = {}
    for bonus, path in zip((50, 50, 30), sorted((folder / "下发" / "学校").iterdir()), strict=True):
        unit = path.name.split("-")[2]
        answers = answers_of(unit)
        answers.judged["Z1"] = Fraction(bonus)
        scores[unit] = {**computed(unit, answers), **answers.judged}
        fill_return(path, folder / "收件", answers, scores[unit])
    perfxl(folder, "ingest", "--received", "2026-02-01")
    marks = {"学校": {**MARKS["学校"], "Z1": Fraction(50)}}
    assert ranking(folder) == (standings(scores, marks, 150), 21)
    perfxl(folder, "consolidate")
    perfxl(folder, "circular")


def test_before_any_return(tmp_path: Path) -> None:
    """An office asks for the status as soon as it has issued."""
    folder = three_schools(tmp_path, RECORDS)
    units = json.loads(perfxl(folder, "status", "--json"))["units"]
    assert [unit["status"] for unit in units] == ["未报送"] * 3
    assert [line["rank"] for line in ranking(folder)[0]] == [None] * 3


def test_evidence_in_proportion_is_no_error(tmp_path: Path) -> None:
    """The 佐证 method gives half the marks for one piece of two; claiming just that is right."""
    records = changed("指标体系（学校）", "编码", "A1", "佐证件数", "2")
    folder = three_schools(tmp_path, records)
    path = min((folder / "下发" / "学校").iterdir())
    answers = answers_of("XX01")
    claims = {**computed("XX01", answers), **answers.judged, "A1": Fraction("7.5")}
    fill_return(path, folder / "收件", answers, claims)
    perfxl(folder, "ingest", "--received", "2026-02-01")
    assert json.loads(perfxl(folder, "check", "--json"))["findings"] == []


def test_a_new_deadline_reaches_the_units(tmp_path: Path) -> None:
    """What the cover and the instructions show is issued again when the plan changes it."""
    folder = three_schools(tmp_path, RECORDS)
    records = changed("考核信息", "项目", "报送截止时间", "内容", "2026-02-28")
    write_plan(folder / "考核方案.xlsx", {**records, "单位名录": SCHOOLS})
    assert "已写 3 份" in perfxl(folder, "issue")
