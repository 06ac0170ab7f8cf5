"""Returns that are checked while others are read stand as if they had been checked in one go."""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner

from perfxl.campaign import INBOX, ORIGINALS, Campaign
from perfxl.cli import cli
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


@pytest.mark.parametrize("error", [Missing("原件不见了"), ValueError("原件不见了")])
def test_what_goes_wrong_is_told_when_everything_is_recorded(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setattr("perfxl.stages.ingest._TOGETHER", 1)
    monkeypatch.setattr(check_along, "_TOGETHER", 1)

    def gone(*_: object) -> None:
        raise error

    monkeypatch.setattr("perfxl.stages.gather.gather", gone)
    checks = CheckAlong(campaign)
    ingest(campaign, incoming(campaign, [], WHEN)[0], when_recorded=checks.take)
    assert (
        len(campaign.ledger.receipts(Form.RETURN))
        == len(list(campaign.path(ORIGINALS).iterdir()))
        == 31
    )
    with pytest.raises(type(error), match="原件不见了"):
        checks.finish()


def test_nothing_taken_nothing_checked(campaign: Campaign) -> None:
    assert CheckAlong(campaign).finish() == {}


def without_identity(path: Path) -> bytes:
    """A return that only its file name says anything of."""
    book = openpyxl.load_workbook(path)
    del book["_perfxl"]
    for name in list(book.defined_names):
        del book.defined_names[name]
    for name in book.custom_doc_props.names:
        del book.custom_doc_props[name]
    cover = book["封面"]
    for row in cover.iter_rows():
        for cell in row:
            if cell.value in ("石楼县公安局", "105", 105):
                cell.value = None
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


@pytest.fixture
def nameless(campaign: Campaign) -> bytes:
    (path,) = campaign.path(INBOX).glob("SL2023-105-*")
    data = without_identity(path)
    for each in campaign.path(INBOX).iterdir():
        each.unlink()
    return data


def test_the_same_bytes_under_the_names_of_two_units(campaign: Campaign, nameless: bytes) -> None:
    """What they were first taken for stands, and both are told."""
    names = ("石楼县公安局.xlsx", "石楼县教育科技局.xlsx")
    for number, name in enumerate(names):
        (campaign.path(INBOX) / name).write_bytes(nameless)
        os.utime(campaign.path(INBOX) / name, (1_700_000_000 + number,) * 2)
    done = CliRunner().invoke(cli, ["-C", str(campaign.folder), "ingest"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    assert "文件 2 个：新收 1 个（有效 1 个），以前收过 1 个" in done.output
    assert checked_in_one_go(campaign).keys() == {"105"}


def test_the_same_bytes_under_another_suffix_are_kept_once(
    campaign: Campaign, nameless: bytes
) -> None:
    """And where somebody took the original away, they are kept as the receipt says."""
    (campaign.path(INBOX) / "无名.xlsx").write_bytes(nameless)
    ingest(campaign, incoming(campaign, [], WHEN)[0])
    (first,) = campaign.path(ORIGINALS).iterdir()
    first.unlink()
    (campaign.path(INBOX) / "无名.xlsx").rename(campaign.path(INBOX) / "石楼县公安局.et")
    assert checked_along(campaign).keys() == {"105"}
    assert list(campaign.path(ORIGINALS).iterdir()) == [first]
    (receipt,) = campaign.ledger.receipts(Form.RETURN)
    assert receipt.original == first.name
