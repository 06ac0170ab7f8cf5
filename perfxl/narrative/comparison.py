"""A report's scores against the self-scores of a returned workbook."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perfxl.narrative.findings import Finding, Subject, Verdict
from perfxl.narrative.numbers import plain
from perfxl.narrative.scores import Scored
from perfxl.points import as_text

_LEAST_LIKENESS = 0.6


@dataclass(frozen=True)
class WorkbookScore:
    """A row of the workbook's 自评表: marks in hundredths, ``cell`` says where (自评表 第 8 行)."""

    code: str
    name: str
    full: int | None
    score: int | None
    cell: str


def compare(tree: Scored, workbook: Sequence[WorkbookScore]) -> Iterator[Finding]:
    """One finding for each row of the workbook: the report's score, equal, different or not found.

    A heading is the row of the same name; else the one at the same place of the outline, if full
    marks and names do not speak against it.
    """
    nodes = _by_place(tree)
    by_name: dict[str, list[Scored]] = {}
    for node in nodes.values():
        by_name.setdefault(_name(node.title), []).append(node)
    parts = _parts(nodes, workbook)
    for row in workbook:
        if row.code in parts and row.score is not None:
            yield _part(row, *parts[row.code])
            continue
        same_name = by_name.get(_name(row.name), [])
        found = same_name[0] if len(same_name) == 1 else _at_place(nodes.get(row.code), row)
        what = f"工作簿 {row.cell}：{row.code} {row.name} "
        what += "未填" if row.score is None else f"{as_text(row.score)} 分"
        if found is None:
            yield _finding(Verdict.UNDECIDED, None, "报告中没有找到这项指标", what, "")
            continue
        claim = found.effective()
        if claim is None or row.score is None:
            why = "报告没有写得分" if claim is None else f"报告写 {as_text(claim)} 分"
            yield _finding(Verdict.UNDECIDED, found, why, what, "")
            continue
        same = claim == row.score
        yield _finding(
            Verdict.CONFIRMED if same else Verdict.CONTRADICTION,
            found,
            f"报告写 {as_text(claim)} 分",
            what,
            f"{as_text(claim)} {'=' if same else '≠'} {as_text(row.score)}",
        )


def _parts(
    nodes: dict[str, Scored], workbook: Sequence[WorkbookScore]
) -> dict[str, tuple[Scored, int]]:
    """Rows of the workbook that the report has as points in the text of the heading above, in order.

    Only where the report gives as many as the workbook has filled in.
    """
    below: dict[str, list[WorkbookScore]] = {}
    for row in workbook:
        above, point, _ = row.code.rpartition(".")
        if point and row.score is not None:
            below.setdefault(above, []).append(row)
    found: dict[str, tuple[Scored, int]] = {}
    rows_by_code = {row.code: row for row in workbook}
    for above, rows in below.items():
        node = nodes.get(above)
        if (
            node is not None
            and not node.scored_below()
            and len(node.parts) == len(rows)
            and _at_place(node, rows_by_code[above]) is not None
        ):
            found |= {row.code: (node, number) for number, row in enumerate(rows)}
    return found


def _part(row: WorkbookScore, node: Scored, number: int) -> Finding:
    said = node.parts[number]
    assert row.score is not None
    same = said.amount == row.score
    line = said.passage.line
    return Finding(
        Verdict.CONFIRMED if same else Verdict.CONTRADICTION, Subject.WORKBOOK, line.number,
        line.place, node.path, said.sentence, f"报告第 {number + 1} 个得分点 {as_text(said.amount)} 分",
        f"工作簿 {row.cell}：{row.code} {row.name} {as_text(row.score)} 分",
        f"{as_text(said.amount)} {'=' if same else '≠'} {as_text(row.score)}",
    )  # fmt: skip


def _by_place(tree: Scored) -> dict[str, Scored]:
    """Scored headings by their place: the second below the fifth is 5.2."""
    found: dict[str, Scored] = {}

    def walk(node: Scored, code: str) -> None:
        for number, child in enumerate(node.scored_below(), 1):
            own = f"{code}.{number}" if code else str(number)
            found[own] = child
            walk(child, own)

    top = tree
    while len(below := top.scored_below()) == 1 and not below[0].is_scored:
        top = below[0]
    walk(top, "")
    return found


def _at_place(node: Scored | None, row: WorkbookScore) -> Scored | None:
    if node is None or (node.full is not None and row.full is not None and node.full != row.full):
        return None
    likeness = difflib.SequenceMatcher(None, _name(node.title), _name(row.name)).ratio()
    return node if likeness >= _LEAST_LIKENESS else None


def _name(title: str) -> str:
    return re.sub(r"[\s，、（）()]|情况$|工作$|工作情况$", "", plain(title))


def _finding(
    verdict: Verdict, node: Scored | None, found: str, follows: str, arithmetic: str
) -> Finding:
    line = node.line if node else None
    return Finding(
        verdict, Subject.WORKBOOK, line.number if line else 0, line.place if line else "",
        node.path if node else "", node.sentence.strip() if node else "", found, follows, arithmetic,
    )  # fmt: skip
