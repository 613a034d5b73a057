"""What the public page about links shows: the dead and what changed of late, from the store."""

from __future__ import annotations

from publisher.core.lifespan import by_site, by_year
from publisher.core.verdict import Event
from publisher.render.pages import LinkBook, LinkLine
from publisher.store import link_reports, links
from publisher.store.engine import Transaction
from publisher.store.link_reports import KnownLink

MOST_DEAD = 1000
MOST_CHANGED = 50


def link_book(tx: Transaction) -> LinkBook:
    """A function of the store alone: the last changes are so many, not those of so many days."""
    dead = link_reports.with_verdict(tx, "dead", public=True)[:MOST_DEAD]
    events = link_reports.newest_events(tx, ("moved", "back", "dead"), limit=MOST_CHANGED)
    known = {
        one.standing.url: one for one in link_reports.known_links(tx, [*dead, *(one.url for one in events)])
    }
    every = link_reports.lives(tx)
    changed = [_line(known[one.url], one) for one in events if one.url in known]
    return LinkBook(
        dead=tuple(_line(known[url]) for url in dead if url in known),
        changed=tuple(line for line in changed if line.entries),
        counts=links.count_by_verdict(tx),
        by_year=by_year(every),
        by_site=by_site(every),
    )


def _line(known: KnownLink, event: Event | None = None) -> LinkLine:
    entries = {place.permalink: place.title for place in known.places if place.permalink}
    line = LinkLine(state=known.standing.state, since=known.standing.since, entries=tuple(entries.items()))
    if event is None:
        return line
    return LinkLine(
        state=line.state, since=line.since, entries=line.entries, kind=event.kind, at=event.at, was=event.was,
        now=event.now,
    )  # fmt: skip
