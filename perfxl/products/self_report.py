"""The self-assessment report (自评报告) in the official form; one that contradicts itself is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from perfxl.documents.official import TableColumn
from perfxl.errors import Mistake, Place, ReportContradicts
from perfxl.excel.writer import WorkbookWriter
from perfxl.facts.self_report import SelfReport, self_report_facts, sums
from perfxl.facts.self_report_basis import self_report_basis
from perfxl.narrative.checker import check_lines
from perfxl.narrative.findings import Finding, Verdict
from perfxl.narrative.text import read_report
from perfxl.plan.model import Plan
from perfxl.plan.wording import DocumentKind
from perfxl.points import as_text
from perfxl.products.consolidated.form import FIRST_BODY_ROW, begin, finish, wrapped_height
from perfxl.products.texts import begun, composed

FILE, BASIS_FILE = "自评报告.docx", "自评报告依据.xlsx"
_BASIS_COLUMNS = (
    ("指标", 30),
    ("内容", 46),
    ("报告中的写法", 60),
    ("取自", 44),
)
_LONGEST_SHOWN = 60
_SCORE_COLUMNS = (
    TableColumn("编码", 16, "center"),
    TableColumn("一级指标", 36),
    TableColumn("末级指标", 58),
    TableColumn("分值", 14, "center"),
    TableColumn("自评\n得分", 16, "center"),
    TableColumn("得分\n来源", 16, "center"),
)


def self_report_document(plan: Plan, report: SelfReport) -> bytes:
    """The report as .docx bytes.

    Raises NotInPlan where the plan has no text for it, NoCalendar, and ReportContradicts where a
    text of the office contradicts the figures or itself.
    """
    info = plan.campaign
    text = composed(plan, DocumentKind.SELF_ASSESSMENT, self_report_facts(plan, report))
    document = begun(plan, text, draft=False, mark=False)
    title = f"{info.year}年度县级预算绩效管理自评得分表"
    document.attachment_note([title])
    document.signature(info.issuer, info.issued_on)
    document.attachment(title)
    document.table(_SCORE_COLUMNS, list(_score_rows(report)))
    if text.copies:
        document.copies(text.copies, f"{info.issuer}办公室", info.issued_on)
    data = document.to_bytes()
    refuse_contradictions(findings_in(data))
    return data


def _score_rows(report: SelfReport) -> Iterator[tuple[str, ...]]:
    """Every indicator, and in the last row their sum."""
    for one in report.scores:
        top = report.rubric.by_code[one.code].names[0]
        score = "—" if one.score is None else as_text(one.score)
        yield one.code, top, one.name, as_text(one.full_marks), score, one.source
    full_marks, score = (as_text(amount) for amount in sums(report.scores))
    yield "", "合计", "", full_marks, score, ""


def self_report_basis_workbook(plan: Plan, report: SelfReport) -> bytes:
    """Where every figure of the report comes from, a figure a row, as .xlsx bytes.

    Raises NoCalendar.
    """
    book = WorkbookWriter(title="自评报告依据")
    sheet = book.sheet("自评报告依据")
    note = "报告中的数、名单和文号，以及所取的登记表行、数据项和得分；行号是年度台账中的行号。"
    begin(sheet, f"{plan.campaign.name}自评报告依据", note, _BASIS_COLUMNS)
    row = FIRST_BODY_ROW
    for line in self_report_basis(plan, report).itertuples(index=False):
        texts = (line.subject, line.field, line.text, line.source)
        for column, text in enumerate(texts):
            sheet.text(row, column, text)
        widths = [(text, _BASIS_COLUMNS[column][1]) for column, text in enumerate(texts)]
        sheet.raw.set_row(row, wrapped_height(*widths))
        row += 1
    finish(sheet, _BASIS_COLUMNS, row - 1)
    return book.to_bytes()


def findings_in(data: bytes) -> Sequence[Finding]:
    """What the checker of narrative reports says of a report in .docx bytes."""
    return check_lines(read_report(data, FILE), FILE).findings


def refuse_contradictions(findings: Sequence[Finding]) -> None:
    """Raise ReportContradicts with every contradiction among the findings."""
    mistakes = [
        Mistake(
            ReportContradicts.code,
            f"{one.subject}：{one.found}，{one.follows}（{one.arithmetic}）",
            Place(one.path or one.place),
            f"“{_shortened(one.sentence)}”",
        )
        for one in findings
        if one.verdict is Verdict.CONTRADICTION
    ]
    if mistakes:
        raise ReportContradicts(FILE, mistakes)


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "……"
