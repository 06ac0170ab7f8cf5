"""A document from the plan's texts (文稿): its frame and body through the official form."""

from __future__ import annotations

from perfxl.documents.official import OfficialDocument
from perfxl.errors import NotInPlan, Place
from perfxl.plan.model import Plan
from perfxl.plan.wording import HEADING_LEVELS, DocumentKind, kinds_of
from perfxl.plan.workbook import WORDING
from perfxl.wording import Composed, Facts, compose

DRAFT = "（讨论稿）"


def composed(plan: Plan, kind: DocumentKind, facts: Facts) -> Composed:
    """The text of a document; raises NotInPlan where the plan has none for it."""
    rows = plan.wording.get(kind)
    if not rows:
        raise NotInPlan(
            f"考核方案的“{WORDING}”表中没有“{kind}”的文字",
            place=Place("考核方案.xlsx", WORDING),
            remedy=f"请从 perfxl init 建立的新方案中，把“{WORDING}”表里“{kind}”的各行复制过来",
        )
    return compose(rows, kinds_of(kind, rows), facts)


def begun(plan: Plan, text: Composed, *, draft: bool, mark: bool) -> OfficialDocument:
    """The document with head and body; ``mark`` asks for the red head, as a number does."""
    info = plan.campaign
    document = OfficialDocument(
        issuing_mark=f"{info.issuer}文件" if mark or text.number else "",
        document_number=text.number,
        title=text.title + ("\n" + DRAFT if draft else ""),
        addressees=text.addressees,
    )
    for piece in text.body:
        level = HEADING_LEVELS.get(piece.part)
        if level is None:
            document.paragraph(piece.text)
        else:
            document.heading(level, piece.text)
    return document
