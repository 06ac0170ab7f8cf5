"""The layout of the plan workbook itself (考核方案.xlsx): its sheets, columns, choices and help."""

from __future__ import annotations

from collections.abc import Sequence

from perfxl.layout.declare import Column, SheetLayout, Table, ValueKind
from perfxl.plan.mailing import Occasion, Security
from perfxl.plan.methods import METHOD_NAMES
from perfxl.plan.model import (
    Aggregate,
    DayShift,
    ImportUse,
    LateRule,
    MeasureKind,
    Naming,
    ReviewerRule,
    Source,
    TieRule,
)
from perfxl.plan.wording import DocumentKind, Part
from perfxl.tables import Severity
from perfxl.values import squeeze

INFO, GRADES, ROSTER, ITEMS = "考核信息", "等级标准", "单位名录", "数据项"
REGISTERS, INSTRUCTIONS, MAILS = "登记表", "填报说明", "邮件"
REVIEWERS, SPOT_CHECK, MAIL_SETTINGS = "评分人", "抽查", "邮件设置"
WORDING, APPLICATION, IMPORT = "文稿", "结果应用", "项目导入"
OTHER_CAMPAIGNS = "引用考核"
MONTHLY = "月报要求"
RUBRIC_PREFIX = "指标体系"
REFERENCES = "指标参考"

# What the column 采用 says of a row that came from the indicator library and does not count yet.
ADOPTION, ADOPTION_PENDING = "采用", "待定"

YES_NO = ("是", "否")
MONTHS_OF_REPORT = ("本月", "次月")
TOGETHER = "合并"
UNIQUE_CHOICES = (*YES_NO, TOGETHER)
SELF_SCORE_CHOICES = ("必填", "选填")
MAIL_OCCASIONS = tuple(Occasion)
IMPORT_MONEY = ("元", "万元")
# What a difference between a return and the export is; the last is not looked for.
NOT_COMPARED = "不核对"
ON_DIFFERENCE = (Severity.ERROR, Severity.VERIFY, NOT_COMPARED)
REGISTER_KINDS = (
    ValueKind.TEXT,
    ValueKind.INTEGER,
    ValueKind.NUMBER,
    ValueKind.MONEY,
    ValueKind.DATE,
    ValueKind.CHOICE,
    ValueKind.EVIDENCE_NUMBER,
    ValueKind.DOCUMENT_NUMBER,
    ValueKind.URL,
)

# Item, help shown beside it, required. The reader takes the items by these names.
INFO_ITEMS: tuple[tuple[str, str, bool], ...] = (
    ("考核编号", "一次考核一个编号，写入每份模板，例如 SL2023", True),
    ("考核名称", "例如 2023年度预算绩效管理考核", True),
    ("考核年度", "四位数字", True),
    ("考核依据", "通报开头引用的文件", False),
    ("发文机关", "落款与版头用全称", True),
    ("发文字号", "例如 石财绩〔2024〕3号", False),
    ("印发日期", "通报的成文日期", True),
    ("报送截止时间", "例如 2024-01-15 18:00；只写日期则到当日 24 时", True),
    ("满分", "每类单位指标体系的分值合计，不填为 100", False),
    ("打分步长", "自评和核定得分都是它的整数倍，例如 0.5", True),
    ("整改期限", "自印发之日起，例如 1个月、30天、20个工作日；不填为 1个月", False),
    ("并列规则", "、".join(TieRule), True),
    ("逾期规则", "、".join(LateRule), True),
    ("逾期扣分", "逾期规则为“总分扣减”时，每个逾期单位从总分中扣的分数", False),
    ("多人评分规则", f"几个评分人评同一项时：{'、'.join(ReviewerRule)}，不填为前者", False),
    ("评分分歧（分）", "两个评分人的得分相差超过它就列出来，不填为 0", False),
    ("典型问题举例", f"通报举例时：{'、'.join(Naming)}，不填为匿名", False),
    ("下年预算基数", "结果应用所依据的金额，例如 项目清单[全年预算数]", False),
    ("主送机关", "通报的主送机关", False),
    ("抄送机关", "通报的抄送机关", False),
    ("联系人", "", False),
    ("联系电话", "", False),
    ("模板标题", "各单位模板封面上的标题", True),
    ("对象称谓", "表格和文稿中怎样称呼被考核的单位，例如 机构，不填为单位", False),
)
SPOT_CHECK_ITEMS: tuple[tuple[str, str, bool], ...] = (
    ("登记表", "从哪张登记表抽取项目，例如 项目清单", True),
    ("筛选条件", "哪些行可以被抽中，写法同数据项，例如 开展绩效自评=是；不填为全部", False),
    ("分层依据", "单位类别或登记表的列，用顿号分开，例如 单位类别、资金性质；不填为不分层", False),
    ("抽查比例", "例如 10%；不足一个的按一个算", True),
    ("编码列", "登记表中认定项目的列，例如 项目编码", True),
    ("名称列", "例如 项目名称", True),
    ("列示内容", "核查表上列出单位填报的哪几列，用顿号分开", False),
    ("执行率", "核查表上计算的执行率，例如 全年执行数÷全年预算数", False),
    ("通报文号", "抽查通报的发文字号，例如 石财绩〔2024〕4号", False),
    ("印发日期", "抽查通报的成文日期，不填与考核通报相同", False),
)
MAIL_SETTING_ITEMS: tuple[tuple[str, str, bool], ...] = (
    ("SMTP服务器", "发信服务器，例如 smtp.163.com", False),
    ("SMTP端口", "不填为该加密方式的常用端口（TLS 465，STARTTLS 587）", False),
    ("SMTP加密方式", f"{'、'.join(Security)}，不填为 TLS；不加密只能用于本机", False),
    (
        "SMTP用户名",
        "一般就是邮箱地址；密码（授权码）不写在这里，用 perfxl mail password 保存",
        False,
    ),
    ("发件地址", "例如 slczjx@163.com", False),
    ("发件人名称", "收件人看到的名称，不填为发文机关", False),
    ("每分钟封数", "每分钟最多发几封，不填为 20；邮箱服务商有限制时调小", False),
    ("IMAP服务器", "收信服务器，例如 imap.163.com", False),
    ("IMAP端口", "不填为该加密方式的常用端口（TLS 993，STARTTLS 143）", False),
    ("IMAP加密方式", f"{'、'.join(Security)}，不填为 TLS；不加密只能用于本机", False),
    ("IMAP用户名", "不填与 SMTP用户名 相同", False),
    ("收信文件夹", "从哪个文件夹收，不填为收件箱（INBOX）", False),
    ("收信起始日期", "只收这一天以后到的邮件，不填为文件夹里的全部", False),
)
INFO_CHOICES = {
    "SMTP加密方式": list(Security),
    "IMAP加密方式": list(Security),
    "并列规则": list(TieRule),
    "逾期规则": list(LateRule),
    "多人评分规则": list(ReviewerRule),
    "典型问题举例": list(Naming),
}


def rubric_sheet_name(kind: str) -> str:
    """The sheet that holds the rubric of one kind of unit: ``指标体系（部门）``."""
    return f"{RUBRIC_PREFIX}（{kind}）"


def _sheet(name: str, note: str, *columns: Column) -> SheetLayout:
    return SheetLayout(name, name, name, note, table=Table(name, columns, blank_rows=40))


def _column(
    label: str,
    width: float = 12,
    help_text: str = "",
    *,
    choices: Sequence[str] = (),
    kind: ValueKind = ValueKind.TEXT,
    optional: bool = False,
) -> Column:
    kind = ValueKind.CHOICE if choices else kind
    return Column(
        label, label, kind, width, choices=tuple(choices), help=help_text, optional=optional
    )


INFO_SHEET = _sheet(
    INFO,
    "只改“内容”一列；“项目”一列请勿改动。",
    _column("项目", 18),
    _column("内容", 70),
    _column("说明", 50, optional=True),
)
SPOT_CHECK_SHEET = _sheet(
    SPOT_CHECK,
    "抽查单位自评项目的办法，只改“内容”一列；不抽查的可删去本表。",
    _column("项目", 18),
    _column("内容", 70),
    _column("说明", 50, optional=True),
)
GRADES_SHEET = _sheet(
    GRADES,
    "从高到低填写；得分率达到最低得分率即为该等级，未四舍五入前比较。",
    _column("等级", 12),
    _column("最低得分率", 14, "百分数，例如 90 表示 90%", kind=ValueKind.NUMBER),
)
ROSTER_SHEET = _sheet(
    ROSTER,
    "一个单位一行；单位编码不重复。单位类别决定使用哪张指标体系表。",
    _column("单位编码", 10),
    _column("单位名称", 28),
    _column("简称", 24, "多个简称用顿号分开，用于辨认来件", optional=True),
    _column("单位类别", 10),
    _column("负责股室", 16, "给该单位打分的股室"),
    _column("联系人", 10, optional=True),
    _column("联系电话", 16, optional=True),
    _column("电子邮箱", 26, "多个地址用顿号分开", optional=True),
    _column("抄送邮箱", 26, "多个地址用顿号分开", optional=True),
)
RUBRIC_COLUMNS = (
    _column("编码", 8, "用点分级，例如 1.2.1"),
    _column("一级指标", 16),
    _column("二级指标", 18, optional=True),
    _column("三级指标", 24, optional=True),
    _column("分值", 8, kind=ValueKind.SCORE),
    _column("评分标准", 50, optional=True),
    _column("评分方法", 10, "怎样从填报内容计算得分", choices=METHOD_NAMES),
    _column("数据项", 22, "计数、扣分：数什么；比率：分子；人工：以哪些登记为依据", optional=True),
    _column("分母数据项", 22, "比率：分母；为 0 即不适用", optional=True),
    _column("每项分值", 10, "计数：每项得分；扣分：每次扣分", kind=ValueKind.NUMBER, optional=True),
    _column("最低比率", 10, "比率低于它得 0 分，例如 0.6", kind=ValueKind.NUMBER, optional=True),
    _column("佐证件数", 10, "申报得分至少要有几件佐证材料", kind=ValueKind.INTEGER, optional=True),
    _column("需网址", 8, "佐证材料须填公开网址", choices=YES_NO, optional=True),
    _column("自评要求", 10, "选填：单位可以不自评", choices=SELF_SCORE_CHOICES, optional=True),
    _column("负责股室", 14, "与单位的负责股室不同时填写", optional=True),
    _column(
        ADOPTION,
        8,
        "从指标库插入的行为“待定”，不计入；填好分值后清空本格即采用",
        choices=(ADOPTION_PENDING,),
        optional=True,
    ),
)
ITEMS_SHEET = _sheet(
    ITEMS,
    "评分方法用到的数据：由单位填报，或从登记表统计，或取自台账、其他考核，或由股室认定。",
    _column("数据项", 28),
    _column("单位类别", 12, "空白表示各类单位都有", optional=True),
    _column("来源", 10, choices=tuple(Source)),
    _column("登记表", 14, optional=True),
    _column("统计方式", 12, choices=tuple(Aggregate), optional=True),
    _column("统计列", 18, "合计、不同值个数：哪一列；台账、考核：哪个数", optional=True),
    _column(
        "筛选条件",
        44,
        "例如 设置绩效目标=是；来源为考核时例如 单位类别=部门；指标=3.2",
        optional=True,
    ),
    _column("计量单位", 10, optional=True),
    _column("填报说明", 40, optional=True),
)
REGISTERS_SHEET = _sheet(
    REGISTERS,
    "模板中的登记表，一列一行；含“佐证编号”列的登记表就是佐证材料表。",
    _column("登记表", 14),
    _column("列名", 18),
    _column("类型", 10, choices=REGISTER_KINDS),
    _column("计量单位", 10, optional=True),
    _column("选项", 40, "类型为选项时填写，用顿号分开", optional=True),
    _column("必填", 8, choices=YES_NO, optional=True),
    _column("唯一", 8, "合并：几列合起来不重复", choices=UNIQUE_CHOICES, optional=True),
    _column("校验规则", 40, "例如 ≤[全年预算数]；≥90%×[全年预算数]", optional=True),
    _column("例外说明列", 16, "不合规则时，该列有说明即可", optional=True),
    _column("列宽", 8, kind=ValueKind.NUMBER, optional=True),
    _column("填报说明", 40, optional=True),
)
REVIEWERS_SHEET = _sheet(
    REVIEWERS,
    "一个股室有几个人分别评分时，一人一行，各得一份评分表；没有列出的股室只有一份。",
    _column("股室", 16, "与单位名录、指标体系中的负责股室一致"),
    _column("评分人", 14),
)
INSTRUCTIONS_SHEET = _sheet(
    INSTRUCTIONS, "模板“填报说明”页的内容，一条一行。", _column("说明", 110)
)
MAILS_SHEET = _sheet(
    MAILS,
    "花括号内是自动填入的内容，例如 {单位名称}。",
    _column("场合", 12, choices=MAIL_OCCASIONS),
    _column("主题", 50),
    _column("正文", 90),
)
MAIL_SETTINGS_SHEET = _sheet(
    MAIL_SETTINGS,
    "发信和收信的服务器，只改“内容”一列；密码不写在这里。不用邮件的可删去本表。",
    _column("项目", 18),
    _column("内容", 70),
    _column("说明", 50, optional=True),
)

WORDING_SHEET = _sheet(
    WORDING,
    "各种文稿的文字，可以改写。花括号内是自动填入的内容；没有内容（0 个、名单为空）的那一句自动略去。",
    _column("文书", 10, choices=tuple(DocumentKind)),
    _column("部分", 10, "“接上”与前一行同一段", choices=tuple(Part)),
    _column("指标", 8, "自评报告：写在哪项指标之下，填编码", optional=True),
    _column(
        "范围", 14, "逐个写的，例如每类单位各写一次；自评报告还可写 每条+登记表", optional=True
    ),
    _column("条件", 30, "例如 逾期报送单位数>0；几个条件用分号分开", optional=True),
    _column("文字", 90, "自评报告可取登记内容：{登记表[条件].个数}、.名单、.金额合计、.《列名》"),
)
APPLICATION_SHEET = _sheet(
    APPLICATION,
    "考核等级怎样用于下年预算，供生成建议表；不用的可删去本表。",
    _column("等级", 12, "每个等级一行，另加“未报送”一行"),
    _column("措施", 14, choices=tuple(MeasureKind)),
    _column("压减比例", 12, "措施为压减时填写，例如 5%", optional=True),
    _column("问责", 8, "列入问责建议名单的选“是”", choices=YES_NO, optional=True),
    _column("说明", 60, optional=True),
)
REFERENCES_SHEET = _sheet(
    REFERENCES,
    "从指标库选出、供各单位设置项目绩效指标时参考，随模板下发；由 perfxl library insert 写入，可以增删。",
    _column("指标编号", 10, optional=True),
    _column("指标名称", 26),
    _column("行业领域", 14, optional=True),
    _column("一级指标", 12, optional=True),
    _column("二级指标", 16, optional=True),
    _column("定义", 34, optional=True),
    _column("计算方法", 34, optional=True),
    _column("计量单位", 9, optional=True),
    _column("目标值", 12, optional=True),
)
MONTHLY_SHEET = _sheet(
    MONTHLY,
    "每月向上级报送的事项和期限，与登记表“月度报送”对照；用于县级自评，没有的可删去本表。",
    _column("报送事项", 18, "与登记表“月度报送”的报送事项一致"),
    _column("报送月份", 10, "报的是哪个月的事：本月报本月，次月报上月", choices=MONTHS_OF_REPORT),
    _column("几日前", 10, "1 至 31 的整数；当月没有这一天的为月末", kind=ValueKind.INTEGER),
    _column("遇休息日", 10, "按国务院放假安排，不填为顺延", choices=tuple(DayShift), optional=True),
    _column("说明", 50, optional=True),
)
OTHER_CAMPAIGNS_SHEET = _sheet(
    OTHER_CAMPAIGNS,
    "来源为“考核”的数据项取自哪些考核文件夹；没有的可删去本表。",
    _column("考核", 18, "简称，数据项的筛选条件里用它，例如 考核=部门考核"),
    _column("文件夹", 50, "相对本方案所在的文件夹，或写完整路径；暂时没有的留空", optional=True),
    _column("说明", 50, optional=True),
)


IMPORT_SHEET = _sheet(
    IMPORT,
    "预算管理一体化系统导出的项目表，各列对应登记表的哪一列，一列一行；不从系统导入的可删去本表。",
    _column("系统列名", 24, "导出文件表头上的名称，不含括号里的计量单位"),
    _column(
        "用途", 14, "认定单位可以有几列（编码、名称）；认定项目只有一列", choices=tuple(ImportUse)
    ),
    _column("登记表", 14, "用途为认定单位的不填", optional=True),
    _column("登记表列", 18, "用途为认定单位的不填", optional=True),
    _column(
        "差异处理",
        12,
        "单位报送的与系统不同时：错误须改正，核实可说明；认定项目一行管漏列和多列的项目",
        choices=ON_DIFFERENCE,
        optional=True,
    ),
    _column("金额单位", 10, "系统中金额的单位，金额列必填", choices=IMPORT_MONEY, optional=True),
    _column(
        "取值对照", 50, "选项列，例如 一般公共预算资金=一般公共预算；用分号分开", optional=True
    ),
)


def rubric_sheet(name: str) -> SheetLayout:
    """The layout of one rubric sheet."""
    return _sheet(name, "一个末级指标一行；分值合计即满分。", *RUBRIC_COLUMNS)


FIXED_SHEETS = {
    sheet.name: sheet
    for sheet in (
        INFO_SHEET,
        GRADES_SHEET,
        ROSTER_SHEET,
        ITEMS_SHEET,
        REGISTERS_SHEET,
        REVIEWERS_SHEET,
        INSTRUCTIONS_SHEET,
        MAILS_SHEET,
        MAIL_SETTINGS_SHEET,
        SPOT_CHECK_SHEET,
        WORDING_SHEET,
        APPLICATION_SHEET,
        REFERENCES_SHEET,
        OTHER_CAMPAIGNS_SHEET,
        IMPORT_SHEET,
        MONTHLY_SHEET,
    )
}
# Sheets of one item a row, and their items.
ITEM_SHEETS = {
    INFO: INFO_ITEMS,
    SPOT_CHECK: SPOT_CHECK_ITEMS,
    MAIL_SETTINGS: MAIL_SETTING_ITEMS,
}


def plan_sheet(name: str) -> SheetLayout | None:
    """The layout of the plan's sheet of this name, spaces apart; None for one not the plan's."""
    squeezed = squeeze(name)
    if squeezed.startswith(RUBRIC_PREFIX):
        return rubric_sheet(name.strip())
    return FIXED_SHEETS.get(squeezed)
