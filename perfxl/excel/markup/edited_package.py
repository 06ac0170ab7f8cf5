"""An office file as a package of parts that is changed part by part.

Only parts that were touched are written anew; every other member of the zip keeps its content,
its name and its place.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from perfxl.errors import Fault, Unreadable
from perfxl.excel.markup.schema import OFFICE

LARGEST_TOTAL = 512 << 20
RESAVE = "请用 Excel 或 WPS 打开原件，另存为 .xlsx 后再试"

_RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_TYPES_PART = "[Content_Types].xml"
_VML_TYPE = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_SIGNATURE = f"{_RELATIONS}/digital-signature/origin"
# The same content must give the same bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Relation:
    """A part's reference to another one; ``target`` is empty for what lies outside the file."""

    id: str
    kind: str
    target: str


def refused(what: str, remedy: str = RESAVE, fault: Fault = Fault.UNREADABLE) -> Unreadable:
    """The error for a file that cannot be marked."""
    return Unreadable(f"不能在原件上标注：{what}", remedy=remedy, fault=fault)


class EditedPackage:
    """A package in memory; part names have no leading slash."""

    def __init__(self, data: bytes) -> None:
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, OSError) as error:
            raise refused("不是 .xlsx 工作簿", fault=Fault.NOT_A_WORKBOOK) from error
        members = self._archive.infolist()
        if any(member.flag_bits & 1 for member in members):
            raise refused("文件已加密", "请取消密码后再试", Fault.ENCRYPTED)
        if sum(member.file_size for member in members) > LARGEST_TOTAL:
            raise refused("文件展开后过大", fault=Fault.TOO_LARGE)
        # Some programs write backslashes, and names are compared without regard to case.
        self._members: dict[str, zipfile.ZipInfo | None] = {
            _key(member.filename): member for member in members if not member.is_dir()
        }
        if len(self._members) < sum(not member.is_dir() for member in members):
            raise refused("内容重复", fault=Fault.DAMAGED)
        self._names = {_key(member.filename): member.filename for member in members}
        self._trees: dict[str, Any] = {}
        self._touched: set[str] = set()

    def has(self, part: str) -> bool:
        """Whether there is such a part."""
        return _key(part) in self._members

    def read(self, part: str) -> bytes:
        """A part's bytes as they are now."""
        if _key(part) in self._touched:
            return self._written(_key(part))
        member = self._members.get(_key(part))
        if member is None:
            raise refused(f"缺少部件 {part}", fault=Fault.DAMAGED)
        return self._inflate(member)

    def tree(self, part: str) -> Any:
        """A part's root element; ``touch`` the part after changing it."""
        key = _key(part)
        if key not in self._trees:
            self._trees[key] = parsed(self.read(part), part)
        return self._trees[key].getroot()

    def touch(self, part: str) -> None:
        """Note that a part's tree was changed."""
        self._touched.add(_key(part))

    def replace(self, part: str, root: Any) -> None:
        """Give a part another content."""
        self._trees[_key(part)] = root.getroottree()
        self.touch(part)

    def add(self, pattern: str, root: Any, content_type: str) -> str:
        """Add a part under the first free name (``{}`` stands for a number) and give that name."""
        number = 1
        while self.has(pattern.format(number)):
            number += 1
        part = pattern.format(number)
        self._add_member(part, root)
        types = self.tree(_TYPES_PART)
        if part.endswith(".vml"):
            known = {node.get("Extension", "").casefold() for node in _nodes(types, "Default")}
            if "vml" not in known:
                default = etree.Element(f"{{{_TYPES}}}Default", nsmap=types.nsmap)
                default.set("Extension", "vml")
                default.set("ContentType", content_type)
                types.insert(0, default)
        else:
            override = etree.SubElement(types, f"{{{_TYPES}}}Override")
            override.set("PartName", f"/{part}")
            override.set("ContentType", content_type)
        self.touch(_TYPES_PART)
        return part

    def add_drawing(self, pattern: str, root: Any) -> str:
        """Add a VML drawing."""
        return self.add(pattern, root, _VML_TYPE)

    def drop(self, part: str) -> None:
        """Remove a part and what only it referred to."""
        self._remove(part)
        self.drop_relations(part)
        types = self.tree(_TYPES_PART)
        for node in _nodes(types, "Override"):
            if _key(node.get("PartName", "").lstrip("/")) == _key(part):
                types.remove(node)
                self.touch(_TYPES_PART)

    def drop_relations(self, part: str) -> None:
        """Remove all references of a part, and the parts that nothing else refers to."""
        targets = [relation.target for relation in self.relations(part) if relation.target]
        if self.has(_relations_of(part)):
            self._remove(_relations_of(part))
        for target in targets:
            self.drop_unused(target)

    def drop_unused(self, part: str) -> None:
        """Remove a part that nothing refers to any more."""
        structural = _key(part) == _key(_TYPES_PART) or part.casefold().endswith(".rels")
        if self.has(part) and not structural and _key(part) not in set(self._referred()):
            self.drop(part)

    def drop_signature(self) -> None:
        """Remove the package's digital signature: what is changed is no longer what was signed."""
        for relation in self.relations(""):
            if relation.kind == _SIGNATURE:
                self.unrelate("", relation)

    def relations(self, part: str) -> list[Relation]:
        """A part's references; the package's own for the empty name."""
        rels = _relations_of(part)
        if not self.has(rels):
            return []
        return [
            Relation(
                node.get("Id", ""),
                node.get("Type", ""),
                ""
                if node.get("TargetMode") == "External"
                else self._resolved(part, node.get("Target", "")),
            )
            for node in _nodes(self.tree(rels), "Relationship")
        ]

    def related(self, part: str, kind: str) -> Relation | None:
        """The first reference of an office kind such as ``styles``."""
        wanted = f"{OFFICE}/{kind}"
        return next((found for found in self.relations(part) if found.kind == wanted), None)

    def relate(self, part: str, target: str, kind: str) -> str:
        """Refer from a part to another one and give the reference's id."""
        rels = _relations_of(part)
        if not self.has(rels):
            self._add_member(rels, etree.Element(f"{{{_RELATIONS}}}Relationships", nsmap=_BARE))
        taken = {relation.id.casefold() for relation in self.relations(part)}
        number = len(taken) + 1
        while f"rid{number}" in taken:
            number += 1
        node = etree.SubElement(self.tree(rels), f"{{{_RELATIONS}}}Relationship")
        node.set("Id", f"rId{number}")
        node.set("Type", f"{OFFICE}/{kind}")
        node.set("Target", posixpath.relpath(target, posixpath.dirname(part) or "."))
        self.touch(rels)
        return f"rId{number}"

    def unrelate(self, part: str, relation: Relation) -> None:
        """Remove one reference, and its target where nothing else refers to it."""
        rels = _relations_of(part)
        tree = self.tree(rels)
        for node in _nodes(tree, "Relationship"):
            if node.get("Id") == relation.id:
                tree.remove(node)
        self.touch(rels)
        if len(tree) == 0:
            self._remove(rels)
        if relation.target:
            self.drop_unused(relation.target)

    def parts(self, ending: str) -> list[str]:
        """The names of the parts that end so."""
        return [self._names[key] for key in self._members if key.endswith(ending)]

    def to_bytes(self) -> bytes:
        """The changed package; equal content gives equal bytes."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, member in self._members.items():
                if member is None or key in self._touched:
                    info = zipfile.ZipInfo(self._names[key], _EPOCH)
                    info.compress_type = zipfile.ZIP_DEFLATED
                    info.create_system = 0
                    content = self._written(key)
                else:
                    info = zipfile.ZipInfo(member.filename, member.date_time)
                    info.compress_type = member.compress_type
                    info.create_system = member.create_system
                    info.external_attr = member.external_attr
                    content = self._inflate(member)
                archive.writestr(info, content)
        return buffer.getvalue()

    def _written(self, key: str) -> bytes:
        is_drawing = key.endswith(".vml")
        content: bytes = etree.tostring(
            self._trees[key],
            encoding="UTF-8",
            xml_declaration=not is_drawing,
            standalone=None if is_drawing else True,
        )
        return content

    def _inflate(self, member: zipfile.ZipInfo) -> bytes:
        try:
            return self._archive.read(member)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise refused("文件损坏或不完整", "请重新报送", Fault.DAMAGED) from error
        except NotImplementedError as error:
            raise refused("压缩方式不支持") from error

    def _add_member(self, part: str, root: Any) -> None:
        self._members[_key(part)] = None
        self._names[_key(part)] = part
        self.replace(part, root)

    def _remove(self, part: str) -> None:
        key = _key(part)
        self._members.pop(key, None)
        self._trees.pop(key, None)
        self._touched.discard(key)

    def _resolved(self, part: str, target: str) -> str:
        joined = posixpath.join("/", posixpath.dirname(part), target.replace("\\", "/"))
        return posixpath.normpath(joined).lstrip("/")

    def _referred(self) -> Iterator[str]:
        for key in list(self._members):
            if key.endswith(".rels"):
                folder, _, name = key.rpartition("_rels/")
                for relation in self.relations(folder + name.removesuffix(".rels")):
                    yield _key(relation.target)


_BARE = {None: _RELATIONS}


def parsed(data: bytes, part: str) -> Any:
    """The XML tree of a part of a returned file, which may be hostile."""
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        strip_cdata=False,
    )
    try:
        tree = etree.ElementTree(etree.fromstring(data, parser))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise refused(f"部件 {part} 内容损坏", fault=Fault.DAMAGED) from error
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise refused(f"部件 {part} 含有不允许的声明")
    return tree


def _key(part: str) -> str:
    return part.replace("\\", "/").casefold()


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _nodes(tree: Any, tag: str) -> list[Any]:
    return [node for node in tree if isinstance(node.tag, str) and node.tag.endswith(f"}}{tag}")]
