"""Encrypted connections to a real server: what is trusted, and that nothing falls back to plain."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_certificates import certificate_with_key
from mail_servers import PostOffice, post_office

from perfxl.errors import MailServerFault
from perfxl.ledger import MailState
from perfxl.mail.smtp import Courier
from perfxl.plan.mailing import Security, Server

MESSAGE = b"Subject: x\r\n\r\n.a line that begins with a dot\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key in one file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(certificate_with_key())
    return path


@pytest.fixture
def servers(certificate: Path) -> Iterator[dict[Security, PostOffice]]:
    """A server for each security."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with (
        post_office(ssl_context=context) as tls,
        post_office(tls_context=context, require_starttls=True) as starttls,
        post_office() as plain,
    ):
        yield {Security.TLS: tls, Security.STARTTLS: starttls, Security.NONE: plain}


def courier(post: PostOffice, security: Security) -> Courier:
    return Courier(Server("127.0.0.1", post.port, security), "", lambda _: None)


@pytest.mark.parametrize("security", list(Security))
def test_message_arrives_whole(
    servers: dict[Security, PostOffice],
    security: Security,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    one = courier(servers[security], security)
    for _ in range(2):
        done = one.send("a@example.com", ["b@example.com"], MESSAGE)
        assert done.state is MailState.SENT
    one.close()
    assert [each.content for each in servers[security].delivered] == [MESSAGE] * 2


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_certificate_nobody_vouches_for_is_refused(
    servers: dict[Security, PostOffice], security: Security
) -> None:
    with pytest.raises(MailServerFault, match="证书不可信"):
        courier(servers[security], security).connect()


def test_no_falling_back_to_plain(servers: dict[Security, PostOffice]) -> None:
    with pytest.raises(MailServerFault, match="不支持"):
        courier(servers[Security.NONE], Security.STARTTLS).connect()
    assert servers[Security.NONE].delivered == []


def test_some_addresses_are_refused(servers: dict[Security, PostOffice]) -> None:
    post = servers[Security.NONE]
    post.accidents.refused = frozenset({"no@example.com"})
    one = courier(post, Security.NONE)
    done = one.send("a@example.com", ["no@example.com", "b@example.com"], MESSAGE)
    one.close()
    assert done.state is MailState.SENT
    assert list(done.refused) == ["no@example.com"]
    assert "没有这个用户" in done.refused["no@example.com"]
    assert [each.recipients for each in post.delivered] == [("b@example.com",)]
