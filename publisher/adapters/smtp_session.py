"""One connection to a mail server: greeting, login, and messages one after the other.

    MAIL → RCPT → DATA → content → dot → reply

aiosmtplib does all but the content. It writes content and dot as one, so that every loss would be uncertain;
here the dot is written on its own, when the content has left.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Iterable, Iterator
from typing import cast

import aiosmtplib

from publisher.adapters.smtp_replies import (
    FOREIGN,
    login_refused,
    reason_of,
    said_by,
    translated,
    turned_away,
)
from publisher.adapters.smtp_server import SmtpServer
from publisher.core.delivery import Outcome, Outgoing
from publisher.core.errors import MailError
from publisher.core.reply import KINDS, Stage, classify

_UNKNOWN_COMMAND = (500, 501, 502, 504)
_QUIT_S = 5.0  # a goodbye is not worth more
_POLL_S = 0.01
_CHUNK = (
    1 << 16
)  # of the content at a time: under TLS only what is more than this can be seen not to have left
_DOT = b".\r\n"
_SENDABLE = re.compile(r"[!-;=?-~]+")  # printable ASCII without space, < and >: nothing breaks out of <…>


async def open_session(server: SmtpServer, tls: ssl.SSLContext | None, hello: str) -> Session:
    """A connection that can take messages. Raises MailError, or NotNowError when another try may succeed."""
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=server.port,
        timeout=server.timeouts.command_s,
        use_tls=server.security == "tls",
        start_tls=False,  # done by us, as its absence must be told from its failure
        tls_context=tls,
        local_hostname=hello,
    )
    session = Session(server, client)
    try:
        await session.greet()
        await session.log_in()
    except aiosmtplib.SMTPAuthenticationError as exc:
        session.abort()
        raise login_refused(server, exc) from None  # a server may repeat what it was sent
    except (*FOREIGN, UnicodeError) as exc:
        session.abort()
        raise translated(server, exc) from exc
    except BaseException:
        session.abort()
        raise
    return session


class Session:
    """A connection, logged in. Once broken it stays broken."""

    def __init__(self, server: SmtpServer, client: aiosmtplib.SMTP) -> None:
        self.server = server
        self.client = client
        self.verdicts = 0
        self.why = ""  # it broke
        self.error: MailError | None = None  # no message of this run can succeed
        self.dot_left = False  # of the message in hand: from here on the server may have it
        self._used = False
        self._in_message = False
        self._told_to_go = False  # 421
        # aiosmtplib forgets its own before it is closed.
        self._transport: asyncio.WriteTransport | None = None

    async def greet(self) -> None:
        connect_s = self.server.timeouts.connect_s
        await self.client.connect(timeout=connect_s)
        self._transport = cast("asyncio.WriteTransport", self.client.transport)
        await self._hello()
        if self.server.security == "starttls":
            if not self.client.supports_extension("starttls"):
                raise MailError(
                    "the mail server {server} does not offer STARTTLS",
                    fix='set [mail] security to "tls" (often with port 465), or ask the provider',
                    server=self.server.name,
                )
            await self.client.starttls(timeout=connect_s)
            self._transport = cast("asyncio.WriteTransport", self.client.transport)
            await self._hello()

    async def _hello(self) -> None:
        """EHLO, and HELO for who does not know that (RFC 5321 §3.2)."""
        try:
            await self.client.ehlo()
        except aiosmtplib.SMTPHeloError as exc:
            if exc.code not in _UNKNOWN_COMMAND:
                raise
            await self.client.helo()

    async def log_in(self) -> None:
        if self.server.username:
            if not self.client.supported_auth_methods:
                raise MailError(
                    "the mail server {server} offers no login that we know",
                    fix="check [mail] port and security, or leave [mail] username empty",
                    server=self.server.name,
                )
            await self.client.login(self.server.username, self.server.password)

    @property
    def alive(self) -> bool:
        return not self.why and self.client.is_connected

    @property
    def left_politely(self) -> bool:
        """Closed between two messages, after some, without a word: the server takes so many, or was idle."""
        return self.verdicts > 0 and not self._in_message and not self._told_to_go

    async def reset(self) -> bool:
        """RSET, unless nothing was said yet. False when the connection is broken."""
        self.dot_left = False
        if self.alive and self._used:
            try:
                reply = await self.client.execute_command(b"RSET")
            except FOREIGN as exc:
                self._break(reason_of(exc))
            else:
                if reply.code != 250:
                    self._break_at(reply)
        self.why = self.why or ("" if self.alive else "connection closed")
        return self.alive

    async def deliver(self, one: Outgoing) -> Outcome:
        """One message. Never raises for what the server or the network does."""
        self._used = self._in_message = True
        try:
            outcome = await self._transact(one)
        except FOREIGN as exc:
            self._break(reason_of(exc))
            if self.dot_left:
                text = f"no reply after the last byte: {self.why}"
                return Outcome(key=one.key, kind="uncertain", text=text)
            return Outcome(key=one.key, kind="deferred", text=f"before the last byte: {self.why}")
        self._in_message = bool(self.why)  # closed with the verdict is closed between two messages
        return outcome

    async def _transact(self, one: Outgoing) -> Outcome:
        if not _SENDABLE.fullmatch(one.recipient):
            return Outcome(key=one.key, kind="rejected", text="not an address for SMTP without SMTPUTF8")
        if one.envelope_from and not _SENDABLE.fullmatch(one.envelope_from):
            self.error = MailError(
                "mail cannot be sent from {who}",
                fix="give [mail] sender an address in ASCII, without spaces",
                who=ascii(one.envelope_from),
            )
            return untried(one)
        content = wire(one.segments)
        for stage, command, expected in self._envelope(one, len(content)):
            reply = await self.client.execute_command(*command)
            if reply.code not in expected:
                return self._refused(one, stage, reply)
        return await self._send_content(one, content)

    def _envelope(self, one: Outgoing, size: int) -> Iterator[tuple[Stage, list[bytes], tuple[int, ...]]]:
        """Stage, command, and the codes that let us go on."""
        mail = [b"MAIL", b"FROM:<%s>" % one.envelope_from.encode("ascii")]
        if self.client.supports_extension("size"):
            mail.append(b"SIZE=%d" % size)
        yield "mail", mail, (250,)
        yield "rcpt", [b"RCPT", b"TO:<%s>" % one.recipient.encode("ascii")], (250, 251)
        yield "data", [b"DATA"], (354,)

    async def _send_content(self, one: Outgoing, content: bytes) -> Outcome:
        """Content, then the dot, then the reply."""
        protocol = self.client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        # Listening from the start: a server that refuses or dies in the middle is heard before the dot.
        listening = asyncio.ensure_future(protocol.read_response())
        try:
            for start in range(0, len(content), _CHUNK):
                protocol.write(content[start : start + _CHUNK])
                await self._until_left(listening)
                if listening.done():
                    return self._answered_early(one, listening.result())
            if not protocol.is_connected:
                raise aiosmtplib.SMTPServerDisconnected("connection lost")
            self.dot_left = True
            protocol.write(_DOT)
            reply = await asyncio.wait_for(listening, self.server.timeouts.final_s)
        finally:
            _dismiss(listening)
        if 200 <= reply.code <= 299:
            return Outcome(key=one.key, kind="accepted", code=reply.code, text=said_by(self.server, reply))
        return self._refused(one, "final", reply)

    async def _until_left(self, listening: asyncio.Future[aiosmtplib.SMTPResponse]) -> None:
        """Until the kernel has what was written, or the server speaks. What asyncio still holds has not left."""
        assert self._transport is not None
        await asyncio.sleep(0)  # a chance to hear of a reset, also when the kernel took everything
        async with asyncio.timeout(self.server.timeouts.command_s):
            while self._transport.get_write_buffer_size() and not listening.done():
                await asyncio.wait({listening}, timeout=_POLL_S)

    def _answered_early(self, one: Outgoing, reply: aiosmtplib.SMTPResponse) -> Outcome:
        """A verdict on half a message; what the server takes the rest for is anybody's guess."""
        outcome = self._refused(one, "final", reply)
        self._break_at(reply)
        return outcome

    def _refused(self, one: Outgoing, stage: Stage, reply: aiosmtplib.SMTPResponse) -> Outcome:
        """Anything but what was hoped for."""
        said = said_by(self.server, reply)
        makes_sense = 400 <= reply.code <= 599
        if reply.code == 421 or not makes_sense:
            self._break_at(reply)
        if stage == "final" and not makes_sense:
            return Outcome(key=one.key, kind="uncertain", code=reply.code, text=said)
        meaning = classify(reply.code, said, stage=stage)
        if meaning == "stop-run":
            self.error = turned_away(self.server, reply.code, said)
        return Outcome(key=one.key, kind=KINDS[meaning], code=reply.code, text=said)

    def _break_at(self, reply: aiosmtplib.SMTPResponse) -> None:
        self._told_to_go = reply.code == 421
        self._break(f"{reply.code} {said_by(self.server, reply)}")

    def _break(self, why: str) -> None:
        self.why = self.why or why
        self.abort()

    def abort(self) -> None:
        """Drop the connection without a word; what asyncio still holds is never sent."""
        if self._transport is not None:
            self._transport.abort()
        self.client.close()

    async def close(self) -> None:
        if self.alive:
            with contextlib.suppress(*FOREIGN):
                await self.client.quit(timeout=_QUIT_S)
        self.abort()


def untried(one: Outgoing) -> Outcome:
    return Outcome(key=one.key, kind="deferred", text="not tried: the run ended before")


def _dismiss(task: asyncio.Future[aiosmtplib.SMTPResponse]) -> None:
    """Cancel it, or look at its exception so that asyncio does not complain that nobody did."""
    if not task.cancel() and not task.cancelled():
        task.exception()


def wire(segments: Iterable[bytes]) -> bytes:
    """The content as DATA wants it, without the dot. Our own messages pass untouched, in a few quick scans.

    The rest is a second wall: a bare CR or LF, or a line of one dot, would end the message for some servers,
    and what follows would be read as commands.
    """
    content = b"".join(segments)
    pairs = content.count(b"\r\n")
    if content.count(b"\n") != pairs or content.count(b"\r") != pairs:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if not content.endswith(b"\r\n"):
        content += b"\r\n"
    if content.startswith(b".") or b"\n." in content:
        content = (b"\n" + content).replace(b"\n.", b"\n..")[1:]
    return content
