"""What several verbs start from: the returns in force, their tables, checks, scores and ranking.

Everything here is derived again from 原件/ and the ledger each time; nothing of it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from perfxl import scoring
from perfxl.campaign import Campaign
from perfxl.checks.runner import CheckResult, run_checks
from perfxl.errors import Missing, Place
from perfxl.excel.reader import read_workbook
from perfxl.intake.extract import Return, extract
from perfxl.intake.identity import identify
from perfxl.ledger import Form, Receipt, Review, Verdict
from perfxl.plan.model import LedgerFigure, Plan
from perfxl.tables import REVIEWS, ReturnTables, Status, frame


@dataclass(frozen=True)
class Gathered:
    """One campaign as it stands now."""

    plan: Plan
    receipts: Mapping[str, Receipt]
    status: Mapping[str, Status]
    tables: ReturnTables
    reviews: Mapping[tuple[str, str], Review]

    @cached_property
    def computed(self) -> pd.DataFrame:
        """What the methods give (``tables.COMPUTED``)."""
        return scoring.compute(self.plan, self.tables)

    @cached_property
    def checked(self) -> CheckResult:
        """Findings and outcomes of all checks."""
        return run_checks(self.plan, self.tables, self.computed)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores of all units and indicators (``tables.SCORES``)."""
        rows = [vars(review) for review in self.reviews.values()]
        columns = {name: [row[name] for row in rows] for name in REVIEWS}
        return scoring.score(self.plan, self.tables, self.computed, frame(columns, REVIEWS))

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Totals, grades and ranks (``tables.RANKING``)."""
        return scoring.ranking(self.plan, self.scores, self.status)


def gather(campaign: Campaign) -> Gathered:
    """Read the return in force of every unit and extract the tables of the batch."""
    plan = campaign.plan
    in_force, first = returns_in_force(campaign)
    status = {unit.code: _status(campaign, first.get(unit.code)) for unit in plan.units}
    returns = []
    for unit in plan.units:
        receipt = in_force.get(unit.code)
        if receipt is None:
            continue
        data = _original(campaign, receipt)
        grid = read_workbook(data, receipt.file)
        identity = identify(plan, grid, receipt.file, campaign.stamp_key)
        returns.append(Return(receipt.sha256, receipt.file, unit, identity, grid))
    figures = {
        unit.code: {
            LedgerFigure.LATE: int(status[unit.code] is Status.LATE),
            LedgerFigure.SENT_BACK: 0,
            LedgerFigure.LATE_AND_SENT_BACK: int(status[unit.code] is Status.LATE),
        }
        for unit in plan.units
    }
    return Gathered(
        plan, in_force, status, extract(plan, returns, figures), campaign.ledger.current_reviews()
    )


def returns_in_force(campaign: Campaign) -> tuple[dict[str, Receipt], dict[str, Receipt]]:
    """Per unit code, the return that counts and the first one (it says whether the unit is late).

    The newest valid one counts, but one of doubtful identity never before one that is not.
    """
    newest: dict[str, Receipt] = {}
    first: dict[str, Receipt] = {}
    for receipt in sorted(campaign.ledger.receipts(Form.RETURN), key=lambda one: one.counts_from):
        unit = receipt.holder
        if receipt.verdict is not Verdict.VALID or unit not in campaign.plan.unit_by_code:
            continue
        for chosen, replaces in ((newest, True), (first, False)):
            before = chosen.get(unit)
            if (
                before is None
                or before.doubtful > receipt.doubtful
                or (replaces and before.doubtful == receipt.doubtful)
            ):
                chosen[unit] = receipt
    return newest, first


def _original(campaign: Campaign, receipt: Receipt) -> bytes:
    path = campaign.original(receipt.original)
    if not path.is_file():
        raise Missing(
            f"{receipt.file} 的原件不见了",
            place=Place(str(path)),
            remedy="请从备份恢复“原件”文件夹，不要移动或删除其中的文件",
        )
    return path.read_bytes()


def _status(campaign: Campaign, first: Receipt | None) -> Status:
    if first is None:
        return Status.NOT_RETURNED
    late = first.received_at > campaign.plan.campaign.deadline
    return Status.LATE if late else Status.ON_TIME
