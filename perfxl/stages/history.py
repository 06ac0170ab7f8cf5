"""log (经过): all that the ledger knows of one unit, in the order in which it happened."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from perfxl.campaign import Campaign
from perfxl.ledger import Form, MailState, Receipt, mail_state, standing
from perfxl.plan.model import Unit
from perfxl.points import as_score
from perfxl.tables import ScoredIn


@dataclass(frozen=True)
class Event:
    """One thing that happened: when, what, the file it concerns, and what is said of it."""

    at: dt.datetime
    what: str
    file: str = ""
    detail: str = ""


def history(campaign: Campaign, unit: Unit) -> list[Event]:
    """Issues, receipts with every verdict, extensions, send-backs and scores of a unit, and its mail."""
    events = [
        *_issues(campaign, unit),
        *_receipts(campaign, unit),
        *_reviews(campaign, unit),
        *_objections(campaign, unit),
        *_spot_checks(campaign, unit),
        *_rectification(campaign, unit),
        *_mails(campaign, unit),
        *(
            Event(
                one.decided_at,
                "延期",
                detail=f"延至 {one.until:%Y-%m-%d %H:%M}，理由：{one.reason}（{one.decided_by}）",
            )
            for one in campaign.ledger.extensions()
            if one.unit == unit.code
        ),
        *(
            Event(one.made_at, "退回修改", one.file, f"错误 {one.errors} 条")
            for one in campaign.ledger.send_backs()
            if one.unit == unit.code
        ),
    ]
    return sorted(events, key=lambda event: event.at)


def _issues(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    for one in campaign.ledger.all_issues():
        if one.unit == unit.code:
            yield Event(one.issued_at, "下发", one.file, f"模板版本 {one.version}")


def _receipts(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    """Files that were ever taken for this unit's, with each verdict that was given on them."""
    verdicts = [one for one in campaign.ledger.verdicts() if one.form is Form.RETURN]
    concerned = {one.sha256 for one in verdicts if one.holder == unit.code}
    met: set[str] = set()
    for one in verdicts:
        if one.sha256 not in concerned:
            continue
        if one.sha256 not in met:
            met.add(one.sha256)
            yield Event(one.received_at, "收到", one.file, _arrival(one))
        elsewhere = f"（单位 {one.holder}）" if one.holder not in ("", unit.code) else ""
        at = one.decided_at or one.received_at
        yield Event(at, f"结论：{one.verdict}", one.file, one.detail + elsewhere)


def _arrival(receipt: Receipt) -> str:
    parts = [f"原件 {receipt.original}"]
    if receipt.sender:
        parts.append(f"发件人 {receipt.sender}")
    if receipt.sent_at:
        parts.append(f"发出 {receipt.sent_at:%Y-%m-%d %H:%M}")
    return "，".join(parts)


def _objections(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    answers = campaign.ledger.answers()
    for one in campaign.ledger.objections():
        if one.unit != unit.code:
            continue
        said = f"第 {one.number} 号 {one.indicator}：{one.request}"
        yield Event(one.requested_at, "复核申请", one.file, said)
        answer = answers.get(one.number)
        if answer is not None:
            score = "" if answer.approved is None else f"核定 {as_score(answer.approved)}，"
            detail = f"第 {one.number} 号 {one.indicator}：{score}{answer.answer}"
            yield Event(answer.answered_at, "复核答复", "", f"{detail}（{answer.answered_by}）")


def _spot_checks(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    for draw in campaign.ledger.draws():
        own = [one for one in draw.projects if one.unit == unit.code]
        if own:
            names = "、".join(one.name or one.project for one in own)
            said = f"第 {draw.number} 次抽取，抽中 {len(own)} 个：{names}"
            yield Event(draw.drawn_at, "抽查抽中", "", said)
    for found in campaign.ledger.checked():
        if found.unit == unit.code:
            problems = f"{found.problems} 个问题：{found.description}" if found.problems else ""
            said = f"{found.name or found.project}：{found.conclusion}，{problems}".rstrip("，")
            by = f"（{found.checker}）" if found.checker else ""
            yield Event(found.recorded_at, "抽查核查", "", said + by)


def _rectification(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    """What the unit was told to mend, what it reported, what the office found."""
    told: dict[tuple[dt.datetime, bool], list[str]] = {}
    for problem in campaign.ledger.problems():
        if problem.unit == unit.code:
            told.setdefault((problem.recorded_at, problem.withdrawn), []).append(problem.number)
    for (at, withdrawn), numbers in told.items():
        what = "整改问题撤销" if withdrawn else "反馈整改问题"
        yield Event(at, what, "", f"{len(numbers)} 个：{'、'.join(numbers)}")
    files = {one.sha256: one.file for one in campaign.ledger.receipts(Form.RECTIFICATION)}
    for report in campaign.ledger.problem_reports():
        if report.unit == unit.code:
            said = f"{report.number} {report.progress}，{report.measure}（{report.person}）"
            yield Event(report.recorded_at, "整改报告", files.get(report.receipt, ""), said)
    for one in campaign.ledger.problem_decisions():
        if one.unit == unit.code:
            reason = f"，{one.reason}" if one.reason else ""
            said = f"{one.number} {one.decision}{reason}（{one.decided_by}）"
            yield Event(one.decided_at, "整改核查", "", said)


def _mails(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    """What became of each mail; the row before it left is told only where nothing followed."""
    own = [one for one in campaign.ledger.mails() if one.unit == unit.code]
    last = {one.number for one in standing(own).values()}
    for one in own:
        if one.state is MailState.SENDING and one.number not in last:
            continue
        said = "；".join(filter(None, (f"致 {one.recipients}", one.detail)))
        files = "、".join(line.partition(" ")[2] for line in one.files.splitlines())
        yield Event(one.recorded_at, f"邮件“{one.occasion}”{mail_state(one)}", files, said)
    for answer in campaign.ledger.collected():
        if answer.unit == unit.code:
            said = f"{answer.sender}：{answer.subject}"
            original = f"{answer.sha256}.eml" if answer.sha256 else ""
            yield Event(answer.arrived_at, f"来信（{answer.kind}）", original, said)


def _reviews(campaign: Campaign, unit: Unit) -> Iterator[Event]:
    """One line per section and time of recording."""
    counts = Counter(
        (one.recorded_at, one.section, one.receipt)
        for one in campaign.ledger.reviews()
        if one.unit == unit.code and one.scored_in is ScoredIn.BOOK
    )
    files = {one.sha256: one.file for one in campaign.ledger.receipts(Form.REVIEW)}
    for (at, section, receipt), number in counts.items():
        yield Event(at, "股室打分", files.get(receipt, ""), f"{section} {number} 项")
