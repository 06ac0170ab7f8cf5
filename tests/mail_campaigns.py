"""Campaigns whose plan names mail servers on loopback, for tests of mail."""

from __future__ import annotations

import atexit
import datetime as dt
import shutil
import tempfile
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

from made_campaigns import Sheets, changed_plan

from perfxl.campaign import PLAN_FILE, Campaign
from perfxl.ledger import MailState
from perfxl.mail.smtp import Courier
from perfxl.plan.mailing import Occasion
from perfxl.stages.demo import SAMPLE_STAMP_KEY
from perfxl.stages.issue import issue
from perfxl.stages.mail import SendReport, batch, send

NOW = dt.datetime(2024, 1, 3, 9)


def set_mail(sheets: Sheets, **items: str) -> None:
    """Set items of 邮件设置."""
    for row in sheets["邮件设置"]:
        row["内容"] = items.get(row["项目"], row["内容"])


def mail_plan(
    smtp: int, imap: int = 1, user: str = "", change: Callable[[Sheets], None] = lambda _: None
) -> bytes:
    """The sample plan with servers on loopback."""

    def all_changes(sheets: Sheets) -> None:
        set_mail(
            sheets,
            SMTP服务器="127.0.0.1",
            SMTP端口=str(smtp),
            SMTP加密方式="不加密",
            SMTP用户名=user,
            IMAP服务器="127.0.0.1",
            IMAP端口=str(imap),
            IMAP加密方式="不加密",
            IMAP用户名="jixiao@example.com",
            每分钟封数="600",
        )
        change(sheets)

    return changed_plan(all_changes)


def issued_campaign(folder: Path, plan: bytes) -> Campaign:
    """A campaign whose workbooks are issued; its mail may differ from the sample plan's."""
    shutil.copytree(_issued_once(), folder)
    return with_plan(Campaign(folder), plan)


@lru_cache(maxsize=1)
def _issued_once() -> Path:
    base = Path(tempfile.mkdtemp(prefix="perfxl-issued-"))
    atexit.register(shutil.rmtree, base, ignore_errors=True)
    campaign = Campaign.create(base / "考核", mail_plan(1), SAMPLE_STAMP_KEY)
    issue(campaign, NOW)
    campaign.close()
    return base / "考核"


def with_plan(campaign: Campaign, plan: bytes) -> Campaign:
    """The same folder under another plan."""
    campaign.close()
    (campaign.folder / PLAN_FILE).write_bytes(plan)
    return Campaign(campaign.folder)


def send_all(
    campaign: Campaign,
    occasion: Occasion = Occasion.ISSUE,
    *,
    wait: Callable[[float], None] = lambda _: None,
    resend: Iterable[str] = (),
    units: set[str] | None = None,
    password: str = "",
    now: dt.datetime = NOW,
) -> SendReport:
    """Send what waits, without a pause."""
    made = batch(campaign, occasion, now, units=units, resend=set(resend), sending=True)
    courier = Courier(made.settings.smtp, password, wait)
    return send(campaign, made, courier, "测试", lambda: now, lambda: None)


def went(report: SendReport) -> int:
    """How many mails left for sure."""
    return sum(one.delivery.state is MailState.SENT for one in report.sent)
