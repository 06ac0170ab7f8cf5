"""Reads workbooks from bytes with python-calamine; knows no plan and no meaning.

Everything that goes wrong becomes ``Unreadable`` with a text that an office can act on.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import python_calamine as calamine

from perfxl.errors import Place, Unreadable
from perfxl.excel.stamp import SHEET as STAMP_SHEET
from perfxl.excel.stamp import Stamp, parse_stamp

ZIP_HEAD, OLE_HEAD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

MiB = 1 << 20
LARGEST_FILE = 64 * MiB
LARGEST_ENTRY, LARGEST_TOTAL, MOST_MEMBERS = 256 * MiB, 512 * MiB, 2_000
MOST_INFLATED = 200
LARGEST_BOX = 20_000_000

_COLUMN = re.compile(rb"""\br=["']([A-Z]{1,3})\d{1,7}["']""")
_ROW = re.compile(rb"""\br=["'][A-Z]{0,3}(\d{1,7})["']""")


@dataclass(frozen=True)
class Grid:
    """A workbook's contents: rows of cell values from A1 by sheet name, and its stamp if any."""

    sheets: Mapping[str, Sequence[Sequence[object]]]
    stamp: Stamp | None


def read_workbook(data: bytes, file: str = "") -> Grid:
    """All visible and hidden sheets of a workbook.

    Raises Unreadable (no workbook, encrypted, damaged, too large); ``file`` only names it.
    """
    place = Place(file)
    _guard(data, place)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            sheets = {
                meta.name: book.get_sheet_by_name(meta.name).to_python(skip_empty_area=False)
                for meta in book.sheets_metadata
                if meta.typ is calamine.SheetTypeEnum.WorkSheet
            }
    except calamine.PasswordError as error:
        raise _encrypted(place) from error
    except calamine.ZipError as error:
        raise _damaged(place) from error
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable(
            f"工作簿内容损坏，无法读取（{error}）",
            place=place,
            remedy="请用 Excel 或 WPS 另存后重新报送",
        ) from error
    except BaseException as error:
        # calamine's panics derive from BaseException; anything else is not ours to hold back.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable(
            "工作簿结构异常，无法读取", place=place, remedy="请另存后重新报送"
        ) from error
    stamp_rows = sheets.pop(STAMP_SHEET, [])
    stamp = next(filter(None, (parse_stamp(value) for row in stamp_rows for value in row)), None)
    return Grid(sheets, stamp)


def _guard(data: bytes, place: Place) -> None:
    """Refuse what is no workbook, or would inflate beyond reason, before any parser sees it."""
    if not data:
        raise Unreadable("文件是空的（0 字节）", place=place, remedy="请重新报送")
    if len(data) > LARGEST_FILE:
        raise Unreadable("文件超过 64 MB", place=place, remedy="请去掉图片等内容后重新报送")
    if data.startswith(OLE_HEAD):
        if "EncryptedPackage".encode("utf-16-le") in data:
            raise _encrypted(place)
        return
    if not data.startswith(ZIP_HEAD):
        raise Unreadable("不是 Excel 工作簿", place=place, remedy="请报送下发的工作簿（.xlsx）")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise _damaged(place) from error
    names = [member.filename.casefold() for member in members]
    if any(member.flag_bits & 1 for member in members):
        raise _encrypted(place)
    if (
        len(members) > MOST_MEMBERS
        or len(set(names)) != len(names)
        or sum(member.file_size for member in members) > LARGEST_TOTAL
        or any(
            member.file_size > LARGEST_ENTRY
            or (
                member.file_size > MiB
                and member.file_size > MOST_INFLATED * max(member.compress_size, 1)
            )
            for member in members
        )
    ):
        raise Unreadable(
            "文件展开后过大或结构异常，已拒绝读取", place=place, remedy="请用下发的工作簿重新填报"
        )
    if any(name.startswith("word/") for name in names):
        raise Unreadable("是 Word 文档而不是工作簿", place=place, remedy="请报送下发的工作簿")
    try:
        largest_box = _largest_box(data, members)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError) as error:
        raise _damaged(place) from error
    if largest_box > LARGEST_BOX:
        raise Unreadable(
            "工作表中有离表格很远的内容，展开后过大",
            place=place,
            remedy="请删除表格以外的行和列后重新报送",
        )
    if "[content_types].xml" not in names and "mimetype" not in names:
        raise Unreadable("是压缩包而不是工作簿", place=place, remedy="请解压后报送其中的工作簿")


def _largest_box(data: bytes, members: list[zipfile.ZipInfo]) -> int:
    """The most cells that a sheet's bounding box spans: the reader allocates all of them."""
    largest = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in members:
            if not member.filename.casefold().startswith("xl/worksheets/sheet"):
                continue
            content = archive.read(member)
            columns = max(map(_column_number, set(_COLUMN.findall(content))), default=0)
            rows = max(map(int, _ROW.findall(content)), default=0)
            largest = max(largest, rows * columns)
    return largest


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _encrypted(place: Place) -> Unreadable:
    return Unreadable("文件已加密", place=place, remedy="请取消密码后重新报送")


def _damaged(place: Place) -> Unreadable:
    return Unreadable("文件损坏或不完整", place=place, remedy="请重新报送")
