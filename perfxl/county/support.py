"""The register rows behind an indicator: those that count, those that fall short, and of what.

Everything is derived from the plan: the indicator's data items name registers and conditions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from perfxl.intake.data_items import absent_choices, mask
from perfxl.layout.declare import ValueKind
from perfxl.plan.forms import DATA_ITEMS
from perfxl.plan.methods import Ratio
from perfxl.plan.model import Aggregate, Condition, DataItem, Indicator, Plan, Register, Source
from perfxl.points import as_text
from perfxl.tables import RegisterRows, ReturnTables, whole
from perfxl.values import squeeze, text_of

_UNSTATED = {Source.CAMPAIGN: "没有从其他考核取得，也没有填报", Source.UNIT: "没有填报"}
# So many are named one by one before the rest is only counted.
_MOST_NAMED = 6


@dataclass(frozen=True)
class Support:
    """Rows for ``tables.COUNTY_EVIDENCE``, and in words what is missing."""

    rows: tuple[Mapping[str, object], ...]
    missing: tuple[str, ...]


def support_of(
    plan: Plan,
    kind: str,
    indicator: Indicator,
    returned: ReturnTables,
    taken: Mapping[str, Any],
    as_of: dt.date | None,
    *,
    in_full: bool,
) -> Support:
    """What speaks for one indicator of the one return in ``returned``.

    ``taken`` holds rows of ``tables.CAMPAIGN_FIGURES`` by item. ``in_full``: the indicator has full
    marks, so that nothing more can be gained by another row.
    """
    rows: list[Mapping[str, object]] = []
    missing: list[str] = []
    for name in _items_shown(plan, kind, indicator):
        item = plan.item(name, kind)
        if item is None:
            continue
        if item.source is not Source.REGISTER:
            stated = tuple(_stated(item, indicator, returned.data_items, taken.get(name)))
            rows += stated
            if not stated:
                missing.append(f"数据项“{name}”{_UNSTATED.get(item.source, '还没有')}")
            continue
        of_item = _ItemSupport(plan, item, returned, as_of)
        rows += [{"indicator": indicator.code, **row} for row in of_item.rows()]
        missing += of_item.missing(in_full=in_full)
    known = {(row["register"], row["row"]) for row in rows}
    for row in _cited(plan, indicator, returned):
        if (row["register"], row["row"]) not in known:
            rows.append({"indicator": indicator.code, **row})
    missing += _unproved(rows)
    return Support(tuple(rows), tuple(dict.fromkeys(missing)))


def _items_shown(plan: Plan, kind: str, indicator: Indicator) -> tuple[str, ...]:
    """The data items whose rows are the indicator's evidence.

    Of a ratio of rows the part alone: what is in the whole and not in the part falls short of it.
    """
    method = indicator.method
    if isinstance(method, Ratio):
        part = plan.item(method.numerator, kind)
        if part is not None and part.source is Source.REGISTER:
            return (method.numerator,)
    return tuple(filter(None, (*indicator.method.data_items(), indicator.supported_by)))


def _stated(
    item: DataItem, indicator: Indicator, items: pd.DataFrame, taken: Any
) -> Iterator[Mapping[str, object]]:
    """A figure that is in no register, as a row of evidence, where it is known."""
    own = items[(items["item"] == item.name) & items["value"].notna()]
    for figure in own.itertuples(index=False):
        said = f"{item.name} {as_text(int(figure.value))}{item.unit}"
        whence = "填报" if taken is None else f"取自{taken.name}，{taken.taken_at:%Y-%m-%d}"
        yield {
            "indicator": indicator.code,
            "item": item.name,
            "register": DATA_ITEMS,
            "sheet": figure.sheet if taken is None else "",
            "row": whole(figure.row) if taken is None else None,
            "title": f"{said}（{whence}）",
            "document_number": "",
            "date": "",
            "counted": True,
            "remark": "" if taken is None else taken.note,
        }


class _ItemSupport:
    """The rows of one data item's register."""

    def __init__(
        self, plan: Plan, item: DataItem, returned: ReturnTables, as_of: dt.date | None
    ) -> None:
        self.item, self.as_of = item, as_of
        self.register = next(one for one in plan.registers if one.name == item.register)
        self.held = returned.registers[self.register.name]
        values = self.held.values
        self.by_condition = [mask((one,), self.register, values) for one in item.conditions]
        self.met = pd.Series(True, index=values.index)
        for held in self.by_condition:
            self.met &= held

    def rows(self) -> Iterator[Mapping[str, object]]:
        """The rows that count, then those that only lack something."""
        for at in self.held.values.index[self.met & self._has_amount()]:
            yield self._row(at, counted=True, remark=_blanks(self.register, self.held, at))
        for at in self.held.values.index[~self.met]:
            lacking = self._lacking(at)
            if lacking:
                yield self._row(at, counted=False, remark=lacking)

    def _has_amount(self) -> pd.Series:
        """Rows with something in the column that is added up or told apart."""
        if self.item.aggregate not in (Aggregate.SUM, Aggregate.DISTINCT):
            return pd.Series(True, index=self.held.values.index)
        return self.held.texts[self.item.column] != ""

    def missing(self, *, in_full: bool) -> Iterator[str]:
        """What would have to be registered for more points."""
        name = self.register.name
        if not len(self.held.values):
            yield f"“{name}”没有登记任何内容"
        if in_full:
            return
        if len(self.held.values) and not self.met.any() and self.item.conditions:
            wanted = "、".join(map(str, self.item.conditions))
            yield f"{name}中没有符合条件的登记（{wanted}）"
        short: dict[str, list[int]] = {}
        for at in self.held.values.index[~self.met]:
            short.setdefault(self._lacking(at), []).append(int(self.held.values.at[at, "row"]))
        for lacking, numbers in short.items():
            if lacking:
                yield f"{name}{_rows_named(numbers)}没有计入：{lacking}"
        if self.item.aggregate is Aggregate.ABSENT:
            yield from self._absent()
        elif self.item.aggregate is Aggregate.DISTINCT:
            yield from self._not_covered()

    def _row(self, at: Any, *, counted: bool, remark: str) -> Mapping[str, object]:
        return {
            "item": self.item.name,
            **_description(self.register, self.held, at, self._title_columns()),
            "counted": counted,
            "remark": remark,
        }

    def _title_columns(self) -> tuple[str, ...]:
        """The column that a condition wants filled in names the document; else what names rows."""
        wanted = [one.column for one in self.item.conditions if _wants_filled(one)]
        texts = [
            one
            for one in wanted
            if any(c.column.key == one and c.column.kind is ValueKind.TEXT for c in _all(self))
        ]
        return tuple(texts[:1]) or _naming_columns(self.register)

    def _lacking(self, at: Any) -> str:
        """Why a row is not counted, where that is a blank, or a date that came too late.

        Blank where it is simply about something else.
        """
        reasons = []
        for condition, held in zip(self.item.conditions, self.by_condition, strict=True):
            if held[at]:
                continue
            reason = self._reason(condition, at)
            if not reason:
                return ""
            reasons.append(reason)
        return "，".join(reasons)

    def _reason(self, condition: Condition, at: Any) -> str:
        shown, other = self.held.texts.at[at, condition.column], condition.other_column
        if not shown:
            if other and self._is_to_come(at, other):
                return ""
            return f"没有填写“{condition.column}”"
        if other:
            if not self.held.texts.at[at, other]:
                return f"没有填写“{other}”"
            left, right = (self._shown(at, one) for one in (condition.column, other))
            return f"“{condition.column}”{left}，“{other}”{right}"
        return ""

    def _is_to_come(self, at: Any, column: str) -> bool:
        due = self.held.values.at[at, column]
        is_date = isinstance(due, pd.Timestamp) and not pd.isna(due)
        return self.as_of is not None and is_date and due >= pd.Timestamp(self.as_of)

    def _shown(self, at: Any, column: str) -> str:
        value = self.held.values.at[at, column]
        if isinstance(value, pd.Timestamp):
            return str(value.date())
        return text_of(self.held.texts.at[at, column])

    def _absent(self) -> Iterator[str]:
        values = self.held.values
        columns = list(self.item.columns)
        present = {
            tuple(map(squeeze, row)) for row in values[columns].itertuples(index=False, name=None)
        }
        absent = absent_choices(self.item, self.register, values, self.as_of)
        absent = [one for one in absent if tuple(map(squeeze, one)) not in present]
        if absent and len(values):
            yield f"{self.register.name}没有登记：{_named([''.join(one) for one in absent], '次')}"

    def _not_covered(self) -> Iterator[str]:
        """The choices that would count and do not occur; too many of them say nothing."""
        declared = next(one for one in _all(self) if one.column.key == self.item.column)
        seen = {squeeze(text) for text in self.held.values.loc[self.met, self.item.column]}
        own = tuple(one for one in self.item.conditions if one.column == self.item.column)
        offered = pd.DataFrame({self.item.column: list(declared.column.choices)}, dtype="object")
        able = mask(own, self.register, offered) if len(offered) else []
        left = [c for c, ok in zip(declared.column.choices, able, strict=True) if ok]
        left = [choice for choice in left if squeeze(choice) not in seen]
        if 0 < len(left) <= _MOST_NAMED and len(self.held.values):
            yield f"{self.register.name}中没有：{'、'.join(left)}"


def _all(support: _ItemSupport) -> Sequence[Any]:
    return support.register.columns


def _naming_columns(register: Register) -> tuple[str, ...]:
    """The columns that together name a row; else the first column of text that is no code."""
    labels = [one.column.key for one in register.columns if one.column.kind is ValueKind.TEXT]
    names = [one for one in labels if not one.endswith(("编号", "编码"))]
    return register.key or tuple(names[:1])


def _wants_filled(condition: Condition) -> bool:
    return str(condition) == f"{condition.column}≠"


def _named(texts: list[str], measure: str) -> str:
    shown = "、".join(texts[:_MOST_NAMED])
    return shown if len(texts) <= _MOST_NAMED else f"{shown}等 {len(texts)} {measure}"


def _description(
    register: Register, held: RegisterRows, at: Any, naming: Sequence[str]
) -> Mapping[str, object]:
    """What is shown of a row wherever it speaks for something."""
    values = held.values
    number, date = register.of_kind(ValueKind.DOCUMENT_NUMBER), register.of_kind(ValueKind.DATE)
    day = values.at[at, date] if date else None
    return {
        "register": register.name,
        "sheet": values.at[at, "sheet"],
        "row": int(values.at[at, "row"]),
        "title": "，".join(filter(None, (text_of(held.texts.at[at, one]) for one in naming))),
        "document_number": text_of(values.at[at, number]) if number else "",
        "date": day.date().isoformat()
        if isinstance(day, pd.Timestamp) and not pd.isna(day)
        else "",
    }


def _blanks(register: Register, held: RegisterRows, at: Any) -> str:
    """What a person would look for first in a row and does not find: number (else address), date."""
    proof = register.of_kind(ValueKind.DOCUMENT_NUMBER) or register.of_kind(ValueKind.URL)
    wanted = filter(None, (proof, register.of_kind(ValueKind.DATE)))
    blank = [label for label in wanted if not held.texts.at[at, label]]
    return f"没有填写{'、'.join(f'“{label}”' for label in blank)}" if blank else ""


def _unproved(rows: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """What is blank in rows that count, the same blanks of one register together."""
    found: dict[tuple[object, object], set[int]] = {}
    for row in rows:
        if row["counted"] and row["remark"] and row["register"] != DATA_ITEMS:
            numbered = found.setdefault((row["register"], row["remark"]), set())
            numbered.add(int(str(row["row"])))
    for (register, remark), numbers in found.items():
        yield f"{register}{_rows_named(sorted(numbers))}{remark}"


def _rows_named(numbers: Sequence[int]) -> str:
    """``第 4、6—8 行``."""
    return f"第 {runs_of(numbers)} 行"


def runs_of(numbers: Iterable[int]) -> str:
    """Row numbers as people write them: 4, 6, 7, 8 → ``4、6—8``."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]}—{run[-1]}" if len(run) > 2 else "、".join(map(str, run)) for run in runs]
    more = "" if len(shown) <= _MOST_NAMED else f"等 {sum(map(len, runs))} 处"
    return "、".join(shown[:_MOST_NAMED]) + more


def _cited(
    plan: Plan, indicator: Indicator, returned: ReturnTables
) -> Iterator[Mapping[str, object]]:
    """The rows of the evidence register that the 自评表 names for the indicator."""
    register = plan.evidence_register
    if register is None:
        return
    held = returned.registers[register.name]
    at_row = {int(row): at for at, row in held.values["row"].items()}
    naming = _naming_columns(register)
    cited = returned.citations[returned.citations["indicator"] == indicator.code]
    for row in cited["evidence_row"].dropna():
        at = at_row[int(row)]
        yield {
            "item": "佐证编号",
            **_description(register, held, at, naming),
            "counted": True,
            "remark": _blanks(register, held, at),
        }
