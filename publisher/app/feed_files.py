"""The feeds as files: the publication's own, a digest of it, and the documents of its archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property, partial
from itertools import groupby
from typing import TYPE_CHECKING

from publisher.app.view import SiteView
from publisher.app.wanted import Building, FileMaker, Group, Wanted
from publisher.core.parts import Part, closed_parts
from publisher.store import entries
from publisher.store.entries import Issued

if TYPE_CHECKING:
    from publisher.core.issue import PublishedEntry
    from publisher.render.feeds import Feed

FEED_CANDIDATES = 300
"""Entries that a feed may hold at most (feed_check.HARD_ENTRIES)."""


class FeedFiles(FileMaker):
    """All feeds that are not a topic's."""

    def __init__(self, view: SiteView, building: Building) -> None:
        super().__init__(view, building)
        self._made: Feed | None = None

    def items(self) -> int:
        """How many items the feeds hold; -1 when they were not drawn anew."""
        return len(self._made.entries) if self._made else -1

    # -- the newest entries

    def newest(self) -> Group:
        """The feeds of the newest entries; drawn together, since they hold the same."""
        b, newest = self._building, self._newest()
        days = sorted({day for _, day in newest})
        keys = [self._view.day_keys[day] for day in days]
        return b.group(
            partial(self._feeds, newest), "feeds", newest, keys, b.window_entries, b.window_bytes, b.born, b.hub,
            self._older(len(self._parts)),
        )  # fmt: skip

    def _newest(self) -> list[tuple[int, date]]:
        """(id, day) of the entries that the feeds may hold: whole slots while they fit, the newest always."""
        found: list[tuple[int, date]] = []
        every = entries.newest(self._view.tx, FEED_CANDIDATES)
        for _, slot in groupby(every, key=lambda row: row[2]):
            some = [(entry_id, day) for entry_id, day, _ in slot]
            if found and len(found) + len(some) > self._building.window_entries:
                break
            found += some
        return found

    def _feeds(self, newest: list[tuple[int, date]]) -> Iterator[Wanted]:
        from publisher.render import feeds

        t = self._templates
        self._made = feed = self._feed(newest)
        yield Wanted(feeds.RSS_PATH, lambda: feeds.rss(feed, t), feed="rss", durable=True)
        yield Wanted(feeds.ATOM_PATH, lambda: feeds.atom(feed, t), feed="atom", durable=True)
        yield Wanted(feeds.JSON_PATH, lambda: feeds.json_feed(feed, t), feed="json", durable=True)
        title = t.words("{site}, one item a day", site=t.site.title)
        digest = feeds.Feed(
            site=t.site,
            entries=feed.entries,
            updated=feed.updated,
            path=feeds.DAILY_PATH,
            title=title,
            about="daily",
        )
        yield Wanted(feeds.DAILY_PATH, lambda: feeds.daily(digest, t), feed="atom", durable=True)

    def _feed(self, newest: list[tuple[int, date]]) -> Feed:
        from publisher.render import feeds

        b, t = self._building, self._templates
        shown = feeds.window(
            published(self._view, newest), t, max_entries=b.window_entries, max_bytes=b.window_bytes
        )
        updated = max((one.updated_at for one in shown), default=b.born)
        older = self._older(len(self._parts))
        return feeds.Feed(site=t.site, entries=shown, updated=updated, hub=b.hub, older=older)

    # -- the archive (RFC 5005)

    @cached_property
    def _parts(self) -> list[Part[Issued]]:
        """The archive's documents, oldest first; one whose entries were all withdrawn is left out."""
        b, sent = self._building, entries.issued(self._view.tx)
        # Half: how many bytes an entry takes is a guess here, and what is in no part must fit into the feed.
        every = closed_parts(sent, entries=b.window_entries, max_bytes=b.window_bytes // 2)
        return [part for part in every if any(one.shown for one in part.entries)]

    def _older(self, n: int) -> str:
        return f"archive/{self._parts[n - 1].name}" if n else ""

    def archive(self) -> Iterator[Group]:
        """A document of the archive in each format that can lead from one to the next."""
        for n, part in enumerate(self._parts):
            newer = f"archive/{self._parts[n + 1].name}" if n + 1 < len(self._parts) else ""
            shown = [(one.id, one.day) for one in part.entries if one.shown]
            keys = [self._view.feed_keys[day] for day in sorted({day for _, day in shown})]
            older = self._older(n)
            yield self._building.group(
                partial(self._part, part.name, shown, older, newer),
                "part",
                part.name,
                shown,
                keys,
                older,
                newer,
            )

    def _part(self, name: str, shown: list[tuple[int, date]], older: str, newer: str) -> Iterator[Wanted]:
        from publisher.render import feeds

        t, view = self._templates, self._view
        view.load({day for _, day in shown}, alone=True)
        known = published(view, shown)[::-1]
        updated = max(one.updated_at for one in known)
        feed = partial(
            feeds.Feed, site=t.site, entries=feeds.fitting(known, t), updated=updated, older=older,
            archive=feeds.Archive(newer=newer),
        )  # fmt: skip
        atom, json = (f"archive/{name}{ending}" for ending in (feeds.ATOM_ENDING, feeds.JSON_ENDING))
        yield Wanted(atom, lambda: feeds.atom(feed(path=atom), t), feed="atom")
        yield Wanted(json, lambda: feeds.json_feed(feed(path=json), t), feed="json")


def published(view: SiteView, wanted: Sequence[tuple[int, date]]) -> list[PublishedEntry]:
    """These entries (id, day) as feeds say them, in this order."""
    days = {day for _, day in wanted}
    view.load(days)
    known = {one.id: one for day in days for one in view.group(day)}
    facts = [known[entry_id] for entry_id, _ in wanted]
    view.read(facts)
    return [view.published(one, "feeds") for one in facts]
