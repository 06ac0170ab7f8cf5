"""Mail: attachments under their names, whoever wrote them how, and headers that are hostile."""

from __future__ import annotations

import base64
import datetime as dt
import sys
import time
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

import pytest
from made_envelopes import CHINA, compound_file, outlook_attachment, outlook_message

from perfxl.envelopes import Envelope, contents, is_envelope, open_envelope
from perfxl.errors import Fault, Unreadable

BOOK = b"PK\x03\x04 a workbook"


def mail(**headers: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "张三 <ZhangSan@Example.com>"
    message["Subject"] = "石楼县教育局自评材料"
    message["Date"] = "Mon, 15 Jan 2024 01:30:00 +0000"
    message["To"] = "office@example.com"
    for name, value in headers.items():
        del message[name]
        message[name] = value
    message.set_content("请查收")
    return message


def attach(message: EmailMessage, name: str, data: bytes = BOOK) -> EmailMessage:
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message


def raw(*lines: str | bytes) -> bytes:
    return b"\r\n".join(
        line if isinstance(line, bytes) else line.encode("ascii") for line in (*lines, "")
    )


def raw_attachment(*headers: str | bytes) -> bytes:
    """A message with one attachment whose part has these headers."""
    return raw(
        "From: a@example.com",
        "Subject: s",
        'Content-Type: multipart/mixed; boundary="B"',
        "",
        "--B",
        *headers,
        "Content-Transfer-Encoding: base64",
        "",
        base64.b64encode(BOOK),
        "--B--",
    )


def names(envelope: Envelope) -> list[str]:
    return ["/".join(filter(None, (each.folder, each.name))) for each in envelope.enclosed]


def test_a_message_with_attachments() -> None:
    message = attach(attach(mail(), "自评表.xlsx"), "佐证.pdf", b"%PDF")
    envelope = open_envelope(message.as_bytes())
    assert envelope.sender == "zhangsan@example.com"
    assert envelope.subject == "石楼县教育局自评材料"
    assert envelope.sent_at == dt.datetime(2024, 1, 15, 9, 30)
    assert [(each.name, each.data) for each in envelope.enclosed] == [
        ("自评表.xlsx", BOOK),
        ("佐证.pdf", b"%PDF"),
    ]
    assert (envelope.refused, envelope.passed_over) == ((), ())


def test_a_message_without_attachments() -> None:
    message = mail()
    message.add_alternative("<p>请查收</p>", subtype="html")
    envelope = open_envelope(message.as_bytes())
    assert (envelope.enclosed, envelope.refused, envelope.passed_over) == ((), (), ())


@pytest.mark.parametrize(
    "before", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"From a@example.com Mon Jan 15 2024\r\n"]
)
def test_what_may_stand_before_a_message(before: bytes) -> None:
    data = before + attach(mail(), "a.xlsx").as_bytes()
    assert is_envelope(data)
    envelope = open_envelope(data)
    assert (names(envelope), envelope.sender) == (["a.xlsx"], "zhangsan@example.com")


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Disposition: attachment; filename=\"=?gb2312?B?1+7GwLHtLnhsc3g=?=\""],
        ["Content-Disposition: attachment; filename*=gb2312''%D7%EE%C6%C0%B1%ED.xlsx"],
        ["Content-Disposition: attachment;", "\tfilename*0*=UTF-8''%E6%9C%80;",
         "\tfilename*1*=%E8%AF%84%E8%A1%A8.xlsx"],
        [b'Content-Disposition: attachment; filename="' + "最评表.xlsx".encode("gbk") + b'"'],
        [b'Content-Disposition: attachment; filename="' + "最评表.xlsx".encode() + b'"'],
        [b'Content-Type: application/octet-stream; name="' + "最评表.xlsx".encode("gbk") + b'"'],
        ["Content-Type: application/x; name=\"=?GBK?Q?=D7=EE=C6=C0?=", " =?GBK?Q?=B1=ED.xlsx?=\""],
        [b'Content-Disposition: attachment; filename="..\\..\\/../' + "最评表.xlsx".encode() + b'"'],
    ],
)  # fmt: skip
def test_attachment_names_as_programs_write_them(headers: list[str | bytes]) -> None:
    envelope = open_envelope(raw_attachment(*headers))
    assert [(each.folder, each.name) for each in envelope.enclosed] == [("", "最评表.xlsx")]
    assert envelope.enclosed[0].data == BOOK


def test_gbk_bytes_that_look_like_syntax() -> None:
    # The second bytes of these characters are a backslash and "@".
    data = raw(
        b"From: " + "乗凘".encode("gbk") + b" <a@example.com>",
        b"Subject: " + "乗凘报送".encode("gbk"),
        "",
        "",
    )
    envelope = open_envelope(data)
    assert (envelope.sender, envelope.subject) == ("a@example.com", "乗凘报送")


def test_a_character_split_between_encoded_words() -> None:
    encoded = "石楼".encode("gbk")
    words = [base64.b64encode(part).decode() for part in (encoded[:3], encoded[3:])]
    subject = f"=?GB2312?B?{words[0]}?=\r\n =?GB2312?B?{words[1]}?="
    data = raw("From: a@example.com", f"Subject: {subject}", "", "x")
    assert open_envelope(data).subject == "石楼"


@pytest.mark.parametrize(
    ("sender", "address"),
    [
        ("A.B@Example.COM", "a.b@example.com"),
        ('"x@evil.cn" <a@example.com>', "a@example.com"),
        ("=?utf-8?B?5byg5LiJ?= <a@example.com>", "a@example.com"),
        ("a@example.com, b@example.com", ""),
        ("a@example.com b@example.com", ""),
        ("(" * 3000, ""),
        ("<a@", ""),
        ("a@[", ""),
        ("\\", ""),
        (":;@,<>[]()\"", ""),
        ("a\x00@example.com", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_senders(sender: str, address: str) -> None:
    data = raw(f"From: {sender}", "Subject: s", "Date: x", "", "")
    assert open_envelope(data).sender == address


def test_two_senders_are_none() -> None:
    data = raw("From: a@example.com", "From: b@example.com", "Subject: s", "", "")
    assert open_envelope(data).sender == ""


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("Mon, 15 Jan 2024 09:30:00 +0800", dt.datetime(2024, 1, 15, 9, 30)),
        ("Mon, 15 Jan 2024 09:30:00 +0800 (CST)", dt.datetime(2024, 1, 15, 9, 30)),
        ("15 Jan 2024 20:30:00 -0000", dt.datetime(2024, 1, 16, 4, 30)),
        ("15 Jan 2024 09:30:00", dt.datetime(2024, 1, 15, 9, 30)),
        ("31 Dec 9999 23:00:00 -1200", None),
        ("31 Feb 2024 00:00:00 +0800", None),
        ("昨天".encode().decode("latin-1"), None),
        ("", None),
    ],
)
def test_dates(date: str, moment: dt.datetime | None) -> None:
    data = raw("From: a@example.com", b"Date: " + date.encode("latin-1"), "Subject: s", "", "")
    assert open_envelope(data).sent_at == moment


def test_a_subject_is_one_line_of_visible_text() -> None:
    data = raw("From: a@example.com", "Subject: =?utf-8?Q?a=0D=0ABcc=3A_b=1B=00?=", " c", "", "")
    assert open_envelope(data).subject == "a Bcc: b c"


def test_a_header_without_end_takes_no_time() -> None:
    started = time.monotonic()
    data = b"From: a@example.com\nSubject: " + b"=?utf-8?B?5byg?= " * 100_000 + b"\n\n"
    assert open_envelope(data).subject.startswith("张张")
    assert time.monotonic() - started < 2


def test_what_mail_programs_add_is_passed_over() -> None:
    message = attach(mail(), "a.xlsx")
    message.add_attachment(b"logo", "image", "png", cid="<logo>", disposition="inline")
    message.add_attachment(b"photo", "image", "jpeg", cid="<p>", filename="佐证.jpg")
    message.add_attachment("BEGIN:VCALENDAR", subtype="calendar", filename="会议.ics")
    envelope = open_envelope(message.as_bytes())
    assert names(envelope) == ["a.xlsx", "佐证.jpg"]
    assert envelope.passed_over == ("未命名附件", "会议.ics")


def test_a_large_inline_image_is_taken() -> None:
    message = mail()
    message.add_attachment(bytes(100_000), "image", "png", cid="<x>", disposition="inline")
    assert names(open_envelope(message.as_bytes())) == ["未命名附件"]


def test_what_cannot_be_opened_is_said() -> None:
    message = attach(mail(), "winmail.dat")
    message.add_attachment(b"x", "application", "pkcs7-mime", filename="smime.p7m")
    envelope = open_envelope(message.as_bytes())
    assert envelope.enclosed == ()
    assert [line[:6] for line in envelope.refused] == ["“winma", "“smime"]


def test_attachments_of_a_forwarded_message_count() -> None:
    message = attach(mail(), "a.xlsx")
    message.add_attachment(attach(mail(Subject="教育局/自评"), "b.xlsx"))
    assert names(open_envelope(message.as_bytes())) == ["a.xlsx", "教育局 自评/b.xlsx"]


def test_a_message_forwarded_too_often() -> None:
    message = attach(mail(Subject="第0层"), "a.xlsx")
    for number in range(1, 7):
        outer = mail(Subject=f"第{number}层")
        outer.add_attachment(message)
        message = outer
    envelope = open_envelope(message.as_bytes())
    assert envelope.enclosed == ()
    assert envelope.refused == ("“第0层”转发的层次过深，没有取出",)


def test_a_forwarded_message_in_base64() -> None:
    inner = attach(mail(), "b.xlsx").as_bytes()
    data = raw_attachment("Content-Type: message/rfc822", "X-Name: x").replace(
        base64.b64encode(BOOK), base64.encodebytes(inner).strip()
    )
    (member,) = open_envelope(data).enclosed
    assert member.name.endswith(".eml")
    assert names(open_envelope(member.data)) == ["b.xlsx"]


def test_deep_mime_is_unreadable_or_empty() -> None:
    part: MIMEMultipart | MIMEText = MIMEText("x")
    lines = ["From: a@example.com", "Subject: s"]
    for number in range(5000):
        lines += [f'Content-Type: multipart/mixed; boundary="{number}"', "", f"--{number}"]
    data = raw(*lines, str(part))
    before = sys.getrecursionlimit()
    with pytest.raises(Unreadable):
        open_envelope(data)
    assert sys.getrecursionlimit() == before


def test_a_message_cut_short_says_so() -> None:
    data = attach(attach(mail(), "a.xlsx"), "b.xlsx").as_bytes()
    envelope = open_envelope(data[: data.rfind(b"--=")])
    assert names(envelope) == ["a.xlsx", "b.xlsx"]
    assert envelope.refused == ("邮件不完整，可能还有附件没有取出",)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("spoilt", [b"", b"--spoilt"])
def test_a_part_that_counts_as_text_of_the_one_before_is_missed(number: int, spoilt: bytes) -> None:
    message = attach(attach(mail(), "a.xlsx", BOOK * 9), "b.xlsx", BOOK * 9)
    boundary = message.as_bytes().split(b'boundary="')[1].split(b'"')[0]
    pieces = message.as_bytes().split(b"--" + boundary)
    data = (b"--" + boundary).join(pieces[: number + 1])
    data += spoilt + (b"--" + boundary).join(pieces[number + 1 :])
    envelope = open_envelope(data)
    assert names(envelope) == [["b.xlsx"], ["a.xlsx"]][number - 1]
    assert envelope.refused == ("邮件不完整，可能还有附件没有取出",)


def test_a_message_attached_as_a_file_may_hold_attachments() -> None:
    inner = attach(mail(), "a.xlsx", BOOK * 9).as_bytes()
    message = mail()
    message.add_attachment(inner.decode(), subtype="plain", filename="转发.eml", cte="8bit")
    assert open_envelope(message.as_bytes()).refused == ()


def test_limits_hold_for_mail_too(monkeypatch: pytest.MonkeyPatch) -> None:
    data = attach(attach(mail(), "a.xlsx", bytes(101)), "b.xlsx", bytes(9)).as_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(contents, "LARGEST_MEMBER", 100)
        assert names(open_envelope(data)) == ["b.xlsx"]
    monkeypatch.setattr(contents, "MOST_MEMBERS", 1)
    with pytest.raises(Unreadable) as caught:
        open_envelope(data)
    assert caught.value.fault is Fault.TOO_LARGE


MOMENT = dt.datetime(2024, 1, 15, 9, 30, tzinfo=CHINA)


def test_an_outlook_message() -> None:
    forwarded = outlook_message(
        outlook_attachment(b"inner", long_name="内.xlsx"),
        texts={0x0037: "转发"},
        moment=MOMENT,
        embedded=True,
    )
    data = compound_file(
        outlook_message(
            outlook_attachment(BOOK * 500, long_name="自评表.xlsx", short_name="ZIPING~1.XLS"),
            outlook_attachment(b"", long_name="朱镕.pdf".encode("gbk")),
            outlook_attachment(b"logo", long_name="image001.png", mime="image/png", content_id="x"),
            outlook_attachment(forwarded, long_name="教育局", method=5),
            outlook_attachment({"CONTENTS": b"x"}, long_name="图表", method=6),
            outlook_attachment(b"", long_name="云文件.xlsx", method=7),
            texts={0x0037: "报送自评材料", 0x5D01: "ZhangSan@Example.com"},
            moment=MOMENT,
        )
    )
    assert is_envelope(data)
    envelope = open_envelope(data)
    assert envelope.sender == "zhangsan@example.com"
    assert envelope.subject == "报送自评材料"
    assert envelope.sent_at == dt.datetime(2024, 1, 15, 9, 30)
    assert names(envelope) == ["自评表.xlsx", "朱镕.pdf", "教育局/内.xlsx"]
    assert [len(each.data) for each in envelope.enclosed] == [len(BOOK) * 500, 0, 5]
    assert envelope.refused == (
        "“图表”是嵌入的对象，没有取出",
        "“云文件.xlsx”只是一个指向别处的链接，没有取出",
    )
    assert envelope.passed_over == ("image001.png",)


@pytest.mark.parametrize(
    "texts",
    [
        {0x0C1E: "SMTP", 0x0C1F: "a@example.com"},
        {0x0C1E: "EX", 0x0C1F: "/o=Org/cn=a", 0x007D: "From: A <a@example.com>\r\n\r\n"},
        {0x5D02: b"a@example.com"},
    ],
)
def test_where_outlook_keeps_the_sender(texts: dict[int, str | bytes]) -> None:
    data = compound_file(outlook_message(texts=texts, moment=MOMENT))
    assert open_envelope(data).sender == "a@example.com"


def test_outlook_messages_forwarded_too_often() -> None:
    message = outlook_message(texts={}, moment=MOMENT, embedded=True)
    for number in range(7):
        attachment = outlook_attachment(message, long_name=f"第{number}层", method=5)
        message = outlook_message(attachment, texts={}, moment=MOMENT, embedded=number < 6)
    assert open_envelope(compound_file(message)).refused == (
        "“第6层/第5层/第4层/第3层/第2层/第1层”转发的层次过深，没有取出",
    )


def test_a_damaged_outlook_message() -> None:
    data = compound_file(
        outlook_message(outlook_attachment(BOOK, long_name="a"), texts={}, moment=MOMENT)
    )
    with pytest.raises(Unreadable) as caught:
        open_envelope(data[: len(data) - 700])
    assert caught.value.fault is Fault.DAMAGED
