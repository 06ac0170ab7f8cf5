"""The identity of a workbook that perfxl issued: who it is for, and proof that we made it.

The stamp is one short text. It is written in three places (hidden sheet, defined name, document
property) because office programs lose some of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHEET = "_perfxl"
PROPERTY = "perfxl"
DEFINED_NAME = "_perfxl_stamp"

_FIELD = "[^|\\x00-\\x1f]{0,80}"
_STAMP = re.compile(
    rf"perfxl1\|(?P<campaign>{_FIELD})\|(?P<form>{_FIELD})\|(?P<version>{_FIELD})"
    rf"\|(?P<holder>{_FIELD})\|(?P<digest>[0-9a-f]{{16}})"
)


@dataclass(frozen=True)
class Stamp:
    """Campaign code, form (``return`` or ``review``), version, and the holder's code or name."""

    campaign: str
    form: str
    version: str
    holder: str
    digest: str = ""

    def signed(self, key: bytes) -> Stamp:
        """The same stamp with the digest that only the campaign's key gives."""
        return Stamp(self.campaign, self.form, self.version, self.holder, self._digest(key))

    def is_genuine(self, key: bytes) -> bool:
        """Whether the digest is the one that the key gives."""
        import hmac  # noqa: PLC0415 - as below

        return hmac.compare_digest(self.digest, self._digest(key))

    def _digest(self, key: bytes) -> str:
        # Who only looks for stamps, as a reading process does, starts faster without them.
        import hashlib  # noqa: PLC0415
        import hmac  # noqa: PLC0415

        message = "|".join((self.campaign, self.form, self.version, self.holder))
        return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()[:16]

    def __str__(self) -> str:
        return "|".join(
            ("perfxl1", self.campaign, self.form, self.version, self.holder, self.digest)
        )


def parse_stamp(text: object) -> Stamp | None:
    """The stamp in a text, None where there is none."""
    match = _STAMP.fullmatch(text.strip()) if isinstance(text, str) else None
    return Stamp(**match.groupdict()) if match else None


def stamps_in(text: str) -> list[str]:
    """The texts of all stamps that stand somewhere in a longer text."""
    return [match[0] for match in _STAMP.finditer(text)] if "perfxl1|" in text else []
