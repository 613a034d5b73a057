"""Keeping the search index in step with what is public: what moved is read again, what vanished is taken out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from publisher.app.equipment import Equipment
from publisher.store import entries, search
from publisher.store.engine import Transaction, pieces
from publisher.store.search import Searchable

MOST_BY_HAND, MOST_BY_CLOCK = 20, 4_000
"""Entries that one run reads for the index at most, newest days first, and whole pieces: a run by hand takes what it
published itself and hardly more, so that it is as quick in a large archive; the clock's runs take all of it."""

_TOGETHER_BY_HAND, _TOGETHER_BY_CLOCK = 2, 20
"""Days that are read and written together."""


def keep_index(e: Equipment, *, most: int = MOST_BY_CLOCK) -> int:
    """Bring the index nearer to the store; returns how many days are left for the next run. Raises StoreError."""
    known = e.index.known()
    with e.store.read() as tx:
        wanted = search.signatures(tx, e.options)
        gone = {day: "" for day in known if day not in wanted}
        if gone:
            e.index.replace(gone, ())
        moved = sorted((day for day in wanted if known.get(day) != wanted[day]), reverse=True)
        read = 0
        left = len(moved)
        for days in pieces(moved, _TOGETHER_BY_CLOCK if most > MOST_BY_HAND else _TOGETHER_BY_HAND):
            if read >= most:
                return left
            texts = _read(e, tx, days)
            e.index.replace({day: wanted[day] for day in days}, texts)
            read += len(texts)
            left -= len(days)
    return 0


def _read(e: Equipment, tx: Transaction, days: Sequence[date]) -> list[Searchable]:
    from publisher.app.reading import entry_of  # not loaded by the run that has nothing to read

    facts = entries.public(tx, days)
    texts = entries.sources(tx, [one.id for one in facts])
    return [
        Searchable(
            id=one.id, day=one.day, uid=one.uid, permalink=one.permalink, number=one.number, title=one.title,
            topics=one.topics, body=" ".join(entry_of(texts[one.id], e.options).text.split()),
        )
        for one in facts
    ]  # fmt: skip
