"""What people do to a workbook before it comes back, and what must be read of it all the same.

Each case deforms one right return and states what it then says differently (nothing, where it is
not stated), which originals are kept, and every finding at its cell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any

import pytest
from made_returns import (
    Arrival,
    TakenIn,
    all_taken_in,
    deformed,
    differences,
    right_return,
    stamp_for,
    taken_in,
)
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidationList

from perfxl.excel.reader import read_workbook
from perfxl.excel.stamp import Stamp
from perfxl.intake.content import typed_content
from perfxl.ledger import Verdict
from perfxl.plan.model import Plan
from perfxl.products.template import template
from perfxl.tables import StampState

ENTRIES, EVIDENCE, PROJECTS = "自评表", "佐证材料", "项目清单"
PROBLEMS, ITEMS, COVER = "整改台账", "数据项", "封面"
SHEETS = (COVER, ENTRIES, EVIDENCE, PROJECTS, PROBLEMS, ITEMS)

Form = Any
Finding = tuple[str, str, str]
Said = Mapping[str, object]


@dataclass(frozen=True)
class Case:
    """A deformation; ``says`` are changed values, ``kept`` changed originals, by their paths.

    None says that it is not told here.
    """

    name: str
    deform: Callable[[Form], object]
    says: Said | None = field(default_factory=dict)
    kept: Said | None = field(default_factory=dict)
    findings: Sequence[Finding] = ()


def put(sheet: str, **cells: object) -> Callable[[Form], None]:
    """Type into cells, past whatever validation they have."""

    def run(form: Form) -> None:
        for cell, value in cells.items():
            form.sheet(sheet)[cell] = value

    return run


def each(*steps: Callable[[Form], object]) -> Callable[[Form], None]:
    def run(form: Form) -> None:
        for step in steps:
            step(form)

    return run


def insert_rows(sheet: str, *at: int) -> Callable[[Form], None]:
    return lambda form: [form.sheet(sheet).insert_rows(row) for row in at] and None


def insert_columns(sheet: str, *at: int) -> Callable[[Form], None]:
    return lambda form: [form.sheet(sheet).insert_cols(column) for column in at] and None


def delete_rows(sheet: str, at: int, count: int = 1) -> Callable[[Form], None]:
    return lambda form: form.sheet(sheet).delete_rows(at, count)


def delete_column(sheet: str, at: int) -> Callable[[Form], None]:
    return lambda form: form.sheet(sheet).delete_cols(at)


def columns_in_order(sheet: str, order: str) -> Callable[[Form], None]:
    """Columns of a register or of the 自评表, heading and all, in another order."""

    def run(form: Form) -> None:
        cells = form.sheet(sheet)
        last = cells.max_row
        content = [
            [cells[f"{letter}{row}"].value for row in range(3, last + 1)] for letter in order
        ]
        for column, values in enumerate(content, 1):
            for row, value in enumerate(values, 3):
                cells.cell(row, column).value = value

    return run


def shift(sheet: str, rows: int, columns: int) -> Callable[[Form], None]:
    def run(form: Form) -> None:
        cells = form.sheet(sheet)
        for merged in list(cells.merged_cells.ranges):
            cells.unmerge_cells(str(merged))
        cells.move_range(cells.dimensions, rows=rows, cols=columns)

    return run


def title_more(form: Form) -> None:
    for sheet in SHEETS:
        shift(sheet, 1, 0)(form)
        cells = form.sheet(sheet)
        cells["A1"] = "石楼县教育科技局2023年度报送材料（盖章版）"
        cells.merge_cells(f"A1:{get_column_letter(max(2, cells.max_column))}1")


def hide_rows(form: Form) -> None:
    for sheet in (ENTRIES, EVIDENCE, PROJECTS):
        for row in (5, 6, 12):
            form.sheet(sheet).row_dimensions[row].hidden = True


def hide_columns(form: Form) -> None:
    for sheet in (ENTRIES, EVIDENCE, PROJECTS):
        for letter in "BDF":
            form.sheet(sheet).column_dimensions[letter].hidden = True


def filter_rows(form: Form) -> None:
    cells = form.sheet(EVIDENCE)
    cells.auto_filter.ref = "A3:G19"
    cells.auto_filter.add_filter_column(2, ["内部制度"])
    for row in range(4, 20):
        cells.row_dimensions[row].hidden = cells.cell(row, 3).value != "内部制度"


def hide_sheets(form: Form) -> None:
    form.sheet(EVIDENCE).sheet_state = "hidden"
    form.sheet(PROJECTS).sheet_state = "veryHidden"


def rename(sheet: str, title: str) -> Callable[[Form], None]:
    def run(form: Form) -> None:
        form.sheet(sheet).title = title

    return run


def reorder_sheets(form: Form) -> None:
    form.book._sheets.reverse()


def extra_sheets(form: Form) -> None:
    form.book.create_sheet("说明", 0)["A1"] = "请先看这里"
    cells = form.book.create_sheet("通讯录", 3)
    for row in (["姓名", "电话"], ["李四", "0358"]):
        cells.append(row)
    form.book.create_chartsheet("图")


def last_years_sheets(form: Form) -> None:
    """Copies of our own sheets, before ours and with other content."""
    for sheet in (ENTRIES, PROJECTS):
        copy = form.book.copy_worksheet(form.sheet(sheet))
        copy.title = f"2022年{sheet}"
        copy["B6"], copy["F6"] = "旧", 1
        form.book._sheets.insert(0, form.book._sheets.pop())


def heading_of_two_rows(form: Form) -> None:
    cells = form.sheet(PROJECTS)
    cells.insert_rows(4)
    for column in range(1, 16):
        cells.merge_cells(start_row=3, end_row=4, start_column=column, end_column=column)


def merge_choices(form: Form) -> None:
    form.sheet(PROJECTS).merge_cells("C4:C7")


def retype_headings(form: Form) -> None:
    cells = form.sheet(PROJECTS)
    for cell, text in {
        "A3": "项 目 编 码",
        "B3": "项目\n名称",
        "C3": "资金性质：",
        "D3": "年初预算数(万元)*",
        "E3": "全年预算数",
        "F3": " 全年执行数 （万元） ",
    }.items():
        cells[cell] = text


def no_formats(form: Form) -> None:
    """Everything pasted into a new workbook's plain cells: no locks, no validation, no styles."""
    for sheet in SHEETS:
        cells = form.sheet(sheet)
        cells.protection.disable()
        cells.data_validations = DataValidationList()
        cells.conditional_formatting = type(cells.conditional_formatting)()
        for row in cells.iter_rows():
            for cell in row:
                cell.style = "Normal"


def sort_register(form: Form) -> None:
    cells = form.sheet(EVIDENCE)
    rows = [[cell.value for cell in row] for row in cells["A4:G19"]]
    rows.sort(key=lambda row: str(row[2]))
    for number, row in enumerate(rows, 4):
        for column, value in enumerate(row, 1):
            cells.cell(number, column).value = value


def sum_row(label: str) -> Callable[[Form], None]:
    return put(PROJECTS, B8=label, D8=10442.97, E8="=SUM(E4:E7)", F8=1)


def spaces_far_below(form: Form) -> None:
    for sheet in (EVIDENCE, PROJECTS, PROBLEMS):
        form.sheet(sheet)["A900"] = "  "
        form.sheet(sheet)["B1200"] = "\u3000"
        form.sheet(sheet)["Z4"] = "\u00a0"


def codes_as_numbers(form: Form) -> None:
    cells = form.sheet(ENTRIES)
    for row in range(4, 39):
        code = cells.cell(row, 1).value
        if code.count(".") < 2:
            cells.cell(row, 1).value = float(code) if "." in code else int(code)


def dates(typed: object, form_kept: str) -> Case:
    """One of the ways in which people type 5 January 2023."""
    return Case(
        f"date {typed!r}",
        put(EVIDENCE, E4=typed),
        kept={f"{EVIDENCE}/1/成文日期": form_kept} if form_kept else {},
    )


def amount(typed: str) -> Case:
    """One of the ways in which people type 2306.67 万元."""
    kept = {f"{PROJECTS}/1411101230001/年初预算数": typed.strip()}
    kept = kept if typed.strip() != "2306.67" else {}
    return Case(f"amount {typed!r}", put(PROJECTS, D4=typed), kept=kept)


def score(typed: str) -> Case:
    """One of the ways in which people type a score of 5 as text."""
    kept: dict[str, object] = {
        "entries/6.2/self_score_is_text": True,
        "subtotals/6/text_below": 500,
    }
    if typed.strip() != "5":
        kept["entries/6.2/self_score_text"] = typed.strip()
    return Case(
        f"score {typed!r}",
        put(ENTRIES, F28=typed),
        kept=kept,
        findings=[("F209", ENTRIES, "F28")],
    )


def document(typed: str) -> Case:
    """One of the ways in which people type 石教发〔2023〕3号."""
    kept = {"evidence/1/document_number_text": typed, f"{EVIDENCE}/1/文号": typed}
    return Case(
        f"document {typed!r}",
        put(EVIDENCE, D4=typed),
        kept=kept,
        findings=[("F307", EVIDENCE, "D4")],
    )


def unreadable(sheet: str, cell: str, typed: object, code: str, says: Said, kept: Said) -> Case:
    """A value that cannot be read: no value, its original kept, one finding at its cell."""
    return Case(
        f"{sheet}!{cell} = {typed!r}",
        put(sheet, **{cell: typed}),
        says,
        kept,
        [(code, sheet, cell)],
    )


def bad_amount(typed: object, kept: str) -> Case:
    path = f"{PROJECTS}/1411101230001/年初预算数"
    return unreadable(PROJECTS, "D4", typed, "F402", {path: None}, {path: kept})


def bad_date(typed: object, kept: str) -> Case:
    path = f"{EVIDENCE}/1/成文日期"
    return unreadable(EVIDENCE, "E4", typed, "F402", {path: None}, {path: kept})


def without_score(kept: str) -> tuple[Said, Said]:
    """What a return says whose 6.2 has no readable score."""
    says = {
        "entries/6.2/self_score": None,
        "subtotals/6/sum_below": 900,
        "subtotals/6/parts": [600, 0, 300],
        "subtotals/合计/sum_below": 7400,
        "subtotals/合计/parts": [1000, 500, 600, 800, 2050, 900, 1000, 250, 300],
    }
    return says, {"entries/6.2/self_score_text": kept}


def bad_score(typed: object, kept: str) -> Case:
    return unreadable(ENTRIES, "F28", typed, "F202", *without_score(kept))


def date_as_number(form: Form) -> None:
    form.sheet(EVIDENCE)["E4"] = 44931
    form.sheet(EVIDENCE)["E4"].number_format = "General"


def own_row(code: str | None) -> Callable[[Form], None]:
    typed = put(ENTRIES, A30=code, B30="创新工作", F30=1)
    return each(insert_rows(ENTRIES, 30), typed)


def twice(form: Form) -> None:
    cells = form.sheet(ENTRIES)
    cells.insert_rows(29)
    for column in range(1, 10):
        cells.cell(29, column).value = cells.cell(28, column).value


def emptied(form: Form) -> None:
    """As it was issued."""
    for sheet in (EVIDENCE, PROJECTS, PROBLEMS):
        form.sheet(sheet).delete_rows(4, 60)
    for row in range(4, 39):
        for letter in "FGHI":
            cell = form.sheet(ENTRIES)[f"{letter}{row}"]
            if not str(cell.value).startswith("="):
                cell.value = None
    put(ITEMS, C4=None)(form)
    put(COVER, C9=None, C10=None)(form)


def unsigned(plan: Plan, unit: str) -> Stamp:
    """A stamp that somebody made up."""
    return replace(stamp_for(plan, unit), digest="0" * 16)


SAME = [
    Case("saved again", lambda form: None),
    Case("a title row more on every sheet", title_more),
    Case("rows inserted above the headings", each(*(insert_rows(s, 1, 2, 2) for s in SHEETS))),
    Case("rows inserted between indicators", insert_rows(ENTRIES, 4, 7, 7, 20, 45)),
    Case("the row above the heading deleted", each(*(delete_rows(s, 2) for s in SHEETS[1:]))),
    Case("unused rows deleted", each(delete_rows(EVIDENCE, 20, 200), delete_rows(ENTRIES, 40, 2))),
    Case("blank lines inside registers", each(insert_rows(EVIDENCE, 4, 6, 6, 12),
                                              insert_rows(PROJECTS, 5), insert_rows(PROBLEMS, 5))),
    Case("registers moved right and down", each(*(shift(s, 4, 3) for s in SHEETS[2:]))),
    Case("the self-assessment moved right and down", shift(ENTRIES, 9, 2)),
    Case("the cover moved right and down", shift(COVER, 3, 5)),
    Case("a column inserted before the first", each(*(insert_columns(s, 1) for s in SHEETS))),
    Case("columns inserted in between", each(insert_columns(PROJECTS, 3, 5, 9),
                                             insert_columns(ENTRIES, 2, 6))),
    Case("columns of a register moved", columns_in_order(PROJECTS, "ONMLKJIHGFEDCBA")),
    Case("columns of the self-assessment moved", columns_in_order(ENTRIES, "FAGBCIDHE")),
    Case("columns that only inform deleted", each(delete_column(ENTRIES, 5),
                                                  delete_column(ENTRIES, 4),
                                                  delete_column(ITEMS, 4))),
    Case("columns of their own added", put(PROJECTS, P3="主管股室", P4="教育股", Q5="见附件")),
    Case("hidden columns", hide_columns),
    Case("hidden rows", hide_rows),
    Case("filtered rows", filter_rows),
    Case("hidden sheets", hide_sheets),
    Case("sheets in another order", reorder_sheets),
    Case("a sheet renamed with spaces", rename(PROJECTS, " 项目 清单 ")),
    Case("a register renamed", rename(PROJECTS, "附表2")),
    Case("the self-assessment renamed", rename(ENTRIES, "Sheet1")),
    Case("every sheet renamed", each(*(rename(s, f"表{n}") for n, s in enumerate(SHEETS)))),
    Case("extra sheets", extra_sheets),
    Case("last year's sheets in front", last_years_sheets),
    Case("a heading merged over two rows", heading_of_two_rows),
    Case("headings typed again", retype_headings),
    Case("no formats, locks or validation", no_formats, kept=None),
    Case("a register sorted", sort_register),
    Case("spaces far below and aside", spaces_far_below),
    Case("codes as numbers", codes_as_numbers),
    Case("codes deleted, names left", put(ENTRIES, A6=None, A28=None, A30=None)),
    Case("stray spaces", each(put(ENTRIES, A6=" 1.1.1 ", H28="  12\u3000"),
                              put(PROJECTS, A4=" 1411101230001", G4="是 ", C5="国有资本经营预算\n"),
                              put(COVER, C9="\u3000王建斌 "))),
    Case("a subtotal with a formula of their own", put(ENTRIES, F26="=F27+F28+F29")),
    Case("subtotals emptied", put(ENTRIES, F26=None, F39=None)),
    Case("the total row deleted", delete_rows(ENTRIES, 39), kept={
        "subtotals/合计/full_marks_in_file": ""}),
    Case("signatures typed over", put(ENTRIES, A41="单位负责人（签字）：张三", D41="2024年1月10日")),
]  # fmt: skip

NORMALISED = [
    *(amount(typed) for typed in (
        "2306.67", "２３０６．６７", "2,306.67", "2，306.67", " 2306.67 ", "2306.67万元",
        "2306.67 万元", "23066700元", "0.230667亿元", "２，３０６．６７００")),
    *(score(typed) for typed in ("5", "５", "5分", "５．００分", " 5 ", "5.0", "+5")),
    *(dates(typed, typed) for typed in (
        "2023-1-5", "2023/01/05", "2023.1.5", "2023年1月5日", "20230105", "二〇二三年一月五日",
        "２０２３－１－５", "2023 年 1 月 5 日")),
    dates(dt.date(2023, 1, 5), ""),
    Case("a date whose format was lost", date_as_number, kept={f"{EVIDENCE}/1/成文日期": "44931"}),
    *(document(typed) for typed in (
        "石教发[2023]3号", "石教发（2023）3号", "石教发(2023)3号", "石教发【2023】３号",
        "石教发[2023]3 号")),
    Case("spaces in a document number", put(EVIDENCE, D4="石教发 〔2023〕 3 号"),
         kept={"evidence/1/document_number_text": "石教发 〔2023〕 3 号",
               f"{EVIDENCE}/1/文号": "石教发 〔2023〕 3 号"}),
    *(Case(f"no document number: {none!r}", put(EVIDENCE, D4=none),
           says={"evidence/1/document_number": "", f"{EVIDENCE}/1/文号": ""},
           kept={"evidence/1/document_number_text": "", f"{EVIDENCE}/1/文号": ""})
      for none in ("无", "——", " / ")),
    Case("a data item with its unit", put(ITEMS, C4="３个"),
         kept={"items/个性指标数/value_text": "３个"}),
    *(Case(f"citations {typed!r}", put(ENTRIES, H11=typed),
           says={"entries/1.3/evidence_numbers": typed.strip()})
      for typed in ("5,6;7", "5-7", "５、６、７", "5 6 7 ")),
    Case("citations by document number", put(ENTRIES, H28="石教发[2023]14号"),
         says={"entries/6.2/evidence_numbers": "石教发[2023]14号",
               "citations/6.2/number": "石教发[2023]14号"}),
    Case("a subtotal typed over with the right sum", put(ENTRIES, F26=14, F5="4.5"),
         says={"subtotals/6/displayed": 1400, "subtotals/1.1/displayed": 450},
         kept={"subtotals/6/displayed_text": "14", "subtotals/1.1/displayed_text": "4.5"}),
    Case("a row of totals", sum_row("合计"), findings=[("F406", PROJECTS, "A8")]),
    Case("a row of totals with spaces", sum_row("总　计"), findings=[("F406", PROJECTS, "A8")]),
]  # fmt: skip

TOLD = [
    bad_amount("约三百万", "约三百万"),
    bad_amount("#N/A", "#N/A"),
    bad_amount("23,06.67", "23,06.67"),
    Case("a negative amount", put(PROJECTS, D4=-5),
         says={f"{PROJECTS}/1411101230001/年初预算数": -500},
         kept={f"{PROJECTS}/1411101230001/年初预算数": "-5"}, findings=[("F402", PROJECTS, "D4")]),
    Case("an amount emptied", put(PROJECTS, D4=None),
         says={f"{PROJECTS}/1411101230001/年初预算数": None},
         kept={f"{PROJECTS}/1411101230001/年初预算数": ""}, findings=[("F401", PROJECTS, "D4")]),
    Case("an amount that no program has calculated", put(PROJECTS, D4="=2300+6.67"),
         says={f"{PROJECTS}/1411101230001/年初预算数": None},
         kept={f"{PROJECTS}/1411101230001/年初预算数": ""}, findings=[("F401", PROJECTS, "D4")]),
    *(bad_date(typed, typed) for typed in ("去年", "2023-02-30", "2023年", "1月5日", "2023-1-5至6日")),
    *(bad_score(typed, typed) for typed in ("满分", "5/6", "4~5", "五分", "#REF!")),
    bad_score(True, "是"),
    bad_score("2.505", "2.505"),
    unreadable(ITEMS, "C4", "三个", "F504", {"items/个性指标数/value": None},
               {"items/个性指标数/value_text": "三个"}),
    Case("a choice pasted over the validation", put(PROJECTS, C4="公共预算"),
         says={f"{PROJECTS}/1411101230001/资金性质": "公共预算"},
         kept={f"{PROJECTS}/1411101230001/资金性质": "公共预算"},
         findings=[("F403", PROJECTS, "C4")]),
    Case("choices merged into one cell", merge_choices,
         says={f"{PROJECTS}/1411101230002/资金性质": "", f"{PROJECTS}/1411101230003/资金性质": "",
               f"{PROJECTS}/1411101230004/资金性质": "", "items/涉及的资金性质数/value": 100,
               "items/有目标的资金性质数/value": 100},
         kept={f"{PROJECTS}/1411101230002/资金性质": "", f"{PROJECTS}/1411101230003/资金性质": "",
               f"{PROJECTS}/1411101230004/资金性质": ""},
         findings=[("F401", PROJECTS, "C5"), ("F401", PROJECTS, "C6"), ("F401", PROJECTS, "C7"),
                   ("F502", ENTRIES, "F17")]),
    Case("a score emptied", put(ENTRIES, F28=None), *without_score(""),
         findings=[("F201", ENTRIES, "F28")]),
    Case("a score that no program has calculated", put(ENTRIES, F28="=6-1"), *without_score(""),
         findings=[("F201", ENTRIES, "F28")]),
    Case("a subtotal typed over with a wrong sum", put(ENTRIES, F26=15),
         says={"subtotals/6/displayed": 1500, "subtotals/合计/sum_below": 8000,
               "subtotals/合计/parts": [1000, 500, 600, 800, 2050, 1500, 1000, 250, 300]},
         kept={"subtotals/6/displayed_text": "15"}, findings=[("F206", ENTRIES, "F26")]),
    Case("a subtotal typed over with 0", put(ENTRIES, F5=0),
         says={"subtotals/1.1/displayed": 0, "subtotals/1/sum_below": 550,
               "subtotals/1/parts": [0, 350, 200], "subtotals/合计/sum_below": 7450,
               "subtotals/合计/parts": [550, 500, 600, 800, 2050, 1400, 1000, 250, 300]},
         kept={"subtotals/1.1/displayed_text": "0"}, findings=[("F206", ENTRIES, "F5")]),
    Case("the total typed over", put(ENTRIES, F39=97.5), says={"subtotals/合计/displayed": 9750},
         kept={"subtotals/合计/displayed_text": "97.5"}, findings=[("F207", ENTRIES, "F39")]),
    Case("a document number that cannot be one", put(EVIDENCE, D4="见附件"),
         says={"evidence/1/document_number": "见附件", f"{EVIDENCE}/1/文号": "见附件"},
         kept={"evidence/1/document_number_text": "见附件", f"{EVIDENCE}/1/文号": "见附件"},
         findings=[("F303", EVIDENCE, "D4")]),
    Case("full marks typed over", put(ENTRIES, C28=8), kept={"entries/6.2/full_marks_in_file": "8"},
         findings=[("F105", ENTRIES, "C28")]),
    Case("an indicator renamed", put(ENTRIES, B28="预算挂钩"),
         kept={"entries/6.2/name_in_file": "预算挂钩"}, findings=[("F106", ENTRIES, "B28")]),
    Case("a row of their own with a code", own_row("6.4"),
         says={"strays/rows": 1, "strays/6.4/unit": "101", "strays/6.4/code": "6.4",
               "strays/6.4/name": "创新工作"}, findings=[("F107", ENTRIES, "A30")]),
    Case("a row of their own without a code", own_row(None),
         says={"strays/rows": 1, "strays//unit": "101", "strays//code": "",
               "strays//name": "创新工作"}, findings=[("F107", ENTRIES, "A30")]),
    Case("an indicator twice", twice, says={"entries/6.2/repeats": 2},
         findings=[("F108", ENTRIES, "A28")]),
    Case("an indicator's row deleted", delete_rows(ENTRIES, 35), None, None,
         findings=[("F104", ENTRIES, "")]),
    Case("a register deleted", lambda form: form.book.remove(form.sheet(PROBLEMS)), None, None,
         findings=[("F103", PROBLEMS, "")]),
    Case("the self-assessment deleted", lambda form: form.book.remove(form.sheet(ENTRIES)),
         None, None, findings=[("F103", ENTRIES, "")]),
    Case("a heading row deleted", delete_rows(PROBLEMS, 3), None, None,
         findings=[("F103", PROBLEMS, "")]),
    Case("a column of a register deleted", delete_column(PROJECTS, 14), None, None,
         findings=[("F112", PROJECTS, "A3"), ("F405", PROJECTS, "F4"), ("F405", PROJECTS, "F6")]),
    Case("a column renamed", put(PROBLEMS, F3="怎么改的"), None, None,
         findings=[("F112", PROBLEMS, "A3")]),
    Case("a column of the self-assessment renamed", put(ENTRIES, G3="说明"), None, None,
         findings=[("F112", ENTRIES, "A3")]),
    Case("amounts in another unit", put(PROJECTS, D3="年初预算数（元）"), None, None,
         findings=[("F112", PROJECTS, "A3"), *(("F401", PROJECTS, f"A{row}") for row in range(4, 8))]),
    Case("a note under a register", put(EVIDENCE, A22="注：材料原件存办公室"), None, None,
         findings=[("F401", EVIDENCE, "B22"), ("F401", EVIDENCE, "C22")]),
]  # fmt: skip


CASES = [*SAME, *NORMALISED, *TOLD]


@pytest.fixture(scope="module")
def right(samples_maker: ModuleType, plan: Plan) -> bytes:
    """The right return of 101 that everybody deforms."""
    return right_return(samples_maker, plan)


@pytest.fixture(scope="module")
def taken(plan: Plan, samples_maker: ModuleType, right: bytes) -> Mapping[str, TakenIn]:
    """Every case taken in, in one batch, beside the undeformed one."""
    cases = {case.name: Arrival(deformed(samples_maker, right, case.deform)) for case in CASES}
    for name, deform, arrival, *_ in IDENTITIES:
        cases[name] = Arrival(deformed(samples_maker, right, deform(plan)), **arrival)
    return all_taken_in(plan, {"undeformed": Arrival(right), **cases})


def test_the_undeformed_return_is_right(taken: Mapping[str, TakenIn]) -> None:
    assert taken["undeformed"].findings == []
    assert taken["undeformed"].judgement.verdict is Verdict.VALID


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_deformed_return_says_what_it_said(taken: Mapping[str, TakenIn], case: Case) -> None:
    one = taken[case.name]
    assert (one.judgement.verdict, one.judgement.holder) == (Verdict.VALID, "101")
    assert one.stamp is StampState.GENUINE
    assert sorted(one.findings) == sorted(case.findings)
    values, originals = differences(taken["undeformed"].says, one.says)
    if case.says is not None:
        assert values == case.says
    if case.kept is not None:
        assert originals == case.kept


def test_there_are_enough_deformations() -> None:
    names = [case.name for case in CASES] + [case[0] for case in IDENTITIES]
    assert len(set(names)) == len(names) >= 40


def test_a_subtotal_that_reads_0_was_never_calculated(plan: Plan, right: bytes) -> None:
    """Our formulas as they are issued: they carry a 0 until an office program calculates them."""
    unit = plan.unit_by_code["101"]
    content = typed_content(plan, unit, read_workbook(right))
    one = taken_in(plan, template(plan, unit, stamp_for(plan), content))
    assert one.tables is not None
    assert set(one.tables.subtotals["displayed"]) == {0}
    assert one.tables.subtotals["is_formula"].all()
    assert one.findings == []


def restamped(**places: Stamp | None) -> Callable[[Form], None]:
    """The stamps at some places (sheet, name, property) replaced, or removed where None."""

    def run(form: Form) -> None:
        book, key = form.book, "perfxl"
        for place, stamp in places.items():
            if place == "sheet":
                book["_perfxl"]["A1"] = str(stamp or "")
            elif place == "name" and stamp is None:
                del book.defined_names["_perfxl_stamp"]
            elif place == "name":
                book.defined_names["_perfxl_stamp"].attr_text = f'"{stamp}"'
            elif stamp is None:
                del book.custom_doc_props[key]
            else:
                book.custom_doc_props[key].value = str(stamp)

    return run


def everywhere(stamp: Stamp | None) -> Callable[[Form], None]:
    return restamped(sheet=stamp, name=stamp, property=stamp)


unstamped = everywhere(None)
nameless = put(COVER, C5=None, C6=None)

Identified = tuple[
    str, Callable[[Plan], Callable[[Form], object]], Mapping[str, str], tuple[str, str], StampState,
    Sequence[str] | None,
]  # fmt: skip
OURS = (Verdict.VALID, "101")
GENUINE, MISSING, FORGED = StampState.GENUINE, StampState.MISSING, StampState.FORGED

# What is done to the workbook, how it comes; the verdict and for whom, the stamp, the findings.
IDENTITIES: list[Identified] = [
    ("stamp lost in the hidden sheet", lambda _: restamped(sheet=None), {}, OURS, GENUINE, []),
    ("stamp lost in the name", lambda _: restamped(name=None), {}, OURS, GENUINE, []),
    ("stamp left in the property", lambda _: restamped(sheet=None, name=None), {}, OURS, GENUINE, []),
    ("stamp left in the name", lambda _: restamped(sheet=None, property=None), {}, OURS, GENUINE, []),
    ("hidden sheet deleted", lambda _: lambda f: f.book.remove(f.sheet("_perfxl")), {}, OURS, GENUINE,
     []),
    ("all stamps lost", lambda _: unstamped, {}, OURS, MISSING, ["F109"]),
    ("a forged stamp everywhere", lambda p: everywhere(unsigned(p, "102")), {},
     (Verdict.TO_CONFIRM, "101"), FORGED, ["F109"]),
    ("a forged stamp in one place", lambda p: restamped(property=unsigned(p, "102")), {},
     (Verdict.TO_CONFIRM, "101"), FORGED, ["F109"]),
    ("a stamp of another campaign's key",
     lambda p: everywhere(stamp_for(p).signed(b"another key")), {},
     (Verdict.TO_CONFIRM, "101"), FORGED, ["F109"]),
    ("another unit's workbook", lambda p: everywhere(stamp_for(p, "102")), {},
     (Verdict.WRONG_UNIT, "102"), GENUINE, None),
    ("stamps of two units", lambda p: restamped(property=stamp_for(p, "102")), {},
     (Verdict.STAMPS_DISAGREE, ""), GENUINE, None),
    ("a unit that is not on the roster", lambda p: everywhere(stamp_for(p, holder="999")), {},
     (Verdict.WRONG_UNIT, "999"), GENUINE, None),
    ("the cover renamed to another unit", lambda _: put(COVER, C5="石楼县公安局"), {},
     (Verdict.WRONG_UNIT, "101"), GENUINE, None),
    ("the unit misspelt on the cover", lambda _: put(COVER, C5="石楼县教育科枝局"), {}, OURS, GENUINE,
     []),
    ("a short name on the cover", lambda _: put(COVER, C5="教科局"), {}, OURS, GENUINE, []),
    ("spaces in the name", lambda _: put(COVER, C5=" 石楼县 教育科技局"), {}, OURS, GENUINE, []),
    ("no name on the cover", lambda _: nameless, {}, OURS, GENUINE, []),
    ("no stamp, a short name", lambda _: each(unstamped, put(COVER, C5="教科局")), {}, OURS, MISSING,
     ["F109"]),
    ("no stamp, the code alone", lambda _: each(unstamped, put(COVER, C5=None)), {}, OURS, MISSING,
     ["F109"]),
    ("nothing but the file name", lambda _: each(unstamped, nameless),
     {"file": "教育科技局（终稿）石楼县教育科技局.xlsx"}, OURS, MISSING, ["F109"]),
    ("nothing but the sender", lambda _: each(unstamped, nameless),
     {"sender": "Dept101@example.com"}, OURS, MISSING, ["F109"]),
    ("file name and sender disagree", lambda _: each(unstamped, nameless),
     {"file": "石楼县教育科技局.xlsx", "sender": "dept102@example.com"},
     (Verdict.UNKNOWN_UNIT, ""), MISSING, None),
    ("nothing at all", lambda _: each(unstamped, nameless), {"file": "新建 XLSX 工作表.xlsx"},
     (Verdict.UNKNOWN_UNIT, ""), MISSING, None),
    ("no stamp, the unit misspelt",
     lambda _: each(unstamped, put(COVER, C5="石楼县教育科枝局", C6=None)), {},
     (Verdict.UNKNOWN_UNIT, ""), MISSING, None),
    ("a review book's stamp", lambda p: everywhere(stamp_for(p, form="review", holder="教科文股")), {},
     (Verdict.NOT_OURS, ""), GENUINE, None),
    ("another year's campaign", lambda p: everywhere(stamp_for(p, campaign="SL2022")), {},
     (Verdict.NOT_OURS, ""), GENUINE, None),
    ("an older template", lambda p: everywhere(stamp_for(p, version="0123456789")), {}, OURS, GENUINE,
     ["F101"]),
    ("nothing filled in", lambda _: emptied, {}, (Verdict.BLANK, "101"), GENUINE, None),
    ("nothing but the cover filled in", lambda _: each(emptied, put(COVER, C9="李四")), {},
     (Verdict.BLANK, "101"), GENUINE, None),
    ("nothing filled in and no stamp", lambda _: each(emptied, unstamped), {},
     (Verdict.BLANK, "101"), MISSING, None),
    ("nothing of ours", lambda _: each(unstamped, *(delete_rows(s, 1, 60) for s in SHEETS)), {},
     (Verdict.NOT_OURS, ""), MISSING, None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "verdict", "stamp", "codes"),
    [(name, verdict, stamp, codes) for name, _, _, verdict, stamp, codes in IDENTITIES],
    ids=[case[0] for case in IDENTITIES],
)
def test_a_return_is_its_units_or_nobodys(
    taken: Mapping[str, TakenIn],
    name: str,
    verdict: tuple[Verdict, str],
    stamp: StampState,
    codes: Sequence[str] | None,
) -> None:
    one = taken[name]
    assert ((one.judgement.verdict, one.judgement.holder), one.stamp) == (verdict, stamp)
    if verdict[0] is Verdict.VALID:
        assert one.judgement.doubtful is (stamp is not StampState.GENUINE)
    else:
        # Whoever reads the verdict is told what to do.
        assert "请" in one.judgement.detail
    if codes is not None:
        assert sorted(one.findings) == [(code, COVER, "C5") for code in codes]
        values, originals = differences(taken["undeformed"].says, one.says)
        assert set(values) <= {"cover/1/unit_by_cover"} and not originals


def test_likeness_proposes_a_unit_and_decides_nothing(taken: Mapping[str, TakenIn]) -> None:
    judged = taken["no stamp, the unit misspelt"].judgement
    assert judged.holder == ""
    assert "可能是：101 石楼县教育科技局" in judged.detail
    assert "--as" in judged.detail
