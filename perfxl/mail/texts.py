"""The texts of mails: placeholders filled in, and all that is wrong with a batch, at its cells."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from perfxl.errors import Mistake, Place
from perfxl.plan.mailing import MailSettings, MailText, Occasion, Server, address_fault
from perfxl.plan.mailing import Security as Secured
from perfxl.plan.model import Plan, Unit
from perfxl.plan.workbook import MAIL_SETTINGS, MAILS, ROSTER
from perfxl.terms import due_on

PROBLEMS, ATTACHED = "问题清单", "附件名称"
PLACEHOLDERS = (
    *("单位名称", "单位编码", "联系人", "负责股室"),
    *("考核名称", "考核年度", "考核编号", "发文机关", "发文字号", "印发日期"),
    *("报送截止时间", "整改期限", "办公联系人", "办公电话", PROBLEMS, ATTACHED),
)
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_LINE_BREAK = re.compile("[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"\s+")

Tell = Callable[[str, str, str, str, str], None]


def filled(template: str, values: Mapping[str, str]) -> str:
    """The text with every placeholder replaced, once: what is filled in is not looked at again."""
    return _PLACEHOLDER.sub(lambda found: values[found[1].strip()], template)


def subject_of(text: MailText, values: Mapping[str, str]) -> str:
    """The subject; white space in what is filled in, line breaks too, becomes one space."""
    one_line = {name: _SPACES.sub(" ", value).strip() for name, value in values.items()}
    return filled(text.subject, one_line)


def values_for(plan: Plan, unit: Unit, deadline: dt.datetime) -> dict[str, str]:
    """What the placeholders stand for in a mail to one unit, but for its problems and files.

    Raises NoCalendar.
    """
    campaign = plan.campaign
    due = due_on(campaign.rectification, campaign.issued_on)
    return {
        "单位名称": unit.name,
        "单位编码": unit.code,
        # The texts say 同志 after it.
        "联系人": unit.contact or "有关",
        "负责股室": unit.section,
        "考核名称": campaign.name,
        "考核年度": str(campaign.year),
        "考核编号": campaign.code,
        "发文机关": campaign.issuer,
        "发文字号": campaign.document_number,
        "印发日期": _day(campaign.issued_on),
        "报送截止时间": f"{_day(deadline)}{deadline:%H:%M}",
        "整改期限": _day(due),
        "办公联系人": campaign.contact,
        "办公电话": campaign.phone,
        PROBLEMS: "",
        ATTACHED: "",
    }


def _day(date: dt.date) -> str:
    return f"{date.year}年{date.month}月{date.day}日"


def mistakes_of(
    plan: Plan, file: str, occasion: Occasion, units: Iterable[Unit], *, sending: bool
) -> list[Mistake]:
    """All that keeps mails of this occasion to these units from being written.

    Looks at the text, the addresses and the sender; where they are to be sent, at the server too.
    ``file`` is the plan workbook's name.
    """
    found: list[Mistake] = []

    def tell(code: str, sheet: str, cell: str, what: str, remedy: str) -> None:
        found.append(Mistake(code, what, Place(file, sheet, cell), remedy))

    _check_settings(plan.mail_settings, tell, sending=sending)
    text = plan.mails.get(occasion)
    if text is None:
        remedy = f"请在“{MAILS}”表中加一行，场合为“{occasion}”"
        tell("M101", MAILS, "", f"没有“{occasion}”的主题和正文", remedy)
    else:
        _check_text(text, tell)
    for unit in units:
        _check_addresses(unit, tell)
    return found


def _check_text(text: MailText, tell: Tell) -> None:
    if _LINE_BREAK.search(text.subject):
        tell("M102", MAILS, text.subject_cell, "主题里有换行", "主题只能是一行，请去掉换行")
    for name, template, cell in (
        ("主题", text.subject, text.subject_cell),
        ("正文", text.body, text.body_cell),
    ):
        for placeholder in dict.fromkeys(one.strip() for one in _PLACEHOLDER.findall(template)):
            if placeholder not in PLACEHOLDERS:
                allowed = "、".join(PLACEHOLDERS)
                tell(
                    "M103",
                    MAILS,
                    cell,
                    f"{name}里的 {{{placeholder}}} 没有这一项",
                    f"可用：{allowed}",
                )
        if set("{}") & set(_PLACEHOLDER.sub("", template)):
            tell("M104", MAILS, cell, f"{name}里的花括号不成对", "写法如 {单位名称}")


def _check_addresses(unit: Unit, tell: Tell) -> None:
    if not unit.addresses:
        tell("M105", ROSTER, unit.email_cell, f"{unit.name}没有电子邮箱", "请填写")
    for addresses, cell in (
        (unit.addresses, unit.email_cell),
        (unit.copy_addresses, unit.copies_cell),
    ):
        for address in addresses:
            fault = address_fault(address)
            if fault:
                remedy = "写法如 name@example.com，多个地址用顿号分开"
                tell("M106", ROSTER, cell, f"{unit.name}的邮箱“{address}”{fault}", remedy)


def _check_settings(settings: MailSettings | None, tell: Tell, *, sending: bool) -> None:
    if settings is None:
        remedy = "请照模板（perfxl init 生成的考核方案）加上这张表"
        tell("M107", MAIL_SETTINGS, "", "没有这张表，不知道由谁发、经哪里发", remedy)
        return

    def at(item: str) -> str:
        return settings.cells.get(item, "")

    fault = address_fault(settings.sender)
    if not settings.sender:
        tell("M108", MAIL_SETTINGS, at("发件地址"), "没有填写发件地址", "请填写")
    elif fault:
        what = f"发件地址“{settings.sender}”{fault}"
        tell("M108", MAIL_SETTINGS, at("发件地址"), what, "请改正")
    if _LINE_BREAK.search(settings.sender_name):
        tell("M102", MAIL_SETTINGS, at("发件人名称"), "发件人名称里有换行", "请去掉换行")
    if sending:
        found = server_mistakes(settings.smtp, "SMTP", settings)
        for code, cell, what, remedy in found:
            tell(code, MAIL_SETTINGS, cell, what, remedy)


def server_mistakes(
    server: Server, protocol: str, settings: MailSettings
) -> Sequence[tuple[str, str, str, str]]:
    """What is wrong with a server (code, cell, what, remedy) before it is spoken to."""
    name = f"{protocol}服务器"
    cell = settings.cells.get(name, "")
    if not server.host:
        return [("M109", cell, f"没有填写{name}", "请向邮箱服务商查询")]
    if not re.fullmatch(r"[A-Za-z0-9.:-]+", server.host):
        return [("M109", cell, f"{name}“{server.host}”不合写法", "例如 smtp.163.com")]
    if server.security is Secured.NONE and not server.is_here:
        cell = settings.cells.get(f"{protocol}加密方式", "")
        what = "不加密只能用于本机的服务器，否则密码和内容会被看到"
        return [("M110", cell, what, "请改为 TLS 或 STARTTLS")]
    return []
