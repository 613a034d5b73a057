"""Verdicts: what a link's checks add up to, when it is asked again, and what is worth telling. Pure.

    good       ok, redirected                          alive; every count begins anew
    failed     broken, suspect, timeout, unreachable   unsure; dead after enough of them
    undecided  blocked, unknown, policy, invalid       unsure; adds to no count and resets none
    not asked  deferred                                nothing changes

Dead is a link that failed three times over a week, or whose server said "deleted" twice a day apart; it stays
dead until it answers. A run that says more about our own network than about links (`is_void`) kills nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from publisher.core.link import Answer, LinkCheck, LinkState, Result, Verdict, host_label, same_host

FAILURES = 3
OVER = timedelta(days=7)
"""So many failures, the first and the last so far apart (hence on different days), make a link dead."""

DELETED_AGAIN = timedelta(days=1)
"""A page that says it was deleted is believed when it says so again so much later."""

ONLY_WALLS = timedelta(days=30)
"""A link that showed nothing but walls for so long wants a human look."""

VOID_SHARE = 0.30
VOID_LEAST = 10
"""More than this share of the links that were fine or new fail, of at least so many: it is our network."""

Kind = Literal["good", "failed", "undecided", "deferred"]

_KINDS: dict[Result, Kind] = {
    "ok": "good",
    "redirected": "good",
    "broken": "failed",
    "suspect": "failed",
    "timeout": "failed",
    "unreachable": "failed",
    "blocked": "undecided",
    "unknown": "undecided",
    "policy": "undecided",
    "invalid": "undecided",
    "deferred": "deferred",
}


def kind_of(result: Result) -> Kind:
    """What a result counts as."""
    return _KINDS[result]


class Standing(Struct, frozen=True, kw_only=True):
    """All that is remembered of a link from check to check."""

    url: str
    verdict: Verdict = "unchecked"
    since: datetime | None = None  # of the verdict
    result: Result | None = None  # of the last check
    error: str = ""  # ... and why, a message id
    http_status: int | None = None
    checked_at: datetime | None = None
    ok_at: datetime | None = None  # the last good check
    next_at: datetime | None = None  # when it is asked again; None: not before it was asked once
    streak: int = 0  # checks in a row of one kind, from 1
    fails: int = 0  # failed checks since the last good one
    failed_since: datetime | None = None  # the first of them
    deleted_at: datetime | None = None  # when it first said "deleted" since the last good check
    walled_since: datetime | None = None  # nothing but walls since then
    target: str | None = None  # the first good destination, kept for ever
    target_title: str | None = None  # ... and its title
    now_target: str | None = None  # where the newest good check ended

    @property
    def state(self) -> LinkState:
        """As pages, feeds and reports show it."""
        return LinkState(
            url=self.url, verdict=self.verdict, result=self.result, target=self.target,
            target_title=self.target_title, http_status=self.http_status, checked_at=self.checked_at,
            ok_at=self.ok_at,
        )  # fmt: skip


# ---------------------------------------------------------------- judging


def judge(before: Standing, check: LinkCheck) -> Standing:
    """The link as it stands after this check. A success always resets, an undecided check never kills."""
    kind = kind_of(check.result)
    if kind == "deferred":
        return replace(before, target=before.target or check.target)
    after = replace(
        before,
        result=check.result,
        error=check.error,
        http_status=check.http_status,
        checked_at=check.at,
        streak=before.streak + 1 if before.result and kind_of(before.result) == kind else 1,
        **_destination(before, check, good=kind == "good"),
    )
    if kind == "good":
        after = _alive(after, check)
    elif kind == "failed":
        after = _failed(after, check)
    else:
        after = _undecided(after, check)
    since = before.since if after.verdict == before.verdict else check.at
    return replace(after, since=since, next_at=next_time(after, check.at))


def _destination(before: Standing, check: LinkCheck, *, good: bool) -> dict[str, str | None]:
    """The first good target and title stay for ever; one learnt from a check that was not good is provisional."""
    if not good:
        return {"target": before.target or check.target}
    settled = before.ok_at is not None
    target = before.target if settled and before.target else check.target or before.target
    return {
        "target": target,
        "target_title": before.target_title or check.target_title,
        "now_target": check.target or check.url,
    }


def _alive(after: Standing, check: LinkCheck) -> Standing:
    return replace(
        after, verdict="alive", ok_at=check.at, fails=0, failed_since=None, deleted_at=None, walled_since=None
    )


def _failed(after: Standing, check: LinkCheck) -> Standing:
    fails, first = after.fails + 1, after.failed_since or check.at
    deleted = after.deleted_at or (check.at if check.deleted else None)
    dead = (
        after.verdict == "dead"
        or (fails >= FAILURES and check.at - first >= OVER)
        or (check.deleted and deleted is not None and check.at - deleted >= DELETED_AGAIN)
    )
    return replace(
        after,
        verdict="dead" if dead else "unsure",
        fails=fails,
        failed_since=first,
        deleted_at=deleted,
        walled_since=None,
    )


def _undecided(after: Standing, check: LinkCheck) -> Standing:
    walled = check.result in ("blocked", "unknown")
    return replace(
        after,
        verdict="dead" if after.verdict == "dead" else "unsure",
        walled_since=(after.walled_since or check.at) if walled else None,
    )


# ---------------------------------------------------------------- runs that say nothing about links


def is_void(judged: Iterable[tuple[Standing, Answer]], *, canary_alive: bool) -> bool:
    """True when a run's failures are rather our network's: no canary sings, or too many fine links fail at once.

    Links that were failing before are expected to; a handful of links is no share of anything.
    """
    if not canary_alive:
        return True
    fresh = [
        answer
        for before, answer in judged
        if before.fails == 0 and kind_of(answer.result) in ("good", "failed")
    ]
    failed = sum(kind_of(answer.result) == "failed" for answer in fresh)
    return len(fresh) >= VOID_LEAST and failed > VOID_SHARE * len(fresh)


def counts_in_void(answer: Answer, *, canary_alive: bool) -> bool:
    """Whether an answer of a void run is believed: a success is one as long as the network is ours to trust."""
    return canary_alive and kind_of(answer.result) == "good"


# ---------------------------------------------------------------- when to ask again

GOOD_DAYS = (1, 3, 7, 14, 30)
FAILED_HOURS = (1, 6, 24, 72, 168)
DEAD_DAYS = 90
_JITTER = 0.2  # of monthly and quarterly intervals
_DAY_S = 86_400


def next_time(after: Standing, at: datetime) -> datetime:
    """When to ask again after a check at `at`: sooner when it failed, rarely when it is dead.

    Intervals of days end at a moment of the day that is the link's own, never at the full hour: what was
    published together is not asked together for ever. The same link and check give the same moment.
    """
    if after.verdict == "dead":
        return _some_day(after.url, at, DEAD_DAYS)
    if after.result is not None and kind_of(after.result) == "failed":
        hours = FAILED_HOURS[min(after.fails, len(FAILED_HOURS)) - 1]
        return _some_day(after.url, at, hours // 24) if hours >= 24 else at + timedelta(hours=hours)
    return _some_day(after.url, at, GOOD_DAYS[min(after.streak, len(GOOD_DAYS)) - 1])


def _some_day(url: str, at: datetime, days: int) -> datetime:
    dice = hashlib.blake2b(
        f"{url}\n{at.isoformat()}".encode("utf-8", "surrogatepass"), digest_size=8
    ).digest()
    if days >= 30:
        share = int.from_bytes(dice[:4], "big") / 0xFFFFFFFF
        days = round(days * (1 + _JITTER * (2 * share - 1)))
    own = int.from_bytes(hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big")
    hour, second = divmod(own, 24)[1], own // 24 % 3000 + 300  # from five past to five to
    midnight = (at.astimezone(UTC) + timedelta(days=days)).replace(hour=0, minute=0, second=0, microsecond=0)
    moment = midnight + timedelta(hours=hour, seconds=second)
    earliest = at + timedelta(seconds=days * _DAY_S / 2)
    return moment if moment >= earliest else moment + timedelta(days=1)


# ---------------------------------------------------------------- what is worth telling

EventKind = Literal["failing", "dead", "back", "moved", "walled"]

EVENT_WORDS: dict[EventKind, str] = {
    "failing": "did not open",
    "dead": "is dead",
    "back": "opens again",
    "moved": "leads to another site now",
    "walled": "has been closed to us for a month: please look yourself",
}
"""Each event as a message id."""


class Event(Struct, frozen=True, kw_only=True):
    """Something about a link that its curator wants to know once."""

    url: str
    at: datetime
    kind: EventKind
    was: str = ""  # of "moved": where it led before
    now: str = ""  # ... and leads now; of the others: why


def events(before: Standing, after: Standing, check: LinkCheck) -> tuple[Event, ...]:
    """What this check brought that is new."""
    found: list[Event] = []

    def note(kind: EventKind, *, was: str = "", now: str = "") -> None:
        found.append(Event(url=after.url, at=check.at, kind=kind, was=was, now=now))

    why = str(check.http_status) if (check.http_status or 0) >= 400 else check.error
    if after.verdict == "dead" and before.verdict != "dead":
        note("dead", now=why)
    elif after.fails == 1 and before.fails == 0:
        note("failing", now=why)
    elif after.verdict == "alive" and before.fails:
        note("back")
    old = before.now_target or before.target or before.url
    if (
        after.verdict == "alive"
        and before.ok_at
        and after.now_target
        and not same_host(old, after.now_target)
    ):
        note("moved", was=old, now=after.now_target)
    began = after.walled_since
    if began and before.checked_at and check.at - began >= ONLY_WALLS > before.checked_at - began:
        note("walled", now=why)
    return tuple(found)


def points_elsewhere(standing: Standing) -> bool:
    """Whether it leads to another site now than when it was first seen."""
    first = standing.target or standing.url
    return bool(standing.now_target) and host_label(first) != host_label(standing.now_target or "")
