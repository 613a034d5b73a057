"""Signing up: what readers do about their mail by themselves, with a form or a link of a letter.

Nothing here waits on the network or on the lock of a run: a form only puts a letter on the books (app.notices sends
it), so that a known address is answered with the same work as an unknown one. Every verb may be called twice.
Whoever opens a page changes nothing: `look`, `preferences` and `view` read, the others are for POST.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from publisher.app.equipment import Equipment
from publisher.app.letters import (
    BACK_WITHIN,
    Outcome,
    Person,
    leaver,
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
from publisher.core.preferences import LONGEST_PAUSE, Preferences
from publisher.core.token import Purpose, TokenError
from publisher.core.variant import body_of, language_of
from publisher.render.words import words
from publisher.store import consents, notices, subscribers, suppressions
from publisher.store.engine import Transaction
from publisher.store.subscribers import StoredSubscriber

__all__ = [
    "Outcome", "Person", "Preferences", "ask", "change_address", "confirm", "confirm_change", "consent_text",
    "erase", "export_data", "look", "preferences", "resubscribe", "set_preferences", "unsubscribe", "view",
    "weekly_instead",
]  # fmt: skip

How = Literal["page", "one-click", "mail"]
"""How somebody left: with the button of a page, by RFC 8058, or with a mail."""


def consent_text(e: Equipment, language: str) -> str:
    """The words under the form that somebody agrees to; they are kept with the consent."""
    said = words(language_of(language))
    return said(
        "I want “{title}” by mail. Every mail holds a link to leave; the address serves for nothing else.",
        title=e.config.site.title,
    )


# ---------------------------------------------------------------- asking and confirming


def ask(e: Equipment, email: str, wish: Preferences, *, network: str, now: datetime) -> None:
    """Somebody asks to be mailed: note it, whoever they are. One row is written, and nothing is looked up.

    `network` is the address that asked. Who asks too often is not told so. Raises AddressError.
    """
    from publisher.core.subscriber import normalise_email

    address = normalise_email(email)
    if not e.limits.allows(network, now):
        return
    params = {
        "cadence": wish.cadence, "body": wish.body, "language": wish.language, "norm": address.norm,
        "network": network[:64], "text": consent_text(e, wish.language),
    }  # fmt: skip
    with e.store.write() as tx:
        notices.add(
            tx, uid=e.mint_uid(), kind="ask", email=address.email, language=wish.language, params=params, now=now,
        )  # fmt: skip


def look(e: Equipment, token: str, now: datetime, *, purpose: Purpose = "confirm") -> Person:
    """Whom a link is about, for the page with its button. Raises TokenError, TokenExpired."""
    with e.store.read() as tx:
        if purpose == "unsubscribe":
            person, own = leaver(tx, token, now)
            return shown(e, person, veiled=not own)
        if purpose not in ("confirm", "change"):
            return shown(e, opened(tx, purpose, token, now))
        person, notice = opened_notice(tx, purpose, token, now)
        return shown(e, person, new_email=notice.email if purpose == "change" else "")


def confirm(e: Equipment, token: str, *, network: str, now: datetime) -> Outcome:
    """The button of the confirm page: from now on they are mailed what they wished in that form.

    Raises TokenError, TokenExpired.
    """
    with e.store.write() as tx:
        person, notice = opened_notice(tx, "confirm", token, now)
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
    """No more mail, at once. The tokens of the outcome hold one to come back with. Raises TokenError.

    A link of an address of before does it too; the outcome of that has no tokens.
    """
    with e.store.write() as tx:
        person, own = leaver(tx, token, now)
        away = person.state in ("unsubscribed", "complained")
        if not away:
            subscribers.set_state(tx, person.id, "unsubscribed", now)
            consents.note(tx, person.id, "withdrawn", at=now, source=how)
        outcome = _outcome(e, tx, "already" if away else "left", person, now)
        veiled = shown(e, subscribers.by_id(tx, person.id), veiled=True)
        return outcome if own else replace(outcome, person=veiled, tokens={})


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


def set_preferences(
    e: Equipment, token: str, wish: Preferences, now: datetime, *, keep_pause: bool = False
) -> Outcome:
    """Save what a reader chose; a pause begins or ends with it. Who left stays away: only the choices are kept.

    `keep_pause`: whether and how long they rest stays as it is, whatever the wish says.

    Raises TokenError, and UsageError for a pause that ends never or in the past.
    """
    today = e.today(now)
    until = None if keep_pause else wish.paused_until
    if until is not None and not today < until <= today + LONGEST_PAUSE:
        raise UsageError(
            "a pause ends between tomorrow and a year from now", fix="choose another day, such as {day}",
            day=(today + timedelta(days=7)).isoformat(),
        )  # fmt: skip
    with e.store.write() as tx:
        person = opened(tx, "preferences", token, now)
        changed = _choose(tx, person, wish, now)
        if not keep_pause:
            changed += _pause(tx, person, until, now)
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
    known. Raises TokenError, AddressError, and UsageError when that address was asked too often."""
    from publisher.app.notices import may_write
    from publisher.core.subscriber import normalise_email

    address = normalise_email(new_email)
    with e.store.write() as tx:
        person = opened(tx, "preferences", token, now)
        if address.norm == person.email_norm or person.state not in ("active", "paused"):
            return
        if not e.limits.allows(network, now) or not may_write(tx, address.norm, now):
            raise UsageError(
                "a letter to that address was asked for a short while ago",
                fix="look there, also among the junk mail; if nothing came, try again in an hour or tomorrow",
            )
        notices.add(
            tx, uid=e.mint_uid(), kind="change", email=address.email, language=person.language, now=now,
            params={"norm": address.norm}, subscriber_id=person.id,
        )  # fmt: skip


def confirm_change(e: Equipment, token: str, *, network: str, now: datetime) -> Outcome:
    """The button behind the link that the new address was sent; the old one is told afterwards.

    Where the new address is somebody's already, the two are one from now on, with the choices of the one who asked.
    Raises TokenError, TokenExpired.
    """
    with e.store.write() as tx:
        person, notice = opened_notice(tx, "change", token, now)
        norm = notice.params["norm"]
        if person.email_norm == norm:
            return _outcome(e, tx, "already", person, now)
        barred = suppressions.reason(tx, norm) == "operator"
        if barred or person.state not in ("active", "paused"):
            return _outcome(e, tx, "used", person, now)
        suppressions.lift(tx, norm)
        other = subscribers.find(tx, norm)
        if other is not None:
            subscribers.join(tx, other, person, now)
        subscribers.set_address(tx, person.id, email=notice.email, email_norm=norm)
        consents.note(tx, person.id, "changed", at=now, source=network[:64], text="address")
        notices.add(
            tx, uid=e.mint_uid(), kind="changed", email=person.email, language=person.language, now=now,
            params={"norm": person.email_norm}, subscriber_id=person.id,
        )  # fmt: skip
        return _outcome(e, tx, "changed", person, now)


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
    e.store.empty_log()


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
