"""Scan: read what changed in the documents folder, say which entry is which, and remember all of it.

    list → read the files that changed → refuse the bad ones → identity → one transaction

A bad file never blocks the others; its last good version stays. Nothing changed: nothing is read.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from publisher.app.ports import Documents, Listed
from publisher.app.summary import DocumentsSummary
from publisher.core.diagnostics import Diagnostic
from publisher.core.errors import FolderError
from publisher.core.faults import fault
from publisher.core.identity import Found, Match, Matching, Place, guid, match
from publisher.core.likeness import SHARED, Arrival, NearDuplicate, near_duplicates, sketch
from publisher.store import documents
from publisher.store.documents import DayReading, FileReading, Saving, StoredFile
from publisher.store.engine import Store, Transaction, pieces

if TYPE_CHECKING:
    from publisher.app.reading import FileReader, ReadEntry, ReadFile
    from publisher.core.reading_options import ReadingOptions

READING = "1"
"""Moves when our own reading of a file changes: every file is read again then."""

_LOOK_BACK = timedelta(days=400)

_ASK_AGAIN = frozenset({"media-missing", "file-unreadable"})
"""Findings that may mend themselves without the file changing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanning:
    """How documents are read; `tag_host` is the publication's."""

    options: ReadingOptions
    entry_level: int
    tag_host: str

    @property
    def reading(self) -> str:
        """Names this way of reading: rows of another one are made anew."""
        return hashlib.sha256(repr((READING, self.options, self.entry_level)).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """What a scan found. `vanishing`: published entries that are missing, too many to be believed."""

    documents: DocumentsSummary = field(default_factory=DocumentsSummary)
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
        changed = _Changes(folder, scanning, known, documents.media(tx))
        changed.forced |= documents.files_showing(tx, changed.moved_media())
        strays = documents.has_strays(tx)
    changed.look(listed, now, settle_s)
    changed.refuse_clashes(store)
    fault("scan-read")
    if changed.nothing and not strays:
        return changed.scanned(DocumentsSummary(), [])
    with store.write() as tx:
        writing = _Writing(tx, changed, scanning, now, today, accept_withdrawals=accept_withdrawals)
        result = writing.write()
    fault("scan-committed")
    return result


@dataclass
class _Changes:
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
                    self.told.append(_finding(one.path, "file-settling", seconds=age_s))
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
        self.told.append(_finding(path, slug, line=1, **params))

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
                    clash = _finding(path, "duplicate-id", line=line, id=name, other=other)
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


class _Writing:
    """One scan's transaction."""

    def __init__(
        self,
        tx: Transaction,
        changes: _Changes,
        scanning: Scanning,
        now: datetime,
        today: date,
        *,
        accept_withdrawals: bool,
    ) -> None:
        self.tx = tx
        self.changes = changes
        self.scanning = scanning
        self.now = now
        self.today = today
        self.accept_withdrawals = accept_withdrawals
        self.entries = [one for read in changes.read.values() if not read.refused for one in read.entries]
        self.told: list[Diagnostic] = []
        self.file_was: dict[str, str] = {}  # uid → where it stood before
        self.judged: set[str] = set()
        self.sketches: dict[str, tuple[int, ...]] = {}
        self.uid_at: dict[str, ReadEntry] = {}
        self.old_places: dict[str, tuple[str, date]] = {}

    def write(self) -> Scanned:
        matching = self._match()
        by_place = {one.place: one for one in self.entries}
        repeats = self._repeats(matching, by_place)
        days = self._save_files()
        self._save_entries(matching, by_place, days, repeats)
        self._tell_withdrawn(matching.withdrawn)
        documents.withdraw(self.tx, matching.withdrawn)
        documents.drop_files(self.tx, [stored.id for stored in self.changes.gone])
        self._save_media()
        self._tell_doubts(matching)
        self._tell_days(days)
        counts = DocumentsSummary(
            new=sum(m.change == "new" for m in matching.matches),
            edited=sum(m.change == "edited" for m in matching.matches),
            moved=sum(m.moved for m in matching.matches),
            withdrawn=len(matching.withdrawn),
        )
        return self.changes.scanned(counts, self.told, matching.vanishing)

    # -- identity

    def _match(self) -> Matching:
        changes = self.changes
        paths = {*changes.read, *changes.unread, *(stored.path for stored in changes.gone)}
        known = documents.known_in(self.tx, paths)
        self.file_was = {one.uid: one.file for one in known}
        found = [
            Found(
                place=one.place, day=one.document.day, sha=one.entry.sha, text=one.text, number=one.source.number,
                explicit_id=one.source.explicit_id,
            )
            for one in self.entries
        ]  # fmt: skip
        return match(
            known, found, texts_of=lambda uids: documents.texts(self.tx, uids), unread=frozenset(changes.unread),
            accept_withdrawals=self.accept_withdrawals, taken=documents.every_uid(self.tx),
            published=documents.published_count(self.tx),
        )  # fmt: skip

    def _repeats(self, matching: Matching, by_place: dict[Place, ReadEntry]) -> dict[str, NearDuplicate]:
        """New (and edited, not yet published) entries of recent days that say what another one says."""
        since = self.today - _LOOK_BACK
        arrivals = []
        for m in sorted(matching.matches, key=lambda m: (m.found.day, m.found.place)):
            self.uid_at[m.uid] = by_place[m.found.place]
            if m.found.day >= since and (m.known is None or (m.edited and not m.known.published)):
                # Each entry counts as a file of its own, so that repetitions within a file are seen too.
                text = m.found.text
                arrivals.append(Arrival(uid=m.uid, file=m.uid, text=text, sketch=sketch(text)))
        self.judged = {arrival.uid for arrival in arrivals}
        if not arrivals:
            return {}
        self.sketches = {arrival.uid: arrival.sketch for arrival in arrivals}
        index, self.old_places = documents.sketch_index(
            self.tx, self.sketches.values(), since=since, share=SHARED
        )
        found = near_duplicates(
            arrivals, index=index, file_of={uid: uid for uid in self.old_places},
            texts_of=lambda uids: documents.texts(self.tx, uids),
        )  # fmt: skip
        return {one.uid: one for one in found}

    def _hold(self, m: Match, one: ReadEntry, repeat: NearDuplicate | None) -> str | None:
        """Why a new entry waits, told to the curator; None when it may go."""
        if repeat is None:
            return None
        original = self.uid_at.get(repeat.of)
        file, day = self.old_places.get(repeat.of, ("", one.document.day))
        if original is not None:
            file, day = original.place.file, original.document.day
        where = f"{file}:{original.source.line}" if original else (file or repeat.of)
        score = f"{repeat.score:.2f}"
        if original is not None and original.entry.sha == one.entry.sha:
            self._tell(one, "entry-repeated", other=where)
            return f"repeat:{repeat.of}"
        if file == one.place.file:
            self._tell(one, "entry-too-similar", other=where, score=score)
            return None
        self._tell(one, "near-duplicate", other=where, day=day.isoformat(), score=score, uid=m.uid)
        return f"near-duplicate:{repeat.of}"

    # -- writing

    def _save_files(self) -> dict[tuple[str, int], int]:
        """Write files and days down; returns (path, position of the day) → document id."""
        changes, placed = self.changes, dict[tuple[str, int], int]()
        for stored, listed in changes.touched:
            documents.touch_file(self.tx, stored.id, size=listed.size, mtime_ns=listed.mtime_ns)
        for path, read in changes.read.items():
            listed, sha256 = changes.facts[path]
            file_id = documents.save_file(self.tx, self._file(read, listed, sha256), self.now)
            if not read.refused:
                days = [
                    DayReading(position=n, day=d.day, title=d.title, preface=d.preface)
                    for n, d in enumerate(read.documents)
                ]
                ids = documents.replace_days(self.tx, file_id, days)
                placed |= {(path, position): document_id for position, document_id in ids.items()}
        return placed

    def _file(self, read: ReadFile, listed: Listed, sha256: str) -> FileReading:
        return FileReading(
            path=read.path, sha256=sha256, size=listed.size, mtime_ns=listed.mtime_ns,
            reading=self.scanning.reading, refused=read.refused, diagnostics=read.diagnostics,
        )  # fmt: skip

    def _save_entries(
        self,
        matching: Matching,
        by_place: dict[Place, ReadEntry],
        days: dict[tuple[str, int], int],
        repeats: dict[str, NearDuplicate],
    ) -> None:
        for some in pieces(matching.matches):  # rows of ten thousand entries at once would fill the memory
            savings, sketches = [], {}
            for m in some:
                one = by_place[m.found.place]
                hold = self._hold(m, one, repeats.get(m.uid))
                savings.append(
                    Saving(
                        uid=m.uid, guid=guid(self.scanning.tag_host, m.found.day, m.uid), reading=one.stored(),
                        new=m.known is None, edited=m.edited, judged=m.uid in self.judged, hold=hold,
                    )
                )  # fmt: skip
                if (m.known is None or m.edited) and m.found.day >= self.today - _LOOK_BACK:
                    sketches[m.uid] = self.sketches.get(m.uid) or sketch(m.found.text)
                self._tell_change(m, one)
            documents.save_entries(self.tx, savings, days, self.now)
            documents.save_sketches(self.tx, sketches)

    def _save_media(self) -> None:
        reader = self.changes.reader
        documents.save_media(self.tx, reader.fresh.values())
        gone = [
            path
            for path in self.changes.media
            if path not in reader.fresh and self.changes.folder.look(path) is None
        ]
        documents.drop_media(self.tx, gone)

    # -- what the curator is told

    def _tell(self, one: ReadEntry, slug: str, **params: object) -> None:
        self.told.append(_finding(one.place.file, slug, line=one.source.line, **params))

    def _tell_change(self, m: Match, one: ReadEntry) -> None:
        if m.known is None or not m.known.published:
            return
        if m.moved:
            self._tell(one, "entry-moved", uid=m.uid, day=m.known.day.isoformat())
        if m.edited:
            self._tell(one, "entry-edited", uid=m.uid)

    def _tell_withdrawn(self, uids: Sequence[str]) -> None:
        for row in documents.published_titles(self.tx, uids):
            file = self.file_was.get(row.uid) or row.permalink
            self.told.append(_finding(file, "entry-withdrawn", line=row.line, title=row.title, uid=row.uid))

    def _tell_doubts(self, matching: Matching) -> None:
        at = {one.place: one for one in self.entries}
        for doubt in matching.doubts:
            self._tell(at[doubt.place], "two-candidates", uid=doubt.uid, other=doubt.rivals[0][1])

    def _tell_days(self, placed: dict[tuple[str, int], int]) -> None:
        days: dict[date, tuple[str, int]] = {}
        for read in self.changes.read.values():
            for document in () if read.refused else read.documents:
                days.setdefault(document.day, (read.path, document.line))
                if document.day > self.today:
                    self.told.append(
                        _finding(read.path, "day-future", line=document.line, day=document.day.isoformat())
                    )
        for day, paths in documents.days_in(self.tx, days).items():
            path, line = days[day]
            others = [other for other in paths if other != path]
            if others:
                self.told.append(
                    _finding(path, "day-in-files", line=line, day=day.isoformat(), other=others[0])
                )


def _finding(path: str, slug: str, *, line: int = 1, **params: object) -> Diagnostic:
    return Diagnostic(file=_shown(path), line=line, column=1, slug=slug, params=params)


def _is_text(path: str) -> bool:
    """False for a name whose bytes are no UTF-8."""
    return path.encode("utf-8", "replace").decode() == path


def _shown(path: str) -> str:
    return path.encode("utf-8", "replace").decode()
