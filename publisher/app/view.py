"""The public site as values: facts of everything, texts read only where a page must be drawn anew."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Literal

from publisher.app.link_book import link_book
from publisher.core.document import EntrySource
from publisher.core.entry import Entry, ReadingOptions, read_entry
from publisher.core.issue import Correction, EntryLine, PublishedDay, PublishedEntry
from publisher.render.pages import DayLine, LinkBook
from publisher.store import entries, links
from publisher.store.engine import Transaction
from publisher.store.entries import DayHead, EntryFacts
from publisher.store.links import KnownLinks

Channel = Literal["pages", "feeds"]
"""Pages show the newest of every link; feeds and mail what was said when it was first learnt."""

_NO_LINKS = KnownLinks({}, {})


def digest_of(*parts: object) -> str:
    """A short stable hash of values with a faithful repr."""
    return hashlib.blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(kw_only=True)
class SiteView:
    """One consistent look at everything public. `read_sources` fetches texts by entry id."""

    public: list[EntryFacts]
    gone: list[EntryFacts]
    heads: dict[date, DayHead]
    links: dict[int, KnownLinks]
    corrections: dict[int, tuple[Correction, ...]]
    link_book: LinkBook
    read_sources: Callable[[Iterable[int]], dict[int, EntrySource]]
    options: ReadingOptions
    _entries: dict[int, Entry] = field(default_factory=dict)
    _keys: dict[tuple[int, Channel], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_day: dict[date, list[EntryFacts]] = {
            day: list(group) for day, group in groupby(self.public, key=lambda facts: facts.day)
        }
        self._position = {facts.id: n for group in self.by_day.values() for n, facts in enumerate(group)}

    @property
    def days(self) -> list[date]:
        """Days with a page, oldest first."""
        return list(self.by_day)

    def head(self, day: date) -> DayHead:
        return self.heads.get(day, DayHead())

    def key(self, facts: EntryFacts, channel: Channel) -> str:
        """Moves whenever anything moves that the channel shows of this entry."""
        at = (facts.id, channel)
        if at not in self._keys:
            known = getattr(self.links.get(facts.id, _NO_LINKS), channel)
            self._keys[at] = digest_of(
                facts, self._position.get(facts.id), list(known.values()), self.corrections.get(facts.id, ())
            )
        return self._keys[at]

    def line(self, facts: EntryFacts) -> EntryLine:
        """An entry as a line of a list; its text is not read."""
        return EntryLine(
            uid=facts.uid, permalink=facts.permalink, day=facts.day, position=self._position.get(facts.id, 0),
            number=facts.number, label=facts.label, title=facts.title, words=facts.words, minutes=facts.minutes,
            topics=facts.topics, updated_at=facts.updated_at,
        )  # fmt: skip

    def day_line(self, day: date) -> DayLine:
        return DayLine(
            day=day, title=self.head(day).title, entries=tuple(self.line(facts) for facts in self.by_day[day])
        )

    def day(self, day: date) -> PublishedDay:
        """A day with its texts."""
        head, facts = self.head(day), self.by_day[day]
        self._read(facts)
        entries = tuple(self.published(f, "pages") for f in facts)
        return PublishedDay(day=day, title=head.title, preface=head.preface, entries=entries)

    def published(self, facts: EntryFacts, channel: Channel) -> PublishedEntry:
        """An entry with its text and what the channel knows of its links."""
        self._read([facts])
        return PublishedEntry(
            uid=facts.uid, guid=facts.guid, permalink=facts.permalink, day=facts.day,
            position=self._position.get(facts.id, 0), entry=self._entries[facts.id], issue=facts.issue,
            published_at=facts.published_at, updated_at=facts.updated_at, late=facts.late,
            corrections=self.corrections.get(facts.id, ()),
            links=getattr(self.links.get(facts.id, _NO_LINKS), channel), media=dict(facts.media),
        )  # fmt: skip

    def _read(self, facts: list[EntryFacts]) -> None:
        missing = [f.id for f in facts if f.id not in self._entries]
        if not missing:
            return
        for entry_id, source in self.read_sources(missing).items():
            self._entries[entry_id], _ = read_entry(source, options=self.options)

    def forget_texts(self) -> None:
        """Let go of the texts read so far, so that building a large site stays small."""
        self._entries.clear()


def look(tx: Transaction, options: ReadingOptions) -> SiteView:
    """Take a look. Texts are read through `tx`: use the view while it is open."""
    return SiteView(
        public=entries.public(tx),
        gone=entries.gone(tx),
        heads=entries.day_heads(tx),
        links=links.known(tx),
        corrections=entries.corrections(tx),
        link_book=link_book(tx),
        read_sources=lambda ids: entries.sources(tx, ids),
        options=options,
    )
