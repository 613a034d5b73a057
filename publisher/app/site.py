"""Every file of the site, in groups that share their inputs: the key of each group, and how its files are drawn.

Keys come from signatures alone. Texts are read, and templates loaded, when a group has to be drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from publisher.app.archive_files import ArchiveFiles
from publisher.app.feed_files import FeedFiles
from publisher.app.topic_files import TopicFiles
from publisher.app.view import SiteView
from publisher.app.wanted import Building, FileMaker, GoneSinceError, Group, Wanted
from publisher.core.errors import FolderError
from publisher.store import contents

if TYPE_CHECKING:
    from publisher.app.ports import Documents
    from publisher.render.pages import Article
    from publisher.store.entries import EntryFacts


RECENT_DAYS = 14
"""Days listed on the home page."""

SITEMAP_WHOLE = 2_000
"""Addresses of days and entries up to which the sitemap is one file."""

_AHEAD = 8
"""Days that are read from the store together while many are drawn."""


class Site(FileMaker):
    """Everything that belongs to the site. Of two files of one path the first counts."""

    def __init__(self, view: SiteView, building: Building, documents: Documents) -> None:
        super().__init__(view, building)
        self._documents = documents
        self.feeds = FeedFiles(view, building)
        self._archive = ArchiveFiles(view, building)
        self._topics = TopicFiles(view, building)
        self._holders: dict[date, dict[str, str]] = {}
        self._articles: dict[str, Article] = {}  # of the day at hand

    # -- pages

    def pages(self) -> Iterator[Group]:
        view = self._view
        yield self._building.group(self._fixed, "fixed")
        for path, (document, name) in view.media.items():
            # The path is the hash of the content: nothing else can move it.
            yield Group(path, partial(self._medium, path, document, name))
        for n, day in enumerate(view.days):
            years = [view.line_keys[one] for one in view.years_before(day)]
            yield self._building.group(
                partial(self._day, n), "day", view.day_keys[day], self._around(n), years
            )
            related = [
                (entry_id, *((one.permalink, one.title, one.day.toordinal(), one.names) for one in some))
                for entry_id, some in view.related(day).items()
            ]  # all that a page may say of them, in a form that is quickly written out
            yield self._building.group(partial(self._entry_pages, n), "entries", view.day_keys[day], related)
            view.forget_texts()
            self._articles.clear()
        for facts in view.gone:
            has_day = view.contents[facts.day].public > 0
            yield self._building.group(
                partial(self._gone, facts, has_day=has_day),
                "gone",
                facts.guid,
                facts.number,
                facts.day,
                has_day,
            )
        for n, day in enumerate(view.days):  # last of the days: a number never takes an entry's own address
            yield self._building.group(partial(self._numbers, n), "numbers", view.line_keys[day])
        yield self._home()
        yield from self._archive.groups()
        yield from self._topics.groups()
        yield from self.feeds.archive()
        yield from self._sitemap()
        known = [(one.entries, one.notes) for one in view.contents.values()]
        yield self._building.group(self._links, "links", known, contents.newest_event(view.tx))

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
            lambda: pages.day_page(
                self._templates,
                view.day(day),
                previous=before,
                next=after,
                years_before=[view.day_line(one) for one in view.years_before(day)],
                drawn_before=self._articles,
            ),
        )

    def _entry_pages(self, n: int) -> Iterator[Wanted]:
        from publisher.render import pages

        view, t, group = self._view, self._templates, self._view.group(self._read(n))
        self._holders[view.days[n]] = _holders(group)
        lines, related = [view.line(facts) for facts in group], view.related(view.days[n])
        for facts in group:
            yield Wanted(
                pages.file_of(facts.permalink),
                lambda facts=facts: pages.entry_page(  # type: ignore[misc]
                    t,
                    view.published(facts, "pages"),
                    day_entries=lines,
                    related=related.get(facts.id, ()),
                    drawn_before=self._articles,
                ),
            )

    def _numbers(self, n: int) -> Iterator[Wanted]:
        from publisher.render import pages

        day = self._view.days[n]
        if day not in self._holders:
            self._holders[day] = _holders(self._view.group(self._read(n)))
        for path, target in self._holders[day].items():
            yield Wanted(pages.file_of(path), partial(pages.redirect_page, self._templates, target))

    def _gone(self, facts: EntryFacts, *, has_day: bool) -> Iterator[Wanted]:
        from publisher.render import pages

        line = self._view.line(facts)
        yield Wanted(
            pages.file_of(facts.permalink),
            lambda: pages.gone_page(self._templates, line, guid=facts.guid, has_day=has_day),
        )

    # -- pages about many days

    def _home(self) -> Group:
        view = self._view
        recent = view.days[-RECENT_DAYS:][::-1]
        newest = view.day_keys[recent[0]] if recent else None
        return self._building.group(
            partial(self._home_page, recent), "home", newest, [view.line_keys[d] for d in recent]
        )

    def _home_page(self, recent: list[date]) -> Iterator[Wanted]:
        from publisher.render import pages

        view = self._view
        view.load(recent)
        newest = view.day(recent[0]) if recent else None
        lines = [view.day_line(day) for day in recent]
        yield Wanted(pages.file_of(""), lambda: pages.home_page(self._templates, newest, recent=lines))

    def _sitemap(self) -> Iterator[Group]:
        """One file, or one a month and an index when it would be long: a day's run writes the newest month alone."""
        view = self._view
        if sum(view.contents[day].public + 1 for day in view.days) <= SITEMAP_WHOLE:
            keys = list(view.line_keys.values())
            yield self._building.group(self._whole_sitemap, "sitemap", keys, self._others())
            return
        newest = self._newest_of(view.days)
        yield self._building.group(partial(self._fixed_sitemap, newest), "sitemap", newest, self._others())
        parts: list[tuple[str, datetime | None]] = [(_sitemap_path("pages"), newest)]
        for month, group in groupby(view.days, key=lambda day: f"{day:%Y-%m}"):
            days = list(group)
            parts.insert(1, (_sitemap_path(month), self._newest_of(days)))
            keys = [view.line_keys[day] for day in days]
            yield self._building.group(partial(self._month_sitemap, month, days), "sitemap", month, keys)
        yield self._building.group(partial(self._sitemap_index, parts), "sitemap index", parts)

    def _others(self) -> list[str]:
        """Pages that are no days and come and go with what was published."""
        return [*self._archive.paths(), "topics/", *self._topics.paths()]

    def _newest_of(self, days: list[date]) -> datetime | None:
        return max((at for day in days if (at := self._view.contents[day].updated_at)), default=None)

    def _whole_sitemap(self) -> Iterator[Wanted]:
        from publisher.render import pages

        t, view = self._templates, self._view
        yield Wanted("sitemap.xml", lambda: pages.sitemap(t, view.day_lines(), others=self._others()))

    def _fixed_sitemap(self, newest: datetime | None) -> Iterator[Wanted]:
        from publisher.render import pages

        t = self._templates
        yield Wanted(_sitemap_path("pages"), lambda: pages.fixed_sitemap(t, newest, self._others()))

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
