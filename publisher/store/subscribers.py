"""Who reads by mail."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update

from publisher.store import schema as s
from publisher.store.engine import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSubscriber:
    """One person; `email_norm` is the address as it is compared."""

    id: int
    uid: str
    email_norm: str
    email: str
    state: str
    owner: bool
    created_at: datetime
    state_at: datetime


def find(tx: Transaction, email_norm: str) -> StoredSubscriber | None:
    """The subscriber with this comparable address."""
    row = (
        tx.execute(select(s.subscribers).where(s.subscribers.c.email_norm == email_norm))
        .mappings()
        .one_or_none()
    )
    return _subscriber(row) if row else None


def is_owner(tx: Transaction, email: str) -> bool:
    """Whether the owner is somebody with exactly this address."""
    c = s.subscribers.c
    return tx.execute(select(c.id).where(c.email == email, c.owner == 1)).first() is not None


def everyone(tx: Transaction) -> list[StoredSubscriber]:
    """All subscribers in the order in which they joined."""
    return [
        _subscriber(row) for row in tx.execute(select(s.subscribers).order_by(s.subscribers.c.id)).mappings()
    ]


def add(
    tx: Transaction, *, uid: str, email: str, email_norm: str, state: str, now: datetime, owner: bool = False
) -> None:
    """A new subscriber. The address must not be there yet (its comparable form is unique)."""
    tx.execute(
        insert(s.subscribers).values(
            uid=uid,
            email=email,
            email_norm=email_norm,
            state=state,
            owner=int(owner),
            created_at=now,
            state_at=now,
        )
    )


def set_state(tx: Transaction, subscriber_id: int, state: str, now: datetime) -> None:
    """Change what a subscriber is; the moment is kept."""
    tx.execute(
        update(s.subscribers).where(s.subscribers.c.id == subscriber_id).values(state=state, state_at=now)
    )


def set_owner(tx: Transaction, subscriber_id: int | None) -> None:
    """Mark the one subscriber who is the owner."""
    tx.execute(update(s.subscribers).where(s.subscribers.c.owner == 1).values(owner=0))
    if subscriber_id is not None:
        tx.execute(update(s.subscribers).where(s.subscribers.c.id == subscriber_id).values(owner=1))


def count_by_state(tx: Transaction) -> dict[str, int]:
    """How many are active, pending and so on."""
    query = select(s.subscribers.c.state, func.count()).group_by(s.subscribers.c.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def _subscriber(row: object) -> StoredSubscriber:
    facts = {name: row[name] for name in StoredSubscriber.__dataclass_fields__}  # type: ignore[index]
    return StoredSubscriber(**facts | {"owner": bool(facts["owner"])})
