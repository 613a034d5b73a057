"""The owner of [mail] owner among the subscribers, and how an address is written; loaded by every run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from publisher.core.preferences import Preferences
from publisher.core.variant import Language
from publisher.store import subscribers
from publisher.store.engine import Transaction

if TYPE_CHECKING:
    from publisher.core.subscriber import Address

MintUid = Callable[[], str]
"""A new unguessable subscriber uid."""


def ensure_owner(
    tx: Transaction, email: str, *, mint_uid: MintUid, now: datetime, language: Language = "zh-Hans"
) -> None:
    """The owner of the configuration is an active subscriber from the first run on, and the only owner.

    An owner who was unsubscribed by hand stays so; a changed [mail] owner adds the new address. An owner who reads
    elsewhere by now does so as a reader like others.
    """
    if not email:
        subscribers.set_owner(tx, None)
        return
    if subscribers.is_owner(tx, email):
        return
    address = normalised(email)
    known = subscribers.find(tx, address.norm)
    if known is None:
        subscribers.add(
            tx,
            uid=mint_uid(),
            email=address.email,
            email_norm=address.norm,
            state="active",
            now=now,
            wish=Preferences(language=language),
        )
        known = subscribers.find(tx, address.norm)
        assert known is not None
    subscribers.set_owner(tx, known.id)


def normalised(email: str) -> Address:
    """Raises UsageError. The validator is loaded when an address is new: most runs meet none."""
    from publisher.core.subscriber import normalise_email

    return normalise_email(email)
