"""How readers agreed to be mailed, and how they left: when, by what, from where, to which words."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct
from sqlalchemy import insert, select, update

from publisher.store import schema as s
from publisher.store.engine import Transaction

Kind = Literal["asked", "confirmed", "vouched", "imported", "changed", "withdrawn"]


class Consent(Struct, frozen=True):
    """One record. `source` is a network address, 'operator', the file of an import, or the page that was used."""

    at: datetime
    kind: str
    source: str
    text: str


def note(
    tx: Transaction, subscriber_id: int, kind: Kind, *, at: datetime, source: str, text: str = ""
) -> None:
    """Add a record; none is ever changed."""
    restore(tx, subscriber_id, Consent(at, kind, source, text))


def restore(tx: Transaction, subscriber_id: int, consent: Consent) -> None:
    """Write a record as another list kept it."""
    tx.execute(
        insert(s.consents).values(
            subscriber_id=subscriber_id, at=consent.at, kind=consent.kind, source=consent.source, text=consent.text
        )
    )  # fmt: skip


def hand_over(tx: Transaction, left: int, lives: int) -> None:
    """Two rows turned out to be one person: what was agreed to under either is theirs."""
    c = s.consents.c
    tx.execute(update(s.consents).where(c.subscriber_id == left).values(subscriber_id=lives))


def of(tx: Transaction, subscriber_id: int) -> list[Consent]:
    """Somebody's records, oldest first."""
    return by_subscriber(tx, subscriber_id).get(subscriber_id, [])


def by_subscriber(tx: Transaction, subscriber_id: int | None = None) -> dict[int, list[Consent]]:
    """Everybody's records (or one person's) by their row."""
    c = s.consents.c
    query = select(c.subscriber_id, c.at, c.kind, c.source, c.text).order_by(c.id)
    if subscriber_id is not None:
        query = query.where(c.subscriber_id == subscriber_id)
    found: dict[int, list[Consent]] = {}
    for row in tx.execute(query):
        found.setdefault(row.subscriber_id, []).append(Consent(row.at, row.kind, row.source, row.text))
    return found
