"""Builds a document in the official form GB/T 9704-2012 and returns its bytes.

Serves circulars (通报), notices and reports. Nothing is read or written but memory, and the same
calls give the same bytes. Every text is taken as plain text: it never becomes a field or a link.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT, WD_ROW_HEIGHT_RULE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Length, Mm, Pt
from docx.styles import BabelFish

from perfxl.documents import measures as m
from perfxl.documents.sheet import blank_sheet, border, reproducible_bytes

if TYPE_CHECKING:
    from docx.table import Table
    from docx.text.paragraph import Paragraph
    from docx.text.run import Run

_W = nsdecls("w")
# For documents without a date: the clock is never asked.
_UNDATED = datetime.datetime(2000, 1, 1)
_LONGEST_PROPERTY = 255  # python-docx refuses longer core properties
_NEW_LINE = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
# What XML forbids, what nobody sees, and what turns the direction of the text around.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]"
)
_ALIGNMENTS = {
    "left": WD_ALIGN_PARAGRAPH.LEFT,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
    "both": WD_ALIGN_PARAGRAPH.JUSTIFY,
}


@dataclass(frozen=True)
class TableColumn:
    """A column's heading, its width (all are narrowed alike where they exceed the page), its side.

    ``align`` is that of the cells below the heading, which itself is centred.
    """

    label: str
    width_mm: float
    align: m.Align = "left"


class OfficialDocument:
    """One document, built from top to bottom; ``to_bytes`` may be called at any time.

    ``issuing_mark`` is the red head (``石楼县财政局文件``), ``document_number`` stands below it
    (``石财绩〔2024〕3号``; a draft has none yet). Without either there is no red head and no rule.
    A line break in ``title`` is kept: the standard wants titles broken by sense.
    """

    def __init__(
        self, *, issuing_mark: str = "", document_number: str = "", title: str, addressees: str = ""
    ) -> None:
        self._document = blank_sheet()
        self._title = _clean(title)
        self._ordinals = [0] * len(m.HEADINGS)
        self._attachment_titles: tuple[str, ...] = ()
        self._issuer, self._date = "", _UNDATED
        self._finished = False
        if issuing_mark or document_number:
            self._head(_one_line(issuing_mark), _one_line(document_number))
        self._add(m.TITLE, self._title)
        if addressees:
            # 7.3.2: a full-width colon after the last of them.
            self._add(m.ADDRESSEES, _one_line(addressees).rstrip("：:，,。；; ") + "：")

    def heading(self, level: int, text: str) -> None:
        """Add a heading of level 1 to 4; ``text`` comes without its number.

        Levels are numbered 一、 （一） 1. （1）; a heading starts the levels below it afresh.
        """
        if not 1 <= level <= len(m.HEADINGS):
            raise ValueError(f"heading level {level} is not 1 to {len(m.HEADINGS)}")
        self._ordinals[level - 1] += 1
        self._ordinals[level:] = [0] * (len(m.HEADINGS) - level)
        number = m.heading_number(level, self._ordinals[level - 1])
        self._add(m.HEADINGS[level - 1], number + _one_line(text))

    def paragraph(self, text: str) -> None:
        """Add body text; each line of ``text`` that is not blank becomes a paragraph."""
        for line in _clean(text).split("\n"):
            if line.strip():
                self._add(m.BODY, line.strip())

    def attachment_note(self, titles: Sequence[str]) -> None:
        """List the attachments below the body (7.3.4), numbered where there are several.

        Called once, before ``signature`` and before any ``attachment``.
        """
        self._attachment_titles = tuple(_unbroken(title) for title in titles)
        several = len(titles) > 1
        for number, title in enumerate(self._attachment_titles, start=1):
            ordinal = f"{number}." if several else ""
            label = "附件：" if number == 1 else ""
            paragraph = self._add(m.ATTACHMENT_NOTE, label + ordinal + title)
            # A title's second line begins under its first character.
            hanging = m.width_in_characters(label + ordinal)
            left = 2 + m.width_in_characters("附件：" + ordinal)
            layout = paragraph.paragraph_format
            layout.left_indent, layout.first_line_indent = _characters(left), _characters(-hanging)
            layout.space_before = m.LINE_PITCH if number == 1 else Length(0)

    def signature(self, issuer: str, date: datetime.date, *, sealed: bool = True) -> None:
        """Add issuer and date; ``sealed`` leaves room for the seal that will be put on them."""
        issuer, shown_date = _one_line(issuer), m.official_date(date)
        self._issuer, self._date = issuer, datetime.datetime(date.year, date.month, date.day)
        # 7.3.5.5: where the room runs out, the signature takes the last of the text along.
        if self._document.paragraphs:
            self._document.paragraphs[-1].paragraph_format.keep_with_next = True
        indents = m.signature_indents(issuer, shown_date, sealed=sealed)
        first, second = (self._add(m.SIGNATURE, text) for text in (issuer, shown_date))
        # 7.3.5.1: the top of a seal stands at most one line below the text, so two lines are left.
        first.paragraph_format.space_before = Length(m.LINE_PITCH * (2 if sealed else 1))
        first.paragraph_format.keep_with_next = True
        for paragraph, indent in zip((first, second), indents, strict=True):
            paragraph.paragraph_format.right_indent = _characters(max(indent, 0))

    def attachment(self, title: str) -> None:
        """Begin an attachment on a new page; its title must be one that the note announced.

        A line break in it is kept, and the note may have the title with or without it.
        """
        title = _clean(title)
        announced = _unbroken(title)
        if announced not in self._attachment_titles:
            # 7.3.7: number and title agree with the attachment note.
            raise ValueError(f"attachment_note does not announce {announced!r}")
        several = len(self._attachment_titles) > 1
        number = str(self._attachment_titles.index(announced) + 1) if several else ""
        self._ordinals = [0] * len(m.HEADINGS)
        self._add(m.ATTACHMENT_LABEL, "附件" + number)
        self._add(m.ATTACHMENT_TITLE, title)

    def table(
        self, columns: Sequence[TableColumn], rows: Sequence[Sequence[str]], *, caption: str = ""
    ) -> None:
        """Add a ruled table: its heading repeats on every page and no row parts over two.

        Every row holds one text for each column; a line break in it is kept.
        """
        if not columns or any(len(row) != len(columns) for row in rows):
            raise ValueError("every row of a table has one text for each column")
        if caption:
            self._add(m.CAPTION, _one_line(caption))
        wanted = [Mm(column.width_mm) for column in columns]
        fit = min(1.0, m.TEXT_WIDTH / sum(wanted))
        table = self._add_table(
            [Length(int(width * fit)) for width in wanted], len(rows) + 1, _ruled_table()
        )
        style = self._document.styles[_style_name(m.TABLE_TEXT)]
        size = m.WIDE_TABLE_SIZE if len(columns) >= m.WIDE_TABLE_COLUMNS else m.TABLE_SIZE
        texts_of_rows = [[column.label for column in columns], *rows]
        for number, (row, texts) in enumerate(zip(table.rows, texts_of_rows, strict=True)):
            row.height, row.height_rule = m.TABLE_ROW_HEIGHT, WD_ROW_HEIGHT_RULE.AT_LEAST
            properties = row._tr.get_or_add_trPr()
            properties.append(parse_xml(f"<w:cantSplit {_W}/>"))
            if number == 0:
                properties.append(parse_xml(f"<w:tblHeader {_W}/>"))
            for column, cell, text in zip(columns, row.cells, texts, strict=True):
                cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
                paragraph = cell.paragraphs[0]
                paragraph.style = style
                paragraph.alignment = _ALIGNMENTS["center" if number == 0 else column.align]
                run = paragraph.add_run(_clean(text))
                run.font.size = size
                if number == 0:
                    _set_font(run, m.HEITI)
        self._add(m.AFTER_TABLE, "")

    def copies(self, copied_to: str, printed_by: str, printed_on: datetime.date) -> None:
        """End the document with the imprint (版记, 7.4) at the foot of its last page.

        ``copied_to`` may be empty; nothing can be added after it.
        """
        lines = []
        if copied_to:
            # 7.4.2: a full stop after the last of them.
            lines.append("抄送：" + _one_line(copied_to).rstrip("。；;，, ") + "。")
        lines.append(f"{_one_line(printed_by)}\t{m.official_date(printed_on)}印发")
        table = self._add_table([m.TEXT_WIDTH], len(lines), _imprint_table())
        margin = m.IMPRINT.size  # 7.4.2, 7.4.3: one character free on either side
        for row, text in zip(table.rows, lines, strict=True):
            paragraph = row.cells[0].paragraphs[0]
            paragraph.style = self._document.styles[_style_name(m.IMPRINT)]
            paragraph.add_run(text)
            layout = paragraph.paragraph_format
            layout.left_indent = layout.right_indent = margin
            if text.startswith("抄送："):
                layout.left_indent, layout.first_line_indent = Length(margin * 4), -3 * margin
            else:
                layout.tab_stops.add_tab_stop(Length(m.TEXT_WIDTH - margin), WD_TAB_ALIGNMENT.RIGHT)
        self._add(m.AFTER_TABLE, "")
        self._finished = True

    def to_bytes(self) -> bytes:
        """The .docx file as it stands; the same calls give the same bytes."""
        properties = self._document.core_properties
        properties.title = _unbroken(self._title)[:_LONGEST_PROPERTY]
        properties.author = properties.last_modified_by = self._issuer[:_LONGEST_PROPERTY]
        properties.created = properties.modified = self._date
        properties.comments, properties.language = "", "zh-CN"
        return reproducible_bytes(self._document)

    def _head(self, issuing_mark: str, document_number: str) -> None:
        """The red head: issuing mark, document number, red rule (7.2.4, 7.2.5, 7.2.7)."""
        if issuing_mark:
            width = m.width_in_characters(issuing_mark)
            size = Pt(max(1, min(m.MARK_LARGEST.pt, int(m.TEXT_WIDTH.pt / width))))
            mark = self._add(m.ISSUING_MARK, issuing_mark)
            mark.runs[0].font.size = size
            # A line a fifth taller than the type, whatever leading the font itself would ask for.
            mark.paragraph_format.line_spacing = Length(size * 6 // 5)
            mark.paragraph_format.space_before = Length(m.MARK_FROM_TOP - size // 10)
        self._add(m.DOCUMENT_NUMBER, document_number)

    def _add(self, form: m.ParagraphForm, text: str) -> Paragraph:
        """Append a paragraph of one form; ``text`` is clean already."""
        if self._finished:
            raise ValueError("the imprint (版记) is the last part of a document")
        return self._document.add_paragraph(text, _style_name(form))

    def _add_table(self, widths: Sequence[Length], rows: int, properties: str) -> Table:
        if self._finished:
            raise ValueError("the imprint (版记) is the last part of a document")
        table: Table = self._document.add_table(rows, len(widths))
        table._tbl.replace(table._tbl.tblPr, parse_xml(properties))
        for column, width in zip(table.columns, widths, strict=True):
            column.width = width
        for row in table.rows:
            for cell, width in zip(row.cells, widths, strict=True):
                cell.width = width
        return table


def _clean(text: str) -> str:
    """``text`` with ``\\n`` for every line break and ``�`` for what cannot be shown or saved."""
    return _UNPRINTABLE.sub("\ufffd", _NEW_LINE.sub("\n", text).replace("\t", " "))


def _one_line(text: str) -> str:
    return _clean(text).replace("\n", " ").strip()


def _unbroken(title: str) -> str:
    """A title without the line breaks that were put in it for its looks."""
    return _clean(title).replace("\n", "").strip()


def _characters(count: float) -> Length:
    """So many characters of body text."""
    return Length(round(count * m.CHARACTER_PITCH))


def _style_name(form: m.ParagraphForm) -> str:
    """The name python-docx finds the form's style by: it shows built-in names capitalised."""
    return BabelFish.internal2ui(form.name)


def _set_font(run: Run, font: str) -> None:
    fonts = run._r.get_or_add_rPr().get_or_add_rFonts()
    for slot in ("w:ascii", "w:eastAsia", "w:hAnsi", "w:cs"):
        fonts.set(qn(slot), font)


def _ruled_table() -> str:
    """``w:tblPr`` of a table in the text: centred, fixed widths, thin black rules all round."""
    rules = "".join(
        border(side, m.TABLE_RULE)
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    side, top = (
        f'w:w="{length.twips}" w:type="dxa"' for length in (m.TABLE_CELL_SIDE, m.TABLE_CELL_TOP)
    )
    return (
        f'<w:tblPr {_W}><w:tblW w:w="0" w:type="auto"/><w:jc w:val="center"/>'
        f'<w:tblBorders>{rules}</w:tblBorders><w:tblLayout w:type="fixed"/>'
        f"<w:tblCellMar><w:top {top}/><w:left {side}/><w:bottom {top}/><w:right {side}/>"
        "</w:tblCellMar></w:tblPr>"
    )


def _imprint_table() -> str:
    """``w:tblPr`` of the imprint: thick rules outside, a thin one between (7.4.1).

    It floats to the foot of the type area, where its last rule belongs, in Word, WPS and recent
    LibreOffice; a LibreOffice before 7.6 leaves it where the text ends.
    """
    rules = (
        border("top", m.THICK_RULE)
        + border("bottom", m.THICK_RULE)
        + border("insideH", m.THIN_RULE)
    )
    return (
        f'<w:tblPr {_W}><w:tblpPr w:vertAnchor="margin" w:horzAnchor="margin" w:tblpXSpec="left"'
        ' w:tblpYSpec="bottom"/><w:tblOverlap w:val="never"/>'
        f'<w:tblW w:w="{m.TEXT_WIDTH.twips}" w:type="dxa"/><w:tblBorders>{rules}</w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="0" w:type="dxa"/>'
        '<w:right w:w="0" w:type="dxa"/></w:tblCellMar></w:tblPr>'
    )
