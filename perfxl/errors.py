"""What the operator can mend: every error that perfxl shows a person, with code, place and remedy.

Findings about a unit's data are not errors: they live in ``perfxl.checks`` and are never raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Place:
    """Where something is: a file, a sheet in it, a cell in that (each may be unknown)."""

    file: str = ""
    sheet: str = ""
    cell: str = ""

    def __str__(self) -> str:
        """Chinese text such as ``考核方案.xlsx / 单位名录!B3``; empty where nothing is known."""
        inside = f"{self.sheet}!{self.cell}" if self.sheet and self.cell else self.sheet
        return " / ".join(part for part in (self.file, inside) if part)


@dataclass(frozen=True)
class Mistake:
    """One of several mistakes that are reported together: code, what, where, what to do."""

    code: str
    what: str
    place: Place = Place()
    remedy: str = ""

    def __str__(self) -> str:
        where = str(self.place)
        remedy = f"（{self.remedy}）" if self.remedy else ""
        return f"[{self.code}] {where + '：' if where else ''}{self.what}{remedy}"


class PerfxlError(Exception):
    """Base of what the operator can mend; the command line prints it and exits with 2."""

    code = "E000"

    def __init__(self, what: str, *, place: Place | None = None, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.place = place or Place()
        self.remedy = remedy

    def __str__(self) -> str:
        return str(Mistake(self.code, self.what, self.place, self.remedy))


class PlanRefused(PerfxlError):
    """The plan workbook is wrong; ``mistakes`` holds every mistake at its cell."""

    code = "E101"

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(
            f"考核方案有 {len(mistakes)} 处错误，未采用",
            place=Place(file),
            remedy="请逐条改正后重试",
        )
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class MailRefused(PerfxlError):
    """Mails of a batch are wrong and none is written; ``mistakes`` holds each at its cell."""

    code = "E601"

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(
            f"邮件有 {len(mistakes)} 处错误，一封也没有写出或发出",
            place=Place(file),
            remedy="请逐条改正后重试",
        )
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class LibraryRefused(PerfxlError):
    """The indicator library is wrong; ``mistakes`` holds every mistake at its cell."""

    code = "E721"

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(
            f"指标库有 {len(mistakes)} 处错误，没有改动它",
            place=Place(file),
            remedy="请逐条改正后重试",
        )
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class LibraryHeld(PerfxlError):
    """A workbook that would be changed in place (the library, a plan, a year's workbook) is open in
    an office program, or was saved there meanwhile."""

    code = "E722"


class LibraryDamaged(PerfxlError):
    """The file of the indicator library cannot be read whole; it is left as it is."""

    code = "E723"


class NotInLibrary(PerfxlError):
    """An indicator that the library does not have, or one that is no longer in use."""

    code = "E728"


class NoLibrary(PerfxlError):
    """There is no indicator library where one is looked for."""

    code = "E729"


class MailServerFault(PerfxlError):
    """A mail server cannot be reached, or does not let the office in."""

    code = "E602"


class NoMailPassword(PerfxlError):
    """No password for a mail server, neither in the keyring nor in the environment."""

    code = "E603"


class NotACampaign(PerfxlError):
    """The folder holds no plan workbook."""

    code = "E102"


class AlreadyThere(PerfxlError):
    """A folder or file that perfxl would have to overwrite."""

    code = "E103"


class NotInPlan(PerfxlError):
    """The plan workbook does not declare what a stage needs."""

    code = "E104"


class NoSuchCampaign(PerfxlError):
    """The folder of another campaign is not there, or holds no campaign."""

    code = "E701"


class FiguresRefused(PerfxlError):
    """Another campaign cannot give what the plan wants of it; ``mistakes`` holds each at its cell."""

    code = "E702"

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(
            f"有 {len(mistakes)} 个数据项不能从考核文件夹取数，一个也没有取",
            place=Place(file),
            remedy="请逐条改正后重试",
        )
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class NoYearWorkbook(PerfxlError):
    """The folder of a county's year does not hold its workbook."""

    code = "E703"


class NotAYear(PerfxlError):
    """The plan is not that of one county's own year: it has more than one unit."""

    code = "E704"


class Fault(StrEnum):
    """Why a file cannot be read, in the word that the office sees as its verdict."""

    ENCRYPTED = "已加密"
    DAMAGED = "文件损坏"
    NOT_A_WORKBOOK = "不是工作簿"
    TOO_LARGE = "过大"
    UNREADABLE = "无法读取"


class Unreadable(PerfxlError):
    """A file that cannot be read; ``fault`` says which case it is, the text what happened."""

    code = "E201"

    def __init__(
        self,
        what: str,
        *,
        place: Place | None = None,
        remedy: str = "",
        fault: Fault = Fault.UNREADABLE,
    ) -> None:
        super().__init__(what, place=place, remedy=remedy)
        self.fault = fault


class Missing(PerfxlError):
    """A file or folder that was named and is not there."""

    code = "E202"


class UnknownUnit(PerfxlError):
    """A unit that is not in the roster, or a return whose unit cannot be told."""

    code = "E203"


class UnknownIndicator(PerfxlError):
    """An indicator that the unit's rubric does not have."""

    code = "E204"


class NoSuchScore(PerfxlError):
    """An approved score that cannot hold: out of range, off the step, or without a reason."""

    code = "E206"


class WrongWorkbook(PerfxlError):
    """A workbook that can be read and is not the one that was asked for."""

    code = "E205"


class InputAtRisk(PerfxlError):
    """Going on would overwrite what a person typed and perfxl has not yet taken in."""

    code = "E301"


class NothingToDo(PerfxlError):
    """The stage before this one has not left anything to work on."""

    code = "E401"


class LedgerBroken(PerfxlError):
    """The ledger cannot be read or written."""

    code = "E302"


class NoOfficeProgram(PerfxlError):
    """LibreOffice is needed and not installed."""

    code = "E503"


class CannotWrite(PerfxlError):
    """A product cannot be written, most often because Excel or WPS holds it open."""

    code = "E501"


class NoCalendar(PerfxlError):
    """The holidays of a year are not known, so its working days cannot be counted."""

    code = "E504"


class NoReadingProcess(PerfxlError):
    """The process that reads files could not be started."""

    code = "E505"
