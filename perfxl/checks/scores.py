"""Self-scores, their subtotals, and the reasons for deductions."""

from __future__ import annotations

import pandas as pd

from perfxl.checks.catalogue import check
from perfxl.plan.model import Plan
from perfxl.points import as_score, as_text
from perfxl.tables import Severity


@check(
    "F201",
    Severity.ERROR,
    title="自评得分漏填",
    on="entries",
    column="self_score",
    needs=("entries",),
    message="{indicator} {name}：没有填写自评得分",
    remedy="请填写；没有得分的填 0",
)
def self_score_missing(claims: pd.DataFrame) -> pd.DataFrame:
    """Every indicator that asks for one, and applies, has a self-score."""
    asked = claims["applies"] & claims["self_score_required"]
    return claims[asked & (claims["self_score_text"] == "")]


@check(
    "F202",
    Severity.ERROR,
    title="自评得分不是数",
    on="entries",
    column="self_score",
    needs=("entries",),
    message="{indicator} {name}：自评得分“{self_score_text}”不是数，或小数超过两位",
    remedy="请填写数字，不带文字",
)
def self_score_not_numeric(entries: pd.DataFrame) -> pd.DataFrame:
    """A self-score is a number."""
    return entries[entries["self_score"].isna() & (entries["self_score_text"].fillna("") != "")]


@check(
    "F203",
    Severity.ERROR,
    title="自评得分超过分值",
    on="entries",
    column="self_score",
    needs=("entries",),
    message="{indicator} {name}：自评得分 {self_score} 超过分值 {full_marks}",
    remedy="请改为不超过分值的得分，并说明依据",
)
def self_score_above_full_marks(entries: pd.DataFrame) -> pd.DataFrame:
    """A self-score never exceeds the indicator's full marks."""
    return entries[(entries["self_score"] > entries["full_marks"]).fillna(False)]


@check(
    "F204",
    Severity.ERROR,
    title="自评得分为负数",
    on="entries",
    column="self_score",
    needs=("entries",),
    message="{indicator} {name}：自评得分 {self_score} 小于 0",
    remedy="请填写 0 至分值之间的得分",
)
def self_score_negative(entries: pd.DataFrame) -> pd.DataFrame:
    """A self-score is not below 0."""
    return entries[(entries["self_score"] < 0).fillna(False)]


@check(
    "F205",
    Severity.ERROR,
    title="自评得分不合打分步长",
    on="entries",
    column="self_score",
    needs=("entries",),
    message="{indicator} {name}：自评得分 {self_score} 不是 {step} 的整数倍",
    remedy="请按打分步长 {step} 填写",
)
def self_score_off_step(entries: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """A self-score is a whole number of scoring steps, or the full marks."""
    score, step = entries["self_score"], plan.campaign.step
    whole = (score % step == 0) | (score == entries["full_marks"])
    return entries[(~whole).fillna(False)].assign(step=as_text(step))


@check(
    "F206",
    Severity.ERROR,
    title="小计与下级合计不符",
    on="subtotals",
    column="self_score",
    needs=("entries",),
    message="{code} {name}：小计 {displayed_text} 与下级合计 {arithmetic} 不符",
    remedy="请核对下级各项得分；小计由公式计算，不要手工改写",
)
def subtotal_differs(subtotals: pd.DataFrame) -> pd.DataFrame:
    """A subtotal is the sum of the rows directly below it, at every level."""
    return _differing(subtotals[subtotals["depth"] > 0])


@check(
    "F207",
    Severity.ERROR,
    title="合计与各部分之和不符",
    on="subtotals",
    column="self_score",
    needs=("entries",),
    message="合计 {displayed_text} 与各部分之和 {arithmetic} 不符",
    remedy="请核对各部分得分；合计由公式计算，不要手工改写",
)
def total_differs(subtotals: pd.DataFrame) -> pd.DataFrame:
    """The total is the sum of the first-level rows."""
    return _differing(subtotals[subtotals["depth"] == 0])


def _differing(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines that display a readable sum that is wrong, or text that is no sum.

    A formula that reads blank or 0 was never calculated by an office program: no finding. A 0 that
    someone typed over it is one; where the format does not tell the two apart, the unit has the
    benefit of the doubt. A sum that leaves out scores typed as text (F209) is the formula's doing.
    """
    formula = lines["is_formula"]
    uncalculated = (lines["displayed"] == 0).fillna(False) & formula.fillna(True)
    wrong = lines["displayed"].notna() & ~uncalculated
    wrong &= lines["displayed"] != lines["sum_below"]
    wrong &= lines["displayed"] != lines["sum_below"] - lines["text_below"]
    unreadable = lines["displayed"].isna() & (lines["displayed_text"].fillna("") != "")
    rows = lines[wrong.fillna(False) | unreadable]
    return rows.assign(
        indicator=rows["code"],
        cell_table="entries",
        arithmetic=[
            f"{' + '.join(as_score(part) for part in parts)} = {as_score(total)}"
            for parts, total in zip(rows["parts"], rows["sum_below"], strict=True)
        ],
    )


@check(
    "F208",
    Severity.ERROR,
    title="扣分未写原因",
    on="entries",
    column="deduction_reason",
    needs=("entries",),
    message="{indicator} {name}：自评得分 {self_score} 低于分值 {full_marks}，没有填写扣分原因",
    remedy="请填写扣分原因",
)
def deduction_without_reason(entries: pd.DataFrame) -> pd.DataFrame:
    """A self-score below full marks comes with a reason."""
    below = (entries["self_score"] < entries["full_marks"]).fillna(False)
    return entries[below & (entries["deduction_reason"].fillna("") == "")]


@check(
    "F209",
    Severity.NOTICE,
    title="得分以文本形式填写",
    on="entries",
    column="self_score",
    needs=("entries",),
    message="{indicator} {name}：得分“{self_score_text}”是文本，表内小计没有计入，已按 {self_score} 读取",
    remedy="请改为数字格式",
)
def self_score_typed_as_text(entries: pd.DataFrame) -> pd.DataFrame:
    """A self-score is a number cell, so that the form's own subtotals count it."""
    return entries[entries["self_score_is_text"]]
