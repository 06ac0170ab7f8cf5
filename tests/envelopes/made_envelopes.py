"""Envelopes made byte by byte, as programs write them that are not at hand when testing."""

from __future__ import annotations

import datetime as dt
import io
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

Tree = Mapping[str, "bytes | Tree"]

CHINA = dt.timezone(dt.timedelta(hours=8))


def zip_of(*members: tuple[str | bytes, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip; names given as bytes are written as they are, without the mark for UTF-8."""
    raw_names: dict[bytes, bytes] = {}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for number, (name, content) in enumerate(members):
            written = name if isinstance(name, str) else f"{number:04}".ljust(len(name), "@")
            if isinstance(name, bytes):
                assert len(written) == len(name), "a raw name needs four bytes"
                raw_names[written.encode()] = name
            archive.writestr(zipfile.ZipInfo(written), content, method)
    data = stream.getvalue()
    for stand_in, raw in raw_names.items():
        data = data.replace(stand_in, raw)
    return data


def with_flags(data: bytes, flags: int) -> bytes:
    """The zip with these bits set in every member's flags."""
    changed = bytearray(data)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            old = struct.unpack_from("<H", data, at + offset)[0]
            struct.pack_into("<H", changed, at + offset, old | flags)
            at = data.find(signature, at + 4)
    return bytes(changed)


def rar4_of(*members: tuple[bytes, bytes], packed: bool = False) -> bytes:
    """A RAR 4 archive of stored members (``packed``: said to be compressed); names are bytes."""
    blocks = [b"Rar!\x1a\x07\x00", _rar4_block(0x73, 0, bytes(6))]
    for name, content in members:
        method = 0x33 if packed else 0x30
        header = struct.pack(
            "<LLBLLBBHL",
            *(len(content), len(content), 2, zlib.crc32(content), 0x58210000, 29, method),
            *(len(name), 0x20),
        )
        blocks += [_rar4_block(0x74, 0x8000, header + name), content]
    return b"".join([*blocks, _rar4_block(0x7B, 0x4000, b"")])


def _rar4_block(kind: int, flags: int, body: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def rar5_of(*members: tuple[str, bytes], encrypted: Iterable[int] = ()) -> bytes:
    """A RAR 5 archive of stored members; those numbered in ``encrypted`` are marked so."""
    blocks = [b"Rar!\x1a\x07\x01\x00", _rar5_block(b"\x01\x00\x00")]
    for number, (name, content) in enumerate(members):
        extra = b""
        if number in encrypted:
            # Type 1, version 0, no flags, an iteration count, salt and vector.
            record = b"\x01\x00\x00\x0f" + bytes(32)
            extra = _vint(len(record)) + record
        raw = name.encode()
        header = b"".join(
            (
                *(b"\x02", b"\x03" if extra else b"\x02", _vint(len(extra)) if extra else b""),
                *(_vint(len(content)), b"\x04", _vint(len(content)), b"\x20"),
                *(struct.pack("<L", zlib.crc32(content)), b"\x00", b"\x00"),
                *(_vint(len(raw)), raw, extra),
            )
        )
        blocks += [_rar5_block(header), content]
    return b"".join([*blocks, _rar5_block(b"\x05\x00\x00")])


def _rar5_block(header: bytes) -> bytes:
    sized = _vint(len(header)) + header
    return struct.pack("<L", zlib.crc32(sized)) + sized


def _vint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def outlook_message(
    *attachments: Tree,
    texts: Mapping[int, str | bytes],
    moment: dt.datetime,
    embedded: bool = False,
) -> dict[str, Any]:
    """The storage of an Outlook message; text given as bytes is written in the 8-bit kind."""
    ticks = int((moment - dt.datetime(1601, 1, 1, tzinfo=dt.UTC)).total_seconds()) * 10_000_000
    fixed = {(0x0039, 0x40): ticks, (0x3FFD, 0x03): 936}
    storage = _properties(24 if embedded else 32, texts, fixed)
    for number, attachment in enumerate(attachments):
        storage[f"__attach_version1.0_#{number:08X}"] = attachment
    return storage


def outlook_attachment(
    data: bytes | Tree, *, method: int = 1, **texts: str | bytes
) -> dict[str, Any]:
    """The storage of an attachment: its bytes, or the storage of a message."""
    tags = {"long_name": 0x3707, "short_name": 0x3704, "mime": 0x370E, "content_id": 0x3712}
    kind = 0x0102 if isinstance(data, bytes) else 0x000D
    fixed = {(0x3705, 3): method, (0x3701, kind): len(data)}
    storage = _properties(8, {tags[key]: text for key, text in texts.items()}, fixed)
    return {**storage, f"__substg1.0_3701{kind:04X}": data}


def _properties(
    header: int, texts: Mapping[int, str | bytes], fixed: Mapping[tuple[int, int], int]
) -> dict[str, Any]:
    storage: dict[str, Any] = {}
    entries = b"".join(
        struct.pack("<HHLQ", kind, tag, 6, value) for (tag, kind), value in fixed.items()
    )
    for tag, text in texts.items():
        kind = 0x1F if isinstance(text, str) else 0x1E
        raw = text.encode("utf-16-le") if isinstance(text, str) else text
        storage[f"__substg1.0_{tag:04X}{kind:04X}"] = raw
        entries += struct.pack("<HHLQ", kind, tag, 6, len(raw))
    return {"__properties_version1.0": bytes(header) + entries, **storage}


def compound_file(tree: Tree) -> bytes:
    """An OLE compound file: streams (bytes) and storages (mappings) by name."""
    end, free, none = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFF
    entries: list[list[Any]] = [["Root Entry", 5, none, none, end, 0]]
    small, large = bytearray(), []
    small_chain: list[int] = []

    def add(children: Tree) -> int:
        first = previous = none
        for name in sorted(children, key=lambda text: (len(text), text.upper())):
            content, number = children[name], len(entries)
            entry = [name, 2 if isinstance(content, bytes) else 1, none, none, end, 0]
            entries.append(entry)
            if not isinstance(content, bytes):
                entry[3], entry[4] = add(content), 0
            elif len(content) < 4096:
                entry[4], entry[5] = len(small) // 64 if content else end, len(content)
                small.extend(content.ljust(-(-len(content) // 64) * 64, b"\0"))
                begun = len(small_chain)
                small_chain.extend(range(begun + 1, len(small) // 64 + 1))
                if content:
                    small_chain[-1] = end
            else:
                large.append((entry, content))
                entry[5] = len(content)
            if previous == none:
                first = number
            else:
                entries[previous][2] = number
            previous = number
        return first

    entries[0][3] = add(tree)
    sectors: list[bytes] = []
    table: list[int] = []

    def put(content: bytes) -> int:
        start, count = len(sectors), -(-len(content) // 512)
        padded = content.ljust(count * 512, b"\0")
        sectors.extend(padded[at * 512 : at * 512 + 512] for at in range(count))
        table.extend([*range(start + 1, start + count), end][:count])
        return start if count else end

    for entry, content in large:
        entry[4] = put(content)
    entries[0][4], entries[0][5] = put(bytes(small)), len(small)
    small_table = put(struct.pack(f"<{len(small_chain)}L", *small_chain))
    small_sectors = -(-len(small_chain) * 4 // 512)
    directory = put(b"".join(map(_entry, entries)))
    tables = 1
    while (len(sectors) + tables) * 4 > tables * 512:
        tables += 1
    begun = len(sectors)
    table += [0xFFFFFFFD] * tables
    table += [free] * (tables * 128 - len(table))
    sectors.extend(struct.pack("<128L", *table[at * 128 : at * 128 + 128]) for at in range(tables))
    header = struct.pack(
        "<8s16xHHHHH6xLLLLLLLLLL",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, tables, directory, 0, 4096, small_table, small_sectors, end, 0, begun),
    )
    rest = [*range(begun + 1, begun + tables), *[free] * (109 - tables)]
    return header + struct.pack("<108L", *rest) + b"".join(sectors)


def _entry(entry: list[Any]) -> bytes:
    name, kind, right, child, start, size = entry
    raw = (name + "\0").encode("utf-16-le")
    return struct.pack(
        "<64sHBBLLL16xL16xLQ", raw, len(raw), kind, 1, 0xFFFFFFFF, right, child, 0, start, size
    )
