"""What the curator's folder holds, as last read: files, days and entries; no text is ever lost, none kept twice."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Text, bindparam, cast, delete, func, insert, or_, select, type_coerce, update
from sqlalchemy.dialects.sqlite import insert as upsert

from publisher.core.choice import Candidate
from publisher.core.diagnostics import Diagnostic
from publisher.core.identity import Known, Place
from publisher.store import schema as s
from publisher.store.engine import Transaction, new_id, pieces
from publisher.store.links import set_links


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file as last read. `reading` names the version and options of the reading that produced its rows."""

    id: int
    path: str
    sha256: str
    size: int
    mtime_ns: int
    reading: str
    refused: bool  # the last good version stays
    diagnostics: tuple[Diagnostic, ...]


class FileReading(Struct, frozen=True, kw_only=True):
    """A file as just read, to be written down."""

    path: str
    sha256: str
    size: int
    mtime_ns: int
    reading: str
    refused: bool
    diagnostics: tuple[Diagnostic, ...]


class DayReading(Struct, frozen=True, kw_only=True):
    """A day of a file; `position` is its index within the file."""

    position: int
    day: date
    title: str
    preface: str


class EntryReading(Struct, frozen=True, kw_only=True):
    """An entry as just read: where it stands and what it says. Names of columns of `entries`."""

    place: Place
    day: date
    number: int | None
    label: str
    line: int
    body_line: int
    draft: bool
    explicit_id: str | None
    heading: str
    heading_url: str | None
    markdown: str
    sha: str
    source_sha: str
    length: int
    title: str
    title_rule: str
    summary: str
    words: int
    minutes: int
    lang: str
    topics: tuple[str, ...]
    media: Mapping[str, str]
    links: tuple[tuple[str, str], ...]  # (url, host), in the order of the text


# ---------------------------------------------------------------- files


def files(tx: Transaction) -> dict[str, StoredFile]:
    """Every file by its path."""
    c = s.files.c
    plain = (c.id, c.path, c.sha256, c.size, c.mtime_ns, c.reading, c.refused)
    rows = tx.execute(select(*plain, type_coerce(c.diagnostics, Text)))  # most have none: nothing to convert
    return {
        path: StoredFile(
            id=id_, path=path, sha256=sha256, size=size, mtime_ns=mtime_ns, reading=reading, refused=bool(refused),
            diagnostics=tuple(Diagnostic(**one) for one in json.loads(said)) if said != "[]" else (),
        )
        for id_, path, sha256, size, mtime_ns, reading, refused, said in rows
    }  # fmt: skip


def save_file(tx: Transaction, reading: FileReading, now: datetime) -> int:
    """Write a file down as just read; returns its id. A second call for a path replaces the first."""
    found = [
        {"file": d.file, "line": d.line, "column": d.column, "slug": d.slug, "params": dict(d.params)}
        for d in reading.diagnostics
    ]
    values: dict[str, Any] = {
        "sha256": reading.sha256, "size": reading.size, "mtime_ns": reading.mtime_ns, "reading": reading.reading,
        "refused": int(reading.refused), "diagnostics": found, "parsed_at": now,
    }  # fmt: skip
    statement = upsert(s.files).values(path=reading.path, **values)
    statement = statement.on_conflict_do_update(index_elements=["path"], set_=values)
    return int(tx.execute(statement.returning(s.files.c.id)).scalar_one())


def touch_file(tx: Transaction, file_id: int, *, size: int, mtime_ns: int) -> None:
    """The same bytes with another time."""
    tx.execute(update(s.files).where(s.files.c.id == file_id).values(size=size, mtime_ns=mtime_ns))


def drop_files(tx: Transaction, file_ids: Collection[int]) -> None:
    """Files that are gone from the folder. Their entries must have been moved or withdrawn before."""
    for ids in pieces(file_ids):
        old = select(s.documents.c.id).where(s.documents.c.file_id.in_(ids))
        tx.execute(update(s.entries).where(s.entries.c.document_id.in_(old)).values(document_id=None))
        tx.execute(delete(s.documents).where(s.documents.c.file_id.in_(ids)))
        tx.execute(delete(s.files).where(s.files.c.id.in_(ids)))


def replace_days(tx: Transaction, file_id: int, days: Sequence[DayReading]) -> dict[int, int]:
    """The days of a file as they are now; returns their ids by position.

    Entries that stood in the old ones stand nowhere until `save_entries` places them.
    """
    old = select(s.documents.c.id).where(s.documents.c.file_id == file_id)
    tx.execute(update(s.entries).where(s.entries.c.document_id.in_(old)).values(document_id=None))
    tx.execute(delete(s.documents).where(s.documents.c.file_id == file_id))
    placed: dict[int, int] = {}
    for day in days:
        made = tx.execute(
            insert(s.documents).values(
                file_id=file_id, day=day.day, position=day.position, title=day.title, preface=day.preface
            )
        )
        placed[day.position] = new_id(made)
    return placed


# ---------------------------------------------------------------- who is who

_PLACED = (
    select(s.entries, s.files.c.path, s.documents.c.position.label("document"))
    .select_from(s.entries)
    .outerjoin(s.documents, s.documents.c.id == s.entries.c.document_id)
    .outerjoin(s.files, s.files.c.id == s.documents.c.file_id)
)


def known_in(tx: Transaction, paths: Collection[str]) -> list[Known]:
    """Entries of these files, and those that stand in no file: withdrawn, adopted, or kept by the guard."""
    found = list(tx.execute(_PLACED.where(s.entries.c.document_id.is_(None))))
    for some in pieces(paths):
        found += tx.execute(_PLACED.where(s.files.c.path.in_(some)))
    return [_known(row) for row in found]


def has_strays(tx: Transaction) -> bool:
    """Whether entries stand in no file although they were not withdrawn."""
    query = select(s.entries.c.id).where(s.entries.c.document_id.is_(None), s.entries.c.state != "withdrawn")
    return tx.execute(query.limit(1)).first() is not None


def _known(row: Row[Any]) -> Known:
    return Known(
        uid=row.uid, day=row.day, sha=row.sha, file=row.path or "", number=row.number,
        explicit_id=row.explicit_id, state=row.state, published=row.permalink is not None,
    )  # fmt: skip


def published_count(tx: Transaction) -> int:
    """How many entries have a page."""
    query = select(func.count()).where(s.entries.c.permalink.is_not(None), s.entries.c.state != "withdrawn")
    return int(tx.execute(query).scalar_one())


def texts(tx: Transaction, uids: Collection[str]) -> dict[str, str]:
    """Heading and Markdown by uid: what `identity.Found.text` holds too."""
    c = s.entries.c
    found: dict[str, str] = {}
    for some in pieces(uids):
        for row in tx.execute(select(c.uid, c.heading, c.markdown).where(c.uid.in_(some))):
            found[row.uid] = comparable(row.heading, row.markdown)
    return found


def comparable(heading: str, markdown: str) -> str:
    """An entry's text as identity compares it."""
    return f"{heading}\n{markdown}" if heading else markdown


def every_uid(tx: Transaction) -> set[str]:
    """The names in use."""
    return set(tx.execute(select(s.entries.c.uid)).scalars())


def days_in(tx: Transaction, days: Collection[date]) -> dict[date, list[str]]:
    """In which files these days stand, by path."""
    found: dict[date, list[str]] = defaultdict(list)
    d = s.documents.c
    for some in pieces(days):
        query = select(d.day, s.files.c.path).join(s.files, s.files.c.id == d.file_id).where(d.day.in_(some))
        for row in tx.execute(query.distinct().order_by(s.files.c.path)):
            found[row.day].append(row.path)
    return found


def holders_of_ids(tx: Transaction, explicit_ids: Collection[str]) -> dict[str, tuple[str, int]]:
    """Where these explicit ids stand: (path, line of the entry)."""
    found: dict[str, tuple[str, int]] = {}
    for some in pieces(explicit_ids):
        query = _PLACED.where(s.entries.c.explicit_id.in_(some), s.files.c.path.is_not(None))
        found |= {row.explicit_id: (row.path, row.line) for row in tx.execute(query)}
    return found


# ---------------------------------------------------------------- writing entries


class Saving(Struct, frozen=True, kw_only=True):
    """One entry to be written. `guid` is used for a new one; `edited`: its words changed."""

    uid: str
    guid: str
    reading: EntryReading
    new: bool
    edited: bool
    judged: bool = False  # whether it repeats another entry was asked again: `hold` is the answer
    hold: str | None = None


def save_entries(
    tx: Transaction, savings: Sequence[Saving], documents: Mapping[tuple[str, int], int], now: datetime
) -> None:
    """Place entries and keep every wording. `documents`: (path, position of the day) → document id.

    An edit moves `updated_at` of what is published, and of nothing else. A withdrawn entry that is here again
    becomes what it was.
    """
    ids = {row.uid: row for row in _rows_of(tx, [saving.uid for saving in savings if not saving.new])}
    next_id = int(tx.execute(select(func.coalesce(func.max(s.entries.c.id), 0))).scalar_one()) + 1
    new_rows, old_rows, wordings, linked = [], [], [], []
    for saving in savings:
        text = _copy(saving.reading.markdown)
        row = _columns(saving.reading, documents) | {"markdown": text}
        if saving.new:
            entry_id, next_id = next_id, next_id + 1
            new_rows.append(row | _born(saving, now) | {"id": entry_id})
        else:
            before = ids[saving.uid]
            entry_id = before.id
            old_rows.append(
                {f"b_{name}": value for name, value in (row | _after(before, saving, now)).items()}
                | {"b_id": entry_id}
            )
        wordings.append(_wording(entry_id, saving.reading, now) | {"markdown": text})
        linked.append((entry_id, saving.reading.links))
    _write_entries(tx, new_rows, old_rows)
    if wordings:
        tx.execute(upsert(s.revisions).on_conflict_do_nothing(), wordings)
    set_links(tx, dict(linked))


def _copy(text: str) -> str:
    """The same text as an object of its own, to be bound and dropped: Python keeps beside every str that was handed to
    SQLite what it is in UTF-8, and the texts of a whole archive are held until it is saved."""
    return f"{text} "[:-1]


def _rows_of(tx: Transaction, uids: Sequence[str]) -> Iterator[Any]:
    c = s.entries.c
    columns = (c.id, c.uid, c.state, c.hold, c.issue_id, c.permalink, c.published_at, c.updated_at)
    for some in pieces(uids):
        yield from tx.execute(select(*columns).where(c.uid.in_(some)))


def _columns(reading: EntryReading, documents: Mapping[tuple[str, int], int]) -> dict[str, Any]:
    plain = {
        name: getattr(reading, name)
        for name in EntryReading.__struct_fields__
        if name not in ("place", "links")
    }
    return plain | {
        "document_id": documents[reading.place.file, reading.place.document],
        "position": reading.place.position, "draft": int(reading.draft),
        "topics": list(reading.topics), "media": dict(reading.media),
    }  # fmt: skip


def _born(saving: Saving, now: datetime) -> dict[str, Any]:
    return {
        "uid": saving.uid, "guid": saving.guid, "state": "live", "hold": saving.hold, "allowed": 0, "late": 0,
        "first_seen": now,
    }  # fmt: skip


def _after(before: Row[Any], saving: Saving, now: datetime) -> dict[str, Any]:
    state = before.state
    if state == "withdrawn":
        state = "archived" if before.permalink and before.issue_id is None else "live"
    moved = saving.edited and before.published_at is not None
    at = max(now.replace(microsecond=0), before.published_at) if moved else before.updated_at
    hold = saving.hold if saving.judged else before.hold
    return {"state": state, "updated_at": at, "hold": hold}


def _wording(entry_id: int, reading: EntryReading, now: datetime) -> dict[str, Any]:
    return {
        "entry_id": entry_id, "sha": reading.source_sha, "seen_at": now, "heading": reading.heading,
        "markdown": reading.markdown,
    }  # fmt: skip


def _write_entries(tx: Transaction, new: list[dict[str, Any]], old: list[dict[str, Any]]) -> None:
    if new:
        tx.execute(insert(s.entries), new)
    if old:
        names = [name.removeprefix("b_") for name in old[0] if name != "b_id"]
        statement = update(s.entries).where(s.entries.c.id == bindparam("b_id"))
        tx.execute(statement.values({name: bindparam(f"b_{name}") for name in names}), old)


def withdraw(tx: Transaction, uids: Collection[str]) -> None:
    """These entries are in no file any more; their text, names and numbers are kept."""
    for some in pieces(uids):
        tx.execute(
            update(s.entries).where(s.entries.c.uid.in_(some)).values(state="withdrawn", document_id=None)
        )


# ---------------------------------------------------------------- likeness


def save_sketches(tx: Transaction, sketches: Mapping[str, tuple[int, ...]]) -> None:
    """Replace the sketches of these entries (by uid)."""
    ids = {row.uid: row.id for row in _rows_of(tx, list(sketches))}
    for some in pieces(ids.values()):
        tx.execute(delete(s.sketches).where(s.sketches.c.entry_id.in_(some)))
    # In the order of the table: each page of it is written once.
    pairs = sorted((value, ids[uid]) for uid, values in sketches.items() for value in values)
    rows = [{"hash": value, "entry_id": entry_id} for value, entry_id in pairs]
    if rows:
        tx.execute(insert(s.sketches), rows)


def sketch_index(
    tx: Transaction, sketches: Iterable[Collection[int]], *, since: date, share: float
) -> tuple[dict[int, list[str]], dict[str, tuple[str, date]]]:
    """Entries of days from `since` on that hold at least this share of one of these sketches.

    As (hash → uids, uid → (path, day)). Texts share many a hash by chance: the few that share more are found in the
    database, the thousands that do not never leave it.
    """
    if tx.execute(select(s.sketches.c.hash).limit(1)).first() is None:
        return {}, {}
    alike = {entry_id for hashes in sketches for entry_id in _sharing(tx, hashes, share)}
    index: dict[int, list[str]] = defaultdict(list)
    places_of: dict[str, tuple[str, date]] = {}
    query = (
        select(s.sketches.c.hash, s.entries.c.uid, s.entries.c.day, s.files.c.path)
        .join(s.entries, s.entries.c.id == s.sketches.c.entry_id)
        .outerjoin(s.documents, s.documents.c.id == s.entries.c.document_id)
        .outerjoin(s.files, s.files.c.id == s.documents.c.file_id)
        .where(s.entries.c.day >= since)
        .order_by(s.sketches.c.entry_id)
    )
    for some in pieces(alike):
        for row in tx.execute(query.where(s.sketches.c.entry_id.in_(some))):
            index[row.hash].append(row.uid)
            places_of[row.uid] = (row.path or "", row.day)
    return index, places_of


def _sharing(tx: Transaction, hashes: Collection[int], share: float) -> list[int]:
    c = s.sketches.c
    query = select(c.entry_id).where(c.hash.in_(list(hashes))).group_by(c.entry_id)
    return list(tx.execute(query.having(func.count() >= max(1, int(len(hashes) * share)))).scalars())


# ---------------------------------------------------------------- media


class StoredMedia(Struct, frozen=True):
    """A file beside the documents, as last read. `path` is below the documents folder."""

    path: str
    sha256: str
    output: str
    size: int
    mtime_ns: int


def media(tx: Transaction) -> dict[str, StoredMedia]:
    """Every media file by its path."""
    return {row.path: StoredMedia(*row) for row in tx.execute(select(*s.media.c))}


def save_media(tx: Transaction, found: Iterable[StoredMedia]) -> None:
    """Write media files down; a second call for a path replaces the first."""
    for one in found:
        values = {"sha256": one.sha256, "output": one.output, "size": one.size, "mtime_ns": one.mtime_ns}
        statement = upsert(s.media).values(path=one.path, **values)
        tx.execute(statement.on_conflict_do_update(index_elements=["path"], set_=values))


def drop_media(tx: Transaction, paths: Collection[str]) -> None:
    """Media files that are gone."""
    for some in pieces(paths):
        tx.execute(delete(s.media).where(s.media.c.path.in_(some)))


def files_showing(tx: Transaction, outputs: Collection[str]) -> set[str]:
    """Paths of the documents whose entries show one of these outputs."""
    found: set[str] = set()
    for output in outputs:
        query = _PLACED.where(cast(s.entries.c.media, Text).contains(output), s.files.c.path.is_not(None))
        found.update(row.path for row in tx.execute(query))
    return found


# ---------------------------------------------------------------- choosing


def candidates(tx: Transaction) -> list[tuple[int, Candidate]]:
    """Entries in no issue that may go into one, with their row ids."""
    c = s.entries.c
    waiting = or_(c.state == "live", (c.state == "archived") & (c.allowed == 1))
    rows = tx.execute(_PLACED.where(c.issue_id.is_(None), waiting))
    return [
        (
            row.id,
            Candidate(
                uid=row.uid, day=row.day, place=Place(row.path or "", row.document or 0, row.position), state=row.state,
                draft=bool(row.draft), empty=not row.title, hold=row.hold, allowed=bool(row.allowed),
                first_seen=row.first_seen,
            ),
        )
        for row in rows
    ]  # fmt: skip


def published_days(tx: Transaction, days: Collection[date]) -> dict[date, datetime]:
    """Which of these days were in an issue, and when (the newest time)."""
    c = s.entries.c
    found: dict[date, datetime] = {}
    for some in pieces(days):
        query = select(c.day, func.max(c.published_at).label("at")).where(
            c.issue_id.is_not(None), c.day.in_(some)
        )
        found |= {row.day: row.at for row in tx.execute(query.group_by(c.day))}
    return found


class Titled(Struct, frozen=True):
    """A published entry and where its page is."""

    uid: str
    title: str
    permalink: str
    line: int


def published_titles(tx: Transaction, uids: Collection[str]) -> list[Titled]:
    """Of these entries those that have a page."""
    found: list[Titled] = []
    for some in pieces(uids):
        query = _PLACED.where(s.entries.c.uid.in_(some), s.entries.c.permalink.is_not(None))
        found += [Titled(row.uid, row.title, row.permalink, row.line) for row in tx.execute(query)]
    return found


class Placed(Struct, frozen=True):
    """Where an entry stands."""

    uid: str
    file: str | None
    line: int


def places(tx: Transaction, uids: Collection[str]) -> list[Placed]:
    """Where these entries stand, in the order of files."""
    found: list[Placed] = []
    for some in pieces(uids):
        query = _PLACED.where(s.entries.c.uid.in_(some)).order_by(s.files.c.path, s.entries.c.line)
        found += [Placed(row.uid, row.path, row.line) for row in tx.execute(query)]
    return found
