"""check (审核): a whole campaign, or one returned workbook on its own without a ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from perfxl.campaign import plan_beside, read_plan_file
from perfxl.checks.runner import CheckResult, run_checks
from perfxl.claims import ClaimedTotal, claimed_totals
from perfxl.errors import Missing, Place, UnknownUnit
from perfxl.excel.reader import Grid, read_workbook
from perfxl.files import sha256_of
from perfxl.intake.assembly import extract
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify
from perfxl.plan.model import LedgerFigure, Plan, Unit
from perfxl.scoring import compute
from perfxl.tables import ReturnTables


@dataclass(frozen=True)
class FileCheck:
    """One workbook checked on its own."""

    plan: Plan
    unit: Unit
    tables: ReturnTables
    computed: pd.DataFrame
    result: CheckResult
    totals: Sequence[ClaimedTotal]


def check_file(path: Path, plan: Plan | None = None, key: bytes | None = None) -> FileCheck:
    """Check one returned workbook against a plan, or against the plan that lies beside it.

    Raises Missing, Unreadable, UnknownUnit, PlanRefused.
    """
    if not path.is_file():
        raise Missing("没有这个文件", place=Place(str(path)), remedy="请检查路径")
    if plan is None:
        beside = plan_beside(path)
        plan = read_plan_file(beside.read_bytes(), beside.name)
    data = path.read_bytes()
    grid = read_workbook(data, path.name)
    identity = identify(plan, grid, path.name, key)
    if identity.unit is None:
        raise UnknownUnit(
            "看不出是哪个单位的工作簿",
            place=Place(path.name),
            remedy="请核对封面上的单位名称是否与考核方案的单位名录一致",
        )
    return check_grid(plan, identity.unit, data, grid, path.name, key)


def check_grid(
    plan: Plan,
    unit: Unit,
    data: bytes,
    grid: Grid,
    file: str,
    key: bytes | None,
    figures: Mapping[str, Mapping[LedgerFigure, int | None]] | None = None,
    borrowed: Mapping[str, int] | None = None,
    as_of: dt.date | None = None,
) -> FileCheck:
    """Check the contents of one workbook as the return of a unit.

    ``figures`` is what the ledger counts of units, where there is a ledger; ``borrowed`` what other
    campaigns gave, by data item; on ``as_of`` a deadline that is to come is not yet missed.
    """
    identity = identify(plan, grid, file, key)
    returned = Return(sha256_of(data), file, unit, identity, grid)
    tables = extract(plan, [returned], figures, borrowed, as_of)
    computed = compute(plan, tables)
    return FileCheck(
        plan,
        unit,
        tables,
        computed,
        run_checks(plan, tables, computed),
        claimed_totals(plan.rubrics[unit.kind], tables),
    )
