"""Messages as another program reads them: names, subjects, texts; and ids that cannot be made up."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import fast_mail_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfxl.envelopes import open_envelope
from perfxl.mail.compose import Attachment, Letter, compose
from perfxl.mail.message_id import message_id, unit_answered
from perfxl.mail.texts import filled, subject_of
from perfxl.plan.mailing import MailText, Occasion, address_fault, addresses_in
from perfxl.plan.model import Plan, Unit
from perfxl.plan.names import name_fault

NOW = dt.datetime(2024, 1, 3, 9)
UNIT = Unit("101", "石楼县教育科技局", "部门", "教科文股")
LETTER = Letter(UNIT, "<x.1@example.com>", ("a@example.com",), (), "主题", "正文", ())
# What a plan may put into names and subjects: the reader strips white space and refuses controls.
NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=80
)


def composed(letter: Letter) -> bytes:
    return compose(letter, "jixiao@example.com", "石楼县财政局", NOW).as_bytes()


@given(NAMES.filter(lambda name: not name_fault(name)))
def test_attachment_names_arrive_by_either_way(name: str) -> None:
    data = composed(replace(LETTER, attachments=(Attachment(f"{name}.xlsx", b"PK"),)))
    (read,) = fast_mail_parser.parse_email(data).attachments
    assert read.filename == f"{name}.xlsx"
    # Without the parameter of RFC 2231, as an old program sees it.
    older = re.sub(rb"attachment;\r\n filename[^\r]*", b"attachment", data)
    assert older != data
    (enclosed,) = open_envelope(older).enclosed
    assert enclosed.name == f"{name}.xlsx"


@given(NAMES, NAMES)
def test_subject_and_name_of_unit(subject: str, name: str) -> None:
    data = composed(replace(LETTER, subject=subject, unit=replace(UNIT, name=name)))
    assert fast_mail_parser.parse_email(data).subject == subject
    head = data.partition(b"\r\n\r\n")[0]
    assert max(map(len, head.split(b"\r\n"))) <= 78
    assert head.isascii()


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=300))
def test_body_is_text_in_html_too(body: str) -> None:
    parsed = fast_mail_parser.parse_email(composed(replace(LETTER, body=f"<b>{body}</b>")))
    assert parsed.text_plain[0].splitlines() == f"<b>{body}</b>\n".splitlines()
    assert "<b>" not in parsed.text_html[0]
    assert "&lt;b&gt;" in parsed.text_html[0]


def test_long_lines_are_those_that_may_not_be_folded() -> None:
    letter = replace(LETTER, attachments=(Attachment("石楼县" * 20 + ".xlsx", b"PK" * 999),))
    long = [line for line in composed(letter).split(b"\r\n") if len(line) > 78]
    assert [line.split(b"/")[0] for line in long[:1]] == [b"Content-Type: application"]
    assert [line.split(b"=")[0] for line in long[1:]] == [b" filename*"]
    assert all(len(line) < 998 for line in long)


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    assert filled("{a}{b}", {"a": "{b}", "b": "x"}) == "{b}x"
    text = MailText("致{联系人}", "")
    assert subject_of(text, {"联系人": "王\r\nBcc: x@example.com"}) == "致王 Bcc: x@example.com"


@pytest.mark.parametrize("code", ["101", "部门.1", "a" * 40])
def test_ids_lead_to_their_unit_and_cannot_be_made_up(plan: Plan, code: str) -> None:
    unit = replace(plan.units[0], code=code)
    changed = replace(plan, units=(unit, *plan.units[1:]))
    key = b"k" * 32
    made = message_id(
        key, plan.campaign.code, code, Occasion.REMIND, "2024-01-03", 2, "example.com"
    )
    assert re.fullmatch(r"<[A-Za-z0-9._-]+@example\.com>", made)
    assert len(made) < 200
    assert unit_answered(changed, key, ["<other@qq.com>", made]) == (unit, Occasion.REMIND)
    assert unit_answered(changed, b"other" * 8, [made]) is None
    assert unit_answered(changed, key, [made.replace(".2.", ".3.")]) is None
    other = replace(plan, campaign=replace(plan.campaign, code="SL2024"))
    assert unit_answered(other, key, [made]) is None


@pytest.mark.parametrize(
    ("address", "fault"),
    [
        ("dept101@example.com", ""),
        ("slx_czj.jx@163.com", ""),
        ("wang@@example.com", "一个 @"),
        ("example.com", "一个 @"),
        ("wang＠example.com", "全角"),
        ("王@example.com", "中文"),
        ("wang@example", "写法"),
        (".wang@example.com", "写法"),
        ("wang<x>@example.com", "写法"),
        ("a" * 250 + "@example.com", "254"),
    ],
)
def test_addresses(address: str, fault: str) -> None:
    assert (fault in address_fault(address)) if fault else address_fault(address) == ""


def test_addresses_in_a_cell() -> None:
    typed = "a@example.com、b@example.com；c@example.com\na@example.com"
    assert addresses_in(typed) == ("a@example.com", "b@example.com", "c@example.com")
