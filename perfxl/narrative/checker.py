"""A report from its lines to its findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perfxl.errors import Place, Unreadable
from perfxl.narrative.contradictions import judge_scores
from perfxl.narrative.findings import Finding, Verdict
from perfxl.narrative.numbers import plain
from perfxl.narrative.outline import LOOKED_FOR, Passage, outline
from perfxl.narrative.quantities import judge_quantities
from perfxl.narrative.scores import Scored, score_tree, sentences
from perfxl.narrative.tables import ScoreTable, judge_tables, score_tables
from perfxl.narrative.text import Line


@dataclass(frozen=True)
class Checked:
    """A checked report: its findings in the order of the text, its scores, its tables."""

    findings: Sequence[Finding]
    tree: Scored
    tables: Sequence[ScoreTable]

    @property
    def contradictions(self) -> list[Finding]:
        """What contradicts itself."""
        return [one for one in self.findings if one.verdict is Verdict.CONTRADICTION]


def check_lines(lines: Sequence[Line], file: str = "") -> Checked:
    """Check a report's lines. Raises Unreadable where there is no outline and no score table."""
    tree = score_tree(outline(lines))
    tables = score_tables(lines)
    if not tree.children and not tables:
        raise Unreadable("看不出报告的结构", place=Place(file), remedy=f"报告应有{LOOKED_FOR}")
    found = [*judge_scores(tree), *judge_tables(tables, tree), *_quantities(tree, lines)]
    return Checked(sorted(found, key=lambda one: one.number), tree, tables)


def _quantities(tree: Scored, lines: Sequence[Line]) -> Iterator[Finding]:
    path = {}
    for node in tree.walk():
        if node.node.line is not None:
            path[node.node.line.number] = node.path
        for passage in node.node.body:
            path[passage.line.number] = node.path
    for line in lines:
        for text in line.cells or (line.text,):
            passage = Passage(line, 0, plain(text))
            pieces = list(sentences(passage))
            following = [*(piece for _, piece in pieces), ""][1:]
            for (at, sentence), after in zip(pieces, following, strict=True):
                for one in judge_quantities(sentence, after):
                    yield Finding(
                        one.verdict,
                        one.subject,
                        line.number,
                        line.place,
                        path.get(line.number, ""),
                        text[at : at + len(sentence)].strip(),
                        one.found,
                        one.follows,
                        one.arithmetic,
                    )
