"""The unit's workbook: what is locked, what is asked for, and the identity in its three places."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from perfxl.excel.reader import read_workbook
from perfxl.excel.stamp import Stamp, parse_stamp
from perfxl.plan.model import Plan
from perfxl.products.template import template

KEY = b"key"


@pytest.fixture(scope="module")
def data(plan: Plan) -> bytes:
    unit = plan.unit_by_code["101"]
    stamp = Stamp(plan.campaign.code, "return", plan.template_version(unit.kind), unit.code)
    return template(plan, unit, stamp.signed(KEY))


@pytest.fixture(scope="module")
def book(data: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_the_sheets(book: openpyxl.Workbook) -> None:
    assert book.sheetnames == [
        "封面", "填报说明", "自评表", "佐证材料", "项目清单", "整改台账", "数据项", "_perfxl",
    ]  # fmt: skip
    assert book["_perfxl"].sheet_state == "veryHidden"


def test_only_what_the_unit_fills_in_is_unlocked(book: openpyxl.Workbook, plan: Plan) -> None:
    sheet = book["自评表"]
    assert sheet.protection.sheet
    open_cells = {cell.column_letter for row in sheet.iter_rows(min_row=4) for cell in row
                  if not cell.protection.locked}  # fmt: skip
    assert open_cells == {"F", "G", "H", "I"}
    open_rows = [row[5].row for row in sheet.iter_rows(min_row=4) if not row[5].protection.locked]
    assert len(open_rows) == len(plan.rubrics["部门"].indicators)
    for name in ("佐证材料", "项目清单", "整改台账"):
        assert book[name].protection.sheet
        assert book[name].column_dimensions["B"].protection.locked is False
        assert book[name]["B3"].protection.locked


def test_subtotals_and_total_are_live(book: openpyxl.Workbook) -> None:
    sheet = book["自评表"]
    formulas = {
        str(row[0].value or row[1].value): row[5].value for row in sheet.iter_rows(min_row=4)
    }
    assert formulas["1"] == "=SUM(F5,F8,F11)"
    assert formulas["1.1"] == "=SUM(F6,F7)"
    assert formulas["合计"].startswith("=SUM(F4,")


def test_drop_downs_and_checks_are_there(book: openpyxl.Workbook) -> None:
    kinds = {rule.type for rule in book["项目清单"].data_validations.dataValidation}
    assert {"list", "decimal"} <= kinds
    rules = [
        rule for rule in book["自评表"].data_validations.dataValidation if rule.type == "custom"
    ]
    assert len(rules) == 24
    assert all(rule.prompt and rule.error for rule in rules)


def test_print_set_up(book: openpyxl.Workbook) -> None:
    for name in book.sheetnames[:-1]:
        sheet = book[name]
        assert int(sheet.page_setup.paperSize) == 9
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert book["自评表"].print_title_rows == "$3:$3"
    assert book["自评表"].freeze_panes == "C4"


def test_the_identity_stands_in_three_places(data: bytes, book: openpyxl.Workbook) -> None:
    stamp = read_workbook(data).stamp
    assert stamp is not None
    assert stamp.holder == "101"
    assert stamp.is_genuine(KEY)
    assert not stamp.is_genuine(b"another key")
    assert parse_stamp(book.defined_names["_perfxl_stamp"].attr_text.strip('"')) == stamp
    assert parse_stamp(book.custom_doc_props["perfxl"].value) == stamp


def test_the_same_unit_gives_the_same_bytes(data: bytes, plan: Plan) -> None:
    stamp = read_workbook(data).stamp
    assert stamp is not None
    assert template(plan, plan.unit_by_code["101"], stamp) == data


def test_registers_hold_no_formatted_blanks(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = archive.read("xl/worksheets/sheet5.xml")
    assert sheet.count(b"<c ") < 60
