"""A county's year from the command line: new, check, score, figures of another campaign, renew."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from perfxl.campaign import Campaign
from perfxl.cli import cli
from perfxl.errors import PerfxlError, WorkbookHeld
from perfxl.excel.reader import read_workbook
from perfxl.plan.markdown import from_markdown
from perfxl.products.plan_workbook import plan_workbook
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.initialize import init
from perfxl.stages.year import new_year, renew_year

REPOSITORY = Path(__file__).resolve().parent.parent.parent
COUNTY = REPOSITORY / "samples" / "county"
SOURCE = REPOSITORY / "workbook_templates" / "县级考核方案.md"


@pytest.fixture(scope="module")
def made_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a year whose workbook holds the report's facts; tests must not change it."""
    folder = tmp_path_factory.mktemp("year") / "县级"
    new_year(folder, stamp_key=SAMPLE_STAMP_KEY).close()
    shutil.copy(COUNTY / "return.xlsx", folder / "年度台账.xlsx")
    return folder


@pytest.fixture
def year(made_year: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(made_year, tmp_path / "县级")
    return tmp_path / "县级"


def run(folder: Path, *arguments: object) -> Result:
    return CliRunner().invoke(cli, ["-C", str(folder), "year", *map(str, arguments)])


def scored(folder: Path, *arguments: object) -> dict[str, dict]:
    done = run(folder, "score", "--json", *arguments)
    assert done.exit_code == 0, done.output
    return {leaf["indicator"]: leaf for leaf in json.loads(done.stdout)["leaves"]}


def use_plan(folder: Path, change) -> None:  # type: ignore[no-untyped-def]
    sheets = from_markdown(SOURCE.read_text(encoding="utf-8"))
    change(sheets)
    (folder / "考核方案.xlsx").write_bytes(plan_workbook(sheets))


def test_a_new_year_is_blank_and_never_overwrites(tmp_path: Path) -> None:
    folder = tmp_path / "县级2024"
    done = run(tmp_path, "new", folder)
    assert done.exit_code == 0
    book = read_workbook((folder / "年度台账.xlsx").read_bytes())
    registers = ("制度文件", "培训宣传", "事前绩效评估", "绩效目标", "绩效监控", "重点绩效评价", "自评抽查",
                 "第三方机构考核", "反馈整改", "结果应用", "信息公开", "月度报送", "指标库")  # fmt: skip
    assert set(registers) <= set(book.sheets)
    assert "由人工评定的分值 17.0，缺数据或不适用的分值 16.0。" in run(folder, "score").stdout
    # Nothing is claimed before the year is over: that is no mistake, and is not passed either.
    checked = run(folder, "check")
    assert checked.exit_code == 0
    assert "没有检查自评得分是否漏填" in checked.stdout
    record = json.loads(run(folder, "check", "--json").stdout)
    assert [one["code"] for one in record["findings"]] == ["F110"]
    assert record["outcomes"]["F201"] == "无法检查"
    before = (folder / "年度台账.xlsx").read_bytes()
    again = run(tmp_path, "new", folder)
    assert isinstance(again.exception, PerfxlError)
    assert again.exception.code == "E103"
    assert (folder / "年度台账.xlsx").read_bytes() == before


@pytest.mark.slow
def test_the_shipped_workbook_is_what_the_plan_gives(tmp_path: Path) -> None:
    shipped = REPOSITORY / "workbook_templates" / "年度台账.xlsx"
    new_year(tmp_path / "a").close()
    own = read_workbook((tmp_path / "a" / "年度台账.xlsx").read_bytes()).sheets
    assert read_workbook(shipped.read_bytes()).sheets == own


def test_score_says_claim_arithmetic_evidence_and_what_is_missing(year: Path) -> None:
    done = run(year, "score")
    assert done.exit_code == 0
    for said in (
        "5×18÷22=4.09，按0.5分取整为4.0",
        "制度文件第8—10行",
        "重点绩效评价中没有：国有资本经营预算",
        "自评表 5 绩效评价管理：所填小计 22.0 与各部分之和 20.0 不符。",
        "可计算的指标分值 83.0：自评 81.5，计算 75.0。由人工评定的分值 17.0。",
        "年度台账有 5 处错误",
    ):
        assert said in done.stdout
    book = openpyxl.load_workbook(year / "成果" / "县级自评得分.xlsx", data_only=True)
    assert book.sheetnames == ["考核评分表", "差异和缺项", "佐证登记", "取自考核的数"]
    # The workbook that was scored is kept.
    kept = [path.read_bytes() for path in (year / "原件").iterdir()]
    assert kept == [(year / "年度台账.xlsx").read_bytes()]
    assert run(year, "score").exit_code == 0
    assert len(list((year / "成果" / "历次").iterdir())) == 1


def test_check_tells_mistakes_and_fails(year: Path) -> None:
    done = run(year, "check")
    assert done.exit_code == 1
    assert done.stdout.count("F206") == 3
    assert "自评表!F30" in done.stdout
    record = json.loads(run(year, "check", "--json").stdout)
    assert {one["code"] for one in record["findings"]} == {"F206", "F501"}


def test_figures_of_a_campaign_are_recorded_with_date_and_source(
    year: Path, finished_demo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "部门考核"
    shutil.copytree(finished_demo, other)
    use_plan(year, lambda sheets: sheets["引用考核"][0].update({"文件夹": "../部门考核"}))
    done = run(year, "check")
    assert "部门考核取自2023年度预算绩效管理考核" in done.stdout
    assert "填报 18，其他考核的结果为 22" in done.stdout
    assert "Y101" in done.stdout
    with_folder = scored(year)
    assert (with_folder["3.2"]["computed"], with_folder["3.2"]["state"]) == (500, "自评低于计算")
    shutil.rmtree(other)
    assert scored(year) == with_folder
    assert "文件夹 ../部门考核 不在，沿用" in run(year, "check").stdout
    campaign = Campaign(year)
    figures = campaign.ledger.figures()
    campaign.close()
    assert set(figures) == {
        "一级预算部门数", "开展部门整体绩效目标管理的部门数", "公开绩效信息的部门数",
    }  # fmt: skip
    taken = figures["开展部门整体绩效目标管理的部门数"]
    assert (taken.value, taken.code, taken.campaign) == (2_200, "SL2023", "部门考核")


@pytest.mark.slow
def test_a_campaign_without_returns_gives_no_figures(year: Path, tmp_path: Path) -> None:
    init(tmp_path / "部门考核").close()
    done = run(year, "check", "--from", tmp_path / "部门考核")
    assert "还没有收到任何报送，按填报数计算" in done.stdout
    assert scored(year, "--from", f"部门考核={tmp_path / '部门考核'}")["3.2"]["computed"] == 400


def test_what_is_wrong_with_the_other_campaign_is_told(
    year: Path, finished_demo: Path, tmp_path: Path
) -> None:
    nowhere = run(year, "score", "--from", tmp_path / "没有")
    assert isinstance(nowhere.exception, PerfxlError)
    assert nowhere.exception.code == "E701"
    (tmp_path / "空").mkdir()
    (tmp_path / "坏").mkdir()
    (tmp_path / "坏" / "考核方案.xlsx").write_bytes(
        plan_workbook({"考核信息": [{"项目": "考核编号", "内容": "X"}]})
    )
    broken = run(year, "score", "--from", tmp_path / "坏")
    assert str(broken.exception).startswith(f"[E101] {tmp_path / '坏' / '考核方案.xlsx'}")
    use_plan(year, lambda sheets: sheets["引用考核"][0].update({"文件夹": "../空"}))
    empty = run(year, "score")
    assert "考核方案.xlsx / 引用考核!B4" in str(empty.exception)
    use_plan(year, lambda s: s["数据项"][10].update({"筛选条件": "单位类别=部门；指标=3.9"}))
    wrong = run(year, "score", "--from", finished_demo)
    assert str(wrong.exception).startswith("[E702]")
    assert "数据项!A14：考核“2023年度预算绩效管理考核”的部门没有指标“3.9”" in str(wrong.exception)
    campaign = Campaign(year)
    assert campaign.ledger.figures() == {}
    campaign.close()


def test_of_two_campaigns_the_name_says_which_folder(year: Path, tmp_path: Path) -> None:
    def change(sheets) -> None:  # type: ignore[no-untyped-def]
        sheets["引用考核"].append({"考核": "乡镇考核", "文件夹": "", "说明": ""})
        for item in sheets["数据项"]:
            if item["来源"] == "考核":
                item["筛选条件"] += "；考核=部门考核"

    use_plan(year, change)
    unclear = run(year, "score", "--from", tmp_path)
    assert "请写成 部门考核=文件夹" in str(unclear.exception)
    told = run(year, "score", "--from", f"乡镇考核={tmp_path / '没有'}")
    assert "“乡镇考核”的文件夹里没有 考核方案.xlsx" in str(told.exception)


def test_a_folder_that_is_no_year(year: Path, finished_demo: Path) -> None:
    department = run(finished_demo, "check")
    assert isinstance(department.exception, PerfxlError)
    assert department.exception.code == "E704"
    for command in ("check", "issue", "consolidate"):
        other = CliRunner().invoke(cli, ["-C", str(year), command])
        assert isinstance(other.exception, PerfxlError)
        assert other.exception.code == "E705"
        assert "perfxl year check" in other.exception.remedy
    (year / "年度台账.xlsx").unlink()
    gone = run(year, "score")
    assert isinstance(gone.exception, PerfxlError)
    assert gone.exception.code == "E703"
    (year / "年度台账.xlsx").write_bytes(b"not a workbook")
    broken = run(year, "score")
    assert isinstance(broken.exception, PerfxlError)
    assert broken.exception.code == "E201"


@pytest.mark.slow
def test_renewing_keeps_what_is_typed_and_names_what_it_cannot(year: Path) -> None:
    def change(sheets) -> None:  # type: ignore[no-untyped-def]
        rows = sheets["登记表"]
        gone = ("反馈整改", "备注")
        sheets["登记表"] = [r for r in rows if (r["登记表"], r["列名"]) != gone]
        added = next(r for r in rows if r["登记表"] == "自评抽查" and r["列名"] == "备注")
        sheets["登记表"].append({**added, "登记表": "自评抽查", "列名": "抽查组长"})

    before = scored(year)
    typed = read_workbook((year / "年度台账.xlsx").read_bytes()).sheets
    use_plan(year, change)
    done = run(year, "renew")
    assert done.exit_code == 0, done.output
    assert "没有照搬：反馈整改“备注”列" in done.stdout
    assert done.stdout.count("已恢复为公式") == 3
    after = scored(year)
    assert {k: v["computed"] for k, v in after.items()} == {
        k: v["computed"] for k, v in before.items()
    }
    assert {k: v["claimed"] for k, v in after.items()} == {
        k: v["claimed"] for k, v in before.items()
    }
    now = read_workbook((year / "年度台账.xlsx").read_bytes()).sheets
    assert now["制度文件"] == typed["制度文件"]
    assert "抽查组长" in now["自评抽查"][2]
    (kept,) = (year / "历次").iterdir()
    assert read_workbook(kept.read_bytes()).sheets == typed
    assert "F101" not in run(year, "check").stdout


def test_the_year_of_a_new_folder_goes_into_its_plan(tmp_path: Path) -> None:
    campaign = new_year(tmp_path / "县级2025", year=2025)
    info = campaign.plan.campaign
    campaign.close()
    assert (info.code, info.year, info.document_number) == ("SLX2025", 2025, "")
    assert "2025年度" in info.name and "2025年度" in info.form_title
    assert info.issued_on == dt.date(2026, 1, 31)
    assert info.deadline == dt.datetime(2026, 1, 15, 18, 0)


def test_a_workbook_that_is_open_is_not_renewed(year: Path) -> None:
    campaign = Campaign(year)
    lock = year / "~$年度台账.xlsx"
    lock.touch()
    before = campaign.year_workbook.read_bytes()
    with pytest.raises(WorkbookHeld, match="正在 Excel 或 WPS 中打开"):
        renew_year(campaign, dt.datetime(2024, 1, 10))
    assert campaign.year_workbook.read_bytes() == before
    lock.unlink()
    campaign.close()
