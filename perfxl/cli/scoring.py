"""The sections' scores: review books, objections, and why a score is what it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from perfxl.cli.chinese import ChineseCommand, ChineseGroup
from perfxl.cli.group import FINDINGS_EXIT, PATH, campaign_of, cli, now, operator, unit_of
from perfxl.cli.output import print_findings, print_json
from perfxl.errors import PerfxlError
from perfxl.tables import has_errors

if TYPE_CHECKING:
    from perfxl.stages.gather import Gathered


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

    campaign = campaign_of(context)
    result = issue_books(campaign, now())
    for path, count, again in zip(result.written, result.lines, result.to_look_again, strict=True):
        note = f"，其中 {again} 项核定后有变化，请再看" if again else ""
        click.echo(f"{path}（{count} 项{note}）")
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
    from perfxl.console import plain
    from perfxl.stages.gather import gather
    from perfxl.stages.review import ingest_books

    campaign = campaign_of(context)
    taken = ingest_books(campaign, list(paths), now())
    for book in taken:
        note = (
            f"（{book.verdict}）{book.detail}"
            if book.detail
            else (f"：新记录 {book.recorded} 项，未变 {book.unchanged} 项")
        )
        click.echo(f"{plain(book.path.name)}{note}")
    for book in taken:
        if len(book.findings):
            click.echo(f"\n{plain(book.path.name)}：")
            print_findings(book.findings, {})
    if not taken:
        click.echo("没有找到评分表。请把填好的评分表放回“股室评分”文件夹，或在命令后给出文件。")
    _print_for_another_look(gather(campaign))
    bad = any(has_errors(book.findings) for book in taken)
    sys.exit(FINDINGS_EXIT if bad or any(book.detail for book in taken) else 0)


@review.command("status", cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def review_status(context: click.Context, as_json: bool) -> None:
    """各股室评定到哪里：已评、未评、核定后有变化的、评分人之间有分歧的（读：台账.db、原件/）。

    \b
    例：perfxl -C 考核2024 review status
    """
    from perfxl.console import print_table
    from perfxl.stages.gather import gather
    from perfxl.stages.review import progress_of_books

    gathered = gather(campaign_of(context))
    books = progress_of_books(gathered)
    if as_json:
        print_json(
            {
                "books": [vars(book) for book in books],
                "disagreements": gathered.merged.disagreements.to_dict("records"),
                "look_again": gathered.look_again.to_dict("records"),
            }
        )
        return
    print_table(
        ("股室", "评分人", "应评", "已评", "未评", "核定后有变化"),
        [
            (
                book.section,
                book.reviewer,
                str(book.lines),
                str(book.judged),
                str(book.lines - book.judged),
                str(book.to_look_again or ""),
            )
            for book in books
        ],
        right=(2, 3, 4, 5),
    )
    _print_for_another_look(gathered)


def _print_for_another_look(gathered: Gathered) -> None:
    """Where reviewers disagree, and what changed under a score."""
    from perfxl.console import print_table
    from perfxl.points import as_score

    units = gathered.plan.unit_by_code
    disagreements, again = gathered.merged.disagreements, gathered.look_again
    if len(disagreements):
        print_table(
            ("单位", "指标", "股室", "各评分人的得分", "相差", "采用"),
            [
                (
                    units[row.unit].name,
                    row.indicator,
                    row.section,
                    row.scores,
                    as_score(row.spread),
                    as_score(row.approved),
                )
                for row in disagreements.itertuples(index=False)
                if row.unit in units
            ],
            title=f"评分人之间有分歧的 {len(disagreements)} 项：",
            right=(4, 5),
        )
    if len(again):
        print_table(
            ("单位", "指标", "股室", "核定得分", "变化"),
            [
                (
                    units[row.unit].name,
                    row.indicator,
                    row.section,
                    as_score(row.approved),
                    row.what,
                )
                for row in again.itertuples(index=False)
            ],
            title=f"核定后报送内容有变化、请再看的 {len(again)} 项：",
            right=(3,),
        )


@cli.group(cls=ChineseGroup)
def objection() -> None:
    """复核申请：记下单位的申请、股室的答复，查看全部。"""


@objection.command("add", cls=ChineseCommand)
@click.argument("unit_code", metavar="单位")
@click.argument("indicator_code", metavar="指标")
@click.option("--request", required=True, metavar="理由", help="单位申请复核的理由")
@click.option("--score", metavar="得分", help="单位认为应得的分数")
@click.option("--file", "file", metavar="文件", type=PATH, help="单位交来的申请或材料，存入原件")
@click.pass_context
def objection_add(
    context: click.Context,
    unit_code: str,
    indicator_code: str,
    request: str,
    score: str | None,
    file: Path | None,
) -> None:
    """记下一个单位对一项得分的复核申请（写：原件/、台账.db）。

    \b
    例：perfxl -C 考核2024 objection add 101 6.2 --request 已用于预算安排 --score 6 --file 申请.docx
    """
    from perfxl.stages.explain import indicator_of
    from perfxl.stages.objection import object_to

    campaign = campaign_of(context)
    unit = unit_of(campaign, unit_code)
    number = object_to(
        campaign,
        unit,
        indicator_of(campaign.plan, unit, indicator_code),
        request,
        operator(),
        now(),
        requested=_score(score),
        file=file,
    )
    click.echo(f"已记为第 {number} 号复核申请。答复用 perfxl objection answer {number}。")


@objection.command("answer", cls=ChineseCommand)
@click.argument("number", metavar="编号", type=int)
@click.option("--answer", required=True, metavar="意见", help="复核意见；调低或未满分时即扣分原因")
@click.option("--score", metavar="得分", help="调整后的核定得分；不给出即维持原得分")
@click.option("--by", metavar="姓名", help="复核人；默认为当前用户")
@click.pass_context
def objection_answer(
    context: click.Context, number: int, answer: str, score: str | None, by: str | None
) -> None:
    """答复一项复核申请，得分有调整的一并记入（写：台账.db）。

    \b
    例：perfxl -C 考核2024 objection answer 1 --answer 材料属实，予以调整 --score 6 --by 张三
    """
    from perfxl.points import as_score
    from perfxl.stages.objection import answer_objection

    given = answer_objection(
        campaign_of(context), number, _score(score), answer, by or operator(), now()
    )
    before = "不适用" if given.before is None else as_score(given.before)
    is_same = given.approved is None or given.approved == given.before
    result = "维持" if is_same else f"调整为 {as_score(given.approved or 0)}"
    click.echo(f"第 {number} 号复核申请：原得分 {before}，{result}。")


@objection.command("list", cls=ChineseCommand)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def objection_list(context: click.Context, as_json: bool) -> None:
    """全部复核申请和答复（读：台账.db）。

    \b
    例：perfxl -C 考核2024 objection list
    """
    from perfxl.console import print_table
    from perfxl.points import as_score
    from perfxl.stages.objection import objections
    from perfxl.tables import whole

    campaign = campaign_of(context)
    table = objections(campaign)
    if as_json:
        print_json(table.astype(object).where(table.notna(), None).to_dict("records"))
        return

    def shown(amount: object) -> str:
        number = whole(amount)
        return "" if number is None else as_score(number)

    units = campaign.plan.unit_by_code
    click.echo(f"复核申请 {len(table)} 项。")
    if len(table):
        print_table(
            (
                "编号",
                "单位",
                "指标",
                "理由",
                "申请得分",
                "原得分",
                "结果",
                "复核得分",
                "意见",
                "复核人",
            ),
            [
                (
                    str(row.number),
                    units[row.unit].name if row.unit in units else row.unit,
                    row.indicator,
                    row.request,
                    shown(row.requested),
                    shown(row.before),
                    row.decision,
                    shown(row.approved),
                    row.answer,
                    row.answered_by,
                )
                for row in table.itertuples(index=False)
            ],
            right=(0, 4, 5, 7),
        )


def _score(text: str | None) -> int | None:
    from perfxl.values import precise_number_of

    if text is None:
        return None
    amount = precise_number_of(text)
    if amount is None:
        raise PerfxlError(f"看不懂得分“{text}”", remedy="写法如 4.5")
    return amount


@cli.command(cls=ChineseCommand)
@click.argument("unit_code", metavar="单位")
@click.argument("indicator_code", metavar="[指标]", required=False)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def explain(
    context: click.Context, unit_code: str, indicator_code: str | None, as_json: bool
) -> None:
    """说明一个单位的总分、等级、名次，或一项得分为什么是这个数（读：原件/、台账.db）。

    列出自评、单元格、评分方法、计算过程、佐证、审核意见、评分人、扣分原因和全部经过。

    \b
    例：perfxl -C 考核2024 explain 101 3.1
    """
    from perfxl.console import plain, print_table
    from perfxl.stages.explain import explain_indicator, explain_unit, indicator_of, score_rows

    campaign = campaign_of(context)
    unit = unit_of(campaign, unit_code)
    if indicator_code:
        indicator = indicator_of(campaign.plan, unit, indicator_code)
        lines = explain_indicator(campaign, unit, indicator).lines
        heading, table = f"{unit.name}  {indicator.code} {indicator.name}", None
    else:
        explained = explain_unit(campaign, unit)
        lines, table = explained.lines, score_rows(explained.scores)
        heading = f"{unit.code} {unit.name}（{unit.kind}）"
    if as_json:
        print_json({"unit": unit.code, "lines": [list(line) for line in lines], "scores": table})
        return
    click.echo(heading)
    for what, text in lines:
        click.echo(f"  {what}：{plain(text)}")
    if table:
        print_table(
            ("编码", "指标", "分值", "自评", "计算", "核定", "采用", "依据", "扣分原因或计算过程"),
            table,
            right=(2, 3, 4, 5, 6),
        )
