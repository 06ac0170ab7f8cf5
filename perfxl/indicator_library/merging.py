"""What a person decided of each candidate, carried out on the library's rows. Nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from perfxl.errors import Mistake, Place
from perfxl.indicator_library.importing import Candidate
from perfxl.indicator_library.model import CONTENT, INDICATOR_COLUMNS, LABELS, Library, State
from perfxl.indicator_library.similar import Likeness, level_key, likenesses
from perfxl.layout.declare import Column, Field, SheetLayout, Table
from perfxl.layout.locate import Rows, cell_name, find_fields, find_table
from perfxl.points import as_float
from perfxl.values import precise_number_of, squeeze, text_of

TAKE_IN, NOT_WANTED = "新增", "不收"
MERGED, UPDATED = "合并", "更新"
_MERGE = re.compile(r"与(.+?)合并")
_UPDATE = re.compile(r"用本条更新(.+)")
_ORDINAL = "待"
BLANK_ROWS, LEAVE, AS_SUGGESTED = "空白行", "不处理", "按建议办理"
BLANK_ROWS_FIELD = Field("blank_rows", BLANK_ROWS)

_FILLED = [one for one in INDICATOR_COLUMNS if one.key not in ("number", "state")]
MERGE_COLUMNS = (
    Column("ordinal", "序号", width=7),
    Column("choice", "处理", width=18, required=True, help="从下拉列表中选；空白的这次不处理"),
    Column("suggestion", "建议", width=16),
    Column("alike", "相近的指标", width=44),
    *(
        Column(one.key, one.label, width=min(one.width, 26), optional=True, help=one.help)
        for one in _FILLED
    ),
    Column("file", "文件", width=20),
    Column("place", "位置", width=16),
    Column("content", "来源中的内容", width=40),
    Column("key", "批次", width=16),
)
MERGE_SHEET = SheetLayout(
    "待合并",
    "待合并",
    "待合并的指标",
    "每条选一种处理：新增、不收、与已有的合并（保留已有的写法，补上空白的）、用本条更新已有的。"
    "填好后执行 perfxl library merge",
    fields=(BLANK_ROWS_FIELD,),
    table=Table("merging", MERGE_COLUMNS),
)


@dataclass(frozen=True)
class Pending:
    """A candidate in the book of choices: what it says, what is proposed, what was chosen."""

    ordinal: str
    choice: str
    suggestion: str
    alike: str
    values: Mapping[str, str]
    options: tuple[str, ...] = ()
    cell: str = ""


def proposed(
    library: Library, kept: Sequence[Pending], fresh: Sequence[Candidate]
) -> list[Pending]:
    """The candidates that stood in the book with what was typed, then the new ones.

    Everyone gets its proposals anew, against the library and the candidates before it. A merging is
    suggested only where the name is the same and nothing speaks against it; where something is merely
    alike, nothing is.
    """
    rows: list[tuple[str, str, Mapping[str, str]]] = [
        (one.ordinal, one.choice, one.values) for one in kept
    ]
    following = 1 + max((_number_in(one.ordinal) for one in kept), default=0)
    for number, candidate in enumerate(fresh, following):
        origin = {"file": candidate.file, "place": candidate.place}
        said = {"content": candidate.content, "key": candidate.key}
        rows.append((f"{_ORDINAL}{number}", "", {**candidate.values, **origin, **said}))
    own = [entry for entry in library.entries if entry.number]
    texts = [values for _, _, values in rows]
    in_library = likenesses(texts, [entry.values for entry in own])
    in_batch = likenesses(texts, texts)
    found = []
    for index, (ordinal, choice, values) in enumerate(rows):
        targets: list[tuple[str, Mapping[str, str], Likeness]] = [
            (own[one.position].number, own[one.position].values, one) for one in in_library[index]
        ]
        targets += [
            (rows[one.position][0], rows[one.position][2], one)
            for one in in_batch[index]
            if one.position < index
        ]
        targets.sort(key=lambda one: (-one[2].same_name, -one[2].score))
        suggestion = "" if targets else TAKE_IN
        if targets and targets[0][2].same_name:
            suggestion = f"与{targets[0][0]}合并"
        numbers = [number for number, _, _ in targets]
        options = (
            TAKE_IN,
            NOT_WANTED,
            *(f"与{number}合并" for number in numbers),
            *(f"用本条更新{number}" for number in numbers if not number.startswith(_ORDINAL)),
        )
        alike = "\n".join(
            f"{number} {other['name']}（{likeness.score}）{_difference(values, other)}"
            for number, other, likeness in targets
        )
        found.append(Pending(ordinal, choice, suggestion, alike, values, options))
    return found


def _number_in(ordinal: str) -> int:
    digits = ordinal.removeprefix(_ORDINAL)
    return int(digits) if digits.isdecimal() else 0


def _difference(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """Where two indicators stand apart, for the eye: level, sector, definition."""
    parts = []
    for key in ("level_1", "level_2", "sector"):
        if other.get(key) and one.get(key) and level_key(one[key]) != level_key(other[key]):
            parts.append(f"{LABELS[key]}：{other[key]}")
    if other.get("definition"):
        parts.append(other["definition"][:40])
    return "　" + "；".join(parts) if parts else ""


def read_choices(sheets: Mapping[str, Rows]) -> tuple[str, list[Pending]] | None:
    """What is said of blank rows, and the rows of a book of choices; None for another workbook."""
    table = MERGE_SHEET.table
    assert table is not None
    for name, rows in sheets.items():
        located = find_table(rows, table)
        if located is None or not {"choice", "name", "key", "ordinal"} <= set(located.columns):
            continue
        blank_rows = find_fields(rows[: located.heading_row], MERGE_SHEET.fields)
        found = []
        for number in range(located.first_row, len(rows)):
            row = rows[number]
            values = {
                key: text_of(row[at]) if at < len(row) else ""
                for key, at in located.columns.items()
            }
            if not values["key"]:
                continue
            cell = f"{name}!{cell_name(number, located.columns['choice'])}"
            ordinal, choice, suggestion, alike = (
                values.pop(key, "") for key in ("ordinal", "choice", "suggestion", "alike")
            )
            found.append(Pending(ordinal, choice, suggestion, alike, values, cell=cell))
        return text_of(blank_rows.get(BLANK_ROWS_FIELD.key, ("", ""))[0]), found
    return None


@dataclass
class Merged:
    """What became of the book: the library's new rows by number, and who went where.

    ``handled`` holds (candidate, 新增 / 合并 / 更新 / 不收, number); ``left`` those not decided.
    """

    rows: dict[str, dict[str, str]]
    handled: list[tuple[Pending, str, str]] = field(default_factory=list)
    left: list[Pending] = field(default_factory=list)
    done_before: int = 0
    mistakes: list[Mistake] = field(default_factory=list)


def merge(
    library: Library, pending: Sequence[Pending], blank_rows: str, next_number: int, file: str
) -> Merged:
    """Carry out the choices. A row that was carried out before is passed over; a choice that cannot
    be followed is a mistake at its cell, and the other rows are done all the same."""
    work = _Merging(library, pending, next_number, file)
    met: set[str] = set()
    for one in pending:
        key = one.values["key"]
        if key and key in met:
            work.wrong(one, "与上面的行是文件里的同一行，只处理上面的一行")
            continue
        met.add(key)
        choice = squeeze(one.choice)
        if not choice and blank_rows == AS_SUGGESTED:
            choice = squeeze(one.suggestion)
        if key in library.carried:
            work.numbers[one.ordinal] = library.carried[key]
            work.result.done_before += 1
        elif choice:
            work.take(one, choice)
        else:
            work.result.left.append(one)
    work.join_waiting()
    return work.result


class _Merging:
    """The choices as they are carried out; ``numbers`` says what each candidate became part of."""

    def __init__(
        self, library: Library, pending: Sequence[Pending], next_number: int, file: str
    ) -> None:
        self.result = Merged(
            {number: dict(entry.values) for number, entry in library.by_number.items()}
        )
        self.numbers: dict[str, str] = {}
        self._ordinals = {one.ordinal for one in pending}
        self._waiting: list[tuple[Pending, str, str]] = []
        self._next, self._file = next_number, file

    def take(self, one: Pending, choice: str) -> None:
        """Carry out what needs no other row; the rest waits for ``join_waiting``."""
        merging, updating = _MERGE.fullmatch(choice), _UPDATE.fullmatch(choice)
        if choice == TAKE_IN:
            self._take_in(one)
        elif choice == NOT_WANTED:
            self.numbers[one.ordinal] = ""
            self.result.handled.append((one, NOT_WANTED, ""))
        elif merging:
            self._waiting.append((one, merging[1], MERGED))
        elif updating:
            self._waiting.append((one, updating[1], UPDATED))
        else:
            self.wrong(one, f"看不懂的处理“{one.choice}”")

    def join_waiting(self) -> None:
        """Merge and update; a candidate may be merged with one that is itself merged."""
        waiting = self._waiting
        while waiting:
            later = [one for one in waiting if not self._join(*one)]
            if len(later) == len(waiting):
                undecided = {left.ordinal for left in self.result.left}
                for one, target, _ in later:
                    why = "还没有决定" if target in undecided else "本身没有收录，或互相合并"
                    self.wrong(one, f"“{target}”{why}，不能与它合并")
                return
            waiting = later

    def _take_in(self, one: Pending) -> None:
        bad = _bad_choice(one.values)
        if bad or not one.values.get("name"):
            self.wrong(one, bad or "“指标名称”没有填写，不能新增")
            return
        number = f"ZB{self._next:04d}"
        self._next += 1
        self.numbers[one.ordinal] = number
        self.result.rows[number] = {
            **{key: one.values.get(key, "") for key in LABELS},
            "number": number,
            "state": State.IN_USE,
        }
        self.result.handled.append((one, TAKE_IN, number))

    def _join(self, one: Pending, target: str, how: str) -> bool:
        """Whether a candidate is through with: joined, or told as wrong."""
        number = self.numbers.get(target)
        if number is None and target in self.result.rows:
            number = target
        if number:
            _join(self.result.rows[number], one.values, replacing=how == UPDATED)
            self.numbers[one.ordinal] = number
            self.result.handled.append((one, how, number))
        elif number == "":
            self.wrong(one, f"“{target}”没有收录，不能与它合并")
        elif target not in self._ordinals:
            self.wrong(one, f"指标库里没有“{target}”")
        else:
            return False
        return True

    def wrong(self, one: Pending, what: str) -> None:
        """A choice that cannot be followed, told at its cell."""
        sheet, _, cell = one.cell.rpartition("!")
        place = Place(self._file, sheet, cell)
        self.result.mistakes.append(Mistake("E730", what, place, "请从下拉列表中另选"))


def _bad_choice(values: Mapping[str, str]) -> str:
    for column in INDICATOR_COLUMNS:
        text = values.get(column.key, "")
        if column.choices and column.key != "state" and text and text not in column.choices:
            return f"“{column.label}”应为 {'、'.join(column.choices)} 之一，现为“{text}”"
    return ""


def _join(row: dict[str, str], values: Mapping[str, str], *, replacing: bool) -> None:
    """Let a candidate become part of an indicator: sources and years add up; blanks are filled, or
    with ``replacing`` whatever the candidate says holds."""
    for key in CONTENT:
        new = values.get(key, "")
        if new and (not row[key] or replacing) and not _bad_choice({key: new}):
            row[key] = new
    for key, mark in (("source", "；"), ("year", "、")):
        known = [part for part in row[key].split(mark) if part]
        more = [part for part in values.get(key, "").split(mark) if part and part not in known]
        row[key] = mark.join([*known, *more])
    note = values.get("note", "")
    if note and note not in row["note"]:
        row["note"] = "；".join(filter(None, (row["note"], note)))


def number_of_marks(text: str) -> float | None:
    """The 参考分值 as a number to be shown; None for what is no number of at most two decimals."""
    number = precise_number_of(text) if text else None
    return None if number is None else as_float(number)
