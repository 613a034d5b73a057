"""The log of runs: when each began and ended, and what came of it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import RowMapping, insert, select, update

from publisher.store import schema as s
from publisher.store.engine import Transaction, new_id


class Run(Struct, frozen=True, kw_only=True):
    """One run. `ok` is None while it goes on, and for ever when it was killed."""

    id: int
    kind: str
    started_at: datetime
    ended_at: datetime | None
    ok: bool | None
    day: date | None
    outcome: str
    error: str
    summary: dict[str, Any] | None = None  # figures of a run that ended


def begin(tx: Transaction, *, kind: str, host: str, now: datetime, day: date | None = None) -> int:
    """Note that a run began; returns its id."""
    done = tx.execute(
        insert(s.runs).values(kind=kind, host=host, started_at=now, day=day, outcome="", error="")
    )
    return new_id(done)


def end(
    tx: Transaction,
    run_id: int,
    *,
    now: datetime,
    ok: bool,
    outcome: str = "",
    error: str = "",
    summary: Any = None,
) -> None:
    """Note how a run ended."""
    tx.execute(
        update(s.runs)
        .where(s.runs.c.id == run_id)
        .values(ended_at=now, ok=int(ok), outcome=outcome, error=error, summary=summary)
    )


def newest(tx: Transaction, *kinds: str) -> Run | None:
    """The run that began last, of these kinds or of any."""
    query = select(s.runs).order_by(s.runs.c.id.desc()).limit(1)
    row = tx.execute(query.where(s.runs.c.kind.in_(kinds)) if kinds else query).mappings().one_or_none()
    return _run(row) if row is not None else None


def latest(tx: Transaction, n: int) -> list[Run]:
    """The last n runs, newest first."""
    query = select(s.runs).order_by(s.runs.c.id.desc()).limit(n)
    return [_run(row) for row in tx.execute(query).mappings()]


def _run(row: RowMapping) -> Run:
    facts = {name: row[name] for name in Run.__struct_fields__}
    return Run(**facts | {"ok": None if row["ok"] is None else bool(row["ok"])})
