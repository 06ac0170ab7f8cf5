"""library (指标库): collect indicators, merge what people say is one, keep versions, use them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from perfxl.errors import (
    AlreadyThere,
    LibraryDamaged,
    LibraryRefused,
    Missing,
    Mistake,
    NoLibrary,
    NothingToDo,
    NotInLibrary,
    PerfxlError,
    Place,
    Unreadable,
    WorkbookHeld,
    WrongWorkbook,
)
from perfxl.excel.edits import NewSheet, SheetEdit, Spot, Written, edited_workbook
from perfxl.excel.reader import read_workbook
from perfxl.files import (
    WORKBOOK_SUFFIXES,
    keep_earlier,
    refuse_held,
    sha256_of,
    write_atomically,
)
from perfxl.indicator_library.columns import KEY_OF_LABEL, UNWANTED, FoundTable
from perfxl.indicator_library.importing import Candidate, Confirmed, Origin, read_indicators
from perfxl.indicator_library.merging import (
    Merged,
    Pending,
    merge,
    number_of_marks,
    proposed,
    read_choices,
)
from perfxl.indicator_library.model import (
    CHANGE_COLUMNS,
    CHANGES,
    COLUMNS_FILE,
    INDICATOR_COLUMNS,
    INDICATORS,
    LABELS,
    LIBRARY_FILE,
    MERGE_FILE,
    RECORDED,
    SOURCE_COLUMNS,
    SOURCES,
    Change,
    Entry,
    Library,
    State,
)
from perfxl.indicator_library.reading import read_library
from perfxl.indicator_library.versions import Altered, YearBalance, at_odds, balances, compare
from perfxl.layout.declare import Table
from perfxl.layout.locate import column_letter, find_table
from perfxl.plan.markdown import from_markdown
from perfxl.products.indicator_book import (
    COLUMN_COLUMNS,
    columns_book,
    height_of,
    library_workbook,
    merge_book,
)
from perfxl.products.indicator_seed import NOTES, seed_changes, seed_entries, seed_sources
from perfxl.resources import template_file
from perfxl.values import text_of

SEED = "指标库.md"
BY_HAND = "在表中直接修改"
_COLUMNS = {SOURCES: SOURCE_COLUMNS, CHANGES: CHANGE_COLUMNS}
_EARLIER = "原文件没有改动；以前的版本在“历次”文件夹里，可以取回最近的一份"


def new_library_bytes(on: dt.date, by: str) -> bytes:
    """The library that an office begins with, made on a day."""
    source = template_file(SEED).read_text(encoding="utf-8")
    entries = seed_entries(from_markdown(source)[INDICATORS])
    return library_workbook(
        entries, seed_sources(entries, on), seed_changes(entries, on, by), NOTES
    )


def new_library(folder: Path, now: dt.datetime, by: str) -> Path:
    """Put a library with the common indicators into a folder. Raises AlreadyThere.

    The name of the file itself is taken as well; of another workbook it is refused.
    """
    if folder.suffix.lower() in WORKBOOK_SUFFIXES and folder.name != LIBRARY_FILE:
        remedy = f"请写文件夹，指标库的文件名总是 {LIBRARY_FILE}"
        raise PerfxlError("指标库不能用这个文件名", place=Place(str(folder)), remedy=remedy)
    path = folder if folder.name == LIBRARY_FILE else folder / LIBRARY_FILE
    if path.exists():
        raise AlreadyThere("已有指标库", place=Place(str(path)), remedy="请换一个文件夹")
    write_atomically(path, new_library_bytes(now.date(), by))
    return path


def find_library(folder: Path, named: Path | None = None) -> Path:
    """The library that is named, or the one in the folder or above it. Raises NoLibrary."""
    if named is not None:
        path = named / LIBRARY_FILE if named.is_dir() else named
        if path.is_file():
            return path
        raise NoLibrary("没有这个指标库", place=Place(str(path)), remedy="请检查路径")
    here = folder.resolve()
    for candidate in (here, here.parent):
        if (candidate / LIBRARY_FILE).is_file():
            return candidate / LIBRARY_FILE
    raise NoLibrary(
        f"这里和上一级文件夹都没有 {LIBRARY_FILE}",
        place=Place(str(here)),
        remedy="请用 --library 指定，或先执行 perfxl library new",
    )


@dataclass
class Opened:
    """A library in the hands of one command, to be saved as a whole or not at all."""

    path: Path
    data: bytes
    contents: Library
    sources: list[Mapping[str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, path: Path) -> Opened:
        """Raises LibraryDamaged, LibraryRefused."""
        data = path.read_bytes()
        try:
            grid = read_workbook(data, path.name)
        except Unreadable as error:
            what = f"指标库读不出来：{error.what}"
            raise LibraryDamaged(what, place=Place(str(path)), remedy=_EARLIER) from error
        return cls(path, data, read_library(path.name, grid.sheets))

    @property
    def known(self) -> set[str]:
        """Every number that was ever given."""
        numbers = {one["number"] for one in self.contents.changes}
        numbers |= set(self.contents.recorded or {}) | set(self.contents.by_number)
        return numbers | set(self.contents.carried.values())

    @property
    def next_number(self) -> int:
        """The number after the highest that was ever given."""
        digits = (number.removeprefix("ZB") for number in self.known)
        return 1 + max((int(one) for one in digits if one.isdecimal()), default=0)

    def hand_made(self) -> tuple[dict[str, dict[str, str]], list[Altered], dict[int, str]]:
        """The rows as people left them, numbered, with what they changed since the last time.

        The third says which row of the sheet gets which number.
        """
        following = self.next_number
        rows: dict[str, dict[str, str]] = {}
        numbered: dict[int, str] = {}
        for entry in self.contents.entries:
            values = {**entry.values, "state": entry["state"] or State.IN_USE}
            if not entry.number:
                values["number"] = numbered[entry.row] = f"ZB{following:04d}"
                following += 1
            rows[values["number"]] = values
        before = self.contents.recorded
        if before is None:
            # Its sheet was deleted: which indicators there were is in the register of changes, what
            # they said is not.
            replayed = balances(self.contents.changes)
            registered = replayed[-1].after if replayed else frozenset()
            before = {
                number: rows.get(number, {"number": number, "name": ""}) for number in registered
            }
        return rows, compare(before, rows, self.known - set(numbered.values())), numbered

    def save(
        self,
        rows: Mapping[str, Mapping[str, str]],
        changes: Sequence[tuple[Altered, str]],
        numbered: Mapping[int, str],
        sources: Sequence[Mapping[str, str]],
        now: dt.datetime,
        by: str,
    ) -> Path | None:
        """Write what changed, each change with its reason; the earlier file goes to 历次/.

        Returns where that is. Raises WorkbookHeld where the file is open elsewhere or was saved
        meanwhile, LibraryDamaged where it cannot be changed, CannotWrite.
        """
        edits = [
            self._indicators(rows, numbered),
            self._appended(SOURCES, sources),
            self._appended(CHANGES, self._register(changes, now, by)),
        ]
        added: list[NewSheet] = []
        if RECORDED in self.contents.spots:
            edits.append(self._recorded(rows))
        else:
            labels = list(LABELS.values())
            texts = [[values.get(key, "") for key in LABELS] for values in rows.values()]
            added.append(NewSheet(RECORDED, "", labels, [10] * len(labels), texts, hidden=True))
        try:
            data = edited_workbook(self.data, [edit for edit in edits if edit.cells], added)
        except Unreadable as error:
            what = f"不能改动指标库：{error.what}"
            raise LibraryDamaged(what, place=Place(str(self.path)), remedy=error.remedy) from error
        refuse_held(self.path)
        if sha256_of(self.path.read_bytes()) != sha256_of(self.data):
            raise WorkbookHeld(
                "指标库刚刚在别处保存过，没有改动它",
                place=Place(str(self.path)),
                remedy="请关闭它再执行一次",
            )
        kept = keep_earlier(self.path, now)
        write_atomically(self.path, data)
        return kept

    def _indicators(
        self, rows: Mapping[str, Mapping[str, str]], numbered: Mapping[int, str]
    ) -> SheetEdit:
        """Only cells whose content differs are written; new indicators come under all content."""
        spots = self.contents.spots[INDICATORS]
        cells: dict[Spot, Written] = {}
        like: dict[int, int] = {}
        heights: dict[int, float] = {}
        at = {
            **{entry.number: entry for entry in self.contents.entries if entry.number},
            **{
                numbered[entry.row]: entry
                for entry in self.contents.entries
                if entry.row in numbered
            },
        }
        free = spots.free_row
        for number, values in rows.items():
            entry = at.get(number)
            row = free if entry is None else entry.row
            for key, column in spots.columns.items():
                new = values.get(key, "")
                if entry is None or new != entry[key]:
                    cells[row, column] = _written(key, new)
            if entry is None:
                like[row] = spots.last_row
                heights[row] = height_of(INDICATOR_COLUMNS, values)
                free += 1
        return SheetEdit(spots.sheet, cells, like, heights=heights)

    def _appended(self, sheet: str, records: Sequence[Mapping[str, str]]) -> SheetEdit:
        spots = self.contents.spots[sheet]
        cells: dict[Spot, Written] = {}
        heights: dict[int, float] = {}
        for row, record in enumerate(records, spots.free_row):
            heights[row] = height_of(_COLUMNS[sheet], record)
            for key, column in spots.columns.items():
                cells[row, column] = record.get(key, "")
        # Under the bare heading a new row looks like its columns.
        begun = spots.last_row > spots.heading_row
        like = dict.fromkeys(heights, spots.last_row) if begun else {}
        return SheetEdit(spots.sheet, cells, like, heights=heights)

    def _register(
        self, changes: Sequence[tuple[Altered, str]], now: dt.datetime, by: str
    ) -> list[dict[str, str]]:
        version = str(self.contents.version + 1)
        return [
            {
                "version": version,
                "on": now.date().isoformat(),
                "change": str(one.change),
                "number": one.number,
                "name": one.name,
                "column": one.column,
                "before": one.before,
                "after": one.after,
                "by": by,
                "reason": reason,
            }
            for one, reason in changes
        ]

    def _recorded(self, rows: Mapping[str, Mapping[str, str]]) -> SheetEdit:
        """The hidden sheet says after every command what the indicators say."""
        spots = self.contents.spots[RECORDED]
        cells: dict[Spot, Written] = {}
        texts = [[values.get(key, "") for key in spots.columns] for values in rows.values()]
        blank = [""] * len(spots.columns)
        texts += [blank] * max(0, spots.last_row - spots.heading_row - len(texts))
        for row, record in enumerate(texts, spots.heading_row + 1):
            for column, text in zip(spots.columns.values(), record, strict=True):
                cells[row, column] = text
        return SheetEdit(spots.sheet, cells)


def _written(key: str, text: str) -> Written:
    marks = number_of_marks(text) if key == "marks" else None
    return text if marks is None else marks


@dataclass(frozen=True)
class Saved:
    """What a command did: the version it made (0: nothing to write), changes with their reasons,
    where the earlier file is."""

    version: int
    changes: tuple[tuple[Altered, str], ...]
    kept: Path | None = None


def record(path: Path, now: dt.datetime, by: str) -> Saved:
    """Register what people changed in the workbook since the last time, and number new rows."""
    refuse_held(path)
    opened = Opened.read(path)
    rows, altered, numbered = opened.hand_made()
    return _save(opened, rows, [(one, BY_HAND) for one in altered], numbered, (), now, by)


def _save(
    opened: Opened,
    rows: Mapping[str, Mapping[str, str]],
    changes: Sequence[tuple[Altered, str]],
    numbered: Mapping[int, str],
    sources: Sequence[Mapping[str, str]],
    now: dt.datetime,
    by: str,
) -> Saved:
    if not (changes or sources or numbered or opened.contents.recorded is None):
        return Saved(0, ())
    kept = opened.save(rows, changes, numbered, sources, now, by)
    return Saved(opened.contents.version + bool(changes), tuple(changes), kept)


def retire(
    path: Path,
    numbers: Sequence[str],
    reason: str,
    now: dt.datetime,
    by: str,
    *,
    back: bool = False,
) -> Saved:
    """Take indicators out of use (or ``back`` into it); their rows stay. Raises NotInLibrary."""
    refuse_held(path)
    opened = Opened.read(path)
    rows, by_hand, numbered = opened.hand_made()
    before = {number: dict(values) for number, values in rows.items()}
    for number in numbers:
        _known(path, number, rows)
        rows[number]["state"] = State.IN_USE if back else State.RETIRED
    changes = [(one, BY_HAND) for one in by_hand]
    changes += [(one, reason) for one in compare(before, rows)]
    return _save(opened, rows, changes, numbered, (), now, by)


def _known(path: Path, number: str, rows: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    if number not in rows:
        raise NotInLibrary(
            f"指标库里没有“{number}”",
            place=Place(path.name, INDICATORS),
            remedy="编号用 perfxl library search 查",
        )
    return rows[number]


@dataclass
class ImportResult:
    """What the files hold: candidates now in the book of choices, tables that wait for a person,
    and what was not read, each in words."""

    book: Path | None = None
    fresh: int = 0
    waiting: int = 0
    known: int = 0
    columns: Path | None = None
    unconfirmed: list[tuple[str, FoundTable]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    kept: Path | None = None


@dataclass(frozen=True)
class Given:
    """What the office says of the files that it imports; ``accept`` takes proposed columns."""

    source: str = ""
    year: str = ""
    sector: str = ""
    kind: str = ""
    accept: bool = False


def import_files(
    path: Path,
    files: Sequence[Path],
    now: dt.datetime,
    given: Given = Given(),
    progress: Callable[[], None] = lambda: None,
) -> ImportResult:
    """Read indicators out of workbooks into 待合并.xlsx beside the library; the library stays as it is.

    What was typed into an earlier 待合并.xlsx stays. Rows that were carried out before are passed
    over. A file that cannot be read is told and does not stop the others.
    """
    opened = Opened.read(path)
    confirmed, asked_before = _confirmed(path)
    result = ImportResult()
    book = path.with_name(MERGE_FILE)
    kept: list[Pending] = []
    blank_rows = ""
    if book.is_file():
        refuse_held(book)
        blank_rows, kept = _choices(book)
        kept = [one for one in kept if one.values["key"] not in opened.contents.carried]
    seen = set(opened.contents.carried) | {one.values["key"] for one in kept}
    fresh: list[Candidate] = []
    asked: list[dict[str, str]] = []
    for file in files:
        progress()
        for one in _read_file(file, given, confirmed, result, asked):
            if one.key in seen:
                result.known += 1
            else:
                seen.add(one.key)
                fresh.append(one)
    if asked:
        result.columns = path.with_name(COLUMNS_FILE)
        refuse_held(result.columns)
        again = {(one["sha256"], one["sheet"]) for one in asked}
        earlier = [one for one in asked_before if (one["sha256"], one["sheet"]) not in again]
        keep_earlier(result.columns, now)
        write_atomically(result.columns, columns_book([*earlier, *asked]))
    if fresh:
        result.kept = keep_earlier(book, now)
        pending = proposed(opened.contents, kept, fresh)
        write_atomically(book, merge_book(pending, blank_rows))
        result.book = book
    result.fresh, result.waiting = len(fresh), len(kept) + len(fresh)
    return result


def _read_file(
    file: Path,
    given: Given,
    confirmed: Mapping[str, Confirmed],
    result: ImportResult,
    asked: list[dict[str, str]],
) -> tuple[Candidate, ...]:
    """One file's candidates; what there is to say of it goes to ``result`` and ``asked``."""
    if not file.is_file():
        result.remarks.append(str(Missing("没有这个文件", place=Place(str(file)))))
        return ()
    data = file.read_bytes()
    sha256 = sha256_of(data)
    try:
        grid = read_workbook(data, file.name)
    except Unreadable as error:
        result.remarks.append(str(error))
        return ()
    origin = Origin(file.name, sha256, given.source, given.year, given.sector, given.kind)
    columns = confirmed.get(sha256[:12], {})
    found = read_indicators(origin, grid.sheets, columns, accept=given.accept)
    if not found.is_plan:
        # A table that people typed has cells that nobody ever wrote; nothing was lost there.
        doubts = [doubt for doubt in grid.doubts if not doubt.endswith("缺少单元格")]
        result.remarks += [f"{file.name}：{doubt}" for doubt in doubts]
    result.remarks += [
        f"{file.name} {passed}：没有指标名称，没有收" for passed in found.passed_over
    ]
    for table in found.unconfirmed:
        result.unconfirmed.append((file.name, table))
        asked += _column_rows(file.name, sha256, table, grid.sheets[table.sheet])
    if not (found.candidates or found.unconfirmed):
        result.remarks.append(f"{file.name}：没有找到指标（要有写明指标名称的表头）")
    return found.candidates


def _choices(book: Path) -> tuple[str, list[Pending]]:
    read = read_choices(read_workbook(book.read_bytes(), book.name).sheets)
    if read is None:
        raise WrongWorkbook(
            "不是待合并的指标表",
            place=Place(str(book)),
            remedy=f"请选择 perfxl library import 生成的 {MERGE_FILE}",
        )
    return read


def _column_rows(
    file: str, sha256: str, table: FoundTable, rows: Sequence[Sequence[object]]
) -> list[dict[str, str]]:
    below = rows[table.heading_row + 1 : table.heading_row + 9]
    found = []
    for one in table.columns:
        texts = [text_of(row[one.position]) for row in below if one.position < len(row)]
        found.append(
            {
                "file": file,
                "sheet": table.sheet,
                "heading_row": str(table.heading_row + 1),
                "letter": column_letter(one.position),
                "heading": one.heading,
                "samples": "；".join(dict.fromkeys(text[:40] for text in texts if text))[:160],
                "meant": LABELS[one.key] if one.key else UNWANTED,
                "confirmed": "",
                "sha256": sha256[:12],
            }
        )
    return found


def _confirmed(path: Path) -> tuple[dict[str, Confirmed], list[dict[str, str]]]:
    """What 列对应.xlsx says, by file; and its rows as they are."""
    book = path.with_name(COLUMNS_FILE)
    if not book.is_file():
        return {}, []
    refuse_held(book)
    table = Table("columns", COLUMN_COLUMNS)
    found: dict[str, dict[tuple[str, int], dict[int, str] | None]] = {}
    records: list[dict[str, str]] = []
    for rows in read_workbook(book.read_bytes(), book.name).sheets.values():
        located = find_table(rows, table)
        if located is None or len(located.columns) < len(COLUMN_COLUMNS):
            continue
        for row in rows[located.first_row :]:
            record = {
                key: text_of(row[at]) if at < len(row) else ""
                for key, at in located.columns.items()
            }
            if record["sha256"] and record["heading_row"].isdecimal():
                records.append(record)
    said: dict[tuple[str, str, str], str] = {}
    for record in records:
        where = (record["sha256"], record["sheet"], record["heading_row"])
        said[where] = said.get(where) or record["confirmed"]
    for record in records:
        where = (record["sha256"], record["sheet"], record["heading_row"])
        if not said[where]:
            continue
        of_file = found.setdefault(record["sha256"], {})
        place = (record["sheet"], int(record["heading_row"]) - 1)
        if said[where] != "是":
            of_file[place] = None
            continue
        keys = of_file.setdefault(place, {})
        assert keys is not None
        keys[_position(record["letter"])] = KEY_OF_LABEL.get(record["meant"], "")
    for of_file in found.values():
        for (sheet, _), keys in of_file.items():
            _check_meaning(book, sheet, keys)
    return dict(found), records


def _check_meaning(book: Path, sheet: str, keys: Mapping[int, str] | None) -> None:
    meant = [key for key in (keys or {}).values() if key]
    twice = [LABELS[key] for key in dict.fromkeys(meant) if meant.count(key) > 1]
    what = f"“{sheet}”有两列对应到“{twice[0]}”" if twice else ""
    if keys is not None and "name" not in meant:
        what = f"“{sheet}”没有一列对应到“指标名称”"
    if what:
        place = Place(book.name)
        raise LibraryRefused(book.name, [Mistake("E731", what, place, "请改正“对应到”一栏")])


def _position(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


@dataclass(frozen=True)
class MergeResult:
    """What became of the book of choices, and of the library."""

    merged: Merged
    saved: Saved
    book_kept: Path | None = None


def merge_choices(path: Path, book: Path, now: dt.datetime, by: str) -> MergeResult:
    """Carry out the choices of a 待合并.xlsx. What is left undecided stays in the book.

    Raises WrongWorkbook, NothingToDo where nothing was chosen, and what the library raises.
    """
    if not book.is_file():
        raise Missing("没有这个文件", place=Place(str(book)), remedy="请先执行 library import")
    refuse_held(path)
    # What was chosen there may not be saved yet.
    refuse_held(book)
    opened = Opened.read(path)
    blank_rows, pending = _choices(book)
    rows, by_hand, numbered = opened.hand_made()
    library = Library(
        tuple(Entry(values, -1) for values in rows.values()),
        opened.contents.changes,
        opened.contents.recorded,
        opened.contents.carried,
    )
    merged = merge(library, pending, blank_rows, opened.next_number + len(numbered), book.name)
    if not merged.handled and not merged.mistakes:
        what = "没有选定处理的行" if merged.left else "这份表里的都已经办过"
        remedy = "请在“处理”一栏选择" if merged.left else ""
        raise NothingToDo(what, place=Place(str(book)), remedy=remedy)
    sources = [
        {
            "number": number,
            "handling": how,
            **{key: one.values.get(key, "") for key in ("name", "source", "year")},
            **{key: one.values.get(key, "") for key in ("file", "place", "content", "key")},
            "taken_on": now.date().isoformat(),
            "taken_by": by,
        }
        for one, how, number in merged.handled
    ]
    changes = [(one, BY_HAND) for one in by_hand]
    changes += [(one, f"收自 {book.name}") for one in compare(rows, merged.rows, opened.known)]
    saved = _save(opened, merged.rows, changes, numbered, sources, now, by)
    kept = None
    if not merged.left and not merged.mistakes:
        kept = keep_earlier(book, now)
        book.unlink()
    return MergeResult(merged, saved, kept)


@dataclass(frozen=True)
class YearChanges:
    """The years of the library, the changes of those asked for, hand-made ones that are not yet
    registered, and the numbers at which register and sheet differ."""

    years: tuple[YearBalance, ...]
    changes: tuple[Mapping[str, str], ...]
    unregistered: tuple[Altered, ...]
    only_registered: tuple[str, ...]
    only_shown: tuple[str, ...]


def changes_of(path: Path, year: int | None = None) -> YearChanges:
    """What was added, changed and retired in a year (every year without one)."""
    opened = Opened.read(path)
    library = opened.contents
    _, by_hand, _ = opened.hand_made()
    years = tuple(balances(library.changes))
    gone, come = at_odds(library.changes, library.entries)
    # What people did since the last registration is told as that, not as a contradiction.
    touched = {one.number for one in by_hand if one.change != Change.ALTERED}
    return YearChanges(
        tuple(one for one in years if year in (None, one.year)),
        tuple(one for one in library.changes if year is None or one["on"].startswith(str(year))),
        tuple(by_hand),
        tuple(number for number in gone if number not in touched),
        tuple(number for number in come if number not in touched),
    )


def entries_of(path: Path) -> tuple[Entry, ...]:
    """The indicators of a library, for searching; nothing is written."""
    return Opened.read(path).contents.entries
