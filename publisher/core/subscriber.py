"""Subscribers: who reads by mail, the states they can be in, and which addresses are accepted."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

from email_validator import EmailNotValidError, validate_email
from msgspec import Struct

from publisher.core.errors import UsageError

State = Literal["pending", "active", "paused", "unsubscribed", "bounced", "complained"]
STATES: tuple[State, ...] = get_args(State)

FOLLOWS: Mapping[State, frozenset[State]] = {
    "pending": frozenset({"active", "unsubscribed"}),
    "active": frozenset({"paused", "unsubscribed", "bounced", "complained"}),
    "paused": frozenset({"active", "unsubscribed", "bounced", "complained"}),
    "unsubscribed": frozenset({"pending", "active", "complained"}),
    "bounced": frozenset({"pending", "active", "unsubscribed", "complained"}),
    "complained": frozenset({"pending", "unsubscribed"}),  # who called us spam must ask again themselves
}
"""State → the states that may come next."""

_STAND_IN = "example.org"
"""Validates the part before the @ when the domain is one that the validator refuses on principle."""

_LONGEST = 254
"""Characters of an address that SMTP carries (RFC 5321, erratum 1690)."""

_LOCAL_DOMAINS = ("localhost", "local", "test", "invalid")
"""Mail that stays on this machine or network, or is only tried out: a self-hosted publisher may want it."""


class Subscriber(Struct, frozen=True, kw_only=True):
    """One reader. `uid` is unguessable and never changes; `norm` is the address as it is compared."""

    uid: str
    email: str
    norm: str
    state: State
    owner: bool = False
    created_at: datetime | None = None
    state_at: datetime | None = None  # since when they are what `state` says

    @property
    def may_receive(self) -> bool:
        """Only active subscribers are mailed the digest."""
        return self.state == "active"


class Address(Struct, frozen=True):
    """`email` is what we write to (domain in its ASCII form); equal `norm` means the same person."""

    email: str
    norm: str


class AddressError(UsageError):
    """An address that cannot be mailed. `email` is shown with control characters escaped."""


def may_become(before: State, after: State) -> bool:
    """True when a subscriber in `before` may become `after`."""
    return before == after or after in FOLLOWS[before]


def normalise_email(text: str) -> Address:
    """The address as mailed and as compared, without asking the DNS. Raises AddressError with the fix.

    The case of the local part is kept for the mail (the standard lets servers tell them apart) and ignored
    in comparison (no server in use does).
    """
    written = text.strip(" \t\r\n")
    _refuse_obvious(written)
    local, _, domain = written.partition("@")
    domain = domain.rstrip(".").lower()
    if domain.rpartition(".")[2] in _LOCAL_DOMAINS:
        local, _ = _validated(local, _STAND_IN, written)
        _validated("x", f"{domain}.{_STAND_IN}", written)
    elif "." not in domain and domain.isascii():
        raise _refusal(
            "the domain of {email} has no dot", "write it in full, such as name@example.org", written
        )
    else:
        local, domain = _validated(local, domain, written)
    if len(local) + len(domain) >= _LONGEST:
        raise _too_long(written)
    return Address(email=f"{local}@{domain}", norm=f"{local.lower()}@{domain}")


def _refuse_obvious(written: str) -> None:
    if not written:
        raise AddressError("an address is missing", fix="write it as name@example.org")
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in written):
        # A line end in an address would let it write headers of its own.
        raise _refusal("{email} holds an invisible or control character", "type it anew", written)
    if "＠" in written:
        raise _refusal("{email} has a full-width ＠", "use the ASCII @", written)
    if "@" not in written:
        raise _refusal("{email} has no @", "write it as name@example.org", written)
    if written.count("@") > 1:
        raise _refusal("{email} has more than one @", "give one address at a time", written)
    if len(written) > _LONGEST:
        raise _too_long(written)


def _validated(local: str, domain: str, written: str) -> tuple[str, str]:
    """Local part and ASCII domain, or AddressError."""
    if not local.isascii():
        raise _refusal(
            "{email} has characters before the @ that most mail servers refuse",
            "use an address of letters, digits and dots",
            written,
        )
    try:
        found = validate_email(
            f"{local}@{domain}", check_deliverability=False, allow_smtputf8=False, strict=True
        )
    except EmailNotValidError as exc:
        raise _refusal("{email} is not an e-mail address", "write it as name@example.org", written) from exc
    return found.local_part, found.ascii_domain


def _too_long(written: str) -> AddressError:
    return _refusal("{email} is longer than mail allows (254 characters)", "check the address", written)


def _refusal(sentence: str, fix: str, written: str) -> AddressError:
    return AddressError(sentence, fix=fix, email=_shown(written))


def _shown(text: str) -> str:
    """Safe on a terminal and short."""
    printable = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text[:81])
    return printable if len(printable) <= 80 else printable[:79] + "…"
