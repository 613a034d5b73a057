"""Entries as the public sees them: facts of all of them at once, texts only of those that are asked for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Text, and_, bindparam, case, cast, func, insert, or_, select, type_coerce, update

from publisher.core.issue import Correction, EntryLine, IssueName
from publisher.store import schema as s
from publisher.store.engine import Transaction

if TYPE_CHECKING:
    from publisher.core.document import EntrySource


class EntryFacts(Struct, frozen=True, kw_only=True):
    """Everything about a public entry but its text. Equal facts (and equal links) mean equal pages."""

    id: int
    uid: str
    guid: str
    permalink: str
    file: str  # "" when its document is gone
    day: date
    number: int | None
    label: str
    sha: str
    source_sha: str
    title: str
    words: int
    minutes: int
    topics: tuple[str, ...]
    media: tuple[tuple[str, str], ...]  # (name as written, output path), sorted
    state: str  # live | archived | withdrawn
    issue: IssueName | None
    issue_position: int | None
    late: bool
    published_at: datetime
    updated_at: datetime


_ISSUE_IS_PUBLIC = or_(s.entries.c.issue_id.is_(None), s.issues.c.state.in_(("planned", "published")))
SHOWN = and_(
    s.entries.c.permalink.is_not(None), s.entries.c.state.in_(("live", "archived")), _ISSUE_IS_PUBLIC
)
"""Holds for an entry that has a page."""

PLACED = (
    s.entries.outerjoin(s.documents, s.documents.c.id == s.entries.c.document_id)
    .outerjoin(s.files, s.files.c.id == s.documents.c.file_id)
    .outerjoin(s.issues, s.issues.c.id == s.entries.c.issue_id)
)
"""Entries with where they stand and the issue they went out with."""

FACTS = [s.entries.c[name] for name in EntryFacts.__struct_fields__ if name not in ("file", "issue")]
"""Its own columns of EntryFacts; texts stay in the database."""

_WITH_PLACES = select(
    *FACTS, s.files.c.path.label("file"), s.issues.c.day.label("issue_day"), s.issues.c.sequence
).select_from(PLACED)
ORDER = (s.entries.c.day, s.files.c.path, s.documents.c.position, s.entries.c.position)


def public(tx: Transaction, days: Iterable[date]) -> list[EntryFacts]:
    """Entries of these days with a page: by day, within a day in the order of files and of the text."""
    query = _WITH_PLACES.where(SHOWN, s.entries.c.day.in_(list(days)))
    return [_facts(row) for row in tx.execute(query.order_by(*ORDER)).mappings()]


ALWAYS = (date.min, date.max)


def lines(
    tx: Transaction, within: tuple[date, date] = ALWAYS, *, ids: Iterable[int] | None = None
) -> list[EntryLine]:
    """Entries with a page as lines of a list, in the order of `public`: of these days, or only those with these ids.

    `position` counts within a day those that are asked for.
    """
    c = s.entries.c
    raw = (
        type_coerce(column, Text) for column in (c.day, c.topics, c.updated_at)
    )  # converted here, not value by value
    query = select(*raw, c.uid, c.permalink, c.number, c.label, c.title, c.words, c.minutes).select_from(
        PLACED
    )
    found: list[EntryLine] = []
    if ids is not None:
        query = query.where(c.id.in_(list(ids)))
    elif within != ALWAYS:
        query = query.where(c.day.between(*within))
    every: Sequence[Any] = tx.execute(query.where(SHOWN).order_by(*ORDER)).all()
    for said, rows in groupby(every, key=itemgetter(0)):
        day = date.fromisoformat(said)
        found += [
            EntryLine(
                uid=uid, permalink=permalink, day=day, position=position, number=number, label=label, title=title,
                words=words, minutes=minutes, topics=tuple(json.loads(topics)) if topics != "[]" else (),
                updated_at=datetime.fromisoformat(at) if at else None,
            )
            for position, (_, topics, at, uid, permalink, number, label, title, words, minutes) in enumerate(rows)
        ]  # fmt: skip
    return found


def newest(tx: Transaction, limit: int) -> list[tuple[int, date, date]]:
    """The newest entries of issues, as the feeds order them: (id, the curator's day, the issue's)."""
    c = s.entries.c
    query = select(c.id, c.day, s.issues.c.day).select_from(PLACED).where(SHOWN, c.issue_id.is_not(None))
    query = query.order_by(s.issues.c.day.desc(), c.published_at.desc(), c.guid).limit(limit)
    return [(row[0], row[1], row[2]) for row in tx.execute(query)]


class Issued(Struct, frozen=True):
    """An entry that went out. `slot`: the day of its issue; `shown`: it was not withdrawn since."""

    id: int
    day: date
    slot: date
    length: int
    shown: bool


def issued(tx: Transaction) -> list[Issued]:
    """Every entry of a published issue, withdrawn ones too, in the order they went out: the newest is the last."""
    c = s.entries.c
    shown = case((SHOWN, 1), else_=0)
    raw = (type_coerce(column, Text) for column in (c.day, s.issues.c.day))
    query = select(c.id, *raw, c.length, shown).join(s.issues, s.issues.c.id == c.issue_id)
    query = query.where(c.permalink.is_not(None), s.issues.c.state.in_(("planned", "published")))
    rows = tx.execute(query.order_by(s.issues.c.day, c.published_at, c.guid)).all()
    days = {said: date.fromisoformat(said) for row in rows for said in (row[1], row[2])}
    return [Issued(row[0], days[row[1]], days[row[2]], row[3], bool(row[4])) for row in rows]


def media(tx: Transaction) -> dict[str, tuple[str, str]]:
    """What the pages show beside texts: output path → (a document that names it, the name)."""
    c = s.entries.c
    query = select(s.files.c.path, c.media).select_from(PLACED).where(SHOWN, cast(c.media, Text) != "{}")
    found: dict[str, tuple[str, str]] = {}
    for file, names in tx.execute(query.order_by(*ORDER)):
        for name, path in sorted(names.items()):
            found.setdefault(path, (file or "", name))
    return found


def gone(tx: Transaction) -> list[EntryFacts]:
    """Withdrawn entries that had a page."""
    shown = and_(s.entries.c.permalink.is_not(None), s.entries.c.state == "withdrawn")
    return [_facts(row) for row in tx.execute(_WITH_PLACES.where(shown).order_by(*ORDER)).mappings()]


def of_issue(tx: Transaction, issue_id: int) -> list[EntryFacts]:
    """The entries of an issue in its order, without withdrawn ones."""
    query = _WITH_PLACES.where(s.entries.c.issue_id == issue_id, s.entries.c.state == "live")
    return [_facts(row) for row in tx.execute(query.order_by(s.entries.c.issue_position)).mappings()]


class AnyEntry(Struct, frozen=True, kw_only=True):
    """What there is to know of an entry, published or not, before something is done with it."""

    id: int
    uid: str
    title: str
    state: str
    permalink: str | None
    issue_id: int | None


def by_uid(tx: Transaction, uid: str) -> AnyEntry | None:
    """One entry, published or not; an explicit id of the curator's is found too."""
    c = s.entries.c
    columns = [c[name] for name in AnyEntry.__struct_fields__]
    for condition in (c.uid == uid, c.explicit_id == uid):
        row = tx.execute(select(*columns).where(condition)).mappings().first()
        if row is not None:
            return AnyEntry(**row)
    return None


def _facts(row: object) -> EntryFacts:
    r: Mapping[str, object] = row  # type: ignore[assignment]
    names = set(EntryFacts.__struct_fields__) - {"file", "topics", "media", "issue", "late"}
    return EntryFacts(
        **{name: r[name] for name in names},  # type: ignore[arg-type]
        file=r["file"] or "",  # type: ignore[arg-type]
        topics=tuple(r["topics"]),  # type: ignore[arg-type]
        media=tuple(sorted(r["media"].items())),  # type: ignore[attr-defined]
        issue=IssueName(r["issue_day"], r["sequence"]) if r["issue_day"] else None,  # type: ignore[arg-type]
        late=bool(r["late"]),
    )


def sources(tx: Transaction, ids: Iterable[int]) -> dict[int, EntrySource]:
    """The texts of these entries as the curator last wrote them."""
    from publisher.core.document import EntrySource

    c = s.entries.c
    names = ("number", "label", "heading", "heading_url", "explicit_id", "markdown", "line", "body_line")
    query = select(c.id, *(c[name] for name in names)).where(c.id.in_(list(ids)))
    return {row["id"]: EntrySource(**{n: row[n] for n in names}) for row in tx.execute(query).mappings()}


class Archiving(Struct, frozen=True, kw_only=True):
    """An entry's place in the archive: a page, but no feed and no mail."""

    entry_id: int
    permalink: str
    published_at: datetime


def archive(tx: Transaction, archivings: Iterable[Archiving]) -> None:
    """Give these entries pages without an issue."""
    rows = [{"b_id": a.entry_id, "b_permalink": a.permalink, "b_at": a.published_at} for a in archivings]
    if not rows:
        return
    c = s.entries.c
    at = bindparam("b_at", type_=c.published_at.type)
    statement = update(s.entries).where(c.id == bindparam("b_id"), c.issue_id.is_(None))
    permalink = func.coalesce(c.permalink, bindparam("b_permalink"))
    tx.execute(statement.values(state="archived", permalink=permalink, published_at=at, updated_at=at), rows)


def unbind_withdrawn(tx: Transaction, issue_id: int) -> int:
    """Take entries that were withdrawn since the plan out of an issue that is not out yet; returns how many."""
    c = s.entries.c
    statement = update(s.entries).where(c.issue_id == issue_id, c.state == "withdrawn")
    return tx.execute(statement.values(issue_id=None, issue_position=None, late=0)).rowcount


class DayHead(Struct, frozen=True):
    """What stands above the entries of a day: title and preface (Markdown), over all its files."""

    title: str = ""
    preface: str = ""


def day_heads(tx: Transaction) -> dict[date, DayHead]:
    """Titles and prefaces by day; several files of one day are joined in file order."""
    d = s.documents.c
    query = (
        select(d.day, d.title, d.preface)
        .join(s.files, s.files.c.id == d.file_id)
        .where(or_(d.title != "", d.preface != ""))
        .order_by(d.day, s.files.c.path, d.position)
    )
    heads: dict[date, DayHead] = {}
    for row in tx.execute(query):
        head = heads.get(row.day, DayHead())
        preface = "\n\n".join(part for part in (head.preface, row.preface) if part)
        heads[row.day] = DayHead(head.title or row.title, preface)
    return heads


def corrections(tx: Transaction) -> dict[int, tuple[Correction, ...]]:
    """Notes by entry id, oldest first."""
    c = s.corrections.c
    found: dict[int, tuple[Correction, ...]] = {}
    for row in tx.execute(select(c.entry_id, c.at, c.note).order_by(c.id)):
        found[row.entry_id] = (*found.get(row.entry_id, ()), Correction(at=row.at, note=row.note))
    return found


class PendingCorrection(Struct, frozen=True, kw_only=True):
    """A correction that no digest has carried yet."""

    id: int
    entry: EntryFacts
    note: str


def pending_corrections(tx: Transaction) -> list[PendingCorrection]:
    """Corrections of public entries that the next digest carries."""
    c = s.corrections.c
    rows = tx.execute(select(c.id, c.entry_id, c.note).where(c.issue_id.is_(None)).order_by(c.id)).all()
    wanted = [row.entry_id for row in rows]
    known = {
        row["id"]: _facts(row)
        for row in tx.execute(_WITH_PLACES.where(s.entries.c.id.in_(wanted))).mappings()
    }
    return [PendingCorrection(id=row.id, entry=known[row.entry_id], note=row.note) for row in rows]


def corrections_of_issue(tx: Transaction, issue_id: int) -> list[PendingCorrection]:
    """Corrections that the digest of this issue carries."""
    c = s.corrections.c
    rows = tx.execute(select(c.id, c.entry_id, c.note).where(c.issue_id == issue_id).order_by(c.id)).all()
    wanted = [row.entry_id for row in rows]
    known = {
        row["id"]: _facts(row)
        for row in tx.execute(_WITH_PLACES.where(s.entries.c.id.in_(wanted))).mappings()
    }
    return [PendingCorrection(id=row.id, entry=known[row.entry_id], note=row.note) for row in rows]


def on_this_day(tx: Transaction, month: int, day: int, *, before: date, limit: int) -> list[EntryFacts]:
    """The first public entry of this calendar day in each earlier year, newest year first."""
    c = s.entries.c
    same_day = and_(cast(c.day, Text).like(f"%-{month:02}-{day:02}"), c.day < before)
    years: dict[int, EntryFacts] = {}
    for row in tx.execute(_WITH_PLACES.where(SHOWN, same_day).order_by(*ORDER)).mappings():
        years.setdefault(row["day"].year, _facts(row))
    return [years[year] for year in sorted(years, reverse=True)][:limit]


def bind_corrections(tx: Transaction, ids: Iterable[int], issue_id: int) -> None:
    """The digest of this issue carries them, and no other."""
    tx.execute(update(s.corrections).where(s.corrections.c.id.in_(list(ids))).values(issue_id=issue_id))


def correct(tx: Transaction, entry_id: int, note: str, now: datetime) -> None:
    """Write a correction down; the entry counts as updated."""
    tx.execute(insert(s.corrections).values(entry_id=entry_id, at=now, note=note))
    tx.execute(update(s.entries).where(s.entries.c.id == entry_id).values(updated_at=now))


def allow(tx: Transaction, entry_id: int) -> None:
    """Let a held or archived entry go into the next issue."""
    tx.execute(update(s.entries).where(s.entries.c.id == entry_id).values(allowed=1, hold=None, state="live"))
