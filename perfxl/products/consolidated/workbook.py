"""Assembles the consolidated scoring workbook from its sheets."""

from __future__ import annotations

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter, WorkbookWriter
from perfxl.points import as_text
from perfxl.products.consolidated import lists
from perfxl.products.consolidated.analysis import SHEET as ANALYSIS
from perfxl.products.consolidated.analysis import write_analysis
from perfxl.products.consolidated.material import Material
from perfxl.products.consolidated.matrix import write_matrix
from perfxl.products.consolidated.ranking import SHEET as RANKING
from perfxl.products.consolidated.ranking import write_ranking
from perfxl.products.template import lines_high

EXPLANATION = "说明"


def consolidated_workbook(material: Material) -> bytes:
    """The bytes of 综合评分表.xlsx: ranking, a matrix per kind, lists, analysis, explanation."""
    campaign = material.plan.campaign
    book = WorkbookWriter(title=f"{campaign.name}综合评分表", author=campaign.issuer)
    write_ranking(book.sheet(RANKING), material)
    rows = lists.detail_rows(material)
    for place in material.matrices.values():
        write_matrix(book.sheet(place.sheet), material, place, rows)
    lists.write_deductions(book.sheet(lists.DEDUCTIONS), material)
    lists.write_detail(book.sheet(lists.DETAIL), material)
    lists.write_findings(book.sheet(lists.FINDINGS), material)
    lists.write_returns(book.sheet(lists.RETURNS), material)
    write_analysis(book.sheet(ANALYSIS), material)
    _explanation(book.sheet(EXPLANATION), material)
    return book.to_bytes()


def _explanation(sheet: SheetWriter, material: Material) -> None:
    plan = material.plan
    campaign = plan.campaign
    grades = "；".join(
        f"{grade.name}：得分率 {as_text(grade.threshold)}% 及以上" for grade in plan.grades[:-1]
    )
    grades += f"；{plan.grades[-1].name}：其余"
    lines = [
        f"本表由 perfxl 于 {material.made_at:%Y-%m-%d %H:%M} 生成，"
        "依据是考核方案、各单位报送和股室评分。",
        "采用得分：股室核定的以核定得分为准；尚未核定的暂取自评得分与计算得分中较低的一个，用斜体表示。",
        "计算得分：按考核方案的评分方法，由单位自己报送的登记表和数据项重新计算，计算过程见得分明细。",
        "不适用：比率的分母为 0 时该指标不适用，其分值不计入适用分值，总分按比例折算。",
        f"总分 = 得分合计 ÷ 适用分值 × {as_text(campaign.full_marks)} - 逾期扣分，"
        "显示到小数点后两位；等级和排名按未四舍五入的总分比较。",
        f"等级：{grades}。",
        f"并列规则：{campaign.tie_rule}。逾期规则：{campaign.late_rule}。",
        "未报送的单位总分为 0，不排名次，不定等级，列在最后。",
        "追溯来源：点击得分汇总中的得分到得分明细，再点击自评单元格或评分表行打开原件。",
    ]
    sheet.raw.hide_gridlines(2)
    sheet.raw.set_column(0, 0, 6)
    sheet.raw.set_column(1, 1, 84)
    sheet.title(EXPLANATION, "", 1)
    for number, text in enumerate(lines, 1):
        sheet.text(
            number + 1, 0, str(number), Role.PLAIN, align="center", valign="top", font_size=12
        )
        sheet.text(number + 1, 1, text, Role.PLAIN, valign="top", font_size=12)
        sheet.raw.set_row(number + 1, lines_high(text, 40, 19))
    sheet.print_setup(landscape=False, last_column=1)
