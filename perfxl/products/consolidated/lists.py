"""The long sheets: 得分明细, 扣分明细, 审核意见, 报送情况."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from perfxl.excel.style import Role
from perfxl.excel.writer import PAPER_A3, PAPER_A4, SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name
from perfxl.points import as_float
from perfxl.products.consolidated import material as limits
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    HEADING_ROW,
    OBJECTIONS_SHEET,
    Columns,
    begin,
    note_of_part,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import span
from perfxl.products.consolidated.material import Material
from perfxl.tables import PROVISIONAL, Basis, whole

DETAIL, DEDUCTIONS, FINDINGS, RETURNS = "得分明细", "扣分明细", "审核意见", "报送情况"
FIRST_DETAIL_ROW = FIRST_BODY_ROW

_DETAIL_COLUMNS = (
    ("单位编码", 9),
    ("单位名称", 27),
    ("单位类别", 8),
    ("指标编码", 9),
    ("指标", 27),
    ("分值", 7),
    ("自评得分", 9),
    ("计算得分", 9),
    ("计算过程", 36),
    ("核定得分", 9),
    ("采用得分", 9),
    ("采用依据", 12),
    ("扣分原因", 26),
    ("评分人", 16),
    ("评分股室", 14),
    ("来源文件", 42),
    ("自评单元格", 14),
    ("评分表", 32),
    ("评分表行", 12),
)
_DEDUCTION_COLUMNS = (
    ("单位编码", 9),
    ("单位名称", 26),
    ("指标编码", 9),
    ("指标", 28),
    ("分值", 8),
    ("得分", 8),
    ("扣分", 8),
    ("扣分原因", 44),
    ("采用依据", 14),
    ("评分股室", 14),
)
_FINDING_COLUMNS = (
    ("序号", 6),
    ("类别", 8),
    ("单位编码", 9),
    ("单位名称", 24),
    ("工作表", 12),
    ("单元格", 9),
    ("指标编码", 9),
    ("审核意见", 56),
    ("处理办法", 40),
    ("单位说明", 30),
    ("代码", 8),
    ("文件", 30),
)
_RETURN_COLUMNS = (
    ("单位编码", 9),
    ("单位名称", 28),
    ("单位类别", 9),
    ("负责股室", 14),
    ("联系人", 10),
    ("联系电话", 15),
    ("报送情况", 9),
    ("收到时间", 17),
    ("文件", 44),
    ("错误", 7),
    ("核实", 7),
)


_DETAIL = {label: column for column, (label, _) in enumerate(_DETAIL_COLUMNS)}


def detail_range(material: Material, label: str) -> str:
    """All cells of one column of 得分明细, for formulas on other sheets."""
    last = FIRST_DETAIL_ROW + len(material.scores) - 1
    return f"{DETAIL}!{span(_DETAIL[label], FIRST_DETAIL_ROW, last)}"


def detail_rows(material: Material) -> dict[tuple[str, str], int]:
    """The 0-based row of each unit's indicator in 得分明细."""
    keys = zip(material.scores["unit"], material.scores["indicator"], strict=True)
    return {key: FIRST_DETAIL_ROW + index for index, key in enumerate(keys)}


def write_detail(sheet: SheetWriter, material: Material) -> None:
    """Every score with its claim, computation, approval and source cell."""
    linked = len(material.scores) <= limits.MOST_LINKS
    note = "采用得分取自得分汇总表；来源文件的原件在“原件”文件夹。"
    if not linked:
        note += "得分太多，Excel 容不下每项的链接，只在每个单位的第一行链接原件。"
    begin(sheet, f"{material.plan.campaign.name}{DETAIL}", note, _DETAIL_COLUMNS)
    originals = {line.unit: line.original for line in material.returns}
    first_rows: set[str] = set()
    for index, line in enumerate(material.scores.itertuples(index=False)):
        row = FIRST_DETAIL_ROW + index
        unit = material.plan.unit_by_code[line.unit]
        texts = {
            "单位编码": line.unit,
            "单位名称": unit.name,
            "单位类别": unit.kind,
            "指标编码": line.indicator,
            "指标": line.name,
            "计算过程": line.arithmetic,
            "采用依据": line.basis,
            "扣分原因": line.reason,
            "评分人": line.reviewer,
            "评分股室": line.section,
            "来源文件": line.file,
        }
        for label, text in texts.items():
            sheet.text(row, _DETAIL[label], text)
        amounts = {
            "分值": line.full_marks,
            "自评得分": line.self_score,
            "计算得分": line.computed,
            "核定得分": line.approved,
        }
        for label, amount in amounts.items():
            sheet.number(row, _DETAIL[label], whole(amount))
        score = whole(line.score)
        cached: float | str = "不适用" if score is None else as_float(score)
        reference = material.score_reference(line.unit, line.indicator)
        sheet.formula(row, _DETAIL["采用得分"], f"={reference}", cached=cached, align="center")
        place = f"{line.sheet}!{line.cell}" if line.cell else ""
        original = originals.get(line.unit, "")
        is_first = line.unit not in first_rows
        first_rows.add(line.unit)
        if place and original and (linked or is_first):
            quoted = line.sheet.replace("'", "''")
            target = f"external:../原件/{original}#'{quoted}'!{line.cell}"
            sheet.link(row, _DETAIL["自评单元格"], target, place)
        else:
            sheet.text(row, _DETAIL["自评单元格"], place)
        texts["评分表"] = _review_source(sheet, material, row, line)
        sheet.raw.set_row(row, _height(_DETAIL_COLUMNS, texts))
        sheet.finish_rows(row)
    _end(sheet, _DETAIL_COLUMNS, FIRST_DETAIL_ROW + len(material.scores), paper=PAPER_A3)


def _review_source(sheet: SheetWriter, material: Material, row: int, line: Any) -> str:
    """Where an approved score was entered: the section's book (given back), and the row in it.

    One that answers an objection was entered there.
    """
    name, _, number = line.review_place.rpartition("!")
    if name == OBJECTIONS_SHEET:
        at = material.objection_rows.get(int(number))
        said = f"第 {number} 号复核申请"
        sheet.text(row, _DETAIL["评分表"], "")
        if at is None:
            sheet.text(row, _DETAIL["评分表行"], said)
        else:
            sheet.link(row, _DETAIL["评分表行"], f"internal:'{OBJECTIONS_SHEET}'!A{at + 1}", said)
        return ""
    book = material.review_files.get(line.review_receipt)
    file = "" if book is None else book.file
    sheet.text(row, _DETAIL["评分表"], file)
    # These come on top of as many links to the returns.
    if book is not None and 2 * len(material.scores) <= limits.MOST_LINKS:
        quoted = name.replace("'", "''")
        target = f"external:../原件/{book.original}#'{quoted}'!A{number}"
        sheet.link(row, _DETAIL["评分表行"], target, line.review_place)
    else:
        sheet.text(row, _DETAIL["评分表行"], line.review_place)
    return file


def deductions(material: Material) -> pd.DataFrame:
    """The rows of ``tables.SCORES`` that lost points."""
    scores = material.scores
    return scores[
        (scores["score"] < scores["full_marks"]).fillna(False)
        & (scores["basis"] != str(Basis.NOT_RETURNED))
    ]


def write_deductions(sheet: SheetWriter, material: Material, part: int = 1) -> None:
    """What every unit lost, where and why; ``part`` counts the sheets of a long list from 1."""
    lost, most = deductions(material), limits.MOST_ROWS
    begin(
        sheet,
        f"{material.plan.campaign.name}{DEDUCTIONS}",
        "得分和扣分随得分汇总表重算；扣分行按生成时的得分列出。"
        + note_of_part(DEDUCTIONS, part, len(lost), most),
        _DEDUCTION_COLUMNS,
    )
    provisional = {str(basis) for basis in PROVISIONAL}
    row = FIRST_DETAIL_ROW
    for line in lost[(part - 1) * most : part * most].itertuples(index=False):
        unit = material.plan.unit_by_code[line.unit]
        reason = line.arithmetic if line.basis in provisional and not line.reason else line.reason
        texts = {
            0: line.unit,
            1: unit.name,
            2: line.indicator,
            3: line.name,
            7: reason,
            8: line.basis,
            9: line.section,
        }
        for column, text in texts.items():
            sheet.text(row, column, text)
        sheet.number(row, 4, line.full_marks)
        reference = material.score_reference(line.unit, line.indicator)
        sheet.formula(row, 5, f"={reference}", cached=as_float(int(line.score)), align="center")
        marks, score = cell_name(row, 4), cell_name(row, 5)
        sheet.formula(
            row,
            6,
            f"=IF(ISNUMBER({score}),ROUND({marks}-{score},2),0)",
            cached=as_float(line.full_marks - int(line.score)),
            align="center",
        )
        told = {_DEDUCTION_COLUMNS[column][0]: text for column, text in texts.items()}
        sheet.raw.set_row(row, _height(_DEDUCTION_COLUMNS, told))
        sheet.finish_rows(row)
        row += 1
    _end(sheet, _DEDUCTION_COLUMNS, row)


def write_findings(sheet: SheetWriter, material: Material, part: int = 1) -> None:
    """What the checks found in the returns in force; ``part`` as of ``write_deductions``."""
    most = limits.MOST_ROWS
    begin(
        sheet,
        f"{material.plan.campaign.name}{FINDINGS}",
        "错误：须改正后重新报送；核实：单位可以说明；提示：供参考。"
        + note_of_part(FINDINGS, part, len(material.findings), most),
        _FINDING_COLUMNS,
    )
    row = FIRST_DETAIL_ROW
    order = {unit.code: index for index, unit in enumerate(material.plan.units)}
    ordered = sorted(
        material.findings.itertuples(index=False),
        key=lambda found: (order.get(found.unit, 0), found.code),
    )
    before = (part - 1) * most
    for number, found in enumerate(ordered[before : before + most], before + 1):
        unit = material.plan.unit_by_code[found.unit]
        texts = (
            str(number),
            found.severity,
            found.unit,
            unit.name,
            found.sheet,
            found.cell,
            found.indicator,
            found.message,
            found.remedy,
            found.explanation,
            found.code,
            found.file,
        )
        for column, text in enumerate(texts):
            more: dict[str, Any] = (
                {"font_color": "#C00000"} if column == 1 and text == "错误" else {}
            )
            sheet.text(row, column, text, **more)
        sheet.raw.set_row(row, _height(_FINDING_COLUMNS, _labelled(_FINDING_COLUMNS, texts)))
        sheet.finish_rows(row)
        row += 1
    _end(sheet, _FINDING_COLUMNS, row)


def write_returns(sheet: SheetWriter, material: Material) -> None:
    """Who returned what and when; below, the files that are no unit's return."""
    begin(
        sheet,
        f"{material.plan.campaign.name}{RETURNS}",
        f"报送截止时间：{material.plan.campaign.deadline:%Y-%m-%d %H:%M}",
        _RETURN_COLUMNS,
    )
    row = FIRST_DETAIL_ROW
    for line in material.returns:
        unit = material.plan.unit_by_code[line.unit]
        texts = (
            unit.code,
            unit.name,
            unit.kind,
            unit.section,
            unit.contact,
            unit.phone,
            line.status,
        )
        for column, text in enumerate(texts):
            more: dict[str, Any] = (
                {"font_color": "#C00000"} if column == 6 and text != "按时" else {}
            )
            sheet.text(row, column, text, **more)
        sheet.date(row, 7, line.received_at, kind=ValueKind.MOMENT)
        if line.original and len(material.returns) <= limits.MOST_LINKS:
            sheet.link(row, 8, f"external:../原件/{line.original}", line.file)
        else:
            sheet.text(row, 8, line.file)
        sheet.number(row, 9, line.errors * 100, kind=ValueKind.INTEGER)
        sheet.number(row, 10, line.verify * 100, kind=ValueKind.INTEGER)
        told = {**_labelled(_RETURN_COLUMNS, texts), "文件": line.file}
        sheet.raw.set_row(row, _height(_RETURN_COLUMNS, told))
        row += 1
    if material.rejected:
        row += 1
        sheet.text(row, 0, "未能作为报送的文件", Role.LEVEL_1, text_wrap=False)
        for rejected in material.rejected:
            row += 1
            sheet.text(row, 1, rejected.file)
            sheet.text(row, 6, rejected.verdict)
            sheet.date(row, 7, rejected.received_at, kind=ValueKind.MOMENT)
            sheet.text(row, 8, rejected.detail)
            told = {
                "单位名称": rejected.file,
                "文件": rejected.detail,
                "报送情况": rejected.verdict,
            }
            sheet.raw.set_row(row, _height(_RETURN_COLUMNS, told))
        row += 1
    _end(sheet, _RETURN_COLUMNS, row)


def _labelled(columns: Columns, texts: Sequence[str]) -> dict[str, str]:
    """Texts by the labels of the first columns."""
    return {label: text for (label, _), text in zip(columns, texts, strict=False)}


def _height(columns: Columns, texts: Mapping[str, str]) -> float:
    """The height of a row whose texts stand under these labels."""
    widths = dict(columns)
    return wrapped_height(*((text, widths[label]) for label, text in texts.items()), least=17)


def _end(
    sheet: SheetWriter,
    columns: Columns,
    end_row: int,
    *,
    paper: int = PAPER_A4,
) -> None:
    last = len(columns) - 1
    sheet.raw.autofilter(HEADING_ROW, 0, max(HEADING_ROW, end_row - 1), last)
    sheet.raw.freeze_panes(HEADING_ROW + 1, 2)
    sheet.print_setup(
        landscape=True,
        last_column=last,
        repeat_rows=(0, HEADING_ROW),
        paper=paper,
        last_row=max(HEADING_ROW + 1, end_row - 1),
    )
