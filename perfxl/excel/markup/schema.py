"""What the office file format fixes: namespaces, the order of elements, what a text may hold."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from lxml import etree

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_COMPATIBILITY = "http://schemas.openxmlformats.org/markup-compatibility/2006"

LAST_ROW, LAST_COLUMN = 1_048_575, 16_383
LONGEST_TEXT = 32_767
_CUT = "……"


def _order(names: str) -> list[str]:
    return names.split()


# An element in the wrong place makes Excel "repair" the file, so the orders are whole.
WORKSHEET = _order(
    "sheetPr dimension sheetViews sheetFormatPr cols sheetData sheetCalcPr sheetProtection "
    "protectedRanges scenarios autoFilter sortState dataConsolidate customSheetViews mergeCells "
    "phoneticPr conditionalFormatting dataValidations hyperlinks printOptions pageMargins "
    "pageSetup headerFooter rowBreaks colBreaks customProperties cellWatches ignoredErrors "
    "smartTags drawing legacyDrawing legacyDrawingHF drawingHF picture oleObjects controls "
    "webPublishItems tableParts extLst"
)
WORKBOOK = _order(
    "fileVersion fileSharing workbookPr workbookProtection bookViews sheets functionGroups "
    "externalReferences definedNames calcPr oleSize customWorkbookViews pivotCaches smartTagPr "
    "smartTagTypes webPublishing fileRecoveryPr webPublishObjects extLst"
)
STYLES = _order(
    "numFmts fonts fills borders cellStyleXfs cellXfs cellStyles dxfs tableStyles colors extLst"
)

_NO_XML = re.compile(r"[^\t\n\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPE_LIKE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")


def main(tag: str) -> str:
    """A tag of the workbook's own namespace as lxml names it."""
    return f"{{{MAIN}}}{tag}"


def element(xml: str) -> Any:
    """An element written out by us, its default namespace the workbook's."""
    head, mark, rest = re.split(r"([\s/>])", xml, maxsplit=1)
    return etree.fromstring(f'{head} xmlns="{MAIN}"{mark}{rest}')


def put(parent: Any, child: Any, order: list[str]) -> None:
    """Insert a child where the order wants it, before others of its own kind."""
    rank = order.index(etree.QName(child).localname)
    for position, other in enumerate(parent):
        if _rank(other, order) >= rank:
            parent.insert(position, child)
            return
    parent.append(child)


def _rank(child: Any, order: list[str]) -> int:
    """The place in the order; -1 for what the order does not know, which is passed over."""
    if not isinstance(child.tag, str):
        return -1
    name = etree.QName(child)
    if name.namespace == _COMPATIBILITY:
        # An alternative stands where its content would.
        return max((_rank(inner, order) for choice in child for inner in choice), default=-1)
    return order.index(name.localname) if name.localname in order else -1


def part_of(parent: Any, tag: str, order: list[str]) -> Any:
    """The child of that tag, made where it is missing."""
    found = parent.find(main(tag))
    if found is None:
        found = element(f"<{tag}/>")
        put(parent, found, order)
    return found


def clean(text: str) -> str:
    """A text that XML can hold and a cell takes, to be read back as it was."""
    text = _NO_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > LONGEST_TEXT:
        text = text[: LONGEST_TEXT - len(_CUT)] + _CUT
    return _ESCAPE_LIKE.sub("_x005F_", text)


def spaced(tag: str, text: str) -> Any:
    """An element with a text whose spaces and line ends count."""
    made = element(f"<{tag}/>")
    made.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    made.text = clean(text)
    return made


def lines(text: str, columns: float) -> int:
    """How many lines a text takes where a line holds so many narrow characters."""
    return sum(max(1, -int(-_breadth(line) // columns)) for line in text.split("\n"))


def _breadth(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WFA" else 1 for letter in line)
