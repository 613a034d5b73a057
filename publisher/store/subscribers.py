"""Who reads by mail, and what they chose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, not_, or_, select, update

from publisher.core.preferences import Preferences
from publisher.store import consents, notices
from publisher.store import schema as s
from publisher.store.engine import Transaction
from publisher.store.handover import hand_over

_HOLLOW = ""
"""The address of a row that is nobody's any more: it stays for the books of old mailings, and says nothing."""

_JOINED = "joined:"
"""Such a row of somebody who reads on under another one: 'joined:THIS:OTHER'. Its old links still lead out."""


class StoredSubscriber(Struct, frozen=True, kw_only=True):
    """One person; `email_norm` is the address as it is compared."""

    id: int
    uid: str
    email_norm: str
    email: str
    state: str
    owner: bool
    created_at: datetime
    state_at: datetime
    cadence: str = "daily"
    body: str = "full"
    language: str = "zh-Hans"
    paused_until: date | None = None
    key_version: int = 1
    asked_at: datetime | None = None
    asked_n: int = 0
    soft_bounces: int = 0


def find(tx: Transaction, email_norm: str) -> StoredSubscriber | None:
    """The subscriber with this comparable address."""
    return _one(tx, s.subscribers.c.email_norm == email_norm)


def by_uid(tx: Transaction, uid: str) -> StoredSubscriber | None:
    """The subscriber that a token names."""
    return _one(tx, s.subscribers.c.uid == uid)


def living(tx: Transaction, uid: str) -> StoredSubscriber | None:
    """The subscriber with this uid, or the one that they became."""
    person = by_uid(tx, uid)
    if person is None or not person.email_norm.startswith(_JOINED):
        return person
    return by_id(tx, int(person.email_norm.rpartition(":")[2]))


def by_id(tx: Transaction, subscriber_id: int) -> StoredSubscriber:
    """A subscriber whose row is known to be there."""
    found = _one(tx, s.subscribers.c.id == subscriber_id)
    assert found is not None
    return found


def _one(tx: Transaction, condition: ColumnElement[bool]) -> StoredSubscriber | None:
    row = tx.execute(select(s.subscribers).where(condition)).mappings().one_or_none()
    return _subscriber(row) if row else None


def is_owner(tx: Transaction, email: str) -> bool:
    """Whether the owner is somebody with exactly this address, and nobody else."""
    c = s.subscribers.c
    return list(tx.execute(select(c.email).where(c.owner == 1)).scalars()) == [email]


def everyone(tx: Transaction, *, state: str | None = None) -> list[StoredSubscriber]:
    """All subscribers (in one state) in the order in which they joined, without those who were forgotten."""
    c = s.subscribers.c
    query = select(s.subscribers).where(c.email != _HOLLOW).order_by(c.id)
    if state is not None:
        query = query.where(c.state == state)
    return [_subscriber(row) for row in tx.execute(query).mappings()]


def add(
    tx: Transaction,
    *,
    uid: str,
    email: str,
    email_norm: str,
    state: str,
    now: datetime,
    wish: Preferences | None = None,
    facts: Mapping[str, object] | None = None,
) -> None:
    """A new subscriber. The address must not be there yet (its comparable form is unique).

    `facts` are further columns by name, of somebody who comes from another list.
    """
    tx.execute(
        insert(s.subscribers).values(
            {
                "uid": uid, "email": email, "email_norm": email_norm, "state": state, "owner": 0,
                "created_at": now, "state_at": now, **(_chosen(wish) if wish else {}), **(facts or {}),
            }
        )
    )  # fmt: skip


def set_state(
    tx: Transaction, subscriber_id: int, state: str, now: datetime, *, paused_until: date | None = None
) -> None:
    """Change what a subscriber is; the moment is kept. `paused_until` goes with 'paused' alone."""
    _change(tx, subscriber_id, state=state, state_at=now, paused_until=paused_until)


def set_preferences(tx: Transaction, subscriber_id: int, wish: Preferences) -> None:
    """Cadence, body and language. A pause is a state: see `set_state`."""
    _change(tx, subscriber_id, **_chosen(wish))


def set_address(tx: Transaction, subscriber_id: int, *, email: str, email_norm: str) -> None:
    """Somebody reads elsewhere from now on; what was mailed to the old address opens nothing any more."""
    _change(tx, subscriber_id, email=email, email_norm=email_norm, soft_bounces=0)
    void_tokens(tx, subscriber_id)


def join(tx: Transaction, left: StoredSubscriber, lives: StoredSubscriber, now: datetime) -> None:
    """Two rows turned out to be one person, who reads on as `lives`; `left` gives its address free.

    What was mailed to either counts for both, and what waits for both is mailed once.
    """
    hand_over(tx, left.id, lives.id, wanted=left.state == "active", now=now)
    consents.hand_over(tx, left.id, lives.id)
    notices.hand_over(tx, left.id, lives.id)
    for older in _joined(tx, left.id):
        _change(tx, older, email_norm=f"{_JOINED}{older}:{lives.id}")
    _empty(tx, left.id, uid=left.uid, email_norm=f"{_JOINED}{left.id}:{lives.id}", now=now)
    if left.owner:
        set_owner(tx, lives.id)


def _joined(tx: Transaction, subscriber_id: int) -> list[int]:
    """Rows whose person reads on as this one."""
    c = s.subscribers.c
    return list(tx.execute(select(c.id).where(c.email_norm.like(f"{_JOINED}%:{subscriber_id}"))).scalars())


def void_tokens(tx: Transaction, subscriber_id: int) -> None:
    """Make every token so far worthless."""
    _change(tx, subscriber_id, key_version=s.subscribers.c.key_version + 1)


def note_asked(tx: Transaction, subscriber_id: int, *, at: datetime, n: int) -> None:
    """A letter that somebody asked for with a form is on its way; `n` is how many that day."""
    _change(tx, subscriber_id, asked_at=at, asked_n=n)


def wake(tx: Transaction, today: date, now: datetime) -> int:
    """Readers whose pause is over are active again. Returns how many."""
    c = s.subscribers.c
    done = tx.execute(
        update(s.subscribers)
        .where(c.state == "paused", c.paused_until <= today)
        .values(state="active", state_at=now, paused_until=None)
    )
    return done.rowcount


def remove(tx: Transaction, subscriber_id: int, *, uid: str, now: datetime) -> None:
    """Take everything personal out. Where the books of mailings name the row it stays, hollow, under a new `uid`."""
    notices.forget(tx, by_id(tx, subscriber_id).email_norm)
    for older in _joined(tx, subscriber_id):
        _remove_row(tx, older, uid=f"{uid}-{older}", now=now)
    _remove_row(tx, subscriber_id, uid=uid, now=now)


def _remove_row(tx: Transaction, subscriber_id: int, *, uid: str, now: datetime) -> None:
    c, d = s.subscribers.c, s.deliveries.c
    tx.execute(delete(s.consents).where(s.consents.c.subscriber_id == subscriber_id))
    tx.execute(delete(s.notices).where(s.notices.c.subscriber_id == subscriber_id))
    if tx.execute(select(d.subscriber_id).where(d.subscriber_id == subscriber_id).limit(1)).first() is None:
        tx.execute(delete(s.subscribers).where(c.id == subscriber_id))
        return
    # Servers say the address in what they answer.
    tx.execute(update(s.deliveries).where(d.subscriber_id == subscriber_id).values(smtp_text=""))
    _empty(tx, subscriber_id, uid=uid, email_norm=f"forgotten:{subscriber_id}", now=now)


def _empty(tx: Transaction, subscriber_id: int, *, uid: str, email_norm: str, now: datetime) -> None:
    """Leave nothing of a person in a row, and make its tokens worthless."""
    _change(
        tx, subscriber_id, uid=uid, email=_HOLLOW, email_norm=email_norm, state="unsubscribed", owner=0,
        created_at=now, state_at=now, asked_at=None, asked_n=0, soft_bounces=0, paused_until=None,
    )  # fmt: skip
    set_preferences(tx, subscriber_id, Preferences())
    void_tokens(tx, subscriber_id)


def unconfirmed(tx: Transaction, before: datetime) -> list[int]:
    """Who asked by the form before this moment and not again, never confirmed, and was never mailed a digest."""
    c, d, agreed, letter = s.subscribers.c, s.deliveries.c, s.consents.c, s.notices.c
    other = exists().where(
        agreed.subscriber_id == c.id,
        or_(agreed.kind != "asked", agreed.source == "operator", agreed.at >= before),
    )
    mailed = exists().where(d.subscriber_id == c.id)
    asked = exists().where(agreed.subscriber_id == c.id)
    again = exists().where(letter.kind == "ask", notices.address() == c.email_norm)
    stale = and_(c.state == "pending", c.created_at < before, asked, not_(other), not_(mailed), not_(again))
    return list(tx.execute(select(c.id).where(stale)).scalars())


def set_owner(tx: Transaction, subscriber_id: int | None) -> None:
    """Mark the one subscriber who is the owner."""
    tx.execute(update(s.subscribers).where(s.subscribers.c.owner == 1).values(owner=0))
    if subscriber_id is not None:
        _change(tx, subscriber_id, owner=1)


def count_by_state(tx: Transaction) -> dict[str, int]:
    """How many are active, pending and so on."""
    c = s.subscribers.c
    query = select(c.state, func.count()).where(c.email != _HOLLOW).group_by(c.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def _change(tx: Transaction, subscriber_id: int, **values: object) -> None:
    tx.execute(update(s.subscribers).where(s.subscribers.c.id == subscriber_id).values(**values))


def _chosen(wish: Preferences) -> dict[str, str]:
    return {"cadence": wish.cadence, "body": wish.body, "language": wish.language}


def _subscriber(row: object) -> StoredSubscriber:
    facts = {name: row[name] for name in StoredSubscriber.__struct_fields__}  # type: ignore[index]
    return StoredSubscriber(**facts | {"owner": bool(facts["owner"])})
