"""Reads the cells of a workbook; runs in the worker, and nothing here is called elsewhere.

python-calamine reads; where it fails, or what it gives differs from the census, openpyxl (zipped
workbooks) or xlrd (.xls) reads the file a second time, and what the two agree on counts.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from html import unescape

import python_calamine as calamine

from perfxl.errors import Fault, Unreadable
from perfxl.excel.cells import Tally
from perfxl.excel.census import Census, census_of_package
from perfxl.excel.package import (
    OLE_HEAD,
    SAVE_AGAIN,
    SEND_AGAIN,
    Package,
    Shape,
    open_package,
    refuse_what_is_no_workbook,
    stored,
)
from perfxl.excel.stamp import SHEET as STAMP_SHEET
from perfxl.excel.stamp import stamps_in

Rows = Sequence[Sequence[object]]
Sheets = dict[str, Rows]
Plain = tuple[object, ...]

_MOST_DOUBTS = 4
# From here on blanks are not sent to the parent.
_MANY_CELLS = 200_000

# How the stream of an .xls begins; where it is found and its name is not, the directory is lost.
_BIFF8_HEAD = b"\x09\x08\x10\x00\x00\x06\x05\x00"

_BREAK = re.compile(rb"<text:(tab|line-break)(?:\s[^<>]*)?/>")

# Excel's own way of writing a character that XML does not take.
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def read_plain(data: bytes, *, first_reader: bool = True) -> Plain:
    """Shape, sheets, stamps by place, places of formulas, remarks, doubts: a workbook as plain data.

    Raises Unreadable.
    """
    refuse_what_is_no_workbook(data)
    if data.startswith(OLE_HEAD):
        return _read_xls(data, first_reader=first_reader)
    package = open_package(data)
    census = census_of_package(package)
    sheets = _agreed(
        census,
        (lambda: _with_calamine(_for_first_reader(package, census, data)))
        if first_reader
        else None,
        lambda: _with_openpyxl(data) if package.shape is Shape.XLSX else None,
    )
    stamps = _stamp_rows(sheets)
    if package.shape is Shape.XLSX:
        for place, name in (("name", r"xl/workbook\.xml"), ("property", r"docProps/custom\.xml")):
            stamps += [(place, s) for _, part in package.matching(name) for s in _stamps(part)]
    else:
        stamps += [("property", s) for s in _stamps(package.part("meta.xml"))]
    return _plain(package.shape, sheets, stamps, census, _remarks_on(package))


def read_lot(lot: Sequence[bytes]) -> list[tuple[object, ...]]:
    """``read_plain`` of several: ("value", what it gives) or ("unreadable", what, remedy, fault).

    Raises whatever else goes wrong with one of them.
    """
    outcomes: list[tuple[object, ...]] = []
    for data in lot:
        try:
            outcomes.append(("value", read_plain(data)))
        except Unreadable as error:
            outcomes.append(("unreadable", error.what, error.remedy, str(error.fault)))
    return outcomes


def read_sheets(data: bytes, like: str) -> Sheets:
    """Some sheets of a workbook alone, by a pattern of their names. Raises Unreadable."""
    sheets = _with_calamine(data, like)
    return {name: list(map(_trimmed, rows)) for name, rows in sheets.items()}


def _for_first_reader(package: Package, census: Census, data: bytes) -> bytes:
    """A workbook as python-calamine reads it best.

    Of an .xlsx the very parts that were counted, unpacked as they are already, without the rows in
    which no cell has a content and without the fonts of texts: LibreOffice writes hundreds of the
    former in every register, the latter for every change of script, and a reader takes most of its
    time over them.
    """
    if package.shape is Shape.ODS:
        return _with_breaks_as_characters(package, data)
    if package.shape is Shape.XLSB:
        return data
    shortened = census.shortened
    return stored({name: shortened.get(name.lower(), p) for name, p in package.parts.items()})


def _with_breaks_as_characters(package: Package, data: bytes) -> bytes:
    """An .ods whose tabs and line breaks are characters: the reader leaves out the elements."""
    content = package.part("content.xml")
    if not _BREAK.search(content):
        return data
    spelled = _BREAK.sub(lambda found: b"\t" if found[1] == b"tab" else b"\n", content)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(data)) as old,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as new,
    ):
        for name in ("mimetype", "META-INF/manifest.xml"):
            if name in old.namelist():
                new.writestr(name, old.read(name))
        new.writestr("content.xml", spelled)
    return packed.getvalue()


def read_with_second_reader(data: bytes) -> Plain:
    """As ``read_plain``, without the reader that took the worker with it the time before."""
    return read_plain(data, first_reader=False)


def _plain(
    shape: Shape,
    sheets: Sheets,
    stamps: list[tuple[str, str]],
    census: Census,
    remarks: list[str],
) -> Plain:
    sheets.pop(STAMP_SHEET, None)
    if sum(len(row) for rows in sheets.values() for row in rows) > _MANY_CELLS:
        sheets = {name: list(map(_trimmed, rows)) for name, rows in sheets.items()}
    formulas = census.formulas
    return (
        str(shape),
        sheets,
        stamps,
        None if formulas is None else {name: list(found) for name, found in formulas.items()},
        remarks,
        list(census.doubts[:_MOST_DOUBTS]),
    )


def _trimmed(row: Sequence[object]) -> Sequence[object]:
    """A row without the blanks at its end: a far cell makes millions of them."""
    end = len(row)
    if row.count("") == end:
        return []
    while row[end - 1] == "":
        end -= 1
    return row[:end]


def _stamp_rows(sheets: Mapping[str, Rows]) -> list[tuple[str, str]]:
    rows = sheets.get(STAMP_SHEET, [])
    return [
        ("sheet", stamp)
        for row in rows
        for value in row
        if isinstance(value, str)
        for stamp in stamps_in(value)
    ]


def _stamps(part: bytes) -> list[str]:
    return stamps_in(unescape(part.decode("utf-8", "replace")))


def _remarks_on(package: Package) -> list[str]:
    remarks = []
    if any(name.endswith("vbaproject.bin") for name in package.names):
        remarks.append("含有宏（没有运行）")
    if any("/externallinks/" in f"/{name}" for name in package.names):
        remarks.append("含有指向其他文件的链接（没有打开）")
    if any("/embeddings/" in name or "/activex/" in name for name in package.names):
        remarks.append("含有嵌入的文件或控件（没有打开）")
    return remarks


def _read_xls(data: bytes, *, first_reader: bool) -> Plain:
    import olefile  # noqa: PLC0415 - only for old workbooks

    from perfxl.excel.biff import census_of_xls  # noqa: PLC0415 - as above

    try:
        with olefile.OleFileIO(io.BytesIO(data)) as ole:
            names = {"/".join(path).lower() for path in ole.listdir(storages=True)}
            if "encryptedpackage" in names:
                raise Unreadable(
                    "文件已加密", remedy="请取消密码后重新报送，或提供密码", fault=Fault.ENCRYPTED
                )
            stream = next((name for name in ("workbook", "book") if name in names), None)
            if stream is None and _BIFF8_HEAD in data:
                raise Unreadable("文件损坏或不完整（.xls）", remedy=SEND_AGAIN, fault=Fault.DAMAGED)
            if stream is None:
                raise Unreadable(
                    "是 Word 等其他文档而不是工作簿",
                    remedy="请报送下发的工作簿",
                    fault=Fault.NOT_A_WORKBOOK,
                )
            content = ole.openstream(stream).read()
            properties = [
                ole.openstream(path).read()
                for path in ole.listdir()
                if path[-1].endswith("DocumentSummaryInformation")
            ]
            declared = ole.get_size(stream)
    except Unreadable:
        raise
    except Exception as error:
        raise Unreadable(
            "文件损坏或不完整（.xls）", remedy=SEND_AGAIN, fault=Fault.DAMAGED
        ) from error
    if len(content) < declared:
        raise Unreadable("文件损坏或不完整（.xls）", remedy=SEND_AGAIN, fault=Fault.DAMAGED)
    census = census_of_xls(content)
    sheets = _agreed(
        census,
        (lambda: _with_calamine(data)) if first_reader else None,
        lambda: _with_xlrd(data),
        always_both=True,
    )
    stamps = _stamp_rows(sheets)
    for place, raw in [("name", content), *(("property", one) for one in properties)]:
        for encoding in ("latin-1", "utf-16-le", "utf-8"):
            stamps += [(place, stamp) for stamp in stamps_in(raw.decode(encoding, "replace"))]
    remarks = ["含有宏（没有运行）"] if any("_vba_project" in name for name in names) else []
    return _plain(Shape.XLS, sheets, stamps, census, remarks)


def _agreed(
    census: Census,
    first: Callable[[], Sheets] | None,
    second: Callable[[], Sheets | None],
    *,
    always_both: bool = False,
) -> Sheets:
    """The sheets as the first reader gives them where the census bears it out; else the second's.

    With ``always_both`` they must agree as well: there are no checksums in the file.
    """
    sheets, failure = None, None
    if first is not None:
        try:
            sheets = first()
        except Unreadable as error:
            if error.fault in (Fault.ENCRYPTED, Fault.TOO_LARGE):
                raise
            failure = error
    if sheets is not None and not always_both and census.filled in (None, _filled(sheets)):
        return sheets
    tally = census.tally() if census.tally is not None else None
    if sheets is not None and tally is not None:
        # The first reader leaves errors out, of which there is nothing else to say.
        sheets = _with_errors(sheets, tally)
        if _places(sheets) != _tallied(tally):
            sheets = None
        elif not always_both:
            return sheets
    other = second()
    if other is None:
        raise failure or _lossy()
    if tally is not None and _places(other) != _tallied(tally):
        raise failure or _lossy()
    if tally is None and census.filled not in (None, _filled(other)):
        raise failure or _lossy()
    if sheets is None:
        return other
    if _places(sheets) != _places(other):
        raise _lossy()
    return sheets


def _lossy() -> Unreadable:
    return Unreadable(
        "内容损坏：有单元格读不出来", remedy="请核对后另存为 .xlsx 重新报送", fault=Fault.DAMAGED
    )


def _filled(sheets: Mapping[str, Rows]) -> int:
    return sum(len(row) - row.count("") for rows in sheets.values() for row in rows)


def _places(sheets: Mapping[str, Rows]) -> set[tuple[str, int, int]]:
    return {
        (name, r, c)
        for name, rows in sheets.items()
        for r, row in enumerate(rows)
        for c, value in enumerate(row)
        if value != ""
    }


def _tallied(tally: Tally) -> set[tuple[str, int, int]]:
    return {
        (name, *place)
        for found in (tally.filled, tally.errors)
        for name, places in found.items()
        for place in places
    }


def _with_errors(sheets: Sheets, tally: Tally) -> Sheets:
    """The sheets with the text of errors where there are any and nothing else was read."""
    for name, errors in tally.errors.items():
        if not errors or name not in sheets:
            continue
        rows = [list(row) for row in sheets[name]]
        for (row, column), text in errors.items():
            rows += [[] for _ in range(row + 1 - len(rows))]
            rows[row] += [""] * (column + 1 - len(rows[row]))
            if rows[row][column] == "":
                rows[row][column] = text
        sheets[name] = rows
    return sheets


def _with_calamine(data: bytes, like: str = ".*") -> Sheets:
    wanted = re.compile(like, re.DOTALL)
    try:
        with calamine.CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            return {
                meta.name: book.get_sheet_by_name(meta.name).to_python(skip_empty_area=False)
                for meta in book.sheets_metadata
                if meta.typ is calamine.SheetTypeEnum.WorkSheet and wanted.fullmatch(meta.name)
            }
    except calamine.PasswordError as error:
        raise Unreadable(
            "文件已加密", remedy="请取消密码后重新报送，或提供密码", fault=Fault.ENCRYPTED
        ) from error
    except calamine.ZipError as error:
        raise Unreadable("文件损坏或不完整", remedy=SEND_AGAIN, fault=Fault.DAMAGED) from error
    except calamine.WorksheetNotFound as error:
        raise Unreadable("文件缺少部件", remedy=SAVE_AGAIN, fault=Fault.DAMAGED) from error
    except (calamine.CalamineError, OSError, ValueError, OverflowError) as error:
        raise Unreadable("工作簿内容损坏", remedy=SAVE_AGAIN, fault=Fault.DAMAGED) from error
    except BaseException as error:
        # calamine's panics derive from BaseException; anything else is not ours to hold back.
        if type(error).__name__ != "PanicException":
            raise
        raise Unreadable("工作簿结构异常，无法读取", remedy=SAVE_AGAIN) from error


def _with_openpyxl(data: bytes) -> Sheets:
    import openpyxl  # noqa: PLC0415 - only where the first reader failed

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), data_only=True)
        return {
            sheet.title: [
                ["" if value is None else _as_first_reader(value) for value in row]
                for row in sheet.iter_rows(min_row=1, min_col=1, values_only=True)
            ]
            for sheet in book.worksheets
        }
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable("工作簿内容损坏", remedy=SAVE_AGAIN, fault=Fault.DAMAGED) from error


def _as_first_reader(value: object) -> object:
    """A value as python-calamine gives it: whole days as dates, escaped characters as such."""
    if isinstance(value, str) and "_x" in value:
        return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date()
    return value


def _with_xlrd(data: bytes) -> Sheets:
    import xlrd  # noqa: PLC0415 - only for old workbooks

    def value_of(book: xlrd.book.Book, cell: xlrd.sheet.Cell) -> object:
        match cell.ctype:
            case xlrd.XL_CELL_DATE:
                moment = xlrd.xldate_as_datetime(cell.value, book.datemode)
                return moment.date() if moment.time() == dt.time() else moment
            case xlrd.XL_CELL_BOOLEAN:
                return bool(cell.value)
            case xlrd.XL_CELL_ERROR:
                return xlrd.error_text_from_code.get(cell.value, "#ERR")
            case xlrd.XL_CELL_EMPTY | xlrd.XL_CELL_BLANK:
                return ""
        return cell.value

    try:
        with xlrd.open_workbook(
            file_contents=data, ragged_rows=True, formatting_info=False, logfile=io.StringIO()
        ) as book:
            return {
                sheet.name: [
                    [value_of(book, cell) for cell in sheet.row(row)] for row in range(sheet.nrows)
                ]
                for sheet in book.sheets()
            }
    except MemoryError:
        raise
    except Exception as error:
        raise Unreadable("内容损坏（.xls）", remedy=SAVE_AGAIN, fault=Fault.DAMAGED) from error
