"""The scores of a report: what each heading claims, and what its text gives in parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from perfxl.narrative.mentions import Kind, Mention, mentions
from perfxl.narrative.outline import Node, Passage
from perfxl.narrative.text import Line

_GAP = re.compile(r"[\s(),，、；;:：。/\[\]【】—-]*(?:其中|共|共计)?[\s,，:：]*")
_LONGEST_NAME = 40
_STANDARD = re.compile(
    r"(?:评分|评价|考核|计分)(?:标准|办法|细则)[:：]|每[^，。]{1,16}[得扣加计][\d.]+分"
)
_SUMMARY = re.compile(r"结论|结果|总体|综合|概述|概况|总评|得分情况|自评情况|基本情况|总结|结语")
_SCORE_OF_SOMETHING = 6000
_OWN = re.compile(r"(?:(?<![成资基])本|该|此)(?:项|指标|部分|大项|小项|方面)|综上|上述|以上")
_TOTAL = re.compile(r"(?:总分|总得分|合计得分|得分合计|自评总|总计|总成绩|最终得分|总体|综合自评)")


@dataclass(frozen=True)
class Said:
    """Points said in a passage, and the sentence that says them; ``at`` is where it begins there."""

    mention: Mention
    passage: Passage
    sentence: str
    at: int = 0

    @property
    def before(self) -> str:
        """What the passage says up to these points."""
        return self.passage.text[: self.at + self.mention.start]

    @property
    def amount(self) -> int:
        """Hundredths of a point."""
        return self.mention.amount


@dataclass
class Scored:
    """A heading's claims and its text's parts; ``restated`` are sums that the text gives itself."""

    node: Node
    title: str
    line: Line | None
    sentence: str
    full: int | None = None
    claim: int | None = None
    parts: list[Said] = field(default_factory=list)
    deductions: list[Said] = field(default_factory=list)
    nothing_lost: list[Said] = field(default_factory=list)
    restated: list[Said] = field(default_factory=list)
    doubtful: list[Said] = field(default_factory=list)
    totals: list[Said] = field(default_factory=list)
    full_totals: list[Said] = field(default_factory=list)
    total_deductions: list[Said] = field(default_factory=list)
    breakdowns: list[tuple[Said, list[Said]]] = field(default_factory=list)
    unscored_passages: int = 0
    children: list[Scored] = field(default_factory=list)
    parent: Scored | None = None

    @property
    def is_scored(self) -> bool:
        """Whether the heading itself says points."""
        return self.full is not None or self.claim is not None

    @property
    def name(self) -> str:
        """Mark and title, as the report has them."""
        return f"{self.node.mark}{self.title}"

    @property
    def path(self) -> str:
        """The headings from the top down to this one."""
        names, one = [], self
        while one.parent is not None:
            names.append(one.name)
            one = one.parent
        return " > ".join(reversed(names))

    def walk(self) -> Iterator[Scored]:
        """The node and all below it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def scored_below(self) -> list[Scored]:
        """The nearest nodes below that claim or add up to points."""
        found: list[Scored] = []
        for child in self.children:
            if child.is_scored or child.effective() is not None:
                found.append(child)
            else:
                found += child.scored_below()
        return found

    def sections(self) -> list[Scored]:
        """What a total adds up: scored headings, found through headings that only hold others."""
        found: list[Scored] = []
        for one in self.scored_below():
            holds = not one.is_scored and any(below.is_scored for below in one.walk())
            found += one.sections() if holds else [one]
        scored = [one for one in found if one.is_scored]
        return scored if len(scored) > 1 else found

    def effective(self) -> int | None:
        """The claim; where there is none, what the parts and the nodes below add up to."""
        if self.claim is not None:
            return self.claim
        below = [one for child in self.children if (one := child.effective()) is not None]
        if below or self.parts:
            return sum(below) + sum(part.amount for part in self.parts)
        return None


def score_tree(root: Node) -> Scored:
    """Read every heading's marks and every passage's points."""
    return _scored(root, None)


def _scored(node: Node, parent: Scored | None) -> Scored:
    title, marks, rest = _heading(node)
    one = Scored(node, title, node.line, node.line.text if node.line else "", parent=parent)
    _claim(one, marks)
    passages = list(node.body)
    if rest and node.line is not None:
        passages.insert(0, Passage(node.line, node.line.plain.find(rest), rest))
    for child in node.children:
        one.children.append(_scored(child, one))
    _bare_points(one)
    for passage in passages:
        _read_passage(one, passage)
    return one


def _bare_points(one: Scored) -> None:
    """「（1）出台办法4分」 below a claim of 8 of 10: points that were given, no full marks."""
    below = one.scored_below()
    if one.claim is None or not below or any(c.full is None or c.claim is not None for c in below):
        return
    total = sum(c.full or 0 for c in below)
    if total != one.full and (one.full is None or abs(total - one.claim) < abs(total - one.full)):
        for child in below:
            child.full, child.claim = None, child.full


def _heading(node: Node) -> tuple[str, list[Mention], str]:
    """A heading's title, its marks, and what of it is text (all of it, where it is a sentence)."""
    text = node.heading
    found = list(mentions(text))
    if not found:
        is_title = len(text) <= _LONGEST_NAME and not re.search("[,，]", text)
        return (
            (text, [], "") if is_title else (re.split("[,，]", text)[0][:_LONGEST_NAME], [], text)
        )
    name = re.sub(r"[\s(【\[:：,，、—-]+$", "", text[: found[0].start])
    sentence = len(name) > _LONGEST_NAME or re.search("[,，。；]", name)
    item = found[0].kind in (Kind.GOT, Kind.DEDUCTED, Kind.SUM, Kind.FOREIGN) and len(name) > 16
    if sentence or item or not name:
        return re.split("[,，(]", text)[0][:_LONGEST_NAME], [], text
    block = [found[0]]
    for before, after in itertools.pairwise(found):
        if not _GAP.fullmatch(text[before.end : after.start]):
            break
        block.append(after)
    rest = re.sub(r"^[\s)】\].。,，;；:：]+|[\s)】\].。,，;；:：]+$", "", text[block[-1].end :])
    return name, block, rest if len(rest) > 1 else ""


def _claim(one: Scored, marks: Sequence[Mention]) -> None:
    """Full marks and self-score from the marks beside a title."""
    bare = [mark.amount for mark in marks if mark.kind in (Kind.BARE, Kind.SUM)]
    full = [mark.amount for mark in marks if mark.kind is Kind.FULL] or bare[:1]
    claims = [mark for mark in marks if mark.kind in (Kind.SELF, Kind.GOT)]
    lost = [mark.amount for mark in marks if mark.kind is Kind.DEDUCTED]
    one.full = full[0] if full else None
    if claims:
        one.claim = one.full if claims[0].whole else claims[0].amount
    elif lost and one.full is not None:
        one.claim = one.full - sum(lost)
    elif len(bare) == 2 and not [mark for mark in marks if mark.kind is Kind.FULL]:
        one.full, one.claim = max(bare), min(bare)
    if claims and lost and one.node.line is not None:
        passage = Passage(one.node.line, 0, one.node.line.plain)
        for mark in marks:
            if mark.kind is Kind.DEDUCTED:
                said = Said(mark, passage, one.sentence)
                (one.deductions if mark.amount else one.nothing_lost).append(said)


def sentences(passage: Passage, ends: str = "。！？!?") -> Iterator[tuple[int, str]]:
    """Sentences of a passage with their place in it."""
    at = 0
    for piece in re.split(f"(?<=[{ends}])", passage.text):
        if piece.strip():
            yield at, piece
        at += len(piece)


def _read_passage(one: Scored, passage: Passage) -> None:
    has_points = False
    for at, sentence in sentences(passage):
        found = list(mentions(sentence))
        start = passage.start + at
        text = passage.line.text[start : start + len(sentence)].strip() or sentence
        said = [Said(mention, passage, text, at) for mention in found]
        if said:
            has_points = _read_sentence(one, sentence, said) or has_points
    if not has_points and not _STANDARD.search(passage.text):
        one.unscored_passages += 1


def _read_sentence(one: Scored, sentence: str, said: list[Said]) -> bool:
    """Sort what a sentence says; whether it gives the heading points."""
    inside = sentence.find("其中")
    if inside >= 0:
        before = [s for s in said if s.mention.start < inside and s.mention.kind is not Kind.FULL]
        after = [s for s in said if s.mention.start > inside and s.mention.kind is not Kind.FOREIGN]
        after = [s for s in after if s.mention.kind not in (Kind.FULL, Kind.DEDUCTED)]
        near = before and not sentence[before[-1].mention.end : inside].strip(" ,，:：；;()")
        if near and after and before[-1].mention.kind in (Kind.GOT, Kind.SELF, Kind.SUM):
            one.breakdowns.append((before[-1], after))
            said = [s for s in said if s.mention.start < inside]
    kinds = {s.mention.kind for s in said}
    full = [s for s in said if s.mention.kind is Kind.FULL]
    claims = [s for s in said if s.mention.kind is Kind.SELF]
    below = bool(one.scored_below())
    in_front = one.node.parent is None or not one.is_scored
    summary: object = _SUMMARY.search(one.title) or Kind.SUM in kinds or _TOTAL.search(sentence)
    summary = summary and not re.match(r"\s*(?:本|该|此)(?:项|指标|部分|大项|小项)", sentence)
    cap = one.full if one.full is not None else one.claim
    above = [
        s
        for s in said
        if s.mention.kind in (Kind.SELF, Kind.SUM) and cap is not None and s.amount > cap
    ]
    if (
        above
        and not _OWN.match(sentence.strip())
        and one.is_scored
        and (above[0].mention.kind is Kind.SUM or _TOTAL.search(sentence) or full or len(said) == 1)
    ):
        return _read_total(one, sentence, said)
    own = (
        full and claims and below and one.node.parent is not None and not _SUMMARY.search(one.title)
    )
    if own and in_front and re.match(r"\s*(?:[本该此][^,，]{1,4})?(?:满分|分值|标准分)", sentence):
        one.full, one.claim = full[0].amount, claims[0].amount
        one.sentence, one.line = claims[0].sentence, claims[0].passage.line
        return True
    if in_front and (below or one.node.parent is None or (summary and not full)):
        return _read_total(one, sentence, said)
    if full and (claims or Kind.GOT in kinds) and not one.is_scored:
        one.full = full[0].amount
        got = next(s for s in said if s.mention.kind in (Kind.SELF, Kind.GOT))
        one.claim = one.full if got.mention.whole else got.amount
        one.sentence, one.line = got.sentence, got.passage.line
        said = [s for s in said if s is not got]
    elif (
        claims
        and one.claim is None
        and len(claims) == 1
        and not one.parts
        and (not below or (one.full is not None and claims[0].amount <= one.full))
    ):
        one.claim = claims[0].amount
        said = [s for s in said if s is not claims[0]]
    gave = False
    for s in said:
        gave = _sort(one, sentence, s, below=below) or gave
    return gave


def _sort(one: Scored, sentence: str, s: Said, *, below: bool) -> bool:  # noqa: PLR0911 - one kind a line
    kind = s.mention.kind
    clause = re.split("[。；;]", sentence[: s.mention.start])[-1]
    if kind is Kind.FULL or kind is Kind.BARE:
        return False
    if kind is Kind.DEDUCTED:
        (one.deductions if s.amount else one.nothing_lost).append(s)
        return False
    if kind is Kind.FOREIGN:
        if one.full is not None and s.amount <= one.full:
            one.doubtful.append(s)
        return False
    cap = one.full if one.full is not None else one.claim
    if cap is not None and s.amount > cap and (kind is Kind.SUM or kind is Kind.SELF):
        one.totals.append(s)
        return False
    if cap is not None and s.amount >= _SCORE_OF_SOMETHING > cap:
        # A project or an agency was given so much out of 100.
        return False
    if (
        kind is Kind.SUM
        or s.mention.whole
        or _OWN.search(clause)
        or (kind is Kind.SELF and s.amount == one.claim)
    ):
        one.restated.append(s)
        return True
    if kind is Kind.SELF and below:
        one.restated.append(s)
        return True
    one.parts.append(s)
    return True


def _read_total(one: Scored, sentence: str, said: list[Said]) -> bool:
    """Points said outside all scored headings: the total, or single sections once more."""
    claims = [s for s in said if s.mention.kind in (Kind.SELF, Kind.SUM, Kind.GOT)]
    lost = [s for s in said if s.mention.kind is Kind.DEDUCTED and s.amount]
    full = [s for s in said if s.mention.kind is Kind.FULL]
    named = [s for s in claims if s.mention.kind is Kind.SUM]
    selfs = [s for s in claims if s.mention.kind is not Kind.SUM]
    if (
        named
        and selfs
        and "自评" not in sentence[named[0].mention.start - 2 : named[0].mention.end]
    ):
        full, claims = full or named[:1], selfs
    one.totals += claims
    one.full_totals += full
    one.total_deductions += lost
    return False
