"""One scan's transaction: which entry is which, what repeats another one, and all of it written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from publisher.app.scan import Changes, Scanned, Scanning, finding
from publisher.app.summary import DocumentsSummary
from publisher.core.diagnostics import Diagnostic
from publisher.core.identity import Found, Match, Matching, Place, guid, match
from publisher.core.likeness import SHARED, Arrival, NearDuplicate, near_duplicates, sketch
from publisher.store import documents
from publisher.store.documents import DayReading, FileReading, Saving
from publisher.store.engine import Transaction, pieces

if TYPE_CHECKING:
    from publisher.app.ports import Listed
    from publisher.app.reading import ReadEntry, ReadFile

_LOOK_BACK = timedelta(days=400)


class Writing:
    """One scan's transaction."""

    def __init__(
        self,
        tx: Transaction,
        changes: Changes,
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
        # Of what could not be read, only what is known: a name that is no text was never stored, and never can be.
        unread = changes.unread & changes.known.keys()
        paths = {*changes.read, *unread, *(stored.path for stored in changes.gone)}
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
        self.told.append(finding(one.place.file, slug, line=one.source.line, **params))

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
            self.told.append(finding(file, "entry-withdrawn", line=row.line, title=row.title, uid=row.uid))

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
                        finding(read.path, "day-future", line=document.line, day=document.day.isoformat())
                    )
        for day, paths in documents.days_in(self.tx, days).items():
            path, line = days[day]
            others = [other for other in paths if other != path]
            if others:
                self.told.append(
                    finding(path, "day-in-files", line=line, day=day.isoformat(), other=others[0])
                )
