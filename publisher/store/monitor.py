"""What the monitor of the operator heard last: a killed run's successor must know whether it still waits."""

from __future__ import annotations

from datetime import date
from typing import Literal

from msgspec import Struct
from sqlalchemy import select, update

from publisher.store import schema as s
from publisher.store.engine import Transaction

Word = Literal["start", "done", "fail"]


class Heard(Struct, frozen=True, kw_only=True):
    """The last word, and the day of the run that it was about."""

    word: Word
    day: date


def heard(tx: Transaction) -> Heard | None:
    """None while it heard nothing."""
    c = s.publication.c
    row = tx.execute(select(c.monitor_heard, c.monitor_day)).one_or_none()
    return Heard(word=row[0], day=row[1]) if row is not None and row[0] else None


def note(tx: Transaction, word: Word, day: date) -> None:
    """Remember a word. Before a publication has begun there is nothing to remember it in."""
    tx.execute(update(s.publication).values(monitor_heard=word, monitor_day=day))
