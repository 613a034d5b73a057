"""Logs made thinner: of old checks and runs, one a month, every change and the last one stay."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, Text, cast, delete, func, or_, select

from publisher.store import schema as s
from publisher.store.engine import Transaction, pieces

_MONTH = 7  # characters of '2025-01-29 …'


def thin_checks(tx: Transaction, before: datetime) -> int:
    """Checks of each link from before a moment. Void ones never counted and go, unless the link's last."""
    c = s.link_checks.c
    last = select(func.max(c.id)).group_by(c.link_id)
    counted = _marked(c.id, c.at, (c.link_id,), (c.result, c.http_status, c.target)).where(c.void == 0)
    return _thin(tx, s.link_checks, c.at < before, last, counted)


def thin_runs(tx: Transaction, before: datetime) -> int:
    """Runs of each kind that began before a moment."""
    c = s.runs.c
    last = select(func.max(c.id)).group_by(c.kind)
    kept = _marked(c.id, c.started_at, (c.kind,), (c.outcome, c.ok, c.error))
    return _thin(tx, s.runs, c.started_at < before, last, kept)


def _marked(
    row_id: Column[Any], at: Column[Any], of: tuple[Column[Any], ...], what: tuple[Column[Any], ...]
) -> Select[Any]:
    """Every row's id, whether it is the first of its month, and whether something is other than in the row before."""
    month = func.substr(cast(at, Text), 1, _MONTH)
    nth = func.row_number().over(partition_by=(*of, month), order_by=row_id).label("nth")
    changed = or_(*(_differs(one, of, row_id) for one in what)).label("changed")
    return select(row_id.label("id"), nth, changed)


def _differs(column: Column[Any], of: tuple[Column[Any], ...], row_id: Column[Any]) -> ColumnElement[bool]:
    return column.is_distinct_from(func.lag(column).over(partition_by=of, order_by=row_id))


def _thin(
    tx: Transaction, table: Any, old: ColumnElement[bool], last: Select[Any], worth: Select[Any]
) -> int:
    seen = worth.subquery()
    kept = select(seen.c.id).where(or_(seen.c.nth == 1, seen.c.changed))
    gone = select(table.c.id).where(old, table.c.id.not_in(kept), table.c.id.not_in(last))
    ids = list(tx.execute(gone).scalars())
    for some in pieces(ids):
        tx.execute(delete(table).where(table.c.id.in_(some)))
    return len(ids)
