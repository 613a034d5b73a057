"""Subscribe: who receives the digest, as the operator says by hand, and the owner from [mail] owner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from publisher.app.summary import (
    AddressOutcome,
    Note,
    SubscribersChange,
    SubscribersSummary,
    SubscriberSummary,
)
from publisher.core.errors import UsageError
from publisher.store import subscribers
from publisher.store.engine import Store, Transaction

if TYPE_CHECKING:
    from publisher.core.subscriber import Address

MintUid = Callable[[], str]
"""A new unguessable subscriber uid."""


def add(
    store: Store, emails: Sequence[str], *, pending: bool, mint_uid: MintUid, now: datetime
) -> SubscribersChange:
    """Add addresses, active at once because the operator vouches (or `pending`). Adding one twice changes nothing.

    A bad address is refused with its reason; the good ones beside it are added.
    """
    with store.write() as tx:
        state = "pending" if pending else "active"
        return SubscribersChange(addresses=tuple(_add(tx, email, state, mint_uid, now) for email in emails))


def _add(tx: Transaction, email: str, state: str, mint_uid: MintUid, now: datetime) -> AddressOutcome:
    try:
        address = _normalised(email)
    except UsageError as exc:
        return AddressOutcome(email=email, outcome="refused", why=Note(exc.sentence, exc.params))
    known = subscribers.find(tx, address.norm)
    if known is None:
        uid = mint_uid()
        subscribers.add(tx, uid=uid, email=address.email, email_norm=address.norm, state=state, now=now)
        return AddressOutcome(email=address.email, outcome="added", state=state, uid=uid)
    if known.state == "unsubscribed":
        subscribers.set_state(tx, known.id, state, now)
        return AddressOutcome(email=known.email, outcome="reactivated", state=state, uid=known.uid)
    return AddressOutcome(email=known.email, outcome="already", state=known.state, uid=known.uid)


def remove(store: Store, emails: Sequence[str], *, now: datetime) -> SubscribersChange:
    """Unsubscribe addresses; what they were mailed stays in the books."""
    with store.write() as tx:
        return SubscribersChange(addresses=tuple(_remove(tx, email, now) for email in emails))


def _remove(tx: Transaction, email: str, now: datetime) -> AddressOutcome:
    try:
        known = subscribers.find(tx, _normalised(email).norm)
    except UsageError as exc:
        return AddressOutcome(email=email, outcome="refused", why=Note(exc.sentence, exc.params))
    if known is None:
        return AddressOutcome(email=email, outcome="unknown")
    subscribers.set_state(tx, known.id, "unsubscribed", now)
    return AddressOutcome(email=known.email, outcome="removed", state="unsubscribed", uid=known.uid)


def listed(store: Store, *, zone: ZoneInfo) -> SubscribersSummary:
    """Everyone, in the order in which they joined."""
    with store.read() as tx:
        people = subscribers.everyone(tx)
    return SubscribersSummary(
        subscribers=tuple(
            SubscriberSummary(uid=p.uid, email=p.email, state=p.state, since=p.state_at.astimezone(zone))
            for p in people
        )
    )


def ensure_owner(tx: Transaction, email: str, *, mint_uid: MintUid, now: datetime) -> None:
    """The owner of the configuration is an active subscriber from the first run on.

    An owner who was unsubscribed by hand stays so; a changed [mail] owner adds the new address.
    """
    if not email:
        subscribers.set_owner(tx, None)
        return
    if subscribers.is_owner(tx, email):
        return
    address = _normalised(email)
    known = subscribers.find(tx, address.norm)
    if known is None:
        subscribers.add(
            tx,
            uid=mint_uid(),
            email=address.email,
            email_norm=address.norm,
            state="active",
            now=now,
            owner=True,
        )
        known = subscribers.find(tx, address.norm)
        assert known is not None
    if not known.owner:
        subscribers.set_owner(tx, known.id)


def _normalised(email: str) -> Address:
    """Raises UsageError. The validator is loaded when an address is new: most runs meet none."""
    from publisher.core.subscriber import normalise_email

    return normalise_email(email)
