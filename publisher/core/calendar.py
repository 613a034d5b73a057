"""Slots: the local publishing days that are due, the sanity of the clock, and the times of entries.

A slot is a local date, computed here from the zone's rules and never taken from a fire time of a cron
trigger: those skip and double whole days when clocks change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct

LONG_GAP_DAYS = 7
"""Days without a slot after which the mail waits for the operator."""

LATE_AFTER = timedelta(hours=36)
"""Age of a publication from which its mail is held, not sent."""

BEHIND_AFTER, AHEAD_AFTER = timedelta(days=1), timedelta(days=45)

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

ClockFault = Literal["behind", "ahead"]
"""behind: now is before what was recorded. ahead: now is long after the last run."""

CatchUp = Literal["one", "skip"]


def today(now: datetime, zone: ZoneInfo) -> date:
    """The local date."""
    return now.astimezone(zone).date()


def slot_time(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment (UTC) when the slot of a local date is due; it always falls on that date.

    A time that the clocks skip is due as much later as they jump; one that comes twice is due the first time.
    """
    moment = datetime.combine(day, at.replace(tzinfo=None), zone).astimezone(UTC)
    begins, ends = _bounds(day, zone)
    return min(max(moment, begins), max(begins, ends - _SECOND))


def slots_due(now: datetime, *, since_day: date, at: time, zone: ZoneInfo, last: date | None) -> list[date]:
    """Slots whose time has come and that nothing stands for yet, oldest first; the newest is to be published.

    `since_day`: the slot of the first start. `last`: the newest slot that is closed (published, or empty with
    its date over); those before it were covered by it.
    """
    begin = since_day if last is None else max(since_day, last + _DAY)
    return [day for day in _days(begin, today(now, zone), zone) if slot_time(day, at, zone) <= now]


def next_slot(now: datetime, *, at: time, zone: ZoneInfo, last: date | None = None) -> tuple[date, datetime]:
    """The next slot whose time is to come, and that time (UTC). A slot used early does not come again."""
    begin = today(now, zone) if last is None else max(today(now, zone), last + _DAY)
    for day in _days(begin, begin + 7 * _DAY, zone):
        moment = slot_time(day, at, zone)
        if moment > now:
            return day, moment
    raise AssertionError("a week without a slot")


def clock_fault(
    now: datetime, *, newest_record: datetime | None, last_run: datetime | None
) -> ClockFault | None:
    """Why this clock is not believed, if so: publishing on a wrong day cannot be undone."""
    if newest_record is not None and newest_record - now > BEHIND_AFTER:
        return "behind"
    if last_run is not None and now - last_run > AHEAD_AFTER:
        return "ahead"
    return None


def newest_weekday(day: date, weekday: Weekday) -> date:
    """The day itself or the last one before it that is this day of the week."""
    return day - _DAY * ((day.weekday() - WEEKDAYS.index(weekday)) % 7)


class Coverage(Struct, frozen=True, kw_only=True):
    """The slots that today's issue stands for."""

    first: date  # the oldest of them
    covers: int = 1  # how many: 1, more after an outage
    gap_days: int = 0  # days between the last closed slot and today, 1 when there was no outage

    @property
    def holds_mail(self) -> bool:
        """After a long gap pages and feeds are published, and the mail waits for the operator."""
        return self.gap_days > LONG_GAP_DAYS


def coverage(day: date, *, last: date | None, zone: ZoneInfo, catch_up: CatchUp = "one") -> Coverage:
    """What the issue of slot `day` stands for, when `last` is the newest closed slot (None: the first issue).

    With `skip` the missed slots stay without an issue; the entries of those days are not lost, they wait.
    """
    if last is None or last >= day:
        return Coverage(first=day)
    missed = list(_days(last + _DAY, day - _DAY, zone))
    gap = gap_days(last, day)
    if catch_up == "skip" or not missed:
        return Coverage(first=day, gap_days=gap)
    return Coverage(first=missed[0], covers=len(missed) + 1, gap_days=gap)


def gap_days(last: date | None, day: date) -> int:
    """Days from the last closed slot to this one; 0 without one."""
    return max(0, (day - last).days) if last is not None else 0


def is_late(published_at: datetime, now: datetime, *, after: timedelta = LATE_AFTER) -> bool:
    """True when a publication is too old for its mail to be sent without asking."""
    return now - published_at > after


def published_times(at: datetime, n: int, *, newest: datetime | None = None) -> list[datetime]:
    """Times for the n entries of an issue published at `at`, in their order: each a second before the last.

    Whole seconds, never after `at`, never before `newest` (the newest entry of the last issue), and distinct
    unless fewer than n seconds have passed since then: readers sort by these times.
    """
    top = at.astimezone(UTC).replace(microsecond=0)
    floor = min(newest, top) if newest is not None else None
    times = [top - k * _SECOND for k in range(n)]
    return [max(moment, floor) for moment in times] if floor is not None else times


def _bounds(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments between which it is this date; equal for a date that the zone left out."""
    begins = datetime.combine(day, time(), zone).astimezone(UTC)
    return begins, datetime.combine(day + _DAY, time(), zone).astimezone(UTC)


def _days(first: date, last: date, zone: ZoneInfo) -> Iterator[date]:
    """Dates from first to last. Samoa had no 30 December 2011: such a date has no slot."""
    day = first
    while day <= last:
        begins, ends = _bounds(day, zone)
        if begins < ends:
            yield day
        day += _DAY
