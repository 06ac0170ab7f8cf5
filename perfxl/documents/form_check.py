"""Reads a finished .docx back and holds it against the figures of GB/T 9704-2012.

Nothing of how perfxl writes is used here: what counts is the format in effect, wherever in the
file it is set (on the run, the paragraph, a style it is based on, or the document's defaults), and
what a paragraph is follows from its text and place, as it does for a reader.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import docx
from docx.oxml.ns import qn

from perfxl.errors import Place, Unreadable

if TYPE_CHECKING:
    from docx.document import Document
    from docx.shared import Length

_LARGEST = 64 << 20
_MM_TOLERANCE, _PT_TOLERANCE = 1.0, 0.3
_TYPE_AREA = (156.0, 225.0)  # 5.2.1
_LINES, _CHARACTERS = 22, 28  # 5.2.3
_FANGSONG = ("仿宋",)
_HEITI, _KAITI, _SONGTI, _XIAOBIAOSONG = ("黑体",), ("楷体",), ("宋体",), ("小标宋",)
# 7.3.3: the numbers of the four levels, and the fonts of their headings.
_LEVELS = (
    (re.compile(r"[一二三四五六七八九十]+、"), "一级标题", _HEITI),
    (re.compile(r"（[一二三四五六七八九十]+）"), "二级标题", _KAITI),
)
_DOCUMENT_NUMBER = re.compile(r"\S+〔\d{4}〕\d+号")
_ANY_NUMBER = re.compile(r"\S{1,20}[\[〔(（【]\d{4}[\]〕)）】]第?\d+号")
_DATE = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日")
_ATTACHMENT_LABEL = re.compile(r"附件\d*")
_RED = "FF0000"
_SIDES = {"right": "居右", "left": "居左", "center": "居中", "both": "两端对齐"}


@dataclass(frozen=True)
class Measured:
    """One figure of the standard: its clause, what it asks for, what was found, whether it holds."""

    clause: str
    item: str
    wanted: str
    found: str
    holds: bool


@dataclass(frozen=True)
class _Paragraph:
    """A paragraph with the format in effect; lengths in points."""

    text: str
    fonts: frozenset[str]
    sizes: frozenset[float]
    colours: frozenset[str]
    spacing: float
    align: str
    line: float | None
    first_line: float
    right: float
    page_break: bool
    bottom_border: str
    element: Any = field(repr=False)


def check_form(data: bytes, name: str) -> list[Measured]:
    """Every figure that can be read back from a document; raises Unreadable for what is no .docx."""
    document = _opened(data, name)
    format_of = _Formats(document)
    paragraphs = [
        format_of(element)
        for element in document.element.body.iterchildren(qn("w:p"))
        if _text_of(element)
    ]
    found = [*_page(document), *_page_numbers(document, format_of)]
    found += _text(paragraphs)
    found += _tables(document, format_of)
    return found


def _opened(data: bytes, name: str) -> Document:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            if sum(member.file_size for member in package.infolist()) > _LARGEST:
                raise Unreadable("文件过大", place=Place(name), remedy="请核对文件")
        return docx.Document(io.BytesIO(data))
    except Unreadable:
        raise
    except Exception as error:  # python-docx raises whatever the broken part gives rise to
        raise Unreadable(
            "不是 Word 文稿（.docx），或文件损坏",
            place=Place(name),
            remedy="请在 Word 或 WPS 中打开，另存为 .docx 后再查",
        ) from error


def _page(document: Document) -> Iterator[Measured]:
    section = document.sections[0]
    width, height = _mm(section.page_width), _mm(section.page_height)
    top, left = _mm(section.top_margin), _mm(section.left_margin)
    area_width = width - left - _mm(section.right_margin)
    area_height = height - top - _mm(section.bottom_margin)
    lengths = (
        ("5.1", "纸张宽", 210.0, width),
        ("5.1", "纸张高", 297.0, height),
        ("5.2.1", "天头（上白边）", 37.0, top),
        ("5.2.1", "订口（左白边）", 28.0, left),
        ("5.2.1", "版心宽", _TYPE_AREA[0], area_width),
        ("5.2.1", "版心高", _TYPE_AREA[1], area_height),
    )
    for clause, item, wanted, found in lengths:
        holds = abs(found - wanted) <= _MM_TOLERANCE
        yield Measured(clause, item, f"{wanted:g} 毫米", f"{found:.1f} 毫米", holds)


def _mm(length: Length | None) -> float:
    return 0.0 if length is None else length.mm


def _page_numbers(document: Document, format_of: _Formats) -> Iterator[Measured]:
    section = document.sections[0]
    both = bool(document.settings.odd_and_even_pages_header_footer)
    yield Measured("7.5", "单双页页码分设", "是", "是" if both else "否", both)
    for item, footer, side in (
        ("单页码", section.footer, "right"),
        ("双页码", section.even_page_footer, "left"),
    ):
        texts = [p for p in footer.paragraphs if p.text.strip()] or footer.paragraphs[:1]
        element = texts[0]._p
        paragraph = format_of(element)
        yield _side(f"{item}位置", "7.5", side, paragraph)
        fields = "".join(
            [node.get(qn("w:instr"), "") for node in element.iter(qn("w:fldSimple"))]
            + [node.text or "" for node in element.iter(qn("w:instrText"))]
        )
        text = _text_of(element)
        is_number = "PAGE" in fields and text.count("—") == 2
        yield Measured("7.5", f"{item}写法", "— 页码 —", text, is_number)
        yield _font(f"{item}字体", "7.5", _SONGTI, [paragraph])
        yield _size(f"{item}字号", "7.5", 14.0, "四号", [paragraph])
        indents = element.findall(f"{qn('w:pPr')}/{qn('w:ind')}")
        indent = float(indents[-1].get(qn(f"w:{side}"), 0)) / 20 if indents else 0.0
        holds = abs(indent - 14.0) <= _PT_TOLERANCE
        yield Measured("7.5", f"{item}空一字", "14 磅", f"{indent:g} 磅", holds)
    distance = (_mm(section.bottom_margin) - _mm(section.footer_distance)) - 14 / 2 * 25.4 / 72
    holds = abs(distance - 7.0) <= _MM_TOLERANCE
    yield Measured("7.5", "一字线在版心下", "7 毫米", f"{distance:.1f} 毫米", holds)


def _text(paragraphs: Sequence[_Paragraph]) -> Iterator[Measured]:
    title_at = _title_at(paragraphs)
    if title_at is None:
        yield Measured("7.3.1", "标题", "二号小标宋，居中", "没有找到", holds=False)
        return
    title = paragraphs[title_at]
    yield from _head(paragraphs[:title_at])
    yield _font("标题字体", "7.3.1", _XIAOBIAOSONG, [title])
    yield _size("标题字号", "7.3.1", 22.0, "二号", [title])
    yield _side("标题位置", "7.3.1", "center", title)
    rest = list(paragraphs[title_at + 1 :])
    if rest and rest[0].text.endswith("：") and "。" not in rest[0].text:
        addressees = rest.pop(0)
        yield _font("主送机关字体", "7.3.2", _FANGSONG, [addressees])
        indent = addressees.first_line
        yield Measured("7.3.2", "主送机关顶格", "0 磅", f"{indent:g} 磅", indent == 0)
    yield from _body(rest)


def _title_at(paragraphs: Sequence[_Paragraph]) -> int | None:
    """The first centred paragraph that is neither the issuing mark nor a document number."""
    for at, one in enumerate(paragraphs):
        if one.align == "center" and not _is_mark(one) and not _ANY_NUMBER.fullmatch(one.text):
            return at
    return None


def _is_mark(one: _Paragraph) -> bool:
    """7.2.4: 发文机关全称或规范化简称加“文件”二字, or the name alone in red."""
    return one.text.endswith("文件") or _RED in one.colours


def _head(head: Sequence[_Paragraph]) -> Iterator[Measured]:
    for one in head:
        if _is_mark(one):
            yield _font("发文机关标志字体", "7.2.4", _XIAOBIAOSONG, [one])
            colours = "、".join(sorted(one.colours))
            is_red = one.colours == {_RED}
            yield Measured("7.2.4", "发文机关标志颜色", "红色", colours, is_red)
            yield _side("发文机关标志位置", "7.2.4", "center", one)
        elif _ANY_NUMBER.fullmatch(one.text):
            is_right = bool(_DOCUMENT_NUMBER.fullmatch(one.text))
            yield Measured("7.2.5", "发文字号写法", "年份用六角括号〔〕", one.text, is_right)
            yield _font("发文字号字体", "7.2.5", _FANGSONG, [one])
            is_red = one.bottom_border.upper() == _RED
            yield Measured("7.2.7", "版头中的分隔线", "红色", one.bottom_border or "无", is_red)


def _body(paragraphs: Sequence[_Paragraph]) -> Iterator[Measured]:
    kinds: dict[str, list[_Paragraph]] = {}
    for one in paragraphs:
        kinds.setdefault(_kind_of(one), []).append(one)
    for _, name, fonts in _LEVELS:
        if name in kinds:
            yield _font(f"{name}字体", "7.3.3", fonts, kinds[name])
            yield _size(f"{name}字号", "7.3.3", 16.0, "三号", kinds[name])
    body = kinds.get("正文", [])
    if body:
        yield _font("正文字体", "5.2.2", _FANGSONG, body)
        yield _size("正文字号", "5.2.2", 16.0, "三号", body)
        yield from _pitch(body)
    signed = kinds.get("署名", [])
    for one in signed:
        yield _font("署名和成文日期字体", "7.3.5", _FANGSONG, [one])
        yield _side("署名和成文日期位置", "7.3.5", "right", one)
    dates = [one for one in signed if _DATE.fullmatch(one.text)]
    for one in dates:
        # 7.3.5.1 and 7.3.5.2: four characters from the right under a seal, else what the issuer asks.
        characters = one.right / (_TYPE_AREA[0] / 25.4 * 72 / _CHARACTERS)
        shown = f"右空 {characters:.1f} 字"
        yield Measured(
            "7.3.5", "成文日期", "加盖印章右空 4 字，不加盖 2 字起", shown, characters >= 1.9
        )
    for name, clause, fonts, size, points in (
        ("附件顺序号", "7.3.7", _HEITI, "三号", 16.0),
        ("附件标题", "7.3.7", _XIAOBIAOSONG, "二号", 22.0),
    ):
        if name in kinds:
            yield _font(f"{name}字体", clause, fonts, kinds[name])
            yield _size(f"{name}字号", clause, points, size, kinds[name])
    if "附件顺序号" in kinds:
        apart = all(one.page_break for one in kinds["附件顺序号"])
        yield Measured("7.3.7", "附件另面编排", "是", "是" if apart else "否", apart)


def _kind_of(one: _Paragraph) -> str:
    if _ATTACHMENT_LABEL.fullmatch(one.text):
        return "附件顺序号"
    if one.align == "center":
        return "附件标题"
    if one.align == "right":
        return "署名"
    if one.text.startswith("附件：") or (one.align == "left" and re.match(r"\d+\.", one.text)):
        return "附件说明"
    for pattern, name, _ in _LEVELS:
        if pattern.match(one.text) and len(one.text) < 60 and not one.text.endswith("。"):
            return name
    return "正文"


def _pitch(body: Sequence[_Paragraph]) -> Iterator[Measured]:
    lines = {one.line for one in body}
    exact = [line for line in lines if line is not None]
    height = _TYPE_AREA[1] / 25.4 * 72
    counts = {int(height / line) for line in exact if line} if len(exact) == len(lines) else {0}
    shown = "、".join(f"{line:g} 磅" for line in sorted(exact)) or "没有固定行距"
    wanted = f"{_LINES} 行，行距 {_TYPE_AREA[1] / 25.4 * 72 / _LINES:.1f} 磅"
    rows = "、".join(f"{count} 行" for count in sorted(counts))
    yield Measured("5.2.3", "每面行数", wanted, f"{rows}，{shown}", counts == {_LINES})
    pitches = {max(one.sizes) + one.spacing for one in body if one.sizes}
    width = _TYPE_AREA[0] / 25.4 * 72
    counts = {int((width + 0.01) / pitch) for pitch in pitches if pitch}
    found = "、".join(f"{number} 字" for number in sorted(counts)) or "无"
    yield Measured("5.2.3", "每行字数", f"{_CHARACTERS} 字", found, counts == {_CHARACTERS})
    indents = {round(one.first_line / max(pitch, 1), 1) for one in body for pitch in pitches}
    found = "、".join(f"{indent:g} 字" for indent in sorted(indents))
    yield Measured("7.3.3", "段首空", "2 字", found, indents == {2.0})


def _tables(document: Document, format_of: _Formats) -> Iterator[Measured]:
    tables = list(document.tables)
    imprint = tables[-1] if tables and _is_imprint(tables[-1]) else None
    for number, table in enumerate(tables, 1):
        if table is imprint:
            continue
        first = table.rows[0]._tr
        repeats = first.find(f"{qn('w:trPr')}/{qn('w:tblHeader')}") is not None
        whole = all(
            row._tr.find(f"{qn('w:trPr')}/{qn('w:cantSplit')}") is not None for row in table.rows
        )
        shown = "是" if repeats else "否"
        yield Measured("—", f"表 {number} 续页重复表头", "是", shown, repeats)
        yield Measured("—", f"表 {number} 行不跨页断开", "是", "是" if whole else "否", whole)
        cells = [format_of(p._p) for c in table.rows[0].cells for p in c.paragraphs if p.text]
        yield _font(f"表 {number} 表头字体", "—", _HEITI, cells)
    if imprint is not None:
        lines = [format_of(p._p) for row in imprint.rows for c in row.cells for p in c.paragraphs]
        yield _font("版记字体", "7.4.2", _FANGSONG, lines)
        yield _size("版记字号", "7.4.2", 14.0, "四号", lines)
        borders = imprint._tbl.tblPr.find(qn("w:tblBorders"))
        for item, side, wanted in (
            ("版记首条分隔线", "top", 0.35),
            ("版记末条分隔线", "bottom", 0.35),
            ("版记中间分隔线", "insideH", 0.25),
        ):
            node = None if borders is None else borders.find(qn(f"w:{side}"))
            weight = 0.0 if node is None else float(node.get(qn("w:sz"), 0)) / 8 * 25.4 / 72
            holds = abs(weight - wanted) <= 0.05
            yield Measured("7.4.1", item, f"{wanted:g} 毫米", f"{weight:.2f} 毫米", holds)


def _is_imprint(table: Any) -> bool:
    return "印发" in table.rows[-1].cells[0].text and len(table.columns) == 1


def _font(
    item: str, clause: str, wanted: Sequence[str], paragraphs: Sequence[_Paragraph]
) -> Measured:
    fonts = frozenset().union(*(one.fonts for one in paragraphs)) if paragraphs else frozenset()
    holds = bool(fonts) and all(any(word in font for word in wanted) for font in fonts)
    return Measured(clause, item, "或".join(wanted), "、".join(sorted(fonts)) or "无", holds)


def _side(item: str, clause: str, wanted: str, one: _Paragraph) -> Measured:
    found = _SIDES.get(one.align, one.align)
    return Measured(clause, item, _SIDES[wanted], found, one.align == wanted)


def _size(
    item: str, clause: str, points: float, name: str, paragraphs: Sequence[_Paragraph]
) -> Measured:
    sizes = frozenset().union(*(one.sizes for one in paragraphs)) if paragraphs else frozenset()
    found = "、".join(f"{size:g} 磅" for size in sorted(sizes)) or "无"
    return Measured(clause, item, f"{name}（{points:g} 磅）", found, sizes == {points})


class _Formats:
    """The format in effect of a paragraph and its runs."""

    def __init__(self, document: Document) -> None:
        styles = document.styles.element
        self._styles: Mapping[str, Any] = {
            style.get(qn("w:styleId")): style for style in styles.iter(qn("w:style"))
        }
        self._default = next(
            (
                name
                for name, style in self._styles.items()
                if style.get(qn("w:type")) == "paragraph" and style.get(qn("w:default")) == "1"
            ),
            "",
        )
        defaults = styles.find(qn("w:docDefaults"))
        self._run_defaults = (
            None if defaults is None else defaults.find(f"{qn('w:rPrDefault')}/{qn('w:rPr')}")
        )

    def __call__(self, element: Any) -> _Paragraph:
        own = element.find(qn("w:pPr"))
        chain = self._chain(own)
        paragraph_properties = [own, *(style.find(qn("w:pPr")) for style in chain)]
        style_runs = [style.find(qn("w:rPr")) for style in chain] + [self._run_defaults]
        runs = [run for run in element.iter(qn("w:r")) if _text_of(run)]
        properties = [[run.find(qn("w:rPr")), *style_runs] for run in runs] or [style_runs]

        def of_runs(tag: str, attribute: str = "w:val") -> list[str]:
            return [_first(chained, tag, attribute) for chained in properties]

        spacing = of_runs("w:spacing")[0]
        return _Paragraph(
            text=_text_of(element),
            fonts=frozenset(filter(None, of_runs("w:rFonts", "w:eastAsia")))
            | frozenset(filter(None, of_runs("w:rFonts", "w:ascii"))),
            sizes=frozenset(float(size) / 2 for size in of_runs("w:sz") if size),
            colours=frozenset(colour.upper() for colour in of_runs("w:color")),
            spacing=float(spacing or 0) / 20,
            align=_align(_first(paragraph_properties, "w:jc")),
            line=_line(paragraph_properties),
            first_line=_twips(_first(paragraph_properties, "w:ind", "w:firstLine")),
            right=_twips(
                _first(paragraph_properties, "w:ind", "w:right")
                or _first(paragraph_properties, "w:ind", "w:end")
            ),
            page_break=_has(paragraph_properties, "w:pageBreakBefore"),
            bottom_border=_border(paragraph_properties),
            element=element,
        )

    def _chain(self, properties: Any) -> list[Any]:
        """The paragraph's style and those that it is based on."""
        name = _first([properties], "w:pStyle") or self._default
        chain: list[Any] = []
        while name in self._styles and self._styles[name] not in chain:
            chain.append(self._styles[name])
            based = chain[-1].find(qn("w:basedOn"))
            name = "" if based is None else based.get(qn("w:val"))
        return chain


def _text_of(element: Any) -> str:
    """The text that is shown, without fields' codes."""
    return "".join(node.text or "" for node in element.iter(qn("w:t"))).strip()


def _first(properties: Sequence[Any], tag: str, attribute: str = "w:val") -> str:
    """The attribute where it is set first; blank where it is not."""
    for one in properties:
        node = None if one is None else one.find(qn(tag))
        value = None if node is None else node.get(qn(attribute))
        if value is not None:
            return str(value)
    return ""


def _has(properties: Sequence[Any], tag: str) -> bool:
    for one in properties:
        node = None if one is None else one.find(qn(tag))
        if node is not None:
            return node.get(qn("w:val"), "1") not in ("0", "false", "off")
    return False


def _border(properties: Sequence[Any]) -> str:
    for one in properties:
        node = None if one is None else one.find(f"{qn('w:pBdr')}/{qn('w:bottom')}")
        if node is not None:
            return str(node.get(qn("w:color"), ""))
    return ""


def _line(properties: Sequence[Any]) -> float | None:
    """The exact line pitch, None where lines are as high as their font."""
    if _first(properties, "w:spacing", "w:lineRule") != "exact":
        return None
    return _twips(_first(properties, "w:spacing", "w:line"))


def _twips(text: str) -> float:
    return float(text or 0) / 20


def _align(text: str) -> str:
    return {"start": "left", "end": "right", "": "left"}.get(text, text)
