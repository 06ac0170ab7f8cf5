"""What each mail is about: to which units there is something to say, and which files go with it.

One function per occasion; where an occasion's files come to lie elsewhere, it alone changes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from perfxl.campaign import PRODUCTS, SENT_BACK, Campaign
from perfxl.errors import Mistake, Place
from perfxl.files import sha256_of
from perfxl.ledger import SETTLED, Form, SendBack, Verdict
from perfxl.mail.compose import Attachment
from perfxl.plan.mailing import Occasion
from perfxl.plan.model import Unit
from perfxl.plan.wording import DocumentKind
from perfxl.products.opinions import in_order
from perfxl.rectifications.problems import in_force
from perfxl.rectifications.states import UNFINISHED
from perfxl.stages.circular import FILES
from perfxl.stages.feedback import book_path, notice_path
from perfxl.stages.gather import deadline_of_units, gather, returns_in_force
from perfxl.stages.rectification import problems_today
from perfxl.tables import Severity

# A unit is reminded of what it has to mend from so many days before the last one on.
_DAYS_AHEAD = 7
# A mail names no more findings than these; all are in the file that goes with it.
_MOST_LISTED = 30


@dataclass(frozen=True)
class Material:
    """What one unit is to be told: ``about`` tells mails of one occasion apart (see the ledger)."""

    unit: Unit
    about: str
    attachments: tuple[Attachment, ...]
    problems: str = ""


@dataclass
class Materials:
    """All that there is for an occasion; ``idle`` says why other units get no mail."""

    found: list[Material] = field(default_factory=list)
    idle: list[tuple[Unit, str]] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    def attach(self, campaign: Campaign, path: Path, sha256: str, remedy: str) -> Attachment | None:
        """A file that the ledger knows; one that is gone or was changed is told as a mistake."""
        data = path.read_bytes() if path.is_file() else None
        if data is not None and sha256_of(data) == sha256:
            return Attachment(path.name, data)
        what = "要附的文件不见了" if data is None else "要附的文件和台账里记的不一样"
        relative = path.relative_to(campaign.folder).as_posix()
        self.mistakes.append(Mistake("M111", what, Place(relative), remedy))
        return None


def materials(
    campaign: Campaign, occasion: Occasion, units: Sequence[Unit], today: dt.date
) -> Materials:
    """The material of an occasion for these units."""
    gathered = Materials()
    _MAKERS[occasion](campaign, units, today, gathered)
    return gathered


def _issue(campaign: Campaign, units: Sequence[Unit], _: dt.date, into: Materials) -> None:
    issues = campaign.ledger.issues()
    for unit in units:
        issue = issues.get(unit.code)
        if issue is None:
            into.idle.append((unit, "还没有下发工作簿，请先执行 perfxl issue"))
            continue
        path = campaign.folder / issue.file
        attachment = into.attach(campaign, path, issue.sha256, "请重新执行 perfxl issue")
        if attachment:
            into.found.append(Material(unit, "", (attachment,)))


def _send_back(campaign: Campaign, units: Sequence[Unit], _: dt.date, into: Materials) -> None:
    open_ones = _unanswered(campaign)
    due = [unit for unit in units if unit.code in open_ones]
    into.idle += [(unit, "没有待改的退回件") for unit in units if unit.code not in open_ones]
    if not due:
        return
    findings = gather(campaign, {unit.code for unit in due}).checked.findings
    findings_of = _by_unit(findings)
    for unit in due:
        record = open_ones[unit.code]
        attachment = _marked_copy(campaign, record, into)
        if attachment:
            problems = _listed(findings_of.get(unit.code, findings.iloc[:0]))
            into.found.append(Material(unit, record.receipt, (attachment,), problems))


def _remind(campaign: Campaign, units: Sequence[Unit], today: dt.date, into: Materials) -> None:
    """Who has not returned, who was sent back and has not answered; each is told its own gaps."""
    in_force, _ = returns_in_force(campaign)
    open_ones = _unanswered(campaign)
    issues = campaign.ledger.issues()
    deadlines = deadline_of_units(campaign)
    findings = pd.DataFrame()
    if any(unit.code in open_ones for unit in units):
        findings = gather(campaign, set(open_ones)).checked.findings
        findings = findings[findings["severity"] == Severity.ERROR]
    errors_of = _by_unit(findings)
    table = problems_today(campaign, today)
    table = table[table["due"] <= today + dt.timedelta(days=_DAYS_AHEAD)]
    owed_by = _by_unit(table)
    not_taken = _not_taken(campaign)
    for unit in units:
        gaps: list[str] = []
        attachment: Attachment | None = None
        if unit.code not in in_force:
            gaps.append(f"没有收到填报工作簿（报送截止时间 {deadlines[unit.code]:%Y-%m-%d %H:%M}）")
            gaps += not_taken.get(unit.code, ())
            issue = issues.get(unit.code)
            if issue is not None:
                path = campaign.folder / issue.file
                attachment = into.attach(campaign, path, issue.sha256, "请重新执行 perfxl issue")
        elif unit.code in open_ones:
            record = open_ones[unit.code]
            gaps.append(f"{record.made_at:%Y-%m-%d} 退回修改的工作簿没有重新报送，其中需要改正的：")
            gaps[-1] += "\n" + _listed(errors_of.get(unit.code, findings.iloc[:0]))
            attachment = _marked_copy(campaign, record, into)
        attachments = [attachment] if attachment else []
        owed = rectification_gaps(owed_by.get(unit.code, table.iloc[:0]))
        if owed:
            gaps += owed
            book = book_path(campaign, unit)
            if book.is_file():
                attachments.append(Attachment(book.name, book.read_bytes()))
        if not gaps:
            into.idle.append((unit, "没有欠报的材料"))
            continue
        problems = "\n".join(f"（{number}）{gap}" for number, gap in enumerate(gaps, 1))
        into.found.append(Material(unit, today.isoformat(), tuple(attachments), problems))


def rectification_gaps(problems: pd.DataFrame) -> list[str]:
    """What of its rectification a unit owes, out of its rows of ``tables.RECTIFICATION``."""
    owed = problems[problems["state"].isin(list(map(str, UNFINISHED)))]
    gaps = []
    for due, rows in owed.groupby("due"):
        named = "、".join(
            f"{one.number}（{one.state}）"
            for one in rows.head(_MOST_LISTED).itertuples(index=False)
        )
        more = " 等" if len(rows) > _MOST_LISTED else ""
        late = "，已经逾期" if rows["overdue"].any() else ""
        gaps.append(f"{len(rows)} 个问题没有完成整改（期限 {due}{late}）：{named}{more}")
    return gaps


def _feedback(campaign: Campaign, units: Sequence[Unit], _: dt.date, into: Materials) -> None:
    problems: dict[str, list[str]] = {}
    for one in in_force(campaign.ledger.problems()).values():
        problems.setdefault(one.unit, []).append(f"{one.number} {one.description}")
    for unit in units:
        notice = notice_path(campaign, unit)
        if not notice.is_file():
            into.idle.append((unit, "还没有反馈意见，请先执行 perfxl feedback"))
            continue
        # People may revise the notice; the book is perfxl's own and lies there where it is needed.
        files = [one for one in (notice, book_path(campaign, unit)) if one.is_file()]
        told = problems.get(unit.code, [])
        lines = told[:_MOST_LISTED]
        if len(told) > _MOST_LISTED:
            lines.append(f"其余 {len(told) - _MOST_LISTED} 个见附件。")
        attachments = tuple(Attachment(path.name, path.read_bytes()) for path in files)
        listed = "\n".join(lines) or "没有需要整改的问题。"
        into.found.append(Material(unit, "", attachments, listed))


def _circular(campaign: Campaign, units: Sequence[Unit], _: dt.date, into: Materials) -> None:
    path = campaign.path(PRODUCTS) / FILES[DocumentKind.CIRCULAR]
    if not path.is_file():
        into.idle += [(unit, "还没有通报，请先执行 perfxl circular") for unit in units]
        return
    # People revise the document, so that it need not be the one that perfxl wrote.
    attachment = Attachment(f"{campaign.plan.campaign.name}{path.name}", path.read_bytes())
    into.found += [Material(unit, "", (attachment,)) for unit in units]


_MAKERS: dict[Occasion, Callable[[Campaign, Sequence[Unit], dt.date, Materials], None]] = {
    Occasion.ISSUE: _issue,
    Occasion.REMIND: _remind,
    Occasion.SEND_BACK: _send_back,
    Occasion.FEEDBACK: _feedback,
    Occasion.CIRCULAR: _circular,
}


def _unanswered(campaign: Campaign) -> dict[str, SendBack]:
    """By unit, the last marked copy of the return in force; a unit that returned anew has none."""
    in_force, _ = returns_in_force(campaign)
    return {
        one.unit: one
        for one in campaign.ledger.send_backs()
        if one.unit in in_force and in_force[one.unit].sha256 == one.receipt
    }


def _marked_copy(campaign: Campaign, record: SendBack, into: Materials) -> Attachment | None:
    path = campaign.path(SENT_BACK) / record.file
    remedy = f"请重新执行 perfxl send-back {record.unit}"
    return into.attach(campaign, path, record.sha256, remedy)


def _not_taken(campaign: Campaign) -> dict[str, list[str]]:
    """By unit, the files that came and are no return, each with the reason."""
    found: dict[str, list[str]] = {}
    for one in campaign.ledger.receipts(Form.RETURN):
        if one.verdict not in SETTLED and one.verdict is not Verdict.NO_ATTACHMENT:
            said = f"收到的“{one.file}”不能作为报送（{one.verdict}）：{one.detail}"
            found.setdefault(one.holder, []).append(said)
    return found


def _by_unit(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return dict(list(table.groupby("unit", sort=False))) if len(table) else {}


def _listed(findings: pd.DataFrame) -> str:
    """Findings as numbered lines, in the order of the marked copy."""
    rows = list(in_order(findings).itertuples(index=False))
    lines = []
    for number, one in enumerate(rows[:_MOST_LISTED], 1):
        place = f"{one.sheet}!{one.cell}" if one.cell else one.sheet
        lines.append(f"{number}. 【{one.severity}】{place}：{one.message}。{one.remedy}")
    if len(rows) > _MOST_LISTED:
        lines.append(f"其余 {len(rows) - _MOST_LISTED} 条见附件“审核意见”表。")
    return "\n".join(lines)
