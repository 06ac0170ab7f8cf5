"""The feedback notice (反馈意见) of one unit: its scores, its deductions, what it has to mend."""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.documents.official import TableColumn
from perfxl.facts.feedback import FeedbackFacts, feedback_texts
from perfxl.plan.model import Plan
from perfxl.plan.wording import DocumentKind
from perfxl.points import as_score, as_text
from perfxl.products.texts import begun, composed
from perfxl.tables import Basis, Status

SCORES_TITLE, PROBLEMS_TITLE = "得分情况表", "需要整改的问题"
_SCORE_COLUMNS = (
    TableColumn("编码", 14, "center"),
    TableColumn("指标", 44),
    TableColumn("分值", 13, "center"),
    TableColumn("自评", 13, "center"),
    TableColumn("得分", 14, "center"),
    TableColumn("同类\n平均", 14, "center"),
    TableColumn("扣分", 12, "center"),
    TableColumn("扣分原因", 45),
)
_PROBLEM_COLUMNS = (
    TableColumn("编号", 20, "center"),
    TableColumn("来源", 20, "center"),
    TableColumn("问题", 86),
    TableColumn("整改期限", 30, "center"),
)


def feedback_notice(plan: Plan, facts: FeedbackFacts, *, draft: bool = False) -> bytes:
    """The notice as .docx bytes; a draft where one is asked for or a score is not approved yet.

    Raises NotInPlan where the plan has no text for it, NoCalendar.
    """
    info = plan.campaign
    text = composed(plan, DocumentKind.FEEDBACK, feedback_texts(plan, facts))
    document = begun(plan, text, draft=draft or bool(facts.provisional), mark=False)
    returned = facts.status is not Status.NOT_RETURNED
    titles = [SCORES_TITLE] if returned else []
    titles += [PROBLEMS_TITLE] if facts.problems else []
    if titles:
        document.attachment_note(titles)
    document.signature(info.issuer, info.issued_on)
    if returned:
        document.attachment(SCORES_TITLE)
        document.table(_SCORE_COLUMNS, _score_rows(facts))
    if facts.problems:
        document.attachment(PROBLEMS_TITLE)
        document.table(_PROBLEM_COLUMNS, _problem_rows(facts))
    if text.copies:
        document.copies(text.copies, f"{info.issuer}办公室", info.issued_on)
    return document.to_bytes()


def _score_rows(facts: FeedbackFacts) -> Sequence[Sequence[str]]:
    return [
        (
            line.code,
            line.name,
            as_text(line.full_marks),
            "" if line.self_score is None else as_score(line.self_score),
            str(Basis.NOT_APPLICABLE) if line.score is None else as_score(line.score),
            "" if line.mean is None else as_text(line.mean, 2),
            as_text(line.lost) if line.lost else "",
            line.reason if line.lost else "",
        )
        for line in facts.lines
    ]


def _problem_rows(facts: FeedbackFacts) -> Sequence[Sequence[str]]:
    return [
        (one.number, one.source, one.description, one.due.isoformat()) for one in facts.problems
    ]
