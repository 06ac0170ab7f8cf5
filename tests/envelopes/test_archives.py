"""Archives: names as they were meant, limits that hold, nothing that disappears silently."""

from __future__ import annotations

import io
import shutil
import stat
import struct
import sys
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_envelopes import rar4_of, rar5_of, with_flags, zip_of

from perfxl.envelopes import Envelope, contents, open_envelope
from perfxl.errors import Fault, Unreadable

py7zr = pytest.importorskip("py7zr", reason="py7zr opens 7z archives")
rarfile = pytest.importorskip("rarfile", reason="rarfile opens rar archives")

MiB = 1 << 20


def names(envelope: Envelope) -> list[str]:
    return ["/".join(filter(None, (each.folder, each.name))) for each in envelope.enclosed]


def fault_of(data: bytes) -> Fault:
    with pytest.raises(Unreadable) as caught:
        open_envelope(data)
    assert caught.value.remedy
    return caught.value.fault


@pytest.mark.parametrize(
    "name",
    [
        "教育局/自评表.xlsx".encode("gbk"),
        "教育局/自评表.xlsx".encode(),
        "教育局\\自评表.xlsx".encode("gbk"),
        "教育局/自评表.xlsx",
    ],
)
def test_chinese_names_in_a_zip(name: str | bytes) -> None:
    assert names(open_envelope(zip_of((name, b"x")))) == ["教育局/自评表.xlsx"]


@pytest.mark.parametrize("name", ["目录.xlsx", "朱镕基.pdf", "①类.pdf", "汇总", "ä.xlsx"])
def test_short_names_in_gbk_are_not_mistaken_for_utf_8(name: str) -> None:
    raw = name.encode("gb18030")
    assert names(open_envelope(zip_of((raw.ljust(4, b" "), b"x")))) == [name]


def test_a_name_in_no_known_charset_is_kept_somehow() -> None:
    (member,) = open_envelope(zip_of((b"\xff\xff\xfe.xlsx", b"x"))).enclosed
    assert member.name.endswith(".xlsx")
    assert member.data == b"x"


def test_a_name_that_is_wrongly_marked_as_utf_8() -> None:
    data = with_flags(zip_of(("考核.xlsx".encode("gbk"), b"1"), ("good.xlsx", b"2")), 0x800)
    assert names(open_envelope(data)) == ["考核.xlsx", "good.xlsx"]


def test_the_unicode_path_counts_where_it_belongs_to_the_name() -> None:
    def with_path(checksum: int) -> bytes:
        path = b"\x01" + struct.pack("<L", checksum) + "自评.xlsx".encode()
        info = zipfile.ZipInfo("zp.xlsx")
        info.extra = struct.pack("<HH", 0x7075, len(path)) + path
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(info, b"x")
        return stream.getvalue()

    assert names(open_envelope(with_path(zlib.crc32(b"zp.xlsx")))) == ["自评.xlsx"]
    assert names(open_envelope(with_path(1))) == ["zp.xlsx"]


@pytest.mark.parametrize(
    ("name", "folder", "shown"),
    [
        ("../../evil.xlsx", "", "evil.xlsx"),
        ("/etc/passwd", "etc", "passwd"),
        ("C:\\Users\\科员\\a.xlsx", "Users/科员", "a.xlsx"),
        ("C:a.xlsx", "", "a.xlsx"),
        ("a/./b/../c.xlsx", "a/b", "c.xlsx"),
        ("a\x1b[31m\nb.xlsx", "", "a[31m b.xlsx"),
        ("a\u202excod.xlsx", "", "axcod.xlsx"),
        ("..", "", "未命名"),
        ("", "", "未命名"),
        ("长" * 5000 + ".xlsx", "", "长" * 115 + ".xlsx"),
    ],
)
def test_names_are_for_display_and_never_a_path(name: str, folder: str, shown: str) -> None:
    (member,) = open_envelope(zip_of((name, b"x"))).enclosed
    assert (member.folder, member.name) == (folder, shown)


def test_both_members_of_one_name_come_out() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = zip_of(("a.xlsx", b"first"), ("a.xlsx", b"second"))
    assert [each.data for each in open_envelope(data).enclosed] == [b"first", b"second"]


def test_an_archive_in_an_archive_is_handed_over_closed() -> None:
    inner = zip_of(("a.xlsx", b"x"))
    (member,) = open_envelope(zip_of(("inner.zip", inner), method=zipfile.ZIP_STORED)).enclosed
    assert member.data == inner


@pytest.mark.parametrize(
    "method",
    [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
)
def test_the_methods_that_zip_has(method: int) -> None:
    content = b"content " * 9000
    (member,) = open_envelope(zip_of(("a.xlsx", content), method=method)).enclosed
    assert member.data == content


def test_what_is_left_out_is_said() -> None:
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO(
        zip_of(("a.xlsx", b"x"), ("__MACOSX/._a.xlsx", b"x"), ("d/~$a.xlsx", b""), ("d/", b""))
    )
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("Thumbs.db", b"x")
    envelope = open_envelope(stream.getvalue())
    assert names(envelope) == ["a.xlsx"]
    assert envelope.refused == ("“link”是链接而不是文件，没有取出",)
    assert envelope.passed_over == ("__MACOSX/._a.xlsx", "d/~$a.xlsx", "Thumbs.db")


def test_an_encrypted_member_is_refused_and_the_others_come_out() -> None:
    data = bytearray(zip_of(("a.xlsx", b"x"), ("佐证/b.xlsx", b"y"), ("desktop.ini", b"")))
    second = data.find(b"PK\x01\x02", data.find(b"PK\x01\x02") + 4)
    data[second + 8] |= 1
    envelope = open_envelope(bytes(data))
    assert names(envelope) == ["a.xlsx"]
    assert envelope.refused == ("“佐证/b.xlsx”已加密，没有取出",)


def test_an_archive_of_encrypted_members_only() -> None:
    data = with_flags(zip_of(("a.xlsx", b"x"), (".DS_Store", b""), ("d/", b"")), 1)
    assert fault_of(data) is Fault.ENCRYPTED


def test_a_bomb_is_refused_by_its_ratio() -> None:
    data = zip_of(("bomb.bin", bytes(20 * MiB)), ("a.xlsx", b"x"))
    envelope = open_envelope(data)
    assert names(envelope) == ["a.xlsx"]
    assert envelope.refused == ("“bomb.bin”展开后异常膨胀，没有取出",)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_size_that_lies_does_not_pass_the_limit(
    method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytearray(zip_of(("bomb.bin", bytes(80 * MiB)), ("a.xlsx", b"x"), method=method))
    struct.pack_into("<L", data, data.find(b"PK\x01\x02") + 24, 1000)
    largest = 0
    crc32 = zlib.crc32

    def watched(content: bytes, *rest: int) -> int:
        nonlocal largest
        largest = max(largest, len(content))
        return crc32(content, *rest)

    monkeypatch.setattr("perfxl.envelopes.archives.zlib.crc32", watched)
    envelope = open_envelope(bytes(data))
    assert names(envelope) == ["a.xlsx"]
    assert envelope.refused == ("“bomb.bin”已损坏，没有取出",)
    assert largest < 2000


def test_a_member_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "LARGEST_MEMBER", 100)
    envelope = open_envelope(zip_of(("big", bytes(101)), ("fits", bytes(100))))
    assert names(envelope) == ["fits"]
    assert envelope.refused == ("“big”超过 64 MB，没有取出",)


def test_too_much_or_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    data = zip_of(("a", bytes(60)), ("b", bytes(60)), method=zipfile.ZIP_STORED)
    with monkeypatch.context() as patch:
        patch.setattr(contents, "LARGEST_TOTAL", 100)
        assert fault_of(data) is Fault.TOO_LARGE
    monkeypatch.setattr(contents, "MOST_MEMBERS", 1)
    assert fault_of(data) is Fault.TOO_LARGE


def test_members_that_overlap_count_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contents, "LARGEST_TOTAL", 10_000)
    once = zip_of(("a", bytes(1000)), method=zipfile.ZIP_STORED)
    at, end = once.find(b"PK\x01\x02"), once.find(b"PK\x05\x06")
    entry = once[at:end]
    tail = struct.pack("<4s4xHHLLH", b"PK\x05\x06", 50, 50, len(entry) * 50, at, 0)
    assert fault_of(once[:at] + entry * 50 + tail) is Fault.TOO_LARGE


def test_two_names_of_a_member_may_differ() -> None:
    data = zip_of(("aaaa.xlsx", b"x"))
    changed = data.replace(b"aaaa.xlsx", b"bbbb.xlsx", 1)
    assert names(open_envelope(changed)) == ["aaaa.xlsx"]


def test_a_damaged_member_does_not_spoil_the_others() -> None:
    data = bytearray(zip_of(("a", b"abcdef"), ("b", b"ghijkl"), method=zipfile.ZIP_STORED))
    data[data.find(b"abcdef")] ^= 1
    envelope = open_envelope(bytes(data))
    assert (names(envelope), envelope.refused) == (["b"], ("“a”已损坏，没有取出",))


def test_a_method_that_is_not_read() -> None:
    data = bytearray(zip_of(("a", b"abc")))
    data[data.find(b"PK\x01\x02") + 10] = 93
    assert open_envelope(bytes(data)).refused == ("“a”用了少见的压缩方法，没有取出",)


@pytest.mark.parametrize("kept", [4, 40, 0.5, 0.9])
def test_a_zip_cut_short(kept: float) -> None:
    data = zip_of(("a.xlsx", bytes(range(256)) * 10))
    assert fault_of(data[: int(kept if kept > 1 else len(data) * kept)]) is Fault.DAMAGED


def test_a_member_hidden_by_a_spoilt_directory_is_missed() -> None:
    spoilt = bytearray(zip_of(("a", b"1"), ("b", b"2")))
    first = spoilt.find(b"PK\x01\x02")
    second = spoilt.find(b"PK\x01\x02", first + 1)
    # The comment of the first entry reaches over the second.
    struct.pack_into("<H", spoilt, first + 32, spoilt.find(b"PK\x05\x06") - second)
    envelope = open_envelope(bytes(spoilt))
    assert names(envelope) == ["a"]
    assert envelope.refused == ("压缩包目录不完整，可能还有文件没有取出",)


def test_one_volume_of_a_split_zip() -> None:
    data = bytearray(zip_of(("a", b"x")))
    data[data.rfind(b"PK\x05\x06") + 4] = 2
    with pytest.raises(Unreadable, match="分卷"):
        open_envelope(bytes(data))


def test_an_empty_zip_holds_nothing() -> None:
    assert open_envelope(zip_of()) == Envelope("", "", None, (), (), ())


def seven_zip_of(*members: tuple[str, bytes], **options: object) -> bytes:
    stream = io.BytesIO()
    with py7zr.SevenZipFile(stream, "w", **options) as archive:
        for name, content in members:
            archive.writestr(content, name)
    return stream.getvalue()


def test_7z() -> None:
    data = seven_zip_of(
        ("教育局/自评表.xlsx", b"first"), ("a.pdf", b""), ("a.pdf", b"2"), ("Thumbs.db", b"x")
    )
    envelope = open_envelope(data)
    assert names(envelope) == ["教育局/自评表.xlsx", "a.pdf", "a.pdf"]
    assert [each.data for each in envelope.enclosed] == [b"first", b"", b"2"]
    assert envelope.passed_over == ("Thumbs.db",)


def test_7z_names_that_climb_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(py7zr.py7zr, "check_archive_path", bool)
    monkeypatch.setattr(py7zr.SevenZipFile, "_sanitize_archive_arcname", staticmethod(str))
    data = seven_zip_of(("../../evil.xlsx", b"x"), ("/etc/passwd", b"y"))
    assert names(open_envelope(data)) == ["evil.xlsx", "etc/passwd"]


@pytest.mark.parametrize("header", [False, True])
def test_7z_with_a_password(header: bool) -> None:
    data = seven_zip_of(("a.xlsx", b"x" * 50), password="secret", header_encryption=header)
    assert fault_of(data) is Fault.ENCRYPTED


def test_7z_bomb() -> None:
    data = seven_zip_of(("bomb.bin", bytes(8 * MiB)))
    envelope = open_envelope(data)
    assert (names(envelope), envelope.refused) == ([], ("“bomb.bin”展开后异常膨胀，没有取出",))


@pytest.mark.parametrize("kept", [6, 32, 0.5, 0.95])
def test_7z_cut_short(kept: float) -> None:
    data = seven_zip_of(("a.xlsx", bytes(range(256)) * 4))
    assert fault_of(data[: int(kept if kept > 1 else len(data) * kept)]) is Fault.DAMAGED


def test_7z_with_a_damaged_member() -> None:
    data = bytearray(seven_zip_of(("a.xlsx", bytes(range(256)) * 4)))
    data[60] ^= 0xFF
    assert fault_of(bytes(data)) is Fault.DAMAGED


@pytest.fixture
def no_program(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)
    yield


@pytest.mark.usefixtures("no_program")
def test_rar_of_stored_members_needs_no_program() -> None:
    old = open_envelope(rar4_of(("自评表.xlsx".encode("gbk"), b"abc"), (b"d\\b.txt", b"")))
    assert names(old) == ["自评表.xlsx", "d/b.txt"]
    new = open_envelope(
        rar5_of(("教育局/自评表.xlsx", b"abc"), ("ä.txt", b"x"), ("Thumbs.db", b""))
    )
    assert names(new) == ["教育局/自评表.xlsx", "ä.txt"]
    assert new.passed_over == ("Thumbs.db",)


@pytest.mark.usefixtures("no_program")
def test_rar_without_a_program_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(Unreadable, match="这是 rar 压缩包，本机没有能打开它的组件") as caught:
        open_envelope(rar4_of((b"a.xlsx", b"abc"), packed=True))
    assert "zip" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_rar_members_that_cannot_be_taken_out() -> None:
    envelope = open_envelope(rar5_of(("a", b"x"), ("b", b"y"), encrypted=[1]))
    assert (names(envelope), envelope.refused) == (["a"], ("“b”已加密，没有取出",))
    envelope = open_envelope(rar5_of(("a", b"1"), ("a", b"2")))
    assert [each.data for each in envelope.enclosed] == [b"2"]
    assert envelope.refused == ("“a”与包内另一个文件同名，没有取出",)
    assert fault_of(rar5_of(("a", b"x"), encrypted=[0])) is Fault.ENCRYPTED


def test_rar_damaged() -> None:
    data = rar5_of(("a", b"abcdef"), ("b", b"ghijkl"))
    changed = data.replace(b"abcdef", b"abcdeX")
    assert open_envelope(changed).refused == ("“a”已损坏，没有取出",)
    assert fault_of(data[:12]) is Fault.DAMAGED
    cut = open_envelope(data[: data.find(b"abcdef") + 6])
    assert (names(cut), cut.refused) == (["a"], ("压缩包末尾不完整，可能还有文件没有取出",))


def test_rar_by_bsdtar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A member handed to the program although it is stored: it is called as it wants to be."""
    program = shutil.which("bsdtar")
    if not program:
        pytest.skip("bsdtar (libarchive-tools) is not installed")
    (tmp_path / "bsdtar").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(rarfile, "CURRENT_SETUP", None)

    def by_program(parser: Any, member: Any) -> Any:
        return parser._open_unrar_membuf(parser._rarfile, member, None)

    monkeypatch.setattr(rarfile.CommonParser, "_open_clear", by_program)
    envelope = open_envelope(rar5_of(("a.xlsx", b"x"), ("教育局/-a[1]*.xlsx", b"abcdef")))
    assert [each.data for each in envelope.enclosed] == [b"x", b"abcdef"]


@pytest.mark.parametrize(
    ("library", "data"),
    [("py7zr", lambda: seven_zip_of(("a", b"x"))), ("rarfile", lambda: rar5_of(("a", b"x")))],
)
def test_a_library_that_is_missing_is_said(
    library: str, data: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = data()
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Unreadable, match="本机没有能打开它的组件"):
        open_envelope(made)
