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


class RefusedAtCells(PerfxlError):
    """A workbook of the office's own that is wrong; ``mistakes`` holds every mistake at its cell."""

    _told = "有 {count} 处错误"

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        what = self._told.format(count=len(mistakes))
        super().__init__(what, place=Place(file), remedy="请逐条改正后重试")
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class PlanRefused(RefusedAtCells):
    """The plan workbook is wrong; ``mistakes`` holds every mistake at its cell."""

    code = "E101"
    _told = "考核方案有 {count} 处错误，未采用"


class MailRefused(RefusedAtCells):
    """Mails of a batch are wrong and none is written; ``mistakes`` holds each at its cell."""

    code = "E601"
    _told = "邮件有 {count} 处错误，一封也没有写出或发出"


class ImportRefused(RefusedAtCells):
    """A project list of the budget system that cannot be used; ``mistakes`` holds each at its cell."""

    code = "E741"
    _told = "导入的项目表有 {count} 处问题，未采用"


class LibraryRefused(RefusedAtCells):
    """The indicator library is wrong; ``mistakes`` holds every mistake at its cell."""

    code = "E721"
    _told = "指标库有 {count} 处错误，没有改动它"


class ProjectListOutdated(PerfxlError):
    """The project list that was imported does not fit the plan of the day."""

    code = "E749"


class WorkbookHeld(PerfxlError):
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


class ReportContradicts(PerfxlError):
    """A self-assessment report would contradict itself; ``mistakes`` holds every sentence."""

    code = "E711"

    def __init__(self, file: str, mistakes: Sequence[Mistake]) -> None:
        super().__init__(
            f"报告有 {len(mistakes)} 处自相矛盾，没有写出",
            place=Place(file),
            remedy="请改正登记表或考核方案“文稿”表中的有关文字后重试",
        )
        self.mistakes = tuple(mistakes)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {mistake}" for mistake in self.mistakes)])


class NotInPlan(PerfxlError):
    """The plan workbook does not declare what a stage needs."""

    code = "E104"


class NoSuchCampaign(PerfxlError):
    """The folder of another campaign is not there, or holds no campaign."""

    code = "E701"


class FiguresRefused(RefusedAtCells):
    """Another campaign cannot give what the plan wants of it; ``mistakes`` holds each at its cell."""

    code = "E702"
    _told = "有 {count} 个数据项不能从考核文件夹取数，一个也没有取"


class NoYearWorkbook(PerfxlError):
    """The folder of a county's year does not hold its workbook."""

    code = "E703"


class NotAYear(PerfxlError):
    """The plan is not that of one county's own year: it has more than one unit."""

    code = "E704"


class IsAYear(PerfxlError):
    """The folder is a county's own year, and the command is for the assessment of other units."""

    code = "E705"


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


class NoCluster(PerfxlError):
    """The scheduler that was named cannot be reached, or has no worker."""

    code = "E341"


class ClusterLost(PerfxlError):
    """The scheduler, or the last worker, went away while files were being read."""

    code = "E342"


class OtherVersions(PerfxlError):
    """Something that decides how files are read has another version on the cluster than here."""

    code = "E343"


class NoDistributed(PerfxlError):
    """The library that speaks to Dask is not installed."""

    code = "E344"


class NothingToDo(PerfxlError):
    """The stage before this one has not left anything to work on."""

    code = "E401"


class TooLargeForExcel(PerfxlError):
    """What is to be written does not go into one workbook of Excel's."""

    code = "E351"


class LedgerBroken(PerfxlError):
    """The ledger cannot be read or written."""

    code = "E302"


class LedgerAddressWrong(PerfxlError):
    """The address of a ledger on a server is none that perfxl takes."""

    code = "E311"


class LedgerUnreachable(PerfxlError):
    """The ledger's server does not answer."""

    code = "E312"


class LedgerLoginRefused(PerfxlError):
    """The ledger's server does not let this user in: password, name or rule of access."""

    code = "E313"


class NoSuchDatabase(PerfxlError):
    """The ledger's server has no database of this name."""

    code = "E314"


class NoLedgerRights(PerfxlError):
    """The user of the ledger's server may not do what is needed."""

    code = "E315"


class LedgerVersion(PerfxlError):
    """The ledger on the server and this perfxl are of different versions."""

    code = "E316"


class LedgerConnectionLost(PerfxlError):
    """The connection broke within a transaction: nothing of it is recorded."""

    code = "E317"


class LedgerInDoubt(PerfxlError):
    """The connection broke while a transaction was confirmed: nobody knows whether it holds."""

    code = "E318"


class OtherLedger(PerfxlError):
    """The ledger on the server is not that of this campaign folder."""

    code = "E319"


class LedgerMoved(PerfxlError):
    """This ledger was moved elsewhere and takes nothing in any more."""

    code = "E320"


class LedgerBusy(PerfxlError):
    """Another program has been writing into the ledger for too long."""

    code = "E321"


class NoLedgerDriver(PerfxlError):
    """The library that speaks to PostgreSQL is not installed."""

    code = "E322"


class LedgerNotMoved(PerfxlError):
    """A ledger cannot be moved, and stays where it was."""

    code = "E323"


class LedgerServerUnfit(PerfxlError):
    """The server or database is set up so that it cannot keep a ledger."""

    code = "E324"


class LedgerPasswordNotKept(PerfxlError):
    """This computer has no keyring in which the ledger's password could be kept."""

    code = "E325"


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
