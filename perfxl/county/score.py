"""The county's score by leaf: the claim, what the registers give, the arithmetic and the evidence.

Pure: the tables of the one return in, tables out. Products import ``county_score``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perfxl import tables
from perfxl.county.support import support_of
from perfxl.plan.forms import TOTAL_ROW
from perfxl.plan.methods import Manual
from perfxl.plan.model import Plan, Rubric, Source, Unit
from perfxl.points import as_score, as_text
from perfxl.tables import ClaimState, ReturnTables, frame_of, whole
from perfxl.values import number_of, precise_number_of

# No section of the bureau judges the bureau.
_JUDGED = "由人工评定"
# So many lines of evidence are written out beside one indicator.
_MOST_EVIDENCE = 12


@dataclass(frozen=True)
class CountyScore:
    """``leaves`` (``tables.COUNTY_SCORES``), ``subtotals`` (``COUNTY_SUBTOTALS``), ``evidence``
    (``COUNTY_EVIDENCE``), ``figures`` (``COUNTY_FIGURES``)."""

    leaves: pd.DataFrame
    subtotals: pd.DataFrame
    evidence: pd.DataFrame
    figures: pd.DataFrame

    @property
    def total(self) -> pd.Series:
        """The row 合计 of ``subtotals``."""
        return self.subtotals[self.subtotals["depth"] == 0].iloc[0]


def county_score(
    plan: Plan,
    unit: Unit,
    returned: ReturnTables,
    computed: pd.DataFrame,
    taken: pd.DataFrame | None = None,
    as_of: dt.date | None = None,
) -> CountyScore:
    """The score of the one return in ``returned``, which is the year workbook of ``unit``.

    ``computed`` (``tables.COMPUTED``) is what the methods give; ``taken`` (``CAMPAIGN_FIGURES``) the
    figures of other campaigns that went into it; ``as_of`` the day on which it is reckoned.
    """
    rubric = plan.rubrics[unit.kind]
    given = {row.indicator: row for row in computed.itertuples(index=False)}
    known = {} if taken is None else {row.item: row for row in taken.itertuples(index=False)}
    entries = {row.indicator: row for row in returned.entries.itertuples(index=False)}
    leaves: list[dict[str, object]] = []
    evidence: list[dict[str, object]] = []
    for indicator in rubric.indicators:
        result, entry = given[indicator.code], entries.get(indicator.code)
        amount = whole(result.computed)
        claimed = None if entry is None else whole(entry.self_score)
        in_full = amount == indicator.full_marks
        support = support_of(plan, unit.kind, indicator, returned, known, as_of, in_full=in_full)
        evidence += [dict(row) for row in support.rows]
        manual = isinstance(indicator.method, Manual)
        leaves.append(
            {
                "indicator": indicator.code,
                "name": indicator.name,
                "path": "／".join(indicator.names),
                "full_marks": indicator.full_marks,
                "standard": indicator.standard,
                "method": indicator.method.name,
                "claimed": claimed,
                "computed": amount,
                "arithmetic": _JUDGED
                if manual
                else in_words(result.arithmetic, plan.campaign.step),
                "state": str(claim_state(claimed, amount, manual=manual)),
                "basis": "" if entry is None else entry.basis,
                "deduction_reason": "" if entry is None else entry.deduction_reason,
                "evidence": evidence_in_words(support.rows),
                "missing": "；".join(support.missing),
                "sheet": "" if entry is None else entry.sheet,
                "row": None if entry is None else whole(entry.row),
            }
        )
    table = frame_of(leaves, tables.COUNTY_SCORES)
    return CountyScore(
        table,
        _subtotals(rubric, table, returned.subtotals),
        frame_of(evidence, tables.COUNTY_EVIDENCE),
        _figures(plan, unit.kind, returned.data_items, known),
    )


def claim_state(claimed: int | None, computed: int | None, *, manual: bool) -> ClaimState:
    """How a claim stands to what its method gives; both hundredths, None where there is none."""
    if computed is None:
        return ClaimState.MANUAL if manual else ClaimState.UNKNOWN
    if claimed is None:
        return ClaimState.UNCLAIMED
    if claimed == computed:
        return ClaimState.AGREES
    return ClaimState.ABOVE if claimed > computed else ClaimState.BELOW


def in_words(arithmetic: str, step: int) -> str:
    """A method's arithmetic as an office writes it: ``5×18÷22=4.09，按0.5分取整为4.0``."""
    left, arrow, score = arithmetic.rpartition(" → ")
    if not arrow:
        return arithmetic
    exact = number_of(left.rpartition("= ")[2]) if "= " in left else None
    is_cut = exact is not None and exact != precise_number_of(score)
    said = f"按{as_text(step)}分取整为{score}" if is_cut else f"得{score}分"
    return f"{left.replace(' ', '')}，{said}"


def evidence_in_words(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows that count as numbered lines: title, document number, where it is registered.

    So many that a page would be full of them are summed up behind the first.
    """
    lines = []
    for row in rows:
        if not row["counted"]:
            continue
        number = f"（{row['document_number']}）" if row["document_number"] else ""
        where = f"［{row['sheet']}第{row['row']}行］" if row["row"] is not None else ""
        lines.append(f"{row['title']}{number}{where}")
    shown = [f"{at}. {line}" for at, line in enumerate(lines[:_MOST_EVIDENCE], 1)]
    more = f"……共 {len(lines)} 项，见佐证登记" if len(lines) > _MOST_EVIDENCE else ""
    return "\n".join(filter(None, (*shown, more)))


def _subtotals(rubric: Rubric, leaves: pd.DataFrame, displayed: pd.DataFrame) -> pd.DataFrame:
    by_code = {row.indicator: row for row in leaves.itertuples(index=False)}
    shown = {row.code: row for row in displayed.itertuples(index=False)}
    rows = []
    for index, line in enumerate(rubric.rows):
        if line.indicator is None:
            own = [by_code[code] for code in _leaves_under(rubric, index)]
            rows.append(_subtotal(line.code, line.name, line.depth, own, shown.get(line.code)))
    everything = list(by_code.values())
    rows.append(_subtotal(TOTAL_ROW, TOTAL_ROW, 0, everything, shown.get(TOTAL_ROW)))
    return frame_of(rows, tables.COUNTY_SUBTOTALS)


def _leaves_under(rubric: Rubric, index: int) -> list[str]:
    line = rubric.rows[index]
    if line.indicator is not None:
        return [line.code]
    return [code for child in line.children for code in _leaves_under(rubric, child)]


def _subtotal(code: str, name: str, depth: int, leaves: list[Any], shown: Any) -> dict[str, object]:
    computable = [leaf for leaf in leaves if whole(leaf.computed) is not None]
    claimed = None if shown is None else whole(shown.displayed)
    own = sum(whole(leaf.claimed) or 0 for leaf in leaves)
    parts = own if shown is None else int(shown.sum_below)
    # A sum that no office program has calculated yet reads 0 or blank.
    claimed = claimed or (None if parts else claimed)
    note = ""
    if claimed is not None and claimed != parts:
        note = f"所填小计 {as_score(claimed)} 与各部分之和 {as_score(parts)} 不符"
    elif code == TOTAL_ROW and claimed is not None and claimed != own:
        note = f"所填合计 {as_score(claimed)} 与各项得分之和 {as_score(own)} 不符"
    return {
        "code": code,
        "name": name,
        "depth": depth,
        "full_marks": sum(leaf.full_marks for leaf in leaves),
        "claimed": claimed,
        "claimed_parts": parts,
        "claimed_leaves": own,
        "computed": sum(whole(leaf.computed) or 0 for leaf in computable),
        "computable": sum(leaf.full_marks for leaf in computable),
        "claimed_computable": sum(whole(leaf.claimed) or 0 for leaf in computable),
        "by_hand": sum(leaf.full_marks for leaf in leaves if leaf.state == ClaimState.MANUAL),
        "note": note,
    }


def _figures(plan: Plan, kind: str, items: pd.DataFrame, taken: Mapping[str, Any]) -> pd.DataFrame:
    typed = {row.item: row for row in items.itertuples(index=False)}
    rows = []
    for item in plan.data_items:
        if item.source is not Source.CAMPAIGN or not item.applies_to(kind) or not item.borrowed:
            continue
        record, reported = taken.get(item.name), typed.get(item.name)
        what = str(item.borrowed.figure or f"{item.register}{item.aggregate}")
        where = "；".join(filter(None, (item.borrowed.kind, item.borrowed.indicator)))
        rows.append(
            {
                "item": item.name,
                "campaign": item.borrowed.campaign,
                "figure": f"{what}（{where}）" if where else what,
                "taken": None if record is None else record.value,
                "typed": None if reported is None else number_of(reported.value_text, item.unit),
                "used": None if reported is None else whole(reported.value),
                "code": "" if record is None else record.code,
                "name": "" if record is None else record.name,
                "folder": "" if record is None else record.folder,
                "taken_at": None if record is None else record.taken_at,
                "note": "" if record is None else record.note,
            }
        )
    return frame_of(rows, tables.COUNTY_FIGURES)
