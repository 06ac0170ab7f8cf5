"""A report's text, line by line, from .txt, .docx or .pdf; untrusted files go to the worker."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import PurePath

from perfxl.errors import Fault, Place, Unreadable
from perfxl.isolation.service import kept_workers
from perfxl.narrative.numbers import plain

SECONDS = 20.0
LARGEST_TEXT = 4 << 20
KINDS = ".docx、.txt、.pdf"
_READERS = {".docx": "read_docx", ".pdf": "read_pdf"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Line:
    """A line, paragraph or table row: ``text`` as written, ``plain`` character by character the
    same with ASCII digits and brackets; ``cells`` and ``table`` (1-based) where it is a row."""

    number: int
    place: str
    text: str
    cells: tuple[str, ...] = ()
    table: int = 0

    @property
    def plain(self) -> str:
        """The text with ASCII digits and brackets."""
        return plain(self.text)


def read_report(data: bytes, file: str) -> list[Line]:
    """The lines of a report that are not blank, in order.

    Raises Unreadable: unknown kind of file, damaged, encrypted, too large, no text in it.
    """
    suffix = PurePath(file).suffix.lower()
    try:
        if not data:
            raise Unreadable(
                "报告是空的（0 字节）", remedy="请给出有内容的报告", fault=Fault.DAMAGED
            )
        if suffix == ".txt":
            found = [
                (f"第 {i} 行", one, (), 0) for i, one in enumerate(_decoded(data).splitlines(), 1)
            ]
        elif suffix in _READERS:
            found = kept_workers().call(
                f"perfxl.narrative.parsing:{_READERS[suffix]}", data, seconds=SECONDS
            )
        else:
            raise Unreadable(
                f"不认识的报告格式“{suffix or '无扩展名'}”",
                remedy=f"可以读 {KINDS}；.doc、.wps 请在 Word 或 WPS 中另存为 .docx",
            )
        lines = [
            Line(number, place, text, tuple(cells), table)
            for number, (place, text, cells, table) in enumerate(found, 1)
            if text.strip()
        ]
        if not lines:
            raise Unreadable("报告中没有文字", remedy="请给出有内容的报告")
    except Unreadable as error:
        raise Unreadable(
            error.what, place=Place(file), remedy=_remedy(error.remedy), fault=error.fault
        ) from error
    return lines


def _remedy(remedy: str) -> str:
    """The worker's remedies speak of workbooks; a report is mended in Word."""
    if "工作簿" in remedy or "Excel" in remedy:
        return "请在 Word 或 WPS 中打开确认无误，另存为 .docx 后重试"
    return remedy


def _decoded(data: bytes) -> str:
    if len(data) > LARGEST_TEXT:
        raise Unreadable("文本超过 4 MB", remedy="请给出报告本身", fault=Fault.TOO_LARGE)
    encodings = [name for mark, name in _MARKS if data.startswith(mark)] or ["utf-8", "gb18030"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise Unreadable(
        "不是 UTF-8 或 GB18030 编码的文本",
        remedy="请用记事本另存为 UTF-8 后重试",
        fault=Fault.DAMAGED,
    )
