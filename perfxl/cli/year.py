"""year: a county's own year, kept in one workbook (年度台账.xlsx), checked and scored."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now, read_file
from perfxl.cli.output import print_findings, print_json, print_outcomes, say_written
from perfxl.errors import PerfxlError
from perfxl.tables import ClaimState, Severity, has_errors

if TYPE_CHECKING:
    from perfxl.campaign import Campaign
    from perfxl.facts.self_report import SelfReport
    from perfxl.stages.year import Year

_YEAR = re.compile(r"(?<!\d)20\d{2}(?!\d)")

_FROM = click.option(
    "--from",
    "folders",
    metavar="文件夹",
    multiple=True,
    help="其他考核的文件夹，先于方案“引用考核”表；有几个考核的写成 部门考核=文件夹",
)


@cli.group(cls=ChineseGroup)
def year() -> None:
    """县级自评：一年的工作登在年度台账.xlsx 里，随时检查、计算得分。"""


@year.command("new", cls=ChineseCommand)
@click.argument("folder", metavar="文件夹", type=PATH)
@click.option(
    "--plan", "plan_file", metavar="文件", type=PATH, help="用已有的县级考核方案.xlsx 建立"
)
@click.option("--year", "of", metavar="年度", type=int, help="不写时取文件夹名里的年份")
def new(folder: Path, plan_file: Path | None, of: int | None) -> None:
    """建立一个年度的文件夹，写入：考核方案.xlsx、年度台账.xlsx、台账.db 和各子文件夹。

    年度写在 --year 里，不写时取文件夹名里的年份；用 --plan 时以那份方案所写的为准。

    \b
    例：perfxl year new 县级2024
    """
    from perfxl.stages.year import new_year

    if of is None and plan_file is None:
        named = _YEAR.search(folder.name)
        of = int(named[0]) if named else None
    campaign = new_year(folder, read_file(plan_file) if plan_file else None, year=of)
    campaign.close()
    click.echo(f"已建立 {folder}：{campaign.plan.campaign.name}。")
    click.echo("请核对考核方案“考核信息”表里的年度、考核依据、发文字号和各个日期。")
    click.echo(f"平时把各项工作登在 {campaign.year_workbook} 里，")
    click.echo(
        f"用 perfxl -C {folder} year check 检查，用 perfxl -C {folder} year score 计算得分。"
    )


@year.command("check", cls=ChineseCommand)
@_FROM
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def check(context: click.Context, folders: tuple[str, ...], as_json: bool) -> None:
    """检查年度台账，每个错误给出所在的单元格（读：年度台账.xlsx；写：台账.db）。

    有“错误”时退出码为 1。

    \b
    例：perfxl -C 县级2024 year check
    """
    from perfxl.cli.output import file_record
    from perfxl.stages.year import CLAIM_MISSING

    campaign = campaign_of(context)
    result = _read(campaign, folders)
    findings = result.checked.result.findings
    if as_json:
        print_json(file_record(campaign.year_workbook, result.checked))
    else:
        _say_taken(result)
        print_findings(findings, {})
        outcomes = result.checked.result.outcomes
        if not result.is_claimed:
            outcomes = outcomes[outcomes["code"] != CLAIM_MISSING]
            click.echo(f"自评表还没有填写，没有检查自评得分是否漏填（{CLAIM_MISSING}）。")
        print_outcomes(outcomes)
    sys.exit(FINDINGS_EXIT if has_errors(findings) else 0)


@year.command("score", cls=ChineseCommand)
@_FROM
@click.option("--json", "as_json", is_flag=True, help="输出 JSON，不写工作簿")
@click.pass_context
def score(context: click.Context, folders: tuple[str, ...], as_json: bool) -> None:
    """县级自评得分：每项的自评、计算得分、计算过程、佐证和缺项。

    读：年度台账.xlsx、其他考核的文件夹；写：成果/县级自评得分.xlsx、台账.db。
    其他考核的文件夹不在时，沿用以前取的数。

    \b
    例：perfxl -C 县级2024 year score --from 考核2024
    """
    from perfxl.stages.year import score_year

    campaign = campaign_of(context)
    if as_json:
        print_json(_record(_read(campaign, folders)))
        return
    result = score_year(campaign, now(), _folders(campaign, folders))
    _say_taken(result.year)
    _print_score(result.year)
    findings = result.year.checked.result.findings
    errors = int((findings["severity"] == Severity.ERROR).sum())
    if errors:
        click.echo(f"年度台账有 {errors} 处错误，得分可能随之改变；用 perfxl year check 逐条查看。")
    click.echo(f"已写 {result.path}。")
    if result.kept:
        click.echo(f"上一次的留在 {result.kept}。")


@year.command("renew", cls=ChineseCommand)
@click.pass_context
def renew(context: click.Context) -> None:
    """考核方案改动后，把年度台账换成新的格式，已填的内容照搬（写：年度台账.xlsx）。

    原来的留在 历次/；方案中已没有的列和表不照搬，逐一列出。

    \b
    例：perfxl -C 县级2024 year renew
    """
    from perfxl.console import plain
    from perfxl.stages.year import renew_year

    result = renew_year(campaign_of(context), now())
    click.echo(f"已写 {result.path}，原来的留在 {result.kept}。")
    for what in result.left_behind:
        click.echo(plain(f"没有照搬：{what}"))


def _read(campaign: Campaign, folders: tuple[str, ...]) -> Year:
    from perfxl.stages.year import read_year

    return read_year(campaign, now(), _folders(campaign, folders))


def _folders(campaign: Campaign, given: tuple[str, ...]) -> dict[str, Path]:
    """The folders of --from by the plan's name of the campaign."""
    names = [one.name for one in campaign.plan.other_campaigns]
    folders: dict[str, Path] = {}
    for text in given:
        name, sign, path = text.partition("=")
        if sign and name in names:
            folders[name] = Path(path)
        elif len(names) == 1:
            folders[names[0]] = Path(text)
        elif names:
            raise PerfxlError(
                f"看不出“{text}”是哪个考核",
                remedy=f"请写成 {names[0]}=文件夹；方案中有：{'、'.join(names)}",
            )
        else:
            raise PerfxlError("方案没有“引用考核”表，用不到 --from", remedy="请去掉 --from")
    return folders


def _say_taken(result: Year) -> None:
    from perfxl.console import plain
    from perfxl.points import as_text

    for taking in result.takings:
        verb = "取自" if taking.looked else "："
        click.echo(plain(f"{taking.campaign.name}{verb}{taking.said}。"))
        for one in taking.taken:
            note = f"（{one.note}）" if one.note else ""
            click.echo(plain(f"  {one.item} = {as_text(one.value)}{note}"))


def _print_score(result: Year) -> None:
    from perfxl.console import print_table
    from perfxl.points import as_score
    from perfxl.tables import whole

    def shown(amount: object, otherwise: str = "") -> str:
        number = whole(amount)
        return otherwise if number is None else as_score(number)

    county = result.score
    print_table(
        ("指标", "名称", "分值", "自评", "计算", "计算过程", "情况", "依据的登记内容"),
        [
            (
                leaf.indicator,
                leaf.name,
                as_score(leaf.full_marks),
                shown(leaf.claimed, "未填"),
                shown(leaf.computed, "人工" if leaf.state == ClaimState.MANUAL else "—"),
                leaf.arithmetic,
                leaf.state,
                _places(county.evidence, leaf.indicator),
            )
            for leaf in county.leaves.itertuples(index=False)
        ],
        title=f"{result.unit.name}各项得分：",
        right=(2, 3, 4),
    )
    contradictions = county.subtotals[county.subtotals["note"] != ""]
    for one in contradictions.itertuples(index=False):
        name = one.name if one.depth == 0 else f"{one.code} {one.name}"
        click.echo(f"自评表 {name}：{one.note}。")
    lacking = county.leaves[county.leaves["missing"] != ""]
    if len(lacking):
        print_table(
            ("指标", "名称", "待补的内容"),
            [(leaf.indicator, leaf.name, leaf.missing) for leaf in lacking.itertuples(index=False)],
            title=f"登记内容不全的 {len(lacking)} 项：",
        )
    total = county.total
    lacking = total.full_marks - total.computable - total.by_hand
    click.echo(
        f"自评合计 {shown(total.claimed, '未计算')}（各项相加 {as_score(total.claimed_leaves)}）。"
        f"可计算的指标分值 {as_score(total.computable)}：自评 {as_score(total.claimed_computable)}，"
        f"计算 {as_score(total.computed)}。由人工评定的分值 {as_score(total.by_hand)}"
        + (f"，缺数据或不适用的分值 {as_score(lacking)}。" if lacking else "。")
    )


def _places(evidence: Any, indicator: str) -> str:
    """``制度文件第8—10行``: where the rows that count are registered."""
    own = evidence[(evidence["indicator"] == indicator) & evidence["counted"]]
    from perfxl.county.support import runs_of

    rows: dict[str, list[int]] = {}
    for one in own.itertuples(index=False):
        if one.sheet:
            rows.setdefault(one.sheet, []).append(int(one.row))
        else:
            rows.setdefault(one.title, [])
    return "；".join(
        f"{what}第{runs_of(numbers)}行" if numbers else what for what, numbers in rows.items()
    )


def _record(result: Year) -> dict[str, Any]:
    def records(table: Any) -> Any:
        return table.astype(object).where(table.notna(), None).to_dict("records")

    county = result.score
    return {
        "unit": result.unit.code,
        "name": result.unit.name,
        "leaves": records(county.leaves),
        "subtotals": records(county.subtotals),
        "evidence": records(county.evidence),
        "figures": records(county.figures),
    }


@year.command("report", cls=ChineseCommand)
@_FROM
@click.option(
    "--by",
    type=click.Choice(["计算", "自评"]),
    default="计算",
    metavar="口径",
    help="计算（默认）：能计算的指标用计算得分，其余用自评得分；自评：都用自评得分",
)
@click.option("--pdf", "as_pdf", is_flag=True, help="另存为 PDF（需要 LibreOffice）")
@click.pass_context
def report(context: click.Context, folders: tuple[str, ...], by: str, as_pdf: bool) -> None:
    """县级自评报告：文字取自方案的“文稿”表，数字、名单和文号取自年度台账和得分。

    读：年度台账.xlsx、其他考核的文件夹；写：成果/自评报告.docx、自评报告依据.xlsx。
    各级得分总是下级之和；文字与数字矛盾的不写出，逐处指明。

    \b
    例：perfxl -C 县级2024 year report
    例：perfxl -C 县级2024 year report --by 自评 --pdf
    """
    from perfxl.facts.self_report import ScoredBy
    from perfxl.stages.self_report import write_self_report

    campaign = campaign_of(context)
    given = _folders(campaign, folders)
    result = write_self_report(campaign, now(), given, ScoredBy(by))
    _say_taken(result.year)
    say_written([result.document], as_pdf=as_pdf)
    click.echo(f"每个数、名单和文号取自哪里：{result.basis}。")
    _say_report(result.report, by)
    if has_errors(result.year.checked.result.findings):
        click.echo("年度台账还有错误，请用 perfxl year check 查看，改正后重新生成报告。")


def _say_report(report: SelfReport, by: str) -> None:
    from perfxl.points import as_text

    total, full_marks = as_text(report.total), as_text(report.rubric.full_marks)
    click.echo(f"得分口径：{by}。总分 {total} 分（满分 {full_marks} 分）。")
    for one in report.scores:
        if one.differs:
            claim, computed = as_text(one.claim or 0), as_text(one.computed or 0)
            click.echo(f"{one.code} {one.name}：自评 {claim} 分，计算 {computed} 分。")
        elif one.score is not None and not one.is_claimed:
            click.echo(f"{one.code} {one.name}：没有自评，也不能计算，按 0 分。")
    if report.empty_registers:
        click.echo(f"没有登记内容的登记表：{'、'.join(report.empty_registers)}。")
