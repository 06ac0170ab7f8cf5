"""ingest (报送): take in whatever came back; keep every original, give every file a verdict.

Files in; out come originals in 原件/, then receipts and verdicts in the ledger, in that order: what
was killed in between is taken in again by the next run, and nothing counts as received before.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from perfxl.campaign import FOLDERS, INBOX, ORIGINALS, Campaign
from perfxl.envelopes import Enclosed, Envelope
from perfxl.envelopes.opening import opened_envelope
from perfxl.errors import Fault, Missing, PerfxlError, Place, Unreadable
from perfxl.excel.decryption import UNASKED, decrypted
from perfxl.excel.package import LARGEST_FILE
from perfxl.excel.reader import Grid, read_lot, read_workbook
from perfxl.files import (
    WORKBOOK_SUFFIXES,
    is_litter,
    keep_originals,
    original_name,
    sha256_of,
    storable_name,
    walk,
)
from perfxl.intake.content import differs_from
from perfxl.intake.extract import Extracted, Layouts, Return, extract_one
from perfxl.intake.identity import Identity, identify, unit_in_file_name
from perfxl.intake.judgement import Decision, Judgement, judge, second_to_undoubted
from perfxl.isolation.reading_ahead import ahead, in_lots
from perfxl.isolation.service import kept_workers
from perfxl.ledger import Form, Receipt, Verdict
from perfxl.plan.forms import OPINIONS
from perfxl.plan.model import Unit
from perfxl.stages.project_list import lists_ever_in_force
from perfxl.stages.received import original_of
from perfxl.stages.rectification_books import (
    BookTaken,
    is_rectification_book,
    judge_book,
    take_book,
)
from perfxl.tables import StampState, SystemProject, SystemProjects

# Receipts that are written in one transaction; each waits no longer than this many files. What
# came out of one file is never written apart from it.
_TOGETHER = 32
# Bytes that wait in memory to be kept together.
_MOST_WAITING = 64 << 20
# What may come out of one file, whatever is packed into what.
_DEEPEST, _MOST_MEMBERS, _MOST_BYTES = 4, 2_000, 256 << 20


@dataclass(frozen=True)
class Incoming:
    """A file to take in, and when the office received it.

    ``name`` is what it is called where its path does not say so; ``answers`` the code of the unit
    to whose mail it is a reply.
    """

    path: Path
    received_at: dt.datetime
    name: str = ""
    answers: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of one file; ``new`` is False where nothing had to be recorded.

    ``path`` is the file that the operator sees; what came out of an archive or a mail has its own
    name in the receipt. ``rectified`` is what a rectification book brought.
    """

    path: Path
    receipt: Receipt
    new: bool
    rectified: BookTaken | None = None


@dataclass(frozen=True)
class IngestResult:
    """Every file that was met: taken (new or known), or passed over as litter."""

    taken: tuple[Taken, ...]
    passed_over: tuple[str, ...]


def incoming(
    campaign: Campaign, paths: list[Path], received_at: dt.datetime
) -> tuple[list[Incoming], list[Path]]:
    """The files under the given paths (收件/ where none is given), and what is passed over.

    They come in the order in which they were saved, so that of two returns of one unit that are
    taken in together the one that was saved last counts. Raises Missing for a path that is not
    there, PerfxlError for a folder of what perfxl wrote.
    """
    for path in paths:
        if not path.exists():
            raise Missing("没有这个文件或文件夹", place=Place(str(path)), remedy="请检查路径")
        if path.is_dir() and _holds_our_own(campaign, path):
            raise PerfxlError(
                "这个文件夹里有考核文件夹自己的文件，不是收到的报送",
                place=Place(str(path)),
                remedy=f"请把收到的文件放进“{INBOX}”，或只给出收到的文件",
            )
    files: list[Path] = []
    litter: list[Path] = []
    for path in walk(paths or [campaign.path(INBOX)]):
        (litter if is_litter(path) else files).append(path)
    return [Incoming(path, received_at) for path in sorted(files, key=_saved_at)], litter


def _saved_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        # It is told as unreadable when its turn comes.
        return 0


def _holds_our_own(campaign: Campaign, folder: Path) -> bool:
    """Whether it is the campaign's folder, one above it, or one of those that perfxl writes."""
    root, given = campaign.folder.resolve(), folder.resolve()
    if root.is_relative_to(given):
        return True
    return any(given.is_relative_to(root / name) for name in FOLDERS if name != INBOX)


def ingest(
    campaign: Campaign,
    files: Iterable[Incoming],
    passed_over: Iterable[Path] = (),
    progress: Callable[[], None] = lambda: None,
    decision: Decision | None = None,
    password: str = "",
    when_new: Callable[[], None] = lambda: None,
    when_recorded: Callable[[Mapping[str, Extracted]], None] | None = None,
) -> IngestResult:
    """Keep each file's bytes in 原件/, then record receipts for them. A bad file stops nothing.

    Archives and mails are opened, and so are encrypted workbooks where ``password`` fits; what was
    in them is taken in like files. A file that is known and valid changes nothing; any other is
    judged again, because the plan or the operator's decision may have changed.

    ``when_new`` is called once, when the first file has come that was not known and valid;
    ``when_recorded`` with what valid returns say, by hash, whenever receipts of some were committed;
    ``progress`` counts files that were looked at. That they are received is said by the result
    alone, which is there when every receipt has been committed.
    """
    names = [path.name for path in passed_over]
    run = _Run(campaign, decision, password, names, when_new, when_recorded)
    for arrival, opened in run.opened(map(run.arrive, files)):
        run.settle(arrival, opened)
        run.record_many()
        progress()
    return run.finish()


@dataclass(frozen=True)
class _Arrival:
    """One file on its way in, its bytes to be kept as ``original``; nothing is said of it yet."""

    path: Path
    name: str
    received_at: dt.datetime
    data: bytes = field(default=b"", repr=False)
    size: int = 0
    digest: str = ""
    original: str = ""
    envelope: str = ""
    sender: str = ""
    sent_at: dt.datetime | None = None
    beside: str = ""
    depth: int = 0
    answers: str = ""
    refusal: str = ""

    @property
    def is_to_be_read(self) -> bool:
        """Whether what it holds is not known yet, and was taken in."""
        return bool(self.original) and not self.refusal


# What a file holds; None where there is no need to know.
_Opened = Grid | Envelope | Unreadable | None


class _Run:
    """One run over a batch of files."""

    def __init__(
        self,
        campaign: Campaign,
        decision: Decision | None,
        password: str,
        passed_over: list[str],
        when_new: Callable[[], None],
        when_recorded: Callable[[Mapping[str, Extracted]], None] | None,
    ) -> None:
        self.campaign, self.decision, self.password = campaign, decision, password
        self.when_new: Callable[[], None] | None = when_new
        self.when_recorded = when_recorded
        self.passed_over = passed_over
        receipts = campaign.ledger.receipts(Form.RETURN)
        books = campaign.ledger.receipts(Form.RECTIFICATION)
        self.known = {receipt.sha256: receipt for receipt in (*receipts, *books)}
        self.undoubted = {
            receipt.holder
            for receipt in receipts
            if receipt.verdict is Verdict.VALID and not receipt.doubtful
        }
        send_backs = campaign.ledger.send_backs()
        self.sent_back = {one.sha256: one.unit for one in send_backs}
        self.last_sent_back = {one.unit: one.receipt for one in send_backs}
        self.taken: list[Taken] = []
        self.pending: list[tuple[Path, Receipt, dt.datetime]] = []
        self.originals: dict[str, str] = {}
        self.queue: dict[str, bytes] = {}
        self.queue_bytes = 0
        self.attachments: list[_Arrival] = []
        self.units_beside: dict[str, set[str]] = defaultdict(set)
        self.given: list[SystemProjects] | None = None
        self.extracted: dict[str, Extracted] = {}
        self.order: dict[Path, int] = {}
        self.unpacked: Counter[Path] = Counter()
        self.unpacked_bytes: Counter[Path] = Counter()

    @cached_property
    def layouts(self) -> Layouts:
        """Made when the first file has been read: files are read while the plan is."""
        return Layouts(self.campaign.plan)

    def arrive(self, file: Incoming) -> _Arrival:
        """Read a file's bytes, which are kept before anything is said of them."""
        self.order.setdefault(file.path, len(self.order))
        arrival = _Arrival(
            file.path,
            storable_name(file.name or file.path.name),
            file.received_at,
            beside=str(file.path.parent),
            answers=file.answers,
        )
        try:
            if file.path.stat().st_size > LARGEST_FILE:
                return replace(
                    arrival,
                    refusal="文件超过 64 MB，没有收取。请去掉图片等内容后重新报送",
                )
            data = file.path.read_bytes()
        except OSError as error:
            return replace(arrival, refusal=f"文件读不出来（{error.strerror}）。请检查后重新收取")
        return self._queued(replace(arrival, data=data))

    def _queued(self, arrival: _Arrival) -> _Arrival:
        digest = sha256_of(arrival.data)
        arrival = replace(arrival, digest=digest, size=len(arrival.data))
        if self._is_settled(digest):
            original = self.known[digest].original
            if not self.campaign.original(original).is_file():
                # Somebody took it away; here it is again.
                keep_originals(self.campaign.path(ORIGINALS), {original: arrival.data})
            return arrival
        if self.when_new is not None:
            self.when_new()
            self.when_new = None
        known = self.known.get(digest)
        original = self.originals.setdefault(
            digest, known.original if known else original_name(digest, arrival.name)
        )
        if original not in self.queue:
            self.queue[original] = arrival.data
            self.queue_bytes += arrival.size
        if len(self.queue) >= _TOGETHER or self.queue_bytes >= _MOST_WAITING:
            self._keep_queue()
        return replace(arrival, original=original)

    def _keep_queue(self) -> None:
        """Keep what waits for it: to be called before any of it is recorded."""
        keep_originals(self.campaign.path(ORIGINALS), self.queue)
        self.queue, self.queue_bytes = {}, 0

    def _is_settled(self, digest: str) -> bool:
        known = self.known.get(digest)
        return known is not None and known.verdict is Verdict.VALID and self.decision is None

    def opened(self, arrivals: Iterable[_Arrival]) -> Iterator[tuple[_Arrival, _Opened]]:
        """Each file with what it holds, read in the workers ahead of the caller."""
        lots = in_lots(arrivals, lambda arrival: len(arrival.data))
        for lot, found in ahead(
            self._open, lots, size=lambda lot: sum(len(arrival.data) for arrival in lot)
        ):
            yield from zip(lot, found, strict=True)

    def _open(self, arrivals: Sequence[_Arrival]) -> list[_Opened]:
        """What files hold; None where there is no need to know."""
        read = iter(read_lot([(one.data, one.name) for one in arrivals if one.is_to_be_read]))
        return [
            self._looked_into(one, next(read)) if one.is_to_be_read else None for one in arrivals
        ]

    def _looked_into(self, arrival: _Arrival, read: Grid | Unreadable) -> _Opened:
        """A workbook as it was read; what is none may be an envelope."""
        if isinstance(read, Unreadable) and read.fault is Fault.ENCRYPTED:
            return self._without_password(arrival, read)
        if isinstance(read, Unreadable) and read.fault is Fault.NOT_A_WORKBOOK:
            try:
                return opened_envelope(arrival.data) or read
            except Unreadable as error:
                return error
        return read

    def _without_password(self, arrival: _Arrival, refusal: Unreadable) -> Envelope | Unreadable:
        """An encrypted workbook as an envelope around what is in it."""
        for password in filter(None, (UNASKED, self.password)):
            try:
                content = decrypted(arrival.data, password)
            except Unreadable as error:
                refusal = error if password == self.password else refusal
            else:
                return Envelope("", "", None, (Enclosed(arrival.name, "", content),), (), ())
        return refusal

    def settle(self, arrival: _Arrival, opened: _Opened) -> None:
        """Give one file its verdict, and take in what it contains."""
        if arrival.refusal:
            self.taken.append(Taken(arrival.path, _not_taken(arrival), new=True))
        elif opened is None or self._is_settled(arrival.digest):
            # The same bytes may have come twice, under two names.
            settled = self.known[arrival.digest]
            self.units_beside[arrival.beside].add(settled.holder)
            self.taken.append(Taken(arrival.path, settled, new=False))
        elif isinstance(opened, Envelope):
            self._unpack(arrival, opened)
        elif isinstance(opened, Unreadable):
            known = self.known.get(arrival.digest)
            if known is not None and known.verdict is Verdict.OPENED:
                # An earlier run had the password.
                self.taken.append(Taken(arrival.path, known, new=False))
            elif _is_attachment(arrival, opened, known):
                # Its bytes are kept with those of the others, and may be large.
                self.attachments.append(replace(arrival, data=b""))
            else:
                detail = f"{opened.what}。{opened.remedy}"
                self._judged(arrival, Judgement("", Verdict(opened.fault), detail))
        else:
            self._settle_workbook(arrival, opened)

    def _settle_workbook(self, arrival: _Arrival, grid: Grid) -> None:
        plan = self.campaign.plan
        if is_rectification_book(grid):
            self._settle_rectification_book(arrival, grid)
            return
        identity = identify(
            plan,
            grid,
            arrival.name,
            self.campaign.stamp_key,
            arrival.sender,
            plan.unit_by_code.get(arrival.answers),
        )
        judged = self._judgement(arrival, grid, identity)
        receipt = self._judged(arrival, judged)
        if judged.verdict is Verdict.VALID and self.when_recorded is not None:
            unit = plan.unit_by_code[judged.holder]
            one = Return(receipt.sha256, receipt.file, unit, identity, grid)
            self.extracted[receipt.sha256] = extract_one(self.layouts, one)

    def _settle_rectification_book(self, arrival: _Arrival, grid: Grid) -> None:
        """Take in a unit's rectification book; its reports are recorded with its receipt."""
        judged = judge_book(self.campaign, grid, arrival.name, self.decision)
        if judged.verdict is not Verdict.VALID:
            self._judged(arrival, judged, Form.RECTIFICATION)
            return
        receipt = self._receipt(arrival, judged, Form.RECTIFICATION)
        self._keep_queue()
        book = take_book(self.campaign, receipt, grid, arrival.received_at)
        self.known[arrival.digest] = receipt
        self.units_beside[arrival.beside].add(judged.holder)
        self.taken.append(Taken(arrival.path, receipt, new=True, rectified=book))

    def _judgement(self, arrival: _Arrival, grid: Grid, identity: Identity) -> Judgement:
        plan = self.campaign.plan
        if arrival.digest in self.sent_back and self.decision is None:
            return Judgement(
                self.sent_back[arrival.digest],
                Verdict.UNCHANGED,
                "这是退回修改的标注件，没有改动。请填报单位改正后重新报送",
            )
        traces = (arrival.name, arrival.sender)
        judged = judge(plan, grid, identity, traces, self.decision, self._given)
        if judged.verdict is Verdict.VALID and self._is_saved_again(judged.holder, grid):
            return Judgement(
                judged.holder,
                Verdict.UNCHANGED,
                "这是退回修改的标注件，只是另存过，内容没有改动，也没有说明。"
                "请填报单位改正后重新报送",
            )
        if judged.verdict is Verdict.VALID and judged.doubtful and self.decision is None:
            earlier = self.known.get(arrival.digest)
            if judged.holder in self.undoubted and not (
                earlier is not None and earlier.verdict is Verdict.VALID
            ):
                return second_to_undoubted(plan.unit_by_code[judged.holder])
        if judged.verdict is Verdict.VALID:
            if identity.stamp is StampState.GENUINE and not judged.doubtful:
                self.undoubted.add(judged.holder)
            self.units_beside[arrival.beside].add(judged.holder)
        return judged

    def _given(self, unit: Unit) -> list[SystemProject]:
        """The projects that the unit's workbook may have been issued with."""
        if self.given is None:
            self.given = lists_ever_in_force(self.campaign)
        return [one for projects in self.given for one in projects.by_unit.get(unit.code, ())]

    def _is_saved_again(self, unit: str, grid: Grid) -> bool:
        """Whether this is the unit's marked copy, saved without a change of what it says."""
        if OPINIONS not in grid.sheets or self.decision is not None:
            return False
        sent = self.last_sent_back.get(unit)
        if sent not in self.known:
            return False
        receipt = self.known[sent]
        try:
            earlier = read_workbook(original_of(self.campaign, receipt), receipt.file)
        except PerfxlError:
            return False
        return not differs_from(self.campaign.plan, grid, earlier)

    def _judged(self, arrival: _Arrival, judged: Judgement, form: Form = Form.RETURN) -> Receipt:
        receipt = self._receipt(arrival, judged, form)
        self.known[arrival.digest] = receipt
        self.pending.append((arrival.path, receipt, arrival.received_at))
        return receipt

    def _receipt(self, arrival: _Arrival, judged: Judgement, form: Form) -> Receipt:
        known = self.known.get(arrival.digest)
        decides = (Verdict.VALID, Verdict.ATTACHMENT)
        decided = self.decision is not None and judged.verdict in decides
        return Receipt(
            sha256=arrival.digest,
            form=form,
            holder=judged.holder,
            file=known.file if known else arrival.name,
            original=known.original if known else arrival.original,
            size=arrival.size,
            received_at=known.received_at if known else arrival.received_at,
            verdict=judged.verdict,
            detail=judged.detail,
            doubtful=judged.doubtful,
            decided_by=self.decision.by if decided and self.decision else "",
            envelope=known.envelope if known else arrival.envelope,
            sender=known.sender if known else arrival.sender,
            sent_at=known.sent_at if known else arrival.sent_at,
        )

    def record_many(self) -> None:
        """Record what is pending where that is much; to be called between files."""
        if len(self.pending) >= _TOGETHER:
            self._record()

    def _record(self) -> None:
        self._keep_queue()
        news = self.campaign.ledger.record_receipts([(r, at) for _, r, at in self.pending])
        judged = [
            Taken(path, receipt, new)
            for (path, receipt, _), new in zip(self.pending, news, strict=True)
        ]
        self.taken += judged
        self.pending.clear()
        fresh = {
            digest: self.extracted[digest]
            for digest in (taken.receipt.sha256 for taken in judged if taken.new)
            if digest in self.extracted
        }
        self.extracted.clear()
        if self.when_recorded is not None and fresh:
            self.when_recorded(fresh)

    def _unpack(self, arrival: _Arrival, envelope: Envelope) -> None:
        """Take in what an archive or a mail holds; the envelope itself is recorded as opened."""
        inside = f"{arrival.name} 内 "
        self.passed_over += [inside + name for name in envelope.passed_over]
        details = list(envelope.refused)
        self.unpacked[arrival.path] += len(envelope.enclosed)
        self.unpacked_bytes[arrival.path] += sum(len(one.data) for one in envelope.enclosed)
        if (
            arrival.depth >= _DEEPEST
            or self.unpacked[arrival.path] > _MOST_MEMBERS
            or self.unpacked_bytes[arrival.path] > _MOST_BYTES
        ):
            detail = "压缩包层层套装或内容过多，没有再拆。请解压后报送"
            self._judged(arrival, Judgement("", Verdict.TOO_LARGE, detail))
            return
        sender = envelope.sender or arrival.sender
        members = [
            self._queued(
                replace(
                    arrival,
                    name=storable_name(one.name),
                    data=one.data,
                    digest="",
                    original="",
                    envelope=arrival.digest,
                    sender=sender,
                    sent_at=envelope.sent_at or arrival.sent_at,
                    beside=f"{arrival.digest}/{one.folder}",
                    depth=arrival.depth + 1,
                )
            )
            for one in envelope.enclosed
        ]
        self._refuse_to_decide_for_many(members)
        verdict = Verdict.OPENED
        if not members and not details:
            verdict, details = Verdict.NO_ATTACHMENT, ["里面没有附件或文件，请看原文"]
        elif details:
            verdict = Verdict.DAMAGED
        subject = f"邮件主题：{envelope.subject}" if envelope.subject else ""
        detail = "；".join(filter(None, [subject, *details]))
        self._judged(arrival, Judgement(arrival.answers, verdict, detail))
        kept_workers().start(len(members))
        for member, opened in self.opened(members):
            self.settle(member, opened)

    def _refuse_to_decide_for_many(self, members: list[_Arrival]) -> None:
        workbooks = [one for one in members if _suffix(one) in WORKBOOK_SUFFIXES]
        if self.decision is not None and len(workbooks) > 1:
            raise PerfxlError("里面有多份工作簿，--as 一次只认定一份", remedy="请解压后逐份认定")

    def finish(self) -> IngestResult:
        """Record what is pending, and the attachments with the unit that they came with."""
        for arrival in self.attachments:
            known = self.known.get(arrival.digest)
            if known is not None and known.decided_by and self.decision is None:
                self.taken.append(Taken(arrival.path, known, new=False))
                continue
            holder = self._unit_of_attachment(arrival) or (known.holder if known else "")
            self._judged(arrival, Judgement(holder, Verdict.ATTACHMENT))
        self._record()
        self.taken.sort(key=lambda one: self.order[one.path])
        return IngestResult(tuple(self.taken), tuple(self.passed_over))

    def _unit_of_attachment(self, arrival: _Arrival) -> str:
        """The one unit whose return came in the same folder, archive or mail; else by its name.

        What the operator says goes before both.
        """
        if self.decision is not None:
            return self.decision.unit.code
        is_inbox = arrival.beside == str(self.campaign.path(INBOX))
        units = set() if is_inbox else self._units_around(arrival)
        if len(units) == 1:
            return units.pop()
        if arrival.answers:
            return arrival.answers
        named = unit_in_file_name(self.campaign.plan, arrival.name)
        return named.code if named else ""

    def _units_around(self, arrival: _Arrival) -> set[str]:
        if not arrival.envelope:
            return set(self.units_beside[arrival.beside])
        together = [
            found
            for beside, found in self.units_beside.items()
            if beside.split("/")[0] == arrival.envelope
        ]
        return set().union(*together)


def _suffix(arrival: _Arrival) -> str:
    return Path(arrival.name).suffix.lower()


def _is_attachment(arrival: _Arrival, refusal: Unreadable, known: Receipt | None) -> bool:
    """Whether a file is something sent beside a return, not a return that cannot be read.

    The same bytes may come under two names; what they were taken for first stands.
    """
    if known is not None and known.verdict in (Verdict.ATTACHMENT, Verdict.NOT_A_WORKBOOK):
        return known.verdict is Verdict.ATTACHMENT
    return (
        refusal.fault is Fault.NOT_A_WORKBOOK
        and arrival.size > 0
        and _suffix(arrival) not in WORKBOOK_SUFFIXES
    )


def _not_taken(arrival: _Arrival) -> Receipt:
    return Receipt(
        "",
        Form.RETURN,
        "",
        arrival.name,
        "",
        0,
        arrival.received_at,
        Verdict.UNREADABLE,
        arrival.refusal,
    )
