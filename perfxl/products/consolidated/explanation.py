"""说明: how everything in the workbook was worked out, in full."""

from __future__ import annotations

from perfxl.excel.style import Role
from perfxl.excel.writer import SheetWriter
from perfxl.points import as_text
from perfxl.products.consolidated import comparison, deviation
from perfxl.products.consolidated.form import wrapped_height
from perfxl.products.consolidated.material import Material

SHEET = "说明"
_WIDTH = 84


def write_explanation(sheet: SheetWriter, material: Material) -> None:
    """Numbered paragraphs on one portrait page."""
    sheet.raw.hide_gridlines(2)
    sheet.raw.set_column(0, 0, 6)
    sheet.raw.set_column(1, 1, _WIDTH)
    sheet.title(SHEET, "", 1)
    paragraphs = _paragraphs(material)
    for number, text in enumerate(paragraphs, 1):
        sheet.text(
            number + 1, 0, str(number), Role.PLAIN, align="center", valign="top", font_size=12
        )
        sheet.text(number + 1, 1, text, Role.PLAIN, valign="top", font_size=12)
        sheet.raw.set_row(number + 1, wrapped_height((text, _WIDTH), size=12, least=24) + 4)
    sheet.print_setup(landscape=False, last_column=1, last_row=len(paragraphs) + 1)


def _paragraphs(material: Material) -> list[str]:
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
        "在得分汇总中改动得分后，总分、等级、排名、封面、自评偏差、指标分析和图表随之重算；"
        "这样的改动只在本文件中有效，正式改分请改股室评分表并重新汇总。",
        "得分率 = 得分 ÷ 分值。得分汇总的底色按等级的界限分档，越深得分率越低，最低一档加粗。",
        f"自评偏差：只比较自评得分和采用得分都有的指标；偏差率 = 偏差 ÷ 可比得分，"
        f"高于 {as_text(int(deviation.THRESHOLD * 10_000))}% 的标“{deviation.OVER}”，该比例可在表中改。",
        "指标分析：得分率相同的按指标顺序排列；扣分最多按扣分单位数、再按扣分合计排列。",
        "追溯来源：点击得分汇总中的得分到得分明细，再点击自评单元格或评分表行打开原件。",
    ]
    lines = [campaign.worded(line) for line in lines]
    if material.last_year is not None:
        matched = "单位先按编码、再按名称对应；编码已归本年另一单位的，按名称对应。"
        lines.append(
            f"上年对比：上年数取自“{material.last_year.file}”，见{comparison.UNITS_SHEET}。"
            + campaign.worded(matched)
        )
    return lines
