"""Reads the plan's sheets of one item a row (考核信息), each item reported at its own cell."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from perfxl.layout.declare import SheetLayout
from perfxl.layout.locate import label_key
from perfxl.plan.model import (
    UNIT_WORD,
    CampaignInfo,
    LateRule,
    Naming,
    ReviewerRule,
    Rubric,
    Term,
    TermUnit,
    TieRule,
)
from perfxl.plan.names import LONGEST_NAME
from perfxl.plan.rows import Choice, PlanBook, Row
from perfxl.plan.workbook import INFO_ITEMS, INFO_SHEET, rubric_sheet_name
from perfxl.points import HUNDREDTHS, as_text
from perfxl.values import (
    date_of,
    moment_of,
    number_of,
    precise_number_of,
    squeeze,
    text_of,
)

T = TypeVar("T")

FULL_MARKS = 100 * HUNDREDTHS
ITEM, CONTENT = "项目", "内容"
ONE_MONTH = Term(1, TermUnit.MONTHS)
_TERM = re.compile(r"(?P<amount>\d{1,4})(?P<unit>|天|日|个?月|个?工作日)")
_LONGEST_TERM = 3650
_LONGEST_WORD = 6

# How alike two words must be for one to be taken as a slip for the other: 满份 for 满分.
_LIKENESS = 0.5


class ItemSheet:
    """The items of a sheet; what is missing, unknown, given twice or unreadable is reported."""

    def __init__(
        self,
        book: PlanBook,
        layout: SheetLayout,
        items: Sequence[tuple[str, str, bool]],
        *,
        needed: bool = True,
    ) -> None:
        self._book, self._sheet, self._items = book, layout.name, items
        self._rows: dict[str, Row] = {}
        rows = book.rows(layout, needed=needed)
        unknown = self._sort(rows)
        missing = [name for name, _, _ in items if label_key(name) not in self._rows]
        for row in unknown:
            text = row.text(ITEM)
            meant = next(iter(difflib.get_close_matches(text, missing, 1, _LIKENESS)), None)
            remedy = f"应为“{meant}”" if meant else "请照模板填写，不增加项目"
            row.mistake("P106", ITEM, f"没有“{text}”这个项目", remedy)
            if meant:
                missing.remove(meant)
                book.doubtful.add((self._sheet, meant))
        for name, _, required in items if rows else ():
            if required and name in missing:
                book.mistake("P104", self._sheet, "", f"缺少项目“{name}”")
            elif required and label_key(name) in self._rows:
                self._rows[label_key(name)].required(CONTENT, named=name)

    def _sort(self, rows: list[Row]) -> list[Row]:
        """Keep the rows of known items; the others come back."""
        known = {label_key(name): name for name, _, _ in self._items}
        unknown = []
        for row in rows:
            key = label_key(row.text(ITEM))
            if not key:
                if row.text(CONTENT):
                    row.required(ITEM)
            elif key not in known:
                unknown.append(row)
            elif key in self._rows:
                first = self._rows[key].number + 1
                row.mistake("P110", ITEM, f"项目“{known[key]}”与第 {first} 行重复", "请只留一行")
            else:
                self._rows[key] = row
        return unknown

    def row(self, name: str) -> Row | None:
        """The item's row; None where the item is missing or blank."""
        row = self._rows.get(label_key(name))
        return row if row and row.text(CONTENT) else None

    def given_row(self, name: str) -> Row | None:
        """The item's row, be it blank; None where the item is missing."""
        return self._rows.get(label_key(name))

    def text(self, name: str) -> str:
        """The item's text; blank where the item is missing."""
        row = self._rows.get(label_key(name))
        return row.text(CONTENT) if row else ""

    def mistake(self, code: str, name: str, what: str, remedy: str = "") -> None:
        """Report a mistake at the item's content."""
        row = self._rows.get(label_key(name))
        if row:
            row.mistake(code, CONTENT, what, remedy)
        else:
            self._book.mistake(code, self._sheet, "", what, remedy)

    def doubtful(self, name: str) -> bool:
        """Whether the item was given and could not be read, so that its value is a stand-in."""
        return bool({self._sheet, (self._sheet, name)} & self._book.doubtful)

    def typed(self, name: str, parse: Callable[[object], T | None], wanted: str, fallback: T) -> T:
        """The item's value; a blank one was reported already where it is required."""
        row = self._rows.get(label_key(name))
        if row is None or not row.text(CONTENT):
            return fallback
        value = parse(row.value(CONTENT))
        if value is None:
            row.mistake("P105", CONTENT, f"“{name}”应为{wanted}，现为“{row.text(CONTENT)}”")
            self._book.doubtful.add((self._sheet, name))
            return fallback
        return value

    def choice(self, name: str, choices: type[Choice], fallback: Choice) -> Choice:
        """The member of an enumeration that the item names; the fallback where it is blank."""
        row = self._rows.get(label_key(name))
        if row is None or not row.text(CONTENT):
            return fallback
        return row.choice(CONTENT, choices, named=name) or fallback


class InfoSheet(ItemSheet):
    """The items of 考核信息."""

    def __init__(self, book: PlanBook) -> None:
        super().__init__(book, INFO_SHEET, INFO_ITEMS)

    def campaign(self) -> CampaignInfo:
        """All items, with stand-ins for those that were reported."""
        code = self._rows.get(label_key("考核编号"))
        if code:
            code.legal_name(CONTENT, LONGEST_NAME, named="考核编号")
        info = CampaignInfo(
            code=self.text("考核编号"),
            name=self.text("考核名称"),
            year=self.typed("考核年度", _year, "四位年份", 0),
            basis=self.text("考核依据"),
            issuer=self.text("发文机关"),
            document_number=self.text("发文字号"),
            issued_on=self.typed("印发日期", date_of, "日期", dt.date.min),
            deadline=self.typed("报送截止时间", moment_of, "日期和时间", dt.datetime.min),
            full_marks=self.typed("满分", _above_zero, "大于 0 的数", FULL_MARKS),
            step=self.typed("打分步长", _above_zero, "大于 0 的数", HUNDREDTHS),
            rectification=self.typed(
                "整改期限", _term, "期限，例如 1个月、30天、20个工作日", ONE_MONTH
            ),
            tie_rule=self.choice("并列规则", TieRule, TieRule.SKIP),
            late_rule=self.choice("逾期规则", LateRule, LateRule.NONE),
            late_deduction=self.typed("逾期扣分", _not_negative, "不小于 0 的数", 0),
            reviewer_rule=self.choice("多人评分规则", ReviewerRule, ReviewerRule.LATEST),
            disagreement=self.typed("评分分歧（分）", _not_negative, "不小于 0 的数", 0),
            naming=self.choice("典型问题举例", Naming, Naming.ANONYMOUS),
            addressees=self.text("主送机关"),
            copied_to=self.text("抄送机关"),
            contact=self.text("联系人"),
            phone=self.text("联系电话"),
            form_title=self.text("模板标题"),
            called=self.typed("对象称谓", _called, "不超过 6 字的称呼，例如 机构", UNIT_WORD),
        )
        if info.late_rule is LateRule.TOTAL and not info.late_deduction:
            self._late_deduction_missing()
        return info

    def _late_deduction_missing(self) -> None:
        remedy = f"请填每个逾期单位扣的分数；不扣分的，逾期规则改为“{LateRule.NONE}”"
        if self.doubtful("逾期扣分"):
            return
        if self.text("逾期扣分"):
            what = f"逾期规则为“{LateRule.TOTAL}”时，“逾期扣分”应大于 0"
            self.mistake("P105", "逾期扣分", what, remedy)
        else:
            what = f"逾期规则为“{LateRule.TOTAL}”时须填“逾期扣分”"
            self.mistake("P104", "逾期扣分", what, remedy)

    def check_step(self, step: int, rubrics: Mapping[str, Rubric]) -> None:
        """Report a score step that is larger than the marks of an indicator."""
        marked = [
            (indicator.full_marks, kind, indicator.code)
            for kind, rubric in rubrics.items()
            for indicator in rubric.indicators
            if indicator.full_marks
        ]
        if not marked or not self.text("打分步长") or self.doubtful("打分步长"):
            return
        least, kind, code = min(marked, key=lambda found: found[0])
        if step > least:
            what = f"“打分步长” {as_text(step)} 大于最小的分值 {as_text(least)}"
            where = f"（{rubric_sheet_name(kind)} {code}）"
            self.mistake("P105", "打分步长", what + where, "步长不应大于任何一项的分值")


def _called(value: object) -> str | None:
    """A word of Chinese or Latin letters."""
    word = text_of(value)
    return word if len(word) <= _LONGEST_WORD and word.isalpha() else None


def _not_negative(value: object) -> int | None:
    number = precise_number_of(value)
    return number if number is not None and number >= 0 else None


def _above_zero(value: object) -> int | None:
    return _not_negative(value) or None


def _whole(value: object, low: int, high: int) -> int | None:
    number = number_of(value)
    if number is None or number % HUNDREDTHS or not low <= number // HUNDREDTHS <= high:
        return None
    return number // HUNDREDTHS


def _year(value: object) -> int | None:
    return _whole(value, 1990, 2100)


def _term(value: object) -> Term | None:
    """``1个月``, ``30天``, ``20个工作日``; a number alone counts days."""
    match = _TERM.fullmatch(squeeze(text_of(value)))
    if match is None or not 1 <= int(match["amount"]) <= _LONGEST_TERM:
        return None
    if "工作日" in match["unit"]:
        unit = TermUnit.WORKING_DAYS
    else:
        unit = TermUnit.MONTHS if "月" in match["unit"] else TermUnit.DAYS
    return Term(int(match["amount"]), unit)
