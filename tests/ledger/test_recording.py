"""What the ledger records and says is the same on either database, also for several programs."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import pytest
from conftest import OpenLedger, new_on_server
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from postgres_server import PASSWORD

from perfxl.ledger import (
    Collected,
    Consolidation,
    Draw,
    DrawnProject,
    Extension,
    Form,
    Issue,
    Ledger,
    MailRecord,
    MailState,
    Objection,
    ObjectionAnswer,
    Problem,
    ProblemDecision,
    ProblemReport,
    Receipt,
    Review,
    SendBack,
    Verdict,
)
from perfxl.ledger.schema import METADATA, storable

T = TypeVar("T")
NOW = dt.datetime(2024, 1, 26, 10, 0)
LATER = NOW + dt.timedelta(hours=1)
FILE = Receipt("a" * 64, Form.RETURN, "101", "f.xlsx", "a.xlsx", 1, NOW, Verdict.VALID)
MAIL = MailRecord(
    "101", "下发", "", 1, "<1@x>", "a@example.com", "s", "", MailState.SENDING, "", "甲", NOW
)


def test_the_same_bytes_are_taken_once(open_ledger: OpenLedger) -> None:
    ledger = open_ledger()
    assert ledger.record_receipt(FILE, NOW)
    assert not ledger.record_receipt(FILE, NOW)
    assert ledger.receipts(Form.RETURN) == [replace(FILE, decided_at=NOW)]


def test_a_new_verdict_stands_beside_the_old_one(open_ledger: OpenLedger) -> None:
    ledger = open_ledger()
    unknown = replace(FILE, holder="", verdict=Verdict.UNKNOWN_UNIT)
    later = NOW + dt.timedelta(days=3)
    known = replace(unknown, holder="101", verdict=Verdict.VALID, received_at=later)
    ledger.record_receipt(unknown, NOW)
    assert ledger.record_receipt(known, later)
    (receipt,) = ledger.receipts(Form.RETURN)
    assert (receipt.holder, receipt.verdict) == ("101", Verdict.VALID)
    assert receipt.received_at == NOW  # the time of receipt is when the file first came
    assert ledger.receipt(FILE.sha256, Form.REVIEW) is None


def test_what_a_person_decided_is_not_undone_by_an_ingest_that_knew_less(
    open_ledger: OpenLedger,
) -> None:
    """Another ingest judged the same file before the decision, and records after it."""
    ledger = open_ledger()
    unknown = replace(FILE, holder="", verdict=Verdict.UNKNOWN_UNIT)
    decided = replace(FILE, decided_by="韩晓东")
    assert ledger.record_receipts([(unknown, NOW)]) == [True]
    assert ledger.record_receipts([(decided, LATER)]) == [True]
    assert ledger.record_receipts([(unknown, LATER)]) == [False]
    assert ledger.receipt(FILE.sha256, Form.RETURN) == replace(decided, decided_at=LATER)
    other = replace(decided, holder="102")
    assert ledger.record_receipts([(other, LATER)]) == [True]
    assert ledger.receipt(FILE.sha256, Form.RETURN) == replace(other, decided_at=LATER)


def test_a_book_taken_in_by_two_programs_brings_each_score_once(open_ledger: OpenLedger) -> None:
    ledger, other = open_ledger(), open_ledger()
    book = replace(FILE, form=Form.REVIEW, holder="教科文股")
    score = Review(
        book.sha256, "101", "6.2", "教科文股", 1, 400, "", "甲", "评分表", 9, recorded_at=NOW
    )
    assert ledger.record_receipt(book, NOW, [score])
    assert not other.record_receipt(book, LATER, [replace(score, recorded_at=LATER)])
    assert ledger.reviews() == other.reviews() == [score]
    assert other.record_receipt(book, LATER, [replace(score, indicator="6.3")])
    assert len(ledger.reviews()) == 2


def test_text_that_no_database_keeps_is_recorded_once(open_ledger: OpenLedger) -> None:
    """Also where it is compared with what was recorded before."""
    ledger = open_ledger()
    strange = replace(FILE, verdict=Verdict.DAMAGED, detail="a\0b\udc80")
    assert ledger.record_receipts([(strange, NOW)]) == [True]
    assert ledger.record_receipts([(strange, LATER)]) == [False]
    assert [one.detail for one in ledger.verdicts()] == ["a?b?"]


def test_a_moment_with_a_zone_is_refused(open_ledger: OpenLedger) -> None:
    aware = replace(FILE, received_at=NOW.replace(tzinfo=dt.UTC))
    with pytest.raises(Exception, match="local times"):
        open_ledger().record_receipt(aware, NOW)
    assert open_ledger().verdicts() == []


def at_once(jobs: list[Callable[[], T]]) -> list[T]:
    """What each of them returns, begun at the same moment."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        barrier.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_of_several_programs_one_is_first(open_ledger: OpenLedger) -> None:
    ledgers = [open_ledger() for _ in range(4)]
    one = ledgers[0]
    files = [replace(FILE, sha256=f"{number:064}") for number in range(40)]
    number = one.record_objection(
        Objection("101", "6.2", "请复核", 600, "f.docx", "f.docx", NOW, "甲")
    )
    answer = ObjectionAnswer(number, 400, 500, "同意", "甲", NOW)
    assert len(set(at_once([lambda at=at: at.setting("key", str(id(at))) for at in ledgers]))) == 1
    assert sum(at_once([lambda at=at: at.begin_mail(MAIL, 0) for at in ledgers])) == 1
    assert sum(at_once([lambda at=at: at.record_answer(answer, None) for at in ledgers])) == 1
    taken = at_once(
        [
            # Each in another order, the same files.
            lambda at=at, n=n: at.record_receipts([(f, NOW) for f in (*files[n:], *files[:n])])
            for n, at in enumerate(ledgers)
        ]
    )
    assert sum(sum(each) for each in taken) == len(files)
    assert sorted(v.sha256 for v in one.verdicts()) == [file.sha256 for file in files]
    assert len(one.mails()) == len(one.answers()) == 1


@pytest.mark.slow
def test_a_reader_sees_one_moment(open_ledger: OpenLedger) -> None:
    """Every draw with its projects, while another program records draws."""
    writer, reader = open_ledger(), open_ledger()
    project = DrawnProject(1, "101", "部门", "p", "n", "s", "r", "f", "t", 5, "是")
    draw = Draw("seed", "办法", 10, "10%", "", "甲", NOW, tuple([project] * 30))
    stop = threading.Event()

    def write() -> int:
        for _ in range(15):
            writer.record_draw(draw)
        stop.set()
        return 0

    def read() -> int:
        torn = 0
        while not stop.is_set():
            torn += any(len(one.projects) != 30 for one in reader.draws())
        return torn

    assert at_once([write, read]) == [0, 0]
    assert [one.number for one in reader.draws()] == list(range(1, 16))


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=200)
VALUES: dict[object, st.SearchStrategy[Any]] = {
    str: st.one_of(ANY_TEXT, st.sampled_from(["", "\0", "'; --", "石楼", "a" * 5000, "İi", "01"])),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    dt.date: st.dates(),
    dt.datetime: st.datetimes(),
}
RECORDED = (Issue, Extension, SendBack, ProblemDecision, Problem, Consolidation, Collected)


def anything(kind: type[T]) -> st.SearchStrategy[T]:
    """Any record of a kind."""

    def of(hint: Any) -> st.SearchStrategy[Any]:
        if hint in VALUES:
            return VALUES[hint]
        options = getattr(hint, "__args__", None)
        if options:
            return st.one_of(*(st.none() if one is type(None) else of(one) for one in options))
        return st.sampled_from(hint)

    hints = get_type_hints(kind)
    return st.builds(kind, **{field.name: of(hints[field.name]) for field in fields(kind)})  # type: ignore[arg-type]


def as_kept(record: T) -> T:
    texts = {k: storable(v) for k, v in vars(record).items() if type(v) is str}
    return replace(record, **texts)  # type: ignore[type-var]


@pytest.fixture(scope="module")
def pair(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One ledger on either database."""
    folder = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch, postgres.database("pair") as url:
        patch.setenv("PERFXL_LEDGER_PASSWORD", PASSWORD)
        both = (
            Ledger.at(folder / "台账.db"),
            Ledger.on_server(new_on_server(url, folder), PASSWORD),
        )
        yield both
        for ledger in both:
            ledger.close()


@pytest.mark.slow
@settings(
    max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(st.data())
def test_whatever_is_recorded_reads_the_same(
    pair: tuple[Ledger, Ledger], data: st.DataObject
) -> None:
    issue, extension, back, decision, problem, made, collected = (
        data.draw(anything(kind)) for kind in RECORDED
    )
    report = data.draw(anything(ProblemReport))
    receipt = replace(
        data.draw(anything(Receipt)), sha256=f"{data.draw(st.integers(0)):064x}", decided_by="甲"
    )
    review = replace(data.draw(anything(Review)), receipt=receipt.sha256)
    found = []
    for ledger in pair:
        ledger.record_issues([issue])
        ledger.record_extension(extension)
        ledger.record_send_back(back)
        ledger.record_problem_decisions([decision])
        ledger.record_problems([problem])
        ledger.record_consolidation(made)
        ledger.record_collected([collected])
        ledger.record_receipt(receipt, NOW, [review])
        ledger.record_rectification(receipt, NOW, [replace(report, receipt=receipt.sha256)])
        last = (
            ledger.all_issues()[-1],
            ledger.extensions()[-1],
            ledger.send_backs()[-1],
            ledger.problem_decisions()[-1],
            ledger.problems()[-1],
            ledger.last_consolidation(),
            ledger.collected()[-1],
        )
        assert last == tuple(
            map(as_kept, (issue, extension, back, decision, problem, made, collected))
        )
        found.append(
            (last, ledger.reviews()[-1:], ledger.problem_reports()[-1:], ledger.verdicts())
        )
    assert found[0] == found[1]
    rows = [{name: ledger.counts()[name] for name in METADATA.tables} for ledger in pair]
    # The one on the server says three things of itself.
    assert rows[0].pop("settings") <= rows[1].pop("settings")
    assert rows[0] == rows[1]


def test_these_tests_run_on_the_ledger_that_was_asked_for(tmp_path: Path) -> None:
    """With PERFXL_TEST_LEDGER=postgresql every test of the suite has its ledgers on a server."""
    ledger = Ledger.at(tmp_path / "台账.db")
    asked_for = os.environ.get("PERFXL_TEST_LEDGER", "sqlite")
    assert ledger.backend.engine.dialect.name == asked_for
    ledger.close()
