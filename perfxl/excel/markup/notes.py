"""The drawing (VML) in which a sheet's comments have their boxes."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

from perfxl.errors import Fault, Unreadable
from perfxl.excel.markup.edited_package import EditedPackage, parsed, refused
from perfxl.excel.markup.places import Area, SheetPlaces
from perfxl.excel.markup.schema import LAST_COLUMN, lines

_V = "urn:schemas-microsoft-com:vml"
_O = "urn:schemas-microsoft-com:office:office"
_X = "urn:schemas-microsoft-com:office:excel"
_NAMESPACES = f'xmlns:v="{_V}" xmlns:o="{_O}" xmlns:x="{_X}"'

# A cluster of ids belongs to one drawing of the workbook.
_CLUSTER = 1024
_CLUSTERS = re.compile(rb"""<o:idmap\b[^>]*?\bdata=["']([\d,\s]+)["']""")
_SHAPE_ID = re.compile(r"_x0000_s(\d+)")
_UNCLOSED = re.compile(rb"<br\s*>")

_NO_SHAPES = {f"{{{_V}}}shapetype", f"{{{_O}}}shapelayout"}

_WIDTH, _TALLEST, _LINE, _MARGIN = 290, 460, 16, 14
_NARROW_LETTER = 6
_GAP = 12

_SHAPE_TYPE = (
    f'<v:shapetype {_NAMESPACES} id="_x0000_t202" coordsize="21600,21600" o:spt="202" '
    'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/>'
    '<v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)


def drawing() -> Any:
    """An empty drawing."""
    return etree.fromstring(f"<xml {_NAMESPACES}/>")


class Notes:
    """The boxes of one sheet's comments in its drawing, which may hold other things too."""

    def __init__(self, package: EditedPackage, part: str) -> None:
        self._package, self._part = package, part
        try:
            self._root = package.tree(part)
        except Unreadable:
            # Excel itself leaves line breaks in a drawing's texts unclosed.
            mended = parsed(_UNCLOSED.sub(b"<br/>", package.read(part)), part).getroot()
            package.replace(part, mended)
            self._root = package.tree(part)
        if self._root.tag != "xml":
            raise refused(f"部件 {part} 不是批注图形", fault=Fault.DAMAGED)
        self._boxes: dict[tuple[int, int], Any] = {}
        self._taken: set[int] = set()
        for shape in self._root.iterfind(f".//{{{_V}}}shape"):
            if match := _SHAPE_ID.fullmatch(shape.get("id", "")):
                self._taken.add(int(match[1]))
            client = shape.find(f"{{{_X}}}ClientData[@ObjectType='Note']")
            if client is not None:
                row, column = (
                    (client.findtext(f"{{{_X}}}{tag}") or "") for tag in ("Row", "Column")
                )
                if row.strip().isdecimal() and column.strip().isdecimal():
                    self._boxes[int(row), int(column)] = shape

    @property
    def is_empty(self) -> bool:
        """Whether the drawing shows nothing at all."""
        return all(node.tag in _NO_SHAPES for node in self._root.iterchildren(tag=etree.Element))

    def keep(self, cells: set[tuple[int, int]]) -> None:
        """Remove the boxes of all other cells."""
        for cell in self._boxes.keys() - cells:
            shape = self._boxes.pop(cell)
            shape.getparent().remove(shape)
            self._package.touch(self._part)

    def show(self, area: Area, text: str, places: SheetPlaces, *, grow: bool) -> None:
        """See that a comment has a hidden box; one that is there only grows to hold the text."""
        height = min(_TALLEST, lines(text, (_WIDTH - _GAP) / _NARROW_LETTER) * _LINE + _MARGIN)
        box = self._boxes.get((area.row, area.column))
        if box is not None and not grow:
            return
        self._package.touch(self._part)
        if box is not None:
            _grow(box, height, places)
            return
        column = min(area.last_column + 1, LAST_COLUMN)
        right = places.across(column, _GAP, _WIDTH)
        bottom = places.down(area.row, 2, height)
        numbers = (column, _GAP, area.row, 2, *right, *bottom)
        if self._root.find(f"{{{_V}}}shapetype[@id='_x0000_t202']") is None:
            self._root.append(etree.fromstring(_SHAPE_TYPE))
        self._root.append(
            etree.fromstring(
                f'<v:shape {_NAMESPACES} id="_x0000_s{self._free_id()}" type="#_x0000_t202" '
                f'style="position:absolute;margin-left:0;margin-top:0;width:{_WIDTH * 3 // 4}pt;'
                f'height:{height * 3 // 4}pt;z-index:1;visibility:hidden" fillcolor="#ffffe1" '
                'o:insetmode="auto"><v:fill color2="#ffffe1"/>'
                '<v:shadow on="t" color="black" obscured="t"/><v:path o:connecttype="none"/>'
                '<v:textbox style="mso-direction-alt:auto"><div style="text-align:left"/>'
                '</v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/>'
                f"<x:SizeWithCells/><x:Anchor>{', '.join(map(str, numbers))}</x:Anchor>"
                f"<x:AutoFill>False</x:AutoFill><x:Row>{area.row}</x:Row>"
                f"<x:Column>{area.column}</x:Column></x:ClientData></v:shape>"
            )
        )

    def _free_id(self) -> int:
        idmap = self._root.find(f"{{{_O}}}shapelayout/{{{_O}}}idmap")
        own = (
            [] if idmap is None else [int(one) for one in re.findall(r"\d+", idmap.get("data", ""))]
        )
        for cluster in own:
            for number in range(cluster * _CLUSTER + 1, (cluster + 1) * _CLUSTER):
                if number not in self._taken:
                    self._taken.add(number)
                    return number
        cluster = self._free_cluster()
        if idmap is None:
            layout = etree.fromstring(
                f'<o:shapelayout {_NAMESPACES} v:ext="edit"><o:idmap v:ext="edit" data=""/>'
                "</o:shapelayout>"
            )
            self._root.insert(0, layout)
            idmap = layout[0]
        idmap.set("data", ",".join(map(str, [*own, cluster])))
        self._taken.add(cluster * _CLUSTER + 1)
        return cluster * _CLUSTER + 1

    def _free_cluster(self) -> int:
        used = {0}
        for part in self._package.parts(".vml"):
            for listed in _CLUSTERS.findall(self._package.read(part)):
                used |= {int(number) for number in re.findall(rb"\d+", listed)}
        return next(number for number in range(1, len(used) + 2) if number not in used)


def _grow(shape: Any, height: int, places: SheetPlaces) -> None:
    anchor = shape.find(f"{{{_X}}}ClientData/{{{_X}}}Anchor")
    numbers = [] if anchor is None else re.findall(r"-?\d+", anchor.text or "")
    if len(numbers) != 8:
        return
    left, top, right = numbers[:2], [int(number) for number in numbers[2:4]], numbers[4:6]
    bottom = max(places.down(top[0], top[1], height), (int(numbers[6]), int(numbers[7])))
    anchor.text = ", ".join(map(str, (*left, *top, *right, *bottom)))
