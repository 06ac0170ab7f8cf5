"""After the circular: feedback to the units, rectification until it is done, next year's budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import campaign_of, cli, now, operator, unit_of
from perfxl.cli.output import print_json, say_written

if TYPE_CHECKING:
    from perfxl.campaign import Campaign


@cli.command(cls=ChineseCommand)
@click.argument("unit_codes", metavar="[单位]...", nargs=-1)
@click.option("--draft", is_flag=True, help="只写讨论稿，不下发、不登记问题")
@click.option("--pdf", "as_pdf", is_flag=True, help="反馈意见另存为 PDF（需要 LibreOffice）")
@click.pass_context
def feedback(
    context: click.Context, unit_codes: tuple[str, ...], draft: bool, as_pdf: bool
) -> None:
    """反馈：每个单位的反馈意见和整改台账（读：原件/、台账.db；写：反馈整改/、台账.db）。

    需要整改的问题同时登记，以后用 perfxl rectify 跟踪；再次执行，问题编号不变。
    单位填好的整改台账放进“收件”，用 perfxl ingest 收取。

    \b
    例：perfxl -C 考核2024 feedback
        perfxl -C 考核2024 feedback 101 --draft
    """
    from perfxl.stages.feedback import feedback as run
    from perfxl.stages.print_out import print_file

    campaign = campaign_of(context)
    codes = {unit_of(campaign, code).code for code in unit_codes} or None
    result = run(campaign, now(), codes, draft=draft)
    written = [one.notice for one in result.units]
    if as_pdf:
        for notice in written:
            print_file(notice.path, notice.path.read_bytes())
    books = [one for one in result.units if one.book]
    problems = sum(one.problems for one in result.units)
    folder = written[0].path.parent.parent
    click.echo(f"已写反馈意见 {len(written)} 份{'和 PDF' if as_pdf else ''}，在 {folder}。")
    for one in result.units:
        if one.notice.kept:
            click.echo(f"{one.unit.name}的反馈意见有人改动过，已留在 {one.notice.kept}。")
    if draft:
        click.echo("这是讨论稿，没有登记问题，也没有生成整改台账。")
    else:
        click.echo(f"需要整改的问题 {problems} 个，整改台账 {len(books)} 份。")


@cli.group(cls=ChineseGroup)
def rectify() -> None:
    """整改：看进度、确认或退回、写整改总结（文件夹：反馈整改/）。"""


@rectify.command("status", cls=ChineseCommand)
@click.argument("unit_codes", metavar="[单位]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def status(context: click.Context, unit_codes: tuple[str, ...], as_json: bool) -> None:
    """整改到哪一步，逾期的排在前面（读：台账.db）。

    给出单位时，逐个列出问题。

    \b
    例：perfxl -C 考核2024 rectify status
        perfxl -C 考核2024 rectify status 101
    """
    from perfxl.console import print_table
    from perfxl.facts.follow_up import rectification_by_unit
    from perfxl.rectifications.states import State
    from perfxl.stages.rectification import problems_today

    campaign = campaign_of(context)
    table = problems_today(campaign, now().date())
    if unit_codes:
        codes = {unit_of(campaign, code).code for code in unit_codes}
        table = table[table["unit"].isin(codes)]
    table = table.sort_values("overdue", ascending=False, kind="stable")
    if as_json:
        names = ["unit", "number", "source", "indicator", "description", "measure", "person"]
        names += ["progress", "done_on", "state", "overdue", "opinion"]
        records = table[names].to_dict("records")
        for record, due in zip(records, table["due"], strict=True):
            record["due"] = due.isoformat()
        print_json(records)
        return
    if unit_codes:
        print_table(
            ("编号", "问题", "期限", "状态", "责任人", "完成日期", "核查意见"),
            [
                (
                    one.number,
                    one.description,
                    one.due.isoformat(),
                    f"{one.state}（逾期）" if one.overdue else one.state,
                    one.person,
                    one.done_on,
                    one.opinion,
                )
                for one in table.itertuples(index=False)
            ],
        )
    else:
        units = rectification_by_unit(campaign.plan, table)
        units.sort(key=lambda one: -one.overdue)
        print_table(
            ("编码", "单位", "问题", *map(str, State), "逾期"),
            [
                (
                    *(one.unit, one.name, str(one.total)),
                    *(str(one.counts[state]) for state in State),
                    str(one.overdue),
                )
                for one in units
            ],
            right=tuple(range(2, 4 + len(State))),
        )
    if not unit_codes:
        _tell_of_strangers(campaign)
    done = int((table["state"] == State.CONFIRMED).sum())
    late = int(table["overdue"].sum())
    click.echo(f"问题 {len(table)} 个，已确认 {done} 个，逾期 {late} 个。")


def _tell_of_strangers(campaign: Campaign) -> None:
    """Units that have problems and are not in the roster any more."""
    from perfxl.stages.rectification import problems_of_strangers

    for unit, number in problems_of_strangers(campaign).items():
        click.echo(f"{unit} 已不在单位名录中，它的 {number} 个问题没有列入。")


@rectify.command("confirm", cls=ChineseCommand)
@click.argument("unit_codes", metavar="单位...", nargs=-1, required=True)
@click.option("--problem", "numbers", multiple=True, metavar="编号", help="只确认这个问题，可多次")
@click.option("--reason", default="", metavar="说明", help="核查意见")
@click.pass_context
def confirm(
    context: click.Context, unit_codes: tuple[str, ...], numbers: tuple[str, ...], reason: str
) -> None:
    """确认整改完成：这些单位已报告的全部问题，或指定的问题（写：台账.db）。

    \b
    例：perfxl -C 考核2024 rectify confirm 101 102
        perfxl -C 考核2024 rectify confirm 101 --problem 101-03 --reason 已现场核实
    """
    from perfxl.rectifications.states import Decision

    _decide(context, Decision.CONFIRM, unit_codes, numbers, reason)


@rectify.command("return", cls=ChineseCommand)
@click.argument("unit_codes", metavar="单位...", nargs=-1, required=True)
@click.option("--problem", "numbers", multiple=True, metavar="编号", help="只退回这个问题，可多次")
@click.option("--reason", default="", metavar="理由", help="为什么退回，写进单位的整改台账")
@click.pass_context
def send_back(
    context: click.Context, unit_codes: tuple[str, ...], numbers: tuple[str, ...], reason: str
) -> None:
    """退回重改：这些单位已报告的全部问题，或指定的问题（写：台账.db、反馈整改/）。

    \b
    例：perfxl -C 考核2024 rectify return 101 --problem 101-03 --reason 缺少佐证材料
    """
    from perfxl.rectifications.states import Decision

    _decide(context, Decision.RETURN, unit_codes, numbers, reason)


def _decide(
    context: click.Context,
    decision: str,
    unit_codes: tuple[str, ...],
    numbers: tuple[str, ...],
    reason: str,
) -> None:
    from perfxl.rectifications.states import Decision
    from perfxl.stages.feedback import rewrite_books
    from perfxl.stages.rectification import decide

    campaign = campaign_of(context)
    units = [unit_of(campaign, code) for code in unit_codes]
    when = now()
    decided = decide(campaign, Decision(decision), units, numbers, reason, operator(), when)
    click.echo(f"已{decision} {len(decided)} 个问题：{'、'.join(decided)}。")
    for path in rewrite_books(campaign, units, when):
        click.echo(f"已更新 {path}。")


@rectify.command("report", cls=ChineseCommand)
@click.option("--pdf", "as_pdf", is_flag=True, help="另存为 PDF（需要 LibreOffice）")
@click.pass_context
def report(context: click.Context, as_pdf: bool) -> None:
    """整改总结：向县政府报告整改情况（读：台账.db；写：成果/整改总结.docx）。

    \b
    例：perfxl -C 考核2024 rectify report
    """
    from perfxl.stages.closing import closing

    say_written([closing(campaign_of(context), now())], as_pdf=as_pdf)


@cli.command("apply", cls=ChineseCommand)
@click.option("--pdf", "as_pdf", is_flag=True, help="文稿另存为 PDF（需要 LibreOffice）")
@click.pass_context
def apply_results(context: click.Context, as_pdf: bool) -> None:
    """结果应用：等级用于下年预算的建议（读：原件/、台账.db；写：成果/结果应用建议.docx、结果应用建议表.xlsx）。

    按考核方案的“结果应用”表计算，只是建议，由人决定。

    \b
    例：perfxl -C 考核2024 apply
    """
    from perfxl.stages.closing import apply_to_budget

    result = apply_to_budget(campaign_of(context), now())
    say_written([result.document], as_pdf=as_pdf)
    say_written([result.workbook])
    if result.provisional:
        click.echo(f"还有 {result.provisional} 项得分未经股室核定，文稿为讨论稿。")
