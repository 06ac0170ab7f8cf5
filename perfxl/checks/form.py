"""Is it our form, for this unit, and unchanged?"""

from __future__ import annotations

import pandas as pd

from perfxl.checks.catalogue import check
from perfxl.plan.forms import COVER
from perfxl.plan.model import Plan
from perfxl.tables import ORIGIN, Severity, StampState, column_of, mapped
from perfxl.values import number_of, squeeze


@check(
    "F101",
    Severity.ERROR,
    title="模板版本不符",
    on="returns",
    column="unit_name",
    message="工作簿不是最近一次下发的（{version}，现行 {current}）",
    remedy="请在最近一次下发的工作簿上填报",
)
def wrong_template_version(returns: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """A return is filled in on the template version in force, of this campaign."""
    rows = returns[returns["stamp"] != StampState.MISSING].copy()
    rows["current"] = [plan.template_version(kind) for kind in rows["kind"]]
    rows["sheet"] = COVER
    other = rows["campaign"] != plan.campaign.code
    rows["version"] = "模板版本 " + rows["version"]
    rows.loc[other, "version"] = "考核编号 " + rows.loc[other, "campaign"]
    return rows[(returns.loc[rows.index, "version"] != rows["current"]) | other]


@check(
    "F102",
    Severity.ERROR,
    title="单位标记与封面不一致",
    on="returns",
    column="unit_name",
    message="工作簿是发给“{stamped}”的，却作为“{covered}”的报送",
    remedy="请使用发给本单位的工作簿填报",
)
def units_in_conflict(returns: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The workbook was issued to the unit that it counts for, and its cover says the same."""
    stamped = returns["unit_by_stamp"].fillna("")
    covered = returns["unit_by_cover"].fillna("")
    stands_for = covered.where((covered != "") & (covered != stamped), returns["unit"])
    rows = returns.assign(stands_for=stands_for)[(stamped != "") & (stamped != stands_for)].copy()
    for column, source in (("stamped", "unit_by_stamp"), ("covered", "stands_for")):
        rows[column] = [
            plan.unit_by_code[code].name if code in plan.unit_by_code else code
            for code in rows[source]
        ]
    rows["sheet"] = COVER
    return rows


@check(
    "F103",
    Severity.ERROR,
    title="缺少工作表",
    on="sheets",
    column="",
    message="缺少工作表“{sheet}”，或其中找不到表头",
    remedy="请在下发的工作簿上填报，不要删除工作表和表头",
)
def sheet_missing(sheets: pd.DataFrame) -> pd.DataFrame:
    """Every sheet of the template comes back with its heading row."""
    return sheets[~sheets["found"]].assign(row=pd.NA)


@check(
    "F104",
    Severity.ERROR,
    title="缺少指标行",
    on="entries",
    column="code",
    needs=("entries",),
    message="缺少指标“{indicator} {name}”这一行",
    remedy="请在下发的工作簿上填报，不要删除指标行",
)
def indicator_row_missing(entries: pd.DataFrame) -> pd.DataFrame:
    """Every indicator of the plan has its row."""
    return entries[entries["row"].isna()]


@check(
    "F105",
    Severity.ERROR,
    title="分值被改动",
    on="entries",
    column="full_marks",
    needs=("entries",),
    message="分值被改动：方案为 {full_marks}，报送为“{full_marks_in_file}”",
    remedy="请恢复原分值",
)
def full_marks_changed(entries: pd.DataFrame, subtotals: pd.DataFrame) -> pd.DataFrame:
    """The full marks printed in the form are those of the plan."""
    sums = _with_other_marks(subtotals.rename(columns={"code": "indicator"}))
    blank_heading = sums["marks"].isna() & ~sums["indicator"].isin(entries["indicator"])
    return pd.concat([_with_other_marks(entries), sums[~blank_heading]], ignore_index=True)


def _with_other_marks(lines: pd.DataFrame) -> pd.DataFrame:
    """Lines of the form whose full marks are not the plan's, with what was read as ``marks``."""
    marks = column_of(mapped(lines["full_marks_in_file"], number_of).to_list(), "Int64")
    marks.index = lines.index
    other = lines["row"].notna() & (marks != lines["full_marks"]).fillna(True)
    columns = [*ORIGIN, "indicator", "full_marks", "full_marks_in_file"]
    return lines.loc[other, columns].assign(marks=marks[other])


@check(
    "F106",
    Severity.ERROR,
    title="指标名称被改动",
    on="entries",
    column="name",
    needs=("entries",),
    message="指标名称被改动：方案为“{name}”，报送为“{name_in_file}”",
    remedy="请恢复原指标名称",
)
def indicator_name_changed(entries: pd.DataFrame) -> pd.DataFrame:
    """The indicator names printed in the form are those of the plan."""
    present = entries[entries["row"].notna()]
    return present[mapped(present["name"], squeeze) != mapped(present["name_in_file"], squeeze)]


@check(
    "F107",
    Severity.ERROR,
    title="自行增加指标行",
    on="strays",
    column="code",
    needs=("entries",),
    message="自评表多出一行：“{code} {name}”不在指标体系中",
    remedy="请删除自行增加的行",
)
def unknown_indicator(strays: pd.DataFrame) -> pd.DataFrame:
    """The form holds no indicator that the plan does not know."""
    return strays.assign(cell_table="entries")


@check(
    "F108",
    Severity.ERROR,
    title="指标行重复",
    on="entries",
    column="code",
    needs=("entries",),
    message="指标“{indicator} {name}”出现 {times} 行",
    remedy="请只保留一行",
)
def indicator_repeated(entries: pd.DataFrame) -> pd.DataFrame:
    """Every indicator stands in one row only."""
    rows = entries[entries["repeats"] > 1]
    return rows.assign(times=[str(count) for count in rows["repeats"]])


@check(
    "F109",
    Severity.VERIFY,
    title="单位标记缺失或无效",
    on="returns",
    column="unit_name",
    message="工作簿的单位标记{state}，单位按封面或文件名认定",
    remedy="请确认使用的是发给本单位的工作簿，并由绩效组核对单位",
)
def stamp_not_genuine(returns: pd.DataFrame) -> pd.DataFrame:
    """The identity that we wrote into the workbook is still there and genuine."""
    doubtful = [str(StampState.MISSING), str(StampState.FORGED)]
    rows = returns[returns["stamp"].isin(doubtful)]
    return rows.assign(state=rows["stamp"], sheet=COVER)


@check(
    "F110",
    Severity.VERIFY,
    title="封面填写不全",
    on="returns",
    column="preparer",
    message="封面没有填写{missing}",
    remedy="请补填",
)
def cover_incomplete(returns: pd.DataFrame) -> pd.DataFrame:
    """The cover names the preparer and a telephone number."""
    labels = {"preparer": "填报人", "phone": "联系电话"}
    missing = [
        "、".join(label for label, given in zip(labels.values(), row, strict=True) if not given)
        for row in zip(*(returns[key] for key in labels), strict=True)
    ]
    rows = returns.assign(missing=missing, sheet=COVER)
    rows["cell_column"] = ["phone" if text == "联系电话" else "preparer" for text in missing]
    return rows[rows["missing"] != ""]


@check(
    "F111",
    Severity.NOTICE,
    title="工作簿带有宏、链接或嵌入的文件",
    on="returns",
    column="unit_name",
    message="工作簿{remarks}",
    remedy="报送用的工作簿不需要这些内容，请删除",
)
def unwanted_content(returns: pd.DataFrame) -> pd.DataFrame:
    """A return holds cells; macros never run and links are never opened."""
    return returns[returns["remarks"] != ""].assign(sheet=COVER)


@check(
    "F112",
    Severity.ERROR,
    title="缺少栏目",
    on="sheets",
    column="",
    message="表头中找不到“{missing}”，这些内容没有读到",
    remedy="请恢复下发时的表头（包括计量单位）",
)
def column_missing(sheets: pd.DataFrame) -> pd.DataFrame:
    """Every column that the unit fills in comes back under its heading."""
    return sheets[sheets["missing"] != ""].assign(cell_table=sheets["table"])


@check(
    "F113",
    Severity.NOTICE,
    title="工作簿内部记录前后不一致",
    on="returns",
    column="unit_name",
    message="工作簿内部记录前后不一致，可能有内容丢失：{doubts}",
    remedy="请与本单位留存的文件核对所列位置，有漏失的补填；是登记表中间的空行的，不用处理",
)
def records_at_odds(returns: pd.DataFrame) -> pd.DataFrame:
    """What the parts of the file say of how much it holds agrees; where not, a person looks."""
    return returns[returns["doubts"] != ""].assign(sheet=COVER)


@check(
    "F114",
    Severity.VERIFY,
    title="文件名或发件人是另一个单位的",
    on="returns",
    column="unit_name",
    message="{outside}，工作簿却是{own_name}的，已作为{own_name}的报送",
    remedy="请确认报送的是本单位的工作簿；用错的，请在发给本单位的工作簿上重新填报",
)
def sent_as_another_units(returns: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The file name and the sender's address speak for no other unit than the one it counts for."""
    columns = (returns[name] for name in ("unit", "file", "unit_by_file_name", "unit_by_sender"))
    told = [_outside(plan, *row) for row in zip(*columns, strict=True)]
    names = [plan.unit_by_code[code].name for code in returns["unit"]]
    rows = returns.assign(outside=told, own_name=names, sheet=COVER)
    return rows[rows["outside"] != ""]


def _outside(plan: Plan, unit: str, file: str, by_file_name: str, by_sender: str) -> str:
    own = plan.unit_by_code[unit]
    parts = []
    # "甲转乙" names both.
    if by_file_name not in ("", own.code) and squeeze(own.name) not in squeeze(file):
        parts.append(f"文件名写的是{plan.unit_by_code[by_file_name].name}")
    if by_sender not in ("", own.code):
        parts.append(f"发件人邮箱是{plan.unit_by_code[by_sender].name}的")
    return "、".join(parts)
