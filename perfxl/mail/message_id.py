"""Message-IDs that name campaign, unit and occasion, and that nobody else can make up.

By them a reply finds its unit, be the mail sent by perfxl or by hand from a draft.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

from perfxl.plan.mailing import Occasion
from perfxl.plan.model import Plan, Unit

_WORDS = {
    Occasion.ISSUE: "issue",
    Occasion.REMIND: "remind",
    Occasion.SEND_BACK: "sendback",
    Occasion.FEEDBACK: "feedback",
    Occasion.CIRCULAR: "circular",
}
_OCCASIONS = {word: occasion for occasion, word in _WORDS.items()}
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,16}")
_OURS = re.compile(
    r"perfxl\.(?P<campaign>[\w-]+)\.(?P<unit>[\w-]+)\.(?P<occasion>[a-z]+)"
    r"\.(?P<about>[\w-]+)\.(?P<attempt>\d{1,6})\.(?P<digest>[0-9a-f]{20})@",
    re.ASCII,
)


def message_id(
    key: bytes, campaign: str, unit: str, occasion: Occasion, about: str, attempt: int, domain: str
) -> str:
    """``<perfxl.SL2023.101.issue.0.1.….@domain>``; codes that are not plain ASCII are hashed."""
    parts = (_token(campaign), _token(unit), _WORDS[occasion], _token(about or "0"), str(attempt))
    return f"<perfxl.{'.'.join(parts)}.{_digest(key, parts)}@{domain}>"


def unit_answered(plan: Plan, key: bytes, ids: Iterable[str]) -> tuple[Unit, Occasion] | None:
    """The unit and occasion of the last of these Message-IDs that is ours; None where none is."""
    found = None
    for text in ids:
        for match in _OURS.finditer(text):
            campaign, unit, word, about, attempt, digest = match.groups()
            genuine = _digest(key, (campaign, unit, word, about, attempt))
            if (
                campaign != _token(plan.campaign.code)
                or word not in _OCCASIONS
                or not hmac.compare_digest(genuine, digest)
            ):
                continue
            for one in plan.units:
                if _token(one.code) == unit:
                    found = one, _OCCASIONS[word]
    return found


def _token(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else hashlib.sha256(text.encode()).hexdigest()[:12]


def _digest(key: bytes, parts: Iterable[str]) -> str:
    return hmac.new(key, ".".join(parts).encode(), hashlib.sha256).hexdigest()[:20]
