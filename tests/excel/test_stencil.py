"""Workbooks that are filled in are those that the writer would have written, part by part."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from offices import Office

from perfxl.excel.reader import read_workbook
from perfxl.excel.stamp import Stamp
from perfxl.excel.stencil import Stencil, is_plain
from perfxl.excel.writer import WorkbookWriter
from perfxl.plan.model import Plan, Unit
from perfxl.products.template import Templates, template

KEY = b"key"


def stamp_of(plan: Plan, unit: Unit) -> Stamp:
    version = plan.template_version(unit.kind)
    return Stamp(plan.campaign.code, "return", version, unit.code).signed(KEY)


def parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def templates(plan: Plan) -> Templates:
    return Templates(plan)


def test_every_unit_of_the_sample_plan(plan: Plan, templates: Templates) -> None:
    for unit in plan.units:
        stamp = stamp_of(plan, unit)
        filled, written = templates.workbook(unit, stamp), template(plan, unit, stamp)
        assert list(parts(filled)) == list(parts(written))
        assert parts(filled) == parts(written), unit.name
        # It was filled in and not written: packed piece by piece, it has other bytes.
        assert filled != written


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "甲&乙<丙>局"},
        {"name": " 前有空格"},
        {"name": "_x0041_局"},
        {"name": '"引号"局'},
        {"name": "填报说明"},
        {"name": "101"},
        {"name": "长" * 90},
        {"name": "控\x07制"},
        {"name": "<r>丁</r>"},
        {"section": ""},
        {"section": "填报说明"},
        {"code": "01"},
        {"code": "自评表"},
        {"section": "石楼县教育科技局"},
    ],
    ids=str,
)
def test_texts_that_the_writer_would_treat_otherwise(
    plan: Plan, templates: Templates, changed: dict[str, str]
) -> None:
    unit = replace(plan.units[0], **changed)  # type: ignore[arg-type]
    stamp = stamp_of(plan, unit)
    assert parts(templates.workbook(unit, stamp)) == parts(template(plan, unit, stamp))


TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)


def small(texts: dict[str, str]) -> bytes:
    """A workbook with a text in a cell, in a longer cell, twice, and in the print header."""
    book = WorkbookWriter(title="固定")
    sheet = book.sheet("表")
    sheet.text(0, 0, "固定的文字" * 30)
    sheet.text(1, 0, texts["one"])
    sheet.text(2, 0, f"前{texts['one']}与{texts['two']}后")
    sheet.text(3, 0, texts["two"])
    sheet.text(4, 0, "又一段固定的文字" * 30)
    sheet.print_setup(landscape=False, last_column=0, header=texts["two"])
    return book.to_bytes()


@given(one=TEXTS, two=TEXTS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_filled_in_is_what_is_written(one: str, two: str) -> None:
    stencil = Stencil(
        small({"one": "mark-one", "two": "mark-two"}), {"one": "mark-one", "two": "mark-two"}
    )
    filled = stencil.filled({"one": one, "two": two})
    if filled is None:
        assert not (is_plain(one) and is_plain(two)) or one == two
    else:
        assert parts(filled) == parts(small({"one": one, "two": two}))


def test_readers_take_it(plan: Plan, templates: Templates) -> None:
    unit = plan.units[0]
    data = templates.workbook(unit, stamp_of(plan, unit))
    assert read_workbook(data).stamp == stamp_of(plan, unit)
    assert openpyxl.load_workbook(io.BytesIO(data))["封面"]["C5"].value == unit.name


@pytest.mark.slow
def test_libreoffice_takes_it(
    plan: Plan, templates: Templates, office: Office, tmp_path: Path
) -> None:
    unit = plan.units[0]
    file = tmp_path / "filled.xlsx"
    file.write_bytes(templates.workbook(unit, stamp_of(plan, unit)))
    shown = office(file, read=["封面", "自评表"])
    assert any(unit.name in row for row in shown["封面"])
    assert any("合计" in row for row in shown["自评表"])
