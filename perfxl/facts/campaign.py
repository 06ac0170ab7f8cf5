"""The figures and rankings that a circular states: one dataclass, drawn from the tables alone.

``result_facts`` gives them to the texts of the circular, the report and the public version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from perfxl.analysis import indicator_figures
from perfxl.checks.catalogue import CATALOGUE
from perfxl.plan import wording as vocabulary
from perfxl.plan.model import Naming, Plan
from perfxl.points import round_fraction
from perfxl.tables import Basis, Severity, Status
from perfxl.terms import due_on
from perfxl.wording import Facts, Value

MOST_NAMED = 3
MOST_PER_KIND = 2
MOST_FINDINGS = 5
# An indicator that fewer units share says nothing about a kind of unit.
FEWEST_UNITS = 3
STRONG_RATE, WEAK_RATE = Fraction(95, 100), Fraction(85, 100)


@dataclass(frozen=True)
class KindFacts:
    """One kind of unit; totals in hundredths; ``best`` are the names on the first ranks."""

    kind: str
    units: int
    returned: int
    mean: int | None
    highest: int | None
    lowest: int | None
    grades: Sequence[tuple[str, int]]
    best: Sequence[str]
    rows: pd.DataFrame


@dataclass(frozen=True)
class IndicatorFacts:
    """How one indicator was scored over the units that returned and to which it applies."""

    kind: str
    code: str
    name: str
    rate: Fraction
    units: int
    deducted: int


@dataclass(frozen=True)
class CommonFinding:
    """A matter that checks found, in how many units, and how often.

    ``example`` is the unit (code) in which it was found most often, ``example_times`` how often,
    and ``example_says`` the first finding there.
    """

    code: str
    units: int
    times: int
    example: str
    example_times: int
    example_says: str


@dataclass(frozen=True)
class CampaignFacts:
    """All that the circular says in figures."""

    kinds: Sequence[KindFacts]
    units: int
    returned: int
    on_time: int
    late: Sequence[str]
    missing: Sequence[str]
    sections: int
    commended: Sequence[str]
    lowest_grade: str
    in_lowest_grade: Sequence[str]
    strong: Sequence[IndicatorFacts]
    weak: Sequence[IndicatorFacts]
    findings: Sequence[CommonFinding]
    provisional: int


def campaign_facts(
    plan: Plan,
    scores: pd.DataFrame,
    ranking: pd.DataFrame,
    findings: pd.DataFrame,
    status: Mapping[str, Status],
) -> CampaignFacts:
    """The facts of a campaign from ``tables.SCORES``, ``RANKING`` and ``FINDINGS``."""
    names = {unit.code: unit.name for unit in plan.units}
    late = [names[unit.code] for unit in plan.units if status[unit.code] is Status.LATE]
    missing = [names[unit.code] for unit in plan.units if status[unit.code] is Status.NOT_RETURNED]
    indicators = _indicators(plan, scores)
    telling = [one for one in indicators if one.units >= FEWEST_UNITS]
    strong = [one for one in telling if one.rate >= STRONG_RATE]
    weak = [one for one in telling if one.rate < WEAK_RATE]
    return CampaignFacts(
        kinds=[
            kind for name in plan.kinds if (kind := kind_facts(plan, name, ranking)) is not None
        ],
        units=len(plan.units),
        returned=len(plan.units) - len(missing),
        on_time=len(plan.units) - len(missing) - len(late),
        late=late,
        missing=missing,
        sections=scores.loc[scores["basis"] == str(Basis.APPROVED), "section"].nunique(),
        commended=_commended(plan, ranking),
        lowest_grade=plan.grades[-1].name,
        in_lowest_grade=_names(ranking["grade"] == plan.grades[-1].name, ranking),
        strong=_most_telling(strong, lambda one: -one.rate),
        weak=_most_telling(weak, lambda one: one.rate),
        findings=_common(plan, findings),
        provisional=int(ranking["provisional"].sum()),
    )


def _most_telling(
    facts: list[IndicatorFacts], order: Callable[[IndicatorFacts], Fraction]
) -> list[IndicatorFacts]:
    """The first few of every kind, so that no kind speaks for the others."""
    taken: list[IndicatorFacts] = []
    for kind in dict.fromkeys(one.kind for one in facts):
        taken += sorted((one for one in facts if one.kind == kind), key=order)[:MOST_PER_KIND]
    return taken


def kind_facts(plan: Plan, kind: str, ranking: pd.DataFrame) -> KindFacts | None:
    """The figures of one kind from ``tables.RANKING``; None where it has no units."""
    rows = ranking[ranking["kind"] == kind]
    if not len(rows):
        return None
    ranked = rows[rows["status"] != str(Status.NOT_RETURNED)]
    totals = [int(total) for total in ranked["total"]]
    counts = ranked["grade"].value_counts()
    return KindFacts(
        kind=kind,
        units=len(rows),
        returned=len(ranked),
        mean=round_fraction(Fraction(sum(totals), len(totals))) if totals else None,
        highest=max(totals, default=None),
        lowest=min(totals, default=None),
        grades=[
            (grade.name, int(counts[grade.name])) for grade in plan.grades if grade.name in counts
        ],
        best=list(ranked.loc[(ranked["rank"] <= MOST_NAMED).fillna(False), "name"]),
        rows=rows,
    )


def _indicators(plan: Plan, scores: pd.DataFrame) -> list[IndicatorFacts]:
    return [
        IndicatorFacts(
            row.kind,
            row.indicator,
            row.name,
            Fraction(int(row.sum), int(row.full_marks * row.units)),
            int(row.units),
            int(row.lost_units),
        )
        for row in indicator_figures(plan, scores).itertuples(index=False)
        if row.units
    ]


def _common(plan: Plan, findings: pd.DataFrame) -> list[CommonFinding]:
    place = {unit.code: at for at, unit in enumerate(plan.units)}
    common = []
    for code, rows in findings[findings["severity"] != Severity.NOTICE].groupby("code"):
        times = rows["unit"].value_counts()
        example = min(times.index, key=lambda unit: (-times[unit], place[unit]))
        common.append(
            CommonFinding(
                str(code),
                len(times),
                len(rows),
                str(example),
                int(times[example]),
                str(rows.loc[rows["unit"] == example, "message"].iloc[0]),
            )
        )
    return sorted(common, key=lambda one: (-one.units, -one.times, one.code))


def _names(which: pd.Series, ranking: pd.DataFrame) -> list[str]:
    return list(ranking.loc[which.fillna(False).astype(bool), "name"])


def _commended(plan: Plan, ranking: pd.DataFrame) -> list[str]:
    """The first of every kind that have the highest grade and were in time."""
    if len(plan.grades) < 2:
        return []
    return _names(
        (ranking["rank"] <= MOST_NAMED)
        & (ranking["grade"] == plan.grades[0].name)
        & (ranking["status"] == str(Status.ON_TIME)),
        ranking,
    )


def campaign_fields(plan: Plan) -> dict[str, Value]:
    """What every document may say of the campaign. Raises NoCalendar."""
    info = plan.campaign
    return {
        "考核名称": info.name,
        "考核年度": str(info.year),
        "考核依据": info.basis,
        "发文机关": info.issuer,
        "发文字号": info.document_number,
        "印发日期": info.issued_on,
        "报送截止日期": info.deadline.date(),
        "整改期限": due_on(info.rectification, info.issued_on),
        "主送机关": info.addressees,
        "抄送机关": info.copied_to,
        "联系人": info.contact,
        "联系电话": info.phone,
    }


def result_facts(plan: Plan, facts: CampaignFacts) -> Facts:
    """What circular, report and public version may say (``VOCABULARY``). Raises NoCalendar."""
    common = facts.findings[:MOST_FINDINGS]
    whole: dict[str, Value] = {
        **campaign_fields(plan),
        "暂定项数": facts.provisional,
        "单位总数": facts.units,
        "单位类别数": len(facts.kinds),
        "单位构成": "、".join(f"{kind.kind}{kind.units}个" for kind in facts.kinds),
        "报送单位数": facts.returned,
        "按时报送单位数": facts.on_time,
        "逾期报送单位数": len(facts.late),
        "未报送单位数": len(facts.missing),
        "逾期报送单位": facts.late,
        "未报送单位": facts.missing,
        "评分股室数": facts.sections,
        "表扬单位": facts.commended,
        "最低等级": facts.lowest_grade,
        "最低等级单位": facts.in_lowest_grade,
        "较好指标数": len(facts.strong),
        "薄弱指标数": len(facts.weak),
        "问题类数": len(common),
    }
    return Facts(
        whole,
        {
            vocabulary.KIND: [_of_kind(kind) for kind in facts.kinds],
            vocabulary.STRONG: [_of_indicator(one) for one in facts.strong],
            vocabulary.WEAK: [_of_indicator(one) for one in facts.weak],
            vocabulary.COMMON: [_of_common(plan, one) for one in common],
        },
    )


def _of_kind(kind: KindFacts) -> dict[str, Value]:
    return {
        "类别": kind.kind,
        "单位数": kind.units,
        "参加排名数": kind.returned,
        "未报送数": kind.units - kind.returned,
        "平均分": kind.mean,
        "最高分": kind.highest,
        "最低分": kind.lowest,
        "等级分布": "，".join(f"{name}{count}个" for name, count in kind.grades),
        # Where all are among the first, nobody stands out.
        "前列单位": kind.best if kind.returned > len(kind.best) else (),
    }


def _of_indicator(one: IndicatorFacts) -> dict[str, Value]:
    return {
        "类别": one.kind,
        "指标": one.name,
        "得分率": round_fraction(one.rate * 10_000),
        "评分单位数": one.units,
        "扣分单位数": one.deducted,
    }


def _of_common(plan: Plan, one: CommonFinding) -> dict[str, Value]:
    unit = plan.unit_by_code[one.example]
    example = {
        Naming.NAMED: f"（如{unit.name}：{one.example_says}）",
        Naming.ANONYMOUS: f"（如某{unit.kind}有{one.example_times}处）",
        Naming.NONE: "",
    }[plan.campaign.naming]
    return {
        "问题": plan.campaign.worded(CATALOGUE[one.code].title),
        "单位数": one.units,
        "次数": one.times,
        "举例": example,
    }
