"""Entries by their topics: what a topic holds, and which entries belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from msgspec import Struct, field

from publisher.core.topics import topic_key, topic_path

MOST_RELATED = 3


class Tagged(NamedTuple):
    """A published entry that has topics. A plain tuple: every run reads all of them."""

    id: int
    day: date
    permalink: str
    title: str
    names: tuple[str, ...]
    sent: str  # when it was published, as sortable text; "" when it is archived: in no feed


class TopicLine(Struct, frozen=True, kw_only=True):
    """A topic as a row of a list."""

    name: str
    entries: int
    last_day: date
    years: tuple[
        tuple[int, int], ...
    ] = ()  # (year, entries or 0 for untold), newest first, when they have pages of their own

    @property
    def path(self) -> str:
        return topic_path(self.name)

    @property
    def feed_path(self) -> str:
        """'topics/大出海/atom.xml'."""
        return f"{self.path}atom.xml"


class Topic(Struct):
    """A topic under the first spelling it was given, with its entries in the order they came in."""

    name: str
    entries: list[Tagged] = field(default_factory=list)

    def line(self, *, most: int) -> TopicLine:
        """As a row of a list; of more entries than `most` each year has a page."""
        counts = Counter(one.day.year for one in self.entries)
        years = tuple(sorted(counts.items(), reverse=True)) if len(self.entries) > most else ()
        return TopicLine(
            name=self.name, entries=len(self.entries), last_day=self.entries[-1].day, years=years
        )

    def newest(self, n: int) -> list[Tagged]:
        """Those that were published last, the newest first."""
        return sorted((one for one in self.entries if one.sent), key=lambda one: (one.sent, one.id))[
            : -n - 1 : -1
        ]


def by_topic(tagged: Iterable[Tagged]) -> dict[str, Topic]:
    """Topics by key, in the order of their first entries; `tagged` oldest first."""
    topics: dict[str, Topic] = {}
    for entry in tagged:
        for key, name in _keyed(entry.names).items():
            topics.setdefault(key, Topic(name)).entries.append(entry)
    return topics


def related(tagged: Iterable[Tagged], *, most: int = MOST_RELATED) -> dict[int, tuple[Tagged, ...]]:
    """Entry id → entries of earlier days that share a topic: the rarest topic's first, of each the newest first.

    Only what is older counts, the rarity too: what an entry is related to does not move as later ones come.
    `tagged` oldest first.
    """
    known: dict[str, list[Tagged]] = {}
    fresh: list[Tagged] = []  # of the day at hand
    found: dict[int, tuple[Tagged, ...]] = {}
    for entry in tagged:
        if fresh and fresh[0].day != entry.day:
            _learn(known, fresh)
            fresh = []
        fresh.append(entry)
        shared = sorted((one for key in _keyed(entry.names) if (one := known.get(key))), key=len)
        chosen = dict.fromkeys(chain.from_iterable(one[: -most - 1 : -1] for one in shared))
        if chosen:
            found[entry.id] = tuple(chosen)[:most]
    return found


def _learn(known: dict[str, list[Tagged]], fresh: Iterable[Tagged]) -> None:
    for entry in fresh:
        for key in _keyed(entry.names):
            known.setdefault(key, []).append(entry)


@lru_cache(maxsize=4096)
def _keyed(names: tuple[str, ...]) -> Mapping[str, str]:
    """Keys of topics and how they are written; one without letters is none."""
    return {key: name for name in names if (key := topic_key(name))}
