"""Deliver: hand every waiting delivery of the open mailings to the mailer, once.

    claim (row says 'sending', committed) → the mailer takes it → what came of it, with the next claims, in one
    transaction

Rows in 'sending' never exceed the connections. Killed between claim and close, a row stays 'sending'; `recover`
turns it into 'accepted' when the mailer still knows the message, else into 'uncertain': shown by name, never sent
again by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec import Struct

from publisher.app.ports import Clock, Mailer
from publisher.core import delivery
from publisher.core.delivery import Outcome, Outgoing, mailing_key, message_id
from publisher.core.errors import PublisherError
from publisher.core.faults import fault
from publisher.core.issue import IssueName
from publisher.core.reply import Streak, is_hard
from publisher.core.token import Purpose, sign
from publisher.store import bounces, deliveries
from publisher.store.deliveries import Claimed, Closing, DeliveryRow, Mailing
from publisher.store.engine import Store, Transaction

if TYPE_CHECKING:
    from publisher.render.digest import Frozen, Reader

MOST_IN_A_GROUP = 20
GROUP_WAIT_S = 0.05
"""Outcomes are written together: so many, or those of so many seconds, with one wait for the disk."""

Going = Callable[[], bool]
"""False once the process was asked to end: nothing new is claimed then."""


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What Message-IDs and readers' tokens are made from, beside the mailing and the reader."""

    uuid: str
    host: str
    secret: bytes = field(repr=False)
    zone: ZoneInfo  # of the dates that messages name

    def message_id(self, mailing: Mailing, subscriber_uid: str) -> str:
        name = mailing.issue
        return message_id(self.uuid, mailing.kind, name.day, name.sequence, subscriber_uid, self.host)

    def reader(self, one: Claimed, kind: str, name: IssueName) -> Reader:
        """What the message of a mailing says about its reader; the same at every attempt."""
        from publisher.render.digest import Reader, Tokens

        def token(purpose: Purpose, *fields: str) -> str:
            return sign(self.secret, purpose, one.uid, *fields, key_version=one.key_version)

        return Reader(
            uid=one.uid,
            email=one.email,
            since=one.since.astimezone(self.zone).date() if one.since else None,
            tokens=Tokens(
                unsubscribe=token("unsubscribe"),
                preferences=token("preferences"),
                view=token("view", mailing_key(kind, name.day, name.sequence)),
            ),
        )


class Delivering(Struct, frozen=True, kw_only=True):
    """How mail is handed over."""

    sender: str  # the envelope's
    connections: int = 1
    late_after_h: float = 36


async def deliver(
    store: Store,
    mailer: Mailer,
    identity: Identity,
    delivering: Delivering,
    *,
    clock: Clock,
    only: IssueName | None = None,
    going: Going = always,
) -> int:
    """Send what waits in open mailings; returns how many were accepted now.

    A mailing older than `late_after_h` is held instead, unless the operator released it. One that the server refuses
    as a whole is held too, and the run is over: to go on would meet every reader alike, and make us no friends. A
    PublisherError of the mailer passes on after the books are closed: what was surely not handed over waits for
    the next run.
    """
    accepted = 0
    with store.read() as tx:
        mailings = deliveries.mailings(tx, "open")
    for mailing in mailings:
        if only is not None and mailing.issue != only:
            continue
        if not _has_ready(store, mailing, clock()):
            continue
        if _is_late(mailing, clock(), delivering.late_after_h):
            with store.write() as tx:
                deliveries.set_mailing(tx, mailing.id, "held", "late")
            continue
        sending = _Sending(store, identity, delivering, mailing, clock, going)
        accepted += await sending.through(mailer)
        if sending.refused:
            break
    fault("deliver-finished")
    return accepted


def _is_late(mailing: Mailing, now: datetime, late_after_h: float) -> bool:
    return mailing.reason != "released" and now - mailing.created_at > timedelta(hours=late_after_h)


def _has_ready(store: Store, mailing: Mailing, now: datetime) -> bool:
    """Whether anything can be sent now: a mailer may connect before it takes the first message."""
    with store.read() as tx:
        return deliveries.has_ready(tx, mailing.id, now)


class _Sending:
    """One mailing on its way: what is claimed, what is with the mailer, what came of it and is not written yet."""

    def __init__(
        self,
        store: Store,
        identity: Identity,
        delivering: Delivering,
        mailing: Mailing,
        clock: Clock,
        going: Going,
    ) -> None:
        self._store, self._identity, self._mailing = store, identity, mailing
        self._delivering, self._clock, self._going = delivering, clock, going
        self._bodies = _Bodies(store, mailing)
        self._claimed: deque[Claimed] = deque()
        self._with_mailer: dict[str, Claimed] = {}
        self._closings: list[Closing] = []
        self._lessons = bounces.Lessons()
        self._streak = Streak()
        self._settled = asyncio.Event()
        self.accepted = 0

    @property
    def refused(self) -> bool:
        """True when so many were turned away in a row that no reader is to blame."""
        return self._streak.too_long

    async def through(self, mailer: Mailer) -> int:
        """Send all that waits; returns how many were accepted."""
        try:
            sent = mailer.send(self._outgoing(), connections=self._delivering.connections)
            async with contextlib.aclosing(sent) as outcomes:
                async for outcome in outcomes:
                    self._settle(outcome)
        except PublisherError:
            # The mailer vouches: what it gave no outcome for never left.
            self._claimed.extend(self._with_mailer.values())
            self._with_mailer.clear()
            raise
        finally:
            self._write_back()
        return self.accepted

    async def _outgoing(self) -> AsyncIterator[Outgoing]:
        """Pulled by the mailer whenever a connection is free."""
        while self._going() and not self.refused:
            if not self._claimed:
                await self._gather()
                self._turn()
            if not self._claimed:
                return
            one = self._claimed.popleft()
            key = str(one.subscriber_id)
            self._with_mailer[key] = one
            yield self._message(key, one)

    async def _gather(self) -> None:
        """Let a few outcomes come together, so that they share one wait for the disk."""
        enough = min(MOST_IN_A_GROUP, self._delivering.connections)
        deadline = asyncio.get_running_loop().time() + GROUP_WAIT_S
        while self._closings and self._with_mailer and len(self._closings) < enough:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return
            self._settled.clear()
            try:
                await asyncio.wait_for(self._settled.wait(), left)
            except TimeoutError:
                return

    def _turn(self) -> None:
        """Write what came of earlier ones and claim the next, in one transaction."""
        now, closed = self._clock(), bool(self._closings)
        with self._store.write() as tx:
            self._write(tx, self._closings, now)
            free = self._delivering.connections - len(self._with_mailer)
            if deliveries.is_open(tx, self._mailing.id):
                self._claimed.extend(deliveries.claim(tx, self._mailing.id, limit=free, now=now))
        self._closings = []
        if closed:
            fault("close-committed")
        if self._claimed:
            fault("claim-committed")

    def _message(self, key: str, one: Claimed) -> Outgoing:
        from publisher.render.digest import splice

        reader = self._identity.reader(one, self._mailing.kind, self._mailing.issue)
        segments = splice(self._bodies.of(one.variant), reader)
        return Outgoing(
            key=key, message_id=self._identity.message_id(self._mailing, one.uid),
            envelope_from=self._delivering.sender, recipient=one.email, segments=tuple(segments),
        )  # fmt: skip

    def _settle(self, outcome: Outcome) -> None:
        fault("mail-written")
        one = self._with_mailer.pop(outcome.key)
        closed = delivery.close(
            outcome.kind, attempts=one.attempts - 1, opened_at=self._mailing.created_at, now=self._clock()
        )
        self.accepted += closed.state == "accepted"
        self._streak = self._streak.after(outcome)
        self._learn(one.subscriber_id, outcome)
        self._closings.append(
            Closing(
                subscriber_id=one.subscriber_id, state=closed.state, code=outcome.code, text=outcome.text,
                next_at=closed.next_at,
            )
        )  # fmt: skip
        self._settled.set()

    def _learn(self, subscriber_id: int, outcome: Outcome) -> None:
        if outcome.kind == "accepted":
            self._lessons.reached.append(subscriber_id)
        elif outcome.kind == "rejected":
            (self._lessons.gone if is_hard(outcome) else self._lessons.refused).append(subscriber_id)

    def _write_back(self) -> None:
        """The last outcomes; what was claimed and never taken waits again."""
        untried = [Closing(subscriber_id=one.subscriber_id, state="waiting") for one in self._claimed]
        with self._store.write() as tx:
            self._write(tx, [*self._closings, *untried], self._clock())
            deliveries.finish(tx, self._mailing.id)
            if self.refused and deliveries.is_open(tx, self._mailing.id):
                deliveries.set_mailing(tx, self._mailing.id, "held", "refused")
        self._claimed.clear()
        self._closings = []

    def _write(self, tx: Transaction, closings: list[Closing], now: datetime) -> None:
        deliveries.close(tx, self._mailing.id, closings, now)
        bounces.learn(tx, self._lessons, now)
        self._lessons = bounces.Lessons()


class _Bodies:
    """Frozen bodies by variant, read once."""

    def __init__(self, store: Store, mailing: Mailing) -> None:
        self._store, self._mailing = store, mailing
        self._read: dict[str, Frozen] = {}

    def of(self, variant: str) -> Frozen:
        from publisher.render.digest import Frozen

        if variant not in self._read:
            with self._store.read() as tx:
                self._read[variant] = Frozen.from_bytes(deliveries.artifact(tx, self._mailing.id, variant))
        return self._read[variant]


def recover(store: Store, mailer: Mailer, identity: Identity, *, now: datetime) -> list[DeliveryRow]:
    """Settle what a dead run left in 'sending'; returns those that became 'uncertain'. Only under the lock."""
    with store.read() as tx:
        if not deliveries.rows(tx, deliveries.IS_SENDING):
            return []
    with store.write() as tx:
        by_id = {mailing.id: mailing for mailing in deliveries.mailings(tx)}
        for row in deliveries.rows(tx, deliveries.IS_SENDING):
            if mailer.was_delivered(identity.message_id(by_id[row.mailing_id], row.subscriber_uid)):
                closing = Closing(subscriber_id=row.subscriber_id, state="accepted")
                deliveries.close(tx, row.mailing_id, [closing], now)
        doubtful = deliveries.recover(tx, now)
        for mailing_id in {row.mailing_id for row in doubtful}:
            deliveries.finish(tx, mailing_id)
        return doubtful
