"""One returned workbook in every shape that offices save, filled in by a real LibreOffice.

The template is issued by perfxl; LibreOffice types into it through its own programming interface
and saves; no code of ours writes what is read here.
"""

from __future__ import annotations

import datetime as dt
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl
import pandas as pd
import pytest

from perfxl.campaign import ISSUED, Campaign
from perfxl.excel.reader import read_workbook
from perfxl.ledger import Verdict
from perfxl.stages.gather import Gathered, gather
from perfxl.stages.ingest import Incoming, ingest
from perfxl.stages.initialize import init
from perfxl.stages.issue import issue
from perfxl.tables import ReturnTables, StampState

pytestmark = pytest.mark.libreoffice

NOW = dt.datetime(2024, 1, 12, 9, 30)
SAVED_AS = {
    "报送.xlsx": "Calc MS Excel 2007 XML",
    "报送.xls": "MS Excel 97",
    "报送.ods": "calc8",
}
# The old binary format under the names that other programs and people give it.
RENAMED = {"报送.et": "报送.xls", "改名.xlsx": "报送.xls"}

AWKWARD = [
    ("自评表", "G6", "=1+1"),
    ("自评表", "G7", '第一行\n第二行 <b>&amp;"引号"\'撇号'),
    ("自评表", "G9", "+cmd|' /C calc'!A0 _x000D_ 𠮷野家"),
    ("自评表", "G10", "长" * 3000),
    ("自评表", "F28", "５分"),
    ("项目清单", "A4", "01"),
    ("项目清单", "A5", "1411101230002"),
    ("项目清单", "B4", "  前后有空格  "),
    ("项目清单", "D4", "2,306.67"),
    ("项目清单", "D5", 0.1 + 0.2),
    ("项目清单", "O5", "NA"),
    ("项目清单", "O6", "TRUE"),
    ("佐证材料", "E4", "2023年3月5日"),
    ("佐证材料", "E5", "二〇二三年三月六日"),
    ("佐证材料", "D6", "石教发[2023]5号"),
    ("佐证材料", "G4", "1/2"),
    ("整改台账", "F4", "-"),
    ("封面", "C10", "013800000000"),
    ("封面", "C12", "2024/1/10"),
]


def typed(blank: Path, filled: openpyxl.Workbook) -> Iterator[tuple[str, str, object]]:
    """What must be typed into the blank workbook to fill it in: sheet, cell, value."""
    before = openpyxl.load_workbook(blank)
    for sheet in filled.worksheets:
        for row in sheet.iter_rows():
            for cell in row:
                value = cell.value
                if value is None or value == before[sheet.title][cell.coordinate].value:
                    continue
                if isinstance(value, (dt.datetime, dt.date)):
                    # What an office program makes of a date that is typed into a date cell.
                    value = (pd.Timestamp(value) - pd.Timestamp(1899, 12, 30)).days
                yield sheet.title, cell.coordinate, value


@pytest.fixture(scope="module")
def shapes(
    office: Any, samples_maker: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """The saved workbooks by name, and the campaign's folder as ``campaign``."""
    folder = tmp_path_factory.mktemp("shapes")
    campaign = init(folder / "campaign")
    issue(campaign, NOW)
    template = next(campaign.path(ISSUED).rglob("*-101-*.xlsx"))
    unit = campaign.plan.unit_by_code["101"]
    form = samples_maker.Form(template.read_bytes())
    answers = samples_maker.right_answers(campaign.plan, unit, random.Random(6), (4, 4))
    samples_maker.fill(form, unit, answers)
    campaign.close()
    cells = {(sheet, cell): value for sheet, cell, value in typed(template, form.book)}
    cells |= {(sheet, cell): value for sheet, cell, value in AWKWARD}
    files = {name: folder / name for name in (*SAVED_AS, *RENAMED)}
    office(
        template,
        type_in=[(sheet, cell, value) for (sheet, cell), value in cells.items()],
        save={str(files[name]): kind for name, kind in SAVED_AS.items()},
    )
    for name, source in RENAMED.items():
        shutil.copy(files[source], files[name])
    return {**files, "campaign": campaign.folder}


@pytest.fixture(scope="module")
def gathered(
    shapes: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Gathered]:
    """Each file ingested into its own copy of the campaign."""
    found = {}
    for name in (*SAVED_AS, *RENAMED):
        folder = tmp_path_factory.mktemp("copy") / "campaign"
        shutil.copytree(shapes["campaign"], folder)
        campaign = Campaign(folder)
        (taken,) = ingest(campaign, [Incoming(shapes[name], NOW)]).taken
        assert (taken.receipt.verdict, taken.receipt.holder) == (Verdict.VALID, "101"), name
        assert not taken.receipt.doubtful
        found[name] = gather(campaign)
        campaign.close()
    return found


def frames(tables: ReturnTables) -> dict[str, pd.DataFrame]:
    """Every table, without what names the file."""
    found = {name: value for name, value in vars(tables).items() if isinstance(value, pd.DataFrame)}
    for name, rows in tables.registers.items():
        found |= {f"{name} values": rows.values, f"{name} texts": rows.texts}
    return {
        name: value.drop(columns=["receipt", "file"], errors="ignore")
        for name, value in found.items()
    }


@pytest.mark.parametrize("name", [*SAVED_AS, *RENAMED])
def test_every_shape_gives_the_same_tables(gathered: dict[str, Gathered], name: str) -> None:
    wanted, found = frames(gathered["报送.xlsx"].tables), frames(gathered[name].tables)
    assert set(wanted) == set(found) and len(wanted) == 9 + 2 * 3
    for table, rows in wanted.items():
        pd.testing.assert_frame_equal(found[table], rows, obj=f"{name} {table}")
    assert gathered[name].tables.columns.keys() and {
        key: columns for (_, key), columns in gathered[name].tables.columns.items()
    } == {key: columns for (_, key), columns in gathered["报送.xlsx"].tables.columns.items()}


@pytest.mark.parametrize("name", [*SAVED_AS, *RENAMED])
def test_every_shape_gives_the_same_findings(gathered: dict[str, Gathered], name: str) -> None:
    def told(one: Gathered) -> list[tuple[object, ...]]:
        rows = one.checked.findings.drop(columns=["receipt", "file"])
        return [tuple(row) for row in rows.itertuples(index=False)]

    assert told(gathered[name]) == told(gathered["报送.xlsx"])
    assert [row[0] for row in told(gathered[name])] == ["F209", "F307"]


def test_what_was_typed_is_what_is_read(gathered: dict[str, Gathered]) -> None:
    tables = gathered["报送.xlsx"].tables
    entries = tables.entries.set_index("indicator")
    texts = {(sheet, cell): value for sheet, cell, value in AWKWARD}
    for code, cell in (("1.1.1", "G6"), ("1.1.2", "G7"), ("1.2.1", "G9"), ("1.2.2", "G10")):
        assert entries.loc[code, "basis"] == texts["自评表", cell]
    assert (entries.loc["6.2", "self_score"], entries.loc["6.2", "self_score_text"]) == (
        500,
        "５分",
    )
    projects = tables.registers["项目清单"]
    assert list(projects.texts["项目编码"][:2]) == ["01", "1411101230002"]
    assert list(projects.values["年初预算数"][:2]) == [230667, 30]
    assert list(projects.texts["备注"][1:3]) == ["NA", "TRUE"]
    assert projects.texts["项目名称"][0] == "前后有空格"
    evidence = tables.registers["佐证材料"].values
    assert [str(day.date()) for day in evidence["成文日期"][:3]] == [
        "2023-03-05", "2023-03-06", "2023-03-07",
    ]  # fmt: skip
    assert evidence["文号"][2] == "石教发〔2023〕5号"
    assert tables.returns["phone"][0] == "013800000000"
    # LibreOffice calculated our formulas: the total is the sum that it displays.
    sums = tables.subtotals.set_index("code")
    assert sums["is_formula"].all()
    assert list(sums["displayed"]) == list(sums["sum_below"] - sums["text_below"])
    assert sums.loc["6", "text_below"] == 500


@pytest.mark.parametrize(
    ("name", "places"),
    [("报送.xlsx", 3), ("报送.xls", 2), ("报送.ods", 2), ("报送.et", 2), ("改名.xlsx", 2)],
)
def test_our_stamp_survives_in_every_shape(
    shapes: dict[str, Path], gathered: dict[str, Gathered], name: str, places: int
) -> None:
    grid = read_workbook(shapes[name].read_bytes(), name)
    assert len(grid.stamps) >= places
    assert len(set(grid.stamps)) == 1
    assert gathered[name].tables.returns["stamp"][0] == StampState.GENUINE
