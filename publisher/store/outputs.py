"""What was written to the output folder, from what: so that a run writes only what changed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Text, case, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from publisher.store import schema as s
from publisher.store.engine import Transaction, pieces


class Written(NamedTuple):
    """One file of the output folder as we left it. A plain tuple: every run reads all of them."""

    path: str
    input_key: str
    sha256: str
    size: int
    mtime_ns: int


def all_written(tx: Transaction) -> dict[str, Written]:
    """Every output by its path."""
    columns = [s.outputs.c[name] for name in Written._fields]
    return {row[0]: Written._make(row) for row in tx.execute(select(*columns)).all()}


class Recorded(NamedTuple):
    """A file as it was left by the last run that wrote it; `changed_at`: when its bytes came to be."""

    size: int
    mtime_ns: int
    changed_at: datetime | None


def recorded(tx: Transaction) -> dict[str, Recorded]:
    """What a server must know of every output, by its path."""
    c = s.outputs.c
    query = select(c.path, c.size, c.mtime_ns, c.changed_at)
    return {row[0]: Recorded(*row[1:]) for row in tx.execute(query)}


def record(tx: Transaction, written: Iterable[Written], *, now: datetime) -> None:
    """Remember files as they were just written; a second call for a path replaces the first.

    `changed_at` moves only with the bytes: a folder that was removed and written again is as old as before. With them
    it moves by a second at least: readers compare whole seconds, and may not take new bytes for those they have.
    """
    rows = [one._asdict() | {"changed_at": now} for one in written]
    if not rows:
        return
    statement = insert(s.outputs)
    new = statement.excluded
    before = s.outputs.c.changed_at
    later = func.strftime("%Y-%m-%dT%H:%M:%f000Z", before, "+1 second", type_=Text)
    moved = case((new.sha256 == s.outputs.c.sha256, before), else_=func.max(new.changed_at, later))
    changed: dict[str, ColumnElement[Any]] = {
        name: new[name] for name in ("input_key", "sha256", "size", "mtime_ns")
    }
    changed["changed_at"] = func.coalesce(moved, new.changed_at)  # a moment that is not known cannot be kept
    tx.execute(statement.on_conflict_do_update(index_elements=["path"], set_=changed), rows)


def forget(tx: Transaction, paths: Iterable[str]) -> None:
    """Drop files that were removed."""
    for some in pieces(paths):
        tx.execute(delete(s.outputs).where(s.outputs.c.path.in_(some)))
