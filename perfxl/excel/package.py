"""What a workbook's file consists of, looked at before any reader sees it (runs in the worker).

Refuses what is no workbook, would inflate beyond reason, or says one thing in its container and
another in its content. The limits are those that no real workbook of a large collection met.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar, cast

from zlib_ng import zlib_ng

from perfxl.errors import Fault, Unreadable

ZIP_HEAD, OLE_HEAD = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

MiB = 1 << 20
LARGEST_FILE = 64 * MiB
LARGEST_ENTRY, LARGEST_TOTAL, MOST_MEMBERS = 256 * MiB, 512 * MiB, 2_000
MOST_INFLATED = 200
# XML that is read in full; 64 MiB of it is some hundred times the largest return.
LARGEST_XML = 64 * MiB
# A lying count of shared strings makes a reader allocate for all of them.
MOST_CLAIMED_STRINGS = 10_000

OTHER_WORKBOOK = "请用下发的工作簿重新填报"
SAVE_AGAIN = "请用 Excel 或 WPS 打开确认无误，另存为 .xlsx 后重新报送"
SEND_AGAIN = "请重新报送"

_STRING_COUNT = re.compile(rb"<(?:\w+:)?sst\b[^>]*\buniqueCount=[\"'](\d+)[\"']")
_ENCODING = re.compile(rb"<\?xml[^>]*\bencoding=[\"']([^\"']+)[\"']")
# Parts that no cell is read from: what is odd there stops nobody.
_ASIDE = ("customxml/", "docprops/", "xl/charts/", "xl/drawings/", "xl/embeddings/", "xl/theme/")
_UTF8_NAME = 0x800
# 1980-01-01 00:00, the first that the format can say.
_NO_DATE = (1 << 5 | 1) << 16
_UTF8 = frozenset({b"utf-8", b"utf8", b"us-ascii", b"ascii"})

# What is raised over a damaged archive, or one packed in ways that no office program uses.
_BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    # The library's own types call it an instance.
    cast("type[Exception]", zlib_ng.error),
    struct.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)

Kind = TypeVar("Kind")


class Shape(StrEnum):
    """The file formats that are read, told apart by content."""

    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"


@dataclass(frozen=True)
class Package:
    """A zipped workbook: its shape, and the content of its XML parts by name as stored."""

    shape: Shape
    parts: Mapping[str, bytes]
    names: frozenset[str]

    def part(self, name: str) -> bytes:
        """One part; names are compared without case, as office programs do."""
        return next(self.matching(re.escape(name)), (name, b""))[1]

    def matching(self, pattern: str) -> Iterator[tuple[str, bytes]]:
        """The parts whose whole name matches, in the order of the archive."""
        wanted = re.compile(pattern, re.IGNORECASE)
        return ((name, part) for name, part in self.parts.items() if wanted.fullmatch(name))


def stored(parts: Mapping[str, bytes]) -> bytes:
    """An archive that holds the parts as they are, without compression.

    The size of a part is within ``LARGEST_XML``, so that no field of the format is too small. A
    writer that goes through a file takes as long over this as a reader over the parts.
    """
    content: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for path, part in parts.items():
        name = path.encode()
        sizes = struct.pack("<LLLHH", zlib_ng.crc32(part), len(part), len(part), len(name), 0)
        head = struct.pack("<4sHHHL", ZIP_HEAD, 20, _UTF8_NAME, zipfile.ZIP_STORED, _NO_DATE)
        content += (head, sizes, name, part)
        directory += (
            struct.pack(
                "<4sHHHHL", b"PK\x01\x02", 20, 20, _UTF8_NAME, zipfile.ZIP_STORED, _NO_DATE
            ),
            sizes,
            struct.pack("<HHHLL", 0, 0, 0, 0, offset),
            name,
        )
        offset += len(head) + len(sizes) + len(name) + len(part)
    size = sum(map(len, directory))
    end = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, len(parts), len(parts), size, offset, 0)
    return b"".join((*content, *directory, end))


def refuse_what_is_no_workbook(data: bytes) -> None:
    """Refuse by size and first bytes alone; parses nothing. Raises Unreadable."""
    if not data:
        raise Unreadable("文件是空的（0 字节）", remedy=SEND_AGAIN, fault=Fault.DAMAGED)
    if len(data) > LARGEST_FILE:
        raise Unreadable(
            "文件超过 64 MB", remedy="请去掉图片等内容后重新报送", fault=Fault.TOO_LARGE
        )
    if data.startswith((ZIP_HEAD, OLE_HEAD)):
        return
    start = data[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"%pdf"):
        what = "是 PDF 文件而不是工作簿"
    elif start.startswith((b"<html", b"<!doctype html", b"<table", b"<meta")):
        what = "是网页而不是工作簿（扩展名是工作簿，内容是 HTML）"
    elif start.startswith(b"<?xml"):
        what = "是 XML 文件而不是工作簿"
    elif b"\x00" not in data[:2048] and start[:1].isalnum() | (start[:1] >= b"\x80"):
        what = "是文本文件（例如 CSV）而不是工作簿"
    elif data.startswith(b"PK"):
        raise Unreadable("文件损坏或不完整", remedy=SEND_AGAIN, fault=Fault.DAMAGED)
    else:
        what = "不是 Excel 工作簿"
    raise Unreadable(what, remedy="请报送下发的工作簿（.xlsx）", fault=Fault.NOT_A_WORKBOOK)


def open_package(data: bytes) -> Package:
    """The XML parts of a zipped workbook, every byte of them checked against its checksum.

    Raises Unreadable.
    """
    shape, members, parts = _opened(data, _shape)
    package = Package(shape, parts, frozenset(_name(member).lower() for member in members))
    _refuse_lying_counts(package)
    return package


def open_document(data: bytes) -> Mapping[str, bytes]:
    """The XML parts of a zipped document that is no workbook, by name; guarded like a workbook.

    Raises Unreadable.
    """
    return _opened(data, lambda *_: None)[2]


def _opened(
    data: bytes, shape_of: Callable[[zipfile.ZipFile, list[zipfile.ZipInfo]], Kind]
) -> tuple[Kind, list[zipfile.ZipInfo], dict[str, bytes]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _refuse_excess(members)
            shape = shape_of(archive, members)
        if shape is Shape.XLSB:
            # The reader stops before the end of a part, and does not come to its checksum.
            for member in members:
                _content(data, member)
        parts = {_name(member): _content(data, member) for member in members if _is_xml(member)}
    except _BAD_ARCHIVE as error:
        raise _damaged() from error
    for name, part in parts.items():
        _refuse_odd_xml(name, part)
    return shape, members, parts


def _name(member: zipfile.ZipInfo) -> str:
    """A member's name; some programs on Windows write it with backslashes, and readers take them."""
    return member.filename.replace("\\", "/")


def _is_xml(member: zipfile.ZipInfo) -> bool:
    return member.filename.lower().endswith((".xml", ".rels"))


def _content(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """A member's content, checked against its checksum; faster than by ``ZipFile.read``."""
    name_size, extra_size = struct.unpack_from("<HH", data, member.header_offset + 26)
    start = member.header_offset + 30
    name = data[start : start + name_size]
    start += name_size + extra_size
    packed = data[start : start + member.compress_size]
    if member.compress_type == zipfile.ZIP_STORED:
        content = packed
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        content = zlib_ng.decompressobj(-zlib_ng.MAX_WBITS).decompress(packed, member.file_size + 1)
    else:
        raise NotImplementedError
    encoding = "utf-8" if member.flag_bits & _UTF8_NAME else "cp437"
    if (
        not data.startswith(ZIP_HEAD, member.header_offset)
        or name != member.orig_filename.encode(encoding)
        or len(content) != member.file_size
        or zlib_ng.crc32(content) != member.CRC
    ):
        raise ValueError(member.filename)
    return content


def _damaged() -> Unreadable:
    return Unreadable("文件损坏或不完整", remedy=SEND_AGAIN, fault=Fault.DAMAGED)


def _refuse_excess(members: list[zipfile.ZipInfo]) -> None:
    if any(member.flag_bits & 1 for member in members):
        raise Unreadable(
            "文件已加密", remedy="请取消密码后重新报送，或提供密码", fault=Fault.ENCRYPTED
        )
    names = [_name(member).casefold() for member in members]
    if len(set(names)) != len(names):
        raise Unreadable("文件内有重复的部件", remedy=SAVE_AGAIN, fault=Fault.DAMAGED)
    xml = [m for m in members if m.filename.lower().endswith((".xml", ".rels"))]
    if (
        len(members) > MOST_MEMBERS
        or sum(member.file_size for member in members) > LARGEST_TOTAL
        or sum(member.file_size for member in xml) > LARGEST_XML
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
            "文件展开后过大（超过限额），已拒绝读取", remedy=OTHER_WORKBOOK, fault=Fault.TOO_LARGE
        )


def _shape(archive: zipfile.ZipFile, members: list[zipfile.ZipInfo]) -> Shape:
    names = {_name(member).lower() for member in members}
    if "[content_types].xml" in names:
        if any(name.startswith(("word/", "ppt/")) for name in names):
            raise Unreadable(
                "是 Word 或演示文稿而不是工作簿",
                remedy="请报送下发的工作簿",
                fault=Fault.NOT_A_WORKBOOK,
            )
        return Shape.XLSB if "xl/workbook.bin" in names else Shape.XLSX
    if "mimetype" in names and "content.xml" in names:
        if b"spreadsheet" in archive.read(members[0])[:200]:
            return Shape.ODS
        raise Unreadable(
            "是其他类型的文档而不是工作簿",
            remedy="请报送下发的工作簿",
            fault=Fault.NOT_A_WORKBOOK,
        )
    raise Unreadable(
        "是压缩包而不是工作簿", remedy="请解压后报送其中的工作簿", fault=Fault.NOT_A_WORKBOOK
    )


def _refuse_odd_xml(name: str, part: bytes) -> None:
    # A single byte that hardly ever occurs is searched for several times as fast.
    if b"!" in part and b"<!DOCTYPE" in part:
        raise Unreadable("文件含有不允许的声明（DOCTYPE）", remedy=SAVE_AGAIN, fault=Fault.DAMAGED)
    if name.lower().startswith(_ASIDE):
        return
    head = part[:200]
    declared = _ENCODING.search(head)
    if b"\x00" in head or (declared and declared[1].lower() not in _UTF8):
        raise Unreadable("部件的文字编码不是 UTF-8", remedy=SAVE_AGAIN, fault=Fault.DAMAGED)


def _refuse_lying_counts(package: Package) -> None:
    for _, part in package.matching(r"xl/.*sharedstrings\.xml"):
        claimed = _STRING_COUNT.search(part[:2048])
        more = int(claimed[1]) - MOST_CLAIMED_STRINGS if claimed is not None else 0
        if more > 0 and more > part.count(b"<"):
            raise Unreadable("文件的计数与内容不符", remedy=SAVE_AGAIN, fault=Fault.DAMAGED)
