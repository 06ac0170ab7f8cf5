"""Right returns for tests to deform, and what was read of a return as one flat mapping."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import ModuleType
from typing import Any

import pandas as pd

from perfxl.checks.runner import run_checks
from perfxl.excel.reader import read_workbook
from perfxl.excel.stamp import Stamp
from perfxl.intake.assembly import extract
from perfxl.intake.extract import Return
from perfxl.intake.identity import identify
from perfxl.intake.judgement import Judgement, judge
from perfxl.plan.model import Plan
from perfxl.products.template import template
from perfxl.scoring import compute
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.tables import RegisterRows, ReturnTables, StampState

KEY = SAMPLE_STAMP_KEY

# Where a row stands, and in which file, may differ between two returns that say the same.
_PLACES = {"receipt", "file", "sheet", "row", "evidence_row", "is_formula"}


def stamp_for(plan: Plan, unit: str = "101", **other: str) -> Stamp:
    """The genuine stamp of a unit's workbook; ``other`` replaces fields before signing."""
    kind = plan.unit_by_code[unit].kind
    fields = {
        "campaign": plan.campaign.code,
        "form": "return",
        "version": plan.template_version(kind),
        "holder": unit,
    }
    return Stamp(**{**fields, **other}).signed(KEY)


def right_return(
    samples_maker: ModuleType, plan: Plan, unit_code: str = "101", *, seed: int = 6
) -> bytes:
    """A return without a mistake, whose formulas no office program has calculated."""
    unit = plan.unit_by_code[unit_code]
    form = samples_maker.Form(template(plan, unit, stamp_for(plan, unit_code)))
    answers = samples_maker.right_answers(plan, unit, random.Random(seed), (4, 4))
    samples_maker.fill(form, unit, answers)
    return saved(form)


def saved(form: Any) -> bytes:
    """The bytes of a filled-in form."""
    buffer = io.BytesIO()
    form.book.save(buffer)
    return buffer.getvalue()


def deformed(samples_maker: ModuleType, data: bytes, deform: Callable[[Any], object]) -> bytes:
    """A return after somebody worked on it; ``deform`` gets a ``Form`` of make_samples."""
    form = samples_maker.Form(data)
    deform(form)
    return saved(form)


@dataclass(frozen=True)
class TakenIn:
    """What became of one workbook: verdict, stamp, and if it is some unit's, what it says."""

    judgement: Judgement
    stamp: StampState
    tables: ReturnTables | None
    all_findings: pd.DataFrame | None

    @property
    def findings(self) -> list[tuple[str, str, str]]:
        """Code, sheet and cell of every finding on the content (F111, F113: on the package)."""
        assert self.all_findings is not None
        found = self.all_findings[~self.all_findings["code"].isin(["F111", "F113"])]
        return list(zip(found["code"], found["sheet"], found["cell"], strict=True))

    @property
    def says(self) -> Mapping[str, object]:
        """As ``what_it_says``."""
        assert self.tables is not None
        return what_it_says(self.tables)


@dataclass(frozen=True)
class Arrival:
    """A workbook and how it came."""

    data: bytes
    file: str = "报送.xlsx"
    sender: str = ""


def all_taken_in(plan: Plan, arrivals: Mapping[str, Arrival]) -> Mapping[str, TakenIn]:
    """Take workbooks in as ``ingest`` and ``check`` do, as one batch, without a campaign."""
    judged: dict[str, tuple[Judgement, StampState]] = {}
    returns = []
    for name, one in arrivals.items():
        grid = read_workbook(one.data, one.file)
        identity = identify(plan, grid, one.file, KEY, one.sender)
        judgement = judge(plan, grid, identity, (one.file, one.sender))
        judged[name] = judgement, identity.stamp
        if judgement.holder in plan.unit_by_code:
            unit = plan.unit_by_code[judgement.holder]
            returns.append(Return(name, one.file, unit, identity, grid))
    tables = extract(plan, returns)
    findings = run_checks(plan, tables, compute(plan, tables)).findings
    known = {one.receipt for one in returns}
    return {
        name: TakenIn(
            *judged[name],
            _of_receipt(tables, name) if name in known else None,
            _own(findings, name) if name in known else None,
        )
        for name in arrivals
    }


def taken_in(plan: Plan, data: bytes, file: str = "报送.xlsx") -> TakenIn:
    """Take one workbook in."""
    return all_taken_in(plan, {"one": Arrival(data, file)})["one"]


def _own(rows: pd.DataFrame, receipt: str) -> pd.DataFrame:
    return rows[rows["receipt"] == receipt].reset_index(drop=True)


def _of_receipt(tables: ReturnTables, receipt: str) -> ReturnTables:
    frames = {
        one.name: _own(getattr(tables, one.name), receipt)
        for one in fields(tables)
        if isinstance(getattr(tables, one.name), pd.DataFrame)
    }
    registers = {
        name: RegisterRows(
            _own(rows.values, receipt),
            rows.texts[rows.values["receipt"] == receipt].reset_index(drop=True),
        )
        for name, rows in tables.registers.items()
    }
    return ReturnTables(**frames, registers=registers)


def what_it_says(tables: ReturnTables) -> Mapping[str, object]:
    """Every value of every table by a path such as ``entries/6.2/self_score``.

    Rows are told apart by what they are about, not by where they stand. Paths that begin with
    ``texts/`` are originals as they were typed.
    """
    said: dict[str, object] = {}

    def tell(table: str, rows: pd.DataFrame, key: str | None) -> None:
        said[f"{table}/rows"] = len(rows)
        met: dict[str, int] = {}
        for number, row in enumerate(rows.to_dict("records"), 1):
            name = str(row[key]) if key else str(number)
            met[name] = met.get(name, 0) + 1
            name += f"#{met[name]}" if met[name] > 1 else ""
            for label, value in row.items():
                if label in _PLACES:
                    continue
                # A list stays one; missing values of all kinds are alike.
                missing = not isinstance(value, list) and pd.isna(value)
                kind = "texts/" if _is_original(str(label)) else ""
                said[f"{kind}{table}/{name}/{label}"] = None if missing else value

    cover = tables.returns[["unit", "kind", "unit_by_cover", "preparer", "phone"]]
    tell("cover", cover.reset_index(drop=True), None)
    tell("entries", tables.entries, "indicator")
    tell("subtotals", tables.subtotals, "code")
    tell("strays", tables.strays, "code")
    tell("evidence", tables.evidence, "number")
    tell("citations", tables.citations.sort_values(["indicator", "number"]), "indicator")
    tell("items", tables.data_items, "item")
    for name, register in tables.registers.items():
        key = str(register.texts.columns[0])
        tell(name, register.values, key)
        for number, (row, line) in enumerate(
            zip(register.values.to_dict("records"), register.texts.to_dict("records"), strict=True)
        ):
            for label, text in line.items():
                said[f"texts/{name}/{row[key] or number}/{label}"] = text
    return said


def _is_original(label: str) -> bool:
    return label.endswith(("_text", "_is_text", "_in_file", "text_below"))


def differences(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """What another return says differently: values, then originals (paths without ``texts/``)."""
    changed = {
        path: after.get(path)
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    }
    texts = {
        path.removeprefix("texts/"): value
        for path, value in changed.items()
        if path.startswith("texts/")
    }
    return {path: value for path, value in changed.items() if not path.startswith("texts/")}, texts
