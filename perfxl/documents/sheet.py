"""The empty official sheet: page, styles, page numbers, settings; and saving it reproducibly.

python-docx starts every document from an English template with theme fonts, a Japanese default
and some 160 styles; here its styles and settings are replaced by what GB/T 9704-2012 asks for.
"""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import docx
from docx.opc.constants import CONTENT_TYPE, RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Length

from perfxl.documents import measures as m

if TYPE_CHECKING:
    from docx.document import Document
    from docx.section import Section, _Footer

_W = nsdecls("w")
_KEPT_PARTS = {
    RELATIONSHIP_TYPE.OFFICE_DOCUMENT,
    RELATIONSHIP_TYPE.CORE_PROPERTIES,
    RELATIONSHIP_TYPE.STYLES,
    RELATIONSHIP_TYPE.SETTINGS,
}
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def blank_sheet() -> Document:
    """A new document without text: A4, the standard's margins, styles and page numbers."""
    document = docx.Document()
    _drop_template_parts(document)
    _declare_fonts(document)
    _define_styles(document)
    _define_settings(document)
    section = document.sections[0]
    _set_up_page(section)
    document.settings.odd_and_even_pages_header_footer = True
    _number_pages(section.footer, "right")
    _number_pages(section.even_page_footer, "left")
    return document


def reproducible_bytes(document: Document) -> bytes:
    """The document as a .docx file in which no clock has left its time."""
    saved, repacked = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(repacked, "w") as target:
        for member in source.infolist():
            info = zipfile.ZipInfo(member.filename, _ZIP_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            target.writestr(info, source.read(member))
    return repacked.getvalue()


def border(side: str, weight: Length, colour: str = m.BLACK, gap: Length | None = None) -> str:
    """A border element for ``w:pBdr`` or ``w:tblBorders``; Word counts weights in 1/8 pt."""
    space = round(gap.pt) if gap is not None else 0
    return (
        f'<w:{side} w:val="single" w:sz="{round(weight.pt * 8)}" w:space="{space}"'
        f' w:color="{colour}"/>'
    )


def _drop_template_parts(document: Document) -> None:
    """Remove the template's thumbnail, theme, numbering and other parts nobody asked for."""
    for rels in (document.part.package.rels, document.part.rels):
        for rel_id in [key for key, rel in rels.items() if rel.reltype not in _KEPT_PARTS]:
            del rels[rel_id]


def _declare_fonts(document: Document) -> None:
    """Name for each official font the one to use where it is not installed."""
    fonts = "".join(
        f"<w:font w:name={quoteattr(font)}><w:altName w:val={quoteattr(other)}/>"
        '<w:charset w:val="86"/></w:font>'
        for font, other in m.SUBSTITUTE_FONTS.items()
    )
    part = Part(
        PackURI("/word/fontTable.xml"),
        CONTENT_TYPE.WML_FONT_TABLE,
        f"<w:fonts {_W}>{fonts}</w:fonts>".encode(),
        document.part.package,
    )
    document.part.relate_to(part, RELATIONSHIP_TYPE.FONT_TABLE)


def _define_styles(document: Document) -> None:
    styles = document.styles.element
    for child in list(styles):
        styles.remove(child)
    defaults = (
        f"<w:docDefaults {_W}><w:rPrDefault>{_run_properties(m.NORMAL)}</w:rPrDefault>"
        "<w:pPrDefault/></w:docDefaults>"
    )
    # Word and python-docx look for these two defaults by type.
    character = (
        f'<w:style {_W} w:type="character" w:default="1" w:styleId="DefaultParagraphFont">'
        '<w:name w:val="Default Paragraph Font"/><w:semiHidden/></w:style>'
    )
    table = (
        f'<w:style {_W} w:type="table" w:default="1" w:styleId="TableNormal">'
        '<w:name w:val="Normal Table"/><w:semiHidden/></w:style>'
    )
    paragraphs = (_paragraph_style(form) for form in m.PARAGRAPH_FORMS)
    for xml in (defaults, character, table, *paragraphs):
        styles.append(parse_xml(xml))


def _paragraph_style(form: m.ParagraphForm) -> str:
    default = ' w:default="1"' if form is m.NORMAL else ""
    base = "" if form is m.NORMAL else '<w:basedOn w:val="Normal"/>'
    if form.outline is not None:
        base += '<w:next w:val="BodyText"/>'
    return (
        f'<w:style {_W} w:type="paragraph"{default} w:styleId="{form.style_id}">'
        f'<w:name w:val="{form.name}"/>{base}<w:qFormat/>'
        f"{_paragraph_properties(form)}{_run_properties(form)}</w:style>"
    )


def _paragraph_properties(form: m.ParagraphForm) -> str:
    """``w:pPr`` of a form; the schema fixes the order of its children."""
    before = round(form.blank_lines * m.LINE_PITCH.twips)
    line, rule = (form.line.twips, "exact") if form.line is not None else (240, "auto")
    indent = form.first_line * m.CHARACTER_PITCH.twips
    return "".join(
        (
            "<w:pPr>",
            "<w:keepNext/>" if form.keep_with_next else "",
            "<w:pageBreakBefore/>" if form.page_break_before else "",
            # Word would leave a page at 21 lines rather than part a paragraph's last two.
            '<w:widowControl w:val="0"/>',
            f"<w:pBdr>{border('bottom', m.RED_RULE, m.RED, m.RULE_BELOW_NUMBER)}</w:pBdr>"
            if form.red_rule_below
            else "",
            # Word widens the gap between a character and a digit, which upsets the 28 to a line.
            '<w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/>',
            f'<w:spacing w:before="{before}" w:after="0" w:line="{line}" w:lineRule="{rule}"/>',
            f'<w:ind w:firstLineChars="{form.first_line * 100}" w:firstLine="{indent}"/>'
            if form.first_line
            else "",
            f'<w:jc w:val="{form.align}"/>',
            f'<w:outlineLvl w:val="{form.outline}"/>' if form.outline is not None else "",
            "</w:pPr>",
        )
    )


def _run_properties(form: m.ParagraphForm) -> str:
    """``w:rPr`` of a form: one font in every slot, see ``measures.FANGSONG``."""
    half_points = round(form.size.pt * 2)
    spacing = m.CHARACTER_SPACING.twips if form.size == m.BODY_SIZE else 0
    return (
        f'<w:rPr><w:rFonts w:hint="eastAsia" w:ascii="{form.font}" w:eastAsia="{form.font}"'
        f' w:hAnsi="{form.font}" w:cs="{form.font}"/><w:color w:val="{form.colour}"/>'
        f'<w:spacing w:val="{spacing}"/>'
        f'<w:sz w:val="{half_points}"/><w:szCs w:val="{half_points}"/>'
        # Without zh-CN, punctuation may be drawn in the middle of its cell as in Taiwan.
        '<w:lang w:val="en-US" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr>'
    )


def _define_settings(document: Document) -> None:
    settings = document.settings.element
    for child in list(settings):
        settings.remove(child)
    # 15 is the mode of every Word since 2013; a lower one shows "compatibility mode".
    for xml in (
        f'<w:zoom {_W} w:percent="100"/>',
        f'<w:defaultTabStop {_W} w:val="{2 * m.CHARACTER_PITCH.twips}"/>',
        f'<w:characterSpacingControl {_W} w:val="doNotCompress"/>',
        f'<w:compat {_W}><w:useFELayout/><w:compatSetting w:name="compatibilityMode"'
        ' w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat>',
        f'<w:themeFontLang {_W} w:val="en-US" w:eastAsia="zh-CN"/>',
    ):
        settings.append(parse_xml(xml))


def _set_up_page(section: Section) -> None:
    section.page_width, section.page_height = m.PAGE_WIDTH, m.PAGE_HEIGHT
    section.top_margin, section.bottom_margin = m.MARGIN_TOP, m.MARGIN_BOTTOM
    section.left_margin, section.right_margin = m.MARGIN_LEFT, m.MARGIN_RIGHT
    section.footer_distance = m.FOOTER_FROM_EDGE
    properties = section._sectPr
    for grid in properties.xpath("./w:docGrid"):
        properties.remove(grid)
    # No grid: exact line pitch gives the 22 lines, and a grid would give each title line two.


def _number_pages(footer: _Footer, side: m.Align) -> None:
    """Put ``— 1 —`` one character in from the outer edge (7.5)."""
    paragraph = footer.paragraphs[0]
    indent = m.PAGE_NUMBER_SIZE.twips
    properties = paragraph._p.get_or_add_pPr()
    for child in list(properties):
        properties.remove(child)
    for xml in (
        f'<w:pStyle {_W} w:val="{m.PAGE_NUMBER.style_id}"/>',
        f'<w:ind {_W} w:{side}="{indent}"/>',
        f'<w:jc {_W} w:val="{side}"/>',
    ):
        properties.append(parse_xml(xml))
    paragraph.add_run("— ")
    paragraph._p.append(
        parse_xml(f'<w:fldSimple {_W} w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>')
    )
    paragraph.add_run(" —")
