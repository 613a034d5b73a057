"""Send single letters: answer what forms asked, then hand every letter that is due to the mailer.

    a form's row ('ask') → the letter that answers it, or silence → claim → the mailer takes it → what came of it

A letter may go out twice when a process died with it in hand: under the same Message-ID, and better twice than never.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from publisher.app.beginning import site_held
from publisher.app.deliver import Going, always
from publisher.app.equipment import Equipment
from publisher.app.letters import CONFIRM_WITHIN, notice_token, reader_token, wished
from publisher.core import delivery
from publisher.core.delivery import Outcome, Outgoing
from publisher.core.errors import PublisherError
from publisher.core.faults import fault
from publisher.core.preferences import Preferences, masked, may_ask, same_day
from publisher.core.token import PATHS
from publisher.core.variant import language_of
from publisher.store import consents, notices, publication, subscribers, suppressions
from publisher.store.engine import Transaction
from publisher.store.notices import MOST_TRIES_IN_DOUBT, StoredNotice
from publisher.store.publication import Publication
from publisher.store.subscribers import StoredSubscriber

if TYPE_CHECKING:
    from publisher.render.notices import Letter

SOON = timedelta(minutes=5)
KEPT = timedelta(days=30)
"""Letters older than that open nothing any more, and nobody asks about them."""


async def send_due(e: Equipment, *, going: Going = always) -> int:
    """Answer and send what is due; returns how many letters were accepted. Needs no lock: a row is claimed by one.

    Nothing is sent while the publication is paused or its state in doubt, or where no site answers the links.
    A PublisherError of the mailer passes on; what was not handed over waits for the next call. That of a template is
    raised when the letters behind the broken one are through.
    """
    now = e.clock()
    with e.store.read() as tx:
        known = publication.get(tx)
        busy = notices.any_open(tx)
    if not busy or not e.config.manage_url or known is None or known.paused or site_held(e, known):
        return 0
    with e.store.write() as tx:
        notices.recover(tx, now)
        for asked in notices.asks(tx):
            _answer(e, tx, asked, now)
    fault("asks-answered")
    return await _Posting(e, known, going).through()


def tidy(e: Equipment, now: datetime) -> None:
    """Forget letters of old, and who asked but never confirmed. Writes nothing while there is nothing to forget."""
    with e.store.read() as tx:
        some = notices.any_older(tx, now - KEPT) or subscribers.unconfirmed(tx, now - KEPT)
    if some:
        with e.store.write() as tx:
            notices.drop_older(tx, now - KEPT)
            for subscriber_id in subscribers.unconfirmed(tx, now - KEPT):
                subscribers.remove(tx, subscriber_id, uid=e.mint_uid(), now=now)


# ---------------------------------------------------------------- answering


def may_write(tx: Transaction, norm: str, now: datetime) -> bool:
    """Whether one more letter may go to an address that a form named, whoever filled it in."""
    person = subscribers.find(tx, norm)
    asked_at, asked_n = (person.asked_at, person.asked_n) if person else (None, 0)
    if asked_at is not None and not same_day(asked_at, now):
        asked_n = 0
    changes = [at for at in notices.changes_asked(tx, norm, now - timedelta(days=1)) if at <= now]
    newest = max((at for at in (asked_at, *changes) if at is not None), default=None)
    return may_ask(newest, asked_n + sum(same_day(at, now) for at in changes), now)


def _answer(e: Equipment, tx: Transaction, asked: StoredNotice, now: datetime) -> None:
    norm = asked.params["norm"]
    if suppressions.reason(tx, norm) == "operator":
        notices.drop(tx, asked.id)
        return
    person = subscribers.find(tx, norm) or _newcomer(e, tx, asked, norm)
    if not may_write(tx, norm, now):
        notices.drop(tx, asked.id)
        return
    again = person.asked_at is not None and same_day(person.asked_at, now)
    subscribers.note_asked(tx, person.id, at=now, n=person.asked_n + 1 if again else 1)
    if person.state in ("active", "paused"):
        notices.answer(tx, asked.id, "already", person.id)
        return
    source, text = asked.params.get("network", ""), asked.params.get("text", "")
    consents.note(tx, person.id, "asked", at=asked.created_at, source=source, text=text)
    notices.answer(tx, asked.id, "confirmation", person.id)


def _newcomer(e: Equipment, tx: Transaction, asked: StoredNotice, norm: str) -> StoredSubscriber:
    subscribers.add(
        tx, uid=e.mint_uid(), email=asked.email, email_norm=norm, state="pending", now=asked.created_at,
        wish=wished(asked.params, Preferences()),
    )  # fmt: skip
    person = subscribers.find(tx, norm)
    assert person is not None
    return person


# ---------------------------------------------------------------- sending


def _barred(tx: Transaction, notice: StoredNotice) -> bool:
    """Whether the operator keeps the address that a letter is about from being written to."""
    norm = notice.params.get("norm", "")
    return bool(norm) and suppressions.reason(tx, norm) == "operator"


class _Posting:
    """The letters that are due, on their way through the mailer one after another."""

    def __init__(self, e: Equipment, known: Publication, going: Going) -> None:
        self._e, self._known, self._going = e, known, going
        self._taken: dict[str, StoredNotice] = {}
        self._accepted = 0
        self._broken: PublisherError | None = None

    async def through(self) -> int:
        with self._e.store.read() as tx:
            if notices.next_due(tx, self._e.clock()) is None:
                return 0  # a mailer may connect before it takes the first message
        try:
            async with contextlib.aclosing(self._e.mailer.send(self._outgoing())) as outcomes:
                async for outcome in outcomes:
                    self._settle(outcome)
        finally:
            self._give_back()
        if self._broken is not None:
            raise self._broken
        return self._accepted

    async def _outgoing(self) -> AsyncIterator[Outgoing]:
        while self._going():
            now = self._e.clock()
            with self._e.store.read() as tx:
                notice = notices.next_due(tx, now)
                person = (
                    subscribers.by_id(tx, notice.subscriber_id) if notice and notice.subscriber_id else None
                )
                barred = notice is not None and _barred(tx, notice)
            if notice is None:
                return
            if person is None or barred or now - notice.created_at > CONFIRM_WITHIN:
                why = "may not be written to" if barred else "too old to be of use"
                with self._e.store.write() as tx:
                    notices.close(tx, notice.id, "rejected", now, error=why)
                continue
            try:
                message = self._message(notice, person)
            except PublisherError as exc:
                self._set_aside(notice, exc, now)
                continue
            with self._e.store.write() as tx:
                mine = notices.claim(tx, notice.id, now)
            if mine:
                fault("letter-claimed")
                self._taken[notice.uid] = notice
                yield message

    def _set_aside(self, notice: StoredNotice, exc: PublisherError, now: datetime) -> None:
        """A letter whose template is broken waits on; it was not claimed, and the others need not wait with it."""
        self._broken = self._broken or exc
        with self._e.store.write() as tx:
            notices.set_aside(tx, notice.id, now, next_at=now + SOON, error=str(exc))

    def _message(self, notice: StoredNotice, person: StoredSubscriber) -> Outgoing:
        from publisher.render.notices import Notice, draw, notice_bytes, subject_of

        e = self._e
        language = language_of(notice.language)
        templates = e.templates(self._known, language=language)
        letter = self._letter(notice, person)
        letter = replace(letter, subject=subject_of(letter.kind, templates))
        text, html = draw(letter, templates)
        named = delivery.notice_id(self._known.uuid, notice.uid, self._known.tag_host)
        said = Notice(
            to=notice.email, sender=e.config.sender, subject=letter.subject, text=text, html=html,
            at=e.local(notice.created_at.replace(microsecond=0)), message_id=named,
            language="en" if language == "en" else "zh-CN", reply_to=e.config.mail.reply_to,
        )  # fmt: skip
        return Outgoing(
            key=notice.uid, message_id=named, envelope_from=e.config.sender, recipient=notice.email,
            segments=(notice_bytes(said, templates.site),),
        )  # fmt: skip

    def _letter(self, notice: StoredNotice, person: StoredSubscriber) -> Letter:
        from publisher.render.notices import Letter, choices_said
        from publisher.render.words import words

        root, key, said = self._e.config.manage_url, self._known.secret, words(notice.language)
        until = self._e.local(notice.created_at + CONFIRM_WITHIN)
        if notice.kind == "already":
            link = root + PATHS["preferences"] + reader_token(key, "preferences", person)
            return Letter(kind="already", choices=choices_said(wished({}, person), said), link=link)
        if notice.kind == "changed":
            return Letter(kind="changed", other=masked(person.email))
        token = notice_token(key, notice, person)
        if notice.kind == "change":
            return Letter(
                kind="change", link=root + PATHS["change"] + token, until=until, other=masked(person.email)
            )
        choices = choices_said(wished(notice.params, person), said)
        return Letter(kind="confirmation", choices=choices, link=root + PATHS["confirm"] + token, until=until)

    def _settle(self, outcome: Outcome) -> None:
        fault("letter-sent")
        notice, now = self._taken.pop(outcome.key), self._e.clock()
        closed = delivery.close(outcome.kind, attempts=notice.attempts, opened_at=notice.created_at, now=now)
        next_at = closed.next_at
        if closed.state == "uncertain" and closed.attempts < MOST_TRIES_IN_DOUBT:
            next_at = now + SOON
        with self._e.store.write() as tx:
            notices.close(tx, notice.id, closed.state, now, next_at=next_at, error=outcome.text)
        self._accepted += closed.state == "accepted"

    def _give_back(self) -> None:
        """The mailer vouches: what it gave no outcome for never left."""
        if not self._taken:
            return
        now = self._e.clock()
        with self._e.store.write() as tx:
            for notice in self._taken.values():
                notices.give_back(tx, notice.id, now, next_at=now + timedelta(minutes=1))
        self._taken.clear()
