"""变动, 评分复核, 复核申请: what moved since the last run, what to look at again, objections."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.points import as_score
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    OBJECTIONS_SHEET,
    Columns,
    band,
    begin,
    finish,
    wrapped_height,
)
from perfxl.products.consolidated.material import Material
from perfxl.tables import NOT_RANKED, Basis, whole

MOVEMENTS, SECOND_LOOK = "变动", "评分复核"

_SCORE_COLUMNS: Columns = (
    ("单位编码", 10),
    ("单位名称", 30),
    ("指标编码", 10),
    ("指标", 30),
    ("原得分", 10),
    ("现得分", 10),
    ("原因", 60),
)
_SECOND_LOOK_COLUMNS: Columns = (
    ("单位编码", 10),
    ("单位名称", 30),
    ("指标编码", 10),
    ("评分股室", 16),
    ("核定得分", 10),
    ("说明", 70),
)
_OBJECTION_COLUMNS: Columns = (
    ("编号", 6),
    ("单位名称", 28),
    ("指标编码", 9),
    ("申请理由", 38),
    ("申请得分", 9),
    ("申请日期", 12),
    ("原得分", 8),
    ("结果", 8),
    ("复核得分", 9),
    ("复核意见", 38),
    ("复核人", 10),
    ("答复日期", 12),
    ("材料", 22),
)


def write_movements(sheet: SheetWriter, material: Material) -> None:
    """Ranks and scores that moved since the workbook was last written, and why."""
    moved = material.movements
    begin(
        sheet,
        f"{material.plan.campaign.name}{MOVEMENTS}",
        "与上一次汇总相比；上一次的综合评分表在“历次”文件夹。",
        _SCORE_COLUMNS,
    )
    row = FIRST_BODY_ROW
    if len(moved.ranks):
        band(
            sheet,
            row,
            _SCORE_COLUMNS,
            f"总分、名次、等级有变化的{sheet.book.worded('单位')}（{len(moved.ranks)} 个）",
        )
        row += 1
        labels = ("单位编码", "单位名称", "", "名次和等级", "原总分", "现总分", "原因")
        for column, label in enumerate(labels):
            sheet.text(row, column, sheet.book.worded(label), Role.LEVEL_2, align="center")
        for line in moved.ranks.itertuples(index=False):
            row += 1
            texts = (line.unit, line.name, "", _moved_place(line), "", "", line.why)
            _row(sheet, row, _SCORE_COLUMNS, texts)
            for column, total in ((4, line.total_before), (5, line.total_after)):
                sheet.number(row, column, whole(total), kind=ValueKind.MONEY, align="center")
        row += 1
    if len(moved.scores):
        band(sheet, row, _SCORE_COLUMNS, f"有变化的得分（{len(moved.scores)} 项）")
        for line in moved.scores.itertuples(index=False):
            row += 1
            unit = material.plan.unit_by_code[line.unit].name
            texts = (line.unit, unit, line.indicator, line.name, "", "", line.why)
            _row(sheet, row, _SCORE_COLUMNS, texts)
            for column, amount in ((4, line.before), (5, line.after)):
                score = whole(amount)
                if score is None:
                    sheet.text(row, column, str(Basis.NOT_APPLICABLE), align="center")
                else:
                    sheet.number(row, column, score)
        row += 1
    finish(sheet, _SCORE_COLUMNS, row - 1)


def _moved_place(line: Any) -> str:
    """How a unit's rank and grade moved, in words."""
    pairs = (
        ("名次", _rank(line.rank_before), _rank(line.rank_after)),
        ("等级", line.grade_before, line.grade_after),
    )
    return "；".join(f"{what} {was} → {now}" for what, was, now in pairs if was != now) or "未变"


def write_second_look(sheet: SheetWriter, material: Material) -> None:
    """Where reviewers disagree, and approved scores under which something changed."""
    begin(
        sheet,
        f"{material.plan.campaign.name}{SECOND_LOOK}",
        "评分人之间相差超过方案所定分差的，和核定后单位报送又有变化的，请股室再看。",
        _SECOND_LOOK_COLUMNS,
    )
    row = FIRST_BODY_ROW
    for title, table, said in (
        ("评分人之间有分歧", material.disagreements, "scores"),
        ("核定后有变化", material.look_again, "what"),
    ):
        if not len(table):
            continue
        band(sheet, row, _SECOND_LOOK_COLUMNS, f"{title}（{len(table)} 项）")
        for unit, line in _of_roster(material, table):
            row += 1
            texts = (line["unit"], unit, line["indicator"], line["section"], "", line[said])
            _row(sheet, row, _SECOND_LOOK_COLUMNS, texts)
            sheet.number(row, 4, whole(line["approved"]))
        row += 1
    finish(sheet, _SECOND_LOOK_COLUMNS, row - 1)


def write_objections(sheet: SheetWriter, material: Material) -> None:
    """Every objection with its answer."""
    begin(
        sheet,
        f"{material.plan.campaign.name}{OBJECTIONS_SHEET}",
        "结果为“调整”的，复核得分即核定得分；“待答复”的仍按原得分。",
        _OBJECTION_COLUMNS,
    )
    row = FIRST_BODY_ROW
    for unit, line in material.objections_listed:
        texts = (
            str(line["number"]),
            unit,
            line["indicator"],
            line["request"],
            _score(line["requested"]),
            _day(line["requested_at"]),
            _score(line["before"]),
            line["decision"],
            _score(line["approved"]),
            line["answer"],
            line["answered_by"],
            _day(line["answered_at"]),
            line["file"],
        )
        _row(sheet, row, _OBJECTION_COLUMNS, texts)
        if line["original"]:
            target = f"external:../原件/{line['original']}"
            sheet.link(row, len(texts) - 1, target, str(line["file"]))
        row += 1
    finish(sheet, _OBJECTION_COLUMNS, row - 1)


def _of_roster(material: Material, table: pd.DataFrame) -> Iterator[tuple[str, dict[str, object]]]:
    """The rows whose unit is still in the roster, with its name."""
    for line in table.to_dict("records"):
        unit = material.plan.unit_by_code.get(line["unit"])
        if unit is not None:
            yield unit.name, line


def _row(sheet: SheetWriter, row: int, columns: Columns, texts: Sequence[object]) -> None:
    for column, text in enumerate(texts):
        sheet.text(row, column, str(text), align="center" if columns[column][1] <= 12 else "left")
    widths = [(str(text), columns[column][1]) for column, text in enumerate(texts)]
    sheet.raw.set_row(row, wrapped_height(*widths))


def _rank(number: object) -> str:
    known = whole(number)
    return NOT_RANKED if known is None else str(known)


def _score(amount: object) -> str:
    known = whole(amount)
    return "" if known is None else as_score(known)


def _day(moment: object) -> str:
    return "" if pd.isna(moment) else f"{pd.Timestamp(moment):%Y-%m-%d}"
