"""What the commands print: findings, checked files, rankings; as tables or as JSON records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from perfxl.tables import NOT_RANKED, Outcome, Severity

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

    from perfxl.movements import Movements
    from perfxl.stages.check import FileCheck
    from perfxl.stages.documents import WrittenDocument
    from perfxl.stages.gather import Gathered


def print_file_check(one: FileCheck) -> None:
    """A checked file: totals by level, findings, recomputed methods, outcomes."""
    from perfxl.console import plain, print_table
    from perfxl.plan.methods import Manual
    from perfxl.points import as_score
    from perfxl.tables import Basis, whole

    file = str(one.tables.returns["file"].iloc[0])
    click.echo(f"文件：{plain(file)}    单位：{one.unit.name}（{one.unit.kind}）")
    parts = [
        f"{total.label} {'未计算' if total.amount is None else as_score(total.amount)}"
        for total in one.totals
    ]
    click.echo(f"自评总分：{'；'.join(parts)}。")
    print_findings(one.result.findings, {})
    claims = one.tables.entries.merge(one.computed, on=["receipt", "indicator"])
    rows = []
    for row in claims.itertuples(index=False):
        if row.method == Manual.name:
            continue
        computed = whole(row.computed)
        if not row.applies:
            agrees = str(Basis.NOT_APPLICABLE)
        elif computed is None:
            agrees = "未计算"
        else:
            agrees = "一致" if whole(row.self_score) == computed else "不一致"
        rows.append(
            (
                row.indicator,
                row.name,
                row.method,
                row.self_score_text or "未填",
                row.arithmetic,
                agrees,
            )
        )
    if rows:
        print_table(
            ("指标", "名称", "方法", "自评", "计算过程", "结论"), rows, title="按方法复算："
        )
    print_outcomes(one.result.outcomes)


def print_findings(findings: pd.DataFrame, names: Mapping[str, str]) -> None:
    """Findings as a table; ``names`` (unit code → name) adds a column for the unit."""
    from perfxl.console import print_table

    counts = {severity: int((findings["severity"] == severity).sum()) for severity in Severity}
    summary = "，".join(f"{name} {count}" for name, count in counts.items())
    click.echo(f"审核意见 {len(findings)} 条：{summary}。")
    if not len(findings):
        return
    rows = [
        (
            *((names[row.unit],) if names else ()),
            row.code,
            row.severity,
            f"{row.sheet}!{row.cell}" if row.cell else row.sheet,
            row.message,
            row.remedy,
        )
        for row in findings.itertuples(index=False)
    ]
    print_table(
        (*(("单位",) if names else ()), "代码", "类别", "位置", "审核意见", "处理办法"), rows
    )


def print_outcomes(outcomes: pd.DataFrame) -> None:
    """How many checks passed, failed and could not run."""
    counts = outcomes["outcome"].value_counts()
    parts = [f"{name} {int(counts.get(name, 0))}" for name in Outcome]
    click.echo(f"检查 {len(outcomes)} 项次：{'，'.join(parts)}。")
    skipped = sorted(set(outcomes.loc[outcomes["outcome"] == Outcome.COULD_NOT_RUN, "code"]))
    if skipped:
        click.echo(f"无法检查的代码：{'、'.join(skipped)}（所需的工作表没有报送或找不到表头）。")


def file_record(path: Path, one: FileCheck) -> dict[str, Any]:
    """A checked file as a JSON record."""
    from perfxl.points import as_score

    return {
        "file": str(path),
        "unit": one.unit.code,
        "name": one.unit.name,
        "totals": {
            total.label: None if total.amount is None else as_score(total.amount)
            for total in one.totals
        },
        "findings": one.result.findings.drop(columns="receipt").to_dict("records"),
        "outcomes": dict(
            zip(one.result.outcomes["code"], one.result.outcomes["outcome"], strict=True)
        ),
    }


def ranking_records(gathered: Gathered) -> list[dict[str, Any]]:
    """The ranking as JSON records; scores as decimal text."""
    from perfxl.points import as_text
    from perfxl.tables import whole

    return [
        {
            "kind": row.kind,
            "rank": whole(row.rank),
            "unit": row.unit,
            "name": row.name,
            "total": as_text(row.total, 2),
            "sum": as_text(row.sum, 2),
            "applicable": as_text(row.applicable, 2),
            "deducted": as_text(row.deducted, 2),
            "grade": row.grade,
            "status": row.status,
            "provisional": int(row.provisional),
        }
        for row in gathered.ranking.itertuples(index=False)
    ]


def print_ranking(gathered: Gathered) -> None:
    """Print each kind's ranking as a table."""
    from perfxl.console import print_table

    records = ranking_records(gathered)
    for kind in dict.fromkeys(record["kind"] for record in records):
        own = [record for record in records if record["kind"] == kind]
        print_table(
            ("名次", "编码", "单位", "总分", "等级", "报送", "未核定"),
            [
                (
                    NOT_RANKED if r["rank"] is None else str(r["rank"]),
                    r["unit"],
                    r["name"],
                    r["total"],
                    r["grade"],
                    r["status"],
                    str(r["provisional"] or ""),
                )
                for r in own
            ],
            title=f"{kind}（{len(own)} 个）",
            right=(0, 3, 6),
        )


MOST_MOVES = 20


def print_movements(gathered: Gathered, moved: Movements) -> None:
    """What moved since the last consolidation; the workbook lists all of it."""
    from perfxl.console import print_table
    from perfxl.points import as_score, as_text
    from perfxl.tables import Basis, whole

    if moved.nothing:
        click.echo("与上次汇总相比，得分、名次、等级没有变化。")
        return

    def score(amount: object) -> str:
        number = whole(amount)
        return str(Basis.NOT_APPLICABLE) if number is None else as_score(number)

    def rank(number: object) -> str:
        known = whole(number)
        return NOT_RANKED if known is None else str(known)

    units = gathered.plan.unit_by_code
    click.echo(
        f"与上次汇总相比：{len(moved.scores)} 项得分、{len(moved.ranks)} 个单位的总分、名次或等级有变化"
        f"{'，先列前几个，全部见综合评分表“变动”' if len(moved.scores) > MOST_MOVES else ''}。"
    )
    if len(moved.scores):
        print_table(
            ("单位", "指标", "原得分", "现得分", "原因"),
            [
                (
                    units[row.unit].name,
                    f"{row.indicator} {row.name}",
                    score(row.before),
                    score(row.after),
                    row.why,
                )
                for row in moved.scores.head(MOST_MOVES).itertuples(index=False)
            ],
            right=(2, 3),
        )
    if len(moved.ranks):
        print_table(
            ("单位", "原总分", "现总分", "原名次", "现名次", "原等级", "现等级", "原因"),
            [
                (
                    row.name,
                    "" if whole(row.total_before) is None else as_text(row.total_before, 2),
                    as_text(row.total_after, 2),
                    rank(row.rank_before),
                    rank(row.rank_after),
                    row.grade_before,
                    row.grade_after,
                    row.why,
                )
                for row in moved.ranks.head(MOST_MOVES).itertuples(index=False)
            ],
            right=(1, 2, 3, 4),
        )


def print_json(value: object) -> None:
    """Indented JSON in UTF-8, Chinese as it is; what would steer a terminal is escaped."""
    from perfxl.console import plain

    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    text = "".join(
        character
        if character == "\n" or plain(character) == character
        else json.dumps(character)[1:-1]
        for character in text
    )
    # UTF-8 whatever the console speaks: the reader is a program.
    click.echo(text.encode())


def moment(value: dt.datetime | None) -> str | None:
    """A moment to the minute; None stays None."""
    return None if value is None else value.strftime("%Y-%m-%d %H:%M")


def say_written(documents: Sequence[WrittenDocument], *, as_pdf: bool = False) -> None:
    """Name the documents written and the edited ones that were kept; as PDF too where wanted."""
    from perfxl.stages.print_out import print_file

    for one in documents:
        click.echo(f"已写 {one.path}。")
        if one.kept:
            click.echo(f"上一份文稿有人改动过，已留在 {one.kept}。")
        if as_pdf:
            click.echo(f"已写 {print_file(one.path, one.path.read_bytes())}。")
