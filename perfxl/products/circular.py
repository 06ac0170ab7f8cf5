"""The circular (通报), the report to the government and the public version: one set of facts."""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.documents.official import TableColumn
from perfxl.facts.campaign import CampaignFacts, KindFacts, result_facts
from perfxl.plan.model import Plan
from perfxl.plan.wording import DocumentKind
from perfxl.points import as_text
from perfxl.products.texts import begun, composed
from perfxl.tables import Status

RESULT_DOCUMENTS = (DocumentKind.CIRCULAR, DocumentKind.REPORT, DocumentKind.PUBLIC)


def _columns(plan: Plan) -> tuple[TableColumn, ...]:
    return (
        TableColumn("名次", 16, "center"),
        TableColumn(plan.campaign.worded("单位名称"), 62),
        TableColumn("得分", 22, "center"),
        TableColumn("等级", 16, "center"),
        TableColumn("备注", 40),
    )


def result_document(kind: DocumentKind, plan: Plan, facts: CampaignFacts) -> bytes:
    """One of ``RESULT_DOCUMENTS`` as .docx bytes, with a ranking table of every kind of unit.

    Marked as a draft while any score is not approved yet. Raises NotInPlan where the plan has no
    text for it, NoCalendar.
    """
    info = plan.campaign
    text = composed(plan, kind, result_facts(plan, facts))
    is_circular = kind is DocumentKind.CIRCULAR
    document = begun(plan, text, draft=bool(facts.provisional), mark=is_circular)
    # Of one kind alone the campaign's name says enough.
    several = len(facts.kinds) > 1
    titles = [f"{info.name}{one.kind if several else ''}排名表" for one in facts.kinds]
    document.attachment_note(titles)
    document.signature(info.issuer, info.issued_on, sealed=kind is not DocumentKind.PUBLIC)
    for title, one in zip(titles, facts.kinds, strict=True):
        document.attachment(title)
        document.table(_columns(plan), _ranking_rows(one))
    if is_circular or text.copies:
        document.copies(text.copies, f"{info.issuer}办公室", info.issued_on)
    return document.to_bytes()


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
