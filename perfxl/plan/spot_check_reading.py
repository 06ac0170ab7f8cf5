"""Reads the plan's sheet 抽查: from which projects a sample is drawn, how large, by which strata."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.layout.locate import label_key
from perfxl.plan.forms import CHECK_BOOK_LABELS
from perfxl.plan.info_reading import CONTENT, ItemSheet
from perfxl.plan.item_reading import FilterReading
from perfxl.plan.model import UNIT_KIND, Condition, Register, SpotCheck
from perfxl.plan.names import find_name, same
from perfxl.plan.rows import LIST_BREAK, PlanBook
from perfxl.plan.workbook import REGISTERS, SPOT_CHECK, SPOT_CHECK_ITEMS, SPOT_CHECK_SHEET
from perfxl.points import HUNDREDTHS
from perfxl.values import date_of, percent_of

WHOLE = 100 * HUNDREDTHS
_DIVIDED = re.compile(r"[÷/／]")


def read_spot_check(book: PlanBook, registers: Sequence[Register]) -> SpotCheck | None:
    """What the sheet declares; None where the plan has no such sheet. Mistakes go to the book."""
    if book.real_name(SPOT_CHECK) not in book.sheets:
        return None
    sheet = _Sheet(book)
    columns = sheet.find_register(registers)
    issued_on: dt.date | None = None
    code, name = sheet.column("编码列", columns), sheet.column("名称列", columns)
    return SpotCheck(
        register=sheet.register,
        conditions=sheet.conditions(columns),
        strata=sheet.strata(columns),
        share=sheet.typed("抽查比例", share_of, "大于 0、不超过 100% 的比例，例如 10%", WHOLE),
        code_column=code,
        name_column=name,
        shown=tuple(one for one in sheet.several("列示内容", columns) if one not in (code, name)),
        rate=sheet.rate(columns),
        document_number=sheet.text("通报文号"),
        issued_on=sheet.typed("印发日期", date_of, "日期", issued_on),
    )


def share_of(value: object) -> int | None:
    """A share in hundredths of a percent (``10%`` → 1000); None where it is none in (0, 100%]."""
    percent = percent_of(value)
    return percent if percent is not None and 0 < percent <= WHOLE else None


class _Sheet(ItemSheet):
    """The items of 抽查, against the register that it names."""

    def __init__(self, book: PlanBook) -> None:
        super().__init__(book, SPOT_CHECK_SHEET, SPOT_CHECK_ITEMS)
        self.register = ""

    def find_register(self, registers: Sequence[Register]) -> Mapping[str, Column]:
        """The columns of the register by label; nothing where there is no such register."""
        typed = self.text("登记表")
        name = find_name(typed, [register.name for register in registers]) if typed else None
        if name is None:
            if typed and REGISTERS not in self._book.doubtful:
                self.mistake("P114", "登记表", f"登记表“{typed}”没有定义")
            return {}
        self.register = name
        (found,) = [register for register in registers if register.name == name]
        return {declared.column.label: declared.column for declared in found.columns}

    def conditions(self, columns: Mapping[str, Column]) -> tuple[Condition, ...]:
        """The filter, written as that of a data item."""
        row = self.row("筛选条件")
        if row is None or not columns:
            return ()
        return FilterReading(self._book, row, self.register, columns, CONTENT).conditions()

    def column(self, item: str, columns: Mapping[str, Column]) -> str:
        """The one column that an item names."""
        typed = self.text(item)
        name = self._found(item, typed, columns, "P121") if typed else None
        if name and label_key(name) in map(label_key, CHECK_BOOK_LABELS):
            self.mistake("P121", item, f"核查表自己有“{name}”一栏", "请把登记表的这一列改名")
        return name or typed

    def several(self, item: str, columns: Mapping[str, Column]) -> tuple[str, ...]:
        """The columns that an item names, without those it names again."""
        parts = [part.strip() for part in LIST_BREAK.split(self.text(item))]
        found = [self._found(item, part, columns, "P121") for part in parts if part]
        names = tuple(dict.fromkeys(name for name in found if name))
        for name in names:
            if label_key(name) in map(label_key, CHECK_BOOK_LABELS):
                self.mistake("P121", item, f"核查表自己有“{name}”一栏", "请不要列示这一列")
        return names

    def strata(self, columns: Mapping[str, Column]) -> tuple[str, ...]:
        """What the strata go by: the unit's kind, or columns that hold words."""
        strata: list[str] = []
        for part in LIST_BREAK.split(self.text("分层依据")):
            typed = part.strip()
            if not typed:
                continue
            if same(typed) == same(UNIT_KIND):
                name: str | None = UNIT_KIND
            else:
                name = self._found("分层依据", typed, columns, "P122", f"，也不是“{UNIT_KIND}”")
                if name and columns[name].kind in NUMERIC | {ValueKind.DATE}:
                    what = f"“{name}”是数或日期，不能用来分层"
                    self.mistake("P122", "分层依据", what, "请用选项列或文本列")
            if name:
                strata.append(name)
        return tuple(dict.fromkeys(strata))

    def rate(self, columns: Mapping[str, Column]) -> tuple[str, str] | None:
        """The columns whose quotient is the execution rate."""
        text = self.text("执行率")
        if not text or not columns:
            return None
        parts = [part.strip() for part in _DIVIDED.split(text)]
        if len(parts) != 2 or not all(parts):
            self.mistake("P123", "执行率", f"看不懂“{text}”", "写法如 全年执行数÷全年预算数")
            return None
        names = [self._found("执行率", part, columns, "P123") for part in parts]
        for name in filter(None, names):
            doubtful = (self.register, name) in self._book.doubtful
            if columns[name].kind not in NUMERIC and not doubtful:
                self.mistake("P123", "执行率", f"“{name}”不是数值列，不能计算")
        part_name, whole_name = names
        return (part_name, whole_name) if part_name and whole_name else None

    def _found(
        self, item: str, typed: str, columns: Mapping[str, Column], code: str, more: str = ""
    ) -> str | None:
        name = find_name(typed, columns)
        if name is None and columns:
            what = f"登记表“{self.register}”没有列“{typed}”{more}"
            self.mistake(code, item, what, f"应为 {'、'.join(columns)} 之一")
        return name
