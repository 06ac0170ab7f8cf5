"""Takes the text out of .docx and .pdf files; runs in the worker, and nothing here is called elsewhere.

A .docx is read from its parts: a library's paragraphs leave out what was inserted under
track changes, and the numbers that Word counts itself (一、 （一） 1.) are in no paragraph at all.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Mapping

from perfxl.errors import Fault, Unreadable
from perfxl.excel.package import OLE_HEAD, ZIP_HEAD, open_document

Row = tuple[str, str, tuple[str, ...], int]

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MOST_LINES = 20_000
_MOST_PAGES = 500
_LEFT_OUT = frozenset(
    {f"{_W}{name}" for name in ("del", "moveFrom", "pPr", "instrText", "delText")}
)
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_CHINESE = "零一二三四五六七八九"
_STARTS = re.compile(
    r"\s*(?:[一二三四五六七八九十]+\s*[、.．]|[(（]\s*[一二三四五六七八九十\d]+\s*[)）]|\d{1,2}\s*[、.．](?!\d)"
    r"|\d+(?:\.\d+)+\s*[^\d\s分万亿元%]|第[一二三四五六七八九十]+[部章]"
    r"|(?:总计|合计|综上|自评总?得分|自评总分)[^。]{0,12}\d)"
)
_PAGE_NUMBER = re.compile(r"[-—–\s]*(?:第\s*)?\d{1,3}(?:\s*页)?(?:\s*[/／]\s*\d+)?[-—–\s]*")


def read_docx(data: bytes) -> list[Row]:
    """(place, text, cells, table) of each paragraph and table row. Raises Unreadable."""
    if data.startswith(OLE_HEAD):
        raise Unreadable(
            "文件已加密，或是旧版 .doc",
            remedy="请取消密码，另存为 .docx 后重试",
            fault=Fault.ENCRYPTED,
        )
    if not data.startswith(ZIP_HEAD):
        raise Unreadable("不是 Word 文档", remedy="请给出 .docx 文件", fault=Fault.DAMAGED)
    parts = open_document(data)
    document = parts.get("word/document.xml")
    if document is None:
        raise Unreadable("不是 Word 文档", remedy="请给出 .docx 文件", fault=Fault.DAMAGED)
    body = _tree(document).find(f"{_W}body")
    if body is None:
        raise Unreadable("文档没有正文", remedy="请给出有内容的报告", fault=Fault.DAMAGED)
    return list(_blocks(body, _Numbering(parts)))


def _tree(part: bytes) -> ET.Element:
    try:
        return ET.fromstring(part)
    except ET.ParseError as error:
        raise Unreadable(
            "文件损坏或不完整", remedy="请在 Word 中另存后重试", fault=Fault.DAMAGED
        ) from error


def _blocks(body: ET.Element, numbering: _Numbering) -> Iterator[Row]:
    paragraphs = tables = 0
    for element in _unwrapped(body):
        if element.tag == f"{_W}p":
            paragraphs += 1
            text = numbering.of(element) + _text(element)
            for line in text.split("\n"):
                yield f"第 {paragraphs} 段", line, (), 0
        elif element.tag == f"{_W}tbl":
            tables += 1
            above: list[str] = []
            for number, row in enumerate(element.iter(f"{_W}tr"), 1):
                above = _cells(row, above)
                yield f"表 {tables} 第 {number} 行", " | ".join(above), tuple(above), tables


def _unwrapped(body: ET.Element) -> Iterator[ET.Element]:
    """Paragraphs and tables, also those within content controls."""
    for element in body:
        if element.tag == f"{_W}sdt":
            for content in element.iter(f"{_W}sdtContent"):
                yield from _unwrapped(content)
                break
        else:
            yield element


def _cells(row: ET.Element, above: list[str]) -> list[str]:
    """A row's cells over the grid; one merged downwards repeats what stands above."""
    cells: list[str] = []
    for cell in row.findall(f"{_W}tc"):
        merge = cell.find(f"{_W}tcPr/{_W}vMerge")
        span = cell.find(f"{_W}tcPr/{_W}gridSpan")
        at = len(cells)
        text = "\n".join(_text(one) for one in cell.iter(f"{_W}p")).strip()
        if merge is not None and merge.get(f"{_W}val") != "restart" and at < len(above):
            text = above[at]
        wide = span.get(f"{_W}val", "1") if span is not None else "1"
        cells += [text, *[""] * (min(int(wide) if wide.isdigit() else 1, 64) - 1)]
    return cells


def _text(element: ET.Element) -> str:
    pieces: list[str] = []

    def walk(one: ET.Element) -> None:
        for child in one:
            if child.tag == f"{_W}t":
                pieces.append(child.text or "")
            elif child.tag in (f"{_W}br", f"{_W}cr"):
                pieces.append("\n")
            elif child.tag == f"{_W}tab":
                pieces.append(" ")
            elif child.tag not in _LEFT_OUT and child.tag != _FALLBACK:
                walk(child)

    walk(element)
    return "".join(pieces)


class _Numbering:
    """The numbers that Word counts itself, as text before their paragraphs."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        self.levels: dict[str, dict[int, tuple[str, str, int]]] = {}
        self.abstract: dict[str, str] = {}
        self.counts: dict[tuple[str, int], int] = {}
        self.styles: dict[str, tuple[str, int]] = {}
        if "word/numbering.xml" in parts:
            tree = _tree(parts["word/numbering.xml"])
            for one in tree.findall(f"{_W}abstractNum"):
                self.levels[one.get(f"{_W}abstractNumId", "")] = {
                    int(level.get(f"{_W}ilvl", "0")): (
                        _value(level, "numFmt", "decimal"),
                        _value(level, "lvlText", ""),
                        int(_value(level, "start", "1")),
                    )
                    for level in one.findall(f"{_W}lvl")
                }
            for one in tree.findall(f"{_W}num"):
                self.abstract[one.get(f"{_W}numId", "")] = _value(one, "abstractNumId", "")
        if "word/styles.xml" in parts:
            for style in _tree(parts["word/styles.xml"]).findall(f"{_W}style"):
                properties = style.find(f"{_W}pPr/{_W}numPr")
                if properties is not None:
                    self.styles[style.get(f"{_W}styleId", "")] = (
                        _value(properties, "numId", ""),
                        int(_value(properties, "ilvl", "0")),
                    )

    def of(self, paragraph: ET.Element) -> str:
        """The number of a paragraph, empty where Word counts none."""
        properties = paragraph.find(f"{_W}pPr/{_W}numPr")
        if properties is not None:
            which, level = _value(properties, "numId", ""), int(_value(properties, "ilvl", "0"))
        else:
            own = paragraph.find(f"{_W}pPr")
            which, level = self.styles.get(
                _value(own, "pStyle", "") if own is not None else "", ("", 0)
            )
        key = self.abstract.get(which, "")
        levels = self.levels.get(key, {})
        if level not in levels or not _text(paragraph).strip():
            return ""
        self.counts[key, level] = self.counts.get((key, level), levels[level][2] - 1) + 1
        for deeper in [place for place in self.counts if place[0] == key and place[1] > level]:
            del self.counts[deeper]

        def count(found: re.Match[str]) -> str:
            at = int(found[1]) - 1
            form, _, start = levels.get(at, ("decimal", "", 1))
            return _counted(self.counts.get((key, at), start), form)

        return re.sub(r"%(\d)", count, levels[level][1]) if levels[level][0] != "bullet" else ""


def _value(element: ET.Element, name: str, otherwise: str) -> str:
    child = element.find(f"{_W}{name}")
    return otherwise if child is None else child.get(f"{_W}val", otherwise)


def _counted(count: int, form: str) -> str:
    if form.startswith(("chinese", "japanese", "ideographDigital", "taiwanese")) and count < 100:
        tens, ones = divmod(count, 10)
        lead = ("" if tens == 1 else _CHINESE[tens]) + "十" if tens else ""
        return lead + (_CHINESE[ones] if ones or not tens else "")
    return str(count)


def read_pdf(data: bytes) -> list[Row]:
    """(place, text, (), 0) of each paragraph that the lines of the pages make up.

    Raises Unreadable, also where no page has a text layer.
    """
    from pypdf import PdfReader  # noqa: PLC0415 - only where a .pdf comes
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("PDF 已加密", remedy="请取消密码后重试", fault=Fault.ENCRYPTED)
        if len(reader.pages) > _MOST_PAGES:
            raise Unreadable("PDF 超过 500 页", remedy="请给出报告本身", fault=Fault.TOO_LARGE)
        pages = [page.extract_text() for page in reader.pages]
    except PyPdfError as error:
        raise Unreadable(
            "PDF 文件损坏或不完整", remedy="请重新导出 PDF 后重试", fault=Fault.DAMAGED
        ) from error
    lines = [
        (number, at, line.strip())
        for number, page in enumerate(pages, 1)
        for at, line in enumerate(page.splitlines(), 1)
        if line.strip() and not _PAGE_NUMBER.fullmatch(line)
    ]
    if not lines:
        raise Unreadable(
            "PDF 没有文字层（可能是扫描件）", remedy="请给出由 Word 导出的 PDF，或 .docx 原件"
        )
    return list(_joined(lines[:_MOST_LINES]))


def _joined(lines: list[tuple[int, int, str]]) -> Iterator[Row]:
    """Printed lines as paragraphs: a full line goes on in the next, unless that begins a heading."""
    lengths: defaultdict[int, int] = defaultdict(int)
    for _, _, line in lines:
        lengths[len(line)] += 1
    full = max((size for size, many in lengths.items() if many > 1), default=0) or max(lengths)
    place, text, last = "", "", 0
    for page, at, line in lines:
        if text and last >= 0.85 * full and not _STARTS.match(line):
            text += line
        else:
            if text:
                yield place, text, (), 0
            place, text = f"第 {page} 页第 {at} 行", line
        last = len(line)
    yield place, text, (), 0
