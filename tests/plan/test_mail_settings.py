"""The plan's sheets about mail: what is read, and what is a mistake of the plan itself."""

from __future__ import annotations

import pytest
from made_campaigns import Sheets, changed_plan
from mail_campaigns import set_mail

from perfxl.campaign import read_plan_file
from perfxl.errors import PlanRefused
from perfxl.plan.mailing import Occasion, Security


def test_sample_plan_names_servers_and_every_text(plan) -> None:  # type: ignore[no-untyped-def]
    settings = plan.mail_settings
    assert (settings.smtp.host, settings.smtp.security) == ("smtp.example.com", Security.TLS)
    assert settings.imap.user == settings.smtp.user == settings.sender == "jixiao@example.com"
    assert (settings.folder, settings.since, settings.per_minute) == ("INBOX", None, 20)
    assert set(plan.mails) == set(Occasion)


def test_mistakes_of_the_sheet_are_those_of_the_plan() -> None:
    def change(sheets: Sheets) -> None:
        set_mail(
            sheets,
            SMTP端口="七",
            SMTP加密方式="SSL",
            每分钟封数="0",
            收信起始日期="去年",
            IMAP端口="70000",
        )

    with pytest.raises(PlanRefused) as caught:
        read_plan_file(changed_plan(change), "考核方案.xlsx")
    found = [(one.code, one.place.sheet, one.place.cell) for one in caught.value.mistakes]
    assert found == [
        ("P105", "邮件设置", "B5"),
        ("P106", "邮件设置", "B6"),
        ("P105", "邮件设置", "B10"),
        ("P105", "邮件设置", "B12"),
        ("P105", "邮件设置", "B16"),
    ]


def test_a_plan_without_mail_is_a_plan() -> None:
    def change(sheets: Sheets) -> None:
        del sheets["邮件设置"], sheets["邮件"]

    assert read_plan_file(changed_plan(change), "考核方案.xlsx").mail_settings is None
