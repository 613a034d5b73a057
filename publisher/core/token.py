"""Tokens: what a link in a mail may do and for whom, as a short word that only we can have made.

    field.field.key version.last minute.MAC        small letters, digits, '-' and '.' alone

A token of one purpose is worth nothing for another. No address stands in it: fields are names of rows that nobody can
guess. It survives programs that change letters to small ones, and the part of an address before the @.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from publisher.core.errors import PublisherError

Purpose = Literal[
    "confirm", "change", "preferences", "unsubscribe", "resubscribe", "view", "form",
]  # fmt: skip
"""What a token is good for: `confirm` and `change` name a notice, `form` a moment, the others a subscriber."""

PATHS: dict[Purpose, str] = {
    "confirm": "subscribe/confirm/?t=",
    "change": "subscribe/change/?t=",
    "preferences": "subscribe/preferences/?t=",
    "unsubscribe": "subscribe/unsubscribe/?t=",
    "resubscribe": "subscribe/unsubscribe/?t=",
    "view": "subscribe/view/?t=",
}
"""Where a token is taken, below the site's root; the one-click address of RFC 8058 is 'u/TOKEN'."""

_FIELD = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_LONGEST = 300
_MAC_BYTES = 16
_LABEL = b"publisher token 1\0"


class TokenError(PublisherError):
    """A link that we did not make, of another purpose, or made void since."""

    def __init__(self, sentence: str = "this link is not valid") -> None:
        super().__init__(sentence, fix="open the newest mail and use the link there, or subscribe again")


class TokenExpired(TokenError):  # noqa: N818 - what happened to it
    """A link of ours whose time is over."""

    def __init__(self) -> None:
        super().__init__("this link is too old")


class Token(Struct, frozen=True):
    """What was signed."""

    fields: tuple[str, ...]
    key_version: int


def sign(
    secret: bytes, purpose: Purpose, *fields: str, key_version: int = 1, expires: datetime | None = None
) -> str:
    """The token for these fields (small letters, digits, '-'). Equal arguments give the equal token.

    It holds until the end of the minute of `expires`; without it, for ever.
    """
    for field in fields:
        if not _FIELD.fullmatch(field):
            raise ValueError(f"not a field of a token: {field!r}")
    minute = int(expires.timestamp()) // 60 if expires else 0
    payload = ".".join((*fields, str(key_version), str(minute)))
    return f"{payload}.{_mac(secret, purpose, payload)}"


def read(secret: bytes, purpose: Purpose, token: str, *, now: datetime) -> Token:
    """What was signed for this purpose. Raises TokenError, and TokenExpired when only its time is over."""
    token = token.strip().lower()
    if len(token) > _LONGEST or not token.isascii():
        raise TokenError
    payload, _, mac = token.rpartition(".")
    if not hmac.compare_digest(mac, _mac(secret, purpose, payload)):
        raise TokenError
    *fields, key_version, minute = payload.split(".")
    if int(minute) and now.astimezone(UTC).timestamp() // 60 > int(minute):
        raise TokenExpired
    return Token(tuple(fields), int(key_version))


def address_hash(secret: bytes, email_norm: str) -> str:
    """What is kept of an address that is to be forgotten: enough to know it again, not enough to write to it."""
    digest = hmac.digest(secret, b"publisher address 1\0" + email_norm.encode(), hashlib.sha256)
    return digest.hex()


def _mac(secret: bytes, purpose: Purpose, payload: str) -> str:
    digest = hmac.digest(secret, _LABEL + f"{purpose}\0{payload}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:_MAC_BYTES]).decode("ascii").rstrip("=").lower()
