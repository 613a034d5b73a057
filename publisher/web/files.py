"""Files of the site as answers: whole, not modified, in part, moved, gone, or not there at all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, BinaryIO, NamedTuple

from publisher.web.answers import Headers
from publisher.web.conditional import byte_range, coding, matches, seconds
from publisher.web.kinds import A_YEAR_S, FileKind, kind_of
from publisher.web.prepared import HELD_BYTES, Prepared, StoredFile
from publisher.web.table import MISSING, Table

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Given = dict[bytes, bytes]
"""The request's headers by name."""

SHORTLY: Headers = [(b"cache-control", b"public, max-age=60")]
_VALIDATORS = frozenset({b"etag", b"last-modified", b"accept-ranges"})
_END: dict[str, Any] = {"type": "http.response.body", "body": b"", "more_body": False}
_CHUNK_BYTES = 256 * 1024
_READERS = 2


class Told(NamedTuple):
    """What came of a request, for the counts."""

    kind: str
    status: int


async def tell(send: Send, status: int, headers: Headers, body: bytes = b"") -> None:
    """A whole answer at once."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False} if body else _END)


class Files:
    """Answers from one table, which may be replaced at any moment by another. `fresh`: how long answers hold."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self.table = table
        self._clock = clock
        self.fresh: Headers = SHORTLY
        self._fresh_line = b""
        self.hold(60)
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="pages")

    def hold(self, age_s: int) -> None:
        """From now on answers hold so long."""
        value = b"public, max-age=%d" % age_s
        self.fresh, self._fresh_line = [(b"cache-control", value)], b"cache-control: %s\r\n" % value

    def at_once(self, url: bytes, given: Given) -> tuple[Told, bytes, bytes] | None:
        """Head and body for a plain GET of a file in memory, all but the empty line; None when there is more to it."""
        prepared = self.table.ready.get(url)
        if prepared is None or prepared.status != 200 or prepared.kind.holds_s or b"range" in given:
            return None
        prepared.used = True
        variants = prepared.variants
        variant = variants.get(coding(given.get(b"accept-encoding", b""))) or variants[""]
        if self._known(prepared, given):
            return Told(prepared.kind.kind, 304), variant.unchanged_head + self._fresh_line, b""
        return Told(prepared.kind.kind, 200), variant.whole_head + self._fresh_line, variant.body

    def close(self) -> None:
        self._readers.shutdown(wait=False, cancel_futures=True)

    async def answer(self, scope: Scope, given: Given, send: Send) -> Told:
        """To GET and HEAD."""
        table = self.table
        prepared = table.ready.get(scope["raw_path"])
        if prepared is None:
            return await self._look(table, scope, given, send)
        return await self._prepared(prepared, scope, given, send)

    async def _look(self, table: Table, scope: Scope, given: Given, send: Send) -> Told:
        """What is not in memory under this very spelling."""
        path = scope["path"]
        address = table.find(path)
        if address is None:
            moved = table.redirect(path) or self._root(path)
            return await (self._moved(moved, scope, send) if moved else self.missing(send))
        prepared = table.ready.get(address)
        if prepared is None:
            file = table.files[address]
            if file.size > HELD_BYTES:
                return await self._large(file, scope, given, send)
            prepared = await self._load(table, address)
        if prepared is None:
            return await self.missing(send)
        return await self._prepared(prepared, scope, given, send)

    async def _load(self, table: Table, address: bytes) -> Prepared | None:
        loop = asyncio.get_running_loop()
        # Many may ask at once: whoever comes to the front of the queue after the first finds it there.
        prepared = await loop.run_in_executor(
            self._readers, lambda: table.ready.get(address) or table.load(address)
        )
        if prepared is not None and table.ready.get(address) is not prepared:
            table.keep(address, prepared)
        return prepared

    def _root(self, path: str) -> str | None:
        """A site below a path is found from the root of its host."""
        base = self.table.shelf.base
        return base if path in ("/", base.rstrip("/")) and path != base else None

    async def _prepared(self, prepared: Prepared, scope: Scope, given: Given, send: Send) -> Told:
        prepared.used = True
        kind, status = prepared.kind.kind, prepared.status
        if b"range" in given and status == 200 and scope["method"] == "GET":
            return await self._partial(prepared, given, send)
        variants = prepared.variants
        variant = variants.get(coding(given.get(b"accept-encoding", b""))) or variants[""]
        fresh = self._fresh(prepared, scope)
        if status == 200 and self._known(prepared, given):
            await send({"type": "http.response.start", "status": 304, "headers": variant.unchanged + fresh})
            await send(_END)
            return Told(kind, 304)
        await send({"type": "http.response.start", "status": status, "headers": variant.whole + fresh})
        await send({"type": "http.response.body", "body": variant.body, "more_body": False})
        return Told(kind, status)

    def _known(self, prepared: Prepared, given: Given) -> bool:
        """Whether the reader has it already; the usual spellings of its tag are found without parsing."""
        return given.get(b"if-none-match") in prepared.spelled or self._unchanged(
            given, prepared.tags, prepared.file.changed
        )

    def _unchanged(self, given: Given, tags: Collection[bytes], changed: int | None) -> bool:
        """The tag before the date. Dates are compared, not matched: many readers send one of their own.

        A date that is still to come says nothing (RFC 9110 §13.1.3), else it would hold back every later change.
        """
        tag = given.get(b"if-none-match")
        if tag is not None:
            return matches(tag, tags)
        since = given.get(b"if-modified-since")
        moment = seconds(since) if since is not None else None
        if changed is None or moment is None:
            return False
        return moment == changed or changed < moment <= self._clock().timestamp()

    def _fresh(self, prepared: Prepared, scope: Scope) -> Headers:
        named = scope["query_string"] == prepared.version
        return _lasting(A_YEAR_S) if named else self._holding(prepared.kind)

    def _holding(self, kind: FileKind) -> Headers:
        return _lasting(kind.holds_s) if kind.holds_s else self.fresh

    async def _partial(self, prepared: Prepared, given: Given, send: Send) -> Told:
        """Ranges are of the bytes as they are, never of a coding of them."""
        variant = prepared.variants[""]
        fresh = self._holding(prepared.kind)
        if self._known(prepared, given):
            await tell(send, 304, variant.unchanged + fresh)
            return Told(prepared.kind.kind, 304)
        size = len(variant.body)
        part = _range(given, variant.tag, prepared.changed_text, size)
        status, headers = _part_headers(part, variant.whole, size)
        body = variant.body[part[0] : part[1]] if isinstance(part, tuple) else variant.body
        await tell(send, status, headers + fresh, b"" if status == 416 else body)
        return Told(prepared.kind.kind, status)

    # -- what is too large for memory

    async def _large(self, file: StoredFile, scope: Scope, given: Given, send: Send) -> Told:
        """Read while it is sent; its tag is made of size and time, as its bytes are not all at hand."""
        shelf, kind = self.table.shelf, kind_of(file.path)
        loop = asyncio.get_running_loop()
        try:
            opened = await loop.run_in_executor(self._readers, (shelf.folder / file.path).open, "rb")
        except OSError:
            return await self.missing(send)
        with opened:
            return await self._stream(opened, file, kind, scope, given, send)

    async def _stream(
        self, opened: BinaryIO, file: StoredFile, kind: FileKind, scope: Scope, given: Given, send: Send
    ) -> Told:
        status = os.fstat(opened.fileno())
        size, name = status.st_size, b"%x-%x" % (status.st_size, status.st_mtime_ns)
        tag, preparing = b'"' + name + b'"', self.table.shelf.preparing
        validators = preparing.validators(file, kind, tag)
        fresh = self._holding(kind)
        if self._unchanged(given, frozenset({name}), file.changed):
            await tell(send, 304, validators + fresh)
            return Told(kind.kind, 304)
        head = [
            *preparing.security, (b"content-type", kind.content_type.encode()),
            (b"content-length", str(size).encode()), *validators, (b"accept-ranges", b"bytes"),
        ]  # fmt: skip
        part = "whole" if scope["method"] == "HEAD" else _range(given, tag, b"", size)
        code, headers = _part_headers(part, head, size)
        await send({"type": "http.response.start", "status": code, "headers": headers + fresh})
        if code != 416 and scope["method"] != "HEAD":
            await self._chunks(opened, *(part if isinstance(part, tuple) else (0, size)), send)
        await send(_END)
        return Told(kind.kind, code)

    async def _chunks(self, opened: BinaryIO, first: int, end: int, send: Send) -> None:
        loop = asyncio.get_running_loop()
        opened.seek(first)
        while first < end:
            data = await loop.run_in_executor(self._readers, opened.read, min(_CHUNK_BYTES, end - first))
            if not data:
                return  # cut short meanwhile: the connection ends with fewer bytes than were announced
            first += len(data)
            await send({"type": "http.response.body", "body": data, "more_body": True})

    # -- what is elsewhere or nowhere

    async def _moved(self, where: str, scope: Scope, send: Send) -> Told:
        query = scope["query_string"]
        target = where.encode("ascii") + (b"?" + query if query else b"")
        security = self.table.shelf.preparing.security
        headers = [*security, (b"location", target), (b"content-length", b"0"), *self.fresh]
        await tell(send, 301, headers)
        return Told("page", 301)

    async def missing(self, send: Send) -> Told:
        """The site's own page for it, or one line before there is a site."""
        table = self.table
        page = table.ready.get(table.shelf.address(MISSING))
        if page is None:
            headers = [
                *table.shelf.preparing.security, (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"10"),
            ]  # fmt: skip
            await tell(send, 404, headers + SHORTLY, b"Not Found\n")
        else:
            variant = page.variants[""]
            kept = [(name, value) for name, value in variant.whole if name not in _VALIDATORS]
            await tell(send, 404, kept + SHORTLY, variant.body)
        return Told("none", 404)


def _lasting(seconds: int) -> Headers:
    """For what need not be asked for again."""
    return [(b"cache-control", b"public, max-age=%d, immutable" % seconds)]


def _range(given: Given, tag: bytes, changed_text: bytes, size: int) -> tuple[int, int] | str:
    """What of it is wanted; If-Range must name these very bytes."""
    condition = given.get(b"if-range")
    if b"range" not in given or (condition is not None and condition not in (tag, changed_text or tag)):
        return "whole"
    return byte_range(given[b"range"], size)


def _part_headers(part: tuple[int, int] | str, whole: Headers, size: int) -> tuple[int, Headers]:
    """Status and headers of a part, from those of the whole."""
    if part == "whole":
        return 200, whole
    rest = [(name, value) for name, value in whole if name != b"content-length"]
    if isinstance(part, str):
        return 416, [*rest, (b"content-range", b"bytes */%d" % size), (b"content-length", b"0")]
    first, end = part
    shown = (b"content-range", b"bytes %d-%d/%d" % (first, end - 1, size))
    return 206, [*rest, shown, (b"content-length", str(end - first).encode())]
