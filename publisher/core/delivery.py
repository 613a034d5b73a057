"""Deliveries: their seven states, what may follow what, the balanced books, and names that never change.

waiting ──► sending ──► accepted
   ▲ │         ├──────► rejected
   │ └► skipped├──────► deferred ──► waiting (when its time has come), or rejected (given up)
   │           └──────► uncertain ─► waiting (`--resend`), or accepted (`--sent`)
   └───────────┘ given back untried
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal, get_args

from msgspec import Struct
from msgspec.structs import asdict

State = Literal["waiting", "sending", "accepted", "rejected", "deferred", "uncertain", "skipped"]
STATES: tuple[State, ...] = get_args(State)

Kind = Literal["accepted", "rejected", "deferred", "uncertain"]
"""What one attempt came to. `uncertain`: the connection broke after the last byte, nobody can know."""

FOLLOWS: Mapping[State, frozenset[State]] = {
    "waiting": frozenset({"sending", "skipped"}),
    "sending": frozenset({"accepted", "rejected", "deferred", "uncertain", "waiting"}),
    "deferred": frozenset({"waiting", "sending", "rejected", "skipped"}),
    "uncertain": frozenset({"waiting", "accepted"}),  # by the operator alone
    "accepted": frozenset(),
    "rejected": frozenset(),
    "skipped": frozenset(),
}
"""State → the states that may come next. Three are ends: nothing leads out of them."""

GIVE_UP_AFTER = timedelta(hours=36)
"""A daily digest that could not be handed over for so long is no longer news."""

_PAUSES = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))
"""Pause after the 1st, 2nd, … attempt; the last one repeats."""


_MAILING_KEY = re.compile(r"([a-z]{1,10})-(\d{4})(\d\d)(\d\d)-(\d{1,4})", re.ASCII)


def may_follow(before: State, after: State) -> bool:
    """True when a delivery in `before` may become `after`. Staying is no change and always allowed."""
    return before == after or after in FOLLOWS[before]


def is_final(state: State) -> bool:
    """True when nothing ever changes again."""
    return not FOLLOWS[state]


class Books(Struct, frozen=True, kw_only=True):
    """How many deliveries of a mailing are in each state. `recipients` was fixed when it was opened."""

    recipients: int = 0
    waiting: int = 0
    sending: int = 0
    accepted: int = 0
    rejected: int = 0
    deferred: int = 0
    uncertain: int = 0
    skipped: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int], *, recipients: int | None = None) -> Books:
        """Books from counts by state; `recipients` is their sum unless given. KeyError: unknown state."""
        unknown = set(counts) - set(STATES)
        if unknown:
            raise KeyError(*sorted(unknown))
        return cls(recipients=sum(counts.values()) if recipients is None else recipients, **counts)

    @property
    def counted(self) -> int:
        """The sum of the seven states."""
        return sum(getattr(self, state) for state in STATES)

    @property
    def balanced(self) -> bool:
        """Holds at every moment: nobody is forgotten, nobody is counted twice."""
        return self.recipients == self.counted

    @property
    def open(self) -> int:
        """Deliveries that may still change without the operator."""
        return self.waiting + self.sending + self.deferred

    def __add__(self, other: Books) -> Books:
        return Books(**{name: n + getattr(other, name) for name, n in asdict(self).items()})


class Outgoing(Struct, frozen=True, kw_only=True):
    """One finished message to one recipient."""

    key: str  # names the delivery; comes back in the Outcome
    message_id: str  # with its angle brackets
    envelope_from: str
    recipient: str  # ASCII domain
    segments: tuple[bytes, ...]  # written one after another; the large ones are shared by all recipients


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one attempt."""

    key: str
    kind: Kind
    code: int | None = None  # the SMTP reply; None when there was none
    text: str = ""


class Closed(Struct, frozen=True, kw_only=True):
    """How a delivery stands after an attempt. `next_at` is set for 'deferred' alone."""

    state: State
    attempts: int
    next_at: datetime | None = None


def close(kind: Kind, *, attempts: int, opened_at: datetime, now: datetime) -> Closed:
    """The row after attempt number `attempts + 1`. A deferral that would outlive the news is a rejection."""
    if kind != "deferred":
        return Closed(state=kind, attempts=attempts + 1)
    next_at = now + _PAUSES[min(attempts, len(_PAUSES) - 1)]
    if next_at - opened_at > GIVE_UP_AFTER:
        return Closed(state="rejected", attempts=attempts + 1)
    return Closed(state="deferred", attempts=attempts + 1, next_at=next_at)


def message_id(publication: str, kind: str, day: date, sequence: int, subscriber: str, host: str) -> str:
    """The Message-ID of a mailing to a reader, with its angle brackets; the same for ever.

    Made from names that survive a restored database, never from row numbers: a message sent again is
    recognisable as the same one.
    """
    parts = (publication, kind, day.isoformat(), str(sequence), subscriber)
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return f"<{digest[:32]}@{_id_host(host)}>"


def notice_id(publication: str, notice: str, host: str) -> str:
    """The Message-ID of a single letter, with its angle brackets; a letter sent again is the same one."""
    digest = hashlib.sha256(f"{publication}\nnotice\n{notice}".encode()).hexdigest()
    return f"<{digest[:32]}@{_id_host(host)}>"


def mailing_key(kind: str, day: date, sequence: int) -> str:
    """A mailing in one word for an address: 'daily-20250129-1'."""
    return f"{kind}-{day:%Y%m%d}-{sequence}"


def read_mailing_key(key: str) -> tuple[str, date, int]:
    """Kind, day and sequence that `mailing_key` wrote. Raises ValueError."""
    found = _MAILING_KEY.fullmatch(key)
    if not found:
        raise ValueError(f"no key of a mailing: {key!r}")
    kind, year, month, day, sequence = found.groups()
    return kind, date(int(year), int(month), int(day)), int(sequence)


def _id_host(host: str) -> str:
    """RFC 5322 wants a dot-atom on the right; an IPv6 address or an empty host would break the header."""
    ascii_host = host.lower()
    if not host.isascii():
        try:
            ascii_host = host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            ascii_host = ""
    cleaned = re.sub(r"[^a-z0-9.-]+", "-", ascii_host).strip(".-")
    return re.sub(r"\.{2,}", ".", cleaned) or "localhost"


def maildir_name(named: str) -> str:
    """The file name of a message in a Maildir, from its Message-ID: a message written twice is one file.

    No ':' (flags begin there), no '/', no leading dot, whatever the Message-ID holds.
    """
    return f"{hashlib.sha256(named.encode()).hexdigest()[:32]}.publisher"
