"""Whatever is run again, in whatever order: a score that a person entered stays what he entered."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from made_campaigns import Sheets, changed_plan, type_into_book

from perfxl.campaign import Campaign
from perfxl.errors import NothingToDo
from perfxl.stages.check import check_file
from perfxl.stages.circular import circular
from perfxl.stages.consolidate import consolidate
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.diff import diff
from perfxl.stages.explain import explain_unit
from perfxl.stages.extend import extend
from perfxl.stages.gather import gather
from perfxl.stages.history import history
from perfxl.stages.ingest import Incoming, incoming, ingest
from perfxl.stages.issue import issue
from perfxl.stages.objection import answer_objection, object_to
from perfxl.stages.review import book_path, ingest_books, issue_books
from perfxl.stages.send_back import send_back
from perfxl.stages.spot_check import draw_sample, ingest_book
from perfxl.stages.status import status
from perfxl.tables import whole

SAMPLES = Path(__file__).resolve().parent.parent.parent / "samples" / "returns"
NOW = dt.datetime(2024, 1, 26, 10, 0)
# Indicators of each method; those of the last section are judged by another than the unit's own.
UNITS, INDICATORS = ("101", "102", "201"), ("1.1.1", "1.2.1", "3.1", "6.2", "9.1", "9.2")
Key = tuple[str, str]


def of_three(sheets: Sheets) -> None:
    sheets["单位名录"] = [row for row in sheets["单位名录"] if row["单位编码"] in UNITS]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign of three units that have returned, its books issued and nothing judged."""
    folder = tmp_path_factory.mktemp("begun") / "campaign"
    campaign = Campaign.create(folder, changed_plan(of_three), SAMPLE_STAMP_KEY)
    issue(campaign, NOW)
    files = [next(SAMPLES.glob(f"*-{unit}-*.xlsx")) for unit in UNITS]
    ingest(campaign, [Incoming(file, NOW) for file in files])
    issue_books(campaign, NOW)
    campaign.close()
    return folder


class Office(RuleBasedStateMachine):
    """People who work in one campaign, and what each of them entered last."""

    begun: Path

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copytree(self.begun, self.folder / "campaign")
        self.campaign = Campaign(self.folder / "campaign")
        self.entered: dict[Key, int] = {}
        self.minutes = 0
        self.old_books: list[Path] = []

    def teardown(self) -> None:
        if hasattr(self, "campaign"):
            self.campaign.close()
            shutil.rmtree(self.folder)

    def now(self) -> dt.datetime:
        self.minutes += 1
        return NOW + dt.timedelta(minutes=self.minutes)

    @rule()
    def issue_again(self) -> None:
        issue(self.campaign, self.now())

    @rule()
    def ingest_again(self) -> None:
        files, _ = incoming(self.campaign, [], self.now())
        ingest(self.campaign, files)

    @rule(unit=st.sampled_from(UNITS), row=st.integers(6, 38), claim=st.integers(0, 6))
    def a_unit_returns_again(self, unit: str, row: int, claim: int) -> None:
        receipt = gather(self.campaign, {unit}).receipts[unit]
        book = openpyxl.load_workbook(self.campaign.original(receipt.original))
        if not str(book["自评表"].cell(row, 6).value).startswith("="):
            book["自评表"].cell(row, 6).value = claim
        path = self.folder / f"再报{self.minutes}.xlsx"
        book.save(path)
        ingest(self.campaign, [Incoming(path, self.now())])

    @rule()
    def send_back(self) -> None:
        send_back(self.campaign, self.now())

    @rule()
    def issue_books_again(self) -> None:
        issue_books(self.campaign, self.now())

    @rule(
        unit=st.sampled_from(UNITS), indicator=st.sampled_from(INDICATORS), score=st.integers(0, 12)
    )
    def a_section_scores(self, unit: str, indicator: str, score: int) -> None:
        plan = self.campaign.plan
        of = plan.unit_by_code[unit]
        declared = plan.rubrics[of.kind].by_code[indicator]
        amount = min(score * plan.campaign.step, declared.full_marks)
        path = book_path(self.campaign, plan.judging_section(of, declared))
        # In the newest edition: an older one is refused, which is tested elsewhere.
        issue_books(self.campaign, self.now())
        type_into_book(path, {(unit, indicator): {"核定得分": amount / 100, "扣分原因": "理由"}})
        (taken,) = ingest_books(self.campaign, [path], self.now())
        assert not (taken.findings["severity"] == "错误").any()
        self.entered[unit, indicator] = amount
        kept = self.folder / f"旧{self.minutes}.xlsx"
        shutil.copy(path, kept)
        self.old_books.append(kept)

    @rule(data=st.data())
    def an_old_book_comes_in_once_more(self, data: st.DataObject) -> None:
        if self.old_books:
            ingest_books(self.campaign, [data.draw(st.sampled_from(self.old_books))], self.now())

    @rule()
    def books_come_in_again(self) -> None:
        ingest_books(self.campaign, [], self.now())

    @rule(
        unit=st.sampled_from(UNITS),
        indicator=st.sampled_from(INDICATORS),
        score=st.one_of(st.none(), st.integers(0, 4)),
    )
    def a_unit_objects(self, unit: str, indicator: str, score: int | None) -> None:
        plan = self.campaign.plan
        of = plan.unit_by_code[unit]
        declared = plan.rubrics[of.kind].by_code[indicator]
        number = object_to(self.campaign, of, declared, "请核", "经办人", self.now())
        amount = None if score is None else score * plan.campaign.step
        answer_objection(self.campaign, number, amount, "意见", "张三", self.now())
        if amount is not None:
            self.entered[unit, indicator] = amount

    @rule(unit=st.sampled_from(UNITS))
    def grant_an_extension(self, unit: str) -> None:
        until = dt.datetime(2024, 2, 1)
        extend(
            self.campaign, self.campaign.plan.unit_by_code[unit], until, "理由", "某", self.now()
        )

    @rule(seed=st.sampled_from(("", "另一个")))
    def draw_for_a_spot_check(self, seed: str) -> None:
        draw_sample(self.campaign, self.now(), "某", seed=seed, count=3)
        ingest_book(self.campaign, [], self.now())

    @rule()
    def consolidate(self) -> None:
        consolidate(self.campaign, self.now())

    @rule()
    def circular(self) -> None:
        circular(self.campaign, self.now())

    @rule(unit=st.sampled_from(UNITS))
    def look(self, unit: str) -> None:
        status(self.campaign)
        assert len(gather(self.campaign).ranking) == len(UNITS)
        # Of whom only one return came there is nothing to compare.
        with contextlib.suppress(NothingToDo):
            diff(self.campaign, self.campaign.plan.unit_by_code[unit])
        history(self.campaign, self.campaign.plan.unit_by_code[unit])
        explain_unit(self.campaign, self.campaign.plan.unit_by_code[unit])
        check_file(next(SAMPLES.glob(f"*-{unit}-*.xlsx")), self.campaign.plan, SAMPLE_STAMP_KEY)

    @invariant()
    def each_score_is_what_a_person_entered_last(self) -> None:
        scores = gather(self.campaign).scores
        approved = {
            (row.unit, row.indicator): whole(row.approved)
            for row in scores.itertuples(index=False)
            if whole(row.approved) is not None
        }
        assert approved == self.entered


def run(begun: Path, examples: int, steps: int) -> None:
    class Begun(Office):
        pass

    Begun.begun = begun
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Begun,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_no_verb_changes_a_score(begun: Path) -> None:
    run(begun, examples=1, steps=8)


@pytest.mark.slow
def test_no_verb_changes_a_score_in_many_orders(begun: Path) -> None:
    run(begun, examples=20, steps=12)
