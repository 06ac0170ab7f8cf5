"""diff (比较): what a unit changed between its last two returns."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from perfxl.campaign import Campaign
from perfxl.changes import changes
from perfxl.errors import NothingToDo
from perfxl.intake.assembly import extract
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify
from perfxl.ledger import Form, Receipt, Verdict
from perfxl.plan.model import Unit
from perfxl.stages.gather import read_receipts


@dataclass(frozen=True)
class Difference:
    """Two returns of one unit, the earlier first, and what changed (``tables.CHANGES``)."""

    before: Receipt
    after: Receipt
    changes: pd.DataFrame


def diff(campaign: Campaign, unit: Unit) -> Difference:
    """Compare the last two valid returns of a unit, by the order in which they count.

    Raises NothingToDo where there are not two.
    """
    own = [
        receipt
        for receipt in campaign.ledger.receipts(Form.RETURN)
        if receipt.holder == unit.code and receipt.verdict is Verdict.VALID
    ]
    if len(own) < 2:
        raise NothingToDo(f"{unit.name}有效的报送不足两份，没有可比的", remedy="用 perfxl log 查看")
    pair = sorted(own, key=lambda receipt: receipt.counts_from)[-2:]
    before, after = (
        extract(
            campaign.plan,
            [
                Return(
                    receipt.sha256,
                    receipt.file,
                    unit,
                    identify(campaign.plan, grid, receipt.file, campaign.stamp_key),
                    grid,
                )
            ],
        )
        for receipt, grid in read_receipts(campaign, pair)
    )
    return Difference(pair[0], pair[1], changes(campaign.plan, before, after))
