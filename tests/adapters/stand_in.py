"""A web on loopback for link tests: one real server plays every host, reached through the real guard."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import httpcore

from publisher.adapters.addresses import Guard, GuardedTransport, IPAddress
from publisher.adapters.fetch import Fetcher
from publisher.adapters.pace import Manners, Pace
from publisher.adapters.shortlinks import ShortLinks
from publisher.adapters.sockets import Sockets

Headers = dict[str, str]
Handler = Callable[["Web", asyncio.StreamWriter, Headers], Awaitable[None]]
PUBLIC = ip_address("93.184.216.34")


def page(body: str | bytes = "", *, status: int = 200, **headers: str) -> bytes:
    """A finished response; header names with '_' for '-'."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} x", f"content-length: {len(data)}", "connection: close"]
    headers.setdefault("content_type", "text/html; charset=utf-8")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def moved(to: str | bytes, *, status: int = 302, cookie: str = "") -> bytes:
    location = to.encode() if isinstance(to, str) else to
    extra = f"set-cookie: {cookie}; Path=/\r\n".encode() if cookie else b""
    return b"HTTP/1.1 %d x\r\ncontent-length: 0\r\n%slocation: %s\r\n\r\n" % (status, extra, location)


class Web:
    """What every 'host/path' says: bytes, or a coroutine that writes. Anything else is 404."""

    def __init__(self, pages: dict[str, bytes | Handler]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.headers: list[Headers] = []
        self.over = asyncio.Event()  # handlers that hang wait for this
        self._at_work: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._at_work.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self._at_work.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun = await reader.readexactly(1)
        if begun == b"\x16":
            return  # a TLS handshake: nobody here speaks that
        first, *rest = (begun + await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
        method, path, _ = first.split(" ")
        headers[":method"] = method
        where = headers["host"] + path
        self.asked.append(where)
        self.headers.append(headers)
        said = self.pages.get(where, page("nothing here", status=404))
        if isinstance(said, bytes):
            writer.write(said)
        else:
            await said(self, writer, headers)
        await writer.drain()

    async def close(self) -> None:
        self.over.set()
        if self._at_work:
            await asyncio.wait(self._at_work)


class Rerouted(Sockets):
    """Stands below the guard: what the guard let pass ends at our server. Remembers what was let pass."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        return await super().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)


class Names:
    """A name server: every name is public unless said otherwise. `fails` holds what a name raises."""

    def __init__(
        self, known: dict[str, list[str]] | None = None, fails: dict[str, Exception] | None = None
    ) -> None:
        self.known = known or {}
        self.fails = fails or {}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[IPAddress]:
        self.asked.append(host)
        if host in self.fails:
            raise self.fails[host]
        return [ip_address(text) for text in self.known[host]] if host in self.known else [PUBLIC]


def no_such_name() -> socket.gaierror:
    return socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def no_name_server() -> socket.gaierror:
    return socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def at_once() -> Pace:
    """A pace without gaps, for tests of other things."""
    return Pace(manners={"t.cn": Manners(at_once=1, gap_s=0)}, sleep=lambda _s: asyncio.sleep(0))


class Stand:
    def __init__(self, web: Web, network: Rerouted, fetcher: Fetcher) -> None:
        self.web = web
        self.network = network
        self.fetcher = fetcher
        self.ask = fetcher.ask


@asynccontextmanager
async def stand_in(
    pages: dict[str, bytes | Handler],
    *,
    names: Names | None = None,
    pace: Pace | None = None,
    deadline_s: float = 10,
    tls: ssl.SSLContext | None = None,
    trusting: ssl.SSLContext | None = None,
    on_alarm: Callable[[str, str], None] = lambda url, page: None,
) -> AsyncIterator[Stand]:
    """The web, and a fetcher as in production but for the cable below its guard.

    With `tls` the web speaks nothing else; `trusting` is whom the fetcher believes.
    """
    web = Web(pages)
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0, limit=1 << 20, ssl=tls)
    network = Rerouted(server.sockets[0].getsockname()[1])
    guard = Guard(resolve=names or Names(), network=network)
    fetcher = Fetcher(
        transport=GuardedTransport(guard, verify=trusting),
        rules=ShortLinks(),
        site_url="https://例子.cn/",
        pace=pace or at_once(),
        deadline_s=deadline_s,
        on_alarm=on_alarm,
    )
    try:
        yield Stand(web, network, fetcher)
    finally:
        server.close()
        await web.close()
        await server.wait_closed()
