"""A campaign's ledger is moved to a server and back: nothing differs, and nobody writes aside."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from postgres_server import PASSWORD, PostgresServer

from perfxl.campaign import LEDGER_ADDRESS_FILE, LEDGER_FILE, ORIGINALS, Campaign
from perfxl.cli.main import cli
from perfxl.errors import (
    AlreadyThere,
    LedgerMoved,
    LedgerNotMoved,
    NothingToDo,
    OtherLedger,
)
from perfxl.ledger import Extension, Ledger, Objection
from perfxl.ledger.schema import METADATA
from perfxl.stages import ledger as stage
from perfxl.stages.gather import gather
from perfxl.stages.initialize import init

NOW = dt.datetime(2024, 2, 20, 9, 0)
LATER = NOW + dt.timedelta(minutes=1)


def everything(ledger: Ledger) -> dict[str, list[dict[str, object]]]:
    """All rows but what a ledger says of itself."""
    return {name: ledger._rows(table) for name, table in METADATA.tables.items() if "id" in table.c}


def moved(campaign: Campaign, url: str) -> Campaign:
    """The campaign after its ledger was moved."""
    campaign.close()
    stage.move(campaign, url, NOW)
    return Campaign(campaign.folder)


def stop(*_: object) -> None:
    """What happens when somebody closes the window."""
    raise KeyboardInterrupt


def test_there_and_back(campaign: Campaign, database: str) -> None:
    before, scores = everything(campaign.ledger), gather(campaign).scores
    key = campaign.stamp_key
    campaign.close()
    result = stage.move(campaign, database, NOW)
    assert result.rows["receipts"] == len(before["verdicts"]) - 1 > 30
    assert result.kept is not None and result.kept.is_file()
    assert not (campaign.folder / LEDGER_FILE).exists()

    there = Campaign(campaign.folder)
    assert there.ledger.backend.engine.dialect.name == "postgresql"
    assert everything(there.ledger) == before
    assert there.stamp_key == key
    assert gather(there).scores.equals(scores)
    # The next number follows the last one that was copied.
    extension = Extension("101", LATER, "雪灾", "韩晓东", NOW)
    there.ledger.record_extension(extension)
    objection = Objection("101", "6.2", "请复核", 600, "申请.docx", "a.docx", NOW, "韩晓东")
    number = there.ledger.record_objection(objection)
    there.close()

    stage.move_back(Campaign(campaign.folder), LATER)
    again = Campaign(campaign.folder)
    assert again.ledger.backend.engine.dialect.name == "sqlite"
    assert again.ledger.extensions() == [extension]
    assert again.ledger.objections() == [replace(objection, number=number)]
    after = everything(again.ledger)
    assert {**after, "extensions": [], "objections": []} == before
    assert again.stamp_key == key
    again.close()
    assert everything(moved(again, database).ledger) == after


@pytest.mark.slow
def test_on_the_command_line(campaign: Campaign, database: str) -> None:
    def told(*arguments: str) -> str:
        done = CliRunner().invoke(cli, ["-C", str(campaign.folder), "ledger", *arguments])
        assert done.exception is None, done.output
        return done.output

    campaign.close()
    assert LEDGER_FILE in told("status")
    assert "全部一致" in told("move", database)
    assert "收到文件 38 个" in (shown := told("status"))
    assert database in shown
    assert LEDGER_FILE in told("back")
    text = "".join(path.read_text(encoding="utf-8") for path in campaign.folder.glob("*.txt"))
    assert PASSWORD not in text + shown


@pytest.mark.slow
def test_the_folder_says_where_and_never_the_password(campaign: Campaign, database: str) -> None:
    moved(campaign, database)
    text = (campaign.folder / LEDGER_ADDRESS_FILE).read_text(encoding="utf-8-sig")
    assert f"连接：{database}\n" in text
    assert PASSWORD not in text
    # As Windows' editor leaves it.
    (campaign.folder / LEDGER_ADDRESS_FILE).write_bytes(
        text.replace("\n", "\r\n").replace("：postgresql", ": postgresql").encode("utf-8-sig")
    )
    Campaign(campaign.folder).ledger.close()


@pytest.mark.slow
def test_a_program_that_had_the_old_ledger_open_records_nothing_in_it(
    campaign: Campaign, database: str
) -> None:
    ledger, count = campaign.ledger, len(campaign.ledger.verdicts())
    there = Campaign(campaign.folder)
    stage.move(there, database, NOW)
    receipt = ledger.verdicts()[0]
    with pytest.raises(LedgerMoved):
        ledger.record_receipt(receipt, NOW)
    held = there.ledger
    stage.move_back(Campaign(campaign.folder), LATER)
    with pytest.raises(LedgerMoved):
        held.record_receipt(receipt, NOW)
    assert len(Campaign(campaign.folder).ledger.verdicts()) == count


@pytest.mark.slow
def test_a_move_that_was_stopped_is_done_again(
    campaign: Campaign, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the folder says where the ledger is, and before the old file is put aside."""
    before = everything(campaign.ledger)
    campaign.close()
    for name in ("write_atomically", "_set_aside"):
        with monkeypatch.context() as patch:
            patch.setattr(stage, name, stop)
            with pytest.raises(KeyboardInterrupt):
                stage.move(campaign, database, NOW)
        if name == "write_atomically":
            with pytest.raises(LedgerMoved, match="ledger move"):
                _ = Campaign(campaign.folder).ledger
    # The folder named the server by then, and so the ledger is there.
    there = Campaign(campaign.folder)
    assert everything(there.ledger) == before
    with pytest.raises(AlreadyThere):
        stage.move(there, database, LATER)
    there.close()


@pytest.mark.slow
@pytest.mark.parametrize("stopped", ["before", "after"])
def test_a_move_back_that_was_stopped_is_done_again(
    campaign: Campaign, database: str, monkeypatch: pytest.MonkeyPatch, stopped: str
) -> None:
    before = everything(campaign.ledger)
    there = moved(campaign, database)
    with monkeypatch.context() as patch:
        if stopped == "before":
            # The file is in place, and the server does not yet know of it.
            patch.setattr(stage, "sync_folder", stop)
        else:
            patch.setattr(stage, "_forget_server", stop)
        with pytest.raises(KeyboardInterrupt):
            stage.move_back(there, NOW)
    if stopped == "before":
        # The server still has it, and takes in.
        assert Campaign(campaign.folder).ledger.setting("another", "x") == "x"
    else:
        with pytest.raises(LedgerMoved, match="ledger back"):
            _ = Campaign(campaign.folder).ledger
    stage.move_back(Campaign(campaign.folder), LATER)
    assert everything(Campaign(campaign.folder).ledger) == before


@pytest.mark.slow
def test_nothing_to_move(campaign: Campaign, database: str) -> None:
    with pytest.raises(NothingToDo):
        stage.move_back(campaign, NOW)
    campaign.close()
    (campaign.folder / LEDGER_FILE).rename(campaign.folder / "elsewhere.db")
    with pytest.raises(LedgerNotMoved, match="没有可以移动的台账"):
        stage.move(campaign, database, NOW)


@pytest.mark.slow
def test_a_row_that_does_not_come_back_as_it_was_stops_the_move(
    campaign: Campaign, database: str, postgres: PostgresServer
) -> None:
    """A trigger of the server's changes what is written."""
    campaign.close()
    postgres.execute(
        "CREATE FUNCTION falsify() RETURNS event_trigger LANGUAGE plpgsql AS $$ DECLARE t text; "
        "BEGIN SELECT object_identity INTO t FROM pg_event_trigger_ddl_commands() "
        "WHERE object_type = 'table' AND object_identity LIKE '%.receipts'; "
        "IF t IS NOT NULL THEN EXECUTE 'CREATE RULE falsify AS ON INSERT TO ' || t || "
        "' DO ALSO UPDATE ' || t || ' SET size = size + 1 WHERE sha256 = new.sha256'; END IF; "
        "END $$",
        "CREATE EVENT TRIGGER falsify ON ddl_command_end WHEN TAG IN ('CREATE TABLE') "
        "EXECUTE FUNCTION falsify()",
        database=database.rsplit("/", 1)[1],
    )
    with pytest.raises(LedgerNotMoved, match="receipts"):
        stage.move(campaign, database, NOW)
    again = Campaign(campaign.folder)
    assert not (again.folder / LEDGER_ADDRESS_FILE).exists()
    assert again.ledger.verdicts()


@pytest.mark.slow
def test_an_address_that_names_another_campaign_is_refused(
    campaign: Campaign, database: str, tmp_path: Path
) -> None:
    """Two campaigns on one server; the file of one is copied, or edited, into the other."""
    other = init(tmp_path / "other")
    other.ledger.setting("stamp_key", "00")
    there, beside = moved(campaign, database), moved(other, database)
    assert there.ledger_address != beside.ledger_address
    mine, theirs = (one.folder / LEDGER_ADDRESS_FILE for one in (there, beside))
    own = mine.read_text(encoding="utf-8-sig")
    # Only the schema of the other.
    schemas = [one.ledger_address.schema for one in (there, beside) if one.ledger_address]
    mine.write_text(own.replace(*schemas), encoding="utf-8")
    with pytest.raises(OtherLedger, match="另一个考核"):
        _ = Campaign(there.folder).ledger
    # The whole file: the originals are not here.
    theirs.write_text(own, encoding="utf-8")
    with pytest.raises(OtherLedger, match="共享文件夹"):
        _ = Campaign(beside.folder).ledger


@pytest.mark.slow
def test_a_folder_copied_for_next_year_does_not_write_into_this_years_ledger(
    campaign: Campaign, database: str, tmp_path: Path
) -> None:
    there = moved(campaign, database)
    there.close()
    shutil.copytree(there.folder, tmp_path / "next")
    book = openpyxl.load_workbook(tmp_path / "next" / "考核方案.xlsx")
    for row in book["考核信息"].iter_rows():
        for cell in row:
            if cell.value == "SL2023":
                cell.value = "SL2024"
    book.save(tmp_path / "next" / "考核方案.xlsx")
    with pytest.raises(OtherLedger, match="SL2024"):
        _ = Campaign(tmp_path / "next").ledger


@pytest.mark.slow
def test_lost_originals_are_told(campaign: Campaign, database: str) -> None:
    there = moved(campaign, database)
    shutil.rmtree(there.path(ORIGINALS))
    with pytest.raises(OtherLedger, match="原件"):
        _ = there.ledger
