"""县级自评得分.xlsx: the county's claim beside what its registers give, with the evidence."""

from __future__ import annotations

import datetime as dt
from typing import Any

from perfxl.county.score import CountyScore
from perfxl.excel.style import NUMBER_FORMATS, Role
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import column_letter
from perfxl.plan.forms import TOTAL_ROW
from perfxl.plan.model import Plan, Unit
from perfxl.points import as_float, as_score
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    FLAG,
    Columns,
    begin,
    finish,
    hide_helpers,
    wrapped_height,
)
from perfxl.products.consolidated.formulas import span
from perfxl.tables import ClaimState, whole

FORM, DIFFERENCES, EVIDENCE, FIGURES = "考核评分表", "差异和缺项", "佐证登记", "取自考核的数"
_FORM_COLUMNS: Columns = (
    ("编码", 7),
    ("考核内容", 18),
    ("分值", 6),
    ("评分标准", 30),
    ("自评得分", 7),
    ("计算得分", 7),
    ("依据", 30),
    ("佐证材料", 34),
    ("备注", 26),
)
_CODE, _NAME, _MARKS, _STANDARD, _CLAIMED, _COMPUTED, _BASIS, _EVIDENCE, _REMARK = range(9)
# Read by formulas alone: 1 for an indicator, nothing for a heading.
_LEAF = len(_FORM_COLUMNS)
_SIGNATURES = ("主要负责人（签字）：", "分管负责人（签字）：", "填报人：", "单位（盖章）")
_BY_HAND = "人工"


def county_score_workbook(
    plan: Plan,
    unit: Unit,
    score: CountyScore,
    now: dt.datetime,
    preparer: str = "",
    phone: str = "",
) -> bytes:
    """The workbook as .xlsx bytes; sums in the form are live."""
    book = WorkbookWriter(title=f"{plan.campaign.name}自评得分", author=plan.campaign.issuer)
    _form(book.sheet(FORM), plan, unit, score, (preparer, phone), now)
    _differences(book.sheet(DIFFERENCES), plan, score)
    _evidence(book.sheet(EVIDENCE), plan, score)
    if len(score.figures):
        _figures(book.sheet(FIGURES), plan, score)
    return book.to_bytes()


def _form(
    sheet: SheetWriter,
    plan: Plan,
    unit: Unit,
    score: CountyScore,
    who: tuple[str, str],
    now: dt.datetime,
) -> None:
    preparer, phone = who
    filled = "    ".join(
        f"{label}：{text}"
        for label, text in (
            ("单位", unit.name),
            ("填报人", preparer),
            ("联系电话", phone or unit.phone),
            ("计算日期", f"{now:%Y-%m-%d}"),
        )
        if text
    )
    begin(sheet, f"{plan.campaign.name}评分表", filled, _FORM_COLUMNS, height=30)
    leaves = {row.indicator: row for row in score.leaves.itertuples(index=False)}
    subtotals = {row.code: row for row in score.subtotals.itertuples(index=False)}
    rows = plan.rubrics[unit.kind].rows
    for index, line in enumerate(rows):
        row = FIRST_BODY_ROW + index
        if line.indicator is None:
            children = [FIRST_BODY_ROW + child for child in line.children]
            role = Role.LEVEL_1 if line.depth == 1 else Role.LEVEL_2
            _sum_row(sheet, row, subtotals[line.code], children, role)
        else:
            _leaf_row(sheet, row, leaves[line.code], line.depth)
    end = FIRST_BODY_ROW + len(rows)
    top = [FIRST_BODY_ROW + index for index in plan.rubrics[unit.kind].top]
    _sum_row(sheet, end, subtotals[TOTAL_ROW], top, Role.TOTAL)
    _computable_row(sheet, end + 1, score.total, end - 1)
    hide_helpers(sheet, _LEAF, _LEAF)
    finish(sheet, _FORM_COLUMNS, end + 3, 2)
    sheet.signatures(end + 3, _SIGNATURES, len(_FORM_COLUMNS) - 1)


def _sum_row(sheet: SheetWriter, row: int, total: Any, children: list[int], role: Role) -> None:
    for column in range(len(_FORM_COLUMNS)):
        sheet.text(row, column, "", role)
    is_total = total.code == TOTAL_ROW
    sheet.text(row, _CODE, "" if is_total else total.code, role, align="left")
    sheet.text(row, _NAME, total.name, role, indent=max(0, total.depth - 1))
    amounts = (
        (_MARKS, total.full_marks),
        (_CLAIMED, total.claimed_leaves),
        (_COMPUTED, total.computed),
    )
    for column, amount in amounts:
        letter = column_letter(column)
        summed = f"=SUM({','.join(f'{letter}{child + 1}' for child in children)})"
        sheet.formula(row, column, summed, role, cached=as_float(amount))
    lacking = total.full_marks - total.computable - total.by_hand
    parts = (
        total.note,
        f"另有 {as_score(total.by_hand)} 分由人工评定" if total.by_hand else "",
        f"{as_score(lacking)} 分缺数据或不适用，没有计算" if lacking else "",
    )
    remark = "；".join(filter(None, parts))
    flagged: dict[str, Any] = {"bg_color": FLAG} if total.note else {}
    sheet.text(row, _REMARK, remark, role, font_size=9, **flagged)
    sheet.raw.set_row(row, wrapped_height((remark, _FORM_COLUMNS[_REMARK][1]), least=21))


def _leaf_row(sheet: SheetWriter, row: int, leaf: Any, depth: int) -> None:
    computed, claimed = whole(leaf.computed), whole(leaf.claimed)
    basis = "\n".join(filter(None, (leaf.basis, _reckoned(leaf))))
    remark = _remark(leaf)
    differs = leaf.state in (ClaimState.ABOVE, ClaimState.BELOW, ClaimState.UNKNOWN)
    sheet.text(row, _CODE, leaf.indicator, align="left")
    sheet.text(row, _NAME, leaf.name, indent=depth - 1)
    sheet.number(row, _MARKS, leaf.full_marks)
    sheet.text(row, _STANDARD, leaf.standard, font_size=9)
    sheet.number(row, _CLAIMED, claimed)
    if computed is None:
        sheet.text(row, _COMPUTED, _BY_HAND, align="center", font_color="#7F7F7F")
    else:
        flagged: dict[str, Any] = {"bg_color": FLAG, "bold": True} if differs else {}
        sheet.number(row, _COMPUTED, computed, **flagged)
    sheet.text(row, _BASIS, basis, font_size=9)
    sheet.text(row, _EVIDENCE, leaf.evidence, font_size=9)
    sheet.text(row, _REMARK, remark, font_size=9)
    sheet.number(row, _LEAF, 100, Role.PLAIN)
    shown = {_STANDARD: leaf.standard, _BASIS: basis, _EVIDENCE: leaf.evidence, _REMARK: remark}
    heights = [(text, _FORM_COLUMNS[column][1]) for column, text in shown.items()]
    sheet.raw.set_row(row, min(400.0, wrapped_height(*heights, size=9, least=28)))


def _reckoned(leaf: Any) -> str:
    return "" if leaf.state == ClaimState.MANUAL else f"计算：{leaf.arithmetic}"


def _remark(leaf: Any) -> str:
    """How claim and computation differ, and what is missing."""
    parts = []
    computed, claimed = whole(leaf.computed), whole(leaf.claimed)
    if computed is not None and claimed is not None and claimed != computed:
        which = "高于" if claimed > computed else "低于"
        parts.append(f"自评{which}计算 {as_score(abs(claimed - computed))} 分")
    elif leaf.state in (ClaimState.UNCLAIMED, ClaimState.UNKNOWN):
        parts.append(leaf.state)
    if leaf.deduction_reason:
        parts.append(f"扣分原因：{leaf.deduction_reason}")
    if leaf.missing:
        parts.append(f"待补：{leaf.missing}")
    return "\n".join(parts)


def _computable_row(sheet: SheetWriter, row: int, total: Any, last: int) -> None:
    """What the sums are of those indicators alone that can be computed."""
    for column in range(len(_FORM_COLUMNS)):
        sheet.text(row, column, "", Role.LEVEL_2)
    sheet.text(row, _NAME, "其中：可计算的指标", Role.LEVEL_2)
    leaf, computed = (span(column, FIRST_BODY_ROW, last) for column in (_LEAF, _COMPUTED))
    amounts = (
        (_MARKS, total.computable),
        (_CLAIMED, total.claimed_computable),
        (_COMPUTED, total.computed),
    )
    for column, amount in amounts:
        of = span(column, FIRST_BODY_ROW, last)
        formula = f"=SUMPRODUCT({leaf}*ISNUMBER({computed}),{of})"
        sheet.formula(row, column, formula, Role.LEVEL_2, cached=as_float(amount))
    sheet.raw.set_row(row, 21)


_DIFFERENCE_COLUMNS: Columns = (
    ("编码", 8),
    ("指标", 34),
    ("分值", 7),
    ("自评得分", 9),
    ("计算得分", 9),
    ("情况", 14),
    ("计算过程", 34),
    ("待补和说明", 60),
)


def _differences(sheet: SheetWriter, plan: Plan, score: CountyScore) -> None:
    note = (
        "小计矛盾、自评与计算不一致、无法计算和缺登记内容的指标；计算得分按年度台账的登记内容得出。"
    )
    begin(sheet, f"{plan.campaign.name}自评差异和缺项", note, _DIFFERENCE_COLUMNS)
    row = FIRST_BODY_ROW
    for one in score.subtotals.itertuples(index=False):
        if not one.note:
            continue
        texts = {0: one.code, 1: one.name, 5: "小计矛盾", 6: "", 7: one.note}
        amounts = {2: one.full_marks, 3: whole(one.claimed), 4: None}
        row = _listed(sheet, row, _DIFFERENCE_COLUMNS, texts, amounts, flagged=5)
    order = (ClaimState.ABOVE, ClaimState.BELOW, ClaimState.UNKNOWN, ClaimState.UNCLAIMED)
    leaves = score.leaves
    differing = [leaf for state in order for leaf in leaves[leaves["state"] == state].itertuples()]
    others = leaves[~leaves["state"].isin(order) & (leaves["missing"] != "")]
    for leaf in [*differing, *others.itertuples()]:
        texts = {0: leaf.indicator, 1: leaf.path, 5: leaf.state, 6: leaf.arithmetic}
        texts[7] = leaf.missing
        amounts = {2: leaf.full_marks, 3: whole(leaf.claimed), 4: whole(leaf.computed)}
        flagged = 5 if leaf.state in order else None
        row = _listed(sheet, row, _DIFFERENCE_COLUMNS, texts, amounts, flagged=flagged)
    finish(sheet, _DIFFERENCE_COLUMNS, row - 1, 2)


_EVIDENCE_COLUMNS: Columns = (
    ("指标", 8),
    ("登记表", 16),
    ("行", 7),
    ("材料或事项", 56),
    ("文号", 22),
    ("日期", 12),
    ("计入", 8),
    ("说明", 44),
    ("数据项", 30),
)


def _evidence(sheet: SheetWriter, plan: Plan, score: CountyScore) -> None:
    note = "每项指标依据的登记内容；“行”是年度台账中该登记表的行号。"
    begin(sheet, f"{plan.campaign.name}佐证登记", note, _EVIDENCE_COLUMNS)
    row = FIRST_BODY_ROW
    for one in score.evidence.itertuples(index=False):
        number = whole(one.row)
        texts = {0: one.indicator, 1: one.sheet, 3: one.title}
        texts[2] = "" if number is None else str(number)
        texts |= {4: one.document_number, 5: one.date, 6: "是" if one.counted else "否"}
        texts |= {7: one.remark, 8: one.item}
        flagged = None if one.counted else 6
        row = _listed(sheet, row, _EVIDENCE_COLUMNS, texts, {}, flagged=flagged)
    if row > FIRST_BODY_ROW:
        sheet.raw.autofilter(FIRST_BODY_ROW - 1, 0, row - 1, len(_EVIDENCE_COLUMNS) - 1)
    finish(sheet, _EVIDENCE_COLUMNS, row - 1, 1)


_FIGURE_COLUMNS: Columns = (
    ("数据项", 36),
    ("取什么数", 26),
    ("取得", 10),
    ("填报", 10),
    ("采用", 10),
    ("考核", 30),
    ("文件夹", 36),
    ("取数日期", 17),
    ("说明", 34),
)


def _figures(sheet: SheetWriter, plan: Plan, score: CountyScore) -> None:
    note = (
        "取自其他考核结果的数；没有取得的按年度台账“数据项”中的填报数计算，两者都有的以取得的为准。"
    )
    begin(sheet, f"{plan.campaign.name}{FIGURES}", note, _FIGURE_COLUMNS)
    row = FIRST_BODY_ROW
    for one in score.figures.itertuples(index=False):
        taken, typed = whole(one.taken), whole(one.typed)
        source = f"{one.name}（{one.code}）" if one.name else one.campaign
        texts = {0: one.item, 1: one.figure, 5: source, 6: one.folder, 8: one.note}
        amounts = {2: taken, 3: typed, 4: whole(one.used)}
        flagged = 3 if None not in (taken, typed) and taken != typed else None
        _listed(
            sheet, row, _FIGURE_COLUMNS, texts, amounts, flagged=flagged, number_format="General"
        )
        moment = None if taken is None else one.taken_at.to_pydatetime()
        sheet.date(row, 7, moment, kind=ValueKind.MOMENT)
        row += 1
    finish(sheet, _FIGURE_COLUMNS, row - 1, 1)


def _listed(
    sheet: SheetWriter,
    row: int,
    columns: Columns,
    texts: dict[int, str],
    amounts: dict[int, int | None],
    *,
    flagged: int | None,
    number_format: str = NUMBER_FORMATS[ValueKind.SCORE],
) -> int:
    """Write one row of a list; returns the next one."""
    for column, text in texts.items():
        style: dict[str, Any] = {"bg_color": FLAG} if column == flagged else {}
        align = "center" if columns[column][1] <= 14 else "left"
        sheet.text(row, column, text, align=align, **style)
    for column, amount in amounts.items():
        style = {"bg_color": FLAG} if column == flagged else {}
        sheet.number(row, column, amount, num_format=number_format, **style)
    sheet.raw.set_row(row, wrapped_height(*[(t, columns[c][1]) for c, t in texts.items()]))
    return row + 1
