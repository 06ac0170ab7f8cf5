"""What happened in one month of a campaign, by the ledger's dates, and what a brief may say of it.

What happens (下发, 报送, 退回 …) is counted in the month in which the ledger has it, so that the months
of a campaign add up to its totals; how things stand (月末…) is as on the month's last day.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields

from perfxl.facts.campaign import campaign_fields
from perfxl.ledger import (
    Draw,
    Issue,
    MailRecord,
    MailState,
    Objection,
    ObjectionAnswer,
    Problem,
    ProblemDecision,
    ProblemReport,
    Receipt,
    Review,
    SendBack,
    standing,
)
from perfxl.ledger.records import CheckedProject
from perfxl.monthly import Month, following
from perfxl.plan.mailing import Occasion
from perfxl.plan.model import Plan
from perfxl.rectifications.states import Decision, State, rectification
from perfxl.wording import Facts

_SENT = frozenset({MailState.SENT, MailState.MARKED_SENT})


@dataclass(frozen=True)
class Happened:
    """All that the ledger holds of a campaign, as far as a brief speaks of it.

    ``first`` is the return of each unit that says whether it is late, ``deadlines`` until when it
    was due; ``valid`` are all valid returns; ``drafted`` when a circular was written.
    """

    issues: Sequence[Issue]
    first: Mapping[str, Receipt]
    deadlines: Mapping[str, dt.datetime]
    valid: Sequence[Receipt]
    send_backs: Sequence[SendBack]
    mails: Sequence[MailRecord]
    draws: Sequence[Draw]
    checked: Sequence[CheckedProject]
    reviews: Sequence[Review]
    objections: Sequence[Objection]
    answers: Mapping[int, ObjectionAnswer]
    drafted: Sequence[dt.datetime]
    problems: Sequence[Problem]
    reports: Sequence[ProblemReport]
    decisions: Sequence[ProblemDecision]


@dataclass(frozen=True)
class MonthFigures:
    """One month in figures; those named ``at_end`` are how things stand on its last day."""

    issued: int
    issued_units: int
    returned: int
    on_time: int
    late: int
    late_units: tuple[str, ...]
    returned_again: int
    returned_at_end: int
    absent_at_end: int
    reminded_units: int
    reminders: int
    sent_back_units: int
    sent_back: int
    drawn: int
    checked: int
    spot_check_problems: int
    scored: int
    scored_units: int
    scoring_sections: int
    rescored: int
    scored_at_end: int
    to_score: int
    objections: int
    answered: int
    circular_drafts: int
    circular_units: int
    told_units: int
    told: int
    withdrawn: int
    reported: int
    confirmed: int
    returned_problems: int
    open_at_end: int
    overdue_at_end: int

    @property
    def events(self) -> int:
        """How many things happened at all."""
        return sum(
            value
            for one in fields(self)
            if not one.name.endswith("at_end")
            and one.name != "to_score"
            and isinstance(value := getattr(self, one.name), int)
        )


class _Span:
    """From the first of a month to the first of the next."""

    def __init__(self, month: Month) -> None:
        self.begins = dt.datetime(*month, 1)
        self.ends = dt.datetime(*following(month), 1)

    def holds(self, moment: dt.datetime) -> bool:
        """Whether a moment lies in the month."""
        return self.begins <= moment < self.ends


def last_day(month: Month) -> dt.date:
    """The last day of a month."""
    return dt.date(*month, calendar.monthrange(*month)[1])


def months_of(happened: Happened) -> list[Month]:
    """Every month from the first thing that happened to the last one, in order."""
    moments = [
        *(one.issued_at for one in happened.issues),
        *(one.received_at for one in happened.valid),
        *(one.made_at for one in happened.send_backs),
        *(one.recorded_at for one in happened.mails),
        *(one.drawn_at for one in happened.draws),
        *(one.recorded_at for one in happened.checked),
        *(one.recorded_at for one in happened.reviews),
        *(one.requested_at for one in happened.objections),
        *(one.answered_at for one in happened.answers.values()),
        *happened.drafted,
        *(one.recorded_at for one in happened.problems),
        *(one.recorded_at for one in happened.reports),
        *(one.decided_at for one in happened.decisions),
    ]
    if not moments:
        return []
    month, last = ((one.year, one.month) for one in (min(moments), max(moments)))
    found = [month]
    while found[-1] < last:
        found.append(following(found[-1]))
    return found


def month_figures(plan: Plan, happened: Happened, month: Month) -> MonthFigures:
    """The figures of one month; units that are not in the roster are not counted."""
    span, known = _Span(month), plan.unit_by_code
    issued = [one for one in happened.issues if one.unit in known and span.holds(one.issued_at)]
    begun = any(one.issued_at < span.ends for one in happened.issues)
    until = [one for one in happened.first.values() if one.received_at < span.ends]
    returned = [one for one in until if span.holds(one.received_at)]
    late = [one for one in returned if one.received_at > happened.deadlines[one.holder]]
    firsts = {one.sha256 for one in happened.first.values()}
    again = [
        one
        for one in happened.valid
        if one.holder in known and one.sha256 not in firsts and span.holds(one.received_at)
    ]
    back = [
        unit
        for (unit, _), at in _first(
            (one.unit, one.receipt, one.made_at) for one in happened.send_backs
        ).items()
        if unit in known and span.holds(at)
    ]
    reminded = _mailed(happened.mails, Occasion.REMIND, span, known)
    circular = _mailed(happened.mails, Occasion.CIRCULAR, span, known)
    draw = happened.draws[-1] if happened.draws else None
    checks = [] if draw is None else _checks(happened.checked, draw, span)
    scores = _Scores(plan, happened.reviews, span)
    mending = _Mending(plan, happened, span, last_day(month))
    order = {unit.code: number for number, unit in enumerate(plan.units)}
    return MonthFigures(
        issued=len(issued),
        issued_units=len({one.unit for one in issued}),
        returned=len(returned),
        on_time=len(returned) - len(late),
        late=len(late),
        late_units=tuple(
            known[code].name for code in sorted((one.holder for one in late), key=order.__getitem__)
        ),
        returned_again=len(again),
        returned_at_end=len(until),
        absent_at_end=len(plan.units) - len(until) if begun else 0,
        reminded_units=len(set(reminded)),
        reminders=len(reminded),
        sent_back_units=len(set(back)),
        sent_back=len(back),
        drawn=len(draw.projects) if draw is not None and span.holds(draw.drawn_at) else 0,
        checked=len(checks),
        spot_check_problems=sum(checks),
        scored=len(scores.fresh),
        scored_units=len({unit for unit, _ in scores.fresh}),
        scoring_sections=len(scores.sections),
        rescored=scores.changed,
        scored_at_end=scores.at_end,
        to_score=sum(len(plan.rubrics[unit.kind].indicators) for unit in plan.units),
        objections=sum(span.holds(one.requested_at) for one in happened.objections),
        answered=sum(span.holds(one.answered_at) for one in happened.answers.values()),
        circular_drafts=sum(map(span.holds, happened.drafted)),
        circular_units=len(set(circular)),
        told_units=len({unit for unit, _ in mending.told}),
        told=len(mending.told),
        withdrawn=mending.withdrawn,
        reported=sum(span.holds(one.recorded_at) for one in happened.reports if one.unit in known),
        confirmed=mending.confirmed,
        returned_problems=mending.returned,
        open_at_end=mending.open_at_end,
        overdue_at_end=mending.overdue_at_end,
    )


def _first(
    records: Iterable[tuple[str, str, dt.datetime]],
) -> dict[tuple[str, str], dt.datetime]:
    """When each pair was first recorded."""
    found: dict[tuple[str, str], dt.datetime] = {}
    for one, other, at in records:
        found[one, other] = min(at, found.get((one, other), at))
    return found


def _mailed(
    mails: Sequence[MailRecord], occasion: Occasion, span: _Span, known: Mapping[str, object]
) -> list[str]:
    """The unit of every mail of an occasion that left in the month."""
    return [
        one.unit
        for one in standing(mails).values()
        if one.occasion == occasion
        and one.state in _SENT
        and one.unit in known
        and span.holds(one.recorded_at)
    ]


def _checks(checked: Sequence[CheckedProject], draw: Draw, span: _Span) -> list[int]:
    """The problems of each project of the draw that was first checked in the month.

    What was found is as the last record has it.
    """
    own = [one for one in checked if one.draw == draw.number]
    first = _first((one.unit, one.project, one.recorded_at) for one in own)
    last = {(one.unit, one.project): one.problems for one in own}
    return [last[key] for key, at in first.items() if span.holds(at)]


class _Scores:
    """Scores of indicators: first given in the month, changed in it, there at its end."""

    def __init__(self, plan: Plan, reviews: Sequence[Review], span: _Span) -> None:
        own = [one for one in reviews if one.unit in plan.unit_by_code]
        first = _first((one.unit, one.indicator, one.recorded_at) for one in own)
        self.fresh = [key for key, at in first.items() if span.holds(at)]
        self.sections = {one.section for one in own if span.holds(one.recorded_at)}
        self.at_end = sum(at < span.ends for at in first.values())
        self.changed = 0
        given: dict[tuple[str, str, str], int] = {}
        for one in own:
            key = (one.unit, one.indicator, one.reviewer)
            if key in given and given[key] != one.approved and span.holds(one.recorded_at):
                self.changed += 1
            given[key] = one.approved


class _Mending:
    """Problems told, withdrawn, confirmed and returned in the month, and open at its end.

    A confirmation that was taken back later is taken off in the month in which that happened, so
    that told less withdrawn less confirmed, over all months, is what is open.
    """

    def __init__(self, plan: Plan, happened: Happened, span: _Span, day: dt.date) -> None:
        known = plan.unit_by_code
        self.told: list[tuple[str, str]] = []
        self.withdrawn = self.confirmed = self.returned = 0
        in_force: set[tuple[str, str]] = set()
        settled: set[tuple[str, str]] = set()
        moves: list[tuple[dt.datetime, int, Problem | ProblemDecision]] = [
            *((one.recorded_at, 0, one) for one in happened.problems if one.unit in known),
            *((one.decided_at, 1, one) for one in happened.decisions if one.unit in known),
        ]
        for at, _, one in sorted(moves, key=lambda move: move[:2]):
            key, now = (one.unit, one.number), span.holds(at)
            if isinstance(one, ProblemDecision):
                was = key in settled
                if one.decision == Decision.CONFIRM:
                    settled.add(key)
                else:
                    settled.discard(key)
                    self.returned += now
                if key in in_force:
                    self.confirmed += now * ((key in settled) - was)
            elif one.withdrawn:
                if key in in_force and key not in settled:
                    self.withdrawn += now
                in_force.discard(key)
            elif key not in in_force:
                in_force.add(key)
                if now:
                    self.told.append(key)
        table = rectification(
            plan,
            [one for one in happened.problems if one.recorded_at < span.ends],
            [one for one in happened.reports if one.recorded_at < span.ends],
            [one for one in happened.decisions if one.decided_at < span.ends],
            day,
        )
        self.open_at_end = int((table["state"] != str(State.CONFIRMED)).sum())
        self.overdue_at_end = int(table["overdue"].sum())


def month_facts(plan: Plan, figures: MonthFigures, month: Month) -> Facts:
    """What a monthly brief may say (``VOCABULARY``). Raises NoCalendar."""
    return Facts(
        {
            **campaign_fields(plan),
            "月份": f"{month[0]}年{month[1]}月",
            "月末": last_day(month),
            "事项数": figures.events,
            "单位总数": len(plan.units),
            "下发份数": figures.issued,
            "下发单位数": figures.issued_units,
            "收到单位数": figures.returned,
            "按时报送单位数": figures.on_time,
            "逾期报送单位数": figures.late,
            "逾期报送单位": figures.late_units,
            "重报份数": figures.returned_again,
            "月末已报单位数": figures.returned_at_end,
            "月末未报单位数": figures.absent_at_end,
            "催报单位数": figures.reminded_units,
            "催报次数": figures.reminders,
            "退回单位数": figures.sent_back_units,
            "退回份数": figures.sent_back,
            "抽取项目数": figures.drawn,
            "核查项目数": figures.checked,
            "抽查问题数": figures.spot_check_problems,
            "核定项数": figures.scored,
            "核定单位数": figures.scored_units,
            "评分股室数": figures.scoring_sections,
            "改动项数": figures.rescored,
            "月末核定项数": figures.scored_at_end,
            "应核定项数": figures.to_score,
            "复核申请数": figures.objections,
            "复核答复数": figures.answered,
            "通报起草次数": figures.circular_drafts,
            "通报发送单位数": figures.circular_units,
            "反馈单位数": figures.told_units,
            "反馈问题数": figures.told,
            "撤销问题数": figures.withdrawn,
            "整改报告数": figures.reported,
            "确认问题数": figures.confirmed,
            "退回问题数": figures.returned_problems,
            "月末未销号数": figures.open_at_end,
            "月末逾期问题数": figures.overdue_at_end,
        }
    )
