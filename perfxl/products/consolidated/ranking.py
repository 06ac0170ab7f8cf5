"""排名: departments and townships apart, best first, live: the rows follow the matrix."""

from __future__ import annotations

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name
from perfxl.points import as_float
from perfxl.products.consolidated.form import (
    FIRST_BODY_ROW,
    HEADING_ROW,
    SIGNATURES,
    begin,
    roomy_height,
    wrapped_height,
)
from perfxl.products.consolidated.material import NOT_RETURNED, Material, MatrixPlace
from perfxl.tables import NOT_RANKED, whole

SHEET = "排名"
_COLUMNS = (
    ("名次", 7),
    ("单位编码", 10),
    ("单位名称", 30),
    ("负责股室", 15),
    ("得分合计", 10),
    ("适用分值", 10),
    ("逾期扣分", 10),
    ("总分", 10),
    ("等级", 8),
    ("备注", 18),
)

NAME, TOTAL = 2, 7
_HELPER = len(_COLUMNS)


def ranking_rows(material: Material) -> dict[str, tuple[int, int]]:
    """First and last row (0-based) of each kind's units, best first."""
    rows, row = {}, FIRST_BODY_ROW
    for kind, place in material.matrices.items():
        rows[kind] = row + 1, row + len(place.units)
        # The signature lines follow.
        row = rows[kind][1] + 2
    return rows


def write_ranking(sheet: SheetWriter, material: Material) -> None:
    """One block per kind, each on a page of its own with signature lines, in portrait A4."""
    campaign = material.plan.campaign
    last = len(_COLUMNS) - 1
    begin(sheet, f"{campaign.name}排名", "", _COLUMNS)
    provisional = int((material.ranking["provisional"] > 0).sum())
    note = f"{campaign.issuer}    {campaign.year}年度"
    if provisional:
        note += f"    尚有 {provisional} 个{campaign.called}的得分未全部核定，本排名为暂定"
    sheet.merged(1, last, note, Role.NOTE, align="center")
    row = FIRST_BODY_ROW
    breaks = []
    for kind, place in material.matrices.items():
        if row > FIRST_BODY_ROW:
            breaks.append(row)
        row = _block(sheet, material, kind, place, row)
    sheet.raw.set_h_pagebreaks(breaks)
    sheet.raw.set_column(_HELPER, _HELPER, 6, None, {"hidden": True})
    sheet.raw.freeze_panes(FIRST_BODY_ROW, 3)
    sheet.print_setup(
        landscape=False, last_column=last, repeat_rows=(0, HEADING_ROW), last_row=row - 1
    )


def _block(sheet: SheetWriter, material: Material, kind: str, place: MatrixPlace, row: int) -> int:
    last = len(_COLUMNS) - 1
    title = f"{kind}（{len(place.units)} 个）"
    sheet.merged(row, last, title, Role.LEVEL_1)
    sheet.raw.set_row(row, 24)
    height = roomy_height(
        len(place.units),
        sum(width for _, width in _COLUMNS),
        landscape=False,
        used=190,
        # Any row may come to hold the longest name.
        least=wrapped_height(
            *((unit.name, _COLUMNS[NAME][1]) for unit in place.units), size=11, least=22
        ),
        most=36,
    )
    ranked = material.ranking[material.ranking["kind"] == kind]
    order = place.column_range(place.column("排列序号"))
    for line in ranked.itertuples(index=False):
        row += 1
        helper = cell_name(row, _HELPER)
        position = place.row(line.unit) - place.row(place.units[0].code) + 1
        sheet.formula(
            row,
            _HELPER,
            f"=MATCH({line.position},{order},0)",
            Role.PLAIN,
            ValueKind.INTEGER,
            position,
        )

        def at(label: str, place: MatrixPlace = place, helper: str = helper) -> str:
            return f"INDEX({place.column_range(place.column(label))},{helper})"

        note = (
            f'{at("报送情况")}&IF({at("未核定项数")}>0,"，"&{at("未核定项数")}&"项未核定","")'
            f'&IF({at("错误条数")}>0,"，错误"&{at("错误条数")}&"条","")'
        )
        errors = material.errors_of[line.unit]
        remark = line.status + (f"，{line.provisional}项未核定" if line.provisional else "")
        remark += f"，错误{errors}条" if errors else ""
        rank = whole(line.rank)
        cells: tuple[tuple[str, ValueKind, float | str], ...] = (
            (at("排名"), ValueKind.INTEGER, NOT_RANKED if rank is None else rank),
            (at("单位编码"), ValueKind.TEXT, line.unit),
            (at("单位名称"), ValueKind.TEXT, line.name),
            (at("负责股室"), ValueKind.TEXT, line.section),
            (at("得分合计"), ValueKind.SCORE, as_float(line.sum)),
            (at("适用分值"), ValueKind.SCORE, as_float(line.applicable)),
            (at("逾期扣分"), ValueKind.SCORE, as_float(line.deducted)),
            (at("总分"), ValueKind.MONEY, as_float(line.total)),
            (at("等级"), ValueKind.TEXT, line.grade),
            (note, ValueKind.TEXT, remark),
        )
        missing = line.status == NOT_RETURNED
        for column, (formula, value_kind, cached) in enumerate(cells):
            align = "left" if column in (2, last) else "center"
            more = {"font_color": "#9C2A00"} if missing else {}
            sheet.formula(
                row,
                column,
                "=" + formula,
                Role.FIXED,
                value_kind,
                cached,
                align=align,
                font_size=11,
                bold=column in (0, 7),
                **more,
            )
        sheet.raw.set_row(row, height)
    sheet.signatures(row + 1, SIGNATURES, last)
    return row + 2
