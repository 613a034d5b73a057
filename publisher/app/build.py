"""Build the site: write what changed, feeds last, remove what no longer belongs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from publisher.app.ports import Documents, Output
from publisher.app.summary import OutputsSummary
from publisher.app.view import SiteView, digest_of, look
from publisher.core.entry import ReadingOptions
from publisher.core.errors import FolderError, TemplateError
from publisher.core.faults import fault
from publisher.render import feeds, pages
from publisher.render.environment import Templates
from publisher.render.favicon import favicon_ico
from publisher.render.feed_check import Kind, check_feed
from publisher.render.feeds import Feed
from publisher.store import outputs
from publisher.store.engine import Store
from publisher.store.entries import EntryFacts
from publisher.store.outputs import Written

RECENT_DAYS = 14
"""Days listed on the home page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """How the site is built. `rendering` moves with templates, settings and our own code."""

    templates: Templates
    options: ReadingOptions
    rendering: str
    window_entries: int
    window_bytes: int
    born: datetime  # of the publication: what an empty feed says it was updated


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file that belongs to the site: what it is made from (as a key) and how it is made."""

    path: str
    key: str
    make: Callable[[], bytes]
    feed: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """What a build did, and what the feeds hold."""

    outputs: OutputsSummary
    feed_items: int


def build(store: Store, folder: Output, documents: Documents, building: Building) -> Built:
    """Write every file whose inputs moved or that is missing; unchanged inputs leave the file alone.

    Pages are renamed into place and synced together, feeds are each on the disk before the next. Killed anywhere,
    the next build writes the rest. Raises TemplateError (a template is wrong; the old file stays) and FolderError.
    """
    with store.read() as tx:
        known = outputs.all_written(tx)
        view = look(tx, building.options)
        site = _Site(view, building, documents)
        writer = _Writer(folder, known)
        for wanted in site.pages():
            writer.put(wanted)
        fault("pages-written")
        folder.sync()
        for wanted in site.feeds():
            writer.put(wanted)
        fault("feeds-written")
        items = site.feed_items()
    gone = [path for path in known if path not in writer.wanted]
    for path in gone:
        folder.remove(path)
    with store.write() as tx:
        outputs.record(tx, writer.fresh)
        outputs.forget(tx, gone)
    fault("outputs-recorded")
    summary = OutputsSummary(
        written=writer.written, unchanged=len(writer.wanted) - writer.written, removed=len(gone)
    )
    return Built(summary, items)


class _GoneSinceError(Exception):
    """A file beside a document is not there any more."""


class _Writer:
    """Puts files in place and keeps count."""

    def __init__(self, folder: Output, known: dict[str, Written]) -> None:
        self._folder = folder
        self._known = known
        self._there = folder.stats()
        self.wanted: set[str] = set()
        self.fresh: list[Written] = []
        self.written = 0

    def put(self, wanted: Wanted) -> None:
        self.wanted.add(wanted.path)
        before, there = self._known.get(wanted.path), self._there.get(wanted.path)
        untouched = before is not None and there == (before.size, before.mtime_ns)
        if before is not None and untouched and before.input_key == wanted.key:
            return
        try:
            data = wanted.make()
        except _GoneSinceError:
            return  # its page shows the name until the file is back; what was written before stays
        sha = hashlib.sha256(data).hexdigest()
        if before is not None and untouched and before.sha256 == sha:
            self.fresh.append(Written(wanted.path, wanted.key, sha, before.size, before.mtime_ns))
            return
        if wanted.feed:
            _refuse_bad_feed(wanted.path, data)
        fresh = self._folder.write(wanted.path, data, durable=wanted.feed)
        self.fresh.append(Written(wanted.path, wanted.key, fresh.sha256, fresh.size, fresh.mtime_ns))
        self.written += 1


_KINDS: dict[str, Kind] = {feeds.RSS_PATH: "rss", feeds.ATOM_PATH: "atom", feeds.JSON_PATH: "json"}


def _refuse_bad_feed(path: str, data: bytes) -> None:
    problems = check_feed(_KINDS[path], data)
    if problems:
        raise TemplateError(
            "{path} would not be valid: {problem}", path=path, problem=problems[0],
            fix="the published feed stays as it was; mend templates/feed, then run again",
        )  # fmt: skip


class _Site:
    """Everything that belongs to the site, each with its key."""

    def __init__(self, view: SiteView, building: Building, documents: Documents) -> None:
        self._view = view
        self._building = building
        self._templates = building.templates
        self._documents = documents
        self._newest_first = sorted((facts for facts in view.public if facts.issue), key=_newest_first)[
            : feeds.HARD_ENTRIES
        ]

    # -- pages

    def pages(self) -> Iterator[Wanted]:
        yield from self._fixed()
        yield from self._media_files()
        days = self._view.days
        for before, day, after in zip([None, *days], days, [*days[1:], None], strict=False):
            yield from self._day(day, before, after)
            self._view.forget_texts()
        yield from (self._gone(facts) for facts in self._view.gone)
        yield self._home(days)
        yield from self._lists(days)

    def _wanted(self, path: str, make: Callable[[], bytes], *inputs: object, feed: bool = False) -> Wanted:
        return Wanted(pages.file_of(path), digest_of(self._building.rendering, path, inputs), make, feed)

    def _fixed(self) -> Iterator[Wanted]:
        t = self._templates
        yield self._wanted("style.css", lambda: pages.style(t))
        yield self._wanted("favicon.svg", lambda: pages.favicon(t))
        yield self._wanted("favicon.ico", favicon_ico)
        yield self._wanted("robots.txt", lambda: pages.robots(t))
        yield self._wanted("404.html", lambda: pages.not_found_page(t))
        yield self._wanted("subscribe/", lambda: pages.subscribe_page(t))
        yield self._wanted(feeds.CSS_PATH, lambda: feeds.css(t))

    def _media_files(self) -> Iterator[Wanted]:
        seen: set[str] = set()
        for facts in self._view.public:
            for name, path in facts.media:
                if path not in seen:
                    seen.add(path)
                    # The path is the hash of the content: nothing else can move it.
                    yield Wanted(path, path, lambda facts=facts, name=name: self._medium(facts.file, name))  # type: ignore[misc]

    def _medium(self, document: str, name: str) -> bytes:
        """The bytes of a file beside a document. It may be gone since the scan: the next one sees to that."""
        try:
            found = self._documents.find(document, name) if document else None
            if found is not None:
                return self._documents.read(found.path)
        except (FolderError, ValueError):
            pass
        raise _GoneSinceError(name)

    def _day(self, day: date, before: date | None, after: date | None) -> Iterator[Wanted]:
        view, t = self._view, self._templates
        group = view.by_day[day]
        neighbours = [view.day_line(d) if d else None for d in (before, after)]
        yield self._wanted(
            pages.day_path(day),
            lambda: pages.day_page(t, view.day(day), previous=neighbours[0], next=neighbours[1]),
            view.head(day),
            [view.key(facts, "pages") for facts in group],
            [(n.day, n.headline) if n else None for n in neighbours],
        )
        yield from self._entry_pages(group)
        yield from self._numbers(day, group)

    def _entry_pages(self, group: list[EntryFacts]) -> Iterator[Wanted]:
        lines = [self._view.line(facts) for facts in group]
        around = [None, *lines, None]
        for n, facts in enumerate(group):
            previous, following = around[n], around[n + 2]
            yield self._wanted(
                facts.permalink,
                lambda facts=facts: pages.entry_page(  # type: ignore[misc]
                    self._templates, self._view.published(facts, "pages"), day_entries=lines
                ),
                self._view.key(facts, "pages"),
                len(lines),
                [
                    (line.permalink, line.title, line.label) if line else None
                    for line in (previous, following)
                ],
            )

    def _numbers(self, day: date, group: list[EntryFacts]) -> Iterator[Wanted]:
        holders: dict[str, str] = {}
        for facts in group:
            if facts.number is not None:
                holders.setdefault(pages.number_path(day, facts.number), facts.permalink)
        for path, target in holders.items():
            yield self._wanted(path, partial(pages.redirect_page, self._templates, target), target)

    def _gone(self, facts: EntryFacts) -> Wanted:
        line = self._view.line(facts)
        return self._wanted(
            facts.permalink,
            lambda: pages.gone_page(self._templates, line, guid=facts.guid),
            "gone", facts.guid, line.number, line.day,
        )  # fmt: skip

    def _home(self, days: list[date]) -> Wanted:
        view = self._view
        newest = days[-1] if days else None
        recent = [view.day_line(day) for day in reversed(days[-RECENT_DAYS:])]
        return self._wanted(
            "",
            lambda: pages.home_page(self._templates, view.day(newest) if newest else None, recent=recent),
            newest and (view.head(newest), [view.key(facts, "pages") for facts in view.by_day[newest]]),
            recent,
        )

    def _lists(self, days: list[date]) -> Iterator[Wanted]:
        lines = [self._view.day_line(day) for day in days]
        key = digest_of(lines)
        book = self._view.link_book
        yield self._wanted(pages.LINKS_PATH, lambda: pages.links_page(self._templates, book), book)
        yield self._wanted("archive/", lambda: pages.archive_page(self._templates, pages.months(lines)), key)
        yield self._wanted("sitemap.xml", lambda: pages.sitemap(self._templates, lines), key)

    # -- feeds

    def feeds(self) -> Iterator[Wanted]:
        b = self._building
        key = [self._view.key(facts, "feeds") for facts in self._newest_first]
        for path, draw in (
            (feeds.RSS_PATH, feeds.rss),
            (feeds.ATOM_PATH, feeds.atom),
            (feeds.JSON_PATH, feeds.json_feed),
        ):
            make = partial(self._draw_feed, draw)
            yield self._wanted(path, make, key, b.window_entries, b.window_bytes, b.born, feed=True)

    def _draw_feed(self, draw: Callable[[Feed, Templates], bytes]) -> bytes:
        return draw(self._feed(), self._templates)

    _made: Feed | None = None

    def _feed(self) -> Feed:
        if self._made is None:
            b = self._building
            candidates = [
                self._view.published(facts, "feeds")
                for facts in self._newest_first[: b.window_entries * 2 + 60]
            ]
            shown = feeds.window(
                candidates, self._templates, max_entries=b.window_entries, max_bytes=b.window_bytes
            )
            updated = max((p.updated_at for p in shown), default=b.born)
            self._made = feeds.Feed(site=self._templates.site, entries=shown, updated=updated)
        return self._made

    def feed_items(self) -> int:
        """How many items the feeds hold; -1 when they were not drawn anew."""
        return len(self._made.entries) if self._made else -1


def _newest_first(facts: EntryFacts) -> tuple[int, float, str]:
    assert facts.issue is not None
    return -facts.issue.day.toordinal(), -facts.published_at.timestamp(), facts.guid


__all__ = ["Building", "Built", "build"]
