"""Single messages to one person: the letters that forms call forth, and the headers that such messages want."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Literal

from msgspec import Struct

from publisher.core.preferences import Preferences
from publisher.core.site import Site
from publisher.render.environment import Templates
from publisher.render.words import Words

Kind = Literal["confirmation", "already", "change", "changed"]

SUBJECTS: dict[Kind, str] = {
    "confirmation": "Please confirm: “{site}” by mail",
    "already": "You are subscribed to “{site}” already",
    "change": "Please confirm: “{site}” at this address",
    "changed": "“{site}” goes to your new address",
}
CADENCE_WORDS = {"daily": "every day", "weekly": "once a week"}
BODY_WORDS = {"full": "whole texts", "lead": "beginnings", "titles": "titles alone"}


class Notice(Struct, frozen=True, kw_only=True):
    """A message to be sent once. `message_id` with its angle brackets; the same notice has the same one."""

    to: str
    sender: str
    subject: str
    text: str
    at: datetime
    message_id: str
    html: str = ""  # "": text alone
    language: str = ""  # "": the site's
    reply_to: str = ""


class Letter(Struct, frozen=True, kw_only=True):
    """What a letter says, beside the words of its template."""

    kind: Kind
    subject: str = ""
    choices: str = ""
    link: str = ""
    until: datetime | None = None  # the link opens so long; in the publication's zone
    other: str = ""  # masked: the address before or after a change


def choices_said(wish: Preferences, words: Words) -> str:
    """'每天一封 · 全文'."""
    return f"{words(CADENCE_WORDS[wish.cadence])} · {words(BODY_WORDS[wish.body])}"


def subject_of(kind: Kind, templates: Templates) -> str:
    """The subject line of a letter."""
    return templates.words(SUBJECTS[kind], site=" ".join(templates.site.title.split()))


def draw(letter: Letter, templates: Templates) -> tuple[str, str]:
    """A letter as text and as HTML. Raises TemplateError."""
    text, html = (
        templates.render(f"notices/{letter.kind}.{form}", letter=letter) for form in ("txt", "html")
    )
    return text.strip("\n") + "\n", html


def notice_bytes(notice: Notice, site: Site) -> bytes:
    """The message as it goes out. The same notice gives the same bytes."""
    message = EmailMessage(policy=SMTP)
    name = " ".join(site.title.split())
    local, _, domain = notice.sender.rpartition("@")
    message["From"] = Address(display_name=name, username=local, domain=domain)
    message["To"] = notice.to
    if notice.reply_to:
        message["Reply-To"] = notice.reply_to
    message["Subject"] = " ".join(notice.subject.split())
    message["Date"] = notice.at
    message["Message-ID"] = notice.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    message.set_content(notice.text, charset="utf-8", cte="base64")
    if notice.html:
        message.add_alternative(notice.html, subtype="html", charset="utf-8", cte="base64")
        message.set_boundary(f"=_{hashlib.sha256(notice.message_id.encode()).hexdigest()[:24]}")
    message["Content-Language"] = (
        notice.language or site.language
    )  # last: of the whole, not of its first part
    return message.as_bytes()
