"""Points in a text: which are scores, and which are standards or somebody else's."""

from __future__ import annotations

import pytest

from perfxl.narrative.mentions import Kind, mentions


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("基础工作15分(自评得分14.5分)", [(Kind.BARE, 1500), (Kind.SELF, 1450)]),
        (
            "(满分20分，自评得18分，扣2分)",
            [(Kind.FULL, 2000), (Kind.SELF, 1800), (Kind.DEDUCTED, 200)],
        ),
        ("3、纳入考核2分(自评得分2)", [(Kind.BARE, 200), (Kind.SELF, 200)]),
        ("绩效自评情况6分", [(Kind.BARE, 600)]),
        ("绩效自评6分(自评5分)", [(Kind.BARE, 600), (Kind.SELF, 500)]),
        ("自评得分：18分", [(Kind.SELF, 1800)]),
        ("得分2分，共计2分", [(Kind.GOT, 200), (Kind.SUM, 200)]),
        ("每缺一项扣1分，最高扣5分", []),
        ("未公开的扣2分", []),
        ("第三方机构考核得分85分", [(Kind.FOREIGN, 8500)]),
        ("平均分88.6分", [(Kind.BARE, 8860)]),
        ("得分在90分以上", []),
        ("十分重要，充分认识，部分单位，三分之一", []),
        ("5分钟、2分公司、100分制", []),
        ("共扣1.5分", [(Kind.DEDUCTED, 150)]),
    ],
)
def test_points(text: str, wanted: list[tuple[Kind, int]]) -> None:
    assert [(one.kind, one.amount) for one in mentions(text)] == wanted
