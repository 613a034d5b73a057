"""Issues: which entries go out together, what an issue is called, and published entries as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from msgspec import Struct, field

from publisher.core.link import LinkState

if TYPE_CHECKING:  # reading Markdown is not loaded where only names and lines of entries are needed
    from publisher.core.entry import Entry


class IssueName(Struct, frozen=True, order=True):
    """The slot and the sequence within it (1, then 2 for --extra). Written '2025-01-29' or '2025-01-29/2'."""

    day: date
    sequence: int = 1

    def __str__(self) -> str:
        return self.day.isoformat() + (f"/{self.sequence}" if self.sequence > 1 else "")


class Correction(Struct, frozen=True, kw_only=True):
    """A note by the curator that an entry was wrong, from `publisher correct UID --note`."""

    at: datetime
    note: str


class PublishedEntry(Struct, frozen=True, kw_only=True):
    """An entry with its identity and its public life: what every rendering takes."""

    uid: str  # 10 characters base32, lower case
    guid: str  # 'tag:HOST,2025-01-29:UID'
    permalink: str  # below the site root, no leading '/': '2025/01/29/UID/'. Fixed, also after a move
    day: date  # the curator's day it stands under now
    position: int  # order within its day (over all files of that day), from 0
    entry: Entry
    issue: IssueName | None  # None: archived, page only, in no feed or mail
    published_at: datetime  # aware UTC, whole seconds, distinct within an issue
    updated_at: datetime  # moves only when the normalised text does; never before published_at
    late: bool = False  # its day had been published before: stands under 补
    corrections: tuple[Correction, ...] = ()
    links: Mapping[str, LinkState] = field(
        default_factory=dict
    )  # by EntryLink.url; a missing one is unchecked
    media: Mapping[str, str] = field(default_factory=dict)  # 'pic.png' as written → 'media/<sha256>.png'

    def link_state(self, url: str) -> LinkState:
        return self.links.get(url) or LinkState(url=url)


class EntryLine(Struct, frozen=True, kw_only=True):
    """An entry as one line of a list: what archives, neighbours and tables need, without its text."""

    uid: str
    permalink: str
    day: date
    position: int
    number: int | None
    label: str
    title: str
    words: int
    minutes: int
    topics: tuple[str, ...] = ()  # names
    updated_at: datetime | None = None


class PublishedDay(Struct, frozen=True, kw_only=True):
    """A curator's day with its published (and archived) entries in file order."""

    day: date
    title: str = ""
    preface: str = ""  # Markdown
    entries: tuple[PublishedEntry, ...] = ()
