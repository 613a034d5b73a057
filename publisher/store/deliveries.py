"""The ledger of mail: mailings, their recipients, and what became of each.

Books balance at every moment: a row is written once, in the transaction that publishes, and only changes its state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update

from publisher.core.issue import IssueName
from publisher.store import schema as s
from publisher.store.engine import Transaction, new_id
from publisher.store.suppressions import suppressed

BATCH = 500
"""Recipients a batch: the unit one worker takes."""


_AGREED = ("confirmed", "vouched", "imported")
"""Consents that mail rests on."""

IS_SENDING = s.deliveries.c.state == "sending"


class Mailing(Struct, frozen=True, kw_only=True):
    """One mailing of an issue. `reason` says why it is held."""

    id: int
    kind: str
    issue: IssueName
    state: str
    reason: str | None
    recipients: int
    created_at: datetime


class Claimed(Struct, frozen=True, kw_only=True):
    """A delivery whose row says 'sending': ours to make, once."""

    mailing_id: int
    subscriber_id: int
    uid: str
    email: str
    variant: str
    attempts: int  # this one included
    key_version: int = 1  # of the reader's tokens
    since: datetime | None = None  # when they last agreed to be mailed


class Closing(Struct, frozen=True, kw_only=True):
    """What became of a claimed delivery."""

    subscriber_id: int
    state: str  # accepted | rejected | deferred | uncertain | waiting (given back untried)
    code: int | None = None
    text: str = ""
    next_at: datetime | None = None  # of a deferred one


class DeliveryRow(Struct, frozen=True, kw_only=True):
    """A delivery with the names that a person needs."""

    mailing_id: int
    subscriber_id: int
    kind: str  # of the mailing
    issue: IssueName
    subscriber_uid: str
    email: str
    state: str
    attempts: int
    code: int | None
    text: str
    at: datetime


def open_mailing(
    tx: Transaction,
    *,
    kind: str,
    name: IssueName,
    issue_ids: Iterable[int],
    recipients: Sequence[tuple[int, str]],
    body_of: Callable[[str], bytes],
    held: str | None,
    now: datetime,
) -> int:
    """Write the mailing, its frozen bodies and one 'waiting' row a recipient. Part of the publishing transaction.

    `recipients`: subscriber and variant. `body_of` is asked once for every variant that has a reader.
    """
    made = tx.execute(
        insert(s.mailings).values(
            kind=kind, day=name.day, sequence=name.sequence, state="held" if held else "open",
            reason=held, recipients=len(recipients), created_at=now,
        )
    )  # fmt: skip
    mailing_id = new_id(made)
    carried = [{"mailing_id": mailing_id, "issue_id": issue_id} for issue_id in issue_ids]
    tx.execute(insert(s.mailing_issues), carried)
    for variant in sorted({variant for _, variant in recipients}):
        body = body_of(variant)
        digest = hashlib.sha256(body).hexdigest()
        tx.execute(
            insert(s.artifacts).values(mailing_id=mailing_id, variant=variant, sha256=digest, bytes=body)
        )
    _write_recipients(tx, mailing_id, recipients, now)
    if not recipients:
        set_mailing(tx, mailing_id, "done")
    return mailing_id


def _write_recipients(
    tx: Transaction, mailing_id: int, recipients: Sequence[tuple[int, str]], now: datetime
) -> None:
    for sequence, start in enumerate(range(0, len(recipients), BATCH), start=1):
        part = recipients[start : start + BATCH]
        made = tx.execute(
            insert(s.batches).values(mailing_id=mailing_id, sequence=sequence, n=len(part), state="todo")
        )
        batch_id = new_id(made)
        rows = [
            {
                "mailing_id": mailing_id, "subscriber_id": subscriber_id, "batch_id": batch_id, "variant": variant,
                "state": "waiting", "attempts": 0, "smtp_text": "", "at": now,
            }
            for subscriber_id, variant in part
        ]  # fmt: skip
        tx.execute(insert(s.deliveries), rows)


def mailings(tx: Transaction, *states: str) -> list[Mailing]:
    """Mailings in these states (all of them without any), oldest first."""
    query = select(s.mailings).order_by(s.mailings.c.id)
    if states:
        query = query.where(s.mailings.c.state.in_(states))
    return [
        Mailing(
            id=row["id"], kind=row["kind"], issue=IssueName(row["day"], row["sequence"]), state=row["state"],
            reason=row["reason"], recipients=row["recipients"], created_at=row["created_at"],
        )
        for row in tx.execute(query).mappings()
    ]  # fmt: skip


def set_mailing(tx: Transaction, mailing_id: int, state: str, reason: str | None = None) -> None:
    """Hold, release or finish a mailing."""
    tx.execute(update(s.mailings).where(s.mailings.c.id == mailing_id).values(state=state, reason=reason))


def is_open(tx: Transaction, mailing_id: int) -> bool:
    """False once it was paused, held or cancelled, or the publication paused, perhaps by another process just now."""
    query = select(s.mailings.c.state).where(s.mailings.c.id == mailing_id)
    paused = tx.execute(select(s.publication.c.paused)).scalar_one_or_none()
    return bool(tx.execute(query).scalar_one() == "open") and not paused


def _ready(now: datetime) -> ColumnElement[bool]:
    """Waits, or was deferred until now."""
    c = s.deliveries.c
    return or_(c.state == "waiting", and_(c.state == "deferred", c.next_at <= now))


def has_ready(tx: Transaction, mailing_id: int, now: datetime) -> bool:
    """Whether a claim would find anything; False while the mailing or the publication rests."""
    query = select(s.deliveries.c.subscriber_id).where(s.deliveries.c.mailing_id == mailing_id, _ready(now))
    return is_open(tx, mailing_id) and tx.execute(query.limit(1)).first() is not None


def claim(tx: Transaction, mailing_id: int, *, limit: int, now: datetime) -> list[Claimed]:
    """Take up to `limit` deliveries that wait, or were deferred until now: their rows say 'sending' from here on,
    before any byte leaves.

    Who is no longer active, or may not be mailed, is skipped instead, and does not count towards `limit`.
    """
    _skip_inactive(tx, mailing_id, now)
    while _skip_suppressed(tx, mailing_id, limit, now):
        pass
    c = s.deliveries.c
    ready = _ready(now)
    chosen = (
        select(c.subscriber_id)
        .where(c.mailing_id == mailing_id, ready)
        .order_by(c.subscriber_id)
        .limit(limit)
    )
    taken = tx.execute(
        update(s.deliveries)
        .where(c.mailing_id == mailing_id, ready, c.subscriber_id.in_(chosen))
        .values(state="sending", attempts=c.attempts + 1, next_at=None, at=now)
        .returning(c.subscriber_id, c.variant, c.attempts)
    ).all()
    people = _people(tx, [row.subscriber_id for row in taken], at=now)
    return [
        Claimed(
            mailing_id=mailing_id, subscriber_id=row.subscriber_id, variant=row.variant, attempts=row.attempts,
            **people[row.subscriber_id],
        )
        for row in sorted(taken, key=lambda row: row.subscriber_id)
    ]  # fmt: skip


def _skip_inactive(tx: Transaction, mailing_id: int, now: datetime) -> None:
    gone = select(s.subscribers.c.id).where(s.subscribers.c.state != "active")
    c = s.deliveries.c
    tx.execute(
        update(s.deliveries)
        .where(c.mailing_id == mailing_id, c.state.in_(("waiting", "deferred")), c.subscriber_id.in_(gone))
        .values(state="skipped", next_at=None, at=now)
    )


def _skip_suppressed(tx: Transaction, mailing_id: int, limit: int, now: datetime) -> bool:
    """Skip those of the next ones whose address may not be mailed. True when the next ones are others now."""
    c, people = s.deliveries.c, s.subscribers.c
    following = (
        select(c.subscriber_id, people.email_norm)
        .join(s.subscribers, people.id == c.subscriber_id)
        .where(c.mailing_id == mailing_id, _ready(now))
        .order_by(c.subscriber_id)
        .limit(limit)
    )
    ids = {row.email_norm: row.subscriber_id for row in tx.execute(following)}
    blocked = [ids[norm] for norm in suppressed(tx, ids)]
    if blocked:
        tx.execute(
            update(s.deliveries)
            .where(c.mailing_id == mailing_id, c.subscriber_id.in_(blocked))
            .values(state="skipped", next_at=None, at=now)
        )
    return bool(blocked)


def _people(tx: Transaction, ids: list[int], *, at: datetime) -> dict[int, dict[str, Any]]:
    """What a message of that moment says about its reader."""
    c, agreed = s.subscribers.c, s.consents.c
    since = (
        select(agreed.subscriber_id, func.max(agreed.at).label("at"))
        .where(agreed.kind.in_(_AGREED), agreed.subscriber_id.in_(ids), agreed.at <= at)
        .group_by(agreed.subscriber_id)
        .subquery()
    )
    query = select(
        c.id, c.uid, c.email, c.key_version, func.coalesce(since.c.at, c.created_at).label("since")
    )
    query = query.outerjoin(since, since.c.subscriber_id == c.id).where(c.id.in_(ids))
    return {
        row.id: {"uid": row.uid, "email": row.email, "key_version": row.key_version, "since": row.since}
        for row in tx.execute(query)
    }


def of_reader(tx: Transaction, kind: str, name: IssueName, uid: str) -> Claimed | None:
    """The delivery of a mailing to a reader, whatever became of it, as the message said it then.

    Links of a message are void once its reader has another address: the one of today is the one it was mailed to.
    """
    d, m = s.deliveries.c, s.mailings.c
    query = (
        select(d.mailing_id, d.subscriber_id, d.variant, d.attempts, d.at)
        .join(s.mailings, m.id == d.mailing_id)
        .join(s.subscribers, s.subscribers.c.id == d.subscriber_id)
        .where(m.kind == kind, m.day == name.day, m.sequence == name.sequence, s.subscribers.c.uid == uid)
    )
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        return None
    facts = dict(row)
    person = _people(tx, [facts["subscriber_id"]], at=facts.pop("at"))[facts["subscriber_id"]]
    return Claimed(**facts, **person)


def close(tx: Transaction, mailing_id: int, closings: Iterable[Closing], now: datetime) -> None:
    """Write what became of claimed deliveries. Only rows that say 'sending' change."""
    c = s.deliveries.c
    for closing in closings:
        tx.execute(
            update(s.deliveries)
            .where(c.mailing_id == mailing_id, c.subscriber_id == closing.subscriber_id, c.state == "sending")
            .values(
                state=closing.state,
                smtp_code=closing.code,
                smtp_text=closing.text,
                next_at=closing.next_at,
                at=now,
            )
        )


def finish(tx: Transaction, mailing_id: int) -> None:
    """Close batches without open rows, and the mailing when none is left."""
    c = s.deliveries.c
    unfinished = select(c.batch_id).where(
        c.mailing_id == mailing_id, c.state.in_(("waiting", "sending", "deferred"))
    )
    tx.execute(
        update(s.batches)
        .where(s.batches.c.mailing_id == mailing_id, s.batches.c.id.not_in(unfinished))
        .values(state="done")
    )
    if tx.execute(unfinished.limit(1)).first() is None:
        still_open = s.mailings.c.state.in_(("open", "held", "paused"))
        tx.execute(
            update(s.mailings)
            .where(s.mailings.c.id == mailing_id, still_open)
            .values(state="done", reason=None)
        )


def recover(tx: Transaction, now: datetime) -> list[DeliveryRow]:
    """What a dead run left in 'sending' becomes 'uncertain'. Call only while holding the lock."""
    left = rows(tx, IS_SENDING)
    tx.execute(
        update(s.deliveries).where(s.deliveries.c.state == "sending").values(state="uncertain", at=now)
    )
    return left


def uncertain(tx: Transaction) -> list[DeliveryRow]:
    """Deliveries of which nobody can say whether they arrived."""
    return rows(tx, s.deliveries.c.state == "uncertain")


def of_subscriber(tx: Transaction, subscriber_id: int) -> list[DeliveryRow]:
    """What somebody was mailed, newest first."""
    return rows(tx, s.deliveries.c.subscriber_id == subscriber_id)


def cancel(tx: Transaction, mailing_id: int, now: datetime) -> int:
    """End a mailing: who has not been mailed is skipped. Returns how many."""
    c = s.deliveries.c
    open_ones = c.state.in_(("waiting", "deferred"))
    done = tx.execute(
        update(s.deliveries)
        .where(c.mailing_id == mailing_id, open_ones)
        .values(state="skipped", next_at=None, at=now)
    )
    set_mailing(tx, mailing_id, "cancelled")
    tx.execute(update(s.batches).where(s.batches.c.mailing_id == mailing_id).values(state="done"))
    return done.rowcount


def settle_uncertain(tx: Transaction, *, state: str, now: datetime) -> int:
    """The operator decides: 'waiting' sends again, 'accepted' counts as sent. Returns how many."""
    c = s.deliveries.c
    touched = list(tx.execute(select(c.mailing_id).where(c.state == "uncertain").distinct()).scalars())
    done = tx.execute(update(s.deliveries).where(c.state == "uncertain").values(state=state, at=now))
    for mailing_id in touched:
        if state == "waiting":
            _reopen(tx, mailing_id)
        finish(tx, mailing_id)
    return done.rowcount


def _reopen(tx: Transaction, mailing_id: int) -> None:
    c = s.deliveries.c
    again = select(c.batch_id).where(c.mailing_id == mailing_id, c.state == "waiting")
    tx.execute(update(s.batches).where(s.batches.c.id.in_(again)).values(state="todo"))
    tx.execute(
        update(s.mailings)
        .where(s.mailings.c.id == mailing_id, s.mailings.c.state == "done")
        .values(state="open", reason=None)
    )


def rows(tx: Transaction, condition: ColumnElement[bool] | None = None) -> list[DeliveryRow]:
    """Deliveries with the names a person needs, newest mailing first."""
    d, m = s.deliveries.c, s.mailings.c
    query = (
        select(
            d.mailing_id, d.subscriber_id, m.kind, m.day, m.sequence, s.subscribers.c.uid, s.subscribers.c.email,
            d.state, d.attempts, d.smtp_code, d.smtp_text, d.at,
        )
        .join(s.mailings, m.id == d.mailing_id)
        .join(s.subscribers, s.subscribers.c.id == d.subscriber_id)
        .order_by(d.mailing_id.desc(), d.subscriber_id)
    )  # fmt: skip
    if condition is not None:
        query = query.where(condition)
    return [
        DeliveryRow(
            mailing_id=row.mailing_id, subscriber_id=row.subscriber_id, kind=row.kind,
            issue=IssueName(row.day, row.sequence), subscriber_uid=row.uid, email=row.email, state=row.state,
            attempts=row.attempts, code=row.smtp_code,
            text=row.smtp_text, at=row.at,
        )
        for row in tx.execute(query)
    ]  # fmt: skip


def books(
    tx: Transaction, day: date | None = None, sequence: int = 1, *, weekly: bool = False
) -> dict[str, int]:
    """The seven states and their sum, of the mailing of one issue (or week) or of the newest mailing; {} when there
    is none."""
    m = s.mailings.c
    query = select(m.id, m.recipients).order_by(m.id.desc()).limit(1)
    if day is None:
        query = query.where(or_(m.kind != "weekly", m.recipients > 0))
    else:
        query = query.where(m.day == day, m.sequence == sequence, (m.kind == "weekly") == weekly)
    mailing = tx.execute(query).one_or_none()
    if mailing is None:
        return {}
    states = (
        select(s.deliveries.c.state, func.count())
        .where(s.deliveries.c.mailing_id == mailing.id)
        .group_by(s.deliveries.c.state)
    )
    return {"recipients": mailing.recipients} | {row[0]: row[1] for row in tx.execute(states)}


def artifact(tx: Transaction, mailing_id: int, variant: str) -> bytes:
    """The frozen body of a mailing."""
    c = s.artifacts.c
    query = select(c.bytes).where(c.mailing_id == mailing_id, c.variant == variant)
    return bytes(tx.execute(query).scalar_one())
