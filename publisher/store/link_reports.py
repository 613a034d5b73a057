"""Questions about links: which are due, which hosts rest, what changed, and where each link stands in the documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Text, and_, delete, func, or_, select, type_coerce, update
from sqlalchemy.dialects.sqlite import insert as upsert

from publisher.core.lifespan import Life
from publisher.core.link import host_label
from publisher.core.verdict import Event, Standing
from publisher.store import schema as s
from publisher.store.engine import Transaction, pieces
from publisher.store.links import STANDING

_LIVE = s.entries.c.state != "withdrawn"


def due(tx: Transaction, now: datetime, *, limit: int) -> list[str]:
    """Addresses of public entries whose next check has come or that were never asked, the most overdue first;
    resting hosts are left out."""
    c, e = s.links.c, s.entries.c
    query = (
        select(c.url)
        .join(s.entry_links, s.entry_links.c.link_id == c.id)
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .outerjoin(s.hosts, and_(s.hosts.c.host == c.host, s.hosts.c.not_before > now))
        .where(
            or_(c.next_at <= now, c.next_at.is_(None)),
            e.permalink.is_not(None),
            _LIVE,
            s.hosts.c.host.is_(None),
        )
        .group_by(c.id)
        .order_by(c.next_at, c.id)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def everything(tx: Transaction, *, entry: str | None = None) -> list[str]:
    """Addresses of all entries that are not withdrawn, or of one, in the order of entries and their texts."""
    e = s.entries.c
    query = (
        select(s.links.c.url)
        .join(s.entry_links, s.entry_links.c.link_id == s.links.c.id)
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .where(_LIVE)
        .order_by(e.day, e.position, e.id, s.entry_links.c.ordinal)
    )
    if entry is not None:
        query = query.where(or_(e.uid == entry, e.explicit_id == entry))
    return list(dict.fromkeys(tx.execute(query).scalars()))


def has_entry(tx: Transaction, uid: str) -> bool:
    """Whether there is such an entry, withdrawn or not."""
    e = s.entries.c
    return tx.execute(select(e.id).where(or_(e.uid == uid, e.explicit_id == uid))).first() is not None


# ---------------------------------------------------------------- hosts that rest


def resting(tx: Transaction, now: datetime) -> dict[str, datetime]:
    """Hosts that asked to be left alone, and until when."""
    c = s.hosts.c
    return {
        row.host: row.not_before for row in tx.execute(select(c.host, c.not_before).where(c.not_before > now))
    }


_LONGEST = timedelta(days=1)


def rest(tx: Transaction, host: str, seconds: float, now: datetime) -> None:
    """Leave a host alone for so long, twice as long each time it says so again; a day at most."""
    c = s.hosts.c
    streak = tx.execute(select(c.streak).where(c.host == host)).scalar_one_or_none() or 0
    until = now + min(timedelta(seconds=seconds * 2 ** min(streak, 6)), _LONGEST)
    made = upsert(s.hosts).values(host=host, not_before=until, streak=streak + 1)
    changed = {"not_before": made.excluded.not_before, "streak": made.excluded.streak}
    tx.execute(made.on_conflict_do_update(index_elements=["host"], set_=changed))


def wake(tx: Transaction, hosts: Iterable[str]) -> None:
    """These hosts answered as they should: their pauses are forgotten."""
    for some in pieces(set(hosts)):
        tx.execute(delete(s.hosts).where(s.hosts.c.host.in_(some)))


# ---------------------------------------------------------------- what there is to tell


class Place(Struct, frozen=True, kw_only=True):
    """Where a link stands: an entry, and its file ("" when the file is gone)."""

    uid: str
    title: str
    permalink: str | None
    day: date
    file: str
    line: int  # of the entry's heading
    body_line: int
    markdown: str


class KnownLink(Struct, frozen=True, kw_only=True):
    """A link with everything that is remembered of it and the entries that hold it."""

    standing: Standing
    chain: tuple[str, ...] = ()  # of the last check
    places: tuple[Place, ...] = ()


def known_links(tx: Transaction, urls: Iterable[str]) -> list[KnownLink]:
    """These links, in the order given; unknown ones are left out."""
    wanted = list(dict.fromkeys(urls))
    c = s.links.c
    rows: dict[str, Any] = {}
    for some in pieces(wanted):
        query = select(c.id, *(c[name] for name in STANDING)).where(c.url.in_(some))
        rows |= {row["url"]: row for row in tx.execute(query).mappings()}
    ids = [row["id"] for row in rows.values()]
    places, chains = _places(tx, ids), _chains(tx, ids)
    return [
        KnownLink(
            standing=Standing(**{name: rows[url][name] for name in STANDING}),
            chain=chains.get(rows[url]["id"], ()), places=tuple(places.get(rows[url]["id"], ())),
        )
        for url in wanted if url in rows
    ]  # fmt: skip


def _places(tx: Transaction, link_ids: list[int]) -> dict[int, list[Place]]:
    e = s.entries.c
    query = (
        select(
            s.entry_links.c.link_id, e.uid, e.title, e.permalink, e.day, e.line, e.body_line, e.markdown,
            func.coalesce(s.files.c.path, "").label("file"),
        )
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .outerjoin(s.documents, s.documents.c.id == e.document_id)
        .outerjoin(s.files, s.files.c.id == s.documents.c.file_id)
        .where(_LIVE)
        .order_by(e.day, e.position)
    )  # fmt: skip
    found: dict[int, list[Place]] = {}
    for some in pieces(link_ids):
        for row in tx.execute(query.where(s.entry_links.c.link_id.in_(some))).mappings():
            facts = {name: row[name] for name in Place.__struct_fields__}
            found.setdefault(row["link_id"], []).append(Place(**facts))
    return found


def _chains(tx: Transaction, link_ids: list[int]) -> dict[int, tuple[str, ...]]:
    c = s.link_checks.c
    found: dict[int, tuple[str, ...]] = {}
    for some in pieces(link_ids):
        newest = select(func.max(c.id)).where(c.link_id.in_(some)).group_by(c.link_id)
        for link_id, chain in tx.execute(select(c.link_id, c.chain).where(c.id.in_(newest))):
            found[link_id] = tuple(chain)
    return found


def events_since(tx: Transaction, since: datetime) -> list[Event]:
    """What happened to links of entries that are not withdrawn, oldest first."""
    return _events(tx, s.link_events.c.at > since)


def _events(tx: Transaction, condition: ColumnElement[bool], *, newest: int | None = None) -> list[Event]:
    c = s.link_events.c
    held = (
        select(s.entry_links.c.link_id)
        .join(s.entries, s.entries.c.id == s.entry_links.c.entry_id)
        .where(_LIVE)
    )
    query = (
        select(s.links.c.url, c.at, c.kind, c.was, c.now)
        .join(s.links, s.links.c.id == c.link_id)
        .where(c.link_id.in_(held), condition)
    )
    if newest is None:
        return [Event(**row) for row in tx.execute(query.order_by(c.at, c.id)).mappings()]
    last = query.order_by(c.at.desc(), c.id.desc()).limit(newest)
    return [Event(**row) for row in tx.execute(last).mappings()][::-1]


def newest_events(tx: Transaction, kinds: Iterable[str], *, limit: int) -> list[Event]:
    """The last events of these kinds, newest first."""
    found = _events(tx, s.link_events.c.kind.in_(list(kinds)), newest=limit)
    return found[::-1]


def unreported(tx: Transaction) -> list[Event]:
    """What no letter has told yet, oldest first; of entries that are not withdrawn."""
    return _events(tx, s.link_events.c.reported_at.is_(None))


def last_report(tx: Transaction) -> datetime | None:
    """When the last letter went out."""
    c = s.link_events.c.reported_at
    return tx.execute(select(c).where(c.is_not(None)).order_by(c.desc()).limit(1)).scalar_one_or_none()


def mark_reported(tx: Transaction, until: datetime, now: datetime) -> None:
    """Everything up to a moment has been told."""
    c = s.link_events.c
    tx.execute(update(s.link_events).where(c.reported_at.is_(None), c.at <= until).values(reported_at=now))


def with_verdict(tx: Transaction, verdict: str, *, public: bool = False) -> list[str]:
    """Addresses with this verdict, the newest deaths (or doubts) first."""
    c, e = s.links.c, s.entries.c
    query = (
        select(c.url)
        .join(s.entry_links, s.entry_links.c.link_id == c.id)
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .where(c.verdict == verdict, _LIVE)
        .group_by(c.id)
        .order_by(c.since.desc(), c.url)
    )
    return list(tx.execute(query.where(e.permalink.is_not(None)) if public else query).scalars())


def lives(tx: Transaction) -> list[Life]:
    """What became of every public link since the first entry that holds it was dated."""
    c, e = s.links.c, s.entries.c
    # Texts, converted where they are needed.
    day, ok_at = type_coerce(func.min(e.day), Text), type_coerce(c.ok_at, Text)
    query = (
        select(c.url, c.target, c.verdict, ok_at, day)
        .join(s.entry_links, s.entry_links.c.link_id == c.id)
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .where(e.permalink.is_not(None), _LIVE)
        .group_by(c.id)
        .order_by(c.id)
    )
    return [
        Life(
            year=int(day[:4]), site=_site(target or url), verdict=verdict,
            days=_days_between(day, ok_at) if verdict == "dead" and ok_at else 0,
        )
        for url, target, verdict, ok_at, day in tx.execute(query)
    ]  # fmt: skip


def _days_between(day: str, at: str) -> int:
    return max(0, (datetime.fromisoformat(at).date() - date.fromisoformat(day)).days)


def _site(url: str) -> str:
    return _label("/".join(url.split("/", 3)[:3]))  # many links, few hosts


_label = lru_cache(maxsize=4096)(host_label)


def broken_of(tx: Transaction, uids: Iterable[str]) -> Mapping[str, list[str]]:
    """Of these entries: uid → its links that are dead, or did not open when they were asked last."""
    c, e = s.links.c, s.entries.c
    broken = or_(c.verdict == "dead", and_(c.verdict == "unsure", c.result == "broken"))
    query = (
        select(e.uid, c.url)
        .join(s.entry_links, s.entry_links.c.link_id == c.id)
        .join(s.entries, e.id == s.entry_links.c.entry_id)
        .where(broken)
        .order_by(e.uid, s.entry_links.c.ordinal)
    )
    found: dict[str, list[str]] = {}
    for some in pieces(uids):
        for uid, url in tx.execute(query.where(e.uid.in_(some))):
            found.setdefault(uid, []).append(url)
    return found
