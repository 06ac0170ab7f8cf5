"""mail (邮件): drafts and sending for each occasion, how mailing stands, collecting, the password."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import (
    FINDINGS_EXIT,
    MISTAKE_EXIT,
    campaign_of,
    cli,
    now,
    operator,
    reads_many,
    unit_of,
)
from perfxl.cli.output import moment, print_json
from perfxl.errors import PerfxlError

if TYPE_CHECKING:
    from perfxl.campaign import Campaign
    from perfxl.plan.mailing import Server
    from perfxl.stages.collect import CollectResult
    from perfxl.stages.mail import Batch, SendReport

# Commands with the occasions' own names, and what a keyboard without Chinese types instead.
_ALIASES = {
    "issue": "下发",
    "remind": "催报",
    "send-back": "退回修改",
    "feedback": "反馈与整改",
    "circular": "通报",
}
_ABOUT = {
    "下发": "下发工作簿：附各单位自己的填报工作簿（下发/）",
    "催报": "催报：没有报送的、退回后没有重报的，列出该单位还缺什么",
    "退回修改": "退回修改：附标注件（退回/），列出问题",
    "反馈与整改": "反馈与整改：附反馈意见和整改台账（反馈整改/）",
    "通报": "通报：附成果/通报.docx",
}


class _Mails(ChineseGroup):
    """The group, whose occasions may be given in English too."""

    order = (*_ABOUT, "status", "collect", "password")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name or alias."""
        return super().get_command(ctx, _ALIASES.get(cmd_name, cmd_name))


@cli.group("mail", cls=_Mails)
def mail() -> None:
    """邮件：按场合写草稿、发送，收取回复（文件夹：邮件/）。

    \b
    例：perfxl -C 考核2024 mail 下发           写草稿和预览，不发出
        perfxl -C 考核2024 mail 下发 --send    发出；已发过的不会再发
    """


def _occasion_command(occasion: str, about: str) -> click.Command:
    @click.option("--send", "sending", is_flag=True, help="发出；不写时只写草稿和预览")
    @click.option("--only", "units", metavar="单位", multiple=True, help="只给这个单位，可写几次")
    @click.option("--section", metavar="股室", help="只给这个股室负责的单位")
    @click.option("--test", "test_address", metavar="邮箱", help="全部发给自己看，不算发过")
    @click.option("--resend", metavar="单位", multiple=True, help="发过的或待定的再发一次")
    @click.option("--mark-sent", metavar="单位", multiple=True, help="认定待定的、人工发的已经发出")
    @click.pass_context
    def command(
        context: click.Context,
        sending: bool,
        units: tuple[str, ...],
        section: str | None,
        test_address: str | None,
        resend: tuple[str, ...],
        mark_sent: tuple[str, ...],
    ) -> None:
        campaign = campaign_of(context)
        if mark_sent:
            _mark(campaign, occasion, mark_sent)
            return
        again = {unit_of(campaign, code).code for code in resend}
        wanted = _wanted(campaign, (*units, *resend), section)
        _write_or_send(campaign, occasion, wanted, again, sending or bool(resend), test_address)

    command.__doc__ = f"""{about}。

    先写草稿（邮件/{occasion}/*.eml）和预览.xlsx；--send 才发出。整批先核对，有一处错误就一封也不发。
    每封发出前后都记台账，已发的不会再发；中断时不知道发没发出的记为“待定”，由人决定。

    \b
    例：perfxl -C 考核2024 mail {occasion} --only 101
        perfxl -C 考核2024 mail {occasion} --test 自己的邮箱
        perfxl -C 考核2024 mail {occasion} --send
    """
    return click.command(occasion, cls=ChineseCommand)(command)


for _name, _text in _ABOUT.items():
    mail.add_command(_occasion_command(_name, _text))


def _wanted(campaign: Campaign, units: Sequence[str], section: str | None) -> set[str] | None:
    """The codes that the options name; None for all units."""
    chosen = {unit_of(campaign, code).code for code in units}
    if section is not None:
        of_section = {one.code for one in campaign.plan.units if one.section == section}
        if not of_section:
            sections = "、".join(dict.fromkeys(one.section for one in campaign.plan.units))
            raise PerfxlError(f"没有股室“{section}”负责的单位", remedy=f"股室有：{sections}")
        return of_section & chosen if chosen else of_section
    return chosen or None


def _mark(campaign: Campaign, occasion: str, codes: Sequence[str]) -> None:
    from perfxl.plan.mailing import Occasion
    from perfxl.stages.mail import mark_sent

    units = {unit_of(campaign, code).code for code in codes}
    for unit in mark_sent(campaign, Occasion(occasion), units, operator(), now()):
        click.echo(f"{unit.name}的“{occasion}”邮件记为已发出（{operator()} 认定）。")


def _write_or_send(
    campaign: Campaign,
    occasion: str,
    wanted: set[str] | None,
    again: set[str],
    sending: bool,
    test_address: str | None,
) -> None:
    from perfxl.plan.mailing import Occasion
    from perfxl.stages.mail import batch, write_drafts

    going = sending or bool(test_address)
    made = batch(campaign, Occasion(occasion), now(), units=wanted, resend=again, sending=going)
    preview = write_drafts(campaign, made, now())
    _print_batch(made)
    click.echo(f"预览：{preview}。")
    if not going:
        click.echo(f"草稿在 {preview.parent}，没有发出；核对后加 --send 发出。")
        return
    _send(campaign, made, test_address)


def _print_batch(made: Batch) -> None:
    from perfxl.console import print_table
    from perfxl.stages.mail import preview_rows

    print_table(
        ("编码", "单位", "收件人", "抄送", "主题", "附件", "SHA-256", "状态", "备注"),
        [
            (r.unit, r.name, r.to, r.copies, r.subject, r.file, r.sha256[:12], r.state, r.note)
            for r in preview_rows(made)
        ],
    )
    reasons: dict[str, list[str]] = {}
    for unit, reason in made.idle:
        reasons.setdefault(reason, []).append(unit.name)
    for reason, names in reasons.items():
        click.echo(f"没有邮件（{reason}）：{len(names)} 个单位。")
    click.echo(f"共 {len(made.items)} 封，待发 {len(made.waiting)} 封。")


def _send(campaign: Campaign, made: Batch, test_address: str | None) -> None:
    import time

    from perfxl.console import progress
    from perfxl.mail.passwords import password_of
    from perfxl.mail.smtp import Courier
    from perfxl.stages.mail import send, send_test

    server = made.settings.smtp
    password = password_of(server) if server.user else ""
    courier = Courier(server, password, time.sleep)
    seconds = 60 / made.settings.per_minute
    count = len(made.items if test_address else made.waiting)
    with progress("发送", count) as advance:
        if test_address:
            report = send_test(
                made, test_address, courier, now(), lambda: time.sleep(seconds), advance
            )
        else:
            report = send(
                campaign, made, courier, operator(), now, lambda: time.sleep(seconds), advance
            )
    _print_report(report)


def _print_report(report: SendReport) -> None:
    from perfxl.console import plain, print_table
    from perfxl.ledger import MailState

    went = [one for one in report.sent if one.delivery.state is MailState.SENT]
    wrong = [one for one in report.sent if one not in went or one.delivery.detail]
    click.echo(f"发出 {len(went)} 封。")
    if wrong:
        print_table(
            ("编码", "单位", "结果", "原因"),
            [
                (one.unit.code, one.unit.name, str(one.delivery.state), one.delivery.detail)
                for one in wrong
            ],
            title="没有全部送达的：",
        )
    if any(one.delivery.state is MailState.IN_DOUBT for one in wrong):
        click.echo("待定的：核实后用 --mark-sent 单位 认定已发出，或用 --resend 单位 再发。")
    if report.left:
        names = "、".join(unit.name for unit in report.left)
        click.echo(f"还没有发的 {len(report.left)} 个单位：{names}。")
    if report.stopped is not None:
        click.echo(plain(str(report.stopped)), err=True)
        sys.exit(MISTAKE_EXIT)
    if wrong:
        sys.exit(FINDINGS_EXIT)


@mail.command("status", cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def mail_status(context: click.Context, as_json: bool) -> None:
    """每封邮件的情况：已发、待定、被拒收（读：台账.db）。

    待定的是发送中断、不知道发没发出的，由人核实后认定或重发。

    \b
    例：perfxl -C 考核2024 mail status
    """
    from perfxl.console import print_table
    from perfxl.ledger import MailState, mail_state
    from perfxl.stages.mail import mails_in_force

    campaign = campaign_of(context)
    names = {unit.code: unit.name for unit in campaign.plan.units}
    rows: list[dict[str, Any]] = [
        {
            "unit": one.unit,
            "name": names.get(one.unit, ""),
            "occasion": one.occasion,
            "state": str(mail_state(one)),
            "at": moment(one.recorded_at),
            "attempt": one.attempt,
            "recipients": one.recipients,
            "detail": one.detail
            or ("发送中断，或正在发送" if one.state is MailState.SENDING else ""),
            "by": one.recorded_by,
        }
        for one in mails_in_force(campaign)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("编码", "单位", "场合", "结果", "时间", "第几次", "收件人", "说明"),
        [
            (
                row["unit"],
                row["name"],
                row["occasion"],
                row["state"],
                row["at"],
                str(row["attempt"]),
                row["recipients"],
                row["detail"],
            )
            for row in rows
        ],
        right=(5,),
    )
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["state"]] = counts.get(row["state"], 0) + 1
    told = "，".join(f"{state} {count}" for state, count in counts.items())
    click.echo(f"邮件 {len(rows)} 封{'：' + told if told else ''}。")
    for row in rows:
        if row["state"] == MailState.IN_DOUBT:
            click.echo(
                f"待定：{row['name']}的“{row['occasion']}”。请核实对方是否收到，然后执行 "
                f"perfxl mail {row['occasion']} --mark-sent {row['unit']}（已收到）或 "
                f"--resend {row['unit']}（没有收到）。"
            )


@mail.command("password", cls=ChineseCommand)
@click.pass_context
def mail_password(context: click.Context) -> None:
    """把邮箱密码（授权码）存入系统的凭据管理器；不写进任何文件。

    \b
    例：perfxl -C 考核2024 mail password
    """
    from perfxl.mail.passwords import keep_password

    servers = _servers(campaign_of(context))
    password = click.prompt("密码（不显示）", hide_input=True, prompt_suffix="：")
    for server in servers:
        keep_password(server, password)
        click.echo(f"已保存 {server.user}（{server.host}）的密码。")


def _servers(campaign: Campaign) -> list[Server]:
    from perfxl.errors import NotInPlan, Place

    settings = campaign.plan.mail_settings
    servers = [settings.smtp, settings.imap] if settings else []
    named = [server for server in servers if server.host and server.user]
    if not named:
        raise NotInPlan(
            "考核方案没有写明邮件服务器和用户名",
            place=Place(str(campaign.plan_file), "邮件设置"),
            remedy="请填写“邮件设置”表",
        )
    return named


@mail.command("collect", cls=ChineseCommand)
@reads_many
@click.pass_context
def collect(context: click.Context) -> None:
    """收信：收取邮箱里的回复（读：邮箱；写：原件/、台账.db）。

    每封邮件原样存入 原件/，附件按报送收取；收过的不再收，可以每几分钟执行一次。没有附件的、退信列出来由人看。
    有要人看的邮件或没有收下的文件时退出码为 1。

    \b
    例：perfxl -C 考核2024 mail collect
    """
    from perfxl.mail.imap import Mailbox
    from perfxl.mail.passwords import password_of
    from perfxl.stages.collect import collect as run
    from perfxl.stages.collect import imap_settings

    campaign = campaign_of(context)
    settings = imap_settings(campaign)
    mailbox = Mailbox(settings.imap, password_of(settings.imap), settings.folder)
    try:
        result = run(campaign, settings, mailbox, now(), operator())
    finally:
        mailbox.close()
    _print_collected(campaign, result)


def _print_collected(campaign: Campaign, result: CollectResult) -> None:
    from perfxl.console import plain, print_table
    from perfxl.ledger import SETTLED, Verdict
    from perfxl.stages.collect import TO_READ

    names = {unit.code: unit.name for unit in campaign.plan.units}
    valid = sum(
        taken.new and taken.receipt.verdict is Verdict.VALID
        for _, files in result.messages
        for taken in files
    )
    click.echo(f"收到邮件 {len(result.messages)} 封，其中有效报送 {valid} 份。")
    rows, open_ones = [], 0
    for row, files in result.messages:
        open_ones += row.kind in TO_READ
        for taken in files or (None,):
            receipt = taken.receipt if taken else None
            open_ones += receipt is not None and receipt.verdict not in SETTLED
            rows.append(
                (
                    str(moment(row.arrived_at)),
                    row.sender,
                    row.subject,
                    names.get(receipt.holder if receipt and receipt.holder else row.unit, ""),
                    receipt.file if receipt else "",
                    str(receipt.verdict) if receipt else row.kind,
                    receipt.detail if receipt else row.detail,
                )
            )
    if rows:
        print_table(("时间", "发件人", "主题", "单位", "文件", "结论", "说明"), rows)
    for row, _ in result.messages:
        if row.kind in TO_READ:
            whose = names.get(row.unit, "单位不明")
            kept = f"，原件/{row.sha256}.eml" if row.sha256 else ""
            click.echo(plain(f"请人看（{row.kind}）：{whose} {row.sender} {row.subject}{kept}"))
    if open_ones:
        sys.exit(FINDINGS_EXIT)
