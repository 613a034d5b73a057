"""Keeping the search index in step with what is public: what moved is read again, what vanished is taken out.

Who answers questions keeps it: the web server after every change of the site, `publisher search` before it answers.
A run that publishes has nothing to do with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from publisher.app.equipment import Equipment
from publisher.store import entries, search
from publisher.store.engine import Transaction, pieces
from publisher.store.search import Searchable

_TOGETHER = 20
"""Days that are read and written together."""


def keep_index(
    e: Equipment, *, most: int = sys.maxsize, begun: Callable[[int], None] = lambda days: None
) -> int:
    """Bring the index nearer to the store; returns how many days are left for the next call.

    `most`: entries that are read at most, newest days first, in whole pieces. `begun` is told how many days must be
    read, when there are any. While another process keeps the index, it is left to that one. Raises StoreError.
    """
    with e.store.read() as tx:
        if search.signatures(tx, e.options) == e.index.known() and not e.index.days_left():
            return 0
    with e.index.keeping() as alone:
        return _keep(e, most, begun) if alone else days_behind(e)


def _keep(e: Equipment, most: int, begun: Callable[[int], None]) -> int:
    known = e.index.known()
    with e.store.read() as tx:
        wanted = search.signatures(tx, e.options)
        gone = {day: "" for day in known if day not in wanted}
        if gone:
            e.index.replace(gone, ())
        moved = _moved(known, wanted)
        if moved:
            begun(len(moved))
            e.index.leave(len(moved))
        left = len(moved) - _index(e, tx, {day: wanted[day] for day in moved}, most)
    e.index.leave(left)
    return left


def days_behind(e: Equipment) -> int:
    """How many days the index does not have as they are now. Raises StoreError."""
    left = e.index.days_left()
    if left is not None:
        return left
    with e.store.read() as tx:
        return len(_moved(e.index.known(), search.signatures(tx, e.options)))


def _moved(known: Mapping[date, str], wanted: Mapping[date, str]) -> list[date]:
    return sorted((day for day in wanted if known.get(day) != wanted[day]), reverse=True)


def _index(e: Equipment, tx: Transaction, wanted: Mapping[date, str], most: int) -> int:
    """Read days in this order until there were so many entries; returns how many days."""
    read = done = 0
    for days in pieces(wanted, _TOGETHER):
        if read >= most:
            break
        texts = _read(e, tx, days)
        e.index.replace({day: wanted[day] for day in days}, texts)
        read += len(texts)
        done += len(days)
    return done


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
