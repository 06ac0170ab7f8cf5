"""What changed between two returns of one unit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import pandas as pd

from perfxl.plan.forms import OPINIONS
from perfxl.plan.model import Plan, Register
from perfxl.tables import CHANGES, ReturnTables, frame

_ENTRY_LABELS = {
    "self_score_text": "自评得分",
    "basis": "自评依据",
    "evidence_numbers": "佐证编号",
    "deduction_reason": "扣分原因",
}
_COVER_LABELS = {"preparer": "填报人", "phone": "联系电话"}
Change = tuple[str, str, str, str, str]


def changes(plan: Plan, before: ReturnTables, after: ReturnTables) -> pd.DataFrame:
    """``tables.CHANGES`` between two batches of one return each, in the order of the workbook."""
    rows = [
        *_cover(before, after),
        *_answers(before, after),
        *_entries(before, after),
        *_sums(before, after),
        *_items(before, after),
        *(change for register in plan.registers for change in _register(register, before, after)),
    ]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(CHANGES)}
    return frame(columns, CHANGES)


def _text(value: object) -> str:
    return "" if value is None or value is pd.NA else str(value)


def _cover(before: ReturnTables, after: ReturnTables) -> Iterator[Change]:
    old, new = before.returns.iloc[0], after.returns.iloc[0]
    for key, label in _COVER_LABELS.items():
        if old[key] != new[key]:
            yield "封面", "", label, old[key], new[key]


def _entries(before: ReturnTables, after: ReturnTables) -> Iterator[Change]:
    old = before.entries.set_index("indicator").to_dict("index")
    for row in after.entries.to_dict("records"):
        earlier = old.get(row["indicator"], {})
        for key, label in _ENTRY_LABELS.items():
            was, now = _text(earlier.get(key)), _text(row[key])
            if was != now:
                yield "自评表", f"{row['indicator']} {row['name']}", label, was, now


def _answers(before: ReturnTables, after: ReturnTables) -> Iterator[Change]:
    """What the unit says to the opinions on its earlier return."""
    old, new = (
        {key[1:]: text for key, text in tables.explanations.items()} for tables in (before, after)
    )
    for code, message in dict.fromkeys([*old, *new]):
        was, now = old.get((code, message), ""), new.get((code, message), "")
        if was != now:
            yield OPINIONS, code, "单位说明", was, now


def _sums(before: ReturnTables, after: ReturnTables) -> Iterator[Change]:
    """Subtotals that were typed over, or given their formula back; what a formula shows follows."""

    def told(tables: ReturnTables) -> dict[str, tuple[str, str]]:
        return {
            row["code"]: (row["name"], "公式" if row["is_formula"] else row["displayed_text"])
            for row in tables.subtotals.dropna(subset="is_formula").to_dict("records")
        }

    old, new = told(before), told(after)
    for code, (name, now) in new.items():
        was = old.get(code, (name, now))[1]
        if was != now:
            place = name if code == name else f"{code} {name}"
            yield "自评表", place, "自评得分", was, now


def _items(before: ReturnTables, after: ReturnTables) -> Iterator[Change]:
    def reported(tables: ReturnTables) -> Mapping[str, str]:
        own = tables.data_items[tables.data_items["row"].notna()]
        return dict(zip(own["item"], own["value_text"], strict=True))

    old, new = reported(before), reported(after)
    for item in dict.fromkeys([*old, *new]):
        if old.get(item, "") != new.get(item, ""):
            yield "数据项", item, "数值", old.get(item, ""), new.get(item, "")


def _register(register: Register, before: ReturnTables, after: ReturnTables) -> Iterator[Change]:
    """Rows that share the register's first unique column are compared; others come and go whole."""
    labels = [declared.column.key for declared in register.columns]
    key = next((declared.column.key for declared in register.columns if declared.unique), None)
    old, new = (
        tables.registers[register.name].texts[labels].to_dict("records")
        for tables in (before, after)
    )
    if key is not None and _all_different(old, key) and _all_different(new, key):
        was = {row[key]: row for row in old}
        now = {row[key]: row for row in new}
        for value in dict.fromkeys([*was, *now]):
            if value in was and value in now:
                for label in labels:
                    if was[value][label] != now[value][label]:
                        yield register.name, value, label, was[value][label], now[value][label]
            else:
                gone, come = was.get(value), now.get(value)
                yield register.name, value, "整行", _line(gone), _line(come)
        return
    gone_lines, come_lines = Counter(map(_line, old)), Counter(map(_line, new))
    for line in (gone_lines - come_lines).elements():
        yield register.name, "", "整行", line, ""
    for line in (come_lines - gone_lines).elements():
        yield register.name, "", "整行", "", line


def _all_different(rows: list[dict[str, str]], key: str) -> bool:
    values = [row[key] for row in rows]
    return len(set(values)) == len(values) and "" not in values


def _line(row: Mapping[str, str] | None) -> str:
    return "" if row is None else "、".join(filter(None, row.values()))
