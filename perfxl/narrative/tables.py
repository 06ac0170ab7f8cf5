"""Score tables in a report: rows with 分值 and 自评得分, groups by the columns before, a total."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from perfxl.narrative.findings import Finding, Subject, Verdict
from perfxl.narrative.mentions import Kind, mentions
from perfxl.narrative.numbers import number, plain
from perfxl.narrative.scores import Scored
from perfxl.narrative.text import Line
from perfxl.points import as_text

_FULL = re.compile(r"分值|满分|标准分|权重|总分值")
_SCORE = re.compile(r"自评(?:得)?分|自评|得分|自查得分|自评结果")
_NOT_OWN = re.compile(r"核定|评定|考核得分|复核|审核|市级|省级|说明|情况|依据|标准|办法")
_NUMBER_COLUMN = re.compile(r"序号|编号|编码|代码")
_TOTAL = re.compile(r"\s*(?:合\s*计|总\s*计|总\s*分|总得分)\s*")
_SUBTOTAL = re.compile(r".*小\s*计\s*")


@dataclass(frozen=True)
class TableRow:
    """One scored row: names from the outermost group in, marks in hundredths."""

    line: Line
    names: tuple[str, ...]
    full: int | None
    score: int | None

    @property
    def name(self) -> str:
        """The innermost name."""
        return next((name for name in reversed(self.names) if name), "")


@dataclass
class ScoreTable:
    """A table's rows, its subtotals with the rows that they are of, and its total row."""

    rows: list[TableRow] = field(default_factory=list)
    subtotals: list[tuple[TableRow, list[TableRow]]] = field(default_factory=list)
    total: TableRow | None = None


def score_tables(lines: Sequence[Line]) -> list[ScoreTable]:
    """The tables whose heading row names full marks and a score."""
    found: list[ScoreTable] = []
    for table in sorted({line.table for line in lines if line.table}):
        rows = [line for line in lines if line.table == table]
        at = next((i for i, line in enumerate(rows[:5]) if _columns(line) is not None), None)
        if at is not None:
            columns = _columns(rows[at])
            assert columns is not None
            found.append(_read(rows[at + 1 :], *columns, rows[at]))
    return [one for one in found if one.rows]


def _columns(line: Line) -> tuple[int | None, int] | None:
    cells = [re.sub(r"\s", "", cell) for cell in line.cells]
    short = [(i, c) for i, c in enumerate(cells) if len(c) <= 10 and not _NOT_OWN.search(c)]
    full = next((i for i, cell in short if _FULL.search(cell)), None)
    own = [i for i, cell in short if _SCORE.search(cell) and i != full]
    score = next((i for i in own if "自评" in cells[i]), own[0] if own else None)
    return None if score is None or score == 0 else (full, score)


def _read(rows: Sequence[Line], full: int | None, score: int, head: Line) -> ScoreTable:
    table = ScoreTable()
    first = min(score, full if full is not None else score)
    name_at = [
        i
        for i in range(first)
        if not _NUMBER_COLUMN.search(head.cells[i] if i < len(head.cells) else "")
    ]
    since: list[TableRow] = []
    for line in rows:
        cells = line.cells
        names = tuple(cells[i].strip() if i < len(cells) else "" for i in name_at)
        row = TableRow(line, names, _points(cells, full), _points(cells, score))
        if row.full is None and row.score is None:
            continue
        before = [cell for cell in cells[:first] if cell.strip()]
        if any(_TOTAL.fullmatch(cell) for cell in before):
            table.total = row
        elif any(_SUBTOTAL.fullmatch(cell) for cell in before):
            table.subtotals.append((row, since))
            since = []
        else:
            table.rows.append(row)
            since.append(row)
    return table


def _points(cells: Sequence[str], at: int | None) -> int | None:
    if at is None or at >= len(cells):
        return None
    text = re.sub(r"\s|分$", "", plain(cells[at]))
    value = number(text)
    return None if value is None or value.denominator > 100 else int(value * 100)


def judge_tables(tables: Sequence[ScoreTable], tree: Scored) -> Iterator[Finding]:
    """Rows against full marks, groups and totals against their rows, tables against the text."""
    for table in tables:
        for row in table.rows:
            if row.full is not None and row.score is not None and row.score > row.full:
                yield _finding(
                    Verdict.CONTRADICTION, Subject.SCORES, row,
                    f"{row.name} 自评得分 {as_text(row.score)} 分",
                    f"不应超过分值 {as_text(row.full)} 分", f"{as_text(row.score)} > {as_text(row.full)}",
                )  # fmt: skip
        yield from _groups(table)
        for subtotal, rows in table.subtotals:
            yield from _against(subtotal, rows)
        if table.total is not None:
            yield from _against(table.total, _top(table))
        yield from _against_text(table, tree)


_CODE = re.compile(r"\s*(\d+(?:\.\d+)*)[\s、.]")


def _top(table: ScoreTable) -> list[TableRow]:
    """The rows that the total adds up: where codes tell levels, only the lowest."""
    codes = [_CODE.match(row.name + " ") for row in table.rows]
    if all(codes):
        written = [one[1] for one in codes if one]
        return [
            row
            for row, code in zip(table.rows, written, strict=True)
            if not any(other.startswith(code + ".") for other in written)
        ]
    return table.rows


def _groups(table: ScoreTable) -> Iterator[Finding]:
    """A group's name that says its marks (基础工作（15分）) against its rows."""
    depth = max((len(row.names) for row in table.rows), default=0)
    for level in range(depth - 1):
        groups: dict[tuple[str, ...], list[TableRow]] = {}
        for row in table.rows:
            if row.names[level] and any(row.names[level + 1 :]):
                groups.setdefault(row.names[: level + 1], []).append(row)
        for names, rows in groups.items():
            said = list(mentions(plain(names[-1])))
            full = [s.amount for s in said if s.kind in (Kind.FULL, Kind.BARE, Kind.SUM)]
            claim = [s.amount for s in said if s.kind in (Kind.SELF, Kind.GOT)]
            head = TableRow(
                rows[0].line, names, full[0] if full else None, claim[0] if claim else None
            )
            if full or claim:
                yield from _against(head, rows)


def _against(head: TableRow, rows: Sequence[TableRow]) -> Iterator[Finding]:
    for subject, said, amounts in (
        (Subject.FULL_MARKS, head.full, [row.full for row in rows]),
        (Subject.TOTAL, head.score, [row.score for row in rows]),
    ):
        known = [amount for amount in amounts if amount is not None]
        if said is None or not known:
            continue
        total = sum(known)
        sums = " + ".join(map(as_text, known)) + f" = {as_text(total)}"
        what = f"{head.name or '合计'} {subject} {as_text(said)} 分"
        if total == said:
            verdict = Verdict.CONFIRMED
        elif len(known) < len(amounts) and total < said:
            verdict = Verdict.UNDECIDED
        else:
            verdict, sums = Verdict.CONTRADICTION, f"{sums} ≠ {as_text(said)}"
        follows = f"各行合计 {as_text(total)} 分"
        if verdict is Verdict.UNDECIDED:
            follows += "；有的行没有填"
        yield _finding(verdict, subject, head, what, follows, sums)


def _bare_title(text: str) -> str:
    return re.sub(r"^[\d.、\s()一二三四五六七八九十]+|\(.*", "", plain(text)).strip()


def _against_text(table: ScoreTable, tree: Scored) -> Iterator[Finding]:
    by_title: dict[str, list[Scored]] = {}
    for node in tree.walk():
        if node.claim is not None and node.title:
            by_title.setdefault(_bare_title(node.title), []).append(node)
    for row in table.rows:
        nodes = by_title.get(_bare_title(row.name), [])
        if len(nodes) != 1 or row.score is None or not _bare_title(row.name):
            continue
        claim = nodes[0].claim
        assert claim is not None
        same = claim == row.score
        yield _finding(
            Verdict.CONFIRMED if same else Verdict.CONTRADICTION, Subject.SCORES, row,
            f"表中“{row.name}”自评 {as_text(row.score)} 分",
            f"正文{nodes[0].line.place if nodes[0].line else ''}写 {as_text(claim)} 分",
            f"{as_text(row.score)} {'=' if same else '≠'} {as_text(claim)}",
        )  # fmt: skip
    if table.total is not None and table.total.score is not None:
        for node in tree.walk():
            for said in node.totals:
                if said.amount != table.total.score and said.amount > 5000:
                    yield _finding(
                        Verdict.CONTRADICTION, Subject.TOTAL, table.total,
                        f"表中合计 {as_text(table.total.score)} 分",
                        f"正文{said.passage.line.place}写 {as_text(said.amount)} 分",
                        f"{as_text(table.total.score)} ≠ {as_text(said.amount)}",
                    )  # fmt: skip


def _finding(
    verdict: Verdict, subject: Subject, row: TableRow, found: str, follows: str, arithmetic: str
) -> Finding:
    return Finding(
        verdict, subject, row.line.number, row.line.place, " > ".join(filter(None, row.names)),
        row.line.text, found, follows, arithmetic,
    )  # fmt: skip
