"""What several verbs start from: the returns in force, their tables, checks, scores and ranking.

Everything here is derived again from 原件/ and the ledger each time; nothing of it is stored.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from perfxl import scoring
from perfxl.campaign import Campaign
from perfxl.checks.runner import CheckResult, run_checks
from perfxl.errors import Unreadable
from perfxl.excel.reader import Grid, read_lot
from perfxl.intake.assembly import assemble
from perfxl.intake.extract import Extracted, Layouts, Return, extract_one
from perfxl.intake.identity import identify
from perfxl.isolation.reading_ahead import ahead, in_lots
from perfxl.isolation.service import kept_workers
from perfxl.ledger import Draw, Form, Receipt, Verdict
from perfxl.plan.model import LedgerFigure, Plan
from perfxl.spot_checks.results import in_force, problems_of_units
from perfxl.stages.project_list import projects_in_force
from perfxl.stages.received import original_of
from perfxl.tables import (
    CHECKED,
    ENTERED,
    SAMPLE,
    ReturnTables,
    Status,
    SystemProjects,
    frame_of,
)

if TYPE_CHECKING:
    from perfxl.application import Applied
    from perfxl.facts.campaign import CampaignFacts
    from perfxl.reviews.lines import ReviewLine
    from perfxl.reviews.merging import Merged

_NEVER = dt.datetime.min


@dataclass(frozen=True)
class Gathered:
    """One campaign as it stands now; ``entered`` (``tables.ENTERED``) are all approved scores.

    ``projects`` is the budget system's list, where one was imported.
    """

    plan: Plan
    receipts: Mapping[str, Receipt]
    status: Mapping[str, Status]
    tables: ReturnTables
    entered: pd.DataFrame
    projects: SystemProjects | None = None

    @cached_property
    def computed(self) -> pd.DataFrame:
        """What the methods give (``tables.COMPUTED``)."""
        return scoring.compute(self.plan, self.tables)

    @cached_property
    def checked(self) -> CheckResult:
        """Findings and outcomes of all checks."""
        return run_checks(self.plan, self.tables, self.computed, self.projects)

    @cached_property
    def merged(self) -> Merged:
        """The approved scores in force, and where reviewers disagree."""
        from perfxl.reviews.merging import merge

        return merge(self.plan, self.entered)

    @cached_property
    def scores(self) -> pd.DataFrame:
        """Scores of all units and indicators (``tables.SCORES``)."""
        return scoring.score(self.plan, self.tables, self.computed, self.merged.in_force)

    @cached_property
    def lines(self) -> Mapping[str, list[ReviewLine]]:
        """What each section judges, with the scores in force."""
        from perfxl.reviews.lines import review_lines

        return review_lines(self.plan, self.tables, self.scores, self.checked.findings)

    @cached_property
    def look_again(self) -> pd.DataFrame:
        """Approved scores under which something changed (``tables.LOOK_AGAIN``)."""
        from perfxl.reviews.lines import look_again

        return look_again(self.plan, self.lines, self.entered)

    @cached_property
    def ranking(self) -> pd.DataFrame:
        """Totals, grades and ranks (``tables.RANKING``)."""
        return scoring.ranking(self.plan, self.scores, self.status)

    @cached_property
    def facts(self) -> CampaignFacts:
        """What the documents state of the campaign."""
        from perfxl.facts.campaign import campaign_facts

        return campaign_facts(
            self.plan, self.scores, self.ranking, self.checked.findings, self.status
        )

    @cached_property
    def applied(self) -> Applied | None:
        """What the grades mean for next year's budget; None where the plan does not say."""
        from perfxl.application import apply_results

        application = self.plan.application
        if application is None:
            return None
        return apply_results(self.plan, application, self.ranking, self.tables)


def gather(
    campaign: Campaign,
    units: Collection[str] | None = None,
    known: Mapping[str, Extracted] | None = None,
) -> Gathered:
    """Read the return in force of every unit and extract the tables of the batch.

    ``units`` (codes) limits the batch to some, and what is known of units to these; ``known`` is
    what was already read, by hash.
    """
    plan = campaign.plan
    asked = [unit.code for unit in plan.units if units is None or unit.code in units]
    in_force, first = returns_in_force(campaign, units)
    wanted = {code: in_force[code] for code in asked if code in in_force}
    deadlines = deadline_of_units(campaign)
    status = {code: _status(first.get(code), deadlines[code]) for code in asked}
    known = known or {}
    hashes = [receipt.sha256 for receipt in wanted.values()]
    extracted = {digest: known[digest] for digest in hashes if digest in known}
    layouts = Layouts(plan)
    unread = [receipt for receipt in wanted.values() if receipt.sha256 not in extracted]
    for receipt, grid in read_receipts(campaign, unread):
        unit = plan.unit_by_code[receipt.holder]
        identity = identify(plan, grid, receipt.file, campaign.stamp_key, receipt.sender)
        one = Return(receipt.sha256, receipt.file, unit, identity, grid)
        extracted[receipt.sha256] = extract_one(layouts, one)
    batch = [extracted[receipt.sha256] for receipt in wanted.values()]
    figures = ledger_figures(campaign, status)
    return Gathered(
        plan,
        wanted,
        status,
        assemble(plan, batch, figures),
        entered_scores(campaign),
        projects_in_force(campaign),
    )


def entered_scores(campaign: Campaign) -> pd.DataFrame:
    """Every approved score ever entered, in order (``tables.ENTERED``)."""
    return frame_of([vars(review) for review in campaign.ledger.reviews()], ENTERED)


def read_receipts(
    campaign: Campaign, receipts: Sequence[Receipt]
) -> Iterator[tuple[Receipt, Grid]]:
    """The contents of received workbooks, read ahead of the caller.

    Raises Missing for an original that is gone, Unreadable where one cannot be read any more.
    """

    def read(lot: Sequence[Receipt]) -> list[Grid | Unreadable]:
        return read_lot([(original_of(campaign, one), one.file) for one in lot])

    kept_workers().start(len(receipts))
    for lot, grids in ahead(read, in_lots(receipts, lambda receipt: receipt.size)):
        for receipt, grid in zip(lot, grids, strict=True):
            if isinstance(grid, Unreadable):
                raise grid
            yield receipt, grid


def deadline_of_units(campaign: Campaign) -> dict[str, dt.datetime]:
    """The deadline of every unit: the plan's, or a later one that was granted to it."""
    general = campaign.plan.campaign.deadline
    granted = {one.unit: one.until for one in campaign.ledger.extensions()}
    return {unit.code: granted.get(unit.code, general) for unit in campaign.plan.units}


def ledger_figures(
    campaign: Campaign, status: Mapping[str, Status]
) -> dict[str, dict[LedgerFigure, int | None]]:
    """What the ledger counts of each unit; a return that was sent back twice counts once.

    None is unknown: the problems that a spot check found are, until there was one and everything
    that was drawn of the unit is checked; of a unit that was not drawn they are none.
    """
    checked = checked_sample(campaign)
    found = None if checked is None else problems_of_units(checked)
    sent_back = {(one.unit, one.receipt) for one in campaign.ledger.send_backs()}
    times = Counter(unit for unit, _ in sent_back)
    return {
        code: {
            LedgerFigure.LATE: int(state is Status.LATE),
            LedgerFigure.SENT_BACK: times[code],
            LedgerFigure.LATE_AND_SENT_BACK: int(state is Status.LATE) + times[code],
            LedgerFigure.SPOT_CHECK: None if found is None else _known(found.get(code, 0)),
        }
        for code, state in status.items()
    }


def _known(found: int | str) -> int | None:
    return found if isinstance(found, int) else None


def checked_sample(campaign: Campaign) -> pd.DataFrame | None:
    """The sample of the last draw with what was found (``tables.SAMPLE_CHECKED``); None before."""
    draws = campaign.ledger.draws()
    if not draws:
        return None
    entered = frame_of([vars(one) for one in campaign.ledger.checked()], CHECKED)
    return in_force(sample_of(draws[-1]), entered)


def sample_of(draw: Draw) -> pd.DataFrame:
    """The projects of a draw (``tables.SAMPLE``)."""
    return frame_of([vars(one) for one in draw.projects], SAMPLE)


def returns_in_force(
    campaign: Campaign, units: Collection[str] | None = None
) -> tuple[dict[str, Receipt], dict[str, Receipt]]:
    """Per unit code, the return that counts and the first one (it says whether the unit is late).

    ``units`` (codes) limits this to some. The newest valid one counts, but one of doubtful identity
    never before one that is not. Of several that were taken in together, the one whose mail was
    sent last.
    """
    asked = {code for code in campaign.plan.unit_by_code if units is None or code in units}
    newest: dict[str, Receipt] = {}
    first: dict[str, Receipt] = {}
    received = campaign.ledger.receipts(Form.RETURN, units)
    for receipt in sorted(received, key=lambda one: (one.counts_from, one.sent_at or _NEVER)):
        unit = receipt.holder
        if receipt.verdict is not Verdict.VALID or unit not in asked:
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


def _status(first: Receipt | None, deadline: dt.datetime) -> Status:
    if first is None:
        return Status.NOT_RETURNED
    return Status.LATE if first.received_at > deadline else Status.ON_TIME
