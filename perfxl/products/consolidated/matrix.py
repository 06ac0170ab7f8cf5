"""得分汇总: units down, indicators across; totals, grades and ranks as live formulas.

The formulas compare whole hundredths (ROUND(x*100,0)), so that they never depend on how a binary
float happens to fall; the hidden 排序值 is the exact total to ten decimals, far finer than two
different totals can lie apart.
"""

from __future__ import annotations

from typing import Any

from perfxl.excel.style import SCORE_RATE_SHADES, Role
from perfxl.excel.writer import PAPER_A3, SheetWriter
from perfxl.layout.declare import ValueKind
from perfxl.layout.locate import cell_name, column_letter
from perfxl.plan.model import Plan, TieRule
from perfxl.points import as_float, as_text
from perfxl.products.consolidated import material as limits
from perfxl.products.consolidated.form import SIGNATURES, roomy_height, wrapped_height
from perfxl.products.consolidated.material import (
    FIRST_ROW,
    HEADING_ROW,
    MARKS_ROW,
    NOT_APPLICABLE,
    NOT_RETURNED,
    Material,
    MatrixPlace,
)
from perfxl.tables import NOT_RANKED, PROVISIONAL, whole

_LEGEND_COLUMNS = 4
_SCORE_WIDTH, _TOTAL_WIDTH = 6.0, 7.0
_WIDTHS = {"单位编码": 8, "单位名称": 24, "负责股室": 13, "报送情况": 8}


def write_matrix(
    sheet: SheetWriter,
    material: Material,
    place: MatrixPlace,
    detail_rows: dict[tuple[str, str], int],
) -> None:
    """Write one kind's matrix; ``detail_rows`` gives each score's 0-based row in 得分明细."""
    plan = material.plan
    shown = place.column("错误条数")
    sheet.title(f"{plan.campaign.name}{place.sheet}", "", shown)
    note = (
        "斜体为尚未核定的暂定分；底色越深得分率越低（图例在表下）；"
        "改动得分后总分、等级、排名、分析和图表自动重算；"
        "总分 = 得分合计 ÷ 适用分值 × 满分 - 逾期扣分。"
    )
    sheet.text(1, 0, note, Role.NOTE)
    _headings(sheet, place)
    height = roomy_height(
        len(place.units),
        sum(_WIDTHS.values())
        + _SCORE_WIDTH * len(place.indicators)
        + _TOTAL_WIDTH * (shown - place.column("得分合计") + 1),
        landscape=True,
        used=260,
        least=wrapped_height(*((one.name, _WIDTHS["单位名称"]) for one in place.units), least=21),
        most=36,
    )
    linked = len(place.units) * len(place.indicators) <= limits.MOST_LINKS
    for unit in place.units:
        row = place.row(unit.code)
        rank = material.rank_of[unit.code]
        if not linked:
            first = detail_rows[unit.code, place.indicators[0].code] + 1
            sheet.raw.write_url(row, 1, f"internal:'得分明细'!A{first}", None, "")
        for column, text in enumerate((unit.code, unit.name, unit.section, rank.status)):
            sheet.text(row, column, text, align="left" if column == 1 else "center")
        for indicator in place.indicators:
            score = material.by_unit[unit.code][indicator.code]
            column = place.indicator_column(indicator.code)
            if linked:
                target = detail_rows[unit.code, indicator.code] + 1
                sheet.raw.write_url(row, column, f"internal:'得分明细'!A{target}", None, "")
            _score(sheet, row, column, score)
        _totals(sheet, plan, place, row, rank, material.errors_of[unit.code])
        sheet.raw.set_row(row, height)
        sheet.finish_rows(row)
    _score_rates(sheet, plan, place)
    for label in ("排序值", "排列序号"):
        column = place.column(label)
        sheet.raw.set_column(column, column, 12, None, {"hidden": True})
    sheet.signatures(place.last_row + 3, SIGNATURES, shown)
    sheet.raw.freeze_panes(FIRST_ROW, 2)
    sheet.print_setup(
        landscape=True,
        last_column=shown,
        repeat_rows=(HEADING_ROW, MARKS_ROW),
        paper=PAPER_A3,
        last_row=place.last_row + 3,
    )


def _headings(sheet: SheetWriter, place: MatrixPlace) -> None:
    for column, label in enumerate(place.LEADING):
        sheet.text(HEADING_ROW, column, sheet.book.worded(label), Role.HEADING)
        sheet.text(MARKS_ROW, column, "分值" if column == 1 else "", Role.LEVEL_1, align="center")
        sheet.raw.set_column(column, column, _WIDTHS[label])
    for indicator in place.indicators:
        column = place.indicator_column(indicator.code)
        sheet.text(
            HEADING_ROW, column, f"{indicator.code}\n{indicator.name}", Role.HEADING, font_size=9
        )
        sheet.number(MARKS_ROW, column, indicator.full_marks, Role.LEVEL_1)
        sheet.raw.set_column(column, column, _SCORE_WIDTH)
    for label in place.TRAILING:
        column = place.column(label)
        sheet.text(HEADING_ROW, column, sheet.book.worded(label), Role.HEADING)
        sheet.text(MARKS_ROW, column, "", Role.LEVEL_1)
        sheet.raw.set_column(column, column, _TOTAL_WIDTH)
    marks = _row_range(place, MARKS_ROW)
    full = sum(indicator.full_marks for indicator in place.indicators)
    sheet.formula(
        MARKS_ROW, place.column("得分合计"), f"=SUM({marks})", Role.LEVEL_1, cached=as_float(full)
    )
    tallest = wrapped_height(
        *((f"{one.code}\n{one.name}", _SCORE_WIDTH) for one in place.indicators), size=9
    )
    sheet.raw.set_row(HEADING_ROW, tallest + 10)
    sheet.raw.set_row(MARKS_ROW, 20)


def _score(sheet: SheetWriter, row: int, column: int, score: Any) -> None:
    amount = whole(score.score)
    provisional = score.basis in [str(basis) for basis in PROVISIONAL]
    if amount is None:
        sheet.text(row, column, NOT_APPLICABLE, align="center", font_size=8)
    else:
        sheet.number(row, column, amount, italic=provisional, font_size=11)


def _row_range(place: MatrixPlace, row: int, *, fixed_row: bool = False) -> str:
    first = column_letter(place.indicator_column(place.indicators[0].code))
    last = column_letter(place.indicator_column(place.indicators[-1].code))
    dollar = "$" if fixed_row else ""
    return f"${first}{dollar}{row + 1}:${last}{dollar}{row + 1}"


def _totals(
    sheet: SheetWriter, plan: Plan, place: MatrixPlace, row: int, rank: Any, errors: int
) -> None:
    def at(label: str) -> str:
        return cell_name(row, place.column(label))

    full = as_float(plan.campaign.full_marks)
    scores, marks = _row_range(place, row), _row_range(place, MARKS_ROW, fixed_row=True)
    exact = (rank.sum / rank.applicable if rank.applicable else 0) * full - as_float(rank.deducted)
    cells: list[tuple[str, str, ValueKind, float | str]] = [
        ("得分合计", f"=SUM({scores})", ValueKind.SCORE, as_float(rank.sum)),
        (
            "适用分值",
            f"=SUMPRODUCT(ISNUMBER({scores})*{marks})",
            ValueKind.SCORE,
            as_float(rank.applicable),
        ),
        ("总分", f"=ROUND({at('排序值')},2)", ValueKind.MONEY, as_float(rank.total)),
        ("等级", _grade_formula(plan, at("报送情况"), at("排序值")), ValueKind.TEXT, rank.grade),
        (
            "排名",
            _rank_formula(plan, place, row),
            ValueKind.INTEGER,
            NOT_RANKED if whole(rank.rank) is None else int(rank.rank),
        ),
        (
            "排序值",
            f"=IF({at('适用分值')}=0,0,MAX(0,ROUND(ROUND({at('得分合计')}*100,0)"
            f"/ROUND({at('适用分值')}*100,0)*{full:g}-{at('逾期扣分')},10)))",
            ValueKind.NUMBER,
            round(max(0.0, exact), 10),
        ),
        ("排列序号", _order_formula(place, row), ValueKind.INTEGER, rank.position),
    ]
    for label, formula, kind, cached in cells:
        strong = {"bold": True} if label in ("总分", "排名") else {}
        sheet.formula(
            row,
            place.column(label),
            formula,
            Role.FIXED,
            kind,
            cached,
            align="center",
            font_size=11,
            **strong,
        )
    sheet.number(row, place.column("逾期扣分"), rank.deducted)
    sheet.number(row, place.column("未核定项数"), rank.provisional * 100, kind=ValueKind.INTEGER)
    sheet.number(row, place.column("错误条数"), errors * 100, kind=ValueKind.INTEGER)


def _grade_formula(plan: Plan, status: str, cell: str) -> str:
    """Nested IFs over the plan's grades, highest first; bands are half-open."""
    *upper, lowest = plan.grades
    formula = f'"{_quoted(lowest.name)}"'
    for grade in reversed(upper):
        # threshold: hundredths of a percent of full marks (hundredths)
        limit = grade.threshold * plan.campaign.full_marks / 1_000_000
        formula = f'IF({cell}>={limit:.10g},"{_quoted(grade.name)}",{formula})'
    return f'=IF({status}="{NOT_RETURNED}","{NOT_RANKED}",{formula})'


def _quoted(text: str) -> str:
    return text.replace('"', '""')


def _rank_formula(plan: Plan, place: MatrixPlace, row: int) -> str:
    status = place.column_range(place.column("报送情况"), absolute_sheet=False)
    keys = place.column_range(place.column("排序值"), absolute_sheet=False)
    own_status = cell_name(row, place.column("报送情况"))
    own = cell_name(row, place.column("排序值"))
    better = f'({status}<>"{NOT_RETURNED}")*({keys}>{own})'
    match plan.campaign.tie_rule:
        case TieRule.ROSTER:
            rank = cell_name(row, place.column("排列序号"))
        case TieRule.DENSE:
            first = f"MATCH({keys},{keys},0)=ROW({keys})-{FIRST_ROW}"
            rank = f"1+SUMPRODUCT({better}*({first}))"
        case TieRule.SKIP:
            rank = f"1+SUMPRODUCT({better})"
    return f'=IF({own_status}="{NOT_RETURNED}","{NOT_RANKED}",{rank})'


def _order_formula(place: MatrixPlace, row: int) -> str:
    """A position that no two units share: better first, then roster order, 未报送 last."""
    status_column = column_letter(place.column("报送情况"))
    key_column = column_letter(place.column("排序值"))
    status = place.column_range(place.column("报送情况"), absolute_sheet=False)
    keys = place.column_range(place.column("排序值"), absolute_sheet=False)
    own_status, own = f"{status_column}{row + 1}", f"{key_column}{row + 1}"
    status_so_far = f"{status_column}${FIRST_ROW + 1}:{own_status}"
    keys_so_far = f"{key_column}${FIRST_ROW + 1}:{own}"
    return (
        f'=IF({own_status}="{NOT_RETURNED}",'
        f'COUNTIF({status},"<>{NOT_RETURNED}")+COUNTIF({status_so_far},"{NOT_RETURNED}"),'
        f'SUMPRODUCT(({status}<>"{NOT_RETURNED}")*({keys}>{own}))'
        f'+SUMPRODUCT(({status_so_far}<>"{NOT_RETURNED}")*({keys_so_far}={own})))'
    )


def _score_rates(sheet: SheetWriter, plan: Plan, place: MatrixPlace) -> None:
    """Shade scores by their rate, in the bands of the plan's grades; the legend stands below."""
    first = place.indicator_column(place.indicators[0].code)
    last = place.indicator_column(place.indicators[-1].code)
    cell = f"{column_letter(first)}{FIRST_ROW + 1}"
    marks = f"{column_letter(first)}${MARKS_ROW + 1}"
    for threshold, style in _bands(plan):
        # Whole hundredths, so that 2.7 of 3 is 90% however the floats fall.
        sheet.raw.conditional_format(
            FIRST_ROW,
            first,
            place.last_row,
            last,
            {
                "type": "formula",
                "criteria": f"=AND(ISNUMBER({cell}),ROUND({cell}*100,0)*10000"
                f"<{threshold}*ROUND({marks}*100,0))",
                "format": sheet.book.format(Role.PLAIN, **style),
                "stop_if_true": True,
            },
        )
    _legend(sheet, plan, place)


def _bands(plan: Plan) -> list[tuple[int, dict[str, Any]]]:
    """Thresholds (hundredths of a percent) under which a score is shaded, the darkest first."""
    limits = sorted(grade.threshold for grade in plan.grades if grade.threshold)
    return list(zip(limits, SCORE_RATE_SHADES, strict=False))


def _legend(sheet: SheetWriter, plan: Plan, place: MatrixPlace) -> None:
    row = place.last_row + 1
    sheet.raw.write_string(row, 0, "图例", sheet.book.format(Role.PLAIN, align="center"))
    bands = _bands(plan)
    texts = [f"得分率低于 {as_text(threshold)}%" for threshold, _ in bands]
    styles = [style for _, style in bands]
    texts.append("不着色：更高" if bands else "")
    styles.append({})
    column = len(place.LEADING)
    for text, style in reversed(list(zip(texts, styles, strict=True))):
        shown = sheet.book.format(Role.FIXED, align="center", font_size=9, **style)
        if column + _LEGEND_COLUMNS > place.column(place.TRAILING[-1]):
            break
        sheet.raw.merge_range(row, column, row, column + _LEGEND_COLUMNS - 1, text, shown)
        column += _LEGEND_COLUMNS
    sheet.raw.set_row(row, 20)
