"""What was written to the output folder, from what: so that a run writes only what changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, select
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
    return {row[0]: Written._make(row) for row in tx.execute(select(*s.outputs.c)).all()}


def record(tx: Transaction, written: Iterable[Written]) -> None:
    """Remember files as they were just written; a second call for a path replaces the first."""
    rows = [one._asdict() for one in written]
    if not rows:
        return
    statement = insert(s.outputs)
    changed = {name: statement.excluded[name] for name in ("input_key", "sha256", "size", "mtime_ns")}
    tx.execute(statement.on_conflict_do_update(index_elements=["path"], set_=changed), rows)


def forget(tx: Transaction, paths: Iterable[str]) -> None:
    """Drop files that were removed."""
    for some in pieces(paths):
        tx.execute(delete(s.outputs).where(s.outputs.c.path.in_(some)))
