"""Opens envelopes in the worker process: the door through which the rest of perfxl comes."""

from __future__ import annotations

from perfxl.envelopes import Envelope, envelope_of, is_envelope, open_plain
from perfxl.isolation import kept_workers


def opened_envelope(data: bytes) -> Envelope | None:
    """What an archive or a mail holds; None where the bytes are neither. Raises Unreadable."""
    plain = kept_workers().call("perfxl.envelopes.opening:plain_if_envelope", data)
    return None if plain is None else envelope_of(plain)


def plain_if_envelope(data: bytes) -> tuple[object, ...] | None:
    """As ``opened_envelope``, as plain data; runs in the worker."""
    return open_plain(data) if is_envelope(data) else None
