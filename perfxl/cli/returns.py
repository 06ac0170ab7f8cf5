"""Returns: ingest, status, check, and the list of checks."""

from __future__ import annotations

import datetime as dt
import importlib
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import (
    FINDINGS_EXIT,
    MISTAKE_EXIT,
    PATH,
    campaign_of,
    cli,
    now,
    operator,
    read_file,
    reads_many,
    unit_of,
)
from perfxl.cli.output import (
    file_record,
    moment,
    print_file_check,
    print_findings,
    print_json,
    print_outcomes,
)
from perfxl.errors import PerfxlError
from perfxl.tables import Status, has_errors

if TYPE_CHECKING:
    from perfxl.campaign import Campaign
    from perfxl.intake.judgement import Decision
    from perfxl.stages.check_along import CheckAlong, Checked
    from perfxl.stages.ingest import IngestResult, Taken


@cli.command(cls=ChineseCommand)
@click.argument("paths", metavar="[文件或文件夹]...", nargs=-1, type=PATH)
@click.option("--as", "unit_code", metavar="单位", help="由操作人认定文件是这个单位的报送")
@click.option(
    "--received", metavar="时间", help="收到的时间，例如 2024-01-10 或 2024-01-10T09:30；默认为现在"
)
@click.option("--password", default="", metavar="密码", help="打开加密的工作簿；不会保存")
@reads_many
@click.pass_context
def ingest(
    context: click.Context,
    paths: tuple[Path, ...],
    unit_code: str | None,
    received: str | None,
    password: str,
) -> None:
    """收取报送（读：收件/ 或给出的文件；写：原件/、台账.db）。

    工作簿（.xlsx .xls .et .ods 等）、压缩包（.zip .7z .rar）、邮件（.eml .msg）和文件夹都可以；
    同一份文件收两次只算一次；每个文件都有结论，一份坏文件不影响其他。

    \b
    例：perfxl -C 考核2024 ingest 收件 --received 2024-01-10
        perfxl -C 考核2024 ingest 收件/无名.xlsx --as 101
    """
    from perfxl.console import progress
    from perfxl.isolation.service import kept_workers
    from perfxl.ledger import SETTLED
    from perfxl.stages.check_along import CheckAlong
    from perfxl.stages.ingest import incoming
    from perfxl.stages.ingest import ingest as run

    campaign = campaign_of(context)
    files, passed_over = incoming(campaign, list(paths), _received_at(received))
    kept_workers().start(len(files))
    decision = _decision(campaign, unit_code, len(files)) if unit_code else None
    checks = CheckAlong(campaign)
    with progress("收取", len(files)) as advance:
        result = run(
            campaign,
            files,
            passed_over,
            advance,
            decision,
            password,
            when_new=_load_what_checks,
            when_recorded=checks.take,
        )
    _print_taken(campaign, result, checks, len(files), told_when=received is not None)
    wrong = any(one.rectified and has_errors(one.rectified.findings) for one in result.taken)
    if wrong or any(one.receipt.verdict not in SETTLED for one in result.taken):
        sys.exit(FINDINGS_EXIT)


def _load_what_checks() -> None:
    """Import on another thread, while files are read: pandas takes as long as many of them."""
    threading.Thread(target=importlib.import_module, args=("perfxl.stages.gather",)).start()


def _print_taken(
    campaign: Campaign, result: IngestResult, checks: CheckAlong, files: int, *, told_when: bool
) -> None:
    from perfxl.console import plain, print_table
    from perfxl.ledger import SETTLED, Verdict

    new = [taken for taken in result.taken if taken.new]
    books = [taken for taken in new if taken.rectified is not None]
    valid = [
        taken for taken in new if taken.receipt.verdict is Verdict.VALID and taken.rectified is None
    ]
    inside = len(result.taken) - files
    click.echo(
        f"文件 {files} 个{f'（另从中拆出 {inside} 个）' if inside else ''}："
        f"新收 {len(new)} 个（有效 {len(valid) + len(books)} 个），"
        f"以前收过 {len(result.taken) - len(new)} 个。"
    )
    if valid:
        _print_valid(campaign, valid, checks.finish())
    _print_rectified(campaign, books)
    if told_when:
        for taken in result.taken:
            if not taken.new:
                click.echo(
                    f"  {plain(taken.receipt.file)} 以前收过，"
                    f"收到时间仍为 {moment(taken.receipt.received_at)}"
                )
    for taken in new:
        if taken.receipt.verdict is Verdict.ATTACHMENT:
            unit = campaign.plan.unit_by_code.get(taken.receipt.holder)
            click.echo(
                f"  附件：{plain(taken.receipt.file)}（{unit.name if unit else '单位不明'}）"
            )
    for name in result.passed_over:
        click.echo(f"略过：{plain(name)}（临时文件或系统文件）")
    refused = [taken for taken in result.taken if taken.receipt.verdict not in SETTLED]
    if refused:
        print_table(
            ("文件", "结论", "说明"),
            [(_whence(t), str(t.receipt.verdict), t.receipt.detail) for t in refused],
            title="没有作为报送的文件：",
        )


def _whence(taken: Taken) -> str:
    """The file that the operator sees, and what in it is meant."""
    own, outer = taken.receipt.file, taken.path.name
    return f"{outer} 内 {own}" if taken.receipt.envelope and own != outer else outer


def _print_valid(
    campaign: Campaign, valid: Sequence[Taken], checked: Mapping[str, Checked]
) -> None:
    """What was received, with what the checks say of it."""
    from perfxl.console import print_table

    rows = []
    for taken in valid:
        receipt = taken.receipt
        unit = checked.get(receipt.holder)
        counted = unit is not None and unit.receipt == receipt.sha256
        # Lateness goes by the first valid return; a correction after the deadline is not late.
        late = unit is not None and unit.status is Status.LATE
        notes = [
            "逾期" if late else "",
            # A mailbox that is taken in late: --received says when the mail really came.
            f"邮件发出于 {moment(receipt.sent_at)}" if late and receipt.sent_at else "",
            "单位按封面或文件名认定" if receipt.doubtful else "",
            f"{receipt.decided_by} 认定" if receipt.decided_by else "",
            "" if counted else "另有一份在用",
        ]
        rows.append(
            (
                _whence(taken),
                receipt.holder,
                campaign.plan.unit_by_code[receipt.holder].name,
                str(moment(receipt.received_at)),
                str(unit.errors) if unit and counted else "",
                str(unit.to_verify) if unit and counted else "",
                "；".join(filter(None, notes)),
            )
        )
    print_table(("文件", "编码", "单位", "收到时间", "错误", "核实", "备注"), rows, right=(4, 5))


def _print_rectified(campaign: Campaign, books: Sequence[Taken]) -> None:
    """What the rectification books brought, and what is wrong in them."""
    from perfxl.console import plain

    for taken in books:
        book = taken.rectified
        assert book is not None
        unit = campaign.plan.unit_by_code[taken.receipt.holder]
        click.echo(
            f"整改台账：{unit.name}（{plain(_whence(taken))}），"
            f"新记录 {book.recorded} 个问题，未变 {book.unchanged} 个。"
        )
        if len(book.findings):
            print_findings(book.findings, {})


def _decision(campaign: Campaign, unit_code: str, files: int) -> Decision:
    from perfxl.intake.judgement import Decision

    unit = unit_of(campaign, unit_code)
    if files != 1:
        raise PerfxlError("--as 一次只认定一个文件", remedy="请只给出一个文件")
    return Decision(unit, operator())


def _received_at(text: str | None) -> dt.datetime:
    from perfxl.values import date_of, moment_of

    if text is None:
        return now()
    day = date_of(text)
    received = dt.datetime.combine(day, dt.time(12)) if day else moment_of(text.replace("T", " "))
    if received is None:
        raise PerfxlError(f"看不懂时间“{text}”", remedy="写法如 2024-01-10 或 2024-01-10T09:30")
    # A bare date is taken at noon: it names the day, not its last second.
    present = now()
    if day == present.date():
        return min(received, present)
    if received > present:
        # It could not be corrected later: the time of receipt that was recorded first stays.
        raise PerfxlError(f"收到时间 {moment(received)} 还没有到", remedy="请核对年份和日期")
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
    from perfxl.ledger import mail_state
    from perfxl.stages.status import status as run

    result = run(campaign_of(context))
    rows: list[dict[str, Any]] = [
        {
            "unit": one.unit.code,
            "name": one.unit.name,
            "kind": one.unit.kind,
            "section": one.unit.section,
            "issued_at": moment(one.issued_at),
            "status": str(one.status),
            "first_received_at": moment(one.first_received_at),
            "received_at": moment(one.received_at),
            "file": one.file,
            "preparer": one.preparer,
            "sender": one.sender,
            "doubtful": one.doubtful,
            "extended_until": moment(one.extended_until),
            "sent_back": one.sent_back,
            "sent_back_at": moment(one.sent_back_at),
            "attachments": one.attachments,
            "errors": one.errors,
            "verify": one.verify,
            "judged": one.judged,
            "to_judge": one.to_judge,
            "mails": [
                {
                    "occasion": mail.occasion,
                    "state": str(mail_state(mail)),
                    "at": moment(mail.recorded_at),
                }
                for mail in one.mails
            ],
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
                "sender": r.sender,
            }
            for r in result.unplaced
        ]
        print_json({"units": rows, "unplaced": unplaced})
        return
    print_table(
        (
            "编码",
            "单位",
            "股室",
            "下发",
            "报送",
            "收到",
            "填报人",
            "错误",
            "核实",
            "退回",
            "核定",
            "备注",
        ),
        [
            (
                row["unit"],
                row["name"],
                row["section"],
                "是" if row["issued_at"] else "否",
                row["status"],
                (row["received_at"] or "")[5:],
                row["preparer"],
                str(row["errors"]),
                str(row["verify"]),
                str(row["sent_back"] or ""),
                f"{row['judged']}/{row['to_judge']}",
                _note(row),
            )
            for row in rows
        ],
        right=(7, 8, 9, 10),
    )
    missing = [row["name"] for row in rows if row["status"] == Status.NOT_RETURNED]
    click.echo(
        f"共 {len(rows)} 个单位，已报送 {len(rows) - len(missing)} 个，未报送 {len(missing)} 个"
        + (f"：{'、'.join(missing)}。" if missing else "。")
    )
    for receipt in result.unplaced:
        click.echo(f"待处理文件：{plain(receipt.file)}（{receipt.verdict}）{plain(receipt.detail)}")


def _note(row: dict[str, Any]) -> str:
    first, last = row["first_received_at"], row["received_at"]
    notes = [
        f"首次 {first[5:]}" if first and first != last else "",
        f"延至 {row['extended_until'][5:]}" if row["extended_until"] else "",
        "已退回，等待重报" if row["sent_back_at"] else "",
        "单位待核对" if row["doubtful"] else "",
        f"附件 {row['attachments']}" if row["attachments"] else "",
        *(f"{mail['occasion']}邮件{mail['state']} {mail['at'][5:10]}" for mail in row["mails"]),
    ]
    return "；".join(filter(None, notes))


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
@reads_many
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

    gathered = gather(campaign_of(context))
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
    chosen = read_plan_file(read_file(given), given.name) if given else None
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


@cli.command(cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
def checks(as_json: bool) -> None:
    """列出全部审核检查：代码、类别、内容、处理办法。

    \b
    例：perfxl checks
    """
    from perfxl.checks.runner import all_checks
    from perfxl.console import print_table
    from perfxl.reviews.reading import REVIEW_FINDINGS
    from perfxl.spot_checks.reading import SPOT_CHECK_FINDINGS

    records = [
        {
            "code": one.code,
            "severity": str(one.severity),
            "title": one.title,
            "remedy": re.sub(r"\{.*?\}", "…", one.remedy),
        }
        for one in all_checks()
    ]
    records += [
        {"code": code, "severity": severity, "title": f"{book}：{title}", "remedy": ""}
        for book, catalogue in (("评分表", REVIEW_FINDINGS), ("核查表", SPOT_CHECK_FINDINGS))
        for code, (severity, title) in catalogue.items()
    ]
    if as_json:
        print_json(records)
        return
    print_table(
        ("代码", "类别", "检查内容", "处理办法"),
        [tuple(record.values()) for record in records],
    )
