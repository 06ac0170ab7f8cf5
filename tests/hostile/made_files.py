"""Hostile and odd files of our own making, each with the verdicts that it may get."""

from __future__ import annotations

import io
import random
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cached_property

import olefile

from perfxl.ledger import Verdict

VALID, DAMAGED, TOO_LARGE = Verdict.VALID, Verdict.DAMAGED, Verdict.TOO_LARGE
ENCRYPTED, NO_BOOK, UNREADABLE = Verdict.ENCRYPTED, Verdict.NOT_A_WORKBOOK, Verdict.UNREADABLE
OPENED, ATTACHMENT = Verdict.OPENED, Verdict.ATTACHMENT
REFUSED = (DAMAGED, TOO_LARGE, UNREADABLE, NO_BOOK)

SHEET = "xl/worksheets/sheet3.xml"
REGISTER = "xl/worksheets/sheet4.xml"
BOOK, RELATIONS = "xl/workbook.xml", "xl/_rels/workbook.xml.rels"
STRINGS, TYPES = "xl/sharedStrings.xml", "[Content_Types].xml"

Change = bytes | Callable[[bytes], bytes]
Making = Callable[[], bytes]


@dataclass(frozen=True)
class Made:
    """One file, made when it is wanted: some take long.

    ``reads_as`` names the good return whose cells it must give, if any; ``remark`` is part of what
    must be remarked on it.
    """

    name: str
    making: bytes | Making
    verdicts: tuple[Verdict, ...]
    reads_as: str = ""
    remark: str = ""
    suffix: str = ".xlsx"

    @cached_property
    def data(self) -> bytes:
        """The bytes of the file."""
        return self.making if isinstance(self.making, bytes) else self.making()


def parts_of(data: bytes) -> dict[str, bytes]:
    """The members of a zip by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method, compresslevel=6) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return packed.getvalue()


def changed(data: bytes) -> Callable[[Mapping[str, Change | None]], Making]:
    """A function that packs the workbook again with some parts changed; None takes one away."""
    parts = parts_of(data)

    def pack(changes: Mapping[str, Change | None]) -> Making:
        def make() -> bytes:
            new = dict(parts)
            for name, change in changes.items():
                if change is None:
                    del new[name]
                elif isinstance(change, bytes):
                    new[name] = change
                else:
                    new[name] = change(parts[name])
                    assert new[name] != parts[name], f"nothing changed in {name}"
            return zipped(new)

        return make

    return pack


def sub(pattern: bytes, replacement: bytes, count: int = 1) -> Callable[[bytes], bytes]:
    """A change by regular expression."""
    return lambda part: re.sub(pattern, replacement, part, count=count)


def _before_data_ends(extra: bytes) -> Callable[[bytes], bytes]:
    return lambda part: part.replace(b"</sheetData>", extra + b"</sheetData>")


def _prefixed(part: bytes) -> bytes:
    part = re.sub(rb"<(/?)([a-zA-Z]\w*)(?=[\s/>])", rb"<\1x:\2", part)
    return part.replace(b"xmlns=", b"xmlns:x=", 1)


def _reversed_rows(part: bytes) -> bytes:
    start, end = part.index(b"<sheetData>") + 11, part.index(b"</sheetData>")
    rows = re.findall(rb"<row .*?</row>|<row [^>]*/>", part[start:end], re.DOTALL)
    return part[:start] + b"".join(reversed(rows)) + part[end:]


def made_files(plain: bytes, office: bytes, xls: bytes) -> Iterator[Made]:
    """The whole corpus: from a return saved by openpyxl and two saved by LibreOffice."""
    yield from _bombs(plain)
    yield from _declarations(plain, office)
    yield from _encodings(plain)
    yield from _structures(plain)
    yield from _places(plain)
    yield from _strings(office)
    yield from _relations(plain, office)
    yield from _containers(plain)
    yield from _other_formats(plain)
    yield from _old_workbooks(xls)
    yield from _active_content(plain)
    yield from _odd_but_right(plain, office)
    yield from _open_documents()
    yield from _envelopes(plain)


def _bombs(plain: bytes) -> Iterator[Made]:
    pack = changed(plain)
    yield Made("bomb-in-sheet", pack({SHEET: lambda p: p + b" " * (70 << 20)}), (TOO_LARGE,))
    yield Made(
        "bomb-of-nothing", pack({"xl/theme/theme1.xml": lambda p: bytes(300 << 20)}), (TOO_LARGE,)
    )
    yield Made(
        "bomb-in-theme", pack({"xl/theme/theme1.xml": lambda p: b" " * (66 << 20)}), (TOO_LARGE,)
    )
    yield Made("many-members", pack({f"xl/media/{n}.png": b"x" for n in range(3000)}), (TOO_LARGE,))
    rows = b"".join(b'<row r="%d"/>' % n for n in range(100, 600_000))
    yield Made("half-a-million-rows", pack({SHEET: _before_data_ends(rows)}), (VALID, *REFUSED))
    many = b"".join(b'<c r="%s5"/>' % _letters(n).encode() for n in range(20, 16_000))
    yield Made(
        "sixteen-thousand-columns",
        pack({SHEET: sub(rb'(<row r="5".*?)</row>', rb"\1" + many + b"</row>")}),
        (VALID, *REFUSED),
    )
    lying = bytearray(pack({SHEET: lambda p: p + b" " * (3 << 20)})())
    at = lying.rfind(SHEET.encode()) - 46
    struct.pack_into("<L", lying, at + 24, 50_000)
    yield Made("size-in-directory-lies", bytes(lying), (DAMAGED,))
    deep = b"<a>" * 200_000 + b"</a>" * 200_000
    yield Made("deep-nesting-in-cell", pack({SHEET: _before_data_ends(deep)}), (VALID, *REFUSED))
    yield Made(
        "deep-nesting-in-workbook", pack({BOOK: sub(rb"<sheets>", deep + b"<sheets>")}), REFUSED
    )
    long = b'<x y="' + b"a" * (20 << 20) + b'"/>'
    yield Made("twenty-megabyte-attribute", pack({SHEET: _before_data_ends(long)}), REFUSED)
    attributes = b"<x " + b" ".join(b'a%d="1"' % n for n in range(100_000)) + b"/>"
    yield Made(
        "hundred-thousand-attributes",
        pack({SHEET: _before_data_ends(attributes)}),
        (VALID, *REFUSED),
    )
    merges = b"".join(b'<mergeCell ref="A%d:B%d"/>' % (n, n) for n in range(100, 100_000))
    yield Made(
        "hundred-thousand-merges",
        pack({SHEET: sub(rb"</mergeCells>|</sheetData>", rb"\g<0>" + merges)}),
        (VALID, *REFUSED),
    )
    styles = sub(rb"<cellXfs[^>]*>", rb"\g<0>" + b'<xf numFmtId="0"/>' * 300_000)
    yield Made("three-hundred-thousand-styles", pack({"xl/styles.xml": styles}), (VALID, *REFUSED))
    sheets = b"".join(
        b'<sheet name="s%d" sheetId="%d" r:id="rId1"/>' % (n, n) for n in range(9, 9000)
    )
    yield Made(
        "nine-thousand-sheets", pack({BOOK: sub(rb"</sheets>", sheets + b"</sheets>")}), REFUSED
    )


def _letters(number: int) -> str:
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


_LAUGHS = (
    b'<!DOCTYPE x [<!ENTITY a "ha">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(12))
    + b"]>"
)
_OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
_PARAMETER = b'<!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:9/a.dtd"> %a;]>'
_QUADRATIC = b'<!DOCTYPE x [<!ENTITY a "' + b"h" * 100_000 + b'">]>'


def _declarations(plain: bytes, office: bytes) -> Iterator[Made]:
    pack, pack_office = changed(plain), changed(office)

    def declared(declaration: bytes, use: bytes = b"") -> Callable[[bytes], bytes]:
        def change(part: bytes) -> bytes:
            part = part if part.startswith(b"<?xml") else b"<?xml version='1.0'?>" + part
            part = part.replace(b"?>", b"?>" + declaration, 1)
            return part.replace(b"<t>", b"<t>" + use, 1) if use else part

        return change

    yield Made("laughs-in-sheet", pack({SHEET: declared(_LAUGHS, b"&m;")}), (DAMAGED,))
    yield Made("laughs-in-workbook", pack({BOOK: declared(_LAUGHS)}), (DAMAGED,))
    yield Made("laughs-in-relations", pack({RELATIONS: declared(_LAUGHS)}), (DAMAGED,))
    yield Made("laughs-in-properties", pack({"docProps/core.xml": declared(_LAUGHS)}), (DAMAGED,))
    yield Made("laughs-in-strings", pack_office({STRINGS: declared(_LAUGHS)}), (DAMAGED,))
    yield Made("outside-entity", pack({SHEET: declared(_OUTSIDE, b"&a;")}), (DAMAGED,))
    yield Made("parameter-entity", pack({SHEET: declared(_PARAMETER)}), (DAMAGED,))
    yield Made("quadratic-entity", pack({SHEET: declared(_QUADRATIC, b"&a;" * 5000)}), (DAMAGED,))
    yield Made("empty-doctype", pack({SHEET: declared(b"<!DOCTYPE x>")}), (DAMAGED,))
    yield Made(
        "doctype-after-comment", pack({SHEET: declared(b"<!-- <x> -->" + _OUTSIDE)}), (DAMAGED,)
    )
    hidden = declared(_OUTSIDE, b"&a;")
    yield Made(
        "doctype-in-utf-16",
        pack({SHEET: lambda p: hidden(p).decode().encode("utf-16")}),
        (DAMAGED,),
    )
    yield Made("undeclared-entity", pack({SHEET: sub(b"<t>", b"<t>&nosuch;")}), (DAMAGED,))


def _encodings(plain: bytes) -> Iterator[Made]:
    pack = changed(plain)

    def said(name: bytes) -> Callable[[bytes], bytes]:
        return lambda part: b'<?xml version="1.0" encoding="' + name + b'"?>' + part

    yield Made("sheet-in-utf-16", pack({SHEET: lambda p: p.decode().encode("utf-16")}), (DAMAGED,))
    yield Made(
        "sheet-in-utf-16-be", pack({SHEET: lambda p: p.decode().encode("utf-16-be")}), (DAMAGED,)
    )
    yield Made("sheet-in-utf-32", pack({SHEET: lambda p: p.decode().encode("utf-32")}), (DAMAGED,))
    yield Made(
        "workbook-in-utf-16", pack({BOOK: lambda p: p.decode().encode("utf-16")}), (DAMAGED,)
    )
    yield Made("sheet-said-to-be-gbk", pack({SHEET: said(b"gb2312")}), (DAMAGED,))
    yield Made("sheet-said-to-be-utf-7", pack({SHEET: said(b"utf-7")}), (DAMAGED,))
    yield Made("sheet-in-unknown-code", pack({SHEET: said(b"x-nobody")}), (DAMAGED,))
    bad = sub(b"<t>", b"<t>\xff\xfe\xb0\xa1")
    yield Made("bytes-that-are-no-utf-8", pack({SHEET: bad}), (VALID, DAMAGED))
    yield Made("control-character", pack({SHEET: sub(b"<t>", b"<t>\x01")}), (VALID, DAMAGED))
    yield Made("reference-to-nul", pack({SHEET: sub(b"<t>", b"<t>&#0;")}), (VALID, DAMAGED))
    yield Made(
        "reference-to-surrogate", pack({SHEET: sub(b"<t>", b"<t>&#xD800;")}), (VALID, DAMAGED)
    )
    yield Made("utf-8-said-in-lower-case", pack({SHEET: said(b"utf-8")}), (VALID,), "plain")
    yield Made("byte-order-mark", pack({SHEET: lambda p: b"\xef\xbb\xbf" + p}), (VALID,), "plain")


def _structures(plain: bytes) -> Iterator[Made]:
    pack = changed(plain)
    yield Made("sheet-cut-short", pack({SHEET: lambda p: p[: len(p) // 2]}), (DAMAGED,))
    yield Made("sheet-is-empty", pack({SHEET: b""}), REFUSED)
    yield Made("sheet-is-text", pack({SHEET: b"nothing of the kind"}), REFUSED)
    yield Made("sheet-is-another-root", pack({SHEET: b"<other/>"}), (VALID, *REFUSED))
    yield Made("tags-crossed", pack({SHEET: sub(b"</is></c>", b"</c></is>")}), (DAMAGED,))
    yield Made(
        "cell-in-cell", pack({SHEET: sub(b"<is>", b'<c r="Z9"><v>1</v></c><is>')}), (VALID, DAMAGED)
    )
    yield Made(
        "row-in-row", pack({SHEET: sub(rb"</row>", b'<row r="900"></row></row>')}), (VALID, DAMAGED)
    )
    decoy = b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
    yield Made(
        "two-sheet-datas",
        pack({SHEET: sub(b"<sheetData>", decoy + b"<sheetData>")}),
        (VALID, DAMAGED),
    )
    yield Made(
        "decoy-in-comment",
        pack({SHEET: sub(b"<sheetData>", b"<!--" + decoy + b"--><sheetData>")}),
        (VALID, DAMAGED),
    )
    yield Made(
        "workbook-without-sheets",
        pack({BOOK: sub(rb"<sheets>.*</sheets>", b"")}),
        (VALID, *REFUSED, Verdict.NOT_OURS),
    )
    yield Made(
        "unknown-cell-type", pack({SHEET: sub(b't="inlineStr"', b't="inlineSty"')}), (DAMAGED,)
    )
    yield Made(
        "number-that-is-none", pack({SHEET: sub(rb"<v>\d+</v>", b"<v>five</v>")}), (VALID, DAMAGED)
    )
    yield Made(
        "number-beyond-all", pack({SHEET: sub(rb"<v>\d+</v>", b"<v>1e999</v>")}), (VALID, DAMAGED)
    )
    digits = sub(rb"<v>\d+</v>", b"<v>" + b"9" * 100_000 + b"</v>")
    yield Made("number-of-hundred-thousand-digits", pack({SHEET: digits}), (VALID, DAMAGED))
    yield Made(
        "date-beyond-calendar",
        pack({"xl/worksheets/sheet4.xml": sub(rb"<v>\d+(\.\d+)?</v>", b"<v>99999999</v>", 0)}),
        (VALID, DAMAGED),
    )
    yield Made(
        "style-out-of-range", pack({SHEET: sub(rb' s="\d+"', b' s="99999"')}), (VALID, DAMAGED)
    )


def _places(plain: bytes) -> Iterator[Made]:
    pack = changed(plain)

    def cell(place: bytes, row: bytes) -> Callable[[bytes], bytes]:
        return _before_data_ends(b'<row r="%s"><c r="%s"><v>1</v></c></row>' % (row, place))

    yield Made(
        "last-cell-of-the-grid", pack({SHEET: cell(b"XFD1048576", b"1048576")}), (TOO_LARGE,)
    )
    yield Made(
        "last-row-first-column", pack({SHEET: cell(b"A1048576", b"1048576")}), (VALID, TOO_LARGE)
    )
    yield Made("row-beyond-the-grid", pack({SHEET: cell(b"A1048577", b"1048577")}), (DAMAGED,))
    yield Made("row-beyond-32-bits", pack({SHEET: cell(b"A4294967297", b"4294967297")}), (DAMAGED,))
    yield Made("column-beyond-the-grid", pack({SHEET: cell(b"XFE900", b"900")}), (DAMAGED,))
    yield Made("column-beyond-32-bits", pack({SHEET: cell(b"ZZZZZZZZ900", b"900")}), (DAMAGED,))
    yield Made("row-nought", pack({SHEET: cell(b"A0", b"0")}), (DAMAGED,))
    yield Made("place-that-is-none", pack({SHEET: cell(b"??", b"900")}), (DAMAGED,))
    yield Made("row-that-is-no-number", pack({SHEET: cell(b"A900", b"nine")}), (DAMAGED,))
    yield Made(
        "cell-twice",
        pack({SHEET: sub(rb'<c r="C5"', b'<c r="C5"><v>1</v></c><c r="C5"')}),
        (DAMAGED,),
    )
    yield Made("cell-with-two-values", pack({SHEET: sub(b"</v>", b"</v><v>9</v>")}), (DAMAGED,))
    yield Made(
        "cell-with-value-and-text",
        pack({SHEET: sub(b"</v>", b"</v><is><t>9</t></is>")}),
        (DAMAGED,),
    )
    yield Made(
        "cell-that-lost-its-text",
        pack(
            {
                SHEET: lambda part: (
                    b"<?xml version='1.0'?>" + sub(rb"<is><t>[^<]*</t></is>", b"")(part)
                )
            },
        ),
        (VALID,),
        remark="被清空",
    )
    yield Made(
        "value-without-its-element",
        pack({SHEET: sub(rb"<v>(\d+)</v>", rb"\1")}),
        (VALID,),
        remark="不认识",
    )
    yield Made(
        "cell-in-unknown-element",
        pack({SHEET: sub(rb"(<c .*?</c>)", rb"<other>\1</other>")}),
        (VALID,),
        "plain",
        "不认识",
    )
    yield Made("cell-twice-apart", pack({SHEET: cell(b"F5", b"900")}), (DAMAGED,))
    yield Made("cell-in-another-row", pack({SHEET: cell(b"Z77", b"900")}), (VALID, DAMAGED))
    yield Made("lower-case-place", pack({SHEET: sub(rb'r="C5"', b'r="c5"')}), (VALID, DAMAGED))
    yield Made("rows-backwards", pack({SHEET: _reversed_rows}), (VALID,), "plain", "次序颠倒")
    yield Made(
        "stated-range-too-small",
        pack({SHEET: sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"')}),
        (VALID,),
        "plain",
    )
    yield Made(
        "stated-range-everything",
        pack({SHEET: sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"')}),
        (VALID,),
        "plain",
    )
    yield Made(
        "stated-range-backwards",
        pack({SHEET: sub(rb'<dimension ref="[^"]*"', b'<dimension ref="Z99:A1"')}),
        (VALID,),
        "plain",
    )
    yield Made(
        "stated-range-nonsense",
        pack({SHEET: sub(rb'<dimension ref="[^"]*"', b'<dimension ref="everything"')}),
        (VALID, DAMAGED),
        "plain",
    )
    yield Made(
        "no-stated-range", pack({SHEET: sub(rb"<dimension [^>]*/>", b"")}), (VALID,), "plain"
    )
    yield Made(
        "spans-that-lie",
        pack({SHEET: sub(rb'<row r="', b'<row spans="900:1" r="', 0)}),
        (VALID,),
        "plain",
    )


def _strings(office: bytes) -> Iterator[Made]:
    pack = changed(office)

    def stated(count: bytes) -> Callable[[bytes], bytes]:
        return sub(rb'uniqueCount="\d+"', b'uniqueCount="' + count + b'"')

    yield Made(
        "strings-count-four-thousand-million", pack({STRINGS: stated(b"4294967295")}), (DAMAGED,)
    )
    yield Made("strings-count-hundred-million", pack({STRINGS: stated(b"100000000")}), (DAMAGED,))
    yield Made("strings-count-negative", pack({STRINGS: stated(b"-1")}), (VALID, DAMAGED))
    yield Made("strings-count-nought", pack({STRINGS: stated(b"0")}), (VALID,), "office")
    yield Made(
        "string-minus-one", pack({SHEET: sub(rb't="s"><v>\d+<', b't="s"><v>-1<')}), (DAMAGED,)
    )
    yield Made(
        "string-out-of-range", pack({SHEET: sub(rb't="s"><v>\d+<', b't="s"><v>99999<')}), (DAMAGED,)
    )
    yield Made(
        "string-huge-index",
        pack({SHEET: sub(rb't="s"><v>\d+<', b't="s"><v>99999999999999999999<')}),
        (DAMAGED,),
    )
    yield Made(
        "string-by-name", pack({SHEET: sub(rb't="s"><v>\d+<', b't="s"><v>one<')}), (DAMAGED,)
    )
    yield Made(
        "string-with-two-texts", pack({STRINGS: sub(rb"(<t .*?</t>)", rb"\1\1")}), (DAMAGED,)
    )
    yield Made("strings-missing", pack({STRINGS: None}), (DAMAGED,))
    yield Made("strings-cut-short", pack({STRINGS: lambda p: p[: len(p) // 2]}), (DAMAGED,))
    yield Made(
        "two-strings-run-together", pack({STRINGS: sub(rb"</t></si><si><t[^>]*>", b"")}), (DAMAGED,)
    )
    million = sub(b"</sst>", b"<si><t>x</t></si>" * 1_000_000 + b"</sst>")
    yield Made("a-million-strings", pack({STRINGS: million}), (VALID, *REFUSED))


def _relations(plain: bytes, office: bytes) -> Iterator[Made]:
    pack = changed(plain)

    def target(new: bytes, extra: bytes = b"") -> Callable[[bytes], bytes]:
        return sub(rb'Target="[^"]*sheet3\.xml"', b'Target="' + new + b'"' + extra)

    yield Made("sheet-is-the-workbook", pack({RELATIONS: target(b"workbook.xml")}), REFUSED)
    yield Made(
        "sheet-is-its-own-relations", pack({RELATIONS: target(b"_rels/workbook.xml.rels")}), REFUSED
    )
    yield Made(
        "two-sheets-in-one-part",
        pack({RELATIONS: target(b"/xl/worksheets/sheet4.xml")}),
        (DAMAGED,),
    )
    yield Made("sheet-part-missing", pack({SHEET: None}), (DAMAGED,))
    yield Made(
        "sheet-climbs-out", pack({RELATIONS: target(b"../../../../../etc/passwd")}), (DAMAGED,)
    )
    yield Made(
        "sheet-on-this-machine",
        pack({RELATIONS: target(b"file:///etc/passwd", b' TargetMode="External"')}),
        (DAMAGED,),
    )
    yield Made(
        "sheet-on-the-net",
        pack({RELATIONS: target(b"http://127.0.0.1:9/s.xml", b' TargetMode="External"')}),
        (DAMAGED,),
    )
    yield Made("relations-missing", pack({RELATIONS: None}), (DAMAGED,))
    yield Made("relations-empty", pack({RELATIONS: b""}), (DAMAGED,))
    yield Made("workbook-missing", pack({BOOK: None}), REFUSED)
    yield Made("root-relations-missing", pack({"_rels/.rels": None}), (VALID, DAMAGED))
    yield Made(
        "root-relations-loop",
        pack({"_rels/.rels": sub(rb'Target="/?xl/workbook\.xml"', b'Target="_rels/.rels"')}),
        (VALID, *REFUSED),
    )
    yield Made("sheet-without-identifier", pack({BOOK: sub(rb' r:id="rId3"', b"")}), (DAMAGED,))
    yield Made(
        "sheet-identifier-unknown", pack({BOOK: sub(rb'r:id="rId3"', b'r:id="rId99"')}), (DAMAGED,)
    )
    yield Made(
        "two-sheets-of-one-name",
        pack({BOOK: sub('name="佐证材料"'.encode(), 'name="自评表"'.encode())}),
        (DAMAGED,),
    )
    yield Made(
        "sheet-left-out",
        pack({BOOK: sub('<sheet [^>]*name="项目清单"[^>]*/>'.encode(), b"")}),
        (VALID,),
        remark="没有列入目录",
    )
    yield Made(
        "targets-from-the-root",
        changed(office)({RELATIONS: sub(rb'Target="(\w)', rb'Target="/xl/\1', 0)}),
        (VALID,),
        "office",
    )


def _appended(data: bytes, *members: tuple[str, bytes], mode: int = 0) -> bytes:
    stream = io.BytesIO(data)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, content)
    return stream.getvalue()


def _containers(plain: bytes) -> Iterator[Made]:
    evil = b"<evil/>"
    sheet = parts_of(plain)[SHEET]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Made("member-twice", _appended(plain, (SHEET, sheet)), (DAMAGED,))
    yield Made("member-twice-but-for-case", _appended(plain, (SHEET.upper(), sheet)), (DAMAGED,))
    backslashes = SHEET.replace("/", "\\")
    yield Made("member-twice-but-for-slashes", _appended(plain, (backslashes, sheet)), (DAMAGED,))
    renamed = {name.replace("/", "\\"): part for name, part in parts_of(plain).items()}
    yield Made("names-with-backslashes", zipped(renamed), (VALID,), "plain")
    yield Made(
        "member-climbs-out", _appended(plain, ("../../../evil.xml", evil)), (VALID,), "plain"
    )
    yield Made(
        "member-from-the-root", _appended(plain, ("/etc/cron.d/evil", evil)), (VALID,), "plain"
    )
    yield Made("member-on-a-drive", _appended(plain, ("C:\\evil.xml", evil)), (VALID,), "plain")
    yield Made(
        "member-with-long-name", _appended(plain, ("a/" * 5000 + "x.xml", evil)), (VALID,), "plain"
    )
    yield Made(
        "member-with-control-characters",
        _appended(plain, ("a\r\n\x1b[2J.xml", evil)),
        (VALID,),
        "plain",
    )
    yield Made(
        "member-is-a-link",
        _appended(plain, ("link.xml", b"/etc/passwd"), mode=0o120777),
        (VALID,),
        "plain",
    )
    flagged = bytearray(plain)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(mark), plain):
            flagged[match.start() + offset] |= 1
    yield Made("members-said-to-be-encrypted", bytes(flagged), (ENCRYPTED,))
    odd = bytearray(plain)
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        for match in re.finditer(re.escape(mark), plain):
            struct.pack_into("<H", odd, match.start() + offset, 99)
    yield Made("packed-by-unknown-method", bytes(odd), (DAMAGED,))
    yield Made("packed-by-lzma", zipped(parts_of(plain), zipfile.ZIP_LZMA), (DAMAGED,))
    yield Made("stored", zipped(parts_of(plain), zipfile.ZIP_STORED), (VALID,), "plain")
    yield Made("junk-after", plain + b"junk" * 50, (VALID, DAMAGED), "plain")
    yield Made("junk-before", b"junk" * 50 + plain, (NO_BOOK, DAMAGED))
    yield Made("cut-in-half", plain[: len(plain) // 2], (DAMAGED,))
    yield Made("directory-missing", plain[: plain.find(b"PK\x01\x02")], (DAMAGED,))
    yield Made("first-bytes-only", plain[:4], (DAMAGED,))
    wrong = bytearray(plain)
    struct.pack_into("<L", wrong, plain.rfind(SHEET.encode()) - 46 + 16, 0xDEADBEEF)
    yield Made("checksum-wrong", bytes(wrong), (DAMAGED,))
    moved = bytearray(plain)
    struct.pack_into("<L", moved, plain.rfind(SHEET.encode()) - 4, 0)
    yield Made("member-points-at-another", bytes(moved), (DAMAGED,))
    renamed = bytearray(plain)
    at = plain.rfind(SHEET.encode())
    renamed[at : at + len(SHEET)] = b"xl/worksheets/sheet9.xml"
    yield Made("two-names-for-one-member", bytes(renamed), (DAMAGED,))
    end = bytearray(plain)
    struct.pack_into("<HH", end, plain.rfind(b"PK\x05\x06") + 8, 65535, 65535)
    yield Made("count-of-members-lies", bytes(end), (VALID, DAMAGED))
    offset = bytearray(plain)
    struct.pack_into("<L", offset, plain.rfind(b"PK\x05\x06") + 16, 0xFFFFFFF0)
    yield Made("directory-elsewhere", bytes(offset), (VALID, DAMAGED))
    second = changed(plain)({SHEET: sub(b"<v>5</v>", b"<v>1</v>", 0)})()
    yield Made("two-archives-in-one", plain + second, (VALID, DAMAGED))


def _other_formats(plain: bytes) -> Iterator[Made]:
    yield Made("no-bytes", b"", (DAMAGED,))
    yield Made("csv", "编码,指标\n1,基础工作\n".encode("gbk"), (NO_BOOK,))
    yield Made(
        "web-page", b"<html><table><tr><td>1</td></tr></table></html>", (NO_BOOK,), suffix=".xls"
    )
    yield Made(
        "spreadsheet-xml",
        b'<?xml version="1.0"?><Workbook xmlns="urn:x"/>',
        (NO_BOOK,),
        suffix=".xls",
    )
    yield Made("pdf", b"%PDF-1.7\n" + bytes(500), (NO_BOOK,))
    yield Made("word-document", zipped({TYPES: b"<x/>", "word/document.xml": b"<x/>"}), (NO_BOOK,))
    yield Made("noise", random.Random(1).randbytes(20_000), (NO_BOOK,))
    yield Made("zeros", bytes(20_000), (NO_BOOK,))
    yield Made("picture", b"\x89PNG\r\n\x1a\n" + bytes(300), (NO_BOOK,))
    yield Made("gzip", b"\x1f\x8b\x08" + zlib.compress(plain), (NO_BOOK,))


def _old_workbooks(xls: bytes) -> Iterator[Made]:
    with olefile.OleFileIO(io.BytesIO(xls)) as ole:
        stream = bytes(ole.openstream("Workbook").read())

    def restreamed(change: Callable[[bytearray], None]) -> bytes:
        new, kept = bytearray(stream), io.BytesIO(xls)
        change(new)
        assert len(new) == len(stream) and new != stream
        with olefile.OleFileIO(kept, write_mode=True) as ole:
            ole.write_stream("Workbook", bytes(new))
            return kept.getvalue()

    def record(kind: int, start: int = 0) -> int:
        at = start
        while struct.unpack_from("<H", stream, at)[0] != kind:
            at += 4 + struct.unpack_from("<H", stream, at + 2)[0]
        return at

    def put(kind: int, offset: int, layout: str, *values: int) -> Callable[[bytearray], None]:
        return lambda new: struct.pack_into(layout, new, record(kind) + 4 + offset, *values)

    def header(offset: int, layout: str, value: int) -> bytes:
        spoilt = bytearray(xls)
        struct.pack_into(layout, spoilt, offset, value)
        return bytes(spoilt)

    made = {
        "xls-header-only": (xls[:8], REFUSED),
        "xls-cut-in-half": (xls[: len(xls) // 2], REFUSED),
        "xls-cut-by-one-sector": (xls[:-512], (VALID, *REFUSED)),
        "xls-allocation-table-loops": (_looped(xls), REFUSED),
        "xls-sector-size-lies": (header(30, "<H", 31), REFUSED),
        "xls-directory-elsewhere": (header(48, "<L", 0x7FFFFFFF), REFUSED),
        "xls-count-of-tables-lies": (header(44, "<L", 0x7FFFFFFF), (VALID, *REFUSED)),
        "xls-said-to-be-encrypted": (
            restreamed(lambda new: struct.pack_into("<H", new, record(0x0042), 0x002F)),
            (ENCRYPTED,),
        ),
        "xls-strings-count-lies": (restreamed(put(0x00FC, 4, "<L", 0x7FFFFFFF)), (DAMAGED,)),
        "xls-string-longer-than-all": (restreamed(put(0x00FC, 8, "<H", 0xFFFF)), (DAMAGED,)),
        "xls-two-sheets-in-one-place": (
            restreamed(
                lambda new: new.__setitem__(
                    slice(record(0x0085) + 4, record(0x0085) + 8),
                    stream[
                        (
                            n := record(
                                0x0085,
                                record(0x0085)
                                + 4
                                + struct.unpack_from("<H", stream, record(0x0085) + 2)[0],
                            )
                        )
                        + 4 : n + 8
                    ],
                )
            ),
            (DAMAGED,),
        ),
        "xls-sheet-at-the-beginning": (restreamed(put(0x0085, 0, "<L", 0)), (DAMAGED,)),
        "xls-sheet-beyond-the-end": (restreamed(put(0x0085, 0, "<L", 0x7FFFFFF0)), (DAMAGED,)),
        "xls-sheet-said-to-be-a-chart": (restreamed(put(0x0085, 5, "<B", 2)), (DAMAGED,)),
        "xls-record-longer-than-all": (
            restreamed(lambda new: struct.pack_into("<H", new, record(0x0042) + 2, 0xFFFF)),
            REFUSED,
        ),
    }
    for name, (data, verdicts) in made.items():
        yield Made(name, data, verdicts, suffix=".xls")
    yield Made("xls-as-it-is", xls, (VALID,), "xls", suffix=".xls")
    yield Made("xls-called-xlsx", xls + bytes(512), (VALID,), "xls")


def _looped(xls: bytes) -> bytes:
    """The sector allocation table with its chains leading back to the first sector."""
    (first,) = struct.unpack_from("<L", xls, 76)
    spoilt = bytearray(xls)
    start = (first + 1) * 512
    for at in range(start, start + 512, 4):
        struct.pack_into("<L", spoilt, at, 0)
    return bytes(spoilt)


def _active_content(plain: bytes) -> Iterator[Made]:
    pack = changed(plain)
    yield Made(
        "macros",
        pack({"xl/vbaProject.bin": b"\xd0\xcf" + bytes(3000)}),
        (VALID,),
        "plain",
        "宏",
        ".xlsm",
    )
    link = b'<externalLink xmlns="x"><externalBook/></externalLink>'
    yield Made(
        "links-to-other-files",
        pack({"xl/externalLinks/externalLink1.xml": link}),
        (VALID,),
        "plain",
        "链接",
    )
    yield Made(
        "embedded-program",
        pack({"xl/embeddings/oleObject1.bin": b"MZ" + bytes(3000)}),
        (VALID,),
        "plain",
        "嵌入",
    )
    yield Made("controls", pack({"xl/activeX/activeX1.bin": bytes(300)}), (VALID,), "plain", "控件")
    dde = _before_data_ends(b'<row r="900"><c r="A900"><f>cmd|\'/c calc\'!A0</f><v>1</v></c></row>')
    yield Made("formula-that-calls-a-program", pack({SHEET: dde}), (VALID,))
    web = _before_data_ends(
        b'<row r="900"><c r="A900"><f>WEBSERVICE("http://127.0.0.1:9")</f><v>1</v></c></row>'
    )
    yield Made("formula-that-calls-out", pack({SHEET: web}), (VALID,))
    yield Made("connections", pack({"xl/connections.xml": b"<connections/>"}), (VALID,), "plain")
    circle = _before_data_ends(b'<row r="900"><c r="A900"><f>A900+1</f><v>0</v></c></row>')
    yield Made("formula-that-needs-itself", pack({SHEET: circle}), (VALID,))
    yield Made(
        "other-programs-data-in-utf-16",
        pack(
            {"customXml/item1.xml": "<?xml version='1.0' encoding='utf-16'?><a/>".encode("utf-16")}
        ),
        (VALID,),
        "plain",
    )


_TRANSITIONAL = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def _strict(part: bytes) -> bytes:
    part = part.replace(_MAIN, b"http://purl.oclc.org/ooxml/spreadsheetml/main")
    return part.replace(_TRANSITIONAL, b"http://purl.oclc.org/ooxml/officeDocument/relationships")


def _odd_but_right(plain: bytes, office: bytes) -> Iterator[Made]:
    pack, pack_office = changed(plain), changed(office)
    sheets = [f"xl/worksheets/sheet{n}.xml" for n in range(1, 8)]
    yield Made("prefixed-elements", pack({SHEET: _prefixed}), (VALID,), "plain")
    yield Made("prefixed-strings", pack_office({STRINGS: _prefixed}), (VALID,), "office")
    strict = dict.fromkeys([BOOK, RELATIONS, STRINGS, "_rels/.rels", *sheets], _strict)
    yield Made("strict-ooxml", pack_office(strict), (VALID, DAMAGED), "office")
    yield Made(
        "single-quotes",
        pack({SHEET: lambda p: re.sub(rb'="([^"\']*)"', rb"='\1'", p)}),
        (VALID,),
        "plain",
    )
    yield Made(
        "line-breaks-in-tags", pack({SHEET: sub(b"<c r=", b"<c\n  r=", 0)}), (VALID,), "plain"
    )
    yield Made(
        "comments-between-cells",
        pack({SHEET: sub(b"</c><c ", b"</c><!-- x --><c ", 0)}),
        (VALID,),
        "plain",
    )
    yield Made(
        "attributes-in-other-order",
        pack({SHEET: sub(rb'<c r="([A-Z]+\d+)" s="(\d+)"', rb'<c s="\2" r="\1"', 0)}),
        (VALID,),
        "plain",
    )
    yield Made(
        "indented",
        pack_office({"xl/worksheets/sheet7.xml": lambda p: p.replace(b"><", b">\n<")}),
        (VALID,),
        "office",
    )
    yield Made(
        "rows-without-numbers",
        pack_office({"xl/worksheets/sheet4.xml": lambda p: re.sub(rb'<row r="\d+"', b"<row", p)}),
        (VALID,),
        "office",
    )
    yield Made(
        "cells-without-places",
        pack_office({"xl/worksheets/sheet4.xml": lambda p: re.sub(rb'<c r="[A-Z]+\d+"', b"<c", p)}),
        (VALID,),
        "office",
    )
    phonetic = sub(
        rb"</si>", '<rPh sb="0" eb="1"><t>ピン</t></rPh><phoneticPr fontId="1"/></si>'.encode(), 0
    )
    yield Made("phonetic-runs", pack_office({STRINGS: phonetic}), (VALID,), "office")
    yield Made(
        "dates-from-1904",
        pack({BOOK: sub(b"<workbookPr/>", b'<workbookPr date1904="1"/>')}),
        (VALID,),
    )
    broken = sub(rb"(.*)</t></is></c>", rb"\1_x000D_</t></is></c>")
    yield Made("escaped-line-break", pack({REGISTER: broken}), (VALID,))
    errors = _before_data_ends(b'<row r="900"><c r="A900" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>')
    yield Made("cell-with-an-error", pack({SHEET: errors}), (VALID,))
    text = b"x" * 40_000
    long = _before_data_ends(
        b'<row r="900"><c r="A900" t="inlineStr"><is><t>%s</t></is></c></row>' % text
    )
    yield Made("forty-thousand-characters", pack({SHEET: long}), (VALID,))
    cdata = _before_data_ends(
        b'<row r="900"><c r="A900" t="inlineStr"><is><t><![CDATA[a<b]]></t></is></c></row>'
    )
    yield Made("character-data-section", pack({SHEET: cdata}), (VALID, DAMAGED))
    rich = _before_data_ends(
        b'<row r="900"><c r="A900" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c></row>'
    )
    yield Made("rich-inline-text", pack({SHEET: rich}), (VALID,))
    flag = _before_data_ends(
        b'<row r="900"><c r="A900" t="b"><v>1</v></c><c r="B900" t="d"><v>2024-01-02</v></c></row>'
    )
    yield Made("booleans-and-iso-dates", pack({SHEET: flag}), (VALID, DAMAGED))


_ODS = (
    b'<?xml version="1.0" encoding="UTF-8"?>%s<office:document-content'
    b' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    b' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    b' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body>'
    b'<office:spreadsheet><table:table table:name="a"><table:table-row %s><table:table-cell %s'
    b' office:value-type="string"><text:p>x</text:p></table:table-cell></table:table-row>'
    b"</table:table></office:spreadsheet></office:body></office:document-content>"
)


def _open_documents() -> Iterator[Made]:
    def ods(doctype: bytes = b"", rows: bytes = b"", columns: bytes = b"") -> bytes:
        kind = b"application/vnd.oasis.opendocument.spreadsheet"
        manifest = b'<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        return zipped(
            {
                "mimetype": kind,
                "content.xml": _ODS % (doctype, rows, columns),
                "META-INF/manifest.xml": manifest,
            },
            zipfile.ZIP_STORED,
        )

    most = b'table:number-rows-repeated="1048576"'
    wide = b'table:number-columns-repeated="16384"'
    strange = (Verdict.NOT_OURS, *REFUSED)
    yield Made("ods-of-somebody-else", ods(), strange, suffix=".ods")
    yield Made("ods-repeats-everything", ods(rows=most, columns=wide), (TOO_LARGE,), suffix=".ods")
    yield Made("ods-repeats-rows", ods(rows=most), strange, suffix=".ods")
    huge = b'table:number-rows-repeated="99999999999999"'
    yield Made("ods-repeats-beyond-numbers", ods(rows=huge), strange, suffix=".ods")
    yield Made(
        "ods-repeats-less-than-nothing",
        ods(rows=b'table:number-rows-repeated="-5"'),
        strange,
        suffix=".ods",
    )
    yield Made("ods-with-doctype", ods(doctype=_LAUGHS), (DAMAGED,), suffix=".ods")


def _envelopes(plain: bytes) -> Iterator[Made]:
    escaping = zipped(
        {
            "../../../../tmp/escaped.xlsx": plain,
            "/etc/escaped.xlsx": plain,
            "C:\\x\\escaped.xlsx": plain,
        }
    )
    yield Made("zip-with-escaping-names", escaping, (OPENED,), suffix=".zip")
    yield Made(
        "zip-with-a-bomb",
        lambda: zipped({"bomb.xlsx": bytes(70 << 20)}),
        (DAMAGED, TOO_LARGE),
        suffix=".zip",
    )
    nested = plain
    for level in range(12):
        nested = zipped({f"{level}.zip": nested})
    yield Made("zip-in-zip-in-zip", nested, (OPENED, TOO_LARGE), suffix=".zip")
    wide = zipped(
        {f"{n}.zip": zipped({f"{m}.txt": b"x%d-%d" % (n, m) for m in range(50)}) for n in range(20)}
    )
    yield Made("zip-of-many-zips", wide, (OPENED, TOO_LARGE), suffix=".zip")
    yield Made(
        "zip-of-three-thousand",
        zipped({f"{n}.txt": b"%d" % n for n in range(3000)}),
        (TOO_LARGE,),
        suffix=".zip",
    )
    yield Made(
        "zip-with-a-link",
        _appended(zipped({"a.txt": b"a"}), ("b.xlsx", b"/etc/passwd"), mode=0o120777),
        (DAMAGED,),
        suffix=".zip",
    )
    yield Made(
        "zip-that-is-empty",
        b"PK\x05\x06" + bytes(18),
        (Verdict.NO_ATTACHMENT, DAMAGED, NO_BOOK),
        suffix=".zip",
    )
    yield Made(
        "zip-without-content-types", changed(plain)({TYPES: None}), (OPENED, DAMAGED), suffix=".zip"
    )
    yield Made("rar-head-only", b"Rar!\x1a\x07\x01\x00", (DAMAGED, UNREADABLE), suffix=".rar")
    yield Made(
        "7z-head-only",
        b"7z\xbc\xaf\x27\x1c" + bytes(26),
        (DAMAGED, UNREADABLE, Verdict.NO_ATTACHMENT),
        suffix=".7z",
    )
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "x"
    mail.set_content("x")
    mail.add_attachment(
        b"junk", maintype="application", subtype="x", filename="../../../tmp/escaped.xlsx"
    )
    yield Made("mail-with-escaping-name", mail.as_bytes(), (OPENED,), suffix=".eml")
    head = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(3000)
    )
    yield Made(
        "mail-of-deep-parts", head + deep, (DAMAGED, OPENED, Verdict.NO_ATTACHMENT), suffix=".eml"
    )
    hostile = (
        b'From: =?utf-8?q?=00=0A?= <"<<>>@\r\n =?x?=\r\nTo: b\r\nSubject: =?gb2312?B?!!!!?=\r\n'
        b"Date: Tue, 99 Foo 99999 99:99:99 +9999\r\n\r\nx"
    )
    yield Made(
        "mail-with-hostile-headers",
        hostile,
        (OPENED, DAMAGED, Verdict.NO_ATTACHMENT),
        suffix=".eml",
    )
