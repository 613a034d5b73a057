"""The weekly mailing: once a week the issues of its days, to every weekly reader what they were not mailed before.

It is made when the slot of `[mail] weekly_day` was used, or its date is over, in one transaction with its deliveries.
The mailing closes its issues for every later week, also when it goes to nobody. What a reader had by daily mail, may
have had, or may still get, is left out for them: nothing is mailed twice. A weekly reader who wants daily mail from
now on finds the days in between on the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from publisher.app.equipment import Equipment
from publisher.app.summary import WeeklySummary
from publisher.core import calendar
from publisher.core.faults import fault
from publisher.core.issue import IssueName
from publisher.core.variant import Variant
from publisher.store import entries, issues, publication, recipients
from publisher.store.engine import Transaction
from publisher.store.publication import Publication

if TYPE_CHECKING:
    from publisher.app.mailing import Given
    from publisher.render.digest import Frozen

_WEEK = timedelta(days=7)
_LONGEST = timedelta(days=28)
"""After a rest a weekly mailing reaches back so far, and no further."""


class Week(Struct, frozen=True):
    """The issues that a weekly mailing closes, with their ids; `day` is the one it ended with."""

    day: date
    issues: Mapping[IssueName, int]


class Made(Struct, frozen=True, kw_only=True):
    """A weekly mailing that was put on the books now."""

    summary: WeeklySummary
    drawn: dict[Variant, Frozen]


def make_weekly(e: Equipment, known: Publication, now: datetime) -> Made | None:
    """Put the weekly mailing that is due on the books; None when none is. Only under the lock.

    Raises TemplateError.
    """
    if known.paused:
        return None
    with e.store.read() as tx:
        week = _due(e, tx, now)
        if week is None:
            return None
        from publisher.app.mailing import Matter, Press  # heavy, and this is asked every minute

        press = Press(e, known, Matter(kind="weekly", name=IssueName(week.day), issues=week.issues, at=now))
        press.draw(tx, (variant for _, variant in weekly_readers(tx, week)))
    with e.store.write() as tx:
        fault("weekly-begun")
        given = weekly_readers(tx, week)
        if given:
            publication.raise_generation(tx)  # as with an issue: an older database must not mail it again
        press.open(tx, given, held=recipients.hold_of(tx, week.issues.values()), now=now)
        fault("weekly-written")
    fault("weekly-committed")
    if not given:
        return None
    summary = WeeklySummary(day=week.day, mail=press.summary(given))
    return Made(summary=summary, drawn=press.drawn)


def weekly_readers(tx: Transaction, week: Week) -> Given:
    """Weekly readers for whom something is left, each with the variant that carries just that."""
    from publisher.app.mailing import variant_of

    had = recipients.weekly_readers_had(tx, week.issues.values())
    given = []
    for wish in recipients.weekly(tx):
        theirs = had.get(wish.subscriber_id, set())
        left = tuple(name for name, issue_id in week.issues.items() if issue_id not in theirs)
        if left:
            given.append((wish.subscriber_id, variant_of(wish, left if theirs else ())))
    return given


def _due(e: Equipment, tx: Transaction, now: datetime) -> Week | None:
    """The issues of the week that ended last, if its mailing was not made yet."""
    today = e.today(now)
    day = calendar.newest_weekday(today, e.config.mail.weekly_day)
    before = recipients.newest_week(tx)
    if before is not None and before >= day:
        return None
    if day == today and not _is_closed(tx, day):
        return None
    first = max(before, day - _LONGEST) if before else day - _WEEK + timedelta(days=1)
    published = recipients.unweekly_issues(tx, first=first, last=day)
    shown = {name: issue_id for name, issue_id in published.items() if entries.of_issue(tx, issue_id)}
    return Week(day, shown) if shown else None


def _is_closed(tx: Transaction, day: date) -> bool:
    """Nothing more comes of the slot of today: it was used, or left out by the operator's wish."""
    return any(issue.state in ("published", "cancelled") for issue in issues.of_day(tx, day))
