"""Judges the scores of a report: sums against claims, claims against full marks, totals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from perfxl.narrative.findings import Finding, Subject, Verdict
from perfxl.narrative.mentions import Kind
from perfxl.narrative.numbers import shown
from perfxl.narrative.quantities import pair_of_counts
from perfxl.narrative.scores import Said, Scored
from perfxl.narrative.text import Line
from perfxl.points import as_text, cut_to_step

_STEP = 50
_OK, _BAD, _OPEN = Verdict.CONFIRMED, Verdict.CONTRADICTION, Verdict.UNDECIDED


def judge_scores(tree: Scored) -> Iterator[Finding]:
    """Findings on every node of the tree, and on the total."""
    for node in tree.walk():
        if node.is_scored:
            yield from _within_full_marks(node)
        yield from _sum_of_full_marks(node)
        yield from _sum_of_claims(node)
        yield from _deductions(node)
        yield from _breakdowns(node)
        yield from _restated(tree, node)
        yield from _totals(tree, node)


def _finding(
    verdict: Verdict,
    subject: Subject,
    line: Line | None,
    path: str,
    sentence: str,
    found: str,
    follows: str,
    arithmetic: str,
) -> Finding:
    number, place = (line.number, line.place) if line else (0, "")
    return Finding(
        verdict, subject, number, place, path, sentence.strip(), found, follows, arithmetic
    )


def _at(
    node: Scored, verdict: Verdict, subject: Subject, found: str, follows: str, sums: str
) -> Finding:
    return _finding(verdict, subject, node.line, node.path, node.sentence, found, follows, sums)


def _of(
    node: Scored, s: Said, verdict: Verdict, subject: Subject, found: str, follows: str, sums: str
) -> Finding:
    return _finding(verdict, subject, s.passage.line, node.path, s.sentence, found, follows, sums)


def _sum(amounts: Sequence[int]) -> str:
    return " + ".join(map(as_text, amounts)) + f" = {as_text(sum(amounts))}"


def _within_full_marks(node: Scored) -> Iterator[Finding]:
    if node.full is not None and node.claim is not None and node.claim > node.full:
        full, claim = as_text(node.full), as_text(node.claim)
        yield _at(
            node,
            _BAD,
            Subject.SCORES,
            f"自评得分 {claim} 分",
            f"不应超过分值 {full} 分",
            f"{claim} > {full}",
        )
    for part in node.parts:
        if node.full is not None and part.amount > node.full:
            yield _of(
                node,
                part,
                _BAD,
                Subject.PARTS,
                f"得分点 {as_text(part.amount)} 分",
                f"不应超过所在指标的分值 {as_text(node.full)} 分",
                f"{as_text(part.amount)} > {as_text(node.full)}",
            )


def _sum_of_full_marks(node: Scored) -> Iterator[Finding]:
    below = node.scored_below()
    if node.full is None or not any(one.full is not None for one in below):
        return
    marks = [one.full for one in below if one.full is not None]
    total, sums = sum(marks), _sum(marks)
    found, follows = f"分值 {as_text(node.full)} 分", f"下级分值合计 {as_text(total)} 分"
    if len(marks) < len(below) and total <= node.full:
        # Single points below may have no full marks of their own.
        if total != node.full:
            yield _at(node, _OPEN, Subject.FULL_MARKS, found, "下级有未写分值的，无法合计", sums)
    else:
        verdict = _OK if total == node.full else _BAD
        yield _at(
            node,
            verdict,
            Subject.FULL_MARKS,
            found,
            follows,
            _compared(sums, total, node.full),
        )


def _compared(sums: str, total: int, said: int) -> str:
    return sums if total == said else f"{sums} ≠ {as_text(said)}，相差 {as_text(abs(total - said))}"


def _sum_of_claims(node: Scored) -> Iterator[Finding]:
    """What is below a heading (headings, or points given in the text) against its claim."""
    if node.claim is None:
        return
    below = node.scored_below()
    scores = [(one, one.effective()) for one in below]
    amounts = [score for _, score in scores if score is not None]
    headings = bool(amounts)
    amounts += [part.amount for part in node.parts]
    subject = Subject.SCORES if headings else Subject.PARTS
    found = f"自评得分 {as_text(node.claim)} 分"
    if not amounts:
        yield from _ratio(node, found)
        return
    total, sums = sum(amounts), _compared(_sum(amounts), sum(amounts), node.claim)
    what = "下级得分" if headings else "得分点"
    follows = f"{what}合计 {as_text(total)} 分"
    if total == node.claim:
        yield _at(node, _OK, subject, found, follows, sums)
        return
    reason = _doubt(node, total, below, [one for one, score in scores if score is None])
    if reason:
        yield _at(node, _OPEN, subject, found, f"{follows}；{reason}", sums)
    else:
        yield _at(node, _BAD, subject, found, follows, sums)


def _doubt(node: Scored, total: int, below: Sequence[Scored], silent: Sequence[Scored]) -> str:  # noqa: PLR0911 - one reason a line
    """Why a sum that differs is no plain contradiction; empty where it is one."""
    assert node.claim is not None
    lost = sum(said.amount for said in node.deductions)
    if node.parts and not below and lost and total - lost == node.claim:
        return f"减去文中扣分 {as_text(lost)} 分后一致"
    doubtful = [said.amount for said in node.doubtful]
    if doubtful and total + sum(doubtful) == node.claim:
        return "文中另有不能确定是否为得分点的分数"
    if below and node.parts and total > node.claim:
        by_headings = sum(one.effective() or 0 for one in below)
        if by_headings == node.claim or sum(p.amount for p in node.parts) == node.claim:
            return "正文与下级标题的得分可能重复"
    if total > node.claim:
        return ""
    if silent:
        return f"下级“{silent[0].name}”没有写得分"
    if not below and len(node.parts) == 1 and node.unscored_passages:
        return "只有部分段落写了得分"
    if below and any(one.claim is None and one.full is None for one in below):
        bare = [child for child in node.children if child.effective() is None]
        if bare and len(below) == 1:
            return f"下级“{bare[0].name}”没有写得分"
    return ""


def _ratio(node: Scored, found: str) -> Iterator[Finding]:
    """A score that follows from two counts, such as 18 of 22 departments for 5 points."""
    if node.full is None or node.claim is None or node.deductions:
        return
    for passage in node.node.body:
        counts = pair_of_counts(passage.text)
        if counts is None:
            continue
        few, many = counts
        exact = Fraction(node.full * few, many)
        cut = cut_to_step(exact, _STEP)
        sums = f"{as_text(node.full)} × {few} ÷ {many} = {shown(exact / 100)} → {as_text(cut)}"
        nearest = int(exact / _STEP + Fraction(1, 2)) * _STEP
        holds = node.claim in (cut, nearest) or abs(node.claim - exact) < 1
        follows = f"按比例 {few}/{many} 计 {as_text(cut)} 分"
        if not holds:
            follows += "；文中没有写评分办法，不能断定按比例计分"
        yield _finding(
            _OK if holds else _OPEN,
            Subject.SHARE,
            passage.line,
            node.path,
            passage.line.text[passage.start :],
            found,
            follows,
            sums,
        )
        return


def _deductions(node: Scored) -> Iterator[Finding]:
    if node.full is None or node.claim is None or node.scored_below():
        return
    if node.deductions:
        summed = [
            s
            for s in node.deductions
            if re.search("[共合累]计?扣", s.passage.text[s.at :][s.mention.start : s.mention.end])
        ]
        last = summed[-1:] if len(node.deductions) > 1 and node.deductions[-1] in summed else []
        lost = [said.amount for said in last or node.deductions]
        # A deduction told again (扣0.5分 … 故扣0.5分) counts once.
        if node.full - node.claim in lost and len(set(lost)) == 1:
            lost = lost[:1]
        left = node.full - sum(lost)
        sums = f"{as_text(node.full)} - {' - '.join(map(as_text, lost))} = {as_text(left)}"
        by_parts = node.parts and sum(part.amount for part in node.parts) == node.claim
        verdict = _OK if left == node.claim else (_OPEN if by_parts else _BAD)
        if verdict is not _OK:
            sums += f" ≠ {as_text(node.claim)}"
        yield _of(
            node,
            node.deductions[0],
            verdict,
            Subject.DEDUCTIONS,
            f"分值 {as_text(node.full)} 分，自评得分 {as_text(node.claim)} 分",
            f"扣分后应为 {as_text(left)} 分"
            + ("；得分点合计与自评一致" if verdict is _OPEN else ""),
            sums,
        )
    elif node.nothing_lost and node.full != node.claim:
        yield _of(
            node,
            node.nothing_lost[0],
            _BAD,
            Subject.DEDUCTIONS,
            f"分值 {as_text(node.full)} 分，自评得分 {as_text(node.claim)} 分，又称不扣分",
            f"不扣分应为 {as_text(node.full)} 分",
            f"{as_text(node.full)} ≠ {as_text(node.claim)}",
        )


def _breakdowns(node: Scored) -> Iterator[Finding]:
    for whole, parts in node.breakdowns:
        amounts = [part.amount for part in parts]
        total = sum(amounts)
        if len(parts) == 1 and total <= whole.amount:
            continue
        yield _of(
            node,
            whole,
            _OK if total == whole.amount else _BAD,
            Subject.PARTS,
            f"{as_text(whole.amount)} 分",
            f"其中各项合计 {as_text(total)} 分",
            _compared(_sum(amounts), total, whole.amount),
        )


def _restated(tree: Scored, node: Scored) -> Iterator[Finding]:
    claim = node.effective()
    for said in node.restated:
        if said.mention.whole:
            if node.full is None or claim is None:
                continue
            if node.full != claim:
                yield _of(
                    node, said, _BAD, Subject.SCORES, "称得满分",
                    f"标题写自评得分 {as_text(claim)} 分，分值 {as_text(node.full)} 分",
                    f"{as_text(claim)} ≠ {as_text(node.full)}",
                )  # fmt: skip
            continue
        own = [p for p in node.parts if p.passage.line.number == said.passage.line.number]
        running = [p for p in node.parts if p.passage.line.number <= said.passage.line.number]
        sums = {sum(p.amount for p in some) for some in (own, running, node.parts) if some}
        # Small totals may stand below the last section and be within its full marks.
        sums.add(sum(one.effective() or 0 for one in tree.sections()))
        if claim is None or said.amount in {claim, *sums}:
            continue
        verdict = _BAD if said.mention.kind is not Kind.SELF else _OPEN
        yield _of(
            node, said, verdict, Subject.SCORES, f"文中又写 {as_text(said.amount)} 分",
            f"该处得分应为 {as_text(claim)} 分", f"{as_text(said.amount)} ≠ {as_text(claim)}",
        )  # fmt: skip


def _totals(tree: Scored, node: Scored) -> Iterator[Finding]:
    """Totals said anywhere, against the sum of what is claimed below (or in the whole report)."""
    base = node if node.scored_below() and not node.is_scored else tree
    below = base.sections()
    if len(below) == 1 and below[0].full == 10000 and below[0].scored_below():
        below = below[0].sections()
    by_title = {one.title: one for one in tree.walk() if one.is_scored and one.title}
    for said in node.totals:
        again = _named(said, by_title)
        if again is not None:
            claim = again.effective()
            if claim is not None:
                same = claim == said.amount
                yield _of(
                    node, said, _OK if same else _BAD, Subject.SCORES,
                    f"“{again.title}”{as_text(said.amount)} 分",
                    f"{again.line.place if again.line else ''}写 {as_text(claim)} 分",
                    f"{as_text(said.amount)} {'=' if same else '≠'} {as_text(claim)}",
                )  # fmt: skip
            continue
        yield from _total(node, said, below, Subject.TOTAL, [one.effective() for one in below])
    for said in node.full_totals:
        if _named(said, by_title) is None:
            yield from _total(node, said, below, Subject.FULL_MARKS, [one.full for one in below])
    if node.full_totals and len(node.totals) == 1 and node.total_deductions:
        full, total = node.full_totals[0], node.totals[0]
        lost = sum(one.amount for one in node.total_deductions)
        if full.sentence == total.sentence == node.total_deductions[0].sentence:
            same = full.amount - lost == total.amount
            yield _of(
                node, total, _OK if same else _BAD, Subject.DEDUCTIONS,
                f"满分 {as_text(full.amount)} 分，扣 {as_text(lost)} 分，得 {as_text(total.amount)} 分",
                f"应为 {as_text(full.amount - lost)} 分",
                f"{as_text(full.amount)} - {as_text(lost)} = {as_text(full.amount - lost)}",
            )  # fmt: skip


def _named(said: Said, by_title: dict[str, Scored]) -> Scored | None:
    """The section whose title stands right before these points."""
    before = said.before
    marks = re.compile(r"[\s,，(:：]*(?:满分|分值|扣分?|失分)?\s*\d+(?:\.\d+)?分[\s,，)]*$")
    while marks.search(before):
        before = marks.sub("", before)
    clause = re.split("[。；;、,，:：]", before.rstrip(' (,，:：”"'))[-1].strip('“”" ')
    found = [title for title in by_title if len(title) >= 3 and clause.endswith(title)]
    return by_title[max(found, key=len)] if found else None


def _total(
    node: Scored,
    said: Said,
    below: Sequence[Scored],
    subject: Subject,
    amounts: Sequence[int | None],
) -> Iterator[Finding]:
    known = [amount for amount in amounts if amount is not None]
    what = "自评总分" if subject is Subject.TOTAL else "总分值"
    found = f"{what} {as_text(said.amount)} 分"
    if not known or len(below) < 2:
        yield _of(node, said, _OPEN, subject, found, "报告中没有可以合计的各部分得分", "")
        return
    total = sum(known)
    sums = _compared(_sum(known), total, said.amount)
    if total == said.amount:
        yield _of(node, said, _OK, subject, found, f"各部分合计 {as_text(total)} 分", sums)
    elif len(known) < len(amounts) and total < said.amount:
        silent = next(one for one, amount in zip(below, amounts, strict=True) if amount is None)
        why = f"“{silent.name}”没有写{'得分' if subject is Subject.TOTAL else '分值'}，无法合计"
        yield _of(node, said, _OPEN, subject, found, why, sums)
    else:
        yield _of(node, said, _BAD, subject, found, f"各部分合计 {as_text(total)} 分", sums)
