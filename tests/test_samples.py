"""The samples: the county's real return, the 31 made-up ones, and that both can be made again."""

from __future__ import annotations

import csv
from pathlib import Path
from types import ModuleType

import pytest

from perfxl.checks.catalogue import CATALOGUE
from perfxl.excel.reader import read_workbook
from perfxl.plan.model import Plan
from perfxl.points import as_score
from perfxl.stages.check import check_file
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.gather import gather

REPOSITORY = Path(__file__).resolve().parent.parent
RETURNS = REPOSITORY / "samples" / "returns"


def manifest() -> list[dict[str, str]]:
    with (RETURNS / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("entry", manifest(), ids=lambda entry: entry["unit"])
def test_a_sample_gives_exactly_its_codes(plan: Plan, entry: dict[str, str]) -> None:
    result = check_file(RETURNS / entry["file"], plan, SAMPLE_STAMP_KEY)
    wanted = sorted(filter(None, entry["codes"].split(";")))
    assert sorted(result.result.findings["code"]) == wanted
    assert result.unit.code == entry["unit"]


def test_the_samples_cover_enough() -> None:
    entries = manifest()
    codes = {code for entry in entries for code in entry["codes"].split(";") if code}
    assert len(entries) == 31
    assert len(codes) >= 12
    assert codes <= set(CATALOGUE)
    assert sum(not entry["codes"] for entry in entries) >= 3


def test_the_campaign_gives_the_same_codes_as_the_single_files(campaign) -> None:  # type: ignore[no-untyped-def]
    findings = gather(campaign).checked.findings
    for entry in manifest():
        codes = sorted(findings.loc[findings["unit"] == entry["unit"], "code"])
        assert codes == sorted(filter(None, entry["codes"].split(";")))


def test_the_countys_return_contradicts_itself_as_the_report_does() -> None:
    result = check_file(REPOSITORY / "samples" / "county" / "return.xlsx")
    totals = {total.label: as_score(total.amount or 0) for total in result.totals}
    assert totals == {
        "合计栏所填": "97.5", "按一级指标合计": "97.5", "按二级指标合计": "95.5",
        "按得分点合计": "90.5",
    }  # fmt: skip
    findings = result.result.findings
    assert set(findings["severity"]) == {"错误"}
    said = dict(zip(findings["indicator"], findings["message"], strict=True))
    assert list(findings["code"]) == ["F206", "F206", "F206", "F501", "F501"]
    assert "小计 22 与下级合计 6.0 + 9.0 + 5.0 = 20.0 不符" in said["5"]
    assert "小计 9 与下级合计 2.0 + 4.0 + 2.0 + 0.0 = 8.0 不符" in said["5.2"]
    assert "小计 8 与下级合计 2.0 + 2.0 + 0.0 = 4.0 不符" in said["3.1"]
    assert "自评 2 分，按计数计算为 1.5 分（3 × 0.5 = 1.5 → 1.5）" in said["5.2.1"]
    # The report names no monthly report, so none is registered.
    assert "自评 6 分，按扣分计算为 0 分（6 - 36 × 0.5 → 0.0）" in said["9"]
    assert list(findings["cell"]) == ["F18", "F27", "F29", "F30", "F48"]
    accepted = result.computed[result.computed["indicator"] == "3.2"].iloc[0]
    assert (accepted["computed"], accepted["arithmetic"]) == (400, "5 × 18 ÷ 22 = 4.09 → 4.0")


@pytest.mark.slow
def test_the_samples_can_be_made_again(samples_maker: ModuleType, tmp_path: Path) -> None:
    samples_maker.make_all(tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.xlsx"))
    assert len(made) == 1 + 31 + 7
    for name in made:
        now = read_workbook((tmp_path / name).read_bytes())
        committed = read_workbook((REPOSITORY / "samples" / name).read_bytes())
        assert now == committed, name
    assert (tmp_path / "returns" / "manifest.csv").read_bytes() == (
        RETURNS / "manifest.csv"
    ).read_bytes()
