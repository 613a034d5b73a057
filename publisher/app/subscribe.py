"""Subscribe: who receives the digest, as the operator says by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

from publisher.app.owner import MintUid, normalised
from publisher.app.people_summary import (
    AddressOutcome,
    SubscribersChange,
    SubscribersSummary,
    SubscriberSummary,
)
from publisher.app.summary import Note
from publisher.core.errors import UsageError
from publisher.core.preferences import Preferences
from publisher.core.variant import Language
from publisher.store import consents, notices, subscribers, suppressions
from publisher.store.engine import Store, Transaction


def add(
    store: Store,
    emails: Sequence[str],
    *,
    pending: bool,
    mint_uid: MintUid,
    now: datetime,
    language: Language = "zh-Hans",
) -> SubscribersChange:
    """Add addresses, active at once because the operator vouches (or `pending`). Adding one twice changes nothing.

    A bad address is refused with its reason; the good ones beside it are added. `language` is that of the site, until
    they choose another.
    """
    with store.write() as tx:
        state = "pending" if pending else "active"
        wish = Preferences(language=language)
        return SubscribersChange(
            addresses=tuple(_add(tx, email, state, mint_uid, now, wish) for email in emails)
        )


def _add(
    tx: Transaction, email: str, state: str, mint_uid: MintUid, now: datetime, wish: Preferences
) -> AddressOutcome:
    try:
        address = normalised(email)
    except UsageError as exc:
        return AddressOutcome(email=email, outcome="refused", why=Note(exc.sentence, exc.params))
    reason = suppressions.reason(tx, address.norm)
    if reason == "operator":  # a block is lifted by whom it was laid
        suppressions.lift(tx, address.norm)
    elif reason:
        why = Note("asked not to be mailed, or may not be: they must subscribe by themselves")
        return AddressOutcome(email=address.email, outcome="suppressed", why=why)
    known = subscribers.find(tx, address.norm)
    if known is None:
        uid = mint_uid()
        subscribers.add(
            tx, uid=uid, email=address.email, email_norm=address.norm, state=state, now=now, wish=wish
        )
        _vouched(tx, address.norm, state, mint_uid, now)
        return AddressOutcome(email=address.email, outcome="added", state=state, uid=uid)
    if known.state in ("unsubscribed", "bounced"):
        subscribers.set_state(tx, known.id, state, now)
        _vouched(tx, address.norm, state, mint_uid, now)
        return AddressOutcome(email=known.email, outcome="reactivated", state=state, uid=known.uid)
    return AddressOutcome(email=known.email, outcome="already", state=known.state, uid=known.uid)


def _vouched(tx: Transaction, norm: str, state: str, mint_uid: MintUid, now: datetime) -> None:
    """The operator's word is kept as the consent; whoever must confirm first is asked by a letter."""
    person = subscribers.find(tx, norm)
    assert person is not None
    if state != "pending":
        consents.note(tx, person.id, "vouched", at=now, source="operator")
        return
    consents.note(tx, person.id, "asked", at=now, source="operator")
    notices.add(
        tx, uid=mint_uid(), kind="confirmation", email=person.email, language=person.language, now=now,
        params={"norm": norm}, subscriber_id=person.id,
    )  # fmt: skip


Because = Literal["left", "complained", "blocked"]
"""Why the operator takes an address out. Who complained may come back by themselves alone; who is blocked may not."""


def remove(
    store: Store, emails: Sequence[str], *, because: Because = "left", now: datetime
) -> SubscribersChange:
    """Unsubscribe addresses; what they were mailed stays in the books."""
    with store.write() as tx:
        return SubscribersChange(addresses=tuple(_remove(tx, email, because, now) for email in emails))


def _remove(tx: Transaction, email: str, because: Because, now: datetime) -> AddressOutcome:
    try:
        address = normalised(email)
    except UsageError as exc:
        return AddressOutcome(email=email, outcome="refused", why=Note(exc.sentence, exc.params))
    known = subscribers.find(tx, address.norm)
    if because == "blocked":
        suppressions.suppress(tx, address.norm, "operator", now)
    if known is None:
        return AddressOutcome(email=email, outcome="blocked" if because == "blocked" else "unknown")
    if because == "complained" and known.state != "complained":
        suppressions.suppress(tx, address.norm, "complained", now)
        subscribers.set_state(tx, known.id, "complained", now)
        consents.note(tx, known.id, "withdrawn", at=now, source="operator")
        return AddressOutcome(email=known.email, outcome="removed", state="complained", uid=known.uid)
    if known.state == "complained":  # more than a wish to leave, and not to be lost
        return AddressOutcome(email=known.email, outcome="already", state=known.state, uid=known.uid)
    if known.state != "unsubscribed":
        subscribers.set_state(tx, known.id, "unsubscribed", now)
        consents.note(tx, known.id, "withdrawn", at=now, source="operator")
    return AddressOutcome(email=known.email, outcome="removed", state="unsubscribed", uid=known.uid)


def listed(store: Store, *, zone: ZoneInfo, state: str | None = None) -> SubscribersSummary:
    """Everyone (in one state), in the order in which they joined."""
    with store.read() as tx:
        people = subscribers.everyone(tx, state=state)
    return SubscribersSummary(
        subscribers=tuple(
            SubscriberSummary(
                uid=p.uid,
                email=p.email,
                state=p.state,
                cadence=p.cadence,
                body=p.body,
                language=p.language,
                paused_until=p.paused_until,
                owner=p.owner,
                joined=p.created_at.astimezone(zone),
                since=p.state_at.astimezone(zone),
            )
            for p in people
        )
    )
