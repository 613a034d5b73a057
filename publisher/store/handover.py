"""The ledgers of two readers who turned out to be one person, as one: nothing is mailed twice, and nothing is lost."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, insert, select, update

from publisher.store import schema as s
from publisher.store.deliveries import finish
from publisher.store.engine import Transaction, pieces

_BY_STRENGTH = ("accepted", "sending", "uncertain", "waiting", "deferred", "rejected", "skipped")
"""Of two deliveries of one mailing to one person, which of them counts."""

_OPEN = ("waiting", "deferred")
_HAD = ("accepted", "sending", "uncertain")


def hand_over(tx: Transaction, left: int, lives: int, *, wanted: bool, now: datetime) -> None:
    """Two readers turned out to be one. What either was mailed counts for the one that lives on, and what waits is
    mailed once; `wanted`: also what waits for the one that is left.

    Every mailing keeps its number of rows. What is in hand and changes its reader is uncertain: who sends it closes
    a row that is not there any more.
    """
    if not wanted:
        _skip(tx, _of(left), now)
    ours = {row["mailing_id"]: row for row in _ledger(tx, lives)}
    for row in _ledger(tx, left):
        other = ours.get(row["mailing_id"])
        if other is None or _strength(row) < _strength(other):
            _exchange(tx, row, other, lives)
    _skip(tx, _of(left), now)
    _skip_had(tx, lives, now)


def _exchange(tx: Transaction, row: dict[str, Any], other: dict[str, Any] | None, lives: int) -> None:
    """The row goes to the one that lives on; the row that is there goes where it came from."""
    c, left = s.deliveries.c, row["subscriber_id"]
    here = and_(c.mailing_id == row["mailing_id"], c.subscriber_id.in_((left, lives)))
    tx.execute(delete(s.deliveries).where(here))
    moved = [row | {"subscriber_id": lives}] + ([other | {"subscriber_id": left}] if other else [])
    in_doubt = {"sending": "uncertain"}
    tx.execute(
        insert(s.deliveries), [one | {"state": in_doubt.get(one["state"], one["state"])} for one in moved]
    )


def _skip_had(tx: Transaction, subscriber_id: int, now: datetime) -> None:
    """Skip what waits and holds nothing but issues that another mailing brought, or is to bring.

    What holds one more goes whole, as it was frozen: an issue read twice is better than six that never came.
    """
    rows, of = _ledger(tx, subscriber_id), s.mailing_issues.c
    carried: dict[int, set[int]] = {row["mailing_id"]: set() for row in rows}
    for some in pieces(carried):
        for mailing_id, issue_id in tx.execute(
            select(of.mailing_id, of.issue_id).where(of.mailing_id.in_(some))
        ):
            carried[mailing_id].add(issue_id)
    had = {issue for row in rows if row["state"] in _HAD for issue in carried[row["mailing_id"]]}
    waiting = [row["mailing_id"] for row in rows if row["state"] in _OPEN]
    for mailing_id in sorted(waiting, key=lambda one: -len(carried[one])):
        if carried[mailing_id] <= had:
            _skip(tx, and_(_of(subscriber_id), s.deliveries.c.mailing_id == mailing_id), now)
        had |= carried[mailing_id]


def _skip(tx: Transaction, which: ColumnElement[bool], now: datetime) -> None:
    """A mailing that waited for nobody else is done with it."""
    c = s.deliveries.c
    skipped = tx.execute(
        update(s.deliveries)
        .where(which, c.state.in_(_OPEN))
        .values(state="skipped", next_at=None, at=now)
        .returning(c.mailing_id)
    )
    for mailing_id in skipped.scalars().all():
        finish(tx, mailing_id)


def _of(subscriber_id: int) -> ColumnElement[bool]:
    return s.deliveries.c.subscriber_id == subscriber_id


def _ledger(tx: Transaction, subscriber_id: int) -> list[dict[str, Any]]:
    return [dict(row) for row in tx.execute(select(s.deliveries).where(_of(subscriber_id))).mappings()]


def _strength(row: dict[str, Any]) -> int:
    return _BY_STRENGTH.index(row["state"])
