"""A workbook of which a few texts differ from copy to copy: written once, then filled in.

A text that differs is a marker when the workbook is written. Afterwards the parts that hold none
are copied as they were compressed; of the others what lies between the markers is compressed once,
and a copy is those pieces with its own texts between them. The parts of a copy are byte for byte
those that the writer would have written; a copy of which that cannot be said is not made.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from perfxl.excel.package import ZIP_HEAD

_STRINGS = "xl/sharedStrings.xml"
_STRING = re.compile(rb"<si>.*?</si>", re.DOTALL)
# Below this a piece between two markers is not worth a compressed block of its own.
_WORTH_COMPRESSING = 120
# Letters, figures and the signs of names: what every part of a workbook writes as it stands.
_PLAIN = re.compile(r"[\w（）〔〕、，·—.-]+(?: [\w（）〔〕、，·—.-]+)*")
_LONGEST_PLAIN = 80

_LOCAL = struct.Struct("<4sHHHLLLLHH")
_CENTRAL = struct.Struct("<4sHHHHLLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")


def is_plain(text: str) -> bool:
    """Whether a text is written into every part as it stands, without an escape of any kind."""
    return len(text) <= _LONGEST_PLAIN and _PLAIN.fullmatch(text) is not None and "_x" not in text


class _Run:
    """What never differs: its deflated bytes, its size, and what it makes of a checksum."""

    def __init__(self, content: bytes, *, last: bool) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed = packer.compress(content)
        # A sync flush ends on a byte, so that whatever follows can be joined to it.
        self.packed = packed + packer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
        self.size = len(content)
        # crc32(x + content) is linear in crc32(x): four look-ups instead of another pass.
        self._base = zlib.crc32(content)
        bits = [zlib.crc32(content, 1 << bit) ^ self._base for bit in range(32)]
        self._tables = [_combinations(bits[start : start + 8]) for start in range(0, 32, 8)]

    def after(self, checksum: int) -> int:
        """The checksum of what came before and this."""
        first, second, third, fourth = self._tables
        return (
            self._base
            ^ first[checksum & 255]
            ^ second[checksum >> 8 & 255]
            ^ third[checksum >> 16 & 255]
            ^ fourth[checksum >> 24]
        )


def _combinations(bits: Sequence[int]) -> list[int]:
    table = [0]
    for bit in bits:
        table += [bit ^ known for known in table]
    return table


@dataclass(frozen=True)
class _Whole:
    """Parts in a row that never differ: local heads and data, and each one's central record."""

    data: bytes
    records: Sequence[tuple[bytes, bytes, int]]


@dataclass(frozen=True)
class _Varying:
    """One part: runs, and between them templates of what differs."""

    name: bytes
    pieces: Sequence[_Run | Sequence[bytes | str]]


class Stencil:
    """Makes copies of a workbook; ``filled`` gives one."""

    def __init__(self, workbook: bytes, markers: Mapping[str, str]) -> None:
        """``markers`` maps the name of each text that differs to what stands for it.

        A marker must be plain (``is_plain``) and stand nowhere by chance.
        """
        by_marker = {marker.encode(): name for name, marker in markers.items()}
        split = re.compile(b"(" + b"|".join(map(re.escape, by_marker)) + b")")

        def parted(content: bytes) -> list[bytes | str]:
            """Fixed bytes and names of texts, in turn; the first and the last are fixed."""
            found = split.split(content)
            return [by_marker[one] if at % 2 else one for at, one in enumerate(found)]

        self._members: list[_Whole | _Varying] = []
        self._constants: set[bytes] = set()
        self._strings: list[Sequence[bytes | str]] = []
        used: set[str] = set()
        with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
            for info in archive.infolist():
                content = archive.read(info)
                pieces = parted(content)
                used.update(piece for piece in pieces if isinstance(piece, str))
                if info.filename == _STRINGS:
                    for string in _STRING.findall(content):
                        inner = parted(string)
                        if len(inner) == 1:
                            self._constants.add(string)
                        else:
                            self._strings.append(inner)
                self._add(info.filename.encode(), content, pieces)
        self.texts = frozenset(used)

    def _add(self, name: bytes, content: bytes, pieces: Sequence[bytes | str]) -> None:
        if len(pieces) > 1:
            self._members.append(_Varying(name, _joined(pieces)))
            return
        run = _Run(content, last=True)
        data, checksum = run.packed, zlib.crc32(content)
        whole = _local(name, checksum, len(data), len(content)) + data
        before = self._members[-1] if self._members else None
        if isinstance(before, _Whole):
            offset = len(before.data)
            record = (*_central(name, checksum, len(data), len(content)), offset)
            self._members[-1] = _Whole(before.data + whole, (*before.records, record))
        else:
            record = (*_central(name, checksum, len(data), len(content)), 0)
            self._members.append(_Whole(whole, (record,)))

    def filled(self, values: Mapping[str, str]) -> bytes | None:
        """The workbook with these texts, by the names of the markers.

        None where the writer would have escaped one of them, or would have found it among the
        other strings and numbered them differently: then the writer must write.
        """
        if not all(is_plain(values[name]) for name in self.texts):
            return None
        texts = {name: values[name].encode() for name in self.texts}
        strings = {
            b"".join([piece if isinstance(piece, bytes) else texts[piece] for piece in string])
            for string in self._strings
        }
        if len(strings) != len(self._strings) or not strings.isdisjoint(self._constants):
            return None
        content: list[bytes] = []
        directory: list[bytes] = []
        offset = records = 0
        for member in self._members:
            if isinstance(member, _Whole):
                for head, tail, at in member.records:
                    directory += (head, struct.pack("<L", offset + at), tail)
                records += len(member.records)
                content.append(member.data)
                offset += len(member.data)
                continue
            packed: list[bytes] = []
            checksum = size = 0
            for piece in member.pieces:
                if isinstance(piece, _Run):
                    packed.append(piece.packed)
                    checksum = piece.after(checksum)
                    size += piece.size
                    continue
                text = b"".join([one if isinstance(one, bytes) else texts[one] for one in piece])
                # One stored block: a byte that says so, the length, and the length inverted.
                packed += (struct.pack("<BHH", 0, len(text), len(text) ^ 0xFFFF), text)
                checksum = zlib.crc32(text, checksum)
                size += len(text)
            data = b"".join(packed)
            local = _local(member.name, checksum, len(data), size)
            head, tail = _central(member.name, checksum, len(data), size)
            directory += (head, struct.pack("<L", offset), tail)
            records += 1
            content += (local, data)
            offset += len(local) + len(data)
        listed = b"".join(directory)
        end = _END.pack(b"PK\x05\x06", 0, 0, records, records, len(listed), offset, 0)
        return b"".join((*content, listed, end))


def _joined(pieces: Sequence[bytes | str]) -> list[_Run | Sequence[bytes | str]]:
    """Long fixed pieces as runs; what differs, with the short ones beside it, between them."""
    made: list[_Run | Sequence[bytes | str]] = []
    between: list[bytes | str] = []
    last = len(pieces) - 1
    for at, piece in enumerate(pieces):
        if isinstance(piece, str) or (len(piece) < _WORTH_COMPRESSING and at != last):
            between.append(piece)
            continue
        if between:
            made.append(tuple(between))
            between = []
        made.append(_Run(piece, last=at == last))
    return made


def _local(name: bytes, checksum: int, packed: int, size: int) -> bytes:
    """A member's local head; 1980-01-01 00:00, as xlsxwriter dates its members."""
    head = _LOCAL.pack(ZIP_HEAD, 20, 0, 8, 0x0021_0000, checksum, packed, size, len(name), 0)
    return head + name


def _central(name: bytes, checksum: int, packed: int, size: int) -> tuple[bytes, bytes]:
    """A member's central record, before and after the place of its offset."""
    record = _CENTRAL.pack(
        b"PK\x01\x02", 20, 20, 0, 8, 0x0021_0000, checksum, packed, size, len(name), 0, 0, 0, 0, 0, 0
    )  # fmt: skip
    return record[:-4], name
