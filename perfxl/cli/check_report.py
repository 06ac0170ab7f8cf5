"""check-report (核对报告): says where a narrative report contradicts itself."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from perfxl.cli.chinese import ChineseCommand
from perfxl.cli.group import FINDINGS_EXIT, PATH, cli, read_file
from perfxl.cli.output import print_json


@cli.command("check-report", cls=ChineseCommand)
@click.argument("file", type=PATH, metavar="报告")
@click.option("--against", type=PATH, metavar="工作簿", help="与报送的工作簿逐项核对自评得分")
@click.option(
    "--plan", "plan_file", type=PATH, metavar="方案", help="工作簿的考核方案，默认在工作簿旁"
)
@click.option("--out", type=PATH, metavar="文件", help="把核对结果写为 .xlsx")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON")
@click.pass_context
def check_report(
    context: click.Context,
    file: Path,
    against: Path | None,
    plan_file: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """核对自评报告（.docx .txt .pdf）：分值、得分、合计、个数、金额是否前后矛盾。

    有矛盾时退出码为 1；“无法核对”的不算矛盾，列出原因，请人工核对。

    \b
    例：perfxl check-report 自评报告.docx
        perfxl check-report 自评报告.txt --against 自评表.xlsx --out 核对结果.xlsx
    """
    from perfxl.campaign import PLAN_FILE, read_plan_file
    from perfxl.console import plain, print_table
    from perfxl.narrative.findings import Verdict
    from perfxl.stages.check_report import check_report as run

    folder: Path = context.obj
    given = plan_file or (folder / PLAN_FILE if (folder / PLAN_FILE).is_file() else None)
    plan = read_plan_file(read_file(given), given.name) if against and given else None
    result = run(file, against, plan, out)
    sorted_out = {v: [f for f in result.findings if f.verdict is v] for v in Verdict}
    if as_json:
        print_json(
            {
                "file": result.file,
                "findings": [
                    {
                        "verdict": str(one.verdict), "subject": str(one.subject),
                        "place": one.place, "path": one.path, "sentence": one.sentence,
                        "found": one.found, "follows": one.follows, "arithmetic": one.arithmetic,
                    }
                    for one in result.findings
                ],
            }
        )  # fmt: skip
    else:
        counts = "，".join(f"{v} {len(some)} 处" for v, some in sorted_out.items())
        click.echo(f"报告：{plain(result.file)}    {counts}。")
        for verdict, some in sorted_out.items():
            if some:
                print_table(
                    ("内容", "位置", "所在标题", "报告写的", "核对得出", "计算过程", "原文"),
                    [
                        (
                            str(one.subject), one.place, one.path.rpartition(" > ")[2], one.found,
                            one.follows, one.arithmetic, _short(one.sentence),
                        )
                        for one in some
                    ],
                    title=f"{verdict}：",
                )  # fmt: skip
        if result.written is not None:
            click.echo(f"已写 {plain(str(result.written))}")
    if sorted_out[Verdict.CONTRADICTION]:
        sys.exit(FINDINGS_EXIT)


_SHOWN = 60


def _short(sentence: str) -> str:
    return sentence if len(sentence) <= _SHOWN else sentence[:_SHOWN] + "……"
