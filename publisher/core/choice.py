"""Choosing: which entries go into today's issue, which wait, and why.

1. of live entries in no issue, leave out drafts, empty ones, held ones and days to come
2. before the first issue: fix the day from which on entries are published; older days are archived
3. oldest day first, whole days while the issue has room; a single larger day is split in file order
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Literal

from msgspec import Struct

from publisher.core.identity import Place

Start = date | Literal["latest"]

Reason = Literal["future", "draft", "empty", "held", "room"]
"""Why an entry waits: its day is to come; it is a draft; it has no text; it repeats another entry and was not
allowed; the issue is full and it leads the next one."""


class Candidate(Struct, frozen=True, kw_only=True):
    """An entry that is in no issue yet. Give all of them: what cannot go is told with its reason."""

    uid: str
    day: date
    place: Place  # order within the day, over all its files
    state: Literal["live", "archived", "withdrawn"] = "live"
    draft: bool = False
    empty: bool = False
    hold: str | None = None  # 'near-duplicate:UID'
    allowed: bool = False  # `publisher allow UID`: the operator wants it in the next issue
    first_seen: datetime | None = None


class Chosen(Struct, frozen=True, kw_only=True):
    """An entry of the issue. `late`: its day was published before, it stands under 补."""

    uid: str
    day: date
    late: bool = False


class Waiting(Struct, frozen=True, kw_only=True):
    """An entry that does not go today."""

    uid: str
    day: date
    reason: Reason
    hold: str | None = None


class Archived(Struct, frozen=True, kw_only=True):
    """An entry that gets a page but no feed item and no mail. `warn`: it turned up after the first start."""

    uid: str
    day: date
    warn: bool = False


class Choice(Struct, frozen=True, kw_only=True):
    """What becomes of every live candidate; `since` is to be remembered (None: nothing was due yet)."""

    chosen: tuple[Chosen, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    archived: tuple[Archived, ...] = ()
    since: date | None = None

    @property
    def days(self) -> tuple[date, ...]:
        """The curator's days in the issue, ascending."""
        return tuple(sorted({one.day for one in self.chosen}))


def choose_entries(
    candidates: Iterable[Candidate],
    *,
    today: date,
    max_entries: int,
    since: date | None,
    start: Start = "latest",
    published_days: Mapping[date, datetime] | None = None,
) -> Choice:
    """Choose today's issue.

    `since`: the day fixed at the first start, or None before it; then `start` decides. `published_days`: the
    curator's days that were in an issue, and when (the newest time). ValueError: `max_entries` below 1.
    """
    if max_entries < 1:
        raise ValueError(f"max_entries is {max_entries}, it must be at least 1")
    ordered = sorted((c for c in candidates if _may_be_queued(c)), key=lambda c: (c.day, c.place, c.uid))
    waiting = [w for c in ordered if (w := _obstacle(c, today)) is not None]
    stopped = {w.uid for w in waiting}
    ready = [c for c in ordered if c.uid not in stopped]
    begin = since if since is not None else _first_day(ready, start)
    queue = [c for c in ready if c.allowed or (begin is not None and c.day >= begin)]
    queued = {c.uid for c in queue}
    old = tuple(Archived(uid=c.uid, day=c.day, warn=since is not None) for c in ready if c.uid not in queued)
    taken = _whole_days(queue, max_entries)
    waiting += [Waiting(uid=c.uid, day=c.day, reason="room") for c in queue[len(taken) :]]
    chosen = tuple(Chosen(uid=c.uid, day=c.day, late=_is_late(c, published_days or {})) for c in taken)
    return Choice(chosen=chosen, waiting=tuple(waiting), archived=old, since=begin)


def _may_be_queued(candidate: Candidate) -> bool:
    """Archived entries stay what they are until the operator allows them."""
    return candidate.state == "live" or (candidate.state == "archived" and candidate.allowed)


def _obstacle(candidate: Candidate, today: date) -> Waiting | None:
    reason: Reason | None = None
    if candidate.empty:
        reason = "empty"
    elif candidate.draft:
        reason = "draft"
    elif candidate.day > today:
        reason = "future"
    elif candidate.hold and not candidate.allowed:
        reason = "held"
    return (
        Waiting(uid=candidate.uid, day=candidate.day, reason=reason, hold=candidate.hold) if reason else None
    )


def _first_day(ready: Sequence[Candidate], start: Start) -> date | None:
    """The day of the first issue. With nothing due yet the first start is still to come."""
    if not ready:
        return None
    return max(c.day for c in ready) if start == "latest" else start


def _whole_days(queue: Sequence[Candidate], room: int) -> Sequence[Candidate]:
    """The beginning of the queue that makes one issue."""
    taken = 0
    for _, group in groupby(queue, key=lambda c: c.day):
        size = sum(1 for _ in group)
        if taken + size > room:
            break
        taken += size
    return queue[: taken or room]


def _is_late(candidate: Candidate, published_days: Mapping[date, datetime]) -> bool:
    """Added after its day went out. The rest of a day that was too large for one issue is not late."""
    published_at = published_days.get(candidate.day)
    if published_at is None:
        return False
    if candidate.allowed or candidate.first_seen is None:
        return True
    return candidate.first_seen.replace(microsecond=0) > published_at  # publication times are whole seconds


def days_of_material(
    candidates: Iterable[Candidate], *, today: date, max_entries: int, since: date | None
) -> int:
    """For how many further slots there are entries, counted from tomorrow, if nothing is added."""
    sizes: dict[date, int] = defaultdict(int)
    for c in candidates:
        blocked = (
            c.empty or c.draft or (c.hold and not c.allowed) or (since and c.day < since and not c.allowed)
        )
        if _may_be_queued(c) and not blocked:
            sizes[c.day] += 1
    slots, day = 0, today
    while sizes:
        day = max(day + timedelta(days=1), min(sizes))
        _use_up(sizes, day, max_entries)
        slots += 1
    return slots


def _use_up(sizes: dict[date, int], today: date, room: int) -> None:
    full = room
    for day in sorted(day for day in sizes if day <= today):
        if sizes[day] > room:
            if room == full:
                sizes[day] -= room
            return
        room -= sizes.pop(day)
