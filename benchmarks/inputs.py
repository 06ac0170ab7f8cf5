"""Makes a campaign of many units and their returns, of the size that returns have."""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import openpyxl

from perfxl.campaign import FOLDERS, INBOX, LEDGER_FILE, PLAN_FILE, Campaign
from perfxl.excel.stencil import Stencil
from perfxl.intake.content import Content
from perfxl.plan.forms import file_name
from perfxl.plan.model import Plan, Unit
from perfxl.points import as_float
from perfxl.products.template import template
from perfxl.resources import template_file
from perfxl.stages.gather import returns_in_force
from perfxl.stages.initialize import init
from perfxl.stages.issue import unit_stamp

REPOSITORY = Path(__file__).resolve().parent.parent
# With these a return has some 1,100 filled cells, as those of a large department have.
FEWEST_PROJECTS, MOST_PROJECTS = 40, 55
FIRST_CODE = 10_001
# More in one go exhaust an office program.
_FILES_PER_OFFICE = 50
_CHINESE_FIGURES = str.maketrans("0123456789", "〇一二三四五六七八九")
# Beyond so many units, a return is another unit's with its own name, code and identity put in.
_MADE_BY_THEMSELVES = 310


def make_campaign(
    folder: Path, units: int, *, faulty_every: int = 0, saved_anew: bool = True
) -> Campaign:
    """A campaign of so many departments whose returns lie in 收件/; made once, then kept.

    Where they are ``saved_anew``, LibreOffice has written them, as units' office programs do.
    """
    if (folder / "done").exists():
        return Campaign(folder)
    campaign = campaign_with(folder, units)
    plan = campaign.plan
    own, others = plan.units[:_MADE_BY_THEMSELVES], plan.units[_MADE_BY_THEMSELVES:]
    for unit in own:
        _place(campaign, unit).write_bytes(filled_return(campaign, unit, faulty_every))
    if saved_anew and not _save_in_office(campaign.path(INBOX)):
        print("LibreOffice is not installed: the returns are as perfxl writes them")
    for start in range(len(own)):
        _copy(campaign, own[start], others[start :: len(own)])
    (folder / "done").touch()
    return campaign


def fresh_copy(made: Path, target: Path) -> Path:
    """The campaign as it was before anything was received."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for name in FOLDERS:
        if name != INBOX:
            (target / name).mkdir()
    for name in (PLAN_FILE, LEDGER_FILE):
        shutil.copy(made / name, target / name)
    (target / INBOX).symlink_to(made / INBOX, target_is_directory=True)
    return target


def refuse_a_hollow_run(folder: Path) -> None:
    """Returns that were not taken in would make everything look fast. Raises RuntimeError."""
    campaign = Campaign(folder)
    in_force, _ = returns_in_force(campaign)
    missing = len(campaign.plan.units) - len(in_force)
    campaign.close()
    if missing:
        raise RuntimeError(f"{missing} of the made returns were not taken in")


def _place(campaign: Campaign, unit: Unit) -> Path:
    return campaign.path(INBOX) / file_name(campaign.plan.campaign.code, unit)


def _copy(campaign: Campaign, source: Unit, units: Sequence[Unit]) -> None:
    """The return of one unit as that of others."""
    digest = unit_stamp(campaign, source).digest
    stencil = Stencil(
        _place(campaign, source).read_bytes(),
        {"name": source.name, "code": source.code, "digest": digest},
    )
    for unit in units:
        digest = unit_stamp(campaign, unit).digest
        data = stencil.filled({"name": unit.name, "code": unit.code, "digest": digest})
        assert data is not None, unit.name
        _place(campaign, unit).write_bytes(data)


def _save_in_office(inbox: Path) -> bool:
    """Have LibreOffice save every return anew, as units' office programs do; False without one."""
    office = shutil.which("soffice")
    if office is None:
        return False
    files = sorted(inbox.glob("*.xlsx"))
    with tempfile.TemporaryDirectory() as scratch:
        for start in range(0, len(files), _FILES_PER_OFFICE):
            subprocess.run(
                [
                    office,
                    "--headless",
                    f"-env:UserInstallation={(Path(scratch) / 'profile').as_uri()}",
                    "--convert-to",
                    "xlsx:Calc MS Excel 2007 XML",
                    "--outdir",
                    f"{scratch}/saved",
                    *files[start : start + _FILES_PER_OFFICE],
                ],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        for file in files:
            shutil.copy(Path(scratch) / "saved" / file.name, file)
    return True


def _plan_with(units: int) -> bytes:
    """The sample plan with a roster of made-up departments."""
    book = openpyxl.load_workbook(template_file("考核方案.xlsx"))
    sheet = book["单位名录"]
    labels = [str(cell.value or "") for cell in sheet[3]]
    example = [cell.value for cell in sheet[4]]
    at = next(at for at, text in enumerate(labels) if text.startswith("负责股室"))
    sections = list(dict.fromkeys(row[at].value for row in sheet.iter_rows(4) if row[at].value))
    sheet.delete_rows(4, sheet.max_row)
    for number in range(units):
        row = list(example)
        changed = {
            "单位编码": str(FIRST_CODE + number),
            "单位名称": _unit_name(number + 1),
            "简称": None,
            "负责股室": sections[number % len(sections)],
            "电子邮箱": f"unit{number + 1}@example.com",
        }
        for label, value in changed.items():
            row[next(at for at, text in enumerate(labels) if text.startswith(label))] = value
        for column, value in enumerate(row, 1):
            sheet.cell(4 + number, column).value = value
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _unit_name(number: int) -> str:
    """In Chinese figures: LibreOffice takes a text apart where scripts change."""
    return f"第{str(number).translate(_CHINESE_FIGURES)}局"


def campaign_with(folder: Path, units: int) -> Campaign:
    """A campaign of so many made-up departments, of which nothing has come back."""
    return init(folder, _plan_with(units))


def filled_return(campaign: Campaign, unit: Unit, faulty_every: int = 0) -> bytes:
    """The workbook of this unit, filled in as it ought to be; always the same.

    Of every ``faulty_every`` units one claims too much.
    """
    plan = campaign.plan
    content = _content(plan, unit, _samples_maker(), random.Random(unit.code))
    if faulty_every and int(unit.code) % faulty_every == 0:
        indicator = plan.rubrics[unit.kind].indicators[0]
        too_much = as_float(indicator.full_marks + plan.campaign.step)
        content.entries[indicator.code]["self_score"] = too_much  # type: ignore[index]
    return template(plan, unit, unit_stamp(campaign, unit), content)


def _content(plan: Plan, unit: Unit, maker: ModuleType, chance: random.Random) -> Content:
    answers = maker.right_answers(plan, unit, chance, projects=(FEWEST_PROJECTS, MOST_PROJECTS))
    entries = {
        code: {
            "self_score": "" if score is None else as_float(score),
            "basis": basis,
            "evidence_numbers": "、".join(answers.cited.get(code, [])),
            "deduction_reason": reason,
        }
        for code, (score, basis, reason) in answers.scores.items()
    }
    filled = [
        [{key: "" if value is None else value for key, value in row.items()} for row in rows]
        for rows in (answers.evidence, answers.projects, answers.problems)
    ]
    return Content(
        cover={"preparer": unit.contact, "phone": unit.phone, "prepared_on": dt.date(2024, 1, 10)},
        entries=entries,
        items={"个性指标数": {"value": answers.own_indicators}},
        registers=dict(zip(("佐证材料", "项目清单", "整改台账"), filled, strict=True)),
    )


@lru_cache
def _samples_maker() -> ModuleType:
    source = REPOSITORY / "samples" / "make_samples.py"
    spec = importlib.util.spec_from_file_location("make_samples", source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module
    spec.loader.exec_module(module)
    return module
