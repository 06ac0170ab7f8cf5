"""Adds looks to a workbook's styles; what is there already is shared, so nothing piles up."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from lxml import etree

from perfxl.excel.markup.edited_package import EditedPackage, refused
from perfxl.excel.markup.schema import STYLES, element, main, part_of


class Styles:
    """The styles part of a workbook."""

    def __init__(self, package: EditedPackage, book: str) -> None:
        relation = package.related(book, "styles")
        if relation is None or not package.has(relation.target):
            raise refused("工作簿没有样式部件")
        self._package, self._part = package, relation.target
        self._root = package.tree(self._part)
        if self._root.tag != main("styleSheet") or self._root.find(main("cellXfs")) is None:
            raise refused("工作簿的样式部件不完整")

    def index(self, collection: str, xml: str) -> int:
        """The index in a collection such as ``fills`` of an element, added where it is new."""
        return self._index(collection, element(xml))

    def with_fill(self, style: int, fill: str) -> int:
        """The index of a cell format that differs from another one by its fill alone."""
        known = list(self._root.find(main("cellXfs")).iterchildren(tag=etree.Element))
        wanted = deepcopy(known[style]) if style < len(known) else element("<xf xfId='0'/>")
        wanted.set("fillId", str(self.index("fills", fill)))
        wanted.set("applyFill", "1")
        return self._index("cellXfs", wanted)

    def _index(self, collection: str, wanted: Any) -> int:
        owner = part_of(self._root, collection, STYLES)
        known = list(owner.iterchildren(tag=etree.Element))
        for number, other in enumerate(known):
            if _alike(other, wanted):
                return number
        owner.append(wanted)
        owner.set("count", str(len(known) + 1))
        self._package.touch(self._part)
        return len(known)

    def cell(
        self, *, font: str, fill: str, border: str, inside: str, number_format: int = 0
    ) -> int:
        """The index of a cell format; ``inside`` is its alignment and protection."""
        indexes = (
            self.index("fonts", font),
            self.index("fills", fill),
            self.index("borders", border),
        )
        return self.index(
            "cellXfs",
            f'<xf numFmtId="{number_format}" fontId="{indexes[0]}" fillId="{indexes[1]}" '
            f'borderId="{indexes[2]}" xfId="0" applyNumberFormat="1" applyFont="1" applyFill="1" '
            f'applyBorder="1" applyAlignment="1" applyProtection="1">{inside}</xf>',
        )


def _alike(one: Any, other: Any) -> bool:
    return (
        one.tag == other.tag
        and dict(one.attrib) == dict(other.attrib)
        and len(one) == len(other)
        and all(map(_alike, one, other))
    )
