"""The outline of a report: headings numbered 一、 （一） 1. （1） ① 1.1, and the text below each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from perfxl.narrative.text import Line

_CN = "[一二三四五六七八九十]{1,3}"
_MARKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("第一部分", re.compile(rf"\s*(第\s*{_CN}\s*(?:部分|章|节))\s*[、.:：]?\s*")),
    ("（一）", re.compile(rf"\s*(\(\s*{_CN}\s*\))\s*[、.]?\s*")),
    ("一、", re.compile(rf"\s*({_CN}\s*[、.])\s*")),
    ("（1）", re.compile(r"\s*(\(\s*\d{1,2}\s*\)|(?<!\d)\d{1,2}\s*\))\s*[、.]?\s*")),
    ("①", re.compile(r"\s*([①-⑩])\s*")),
    ("1.1", re.compile(r"\s*(\d{1,2}(?:\.\d{1,2})+)\s*[、.]?\s*(?=[^\d\s分万亿元%个、.)])")),
    ("1.", re.compile(r"\s*(\d{1,2}\s*[、.])(?!\d)\s*")),
)
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Passage:
    """A stretch of text below a heading; ``start`` is where it begins in its line."""

    line: Line
    start: int
    text: str


@dataclass
class Node:
    """A heading and what is below it; ``mark`` is its number, ``heading`` the line's first part."""

    mark: str
    heading: str
    line: Line | None
    kind: str = ""
    body: list[Passage] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)
    parent: Node | None = None

    def walk(self) -> Iterator[Node]:
        """The node and all below it, in the order of the report."""
        yield self
        for child in self.children:
            yield from child.walk()


LOOKED_FOR = "一、（一）1.（1）1.1 等编号的标题，或带“分值”“自评得分”列的表格"


def outline(lines: Sequence[Line]) -> Node:
    """The report as a tree; its root has no mark and holds what stands before the first heading.

    The depth of a kind of number is where it first appears under those that are open, so that
    any office's order of numbers (一、（一）1. or 1. 1.1 （1）) makes a tree.
    """
    root = Node("", "", None)
    current = root
    for line in lines:
        if line.table:
            continue
        found = _mark(line.plain)
        if found is None:
            current.body.append(Passage(line, 0, line.plain))
            continue
        kind, mark, at = found
        current = _place(root, current, kind)
        node = Node(mark, "", line, kind, parent=current)
        current.children.append(node)
        current = node
        end = _end_of_heading(line.plain, at)
        node.heading = line.plain[at:end].strip().rstrip("。；;:： ")
        if line.plain[end:].strip():
            node.body.append(Passage(line, end, line.plain[end:]))
    return root


def _mark(text: str) -> tuple[str, str, int] | None:
    for kind, pattern in _MARKS:
        found = pattern.match(text)
        if found and text[found.end() :].strip():
            mark = re.sub(r"\s", "", found[1])
            return kind if kind != "1.1" else kind + "." * mark.count("."), mark, found.end()
    return None


def _place(root: Node, current: Node, kind: str) -> Node:
    """The node under which a heading of this kind comes."""
    node: Node | None = current
    while node is not None and node is not root:
        if node.kind == kind:
            return node.parent or root
        node = node.parent
    return current


_BREAK = re.compile(r"[。；;]|[:：](?!\s*(?:\d|[一二三四五六七八九十]+分))")


def _end_of_heading(text: str, start: int) -> int:
    """Where a heading ends that goes on with its text in the same line."""
    for found in _BREAK.finditer(text, start):
        head = text[start : found.start()]
        if head.count("(") == head.count(")"):
            return found.end()
    return len(text)
