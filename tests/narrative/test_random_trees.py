"""Random score trees in random phrasings: consistent ones are left alone, one change is found."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from perfxl.narrative.checker import check_lines
from perfxl.narrative.text import read_report
from perfxl.points import as_text

NAMES = (
    "基础工作", "组织保障", "制度建设", "交流培训", "事前绩效评估", "绩效目标管理", "项目支出绩效目标",
    "部门整体绩效目标", "绩效监控管理", "财政重点监控", "部门绩效监控", "绩效评价管理", "绩效自评",
    "重点绩效评价", "质量管控", "评价结果应用", "反馈与整改", "应用情况", "信息公开", "日常工作",
)  # fmt: skip
DEEDS = (
    "印发了工作通知",
    "出台了实施办法",
    "组织开展了相关工作",
    "将结果报送县政府",
    "建立了工作机制",
)
NUMERALS = "一二三四五六七八九十"
MARKS = (
    ("{c}、", "（{c}）", "{n}、"),
    ("（{c}）", "{n}、", "（{n}）"),
    ("{c}、", "( {c} ) ", "{n}．"),
    ("{n}. ", "（{n}）", "{n}）"),
    ("第{c}部分 ", "{c}、", "（{c}）"),
)
CLAIMS = (
    "{name}（满分{full}分，自评得分{score}分）",
    "{name}{full}分（自评得分{score}分）",
    "{name}（{full}分，得{score}分）",
    "{name}（分值{full}分，自评{score}分）",
    "{name}  {full}分 (自评得分：{score}分 )",
    "{name}，满分{full}分，自评得分为{score}分",
)  # fmt: skip
PARTS = (
    "得{score}分",
    "得分{score}分",
    "，得{score}分",
    "，自评得{score}分",
    "，计{score}分",
    "（得{score}分）",
)
TOTALS = (
    "自评总分为{score}分",
    "自评得分{score}分",
    "合计自评得分{score}分",
    "自评总得分：{score}分",
)


@dataclass
class Made:
    name: str
    full: int
    score: int
    below: list[Made] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)


@st.composite
def leaves(draw: st.DrawFn, name: str) -> Made:
    parts = draw(st.lists(st.integers(1, 12).map(lambda n: n * 50), min_size=0, max_size=4))
    score = sum(parts) or draw(st.integers(1, 20)) * 50
    return Made(name, score + draw(st.integers(0, 4)) * 50, score, parts=parts)


@st.composite
def trees(draw: st.DrawFn) -> list[Made]:
    names = iter(draw(st.permutations(NAMES)))
    sections = []
    for _ in range(draw(st.integers(2, 5))):
        name = next(names)
        below = [draw(leaves(next(names))) for _ in range(draw(st.sampled_from((0, 2, 3))))]
        if below:
            full, score = sum(one.full for one in below), sum(one.score for one in below)
            sections.append(Made(name, full, score, below))
        else:
            sections.append(draw(leaves(name)))
    return sections


@dataclass
class Style:
    marks: tuple[str, str, str]
    claim: str
    part: str
    total: str
    total_first: bool


STYLES = st.builds(
    Style, st.sampled_from(MARKS), st.sampled_from(CLAIMS), st.sampled_from(PARTS),
    st.sampled_from(TOTALS), st.booleans(),
)  # fmt: skip


def rendered(sections: list[Made], style: Style, total: int) -> list[str]:
    said = "经自评，我县2023年度预算绩效管理工作" + style.total.format(score=as_text(total)) + "。"
    lines = ["2023年度自评报告", *([said] if style.total_first else [])]

    def write(one: Made, depth: int, number: int) -> None:
        mark = style.marks[depth].format(c=NUMERALS[number], n=number + 1)
        lines.append(
            mark
            + style.claim.format(name=one.name, full=as_text(one.full), score=as_text(one.score))
        )
        for at, part in enumerate(one.parts):
            lines.append(
                f"我局按照〔2023〕{at + 3}号文件要求{DEEDS[at]}"
                + style.part.format(score=as_text(part))
                + "。"
            )
        for at, child in enumerate(one.below):
            write(child, depth + 1, at)

    for number, one in enumerate(sections):
        write(one, 0, number)
    if not style.total_first:
        lines.append("综上所述，" + said)
    return lines


def found(lines: list[str]) -> list[tuple[int, str]]:
    result = check_lines(read_report("\n".join(lines).encode(), "a.txt"))
    return [
        (one.number, f"{one.found} {one.follows} {one.arithmetic}") for one in result.contradictions
    ]


@settings(max_examples=100, deadline=None)
@given(trees(), STYLES)
def test_a_consistent_tree_gives_no_contradiction(sections: list[Made], style: Style) -> None:
    assert found(rendered(sections, style, sum(one.score for one in sections))) == []


@settings(max_examples=100, deadline=None)
@given(trees(), STYLES, st.data())
def test_one_change_is_found_at_its_place(
    sections: list[Made], style: Style, data: st.DataObject
) -> None:
    total = sum(one.score for one in sections)
    kind = data.draw(st.sampled_from(("total", "section", "leaf", "part", "full")))
    if kind == "total":
        # What is within a section's full marks may be that section's own score once more, which is
        # told as undecided; no real total is so small.
        assume(total + 50 > max(one.full for one in sections))
        lines = rendered(sections, style, total + 50)
        assert [number for number, _ in found(lines)] == [2 if style.total_first else len(lines)]
        return
    parents = [one for one in sections if one.below]
    with_parts = [one for s in sections for one in (s, *s.below) if len(one.parts) > 1]
    if kind == "part":
        assume(with_parts)
        one = data.draw(st.sampled_from(with_parts))
        one.parts[data.draw(st.integers(0, len(one.parts) - 1))] += 50
        place = one
    else:
        assume(parents)
        place = data.draw(st.sampled_from(parents))
        child = data.draw(st.sampled_from(place.below))
        if kind == "section":
            place.score -= 50
            total -= 50
        elif kind == "full":
            child.full += 50
        else:
            assume(not child.parts)
            child.score += 50
            child.full += 50
            place.full += 50
    lines = rendered(sections, style, total)
    at = 1 + next(i for i, line in enumerate(lines) if place.name in line and "分" in line)
    told = found(lines)
    assert at in [number for number, _ in told]
    assert len(told) == 1
