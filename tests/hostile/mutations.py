"""Spoils good workbooks on purpose, by a seed: bytes of the file, of its parts, of its records."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from collections.abc import Callable, Sequence

import olefile

OLE_HEAD = b"\xd0\xcf\x11\xe0"

# What a bad line, disk or program does to bytes.
Damage = Callable[[random.Random, bytearray], None]


def _span(chance: random.Random, data: bytearray, longest: int) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + 1 + chance.randrange(longest))


def _flip(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _overwrite(chance: random.Random, data: bytearray) -> None:
    start, end = _span(chance, data, chance.choice((1, 4, 16, 64)))
    data[start:end] = chance.randbytes(end - start)


def _blank_out(chance: random.Random, data: bytearray) -> None:
    start, end = _span(chance, data, chance.choice((4, 64, 512)))
    data[start:end] = bytes([chance.choice((0, 0x20, 0xFF))]) * (end - start)


def _insert(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    data[at:at] = chance.randbytes(1 + chance.randrange(32))


def _delete(chance: random.Random, data: bytearray) -> None:
    start, end = _span(chance, data, chance.choice((1, 8, 64, 512, 4096)))
    del data[start:end]


def _truncate(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


def _swap(chance: random.Random, data: bytearray) -> None:
    size = min(chance.choice((1, 4, 16, 64, 512)), len(data) // 2)
    first = chance.randrange(len(data) - 2 * size + 1)
    second = chance.randrange(first + size, len(data) - size + 1)
    data[first : first + size], data[second : second + size] = (
        data[second : second + size],
        data[first : first + size],
    )


def _copy(chance: random.Random, data: bytearray) -> None:
    start, end = _span(chance, data, chance.choice((4, 64, 512)))
    at = chance.randrange(len(data))
    data[at : at + end - start] = data[start:end]


def _delete_alike(chance: random.Random, data: bytearray) -> None:
    """Delete from one place to another that looks the same: what is left looks whole."""
    size = chance.choice((2, 3, 5, 8))
    start = chance.randrange(max(1, len(data) - size))
    again = bytes(data).find(bytes(data[start : start + size]), start + 1)
    for _ in range(chance.choice((0, 0, 0, 1, 3, 20))):
        further = bytes(data).find(bytes(data[start : start + size]), again + 1)
        again = further if further > 0 else again
    if again > 0:
        del data[start:again]


def _swap_digits(chance: random.Random, data: bytearray) -> None:
    """Put other letters or digits in the place of some: names, references and counts go wrong."""
    letters = [at for at in range(len(data)) if bytes(data[at : at + 1]).isalnum()]
    for _ in range(chance.choice((1, 1, 2))):
        if letters:
            data[chance.choice(letters)] = chance.choice(b"0123456789ABCDEFInstrcvd")


RAW: tuple[Damage, ...] = (
    _flip, _overwrite, _blank_out, _insert, _delete, _truncate, _swap, _copy,
)  # fmt: skip
INSIDE: tuple[Damage, ...] = (*RAW[:5], _swap, _copy, _swap_digits, _swap_digits)
# Where a program writes no blank cells, to leave one out exactly gives what a unit might have sent.
CUT_ALIKE: tuple[Damage, ...] = (*INSIDE, _delete_alike, _delete_alike, _delete_alike)


def mutated(data: bytes, seed: str, damages: Sequence[Damage] = INSIDE) -> bytes:
    """One mutant of a workbook; the seed alone decides which.

    ``damages`` are done to the parts of a zipped workbook before they are packed again.
    """
    chance = random.Random(seed)
    while True:
        if data.startswith(OLE_HEAD):
            mutant = chance.choice((_raw, _in_stream, _in_stream, _in_records))(chance, data)
        elif chance.randrange(4):
            mutant = _in_parts(chance, data, damages)
        else:
            mutant = _raw(chance, data)
        if mutant != data:
            return mutant


def _raw(chance: random.Random, data: bytes) -> bytes:
    spoilt = bytearray(data)
    chance.choice(RAW)(chance, spoilt)
    return bytes(spoilt)


def _in_parts(chance: random.Random, data: bytes, damages: Sequence[Damage]) -> bytes:
    """Spoil a part as it is before packing, and pack again: no checksum tells."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    names = [name for name in parts if parts[name]]
    weights = [
        len(parts[name]) if name.startswith("xl/worksheets/") or "shared" in name else 1500
        for name in names
    ]
    for name in chance.choices(names, weights, k=chance.choice((1, 1, 1, 2))):
        spoilt = bytearray(parts[name])
        if spoilt:
            chance.choice(damages)(chance, spoilt)
            parts[name] = bytes(spoilt)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 12, 9, 30, 0)), content)
    return packed.getvalue()


def _in_stream(chance: random.Random, data: bytes) -> bytes:
    """Spoil the workbook stream of an .xls; its size stays."""
    stream = _stream_of(data)
    spoilt = bytearray(stream)
    chance.choice((*RAW[:5], _swap, _copy))(chance, spoilt)
    return _with_stream(data, bytes(spoilt))


def _in_records(chance: random.Random, data: bytes) -> bytes:
    """Spoil whole records of an .xls: leave some out, repeat, swap, or turn one into another."""
    stream = _stream_of(data)
    records, at = [], 0
    while at + 4 <= len(stream):
        (size,) = struct.unpack_from("<H", stream, at + 2)
        records.append(stream[at : at + 4 + size])
        at += 4 + size
    first = chance.randrange(len(records))
    match chance.randrange(5):
        case 0:
            lost = len(records[first])
            del records[first]
            # Something of the same size keeps the sheets that follow in their places.
            records.insert(
                chance.randrange(first, len(records)),
                struct.pack("<HH", 0x0000, lost - 4) + bytes(lost - 4),
            )
        case 1:
            second = chance.randrange(len(records))
            records[first], records[second] = records[second], records[first]
        case 2:
            alike = [n for n, r in enumerate(records) if len(r) == len(records[first])]
            records[first] = records[chance.choice(alike)]
        case 3:
            head = struct.pack("<H", chance.choice(records)[0] | chance.choice((0, 0x100, 0x200)))
            records[first] = head + records[first][2:]
        case _:
            record = bytearray(records[first])
            if len(record) > 4:
                record[4 + chance.randrange(min(6, len(record) - 4))] ^= 1 << chance.randrange(8)
            records[first] = bytes(record)
    return _with_stream(data, b"".join(records))


def _stream_of(data: bytes) -> bytes:
    with olefile.OleFileIO(io.BytesIO(data)) as ole:
        return bytes(ole.openstream("Workbook").read())


def _with_stream(data: bytes, stream: bytes) -> bytes:
    kept = io.BytesIO(data)
    with olefile.OleFileIO(kept, write_mode=True) as ole:
        size = ole.get_size("Workbook")
        ole.write_stream("Workbook", stream[:size].ljust(size, b"\0"))
        return kept.getvalue()
