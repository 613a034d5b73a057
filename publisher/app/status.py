"""Status: how things stand, read from the store without changing anything."""

from __future__ import annotations

from publisher.app.beginning import site_conflict
from publisher.app.choose import waiting
from publisher.app.equipment import Equipment
from publisher.app.report import held_mailings
from publisher.app.summary import HeldItem
from publisher.app.verb_summary import StatusSummary
from publisher.core import calendar
from publisher.store import deliveries, issues, links, publication, runs, subscribers


def status(e: Equipment) -> StatusSummary:
    """Next and last run, material, mail, links, readers, and what waits for the operator."""
    now = e.clock()
    day = e.today(now)
    with e.store.read() as tx:
        known = publication.get(tx)
        used = [issue for issue in issues.of_day(tx, day) if issue.state in ("planned", "published")]
        at = calendar.next_slot(now, at=e.config.publish.at, zone=e.config.zone, last=day if used else None)
        last = runs.newest(tx, "once", "tick")
        stock = waiting(e, tx, day, at[0])
        newest = issues.newest(tx)
        return StatusSummary(
            next_run=e.local(at[1]), last_run=e.local(last.started_at) if last else None,
            last_outcome=last.outcome if last else "", last_ok=last.ok if last else None,
            unpublished_entries=stock.entries, drafts=stock.drafts, days_of_material=stock.days,
            books=deliveries.books(tx),
            last_issue=str(newest.name) if newest else "", links=links.count_by_verdict(tx),
            subscribers=subscribers.count_by_state(tx),
            held=(*_site(e, known), *held_mailings(tx, known)),
            trial=known.trial if known else e.config.trial, timezone=e.config.site.timezone,
        )  # fmt: skip


def _site(e: Equipment, known: publication.Publication | None) -> list[HeldItem]:
    if known is None or site_conflict(e, known) is None:
        return []
    return [
        HeldItem(
            what="publishing and mail", why="the pages and the database do not belong together", how="publisher once",
            kind="run",
        )
    ]  # fmt: skip
