"""The command line: one command per stage, in Chinese. It only speaks; stages do the work.

Exit codes: 0 fine, 1 findings of severity 错误, 2 a mistake that the operator can mend.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from perfxl import __version__
from perfxl.chinese_help import ChineseCommand, ChineseGroup, usage_mistake
from perfxl.cli_output import (
    file_record,
    moment,
    print_file_check,
    print_findings,
    print_json,
    print_outcomes,
    print_ranking,
    ranking_records,
)
from perfxl.errors import PerfxlError
from perfxl.tables import Status, has_errors

if TYPE_CHECKING:
    from perfxl.campaign import Campaign
    from perfxl.stages.ingest import Decision

FINDINGS_EXIT, MISTAKE_EXIT = 1, 2
PATH = click.Path(path_type=Path)


@click.group(cls=ChineseGroup)
@click.option(
    "-C", "folder", type=PATH, default=Path(), metavar="文件夹", help="考核文件夹，默认为当前文件夹"
)
@click.version_option(__version__, "--version", help="显示版本", message="perfxl %(version)s")
@click.pass_context
def cli(context: click.Context, folder: Path) -> None:
    """预算绩效管理考核：下发、收取、审核、打分、汇总、通报。

    \b
    第一次使用：perfxl demo            在 ./perfxl-demo 里用样例走一遍全过程
    一次考核：  perfxl init 考核2024   建立考核文件夹，编辑其中的考核方案.xlsx，然后
                perfxl -C 考核2024 issue
    """
    context.obj = folder


def _campaign(context: click.Context) -> Campaign:
    from perfxl.campaign import Campaign

    campaign = Campaign(context.obj)
    context.call_on_close(campaign.close)
    return campaign


def _now() -> dt.datetime:
    return dt.datetime.now().replace(microsecond=0)


@cli.command(cls=ChineseCommand)
@click.argument("folder", metavar="文件夹", type=PATH)
@click.option("--plan", "plan_file", metavar="文件", type=PATH, help="用已有的考核方案.xlsx 建立")
def init(folder: Path, plan_file: Path | None) -> None:
    """建立考核文件夹，写入：考核方案.xlsx、台账.db 和各子文件夹。

    \b
    例：perfxl init 考核2024
    """
    from perfxl.stages.initialize import init as run

    campaign = run(folder, _read(plan_file) if plan_file else None)
    plan = campaign.plan
    campaign.close()
    click.echo(f"已建立 {folder}：{plan.campaign.name}，{len(plan.units)} 个单位。")
    click.echo(f"下一步：编辑 {campaign.plan_file}，再执行 perfxl -C {folder} plan 检查。")


def _read(path: Path) -> bytes:
    from perfxl.errors import Missing, Place

    if not path.is_file():
        raise Missing("没有这个文件", place=Place(str(path)), remedy="请检查路径")
    return path.read_bytes()


@cli.command(cls=ChineseCommand)
@click.pass_context
def plan(context: click.Context) -> None:
    """检查考核方案.xlsx，并以便于比对的文本打印（读：考核方案.xlsx）。

    \b
    例：perfxl -C 考核2024 plan > 方案.md
    """
    from perfxl.excel.reader import read_workbook
    from perfxl.plan.markdown import to_markdown
    from perfxl.plan.reading import plan_records

    campaign = _campaign(context)
    _ = campaign.plan
    sheets = read_workbook(campaign.plan_file.read_bytes(), campaign.plan_file.name).sheets
    click.echo(to_markdown(plan_records(sheets)), nl=False)


@cli.command(cls=ChineseCommand)
@click.pass_context
def issue(context: click.Context) -> None:
    """下发：每个单位一份工作簿（读：考核方案.xlsx；写：下发/、台账.db）。

    没有变化的不重写。

    \b
    例：perfxl -C 考核2024 issue
    """
    from perfxl.console import progress
    from perfxl.stages.issue import issue as run

    campaign = _campaign(context)
    with progress("生成工作簿", len(campaign.plan.units)) as advance:
        result = run(campaign, _now(), advance)
    click.echo(
        f"已写 {len(result.written)} 份，未变 {len(result.unchanged)} 份，"
        f"在 {campaign.path('下发')}。"
    )


@cli.command(cls=ChineseCommand)
@click.argument("paths", metavar="[文件或文件夹]...", nargs=-1, type=PATH)
@click.option("--as", "unit_code", metavar="单位编码", help="由操作人认定文件是这个单位的报送")
@click.option(
    "--received", metavar="时间", help="收到的时间，例如 2024-01-10 或 2024-01-10T09:30；默认为现在"
)
@click.pass_context
def ingest(
    context: click.Context, paths: tuple[Path, ...], unit_code: str | None, received: str | None
) -> None:
    """收取报送（读：收件/ 或给出的文件；写：原件/、台账.db）。

    同一份文件收两次只算一次；每个文件都有结论，一份坏文件不影响其他。

    \b
    例：perfxl -C 考核2024 ingest 收件 --received 2024-01-10
    """
    from perfxl.console import plain, print_table, progress
    from perfxl.ledger import Verdict
    from perfxl.stages.ingest import incoming
    from perfxl.stages.ingest import ingest as run

    campaign = _campaign(context)
    files, passed_over = incoming(campaign, list(paths), _received_at(received))
    with progress("收取", len(files)) as advance:
        decision = _decision(campaign, unit_code, len(files)) if unit_code else None
        result = run(campaign, files, passed_over, advance, decision)
    new = [taken for taken in result.taken if taken.new]
    valid = [taken for taken in new if taken.receipt.verdict is Verdict.VALID]
    click.echo(
        f"文件 {len(files)} 个：新收 {len(new)} 个（有效 {len(valid)} 个），"
        f"以前收过 {len(files) - len(new)} 个。"
    )
    for path in result.passed_over:
        click.echo(f"略过：{plain(path.name)}（临时文件或系统文件）")
    refused = [taken for taken in result.taken if taken.receipt.verdict is not Verdict.VALID]
    if refused:
        print_table(
            ("文件", "结论", "说明"),
            [(t.path.name, str(t.receipt.verdict), t.receipt.detail) for t in refused],
            title="没有作为报送的文件：",
        )
        sys.exit(FINDINGS_EXIT if any(taken.new for taken in refused) else 0)


def _decision(campaign: Campaign, unit_code: str, files: int) -> Decision:
    import getpass

    from perfxl.errors import UnknownUnit
    from perfxl.stages.ingest import Decision

    unit = campaign.plan.unit_by_code.get(unit_code)
    if unit is None:
        raise UnknownUnit(f"单位名录中没有编码 {unit_code}", remedy="请核对单位编码")
    if files != 1:
        raise PerfxlError("--as 一次只认定一个文件", remedy="请只给出一个文件")
    return Decision(unit, getpass.getuser())


def _received_at(text: str | None) -> dt.datetime:
    from perfxl.values import date_of, moment_of

    if text is None:
        return _now()
    day = date_of(text)
    received = dt.datetime.combine(day, dt.time(12)) if day else moment_of(text.replace("T", " "))
    if received is None:
        raise PerfxlError(f"看不懂时间“{text}”", remedy="写法如 2024-01-10 或 2024-01-10T09:30")
    # A bare date is taken at noon: it names the day, not its last second.
    return received


@cli.command(cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def status(context: click.Context, as_json: bool) -> None:
    """各单位下发、报送、审核、打分的情况（读：台账.db、原件/）。

    \b
    例：perfxl -C 考核2024 status
    """
    from perfxl.console import plain, print_table
    from perfxl.stages.status import status as run

    result = run(_campaign(context))
    rows: list[dict[str, Any]] = [
        {
            "unit": one.unit.code,
            "name": one.unit.name,
            "kind": one.unit.kind,
            "section": one.unit.section,
            "issued_at": moment(one.issued_at),
            "status": str(one.status),
            "received_at": moment(one.received_at),
            "file": one.file,
            "errors": one.errors,
            "verify": one.verify,
            "judged": one.judged,
            "to_judge": one.to_judge,
        }
        for one in result.units
    ]
    if as_json:
        unplaced = [
            {
                "file": r.file,
                "verdict": str(r.verdict),
                "detail": r.detail,
                "received_at": moment(r.received_at),
            }
            for r in result.unplaced
        ]
        print_json({"units": rows, "unplaced": unplaced})
        return
    print_table(
        ("编码", "单位", "类别", "股室", "下发", "报送", "收到时间", "错误", "核实", "已核定"),
        [
            (
                row["unit"],
                row["name"],
                row["kind"],
                row["section"],
                "是" if row["issued_at"] else "否",
                row["status"],
                row["received_at"] or "",
                str(row["errors"]),
                str(row["verify"]),
                f"{row['judged']}/{row['to_judge']}",
            )
            for row in rows
        ],
        right=(7, 8, 9),
    )
    missing = [row["name"] for row in rows if row["status"] == Status.NOT_RETURNED]
    click.echo(
        f"共 {len(rows)} 个单位，已报送 {len(rows) - len(missing)} 个，未报送 {len(missing)} 个"
        + (f"：{'、'.join(missing)}。" if missing else "。")
    )
    for receipt in result.unplaced:
        click.echo(f"待处理文件：{plain(receipt.file)}（{receipt.verdict}）{plain(receipt.detail)}")


@cli.command(cls=ChineseCommand)
@click.argument("files", metavar="[文件]...", nargs=-1, type=PATH)
@click.option(
    "--plan",
    "plan_file",
    metavar="文件",
    type=PATH,
    help="考核方案；默认用考核文件夹的，或文件旁边的考核方案.xlsx",
)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def check(
    context: click.Context, files: tuple[Path, ...], plan_file: Path | None, as_json: bool
) -> None:
    """审核：全部报送（读：原件/、台账.db），或给出的工作簿（不需要台账）。

    单位也可以用它自查。有“错误”时退出码为 1。

    \b
    例：perfxl -C 考核2024 check
        perfxl check SL2023-101-石楼县教育科技局.xlsx --plan 考核方案.xlsx
    """
    sys.exit(
        _check_files(context, files, plan_file, as_json) if files else _check_all(context, as_json)
    )


def _check_all(context: click.Context, as_json: bool) -> int:
    from perfxl.stages.gather import gather

    gathered = gather(_campaign(context))
    findings = gathered.checked.findings
    if as_json:
        print_json(
            {
                "findings": findings.drop(columns="receipt").to_dict("records"),
                "outcomes": gathered.checked.outcomes.drop(columns="receipt").to_dict("records"),
            }
        )
    else:
        print_findings(findings, {unit.code: unit.name for unit in gathered.plan.units})
        print_outcomes(gathered.checked.outcomes)
    return FINDINGS_EXIT if has_errors(findings) else 0


def _check_files(
    context: click.Context, files: Sequence[Path], plan_file: Path | None, as_json: bool
) -> int:
    from perfxl.campaign import PLAN_FILE, read_plan_file
    from perfxl.console import plain
    from perfxl.stages.check import check_file

    folder: Path = context.obj
    given = plan_file or (folder / PLAN_FILE if (folder / PLAN_FILE).is_file() else None)
    chosen = read_plan_file(_read(given), given.name) if given else None
    checked, refused = [], []
    for path in files:
        try:
            checked.append((path, check_file(path, chosen)))
        except PerfxlError as error:
            if len(files) == 1:
                raise
            refused.append((path, error))
    if as_json:
        print_json(
            {
                "files": [file_record(path, one) for path, one in checked],
                "unreadable": [{"file": str(path), "error": str(error)} for path, error in refused],
            }
        )
    else:
        for _, one in checked:
            print_file_check(one)
        for _, refusal in refused:
            click.echo(plain(str(refusal)), err=True)
    if refused:
        return MISTAKE_EXIT
    errors = any(has_errors(one.result.findings) for _, one in checked)
    return FINDINGS_EXIT if errors else 0


@cli.group(cls=ChineseGroup)
def review() -> None:
    """股室打分：生成评分表、收回评分表（文件夹：股室评分/）。"""


@review.command("issue", cls=ChineseCommand)
@click.pass_context
def review_issue(context: click.Context) -> None:
    """生成每个股室的评分表（读：原件/、台账.db；写：股室评分/）。

    已填而未收取的评分表不会被覆盖；已收取的核定得分会预先填好。

    \b
    例：perfxl -C 考核2024 review issue
    """
    from perfxl.stages.review import issue_books

    campaign = _campaign(context)
    result = issue_books(campaign, _now())
    for path, count in zip(result.written, result.lines.values(), strict=True):
        click.echo(f"{path}（{count} 项）")
    click.echo(f"已生成 {len(result.written)} 份评分表。")


@review.command("ingest", cls=ChineseCommand)
@click.argument("paths", metavar="[文件或文件夹]...", nargs=-1, type=PATH)
@click.pass_context
def review_ingest(context: click.Context, paths: tuple[Path, ...]) -> None:
    """收回评分表（读：股室评分/ 或给出的文件；写：原件/、台账.db）。

    空白的核定得分表示尚未评定，不会抹去以前的打分。有“错误”时退出码为 1。

    \b
    例：perfxl -C 考核2024 review ingest
    """
    import pandas as pd

    from perfxl.console import plain
    from perfxl.stages.review import ingest_books

    taken = ingest_books(_campaign(context), list(paths), _now())
    for book in taken:
        note = (
            f"（{book.verdict}）{book.detail}"
            if book.detail
            else (f"：新记录 {book.recorded} 项，未变 {book.unchanged} 项")
        )
        click.echo(f"{plain(book.path.name)}{note}")
    found = [book.findings for book in taken if len(book.findings)]
    if found:
        findings = pd.concat(found, ignore_index=True)
        print_findings(findings, {})
        bad = has_errors(findings)
    else:
        bad = False
    sys.exit(FINDINGS_EXIT if bad or any(book.detail for book in taken) else 0)


@cli.command(cls=ChineseCommand)
@click.pass_context
def consolidate(context: click.Context) -> None:
    """汇总：生成综合评分表（读：原件/、台账.db；写：成果/综合评分表.xlsx）。

    以前的综合评分表移到 成果/历次/，股室的打分不受影响。

    \b
    例：perfxl -C 考核2024 consolidate
    """
    from perfxl.stages.consolidate import consolidate as run

    result = run(_campaign(context), _now())
    provisional = int(result.gathered.ranking["provisional"].sum())
    click.echo(f"已写 {result.path}。")
    if result.kept:
        click.echo(f"上一次的留在 {result.kept}。")
    if provisional:
        click.echo(f"还有 {provisional} 项得分未经股室核定，暂取自评与计算得分中较低的。")


@cli.command(cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def rank(context: click.Context, as_json: bool) -> None:
    """各类单位的排名（读：原件/、台账.db）。

    \b
    例：perfxl -C 考核2024 rank
    """
    from perfxl.stages.gather import gather

    gathered = gather(_campaign(context))
    if as_json:
        print_json(ranking_records(gathered))
    else:
        print_ranking(gathered)


@cli.command(cls=ChineseCommand)
@click.pass_context
def circular(context: click.Context) -> None:
    """通报：生成 Word 文稿（读：原件/、台账.db；写：成果/通报.docx）。

    还有得分未经股室核定时，文稿标明“讨论稿”。

    \b
    例：perfxl -C 考核2024 circular
    """
    from perfxl.stages.circular import circular as run

    result = run(_campaign(context), _now())
    click.echo(f"已写 {result.path}。")
    if result.kept:
        click.echo(f"上一份文稿有人改动过，已留在 {result.kept}。")
    if result.provisional:
        click.echo(f"还有 {result.provisional} 项得分未经股室核定，文稿为讨论稿。")


@cli.command(cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def checks(as_json: bool) -> None:
    """列出全部审核检查：代码、类别、内容、处理办法。

    \b
    例：perfxl checks
    """
    from perfxl.checks.catalogue import CATALOGUE
    from perfxl.checks.runner import ROOMS
    from perfxl.console import print_table
    from perfxl.reviews import REVIEW_FINDINGS

    assert ROOMS
    records = [
        {
            "code": one.code,
            "severity": str(one.severity),
            "title": one.title,
            "remedy": re.sub(r"\{.*?\}", "…", one.remedy),
        }
        for one in (CATALOGUE[code] for code in sorted(CATALOGUE))
    ]
    records += [
        {"code": code, "severity": severity, "title": f"评分表：{title}", "remedy": ""}
        for code, (severity, title) in REVIEW_FINDINGS.items()
    ]
    if as_json:
        print_json(records)
        return
    print_table(
        ("代码", "类别", "检查内容", "处理办法"),
        [tuple(record.values()) for record in records],
    )


@cli.command(cls=ChineseCommand)
@click.argument("folder", metavar="[文件夹]", type=PATH, default=Path("perfxl-demo"))
def demo(folder: Path) -> None:
    """用自带的样例走一遍全过程（写：给出的文件夹，默认 ./perfxl-demo）。

    \b
    例：perfxl demo
    """
    from perfxl.stages.demo import demo as run

    result = run(folder, click.echo)
    print_ranking(result.gathered)
    click.echo("样例中的单位填报内容、电话、邮箱和打分均为虚构。结果在：")
    for path in result.products:
        click.echo(f"  {path}")


def main() -> None:
    """Entry point: operator's mistakes become a Chinese message and exit code 2."""
    from perfxl.console import plain, prepare_streams

    prepare_streams()
    try:
        code = cli.main(prog_name="perfxl", standalone_mode=False)
    except PerfxlError as error:
        _stop("\n".join(plain(line) for line in str(error).splitlines()))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.Abort:
        _stop("已中止。")
    except click.ClickException as error:
        _stop(plain(usage_mistake(error)))
    except PermissionError as error:
        _stop(
            f"[E501] {plain(str(error.filename))}：文件正被其他程序打开，或没有读写权限"
            "（请在 Excel 或 WPS 中关闭它后重试）"
        )
    except OSError as error:
        _stop(
            f"[E502] {plain(str(error.filename or ''))}：文件或文件夹不能读写（{error.strerror}）"
            "（请检查路径、磁盘空间和权限）"
        )
    sys.exit(code if isinstance(code, int) else 0)


def _stop(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(MISTAKE_EXIT)
