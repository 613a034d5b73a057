"""Mail to an SMTP server: few connections, many messages on each, and for every message what became of it.

    connect, TLS, login → [RSET] → pull → MAIL → RCPT → DATA → content → dot → reply

    the server refuses                     deferred or rejected, by `core.reply`
    the connection is lost before the dot  deferred: surely not sent
    … after it, with no reply              uncertain: nobody can know, never sent again by itself

aiosmtplib does all but the content. It writes content and dot as one, so that every loss would be uncertain;
here the dot is written on its own, when the content has left.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ipaddress
import os
import re
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, cast

import aiosmtplib

from publisher.core.delivery import Outcome, Outgoing
from publisher.core.errors import MailError
from publisher.core.reply import KINDS, Stage, classify, one_line

Security = Literal["starttls", "tls", "none"]

_QUIT_S = 5.0  # a goodbye is not worth more
_POLL_S = 0.01
_LONGEST_TEXT = 500  # characters of a reply that are kept
_CHUNK = (
    1 << 16
)  # of the content at a time: under TLS only what is more than this can be seen not to have left
_DOT = b".\r\n"
_SENDABLE = re.compile(r"[!-;=?-~]+")  # printable ASCII without space, < and >: nothing breaks out of <…>
_FOREIGN = (aiosmtplib.SMTPException, OSError)  # OSError: also TimeoutError, ssl.SSLError, socket.gaierror


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
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
class SmtpMailer:
    """Sends through one server. MailError at once when mail and password would travel in the clear."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""  # "": no login
    password: str = field(default="", repr=False)
    allow_plain: bool = False  # security "none" to another machine
    timeouts: Timeouts = Timeouts()
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
    def server(self) -> str:
        return f"{self.host}:{self.port}"

    async def send(
        self, outgoing: AsyncIterator[Outgoing], *, connections: int = 1
    ) -> AsyncGenerator[Outcome, None]:
        """Send what `outgoing` gives over at most so many connections; yield outcomes as soon as known.

        Connects before the first pull: do not call it when nothing waits. An item is pulled when a connection
        is free and its last outcome was taken (the caller asked for the next), so that never more than
        `connections` are under way. One connection begins; one more opens when all the others are busy.

        Raises MailError when the server cannot be reached at the start, trusted or logged in to, turns us
        away, or breaks off again and again. That, and what `outgoing` raises, comes last: every pulled item
        has its outcome by then. To stop, let `outgoing` end: what is under way is finished. Cancelling, or
        leaving the loop (`contextlib.aclosing`), drops the connections: items in hand get no outcome.
        """
        if connections < 1:
            raise ValueError(f"no connection to send over: {connections}")
        run = _Run(self, outgoing, connections)
        run.grow()
        ended = 0
        try:
            while ended < len(run.workers):
                handed = await run.outbox.get()
                if handed is None:
                    ended += 1
                    continue
                outcome, taken = handed
                yield outcome
                taken.set()
        finally:
            await run.drop()
        if run.error is not None:
            raise run.error

    def was_delivered(self, message_id: str) -> bool:
        """False: SMTP has no way to ask a server what it took."""
        return False


# ---------------------------------------------------------------- one run


_Handed = tuple[Outcome, asyncio.Event]
"""An outcome, and what tells its worker that the caller has dealt with it."""


class _Run:
    """What the connections of one send() share."""

    def __init__(self, mailer: SmtpMailer, outgoing: AsyncIterator[Outgoing], connections: int) -> None:
        self.mailer = mailer
        self.workers: dict[_Worker, asyncio.Task[None]] = {}
        self.outbox: asyncio.Queue[_Handed | None] = asyncio.Queue()  # None: a worker ended
        self.ended = asyncio.Event()  # nothing more to pull
        self.stopped = asyncio.Event()  # … because of `error`
        self.error: BaseException | None = None
        self.connected = False  # at least once
        self.at_work = 0  # workers that have not ended
        self._outgoing = outgoing
        self._connections = connections
        self._turn = asyncio.Lock()
        self._dropped = False
        self._tls = mailer.ssl_context
        self._hello = mailer.local_hostname

    def grow(self) -> None:
        """Begin with one more connection, if there may be more."""
        if len(self.workers) < self._connections and not self.ended.is_set():
            self.at_work += 1
            worker = _Worker(self)
            self.workers[worker] = asyncio.ensure_future(worker.work())

    async def open(self) -> _Session:
        """Raises MailError or _NotNow."""
        if self._tls is None and self.mailer.security != "none":
            self._tls = ssl.create_default_context()
        if not self._hello:
            self._hello = await asyncio.to_thread(_own_name)
        session = await _open(self.mailer, self._tls, self._hello)
        self.connected = True
        return session

    async def pull(self) -> Outgoing | None:
        async with self._turn:
            if self.ended.is_set():
                return None
            try:
                one = await anext(self._outgoing)
            except StopAsyncIteration:
                self.ended.set()
                return None
        self.grow()
        return one

    async def hand_over(self, outcome: Outcome) -> None:
        """Returns when the caller has dealt with it, or is gone."""
        if not self._dropped:
            taken = asyncio.Event()
            self.outbox.put_nowait((outcome, taken))
            await taken.wait()

    async def drop(self) -> None:
        """End whatever is under way.

        Cancelling is not enough: wait_for of Python 3.11, which aiosmtplib uses, loses a cancellation that
        arrives together with a reply. Then the broken connection ends the worker at its next command.
        """
        self._dropped = True
        self.stopped.set()
        self.ended.set()
        for worker, task in self.workers.items():
            if worker.session is not None:
                worker.session.abort()
            task.cancel()
        await asyncio.gather(*self.workers.values(), return_exceptions=True)

    def stop(self, error: BaseException) -> None:
        """Nothing is begun any more; the first error is the one that is told."""
        self.error = self.error or error
        self.stopped.set()
        self.ended.set()


class _Worker:
    """Keeps one connection open and sends on it, one message at a time."""

    def __init__(self, run: _Run) -> None:
        self.run = run
        self.session: _Session | None = None
        self.breaks = 0  # since the last success

    async def work(self) -> None:
        try:
            while await self._ready(self.run.ended):
                one = await self.run.pull()
                if one is None:
                    break
                await self.run.hand_over(await self._attempt(one))
            if self.session is not None:
                await self.session.close()
        except _NotWanted:
            pass
        except BaseException as exc:
            self.run.stop(exc)
            if not isinstance(exc, Exception):
                raise
        finally:
            if self.session is not None:
                self.session.abort()
            self.run.at_work -= 1
            self.run.outbox.put_nowait(None)

    async def _attempt(self, one: Outgoing) -> Outcome:
        """Never raises: whatever happens, the item gets its outcome before the run ends."""
        session = self.session
        try:
            if session is not None and not session.alive:  # it closed while we waited for the item
                session = self.session if await self._ready(self.run.stopped) else None
            if session is None or self.run.stopped.is_set():
                return _untried(one)
            outcome = await session.deliver(one)
        except _NotWanted:
            return _untried(one)
        except Exception as exc:
            self.run.stop(exc)
            if session is not None and session.dot_left:
                return Outcome(key=one.key, kind="uncertain", text="an error of ours after the last byte")
            return _untried(one)
        if session.error is not None:
            self.run.stop(session.error)
        if session.alive:
            session.verdicts += 1
            self.breaks = 0
        return outcome

    async def _ready(self, until: asyncio.Event) -> bool:
        """True with a connection that waits for MAIL; False when `until` came first.

        Raises MailError when there will be none, _NotWanted when others still have theirs.
        """
        while not until.is_set():
            if self.session is None:
                await self._connect(until)
            elif await self.session.reset():
                return True
            else:
                broken, self.session = self.session, None
                broken.abort()
                if not broken.left_politely:
                    self._broke(_broke_off(self.run.mailer, broken.why))
        return False

    async def _connect(self, until: asyncio.Event) -> None:
        if self.breaks:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), self.run.mailer.timeouts.reconnect_s[self.breaks - 1])
                return
        try:
            self.session = await self.run.open()
        except MailError as exc:
            self._give_up(exc)
        except _NotNow as exc:
            if exc.unreachable and not self.run.connected:
                raise exc.error from exc.__cause__
            self._broke(exc.error)

    def _broke(self, error: MailError) -> None:
        self.breaks += 1
        if self.breaks > len(self.run.mailer.timeouts.reconnect_s):
            self._give_up(error)

    def _give_up(self, error: MailError) -> None:
        """The last worker says why; before that, the server merely bears fewer connections than we may open."""
        raise _NotWanted if self.run.at_work > 1 else error


class _NotNow(Exception):  # noqa: N818  (never leaves this file)
    """A connection that may come about at another try; `error` is what to say when it never does."""

    def __init__(self, error: MailError, *, unreachable: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.unreachable = unreachable


class _NotWanted(Exception):  # noqa: N818  (never leaves this file)
    """This worker ends and others go on."""


# ---------------------------------------------------------------- one connection


async def _open(mailer: SmtpMailer, tls: ssl.SSLContext | None, hello: str) -> _Session:
    """A connection that can take messages. Raises MailError, or _NotNow when another try may succeed."""
    client = aiosmtplib.SMTP(
        hostname=mailer.host,
        port=mailer.port,
        timeout=mailer.timeouts.command_s,
        use_tls=mailer.security == "tls",
        start_tls=False,  # done by us, as its absence must be told from its failure
        tls_context=tls,
        local_hostname=hello,
    )
    session = _Session(mailer, client)
    try:
        await session.greet()
        await session.log_in()
    except aiosmtplib.SMTPAuthenticationError as exc:
        session.abort()
        raise _login_refused(mailer, exc) from None  # a server may repeat what it was sent
    except (*_FOREIGN, UnicodeError) as exc:
        session.abort()
        raise _translated(mailer, exc) from exc
    except BaseException:
        session.abort()
        raise
    return session


class _Session:
    """A connection, logged in. Once broken it stays broken."""

    def __init__(self, mailer: SmtpMailer, client: aiosmtplib.SMTP) -> None:
        self.mailer = mailer
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
        connect_s = self.mailer.timeouts.connect_s
        await self.client.connect(timeout=connect_s)
        self._transport = cast("asyncio.WriteTransport", self.client.transport)
        await self.client.ehlo()
        if self.mailer.security == "starttls":
            if not self.client.supports_extension("starttls"):
                raise MailError(
                    "the mail server {server} does not offer STARTTLS",
                    fix='set [mail] security to "tls" (often with port 465), or ask the provider',
                    server=self.mailer.server,
                )
            await self.client.starttls(timeout=connect_s)
            self._transport = cast("asyncio.WriteTransport", self.client.transport)
            await self.client.ehlo()

    async def log_in(self) -> None:
        if self.mailer.username:
            if not self.client.supported_auth_methods:
                raise MailError(
                    "the mail server {server} offers no login that we know",
                    fix="check [mail] port and security, or leave [mail] username empty",
                    server=self.mailer.server,
                )
            await self.client.login(self.mailer.username, self.mailer.password)

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
            except _FOREIGN as exc:
                self._break(_reason(exc))
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
        except _FOREIGN as exc:
            self._break(_reason(exc))
            if self.dot_left:
                text = f"no reply after the last byte: {self.why}"
                return Outcome(key=one.key, kind="uncertain", text=text)
            return Outcome(key=one.key, kind="deferred", text=f"before the last byte: {self.why}")
        self._in_message = not self.alive
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
            return _untried(one)
        content = _wire(one.segments)
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
            reply = await asyncio.wait_for(listening, self.mailer.timeouts.final_s)
        finally:
            _dismiss(listening)
        if 200 <= reply.code <= 299:
            return Outcome(key=one.key, kind="accepted", code=reply.code, text=_said(self.mailer, reply))
        return self._refused(one, "final", reply)

    async def _until_left(self, listening: asyncio.Future[aiosmtplib.SMTPResponse]) -> None:
        """Until the kernel has what was written, or the server speaks. What asyncio still holds has not left."""
        assert self._transport is not None
        await asyncio.sleep(0)  # a chance to hear of a reset, also when the kernel took everything
        async with asyncio.timeout(self.mailer.timeouts.command_s):
            while self._transport.get_write_buffer_size() and not listening.done():
                await asyncio.wait({listening}, timeout=_POLL_S)

    def _answered_early(self, one: Outgoing, reply: aiosmtplib.SMTPResponse) -> Outcome:
        """A verdict on half a message; what the server takes the rest for is anybody's guess."""
        outcome = self._refused(one, "final", reply)
        self._break_at(reply)
        return outcome

    def _refused(self, one: Outgoing, stage: Stage, reply: aiosmtplib.SMTPResponse) -> Outcome:
        """Anything but what was hoped for."""
        said = _said(self.mailer, reply)
        makes_sense = 400 <= reply.code <= 599
        if reply.code == 421 or not makes_sense:
            self._break_at(reply)
        if stage == "final" and not makes_sense:
            return Outcome(key=one.key, kind="uncertain", code=reply.code, text=said)
        meaning = classify(reply.code, said, stage=stage)
        if meaning == "stop-run":
            self.error = _turned_away(self.mailer, reply.code, said)
        return Outcome(key=one.key, kind=KINDS[meaning], code=reply.code, text=said)

    def _break_at(self, reply: aiosmtplib.SMTPResponse) -> None:
        self._told_to_go = reply.code == 421
        self._break(f"{reply.code} {_said(self.mailer, reply)}")

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
            with contextlib.suppress(*_FOREIGN):
                await self.client.quit(timeout=_QUIT_S)
        self.abort()


# ---------------------------------------------------------------- errors, translated once


def _translated(mailer: SmtpMailer, exc: Exception) -> MailError | _NotNow:
    """What stopped us before the first message."""
    fault = _tls_fault(exc)
    if isinstance(fault, ssl.SSLCertVerificationError):
        return MailError(
            "the mail server {server} cannot be trusted: {why}",
            fix="write the name that its certificate bears into [mail] host, or have the certificate mended",
            server=mailer.server,
            why=fault.verify_message,
        )
    if fault is not None:
        return MailError(
            "no encryption with the mail server {server}: {why}",
            fix='set [mail] security to "tls" (port 465) or "starttls" (port 587), as the provider says',
            server=mailer.server,
            why=fault.reason or fault,
        )
    if isinstance(exc, aiosmtplib.SMTPResponseException) and exc.code >= 0:
        said = _said(mailer, exc)
        error = _turned_away(mailer, exc.code, said)
        return error if classify(exc.code, said, stage="connect") == "stop-run" else _NotNow(error)
    error = MailError(
        "cannot reach the mail server {server}: {why}",
        fix="check [mail] host, port and security, and whether the server is running",
        server=mailer.server,
        why=_reason(exc),
    )
    return _NotNow(error, unreachable=True)


def _login_refused(mailer: SmtpMailer, exc: aiosmtplib.SMTPAuthenticationError) -> MailError | _NotNow:
    said = _said(mailer, exc)
    error = MailError(
        "the mail server {server} refuses the login of {username}: {code} {said}",
        fix="check [mail] username and password; many providers want an app password instead of your own",
        server=mailer.server,
        username=mailer.username,
        code=exc.code,
        said=said,
    )
    return error if classify(exc.code, said, stage="auth") == "stop-run" else _NotNow(error)


def _turned_away(mailer: SmtpMailer, code: int, said: str) -> MailError:
    return MailError(
        "the mail server {server} turns us away: {code} {said}",
        fix="do what it says, or ask the provider; the mail waits",
        server=mailer.server,
        code=code,
        said=said,
    )


def _broke_off(mailer: SmtpMailer, why: str) -> MailError:
    return MailError(
        "the mail server {server} broke off {times} times in a row: {why}",
        fix="wait a while, then run again; the mail waits",
        server=mailer.server,
        times=len(mailer.timeouts.reconnect_s) + 1,
        why=why,
    )


def _tls_fault(exc: BaseException | None) -> ssl.SSLError | None:
    """aiosmtplib wraps some of them, others come as they are."""
    while exc is not None and not isinstance(exc, ssl.SSLError):
        exc = exc.__cause__
    return exc


def _reason(exc: BaseException) -> str:
    """Why a connection failed, in a few words of the system's."""
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    if isinstance(cause, OSError) and cause.errno is not None:
        named = isinstance(cause, socket.gaierror)  # its numbers are its own
        return str(cause.strerror) if named else os.strerror(cause.errno)
    return one_line(str(cause))


# ---------------------------------------------------------------- bytes and words


def _untried(one: Outgoing) -> Outcome:
    return Outcome(key=one.key, kind="deferred", text="not tried: the run ended before")


def _dismiss(task: asyncio.Future[aiosmtplib.SMTPResponse]) -> None:
    """Cancel it, or look at its exception so that asyncio does not complain that nobody did."""
    if not task.cancel() and not task.cancelled():
        task.exception()


def _wire(segments: Iterable[bytes]) -> bytes:
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


def _said(mailer: SmtpMailer, reply: aiosmtplib.SMTPResponse | aiosmtplib.SMTPResponseException) -> str:
    """A reply as one printable line, without our password should a server repeat it."""
    text = one_line(reply.message)
    if mailer.password:
        plain = f"\0{mailer.username}\0{mailer.password}"  # as AUTH PLAIN sends it
        for secret in (*map(_base64, (plain, mailer.password)), mailer.password):
            text = text.replace(secret, "***")
    return text[:_LONGEST_TEXT]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _own_name() -> str:
    """Our name for EHLO: the full host name, else an address literal, as RFC 5321 4.1.3 allows."""
    name = socket.getfqdn()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
