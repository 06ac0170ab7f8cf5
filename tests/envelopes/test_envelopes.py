"""What is an envelope, told by content; and nothing but Unreadable comes out of any bytes."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_envelopes import (
    compound_file,
    outlook_attachment,
    outlook_message,
    rar4_of,
    rar5_of,
    zip_of,
)
from test_archives import seven_zip_of
from test_messages import MOMENT, attach, mail

from perfxl.envelopes import envelope_of, is_envelope, open_envelope, open_plain
from perfxl.errors import Fault, Unreadable
from perfxl.isolation.service import kept_workers

ODS = b"application/vnd.oasis.opendocument.spreadsheet"
MESSAGE = outlook_message(outlook_attachment(b"x" * 5000, long_name="a"), texts={}, moment=MOMENT)

SAMPLES = {
    "zip": zip_of(("教育局/自评表.xlsx".encode("gbk"), b"text " * 50), ("b.pdf", b"%PDF-1.7")),
    "7z": seven_zip_of(("自评表.xlsx", b"text " * 50), ("b.pdf", b"%PDF-1.7")),
    "rar4": rar4_of((b"a.xlsx", b"text " * 20), (b"b.pdf", b"%PDF-1.7")),
    "rar5": rar5_of(("自评表.xlsx", b"text " * 20), ("b.pdf", b"%PDF-1.7")),
    "eml": attach(attach(mail(), "自评表.xlsx"), "b.pdf").as_bytes(),
    "msg": compound_file(MESSAGE),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_envelopes_are_told_by_content(kind: str) -> None:
    assert is_envelope(SAMPLES[kind])
    assert open_envelope(SAMPLES[kind]).enclosed


@pytest.mark.parametrize(
    "data",
    [
        zip_of(("[Content_Types].xml", b"<x/>"), ("xl/workbook.xml", b"<x/>")),
        zip_of(("word\\document.xml", b"<x/>"), ("[Content_Types].xml", b"<x/>")),
        zip_of(("mimetype", ODS), ("content.xml", b"<x/>"), method=0),
        zip_of(("Doc_0/Document.xml", b"<x/>"), ("OFD.xml", b"<x/>")),
        compound_file({"Workbook": b"x" * 5000}),
        compound_file({"Workbook": b"x" * 5000, "MBD00000001": MESSAGE}),
        compound_file({"EncryptedPackage": b"x", "EncryptionInfo": b"x"}),
        b"",
        b"%PDF-1.7\n",
        b"From: Shilou\nnothing else",
        b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n\r\n",
        "单位,得分\n教育局,90\n".encode("gbk"),
    ],
)
def test_what_is_no_envelope(data: bytes) -> None:
    assert not is_envelope(data)
    with pytest.raises(Unreadable) as caught:
        open_envelope(data)
    assert caught.value.fault is Fault.NOT_A_WORKBOOK


def test_a_workbook_cut_short_is_still_no_envelope(repository: Path) -> None:
    data = (repository / "workbook_templates" / "考核方案.xlsx").read_bytes()
    assert not is_envelope(data)
    assert not is_envelope(data[: len(data) // 2])


def test_an_unpacked_workbook_packed_again_in_a_folder_is_an_envelope() -> None:
    assert is_envelope(zip_of(("a/[Content_Types].xml", b"<x/>"), ("a/xl/workbook.xml", b"<x/>")))


def test_something_before_a_zip_or_a_comment_after_it() -> None:
    office = zip_of(("docs.xml", b"x"), ("[Content_Types].xml", b"<x/>"), ("xl/a.xml", b"<x/>"))
    with_comment = office[:-2] + b"\x05\x00hello"
    assert not is_envelope(with_comment)
    assert is_envelope(SAMPLES["zip"][:-2] + b"\x05\x00hello")


def test_plain_and_back() -> None:
    for data in SAMPLES.values():
        assert envelope_of(open_plain(data)) == open_envelope(data)


def test_the_worker_opens_envelopes() -> None:
    for data in SAMPLES.values():
        plain = kept_workers().call("perfxl.envelopes:open_plain", data)
        assert envelope_of(plain) == open_envelope(data)


def test_the_import_is_light() -> None:
    heavy = ["pandas", "openpyxl", "numpy", "py7zr", "rarfile", "olefile", "lxml"]
    program = f"import sys, perfxl.envelopes; print(set({heavy}) & set(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )
    assert run.stdout.strip() == "set()"


def is_unreadable_or_fine(data: bytes) -> None:
    is_envelope(data)
    try:
        envelope = open_envelope(data)
    except Unreadable as error:
        assert error.what
        return
    for member in envelope.enclosed:
        assert member.name.isprintable()
        assert "/" not in member.name
        assert ".." not in member.folder.split("/")
        member.name.encode()


@given(st.binary(max_size=300), st.sampled_from([b"", *(data[:8] for data in SAMPLES.values())]))
def test_any_bytes(data: bytes, head: bytes) -> None:
    is_unreadable_or_fine(head + data)


@st.composite
def mutated(draw: st.DrawFn, kind: str) -> bytes:
    data = bytearray(SAMPLES[kind])
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data) - 1))
        data[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
        data = data or bytearray(b"x")
    return bytes(data[: draw(st.sampled_from([len(data), len(data) // 2]))])


@pytest.mark.parametrize("kind", SAMPLES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_mutation(kind: str, data: st.DataObject) -> None:
    is_unreadable_or_fine(data.draw(mutated(kind)))


def test_a_zip64_archive() -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w") as archive,
        archive.open("a.xlsx", "w", force_zip64=True) as to,
    ):
        to.write(b"x")
    assert [each.data for each in open_envelope(stream.getvalue()).enclosed] == [b"x"]
