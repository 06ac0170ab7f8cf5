"""The command line: exit codes, Chinese words, JSON, and what must not be imported."""

from __future__ import annotations

import ast
import datetime as dt
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import click
import openpyxl
import pytest

import perfxl
from perfxl.cli import cli
from perfxl.cli.returns import _received_at
from perfxl.console import plain
from perfxl.errors import PerfxlError

PACKAGE = Path(perfxl.__file__).resolve().parent
SAMPLES = Path(__file__).resolve().parent.parent / "samples"


def perfxl_run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "perfxl", *map(str, arguments)],
        capture_output=True, text=True, encoding="utf-8", cwd=cwd, check=False,
    )  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from perfxl.cli import cli\n"
        "try: cli(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'pandas', 'openpyxl', 'numpy', 'xlsxwriter', 'docx', 'sqlalchemy', 'rich'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def commands(group: click.Group = cli) -> list[click.Command]:
    found: list[click.Command] = []
    for command in group.commands.values():
        found += commands(command) if isinstance(command, click.Group) else [command]
    return found


@pytest.mark.parametrize("command", commands(), ids=lambda command: command.name)
def test_every_command_has_an_example(command: click.Command) -> None:
    assert command.help is not None
    assert "例：perfxl" in command.help


def test_help_is_chinese() -> None:
    done = perfxl_run("check", "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("用法：perfxl check [选项]")
    for english in ("Usage", "Options", "Show this message", "Commands"):
        assert english not in done.stdout


def test_checking_the_countys_return_fails_with_its_findings() -> None:
    done = perfxl_run("check", SAMPLES / "county" / "return.xlsx")
    assert done.returncode == 1
    for said in ("97.5", "95.5", "90.5", "自评表!F18", "自评表!F27", "自评表!F29",
                 "5 × 18 ÷ 22 = 4.09 → 4.0"):  # fmt: skip
        assert said in done.stdout
    assert done.stdout.count("F206") == 3


def test_checking_a_right_return_is_fine(repository: Path) -> None:
    right = next((SAMPLES / "returns").glob("*-101-*.xlsx"))
    plan = repository / "workbook_templates" / "考核方案.xlsx"
    done = perfxl_run("check", right, "--plan", plan, "--json")
    assert done.returncode == 0
    (file,) = json.loads(done.stdout)["files"]
    assert (file["unit"], file["findings"]) == ("101", [])
    assert set(file["outcomes"].values()) == {"通过"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-C", "nowhere", "status"), "[E102]"),
        (("check", "nowhere.xlsx"), "[E202]"),
        (("plan",), "perfxl init"),
        (("sttus",), "没有这个命令：sttus"),
        (("status", "--jsn"), "没有选项 --jsn"),
        (("init",), "缺少参数"),
        (("extend", "101", "2024-01-25"), "缺少参数 --reason（"),
        (("status", "extra"), "多余的参数"),
    ],
)
def test_an_operators_mistake_is_told_in_chinese(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = perfxl_run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.slow
def test_a_campaign_from_the_command_line(tmp_path: Path) -> None:
    here = ("-C", tmp_path / "考核")
    assert perfxl_run("init", tmp_path / "考核").returncode == 0
    assert perfxl_run("init", tmp_path / "考核").returncode == 2
    source = (SAMPLES.parent / "workbook_templates" / "考核方案.md").read_text(encoding="utf-8")
    assert perfxl_run(*here, "plan").stdout == source
    assert "已写 31 份" in perfxl_run(*here, "issue").stdout
    assert perfxl_run(*here, "circular").returncode == 2
    (tmp_path / "bad.xlsx").write_bytes(b"not a workbook")
    filled = next((tmp_path / "考核" / "下发").rglob("*-101-*.xlsx"))
    blank = perfxl_run(*here, "ingest", filled)
    assert (blank.returncode, "空白未填" in blank.stdout) == (1, True)
    book = openpyxl.load_workbook(filled)
    book["自评表"]["F6"] = 3
    book.save(filled)
    done = perfxl_run(*here, "ingest", filled, tmp_path / "bad.xlsx", "--received", "2024-01-16")
    assert done.returncode == 1
    assert "bad.xlsx" in done.stdout
    assert perfxl_run(*here, "ingest", filled).returncode == 0
    units = json.loads(perfxl_run(*here, "status", "--json").stdout)["units"]
    states = {unit["unit"]: unit["status"] for unit in units}
    assert (states["101"], states["102"]) == ("逾期", "未报送")
    assert perfxl_run(*here, "check").returncode == 1
    assert "评分表" in perfxl_run(*here, "review", "issue").stdout
    assert "未变 0 项" in perfxl_run(*here, "review", "ingest").stdout
    assert perfxl_run(*here, "consolidate").returncode == 0
    assert "讨论稿" in perfxl_run(*here, "circular").stdout
    ranking = json.loads(perfxl_run(*here, "rank", "--json").stdout)
    assert len(ranking) == 31
    assert [row["rank"] for row in ranking if row["status"] != "未报送"] == [1]


def test_a_time_of_receipt_that_is_still_to_come_is_refused() -> None:
    """It could not be corrected: what was recorded first stays."""
    assert _received_at("2024-01-10") == dt.datetime(2024, 1, 10, 12)
    assert _received_at("2024-01-10T09:30") == dt.datetime(2024, 1, 10, 9, 30)
    before = dt.datetime.now() - dt.timedelta(seconds=2)
    assert _received_at(f"{before.date()}") <= dt.datetime.now()
    with pytest.raises(PerfxlError, match="还没有到"):
        _received_at(f"{before.year + 1}-12-31")
    with pytest.raises(PerfxlError, match="还没有到"):
        _received_at(f"{before.year + 1}-12-31T09:30")


def test_checks_are_listed() -> None:
    listed = json.loads(perfxl_run("checks", "--json").stdout)
    assert {"F101", "F206", "F501"} <= {one["code"] for one in listed}
    assert "{" not in perfxl_run("checks").stdout


def test_text_cannot_steer_the_terminal() -> None:
    assert plain("甲\x1b[31m乙\u202e\n丙") == "甲 [31m乙  丙"


def test_what_is_printed_fits_a_chinese_console() -> None:
    """Every string literal of perfxl can be shown by a cp936 console."""
    bad = []
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                unknown = [c for c in node.value if _is_visible(c) and not _in_gbk(c)]
                if unknown:
                    bad.append((file.name, node.lineno, unknown))
    assert bad == []


def _is_visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZ" and character != "\ufffd"


def _in_gbk(character: str) -> bool:
    try:
        character.encode("cp936")
    except UnicodeEncodeError:
        return False
    return True


def test_a_cp936_console_gets_substitutes_instead_of_a_traceback() -> None:
    script = "from perfxl.cli import main; import sys; sys.argv = ['perfxl', 'checks']; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=False,
        env={"PYTHONIOENCODING": "cp936", "PATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "自评得分".encode("cp936") in done.stdout
