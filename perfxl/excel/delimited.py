"""Reads tables that other systems export: workbooks, and texts with separators (CSV).

Only texts are read here; a workbook goes the way of any other. What a text holds is decoded and cut
up in the worker, like everything that comes from outside.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from perfxl.errors import Fault, Place, Unreadable
from perfxl.excel.package import LARGEST_FILE, OLE_HEAD, ZIP_HEAD
from perfxl.excel.reader import read_workbook
from perfxl.isolation.service import kept_workers

Rows = Sequence[Sequence[object]]

_CUT_UP = "perfxl.excel.delimited:cut_up"
SAVE_AGAIN = "请用 Excel 或 WPS 打开确认无误，另存为 .xlsx 后重新导入"
_DELIMITERS = (",", "\t", ";", "|")
# So many lines tell which separator is used.
_SAMPLE_LINES = 80
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# How exports keep Excel from taking a code for a number: ="0123", '0123, a tab before it.
_KEPT_AS_TEXT = re.compile(r'="(?P<inner>[^"]*)"|[\t\'](?P<rest>[^\t\']*)')


def read_export(data: bytes, file: str) -> Mapping[str, Rows]:
    """The rows of every sheet of an exported workbook, or of the one table of a text.

    Cells of a text are texts. Raises Unreadable; ``file`` names it and the table of a text.
    """
    if data.startswith((ZIP_HEAD, OLE_HEAD)):
        return {name: list(rows) for name, rows in read_workbook(data, file).sheets.items()}
    place = Place(file)
    if len(data) > LARGEST_FILE:
        raise Unreadable("文件超过 64 MB", place=place, remedy=SAVE_AGAIN, fault=Fault.TOO_LARGE)
    start = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<", b"%pdf")):
        what = "是网页、XML 或 PDF，不是工作簿，也不是 CSV"
        raise Unreadable(what, place=place, remedy=SAVE_AGAIN, fault=Fault.NOT_A_WORKBOOK)
    try:
        return {PurePath(file).stem: kept_workers().call(_CUT_UP, data)}
    except Unreadable as error:
        raise Unreadable(error.what, place=place, remedy=error.remedy, fault=error.fault) from error


def cut_up(data: bytes) -> list[list[str]]:
    """The cells of a text with separators (in the worker). Raises Unreadable."""
    text = _decoded(data)
    if "\x00" in text:
        raise Unreadable(
            "不是文本文件", remedy="请重新导出为 .xlsx 或 .csv", fault=Fault.NOT_A_WORKBOOK
        )
    delimiter = _delimiter(text)
    if text.startswith("sep="):
        # Excel's own way of naming the separator.
        text = text.partition("\n")[2]
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    except csv.Error as error:
        raise Unreadable(
            "CSV 的引号不成对，或有过长的内容", remedy=SAVE_AGAIN, fault=Fault.DAMAGED
        ) from error
    return [[_unwrapped(cell) for cell in row] for row in rows]


def _decoded(data: bytes) -> str:
    """By its mark where it has one; else UTF-8 where it is that, else the Chinese national code."""
    encodings = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    for encoding in encodings or ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(
        "看不出文件的编码（不是 UTF-8，也不是 GBK、GB18030）",
        remedy=SAVE_AGAIN,
        fault=Fault.DAMAGED,
    )


def _delimiter(text: str) -> str:
    if text[:4] == "sep=" and text[4:5] in _DELIMITERS:
        return text[4]
    # A heading has most separators; one in a title or an address does not outweigh it.
    lines = text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]
    most = {one: max((line.count(one) for line in lines), default=0) for one in _DELIMITERS}
    return max(_DELIMITERS, key=lambda one: most[one])


def _unwrapped(cell: str) -> str:
    match = _KEPT_AS_TEXT.fullmatch(cell)
    if match is None:
        return cell
    return match["inner"] if match["inner"] is not None else match["rest"]
