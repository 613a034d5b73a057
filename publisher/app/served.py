"""What a web server must know of the site: when each file changed, what was withdrawn, whether the issue is out."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from publisher.app.equipment import Equipment
from publisher.app.publish import due_slot
from publisher.core import calendar
from publisher.render.pages import file_of
from publisher.store import entries, issues, outputs, publication
from publisher.store.outputs import Recorded


class Files(Struct, frozen=True):
    """By path: what is recorded of each file, and which are pages of withdrawn entries."""

    recorded: dict[str, Recorded]
    gone: frozenset[str]


class Pulse(Struct, frozen=True, kw_only=True):
    """Whether the site is up to date. `due`: the slot whose time has come and that is not published yet.

    `open`: nothing was there to publish, and what arrives before the day ends still will be.
    """

    due: date | None
    open: bool
    next_at: datetime  # when the next slot is due


def files(e: Equipment) -> Files:
    """Everything that runs have written and that is still there."""
    with e.store.read() as tx:
        recorded = outputs.recorded(tx)
        gone = frozenset(file_of(facts.permalink) for facts in entries.gone(tx) if facts.permalink)
    return Files(recorded, gone)


def pulse(e: Equipment) -> Pulse:
    """How things stand now. A slot that was found empty is not overdue: nothing was there to publish."""
    now = e.clock()
    with e.store.read() as tx:
        known = publication.get(tx)
    due = due_slot(e, known, now) if known else None
    today = e.today(now)
    with e.store.read() as tx:
        states = {issue.state for issue in issues.of_day(tx, due or today)}
    if due is None and "planned" in states:
        due = today
    is_open = due is not None and "empty" in states
    at = e.config.publish.at
    last = today if "published" in states else None
    _, next_at = calendar.next_slot(now, at=at, zone=e.config.zone, last=last)
    return Pulse(due=None if is_open else due, open=is_open, next_at=next_at)
