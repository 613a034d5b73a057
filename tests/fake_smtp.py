"""A mail server on loopback: keeps a durable list of what it accepted, misbehaves in every way we know.

In a test:

    with FakeSmtp(tmp_path / "accepted.log", refuse={"gone@x.example": "550 5.1.1 no such user"}) as server:
        ...                      # server.port, server.accepted(), server.commands

As a process that outlives the one that is killed (`as_process` starts and ends it):

    python -m tests.fake_smtp --port-file PORT --log LOG [--refuse "ADDRESS=550 5.1.1 no"] [--help]

It is written to `log` (appended, synced) before the 250 leaves: what stands there was accepted, whatever the
client came to know. Addresses may be "*" for all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

HOST = "127.0.0.1"
_MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(<[^>\r\n]*>)")


@dataclass(kw_only=True)
class Manners:
    """How the server behaves; may be changed while it runs."""

    security: Literal["none", "starttls", "tls"] = "none"
    login: tuple[str, str] | None = None  # user and password that it wants
    greeting: str = ""  # instead of "220 …"
    at_ehlo: str = ""  # replies instead of the usual ones
    at_auth: str = ""
    at_mail: str = ""
    at_data: str = ""
    at_end: str = ""  # after the dot; not logged
    refuse: dict[str, str] = field(default_factory=dict)  # recipient → reply to RCPT
    take: int | None = None  # messages on one connection; the next command named `end_at` gets `end_with`
    most: int | None = None  # connections at once; 421 to the next
    end_at: str = "MAIL"
    end_with: str = "421 4.7.0 enough for one connection"  # "": closes without a word
    drop_after_accepting: set[str] = field(default_factory=set)  # recipients: logged, then no 250
    drop_in_data: set[str] = field(default_factory=set)  # recipients: not logged
    end_in_data: str = ""  # what it says before it drops in DATA
    close_after: str = ""  # replies that hold these words: the end of the stream comes with them
    delay_s: float = 0.0  # between log and 250
    delays_s: dict[str, float] = field(default_factory=dict)  # the same, by recipient
    tells_login: bool = False  # repeats in its refusal what it was sent by AUTH PLAIN


@dataclass
class Seen:
    """What happened so far; read it from any thread."""

    commands: list[str] = field(default_factory=list)  # "MAIL", "RCPT", …, of all connections
    senders: list[str] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    connections: int = 0
    most_open: int = 0


class _Protocol(SMTP):
    """One connection."""

    line_length_limit = 1 << 16

    def __init__(self, server: FakeSmtp) -> None:
        manners = server.manners
        self.server = server
        self.taken = 0
        super().__init__(
            server,
            hostname="fake.example",
            tls_context=server.tls if manners.security == "starttls" else None,
            auth_require_tls=manners.security == "starttls",
            auth_exclude_mechanism=() if manners.login and not manners.tells_login else ("LOGIN",),
            authenticator=server.authenticate,
            timeout=60,
            loop=asyncio.get_running_loop(),
        )
        self._auth_required = manners.login is not None  # the constructor would warn of plain text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None and self._original_transport is None:
            seen = self.server.seen
            self.server._open.add(self)
            seen.connections += 1
            seen.most_open = max(seen.most_open, len(self.server._open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.server._open.discard(self)
        super().connection_lost(error)

    async def push(self, status: Any) -> None:
        manners = self.server.manners
        if status.startswith("220 fake.example"):
            status = manners.greeting or status
            if manners.most is not None and len(self.server._open) > manners.most:
                status = "421 4.7.0 too many connections"
        elif status.startswith("250-AUTH ") and not manners.login:
            return
        await super().push(status)
        ends = status.startswith("421") or (manners.close_after and manners.close_after in status)
        if ends and self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()

    def drop(self) -> None:
        self.cut()
        raise asyncio.CancelledError  # what aiosmtpd raises when the other side has gone

    async def first(self, command: str, instead: str = "") -> bool:
        """Note a command; True when it was answered here."""
        manners = self.server.manners
        self.server.seen.commands.append(command)
        if manners.take is not None and self.taken >= manners.take and manners.end_at == command:
            if not manners.end_with:
                self.drop()
            instead = manners.end_with
        if instead:
            await self.push(instead)
        return bool(instead)

    def wants(self, recipients: set[str]) -> bool:
        assert self.envelope is not None
        return "*" in recipients or not recipients.isdisjoint(self.envelope.rcpt_tos)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self.first("EHLO", self.server.manners.at_ehlo):
            await super().smtp_EHLO(hostname)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        instead = self.server.manners.at_auth
        if self.server.manners.tells_login:
            instead = f"535 5.7.8 you said {arg}"
        if not await self.first("AUTH", instead):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if not await self.first("MAIL", self.server.manners.at_mail):
            if arg is not None and arg.upper().startswith("FROM:<>"):
                arg = arg.replace("<>", "<null@null.example>", 1)  # aiosmtpd knows no null sender
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        refuse = self.server.manners.refuse
        found = re.search(r"<([^>]*)>", arg or "")
        instead = refuse.get(found[1] if found else "", refuse.get("*", ""))
        if not await self.first("RCPT", instead):
            await super().smtp_RCPT(arg)

    async def smtp_RSET(self, arg: str) -> None:  # noqa: N802
        if not await self.first("RSET"):
            await super().smtp_RSET(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        self.server.seen.commands.append("QUIT")
        await super().smtp_QUIT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        manners = self.server.manners
        if await self.first("DATA", manners.at_data):
            return
        if self.wants(manners.drop_in_data):
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            if manners.end_in_data:
                await super().push(manners.end_in_data)
            self.drop()
        await super().smtp_DATA(arg)

    async def accept(self) -> str:
        """The message is here whole: the reply."""
        manners, envelope = self.server.manners, self.envelope
        assert envelope is not None
        if manners.at_end:
            return manners.at_end
        content = envelope.original_content or b""
        self.server.note(content, envelope.rcpt_tos)
        self.server.seen.senders.append(str(envelope.mail_from))
        self.server.seen.contents.append(content)
        self.taken += 1
        await asyncio.sleep(
            max([manners.delay_s, *(manners.delays_s.get(to, 0) for to in envelope.rcpt_tos)])
        )
        if self.wants(manners.drop_after_accepting):
            self.drop()
        if manners.take is not None and self.taken >= manners.take and manners.end_at == "END":
            return manners.end_with
        return "250 2.0.0 OK queued"


class FakeSmtp:
    """The server, in a thread of its own. Keyword arguments are those of Manners."""

    def __init__(self, log: Path, **manners: Any) -> None:
        self.log = log
        self.manners = Manners(**manners)
        self.seen = Seen()
        self.ca = trustme.CA()
        self.port = 0
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("localhost", HOST).configure_cert(self.tls)
        self._file = -1
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._up: Future[int] = Future()
        self._listener: asyncio.Server | None = None
        self._open: set[_Protocol] = set()

    # ------------------------------------------------------------ for the test

    def accepted(self) -> list[tuple[str, str]]:
        """Message-ID and recipient of everything accepted, in order."""
        return accepted(self.log)

    def trusting(self) -> ssl.SSLContext:
        """A client's context that trusts this server's certificate and nothing else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.ca.configure_trust(context)
        return context

    def __enter__(self) -> FakeSmtp:
        self._file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._thread.start()
        self.port = self._up.result(timeout=10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in_thread(self._over.set)
        self._thread.join(timeout=10)
        os.close(self._file)

    def cut(self) -> None:
        """Close every connection, without a word."""
        self._in_thread(self._cut)

    def stop_listening(self) -> None:
        """New connections are refused from now on."""
        assert self._listener is not None
        self._in_thread(self._listener.close)

    def present(self, *names: str) -> None:
        """Another certificate, made out to these names, by the same authority."""
        self.ca.issue_cert(*names).configure_cert(self.tls)

    def _in_thread(self, action: Callable[[], None]) -> None:
        """Returns when it was done."""
        assert self._loop is not None
        done: Future[None] = Future()

        def act() -> None:
            action()
            done.set_result(None)

        self._loop.call_soon_threadsafe(act)
        done.result(timeout=10)

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as exc:
            if self._up.done():
                raise
            self._up.set_exception(exc)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(lambda *_: None)  # connections that we cut are no news
        tls = self.tls if self.manners.security == "tls" else None
        self._listener = await self._loop.create_server(lambda: _Protocol(self), HOST, 0, ssl=tls)
        self._over = asyncio.Event()
        self._up.set_result(self._listener.sockets[0].getsockname()[1])
        await self._over.wait()
        self._listener.close()
        self._cut()
        await asyncio.sleep(0)

    def _cut(self) -> None:
        for one in list(self._open):
            one.cut()

    # ------------------------------------------------------------ aiosmtpd's handler

    async def handle_DATA(self, protocol: _Protocol, _session: Any, _envelope: Any) -> str:  # noqa: N802
        return await protocol.accept()

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == self.manners.login, handled=False)

    def note(self, content: bytes, recipients: list[str]) -> None:
        """Durable before anybody hears of it."""
        found = _MESSAGE_ID.search(content)
        named = found[1].decode("ascii", "replace") if found else "-"
        os.write(self._file, "".join(f"{named} {recipient}\n" for recipient in recipients).encode())
        os.fsync(self._file)


def accepted(log: Path) -> list[tuple[str, str]]:
    """Message-ID and recipient of everything in a server's log, in order."""
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return [(named, recipient) for named, _, recipient in (line.partition(" ") for line in lines)]


# ---------------------------------------------------------------- as a process


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fake_smtp")
    parser.add_argument(
        "--port-file", type=Path, required=True, help="the port is written here when it listens"
    )
    parser.add_argument("--log", type=Path, required=True, help="one line a message: Message-ID recipient")
    parser.add_argument("--ca-file", type=Path, help="the certificate to trust is written here")
    parser.add_argument("--security", choices=["none", "starttls", "tls"], default="none")
    parser.add_argument("--login", metavar="USER:PASSWORD")
    parser.add_argument("--refuse", metavar="ADDRESS=REPLY", action="append", default=[])
    parser.add_argument("--drop-after-accepting", metavar="ADDRESS", action="append", default=[])
    parser.add_argument("--drop-in-data", metavar="ADDRESS", action="append", default=[])
    parser.add_argument("--take", type=int, help="messages on one connection")
    parser.add_argument("--most", type=int, help="connections at once")
    parser.add_argument("--delay-s", type=float, default=0.0)
    for name in ("greeting", "at-ehlo", "at-auth", "at-mail", "at-data", "at-end", "end-at", "end-with"):
        parser.add_argument(f"--{name}", metavar="REPLY")
    return parser


def _manners(given: argparse.Namespace) -> dict[str, Any]:
    known = {one.name for one in fields(Manners)}
    manners = {name: value for name, value in vars(given).items() if name in known and value is not None}
    manners["refuse"] = dict(one.split("=", 1) for one in given.refuse)
    manners["drop_after_accepting"] = set(given.drop_after_accepting)
    manners["drop_in_data"] = set(given.drop_in_data)
    if given.login:
        manners["login"] = tuple(given.login.split(":", 1))
    return manners


def main(arguments: list[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    given = _options().parse_args(arguments)
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)  # before the thread, which inherits it
    with FakeSmtp(given.log, **_manners(given)) as server:
        if given.ca_file:
            server.ca.cert_pem.write_to_path(str(given.ca_file))
        fresh = given.port_file.with_suffix(".new")
        fresh.write_text(f"{server.port}\n", "ascii")
        fresh.replace(given.port_file)
        signal.sigwait(signals)


@contextlib.contextmanager
def as_process(folder: Path, *options: str) -> Iterator[tuple[int, Path]]:
    """The port and the log of a server in a process of its own; ends with the block, the log stays."""
    port_file, log = folder / "port", folder / "accepted.log"
    command = [sys.executable, "-m", "tests.fake_smtp", "--port-file", str(port_file), "--log", str(log)]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen([*command, *options], cwd=root) as process:
        try:
            until = time.monotonic() + 10
            while not port_file.exists():
                assert process.poll() is None, "the mail server died"
                assert time.monotonic() < until, "the mail server does not come up"
                time.sleep(0.02)
            yield int(port_file.read_text("ascii")), log
        finally:
            process.terminate()
            port_file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
