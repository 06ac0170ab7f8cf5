"""The registers (登记表): each against its own declaration in the plan."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pandas as pd

from perfxl.checks.catalogue import REGISTERS, check
from perfxl.layout.declare import NUMERIC, ValueKind
from perfxl.plan.forms import register_key
from perfxl.plan.model import Plan, Register, RegisterColumn, Rule
from perfxl.points import HUNDREDTHS
from perfxl.tables import RegisterRows, Severity, mapped
from perfxl.values import squeeze

Registers = Mapping[str, RegisterRows]
_NO_ROWS = pd.DataFrame(columns=["receipt", "unit", "sheet", "row", "label", "text"])


def _columns(
    plan: Plan, registers: Registers
) -> Iterator[tuple[Register, RegisterColumn, RegisterRows]]:
    for register in plan.registers:
        for declared in register.columns:
            yield register, declared, registers[register.name]


def _offending(
    plan: Plan,
    registers: Registers,
    test: Callable[[Register, RegisterColumn, RegisterRows], pd.Series | None],
) -> pd.DataFrame:
    """Rows for which ``test`` holds, column by column, each pointing at its cell."""
    parts = []
    for register, declared, rows in _columns(plan, registers):
        bad = test(register, declared, rows) if len(rows.values) else None
        if bad is None or not bad.any():
            continue
        label = declared.column.key
        found = rows.values.loc[bad, ["receipt", "unit", "sheet", "row"]]
        parts.append(
            found.assign(
                label=declared.column.label,
                text=rows.texts.loc[bad, label],
                cell_table=register_key(register.name),
                cell_column=label,
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else _NO_ROWS


def _where_blank(texts: pd.Series) -> pd.Series | None:
    return texts == "" if "" in texts.to_list() else None


def _where(texts: pd.Series, wrong: Callable[[str], bool]) -> pd.Series | None:
    """Rows whose text is wrong, which is asked once of each different text; None for no row."""
    found = {text for text in set(texts.to_list()) if wrong(text)}
    return texts.isin(found) if found else None


@check(
    "F401",
    Severity.ERROR,
    title="登记表必填项漏填",
    on=REGISTERS,
    column="",
    needs=(REGISTERS,),
    message="“{label}”没有填写",
    remedy="请补填",
)
def required_cell_blank(plan: Plan, registers: Registers) -> pd.DataFrame:
    """A required column is filled in on every row in use."""
    return _offending(
        plan,
        registers,
        lambda _, declared, rows: (
            _where_blank(rows.texts[declared.column.key]) if declared.column.required else None
        ),
    )


@check(
    "F402",
    Severity.ERROR,
    title="登记表数据类型不对",
    on=REGISTERS,
    column="",
    needs=(REGISTERS,),
    message="“{label}”填的是“{text}”，应填{wanted}",
    remedy="请改为{wanted}",
)
def cell_of_wrong_type(plan: Plan, registers: Registers) -> pd.DataFrame:
    """Amounts, numbers and dates can be read as such; amounts and numbers are not negative."""
    wanted = {ValueKind.DATE: "日期（例如 2023-06-30）", ValueKind.INTEGER: "0 或大于 0 的整数"}

    def wrong(_: Register, declared: RegisterColumn, rows: RegisterRows) -> pd.Series | None:
        kind, label = declared.column.kind, declared.column.key
        if kind is not ValueKind.DATE and kind not in NUMERIC:
            return None
        values = rows.values[label]
        bad = values.isna()
        if bad.any():
            bad &= rows.texts[label] != ""
        if kind in NUMERIC:
            bad |= (values < 0).fillna(False)
        if kind is ValueKind.INTEGER:
            bad |= (values % HUNDREDTHS != 0).fillna(False)
        return bad.astype(bool)

    found = _offending(plan, registers, wrong)
    kinds = {
        (register_key(register.name), declared.column.key): declared.column.kind
        for register in plan.registers
        for declared in register.columns
    }
    if len(found) == 0:
        return found
    return found.assign(
        wanted=[
            wanted.get(kinds[key], "0 或大于 0 的数字")
            for key in zip(found["cell_table"], found["cell_column"], strict=True)
        ]
    )


@check(
    "F403",
    Severity.ERROR,
    title="登记内容不在可选范围",
    on=REGISTERS,
    column="",
    needs=(REGISTERS,),
    message="“{label}”填的是“{text}”，不在可选内容中",
    remedy="请从下拉列表中选择",
)
def choice_unknown(plan: Plan, registers: Registers) -> pd.DataFrame:
    """A choice is one of those that the plan offers."""

    def unknown(_: Register, declared: RegisterColumn, rows: RegisterRows) -> pd.Series | None:
        if declared.column.kind is not ValueKind.CHOICE:
            return None
        texts = rows.texts[declared.column.key]
        offered = {squeeze(choice) for choice in declared.column.choices}
        return _where(texts, lambda text: text != "" and squeeze(text) not in offered)

    return _offending(plan, registers, unknown)


@check(
    "F404",
    Severity.ERROR,
    title="登记表编号重复",
    on=REGISTERS,
    column="",
    needs=(REGISTERS,),
    message="“{label}”“{text}”与上面的行重复",
    remedy="请核对，不要重复登记",
)
def key_repeated(plan: Plan, registers: Registers) -> pd.DataFrame:
    """A column declared unique holds no value twice in one return."""

    def repeated(_: Register, declared: RegisterColumn, rows: RegisterRows) -> pd.Series | None:
        if not declared.unique:
            return None
        texts, receipts = rows.texts[declared.column.key], rows.values["receipt"].to_list()
        keys = list(zip(receipts, mapped(texts, squeeze).to_list(), strict=True))
        if len(set(keys)) == len(keys):
            return None
        return pd.Series(keys, index=texts.index, dtype=object).duplicated() & (texts != "")

    return _offending(plan, registers, repeated)


@check(
    "Y103",
    Severity.ERROR,
    title="登记表内容重复",
    on=REGISTERS,
    column="",
    needs=(REGISTERS,),
    message="{label}与第 {first} 行重复（{text}）",
    remedy="请核对，同一事项只登记一行",
)
def combination_repeated(plan: Plan, registers: Registers) -> pd.DataFrame:
    """The columns that together name a row hold no combination twice in one return."""
    found: list[dict[str, object]] = []
    for register in plan.registers:
        rows, key = registers[register.name], list(register.key)
        if not key:
            continue
        first: dict[tuple[str, ...], int] = {}
        places = rows.values[["receipt", "unit", "sheet", "row"]].to_dict("records")
        typed = rows.texts[key].itertuples(index=False, name=None)
        for place, texts in zip(places, typed, strict=True):
            folded = tuple(map(squeeze, texts))
            earlier = first.setdefault((place["receipt"], *folded), place["row"])
            # A row of which nothing is filled in that would name it is told elsewhere.
            if earlier != place["row"] and any(folded):
                found.append(
                    {
                        **place,
                        "label": "、".join(f"“{label}”" for label in key),
                        "text": "，".join(filter(None, texts)),
                        "first": str(earlier),
                        "cell_table": register_key(register.name),
                        "cell_column": key[0],
                    }
                )
    return pd.DataFrame(found) if found else _NO_ROWS


@check(
    "F405",
    Severity.ERROR,
    title="登记数据之间关系不合且未说明",
    on=REGISTERS,
    column="",
    needs=(REGISTERS,),
    message="“{label}”为 {text}，应{rule}（{other}）{unexplained}",
    remedy="请核对数据{explain}",
)
def relation_broken(plan: Plan, registers: Registers) -> pd.DataFrame:
    """Values of one row keep the relations that the plan declares, or the row explains why not."""
    parts = []
    for register, declared, rows in _columns(plan, registers):
        for rule in declared.rules if len(rows.values) else ():
            bad = _breaks(rule, declared, rows)
            if declared.excused_by:
                bad &= rows.texts[declared.excused_by] == ""
            if not bad.any():
                continue
            label, excuse = declared.column.key, declared.excused_by
            found = rows.values.loc[bad, ["receipt", "unit", "sheet", "row"]]
            parts.append(
                found.assign(
                    label=declared.column.label,
                    text=rows.texts.loc[bad, label],
                    rule=str(rule),
                    other=rows.texts.loc[bad, rule.other_column],
                    unexplained=f"，又没有填写“{excuse}”" if excuse else "",
                    explain=f"，或在“{excuse}”中说明" if excuse else "",
                    cell_table=register_key(register.name),
                    cell_column=label,
                )
            )
    if not parts:
        return _NO_ROWS
    # A row that breaks several rules of one column is one matter: the first rule speaks.
    return pd.concat(parts, ignore_index=True).drop_duplicates(
        ["receipt", "cell_table", "cell_column", "row"]
    )


def _breaks(rule: Rule, declared: RegisterColumn, rows: RegisterRows) -> pd.Series:
    left, right = rows.values[declared.column.key], rows.values[rule.other_column]
    known = left.notna() & right.notna()
    if rule.percent is not None:
        # hundredths of a percent: 90 % is 9000 of 10000, so both sides stay whole numbers
        left, right = left * 100 * HUNDREDTHS, right * rule.percent
    holds = rule.relation.holds(left, right)
    return (known & ~holds.fillna(False).astype(bool)).astype(bool)


@check(
    "F406",
    Severity.NOTICE,
    title="登记表中有合计行",
    on=REGISTERS,
    column="",
    needs=(),
    message="登记表中有合计行，没有作为一项统计",
    remedy="登记表不需要合计行，可以删除",
)
def sum_row_in_register(sum_rows: pd.DataFrame) -> pd.DataFrame:
    """A register holds items; a row of totals among them is passed over."""
    return sum_rows.assign(cell_table=sum_rows["table"])
