"""Returns that are checked while others are read stand as if they had been checked in one go."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest

from perfxl.campaign import INBOX, ORIGINALS, Campaign
from perfxl.errors import Missing
from perfxl.files import sha256_of
from perfxl.ledger import Form
from perfxl.resources import samples
from perfxl.stages import check_along
from perfxl.stages.check_along import CheckAlong, Checked
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.gather import gather
from perfxl.stages.ingest import incoming, ingest
from perfxl.stages.initialize import init
from perfxl.tables import Severity, Status

WHEN = dt.datetime(2024, 1, 10, 9)
LATER = dt.datetime(2024, 3, 1, 9)


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    """A new one; the sample returns lie in 收件/."""
    made = init(tmp_path / "campaign", stamp_key=SAMPLE_STAMP_KEY)
    for path in (samples() / "returns").glob("*.xlsx"):
        shutil.copyfile(str(path), made.path(INBOX) / path.name)
    yield made
    made.close()


def checked_in_one_go(campaign: Campaign) -> dict[str, Checked]:
    gathered = gather(campaign)
    counts = gathered.checked.findings.groupby(["unit", "severity"]).size().to_dict()
    return {
        unit: Checked(
            receipt.sha256,
            gathered.status[unit],
            counts.get((unit, Severity.ERROR), 0),
            counts.get((unit, Severity.VERIFY), 0),
        )
        for unit, receipt in gathered.receipts.items()
    }


def checked_along(campaign: Campaign, when: dt.datetime = WHEN) -> dict[str, Checked]:
    checks = CheckAlong(campaign)
    ingest(campaign, incoming(campaign, [], when)[0], when_recorded=checks.take)
    return dict(checks.finish())


@pytest.mark.parametrize("together", [512, 8, 20])
def test_in_parts_or_in_one_go(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr("perfxl.stages.ingest._TOGETHER", 4)
    monkeypatch.setattr(check_along, "_TOGETHER", together)
    found = checked_along(campaign)
    assert len(found) > 25
    assert any(one.errors for one in found.values())
    assert found == checked_in_one_go(campaign)


def test_a_second_return_of_a_unit_that_was_checked_already(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfxl.stages.ingest._TOGETHER", 1)
    monkeypatch.setattr(check_along, "_TOGETHER", 1)
    (first,) = campaign.path(INBOX).glob("SL2023-103-*")
    again = first.with_name(f"更正{first.name}")
    book = openpyxl.load_workbook(first)
    book["自评表"]["A1"].value = "更正"
    book.save(again)
    found = checked_along(campaign, LATER)
    assert found == checked_in_one_go(campaign)
    assert {one.status for one in found.values()} == {Status.LATE}
    receipts = campaign.ledger.receipts(Form.RETURN)
    assert sum(receipt.holder == "103" for receipt in receipts) == 2
    assert found["103"].receipt == sha256_of(again.read_bytes())


def test_what_goes_wrong_is_told_when_everything_is_recorded(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("perfxl.stages.ingest._TOGETHER", 1)
    monkeypatch.setattr(check_along, "_TOGETHER", 1)

    def gone(*_: object) -> None:
        raise Missing("原件不见了")

    monkeypatch.setattr("perfxl.stages.gather.gather", gone)
    checks = CheckAlong(campaign)
    ingest(campaign, incoming(campaign, [], WHEN)[0], when_recorded=checks.take)
    assert (
        len(campaign.ledger.receipts(Form.RETURN))
        == len(list(campaign.path(ORIGINALS).iterdir()))
        == 31
    )
    with pytest.raises(Missing, match="原件不见了"):
        checks.finish()


def test_nothing_taken_nothing_checked(campaign: Campaign) -> None:
    assert CheckAlong(campaign).finish() == {}
