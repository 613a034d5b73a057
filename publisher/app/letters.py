"""Opening the links of letters: whom a token names, and what of them a page may show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from msgspec import Struct

from publisher.app.equipment import Equipment
from publisher.core import token as tokens
from publisher.core.preferences import Cadence, Preferences, cadence_of, masked
from publisher.core.token import Purpose, TokenError
from publisher.core.variant import Body, Language, body_of, language_of
from publisher.store import notices, publication, subscribers
from publisher.store.engine import Transaction
from publisher.store.notices import StoredNotice
from publisher.store.subscribers import StoredSubscriber

CONFIRM_WITHIN = timedelta(days=7)
BACK_WITHIN = timedelta(days=30)
"""So long after leaving one press of a button brings somebody back."""


class Person(Struct, frozen=True, kw_only=True):
    """What a page shows of a reader. Addresses are masked: whoever holds a forwarded mail sees no more."""

    masked: str  # 'z…@qq.com'; '' behind a link that was mailed to an address of before
    state: str
    cadence: Cadence
    body: Body
    language: Language
    paused_until: date | None
    since: datetime  # in the publication's zone
    new_masked: str = ""  # of a change of address: where mail will go

    @property
    def preferences(self) -> Preferences:
        return Preferences(
            cadence=self.cadence, body=self.body, language=self.language, paused_until=self.paused_until
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a POST came to. Doing it twice is told as `already` and changes nothing.

    `used`: the link did its work before, and they left since. `late`: the days for coming back are over.
    `tokens` open the next doors: preferences, unsubscribe, resubscribe.
    """

    kind: Literal["confirmed", "already", "used", "changed", "left", "back", "late", "saved"]
    person: Person
    tokens: Mapping[Purpose, str] = field(default_factory=dict, repr=False)


def secret(tx: Transaction) -> bytes:
    """What tokens are made with. TokenError: there is no publication yet, so nothing was ever mailed."""
    known = publication.get(tx)
    if known is None:
        raise TokenError
    return known.secret


def opened(tx: Transaction, purpose: Purpose, token: str, now: datetime) -> StoredSubscriber:
    """The reader whom a token names. Raises TokenError when it is not ours, too old, or void."""
    return read(tx, purpose, token, now)[0]


def read(
    tx: Transaction, purpose: Purpose, token: str, now: datetime
) -> tuple[StoredSubscriber, tuple[str, ...]]:
    """The reader whom a token names, and the fields beside."""
    found = tokens.read(secret(tx), purpose, token, now=now)
    person = subscribers.by_uid(tx, found.fields[0]) if found.fields else None
    if person is None or person.key_version != found.key_version:
        raise TokenError
    return person, found.fields[1:]


def leaver(tx: Transaction, token: str, now: datetime) -> tuple[StoredSubscriber, bool]:
    """Whom a link to leave is about, and whether it was mailed to their address of today. Raises TokenError.

    Leaving is always allowed, also with a link of an address of before; nothing else is, with such a one.
    """
    found = tokens.read(secret(tx), "unsubscribe", token, now=now)
    person = subscribers.living(tx, found.fields[0]) if found.fields else None
    if person is None:
        raise TokenError
    return person, (person.uid, person.key_version) == (found.fields[0], found.key_version)


def opened_notice(
    tx: Transaction, purpose: Purpose, token: str, now: datetime
) -> tuple[StoredSubscriber, StoredNotice]:
    """The reader and the letter that a token names. Raises TokenError, also once they have another address: whoever
    reads the old mailbox learns and opens nothing. The letter that made the change is good for as long as it lasts.
    """
    found = tokens.read(secret(tx), purpose, token, now=now)
    notice = notices.by_uid(tx, found.fields[0]) if found.fields else None
    if notice is None or notice.kind != _KINDS.get(purpose) or notice.subscriber_id is None:
        raise TokenError
    person = subscribers.by_id(tx, notice.subscriber_id)
    done = notice.params.get("norm") == person.email_norm and purpose == "change"
    if person.key_version != found.key_version + done:
        raise TokenError
    return person, notice


_KINDS: Mapping[Purpose, str] = {"confirm": "confirmation", "change": "change"}


def notice_token(key: bytes, notice: StoredNotice, person: StoredSubscriber) -> str:
    """The token in a letter: the same whenever the letter is drawn."""
    purpose: Purpose = "change" if notice.kind == "change" else "confirm"
    return tokens.sign(
        key, purpose, notice.uid, key_version=person.key_version, expires=notice.created_at + CONFIRM_WITHIN
    )


def reader_token(
    key: bytes, purpose: Purpose, person: StoredSubscriber, *, expires: datetime | None = None
) -> str:
    """A token that names a reader."""
    return tokens.sign(key, purpose, person.uid, key_version=person.key_version, expires=expires)


def next_tokens(key: bytes, person: StoredSubscriber, now: datetime) -> dict[Purpose, str]:
    """The doors that stand open to a reader who came by their own link."""
    if person.state != "unsubscribed":
        return {p: reader_token(key, p, person) for p in ("preferences", "unsubscribe")}
    until = person.state_at + BACK_WITHIN
    return {"resubscribe": reader_token(key, "resubscribe", person, expires=until)} if now <= until else {}


def shown(e: Equipment, person: StoredSubscriber, *, new_email: str = "", veiled: bool = False) -> Person:
    """A reader as a page shows them; `veiled`: to somebody who may not learn their address of today."""
    return Person(
        masked="" if veiled else masked(person.email), state=person.state, cadence=cadence_of(person.cadence),
        body=body_of(person.body), language=language_of(person.language), paused_until=person.paused_until,
        since=e.local(person.state_at), new_masked=masked(new_email) if new_email else "",
    )  # fmt: skip


def wished(params: Mapping[str, Any], otherwise: StoredSubscriber | Preferences) -> Preferences:
    """What a form said; where it said nothing, as it was."""
    return Preferences(
        cadence=cadence_of(params.get("cadence", otherwise.cadence)),
        body=body_of(params.get("body", otherwise.body)),
        language=language_of(params.get("language", otherwise.language)),
    )
