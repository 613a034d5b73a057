"""Scan: read what changed in the documents folder, say which entry is which, and remember all of it.

    list → read the files that changed → refuse the bad ones → identity → one transaction

A bad file never blocks the others; its last good version stays. Nothing changed: nothing is read.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from publisher.app.ports import Documents, Listed
from publisher.app.summary import DocumentsSummary
from publisher.core.diagnostics import Diagnostic
from publisher.core.errors import FolderError
from publisher.core.faults import fault
from publisher.store import documents
from publisher.store.documents import StoredFile
from publisher.store.engine import Store

if TYPE_CHECKING:
    from publisher.app.reading import FileReader, ReadFile
    from publisher.core.reading_options import ReadingOptions

READING = "1"
"""Moves when our own reading of a file changes: every file is read again then."""

_ASK_AGAIN = frozenset({"media-missing", "file-unreadable"})
"""Findings that may mend themselves without the file changing."""


class Scanning(Struct, frozen=True, kw_only=True):
    """How documents are read; `tag_host` is the publication's."""

    options: ReadingOptions
    entry_level: int
    tag_host: str

    @property
    def reading(self) -> str:
        """Names this way of reading: rows of another one are made anew."""
        return hashlib.sha256(repr((READING, self.options, self.entry_level)).encode()).hexdigest()[:12]


class Scanned(Struct, frozen=True, kw_only=True):
    """What a scan found. `vanishing`: published entries that are missing, too many to be believed."""

    documents: DocumentsSummary = DocumentsSummary()
    entries: int = 0  # read in this scan, of changed files
    diagnostics: tuple[Diagnostic, ...] = ()
    vanishing: tuple[str, ...] = ()
    changed: bool = False  # the store was written


def scan(
    store: Store,
    folder: Documents,
    scanning: Scanning,
    *,
    now: datetime,
    today: date,
    settle_s: int = 0,
    accept_withdrawals: bool = False,
) -> Scanned:
    """Bring the store up to the folder. A second call finds nothing to do.

    `settle_s`: files changed less long ago are left alone (0: none). Raises FolderError when the folder itself
    cannot be listed: nothing is withdrawn then.
    """
    listed = sorted(folder.list(), key=lambda one: one.path)
    with store.read() as tx:
        known = documents.files(tx)
        changed = Changes(folder, scanning, known, documents.media(tx))
        changed.forced |= documents.files_showing(tx, changed.moved_media())
        strays = documents.has_strays(tx)
    changed.look(listed, now, settle_s)
    changed.refuse_clashes(store)
    fault("scan-read")
    if changed.nothing and not strays:
        return changed.scanned(DocumentsSummary(), [])
    from publisher.app.scan_writing import Writing

    with store.write() as tx:
        writing = Writing(tx, changed, scanning, now, today, accept_withdrawals=accept_withdrawals)
        result = writing.write()
    fault("scan-committed")
    return result


@dataclass
class Changes:
    """What differs between the folder and the store."""

    folder: Documents
    scanning: Scanning
    known: dict[str, StoredFile]
    media: dict[str, documents.StoredMedia]
    forced: set[str] = field(default_factory=set)
    read: dict[str, ReadFile] = field(default_factory=dict)  # good and refused ones, by path
    facts: dict[str, tuple[Listed, str]] = field(default_factory=dict)  # path → (as listed, sha256)
    touched: list[tuple[StoredFile, Listed]] = field(default_factory=list)
    gone: list[StoredFile] = field(default_factory=list)
    told: list[Diagnostic] = field(default_factory=list)  # of files that could not be read at all
    unread: set[str] = field(default_factory=set)
    files: int = 0

    @cached_property
    def reader(self) -> FileReader:
        """Loaded with everything that reads Markdown when the first file has changed."""
        from publisher.app.reading import FileReader

        return FileReader(
            folder=self.folder,
            options=self.scanning.options,
            entry_level=self.scanning.entry_level,
            media=self.media,
            for_pages=True,
        )

    @property
    def nothing(self) -> bool:
        """Nothing to write: the files are as they were."""
        return not (self.read or self.touched or self.gone)

    def moved_media(self) -> list[str]:
        """Outputs whose files beside the documents changed or went."""
        moved = []
        for stored in self.media.values():
            there = self.folder.look(stored.path)
            if there is None or (there.size, there.mtime_ns) != (stored.size, stored.mtime_ns):
                moved.append(stored.output)
        return moved

    def look(self, listed: Sequence[Listed], now: datetime, settle_s: int) -> None:
        """Read what changed since the last scan."""
        self.files = len(listed)
        paths = {one.path for one in listed}
        self.gone = [stored for path, stored in self.known.items() if path not in paths]
        for one in listed:
            if not _is_text(one.path):
                self._tell(one.path, "file-name-unreadable")
            elif self._is_fresh(one):
                age_s = int(now.timestamp() - one.mtime_ns / 1e9)
                if 0 <= age_s < settle_s:
                    self.told.append(finding(one.path, "file-settling", seconds=age_s))
                else:
                    self._read(one)
        self.unread |= {
            p for p, stored in self.known.items() if stored.refused and p in paths and p not in self.read
        }
        self.unread |= {path for path, read in self.read.items() if read.refused}

    def _is_fresh(self, one: Listed) -> bool:
        stored = self.known.get(one.path)
        if stored is None or one.path in self.forced or stored.reading != self.scanning.reading:
            return True
        if any(found.slug in _ASK_AGAIN for found in stored.diagnostics):
            return True
        return (stored.size, stored.mtime_ns) != (one.size, one.mtime_ns)

    def _read(self, one: Listed) -> None:
        try:
            data = self.folder.read(one.path)
        except FolderError as exc:
            gone = self.folder.look(one.path) is None
            self._tell(one.path, "file-vanished" if gone else "file-unreadable", reason=str(exc))
            return
        sha256 = hashlib.sha256(data).hexdigest()
        stored = self.known.get(one.path)
        again = one.path in self.forced or (stored and any(f.slug in _ASK_AGAIN for f in stored.diagnostics))
        if stored and stored.sha256 == sha256 and stored.reading == self.scanning.reading and not again:
            self.touched.append((stored, one))
            return
        read = self.reader.read(one.path, data)
        if (
            again
            and stored
            and stored.sha256 == sha256
            and read.diagnostics == stored.diagnostics
            and one.path not in self.forced
        ):
            return  # what was missing is missing still
        self.read[one.path] = read
        self.facts[one.path] = (one, sha256)

    def _tell(self, path: str, slug: str, **params: str) -> None:
        self.unread.add(path)
        self.told.append(finding(path, slug, line=1, **params))

    def refuse_clashes(self, store: Store) -> None:
        """An explicit id in two places: an error in each file that was read now."""
        places: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for read in self.read.values():
            for one in read.entries:
                if one.source.explicit_id and not read.refused:
                    places[one.source.explicit_id].append((read.path, one.source.line))
        if not places:
            return
        with store.read() as tx:
            elsewhere = documents.holders_of_ids(tx, places)
        gone = {stored.path for stored in self.gone}
        for name, here in places.items():
            old = elsewhere.get(name)
            if old and old[0] not in self.read and old[0] not in gone:
                here = [*here, old]
            for path, line in here:
                others = [place for place in here if place[0] != path]
                if others and path in self.read:
                    other = f"{others[0][0]}:{others[0][1]}"
                    clash = finding(path, "duplicate-id", line=line, id=name, other=other)
                    self.read[path] = self.read[path].blamed(clash)
                    self.unread.add(path)

    def scanned(
        self, counts: DocumentsSummary, told: Iterable[Diagnostic], vanishing: tuple[str, ...] = ()
    ) -> Scanned:
        """The result, with the findings of files read now and the errors of those that stay refused."""
        refused = [
            s for p, s in self.known.items() if s.refused and p not in self.read and s not in self.gone
        ]
        found = [d for read in self.read.values() for d in read.diagnostics]
        found += [d for stored in refused for d in stored.diagnostics if d.level == "error"]
        found = [*found, *self.told, *told]
        errors = {d.file for d in found if d.level == "error"}
        summary = DocumentsSummary(
            read=self.files - len(errors), refused=len(errors), new=counts.new, edited=counts.edited,
            moved=counts.moved, withdrawn=counts.withdrawn, archived=counts.archived,
        )  # fmt: skip
        ordered = sorted(found, key=lambda d: (d.file, d.line, d.column))
        entries = sum(len(read.entries) for read in self.read.values())
        return Scanned(
            documents=summary, entries=entries, diagnostics=tuple(ordered), vanishing=vanishing,
            changed=bool(self.read or self.gone),
        )  # fmt: skip


def finding(path: str, slug: str, *, line: int = 1, **params: object) -> Diagnostic:
    """A finding about a file, named so that it can be shown."""
    return Diagnostic(file=_shown(path), line=line, column=1, slug=slug, params=params)


def _is_text(path: str) -> bool:
    """False for a name whose bytes are no UTF-8."""
    return path.encode("utf-8", "replace").decode() == path


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode()
