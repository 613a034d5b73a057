"""What replies taught about addresses: who is gone, and how often somebody could not be reached in a row."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, field
from sqlalchemy import update

from publisher.store import schema as s
from publisher.store.engine import Transaction, pieces


class Lessons(Struct, frozen=True):
    """Subscribers by what their mail server said of them."""

    gone: list[int] = field(default_factory=list)  # there is no such mailbox
    refused: list[int] = field(default_factory=list)  # not this message; the next one may arrive
    reached: list[int] = field(default_factory=list)


def learn(tx: Transaction, lessons: Lessons, now: datetime) -> None:
    """Who is gone is mailed no more; for the others it is counted how often in a row they could not be reached."""
    c = s.subscribers.c
    for ids in pieces(lessons.gone):
        tx.execute(
            update(s.subscribers)
            .where(c.id.in_(ids), c.state.in_(("active", "paused")))
            .values(state="bounced", state_at=now, paused_until=None)
        )
    for ids in pieces(lessons.refused):
        tx.execute(update(s.subscribers).where(c.id.in_(ids)).values(soft_bounces=c.soft_bounces + 1))
    for ids in pieces(lessons.reached):
        tx.execute(update(s.subscribers).where(c.id.in_(ids), c.soft_bounces > 0).values(soft_bounces=0))
