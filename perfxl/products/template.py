"""The unit's workbook (模板): cover, instructions, 自评表, registers, data items, identity."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from perfxl.excel.stamp import DEFINED_NAME, PROPERTY, Stamp
from perfxl.excel.stamp import SHEET as STAMP_SHEET
from perfxl.excel.stencil import Stencil
from perfxl.excel.style import PALER_BLUE, Role
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.intake.content import Cells, Content
from perfxl.layout.declare import Column, FilledBy, SheetLayout, ValueKind
from perfxl.layout.locate import column_letter
from perfxl.plan import forms
from perfxl.plan.model import CampaignInfo, Indicator, Plan, RubricRow, Unit
from perfxl.plan.workbook import REFERENCES, REFERENCES_SHEET
from perfxl.points import as_float, as_text
from perfxl.tables import SystemProject

_HEADING_ROW = 2


# What the budget system says is told apart from what the unit types; it is unlocked all the same.
_PREFILLED = {"bg_color": PALER_BLUE}


def template(
    plan: Plan,
    unit: Unit,
    stamp: Stamp | None,
    content: Content | None = None,
    projects: Sequence[SystemProject] = (),
) -> bytes:
    """The workbook that this unit fills in, as .xlsx bytes; ``stamp`` is its signed identity.

    ``content`` is what the unit typed before, where the workbook goes out filled in; ``projects``
    are the unit's in the budget system, with which the register of the plan's sheet 项目导入 begins.
    """
    content = content or Content()
    layout = forms.template_layout(plan, unit.kind)
    book = WorkbookWriter(title=plan.campaign.form_title, author=plan.campaign.issuer)
    for declared in layout.sheets:
        sheet = book.sheet(declared.name)
        if declared.key == forms.COVER:
            _cover(sheet, plan, unit, declared, content.cover)
        elif declared.key == forms.INSTRUCTIONS:
            _instructions(sheet, plan)
        elif declared.key == forms.SELF_ASSESSMENT:
            _self_assessment(sheet, plan, unit, declared, content.entries)
        elif declared.key == forms.DATA_ITEMS:
            _data_items(sheet, plan, unit, declared, content.items)
        elif plan.project_import and projects and declared.name == plan.project_import.register:
            _prefilled_register(sheet, plan, unit, declared, projects)
        else:
            _register(sheet, plan, unit, declared, content.registers.get(declared.name, ()))
    if plan.references:
        _references(book.sheet(REFERENCES), plan)
    if stamp is not None:
        write_stamp(book, stamp)
    return book.to_bytes()


def _reference_columns(plan: Plan) -> list[Column]:
    table = REFERENCES_SHEET.table
    assert table is not None
    return [one for one in table.columns if any(said[one.label] for said in plan.references)]


def _names_of_references(plan: Plan) -> str:
    """The range of the names on the sheet 指标参考."""
    at = [one.label for one in _reference_columns(plan)].index("指标名称")
    letter, first = column_letter(at), _HEADING_ROW + 2
    return f"='{REFERENCES}'!${letter}${first}:${letter}${first + len(plan.references) - 1}"


def _references(sheet: SheetWriter, plan: Plan) -> None:
    """The indicators that the office chose from its library, for units to look at."""
    columns = _reference_columns(plan)
    sheet.title("项目绩效指标参考", "设置项目绩效指标时参考，本表不用填写。", len(columns) - 1)
    sheet.headings(_HEADING_ROW, columns)
    for row, said in enumerate(plan.references, _HEADING_ROW + 1):
        for index, column in enumerate(columns):
            sheet.text(row, index, said[column.label])
        tallest = max(lines_high(said[one.label], one.width / 2, 13) for one in columns)
        sheet.raw.set_row(row, max(24.0, tallest))
    last = _HEADING_ROW + len(plan.references)
    sheet.raw.autofilter(_HEADING_ROW, 0, last, len(columns) - 1)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 2)
    sheet.print_setup(
        landscape=True, last_column=len(columns) - 1, repeat_rows=(_HEADING_ROW, _HEADING_ROW)
    )
    sheet.protect(autofilter=True)


class Templates:
    """The workbooks of many units, as ``template`` gives them but a hundred times faster.

    The workbook of a kind is written once with markers for what differs between its units, and
    filled in for each (``excel.stencil``).
    """

    _TEXTS = ("code", "name", "section", "contact", "phone", "email")

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        # Nobody who writes a plan can guess what stands in it.
        token = secrets.token_hex(8)
        self._markers = {name: f"{name}-{token}" for name in (*self._TEXTS, "holder", "digest")}
        self._stencils: dict[tuple[str, str | None, Stamp], Stencil] = {}

    def workbook(self, unit: Unit, stamp: Stamp, projects: Sequence[SystemProject] = ()) -> bytes:
        """The workbook that this unit fills in; its parts are those of ``template``'s.

        One that begins with projects of its own is written for good.
        """
        if projects:
            return template(self._plan, unit, stamp, projects=projects)
        values = {name: getattr(unit, name) for name in self._TEXTS}
        values |= {"holder": stamp.holder, "digest": stamp.digest}
        # A section that is not told, or that is also the text of another cell, is written for good.
        for section in (None, unit.section):
            data = self._stencil(unit, stamp, section).filled(values)
            if data is not None:
                return data
        return template(self._plan, unit, stamp)

    def _stencil(self, unit: Unit, stamp: Stamp, section: str | None) -> Stencil:
        markers = self._markers
        marked = replace(stamp, holder=markers["holder"], digest=markers["digest"])
        key = (unit.kind, section, marked)
        if key not in self._stencils:
            texts: dict[str, Any] = {name: markers[name] for name in self._TEXTS}
            any_unit = replace(unit, **texts)
            if section is not None:
                any_unit = replace(any_unit, section=section)
            self._stencils[key] = Stencil(template(self._plan, any_unit, marked), markers)
        return self._stencils[key]


def write_stamp(book: WorkbookWriter, stamp: Stamp) -> None:
    """The identity in its three places: hidden sheet, defined name, document property."""
    hidden = book.sheet(STAMP_SHEET)
    hidden.text(0, 0, str(stamp), Role.PLAIN)
    hidden.hide()
    book.define_name(DEFINED_NAME, f'="{stamp}"')
    book.set_property(PROPERTY, str(stamp))


def _cover(sheet: SheetWriter, plan: Plan, unit: Unit, layout: SheetLayout, typed: Cells) -> None:
    campaign = plan.campaign
    sheet.raw.hide_gridlines(2)
    for column, width in enumerate((6, 22, 44, 6)):
        sheet.raw.set_column(column, column, width)
    sheet.raw.set_row(1, 96)
    sheet.merged(1, 3, campaign.form_title, Role.TITLE, font_size=24, text_wrap=True)
    year = f"考核年度：{campaign.year}年"
    sheet.merged(2, 3, year, Role.PLAIN, font_size=14, align="center")
    sheet.raw.set_row(3, 40)
    known = {
        "unit_name": unit.name,
        "unit_code": unit.code,
        "section": unit.section,
        "deadline": f"{campaign.deadline:%Y-%m-%d %H:%M}",
    }
    row = 4
    for declared in layout.fields:
        sheet.raw.set_row(row, 34)
        label = declared.label + (" *" if declared.required else "")
        sheet.text(row, 1, label, Role.LABEL, align="center")
        role = Role.FIXED if declared.filled_by is FilledBy.OFFICE else Role.INPUT
        value = known.get(declared.key, typed.get(declared.key, ""))
        sheet.typed(row, 2, value, role, declared.kind, font_size=12, indent=1)
        if declared.help:
            sheet.raw.data_validation(
                row,
                2,
                row,
                2,
                {
                    "validate": "any",
                    "input_title": declared.label,
                    "input_message": declared.help,
                },
            )
        row += 1
    sheet.raw.set_row(row, 60)
    for below, label in enumerate(("单位（盖章）：", "单位负责人（签字）："), row + 1):
        sheet.text(below, 1, campaign.worded(label), Role.PLAIN, font_size=14, text_wrap=False)
    sheet.raw.set_row(row + 1, 46)
    sheet.raw.set_row(row + 2, 46)
    sheet.merged(row + 4, 3, f"{campaign.issuer}  制", Role.PLAIN, font_size=14, align="center")
    if campaign.contact or campaign.phone:
        contact = f"填报咨询：{campaign.contact}  {campaign.phone}".rstrip()
        sheet.merged(row + 5, 3, contact, Role.NOTE, align="center", font_size=11)
    sheet.print_setup(landscape=False, last_column=3)
    sheet.protect()


def _instructions(sheet: SheetWriter, plan: Plan) -> None:
    sheet.raw.hide_gridlines(2)
    sheet.raw.set_column(0, 0, 6)
    sheet.raw.set_column(1, 1, 84)
    sheet.title("填报说明", "", 1)
    for number, text in enumerate(plan.instructions, 1):
        sheet.text(
            number + 1, 0, str(number), Role.PLAIN, font_size=12, align="center", valign="top"
        )
        sheet.text(number + 1, 1, text, Role.PLAIN, font_size=12, valign="top")
        sheet.raw.set_row(number + 1, lines_high(text, 40, 19))
    sheet.print_setup(landscape=False, last_column=1)
    sheet.protect()


def lines_high(text: str, characters: float, line: float = 14) -> float:
    """The row height that shows a text of Chinese characters wrapped at a column's width."""
    # No character is wider than one.
    if len(text) <= characters and "\n" not in text:
        return min(400.0, line + 4)
    return min(400.0, _lines(text, characters) * line + 4)


@lru_cache(maxsize=4096)
def _lines(text: str, characters: float) -> float:
    return sum(max(1, -(-_em_width(part) // max(1.0, characters))) for part in text.split("\n"))


def _em_width(text: str) -> float:
    return sum([1.0 if character > "\u2e7f" else 0.55 for character in text])


def _self_assessment(
    sheet: SheetWriter,
    plan: Plan,
    unit: Unit,
    layout: SheetLayout,
    entries: Mapping[str, Cells],
) -> None:
    assert layout.table is not None
    columns = layout.table.columns
    at = {column.key: index for index, column in enumerate(columns)}
    last = len(columns) - 1
    rubric = plan.rubrics[unit.kind]
    sheet.title(layout.title, "", last)
    note = f"{unit.name}（{unit.code}）    {layout.note}"
    sheet.merged(1, last, note, Role.NOTE, font_size=10)
    sheet.headings(_HEADING_ROW, columns)
    first = _HEADING_ROW + 1
    score_letter = column_letter(at["self_score"])

    def score_cell(index: int) -> str:
        return f"{score_letter}{first + index + 1}"

    for index, line in enumerate(rubric.rows):
        row = first + index
        if line.indicator is None:
            _heading_line(sheet, row, line, last, at)
            total = f"=SUM({','.join(score_cell(child) for child in line.children)})"
            role = Role.LEVEL_1 if line.depth == 1 else Role.LEVEL_2
            sheet.formula(row, at["self_score"], total, role)
        else:
            typed = entries.get(line.code, {})
            _indicator_line(sheet, row, line.indicator, line.depth, plan.campaign, at, typed)
    end = first + len(rubric.rows)
    for column in range(last + 1):
        sheet.text(end, column, "", Role.TOTAL)
    sheet.text(end, at["name"], forms.TOTAL_ROW, Role.TOTAL)
    sheet.number(end, at["full_marks"], rubric.full_marks, Role.TOTAL)
    total = f"=SUM({','.join(score_cell(index) for index in rubric.top)})"
    sheet.formula(end, at["self_score"], total, Role.TOTAL)
    sheet.raw.set_row(end, 24)
    sheet.signatures(end + 2, layout.signatures, last)
    sheet.raw.freeze_panes(first, at["full_marks"])
    sheet.print_setup(
        landscape=True,
        last_column=last,
        repeat_rows=(_HEADING_ROW, _HEADING_ROW),
        header=f"{unit.code} {unit.name}",
        last_row=end + 2,
    )
    sheet.protect()


def _heading_line(
    sheet: SheetWriter, row: int, line: RubricRow, last: int, at: dict[str, int]
) -> None:
    role = Role.LEVEL_1 if line.depth == 1 else Role.LEVEL_2
    for column in range(last + 1):
        sheet.text(row, column, "", role)
    sheet.text(row, at["code"], line.code, role, align="left")
    sheet.text(row, at["name"], line.name, role, indent=line.depth - 1)
    sheet.number(row, at["full_marks"], line.full_marks, role)
    sheet.raw.set_row(row, 21)


def _indicator_line(
    sheet: SheetWriter,
    row: int,
    indicator: Indicator,
    depth: int,
    campaign: CampaignInfo,
    at: dict[str, int],
    typed: Cells,
) -> None:
    step = campaign.step
    marks = as_text(indicator.full_marks)
    sheet.text(row, at["code"], indicator.code, align="left")
    sheet.text(row, at["name"], indicator.name, indent=depth - 1)
    sheet.number(row, at["full_marks"], indicator.full_marks)
    sheet.text(row, at["standard"], indicator.standard)
    sheet.text(row, at["method"], indicator.method.name, align="center")
    sheet.typed(row, at["self_score"], typed.get("self_score", ""), Role.INPUT, ValueKind.SCORE)
    for key in ("basis", "evidence_numbers", "deduction_reason"):
        sheet.typed(row, at[key], typed.get(key, ""))
    must = "" if indicator.self_score_required else "（可不填）"
    sheet.validate_score(
        row,
        at["self_score"],
        full_marks_cell=f"{column_letter(at['full_marks'])}{row + 1}",
        step=step,
        message=f"请填 0 至 {marks} 之间、{as_text(step)} 的整数倍{must}",
    )
    if indicator.evidence_required:
        sheet.raw.data_validation(
            row,
            at["evidence_numbers"],
            row,
            at["evidence_numbers"],
            {
                "validate": "any",
                "input_title": "佐证编号",
                "input_message": f"至少 {indicator.evidence_required} 件，"
                "填佐证材料表中的材料编号，"
                "多个用顿号分开，例如 1、3",
            },
        )
    sheet.raw.set_row(row, max(30.0, lines_high(indicator.standard, 18.5, 14)))


def _prefilled_register(
    sheet: SheetWriter,
    plan: Plan,
    unit: Unit,
    layout: SheetLayout,
    projects: Sequence[SystemProject],
) -> None:
    """A register that begins with the budget system's projects; the unit goes on below them."""
    assert layout.table is not None
    room = replace(layout.table, blank_rows=layout.table.blank_rows + len(projects))
    note = f"{layout.note}浅蓝色的格取自预算管理一体化系统；可以增行、改正，改动处财政局会核对。"
    _register(sheet, plan, unit, replace(layout, table=room, note=note), ())
    for number, project in enumerate(projects, _HEADING_ROW + 1):
        height = 18.0
        for index, column in enumerate(room.columns):
            value = project.values.get(column.key)
            if isinstance(value, str):
                # A character of width is 5.25 points, and a Chinese one takes 10.
                height = max(height, lines_high(value, (5.25 * column.width - 1) // 10, 13))
            if value is not None and value != "":
                shown = as_float(value) if isinstance(value, int) else value
                sheet.register_cell(number, index, column, shown, **_PREFILLED)
        sheet.raw.set_row(number, height)
    sheet.raw.ignore_errors(
        {
            "number_stored_as_text": f"A{_HEADING_ROW + 2}:"
            f"{column_letter(len(room.columns) - 1)}{_HEADING_ROW + 1 + len(projects)}"
        }
    )


def _register(
    sheet: SheetWriter, plan: Plan, unit: Unit, layout: SheetLayout, rows: Sequence[Cells]
) -> None:
    assert layout.table is not None
    last = len(layout.table.columns) - 1
    offered = {
        column.key: _names_of_references(plan)
        for column in layout.table.columns
        if column.kind is ValueKind.TEXT and column.choices == (REFERENCES,)
    }
    sheet.register_body(_HEADING_ROW + 1, layout.table, len(rows), offered)
    for number, typed in enumerate(rows, _HEADING_ROW + 1):
        for index, column in enumerate(layout.table.columns):
            sheet.register_cell(number, index, column, typed.get(column.key, ""))
    sheet.title(layout.title, layout.note, last)
    columns = layout.table.columns
    for index, column in enumerate(columns):
        role = Role.HEADING_REQUIRED if column.required else Role.HEADING
        sheet.text(_HEADING_ROW, index, column.heading + (" *" if column.required else ""), role)
    sheet.raw.set_row(_HEADING_ROW, 32)
    # Rows above the body would otherwise inherit the unlocked column format.
    locked = sheet.book.format(Role.PLAIN)
    sheet.raw.set_row(0, 30, locked)
    sheet.raw.set_row(1, 18, locked)
    sheet.raw.freeze_panes(_HEADING_ROW + 1, min(2, last))
    sheet.print_setup(
        landscape=True,
        last_column=last,
        repeat_rows=(0, _HEADING_ROW),
        header=f"{unit.code} {unit.name}",
    )
    sheet.protect(insert_rows=True, delete_rows=True, sort=True)


def _data_items(
    sheet: SheetWriter,
    plan: Plan,
    unit: Unit,
    layout: SheetLayout,
    items: Mapping[str, Cells],
) -> None:
    assert layout.table is not None
    columns = layout.table.columns
    sheet.title(layout.title, layout.note, len(columns) - 1)
    sheet.headings(_HEADING_ROW, columns)
    for number, item in enumerate(plan.reported_items(unit.kind)):
        row = _HEADING_ROW + 1 + number
        sheet.text(row, 0, item.name)
        sheet.text(row, 1, item.unit, align="center")
        value = items.get(item.name, {}).get("value", "")
        sheet.typed(row, 2, value, Role.INPUT, ValueKind.NUMBER)
        sheet.text(row, 3, item.help)
        sheet.validate(row, row, 2, columns[2])
        sheet.raw.set_row(row, max(22.0, lines_high(item.help, 32)))
    sheet.raw.freeze_panes(_HEADING_ROW + 1, 1)
    sheet.print_setup(
        landscape=False,
        last_column=len(columns) - 1,
        repeat_rows=(0, _HEADING_ROW),
        header=f"{unit.code} {unit.name}",
    )
    sheet.protect()
