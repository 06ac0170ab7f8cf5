"""Makes the samples anew: the county's own return, 31 filled-in returns, filled review books.

    python samples/make_samples.py

Every figure in ``county/`` comes from the source report (``county/填报内容.md``). Everything in
``returns/`` and ``reviews/`` is made up: a seeded generator fills in the issued workbooks with
openpyxl, as an office would by hand, and ``FAULTS`` then spoils some of them. ``manifest.csv``
lists each file with the finding codes that it must give.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
from openpyxl.workbook import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from perfxl.campaign import Campaign, read_plan_file
from perfxl.excel.stamp import Stamp
from perfxl.layout.declare import NUMERIC
from perfxl.plan.markdown import from_markdown
from perfxl.plan.methods import Count, Deduct, Evidence, Facts, Manual, Ratio
from perfxl.plan.model import Indicator, Plan, Unit
from perfxl.points import as_float
from perfxl.products.template import template
from perfxl.stages.demo import SAMPLE_STAMP_KEY, ingest_samples
from perfxl.stages.review import book_path, issue_books

HERE = Path(__file__).resolve().parent
PLAN = HERE.parent / "workbook_templates" / "考核方案.xlsx"
SEED = 2023
ON_TIME, LATE = dt.datetime(2024, 1, 12, 9, 30), dt.datetime(2024, 1, 17, 15, 20)

PROJECTS = (
    "农村公路养护",
    "校舍维修改造",
    "基层卫生服务能力提升",
    "高标准农田建设",
    "老旧小区改造",
    "公益林管护",
    "文物保护修缮",
    "执法装备购置",
    "信息系统运行维护",
    "防汛物资储备",
    "困难群众救助",
    "人居环境整治",
    "技能培训补贴",
    "应急演练",
    "重点工作经费",
)
FUNDS = (
    "一般公共预算",
    "一般公共预算",
    "一般公共预算",
    "政府性基金预算",
    "国有资本经营预算",
    "社会保险基金预算",
)


class Form:
    """A workbook to fill in: rows found by the text in a column, columns by their heading."""

    def __init__(self, data: bytes) -> None:
        self.book: Workbook = openpyxl.load_workbook(io.BytesIO(data))

    def sheet(self, name: str) -> Worksheet:
        """The sheet of this name."""
        return self.book[name]

    def column(self, sheet: str, label: str) -> int:
        """The 1-based column under a heading."""
        for cell in self.sheet(sheet)[3]:
            if str(cell.value or "").split("（")[0].removesuffix(" *") == label:
                return int(cell.column)
        raise KeyError(label)

    def row(self, sheet: str, key: str, label: str) -> int:
        """The 1-based row that has ``key`` under a heading."""
        column = self.column(sheet, label)
        for row in range(4, self.sheet(sheet).max_row + 1):
            if str(self.sheet(sheet).cell(row, column).value or "") == key:
                return row
        raise KeyError(key)

    def put(self, sheet: str, row: int, label: str, value: object) -> None:
        """Type a value."""
        self.sheet(sheet).cell(row, self.column(sheet, label)).value = value  # type: ignore[assignment]

    def score(self, code: str, label: str, value: object) -> None:
        """Type into the 自评表."""
        self.put("自评表", self.row("自评表", code, "编码"), label, value)

    def cover(self, label: str, value: str) -> None:
        """Type on the cover."""
        for row in self.sheet("封面").iter_rows():
            for cell in row:
                if str(cell.value or "").removesuffix(" *") == label:
                    self.sheet("封面").cell(cell.row, cell.column + 1).value = value
                    return
        raise KeyError(label)

    def register(self, name: str, rows: list[dict[str, object]]) -> None:
        """Type a register's rows."""
        for offset, row in enumerate(rows):
            for label, value in row.items():
                self.put(name, 4 + offset, label, value)

    def save(self, path: Path) -> None:
        """Save where the office would."""
        self.book.properties.modified = dt.datetime(2024, 1, 10)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.book.save(path)


@dataclass
class Answers:
    """What one unit fills in."""

    evidence: list[dict[str, object]] = field(default_factory=list)
    projects: list[dict[str, object]] = field(default_factory=list)
    problems: list[dict[str, object]] = field(default_factory=list)
    own_indicators: int = 0
    cited: dict[str, list[str]] = field(default_factory=dict)
    scores: dict[str, tuple[int | None, str, str]] = field(default_factory=dict)

    def add_evidence(
        self, code: str, title: str, kind: str, unit: Unit, *, url: bool = False
    ) -> None:
        """Register a piece of evidence and cite it for an indicator."""
        number = str(len(self.evidence) + 1)
        mark = unit.short_names[-1][:1] if unit.short_names else "单"
        row: dict[str, object] = {
            "材料编号": number,
            "材料名称": title,
            "材料类别": kind,
            "文号": f"石{mark}发〔2023〕{int(unit.code) % 100 * 3 + len(self.evidence)}号",
            "成文日期": dt.date(2023, 1 + len(self.evidence) % 12, 5 + len(self.evidence)),
        }
        if url:
            row["公开网址"] = f"http://www.example.com/gk/{unit.code}/{number}.html"
        self.evidence.append(row)
        self.cited.setdefault(code, []).append(number)


def right_answers(
    plan: Plan, unit: Unit, chance: random.Random, projects: tuple[int, int] = (4, 9)
) -> Answers:
    """Made-up answers without a mistake: claims are what the methods give."""
    answers = Answers()
    for _ in range(chance.randint(*projects)):
        answers.projects.append(_project(unit, len(answers.projects) + 1, chance))
    for _ in range(chance.choice((0, 1, 2, 3))):
        answers.problems.append(_problem(unit, len(answers.problems) + 1, chance))
    answers.own_indicators = chance.randint(3, 9)
    for indicator in plan.rubrics[unit.kind].indicators:
        _claim(answers, indicator, unit, chance)
    return answers


def _project(unit: Unit, number: int, chance: random.Random) -> dict[str, object]:
    budget = chance.randint(2_000, 400_000)
    spent = budget * chance.choice((100, 100, 99, 97, 95, 93, 82)) // 100

    def yes(odds: float) -> str:
        return "是" if chance.random() < odds else "否"

    new = yes(0.3)
    evaluated = yes(0.93)
    return {
        "项目编码": f"1411{unit.code}23{number:04d}",
        "项目名称": f"2023年{PROJECTS[(int(unit.code) + number) % len(PROJECTS)]}（{number}）",
        "资金性质": chance.choice(FUNDS),
        "年初预算数": as_float(budget * chance.choice((100, 100, 90)) // 100),
        "全年预算数": as_float(budget),
        "全年执行数": as_float(spent),
        "新增重大项目": new,
        "开展事前评估": "是" if new == "是" and chance.random() < 0.8 else "否",
        "设置绩效目标": yes(0.95),
        "开展绩效监控": yes(0.9),
        "开展绩效自评": evaluated,
        "开展部门评价": yes(0.25),
        "公开自评结果": evaluated if chance.random() < 0.9 else "否",
        "偏差原因": "工程跨年实施，尾款按进度支付" if spent * 10 < budget * 9 else None,
    }


def _problem(unit: Unit, number: int, chance: random.Random) -> dict[str, object]:
    done = chance.random() < 0.8
    return {
        "问题编号": f"{unit.code}-{number}",
        "问题描述": chance.choice(
            ("个别项目绩效指标不够量化", "监控报告未附偏差分析", "自评材料归档不全")
        ),
        "问题来源": chance.choice(("财政评价", "自评抽查", "绩效考核")),
        "反馈日期": dt.date(2023, 5, 10),
        "整改期限": dt.date(2023, 6, 10),
        "整改措施": "修订指标并补充材料",
        "责任人": "财务室",
        "完成日期": dt.date(2023, 6, 1) if done else None,
        "完成情况": "已完成" if done else "整改中",
    }


def _claim(answers: Answers, indicator: Indicator, unit: Unit, chance: random.Random) -> None:
    code, name = indicator.code, indicator.name
    kinds = {"内部绩效管理制度": "内部制度", "培训与宣传": "培训宣传"}
    match indicator.method:
        case Evidence() | Manual():
            answers.add_evidence(
                code, f"关于{name}的材料", "其他", unit, url=indicator.url_required
            )
        case Count():
            times = chance.randint(1, 3) if name in kinds else 1
            for number in range(times):
                answers.add_evidence(
                    code, f"{name}材料之{number + 1}", kinds.get(name, "其他"), unit
                )
        case Ratio() | Deduct():
            pass
    marks = indicator.full_marks
    if isinstance(indicator.method, Deduct):
        score: int | None = None if indicator.method.item == "材料逾期和退回次数" else marks
    elif isinstance(indicator.method, Manual):
        score = marks - chance.choice((0, 0, 50, 100))
    else:
        facts = Facts(_items(answers), len(answers.cited.get(code, ())))
        score = indicator.method.score(marks, 50, facts).score
    reason = "" if score is None or score == marks else "对照评分标准，部分工作尚未达到要求"
    answers.scores[code] = (score, f"已按要求开展{name}工作，材料见佐证。", reason)


def _items(answers: Answers) -> dict[str, int | None]:
    """The plan's data items, counted here once more and independently of perfxl."""
    projects, problems = answers.projects, answers.problems

    def count(rows: list[dict[str, object]], **wanted: object) -> int:
        return sum(all(row[key] == value for key, value in wanted.items()) for row in rows) * 100

    def money(**wanted: object) -> int:
        rows = [p for p in projects if all(p[key] == value for key, value in wanted.items())]
        return sum(round(float(str(row["全年预算数"])) * 100) for row in rows)

    done = [p for p in problems if p["完成情况"] == "已完成"]
    return {
        "内部绩效管理制度数": count(answers.evidence, 材料类别="内部制度"),
        "个性指标数": answers.own_indicators * 100,
        "培训宣传次数": count(answers.evidence, 材料类别="培训宣传"),
        "新增重大项目数": count(projects, 新增重大项目="是"),
        "新增重大项目已评估数": count(projects, 新增重大项目="是", 开展事前评估="是"),
        "项目全年预算数": money(),
        "设目标项目全年预算数": money(设置绩效目标="是"),
        "涉及的资金性质数": len({p["资金性质"] for p in projects}) * 100,
        "有目标的资金性质数": len({p["资金性质"] for p in projects if p["设置绩效目标"] == "是"})
        * 100,
        "项目数": len(projects) * 100,
        "监控项目数": count(projects, 开展绩效监控="是"),
        "自评项目全年预算数": money(开展绩效自评="是"),
        "部门评价数": count(projects, 开展部门评价="是"),
        "应整改问题数": len(problems) * 100,
        "按期完成整改问题数": len(done) * 100,
        "自评项目数": count(projects, 开展绩效自评="是"),
        "已公开自评项目数": count(projects, 开展绩效自评="是", 公开自评结果="是"),
    }


def fill(form: Form, unit: Unit, answers: Answers) -> None:
    """Type the answers into the unit's workbook."""
    form.cover("填报人", unit.contact)
    form.cover("联系电话", unit.phone)
    form.register("佐证材料", answers.evidence)
    form.register("项目清单", answers.projects)
    form.register("整改台账", answers.problems)
    row = form.row("数据项", "个性指标数", "数据项")
    form.put("数据项", row, "数值", answers.own_indicators)
    for code, (score, basis, reason) in answers.scores.items():
        form.score(code, "自评得分", None if score is None else as_float(score))
        form.score(code, "自评依据", basis)
        form.score(code, "佐证编号", "、".join(answers.cited.get(code, [])) or None)
        form.score(code, "扣分原因", reason or None)


def _delete_row(form: Form) -> None:
    form.sheet("自评表").delete_rows(form.row("自评表", "8.1", "编码"))


def _claim_more(form: Form) -> None:
    column = form.column("项目清单", "项目编码")
    for row in range(4, form.sheet("项目清单").max_row + 1):
        if form.sheet("项目清单").cell(row, column).value:
            form.put("项目清单", row, "开展绩效监控", "否")
    form.score("4.1", "自评得分", 6)
    form.score("4.1", "扣分原因", None)


def _reuse_number(form: Form) -> None:
    number = form.sheet("佐证材料").cell(4, form.column("佐证材料", "文号")).value
    form.put("佐证材料", 6, "文号", number)


def _no_address(form: Form) -> None:
    for row in range(4, form.sheet("佐证材料").max_row + 1):
        form.put("佐证材料", row, "公开网址", None)


Spoil = Callable[[Form], None]

# Unit → what is wrong, the codes that it must give, how it is done.
FAULTS: dict[str, tuple[str, str, Spoil]] = {
    "102": (
        "专人负责与工作经费自评 2.5 分，超过分值 2",
        "F203",
        lambda f: f.score("1.1.2", "自评得分", 2.5),
    ),
    "103": (
        "自评得分 1.3，不是 0.5 的整数倍",
        "F205",
        lambda f: (f.score("1.1.2", "自评得分", 1.3), f.score("1.1.2", "扣分原因", "经费不足"))[0],
    ),
    "104": ("漏填结果与预算安排挂钩的自评得分", "F201", lambda f: f.score("6.2", "自评得分", None)),
    "105": ("自评得分写成“满分”", "F202", lambda f: f.score("6.2", "自评得分", "满分")),
    "106": ("基础工作小计被手工改成 15.5", "F206", lambda f: f.score("1", "自评得分", 15.5)),
    "107": ("结果与预算安排挂钩未列佐证", "F301", lambda f: f.score("6.2", "佐证编号", None)),
    "108": (
        "引用了没有登记的材料 99",
        "F302",
        lambda f: f.score(
            "6.2",
            "佐证编号",
            f"{f.sheet('自评表').cell(f.row('自评表', '6.2', '编码'), 8).value}、99",
        ),
    ),
    "109": ("文号没有机关代字", "F303", lambda f: f.put("佐证材料", 4, "文号", "〔2023〕8号")),
    "110": (
        "用 2021 年的文件作佐证",
        "F304",
        lambda f: f.put("佐证材料", 5, "文号", "石建发〔2021〕12号"),
    ),
    "111": ("同一文号登记为两份材料", "F305", _reuse_number),
    "112": ("年初预算数写成文字", "F402", lambda f: f.put("项目清单", 4, "年初预算数", "约三百万")),
    "113": (
        "资金性质不在可选内容中",
        "F403",
        lambda f: f.put("项目清单", 4, "资金性质", "公共预算"),
    ),
    "114": (
        "两个项目用同一编码",
        "F404",
        lambda f: f.put("项目清单", 5, "项目编码", f.sheet("项目清单").cell(4, 1).value),
    ),
    "115": (
        "全年执行数大于全年预算数，没有说明",
        "F405",
        lambda f: (
            f.put("项目清单", 4, "全年执行数", 999999),
            f.put("项目清单", 4, "偏差原因", None),
        )[0],
    ),
    "116": ("没有开展监控而自评满分", "F501", _claim_more),
    "117": (
        "扣了分没有写原因",
        "F208",
        lambda f: (f.score("6.2", "自评得分", 5), f.score("6.2", "扣分原因", None))[0],
    ),
    "118": ("把 1.1.1 的分值改成 6", "F105", lambda f: f.score("1.1.1", "分值", 6)),
    "119": ("封面写成另一个单位", "F102", lambda f: f.cover("单位名称", "石楼县司法局")),
    "122": ("用了旧版模板", "F101", lambda f: None),
    "202": ("漏填个性指标数", "F504", lambda f: f.put("数据项", 4, "数值", None)),
    "203": ("删掉了整改台账", "F103", lambda f: f.book.remove(f.sheet("整改台账"))),
    "204": ("删掉了 8.1 这一行", "F104", _delete_row),
    "205": ("信息公开没有网址", "F306;F501", _no_address),
    "206": (
        "合计被手工改成 100",
        "F207",
        lambda f: f.put("自评表", f.row("自评表", "合计", "指标"), "自评得分", 100),
    ),
    "208": ("封面没有填联系电话", "F110", lambda f: f.cover("联系电话", "")),
}
OLD_VERSION_UNIT, LATE_UNIT = "122", "121"


def make_returns(plan: Plan, folder: Path) -> None:
    """The 31 returned workbooks and their manifest."""
    shutil.rmtree(folder, ignore_errors=True)
    chance = random.Random(SEED)
    rows = []
    for unit in plan.units:
        version = plan.template_version(unit.kind)
        if unit.code == OLD_VERSION_UNIT:
            version = "0123456789"
        stamp = Stamp(plan.campaign.code, "return", version, unit.code).signed(SAMPLE_STAMP_KEY)
        form = Form(template(plan, unit, stamp))
        fill(form, unit, right_answers(plan, unit, chance))
        what, codes, spoil = FAULTS.get(unit.code, ("填报无误", "", lambda _: None))
        spoil(form)
        name = f"{plan.campaign.code}-{unit.code}-{unit.name}.xlsx"
        form.save(folder / name)
        received = LATE if unit.code == LATE_UNIT else ON_TIME
        late = "；逾期报送" if received is LATE else ""
        rows.append((name, unit.code, codes, received.isoformat(), what + late))
    with (folder / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "unit", "codes", "received_at", "note"))
        writer.writerows(rows)


def make_county(folder: Path) -> None:
    """The county's own return, with the report's figures and its subtotals as it states them."""
    county = HERE / "county"
    data = (county / "考核方案.xlsx").read_bytes()
    plan = read_plan_file(data, "考核方案.xlsx")
    unit = plan.units[0]
    stamp = Stamp(plan.campaign.code, "return", plan.template_version(unit.kind), unit.code)
    form = Form(template(plan, unit, stamp.signed(SAMPLE_STAMP_KEY)))
    content = from_markdown((county / "填报内容.md").read_text(encoding="utf-8"))
    form.cover("填报人", "综合股预算绩效组")
    form.cover("联系电话", unit.phone)
    for row in content["自评表"]:
        is_total = row["编码"] == "合计"
        at = form.row("自评表", row["编码"], "指标" if is_total else "编码")
        for label in ("自评得分", "自评依据", "佐证编号", "扣分原因"):
            if row[label]:
                value: object = float(row[label]) if label == "自评得分" else row[label]
                form.put("自评表", at, label, value)
    for register in plan.registers:
        numbers = {one.column.label for one in register.columns if one.column.kind in NUMERIC}
        form.register(
            register.name,
            [
                {
                    label: float(text) if label in numbers else text
                    for label, text in row.items()
                    if text
                }
                for row in content.get(register.name, ())
            ],
        )
    for row in content["数据项"]:
        form.put("数据项", form.row("数据项", row["数据项"], "数据项"), "数值", float(row["数值"]))
    form.save(folder / "return.xlsx")


def make_reviews(folder: Path) -> None:
    """Review books of the sample campaign, filled in by a seeded stand-in for the sections."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    chance = random.Random(SEED)
    with tempfile.TemporaryDirectory() as scratch:
        campaign = Campaign.create(Path(scratch) / "c", PLAN.read_bytes(), SAMPLE_STAMP_KEY)
        ingest_samples(campaign)
        issue_books(campaign, ON_TIME)
        for section in campaign.plan.sections:
            path = book_path(campaign, section)
            form = Form(path.read_bytes())
            sheet = form.sheet("评分表")
            at = {
                label: form.column("评分表", label)
                for label in (
                    "分值",
                    "自评得分",
                    "计算得分",
                    "计算过程",
                    "核定得分",
                    "扣分原因",
                    "评分人",
                )
            }
            for row in range(4, sheet.max_row + 1):
                marks = sheet.cell(row, at["分值"]).value
                arithmetic = str(sheet.cell(row, at["计算过程"]).value or "")
                if not isinstance(marks, (int, float)) or "不适用" in arithmetic:
                    continue
                known = [sheet.cell(row, at[label]).value for label in ("自评得分", "计算得分")]
                scores = [float(str(v)) for v in known if isinstance(v, (int, float))]
                score = min([float(str(marks)), *scores])
                score -= score % 0.5
                taken_off = chance.choice((0, 0, 0, 0, 0, 0.5, 1))
                approved = max(0.0, score - taken_off)
                sheet.cell(row, at["核定得分"]).value = approved
                if approved < float(str(marks)):
                    sheet.cell(row, at["扣分原因"]).value = (
                        "佐证材料不够充分" if taken_off else "按评分标准和报送数据计算"
                    )
                sheet.cell(row, at["评分人"]).value = f"{section}评分组"
            form.save(folder / path.name)
        campaign.close()


def make_all(folder: Path) -> None:
    """Make all samples under a folder; the review books answer the returns in ``samples/``."""
    make_county(folder / "county")
    make_returns(read_plan_file(PLAN.read_bytes(), PLAN.name), folder / "returns")
    make_reviews(folder / "reviews")


def main() -> None:
    """Make all samples where they belong."""
    make_all(HERE)


if __name__ == "__main__":
    main()
