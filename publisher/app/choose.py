"""Choose: what today's issue consists of, recorded before anything is drawn or sent."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from publisher.app.equipment import Equipment
from publisher.app.summary import WaitingSummary
from publisher.core import calendar
from publisher.core.choice import Candidate, Choice, choose_entries, days_of_material
from publisher.core.faults import fault
from publisher.core.identity import permalink
from publisher.core.issue import IssueName
from publisher.store import documents, entries, issues, publication
from publisher.store.engine import Transaction
from publisher.store.entries import Archiving
from publisher.store.issues import Placement

_SECOND = timedelta(seconds=1)


class Chosen(Struct, frozen=True, kw_only=True):
    """What was decided. `name` None: nothing to publish. `archived`: uids that got a page and no mail."""

    name: IssueName | None
    choice: Choice
    covers: int = 1
    gap_days: int = 0
    archived: tuple[str, ...] = ()
    emptied: bool = False  # the slot was found empty for the first time


def choose_issue(
    e: Equipment, now: datetime, day: date, *, extra: bool = False, broken: Container[str] = ()
) -> Chosen:
    """Decide the issue of slot `day` and bind its entries to it, in one transaction.

    With nothing to publish the slot is recorded as empty and stays open until its date is over. `broken`: uids of
    entries that wait because a link of theirs does not open.
    """
    with e.store.write() as tx:
        fault("plan-begun")
        chosen = _decide(e, tx, now, day, extra=extra, broken=broken)
        fault("plan-written")
    fault("plan-committed")
    return chosen


def upcoming(e: Equipment, tx: Transaction, day: date) -> dict[str, int]:
    """The entries that would go out, uid → id; those the operator allowed whatever their links are left out."""
    rows = documents.candidates(tx)
    allowed = {candidate.uid for _, candidate in rows if candidate.allowed}
    ids = {candidate.uid: row_id for row_id, candidate in rows}
    choice = _choice(e, tx, [candidate for _, candidate in rows], today=day)
    return {one.uid: ids[one.uid] for one in choice.chosen if one.uid not in allowed}


def _decide(
    e: Equipment, tx: Transaction, now: datetime, day: date, *, extra: bool, broken: Container[str]
) -> Chosen:
    rows = [
        (row_id, replace(one, hold="broken-link") if one.uid in broken and not one.hold else one)
        for row_id, one in documents.candidates(tx)
    ]
    ids = {candidate.uid: row_id for row_id, candidate in rows}
    choice = _choice(e, tx, [candidate for _, candidate in rows], today=day)
    _archive(e, tx, choice, [c for _, c in rows], ids, now)
    if choice.since is not None:
        publication.begin_since(tx, choice.since)
    archived = tuple(one.uid for one in choice.archived)
    span = calendar.coverage(
        day, last=_last_closed(tx, day), zone=e.config.zone, catch_up=e.config.publish.catch_up
    )
    if not choice.chosen:
        emptied = not extra and issues.record_empty(tx, day, covers=span.covers, now=now)
        return Chosen(
            name=None,
            choice=choice,
            covers=span.covers,
            gap_days=span.gap_days,
            archived=archived,
            emptied=emptied,
        )
    name = IssueName(day, len(_used(tx, day)) + 1)
    hold = "gap" if span.gap_days > e.config.mail.hold_gap_days else None
    placements = _placements(tx, choice, ids, now)
    issue_id = issues.plan(tx, name, placements, covers=span.covers, mail_hold=hold, now=now)
    pending = [one.id for one in entries.pending_corrections(tx)]
    entries.bind_corrections(tx, pending, issue_id)
    return Chosen(name=name, choice=choice, covers=span.covers, gap_days=span.gap_days, archived=archived)


def _choice(e: Equipment, tx: Transaction, candidates: Sequence[Candidate], *, today: date) -> Choice:
    known = publication.get(tx)
    return choose_entries(
        candidates, today=today, max_entries=e.config.publish.max_entries, since=known.since_day if known else None,
        start=e.config.publish.start, published_days=documents.published_days(tx, {c.day for c in candidates}),
    )  # fmt: skip


def _used(tx: Transaction, day: date) -> list[issues.StoredIssue]:
    """The issues of a slot that were really made."""
    return [issue for issue in issues.of_day(tx, day) if issue.state != "empty"]


def _last_closed(tx: Transaction, day: date) -> date | None:
    """The newest slot before this one."""
    return issues.last_slot(tx, before=day)


def _placements(tx: Transaction, choice: Choice, ids: dict[str, int], now: datetime) -> list[Placement]:
    newest = issues.newest_entry_time(tx)
    times = calendar.published_times(now, len(choice.chosen), newest=newest)
    return [
        Placement(
            entry_id=ids[one.uid], permalink=permalink(one.day, one.uid), published_at=at, late=one.late
        )
        for one, at in zip(choice.chosen, times, strict=True)
    ]


def _archive(
    e: Equipment,
    tx: Transaction,
    choice: Choice,
    candidates: Sequence[Candidate],
    ids: dict[str, int],
    now: datetime,
) -> None:
    """Older entries get pages, dated on their own day: the same on every machine, and never in the future."""
    order = {c.uid: n for n, c in enumerate(sorted(candidates, key=lambda c: (c.day, c.place)))}
    of_day: dict[date, int] = {}
    archivings = []
    for one in sorted(choice.archived, key=lambda a: order[a.uid]):
        nth = of_day[one.day] = of_day.get(one.day, -1) + 1
        at = min(calendar.slot_time(one.day, e.config.publish.at, e.config.zone), now.replace(microsecond=0))
        archivings.append(
            Archiving(
                entry_id=ids[one.uid], permalink=permalink(one.day, one.uid), published_at=at - nth * _SECOND
            )
        )
    entries.archive(tx, archivings)


def waiting(e: Equipment, tx: Transaction, day: date, next_day: date) -> WaitingSummary:
    """What waits, and what the issue of `next_day` will consist of, if nothing is added. `day`: today's slot."""
    candidates = [candidate for _, candidate in documents.candidates(tx)]
    if not candidates:
        return WaitingSummary()
    known = publication.get(tx)
    since = known.since_day if known else None
    room = e.config.publish.max_entries
    upcoming = _choice(e, tx, candidates, today=next_day)
    live = [c for c in candidates if not c.empty]
    drafts = sum(c.draft for c in live)
    return WaitingSummary(
        entries=len(live) - drafts,
        drafts=drafts,
        days=days_of_material(candidates, today=day, max_entries=room, since=since),
        next_day=upcoming.days[0] if upcoming.days else None,
        next_entries=len(upcoming.chosen),
    )
