"""What the days of the site hold, as one short signature each: a run sees what moved without reading a single entry.

The database makes one text of every column that a page, a feed or a list may show, day by day, and that is hashed here:
ten thousand entries cost less than a tenth of a second. More than is shown may be in it, never less.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, Text, case, cast, func, select

from publisher.store import schema as s
from publisher.store.engine import Transaction
from publisher.store.entries import FACTS, PLACED, SHOWN


class DayContents(Struct):
    """Signatures of one day. `public`: how many of its entries have a page, and so on."""

    public: int = 0
    gone: int = 0  # withdrawn ones that had a page
    media: int = 0  # entries that show files
    words: int = 0
    updated_at: datetime | None = None  # the newest of them
    entries: str = ""  # of everything but the texts, which `source_sha` stands for
    notes: str = ""  # of corrections and of what is known about links
    feed_notes: str = ""  # of corrections and of what the feeds say of links, which moves far less


def by_day(tx: Transaction) -> dict[date, DayContents]:
    """Every day that has or had a page, oldest first."""
    days: dict[date, DayContents] = {}
    for day, public, gone, media, words, updated_at, said in tx.execute(_ENTRIES):
        days[day] = DayContents(
            public=public, gone=gone, media=media, words=words, updated_at=updated_at, entries=_hash([said])
        )
    notes: dict[date, list[str]] = {}
    feed_notes: dict[date, list[str]] = {}
    for query, kept in ((_LINKS, [notes]), (_FEED_LINKS, [feed_notes]), (_CORRECTIONS, [notes, feed_notes])):
        for day, said in tx.execute(query):
            for one in kept:
                one.setdefault(day, []).append(said)
    for day, said in notes.items():
        days[day].notes = _hash(said)
    for day, said in feed_notes.items():
        days[day].feed_notes = _hash(said)
    return dict(sorted(days.items()))


def newest_event(tx: Transaction) -> tuple[int, int]:
    """Moves whenever something happened to a link, or was forgotten."""
    c = s.link_events.c
    row = tx.execute(select(func.count(c.id), func.coalesce(func.max(c.id), 0))).one()
    return row[0], row[1]


def _hash(said: Iterable[str]) -> str:
    text = "\n".join(said)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _together(*columns: ColumnElement[Any]) -> ColumnElement[str]:
    """These columns of all rows of a group as one text; the order of rows does not matter: each row holds its place."""
    return func.aggregate_strings(func.json_array(*columns), ",")


def _entries() -> Select[Any]:
    c = s.entries.c
    facts = [*FACTS, c.position]
    shown = case((SHOWN, 1), else_=0)  # not the issue's state itself: planned and published look the same
    around = (s.files.c.path, s.documents.c.position, s.issues.c.day, s.issues.c.sequence, shown)
    gone = case((c.state == "withdrawn", 1), else_=0)
    media = case((cast(c.media, Text) == "{}", 0), else_=1)
    newest = func.max(case((SHOWN, c.updated_at)))
    counts = (func.sum(one) for one in (shown, gone, media, case((SHOWN, c.words), else_=0)))
    query = select(c.day, *counts, newest, _together(*facts, *around)).select_from(PLACED)
    return query.where(c.permalink.is_not(None)).group_by(c.day)


def _links() -> Select[Any]:
    e, here = s.entries.c, s.entry_links.c
    state = ("url", "verdict", "since", "result", "error", "http_status", "checked_at", "ok_at")
    facts = [s.links.c[name] for name in (*state, "target", "target_title", "now_target")]
    query = select(e.day, _together(here.entry_id, here.ordinal, here.feed_state, *facts))
    query = query.select_from(s.entry_links).join(s.links, s.links.c.id == here.link_id)
    query = query.join(s.entries, e.id == here.entry_id)
    return query.where(e.permalink.is_not(None)).group_by(e.day)


def _feed_links() -> Select[Any]:
    e, here = s.entries.c, s.entry_links.c
    query = select(e.day, _together(here.entry_id, here.ordinal, here.feed_state))
    # Few have one: only they are looked up, where grouping by the column itself would begin with every entry.
    query = query.select_from(s.entry_links).join(s.entries, e.id == here.entry_id)
    return query.where(e.permalink.is_not(None), here.feed_state.is_not(None)).group_by(_no_index(e.day))


def _corrections() -> Select[Any]:
    e, c = s.entries.c, s.corrections.c
    query = select(e.day, _together(c.id, c.entry_id, c.at, c.note)).select_from(s.corrections)
    query = query.join(s.entries, e.id == c.entry_id)
    return query.where(e.permalink.is_not(None)).group_by(_no_index(e.day))


def _no_index(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, column)


_ENTRIES, _LINKS, _FEED_LINKS, _CORRECTIONS = _entries(), _links(), _feed_links(), _corrections()
