"""Comments on cells: the part that holds their texts, and the drawing that shows them.

Ours begin with a heading of their own. A comment that the unit wrote on the same cell keeps its
text, with ours under it; whatever follows our heading is ours and goes with the next round.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from perfxl.errors import Fault
from perfxl.excel.markup.edited_package import EditedPackage, Relation, refused
from perfxl.excel.markup.notes import Notes, drawing
from perfxl.excel.markup.places import Area, SheetPlaces, area_of
from perfxl.excel.markup.schema import OFFICE, WORKSHEET, element, main, put, spaced

AUTHOR = "绩效组审核"
HEADING = f"【{AUTHOR}】"

_OURS = re.compile(rf"(?:\A|\n){HEADING}")
_COMMENTS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_FONT = '<sz val="9"/><color indexed="81"/><rFont val="宋体"/><family val="3"/><charset val="134"/>'


def comment(
    package: EditedPackage, sheet: str, folder: str, places: SheetPlaces, texts: Mapping[Area, str]
) -> bool:
    """Make ours the sheet's only comments of ours; whether the sheet itself changed.

    ``sheet`` is the sheet's part, ``folder`` where the workbook keeps its parts.
    """
    relation = package.related(sheet, "comments")
    if relation is None:
        if not texts:
            return False
        root = element(f"<comments><authors><author>{AUTHOR}</author></authors></comments>")
        root.append(element("<commentList/>"))
        part = package.add(f"{folder}/comments{{}}.xml", root, _COMMENTS_TYPE)
        relation = Relation(package.relate(sheet, part, "comments"), "", part)
    root = package.tree(relation.target)
    if root.tag != main("comments"):
        raise refused(f"部件 {relation.target} 不是批注", fault=Fault.DAMAGED)
    listed = root.find(main("commentList"))
    if listed is None:
        listed = element("<commentList/>")
        root.append(listed)
    gone = _remove_ours(root, listed)
    if not texts and not gone:
        return False
    package.touch(relation.target)
    _append_ours(root, listed, texts)
    if len(listed) == 0:
        package.unrelate(sheet, relation)
    return _show(package, sheet, folder, places, {node.get("ref") or "": node for node in listed})


def _remove_ours(root: Any, listed: Any) -> bool:
    ours = {
        str(number)
        for number, author in enumerate(root.iterfind(f"{main('authors')}/{main('author')}"))
        if author.text == AUTHOR
    }
    changed = False
    for node in list(listed):
        pieces = [
            piece
            for piece in node.iter(main("t"))
            if piece.getparent().tag in (main("text"), main("r"))
        ]
        whole = "".join(piece.text or "" for piece in pieces)
        found = _OURS.search(whole)
        if found is None and node.get("authorId") not in ours:
            continue
        changed = True
        if found is None or not whole[: found.start()].strip():
            listed.remove(node)
        else:
            _cut(pieces, found.start())
    return changed


def _cut(pieces: list[Any], at: int) -> None:
    """Keep so many characters of a text in pieces."""
    for piece in pieces:
        text = piece.text or ""
        if at > 0:
            piece.text = text[:at]
        else:
            run = piece if piece.getparent().tag == main("text") else piece.getparent()
            run.getparent().remove(run)
        at -= len(text)


def _append_ours(root: Any, listed: Any, texts: Mapping[Area, str]) -> None:
    if not texts:
        return
    author = _author(root)
    known = {node.get("ref") or "": node for node in listed}
    for area, text in texts.items():
        node = known.get(area.cell)
        if node is None:
            node = element(
                f'<comment ref="{area.cell}" authorId="{author}" shapeId="0"><text/></comment>'
            )
            listed.append(node)
        content = node.find(main("text"))
        if content is None:
            content = element("<text/>")
            node.insert(0, content)
        before = "\n" if len(content) else ""
        _as_runs(content)
        at = len(content.findall(main("r")))
        content.insert(at, _run(text, ""))
        content.insert(at, _run(f"{before}{HEADING}\n", "<b/>"))


def _author(root: Any) -> int:
    authors = root.find(main("authors"))
    if authors is None:
        authors = element("<authors/>")
        root.insert(0, authors)
    names = [node.text for node in authors.iterfind(main("author"))]
    if AUTHOR in names:
        return names.index(AUTHOR)
    authors.append(element(f"<author>{AUTHOR}</author>"))
    return len(names)


def _as_runs(content: Any) -> None:
    """A text without runs becomes one run, so that another can follow."""
    for plain in content.findall(main("t")):
        run = element("<r/>")
        content.replace(plain, run)
        run.append(plain)


def _run(text: str, look: str) -> Any:
    run = element(f"<r><rPr>{look}{_FONT}</rPr></r>")
    run.append(spaced("t", text))
    return run


def _show(
    package: EditedPackage,
    sheet: str,
    folder: str,
    places: SheetPlaces,
    comments: Mapping[str, Any],
) -> bool:
    """Bring the drawing of the sheet's comments up to date; whether the sheet itself changed."""
    root = package.tree(sheet)
    reference = root.find(main("legacyDrawing"))
    relation_id = "" if reference is None else reference.get(f"{{{OFFICE}}}id")
    relation = next((one for one in package.relations(sheet) if one.id == relation_id), None)
    changed = False
    if reference is None or relation is None or not package.has(relation.target):
        if not comments:
            return False
        if reference is not None:
            root.remove(reference)
        part = package.add_drawing(f"{folder}/drawings/vmlDrawing{{}}.vml", drawing())
        relation = Relation(package.relate(sheet, part, "vmlDrawing"), "", part)
        made = etree.Element(main("legacyDrawing"), nsmap={"r": OFFICE})
        made.set(f"{{{OFFICE}}}id", relation.id)
        put(root, made, WORKSHEET)
        changed = True
    notes = Notes(package, relation.target)
    places_of = {area.cell: area for area in map(area_of, comments) if area is not None}
    notes.keep({(area.row, area.column) for area in places_of.values()})
    for cell, area in places_of.items():
        text = "".join(comments[cell].itertext(main("t")))
        notes.show(places.area(cell) or area, text, places, grow=bool(_OURS.search(text)))
    if notes.is_empty and reference is not None:
        root.remove(reference)
        package.unrelate(sheet, relation)
        changed = True
    return changed
