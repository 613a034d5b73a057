"""Preferences: what a reader chose about their mail, and how often somebody may ask for it."""

from __future__ import annotations

import ipaddress
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Literal, get_args

from msgspec import Struct

from publisher.core.variant import Body, Language

Cadence = Literal["daily", "weekly"]
"""A digest a day, or the same entries once a week."""

CADENCES: tuple[Cadence, ...] = get_args(Cadence)

LONGEST_PAUSE = timedelta(days=366)
ASK_AGAIN_AFTER = timedelta(minutes=10)
ASKS_A_DAY = 5
"""A form that anybody can fill in must not become a way to flood a stranger's mailbox."""


class Preferences(Struct, frozen=True, kw_only=True):
    """`paused_until` is the first day on which mail comes again; None: no pause."""

    cadence: Cadence = "daily"
    body: Body = "full"
    language: Language = "zh-Hans"
    paused_until: date | None = None


def cadence_of(written: str) -> Cadence:
    """What a reader chose; what nobody knows is every day."""
    return "weekly" if written == "weekly" else "daily"


def masked(email: str) -> str:
    """'zhang@qq.com' → 'z…@qq.com': its owner knows it, a stranger who got hold of the link does not learn it."""
    local, at, domain = email.rpartition("@")
    return f"{local[:1]}…{at}{domain}"


def may_ask(asked_at: datetime | None, asked_n: int, now: datetime) -> bool:
    """Whether one more letter may go to an address that was last written to at `asked_at`, `asked_n` times that day.

    A clock that was set back does not lock anybody out.
    """
    if asked_at is None or now < asked_at:
        return True
    return now - asked_at >= ASK_AGAIN_AFTER and (not same_day(asked_at, now) or asked_n < ASKS_A_DAY)


def same_day(one: datetime, other: datetime) -> bool:
    """Whether two moments are on one day in UTC: days of the count need no zone, only an end."""
    return one.astimezone(UTC).date() == other.astimezone(UTC).date()


def network_of(address: str) -> str:
    """The network that an address is counted with: /24 of IPv4, /64 of IPv6; what is no address stands for itself."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    bits = 24 if ip.version == 4 else 64
    return str(ipaddress.ip_network((ip, bits), strict=False))


class AskLimits:
    """How many may ask in an hour, from one network and from all of them. Kept in memory, at most `everybody` long."""

    def __init__(self, *, network: int = 20, everybody: int = 1_000) -> None:
        self._network, self._everybody = network, everybody
        self._hour = 0
        self._asked: Counter[str] = Counter()

    def allows(self, address: str, now: datetime) -> bool:
        """Count one more; False when it is too many."""
        hour = int(now.timestamp()) // 3600
        if hour != self._hour:
            self._hour, self._asked = hour, Counter()
        network = network_of(address)
        if self._asked[network] >= self._network or self._asked.total() >= self._everybody:
            return False
        self._asked[network] += 1
        return True
