"""The public site as values: a signature of every day, and the entries of those days that must be drawn anew."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Literal

from publisher.app.wanted import digest_of
from publisher.core.issue import EntryLine, PublishedDay, PublishedEntry
from publisher.core.tagged import Tagged, Topic, by_topic, related
from publisher.store import contents, entries, links, tagged
from publisher.store.entries import DayHead, EntryFacts
from publisher.store.links import KnownLinks

if TYPE_CHECKING:
    from publisher.core.entry import Entry
    from publisher.core.issue import Correction
    from publisher.core.reading_options import ReadingOptions
    from publisher.render.pages import DayLine
    from publisher.store.contents import DayContents
    from publisher.store.engine import Transaction

Channel = Literal["pages", "feeds"]
"""Pages show the newest of every link; feeds and mail what was said when it was first learnt."""

_NO_LINKS = KnownLinks({}, {})

_SMALL = 2_000  # entries whose lines are kept at hand
_TEXTS = 32  # so many are kept at hand: those of a day are drawn for its pages, for home and for the feeds


class SiteView:
    """One consistent look at everything public, through `tx`: use it while that is open.

    Signatures tell what moved; entries are read day by day, when they are asked for.
    """

    def __init__(self, tx: Transaction, options: ReadingOptions) -> None:
        self.tx = tx
        self._options = options
        self._groups: dict[date, list[EntryFacts]] = {}
        self._position: dict[int, int] = {}
        self._links: dict[int, KnownLinks] = {}
        self._entries: dict[int, Entry] = {}

    # -- what moved

    @cached_property
    def contents(self) -> dict[date, DayContents]:
        """Every day that has or had a page, oldest first, with what may be seen of it as signatures."""
        return contents.by_day(self.tx)

    @cached_property
    def days(self) -> list[date]:
        """Days with a page, oldest first."""
        return [day for day, one in self.contents.items() if one.public]

    @cached_property
    def _heads(self) -> dict[date, DayHead]:
        return entries.day_heads(self.tx)

    def head(self, day: date) -> DayHead:
        return self._heads.get(day, DayHead())

    @cached_property
    def line_keys(self) -> dict[date, str]:
        """By day: moves whenever anything moves that a list shows of it."""
        return {day: digest_of(day, self.contents[day].entries, self.head(day).title) for day in self.days}

    @cached_property
    def day_keys(self) -> dict[date, str]:
        """By day: moves whenever anything moves that is shown of it and its entries anywhere."""
        every = ((day, self.contents[day]) for day in self.days)
        return {day: digest_of(day, one.entries, one.notes, self.head(day)) for day, one in every}

    @cached_property
    def feed_keys(self) -> dict[date, str]:
        """By day: moves whenever anything moves that feeds may say of its entries."""
        return {
            day: digest_of(day, self.contents[day].entries, self.contents[day].feed_notes)
            for day in self.days
        }

    @cached_property
    def tagged(self) -> list[Tagged]:
        """Every entry with a topic, oldest first."""
        return tagged.tagged(self.tx)

    @cached_property
    def topics(self) -> dict[str, Topic]:
        """By key, in the order in which they came up."""
        return by_topic(self.tagged)

    @cached_property
    def _related(self) -> dict[date, dict[int, tuple[Tagged, ...]]]:
        found = related(self.tagged)
        by_day: dict[date, dict[int, tuple[Tagged, ...]]] = {}
        for one in self.tagged:
            if one.id in found:
                by_day.setdefault(one.day, {})[one.id] = found[one.id]
        return by_day

    def related(self, day: date) -> dict[int, tuple[Tagged, ...]]:
        """By entry of the day: the older ones that it belongs together with."""
        return self._related.get(day, {})

    @cached_property
    def _same_days(self) -> dict[tuple[int, int], list[date]]:
        found: dict[tuple[int, int], list[date]] = {}
        for day in self.days:
            found.setdefault((day.month, day.day), []).append(day)
        return found

    def years_before(self, day: date) -> list[date]:
        """The same day of the calendar in earlier years, the newest first."""
        return [one for one in self._same_days[day.month, day.day] if one < day][::-1]

    @property
    def gone(self) -> list[EntryFacts]:
        """Withdrawn entries that had a page."""
        return entries.gone(self.tx) if any(one.gone for one in self.contents.values()) else []

    @property
    def media(self) -> dict[str, tuple[str, str]]:
        """What pages show beside texts: output path → (a document that names it, the name)."""
        return entries.media(self.tx) if any(one.media for one in self.contents.values()) else {}

    # -- entries without their texts

    def load(self, days: Iterable[date], *, alone: bool = False) -> None:
        """Read these days at once, as far as they are not known; `alone`: and let go of all others."""
        wanted = list(days)
        if alone:
            self._forget_all_but(wanted)
        missing = [day for day in wanted if day not in self._groups]
        if not missing:
            return
        facts = entries.public(self.tx, missing)
        self._groups |= {day: [] for day in missing}
        self._groups |= {day: list(group) for day, group in groupby(facts, key=lambda one: one.day)}
        self._position |= {one.id: n for day in missing for n, one in enumerate(self._groups[day])}
        self._links |= links.known(self.tx, [one.id for one in facts])

    def _forget_all_but(self, days: Iterable[date]) -> None:
        """So that building a large site stays small."""
        self._groups = {day: self._groups[day] for day in days if day in self._groups}
        kept = {one.id for group in self._groups.values() for one in group}
        for known in (self._position, self._links, self._entries):
            for gone in known.keys() - kept:
                del known[gone]

    def group(self, day: date) -> list[EntryFacts]:
        """The entries of a day in the order of its page."""
        self.load([day])
        return self._groups[day]

    def position(self, facts: EntryFacts) -> int:
        """Its order within its day; 0 for one that is not shown there."""
        self.load([facts.day])
        return self._position.get(facts.id, 0)

    def line(self, facts: EntryFacts) -> EntryLine:
        """An entry as a line of a list; its text is not read."""
        return EntryLine(
            uid=facts.uid, permalink=facts.permalink, day=facts.day, position=self.position(facts),
            number=facts.number, label=facts.label, title=facts.title, words=facts.words, minutes=facts.minutes,
            topics=facts.topics, updated_at=facts.updated_at,
        )  # fmt: skip

    def day_line(self, day: date) -> DayLine:
        return self._as_line(day, map(self.line, self.group(day)))

    def day_lines(self, within: tuple[date, date] = entries.ALWAYS) -> list[DayLine]:
        """All days, or those within two of them, as lines, oldest first; costs one small row an entry.

        Archive, year and sitemap ask one after another: a small site is read for the first of them alone.
        """
        if self._is_small:
            return [line for line in self._every_line if within[0] <= line.day <= within[1]]
        return self._lines(within)

    def _lines(self, within: tuple[date, date]) -> list[DayLine]:
        every = entries.lines(self.tx, within)
        return [self._as_line(day, group) for day, group in groupby(every, key=lambda one: one.day)]

    @property
    def _is_small(self) -> bool:
        return sum(one.public for one in self.contents.values()) <= _SMALL

    @cached_property
    def _every_line(self) -> list[DayLine]:
        return self._lines(entries.ALWAYS)

    def _as_line(self, day: date, lines: Iterable[EntryLine]) -> DayLine:
        from publisher.render.pages import DayLine

        return DayLine(day=day, title=self.head(day).title, entries=tuple(lines))

    # -- with their texts

    @cached_property
    def _corrections(self) -> dict[int, tuple[Correction, ...]]:
        return entries.corrections(self.tx)

    def day(self, day: date) -> PublishedDay:
        """A day with its texts."""
        head, facts = self.head(day), self.group(day)
        self.read(facts)
        shown = tuple(self.published(one, "pages") for one in facts)
        return PublishedDay(day=day, title=head.title, preface=head.preface, entries=shown)

    def published(self, facts: EntryFacts, channel: Channel) -> PublishedEntry:
        """An entry with its text and what the channel knows of its links."""
        self.read([facts])
        return PublishedEntry(
            uid=facts.uid, guid=facts.guid, permalink=facts.permalink, day=facts.day,
            position=self.position(facts), entry=self._entries[facts.id], issue=facts.issue,
            published_at=facts.published_at, updated_at=facts.updated_at, late=facts.late,
            corrections=self._corrections.get(facts.id, ()),
            links=getattr(self._links.get(facts.id, _NO_LINKS), channel), media=dict(facts.media),
        )  # fmt: skip

    def read(self, facts: Iterable[EntryFacts]) -> None:
        """Read the texts of these at once, as far as they are not known."""
        from publisher.app.reading import entry_of

        missing = [one.id for one in facts if one.id not in self._entries]
        if not missing:
            return
        for entry_id, source in entries.sources(self.tx, missing).items():
            self._entries[entry_id] = entry_of(source, self._options)

    def forget_texts(self) -> None:
        """Let go of the texts read so far, unless they are few."""
        if len(self._entries) > _TEXTS:
            self._entries.clear()
