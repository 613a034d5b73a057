"""Which mail server, and how we come to it: address, encryption, login, patience."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

from publisher.core.errors import MailError

Security = Literal["starttls", "tls", "none"]


class Timeouts(Struct, frozen=True, kw_only=True):
    """How long to wait, in seconds."""

    connect_s: float = 30.0  # for the connection, the greeting, a TLS handshake
    command_s: float = 300.0  # for the reply to a command, and for the content to leave
    final_s: float = 600.0  # for the reply after the dot: ten minutes by RFC 5321 4.5.3.2.6
    reconnect_s: tuple[float, ...] = (
        1.0,
        5.0,
        15.0,
    )  # before each reconnect; no success after the last: over


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """One server and how we come to it. MailError at once when mail and password would travel in the clear."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""  # "": no login
    password: str = field(default="", repr=False)
    allow_plain: bool = False  # security "none" to another machine
    timeouts: Timeouts = field(default_factory=Timeouts)
    ssl_context: ssl.SSLContext | None = field(default=None, repr=False)  # None: verified by the system's CAs
    local_hostname: str = ""  # our name in EHLO; "": the system's

    def __post_init__(self) -> None:
        if self.security == "none" and not (self.allow_plain or _is_loopback(self.host)):
            raise MailError(
                "mail to {host} would travel unencrypted",
                fix='set [mail] security to "starttls" or "tls", or allow_plain = true on a network of yours',
                host=self.host,
            )

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
