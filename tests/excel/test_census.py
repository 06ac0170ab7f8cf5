"""What is odd and sound is read; what a reader would drop in silence is told."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import olefile
import pytest

from perfxl.errors import Unreadable
from perfxl.excel.biff import census_of_xls
from perfxl.excel.reader import read_workbook

OLD_WORKBOOK = Path(__file__).resolve().parent.parent / "data" / "return_by_libreoffice.xls"

_MANIFEST = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'


def open_document(*tables: str) -> bytes:
    """An .ods with these tables, each given by its one row."""
    sheets = "".join(
        f'<table:table table:name="{name}"><table:table-row>{row}</table:table-row></table:table>'
        for name, row in (table.split("|") for table in tables)
    )
    names = ("office", "table", "text")
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names
    )
    content = (
        f"<office:document-content {spaces}><office:body><office:spreadsheet>{sheets}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", _MANIFEST)
    return packed.getvalue()


def text_cell(content: str) -> str:
    """A cell of an .ods with one paragraph."""
    kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{content}</text:p></table:table-cell>"


def test_tabs_and_line_breaks_of_an_ods_are_read() -> None:
    row = text_cell("甲<text:tab/>乙") + text_cell('丙<text:line-break/>丁<text:s text:c="2"/>戊')
    assert list(read_workbook(open_document(f"表|{row}")).sheets["表"][0]) == [
        "甲\t乙",
        "丙\n丁  戊",
    ]


def test_an_ods_with_two_sheets_of_one_name_is_refused() -> None:
    with pytest.raises(Unreadable, match="同名的工作表"):
        read_workbook(open_document(f"表|{text_cell('甲')}", f"表|{text_cell('乙')}"))


def test_the_empty_record_in_the_place_of_a_data_bar_is_known() -> None:
    with olefile.OleFileIO(io.BytesIO(OLD_WORKBOOK.read_bytes())) as ole:
        stream = bytes(ole.openstream("Workbook").read())
    end = stream.rindex(struct.pack("<HH", 0x000A, 0))
    with_bar = stream[:end] + struct.pack("<HH", 0xFFFF, 0) + stream[end:]
    assert census_of_xls(with_bar).filled == census_of_xls(stream).filled
    with_more = stream[:end] + struct.pack("<HH2x", 0xFFFF, 2) + stream[end:]
    with pytest.raises(Unreadable, match="不认识的记录"):
        census_of_xls(with_more)
