"""What is written comes back as it was; what is no workbook is told, not crashed on."""

from __future__ import annotations

import datetime as dt
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msoffcrypto.format.ooxml import OOXMLFile

from perfxl.errors import Fault, Unreadable
from perfxl.excel import reader
from perfxl.excel.decryption import decrypted
from perfxl.excel.reader import read_lot, read_or_refusal, read_workbook
from perfxl.excel.writer import LONGEST_TEXT, TRUNCATED, WorkbookWriter

AWKWARD = [
    "01", "NA", "None", "1e5", "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "http://a.b/c",
    '=HYPERLINK("http://x","y")', "2023-01-01", "１２．５", "  两边有空格  ", "第一行\n第二行", "<b>&amp;",
    "'quoted", "TRUE", "0.1", "😀",
]  # fmt: skip


def written(texts: list[str]) -> bytes:
    book = WorkbookWriter()
    sheet = book.sheet("表")
    for row, text in enumerate(texts):
        sheet.text(row, 0, text)
    return book.to_bytes()


def test_awkward_text_comes_back_as_text() -> None:
    data = written(AWKWARD)
    assert [row[0] for row in read_workbook(data).sheets["表"]] == AWKWARD
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert b"hyperlink" not in archive.read("xl/worksheets/sheet1.xml")


SHEET_TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"),
    min_size=1, max_size=60,
).filter(lambda text: "_x" not in text)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(SHEET_TEXT, min_size=1, max_size=8))
def test_any_text_comes_back(texts: list[str]) -> None:
    assert [row[0] for row in read_workbook(written(texts)).sheets["表"]] == texts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=8))
def test_any_amount_comes_back(amounts: list[int]) -> None:
    book = WorkbookWriter()
    sheet = book.sheet("表")
    for row, amount in enumerate(amounts):
        sheet.number(row, 0, amount)
    rows = read_workbook(book.to_bytes()).sheets["表"]
    assert [round(float(row[0]) * 100) for row in rows] == amounts


def test_dates_come_back() -> None:
    book = WorkbookWriter()
    book.sheet("表").date(0, 0, dt.date(2023, 2, 28))
    assert read_workbook(book.to_bytes()).sheets["表"][0][0] == dt.date(2023, 2, 28)


def test_over_long_text_ends_in_a_visible_mark() -> None:
    (row,) = read_workbook(written(["长" * 40_000])).sheets["表"]
    assert len(row[0]) == LONGEST_TEXT
    assert row[0].endswith(TRUNCATED)


def test_lone_surrogates_and_control_characters_do_not_raise() -> None:
    (row,) = read_workbook(written(["甲\ud800乙\x00丙\x0b丁"])).sheets["表"]
    assert "甲" in row[0]
    assert "丁" in row[0]


def with_spoiled_sheet() -> bytes:
    """A workbook whose sheet no longer inflates, though its directory is whole."""
    data = bytearray(written(["文字"] * 50))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        start = archive.getinfo("xl/worksheets/sheet1.xml").header_offset
    for at in range(start + 60, start + 120):
        data[at] ^= 0xFF
    return bytes(data)


def broken_zip(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def encrypted(data: bytes, password: str) -> bytes:
    locked = io.BytesIO()
    OOXMLFile(io.BytesIO(data)).encrypt(password, locked)
    return locked.getvalue()


def test_a_password_is_taken_off() -> None:
    locked = encrypted(written(["文字"]), "石楼2024")
    assert read_workbook(decrypted(locked, "石楼2024")).sheets["表"] == [["文字"]]
    with pytest.raises(Unreadable, match="密码不对") as told:
        decrypted(locked, "别的")
    assert told.value.fault is Fault.ENCRYPTED


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "空的"),
        (b"hello", "文本文件"),
        (b"\x01\x02\x03\x00", "不是 Excel 工作簿"),
        (written(["a"])[:-200], "损坏"),
        (broken_zip(readme=b"x"), "压缩包"),
        (with_spoiled_sheet(), "损坏"),
        (broken_zip(**{"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"}), "Word"),
        (broken_zip(**{"[Content_Types].xml": b"<x/>"}), "内容损坏"),
        (broken_zip(**{"[Content_Types].xml": b"0" * (300 << 20)}), "过大"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "损坏"),
        (encrypted(written(["文字"]), "12345"), "加密"),
    ],
    ids=[
        "empty",
        "text",
        "noise",
        "cut",
        "zip",
        "spoiled",
        "Word",
        "hollow",
        "bomb",
        "hollow xls",
        "encrypted",
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, said: str) -> None:
    with pytest.raises(Unreadable, match=said) as told:
        read_workbook(data, "文件.xlsx")
    assert told.value.place.file == "文件.xlsx"
    assert told.value.remedy


def told(read: object) -> object:
    return (str(read), read.fault) if isinstance(read, Unreadable) else read


@pytest.mark.parametrize("lot", [reader._PARSE_LOT, "builtins:exit", "os:no_such_function"])
def test_several_read_together_are_as_each_by_itself(
    monkeypatch: pytest.MonkeyPatch, lot: str
) -> None:
    """Also where the process is lost over them, or fails: then each is read by itself."""
    monkeypatch.setattr(reader, "_PARSE_LOT", lot)
    good, other = written(["甲"]), written(["乙", "丙"])
    files = [
        (good, "甲.xlsx"), (good[: len(good) // 2], "半.xlsx"), (b"", "空.xlsx"), (b"text", "文.txt"),
        (other, "乙.xlsx"),
    ]  # fmt: skip
    found = read_lot(files)
    assert [told(one) for one in found] == [told(read_or_refusal(*one)) for one in files]
    assert [isinstance(one, Unreadable) for one in found] == [False, True, True, True, False]
    assert read_lot([]) == []
