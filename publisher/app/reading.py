"""Reading a day file: its documents, its entries with what they say, and the files they show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from publisher.app import just_read
from publisher.app.ports import Documents
from publisher.core.diagnostics import Diagnostic, has_errors
from publisher.core.document import Document, EntrySource, parse_file
from publisher.core.entry import Entry, read_entry
from publisher.core.errors import FolderError
from publisher.core.identity import Place
from publisher.core.media import MOST_MEGABYTES, is_published_kind, media_path
from publisher.core.reading_options import ReadingOptions
from publisher.store.documents import EntryReading, StoredMedia, comparable

_MEGABYTE = 2**20


_RECENT = 200
"""Entries kept as they were read: those of today are wanted for pages, the home page, the feeds and the digest."""


@lru_cache(maxsize=_RECENT)
def entry_of(source: EntrySource, options: ReadingOptions) -> Entry:
    """What an entry says. The last ones are remembered: the same source and options give an equal entry."""
    return just_read.kept(source, options) or read_entry(source, options=options)[0]


class ReadEntry(Struct, frozen=True, kw_only=True):
    """An entry of a file with its place."""

    place: Place
    document: Document
    source: EntrySource
    entry: (
        Entry  # without tokens and text, which would fill half a gigabyte when a large folder is read at once
    )
    length: int  # of its text, in characters
    media: dict[str, str]  # name as written → 'media/<sha256>.<ext>'

    @property
    def text(self) -> str:
        """What identity compares."""
        return comparable(self.source.heading, self.source.markdown)

    def stored(self) -> EntryReading:
        """As the store takes it."""
        source, entry = self.source, self.entry
        return EntryReading(
            place=self.place, day=self.document.day, number=source.number, label=source.label, line=source.line,
            body_line=source.body_line, draft=source.draft or self.document.draft, explicit_id=source.explicit_id,
            heading=source.heading, heading_url=source.heading_url, markdown=source.markdown, sha=entry.sha,
            source_sha=_source_sha(source), length=self.length, title=entry.title, title_rule=entry.title_rule,
            summary=entry.summary, words=entry.words, minutes=entry.minutes, lang=entry.lang,
            topics=tuple(topic.name for topic in entry.topics), media=self.media,
            links=tuple((link.url, _host(link.url)) for link in entry.links),
        )  # fmt: skip


class ReadFile(Struct, frozen=True, kw_only=True):
    """A file as read. With an error among the diagnostics nothing of it is published."""

    path: str
    documents: tuple[Document, ...] = ()
    entries: tuple[ReadEntry, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def refused(self) -> bool:
        return has_errors(self.diagnostics)

    def blamed(self, *found: Diagnostic) -> ReadFile:
        """The same file with further findings, in the order of their places."""
        every = sorted((*self.diagnostics, *found), key=lambda d: (d.line, d.column))
        return replace(self, diagnostics=tuple(every))


@dataclass(kw_only=True)
class FileReader:
    """Reads files of one folder. `media` is what was known of files beside them; `fresh` what was learnt anew; with
    `for_pages` entries are kept for the rest of the run."""

    folder: Documents
    options: ReadingOptions
    entry_level: int
    media: dict[str, StoredMedia] = field(default_factory=dict)
    fresh: dict[str, StoredMedia] = field(default_factory=dict)
    for_pages: bool = False

    def read(self, path: str, data: bytes) -> ReadFile:
        """Read one file. Never raises for any content."""
        parsed = parse_file(path, data, entry_level=self.entry_level)
        found = list(parsed.diagnostics)
        entries: list[ReadEntry] = []
        for index, document in enumerate(parsed.documents):
            for position, source in enumerate(document.entries):
                entry, told = read_entry(source, file=path, options=self.options)
                if self.for_pages:
                    just_read.keep(source, self.options, entry)
                found += told
                media = dict(self._media(path, source, entry, found))
                place = Place(path, index, position)
                light = replace(entry, blocks=(), text="")
                entries.append(
                    ReadEntry(
                        place=place, document=document, source=source, entry=light, length=len(entry.text), media=media
                    )
                )  # fmt: skip
        read = ReadFile(path=path, documents=parsed.documents, entries=tuple(entries))
        return read.blamed(*found)

    def _media(
        self, path: str, source: EntrySource, entry: Entry, found: list[Diagnostic]
    ) -> Iterator[tuple[str, str]]:
        for name in entry.media:
            output = self._medium(path, name)
            if isinstance(output, str):
                yield name, output
            else:
                slug, params = output
                line, column = _place_of(source, name)
                found.append(Diagnostic(file=path, line=line, column=column, slug=slug, params=params))

    def _medium(self, path: str, name: str) -> str | tuple[str, dict[str, object]]:
        """Where the file will lie, or the finding that keeps it away."""
        try:
            listed = self.folder.find(path, name)
        except ValueError:
            return "media-outside", {"path": name}
        if listed is None:
            return "media-missing", {"path": name}
        if not is_published_kind(listed.path):
            return "media-type", {"path": name}
        if listed.size > MOST_MEGABYTES * _MEGABYTE:
            return "media-too-large", {
                "path": name,
                "size": listed.size // _MEGABYTE,
                "limit": MOST_MEGABYTES,
            }
        known = self.fresh.get(listed.path) or self.media.get(listed.path)
        if known is None or (known.size, known.mtime_ns) != (listed.size, listed.mtime_ns):
            try:
                sha256 = hashlib.sha256(self.folder.read(listed.path)).hexdigest()
            except FolderError:
                return "media-missing", {"path": name}
            output = media_path(listed.path, sha256)
            known = StoredMedia(listed.path, sha256, output, listed.size, listed.mtime_ns)
        self.fresh[listed.path] = known
        return known.output


def _place_of(source: EntrySource, name: str) -> tuple[int, int]:
    """Line and column where the file is named first."""
    for offset, line in enumerate(source.markdown.split("\n")):
        at = line.find(name)
        if at >= 0:
            return source.body_line + offset, at + 1
    return source.line, 1


def _source_sha(source: EntrySource) -> str:
    said = (source.heading, source.heading_url, source.markdown)
    return hashlib.sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


def _host(url: str) -> str:
    from publisher.core.link import host_label

    return host_label(url)
