"""Single letters to one person: what somebody asked for with a form, and what became of it.

waiting ──► sending ──► accepted | rejected
   ▲           ├──────► deferred ───► sending (when its time has come)
   └───────────┴──────► uncertain ──► sending (once more: a second confirmation harms nobody, a lost one
                                      loses a reader)
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Text, and_, delete, func, insert, or_, select, update

from publisher.store import schema as s
from publisher.store.engine import Transaction

Kind = Literal["ask", "confirmation", "already", "change", "changed"]
"""`ask` is what a form said, word for word; it is answered, and becomes one of the others or nothing."""

LEASE = timedelta(minutes=15)
"""Longer than a mail server may take over one message: who holds a row longer is dead."""

MOST_TRIES_IN_DOUBT = 2


class StoredNotice(Struct, frozen=True, kw_only=True):
    """One letter, or the wish for one."""

    id: int
    uid: str
    subscriber_id: int | None
    kind: str
    email: str
    language: str
    params: dict[str, Any]
    state: str
    attempts: int
    created_at: datetime


def add(
    tx: Transaction,
    *,
    uid: str,
    kind: Kind,
    email: str,
    language: str,
    now: datetime,
    params: dict[str, Any] | None = None,
    subscriber_id: int | None = None,
) -> None:
    """Put a letter on the books; it is sent later."""
    tx.execute(
        insert(s.notices).values(
            uid=uid, subscriber_id=subscriber_id, kind=kind, email=email, language=language, params=params or {},
            state="waiting", attempts=0, created_at=now, at=now, error="",
        )
    )  # fmt: skip


def by_uid(tx: Transaction, uid: str) -> StoredNotice | None:
    """The letter that a token names."""
    row = tx.execute(select(s.notices).where(s.notices.c.uid == uid)).mappings().one_or_none()
    return _notice(row) if row else None


def of(tx: Transaction, subscriber_id: int) -> list[StoredNotice]:
    """Somebody's letters, oldest first."""
    query = select(s.notices).where(s.notices.c.subscriber_id == subscriber_id).order_by(s.notices.c.id)
    return [_notice(row) for row in tx.execute(query).mappings()]


def asks(tx: Transaction) -> list[StoredNotice]:
    """What forms said and nobody answered yet, oldest first."""
    query = select(s.notices).where(s.notices.c.kind == "ask").order_by(s.notices.c.id)
    return [_notice(row) for row in tx.execute(query).mappings()]


def answer(tx: Transaction, notice_id: int, kind: Kind, subscriber_id: int) -> None:
    """Turn a wish into the letter that answers it."""
    _set(tx, notice_id, kind=kind, subscriber_id=subscriber_id)


def drop(tx: Transaction, notice_id: int) -> None:
    """Answer with silence."""
    tx.execute(delete(s.notices).where(s.notices.c.id == notice_id))


def address() -> ColumnElement[str]:
    """The comparable address that a letter is about."""
    return func.json_extract(s.notices.c.params, "$.norm", type_=Text)


def changes_asked(tx: Transaction, email_norm: str, since: datetime) -> list[datetime]:
    """When anybody asked that mail should go to this address instead of theirs, oldest first."""
    c = s.notices.c
    query = select(c.created_at).where(c.kind == "change", c.created_at >= since, address() == email_norm)
    return list(tx.execute(query.order_by(c.created_at)).scalars())


def forget(tx: Transaction, email_norm: str) -> None:
    """Take out every letter, and every wish for one, that names an address, whoever asked for it."""
    named = or_(func.lower(s.notices.c.email) == email_norm, address() == email_norm)
    tx.execute(delete(s.notices).where(named))


def hand_over(tx: Transaction, left: int, lives: int) -> None:
    """Two rows turned out to be one person. What an old address must be told is still told; the other letters of the
    row that is left open nothing any more."""
    c = s.notices.c
    tx.execute(delete(s.notices).where(c.subscriber_id == left, c.kind != "changed"))
    tx.execute(update(s.notices).where(c.subscriber_id == left).values(subscriber_id=lives))


def any_older(tx: Transaction, before: datetime) -> bool:
    """Whether `drop_older` would find any."""
    return (
        tx.execute(select(s.notices.c.id).where(s.notices.c.created_at < before).limit(1)).first() is not None
    )


def drop_older(tx: Transaction, before: datetime) -> int:
    """Forget letters that are no longer of use to anybody."""
    return tx.execute(delete(s.notices).where(s.notices.c.created_at < before)).rowcount


def any_open(tx: Transaction) -> bool:
    """Whether anything may have to be answered, sent or recovered."""
    c = s.notices.c
    some = or_(c.kind == "ask", c.state.in_(("waiting", "sending")), c.next_at.is_not(None))
    return tx.execute(select(c.id).where(some).limit(1)).first() is not None


def next_due(tx: Transaction, now: datetime) -> StoredNotice | None:
    """The oldest letter that may go out now."""
    query = select(s.notices).where(_due(now)).order_by(s.notices.c.id).limit(1)
    row = tx.execute(query).mappings().one_or_none()
    return _notice(row) if row else None


def claim(tx: Transaction, notice_id: int, now: datetime) -> bool:
    """Take it: its row says 'sending' before any byte leaves. False when somebody else has it."""
    c = s.notices.c
    done = tx.execute(
        update(s.notices)
        .where(c.id == notice_id, _due(now))
        .values(state="sending", attempts=c.attempts + 1, next_at=None, at=now)
    )
    return done.rowcount == 1


def recover(tx: Transaction, now: datetime) -> int:
    """What a dead process left in 'sending' is uncertain, and goes out once more. Needs no lock: a living one is done
    with a letter long before."""
    c = s.notices.c
    dead = and_(c.state == "sending", c.at <= now - LEASE)
    again = tx.execute(
        update(s.notices)
        .where(dead, c.attempts < MOST_TRIES_IN_DOUBT)
        .values(state="uncertain", next_at=now, at=now)
    )
    given_up = tx.execute(update(s.notices).where(dead).values(state="uncertain", next_at=None, at=now))
    return again.rowcount + given_up.rowcount


def close(
    tx: Transaction,
    notice_id: int,
    state: str,
    now: datetime,
    *,
    next_at: datetime | None = None,
    error: str = "",
) -> None:
    """Write what became of a claimed letter."""
    _set(tx, notice_id, state=state, next_at=next_at, at=now, error=error)


def set_aside(tx: Transaction, notice_id: int, now: datetime, *, next_at: datetime, error: str) -> None:
    """It cannot be written at present; letters behind it go first. Nothing happens when somebody else has it."""
    due = and_(s.notices.c.id == notice_id, _due(now))
    tx.execute(update(s.notices).where(due).values(state="deferred", next_at=next_at, at=now, error=error))


def give_back(tx: Transaction, notice_id: int, now: datetime, *, next_at: datetime) -> None:
    """It surely never left: as if it had not been claimed."""
    _set(tx, notice_id, state="waiting", attempts=s.notices.c.attempts - 1, next_at=next_at, at=now)


def _due(now: datetime) -> ColumnElement[bool]:
    c = s.notices.c
    ready = c.state.in_(("waiting", "deferred", "uncertain"))
    come = or_(and_(c.state == "waiting", c.next_at.is_(None)), c.next_at <= now)
    return and_(c.kind != "ask", ready, come)


def _set(tx: Transaction, notice_id: int, **values: object) -> None:
    tx.execute(update(s.notices).where(s.notices.c.id == notice_id).values(**values))


def _notice(row: Any) -> StoredNotice:
    return StoredNotice(**{name: row[name] for name in StoredNotice.__struct_fields__})
