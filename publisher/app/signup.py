"""Signing up: what readers do about their mail by themselves, with a form or a link of a letter.

Nothing here waits on the network or on the lock of a run: a form only puts a letter on the books (app.notices sends
it), so that a known address is answered with the same work as an unknown one. Every verb may be called twice.
Whoever opens a page changes nothing: `look`, `preferences` and `view` read, the others are for POST.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from publisher.app.equipment import Equipment
from publisher.app.letters import (
    BACK_WITHIN,
    Outcome,
    Person,
    next_tokens,
    opened,
    opened_notice,
    read,
    secret,
    shown,
    wished,
)
from publisher.core.delivery import read_mailing_key
from publisher.core.errors import UsageError
from publisher.core.issue import IssueName
from publisher.core.preferences import LONGEST_PAUSE, Preferences, cadence_of
from publisher.core.token import Purpose, TokenError
from publisher.core.variant import body_of, language_of
from publisher.render.words import words
from publisher.store import consents, notices, subscribers, suppressions
from publisher.store.engine import Transaction
from publisher.store.subscribers import StoredSubscriber

__all__ = [
    "Outcome", "Person", "Preferences", "Wish", "ask", "change_address", "confirm", "confirm_change", "consent_text",
    "erase", "export_data", "look", "preferences", "resubscribe", "set_preferences", "unsubscribe", "view",
    "weekly_instead",
]  # fmt: skip

How = Literal["page", "one-click", "mail"]
"""How somebody left: with the button of a page, by RFC 8058, or with a mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the form said. Choices that nobody knows become the usual ones."""

    email: str
    cadence: str = "daily"
    body: str = "full"
    language: str = "zh-Hans"

    @property
    def choices(self) -> dict[str, str]:
        return {
            "cadence": cadence_of(self.cadence), "body": body_of(self.body), "language": language_of(self.language)
        }  # fmt: skip


def consent_text(e: Equipment, language: str) -> str:
    """The words under the form that somebody agrees to; they are kept with the consent."""
    said = words(language_of(language))
    return said(
        "I want “{title}” by mail. Every mail holds a link to leave; the address serves for nothing else.",
        title=e.config.site.title,
    )


# ---------------------------------------------------------------- asking and confirming


def ask(e: Equipment, wish: Wish, *, network: str, now: datetime) -> None:
    """Somebody asks to be mailed: note it, whoever they are. One row is written, and nothing is looked up.

    `network` is the address that asked. Who asks too often is not told so. Raises AddressError.
    """
    from publisher.core.subscriber import normalise_email

    address = normalise_email(wish.email)
    if not e.limits.allows(network, now):
        return
    choices = wish.choices
    params = choices | {
        "norm": address.norm,
        "network": network[:64],
        "text": consent_text(e, choices["language"]),
    }
    with e.store.write() as tx:
        notices.add(
            tx, uid=e.mint_uid(), kind="ask", email=address.email, language=choices["language"], params=params,
            now=now,
        )  # fmt: skip


def look(e: Equipment, token: str, now: datetime, *, purpose: Purpose = "confirm") -> Person:
    """Whom a link is about, for the page with its button. Raises TokenError, TokenExpired."""
    with e.store.read() as tx:
        if purpose not in ("confirm", "change"):
            return shown(e, opened(tx, purpose, token, now))
        person, notice, _ = opened_notice(tx, purpose, token, now)
        return shown(e, person, new_email=notice.email if purpose == "change" else "")


def confirm(e: Equipment, token: str, *, network: str, now: datetime) -> Outcome:
    """The button of the confirm page: from now on they are mailed what they wished in that form.

    Raises TokenError, TokenExpired.
    """
    with e.store.write() as tx:
        person, notice, _ = opened_notice(tx, "confirm", token, now)
        if person.state in ("active", "paused"):
            return _outcome(e, tx, "already", person, now)
        left_since = person.state != "pending" and notice.created_at < person.state_at
        if left_since or suppressions.reason(tx, person.email_norm) == "operator":
            return _outcome(e, tx, "used", person, now)
        suppressions.lift(tx, person.email_norm)
        subscribers.set_preferences(tx, person.id, wished(notice.params, person))
        subscribers.set_state(tx, person.id, "active", now)
        text = notice.params.get("text", "")
        consents.note(tx, person.id, "confirmed", at=now, source=network[:64], text=text)
        return _outcome(e, tx, "confirmed", person, now)


# ---------------------------------------------------------------- leaving and coming back


def unsubscribe(e: Equipment, token: str, now: datetime, how: How = "page") -> Outcome:
    """No more mail, at once. The tokens of the outcome hold one to come back with. Raises TokenError."""
    with e.store.write() as tx:
        person = opened(tx, "unsubscribe", token, now)
        if person.state in ("unsubscribed", "complained"):
            return _outcome(e, tx, "already", person, now)
        subscribers.set_state(tx, person.id, "unsubscribed", now)
        consents.note(tx, person.id, "withdrawn", at=now, source=how)
        return _outcome(e, tx, "left", person, now)


def weekly_instead(e: Equipment, token: str, now: datetime) -> Outcome:
    """The other button of the unsubscribe page (an unsubscribe token): one mail a week. Raises TokenError."""
    with e.store.write() as tx:
        person = opened(tx, "unsubscribe", token, now)
        if person.cadence == "weekly":
            return _outcome(e, tx, "already", person, now)
        wish = Preferences(cadence="weekly", body=body_of(person.body), language=language_of(person.language))
        _choose(tx, person, wish, now)
        return _outcome(e, tx, "saved", person, now)


def resubscribe(e: Equipment, token: str, now: datetime) -> Outcome:
    """They left by mistake: one POST brings them back within 30 days. Raises TokenError, TokenExpired."""
    with e.store.write() as tx:
        person = opened(tx, "resubscribe", token, now)
        if person.state in ("active", "paused"):
            return _outcome(e, tx, "already", person, now)
        if person.state != "unsubscribed" or now - person.state_at > BACK_WITHIN:
            return _outcome(e, tx, "late", person, now)
        if suppressions.reason(tx, person.email_norm) == "operator":
            return _outcome(e, tx, "late", person, now)
        subscribers.set_state(tx, person.id, "active", now)
        text = consent_text(e, person.language)
        consents.note(tx, person.id, "confirmed", at=now, source="resubscribe", text=text)
        return _outcome(e, tx, "back", person, now)


# ---------------------------------------------------------------- preferences


def preferences(e: Equipment, token: str) -> Outcome:
    """What a reader chose, for their page, with the tokens of its other doors. Raises TokenError."""
    now = e.clock()
    with e.store.read() as tx:
        return _outcome(e, tx, "already", opened(tx, "preferences", token, now), now)


def set_preferences(e: Equipment, token: str, wish: Preferences, now: datetime) -> Outcome:
    """Save what a reader chose; a pause begins or ends with it. Who left stays away: only the choices are kept.

    Raises TokenError, and UsageError for a pause that ends never or in the past.
    """
    today = e.today(now)
    if wish.paused_until is not None and not today < wish.paused_until <= today + LONGEST_PAUSE:
        raise UsageError(
            "a pause ends between tomorrow and a year from now", fix="choose another day, such as {day}",
            day=(today + timedelta(days=7)).isoformat(),
        )  # fmt: skip
    with e.store.write() as tx:
        person = opened(tx, "preferences", token, now)
        changed = _choose(tx, person, wish, now) + _pause(tx, person, wish.paused_until, now)
        return _outcome(e, tx, "saved" if changed else "already", person, now)


def _choose(tx: Transaction, person: StoredSubscriber, wish: Preferences, now: datetime) -> int:
    before = (person.cadence, person.body, person.language)
    if before == (wish.cadence, wish.body, wish.language):
        return 0
    subscribers.set_preferences(tx, person.id, wish)
    text = f"{wish.cadence} {wish.body} {wish.language}"
    consents.note(tx, person.id, "changed", at=now, source="preferences", text=text)
    return 1


def _pause(tx: Transaction, person: StoredSubscriber, until: date | None, now: datetime) -> int:
    if person.state not in ("active", "paused"):
        return 0
    state = "active" if until is None else "paused"
    if (state, until) == (person.state, person.paused_until):
        return 0
    subscribers.set_state(tx, person.id, state, now, paused_until=until)
    return 1


# ---------------------------------------------------------------- another address


def change_address(e: Equipment, token: str, new_email: str, *, network: str, now: datetime) -> None:
    """Ask the new address whether it wants the mail; until it says so nothing changes. Says nothing about who is
    known. Raises TokenError, AddressError."""
    from publisher.app.notices import note_letter
    from publisher.core.subscriber import normalise_email

    address = normalise_email(new_email)
    with e.store.write() as tx:
        person = opened(tx, "preferences", token, now)
        refused = address.norm == person.email_norm or person.state not in ("active", "paused")
        if refused or not e.limits.allows(network, now) or not note_letter(tx, person, now):
            return
        if suppressions.reason(tx, address.norm) != "operator":
            notices.add(
                tx, uid=e.mint_uid(), kind="change", email=address.email, language=person.language, now=now,
                params={"norm": address.norm}, subscriber_id=person.id,
            )  # fmt: skip


def confirm_change(e: Equipment, token: str, *, network: str, now: datetime) -> Outcome:
    """The button behind the link that the new address was sent; the old one is told afterwards.

    Where the new address is somebody's already, that row reads on with these choices and this one leaves.
    Raises TokenError, TokenExpired.
    """
    with e.store.write() as tx:
        person, notice, fresh = opened_notice(tx, "change", token, now)
        norm = notice.params["norm"]
        if person.email_norm == norm:
            return _outcome(e, tx, "already", person, now)
        if not fresh:
            raise TokenError
        if person.state not in ("active", "paused"):
            return _outcome(e, tx, "used", person, now)
        suppressions.lift(tx, norm)
        other = subscribers.find(tx, norm)
        if other is None:
            subscribers.set_address(tx, person.id, email=notice.email, email_norm=norm)
        else:
            _hand_over(tx, person, other, now)
        reader = person if other is None else other
        consents.note(tx, reader.id, "changed", at=now, source=network[:64], text="address")
        notices.add(
            tx, uid=e.mint_uid(), kind="changed", email=person.email, language=person.language, now=now,
            subscriber_id=reader.id,
        )  # fmt: skip
        return _outcome(e, tx, "changed", reader, now)


def _hand_over(tx: Transaction, person: StoredSubscriber, other: StoredSubscriber, now: datetime) -> None:
    subscribers.set_preferences(tx, other.id, wished({}, person))
    if other.state not in ("active", "paused"):
        subscribers.set_state(tx, other.id, "active", now)
    subscribers.set_state(tx, person.id, "unsubscribed", now)
    subscribers.void_tokens(tx, person.id)
    consents.note(tx, person.id, "withdrawn", at=now, source="change of address")


# ---------------------------------------------------------------- what we know of them


def export_data(e: Equipment, token: str) -> dict[str, Any]:
    """Everything that is stored about a reader, ready for JSON. Raises TokenError."""
    from publisher.app.people import everything_about

    with e.store.read() as tx:
        return everything_about(e, tx, opened(tx, "preferences", token, e.clock()))


def erase(e: Equipment, token: str, now: datetime) -> None:
    """Forget a reader who wishes it: what stays is a hash, so that no list brings them back. Raises TokenError."""
    from publisher.app.people import forget_person

    with e.store.write() as tx:
        forget_person(e, tx, opened(tx, "preferences", token, now), now)


def view(e: Equipment, token: str) -> bytes | None:
    """The page of exactly what was mailed to this reader; None when the mailing is not kept any more.

    Raises TokenError.
    """
    from publisher.app.mailing import html_as_mailed

    with e.store.read() as tx:
        person, fields = read(tx, "view", token, e.clock())
    try:
        kind, day, sequence = read_mailing_key(*fields)
    except (TypeError, ValueError):
        raise TokenError from None
    return html_as_mailed(e, person.uid, kind, IssueName(day, sequence))


def _outcome(e: Equipment, tx: Transaction, kind: Any, person: StoredSubscriber, now: datetime) -> Outcome:
    after = subscribers.by_id(tx, person.id)
    return Outcome(kind=kind, person=shown(e, after), tokens=next_tokens(secret(tx), after, now))
