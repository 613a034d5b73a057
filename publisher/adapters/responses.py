"""What a response holds, read within bounds: where it leads, its body, when to come again."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import httpx

MAX_BODY = 256 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})


def is_challenged(response: httpx.Response) -> bool:
    """A wall that says so in its headers."""
    headers = response.headers
    return headers.get("cf-mitigated") == "challenge" or headers.get("x-amzn-waf-action") in (
        "challenge",
        "captcha",
    )


def retry_after(response: httpx.Response) -> float | None:
    """Seconds from Retry-After, a number or a date; a date counts from the server's own clock."""
    said = response.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    try:
        until, now = parsedate_to_datetime(said), parsedate_to_datetime(response.headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError):
        return None


def shown_headers(response: httpx.Response) -> tuple[tuple[str, str], ...]:
    """Headers for an operator; cookies by name only."""
    return tuple(
        (name, value.partition("=")[0] + "=…" if name.lower() == "set-cookie" else value[:500])
        for name, value in response.headers.multi_items()
    )


def location_of(response: httpx.Response) -> str | None:
    """Where a redirect leads. Servers write raw UTF-8 or GBK there; browsers follow that too."""
    if response.status_code not in REDIRECTS:
        return None
    raw = next((value for name, value in response.headers.raw if name.lower() == b"location"), b"")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("gb18030", "replace")
    return re.sub(r"[\x00-\x1f\x7f]", "", text).strip() or None


def is_html(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind in ("", "text/html", "application/xhtml+xml")


async def read_body(response: httpx.Response, body: bytearray) -> None:
    """Raw chunks, inflated by hand up to the bound: httpx would inflate a whole chunk of a bomb at once."""
    inflate = _inflater(response.headers.get("content-encoding", ""))
    if inflate is None:
        return
    wire = 0
    async for chunk in response.aiter_raw():
        wire += len(chunk)
        try:
            body += inflate(chunk, MAX_BODY - len(body))
        except zlib.error:
            return
        if len(body) >= MAX_BODY or wire >= MAX_BODY:
            return


def _inflater(encoding: str) -> Callable[[bytes, int], bytes] | None:
    """How to read a chunk into at most so many bytes; None for what we did not ask for (br, two layers)."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return lambda chunk, room: chunk[:room]
    if encoding in ("gzip", "x-gzip", "deflate"):
        return zlib.decompressobj(47).decompress  # 47: gzip or zlib, whichever it is
    return None
