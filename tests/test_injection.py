"""Text from a return stays text: in every workbook, document and line that perfxl writes.

Two returns go through a whole campaign on the command line. They differ in nothing but their
texts: what one office program or terminal would execute stands where the other says something
innocent. Every hostile text carries the mark 攻, the innocent ones 善.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl
import pytest
from lxml import etree
from made_returns import right_return

from perfxl.campaign import FEEDBACK, ISSUED, PRODUCTS, REVIEWS, SENT_BACK
from perfxl.cli.main import main
from perfxl.excel.stamp import parse_stamp
from perfxl.plan.model import Plan

# Two whole campaigns with every verb.
pytestmark = pytest.mark.slow

MARK, INNOCENT = "攻", "善"
HOSTILE = (
    '=HYPERLINK("http://evil.example/攻","点这里")', "+cmd|' /C calc'!A0 攻", "@SUM(1+1)*攻",
    "-2+3+cmd|' /C 攻'!A0", "=1+1 攻", "'=1+1 攻", "\t=攻", "\n@攻", "{=攻}",
    "_x001B_[31m攻_x001B_[0m", "_x009B_31m攻", "\u202e攻", "[bold red]攻[/bold red]", "[link=http://evil.example]攻",
    "]]>攻<script>", '<w:fldSimple w:instr="DATE">攻</w:fldSimple>', "&lt;攻&#10;", "%n{攻}{0}%s",
    "http://evil.example/攻?a=b&c", "mailto:evil@evil.example?subject=攻", "file:///evil.example/攻",
    "\\\\evil.example\\攻", 'INCLUDETEXT "http://evil.example/攻"', "DDEAUTO evil.example 攻",
    "internal:'自评表'!A1 攻", "&C攻&[Page]", "#攻!A1", "攻\x7f",
)  # fmt: skip
# Where a text may stand in the parts of a package.
TEXT_ELEMENTS = frozenset({"t"})


class Texts:
    """Texts for one free field after another; each is its own."""

    def __init__(self, *, hostile: bool) -> None:
        self.hostile, self.count = hostile, 0

    def next(self) -> str:
        self.count += 1
        text = HOSTILE[self.count % len(HOSTILE)] if self.hostile else f"{INNOCENT}的说明"
        return f"{text} {self.count}"


def put(cell: Any, text: str) -> None:
    """Text as text, as an office program stores it where a cell is formatted so."""
    cell.value = text
    cell.data_type = "s"


# Free cells by sheet: rows and columns.
FREE = {
    "封面": (range(9, 13), (3,)),
    "佐证材料": (range(4, 20), (2, 4, 6, 7)),
    "项目清单": (range(4, 8), (1, 2, 3, 14, 15)),
    "整改台账": (range(4, 6), (1, 2, 3, 6, 7, 9)),
}
# Where a number, a date, a choice or the office's own text is expected; it makes mistakes.
MISPLACED = (
    ("自评表", "H28 F29 F26 B33 C33 A45 B45"),
    ("佐证材料", "C5 E5"),
    ("项目清单", "D5"),
    ("数据项", "C4"),
)


def filled_with(samples_maker: ModuleType, data: bytes, texts: Texts) -> Any:
    """A return with such texts in every free field, and some mistakes, so that it is sent back."""
    form = samples_maker.Form(data)
    entries = form.sheet("自评表")
    for row in range(6, 39):
        if not str(entries.cell(row, 6).value or "").startswith("="):
            for column in (7, 9):
                put(entries.cell(row, column), texts.next())
    for name, (rows, columns) in FREE.items():
        for row, column in product(rows, columns):
            put(form.sheet(name).cell(row, column), texts.next())
    for name, cells in MISPLACED:
        for cell in cells.split():
            put(form.sheet(name)[cell], texts.next())
    entries["C45"].value = 1
    return form


@dataclass(frozen=True)
class Finished:
    """A campaign that went its whole way, and what each command printed."""

    folder: Path
    printed: Mapping[str, str]


class Terminal:
    """Runs perfxl as its entry point does, in this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: dict[str, str] = {}

    def run(self, *arguments: object, code: int | None = 0) -> str:
        words = ["perfxl", "-C", str(self.folder), *map(str, arguments)]
        stream = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
        argv, sys.argv = sys.argv, words
        try:
            with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
                main()
        except SystemExit as stop:
            assert code is None or stop.code == code, words
        finally:
            sys.argv = argv
        stream.flush()
        text = stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
        self.printed[" ".join(words[3:])] = text
        return str(text)


def under_the_stamp_of(issued: bytes, form: Any) -> Any:
    """A return as if filled in from this campaign's own workbook."""
    stamp = openpyxl.load_workbook(io.BytesIO(issued))["_perfxl"]["A1"].value
    assert parse_stamp(stamp)
    form.book["_perfxl"]["A1"] = stamp
    form.book.defined_names["_perfxl_stamp"].attr_text = f'"{stamp}"'
    form.book.custom_doc_props["perfxl"].value = stamp
    return form


def explain_everything(marked: Path, to: Path, texts: Texts) -> None:
    """What a unit does with a marked copy: explains each opinion, and enters each text anew."""
    book = openpyxl.load_workbook(marked)
    opinions = book["审核意见"]
    for row in range(4, opinions.max_row + 1):
        put(opinions.cell(row, 7), texts.next())
    entries = book["自评表"]
    enterable = [row for row in range(6, 39) if entries.cell(row, 7).value]
    assert len(enterable) * 2 > len(HOSTILE)
    for row, column in product(enterable, (7, 9)):
        put(entries.cell(row, column), texts.next())
    book.save(to)


def score_everything(path: Path, texts: Texts, *, misplaced: bool = True) -> None:
    """What a section does with its review book; one score may be no number and is refused."""
    review = openpyxl.load_workbook(path)
    sheet = review["评分表"]
    column = {str(c.value).split("（")[0].removesuffix(" *"): c.column for c in sheet[3]}
    for row in range(4, sheet.max_row + 1):
        if sheet.cell(row, column["指标编码"]).value:
            sheet.cell(row, column["核定得分"]).value = 1
            put(sheet.cell(row, column["扣分原因"]), texts.next())
            put(sheet.cell(row, column["评分人"]), texts.next())
    if misplaced:
        put(sheet.cell(4, column["核定得分"]), texts.next())
    review.save(path)


def rectify_everything(book: Path, to: Path, texts: Texts) -> None:
    """What a unit does with its rectification book; in the first row all is misplaced."""
    filled = openpyxl.load_workbook(book)
    sheet = filled["整改台账"]
    column = {str(c.value).split("（")[0].removesuffix(" *"): c.column for c in sheet[3]}
    for row in range(4, sheet.max_row + 1):
        if sheet.cell(row, 1).value:
            for label in ("整改措施", "责任人", "佐证材料", "备注"):
                put(sheet.cell(row, column[label]), texts.next())
            sheet.cell(row, column["完成情况"]).value = "已完成"
            sheet.cell(row, column["完成日期"]).value = "2024-01-12"
    for label in ("完成情况", "完成日期"):
        put(sheet.cell(4, column[label]), texts.next())
    filled.save(to)


def went_through(folder: Path, samples_maker: ModuleType, plan: Plan, *, hostile: bool) -> Finished:
    """A campaign of one return from issue to circular."""
    texts = Texts(hostile=hostile)
    name = "=cmd[bold red]\x1b[31m攻'&\u202e.xlsx" if hostile else "报送.xlsx"
    drop, campaign = folder / "drop", folder / "campaign"
    drop.mkdir(parents=True)
    terminal = Terminal(campaign)
    terminal.run("init", campaign)
    terminal.run("issue")
    issued = next((campaign / ISSUED).rglob("*-101-*.xlsx")).read_bytes()
    right = samples_maker.Form(right_return(samples_maker, plan))
    under_the_stamp_of(issued, right).save(drop / name)
    filled_with(samples_maker, (drop / name).read_bytes(), texts).save(drop / name)
    (drop / f"~$锁{name}").write_bytes(b"lock")
    (drop / f"附件{name}.txt").write_text("附件", encoding="utf-8")
    (drop / f"坏{name}").write_bytes(b"PK\x03\x04")

    terminal.run("ingest", drop, "--received", "2024-01-10", code=1)
    terminal.run("ingest", drop, "--received", "2024-01-11", code=1)
    terminal.run("ingest", drop / f"没有{name}", code=2)
    terminal.run("check", code=1)
    terminal.run("check", "--json", code=1)
    terminal.run("check", drop / name, code=1)
    terminal.run("send-back")
    (marked,) = (campaign / SENT_BACK).glob("*.xlsx")
    again = drop / f"再{name}"
    explain_everything(marked, again, texts)
    terminal.run("ingest", again, "--received", "2024-01-12")
    terminal.run("extend", "101", "2024-02-01", "--reason", texts.next().replace("\t", ""))
    terminal.run("diff", "101")
    terminal.run("diff", "101", "--json")
    terminal.run("send-back")
    terminal.run("review", "issue")
    for path in sorted((campaign / REVIEWS).glob("*.xlsx")):
        score_everything(path, texts)
    terminal.run("review", "ingest", code=None)
    for path in sorted((campaign / REVIEWS).glob("*.xlsx")):
        score_everything(path, texts, misplaced=False)
    terminal.run("review", "ingest")
    terminal.run("feedback")
    (book,) = (campaign / FEEDBACK).rglob("*-101-*整改台账.xlsx")
    rectify_everything(book, drop / f"改{name}", texts)
    terminal.run("ingest", drop / f"改{name}", "--received", "2024-01-13", code=1)
    reason = texts.next().replace("\t", "")
    terminal.run("rectify", "return", "101", "--problem", "101-02", "--reason", reason)
    for words in (["rectify", "status"], ["rectify", "status", "101"], ["rectify", "report"],
                  ["rectify", "status", "--json"], ["apply"]):  # fmt: skip
        terminal.run(*words)
    for words in (["status"], ["status", "--json"], ["consolidate"], ["circular"], ["rank"],
                  ["rank", "--json"], ["log", "101"], ["log", "101", "--json"]):  # fmt: skip
        terminal.run(*words, code=None)
    return Finished(campaign, terminal.printed)


@pytest.fixture(scope="module")
def finished(
    samples_maker: ModuleType, plan: Plan, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Finished]:
    """The hostile and the innocent campaign."""
    return {
        MARK: went_through(tmp_path_factory.mktemp("hostile"), samples_maker, plan, hostile=True),
        INNOCENT: went_through(
            tmp_path_factory.mktemp("innocent"), samples_maker, plan, hostile=False
        ),
    }


def products(one: Finished, *suffixes: str) -> dict[str, Path]:
    """What perfxl wrote for people, by path without what differs from run to run."""
    found = {}
    for name in (ISSUED, SENT_BACK, REVIEWS, PRODUCTS, FEEDBACK):
        for path in sorted((one.folder / name).rglob("*")):
            if path.suffix in suffixes:
                place = path.relative_to(one.folder).as_posix()
                found[re.sub(r"-\d{8}-\d{6}", "", place)] = path
    return found


def formulas(path: Path) -> dict[tuple[str, str], str]:
    """Every formula of a workbook by sheet and cell."""
    book = openpyxl.load_workbook(path)
    return {
        (sheet.title, cell.coordinate): str(getattr(cell.value, "text", cell.value))
        for sheet in book.worksheets
        for row in sheet.iter_rows()
        for cell in row
        if cell.data_type == "f"
    }


def parts(path: Path) -> Iterator[tuple[str, Any]]:
    """The XML parts of a package."""
    with zipfile.ZipFile(path) as package:
        for name in package.namelist():
            if name.endswith((".xml", ".rels", ".vml")):
                yield name, etree.fromstring(package.read(name))


def test_every_product_was_made(finished: dict[str, Finished]) -> None:
    hostile, innocent = (
        set(products(finished[mark], ".xlsx", ".docx")) for mark in (MARK, INNOCENT)
    )
    assert hostile == innocent
    folders = {ISSUED, SENT_BACK, REVIEWS, PRODUCTS, FEEDBACK}
    assert {place.split("/")[0] for place in hostile} == folders
    assert f"{PRODUCTS}/综合评分表.xlsx" in hostile and f"{PRODUCTS}/通报.docx" in hostile


def test_no_text_becomes_a_formula(finished: dict[str, Finished]) -> None:
    hostile, innocent = (products(finished[mark], ".xlsx") for mark in (MARK, INNOCENT))
    met = 0
    for place, path in hostile.items():
        found = formulas(path)
        assert found == formulas(innocent[place]), place
        met += len(found)
        for formula in found.values():
            assert MARK not in formula and "evil" not in formula and "cmd" not in formula
    assert met > 500


def test_a_text_stands_where_texts_stand_and_nowhere_else(finished: dict[str, Finished]) -> None:
    """In no attribute, formula, link target, defined name, field instruction or property."""
    places = set()
    for place, path in products(finished[MARK], ".xlsx", ".docx").items():
        for part, root in parts(path):
            for element in root.iter(etree.Element):
                local = etree.QName(element).localname
                for name, value in element.attrib.items():
                    assert MARK not in value and "evil" not in value, (place, part, local, name)
                if MARK in (element.text or ""):
                    assert local in TEXT_ELEMENTS, (place, part, local, element.text)
                    places.add(place.split("/")[0])
                assert "evil" not in (element.text or "") or local in TEXT_ELEMENTS
                assert MARK not in (element.tail or "")
    # And it is there: nothing was dropped to be safe.
    assert places == {SENT_BACK, REVIEWS, PRODUCTS, FEEDBACK}


def test_documents_hold_no_fields_or_links_of_a_return(finished: dict[str, Finished]) -> None:
    def kinds(one: Finished) -> dict[str, list[str]]:
        return {
            place: sorted(
                f"{part} {etree.QName(element).localname} {element.text or ''}"
                for part, root in parts(path)
                for element in root.iter(etree.Element)
                if etree.QName(element).localname
                in ("instrText", "fldSimple", "hyperlink", "Relationship", "object", "altChunk")
            )
            for place, path in products(one, ".docx").items()
        }

    assert kinds(finished[MARK]) == kinds(finished[INNOCENT])


def test_hyperlinks_are_those_of_an_innocent_return(finished: dict[str, Finished]) -> None:
    def links(path: Path) -> set[tuple[str, str, str, str]]:
        book = openpyxl.load_workbook(path)
        return {
            (sheet.title, link.ref, str(link.target), str(link.location))
            for sheet in book.worksheets
            for row in sheet.iter_rows()
            for cell in row
            if (link := cell.hyperlink) is not None
        }

    for place, path in products(finished[MARK], ".xlsx").items():
        found = links(path)
        assert all(MARK not in text and "evil" not in text for link in found for text in link)
        assert {link[:2] for link in found} == {
            link[:2] for link in links(products(finished[INNOCENT], ".xlsx")[place])
        }, place


def test_a_terminal_is_not_steered(finished: dict[str, Finished]) -> None:
    printed = finished[MARK].printed
    for command, text in printed.items():
        steering = {
            character
            for character in text
            if unicodedata.category(character) in ("Cc", "Cf") and character != "\n"
        }
        assert not steering, (command, steering)
    everything = "".join(printed.values())
    for literal in ("[bold red]攻[/bold red]", "[31m攻", "=HYPERLINK(", "+cmd|' /C calc'!A0 攻",
                    "[link=http://evil.example]攻", "@SUM(1+1)*攻", "%n{攻}{0}%s"):  # fmt: skip
        assert literal in everything, literal
    assert sum(MARK in text for text in printed.values()) >= 10
