"""What a hostile or broken server may do to whoever asks it, as a table: each with the result it must come to."""

from __future__ import annotations

import asyncio
import gzip
import ssl
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import trustme

from publisher.adapters.addresses import IPAddress
from tests.adapters.stand_in import Handler, Headers, Names, Web, moved, no_name_server, no_such_name, page

_HTML = b"HTTP/1.1 200 x\r\ncontent-type: text/html\r\n"


def _forever(head: bytes, piece: bytes) -> Handler:
    """A response whose body never ends, as fast as it is read."""

    async def flood(web: Web, writer: asyncio.StreamWriter, _headers: Headers) -> None:
        writer.write(head)
        while not web.over.is_set() and not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return flood


def _drip(head: bytes) -> Handler:
    """A byte now and then."""

    async def drip(web: Web, writer: asyncio.StreamWriter, _headers: Headers) -> None:
        writer.write(head)
        while not web.over.is_set() and not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.02)

    return drip


async def _silence(web: Web, _writer: asyncio.StreamWriter, _headers: Headers) -> None:
    await web.over.wait()


def _bomb(layers: int = 1, *, encoding: str = "gzip", megabytes: int = 50) -> Handler:
    """Made when it is asked for: whoever only asks shall not have it in memory."""

    async def bomb(_web: Web, writer: asyncio.StreamWriter, _headers: Headers) -> None:
        body = b"<title>Bomb</title>" + bytes(megabytes * 1_000_000)
        for _ in range(layers):
            body = gzip.compress(body, 1) if encoding.startswith("gzip") else zlib.compress(body, 1)
        writer.write(page(body, content_encoding=encoding))

    return bomb


HAZARDS: dict[str, tuple[bytes | Handler, str]] = {
    "gzip-bomb": (_bomb(), "ok"),
    "deflate-bomb": (_bomb(encoding="deflate"), "ok"),
    "two-layers": (_bomb(2, encoding="gzip, gzip"), "ok"),
    "endless": (_forever(_HTML + b"\r\n<title>Endless</title>", b"x" * 65_536), "ok"),
    "endless-chunks": (_forever(_HTML + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 2000), "timeout"),
    "endless-header": (_forever(b"HTTP/1.1 200 x\r\nx: ", b"y" * 65_536), "unreachable"),
    "endless-headers": (_forever(b"HTTP/1.1 200 x\r\n", b"x-a: b\r\n" * 1000), "unreachable"),
    "endless-1xx": (_forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout"),
    "header-of-100-kB": (_HTML + b"x: " + b"y" * 100_000 + b"\r\ncontent-length: 0\r\n\r\n", "ok"),
    "dripping-body": (_drip(_HTML + b"\r\n<p>"), "timeout"),
    "dripping-head": (_drip(b"HTTP/1.1 200 x\r\nx: "), "timeout"),
    "silence": (_silence, "timeout"),
    "nothing": (b"", "unreachable"),
    "garbage": (b"\x00\x01\x02" * 1000 + b"\r\n\r\n", "unreachable"),
    "status-99999": (b"HTTP/1.1 99999 x\r\n\r\n", "unreachable"),
    "two-lengths": (_HTML + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx", "unreachable"),
    "circle": (moved("/circle"), "broken"),
    "long-location": (moved("http://h.example.org/" + "x" * 60_000), "broken"),
    "many-cookies": (
        b"HTTP/1.1 302 x\r\n" + b"".join(b"set-cookie: k%d=%s\r\n" % (n, b"v" * 90) for n in range(500))
        + b"location: /many-cookies\r\n\r\n", "broken",
    ),
    "brackets": (page("<" * 262_144), "ok"),
    "scripts": (page("<script" * 37_000), "ok"),
    "titles": (page("<title>" * 37_000), "ok"),
    "metas": (page("<meta " * 43_000), "ok"),
    "a-title-of-200-kB": (page("<title>" + "长" * 80_000), "ok"),
    "not-what-it-says": (page(b"\xff\xfe" * 100_000, content_type="text/html; charset=utf-7"), "ok"),
}  # fmt: skip
"""path → what the server does, and the result."""

HOST = "h.example.org"
MANY_COOKIES = "many-cookies"


def hazard_pages() -> dict[str, bytes | Handler]:
    pages: dict[str, bytes | Handler] = {f"{HOST}/{name}": said for name, (said, _) in HAZARDS.items()}
    return pages


# ---------------------------------------------------------------- certificates

TLS_HOST = "tls.example.org"
NO_CERTIFICATE = "the certificate is not accepted"


def _tls(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def _long_ago(ca: trustme.CA) -> trustme.LeafCert:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    return ca.issue_cert(TLS_HOST, not_before=past, not_after=past + timedelta(days=90))


def _not_yet(ca: trustme.CA) -> trustme.LeafCert:
    future = datetime(2090, 1, 1, tzinfo=UTC)
    return ca.issue_cert(TLS_HOST, not_before=future, not_after=future + timedelta(days=90))


TLS_HAZARDS: dict[str, tuple[Callable[[trustme.CA], ssl.SSLContext], str, str]] = {
    "good": (lambda ca: _tls(ca.issue_cert(TLS_HOST)), "ok", ""),
    "expired": (lambda ca: _tls(_long_ago(ca)), "unreachable", NO_CERTIFICATE),
    "not-yet-valid": (lambda ca: _tls(_not_yet(ca)), "unreachable", NO_CERTIFICATE),
    "self-signed": (lambda _: _tls(trustme.CA().issue_cert(TLS_HOST)), "unreachable", NO_CERTIFICATE),
    "wrong-host": (lambda ca: _tls(ca.issue_cert("other.example.org")), "unreachable", NO_CERTIFICATE),
    "wild-card-too-high": (lambda ca: _tls(ca.issue_cert("*.org")), "unreachable", NO_CERTIFICATE),
}
"""name → what the server shows to a client that trusts the authority, the result, and why."""


# ---------------------------------------------------------------- name servers


class SlowNames(Names):
    """A name server that takes its time."""

    def __init__(self, delay_s: float) -> None:
        super().__init__()
        self.delay_s = delay_s

    async def __call__(self, host: str, port: int) -> Sequence[IPAddress]:
        await asyncio.sleep(self.delay_s)
        return await super().__call__(host, port)


NAME_HAZARDS: dict[str, tuple[Callable[[], Names], str, str]] = {
    "slow": (lambda: SlowNames(0.3), "ok", ""),
    "too-slow": (lambda: SlowNames(60), "timeout", "no answer in time"),
    "given-up": (
        lambda: Names(fails={HOST: TimeoutError()}),
        "unreachable",
        "the name server does not answer",
    ),
    "broken": (
        lambda: Names(fails={HOST: no_name_server()}),
        "unreachable",
        "the name server does not answer",
    ),
    "unknown": (lambda: Names(fails={HOST: no_such_name()}), "broken", "no such name"),
    "empty": (lambda: Names({HOST: []}), "broken", "no such name"),
    "private": (lambda: Names({HOST: ["10.0.0.1"]}), "policy", "the address is not public"),
    "mixed": (lambda: Names({HOST: ["8.8.8.8", "10.0.0.1"]}), "policy", "the address is not public"),
}
"""name → the name server, the result, and why."""
