"""What a mail server and the network say, in our words: replies as one line, failures as errors of ours."""

from __future__ import annotations

import base64
import os
import socket
import ssl

import aiosmtplib

from publisher.adapters.smtp_server import SmtpServer
from publisher.core.errors import MailError
from publisher.core.reply import classify, one_line

FOREIGN = (aiosmtplib.SMTPException, OSError)  # OSError: also TimeoutError, ssl.SSLError, socket.gaierror

_LONGEST_TEXT = 500  # characters of a reply that are kept


class NotNowError(Exception):
    """A connection that may come about at another try; `error` is what to say when it never does."""

    def __init__(self, error: MailError, *, unreachable: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.unreachable = unreachable


def translated(server: SmtpServer, exc: Exception) -> MailError | NotNowError:
    """What stopped us before the first message."""
    fault = _tls_fault(exc)
    if isinstance(fault, ssl.SSLCertVerificationError):
        return MailError(
            "the mail server {server} cannot be trusted: {why}",
            fix="write the name that its certificate bears into [mail] host, or have the certificate mended",
            server=server.name,
            why=fault.verify_message,
        )
    if fault is not None:
        return MailError(
            "no encryption with the mail server {server}: {why}",
            fix='set [mail] security to "tls" (port 465) or "starttls" (port 587), as the provider says',
            server=server.name,
            why=fault.reason or fault,
        )
    if isinstance(exc, aiosmtplib.SMTPResponseException) and exc.code >= 0:
        said = said_by(server, exc)
        error = turned_away(server, exc.code, said)
        return error if classify(exc.code, said, stage="connect") == "stop-run" else NotNowError(error)
    error = MailError(
        "cannot reach the mail server {server}: {why}",
        fix="check [mail] host, port and security, and whether the server is running",
        server=server.name,
        why=reason_of(exc),
    )
    return NotNowError(error, unreachable=True)


def login_refused(server: SmtpServer, exc: aiosmtplib.SMTPAuthenticationError) -> MailError | NotNowError:
    said = said_by(server, exc)
    error = MailError(
        "the mail server {server} refuses the login of {username}: {code} {said}",
        fix="check [mail] username and password; many providers want an app password instead of your own",
        server=server.name,
        username=server.username,
        code=exc.code,
        said=said,
    )
    return error if classify(exc.code, said, stage="auth") == "stop-run" else NotNowError(error)


def turned_away(server: SmtpServer, code: int, said: str) -> MailError:
    return MailError(
        "the mail server {server} turns us away: {code} {said}",
        fix="do what it says, or ask the provider; the mail waits",
        server=server.name,
        code=code,
        said=said,
    )


def broke_off(server: SmtpServer, why: str) -> MailError:
    return MailError(
        "the mail server {server} broke off {times} times in a row: {why}",
        fix="wait a while, then run again; the mail waits",
        server=server.name,
        times=len(server.timeouts.reconnect_s) + 1,
        why=why,
    )


def _tls_fault(exc: BaseException | None) -> ssl.SSLError | None:
    """aiosmtplib wraps some of them, others come as they are."""
    while exc is not None and not isinstance(exc, ssl.SSLError):
        exc = exc.__cause__
    return exc


def reason_of(exc: BaseException) -> str:
    """Why a connection failed, in a few words of the system's."""
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    if isinstance(cause, OSError) and cause.errno is not None:
        named = isinstance(cause, socket.gaierror)  # its numbers are its own
        return str(cause.strerror) if named else os.strerror(cause.errno)
    return one_line(str(cause))


def said_by(server: SmtpServer, reply: aiosmtplib.SMTPResponse | aiosmtplib.SMTPResponseException) -> str:
    """A reply as one printable line, without our password should a server repeat it."""
    text = one_line(reply.message)
    if server.password:
        plain = f"\0{server.username}\0{server.password}"  # as AUTH PLAIN sends it
        for secret in (*map(_base64, (plain, server.password)), server.password):
            text = text.replace(secret, "***")
    return text[:_LONGEST_TEXT]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
