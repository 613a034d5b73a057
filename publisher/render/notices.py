"""Single messages to one person: a plain text with the headers that such a message wants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from publisher.core.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message to be sent once. `message_id` with its angle brackets; the same notice has the same one."""

    to: str
    sender: str
    subject: str
    text: str
    at: datetime
    message_id: str


def notice_bytes(notice: Notice, site: Site) -> bytes:
    """The message as it goes out. The same notice gives the same bytes."""
    message = EmailMessage(policy=SMTP)
    name = " ".join(site.title.split())
    local, _, domain = notice.sender.rpartition("@")
    message["From"] = Address(display_name=name, username=local, domain=domain)
    message["To"] = notice.to
    message["Subject"] = " ".join(notice.subject.split())
    message["Date"] = notice.at
    message["Message-ID"] = notice.message_id
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = site.language
    message.set_content(notice.text, charset="utf-8", cte="base64")
    return message.as_bytes()
