"""The pages and feeds of topics as files: only those of topics that moved are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from functools import cached_property, partial

from publisher.app.feed_files import published
from publisher.app.wanted import FileMaker, Group, Wanted
from publisher.core.issue import EntryLine
from publisher.core.tagged import Tagged, Topic, TopicLine
from publisher.store import entries

NEWEST_ENTRIES = 200
"""Entries on a topic's own page; one that has more leads to a page for each year."""

FEED_ENTRIES = 20


class TopicFiles(FileMaker):
    """All that is drawn of topics."""

    def paths(self) -> list[str]:
        """Of every topic's page, for the sitemap."""
        return sorted(line.path for line in self._lines.values())

    @cached_property
    def _lines(self) -> dict[str, TopicLine]:
        return {key: topic.line(most=NEWEST_ENTRIES) for key, topic in self._view.topics.items()}

    def groups(self) -> Iterator[Group]:
        """The list of all topics, and each topic."""
        b, view = self._building, self._view
        yield b.group(self._index, "topics", list(self._lines.values()))
        for key, topic in view.topics.items():
            days = sorted({one.day for one in topic.entries})
            keys = [view.line_keys[day] for day in days]
            yield b.group(partial(self._page, key, topic), "topic", topic.name, keys)
            yield from self._years(key, topic)
            newest = [(one.id, one.day) for one in topic.newest(FEED_ENTRIES)]
            keys = [view.feed_keys[day] for day in sorted({day for _, day in newest})]
            yield b.group(partial(self._feed, key, newest), "topic feed", topic.name, newest, keys, b.born)

    def _index(self) -> Iterator[Wanted]:
        from publisher.render import pages, topics

        t, lines = self._templates, topics.by_weight(self._lines.values())
        yield Wanted(pages.file_of(pages.TOPICS_PATH), lambda: topics.topics_page(t, lines))
        yield Wanted(topics.OPML_PATH, lambda: topics.opml(t, lines))

    def _page(self, key: str, topic: Topic) -> Iterator[Wanted]:
        from publisher.render import pages, topics

        line, newest = self._lines[key], topic.entries[-NEWEST_ENTRIES:]
        yield Wanted(
            pages.file_of(line.path),
            lambda: topics.topic_page(self._templates, line, self._shown(newest)),
        )

    def _years(self, key: str, topic: Topic) -> Iterator[Group]:
        """Pages of the years of a topic that is too large for one. Nothing that moves is told of other years there:
        what is published today leaves the pages of years that are over alone."""
        years = tuple((year, 0) for year, _ in self._lines[key].years)
        for year, n in self._lines[key].years:
            some = [one for one in topic.entries if one.day.year == year]
            line = TopicLine(name=topic.name, entries=n, last_day=some[-1].day, years=years)
            keys = [self._view.line_keys[day] for day in sorted({one.day for one in some})]
            files = partial(self._year_page, line, year, some)
            yield self._building.group(files, "topic", topic.name, year, keys, line)

    def _year_page(self, line: TopicLine, year: int, some: list[Tagged]) -> Iterator[Wanted]:
        from publisher.render import pages, topics

        yield Wanted(
            pages.file_of(topics.topic_year_path(line.name, year)),
            lambda: topics.topic_page(self._templates, line, self._shown(some), year=year),
        )

    def _shown(self, some: Sequence[Tagged]) -> list[EntryLine]:
        return entries.lines(self._view.tx, ids=[one.id for one in some])

    def _feed(self, key: str, newest: list[tuple[int, date]]) -> Iterator[Wanted]:
        from publisher.render import feeds

        t, view, line = self._templates, self._view, self._lines[key]

        def draw() -> bytes:
            view.load({day for _, day in newest}, alone=True)
            shown = feeds.fitting(published(view, newest), t)
            feed = feeds.Feed(
                site=t.site, entries=shown, path=line.feed_path, page=line.path, about=line.path,
                title=f"{line.name} · {t.site.title}",
                updated=max((one.updated_at for one in shown), default=self._building.born),
            )  # fmt: skip
            return feeds.atom(feed, t)

        yield Wanted(line.feed_path, draw, feed="atom")
