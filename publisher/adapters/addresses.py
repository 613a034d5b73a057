"""The guarded way to a server: a name is resolved once, its addresses checked, a checked one connected to.

The check stands where the socket is opened, so it holds for every hop and leaves a name no moment to change
its mind; Host, SNI and the certificate's name still come from the URL.
"""

from __future__ import annotations

import asyncio
import errno
import queue
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore
import httpx

from publisher.adapters.sockets import Sockets
from publisher.core.link import NotReached

IPAddress = IPv4Address | IPv6Address
Allow = Callable[[IPAddress], bool]
Resolve = Callable[[str, int], Awaitable[Sequence[IPAddress]]]

RESOLVE_TIMEOUT_S = 5.0
RESOLVING_THREADS = 128
FALLBACK_S = 4.0
"""How long one of several addresses may take to connect before the next is tried."""

# ---------------------------------------------------------------- which addresses are public

_V6_UNICAST = ip_network("2000::/3")
_NAT64 = ip_network("64:ff9b::/96")
_NEVER = (
    ip_network("168.63.129.16/32"),  # looks public, is the machine service of a cloud
    ip_network("192.88.99.0/24"),  # 6to4 relays
    ip_network("2001::/23"),  # Teredo and other protocol blocks
    ip_network("2002::/16"),  # 6to4: an IPv4 address inside, out of our sight
    ip_network("3fff::/20"),  # documentation
)


def is_public(address: IPAddress) -> bool:
    """True for an address that anybody on the internet could ask; by its IPv4 address if it wraps one."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not _never(address)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _V6_UNICAST and address.is_global and not _never(address)


def _never(address: IPAddress) -> bool:
    return any(
        address in network for network in _NEVER if isinstance(network, IPv6Network) == (address.version == 6)
    )


# ---------------------------------------------------------------- names

_Told = Callable[[list[IPAddress] | OSError], None]
_LAST: tuple[str, _Told] = ("", lambda _: None)
_NO_SUCH_NAME = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA") if hasattr(socket, name)}


class Resolver:
    """What the system's resolver says, each name once a run; for one event loop.

    A name server that does not answer holds a thread for many seconds. In the loop's shared pool a few such names
    would stall all others, and the program could not end before them: these threads are daemons of our own, kept for
    the next name, and there is another one as long as all are held.
    """

    def __init__(
        self,
        look_up: Callable[[str], list[IPAddress]] | None = None,
        *,
        threads: int = RESOLVING_THREADS,
    ) -> None:
        self._look_up = look_up or _looked_up
        self._most = threads
        self._names: queue.SimpleQueue[tuple[str, _Told]] = queue.SimpleQueue()
        self._threads = 0
        self._waiting = 0  # names that no answer has come for
        self._known: dict[str, list[IPAddress]] = {}
        self._asked: dict[str, asyncio.Future[list[IPAddress]]] = {}

    async def __call__(self, host: str, port: int) -> Sequence[IPAddress]:
        """The addresses of a host. Raises OSError, TimeoutError; a failure is not remembered."""
        if host in self._known:
            return self._known[host]
        answer = self._asked.get(host) or self._ask(host)
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            return await asyncio.shield(answer)

    def _ask(self, host: str) -> asyncio.Future[list[IPAddress]]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[IPAddress]] = loop.create_future()
        self._asked[host] = answer

        def told(found: list[IPAddress] | OSError) -> None:
            with suppress(RuntimeError):  # the loop is gone: nobody waits any more
                loop.call_soon_threadsafe(self._hear, host, answer, found)

        self._waiting += 1
        self._names.put((host, told))
        if self._waiting > self._threads < self._most:
            self._threads += 1
            threading.Thread(target=self._serve, name="resolver", daemon=True).start()
        return answer

    def _hear(
        self, host: str, answer: asyncio.Future[list[IPAddress]], found: list[IPAddress] | OSError
    ) -> None:
        self._waiting -= 1
        del self._asked[host]
        if isinstance(found, OSError):
            answer.set_exception(found)
            answer.exception()  # perhaps nobody waits for it any more
        else:
            self._known[host] = found
            answer.set_result(found)

    def _serve(self) -> None:
        while (asked := self._names.get()) is not _LAST:
            host, told = asked
            try:
                told(self._look_up(host))
            except OSError as exc:
                told(exc)
            except ValueError as exc:  # a name that no name server could be asked for
                told(socket.gaierror(socket.EAI_NONAME, str(exc)))

    def close(self) -> None:
        """Let the threads go, each when it is free."""
        for _ in range(self._threads):
            self._names.put(_LAST)
        self._threads = 0


def _looked_up(host: str) -> list[IPAddress]:
    told = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(str(item[4][0]).partition("%")[0]) for item in told))


# ---------------------------------------------------------------- the guard


class Guard(httpcore.AsyncNetworkBackend):
    """Opens connections to public addresses only; `allow` decides, production knows none but `is_public`."""

    def __init__(
        self,
        *,
        allow: Allow = is_public,
        resolve: Resolve | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allow = allow
        self._own = Resolver()
        self._resolve: Resolve = resolve or self._own
        self._network = network or Sockets()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self.checked(host, port)
        for address in addresses[:-1]:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                first = min(timeout or FALLBACK_S, FALLBACK_S)
                return await self._network.connect_tcp(
                    str(address), port, first, local_address, socket_options
                )
        last = str(addresses[-1])
        return await self._network.connect_tcp(last, port, timeout, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        raise NotReached("policy", "only web addresses are asked")

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    def close(self) -> None:
        """Nothing is asked any more."""
        self._own.close()

    async def checked(self, host: str, port: int) -> Sequence[IPAddress]:
        """The addresses of a host. One that is not public among them condemns all: the name is not honest."""
        addresses = await self._addresses(host, port)
        if not all(self._allow(address) for address in addresses):
            raise NotReached("policy", "the address is not public")
        return addresses[:3]

    async def _addresses(self, host: str, port: int) -> Sequence[IPAddress]:
        with suppress(ValueError):
            return [ip_address(host.strip("[]"))]
        try:
            addresses = await self._resolve(host, port)
        except TimeoutError as exc:
            raise NotReached("unreachable", "the name server does not answer", "absent") from exc
        except socket.gaierror as exc:
            if exc.errno in _NO_SUCH_NAME:
                raise NotReached("broken", "no such name") from exc
            raise NotReached("unreachable", "the name server does not answer", "absent") from exc
        except OSError as exc:
            raise NotReached("unreachable", "the name server does not answer", "absent") from exc
        if not addresses:
            raise NotReached("broken", "no such name")
        return addresses


# ---------------------------------------------------------------- the transport


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx over httpcore's connections with the guard beneath. Knows no proxy; tells failures as NotReached.

    A connection serves one request: a host is asked once or twice a run, and a pool that scans all its
    connections for each of many hosts costs more than a socket.
    """

    def __init__(self, guard: Guard | None = None, *, verify: ssl.SSLContext | None = None) -> None:
        self._guard = guard or Guard()
        self._verify = verify

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        asked = httpcore.Request(
            request.method,
            url,
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connect_s = request.extensions.get("timeout", {}).get("connect")
        with _as_not_reached():
            connection = httpcore.AsyncHTTP11Connection(
                origin=url.origin, stream=await self._connected(request.url, connect_s)
            )
            try:
                response = await connection.handle_async_request(asked)
            except BaseException:
                await connection.aclose()
                raise
        stream = _Body(response, connection)
        return httpx.Response(response.status, headers=response.headers, stream=stream, request=request)

    async def _connected(self, url: httpx.URL, connect_s: float | None) -> httpcore.AsyncNetworkStream:
        secure = url.scheme == "https"
        host = url.raw_host.decode("ascii")
        stream = await self._guard.connect_tcp(host, url.port or (443 if secure else 80), connect_s)
        if not secure:
            return stream
        return await stream.start_tls(self._verify or _certificates(), host, connect_s)

    async def aclose(self) -> None:
        self._guard.close()


class _Body(httpx.AsyncByteStream):
    """A response's body as it comes over the wire; its connection ends with it."""

    def __init__(self, response: httpcore.Response, connection: httpcore.AsyncHTTP11Connection) -> None:
        self._stream: Any = response.stream
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_not_reached():
            async for chunk in self._stream:
                yield chunk

    async def aclose(self) -> None:
        with suppress(httpcore.NetworkError, httpcore.TimeoutException):
            await self._connection.aclose()


@cache
def _certificates() -> ssl.SSLContext:
    """Made once a process: it takes 40 to 150 ms."""
    return httpx.create_ssl_context()


_NO_ROUTE = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN}


@contextmanager
def _as_not_reached() -> Iterator[None]:
    """httpcore's failures in our words."""
    try:
        yield
    except httpcore.ConnectTimeout as exc:
        raise NotReached("timeout", "no answer in time", "absent") from exc
    except httpcore.TimeoutException as exc:
        raise NotReached("timeout", "no answer in time", "heard") from exc
    except httpcore.ConnectError as exc:
        raise _connect_failure(exc) from exc
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as exc:
        raise NotReached("unreachable", "the server broke off", "heard") from exc


def _connect_failure(exc: BaseException) -> NotReached:
    causes = list(_causes(exc))
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return NotReached("unreachable", "the certificate is not accepted", "heard")
    if any(isinstance(cause, OSError) and cause.errno in _NO_ROUTE for cause in causes):
        return NotReached("unreachable", "no way to the server", "absent")
    return NotReached("unreachable", "the server refuses connections")


def _causes(exc: BaseException | None) -> Iterator[BaseException]:
    """An exception with everything that led to it, groups (of several attempts to connect) opened."""
    while exc is not None:
        yield exc
        if isinstance(exc, BaseExceptionGroup):
            for inner in exc.exceptions:
                yield from _causes(inner)
        exc = exc.__cause__ or exc.__context__
