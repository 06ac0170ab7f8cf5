"""The measures of GB/T 9704-2012 (党政机关公文格式): lengths, fonts, paragraph forms, wording.

A bare number in a comment is the clause of the standard that the constant comes from; where no
clause is named, the standard leaves the matter open and the comment says what offices do.
"""

from __future__ import annotations

import datetime
import unicodedata
from dataclasses import dataclass
from typing import Literal

from docx.shared import Length, Mm, Pt, Twips

Align = Literal["left", "center", "right", "both"]

PAGE_WIDTH, PAGE_HEIGHT = Mm(210), Mm(297)  # 5.1
# 5.2.1 gives 天头 37, 订口 28 and a type area (版心) of 156 × 225; the other two margins follow.
MARGIN_TOP, MARGIN_BOTTOM, MARGIN_LEFT, MARGIN_RIGHT = Mm(37), Mm(35), Mm(28), Mm(26)
TEXT_WIDTH, TEXT_HEIGHT = Mm(156), Mm(225)
LINES_PER_PAGE, CHARACTERS_PER_LINE = 22, 28  # 5.2.3
# 225 mm / 22 is 28.99 pt; a hair less, so that rounding never costs the 22nd line.
LINE_PITCH = Pt(28.95)

SIZE_2, SIZE_3, SIZE_4, SIZE_SMALL_4, SIZE_5 = Pt(22), Pt(16), Pt(14), Pt(12), Pt(10.5)  # 二号 …
BODY_SIZE = SIZE_3  # 5.2.2
# 28 characters of 16 pt are 448 pt wide and the type area is 442: each is set a little closer,
# down to the next whole twip. (A character grid would do the same in Word, but LibreOffice then
# gives every character two cells.)
CHARACTER_PITCH = Twips(TEXT_WIDTH.twips // CHARACTERS_PER_LINE)
CHARACTER_SPACING = Length(CHARACTER_PITCH - BODY_SIZE)

# 5.2.2: 仿宋 wherever nothing else is said. Digits and Latin letters are no exception there, so one
# font fills every slot of w:rFonts: a half-width digit of 仿宋 is just half a character, and
# quotation marks stay full width, which Times New Roman would break.
FANGSONG, HEITI, KAITI, SONGTI = "仿宋_GB2312", "黑体", "楷体_GB2312", "宋体"
XIAOBIAOSONG = "方正小标宋简体"  # 7.2.4, 7.3.1
# What Word takes where an official font is not installed (Windows has 仿宋 and 楷体 of its own).
SUBSTITUTE_FONTS = {FANGSONG: "仿宋", KAITI: "楷体", XIAOBIAOSONG: "华文中宋"}
RED, BLACK = "FF0000", "000000"

MARK_FROM_TOP = Mm(35)  # 7.2.4: top of 发文机关标志 below the top of the type area
MARK_LARGEST = Pt(50)  # 7.2.4 leaves the size open: striking, and on one line
RULE_BELOW_NUMBER = Mm(4)  # 7.2.7
RED_RULE = Pt(1.5)  # 7.2.7 says red and as wide as the type area, and leaves the weight open
THICK_RULE, THIN_RULE = Mm(0.35), Mm(0.25)  # 7.4.1
PAGE_NUMBER_SIZE = SIZE_4  # 7.5
# 7.5: the dashes 7 mm below the type area; the dash stands half way up a line of 14 pt.
FOOTER_FROM_EDGE = Length(MARGIN_BOTTOM - Mm(7) - PAGE_NUMBER_SIZE // 2)
SEALED_DATE_FROM_RIGHT = 4  # characters, 7.3.5.1
UNSEALED_FROM_RIGHT = UNSEALED_DATE_SHIFT = 2  # characters, 7.3.5.2

# The standard says nothing of type and rules inside tables; these are what offices use.
TABLE_SIZE, WIDE_TABLE_SIZE, WIDE_TABLE_COLUMNS = SIZE_SMALL_4, SIZE_5, 8
TABLE_RULE, TABLE_ROW_HEIGHT, TABLE_CELL_SIDE, TABLE_CELL_TOP = Pt(0.5), Mm(7.2), Mm(1), Mm(0.5)


@dataclass(frozen=True)
class ParagraphForm:
    """One paragraph style: ``line`` is an exact pitch, or None for the font's own line.

    ``first_line`` counts characters, ``blank_lines`` lines left above, ``outline`` is the depth
    in Word's navigation pane (0 is the top).
    """

    style_id: str
    name: str
    font: str = FANGSONG
    size: Length = BODY_SIZE
    align: Align = "both"
    first_line: int = 0
    blank_lines: float = 0
    line: Length | None = LINE_PITCH
    outline: int | None = None
    colour: str = BLACK
    keep_with_next: bool = False
    page_break_before: bool = False
    red_rule_below: bool = False


# Built-in names where Word has the part, so that its outline and style gallery know them.
NORMAL = ParagraphForm("Normal", "Normal")
BODY = ParagraphForm("BodyText", "Body Text", first_line=2)  # 7.3.3
HEADINGS = tuple(  # 7.3.3: 黑体, 楷体, then 仿宋 twice
    ParagraphForm(
        f"Heading{level}",
        f"heading {level}",
        font,
        first_line=2,
        outline=level - 1,
        keep_with_next=True,
    )
    for level, font in enumerate((HEITI, KAITI, FANGSONG, FANGSONG), start=1)
)
ISSUING_MARK = ParagraphForm(  # 7.2.4
    "IssuingMark",
    "发文机关标志",
    XIAOBIAOSONG,
    MARK_LARGEST,
    "center",
    line=None,
    colour=RED,
)
DOCUMENT_NUMBER = ParagraphForm(  # 7.2.5
    "DocumentNumber", "发文字号", align="center", blank_lines=2, red_rule_below=True
)
TITLE = ParagraphForm(  # 7.3.1
    "Title", "Title", XIAOBIAOSONG, SIZE_2, "center", blank_lines=2, keep_with_next=True
)
ADDRESSEES = ParagraphForm("Addressees", "主送机关", blank_lines=1)  # 7.3.2
ATTACHMENT_NOTE = ParagraphForm("AttachmentNote", "附件说明", align="left")  # 7.3.4
SIGNATURE = ParagraphForm("OfficialSignature", "发文机关署名", align="right")  # 7.3.5
ATTACHMENT_LABEL = ParagraphForm(  # 7.3.7: first line of a page of its own
    "AttachmentLabel",
    "附件顺序号",
    HEITI,
    align="left",
    keep_with_next=True,
    page_break_before=True,
)
ATTACHMENT_TITLE = ParagraphForm(  # 7.3.7: third line; its type is that of the document's title
    "AttachmentTitle",
    "附件标题",
    XIAOBIAOSONG,
    SIZE_2,
    "center",
    blank_lines=1,
    keep_with_next=True,
)
CAPTION = ParagraphForm("Caption", "caption", HEITI, SIZE_4, "center", keep_with_next=True)
TABLE_TEXT = ParagraphForm("TableText", "表格文字", size=TABLE_SIZE, align="left", line=None)
IMPRINT = ParagraphForm("Imprint", "版记", size=SIZE_4, align="left", line=Pt(24))  # 7.4.2, 7.4.3
PAGE_NUMBER = ParagraphForm(  # 7.5
    "Footer", "footer", SONGTI, PAGE_NUMBER_SIZE, "left", line=PAGE_NUMBER_SIZE
)
# Word wants a paragraph after every table; this one takes no room.
AFTER_TABLE = ParagraphForm("AfterTable", "表后", size=Pt(1), line=Pt(1))

PARAGRAPH_FORMS = (
    NORMAL,
    BODY,
    *HEADINGS,
    ISSUING_MARK,
    DOCUMENT_NUMBER,
    TITLE,
    ADDRESSEES,
    ATTACHMENT_NOTE,
    SIGNATURE,
    ATTACHMENT_LABEL,
    ATTACHMENT_TITLE,
    CAPTION,
    TABLE_TEXT,
    IMPRINT,
    PAGE_NUMBER,
    AFTER_TABLE,
)

_DIGITS, _UNITS = "零一二三四五六七八九", ("", "十", "百", "千")


def chinese_number(number: int) -> str:
    """``12`` → ``十二``, ``105`` → ``一百零五``; from 1 to 9999."""
    if not 1 <= number <= 9999:
        raise ValueError(f"no Chinese ordinal for {number}")
    text = "".join(
        _DIGITS[int(digit)] + (_UNITS[place] if digit != "0" else "")
        for place, digit in reversed(list(enumerate(reversed(str(number)))))
    )
    while "零零" in text:
        text = text.replace("零零", "零")
    text = text.rstrip("零")
    return text.removeprefix("一") if text.startswith("一十") else text


def heading_number(level: int, number: int) -> str:
    """The ordinal of a heading (7.3.3): 一、 （一） 1. （1） for levels 1 to 4."""
    if level <= 2:
        return ("{}、", "（{}）")[level - 1].format(chinese_number(number))
    return ("{}.", "（{}）")[level - 3].format(number)


def official_date(date: datetime.date) -> str:
    """``2024年1月31日``: the year in full, no leading zeros (7.3.5.4)."""
    return f"{date.year}年{date.month}月{date.day}日"


def width_in_characters(text: str) -> float:
    """How many full-width characters a text is wide: digits and Latin letters count half."""
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.5 for c in text)


def signature_indents(issuer: str, date: str, *, sealed: bool) -> tuple[float, float]:
    """Characters left free to the right of the issuer's and of the date's line."""
    issuer_width, date_width = width_in_characters(issuer), width_in_characters(date)
    if sealed:
        # 7.3.5.1: the date four characters in, the issuer centred above it; a name too long for
        # that is itself two characters in and the date centred below it.
        centred = SEALED_DATE_FROM_RIGHT + (date_width - issuer_width) / 2
        if centred >= UNSEALED_FROM_RIGHT:
            return centred, SEALED_DATE_FROM_RIGHT
        return UNSEALED_FROM_RIGHT, UNSEALED_FROM_RIGHT + (issuer_width - date_width) / 2
    # 7.3.5.2: the issuer two characters in and the date begins two characters further right; a
    # date that would then reach beyond is two characters in and the issuer moves left for it.
    date_indent = max(issuer_width - date_width, UNSEALED_FROM_RIGHT)
    return date_indent + date_width + UNSEALED_DATE_SHIFT - issuer_width, date_indent
