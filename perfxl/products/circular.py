"""The circular (通报): sentences around the campaign's facts, in the official form."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from perfxl.checks.catalogue import CATALOGUE
from perfxl.documents.official import OfficialDocument, TableColumn
from perfxl.facts import CampaignFacts, IndicatorFacts, KindFacts
from perfxl.plan.model import Plan
from perfxl.points import as_text, round_fraction
from perfxl.tables import Status

DRAFT = "（讨论稿）"
_MOST_FINDINGS = 5
_RANKING_COLUMNS = (
    TableColumn("名次", 16, "center"),
    TableColumn("单位名称", 62),
    TableColumn("得分", 22, "center"),
    TableColumn("等级", 16, "center"),
    TableColumn("备注", 40),
)


def circular(plan: Plan, facts: CampaignFacts) -> bytes:
    """The circular as .docx bytes; marked as a draft while any score is not approved yet."""
    info = plan.campaign
    # A title of more than a line is broken by sense, as the standard wants.
    title = f"{info.issuer}关于\n{info.name}情况的通报"
    document = OfficialDocument(
        issuing_mark=f"{info.issuer}文件",
        document_number=info.document_number,
        title=title + ("\n" + DRAFT if facts.provisional else ""),
        addressees=info.addressees,
    )
    document.paragraph(_opening(plan))
    document.heading(1, "考核工作开展情况")
    document.paragraph(_process(plan, facts))
    document.heading(1, "考核结果")
    for kind in facts.kinds:
        document.heading(2, f"{kind.kind}考核结果")
        document.paragraph(_result(kind))
    if facts.strong:
        document.heading(1, "主要成效")
        document.paragraph(_strong(facts))
    document.heading(1, "存在的问题")
    for heading, text in _problems(facts):
        document.heading(2, heading)
        document.paragraph(text)
    document.heading(1, "下一步工作要求")
    for heading, text in _requirements(plan, facts):
        document.heading(2, heading)
        document.paragraph(text)
    titles = [f"{info.name}{kind.kind}排名表" for kind in facts.kinds]
    document.attachment_note(titles)
    document.signature(info.issuer, info.issued_on)
    for attachment, kind in zip(titles, facts.kinds, strict=True):
        document.attachment(attachment)
        document.table(_RANKING_COLUMNS, _ranking_rows(kind))
    document.copies(info.copied_to, f"{info.issuer}办公室", info.issued_on)
    return document.to_bytes()


def _opening(plan: Plan) -> str:
    info = plan.campaign
    basis = f"根据{info.basis}等文件规定，" if info.basis else ""
    return f"{basis}我局组织开展了{info.name}。现将有关情况通报如下："


def _process(plan: Plan, facts: CampaignFacts) -> str:
    kinds = "、".join(f"{kind.kind}{kind.units}个" for kind in facts.kinds)
    parts = [
        f"本次考核共涉及单位{facts.units}个，其中{kinds}。"
        if len(facts.kinds) > 1
        else f"本次考核共涉及{kinds}。"
    ]
    if facts.returned == facts.units and not facts.late:
        parts.append("各单位均在规定时间内报送了考核材料。")
    else:
        counted = [f"按时报送{facts.on_time}个"] if facts.on_time else []
        counted += [f"逾期报送{len(facts.late)}个"] if facts.late else []
        counted += [f"未报送{len(facts.missing)}个"] if facts.missing else []
        deadline = plan.campaign.deadline
        when = f"{deadline.year}年{deadline.month}月{deadline.day}日"
        parts.append(f"报送截止时间为{when}，截至汇总时，{'，'.join(counted)}。")
    scored = f"{facts.sections}个股室按照指标体系评定得分，" if facts.sections else ""
    parts.append(f"绩效组对报送材料进行了审核，{scored}由绩效组汇总得出考核结果。")
    if facts.provisional:
        parts.append(f"尚有{facts.provisional}项得分未经股室核定，暂按自评和计算结果汇总。")
    return "".join(parts)


def _result(kind: KindFacts) -> str:
    if kind.mean is None or kind.highest is None or kind.lowest is None:
        return f"{kind.units}个{kind.kind}单位均未报送考核材料，按0分计。"
    grades = "，".join(f"{name}{count}个" for name, count in kind.grades)
    absent = kind.units - kind.returned
    scope = f"参加排名的{kind.returned}个单位" if absent else f"{kind.units}个单位"
    text = f"{scope}平均得分{as_text(kind.mean, 2)}分"
    if kind.returned > 1:
        text += f"，最高{as_text(kind.highest, 2)}分，最低{as_text(kind.lowest, 2)}分"
    text += f"。按等级分，{grades}。"
    if kind.returned > len(kind.best) > 0:
        text += f"排名前列的单位是：{'、'.join(kind.best)}。"
    if absent:
        text += f"未报送材料的{absent}个单位按0分计，不排名次。"
    return text


def _strong(facts: CampaignFacts) -> str:
    named = "；".join(_with_rate(facts, one) for one in facts.strong)
    return f"从各项指标的得分率看，下列工作完成较好：{named}。"


def _with_rate(facts: CampaignFacts, one: IndicatorFacts) -> str:
    kind = f"{one.kind}的" if len(facts.kinds) > 1 else ""
    return f"{kind}“{one.name}”得分率{_percent(one)}"


def _percent(one: IndicatorFacts) -> str:
    return f"{as_text(round_fraction(one.rate * 10_000), 2)}%"


def _problems(facts: CampaignFacts) -> list[tuple[str, str]]:
    problems = []
    if facts.weak:
        named = "；".join(
            f"{_with_rate(facts, one)}，{one.deducted}个单位被扣分" for one in facts.weak
        )
        problems.append(("部分工作仍有差距", f"得分率较低的指标有：{named}。"))
    if facts.findings:
        named = "；".join(
            f"{CATALOGUE[one.code].title}的单位{one.units}个"
            for one in facts.findings[:_MOST_FINDINGS]
        )
        problems.append(("填报质量有待提高", f"审核发现的问题主要有：{named}。"))
    if facts.late or facts.missing:
        parts = []
        if facts.late:
            parts.append(f"逾期报送的单位是：{'、'.join(facts.late)}。")
        if facts.missing:
            parts.append(f"未报送的单位是：{'、'.join(facts.missing)}。")
        problems.append(("报送不够及时", "".join(parts)))
    if not problems:
        problems.append(("总体情况", "本次考核没有发现普遍性问题。"))
    return problems


def _requirements(plan: Plan, facts: CampaignFacts) -> list[tuple[str, str]]:
    due = plan.campaign.issued_on + dt.timedelta(days=plan.campaign.rectification_days)
    requirements = [
        (
            "抓好问题整改",
            f"各单位要对照反馈意见逐项整改，于{due.year}年{due.month}月{due.day}日前完成，"
            f"并将整改报告报送{plan.campaign.issuer}。",
        ),
        (
            "提高填报质量",
            "各单位要按照填报说明认真填写，得分要有依据，佐证要真实完整，数据要相互一致。",
        ),
        ("强化结果应用", "考核结果将作为安排以后年度预算和有关考核的参考。"),
    ]
    if facts.missing:
        requirements.insert(1, ("补报考核材料", "未报送材料的单位要说明原因，并在整改期限内补报。"))
    return requirements


def _ranking_rows(kind: KindFacts) -> Sequence[Sequence[str]]:
    rows = []
    for row in kind.rows.astype({"rank": "object"}).itertuples(index=False):
        absent = row.status == Status.NOT_RETURNED
        remark = "" if row.status == Status.ON_TIME else row.status
        rows.append(
            (
                row.grade if absent else str(row.rank),
                row.name,
                as_text(row.total, 2),
                row.grade,
                remark,
            )
        )
    return rows
