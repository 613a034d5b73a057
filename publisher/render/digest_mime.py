"""A digest as bytes for the wire: frozen once for all readers, spliced for each with only what is theirs.

Both bodies are base64. Whole rows of 57 bytes before the first word that differs between readers are encoded
once, so that a reader costs the encoding of a few hundred bytes. A spliced message needs no dot-stuffing
(no line begins with a dot), has CRLF line ends and no line over 998 octets.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from publisher.core.delivery import message_id
from publisher.core.errors import StoreError
from publisher.core.token import PATHS
from publisher.render.digest_fit import Form
from publisher.render.digest_headings import one_line

_FORMAT = 2
_KNOWN_FORMATS = (1, 2)  # the first one knew no links of readers: what was frozen then is sent as it was
_ROW = 57  # bytes of a base64 line of 76 characters
_WORD = 39  # bytes of an encoded word: 52 characters and its frame stay within RFC 2047's line of 76
_FIELDS = ("email", "since", "unsubscribe", "preferences", "view")
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+")
_PLANE_ENDS = "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_NOT_PRINTABLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]")
_URL = re.compile(r"[!-;=?-~]+")  # printable ASCII without < and >
_TOKEN = re.compile(r"[\w.~-]{1,300}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What lets a reader act without a password: whoever holds one of them may, so none is ever shown."""

    unsubscribe: str = field(repr=False)
    preferences: str = field(repr=False)
    view: str = field(repr=False)


class Reader(Struct, frozen=True, kw_only=True):
    """What a message says about its reader. Only these words differ between the readers of a mailing."""

    uid: str
    email: str
    since: date | None = None  # the day of the subscription; None: not told
    tokens: Tokens | None = None  # wanted when the mailing leads readers to a site that answers them


class Shortened(Struct, frozen=True, kw_only=True):
    """An entry that the digest does not carry whole, and how much of it there is."""

    uid: str
    form: Form


class MailingKey(Struct, frozen=True, kw_only=True):
    """What Message-IDs are made of, beside the reader's uid: the same after any restart."""

    publication: str
    kind: str
    day: date
    sequence: int
    host: str


class Part(Struct, frozen=True):
    """A body: `rows` are finished base64 lines, `tail` is text by turns literal and name of a field."""

    rows: bytes
    tail: tuple[bytes, ...]


class Frozen(Struct, frozen=True, kw_only=True):
    """A mailing's message for all its readers.

    `to_bytes` is what the store keeps; splicing it after a restart gives the same messages byte for byte.
    """

    head: bytes  # headers that all readers share
    text: Part
    html: Part
    boundary: str
    key: MailingKey
    unsubscribe_to: str  # the address that takes "unsubscribe" by mail; "": nobody reads such mail
    manage_url: str = ""  # of the site where readers unsubscribe and choose; "": there is none
    since: str  # "{day}" within its words, as the footer puts it
    subject: str
    html_bytes: int  # decoded, without what is spliced
    shortened: tuple[Shortened, ...] = ()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @property
    def message_bytes(self) -> int:
        """About the size of one message on the wire."""
        tails = sum(len(piece) for part in (self.text, self.html) for piece in part.tail) * 4 // 3
        return len(self.head) + len(self.text.rows) + len(self.html.rows) + tails + 800

    def to_bytes(self) -> bytes:
        """One line of JSON; equal digests give equal bytes."""
        value = {
            "format": _FORMAT,
            "head": self.head.decode(),
            "text": _part_to_json(self.text),
            "html": _part_to_json(self.html),
            "boundary": self.boundary,
            "publication": self.key.publication,
            "kind": self.key.kind,
            "day": self.key.day.isoformat(),
            "sequence": self.key.sequence,
            "host": self.key.host,
            "unsubscribe_to": self.unsubscribe_to,
            "manage_url": self.manage_url,
            "since": self.since,
            "subject": self.subject,
            "html_bytes": self.html_bytes,
            "shortened": [[one.uid, one.form] for one in self.shortened],
        }
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Frozen:
        """The digest that `to_bytes` wrote. Raises StoreError for another version's."""
        value: dict[str, Any] = json.loads(data)
        if value.get("format") not in _KNOWN_FORMATS:
            raise StoreError(
                "a frozen digest has the format {format}, this version knows {known}",
                format=value.get("format"),
                known=_FORMAT,
            )
        return cls(
            head=value["head"].encode(),
            text=_part_from_json(value["text"]),
            html=_part_from_json(value["html"]),
            boundary=value["boundary"],
            key=MailingKey(
                publication=value["publication"],
                kind=value["kind"],
                day=date.fromisoformat(value["day"]),
                sequence=value["sequence"],
                host=value["host"],
            ),
            unsubscribe_to=value["unsubscribe_to"],
            manage_url=value.get("manage_url", ""),
            since=value["since"],
            subject=value["subject"],
            html_bytes=value["html_bytes"],
            shortened=tuple(Shortened(uid=uid, form=form) for uid, form in value["shortened"]),
        )

    def message_id(self, reader: Reader) -> str:
        """The Message-ID of this mailing to this reader, with its angle brackets; never another one."""
        key = self.key
        return message_id(key.publication, key.kind, key.day, key.sequence, reader.uid, key.host)


def splice(frozen: Frozen, reader: Reader) -> list[bytes]:
    """The message to one reader as segments to be written one after another; the large ones are not copied.

    Raises ValueError for an address or token that could not have passed the door (control characters, spaces).
    """
    links = _links(frozen, reader)
    words = _reader_words(frozen, reader, links)
    boundary = frozen.boundary.encode("ascii")
    return [
        frozen.head,
        _reader_headers(frozen, reader, links),
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n'
        b"--" + boundary + b"\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        frozen.text.rows,
        _tail(frozen.text, words, str),
        b"--" + boundary + b"\r\n"
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        frozen.html.rows,
        _tail(frozen.html, words, html.escape),
        b"--" + boundary + b"--\r\n",
    ]


def html_of(frozen: Frozen, reader: Reader) -> bytes:
    """The HTML of that message as the reader's mail program sees it."""
    words = _reader_words(frozen, reader, _links(frozen, reader))
    return base64.b64decode(frozen.html.rows) + base64.b64decode(_tail(frozen.html, words, html.escape))


def make_part(body: str, marks: dict[str, str]) -> Part:
    """The body with every mark (field → the text that stands for it) kept open for `splice`."""
    by_text = {text: name for name, text in marks.items()}
    pattern = "(" + "|".join(map(re.escape, by_text)) + ")"
    pieces = re.split(pattern, canonical(body))
    first = pieces[0].encode()
    whole = len(first) if len(pieces) == 1 else len(first) // _ROW * _ROW
    tail = [first[whole:]]
    for at, piece in enumerate(pieces[1:]):
        tail.append((piece if at % 2 else by_text[piece]).encode())
    return Part(_base64_lines(first[:whole]), tuple(tail))


def printable(body: str) -> str:
    """Without the code points that no HTML may hold: controls, halves of surrogates, non-characters."""
    return _NOT_PRINTABLE.sub("", body)


def canonical(body: str) -> str:
    """Text with CRLF line ends, as RFC 2046 wants it under base64 too."""
    return body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def make_headers(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers one after another; values are finished (`encoded`, `mailbox`), perhaps folded by CRLF SP."""
    lines = []
    for name, value in headers:
        if set("\r\n") & set(value.replace("\r\n ", " ")):
            raise ValueError(f"a line break in the header {name}")
        lines.append(f"{name}: {value}\r\n".encode())
    return b"".join(lines)


def encoded(value: str) -> str:
    """Unstructured text for a header: as it is when it is short ASCII, else as RFC 2047 words of UTF-8."""
    value = one_line(value)
    if value.isascii() and len(value) <= 60 and "=?" not in value:
        return value
    return "\r\n ".join(
        f"=?utf-8?b?{base64.b64encode(chunk).decode('ascii')}?=" for chunk in _chunks(value, _WORD)
    )


def mailbox(name: str, address: str) -> str:
    """`name <address>`: the name quoted or encoded, so that nothing in it can become an address."""
    name = one_line(name)
    if not name:
        return check_address(address)
    if name.isascii() and len(name) <= 60 and "=?" not in name:
        shown = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    else:
        shown = encoded(name)
    return f"{shown} <{check_address(address)}>"


def list_id(name: str, host: str) -> str:
    """RFC 2919: a phrase and an identifier with at least one dot."""
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    return f"{encoded(name)} <{host if '.' in host else 'digest.' + (host or 'localhost')}>"


def check_address(address: str) -> str:
    """The address, if it can stand in a header by itself."""
    if not _ADDRESS.fullmatch(address) or len(address) > 254 or one_line(address) != address:
        raise ValueError(f"not an address for a header: {address!r}")
    return address


class _Links(Struct, frozen=True, kw_only=True):
    """Where a reader may go, as full addresses; "" where there is no site that answers."""

    one_click: str = ""  # RFC 8058: takes the POST of a mail program
    unsubscribe: str = ""
    preferences: str = ""
    view: str = ""


def _links(frozen: Frozen, reader: Reader) -> _Links:
    site, tokens = frozen.manage_url, reader.tokens
    if not site:
        return _Links()
    if tokens is None:
        raise ValueError(f"no tokens for {reader.uid!r}")
    leave = _check_token(tokens.unsubscribe)
    return _Links(
        one_click=_check_url(f"{site}u/{leave}"),
        unsubscribe=_check_url(site + PATHS["unsubscribe"] + leave),
        preferences=_check_url(site + PATHS["preferences"] + _check_token(tokens.preferences)),
        view=_check_url(site + PATHS["view"] + _check_token(tokens.view)),
    )


def _reader_headers(frozen: Frozen, reader: Reader, links: _Links) -> bytes:
    ways = [f"<{links.one_click}>"] if links.one_click else []
    if frozen.unsubscribe_to:
        ways.append(f"<{_mailto(frozen, reader)}>")
    # On one line: some signers and verifiers disagree about the folding of List-Unsubscribe.
    lines = [
        f"To: {check_address(reader.email)}",
        f"Message-ID: {frozen.message_id(reader)}",
        f"List-Unsubscribe: {', '.join(ways)}",
    ]
    if links.one_click:
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _reader_words(frozen: Frozen, reader: Reader, links: _Links) -> dict[bytes, str]:
    since = frozen.since.format(day=reader.since.isoformat()) if reader.since else ""
    values = (
        check_address(reader.email),
        since,
        links.unsubscribe or _mailto(frozen, reader),
        links.preferences,
        links.view,
    )
    return dict(zip((name.encode() for name in _FIELDS), values, strict=True))


def _tail(part: Part, words: dict[bytes, str], escape: Callable[[str], str]) -> bytes:
    pieces = [escape(words[piece]).encode() if at % 2 else piece for at, piece in enumerate(part.tail)]
    return _base64_lines(b"".join(pieces))


def _mailto(frozen: Frozen, reader: Reader) -> str:
    address = quote(check_address(frozen.unsubscribe_to), safe="@+")
    return f"mailto:{address}?subject={quote(f'unsubscribe {reader.uid}', safe='')}"


def _check_token(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise ValueError("not a token for an address")
    return token


def _check_url(url: str) -> str:
    if not _URL.fullmatch(url) or len(url) > 500:
        raise ValueError(f"not an address for a header: {url!r}")
    return url


def _base64_lines(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _chunks(value: str, most: int) -> Iterable[bytes]:
    """The text as UTF-8 in pieces of at most `most` bytes, never cut inside a character."""
    chunk = b""
    for char in value:
        one = char.encode()
        if len(chunk) + len(one) > most:
            yield chunk
            chunk = b""
        chunk += one
    yield chunk


def _part_to_json(part: Part) -> dict[str, object]:
    tail = [base64.b64encode(piece).decode("ascii") for piece in part.tail]
    return {"rows": part.rows.decode("ascii"), "tail": tail}


def _part_from_json(value: dict[str, Any]) -> Part:
    return Part(value["rows"].encode("ascii"), tuple(base64.b64decode(piece) for piece in value["tail"]))
