"""Reads the plan's sheets about mail: the texts (邮件) and the servers (邮件设置).

Whether a text or an address is fit to be sent is asked when a mail is about to be written, so that
a missing address does not keep an office from issuing or scoring.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from perfxl.plan.info_reading import CONTENT, ItemSheet
from perfxl.plan.mailing import MailSettings, MailText, Security, Server
from perfxl.plan.rows import PlanBook
from perfxl.plan.workbook import (
    MAIL_OCCASIONS,
    MAIL_SETTING_ITEMS,
    MAIL_SETTINGS,
    MAIL_SETTINGS_SHEET,
    MAILS_SHEET,
)
from perfxl.points import HUNDREDTHS
from perfxl.values import date_of, number_of

_HIGHEST_PORT, _FASTEST = 65_535, 600


def read_mail_texts(book: PlanBook) -> dict[str, MailText]:
    """The texts by occasion; mistakes go to the book."""
    mails: dict[str, MailText] = {}
    for row in book.rows(MAILS_SHEET, needed=False):
        occasion = row.required("场合")
        if occasion and occasion not in MAIL_OCCASIONS:
            allowed = "、".join(MAIL_OCCASIONS)
            row.mistake("P106", "场合", f"“场合”应为 {allowed} 之一，现为“{occasion}”")
        elif occasion in mails:
            row.mistake("P110", "场合", f"场合“{occasion}”重复")
        mails[occasion] = MailText(
            row.required("主题"), row.required("正文"), row.cell("主题"), row.cell("正文")
        )
    return mails


def read_mail_settings(book: PlanBook) -> MailSettings | None:
    """What the sheet declares; None where the plan has no such sheet. Mistakes go to the book."""
    if book.real_name(MAIL_SETTINGS) not in book.sheets:
        return None
    sheet = _Sheet(book, MAIL_SETTINGS_SHEET, MAIL_SETTING_ITEMS)
    defaults = MailSettings()
    since: dt.date | None = None
    return MailSettings(
        smtp=sheet.server("SMTP"),
        sender=sheet.text("发件地址"),
        sender_name=sheet.text("发件人名称"),
        per_minute=sheet.typed("每分钟封数", _rate, "1 至 600 的整数", defaults.per_minute),
        imap=sheet.imap(),
        folder=sheet.text("收信文件夹") or defaults.folder,
        since=sheet.typed("收信起始日期", date_of, "日期", since),
        cells=sheet.cells(),
    )


class _Sheet(ItemSheet):
    """The items of 邮件设置."""

    def server(self, protocol: str) -> Server:
        return Server(
            self.text(f"{protocol}服务器"),
            self.typed(f"{protocol}端口", _port, "1 至 65535 的整数", 0),
            self.choice(f"{protocol}加密方式", Security, Security.TLS),
            self.text(f"{protocol}用户名"),
        )

    def imap(self) -> Server:
        server = self.server("IMAP")
        return server if server.user else replace(server, user=self.text("SMTP用户名"))

    def cells(self) -> dict[str, str]:
        return {
            name: row.cell(CONTENT)
            for name, _, _ in self._items
            if (row := self.given_row(name)) is not None
        }


def _port(value: object) -> int | None:
    return _whole(value, _HIGHEST_PORT)


def _rate(value: object) -> int | None:
    return _whole(value, _FASTEST)


def _whole(value: object, most: int) -> int | None:
    number = number_of(value)
    if number is None or number % HUNDREDTHS or not 0 < number // HUNDREDTHS <= most:
        return None
    return number // HUNDREDTHS
