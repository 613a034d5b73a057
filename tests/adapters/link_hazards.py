"""What a hostile or broken server may do to whoever asks it, as a table: each with the result it must come to."""

from __future__ import annotations

import asyncio
import gzip
import zlib

from tests.adapters.stand_in import Handler, Headers, Web, moved, page

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
