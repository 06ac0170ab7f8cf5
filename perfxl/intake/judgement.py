"""What becomes of a workbook that was read: does it count as a unit's return, and if not, why?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from perfxl.excel.reader import Grid
from perfxl.intake.identity import Identity, proposals
from perfxl.intake.registers import value_in
from perfxl.layout.declare import Table
from perfxl.layout.locate import Finder, LocatedTable, Rows
from perfxl.ledger import Form, Verdict
from perfxl.plan.forms import SELF_ASSESSMENT, register_table, self_assessment_table
from perfxl.plan.model import Plan, Register, Unit
from perfxl.tables import StampState, SystemProject
from perfxl.values import squeeze, text_of

# The projects with which a unit's workbook was, or may have been, issued.
Given = Callable[[Unit], Iterable[SystemProject]]

_DECIDE = "请核对后用 perfxl ingest --as 单位编码 认定"
_BLANK = "自评表和登记表都没有填写，不算报送。请填报后重新报送"
_REVIEW_BOOK = "这是股室评分表，请用 perfxl review ingest 收取"


@dataclass(frozen=True)
class Judgement:
    """A verdict on a file, whose it is, and what the office should know or do."""

    holder: str
    verdict: Verdict
    detail: str = ""
    doubtful: bool = False


@dataclass(frozen=True)
class Decision:
    """The operator's word on whose return a file is, and who gave it."""

    unit: Unit
    by: str


def judge(
    plan: Plan,
    grid: Grid,
    identity: Identity,
    traces: Sequence[str],
    decision: Decision | None = None,
    given: Given = lambda _: (),
) -> Judgement:
    """Judge a workbook by its identity and by whether anything is filled in.

    ``traces`` are the texts outside the workbook that may name its unit (file name, sender); they
    serve only to propose units to a person. ``given`` tells what a unit's workbook may have held
    when it was issued, which is nothing that the unit filled in.
    """
    if decision is not None:
        return _decided(plan, grid, identity, decision, given)
    return _no_return(plan, grid, identity, traces) or _of_unit(plan, grid, identity, given)


def _decided(
    plan: Plan, grid: Grid, identity: Identity, decision: Decision, given: Given
) -> Judgement:
    """The operator says whose a return is; whether it is one, the file itself has to show."""
    unit = decision.unit
    if grid.stamp is not None and grid.stamp.form != Form.RETURN:
        return Judgement("", Verdict.NOT_OURS, _REVIEW_BOOK)
    if identity.stamp is not StampState.GENUINE and not _holds_a_return(plan, grid):
        return Judgement(
            "", Verdict.NOT_OURS, "里面找不到本次考核的自评表，认定单位也没有内容可收。请核对文件"
        )
    if not is_filled_in(plan, grid, unit, given):
        return Judgement(unit.code, Verdict.BLANK, _BLANK)
    return Judgement(unit.code, Verdict.VALID, f"由 {decision.by} 认定单位")


def _no_return(
    plan: Plan, grid: Grid, identity: Identity, traces: Sequence[str]
) -> Judgement | None:
    """Why it is nobody's return, as far as identity tells; None where nothing speaks against."""
    if identity.stamps_disagree:
        holders = "、".join(dict.fromkeys(_named(plan, one.holder) for one in grid.stamps))
        return Judgement(
            "", Verdict.STAMPS_DISAGREE, f"工作簿内的单位标记互相矛盾（{holders}）。{_DECIDE}"
        )
    strange = _why_not_ours(plan, grid, genuine=identity.stamp is StampState.GENUINE)
    if strange:
        return Judgement("", Verdict.NOT_OURS, strange)
    if identity.unit is None:
        return Judgement("", Verdict.UNKNOWN_UNIT, _unknown(plan, identity, traces))
    if identity.cover_contradicts:
        covered = _named(plan, identity.by_cover)
        return Judgement(
            identity.by_stamp,
            Verdict.WRONG_UNIT,
            f"工作簿是发给{_named(plan, identity.by_stamp)}的，封面写的却是{covered}。{_DECIDE}，"
            "或退回填报单位",
        )
    return None


def _of_unit(plan: Plan, grid: Grid, identity: Identity, given: Given) -> Judgement:
    unit = identity.unit
    assert unit is not None
    if not is_filled_in(plan, grid, unit, given):
        return Judgement(unit.code, Verdict.BLANK, _BLANK)
    if identity.stamp is StampState.FORGED:
        return Judgement(
            unit.code,
            Verdict.TO_CONFIRM,
            f"工作簿的单位标记被改动过，或不是从这个考核文件夹下发的；按封面或文件名像是{unit.name}的，"
            f"没有采用。{_DECIDE}",
            doubtful=True,
        )
    return Judgement(unit.code, Verdict.VALID, doubtful=identity.stamp is not StampState.GENUINE)


def second_to_undoubted(unit: Unit) -> Judgement:
    """A doubtful return of a unit that already has an undoubted one waits for the operator."""
    return Judgement(
        unit.code,
        Verdict.TO_CONFIRM,
        f"{unit.name}已有报送，而这份没有单位标记，没有采用。{_DECIDE}",
        doubtful=True,
    )


def _named(plan: Plan, code_or_text: str) -> str:
    unit = plan.unit_by_code.get(code_or_text)
    return unit.name if unit else f"“{code_or_text}”"


def _unknown(plan: Plan, identity: Identity, traces: Sequence[str]) -> str:
    alike = proposals(plan, [identity.by_cover, *traces])
    hint = "、".join(f"{unit.code} {unit.name}" for unit in alike)
    return f"看不出是哪个单位报送的{f'，可能是：{hint}' if hint else ''}。{_DECIDE}"


def _why_not_ours(plan: Plan, grid: Grid, *, genuine: bool) -> str:
    stamp = grid.stamp
    if stamp is not None and stamp.form != Form.RETURN:
        return _REVIEW_BOOK
    if stamp is not None and stamp.campaign != plan.campaign.code:
        return f"工作簿属于考核“{stamp.campaign}”。请确认后换用本次考核的工作簿"
    if not genuine and not _holds_a_return(plan, grid):
        return "不是本次考核下发的工作簿。请核对文件"
    return ""


def is_filled_in(plan: Plan, grid: Grid, unit: Unit, given: Given = lambda _: ()) -> bool:
    """Whether the unit typed a score or in a register; True where no 自评表 can be found.

    A row in which nothing stands but what ``given`` says that it was issued with is not typed.
    """
    codes = {squeeze(one.code) for one in plan.rubrics[unit.kind].indicators}
    has_assessment = False
    finder = _assessment_finder(plan.campaign.step)
    for rows, located in _located(grid, finder, SELF_ASSESSMENT):
        has_assessment = True
        if any(
            _text_at(row, located, "self_score")
            and squeeze(_text_at(row, located, "code")) in codes
            for row in rows[located.first_row :]
        ):
            return True
    if not has_assessment:
        return True
    for register in plan.registers:
        table = register_table(register)
        for rows, located in _located(grid, Finder(table), register.name):
            filled = [
                row
                for row in rows[located.first_row :]
                if any(_text_at(row, located, key) for key in located.columns)
            ]
            if filled and not _all_given(plan, register, table, filled, located, given, unit):
                return True
    return False


def _all_given(
    plan: Plan,
    register: Register,
    table: Table,
    rows: Rows,
    located: LocatedTable,
    given: Given,
    unit: Unit,
) -> bool:
    """Whether the rows say no more than the projects that the workbook was issued with."""
    declared = plan.project_import
    if declared is None or declared.register != register.name:
        return False
    columns = {column.key: column for column in table.columns}
    known = {_told(project.values.items()) for project in given(unit)}
    return all(
        _told(
            (key, value_in(columns[key], row[at]))
            for key, at in located.columns.items()
            if at < len(row)
        )
        in known
        for row in rows
    )


def _told(values: Iterable[tuple[str, object]]) -> frozenset[tuple[str, object]]:
    """What a row says, column by column, for comparing; blanks say nothing."""
    return frozenset(
        (key, squeeze(value) if isinstance(value, str) else value)
        for key, value in values
        if value is not None and value != ""
    )


def _holds_a_return(plan: Plan, grid: Grid) -> bool:
    """Whether some sheet is the 自评表 of one of the plan's rubrics: headings and most codes."""
    table = self_assessment_table(plan.campaign.step)
    needed = {column.key for column in table.columns if not column.optional}
    codes = [{squeeze(one.code) for one in rubric.indicators} for rubric in plan.rubrics.values()]
    for rows, located in _located(grid, Finder(table), SELF_ASSESSMENT):
        shown = {squeeze(_text_at(row, located, "code")) for row in rows[located.first_row :]}
        most = any(2 * len(shown & wanted) > len(wanted) for wanted in codes)
        if most and needed <= set(located.columns):
            return True
    return False


@lru_cache(maxsize=8)
def _assessment_finder(step: int) -> Finder:
    return Finder(self_assessment_table(step))


def _located(grid: Grid, finder: Finder, likely: str) -> Iterator[tuple[Rows, LocatedTable]]:
    """Every sheet that holds the table, the one of the likely name first."""
    for _, rows in sorted(grid.sheets.items(), key=lambda sheet: squeeze(sheet[0]) != likely):
        located = finder.find(rows)
        if located is not None:
            yield rows, located


def _text_at(row: Sequence[object], located: LocatedTable, key: str) -> str:
    at = located.columns.get(key)
    return "" if at is None or at >= len(row) else text_of(row[at])
