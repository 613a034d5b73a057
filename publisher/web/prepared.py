"""A file of the site made ready to be sent: its bytes in every coding, and the headers that go with each."""

from __future__ import annotations

import gzip
import hashlib
from email.utils import formatdate
from typing import Final
from urllib.parse import quote

import brotli
from msgspec import Struct, field

from publisher.web.answers import Headers
from publisher.web.conditional import Coding
from publisher.web.kinds import FileKind

HELD_BYTES: Final = 4_000_000
"""A larger file is not kept in memory: it is read while it is sent."""

_SUFFIX: Final[dict[Coding, bytes]] = {"": b"", "gzip": b"-gz", "br": b"-br"}
_WORTH_BYTES = 200  # below that a compressed answer saves less than its header costs
_MOST, _QUICK = (9, 9), (6, 5)  # levels of gzip and brotli: once at a publication, and while somebody waits


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file of the public folder as it was found. `changed`: when its bytes came to be, in seconds since 1970."""

    path: str
    size: int
    mtime_ns: int
    changed: int | None  # None: not known yet
    status: int = 200  # 410: the page of an entry that was withdrawn; 404: the page for what is not there


class Variant(Struct, frozen=True):
    """A file in one coding, with the headers of a whole answer and those of "not modified"."""

    body: bytes
    tag: bytes  # with its quotes
    whole: Headers
    unchanged: Headers
    whole_head: bytes  # as they are sent, but for what depends on the moment
    unchanged_head: bytes


class Prepared(Struct):
    """A file in every coding, which share one validator date and know each other's tags."""

    file: StoredFile
    kind: FileKind
    status: int
    tags: frozenset[bytes]  # without quotes
    spelled: frozenset[bytes]  # as most readers send them: found without parsing
    changed_text: bytes
    variants: dict[Coding, Variant]
    weight: int
    version: bytes = b""  # the query that names these very bytes: style.css?v=1a2b3c4d
    used: bool = field(default=True)


class Preparing(Struct, frozen=True):
    """How files of one site are made ready. `security` goes with every whole answer; `hub` may be ''."""

    site_url: str
    security: Headers
    hub: str = ""

    def prepare(self, file: StoredFile, kind: FileKind, data: bytes, *, most: bool = False) -> Prepared:
        """Compressed as well as it goes when `most`, else as quickly as is sensible."""
        digest = hashlib.sha256(data).hexdigest()
        name = digest[:32].encode()
        bodies = _coded(data, _levels(kind, most=most))
        variants = {coding: self._variant(file, kind, body, coding, name) for coding, body in bodies.items()}
        tags = frozenset(name + suffix for suffix in _SUFFIX.values())
        return Prepared(
            file=file, kind=kind, status=file.status, tags=tags,
            spelled=frozenset(b"%s%s" % (weak, variants[c].tag) for c in variants for weak in (b"", b"W/")),
            changed_text=_http_date(file.changed), variants=variants,
            weight=sum(len(body) for body in bodies.values()) + 4_000, version=b"v=" + digest[:8].encode(),
        )  # fmt: skip

    def _variant(self, file: StoredFile, kind: FileKind, body: bytes, coding: Coding, name: bytes) -> Variant:
        tag = b'"' + name + _SUFFIX[coding] + b'"'
        unchanged = self.validators(file, kind, tag)
        whole = [
            *self.security,
            (b"content-type", kind.content_type.encode()),
            (b"content-length", str(len(body)).encode()),
            *unchanged,
        ]
        if coding:
            whole.append((b"content-encoding", coding.encode()))
        if file.status == 200:
            whole.append((b"accept-ranges", b"bytes"))
        whole += self._links(file, kind)
        return Variant(
            body, tag, whole, unchanged, _head(b"200 OK", whole), _head(b"304 Not Modified", unchanged)
        )

    def validators(self, file: StoredFile, kind: FileKind, tag: bytes) -> Headers:
        """All that a "not modified" carries: the rest holds as it was kept. Cache-Control joins them at the last."""
        headers = [(b"etag", tag)]
        if file.changed is not None:
            headers.append((b"last-modified", _http_date(file.changed)))
        if kind.text:
            headers.append((b"vary", b"accept-encoding"))
        return headers

    def _links(self, file: StoredFile, kind: FileKind) -> Headers:
        """WebSub wants exactly one self, equal to the address in the feed, and the hub."""
        if kind.kind != "feed":
            return []
        links = [f'<{self.site_url}{quoted(file.path)}>; rel="self"']
        if self.hub and "/" not in file.path:  # it is told of the feeds of the whole site
            links.append(f'<{self.hub}>; rel="hub"')
        return [(b"link", ", ".join(links).encode("ascii", "ignore"))]


def quoted(path: str) -> str:
    """A path as it stands in addresses: the one spelling under which it is known here."""
    return quote(path, safe="/~:@!$&'()*+,;=-._", errors="surrogateescape")


def _head(status: bytes, headers: Headers) -> bytes:
    """The first lines of an answer, to be joined by others."""
    lines = (b"%s: %s\r\n" % header for header in headers)
    return b"".join((b"HTTP/1.1 ", status, b"\r\n", *lines))


def _http_date(seconds: int | None) -> bytes:
    return b"" if seconds is None else formatdate(seconds, usegmt=True).encode()


def _levels(kind: FileKind, *, most: bool) -> tuple[int, int] | None:
    """Of gzip and brotli; None for what is compressed already."""
    if not kind.text:
        return None
    return _MOST if most else _QUICK


def _coded(data: bytes, levels: tuple[int, int] | None) -> dict[Coding, bytes]:
    """The codings that make it smaller."""
    coded: dict[Coding, bytes] = {"": data}
    if levels is None or len(data) < _WORTH_BYTES:
        return coded
    # mtime=0: the same bytes for the same page, whenever it is compressed.
    tighter: dict[Coding, bytes] = {
        "br": brotli.compress(data, mode=brotli.MODE_TEXT, quality=levels[1]),
        "gzip": gzip.compress(data, levels[0], mtime=0),
    }
    return coded | {coding: body for coding, body in tighter.items() if len(body) < len(data)}
