"""Every file of the site, in groups that share their inputs: the key of each group, and how its files are drawn.

Keys come from signatures alone. Texts are read, and templates loaded, when a group has to be drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from publisher.app.view import SiteView, digest_of
from publisher.core.errors import FolderError
from publisher.store import contents, entries

if TYPE_CHECKING:
    from publisher.app.ports import Documents
    from publisher.core.entry import ReadingOptions
    from publisher.render.environment import Templates
    from publisher.render.feeds import Feed
    from publisher.store.entries import EntryFacts

RECENT_DAYS = 14
"""Days listed on the home page."""

SITEMAP_WHOLE = 2_000
"""Addresses of days and entries up to which the sitemap is one file."""

FEED_CANDIDATES = 300
"""Entries that a feed may hold at most (feed_check.HARD_ENTRIES)."""

_AHEAD = 8
"""Days that are read from the store together while many are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """How the site is built. `rendering` moves with templates, settings and our own code."""

    templates: Callable[[], Templates]
    options: ReadingOptions
    rendering: str
    window_entries: int
    window_bytes: int
    born: datetime  # of the publication: what an empty feed says it was updated


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that belongs to the site, and how it is made."""

    path: str
    make: Callable[[], bytes]
    feed: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Files made from the same inputs, which `key` stands for. `files` may be costly: it is asked when they moved."""

    key: str
    files: Callable[[], Iterator[Wanted]]


class GoneSinceError(Exception):
    """A file beside a document is not there any more."""


class Site:
    """Everything that belongs to the site. Of two files of one path the first counts."""

    def __init__(self, view: SiteView, building: Building, documents: Documents) -> None:
        self._view = view
        self._building = building
        self._documents = documents
        self._made: Feed | None = None
        self._holders: dict[date, dict[str, str]] = {}

    @property
    def _templates(self) -> Templates:
        return self._building.templates()

    def _group(self, files: Callable[[], Iterator[Wanted]], *inputs: object) -> Group:
        return Group(digest_of(self._building.rendering, inputs), files)

    # -- pages

    def pages(self) -> Iterator[Group]:
        view = self._view
        yield self._group(self._fixed, "fixed")
        for path, (document, name) in view.media.items():
            # The path is the hash of the content: nothing else can move it.
            yield Group(path, partial(self._medium, path, document, name))
        for n, day in enumerate(view.days):
            yield self._group(partial(self._day, n), "day", view.day_keys[day], self._around(n))
            yield self._group(partial(self._entry_pages, n), "entries", view.day_keys[day])
            view.forget_texts()
        for facts in view.gone:
            yield self._group(partial(self._gone, facts), "gone", facts.guid, facts.number, facts.day)
        for n, day in enumerate(view.days):  # last of the days: a number never takes an entry's own address
            yield self._group(partial(self._numbers, n), "numbers", view.line_keys[day])
        yield self._home()
        yield self._group(self._archive, "archive", list(view.line_keys.values()))
        yield from self._sitemap()
        known = [(one.entries, one.notes) for one in view.contents.values()]
        yield self._group(self._links, "links", known, contents.newest_event(view.tx))

    def _fixed(self) -> Iterator[Wanted]:
        from publisher.render import feeds, pages
        from publisher.render.favicon import favicon_ico

        t = self._templates
        yield Wanted("style.css", lambda: pages.style(t))
        yield Wanted("favicon.svg", lambda: pages.favicon(t))
        yield Wanted("favicon.ico", favicon_ico)
        yield Wanted("robots.txt", lambda: pages.robots(t))
        yield Wanted("404.html", lambda: pages.not_found_page(t))
        yield Wanted(pages.file_of("subscribe/"), lambda: pages.subscribe_page(t))
        yield Wanted(feeds.CSS_PATH, lambda: feeds.css(t))

    def _medium(self, path: str, document: str, name: str) -> Iterator[Wanted]:
        yield Wanted(path, partial(self._bytes_of, document, name))

    def _bytes_of(self, document: str, name: str) -> bytes:
        """The bytes of a file beside a document. It may be gone since the scan: the next one sees to that."""
        try:
            found = self._documents.find(document, name) if document else None
            if found is not None:
                return self._documents.read(found.path)
        except (FolderError, ValueError):
            pass
        raise GoneSinceError(name)

    # -- days

    def _around(self, n: int) -> list[str | None]:
        days = self._view.days
        return [self._view.line_keys[days[m]] if 0 <= m < len(days) else None for m in (n - 1, n + 1)]

    def _read(self, n: int) -> date:
        """The nth day and its neighbours are at hand, and those that are likely next."""
        days = self._view.days
        self._view.load(days[max(0, n - 1) : n + 2 + _AHEAD], alone=True)
        return days[n]

    def _day(self, n: int) -> Iterator[Wanted]:
        from publisher.render import pages

        view, days, day = self._view, self._view.days, self._read(n)
        before = view.day_line(days[n - 1]) if n else None
        after = view.day_line(days[n + 1]) if n + 1 < len(days) else None
        yield Wanted(
            pages.file_of(pages.day_path(day)),
            lambda: pages.day_page(self._templates, view.day(day), previous=before, next=after),
        )

    def _entry_pages(self, n: int) -> Iterator[Wanted]:
        from publisher.render import pages

        view, t, group = self._view, self._templates, self._view.group(self._read(n))
        self._holders[view.days[n]] = _holders(group)
        lines = [view.line(facts) for facts in group]
        for facts in group:
            yield Wanted(
                pages.file_of(facts.permalink),
                lambda facts=facts: pages.entry_page(  # type: ignore[misc]
                    t, view.published(facts, "pages"), day_entries=lines
                ),
            )

    def _numbers(self, n: int) -> Iterator[Wanted]:
        from publisher.render import pages

        day = self._view.days[n]
        if day not in self._holders:
            self._holders[day] = _holders(self._view.group(self._read(n)))
        for path, target in self._holders[day].items():
            yield Wanted(pages.file_of(path), partial(pages.redirect_page, self._templates, target))

    def _gone(self, facts: EntryFacts) -> Iterator[Wanted]:
        from publisher.render import pages

        line = self._view.line(facts)
        yield Wanted(
            pages.file_of(facts.permalink), lambda: pages.gone_page(self._templates, line, guid=facts.guid)
        )

    # -- pages about many days

    def _home(self) -> Group:
        view = self._view
        recent = view.days[-RECENT_DAYS:][::-1]
        newest = view.day_keys[recent[0]] if recent else None
        return self._group(
            partial(self._home_page, recent), "home", newest, [view.line_keys[d] for d in recent]
        )

    def _home_page(self, recent: list[date]) -> Iterator[Wanted]:
        from publisher.render import pages

        view = self._view
        view.load(recent)
        newest = view.day(recent[0]) if recent else None
        lines = [view.day_line(day) for day in recent]
        yield Wanted(pages.file_of(""), lambda: pages.home_page(self._templates, newest, recent=lines))

    def _archive(self) -> Iterator[Wanted]:
        from publisher.render import pages

        t, lines = self._templates, self._view.every_day_line()
        yield Wanted(pages.file_of("archive/"), lambda: pages.archive_page(t, pages.months(lines)))

    def _sitemap(self) -> Iterator[Group]:
        """One file, or one a month and an index when it would be long: a day's run writes the newest month alone."""
        view = self._view
        if sum(view.contents[day].public + 1 for day in view.days) <= SITEMAP_WHOLE:
            yield self._group(self._whole_sitemap, "sitemap", list(view.line_keys.values()))
            return
        newest = self._newest_of(view.days)
        yield self._group(partial(self._fixed_sitemap, newest), "sitemap", newest)
        parts: list[tuple[str, datetime | None]] = [(_sitemap_path("pages"), newest)]
        for month, group in groupby(view.days, key=lambda day: f"{day:%Y-%m}"):
            days = list(group)
            parts.insert(1, (_sitemap_path(month), self._newest_of(days)))
            keys = [view.line_keys[day] for day in days]
            yield self._group(partial(self._month_sitemap, month, days), "sitemap", month, keys)
        yield self._group(partial(self._sitemap_index, parts), "sitemap index", parts)

    def _newest_of(self, days: list[date]) -> datetime | None:
        return max((at for day in days if (at := self._view.contents[day].updated_at)), default=None)

    def _whole_sitemap(self) -> Iterator[Wanted]:
        from publisher.render import pages

        t, view = self._templates, self._view
        yield Wanted("sitemap.xml", lambda: pages.sitemap(t, view.every_day_line()))

    def _fixed_sitemap(self, newest: datetime | None) -> Iterator[Wanted]:
        from publisher.render import pages

        yield Wanted(_sitemap_path("pages"), lambda: pages.fixed_sitemap(self._templates, newest))

    def _month_sitemap(self, month: str, days: list[date]) -> Iterator[Wanted]:
        from publisher.render import pages

        t, view = self._templates, self._view
        view.load(days, alone=True)
        lines = [view.day_line(day) for day in days]
        yield Wanted(_sitemap_path(month), lambda: pages.sitemap(t, lines, fixed=False))

    def _sitemap_index(self, parts: list[tuple[str, datetime | None]]) -> Iterator[Wanted]:
        from publisher.render import pages

        yield Wanted("sitemap.xml", lambda: pages.sitemap_index(self._templates, parts))

    def _links(self) -> Iterator[Wanted]:
        from publisher.app.link_book import link_book
        from publisher.render import pages

        book = link_book(self._view.tx)
        yield Wanted(pages.file_of(pages.LINKS_PATH), lambda: pages.links_page(self._templates, book))

    # -- feeds

    def feeds(self) -> Group:
        """The three feeds; drawn together, since they hold the same."""
        b, newest = self._building, self._newest()
        days = sorted({day for _, day in newest})
        keys = [self._view.day_keys[day] for day in days]
        return self._group(
            partial(self._feeds, newest), "feeds", newest, keys, b.window_entries, b.window_bytes, b.born
        )

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
        yield Wanted(feeds.RSS_PATH, lambda: feeds.rss(feed, t), feed=True)
        yield Wanted(feeds.ATOM_PATH, lambda: feeds.atom(feed, t), feed=True)
        yield Wanted(feeds.JSON_PATH, lambda: feeds.json_feed(feed, t), feed=True)

    def _feed(self, newest: list[tuple[int, date]]) -> Feed:
        from publisher.render import feeds

        b, view, t = self._building, self._view, self._templates
        days = {day for _, day in newest}
        view.load(days)
        facts = {one.id: one for day in days for one in view.group(day)}
        shown = feeds.window(
            [view.published(facts[entry_id], "feeds") for entry_id, _ in newest], t,
            max_entries=b.window_entries, max_bytes=b.window_bytes,
        )  # fmt: skip
        updated = max((one.updated_at for one in shown), default=b.born)
        return feeds.Feed(site=t.site, entries=shown, updated=updated)

    def feed_items(self) -> int:
        """How many items the feeds hold; -1 when they were not drawn anew."""
        return len(self._made.entries) if self._made else -1


def _sitemap_path(part: str) -> str:
    return f"sitemap/{part}.xml"


def _holders(group: list[EntryFacts]) -> dict[str, str]:
    """Address of each number → permalink of the first entry that bears it."""
    from publisher.render.pages import number_path

    holders: dict[str, str] = {}
    for facts in group:
        if facts.number is not None:
            holders.setdefault(number_path(facts.day, facts.number), facts.permalink)
    return holders
