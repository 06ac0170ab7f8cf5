"""Which parts of an .xlsx hold what: follows the workbook's own relations, trusts no part's name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from xml.etree import ElementTree as ET

from perfxl.errors import Unreadable
from perfxl.excel.cells import contradictory
from perfxl.excel.package import Package
from perfxl.excel.tally import StringCount, blank_strings, count_strings

_STATED_USES = re.compile(rb"<sst\b[^>]*?\scount=\"(\d{1,9})\"")
_LOCAL_REFERENCE = re.compile(r"(?:'((?:[^'\[\]]|'')+)'|([^\W\d][\w.]*))!\$")
_WORKSHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_VARIANT_TYPES = "{http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes}"


class WorkbookParts:
    """The sheets of a workbook in its own order, and its strings. Raises Unreadable."""

    def __init__(self, package: Package) -> None:
        self._parts = {name.lower(): part for name, part in package.parts.items()}
        path = self._workbook_path()
        self._relations = dict(self._targets(path))
        try:
            self._directory = list(ET.fromstring(self._parts.get(path, b"")).iter())
        except ET.ParseError as error:
            raise _no_directory() from error
        self._sheets = [one for one in self._directory if one.tag.rpartition("}")[2] == "sheet"]
        listed = list(self._listed())
        if len({name for name, _ in listed}) != len(listed):
            raise contradictory("有同名的工作表")
        if len({path for _, path in listed}) != len(listed):
            raise contradictory("工作簿目录把两张工作表指向同一处")
        # Name, path in lower case, and content.
        self.sheets = [(name, path, self._part(path)) for name, path in listed]
        self.doubts = list(self._doubts({path for _, path in listed}))

    def _workbook_path(self) -> str:
        for kind, target in dict(self._targets("")).values():
            if kind == "officeDocument":
                return target
        return "xl/workbook.xml"

    def _targets(self, source: str) -> Sequence[tuple[str, tuple[str, str]]]:
        """Kind and path by identifier of what a part relates to inside the package."""
        folder, name = posixpath.split(source)
        part = self._parts.get(posixpath.join(folder, "_rels", f"{name}.rels"))
        if part is None:
            return ()
        return (_known_relations if len(part) <= _SHORT else _relations_in)(folder, part)

    def _listed(self) -> Iterator[tuple[str, str]]:
        for sheet in self._sheets:
            # Transitional and strict documents differ in the namespace of the identifier.
            ids = [value for key, value in sheet.attrib.items() if key.endswith("}id")]
            kind, path = self._relations.get(ids[0] if ids else "", ("", ""))
            if not path:
                raise _no_directory()
            if kind not in ("chartsheet", "dialogsheet", "xlMacrosheet", "xlIntlMacrosheet"):
                yield sheet.get("name", ""), path

    def _part(self, path: str) -> bytes:
        part = self._parts.get(path)
        if part is None:
            raise contradictory("文件缺少部件")
        return part

    def _doubts(self, listed: set[str]) -> Iterator[str]:
        if any(_WORKSHEET.fullmatch(path) for path in self._parts if path not in listed):
            yield "有工作表没有列入目录"
        names = [sheet.get("name", "") for sheet in self._sheets]
        for defined in self._directory:
            if not defined.get("name", "").startswith("_xlnm.Print"):
                continue
            number, said = (
                defined.get("localSheetId", ""),
                _LOCAL_REFERENCE.match(defined.text or ""),
            )
            if said and number.isdecimal():
                at = int(number)
                name = (said[1] or said[2]).replace("''", "'")
                if at >= len(names) or names[at] != name:
                    yield "工作表名称与打印设置中的不符"
        titles = self._titles()
        if set(titles) - set(names):
            yield "工作表名称与文件属性中的不符"

    def _titles(self) -> list[str]:
        """The sheets that the document's properties list; nothing where they list none."""
        part = self._parts.get("docprops/app.xml", b"")
        if b"TitlesOfParts" not in part:
            return []
        try:
            root = ET.fromstring(part)
        except ET.ParseError:
            # No cell stands there, and programs open the workbook all the same.
            return []
        counts = [one.text or "" for one in root.iter(f"{_VARIANT_TYPES}i4")]
        titles = [
            one.text or ""
            for vector in root.iter()
            if vector.tag.endswith("}TitlesOfParts")
            for one in vector.iter(f"{_VARIANT_TYPES}lpstr")
        ]
        return titles[: int(counts[0])] if counts and counts[0].isdecimal() else []

    @cached_property
    def _counted(self) -> tuple[str, bytes, StringCount]:
        for kind, path in self._relations.values():
            if kind == "sharedStrings":
                part = self._parts.get(path, b"")
                return path, part, count_strings(part)
        return "", b"", StringCount(0, has_emptied=False, shortened=b"")

    @property
    def strings(self) -> bytes:
        """The part that holds the shared strings; empty where there is none."""
        return self._counted[1]

    @cached_property
    def blank(self) -> list[bool]:
        """Of each shared string, whether it is empty."""
        return blank_strings(self.strings)

    @property
    def string_count(self) -> int:
        """How many shared strings there are."""
        return self._counted[2].strings

    @property
    def stated_uses(self) -> int:
        """How many cells are said to show shared strings; 0 where nothing is said."""
        said = _STATED_USES.search(self.strings, 0, 2048)
        return int(said[1]) if said else 0

    @property
    def has_emptied_string(self) -> bool:
        """Whether a string is there and holds nothing, spelled as something that lost its text."""
        return self._counted[2].has_emptied

    @property
    def shortened_strings(self) -> tuple[str, bytes]:
        """Path in lower case and content of the part with the shared strings, as
        ``StringCount.shortened``."""
        return self._counted[0], self._counted[2].shortened


def _relations_in(folder: str, part: bytes) -> Sequence[tuple[str, tuple[str, str]]]:
    try:
        relations = ET.fromstring(part)
    except ET.ParseError as error:
        raise _no_directory() from error
    found = []
    for one in relations:
        target = one.get("Target", "").replace("\\", "/")
        path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/").lower()
        if one.get("TargetMode") != "External":
            found.append((one.get("Id", ""), (one.get("Type", "").rpartition("/")[2], path)))
    return tuple(found)


# A program writes the same relations in every workbook of a campaign.
_SHORT = 16_384
_known_relations = lru_cache(maxsize=32)(_relations_in)


def _no_directory() -> Unreadable:
    return contradictory("工作簿目录内容损坏")
