"""Opens envelopes in the worker process: the door through which the rest of perfxl comes."""

from __future__ import annotations

from perfxl.envelopes import Envelope, envelope_of, is_envelope, open_plain
from perfxl.envelopes.threads import Thread
from perfxl.isolation.service import kept_workers


def opened_envelope(data: bytes) -> Envelope | None:
    """What an archive or a mail holds; None where the bytes are neither. Raises Unreadable."""
    plain = kept_workers().call("perfxl.envelopes.opening:plain_if_envelope", data)
    return None if plain is None else envelope_of(plain)


def opened_thread(data: bytes) -> Thread:
    """What a mail message says of itself and of the mails it answers. Raises Unreadable."""
    sender, subject, sent_at, answers, bounce, automatic = kept_workers().call(
        "perfxl.envelopes.opening:plain_thread", data
    )
    return Thread(sender, subject, sent_at, tuple(answers), bounce, automatic)


def plain_thread(data: bytes) -> tuple[object, ...]:
    """As ``opened_thread``, as plain data; runs in the worker."""
    from perfxl.envelopes.threads import read_thread  # noqa: PLC0415 - only for mail

    thread = read_thread(data)
    return (
        thread.sender,
        thread.subject,
        thread.sent_at,
        list(thread.answers),
        thread.is_bounce,
        thread.is_automatic,
    )


def plain_if_envelope(data: bytes) -> tuple[object, ...] | None:
    """As ``opened_envelope``, as plain data; runs in the worker."""
    return open_plain(data) if is_envelope(data) else None
