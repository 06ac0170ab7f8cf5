"""The ledger opened by two programs and by a newer perfxl."""

from __future__ import annotations

import datetime as dt
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness import environment

from perfxl.ledger import Form, Ledger, Receipt, Verdict

NOW = dt.datetime(2024, 1, 26, 10, 0)
FILE = Receipt("a" * 64, Form.RETURN, "101", "f.xlsx", "a.xlsx", 1, NOW, Verdict.VALID)

# The tables of perfxl's first ledger, before envelopes, extensions and send-backs.
FIRST = """
CREATE TABLE settings (name VARCHAR(40) NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name));
CREATE TABLE issues (id INTEGER NOT NULL, unit VARCHAR(40) NOT NULL, version VARCHAR(16) NOT NULL,
    file TEXT NOT NULL, sha256 VARCHAR(64) NOT NULL, issued_at DATETIME NOT NULL,
    PRIMARY KEY (id));
CREATE TABLE receipts (sha256 VARCHAR(64) NOT NULL, file TEXT NOT NULL, original TEXT NOT NULL,
    size INTEGER NOT NULL, received_at DATETIME NOT NULL, PRIMARY KEY (sha256));
CREATE TABLE verdicts (id INTEGER NOT NULL, sha256 VARCHAR(64) NOT NULL, form VARCHAR(8) NOT NULL,
    holder VARCHAR(80) NOT NULL, verdict VARCHAR(16) NOT NULL, detail TEXT NOT NULL,
    doubtful BOOLEAN NOT NULL, decided_by VARCHAR(80) NOT NULL, decided_at DATETIME NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(sha256) REFERENCES receipts (sha256));
CREATE TABLE reviews (id INTEGER NOT NULL, receipt VARCHAR(64) NOT NULL, unit VARCHAR(40) NOT NULL,
    indicator VARCHAR(40) NOT NULL, section VARCHAR(80) NOT NULL, edition INTEGER NOT NULL,
    approved INTEGER NOT NULL, reason TEXT NOT NULL, reviewer TEXT NOT NULL, sheet TEXT NOT NULL,
    "row" INTEGER NOT NULL, recorded_at DATETIME NOT NULL, PRIMARY KEY (id));
CREATE TABLE products (id INTEGER NOT NULL, kind VARCHAR(20) NOT NULL, holder VARCHAR(80) NOT NULL,
    sha256 VARCHAR(64) NOT NULL, made_at DATETIME NOT NULL, PRIMARY KEY (id));
"""
OLD_VERDICTS = ("有效", "无法读取", "单位不明", "待确认", "空白未填", "不是本次考核")
# Opens a ledger the moment a line comes in, and reads all of it.
OPEN = """
import sys
from pathlib import Path
from perfxl.ledger import Ledger
print("ready", flush=True)
sys.stdin.readline()
ledger = Ledger.at(Path(sys.argv[1]))
ledger.setting("stamp_key", "00")
print(len(ledger.verdicts()), len(ledger.extensions()), len(ledger.send_backs()))
ledger.close()
"""


@pytest.fixture
def old_ledger(tmp_path: Path) -> Path:
    """A ledger as the first perfxl left it, with one receipt of each verdict that there was."""
    path = tmp_path / "台账.db"
    at = "2024-01-10 09:30:00.000000"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(FIRST)
        connection.execute("INSERT INTO settings VALUES ('stamp_key', 'aabb')")
        connection.execute("INSERT INTO issues VALUES (1, '101', 'v1', 'f.xlsx', 'i', ?)", (at,))
        for number, verdict in enumerate(OLD_VERDICTS):
            digest = str(number) * 64
            connection.execute(
                "INSERT INTO receipts VALUES (?, ?, ?, 7, ?)",
                (digest, f"{number}.xlsx", f"{digest}.xlsx", at),
            )
            connection.execute(
                "INSERT INTO verdicts VALUES (?, ?, 'return', '101', ?, '', 0, '', ?)",
                (number + 1, digest, verdict, at),
            )
        connection.execute(
            "INSERT INTO reviews VALUES (1, 'r', '101', '6.2', '教科文股', 1, 400, '', '甲', "
            "'评分表', 9, ?)",
            (at,),
        )
        connection.execute("INSERT INTO products VALUES (1, 'book', '教科文股', 'p', ?)", (at,))
    return path


def test_a_ledger_of_an_earlier_version_keeps_its_rows(old_ledger: Path) -> None:
    ledger = Ledger.at(old_ledger)
    received = ledger.receipts(Form.RETURN)
    assert [one.verdict.value for one in received] == list(OLD_VERDICTS)
    assert {one.received_at for one in received} == {dt.datetime(2024, 1, 10, 9, 30)}
    assert {(one.envelope, one.sender, one.sent_at) for one in received} == {("", "", None)}
    assert ledger.setting("stamp_key", "00") == "aabb"
    assert [one.unit for one in ledger.all_issues()] == ["101"]
    assert [one.approved for one in ledger.reviews()] == [400]
    assert set(ledger.made_by_perfxl("book", "教科文股")) == {"p"}
    assert ledger.extensions() == ledger.send_backs() == []
    mailed = replace(FILE, envelope="e" * 64, sender="a@example.com", sent_at=NOW)
    assert ledger.record_receipt(mailed, NOW)
    ledger.close()
    again = Ledger.at(old_ledger)
    assert again.receipt(FILE.sha256, Form.RETURN) == replace(mailed, decided_at=NOW)
    assert len(again.verdicts()) == len(OLD_VERDICTS) + 1
    again.close()
    with closing(sqlite3.connect(old_ledger)) as connection:
        told = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'ix_%'"
        assert {"ix_verdicts_sha256", "ix_products_holder"} <= {
            name for (name,) in connection.execute(told)
        }


@pytest.mark.parametrize("kind", ["new", "old"])
def test_programs_that_open_a_ledger_at_once_do_not_meet(
    old_ledger: Path, tmp_path: Path, kind: str
) -> None:
    path = old_ledger if kind == "old" else tmp_path / "new.db"
    jobs = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", OPEN, str(path)],
            env=environment(), text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(4)
    ]  # fmt: skip
    for job in jobs:
        assert job.stdout is not None
        assert job.stdout.readline() == "ready\n"
    for job in jobs:
        assert job.stdin is not None
        job.stdin.write("\n")
        job.stdin.flush()
    count = len(OLD_VERDICTS) if kind == "old" else 0
    assert [job.communicate(timeout=60) for job in jobs] == [(f"{count} 0 0\n", "")] * 4
    assert [job.returncode for job in jobs] == [0] * 4
