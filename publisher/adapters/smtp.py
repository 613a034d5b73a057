"""Mail to an SMTP server: few connections, many messages on each, and for every message what became of it.

connect, TLS, login → [RSET] → pull → MAIL → RCPT → DATA → content → dot → reply

the server refuses                     deferred or rejected, by `core.reply`
the connection is lost before the dot  deferred: surely not sent
… after it, with no reply              uncertain: nobody can know, never sent again by itself
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass

from publisher.adapters.smtp_replies import NotNowError, broke_off
from publisher.adapters.smtp_server import SmtpServer, Timeouts
from publisher.adapters.smtp_session import Session, open_session, untried
from publisher.core.delivery import Outcome, Outgoing
from publisher.core.errors import MailError

__all__ = ["SmtpMailer", "Timeouts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpMailer(SmtpServer):
    """Sends through one server. MailError at once when mail and password would travel in the clear."""

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

    async def open(self) -> Session:
        """Raises MailError or NotNowError."""
        if self._tls is None and self.mailer.security != "none":
            self._tls = ssl.create_default_context()
        if not self._hello:
            self._hello = await asyncio.to_thread(_own_name)
        session = await open_session(self.mailer, self._tls, self._hello)
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
        self.session: Session | None = None
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
                return untried(one)
            outcome = await session.deliver(one)
        except _NotWanted:
            return untried(one)
        except Exception as exc:
            self.run.stop(exc)
            if session is not None and session.dot_left:
                return Outcome(key=one.key, kind="uncertain", text="an error of ours after the last byte")
            return untried(one)
        if session.error is not None:
            self.run.stop(session.error)
        # A server may close with every verdict. With a "not now" it means us.
        if session.alive or (not session.why and outcome.kind in ("accepted", "rejected")):
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
                    self._broke(broke_off(self.run.mailer, broken.why))
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
        except NotNowError as exc:
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


class _NotWanted(Exception):  # noqa: N818  (never leaves this file)
    """This worker ends and others go on."""


def _own_name() -> str:
    """Our name for EHLO: the full host name, else an address literal, as RFC 5321 4.1.3 allows."""
    name = socket.getfqdn()
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"
