"""The opinions (审核意见) on one return, as marks on its cells and as a sheet in front."""

from __future__ import annotations

import pandas as pd

from perfxl.excel.marking import Mark, OpinionSheet
from perfxl.plan.forms import OPINIONS, opinions_table
from perfxl.plan.model import Plan, Unit
from perfxl.tables import Severity

_ORDER = {str(severity): rank for rank, severity in enumerate(Severity)}


def in_order(findings: pd.DataFrame) -> pd.DataFrame:
    """Findings (``tables.FINDINGS``) as the office lists them: 错误 first, then down each sheet."""
    rank = findings["severity"].map(_ORDER)
    return (
        findings.assign(rank=rank, row=[_row_of(cell) for cell in findings["cell"]])
        .sort_values(["rank", "sheet", "row"], kind="stable")
        .drop(columns=["rank", "row"])
        .reset_index(drop=True)
    )


def _row_of(cell: str) -> int:
    """The row of a cell's name; what speaks of the whole sheet (no cell) comes first."""
    return int("".join(filter(str.isdigit, cell)) or 0)


def marks_of(findings: pd.DataFrame) -> list[Mark]:
    """A mark for every finding that has a cell."""
    return [
        Mark(one.sheet, one.cell, f"【{one.severity}】{one.message}。{one.remedy}", one.severity)
        for one in findings.itertuples(index=False)
        if one.sheet and one.cell
    ]


def opinion_sheet(plan: Plan, unit: Unit, findings: pd.DataFrame) -> OpinionSheet:
    """The first sheet of the marked copy; ``findings`` in the order in which it lists them."""
    columns = opinions_table(plan.campaign).columns
    rows, targets = [], []
    for number, one in enumerate(findings.itertuples(index=False), 1):
        place = f"{one.sheet}!{one.cell}" if one.cell else one.sheet
        text = {
            "number": str(number),
            "severity": one.severity,
            "place": place,
            "message": one.message,
            "remedy": one.remedy,
            "code": one.code,
            "explanation": one.explanation,
        }
        rows.append(tuple(text[column.key] for column in columns))
        targets.append((one.sheet, one.cell) if one.cell else None)
    counts = "，".join(
        f"{severity} {int((findings['severity'] == severity).sum())} 条" for severity in Severity
    )
    campaign = plan.campaign
    contact = "  ".join(filter(None, (campaign.contact, campaign.phone)))
    keys = [column.key for column in columns]
    return OpinionSheet(
        name=OPINIONS,
        title=f"{campaign.name}审核意见（{unit.name}）",
        note=f"共 {counts}。请在本工作簿中改正标色的单元格（红色为错误，必须改正），"
        f"黄色为核实，可改正，也可在“{columns[keys.index('explanation')].label}”中说明；"
        "改好后把本工作簿重新报送。" + (f"联系：{contact}" if contact else ""),
        headings=tuple(column.heading for column in columns),
        rows=tuple(rows),
        link_column=keys.index("place"),
        targets=tuple(targets),
        input_column=keys.index("explanation"),
        widths=tuple(column.width for column in columns),
    )
