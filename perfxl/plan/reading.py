"""The sheets of a plan workbook as a ``Plan``, or every mistake in them at its cell, at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from perfxl.errors import PlanRefused
from perfxl.layout.declare import Column
from perfxl.layout.locate import Rows, find_table
from perfxl.plan import workbook as sheets_of_plan
from perfxl.plan.application_reading import read_application
from perfxl.plan.borrowed_reading import read_other_campaigns
from perfxl.plan.forms import file_name
from perfxl.plan.import_reading import read_project_import
from perfxl.plan.info_reading import InfoSheet
from perfxl.plan.item_reading import read_items
from perfxl.plan.mail_reading import read_mail_settings, read_mail_texts
from perfxl.plan.model import Grade, Plan, Unit, sections_of
from perfxl.plan.monthly_reading import read_monthly
from perfxl.plan.names import (
    LONGEST_FILE_NAME,
    LONGEST_NAME,
    LONGEST_SECTION,
    find_name,
    kind_name,
)
from perfxl.plan.register_reading import read_registers
from perfxl.plan.rows import LIST_BREAK, PlanBook, Row
from perfxl.plan.rubric_reading import around, code_of, read_rubric
from perfxl.plan.rubric_sheets import RubricSheets, find_rubrics
from perfxl.plan.spot_check_reading import read_spot_check
from perfxl.plan.wording_reading import read_wording
from perfxl.points import HUNDREDTHS
from perfxl.values import number_of, squeeze, text_of


def read_plan(file: str, sheets: Mapping[str, Rows]) -> Plan:
    """The plan that a workbook's sheets declare (sheet name → rows from A1).

    Raises PlanRefused that lists every mistake with sheet and cell; ``file`` names the workbook.
    """
    book = PlanBook(file, sheets)
    _check_sheet_names(book)
    info = InfoSheet(book)
    campaign = info.campaign()
    grades = _grades(book)
    registers = read_registers(book)
    kinds = find_rubrics(book)
    other_campaigns = read_other_campaigns(book)
    items = read_items(book, registers, kinds, other_campaigns)
    full_marks = None if info.doubtful("满分") else campaign.full_marks
    plan = around(book, items, registers, full_marks)
    rubrics = {kind: read_rubric(book, sheet, kind, plan) for kind, sheet in kinds.by_kind.items()}
    info.check_step(campaign.step, rubrics)
    units = _units(book, kinds, campaign.code)
    instructions = tuple(
        row.text("说明") for row in book.rows(sheets_of_plan.INSTRUCTIONS_SHEET, needed=False)
    )
    mails = read_mail_texts(book)
    reviewers = _reviewers(book, sections_of(units, rubrics))
    spot_check = read_spot_check(book, registers)
    wording = read_wording(book, registers, items, rubrics.values())
    application = read_application(book, info, grades, registers)
    mail_settings = read_mail_settings(book)
    project_import = read_project_import(book, registers)
    monthly = read_monthly(book, registers)
    references = tuple(_references(book))
    if book.mistakes:
        raise PlanRefused(book.file, book.mistakes)
    return Plan(
        campaign,
        grades,
        units,
        rubrics,
        items,
        registers,
        instructions,
        mails,
        reviewers,
        spot_check,
        wording,
        application,
        mail_settings,
        other_campaigns,
        project_import,
        monthly,
        references,
    )


def _check_sheet_names(book: PlanBook) -> None:
    """Report a second sheet that differs from one of the plan's only by spaces in its name."""
    for sheet in book.sheets:
        name = squeeze(sheet)
        read = book.real_name(name)
        if name in sheets_of_plan.FIXED_SHEETS and sheet != read:
            what = f"与工作表“{read}”只差空格，分不清用哪一张"
            book.mistake("P110", sheet, "", what, "请删去一张，或给它另取名称")


def _grades(book: PlanBook) -> tuple[Grade, ...]:
    grades: list[Grade] = []
    names: dict[str, Row] = {}
    rows = book.rows(sheets_of_plan.GRADES_SHEET)
    for row in rows:
        row.required("等级")
        twin = row.repeated("等级", names)
        if twin:
            row.repeats("等级", twin)
        threshold = _threshold(row)
        if threshold is None:
            continue
        if grades and threshold >= grades[-1].threshold:
            row.mistake("P109", "最低得分率", "等级应从高到低排列，且不得相同")
        grades.append(Grade(row.text("等级"), threshold))
        if row is rows[-1] and threshold != 0:
            what = "最低一档的最低得分率应为 0，否则有的单位没有等级"
            row.mistake("P109", "最低得分率", what)
    return tuple(grades)


def _threshold(row: Row) -> int | None:
    """The least rate of a grade, in hundredths of a percent; a percent-formatted 90% is 0.9."""
    label = "最低得分率"
    number = number_of(row.value(label))
    if number is not None and (0 < number <= HUNDREDTHS or number > 100 * HUNDREDTHS):
        what = f"“{label}”应写 90，不写 0.9 或 90% 格式，现为“{row.text(label)}”"
        row.mistake("P105", label, what, "单元格设为常规格式，填 0 至 100 的数")
        return None
    return row.number_at(label, needed=True)


def _units(book: PlanBook, kinds: RubricSheets, campaign: str) -> tuple[Unit, ...]:
    units: list[Unit] = []
    codes: dict[str, Row] = {}
    names: dict[str, Row] = {}
    for row in book.rows(sheets_of_plan.ROSTER_SHEET):
        code = code_of(row, "单位编码", codes)
        name, section = row.required("单位名称"), row.required("负责股室")
        twin = row.repeated("单位名称", names)
        if twin:
            row.repeats("单位名称", twin)
        legal = [not code or row.legal_name("单位编码"), row.legal_name("单位名称")]
        row.legal_name("负责股室", LONGEST_SECTION)
        kind = kinds.kind("单位类别", row, row.required("单位类别"))
        short = tuple(part.strip() for part in LIST_BREAK.split(row.text("简称")) if part.strip())
        unit = Unit(
            code,
            name,
            kind or kind_name(row.text("单位类别")),
            section,
            short,
            row.text("联系人"),
            row.text("联系电话"),
            row.text("电子邮箱"),
            row.text("抄送邮箱"),
            row.cell("电子邮箱"),
            row.cell("抄送邮箱"),
        )
        if all(legal):
            _check_file_name(row, campaign, unit)
        units.append(unit)
    return tuple(units)


def _check_file_name(row: Row, campaign: str, unit: Unit) -> None:
    length = len(file_name(campaign, unit).encode())
    if length > LONGEST_FILE_NAME:
        what = f"填报工作簿的文件名（编码加名称）长 {length} 字节，超过 {LONGEST_FILE_NAME} 字节"
        row.mistake("P108", "单位名称", what, "一个汉字占 3 字节，请用较短的名称")


def _reviewers(book: PlanBook, sections: Sequence[str]) -> dict[str, tuple[str, ...]]:
    reviewers: dict[str, tuple[str, ...]] = {}
    people: dict[str, dict[str, Row]] = {}
    for row in book.rows(sheets_of_plan.REVIEWERS_SHEET, needed=False):
        section, name = row.required("股室"), row.required("评分人")
        known = find_name(section, sections)
        if section and known is None:
            what = f"股室“{section}”没有要评的单位或指标"
            row.mistake("P119", "股室", what, f"应为 {'、'.join(sections)} 之一")
        row.legal_name("评分人", LONGEST_NAME)
        twin = row.repeated("评分人", people.setdefault(known or section, {}))
        if twin:
            row.repeats("评分人", twin)
        elif known is not None and name:
            reviewers[known] = (*reviewers.get(known, ()), name)
    return reviewers


def _references(book: PlanBook) -> Iterator[Mapping[str, str]]:
    layout = sheets_of_plan.REFERENCES_SHEET
    assert layout.table is not None
    seen: dict[str, Row] = {}
    for row in book.rows(layout, needed=False):
        row.required("指标名称")
        twin = row.repeated("指标编号", seen)
        if twin:
            row.repeats("指标编号", twin, "请删去一行")
        yield {column.label: row.text(column.label) for column in layout.table.columns}


def plan_records(sheets: Mapping[str, Rows]) -> dict[str, tuple[list[str], list[dict[str, str]]]]:
    """The plan's tables as plain text, sheet → (labels, rows), for printing; nothing is checked."""
    records: dict[str, tuple[list[str], list[dict[str, str]]]] = {}
    for sheet, rows in sheets.items():
        layout = sheets_of_plan.plan_sheet(sheet)
        if layout is None or layout.table is None:
            continue
        name, located = layout.name, find_table(rows, layout.table)
        if located is None:
            continue
        columns: Iterable[Column] = layout.table.columns
        labels = [
            c.label
            for c in columns
            if c.key in located.columns
            and not (name in sheets_of_plan.ITEM_SHEETS and c.label == "说明")
        ]
        found = []
        for row in rows[located.first_row :]:
            record = {
                label: text_of(row[at]) if (at := located.columns[label]) < len(row) else ""
                for label in labels
            }
            if name in sheets_of_plan.ITEM_SHEETS:
                record["项目"] = record["项目"].removesuffix("*").rstrip()
            if any(record.values()):
                found.append(record)
        records[name] = (labels, found)
    return records
