"""The claim against what the scoring method gives from the unit's own data."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from perfxl.checks.catalogue import REGISTERS, check
from perfxl.plan.forms import DATA_ITEMS
from perfxl.plan.methods import Ratio
from perfxl.plan.model import Plan, Source
from perfxl.tables import RegisterRows, Severity
from perfxl.values import number_of

_NEEDS = ("entries", "evidence", "data_items", REGISTERS)


def claims_of(entries: pd.DataFrame, computed: pd.DataFrame) -> pd.DataFrame:
    """The entries that are there, each beside what its method gives."""
    return entries[entries["row"].notna()].merge(
        computed[["receipt", "indicator", "computed", "applies", "arithmetic"]],
        on=["receipt", "indicator"],
    )


@check(
    "F501",
    Severity.ERROR,
    title="自评得分高于计算得分",
    on="entries",
    column="self_score",
    needs=_NEEDS,
    message="{indicator} {name}：自评 {self_score} 分，按{method}计算为 {computed} 分"
    "（{arithmetic}）",
    remedy="请改正自评得分，或改正所依据的登记内容",
)
def claim_above_computation(claims: pd.DataFrame) -> pd.DataFrame:
    """A claim is not above what the method gives from the unit's own data."""
    within = claims["self_score"] <= claims["full_marks"]
    return claims[((claims["self_score"] > claims["computed"]) & within).fillna(False)]


@check(
    "F502",
    Severity.VERIFY,
    title="自评得分低于计算得分",
    on="entries",
    column="self_score",
    needs=_NEEDS,
    message="{indicator} {name}：自评 {self_score} 分，低于按{method}计算的 {computed} 分"
    "（{arithmetic}）",
    remedy="请核对是否少报，或说明原因",
)
def claim_below_computation(claims: pd.DataFrame) -> pd.DataFrame:
    """A claim below what the method gives is asked about."""
    below = (claims["self_score"] < claims["computed"]) & (claims["self_score"] >= 0)
    return claims[below.fillna(False)]


@check(
    "F503",
    Severity.NOTICE,
    title="不适用指标申报得分",
    on="entries",
    column="self_score",
    needs=_NEEDS,
    message="{indicator} {name}：不适用（{arithmetic}），自评 {self_score} 分不计入，"
    "分值按规定折算",
    remedy="如确有此项工作，请补充登记",
)
def claim_where_not_applicable(claims: pd.DataFrame) -> pd.DataFrame:
    """A claim on an indicator that does not apply is not counted."""
    return claims[~claims["applies"] & (claims["self_score"] > 0).fillna(False)]


@check(
    "F504",
    Severity.ERROR,
    title="数据项漏填或不是数",
    on="data_items",
    column="value",
    needs=("data_items",),
    message="数据项“{item}”{fault}",
    remedy="请填写数字；没有的填 0",
)
def data_item_unreadable(data_items: pd.DataFrame) -> pd.DataFrame:
    """Every data item that the unit reports is filled in with a number not below 0."""
    reported = data_items[data_items["source"] == Source.UNIT]
    bad = reported["value"].isna() | (reported["value"] < 0).fillna(False)
    rows = reported[bad]
    faults = ["没有填写" if not text else f"填的是“{text}”" for text in rows["value_text"]]
    return rows.assign(fault=faults, sheet=DATA_ITEMS)


@check(
    "Y101",
    Severity.VERIFY,
    title="填报数与考核结果不一致",
    on="data_items",
    column="value",
    needs=("data_items",),
    message="数据项“{item}”填报 {typed}，其他考核的结果为 {value}，按后者计算",
    remedy="请核对；确有出入的，说明情况",
)
def typed_figure_differs_from_campaigns(data_items: pd.DataFrame) -> pd.DataFrame:
    """A figure that is typed in is the one that the other campaign gave."""
    rows = _typed_beside_campaign(data_items)
    differs = rows["typed"].notna() & rows["value"].notna() & (rows["typed"] != rows["value"])
    return rows[differs.fillna(False).astype(bool)]


@check(
    "Y102",
    Severity.ERROR,
    title="取自考核的数据项填的不是数",
    on="data_items",
    column="value",
    needs=("data_items",),
    message="数据项“{item}”填的是“{value_text}”",
    remedy="请填写不小于 0 的数；由其他考核取数的可以不填",
)
def typed_figure_unreadable(data_items: pd.DataFrame) -> pd.DataFrame:
    """A figure that is typed in beside that of another campaign is a number not below 0."""
    rows = _typed_beside_campaign(data_items)
    return rows[(rows["typed"].isna() | (rows["typed"] < 0)).fillna(False).astype(bool)]


def _typed_beside_campaign(data_items: pd.DataFrame) -> pd.DataFrame:
    """The items of another campaign in which something is typed, with ``typed`` in hundredths."""
    own = data_items["source"] == Source.CAMPAIGN
    rows = data_items[own & (data_items["value_text"].fillna("") != "")]
    typed = pd.Series([number_of(text) for text in rows["value_text"]], index=rows.index)
    return rows.assign(typed=typed.astype("Int64"), sheet=DATA_ITEMS)


@check(
    "F505",
    Severity.ERROR,
    title="部分数大于总数",
    on="entries",
    column="self_score",
    needs=_NEEDS,
    message="{indicator} {name}：“{numerator}”{top} 大于“{denominator}”{bottom}",
    remedy="请核对这两个数",
)
def ratio_above_one(entries: pd.DataFrame, data_items: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The part that a ratio method counts is not larger than the whole."""
    ratios = {
        (kind, indicator.code): indicator.method
        for kind, rubric in plan.rubrics.items()
        for indicator in rubric.indicators
        if isinstance(indicator.method, Ratio)
    }
    of_items = (data_items[name].to_list() for name in ("receipt", "item", "value"))
    values = {
        (receipt, item): value
        for receipt, item, value in zip(*of_items, strict=True)
        if value is not pd.NA
    }
    found = []
    names = (entries[name] for name in ("receipt", "kind", "indicator"))
    for at, (receipt, kind, code) in enumerate(zip(*names, strict=True)):
        ratio = ratios.get((kind, code))
        if ratio is not None:
            top = values.get((receipt, ratio.numerator))
            bottom = values.get((receipt, ratio.denominator))
            if top is not None and bottom is not None and top > bottom:
                found.append((at, ratio.numerator, top, ratio.denominator, bottom))
    rows = entries.iloc[[at for at, *_ in found]].assign(
        numerator=[numerator for _, numerator, *_ in found],
        top=[top for _, _, top, *_ in found],
        denominator=[denominator for *_, denominator, _ in found],
        bottom=[bottom for *_, bottom in found],
    )
    return rows[rows["row"].notna()]


@check(
    "F506",
    Severity.VERIFY,
    title="登记表没有填写，多项指标因此不适用",
    on="entries",
    column="self_score",
    needs=_NEEDS,
    message="{indicator} {name}：因“{register}”没有填写任何内容而不适用",
    remedy="请补填该登记表；确实没有的，请说明情况",
)
def register_left_empty(
    claims: pd.DataFrame,
    plan: Plan,
    registers: Mapping[str, RegisterRows],
) -> pd.DataFrame:
    """An empty register that takes several indicators out of the reckoning is asked about.

    One indicator that an empty register leaves without an object (no problems to rectify) is
    ordinary; several at once mean that the register was passed over.
    """
    idle = claims[~claims["applies"]]
    of_indicator = {
        (kind, indicator.code): _emptied_by(plan, kind, indicator.code)
        for kind, rubric in plan.rubrics.items()
        for indicator in rubric.indicators
    }
    named = [of_indicator[key] for key in zip(idle["kind"], idle["indicator"], strict=True)]
    rows = idle.assign(register=named)
    filled = {
        (receipt, name)
        for name, held in registers.items()
        for receipt in set(held.values["receipt"])
    }
    empty = [
        name != "" and (receipt, name) not in filled
        for receipt, name in zip(rows["receipt"], rows["register"], strict=True)
    ]
    rows = rows[pd.Series(empty, index=rows.index, dtype=bool)]
    return rows[rows.groupby(["receipt", "register"])["indicator"].transform("size") > 1]


def _emptied_by(plan: Plan, kind: str, code: str) -> str:
    """The register that the denominator of an indicator is drawn from."""
    method = plan.rubrics[kind].by_code[code].method
    item = plan.item(method.denominator, kind) if isinstance(method, Ratio) else None
    return item.register if item is not None else ""
