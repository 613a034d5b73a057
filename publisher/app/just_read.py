"""Entries as the scan of this run read them: reading is half the work of a first build, and pages need it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publisher.core.document import EntrySource
    from publisher.core.entry import Entry
    from publisher.core.reading_options import ReadingOptions

_MOST_CHARACTERS = 2_000_000
"""Of Markdown; their tokens take some 70 MB."""


class _JustRead:
    def __init__(self) -> None:
        self.entries: dict[tuple[EntrySource, ReadingOptions], Entry] = {}
        self.room = _MOST_CHARACTERS


_now = _JustRead()


def keep(source: EntrySource, options: ReadingOptions, entry: Entry) -> None:
    """Keep an entry until `forget`, unless there are enough of them."""
    _now.room -= len(source.markdown)
    if _now.room >= 0:
        _now.entries[source, options] = entry


def kept(source: EntrySource, options: ReadingOptions) -> Entry | None:
    """An entry of this run's scan."""
    return _now.entries.get((source, options))


def forget() -> None:
    """The run is over."""
    _now.entries.clear()
    _now.room = _MOST_CHARACTERS
