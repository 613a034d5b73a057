"""A letter to the curator: one text, handed over once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from publisher.app.equipment import Equipment
from publisher.core.delivery import Outgoing, maildir_name, notice_id
from publisher.render.words import Words, words
from publisher.store.publication import Publication


def owner_words(e: Equipment) -> Words:
    """The words that the curator is written to in."""
    language = e.config.site.interface
    return words(e.config.site.language if language == "auto" else language)


async def mail_owner(
    e: Equipment, known: Publication, now: datetime, *, name: str, subject: str, text: str
) -> bool:
    """Hand one letter over. False when it surely did not arrive and may be sent again; MailError likewise.

    `name` is the letter's own: the same name gives the same Message-ID.
    """
    from publisher.render.notices import Notice, notice_bytes  # the mail library: a run seldom has news

    message_id = notice_id(known.uuid, name, known.tag_host)
    notice = Notice(
        to=e.config.mail.owner, sender=e.config.sender, subject=subject, text=text,
        at=e.local(now.replace(microsecond=0)), message_id=message_id,
        language={"zh": "zh-CN"}.get(owner_words(e).language, "en"),
    )  # fmt: skip

    async def one() -> AsyncIterator[Outgoing]:
        yield Outgoing(
            key=maildir_name(message_id), message_id=message_id, envelope_from=e.config.sender,
            recipient=e.config.mail.owner, segments=(notice_bytes(notice, e.site(known)),),
        )  # fmt: skip

    kinds = [outcome.kind async for outcome in e.mailer.send(one())]
    return any(
        kind in ("accepted", "rejected", "uncertain") for kind in kinds
    )  # what may have arrived is not repeated
