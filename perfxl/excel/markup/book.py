"""The workbook part: which sheets there are, and a sheet of ours put before them."""

from __future__ import annotations

import posixpath
from typing import Any

from lxml import etree

from perfxl.errors import Fault
from perfxl.excel.markup.edited_package import EditedPackage, refused
from perfxl.excel.markup.schema import OFFICE, WORKBOOK, element, main, part_of

_SHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument"
_ID = f"{{{OFFICE}}}id"


class Book:
    """The workbook of a package."""

    def __init__(self, package: EditedPackage) -> None:
        relation = package.related("", "officeDocument")
        if any(one.kind == _STRICT for one in package.relations("")):
            raise refused("是“严格”格式的工作簿")
        if relation is None or not package.has(relation.target):
            raise refused("不是 .xlsx 工作簿", fault=Fault.NOT_A_WORKBOOK)
        self._package, self.part = package, relation.target
        if self.part.casefold().endswith(".bin"):
            raise refused("是二进制工作簿（.xlsb）")
        self._root = package.tree(self.part)
        self._sheets = self._root.find(main("sheets"))
        if self._root.tag != main("workbook") or self._sheets is None:
            raise refused("不是 .xlsx 工作簿", fault=Fault.NOT_A_WORKBOOK)
        if package.related(self.part, "revisionHeaders") is not None:
            # Its log of changes names the sheets; one more would not be in it.
            raise refused("是共享工作簿", "请在“审阅”中取消共享工作簿，保存后再试")
        self.folder = posixpath.dirname(self.part)

    def worksheets(self) -> dict[str, str]:
        """The part of each worksheet by its name, in their order."""
        kinds = {relation.id: relation for relation in self._package.relations(self.part)}
        found = {}
        for node in self._sheets.iterfind(main("sheet")):
            relation = kinds.get(node.get(_ID, ""))
            if relation is not None and relation.kind == f"{OFFICE}/worksheet":
                found[node.get("name", "")] = relation.target
        return found

    def put_first(self, name: str, content: Any, heading_row: int) -> None:
        """Make the content the first and shown sheet; a sheet of that name gives way to it."""
        nodes = list(self._sheets.iterfind(main("sheet")))
        old = next((node for node in nodes if node.get("name") == name), None)
        if old is None:
            part = self._package.add(
                posixpath.join(self.folder, "worksheets/sheet{}.xml"), content, _SHEET_TYPE
            )
            node = self._node(name, part, nodes)
            former = None
        else:
            node, former = old, nodes.index(old)
            self._overwrite(name, content)
            node.attrib.pop("state", None)
        self._sheets.insert(0, node)
        self._move_names(former)
        self._repeat_rows(name, heading_row)
        for view in self._root.iterfind(f"{main('bookViews')}/{main('workbookView')}"):
            for attribute in ("activeTab", "firstSheet"):
                view.attrib.pop(attribute, None)
        self._package.touch(self.part)

    def put_last(self, name: str, content: Any, *, hidden: bool = False) -> None:
        """Add the content as the last sheet; there is none of that name yet."""
        part = self._package.add(
            posixpath.join(self.folder, "worksheets/sheet{}.xml"), content, _SHEET_TYPE
        )
        nodes = list(self._sheets.iterfind(main("sheet")))
        self._sheets.append(self._node(name, part, nodes))
        if hidden:
            self._sheets[-1].set("state", "veryHidden")
        self._package.touch(self.part)

    def _node(self, name: str, part: str, nodes: list[Any]) -> Any:
        """The entry of a new sheet beside those that are there."""
        taken = {node.get("sheetId") for node in nodes}
        number = next(n for n in range(1, len(nodes) + 2) if str(n) not in taken)
        node = etree.Element(main("sheet"), nsmap={"r": OFFICE})
        node.set("name", name)
        node.set("sheetId", str(number))
        node.set(_ID, self._package.relate(self.part, part, "worksheet"))
        return node

    def _overwrite(self, name: str, content: Any) -> None:
        part = self.worksheets().get(name, "")
        if not self._package.has(part):
            raise refused(f"其中的“{name}”不是工作表", "请将它改名后再试")
        # A macro project knows the sheet by this name.
        code_name = self._package.tree(part).find(main("sheetPr"))
        if code_name is not None and code_name.get("codeName"):
            content.find(main("sheetPr")).set("codeName", code_name.get("codeName"))
        self._package.drop_relations(part)
        self._package.replace(part, content)
        # The order of calculation may name formulas that were typed into the old sheet.
        chain = self._package.related(self.part, "calcChain")
        if chain is not None:
            self._package.unrelate(self.part, chain)

    def _move_names(self, former: int | None) -> None:
        """Names that belong to one sheet follow it to its new position."""
        for name in self._root.findall(f"{main('definedNames')}/{main('definedName')}"):
            place = name.get("localSheetId", "")
            if not place.isdecimal():
                continue
            if former is not None and int(place) == former:
                name.getparent().remove(name)
            elif former is None or int(place) < former:
                name.set("localSheetId", str(int(place) + 1))

    def _repeat_rows(self, sheet: str, last_row: int) -> None:
        quoted = sheet.replace("'", "''")
        name = element('<definedName name="_xlnm.Print_Titles" localSheetId="0"/>')
        name.text = f"'{quoted}'!$1:${last_row}"
        part_of(self._root, "definedNames", WORKBOOK).append(name)
