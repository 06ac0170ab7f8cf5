"""The project list that the budget system (预算管理一体化系统) exports, as rows of a register.

Money is exact: every amount is read as a whole number of 0.01 元 and kept so; what a register shows
in 0.01 万元 is that amount rounded half up, project by project. Nothing is guessed: what cannot be
read is told at its cell, a unit that the roster does not know is named with a proposal.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from perfxl.errors import ImportRefused, Mistake, Place
from perfxl.intake.registers import SUM_ROWS
from perfxl.intake.system_units import Roster
from perfxl.layout.declare import NUMERIC, Column, ValueKind
from perfxl.layout.locate import HEADING_SEARCH_ROWS, Rows, cell_name, label_key
from perfxl.plan.model import ImportColumn, ImportUse, Plan, ProjectImport
from perfxl.points import HUNDREDTHS
from perfxl.tables import StrangeUnit, SystemProject, SystemProjects, code_key
from perfxl.values import LARGEST, YUAN, date_of, precise_number_of, squeeze, text_of

FEN = 100  # 0.01 元 in 1 元

_STATED_UNIT = re.compile(r"[(\[](?:单位:)?(亿元|万元|元)[)\]]$")
_UNIT_ABOVE = re.compile(r"单位:(?:人民币)?(亿元|万元|元)(?!\w)")
_SUBTOTAL = re.compile(r".*(?:小计|合计|总计):?")
_TOTAL = re.compile("(?:合计|总计):?")
# The sign of the yuan as NFKC leaves it, which a Chinese console cannot show.
_AMOUNT = re.compile(rf"([+-]?){chr(0xA5)}?(\d{{1,3}}(?:,\d{{3}})+|\d*)(?:\.(\d*))?(亿元|万元|元)?")
# How Excel shows a long code that it took for a number, and the numbers that it cannot have kept.
_SPOILED = re.compile(r"[+-]?\d(?:\.\d+)?E[+-]?\d+", re.IGNORECASE)
_EXACT_DIGITS = 10**15
_NOUGHTS = 10**6
_LONGEST_CODE = 200
# What a cell of a workbook holds; a text file may hold more.
_LONGEST_CELL = 32_767
_LONGEST_SHOWN = 60
_MOST_ROWS_NAMED = 8
# The word 合计 stands in one of the first columns of its row.
_LABELS_OF_A_TOTAL = 3


@dataclass(frozen=True)
class _Heading:
    """Where the heading stands, and the 0-based grid column of each wanted heading."""

    sheet: str
    rows: Rows
    row: int
    columns: Mapping[str, int]

    def cell(self, row: int, source: str) -> str:
        return cell_name(row, self.columns[source])


@dataclass(frozen=True)
class _Line:
    """One row of the export that is a project's; ``number`` is 0-based."""

    number: int
    unit: str
    code: str
    cells: Sequence[object]


def read_system_projects(
    plan: Plan, declared: ProjectImport, sheets: Mapping[str, Rows], file: str
) -> SystemProjects:
    """The projects of an export; ``sheets`` are the rows of its sheets from A1, ``file`` names it.

    Raises ImportRefused where the columns that the plan names are not there, where a heading states
    another unit of money than the plan, or where no project is left.
    """
    heading = _find_heading(declared, sheets, file)
    _refuse_other_money(declared, heading, file)
    return _Reading(plan, declared, heading, file).result()


def _wanted(declared: ProjectImport) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*declared.units, *(one.source for one in declared.columns)]))


def _find_heading(declared: ProjectImport, sheets: Mapping[str, Rows], file: str) -> _Heading:
    """The row with most of the wanted headings. Raises ImportRefused where one is not there."""
    wanted = {label_key(source): source for source in _wanted(declared)}
    best: _Heading | None = None
    for sheet, rows in sheets.items():
        for number, row in enumerate(rows[:HEADING_SEARCH_ROWS]):
            found: dict[str, int] = {}
            for at, value in enumerate(row):
                source = wanted.get(label_key(value)) if isinstance(value, str) else None
                if source is not None:
                    found.setdefault(source, at)
            if found and (best is None or len(found) > len(best.columns)):
                best = _Heading(sheet, rows, number, found)
    if best is None:
        what = (
            f"找不到表头（{'、'.join(wanted.values())}），前 {HEADING_SEARCH_ROWS} 行里一列也没有"
        )
        remedy = "请核对文件；系统的列名变了的，改考核方案“项目导入”表的“系统列名”"
        raise ImportRefused(file, [Mistake("E741", what, Place(file), remedy)])
    mistakes = [*_absent(best, wanted, file), *_twice(best, wanted, file)]
    mistakes += [
        Mistake(
            "E741",
            f"“{sheet}”与“{best.sheet}”表头相同，也有项目；一次只导入一张表",
            Place(file, sheet),
            "请把几张表的行合到一张表，或删去不要的表后重新导入",
        )
        for sheet in _alike(best, wanted, sheets)
    ]
    if mistakes:
        raise ImportRefused(file, mistakes)
    return best


def _alike(best: _Heading, wanted: Mapping[str, str], sheets: Mapping[str, Rows]) -> Iterator[str]:
    """The other sheets that have all of the best one's headings in a row, and rows below it."""
    for sheet, rows in sheets.items():
        for number, row in enumerate(rows[:HEADING_SEARCH_ROWS]):
            found = {wanted.get(label_key(value)) for value in row if isinstance(value, str)}
            if sheet != best.sheet and found >= set(best.columns):
                if any(text_of(value) for below in rows[number + 1 :] for value in below):
                    yield sheet
                break


def _absent(heading: _Heading, wanted: Mapping[str, str], file: str) -> list[Mistake]:
    row = heading.rows[heading.row]
    others = [text for value in row if (text := text_of(value)) and label_key(text) not in wanted]
    mistakes = []
    for source in wanted.values():
        if source in heading.columns:
            continue
        alike = difflib.get_close_matches(source, others, 1, 0.5)
        hint = f"，这一行的“{alike[0]}”可能就是" if alike else f"，这一行另有：{'、'.join(others)}"
        mistakes.append(
            Mistake(
                "E741",
                f"表头里没有“{source}”{hint}",
                Place(file, heading.sheet, cell_name(heading.row, 0)),
                "请重新导出，或改考核方案“项目导入”表的“系统列名”",
            )
        )
    return mistakes


def _twice(heading: _Heading, wanted: Mapping[str, str], file: str) -> list[Mistake]:
    mistakes = []
    for at, value in enumerate(heading.rows[heading.row]):
        source = wanted.get(label_key(value)) if isinstance(value, str) else None
        if source is not None and heading.columns[source] != at:
            first = heading.cell(heading.row, source)
            place = Place(file, heading.sheet, cell_name(heading.row, at))
            what = f"表头“{source}”有两列（{first}），分不清用哪一列"
            mistakes.append(Mistake("E741", what, place, "请删去一列，或改其中一列的列名"))
    return mistakes


def _refuse_other_money(declared: ProjectImport, heading: _Heading, file: str) -> None:
    """Raise ImportRefused where the file itself states another unit of money than the plan."""
    above, where = _unit_above(heading)
    mistakes = []
    for column in declared.columns:
        if not column.money:
            continue
        at = heading.columns[column.source]
        stated = _STATED_UNIT.search(squeeze(text_of(heading.rows[heading.row][at])))
        unit, cell = (stated[1], cell_name(heading.row, at)) if stated else (above, where)
        if unit and unit != column.money:
            what = f"文件写明“{column.source}”以{unit}为单位，考核方案写的是{column.money}"
            remedy = "请改考核方案“项目导入”表的“金额单位”"
            mistakes.append(Mistake("E741", what, Place(file, heading.sheet, cell), remedy))
    if mistakes:
        raise ImportRefused(file, mistakes)


def _unit_above(heading: _Heading) -> tuple[str, str]:
    """The unit of money that stands above the heading, and its cell; blank where there is none."""
    for number in range(heading.row - 1, -1, -1):
        for at, value in enumerate(heading.rows[number]):
            match = _UNIT_ABOVE.search(squeeze(value)) if isinstance(value, str) else None
            if match:
                return match[1], cell_name(number, at)
    return "", ""


def fen_of(value: object, money: str) -> int | None:
    """An amount in 0.01 元; None for what is blank or cannot be read.

    ``money`` is the unit in which it stands, unless a text states its own. Of a number cell the
    fifteen digits count that office programs keep; beyond 0.01 元 it is rounded half up.
    """
    if isinstance(value, bool) or value == "":
        return None
    if isinstance(value, (int, float)):
        number, unit = _decimal(repr(value) if isinstance(value, int) else f"{value:.15g}"), money
    else:
        match = _AMOUNT.fullmatch(squeeze(text_of(value)))
        if match is None or not (match[2] or match[3]):
            return None
        sign, whole, fraction, stated = match.groups()
        number = _decimal(f"{sign}{whole.replace(',', '') or '0'}.{fraction or '0'}")
        unit = stated or money
    if number is None or not abs(number * YUAN[unit]) < LARGEST * YUAN["万元"]:
        return None
    return int((number * YUAN[unit] * FEN).to_integral_value(ROUND_HALF_UP))


def _decimal(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def shown_amount(fen: int, unit: str) -> int:
    """0.01 元 as hundredths of the register's unit (元, 万元), rounded half up."""
    scale = int(YUAN[unit] * FEN) // HUNDREDTHS
    return (2 * fen + scale) // (2 * scale)


class _Reading:
    """One reading of an export, row by row, then project by project."""

    def __init__(self, plan: Plan, declared: ProjectImport, heading: _Heading, file: str) -> None:
        self.plan, self.declared, self.heading, self.file = plan, declared, heading, file
        self.roster = Roster(plan)
        self.faults: list[Mistake] = []
        self.remarks: list[Mistake] = []
        self.incomplete: set[str] = set()
        self.unassigned: set[str] = set()
        self.strange: dict[str, tuple[list[int], tuple[str, ...]]] = {}
        self.by_code_only: dict[tuple[str, str], int] = {}
        self.lines: list[_Line] = []
        self.totals: list[tuple[str, int, Sequence[object]]] = []
        self.usual_digits = _usual_digits(
            [self._at(row, declared.key.source) for row in heading.rows[heading.row + 1 :]]
        )
        self.counted: list[Sequence[object]] = []

    def result(self) -> SystemProjects:
        """All that the export says. Raises ImportRefused where no project is left."""
        rows = self.heading.rows
        labels = {label_key(source) for source in self.heading.columns}
        for number in range(self.heading.row + 1, len(rows)):
            row = rows[number]
            if any(text_of(value) for value in row) and not self._is_heading(row, labels):
                self._row(number, row)
        for (code, name), number in self.by_code_only.items():
            what = f"按编码 {code} 认定为{self.plan.unit_by_code[code].name}，名称却是“{name}”"
            self._note(self.remarks, "E748", number, self.declared.units[0], what, "请核对")
        self._compare_total()
        projects = self._projects()
        self._tell_shared_codes(projects)
        if not projects:
            place = Place(self.file, self.heading.sheet)
            what = "没有一个项目能够导入"
            if self.strange:
                what += f"；单位名录不认得的单位有 {len(self.strange)} 个：{self._first_strange()}"
            none = Mistake("E741", what, place, "请核对文件和考核方案的“项目导入”表、单位名录")
            raise ImportRefused(self.file, [*self.faults, none])
        return SystemProjects(
            tuple(projects),
            tuple(
                StrangeUnit(name, tuple(number + 1 for number in numbers), proposals)
                for name, (numbers, proposals) in self.strange.items()
            ),
            tuple(self.faults),
            tuple(self.remarks),
            frozenset(self.incomplete),
            frozenset(self.unassigned),
            len(self.counted),
        )

    def _first_strange(self) -> str:
        names = list(self.strange)
        more = " 等" if len(names) > _MOST_ROWS_NAMED else ""
        return "、".join(names[:_MOST_ROWS_NAMED]) + more

    def _note(
        self, notes: list[Mistake], code: str, number: int, source: str, what: str, remedy: str = ""
    ) -> None:
        place = Place(self.file, self.heading.sheet, self.heading.cell(number, source))
        notes.append(Mistake(code, what, place, remedy))

    def _at(self, row: Sequence[object], source: str) -> object:
        at = self.heading.columns[source]
        return row[at] if at < len(row) else ""

    def _is_heading(self, row: Sequence[object], labels: set[str]) -> bool:
        """A heading that is repeated on every page."""
        shown = {label_key(value) for value in row if isinstance(value, str) and value}
        return labels <= shown

    def _row(self, number: int, row: Sequence[object]) -> None:
        key = self.declared.key
        units = [text_of(self._at(row, source)) for source in self.declared.units]
        code_cell = self._at(row, key.source)
        code = text_of(code_cell)
        texts = [text for value in row if isinstance(value, str) and (text := squeeze(value))]
        if any(text in SUM_ROWS for text in texts[:_LABELS_OF_A_TOTAL]) or (
            not code and any(_SUBTOTAL.fullmatch(text) for text in texts)
        ):
            self.totals += [(text[:2], number, row) for text in texts if _TOTAL.fullmatch(text)][:1]
            return
        if not any(self._amounts(row)) and not (code and any(units)):
            # Who made the list, and when.
            return
        self.counted.append(row)
        named = self.roster.named(units)
        if len(named.units) > 1:
            told = "、".join(unit.name for unit in named.units)
            what = f"单位列指的不是同一个单位（{told}），没有导入"
            self._note(self.faults, "E743", number, self.declared.units[0], what, "请核对系统数据")
            self.incomplete |= {unit.code for unit in named.units}
            self.unassigned.add(code_key(code))
            return
        unit = named.unit
        if unit is None:
            self._unknown_unit(number, units)
            self.unassigned.add(code_key(code))
            return
        if named.by_code and named.unknown:
            self.by_code_only.setdefault((unit.code, named.unknown[0]), number)
        if not code:
            what = f"“{key.source}”空白，没有导入"
            self._note(self.faults, "E746", number, key.source, what, "请在系统中补上后重新导出")
            self.incomplete.add(unit.code)
        elif len(code) > _LONGEST_CODE:
            what = f"“{key.source}”长 {len(code)} 字，不像编码，没有导入"
            self._note(self.faults, "E742", number, key.source, what, "请核对导出的列")
            self.incomplete.add(unit.code)
        elif spoiled(code_cell, self.usual_digits):
            what = f"“{key.source}”是 {code}，已被 Excel 当作数改掉，原来的编码无从得知，没有导入"
            remedy = (
                "请重新导出为 .xlsx，或用 Excel 的数据导入把这一列设为文本，不要直接打开 CSV 再保存"
            )
            self._note(self.faults, "E742", number, key.source, what, remedy)
            self.incomplete.add(unit.code)
        else:
            self.lines.append(_Line(number, unit.code, code, row))

    def _unknown_unit(self, number: int, units: Sequence[str]) -> None:
        texts = [text for text in units if text]
        if not texts:
            source = self.declared.units[0]
            remedy = "单位列合并过单元格的，请取消合并并逐行填上"
            self._note(self.faults, "E743", number, source, "单位空白，没有导入", remedy)
            return
        name = " ".join(texts)
        if name not in self.strange:
            self.strange[name] = ([], self.roster.proposals(texts))
        self.strange[name][0].append(number)

    def _amounts(self, row: Sequence[object]) -> list[str]:
        return [text_of(self._at(row, one.source)) for one in self.declared.columns if one.money]

    def _compare_total(self) -> None:
        """Tell a row of totals that is not the sum of the rows above it: something is missing."""
        grand = [one for one in self.totals if one[0] == "总计"] or self.totals
        if len(grand) != 1:
            return
        _, number, row = grand[0]
        for column in self.declared.columns:
            if not column.money:
                continue
            stated = fen_of(self._at(row, column.source), column.money)
            parts = [fen_of(self._at(one, column.source), column.money) for one in self.counted]
            total = sum(part for part in parts if part is not None)
            if stated is not None and stated != total:
                what = f"合计行的“{column.source}”与各行之和相差 {_yuan(stated - total)} 元"
                remedy = "请核对导出是否完整，有没有删过行"
                self._note(self.remarks, "E747", number, column.source, what, remedy)

    def _projects(self) -> list[SystemProject]:
        groups: dict[tuple[str, str], list[_Line]] = {}
        for line in self.lines:
            groups.setdefault((line.unit, code_key(line.code)), []).append(line)
        found = (self._project(lines) for lines in groups.values())
        return [project for project in found if project is not None]

    def _project(self, lines: list[_Line]) -> SystemProject | None:
        """One project from its rows; None where they contradict each other."""
        kept = self._without_repeats(lines)
        first, key = kept[0], self.declared.key
        summed = [one for one in self.declared.columns if one.use is ImportUse.SUM]
        if len(kept) > 1:
            differing = [
                one.source
                for one in self.declared.columns[1:]
                if len({squeeze(text_of(self._at(line.cells, one.source))) for line in kept}) > 1
            ]
            if not summed and differing:
                numbers = "、".join(str(line.number + 1) for line in kept[:_MOST_ROWS_NAMED])
                what = (
                    f"项目 {first.code} 有 {len(kept)} 行（第 {numbers} 行），"
                    f"{'、'.join(differing)}不同，分不清用哪一行，没有导入"
                )
                remedy = f"分资金列示的，把金额列的用途改为“{ImportUse.SUM}”；否则请核对系统数据"
                self._note(self.faults, "E745", kept[1].number, key.source, what, remedy)
                self.incomplete.add(first.unit)
                return None
        values: dict[str, int | dt.date | str | None] = {}
        exact: dict[str, int] = {}
        for column in self.declared.columns:
            label = column.column.label
            if column is key:
                values[label] = first.code
            elif column.use is ImportUse.SUM:
                self._sum(column, kept, values, exact)
            else:
                self._single(column, kept, summed, values, exact)
        rows = tuple(line.number + 1 for line in kept)
        return SystemProject(first.unit, first.code, values, exact, self.heading.sheet, rows)

    def _without_repeats(self, lines: list[_Line]) -> list[_Line]:
        """The rows without those that are the same as an earlier one in every cell."""
        kept: dict[tuple[str, ...], _Line] = {}
        for line in lines:
            cells = tuple(text_of(value) for value in line.cells)
            first = kept.setdefault(cells, line)
            if first is not line:
                what = f"项目 {line.code} 与第 {first.number + 1} 行完全相同，只取一行"
                self._note(self.remarks, "E748", line.number, self.declared.key.source, what)
        return list(kept.values())

    def _sum(
        self,
        column: ImportColumn,
        lines: Sequence[_Line],
        values: dict[str, int | dt.date | str | None],
        exact: dict[str, int],
    ) -> None:
        label, total = column.column.label, 0
        amounts = [self._read(column, line, signed=len(lines) > 1) for line in lines]
        if all(amount is None for amount in amounts):
            values[label] = None
            return
        total = sum(amount for amount in amounts if isinstance(amount, int))
        if total < 0:
            what = f"项目 {lines[0].code} 的“{column.source}”合计小于 0，没有预填"
            self._note(self.faults, "E744", lines[0].number, column.source, what, "请核对系统数据")
            values[label] = None
            return
        self._put(column, total, values, exact)

    def _single(
        self,
        column: ImportColumn,
        lines: Sequence[_Line],
        summed: Sequence[ImportColumn],
        values: dict[str, int | dt.date | str | None],
        exact: dict[str, int],
    ) -> None:
        """The value of a column that is not summed: of the row with the largest amount."""
        line = lines[0]
        said = {squeeze(text_of(self._at(one.cells, column.source))) for one in lines}
        if len(said) > 1:
            line = max(lines, key=lambda one: self._size(summed[0], one))
            if column.column.kind in NUMERIC:
                what = f"项目 {line.code} 各行的“{column.source}”不同，没有预填"
                remedy = f"各行应当相加的，把这一列的用途改为“{ImportUse.SUM}”"
                self._note(self.faults, "E745", lines[1].number, column.source, what, remedy)
                values[column.column.label] = None
                return
            what = (
                f"项目 {line.code} 各行的“{column.source}”不同，取金额最大的第 {line.number + 1} 行"
            )
            first = squeeze(text_of(self._at(lines[0].cells, column.source)))
            other = next(
                one
                for one in lines
                if squeeze(text_of(self._at(one.cells, column.source))) != first
            )
            self._note(self.remarks, "E748", other.number, column.source, what)
        self._put(column, self._read(column, line), values, exact)

    def _size(self, column: ImportColumn, line: _Line) -> int:
        value = _value_of(column, self._at(line.cells, column.source))
        return value if isinstance(value, int) else 0

    def _put(
        self,
        column: ImportColumn,
        value: int | dt.date | str | None,
        values: dict[str, int | dt.date | str | None],
        exact: dict[str, int],
    ) -> None:
        label = column.column.label
        if column.money and isinstance(value, int):
            exact[label] = value
            value = shown_amount(value, column.column.unit)
        values[label] = value

    def _read(
        self, column: ImportColumn, line: _Line, *, signed: bool = False
    ) -> int | dt.date | str | None:
        """A cell's value (money in 0.01 元); None, having told so, where it cannot be read."""
        cell = self._at(line.cells, column.source)
        text = text_of(cell)
        if not text:
            return None
        value = _value_of(column, cell)
        text = text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
        number = value if isinstance(value, int) else 0
        if value is not None and (signed or number >= 0):
            return value
        what = f"项目 {line.code} 的“{column.source}”是“{text}”，{_wanted_value(column.column)}，没有预填"
        remedy = "请在“取值对照”中写明对应哪个选项" if column.column.choices else "请核对系统数据"
        self._note(self.faults, "E744", line.number, column.source, what, remedy)
        return None

    def _tell_shared_codes(self, projects: Sequence[SystemProject]) -> None:
        """Tell of a code that several units have; each keeps its own."""
        first: dict[str, SystemProject] = {}
        for project in projects:
            other = first.setdefault(code_key(project.code), project)
            if other is not project:
                names = "和".join(self.plan.unit_by_code[p.unit].name for p in (other, project))
                what = f"项目 {project.code} 在{names}名下都有，各算各的"
                number = project.rows[0] - 1
                self._note(self.remarks, "E748", number, self.declared.key.source, what, "请核对")


def _usual_digits(codes: Sequence[object]) -> int:
    """How many digits most codes have, where most are numbers; 0 where they are not."""
    given = [code for code in codes if code != ""]
    digits = Counter(
        len(str(int(code)))
        for code in given
        if isinstance(code, (int, float)) and not isinstance(code, bool) and abs(code) < LARGEST**2
    )
    common = digits.most_common(1)
    return common[0][0] if common and 2 * common[0][1] > len(given) else 0


def spoiled(cell: object, usual_digits: int = 0) -> bool:
    """Whether a code has become a number or a date that no longer tells what it was.

    A number keeps fifteen digits; one that ends in six noughts or more is what is left of a code
    such as 1E10 or cannot be told from it, unless it has as many digits as most codes of its column.
    """
    if isinstance(cell, (dt.date, bool)):
        return True
    if isinstance(cell, (int, float)):
        if abs(cell) >= _EXACT_DIGITS or not float(cell).is_integer():
            return True
        return cell % _NOUGHTS == 0 and len(str(int(cell))) != usual_digits
    return bool(_SPOILED.fullmatch(squeeze(text_of(cell))))


def _value_of(column: ImportColumn, cell: object) -> int | dt.date | str | None:
    declared = column.column
    if column.money:
        return fen_of(cell, column.money)
    if declared.kind in NUMERIC:
        return precise_number_of(cell, declared.unit)
    if declared.kind is ValueKind.DATE:
        return date_of(cell)
    text = text_of(cell)
    if declared.kind is not ValueKind.CHOICE:
        return text if len(text.encode("utf-16-le", "replace")) <= 2 * _LONGEST_CELL else None
    wanted = squeeze(text)
    by_spelling = {squeeze(choice): choice for choice in declared.choices}
    return by_spelling.get(wanted) or column.words.get(wanted)


def _wanted_value(column: Column) -> str:
    if column.kind is ValueKind.CHOICE:
        return f"不是登记表的选项（{'、'.join(column.choices)}）"
    if column.kind is ValueKind.DATE:
        return "应为日期"
    if column.kind not in NUMERIC:
        return f"超过了 {_LONGEST_CELL} 字"
    return "应为 0 或大于 0 的数"


def _yuan(fen: int) -> str:
    return f"{Decimal(fen) / FEN:,.2f}"
