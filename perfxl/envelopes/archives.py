"""Archives: zip with the standard library, 7z and rar with libraries that may be missing."""

from __future__ import annotations

import bz2
import contextlib
import io
import lzma
import re
import stat
import struct
import tempfile
import warnings
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import Any

from perfxl.envelopes.contents import (
    LARGEST_MEMBER,
    SEND_FILES,
    Contents,
    Why,
    a_volume,
    all_encrypted,
    damaged,
    decoded,
    library,
    no_component,
)
from perfxl.errors import Unreadable

END_OF_CENTRAL = b"PK\x05\x06"

_UTF_8_NAMES, _ANY_ENCRYPTION = 0x800, 0x2041
_UNICODE_PATH = 0x7075
_STORED, _DEFLATED, _BZIP2, _LZMA = 0, 8, 12, 14
_AES = 99
_SEE_ZIP64 = 0xFFFF
_UNIX, _DOS_FOLDER = 3, 0x10


class _UnknownMethodError(Exception):
    """A member is packed by a method that is not read here."""


def open_zip(data: bytes, contents: Contents) -> None:
    """Take the members out of a zip archive."""
    _refuse_a_volume(data)
    members = _zip_members(data)
    if _stated_members(data) not in (len(members), _SEE_ZIP64):
        contents.refused.append("压缩包目录不完整，可能还有文件没有取出")
    admitted = []
    for member in members:
        path = _zip_path(member)
        if path.endswith("/") or (
            not member.file_size and (path.endswith("\\") or member.external_attr & _DOS_FOLDER)
        ):
            continue
        encrypted = bool(member.flag_bits & _ANY_ENCRYPTION) or member.compress_type == _AES
        packed = min(member.compress_size, len(data))
        if not contents.admits(path, member.file_size, packed, encrypted=encrypted):
            continue
        if member.create_system == _UNIX and stat.S_ISLNK(member.external_attr >> 16):
            contents.refuse(path, Why.LINK)
        else:
            admitted.append((path, member))
    if contents.none_but_encrypted():
        raise all_encrypted()
    for path, member in admitted:
        try:
            contents.take(path, _inflated(data, member))
        except _UnknownMethodError:
            contents.refuse(path, Why.METHOD)
        except (ValueError, OSError, EOFError, struct.error, zlib.error, lzma.LZMAError):
            contents.refuse(path, Why.DAMAGED)


def _refuse_a_volume(data: bytes) -> None:
    end = data.rfind(END_OF_CENTRAL)
    # 0xFFFF stands for "see the zip64 record".
    if end >= 0 and data[end + 4 : end + 6] not in (b"\0\0", b"\xff\xff", b""):
        raise a_volume()


def _stated_members(data: bytes) -> int:
    """How many members the end of the directory states; a spoilt entry may hide the next."""
    end = data.rfind(END_OF_CENTRAL)
    return int(struct.unpack_from("<H", data, end + 10)[0])


def _zip_members(data: bytes) -> list[zipfile.ZipInfo]:
    """The central directory; names are decoded later, so that none can spoil the others."""
    try:
        return _central_directory(data)
    except UnicodeDecodeError:
        # Some program marked names as UTF-8 that are not: read them without the mark.
        pass
    unmarked = bytearray(data)
    at = unmarked.find(b"PK\x01\x02")
    while at >= 0 and at + 9 < len(unmarked):
        unmarked[at + 9] &= ~(_UTF_8_NAMES >> 8)
        at = unmarked.find(b"PK\x01\x02", at + 4)
    try:
        return _central_directory(bytes(unmarked))
    except UnicodeDecodeError as error:
        raise damaged("压缩包") from error


def _central_directory(data: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.infolist()
    except UnicodeDecodeError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
        raise damaged("压缩包") from error


def _zip_path(member: zipfile.ZipInfo) -> str:
    name = member.orig_filename
    # Without the mark zipfile decodes as cp437, which turns every byte into one character.
    raw = name.encode("utf-8" if member.flag_bits & _UTF_8_NAMES else "cp437", "replace")
    extra = member.extra
    while len(extra) >= 4:
        tag, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        # Version 1, the checksum of the name that it replaces, the name in UTF-8.
        if tag == _UNICODE_PATH and field[:5] == b"\x01" + struct.pack("<L", zlib.crc32(raw)):
            return field[5:].decode("utf-8", "replace")
    return name if member.flag_bits & _UTF_8_NAMES else decoded(raw)


def _inflated(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """A member's content, never more than the limit and one byte, whatever its header says.

    Not by ZipFile.open: that refuses members whose two names differ, as some programs write
    them, and inflates bzip2 and LZMA without bound.
    """
    at = member.header_offset
    if at < 0 or data[at : at + 4] != b"PK\x03\x04":
        raise ValueError("no local header")
    name_size, extra_size = struct.unpack_from("<HH", data, at + 26)
    start = at + 30 + name_size + extra_size
    packed = memoryview(data)[start : start + member.compress_size]
    bound = min(member.file_size, LARGEST_MEMBER) + 1
    if member.compress_type == _STORED:
        content = bytes(packed[:bound])
    elif member.compress_type == _DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, bound)
    elif member.compress_type == _BZIP2:
        content = bz2.BZ2Decompressor().decompress(packed, bound)
    elif member.compress_type == _LZMA:
        content = _lzma_inflated(packed, bound)
    else:
        raise _UnknownMethodError(member.compress_type)
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ValueError("size or checksum differs")
    return content


def _lzma_inflated(packed: memoryview, bound: int) -> bytes:
    properties_size = struct.unpack_from("<2xH", packed)[0]
    settings, dictionary = struct.unpack_from("<BL", packed, 4)
    filters = [
        {
            "id": lzma.FILTER_LZMA1,
            "lc": settings % 9,
            "lp": settings // 9 % 5,
            "pb": settings // 45,
            # A dictionary is never needed larger than what it inflates to.
            "dict_size": max(4096, min(dictionary, LARGEST_MEMBER)),
        }
    ]
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
    return decompressor.decompress(packed[4 + properties_size :], bound)


def open_7z(data: bytes, contents: Contents) -> None:
    """Take the members out of a 7z archive."""
    try:
        import py7zr  # noqa: PLC0415 - only for these archives, and may be missing
        from py7zr.io import BytesIOFactory  # noqa: PLC0415
    except ImportError as error:
        raise no_component("7z 压缩包") from error
    known = {
        py7zr.exceptions.PasswordRequired: all_encrypted,
        py7zr.exceptions.UnsupportedCompressionMethodError: lambda: Unreadable(
            "7z 压缩包用了少见的压缩方法", remedy=SEND_FILES
        ),
    }
    with library("压缩包", known), py7zr.SevenZipFile(io.BytesIO(data)) as archive:
        if archive.needs_password():
            raise all_encrypted()
        wanted: dict[str, tuple[str, int, int | None]] = {}
        total = sum(file.uncompressed for file in archive.files)
        for number, file in enumerate(archive.files):
            path, size = file.filename, file.uncompressed
            # Members are packed together: what one of them has of the packed size is not known.
            if file.is_directory or not contents.admits(
                path, size, len(data) * size // (total or 1)
            ):
                continue
            if file.is_symlink or file.is_junction:
                contents.refuse(path, Why.LINK)
            else:
                wanted[str(number)] = (path, size, file.crc32)
        # py7zr tells members apart by name, and gives up the archive over a name that climbs.
        for number, details in enumerate(archive.files.files_list):
            details["filename"] = str(number)
        factory = BytesIOFactory(LARGEST_MEMBER)
        archive.extract(targets=list(wanted), factory=factory)
        products = {PurePosixPath(name).name: product for name, product in factory.products.items()}
        factory.products.clear()
        for number_text, (path, size, checksum) in wanted.items():
            product = products.pop(number_text, None)
            content = product.read() if product else b""
            if len(content) != size or checksum not in (None, zlib.crc32(content)):
                contents.refuse(path, Why.DAMAGED)
            else:
                contents.take(path, content)


def open_rar(data: bytes, contents: Contents) -> None:
    """Take the members out of a rar archive; what is packed needs an outside program as well."""
    try:
        import rarfile  # noqa: PLC0415 - only for these archives, and may be missing
    except ImportError as error:
        raise no_component("rar 压缩包") from error
    known = {
        rarfile.RarCannotExec: lambda: no_component("rar 压缩包"),
        rarfile.NeedFirstVolume: a_volume,
    }
    blocks: list[Any] = []
    # The library leaves its copy of a packed member behind where the outside program cannot start.
    with (
        tempfile.TemporaryDirectory(prefix="perfxl-rar-", ignore_cleanup_errors=True) as copies,
        warnings.catch_warnings(),
        library("压缩包", known),
    ):
        warnings.simplefilter("ignore")
        rarfile.HACK_TMP_DIR = copies
        _choose_program(rarfile)
        archive = rarfile.RarFile(io.BytesIO(data), info_callback=blocks.append)
        members = [member for member in archive.infolist() if not member.is_dir()]
        if not members and archive.needs_password():
            raise all_encrypted()
        # The library stops at the first header that it cannot read, and says nothing.
        complete = not archive.strerror() and any(
            block.type == rarfile.RAR_BLOCK_ENDARC for block in blocks
        )
        if not complete and any(
            block.type == rarfile.RAR_BLOCK_MAIN and block.flags & rarfile.RAR_MAIN_VOLUME
            for block in blocks
        ):
            raise a_volume()
        if not members and not complete:
            raise damaged("压缩包")
        admitted = _rar_admitted(rarfile, archive, members, contents)
        for path, member in admitted:
            try:
                with archive.open(member) as stream:
                    contents.take(path, stream.read(LARGEST_MEMBER + 1))
            except rarfile.RarCannotExec:
                raise
            except (rarfile.Error, OSError, ValueError, AttributeError, struct.error):
                stored = member.compress_type == rarfile.RAR_M0
                contents.refuse(path, Why.DAMAGED if stored else Why.NOT_UNPACKED)
        if not complete:
            contents.refused.append("压缩包末尾不完整，可能还有文件没有取出")


def _rar_admitted(
    rarfile: Any, archive: Any, members: list[Any], contents: Contents
) -> list[tuple[str, Any]]:
    admitted = []
    for member in members:
        path = member.filename
        # Archives before RAR 5 without this mark hold the bytes of the writing system.
        if member.extract_version < 50 and not member.flags & rarfile.RAR_FILE_UNICODE:
            path = decoded(member.orig_filename)
        # The library finds members by name: of several alike the last, for a copy its model.
        found = archive.getinfo(member)
        origin = archive.getinfo_orig(member) if found is member else member
        size, packed = origin.file_size, origin.compress_size
        if not contents.admits(path, size, packed, encrypted=member.needs_password()):
            continue
        if not member.is_file():
            contents.refuse(path, Why.LINK)
        elif found is not member:
            contents.refuse(path, Why.SAME_NAME)
        else:
            admitted.append((path, member))
    if contents.none_but_encrypted():
        raise all_encrypted()
    return admitted


def _choose_program(rarfile: Any) -> None:
    """Prefer the programs that open every rar, then bsdtar; rarfile's own order is the last."""
    if rarfile.CURRENT_SETUP is not None:
        return
    with contextlib.suppress(rarfile.RarCannotExec):
        rarfile.tool_setup(sevenzip=False, sevenzip2=False, bsdtar=False)
        return

    class Bsdtar(rarfile.ToolSetup):  # type: ignore[misc]
        # rarfile puts "--" between "-f" and the archive, and bsdtar looks for a file "--".
        def open_cmdline(self, pwd: object, rarfn: str, filefn: str | None = None) -> list[str]:
            pattern = [re.sub(r"([\\*?\[\]])", r"\\\1", filefn)] if filefn else []
            return [rarfile.BSDTAR_TOOL, "-x", "--to-stdout", "-f", rarfn, "--", *pattern]

    bsdtar = Bsdtar(rarfile.BSDTAR_CONFIG)
    if bsdtar.check():
        rarfile.CURRENT_SETUP = bsdtar
