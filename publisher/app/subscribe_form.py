"""The form that strangers fill in: a signed moment against programs that post unread, and a sample of the digest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from publisher.app.equipment import Equipment
from publisher.app.letters import secret
from publisher.core import token as tokens
from publisher.core.token import TokenError

if TYPE_CHECKING:
    from publisher.render.pages import DayLine

EARLY = timedelta(seconds=2)
"""Nobody reads a form and fills it in faster."""

LATE = timedelta(hours=24)

Gate = Literal["open", "early", "late"]


def stamp(e: Equipment, now: datetime, *, waited: bool = False) -> str:
    """A word for a hidden field that says when the form was given out; `waited`: to somebody who had one before.

    Raises TokenError while there is no publication.
    """
    since = now - EARLY if waited else now
    with e.store.read() as tx:
        key = secret(tx)
    return tokens.sign(key, "form", str(int(since.timestamp())), expires=since + LATE)


def gate(e: Equipment, stamped: str, now: datetime) -> Gate:
    """Whether a form comes back at a time at which a person would send it. One without our stamp is `late`."""
    try:
        with e.store.read() as tx:
            found = tokens.read(secret(tx), "form", stamped, now=now)
    except TokenError:
        return "late"
    age = now - datetime.fromtimestamp(int(found.fields[0]), UTC)
    if age < timedelta():
        return "late"  # the clock was set back: a fresh stamp helps, waiting would not
    return "early" if age < EARLY else "open"


def sample(e: Equipment) -> DayLine | None:
    """The newest day that went out, as one row."""
    from publisher.app.view import SiteView
    from publisher.render.pages import DayLine
    from publisher.store import entries, issues

    with e.store.read() as tx:
        issue = issues.newest(tx)
        shown = [one.day for one in entries.of_issue(tx, issue.id) if one.permalink] if issue else []
        if not shown:
            return None
        view, day = SiteView(tx, e.options), max(shown)
        return DayLine(day=day, entries=tuple(map(view.line, view.group(day))))


def next_mail(e: Equipment, now: datetime, cadence: str) -> datetime:
    """When somebody who reads from now on may expect their first digest, on the publication's clock."""
    from publisher.core import calendar

    at, zone = e.config.publish.at, e.config.zone
    day, moment = calendar.next_slot(now, at=at, zone=zone)
    while cadence == "weekly" and calendar.newest_weekday(day, e.config.mail.weekly_day) != day:
        day, moment = calendar.next_slot(moment, at=at, zone=zone, last=day)
    return e.local(moment)
